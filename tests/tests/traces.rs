//! Where one event is on its way, and why it has not arrived.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::id::{GroupUri, Id, UserUri};
use drawbridge_mtp::message::{Outcome, PeerState};
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::time::Timestamp;
use drawbridge_node::Side;
use drawbridge_node::config::ListenConfig;
use drawbridge_node::diagnose::{
    StepName, Trace, TraceCode, TraceState, TraceStep, TraceStepName, Traced, Verdict,
};
use drawbridge_node::store::{FeedItemPlace, Reader};
use drawbridge_testkit::{
    Clock, CommitPlan, Daemon, Federation, MlsClient, MutualPeers, TestNode, accepted, says, wait_for_event,
    wait_until_unreachable,
};
use serde_json::json;

async fn traces(test_node: &TestNode, group: &GroupUri, seq: u64) -> Trace {
    test_node.node().operator().trace(Traced::Event { group: group.clone(), seq }).await.unwrap()
}

async fn traces_submission(test_node: &TestNode, id: Id) -> Trace {
    test_node.node().operator().trace(Traced::Submission(id)).await.unwrap()
}

/// A step, of that reader where it is one of a feed.
fn step<'a>(trace: &'a Trace, name: TraceStepName, reader: Option<&Reader>) -> &'a TraceStep {
    let found = trace.steps.iter().find(|step| step.name == name && step.reader.as_ref() == reader);
    found.unwrap_or_else(|| panic!("there is no such step in {trace:#?}"))
}

/// Returns when `reader` has acknowledged an event.
async fn has_acknowledged(
    test_node: &TestNode,
    reader: &Reader,
    group: &GroupUri,
    seq: u64,
) -> FeedItemPlace {
    let (uri, reader) = (group.clone(), reader.clone());
    test_node
        .until(&format!("event {seq} is acknowledged"), move |view| {
            let row = view.group(&uri)?.unwrap();
            let item = view.place_in_feed(&reader, row.id, seq)?;
            let acknowledged = view.feed(&reader)?.map_or(0, |feed| feed.acknowledged);
            Ok(item.filter(|item| acknowledged >= item.number))
        })
        .await
}

/// A client has taken in an event, and its provider knows that.
async fn has_read(test_node: &TestNode, client: &MlsClient, group: &GroupUri, seq: u64) {
    // What a client acknowledges is kept after it was answered, and nobody is told of it: it pulls until that is so.
    for _ in 0..1000 {
        client.catches_up().await;
        let (uri, reader) = (group.clone(), Reader::Client(client.uri().clone()));
        let is_kept = test_node.reads(move |view| {
            let row = view.group(&uri)?.unwrap();
            let acknowledged = view.feed(&reader)?.map_or(0, |feed| feed.acknowledged);
            Ok(view.place_in_feed(&reader, row.id, seq)?.is_some_and(|item| acknowledged >= item.number))
        });
        if is_kept.await {
            return;
        }
    }
    panic!("{} never acknowledges event {seq}", client.uri());
}

/// Ann at alpha with a group in which Ben of beta is.
async fn group_of_two(peers: &MutualPeers) -> (GroupUri, MlsClient, MlsClient) {
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    peers.nodes[1].follows(&tea, 1).await;
    (tea, ann, ben)
}

