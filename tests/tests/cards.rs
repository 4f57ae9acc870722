//! A provider that is added by its card is known by what is on it: its key, and a certificate for which nobody else vouches.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use drawbridge_mtp::message::PeerState;
use drawbridge_node::Card;
use drawbridge_node::diagnose::Verdict;
use drawbridge_testkit::Federation;

#[tokio::test]
async fn a_provider_that_signs_its_own_certificate_is_trusted_by_its_card_until_that_is_taken_back() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let beta = federation.node(|config| (config.mtp.tls_cert, config.mtp.tls_key) = (None, None)).await;
    beta.allows(alpha.provider()).await;
    let card = beta.node().operator().card();
    let met = alpha.node().operator().met_certificate(beta.provider()).await.unwrap();
    assert_eq!(Some(met.fingerprint), card.certificate);
    assert!(met.self_signed && met.refused.is_some(), "{met:?}");

    let read: Card = card.to_string().parse().unwrap();
    alpha.node().operator().add_by_card(read).await.unwrap();
    let is_trusted = async || {
        let met = alpha.node().operator().met_certificate(beta.provider()).await.unwrap();
        met.refused.is_none()
    };
    assert!(is_trusted().await);
    let report = alpha.checks(beta.provider()).await;
    assert!(report.steps.iter().all(|step| step.verdict != Verdict::Fail), "{report:#?}");

    // What was chosen is kept.
    alpha.stop().await;
    alpha.start().await;
    assert!(is_trusted().await);
    let kept = alpha.node().operator().trusted_certificates().await.unwrap();
    assert_eq!((&kept[0].provider, Some(kept[0].fingerprint)), (beta.provider(), card.certificate));

    alpha.node().operator().trust_certificate(beta.provider().clone(), None).await.unwrap();
    assert!(!is_trusted().await);
    assert!(alpha.node().operator().trusted_certificates().await.unwrap().is_empty());
}

#[tokio::test]
async fn another_certificate_than_the_one_on_the_card_is_not_trusted() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let self_signed = || federation.node(|config| (config.mtp.tls_cert, config.mtp.tls_key) = (None, None));
    let (beta, gamma) = (self_signed().await, self_signed().await);
    let card =
        Card { certificate: gamma.node().operator().card().certificate, ..beta.node().operator().card() };
    alpha.node().operator().add_by_card(card).await.unwrap();
    alpha.notes(beta.provider(), "certificate-replaced").await;
}

#[tokio::test]
async fn a_provider_with_another_key_than_on_its_card_is_held_back() {
    let federation = Federation::new();
    let (alpha, beta, gamma) =
        (federation.node(|_| {}).await, federation.node(|_| {}).await, federation.node(|_| {}).await);
    let wrong = Card { key: gamma.node().operator().card().key, ..beta.node().operator().card() };
    assert_eq!(wrong.certificate, None, "an authority vouches for it");
    alpha.node().operator().add_by_card(wrong.clone()).await.unwrap();
    alpha.sees_peer(beta.provider(), PeerState::KeyChanged).await;

    // One that was met is not made another by a card.
    gamma.allows(beta.provider()).await;
    gamma.checks(beta.provider()).await;
    let refused = gamma.node().operator().add_by_card(wrong).await.err().unwrap().to_string();
    assert!(refused.contains("names another key"), "{refused}");
    let own = gamma.node().operator().card();
    assert!(gamma.node().operator().add_by_card(own).await.is_err());
}
