//! How a feed is served to the peer that pulls it: pages, waiting, and who is answered when (`docs/mtp.md`, section 11).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use drawbridge_mtp::id::Id;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::problem::Code;
use drawbridge_node::store::{FeedPlace, Reader};
use drawbridge_node::{Decision, Node};
use drawbridge_testkit::{Federation, RawResponse, ScriptedPeer, TestNode};
use http::StatusCode;
use serde_json::{Value, json};

struct Scene {
    federation: Federation,
    alpha: TestNode,
    peer: ScriptedPeer,
}

impl Scene {
    async fn new() -> Self {
        let federation = Federation::new();
        let (alpha, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
        alpha.user("alice").await;
        alpha.allows(peer.provider()).await;
        Self { federation, alpha, peer }
    }

    async fn pulls(&self, query: &str) -> RawResponse {
        self.peer.gets(self.alpha.provider(), &format!("/feed?{query}")).send().await
    }

    async fn page(&self, query: &str) -> Value {
        let heard = self.pulls(query).await;
        assert_eq!(heard.status, StatusCode::OK, "{query}");
        heard.json()
    }

    /// Something to tell the peer: what became of a request of one of its users.
    async fn news(&self, name: &str) -> Id {
        let ask = self.peer.request(&self.peer.address(name), &self.alpha.address("alice"));
        let heard = self.peer.posts(self.alpha.provider(), "/connections", &ask).send().await;
        assert_eq!(heard.status, StatusCode::ACCEPTED);
        let id = ask["id"].as_str().unwrap().parse().unwrap();
        self.alpha.decides(id, Decision::Approve).await;
        id
    }

    /// The query of a peer that has stored everything on `page`.
    fn behind(page: &Value) -> String {
        let last = page["items"].as_array().unwrap().last().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        format!("after={}&last={}&generation={}", last["seq"], text(&last["id"]), text(&page["generation"]))
    }

    /// Returns when this many pulls of the peer wait.
    async fn waits(&self, number: usize) {
        let is_so = |node: &Node| {
            let latest = node.operator().traffic().since(0, 100).0;
            let waiting = latest.iter().filter(|record| record.waiting && record.target.contains("/feed"));
            waiting.count() == number
        };
        self.alpha.until_node(&format!("{number} wait"), is_so).await;
    }
}

fn numbers(page: &Value) -> Vec<u64> {
    page["items"].as_array().unwrap().iter().map(|item| item["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_page_has_what_was_asked_for_at_least_one_item_and_says_whether_there_is_more() {
    let scene = Scene::new().await;
    for name in ["bob", "berta", "ben"] {
        scene.news(name).await;
    }
    let expect = |page: &Value, items: &[u64], more: bool| {
        assert_eq!((numbers(page), &page["more"]), (items.to_vec(), &json!(more)), "{page:#}");
        assert_eq!((&page["first"], &page["head"]), (&json!(1), &json!(4)));
    };
    expect(&scene.page("after=0").await, &[1, 2, 3, 4], false);
    expect(&scene.page("after=0&max_events=4").await, &[1, 2, 3, 4], false);
    let two = scene.page("after=0&max_events=2").await;
    expect(&two, &[1, 2], true);
    // However little of it there may be.
    expect(&scene.page("after=0&max_bytes=1").await, &[1], true);
    let three = scene.page(&format!("{}&max_bytes=1", Scene::behind(&two))).await;
    expect(&three, &[3], true);
    let four = scene.page(&format!("{}&max_bytes=1", Scene::behind(&three))).await;
    expect(&four, &[4], false);
    // Without a time to wait, nothing is answered at once.
    expect(&scene.page(&Scene::behind(&four)).await, &[], false);
    for item in scene.page("after=0").await["items"].as_array().unwrap() {
        let kind = item["type"].as_str().unwrap();
        let mut members: Vec<_> = item.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        let mut expected = ["seq", "id", "type", kind];
        expected.sort_unstable();
        assert_eq!(members, expected);
        item["id"].as_str().unwrap().parse::<Id>().unwrap();
    }
}

#[tokio::test]
async fn each_peer_has_a_feed_of_its_own_whose_numbers_begin_at_one() {
    let scene = Scene::new().await;
    scene.news("bob").await;
    let other = scene.federation.scripted_peer();
    scene.alpha.allows(other.provider()).await;
    let page = other.gets(scene.alpha.provider(), "/feed?after=0").send().await.json();
    assert_eq!((numbers(&page), &page["items"][0]["peer"]["state"]), (vec![1], &json!("allowed")));
    let ours = scene.page("after=0").await;
    assert_eq!(numbers(&ours), [1, 2]);
    assert_ne!(ours["generation"], page["generation"]);
}

#[tokio::test]
async fn a_pull_waits_until_something_is_there_or_its_time_is_over() {
    let scene = Scene::new().await;
    let behind = Scene::behind(&scene.page("after=0").await);
    let page = scene.page(&format!("{behind}&wait=1")).await;
    assert_eq!((numbers(&page), &page["more"]), (vec![], &json!(false)), "its time is over");

    let query = format!("{behind}&wait=9007199254740991");
    let mut pull = std::pin::pin!(scene.page(&query));
    tokio::select! {
        page = &mut pull => panic!("there was nothing: {page}"),
        () = scene.waits(1) => {}
    }
    let told = async { tokio::join!(scene.news("bob"), &mut pull) };
    // It waits for 55 s at most, and is answered far sooner.
    let (id, page) = tokio::time::timeout(Duration::from_secs(50), told).await.unwrap();
    assert_eq!((numbers(&page), &page["items"][0]["connection"]["id"]), (vec![2], &json!(id)));
}

#[tokio::test]
async fn a_second_pull_answers_the_first_with_nothing_where_it_is_answered_itself() {
    let scene = Scene::new().await;
    let page = scene.page("after=0").await;
    let query = format!("{}&wait=55", Scene::behind(&page));
    let mut first = std::pin::pin!(scene.page(&query));
    tokio::select! {
        page = &mut first => panic!("there was nothing: {page}"),
        () = scene.waits(1) => {}
    }
    // These are refused, so the first goes on.
    let generation = page["generation"].as_str().unwrap();
    let last = page["items"][0]["id"].as_str().unwrap();
    tokio::select! {
        page = &mut first => panic!("nothing came in its place: {page}"),
        () = async {
            let bad = [("after=x".to_owned(), Code::Malformed),
                (format!("after=9&last={last}&generation={last}"), Code::FeedReset)];
            for (query, code) in bad {
                let draft = scene.peer.gets(scene.alpha.provider(), &format!("/feed?{query}"));
                draft.expect_refusal(code).await;
            }
            scene.waits(1).await;
        } => {}
    }
    let mut second = std::pin::pin!(scene.page(&query));
    tokio::select! {
        page = &mut first => assert_eq!((numbers(&page), &page["more"]), (vec![], &json!(false))),
        page = &mut second => panic!("the first is answered before the second: {page}"),
    }
    let (_, page) = tokio::join!(scene.news("bob"), second);
    assert_eq!((numbers(&page), page["generation"].as_str()), (vec![2], Some(generation)));
    scene.alpha.sees_peer(scene.peer.provider(), PeerState::Allowed).await;
}

#[tokio::test]
async fn the_id_of_what_was_acknowledged_last_is_known_when_that_is_no_longer_kept() {
    let scene = Scene::new().await;
    scene.news("bob").await;
    let page = scene.page("after=0").await;
    let behind = Scene::behind(&page);
    scene.page(&behind).await;
    let place = async |what: &str, is_so: fn(&FeedPlace) -> bool| {
        let reader = Reader::Peer(scene.peer.provider().clone());
        scene.alpha.until(what, move |view| Ok(view.feed(&reader)?.filter(is_so))).await
    };
    place("both are acknowledged", |place| place.acknowledged == 2).await;
    // What is acknowledged is kept for a day.
    scene.federation.clock().turn(Duration::from_secs(25 * 3600));
    place("nothing is kept any more", |place| place.first == 3).await;
    assert!(numbers(&scene.page(&behind).await).is_empty());
    let other =
        behind.replace(page["items"][1]["id"].as_str().unwrap(), &scene.federation.clock().id().to_string());
    scene.peer.gets(scene.alpha.provider(), &format!("/feed?{other}")).expect_refusal(Code::FeedReset).await;
}
