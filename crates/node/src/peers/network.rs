//! Notices when this machine comes into another network, or wakes: what was connected before leads nowhere then, and who
//! could not be reached may be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::core::Core;

/// How often it is looked for. It costs two system calls.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The time of day runs ahead of the time that this machine was awake by at least this where it has slept. So it does
/// where a clock was wrong and is set: to try everybody once more does no harm then.
const SLEPT: Duration = Duration::from_secs(10);

/// Looks until the node stops.
pub(crate) async fn watch_network(core: Arc<Core>) {
    let mut addresses = core.ambient.own_addresses();
    let (mut awake, mut day) = (Instant::now(), core.ambient.now());
    loop {
        let turned = core.ambient.turned();
        tokio::select! {
            () = core.stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = turned => {}
        }
        let (was, now) =
            (std::mem::replace(&mut addresses, core.ambient.own_addresses()), core.ambient.now());
        let slept = now.since(day).saturating_sub(awake.elapsed());
        (awake, day) = (Instant::now(), now);
        if slept >= SLEPT || was != addresses {
            tracing::info!(?slept, from = ?was, to = ?addresses, "peers are connected to anew");
            core.outbound.renew();
            core.signs.network_changed();
        }
    }
}
