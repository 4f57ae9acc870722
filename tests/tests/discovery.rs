//! How a provider's document is served, fetched, kept and doubted, and where peers may be (`docs/mtp.md`, section 3).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use drawbridge_mtp::document::ProviderDocument;
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::SecretKey;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::problem::{Cause, Code};
use drawbridge_mtp::signature::Signer;
use drawbridge_node::diagnose::{StepName, Verdict};
use drawbridge_node::identity::provider_document;
use drawbridge_node::store::{StoreFault, Tx};
use drawbridge_testkit::{
    Federation, RawResponse, RequestDraft, ScriptedPeer, ServerTls, TestNode, WebServer,
};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use http::{Response, StatusCode, Version};

/// A client of the operating system's that trusts the federation.
fn client(federation: &Federation) -> reqwest::ClientBuilder {
    // Another test of this process may have chosen the same one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root = reqwest::Certificate::from_pem(&std::fs::read(federation.root()).unwrap()).unwrap();
    reqwest::Client::builder().tls_certs_only([root]).no_proxy()
}

#[tokio::test]
async fn a_document_is_shown_to_anybody_in_both_versions_of_http_and_in_tls_1_3_alone() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let uri = format!("https://{}/.well-known/mtp", alpha.provider());
    for (version, client) in
        [(Version::HTTP_11, client(&federation).http1_only()), (Version::HTTP_2, client(&federation))]
    {
        let shown = client.build().unwrap().get(&uri).send().await.unwrap();
        assert_eq!((shown.status(), shown.version()), (StatusCode::OK, version));
        assert_eq!(shown.headers()[CONTENT_TYPE], "application/json");
        let document = ProviderDocument::parse(&shown.bytes().await.unwrap(), alpha.provider()).unwrap();
        assert_eq!(
            document.keys.iter().map(|key| *key.thumbprint()).collect::<Vec<_>>(),
            [alpha.node().operator().fingerprint()]
        );
    }
    let old = client(&federation).tls_version_max(reqwest::tls::Version::TLS_1_2).build().unwrap();
    assert!(old.get(&uri).send().await.unwrap_err().is_connect());
}

/// A document of whoever answers at the authority that a request names.
fn document_of(provider: &Provider) -> Vec<u8> {
    let endpoint = format!("https://{provider}/mtp/v1").parse().unwrap();
    provider_document(provider, &endpoint, [SecretKey::from_seed([7; 32]).public()]).to_json()
}

#[tokio::test]
async fn a_document_comes_as_it_is_from_where_it_was_asked_for_and_in_time() {
    let federation = Federation::new();
    let beta = federation.node(|_| {}).await;
    let (redirected, case) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let elsewhere = federation.web_server(ServerTls::Good, {
        let redirected = redirected.clone();
        move |_| {
            redirected.fetch_add(1, Ordering::SeqCst);
            Response::new(Body::empty())
        }
    });
    let elsewhere = format!("https://{}/.well-known/mtp", elsewhere.provider());
    let of = |request: &http::Request<Body>| {
        let authority = request.uri().authority().map(ToString::to_string);
        let host = request.headers().get("host").map(|host| host.to_str().unwrap().to_owned());
        document_of(&authority.or(host).unwrap().parse().unwrap())
    };
    let which = case.clone();
    let server = federation.web_server(ServerTls::Good, move |request| {
        let fine = Response::builder().header(CONTENT_TYPE, "text/plain");
        match which.load(Ordering::SeqCst) {
            0 => fine.body(of(request).into()).unwrap(),
            1 => Response::builder().status(302).header(LOCATION, &elsewhere).body(Body::empty()).unwrap(),
            2 => fine.header(CONTENT_ENCODING, "gzip").body(of(request).into()).unwrap(),
            3 => fine.body([b"\xef\xbb\xbf".to_vec(), of(request)].concat().into()).unwrap(),
            4 => fine.body([of(request), vec![b' '; 64 << 10]].concat().into()).unwrap(),
            _ => {
                let never = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
                fine.body(Body::from_stream(never)).unwrap()
            }
        }
    });
    let codes = [
        None,
        Some("document-redirected"),
        Some("document-encoded"),
        Some("document-invalid"),
        Some("answer-too-large"),
        Some("timeout"),
    ];
    for (place, code) in codes.into_iter().enumerate() {
        case.store(place, Ordering::SeqCst);
        let report = beta.checks(server.provider()).await;
        let step = report.steps.iter().find(|step| step.name == StepName::Document).unwrap();
        assert_eq!(step.code.as_deref(), code, "{place}: {step:#?}");
    }
    assert_eq!(redirected.load(Ordering::SeqCst), 0);
}

struct Scene {
    federation: Federation,
    alpha: TestNode,
    peer: ScriptedPeer,
}

impl Scene {
    async fn new() -> Self {
        let federation = Federation::new();
        let (alpha, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
        Self { federation, alpha, peer }
    }

    fn turns(&self, seconds: u64) {
        self.federation.clock().turn(Duration::from_secs(seconds));
    }

    fn ping(&self) -> RequestDraft<'_> {
        self.peer.gets(self.alpha.provider(), "/ping")
    }

