//! What becomes of requests when the operator lets go of what they are about: a peer, a group, an account. Whoever holds something of
//! them is told, as far as it can be.

use drawbridge_mtp::id::{GroupUri, Provider, UserUri};
use drawbridge_mtp::message::ConnectionState;
use drawbridge_mtp::time::Timestamp;

use super::kind::Kind;
use crate::store::{
    Addition, AuthorizationRow, Connection, ConnectionRow, DecidedBy, RequestRow, StoreFault, Tx, Unsent,
};

/// Of a kind of request, whether one still matters: it is open, or something can be done with what was approved.
pub(crate) trait Matters: Kind {
    /// Whether `row` does at `now`.
    fn matters(row: &RequestRow<Self>, now: Timestamp) -> bool;
}

impl Matters for Connection {
    fn matters(row: &ConnectionRow, _: Timestamp) -> bool {
        row.is_open() || row.state == ConnectionState::Approved
    }
}

impl Matters for Addition {
    fn matters(row: &AuthorizationRow, now: Timestamp) -> bool {
        row.is_open() || row.unused_grant(now).is_some()
    }
}

/// Whether `row` says what another provider has still to be told, or would once it ended.
pub(crate) fn is_owed<K: Matters>(row: &RequestRow<K>, now: Timestamp) -> bool {
    row.outgoing && (row.unsent == Some(Unsent::Delete) || K::matters(row, now))
}

/// What is between users here and those of `peer` is over and forgotten, about `at_most` requests of it. What `peer` would have to be told
/// stays for a while, and is brought to it if it is let in again: it may still believe that its people are asked, or connected.
/// Returns whether there may be more.
pub(crate) fn let_go_of_peer<K: Matters>(
    tx: &Tx<'_>,
    ours: &Provider,
    peer: &Provider,
    at_most: u32,
) -> Result<bool, StoreFault> {
    let rows = tx.requests_to_let_go::<K>(peer, at_most)?;
    let is_more = rows.len() as u64 >= u64::from(at_most);
    for mut row in rows {
        let is_owed = is_owed(&row, tx.now());
        if K::matters(&row, tx.now()) {
            K::end(tx, ours, &mut row, DecidedBy::Operator)?;
        }
        if !is_owed {
            tx.remove_request(&row)?;
        }
    }
    Ok(is_more)
}

/// What users here have asked or agreed to about `group` is over: their requests are taken back, and so are grants that were not used.
/// Who asks them to be added asks anew: such requests stay.
pub(crate) fn let_go_of_group(tx: &Tx<'_>, ours: &Provider, group: &GroupUri) -> Result<(), StoreFault> {
    for mut row in tx.requests_about::<Addition>(group)? {
        let is_asked_from_elsewhere = !row.outgoing && row.peer != *ours;
        if is_asked_from_elsewhere && row.is_open() {
            continue;
        }
        if Addition::matters(&row, tx.now()) {
            Addition::end(tx, ours, &mut row, DecidedBy::Operator)?;
        } else if !row.outgoing && !row.is_over() {
            // By what somebody here agreed to once, the group would be looked for again.
            tx.remove_request(&row)?;
        }
    }
    Ok(())
}

/// An account goes, `user`: what it has asked is taken back, what it is connected with and has granted ends, and what it is asked looks
/// from now on as if nobody answered, as for a user who never was (section 7).
pub(crate) fn let_go_of_user<K: Matters>(
    tx: &Tx<'_>,
    ours: &Provider,
    user: &UserUri,
) -> Result<(), StoreFault> {
    for row in tx.requests_by_or_to::<K>(user)? {
        // What is between the same two users may have ended with another before.
        let Some(mut row) = tx.request::<K>(&row.peer, row.outgoing, row.id)? else { continue };
        if row.to == *user && row.is_open() {
            row.unseen = true;
            tx.put_request(&row)?;
        } else if K::matters(&row, tx.now()) {
            K::end(tx, ours, &mut row, DecidedBy::Operator)?;
        } else if row.state == ConnectionState::Approved && row.to == *user {
            // By what it agreed to, a group would be looked for again.
            tx.remove_request(&row)?;
        }
    }
    Ok(())
}
