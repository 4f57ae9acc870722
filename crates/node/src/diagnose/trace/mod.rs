//! The tracer: where one event is on its way from its sender to everybody who is to have it, and why it has not arrived.
//!
//! Nothing is kept for it. What is known stands in the log, the feeds with their cursors, the outbox and the traffic record; an owner
//! knows all of it, a participant its own part. Why something was refused is remembered for a while (`delivery/refusals.rs`).

mod elsewhere;
mod judge;
mod read;
mod report;

use std::collections::HashMap;
use std::sync::Arc;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;

pub use report::{Elsewhere, ForeignClock, Trace, TraceCode, TraceState, TraceStep, TraceStepName, Traced};

use self::read::{Found, Known};
use crate::delivery::Delivery;
use crate::ground::Ground;
use crate::misuse::Misuse;
use crate::operator::PeerStanding;
use crate::peers::Peers;
use crate::store::Store;

/// How it goes with each provider on whom it may hang, as it is judged for all screens.
pub(crate) type Standings = HashMap<Provider, PeerStanding>;

/// Follows events.
pub(crate) struct Tracer {
    /// Our name and clock.
    ground: Arc<Ground>,
    /// The log, the feeds and the outbox.
    store: Store,
    /// What goes on with each peer, how its clock stands, and what it has pulled when.
    peers: Arc<Peers>,
    /// Why the latest submissions were refused.
    delivery: Arc<Delivery>,
}

impl Tracer {
    pub(crate) fn new(ground: Arc<Ground>, store: Store, peers: Arc<Peers>, delivery: Arc<Delivery>) -> Self {
        Self { ground, store, peers, delivery }
    }

    /// What is known of it.
    ///
    /// # Errors
    ///
    /// There is no such group here.
    pub(crate) async fn read(&self, what: Traced) -> Result<Known, Misuse> {
        let ours = self.ground.ours.clone();
        let known = self.store.read::<_, Misuse>(move |view| Known::read(view, &ours, what)).await?;
        Ok(self.with_pulls(known).await)
    }

    /// The same with when each peer was given the event and acknowledged it.
    async fn with_pulls(&self, mut known: Known) -> Known {
        if let Found::Event(found) = &mut known.found {
            for place in &mut found.readers {
                // A trace is of use without these times.
                if let Some(item) = place.in_feed()
                    && let Ok(pulled) = self.peers.traffic.pulled(item).await
                {
                    place.pulled = pulled;
                }
            }
        }
        known
    }

    /// A time that the clock of `provider` has told, by our clock.
    fn by_our_clock(&self, provider: &Provider, told: Timestamp) -> (Timestamp, Option<ForeignClock>) {
        if *provider == self.ground.ours {
            return (told, None);
        }
        let ahead_ms = self.peers.board.clock_apart(provider).map_or(0, |clock| clock.millis);
        let at = told.as_millis().saturating_add_signed(ahead_ms.saturating_neg());
        (Timestamp::from_millis(at), Some(ForeignClock { of: provider.clone(), told, ahead_ms }))
    }
}
