//! What becomes of requests for connections, and of what rests on them (`docs/mtp.md`, sections 7 and 8), as a peer made by
//! hand is told of it.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use drawbridge_mtp::id::{Id, UserUri};
use drawbridge_mtp::message::{ConnectionItem, ConnectionState as State, FeedPage, ItemBody, PeerState};
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_node::Decision;
use drawbridge_node::ambient::Ambient;
use drawbridge_testkit::{Federation, ScriptedPeer, TestNode, federation};
use http::{Method, StatusCode};
use serde_json::{Value, json};

const AN_HOUR: Duration = Duration::from_secs(3600);

/// Alice of a provider that has let in a scripted peer.
struct Scene {
    federation: Federation,
    alpha: TestNode,
    peer: ScriptedPeer,
    alice: UserUri,
}

impl Scene {
    async fn new() -> Self {
        let scene = Self::of_strangers().await;
        scene.alpha.allows(scene.peer.provider()).await;
        scene
    }

    async fn of_strangers() -> Self {
        let federation = Federation::new();
        let alpha = federation.node(|config| config.limits.stranger_requests = 10_000).await;
        let alice = alpha.user("alice").await.uri().clone();
        let peer = federation.scripted_peer();
        Self { federation, alpha, peer, alice }
    }

    fn request_from(&self, from: &str) -> Value {
        self.peer.request(&self.peer.address(from), &self.alice)
    }

    async fn sends(&self, request: &Value) -> (StatusCode, Value) {
        let heard = self.peer.posts(self.alpha.provider(), "/connections", request).send().await;
        assert_eq!(heard.json()["id"], request["id"], "{heard:?}");
        (heard.status, heard.json()["state"].clone())
    }

    /// Sends a request that has to wait.
    async fn waits(&self, request: &Value) -> Id {
        assert_eq!(self.sends(request).await, pending());
        id_of(request)
    }

    async fn deletes(&self, id: Id) {
        let resource = format!("/connections/{id}");
        let heard = self.peer.draft(self.alpha.provider(), Method::DELETE, &resource).send().await;
        assert_eq!((heard.status, heard.body.len()), (StatusCode::NO_CONTENT, 0));
    }

    /// The states of which the peer's feed tells, of these requests, each in order.
    async fn told_of<const N: usize>(&self, ids: [Id; N]) -> [Vec<State>; N] {
        let feed = self.peer.gets(self.alpha.provider(), "/feed?after=0").send().await;
        let page: FeedPage = serde_json::from_slice(&feed.body).unwrap();
        ids.map(|id| {
            let states = page.items.iter().filter_map(|item| match &item.body {
                ItemBody::Connection(told) if told.id == id => Some(told.state),
                _ => None,
            });
            states.collect()
        })
    }

    /// The peer's feed tells of a request that Alice has made.
    fn tells(&self, id: Id, to: &str, state: State) {
        let to = self.peer.address(to);
        let told =
            ConnectionItem { id, from: self.alice.clone(), to, state, time: self.federation.clock().now() };
        self.peer.responder().puts(self.federation.clock().id(), ItemBody::Connection(told));
    }
}

fn id_of(request: &Value) -> Id {
    request["id"].as_str().unwrap().parse().unwrap()
}

fn pending() -> (StatusCode, Value) {
    (StatusCode::ACCEPTED, json!("pending"))
}

fn is(state: State) -> (StatusCode, Value) {
    (StatusCode::OK, json!(state))
}

#[tokio::test]
async fn a_request_is_for_somebody_here() {
    let scene = Scene::new().await;
    let elsewhere = "mimi://other.example/u/alice".parse().unwrap();
    let request = scene.peer.request(&scene.peer.address("bob"), &elsewhere);
    scene.peer.posts(scene.alpha.provider(), "/connections", &request).expect_refusal(Code::NotHere).await;
}

#[tokio::test]
async fn a_repeat_is_told_what_has_become_of_it() {
    let scene = Scene::new().await;
    let (lapses, refused) = (scene.request_from("bob"), scene.request_from("bea"));
    scene.waits(&lapses).await;
    let id = scene.waits(&refused).await;
    scene.alpha.node().operator().set_tells_declined(true).await.unwrap();
    scene.alpha.decides(id, Decision::Decline).await;
    assert_eq!(scene.sends(&refused).await, is(State::Declined), "where the operator tells it");
    assert_eq!(scene.sends(&lapses).await, pending());
    scene.federation.clock().turn(AN_HOUR);
    scene.alpha.sees(id_of(&lapses), State::Expired).await;
    assert_eq!(scene.sends(&lapses).await, is(State::Expired));
}

