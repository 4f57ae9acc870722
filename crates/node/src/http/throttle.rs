//! How much one address and one peer may ask, also at one time.

use std::net::IpAddr;
use std::num::NonZeroU32;

use drawbridge_mtp::id::Provider;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::shares::{Claimant, Held, Shares, Source};
use crate::ground::config::LimitsConfig;

/// A quiet second earns this many: bursts are as natural as they are short.
const BURST_SECONDS: u32 = 10;

/// Requests at one time of which nothing is proved yet.
const UNPROVED: usize = 2048;
/// Octets of peers' content that are held at one time.
const CONTENT: usize = 64 << 20;
/// Octets of large answers that are on their way at one time.
const ANSWERS: usize = 128 << 20;

/// The limits on requests.
pub(crate) struct Throttle {
    /// Requests of addresses that name no allowed peer, by address.
    strangers: DefaultKeyedRateLimiter<Source>,
    /// Requests in the names of allowed peers, by address.
    addresses: DefaultKeyedRateLimiter<Source>,
    /// Requests that are proved, by peer.
    peers: DefaultKeyedRateLimiter<Provider>,
    /// Requests of which nothing is proved yet, by address.
    unproved: Shares,
    /// Octets of content that is being read, by who sends it.
    content: Shares,
    /// Octets of large answers on their way, by who asked.
    answers: Shares,
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
            unproved: Shares::new(UNPROVED),
            content: Shares::new(CONTENT),
            answers: Shares::new(ANSWERS),
        }
    }

    /// Whether `address` may ask something; more in the name of an allowed peer than otherwise.
    pub(super) fn take_turn_of_address(&self, address: IpAddr, names_peer: bool) -> Option<()> {
        let limiter = if names_peer { &self.addresses } else { &self.strangers };
        limiter.check_key(&address.into()).ok()
    }

    /// Whether `peer`, which is proved, may ask something.
    pub(super) fn take_turn_of_peer(&self, peer: &Provider) -> Option<()> {
        self.peers.check_key(peer).ok()
    }

    /// A place for a request from `address` until something is proved of it: its head, and up to 16 KiB of its content,
    /// are held that long.
    pub(super) fn take_unproved(&self, address: IpAddr) -> Option<Held> {
        self.unproved.take(Claimant::Source(address.into()), 1)
    }

    /// Room for so many octets of content of `peer`, which is proved.
    pub(super) fn take_content(&self, peer: &Provider, octets: usize) -> Option<Held> {
        self.content.take(Claimant::Peer(peer.clone()), octets)
    }

    /// Room for so many octets of an answer to `peer`.
    pub(super) fn take_answer(&self, peer: &Provider, octets: usize) -> Option<Held> {
        self.answers.take(Claimant::Peer(peer.clone()), octets)
    }

    /// Room for so many octets of content of a client of ours at `address`.
    pub(crate) fn take_clients_content(&self, address: IpAddr, octets: usize) -> Option<Held> {
        self.content.take(Claimant::Source(address.into()), octets)
    }

    /// Forgets who has not asked for a while.
    pub(crate) fn sweep(&self) {
        self.strangers.retain_recent();
        self.addresses.retain_recent();
        self.peers.retain_recent();
    }
}
