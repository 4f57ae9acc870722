//! Who may reach our users, and add them to groups (sections 6 to 8): `providers/` are whom we let in and who lets us in,
//! `requests/` are what users ask of each other, for a connection or to add one to a group, `grants.rs` is what an addition is
//! proved by, and `rules.rs` the standing decisions that decide without a click.
//!
//! The rules are written once, over one transaction of the store. Other providers come in by `http`, our users' clients and
//! the operator by `local.rs`.

pub(crate) mod grants;
mod local;
pub(crate) mod providers;
pub(crate) mod requests;
pub(crate) mod rules;
mod state;

pub use requests::{Decided, Decision};
pub(crate) use state::{Choices, Consent};
