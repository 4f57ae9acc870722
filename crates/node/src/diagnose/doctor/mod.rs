//! The doctor looks at a provider, step by step, and says of each what was seen and which side has to change what.
//!
//! Each step is done now, over new connections; what is remembered of the provider vouches for nothing, and is told beside
//! what was found. A look changes nothing but what any request to a provider does: its document is remembered, and its keys
//! are compared with those accepted.

mod asking;
mod dns;
mod document;
mod look_back;
mod own_pong;
mod pending_looks;
mod proof;
mod pulling;
mod report;
mod this_side;
mod way;
mod way_in;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;
use parking_lot::Mutex;
use rustls::pki_types::CertificateDer;
use tokio::sync::watch;

pub(crate) use own_pong::OwnPong;
pub use report::{Evidence, Report, Step, StepName, Verdict};

use self::pending_looks::PendingLooks;
use super::ourselves::OwnState;
use super::own_fault::OwnFault;
use super::reports::{Growing, Reports};
use crate::delivery::Waits;
use crate::ground::Ground;
use crate::identity::Certificate;
use crate::misuse::Misuse;
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::Peers;
use crate::readable::readable;
use crate::router::Router;
use crate::side::Side;
use crate::store::{Cursor, FeedPlace, PeerRow, Reader, Store, StoreFault, StoreTrouble, TroubleRow};
use crate::typed;

/// Looks at providers.
pub(crate) struct Doctor {
    /// Our name, key and clock.
    ground: Arc<Ground>,
    /// What is known of peers.
    store: Store,
    /// How they are reached.
    peers: Arc<Peers>,
    /// Whose pulls wait here.
    waits: Arc<Waits>,
    /// The certificate that we show, where it is known.
    shown: Option<Arc<Certificate>>,
    /// Who asks the router, where it is asked for something.
    router: Option<Arc<Router>>,
    /// What is so with the node itself, where it is the node that looks.
    own: Option<Arc<OwnState>>,
    /// When this began: who was away meanwhile has not failed to come.
    started: Timestamp,
    /// The latest looks, with what each is called.
    reports: Reports<Report>,
    /// The looks that peers ask of us, and we of them.
    pending: Mutex<PendingLooks>,
}

impl Growing for Report {
    fn steps(&self) -> usize {
        self.steps.len()
    }

    fn is_finished(&self) -> bool {
        self.is_finished
    }

    fn cut_short(self) -> Self {
        Self { is_finished: true, is_cut_short: true, ..self }
    }
}

/// What is known of the provider that is looked at, read when the look begins.
struct Known {
    row: Option<PeerRow>,
    accepted: Vec<drawbridge_mtp::keys::Thumbprint>,
    cursor: Option<Cursor>,
    feed: Option<FeedPlace>,
    troubles: Vec<TroubleRow>,
    /// Why a group that it owns is broken here, where one is.
    broken: Option<String>,
    /// What our store cannot do at the moment.
    own_store: Option<StoreTrouble>,
    expects: bool,
    /// Whether it has a reason to keep a pull waiting here: people who are connected with ours, or a group of ours.
    is_expected: bool,
    /// When this node began.
    started: Timestamp,
    /// The certificate that we show.
    shown: Option<CertificateDer<'static>>,
    /// What keeps every other provider from this one.
    keeps_out: Vec<(OwnFault, String)>,
    /// The port that we listen on for others, where it is another than the one that our name leads to.
    other_port: Option<u16>,
}

impl Known {
    fn state(&self) -> PeerState {
        self.row.as_ref().map_or(PeerState::Unknown, |row| row.state)
    }

    /// Whether it was reached before, so that its name is right.
    fn is_reached_before(&self) -> bool {
        !self.accepted.is_empty()
    }
}

/// One look at one provider.
struct Checkup<'a> {
    ground: &'a Ground,
    peers: &'a Peers,
    waits: &'a Waits,
    router: Option<&'a Router>,
    peer: &'a Provider,
    known: &'a Known,
    /// Who looks.
    looker: Looker,
}

/// Who looks, and for whom.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looker {
    /// The node itself, which pulls and is pulled, for its operator.
    Node,
    /// The node, for the provider that is looked at, which has asked for it from that address: what both sides have of each other
    /// is nothing to be told.
    NodeForPeer(IpAddr),
    /// Another program beside the node.
    Beside,
}

/// Where the steps are told.
#[derive(Clone)]
pub(crate) struct Progress {
    report: watch::Sender<Report>,
    /// Whether what is told is about the endpoint at another host.
    is_of_endpoint: bool,
    /// Whether it is ourselves who are looked at: whatever is wrong is ours to mend then.
    is_own: bool,
}

