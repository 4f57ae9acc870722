//! What one target was told, and what it is yet to be told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use drawbridge_mtp::id::Id;
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::current::{Current, Now, ScreenName};
use crate::store::Severity;

/// So many things wait to be told at most. Of more, some are only counted: the oldest of what waits for a decision, then of the rest.
const MOST: usize = 50;
/// What ends and begins again within this is the same, as for Repairs: its end is told once it has lasted.
pub(super) const ENDED_FOR: Duration = Duration::from_secs(600);
/// What comes within this time is told together.
const TOGETHER: Duration = Duration::from_secs(2);
/// After a message, so long no other is sent, and twice as long after each that follows at once.
const FIRST_REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_secs(600);
/// After a failure, so long it is not tried again, and twice as long after each that follows.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Which of what is so a target is told.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// What the target is called: that it cannot be reached is not told to itself.
    pub(super) target: String,
    /// Whether it is told what waits.
    pub(super) waits: bool,
    /// How bad what is wrong has to be.
    pub(super) least: Severity,
}

/// What one target was told, and what it is yet to be told. This is what is kept of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Told {
    /// What waits and is told or in the queue.
    waiting: BTreeSet<String>,
    /// What is wrong and is told or in the queue.
    wrong: BTreeMap<String, Wrong>,
    /// What is yet to be told, the oldest first.
    queue: Vec<Entry>,
    /// How many more there were than the queue holds.
    left_out: u32,
    /// The message that is being sent, or was when the program ended: it is sent again as it was, under the same id.
    sending: Option<Sending>,
    /// How it fails, where it does.
    pub(super) failing: Option<Failing>,
    /// When it was last reached.
    pub(super) reached: Option<Timestamp>,
    /// Before that nothing is sent, since something just was.
    #[serde(skip)]
    rests_until: Timestamp,
    #[serde(skip)]
    rest: Duration,
    /// Before that nothing is sent, so that what comes together is told together.
    #[serde(skip)]
    gathers_until: Timestamp,
}

/// Something wrong that a target knows of.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Wrong {
    code: String,
    /// The worst that it was told.
    severity: Severity,
    sentence: String,
    nameless: String,
    is_ignored: bool,
    /// How it was when it was ignored.
    ignored_as: Option<String>,
    /// Since when it is not so any more.
    gone: Option<Timestamp>,
}

/// What there is to tell of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum EntryState {
    /// It waits for a decision.
    Waits,
    /// It is wrong.
    Wrong,
    /// It is well again.
    Ended,
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Entry {
    /// By which a receiver knows it again.
    pub(super) id: Id,
    key: String,
    pub(super) state: EntryState,
    pub(super) code: String,
    pub(super) severity: Severity,
    pub(super) sentence: String,
    pub(super) nameless: String,
    /// Since when it is so.
    pub(super) at: Timestamp,
}

/// A message that is being sent: the first of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Sending {
    id: Id,
    count: usize,
    left_out: u32,
}

/// What is sent at a time.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// By which a receiver knows it again.
    pub(super) id: Id,
    /// What it tells.
    pub(super) entries: Vec<Entry>,
    /// How many more there were.
    pub(super) left_out: u32,
}

/// A target that cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Failing {
    /// Since the first failure in a row.
    pub(super) since: Timestamp,
    /// The last one.
    pub(super) last: Timestamp,
    /// How many in a row.
    pub(super) tries: u32,
    /// Why the last one failed, with what the server has answered.
    pub(super) text: String,
    /// When it is tried again.
    pub(super) next: Timestamp,
}

impl Told {
    /// Goes on after a restart: who starts the program again may have mended what was in the way.
    pub(super) fn begin(&mut self, now: Timestamp) {
        if let Some(failing) = &mut self.failing {
            failing.next = now;
        }
    }

