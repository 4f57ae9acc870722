//! Looks at what is so whenever something has changed, and has it told.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::time::Timestamp;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::current::{Current, Now};
use super::notifier::Notifier;
use super::words::WaitingItem;
use crate::ground::changes::Change;
use crate::operator::{Operator, ShownAddition, WaitingNow};
use crate::readable::readable;
use crate::store::{ConnectionRow, PeerRow};

/// However much changes, it is looked this rarely, and so that looking takes a hundredth of the time at most.
const SHORTEST_REST: Duration = Duration::from_millis(250);
const LONGEST_REST: Duration = Duration::from_secs(20);
const SHARE: u32 = 100;
/// Where nothing changes the time is read this often: a computer that has slept has not told.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Looks and tells until the node stops. Where there is no target, nothing is done.
pub(crate) async fn watch(operator: Arc<Operator>, notifier: Arc<Notifier>) {
    if !notifier.has_targets() {
        return;
    }
    tokio::join!(notifier.run(), look(&operator, &notifier));
}

async fn look(operator: &Operator, notifier: &Notifier) {
    let ground = &operator.ground;
    let mut changes = ground.changes.listen();
    loop {
        let turned = ground.ambient.turned();
        let began = Instant::now();
        let due = notifier.take(&now(operator).await).await;
        let rest = (began.elapsed() * SHARE).clamp(SHORTEST_REST, LONGEST_REST);
        tokio::select! {
            () = ground.stop.cancelled() => return,
            () = tokio::time::sleep(rest) => {}
        }
        tokio::select! {
            () = ground.stop.cancelled() => return,
            () = tokio::time::sleep(until(due, ground.ambient.now())) => {}
            () = turned => {}
            is_open = something_changes(&mut changes) => if !is_open { return },
        }
    }
}

/// All that is so now. Where the store cannot be read, what is wrong is told all the same.
async fn now(operator: &Operator) -> Now {
    let mut all: Vec<Current> = operator.open_repairs().into_iter().map(Current::of_repair).collect();
    let waiting = operator.what_waits().await;
    let has_waiting = waiting.is_ok();
    match waiting {
        Ok(waiting) => all.extend(waiting.into_iter().map(current)),
        Err(fault) => tracing::warn!(%fault, "it cannot be read what waits"),
    }
    Now { all, has_waiting }
}

fn current(waiting: WaitingNow) -> Current {
    match waiting {
        // One that asks again later is another.
        WaitingNow::Provider(PeerRow { provider, since, .. }) => {
            let about = format!("{provider} {since}");
            Current::of_item(&WaitingItem::Provider(provider.to_string()), &about, since)
        }
        WaitingNow::Connection(ConnectionRow { from, to, created, .. }) => {
            let item = WaitingItem::Connection { from: from.to_string(), to: to.to_string() };
            Current::of_item(&item, &format!("{from} {to}"), created)
        }
        WaitingNow::Addition(ShownAddition { request, group_name, .. }) => {
            let group = &request.about.group;
            // Its name may change, and it waits all the same.
            let about = format!("{} {} {group}", request.from, request.to);
            let item = WaitingItem::Addition {
                adder: request.from.to_string(),
                user: request.to.to_string(),
                // Whoever made the group may have written anything into its name.
                group: group_name.map_or_else(|| group.to_string(), |name| readable(&name)),
            };
            Current::of_item(&item, &about, request.created)
        }
    }
}

fn until(due: Option<Timestamp>, now: Timestamp) -> Duration {
    due.map_or(LONGEST_WAIT, |due| due.since(now)).min(LONGEST_WAIT)
}

/// Returns when something has changed that may have to be told; `false` where nothing will any more.
async fn something_changes(changes: &mut Receiver<Change>) -> bool {
    loop {
        match changes.recv().await {
            Ok(
                Change::Repairs
                | Change::RepairRaised(_)
                | Change::Peer(_)
                | Change::Request(_)
                | Change::WaitingPeer(_)
                | Change::WaitingConnection(..)
                | Change::WaitingAddition(..),
            )
            | Err(RecvError::Lagged(_)) => return true,
            Ok(_) => {}
            Err(RecvError::Closed) => return false,
        }
    }
}
