//! What our users ask of other users (sections 7 and 8).

use std::time::Duration;

use drawbridge_mtp::id::UserUri;
use drawbridge_mtp::message::{ConnectionState, MAX_REQUEST_LIFETIME};

use super::kind::Kind;
use super::receive::file;
use super::tell::tell_clients;
use super::terms::Terms;
use crate::consent::providers::{allow_asked, not_asked};
use crate::misuse::{Misuse, require_user};
use crate::store::{DecidedBy, RequestRow, Tx};

/// A user of ours asks `to`, with a request that is open for `ttl`. One that waits already is not made again.
pub(crate) fn ask<K: Kind>(
    tx: &Tx<'_>,
    terms: &Terms,
    from: &UserUri,
    to: &UserUri,
    about: K,
    ttl: Option<Duration>,
) -> Result<RequestRow<K>, Misuse> {
    let (now, ours) = (tx.now(), terms.ours());
    require_user(tx, from.name())?;
    if from == to {
        return Err(Misuse::Unfit(K::WORDS.oneself.into()));
    }
    if ttl.is_some_and(|ttl| ttl.is_zero() || ttl > MAX_REQUEST_LIFETIME) {
        return Err(Misuse::Unfit("ttl is from 1 second to 30 days (2592000 seconds)".into()));
    }
    K::check_users(tx, from, to)?;
    let waits = |row: &RequestRow<K>| {
        row.told_state() == ConnectionState::Pending && now < row.expires && row.about.is_like(&about)
    };
    if let Some(row) = tx.requests_from_to::<K>(from, to)?.into_iter().find(waits) {
        return Ok(row);
    }
    let expires = now.plus(ttl.unwrap_or(K::LONGEST).min(K::LONGEST));
    let mut row = RequestRow::new(ours, tx.new_id(), from.clone(), to.clone(), now, expires, about);
    if row.outgoing {
        if !allow_asked(tx, to.provider(), terms.strangers)? {
            return Err(not_asked(to.provider(), terms.strangers));
        }
        tx.put_request(&row)?;
        if K::is_mutual(tx, &row)? {
            K::approve(tx, terms, &mut row, DecidedBy::User)?;
        } else {
            tell_clients(tx, ours, &row)?;
        }
    } else {
        require_user(tx, to.name())?;
        file(tx, terms, &mut row, true)?;
    }
    tx.request(&row.peer, row.outgoing, row.id)?.ok_or(K::unknown(row.id))
}
