//! What is wrong and can be acted upon: raised after what tells a fault from a blip, ignored until it changes, gone by itself.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use drawbridge_admin::{Host, commands};
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_node::config::Strangers;
use drawbridge_node::store::{RepairSubject, Severity};
use drawbridge_node::{Decision, Side};
use drawbridge_testkit::{Clock, Daemon, Federation, MutualPeers, TestNode};
use serde_json::json;

fn of(provider: &Provider) -> RepairSubject {
    RepairSubject::Peer(provider.clone())
}

/// Returns when our pulls at `peer` have failed so often in a row.
async fn fails(test_node: &TestNode, peer: &Provider, times: u32) {
    let has_failed = |node: &drawbridge_node::Node| {
        node.operator().pulling(peer).is_some_and(|pulling| pulling.failures >= times)
    };
    test_node.until_node(&format!("{peer} fails {times} times"), has_failed).await;
}

/// Two providers whose users are in a group, which the second owns.
async fn with_a_group() -> MutualPeers {
    let peers = MutualPeers::of(2).await;
    let (alice, bob) = (peers.client(0, "alice").await, peers.client(1, "bob").await);
    peers.group("choir", &bob, &[&alice]).await;
    for [one, other] in [[0, 1], [1, 0]] {
        peers.nodes[one].waits_for_pull_by(peers.nodes[other].provider()).await;
    }
    peers
}

#[tokio::test]
async fn a_peer_that_is_switched_off_is_raised_once_after_the_retries_and_gone_when_it_is_back() {
    let peers = with_a_group().await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!("it is of two") };
    let subject = of(beta.provider());
    beta.stop().await;
    fails(alpha, beta.provider(), 1).await;
    assert_eq!(alpha.repairs_of(&subject), [], "one failure may be a restart");

    let raised = alpha.raises(&subject, "connection-refused").await;
    assert_eq!((raised.side, raised.severity), (Side::Theirs, Severity::High), "a group suffers");
    assert_eq!((raised.suffers.groups, raised.suffers.users), (1, 1));
    assert!(raised.text.contains(beta.provider().as_str()), "{}", raised.text);
    assert!(raised.since < raised.raised);
    let failures = alpha.node().operator().pulling(beta.provider()).unwrap().failures;
    fails(alpha, beta.provider(), failures + 1).await;
    let open = alpha.repairs_of(&subject);
    assert_eq!((open.len(), open[0].id), (1, raised.id), "it is raised once: {open:#?}");

    beta.start().await;
    let gone = alpha.mends(raised.id).await;
    assert!(gone.gone.unwrap() >= gone.raised && gone.ignored_at.is_none());
    let list = alpha.node().operator().repairs().await;
    assert_eq!(list.history.iter().filter(|row| row.subject == subject).count(), 1);
}

#[tokio::test]
async fn a_message_that_a_peer_does_not_fetch_is_what_suffers() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!("it is of two") };
    let (alice, bob) = (peers.client(0, "alice").await, peers.client(1, "bob").await);
    let tea = peers.group("tea", &alice, &[&bob]).await;
    alpha.waits_for_pull_by(beta.provider()).await;
    beta.stop().await;
    let message = alice.says(&tea, "is anybody there?");
    alice.does(&tea, &message).await;
    let raised = alpha.raises(&of(beta.provider()), "connection-refused").await;
    assert_eq!((raised.suffers.groups, raised.suffers.users, raised.suffers.submissions), (1, 1, 1));
    assert_eq!(raised.severity, Severity::High);
    assert!(!raised.text.contains("does come here, and fetches"), "{}", raised.text);
}

