//! An owner whose store was set back to an older copy (`docs/mtp.md`, sections 11, 12 and 14): what it has lost of its
//! groups is read back from their participants.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::{
    Body, Event, EventKind, FeedPage, FeedQuery, ItemBody, LogPage, LogQuery, Outcome, SubmissionKind,
};
use drawbridge_mtp::octets::{Hash32, Octets};
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::wire::{self, Encoding};
use drawbridge_node::store::{Reader, Standing, UnprovedRow};
use drawbridge_testkit::{
    CommitPlan, MlsClient, MutualPeers, ScriptedPeer, TestNode, copy_store, feed_generation, pause_pulls,
    policy, restore_store, says, wait_for_checkpoint, wait_for_event, wait_until_unreachable,
};
use http::StatusCode;

#[tokio::test]
async fn what_an_owner_has_lost_is_read_back_before_it_takes_anything_new() {
    let peers = MutualPeers::of(4).await;
    let [alpha, beta, gamma, delta] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let (dan, cat) = (peers.client(2, "dan").await, peers.client(3, "cat").await);
    let tea = peers.group("tea", &ann, &[&ben, &dan]).await;
    for (test_node, client) in [(beta, &ben), (gamma, &dan)] {
        test_node.follows(&tea, 1).await;
        client.catches_up().await;
    }
    peers.connects(ann.user(), cat.user()).await;
    let copy = copy_store(&peers, alpha).await;

    let mut lost = vec![says(&ben, &tea, "lost by ben").await, says(&ann, &tea, "lost by ann").await];
    let long = says(&ben, &tea, &"x".repeat(100_000)).await;
    lost.push(long);
    ann.hears_of(&tea, 5).await;
    let cut = ann.commit(&tea, CommitPlan::removing(dan.uri()));
    lost.push((cut.clone(), ann.does(&tea, &cut).await));
    ann.reaches(&tea, 2).await;
    peers.adds(&ann, &tea, &[&cat]).await;
    delta.follows(&tea, 3).await;
    lost.push(says(&cat, &tea, "lost by cat").await);
    ben.reaches(&tea, 3).await;
    let renewal = ben.commit(&tea, CommitPlan::renewal());
    lost.push((renewal.clone(), ben.does(&tea, &renewal).await));
    for client in [&ann, &ben, &cat] {
        client.reaches(&tea, 4).await;
    }
    for test_node in [beta, delta] {
        test_node.follows(&tea, 4).await;
        pause_pulls(test_node, alpha, true).await;
    }
    pause_pulls(gamma, alpha, true).await;
    let log = ann.log(&tea, 0).await.unwrap();
    assert_eq!(log.events.len(), 9);

    restore_store(&peers, alpha, &copy).await;
    // Nobody pulls: a submission is the first that it hears.
    let (said, placed) = says(&ben, &tea, "new").await;
    assert_eq!(placed.seq, 10);
    assert_eq!(ben.submits(&tea, &said).await, Outcome::Duplicate(placed));
    let after = ann.log(&tea, 0).await.unwrap();
    assert_eq!(after.events[..9], log.events, "every event is what it was");
    let status = ann.status(&tea).await.unwrap();
    assert_eq!((status.epoch, status.head), (4, 10));
    assert_eq!(status.participants, {
        let mut there = vec![beta.provider().clone(), delta.provider().clone()];
        there.sort();
        there
    });

    // What was submitted before is where it was, whoever repeats it.
    for (submission, placed) in lost {
        let by = [&ann, &ben, &cat].into_iter().find(|client| *client.uri() == submission.sender).unwrap();
        assert_eq!(by.submits(&tea, &submission).await, Outcome::Duplicate(placed));
    }
    assert_eq!(ann.log(&tea, 0).await.unwrap().head, 10);

    // New clients cannot come in before a commit says how.
    assert_eq!(ben.info(&tea).await.unwrap_err().known(), Some(Code::Unavailable));
    assert_eq!(ann.info(&tea).await.unwrap_err().known(), Some(Code::Unavailable));
    for test_node in [beta, gamma, delta] {
        pause_pulls(test_node, alpha, false).await;
    }
    ann.hears_said(&tea, "new").await;
    ann.does(&tea, &ann.commit(&tea, CommitPlan::renewal())).await;
    assert_eq!(ann.info(&tea).await.unwrap().epoch, 5);
    for client in [&ann, &ben, &cat] {
        client.reaches(&tea, 5).await;
        assert_eq!(client.authenticator(&tea), ann.authenticator(&tea));
        assert_eq!(client.members(&tea).len(), 3);
    }
    says(&cat, &tea, "all is well").await;
    for client in [&ann, &ben] {
        client.hears_said(&tea, "all is well").await;
        let events = client.events(&tea);
        assert!(events.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1));
    }
    // Who was removed meanwhile is told nothing more.
    wait_for_event(gamma, &tea, 6).await;
    dan.catches_up().await;
    assert_eq!(dan.events(&tea).last().map(|event| event.seq), Some(6));
    assert!(!dan.is_in(&tea));
}