    fn key(&self) -> SecretKey {
        SecretKey::from_seed(self.federation.clock().random())
    }

    /// A request under a key of `signer` that nobody knows; how long its sender is asked to wait.
    async fn expect_unknown_key(&self, signer: &Provider) -> u64 {
        let heard = self.ping().signed_by(Signer::new(signer.clone(), self.key())).send().await;
        assert_eq!(heard.problem().known(), Some(Code::KeyUnknown));
        heard.header("retry-after").unwrap().parse().unwrap()
    }

    /// A good request; how often its document has been asked for by then.
    async fn shown(&self) -> usize {
        assert_eq!(self.ping().send().await.status, StatusCode::OK);
        self.peer.times_shown()
    }
}

#[tokio::test]
async fn a_document_is_kept_as_it_says_from_a_minute_to_a_day_and_for_an_hour_where_it_is_silent() {
    const AN_HOUR: u64 = 3600;
    let scene = Scene::new().await;
    let mut times = 0;
    for (says, kept) in [
        (None, AN_HOUR),
        (Some("max-age=600"), 600),
        (Some("public, max-age=7"), 60),
        (Some("no-store"), 60),
        (Some("max-age=99999999"), 24 * AN_HOUR),
    ] {
        if let Some(says) = says {
            scene.peer.sets_cache_control(says);
        }
        times += 1;
        assert_eq!(scene.shown().await, times, "{says:?}: it is asked for");
        scene.turns(kept - 30);
        assert_eq!(scene.shown().await, times, "{says:?}: it is kept");
        scene.turns(30);
    }
}

#[tokio::test]
async fn an_unknown_key_has_its_document_fetched_once_a_minute_and_a_failure_is_remembered() {
    let scene = Scene::new().await;
    assert_eq!(scene.shown().await, 1);
    scene.turns(61);
    for _ in 0..3 {
        assert!((1..=60).contains(&scene.expect_unknown_key(scene.peer.provider()).await));
    }
    assert_eq!(scene.peer.times_shown(), 2, "once more in the minute since the last that succeeded");
    scene.turns(61);
    scene.expect_unknown_key(scene.peer.provider()).await;
    assert_eq!(scene.peer.times_shown(), 3);

    let asked = Arc::new(AtomicUsize::new(0));
    let counts = asked.clone();
    let server: WebServer = scene.federation.web_server(ServerTls::Good, move |_| {
        counts.fetch_add(1, Ordering::SeqCst);
        Response::builder().status(404).body(Body::empty()).unwrap()
    });
    for (times, pause) in [5, 10, 20, 40, 60, 60].into_iter().enumerate() {
        assert_eq!(scene.expect_unknown_key(server.provider()).await, pause);
        assert!((1..=pause).contains(&scene.expect_unknown_key(server.provider()).await));
        assert_eq!(asked.load(Ordering::SeqCst), times + 1, "it is not asked for meanwhile");
        scene.turns(pause);
    }
    // Who is let in is not kept waiting for longer by what it has met.
    scene.alpha.allows(server.provider()).await;
    for _ in 0..4 {
        assert!((1..=5).contains(&scene.expect_unknown_key(server.provider()).await));
        scene.turns(5);
    }
}

#[tokio::test]
async fn a_peer_whose_document_cannot_be_had_is_not_asked_for_it_with_each_of_its_requests() {
    let scene = Scene::new().await;
    let peer = scene.peer.provider();
    scene.alpha.allows(peer).await;
    let operator = scene.alpha.node();
    operator.operator().pause_peer(peer.clone(), true).await.unwrap();
    scene.shown().await;
    // No document is without a key.
    scene.peer.shows_keys([]);
    scene.turns(24 * 3600);
    let wait = async || -> u64 {
        let heard = scene.ping().send().await;
        assert_eq!(heard.problem().known(), Some(Code::KeyUnknown));
        heard.header("retry-after").unwrap().parse().unwrap()
    };
    let before = scene.peer.times_shown();
    assert_eq!(wait().await, 1, "it may only just be there again");
    for _ in 0..10 {
        scene.turns(1);
        assert!((1..=5).contains(&wait().await));
    }
    let fetched = scene.peer.times_shown() - before;
    assert!(fetched <= 4, "it was asked for {fetched} times in ten seconds");
}

