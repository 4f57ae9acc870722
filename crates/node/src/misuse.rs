//! What the operator and our users can ask that cannot be.

use drawbridge_mtp::id::{GroupUri, Id, Name, Provider, UserUri};

use crate::identity::{KeyFault, NotRevoked};
use crate::store::{StoreFault, View};

/// The caller asks for what cannot be. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// There is no such user here.
    #[error("there is no user {0} here; create it first, or correct the name")]
    NoSuchUser(Name),
    /// There is no such client here.
    #[error("{0} has no client {1}; create it first, or correct the name")]
    NoSuchClient(Name, Name),
    /// There is no such request.
    #[error("there is no request or connection {0}; the command connections lists those that there are")]
    NoSuchConnection(Id),
    /// There is no such request to add.
    #[error("there is no request to add {0}; the command authorizations lists those that there are")]
    NoSuchAuthorization(Id),
    /// An addition needs a connection.
    #[error("{0} and {1} are not connected; ask for a connection first")]
    NotConnected(UserUri, UserUri),
    /// Two providers have used the id.
    #[error("several providers have used the id {0}; name the one that you mean in from_provider")]
    Ambiguous(Id),
    /// The provider is not known.
    #[error("{0} is not among the peers; correct the name, or allow it first (the command peers lists them)")]
    NoSuchPeer(Provider),
    /// The group is not known.
    #[error("there is no group {0} here; the command groups lists those that there are")]
    NoSuchGroup(GroupUri),
    /// Nothing of that id is wrong.
    #[error(
        "nothing that is wrong has the id {0}, or it is well again; the command repairs lists what there is"
    )]
    NoSuchRepair(Id),
    /// The name is taken.
    #[error("there is already a {0} of that name; choose another")]
    Taken(&'static str),
    /// The state does not allow it.
    #[error("{0}")]
    Unfit(String),
    /// Something lives that needs what is to be forgotten.
    #[error("{0}")]
    Held(String),
    /// What would be lost is another than was shown.
    #[error("what would be lost is not what it was when it was shown: look at it again")]
    LossesChanged,
    /// Letting go writes before anything is free.
    #[error(
        "{free} MiB are free on the disk, and letting go needs {needed} MiB while it goes on, before it gives any back; make room, then \
         try again"
    )]
    NoRoom {
        /// What is free, in MiB.
        free: u64,
        /// What is needed, in MiB.
        needed: u64,
    },
    /// Something has to be mended first that is no fault of who asks.
    #[error("{0}")]
    NotNow(String),
    /// There is no such key, or it was revoked before.
    #[error(transparent)]
    Key(#[from] NotRevoked),
    /// The file with our keys cannot be written.
    #[error(transparent)]
    KeyFile(#[from] KeyFault),
    /// The store cannot.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl Misuse {
    /// A stable code for scripts and the GUI.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchUser(_) => "no-such-user",
            Self::NoSuchClient(..) => "no-such-client",
            Self::NoSuchConnection(_) => "no-such-connection",
            Self::NoSuchAuthorization(_) => "no-such-authorization",
            Self::NotConnected(..) => "not-connected",
            Self::Ambiguous(_) => "ambiguous",
            Self::NoSuchPeer(_) => "no-such-peer",
            Self::NoSuchGroup(_) => "no-such-group",
            Self::NoSuchRepair(_) => "no-such-repair",
            Self::Taken(_) => "taken",
            Self::Unfit(_) => "unfit",
            Self::Held(_) => "held",
            Self::LossesChanged => "losses-changed",
            Self::NoRoom { .. } => "no-room",
            Self::NotNow(_) => "not-now",
            Self::Key(NotRevoked::Unknown(_)) => "no-such-key",
            Self::Key(NotRevoked::Already(_)) => "unfit",
            Self::KeyFile(_) => "key-file",
            Self::Store(_) => "store",
        }
    }
}

/// Checks that `user` lives here.
pub(crate) fn require_user(view: &View<'_>, user: &Name) -> Result<(), Misuse> {
    match view.user(user)? {
        Some(_) => Ok(()),
        None => Err(Misuse::NoSuchUser(user.clone())),
    }
}
