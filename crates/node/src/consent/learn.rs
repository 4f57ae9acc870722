//! What other providers tell us of the requests that our users made, and what time does (section 7).

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::{ConnectionItem, ConnectionState, PeerState};

use super::{approve_all, end_all, item, settle, tell_requester};
use crate::store::{ConnectionRow, DecidedBy, Reader, StoreFault, Tx, Unsent};

/// Lapsed requests of a peer that is not allowed that are kept for it to hear of: as many as are held at one time.
const UNTOLD: u32 = 5;

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
        // It was approved in time by the receiver's clock, which is the one that counts, and told late.
        (ConnectionState::Approved, ConnectionState::Expired) if !row.told => {
            row.state = ConnectionState::Pending;
            tx.put_connection(&row)?;
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
            row.told = true;
            let by = if told.state == ConnectionState::Expired { DecidedBy::Clock } else { DecidedBy::Peer };
            settle(tx, ours, &mut row, told.state, by)
        }
        (ConnectionState::Ended | ConnectionState::Expired, ConnectionState::Expired) if !row.told => {
            row.told = true;
            tx.put_connection(&row)
        }
        // Approved here cannot expire; the rest is known.
        _ => Ok(()),
    }
}

/// The receiver of a request that we hold as approved takes it for open: it has lost its decision, so the request is open
/// again (section 7). Its answer may have been overtaken by a decision, so it is asked once more.
pub(super) fn reopen(tx: &Tx<'_>, ours: &Provider, mut row: ConnectionRow) -> Result<(), StoreFault> {
    if row.state != ConnectionState::Approved {
        return Ok(());
    }
    row.unsent = Some(Unsent::Post);
    settle(tx, ours, &mut row, ConnectionState::Pending, DecidedBy::Peer)
}

/// Requests that have lapsed do so within a minute, whatever became of them (section 7). One of ours lapses by the
/// receiver's clock: until it says so, or a day has gone by, its word is waited for.
pub(crate) fn lapse(tx: &Tx<'_>, ours: &Provider) -> Result<(), StoreFault> {
    for mut row in tx.lapsed(tx.now())? {
        row.unsent = None;
        let hears = row.peer == *ours || tx.peer_state(&row.peer)? == PeerState::Allowed;
        row.told = !row.outgoing && hears;
        settle(tx, ours, &mut row, ConnectionState::Expired, DecidedBy::Clock)?;
        if hears {
            tell_requester(tx, ours, &row)?;
        } else if !row.outgoing {
            // It hears of it once it is let in, and cannot fill its feed until then.
            tx.prune_untold(&row.peer, UNTOLD)?;
        }
    }
    Ok(())
}

/// `peer` may hear now what became of its requests.
pub(crate) fn tell_lapsed(tx: &Tx<'_>, peer: &Provider) -> Result<(), StoreFault> {
    for mut row in tx.connections_with(peer)? {
        if !row.outgoing && row.state == ConnectionState::Expired && !row.told {
            row.told = true;
            tx.put_connection(&row)?;
            tx.append(&Reader::Peer(peer.clone()), &item(&row, row.state))?;
        }
    }
    Ok(())
}

/// After the feed of `peer` was reset, everything that we hold as open or approved there is asked again; the
/// answers are the states (section 11).
pub(crate) fn make_good(tx: &Tx<'_>, peer: &Provider) -> Result<(), StoreFault> {
    for mut row in tx.connections_with(peer)? {
        let held = matches!(row.state, ConnectionState::Pending | ConnectionState::Approved)
            || row.awaits_its_end(tx.now());
        if row.outgoing && held && row.unsent.is_none() {
            row.unsent = Some(Unsent::Post);
            tx.put_connection(&row)?;
        }
    }
    Ok(())
}
