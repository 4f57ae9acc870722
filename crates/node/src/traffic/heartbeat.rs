//! How it went with a peer over time: for each direction ninety slots, in which requests were answered or failed.
//!
//! It is counted as requests end, and not read out of the record, whose oldest requests make room long before thirty days are over.

use std::collections::HashMap;
use std::time::Duration;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::time::Timestamp;

use super::record::{Asker, Direction, GIVEN_UP, TrafficKind, TrafficRecord};
use crate::words::words;

/// The slots of each span.
pub const SLOTS: u64 = 90;
/// More of a request is not counted. None waits for so long, but a clock may be set while one does.
pub(super) const LONGEST: Duration = Duration::from_secs(300);
/// Places that wait to be written. More come only from names that nobody has let in, which are not counted in the end.
const UNWRITTEN: usize = 20_000;

words! {
    /// The time that ninety slots are of.
    #[derive(Hash)]
    HeartbeatSpan {
        /// Slots of 40 seconds.
        Hour = "1h",
        /// Slots of 16 minutes.
        Day = "1d",
        /// Slots of 112 minutes.
        Week = "7d",
        /// Slots of eight hours.
        Month = "30d",
    }
}

impl HeartbeatSpan {
    /// All of them. Each is counted by itself, so that a request is counted once in each of its slots, however long these are.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// How long one of its slots is.
    pub fn slot(self) -> Duration {
        let whole = match self {
            Self::Hour => 3600,
            Self::Day => 24 * 3600,
            Self::Week => 7 * 24 * 3600,
            Self::Month => 30 * 24 * 3600,
        };
        Duration::from_secs(whole / SLOTS)
    }

    /// The number of the slot in which `at` is, counted from 1970.
    pub(crate) fn slot_of(self, at: Timestamp) -> u64 {
        at.as_secs() / self.slot().as_secs()
    }

    /// The number of the first slot that is shown at `now`.
    pub(crate) fn first_at(self, now: Timestamp) -> u64 {
        self.slot_of(now).saturating_sub(SLOTS - 1)
    }
}

words! {
    /// What is to be said of a slot.
    SlotState {
        /// This node did not run in it, or did not count yet.
        Off = "off",
        /// Nothing was asked.
        Quiet = "quiet",
        /// All that was asked was answered.
        Good = "good",
        /// Some of it failed.
        SomeFailed = "some-failed",
        /// All of it failed.
        Failed = "failed",
    }
}

/// What is counted in a slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Requests that were answered in it, and those that waited in it.
    pub good: u64,
    /// Requests that failed in it.
    pub failed: u64,
    /// Why the latest of them did.
    pub code: Option<String>,
    /// Whether this node ran in it.
    pub ran: bool,
}

impl Slot {
    /// What is to be said of it.
    pub fn state(&self) -> SlotState {
        match (self.good, self.failed) {
            (0, 0) if self.ran => SlotState::Quiet,
            (0, 0) => SlotState::Off,
            (_, 0) => SlotState::Good,
            (0, _) => SlotState::Failed,
            _ => SlotState::SomeFailed,
        }
    }
}

/// How it went with a peer: ninety slots for each direction, the oldest first.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// When the first slot begins.
    pub from: Timestamp,
    /// How long each is.
    pub slot: Duration,
    /// What we asked of the peer.
    pub ours: Vec<Slot>,
    /// What it asked of us.
    pub theirs: Vec<Slot>,
}

impl Heartbeat {
    /// One in which nothing is counted yet; `did_run` says of the number of a slot whether this node ran in it.
    pub(crate) fn empty(span: HeartbeatSpan, first: u64, did_run: impl Fn(u64) -> bool) -> Self {
        let numbers = first..first.saturating_add(SLOTS);
        let slots: Vec<_> = numbers.map(|number| Slot { ran: did_run(number), ..Slot::default() }).collect();
        let from = Timestamp::from_secs(first.saturating_mul(span.slot().as_secs()));
        Self { from, slot: span.slot(), ours: slots.clone(), theirs: slots }
    }

    /// The slot of `direction` that is the `index`th.
    pub(crate) fn slot_at(&mut self, direction: Direction, index: u64) -> Option<&mut Slot> {
        let slots = match direction {
            Direction::Out => &mut self.ours,
            Direction::In => &mut self.theirs,
        };
        usize::try_from(index).ok().and_then(|index| slots.get_mut(index))
    }

    /// Notes that this node has run in the `index`th slot.
    pub(super) fn mark_as_run(&mut self, index: u64) {
        for direction in [Direction::In, Direction::Out] {
            if let Some(slot) = self.slot_at(direction, index) {
                slot.ran = true;
            }
        }
    }

