//! How strangers become peers, what they may ask meanwhile, and whom we ask (`docs/mtp.md`, section 6).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use drawbridge_mtp::message::{ConnectionState as State, PeerState};
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_node::ambient::Ambient;
use drawbridge_node::config::Strangers;
use drawbridge_node::store::Connection;
use drawbridge_node::{Decision, Misuse, Node, PullingStatus};
use drawbridge_testkit::{Federation, ScriptedGroup, ScriptedPeer, TestNode, connected_to_scripted_peer};
use http::{Method, StatusCode};
use serde_json::{Value, json};

const A_DAY: Duration = Duration::from_secs(86_400);

/// Alice of a provider, and a stranger whose requests the test writes.
struct Scene {
    federation: Federation,
    alpha: TestNode,
    peer: ScriptedPeer,
}

impl Scene {
    async fn with(strangers: Strangers) -> Self {
        let federation = Federation::new();
        let alpha = federation.node(|config| config.peers.strangers = strangers).await;
        alpha.user("alice").await;
        let peer = federation.scripted_peer();
        Self { federation, alpha, peer }
    }

    fn request_from(&self, from: &str) -> Value {
        self.peer.request(&self.peer.address(from), &self.alpha.address("alice"))
    }

    async fn posts(&self, resource: &str, content: &Value) -> (StatusCode, Value) {
        let heard = self.peer.posts(self.alpha.provider(), resource, content).send().await;
        (heard.status, heard.json())
    }

    async fn gets(&self, resource: &str) -> (StatusCode, Value) {
        let heard = self.peer.gets(self.alpha.provider(), resource).send().await;
        (heard.status, heard.json())
    }

    async fn deletes(&self, request: &Value) -> StatusCode {
        let resource = format!("/connections/{}", request["id"].as_str().unwrap());
        self.peer.draft(self.alpha.provider(), Method::DELETE, &resource).send().await.status
    }
}

fn pending() -> (StatusCode, Value) {
    (StatusCode::ACCEPTED, json!({"state": "pending"}))
}

#[tokio::test]
async fn who_introduces_itself_again_is_told_how_it_stands_and_changes_nothing() {
    let scene = Scene::with(Strangers::Ask).await;
    let introduces = || async { scene.posts("/peering", &json!({"text": "Let me in!"})).await };
    assert_eq!(introduces().await, pending());
    let waiting = async || scene.alpha.reads(|view| view.peers_in(PeerState::Pending)).await;
    let before = waiting().await;
    assert_eq!(before.iter().map(|peer| &peer.provider).collect::<Vec<_>>(), [scene.peer.provider()]);
    let (status, told) = scene.gets("/peering").await;
    assert_eq!(
        (status, told),
        (StatusCode::OK, json!({"state": "pending", "since": before[0].since})),
        "since when"
    );
    scene.federation.clock().turn(Duration::from_secs(600));
    assert_eq!(introduces().await, pending());
    let after = waiting().await;
    assert_eq!((after.len(), after[0].since), (1, before[0].since));

    scene.alpha.allows(scene.peer.provider()).await;
    for _ in 0..2 {
        assert_eq!(introduces().await, (StatusCode::OK, json!({"state": "allowed"})));
    }
}

#[tokio::test]
async fn who_waits_for_a_decision_is_answered_when_its_time_is_over() {
    let scene = Scene::with(Strangers::Ask).await;
    scene.posts("/peering", &json!({})).await;
    let began = Instant::now();
    let (status, told) = scene.gets("/peering?wait=2").await;
    assert_eq!((status, &told["state"]), (StatusCode::OK, &json!("pending")));
    assert!(began.elapsed() >= Duration::from_secs(2), "it was held for {:?}", began.elapsed());
}

#[tokio::test]
async fn a_ping_tells_the_time_the_state_and_the_address_of_who_asks() {
    let scene = Scene::with(Strangers::Ask).await;
    let before = scene.federation.clock().now();
    let (status, mut pong) = scene.gets("/ping").await;
    let now = serde_json::from_value(pong["now"].take()).unwrap();
    assert!((before..=scene.federation.clock().now()).contains(&now), "{now}");
    let expected = json!({"now": null, "state": "unknown", "your_address": "127.0.0.1"});
    assert_eq!((status, pong), (StatusCode::OK, expected));
}

