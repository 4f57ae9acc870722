//! Groups of a scripted provider, which owns them as well as it can: what it takes late, refuses or tells in its own
//! way holds up nothing else (`docs/mtp.md`, sections 10 and 11).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::HashSet;
use std::sync::Arc;

use drawbridge_mtp::id::Id;
use drawbridge_mtp::message::{ItemBody, Outcome, Removed, Submission, SubmitRequest};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::wire::{self, Encoding};
use drawbridge_node::ambient::Ambient;
use drawbridge_testkit::{ScriptedGroup, ScriptedPeer, connected_to_scripted_peer};
use http::StatusCode;
use parking_lot::Mutex;
use serde_json::json;

#[tokio::test]
async fn who_is_added_anew_is_welcome_whatever_number_its_owner_names() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    tea.tells(&eve, ItemBody::Removed(Removed { group: tea.group.clone(), after_seq: 2 }));
    let is_removed =
        |ben: &_| items(ben).iter().any(|body| matches!(body, ItemBody::Removed(_))).then_some(());
    ben.hears("ben is out", is_removed).await;
    ben.forgets_group(&tea.group);

    tea.adds_from(&peers, &eve, &client, &ben, Some(1)).await;
    let event = tea.says(&eve, &client, "welcome back");
    tea.tells_event(&eve, event);
    ben.hears_said(&tea.group, "welcome back").await;
    assert_eq!(ben.authenticator(&tea.group), client.authenticator(&tea.group));
}

fn items(client: &drawbridge_testkit::MlsClient) -> Vec<ItemBody> {
    client.items().into_iter().map(|item| item.body).collect()
}

/// Each object of `eve` is not there when it is first asked for.
fn is_late_with_objects(eve: &ScriptedPeer) -> Arc<Mutex<HashSet<String>>> {
    let asked = Arc::<Mutex<HashSet<String>>>::default();
    let seen = asked.clone();
    eve.responder().refuses(move |_, path| {
        let is_late = path.starts_with("/objects/") && seen.lock().insert(path.to_owned());
        is_late.then(|| Problem::new(Code::NotFound, "it is still on its way"))
    });
    asked
}

#[tokio::test]
async fn an_object_that_comes_a_moment_after_what_names_it_is_fetched() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let late = is_late_with_objects(&eve);
    client.grows();
    // Its tree and its first commit are objects.
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    assert_eq!(late.lock().len(), 2);
    let long = "x".repeat(100_000);
    let event = tea.says(&eve, &client, &long);
    tea.tells_event(&eve, event);
    ben.hears_said(&tea.group, &long).await;
    assert_eq!(late.lock().len(), 3);
}

#[tokio::test]
async fn what_an_owner_refuses_for_good_is_rejected_at_once() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    for (status, code) in [
        (StatusCode::CONFLICT, "epoch-conflict"),
        (StatusCode::FORBIDDEN, "grant-invalid"),
        (StatusCode::IM_A_TEAPOT, "tea-only"),
    ] {
        eve.responder().answers("/submissions", move |_| {
            let problem = json!({"status": status.as_u16(), "code": code, "title": "", "detail": "no"});
            (status, problem)
        });
        match ben.submits(&tea.group, &ben.says(&tea.group, "coffee?")).await {
            Outcome::Rejected(problem) => assert_eq!(problem.code, code),
            other => panic!("{code} is not final but {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_too_much_together_is_halved_and_stays_in_order() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    let (brought, clock) = (Arc::<Mutex<Vec<Vec<Id>>>>::default(), peers.federation.clock().clone());
    let record = brought.clone();
    eve.responder().answers("/submissions", move |content| {
        let SubmitRequest::<Submission> { groups } = wire::decode(Encoding::Json, content).unwrap();
        let ids: Vec<Id> = groups[0].events.iter().map(|submission| submission.id).collect();
        let mut record = record.lock();
        record.push(ids.clone());
        let [id] = ids[..] else {
            let problem = json!({"status": 413, "code": "too-large", "title": "", "detail": "one by one"});
            return (StatusCode::PAYLOAD_TOO_LARGE, problem);
        };
        let (seq, hash, time) = (record.len() + 1, Hash32::default(), clock.now());
        let result = json!({"id": id, "status": "accepted", "seq": seq, "hash": hash, "time": time});
        (StatusCode::OK, json!({"groups": [{"group": "tea", "results": [result]}]}))
    });
    let said = ["one", "two", "three"].map(|text| ben.says(&tea.group, text));
    let ids = said.clone().map(|submission| submission.id);
    let results = ben.tries_to_submit(&tea.group, said.into()).await.unwrap();
    assert_eq!(results.iter().map(|result| result.id).collect::<Vec<_>>(), ids);
    for result in &results {
        assert!(matches!(result.outcome, Outcome::Accepted(_)), "{result:?}");
    }
    let [one, two, three] = ids;
    let halves = [vec![one, two, three], vec![one], vec![two, three], vec![two], vec![three]];
    assert_eq!(*brought.lock(), halves);
}
