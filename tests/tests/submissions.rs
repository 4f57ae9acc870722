//! Submissions on their way: many groups in one request, each judged by itself, and what holds up what (`docs/mtp.md`,
//! sections 5 and 10; `docs/client-api.md`).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use drawbridge_mtp::id::{GroupUri, Id};
use drawbridge_mtp::message::{GroupSubmissions, ItemBody, Outcome, Submission, SubmitRequest};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::wire::{self, Encoding};
use drawbridge_node::ambient::Ambient;
use drawbridge_node::store::{Addition, Connection};
use drawbridge_testkit::{
    Clock, Federation, MlsClient, MutualPeers, Proxy, ScriptedGroup, connected_to_scripted_peer, policy,
};
use http::StatusCode;
use parking_lot::Mutex;
use serde_json::{Value, json};

/// What an owner that accepts everything answers to one group's submissions.
fn accepts(clock: &Clock, asked: &GroupSubmissions) -> Value {
    let results = asked.events.iter().map(|event| {
        let (hash, time) = (Hash32::default(), clock.now());
        json!({"id": event.id, "status": "accepted", "seq": 9, "hash": hash, "time": time})
    });
    json!({"group": asked.group, "results": results.collect::<Vec<_>>()})
}

fn puts_off(asked: &GroupSubmissions) -> Value {
    let results = asked.events.iter().map(|event| {
        let problem = json!({"code": "unavailable", "title": "", "status": 503, "detail": "not now"});
        json!({"id": event.id, "status": "rejected", "error": problem})
    });
    json!({"group": asked.group, "results": results.collect::<Vec<_>>()})
}

/// The groups of a request, each with the ids of its submissions.
type Brought = Vec<(String, Vec<Id>)>;

fn brought(request: &SubmitRequest) -> Brought {
    let ids = |group: &GroupSubmissions| group.events.iter().map(|event| event.id).collect();
    request.groups.iter().map(|group| (group.group.clone(), ids(group))).collect()
}

#[tokio::test]
async fn what_waits_for_one_owner_goes_in_one_request_of_all_its_groups() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    let cake = ScriptedGroup::new("cake", &peers, &eve, &client, &ben).await;
    let (record, is_back) = (Arc::<Mutex<Vec<Brought>>>::default(), Arc::<AtomicBool>::default());
    let (noted, back, clock) = (record.clone(), is_back.clone(), peers.federation.clock().clone());
    eve.responder().answers("/submissions", move |content| {
        if !back.load(Ordering::Relaxed) {
            let problem = json!({"status": 503, "code": "unavailable", "title": "", "detail": "not yet"});
            return (StatusCode::SERVICE_UNAVAILABLE, problem);
        }
        let request: SubmitRequest = wire::decode(Encoding::Json, content).unwrap();
        noted.lock().push(brought(&request));
        let groups: Vec<_> = request.groups.iter().map(|asked| accepts(&clock, asked)).collect();
        (StatusCode::OK, json!({ "groups": groups }))
    });
    let (one, two, three) =
        (ben.says(&tea.group, "one"), ben.says(&cake.group, "two"), ben.says(&tea.group, "three"));
    let waits = async {
        let (ben, beta) = (ben.uri().clone(), &peers.nodes[0]);
        beta.until("all three wait", move |view| Ok((view.count_outbox(&ben)? == 3).then_some(()))).await;
        is_back.store(true, Ordering::Relaxed);
    };
    let submitting = async {
        tokio::join!(ben.submits(&tea.group, &one), ben.submits(&cake.group, &two), async {
            // Behind the first, as the outbox has it.
            let id = ben.uri().clone();
            peers.nodes[0]
                .until("the first waits", move |view| Ok((view.count_outbox(&id)? >= 1).then_some(())))
                .await;
            ben.submits(&tea.group, &three).await
        },)
    };
    let (_, ()) = tokio::join!(submitting, waits);
    let record = record.lock();
    let mut all = record.concat();
    all.sort();
    assert_eq!(record.len(), 1, "{record:?}");
    assert_eq!(all[0], ("cake".to_owned(), vec![two.id]));
    assert_eq!(all[1].1.len(), 2);
    assert!(all[1].1.contains(&one.id) && all[1].1.contains(&three.id));
}

