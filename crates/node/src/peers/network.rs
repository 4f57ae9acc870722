//! Notices when this machine comes into another network, or wakes: what was connected before leads nowhere then, and who
//! could not be reached may be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Peers;

/// How often it is looked for. It costs two system calls.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The time of day runs ahead of the time that this machine was awake by at least this where it has slept. So it does
/// where a clock was wrong and is set, either way: to try everybody once more does no harm then.
const SLEPT: Duration = Duration::from_secs(10);

impl Peers {
    /// Looks until the node stops.
    pub(crate) async fn watch_network(self: Arc<Self>) {
        let mut addresses = self.ground.ambient.own_addresses();
        let (mut awake, mut day) = (Instant::now(), self.ground.ambient.now());
        loop {
            let turned = self.ground.ambient.turned();
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = turned => {}
            }
            let (was, now) = (
                std::mem::replace(&mut addresses, self.ground.ambient.own_addresses()),
                self.ground.ambient.now(),
            );
            let slept = now.since(day).saturating_sub(awake.elapsed());
            // What was refused by a clock that was ahead may not be any more.
            let set_back = day.plus(awake.elapsed()).since(now);
            (awake, day) = (Instant::now(), now);
            if slept >= SLEPT || set_back >= SLEPT || was != addresses {
                tracing::info!(?slept, ?set_back, from = ?was, to = ?addresses, "peers are connected to anew");
                if slept >= SLEPT || set_back >= SLEPT {
                    self.ground.ambient.note_turn();
                }
                self.outbound.renew();
                self.signs.network_changed();
            }
        }
    }
}
