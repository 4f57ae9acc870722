//! Clocks that are wrong for a while: what was made by one is made anew once it is set right, what it would have taken away is
//! still there, and it is said whose clock it is.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::time::Duration;

use drawbridge_client::{Client, Settings, StorageKey};
use drawbridge_mtp::grant::UnverifiedGrant;
use drawbridge_mtp::message::{ClientClaim, ConnectionState};
use drawbridge_mtp::time::Timestamp;
use drawbridge_node::Decision;
use drawbridge_node::ambient::Ambient;
use drawbridge_node::store::{Addition, Connection, LOW_STOCK, RepairSubject};
use drawbridge_testkit::{Clock, Federation, MutualPeers, TestNode};

const AHEAD: Duration = Duration::from_secs(40 * 86_400);

/// Nobody takes a request that is dated in the future, for as long as it is.
#[tokio::test]
async fn a_request_of_a_clock_that_was_ahead_is_made_anew_and_reaches_the_other() {
    let peers = MutualPeers::of(2).await;
    let (alpha, beta) = (&peers.nodes[0], &peers.nodes[1]);
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let bob = bob.uri().clone();
    beta.stop().await;
    let dated_ahead = alice.asks_to_connect(&bob).await;
    peers.federation.clock().turn_back(AHEAD);
    let mended = alpha
        .until("the request is made anew", move |view| {
            let rows = view.requests::<Connection>()?;
            Ok((rows.len() == 1 && rows[0].id != dated_ahead).then(|| rows[0].clone()))
        })
        .await;
    assert!(mended.created <= peers.federation.clock().now(), "{mended:?}");
    beta.start().await;
    let heard = beta.hears_of(mended.id).await;
    assert_eq!((&heard.from, &heard.to, heard.created), (alice.uri(), &bob, mended.created));
    assert!(beta.reads(move |view| view.requests_by_id::<Connection>(dated_ahead)).await.is_empty());
    beta.decides(mended.id, Decision::Approve).await;
    alpha.sees(mended.id, ConnectionState::Approved).await;
}

/// A computer whose clock is forty days ahead when the node and its built-in client first start, and right from then on.
///
/// The system's clock stands for the one that is ahead, since the MLS library looks at it; setting it right turns the clocks of
/// node and client back. Forty days, so that what is made after that holds by the system's clock too.
#[tokio::test]
async fn key_packages_of_a_clock_that_was_ahead_are_made_anew_and_their_user_can_be_added() {
    let federation = Federation::new();
    let alpha = federation.node_with_clients().await;
    let (alice, anna) = (alpha.user("alice").await, alpha.user("anna").await);
    let node = alpha.node();
    let (built_in, _) = node
        .operator()
        .create_client(anna.uri().name().clone(), "drawbridge".parse().unwrap())
        .await
        .unwrap();
    let settings = Settings { look_every: Duration::from_millis(200), ..Settings::default() };
    let key = StorageKey::random(&**federation.clock());
    let file = federation.dir().join("anna.sqlite");
    let client =
        Client::open_in(node.home_of(built_in.clone()), &file, key, settings, federation.clock().clone());
    let client = client.await.unwrap();
    let running = tokio::spawn(async move { client.run().await });

    let of = built_in.clone();
    let stocked = move |now: Timestamp| {
        let of = of.clone();
        move |view: &drawbridge_node::store::View<'_>| {
            let kept = view.key_packages_kept(of.user().name(), of.name(), now)?;
            let full = kept.stock.available >= LOW_STOCK && kept.stock.last_resort && !kept.stock.renew;
            Ok(full.then_some(kept))
        }
    };
    let ahead = federation.clock().now();
    alpha.until("KeyPackages are published", stocked(ahead)).await;

    federation.clock().turn_back(AHEAD);
    let kept = alpha.until("KeyPackages are made anew", stocked(federation.clock().now())).await;
    assert_eq!(kept.to_come, 0, "and those of the wrong clock are gone");

    let phone = alice.api_client("phone").await;
    let asked = alice.asks_to_connect(anna.uri()).await;
    alpha.decides(asked, Decision::Approve).await;
    let group = alpha.group("picnic");
    let addition = alice.asks_to_add(anna.uri(), &group).await;
    alpha.decides_addition(addition, Decision::Approve).await;
    alpha.sees_addition(addition, ConnectionState::Approved).await;
    let ask = serde_json::json!({"group": group, "users": [anna.uri()], "cipher_suites": [1]});
    let (_, reply) = phone.posts("/key-packages/claim", ask).await;
    let got = &reply["users"][0]["clients"][0];
    assert_eq!(got["status"], serde_json::json!(ClientClaim::Ok), "{reply}");
    running.abort();
}

