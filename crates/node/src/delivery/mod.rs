//! What goes in whose feed, and how a waiting pull is answered the moment there is something (section 11).

mod aged;
mod anew;
mod answers;
mod checkpoints;
mod copy_fork;
mod epoch;
mod feed;
mod follow;
mod forks;
mod grants;
mod groups;
mod join;
mod keep;
mod mls;
#[cfg(test)]
mod mls_vectors;
mod own_fork;
mod own_group;
mod proof_check;
mod proofs;
mod recover;
mod recovery;
mod register;
mod shelf;
mod signed_checkpoint;
mod state;
mod submissions;
mod submit;
mod unproved;
mod waits;
mod walk;

pub(crate) use anew::close_gaps;
pub(crate) use answers::*;
pub(crate) use checkpoints::compare_checkpoints;

pub(crate) use feed::{FeedRefusal, serve};
pub(crate) use follow::Intake;
pub(crate) use forks::Forks;
pub(crate) use groups::Groups;
pub(crate) use join::join_groups;
#[cfg(feature = "foreign")]
pub(crate) use mls::FOREIGN;
pub(crate) use mls::{Conventions, MTP};
pub(crate) use own_group::own_group;
pub(crate) use proof_check::check_grants;
pub(crate) use recover::{heal, recover, recover_for, still_recovering};
pub(crate) use recovery::Recovery;
pub(crate) use register::register;
pub(crate) use submissions::receive;
pub(crate) use submit::submit;
pub(crate) use unproved::{shown_feed, shown_log};
pub(crate) use waits::{Wait, WaitKind, Waits};
