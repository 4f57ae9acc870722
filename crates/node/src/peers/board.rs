//! What goes on with each peer right now, in both directions; in memory, for whoever looks.

use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;

use crate::ground::changes::{Change, Changes};
use crate::side::Side;
use crate::store::Reader;

/// Clocks that differ by less are no trouble to anybody.
pub(crate) const CLOCK_TOLERATED: Duration = Duration::from_secs(30);

/// An answer that takes so long makes its provider, or the way to it, a slow one.
pub(crate) const SLOW_FROM: Duration = Duration::from_secs(2);

/// What our puller does at a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullingStatus {
    /// Nothing is expected from there, so nothing is asked.
    Idle,
    /// A request is on its way.
    Asking,
    /// A pull waits there for news.
    Waiting,
    /// We are pending there, and a request waits for its operator's decision.
    Introducing,
    /// The last try failed.
    BackingOff,
    /// The operator lets it rest.
    Paused,
    /// The peer is not asked.
    Stopped,
}

impl PullingStatus {
    /// Whether what the peer has to tell comes here, or is about to.
    pub fn is_well(self) -> bool {
        matches!(self, Self::Asking | Self::Waiting | Self::Idle)
    }
}

/// The direction in which we pull.
#[derive(Clone, Copy, Debug)]
pub struct Pulling {
    /// What the puller does.
    pub status: PullingStatus,
    /// Since when.
    pub since: Timestamp,
    /// When the next try is due.
    pub next_try: Option<Timestamp>,
    /// Failed tries in a row.
    pub failures: u32,
    /// When a pull was last answered, be it with nothing.
    pub last_pull: Option<Timestamp>,
    /// Round trip of the last request that was answered without waiting.
    pub latency: Option<Duration>,
}

/// The direction in which we are pulled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Serving {
    /// When a pull of theirs last came in or was answered.
    pub last_pull: Option<Timestamp>,
    /// The latest time at which a pull of theirs was signed, in seconds.
    signed: u64,
    /// Behind which number it was last given items, how often in a row, and since when.
    given: Option<(u64, u32, Instant)>,
}

/// How far another provider's clock is from ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockOffset {
    /// Milliseconds that it is ahead; negative where it is behind.
    pub(crate) millis: i64,
}

impl ClockOffset {
    /// The offset of a clock that shows `theirs` while ours shows `ours`.
    pub(crate) fn of(theirs: Timestamp, ours: Timestamp) -> Self {
        let millis = |time: Timestamp| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        Self { millis: millis(theirs).saturating_sub(millis(ours)) }
    }

    /// How far, whichever way.
    pub(crate) fn size(self) -> Duration {
        Duration::from_millis(self.millis.unsigned_abs())
    }

    /// Whether it is no trouble to anybody.
    pub(crate) fn is_tolerated(self) -> bool {
        self.size() <= CLOCK_TOLERATED
    }

    /// That a clock is so far from ours, as a person reads it behind "its clock is"; it is known but for `uncertain`.
    pub(crate) fn words(self, uncertain: Duration) -> String {
        let size = self.size();
        if size <= uncertain {
            return "level with this computer's".into();
        }
        let told = match size.as_secs() {
            0..10 => format!("{:.1} s", size.as_secs_f64()),
            seconds @ 10..120 => format!("{seconds} s"),
            seconds @ 120..7200 => format!("{} min", (seconds + 30) / 60),
            seconds @ 7200..172_800 => format!("{} h", (seconds + 1800) / 3600),
            seconds => format!("{} days", (seconds + 43_200) / 86_400),
        };
        let way = if self.millis > 0 { "ahead of" } else { "behind" };
        format!("{told} {way} this computer's")
    }
}

/// The clock of another provider, as it was seen.
#[derive(Clone, Copy)]
struct SeenClock {
    offset: ClockOffset,
    /// By how much more or less it may be.
    uncertain: Duration,
    /// When that was, by our clock.
    noted: Timestamp,
    /// When it was last found to be about so.
    seen: Timestamp,
    /// And by the one that never steps.
    at: Instant,
}

/// How much less is known by a measurement that is not taken for one that is there and agrees with it.
const WORSE: Duration = Duration::from_millis(500);

impl SeenClock {
    /// A clock that showed the whole second `theirs` at a moment of the time `took`, which ends at `now`.
    fn of(theirs: Timestamp, took: Duration, now: Timestamp, at: Instant) -> Self {
        let uncertain = took / 2 + Duration::from_millis(500);
        let offset = ClockOffset::of(theirs.plus(uncertain), now);
        Self { offset, uncertain, noted: now, seen: now, at }
    }