#[tokio::test]
async fn who_takes_back_or_ends_is_given_no_item_of_it() {
    let scene = Scene::new().await;
    let (open, approved) =
        (scene.waits(&scene.request_from("bob")).await, scene.waits(&scene.request_from("bea")).await);
    scene.alpha.decides(approved, Decision::Approve).await;
    for id in [open, approved] {
        scene.deletes(id).await;
        scene.alpha.sees(id, State::Ended).await;
    }
    assert_eq!(scene.told_of([open, approved]).await, [vec![], vec![State::Approved]]);
}

#[tokio::test]
async fn what_was_taken_back_before_it_came_stays_dead_for_a_day() {
    let scene = Scene::new().await;
    let mut request = scene.request_from("bob");
    request["expires"] = json!(scene.federation.clock().now().plus(72 * AN_HOUR));
    scene.deletes(id_of(&request)).await;
    let later = scene.request_from("bea");
    scene.federation.clock().turn(12 * AN_HOUR);
    scene.deletes(id_of(&later)).await;
    // Whatever its members.
    let mut other = request.clone();
    other["from"] = json!(scene.peer.address("berta"));
    for dead in [&request, &other] {
        assert_eq!(scene.sends(dead).await, is(State::Ended));
    }
    // What lapses is cleared away together.
    let lapses = scene.waits(&scene.request_from("bo")).await;
    scene.federation.clock().turn(12 * AN_HOUR + Duration::from_secs(60));
    scene.alpha.sees(lapses, State::Expired).await;
    assert_eq!(scene.sends(&request).await, pending());
    assert_eq!(scene.sends(&later).await, is(State::Ended), "which is not a day ago");
}

#[tokio::test]
async fn of_what_a_stranger_takes_back_before_it_comes_a_hundred_are_kept() {
    let scene = Scene::of_strangers().await;
    let requests: Vec<_> = (0..101).map(|n| scene.request_from(&format!("bob{n}"))).collect();
    for request in &requests {
        scene.deletes(id_of(request)).await;
    }
    assert_eq!(scene.sends(&requests[1]).await, is(State::Ended));
    assert_eq!(scene.sends(&requests[100]).await, is(State::Ended));
    assert_eq!(scene.sends(&requests[0]).await, pending(), "the oldest has gone");
}

/// What is asked of somebody who does not exist has the same answers, and the same items, as what nobody answers and what
/// is refused.
#[tokio::test]
async fn a_request_to_nobody_is_answered_as_one_that_nobody_answers() {
    let scene = Scene::of_strangers().await;
    let nobody = scene.alpha.address("nobody");
    let to = |name: &str, user: &UserUri| scene.peer.request(&scene.peer.address(name), user);
    let (there, nowhere) = (to("bob", &scene.alice), to("bob", &nobody));
    let refused = to("bea", &scene.alice);
    let answers = async |request: &Value| {
        let first = scene.sends(request).await;
        let again = scene.sends(request).await;
        let mut other = request.clone();
        other["from"] = json!(scene.peer.address("berta"));
        let problem = scene.peer.posts(scene.alpha.provider(), "/connections", &other);
        (first, again, problem.expect_refusal(Code::Conflict).await)
    };
    let told = answers(&there).await;
    assert_eq!(told.0, pending());
    assert_eq!(answers(&nowhere).await, told);
    assert_eq!(answers(&refused).await, told);
    scene.alpha.decides(id_of(&refused), Decision::Decline).await;
    // It is counted.
    let more = [to("bob1", &nobody), to("bob2", &nobody)];
    for request in &more {
        scene.waits(request).await;
    }
    let sixth = scene.peer.posts(scene.alpha.provider(), "/connections", &to("bob3", &nobody)).send().await;
    assert_eq!(sixth.status, StatusCode::TOO_MANY_REQUESTS);
    scene.deletes(id_of(&more[0])).await;
    assert_eq!(scene.sends(&more[0]).await, is(State::Ended));
    scene.waits(&to("bob3", &nobody)).await;

    scene.alpha.allows(scene.peer.provider()).await;
    let ids = [&there, &nowhere, &refused].map(id_of);
    assert_eq!(scene.told_of(ids).await, [const { Vec::new() }; 3]);
    scene.federation.clock().turn(AN_HOUR);
    for id in ids {
        scene.alpha.sees(id, State::Expired).await;
    }
    assert_eq!(scene.told_of(ids).await, [const { vec![] }; 3].map(|_: Vec<State>| vec![State::Expired]));
}

