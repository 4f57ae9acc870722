//! A network that breaks costs time and nothing else.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::ConnectionState as State;
use drawbridge_node::store::{Connection, UserRule};
use drawbridge_node::{Decision, Node, PullingStatus};
use drawbridge_testkit::{Daemon, FaultyNetwork, Federation, TestNode};

#[tokio::test]
async fn what_is_cut_off_on_its_way_is_pulled_again() {
    let federation = Federation::new();
    let mut config = federation.config(|_| {});
    let network = federation.faulty_network_before(&mut config).await;
    let (alpha, beta) = (federation.node(|own| *own = config).await, federation.node(|_| {}).await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let bob = beta.user("bob").await;
    let mut asked = Vec::new();
    for n in 0..20 {
        asked.push(bob.asks_to_connect(alpha.user(&format!("alice{n}")).await.uri()).await);
    }
    for id in &asked {
        alpha.hears_of(*id).await;
    }

    // Somebody has the screen of the peer open, and wants to see it come back.
    let _open = beta.looks_at(alpha.provider());
    // A TLS handshake takes some two thousand bytes: some are cut amid that, some amid a page, some behind the first.
    for (n, id) in asked.iter().enumerate() {
        network.cuts_after(500 + 250 * n as u64);
        network.cuts();
        alpha.decides(*id, Decision::Approve).await;
        beta.node().operator().retry_peer(alpha.provider()).await;
    }
    network.heals();
    network.cuts();
    for id in &asked {
        beta.sees(*id, State::Approved).await;
    }
    let peer = alpha.provider().clone();
    beta.until("all troubles are over", move |view| {
        let troubles = view.troubles(&peer)?;
        Ok((!troubles.is_empty() && troubles.iter().all(|trouble| trouble.over)).then_some(()))
    })
    .await;
}

#[tokio::test]
async fn a_request_whose_answer_is_lost_is_made_once() {
    let federation = Federation::new();
    let mut config = federation.config(|_| {});
    let network = federation.faulty_network_before(&mut config).await;
    let (alpha, beta) = (federation.node(|own| *own = config).await, federation.node(|_| {}).await);
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    // Enough for a handshake, and for no answer.
    network.cuts_after(2_000);
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    beta.notes(alpha.provider(), "connection-lost").await;
    network.heals();
    let peer = alpha.provider().clone();
    beta.until("the answer has come", move |view| {
        Ok(view.unsent::<Connection>(&peer)?.is_empty().then_some(()))
    })
    .await;
    assert_eq!(alpha.reads(|view| view.requests::<Connection>()).await.len(), 1);
}

#[tokio::test]
async fn what_is_late_held_or_repeated_arrives_once_and_whole() {
    let federation = Federation::new();
    let mut config = federation.config(|_| {});
    let network = federation.faulty_network_before(&mut config).await;
    let (alpha, beta) = (federation.node(|own| *own = config).await, federation.node(|_| {}).await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let bob = beta.user("bob").await;
    let disturbances: [&dyn Fn(); 3] =
        [&|| network.delays(Duration::from_millis(40)), &|| network.holds(), &|| network.repeats()];
    for (n, disturbs) in disturbances.into_iter().enumerate() {
        let asked = bob.asks_to_connect(alpha.user(&format!("alice{n}")).await.uri()).await;
        alpha.hears_of(asked).await;
        disturbs();
        alpha.decides(asked, Decision::Approve).await;
        if n == 0 {
            beta.sees(asked, State::Approved).await;
        }
        network.heals();
        beta.sees(asked, State::Approved).await;
    }
    let head = alpha.reads(|view| view.requests::<Connection>()).await.len();
    assert_eq!(head, 3, "each request is there once");
}

/// How long a rest is to be cut short by at least; a machine under load takes seconds for what follows.
const LONG: Duration = Duration::from_secs(40);

/// A provider behind a network that breaks, with which `beta` has something to do.
async fn behind_a_network(federation: &Federation, beta: &TestNode, name: &str) -> (TestNode, FaultyNetwork) {
    let mut config = federation.config(|_| {});
    let network = federation.faulty_network_before(&mut config).await;
    let test_node = federation.node(|own| *own = config).await;
    test_node.allows(beta.provider()).await;
    beta.allows(test_node.provider()).await;
    let user = beta.node().operator().create_user(name.parse().unwrap(), UserRule::Ask).await.unwrap();
    let asked = beta
        .node()
        .operator()
        .connect(user.name(), test_node.user(name).await.uri().clone(), None)
        .await
        .unwrap();
    test_node.hears_of(asked.id).await;
    test_node.waits_for_pull_by(beta.provider()).await;
    (test_node, network)
}

fn waits_at(beta: &TestNode, peer: &Provider) -> bool {
    let pulling = beta.node().operator().pulling(peer);
    pulling.is_some_and(|pulling| pulling.status == PullingStatus::Waiting && pulling.failures == 0)
}

/// Lets `beta` fail at `peer` until it would rest for long. Returns when it began to, at the latest.
async fn rests_long(beta: &TestNode, peer: &Provider, network: &FaultyNetwork) -> Instant {
    network.cuts_after(0);
    network.cuts();
    loop {
        beta.until_node("it rests", |node| {
            node.operator().pulling(peer).is_some_and(|pulling| pulling.status == PullingStatus::BackingOff)
        })
        .await;
        let pulling = beta.node().operator().pulling(peer).unwrap();
        if pulling.next_try.is_some_and(|next| next.since(beta.node().now()) > LONG) {
            return Instant::now();
        }
        beta.node().operator().retry_peer(peer).await;
        // It has begun to try before it rests again.
        beta.until_node("it is tried", |node| {
            node.operator().pulling(peer).is_some_and(|now| now.failures > pulling.failures)
        })
        .await;
    }
}

#[tokio::test]
async fn a_network_that_comes_back_for_one_is_tried_for_all() {
    let federation = Federation::new();
    let beta = federation.node(|_| {}).await;
    let (alpha, to_alpha) = behind_a_network(&federation, &beta, "alice").await;
    let (gamma, to_gamma) = behind_a_network(&federation, &beta, "gina").await;
    // They would tell by their own pulls that they are there.
    for other in [&alpha, &gamma] {
        other.node().operator().pause_peer(beta.provider().clone(), true).await.unwrap();
    }
    rests_long(&beta, gamma.provider(), &to_gamma).await;
    let began = rests_long(&beta, alpha.provider(), &to_alpha).await;
    to_alpha.heals();
    to_gamma.heals();
    beta.node().operator().retry_peer(gamma.provider()).await;
    beta.until_node("it waits at both", |_| {
        waits_at(&beta, alpha.provider()) && waits_at(&beta, gamma.provider())
    })
    .await;
    assert!(began.elapsed() < LONG, "the rest at alpha was not cut short");
}

#[tokio::test]
async fn a_machine_that_wakes_tries_everybody_at_once() {
    let federation = Federation::new();
    let beta = federation.node(|_| {}).await;
    let (alpha, to_alpha) = behind_a_network(&federation, &beta, "alice").await;
    alpha.node().operator().pause_peer(beta.provider().clone(), true).await.unwrap();
    let began = rests_long(&beta, alpha.provider(), &to_alpha).await;
    to_alpha.heals();
    federation.clock().turn(Duration::from_secs(3600));
    beta.until_node("it waits there", |_| waits_at(&beta, alpha.provider())).await;
    assert!(began.elapsed() < LONG, "the rest was not cut short");
}

#[tokio::test]
async fn in_another_network_everybody_is_asked_over_new_connections() {
    let federation = Federation::new();
    let beta = federation.node(|_| {}).await;
    let (alpha, to_alpha) = behind_a_network(&federation, &beta, "alice").await;
    alpha.node().operator().pause_peer(beta.provider().clone(), true).await.unwrap();
    beta.until_node("it waits there", |_| waits_at(&beta, alpha.provider())).await;
    let before = to_alpha.connections();
    federation.clock().moves(Some(Ipv4Addr::new(198, 51, 100, 7)));
    beta.until_node("it asks over a new connection", |_| to_alpha.connections() > before).await;
    beta.until_node("it waits there again", |_| waits_at(&beta, alpha.provider())).await;

    let began = rests_long(&beta, alpha.provider(), &to_alpha).await;
    to_alpha.heals();
    federation.clock().moves(Some(Ipv4Addr::new(203, 0, 113, 7)));
    beta.until_node("it waits there in the next network", |_| waits_at(&beta, alpha.provider())).await;
    assert!(began.elapsed() < LONG, "the rest was not cut short");
}

#[tokio::test]
async fn a_peer_that_hangs_is_noticed_from_both_sides_though_its_connections_stay() {
    let federation = Federation::new();
    let (alpha, beta) = (federation.node(|_| {}).await, federation.node(|_| {}).await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, State::Approved).await;
    beta.stop().await;
    let daemon = Daemon::start(beta.config()).await;
    let peer = beta.provider();
    let waits_there = |node: &Node| {
        node.operator().pulling(peer).is_some_and(|pulling| pulling.status == PullingStatus::Waiting)
    };
    alpha
        .until_node("each waits at the other", |node| waits_there(node) && node.operator().is_pulled_by(peer))
        .await;

    daemon.signal("STOP");
    alpha
        .until_node("nobody waits any more", |node| !waits_there(node) && !node.operator().is_pulled_by(peer))
        .await;
    daemon.signal("CONT");
    alpha
        .until_node("each waits again", |node| waits_there(node) && node.operator().is_pulled_by(peer))
        .await;
}
