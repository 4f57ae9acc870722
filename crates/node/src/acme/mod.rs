//! A certificate for our name by ACME (RFC 8555), got and renewed without the operator.

mod answers;
mod directory;
mod fault;
mod kept;
mod order;
mod renewal;
mod schedule;

pub(crate) use directory::Directory;
pub(crate) use renewal::Renewal;