#[tokio::test]
async fn a_peer_whose_clock_is_wrong_is_told_though_our_pull_still_waits_there() {
    let (federation, clock) = (Federation::new(), Arc::new(Clock::default()));
    let alpha = federation.node(|_| {}).await;
    let beta = federation.node_with_clock(clock.clone(), |_| {}).await;
    beta.allows(alpha.provider()).await;
    alpha.allows(beta.provider()).await;
    let asked = beta.user("bob").await.asks_to_connect(alpha.user("alice").await.uri()).await;
    alpha.hears_of(asked).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, ConnectionState::Approved).await;
    alpha.waits_for_pull_by(beta.provider()).await;
    beta.waits_for_pull_by(alpha.provider()).await;
    clock.turn(Duration::from_secs(600));
    let refused = alpha.notes(beta.provider(), "clock-skew").await;
    assert!(refused.text.contains("its requests here are refused"), "{}", refused.text);
    let list = alpha.node().operator().repairs().await;
    let begun = list.begun.iter().map(|begun| &begun.code);
    let told: Vec<_> = begun.chain(list.open.iter().map(|row| &row.code)).collect();
    assert!(told.iter().any(|code| *code == "clock-skew"), "{list:#?}");
}

/// Nothing is expected from it here, so no answer of it shows that its clock is right again: its next request does.
#[tokio::test]
async fn a_peer_of_which_nothing_is_expected_shows_by_its_requests_that_its_clock_is_right_again() {
    let (federation, clock) = (Federation::new(), Arc::new(Clock::default()));
    let alpha = federation.node(|_| {}).await;
    let beta = federation.node_with_clock(clock.clone(), |_| {}).await;
    beta.allows(alpha.provider()).await;
    alpha.allows(beta.provider()).await;
    let asked = beta.user("bob").await.asks_to_connect(alpha.user("alice").await.uri()).await;
    alpha.hears_of(asked).await;
    alpha.waits_for_pull_by(beta.provider()).await;
    clock.turn(Duration::from_secs(600));
    alpha.notes(beta.provider(), "clock-skew").await;
    let pulled = || alpha.node().operator().pulling(beta.provider()).and_then(|pulling| pulling.last_pull);
    let before = pulled();
    clock.turn_back(Duration::from_secs(600));
    let peer = beta.provider().clone();
    alpha
        .until("it is over", move |view| {
            Ok(view.troubles(&peer)?.into_iter().find(|trouble| trouble.code == "clock-skew" && trouble.over))
        })
        .await;
    assert_eq!(pulled(), before, "no pull of alpha has shown it");
}

/// Nothing of it waits for a decision: nothing proves that it was it.
#[tokio::test]
async fn who_is_refused_for_its_certificate_is_told_of_until_that_is_trusted() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let beta = federation.node(|config| (config.mtp.tls_cert, config.mtp.tls_key) = (None, None)).await;
    beta.allows(alpha.provider()).await;
    let raised = alpha.raises(&of(beta.provider()), "certificate-self-signed").await;
    assert_eq!((raised.side, raised.severity), (Side::Either, Severity::Low));
    assert!(raised.text.contains("comes here and is refused"), "{}", raised.text);
    let known = beta.provider().clone();
    assert!(alpha.reads(move |view| view.peer(&known)).await.is_none());

    let met = alpha.node().operator().met_certificate(beta.provider()).await.unwrap();
    let trusted = Some(met.fingerprint);
    alpha.node().operator().trust_certificate(beta.provider().clone(), trusted).await.unwrap();
    beta.node().operator().retry_peer(alpha.provider()).await;
    alpha.mends(raised.id).await;
    alpha.sees_peer(beta.provider(), PeerState::Pending).await;
}