    /// What is known once `newer` was measured too: a slow answer tells less of a clock than a quick one.
    fn and(self, newer: Self) -> Self {
        let apart = Duration::from_millis(self.offset.millis.abs_diff(newer.offset.millis));
        let agrees = apart <= self.uncertain + newer.uncertain;
        if agrees && newer.uncertain > self.uncertain + WORSE {
            Self { seen: newer.seen, ..self }
        } else {
            newer
        }
    }
}

/// Whether so many of all who know the time say that ours is wrong, that it most likely is: most, and more than one, since one
/// may be wrong itself.
pub(crate) fn is_outvoted(disputed: usize, all: usize) -> bool {
    disputed > 1 && disputed * 2 > all
}

/// How long our pulls may wait at a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// How long they are asked to wait, in seconds.
    pub(crate) asked_s: u64,
    /// The longest that one waited and was answered.
    pub(crate) longest: Duration,
}

fn agree(count: usize, all: usize) -> String {
    match (count, all) {
        (1, 1) => "the only other provider whose clock is known here agrees".into(),
        (1, all) => format!("1 of {all} other providers agrees"),
        (count, all) => format!("{count} of {all} other providers agree"),
    }
}

/// The state of all directions.
pub(crate) struct Board {
    /// What our puller does at each peer.
    pulling: Mutex<HashMap<Provider, Pulling>>,
    /// How each peer pulls us.
    serving: Mutex<HashMap<Provider, Serving>>,
    /// How far the clocks of those are from ours whose answers were proved, and when that was found.
    clocks: Mutex<HashMap<Provider, SeenClock>>,
    /// Whose requests come in time: those of whom one came in this life, and no later one was refused for its time.
    timely: Mutex<HashSet<Provider>>,
    /// How long our pulls may wait at each peer.
    held: Mutex<HashMap<Provider, Held>>,
    /// Where it is told that something has changed.
    changes: Changes,
}

impl Board {
    pub(crate) fn new(changes: Changes) -> Self {
        let (pulling, serving) = (Mutex::default(), Mutex::default());
        let (clocks, timely, held) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { pulling, serving, clocks, timely, held, changes }
    }

    /// What our puller does at `peer`, where there is one.
    pub(crate) fn pulling(&self, peer: &Provider) -> Option<Pulling> {
        self.pulling.lock().get(peer).copied()
    }

    /// What all pullers do.
    pub(crate) fn all_pulling(&self) -> HashMap<Provider, Pulling> {
        self.pulling.lock().clone()
    }

    /// How `peer` pulls us.
    pub(crate) fn serving(&self, peer: &Provider) -> Serving {
        self.serving.lock().get(peer).copied().unwrap_or_default()
    }

    /// Our puller at `peer` now does something else.
    pub(crate) fn set(
        &self,
        peer: &Provider,
        status: PullingStatus,
        now: Timestamp,
        next_try: Option<Timestamp>,
        failures: u32,
    ) {
        let mut board = self.pulling.lock();
        let entry = board.entry(peer.clone()).or_insert(Pulling {
            status,
            since: now,
            next_try,
            failures,
            last_pull: None,
            latency: None,
        });
        let same = (entry.status, entry.failures) == (status, failures);
        *entry =
            Pulling { status, next_try, failures, since: if same { entry.since } else { now }, ..*entry };
        drop(board);
        self.changes.announce(Change::Dealings(peer.clone()));
    }

    /// A pull of ours was answered by `peer`.
    pub(crate) fn pulled(&self, peer: &Provider, now: Timestamp) {
        if let Some(pulling) = self.pulling.lock().get_mut(peer) {
            pulling.last_pull = Some(now);
        }
        self.changes.announce(Change::Dealings(peer.clone()));
    }

    /// A request to `peer` was answered without waiting.
    pub(crate) fn took(&self, peer: &Provider, latency: Duration) {
        if let Some(pulling) = self.pulling.lock().get_mut(peer) {
            pulling.latency = Some(latency);
        }
    }

    /// The clock of `peer` showed the whole second `theirs` at a moment of the time `took`, which ends at `now`.
    pub(super) fn note_clock(
        &self,
        peer: &Provider,
        theirs: Timestamp,
        took: Duration,
        now: Timestamp,
        at: Instant,
    ) {
        let newer = SeenClock::of(theirs, took, now, at);
        let mut clocks = self.clocks.lock();
        let known = clocks.get(peer).map_or(newer, |before| before.and(newer));
        clocks.insert(peer.clone(), known);
    }

    /// How far all others' clocks that were seen are from ours at `now`, also where ours was set since: by the clock that never steps,
    /// which shows `at`, it is known what theirs show now.
    pub(crate) fn clocks_now(&self, now: Timestamp, at: Instant) -> Vec<ClockOffset> {
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let of = |seen: &SeenClock| {
            let ours = seen.noted.plus(at.saturating_duration_since(seen.at));
            let set = millis(ours.since(now)).saturating_sub(millis(now.since(ours)));
            ClockOffset { millis: seen.offset.millis.saturating_add(set) }
        };
        self.clocks.lock().values().map(of).collect()
    }

