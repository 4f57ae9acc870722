//! Requests to add somebody to a group, and the standing rules on them.

use std::collections::{HashMap, HashSet};

use drawbridge_mtp::id::{GroupUri, Id, Provider};
use drawbridge_mtp::message::ConnectionState;
use drawbridge_mtp::seen::shows_nothing;
use drawbridge_node::store::{AuthorizationRow, StoreFault, View};
use drawbridge_node::{Decided, Node};

use crate::error::AdminError;
use crate::host::Host;
use crate::request::{AuthorizationDecided, Authorizations, DecideAuthorization, Empty, SetAddRule};
use crate::view::Authorization;

/// What has to be known to show additions.
pub(crate) struct Additions {
    ours: Provider,
    /// All that may be shown, newest first.
    pub(crate) rows: Vec<AuthorizationRow>,
    names: HashMap<GroupUri, String>,
    used: HashSet<(Provider, Id)>,
}

impl Additions {
    /// Reads them all.
    pub(crate) fn read(view: &View<'_>, ours: &Provider) -> Result<Self, StoreFault> {
        let mut names = HashMap::new();
        let mut used = HashSet::new();
        for group in view.groups()? {
            if let Some(policy) = view.policy(group.id)?.filter(|policy| !shows_nothing(&policy.name)) {
                names.insert(group.uri, policy.name);
            }
        }
        let rows = view.authorizations()?;
        for row in &rows {
            let (issuer, id) = (row.user.provider(), row.id);
            let is_in = || {
                let Some(group) = view.group(&row.group)? else { return Ok::<_, StoreFault>(false) };
                Ok(view.members(group.id)?.iter().any(|member| member.member.user == row.user))
            };
            if row.state == ConnectionState::Approved && (row.used || is_in()?) {
                used.insert((issuer.clone(), id));
            }
        }
        Ok(Self { ours: ours.clone(), rows, names, used })
    }

    /// One, as it is shown.
    pub(crate) fn show(&self, row: &AuthorizationRow) -> Authorization {
        let row = row.clone();
        Authorization {
            id: row.id,
            from_provider: if row.outgoing { self.ours.clone() } else { row.peer },
            group_name: self.names.get(&row.group).cloned(),
            title: row.title.map(|title| title.to_string()).filter(|title| !shows_nothing(title)),
            outgoing: row.outgoing,
            state: row.state,
            created: row.created,
            expires: row.expires,
            changed: row.changed,
            decided_by: row.decided_by.map(Into::into),
            ignored: row.ignored,
            delivered: row.outgoing && row.unsent.is_none(),
            refused: row.refused,
            reopenable: !row.outgoing && !row.told,
            used: self.used.contains(&(row.user.provider().clone(), row.id)),
            group: row.group,
            adder: row.adder,
            user: row.user,
        }
    }

    /// Those that wait for the operator: one for each addition, however often it was asked for.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &AuthorizationRow> {
        let mut shown = HashSet::new();
        self.rows.iter().filter(move |row| {
            let waits = !row.outgoing && row.state == ConnectionState::Pending && !row.ignored;
            waits && shown.insert((&row.group, &row.adder, &row.user))
        })
    }
}

async fn all(node: &Node) -> Result<Additions, AdminError> {
    let ours = node.provider().clone();
    Ok(node.store().read(move |view| Additions::read(view, &ours)).await?)
}

/// The addition that a row is about, as it is now.
pub(crate) async fn shown(node: &Node, row: &AuthorizationRow) -> Result<Authorization, AdminError> {
    Ok(all(node).await?.show(row))
}

/// The request `id` of `provider`, where it waits.
pub(crate) async fn waiting_addition(node: &Node, provider: &Provider, id: Id) -> Option<Authorization> {
    let additions = all(node).await.ok()?;
    let row = additions.waiting().find(|row| row.id == id && row.peer == *provider)?;
    Some(additions.show(row))
}

pub(crate) async fn authorizations(host: &Host, Empty {}: Empty) -> Result<Authorizations, AdminError> {
    let additions = all(&host.node().await?).await?;
    let authorizations = additions.rows.iter().map(|row| additions.show(row)).collect();
    Ok(Authorizations { authorizations })
}

pub(crate) async fn decide_authorization(
    host: &Host,
    ask: DecideAuthorization,
) -> Result<AuthorizationDecided, AdminError> {
    let node = host.node().await?;
    let rule = ask.rule.map(Into::into);
    let Decided { now, undo } =
        node.decide_authorization_with(ask.id, ask.from_provider, ask.decision.into(), rule).await?;
    Ok(AuthorizationDecided { authorization: shown(&node, &now).await?, undo })
}

pub(crate) async fn set_add_rule(host: &Host, ask: SetAddRule) -> Result<Empty, AdminError> {
    host.node().await?.set_add_rule(ask.user, ask.other, ask.rule.into()).await?;
    Ok(Empty {})
}
