//! Whoever sends content fills nobody's memory: none of it is held before a signature has verified, and of a peer's no
//! more than its share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use drawbridge_mtp::problem::Code;
use drawbridge_testkit::{Daemon, Federation, RequestDraft, ScriptedPeer, WAIT_LIMIT};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::Method;

const FULL: usize = 8 << 20;
const GROWTH: u64 = 64 << 20;
const NO_SIGNATURE: &str =
    "mtp=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==:";

struct Scene {
    daemon: Daemon,
    peers: [ScriptedPeer; 2],
    at: drawbridge_mtp::id::Provider,
    _federation: Federation,
}

impl Scene {
    /// A provider as a process of its own, and two peers that it has let in.
    async fn new() -> Self {
        let federation = Federation::new();
        let alpha = federation.node(|_| {}).await;
        let peers = [federation.scripted_peer(), federation.scripted_peer()];
        for peer in &peers {
            alpha.allows(peer.provider()).await;
        }
        alpha.stop().await;
        let daemon = Daemon::start(alpha.config()).await;
        for peer in &peers {
            assert_eq!(peer.gets(alpha.provider(), "/ping").send().await.status, http::StatusCode::OK);
        }
        Self { daemon, peers, at: alpha.provider().clone(), _federation: federation }
    }

    fn full<'a>(&self, peer: &'a ScriptedPeer) -> RequestDraft<'a> {
        peer.draft(&self.at, Method::POST, "/peering").content("application/json", vec![b' '; FULL])
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_under_a_false_signature_in_the_name_of_a_peer_is_answered_before_it_is_read() {
    let scene = Scene::new().await;
    let before = scene.daemon.memory();
    let [peer, other] = &scene.peers;
    let forged = scene.full(peer).with("signature", NO_SIGNATURE);
    // None of them ever comes whole, so each answer is one that did not wait for it.
    let sent: FuturesUnordered<_> = (0..200)
        .map(|n| forged.clone().stalling(n % 2 == 0).expect_refusal(Code::SignatureInvalid))
        .collect();
    let answered = tokio::time::timeout(WAIT_LIMIT, sent.count()).await.expect("each is answered");
    assert_eq!(answered, 200);
    // From a stranger, more than 16 KiB is refused as soon as it is known.
    let stranger = scene.full(other).without("signature");
    for tells_length in [true, false] {
        let answered = stranger.clone().stalling(tells_length).expect_refusal(Code::TooLarge);
        tokio::time::timeout(WAIT_LIMIT, answered).await.expect("it is answered");
    }
    let grown = scene.daemon.memory().saturating_sub(before);
    assert!(grown < GROWTH, "it has grown by {} MiB", grown >> 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_sends_more_than_its_share_keeps_nobody_from_being_read() {
    let scene = Scene::new().await;
    let before = scene.daemon.memory();
    let [greedy, other] = &scene.peers;
    let drafts: Vec<_> = (0..12).map(|_| scene.full(greedy).stalling(true)).collect();
    let refused = Arc::new(AtomicUsize::new(0));
    let mut sending: FuturesUnordered<_> = drafts
        .into_iter()
        .map(|draft| {
            let refused = refused.clone();
            async move {
                let problem = draft.expect_refusal(Code::Unavailable).await;
                assert!(problem.detail.unwrap_or_default().contains("later"));
                refused.fetch_add(1, Ordering::Relaxed)
            }
        })
        .collect();
    // Three are being read, which never end: a third of the room.
    for n in 0..9 {
        let answered = tokio::time::timeout(WAIT_LIMIT, sending.next()).await;
        assert!(answered.is_ok(), "{n} of 12 were refused");
    }
    // Another peer's is read whole, and looked at.
    scene.full(other).expect_refusal(Code::Malformed).await;
    assert_eq!(refused.load(Ordering::Relaxed), 9);
    let grown = scene.daemon.memory().saturating_sub(before);
    assert!(grown < GROWTH, "it has grown by {} MiB", grown >> 20);
}

#[tokio::test]
async fn who_sends_content_that_is_not_wanted_over_http_1_can_read_why() {
    let scene = Scene::new().await;
    let [peer, _] = &scene.peers;
    for _ in 0..10 {
        let too_large = peer
            .draft(&scene.at, Method::POST, "/peering")
            .content("application/json", vec![b' '; FULL + 1])
            .over_http1();
        too_large.expect_refusal(Code::TooLarge).await;
        scene
            .full(peer)
            .over_http1()
            .with("signature", NO_SIGNATURE)
            .expect_refusal(Code::SignatureInvalid)
            .await;
    }
}
