//! Why the latest submissions were refused, for whoever asks what became of one. It is in memory: who submitted it was told.

use std::collections::VecDeque;

use drawbridge_mtp::id::{GroupUri, Id};
use drawbridge_mtp::message::{Outcome, SubmissionResult};
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::time::Timestamp;
use parking_lot::Mutex;

use crate::readable::readable;

/// So many refusals are kept, the latest.
const KEPT: usize = 1024;

/// A submission that was refused.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    /// For which group it was.
    pub(crate) group: GroupUri,
    /// Its id.
    pub(crate) submission: Id,
    /// When.
    pub(crate) at: Timestamp,
    /// The code of the problem.
    pub(crate) code: String,
    /// The owner's sentence.
    pub(crate) text: String,
}

/// The latest refusals.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<VecDeque<Refused>>);

impl Refusals {
    /// Keeps what was refused of `results`. What was only put off is not.
    pub(crate) fn note<'a>(
        &self,
        group: &GroupUri,
        results: impl IntoIterator<Item = (Id, &'a Outcome)>,
        at: Timestamp,
    ) {
        for (submission, outcome) in results {
            let Outcome::Rejected(problem) = outcome else { continue };
            if problem.known() == Some(Code::Unavailable) {
                continue;
            }
            let refused = Refused {
                group: group.clone(),
                submission,
                at,
                code: readable(&problem.code),
                text: readable(problem.detail.as_deref().unwrap_or("no reason was given")),
            };
            let mut kept = self.0.lock();
            if kept.len() >= KEPT {
                kept.pop_front();
            }
            kept.push_back(refused);
        }
    }

    /// The same of results with their ids.
    pub(crate) fn note_results(&self, group: &GroupUri, results: &[SubmissionResult], at: Timestamp) {
        self.note(group, results.iter().map(|result| (result.id, &result.outcome)), at);
    }

    /// The latest refusal of a submission of that id.
    pub(crate) fn find(&self, submission: Id) -> Option<Refused> {
        self.0.lock().iter().rev().find(|refused| refused.submission == submission).cloned()
    }
}

#[cfg(test)]
mod tests {
    use drawbridge_mtp::problem::Problem;

    use super::*;

    #[test]
    fn the_latest_refusals_are_kept_and_what_was_put_off_is_none() {
        let group: GroupUri = "mimi://a.example/g/tea".parse().unwrap();
        let refusals = Refusals::default();
        let now = Timestamp::from_secs(1_790_000_000);
        let id = |turn: usize| Id::new(now.plus(std::time::Duration::from_millis(turn as u64)), [0; 10]);
        let refused = |code| Outcome::Rejected(Box::new(Problem::new(code, "no").into()));
        for turn in 0..=KEPT {
            refusals.note(&group, [(id(turn), &refused(Code::NotAuthorized))], now);
        }
        assert!(refusals.find(id(0)).is_none(), "the oldest has made room");
        let found = refusals.find(id(1)).unwrap();
        assert_eq!((found.code.as_str(), found.text.as_str()), ("not-authorized", "no"));
        refusals.note(&group, [(id(9999), &refused(Code::Unavailable))], now);
        assert!(refusals.find(id(9999)).is_none());
    }
}