#[tokio::test]
async fn an_event_that_has_arrived_everywhere_is_told_with_each_of_its_steps() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (tea, ann, ben) = group_of_two(&peers).await;
    let (said, placed) = says(&ben, &tea, "hello").await;
    let seq = placed.seq;
    ann.hears_said(&tea, "hello").await;
    wait_for_event(beta, &tea, seq).await;
    for (test_node, client) in [(alpha, &ann), (beta, &ben)] {
        has_read(test_node, client, &tea, seq).await;
    }
    let to_beta = Reader::Peer(beta.provider().clone());
    let item = has_acknowledged(alpha, &to_beta, &tea, seq).await;

    let trace = traces(alpha, &tea, seq).await;
    assert_eq!((trace.code, trace.side), (TraceCode::Arrived, None), "{trace:#?}");
    assert_eq!(trace.text, "The other provider has it, and so has every client here that is told of it.");
    assert_eq!((trace.submission, trace.sender.as_ref()), (Some(said.id), Some(ben.uri())));
    let submitted = step(&trace, TraceStepName::Submitted, None);
    assert_eq!(submitted.at, Some(said.id.time()), "{submitted:?}");
    assert!(step(&trace, TraceStepName::Outbox, None).text.contains(beta.provider().as_str()));
    assert_eq!(step(&trace, TraceStepName::Numbered, None).at, Some(placed.time));
    assert_eq!(step(&trace, TraceStepName::Feed, Some(&to_beta)).at, Some(item.put));
    for name in [TraceStepName::Given, TraceStepName::Acknowledged] {
        for reader in [to_beta.clone(), Reader::Client(ann.uri().clone())] {
            assert_eq!(step(&trace, name, Some(&reader)).state, TraceState::Done, "{trace:#?}");
        }
    }

    let at = |name| step(&trace, name, Some(&to_beta)).at.expect("the record of traffic tells it");
    let (given, acknowledged) = (at(TraceStepName::Given), at(TraceStepName::Acknowledged));
    assert!(item.put <= given && given <= acknowledged, "{trace:#?}");

    // At the participant, by the event and by what was submitted.
    for trace in [traces(beta, &tea, seq).await, traces_submission(beta, said.id).await] {
        assert_eq!((trace.code, trace.seq), (TraceCode::Arrived, Some(seq)), "{trace:#?}");
        assert_eq!(trace.submission, Some(said.id));
        assert_eq!(step(&trace, TraceStepName::Stored, None).state, TraceState::Done);
        let to_ben = Reader::Client(ben.uri().clone());
        assert_eq!(step(&trace, TraceStepName::Acknowledged, Some(&to_ben)).state, TraceState::Done);
        let others = step(&trace, TraceStepName::Feed, None);
        assert_eq!(others.state, TraceState::Unknown);
        assert!(trace.text.contains(&format!("{} knows", alpha.provider())), "{}", trace.text);
    }
    // By who has said it when, as a conversation shows it.
    let what = Traced::Said { group: tea.clone(), sender: ben.user().clone(), time: placed.time };
    assert_eq!(alpha.node().operator().trace(what).await.unwrap().seq, Some(seq));
    let nobody: UserUri = alpha.address("nobody");
    let what = Traced::Said { group: tea.clone(), sender: nobody, time: placed.time };
    assert_eq!(alpha.node().operator().trace(what).await.unwrap().code, TraceCode::NotKnown);
    let what = Traced::Event { group: alpha.group("none"), seq: 1 };
    assert_eq!(alpha.node().operator().trace(what).await.unwrap_err().code(), "no-such-group");
    assert_eq!(traces(alpha, &tea, 99).await.code, TraceCode::NotHere);
}

#[tokio::test]
async fn a_participant_that_is_switched_off_has_it_in_its_feed_and_does_not_pull_it() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (tea, ann, _ben) = group_of_two(&peers).await;
    alpha.waits_for_pull_by(beta.provider()).await;
    beta.stop().await;
    wait_until_unreachable(alpha, beta).await;
    peers.federation.clock().turn(Duration::from_secs(60));
    let (said, placed) = says(&ann, &tea, "is anybody there?").await;
    has_read(alpha, &ann, &tea, placed.seq).await;
    for trace in [traces(alpha, &tea, placed.seq).await, traces_submission(alpha, said.id).await] {
        assert_eq!((trace.code, trace.side), (TraceCode::NotPulled, Some(Side::Theirs)), "{trace:#?}");
        let to_beta = Reader::Peer(beta.provider().clone());
        let fed = step(&trace, TraceStepName::Feed, Some(&to_beta));
        assert_eq!((fed.state, fed.at), (TraceState::Done, trace.since), "it stands there since then");
        assert!(trace.since >= Some(placed.time));
        assert_eq!(step(&trace, TraceStepName::Given, Some(&to_beta)).state, TraceState::Here);
        assert_eq!(step(&trace, TraceStepName::Acknowledged, Some(&to_beta)).state, TraceState::Ahead);
        let begin = format!("It stands in the feed of {} as number ", beta.provider());
        assert!(trace.text.starts_with(&begin) && trace.text.contains("not pulled"), "{}", trace.text);
    }
    beta.start().await;
    has_acknowledged(alpha, &Reader::Peer(beta.provider().clone()), &tea, placed.seq).await;
    assert_eq!(traces(alpha, &tea, placed.seq).await.code, TraceCode::Arrived);
}

