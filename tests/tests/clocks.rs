//! A clock that was ahead and has been set right: what was made by it is made anew.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use drawbridge_client::{Client, Settings, StorageKey};
use drawbridge_mtp::message::{ClientClaim, ConnectionState};
use drawbridge_mtp::time::Timestamp;
use drawbridge_node::Decision;
use drawbridge_node::ambient::Ambient;
use drawbridge_node::store::{Connection, LOW_STOCK};
use drawbridge_testkit::{Federation, MutualPeers};

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
