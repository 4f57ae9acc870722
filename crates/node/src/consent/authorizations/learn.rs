//! What other providers tell us of the additions that our users asked for and of grants for our groups, and what
//! time does (section 8).

use drawbridge_mtp::grant::{MAX_LIFETIME_S, UnverifiedGrant};
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::{AuthorizationItem, ConnectionState};
use drawbridge_mtp::time::Timestamp;

use super::{settle, tell_adder};
use crate::consent::Consent;
use crate::diagnose::Stage;
use crate::store::{AuthorizationRow, DecidedBy, KeptGrant, StoreFault, Tx, Unsent};

/// An `authorization` item of `peer`, or its answer to a request. One about a request that we never made to it, or
/// that is about another addition than it was, only matters where it takes back a grant for a group of ours.
pub(crate) fn learn(
    tx: &Tx<'_>,
    ours: &Provider,
    peer: &Provider,
    told: &AuthorizationItem,
) -> Result<(), StoreFault> {
    use ConnectionState::{Approved, Declined, Ended, Expired, Pending};
    if told.state == Ended && told.group.provider() == ours && told.user.provider() == peer {
        tx.revoke_grant(peer, told.id)?;
    }
    let Some(mut row) = tx.authorization(peer, true, told.id)? else { return Ok(()) };
    if (&row.group, &row.adder, &row.user) != (&told.group, &told.adder, &told.user) {
        return Ok(());
    }
    match (told.state, row.state) {
        // Without a grant that lives, nothing is approved: one may still come.
        (Approved, Pending | Declined | Approved) if row.living_grant(tx.now()).is_none() => {
            let reason = match told.grant.as_deref().map(|jws| read_grant(&row, jws)) {
                Some(Ok(grant)) => {
                    row.grant = Some(grant);
                    row.unsent = None;
                    return settle(tx, ours, &mut row, Approved, DecidedBy::Peer);
                }
                Some(Err(reason)) => format!("is not what was asked for: {reason}"),
                None if tx.now() < row.expires => {
                    "did not come with the approval, or is not signed by it".into()
                }
                None => return Ok(()),
            };
            let text = format!("its grant for {} {reason}", row.user);
            tx.note_trouble(peer, &Stage::Content.to_string(), "grant-invalid", &text)
        }
        (Ended, Approved | Pending | Declined) | (Expired, Pending | Declined) => {
            row.unsent = None;
            let by = if told.state == Expired { DecidedBy::Clock } else { DecidedBy::Peer };
            settle(tx, ours, &mut row, told.state, by)
        }
        (Declined, Pending) => {
            row.told = true;
            row.unsent = None;
            settle(tx, ours, &mut row, Declined, DecidedBy::Peer)
        }
        // What was approved here ends with its grant; the rest is known.
        _ => Ok(()),
    }
}

impl Consent {
    /// Whether a grant that `peer` has given is signed by it and lives. Where its keys cannot be had now, that is left to the
    /// group's owner, who checks it anyway.
    pub(crate) async fn is_signed(&self, peer: &Provider, jws: &str) -> bool {
        let Ok(grant) = UnverifiedGrant::parse(jws) else { return false };
        match self.peers.key_of(peer, grant.kid()).await {
            Ok(key) => {
                let aud = grant.unverified_claims().aud.clone();
                grant.verify(&key, &aud, self.ground.ambient.now()).is_ok()
            }
            Err(_) => self.peers.documents.remembered(peer).is_none(),
        }
    }
}

/// The grant in an answer of the user's provider, if it is for what was asked; see [`is_signed`] for its signature.
fn read_grant(row: &AuthorizationRow, jws: &str) -> Result<KeptGrant, String> {
    let grant = UnverifiedGrant::parse(jws).map_err(|fault| fault.to_string())?;
    let claims = grant.unverified_claims();
    let asked = (&row.peer, row.group.provider(), &row.user, &row.adder, &row.group, row.id);
    if (&claims.iss, &claims.aud, &claims.sub, &claims.adder, &claims.group, claims.jti) != asked {
        return Err("it is about another addition".into());
    }
    if claims.exp > row.expires.as_secs() || claims.exp.abs_diff(claims.iat) > MAX_LIFETIME_S {
        return Err("it lives longer than it may".into());
    }
    Ok(KeptGrant { jws: jws.to_owned(), ends: Timestamp::from_secs(claims.exp) })
}

/// Requests that have lapsed do so within a minute, whatever became of them (section 7).
pub(crate) fn lapse(tx: &Tx<'_>, ours: &Provider) -> Result<(), StoreFault> {
    for mut row in tx.lapsed_authorizations(tx.now())? {
        row.unsent = None;
        settle(tx, ours, &mut row, ConnectionState::Expired, DecidedBy::Clock)?;
        tell_adder(tx, ours, &row)?;
    }
    Ok(())
}

/// After the feed of `peer` was reset, everything that we hold as open or approved there is asked again; the answers
/// are the states (section 11). What nothing can be done with any more is not.
pub(crate) fn make_good(tx: &Tx<'_>, peer: &Provider) -> Result<(), StoreFault> {
    let now = tx.now();
    for mut row in tx.authorizations_with(peer)? {
        let held = matches!(row.state, ConnectionState::Pending | ConnectionState::Approved);
        if row.outgoing && held && now < row.expires && row.unsent.is_none() {
            row.unsent = Some(Unsent::Post);
            tx.put_authorization(&row)?;
        }
    }
    Ok(())
}
