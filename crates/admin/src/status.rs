//! The installation at a glance, and what it is.

use drawbridge_mtp::message::PeerState;
use drawbridge_node::Node;
use drawbridge_node::ambient::{Ambient, System};

use crate::built_in_clients::BuiltInClients;
use crate::convert::small;
use crate::error::AdminError;
use crate::health::{self, Facts};
use crate::host::Host;
use crate::request::{
    Connecting, DemoAsk, Empty, LookAtDemoNode, NamedSession, RunDemoNode, SetStrangers, SetUp, TellDeclined,
    TurnDemoSwitch,
};
use crate::view::{
    Demo, DemoSwitch, Event, Listener, NewerVersion, NodeStatus, Ourselves, Peer, PeerStandingCode, Sessions,
    SetUpLook, Status,
};

pub(crate) async fn status(host: &Host, Empty {}: Empty) -> Result<Status, AdminError> {
    let mode = host.mode().await;
    let (now, node) = match host.node().await {
        Ok(node) => (node.now(), Some(node_status(&node, &host.built_in_clients().await?).await?)),
        Err(_) => (System.now(), None),
    };
    Ok(Status { mode, version: env!("CARGO_PKG_VERSION").to_owned(), now, node })
}

pub(crate) async fn node_status(node: &Node, built_in: &BuiltInClients) -> Result<NodeStatus, AdminError> {
    let seen = node.operator().overview().await?;
    let peers: Vec<Peer> = seen.peers.into_iter().map(Into::into).collect();
    let allowed = || peers.iter().filter(|peer| peer.state == PeerState::Allowed);
    let failing = allowed().filter(|peer| peer.standing.code == PeerStandingCode::Failing);
    let mut not_raised = seen.not_raised;
    health::leave_out_stocking(&mut not_raised, built_in);
    let own = Ourselves::from(seen.ourselves);
    let health = health::judge(&Facts {
        own: &own,
        peers: &peers,
        repairs: &seen.repairs,
        not_raised: &not_raised,
        waiting: usize::try_from(seen.waiting.total()).unwrap_or(usize::MAX),
    });
    let listening = node.listening();
    let mut listeners =
        vec![Listener { name: "mtp".into(), address: listening.mtp.to_string(), tls: listening.mtp_tls }];
    if let Some(address) = listening.client {
        listeners.push(Listener {
            name: "client".into(),
            address: address.to_string(),
            tls: listening.client_tls,
        });
    }
    Ok(NodeStatus {
        health,
        provider: node.provider().clone(),
        started: seen.started,
        fingerprint: seen.fingerprint.to_string(),
        endpoint: node.endpoint().to_string(),
        strangers: seen.strangers.into(),
        tell_declined: seen.tells_declined,
        waiting_providers: small(seen.waiting.providers),
        waiting_connections: small(seen.waiting.connections),
        waiting_additions: small(seen.waiting.additions),
        peers: small(allowed().count()),
        failing_peers: small(failing.count()),
        newer: seen.newer.map(|newer| NewerVersion { version: newer.version, peers: small(newer.peers) }),
        users: small(seen.users),
        connections: small(seen.connections),
        pulls_last_minute: small(seen.pulls_last_minute),
        waiting_pulls: small(seen.waiting_pulls),
        listeners,
        data_dir: node.config().data_dir.display().to_string(),
        store_bytes: seen.store_bytes,
        ourselves: own,
    })
}

pub(crate) async fn look_at_set_up(host: &Host, ask: SetUp) -> Result<SetUpLook, AdminError> {
    host.look_at_set_up(&ask).await
}

pub(crate) async fn set_up(host: &Host, ask: SetUp) -> Result<Empty, AdminError> {
    host.set_up(ask).await.map(|()| Empty {})
}

pub(crate) async fn look_at_demo_node(host: &Host, ask: LookAtDemoNode) -> Result<Empty, AdminError> {
    host.look_at(&ask.name).await.map(|()| Empty {})
}

pub(crate) async fn start_demo(host: &Host, Empty {}: Empty) -> Result<Empty, AdminError> {
    host.start_demo().await.map(|()| Empty {})
}

pub(crate) async fn leave_demo(host: &Host, Empty {}: Empty) -> Result<Empty, AdminError> {
    host.leave_demo().await.map(|()| Empty {})
}

pub(crate) async fn demo(host: &Host, Empty {}: Empty) -> Result<Demo, AdminError> {
    host.demo().await
}

pub(crate) async fn run_demo_node(host: &Host, ask: RunDemoNode) -> Result<Empty, AdminError> {
    turn(host, &ask.name, DemoSwitch::Stopped, !ask.running).await
}

pub(crate) async fn demo_switch(host: &Host, ask: TurnDemoSwitch) -> Result<Empty, AdminError> {
    turn(host, &ask.provider, ask.switch, ask.on).await
}

async fn turn(host: &Host, name: &str, switch: DemoSwitch, on: bool) -> Result<Empty, AdminError> {
    let turned = host.federation().await?.turn(name, switch, on).await;
    host.publish(Event::Demo);
    turned.map(|()| Empty {})
}

pub(crate) async fn demo_ask(host: &Host, ask: DemoAsk) -> Result<Connecting, AdminError> {
    let id = host.federation().await?.ask(&ask.from, &ask.to).await?;
    Ok(Connecting { id })
}

pub(crate) async fn sessions(host: &Host, Empty {}: Empty) -> Result<Sessions, AdminError> {
    Ok(Sessions { sessions: host.sessions().list() })
}

pub(crate) async fn end_session(host: &Host, ask: NamedSession) -> Result<Empty, AdminError> {
    host.sessions().end(&ask.id)?;
    host.publish(Event::Settings);
    Ok(Empty {})
}

/// Has the certificate by ACME tried at once.
pub(crate) async fn try_issuance(host: &Host, ask: Empty) -> Result<Empty, AdminError> {
    host.node().await?.operator().try_issuance()?;
    Ok(ask)
}

pub(crate) async fn strangers(host: &Host, ask: SetStrangers) -> Result<SetStrangers, AdminError> {
    host.node().await?.operator().set_strangers(ask.mode.into()).await?;
    Ok(ask)
}

pub(crate) async fn tell_declined(host: &Host, ask: TellDeclined) -> Result<TellDeclined, AdminError> {
    host.node().await?.operator().set_tells_declined(ask.on).await?;
    Ok(ask)
}
