//! What the operator and our users do: ask to add, approve, decline, revoke (section 8).

use std::time::Duration;

use drawbridge_mtp::id::{GroupUri, Id, Provider, UserUri};
use drawbridge_mtp::message::{ConnectionState, MAX_REQUEST_LIFETIME, Title};

use super::super::Misuse;
use super::super::decide::not_asked;
use super::receive::{file, owner_is_asked};
use super::{House, LONGEST_ASKED, approve, end, settle, tell_adder, tell_clients};
use crate::consent::providers::asks;
use crate::store::{AuthorizationRow, DecidedBy, StoreFault, Tx, Unsent};

/// What becomes of a request to add, or of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationDecision {
    /// The user may be added, and the grant for it is given.
    Approve,
    /// The user may not.
    Decline,
    /// The grant ends before it was used, or our own request is taken back.
    Revoke,
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
) -> Result<AuthorizationRow, Misuse> {
    let mut rows = tx.authorizations_by_id(id)?;
    rows.retain(|row| !row.unseen);
    rows.retain(|row| made_by.is_none_or(|by| by == if row.outgoing { ours } else { &row.peer }));
    match (rows.pop(), rows.is_empty()) {
        (Some(row), true) => Ok(row),
        (Some(_), false) => Err(Misuse::Ambiguous(id)),
        (None, _) => Err(Misuse::NoSuchAuthorization(id)),
    }
}

/// Carries out a decision on `row`; repeating one changes nothing.
pub(crate) fn decide(
    tx: &Tx<'_>,
    house: &House,
    mut row: AuthorizationRow,
    decision: AuthorizationDecision,
    by: DecidedBy,
) -> Result<AuthorizationRow, Misuse> {
    use AuthorizationDecision::{Approve, Decline, Ignore, Reopen, Revoke};
    use ConnectionState::{Approved, Declined, Ended, Expired, Pending};
    let ours = house.ours();
    let unfit = |text: String| Err(Misuse::Unfit(text));
    match (decision, row.state) {
        (Approve, Approved) | (Decline, Declined) | (Revoke, Ended | Expired) => {}
        (Approve | Decline | Ignore | Reopen, _) if row.outgoing => {
            return unfit(format!(
                "only {} can decide on this request; you can take it back with revoke",
                row.user
            ));
        }
        (Approve, Pending | Declined) => {
            if row.told {
                return unfit("the adder was told that it was declined; wait for a new request".into());
            }
            if row.expires <= tx.now() {
                return unfit("its time is over; wait for a new request".into());
            }
            if !owner_is_asked(tx, house, &row)? {
                return Err(not_asked(row.group.provider(), house.strangers));
            }
            approve(tx, &house.signer, &mut row, by)?;
            tell_adder(tx, ours, &row)?;
        }
        // A grant that was not given cannot be revoked; a request of ours can.
        (Decline | Revoke, Pending) if !row.outgoing => {
            for mut same in asked_alike(tx, &row)? {
                if same.is_open() {
                    same.told = house.tell_declined;
                    settle(tx, ours, &mut same, Declined, by)?;
                    if same.told {
                        tell_adder(tx, ours, &same)?;
                    }
                }
            }
        }
        (Revoke, Pending | Approved) => end(tx, ours, &mut row, by)?,
        (Ignore | Reopen, Pending) => {
            for mut same in asked_alike(tx, &row)? {
                same.ignored = decision == Ignore;
                tx.put_authorization(&same)?;
            }
        }
        (Reopen, Declined) if !row.told => {
            for mut same in asked_alike(tx, &row)? {
                if !same.told {
                    settle(tx, ours, &mut same, Pending, by)?;
                }
            }
        }
        (Decline, Approved) => {
            return unfit("the grant is given; use revoke to take it back".into());
        }
        (_, state) => return unfit(format!("the request is {state}, so nothing can be decided any more")),
    }
    tx.authorization(&row.peer, row.outgoing, row.id)?.ok_or(Misuse::NoSuchAuthorization(row.id))
}

/// The requests for the same addition that are open or refused, which are decided as one: the user is shown one.
fn asked_alike(tx: &Tx<'_>, row: &AuthorizationRow) -> Result<Vec<AuthorizationRow>, StoreFault> {
    let mut alike = tx.authorizations_of_pair(&row.adder, &row.user)?;
    alike.retain(|other| {
        !other.outgoing && other.group == row.group && other.state != ConnectionState::Approved
    });
    Ok(alike)
}

/// The adder, a user of ours, no longer wants what it has asked for.
pub(crate) fn withdraw(
    tx: &Tx<'_>,
    house: &House,
    mut row: AuthorizationRow,
) -> Result<AuthorizationRow, Misuse> {
    if matches!(row.state, ConnectionState::Ended | ConnectionState::Expired) {
        return Ok(row);
    }
    end(tx, house.ours(), &mut row, DecidedBy::User)?;
    Ok(row)
}

/// A user of ours asks to add `user` to `group`, open for `ttl`. One that waits already is not made again.
pub(crate) fn ask(
    tx: &Tx<'_>,
    house: &House,
    adder: &UserUri,
    group: &GroupUri,
    title: Option<Title>,
    user: &UserUri,
    ttl: Option<Duration>,
) -> Result<AuthorizationRow, Misuse> {
    let (now, ours) = (tx.now(), house.ours());
    if tx.user(adder.name())?.is_none() {
        return Err(Misuse::NoSuchUser(adder.name().clone()));
    }
    if adder == user {
        return Err(Misuse::Unfit("a user's own clients need no authorization; add them".into()));
    }
    if ttl.is_some_and(|ttl| ttl.is_zero() || ttl > MAX_REQUEST_LIFETIME) {
        return Err(Misuse::Unfit("ttl is from 1 second to 30 days (2592000 seconds)".into()));
    }
    if !tx.are_connected(adder, user)? {
        return Err(Misuse::NotConnected(adder.clone(), user.clone()));
    }
    let asked = tx.authorizations_of_pair(adder, user)?;
    let waits = |row: &AuthorizationRow| {
        row.group == *group && row.told_state() == ConnectionState::Pending && now < row.expires
    };
    if let Some(row) = asked.into_iter().find(waits) {
        return Ok(row);
    }
    let local = user.provider() == ours;
    if !local && !asks(tx, user.provider(), house.strangers)? {
        return Err(not_asked(user.provider(), house.strangers));
    }
    let mut row = AuthorizationRow {
        peer: user.provider().clone(),
        outgoing: !local,
        id: tx.new_id(),
        group: group.clone(),
        adder: adder.clone(),
        user: user.clone(),
        created: now,
        expires: now.plus(ttl.unwrap_or(LONGEST_ASKED).min(LONGEST_ASKED)),
        state: ConnectionState::Pending,
        changed: now,
        decided_by: None,
        told: false,
        ignored: false,
        unseen: false,
        unsent: (!local).then_some(Unsent::Post),
        refused: None,
        grant: None,
        title,
        used: false,
    };
    if local {
        file(tx, house, &mut row)?;
    } else {
        tx.put_authorization(&row)?;
        tell_clients(tx, ours, &row)?;
    }
    Ok(row)
}
