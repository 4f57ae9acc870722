//! A peer looks back at who asks for it, where its operator allows that (`docs/checks.md`).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::net::SocketAddr;
use std::time::Duration;

use drawbridge_mtp::message::{CheckItem, CheckRequest, FeedPage, FeedQuery, ItemBody, PeerState};
use drawbridge_mtp::problem::Code;
use drawbridge_node::diagnose::{Report, StepName, Verdict};
use drawbridge_testkit::{Federation, RawConduct, ScriptedPeer, TestNode};
use http::StatusCode;

/// What `by` sees of `node`, when it has told all of it.
async fn seen(node: &TestNode, by: &TestNode) -> Report {
    node.reports(node.node().operator().ask_to_look_back(by.provider()).unwrap()).await
}

#[tokio::test]
async fn a_peer_tells_what_it_sees_where_its_operator_allows_that() {
    let federation = Federation::new();
    let (alpha, beta) =
        (federation.node(|config| config.peers.look_back = true).await, federation.node(|_| {}).await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let report = seen(&beta, &alpha).await;
    assert!(
        report.is_own && report.is_finished && report.seen_by.as_ref() == Some(alpha.provider()),
        "{report:#?}"
    );
    let seen_steps: Vec<_> = report.steps.iter().map(|step| step.name).collect();
    for name in [StepName::Connect, StepName::Tls, StepName::Document, StepName::Keys, StepName::Ping] {
        assert!(seen_steps.contains(&name), "{report:#?}");
    }
    assert_eq!(report.verdict(), Verdict::Pass, "{report:#?}");

    // Who is not let in here would not be pulled, so it is not asked.
    let stranger = federation.nobody();
    beta.node().operator().ask_to_look_back(&stranger).unwrap_err();

    // Beta's own operator has not allowed it, so nothing was looked at.
    let report = seen(&alpha, &beta).await;
    let step = report.steps.last().unwrap();
    assert_eq!(step.name, StepName::LookBack, "{report:#?}");
    assert_eq!(
        (step.verdict, step.code.as_deref()),
        (Verdict::Fail, Some("look-back-refused")),
        "{report:#?}"
    );

    alpha.stop().await;
    let report = seen(&beta, &alpha).await;
    let step = report.steps.last().unwrap();
    assert_eq!(
        (step.verdict, step.code.as_deref()),
        (Verdict::Fail, Some("look-back-failed")),
        "{report:#?}"
    );
}

#[tokio::test]
async fn who_asks_again_and_again_is_looked_at_once_a_minute_and_a_stranger_never() {
    let federation = Federation::new();
    let alpha = federation.node(|config| config.peers.look_back = true).await;
    let eve = federation.scripted_peer();
    let ask =
        |id| eve.posts(alpha.provider(), "/checks", &serde_json::to_value(CheckRequest { id }).unwrap());
    let (one, two) = (eve.clock().id(), eve.clock().id());
    ask(one).expect_refusal(Code::PeerPending).await;
    alpha.allows(eve.provider()).await;
    for _ in 0..2 {
        assert_eq!(ask(one).send().await.status, StatusCode::ACCEPTED);
    }
    ask(two).expect_refusal(Code::RateLimited).await;
    eve.posts(alpha.provider(), "/checks", &serde_json::json!({})).expect_refusal(Code::Malformed).await;
    federation.clock().turn(Duration::from_secs(61));
    assert_eq!(ask(two).send().await.status, StatusCode::ACCEPTED);

    // The repeat was the same look: each id comes once.
    let mut told: Vec<_> = looks_told(&eve, &alpha, 2).await.into_iter().map(|seen| seen.id).collect();
    told.sort_unstable();
    let mut asked = [one, two];
    asked.sort_unstable();
    assert_eq!(told, asked);
}

/// What is told to `eve` through its feed, until there are so many looks.
async fn looks_told(eve: &ScriptedPeer, alpha: &TestNode, count: usize) -> Vec<CheckItem> {
    let mut told = Vec::new();
    let mut query = FeedQuery { wait: 20, ..FeedQuery::default() };
    while told.len() < count {
        let answer = eve.gets(alpha.provider(), &format!("/feed?{}", query.to_query())).send().await;
        let page: FeedPage = serde_json::from_value(answer.json()).unwrap();
        query.generation = Some(page.generation);
        for item in page.items {
            (query.after, query.last) = (item.seq, Some(item.id));
            if let ItemBody::Check(seen) = item.body {
                told.push(seen);
            }
        }
    }
    told
}

#[tokio::test]
async fn nothing_is_told_of_a_host_that_a_document_only_names() {
    let federation = Federation::new();
    let alpha = federation.node(|config| config.peers.look_back = true).await;
    let (eve, victim) = (federation.scripted_peer(), federation.raw_server().await);
    victim.conducts(RawConduct::SendsThenCloses(vec![b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()]));
    eve.moves_to(&format!("https://{}/mtp/v1", victim.provider()));
    alpha.allows(eve.provider()).await;
    let id = eve.clock().id();
    let ask = serde_json::to_value(CheckRequest { id }).unwrap();
    assert_eq!(eve.posts(alpha.provider(), "/checks", &ask).send().await.status, StatusCode::ACCEPTED);
    let seen = looks_told(&eve, &alpha, 1).await.remove(0);
    let last = seen.steps.last().unwrap();
    assert_eq!(last.code.as_deref(), Some("endpoint-unproved"), "{seen:#?}");
    let victim = victim.provider().as_str();
    assert!(seen.steps.iter().all(|step| step.at.as_deref() != Some(victim)), "{seen:#?}");
    assert!(seen.steps.iter().any(|step| step.name == "document" && step.verdict == "pass"), "{seen:#?}");
}

const HOST: &str = "eve.example";
/// Where somebody else is.
const ELSEWHERE: &str = "127.86.1.2";

/// Alpha, which looks back, and Eve, whose name leads to her address and to the others that are given.
async fn looked_at(others: &[String]) -> (Federation, TestNode, ScriptedPeer) {
    let federation = Federation::new();
    let alpha = federation.node(|config| config.peers.look_back = true).await;
    let eve = federation.scripted_peer_called(HOST, federation.address());
    eve.answers_pings(PeerState::Allowed);
    leads_to(&federation, others);
    alpha.allows(eve.provider()).await;
    (federation, alpha, eve)
}

fn leads_to(federation: &Federation, others: &[String]) {
    let own = federation.address().to_string();
    let all: Vec<&str> = std::iter::once(&own).chain(others).map(String::as_str).collect();
    federation.clock().names(HOST, &all);
}

async fn told(alpha: &TestNode, eve: &ScriptedPeer) -> CheckItem {
    let ask = serde_json::to_value(CheckRequest { id: eve.clock().id() }).unwrap();
    assert_eq!(eve.posts(alpha.provider(), "/checks", &ask).send().await.status, StatusCode::ACCEPTED);
    looks_told(eve, alpha, 1).await.remove(0)
}

/// The steps that are about one address.
fn addresses_told(seen: &CheckItem) -> Vec<&str> {
    seen.steps.iter().filter_map(|step| step.at.as_deref()).collect()
}

fn codes(seen: &CheckItem) -> Vec<(&str, &str)> {
    seen.steps.iter().filter_map(|step| Some((step.name.as_str(), step.code.as_deref()?))).collect()
}

#[tokio::test]
async fn of_an_address_that_has_not_proved_to_be_the_askers_it_is_told_that_there_is_one() {
    let others = [ELSEWHERE, "127.86.1.3", "10.0.0.7"].map(str::to_owned);
    let (federation, alpha, eve) = looked_at(&others).await;
    let port = eve.provider().port();
    // One takes connections and speaks no TLS, one refuses, and one is in a network that alpha may not connect to.
    let _victim = federation.raw_server_at(SocketAddr::new(ELSEWHERE.parse().unwrap(), port)).await;
    let seen = told(&alpha, &eve).await;
    let own = SocketAddr::new(federation.address(), port).to_string();
    assert_eq!(addresses_told(&seen), [&*own, &*own], "{seen:#?}");
    assert_eq!(codes(&seen), [("addresses", "address-unproved")], "{seen:#?}");
    let of_others = seen.steps.iter().find(|step| step.name == "addresses").unwrap();
    assert!(of_others.text.starts_with("3 further addresses of eve.example did not answer"), "{of_others:?}");
    assert!(seen.steps.iter().any(|step| step.name == "ping" && step.verdict == "pass"), "{seen:#?}");

    // Her name leads to somebody else alone, from now on.
    federation.clock().names(HOST, &[ELSEWHERE]);
    federation.clock().turn(Duration::from_secs(61));
    let ask = serde_json::to_value(CheckRequest { id: eve.clock().id() }).unwrap();
    eve.posts(alpha.provider(), "/checks", &ask).send().await;
    let seen = looks_told(&eve, &alpha, 2).await.remove(1);
    assert_eq!(codes(&seen), [("addresses", "address-unproved")], "{seen:#?}");
    let names: Vec<_> = seen.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["name", "dns", "addresses"], "{seen:#?}");
}