    /// Counts a request that still waits, which is in no count yet.
    pub(super) fn add(&mut self, span: HeartbeatSpan, first: u64, beat: &Beat) {
        for (number, _) in beat.slots(span) {
            let slot = number.checked_sub(first).and_then(|index| self.slot_at(beat.direction, index));
            if let Some(slot) = slot {
                slot.good += 1;
            }
        }
    }
}

/// What a request says of how it goes with a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beat {
    peer: Provider,
    direction: Direction,
    from: Timestamp,
    until: Timestamp,
    /// Whether its answer is held back until there is news: as long as it waits, all is well.
    is_held: bool,
    /// Why it failed, where it did.
    fault: Option<String>,
}

impl Beat {
    /// What `record` says at `now`; nothing where it is not proved to be of its peer, as only a request to us may not be, and where the
    /// Doctor has had it sent: how often somebody looks is not how it goes.
    ///
    /// It failed where nothing usable was answered, or an answer that says that federation itself does not work: that we do not
    /// believe or understand each other, or that the one who was asked can do nothing for now. A decision of the other side is no
    /// such thing, whatever it was: that somebody is blocked or not connected, that another commit was first, that there is no
    /// such group. What one side gave up says no more than that it was well for as long as it waited.
    pub(super) fn of(record: &TrafficRecord, now: Timestamp) -> Option<Self> {
        let is_unproved = record.direction == Direction::In && !record.verified;
        if is_unproved || record.asker == Asker::Doctor {
            return None;
        }
        let peer = record.peer.clone()?;
        let is_held = matches!(record.kind, TrafficKind::Pull | TrafficKind::Peering)
            && record.target.contains("wait=");
        let has_ended = !record.waiting && !is_given_up(record);
        if !has_ended && !is_held {
            return None;
        }
        let until = match record.duration {
            Some(took) => record.at.plus(took),
            None => record.at.max(now),
        };
        let most = u64::try_from(LONGEST.as_millis()).unwrap_or(u64::MAX);
        let from = record.at.max(Timestamp::from_millis(until.as_millis().saturating_sub(most)));
        let fault = if has_ended { fault_of(record) } else { None };
        Some(Self { peer, direction: record.direction, from, until, is_held, fault })
    }

    /// Whether it is about that peer.
    pub(super) fn is_of(&self, peer: &Provider) -> bool {
        self.peer == *peer
    }

    /// The numbers of the slots in which it counts, each with why it failed there. It fails where it ends; what is held back was
    /// well before.
    fn slots(&self, span: HeartbeatSpan) -> impl Iterator<Item = (u64, Option<&str>)> {
        let last = span.slot_of(self.until);
        let first = if self.is_held { span.slot_of(self.from) } else { last };
        (first..=last).map(move |number| (number, self.fault.as_deref().filter(|_| number == last)))
    }
}

/// Whether who asked did not wait for the answer.
fn is_given_up(record: &TrafficRecord) -> bool {
    match record.direction {
        Direction::Out => record.code.as_deref() == Some(GIVEN_UP),
        Direction::In => record.status.is_none() && record.stage.is_none(),
    }
}

/// Why federation does not work, as far as this request says.
fn fault_of(record: &TrafficRecord) -> Option<String> {
    let code = record.code.as_deref();
    let was_judged = record.verified
        && record.status.is_some_and(|status| (400..500).contains(&status))
        && code.and_then(|code| code.parse().ok()).is_some_and(is_decision);
    // Of an answer without a code there is no more to say than that.
    (record.is_failure() && !was_judged).then(|| code.unwrap_or("other").to_owned())
}

/// Whether who answers so works as it should, and has judged what was asked. Of a key that is another nobody has decided, and what
/// came too fast has to be asked again, so neither is such a judgement.
fn is_decision(code: Code) -> bool {
    matches!(
        code,
        Code::PeerPending
            | Code::PeerBlocked
            | Code::NotConnected
            | Code::NotAuthorized
            | Code::NotParticipant
            | Code::GrantInvalid
            | Code::InvalidMls
            | Code::UnsupportedWireFormat
            | Code::NotFound
            | Code::Conflict
            | Code::EpochConflict
            | Code::FeedReset
            | Code::FeedTruncated
            | Code::Gone
            | Code::TooLarge
    )
}

/// A slot of a peer: which way, of which span, and its number.
pub(crate) type Place = (Direction, HeartbeatSpan, u64);

/// What is to be added to the counts of a slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Added {
    pub(crate) good: i64,
    pub(crate) failed: i64,
    pub(crate) code: Option<String>,
}

