//! What the store cannot do at the moment: a full disk, a medium that fails, a file that is damaged.

use parking_lot::Mutex;

use drawbridge_mtp::time::Timestamp;
use rusqlite::ErrorCode;

use crate::ground::changes::{Change, Changes};

/// The store does not keep what it is given. It goes on by itself with the first write that succeeds again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreTrouble {
    /// `disk-full`, `store-damaged` or `store-unwritable`.
    pub code: &'static str,
    /// What SQLite says.
    pub text: String,
    /// The first failure.
    pub since: Timestamp,
    /// The last.
    pub last: Timestamp,
    /// Changes that were not kept since then.
    pub lost: u64,
}

impl StoreTrouble {
    fn code(fault: &rusqlite::Error) -> &'static str {
        match fault.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => "disk-full",
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "store-damaged",
            _ => "store-unwritable",
        }
    }
}

/// The store's trouble while there is one. It is kept in memory, since what the store cannot keep it cannot keep in itself.
pub(super) struct CurrentTrouble {
    trouble: Mutex<Option<StoreTrouble>>,
    changes: Changes,
}

impl CurrentTrouble {
    pub(super) fn new(changes: Changes) -> Self {
        Self { trouble: Mutex::default(), changes }
    }

    pub(super) fn get(&self) -> Option<StoreTrouble> {
        self.trouble.lock().clone()
    }

    /// The store could not commit `changes` changes.
    pub(super) fn note_failure(&self, fault: &rusqlite::Error, changes: usize, now: Timestamp) {
        let (code, text) = (StoreTrouble::code(fault), fault.to_string());
        let mut trouble = self.trouble.lock();
        let is_news = trouble.as_ref().is_none_or(|before| before.code != code);
        let fresh = || StoreTrouble { code, text: String::new(), since: now, last: now, lost: 0 };
        let kept = trouble.get_or_insert_with(fresh);
        kept.code = code;
        kept.text = text;
        kept.last = now;
        // Where the transaction could not even begin, the one that was to be first is not among those told.
        kept.lost = kept.lost.saturating_add(changes.max(1) as u64);
        drop(trouble);
        if is_news {
            // Once, and not for each change: anybody can have us try to keep something, and the log may be on the same disk.
            tracing::error!(code, %fault, "the store could not keep what it was given");
            self.changes.announce(Change::Settings);
        }
    }

    /// The store could commit.
    pub(super) fn note_commit(&self) {
        if self.trouble.lock().take().is_some() {
            tracing::warn!("the store keeps what it is given again");
            self.changes.announce(Change::Settings);
        }
    }
}
