//! What has to be so once all has settled.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;

use drawbridge_client::{Delivery, LineKind, LineView, Notice, Standing as MemberStanding};
use drawbridge_mtp::chain::Head;
use drawbridge_mtp::id::{ClientUri, GroupUri, Provider};
use drawbridge_mtp::message::{Event, EventKind, ItemBody};
use drawbridge_node::store::{GroupRow, MemberRow, Reader, Standing};
use drawbridge_testkit::{DesktopApp, MembershipHistory, Stay};

use crate::script::apps::ThreeApps;

/// Looks at everything; says what is wrong, and how much there was.
pub(crate) async fn check(setup: &ThreeApps) -> (Vec<String>, String) {
    let mut wrong = Vec::new();
    let (mut groups, mut events, mut lines) = (0, 0, 0);
    let told = Told::read(setup).await;
    for app in &setup.apps {
        wrong.extend(troubles(setup, app).await);
        for row in setup.reads(app, |view| view.groups()).await.expect("the app runs") {
            if row.standing == Standing::Broken {
                wrong.push(format!(
                    "{} is broken at {}: {:?}",
                    row.uri,
                    app.test_node().provider(),
                    row.fault
                ));
            }
            if row.owner() != app.test_node().provider() {
                continue;
            }
            let Some(expected) = ExpectedGroup::of(setup, app, &row, &mut wrong).await else { continue };
            groups += 1;
            events += expected.log.len();
            expected.holds_at_providers(setup, &told, &mut wrong).await;
            for client in &setup.clients {
                lines += expected.holds_for(setup, &told, client, &mut wrong).await;
            }
        }
    }
    (wrong, format!("{groups} groups, {events} events, {lines} messages shown"))
}

/// A network that is cut and providers that die leave their traces; nothing else does.
async fn troubles(setup: &ThreeApps, app: &DesktopApp) -> Vec<String> {
    let ours = app.test_node().provider();
    let troubles = setup.reads(app, |view| view.latest_troubles(100)).await.expect("the app runs");
    // What a provider answers whose peer is dead just then, or has not heard of something yet; and in an app that is
    // killed, what has not ended may find its store closed; and whose answers are lost for half a minute keeps nothing of them.
    let passing = ["not-connected", "epoch-conflict", "key-unknown", "unavailable", "not-kept"];
    let unexpected = troubles.into_iter().filter(|(_, trouble)| {
        !["connect", "tls", "http", "document"].contains(&trouble.stage.as_str())
            && !passing.contains(&trouble.code.as_str())
    });
    unexpected.map(|(peer, trouble)| format!("{ours} has a trouble with {peer}: {trouble:?}")).collect()
}

/// What is so in a group, by its log.
struct ExpectedGroup {
    row: GroupRow,
    roster: BTreeMap<u32, ClientUri>,
    log: Vec<Event>,
    history: MembershipHistory,
}

impl ExpectedGroup {
    /// Reads the log of a group at its owner, and holds the owner's own tables against it.
    async fn of(
        setup: &ThreeApps,
        app: &DesktopApp,
        row: &GroupRow,
        wrong: &mut Vec<String>,
    ) -> Option<Self> {
        let (uri, log, members) =
            (row.uri.clone(), log(setup, app, row).await, members(setup, app, row).await);
        let first = members.first().map(|member| member.member.client.clone());
        if let Some(client) = first {
            // Where the one who made it was killed right behind that.
            setup.keeps_start(setup.app(client.provider()), &client, &uri).await;
        }
        let mut head = Head::EMPTY;
        for event in &log {
            match event.clone().follow(&uri, &head) {
                Ok(chained) => head = Head { seq: chained.event().seq, hash: chained.event().hash },
                Err(fault) => wrong.push(format!("the owner's log: {fault}")),
            }
        }
        if (head.seq, Some(head.hash)) != (row.head, row.hash) {
            wrong.push(format!("{uri}: the owner's log ends elsewhere than it says"));
        }
        let Some(start) = setup.start_of(&uri) else {
            if !members.is_empty() {
                wrong.push(format!("{uri} has no history"));
            }
            return None;
        };
        let history = MembershipHistory::of(&start, &log);
        let roster: BTreeMap<u32, ClientUri> =
            members.into_iter().map(|row| (row.member.leaf, row.member.client)).collect();
        if history.epoch() != row.epoch {
            wrong.push(format!("{uri}: the owner is at epoch {}, MLS at {}", row.epoch, history.epoch()));
        }
        if history.leaves() != roster {
            wrong.push(format!("{uri}: the owner has {roster:?}, MLS {:?}", history.leaves()));
        }
        Some(Self { row: row.clone(), roster, log, history })
    }

