//! Others' MLS structures cross the whole way, byte for byte: client API, outbox, owner, log, feed, participant, client.
//!
//! They are of no group, so no owner takes them for messages: here it is one that does, as no configuration makes it.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use drawbridge_mtp::message::{
    Body, EventKind, FeedQuery, GroupResults, GroupSubmissions, ItemBody, Outcome, Placed, SubmissionKind,
    SubmissionResult, SubmitReply, SubmitRequest, Welcome,
};
use drawbridge_mtp::octets::Octets;
use drawbridge_mtp::wire::{self, Encoding};
use drawbridge_node::store::{Reader, StoreFault};
use drawbridge_testkit::{MlsClient, MutualPeers, ScriptedGroup, connected_to_scripted_peer};
use parking_lot::Mutex;
use serde_json::Value;

/// All structures of all vectors.
fn structures() -> Option<Vec<Octets>> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/mls-vectors");
    let path = std::env::var_os("MLS_VECTORS").map_or(beside, PathBuf::from).join("messages.json");
    let Ok(content) = std::fs::read(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    };
    let vectors: Vec<HashMap<String, Value>> = serde_json::from_slice(&content).unwrap();
    let texts = vectors.iter().flat_map(HashMap::values).map(|text| text.as_str().unwrap());
    Some(texts.map(octets).collect())
}

fn octets(hexadecimal: &str) -> Octets {
    let digits = hexadecimal.as_bytes().chunks(2);
    let octet = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    Octets(digits.map(octet).collect())
}

/// The bodies of the events of a client's feed behind `after`, `count` of them.
async fn bodies(client: &MlsClient, after: u64, count: usize) -> Vec<Octets> {
    let (mut bodies, mut query) = (Vec::new(), FeedQuery { wait: 5, ..FeedQuery::default() });
    while bodies.len() < count {
        let page = client.feed(&query).await.unwrap();
        query.generation = Some(page.generation);
        for item in page.items {
            query.after = item.seq;
            if let ItemBody::Event(event) = item.body
                && event.seq > after
            {
                let Some(Body::Here(body)) = event.body else { panic!("no body: {event:?}") };
                bodies.push(body);
            }
        }
    }
    bodies
}

/// Each of them in every part of a submission that is MLS, which only a scripted owner shows.
#[tokio::test]
async fn messages_reach_an_owner_and_come_back() {
    let Some(structures) = structures() else { return };
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let tea = Arc::new(ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await);
    let came: Arc<Mutex<Vec<[Option<Octets>; 3]>>> = Arc::default();
    let (eve, noted, owned) = (Arc::new(eve), came.clone(), tea.clone());
    let owner = Arc::downgrade(&eve);
    eve.responder().takes("/submissions", move |content| {
        let owner = owner.upgrade().unwrap();
        let mut request: SubmitRequest = wire::decode(Encoding::Json, content).unwrap();
        let GroupSubmissions { group, events } = request.groups.remove(0);
        let results = events.into_iter().map(|it| {
            let body = it.mls.as_slice();
            let event = owned.writes(&owner, EventKind::Application, 1, &it.sender, body);
            let (seq, hash, time) = (event.seq, event.hash, event.time);
            owned.tells_event(&owner, event);
            noted.lock().push([Some(it.mls), it.welcome, it.group_info]);
            SubmissionResult { id: it.id, outcome: Outcome::Accepted(Placed { seq, hash, time }) }
        });
        let groups = vec![GroupResults { group, results: results.collect() }];
        wire::encode(Encoding::Json, &SubmitReply { groups })
    });
    for some in structures.chunks(500) {
        let submissions = some.iter().map(|octets| {
            let mut submission = ben.submission(SubmissionKind::Application, octets.clone());
            submission.welcome = Some(octets.clone());
            submission.group_info = Some(octets.clone());
            submission
        });
        let results = ben.tries_to_submit(&tea.group, submissions.collect()).await.unwrap();
        assert!(results.iter().all(|result| matches!(result.outcome, Outcome::Accepted(_))));
    }
    let expected: Vec<_> = structures.iter().map(|octets| [(); 3].map(|()| Some(octets.clone()))).collect();
    assert!(*came.lock() == expected, "what came to the owner is not what was submitted");
    assert!(
        bodies(&ben, 2, structures.len()).await == structures,
        "what came back is not what was submitted"
    );
    println!("messages, to an owner and back: {0} run, {0} passed, 0 refused", structures.len());
}

