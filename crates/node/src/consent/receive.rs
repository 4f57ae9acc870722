//! Requests that other providers send us, and their taking back (section 7).

use std::time::Duration;

use drawbridge_mtp::id::{Id, Provider};
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::{ConnectionRequest, ConnectionState, PeerState};
use drawbridge_mtp::problem::{Code, Problem};

use super::{Verdict, approve_all, end_all, settle, tell_clients, tell_requester, verdict};
use crate::config::{LimitsConfig, Strangers};
use crate::http::Refusal;
use crate::peers::introduce;
use crate::store::{ConnectionRow, DecidedBy, StoreFault, Tx};

/// Requests of a peer that is not allowed that are held at one time (section 6).
const HELD: u32 = 5;
/// What peers have taken back before it came: kept of one that is not allowed, and of one that is.
const WITHDRAWN_OF_STRANGER: u64 = 100;
const WITHDRAWN_OF_PEER: u64 = 100_000;

/// `POST /connections`, checked to be from a user of `peer` to one of ours. Returns the state as the requester may
/// know it.
pub(crate) fn receive(
    tx: &Tx<'_>,
    ours: &Provider,
    peer: &Provider,
    ask: ConnectionRequest,
    strangers: Strangers,
    keys: &[Thumbprint],
    limits: &LimitsConfig,
) -> Result<ConnectionState, Refusal> {
    let now = tx.now();
    let known = tx.peer_state(peer)?;
    if known == PeerState::Unknown && strangers == Strangers::Listed {
        let lapsed = ask.expires <= now;
        return Ok(if lapsed { ConnectionState::Expired } else { ConnectionState::Pending });
    }
    if tx.is_withdrawn(peer, ask.id)? {
        return Ok(ConnectionState::Ended);
    }
    if let Some(row) = tx.connection(peer, false, ask.id)? {
        let same =
            (&row.from, &row.to, row.created, row.expires) == (&ask.from, &ask.to, ask.created, ask.expires);
        if !same {
            let text = "this id was used for another request; make a new id for a new request";
            return Err(Problem::new(Code::Conflict, text).into());
        }
        return Ok(row.told_state());
    }
    if ask.expires <= now {
        return Ok(ConnectionState::Expired);
    }
    if known != PeerState::Allowed && tx.count_held(peer)? >= HELD {
        let text =
            "five of your users' requests wait here already; wait until they are decided or have expired";
        return Err(Refusal::after(Problem::new(Code::RateLimited, text), Duration::from_secs(3600)));
    }
    let state = introduce(tx, peer, strangers, keys, limits)?;
    let mut row = ConnectionRow {
        peer: peer.clone(),
        outgoing: false,
        id: ask.id,
        from: ask.from,
        to: ask.to,
        created: ask.created,
        expires: ask.expires,
        state: ConnectionState::Pending,
        changed: now,
        decided_by: None,
        told: false,
        ignored: false,
        unseen: false,
        unsent: None,
        refused: None,
    };
    Ok(file(tx, ours, &mut row, state == PeerState::Allowed)?)
}

/// Takes in a request that is new, and decides on it as far as nobody has to be asked.
pub(super) fn file(
    tx: &Tx<'_>,
    ours: &Provider,
    row: &mut ConnectionRow,
    peer_is_allowed: bool,
) -> Result<ConnectionState, StoreFault> {
    let between = tx.connections_between(&row.from, &row.to)?;
    let connected = between.iter().any(|other| other.state == ConnectionState::Approved);
    // Our own user has asked for the same, or a user here the other user here.
    let crossing = between.iter().any(|other| other.is_open() && other.from == row.to);
    if connected {
        settle(tx, ours, row, ConnectionState::Approved, DecidedBy::Rule)?;
        tell_requester(tx, ours, row)?;
        return Ok(ConnectionState::Approved);
    }
    let verdict = verdict(tx, &row.from, &row.to)?;
    row.unseen = verdict == Verdict::Unseen;
    tx.put_connection(row)?;
    if crossing || (verdict == Verdict::Allow && peer_is_allowed) {
        let by = if crossing { DecidedBy::User } else { DecidedBy::Rule };
        row.unseen = false;
        tx.put_connection(row)?;
        approve_all(tx, ours, &row.from, &row.to, by)?;
    } else if verdict != Verdict::Unseen {
        let shown_already =
            between.iter().any(|other| other.is_open() && other.from == row.from && !other.ignored);
        tell_clients(tx, ours, row)?;
        if !shown_already {
            tx.announce_waiting(row);
        }
    }
    Ok(ConnectionState::Pending)
}

/// `DELETE /connections/{id}`: the requester takes its request back, or ends the connection.
pub(crate) fn take_back(
    tx: &Tx<'_>,
    ours: &Provider,
    peer: &Provider,
    id: Id,
    strangers: Strangers,
) -> Result<(), StoreFault> {
    let Some(mut row) = tx.connection(peer, false, id)? else {
        return forget_before_it_comes(tx, peer, id, strangers);
    };
    match row.state {
        ConnectionState::Approved => end_all(tx, ours, &row.from, &row.to, DecidedBy::Peer),
        ConnectionState::Pending | ConnectionState::Declined => {
            settle(tx, ours, &mut row, ConnectionState::Ended, DecidedBy::Peer)
        }
        ConnectionState::Ended | ConnectionState::Expired => Ok(()),
    }
}

/// What `peer` takes back has not come: it stays dead when it does.
pub(super) fn forget_before_it_comes(
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