    /// Each provider has been told of what happened while it had members, and of nothing else; its copy is the owner's.
    async fn holds_at_providers(&self, setup: &ThreeApps, told: &Told, wrong: &mut Vec<String>) {
        let uri = &self.row.uri;
        let owner = setup.app(self.row.owner());
        for app in setup.apps.iter().filter(|app| app.test_node().provider() != self.row.owner()) {
            let provider = app.test_node().provider();
            let meant = self.meant_for(|client| client.provider() == provider);
            let told = told.of(owner, Reader::Peer(provider.clone()), uri);
            self.compare(&format!("{provider} is told"), told, &meant, wrong);
            let is_in = self.roster.values().any(|client| client.provider() == provider);
            let name = uri.clone();
            let Some(copy) = setup.reads(app, move |view| view.group(&name)).await.flatten() else {
                if is_in {
                    wrong.push(format!("{provider} does not know {uri}"));
                }
                continue;
            };
            for event in log(setup, app, &copy).await {
                if self.log.get(event.seq as usize - 1) != Some(&event) {
                    wrong.push(format!("{provider} has another event {} of {uri} than its owner", event.seq));
                }
                if !meant.contains(&event.seq) && event.seq >= self.history.since() {
                    wrong.push(format!("{provider} has event {} of {uri}, which is not for it", event.seq));
                }
            }
            if is_in {
                self.agrees(setup, app, &copy, provider, wrong).await;
            } else if copy.standing != Standing::Over {
                wrong.push(format!("{uri} is {:?} at {provider}, which has no member in it", copy.standing));
            }
        }
    }

    async fn agrees(
        &self,
        setup: &ThreeApps,
        app: &DesktopApp,
        copy: &GroupRow,
        provider: &Provider,
        wrong: &mut Vec<String>,
    ) {
        let uri = &self.row.uri;
        let members = members(setup, app, copy).await;
        let roster: BTreeMap<u32, ClientUri> =
            members.into_iter().map(|row| (row.member.leaf, row.member.client)).collect();
        if (copy.epoch, copy.head, copy.hash) != (self.row.epoch, self.row.head, self.row.hash) {
            wrong.push(format!(
                "{provider} is elsewhere in {uri} than its owner: {copy:?} and {:?}",
                self.row
            ));
        }
        if roster != self.roster {
            wrong.push(format!("{provider} has {roster:?} in {uri}, its owner {:?}", self.roster));
        }
    }

    /// A client was told of what happened while it was in the group and of nothing else, and shows each message of that
    /// time once, in the owner's order. Returns how many.
    async fn holds_for(
        &self,
        setup: &ThreeApps,
        told: &Told,
        client: &ClientUri,
        wrong: &mut Vec<String>,
    ) -> usize {
        let uri = &self.row.uri;
        let app = setup.app(client.provider());
        let meant = self.meant_for(|other| other == client);
        let told = told.of(app, Reader::Client(client.clone()), uri);
        self.compare(&format!("{client} is told"), told, &meant, wrong);

        let (built_in, name) = (app.built_in(client).expect("it runs"), uri.clone());
        let about = app.does(async move { built_in.about(&name).await.ok() }).await.flatten();
        let Some(about) = about else {
            if !meant.is_empty() {
                wrong.push(format!("{client} was in {uri}, and does not know it"));
            }
            return 0;
        };
        if self.roster.values().eq([client]) && about.standing == MemberStanding::Left {
            // Nobody is there to take out the last one, who has left all the same.
            return 0;
        }
        if self.roster.values().any(|member| member == client) {
            let mut own: Vec<ClientUri> = about.members.iter().flat_map(|one| one.clients.clone()).collect();
            let mut all: Vec<ClientUri> = self.roster.values().cloned().collect();
            own.sort();
            all.sort();
            if own != all || about.epoch != self.row.epoch || about.head != self.row.head {
                wrong.push(format!(
                    "{client} sees {own:?} at epoch {}, event {} in {uri}; its owner {all:?} at {}, {}",
                    about.epoch, about.head, self.row.epoch, self.row.head
                ));
            }
        } else if !matches!(about.standing, MemberStanding::Left | MemberStanding::Removed) {
            wrong.push(format!("{client} is {:?} in {uri}, and not a member", about.standing));
        }
        self.shows(client, &lines(setup, app, client, uri).await, wrong)
    }

