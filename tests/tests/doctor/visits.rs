//! Whether the other comes for what waits here for it.

use std::time::Duration;

use drawbridge_mtp::message::PeerState;
use drawbridge_node::Side::Either;
use drawbridge_node::diagnose::StepName::TheirPull;
use drawbridge_node::diagnose::Verdict;
use drawbridge_testkit::{Federation, ScriptedPeer};
use http::StatusCode;

use super::faults::{IS_WELL, faults, step_of, warns_only};
use super::scene::{TEN_MINUTES, connected, connects};

faults! {
    never_pulled: "it has let us in as we have it, and has not come for what waits here since then",
        warns_only(TheirPull, "not-pulled", Either, "an item waits here for it, and it does not fetch it"),
        async |scene| {
            let peer = scene.federation.scripted_peer();
            peer.answers_pings(PeerState::Allowed);
            scene.alpha.allows(peer.provider()).await;
            scene.turns_clock(&peer, Duration::from_secs(100)).await;
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
    rests: "no fault: it has pulled once, and rests since nothing is expected from here",
        IS_WELL,
        async |scene| {
            let peer = scene.federation.scripted_peer();
            peer.answers_pings(PeerState::Allowed);
            scene.alpha.allows(peer.provider()).await;
            assert_eq!(peer.gets(scene.alpha.provider(), "/feed?after=0").send().await.status, StatusCode::OK);
            scene.turns_clock(&peer, TEN_MINUTES).await;
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
    not_pulled: "it does not fetch what waits here for it",
        warns_only(TheirPull, "not-pulled", Either, "it is away, cannot reach us, or does not want to"),
        async |scene| {
            let (alpha, peer) = (&scene.alpha, scene.federation.scripted_peer());
            peer.answers_pings(PeerState::Allowed);
            alpha.allows(peer.provider()).await;
            connects(alpha, &peer).await;
            scene.turns_clock(&peer, TEN_MINUTES).await;
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
}

#[tokio::test]
async fn who_has_a_reason_to_come_and_does_not_is_warned_of_though_nothing_waits_for_it() {
    let federation = Federation::new();
    let (alpha, beta) = connected(&federation).await;
    beta.stop().await;
    federation.clock().turn(TEN_MINUTES);
    let report = alpha.checks(beta.provider()).await;
    let pull = step_of(&report, TheirPull);
    assert_eq!(
        (pull.verdict, pull.code.as_deref(), pull.side),
        (Verdict::Warn, Some("not-pulled"), Some(Either)),
        "{report:#?}"
    );
    assert!(pull.text.contains("it has not come here for news for 10 minutes"), "{}", pull.text);
}

#[tokio::test]
async fn that_this_node_was_started_is_taken_for_no_visit_of_the_other() {
    let federation = Federation::new();
    let (alpha, beta) = connected(&federation).await;
    beta.stop().await;
    alpha.stop().await;
    federation.clock().turn(TEN_MINUTES);
    alpha.start().await;
    let report = alpha.checks(beta.provider()).await;
    let pull = step_of(&report, TheirPull);
    assert_eq!(pull.verdict, Verdict::Skipped, "{report:#?}");
    assert!(
        pull.text.contains("it was here 10 minutes ago, before this provider was started"),
        "{}",
        pull.text
    );
}

#[tokio::test]
async fn who_has_not_let_us_in_is_not_said_to_be_away() {
    let federation = Federation::new();
    let (alpha, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
    peer.answers_pings(PeerState::Pending);
    alpha.allows(peer.provider()).await;
    connects(&alpha, &peer).await;
    federation.clock().turn(TEN_MINUTES);
    let report = alpha.checks(peer.provider()).await;
    let pull = step_of(&report, TheirPull);
    assert_eq!(
        (pull.verdict, pull.text.as_str()),
        (Verdict::Skipped, "it does not pull, since it has not let us in yet"),
        "{report:#?}"
    );
}
