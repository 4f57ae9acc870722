//! One provider of a federation.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Provider, UserUri};
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_mtp::time::Timestamp;
use drawbridge_node::config::Config;
use drawbridge_node::diagnose::{Comparison, Report};
use drawbridge_node::store::{
    Addition, AuthorizationRow, Connection, ConnectionRow, GroupRow, RepairRow, RepairSubject, Standing,
    StoreFault, TroubleRow, View,
};
use drawbridge_node::{Decision, Node, PullingStatus, StartFault};
use parking_lot::Mutex;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{ApiClient, Clock, MlsClient, ScriptedPeer};

/// How long something may take that has to come. It only matters where it never does.
pub const WAIT_LIMIT: Duration = Duration::from_secs(110);

/// One provider: its configuration, and its node while that runs.
pub struct TestNode {
    config: Config,
    clock: Arc<Clock>,
    node: Mutex<Option<Node>>,
}

impl TestNode {
    pub(crate) fn new(config: Config, clock: Arc<Clock>) -> Self {
        Self { config, clock, node: Mutex::default() }
    }

    /// Its configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its name.
    pub fn provider(&self) -> &Provider {
        &self.config.provider
    }

    /// The federation's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Its node, which has to run.
    pub fn node(&self) -> Node {
        self.node.lock().clone().expect("the node is stopped")
    }

    /// Starts its node.
    pub async fn start(&self) {
        let node = self.node_to_be().await.unwrap();
        self.runs(node);
    }

    /// Starts its node so that it numbers what is no MLS message of its groups.
    pub async fn starts_foreign(&self) {
        self.runs(Node::start_foreign(self.config.clone(), self.clock.clone()).await.unwrap());
    }

    /// A node of this node that starts where it is awaited.
    pub(crate) fn node_to_be(&self) -> impl Future<Output = Result<Node, StartFault>> + Send + use<> {
        Node::start_in(self.config.clone(), self.clock.clone())
    }

    /// Takes a node as its own.
    pub(crate) fn runs(&self, node: Node) {
        assert!(self.node.lock().replace(node).is_none(), "it was started twice");
    }

    /// Gives up its node, which some other way has been made to end.
    pub(crate) fn loses(&self) -> Node {
        self.node.lock().take().expect("the node is stopped already")
    }

    /// Stops its node.
    pub async fn stop(&self) {
        self.loses().stop().await;
    }

    /// The address of a user of this name, whether or not there is one.
    pub fn address(&self, name: &str) -> UserUri {
        UserUri::new(self.provider(), &name.parse().unwrap())
    }

    /// A new client of a user here.
    pub async fn client(&self, user: &UserUri, name: &str) -> MlsClient {
        let made = self.node().operator().create_client(user.name().clone(), name.parse().unwrap()).await;
        let (client, token) = made.unwrap();
        let listen = self.config.client.as_ref().expect("a node has a client API").listen;
        MlsClient::new(client, token, listen, self.clock.clone())
    }

    /// The operator puts a peer into a state.
    pub async fn sets_peer(&self, peer: &Provider, state: PeerState) {
        self.node().operator().judge_peer(peer.clone(), state).await.unwrap();
    }

    /// The operator allows a peer.
    pub async fn allows(&self, peer: &Provider) {
        self.sets_peer(peer, PeerState::Allowed).await;
    }

    /// The operator allows a peer that is asked for nothing, so that its document is not had before it comes.
    pub async fn allows_paused(&self, peer: &Provider) {
        // Whoever is allowed is asked at once.
        self.sets_peer(peer, PeerState::Blocked).await;
        self.node().operator().pause_peer(peer.clone(), true).await.unwrap();
        self.allows(peer).await;
    }

    /// The operator decides on a request.
    pub async fn decides(&self, id: Id, decision: Decision) {
        self.node().operator().decide_connection(id, None, decision).await.unwrap();
    }

    /// Returns when the request `id` has come.
    pub async fn hears_of(&self, id: Id) -> ConnectionRow {
        self.until(&format!("the request {id} comes"), move |view| {
            Ok(view.requests_by_id::<Connection>(id)?.pop())
        })
        .await
    }

    /// Returns when the request `id` is in `state` here.
    pub async fn sees(&self, id: Id, state: ConnectionState) -> ConnectionRow {
        self.until(&format!("the request {id} is {state}"), move |view| {
            Ok(view.requests_by_id::<Connection>(id)?.into_iter().find(|row| row.state == state))
        })
        .await
    }

    /// The operator decides on a request to add.
    pub async fn decides_addition(&self, id: Id, decision: Decision) {
        self.node().operator().decide_authorization(id, None, decision).await.unwrap();
    }

    /// Returns when the request to add `id` has come.
    pub async fn hears_of_addition(&self, id: Id) -> AuthorizationRow {
        self.until(&format!("the request {id} comes"), move |view| {
            Ok(view.requests_by_id::<Addition>(id)?.pop())
        })
        .await
    }

