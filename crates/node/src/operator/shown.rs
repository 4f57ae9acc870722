//! Requests as they are shown: with what has to be known beside their rows.

use std::collections::HashMap;

use drawbridge_mtp::id::{GroupUri, Id, Provider, UserUri};
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_mtp::seen::shows_nothing;

use super::{Operator, ReadFault};
use crate::store::{Addition, AuthorizationRow, ConnectionRow, PeerRow, StoreFault, View};

/// A request for a connection, or what became of it.
#[derive(Clone, Debug)]
pub struct ShownConnection {
    /// The request.
    pub request: ConnectionRow,
    /// Our judgement of the other provider; `Allowed` where that is ourselves.
    pub peer_state: PeerState,
}

impl ShownConnection {
    pub(super) fn of(view: &View<'_>, ours: &Provider, row: ConnectionRow) -> Result<Self, StoreFault> {
        let peer = view.peer(&row.peer)?;
        Ok(Self::with(ours, peer.map(|peer| peer.state), row))
    }

    /// `row`, whose other provider, where it is known, is in `state`.
    fn with(ours: &Provider, state: Option<PeerState>, row: ConnectionRow) -> Self {
        let unmet = if row.peer == *ours { PeerState::Allowed } else { PeerState::Unknown };
        Self { peer_state: state.unwrap_or(unmet), request: row }
    }
}

/// Shows requests for connections, with what is known of all providers.
pub(super) struct Connections<'a> {
    ours: &'a Provider,
    states: HashMap<&'a Provider, PeerState>,
}

impl<'a> Connections<'a> {
    pub(super) fn new(ours: &'a Provider, peers: &'a [PeerRow]) -> Self {
        Self { ours, states: peers.iter().map(|peer| (&peer.provider, peer.state)).collect() }
    }

    pub(super) fn show(&self, rows: Vec<ConnectionRow>) -> Vec<ShownConnection> {
        let show = |row: ConnectionRow| {
            let state = self.states.get(&row.peer).copied();
            ShownConnection::with(self.ours, state, row)
        };
        rows.into_iter().map(show).collect()
    }
}

/// A request to add somebody to a group, or what became of it.
#[derive(Clone, Debug)]
pub struct ShownAddition {
    /// The request.
    pub request: AuthorizationRow,
    /// The group's name, where it is known here and anything is seen of it.
    pub group_name: Option<String>,
    /// Whether the user was added under it, or is in the group anyway.
    pub is_used: bool,
}

/// Shows requests to add, and reads each of their groups once.
pub(super) struct Additions<'a> {
    view: &'a View<'a>,
    /// The number and the name of each group that was looked for.
    groups: HashMap<GroupUri, Option<(i64, Option<String>)>>,
}

impl<'a> Additions<'a> {
    pub(super) fn new(view: &'a View<'a>) -> Self {
        Self { view, groups: HashMap::new() }
    }

    pub(super) fn show(&mut self, row: AuthorizationRow) -> Result<ShownAddition, StoreFault> {
        let group = match self.groups.get(&row.about.group) {
            Some(known) => known.clone(),
            None => {
                let found = look_up(self.view, &row.about.group)?;
                self.groups.entry(row.about.group.clone()).or_insert(found).clone()
            }
        };
        let (id, group_name) = group.unzip();
        let is_used = row.state == ConnectionState::Approved
            && (row.about.used || id.map_or(Ok(false), |id| self.view.is_member(id, &row.to))?);
        Ok(ShownAddition { request: row, group_name: group_name.flatten(), is_used })
    }
}

fn look_up(view: &View<'_>, group: &GroupUri) -> Result<Option<(i64, Option<String>)>, StoreFault> {
    let Some(row) = view.group(group)? else { return Ok(None) };
    Ok(Some((row.id, group_name(view, row.id)?)))
}

/// The name of a group, where anything is seen of it: a client of another make may have given one of which nothing is.
pub(super) fn group_name(view: &View<'_>, id: i64) -> Result<Option<String>, StoreFault> {
    let name = view.policy(id)?.map(|policy| policy.name);
    Ok(name.filter(|name| !shows_nothing(name)))
}

impl Operator {
    /// All requests and connections, the newest first.
    pub async fn connections(&self) -> Result<Vec<ShownConnection>, ReadFault> {
        let ours = self.ground.ours.clone();
        let read =
            self.store.read(move |view| Ok(Connections::new(&ours, &view.peers()?).show(view.requests()?)));
        read.await
    }

    /// The connection that `row` is about.
    pub async fn show_connection(&self, row: ConnectionRow) -> Result<ShownConnection, ReadFault> {
        let ours = self.ground.ours.clone();
        self.store.read(move |view| Ok(ShownConnection::of(view, &ours, row)?)).await
    }

    /// Whether two users are connected.
    pub async fn are_connected(&self, one: UserUri, other: UserUri) -> Result<bool, ReadFault> {
        self.store.read(move |view| Ok(view.are_connected(&one, &other)?)).await
    }

    /// Whether a user here is connected with one of `provider`.
    pub async fn is_connected_with(&self, provider: Provider) -> Result<bool, ReadFault> {
        self.store.read(move |view| Ok(view.count_connected_pairs_with(&provider)? > 0)).await
    }

    /// All requests to add, the newest first.
    pub async fn additions(&self) -> Result<Vec<ShownAddition>, ReadFault> {
        let read = self.store.read(|view| {
            let mut additions = Additions::new(view);
            let rows = view.requests::<Addition>()?.into_iter();
            rows.map(|row| Ok(additions.show(row)?)).collect()
        });
        read.await
    }

    /// The addition that `row` is about.
    pub async fn show_addition(&self, row: AuthorizationRow) -> Result<ShownAddition, ReadFault> {
        self.store.read(|view| Ok(Additions::new(view).show(row)?)).await
    }

    /// The request `id` to add somebody to `group`.
    pub async fn addition(&self, id: Id, group: GroupUri) -> Result<Option<ShownAddition>, ReadFault> {
        let read = self.store.read(move |view| {
            let row = view.requests_by_id::<Addition>(id)?.into_iter().find(|row| row.about.group == group);
            Ok(row.map(|row| Additions::new(view).show(row)).transpose()?)
        });
        read.await
    }

    /// What `adder`, who lives here, has asked to add to `group`, the newest first.
    pub async fn additions_by(
        &self,
        adder: UserUri,
        group: GroupUri,
    ) -> Result<Vec<AuthorizationRow>, ReadFault> {
        self.store.read(move |view| Ok(view.additions_asked(&adder, &group)?)).await
    }
}
