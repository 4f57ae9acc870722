//! What two providers and their people can do to each other (`docs/mtp.md`, sections 6 and 7), over TLS on loopback.

use std::time::Duration;

use drawbridge_mtp::message::{ConnectionState as State, PeerState};
use drawbridge_node::Decision;
use drawbridge_node::config::Strangers;
use drawbridge_node::store::{Connection, Reader};
use drawbridge_node::traffic::{Direction, TrafficFilter, TrafficKind};
use drawbridge_testkit::{TestNode, federation};

/// Two providers let each other in.
async fn acquaint(alpha: &TestNode, beta: &TestNode) {
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
}

#[tokio::test]
async fn an_approval_reaches_the_asker_by_its_waiting_pull() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);

    let asked = bob.asks_to_connect(alice.uri()).await;
    let held = alpha.hears_of(asked).await;
    assert_eq!((held.state, &held.from, &held.to), (State::Pending, bob.uri(), alice.uri()));
    alpha.sees_peer(beta.provider(), PeerState::Pending).await;

    alpha.allows(beta.provider()).await;
    alpha.waits_for_pull_by(beta.provider()).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, State::Approved).await;

    let of_alpha = TrafficFilter {
        peer: Some(alpha.provider().clone()),
        direction: Some(Direction::Out),
        kind: Some(TrafficKind::Pull),
        ..TrafficFilter::default()
    };
    let pulls = beta.node().operator().traffic().select(of_alpha, None, 100).await.unwrap();
    let told = pulls.iter().any(|record| record.items.iter().any(|item| item.kind == "connection"));
    assert!(told, "the approval did not come by a pull: {pulls:#?}");
}

#[tokio::test]
async fn who_was_away_until_its_place_was_gone_starts_anew_and_misses_nothing() {
    let (federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    acquaint(&alpha, &beta).await;
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, State::Approved).await;
    let lasting = bob.asks_to_connect(alpha.user("anna").await.uri()).await;
    alpha.hears_of(lasting).await;
    alpha.decides(lasting, Decision::Approve).await;
    beta.sees(lasting, State::Approved).await;

    beta.stop().await;
    alpha.decides(asked, Decision::End).await;
    federation.clock().turn(Duration::from_secs(30 * 86_400 + 3600));
    let reader = Reader::Peer(beta.provider().clone());
    alpha
        .until("nothing is kept any more", move |view| {
            Ok(view.feed(&reader)?.filter(|place| place.first == place.head + 1))
        })
        .await;
    beta.start().await;
    let trouble = beta.notes(alpha.provider(), "feed-truncated").await;
    assert_eq!(trouble.stage, "store");
    beta.sees(asked, State::Ended).await;
    // The next page that is stored proves that it goes on.
    alpha.decides(lasting, Decision::End).await;
    beta.sees(lasting, State::Ended).await;
    let provider = alpha.provider().clone();
    beta.until("that is over", move |view| {
        Ok(view.troubles(&provider)?.iter().all(|trouble| trouble.over).then_some(()))
    })
    .await;
}

#[tokio::test]
async fn a_courier_leaves_who_is_away_alone_for_longer_and_longer() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    acquaint(&alpha, &beta).await;
    alpha.stop().await;
    bob.asks_to_connect(alice.uri()).await;
    let provider = alpha.provider().clone();
    let trouble = beta
        .until("it was tried seven times", move |view| {
            Ok(view.troubles(&provider)?.into_iter().find(|trouble| trouble.count >= 7))
        })
        .await;
    assert!(!trouble.text.contains("os error"), "{}", trouble.text);
    // Seven tries of the courier and the puller take seconds by their backoff, and a moment without it.
    assert!(trouble.last.since(trouble.first) > Duration::from_millis(100), "{trouble:?}");
}

#[tokio::test]
async fn who_waits_for_the_operator_hears_of_the_decision_at_once() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.until_node("beta waits at /peering", |node| node.operator().is_awaited_by(beta.provider())).await;
    alpha.allows(beta.provider()).await;
    alpha.waits_for_pull_by(beta.provider()).await;
}

#[tokio::test]
async fn a_peer_that_was_away_is_a_trouble_that_heals_by_itself() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    acquaint(&alpha, &beta).await;
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.waits_for_pull_by(beta.provider()).await;

    alpha.stop().await;
    let trouble = beta.notes(alpha.provider(), "connection-refused").await;
    assert_eq!((trouble.stage.as_str(), trouble.over), ("connect", false));

    alpha.start().await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, State::Approved).await;
    let peer = alpha.provider().clone();
    beta.until("the trouble is over", move |view| {
        Ok(view.troubles(&peer)?.iter().all(|trouble| trouble.over).then_some(()))
    })
    .await;
}

