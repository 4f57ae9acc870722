//! What time asks for: what has lapsed is said to have, and what nobody needs any more is forgotten.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::time::Timestamp;

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
            let swept = self.store.write(move |tx| {
                if !may_take {
                    return Ok(());
                }
                requests::expire(tx, &ours)?;
                providers::sweep(tx, &limits)?;
                tx.prune_nonces()?;
                tx.prune_grants()?;
                tx.prune_placed()?;
                tx.prune_feeds(KEEP_ACKNOWLEDGED, KEEP_AT_MOST)?;
                let (a_day_ago, long_ago) = (ago(tx.now(), KEEP_ACKNOWLEDGED), ago(tx.now(), KEEP_GRANTED));
                let a_month_ago = ago(tx.now(), KEEP_AT_MOST);
                tx.prune_withdrawn(a_day_ago)?;
                tx.prune_requests::<Connection>(a_day_ago)?;
                tx.prune_requests::<Addition>(a_day_ago)?;
                tx.prune_owed::<Connection>(a_month_ago)?;
                tx.prune_owed::<Addition>(a_month_ago)?;
                tx.prune_revoked_grants(long_ago)?;
                tx.prune_key_packages(long_ago)?;
                tx.prune_troubles(KEEP_AT_MOST)
            });
            if let Err(fault) = swept.await {
                let fault: StoreFault = fault;
                tracing::error!(%fault, "what has lapsed could not be cleared away");
            }
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = tokio::time::sleep(SWEEP_EVERY) => {}
                () = turned => {}
            }
        }
    }
}

fn ago(now: Timestamp, age: Duration) -> Timestamp {
    let millis = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_sub(millis))
}
