//! The KeyPackages that clients have left.

use drawbridge_mtp::id::{ClientUri, Provider, UserUri};
use drawbridge_mtp::message::KeyPackageStock;
use drawbridge_mtp::time::Timestamp;
use drawbridge_node::Node;
use drawbridge_node::store::{KeptKeyPackages, LOW_STOCK, StoreFault, View};

use crate::view::Stock;

/// A client's stock; none where it has nothing and so never was a client that can be added.
pub(crate) fn shown(KeptKeyPackages { stock, to_come }: &KeptKeyPackages) -> Option<Stock> {
    let KeyPackageStock { available, last_resort, .. } = *stock;
    let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    (available > 0 || last_resort || *to_come > 0).then(|| Stock {
        available: count(available),
        last_resort,
        to_come: count(*to_come),
        low: available < LOW_STOCK,
    })
}

/// The clients of `ours` that can be added, and have no fresh KeyPackage left for it.
pub(crate) fn spent(view: &View<'_>, ours: &Provider, now: Timestamp) -> Result<Vec<ClientUri>, StoreFault> {
    let mut spent = Vec::new();
    for client in view.clients()? {
        let kept = view.key_packages_kept(&client.user, &client.name, now)?;
        if shown(&kept).is_some_and(|stock| stock.available == 0) {
            spent.push(ClientUri::new(&UserUri::new(ours, &client.user), &client.name));
        }
    }
    Ok(spent)
}

/// Whether a client should publish more KeyPackages.
pub(crate) async fn is_low(node: &Node, client: &ClientUri) -> bool {
    let (user, name) = (client.user().name().clone(), client.name().clone());
    let now = node.now();
    let kept = node.store().read(move |view| view.key_packages_kept(&user, &name, now)).await;
    kept.is_ok_and(|kept: KeptKeyPackages| kept.stock.available < LOW_STOCK)
}
