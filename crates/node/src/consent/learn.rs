//! What other providers tell us of the requests that our users made, and what time does (section 7).

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::{ConnectionItem, ConnectionState, PeerState};

use super::{approve_all, end_all, settle, tell_requester};
use crate::store::{DecidedBy, StoreFault, Tx, Unsent};

/// A `connection` item of `peer`, or its answer to a request. One about a request that we never made to it, or
/// that is about other users than it was, is ignored.
pub(crate) fn learn(
    tx: &Tx<'_>,
    ours: &Provider,
    peer: &Provider,
    told: &ConnectionItem,
) -> Result<(), StoreFault> {
    let Some(mut row) = tx.connection(peer, true, told.id)? else { return Ok(()) };
    if (&row.from, &row.to) != (&told.from, &told.to) {
        return Ok(());
    }
    match (told.state, row.state) {
        (ConnectionState::Approved, ConnectionState::Pending | ConnectionState::Declined) => {
            approve_all(tx, ours, &row.from, &row.to, DecidedBy::Peer)
        }
        (ConnectionState::Ended, ConnectionState::Approved) => {
            end_all(tx, ours, &row.from, &row.to, DecidedBy::Peer)
        }
        (ConnectionState::Declined, ConnectionState::Pending) => {
            row.told = true;
            row.unsent = None;
            settle(tx, ours, &mut row, ConnectionState::Declined, DecidedBy::Peer)
        }
        (
            ConnectionState::Ended | ConnectionState::Expired,
            ConnectionState::Pending | ConnectionState::Declined,
        ) => {
            row.unsent = None;
            let by = if told.state == ConnectionState::Expired { DecidedBy::Clock } else { DecidedBy::Peer };
            settle(tx, ours, &mut row, told.state, by)
        }
        // Approved here cannot expire; the rest is known.
        _ => Ok(()),
    }
}

/// Requests that have lapsed do so within a minute, whatever became of them (section 7).
pub(crate) fn lapse(tx: &Tx<'_>, ours: &Provider) -> Result<(), StoreFault> {
    for mut row in tx.lapsed(tx.now())? {
        let requester_may_hear =
            row.outgoing || row.peer == *ours || tx.peer_state(&row.peer)? == PeerState::Allowed;
        if !requester_may_hear {
            // A stranger could otherwise fill its feed here; a repeat is answered `expired` all the same.
            tx.remove_connection(&row)?;
            continue;
        }
        row.unsent = None;
        settle(tx, ours, &mut row, ConnectionState::Expired, DecidedBy::Clock)?;
        tell_requester(tx, ours, &row)?;
    }
    Ok(())
}

/// After the feed of `peer` was reset, everything that we hold as open or approved there is asked again; the
/// answers are the states (section 11).
pub(crate) fn make_good(tx: &Tx<'_>, peer: &Provider) -> Result<(), StoreFault> {
    for mut row in tx.connections_with(peer)? {
        let held = matches!(row.state, ConnectionState::Pending | ConnectionState::Approved);
        if row.outgoing && held && row.unsent.is_none() {
            row.unsent = Some(Unsent::Post);
            tx.put_connection(&row)?;
        }
    }
    Ok(())
}