    /// A request of `peer` came in time. Whether that is news.
    pub(super) fn note_timely(&self, peer: &Provider) -> bool {
        let mut timely = self.timely.lock();
        !timely.contains(peer) && timely.insert(peer.clone())
    }

    /// A request of `peer` was refused for its time.
    pub(super) fn note_untimely(&self, peer: &Provider) {
        self.timely.lock().remove(peer);
    }

    /// How far the clock of `peer` was found to be from ours at `then` or later.
    pub(crate) fn clock_since(&self, peer: &Provider, then: Timestamp) -> Option<ClockOffset> {
        self.clocks.lock().get(peer).filter(|seen| seen.seen >= then).map(|seen| seen.offset)
    }

    /// How far the clock of `peer` is from ours, where it has signed an answer in this life.
    pub(crate) fn clock(&self, peer: &Provider) -> Option<ClockOffset> {
        self.clocks.lock().get(peer).map(|seen| seen.offset)
    }

    /// The same, where that is more than it may be by the way of the answer alone.
    pub(crate) fn clock_apart(&self, peer: &Provider) -> Option<ClockOffset> {
        let clocks = self.clocks.lock();
        clocks.get(peer).filter(|seen| seen.offset.size() > seen.uncertain).map(|seen| seen.offset)
    }

    /// How far the clocks of all others than `peer` are from ours.
    pub(crate) fn clocks_of_others(&self, peer: &Provider) -> Vec<(Provider, ClockOffset)> {
        let clocks = self.clocks.lock();
        let others = clocks.iter().filter(|(other, _)| *other != peer);
        others.map(|(other, seen)| (other.clone(), seen.offset)).collect()
    }

    /// Which of two clocks is wrong, that of `peer`, which is off by `offset`, or ours, by those of the other providers whose
    /// answers were proved in this run; with half a sentence that says why.
    pub(crate) fn whose_clock(&self, peer: &Provider, offset: ClockOffset) -> (Side, String) {
        let others = self.clocks_of_others(peer);
        let tolerated = u64::try_from(CLOCK_TOLERATED.as_millis()).unwrap_or(u64::MAX);
        let near =
            |of: i64| others.iter().filter(|(_, other)| other.millis.abs_diff(of) <= tolerated).count();
        let (with_us, with_them, all) = (near(0), near(offset.millis), others.len());
        if with_us > with_them {
            let text = format!("{} with this computer, so its clock is wrong", agree(with_us, all));
            (Side::Theirs, text)
        } else if with_them > with_us && is_outvoted(with_them + 1, all + 1) {
            let text = format!("{} with it, so this computer's clock is wrong", agree(with_them, all));
            (Side::Ours, text)
        } else if all == 0 {
            (
                Side::Either,
                "no other provider's clock is known here that would tell which of the two is wrong".into(),
            )
        } else {
            (Side::Either, "the clocks of the other providers do not tell which of the two is wrong".into())
        }
    }

    /// Which clock is wrong, that of `peer` or ours, where its was seen.
    pub(crate) fn wrong_clock(&self, peer: &Provider) -> Option<(Side, String)> {
        let offset = self.clock(peer)?;
        Some(self.whose_clock(peer, offset))
    }

    /// A pull at `peer` that was asked to wait for `asked_s` seconds waited for `held`, and was answered.
    pub(crate) fn note_held(&self, peer: &Provider, asked_s: u64, held: Duration) {
        let mut all = self.held.lock();
        let longest = all.get(peer).map_or(held, |before| before.longest.max(held));
        all.insert(peer.clone(), Held { asked_s, longest });
    }

    /// How long our pulls may wait at `peer`, where one has.
    pub(crate) fn held(&self, peer: &Provider) -> Option<Held> {
        self.held.lock().get(peer).copied()
    }

    /// Forgets the puller at `peer`.
    pub(crate) fn remove(&self, peer: &Provider) {
        self.pulling.lock().remove(peer);
        self.held.lock().remove(peer);
        self.changes.announce(Change::Dealings(peer.clone()));
    }

    /// A pull of `reader` came in or was answered.
    pub(crate) fn served(&self, reader: &Reader, now: Timestamp) {
        if let Reader::Peer(peer) = reader {
            self.serving.lock().entry(peer.clone()).or_default().last_pull = Some(now);
            self.changes.announce(Change::Dealings(peer.clone()));
        }
    }

    /// `peer` is given items behind the number `after`. How often in a row it has been now, and for how long.
    pub(crate) fn given(&self, peer: &Provider, after: u64, now: Instant) -> (u32, Duration) {
        let mut serving = self.serving.lock();
        let given = &mut serving.entry(peer.clone()).or_default().given;
        let (_, times, since) = given.filter(|(last, ..)| *last == after).unwrap_or((after, 0, now));
        let times = times.saturating_add(1);
        *given = Some((after, times, since));
        (times, now.duration_since(since))
    }