#[tokio::test]
async fn messages_cross_from_client_to_clients() {
    let Some(structures) = structures() else { return };
    let peers = MutualPeers::of(2).await;
    peers.nodes[0].stop().await;
    peers.nodes[0].starts_foreign().await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    peers.nodes[1].follows(&tea, 1).await;
    // Half of them are of the owner's own client.
    for (some, sender) in structures.chunks(500).zip([&ben, &ann].into_iter().cycle()) {
        let kind = SubmissionKind::Application;
        let submissions = some.iter().map(|octets| sender.submission(kind, octets.clone()));
        let results = sender.tries_to_submit(&tea, submissions.collect()).await.unwrap();
        let refused = results.iter().find(|result| !matches!(result.outcome, Outcome::Accepted(_)));
        assert!(refused.is_none(), "{refused:?}");
    }
    for client in [&ann, &ben] {
        assert!(bodies(client, 2, structures.len()).await == structures, "in the feed of {}", client.uri());
        let (mut logged, mut after) = (Vec::new(), 2);
        while logged.len() < structures.len() {
            let page = client.log(&tea, after).await.unwrap();
            after = page.events.last().unwrap().seq;
            logged.extend(page.events.into_iter().map(|event| event.body.unwrap()));
        }
        let expected = structures.iter().cloned().map(Body::Here);
        assert!(logged.into_iter().eq(expected), "in the log at the provider of {}", client.uri());
    }
    println!("messages, from client to clients: {0} run, {0} passed, 0 refused", structures.len());
}

#[tokio::test]
async fn messages_come_as_welcomes_with_their_trees() {
    let Some(structures) = structures() else { return };
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    peers.nodes[1].follows(&tea, 1).await;
    let [first] = welcomes(&ben, 1).await.try_into().unwrap();
    let (beta, node) = (Reader::Peer(peers.nodes[1].provider().clone()), peers.nodes[0].node());
    for some in structures.chunks(500) {
        let (some, group, beta) = (some.to_vec(), tea.clone(), beta.clone());
        let references = first.key_package_refs.clone();
        let put = node.store().write(move |tx| {
            let next = tx.group(&group)?.unwrap().head + 1;
            for octets in &some {
                let octets = octets.as_slice();
                tx.append_welcome(&beta, &group, octets, references.clone(), octets, next)?;
            }
            Ok::<_, StoreFault>(())
        });
        put.await.unwrap();
    }
    let came = welcomes(&ben, 1 + structures.len()).await.split_off(1);
    let bytes = came.into_iter().map(|one| [one.welcome, one.ratchet_tree]);
    let expected = structures.iter().map(|octets| [(); 2].map(|()| Body::Here(octets.clone())));
    assert!(bytes.eq(expected), "what came is not what was given");
    println!("messages, as Welcomes and trees: {0} run, {0} passed, 0 refused", structures.len());
}

/// The first `count` Welcomes of a client's feed.
async fn welcomes(client: &MlsClient, count: usize) -> Vec<Welcome> {
    let (mut welcomes, mut query) = (Vec::new(), FeedQuery { wait: 5, ..FeedQuery::default() });
    while welcomes.len() < count {
        let page = client.feed(&query).await.unwrap();
        query.generation = Some(page.generation);
        for item in page.items {
            query.after = item.seq;
            if let ItemBody::Welcome(welcome) = item.body {
                welcomes.push(welcome);
            }
        }
    }
    welcomes
}
