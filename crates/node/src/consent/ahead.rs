//! A clock that was ahead has dated our requests in the future, and is right now.

use std::time::Duration;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::ConnectionState;

use super::{authorizations, settle, tell_clients};
use crate::store::{DecidedBy, StoreFault, Tx, Unsent};

/// Who receives a request takes one that was made by a clock at most so far ahead of its own (section 7).
const MAX_AHEAD: Duration = Duration::from_secs(300);

/// Asks anew, from now on, what nobody would take as it is dated: its receiver would refuse it for as long as the clock was
/// ahead. What the receiver has taken already stays as it is. The old request ends, which its user's clients are told.
pub(crate) fn renew_dated_ahead(tx: &Tx<'_>, ours: &Provider) -> Result<(), StoreFault> {
    let now = tx.now();
    for mut old in tx.connections_dated_after(now.plus(MAX_AHEAD))? {
        let mut row = old.clone();
        settle(tx, ours, &mut old, ConnectionState::Ended, DecidedBy::Clock)?;
        tx.remove_connection(&old)?;
        row.id = tx.new_id();
        row.expires = now.plus(row.expires.since(row.created));
        (row.created, row.changed) = (now, now);
        (row.unsent, row.refused) = (Some(Unsent::Post), None);
        tx.put_connection(&row)?;
        tell_clients(tx, ours, &row)?;
    }
    for mut old in tx.authorizations_dated_after(now.plus(MAX_AHEAD))? {
        let mut row = old.clone();
        authorizations::settle(tx, ours, &mut old, ConnectionState::Ended, DecidedBy::Clock)?;
        tx.remove_authorization(&old)?;
        row.id = tx.new_id();
        row.expires = now.plus(row.expires.since(row.created));
        (row.created, row.changed) = (now, now);
        (row.unsent, row.refused) = (Some(Unsent::Post), None);
        tx.put_authorization(&row)?;
        authorizations::tell_clients(tx, ours, &row)?;
    }
    Ok(())
}
