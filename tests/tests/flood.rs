//! A stranger who asks without end fills neither the store nor the memory, and keeps nobody else from being served.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use drawbridge_mtp::keys::SecretKey;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::problem::Code;
use drawbridge_node::Change;
use drawbridge_node::config::Strangers;
use drawbridge_node::store::Connection;
use drawbridge_testkit::{Daemon, Federation, ScriptedPeer};
use http::{Method, StatusCode};
use serde_json::json;
use tokio::sync::Notify;

const REQUESTS: usize = 10_000;
const AT_ONCE: usize = 8;
const MEMORY: u64 = 64 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_who_floods_a_provider_gains_five_requests_and_no_more() {
    let federation = Federation::new();
    // Without the limits on addresses and peers, so that everything behind them is reached.
    let alpha = federation.stopped_node(|config| {
        config.limits.stranger_requests = 100_000;
        config.limits.peer_requests = 100_000;
    });
    alpha.start().await;
    alpha.user("alice").await;
    let (stranger, peer) = (federation.scripted_peer(), federation.scripted_peer());
    alpha.allows(peer.provider()).await;
    alpha.stop().await;

    let daemon = Daemon::start(alpha.config()).await;
    let alice = alpha.address("alice");
    let at = alpha.provider();
    assert_eq!(stranger.gets(at, "/ping").send().await.status, StatusCode::OK);
    let before = daemon.memory();
    let (made, held, is_over) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    // Now and then, a peer asks something amid the flood.
    let turn = Notify::new();
    let flood = async {
        let one = async || {
            loop {
                let n = made.fetch_add(1, Ordering::Relaxed);
                if n >= REQUESTS {
                    return;
                }
                if n % 100 == 0 {
                    turn.notify_one();
                }
                let heard = match n % 4 {
                    0 => stranger.posts(at, "/peering", &json!({})).send().await,
                    1 => stranger.gets(at, "/feed?after=0&wait=55").send().await,
                    _ => {
                        let ask = stranger.request(&stranger.address(&format!("bob{n}")), &alice);
                        stranger.posts(at, "/connections", &ask).send().await
                    }
                };
                if n % 4 > 1 && heard.status == StatusCode::ACCEPTED {
                    held.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        let all: [_; AT_ONCE] = std::array::from_fn(|_| one());
        join_all(all).await;
        is_over.store(true, Ordering::Relaxed);
        turn.notify_one();
    };
    let served = async {
        let mut served = 0;
        while !is_over.load(Ordering::Relaxed) {
            turn.notified().await;
            // Each time somebody else, since few requests of one pair are kept.
            let ask = peer.request(&peer.address(&format!("carol{served}")), &alice);
            assert_eq!(peer.posts(at, "/connections", &ask).send().await.status, StatusCode::ACCEPTED);
            assert_eq!(peer.gets(at, "/feed?after=0").send().await.status, StatusCode::OK);
            served += 1;
        }
        served
    };
    let ((), served) = tokio::join!(flood, served);
    assert!(served > 1, "a peer was served {served} times only while a stranger flooded");
    assert_eq!(held.load(Ordering::Relaxed), 5);
    let grown = daemon.memory().saturating_sub(before);
    assert!(grown < MEMORY, "it has grown by {grown} bytes");

    daemon.kill();
    alpha.start().await;
    alpha.sees_peer(stranger.provider(), PeerState::Pending).await;
    let who = stranger.provider().clone();
    let (waiting, kept) = alpha
        .reads(move |view| Ok((view.peers_in(PeerState::Pending)?, view.requests_with::<Connection>(&who)?)))
        .await;
    assert_eq!((waiting.len(), kept.len()), (1, 5));
}

#[tokio::test]
async fn strangers_beyond_the_limit_push_out_the_oldest_that_asks_for_nothing() {
    let federation = Federation::new();
    let alpha = federation.node(|config| config.limits.pending_peers = 3).await;
    alpha.user("alice").await;
    let strangers: Vec<_> = (0..6).map(|_| federation.scripted_peer()).collect();
    let ask = strangers[0].request(&strangers[0].address("bob"), &alpha.address("alice"));
    strangers[0].posts(alpha.provider(), "/connections", &ask).send().await;
    for stranger in &strangers[1..] {
        stranger.posts(alpha.provider(), "/peering", &json!({})).send().await;
    }
    let waiting = alpha.reads(|view| view.peers_in(PeerState::Pending)).await;
    let waiting: Vec<_> = waiting.iter().map(|peer| &peer.provider).collect();
    assert_eq!(waiting.len(), 3);
    assert!(waiting.contains(&strangers[0].provider()), "its request is held");
    assert!(waiting.contains(&strangers[5].provider()), "it is the latest");
}

#[tokio::test]
async fn strangers_that_change_their_keys_wait_on_within_the_limit_and_are_nothing_to_be_mended() {
    let federation = Federation::new();
    let alpha = federation.node(|config| config.limits.pending_peers = 3).await;
    alpha.user("alice").await;
    let strangers: Vec<_> = (0..6).map(|_| federation.scripted_peer()).collect();
    strangers.iter().for_each(|stranger| stranger.sets_cache_control("max-age=60"));
    let other = SecretKey::from_seed(federation.clock().random()).public();
    for stranger in &strangers {
        let ask = stranger.request(&stranger.address("bob"), &alpha.address("alice"));
        let heard = stranger.posts(alpha.provider(), "/connections", &ask).send().await;
        assert_eq!(heard.status, StatusCode::ACCEPTED);
        stranger.shows_keys([other.clone()]);
        federation.clock().turn(Duration::from_secs(61));
        stranger.gets(alpha.provider(), "/peering").expect_refusal(Code::KeyUnknown).await;
    }
    let latest = strangers[5].provider().clone();
    let (peers, asked, keys, troubles) = alpha
        .reads(move |view| {
            let asked = view.requests::<Connection>()?;
            Ok((view.peers()?, asked, view.accepted_keys(&latest)?, view.latest_troubles(9)?))
        })
        .await;
    assert_eq!((peers.len(), asked.len(), troubles.len()), (3, 0, 0), "{peers:#?}");
    assert!(peers.iter().all(|peer| peer.state == PeerState::Pending), "{peers:#?}");
    assert_eq!(keys, [*other.thumbprint()], "it waits under the key that it shows");

    // One that the operator has let in is held back.
    let known = &strangers[5];
    alpha.allows(known.provider()).await;
    known.shows_keys([known.signer().key().public()]);
    federation.clock().turn(Duration::from_secs(61));
    known.gets(alpha.provider(), "/peering").expect_refusal(Code::PeerKeyChanged).await;
}

#[tokio::test]
async fn a_stranger_that_asks_and_takes_back_without_end_is_told_of_a_few_times() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    alpha.user("alice").await;
    let (stranger, peer) = (federation.scripted_peer(), federation.scripted_peer());
    alpha.allows(peer.provider()).await;
    let mut changes = alpha.node().changes().listen();
    let ask = |of: &ScriptedPeer, from: &str| of.request(&of.address(from), &alpha.address("alice"));
    for n in 0..12 {
        let request = ask(&stranger, &format!("bob{n}"));
        let heard = stranger.posts(alpha.provider(), "/connections", &request).send().await;
        assert_eq!(heard.status, StatusCode::ACCEPTED);
        let taken_back = format!("/connections/{}", request["id"].as_str().unwrap());
        stranger.draft(alpha.provider(), Method::DELETE, &taken_back).send().await;
    }
    // What a peer asks is told after all of it.
    peer.posts(alpha.provider(), "/connections", &ask(&peer, "carol")).send().await;
    let mut told = 0;
    loop {
        match changes.recv().await.unwrap() {
            Change::WaitingConnection(who, _) if who == *stranger.provider() => told += 1,
            Change::WaitingConnection(who, _) if who == *peer.provider() => break,
            _ => {}
        }
    }
    assert_eq!(told, 5);
}

#[tokio::test]
async fn in_an_open_house_guests_beyond_the_limit_push_out_guests_and_nobody_else() {
    let federation = Federation::new();
    let alpha = federation
        .node(|config| {
            config.peers.strangers = Strangers::Open;
            config.limits.pending_peers = 3;
        })
        .await;
    let strangers: Vec<_> = (0..6).map(|_| federation.scripted_peer()).collect();
    for (n, stranger) in strangers.iter().enumerate() {
        assert_eq!(
            stranger.posts(alpha.provider(), "/peering", &json!({})).send().await.status,
            StatusCode::OK
        );
        if n == 0 {
            alpha.allows(stranger.provider()).await;
        }
    }
    let peers = alpha.reads(|view| view.peers_in(PeerState::Allowed)).await;
    let peers: Vec<_> = peers.iter().map(|peer| &peer.provider).collect();
    assert_eq!(peers.len(), 4);
    assert!(peers.contains(&strangers[0].provider()), "the operator has let it in");
    assert!(peers.contains(&strangers[5].provider()), "it is the latest");
    // Who was pushed out is let in again when it comes.
    assert_eq!(
        strangers[1].posts(alpha.provider(), "/peering", &json!({})).send().await.status,
        StatusCode::OK
    );
}

/// Runs all at once on this task.
async fn join_all<const N: usize>(all: [impl Future<Output = ()>; N]) {
    let mut all = all.map(Box::pin);
    let mut done = [false; N];
    std::future::poll_fn(|context| {
        for (future, done) in all.iter_mut().zip(&mut done) {
            *done = *done || future.as_mut().poll(context).is_ready();
        }
        if done.iter().all(|done| *done) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}
