//! What the rules go by besides the store.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::signature::Signer;

use crate::ground::config::Strangers;

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
