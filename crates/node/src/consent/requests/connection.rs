//! What connections have of their own (section 7).
//!
//! Both users are the same to a connection: whoever asked first, all requests between two users are approved together, and
//! end together.

use std::time::Duration;

use drawbridge_mtp::id::{Id, Provider, UserUri};
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::{
    ConnectionItem, ConnectionReply, ConnectionRequest, ConnectionState, MAX_REQUEST_LIFETIME, PeerState,
};
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::time::Timestamp;
use drawbridge_mtp::wire::Malformed;

use super::addition::end_between;
use super::kind::{Kind, Said, Verdict, Words};
use super::tell::{end_one, settle, tell_requester};
use super::terms::{ASK_AGAIN, HELD, Terms};
use crate::consent::providers::introduce;
use crate::consent::rules::standing_rule;
use crate::ground::config::LimitsConfig;
use crate::misuse::Misuse;
use crate::refusal::Refusal;
use crate::store::{
    Connection, ConnectionRow, DecidedBy, RequestRow, RuleKind, StoreFault, Tx, UserRule, View,
};

/// Requests of a peer that is not allowed that are kept in any state: those held, and what is over.
const KEPT_OF_STRANGER: u64 = 100;
/// Requests from one user to another that count at one time, open, refused or approved; the users are shown one.
pub(super) const FOR_ONE_PAIR: usize = 10;

impl Kind for Connection {
    type Ask = ConnectionRequest;
    type Reply = ConnectionReply;
    type Item = ConnectionItem;

    const RESOURCE: &'static str = "connections";
    const LONGEST: Duration = MAX_REQUEST_LIFETIME;
    const NAMES_GRANT: bool = false;
    const APPROVAL_IS_PROVED: bool = false;
    const WORDS: Words = Words {
        requester: "requester",
        end: "end",
        oneself: "a user cannot be connected with itself; name another",
        approved: "they are connected; use end to end the connection",
    };

    fn id_and_users(ask: &ConnectionRequest) -> (Id, &UserUri, &UserUri) {
        (ask.id, &ask.from, &ask.to)
    }

    fn received(ours: &Provider, ask: ConnectionRequest, now: Timestamp) -> Result<ConnectionRow, Malformed> {
        ask.check_received(now)?;
        let ConnectionRequest { id, from, to, created, expires } = ask;
        let row = RequestRow::new(ours, id, from, to, created, expires, Self);
        Ok(RequestRow { changed: now, ..row })
    }

    fn ask(row: &ConnectionRow) -> ConnectionRequest {
        ConnectionRequest {
            id: row.id,
            from: row.from.clone(),
            to: row.to.clone(),
            created: row.created,
            expires: row.expires,
        }
    }

    fn reply(id: Id, said: Said) -> ConnectionReply {
        ConnectionReply { id, state: said.state }
    }

    fn read_reply(reply: ConnectionReply) -> Said {
        Said::state(reply.state)
    }

    fn item(row: &ConnectionRow, said: Said) -> ConnectionItem {
        ConnectionItem {
            id: row.id,
            from: row.from.clone(),
            to: row.to.clone(),
            state: said.state,
            time: row.changed,
        }
    }

    fn read_item(item: &ConnectionItem) -> (Id, Said) {
        (item.id, Said::state(item.state))
    }

    fn is_about(item: &ConnectionItem, row: &ConnectionRow) -> bool {
        (&item.from, &item.to) == (&row.from, &row.to)
    }

    fn unknown(id: Id) -> Misuse {
        Misuse::NoSuchConnection(id)
    }

    /// A request has its cost in our store, which has a bound for each peer and for each pair of users: it is refused where
    /// what counts leaves no room, until the next request expires. Who is new introduces itself by it (section 6).
    fn admit(
        tx: &Tx<'_>,
        terms: &Terms,
        row: &ConnectionRow,
        keys: &[Thumbprint],
        limits: &LimitsConfig,
    ) -> Result<bool, Refusal> {
        make_room(tx, row, limits)?;
        Ok(introduce(tx, &row.peer, terms.strangers, keys, limits)? == PeerState::Allowed)
    }

    /// Where no standing decision covers it, the user's own rule does.
    fn verdict(view: &View<'_>, row: &ConnectionRow, may_approve: bool) -> Result<Verdict, StoreFault> {
        if view.are_connected(&row.from, &row.to)? {
            return Ok(Verdict::Allow(DecidedBy::Rule));
        }
        if Self::is_mutual(view, row)? {
            return Ok(Verdict::Allow(DecidedBy::User));
        }
        let Some(user) = view.user(row.to.name())? else { return Ok(Verdict::Unseen) };
        let allows = match (standing_rule(view, &row.from, &row.to)?.map(|rule| rule.kind), user.rule) {
            (Some(RuleKind::Block), _) => return Ok(Verdict::Unseen),
            (Some(RuleKind::Allow), _) => true,
            (None, UserRule::Ask) => false,
            // A stranger's word is not enough: the provider has to be a peer already.
            (None, UserRule::Allow) => view.peer_state(row.from.provider())? == PeerState::Allowed,
        };
        Ok(if allows && may_approve { Verdict::Allow(DecidedBy::Rule) } else { Verdict::Ask })
    }

