//! The backups that there are.

use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where backups are kept, when they are made, and which there are.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Backups {
    /// The folder.
    pub folder: String,
    /// Hours from one to the next; with 0 none is made by itself.
    pub every_hours: u32,
    /// So many are kept.
    pub keep: u32,
    /// The public key of age for which those are sealed that are made by themselves; none where they are not.
    pub recipient: Option<String>,
    /// Whether those have the keys.
    pub keys: bool,
    /// The newest first.
    pub backups: Vec<Backup>,
    /// Why the folder cannot be read, where it cannot.
    pub unreadable: Option<String>,
    /// Why those that are made by themselves fail, where they do.
    pub failed: Option<BackupFailure>,
}

/// A backup in the folder.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Backup {
    /// The file.
    pub file: String,
    /// Its size.
    #[ts(type = "number")]
    pub bytes: u64,
    /// When it was made.
    #[ts(type = "string")]
    pub made: Timestamp,
    /// Whether it has to be opened with something.
    pub sealed: bool,
}

/// Backups that are to be made by themselves, and are not.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct BackupFailure {
    /// When the first of them in a row was tried.
    #[ts(type = "string")]
    pub since: Timestamp,
    /// Why the last one failed, in one sentence.
    pub text: String,
}