#[tokio::test]
async fn an_owner_whose_feed_was_read_further_than_it_gave_heals_by_itself() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    beta.follows(&tea, 1).await;
    let copy = copy_store(&peers, alpha).await;
    let before = feed_generation(alpha, beta).await;

    says(&ann, &tea, "lost by ann").await;
    let (_, last) = says(&ben, &tea, "lost by ben").await;
    ann.hears_said(&tea, "lost by ben").await;
    ben.hears_said(&tea, "lost by ann").await;
    wait_for_event(beta, &tea, last.seq).await;
    restore_store(&peers, alpha, &copy).await;

    wait_for_event(alpha, &tea, last.seq).await;
    alpha.notes(beta.provider(), "feed-reset").await;
    let anew = feed_generation(alpha, beta).await;
    assert_ne!(anew, before);
    let owner = alpha.provider().clone();
    beta.until("it reads the new history", move |view| {
        Ok(view.cursor(&owner)?.filter(|cursor| cursor.generation == anew && cursor.seq > 0))
    })
    .await;
    says(&ann, &tea, "new").await;
    ben.hears_said(&tea, "new").await;
    ann.hears_of(&tea, last.seq + 1).await;
    assert_eq!(ben.texts(&tea), ["lost by ann", "new"]);
    assert_eq!(ann.texts(&tea), ["lost by ben"]);
    assert_eq!(feed_generation(alpha, beta).await, anew);
}

#[tokio::test]
async fn a_participant_that_the_owner_has_forgotten_is_not_taken_for_removed() {
    let peers = MutualPeers::of(3).await;
    let [alpha, beta, gamma] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let cat = peers.client(2, "cat").await;
    let tea = peers.group("tea", &ann, &[&ben]).await;
    peers.connects(ann.user(), cat.user()).await;
    beta.follows(&tea, 1).await;
    let copy = copy_store(&peers, alpha).await;
    peers.adds(&ann, &tea, &[&cat]).await;
    beta.follows(&tea, 2).await;
    gamma.follows(&tea, 2).await;

    pause_pulls(beta, alpha, true).await;
    restore_store(&peers, alpha, &copy).await;
    // It finds that its feed begins anew, and looks what has become of the group.
    let (_, placed) = says(&cat, &tea, "still here").await;
    assert_eq!(placed.seq, 4);
    let owner = alpha.provider().clone();
    gamma
        .until("it has found that the feed begins anew", move |view| {
            Ok(view.troubles(&owner)?.into_iter().find(|trouble| trouble.code == "feed-reset"))
        })
        .await;
    cat.hears_of(&tea, 4).await;
    let uri = tea.clone();
    assert_eq!(gamma.reads(move |view| view.group(&uri)).await.unwrap().standing, Standing::Live);
    ann.hears_said(&tea, "still here").await;
}