/// What was counted and is not written yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) peers: HashMap<Provider, HashMap<Place, Added>>,
    places: usize,
}

impl Tally {
    /// Counts `after` in the place of `before`, which is what was counted of the same request until now.
    pub(super) fn replace(&mut self, before: Option<&Beat>, after: Option<&Beat>) {
        for (beat, by) in before.map(|beat| (beat, -1)).into_iter().chain(after.map(|beat| (beat, 1))) {
            for span in HeartbeatSpan::ALL {
                for (number, fault) in beat.slots(span) {
                    self.add(&beat.peer, (beat.direction, span, number), fault, by);
                }
            }
        }
    }

    fn add(&mut self, peer: &Provider, place: Place, fault: Option<&str>, by: i64) {
        // Most are of a place that is there: it is found without another copy of the name.
        let known = self.peers.get_mut(peer).and_then(|places| places.get_mut(&place));
        let added = match known {
            Some(added) => added,
            None if self.places >= UNWRITTEN => return,
            None => {
                self.places += 1;
                self.peers.entry(peer.clone()).or_default().entry(place).or_default()
            }
        };
        match fault {
            None => added.good += by,
            Some(code) => {
                added.failed += by;
                if by > 0 {
                    added.code = Some(code.to_owned());
                }
            }
        }
    }
}