#[tokio::test]
async fn whose_pulls_are_refused_here_is_not_said_to_be_away() {
    let federation = Federation::new();
    let turned = Arc::new(Clock::default());
    let nodes = vec![federation.node(|_| {}).await, federation.node_with_clock(turned.clone(), |_| {}).await];
    for [one, other] in [[&nodes[0], &nodes[1]], [&nodes[1], &nodes[0]]] {
        one.allows(other.provider()).await;
    }
    let peers = MutualPeers { federation, nodes };
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (tea, ann, _ben) = group_of_two(&peers).await;
    alpha.waits_for_pull_by(beta.provider()).await;
    // Its pull that waits was good; those that come after it are not.
    beta.stop().await;
    turned.turn(Duration::from_secs(600));
    beta.start().await;
    let from = beta.provider().clone();
    alpha
        .until_node("a pull is refused", |node| {
            let (latest, _) = node.operator().traffic().since(0, 100);
            latest
                .iter()
                .any(|it| it.peer.as_ref() == Some(&from) && it.code.as_deref() == Some("clock-skew"))
        })
        .await;
    let (_, placed) = says(&ann, &tea, "do you hear me?").await;
    has_read(alpha, &ann, &tea, placed.seq).await;
    let trace = traces(alpha, &tea, placed.seq).await;
    assert_eq!((trace.code, trace.side), (TraceCode::NotPulled, Some(Side::Either)), "{trace:#?}");
    let refused = "pulls come here and are refused (401 clock-skew)";
    assert!(trace.text.contains(refused), "{}", trace.text);
    assert!(
        trace.text.contains("its clock is 10 min ahead") || trace.text.contains("by its clock"),
        "{}",
        trace.text
    );
    let peer = alpha.node().operator().peer(beta.provider()).await.unwrap();
    assert!(peer.standing.text.contains(refused), "the page says the same: {}", peer.standing.text);
    let report = alpha.checks(beta.provider()).await;
    let pull = report.steps.iter().find(|step| step.name == StepName::TheirPull).unwrap();
    assert_eq!(
        (pull.verdict, pull.code.as_deref(), pull.side),
        (Verdict::Fail, Some("clock-skew"), Some(Side::Either)),
        "{pull:#?}"
    );

    alpha.sets_peer(beta.provider(), PeerState::KeyChanged).await;
    let trace = traces(alpha, &tea, placed.seq).await;
    assert_eq!((trace.code, trace.side), (TraceCode::NotPulled, Some(Side::Ours)), "{trace:#?}");
    assert!(trace.text.contains("shows another key"), "{}", trace.text);
}