    fn shows(&self, client: &ClientUri, lines: &[LineView], wrong: &mut Vec<String>) -> usize {
        let (uri, meant) = (&self.row.uri, self.messages_for(client));
        // Which event a message was: by who sent it and when. Of one instant there may be several, and some of an epoch
        // that the client cannot read: it is one of those that it can, in their order.
        let mut events: BTreeMap<(&ClientUri, u64), Vec<u64>> = BTreeMap::new();
        let said = self.log.iter().filter(|event| event.kind == EventKind::Application);
        for event in said.clone().filter(|event| !meant.contains(&event.seq)).rev() {
            events.entry((&event.sender, event.time.as_millis())).or_default().push(event.seq);
        }
        for event in said.filter(|event| meant.contains(&event.seq)).rev() {
            events.entry((&event.sender, event.time.as_millis())).or_default().push(event.seq);
        }
        let (mut shown, mut texts, mut gaps) = (Vec::new(), BTreeSet::new(), Vec::new());
        for line in lines {
            match &line.what {
                LineKind::Message(message) if message.state == Delivery::Accepted => {
                    if !texts.insert(&message.text) {
                        wrong.push(format!("{client} shows {:?} twice in {uri}", message.text));
                    }
                    let event = events.get_mut(&(&message.client, line.time.as_millis())).and_then(Vec::pop);
                    match event {
                        Some(seq) => shown.push(seq),
                        None => wrong.push(format!(
                            "{client} shows {:?} of {} in {uri}, which is not in the log",
                            message.text, message.client
                        )),
                    }
                }
                LineKind::Message(message) if message.state != Delivery::Failed => {
                    wrong.push(format!("{:?} of {client} is still {:?}", message.text, message.state));
                }
                LineKind::Notice(Notice::Gap { first, last }) => gaps.push(*first..=*last),
                LineKind::Notice(Notice::SentBefore { event }) => gaps.push(*event..=*event),
                _ => {}
            }
        }
        self.has_all(client, &meant, &shown, &gaps, wrong);
        shown.len()
    }

    /// The messages that a client can read: sent while it was in the group, and for an epoch that it was in.
    fn messages_for(&self, client: &ClientUri) -> BTreeSet<u64> {
        let stays = self.history.stays().get(client).map(Vec::as_slice).unwrap_or_default();
        let was_in = |event: &Event, stay: &Stay| {
            event.seq > stay.from
                && stay.until.is_none_or(|until| event.seq <= until)
                && event.epoch >= stay.epoch
        };
        let said = self.log.iter().filter(|event| event.kind == EventKind::Application);
        said.filter(|event| stays.iter().any(|stay| was_in(event, stay))).map(|event| event.seq).collect()
    }

    fn has_all(
        &self,
        client: &ClientUri,
        meant: &BTreeSet<u64>,
        shown: &[u64],
        gaps: &[RangeInclusive<u64>],
        wrong: &mut Vec<String>,
    ) {
        let uri = &self.row.uri;
        if !shown.is_sorted() {
            wrong.push(format!(
                "{client} shows the messages of {uri} in another order than the log: {shown:?}"
            ));
        }
        let stays = self.history.stays().get(client).map(Vec::as_slice).unwrap_or_default();
        let shown: BTreeSet<u64> = shown.iter().copied().collect();
        // Where it joined anew it may have read what it could before.
        let again = stays.windows(2).any(|pair| pair[0].until == Some(pair[1].from));
        let known = |seq: &u64| self.history.knows_of(&self.log[*seq as usize - 1]);
        for seq in shown.difference(meant).filter(|seq| known(seq)) {
            let there =
                stays.iter().any(|stay| *seq > stay.from && stay.until.is_none_or(|until| *seq <= until));
            if !(again && there) {
                wrong.push(format!("{client} shows event {seq} of {uri}, which is not for it: {stays:?}"));
            }
        }
        let lost: Vec<u64> = meant.difference(&shown).copied().collect();
        let untold: Vec<u64> =
            lost.iter().copied().filter(|seq| !gaps.iter().any(|gap| gap.contains(seq))).collect();
        if !untold.is_empty() {
            wrong.push(format!(
                "{client} misses the events {untold:?} of {uri}, and does not say so: {stays:?}"
            ));
        }
        // Or it was taken out before it could: then what it lost is the last of that stay. What it said itself is shown all
        // the same: it knows that without reading it.
        let is_read = |seq: &&u64| self.log[**seq as usize - 1].sender != *client;
        let read: BTreeSet<u64> = shown.iter().filter(is_read).copied().collect();
        let at_its_end = |seq: &u64| {
            stays.iter().any(|stay| {
                let is_over = stay.until.is_some_and(|until| (stay.from..=until).contains(seq));
                is_over && read.range(seq..=&stay.until.unwrap_or(*seq)).next().is_none()
            })
        };
        if !lost.iter().all(at_its_end) && !stays.iter().any(|stay| stay.by_itself) {
            let told = |seq: &u64| {
                let event = &self.log[*seq as usize - 1];
                format!("{seq} of epoch {} by {}", event.epoch, event.sender)
            };
            let (lost_from, lost_until) = (lost[0], lost[lost.len() - 1]);
            let near =
                shown.range(lost_from.saturating_sub(5)..=lost_until + 20).map(told).collect::<Vec<_>>();
            wrong.push(format!(
                "{client} has lost the events {:?} of {uri}, shows {near:?}, and never joined anew: {stays:?}, {gaps:?}",
                lost.iter().map(told).collect::<Vec<_>>(),
            ));
        }
    }