#[tokio::test]
async fn who_went_and_came_back_meanwhile_stays() {
    let peers = MutualPeers::of(3).await;
    let [alpha, beta, gamma] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let dan = peers.client(2, "dan").await;
    let tea = peers.group("tea", &ann, &[&ben, &dan]).await;
    beta.follows(&tea, 1).await;
    gamma.follows(&tea, 1).await;
    let copy = copy_store(&peers, alpha).await;

    let cut = ann.does(&tea, &ann.commit(&tea, CommitPlan::removing(dan.uri()))).await;
    ann.reaches(&tea, 2).await;
    dan.hears_of(&tea, cut.seq).await;
    says(&ben, &tea, "without dan").await;
    peers.adds(&ann, &tea, &[&dan]).await;
    beta.follows(&tea, 3).await;
    gamma.follows(&tea, 3).await;
    let (_, last) = says(&dan, &tea, "back again").await;
    ann.hears_said(&tea, "back again").await;
    wait_for_event(beta, &tea, last.seq).await;
    wait_for_event(gamma, &tea, last.seq).await;
    restore_store(&peers, alpha, &copy).await;

    wait_for_event(alpha, &tea, last.seq).await;
    let owner = alpha.provider().clone();
    gamma
        .until("it has all that is told again", move |view| {
            Ok(view.cursor(&owner)?.filter(|cursor| cursor.seq > 0 && cursor.seq == cursor.head))
        })
        .await;
    says(&dan, &tea, "still here").await;
    ben.hears_said(&tea, "still here").await;
    says(&ben, &tea, "so you are").await;
    dan.hears_said(&tea, "so you are").await;
    assert_eq!(gamma.follows(&tea, 3).await.fault, None);
}

#[tokio::test]
async fn a_participant_whose_own_store_went_back_changes_nothing_at_the_owner() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    beta.follows(&tea, 1).await;
    let copy = copy_store(&peers, beta).await;
    let before = feed_generation(alpha, beta).await;
    let (_, last) = says(&ann, &tea, "lost by beta").await;
    ben.hears_said(&tea, "lost by beta").await;
    let reader = Reader::Peer(beta.provider().clone());
    alpha
        .until("all is acknowledged", move |view| {
            Ok(view.feed(&reader)?.filter(|place| place.acknowledged == place.head))
        })
        .await;
    restore_store(&peers, beta, &copy).await;
    alpha.notes(beta.provider(), "peer-went-back").await;
    wait_for_event(beta, &tea, last.seq).await;
    says(&ben, &tea, "new").await;
    ann.hears_said(&tea, "new").await;
    assert_eq!(feed_generation(alpha, beta).await, before);
}

/// An event behind `last`, as it would be if the owner had numbered it.
fn behind(last: &Event, kind: EventKind, epoch: u64, sender: &MlsClient, body: Octets) -> Event {
    let mut event = Event {
        seq: last.seq + 1,
        kind,
        epoch,
        sender: sender.uri().clone(),
        body_hash: Hash32::of(body.as_slice()),
        body: Some(Body::of(body.0)),
        prev: last.hash,
        ..last.clone()
    };
    event.hash = event.computed_hash();
    event
}

/// From now on, this is what Eve's provider has of the log, so much of it on a page.
fn tells(eve: &ScriptedPeer, log: Vec<Event>, at_once: usize) {
    tells_with(eve, log, at_once, None);
}

/// The same, with the checkpoint of the owner's that Eve's provider has kept.
fn tells_with(eve: &ScriptedPeer, log: Vec<Event>, at_once: usize, checkpoint: Option<String>) {
    eve.responder().shows("/groups/tea/log", move |query| {
        let after = LogQuery::parse(query).unwrap().after;
        let mut events: Vec<_> = log.iter().filter(|event| event.seq > after).cloned().collect();
        let more = events.len() > at_once;
        events.truncate(at_once);
        let head = log.last().map_or(0, |last| last.seq);
        let checkpoint = checkpoint.clone();
        wire::encode(Encoding::Json, &LogPage { events, first: 1, head, more, checkpoint })
    });
}