#[tokio::test]
async fn all_who_do_not_have_it_are_named_with_what_their_own_pages_say() {
    let peers = MutualPeers::of(3).await;
    let [alpha, beta, gamma] = &peers.nodes[..] else { unreachable!() };
    let ann = peers.client(0, "ann").await;
    let (ben, gil) = (peers.client(1, "ben").await, peers.client(2, "gil").await);
    let tea = peers.group("tea", &ann, &[&ben, &gil]).await;
    beta.sets_peer(alpha.provider(), PeerState::Blocked).await;
    gamma.stop().await;
    wait_until_unreachable(alpha, gamma).await;
    let there = beta.provider().clone();
    alpha
        .until("beta has said that it blocks us", move |view| {
            let blocks = view.peer(&there)?.is_some_and(|row| row.their_state == Some(PeerState::Blocked));
            Ok(blocks.then_some(()))
        })
        .await;
    let (_, placed) = says(&ann, &tea, "where is everybody?").await;
    let trace = traces(alpha, &tea, placed.seq).await;
    assert_eq!(trace.side, Some(Side::Theirs), "{trace:#?}");
    // The first is the one whose name is.
    let first = beta.provider().min(gamma.provider());
    let why = if first == beta.provider() { "its operator has blocked this provider" } else { "refused" };
    assert!(trace.text.contains(first.as_str()) && trace.text.contains(why), "{}", trace.text);
    let other = beta.provider().max(gamma.provider());
    assert!(trace.text.contains(&format!("{other} does not have it either")), "{}", trace.text);
}

#[tokio::test]
async fn who_fetches_the_same_again_and_again_does_not_keep_it() {
    let peers = MutualPeers::of(1).await;
    let [alpha] = &peers.nodes[..] else { unreachable!() };
    let (eve, ann) = (peers.federation.scripted_peer(), peers.client(0, "ann").await);
    let tea = peers.group("tea", &ann, &[]).await;
    let client = eve.takes_part(&peers, &ann, &tea).await;
    let (_, placed) = says(&ann, &tea, "can you keep it?").await;
    has_read(alpha, &ann, &tea, placed.seq).await;
    let mut since = Vec::new();
    for _ in 0..4 {
        assert!(!eve.pulls_all(alpha).await.items.is_empty());
        since.push(traces(alpha, &tea, placed.seq).await.since);
    }
    let noted = async || {
        let peer = eve.provider().clone();
        alpha.reads(move |view| view.troubles(&peer)).await
    };
    assert!(noted().await.is_empty(), "answers may be lost for a moment");
    peers.federation.clock().turn(Duration::from_secs(40));
    assert_eq!(eve.looks(alpha).await.items.len(), 1);
    assert!(noted().await.is_empty(), "who only looks keeps nothing");
    assert!(!eve.pulls_all(alpha).await.items.is_empty());
    since.dedup();
    assert_eq!(since.len(), 1, "it stands there since the first time");
    let trouble = alpha.notes(eve.provider(), "not-kept").await;
    assert_eq!((trouble.stage.as_str(), trouble.over), ("store", false));
    let trace = traces(alpha, &tea, placed.seq).await;
    assert_eq!(trace.code, TraceCode::NotAcknowledged, "{trace:#?}");
    drop(client);
}

#[tokio::test]
async fn while_the_owner_is_away_what_was_submitted_stands_in_the_outbox() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (tea, _ann, ben) = group_of_two(&peers).await;
    alpha.stop().await;
    wait_until_unreachable(beta, alpha).await;
    let said = ben.says(&tea, "later");
    assert_eq!(ben.submits(&tea, &said).await, Outcome::Queued);
    let trace = traces_submission(beta, said.id).await;
    assert_eq!((trace.code, trace.group.as_ref()), (TraceCode::InOutbox, Some(&tea)), "{trace:#?}");
    assert!(trace.text.contains(&format!("our requests to {} fail: ", alpha.provider())), "{}", trace.text);
    let listed = beta.node().operator().outbox().await.unwrap();
    let [(id, waiting)] = &listed[..] else { panic!("{listed:#?}") };
    assert_eq!((*id, &waiting.group, &waiting.client), (said.id, &tea, ben.uri()), "by which it is traced");
    let outbox = step(&trace, TraceStepName::Outbox, None);
    assert_eq!((outbox.state, outbox.at), (TraceState::Here, trace.since));
    assert_eq!(step(&trace, TraceStepName::Judged, None).state, TraceState::Ahead);
    // What the owner may have numbered since is not here either.
    let next = traces(beta, &tea, 3).await;
    assert_eq!(next.code, TraceCode::NotHere);
    assert!(next.text.contains("fail: "), "{}", next.text);

    alpha.start().await;
    let placed = ben.hears("its result", |client| client.result(&tea, said.id)).await.outcome;
    let Outcome::Accepted(placed) = placed else { panic!("{placed:?}") };
    wait_for_event(beta, &tea, placed.seq).await;
    has_read(beta, &ben, &tea, placed.seq).await;
    let trace = traces_submission(beta, said.id).await;
    assert_eq!((trace.code, trace.seq), (TraceCode::Arrived, Some(placed.seq)), "{trace:#?}");
}