    /// The events that one is told of, by who was in the group when.
    fn meant_for(&self, who: impl Fn(&ClientUri) -> bool) -> BTreeSet<u64> {
        let stays =
            self.history.stays().iter().filter(|(client, _)| who(client)).flat_map(|(_, stays)| stays);
        stays.flat_map(|stay| stay.from..=stay.until.unwrap_or(self.row.head)).collect()
    }

    fn compare(&self, what: &str, told: &[u64], meant: &BTreeSet<u64>, wrong: &mut Vec<String>) {
        let uri = &self.row.uri;
        let once: BTreeSet<u64> = told.iter().copied().collect();
        if once.len() != told.len() || !told.is_sorted() {
            wrong.push(format!("{what} of the events of {uri} more than once, or out of order: {told:?}"));
        }
        let since = self.history.since();
        let missing: Vec<_> = meant.difference(&once).collect();
        let beyond: Vec<_> = once.difference(meant).filter(|seq| **seq >= since).collect();
        if !missing.is_empty() || !beyond.is_empty() {
            wrong.push(format!("{what} too much of {uri}: {beyond:?}, or too little: {missing:?}"));
        }
    }
}

/// The events that every feed has told of, by the provider that keeps the feed, its reader and the group.
struct Told(HashMap<(Provider, Reader, GroupUri), Vec<u64>>);

impl Told {
    async fn read(setup: &ThreeApps) -> Self {
        let mut told = Self(HashMap::new());
        for app in &setup.apps {
            let ours = app.test_node().provider();
            let peers = setup.apps.iter().map(|app| Reader::Peer(app.test_node().provider().clone()));
            let clients = setup.clients.iter().filter(|client| client.provider() == ours);
            for reader in peers.chain(clients.cloned().map(Reader::Client)) {
                let whose = reader.clone();
                let slice = setup.reads(app, move |view| view.feed_slice(&whose, 0, 1_000_000, u64::MAX));
                for item in slice.await.expect("the app runs").items {
                    if let ItemBody::Event(event) = item.body {
                        let key = (ours.clone(), reader.clone(), event.group);
                        told.0.entry(key).or_default().push(event.seq);
                    }
                }
            }
        }
        told
    }

    fn of(&self, app: &DesktopApp, reader: Reader, group: &GroupUri) -> &[u64] {
        let key = (app.test_node().provider().clone(), reader, group.clone());
        self.0.get(&key).map(Vec::as_slice).unwrap_or_default()
    }
}

async fn log(setup: &ThreeApps, app: &DesktopApp, row: &GroupRow) -> Vec<Event> {
    let row = row.clone();
    let slice = setup.reads(app, move |view| view.log_slice(&row, 0, row.head, 1_000_000, u64::MAX)).await;
    slice.expect("the app runs").events
}

async fn members(setup: &ThreeApps, app: &DesktopApp, row: &GroupRow) -> Vec<MemberRow> {
    let id = row.id;
    setup.reads(app, move |view| view.members(id)).await.expect("the app runs")
}

async fn lines(setup: &ThreeApps, app: &DesktopApp, client: &ClientUri, group: &GroupUri) -> Vec<LineView> {
    let mut all: Vec<LineView> = Vec::new();
    loop {
        let (built_in, name) = (app.built_in(client).expect("it runs"), group.clone());
        let before = all.first().map(|line| line.place);
        let page = app.does(async move { built_in.conversation(&name, before, 500).await }).await;
        let mut page = setup.expects("reads a conversation", page).unwrap_or_default();
        if page.is_empty() {
            return all;
        }
        page.append(&mut all);
        all = page;
    }
}