#[tokio::test]
async fn a_request_waits_at_home_for_a_provider_that_is_away() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    alpha.stop().await;
    let asked = bob.asks_to_connect(alice.uri()).await;
    beta.notes(alpha.provider(), "connection-refused").await;
    alpha.start().await;
    alpha.hears_of(asked).await;
}

#[tokio::test]
async fn people_who_ask_each_other_are_connected_without_a_click() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let (there, back) = tokio::join!(alice.asks_to_connect(bob.uri()), bob.asks_to_connect(alice.uri()));
    for id in [there, back] {
        alpha.sees(id, State::Approved).await;
        beta.sees(id, State::Approved).await;
    }
}

#[tokio::test]
async fn a_refusal_looks_like_nothing_to_the_asker() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    acquaint(&alpha, &beta).await;
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.decides(asked, Decision::Decline).await;

    // What comes behind it in the same feed shows that nothing came before.
    let (anna, other) = (alpha.user("anna").await, beta.user("berta").await);
    let marker = other.asks_to_connect(anna.uri()).await;
    alpha.hears_of(marker).await;
    alpha.decides(marker, Decision::Approve).await;
    beta.sees(marker, State::Approved).await;
    beta.sees(asked, State::Pending).await;
    alpha.sees(asked, State::Declined).await;
}

#[tokio::test]
async fn a_refusal_is_told_where_the_operator_chose_to() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    acquaint(&alpha, &beta).await;
    alpha.node().operator().set_tells_declined(true).await.unwrap();
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.decides(asked, Decision::Decline).await;
    beta.sees(asked, State::Declined).await;
}

#[tokio::test]
async fn either_side_can_end_a_connection() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    acquaint(&alpha, &beta).await;
    for asker_ends in [true, false] {
        let asked = bob.asks_to_connect(alice.uri()).await;
        alpha.hears_of(asked).await;
        alpha.decides(asked, Decision::Approve).await;
        beta.sees(asked, State::Approved).await;
        if asker_ends {
            bob.ends_connection(asked).await
        } else {
            alice.ends_connection(asked).await
        }
        alpha.sees(asked, State::Ended).await;
        beta.sees(asked, State::Ended).await;
    }
}

#[tokio::test]
async fn a_request_can_be_taken_back() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    bob.ends_connection(asked).await;
    alpha.sees(asked, State::Ended).await;
}

#[tokio::test]
async fn what_is_taken_back_while_the_other_is_away_stays_dead() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    acquaint(&alpha, &beta).await;
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.stop().await;
    bob.ends_connection(asked).await;
    alpha.start().await;
    alpha.sees(asked, State::Ended).await;
}

#[tokio::test]
async fn a_request_to_nobody_looks_like_one_that_nobody_answers() {
    let (federation, [alpha, beta]) = federation().await;
    alpha.user("alice").await;
    let bob = beta.user("bob").await;
    acquaint(&alpha, &beta).await;
    let (alice, nobody) = (alpha.address("alice"), alpha.address("nobody"));
    let an_hour = Duration::from_secs(3600);
    let ids =
        [bob.asks_to_connect_for(&alice, an_hour).await, bob.asks_to_connect_for(&nobody, an_hour).await];
    for id in ids {
        alpha.hears_of(id).await;
        beta.sees(id, State::Pending).await;
    }
    let peer = beta.provider().clone();
    let [seen, unseen] = ids;
    let shown = alpha.reads(move |view| view.requests_with::<Connection>(&peer)).await;
    assert!(shown.iter().any(|row| row.id == seen && !row.unseen));
    assert!(shown.iter().any(|row| row.id == unseen && row.unseen), "it is counted, and shown to nobody");

    federation.clock().turn(an_hour);
    for id in ids {
        beta.sees(id, State::Expired).await;
        alpha.sees(id, State::Expired).await;
    }
}

