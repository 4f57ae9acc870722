//! Groups with a scripted provider: as a participant that asks what it may not, and as an owner that lies
//! (`docs/mtp.md`, sections 10 and 11).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use drawbridge_mtp::checkpoint::UnverifiedCheckpoint;
use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::message::{
    Body, ConnectionState as State, Event, EventKind, GroupInfoReply, GroupResults, GroupStatus,
    GroupSubmissions, Item, ItemBody, LogPage, Outcome, Removed, Roster, Submission, SubmissionKind,
    SubmitReply, SubmitRequest, Welcome,
};
use drawbridge_mtp::octets::{Hash32, Octets};
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::wire::{self, Encoding};
use drawbridge_node::store::{GroupRow, Standing};
use drawbridge_testkit::{
    CommitPlan, MutualPeers, RawResponse, ScriptedGroup, ScriptedPeer, TestNode, claims_from_scripted_peer,
    connected_to_scripted_peer, policy, references,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

fn read<T: serde::de::DeserializeOwned>(heard: &RawResponse) -> T {
    assert_eq!(heard.status, StatusCode::OK, "{:?}", String::from_utf8_lossy(&heard.body));
    wire::decode(Encoding::Json, &heard.body).unwrap()
}

fn json<T: serde::Serialize>(message: &T) -> Vec<u8> {
    wire::encode(Encoding::Json, message)
}

/// Everything a peer may ask of a group.
const ASKED: [&str; 5] = ["", "/roster", "/log?after=0", "/info", "/checkpoint"];

#[tokio::test]
async fn a_provider_without_a_member_is_answered_as_if_there_were_no_group() {
    let peers = MutualPeers::of(1).await;
    let (alpha, eve) = (&peers.nodes[0], peers.federation.scripted_peer());
    alpha.allows(eve.provider()).await;
    let ann = peers.client(0, "ann").await;
    ann.creates("tea", &policy(&[ann.user()])).await;
    for what in ASKED {
        let mut answers = Vec::new();
        for name in ["tea", "none", "not%20a%20name"] {
            let ask = eve.gets(alpha.provider(), &format!("/groups/{name}{what}"));
            answers.push(ask.expect_refusal(Code::NotFound).await);
        }
        assert_eq!(answers[0], answers[1], "{what}");
        assert_eq!(answers[0], answers[2], "{what}");
    }
    let said = eve.client("eve").submission(SubmissionKind::Application, Octets(vec![1]));
    let names = ["tea", "none", "not a name"];
    let groups = names.map(|name| GroupSubmissions { group: name.into(), events: vec![said.clone()] });
    let answered = submits_all(&eve, alpha, groups.into()).await;
    assert_eq!(answered.iter().map(|group| group.group.as_str()).collect::<Vec<_>>(), names);
    let [of_tea, of_none, of_no_name] = [0, 1, 2].map(|place| answered[place].results.clone());
    assert_eq!((&of_tea, &of_tea), (&of_none, &of_no_name));
    assert_eq!(of_tea.into_iter().map(|result| code(result.outcome)).collect::<Vec<_>>(), [Code::NotFound]);
    eve.gets(alpha.provider(), &format!("/objects/{}", Hash32([7; 32]))).expect_refusal(Code::NotFound).await;
}

async fn submits(eve: &ScriptedPeer, at: &TestNode, group: &GroupUri, submission: &Submission) -> Outcome {
    let events = vec![submission.clone()];
    let groups = vec![GroupSubmissions { group: group.name().to_string(), events }];
    submits_all(eve, at, groups).await.remove(0).results.remove(0).outcome
}

async fn submits_all(eve: &ScriptedPeer, at: &TestNode, groups: Vec<GroupSubmissions>) -> Vec<GroupResults> {
    let ask = eve.draft(at.provider(), Method::POST, "/submissions");
    let content = json(&SubmitRequest { groups });
    let reply: SubmitReply = read(&ask.content("application/json", content).send().await);
    reply.groups
}

fn code(outcome: Outcome) -> Code {
    match outcome {
        Outcome::Rejected(problem) => problem.known().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_submission_of_a_request_is_judged_by_itself() {
    let peers = MutualPeers::of(1).await;
    let (alpha, eve) = (&peers.nodes[0], peers.federation.scripted_peer());
    let ann = peers.client(0, "ann").await;
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    let client = eve.takes_part(&peers, &ann, &tea).await;
    let says = |text: &str| serde_json::to_value(client.says(&tea, text)).unwrap();
    let (one, two, three, lost) = (says("one"), says("two"), says("three"), says("lost"));
    let (mut anns, mut odd) = (says("not hers"), says("odd"));
    anns["sender"] = json!(ann.uri());
    odd["id"] = json!("x");
    let request = json!({"groups": [
        {"group": "tea", "events": [one, odd, anns, {}, two]},
        {"group": "none", "events": [lost]},
        {"group": "Not A Name", "events": []},
        {"group": "tea", "events": [three, one]},
    ]});
    let ask = |content: &Value| eve.posts(alpha.provider(), "/submissions", content);
    let answer = ask(&request).send().await.json();
    let groups = answer["groups"].as_array().unwrap();
    let names: Vec<_> = groups.iter().map(|group| group["group"].as_str().unwrap()).collect();
    assert_eq!(names, ["tea", "none", "Not A Name", "tea"]);
    let told = |place: usize| {
        let results = groups[place]["results"].as_array().unwrap().iter();
        let told = results.map(|result| {
            let what = result["error"]["code"].as_str().or(result["status"].as_str());
            (result.get("id").cloned(), what.unwrap().to_owned())
        });
        told.collect::<Vec<_>>()
    };
    let expected = |id: Option<&Value>, what: &str| (id.cloned(), what.to_owned());
    assert_eq!(
        told(0),
        [
            expected(Some(&one["id"]), "accepted"),
            expected(Some(&json!("x")), "malformed"),
            expected(Some(&anns["id"]), "not-participant"),
            expected(None, "malformed"),
            expected(Some(&two["id"]), "accepted"),
        ]
    );
    assert_eq!(told(1), [expected(Some(&lost["id"]), "not-found")]);
    assert_eq!(told(2), []);
    assert_eq!(told(3), [expected(Some(&three["id"]), "accepted"), expected(Some(&one["id"]), "duplicate")]);
    let seq = |group: usize, place: usize| groups[group]["results"][place]["seq"].as_u64().unwrap();
    assert!(seq(0, 0) < seq(0, 4) && seq(0, 4) < seq(3, 0) && seq(3, 1) == seq(0, 0));

    for odd in [json!({}), json!({"groups": {}}), json!({"groups": [{"group": "tea", "events": null}]})] {
        ask(&odd).expect_refusal(Code::Malformed).await;
    }
    let draft = || eve.draft(alpha.provider(), Method::POST, "/submissions");
    let content = json(&SubmitRequest::<Submission> { groups: Vec::new() });
    let two_lines = draft().in_two_lines("application/json", content.clone());
    two_lines.expect_refusal(Code::UnsupportedMediaType).await;
    let one_line = draft().content("application/json, application/json", content);
    one_line.expect_refusal(Code::UnsupportedMediaType).await;
    // What there was until it was settled.
    eve.posts(alpha.provider(), "/groups/tea/events", &json!({"events": []}))
        .expect_refusal(Code::NotFound)
        .await;
}

#[tokio::test]
async fn a_roster_is_that_of_its_epoch_whatever_is_decided_while_it_is_read() {
    let peers = MutualPeers::of(2).await;
    let (alpha, eve) = (&peers.nodes[0], peers.federation.scripted_peer());
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    eve.takes_part(&peers, &ann, &tea).await;

    let adds = async {
        for name in ["cat", "dan", "eli", "fay", "gus", "hal"] {
            let one = peers.client(1, name).await;
            peers.connects(ann.user(), one.user()).await;
            peers.adds(&ann, &tea, &[&one]).await;
        }
    };
    let mut adds = std::pin::pin!(adds);
    let mut rosters = 0;
    loop {
        let asked = async { eve.gets(alpha.provider(), "/groups/tea/roster").send().await };
        tokio::select! {
            () = &mut adds => break,
            answer = asked => {
                let roster: Roster = read(&answer);
                rosters += 1;
                for member in &roster.members {
                    assert!(member.since_epoch <= roster.epoch, "{} in {roster:?}", member.client);
                }
                // One who was added with each epoch, from ann's on.
                assert_eq!(roster.members.len() as u64, roster.epoch + 1, "{roster:?}");
            }
        }
    }
    assert!(rosters > 0);
}

#[tokio::test]
async fn a_participant_is_told_of_its_time_in_the_group_and_speaks_for_its_own_members() {
    let peers = MutualPeers::of(2).await;
    let (alpha, beta, eve) = (&peers.nodes[0], &peers.nodes[1], peers.federation.scripted_peer());
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    ann.does(&tea, &ann.says(&tea, "before eve")).await;
    let client = eve.takes_part(&peers, &ann, &tea).await;

    let at = |what: &str| format!("/groups/tea{what}");
    let status: GroupStatus = read(&eve.gets(alpha.provider(), &at("")).send().await);
    assert_eq!((status.epoch, status.head), (2, 4));
    assert!(status.participants.contains(eve.provider()));
    let log: LogPage = read(&eve.gets(alpha.provider(), &at("/log?after=0")).send().await);
    assert_eq!((log.first, log.head, log.events.len()), (4, 4, 1), "from the commit that added it on");
    assert_eq!(log.events[0].hash, status.hash);
    let roster: Roster = read(&eve.gets(alpha.provider(), &at("/roster")).send().await);
    assert_eq!(roster.members.len(), 3);
    let info: GroupInfoReply = read(&eve.gets(alpha.provider(), &at("/info")).send().await);
    assert_eq!(info.epoch, 2);
    let reply: drawbridge_mtp::message::CheckpointReply =
        read(&eve.gets(alpha.provider(), &at("/checkpoint")).send().await);
    let checkpoint = UnverifiedCheckpoint::parse(&reply.checkpoint).unwrap();
    assert_eq!(*checkpoint.kid(), alpha.node().operator().fingerprint());
    let document = beta.node().operator().document_of(alpha.provider()).unwrap();
    let key = document.keys.iter().find(|key| key.thumbprint() == checkpoint.kid()).unwrap();
    let claims = checkpoint.verify(key).unwrap();
    assert_eq!((claims.seq, claims.hash, claims.epoch), (4, status.hash, 2));

    // It speaks for its members, and for nobody else.
    let word = client.says(&tea, "hello from eve");
    assert!(matches!(submits(&eve, alpha, &tea, &word).await, Outcome::Accepted(_)));
    ben.hears_said(&tea, "hello from eve").await;
    let mut as_ben = client.says(&tea, "not ben");
    as_ben.sender = ben.uri().clone();
    assert_eq!(code(submits(&eve, alpha, &tea, &as_ben).await), Code::NotParticipant);
    let mut as_nobody = client.says(&tea, "nobody");
    as_nobody.sender = eve.client("nobody").uri().clone();
    assert_eq!(code(submits(&eve, alpha, &tea, &as_nobody).await), Code::NotParticipant);
    let stranger = eve.client("stranger");
    let joins = stranger.joins(&tea, &info);
    assert_eq!(code(submits(&eve, alpha, &tea, &joins).await), Code::NotParticipant, "no user of a member");

    // Another participant answers from its copy, as far as the owner would.
    beta.allows(eve.provider()).await;
    beta.follows(&tea, 2).await;
    let copy = format!("/groups/tea@{}/log?after=0", alpha.provider());
    let page: LogPage = read(&eve.gets(beta.provider(), &copy).send().await);
    let owners: LogPage = read(&eve.gets(alpha.provider(), &at("/log?after=0")).send().await);
    assert_eq!(page.events, owners.events);
    let short: LogPage = read(&eve.gets(beta.provider(), "/groups/tea/log?after=4").send().await);
    assert_eq!(short.events, owners.events[1..]);
    eve.gets(beta.provider(), "/groups/tea/roster").expect_refusal(Code::NotFound).await;

    // Cut off at the commit.
    let cut = ann.does(&tea, &ann.commit(&tea, CommitPlan::removing(client.uri()))).await;
    ann.reaches(&tea, 3).await;
    ann.does(&tea, &ann.says(&tea, "eve is gone")).await;
    let items = eve.pulls_all(alpha).await.items;
    let last = items.last().unwrap();
    assert!(matches!(&last.body, ItemBody::Removed(removed) if removed.after_seq == cut.seq), "{last:?}");
    let told = items.iter().filter_map(|item| match &item.body {
        ItemBody::Event(event) => Some(event.seq),
        _ => None,
    });
    assert_eq!(told.max(), Some(cut.seq));
    for what in ASKED {
        eve.gets(alpha.provider(), &at(what)).expect_refusal(Code::NotFound).await;
    }
    beta.follows(&tea, 3).await;
    eve.gets(beta.provider(), &copy).expect_refusal(Code::NotFound).await;
}

#[tokio::test]
async fn a_log_is_told_in_pages_as_large_as_is_asked_for() {
    let peers = MutualPeers::of(1).await;
    let (alpha, eve) = (&peers.nodes[0], peers.federation.scripted_peer());
    let ann = peers.client(0, "ann").await;
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    eve.takes_part(&peers, &ann, &tea).await;
    for text in ["three", "four", "five"] {
        ann.does(&tea, &ann.says(&tea, text)).await;
    }
    let asks = |query: &str| eve.gets(alpha.provider(), &format!("/groups/tea/log{query}"));
    let told = async |query: &str| {
        let page: LogPage = read(&asks(query).send().await);
        assert_eq!((page.first, page.head), (2, 5), "{query}");
        (page.events.iter().map(|event| event.seq).collect::<Vec<_>>(), page.more)
    };
    assert_eq!(told("?after=0").await, (vec![2, 3, 4, 5], false));
    assert_eq!(told("?after=0&max_events=2").await, (vec![2, 3], true));
    assert_eq!(told("?after=3&max_events=2").await, (vec![4, 5], false));
    assert_eq!(told("?after=2&max_bytes=1").await, (vec![3], true), "one event, however small the page");
    assert_eq!(told("?after=5").await, (vec![], false));
    assert_eq!(told("?after=9").await, (vec![], false), "past the head");
    for odd in ["", "?max_events=2", "?after=x"] {
        asks(odd).expect_refusal(Code::Malformed).await;
    }
}

#[tokio::test]
async fn a_provider_reads_the_log_from_the_commit_of_its_oldest_member_on() {
    let peers = MutualPeers::of(2).await;
    let (alpha, beta, eve) = (&peers.nodes[0], &peers.nodes[1], peers.federation.scripted_peer());
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    let client = eve.takes_part(&peers, &ann, &tea).await;
    beta.allows(eve.provider()).await;
    ann.does(&tea, &ann.says(&tea, "between the two")).await;
    let other = eve.client("other");
    let grant = eve.grant(other.user(), ann.user(), &tea).sign(eve.signer().key());
    let change = CommitPlan::adding_package(other.key_package()).grants(vec![grant]);
    let second = ann.does(&tea, &ann.commit(&tea, change)).await;
    ann.reaches(&tea, 3).await;
    // At the owner, and at a participant, which answers from its copy.
    let at_beta = format!("/groups/tea@{}/log?after=0", alpha.provider());
    let first_told = async |epoch| {
        beta.follows(&tea, epoch).await;
        let mut told = Vec::new();
        for (at, resource) in [(alpha, "/groups/tea/log?after=0"), (beta, &*at_beta)] {
            let page: LogPage = read(&eve.gets(at.provider(), resource).send().await);
            assert_eq!(page.first, page.events[0].seq);
            told.push(page.first);
        }
        told
    };
    assert_eq!(first_told(3).await, [3, 3], "by the first of two");
    ann.does(&tea, &ann.commit(&tea, CommitPlan::removing(client.uri()))).await;
    ann.reaches(&tea, 4).await;
    assert_eq!(first_told(4).await[1], second.seq, "by the one who is left");
}

#[tokio::test]
async fn an_id_is_known_again_from_the_same_provider_alone() {
    let peers = MutualPeers::of(2).await;
    let (alpha, eve) = (&peers.nodes[0], peers.federation.scripted_peer());
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    let client = eve.takes_part(&peers, &ann, &tea).await;
    ben.reaches(&tea, 2).await;
    let said = ben.says(&tea, "by ben");
    let placed = ben.does(&tea, &said).await;
    let mut same = client.says(&tea, "by eve");
    same.id = said.id;
    let Outcome::Accepted(second) = submits(&eve, alpha, &tea, &same).await else {
        panic!("another provider's id is taken for its own")
    };
    assert_eq!(second.seq, placed.seq + 1);
    assert_eq!(submits(&eve, alpha, &tea, &same).await, Outcome::Duplicate(second));
    assert_eq!(ben.submits(&tea, &said).await, Outcome::Duplicate(placed));
    ann.hears_said(&tea, "by eve").await;
}

#[tokio::test]
async fn an_object_is_for_those_whose_feed_names_it_in_whole_or_in_part() {
    let peers = MutualPeers::of(1).await;
    let (alpha, eve, mallory) =
        (&peers.nodes[0], peers.federation.scripted_peer(), peers.federation.scripted_peer());
    alpha.allows(mallory.provider()).await;
    let ann = peers.client(0, "ann").await;
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    eve.takes_part(&peers, &ann, &tea).await;
    let long = ann.says(&tea, &"x".repeat(100_000));
    ann.does(&tea, &long).await;
    let items = eve.pulls_all(alpha).await.items;
    let ItemBody::Event(Event { body: Some(Body::Object(object)), .. }) = items.last().unwrap().body else {
        panic!("no object")
    };
    let path = format!("/objects/{}", object.sha256);
    let whole = eve.gets(alpha.provider(), &path).send().await;
    assert_eq!((whole.status, &whole.body), (StatusCode::OK, &long.mls.0));
    let part = eve.gets(alpha.provider(), &path).with("range", "bytes=1000-1999").send().await;
    assert_eq!((part.status, &part.body[..]), (StatusCode::PARTIAL_CONTENT, &long.mls.0[1000..2000]));
    assert_eq!(part.header("content-range"), Some(&*format!("bytes 1000-1999/{}", object.size)));
    mallory.gets(alpha.provider(), &path).expect_refusal(Code::NotFound).await;
}

async fn breaks(test_node: &TestNode, eve: &ScriptedPeer, group: &GroupUri) -> GroupRow {
    test_node.notes(eve.provider(), "log-broken").await;
    let uri = group.clone();
    test_node
        .until("the group is broken", move |view| {
            Ok(view.group(&uri)?.filter(|row| row.standing == Standing::Broken))
        })
        .await
}

#[tokio::test]
async fn an_owner_that_tells_its_log_out_of_order_is_set_right_by_its_log() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    let (one, two) = (tea.says(&eve, &client, "one"), tea.says(&eve, &client, "two"));
    tea.tells_event(&eve, two);
    tea.tells_event(&eve, one);
    ben.hears_said(&tea.group, "two").await;
    assert_eq!(ben.texts(&tea.group), ["one", "two"]);
    // After a reset, what the feed has not told comes from the log.
    tea.says(&eve, &client, "three");
    eve.responder().resets(eve.clock().id().into());
    ben.hears_said(&tea.group, "three").await;
    // What it tells again has happened once.
    let removed = Removed { group: tea.group.clone(), after_seq: 5 };
    tea.tells(&eve, ItemBody::Removed(removed));
    ben.hears("ben is out", |ben| ben.items().iter().any(is_removed).then_some(())).await;
    ben.forgets_group(&tea.group);
    tea.adds(&peers, &eve, &client, &ben).await;
    eve.responder().resets(eve.clock().id().into());
    let event = tea.says(&eve, &client, "four");
    tea.tells_event(&eve, event);
    ben.hears_said(&tea.group, "four").await;
    let items = ben.items();
    assert_eq!(items.iter().filter(|item| is_removed(item)).count(), 1);
    assert_eq!(items.iter().filter(|item| matches!(item.body, ItemBody::Welcome(_))).count(), 2);
}

fn is_removed(item: &Item) -> bool {
    matches!(item.body, ItemBody::Removed(_))
}

#[tokio::test]
async fn an_owner_that_lies_breaks_that_group_and_nothing_else() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let beta = &peers.nodes[0];
    let good = ScriptedGroup::new("good", &peers, &eve, &client, &ben).await;

    // It tells another event 3 than before.
    let forked = ScriptedGroup::new("forked", &peers, &eve, &client, &ben).await;
    let told = forked.says(&eve, &client, "one");
    forked.tells_event(&eve, told.clone());
    ben.hears_said(&forked.group, "one").await;
    forked.log.lock().truncate(2);
    let other = forked.says(&eve, &client, "another");
    forked.tells_event(&eve, other);
    // It changes who said something, keeps the hash, and changes a body.
    let altered = ScriptedGroup::new("altered", &peers, &eve, &client, &ben).await;
    let mut event = altered.says(&eve, &client, "one");
    event.sender = ben.uri().clone();
    altered.tells_event(&eve, event);
    let bodily = ScriptedGroup::new("bodily", &peers, &eve, &client, &ben).await;
    let mut event = bodily.says(&eve, &client, "one");
    event.body = Some(Body::Here(Octets(vec![1, 2, 3])));
    bodily.tells_event(&eve, event);
    // It goes on from a log that it never told.
    let grafted = ScriptedGroup::new("grafted", &peers, &eve, &client, &ben).await;
    let mut event = grafted.says(&eve, &client, "one");
    event.prev = Hash32([9; 32]);
    event.hash = event.computed_hash();
    grafted.tells_event(&eve, event);
    // It tells of an event that is not in its log.
    let gapped = ScriptedGroup::new("gapped", &peers, &eve, &client, &ben).await;
    gapped.says(&eve, &client, "one");
    let event = gapped.says(&eve, &client, "two");
    gapped.log.lock().truncate(2);
    gapped.tells_event(&eve, event);
    // An object is not what its name says.
    let swapped = ScriptedGroup::new("swapped", &peers, &eve, &client, &ben).await;
    let event = swapped.says(&eve, &client, &"x".repeat(100_000));
    eve.responder().shows(&format!("/objects/{}", event.body_hash), |_| b"something else".to_vec());
    swapped.tells_event(&eve, event);

    for broken in [&forked, &altered, &bodily, &grafted, &gapped, &swapped] {
        let row = breaks(beta, &eve, &broken.group).await;
        assert!(row.fault.is_some());
        assert!(row.head <= 3, "{row:?}");
    }
    // What it says of others' groups counts for nothing.
    let foreign: GroupUri = "mimi://elsewhere.example/g/tea".parse().unwrap();
    let mut event = good.says(&eve, &client, "lost");
    good.log.lock().truncate(2);
    event.group = foreign;
    good.tells_event(&eve, event);
    beta.notes(eve.provider(), "foreign-event").await;

    let event = good.says(&eve, &client, "all is well here");
    good.tells_event(&eve, event);
    ben.hears_said(&good.group, "all is well here").await;
    let broken = ben.tries_to_submit(&forked.group, vec![ben.says(&forked.group, "hello?")]).await;
    assert_eq!(broken.unwrap_err().known(), Some(Code::Unavailable), "it may be settled");
}

/// Puts items of a group into the feed, all on one page.
fn tells_at_once(eve: &ScriptedPeer, items: Vec<Value>) {
    eve.responder().writes(items.into_iter().map(|item| (eve.clock().id(), item)));
}

fn told(event: &Event) -> Value {
    json!({"type": "event", "event": event})
}

#[tokio::test]
async fn a_fork_within_one_page_is_noticed() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let beta = &peers.nodes[0];
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    let one = tea.says(&eve, &client, "one");
    let two = tea.says(&eve, &client, "two");
    tea.log.lock().pop();
    let other = tea.says(&eve, &client, "another");
    *tea.log.lock().last_mut().unwrap() = two.clone();
    let three = tea.says(&eve, &client, "three");
    tells_at_once(&eve, [one, two, other, three].iter().map(told).collect());
    let row = breaks(beta, &eve, &tea.group).await;
    assert!(row.fault.unwrap().contains("event 4"), "it says where");
    assert_eq!(row.head, 4);
}