    /// Returns when the request to add `id` is in `state` here.
    pub async fn sees_addition(&self, id: Id, state: ConnectionState) -> AuthorizationRow {
        self.until(&format!("the request {id} is {state}"), move |view| {
            Ok(view.requests_by_id::<Addition>(id)?.into_iter().find(|row| row.state == state))
        })
        .await
    }

    /// The address of a group here, whether or not there is one.
    pub fn group(&self, name: &str) -> GroupUri {
        GroupUri::new(self.provider(), &name.parse().unwrap())
    }

    /// Returns when `peer` is in `state` here.
    pub async fn sees_peer(&self, peer: &Provider, state: PeerState) {
        let provider = peer.clone();
        self.until(&format!("{peer} is {state}"), move |view| {
            Ok((view.peer_state(&provider)? == state).then_some(()))
        })
        .await;
    }

    /// Looks at `provider` step by step, to the end.
    pub async fn checks(&self, provider: &Provider) -> Report {
        self.checks_typed(provider.as_str()).await
    }

    /// The same for what somebody has typed, which may be no provider's name.
    pub async fn checks_typed(&self, typed: &str) -> Report {
        self.reports(self.node().operator().begin_check(typed).unwrap()).await
    }

    /// The report of that number, when it is finished.
    pub async fn reports(&self, id: u64) -> Report {
        let mut known = 0;
        loop {
            let report = self.node().operator().check_report(id, known).await.unwrap();
            if report.is_finished {
                assert_is_told_to_people(&report);
                return report;
            }
            known = report.steps.len();
        }
    }

    /// Compares its copy of the log of a group with those of all others, to the end.
    pub async fn compares(&self, group: &GroupUri) -> Comparison {
        let node = self.node();
        let id = node.operator().begin_comparison(group).unwrap();
        let mut known = 0;
        loop {
            let comparison = node.operator().comparison(id, known).await.unwrap();
            if comparison.is_finished {
                return comparison;
            }
            known = comparison.findings.len();
        }
    }

    /// Returns when a trouble `code` with `peer` is noted, over by now or not.
    pub async fn notes(&self, peer: &Provider, code: &'static str) -> TroubleRow {
        let provider = peer.clone();
        self.until(&format!("a trouble {code} with {peer} is noted"), move |view| {
            Ok(view.troubles(&provider)?.into_iter().find(|trouble| trouble.code == code))
        })
        .await
    }

    /// What is open of `subject`, also what is ignored.
    pub fn repairs_of(&self, subject: &RepairSubject) -> Vec<RepairRow> {
        let open = self.node().operator().open_repairs().into_iter();
        open.filter(|row| row.subject == *subject).collect()
    }

    /// Returns when `code` is open of `subject`. Once it is found, the clock is turned past what tells it from a blip.
    pub async fn raises(&self, subject: &RepairSubject, code: &str) -> RepairRow {
        let (node, mut is_turned) = (self.node(), false);
        let mut changes = node.changes().listen();
        let raised = tokio::time::timeout(WAIT_LIMIT, async {
            loop {
                if let Some(row) = self.repairs_of(subject).into_iter().find(|row| row.code == code) {
                    return row;
                }
                let found = node.operator().overview().await.unwrap().not_raised;
                let found = found.iter().find(|found| found.subject == *subject && found.code == code);
                // Where it is not known since when it is so, the node has yet to look.
                if let Some(found) = found.filter(|found| !is_turned && found.since.is_some()) {
                    self.clock.turn(found.patience);
                    is_turned = true;
                }
                tokio::select! {
                    _ = changes.recv() => {}
                    () = tokio::time::sleep(Duration::from_millis(50)) => {}
                }
            }
        });
        match raised.await {
            Ok(row) => row,
            Err(_) => {
                let open = node.operator().open_repairs();
                panic!("{code} of {subject} was not raised; open are {open:#?}; {}", self.told().await)
            }
        }
    }

    /// Returns the row of what was open of `subject` under `id`, when it is gone.
    pub async fn mends(&self, id: Id) -> RepairRow {
        let node = self.node();
        self.until_node(&format!("{id} is gone"), |node| {
            node.operator().open_repairs().iter().all(|row| row.id != id)
        })
        .await;
        // It is told to be gone before that is kept.
        let what = format!("that {id} is gone is kept");
        let row = self
            .until(&what, move |view| {
                let gone = view.gone_repairs(Timestamp::from_millis(0))?;
                Ok(gone.into_iter().find(|row| row.id == id))
            })
            .await;
        assert!(node.operator().repairs().await.history.contains(&row));
        row
    }

    /// Returns when the public state of a group in this epoch is here.
    pub async fn follows(&self, group: &GroupUri, epoch: u64) -> GroupRow {
        let uri = group.clone();
        self.until(&format!("{group} is followed in epoch {epoch}"), move |view| {
            let row = view.group(&uri)?;
            Ok(row.filter(|row| row.standing == Standing::Live && row.epoch == epoch))
        })
        .await
    }