#[tokio::test]
async fn what_was_refused_counts_until_it_expires() {
    let scene = Scene::with(Strangers::Ask).await;
    for name in ["bob", "bea", "ben", "bill", "bo"] {
        let request = scene.request_from(name);
        assert_eq!(scene.posts("/connections", &request).await.0, StatusCode::ACCEPTED);
        let id = request["id"].as_str().unwrap().parse().unwrap();
        scene.alpha.decides(id, Decision::Decline).await;
    }
    assert_eq!(
        scene.posts("/connections", &scene.request_from("berta")).await.0,
        StatusCode::TOO_MANY_REQUESTS
    );
    scene.federation.clock().turn(Duration::from_secs(3600));
    assert_eq!(scene.posts("/connections", &scene.request_from("berta")).await.0, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_strangers_request_introduces_it_and_may_be_taken_back() {
    let scene = Scene::with(Strangers::Ask).await;
    let request = scene.request_from("bob");
    assert_eq!(scene.posts("/connections", &request).await.0, StatusCode::ACCEPTED);
    scene.alpha.sees_peer(scene.peer.provider(), PeerState::Pending).await;
    assert_eq!(scene.deletes(&request).await, StatusCode::NO_CONTENT);
    scene.alpha.sees(request["id"].as_str().unwrap().parse().unwrap(), State::Ended).await;
    let add = scene.peer.request_to_add(
        &scene.peer.address("bob"),
        &scene.alpha.group("picnic"),
        &scene.alpha.address("alice"),
    );
    for (resource, content) in
        [("/authorizations", &add), ("/keypackages/claim", &json!({})), ("/submissions", &json!({}))]
    {
        scene.peer.posts(scene.alpha.provider(), resource, content).expect_refusal(Code::PeerPending).await;
    }
}

#[tokio::test]
async fn under_a_list_a_stranger_is_told_that_it_waits_and_nothing_of_it_is_kept() {
    let scene = Scene::with(Strangers::Listed).await;
    let state = || async {
        let (ping, peering) = (scene.gets("/ping").await, scene.gets("/peering").await);
        (ping.1["state"].clone(), peering.1["state"].clone())
    };
    assert_eq!(state().await, (json!("pending"), json!("pending")));
    assert_eq!(scene.posts("/peering", &json!({})).await, pending());
    let (request, overtaken) = (scene.request_from("bob"), scene.request_from("bea"));
    assert_eq!(scene.deletes(&overtaken).await, StatusCode::NO_CONTENT);
    for asked in [&request, &overtaken] {
        let (status, told) = scene.posts("/connections", asked).await;
        assert_eq!((status, &told["state"]), (StatusCode::ACCEPTED, &json!("pending")));
    }
    assert_eq!(scene.deletes(&request).await, StatusCode::NO_CONTENT);
    assert_eq!(state().await, (json!("pending"), json!("pending")));
    let kept = scene.alpha.reads(|view| Ok((view.peers()?, view.requests::<Connection>()?))).await;
    assert_eq!(kept, (Vec::new(), Vec::new()));

    // What it took back was forgotten too.
    scene.alpha.allows(scene.peer.provider()).await;
    for asked in [&request, &overtaken] {
        let (status, told) = scene.posts("/connections", asked).await;
        assert_eq!((status, &told["state"]), (StatusCode::ACCEPTED, &json!("pending")));
    }
}

#[tokio::test]
async fn who_is_asked_is_let_in_unless_it_is_shut_out() {
    let scene = Scene::with(Strangers::Ask).await;
    let (alice, other) = (scene.alpha.user("anna").await, scene.federation.scripted_peer());
    alice.asks_to_connect(&other.address("bob")).await;
    scene.alpha.sees_peer(other.provider(), PeerState::Allowed).await;

    scene.posts("/peering", &json!({})).await;
    scene.alpha.sees_peer(scene.peer.provider(), PeerState::Pending).await;
    alice.asks_to_connect(&scene.peer.address("bob")).await;
    scene.alpha.sees_peer(scene.peer.provider(), PeerState::Allowed).await;

    for state in [PeerState::Blocked, PeerState::KeyChanged] {
        scene.alpha.sets_peer(scene.peer.provider(), state).await;
        let refused = alice.tries_to_connect(&scene.peer.address("bea"), None).await;
        assert!(matches!(refused, Err(Misuse::Unfit(_))), "{refused:?}");
        scene.alpha.sees_peer(scene.peer.provider(), state).await;
    }
}

#[tokio::test]
async fn who_is_shut_out_is_asked_for_nothing() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    let beta = &peers.nodes[0];
    for state in [PeerState::Blocked, PeerState::KeyChanged] {
        // At the peer, since a pull that waits for us may still be on its way there.
        beta.until_node("it pulls", |_| eve.responder().is_pulled()).await;
        beta.sets_peer(eve.provider(), state).await;
        beta.until_node("its pull is given up", |_| !eve.responder().is_pulled()).await;
        let before = eve.responder().asked();
        // All that Ben's client, and he himself, can have it asked for.
        assert_eq!(ben.status(&tea.group).await.unwrap_err().known(), Some(Code::Unavailable));
        assert_eq!(ben.info(&tea.group).await.unwrap_err().known(), Some(Code::Unavailable));
        ben.tries_to_submit(&tea.group, vec![ben.says(&tea.group, "hello")]).await.unwrap();
        beta.node().operator().retry_peer(eve.provider()).await;
        assert_eq!(eve.responder().asked(), before, "{state}");
        beta.allows(eve.provider()).await;
    }
}

#[tokio::test]
async fn who_waits_for_a_fortnight_is_forgotten() {
    let scene = Scene::with(Strangers::Ask).await;
    let later = scene.federation.scripted_peer();
    scene.posts("/peering", &json!({})).await;
    scene.federation.clock().turn(A_DAY);
    later.posts(scene.alpha.provider(), "/peering", &json!({})).send().await;
    scene.federation.clock().turn(13 * A_DAY);
    let left = scene
        .alpha
        .until("the first is forgotten", |view| {
            Ok(Some(view.peers_in(PeerState::Pending)?).filter(|peers| peers.len() < 2))
        })
        .await;
    assert_eq!(left.iter().map(|peer| &peer.provider).collect::<Vec<_>>(), [later.provider()]);
    assert_eq!(scene.gets("/ping").await.1["state"], "unknown");
}

/// A peer that answers each request for its decision at once is asked less and less often.
#[tokio::test]
async fn who_is_pending_there_waits_there_with_the_pullers_backoff() {
    let scene = Scene::with(Strangers::Ask).await;
    let decided = Arc::new(AtomicBool::new(false));
    let state = decided.clone();
    scene.peer.responder().refuses(move |_, path| {
        let refused = path == "/feed" && !state.load(Ordering::SeqCst);
        refused.then(|| Problem::new(Code::PeerPending, "not yet"))
    });
    let state = decided.clone();
    let told = move || if state.load(Ordering::SeqCst) { "allowed" } else { "pending" };
    let again = told.clone();
    scene.peer.responder().answers("/peering", move |_| (StatusCode::ACCEPTED, json!({"state": told()})));
    scene.peer.responder().shows("/peering", move |query| {
        assert_eq!(query, "wait=55");
        json!({"state": again()}).to_string().into_bytes()
    });
    scene.alpha.user("anna").await.asks_to_connect(&scene.peer.address("bob")).await;
    let backs_off = |node: &Node| {
        node.operator()
            .pulling(scene.peer.provider())
            .is_some_and(|pulling| pulling.status == PullingStatus::BackingOff && pulling.failures >= 2)
    };
    scene.alpha.until_node("it backs off", backs_off).await;
    let waits = scene.peer.responder().times_asked(&Method::GET, "/peering");
    let tries = scene.peer.responder().times_asked(&Method::GET, "/feed");
    assert!(waits <= tries, "{waits} requests waited at the peer in {tries} tries");

    decided.store(true, Ordering::SeqCst);
    let is_pulled = |node: &Node| {
        node.operator()
            .pulling(scene.peer.provider())
            .is_some_and(|pulling| pulling.status == PullingStatus::Waiting)
    };
    scene.alpha.until_node("it is pulled", is_pulled).await;
}
