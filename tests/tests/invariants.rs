//! What holds of every feed, whoever lies and whatever store goes back in time (`docs/mtp.md`, section 11).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use drawbridge_mtp::id::{Generation, Id};
use drawbridge_mtp::message::{ConnectionItem, ConnectionState as State, FeedPage, Item, ItemBody};
use drawbridge_node::Decision;
use drawbridge_node::ambient::Ambient;
use drawbridge_node::store::{Connection, Cursor, Reader};
use drawbridge_testkit::{Federation, ScriptedPeer, TestNode, federation};
use http::StatusCode;
use serde_json::json;

fn news() -> ItemBody {
    ItemBody::Other { kind: "news".into() }
}

/// Returns when `test_node` has stored the feed of `peer` up to `seq`.
async fn stores_up_to(test_node: &TestNode, peer: &ScriptedPeer, seq: u64) -> Cursor {
    let provider = peer.provider().clone();
    test_node
        .until(&format!("its cursor is at {seq}"), move |view| {
            Ok(view.cursor(&provider)?.filter(|cursor| cursor.seq == seq))
        })
        .await
}

#[tokio::test]
async fn a_page_that_skips_goes_back_or_changes_its_history_is_refused_and_moves_nothing() {
    let federation = Federation::new();
    let (alpha, liar) = (federation.node(|_| {}).await, federation.scripted_peer());
    let alice = alpha.user("alice").await;
    let asked = alice.asks_to_connect(&liar.address("bob")).await;
    let approval = ItemBody::Connection(ConnectionItem {
        id: asked,
        from: alice.uri().clone(),
        to: liar.address("bob"),
        state: State::Approved,
        time: federation.clock().now(),
    });
    let item = |seq: u64| Item { seq, id: federation.clock().id(), body: approval.clone() };
    let page = |generation: Generation, seqs: &[u64], head: u64| FeedPage {
        generation,
        items: seqs.iter().map(|seq| item(*seq)).collect(),
        first: 1,
        head,
        more: false,
    };
    let (ours, other) = (liar.responder().generation(), federation.clock().id().into());

    // Before each lie, `have` items are stored.
    let lies = [
        (1, page(ours, &[3], 3), "feed-gap"),
        (2, page(ours, &[3, 5], 5), "feed-gap"),
        (3, page(ours, &[3], 3), "feed-gap"),
        (4, page(ours, &[5], 4), "feed-gap"),
        (5, page(other, &[6], 6), "other-generation"),
        (6, page(ours, &[], 1), "feed-behind"),
    ];
    for (have, lie, code) in lies {
        liar.responder().puts(federation.clock().id(), news());
        let before = stores_up_to(&alpha, &liar, have).await;
        let provider = liar.provider().clone();
        alpha
            .until("what was before is over", move |view| {
                Ok(view.troubles(&provider)?.iter().all(|trouble| trouble.over).then_some(()))
            })
            .await;

        let what = format!("{lie:?}");
        liar.responder().lies(lie);
        let provider = liar.provider().clone();
        alpha
            .until(&format!("{code} is noted for {what}"), move |view| {
                Ok(view
                    .troubles(&provider)?
                    .into_iter()
                    .find(|trouble| !trouble.over && trouble.code == code))
            })
            .await;
        let provider = liar.provider().clone();
        let after = alpha.reads(move |view| view.cursor(&provider)).await;
        assert_eq!(after, Some(before), "{what}");
        alpha.sees(asked, State::Pending).await;
    }

    // Who tells the truth again is believed.
    liar.responder().puts(federation.clock().id(), approval);
    alpha.sees(asked, State::Approved).await;
    stores_up_to(&alpha, &liar, 7).await;
}

