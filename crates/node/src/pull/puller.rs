//! The puller at one peer.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::document::Limits;
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::{FeedQuery, PeerState, PeeringQuery, PeeringReply};
use drawbridge_mtp::problem::Code;
use http::Method;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::Instrument;

use super::Pulls;
use super::page::{self};
use super::wait::{PullWait, Shortened, TRIED_AGAIN};
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::{Ask, Backoff, EndedBy, PullingStatus};
use crate::store::{Cursor, StoreFault};
use crate::traffic::TrafficLog;

/// What there is to do at the peer.
enum Plan {
    /// It is not asked.
    Leave,
    /// Nothing for now.
    Rest(PullingStatus),
    /// To pull from `cursor`; `wait` where there is a reason to (`View::expects_from`).
    Pull { cursor: Option<Cursor>, wait: bool },
}

/// How a pull came out.
enum Pulled {
    /// A page was stored.
    Page,
    /// The peer answered at once that there is nothing: it stops, or its feed does not wait.
    Hasty,
    /// The peer has not decided on us yet, and was asked to tell when it has.
    Introduced,
    /// The peer's feed was reset; the next pull starts anew.
    Reset,
}

/// A pull that waits and is answered with nothing before this has not waited.
const SHORTEST_WAIT: Duration = Duration::from_millis(500);
/// A pull that waits and is answered with nothing so long before its time was not waited for to its end.
const CUT_EARLY: Duration = Duration::from_secs(2);
/// The code of the trouble that pulls which wait are ended by something in between.
const PULL_CUT: &str = "pull-cut";
/// So many such answers in a row are a trouble.
const HASTY: u32 = 3;

impl Pulls {
    /// Pulls the feed of `peer` for as long as it is asked.
    ///
    /// Most pullers rest, so the steps are boxed: a task keeps room for the largest of what is not.
    pub(crate) async fn pull(self: Arc<Self>, peer: Provider, nudge: Arc<Notify>) {
        let mut backoff = Backoff::new(&self.peers.signs, &peer);
        let mut pull_wait = PullWait::new();
        let mut wishes = self.peers.signs.wishes(&peer);
        // Resets without a page between them, and pulls in a row that were answered at once with nothing.
        let (mut resets, mut hasty) = (0, 0);
        // Whether a page has come since the last failure.
        let mut looked = false;
        loop {
            let is_wished = self.peers.signs.wishes(&peer) != wishes;
            let (cursor, wait) = match Box::pin(self.plan(&peer, is_wished)).await {
                Ok(Plan::Leave) | Err(_) => return,
                Ok(Plan::Rest(status)) => {
                    self.peers.board.set(&peer, status, self.ground.ambient.now(), None, backoff.failures());
                    self.rest_until_planned(&peer, &nudge, wishes).await;
                    continue;
                }
                Ok(Plan::Pull { cursor, wait }) => (cursor, wait),
            };
            if is_wished {
                wishes = self.peers.signs.wishes(&peer);
                pull_wait.try_whole();
            }
            // At the start, and after a failure or a reset, one looks first: a page that comes at once says that all is well,
            // also where there is nothing, and how long the way there takes.
            let hold = if wait && looked { pull_wait.seconds() } else { 0 };
            let began = Instant::now();
            let outcome = {
                let failures = if looked { 0 } else { backoff.failures() };
                let span = tracing::debug_span!("pull", %peer, wait_s = hold);
                let mut pulling = Box::pin(self.pull_once(&peer, cursor, hold, failures).instrument(span));
                self.while_planned(&peer, &nudge, (wait, is_wished), pulling.as_mut()).await
            };
            let held = began.elapsed();
            let fault = match outcome {
                None => None,
                Some(Ok(Pulled::Page)) => {
                    (resets, hasty, looked) = (0, 0, true);
                    // That nothing is there is soon said. A feed that does not wait is well only once a pull has waited.
                    if !wait || hold > 0 {
                        backoff.succeeded();
                    }
                    if hold > 0 {
                        self.peers.board.note_held(&peer, hold, held);
                    }
                    if let Some(shortened) = pull_wait.reached() {
                        Box::pin(self.peers.note_trouble(&peer, &self.cut_short(&shortened))).await;
                    }
                    if hold > 0 && pull_wait.held(held) {
                        Box::pin(self.peers.end_trouble(&peer, PULL_CUT)).await;
                    }
                    None
                }
                Some(Ok(Pulled::Introduced)) => {
                    (resets, hasty) = (0, 0);
                    backoff.succeeded();
                    None
                }
                // To start anew is done at once, and to do it again and again is not.
                Some(Ok(Pulled::Reset)) => {
                    (resets, hasty, looked) = (resets + 1, 0, false);
                    (resets > 1).then(|| {
                        let text =
                            "it resets its feed again and again; its operator should look at its store";
                        PeerFault::new(Stage::Store, "feed-reset", text)
                    })
                }
                Some(Ok(Pulled::Hasty)) if hasty < HASTY => {
                    hasty += 1;
                    let pause = backoff.failed(&*self.ground.ambient, None);
                    Box::pin(backoff.rest(pause, EndedBy::ALook)).await;
                    None
                }
                Some(Ok(Pulled::Hasty)) => {
                    let text = "it answers each pull at once that there is nothing; its feed does not wait";
                    Some(PeerFault::new(Stage::Content, "feed-hasty", text))
                }
                Some(Err(fault)) => {
                    hasty = 0;
                    self.ground.metrics.ours.note_pull(None);
                    Some(fault)
                }
            };
            if let Some(fault) = fault {
                looked = false;
                Box::pin(self.peers.note_trouble(&peer, &fault)).await;
                if hold > 0 && fault.is_cut() {
                    if held >= SHORTEST_WAIT {
                        // It was well until then.
                        backoff.succeeded();
                    }
                    pull_wait.cut(held, how_it_ended(&fault));
                } else if fault.is_absence() {
                    pull_wait.missed();
                }
                let pause = backoff.failed(&*self.ground.ambient, fault.retry_after);
                let next = self.ground.ambient.now().plus(pause);
                self.peers.board.set(
                    &peer,
                    PullingStatus::BackingOff,
                    self.ground.ambient.now(),
                    Some(next),
                    backoff.failures(),
                );
                Box::pin(backoff.rest(pause, EndedBy::from(&fault))).await;
            }
        }
    }
}

