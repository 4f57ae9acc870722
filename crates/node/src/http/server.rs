//! What the server for other providers works with.

use std::sync::Arc;

use super::throttle::Throttle;
use super::turns::Turns;
use crate::consent::Consent;
use crate::delivery::{Delivery, Waits};
use crate::diagnose::{Doctor, Tracer};
use crate::ground::Ground;
use crate::key_packages::KeyPackages;
use crate::peers::Peers;
use crate::store::Store;

/// What other providers can ask.
pub(crate) struct PeerServer {
    /// Our name, key and endpoint, our clock and our limits.
    pub(crate) ground: Arc<Ground>,
    /// Read for who a peer is and for what may be answered at once; nonces are kept there.
    pub(crate) store: Store,
    /// Whose keys verify requests; the record of what crosses the wire.
    pub(crate) peers: Arc<Peers>,
    /// Judges what peers ask, and takes it back.
    pub(crate) consent: Arc<Consent>,
    /// Hands out KeyPackages.
    pub(crate) key_packages: Arc<KeyPackages>,
    /// Serves feeds and groups, and judges submissions.
    pub(crate) delivery: Arc<Delivery>,
    /// Requests that wait for the operator's decision on their sender.
    pub(crate) waits: Arc<Waits>,
    /// Bounds what one address or peer takes.
    pub(crate) throttle: Arc<Throttle>,
    /// Requests of one peer that change something come one after the other.
    pub(crate) turns: Turns,
    /// Looks at peers that ask for it.
    pub(crate) doctor: Arc<Doctor>,
    /// Tells peers where an event is.
    pub(crate) tracer: Arc<Tracer>,
}
