//! Who has asked takes the request back, or ends what it was approved as (sections 7 and 8).

use drawbridge_mtp::id::{Id, Provider};
use drawbridge_mtp::message::PeerState;

use super::kind::Kind;
use crate::ground::config::Strangers;
use crate::store::{DecidedBy, RequestRow, StoreFault, Tx};

/// What peers have taken back before it came: kept of one that is not allowed, and of one that is.
const WITHDRAWN_OF_STRANGER: u64 = 100;
const WITHDRAWN_OF_PEER: u64 = 100_000;

/// `DELETE` of the request `id` by `peer`, which made it.
pub(crate) fn take_back<K: Kind>(
    tx: &Tx<'_>,
    ours: &Provider,
    peer: &Provider,
    id: Id,
    strangers: Strangers,
) -> Result<(), StoreFault> {
    match tx.request::<K>(peer, false, id)? {
        Some(mut row) if !row.is_over() => K::end(tx, ours, &mut row, DecidedBy::Peer),
        Some(_) => Ok(()),
        None => forget_before_it_comes(tx, peer, id, strangers),
    }
}

/// What `peer` takes back has not come: it stays dead when it does.
fn forget_before_it_comes(
    tx: &Tx<'_>,
    peer: &Provider,
    id: Id,
    strangers: Strangers,
) -> Result<(), StoreFault> {
    let at_most = match (tx.peer_state(peer)?, strangers) {
        (PeerState::Allowed, _) => WITHDRAWN_OF_PEER,
        (PeerState::Unknown, Strangers::Listed) => return Ok(()),
        _ => WITHDRAWN_OF_STRANGER,
    };
    tx.withdraw(peer, id, at_most)
}

/// A user of ours no longer wants `row`, which it has asked.
pub(crate) fn withdraw<K: Kind>(
    tx: &Tx<'_>,
    ours: &Provider,
    mut row: RequestRow<K>,
) -> Result<RequestRow<K>, StoreFault> {
    if !row.is_over() {
        K::end(tx, ours, &mut row, DecidedBy::User)?;
    }
    Ok(row)
}
