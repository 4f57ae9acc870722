//! Groups of other owners that have users of ours in them: their events are taken in from the owners' feeds, kept, and held
//! against grants and checkpoints (sections 10 to 12).

mod checkpoints;
mod fork;
pub(super) mod intake;
mod join;
pub(super) mod keep;
pub(super) mod known_forks;
mod proof_check;
mod proofs;
mod reset;
pub(super) mod signed_checkpoint;
pub(super) mod two_stories;
