//! Requests to add somebody to a group, as they are shown.

use std::collections::{HashMap, HashSet};

use drawbridge_mtp::id::{GroupUri, Id, Provider};
use drawbridge_mtp::message::ConnectionState;
use drawbridge_mtp::seen::shows_nothing;
use drawbridge_node::Node;
use drawbridge_node::store::{Addition, AuthorizationRow, StoreFault, View};

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
    /// All of `node`.
    pub(crate) async fn of(node: &Node) -> Result<Self, StoreFault> {
        let ours = node.provider().clone();
        node.store().read(move |view| Self::read(view, &ours)).await
    }

    /// Reads them all.
    pub(crate) fn read(view: &View<'_>, ours: &Provider) -> Result<Self, StoreFault> {
        let mut names = HashMap::new();
        let mut used = HashSet::new();
        for group in view.groups()? {
            if let Some(policy) = view.policy(group.id)?.filter(|policy| !shows_nothing(&policy.name)) {
                names.insert(group.uri, policy.name);
            }
        }
        let rows = view.requests::<Addition>()?;
        for row in &rows {
            let (issuer, id) = (row.to.provider(), row.id);
            let is_in = || {
                let Some(group) = view.group(&row.about.group)? else { return Ok::<_, StoreFault>(false) };
                Ok(view.members(group.id)?.iter().any(|member| member.member.user == row.to))
            };
            if row.state == ConnectionState::Approved && (row.about.used || is_in()?) {
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
            group_name: self.names.get(&row.about.group).cloned(),
            title: row.about.title.map(|title| title.to_string()).filter(|title| !shows_nothing(title)),
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
            used: self.used.contains(&(row.to.provider().clone(), row.id)),
            group: row.about.group,
            adder: row.from,
            user: row.to,
        }
    }
}

/// The addition that a row is about, as it is now.
pub(crate) async fn shown(node: &Node, row: &AuthorizationRow) -> Result<Authorization, StoreFault> {
    Ok(Additions::of(node).await?.show(row))
}
