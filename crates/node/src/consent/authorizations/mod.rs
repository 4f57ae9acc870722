//! Who may add our users to groups: requests, grants, and what becomes of them (section 8).

mod decide;
mod learn;
mod receive;

pub use decide::AuthorizationDecision;
pub(crate) use decide::{ask, decide, find, withdraw};
pub(crate) use learn::{lapse, learn, make_good};
pub(crate) use receive::{receive, take_back};

use std::time::Duration;

use drawbridge_mtp::grant::{GrantClaims, MAX_LIFETIME_S};
use drawbridge_mtp::id::{Provider, UserUri};
use drawbridge_mtp::message::{AuthorizationItem, ConnectionState, ItemBody, PeerState};
use drawbridge_mtp::signature::Signer;
use drawbridge_mtp::time::Timestamp;

use super::clients::tell_user;
use crate::config::Strangers;
use crate::store::{AuthorizationRow, DecidedBy, KeptGrant, Reader, StoreFault, Tx, Unsent};

/// What the rules go by besides the store.
#[derive(Clone)]
pub(crate) struct House {
    /// Our name, and the key that grants are signed with.
    pub(crate) signer: Signer,
    pub(crate) strangers: Strangers,
    pub(crate) tell_declined: bool,
}

impl House {
    fn ours(&self) -> &Provider {
        self.signer.provider()
    }
}

/// Gives `row` another state and tells the clients of those of its users who live here.
pub(super) fn settle(
    tx: &Tx<'_>,
    ours: &Provider,
    row: &mut AuthorizationRow,
    state: ConnectionState,
    by: DecidedBy,
) -> Result<(), StoreFault> {
    row.state = state;
    row.changed = tx.now();
    row.decided_by = Some(by);
    row.ignored = false;
    tx.put_authorization(row)?;
    tell_clients(tx, ours, row)
}

/// Tells the clients of the users of `row` that live here, each as much as its user may know.
pub(super) fn tell_clients(tx: &Tx<'_>, ours: &Provider, row: &AuthorizationRow) -> Result<(), StoreFault> {
    if row.adder.provider() == ours {
        tell_user(tx, &row.adder, &item(row, row.told_state(), true))?;
    }
    if row.user.provider() == ours && !row.unseen {
        tell_user(tx, &row.user, &item(row, row.state, false))?;
    }
    Ok(())
}

/// Tells the adder's provider, where that is another one, of the state of a request that it made.
fn tell_adder(tx: &Tx<'_>, ours: &Provider, row: &AuthorizationRow) -> Result<(), StoreFault> {
    if !row.outgoing && row.peer != *ours {
        tx.append(&Reader::Peer(row.peer.clone()), &item(row, row.state, true))?;
    }
    Ok(())
}

/// The item on `row`. The grant is the adder's to use, so nobody else is given it.
fn item(row: &AuthorizationRow, state: ConnectionState, with_grant: bool) -> ItemBody {
    let grant = row.grant.as_ref().filter(|_| with_grant && state == ConnectionState::Approved);
    ItemBody::Authorization(AuthorizationItem {
        id: row.id,
        group: row.group.clone(),
        adder: row.adder.clone(),
        user: row.user.clone(),
        state,
        grant: grant.map(|grant| grant.jws.clone()),
        time: row.changed,
    })
}

/// Marks `row`, a request to one of our users, as approved and gives the grant for it: from now until it was asked
/// for, at most thirty days.
fn approve(
    tx: &Tx<'_>,
    signer: &Signer,
    row: &mut AuthorizationRow,
    by: DecidedBy,
) -> Result<(), StoreFault> {
    let iat = tx.now().as_secs();
    let claims = GrantClaims {
        iss: signer.provider().clone(),
        aud: row.group.provider().clone(),
        sub: row.user.clone(),
        adder: row.adder.clone(),
        group: row.group.clone(),
        jti: row.id,
        iat,
        exp: row.expires.as_secs().min(iat.saturating_add(MAX_LIFETIME_S)),
    };
    row.grant = Some(KeptGrant { jws: claims.sign(signer.key()), ends: Timestamp::from_secs(claims.exp) });
    row.unseen = false;
    settle(tx, signer.provider(), row, ConnectionState::Approved, by)
}

/// Ends a request or a grant, and tells all whom it concerns: the other side, and the group's owner, who would accept
/// the grant.
fn end(tx: &Tx<'_>, ours: &Provider, row: &mut AuthorizationRow, by: DecidedBy) -> Result<(), StoreFault> {
    row.unsent = row.outgoing.then_some(Unsent::Delete);
    end_here(tx, ours, row, by)?;
    tell_adder(tx, ours, row)
}

/// As [`end`], where the other side has ended this very request and knows.
fn end_here(
    tx: &Tx<'_>,
    ours: &Provider,
    row: &mut AuthorizationRow,
    by: DecidedBy,
) -> Result<(), StoreFault> {
    let granted = row.living_grant(tx.now()).is_some();
    settle(tx, ours, row, ConnectionState::Ended, by)?;
    let owner = row.group.provider();
    if granted && owner == ours {
        return tx.revoke_grant(row.user.provider(), row.id);
    }
    if granted && !row.outgoing && *owner != row.peer && tx.peer_state(owner)? == PeerState::Allowed {
        tx.append(&Reader::Peer(owner.clone()), &item(row, row.state, false))?;
    }
    Ok(())
}

/// Two users are no longer connected: what `adder` has asked for is over, and so is every grant for it that was not used. The
/// other side is told of each, also where it has ended the connection: it need not see what follows from that.
pub(super) fn end_between(
    tx: &Tx<'_>,
    ours: &Provider,
    adder: &UserUri,
    user: &UserUri,
    by: DecidedBy,
) -> Result<(), StoreFault> {
    let now = tx.now();
    for mut row in tx.authorizations_of_pair(adder, user)? {
        if row.is_open() || row.unused_grant(now).is_some() {
            end(tx, ours, &mut row, by)?;
        }
    }
    Ok(())
}

/// The longest that we ask for: an hour less than is allowed, so that a receiver whose clock is behind ours does not
/// take it for longer.
const LONGEST_ASKED: Duration = Duration::from_secs(MAX_LIFETIME_S - 3600);
