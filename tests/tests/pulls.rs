//! What our pulls meet: something in between that ends those that wait, proxies that answer in a peer's place, and peers
//! that tell more than anybody reads (`docs/mtp.md`, section 11).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use drawbridge_mtp::message::{ConnectionState as State, FeedPage, Item, ItemBody};
use drawbridge_node::Decision;
use drawbridge_node::store::TroubleRow;
use drawbridge_testkit::{Federation, ServerTls};
use http::header::CONTENT_TYPE;
use http::{Method, Response, StatusCode};

#[tokio::test]
async fn pulls_that_something_ends_again_and_again_wait_shorter_and_the_operator_is_told() {
    let federation = Federation::new();
    let mut config = federation.config(|_| {});
    let network = federation.faulty_network_before(&mut config).await;
    let (alpha, beta) = (federation.node(|own| *own = config).await, federation.node(|_| {}).await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let asked = beta.user("bob").await.asks_to_connect(alpha.user("alice").await.uri()).await;
    alpha.hears_of(asked).await;
    alpha.waits_for_pull_by(beta.provider()).await;

    network.ends_idle(Duration::from_secs(3));
    network.cuts();
    let trouble = beta.notes(alpha.provider(), "pull-cut").await;
    assert_eq!((trouble.stage.as_str(), trouble.over), ("http", false));
    alpha
        .until_node("a pull asks to wait for ten seconds", |node| {
            let latest = node.operator().traffic().since(0, 50).0;
            latest
                .iter()
                .any(|record| record.target.ends_with("wait=10") || record.target.contains("wait=10&"))
        })
        .await;

    // It is told for as long as it is so, also while pages come.
    network.heals();
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, State::Approved).await;
    assert!(!beta.notes(alpha.provider(), "pull-cut").await.over);
}

#[tokio::test]
async fn what_a_proxy_answers_in_the_place_of_a_peer_is_named() {
    let federation = Federation::new();
    let beta = federation.node(|_| {}).await;
    for (status, stage, code) in [
        (502, "http", "proxy-error"),
        (503, "http", "proxy-error"),
        (413, "http", "proxy-too-large"),
        (404, "signature", "response-unsigned"),
        (200, "signature", "response-unsigned"),
    ] {
        let server = federation.web_server(ServerTls::Good, move |_| {
            let page = Response::builder().status(status).header(CONTENT_TYPE, "text/html");
            page.body("<h1>It is not here</h1>".into()).unwrap()
        });
        let behind = federation
            .node(|config| {
                config.mtp.endpoint = Some(format!("https://{}/mtp/v1", server.provider()).parse().unwrap());
            })
            .await;
        beta.allows(behind.provider()).await;
        let trouble = beta.notes(behind.provider(), code).await;
        assert_eq!(trouble.stage, stage, "{status}");
        let status = StatusCode::from_u16(status).unwrap().to_string();
        assert!(trouble.text.contains(&format!("{status} (text/html, 23 bytes)")), "{}", trouble.text);
    }
}

#[tokio::test]
async fn whatever_a_peer_gives_as_its_reasons_little_of_it_is_kept() {
    let federation = Federation::new();
    let (beta, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
    let bob = beta.user("bob").await;
    peer.responder().answers("/connections", {
        let clock = federation.clock().clone();
        move |_| {
            let reason = "\u{202e}reason ".repeat(4 << 10);
            let problem =
                serde_json::json!({"status": 500, "code": format!("made-up-{}", clock.id()), "detail": reason});
            (StatusCode::INTERNAL_SERVER_ERROR, problem)
        }
    });
    bob.asks_to_connect(&peer.address("alice")).await;
    let at_least = |times: u32| {
        let provider = peer.provider().clone();
        move |view: &drawbridge_node::store::View<'_>| {
            let troubles = view.troubles(&provider)?;
            Ok(troubles.iter().any(|trouble| trouble.count >= times).then_some(troubles))
        }
    };
    let mut troubles: Vec<TroubleRow> = Vec::new();
    for times in 1..=4 {
        beta.node().operator().retry_peer(peer.provider()).await;
        troubles = beta.until("it fails again", at_least(times)).await;
    }
    let of_its_own: Vec<_> = troubles.iter().filter(|trouble| trouble.stage == "http").collect();
    assert_eq!(of_its_own.len(), 1, "{troubles:#?}");
    let TroubleRow { code, text, .. } = of_its_own[0];
    assert_eq!(code, "other");
    assert!(text.contains("made-up-") && text.contains("<U+202E>reason") && text.len() < 4 << 10, "{text}");

    // What is longer than any reason is not even read.
    peer.responder().answers("/connections", |_| {
        let problem =
            serde_json::json!({"status": 500, "code": "unavailable", "detail": "x".repeat(1 << 20)});
        (StatusCode::INTERNAL_SERVER_ERROR, problem)
    });
    beta.node().operator().retry_peer(peer.provider()).await;
    assert!(beta.notes(peer.provider(), "answer-too-large").await.text.contains("500"));
}

#[tokio::test]
async fn a_page_with_more_than_was_asked_for_is_refused_whole() {
    let federation = Federation::new();
    let (beta, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
    let first = federation.clock().id();
    let items = (1..=150_000).map(|seq| {
        let id = if seq == 1 { first } else { federation.clock().id() };
        Item { seq, id, body: ItemBody::Other { kind: "news".into() } }
    });
    peer.responder().lies(FeedPage {
        generation: peer.responder().generation(),
        items: items.collect(),
        first: 1,
        head: 150_000,
        more: false,
    });
    beta.allows(peer.provider()).await;
    let trouble = beta.notes(peer.provider(), "too-many-items").await;
    assert!(trouble.text.contains("150000") && trouble.text.contains("1000"), "{}", trouble.text);
    let provider = peer.provider().clone();
    let (has_first, kept) = beta
        .reads(move |view| Ok((view.has_received(&provider, first)?, view.count_received(&provider)?)))
        .await;
    assert_eq!((has_first, kept), (false, 0), "nothing of it is kept");
    let asked = peer.responder().asked();
    let pulls =
        asked.iter().filter(|(method, resource)| *method == Method::GET && resource.starts_with("/feed"));
    assert!(pulls.into_iter().all(|(_, resource)| resource.contains("max_events=1000")));
}