#[tokio::test]
async fn items_that_cannot_be_read_hold_up_nobody_elses_news() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let beta = &peers.nodes[0];
    let good = ScriptedGroup::new("good", &peers, &eve, &client, &ben).await;
    let healed = ScriptedGroup::new("healed", &peers, &eve, &client, &ben).await;
    let torn = ScriptedGroup::new("torn", &peers, &eve, &client, &ben).await;
    let asked = beta.node().operator().connect(ben.user().name(), eve.address("emil"), None).await.unwrap();

    let (one, two) = (good.says(&eve, &client, "one"), good.says(&eve, &client, "two"));
    let unreadable = |owned: &ScriptedGroup| {
        let mut event = told(&owned.says(&eve, &client, "unreadable"));
        event["event"]["type"] = json!("riddle");
        event
    };
    let mut items = vec![told(&one), unreadable(&healed), unreadable(&torn)];
    items.push(json!({"type": "peer", "peer": {"state": "dormant"}}));
    items.push(json!({"type": "connection", "connection": {"id": asked.id, "state": "approved"}}));
    items.push(told(&two));
    tells_at_once(&eve, items);
    ben.hears_said(&good.group, "two").await;
    assert_eq!(ben.texts(&good.group), ["one", "two"]);
    let trouble = beta.notes(eve.provider(), "item-malformed").await;
    assert!(trouble.text.starts_with("4 items"), "{}", trouble.text);
    beta.sees(asked.id, State::Pending).await;

    // What the feed could not tell comes from the log, where that can be read.
    let garbage = told(&torn.log.lock()[2]).to_string().into_bytes();
    eve.responder().shows(&format!("/groups/{}/log", torn.group.name()), move |_| garbage.clone());
    for owned in [&healed, &torn] {
        let event = owned.says(&eve, &client, "after it");
        owned.tells_event(&eve, event);
    }
    ben.hears_said(&healed.group, "after it").await;
    assert_eq!(ben.texts(&healed.group), ["unreadable", "after it"]);
    breaks(beta, &eve, &torn.group).await;
    let event = good.says(&eve, &client, "all is well here");
    good.tells_event(&eve, event);
    ben.hears_said(&good.group, "all is well here").await;
}

