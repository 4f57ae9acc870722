//! What waits for the operator, what was decided, and the deciding.

use std::collections::HashMap;
use std::time::Duration;

use drawbridge_mtp::id::{Id, Provider};
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_node::Node;
use drawbridge_node::store::{ConnectionRow, PeerRow, StoreFault, View};

use crate::additions::Additions;
use crate::convert;
use crate::error::AdminError;
use crate::host::Host;
use crate::request::{
    Connect, Connecting, Connections, DecideConnection, Empty, NamedPeer, Rules, SetPeer, SetRule,
    StandingRule,
};
use crate::view::{Approvals, Connection, Decided, DecidedBy, Peer, Rule, WaitingProvider};

const DECIDED: usize = 500;

/// The requests that wait for the operator: one for each pair of users.
pub(crate) fn waiting(rows: &[ConnectionRow]) -> impl Iterator<Item = &ConnectionRow> {
    rows.iter()
        .enumerate()
        .filter(|(place, row)| {
            is_incoming_open(row) && {
                let pair = |other: &&ConnectionRow| {
                    is_incoming_open(other) && (&other.from, &other.to) == (&row.from, &row.to)
                };
                !rows[..*place].iter().any(|other| pair(&other))
            }
        })
        .map(|(_, row)| row)
}

fn is_incoming_open(row: &ConnectionRow) -> bool {
    !row.outgoing && row.state == ConnectionState::Pending && !row.ignored
}

pub(crate) async fn approvals(host: &Host, Empty {}: Empty) -> Result<Approvals, AdminError> {
    let node = host.node().await?;
    let ours = node.provider().clone();
    let seen = node.store().read(move |view| {
        Ok::<_, StoreFault>((with_keys(view)?, view.connections()?, Additions::read(view, &ours)?))
    });
    let (peers, rows, additions) = seen.await?;
    let states: HashMap<_, _> = peers.iter().map(|(peer, ..)| (peer.provider.clone(), peer.state)).collect();
    let show = |row: &ConnectionRow| {
        let state = if row.peer == *node.provider() { PeerState::Allowed } else { PeerState::Unknown };
        convert::connection(row.clone(), states.get(&row.peer).copied().unwrap_or(state))
    };
    let incoming = waiting(&rows).map(show).collect();
    let outgoing =
        rows.iter().filter(|row| row.outgoing && row.state == ConnectionState::Pending).map(show).collect();
    let mut providers: Vec<_> = peers
        .iter()
        .filter(|(peer, ..)| peer.state == PeerState::Pending && !peer.ignored)
        .map(|(peer, keys, held)| waiting_provider(&node, peer, keys, *held))
        .collect();
    providers.sort_unstable_by_key(|provider| std::cmp::Reverse(provider.since));

    let settled = |row: &&ConnectionRow| row.state != ConnectionState::Pending || row.ignored;
    let mut decided: Vec<_> = rows
        .iter()
        .filter(settled)
        .map(|row| (row.changed, Decided::Connection { connection: show(row) }))
        .chain(peers.iter().filter_map(|(peer, ..)| decided_provider(peer)))
        .chain(
            additions
                .rows
                .iter()
                .filter(|row| row.state != ConnectionState::Pending || row.ignored)
                .map(|row| (row.changed, Decided::Addition { addition: additions.show(row) })),
        )
        .collect();
    decided.sort_by(|(one, _), (other, _)| other.cmp(one));
    decided.truncate(DECIDED);
    let decided = decided.into_iter().map(|(_, decided)| decided).collect();
    Ok(Approvals {
        providers,
        incoming,
        outgoing,
        outgoing_additions: additions
            .rows
            .iter()
            .filter(|row| row.outgoing && row.state == ConnectionState::Pending)
            .map(|row| additions.show(row))
            .collect(),
        additions: additions.waiting().map(|row| additions.show(row)).collect(),
        decided,
    })
}

fn with_keys(view: &View<'_>) -> Result<Vec<(PeerRow, Vec<String>, u32)>, StoreFault> {
    view.peers()?
        .into_iter()
        .map(|peer| {
            let keys = view.accepted_keys(&peer.provider)?.iter().map(ToString::to_string).collect();
            let held = view.count_held(&peer.provider)?;
            Ok((peer, keys, held))
        })
        .collect()
}

