//! Why federation does not work: what went wrong with a peer and at which step, the record of what crossed the
//! wire, a look at a provider step by step, and what is so with this node itself.

mod check;
mod ourselves;
mod readable;
mod traffic;
mod trouble;

pub use check::CheckStep;
pub(crate) use check::check_provider;
pub use ourselves::{NameStanding, Ourselves, OwnCertificate};
pub(crate) use ourselves::{OwnState, host_text};
pub use readable::readable;
pub use traffic::{Direction, TrafficItem, TrafficLog, TrafficRecord};
pub(crate) use traffic::{answered, submitted, told_headers};
pub use trouble::{PeerFault, Stage};

pub use crate::store::StoreTrouble;
