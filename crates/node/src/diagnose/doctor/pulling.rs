//! The steps that tell how the node's own pulls and those of the provider go, which it does by itself all the time.

use std::time::Duration;

use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;

use super::report::{Evidence, Step, StepName, Verdict};
use super::{Checkup, Looker, Progress};
use crate::delivery::WaitKind;
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::PullingStatus;
use crate::store::{Reader, StoreTrouble};

/// Who has not pulled for so long, while something waits for it, does not merely make a pause.
const NOT_PULLED: Duration = Duration::from_secs(120);

impl Checkup<'_> {
    pub(super) fn look_at_pulls(&self, progress: &Progress) {
        if self.looker == Looker::Beside {
            let text = "known to the running node alone, which was not asked";
            progress.tell(Step::skipped(StepName::OurPull, text));
            return progress.tell(Step::skipped(StepName::TheirPull, text));
        }
        progress.tell(self.our_pull());
        progress.tell(self.their_pull());
    }

    fn our_pull(&self) -> Step {
        let name = StepName::OurPull;
        if self.known.state() != PeerState::Allowed {
            return Step::skipped(name, "we pull only from providers that are let in here");
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
            evidence.push(Evidence::new("next try", format!("in {} s", next.since(now).as_secs())));
        }
        if let Some(held) = self.peers.board.held(self.peer) {
            let text =
                format!("{} s; the longest wait so far was {} s", held.asked_s, held.longest.as_secs());
            evidence.push(Evidence::new("pulls are asked to wait", text));
        }
        let step = match pulling.map(|pulling| (pulling.status, pulling.failures)) {
            _ if self.known.own_store.is_some() => self.own_store_of(name),
            Some((PullingStatus::Paused, _)) => {
                Step::warn(name, "pull-paused", "you let our pulls there rest; resume them to go on")
            }
            Some((PullingStatus::Introducing, _)) => Step::warn(
                name,
                "peer-pending",
                "we have introduced ourselves, and wait there for its operator's decision",
            ),
            Some((PullingStatus::BackingOff, failures)) => {
                let latest = self.known.troubles.first();
                let why =
                    latest.map(|trouble| format!("; the last time: {}", trouble.text)).unwrap_or_default();
                Step::warn(
                    name,
                    "pull-resting",
                    format!("our pull has failed {failures} times in a row and rests{why}"),
                )
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

    fn their_pull(&self) -> Step {
        let name = StepName::TheirPull;
        let reader = Reader::Peer(self.peer.clone());
        let now = self.ground.ambient.now();
        let feed = self.known.feed.as_ref();
        let (head, acknowledged) = feed.map_or((0, 0), |feed| (feed.head, feed.acknowledged));
        let last = self.peers.board.serving(self.peer).last_pull.or(feed.and_then(|feed| feed.pulled));
        // What was given and not acknowledged is acknowledged with its next pull, whenever that is.
        let is_given = |since: Timestamp| last.is_some_and(|last| last >= since);
        let waiting_since = feed.and_then(|feed| feed.waiting_since).filter(|since| !is_given(*since));
        let mut evidence = vec![
            Evidence::new("last number put there for it", head.to_string()),
            Evidence::new("last number acknowledged", acknowledged.to_string()),
            Evidence::new("last pull", last.map_or_else(|| "never".into(), |at| ago(at, now))),
        ];
        if let Some(since) = waiting_since {
            evidence.push(Evidence::new(
                "the oldest that waits for it has waited for",
                lasting(now.since(since)),
            ));
        }
        let waiting = head.saturating_sub(acknowledged);
        let is_overdue = waiting_since.is_some_and(|since| now.since(since) > NOT_PULLED);
        let step = if self.waits.waits(WaitKind::Feed, &reader) {
            Step::pass(name, "its pull waits here for news")
        } else if self.waits.waits(WaitKind::Peering, &reader) && self.known.state() == PeerState::Unknown {
            let text = "it asks to be let in, and is not among the providers that you have added";
            Step::warn(name, "not-listed", text)
        } else if self.waits.waits(WaitKind::Peering, &reader) {
            Step::warn(name, "waits-here", "it waits here for your decision on it")
        } else if is_overdue {
            let text = format!(
                "{} here for it, and it does not fetch {}: it is away, cannot reach us, or does not want to",
                if waiting == 1 { "an item waits".into() } else { format!("{waiting} items wait") },
                if waiting == 1 { "it" } else { "them" },
            );
            Step::warn(name, "not-pulled", text)
        } else if last.is_some() {
            Step::pass(name, "it does not pull at the moment, and nothing has to be fetched")
        } else {
            Step::pass(name, "it has not pulled us yet, and nothing waits for it")
        };
        step.with(evidence)
    }
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago, at {at}", lasting(now.since(at)))
}

fn lasting(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
