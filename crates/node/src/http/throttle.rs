//! How much one address and one peer may ask.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use drawbridge_mtp::id::Provider;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::LimitsConfig;

/// A quiet second earns this many: bursts are as natural as they are short.
const BURST_SECONDS: u32 = 10;

/// The limits on requests.
pub(crate) struct Throttle {
    strangers: DefaultKeyedRateLimiter<IpAddr>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    peers: DefaultKeyedRateLimiter<Provider>,
}

impl Throttle {
    pub(crate) fn new(limits: &LimitsConfig) -> Self {
        let quota = |a_second: u32| {
            let a_second = NonZeroU32::new(a_second).unwrap_or(NonZeroU32::MIN);
            let burst = a_second.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_SECONDS - 1));
            Quota::per_second(a_second).allow_burst(burst)
        };
        Self {
            strangers: RateLimiter::keyed(quota(limits.stranger_requests)),
            addresses: RateLimiter::keyed(quota(limits.peer_requests.saturating_mul(4))),
            peers: RateLimiter::keyed(quota(limits.peer_requests)),
        }
    }

    /// Whether `address` may ask something; more in the name of an allowed peer than otherwise.
    pub(super) fn admits_address(&self, address: IpAddr, names_peer: bool) -> Result<(), Duration> {
        let limiter = if names_peer { &self.addresses } else { &self.strangers };
        limiter.check_key(&address).map_err(|_| Duration::from_secs(1))
    }

    /// Whether `peer`, which is proved, may ask something.
    pub(super) fn admits_peer(&self, peer: &Provider) -> Result<(), Duration> {
        self.peers.check_key(peer).map_err(|_| Duration::from_secs(1))
    }

    /// Forgets who has not asked for a while.
    pub(crate) fn sweep(&self) {
        self.strangers.retain_recent();
        self.addresses.retain_recent();
        self.peers.retain_recent();
    }
}