/// What is to be written of the heartbeats.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) tally: Tally,
    /// Since when, until now, this node has run without a break; none where nothing is counted.
    pub(crate) ran: Option<(Timestamp, Timestamp)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    /// A request that took a second.
    fn ended(direction: Direction, status: Option<u16>, code: Option<&str>) -> TrafficRecord {
        let mut record = TrafficRecord::begin(at(1_000_000), direction, "GET", "/groups/g/log");
        (record.peer, record.verified) = (Some("a.example".parse().unwrap()), true);
        (record.waiting, record.status, record.code) = (false, status, code.map(Into::into));
        record.duration = Some(Duration::from_secs(1));
        record
    }

    #[test]
    fn what_the_doctor_has_had_sent_says_nothing() {
        let mut record = ended(Direction::Out, Some(200), None);
        assert!(Beat::of(&record, record.at).is_some());
        record.asker = Asker::Doctor;
        assert_eq!(Beat::of(&record, record.at), None);
    }

    fn pull(secs: u64, took: Option<u64>) -> TrafficRecord {
        let mut record = TrafficRecord::begin(at(secs), Direction::Out, "GET", "/feed?after=0&wait=55");
        record.peer = Some("a.example".parse().unwrap());
        (record.waiting, record.duration) = (took.is_none(), took.map(Duration::from_secs));
        record.status = took.map(|_| 200);
        record
    }

    fn slots(record: &TrafficRecord, span: HeartbeatSpan, now: u64) -> Vec<(u64, Option<String>)> {
        let beat = Beat::of(record, at(now));
        let slots =
            |beat: &Beat| beat.slots(span).map(|(number, fault)| (number, fault.map(Into::into))).collect();
        beat.as_ref().map(slots).unwrap_or_default()
    }

    #[test]
    fn a_heartbeat_fails_where_federation_does_not_work_and_not_where_somebody_has_decided() {
        let fault = |record: &TrafficRecord| Beat::of(record, record.at).unwrap().fault;
        for direction in [Direction::In, Direction::Out] {
            for (status, code) in [
                (403, "peer-blocked"),
                (403, "peer-pending"),
                (403, "not-connected"),
                (403, "not-authorized"),
                (404, "not-found"),
                (409, "epoch-conflict"),
                (409, "feed-reset"),
                (410, "gone"),
                (400, "invalid-mls"),
            ] {
                let mut record = ended(direction, Some(status), Some(code));
                // As a refusal of a request of ours is noted.
                record.stage = (direction == Direction::Out).then_some(crate::peer_fault::Stage::Http);
                assert_eq!(fault(&record), None, "{direction} {code}");
            }
            for (status, code) in [
                (Some(401), "replayed"),
                (Some(401), "key-unknown"),
                (Some(403), "peer-key-changed"),
                (Some(421), "not-here"),
                (Some(429), "rate-limited"),
                (Some(400), "malformed"),
                (Some(500), "of-another-profile"),
                (Some(503), "unavailable"),
                (Some(404), "unexpected-status"),
            ] {
                assert_eq!(
                    fault(&ended(direction, status, Some(code))).as_deref(),
                    Some(code),
                    "{direction}"
                );
            }
        }
        // What is in front of a peer does not speak for it, whatever it says.
        let mut unsigned = ended(Direction::Out, Some(404), Some("not-found"));
        unsigned.verified = false;
        assert_eq!(fault(&unsigned).as_deref(), Some("not-found"));
        // A page that could not be used.
        let mut unusable = ended(Direction::Out, Some(200), Some("feed-hasty"));
        unusable.stage = Some(crate::peer_fault::Stage::Content);
        assert_eq!(fault(&unusable).as_deref(), Some("feed-hasty"));
        assert_eq!(fault(&ended(Direction::In, Some(200), None)), None);
        assert_eq!(fault(&ended(Direction::In, Some(500), None)).as_deref(), Some("other"));
    }

    #[test]
    fn what_nothing_proves_and_what_was_given_up_says_nothing_and_a_pull_that_waited_was_well() {
        let mut unproved = ended(Direction::In, Some(200), None);
        unproved.verified = false;
        assert_eq!(Beat::of(&unproved, unproved.at), None);
        let mut waiting = ended(Direction::Out, None, None);
        waiting.waiting = true;
        assert_eq!(Beat::of(&waiting, waiting.at), None, "it may fail yet");
        let mut given_up = ended(Direction::Out, None, Some(GIVEN_UP));
        given_up.stage = Some(crate::peer_fault::Stage::Http);
        assert_eq!(Beat::of(&given_up, given_up.at), None);
        (given_up.kind, given_up.target) = (TrafficKind::Pull, "/feed?after=0&wait=55".into());
        assert_eq!(Beat::of(&given_up, given_up.at).unwrap().fault, None);
        let by_peer = ended(Direction::In, None, None);
        assert_eq!(Beat::of(&by_peer, by_peer.at), None);
    }

    #[test]
    fn a_pull_counts_in_each_slot_in_which_it_waited_and_fails_in_that_in_which_it_ended() {
        let hour = HeartbeatSpan::Hour;
        assert_eq!(slots(&pull(390, Some(55)), hour, 0), [(9, None), (10, None), (11, None)]);
        assert_eq!(slots(&pull(390, Some(55)), HeartbeatSpan::Day, 0), [(0, None)]);
        let mut failed = pull(390, Some(20));
        (failed.status, failed.code) = (None, Some("connection-lost".into()));
        failed.stage = Some(crate::peer_fault::Stage::Http);
        assert_eq!(slots(&failed, hour, 0), [(9, None), (10, Some("connection-lost".into()))]);
        // What answers at once is counted when it has answered.
        let mut short = ended(Direction::Out, Some(200), None);
        short.at = at(399);
        assert_eq!(slots(&short, hour, 0), [(10, None)]);
        // What waits is counted up to now, also where the clock was set while it does.
        assert_eq!(slots(&pull(390, None), hour, 410), [(9, None), (10, None)]);
        assert_eq!(slots(&pull(390, None), hour, 3), [(9, None)]);
        let ahead = 200 * 86_400;
        let seen = slots(&pull(390, None), hour, ahead);
        assert_eq!(
            (seen.len(), seen.last()),
            (9, Some(&(ahead / 40, None))),
            "no more than five minutes of it"
        );
    }

    #[test]
    fn what_is_counted_otherwise_by_now_is_counted_once_and_what_waits_to_be_written_is_bounded() {
        let mut tally = Tally::default();
        let record = pull(390, Some(5));
        let good = Beat::of(&record, record.at).unwrap();
        let failed = Beat { fault: Some("own-store".into()), ..good.clone() };
        tally.replace(None, Some(&good));
        tally.replace(Some(&good), Some(&failed));
        for span in HeartbeatSpan::ALL {
            let added = &tally.peers[&good.peer][&(Direction::Out, span, span.slot_of(good.until))];
            assert_eq!(*added, Added { good: 0, failed: 1, code: Some("own-store".into()) });
        }
        for n in 0..UNWRITTEN {
            let peer = format!("n{n}.example").parse().unwrap();
            tally.replace(None, Some(&Beat { peer, ..good.clone() }));
        }
        assert_eq!(tally.peers.values().map(HashMap::len).sum::<usize>(), UNWRITTEN);
    }

    #[test]
    fn ninety_slots_are_the_whole_span() {
        for (span, hours) in HeartbeatSpan::ALL.into_iter().zip([1, 24, 7 * 24, 30 * 24]) {
            assert_eq!(span.slot() * 90, Duration::from_secs(hours * 3600), "{span}");
            let now = at(1_800_000_000);
            assert_eq!(span.first_at(now) + SLOTS - 1, span.slot_of(now));
            // In 1970 there are not so many yet.
            assert_eq!(span.first_at(at(5)), 0);
        }
    }
}