    /// Whether a pull signed at `signed` is later than all before; only such a one can tell that a store went back,
    /// since an earlier one may merely have been held up on its way.
    pub(crate) fn is_latest(&self, reader: &Reader, signed: Option<u64>) -> bool {
        match (reader, signed) {
            (Reader::Peer(peer), Some(signed)) => signed > self.serving(peer).signed,
            _ => false,
        }
    }

    /// Remembers when a pull was signed.
    pub(crate) fn signed(&self, reader: &Reader, signed: Option<u64>) {
        if let (Reader::Peer(peer), Some(signed)) = (reader, signed) {
            let mut serving = self.serving.lock();
            let serving = serving.entry(peer.clone()).or_default();
            serving.signed = serving.signed.max(signed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_MINUTES: i64 = 600_000;

    /// Whose clock is said to be wrong where that of a peer is ten minutes behind, and the others are off by `others`.
    fn blamed(others: &[i64]) -> Side {
        let board = Board::new(Changes::new());
        for (number, millis) in others.iter().enumerate() {
            let other = format!("p{number}.example").parse().unwrap();
            let ours = Timestamp::from_secs(1_800_000_000);
            let theirs = Timestamp::from_millis(ours.as_millis().saturating_add_signed(*millis));
            board.note_clock(&other, theirs, Duration::ZERO, ours, Instant::now());
        }
        board.whose_clock(&"peer.example".parse().unwrap(), ClockOffset { millis: -TEN_MINUTES }).0
    }

    #[test]
    fn the_clock_is_wrong_that_stands_alone() {
        assert_eq!(blamed(&[]), Side::Either);
        assert_eq!(blamed(&[0]), Side::Theirs);
        assert_eq!(blamed(&[-TEN_MINUTES]), Side::Ours, "the peer and another say so");
        assert_eq!(blamed(&[0, -TEN_MINUTES]), Side::Either);
        assert_eq!(blamed(&[TEN_MINUTES]), Side::Either, "three clocks, three times");
        assert_eq!(
            blamed(&[-TEN_MINUTES, TEN_MINUTES, 3 * TEN_MINUTES]),
            Side::Either,
            "two of four are not most"
        );
    }

    #[test]
    fn a_clock_that_was_set_since_is_as_far_off_as_it_was_set() {
        let (board, began, noted) =
            (Board::new(Changes::new()), Instant::now(), Timestamp::from_secs(1_800_000_000));
        board.note_clock(&"a.example".parse().unwrap(), noted, Duration::ZERO, noted, began);
        let later = Duration::from_secs(3600);
        let off = |now: Timestamp| board.clocks_now(now, began + later)[0].millis;
        // A whole second is most likely half over.
        assert_eq!(off(noted.plus(later)), 500, "an hour has passed");
        assert_eq!(off(noted.plus(2 * later)), 500 - 3_600_000, "ours is an hour ahead since");
        assert_eq!(off(noted), 500 + 3_600_000, "ours was set back");
    }

    #[test]
    fn a_slow_answer_is_no_wrong_clock() {
        let (board, peer) = (Board::new(Changes::new()), "a.example".parse().unwrap());
        let noted = Timestamp::from_millis(1_800_000_000_900);
        let note = |theirs: u64, took: u64| {
            let theirs = Timestamp::from_secs(1_800_000_000 + theirs);
            let now = noted.plus(Duration::from_millis(took));
            board.note_clock(&peer, theirs, Duration::from_millis(took), now, Instant::now());
        };
        // It was signed as soon as it was asked for, and the answer took all of the time.
        note(0, 3000);
        assert_eq!(board.clock_apart(&peer), None);
        // A quick answer tells it more exactly, which slow ones do not make less exact.
        note(0, 40_000);
        note(0, 10);
        let quick = board.clock(&peer);
        note(2, 6000);
        assert_eq!((board.clock(&peer), board.clock_apart(&peer)), (quick, None));
        assert!(
            board.clock_since(&peer, noted.plus(Duration::from_millis(6000))).is_some(),
            "it was seen again"
        );
        note(60, 10);
        let apart = board.clock_apart(&peer).unwrap();
        assert!(apart.millis.abs_diff(60_000) < 1000, "{apart:?}");
        note(0, 6000);
        assert_eq!(board.clock_apart(&peer), None, "it was set");
    }

    #[test]
    fn one_witness_does_not_outvote_a_clock() {
        assert!(!is_outvoted(1, 1) && !is_outvoted(2, 4) && !is_outvoted(0, 0));
        assert!(is_outvoted(2, 2) && is_outvoted(2, 3));
    }
}
