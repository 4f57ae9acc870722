//! What becomes of findings over time: when one is raised, changes, is shown again though it was ignored, and is gone.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use drawbridge_mtp::id::Id;
use drawbridge_mtp::time::Timestamp;

use super::finding::{Findings, RepairFinding};
use crate::store::{IgnoredAs, RepairKind, RepairRow, RepairSubject, Severity};

/// What was gone for no longer than this and is there again with the same code is the same, still ignored if it was: so what
/// comes and goes is told once.
pub(crate) const REOPENED_WITHIN: Duration = Duration::from_secs(600);
/// That something is still so is noted this often: a failure more is not worth a write.
const NOTED_EVERY: Duration = Duration::from_secs(300);
/// So many strangers are raised in [`A_DAY`]: anybody comes under names without end, and the operator is told of each.
const STRANGERS_A_DAY: usize = 10;
const A_DAY: Duration = Duration::from_secs(24 * 3600);

type Key = (RepairSubject, RepairKind);

/// What happened to something that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is there, and was not.
    Raised,
    /// It was ignored, and has changed so that it is shown again.
    Returned,
    /// It has come to be as bad as can be.
    Worsened,
    /// It is there again, shortly after it was gone.
    Reopened,
    /// Its code, its severity, its side or what suffers is another. How many submissions wait is not worth a write.
    Changed,
    /// It goes on.
    Noted,
    /// It is well again.
    Gone,
}

impl Step {
    /// Whether that is worth a notification.
    pub(super) fn is_news(self) -> bool {
        matches!(self, Self::Raised | Self::Returned | Self::Worsened)
    }

    /// Whether it is shown otherwise than before.
    pub(super) fn is_shown(self) -> bool {
        self != Self::Noted
    }
}

/// What is open, what is about to be, and what was a short while ago.
#[derive(Debug, Default)]
pub(super) struct OpenRepairs {
    open: HashMap<Key, Open>,
    /// Since when it is so, of what has not been so for long enough.
    found: HashMap<Key, Found>,
    /// What is gone, for as long as it would be opened again.
    gone: HashMap<Key, RepairRow>,
    /// When strangers were raised in the last day.
    strangers: Vec<Timestamp>,
}

#[derive(Debug)]
struct Open {
    row: RepairRow,
    /// When its row was last to be kept.
    noted: Timestamp,
}

#[derive(Clone, Debug)]
struct Found {
    /// Since when something of its subject and kind is wrong, whatever its code.
    since: Timestamp,
    patience: Duration,
    code: String,
    /// Since when it has that code.
    begun: Timestamp,
}

impl OpenRepairs {
    /// Goes on from what is kept: what is open, and what was gone lately, the latest first.
    pub(super) fn of(open: Vec<RepairRow>, gone: Vec<RepairRow>) -> Self {
        let key = |row: &RepairRow| (row.subject.clone(), row.kind.clone());
        let opened = open.into_iter().map(|row| (key(&row), Open { noted: row.seen, row }));
        let mut lately = HashMap::new();
        for row in gone {
            lately.entry(key(&row)).or_insert(row);
        }
        Self { open: opened.collect(), gone: lately, ..Self::default() }
    }

    /// What is open, the worst first, and of the same severity the latest first.
    pub(super) fn rows(&self) -> Vec<RepairRow> {
        let mut rows: Vec<_> = self.open.values().map(|open| open.row.clone()).collect();
        rows.sort_by_key(|row| Reverse((row.severity, row.raised, row.id)));
        rows
    }

    /// Whether something of that subject and kind is open.
    pub(super) fn has(&self, subject: &RepairSubject, kind: &RepairKind) -> bool {
        self.open.contains_key(&(subject.clone(), kind.clone()))
    }

    /// Whether one more stranger is raised today.
    pub(super) fn has_room_for_stranger(&self, now: Timestamp) -> bool {
        self.strangers.iter().filter(|at| is_today(**at, now)).count() < STRANGERS_A_DAY
    }

