//! KeyPackages of our users' clients: checked when they are published, handed out once each against grants, and
//! claimed at other providers for clients of ours (section 9).

mod check;
mod claim;
mod gather;
mod publish;

pub(crate) use claim::{Wanted, claim};

/// KeyPackages to be handed out that are kept of one client.
const MOST: u64 = 500;