impl Progress {
    fn new(report: watch::Sender<Report>, is_own: bool) -> Self {
        Self { report, is_own, is_of_endpoint: false }
    }

    /// The same, for what is about the endpoint at another host.
    fn of_endpoint(&self) -> Self {
        Self { is_of_endpoint: true, ..self.clone() }
    }

    fn tell(&self, step: Step) {
        let step = Step { is_of_endpoint: self.is_of_endpoint, ..step };
        // Which of two clocks is wrong hangs on what others say, also where one of them is ours.
        let is_ours = self.is_own && step.code.is_some() && step.name != StepName::Clock;
        let step = if is_ours { step.for_side(Side::Ours) } else { step };
        self.report.send_modify(|report| report.steps.push(step));
    }

    /// That is all; where it is not `done`, since the node was stopped.
    fn finish(&self, done: bool) {
        self.report.send_modify(|report| (report.is_finished, report.is_cut_short) = (true, !done));
    }
}

impl Doctor {
    pub(crate) fn new(
        ground: Arc<Ground>,
        store: Store,
        peers: Arc<Peers>,
        waits: Arc<Waits>,
        shown: Option<Arc<Certificate>>,
        router: Option<Arc<Router>>,
        own: Option<Arc<OwnState>>,
    ) -> Self {
        let (reports, pending) = (Reports::default(), Mutex::default());
        let started = ground.ambient.now();
        Self { ground, store, peers, waits, shown, router, own, started, reports, pending }
    }

    /// Begins to look at the provider that was typed, and returns the number of the report. Where that one is being looked
    /// at, it is the report that is being made.
    pub(crate) fn begin(self: &Arc<Self>, typed: &str) -> Result<u64, Misuse> {
        let read = typed::provider(typed);
        let called = read.as_ref().map_or_else(|_| readable(typed), Provider::to_string);
        let is_own = read.as_ref().is_ok_and(|peer| *peer == self.ground.ours);
        let is_it = |report: &Report| report.seen_by.is_none() && report.provider == called;
        if let Some(id) = self.reports.running(is_it) {
            return Ok(id);
        }
        let (id, sender) = self.reports.open(self.report(called, is_own))?;
        let (own, progress) = (self.clone(), Progress::new(sender, is_own));
        self.ground.tasks.spawn(async move {
            let stop = own.ground.stop.clone();
            let is_done = tokio::select! {
                () = stop.cancelled() => false,
                () = own.look(read, &progress, Looker::Node) => true,
            };
            progress.finish(is_done);
        });
        Ok(id)
    }

    /// The report of that number, once it has more than `steps` steps or is finished, or after a while as it is.
    pub(crate) async fn report_after(&self, id: u64, steps: usize) -> Result<Report, Misuse> {
        self.reports.after(id, steps).await
    }

    /// Looks at `peer` to the end, in a program beside the node; `tell` is told each step as it is done.
    pub(crate) async fn look_beside(&self, peer: &Provider, mut tell: impl FnMut(&Step)) -> Report {
        let is_own = *peer == self.ground.ours;
        let (sender, mut receiver) = watch::channel(self.report(peer.to_string(), is_own));
        let progress = Progress::new(sender, is_own);
        let mut told = 0;
        let look = self.look(Ok(peer.clone()), &progress, Looker::Beside);
        let mut look = std::pin::pin!(look);
        loop {
            let is_done = tokio::select! {
                () = &mut look => true,
                _ = receiver.changed() => false,
            };
            let report = receiver.borrow_and_update().clone();
            report.steps.iter().skip(told).for_each(&mut tell);
            told = report.steps.len();
            if is_done {
                return Report { is_finished: true, ..report };
            }
        }
    }

    fn report(&self, provider: String, is_own: bool) -> Report {
        let began = self.ground.ambient.now();
        Report {
            provider,
            is_own,
            seen_by: None,
            began,
            steps: Vec::new(),
            is_finished: false,
            is_cut_short: false,
        }
    }

    async fn look(&self, read: Result<Provider, typed::NotUnderstood>, progress: &Progress, looker: Looker) {
        let peer = match read {
            Ok(peer) => peer,
            Err(fault) => {
                let fault = PeerFault::new(Stage::Dns, "name-malformed", fault.to_string());
                return progress.tell(Step::fail(StepName::Name, &fault));
            }
        };
        let known = match self.known(&peer).await {
            Ok(known) => known,
            Err(fault) => {
                let fault = PeerFault::new(Stage::Store, "own-store", fault.to_string());
                return progress.tell(Step::fail(StepName::Name, &fault));
            }
        };
        let checkup = Checkup {
            ground: &self.ground,
            peers: &self.peers,
            waits: &self.waits,
            router: self.router.as_deref(),
            peer: &peer,
            known: &known,
            looker,
        };
        checkup.go(progress).await;
    }