/// Alpha, which goes by a clock of its own, and two others, which all let each other in.
async fn alpha_by_its_own_clock(federation: &Federation, clock: &Arc<Clock>) -> [TestNode; 3] {
    let alpha = federation.node_with_clock(clock.clone(), |_| {}).await;
    let nodes = [alpha, federation.node(|_| {}).await, federation.node(|_| {}).await];
    for one in &nodes {
        for other in nodes.iter().filter(|other| other.provider() != one.provider()) {
            one.allows(other.provider()).await;
        }
    }
    nodes
}

#[tokio::test]
async fn a_machine_that_boots_in_1970_signs_nothing_says_so_and_goes_on_once_its_clock_is_set() {
    let (federation, clock) = (Federation::new(), Arc::<Clock>::default());
    clock.notes_build();
    clock.shows(Timestamp::from_secs(60));
    let [alpha, beta, _] = alpha_by_its_own_clock(&federation, &clock).await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let raised = alpha.raises(&RepairSubject::Node, "clock-before-build").await;
    assert!(
        raised.text.contains("shows 1970-01-01") && raised.text.contains("was built at"),
        "{}",
        raised.text
    );
    let told = beta.notes(alpha.provider(), "clock-unset").await;
    assert!(told.text.contains("it signs nothing"), "{}", told.text);
    let refused = alice.tries_to_connect(bob.uri(), None).await.unwrap_err();
    assert!(refused.to_string().contains("nothing is signed until"), "{refused}");

    clock.is_right();
    alpha.mends(raised.id).await;
    let asked = alice.asks_to_connect(bob.uri()).await;
    beta.hears_of(asked).await;
    beta.decides(asked, Decision::Approve).await;
    alpha.sees(asked, ConnectionState::Approved).await;
}

#[tokio::test]
async fn a_clock_that_is_200_days_ahead_is_said_to_be_the_wrong_one_and_takes_nothing_away() {
    let (federation, clock) = (Federation::new(), Arc::<Clock>::default());
    let [alpha, beta, gamma] = alpha_by_its_own_clock(&federation, &clock).await;
    let alice = alpha.user("alice").await;
    for (other, name) in [(&beta, "ben"), (&gamma, "carol")] {
        let connected = other.user(name).await.asks_to_connect(alice.uri()).await;
        alpha.hears_of(connected).await;
        alpha.decides(connected, Decision::Approve).await;
        other.sees(connected, ConnectionState::Approved).await;
    }
    let bob = beta.user("bob").await;
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    for other in [&beta, &gamma] {
        alpha.waits_for_pull_by(other.provider()).await;
        other.waits_for_pull_by(alpha.provider()).await;
    }
    alpha.node().operator().rotate_key().unwrap();

    let ahead = Duration::from_secs(200 * 86_400);
    clock.shows(clock.now().plus(ahead));
    let raised = alpha.raises(&RepairSubject::Node, "own-clock").await;
    assert!(raised.text.contains("theirs is 200 days behind this computer's"), "{}", raised.text);
    let keys = alpha.node().operator().own_keys();
    assert_eq!(keys.keys.len(), 2, "the new key does not sign by a clock that others contradict");
    assert!(keys.waits.is_some_and(|why| why.contains("bear out this computer's clock")));
    let held = alpha.reads(move |view| view.requests_by_id::<Connection>(asked)).await.pop().unwrap();
    assert_eq!(held.state, ConnectionState::Pending, "it has a month left");

    clock.is_right();
    alpha.mends(raised.id).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, ConnectionState::Approved).await;
}

#[tokio::test]
async fn a_grant_that_was_dated_ahead_is_signed_anew_and_comes_to_who_waits_for_it() {
    let (federation, clock) = (Federation::new(), Arc::<Clock>::default());
    let [alpha, beta, _] = alpha_by_its_own_clock(&federation, &clock).await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, ConnectionState::Approved).await;
    let addition = bob.asks_to_add(alice.uri(), &beta.group("tea")).await;
    alpha.hears_of_addition(addition).await;

    clock.shows(clock.now().plus(Duration::from_secs(10 * 86_400)));
    alpha.decides_addition(addition, Decision::Approve).await;
    clock.is_right();
    let granted = beta
        .until("the grant comes that holds now", move |view| {
            let row = view.requests_by_id::<Addition>(addition)?.pop();
            Ok(row.and_then(|row| row.about.grant))
        })
        .await;
    let claims = UnverifiedGrant::parse(&granted.jws).unwrap().unverified_claims().clone();
    assert!(claims.iat <= clock.now().as_secs(), "{claims:?}");
}
