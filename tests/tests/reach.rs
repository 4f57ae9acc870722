//! What keeps us from a provider is a trouble by its own name (what the doctor says of it is in `doctor/`); and what its
//! document said once is not believed where it is not so any more.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::{Duration, Instant};

use drawbridge_mtp::id::{Provider, UserUri};
use drawbridge_mtp::message::{ConnectionItem, ConnectionState, ItemBody};
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_node::ambient::Ambient;
use drawbridge_node::config::Config;
use drawbridge_node::diagnose::{NameStanding, StepName};
use drawbridge_node::store::UserRule;
use drawbridge_node::{Decision, Node};
use drawbridge_testkit::{Federation, ScriptedPeer, ServerTls, TestNode};
use http::{Method, Response};

#[tokio::test]
async fn whatever_is_wrong_with_its_tls_is_a_trouble_by_its_own_name() {
    let federation = Federation::new();
    let beta = federation.node(|_| {}).await;
    for (shows, code) in [
        (ServerTls::Expired, "certificate-expired"),
        (ServerTls::NotYetValid, "certificate-not-yet-valid"),
        (ServerTls::OtherName, "certificate-wrong-name"),
        (ServerTls::UnknownIssuer, "certificate-unknown-issuer"),
        (ServerTls::SelfSigned, "certificate-self-signed"),
        (ServerTls::OldTls, "tls-version"),
        (ServerTls::PlainHttp, "tls-not-spoken"),
    ] {
        let server = federation.web_server(shows, |_| Response::new("".into()));
        beta.allows(server.provider()).await;
        assert_eq!(beta.notes(server.provider(), code).await.stage, "tls", "{shows:?}");
    }
}

#[tokio::test]
async fn what_does_not_answer_at_all_is_a_trouble_by_its_own_name() {
    let federation = Federation::new();
    let beta = federation.node(|_| {}).await;
    let nobody = federation.nobody();
    beta.allows(&nobody).await;
    assert_eq!(beta.notes(&nobody, "connection-refused").await.stage, "connect");

    let nowhere: Provider = "provider.invalid".parse().unwrap();
    beta.allows(&nowhere).await;
    assert_eq!(beta.notes(&nowhere, "no-address").await.stage, "dns");
}

/// Returns when a pull has come to the endpoint that the peer has now, and waits there.
async fn pulls_at(beta: &TestNode, peer: &ScriptedPeer, pulls_before: usize) {
    beta.until_node("it pulls where the document says", |_| {
        peer.responder().times_asked(&Method::GET, "/feed") > pulls_before && peer.responder().is_pulled()
    })
    .await;
}

/// Ends the pull that waits at the peer with a page.
fn tells_something(peer: &ScriptedPeer, user: &UserUri) {
    let (id, from, to, time) = (peer.clock().id(), user.clone(), peer.address("alice"), peer.clock().now());
    let told = ConnectionItem { id, from, to, state: ConnectionState::Pending, time };
    peer.responder().puts(peer.clock().id(), ItemBody::Connection(told));
}

