//! What the operator and our users do: ask, approve, decline, end (section 7).

use std::time::Duration;

use drawbridge_mtp::id::{Id, Provider, UserUri};
use drawbridge_mtp::message::{ConnectionRequest, ConnectionState, MAX_REQUEST_LIFETIME};

use super::receive::file;
use super::{Misuse, approve_all, end_all, settle, tell_clients, tell_requester};
use crate::config::Strangers;
use crate::consent::providers::asks;
use crate::store::{ConnectionRow, DecidedBy, StoreFault, Tx, Unsent};

/// What becomes of a request or a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The two users are connected.
    Approve,
    /// They are not.
    Decline,
    /// The connection ends, or our own request is taken back.
    End,
    /// Set aside without an answer.
    Ignore,
    /// What was declined or set aside waits again.
    Reopen,
}

/// Finds the request that is meant by `id`.
pub(crate) fn find(
    tx: &Tx<'_>,
    ours: &Provider,
    id: Id,
    made_by: Option<&Provider>,
) -> Result<ConnectionRow, Misuse> {
    let mut rows = tx.connections_by_id(id)?;
    rows.retain(|row| !row.unseen);
    rows.retain(|row| {
        made_by.is_none_or(|by| *by == if row.outgoing { ours.clone() } else { row.peer.clone() })
    });
    match (rows.pop(), rows.is_empty()) {
        (Some(row), true) => Ok(row),
        (Some(_), false) => Err(Misuse::Ambiguous(id)),
        (None, _) => Err(Misuse::NoSuchConnection(id)),
    }
}

/// Carries out a decision on `row`; repeating one changes nothing.
pub(crate) fn decide(
    tx: &Tx<'_>,
    ours: &Provider,
    mut row: ConnectionRow,
    decision: Decision,
    by: DecidedBy,
    tell_declined: bool,
) -> Result<ConnectionRow, Misuse> {
    use ConnectionState::{Approved, Declined, Ended, Expired, Pending};
    let unfit = |text: String| Err(Misuse::Unfit(text));
    match (decision, row.state) {
        (Decision::Approve, Approved) | (Decision::Decline, Declined) | (Decision::End, Ended | Expired) => {}
        (Decision::Approve | Decision::Decline | Decision::Ignore | Decision::Reopen, _) if row.outgoing => {
            return unfit(format!(
                "only {} can decide on this request; you can take it back with end",
                row.to
            ));
        }
        (Decision::Approve, Pending | Declined) => {
            if row.told {
                return unfit("the requester was told that it was declined; wait for a new request".into());
            }
            approve_all(tx, ours, &row.from, &row.to, by)?;
        }
        (Decision::Decline | Decision::End, Pending) if !row.outgoing => {
            for mut same in asked_alike(tx, &row)? {
                if same.is_open() {
                    same.told = tell_declined;
                    settle(tx, ours, &mut same, Declined, by)?;
                    if tell_declined {
                        tell_requester(tx, ours, &same)?;
                    }
                }
            }
        }
        (Decision::End, Pending) => {
            row.unsent = Some(Unsent::Delete);
            settle(tx, ours, &mut row, Ended, by)?;
        }
        (Decision::End, Approved) => end_all(tx, ours, &row.from, &row.to, by)?,
        (Decision::Ignore | Decision::Reopen, Pending) => {
            for mut same in asked_alike(tx, &row)? {
                same.ignored = decision == Decision::Ignore;
                tx.put_connection(&same)?;
            }
        }
        (Decision::Reopen, Declined) if !row.told => {
            for mut same in asked_alike(tx, &row)? {
                if !same.told {
                    settle(tx, ours, &mut same, Pending, by)?;
                }
            }
        }
        (Decision::Decline, Approved) => {
            return unfit("they are connected; use end to end the connection".into());
        }
        (_, state) => return unfit(format!("the request is {state}, so nothing can be decided any more")),
    }
    tx.connection(&row.peer, row.outgoing, row.id)?.ok_or(Misuse::NoSuchConnection(row.id))
}

/// The requests of the same user to the same one that are open or refused, which are decided as one: the user is shown one.
fn asked_alike(tx: &Tx<'_>, row: &ConnectionRow) -> Result<Vec<ConnectionRow>, StoreFault> {
    let mut alike = tx.connections_between(&row.from, &row.to)?;
    alike.retain(|other| {
        !other.outgoing && other.from == row.from && other.state != ConnectionState::Approved
    });
    Ok(alike)
}

/// A provider is not asked.
pub(super) fn not_asked(provider: &Provider, strangers: Strangers) -> Misuse {
    let text = match strangers {
        Strangers::Listed => "is not on the list of peers; allow it first",
        _ => "is blocked, or its key has changed; decide on it under Peers first",
    };
    Misuse::Unfit(format!("{provider} {text}"))
}

/// A user of ours asks `to` for a connection, open for `ttl`. A request that waits already is not made again.
pub(crate) fn ask(
    tx: &Tx<'_>,
    ours: &Provider,
    from: &UserUri,
    to: &UserUri,
    ttl: Option<Duration>,
    strangers: Strangers,
) -> Result<ConnectionRow, Misuse> {
    let now = tx.now();
    let ttl = ttl.unwrap_or(MAX_REQUEST_LIFETIME);
    if tx.user(from.name())?.is_none() {
        return Err(Misuse::NoSuchUser(from.name().clone()));
    }
    if from == to {
        return Err(Misuse::Unfit("a user cannot be connected with itself; name another".into()));
    }
    if ttl.is_zero() || ttl > MAX_REQUEST_LIFETIME {
        return Err(Misuse::Unfit("ttl is from 1 second to 30 days (2592000 seconds)".into()));
    }
    let between = tx.connections_between(from, to)?;
    if let Some(waits) = between.iter().find(|row| row.is_open() && row.from == *from && now < row.expires) {
        return Ok(waits.clone());
    }
    let request = ConnectionRequest {
        id: tx.new_id(),
        from: from.clone(),
        to: to.clone(),
        created: now,
        expires: now.plus(ttl),
    };
    let local = to.provider() == ours;
    if !local && !asks(tx, to.provider(), strangers)? {
        return Err(not_asked(to.provider(), strangers));
    }
    let mut row = ConnectionRow {
        peer: to.provider().clone(),
        outgoing: !local,
        id: request.id,
        from: request.from,
        to: request.to,
        created: now,
        expires: request.expires,
        state: ConnectionState::Pending,
        changed: now,
        decided_by: None,
        told: false,
        ignored: false,
        unseen: false,
        unsent: (!local).then_some(Unsent::Post),
        refused: None,
    };
    if local {
        if tx.user(to.name())?.is_none() {
            return Err(Misuse::NoSuchUser(to.name().clone()));
        }
        file(tx, ours, &mut row, true)?;
        return tx.connection(&row.peer, false, row.id)?.ok_or(Misuse::NoSuchConnection(row.id));
    }
    // Theirs waits here already: both want it.
    let waiting = between.iter().any(|other| other.is_open() && !other.outgoing);
    tx.put_connection(&row)?;
    if waiting {
        approve_all(tx, ours, from, to, DecidedBy::User)?;
    } else {
        tell_clients(tx, ours, &row)?;
    }
    tx.connection(&row.peer, true, row.id)?.ok_or(Misuse::NoSuchConnection(row.id))
}