#[tokio::test]
async fn a_long_log_is_read_back_page_by_page() {
    let peers = MutualPeers::of(1).await;
    let (alpha, eve) = (&peers.nodes[0], peers.federation.scripted_peer());
    let ann = peers.client(0, "ann").await;
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    eve.takes_part(&peers, &ann, &tea).await;
    let copy = copy_store(&peers, alpha).await;
    for round in 2..22 {
        says(&ann, &tea, "word").await;
        ann.does(&tea, &ann.commit(&tea, CommitPlan::renewal())).await;
        ann.reaches(&tea, round).await;
    }
    let log = ann.log(&tea, 0).await.unwrap();
    tells(&eve, log.events.clone(), 3);
    restore_store(&peers, alpha, &copy).await;
    let (_, placed) = says(&ann, &tea, "new").await;
    assert_eq!(placed.seq, log.head + 1);
    assert_eq!(ann.log(&tea, 0).await.unwrap().events[..log.events.len()], log.events);
    // It is not read back again, nor taken from the store wrongly, in another life.
    alpha.stop().await;
    alpha.start().await;
    ann.does(&tea, &ann.commit(&tea, CommitPlan::renewal())).await;
    ann.reaches(&tea, 22).await;
    assert_eq!(ann.log(&tea, 0).await.unwrap().head, placed.seq + 1);
}

#[tokio::test]
async fn a_participant_that_lies_about_the_log_is_noted_and_not_believed() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let eve = peers.federation.scripted_peer();
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    let client = eve.takes_part(&peers, &ann, &tea).await;
    beta.follows(&tea, 2).await;

    let garbage = || Octets(vec![7; 100]);
    // The lies, by what is noted of each, and how often that is noted by then.
    let noted = [
        ("log-differs", 1),
        ("log-differs", 2),
        ("group-not-followed", 1),
        ("group-not-followed", 2),
        ("group-not-followed", 3),
    ];
    for (lie, (code, times)) in noted.into_iter().enumerate() {
        let log = ann.log(&tea, 0).await.unwrap().events;
        let last = log.last().unwrap();
        let mut forged = behind(last, EventKind::Application, 2, &client, garbage());
        match lie {
            // It does not follow our log, is not what its hash says, is no message, is no commit.
            0 => forged.prev = Hash32([9; 32]),
            1 => forged.sender = ann.uri().clone(),
            2 => {}
            3 => forged.kind = EventKind::Commit,
            // It is what a member has made, and may not: then the owner has never taken it.
            _ => {
                let takes_over = CommitPlan::with_policy(policy(&[client.user()]));
                let commit = client.commit(&tea, takes_over).mls;
                forged = behind(last, EventKind::Commit, 2, &client, commit);
            }
        }
        if lie != 1 {
            forged.hash = forged.computed_hash();
        }
        let next = behind(&forged, EventKind::Application, 2, &client, garbage());
        tells(&eve, [log.clone(), vec![forged, next]].concat(), 1000);
        // In each life it asks again.
        alpha.stop().await;
        alpha.start().await;
        let (_, placed) = says(&ann, &tea, &format!("word {lie}")).await;
        assert_eq!(placed.seq, last.seq + 1);
        let liar = eve.provider().clone();
        alpha
            .until("the lie is noted", move |view| {
                Ok(view.troubles(&liar)?.into_iter().find(|it| it.code == code && it.count == times))
            })
            .await;
    }

    // Nor does it keep the owner from one who tells the truth, however much it tells.
    let copy = copy_store(&peers, alpha).await;
    let log = ann.log(&tea, 0).await.unwrap().events;
    let (_, last) = says(&ben, &tea, "lost").await;
    wait_for_event(beta, &tea, last.seq).await;
    pause_pulls(beta, alpha, true).await;
    let mut forged = vec![behind(log.last().unwrap(), EventKind::Proposal, 2, &client, garbage())];
    for _ in 0..20 {
        forged.push(behind(forged.last().unwrap(), EventKind::Application, 2, &client, garbage()));
    }
    tells(&eve, [log.clone(), forged].concat(), 1000);
    restore_store(&peers, alpha, &copy).await;
    let (_, placed) = says(&ben, &tea, "new").await;
    assert_eq!(placed.seq, last.seq + 1);
    assert_eq!(ann.log(&tea, last.seq - 1).await.unwrap().events[0].hash, last.hash);
}

