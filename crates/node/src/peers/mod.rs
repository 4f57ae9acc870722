//! Who we know: their provider documents, the addresses they may be on, how they are reached, what goes on with
//! each, and our judgement of them (sections 3 and 6).

mod backoff;
mod board;
mod documents;
mod guard;
mod network;
mod outbound;
mod reach;
mod recording;
mod signs;
mod standing;
mod theirs;
mod transport;
mod trust;

pub use board::{Pulling, PullingStatus, Serving};
pub(crate) use guard::only_here;
pub use guard::{AddressGuard, GuardFault};

pub(crate) use backoff::{Backoff, EndedBy};
pub(crate) use board::Board;
pub(crate) use documents::Documents;
pub(crate) use network::watch_network;
pub(crate) use outbound::Outbound;
pub(crate) use reach::{Answer, Ask};
pub(crate) use signs::{Sign, Signs};
pub(crate) use standing::{allow, asks, introduce, judge, sweep};
pub(crate) use theirs::{ask_again, lets_us_in, note_their_state};