    async fn known(&self, peer: &Provider) -> Result<Known, StoreFault> {
        let (peer, now) = (peer.clone(), self.ground.ambient.now());
        let (own_store, started, ours) = (self.store.trouble(), self.started, self.ground.ours.clone());
        let shown = self.shown.as_ref().and_then(|certificate| certificate.der());
        let own = match &self.own {
            Some(own) => Some(own.view_now().await),
            None => None,
        };
        let keeps_out = own.as_ref().map(|own| own.keep_others_out(now)).unwrap_or_default();
        let other_port = own.and_then(|own| own.listening_port.filter(|port| *port != own.named_port));
        let read = self.store.read(move |view| {
            Ok::<_, StoreFault>(Known {
                row: view.peer(&peer)?,
                accepted: view.accepted_keys(&peer)?,
                cursor: view.cursor(&peer)?,
                feed: view.feed(&Reader::Peer(peer.clone()))?,
                troubles: view.troubles(&peer)?.into_iter().filter(|trouble| !trouble.over).collect(),
                broken: view.broken_by_owner()?.remove(&peer),
                own_store,
                expects: view.expects_from(&peer, now)?,
                is_expected: view.count_connected_pairs_with(&peer)? > 0
                    || view.tells_of_groups_of(&ours, &Reader::Peer(peer.clone()))?,
                started,
                shown,
                keeps_out,
                other_port,
            })
        });
        read.await
    }
}

impl Checkup<'_> {
    async fn go(&self, progress: &Progress) {
        let began = Instant::now();
        let name = Step::pass(StepName::Name, format!("{} is a name that a provider can have", self.peer))
            .seen("its document is at", format!("https://{}{}", self.peer, crate::peers::DOCUMENT_PATH));
        progress.tell(name.since(began));
        if self.is_own() && self.looker == Looker::Node {
            progress.tell(self.own_store());
            Box::pin(self.look_at_way_in(progress)).await;
        }
        self.tell_this_side(progress);
        if let Looker::NodeForPeer(source) = self.looker {
            return Box::pin(self.go_for_peer(source, progress)).await;
        }
        let mut theirs = None;
        if self.go_to(self.peer.host(), self.peer.port(), progress).await
            && let Some((document, client)) = self.ask_for_document(None, progress).await
        {
            let endpoint = &document.endpoint;
            let is_elsewhere = (endpoint.host(), endpoint.port()) != (self.peer.host(), self.peer.port());
            let of_endpoint = progress.of_endpoint();
            if !is_elsewhere || self.go_to(endpoint.host(), endpoint.port(), &of_endpoint).await {
                theirs = self.ask(&document, &client, progress).await;
            }
        }
        if self.is_own() {
            self.tell_what_was_not_done(progress);
        } else {
            self.look_at_pulls(theirs, progress).await;
        }
    }

    /// Of ourselves, the steps that were not come to, and why: otherwise it would look as though they went well. Our clock is judged
    /// by others, whether or not we are reached.
    fn tell_what_was_not_done(&self, progress: &Progress) {
        let is_done = |name| progress.report.borrow().steps.iter().any(|step| step.name == name);
        if is_done(StepName::Ping) {
            return;
        }
        for name in [
            StepName::Document,
            StepName::Keys,
            StepName::Clock,
            StepName::Ping,
            StepName::Limits,
            StepName::Pull,
        ] {
            if name == StepName::Clock {
                progress.tell(self.judge_own_clock());
            } else if !is_done(name) {
                progress.tell(Step::skipped(name, "not done, since a step before it did not go well"));
            }
        }
    }

    /// What is wrong at `step` of one that was never reached: then it may be that its name was not meant so.
    fn doubt_name(&self, step: Step) -> Step {
        let is_doubtful = step.verdict == Verdict::Fail && !self.is_own() && !self.known.is_reached_before();
        match step.code.as_deref().filter(|_| is_doubtful).map(Side::of_unreached) {
            Some(side) => step.for_side(side),
            None => step,
        }
    }

    /// Whether we look at ourselves, as others find us.
    fn is_own(&self) -> bool {
        *self.peer == self.ground.ours
    }
}
