//! Something that was found to be wrong.

use std::time::Duration;

use drawbridge_mtp::time::Timestamp;

use crate::side::Side;
use crate::store::{RepairKind, RepairSubject, Severity, Suffers};

/// Something that is wrong now, whether or not it has been so for long enough to be raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairFinding {
    /// Whom it is about.
    pub subject: RepairSubject,
    /// What of it is wrong.
    pub kind: RepairKind,
    /// A stable code, which remedies hang on.
    pub code: String,
    /// At which step, where it is a trouble with a peer.
    pub stage: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// Who has to act.
    pub side: Side,
    /// One sentence, which names whom it is about.
    pub text: String,
    /// What hangs on it.
    pub suffers: Suffers,
    /// Since when it is so, where that is known; else it is since it was first found.
    pub since: Option<Timestamp>,
    /// How long it has to be so before it is raised.
    pub patience: Duration,
}

/// What a look has found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    /// What is wrong; at most one for each subject and kind.
    pub(crate) wrong: Vec<RepairFinding>,
    /// What has failed and is no more than a blip yet: it is told, and counts for nothing.
    pub(crate) begun: Vec<RepairFinding>,
    /// Of what it cannot be known yet whether it is well. All else is.
    pub(crate) unknown: Vec<(RepairSubject, RepairKind)>,
    /// When something comes to be wrong of which nobody will tell, as by a clock.
    pub(crate) due: Option<Timestamp>,
}

impl Findings {
    /// Whether it is known how it is with this.
    pub(super) fn is_known(&self, subject: &RepairSubject, kind: &RepairKind) -> bool {
        !self.unknown.iter().any(|(other, its)| (other, its) == (subject, kind))
    }

    /// Has it looked at again at `at`, or earlier.
    pub(super) fn look_again(&mut self, at: Timestamp) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }
}
