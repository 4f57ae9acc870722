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

use super::page::{self, keep_page, start_anew};
use super::wait::PullWait;
use crate::consent::providers::note_their_state;
use crate::core::Core;
use crate::delivery::join_groups;
use crate::diagnose::{PeerFault, Stage};
use crate::peers::{Ask, Backoff, EndedBy, PullingStatus};
use crate::store::{Cursor, StoreFault};

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
/// The code of the trouble that pulls which wait are ended by something in between.
const PULL_CUT: &str = "pull-cut";
/// So many such answers in a row are a trouble.
const HASTY: u32 = 3;

/// Pulls the feed of `peer` for as long as it is asked.
///
/// Most pullers rest, so the steps are boxed: a task keeps room for the largest of what is not.
pub(crate) async fn pull(core: Arc<Core>, peer: Provider, nudge: Arc<Notify>) {
    let mut backoff = Backoff::new(&core.signs, &peer);
    let mut pull_wait = PullWait::new();
    // Resets without a page between them.
    let mut resets = 0;
    // Whether a page has come since the last failure.
    let mut looked = false;
    loop {
        let (cursor, wait) = match Box::pin(plan(&core, &peer)).await {
            Ok(Plan::Leave) | Err(_) => return,
            Ok(Plan::Rest(status)) => {
                core.board.set(&peer, status, core.ambient.now(), None, backoff.failures());
                rest_until_planned(&core, &peer, &nudge).await;
                continue;
            }
            Ok(Plan::Pull { cursor, wait }) => (cursor, wait),
        };
        // At the start, and after a failure or a reset, one looks first: a page that comes at once says that all is well,
        // also where there is nothing, and how long the way there takes.
        let hold = if wait && looked { pull_wait.seconds() } else { 0 };
        let began = Instant::now();
        let outcome = {
            let failures = if looked { 0 } else { backoff.failures() };
            let mut pulling = Box::pin(pull_once(&core, &peer, cursor, hold, failures));
            while_planned(&core, &peer, &nudge, wait, pulling.as_mut()).await
        };
        let held = began.elapsed();
        let fault = match outcome {
            None => None,
            Some(Ok(Pulled::Page)) => {
                (resets, looked) = (0, true);
                // That nothing is there is soon said. A feed that does not wait is well only once a pull has waited.
                if !wait || hold > 0 {
                    backoff.succeeded();
                }
                if hold > 0 && pull_wait.held(held) {
                    Box::pin(core.end_trouble(&peer, PULL_CUT)).await;
                }
                None
            }
            Some(Ok(Pulled::Introduced)) => {
                resets = 0;
                backoff.succeeded();
                None
            }
            // To start anew is done at once, and to do it again and again is not.
            Some(Ok(Pulled::Reset)) => {
                (resets, looked) = (resets + 1, false);
                (resets > 1).then(|| {
                    let text = "it resets its feed again and again; its operator should look at its store";
                    PeerFault::new(Stage::Store, "feed-reset", text)
                })
            }
            Some(Ok(Pulled::Hasty)) if backoff.failures() < HASTY => {
                let pause = backoff.failed(&*core.ambient, None);
                Box::pin(backoff.rest(pause, EndedBy::ALook)).await;
                None
            }
            Some(Ok(Pulled::Hasty)) => {
                let text = "it answers each pull at once that there is nothing; its feed does not wait";
                Some(PeerFault::new(Stage::Content, "feed-hasty", text))
            }
            Some(Err(fault)) => Some(fault),
        };
        if let Some(fault) = fault {
            looked = false;
            Box::pin(core.note_trouble(&peer, &fault)).await;
            if hold > 0 && fault.is_cut() {
                if held >= SHORTEST_WAIT {
                    // It was well until then.
                    backoff.succeeded();
                }
                if let Some(shorter) = pull_wait.cut(held) {
                    Box::pin(core.note_trouble(&peer, &cut_short(held, shorter, &fault))).await;
                }
            }
            let pause = backoff.failed(&*core.ambient, fault.retry_after);
            let next = core.ambient.now().plus(pause);
            core.board.set(
                &peer,
                PullingStatus::BackingOff,
                core.ambient.now(),
                Some(next),
                backoff.failures(),
            );
            Box::pin(backoff.rest(pause, EndedBy::from(&fault))).await;
        }
    }
}

/// Something in between ends pulls that wait.
fn cut_short(held: Duration, shorter: u64, fault: &PeerFault) -> PeerFault {
    let text = format!(
        "something between it and us, most often a proxy, ends pulls that wait after about {} s; they are asked to wait {shorter} s \
         for an hour. Let it wait for at least 75 s. The last time: {fault}",
        held.as_secs()
    );
    PeerFault::new(Stage::Http, PULL_CUT, text)
}