#[tokio::test]
async fn a_participant_that_never_answers_does_not_keep_the_owner_from_going_on() {
    let peers = MutualPeers::of(3).await;
    let [alpha, beta, gamma] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let cat = peers.client(2, "cat").await;
    let tea = peers.group("tea", &ann, &[&ben, &cat]).await;
    beta.follows(&tea, 1).await;
    let copy = copy_store(&peers, alpha).await;
    let (_, last) = says(&ben, &tea, "lost").await;
    wait_for_event(beta, &tea, last.seq).await;
    pause_pulls(beta, alpha, true).await;

    // In its place is something that takes connections and says nothing.
    gamma.stop().await;
    let _silent = std::net::TcpListener::bind(gamma.config().mtp.listen.ip().unwrap()).unwrap();
    restore_store(&peers, alpha, &copy).await;
    let (_, placed) = says(&ann, &tea, "new").await;
    assert_eq!(placed.seq, last.seq + 1);
    pause_pulls(beta, alpha, false).await;
    ben.hears_said(&tea, "new").await;
    let refused = ann.submission(SubmissionKind::Application, Octets(vec![1]));
    ann.expect_refusal(&tea, &refused, Code::InvalidMls).await;
}

#[tokio::test]
async fn a_clients_wrong_place_in_its_feed_is_refused_and_changes_nothing() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    beta.follows(&tea, 1).await;
    says(&ben, &tea, "a word").await;
    ann.hears_said(&tea, "a word").await;
    let page = ann.feed(&FeedQuery::default()).await.unwrap();
    let (generation, stock) = (page.generation, ann.stock().await.unwrap());
    let wrong = [
        FeedQuery { after: page.head, last: Some(peers.federation.clock().id()), ..FeedQuery::default() },
        FeedQuery { after: page.head + 7, last: Some(peers.federation.clock().id()), ..FeedQuery::default() },
        FeedQuery { after: page.head + 7, ..FeedQuery::default() },
    ];
    for query in wrong {
        let problem = ann.feed(&FeedQuery { generation: Some(generation), ..query }).await.unwrap_err();
        assert_eq!(problem.known(), Some(Code::FeedReset));
        assert_eq!(problem.members.generation, Some(generation), "nothing was restored");
        assert_eq!(ann.stock().await.unwrap(), stock);
    }
    let right = FeedQuery {
        after: page.head,
        last: page.items.last().map(|item| item.id),
        generation: Some(generation),
        ..FeedQuery::default()
    };
    assert!(ann.feed(&right).await.unwrap().items.is_empty(), "its right place is where it was");
    assert!(alpha.reads(|view| view.latest_troubles(9)).await.is_empty());
}

#[tokio::test]
async fn what_may_have_been_handed_out_before_the_loss_is_not_handed_out_again() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = ben.creates("tea", &policy(&[ben.user()])).await;
    peers.connects(ben.user(), ann.user()).await;
    let copy = copy_store(&peers, alpha).await;
    let before = ann.stock().await.unwrap().available;
    peers.adds(&ben, &tea, &[&ann]).await;
    assert_eq!(ann.stock().await.unwrap().available, before - 1);
    let owner = alpha.provider().clone();
    beta.until("it has stored all that was told", move |view| {
        Ok(view.cursor(&owner)?.filter(|cursor| cursor.seq > 0 && cursor.seq == cursor.head))
    })
    .await;
    let before = feed_generation(alpha, beta).await;
    restore_store(&peers, alpha, &copy).await;
    let reader = Reader::Peer(beta.provider().clone());
    alpha
        .until("beta has shown what was lost", move |view| {
            Ok(view.feed(&reader)?.filter(|place| place.generation != before))
        })
        .await;
    let stock = ann.stock().await.unwrap();
    assert_eq!((stock.available, stock.last_resort), (0, true), "one of them was handed out");
}

