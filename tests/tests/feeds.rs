//! Feeds of a scripted provider that are late, hasty, reset again and again, or held for long (`docs/mtp.md`, sections
//! 7 and 11).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use drawbridge_mtp::id::{Id, UserUri};
use drawbridge_mtp::message::{ConnectionItem, ConnectionState as State, ItemBody};
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_node::ambient::Ambient;
use drawbridge_node::store::{Reader, View};
use drawbridge_node::{Node, Pulling, PullingStatus};
use drawbridge_testkit::{Federation, ScriptedPeer, TestNode};
use http::Method;
use http::header::ACCEPT_ENCODING;
use serde_json::json;

const AN_HOUR: Duration = Duration::from_secs(3600);

/// Alice of a node, who has asked Bob, whose provider is scripted.
struct Scene {
    federation: Federation,
    alpha: TestNode,
    peer: ScriptedPeer,
    alice: UserUri,
    asked: Id,
}

impl Scene {
    async fn new() -> Self {
        let federation = Federation::new();
        let (alpha, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
        let alice = alpha.user("alice").await;
        let asked = alice.asks_to_connect_for(&peer.address("bob"), AN_HOUR).await;
        let alice = alice.uri().clone();
        Self { federation, alpha, peer, alice, asked }
    }

    /// Bob's provider says what became of the request.
    fn tells(&self, state: State) {
        self.tells_of(self.asked, "bob", state);
    }

    /// It says what became of a request of Alice's.
    fn tells_of(&self, id: Id, to: &str, state: State) {
        let told = ConnectionItem {
            id,
            from: self.alice.clone(),
            to: self.peer.address(to),
            state,
            time: self.federation.clock().now(),
        };
        self.peer.responder().puts(self.federation.clock().id(), ItemBody::Connection(told));
    }

    async fn connected() -> Self {
        let scene = Self::new().await;
        scene.tells(State::Approved);
        scene.alpha.sees(scene.asked, State::Approved).await;
        scene
    }

    /// How often Bob's provider was asked.
    fn times(&self, path: &str) -> usize {
        self.peer.responder().times_asked(&Method::GET, path)
    }

    fn pulling(&self, node: &Node) -> Option<Pulling> {
        node.operator().pulling(self.peer.provider())
    }

    /// Returns when the puller does this.
    async fn pulls_so(&self, status: PullingStatus) {
        let is_so = |node: &Node| self.pulling(node).is_some_and(|pulling| pulling.status == status);
        self.alpha.until_node(&format!("the puller is {status:?}"), is_so).await;
    }

    /// The request is over by Alice's provider's clock; nobody has said so.
    async fn lapses(&self) {
        let posts = || self.peer.responder().times_asked(&Method::POST, "/connections");
        self.alpha.until_node("the request is made", |_| posts() == 1).await;
        self.pulls_so(PullingStatus::Waiting).await;
        self.federation.clock().turn(2 * AN_HOUR);
        self.alpha.sees(self.asked, State::Expired).await;
    }
}

#[tokio::test]
async fn an_approval_counts_that_comes_after_the_request_has_lapsed_by_our_clock() {
    let scene = Scene::new().await;
    scene.lapses().await;
    scene.alpha.stop().await;
    let before = scene.times("/feed");
    scene.alpha.start().await;
    scene.alpha.until_node("it is still waited for", |_| scene.times("/feed") > before).await;
    scene.tells(State::Approved);
    scene.alpha.sees(scene.asked, State::Approved).await;
}

#[tokio::test]
async fn a_request_is_over_once_its_receiver_says_that_it_has_lapsed() {
    let scene = Scene::new().await;
    scene.lapses().await;
    scene.tells(State::Expired);
    scene.pulls_so(PullingStatus::Idle).await;
    let row = scene.alpha.sees(scene.asked, State::Expired).await;
    assert!(row.told);
    // What its provider says after that is not waited for, and does not count.
    scene.tells(State::Approved);
    let asked =
        scene.alpha.node().operator().connect(scene.alice.name(), scene.peer.address("berta"), None).await;
    let asked = asked.unwrap().id;
    scene.tells_of(asked, "berta", State::Approved);
    scene.alpha.sees(asked, State::Approved).await;
    scene.alpha.sees(scene.asked, State::Expired).await;
}

#[tokio::test]
async fn who_answers_each_pull_at_once_with_nothing_is_left_alone_for_a_while() {
    let federation = Federation::new();
    let (alpha, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
    let generation = peer.responder().generation();
    peer.responder().shows("/feed", move |_| {
        let page = json!({"generation": generation, "items": [], "first": 1, "head": 0, "more": false});
        page.to_string().into_bytes()
    });
    alpha.user("alice").await.asks_to_connect(&peer.address("bob")).await;
    let trouble = alpha.notes(peer.provider(), "feed-hasty").await;
    assert_eq!(trouble.stage, "content");
    let backs_off = |node: &Node| {
        node.operator()
            .pulling(peer.provider())
            .is_some_and(|pulling| pulling.status == PullingStatus::BackingOff)
    };
    alpha.until_node("it backs off", backs_off).await;
}

#[tokio::test]
async fn what_is_neither_json_nor_cbor_is_not_read() {
    let scene = Scene::connected().await;
    scene.peer.responder().calls_content("text/html");
    scene.tells(State::Ended);
    let trouble = scene.alpha.notes(scene.peer.provider(), "malformed").await;
    assert!(trouble.text.contains("text/html"), "{}", trouble.text);
    let asked = scene.peer.responder().fields_of("/feed").unwrap();
    assert_eq!(asked[ACCEPT_ENCODING], "identity", "what is signed is what is sent");

    scene.peer.responder().calls_content("application/json; charset=utf-8");
    scene.alpha.sees(scene.asked, State::Ended).await;
}

#[tokio::test]
async fn nothing_of_an_answer_is_stored_that_is_not_signed() {
    let scene = Scene::connected().await;
    scene.pulls_so(PullingStatus::Waiting).await;
    let provider = scene.peer.provider().clone();
    let place = {
        let provider = provider.clone();
        scene.alpha.until("the approval is stored", move |view| view.cursor(&provider)).await
    };
    scene.peer.signs_answers(false);
    scene.tells(State::Ended);
    scene.alpha.notes(&provider, "response-unsigned").await;
    assert_eq!(scene.alpha.reads(move |view| view.cursor(&provider)).await, Some(place));
    scene.alpha.sees(scene.asked, State::Approved).await;
    // The same page counts once it is proved to be the peer's.
    scene.peer.signs_answers(true);
    scene.alpha.node().operator().retry_peer(scene.peer.provider()).await;
    scene.alpha.sees(scene.asked, State::Ended).await;
}

#[tokio::test]
async fn who_resets_its_feed_again_and_again_is_left_alone_for_a_while_each_time() {
    let scene = Scene::connected().await;
    let (resets, clock) = (Arc::new(AtomicBool::new(true)), scene.federation.clock().clone());
    let still = resets.clone();
    scene.peer.responder().refuses(move |_, path| {
        let is_reset = path == "/feed" && still.load(Ordering::SeqCst);
        is_reset.then(|| Problem::new(Code::FeedReset, "another again").with_feed(clock.id().into(), 1, 1))
    });
    scene.peer.responder().resets(scene.federation.clock().id().into());
    let backs_off = |node: &Node| {
        scene
            .pulling(node)
            .is_some_and(|pulling| pulling.status == PullingStatus::BackingOff && pulling.failures >= 2)
    };
    scene.alpha.until_node("it backs off", backs_off).await;
    scene.alpha.notes(scene.peer.provider(), "feed-reset").await;

    // One that stays as it is now is gone on with.
    resets.store(false, Ordering::SeqCst);
    scene.tells(State::Ended);
    scene.alpha.sees(scene.asked, State::Ended).await;
}

#[tokio::test]
async fn who_starts_anew_asks_what_it_is_there() {
    let scene = Scene::connected().await;
    assert_eq!(scene.times("/peering"), 0, "it was let in without a word");
    scene.peer.responder().resets(scene.federation.clock().id().into());
    scene.alpha.until_node("it asks after a reset", |_| scene.times("/peering") == 1).await;
    let provider = scene.peer.provider().clone();
    let goes_on =
        move |view: &View<'_>| Ok(view.troubles(&provider)?.iter().all(|trouble| trouble.over).then_some(()));
    scene.alpha.until("the feed goes on", goes_on).await;

    let (generation, refused) = (scene.peer.responder().generation(), AtomicBool::new(false));
    scene.peer.responder().refuses(move |_, path| {
        let first = path == "/feed" && !refused.swap(true, Ordering::SeqCst);
        first.then(|| Problem::new(Code::FeedTruncated, "it is gone").with_feed(generation, 1, 2))
    });
    scene.tells(State::Approved);
    scene.alpha.until_node("it asks after a truncation", |_| scene.times("/peering") == 2).await;
    scene.alpha.notes(scene.peer.provider(), "feed-truncated").await;
}

#[tokio::test]
async fn the_way_to_a_peer_is_as_long_as_what_is_not_held_takes() {
    let scene = Scene::connected().await;
    scene.alpha.stop().await;
    scene.alpha.start().await;
    // From now on there is nothing to be asked but whether there is news.
    let latency = |node: &Node| scene.pulling(node).and_then(|pulling| pulling.latency);
    scene.alpha.until_node("it is measured", |node| latency(node).is_some()).await;
    assert_eq!(scene.times("/ping"), 0, "the first pull, which is not held, says it");
    let measured = latency(&scene.alpha.node());
    scene.tells(State::Ended);
    scene.alpha.sees(scene.asked, State::Ended).await;
    scene.pulls_so(PullingStatus::Idle).await;
    assert_eq!(latency(&scene.alpha.node()), measured, "a pull that was held says nothing of it");
}

#[tokio::test]
async fn what_is_acknowledged_is_kept_for_a_day_and_what_is_not_for_a_month() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let (reads, never_reads, other) =
        (federation.scripted_peer(), federation.scripted_peer(), federation.scripted_peer());
    for peer in [&reads, &never_reads] {
        alpha.allows(peer.provider()).await;
    }
    let page = reads.gets(alpha.provider(), "/feed?after=0").send().await.json();
    let (generation, last) = (&page["generation"], &page["items"][0]["id"]);
    let query =
        format!("/feed?after=1&generation={}&last={}", generation.as_str().unwrap(), last.as_str().unwrap());
    reads.gets(alpha.provider(), &query).send().await;
    let place = |peer: &ScriptedPeer| {
        let reader = Reader::Peer(peer.provider().clone());
        move |view: &View<'_>| view.feed(&reader)
    };
    let is_read = place(&reads);
    alpha
        .until("it is acknowledged", move |view| Ok(is_read(view)?.filter(|place| place.acknowledged == 1)))
        .await;

    // A request that lapses at each of these times shows that the node has looked what has become old.
    let alice = alpha.user("alice").await;
    let mut lapsing = Vec::new();
    for hours in [23, 25, 29 * 24, 30 * 24] {
        let to = other.address(&format!("bob-{hours}"));
        lapsing.push((hours, alice.asks_to_connect_for(&to, (hours - 1) * AN_HOUR).await));
    }
    let mut past = 0;
    let mut kept = Vec::new();
    for (hours, asked) in lapsing {
        // Each a little later, so that what is as old as that is older.
        federation.clock().turn((hours - past) * AN_HOUR + Duration::from_secs(60));
        past = hours;
        alpha.sees(asked, State::Expired).await;
        let firsts = [&reads, &never_reads].map(|peer| alpha.reads(place(peer)));
        let [read, unread] = firsts;
        kept.push([read.await.unwrap().first == 1, unread.await.unwrap().first == 1]);
    }
    assert_eq!(kept, [[true, true], [false, true], [false, true], [false, false]]);
}
