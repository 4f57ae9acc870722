//! What the rules go by besides the store.

use std::time::Duration;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::signature::Signer;

use crate::ground::config::Strangers;

/// Requests of a peer that is not allowed that are held at one time (section 6).
pub(super) const HELD: u32 = 5;
/// Who has no room, and cannot know when there will be some, asks again after so long.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(3600);

/// Who we are, and what the operator has chosen.
#[derive(Clone)]
pub(crate) struct Terms {
    /// Our name, and the key that grants are signed with.
    pub(crate) signer: Signer,
    /// How strangers become peers.
    pub(crate) strangers: Strangers,
    /// Whether who asked is told of a refusal.
    pub(crate) tell_declined: bool,
}

impl Terms {
    pub(crate) fn ours(&self) -> &Provider {
        self.signer.provider()
    }
}