#[tokio::test]
async fn a_participant_that_comes_while_others_have_answered_is_waited_for() {
    let peers = MutualPeers::of(3).await;
    let [alpha, beta, gamma] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let dan = peers.client(2, "dan").await;
    let tea = peers.group("tea", &ann, &[&ben, &dan]).await;
    beta.follows(&tea, 1).await;
    gamma.follows(&tea, 1).await;
    let copy = copy_store(&peers, alpha).await;
    pause_pulls(gamma, alpha, true).await;
    let (_, last) = says(&ann, &tea, "lost").await;
    wait_for_event(beta, &tea, last.seq).await;
    // Who has what was lost is away at first; who is there has nothing of it.
    beta.stop().await;
    restore_store(&peers, alpha, &copy).await;
    let said = ann.says(&tea, "new");
    let (outcome, ()) = tokio::join!(ann.submits(&tea, &said), async {
        wait_until_unreachable(alpha, beta).await;
        let uri = tea.clone();
        let head = alpha.reads(move |view| view.group(&uri)).await.unwrap().head;
        assert!(head < last.seq, "nothing is numbered meanwhile");
        beta.start().await;
    });
    let Outcome::Accepted(placed) = outcome else { panic!("{outcome:?}") };
    assert_eq!(placed.seq, last.seq + 1, "behind what was lost");
    pause_pulls(gamma, alpha, false).await;
    ben.hears_of(&tea, placed.seq).await;
    dan.hears_of(&tea, placed.seq).await;
}

#[tokio::test]
async fn where_no_participant_can_be_reached_an_owner_waits_for_a_minute() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    let alone = ann.creates("alone", &policy(&[ann.user()])).await;
    beta.follows(&tea, 1).await;
    alpha.stop().await;
    beta.stop().await;
    alpha.start().await;
    // Where nobody else is, nobody is waited for.
    let (_, placed) = says(&ann, &alone, "to myself").await;
    assert_eq!(placed.seq, 2);
    let said = ann.says(&tea, "is anybody there?");
    let (outcome, ()) = tokio::join!(ann.submits(&tea, &said), async {
        wait_until_unreachable(alpha, beta).await;
        peers.federation.clock().turn(Duration::from_secs(45));
        let uri = tea.clone();
        let head = alpha.reads(move |view| view.group(&uri)).await.unwrap().head;
        assert_eq!(head, 2, "nothing is numbered meanwhile");
        peers.federation.clock().turn(Duration::from_secs(15));
    });
    let Outcome::Accepted(placed) = outcome else { panic!("{outcome:?}") };
    assert_eq!(placed.seq, 3);
}

#[tokio::test]
async fn what_no_checkpoint_covers_is_adopted_and_said_to_be_unproved() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    beta.follows(&tea, 1).await;
    let copy = copy_store(&peers, alpha).await;
    let (_, covered) = says(&ann, &tea, "covered").await;
    wait_for_event(beta, &tea, covered.seq).await;
    wait_for_checkpoint(&peers.federation, beta, &tea, covered.seq).await;
    let (_, last) = says(&ann, &tea, "not covered").await;
    wait_for_event(beta, &tea, last.seq).await;
    pause_pulls(beta, alpha, true).await;
    restore_store(&peers, alpha, &copy).await;
    let (_, placed) = says(&ann, &tea, "new").await;
    assert_eq!(placed.seq, last.seq + 1);
    let trouble = alpha.notes(beta.provider(), "adopted-unproved").await;
    assert!(
        trouble.text.contains(&format!("1 messages of {tea}, events {0} to {0}", last.seq)),
        "{}",
        trouble.text
    );
    let from_beta = [(last.seq, beta.provider().clone())];
    assert_eq!(unproved_in_log(&ann, &tea).await, from_beta);
    assert_eq!(unproved_in_feed(&ann).await, from_beta);
    let row = UnprovedRow { from: beta.provider().clone(), messages: 1, first: last.seq, last: last.seq };
    assert_eq!(unproved(alpha, &tea).await, std::slice::from_ref(&row));
    assert_eq!(unproved_in_log(&ben, &tea).await, [], "its provider does not own the group");

    // What is signed from now on covers what was given back, and proves nothing of it.
    pause_pulls(beta, alpha, false).await;
    wait_for_event(beta, &tea, placed.seq).await;
    wait_for_checkpoint(&peers.federation, beta, &tea, placed.seq).await;
    alpha.stop().await;
    alpha.start().await;
    says(&ann, &tea, "in another life").await;
    assert_eq!(unproved(alpha, &tea).await, [row]);
    assert_eq!(unproved_in_log(&ann, &tea).await, from_beta);
}

