//! Who we know: their provider documents, the addresses they may be on, how they are reached, and our judgement
//! of them (sections 3 and 6).

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

pub(crate) use guard::only_here;
pub use guard::{AddressGuard, GuardFault};

pub(crate) use documents::Documents;
pub(crate) use network::watch_network;
pub(crate) use outbound::Outbound;
pub(crate) use reach::{Answer, Ask};
pub(crate) use signs::{Sign, Signs};
pub(crate) use standing::{allow, asks, introduce, judge, sweep};
pub(crate) use theirs::{ask_again, lets_us_in, note_their_state};