/// Nothing is expected from it here, so nothing of ours meets its certificate but the look for its key.
#[tokio::test]
async fn a_peer_whose_pulls_are_refused_for_its_certificate_is_told_of_with_that() {
    let federation = Federation::new();
    let (alpha, beta) = (federation.node(|_| {}).await, federation.node(|_| {}).await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    for (one, other) in [(&alpha, &beta), (&beta, &alpha)] {
        one.rests_at(other.provider()).await;
    }
    alpha.stop().await;
    beta.stop().await;
    let shown = &beta.config().mtp;
    let files = [shown.tls_cert.as_ref().unwrap(), shown.tls_key.as_ref().unwrap()];
    for (made, file) in federation.self_signed().iter().zip(files) {
        std::fs::copy(made, file).unwrap();
    }
    alpha.start().await;
    beta.start().await;
    beta.rests_at(alpha.provider()).await;
    beta.node().operator().retry_peer(alpha.provider()).await;
    let raised = alpha.raises(&of(beta.provider()), "certificate-self-signed").await;
    assert_eq!((raised.side, raised.stage.as_deref()), (Side::Either, Some("tls")));
    assert!(raised.text.contains("refused (401 key-unknown), since its document"), "{}", raised.text);
}

#[tokio::test]
async fn what_is_ignored_stays_so_over_a_restart_and_comes_back_with_another_code() {
    const HOST: &str = "peer.example";
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    federation.clock().names(HOST, &[&federation.address().to_string()]);
    let peer: Provider = format!("{HOST}:{}", federation.nobody().port()).parse().unwrap();
    let subject = of(&peer);
    alpha.allows(&peer).await;
    let raised = alpha.raises(&subject, "connection-refused").await;
    assert_eq!(raised.severity, Severity::Medium, "nothing suffers");
    alpha.node().operator().ignore_repair(raised.id).await.unwrap();
    let list = alpha.node().operator().repairs().await;
    assert_eq!((list.open.len(), list.ignored.len()), (0, 1));

    alpha.stop().await;
    alpha.start().await;
    let _screen = alpha.looks_at(&peer);
    fails(&alpha, &peer, 4).await;
    let open = alpha.repairs_of(&subject);
    assert_eq!((open.len(), open[0].id, open[0].ignored.is_some()), (1, raised.id, true), "{open:#?}");

    federation.clock().names(HOST, &[]);
    let back = alpha.raises(&subject, "no-address").await;
    assert_eq!((back.id, back.ignored), (raised.id, None));
    assert!(back.ignored_at.is_some(), "when it was ignored is kept");
    assert_eq!(alpha.repairs_of(&subject).len(), 1);
    let nobody = alpha.node().operator().ignore_repair(federation.clock().id()).await;
    assert_eq!(nobody.unwrap_err().code(), "no-such-repair");
}

#[tokio::test]
async fn a_certificate_of_ours_is_raised_two_weeks_before_it_ends_and_is_worse_when_it_has() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let subject = RepairSubject::Certificate("mtp".into());
    let ends = alpha.node().operator().ourselves().certificates[0].facts.ends;
    let ten_days = Duration::from_secs(10 * 86_400);
    let turned = ends.since(alpha.node().now()) - ten_days;
    assert_eq!(alpha.repairs_of(&subject), []);
    federation.clock().turn(turned);
    let soon = alpha.raises(&subject, "certificate-ends-soon").await;
    assert_eq!((soon.side, soon.severity), (Side::Ours, Severity::Medium));
    alpha.node().operator().ignore_repair(soon.id).await.unwrap();
    federation.clock().turn(ten_days);
    let ended = alpha.raises(&subject, "certificate-expired").await;
    assert_eq!((ended.id, ended.severity, ended.ignored), (soon.id, Severity::High, None));
    assert_eq!(alpha.repairs_of(&subject).len(), 1);
    // As where it is renewed.
    federation.clock().turn_back(turned + ten_days);
    alpha.mends(ended.id).await;
}

