//! Doing what a script says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use drawbridge_client::{Client, ClientFault, Format, PolicyChange};
use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::message::ConnectionState;
use drawbridge_mtp::policy::Who;
use drawbridge_node::store::{Addition, Connection};
use drawbridge_node::{Decision, Node};
use drawbridge_testkit::BuiltIn;
use tokio::sync::Semaphore;

use crate::script::action::{Action, Kind, script};
use crate::script::apps::ThreeApps;
use crate::script::{checks, settled};

/// Actions that go on at one time.
const AT_ONCE: u32 = 8;
/// Groups of a script.
const GROUPS: u64 = 8;
/// An action that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(40);

struct Run {
    setup: ThreeApps,
    seed: u64,
    said: AtomicU64,
    made: AtomicU64,
}

/// Plays the script of a seed, and looks at what has become of it.
pub(crate) async fn run(seed: u64, actions: usize) {
    let began = std::time::Instant::now();
    let setup = ThreeApps::new().await;
    let run = Arc::new(Run { setup, seed, said: AtomicU64::new(0), made: AtomicU64::new(0) });
    let mut outages = Outages { starts: vec![None; 3], heals: vec![None; 3] };
    let places = Arc::new(Semaphore::new(AT_ONCE as usize));
    for (number, action) in script(seed, actions).into_iter().enumerate() {
        outages.passes(&run.setup, number).await;
        match action.kind {
            Kind::Kill | Kind::Cut => outages.begins(&run.setup, number, action).await,
            // Who crashes does nothing else meanwhile.
            Kind::Crash => {
                let _all = places.acquire_many(AT_ONCE).await.unwrap();
                if let Some((app, client)) = run.setup.someone(action.who) {
                    let uri = client.uri().clone();
                    drop(client);
                    app.crashes(&uri).await;
                }
            }
            _ => {
                let place = places.clone().acquire_owned().await.unwrap();
                let run = run.clone();
                tokio::spawn(async move {
                    if tokio::time::timeout(LONGEST, run.does(action)).await.is_err() {
                        run.setup.note_unexpected(format!("{action:?} never ends"));
                    }
                    drop(place);
                });
            }
        }
        tokio::time::sleep(action.pause).await;
    }
    outages.passes(&run.setup, usize::MAX).await;
    let _all = places.acquire_many(AT_ONCE).await.unwrap();
    let played = began.elapsed();
    let all_settled = settled::wait(&run.setup).await;
    let settled = began.elapsed() - played;
    let mut wrong = run.setup.unexpected();
    wrong.extend(all_settled.err());
    let (found, told) = checks::check(&run.setup).await;
    wrong.extend(found);
    println!("{actions} actions in {played:.1?}, settled {settled:.1?} later; {told}");
    assert!(
        wrong.is_empty(),
        "{}\nDRAWBRIDGE_SEED={seed} DRAWBRIDGE_ACTIONS={actions} plays it again",
        wrong.join("\n")
    );
}

/// What is broken, and until which action.
struct Outages {
    starts: Vec<Option<usize>>,
    heals: Vec<Option<usize>>,
}

impl Outages {
    async fn begins(&mut self, setup: &ThreeApps, number: usize, action: Action) {
        let which = action.who % setup.apps.len();
        let until = Some(number + 1 + action.how % 20);
        if action.kind == Kind::Kill && self.starts[which].is_none() {
            self.starts[which] = until;
            setup.apps[which].kill().await;
        } else if action.kind == Kind::Cut && self.heals[which].is_none() {
            self.heals[which] = until;
            setup.networks[which].cuts_after((action.place % 20_000) as u64);
            setup.networks[which].cuts();
        }
    }

    /// Puts in order what is due before the action `number`.
    async fn passes(&mut self, setup: &ThreeApps, number: usize) {
        for which in 0..setup.apps.len() {
            if self.starts[which].take_if(|until| *until <= number).is_some() {
                setup.apps[which].start().await;
            }
            if self.heals[which].take_if(|until| *until <= number).is_some() {
                setup.networks[which].heals();
                // What was cut after so many bytes would be cut even now.
                setup.networks[which].cuts();
                // The operators of the others try again.
                for app in setup.apps.iter().filter(|app| app.is_running()) {
                    let (node, peer) =
                        (app.test_node().node(), setup.apps[which].test_node().provider().clone());
                    app.does(async move { node.operator().retry_peer(&peer).await }).await;
                }
            }
        }
    }
}

impl Run {
    async fn does(&self, action: Action) {
        match action.kind {
            Kind::Create => self.creates(action).await,
            Kind::Connect => self.connects(action).await,
            Kind::Decide | Kind::End => self.decides(action).await,
            Kind::AtOnce => self.at_once(action).await,
            Kind::Kill | Kind::Cut | Kind::Crash => unreachable!("nobody does that"),
            _ => self.in_a_group(action).await,
        }
    }

    async fn creates(&self, action: Action) {
        if self.made.fetch_add(1, Ordering::SeqCst) >= GROUPS {
            return;
        }
        let Some((app, client)) = self.setup.someone(action.who) else { return };
        let add = if action.place.is_multiple_of(3) { Who::Admins } else { Who::Members };
        let send = if action.whom.is_multiple_of(9) { Who::Admins } else { Who::Members };
        let suites = Client::<drawbridge_node::InProcessHome>::cipher_suites();
        let suite = action.how.is_multiple_of(3).then(|| suites[action.how % suites.len()]);
        let uri = client.uri().clone();
        let name = format!("Made in {}", action.how);
        let made = app.does(async move { client.create_group(&name, add, send, suite).await }).await;
        if let Some(group) = self.setup.expects("makes a group", made) {
            self.setup.keeps_start(app, &uri, &group).await;
        }
    }