#[tokio::test]
async fn what_comes_again_after_a_reset_is_taken_once() {
    let federation = Federation::new();
    let (alpha, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
    let alice = alpha.user("alice").await;
    let name = alice.uri().name().clone();
    let (phone, _) = alpha.node().operator().create_client(name, "phone".parse().unwrap()).await.unwrap();
    let asked = alice.asks_to_connect(&peer.address("bob")).await;
    let told = |state| {
        ItemBody::Connection(ConnectionItem {
            id: asked,
            from: alice.uri().clone(),
            to: peer.address("bob"),
            state,
            time: federation.clock().now(),
        })
    };
    // Asked again after the reset, it says what it has told before.
    peer.responder()
        .answers("/connections", move |_| (StatusCode::OK, json!({"id": asked, "state": "approved"})));
    peer.responder().puts(federation.clock().id(), told(State::Approved));
    peer.responder().puts(federation.clock().id(), news());
    alpha.sees(asked, State::Approved).await;
    stores_up_to(&alpha, &peer, 2).await;

    let anew: Generation = federation.clock().id().into();
    peer.responder().resets(anew);
    alpha.notes(peer.provider(), "feed-reset").await;
    peer.responder().puts(federation.clock().id(), told(State::Ended));
    let cursor = stores_up_to(&alpha, &peer, 3).await;
    assert_eq!(cursor.generation, anew);
    alpha.sees(asked, State::Ended).await;

    let feed = alpha.reads(move |view| view.feed_slice(&Reader::Client(phone), 0, 100, 1 << 20)).await;
    let states: Vec<_> = feed
        .items
        .iter()
        .filter_map(|item| match &item.body {
            ItemBody::Connection(told) => Some(told.state),
            _ => None,
        })
        .collect();
    assert_eq!(states, [State::Pending, State::Approved, State::Ended]);
}

#[tokio::test]
async fn after_a_reset_what_may_have_been_missed_is_asked_again() {
    let federation = Federation::new();
    let (alpha, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
    let alice = alpha.user("alice").await;
    alice.asks_to_connect(&peer.address("bob")).await;
    peer.responder().puts(federation.clock().id(), news());
    stores_up_to(&alpha, &peer, 1).await;
    let posts = || peer.responder().asked().iter().filter(|(_, resource)| resource == "/connections").count();
    alpha.until_node("the request is made", |_| posts() == 1).await;
    peer.responder().resets(federation.clock().id().into());
    alpha.until_node("it is made again", |_| posts() == 2).await;
}

/// Two providers that have given each other items before the copy and after it.
struct Restored {
    _federation: Federation,
    alpha: TestNode,
    beta: TestNode,
    /// Asked of Alice and approved after the copy was made.
    forgotten: Id,
}

/// Alpha is stopped and its store set back to a copy; Beta runs.
async fn restore() -> Restored {
    let (federation, [alpha, beta]) = federation().await;
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let first = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(first).await;
    alpha.decides(first, Decision::Approve).await;
    beta.sees(first, State::Approved).await;
    let back = alpha.user("anton").await.asks_to_connect(bob.uri()).await;
    beta.hears_of(back).await;
    beta.decides(back, Decision::Approve).await;
    alpha.sees(back, State::Approved).await;

    alpha.stop().await;
    let copy = federation.copy_of(&alpha);
    alpha.start().await;

    let forgotten = beta.user("berta").await.asks_to_connect(alice.uri()).await;
    alpha.hears_of(forgotten).await;
    alpha.decides(forgotten, Decision::Approve).await;
    beta.sees(forgotten, State::Approved).await;
    let lost = alpha.user("anna").await.asks_to_connect(bob.uri()).await;
    beta.hears_of(lost).await;
    beta.decides(lost, Decision::Approve).await;
    alpha.sees(lost, State::Approved).await;
    let reader = Reader::Peer(alpha.provider().clone());
    beta.until("all is acknowledged", move |view| {
        Ok(view.feed(&reader)?.filter(|place| place.acknowledged == place.head))
    })
    .await;

    alpha.stop().await;
    federation.restore(&alpha, &copy);
    // Pulls are told apart by the second in which they are signed, and nobody restores a copy within one.
    federation.clock().turn(Duration::from_secs(2));
    Restored { _federation: federation, alpha, beta, forgotten }
}

#[tokio::test]
async fn a_store_that_went_back_in_time_is_noticed_by_both_sides() {
    let scene = restore().await;
    let (alpha, beta, forgotten) = (&scene.alpha, &scene.beta, scene.forgotten);
    alpha.start().await;

    let reset = alpha.notes(beta.provider(), "feed-reset").await;
    assert_eq!(reset.stage, "store");
    beta.notes(alpha.provider(), "feed-reset").await;
    beta.notes(alpha.provider(), "peer-went-back").await;
    // What it has forgotten is asked again.
    alpha.hears_of(forgotten).await;
}

#[tokio::test]
async fn a_store_that_went_back_and_went_on_is_noticed_by_the_ids_of_its_items() {
    let scene = restore().await;
    let (alpha, beta) = (&scene.alpha, &scene.beta);
    beta.stop().await;
    alpha.start().await;
    // As many items as it had given before, and one more; but others.
    let waiting = alpha.reads(|view| view.requests::<Connection>()).await;
    let known = waiting.iter().find(|row| !row.outgoing && row.state == State::Approved).unwrap();
    alpha.decides(known.id, Decision::End).await;
    beta.start().await;

    alpha.notes(beta.provider(), "feed-reset").await;
    beta.notes(alpha.provider(), "feed-reset").await;
    beta.sees(known.id, State::Ended).await;
}