    /// Since when that is so which is not open, as far as looks have found it.
    pub(super) fn found_since(&self, finding: &RepairFinding) -> Option<Timestamp> {
        let found = self.found.get(&(finding.subject.clone(), finding.kind.clone()));
        found.filter(|found| found.code == finding.code).map(|found| found.begun)
    }

    /// When the next of what was found has been so for long enough.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.found.values().map(|found| found.since.plus(found.patience)).min()
    }

    /// Takes what a look at everything has found at `now`. Returns the rows that are to be kept, each with what happened to it.
    pub(super) fn take(
        &mut self,
        findings: &Findings,
        now: Timestamp,
        mut new_id: impl FnMut() -> Id,
    ) -> Vec<(Step, RepairRow)> {
        let mut steps = Vec::new();
        // A clock that was ahead and is set has left times that are still to come.
        for open in self.open.values_mut() {
            open.noted = open.noted.min(now);
            if open.row.end_by(now) {
                steps.push((Step::Changed, open.row.clone()));
            }
        }
        for row in self.gone.values_mut() {
            row.end_by(now);
        }
        self.gone.retain(|_, row| row.gone.is_some_and(|gone| now.since(gone) <= REOPENED_WITHIN));
        let is_wrong = |(subject, kind): &Key| {
            findings.wrong.iter().any(|finding| (&finding.subject, &finding.kind) == (subject, kind))
        };
        let is_well = |key: &Key| !is_wrong(key) && findings.is_known(&key.0, &key.1);
        self.found.retain(|key, _| is_wrong(key));
        let mended: Vec<Key> = self.open.keys().filter(|key| is_well(key)).cloned().collect();
        for key in mended {
            if let Some(Open { mut row, .. }) = self.open.remove(&key) {
                row.gone = Some(now.max(row.raised));
                steps.push((Step::Gone, row.clone()));
                self.gone.insert(key, row);
            }
        }
        for finding in &findings.wrong {
            let key = (finding.subject.clone(), finding.kind.clone());
            let step = match self.open.get_mut(&key) {
                Some(open) => open.goes_on(finding, now),
                None => self.begins(key, finding, now, &mut new_id),
            };
            steps.extend(step);
        }
        steps
    }

    /// Raises `finding` where it has been so for long enough.
    fn begins(
        &mut self,
        key: Key,
        finding: &RepairFinding,
        now: Timestamp,
        new_id: impl FnOnce() -> Id,
    ) -> Option<(Step, RepairRow)> {
        let before = self.found.get(&key);
        let first = before.map_or(now, |found| found.since);
        // What was wrong before for another reason is over.
        let begun = before.filter(|found| found.code == finding.code).map_or(now, |found| found.begun);
        let begun = finding.since.map_or(begun, |since| since.min(begun)).min(now);
        // A clock that was set back would have it wait for as long again, and so would a reason that is another meanwhile.
        let since = finding.since.map_or(first, |since| since.min(first)).min(now);
        if now.since(since) < finding.patience {
            let (patience, code) = (finding.patience, finding.code.clone());
            self.found.insert(key, Found { since, patience, code, begun });
            return None;
        }
        self.found.remove(&key);
        let again = self.gone.remove(&key).filter(|row| row.code == finding.code);
        if again.is_none() && finding.kind == RepairKind::Stranger {
            if !self.has_room_for_stranger(now) {
                return None;
            }
            self.strangers.retain(|at| is_today(*at, now));
            self.strangers.push(now);
        }
        let (step, row) = match again {
            Some(row) => {
                let row = RepairRow { gone: None, ..row };
                let mut open = Open { row, noted: now };
                let step = open.goes_on(finding, now).map_or(Step::Reopened, |(step, _)| match step {
                    Step::Changed | Step::Noted => Step::Reopened,
                    news => news,
                });
                (step, open.row)
            }
            None => (
                Step::Raised,
                RepairRow {
                    id: new_id(),
                    subject: finding.subject.clone(),
                    kind: finding.kind.clone(),
                    code: finding.code.clone(),
                    stage: finding.stage.clone(),
                    severity: finding.severity,
                    side: finding.side,
                    text: finding.text.clone(),
                    suffers: finding.suffers,
                    since: begun,
                    raised: now,
                    seen: now,
                    gone: None,
                    ignored_at: None,
                    ignored: None,
                },
            ),
        };
        self.open.insert(key, Open { row: row.clone(), noted: now });
        Some((step, row))
    }

    /// Has what is open ignored, or not any more. Returns its row, where it is open.
    pub(super) fn ignore(&mut self, id: Id, is_ignored: bool, now: Timestamp) -> Option<RepairRow> {
        let open = self.open.values_mut().find(|open| open.row.id == id)?;
        let row = &mut open.row;
        if is_ignored {
            row.ignored = Some(IgnoredAs { severity: row.severity, suffers: row.suffers });
            row.ignored_at = Some(now);
        } else {
            row.ignored = None;
        }
        Some(row.clone())
    }
}

