//! Identifiers (section 2) and ids (section 5).
//!
//! Each has one spelling, compared octet by octet. Another spelling of the same thing is refused, never
//! repaired, so that nothing below this module has to think about look-alikes.

mod generation;
mod provider;
mod uri;
mod uuid7;

pub use generation::Generation;
pub use provider::{Host, Provider};
pub use uri::{ClientUri, GroupUri, Name, UserUri};
pub use uuid7::Id;

/// Why a text is not the identifier it was read as.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {what}: {why}")]
pub struct InvalidIdentifier {
    what: &'static str,
    why: &'static str,
}

impl InvalidIdentifier {
    pub(crate) const fn new(what: &'static str, why: &'static str) -> Self {
        Self { what, why }
    }
}