#[tokio::test]
async fn a_refused_submission_is_told_with_the_owners_reason_on_both_sides() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (tea, ann, ben) = group_of_two(&peers).await;
    ben.catches_up().await;
    // Only admins remove others.
    let removal = ben.commit(&tea, CommitPlan::removing(ann.uri()));
    let Outcome::Rejected(problem) = ben.submits(&tea, &removal).await else { panic!("it was accepted") };
    for test_node in [alpha, beta] {
        let trace = traces_submission(test_node, removal.id).await;
        assert_eq!((trace.code, trace.side), (TraceCode::Refused, Some(Side::Ours)), "{trace:#?}");
        let reason = problem.detail.as_deref().unwrap().trim_end_matches('.');
        assert!(trace.text.contains(reason) && trace.text.contains(&problem.code), "{}", trace.text);
        assert_eq!(step(&trace, TraceStepName::Judged, None).state, TraceState::Failed);
        assert_eq!(step(&trace, TraceStepName::Submitted, None).at, Some(removal.id.time()));
    }
    let unknown = traces_submission(alpha, peers.federation.clock().id()).await;
    assert_eq!(unknown.code, TraceCode::NotKnown);
    assert!(unknown.text.starts_with("Nothing is known here"), "{}", unknown.text);
}

#[tokio::test]
async fn a_client_that_does_not_read_its_feed_is_named() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (tea, ann, ben) = group_of_two(&peers).await;
    let (_, placed) = says(&ann, &tea, "are you there?").await;
    wait_for_event(beta, &tea, placed.seq).await;
    let trace = traces(beta, &tea, placed.seq).await;
    assert_eq!((trace.code, trace.side), (TraceCode::NotRead, Some(Side::Ours)), "{trace:#?}");
    assert!(trace.text.contains(&format!("in the feed of {}", ben.uri())), "{}", trace.text);
    let to_ben = Reader::Client(ben.uri().clone());
    assert_eq!(step(&trace, TraceStepName::Feed, Some(&to_ben)).at, trace.since);
    // At the owner, the other provider has it; its own client has not read it either.
    has_acknowledged(alpha, &Reader::Peer(beta.provider().clone()), &tea, placed.seq).await;
    let trace = traces(alpha, &tea, placed.seq).await;
    assert_eq!(trace.code, TraceCode::NotRead, "{trace:#?}");
    assert!(trace.text.contains(ann.uri().as_str()), "{}", trace.text);
    has_read(beta, &ben, &tea, placed.seq).await;
    assert_eq!(traces(beta, &tea, placed.seq).await.code, TraceCode::Arrived);
}