async fn plan(core: &Core, peer: &Provider) -> Result<Plan, StoreFault> {
    let (provider, now) = (peer.clone(), core.ambient.now());
    core.store
        .read(move |view| {
            let Some(row) = view.peer(&provider)?.filter(|row| row.state == PeerState::Allowed) else {
                return Ok(Plan::Leave);
            };
            if row.paused {
                return Ok(Plan::Rest(PullingStatus::Paused));
            }
            let wait = view.expects_from(&provider, now)?;
            if !wait && row.pulled {
                return Ok(Plan::Rest(PullingStatus::Idle));
            }
            Ok(Plan::Pull { cursor: view.cursor(&provider)?, wait })
        })
        .await
}

/// Rests until there is something else to do than to rest.
async fn rest_until_planned(core: &Core, peer: &Provider, nudge: &Notify) {
    loop {
        nudge.notified().await;
        match Box::pin(plan(core, peer)).await {
            Ok(Plan::Rest(PullingStatus::Idle)) => {}
            Ok(Plan::Rest(status)) => {
                core.board
                    .pulling(peer)
                    .filter(|now| now.status == status)
                    .map_or_else(|| core.board.set(peer, status, core.ambient.now(), None, 0), |_| ());
            }
            _ => return,
        }
    }
}

/// Goes on with `pulling` as long as the plan is to pull so, in the same network; `None` where it is another by now.
async fn while_planned<T>(
    core: &Core,
    peer: &Provider,
    nudge: &Notify,
    wait: bool,
    mut pulling: std::pin::Pin<&mut impl Future<Output = T>>,
) -> Option<T> {
    let mut networks = core.signs.networks();
    loop {
        tokio::select! {
            outcome = &mut pulling => return Some(outcome),
            // Whatever it waits for cannot come over a connection of another network.
            _ = networks.changed() => return None,
            () = nudge.notified() => match Box::pin(plan(core, peer)).await {
                Ok(Plan::Pull { wait: now, .. }) if now == wait || !now => {}
                _ => return None,
            },
        }
    }
}

/// Pulls one page and stores it; the peer is asked to hold the pull for `wait_s` seconds where there is nothing.
async fn pull_once(
    core: &Core,
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
    core.board.set(peer, status, core.ambient.now(), None, failures);
    let ask = Ask {
        method: Method::GET,
        resource: format!("/feed?{}", query.to_query()),
        content: None,
        wait: Duration::from_secs(wait_s),
    };
    let began = Instant::now();
    match core.call(peer, ask).await {
        Ok(answer) => {
            let hasty = began.elapsed() < SHORTEST_WAIT;
            let kept = keep_page(core, peer, cursor, &answer).await?;
            core.board.pulled(peer, core.ambient.now());
            Box::pin(join_groups(core, peer)).await.map_err(page::store_fault)?;
            // Where there is nothing and that is all that was asked for, one look is enough.
            let expected = kept.items > 0 || !(wait || kept.more);
            Ok(if hasty && !expected { Pulled::Hasty } else { Pulled::Page })
        }
        Err(fault) if fault.is(Code::FeedReset) || fault.is(Code::FeedTruncated) => {
            start_anew(core, peer, cursor.as_ref(), &fault).await?;
            their_state(core, peer, Ask::get("/peering".into())).await?;
            Box::pin(join_groups(core, peer)).await.map_err(page::store_fault)?;
            Ok(Pulled::Reset)
        }
        Err(fault) if fault.is(Code::PeerPending) => {
            introduce_ourselves(core, peer).await?;
            Ok(Pulled::Introduced)
        }
        Err(fault) => {
            if fault.is(Code::PeerBlocked) {
                note_their_state(core, peer, PeerState::Blocked).await;
            } else if fault.is(Code::PeerKeyChanged) {
                note_their_state(core, peer, PeerState::KeyChanged).await;
            }
            Err(fault)
        }
    }
}

/// We are pending there, or unknown: introduces us, and waits for its operator's decision (section 6).
async fn introduce_ourselves(core: &Core, peer: &Provider) -> Result<(), PeerFault> {
    core.board.set(peer, PullingStatus::Introducing, core.ambient.now(), None, 0);
    let introduction = Ask {
        method: Method::POST,
        resource: "/peering".into(),
        content: Some(b"{}".to_vec()),
        wait: Duration::ZERO,
    };
    let mut state = their_state(core, peer, introduction).await?;
    while state == PeerState::Pending {
        let wait = Limits::default().pull_wait_s;
        let ask = Ask {
            method: Method::GET,
            resource: format!("/peering?{}", PeeringQuery { wait }.to_query()),
            content: None,
            wait: Duration::from_secs(wait),
        };
        let asked = Instant::now();
        state = their_state(core, peer, ask).await?;
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

async fn their_state(core: &Core, peer: &Provider, ask: Ask) -> Result<PeerState, PeerFault> {
    let answer = core.call(peer, ask).await?;
    let reply: PeeringReply = answer.message().map_err(|fault| {
        PeerFault::new(Stage::Content, "malformed", format!("its answer is malformed: {fault}"))
    })?;
    note_their_state(core, peer, reply.state).await;
    core.end_troubles(peer, page::STEPS_OF_A_REQUEST).await;
    Ok(reply.state)
}
