//! Who is told of a request: the clients of its users who live here, and the provider of who asked.

use drawbridge_mtp::id::{ClientUri, Provider, UserUri};
use drawbridge_mtp::message::{ConnectionState, ItemBody};

use super::kind::{Kind, Said};
use crate::store::{DecidedBy, Reader, RequestRow, StoreFault, Tx, Unsent};

/// Gives `row` another state and tells the clients of those of its users who live here.
pub(super) fn settle<K: Kind>(
    tx: &Tx<'_>,
    ours: &Provider,
    row: &mut RequestRow<K>,
    state: ConnectionState,
    by: DecidedBy,
) -> Result<(), StoreFault> {
    row.state = state;
    row.changed = tx.now();
    row.decided_by = Some(by);
    row.ignored = false;
    tx.put_request(row)?;
    tell_clients(tx, ours, row)
}

/// Ends `row`, and tells the other side unless it `knows`.
pub(super) fn end_one<K: Kind>(
    tx: &Tx<'_>,
    ours: &Provider,
    row: &mut RequestRow<K>,
    by: DecidedBy,
    knows: bool,
) -> Result<(), StoreFault> {
    row.unsent = (row.outgoing && !knows).then_some(Unsent::Delete);
    settle(tx, ours, row, ConnectionState::Ended, by)?;
    if knows { Ok(()) } else { tell_requester(tx, ours, row) }
}

/// Tells the provider of who asked, where that is another one, where the request stands.
pub(super) fn tell_requester<K: Kind>(
    tx: &Tx<'_>,
    ours: &Provider,
    row: &RequestRow<K>,
) -> Result<(), StoreFault> {
    if !row.outgoing && row.peer != *ours {
        let item = K::item(row, Said::to_requester(row, tx.now()));
        tx.append(&Reader::Peer(row.peer.clone()), &item.into())?;
    }
    Ok(())
}

/// Tells the clients of the users of `row` that live here, each as much as its user may know.
pub(super) fn tell_clients<K: Kind>(
    tx: &Tx<'_>,
    ours: &Provider,
    row: &RequestRow<K>,
) -> Result<(), StoreFault> {
    if row.from.provider() == ours {
        tell_user(tx, &row.from, &K::item(row, Said::to_requester(row, tx.now())).into())?;
    }
    if row.to.provider() == ours && !row.unseen {
        tell_user(tx, &row.to, &K::item(row, Said::state(row.state)).into())?;
    }
    Ok(())
}

/// Tells all clients of `user`, who lives here.
fn tell_user(tx: &Tx<'_>, user: &UserUri, item: &ItemBody) -> Result<(), StoreFault> {
    for client in tx.clients_of(user.name())? {
        tx.append(&Reader::Client(ClientUri::new(user, &client.name)), item)?;
    }
    Ok(())
}