    /// How much is yet to be told.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len() + self.left_out as usize
    }

    /// Takes what is so at `now`. Returns whether that has changed what is kept.
    pub(super) fn take(
        &mut self,
        is: &Now,
        wanted: &Wanted,
        now: Timestamp,
        mut new_id: impl FnMut() -> Id,
    ) -> bool {
        let before = (self.waiting.clone(), self.wrong.clone(), self.queue.len(), self.left_out);
        if is.has_waiting {
            let mut wait = BTreeSet::new();
            let asked = is.all.iter().filter(|one| one.screen == ScreenName::Approvals && wanted.waits);
            for one in asked {
                wait.insert(one.key.clone());
                if !self.waiting.contains(&one.key) {
                    self.push(Entry::of(one, EntryState::Waits, one.since, new_id()), now);
                }
            }
            // What is decided need not be told any more.
            let sent = self.sending.map_or(0, |sending| sending.count);
            let mut place = 0;
            self.queue.retain(|entry| {
                place += 1;
                place <= sent || entry.state != EntryState::Waits || wait.contains(&entry.key)
            });
            self.waiting = wait;
        }
        let wrong = is.all.iter().filter(|one| one.screen == ScreenName::Repairs);
        let wrong: Vec<&Current> = wrong.filter(|one| one.target.as_ref() != Some(&wanted.target)).collect();
        for one in &wrong {
            self.take_wrong(one, wanted, now, &mut new_id);
        }
        let gone: Vec<String> =
            self.wrong.keys().filter(|key| !wrong.iter().any(|one| one.key == **key)).cloned().collect();
        for key in gone {
            self.take_gone(key, now, &mut new_id);
        }
        before != (self.waiting.clone(), self.wrong.clone(), self.queue.len(), self.left_out)
    }

    fn take_wrong(
        &mut self,
        one: &Current,
        wanted: &Wanted,
        now: Timestamp,
        new_id: &mut impl FnMut() -> Id,
    ) {
        let shape = format!("{} {:?} {} {}", one.code, one.severity, one.suffers.groups, one.suffers.users);
        let Some(known) = self.wrong.get_mut(&one.key) else {
            if one.severity < wanted.least {
                return;
            }
            let known = Wrong {
                code: one.code.clone(),
                severity: one.severity,
                sentence: one.sentence.clone(),
                nameless: one.nameless.clone(),
                is_ignored: one.is_ignored,
                ignored_as: one.is_ignored.then_some(shape),
                gone: None,
            };
            self.wrong.insert(one.key.clone(), known);
            if !one.is_ignored {
                self.push(Entry::of(one, EntryState::Wrong, one.since, new_id()), now);
            }
            return;
        };
        // What comes back as another is another.
        let is_other = known.gone.take().is_some() && known.code != one.code;
        // That the operator has it shown again is no news, but that it is another by then is.
        let is_back = known.is_ignored && !one.is_ignored && known.ignored_as.as_ref() != Some(&shape);
        let is_worst = !one.is_ignored && one.severity > known.severity && one.severity == Severity::High;
        if one.is_ignored && !known.is_ignored {
            known.ignored_as = Some(shape);
        }
        known.is_ignored = one.is_ignored;
        known.severity = known.severity.max(one.severity);
        known.code.clone_from(&one.code);
        known.sentence.clone_from(&one.sentence);
        known.nameless.clone_from(&one.nameless);
        if one.is_ignored {
            self.forget(&one.key);
        } else if is_back || is_worst || is_other {
            self.forget(&one.key);
            self.push(Entry::of(one, EntryState::Wrong, one.since, new_id()), now);
        }
    }

    fn take_gone(&mut self, key: String, now: Timestamp, new_id: &mut impl FnMut() -> Id) {
        let Some(known) = self.wrong.get_mut(&key) else { return };
        // A clock that was ahead and is set has left a time that is still to come.
        let gone = known.gone.unwrap_or(now).min(now);
        known.gone = Some(gone);
        if !known.is_ignored && now.since(gone) < ENDED_FOR {
            return;
        }
        let Some(known) = self.wrong.remove(&key) else { return };
        self.forget(&key);
        if !known.is_ignored {
            let entry = Entry {
                id: new_id(),
                key,
                state: EntryState::Ended,
                code: known.code,
                severity: known.severity,
                sentence: format!("Well again: {}", known.sentence),
                nameless: format!("Well again: {}", known.nameless),
                at: gone,
            };
            self.push(entry, now);
        }
    }

    /// Takes out of the queue what was not sent of something.
    fn forget(&mut self, key: &str) {
        let sent = self.sending.map_or(0, |sending| sending.count);
        let mut place = 0;
        self.queue.retain(|entry| {
            place += 1;
            place <= sent || entry.key != key
        });
    }

    fn push(&mut self, entry: Entry, now: Timestamp) {
        let sent = self.sending.map_or(0, |sending| sending.count);
        if self.queue.len() == sent {
            self.gathers_until = now.plus(TOGETHER);
        }
        self.queue.push(entry);
        if self.queue.len() > sent + MOST {
            // Of what waits there can be any number, by anybody: it pushes out nothing that is wrong.
            let waits = self.queue.iter().skip(sent).position(|entry| entry.state == EntryState::Waits);
            self.queue.remove(sent + waits.unwrap_or(0));
            self.left_out += 1;
        }
    }

    /// How long nothing is to be sent from `now` on; none where nothing is to be sent at all.
    pub(super) fn wait(&self, now: Timestamp) -> Option<Duration> {
        if self.queue.is_empty() && self.left_out == 0 {
            return None;
        }
        // What a clock that was ahead has put off is put off for no longer than it would have been.
        let until = |at: Timestamp, longest: Duration| at.min(now.plus(longest)).since(now);
        let gathers = until(self.gathers_until, TOGETHER);
        if let Some(failing) = &self.failing {
            return Some(gathers.max(until(failing.next, LONGEST_PAUSE)));
        }
        // What is bad does not wait behind what others have asked for.
        let is_bad = self
            .queue
            .iter()
            .any(|entry| entry.state == EntryState::Wrong && entry.severity == Severity::High);
        let rests = until(self.rests_until, if is_bad { FIRST_REST } else { LONGEST_REST });
        Some(gathers.max(rests))
    }

    /// When an end is to be told that nothing else tells of.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.wrong.values().filter_map(|known| known.gone).min().map(|gone| gone.plus(ENDED_FOR))
    }

    /// The next message: the one that was not known to have come, or all that is yet to be told.
    pub(super) fn batch(&mut self, new_id: impl FnOnce() -> Id) -> Option<Batch> {
        if self.queue.is_empty() && self.left_out == 0 {
            return None;
        }
        let (count, left_out) = (self.queue.len(), self.left_out);
        let sending = *self.sending.get_or_insert_with(|| Sending { id: new_id(), count, left_out });
        let entries = self.queue.iter().take(sending.count).cloned().collect();
        Some(Batch { id: sending.id, entries, left_out: sending.left_out })
    }

    /// The message has come.
    pub(super) fn succeed(&mut self, now: Timestamp) {
        if let Some(sending) = self.sending.take() {
            self.queue.drain(..sending.count.min(self.queue.len()));
            self.left_out = self.left_out.saturating_sub(sending.left_out);
        }
        self.reach(now);
        let is_long_ago = now.since(self.rests_until) >= self.rest;
        self.rest = if is_long_ago { FIRST_REST } else { (self.rest * 2).clamp(FIRST_REST, LONGEST_REST) };
        self.rests_until = now.plus(self.rest);
    }

    /// It was reached by something.
    pub(super) fn reach(&mut self, now: Timestamp) {
        self.reached = Some(now);
        self.failing = None;
    }

    /// The message has not come. `rest` is how long the server has asked for, and `fraction`, from 0 to 1, is chosen at random.
    pub(super) fn fail(&mut self, text: String, rest: Option<Duration>, fraction: f64, now: Timestamp) {
        let before = self.failing.take();
        let tries = before.as_ref().map_or(0, |before| before.tries).saturating_add(1);
        let pause = FIRST_PAUSE * 2_u32.saturating_pow(tries.min(16) - 1);
        let pause = pause.min(LONGEST_PAUSE).mul_f64(0.75 + fraction / 4.0);
        let pause = rest.map_or(pause, |rest| rest.min(LONGEST_PAUSE).max(pause));
        self.failing = Some(Failing {
            since: before.map_or(now, |before| before.since).min(now),
            last: now,
            tries,
            text,
            next: now.plus(pause),
        });
    }
}

