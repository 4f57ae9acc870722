//! What requests to add a user to a group have of their own: the grant that an approval gives (section 8).

use std::time::Duration;

use drawbridge_mtp::grant::MAX_LIFETIME_S;
use drawbridge_mtp::id::{Id, Provider, UserUri};
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::{
    AuthorizationItem, AuthorizationReply, AuthorizationRequest, ConnectionState, PeerState,
};
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::time::Timestamp;
use drawbridge_mtp::wire::Malformed;

use super::kind::{Kind, Said, Verdict, Words};
use super::tell::{end_one, settle, tell_requester};
use super::terms::{ASK_AGAIN, Terms};
use crate::consent::grants;
use crate::consent::rules::standing_rule;
use crate::ground::config::LimitsConfig;
use crate::misuse::Misuse;
use crate::peer_fault::Stage;
use crate::refusal::Refusal;
use crate::store::{
    AddRule, Addition, AuthorizationRow, DecidedBy, Reader, RequestRow, RuleKind, StoreFault, Tx, View,
};

impl Kind for Addition {
    type Ask = AuthorizationRequest;
    type Reply = AuthorizationReply;
    type Item = AuthorizationItem;

    const RESOURCE: &'static str = "authorizations";
    /// An hour less than is allowed, so that a receiver whose clock is behind ours does not take it for longer.
    const LONGEST: Duration = Duration::from_secs(MAX_LIFETIME_S - 3600);
    const NAMES_GRANT: bool = true;
    const APPROVAL_IS_PROVED: bool = true;
    const WORDS: Words = Words {
        requester: "adder",
        end: "revoke",
        oneself: "a user's own clients need no authorization; add them",
        approved: "the grant is given; use revoke to take it back",
    };

    fn id_and_users(ask: &AuthorizationRequest) -> (Id, &UserUri, &UserUri) {
        (ask.id, &ask.adder, &ask.user)
    }

    fn received(
        ours: &Provider,
        ask: AuthorizationRequest,
        now: Timestamp,
    ) -> Result<AuthorizationRow, Malformed> {
        ask.check(now)?;
        let AuthorizationRequest { id, group, title, adder, user, expires } = ask;
        let about = Self { group, title, grant: None, used: false };
        Ok(RequestRow::new(ours, id, adder, user, now, expires, about))
    }

    fn ask(row: &AuthorizationRow) -> AuthorizationRequest {
        AuthorizationRequest {
            id: row.id,
            group: row.about.group.clone(),
            title: row.about.title.clone(),
            adder: row.from.clone(),
            user: row.to.clone(),
            expires: row.expires,
        }
    }

    fn reply(id: Id, said: Said) -> AuthorizationReply {
        let Said { state, grant } = said;
        AuthorizationReply { id, state, grant }
    }

    fn read_reply(reply: AuthorizationReply) -> Said {
        Said { state: reply.state, grant: reply.grant }
    }

    fn item(row: &AuthorizationRow, said: Said) -> AuthorizationItem {
        AuthorizationItem {
            id: row.id,
            group: row.about.group.clone(),
            adder: row.from.clone(),
            user: row.to.clone(),
            state: said.state,
            grant: said.grant,
            time: row.changed,
        }
    }

    fn read_item(item: &AuthorizationItem) -> (Id, Said) {
        (item.id, Said { state: item.state, grant: item.grant.clone() })
    }

    fn is_about(item: &AuthorizationItem, row: &AuthorizationRow) -> bool {
        (&item.group, &item.adder, &item.user) == (&row.about.group, &row.from, &row.to)
    }

    fn unknown(id: Id) -> Misuse {
        Misuse::NoSuchAuthorization(id)
    }

    fn check_users(view: &View<'_>, from: &UserUri, to: &UserUri) -> Result<(), Misuse> {
        if view.are_connected(from, to)? {
            return Ok(());
        }
        Err(Misuse::NotConnected(from.clone(), to.clone()))
    }

    fn admit(
        tx: &Tx<'_>,
        _: &Terms,
        row: &AuthorizationRow,
        _: &[Thumbprint],
        limits: &LimitsConfig,
    ) -> Result<bool, Refusal> {
        if !tx.are_connected(&row.from, &row.to)? {
            let text = "the two users are not connected; ask for a connection first";
            return Err(Problem::new(Code::NotConnected, text).into());
        }
        if !tx.make_room_for::<Addition>(&row.peer, limits.peer_connections)? {
            let text = format!(
                "{} authorizations for your users are kept here, which is the most; take back what is no longer wanted",
                limits.peer_connections
            );
            return Err(Refusal::after(Problem::new(Code::RateLimited, text), ASK_AGAIN));
        }
        Ok(true)
    }