#[tokio::test]
async fn a_connection_does_not_expire() {
    let (federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    acquaint(&alpha, &beta).await;
    let an_hour = Duration::from_secs(3600);
    let lasting = bob.asks_to_connect_for(alice.uri(), an_hour).await;
    let (anna, berta) = (alpha.user("anna").await, beta.user("berta").await);
    let lapsing = berta.asks_to_connect_for(anna.uri(), an_hour).await;
    alpha.hears_of(lapsing).await;
    alpha.hears_of(lasting).await;
    alpha.decides(lasting, Decision::Approve).await;
    beta.sees(lasting, State::Approved).await;
    federation.clock().turn(2 * an_hour);
    alpha.sees(lapsing, State::Expired).await;
    beta.sees(lapsing, State::Expired).await;
    alpha.sees(lasting, State::Approved).await;
    beta.sees(lasting, State::Approved).await;
}

#[tokio::test]
async fn a_peer_that_is_blocked_loses_its_waiting_pull() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    acquaint(&alpha, &beta).await;
    bob.asks_to_connect(alice.uri()).await;
    alpha.waits_for_pull_by(beta.provider()).await;

    alpha.sets_peer(beta.provider(), PeerState::Blocked).await;
    let trouble = beta.notes(alpha.provider(), "peer-blocked").await;
    assert_eq!(trouble.stage, "policy");
    let peer = alpha.provider().clone();
    beta.until("it is told what it is there", move |view| {
        Ok(view.peer(&peer)?.filter(|peer| peer.their_state == Some(PeerState::Blocked)))
    })
    .await;

    alpha.allows(beta.provider()).await;
    beta.node().operator().retry_peer(alpha.provider()).await;
    alpha.waits_for_pull_by(beta.provider()).await;
}

#[tokio::test]
async fn an_open_house_lets_strangers_in_and_still_asks_its_people() {
    let (federation, [beta]) = federation().await;
    let alpha = federation.node(|config| config.peers.strangers = Strangers::Open).await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.sees_peer(beta.provider(), PeerState::Allowed).await;
    alpha.sees(asked, State::Pending).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, State::Approved).await;
}

#[tokio::test]
async fn a_house_with_a_list_forgets_who_is_not_on_it_until_the_operator_adds_it() {
    let (federation, [beta]) = federation().await;
    let alpha = federation.node(|config| config.peers.strangers = Strangers::Listed).await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    assert!(alice.tries_to_connect(bob.uri(), None).await.is_err(), "nor does it ask them");

    let asked = bob.asks_to_connect(alice.uri()).await;
    let peer = alpha.provider().clone();
    beta.until("the request was answered", move |view| {
        Ok(view.unsent::<Connection>(&peer)?.is_empty().then_some(()))
    })
    .await;
    beta.sees(asked, State::Pending).await;
    alpha.until_node("beta waits at /peering", |node| node.operator().is_awaited_by(beta.provider())).await;
    assert_eq!(
        alpha.reads(|view| Ok((view.peers()?, view.requests::<Connection>()?))).await,
        (Vec::new(), Vec::new())
    );

    // What was forgotten is asked again.
    alpha.allows(beta.provider()).await;
    assert_eq!(alpha.hears_of(asked).await.to, *alice.uri());
    alpha.waits_for_pull_by(beta.provider()).await;
}

#[tokio::test]
async fn a_provider_with_another_key_waits_until_the_operator_accepts_it() {
    let (federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    acquaint(&alpha, &beta).await;
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.waits_for_pull_by(beta.provider()).await;

    let key_before = beta.node().operator().fingerprint();
    beta.stop().await;
    // Beta's operator has lost the key for good, and says so.
    let folder = &beta.config().data_dir;
    std::fs::remove_file(folder.join("identity.key")).unwrap();
    std::fs::write(folder.join("provider"), format!("{}\nnew\n", beta.provider())).unwrap();
    // An unknown key lets a document be fetched again after a minute.
    federation.clock().turn(Duration::from_secs(90));
    beta.start().await;
    alpha.sees_peer(beta.provider(), PeerState::KeyChanged).await;
    alpha.notes(beta.provider(), "key-changed").await;
    beta.notes(alpha.provider(), "peer-key-changed").await;

    // What the operator has looked at is accepted, and nothing else.
    let (old, new) = (vec![key_before], vec![beta.node().operator().fingerprint()]);
    let seen = alpha.node().operator().peer(beta.provider()).await.unwrap();
    assert_eq!((&seen.keys, &seen.new_keys), (&old, &new));
    let refused = alpha.node().operator().accept_key(beta.provider().clone(), &old).await.unwrap_err();
    assert!(refused.to_string().contains(&new[0].to_string()), "{refused}");
    alpha.node().operator().accept_key(beta.provider().clone(), &new).await.unwrap();
    alpha.sees_peer(beta.provider(), PeerState::Allowed).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, State::Approved).await;
}