impl Entry {
    fn of(one: &Current, state: EntryState, at: Timestamp, id: Id) -> Self {
        Self {
            id,
            key: one.key.clone(),
            state,
            code: one.code.clone(),
            severity: one.severity,
            sentence: one.sentence.clone(),
            nameless: one.nameless.clone(),
            at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::{AmbientExt, System};
    use crate::store::Suffers;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn wanted() -> Wanted {
        Wanted { target: "phone".into(), waits: true, least: Severity::Medium }
    }

    fn one(screen: ScreenName, key: &str, severity: Severity) -> Current {
        Current {
            key: key.into(),
            code: "code".into(),
            screen,
            severity,
            sentence: format!("{key} is so."),
            nameless: "Something is so.".into(),
            since: NOW,
            is_ignored: false,
            suffers: Suffers::default(),
            target: None,
        }
    }

    fn wrong(key: &str, severity: Severity) -> Current {
        one(ScreenName::Repairs, key, severity)
    }

    fn waits(key: &str) -> Current {
        one(ScreenName::Approvals, key, Severity::Low)
    }

    fn later(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn take(told: &mut Told, all: &[Current], now: Timestamp) -> bool {
        told.take(&Now { all: all.to_vec(), has_waiting: true }, &wanted(), now, || System.id())
    }

    /// What is sent at `now`, if anything is, which comes.
    fn sent(told: &mut Told, now: Timestamp) -> Vec<String> {
        if told.wait(now) != Some(Duration::ZERO) {
            return Vec::new();
        }
        let batch = told.batch(|| System.id()).unwrap();
        told.succeed(now);
        batch.entries.into_iter().map(|entry| entry.sentence).collect()
    }

    /// The same after a restart.
    fn restarted(told: &Told) -> Told {
        serde_json::from_str(&serde_json::to_string(told).unwrap()).unwrap()
    }

    /// Strangers under any number of names must not keep from the operator that something is wrong.
    #[test]
    fn what_waits_pushes_out_nothing_that_is_wrong() {
        let mut told = Told::default();
        let mut all = vec![wrong("disk", Severity::High)];
        all.extend((0..200).map(|number| waits(&format!("stranger {number}"))));
        take(&mut told, &all[..1], NOW);
        take(&mut told, &all, NOW);
        let said = sent(&mut told, later(3600));
        assert!(said.contains(&"disk is so.".to_owned()), "{said:?}");
        assert_eq!(said.len(), MOST);
    }

    #[test]
    fn what_is_so_is_told_once_and_together_whatever_is_restarted() {
        let mut told = Told::default();
        let all = [waits("a"), wrong("b", Severity::High)];
        assert!(take(&mut told, &all, NOW));
        assert_eq!(sent(&mut told, NOW), [""; 0], "more may come");
        told = restarted(&told);
        assert!(!take(&mut told, &all, NOW));
        assert_eq!(sent(&mut told, later(2)), ["a is so.", "b is so."]);
        told = restarted(&told);
        assert!(!take(&mut told, &all, later(3)));
        assert_eq!(told.wait(later(9000)), None);
    }

    #[test]
    fn an_end_is_told_once_it_has_lasted_and_what_comes_back_before_is_not() {
        let mut told = Told::default();
        let all = [wrong("b", Severity::High)];
        take(&mut told, &all, NOW);
        assert_eq!(sent(&mut told, later(2)).len(), 1);
        take(&mut told, &[], later(10));
        assert_eq!(told.due(), Some(later(610)));
        take(&mut told, &all, later(300));
        assert_eq!(told.due(), None);
        take(&mut told, &[], later(700));
        take(&mut told, &[], later(1299));
        assert_eq!(told.wait(later(1299)), None);
        told = restarted(&told);
        take(&mut told, &[], later(1300));
        assert_eq!(sent(&mut told, later(1400)), ["Well again: b is so."]);
        take(&mut told, &[], later(2000));
        assert_eq!(told.wait(later(2000)), None);
    }

    #[test]
    fn what_comes_back_as_another_is_told_and_what_only_changes_is_not() {
        let mut told = Told::default();
        let code = |code: &str| Current { code: code.into(), ..wrong("b", Severity::Medium) };
        for (code, now, news) in [(code("one"), NOW, 1), (code("two"), later(60), 0)] {
            take(&mut told, &[code], now);
            assert_eq!(sent(&mut told, now.plus(Duration::from_secs(10))).len(), news);
        }
        take(&mut told, &[], later(120));
        take(&mut told, &[code("three")], later(180));
        assert_eq!(sent(&mut told, later(190)).len(), 1);
    }

    #[test]
    fn what_was_decided_or_ignored_before_it_was_sent_is_not_told() {
        let mut told = Told::default();
        let mut bad = wrong("b", Severity::Medium);
        take(&mut told, &[waits("a"), bad.clone()], NOW);
        bad.is_ignored = true;
        take(&mut told, &[bad.clone()], later(1));
        assert_eq!(told.wait(later(60)), None);
        bad.is_ignored = false;
        take(&mut told, &[bad.clone()], later(61));
        assert_eq!(told.wait(later(90)), None, "the operator knows of it");
        bad.is_ignored = true;
        take(&mut told, &[bad.clone()], later(91));
        (bad.is_ignored, bad.suffers.groups) = (false, 3);
        take(&mut told, &[bad], later(92));
        assert_eq!(sent(&mut told, later(95)), ["b is so."]);
        take(&mut told, &[waits("a")], later(200));
        assert_eq!(sent(&mut told, later(300)), ["a is so."], "it waits again");
    }

    #[test]
    fn what_is_less_bad_than_is_wanted_is_told_when_it_is_worse() {
        let mut told = Told::default();
        take(&mut told, &[wrong("b", Severity::Low)], NOW);
        assert_eq!(told.wait(later(60)), None);
        take(&mut told, &[wrong("b", Severity::Medium)], later(60));
        assert_eq!(sent(&mut told, later(70)).len(), 1);
        for (severity, news) in [(Severity::High, 1), (Severity::Medium, 0), (Severity::High, 0)] {
            take(&mut told, &[wrong("b", severity)], later(80));
            assert_eq!(sent(&mut told, later(90)).len(), news, "{severity}");
        }
    }

    #[test]
    fn a_target_is_not_told_that_it_cannot_be_reached() {
        let mut told = Told::default();
        let mut of = |target: &str| {
            let about = Current { target: Some(target.into()), ..wrong(target, Severity::Medium) };
            take(&mut told, &[about], NOW)
        };
        assert!(!of("phone"));
        assert!(of("mail"));
    }

    #[test]
    fn after_a_failure_the_same_is_sent_again_under_the_same_id_with_longer_and_longer_pauses() {
        let mut told = Told::default();
        take(&mut told, &[waits("a")], NOW);
        let first = told.batch(|| System.id()).unwrap();
        let (mut now, mut pauses) = (NOW, Vec::new());
        for _ in 0..12 {
            told.fail("it is not there".into(), None, 1.0, now);
            let pause = told.wait(now).unwrap();
            pauses.push(pause.as_secs());
            now = now.plus(pause);
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]);
        assert_eq!(told.failing.as_ref().map(|failing| (failing.since, failing.tries)), Some((NOW, 12)));
        // What comes meanwhile is another message, and a restart changes nothing but that it is tried at once.
        take(&mut told, &[waits("a"), waits("c")], now);
        told = restarted(&told);
        told.begin(now);
        assert_eq!(told.wait(now), Some(Duration::ZERO));
        let again = told.batch(|| System.id()).unwrap();
        assert_eq!((again.id, again.entries.len()), (first.id, 1));
        told.fail("it asks for time".into(), Some(Duration::from_secs(2000)), 0.0, now);
        assert_eq!(
            told.wait(now),
            Some(Duration::from_secs(2700)),
            "the pause is longer than what it asks for"
        );
        told.succeed(now);
        assert_eq!((told.failing.clone(), told.reached), (None, Some(now)));
        assert_eq!(sent(&mut told, now.plus(Duration::from_secs(60))), ["c is so."]);
    }

    #[test]
    fn a_flood_is_counted_and_messages_come_less_and_less_often() {
        let mut told = Told::default();
        let all: Vec<Current> = (0..500).map(|n| waits(&format!("u{n}"))).collect();
        take(&mut told, &all, NOW);
        assert_eq!(told.waiting(), 500);
        let batch = told.batch(|| System.id()).unwrap();
        assert_eq!((batch.entries.len(), batch.left_out), (50, 450));
        told.succeed(later(2));
        assert_eq!((told.waiting(), told.wait(later(2))), (0, None));
        let (mut now, mut rests) = (later(2), Vec::new());
        let mut all = all;
        for n in 0..9 {
            all.push(waits(&format!("more{n}")));
            take(&mut told, &all, now);
            let rest = told.wait(now).unwrap();
            rests.push(rest.as_secs());
            now = now.plus(rest);
            assert_eq!(sent(&mut told, now).len(), 1);
        }
        assert_eq!(rests, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        all.push(wrong("bad", Severity::High));
        take(&mut told, &all, now);
        assert_eq!(told.wait(now), Some(FIRST_REST), "what is bad does not wait behind that");
    }

    #[test]
    fn a_clock_that_is_set_back_puts_nothing_off() {
        let mut told = Told::default();
        let ahead = later(86_400 * 365);
        take(&mut told, &[waits("a"), wrong("b", Severity::High)], ahead);
        told.fail("no".into(), None, 1.0, ahead);
        assert!(told.wait(NOW).unwrap() <= LONGEST_PAUSE);
        take(&mut told, &[waits("a")], ahead);
        take(&mut told, &[waits("a")], NOW);
        assert_eq!(told.due(), Some(NOW.plus(ENDED_FOR)));
    }
}
