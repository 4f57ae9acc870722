//! Who we know: their provider documents, the addresses they may be on, how they are reached, and our judgement
//! of them (sections 3 and 6).

mod documents;
mod guard;
mod reach;
mod standing;

pub use guard::{AddressGuard, GuardFault};

pub(crate) use documents::Documents;
pub(crate) use reach::{Answer, Ask, http_client};
pub(crate) use standing::{allow, asks, introduce, judge, sweep};
