//! What is shown is what is so: what the GUI is told, held against what the node and its peers have done, after each change.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use drawbridge_admin::{Event, Host, Subscription, commands};
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::policy::Policy;
use drawbridge_mtp::time::Timestamp;
use drawbridge_node::ambient::Ambient;
use drawbridge_node::config::Strangers;
use drawbridge_testkit::{Federation, MutualPeers, WAIT_LIMIT, policy};
use serde_json::{Value, json};

/// A screen: it reads what it shows anew whenever it is told to.
struct Screen {
    host: Host,
    events: Subscription,
}

impl Screen {
    fn of(host: Host) -> Self {
        let events = host.subscribe(None);
        Self { host, events }
    }

    /// Reads `command` after each event for which it is read again, until `is_so` of what it answers.
    async fn shows(&mut self, what: &str, command: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Value::Null;
        let shown = async {
            loop {
                seen = commands::call(&self.host, command, json!({})).await.unwrap();
                if is_so(&seen) {
                    return;
                }
                loop {
                    let concerns = match self.events.next().await.event {
                        Event::Reload => true,
                        Event::Peers => command == "peers",
                        Event::Group { .. } => command == "groups",
                        Event::Accounts => command == "status",
                        _ => false,
                    };
                    if concerns {
                        break;
                    }
                }
            }
        };
        if tokio::time::timeout(WAIT_LIMIT, shown).await.is_err() {
            panic!("it was never shown that {what}: {seen:#}");
        }
        seen
    }
}

fn of_peer<'a>(peers: &'a Value, provider: &Provider) -> &'a Value {
    let all = peers["peers"].as_array().unwrap();
    all.iter().find(|peer| peer["provider"] == json!(provider)).unwrap_or(&Value::Null)
}

fn last_pull(peers: &Value, provider: &Provider) -> Option<Timestamp> {
    serde_json::from_value(of_peer(peers, provider)["pulling"]["last_pull"].clone()).unwrap_or_default()
}

#[tokio::test]
async fn each_pull_that_is_answered_is_shown_also_one_with_nothing() {
    let federation = Federation::new();
    let peer = federation.scripted_peer();
    let config = federation.config(|config| config.peers.strangers = Strangers::Open);
    // It ends each wait with an empty page, after a time that a node takes for a wait.
    peer.responder().holds_at_most(Duration::from_millis(600));
    let mut screen = Screen::of(Host::serve(config).await.unwrap());
    let set = json!({"provider": peer.provider(), "state": "allowed"});
    commands::call(&screen.host, "set-peer", set).await.unwrap();
    commands::call(&screen.host, "create-user", json!({"name": "bob", "rule": "ask"})).await.unwrap();
    let connect = json!({"user": "bob", "to": peer.address("alice")});
    commands::call(&screen.host, "connect", connect).await.unwrap();
    let waits = |peers: &Value| of_peer(peers, peer.provider())["pulling"]["status"] == "waiting";
    screen.shows("it waits", "peers", waits).await;
    for _ in 0..2 {
        let before = federation.clock().now();
        let is_later =
            |peers: &Value| last_pull(peers, peer.provider()).is_some_and(|at| at >= before) && waits(peers);
        screen.shows("the pull was answered", "peers", is_later).await;
    }
    screen.host.stop().await;
}

#[tokio::test]
async fn a_client_that_has_only_its_last_resort_left_is_named_until_it_has_more() {
    let peers = MutualPeers::of(1).await;
    let ann = peers.client(0, "ann").await;
    let test_node = &peers.nodes[0];
    let tablet = test_node.client(ann.user(), "tablet").await;
    test_node.stop().await;
    let mut screen = Screen::of(Host::serve(test_node.config().clone()).await.unwrap());
    let is_spent = |status: &Value| status["node"]["health"]["code"] == "stock-spent";
    screen.shows("nothing is spent of what was never there", "status", |status| !is_spent(status)).await;
    tablet.publishes(0).await;
    let spent = screen.shows("it has its last resort left", "status", is_spent).await;
    let health = &spent["node"]["health"];
    assert_eq!((&health["about"], &health["count"]), (&json!(tablet.uri()), &json!(1)));
    tablet.publishes(20).await;
    screen.shows("it has more", "status", |status| !is_spent(status)).await;
    screen.host.stop().await;
}

#[tokio::test]
async fn a_group_named_so_that_nothing_is_seen_is_shown_as_one_without_a_name() {
    let peers = MutualPeers::of(1).await;
    let alice = peers.client(0, "alice").await;
    let unseen = Policy { name: "\u{202e}\u{2800} ".into(), ..policy(&[alice.user()]) };
    let group = peers.group_with("choir", &alice, &[], &unseen).await;
    let test_node = &peers.nodes[0];
    test_node.stop().await;
    let host = Host::serve(test_node.config().clone()).await.unwrap();
    let groups = commands::call(&host, "groups", json!({})).await.unwrap();
    let shown = &groups["groups"][0];
    assert_eq!((&shown["name"], &shown["group"]), (&json!(""), &json!(group)));
    host.stop().await;
}

#[tokio::test]
async fn a_group_whose_owner_is_away_is_not_shown_as_though_all_of_it_were_here() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!("it is of two") };
    let (alice, bob) = (peers.client(0, "alice").await, peers.client(1, "bob").await);
    peers.group("choir", &alice, &[&bob]).await;
    beta.stop().await;
    let mut screen = Screen::of(Host::serve(beta.config().clone()).await.unwrap());

    let away = |groups: &Value| groups["groups"][0]["owner_away_since"].clone();
    let is_here = |groups: &Value| groups["groups"][0]["standing"] == "live" && away(groups).is_null();
    screen.shows("its owner is there", "groups", is_here).await;
    let before = peers.federation.clock().now();
    alpha.stop().await;
    let gone = screen.shows("its owner is away", "groups", |groups| away(groups).is_string()).await;
    let since: Timestamp = serde_json::from_value(away(&gone)).unwrap();
    assert!(since <= before.plus(Duration::from_secs(60)), "it says when it was last reached");
    alpha.start().await;
    screen.shows("its owner is there again", "groups", is_here).await;
    screen.host.stop().await;
}

#[tokio::test]
async fn a_group_whose_owner_was_let_go_of_is_not_shown_as_one_of_which_more_comes() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!("it is of two") };
    let (alice, bob) = (peers.client(0, "alice").await, peers.client(1, "bob").await);
    peers.group("choir", &alice, &[&bob]).await;
    beta.stop().await;
    let mut screen = Screen::of(Host::serve(beta.config().clone()).await.unwrap());
    let let_go = |groups: &Value| groups["groups"][0]["owner_let_go"].as_bool();
    let is_there =
        |groups: &Value| let_go(groups) == Some(false) && groups["groups"][0]["standing"] == "live";
    screen.shows("its owner is there", "groups", is_there).await;
    // Otherwise it would ask to be let in again.
    alpha.stop().await;
    let judge = |state: &str| json!({ "provider": alpha.provider(), "state": state });
    commands::call(&screen.host, "set-peer", judge("unknown")).await.unwrap();
    let gone = screen.shows("its owner was let go of", "groups", |groups| let_go(groups) == Some(true)).await;
    let group = &gone["groups"][0];
    assert_eq!((&group["standing"], &group["owner_away_since"]), (&json!("live"), &Value::Null));
    commands::call(&screen.host, "set-peer", judge("allowed")).await.unwrap();
    screen.shows("its owner is let in again", "groups", |groups| let_go(groups) == Some(false)).await;
    screen.host.stop().await;
}