#[tokio::test]
async fn of_an_endpoint_elsewhere_the_addresses_are_told_where_a_signed_ping_was_answered() {
    let (federation, alpha, eve) = looked_at(&[]).await;
    // Another port, which leads to Eve at her address and to somebody else at the other.
    let listener = tokio::net::TcpListener::bind((federation.address(), 0)).await.unwrap();
    let (at, eves) =
        (listener.local_addr().unwrap(), SocketAddr::new(federation.address(), eve.provider().port()));
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut to) = tokio::net::TcpStream::connect(eves).await {
                    let _ended = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                }
            });
        }
    });
    let _victim = federation.raw_server_at(SocketAddr::new(ELSEWHERE.parse().unwrap(), at.port())).await;
    leads_to(&federation, &[ELSEWHERE.to_owned()]);
    eve.moves_to(&format!("https://{HOST}:{}/mtp/v1", at.port()));
    let seen = told(&alpha, &eve).await;
    let [name, endpoint] = [eves.to_string(), at.to_string()];
    assert_eq!(addresses_told(&seen), [&*name, &*name, &*endpoint, &*endpoint], "{seen:#?}");
    let unproved = ("addresses", "address-unproved");
    assert_eq!(codes(&seen), [unproved, unproved], "{seen:#?}");
    assert!(seen.steps.iter().any(|step| step.name == "ping" && step.verdict == "pass"), "{seen:#?}");
}

#[tokio::test]
async fn a_name_with_any_number_of_addresses_makes_few_connections_and_few_steps() {
    let others: Vec<String> = (0..299).map(|n| format!("127.87.{}.{}", n / 200, n % 200 + 1)).collect();
    let (_federation, alpha, eve) = looked_at(&others).await;
    let seen = told(&alpha, &eve).await;
    assert!(seen.steps.len() <= 64, "{} steps", seen.steps.len());
    let said = seen.steps.iter().find(|step| step.verdict == "skipped").unwrap();
    assert_eq!(said.text, "eve.example has 300 addresses, of which 8 are looked at");
    assert!(seen.steps.iter().any(|step| step.text.starts_with("7 further addresses")), "{seen:#?}");

    let report = alpha.checks(eve.provider()).await;
    let connects = report.steps.iter().filter(|step| step.name == StepName::Connect).count();
    assert_eq!(connects, 32, "{report:#?}");
}