#[tokio::test]
async fn a_group_that_is_put_off_holds_up_no_other_and_keeps_its_order() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    let cake = ScriptedGroup::new("cake", &peers, &eve, &client, &ben).await;
    let (record, goes_on) = (Arc::<Mutex<Vec<Id>>>::default(), Arc::<AtomicBool>::default());
    let (noted, on, clock) = (record.clone(), goes_on.clone(), peers.federation.clock().clone());
    eve.responder().answers("/submissions", move |content| {
        let request: SubmitRequest = wire::decode(Encoding::Json, content).unwrap();
        let groups = request.groups.iter().map(|asked| {
            if asked.group == "tea" && !on.load(Ordering::Relaxed) {
                return puts_off(asked);
            }
            noted.lock().extend(asked.events.iter().map(|event| event.id));
            accepts(&clock, asked)
        });
        (StatusCode::OK, json!({ "groups": groups.collect::<Vec<_>>() }))
    });
    let first = [ben.says(&tea.group, "one"), ben.says(&tea.group, "two")];
    let ids = first.clone().map(|submission| submission.id);
    let (results, ()) = tokio::join!(ben.tries_to_submit(&tea.group, first.into()), async {
        peers.nodes[0].notes(eve.provider(), "unavailable").await;
        let says = ben.says(&cake.group, "meanwhile");
        let outcome = ben.submits(&cake.group, &says).await;
        assert!(matches!(outcome, Outcome::Accepted(_)), "{outcome:?}");
        assert_eq!(*record.lock(), [says.id]);
        goes_on.store(true, Ordering::Relaxed);
        peers.nodes[0].node().operator().retry_peer(eve.provider()).await;
    });
    let results = results.unwrap();
    assert_eq!(results.iter().map(|result| result.id).collect::<Vec<_>>(), ids);
    peers.nodes[0]
        .until("all is brought", {
            let ben = ben.uri().clone();
            move |view| Ok((view.count_outbox(&ben)? == 0).then_some(()))
        })
        .await;
    assert_eq!(record.lock()[1..], ids, "in the order in which they were submitted");
}

#[tokio::test]
async fn a_client_is_refused_only_what_is_wrong_of_what_it_submits() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    // At the owner's provider, and at a participant's.
    for client in [&ann, &ben] {
        let other = if client.uri() == ann.uri() { &ben } else { &ann };
        let written = |submission: &Submission| serde_json::to_value(submission).unwrap();
        let says = |text: &str| written(&client.says(&tea, text));
        let (good, also_good) = (says("one"), says("two"));
        let mut of_other = says("not mine");
        of_other["sender"] = json!(other.uri());
        let (mut no_id, mut odd_grant, mut odd_type) = (says("?"), says("?"), says("?"));
        no_id["id"] = json!("not-an-id");
        odd_grant["grants"] = json!(["not a grant"]);
        odd_type["mls"] = Value::Null;
        let events = json!({"events": [good, of_other, no_id, odd_grant, odd_type, 5, also_good]});
        let (status, answer) = client.submits_written(&tea, &events).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let told: Vec<_> = answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| {
                let what = result["error"]["code"].as_str().or(result["status"].as_str());
                (result.get("id").cloned(), what.unwrap().to_owned())
            })
            .collect();
        let told: Vec<_> = told.iter().map(|(id, what)| (id.as_ref(), what.as_str())).collect();
        let sent = &events["events"];
        let expected = [
            (Some(&sent[0]["id"]), "accepted"),
            (Some(&sent[1]["id"]), "not-participant"),
            (Some(&sent[2]["id"]), "malformed"),
            (Some(&sent[3]["id"]), "malformed"),
            (Some(&sent[4]["id"]), "malformed"),
            (None, "malformed"),
            (Some(&sent[6]["id"]), "accepted"),
        ];
        assert_eq!(told, expected);
    }
    let (status, answer) = ann.submits_written(&tea, &json!({"events": {"0": 1}})).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("malformed")));
}

#[tokio::test]
async fn nobody_waits_for_an_owner_that_is_known_to_be_away() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    alpha.stop().await;
    let began = Instant::now();
    let mut sent = Vec::new();
    for n in 0..6 {
        let says = ben.says(&tea, &format!("number {n}"));
        assert_eq!(ben.submits(&tea, &says).await, Outcome::Queued);
        sent.push(says.id);
    }
    assert!(began.elapsed() < Duration::from_secs(45), "each waited for its ten seconds");
    alpha.start().await;
    beta.node().operator().retry_peer(alpha.provider()).await;
    for id in sent {
        let told = |ben: &MlsClient| {
            items(ben).into_iter().find_map(|body| match body {
                ItemBody::Result(item) if item.result.id == id => Some(item.result.outcome),
                _ => None,
            })
        };
        let outcome = ben.hears("what became of it", told).await;
        assert!(matches!(outcome, Outcome::Accepted(_)), "{outcome:?}");
    }
}

fn items(client: &MlsClient) -> Vec<ItemBody> {
    client.items().into_iter().map(|item| item.body).collect()
}

/// Alpha, behind a proxy, owns a group of Ann in which Ben of beta is.
async fn behind_a_proxy() -> (MutualPeers, Proxy, MlsClient, MlsClient, GroupUri) {
    let federation = Federation::new();
    let mut config = federation.config(|_| {});
    let proxy = federation.proxy_in_front_of(&mut config);
    let nodes = vec![federation.node(|own| *own = config).await, federation.node(|_| {}).await];
    nodes[0].allows(nodes[1].provider()).await;
    nodes[1].allows(nodes[0].provider()).await;
    let peers = MutualPeers { federation, nodes };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    (peers, proxy, ann, ben, tea)
}