/// Who asks while it is being kept that the keys have changed could else be taken for the peer.
#[tokio::test]
async fn nobody_is_believed_by_new_keys_before_it_is_kept_that_they_are_others() {
    let scene = Scene::new().await;
    let (peer, node) = (scene.peer.provider(), scene.alpha.node());
    scene.alpha.allows(peer).await;
    node.operator().pause_peer(peer.clone(), true).await.unwrap();
    scene.shown().await;
    let seed = scene.federation.clock().random();
    let other = || SecretKey::from_seed(seed);
    scene.peer.shows_keys([other().public()]);
    scene.turns(61);

    // Nothing can be kept until it is let go.
    let (begun, held) = tokio::sync::oneshot::channel();
    let (let_go, goes) = std::sync::mpsc::channel::<()>();
    let store = node.store().clone();
    let writer = tokio::spawn(async move {
        let hold = move |_: &Tx<'_>| {
            begun.send(()).unwrap();
            goes.recv().unwrap();
            Ok::<_, StoreFault>(())
        };
        store.write(hold).await.unwrap();
    });
    held.await.unwrap();
    let ask = || {
        let request = scene.peer.gets(scene.alpha.provider(), "/peering");
        request.signed_by(Signer::new(peer.clone(), other())).send()
    };
    let before = scene.peer.times_shown();
    let second = async {
        while scene.peer.times_shown() == before {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The document is here by now, and who is believed by it has an answer before anything is kept.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let second = tokio::time::timeout(Duration::from_millis(500), ask()).await;
        let_go.send(()).unwrap();
        match second {
            Ok(heard) => heard,
            Err(_) => ask().await,
        }
    };
    for heard in <[RawResponse; 2]>::from(tokio::join!(ask(), second)) {
        assert_eq!(heard.problem().known(), Some(Code::PeerKeyChanged));
    }
    writer.await.unwrap();
}

/// Its sender can do nothing about it, and looks for the fault at itself where it is told that its key is unknown.
#[tokio::test]
async fn a_request_is_not_refused_for_its_key_where_our_disk_is_full() {
    let scene = Scene::new().await;
    scene.alpha.allows_paused(scene.peer.provider()).await;
    scene.federation.clock().fills_disk(true);
    for _ in 0..2 {
        let heard = scene.ping().send().await;
        let problem = heard.problem();
        assert_eq!((problem.known(), problem.members.cause), (Some(Code::Unavailable), Some(Cause::Store)));
        assert!((1..=5).contains(&heard.header("retry-after").unwrap().parse::<u64>().unwrap()));
        assert_eq!(scene.peer.times_shown(), 1, "it is not asked for meanwhile");
    }
    scene.federation.clock().fills_disk(false);
    scene.turns(6);
    assert_eq!(scene.shown().await, 2);
}

#[tokio::test]
async fn documents_of_strangers_are_fetched_sixty_times_a_minute() {
    let scene = Scene::new().await;
    let (host, _) = scene.peer.provider().as_str().split_once(':').unwrap();
    for port in 1..=60 {
        scene.expect_unknown_key(&format!("{host}:{port}").parse().unwrap()).await;
    }
    scene.ping().expect_refusal(Code::KeyUnknown).await;
    assert_eq!(scene.peer.times_shown(), 0);
    scene.turns(61);
    assert_eq!(scene.shown().await, 1);
}

#[tokio::test]
async fn a_new_key_that_was_beside_the_old_one_is_accepted() {
    let scene = Scene::new().await;
    scene.alpha.allows(scene.peer.provider()).await;
    assert_eq!(scene.shown().await, 1);
    let (old, new) = (scene.peer.signer().key().public(), scene.key());
    let by_new = || {
        scene.ping().signed_by(Signer::new(scene.peer.provider().clone(), SecretKey::from_seed(*new.seed())))
    };
    scene.peer.shows_keys([old.clone(), new.public()]);
    scene.turns(61);
    for ping in [by_new(), scene.ping()] {
        assert_eq!(ping.send().await.json()["state"], "allowed");
    }
    // The old one goes once what it has signed is over.
    scene.peer.shows_keys([new.public()]);
    scene.turns(3600);
    assert_eq!(by_new().send().await.json()["state"], "allowed");
    scene.ping().expect_refusal(Code::KeyUnknown).await;
    scene.alpha.sees_peer(scene.peer.provider(), PeerState::Allowed).await;
}

#[tokio::test]
async fn nothing_connects_to_an_address_that_is_not_allowed_however_it_is_named() {
    let federation = Federation::new();
    let peer = federation.scripted_peer();
    let (host, _) = peer.provider().as_str().split_once(':').unwrap();
    // Only this one address of the loopback's.
    let allowed = format!("{host}/32");
    let beta = federation.node(|config| config.peers.allow_networks = vec![allowed.parse().unwrap()]).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    for name in ["127.0.0.1", "localhost"] {
        let closed: Provider = format!("{name}:{port}").parse().unwrap();
        beta.allows(&closed).await;
        assert_eq!(beta.notes(&closed, "address-refused").await.stage, "policy");
        let report = beta.checks(&closed).await;
        let refused = report.steps.iter().find(|step| step.verdict == Verdict::Fail).unwrap();
        assert_eq!(
            (refused.name, refused.code.as_deref()),
            (StepName::Addresses, Some("address-refused")),
            "{report:#?}"
        );
        // A document that can be had leads there too.
        let leads = federation.scripted_peer();
        leads.moves_to(&format!("https://{name}:{port}/mtp/v1"));
        beta.allows(leads.provider()).await;
        beta.notes(leads.provider(), "address-refused").await;
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    // Where it may be, it is pulled.
    beta.allows(peer.provider()).await;
    beta.until_node("it is pulled", |_| peer.responder().times_asked(&http::Method::GET, "/feed") > 0).await;
}
