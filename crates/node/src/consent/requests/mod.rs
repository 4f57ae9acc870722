//! What users ask of each other, and what becomes of it: a connection (section 7), or to be added to a group (section 8).
//!
//! Both kinds are one state machine, of which each file here is one job, written for every [`Kind`]:
//!
//! | from | to | by |
//! | --- | --- | --- |
//! | | pending, approved | `ask.rs`: a user here asks; `receive.rs`: another provider's user does |
//! | pending, declined | approved, declined, pending | `decide.rs`: the operator or the user who is asked |
//! | pending, declined, approved | ended | `withdraw.rs`: who has asked; `decide.rs`: who has approved |
//! | pending, declined | expired | `expire.rs`: time |
//! | any | as the other side says | `learn.rs`; `ask_again.rs` where its word may be lost |
//!
//! `tell.rs` says who is told of a change, `courier.rs` brings to others what our users have asked, `undo.rs` takes back
//! what the operator has decided, `let_go.rs` ends what is about somebody whom the operator lets go of, and `alike.rs` finds the requests that count as one. What a kind has of its own is what [`Kind`]
//! asks for: `connection.rs` and `addition.rs`.

mod addition;
mod alike;
mod ask;
mod ask_again;
mod connection;
mod courier;
mod decide;
mod expire;
mod kind;
mod learn;
mod let_go;
mod receive;
mod renew;
mod tell;
mod terms;
mod undo;
mod withdraw;

pub use decide::Decision;
pub use undo::Decided;

pub(crate) use ask::ask;
pub(crate) use ask_again::ask_again;
pub(crate) use decide::{decide, find};
pub(crate) use expire::{expire, tell_lapsed};
pub(crate) use kind::Kind;
pub(crate) use learn::learn;
pub(crate) use let_go::{Matters, is_owed, let_go_of_group, let_go_of_peer, let_go_of_user};
pub(crate) use receive::receive;
pub(crate) use renew::renew;
pub(crate) use terms::Terms;
pub(crate) use undo::{Effects, Undos, Watch};
pub(crate) use withdraw::{take_back, withdraw};

#[cfg(test)]
mod tests;
