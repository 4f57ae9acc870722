//! The public state of a group: what everyone can know of it who sees its commits (RFC 9420; section 10).

mod expired_leaves;
pub(super) mod framing;
#[cfg(test)]
mod mls_vectors;
mod public_storage;
pub(super) mod state;
