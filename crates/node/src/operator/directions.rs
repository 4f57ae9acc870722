//! How the two directions go in which a peer and we pull each other.

use std::time::Duration;

use drawbridge_mtp::time::Timestamp;

use crate::diagnose::RefusedPull;
use crate::peers::PullingStatus;

/// How our puller gets on at a peer.
#[derive(Clone, Debug)]
pub struct OurPull {
    /// What it does.
    pub status: PullingStatus,
    /// Since when.
    pub since: Timestamp,
    /// When a pull was last answered, be it with nothing.
    pub last_pull: Option<Timestamp>,
    /// When the next try is due.
    pub next_try: Option<Timestamp>,
    /// Failed tries in a row.
    pub failures: u32,
    /// Round trip of the last request that was answered without waiting.
    pub latency: Option<Duration>,
    /// The number of the last item stored; 0 for none.
    pub cursor: u64,
    /// The highest number that the peer has told of.
    pub head: u64,
}

/// How a peer pulls us.
#[derive(Clone, Debug)]
pub struct TheirPull {
    /// Whether it waits here, for news or for the operator's decision on it.
    pub waiting: bool,
    /// When a pull of it last came in or was answered.
    pub last_pull: Option<Timestamp>,
    /// The same, where it does not wait here now.
    pub gone_since: Option<Timestamp>,
    /// The highest number given in its feed.
    pub head: u64,
    /// The highest number that it has acknowledged.
    pub acknowledged: u64,
    /// How long the oldest item that it has not acknowledged has been waiting for it.
    pub lag: Option<Duration>,
    /// Its latest pull, where that came lately and was refused, and no other waits here.
    pub refused: Option<RefusedPull>,
}