#[tokio::test]
async fn what_a_proxy_finds_too_large_is_halved_and_only_what_is_too_large_alone_is_refused() {
    let (peers, proxy, ann, ben, tea) = behind_a_proxy().await;
    proxy.takes_at_most(40_000);
    let long = "x".repeat(8_000);
    let mut sent: Vec<_> = (0..8).map(|n| ben.says(&tea, &format!("{n}{long}"))).collect();
    sent.insert(4, ben.says(&tea, &"y".repeat(60_000)));
    sent.push(ben.says(&tea, "and a short one"));
    let results = ben.tries_to_submit(&tea, sent.clone()).await.unwrap();
    for (place, (result, submission)) in results.iter().zip(&sent).enumerate() {
        assert_eq!(result.id, submission.id);
        match &result.outcome {
            Outcome::Accepted(_) if place != 4 => {}
            Outcome::Rejected(problem) if place == 4 => {
                assert_eq!(problem.known(), Some(Code::TooLarge));
                let detail = problem.detail.as_deref().unwrap();
                let says_size = proxy.refused().iter().any(|size| detail.contains(&size.to_string()));
                assert!(detail.contains("413") && says_size, "{detail}");
            }
            other => panic!("{place}: {other:?}"),
        }
    }
    ann.hears_said(&tea, "and a short one").await;
    let refused = proxy.refused();
    assert!(refused.len() < 8 && refused.iter().all(|size| *size > 40_000), "{refused:?}");
    let trouble = peers.nodes[1].notes(peers.nodes[0].provider(), "proxy-too-large").await;
    assert!(trouble.text.contains("413") && trouble.text.contains("bytes"), "{}", trouble.text);

    // It is remembered: the same again is not refused again.
    let again: Vec<_> = (0..4).map(|n| ben.says(&tea, &format!("{n}{long}"))).collect();
    let results = ben.tries_to_submit(&tea, again).await.unwrap();
    assert!(results.iter().all(|result| matches!(result.outcome, Outcome::Accepted(_))), "{results:?}");
    assert_eq!(proxy.refused(), refused);
}

#[tokio::test]
async fn a_claim_that_a_proxy_finds_too_large_is_halved() {
    let (peers, proxy, _, ben, _) = behind_a_proxy().await;
    let coffee = ben.creates("coffee", &policy(&[ben.user()])).await;
    let mut others = Vec::new();
    for name in ["cat", "dan", "eva"] {
        let other = peers.client(0, name).await;
        peers.connects(ben.user(), other.user()).await;
        peers.authorizes(&ben, &coffee, other.user()).await;
        others.push(other);
    }
    let users: Vec<_> = others.iter().map(MlsClient::user).collect();
    // One grant has some 650 bytes.
    proxy.takes_at_most(1_500);
    let claimed = ben.claims(&coffee, &users).await;
    let got = claimed.users.iter().flat_map(|user| &user.clients).filter(|one| one.key_package.is_some());
    assert_eq!(got.count(), 3, "{claimed:?}");
    assert!(!proxy.refused().is_empty());

    proxy.takes_at_most(100);
    let none = ben.claims(&coffee, &users[..1]).await;
    assert!(none.users[0].clients.iter().all(|client| client.key_package.is_none()));
    peers.nodes[1].notes(peers.nodes[0].provider(), "proxy-too-large").await;
}

#[tokio::test]
async fn a_request_that_a_proxy_finds_too_large_is_refused_once_and_keeps_no_other_waiting() {
    let (peers, proxy, ann, ben, _) = behind_a_proxy().await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!("it is of two") };
    let coffee = ben.creates("coffee", &policy(&[ben.user()])).await;
    let (bob, cat) = (beta.user("bob").await, beta.user("cat").await);
    proxy.takes_at_most(100);
    let connection = bob.asks_to_connect(ann.user()).await;
    let refused = beta.until("it is refused", move |view| {
        Ok(view
            .requests_by_id::<Connection>(connection)?
            .pop()
            .filter(|row| row.unsent.is_none())
            .and_then(|row| row.refused))
    });
    let refused = refused.await;
    assert!(refused.contains("413") && refused.contains("the request had"), "{refused}");
    let addition = ben.asks_to_add(&coffee, ann.user()).await.id;
    let refused = beta.until("it is refused", move |view| {
        Ok(view
            .requests_by_id::<Addition>(addition)?
            .pop()
            .filter(|row| row.unsent.is_none())
            .and_then(|row| row.refused))
    });
    assert!(refused.await.contains("413"));
    beta.notes(alpha.provider(), "proxy-too-large").await;

    // Another is brought, and what was refused is not tried again.
    let refused = proxy.refused().len();
    proxy.takes_at_most(usize::MAX);
    let id = cat.asks_to_connect(ann.user()).await;
    alpha.hears_of(id).await;
    assert_eq!(proxy.refused().len(), refused);
    let tried = alpha.reads(move |view| {
        Ok((
            view.requests_by_id::<Connection>(connection)?.len(),
            view.requests_by_id::<Addition>(addition)?.len(),
        ))
    });
    assert_eq!(tried.await, (0, 0));
}
