//! Looks at what is wrong whenever something has changed, or is due by the clock.

use std::sync::Arc;

use super::Repairs;
use crate::ground::changes::Change;
use crate::operator::Operator;
use crate::pace::Pace;

/// Looks until the node stops. Where nothing changes and nothing is due, it only waits.
pub(crate) async fn watch(operator: Arc<Operator>, repairs: Arc<Repairs>) {
    let mut pace = Pace::of(&operator.ground, may_be_wrong);
    loop {
        let look = pace.begin();
        let due = match operator.look_for_repairs().await {
            Ok(findings) => repairs.take(&findings).await,
            Err(fault) => {
                tracing::warn!(%fault, "it could not be looked at what is wrong");
                None
            }
        };
        if !look.rest(due).await {
            return;
        }
    }
}

/// Whether after such a change something may be wrong, or mended.
fn may_be_wrong(change: &Change) -> bool {
    !matches!(
        change,
        Change::Repairs
            | Change::RepairRaised(_)
            | Change::Request(_)
            | Change::WaitingPeer(_)
            | Change::WaitingConnection(..)
            | Change::WaitingAddition(..)
    )
}
