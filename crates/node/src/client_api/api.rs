//! What the API of our users' clients works with.

use std::sync::Arc;

use crate::accounts::Accounts;
use crate::consent::Consent;
use crate::delivery::Delivery;
use crate::ground::Ground;
use crate::http::Throttle;
use crate::key_packages::KeyPackages;
use crate::outbox::Outbox;
use crate::peers::Peers;
use crate::store::Store;

/// What our users' clients can ask, over HTTP or in the same process.
pub(crate) struct ClientApi {
    pub(crate) ground: Arc<Ground>,
    pub(crate) store: Store,
    /// Asked for what has to be current of others' groups.
    pub(crate) peers: Arc<Peers>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) consent: Arc<Consent>,
    pub(crate) key_packages: Arc<KeyPackages>,
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) outbox: Arc<Outbox>,
    /// Bounds what is read of clients at one time; peers' requests are bounded by the same.
    pub(crate) throttle: Arc<Throttle>,
}
