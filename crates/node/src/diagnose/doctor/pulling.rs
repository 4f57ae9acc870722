//! The steps that tell how the node's own pulls and those of the provider go, which it does by itself all the time.

use std::time::Duration;

use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;

use super::report::{Evidence, Step, StepName, Verdict};
use super::{Checkup, Looker, Progress};
use crate::delivery::WaitKind;
use crate::diagnose::refused::RefusedPull;
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::PullingStatus;
use crate::readable::lasting;
use crate::store::{Reader, StoreTrouble, TroubleRow};

/// Who pulls fetches what was put there at once: what waits for longer is not fetched.
const A_MOMENT: Duration = Duration::from_secs(10);
/// Who has a reason to pull comes again within this, also where its pulls have failed or this node was started anew.
const COMES_WITHIN: Duration = Duration::from_secs(90);

impl Checkup<'_> {
    /// `theirs` is how we stand there, where it has said so now.
    pub(super) async fn look_at_pulls(&self, theirs: Option<PeerState>, progress: &Progress) {
        if self.looker == Looker::Beside {
            let text = "known to the running node alone, which was not asked";
            progress.tell(Step::skipped(StepName::OurPull, text));
            return progress.tell(Step::skipped(StepName::TheirPull, text));
        }
        progress.tell(self.our_pull());
        let refused = RefusedPull::latest(self.peers, self.peer, self.ground.ambient.now()).await;
        progress.tell(self.their_pull(theirs, refused.as_ref()));
    }

    fn our_pull(&self) -> Step {
        let name = StepName::OurPull;
        let why_not = match self.known.state() {
            PeerState::Allowed => None,
            PeerState::KeyChanged => Some("our pulls there rest until you have decided on its key"),
            PeerState::Blocked => Some("we do not pull there, since you have blocked it"),
            PeerState::Unknown | PeerState::Pending => {
                Some("we pull only from providers that are let in here")
            }
        };
        if let Some(why) = why_not {
            return Step::skipped(name, why);
        }
        let pulling = self.peers.board.pulling(self.peer);
        let now = self.ground.ambient.now();
        let (cursor, head) =
            self.known.cursor.as_ref().map_or((0, 0), |cursor| (cursor.seq, cursor.head.max(cursor.seq)));
        let mut evidence = vec![
            Evidence::new("last number stored", cursor.to_string()),
            Evidence::new("still to come", format!("{} items, as far as it has told", head - cursor)),
        ];
        let last = pulling.and_then(|pulling| pulling.last_pull);
        let last = last.or(self.known.row.as_ref().and_then(|row| row.last_pull));
        evidence.push(Evidence::new("last answered", last.map_or_else(|| "never".into(), |at| ago(at, now))));
        if let Some(next) = pulling.and_then(|pulling| pulling.next_try) {
            evidence.push(Evidence::new("next try", format!("in {}", lasting(next.since(now)))));
        }
        if let Some(held) = self.peers.board.held(self.peer) {
            let text =
                format!("{} s; the longest wait so far was {} s", held.asked_s, held.longest.as_secs());
            evidence.push(Evidence::new("pulls are asked to wait", text));
        }
        let step = match pulling.map(|pulling| (pulling.status, pulling.failures)) {
            _ if self.known.own_store.is_some() => self.own_store_of(name),
            Some((PullingStatus::Paused, _)) => {
                Step::wait(name, "pull-paused", "you let our pulls there rest; resume them to go on")
            }
            Some((PullingStatus::Introducing, _)) => Step::wait(
                name,
                "peer-pending",
                "we have introduced ourselves, and wait there for its operator's decision",
            ),
            Some((PullingStatus::BackingOff, failures)) => {
                let latest = self.known.troubles.first();
                let why = latest.map(|trouble| format!("; the last time: {}", self.words(trouble)));
                let why = why.unwrap_or_default();
                // What ends pulls does so when it is tried again, too.
                let text = format!("our pull has failed {failures} times in a row and rests{why}");
                if latest.is_some_and(|trouble| trouble.code == "pull-cut") {
                    Step::warn(name, "pull-cut", text)
                } else {
                    Step::warn(name, "pull-resting", text)
                }
            }
            Some((PullingStatus::Waiting, _)) => Step::pass(name, "our pull waits there for news"),
            Some((PullingStatus::Asking, _)) => Step::pass(name, "our pull is on its way"),
            Some((PullingStatus::Idle | PullingStatus::Stopped, _)) | None if !self.known.expects => {
                Step::pass(name, "nothing is expected from there, so nothing is pulled")
            }
            _ => Step::pass(name, "our pull begins"),
        };
        let step = if step.verdict == Verdict::Pass { self.lasting(name).unwrap_or(step) } else { step };
        step.with(evidence)
    }

    /// Whether we have introduced ourselves there, and wait to be let in.
    pub(super) fn is_introducing(&self) -> bool {
        let pulling = self.peers.board.pulling(self.peer);
        pulling.is_some_and(|pulling| pulling.status == PullingStatus::Introducing)
    }

    /// What went wrong, in words; of clocks how far they are apart, and not the times in a signature.
    fn words(&self, trouble: &TroubleRow) -> String {
        let offset = match trouble.code.as_str() {
            "clock-skew" | "signature-expired" => self.peers.board.clock(self.peer),
            _ => None,
        };
        offset.map_or_else(
            || trouble.text.clone(),
            |offset| format!("its clock is {}", offset.words(Duration::ZERO)),
        )
    }

    /// What goes wrong with what comes from there, though our pulls are answered.
    fn lasting(&self, name: StepName) -> Option<Step> {
        let noted = |code: &str| self.known.troubles.iter().find(|trouble| trouble.code == code);
        if let Some(text) = &self.known.broken {
            return Some(Step::warn(name, "log-broken", text));
        }
        if let Some(cut) = noted("pull-cut") {
            return Some(Step::warn(name, "pull-cut", &cut.text));
        }
        noted("log-forked").map(|forked| Step::warn(name, "log-forked", &forked.text))
    }

    /// Whether our own store keeps what it is given.
    pub(super) fn own_store(&self) -> Step {
        self.own_store_of(StepName::Store)
    }

    fn own_store_of(&self, name: StepName) -> Step {
        let Some(StoreTrouble { text, since, lost, .. }) = &self.known.own_store else {
            return Step::pass(name, "the last that was given to this provider's store is on disk");
        };
        let now = self.ground.ambient.now();
        let said = format!("this provider's own store keeps nothing, whatever comes: {text}");
        Step::fail(name, &PeerFault::new(Stage::Store, "own-store", said))
            .seen("since", ago(*since, now))
            .seen("not kept since then", format!("{lost} changes"))
    }

    fn their_pull(&self, theirs: Option<PeerState>, refused: Option<&RefusedPull>) -> Step {
        let name = StepName::TheirPull;
        let reader = Reader::Peer(self.peer.clone());
        let now = self.ground.ambient.now();
        let feed = self.known.feed.as_ref();
        let last = self.last_pull();
        let (head, acknowledged) = feed.map_or((0, 0), |feed| (feed.head, feed.acknowledged));
        let mut evidence = vec![
            Evidence::new("last number put there for it", head.to_string()),
            Evidence::new("last number acknowledged", acknowledged.to_string()),
            Evidence::new("last pull", last.map_or_else(|| "never".into(), |at| ago(at, now))),
        ];
        if let Some(since) = self.not_fetched_since() {
            let long = lasting(now.since(since));
            evidence.push(Evidence::new("the oldest that waits for it has waited for", long));
        }
        let step = if self.waits.waits(WaitKind::Feed, &reader) {
            Step::pass(name, "its pull waits here for news")
        } else if self.waits.waits(WaitKind::Peering, &reader) && self.known.state() == PeerState::Unknown {
            let text = "it asks to be let in, and is not among the providers that you have added";
            Step::wait(name, "not-listed", text)
        } else if self.waits.waits(WaitKind::Peering, &reader) {
            Step::wait(name, "waits-here", "it waits here for your decision on it")
        } else {
            match self.known.state() {
                PeerState::Allowed => self.absent_pull(theirs.or(self.their_state_noted()), refused),
                PeerState::KeyChanged => {
                    let text = "its pulls are refused here until you have decided on its key";
                    Step::fail(name, &PeerFault::new(Stage::Policy, "key-changed", text))
                }
                PeerState::Blocked => {
                    let text = "its pulls are refused here, since you have blocked it";
                    Step::fail(name, &PeerFault::new(Stage::Policy, "not-asked", text))
                }
                PeerState::Unknown | PeerState::Pending => {
                    Step::skipped(name, "it pulls only once it is let in here")
                }
            }
        };
        step.with(evidence)
    }

    /// What it means that no pull of one that is let in here waits now.
    fn absent_pull(&self, theirs: Option<PeerState>, refused: Option<&RefusedPull>) -> Step {
        let (name, now) = (StepName::TheirPull, self.ground.ambient.now());
        if let Some(RefusedPull { at, fault, side, is_proved }) = refused {
            let step =
                Step::fail(name, fault).for_side(*side).seen("the last that was refused", ago(*at, now));
            let unproved = "that it came from this provider is not proved, as its signature was not taken";
            return if *is_proved { step } else { step.seen("who has sent it", unproved) };
        }
        let why_not = match theirs {
            Some(PeerState::Blocked) => Some("it has blocked us"),
            Some(PeerState::KeyChanged) => Some("it has not accepted our key"),
            Some(PeerState::Unknown | PeerState::Pending) => Some("it has not let us in yet"),
            Some(PeerState::Allowed) | None => None,
        };
        if let Some(why) = why_not {
            return Step::skipped(name, format!("it does not pull, since {why}"));
        }
        let last = self.last_pull();
        // Who was away while this node did not run, or was not let in yet, has not failed to come.
        let let_in = self.known.row.as_ref().map_or(self.known.started, |row| row.since);
        let could_come = last.unwrap_or(let_in).max(self.known.started);
        let absent = now.since(could_come);
        if let Some(since) = self.not_fetched_since() {
            let feed = self.known.feed.as_ref();
            let waiting = feed.map_or(0, |feed| feed.head.saturating_sub(feed.acknowledged));
            let (items, them) = if waiting == 1 {
                ("an item waits".to_owned(), "it")
            } else {
                (format!("{waiting} items wait"), "them")
            };
            let is_fresh = now.since(since) < A_MOMENT || absent <= COMES_WITHIN;
            if is_fresh {
                // That this node has only begun is no visit of the peer.
                let text = format!("{items} here for it, and it has yet to come for {them}");
                let is_known =
                    last.is_some_and(|last| last >= self.known.started) || now.since(since) < A_MOMENT;
                return if is_known { Step::pass(name, text) } else { Step::skipped(name, text) };
            }
            return self.away(&format!("{items} here for it, and it does not fetch {them}"));
        }
        let is_late = absent > COMES_WITHIN;
        match last {
            Some(last) if is_late && self.known.is_expected => {
                let long = if last < self.known.started {
                    format!("since this provider was started {} ago", lasting(absent))
                } else {
                    format!("for {}", lasting(absent))
                };
                self.away(&format!(
                    "it has not come here for news {long}, though people of the two providers are connected"
                ))
            }
            // Whoever lets another in pulls once at least (section 11).
            None if is_late && (self.known.is_expected || theirs == Some(PeerState::Allowed)) => {
                self.away(&format!(
                    "it has never pulled from here, though it was let in {} ago",
                    lasting(now.since(let_in))
                ))
            }
            None => {
                Step::skipped(name, "it has never pulled from here, so whether it reaches us is not known")
            }
            Some(last) if self.known.is_expected && last < self.known.started => Step::skipped(
                name,
                format!(
                    "it was here {} ago, before this provider was started, and has yet to come again",
                    lasting(now.since(last))
                ),
            ),
            Some(last) if self.known.is_expected => {
                let long = lasting(now.since(last));
                Step::pass(name, format!("it was here {long} ago, and comes again by itself"))
            }
            Some(at) => Step::pass(
                name,
                format!(
                    "it has fetched what there was, and rests while nothing is expected from here; it last pulled {} ago",
                    lasting(now.since(at))
                ),
            ),
        }
    }

    /// It does not come, as `what` says.
    fn away(&self, what: &str) -> Step {
        if self.keeps_out().next().is_some() {
            let text = format!("{what}: nobody can come here now, as the step {} says", StepName::ThisSide);
            return Step::skipped(StepName::TheirPull, text);
        }
        let text = format!("{what}: it is away, cannot reach us, or does not want to");
        Step::warn(StepName::TheirPull, "not-pulled", text)
    }

    /// When it last pulled.
    fn last_pull(&self) -> Option<Timestamp> {
        let kept = self.known.feed.as_ref().and_then(|feed| feed.pulled);
        self.peers.board.serving(self.peer).last_pull.or(kept)
    }

    /// Since when something waits here for it that it was not given. What was given is acknowledged with its next pull, whenever
    /// that is.
    fn not_fetched_since(&self) -> Option<Timestamp> {
        let since = self.known.feed.as_ref()?.waiting_since?;
        self.last_pull().is_none_or(|last| last < since).then_some(since)
    }

    fn their_state_noted(&self) -> Option<PeerState> {
        self.known.row.as_ref().and_then(|row| row.their_state)
    }
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago, at {}", lasting(now.since(at)), at.in_words())
}
