//! Requests that other providers send us, and their taking back (section 7).

use std::time::Duration;

use drawbridge_mtp::id::{Id, Provider};
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::{ConnectionRequest, ConnectionState, PeerState};
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::time::Timestamp;

use super::providers::introduce;
use super::{Verdict, approve_all, end_all, settle, tell_clients, tell_requester, verdict};
use crate::config::{LimitsConfig, Strangers};
use crate::refusal::Refusal;
use crate::store::{ConnectionRow, DecidedBy, Kept, StoreFault, Tx};

/// Requests of a peer that is not allowed that are held at one time (section 6).
const HELD: u32 = 5;
/// Requests of a peer that is not allowed that are kept in any state: those held, and what is over.
const KEPT_OF_STRANGER: u64 = 100;
/// Requests from one user to another that count at one time, open, refused or approved; the users are shown one.
const FOR_ONE_PAIR: usize = 10;
/// Who has no room, and cannot know when there will be some, asks again after so long.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(3600);
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
    ask.check_received(now)
        .map_err(|fault| Problem::new(Code::Malformed, format!("the content is malformed: {fault}")))?;
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
    make_room(tx, peer, known, &ask, limits)?;
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

/// A new request has its cost in our store, which has a bound for each peer and for each pair of users: it is refused where
/// what counts leaves no room, until the next request expires.
fn make_room(
    tx: &Tx<'_>,
    peer: &Provider,
    known: PeerState,
    ask: &ConnectionRequest,
    limits: &LimitsConfig,
) -> Result<(), Refusal> {
    let now = tx.now();
    let full = |text: String, next: Option<Timestamp>| {
        let after = next.map_or(ASK_AGAIN, |expires| expires.since(now));
        Err(Refusal::after(Problem::new(Code::RateLimited, text), after))
    };
    let kept = if known == PeerState::Allowed {
        limits.peer_connections
    } else {
        let (held, next) = tx.held(peer, now)?;
        if held >= HELD {
            let text =
                "five of your users' requests wait here already; wait until they are decided or have expired";
            return full(text.into(), next);
        }
        KEPT_OF_STRANGER
    };
    let mut between = tx.connections_between(&ask.from, &ask.to)?;
    between.retain(|row| !row.outgoing && row.from == ask.from);
    if between.len() >= FOR_ONE_PAIR {
        let open = between.iter().filter(|row| row.state != ConnectionState::Approved);
        let text = format!("{} has asked {} {FOR_ONE_PAIR} times already; one is enough", ask.from, ask.to);
        return full(text, open.map(|row| row.expires).min());
    }
    if !tx.make_room_for(peer, Kept::Connections, kept)? {
        let text = format!(
            "{kept} requests and connections of your users are kept here, which is the most; end some"
        );
        return full(text, tx.held(peer, now)?.1);
    }
    Ok(())
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
        row.state = ConnectionState::Approved;
    } else if verdict != Verdict::Unseen {
        let shown_already =
            between.iter().any(|other| other.is_open() && other.from == row.from && !other.ignored);
        tell_clients(tx, ours, row)?;
        if !shown_already {
            tx.announce_waiting(row);
        }
    }
    Ok(row.told_state())
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ambient::System;
    use crate::changes::Changes;
    use crate::store::{PeerRow, Store, UserRule};

    const OURS: &str = "a.example";
    const PEER: &str = "b.example";

    fn ask(tx: &Tx<'_>, from: usize) -> ConnectionRequest {
        ConnectionRequest {
            id: tx.new_id(),
            from: format!("mimi://{PEER}/u/bob{from}").parse().unwrap(),
            to: format!("mimi://{OURS}/u/alice").parse().unwrap(),
            created: tx.now(),
            expires: tx.now().plus(Duration::from_secs(3600)),
        }
    }

    fn sends(tx: &Tx<'_>, ask: ConnectionRequest) -> Result<ConnectionState, Refusal> {
        let (ours, peer) = (OURS.parse().unwrap(), PEER.parse().unwrap());
        receive(tx, &ours, &peer, ask, Strangers::Ask, &[], &LimitsConfig::default())
    }

    fn withdraws(tx: &Tx<'_>) {
        take_back(tx, &OURS.parse().unwrap(), &PEER.parse().unwrap(), tx.new_id(), Strangers::Ask).unwrap();
    }

    /// The steps of a request by somebody new, of one by somebody who has asked once, of one that is refused since there are
    /// too many of one pair, and of the end of one that never came. `who` and the next have not asked yet.
    fn costs(tx: &Tx<'_>, who: usize) -> [u64; 4] {
        sends(tx, ask(tx, who + 1)).unwrap();
        [
            tx.steps_of(|| sends(tx, ask(tx, who)).unwrap()).1,
            tx.steps_of(|| sends(tx, ask(tx, who + 1)).unwrap()).1,
            tx.steps_of(|| sends(tx, ask(tx, 0)).unwrap_err()).1,
            tx.steps_of(|| withdraws(tx)).1,
        ]
    }

    #[tokio::test]
    async fn a_request_costs_the_same_however_many_there_were_before() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let compared = store.write(|tx| {
            tx.add_user(&"alice".parse().unwrap(), UserRule::Ask)?;
            tx.put_peer(&PeerRow::new(PEER.parse().unwrap(), PeerState::Allowed, tx.now()))?;
            for _ in 0..FOR_ONE_PAIR {
                sends(tx, ask(tx, 0)).unwrap();
            }
            withdraws(tx);
            let few = costs(tx, 1);
            // As many as are kept, most of them over, and more than that of what never came.
            for from in 0..5_000 {
                let request = ask(tx, 10 + from % 500);
                let id = request.id;
                sends(tx, request).unwrap();
                if from >= 500 {
                    take_back(tx, &OURS.parse().unwrap(), &PEER.parse().unwrap(), id, Strangers::Ask)?;
                }
            }
            for _ in 0..5_000 {
                withdraws(tx);
            }
            Ok::<_, StoreFault>((few, costs(tx, 1000)))
        });
        let (few, many) = compared.await.unwrap();
        for (few, many) in few.into_iter().zip(many) {
            assert!(many <= few + few / 4, "{few} steps have become {many}");
        }
    }
}