    fn verdict(view: &View<'_>, row: &AuthorizationRow, _: bool) -> Result<Verdict, StoreFault> {
        let rule = view.add_rule(row.to.name(), &row.from)?;
        let standing = standing_rule(view, &row.from, &row.to)?;
        let blocked = standing.is_some_and(|rule| rule.kind == RuleKind::Block);
        Ok(match rule {
            _ if blocked => Verdict::Unseen,
            AddRule::Never => Verdict::Unseen,
            AddRule::Allow => Verdict::Allow(DecidedBy::Rule),
            AddRule::Ask => Verdict::Ask,
        })
    }

    /// Gives the grant. Where a rule approves it at once, the adder has it with the answer.
    fn approve(
        tx: &Tx<'_>,
        terms: &Terms,
        row: &mut AuthorizationRow,
        by: DecidedBy,
    ) -> Result<(), StoreFault> {
        row.about.grant = Some(grants::issue(&terms.signer, row, tx.now()));
        row.unseen = false;
        settle(tx, terms.ours(), row, ConnectionState::Approved, by)?;
        if by == DecidedBy::Rule { Ok(()) } else { tell_requester(tx, terms.ours(), row) }
    }

    /// Without a grant that lives, nothing is approved: one may still come.
    fn learn_approved(
        tx: &Tx<'_>,
        ours: &Provider,
        mut row: AuthorizationRow,
        grant: Option<String>,
    ) -> Result<(), StoreFault> {
        // Its provider gives another one where the first does not count, as where its key was revoked.
        let is_renewed = row
            .unused_grant(tx.now())
            .zip(grant.as_deref())
            .is_some_and(|(kept, jws)| grants::is_renewed(kept, jws));
        if row.is_over() || (row.living_grant(tx.now()).is_some() && !is_renewed) {
            return Ok(());
        }
        let reason = match grant.as_deref().map(|jws| grants::read(&row, jws)) {
            Some(Ok(grant)) => {
                row.about.grant = Some(grant);
                row.unsent = None;
                return settle(tx, ours, &mut row, ConnectionState::Approved, DecidedBy::Peer);
            }
            Some(Err(reason)) => format!("is not what was asked for: {reason}"),
            None if tx.now() < row.expires => "did not come with the approval, or is not signed by it".into(),
            None => return Ok(()),
        };
        let text = format!("its grant for {} {reason}", row.to);
        tx.note_trouble(&row.peer, &Stage::Content.to_string(), "grant-invalid", &text)
    }

    fn end(
        tx: &Tx<'_>,
        ours: &Provider,
        row: &mut AuthorizationRow,
        by: DecidedBy,
    ) -> Result<(), StoreFault> {
        end_addition(tx, ours, row, by, by == DecidedBy::Peer)
    }

    /// The user's provider takes a grant back, of which the owner of its group hears whoever the adder is.
    fn note_item(
        tx: &Tx<'_>,
        ours: &Provider,
        peer: &Provider,
        item: &AuthorizationItem,
    ) -> Result<(), StoreFault> {
        let is_ended = item.state == ConnectionState::Ended;
        if is_ended && item.group.provider() == ours && item.user.provider() == peer {
            tx.revoke_grant(peer, item.id)?;
        }
        Ok(())
    }

    /// With what has lapsed nothing can be done any more.
    fn is_asked_again(row: &AuthorizationRow, now: Timestamp) -> bool {
        matches!(row.state, ConnectionState::Pending | ConnectionState::Approved) && now < row.expires
    }

    fn decided_with(view: &View<'_>, row: &AuthorizationRow) -> Result<Vec<AuthorizationRow>, StoreFault> {
        view.requests_from_to(&row.from, &row.to)
    }
}

/// Ends a request or a grant, and tells the other side unless it `knows`. The group's owner, who would accept the grant, is told
/// too.
fn end_addition(
    tx: &Tx<'_>,
    ours: &Provider,
    row: &mut AuthorizationRow,
    by: DecidedBy,
    knows: bool,
) -> Result<(), StoreFault> {
    let granted = row.living_grant(tx.now()).is_some();
    end_one(tx, ours, row, by, knows)?;
    let owner = row.about.group.provider();
    if granted && owner == ours {
        return tx.revoke_grant(row.to.provider(), row.id);
    }
    if granted && !row.outgoing && *owner != row.peer && tx.peer_state(owner)? == PeerState::Allowed {
        let item = Addition::item(row, Said::state(row.state));
        tx.append(&Reader::Peer(owner.clone()), &item.into())?;
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
    for mut row in tx.requests_from_to::<Addition>(adder, user)? {
        if row.is_open() || row.unused_grant(now).is_some() {
            end_addition(tx, ours, &mut row, by, false)?;
        }
    }
    Ok(())
}