#[tokio::test]
async fn a_peer_whose_endpoint_has_moved_is_found_again() {
    let federation = Federation::new();
    let (beta, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
    let bob = beta.node().operator().create_user("bob".parse().unwrap(), UserRule::Ask).await.unwrap();
    beta.node().operator().connect(bob.name(), peer.address("alice"), None).await.unwrap();
    pulls_at(&beta, &peer, 0).await;

    // It is read again by itself, at most once a minute.
    federation.clock().turn(Duration::from_secs(61));
    let before = peer.responder().times_asked(&Method::GET, "/feed");
    peer.moves("/elsewhere");
    tells_something(&peer, &bob);
    pulls_at(&beta, &peer, before).await;

    // Within that minute, it is a trouble that says what was answered, until the operator wants it tried.
    let before = peer.responder().times_asked(&Method::GET, "/feed");
    peer.moves("/somewhere");
    tells_something(&peer, &bob);
    let trouble = beta.notes(peer.provider(), "response-unsigned").await;
    assert!(trouble.text.contains("404 Not Found"), "{}", trouble.text);
    beta.node().operator().retry_peer(peer.provider()).await;
    pulls_at(&beta, &peer, before).await;

    // So does the check, which tells where it is by now.
    let before = peer.responder().times_asked(&Method::GET, "/feed");
    peer.moves("/anywhere");
    let report = beta.checks(peer.provider()).await;
    let document = report.steps.iter().find(|step| step.name == StepName::Document).unwrap();
    assert!(document.code.is_none() && document.text.contains("/anywhere"), "{}", document.text);
    tells_something(&peer, &bob);
    pulls_at(&beta, &peer, before).await;
}

#[tokio::test]
async fn a_peer_that_is_there_again_is_not_held_off_by_what_failed_while_it_was_away() {
    let federation = Federation::new();
    let (alpha, beta) = (federation.node(|_| {}).await, federation.node(|_| {}).await);
    let bob = beta.user("bob").await;
    let asked = bob.asks_to_connect(alpha.user("alice").await.uri()).await;
    alpha.allows(beta.provider()).await;
    alpha.hears_of(asked).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, ConnectionState::Approved).await;

    // Both are started again, which forget each other's documents, and alpha fails at beta's for a while.
    beta.stop().await;
    alpha.stop().await;
    alpha.start().await;
    let fails = async |node: Node, times: u32| {
        for _ in 0..times {
            let before = node.operator().pulling(beta.provider()).map_or(0, |pulling| pulling.failures);
            node.operator().retry_peer(beta.provider()).await;
            alpha
                .until_node("it fails", |node| {
                    node.operator().pulling(beta.provider()).is_some_and(|pulling| pulling.failures > before)
                })
                .await;
        }
    };
    fails(alpha.node(), 8).await;
    let began = Instant::now();
    beta.start().await;
    alpha.waits_for_pull_by(beta.provider()).await;
    // It was held off for up to a minute by what alpha had met by itself.
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_address_that_is_allowed_at_last_is_a_trouble_no_more() {
    let federation = Federation::new();
    let alpha = federation.scripted_peer();
    // That it answers is enough: no page of its feed has to come.
    alpha.responder().refuses(|_, path| {
        (path == "/feed").then(|| Problem::new(Code::Unavailable, "its feed is not to be had for now"))
    });
    let beta = federation.node(|config| config.peers.allow_networks = Vec::new()).await;
    beta.allows(alpha.provider()).await;
    beta.notes(alpha.provider(), "address-refused").await;
    beta.stop().await;

    let mut config = beta.config().clone();
    config.peers.allow_networks = federation.config(|_| {}).peers.allow_networks;
    let beta = federation.stopped_node(|own| *own = config);
    beta.start().await;
    let peer = alpha.provider().clone();
    beta.until("it is over", move |view| {
        let troubles = view.troubles(&peer)?;
        Ok(troubles.iter().all(|trouble| trouble.code != "address-refused" || trouble.over).then_some(()))
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_allowed_for_one_peer_is_connected_to_until_that_is_taken_back() {
    let federation = Federation::new();
    let [alpha, other] = [federation.scripted_peer(), federation.scripted_peer()];
    for peer in [&alpha, &other] {
        peer.responder().refuses(|_, path| {
            (path == "/feed").then(|| Problem::new(Code::Unavailable, "its feed is not to be had for now"))
        });
    }
    let beta = federation.node(|config| config.peers.allow_networks = Vec::new()).await;
    for peer in [&alpha, &other] {
        beta.allows(peer.provider()).await;
        beta.notes(peer.provider(), "address-refused").await;
    }
    let peer = alpha.provider().clone();
    let met = beta.node().operator().met_addresses(&peer).await.unwrap();
    let [at] = &met[..] else { panic!("{met:?}") };
    assert!(!at.is_open && at.may_be_allowed);
    let elsewhere = vec!["127.99.99.99".parse().unwrap()];
    beta.node().operator().allow_addresses(peer.clone(), elsewhere).await.unwrap_err();
    assert!(beta.node().operator().allowed_addresses().await.unwrap().is_empty());

    let is_refused = async |provider: &Provider, wanted: bool| {
        let provider = provider.clone();
        beta.until("its address is refused, or not any more", move |view| {
            let troubles = view.troubles(&provider)?;
            let is_refused = troubles.iter().any(|each| each.code == "address-refused" && !each.over);
            Ok((is_refused == wanted).then_some(()))
        })
        .await;
    };
    beta.node().operator().allow_addresses(peer.clone(), vec![at.address]).await.unwrap();
    is_refused(&peer, false).await;
    is_refused(other.provider(), true).await;
    // It is kept over a start.
    beta.stop().await;
    beta.start().await;
    beta.until_node("it is asked", |_| alpha.responder().times_asked(&http::Method::GET, "/feed") > 0).await;
    let asked = alpha.responder().times_asked(&http::Method::GET, "/feed");
    beta.node().operator().retry_peer(&peer).await;
    beta.until_node("it is asked again", |_| {
        alpha.responder().times_asked(&http::Method::GET, "/feed") > asked
    })
    .await;
    beta.node().operator().allow_addresses(peer.clone(), Vec::new()).await.unwrap();
    is_refused(&peer, true).await;
}

#[tokio::test]
async fn what_is_said_of_our_own_name_and_port_is_what_others_find() {
    let federation = Federation::new();
    let nobody = federation.nobody();
    let elsewhere = move |config: &mut Config| {
        config.mtp.endpoint = Some(format!("https://{nobody}/mtp/v1").parse().unwrap());
    };
    let private = federation
        .node(|config| {
            elsewhere(config);
            config.peers.allow_networks = Vec::new();
        })
        .await;
    private
        .until_node("it leads only to this machine", |node| {
            matches!(node.operator().ourselves().name, NameStanding::Private { .. })
        })
        .await;
    let own = private.node().operator().ourselves();
    assert!(own.looked.is_some());
    assert_eq!(own.listening_port, Some(private.config().mtp.listen.ip().unwrap().port()));
    assert_eq!(own.named_port, private.config().mtp.endpoint.as_ref().unwrap().port());
    assert_ne!(Some(own.named_port), own.listening_port);

    let found = federation.node(|_| {}).await;
    found.until_node("it is found", |node| node.operator().ourselves().name == NameStanding::Found).await;
    let own = found.node().operator().ourselves();
    let port = found.config().mtp.listen.ip().unwrap().port();
    assert_eq!((own.named_port, own.listening_port), (port, Some(port)));
}
