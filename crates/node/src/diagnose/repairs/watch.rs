//! Looks at what is wrong whenever something has changed, or is due by the clock.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::time::Timestamp;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::Repairs;
use crate::ground::changes::Change;
use crate::operator::Operator;

/// However much changes, it is looked this rarely, and so that looking takes a hundredth of the time at most.
const SHORTEST_REST: Duration = Duration::from_millis(250);
const LONGEST_REST: Duration = Duration::from_secs(20);
const SHARE: u32 = 100;
/// Where nothing changes the time is read this often, and nothing else is: a computer that has slept has not told.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Looks until the node stops. Where nothing changes and nothing is due, it only waits.
pub(crate) async fn watch(operator: Arc<Operator>, repairs: Arc<Repairs>) {
    let ground = operator.ground.clone();
    let mut changes = ground.changes.listen();
    loop {
        let mut turned = ground.ambient.turned();
        let began = Instant::now();
        let due = match operator.look_for_repairs().await {
            Ok(findings) => repairs.take(&findings).await,
            Err(fault) => {
                tracing::warn!(%fault, "it could not be looked at what is wrong");
                None
            }
        };
        let rest = (began.elapsed() * SHARE).clamp(SHORTEST_REST, LONGEST_REST);
        let mut is_turned = false;
        tokio::select! {
            () = ground.stop.cancelled() => return,
            () = tokio::time::sleep(rest) => {}
            () = &mut turned => is_turned = true,
        }
        if is_turned {
            continue;
        }
        tokio::select! {
            () = ground.stop.cancelled() => return,
            () = tokio::time::sleep(until(due, ground.ambient.now())) => {}
            () = turned => {}
            is_open = something_changes(&mut changes) => if !is_open { return },
        }
    }
}

fn until(due: Option<Timestamp>, now: Timestamp) -> Duration {
    due.map_or(LONGEST_WAIT, |due| due.since(now)).min(LONGEST_WAIT)
}

/// Returns when something has changed that may be wrong, or mended; `false` where nothing will any more.
async fn something_changes(changes: &mut Receiver<Change>) -> bool {
    loop {
        match changes.recv().await {
            Ok(
                Change::Repairs
                | Change::RepairRaised(_)
                | Change::Request(_)
                | Change::WaitingPeer(_)
                | Change::WaitingConnection(..)
                | Change::WaitingAddition(..),
            ) => {}
            Ok(_) | Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
        }
    }
}