#[tokio::test]
async fn a_handshake_that_is_not_of_the_epoch_that_it_says_is_not_followed() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let beta = &peers.nodes[0];
    let good = ScriptedGroup::new("good", &peers, &eve, &client, &ben).await;
    let odd = ScriptedGroup::new("odd", &peers, &eve, &client, &ben).await;
    let commit = client.commit(&odd.group, CommitPlan::renewal());
    let event = odd.writes(&eve, EventKind::Commit, 7, client.uri(), commit.mls.as_slice());
    odd.tells_event(&eve, event);
    let trouble = beta.notes(eve.provider(), "group-not-followed").await;
    assert!(trouble.text.contains("epoch 7"), "{}", trouble.text);
    let event = good.says(&eve, &client, "all is well here");
    good.tells_event(&eve, event);
    ben.hears_said(&good.group, "all is well here").await;
    let row = beta.reads(move |view| view.group(&odd.group)).await.unwrap();
    assert_eq!((row.standing, row.epoch), (Standing::Joining, 1), "nor by way of its owner's state");
}

#[tokio::test]
async fn a_key_package_welcomes_into_the_group_that_it_was_given_for() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let beta = &peers.nodes[0];
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    let agreed: GroupUri = GroupUri::new(eve.provider(), &"agreed".parse().unwrap());
    let claimed = claims_from_scripted_peer(beta, &eve, &client, &ben, &agreed).await;
    let other = GroupUri::new(eve.provider(), &"other".parse().unwrap());
    client.drafts(&other, &policy(&[client.user()]));
    let commit = client.commit(&other, CommitPlan::adding(&claimed));
    tea.tells(
        &eve,
        ItemBody::Welcome(Welcome {
            group: other.clone(),
            welcome: Body::of(commit.welcome.unwrap().0),
            key_package_refs: references(&claimed),
            ratchet_tree: Body::of(client.ratchet_tree(&other).0),
            from_seq: 2,
        }),
    );
    let event = tea.says(&eve, &client, "behind it");
    tea.tells_event(&eve, event);
    ben.hears_said(&tea.group, "behind it").await;
    assert!(!ben.is_in(&other));
    assert_eq!(beta.reads(move |view| view.group(&other)).await, None);
}
