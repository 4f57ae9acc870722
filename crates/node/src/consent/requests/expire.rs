//! What time does with requests.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_mtp::time::MAX_AHEAD;

use super::kind::{Kind, Said};
use super::tell::{settle, tell_clients, tell_requester};
use crate::store::{Addition, Connection, DecidedBy, Reader, StoreFault, Tx, Unsent};

/// Lapsed requests of a peer that is not allowed that are kept for it to hear of: as many as are held at one time.
const UNTOLD: u32 = 5;

/// Requests that have lapsed do so within a minute (section 7), and those that a clock of ours that was ahead has dated in
/// the future are asked anew.
pub(crate) fn expire(tx: &Tx<'_>, ours: &Provider) -> Result<(), StoreFault> {
    renew_dated_ahead::<Connection>(tx, ours)?;
    renew_dated_ahead::<Addition>(tx, ours)?;
    lapse::<Connection>(tx, ours)?;
    lapse::<Addition>(tx, ours)
}

/// Asks anew, from now on, what nobody would take as it is dated: its receiver would refuse it for as long as the clock was
/// ahead. What the receiver has taken already stays as it is. The old request ends, which its user's clients are told.
fn renew_dated_ahead<K: Kind>(tx: &Tx<'_>, ours: &Provider) -> Result<(), StoreFault> {
    let now = tx.now();
    for mut old in tx.requests_dated_after::<K>(now.plus(MAX_AHEAD))? {
        let mut row = old.clone();
        settle(tx, ours, &mut old, ConnectionState::Ended, DecidedBy::Clock)?;
        tx.remove_request(&old)?;
        row.id = tx.new_id();
        row.expires = now.plus(row.expires.since(row.created));
        (row.created, row.changed) = (now, now);
        (row.unsent, row.refused) = (Some(Unsent::Post), None);
        tx.put_request(&row)?;
        tell_clients(tx, ours, &row)?;
    }
    Ok(())
}

/// Requests that have lapsed do so, whatever became of them. One of ours lapses by the receiver's clock: until that has said
/// so, or a day has gone by, its word is waited for.
fn lapse<K: Kind>(tx: &Tx<'_>, ours: &Provider) -> Result<(), StoreFault> {
    for mut row in tx.lapsed_requests::<K>(tx.now())? {
        row.unsent = None;
        let hears = row.peer == *ours || tx.peer_state(&row.peer)? == PeerState::Allowed;
        row.told = !row.outgoing && hears;
        settle(tx, ours, &mut row, ConnectionState::Expired, DecidedBy::Clock)?;
        if hears {
            tell_requester(tx, ours, &row)?;
        } else if !row.outgoing {
            // It hears of it once it is let in, and cannot fill its feed until then.
            tx.prune_untold::<K>(&row.peer, UNTOLD)?;
        }
    }
    Ok(())
}

/// `peer` may hear now what became of its requests.
pub(crate) fn tell_lapsed(tx: &Tx<'_>, peer: &Provider) -> Result<(), StoreFault> {
    tell_lapsed_of::<Connection>(tx, peer)?;
    tell_lapsed_of::<Addition>(tx, peer)
}

fn tell_lapsed_of<K: Kind>(tx: &Tx<'_>, peer: &Provider) -> Result<(), StoreFault> {
    for mut row in tx.requests_with::<K>(peer)? {
        if !row.outgoing && row.state == ConnectionState::Expired && !row.told {
            row.told = true;
            tx.put_request(&row)?;
            tx.append(&Reader::Peer(peer.clone()), &K::item(&row, Said::state(row.state)).into())?;
        }
    }
    Ok(())
}
