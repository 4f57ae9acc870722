//! Why a backup is not made, and why one is not restored. Each text is one sentence that says what to do.

use std::io;
use std::path::PathBuf;

use drawbridge_mtp::id::Provider;

/// Why a backup was not made. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupFault {
    /// A store cannot be read.
    #[error("{path} cannot be copied: {fault}")]
    Store {
        /// Its file.
        path: PathBuf,
        /// Why.
        fault: rusqlite::Error,
    },
    /// Another file cannot be read.
    #[error("{path} cannot be read: {fault}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: io::Error,
    },
    /// The backup cannot be written.
    #[error("{path} cannot be written: {fault}")]
    Write {
        /// The backup.
        path: PathBuf,
        /// Why.
        fault: io::Error,
    },
    /// There is less room than it takes.
    #[error(
        "the backup takes {needed} MiB, and only {free} MiB are free where {folder} is; make room there, or name another folder"
    )]
    NoRoom {
        /// Where it was to be.
        folder: PathBuf,
        /// What it takes, in MiB.
        needed: u64,
        /// What is there, in MiB.
        free: u64,
    },
    /// There is a file of that name.
    #[error("{0} is there already; name another file")]
    Taken(PathBuf),
    /// Another one is handed over, for which the stores are held.
    #[error("another backup is being downloaded; wait until that has ended, or break it off")]
    Busy,
    /// The task that made it was lost.
    #[error("the backup was broken off: {0}")]
    BrokenOff(String),
}

impl BackupFault {
    /// A stable code for scripts and the GUI.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRoom { .. } => "backup-no-room",
            Self::Taken(_) => "backup-taken",
            Self::Write { fault, .. } if fault.kind() == io::ErrorKind::StorageFull => "backup-no-room",
            Self::Write { .. } => "backup-unwritable",
            Self::Store { .. } | Self::Read { .. } => "backup-unreadable",
            Self::Busy => "backup-busy",
            Self::BrokenOff(_) => "backup-broken-off",
        }
    }
}

/// Why a backup was not restored. Where it was to be, nothing has been changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreFault {
    /// A file cannot be read.
    #[error("{path} cannot be read: {fault}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: io::Error,
    },
    /// It is something else.
    #[error("{0} is no backup of Drawbridge")]
    NoBackup(PathBuf),
    /// It is not as it was written.
    #[error("{path} is damaged, so nothing was restored; use another backup: {what}")]
    Damaged {
        /// The backup.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A newer version made it.
    #[error(
        "{path} was made by Drawbridge {version}, which is newer than this one: restore it with that version or a later one"
    )]
    Newer {
        /// The backup.
        path: PathBuf,
        /// The version that made it.
        version: String,
    },
    /// It is sealed with a passphrase.
    #[error("{0} is sealed with a passphrase; give that one")]
    NeedsPassphrase(PathBuf),
    /// It is sealed for a key.
    #[error("{0} is sealed for a key of age; name the file with that key as the identity")]
    NeedsIdentity(PathBuf),
    /// The passphrase or the key is another one's.
    #[error("{0} does not open with this passphrase or key; use the one that it was sealed with")]
    WrongKey(PathBuf),
    /// The file for the keys has none.
    #[error("{0} has no key of age in it, which begins with AGE-SECRET-KEY-1")]
    NoIdentity(PathBuf),
    /// Where it is to be, there is something.
    #[error("{0} is not empty; restore into a new folder, or move what is there away first")]
    Occupied(PathBuf),
    /// Another restore fills it.
    #[error("another backup is being restored into {0}; wait until that has ended")]
    Held(PathBuf),
    /// The configuration is another provider's.
    #[error(
        "{path} is a backup of {of}, and the configuration is that of {configured}; use the configuration of {of}"
    )]
    OfAnother {
        /// The backup.
        path: PathBuf,
        /// Whose it is.
        of: Provider,
        /// Whose the configuration is.
        configured: Provider,
    },
    /// It has no configuration, and there is none.
    #[error(
        "{backup} has no configuration in it, and {config} is not there; write that file first, as the operator's guide says"
    )]
    NoConfig {
        /// The backup.
        backup: PathBuf,
        /// Where the configuration would be.
        config: PathBuf,
    },
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] crate::ground::config::ConfigFault),
    /// What was in it cannot be written.
    #[error("{path} cannot be written: {fault}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: io::Error,
    },
}

impl RestoreFault {
    /// A stable code for scripts and the GUI.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "backup-unreadable",
            Self::NoBackup(_) => "no-backup",
            Self::Damaged { .. } => "backup-damaged",
            Self::Newer { .. } => "backup-newer",
            Self::NeedsPassphrase(_) => "needs-passphrase",
            Self::NeedsIdentity(_) => "needs-identity",
            Self::WrongKey(_) => "wrong-key",
            Self::NoIdentity(_) => "no-identity",
            Self::Occupied(_) => "occupied",
            Self::Held(_) => "restoring",
            Self::OfAnother { .. } => "of-another",
            Self::NoConfig { .. } => "no-config",
            Self::Config(_) => "config",
            Self::Write { .. } => "restore-unwritable",
        }
    }
}
