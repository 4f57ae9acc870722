//! What becomes of requests (`docs/mtp.md`, sections 6 to 8): those that need no click, what a peer can make us keep, and
//! what the operator takes back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use drawbridge_mtp::grant::UnverifiedGrant;
use drawbridge_mtp::id::{Id, UserUri};
use drawbridge_mtp::message::{ConnectionState as State, FeedPage, ItemBody, PeerState, UserClaim};
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::time::Timestamp;
use drawbridge_node::ambient::Ambient;
use drawbridge_node::operator::DecidedItem;
use drawbridge_node::store::{AddRule, Addition, Connection, ConnectionRow, DecidedBy, PeerRow, RuleKind};
use drawbridge_node::{Decision, Misuse, Whom};
use drawbridge_testkit::{CommitPlan, Federation, MutualPeers, ScriptedPeer, TestNode, federation};
use http::StatusCode;
use serde_json::{Value, json};

/// A node with Alice, and a peer whose requests the test writes.
struct Scene {
    federation: Federation,
    alpha: TestNode,
    peer: ScriptedPeer,
}

impl Scene {
    async fn new() -> Self {
        Self::with_limit(10_000).await
    }

    async fn with_limit(peer_connections: u64) -> Self {
        let federation = Federation::new();
        let alpha = federation.node(|config| config.limits.peer_connections = peer_connections).await;
        alpha.user("alice").await;
        let peer = federation.scripted_peer();
        Self { federation, alpha, peer }
    }

    fn alice(&self) -> UserUri {
        self.alpha.address("alice")
    }

    fn request_from(&self, from: &str) -> Value {
        self.peer.request(&self.peer.address(from), &self.alice())
    }

    async fn sends(&self, request: &Value) -> (StatusCode, Value) {
        let heard = self.peer.posts(self.alpha.provider(), "/connections", request).send().await;
        (heard.status, heard.json()["state"].clone())
    }

    async fn deletes(&self, id: Id) {
        let resource = format!("/connections/{id}");
        let heard = self.peer.draft(self.alpha.provider(), http::Method::DELETE, &resource).send().await;
        assert_eq!(heard.status, StatusCode::NO_CONTENT);
    }

    /// The states of the request `id` of which the peer's feed tells, in order.
    async fn told_of(&self, id: Id) -> Vec<State> {
        let feed = self.peer.gets(self.alpha.provider(), "/feed?after=0").send().await;
        let page: FeedPage = serde_json::from_slice(&feed.body).unwrap();
        let states = page.items.iter().filter_map(|item| match &item.body {
            ItemBody::Connection(told) if told.id == id => Some(told.state),
            _ => None,
        });
        states.collect()
    }

    async fn row(&self, id: Id) -> ConnectionRow {
        self.alpha.reads(move |view| view.requests_by_id::<Connection>(id)).await.remove(0)
    }

    /// What was decided on the peer, when, and by whom.
    async fn judgement(&self) -> (PeerState, Timestamp, Option<DecidedBy>, bool) {
        let provider = self.peer.provider().clone();
        let PeerRow { state, since, decided_by, ignored, .. } =
            self.alpha.reads(move |view| view.peer(&provider)).await.unwrap();
        (state, since, decided_by, ignored)
    }
}

fn id_of(request: &Value) -> Id {
    request["id"].as_str().unwrap().parse().unwrap()
}

fn approved() -> (StatusCode, Value) {
    (StatusCode::OK, json!("approved"))
}

fn pending() -> (StatusCode, Value) {
    (StatusCode::ACCEPTED, json!("pending"))
}

#[tokio::test]
async fn crossing_requests_are_answered_approved_and_told_by_an_item_too() {
    let scene = Scene::new().await;
    let bob = scene.peer.address("bob");
    let alice: UserUri = scene.alice();
    scene.alpha.node().operator().connect(alice.name(), bob, None).await.unwrap();
    let request = scene.request_from("bob");
    assert_eq!(scene.sends(&request).await, approved());
    assert_eq!(scene.sends(&request).await, approved(), "a repeat");
    assert_eq!(scene.told_of(id_of(&request)).await, [State::Approved]);
}

