//! What a GUI may read and decide: what waits, peers, groups, users, and how the node itself is.
//!
//! A method that reads is a screen: it reads the store once, in one transaction, and returns what the screen shows in the
//! node's own types. No row of a list reads a group's roster. A method that decides keeps all of a decision in one transaction.
//! Nobody outside this crate has the store.

mod directions;
mod dry_run;
mod exceptions;
mod fault;
mod forks;
mod group;
mod groups;
mod keys;
mod letting_go;
mod overview;
mod peering;
mod peers;
mod private_addresses;
mod repairs;
mod requests;
mod scrape;
mod settings;
mod shown;
mod standing;
mod storage;
mod traces;
mod trust;
mod users;
mod versions;
mod waiting;

use std::sync::Arc;

use drawbridge_mtp::time::Timestamp;

use crate::accounts::Accounts;
use crate::backup::Backups;
use crate::consent::Consent;
use crate::delivery::{Delivery, Waits};
use crate::diagnose::repairs::Repairs;
use crate::diagnose::{Comparer, Doctor, OwnState, Tracer};
use crate::ground::Ground;
use crate::notify::Notifier;
use crate::peers::Peers;
use crate::storage::Storage;
use crate::store::Store;

pub use crate::store::{
    AddRule, AuthorizationRow, ConnectionRow, DecidedBy, IgnoredAs, Reader, RepairKind, RepairRow,
    RepairSubject, RequestRow, Rule, RuleKind, Severity, Standing, Suffers, TroubleRow, UnprovedRow,
    UserRule,
};
pub use directions::{OurPull, TheirPull};
pub use dry_run::{Asked, DryRun, Foreseen, Foresight};
pub(crate) use exceptions::load as load_exceptions;
pub use fault::ReadFault;
pub use forks::Fork;
pub use group::{
    GroupAccount, GroupDetail, LogEntry, LostBranch, Participant, RosterProvider, RosterUser, ShownGrant,
};
pub use groups::GroupSummary;
pub use keys::{OwnKeys, SignedGrant, SignedGroup, SignedWith};
pub use letting_go::{Forgettable, Hold, HoldCode, Loss, Losses};
pub use overview::Overview;
pub use peers::{KeptOfPeer, Peer};
pub use private_addresses::{AllowedAddress, MetAddress};
pub use repairs::RepairList;
pub use requests::Whom;
pub(crate) use settings::load_choices;
pub use shown::{ShownAddition, ShownConnection};
pub(crate) use standing::{PULLED_WITHIN, the_other_way};
pub use standing::{PeerStanding, StandingCode};
pub use trust::{MetCertificate, TrustedCertificate};
pub use users::{Client, Contact, ShortClient, Stock, User, UserContact};
pub use versions::NewerVersion;
pub(crate) use waiting::WaitingNow;
pub use waiting::{Approvals, DecidedItem, Waiting, WaitingProvider};

/// What the operator of a node, and a GUI in the operator's name, may read and decide.
pub struct Operator {
    /// Settings, our name and key, the clock, and word of what changes.
    pub(crate) ground: Arc<Ground>,
    /// What is read and decided.
    pub(crate) store: Store,
    /// What goes on with each peer, and what crosses the wire.
    pub(crate) peers: Arc<Peers>,
    /// Users, clients and tokens.
    pub(crate) accounts: Arc<Accounts>,
    /// The rules by which requests are decided, what the operator has chosen of them, and the decisions that can be taken back.
    pub(crate) consent: Arc<Consent>,
    /// The groups, one of which may be let go of.
    pub(crate) delivery: Arc<Delivery>,
    /// Pulls that wait here.
    pub(crate) waits: Arc<Waits>,
    /// Who looks at providers.
    pub(crate) doctor: Arc<Doctor>,
    /// Who compares logs.
    pub(crate) comparer: Arc<Comparer>,
    /// Who follows events.
    pub(crate) tracer: Arc<Tracer>,
    /// What is so with the node itself.
    pub(crate) own: Arc<OwnState>,
    /// Everything in one file.
    pub(crate) backups: Arc<Backups>,
    /// What is on the disk.
    pub(crate) storage: Arc<Storage>,
    /// What is wrong and can be acted upon.
    pub(crate) repairs: Arc<Repairs>,
    /// Where the operator is told, besides the screens.
    pub(crate) notifier: Arc<Notifier>,
    /// When the node was started.
    pub(crate) started: Timestamp,
}