/// How a pull that waited was ended, as the end of a sentence.
fn how_it_ended(fault: &PeerFault) -> String {
    match fault.unsigned {
        Some(status) => format!("with an unsigned {status}"),
        None => "by closing the connection".into(),
    }
}

/// Notes in the traffic record how long a page took to be checked and stored. Where that changes what is to be pulled, the pull
/// is dropped as soon as it is stored.
struct NotedStoring<'a> {
    log: &'a TrafficLog,
    record: u64,
    began: Instant,
}

impl Drop for NotedStoring<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        self.log.update(self.record, |record| record.timing.store = Some(took));
    }
}

impl Pulls {
    /// Something in between ends pulls that wait.
    fn cut_short(&self, Shortened { held, how, seconds }: &Shortened) -> PeerFault {
        let until = self.ground.ambient.now().plus(TRIED_AGAIN).in_words();
        let whole = Limits::default().pull_wait_s;
        let text = format!(
            "something between it and us, most often a proxy, ends pulls that wait after about {} s, the last one {how}. Our pulls there \
             ask to wait for {seconds} s instead of {whole} s until {until}; then, or when you have it tried now, {whole} s are tried \
             again. Whoever runs that proxy has to let a request wait for 75 s",
            held.as_secs()
        );
        PeerFault::new(Stage::Http, PULL_CUT, text)
    }

    /// What there is to do at `peer`. Where the operator has wished that it is tried, it is, also where nothing is expected from it.
    async fn plan(&self, peer: &Provider, is_wished: bool) -> Result<Plan, StoreFault> {
        let (provider, now) = (peer.clone(), self.ground.ambient.now());
        let expects_a_look = self.doctor.expects_from(peer);
        self.store
            .read(move |view| {
                let Some(row) = view.peer(&provider)?.filter(|row| row.state == PeerState::Allowed) else {
                    return Ok(Plan::Leave);
                };
                if row.paused {
                    return Ok(Plan::Rest(PullingStatus::Paused));
                }
                let wait = expects_a_look || view.expects_from(&provider, now)?;
                if !wait && row.pulled && !is_wished {
                    return Ok(Plan::Rest(PullingStatus::Idle));
                }
                Ok(Plan::Pull { cursor: view.cursor(&provider)?, wait })
            })
            .await
    }

    /// Rests until there is something else to do than to rest, after so many `wishes` of the operator.
    async fn rest_until_planned(&self, peer: &Provider, nudge: &Notify, wishes: u64) {
        loop {
            nudge.notified().await;
            match Box::pin(self.plan(peer, self.peers.signs.wishes(peer) != wishes)).await {
                Ok(Plan::Rest(PullingStatus::Idle)) => {}
                Ok(Plan::Rest(status)) => {
                    self.peers.board.pulling(peer).filter(|now| now.status == status).map_or_else(
                        || self.peers.board.set(peer, status, self.ground.ambient.now(), None, 0),
                        |_| (),
                    );
                }
                _ => return,
            }
        }
    }

    /// Goes on with `pulling` as long as the plan is to pull so, in the same network; `None` where it is another by now.
    async fn while_planned<T>(
        &self,
        peer: &Provider,
        nudge: &Notify,
        (wait, is_wished): (bool, bool),
        mut pulling: std::pin::Pin<&mut impl Future<Output = T>>,
    ) -> Option<T> {
        let mut networks = self.peers.signs.networks();
        loop {
            tokio::select! {
                outcome = &mut pulling => return Some(outcome),
                // Whatever it waits for cannot come over a connection of another network.
                _ = networks.changed() => return None,
                () = nudge.notified() => match Box::pin(self.plan(peer, is_wished)).await {
                    Ok(Plan::Pull { wait: now, .. }) if now == wait || !now => {}
                    _ => return None,
                },
            }
        }
    }