#[tokio::test]
async fn who_is_connected_or_allowed_by_a_rule_is_answered_approved_at_once() {
    let scene = Scene::new().await;
    scene.alpha.allows(scene.peer.provider()).await;
    let first = scene.request_from("bob");
    assert_eq!(scene.sends(&first).await, pending());
    scene.alpha.decides(id_of(&first), Decision::Approve).await;
    let second = scene.request_from("bob");
    assert_eq!(scene.sends(&second).await, approved());
    assert_eq!(scene.told_of(id_of(&second)).await, [State::Approved]);

    let source = scene.peer.address("carol").to_string();
    scene.alpha.node().operator().set_rule(None, source, Some(RuleKind::Allow)).await.unwrap();
    let ruled = scene.request_from("carol");
    assert_eq!(scene.sends(&ruled).await, approved());
    assert_eq!(scene.told_of(id_of(&ruled)).await, [State::Approved]);
}

#[tokio::test]
async fn refusing_or_setting_aside_one_of_several_requests_is_for_all() {
    let scene = Scene::new().await;
    scene.alpha.allows(scene.peer.provider()).await;
    let requests = [scene.request_from("bob"), scene.request_from("bob"), scene.request_from("bob")];
    for request in &requests {
        assert_eq!(scene.sends(request).await, pending());
    }
    let all = async || {
        let peer = scene.peer.provider().clone();
        let rows = scene.alpha.reads(move |view| view.requests_with::<Connection>(&peer)).await;
        rows.into_iter().map(|row| (row.state, row.ignored)).collect::<Vec<_>>()
    };
    scene.alpha.decides(id_of(&requests[1]), Decision::Ignore).await;
    assert_eq!(all().await, [(State::Pending, true); 3]);
    scene.alpha.decides(id_of(&requests[2]), Decision::Decline).await;
    assert_eq!(all().await, [(State::Declined, false); 3]);
    assert_eq!(scene.sends(&requests[0]).await, pending(), "which nobody is told");
    scene.alpha.decides(id_of(&requests[0]), Decision::Reopen).await;
    assert_eq!(all().await, [(State::Pending, false); 3]);
}

#[tokio::test]
async fn a_request_of_the_future_is_malformed() {
    let scene = Scene::new().await;
    let mut request = scene.request_from("bob");
    let ahead = |seconds| json!(scene.federation.clock().now().plus(Duration::from_secs(seconds)));
    request["created"] = ahead(360);
    scene.peer.posts(scene.alpha.provider(), "/connections", &request).expect_refusal(Code::Malformed).await;
    request["created"] = ahead(240);
    assert_eq!(scene.sends(&request).await, pending());
}

#[tokio::test]
async fn a_stranger_is_told_when_the_next_of_its_requests_expires() {
    let scene = Scene::new().await;
    for from in 0..5 {
        let mut request = scene.request_from(&format!("bob{from}"));
        if from == 3 {
            request["expires"] = json!(scene.federation.clock().now().plus(Duration::from_secs(40)));
        }
        assert_eq!(scene.sends(&request).await, pending());
    }
    let refused =
        scene.peer.posts(scene.alpha.provider(), "/connections", &scene.request_from("bea")).send().await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=40).contains(&after), "{after}");
    scene.federation.clock().turn(Duration::from_secs(after));
    assert_eq!(scene.sends(&scene.request_from("bea")).await, pending(), "it was told the truth");
}