    async fn connects(&self, action: Action) {
        let Some((app, client)) = self.setup.someone(action.who) else { return };
        let users = self.setup.users();
        let whom = users[action.whom % users.len()].clone();
        let asked = app.does(async move { client.ask_to_connect(&whom).await }).await;
        self.setup.expects("asks for a connection", asked);
    }

    async fn decides(&self, action: Action) {
        let app = &self.setup.apps[action.who % self.setup.apps.len()];
        if !app.is_running() {
            return;
        }
        let node = app.test_node().node();
        app.does(async move {
            match action.kind {
                Kind::End => ends(&node, action.whom).await,
                _ => decides_all(&node, |number| !(action.how + number).is_multiple_of(10)).await,
            }
        })
        .await;
    }

    async fn at_once(&self, action: Action) {
        let Some((app, one, group)) = self.setup.member(action.who, action.place).await else { return };
        let another = async {
            let count = self.setup.clients.len();
            for step in 0..count {
                let (app, other) = self.setup.someone(action.whom + step)?;
                if other.uri() != one.uri() && self.setup.groups_of(app, &other).await.contains(&group) {
                    return Some((app, other));
                }
            }
            None
        };
        let other = another.await;
        let (name, text) = (format!("At once {}", action.how), self.text());
        let here = {
            let (one, group) = (one.clone(), group.clone());
            app.does(async move { renames_or_renews(&one, &group, name).await })
        };
        let there = async {
            let (app, other) = other?;
            let group = group.clone();
            app.does(async move {
                other.renew(&group).await?;
                other.send(&group, &text, Format::Plain, None).await.map(drop)
            })
            .await
        };
        let (here, there) = tokio::join!(here, there);
        self.setup.expects("renames or renews", here);
        self.setup.expects("renews and talks", there);
    }

    async fn in_a_group(&self, action: Action) {
        let Some((app, client, group)) = self.setup.member(action.who, action.place).await else { return };
        let texts: Vec<String> =
            (0..if action.kind == Kind::Burst { 10 } else { 1 }).map(|_| self.text()).collect();
        let users = self.setup.users();
        let done = app.does(async move { in_group(&client, &group, action, texts, users).await }).await;
        self.setup.expects(&format!("does {:?}", action.kind), done);
    }

    fn text(&self) -> String {
        format!("{}-{}", self.seed, self.said.fetch_add(1, Ordering::SeqCst))
    }
}

async fn in_group(
    client: &BuiltIn,
    group: &GroupUri,
    action: Action,
    texts: Vec<String>,
    users: Vec<drawbridge_mtp::id::UserUri>,
) -> Result<(), ClientFault> {
    let about = client.about(group).await?;
    let member =
        about.members.get(action.whom % about.members.len().max(1)).map(|member| member.user.clone());
    match action.kind {
        Kind::Add => client.ask_to_add(group, &users[action.whom % users.len()]).await.map(drop),
        Kind::AddOwn => client.add_own_clients(group).await,
        Kind::Remove => match member {
            Some(member) => client.remove(group, &member).await,
            None => Ok(()),
        },
        Kind::Leave => client.leave(group).await,
        Kind::Renew => client.renew(group).await,
        Kind::JoinAnew => client.join_anew(group).await,
        Kind::Rename => {
            let change =
                PolicyChange { name: Some(format!("Name {}", action.how)), ..PolicyChange::default() };
            client.change_policy(group, change).await
        }
        Kind::Promote => {
            let mut admins: Vec<_> = about
                .members
                .iter()
                .filter(|member| member.admin)
                .map(|member| member.user.clone())
                .collect();
            admins.extend(member.filter(|member| !admins.contains(member)));
            client
                .change_policy(group, PolicyChange { admins: Some(admins), ..PolicyChange::default() })
                .await
        }
        _ => {
            for text in texts {
                client.send(group, &text, Format::Plain, None).await?;
            }
            Ok(())
        }
    }
}

async fn renames_or_renews(client: &BuiltIn, group: &GroupUri, name: String) -> Result<(), ClientFault> {
    if client.about(group).await?.is_admin {
        client.change_policy(group, PolicyChange { name: Some(name), ..PolicyChange::default() }).await
    } else {
        client.renew(group).await
    }
}

/// The operator decides on everything that waits; `agrees` says how, by number.
pub(crate) async fn decides_all(node: &Node, agrees: impl Fn(usize) -> bool) {
    let waiting = node.store().read(|view| {
        Ok::<_, drawbridge_node::store::StoreFault>((
            view.requests::<Connection>()?,
            view.requests::<Addition>()?,
        ))
    });
    let Ok((connections, additions)) = waiting.await else { return };
    let mut number = 0;
    for row in connections.iter().filter(|row| !row.outgoing && row.is_open() && !row.unseen) {
        number += 1;
        let decision = if agrees(number) { Decision::Approve } else { Decision::Decline };
        // It may have been taken back meanwhile.
        let _ = node.operator().decide_connection(row.id, None, decision).await;
    }
    for row in additions.iter().filter(|row| !row.outgoing && row.is_open() && !row.unseen) {
        number += 1;
        let decision = if agrees(number) { Decision::Approve } else { Decision::Decline };
        let _ = node.operator().decide_authorization(row.id, None, decision).await;
    }
}

/// The operator ends one of the connections.
async fn ends(node: &Node, pick: usize) {
    let Ok(connections) = node.store().read(|view| view.requests::<Connection>()).await else { return };
    let approved: Vec<_> =
        connections.into_iter().filter(|row| row.state == ConnectionState::Approved).collect();
    if let Some(row) = approved.get(pick % approved.len().max(1)) {
        let _ = node.operator().decide_connection(row.id, None, Decision::End).await;
    }
}