    /// Pulls one page and stores it; the peer is asked to hold the pull for `wait_s` seconds where there is nothing.
    async fn pull_once(
        &self,
        peer: &Provider,
        cursor: Option<Cursor>,
        wait_s: u64,
        failures: u32,
    ) -> Result<Pulled, PeerFault> {
        let wait = wait_s > 0;
        let query = FeedQuery {
            after: cursor.as_ref().map_or(0, |cursor| cursor.seq),
            last: cursor.as_ref().and_then(|cursor| cursor.item),
            generation: cursor.as_ref().map(|cursor| cursor.generation),
            wait: wait_s,
            max_events: Some(Limits::default().pull_events),
            max_bytes: None,
        };
        let status = if wait { PullingStatus::Waiting } else { PullingStatus::Asking };
        self.peers.board.set(peer, status, self.ground.ambient.now(), None, failures);
        let wait_for = Duration::from_secs(wait_s);
        let ask = Ask { wait: wait_for, ..Ask::get(format!("/feed?{}", query.to_query())) };
        let began = Instant::now();
        match self.peers.call(peer, ask).await {
            Ok(answer) => {
                let hasty = began.elapsed() < SHORTEST_WAIT;
                let keeping =
                    NotedStoring { log: &self.peers.traffic, record: answer.record, began: Instant::now() };
                let kept = self.keep_page(peer, cursor, &answer).await;
                drop(keeping);
                let kept = kept.inspect_err(|fault| {
                    self.peers.traffic.update(answer.record, |record| record.fail(fault));
                })?;
                self.ground.metrics.ours.note_pull(Some(kept.items));
                if kept.items == 0 && began.elapsed() + CUT_EARLY < Duration::from_secs(wait_s) {
                    // As where another pull in our name was answered there.
                    self.ground.copies.suspect();
                }
                self.peers.board.pulled(peer, self.ground.ambient.now());
                Box::pin(self.delivery.join_groups(peer)).await.map_err(page::store_fault)?;
                // Where there is nothing and that is all that was asked for, one look is enough.
                let expected = kept.items > 0 || !(wait || kept.more);
                Ok(if hasty && !expected { Pulled::Hasty } else { Pulled::Page })
            }
            Err(fault) if fault.is(Code::FeedReset) || fault.is(Code::FeedTruncated) => {
                self.restart_feed(peer, cursor.as_ref(), &fault).await?;
                self.their_state(peer, Ask::get("/peering".into())).await?;
                Box::pin(self.delivery.join_groups(peer)).await.map_err(page::store_fault)?;
                Ok(Pulled::Reset)
            }
            Err(fault) if fault.is(Code::PeerPending) => {
                self.introduce_ourselves(peer).await?;
                Ok(Pulled::Introduced)
            }
            Err(fault) => {
                if fault.is(Code::PeerBlocked) {
                    self.consent.note_their_state(peer, PeerState::Blocked).await;
                } else if fault.is(Code::PeerKeyChanged) {
                    self.consent.note_their_state(peer, PeerState::KeyChanged).await;
                }
                Err(fault)
            }
        }
    }

    /// We are pending there, or unknown: introduces us, and waits for its operator's decision (section 6).
    async fn introduce_ourselves(&self, peer: &Provider) -> Result<(), PeerFault> {
        self.peers.board.set(peer, PullingStatus::Introducing, self.ground.ambient.now(), None, 0);
        let introduction =
            Ask { method: Method::POST, content: Some(b"{}".to_vec()), ..Ask::get("/peering".into()) };
        let mut state = self.their_state(peer, introduction).await?;
        while state == PeerState::Pending {
            let wait = Limits::default().pull_wait_s;
            let resource = format!("/peering?{}", PeeringQuery { wait }.to_query());
            let ask = Ask { wait: Duration::from_secs(wait), ..Ask::get(resource) };
            let asked = Instant::now();
            state = self.their_state(peer, ask).await?;
            if state == PeerState::Pending && asked.elapsed() < SHORTEST_WAIT {
                return Err(PeerFault::new(
                    Stage::Policy,
                    "peer-pending",
                    "its operator has not decided on us yet",
                ));
            }
        }
        match state {
            PeerState::Allowed => Ok(()),
            other => Err(PeerFault::new(Stage::Policy, "not-allowed", format!("we are {other} there"))),
        }
    }

    async fn their_state(&self, peer: &Provider, ask: Ask) -> Result<PeerState, PeerFault> {
        let answer = self.peers.call(peer, ask).await?;
        let reply: PeeringReply = answer.message().map_err(|fault| {
            PeerFault::new(Stage::Content, "malformed", format!("its answer is malformed: {fault}"))
        })?;
        self.consent.note_their_state(peer, reply.state).await;
        self.peers.end_troubles(peer, page::STEPS_OF_A_REQUEST).await;
        Ok(reply.state)
    }
}
