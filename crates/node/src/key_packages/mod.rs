//! KeyPackages of our users' clients: checked when they are published, handed out once each against grants, and
//! claimed at other providers for clients of ours (section 9).

mod check;
mod claim;
mod gather;
mod publish;

pub(crate) use claim::Wanted;

use std::sync::Arc;

use crate::ground::Ground;
use crate::peers::Peers;
use crate::store::Store;

/// The KeyPackages of our users' clients, and those that are got for them.
pub(crate) struct KeyPackages {
    /// Our name and key, and our clock.
    ground: Arc<Ground>,
    /// Where KeyPackages are kept until they are handed out once.
    store: Store,
    /// Where KeyPackages of others' users are claimed.
    peers: Arc<Peers>,
}

impl KeyPackages {
    pub(crate) fn new(ground: Arc<Ground>, store: Store, peers: Arc<Peers>) -> Self {
        Self { ground, store, peers }
    }
}

/// KeyPackages to be handed out that are kept of one client.
const MOST: u64 = 500;
