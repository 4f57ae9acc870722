//! What waits for the operator, what was decided, and the deciding.

use std::collections::HashMap;
use std::time::Duration;

use drawbridge_mtp::id::{Provider, UserUri};
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_mtp::time::Timestamp;
use drawbridge_node::store::{ConnectionRow, PeerRow, StoreFault, View};
use drawbridge_node::{Decided, Node, typed};

use crate::additions::{self, Additions};
use crate::convert;
use crate::error::AdminError;
use crate::host::Host;
use crate::request::{
    AuthorizationDecided, Authorizations, Connect, Connecting, ConnectionDecided, Connections,
    DecideAuthorization, DecideConnection, Empty, NamedPeer, PeerJudged, Rules, SetAddRule, SetPeer, SetRule,
    StandingRule, Undo,
};
use crate::view::{self, Approvals, Connection, DecidedBy, Rule, WaitingProvider};
use crate::waiting;

const DECIDED: usize = 500;

pub(crate) async fn approvals(host: &Host, Empty {}: Empty) -> Result<Approvals, AdminError> {
    let node = host.node().await?;
    let (ours, now) = (node.provider().clone(), node.now());
    let seen = node.store().read(move |view| {
        Ok::<_, StoreFault>((with_keys(view, now)?, view.requests()?, Additions::read(view, &ours)?))
    });
    let (peers, rows, additions) = seen.await?;
    let states: HashMap<_, _> = peers.iter().map(|(peer, ..)| (peer.provider.clone(), peer.state)).collect();
    let show = |row: &ConnectionRow| {
        let state = if row.peer == *node.provider() { PeerState::Allowed } else { PeerState::Unknown };
        convert::connection(row.clone(), states.get(&row.peer).copied().unwrap_or(state))
    };
    let incoming = waiting::connections(&rows).map(show).collect();
    let outgoing =
        rows.iter().filter(|row| row.outgoing && row.state == ConnectionState::Pending).map(show).collect();
    let mut providers: Vec<_> = peers
        .iter()
        .filter(|(peer, ..)| waiting::is_provider_waiting(peer))
        .map(|(peer, keys, held)| waiting_provider(&node, peer, keys, *held))
        .collect();
    providers.sort_unstable_by_key(|provider| std::cmp::Reverse(provider.since));

    let settled = |row: &&ConnectionRow| row.state != ConnectionState::Pending || row.ignored;
    let mut decided: Vec<_> = rows
        .iter()
        .filter(settled)
        .map(|row| (row.changed, view::Decided::Connection { connection: show(row) }))
        .chain(peers.iter().filter_map(|(peer, ..)| decided_provider(peer)))
        .chain(
            additions
                .rows
                .iter()
                .filter(|row| row.state != ConnectionState::Pending || row.ignored)
                .map(|row| (row.changed, view::Decided::Addition { addition: additions.show(row) })),
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
        additions: waiting::additions(&additions.rows).map(|row| additions.show(row)).collect(),
        decided,
    })
}