#[tokio::test]
async fn a_client_that_runs_out_of_key_packages_is_raised_until_it_has_more() {
    let peers = MutualPeers::of(1).await;
    let ann = peers.client(0, "ann").await;
    let alpha = &peers.nodes[0];
    let tablet = alpha.client(ann.user(), "tablet").await;
    let subject = RepairSubject::Client(tablet.uri().clone());
    tablet.publishes(0).await;
    let spent = alpha.raises(&subject, "key-packages-spent").await;
    assert_eq!((spent.severity, spent.suffers.users), (Severity::Medium, 1));
    tablet.publishes(3).await;
    let low = alpha.raises(&subject, "key-packages-low").await;
    assert_eq!((low.id, low.severity), (spent.id, Severity::Low));
    tablet.publishes(20).await;
    alpha.mends(spent.id).await;
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_raised_once_and_not_at_each_peer() {
    let federation = Federation::new();
    let clock = Arc::new(Clock::default());
    clock.turn(Duration::from_secs(600));
    let alpha = federation.node_with_clock(clock, |_| {}).await;
    let others = [federation.node(|_| {}).await, federation.node(|_| {}).await];
    for other in &others {
        other.allows(alpha.provider()).await;
        alpha.allows(other.provider()).await;
    }
    let raised = alpha.raises(&RepairSubject::Node, "own-clock").await;
    assert_eq!((raised.side, raised.severity), (Side::Ours, Severity::High));
    for other in &others {
        fails(&alpha, other.provider(), 3).await;
        assert_eq!(alpha.repairs_of(&of(other.provider())), [], "it is told once");
    }
}

#[tokio::test]
async fn what_guests_of_an_open_house_say_of_the_clock_counts_for_nothing_and_they_are_nothing_to_be_mended()
{
    let federation = Federation::new();
    let alpha = federation.node(|config| config.peers.strangers = Strangers::Open).await;
    let friend = federation.nobody();
    alpha.allows(&friend).await;
    let guests = [federation.scripted_peer(), federation.scripted_peer(), federation.scripted_peer()];
    for guest in &guests {
        guest.responder().refuses(|_, _| Some(Problem::new(Code::ClockSkew, "your clock is wrong")));
        guest.posts(alpha.provider(), "/peering", &json!({})).send().await;
        alpha.notes(guest.provider(), "clock-skew").await;
        fails(&alpha, guest.provider(), 3).await;
    }
    // What was raised of them would be by now.
    alpha.raises(&of(&friend), "connection-refused").await;
    assert_eq!(alpha.repairs_of(&RepairSubject::Node), []);
    for guest in &guests {
        assert_eq!(alpha.repairs_of(&of(guest.provider())), []);
    }

    // From the one whom the operator lets in, it is heard.
    alpha.allows(guests[0].provider()).await;
    alpha.raises(&of(guests[0].provider()), "clock-skew").await;
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_sentence_and_the_line_of_how_everything_is_says_the_same() {
    let federation = Federation::new();
    let config = federation.config(|_| {});
    let host = Host::serve(config).await.unwrap();
    let ask = async |command: &str, request| commands::call(&host, command, request).await.unwrap();
    let nobody = federation.nobody();
    let mut events = host.subscribe(None);
    ask("set-peer", json!({"provider": nobody, "state": "allowed"})).await;
    // It is named at once, and is no fault before the retries.
    let health = loop {
        events.next().await;
        let status = ask("status", json!({})).await;
        let health = status["node"]["health"].clone();
        if health["code"] == "peers-unreachable" {
            break health;
        }
    };
    assert_eq!((&health["grade"], &health["about"]), (&json!("wait"), &json!(nobody)));
    let list = ask("repairs", json!({})).await;
    assert_eq!(list["open"], json!([]));
    let begun = &list["begun"][0];
    assert_eq!((&begun["code"], &begun["listed_after_s"]), (&json!("connection-refused"), &json!(120)));
    let bundle = ask("support-bundle", json!({})).await;
    let bundle: serde_json::Value = serde_json::from_str(bundle["text"].as_str().unwrap()).unwrap();
    assert_eq!(bundle["repairs"]["begun"][0]["code"], "connection-refused");
    assert!(!bundle.to_string().contains(nobody.as_str()), "it names nobody");
    host.stop().await;
}

#[test]
fn that_no_node_runs_is_told_from_something_being_wrong() {
    let federation = Federation::new();
    let config = federation.config(|_| {});
    Daemon::write(&config);
    let told = Daemon::command("repairs", &config).output().unwrap();
    assert_eq!(told.status.code(), Some(2), "{told:?}");
}