#[tokio::test]
async fn a_time_that_another_clock_has_told_is_put_right() {
    let federation = Federation::new();
    let behind = Arc::new(Clock::default());
    behind.turn_back(Duration::from_secs(60));
    let nodes = vec![federation.node(|_| {}).await, federation.node_with_clock(behind, |_| {}).await];
    let [alpha, beta] = &nodes[..] else { unreachable!() };
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let peers = MutualPeers { federation, nodes };
    let [_, beta] = &peers.nodes[..] else { unreachable!() };
    let (tea, ann, _ben) = group_of_two(&peers).await;
    let placed = accepted(&ann, &tea, &ann.says(&tea, "what time is it?")).await;
    wait_for_event(beta, &tea, placed.seq).await;
    let trace = traces(beta, &tea, placed.seq).await;
    let numbered = step(&trace, TraceStepName::Numbered, None);
    let clock = numbered.clock.as_ref().unwrap();
    assert_eq!(clock.told, placed.time);
    assert!(clock.ahead_ms.abs_diff(60_000) <= 5_000, "{clock:?}");
    let right = Timestamp::from_millis(placed.time.as_millis().saturating_add_signed(-clock.ahead_ms));
    assert_eq!(numbered.at, Some(right));
}

/// Three who know each other, of whom the last does not tell others what it knows of events.
async fn two_that_tell_and_one_that_does_not() -> MutualPeers {
    let federation = Federation::new();
    let mut nodes = Vec::new();
    for tells in [true, true, false] {
        nodes.push(federation.node(|config| config.peers.tell_traces = tells).await);
    }
    for one in &nodes {
        for other in nodes.iter().filter(|other| other.provider() != one.provider()) {
            one.allows(other.provider()).await;
        }
    }
    MutualPeers { federation, nodes }
}

#[tokio::test]
async fn where_the_other_side_allows_it_each_knows_the_others_part() {
    let peers = two_that_tell_and_one_that_does_not().await;
    let [alpha, beta, gamma] = &peers.nodes[..] else { unreachable!() };
    let ann = peers.client(0, "ann").await;
    let (ben, gil) = (peers.client(1, "ben").await, peers.client(2, "gil").await);
    let tea = peers.group("tea", &ann, &[&ben, &gil]).await;
    let (_, placed) = says(&ann, &tea, "who has it?").await;
    let seq = placed.seq;
    for there in [beta, gamma] {
        wait_for_event(there, &tea, seq).await;
        has_acknowledged(alpha, &Reader::Peer(there.provider().clone()), &tea, seq).await;
    }
    let asks =
        async |test_node: &TestNode| test_node.node().operator().trace_elsewhere(&tea, seq).await.unwrap();

    // The owner asks all who are told of it.
    let told = asks(alpha).await;
    let of = |test_node: &TestNode| told.iter().find(|told| told.provider == *test_node.provider()).unwrap();
    assert_eq!(told.len(), 2, "{told:#?}");
    assert_eq!(of(gamma).told.as_ref().unwrap_err().code, "not-found", "its operator does not allow it");
    let steps = of(beta).told.as_ref().unwrap();
    let step_of = |name| steps.iter().find(|step: &&TraceStep| step.name == name).unwrap();
    let stored = step_of(TraceStepName::Stored);
    assert_eq!((stored.state, stored.reader.as_ref()), (TraceState::Done, None));
    assert!(stored.at.is_some() && stored.clock.as_ref().is_some_and(|clock| clock.of == *beta.provider()));
    let read = step_of(TraceStepName::Acknowledged);
    assert_eq!(read.state, TraceState::Here, "{read:?}");
    assert_eq!(read.text, "0 of 1 clients that are told of it there have it");
    has_read(beta, &ben, &tea, seq).await;
    let told = asks(alpha).await;
    let steps = told.iter().find_map(|told| told.told.as_ref().ok()).unwrap();
    assert_eq!(steps.last().unwrap().state, TraceState::Done, "{steps:#?}");
    assert!(!format!("{steps:?}").contains(ben.uri().as_str()), "no client is named: {steps:#?}");

    // A participant asks the owner, which tells how far everybody is.
    for test_node in [beta, gamma] {
        let told = asks(test_node).await;
        let [owner] = &told[..] else { panic!("{told:#?}") };
        let steps = owner.told.as_ref().unwrap();
        let has = |name, of: Option<&TestNode>| {
            let of = of.map(|of| Reader::Peer(of.provider().clone()));
            steps.iter().any(|step| {
                (step.name, &step.reader, step.state) == (name, &of, TraceState::Done) && step.at.is_some()
            })
        };
        assert!(has(TraceStepName::Numbered, None), "{steps:#?}");
        for of in [beta, gamma] {
            for name in [TraceStepName::Feed, TraceStepName::Given, TraceStepName::Acknowledged] {
                assert!(has(name, Some(of)), "{name} of {}: {steps:#?}", of.provider());
            }
        }
        assert!(steps.iter().all(|step| !matches!(step.reader, Some(Reader::Client(_)))), "{steps:#?}");
    }
}

