//! What is so now and is worth telling.

use drawbridge_mtp::time::Timestamp;
use sha2::{Digest, Sha256};

use super::words::{WaitingItem, nameless};
use crate::store::{RepairRow, RepairSubject, Severity, Suffers};

/// Which screen has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScreenName {
    /// What waits for a decision.
    Approvals,
    /// What is wrong.
    Repairs,
}

/// One thing that is so now.
#[derive(Clone, Debug)]
pub(super) struct Current {
    /// What tells it from all others, without a name.
    pub(super) key: String,
    /// A stable code.
    pub(super) code: String,
    /// Where it is shown: what waits, or what is wrong.
    pub(super) screen: ScreenName,
    /// How bad it is; what waits is not bad.
    pub(super) severity: Severity,
    /// One sentence, the same wherever it is said.
    pub(super) sentence: String,
    /// The same without any name.
    pub(super) nameless: String,
    /// Since when it is so.
    pub(super) since: Timestamp,
    /// Whether the operator has it ignored until it changes.
    pub(super) is_ignored: bool,
    /// What hangs on it.
    pub(super) suffers: Suffers,
    /// The target that cannot be told, where it is about one.
    pub(super) target: Option<String>,
}

/// All that is so at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Now {
    /// Each once.
    pub(super) all: Vec<Current>,
    /// Whether what waits is among them: it could be read.
    pub(super) has_waiting: bool,
}

impl Current {
    pub(super) fn of_repair(row: RepairRow) -> Self {
        Self {
            // Of one subject and kind one is open at a time. Its id is another where the store could not keep it over a restart.
            key: hash(&format!("{} {}", row.subject, row.kind)),
            nameless: nameless(&row),
            target: match row.subject {
                RepairSubject::Target(name) => Some(name),
                _ => None,
            },
            code: row.code,
            screen: ScreenName::Repairs,
            severity: row.severity,
            sentence: row.text,
            since: row.since,
            is_ignored: row.ignored.is_some(),
            suffers: row.suffers,
        }
    }

    /// Something that waits since `since`; `about` tells it from all else that waits.
    pub(super) fn of_item(item: &WaitingItem, about: &str, since: Timestamp) -> Self {
        Self {
            key: hash(about),
            code: item.code().to_owned(),
            screen: ScreenName::Approvals,
            severity: Severity::Low,
            sentence: format!("{}.", item.title()),
            nameless: format!("{}.", item.nameless()),
            since,
            is_ignored: false,
            suffers: Suffers::default(),
            target: None,
        }
    }
}

/// Of thousands that wait, not much is kept, and no name.
fn hash(text: &str) -> String {
    Sha256::digest(text).iter().take(8).map(|octet| format!("{octet:02x}")).collect()
}