fn waiting_provider(node: &Node, peer: &PeerRow, keys: &[String], held: u32) -> WaitingProvider {
    let days = node.config().limits.pending_days;
    WaitingProvider {
        provider: peer.provider.clone(),
        since: peer.since,
        expires: peer.since.plus(Duration::from_secs(u64::from(days) * 86_400)),
        waiting: node.is_awaited_by(&peer.provider),
        connections: held,
        fingerprints: keys.to_vec(),
        ignored: peer.ignored,
    }
}

fn decided_provider(peer: &PeerRow) -> Option<(drawbridge_mtp::time::Timestamp, Decided)> {
    let by: DecidedBy = peer.decided_by?.into();
    let (provider, state, at) = (peer.provider.clone(), peer.state, peer.since);
    Some((at, Decided::Provider { provider, state, at, by }))
}

/// A request of `provider` that waits, for a notification.
pub(crate) async fn waiting_connection(node: &Node, provider: &Provider, id: Id) -> Option<Connection> {
    let peer = provider.clone();
    let read = node.store().read(move |view| {
        let row = view.connection(&peer, false, id)?;
        Ok::<_, StoreFault>(row.map(|row| (row, view.peer_state(&peer))))
    });
    let (row, state) = read.await.ok()??;
    Some(convert::connection(row, state.ok()?))
}

async fn show(node: &Node, row: ConnectionRow) -> Result<Connection, AdminError> {
    let peer = row.peer.clone();
    let state = node.store().read(move |view| view.peer_state(&peer)).await?;
    Ok(convert::connection(row, state))
}

pub(crate) async fn set_peer(host: &Host, ask: SetPeer) -> Result<Peer, AdminError> {
    let node = host.node().await?;
    if ask.state == PeerState::KeyChanged {
        return Err(AdminError::new("malformed", "state is allowed, blocked, pending or unknown"));
    }
    node.judge_peer(ask.provider.clone(), ask.state).await?;
    crate::peers::peer(host, NamedPeer { provider: ask.provider }).await
}

pub(crate) async fn ignore_peer(host: &Host, ask: NamedPeer) -> Result<Empty, AdminError> {
    host.node().await?.ignore_peer(ask.provider).await?;
    Ok(Empty {})
}

pub(crate) async fn decide_connection(host: &Host, ask: DecideConnection) -> Result<Connection, AdminError> {
    let node = host.node().await?;
    let standing = ask.standing.map(|StandingRule { whom, rule }| (whom.into(), rule.map(Into::into)));
    let row = node.decide_connection_with(ask.id, ask.from_provider, ask.decision.into(), standing).await?;
    show(&node, row).await
}

pub(crate) async fn connect(host: &Host, ask: Connect) -> Result<Connecting, AdminError> {
    let row = host.node().await?.connect(&ask.user, ask.to, ask.ttl.map(Duration::from_secs)).await?;
    Ok(Connecting { id: row.id })
}

pub(crate) async fn connections(host: &Host, Empty {}: Empty) -> Result<Connections, AdminError> {
    let node = host.node().await?;
    let rows = node.store().read(|view| {
        let rows = view.connections()?.into_iter();
        rows.map(|row| Ok((view.peer_state(&row.peer)?, row))).collect::<Result<Vec<_>, StoreFault>>()
    });
    let connections = rows.await?.into_iter().map(|(state, row)| convert::connection(row, state)).collect();
    Ok(Connections { connections })
}

pub(crate) async fn rules(host: &Host, Empty {}: Empty) -> Result<Rules, AdminError> {
    let rules = host.node().await?.store().read(|view| view.rules()).await?;
    let rules = rules.into_iter().map(|rule| Rule {
        user: rule.user,
        from: rule.source,
        rule: rule.kind.into(),
        since: rule.since,
    });
    Ok(Rules { rules: rules.collect() })
}

pub(crate) async fn set_rule(host: &Host, ask: SetRule) -> Result<Rules, AdminError> {
    host.node().await?.set_rule(ask.user, ask.from, ask.rule.map(Into::into)).await?;
    rules(host, Empty {}).await
}