/// The unproved messages of a group, as its owner's operator is shown them.
async fn unproved(test_node: &TestNode, group: &GroupUri) -> Vec<UnprovedRow> {
    let uri = group.clone();
    test_node.reads(move |view| view.unproved(view.group(&uri)?.unwrap().id)).await
}

/// Which events a client is told to be unproved, and from whom they were read back: in the log,
async fn unproved_in_log(client: &MlsClient, group: &GroupUri) -> Vec<(u64, Provider)> {
    let page = client.shown_log(group, 0).await.unwrap();
    page.events.into_iter().filter_map(|shown| Some((shown.event.seq, shown.unproved?))).collect()
}

/// and in its feed.
async fn unproved_in_feed(client: &MlsClient) -> Vec<(u64, Provider)> {
    let page = client.shown_feed(&FeedQuery::default()).await.unwrap();
    let shown = page.items.into_iter().filter_map(|item| match item.body {
        ItemBody::Event(shown) => Some((shown.event.seq, shown.unproved?)),
        _ => None,
    });
    shown.collect()
}

/// What a client was told to be proved after all.
async fn proved_in_feed(client: &MlsClient) -> Vec<(u64, u64)> {
    let page = client.shown_feed(&FeedQuery::default()).await.unwrap();
    let proved = page.items.into_iter().filter_map(|item| match item.body {
        ItemBody::Proved(proved) => Some((proved.from_seq, proved.until_seq)),
        _ => None,
    });
    proved.collect()
}

/// What Eve's provider, a participant, is told of the group, as it comes.
async fn told_feed_and_log(eve: &ScriptedPeer, alpha: &TestNode) -> [Vec<u8>; 2] {
    let mut told = Vec::new();
    for resource in ["/feed?after=0", "/groups/tea/log?after=0"] {
        let answer = eve.gets(alpha.provider(), resource).send().await;
        assert_eq!(answer.status, StatusCode::OK);
        told.push(answer.body.to_vec());
    }
    told.try_into().unwrap()
}

#[tokio::test]
async fn what_was_unproved_is_proved_by_a_checkpoint_from_before_that_comes_later() {
    let peers = MutualPeers::of(1).await;
    let (alpha, eve) = (&peers.nodes[0], peers.federation.scripted_peer());
    let ann = peers.client(0, "ann").await;
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    eve.takes_part(&peers, &ann, &tea).await;
    let copy = copy_store(&peers, alpha).await;
    let (_, one) = says(&ann, &tea, "one").await;
    let (_, two) = says(&ann, &tea, "two").await;
    let covers_two = eve.checkpoint(alpha, &tea).await;
    let (_, three) = says(&ann, &tea, "three").await;
    let log = ann.log(&tea, 0).await.unwrap().events;
    let from_eve = |seqs: &[u64]| seqs.iter().map(|seq| (*seq, eve.provider().clone())).collect::<Vec<_>>();

    // It gives what it has in two lives, as where this one ends on the way, and no checkpoint with it.
    tells(&eve, log[..one.seq as usize].to_vec(), 9);
    restore_store(&peers, alpha, &copy).await;
    assert_eq!(ann.status(&tea).await.unwrap().head, one.seq);
    assert_eq!(unproved_in_log(&ann, &tea).await, from_eve(&[one.seq]));
    alpha.stop().await;
    tells(&eve, log.clone(), 9);
    alpha.start().await;
    assert_eq!(ann.status(&tea).await.unwrap().head, three.seq);
    assert_eq!(unproved_in_feed(&ann).await, from_eve(&[one.seq, two.seq, three.seq]));
    alpha.notes(eve.provider(), "adopted-unproved").await;
    let row = UnprovedRow { from: eve.provider().clone(), messages: 3, first: one.seq, last: three.seq };
    assert_eq!(unproved(alpha, &tea).await, [row]);

    // To a peer nothing of it is said: its pages have the members that the wire knows, and no others.
    let [feed, page] = told_feed_and_log(&eve, alpha).await;
    let read: FeedPage = wire::decode(Encoding::Json, &feed).unwrap();
    assert_eq!(wire::encode(Encoding::Json, &read), feed);
    let read: LogPage = wire::decode(Encoding::Json, &page).unwrap();
    assert_eq!(wire::encode(Encoding::Json, &read), page);
    assert_eq!(read.events.last(), log.last(), "what is given back is given on as it was");

    // A checkpoint that was signed before the loss comes to light.
    alpha.stop().await;
    tells_with(&eve, log.clone(), 9, Some(covers_two));
    alpha.start().await;
    assert_eq!(ann.status(&tea).await.unwrap().head, three.seq);
    assert_eq!(unproved_in_log(&ann, &tea).await, from_eve(&[three.seq]));
    assert_eq!(unproved_in_feed(&ann).await, from_eve(&[three.seq]));
    assert_eq!(proved_in_feed(&ann).await, [(one.seq, two.seq)]);
    let [feed, _] = told_feed_and_log(&eve, alpha).await;
    let read: FeedPage = wire::decode(Encoding::Json, &feed).unwrap();
    assert!(read.items.iter().all(|item| item.body.kind() != "proved"), "a peer is not told so");
    assert!(!alpha.notes(eve.provider(), "adopted-unproved").await.over, "one is left");
}

