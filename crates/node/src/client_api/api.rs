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
    /// Our name, our clock, and whether the node stops.
    pub(crate) ground: Arc<Ground>,
    /// Read for what is answered from our own copies.
    pub(crate) store: Store,
    /// Asked for what has to be current of others' groups.
    pub(crate) peers: Arc<Peers>,
    /// Who a token belongs to.
    pub(crate) accounts: Arc<Accounts>,
    /// Judges what a client asks or decides on.
    pub(crate) consent: Arc<Consent>,
    /// Keeps what a client publishes, and claims for it.
    pub(crate) key_packages: Arc<KeyPackages>,
    /// Serves feeds, and what may be asked of a group.
    pub(crate) delivery: Arc<Delivery>,
    /// Takes what a client submits.
    pub(crate) outbox: Arc<Outbox>,
    /// Bounds what is read of clients at one time; peers' requests are bounded by the same.
    pub(crate) throttle: Arc<Throttle>,
}
