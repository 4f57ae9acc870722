//! What time asks for: what has lapsed is said to have, and what nobody needs any more is forgotten.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::consent::{providers, requests};
use crate::ground::Ground;
use crate::http::Throttle;
use crate::peers::Peers;
use crate::store::{Addition, Connection, Store, StoreFault};

/// How often what has lapsed is looked for: section 7 wants it told within a minute.
const SWEEP_EVERY: Duration = Duration::from_secs(20);
/// Section 12: acknowledged items are kept for a day, and all for thirty.
const KEEP_ACKNOWLEDGED: Duration = Duration::from_secs(24 * 3600);
const KEEP_AT_MOST: Duration = Duration::from_secs(30 * 24 * 3600);
/// Of what lapses by itself so many rows go in one transaction, between which others write.
const SWEPT: u32 = 5_000;
/// A grant lives for thirty days; what it was given out for is remembered until a Welcome that was long on its way
/// must have come.
const KEEP_GRANTED: Duration = Duration::from_secs(60 * 24 * 3600);

/// Does what time asks for, again and again.
pub(crate) struct Sweep {
    /// The clock, the limits, and whether the node stops.
    pub(crate) ground: Arc<Ground>,
    /// Where what has lapsed is.
    pub(crate) store: Store,
    /// Whose documents are forgotten where the clock is set back.
    pub(crate) peers: Arc<Peers>,
    /// Where it is forgotten who has asked how much.
    pub(crate) throttle: Arc<Throttle>,
}

impl Sweep {
    /// Sweeps until the node stops.
    pub(crate) async fn run(self) {
        let mut latest = self.ground.ambient.now();
        let mut is_first = true;
        loop {
            let turned = self.ground.ambient.turned();
            let now = self.ground.ambient.now();
            if now < latest {
                self.peers.documents.forget();
            }
            latest = now;
            self.throttle.sweep();
            self.ground.metrics.sum_up();
            // What a clock takes away that is ahead does not come back when it is set. Who says so is heard soon after the start.
            let may_take = !self.peers.is_clock_ahead().unwrap_or(is_first);
            is_first = false;
            let (ours, limits) = (self.ground.ours.clone(), self.ground.config.limits.clone());
            let begun = Instant::now();
            let swept = self.store.write(move |tx| {
                if !may_take {
                    return Ok(false);
                }
                requests::expire(tx, &ours)?;
                providers::sweep(tx, &limits)?;
                tx.prune_nonces()?;
                tx.prune_grants()?;
                tx.prune_placed()?;
                let is_more = tx.prune_feeds(KEEP_ACKNOWLEDGED, KEEP_AT_MOST, SWEPT)?;
                let [a_day_ago, a_month_ago, long_ago] =
                    [KEEP_ACKNOWLEDGED, KEEP_AT_MOST, KEEP_GRANTED].map(|age| tx.now().minus(age));
                tx.prune_withdrawn(a_day_ago)?;
                tx.prune_requests::<Connection>(a_day_ago)?;
                tx.prune_requests::<Addition>(a_day_ago)?;
                tx.prune_owed::<Connection>(a_month_ago)?;
                tx.prune_owed::<Addition>(a_month_ago)?;
                tx.prune_revoked_grants(long_ago)?;
                tx.prune_key_packages(long_ago)?;
                tx.prune_troubles(KEEP_AT_MOST)?;
                Ok(is_more)
            });
            let swept: Result<bool, StoreFault> = swept.await;
            let pause = match swept {
                // At most half of the writer's time.
                Ok(true) => begun.elapsed(),
                Ok(false) => SWEEP_EVERY,
                Err(fault) => {
                    tracing::error!(%fault, "what has lapsed could not be cleared away");
                    SWEEP_EVERY
                }
            };
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                () = turned => {}
            }
        }
    }
}
