//! Why federation does not work: a look at a provider step by step, and what is so with this node itself.

mod check;
mod ourselves;

pub use check::CheckStep;
pub(crate) use check::check_provider;
pub use ourselves::{NameStanding, Ourselves, OwnCertificate};
pub(crate) use ourselves::{OwnState, host_text};

pub use crate::store::StoreTrouble;
