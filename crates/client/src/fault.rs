//! What can go wrong.

use drawbridge_client_api::HomeFault;
use drawbridge_mtp::id::{ClientUri, GroupUri};

use crate::key::Sealed;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreFault {
    /// SQLite says no: disk full, damaged file, or a bug of ours.
    #[error("the client's store cannot do it: {0}")]
    Sql(#[from] rusqlite::Error),
    /// A newer version made it.
    #[error(
        "its file was written by a newer version of Drawbridge: run that version, or put back a backup of the data folder from \
         before it was updated"
    )]
    Newer,
    /// A part of the file is not what SQLite has written.
    #[error("its file is damaged ({0}): put it back from a backup of the data folder")]
    Damaged(String),
    /// A step to this version failed.
    #[error("the client's store cannot be brought to this version: {0}")]
    Migration(String),
    /// A row does not open.
    #[error(transparent)]
    Sealed(#[from] Sealed),
    /// A row holds what this version does not understand.
    #[error("the client's store holds what this version cannot read ({0})")]
    Unreadable(&'static str),
    /// The file is something else.
    #[error(
        "the file is not a client's store, and is left as it is; put that back from a backup of the data folder"
    )]
    NotAStore,
    /// The file belongs to another client.
    #[error("the store is that of {whose}; each client has a file of its own")]
    Other {
        /// Whose it is.
        whose: ClientUri,
    },
}

impl StoreFault {
    /// What keeps a store from being opened, as far as it tells of the file.
    pub(crate) fn of_opening(fault: rusqlite::Error) -> Self {
        match fault.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                Self::Damaged(fault.to_string())
            }
            _ => Self::Sql(fault),
        }
    }

    pub(crate) fn of_migration(fault: rusqlite_migration::Error) -> Self {
        use rusqlite_migration::{Error, MigrationDefinitionError};
        match fault {
            Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => Self::Newer,
            Error::RusqliteError { err, .. } => Self::of_opening(err),
            fault => Self::Migration(fault.to_string()),
        }
    }
}

/// Why a client did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientFault {
    /// The store did not.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The provider did not.
    #[error(transparent)]
    Home(#[from] HomeFault),
    /// MLS did not: a message that does not verify, or a state that does not allow it.
    #[error("MLS does not allow it: {0}")]
    Mls(String),
    /// There is no such conversation here.
    #[error("there is no conversation {0} here")]
    NoConversation(GroupUri),
    /// There is no such message here.
    #[error("there is no such message in this conversation")]
    NoMessage,
    /// The caller may not, and why.
    #[error("{0}")]
    NotAllowed(&'static str),
    /// A text or a name that is too long or empty, and what it is.
    #[error("{0}")]
    Unfit(&'static str),
    /// The runtime is ending.
    #[error("the client is stopping")]
    Stopping,
}

impl ClientFault {
    /// A stable word for the kind of fault; programs match it, never the English.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(_) => "store",
            Self::Home(HomeFault::Refused(_)) => "refused",
            Self::Home(HomeFault::NotNow(_) | HomeFault::Away(_)) => "away",
            Self::Mls(_) => "mls",
            Self::NoConversation(_) => "no-conversation",
            Self::NoMessage => "no-message",
            Self::NotAllowed(_) => "not-allowed",
            Self::Unfit(_) => "unfit",
            Self::Stopping => "stopping",
        }
    }

    /// MLS refused something.
    pub(crate) fn mls(fault: impl std::fmt::Debug) -> Self {
        Self::Mls(format!("{fault:?}"))
    }
}
