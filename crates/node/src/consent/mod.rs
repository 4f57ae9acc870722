//! Who may reach our users, and add them to groups: requests, what becomes of them, and the rules that decide
//! without a click (sections 7 and 8). The files here are about connections; `authorizations/` is about additions.
//!
//! The rules are written once, over one transaction of the store; the wire, the clients and the operator come in
//! through different doors to them (`doors.rs` for the latter two).

mod ahead;
pub(crate) mod authorizations;
mod clients;
mod courier;
mod decide;
mod doors;
mod learn;
mod misuse;
pub(crate) mod providers;
mod receive;
mod state;
mod undo;

pub(crate) use ahead::renew_dated_ahead;
pub use authorizations::AuthorizationDecision;
pub use decide::Decision;
pub(crate) use decide::{ask, decide, find};
pub use misuse::Misuse;
pub(crate) use state::{Choices, Consent};
pub use undo::Decided;
pub(crate) use undo::Watch;

pub(crate) use learn::{lapse, learn, make_good, tell_lapsed};
pub(crate) use receive::{receive, take_back};

use drawbridge_mtp::id::{Name, Provider, UserUri};
use drawbridge_mtp::message::{ConnectionItem, ConnectionState, ItemBody, PeerState};

use self::clients::tell_user;
use crate::store::{ConnectionRow, DecidedBy, Reader, RuleKind, StoreFault, Tx, Unsent, UserRule, View};

/// Gives `row` another state and tells the clients of those of its users who live here.
fn settle(
    tx: &Tx<'_>,
    ours: &Provider,
    row: &mut ConnectionRow,
    state: ConnectionState,
    by: DecidedBy,
) -> Result<(), StoreFault> {
    row.state = state;
    row.changed = tx.now();
    row.decided_by = Some(by);
    row.ignored = false;
    tx.put_connection(row)?;
    tell_clients(tx, ours, row)
}

/// Tells the requester's provider, where that is another one, of the state of a request that it made.
fn tell_requester(tx: &Tx<'_>, ours: &Provider, row: &ConnectionRow) -> Result<(), StoreFault> {
    if !row.outgoing && row.peer != *ours {
        tx.append(&Reader::Peer(row.peer.clone()), &item(row, row.state))?;
    }
    Ok(())
}

/// Tells the clients of the users of `row` that live here, each as much as its user may know.
fn tell_clients(tx: &Tx<'_>, ours: &Provider, row: &ConnectionRow) -> Result<(), StoreFault> {
    for user in [&row.from, &row.to] {
        if user.provider() != ours || (row.unseen && *user == row.to) {
            continue;
        }
        let state = if *user == row.from { row.told_state() } else { row.state };
        tell_user(tx, user, &item(row, state))?;
    }
    Ok(())
}

fn item(row: &ConnectionRow, state: ConnectionState) -> ItemBody {
    ItemBody::Connection(ConnectionItem {
        id: row.id,
        from: row.from.clone(),
        to: row.to.clone(),
        state,
        time: row.changed,
    })
}

/// Marks every request between two users that is open or refused as approved, and tells each requester's provider.
fn approve_all(
    tx: &Tx<'_>,
    ours: &Provider,
    one: &UserUri,
    other: &UserUri,
    by: DecidedBy,
) -> Result<(), StoreFault> {
    for mut row in tx.connections_between(one, other)? {
        if matches!(row.state, ConnectionState::Pending | ConnectionState::Declined) {
            row.unsent = None;
            settle(tx, ours, &mut row, ConnectionState::Approved, by)?;
            if by != DecidedBy::Peer {
                tell_requester(tx, ours, &row)?;
            }
        }
    }
    Ok(())
}

/// Ends every approved connection between two users, and with it what was asked or granted on its strength. Where it
/// is our side that ends it, theirs is told.
fn end_all(
    tx: &Tx<'_>,
    ours: &Provider,
    one: &UserUri,
    other: &UserUri,
    by: DecidedBy,
) -> Result<(), StoreFault> {
    for mut row in tx.connections_between(one, other)? {
        if row.state == ConnectionState::Approved {
            if row.outgoing && by != DecidedBy::Peer {
                row.unsent = Some(Unsent::Delete);
            }
            settle(tx, ours, &mut row, ConnectionState::Ended, by)?;
            if by != DecidedBy::Peer {
                tell_requester(tx, ours, &row)?;
            }
        }
    }
    authorizations::end_between(tx, ours, one, other, by)?;
    authorizations::end_between(tx, ours, other, one, by)
}

/// What the rules say of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It waits for a click.
    Ask,
    /// It is approved at once.
    Allow,
    /// It is kept and shown to nobody.
    Unseen,
}

/// The standing decision of `to`, who lives here, on `from`. The most particular one wins: of the user before that of
/// all, on a person before that on a provider.
fn standing_decision(view: &View<'_>, from: &UserUri, to: &UserUri) -> Result<Option<RuleKind>, StoreFault> {
    let rules = view.rules()?;
    let of = |user: Option<&Name>, source: &str| {
        rules.iter().find(|rule| rule.user.as_ref() == user && rule.source == source).map(|rule| rule.kind)
    };
    let sources = [from.as_str(), from.provider().as_str()];
    let particular =
        [Some(to.name()), None].into_iter().flat_map(|user| sources.map(|source| (user, source)));
    Ok(particular.into_iter().find_map(|(user, source)| of(user, source)))
}

/// What becomes of a request for a connection; where no standing decision covers it, the user's own rule does.
fn verdict(view: &View<'_>, from: &UserUri, to: &UserUri) -> Result<Verdict, StoreFault> {
    let Some(user) = view.user(to.name())? else { return Ok(Verdict::Unseen) };
    Ok(match (standing_decision(view, from, to)?, user.rule) {
        (Some(RuleKind::Block), _) => Verdict::Unseen,
        (Some(RuleKind::Allow), _) => Verdict::Allow,
        (None, UserRule::Ask) => Verdict::Ask,
        // A stranger's word is not enough: the provider has to be a peer already.
        (None, UserRule::Allow) => match view.peer_state(from.provider())? {
            PeerState::Allowed => Verdict::Allow,
            _ => Verdict::Ask,
        },
    })
}