    /// Has the screen of `peer` open until what is returned is dropped: it is read with each change.
    pub fn looks_at(&self, peer: &Provider) -> DropGuard {
        let (node, peer, closed) = (self.node(), peer.clone(), CancellationToken::new());
        let mut changes = node.changes().listen();
        let looking = closed.clone().run_until_cancelled_owned(async move {
            loop {
                node.operator().look_at_peer(&peer);
                let _ = changes.recv().await;
            }
        });
        tokio::spawn(looking);
        closed.drop_guard()
    }

    /// Returns when the pull of `peer` waits here.
    pub async fn waits_for_pull_by(&self, peer: &Provider) {
        self.until_node(&format!("{peer} pulls"), |node| node.operator().is_pulled_by(peer)).await;
    }

    /// Returns when nothing is expected from `peer` here, so that it is not pulled.
    pub async fn rests_at(&self, peer: &Provider) {
        let rests = |node: &Node| {
            node.operator().pulling(peer).is_some_and(|pulling| pulling.status == PullingStatus::Idle)
        };
        self.until_node(&format!("nothing is expected from {peer}"), rests).await;
    }

    /// Returns when the feed of a scripted peer is stored here, as far as it goes now.
    pub async fn waits_for_feed_of(&self, peer: &ScriptedPeer) {
        let (provider, head) = (peer.provider().clone(), peer.responder().head());
        self.until(&format!("item {head} of {provider} is stored"), move |view| {
            Ok(view.cursor(&provider)?.filter(|cursor| cursor.seq >= head))
        })
        .await;
    }

    /// What the store answers now.
    pub async fn reads<T: Send + 'static>(
        &self,
        look: impl FnOnce(&View<'_>) -> Result<T, StoreFault> + Send + 'static,
    ) -> T {
        self.node().store().read(look).await.unwrap()
    }

    /// Looks at the store after every change, until there is what is looked for.
    pub async fn until<T: Send + 'static>(
        &self,
        what: &str,
        look: impl Fn(&View<'_>) -> Result<Option<T>, StoreFault> + Clone + Send + 'static,
    ) -> T {
        let node = self.node();
        let mut changes = node.changes().listen();
        let found = tokio::time::timeout(WAIT_LIMIT, async {
            loop {
                if let Some(found) = node.store().read(look.clone()).await.unwrap() {
                    return found;
                }
                let _ = changes.recv().await;
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => panic!("{} never saw that {what}; {}", self.provider(), self.told().await),
        }
    }

    /// Looks at the node after every request and change, until `is_so`.
    pub async fn until_node(&self, what: &str, is_so: impl Fn(&Node) -> bool) {
        let node = self.node();
        let mut changes = node.changes().listen();
        let mut requests = node.operator().traffic().revisions();
        let found = tokio::time::timeout(WAIT_LIMIT, async {
            while !is_so(&node) {
                // A request is recorded before it begins to wait, which nobody announces.
                tokio::select! {
                    _ = changes.recv() => {}
                    _ = requests.changed() => {}
                    () = tokio::time::sleep(Duration::from_millis(50)) => {}
                }
            }
        });
        if found.await.is_err() {
            panic!("{} never saw that {what}; {}", self.provider(), self.told().await);
        }
    }

    /// What there is to know where a test fails.
    async fn told(&self) -> String {
        let (connections, authorizations, troubles) = self
            .reads(|view| {
                Ok((view.requests::<Connection>()?, view.requests::<Addition>()?, view.latest_troubles(20)?))
            })
            .await;
        let traffic = self.node().operator().traffic().since(0, 20).0;
        format!(
            "its connections: {connections:#?}\nits authorizations: {authorizations:#?}\nits troubles: {troubles:#?}\nits traffic: {traffic:#?}"
        )
    }
}

/// Holds a report to be for people: nothing in it is a time as only programs write it.
fn assert_is_told_to_people(report: &Report) {
    let summary = report.summary();
    let evidence = report.steps.iter().flat_map(|step| &step.evidence).map(|seen| &seen.value);
    for told in report.steps.iter().map(|step| &step.text).chain(evidence).chain([&summary]) {
        let is_time = |part: &[u8]| str::from_utf8(part).is_ok_and(|part| part.parse::<Timestamp>().is_ok());
        assert!(!told.as_bytes().windows("0000-00-00T00:00:00.000Z".len()).any(is_time), "{told}");
    }
}

impl ApiClient {
    /// The client `uri` of a user of `test_node`, with its token.
    pub fn of(uri: ClientUri, token: String, test_node: &TestNode) -> Self {
        let address = test_node.node().listening().client.expect("the node listens to no clients");
        Self::at(address, uri, token)
    }
}