#[tokio::test]
async fn nothing_is_told_of_an_event_to_who_is_not_told_of_it() {
    let peers = two_that_tell_and_one_that_does_not().await;
    let [alpha, beta, _] = &peers.nodes[..] else { unreachable!() };
    let (tea, ann, _ben) = group_of_two(&peers).await;
    let (_, placed) = says(&ann, &tea, "between us").await;
    wait_for_event(beta, &tea, placed.seq).await;
    let eve = peers.federation.scripted_peer();
    alpha.allows(eve.provider()).await;
    beta.allows(eve.provider()).await;
    let asked = format!("/groups/{}/trace?seq={}", tea.name(), placed.seq);
    eve.gets(alpha.provider(), &asked).expect_refusal(Code::NotFound).await;
    let of_owner = format!("/groups/{}@{}/trace?seq={}", tea.name(), alpha.provider(), placed.seq);
    eve.gets(beta.provider(), &of_owner).expect_refusal(Code::NotFound).await;
    eve.gets(alpha.provider(), &format!("/groups/{}/trace", tea.name()))
        .expect_refusal(Code::Malformed)
        .await;
    // Ben came in with event 2: what came before is not for his provider.
    let earlier = beta.node().operator().trace_elsewhere(&tea, 1).await.unwrap().remove(0);
    assert_eq!(earlier.told.unwrap_err().code, "not-found");
    // One who takes part asks the owner alone.
    let none = alpha.group("none");
    assert_eq!(alpha.node().operator().trace_elsewhere(&none, 1).await.unwrap_err().code(), "no-such-group");
}

#[tokio::test]
async fn the_command_line_tells_where_an_event_stands() {
    let federation = Federation::new();
    let listen = federation.config(|_| {}).mtp.listen.ip().unwrap();
    let config = federation.config(|config| config.admin = Some(ListenConfig::plain(listen)));
    let daemon = Daemon::start(&config).await;
    let made = |command: &str, request: serde_json::Value| Daemon::answer(&config, command, &request);
    made("create-user", json!({"name": "ann"}));
    made("open-account", json!({"user": "ann"}));
    let group =
        made("create-group", json!({"user": "ann", "name": "Tea", "add": "members", "send": "members"}));
    let group = group["group"].as_str().unwrap().to_owned();
    let traces = |arguments: &[&str]| Daemon::command("trace", &config).args(arguments).output().unwrap();
    let said = traces(&["--json", &group, "1"]);
    let told: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(
        (&told["group"], &told["seq"], &told["kind"]),
        (&json!(group), &json!(1), &json!("created")),
        "{told}"
    );
    let said = traces(&[&group, "9"]);
    assert_eq!(said.status.code(), Some(1));
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(text.contains("There is no event 9 in this group"), "{text}");
    let said = traces(&["--ask", "--json", &group, "1"]);
    let told: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(told["elsewhere"], json!([]), "{told}");
    let said = traces(&[]);
    assert!(said.status.success(), "{said:?}");
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(text.starts_with("Nothing stands in the outbox"), "{text}");
    let said = traces(&["nonsense"]);
    assert_eq!(said.status.code(), Some(2));
    drop(daemon);
}