fn with_keys(view: &View<'_>, now: Timestamp) -> Result<Vec<(PeerRow, Vec<String>, u32)>, StoreFault> {
    view.peers()?
        .into_iter()
        .map(|peer| {
            let keys = view.accepted_keys(&peer.provider)?.iter().map(ToString::to_string).collect();
            let (held, _) = view.held(&peer.provider, now)?;
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

fn decided_provider(peer: &PeerRow) -> Option<(Timestamp, view::Decided)> {
    let by: DecidedBy = peer.decided_by?.into();
    let (provider, state, at) = (peer.provider.clone(), peer.state, peer.since);
    Some((at, view::Decided::Provider { provider, state, at, by }))
}

async fn show(node: &Node, row: ConnectionRow) -> Result<Connection, AdminError> {
    let peer = row.peer.clone();
    let state = node.store().read(move |view| view.peer_state(&peer)).await?;
    Ok(convert::connection(row, state))
}

pub(crate) async fn set_peer(host: &Host, ask: SetPeer) -> Result<PeerJudged, AdminError> {
    let node = host.node().await?;
    if ask.state == PeerState::KeyChanged {
        return Err(AdminError::new("malformed", "state is allowed, blocked, pending or unknown"));
    }
    let undo = node.judge_peer(ask.provider.clone(), ask.state).await?.undo;
    Ok(PeerJudged { peer: crate::peers::peer(host, NamedPeer { provider: ask.provider }).await?, undo })
}

pub(crate) async fn ignore_peer(host: &Host, ask: NamedPeer) -> Result<PeerJudged, AdminError> {
    let undo = host.node().await?.ignore_peer(ask.provider.clone()).await?.undo;
    Ok(PeerJudged { peer: crate::peers::peer(host, ask).await?, undo })
}

pub(crate) async fn decide_connection(
    host: &Host,
    ask: DecideConnection,
) -> Result<ConnectionDecided, AdminError> {
    let node = host.node().await?;
    let DecideConnection { id, decision, from_provider, standing, admit } = ask;
    let standing = standing.map(|StandingRule { whom, rule }| (whom.into(), rule.map(Into::into)));
    let Decided { now, undo } =
        node.decide_connection_with(id, from_provider, decision.into(), standing, admit).await?;
    Ok(ConnectionDecided { connection: show(&node, now).await?, undo })
}

pub(crate) async fn decide_authorization(
    host: &Host,
    ask: DecideAuthorization,
) -> Result<AuthorizationDecided, AdminError> {
    let node = host.node().await?;
    let rule = ask.rule.map(Into::into);
    let Decided { now, undo } =
        node.decide_authorization_with(ask.id, ask.from_provider, ask.decision.into(), rule).await?;
    Ok(AuthorizationDecided { authorization: additions::shown(&node, &now).await?, undo })
}

pub(crate) async fn undo(host: &Host, ask: Undo) -> Result<Empty, AdminError> {
    host.node().await?.undo(ask.undo).await?;
    Ok(Empty {})
}

pub(crate) async fn connect(host: &Host, ask: Connect) -> Result<Connecting, AdminError> {
    let row = host.node().await?.connect(&ask.user, ask.to, ask.ttl.map(Duration::from_secs)).await?;
    Ok(Connecting { id: row.id })
}

pub(crate) async fn connections(host: &Host, Empty {}: Empty) -> Result<Connections, AdminError> {
    let node = host.node().await?;
    let rows = node.store().read(|view| {
        let rows = view.requests()?.into_iter();
        rows.map(|row| Ok((view.peer_state(&row.peer)?, row))).collect::<Result<Vec<_>, StoreFault>>()
    });
    let connections = rows.await?.into_iter().map(|(state, row)| convert::connection(row, state)).collect();
    Ok(Connections { connections })
}

pub(crate) async fn authorizations(host: &Host, Empty {}: Empty) -> Result<Authorizations, AdminError> {
    let additions = Additions::of(&host.node().await?).await?;
    let authorizations = additions.rows.iter().map(|row| additions.show(row)).collect();
    Ok(Authorizations { authorizations })
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

/// Whose requests a standing decision is about: a user, where an address of one was typed, else a provider.
fn source(text: &str) -> Result<String, AdminError> {
    let user = typed::user(text).ok().as_ref().map(UserUri::to_string);
    let source = user
        .map_or_else(|| typed::provider(text).as_ref().map(Provider::to_string).map_err(Clone::clone), Ok);
    source.map_err(|fault| AdminError::new("not-understood", fault.to_string()))
}

pub(crate) async fn set_rule(host: &Host, ask: SetRule) -> Result<Rules, AdminError> {
    let source = source(&ask.from)?;
    host.node().await?.set_rule(ask.user, source, ask.rule.map(Into::into)).await?;
    rules(host, Empty {}).await
}

pub(crate) async fn set_add_rule(host: &Host, ask: SetAddRule) -> Result<Empty, AdminError> {
    host.node().await?.set_add_rule(ask.user, ask.other, ask.rule.into()).await?;
    Ok(Empty {})
}