#[tokio::test]
async fn what_a_peer_can_make_us_keep_is_bounded() {
    let scene = Scene::with_limit(20).await;
    scene.alpha.allows(scene.peer.provider()).await;
    let expect_full = async |request: &Value| {
        let heard = scene.peer.posts(scene.alpha.provider(), "/connections", request).send().await;
        assert_eq!(heard.status, StatusCode::TOO_MANY_REQUESTS, "{:?}", heard.body);
        assert!(heard.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    };
    // Of one pair, of whom one is shown, and then of all.
    for _ in 0..10 {
        assert_eq!(scene.sends(&scene.request_from("bob")).await, pending());
    }
    expect_full(&scene.request_from("bob")).await;
    let others: Vec<_> = (0..10).map(|other| scene.request_from(&format!("other{other}"))).collect();
    for other in &others {
        assert_eq!(scene.sends(other).await, pending());
    }
    expect_full(&scene.request_from("bea")).await;
    assert_eq!(scene.sends(&others[0]).await, pending(), "a repeat keeps nothing more");

    // What is over makes room, however often: nothing grows.
    for _ in 0..30 {
        scene.deletes(id_of(&others[9])).await;
        let request = scene.request_from("bea");
        assert_eq!(scene.sends(&request).await, pending());
        scene.deletes(id_of(&request)).await;
    }
    let kept = async || {
        let peer = scene.peer.provider().clone();
        let counted = scene.alpha.reads(move |view| {
            let rows = view.requests_with::<Connection>(&peer)?.len() as u64;
            Ok((rows, view.count_kept::<Connection>(&peer)?, view.count_withdrawn(&peer)?))
        });
        counted.await
    };
    let (rows, counted, withdrawn) = kept().await;
    assert_eq!((rows, counted), (20, 20), "and that is what the operator is shown");
    // Of what is taken back before it came, the id is kept.
    for _ in 0..3 {
        scene.deletes(id_of(&scene.request_from("bea"))).await;
    }
    assert_eq!(kept().await, (20, 20, withdrawn + 3));
}

#[tokio::test]
async fn a_decision_that_the_other_side_has_lost_is_open_again() {
    let (federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.stop().await;
    let copy = federation.copy_of(&alpha);
    alpha.start().await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, State::Approved).await;

    alpha.stop().await;
    federation.restore(&alpha, &copy);
    alpha.start().await;
    beta.sees(asked, State::Pending).await;
    alpha.sees(asked, State::Pending).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, State::Approved).await;
}

#[tokio::test]
async fn an_undo_puts_back_exactly_what_was() {
    let scene = Scene::new().await;
    let request = scene.request_from("bob");
    assert_eq!(scene.sends(&request).await, pending());
    let (id, node) = (id_of(&request), scene.alpha.node());
    let source = request["from"].as_str().unwrap().to_owned();
    // A rule that the provider, which is not let in, does not yet profit from.
    node.operator().set_rule(None, source, Some(RuleKind::Allow)).await.unwrap();
    scene.alpha.decides(id, Decision::Ignore).await;
    let before = (scene.row(id).await, scene.judgement().await, node.store().read(|view| view.rules()).await);
    let before = (before.0, before.1, before.2.unwrap());
    let after = async || {
        let rules = node.store().read(|view| view.rules()).await.unwrap();
        (scene.row(id).await, scene.judgement().await, rules)
    };
    scene.federation.clock().turn(Duration::from_secs(600));

    // Requests and rules.
    let block = Some((Whom::Person, Some(RuleKind::Block)));
    let decisions = [
        (Decision::Decline, None),
        (Decision::Decline, block),
        (Decision::Reopen, None),
        (Decision::Reopen, Some((Whom::Person, None))),
    ];
    for (decision, standing) in decisions {
        let decided =
            node.operator().decide_connection_with(id, None, decision, standing, false).await.unwrap();
        assert_ne!(after().await, before, "{decision:?}");
        node.operator().undo(decided.undo.unwrap()).await.unwrap();
        assert_eq!(after().await, before, "{decision:?} {standing:?}");
    }

    // Providers.
    let provider = scene.peer.provider();
    let shown = async || {
        let approvals = node.operator().approvals().await.unwrap();
        let of_peer = |item: &DecidedItem| matches!(item, DecidedItem::Provider { ignored: true, .. });
        (approvals.providers.len(), approvals.decided.iter().any(of_peer))
    };
    assert_eq!(shown().await, (1, false));
    let decided = node.operator().ignore_peer(provider.clone()).await.unwrap();
    assert_eq!(shown().await, (0, true), "what is set aside is found among what was decided");
    node.operator().undo(decided.undo.unwrap()).await.unwrap();
    assert_eq!(after().await, before);
    for state in [PeerState::Blocked, PeerState::Allowed] {
        let decided = node.operator().judge_peer(provider.clone(), state).await.unwrap();
        assert_ne!(after().await, before, "{state}");
        node.operator().undo(decided.undo.unwrap()).await.unwrap();
        assert_eq!(after().await, before, "{state}");
    }

    // Once, and only what stands as it was decided.
    let decided =
        node.operator().decide_connection_with(id, None, Decision::Decline, None, false).await.unwrap();
    scene.alpha.decides(id, Decision::Reopen).await;
    let undo = decided.undo.unwrap();
    assert!(matches!(node.operator().undo(undo).await, Err(Misuse::Unfit(_))));
    assert!(matches!(node.operator().undo(undo).await, Err(Misuse::Unfit(_))));
    assert_eq!(scene.row(id).await.state, State::Pending);
}

