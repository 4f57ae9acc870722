//! Looks at what is so whenever something has changed, and has it told.

use std::sync::Arc;

use super::current::{Current, Now};
use super::notifier::Notifier;
use super::words::WaitingItem;
use crate::ground::changes::Change;
use crate::operator::{Operator, ShownAddition, WaitingNow};
use crate::pace::Pace;
use crate::readable::readable;
use crate::store::{ConnectionRow, PeerRow};

/// Looks and tells until the node stops. Where there is no target, nothing is done.
pub(crate) async fn watch(operator: Arc<Operator>, notifier: Arc<Notifier>) {
    if !notifier.has_targets() {
        return;
    }
    tokio::join!(notifier.run(), look(&operator, &notifier));
}

async fn look(operator: &Operator, notifier: &Notifier) {
    let mut pace = Pace::of(&operator.ground, may_be_told);
    loop {
        let look = pace.begin();
        let due = notifier.take(&now(operator).await).await;
        if !look.rest(due).await {
            return;
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

/// Whether such a change may have to be told.
fn may_be_told(change: &Change) -> bool {
    matches!(
        change,
        Change::Repairs
            | Change::RepairRaised(_)
            | Change::Peer(_)
            | Change::Request(_)
            | Change::WaitingPeer(_)
            | Change::WaitingConnection(..)
            | Change::WaitingAddition(..)
    )
}
