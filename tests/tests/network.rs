//! A network that breaks costs time and nothing else.

use std::time::Duration;

use drawbridge_mtp::message::ConnectionState as State;
use drawbridge_node::Decision;
use drawbridge_testkit::Realm;

#[tokio::test]
async fn what_is_cut_off_on_its_way_is_pulled_again() {
    let realm = Realm::new();
    let mut config = realm.config(|_| {});
    let network = realm.fault_in_front_of(&mut config).await;
    let (alpha, beta) = (realm.station(|own| *own = config).await, realm.station(|_| {}).await);
    alpha.lets_in(beta.provider()).await;
    beta.lets_in(alpha.provider()).await;
    let bob = beta.person("bob").await;
    let mut asked = Vec::new();
    for n in 0..20 {
        asked.push(bob.asks(alpha.person(&format!("alice{n}")).await.uri()).await);
    }
    for id in &asked {
        alpha.hears_of(*id).await;
    }

    // A TLS handshake takes some two thousand bytes: some are cut amid that, some amid a page, some behind the first.
    for (n, id) in asked.iter().enumerate() {
        network.cuts_after(500 + 250 * n as u64);
        network.cuts();
        alpha.decides(*id, Decision::Approve).await;
        beta.node().retry_peer(alpha.provider()).await;
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
    let realm = Realm::new();
    let mut config = realm.config(|_| {});
    let network = realm.fault_in_front_of(&mut config).await;
    let (alpha, beta) = (realm.station(|own| *own = config).await, realm.station(|_| {}).await);
    let (alice, bob) = (alpha.person("alice").await, beta.person("bob").await);
    // Enough for a handshake, and for no answer.
    network.cuts_after(2_000);
    let asked = bob.asks(alice.uri()).await;
    alpha.hears_of(asked).await;
    beta.notes(alpha.provider(), "connection-lost").await;
    network.heals();
    let peer = alpha.provider().clone();
    beta.until("the answer has come", move |view| Ok(view.unsent(&peer)?.is_empty().then_some(()))).await;
    assert_eq!(alpha.reads(|view| view.connections()).await.len(), 1);
}

#[tokio::test]
async fn what_is_late_held_or_repeated_arrives_once_and_whole() {
    let realm = Realm::new();
    let mut config = realm.config(|_| {});
    let network = realm.fault_in_front_of(&mut config).await;
    let (alpha, beta) = (realm.station(|own| *own = config).await, realm.station(|_| {}).await);
    alpha.lets_in(beta.provider()).await;
    beta.lets_in(alpha.provider()).await;
    let bob = beta.person("bob").await;
    let disturbances: [&dyn Fn(); 3] =
        [&|| network.delays(Duration::from_millis(40)), &|| network.holds(), &|| network.repeats()];
    for (n, disturbs) in disturbances.into_iter().enumerate() {
        let asked = bob.asks(alpha.person(&format!("alice{n}")).await.uri()).await;
        alpha.hears_of(asked).await;
        disturbs();
        alpha.decides(asked, Decision::Approve).await;
        if n == 0 {
            beta.sees(asked, State::Approved).await;
        }
        network.heals();
        beta.sees(asked, State::Approved).await;
    }
    let head = alpha.reads(|view| view.connections()).await.len();
    assert_eq!(head, 3, "each request is there once");
}
