//! Our own signing keys (`docs/mtp.md`, section 3): changed under traffic, and revoked where one has leaked.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use drawbridge_mtp::grant::UnverifiedGrant;
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::PeerState;
use drawbridge_node::Node;
use drawbridge_node::identity::Standing;
use drawbridge_node::store::Addition;
use drawbridge_testkit::{CommitPlan, MutualPeers, TestNode, policy};

const HOUR: Duration = Duration::from_secs(3600);

/// The keys of `node`, with what each is for.
fn keys(node: &Node) -> Vec<(Thumbprint, Standing)> {
    node.operator().own_keys().keys.iter().map(|key| (key.kid, key.standing)).collect()
}

fn signing(test_node: &TestNode) -> Thumbprint {
    test_node.node().operator().fingerprint()
}

/// What went wrong at `at` with `with` that has to do with keys.
async fn troubles_with_keys(at: &TestNode, with: &TestNode) -> Vec<String> {
    let peer = with.provider().clone();
    let troubles = at.reads(move |view| view.troubles(&peer)).await;
    let of_keys = ["key-changed", "key-unknown", "signature-invalid", "peer-key-changed"];
    troubles.into_iter().map(|trouble| trouble.code).filter(|code| of_keys.contains(&code.as_str())).collect()
}

#[tokio::test]
async fn a_key_is_changed_under_traffic_without_a_lost_pull() {
    let peers = MutualPeers::of(2).await;
    let (alpha, beta) = (&peers.nodes[0], &peers.nodes[1]);
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    let old = signing(alpha);

    alpha.node().operator().rotate_key().unwrap();
    let refused = alpha.node().operator().rotate_key().unwrap_err();
    assert!(refused.to_string().contains("being changed already"), "{refused}");
    let begun = keys(&alpha.node());
    let new = begun[0].0;
    assert_eq!(begun, [(new, Standing::Next), (old, Standing::Signs)]);
    alpha.stop().await;
    alpha.start().await;
    assert_eq!(keys(&alpha.node()), begun, "it goes on after a restart");
    peers.federation.clock().turn(HOUR);
    assert_eq!(signing(alpha), old, "nobody was to know the new one before a day is over");

    let is_changed = AtomicBool::new(false);
    let talking = async {
        let mut said = Vec::new();
        while !is_changed.load(Ordering::Relaxed) {
            said.push(said.len().to_string());
            let text = said.last().unwrap();
            ann.does(&tea, &ann.says(&tea, text)).await;
            ben.hears_said(&tea, text).await;
        }
        said
    };
    let changing = async {
        peers.federation.clock().turn(25 * HOUR);
        alpha.until_node("the new key signs", |node| node.operator().fingerprint() == new).await;
        let peer = alpha.provider().clone();
        beta.until("the new key is accepted", move |view| {
            Ok(view.accepted_keys(&peer)?.contains(&new).then_some(()))
        })
        .await;
        assert_eq!(keys(&alpha.node()), [(new, Standing::Signs), (old, Standing::Published)]);
        is_changed.store(true, Ordering::Relaxed);
    };
    let (said, ()) = tokio::join!(talking, changing);
    // What nobody has fetched for a month is dropped, so all is fetched before that is over.
    for client in [&ann, &ben] {
        client.catches_up().await;
    }
    alpha.waits_for_pull_by(beta.provider()).await;
    peers.federation.clock().turn(32 * 24 * HOUR);
    alpha
        .until_node("the old key leaves the document", |node| {
            keys(node) == [(new, Standing::Signs), (old, Standing::Past)]
        })
        .await;
    ben.does(&tea, &ben.says(&tea, "over")).await;
    ann.hears_said(&tea, "over").await;
    assert_eq!(ben.texts(&tea), said, "all of it came, once");
    beta.sees_peer(alpha.provider(), PeerState::Allowed).await;
    assert_eq!(troubles_with_keys(beta, alpha).await, Vec::<String>::new());
    assert_eq!(troubles_with_keys(alpha, beta).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_key_changes_by_itself_when_its_days_are_over() {
    let federation = drawbridge_testkit::Federation::new();
    let alpha = federation.node(|config| config.keys.rotate_days = 7).await;
    let old = signing(&alpha);
    federation.clock().turn(6 * 24 * HOUR);
    assert_eq!(keys(&alpha.node()), [(old, Standing::Signs)]);
    federation.clock().turn(25 * HOUR);
    alpha.until_node("a new key is published", |node| keys(node).len() == 2).await;
    federation.clock().turn(25 * HOUR);
    alpha.until_node("it signs", |node| node.operator().fingerprint() != old).await;
}

#[tokio::test]
async fn a_leaked_key_is_out_at_once_and_what_it_signed_is_listed_and_signed_anew() {
    let peers = MutualPeers::of(2).await;
    let (alpha, beta) = (&peers.nodes[0], &peers.nodes[1]);
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    peers.connects(ann.user(), ben.user()).await;
    let asked = peers.authorizes(&ann, &tea, ben.user()).await;
    let leaked = signing(beta);

    let operator = beta.node();
    let operator = operator.operator();
    let signed = operator.signed_with(leaked).await.unwrap();
    let grant = &signed.grants[0];
    assert_eq!((signed.grants.len(), grant.id, &grant.user, grant.used), (1, asked.id, ben.user(), false));
    assert_eq!(signed.stops, [alpha.provider().clone()]);
    operator.revoke_key(leaked).await.unwrap();
    let new = signing(beta);
    assert_eq!(keys(&beta.node()), [(new, Standing::Signs), (leaked, Standing::Revoked)]);
    let again = operator.revoke_key(leaked).await.unwrap_err();
    assert!(again.to_string().contains("revoked already"), "{again}");

    // An unknown key lets a document be fetched again after a minute; nobody has said that the new one is Beta's.
    peers.federation.clock().turn(Duration::from_secs(90));
    alpha.sees_peer(beta.provider(), PeerState::KeyChanged).await;
    alpha.node().operator().accept_key(beta.provider().clone(), &[new]).await.unwrap();
    let id = asked.id;
    alpha
        .until("the grant is signed anew", move |view| {
            let row = view.requests_by_id::<Addition>(id)?.pop();
            let kept = row.and_then(|row| row.about.grant);
            Ok(kept.filter(|kept| *UnverifiedGrant::parse(&kept.jws).unwrap().kid() == new))
        })
        .await;
    let claimed = ann.claims(&tea, &[ben.user()]).await;
    ann.does(&tea, &ann.commit(&tea, CommitPlan::adding(&claimed))).await;
    ben.comes_into(&tea).await;
}

#[tokio::test]
async fn nobody_stops_where_the_next_key_was_known_before_the_first_leaked() {
    let peers = MutualPeers::of(2).await;
    let (alpha, beta) = (&peers.nodes[0], &peers.nodes[1]);
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let leaked = signing(beta);
    beta.node().operator().rotate_key().unwrap();
    let next = keys(&beta.node())[0].0;
    peers.federation.clock().turn(2 * HOUR);
    // Who wants a peer to be tried sees it tried, also where nothing is expected from it.
    alpha.rests_at(beta.provider()).await;
    alpha.node().operator().retry_peer(beta.provider()).await;
    let peer = beta.provider().clone();
    alpha
        .until("the next key is known", move |view| {
            Ok(view.accepted_keys(&peer)?.contains(&next).then_some(()))
        })
        .await;
    assert!(beta.node().operator().revoke_key(leaked).await.unwrap().stops.is_empty());
    assert_eq!(signing(beta), next);
    peers.federation.clock().turn(Duration::from_secs(90));
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.sees_peer(beta.provider(), PeerState::Allowed).await;
}