#[tokio::test]
async fn a_provider_and_its_person_are_decided_on_in_one_step_and_taken_back_as_one() {
    let scene = Scene::new().await;
    let (request, node) = (scene.request_from("bob"), scene.alpha.node());
    let node = node.operator();
    assert_eq!(scene.sends(&request).await, pending());
    let (id, provider) = (id_of(&request), scene.peer.provider());
    let both = async || (scene.row(id).await, scene.judgement().await);
    let decide = async |decision| node.decide_connection_with(id, None, decision, None, true).await;
    let before = both().await;
    scene.federation.clock().turn(Duration::from_secs(600));

    // Where the provider cannot be let in, its person is not approved, and the other way round.
    let blocked = node.judge_peer(provider.clone(), PeerState::Blocked).await.unwrap();
    assert!(matches!(decide(Decision::Approve).await, Err(Misuse::Unfit(_))));
    assert_eq!(scene.row(id).await, before.0);
    node.undo(blocked.undo.unwrap()).await.unwrap();
    let refused = decide(Decision::Decline).await.unwrap();
    assert_eq!((refused.now.state, scene.judgement().await.0), (State::Declined, PeerState::Allowed));
    node.undo(refused.undo.unwrap()).await.unwrap();
    assert_eq!(both().await, before, "one step, taken back as one");
    scene.alpha.decides(id, Decision::Ignore).await;
    let set_aside = both().await;
    scene.deletes(id).await;
    assert!(matches!(decide(Decision::Approve).await, Err(Misuse::Unfit(_))));
    assert_eq!(scene.judgement().await, set_aside.1, "what cannot be approved lets nobody in");
}

#[tokio::test]
async fn what_others_were_told_cannot_be_taken_back() {
    let scene = Scene::new().await;
    let node = scene.alpha.node();
    let (one, other) = (scene.request_from("bob"), scene.request_from("bea"));
    for request in [&one, &other] {
        assert_eq!(scene.sends(request).await, pending());
    }
    // The provider is let in and the request approved, or neither.
    let approve = async |request: &Value| {
        node.operator().decide_connection_with(id_of(request), None, Decision::Approve, None, true).await
    };
    scene.deletes(id_of(&other)).await;
    approve(&other).await.unwrap_err();
    scene.alpha.sees_peer(scene.peer.provider(), PeerState::Pending).await;
    let decided = approve(&one).await.unwrap();
    assert_eq!((decided.now.state, decided.undo), (State::Approved, None));
    scene.alpha.sees_peer(scene.peer.provider(), PeerState::Allowed).await;
    assert_eq!(scene.told_of(id_of(&one)).await, [State::Approved]);

    node.operator().set_tells_declined(true).await.unwrap();
    let told = scene.request_from("carol");
    assert_eq!(scene.sends(&told).await, pending());
    let decided = node
        .operator()
        .decide_connection_with(id_of(&told), None, Decision::Decline, None, false)
        .await
        .unwrap();
    assert_eq!((decided.now.state, decided.undo), (State::Declined, None));
}

#[tokio::test]
async fn a_decision_on_an_addition_is_put_back_with_its_rule() {
    let scene = Scene::new().await;
    scene.alpha.allows(scene.peer.provider()).await;
    let connection = scene.request_from("bob");
    assert_eq!(scene.sends(&connection).await, pending());
    scene.alpha.decides(id_of(&connection), Decision::Approve).await;
    let (bob, node) = (scene.peer.address("bob"), scene.alpha.node());
    let group = scene.alpha.group("picnic");
    // Asked twice, shown once, decided as one.
    let mut asks = Vec::new();
    for title in ["Picnic", "Picnic on Sunday"] {
        let mut ask = scene.peer.request_to_add(&bob, &group, &scene.alice());
        ask["title"] = json!(title);
        let heard = scene.peer.posts(scene.alpha.provider(), "/authorizations", &ask).send().await;
        assert_eq!(heard.status, StatusCode::ACCEPTED);
        asks.push(ask);
    }
    let rows = async || scene.alpha.reads(|view| Ok((view.requests::<Addition>()?, view.add_rules()?))).await;
    let before = rows().await;
    let titles: Vec<_> = before.0.iter().map(|row| row.about.title.as_ref().unwrap().as_str()).collect();
    assert_eq!(titles, ["Picnic on Sunday", "Picnic"]);
    scene.federation.clock().turn(Duration::from_secs(600));
    let decide = async |decision, rule| {
        node.operator().decide_authorization_with(id_of(&asks[0]), None, decision, rule).await.unwrap()
    };
    for rule in [None, Some(AddRule::Never)] {
        let decided = decide(Decision::Decline, rule).await;
        assert!(rows().await.0.iter().all(|row| row.state == State::Declined));
        node.operator().undo(decided.undo.unwrap()).await.unwrap();
        assert_eq!(rows().await, before);
    }
    assert_eq!(decide(Decision::Approve, None).await.undo, None, "the grant is given");
}