/// Whether `at` is within a day before `now`; one that a clock was ahead for is not.
fn is_today(at: Timestamp, now: Timestamp) -> bool {
    at <= now && now.since(at) < A_DAY
}

impl Open {
    /// Takes that it is so at `now`, as `finding` says. Returns its row where that is to be kept.
    fn goes_on(&mut self, finding: &RepairFinding, now: Timestamp) -> Option<(Step, RepairRow)> {
        let row = &mut self.row;
        let is_worst = finding.severity > row.severity && finding.severity == Severity::High;
        let is_other = row.code != finding.code
            || (row.severity, row.side) != (finding.severity, finding.side)
            || row.suffers.exceeds(&finding.suffers)
            || finding.suffers.exceeds(&row.suffers);
        let returns = row.ignored.is_some_and(|before| {
            row.code != finding.code
                || finding.severity > before.severity
                || finding.suffers.exceeds(&before.suffers)
        });
        if returns {
            row.ignored = None;
        }
        if row.code != finding.code {
            row.since = finding.since.unwrap_or(now).min(now);
        }
        row.code.clone_from(&finding.code);
        row.stage.clone_from(&finding.stage);
        row.text.clone_from(&finding.text);
        (row.severity, row.side, row.suffers) = (finding.severity, finding.side, finding.suffers);
        row.seen = now;
        let step = if returns {
            Step::Returned
        } else if is_worst && row.ignored.is_none() {
            Step::Worsened
        } else if is_other {
            Step::Changed
        } else if now.since(self.noted) >= NOTED_EVERY {
            Step::Noted
        } else {
            return None;
        };
        self.noted = now;
        Some((step, row.clone()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ambient::{AmbientExt, System};
    use crate::side::Side;
    use crate::store::Suffers;

    const PATIENCE: Duration = Duration::from_secs(120);

    fn peer() -> RepairSubject {
        RepairSubject::Peer("b.example".parse().unwrap())
    }

    fn finding(code: &str, severity: Severity, groups: u64) -> RepairFinding {
        RepairFinding {
            subject: peer(),
            kind: RepairKind::Exchange,
            code: code.into(),
            stage: Some("connect".into()),
            severity,
            side: Side::Theirs,
            text: format!("b.example says {code}."),
            suffers: Suffers { groups, ..Suffers::default() },
            since: None,
            patience: PATIENCE,
        }
    }

    fn wrong(finding: RepairFinding) -> Findings {
        Findings { wrong: vec![finding], ..Findings::default() }
    }

    fn refused() -> Findings {
        wrong(finding("connection-refused", Severity::Medium, 0))
    }

    fn unknown() -> Findings {
        Findings { unknown: vec![(peer(), RepairKind::Exchange)], ..Findings::default() }
    }

    /// A clock and what is open by it.
    struct Bench {
        now: Timestamp,
        repairs: OpenRepairs,
    }

    impl Bench {
        fn new() -> Self {
            Self { now: Timestamp::from_millis(1_800_000_000_000), repairs: OpenRepairs::default() }
        }

        fn after(&mut self, seconds: u64, findings: &Findings) -> Vec<(Step, RepairRow)> {
            self.now = self.now.plus(Duration::from_secs(seconds));
            self.repairs.take(findings, self.now, || System.id())
        }

        fn steps(&mut self, seconds: u64, findings: &Findings) -> Vec<Step> {
            self.after(seconds, findings).into_iter().map(|(step, _)| step).collect()
        }

        fn raise(&mut self) -> RepairRow {
            assert_eq!(self.steps(0, &refused()), []);
            let mut raised = self.after(120, &refused());
            assert_eq!(raised[0].0, Step::Raised);
            raised.remove(0).1
        }

        fn ignore(&mut self, is_ignored: bool) {
            let id = self.repairs.rows()[0].id;
            self.repairs.ignore(id, is_ignored, self.now).unwrap();
        }
    }

    #[test]
    fn a_blip_is_not_raised_and_what_lasts_is_once() {
        let mut bench = Bench::new();
        assert_eq!(bench.steps(0, &refused()), []);
        assert_eq!(bench.repairs.due(), Some(bench.now.plus(PATIENCE)));
        assert_eq!(bench.steps(100, &Findings::default()), [], "it was well in between");
        assert_eq!(bench.steps(100, &refused()), []);
        assert_eq!(bench.steps(119, &refused()), []);
        assert_eq!(bench.steps(1, &refused()), [Step::Raised]);
        assert_eq!(bench.steps(1, &refused()), []);
        assert_eq!(bench.steps(299, &refused()), [Step::Noted]);
        assert_eq!(bench.repairs.due(), None);
        assert_eq!(bench.repairs.rows().len(), 1);
    }

    #[test]
    fn what_a_clock_that_was_ahead_has_noted_is_not_still_to_come_when_it_is_set() {
        let mut bench = Bench::new();
        bench.raise();
        bench.now = Timestamp::from_millis(bench.now.as_millis() - 600_000);
        assert_eq!(bench.steps(0, &refused()), [Step::Changed]);
        let row = bench.repairs.rows().remove(0);
        assert_eq!((row.since, row.raised, row.seen), (bench.now, bench.now, bench.now));
        assert_eq!(bench.steps(0, &refused()), [], "it is kept once");
        let gone = bench.after(1, &Findings::default());
        assert_eq!((gone[0].0, gone[0].1.gone), (Step::Gone, Some(bench.now)));
    }

    #[test]
    fn what_fails_for_one_reason_after_another_is_raised_after_as_long() {
        let mut bench = Bench::new();
        for second in 0..12 {
            let code = if second % 2 == 0 { "connection-refused" } else { "certificate-expired" };
            let since = Some(bench.now.plus(Duration::from_secs(10)));
            let found = wrong(RepairFinding { since, ..finding(code, Severity::Medium, 0) });
            assert_eq!(bench.steps(10, &found), []);
        }
        assert_eq!(bench.steps(10, &refused()), [Step::Raised]);
    }

    #[test]
    fn what_is_wrong_for_another_reason_is_so_since_that_began() {
        let expired = finding("certificate-expired", Severity::Medium, 0);
        let changed = finding("key-changed", Severity::High, 0);
        // While it is not raised, and once it is.
        let mut bench = Bench::new();
        bench.steps(0, &wrong(expired.clone()));
        bench.steps(60, &wrong(changed.clone()));
        let began = bench.now;
        assert_eq!(bench.repairs.found_since(&changed), Some(began));
        assert_eq!(bench.after(60, &wrong(changed.clone()))[0].1.since, began);
        bench.steps(60, &wrong(expired.clone()));
        assert_eq!(bench.repairs.rows()[0].since, bench.now);
        let since = bench.now.plus(Duration::from_secs(5));
        bench.steps(10, &wrong(RepairFinding { since: Some(since), ..changed }));
        assert_eq!(bench.repairs.rows()[0].since, since);
    }

    #[test]
    fn strangers_without_end_are_told_of_a_few_times_a_day_and_others_as_ever() {
        let mut bench = Bench::new();
        let stranger = |number: usize| RepairFinding {
            subject: RepairSubject::Peer(format!("made-up-{number}.example").parse().unwrap()),
            kind: RepairKind::Stranger,
            ..finding("certificate-self-signed", Severity::Low, 0)
        };
        let mut raised = 0;
        for number in 0..40 {
            let found = wrong(stranger(number));
            bench.steps(0, &found);
            raised += bench.steps(120, &found).iter().filter(|step| step.is_news()).count();
            assert!(bench.repairs.due().is_none(), "nothing is looked at again for it");
        }
        assert_eq!(raised, STRANGERS_A_DAY);
        bench.steps(0, &Findings::default());
        bench.raise();
        let found = wrong(stranger(40));
        bench.steps(A_DAY.as_secs(), &found);
        assert_eq!(bench.steps(120, &found), [Step::Raised]);
    }

    #[test]
    fn what_is_not_known_neither_mends_nor_raises() {
        let mut bench = Bench::new();
        bench.raise();
        assert_eq!(bench.steps(3600, &unknown()), []);
        assert_eq!(bench.steps(0, &Findings::default()), [Step::Gone]);
        assert_eq!(bench.repairs.rows(), []);
    }

    #[test]
    fn what_is_ignored_comes_back_only_where_it_changes() {
        let changes: [(RepairFinding, bool); 6] = [
            (finding("connection-refused", Severity::Medium, 0), false),
            (finding("connection-refused", Severity::Low, 0), false),
            (finding("connect-timeout", Severity::Medium, 0), true),
            (finding("connection-refused", Severity::High, 0), true),
            (finding("connection-refused", Severity::Medium, 1), true),
            (
                RepairFinding {
                    suffers: Suffers { submissions: 2, ..Suffers::default() },
                    ..finding("connection-refused", Severity::Medium, 0)
                },
                true,
            ),
        ];
        for (change, returns) in changes {
            let mut bench = Bench::new();
            bench.raise();
            bench.ignore(true);
            assert_eq!(bench.steps(10, &refused()), []);
            let after = bench.after(10, &wrong(change.clone()));
            assert_eq!(after.iter().any(|(step, _)| *step == Step::Returned), returns, "{change:?}");
            let row = &bench.repairs.rows()[0];
            assert_eq!(row.ignored.is_none(), returns);
            assert!(row.ignored_at.is_some(), "that it was ignored is kept");
        }
        let mut bench = Bench::new();
        bench.raise();
        bench.ignore(true);
        bench.ignore(false);
        assert_eq!(bench.repairs.rows()[0].ignored, None);
    }

    #[test]
    fn what_comes_back_soon_is_the_same_and_later_another() {
        let mut bench = Bench::new();
        let first = bench.raise();
        bench.ignore(true);
        assert_eq!(bench.steps(10, &Findings::default()), [Step::Gone]);
        assert_eq!(bench.steps(10, &refused()), []);
        let again = bench.after(120, &refused());
        assert_eq!((again[0].0, again[0].1.id), (Step::Reopened, first.id));
        assert!(again[0].1.ignored.is_some() && again[0].1.gone.is_none());
        assert_eq!(bench.steps(10, &Findings::default()), [Step::Gone]);
        assert_eq!(bench.steps(601, &refused()), []);
        let other = bench.after(120, &refused());
        assert_eq!(other[0].0, Step::Raised);
        assert_ne!(other[0].1.id, first.id);
        assert_eq!(other[0].1.ignored, None, "another one was not ignored");
    }

    #[derive(Clone, Debug)]
    enum Act {
        Find { kind: bool, code: u8, severity: u8, groups: u64 },
        Unknown,
        Well,
        Ignore(bool),
        Wait(u64),
        Restart,
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let act = prop_oneof![
            6 => (any::<bool>(), 0..2_u8, 0..3_u8, 0..3_u64)
                .prop_map(|(kind, code, severity, groups)| Act::Find { kind, code, severity, groups }),
            1 => Just(Act::Unknown),
            2 => Just(Act::Well),
            2 => any::<bool>().prop_map(Act::Ignore),
            3 => prop_oneof![0..130_u64, 500..700_u64].prop_map(Act::Wait),
            1 => Just(Act::Restart),
        ];
        proptest::collection::vec(act, 1..60)
    }

    fn find(kind: bool, code: u8, severity: u8, groups: u64) -> RepairFinding {
        let kind = if kind { RepairKind::Exchange } else { RepairKind::Trouble("pull-cut".into()) };
        let severity = [Severity::Low, Severity::Medium, Severity::High][usize::from(severity)];
        RepairFinding { kind, ..finding(["refused", "timeout"][usize::from(code)], severity, groups) }
    }

    fn of_key<'a>(kept: &'a HashMap<Id, RepairRow>, kind: &RepairKind) -> Vec<&'a RepairRow> {
        let mut rows: Vec<_> = kept.values().filter(|row| row.kind == *kind).collect();
        rows.sort_by_key(|row| (row.raised, row.gone.is_none(), row.id));
        rows
    }

    proptest! {
        #[test]
        fn whatever_happens_one_is_open_and_only_a_change_brings_an_ignored_one_back(acts in acts()) {
            let mut bench = Bench::new();
            // What the store has.
            let mut kept: HashMap<Id, RepairRow> = HashMap::new();
            for act in acts {
                let before = bench.repairs.rows();
                let findings = match &act {
                    Act::Find { kind, code, severity, groups } => {
                        // Of the other kind nothing is known meanwhile.
                        let other = find(!kind, 0, 0, 0).kind;
                        let unknown = vec![(peer(), other)];
                        let wrong = vec![find(*kind, *code, *severity, *groups)];
                        Some(Findings { wrong, unknown, ..Findings::default() })
                    }
                    Act::Unknown => {
                        let kinds = [find(true, 0, 0, 0).kind, find(false, 0, 0, 0).kind];
                        let unknown = kinds.map(|kind| (peer(), kind)).into();
                        Some(Findings { unknown, ..Findings::default() })
                    }
                    Act::Well => Some(Findings::default()),
                    Act::Ignore(is_ignored) => {
                        if let Some(row) = before.first() {
                            let row = bench.repairs.ignore(row.id, *is_ignored, bench.now).unwrap();
                            prop_assert_eq!(row.ignored.is_some(), *is_ignored);
                            kept.insert(row.id, row);
                        }
                        None
                    }
                    Act::Wait(seconds) => {
                        bench.now = bench.now.plus(Duration::from_secs(*seconds));
                        None
                    }
                    Act::Restart => {
                        let (mut gone, open): (Vec<_>, Vec<_>) =
                            kept.values().cloned().partition(|row| row.gone.is_some());
                        gone.sort_by_key(|row| Reverse((row.gone, row.id)));
                        bench.repairs = OpenRepairs::of(open, gone);
                        None
                    }
                };
                let steps = findings.as_ref().map(|findings| bench.after(0, findings)).unwrap_or_default();
                for (step, row) in &steps {
                    let known = kept.insert(row.id, row.clone());
                    prop_assert_eq!(*step == Step::Raised, known.is_none(), "{:?}", step);
                }
                let now = bench.repairs.rows();
                for kind in [find(true, 0, 0, 0).kind, find(false, 0, 0, 0).kind] {
                    let rows = of_key(&kept, &kind);
                    prop_assert!(rows.iter().filter(|row| row.gone.is_none()).count() <= 1);
                    prop_assert!(rows.iter().all(|row| row.since <= row.seen
                        && row.gone.is_none_or(|gone| gone >= row.raised)));
                    // Each was gone before the next was raised.
                    prop_assert!(rows.is_sorted_by(|a, b| a.gone.is_some_and(|gone| gone <= b.raised)));
                    let open = rows.iter().find(|row| row.gone.is_none()).map(|row| row.id);
                    prop_assert_eq!(open, now.iter().find(|row| row.kind == kind).map(|row| row.id));
                }
                for old in before.iter().filter(|row| row.ignored.is_some()) {
                    let Some(new) = now.iter().find(|row| row.id == old.id) else {
                        prop_assert!(matches!(act, Act::Well), "{:?} mends nothing", act);
                        continue;
                    };
                    let was = old.ignored.unwrap();
                    let is_changed = new.code != old.code
                        || new.severity > was.severity
                        || new.suffers.groups > was.suffers.groups;
                    let is_asked = matches!(act, Act::Ignore(false)) && before.first().unwrap().id == old.id;
                    prop_assert_eq!(new.ignored.is_none(), is_changed || is_asked, "{:?}", act);
                }
            }
        }
    }
}
