//! Requests to add that other providers send us, and their taking back (section 8).

use drawbridge_mtp::id::{Id, Provider};
use drawbridge_mtp::message::{AuthorizationReply, AuthorizationRequest, ConnectionState};
use drawbridge_mtp::problem::{Code, Problem};

use super::super::receive::{ASK_AGAIN, forget_before_it_comes};
use super::super::{Verdict, standing_decision};
use super::{House, approve, end_here, settle, tell_clients};
use crate::config::{LimitsConfig, Strangers};
use crate::consent::providers::asks;
use crate::refusal::Refusal;
use crate::store::{AddRule, AuthorizationRow, DecidedBy, Kept, RuleKind, StoreFault, Tx, View};

/// `POST /authorizations`, checked to be from a user of `peer` about one of ours. Returns what the adder may know.
pub(crate) fn receive(
    tx: &Tx<'_>,
    house: &House,
    peer: &Provider,
    ask: AuthorizationRequest,
    limits: &LimitsConfig,
) -> Result<AuthorizationReply, Refusal> {
    let now = tx.now();
    let bare = |state| AuthorizationReply { id: ask.id, state, grant: None };
    ask.check(now)
        .map_err(|fault| Problem::new(Code::Malformed, format!("the content is malformed: {fault}")))?;
    if tx.is_withdrawn(peer, ask.id)? {
        return Ok(bare(ConnectionState::Ended));
    }
    let known = tx.authorizations_by_id(ask.id)?;
    if let Some(row) = known.iter().find(|row| !row.outgoing && row.peer == *peer) {
        let same = (&row.group, &row.title, &row.adder, &row.user, row.expires)
            == (&ask.group, &ask.title, &ask.adder, &ask.user, ask.expires);
        return if same { Ok(reply(row, tx)) } else { Err(used_before()) };
    }
    // The id becomes the grant's, and those of one issuer have to differ whoever asked.
    if known.iter().any(|row| !row.outgoing) {
        return Err(used_before());
    }
    if ask.expires <= now {
        return Ok(bare(ConnectionState::Expired));
    }
    if !tx.are_connected(&ask.adder, &ask.user)? {
        let text = "the two users are not connected; ask for a connection first";
        return Err(Problem::new(Code::NotConnected, text).into());
    }
    if !tx.make_room_for(peer, Kept::Authorizations, limits.peer_connections)? {
        let text = format!(
            "{} authorizations for your users are kept here, which is the most; take back what is no longer wanted",
            limits.peer_connections
        );
        return Err(Refusal::after(Problem::new(Code::RateLimited, text), ASK_AGAIN));
    }
    let mut row = AuthorizationRow {
        peer: peer.clone(),
        outgoing: false,
        id: ask.id,
        group: ask.group,
        adder: ask.adder,
        user: ask.user,
        created: now,
        expires: ask.expires,
        state: ConnectionState::Pending,
        changed: now,
        decided_by: None,
        told: false,
        ignored: false,
        unseen: false,
        unsent: None,
        refused: None,
        grant: None,
        title: ask.title,
        used: false,
    };
    file(tx, house, &mut row)?;
    Ok(reply(&row, tx))
}

fn used_before() -> Refusal {
    let text = "this id was used for another request; make a new id for a new request";
    Problem::new(Code::Conflict, text).into()
}

fn reply(row: &AuthorizationRow, tx: &Tx<'_>) -> AuthorizationReply {
    let grant = row.living_grant(tx.now()).map(|grant| grant.jws.clone());
    AuthorizationReply { id: row.id, state: row.told_state(), grant }
}

/// Takes in a request that is new, between users who are connected, and decides on it as far as nobody has to be
/// asked.
pub(super) fn file(tx: &Tx<'_>, house: &House, row: &mut AuthorizationRow) -> Result<(), StoreFault> {
    let verdict = verdict(tx, row)?;
    row.unseen = verdict == Verdict::Unseen;
    tx.put_authorization(row)?;
    match verdict {
        Verdict::Unseen => tell_clients(tx, house.ours(), row),
        Verdict::Allow if owner_is_asked(tx, house, row)? => approve(tx, &house.signer, row, DecidedBy::Rule),
        // A rule does not bring us to ask a provider that the operator does not want asked.
        Verdict::Allow | Verdict::Ask => {
            tell_clients(tx, house.ours(), row)?;
            tx.announce_waiting_addition(row);
            Ok(())
        }
    }
}

fn verdict(view: &View<'_>, row: &AuthorizationRow) -> Result<Verdict, StoreFault> {
    let rule = view.add_rule(row.user.name(), &row.adder)?;
    let blocked = standing_decision(view, &row.adder, &row.user)? == Some(RuleKind::Block);
    Ok(match rule {
        _ if blocked => Verdict::Unseen,
        AddRule::Never => Verdict::Unseen,
        AddRule::Allow => Verdict::Allow,
        AddRule::Ask => Verdict::Ask,
    })
}

/// The Welcome will come from the group's owner: to agree to an addition is to ask there (section 6). Returns whether
/// it may be asked.
pub(super) fn owner_is_asked(tx: &Tx<'_>, house: &House, row: &AuthorizationRow) -> Result<bool, StoreFault> {
    let owner = row.group.provider();
    Ok(owner == house.ours() || asks(tx, owner, house.strangers)?)
}

/// `DELETE /authorizations/{id}`: the adder no longer wants it.
pub(crate) fn take_back(
    tx: &Tx<'_>,
    ours: &Provider,
    peer: &Provider,
    id: Id,
    strangers: Strangers,
) -> Result<(), StoreFault> {
    let Some(mut row) = tx.authorization(peer, false, id)? else {
        return forget_before_it_comes(tx, peer, id, strangers);
    };
    match row.state {
        ConnectionState::Approved => end_here(tx, ours, &mut row, DecidedBy::Peer),
        ConnectionState::Pending | ConnectionState::Declined => {
            settle(tx, ours, &mut row, ConnectionState::Ended, DecidedBy::Peer)
        }
        ConnectionState::Ended | ConnectionState::Expired => Ok(()),
    }
}