#[tokio::test]
async fn a_title_is_text_without_control_characters() {
    let scene = Scene::new().await;
    scene.alpha.allows(scene.peer.provider()).await;
    let connection = scene.request_from("bob");
    assert_eq!(scene.sends(&connection).await, pending());
    scene.alpha.decides(id_of(&connection), Decision::Approve).await;
    let mut ask =
        scene.peer.request_to_add(&scene.peer.address("bob"), &scene.alpha.group("picnic"), &scene.alice());
    for title in [json!("x".repeat(129)), json!("a\nb"), json!("\u{202e}live"), json!(null), json!(7)] {
        ask["title"] = title;
        let draft = scene.peer.posts(scene.alpha.provider(), "/authorizations", &ask);
        draft.expect_refusal(Code::Malformed).await;
    }
    ask["title"] = json!("Picnic");
    let asks = async |ask: &Value| {
        scene.peer.posts(scene.alpha.provider(), "/authorizations", ask).send().await.status
    };
    assert_eq!(asks(&ask).await, StatusCode::ACCEPTED);
    assert_eq!(asks(&ask).await, StatusCode::ACCEPTED);
    // It is one of the members of the request.
    ask["title"] = json!("Party");
    assert_eq!(asks(&ask).await, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_grant_that_was_used_is_claimed_with_no_more() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let group = peers.group("tea", &ann, &[&ben]).await;
    ann.does(&group, &ann.commit(&group, CommitPlan::removing(ben.uri()))).await;
    ann.reaches(&group, 2).await;

    let asked = ann.asks_to_add(&group, ben.user()).await;
    assert_eq!(asked.state, State::Pending);
    let claimed = ann.claims(&group, &[ben.user()]).await.users.remove(0);
    assert_eq!((claimed.status, claimed.grant, claimed.clients), (UserClaim::NotAuthorized, None, vec![]));

    peers.nodes[1].hears_of_addition(asked.id).await;
    ben.decides(asked, "approve").await;
    peers.nodes[0].sees_addition(asked.id, State::Approved).await;
    let claimed = ann.claims(&group, &[ben.user()]).await.users.remove(0);
    let grant = UnverifiedGrant::parse(&claimed.grant.unwrap()).unwrap();
    assert_eq!((claimed.status, grant.unverified_claims().jti), (UserClaim::Ok, asked.id));
}

#[tokio::test]
async fn who_asks_us_has_let_us_in_whatever_it_said_before() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    bob.asks_to_connect(alice.uri()).await;
    alpha.waits_for_pull_by(beta.provider()).await;
    alpha.sets_peer(beta.provider(), PeerState::Blocked).await;
    let provider = alpha.provider().clone();
    let peer = provider.clone();
    beta.notes(&provider, "peer-blocked").await;
    let theirs = async |state: PeerState| {
        let peer = peer.clone();
        beta.until(&format!("it is {state} there"), move |view| {
            Ok(view.peer(&peer)?.filter(|peer| peer.their_state == Some(state)))
        })
        .await
    };
    theirs(PeerState::Blocked).await;

    // Nobody tells beta; that alpha asks it something says it, and ends what went wrong.
    alpha.allows(beta.provider()).await;
    alice.asks_to_connect(beta.user("berta").await.uri()).await;
    theirs(PeerState::Allowed).await;
    alpha.waits_for_pull_by(beta.provider()).await;
    beta.until("the trouble is over", move |view| {
        Ok(view.troubles(&provider)?.iter().all(|trouble| trouble.over).then_some(()))
    })
    .await;
}
