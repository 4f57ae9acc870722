//! A peer looks back at who asks for it, where its operator allows that (`docs/checks.md`).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use drawbridge_mtp::message::{CheckItem, CheckRequest, FeedPage, FeedQuery, ItemBody};
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

    // Beta's own operator has not allowed it.
    let report = seen(&alpha, &beta).await;
    let step = report.steps.last().unwrap();
    assert_eq!(
        (step.verdict, step.code.as_deref()),
        (Verdict::Warn, Some("look-back-refused")),
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
