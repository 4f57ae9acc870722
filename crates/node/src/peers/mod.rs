//! Who we know: their provider documents, the addresses they may be on, how they are reached, and what goes on
//! with each (section 3).

mod backoff;
mod board;
mod documents;
mod fetch;
mod guard;
mod network;
mod outbound;
mod reach;
mod recording;
mod signs;
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