#[tokio::test]
async fn what_a_checkpoint_covers_is_proved_though_it_is_read_back_on_earlier_pages() {
    let peers = MutualPeers::of(1).await;
    let (alpha, eve) = (&peers.nodes[0], peers.federation.scripted_peer());
    let ann = peers.client(0, "ann").await;
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    eve.takes_part(&peers, &ann, &tea).await;
    let copy = copy_store(&peers, alpha).await;
    let mut said = Vec::new();
    for word in ["one", "two", "three"] {
        said.push(says(&ann, &tea, word).await.1.seq);
    }
    let covers_all = eve.checkpoint(alpha, &tea).await;
    let log = ann.log(&tea, 0).await.unwrap().events;

    // This life ends after the first page, which no checkpoint reaches.
    tells_with(&eve, log[..said[0] as usize].to_vec(), 1, Some(covers_all.clone()));
    restore_store(&peers, alpha, &copy).await;
    assert_eq!(ann.status(&tea).await.unwrap().head, said[0]);
    assert_eq!(unproved_in_log(&ann, &tea).await.len(), 1);
    alpha.stop().await;
    tells_with(&eve, log, 1, Some(covers_all));
    alpha.start().await;
    assert_eq!(ann.status(&tea).await.unwrap().head, said[2]);
    assert_eq!(unproved(alpha, &tea).await, []);
    assert_eq!(unproved_in_feed(&ann).await, []);
    assert_eq!(proved_in_feed(&ann).await, [(said[0], said[1])], "a page is one event here");
    assert!(alpha.notes(eve.provider(), "adopted-unproved").await.over);
}

#[tokio::test]
async fn a_checkpoint_of_what_was_lost_proves_it_whatever_the_clock_was_that_signed_it() {
    let peers = MutualPeers::of(1).await;
    let (alpha, eve) = (&peers.nodes[0], peers.federation.scripted_peer());
    let ann = peers.client(0, "ann").await;
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    eve.takes_part(&peers, &ann, &tea).await;
    let copy = copy_store(&peers, alpha).await;
    says(&ann, &tea, "one").await;
    let (_, two) = says(&ann, &tea, "two").await;
    let ahead = Duration::from_secs(3600);
    peers.federation.clock().turn(ahead);
    let covers_both = eve.checkpoint(alpha, &tea).await;
    peers.federation.clock().turn_back(ahead);
    let log = ann.log(&tea, 0).await.unwrap().events;
    // The first of them is stored before the page that the checkpoint reaches.
    tells_with(&eve, log, 1, Some(covers_both));
    restore_store(&peers, alpha, &copy).await;
    assert_eq!(ann.status(&tea).await.unwrap().head, two.seq);
    assert_eq!(unproved(alpha, &tea).await, []);
    let peer = eve.provider().clone();
    let troubles = alpha.reads(move |view| view.troubles(&peer)).await;
    assert!(troubles.iter().all(|trouble| trouble.code != "adopted-unproved"), "{troubles:?}");
}
