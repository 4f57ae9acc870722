//! What other providers say of the requests that our users made (sections 7 and 8).

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::ConnectionState;

use super::kind::{Kind, Said};
use super::tell::settle;
use crate::store::{DecidedBy, RequestRow, StoreFault, Tx, Unsent};

/// An item of `peer`, or what its answer to a request comes to. What it says of a request that we never made to it, or that is
/// about something else than it was, is ignored.
pub(crate) fn learn<K: Kind>(
    tx: &Tx<'_>,
    ours: &Provider,
    peer: &Provider,
    item: &K::Item,
) -> Result<(), StoreFault> {
    K::note_item(tx, ours, peer, item)?;
    let (id, said) = K::read_item(item);
    match tx.request::<K>(peer, true, id)? {
        Some(row) if K::is_about(item, &row) => believe(tx, ours, row, said),
        _ => Ok(()),
    }
}

/// The receiver of `row`, a request of ours, says where it stands.
fn believe<K: Kind>(
    tx: &Tx<'_>,
    ours: &Provider,
    mut row: RequestRow<K>,
    said: Said,
) -> Result<(), StoreFault> {
    use ConnectionState::{Approved, Declined, Ended, Expired, Pending};
    match (said.state, row.state) {
        (Approved, _) => K::learn_approved(tx, ours, row, said.grant),
        (Ended, Approved) => {
            row.unsent = None;
            K::end(tx, ours, &mut row, DecidedBy::Peer)
        }
        (Declined, Pending) | (Ended | Expired, Pending | Declined) => {
            row.told = true;
            row.unsent = None;
            let by = if said.state == Expired { DecidedBy::Clock } else { DecidedBy::Peer };
            settle(tx, ours, &mut row, said.state, by)
        }
        (Ended | Expired, Expired) if !row.told => {
            row.told = true;
            tx.put_request(&row)
        }
        // What is approved here cannot expire; the rest is known.
        _ => Ok(()),
    }
}

/// The receiver of a request that we hold as approved takes it for open: it has lost its decision, so the request is open
/// again (section 7). Its answer may have been overtaken by a decision, so it is asked once more.
pub(super) fn reopen<K: Kind>(
    tx: &Tx<'_>,
    ours: &Provider,
    mut row: RequestRow<K>,
) -> Result<(), StoreFault> {
    if row.state != ConnectionState::Approved {
        return Ok(());
    }
    row.unsent = Some(Unsent::Post);
    settle(tx, ours, &mut row, ConnectionState::Pending, DecidedBy::Peer)
}
