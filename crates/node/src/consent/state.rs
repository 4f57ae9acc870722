//! What deciding on requests works with.

use std::sync::Arc;

use parking_lot::RwLock;

use super::requests::Undos;
use crate::ground::Ground;
use crate::ground::config::Strangers;
use crate::peers::Peers;
use crate::store::Store;

/// Who may reach our users, and add them to groups.
pub(crate) struct Consent {
    /// Our name and key, our clock, and our settings.
    pub(in crate::consent) ground: Arc<Ground>,
    /// Where requests, rules and peers are kept: each decision is one transaction.
    pub(in crate::consent) store: Store,
    /// Who is asked, and whose keys prove grants.
    pub(in crate::consent) peers: Arc<Peers>,
    /// What the operator has chosen.
    pub(in crate::consent) choices: RwLock<Choices>,
    /// The operator's last decisions, which can be taken back for a while.
    pub(in crate::consent) undos: Undos,
}

/// What the operator can change while the node runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choices {
    /// How strangers become peers (section 6).
    pub(crate) strangers: Strangers,
    /// Whether requesters learn that they were declined (section 7).
    pub(crate) tell_declined: bool,
}

impl Consent {
    pub(crate) fn new(ground: Arc<Ground>, store: Store, peers: Arc<Peers>, choices: Choices) -> Self {
        Self { ground, store, peers, choices: RwLock::new(choices), undos: Undos::default() }
    }
}