    fn is_mutual(view: &View<'_>, row: &ConnectionRow) -> Result<bool, StoreFault> {
        let back = view.requests_from_to::<Self>(&row.to, &row.from)?;
        Ok(back.iter().any(ConnectionRow::is_open))
    }

    fn approve(tx: &Tx<'_>, terms: &Terms, row: &mut ConnectionRow, by: DecidedBy) -> Result<(), StoreFault> {
        row.unseen = false;
        tx.put_request(row)?;
        approve_between(tx, terms.ours(), row, by, by == DecidedBy::Peer)?;
        row.state = ConnectionState::Approved;
        Ok(())
    }

    fn learn_approved(
        tx: &Tx<'_>,
        ours: &Provider,
        mut row: ConnectionRow,
        _: Option<String>,
    ) -> Result<(), StoreFault> {
        match row.state {
            ConnectionState::Pending | ConnectionState::Declined => {
                approve_between(tx, ours, &row, DecidedBy::Peer, true)
            }
            // It was approved in time by the receiver's clock, which is the one that counts, and told late.
            ConnectionState::Expired if !row.told => {
                row.state = ConnectionState::Pending;
                tx.put_request(&row)?;
                // What the other side has asked since was judged without it, so it does not know that this is approved too.
                approve_between(tx, ours, &row, DecidedBy::Peer, false)
            }
            _ => Ok(()),
        }
    }

    fn end(tx: &Tx<'_>, ours: &Provider, row: &mut ConnectionRow, by: DecidedBy) -> Result<(), StoreFault> {
        if row.state != ConnectionState::Approved {
            return end_one(tx, ours, row, by, by == DecidedBy::Peer);
        }
        for mut other in tx.connections_between(&row.from, &row.to)? {
            if other.state == ConnectionState::Approved {
                let is_this = (other.id, other.outgoing) == (row.id, row.outgoing);
                // Who has ended another request between the two users may have learned of this one only after that.
                end_one(tx, ours, &mut other, by, is_this && by == DecidedBy::Peer)?;
            }
        }
        row.state = ConnectionState::Ended;
        end_between(tx, ours, &row.from, &row.to, by)?;
        end_between(tx, ours, &row.to, &row.from, by)
    }

    fn is_asked_again(row: &ConnectionRow, now: Timestamp) -> bool {
        matches!(row.state, ConnectionState::Pending | ConnectionState::Approved) || row.awaits_its_end(now)
    }

    fn decided_with(view: &View<'_>, row: &ConnectionRow) -> Result<Vec<ConnectionRow>, StoreFault> {
        view.connections_between(&row.from, &row.to)
    }
}

/// Marks every request between the users of `row` that is open or refused as approved, and tells each requester's provider,
/// unless the other side `knows`.
fn approve_between(
    tx: &Tx<'_>,
    ours: &Provider,
    row: &ConnectionRow,
    by: DecidedBy,
    knows: bool,
) -> Result<(), StoreFault> {
    for mut row in tx.connections_between(&row.from, &row.to)? {
        if matches!(row.state, ConnectionState::Pending | ConnectionState::Declined) {
            row.unsent = None;
            settle(tx, ours, &mut row, ConnectionState::Approved, by)?;
            if !knows {
                tell_requester(tx, ours, &row)?;
            }
        }
    }
    Ok(())
}

/// Makes room for `row`, or says until when there is none.
fn make_room(tx: &Tx<'_>, row: &ConnectionRow, limits: &LimitsConfig) -> Result<(), Refusal> {
    let (now, peer) = (tx.now(), &row.peer);
    let full = |text: String, next: Option<Timestamp>| {
        let after = next.map_or(ASK_AGAIN, |expires| expires.since(now));
        Err(Refusal::after(Problem::new(Code::RateLimited, text), after))
    };
    let kept = if tx.peer_state(peer)? == PeerState::Allowed {
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
    let between = tx.requests_from_to::<Connection>(&row.from, &row.to)?;
    if between.len() >= FOR_ONE_PAIR {
        let open = between.iter().filter(|row| row.state != ConnectionState::Approved);
        let text = format!("{} has asked {} {FOR_ONE_PAIR} times already; one is enough", row.from, row.to);
        return full(text, open.map(|row| row.expires).min());
    }
    if !tx.make_room_for::<Connection>(peer, kept)? {
        let text = format!(
            "{kept} requests and connections of your users are kept here, which is the most; end some"
        );
        return full(text, tx.held(peer, now)?.1);
    }
    Ok(())
}