#[tokio::test]
async fn a_request_is_open_from_before_it_is_first_sent() {
    let scene = Scene::new().await;
    scene.peer.responder().refuses(|_, path| {
        (path == "/connections").then(|| Problem::new(Code::Unavailable, "not at the moment"))
    });
    let bob = scene.peer.address("bob");
    let asked = scene.alpha.node().operator().connect(scene.alice.name(), bob, None).await.unwrap().id;
    assert_eq!(scene.sends(&scene.request_from("bob")).await, is(State::Approved));
    scene.alpha.sees(asked, State::Approved).await;
}

#[tokio::test]
async fn all_requests_between_two_are_approved_and_ended_together() {
    let scene = Scene::new().await;
    let refused = [scene.request_from("bob"), scene.request_from("bob")];
    for request in &refused {
        scene.waits(request).await;
    }
    scene.alpha.decides(id_of(&refused[0]), Decision::Decline).await;
    let open = scene.waits(&scene.request_from("bob")).await;
    let ids = [id_of(&refused[0]), id_of(&refused[1]), open];
    scene.alpha.decides(open, Decision::Approve).await;
    for id in ids {
        scene.alpha.sees(id, State::Approved).await;
    }
    scene.alpha.decides(ids[0], Decision::End).await;
    for id in ids {
        scene.alpha.sees(id, State::Ended).await;
    }
    let both = [State::Approved, State::Ended];
    assert_eq!(scene.told_of(ids).await, [both, both, both].map(Vec::from));
}

#[tokio::test]
async fn an_item_for_one_request_approves_all_that_were_made() {
    let scene = Scene::new().await;
    let asks = async || {
        let bob = scene.peer.address("bob");
        scene.alpha.node().operator().connect(scene.alice.name(), bob, None).await.unwrap().id
    };
    let refused = asks().await;
    scene.tells(refused, "bob", State::Declined);
    scene.alpha.sees(refused, State::Declined).await;
    let open = asks().await;
    assert_ne!(open, refused);
    scene.tells(open, "bob", State::Approved);
    for id in [open, refused] {
        scene.alpha.sees(id, State::Approved).await;
    }
}

#[tokio::test]
async fn each_of_two_who_are_connected_may_add_the_other_until_it_ends() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, State::Approved).await;

    let mut additions = Vec::new();
    for (adder, user, home) in [(&alice, &bob, &beta), (&bob, &alice, &alpha)] {
        for name in ["granted", "open"] {
            let id = adder.asks_to_add(user.uri(), &alpha.group(name)).await;
            home.hears_of_addition(id).await;
            if name == "granted" {
                home.decides_addition(id, Decision::Approve).await;
            }
            additions.push((id, if name == "granted" { State::Approved } else { State::Pending }));
        }
    }
    for (id, state) in &additions {
        for test_node in [&alpha, &beta] {
            test_node.sees_addition(*id, *state).await;
        }
    }
    // Who was asked ends it, and what rests on it in both directions.
    alice.ends_connection(asked).await;
    for (id, _) in &additions {
        for test_node in [&alpha, &beta] {
            test_node.sees_addition(*id, State::Ended).await;
        }
    }
}

#[tokio::test]
async fn a_user_is_shown_one_of_several_requests() {
    let scene = Scene::new().await;
    let phone = scene
        .alpha
        .node()
        .operator()
        .create_client(scene.alice.name().clone(), "phone".parse().unwrap())
        .await;
    let (client, token) = phone.unwrap();
    let phone = drawbridge_testkit::ApiClient::of(client, token, &scene.alpha);
    for _ in 0..3 {
        scene.waits(&scene.request_from("bob")).await;
    }
    scene.waits(&scene.request_from("bea")).await;
    let shown = phone.gets("/connections").await;
    let from: Vec<_> =
        shown["connections"].as_array().unwrap().iter().map(|one| one["from"].clone()).collect();
    assert_eq!(from, [json!(scene.peer.address("bea")), json!(scene.peer.address("bob"))]);
    scene.alpha.sees_peer(scene.peer.provider(), PeerState::Allowed).await;
}
