//! The installation at a glance, and what it is.

use std::time::Duration;

use drawbridge_mtp::id::{ClientUri, GroupUri};
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;
use drawbridge_node::Node;
use drawbridge_node::ambient::{Ambient, System};
use drawbridge_node::store::{Addition, Connection, Standing, StoreFault, View};

use crate::built_in_clients::BuiltInClients;
use crate::convert::count_connected;
use crate::error::AdminError;
use crate::health::{self, Facts};
use crate::host::Host;
use crate::request::{
    Connecting, DemoAsk, Empty, LookAtDemoNode, NamedSession, RunDemoNode, SetStrangers, SetUp, TellDeclined,
};
use crate::stock;
use crate::view::{Demo, Event, Incident, Listener, NodeStatus, Ourselves, Sessions, Status};
use crate::waiting::Waiting;

const INCIDENTS: u32 = 20;

pub(crate) async fn status(host: &Host, Empty {}: Empty) -> Result<Status, AdminError> {
    let mode = host.mode().await;
    let (now, node) = match host.node().await {
        Ok(node) => (node.now(), Some(node_status(&node, &host.built_in_clients().await?).await?)),
        Err(_) => (System.now(), None),
    };
    Ok(Status { mode, version: env!("CARGO_PKG_VERSION").to_owned(), now, node })
}

async fn node_status(node: &Node, built_in: &BuiltInClients) -> Result<NodeStatus, AdminError> {
    let ours = node.provider().clone();
    let peers = crate::peers::list(node).await?;
    let now = node.now();
    let (waiting, connections, users, troubles, broken, spent) = node
        .store()
        .read(move |view| {
            let connections = view.requests::<Connection>()?;
            Ok::<_, StoreFault>((
                Waiting::among(&view.peers()?, &connections, &view.requests::<Addition>()?),
                count_connected(connections.iter()),
                view.users()?,
                view.latest_troubles(INCIDENTS)?,
                broken_groups(view)?,
                stock::spent(view, &ours, now)?,
            ))
        })
        .await?;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let allowed = || peers.iter().filter(|peer| peer.state == PeerState::Allowed);
    let failing = allowed().filter(|peer| health::is_unreachable(peer));
    let own = Ourselves::from(node.ourselves());
    let health = health::judge(&Facts {
        own: &own,
        now: node.now(),
        started: node.started(),
        peers: &peers,
        waiting: waiting.total(),
        broken: &broken,
        spent: &wanting(spent, built_in),
    });
    let listening = node.listening();
    let mut listeners = vec![Listener { name: "mtp".into(), address: listening.mtp.to_string(), tls: true }];
    if let Some(address) = listening.client {
        listeners.push(Listener {
            name: "client".into(),
            address: address.to_string(),
            tls: listening.client_tls,
        });
    }
    let minute_ago = node
        .now()
        .as_millis()
        .saturating_sub(u64::try_from(Duration::from_secs(60).as_millis()).unwrap_or(0));
    Ok(NodeStatus {
        health,
        provider: node.provider().clone(),
        started: node.started(),
        fingerprint: node.fingerprint().to_string(),
        endpoint: node.endpoint().to_string(),
        strangers: node.strangers().into(),
        tell_declined: node.tells_declined(),
        waiting_providers: count(waiting.providers),
        waiting_connections: count(waiting.connections),
        waiting_additions: count(waiting.additions),
        peers: count(allowed().count()),
        failing_peers: count(failing.count()),
        users: count(users.len()),
        connections,
        pulls_last_minute: count(node.traffic().pulls_since(Timestamp::from_millis(minute_ago))),
        waiting_pulls: count(node.waiting_pulls()),
        listeners,
        data_dir: node.config().data_dir.display().to_string(),
        store_bytes: node.store().size(),
        ourselves: own,
        incidents: troubles
            .into_iter()
            .map(|(provider, trouble)| Incident { provider, trouble: trouble.into() })
            .collect(),
    })
}

/// Those of the clients without fresh KeyPackages that somebody has to start. One that is built in and runs publishes others
/// within a minute.
fn wanting(mut spent: Vec<ClientUri>, built_in: &BuiltInClients) -> Vec<ClientUri> {
    spent.retain(|client| !built_in.runs(client));
    spent
}

fn broken_groups(view: &View<'_>) -> Result<Vec<GroupUri>, StoreFault> {
    let groups = view.groups()?.into_iter().filter(|group| group.standing == Standing::Broken);
    Ok(groups.map(|group| group.uri).collect())
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
    host.with_demo(async |federation| federation.run(&ask.name, ask.running).await).await?;
    host.publish(Event::Demo);
    Ok(Empty {})
}

pub(crate) async fn demo_ask(host: &Host, ask: DemoAsk) -> Result<Connecting, AdminError> {
    let id = host.with_demo(async |federation| federation.ask(&ask.from, &ask.to).await).await?;
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

pub(crate) async fn strangers(host: &Host, ask: SetStrangers) -> Result<SetStrangers, AdminError> {
    host.node().await?.set_strangers(ask.mode.into()).await?;
    Ok(ask)
}

pub(crate) async fn tell_declined(host: &Host, ask: TellDeclined) -> Result<TellDeclined, AdminError> {
    host.node().await?.set_tells_declined(ask.on).await?;
    Ok(ask)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::keys::KeyPlace;

    #[tokio::test]
    async fn a_built_in_client_that_runs_is_not_named_for_want_of_keys_that_it_makes_by_itself() {
        let home = tempfile::tempdir().unwrap();
        let host = Host::open(home.path(), KeyPlace::File).await.unwrap();
        let ask = json!({ "provider": "home.example:9", "listen": "127.0.0.1:0", "user": "ann" });
        crate::commands::call(&host, "set-up", ask).await.unwrap();
        let (node, built_in) = (host.node().await.unwrap(), host.built_in_clients().await.unwrap());
        let is_stocked = async || {
            let users = crate::accounts::users(&host, Empty {}).await.unwrap().users;
            users[0].clients[0].stock.as_ref().is_some_and(|stock| stock.available > 0)
        };
        while !is_stocked().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // As where a peer has shown that the store is an older copy.
        node.store().write(|tx| tx.discard_key_packages()).await.unwrap();
        let (ours, now) = (node.provider().clone(), node.now());
        let spent = node.store().read(move |view| stock::spent(view, &ours, now)).await.unwrap();
        assert_eq!(spent.len(), 1, "it has its last resort left");
        assert_eq!(wanting(spent.clone(), &built_in), []);
        built_in.close();
        assert_eq!(wanting(spent.clone(), &built_in), spent, "nothing runs that makes them");
        host.stop().await;
    }
}
