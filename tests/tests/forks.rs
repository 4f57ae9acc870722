//! Groups with two histories, because an owner's store went back and numbered again what it had numbered before
//! (`docs/mtp.md`, section 12): the history from before the loss wins, and no group stays broken.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::message::{
    Event, EventKind, GroupStatus, ItemBody, LogPage, LogQuery, Outcome, Placed, Submission,
};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::wire::{self, Encoding};
use drawbridge_node::store::{Branch, Contradiction, KeptCheckpoint, Standing, TwoStories};
use drawbridge_testkit::{
    CommitPlan, MlsClient, MutualPeers, ScriptedGroup, TestNode, accepted, connected_to_scripted_peer,
    copy_store, pause_pulls, policy, restore_store, says, wait_for_checkpoint, wait_for_event,
    wait_until_unreachable,
};

/// What has lost its place is answered so, by the feed and to a repeat.
async fn wait_until_gone(client: &MlsClient, group: &GroupUri, submission: &Submission) {
    client
        .hears("it is gone", |client| {
            let result = client.result(group, submission.id)?;
            matches!(&result.outcome, Outcome::Rejected(problem) if problem.known() == Some(Code::Gone))
                .then_some(())
        })
        .await;
}

/// Comes in anew, as soon as the owner has what that needs.
async fn rejoins(client: &MlsClient, group: &GroupUri) -> Placed {
    let info = client.info(group).await.unwrap();
    let placed = accepted(client, group, &client.joins(group, &info)).await;
    client.hears_of(group, placed.seq).await;
    placed
}

async fn branches(test_node: &TestNode, group: &GroupUri) -> Vec<Branch> {
    let uri = group.clone();
    test_node.reads(move |view| view.branches(view.group(&uri)?.unwrap().id)).await
}

async fn contradictions(test_node: &TestNode, group: &GroupUri) -> Vec<Contradiction> {
    let uri = group.clone();
    test_node.reads(move |view| view.contradictions(view.group(&uri)?.unwrap().id)).await
}

/// The hashes of the events that a provider has in its log of a group.
async fn hashes(test_node: &TestNode, group: &GroupUri) -> Vec<Hash32> {
    let uri = group.clone();
    test_node
        .reads(move |view| {
            let row = view.group(&uri)?.unwrap();
            (1..=row.head).map(|seq| Ok(view.event_hash(row.id, seq)?.unwrap_or_default())).collect()
        })
        .await
}

/// Returns when `test_node` has the log of a group that `other` has, and takes part in it.
async fn agrees(peers: &MutualPeers, test_node: &TestNode, other: &TestNode, group: &GroupUri) {
    let theirs = hashes(other, group).await;
    let first = theirs.len() as u64;
    let (uri, last) = (group.clone(), theirs.last().copied());
    for _ in 0..20 {
        let uri = uri.clone();
        let agreed = test_node.until("its copy is the owner's log", move |view| {
            let Some(row) = view.group(&uri)? else { return Ok(None) };
            let is_same = view.event_hash(row.id, first)? == last && row.head >= first;
            Ok((is_same && row.standing == Standing::Live).then_some(()))
        });
        if tokio::time::timeout(Duration::from_secs(4), agreed).await.is_ok() {
            let ours = hashes(test_node, group).await;
            let from = ours.iter().take_while(|hash| **hash == Hash32::default()).count();
            assert_eq!(ours[from..theirs.len()], theirs[from..]);
            return;
        }
        peers.federation.clock().turn(Duration::from_secs(61));
    }
    panic!("its copy never came to be the owner's log");
}

/// The only one that has what was lost is away for longer than the owner waits.
async fn numbers_again(
    peers: &MutualPeers,
    away: &TestNode,
    client: &MlsClient,
    group: &GroupUri,
) -> Submission {
    let owner = peers.home(client.user());
    let said = client.says(group, "on another branch");
    let (outcome, ()) = tokio::join!(client.submits(group, &said), async {
        wait_until_unreachable(owner, away).await;
        peers.federation.clock().turn(Duration::from_secs(60));
    });
    assert!(matches!(outcome, Outcome::Accepted(_)), "{outcome:?}");
    said
}

#[tokio::test]
async fn the_history_from_before_the_loss_wins_at_its_owner_and_its_clients_are_told() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    beta.follows(&tea, 1).await;
    let copy = copy_store(&peers, alpha).await;
    let (before, lost) = says(&ann, &tea, "lost").await;
    let (_, last) = says(&ben, &tea, "lost by ben").await;
    wait_for_event(beta, &tea, last.seq).await;
    wait_for_checkpoint(&peers.federation, beta, &tea, lost.seq).await;
    let log = ann.log(&tea, 0).await.unwrap().events;
    beta.stop().await;
    restore_store(&peers, alpha, &copy).await;
    let said = numbers_again(&peers, beta, &ann, &tea).await;
    let renewal = ann.commit(&tea, CommitPlan::renewal());
    let renewed = accepted(&ann, &tea, &renewal).await;
    assert_eq!(renewed.seq, last.seq, "two events have one number");
    ann.hears_of(&tea, renewed.seq).await;

    ann.forgets_group(&tea);
    beta.start().await;
    let told = alpha.notes(beta.provider(), "own-log-forked").await;
    assert!(told.text.contains(&format!("Events {} to {}", lost.seq, renewed.seq)), "{}", told.text);
    assert!(!told.over, "it is not overlooked");
    wait_until_gone(&ann, &tea, &said).await;
    wait_until_gone(&ann, &tea, &renewal).await;
    assert_eq!(ann.log(&tea, 0).await.unwrap().events, log, "every event is what it was");
    ann.expect_refusal(&tea, &said, Code::Gone).await;
    ann.expect_refusal(&tea, &renewal, Code::Gone).await;
    assert!(matches!(ann.submits(&tea, &before).await, Outcome::Duplicate(placed) if placed.seq == lost.seq));
    let kept = branches(alpha, &tea).await;
    assert_eq!((kept.len(), kept[0].first, kept[0].last), (1, lost.seq, renewed.seq));

    // The epoch of then can be joined, as nothing was committed in it before the loss.
    assert_eq!(ann.status(&tea).await.unwrap().epoch, 1);
    rejoins(&ann, &tea).await;
    agrees(&peers, beta, alpha, &tea).await;
    ben.reaches(&tea, 2).await;
    says(&ann, &tea, "on another branch, again").await;
    ben.hears_said(&tea, "on another branch, again").await;
    says(&ben, &tea, "so it is").await;
    ann.hears_said(&tea, "so it is").await;
    assert_eq!(ben.texts(&tea), ["lost", "on another branch, again"]);
    assert_eq!(branches(beta, &tea).await, [], "what it has was never another");

    // In another life it is what it is.
    alpha.stop().await;
    alpha.start().await;
    says(&ben, &tea, "once more").await;
    ann.hears_said(&tea, "once more").await;
    assert_eq!(branches(alpha, &tea).await.len(), 1);
}

#[tokio::test]
async fn a_participant_with_the_losing_branch_reads_the_log_anew_and_keeps_what_proves_both() {
    let peers = MutualPeers::of(3).await;
    let [alpha, beta, gamma] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let cat = peers.client(2, "cat").await;
    let tea = peers.group("tea", &ann, &[&ben, &cat]).await;
    for (test_node, client) in [(beta, &ben), (gamma, &cat)] {
        test_node.follows(&tea, 1).await;
        client.catches_up().await;
    }
    let copy = copy_store(&peers, alpha).await;
    pause_pulls(gamma, alpha, true).await;
    let (_, lost) = says(&ann, &tea, "lost").await;
    let renewal = ben.commit(&tea, CommitPlan::renewal());
    let renewed = accepted(&ben, &tea, &renewal).await;
    ben.reaches(&tea, 2).await;
    wait_for_event(beta, &tea, renewed.seq).await;
    wait_for_checkpoint(&peers.federation, beta, &tea, renewed.seq).await;
    beta.stop().await;
    restore_store(&peers, alpha, &copy).await;
    // Gamma has nothing of what was lost, and comes to have what is numbered in its place.
    let said = numbers_again(&peers, beta, &ann, &tea).await;
    pause_pulls(gamma, alpha, false).await;
    let (by_cat, placed) = says(&cat, &tea, "by cat").await;
    wait_for_event(gamma, &tea, placed.seq).await;
    wait_for_checkpoint(&peers.federation, gamma, &tea, placed.seq).await;
    let other = accepted(&ann, &tea, &ann.commit(&tea, CommitPlan::renewal())).await;
    wait_for_event(gamma, &tea, other.seq).await;
    // Of this branch too: a checkpoint of what was lost may have come before, of as many events as gamma had until now.
    wait_for_checkpoint(&peers.federation, gamma, &tea, other.seq).await;

    for client in [&ann, &cat] {
        client.forgets_group(&tea);
    }
    beta.start().await;
    alpha.notes(beta.provider(), "own-log-forked").await;
    wait_until_gone(&ann, &tea, &said).await;
    // Its owner has signed what it has, and gets a while to read that back.
    for _ in 0..10 {
        peers.federation.clock().turn(Duration::from_secs(61));
        let uri = tea.clone();
        let given_up = gamma.until("its copy is given up", move |view| {
            Ok((!view.branches(view.group(&uri)?.unwrap().id)?.is_empty()).then_some(()))
        });
        if tokio::time::timeout(Duration::from_secs(4), given_up).await.is_ok() {
            break;
        }
    }
    wait_until_gone(&cat, &tea, &by_cat).await;
    assert!(!gamma.notes(alpha.provider(), "log-forked").await.over, "it is not overlooked");
    let kept = contradictions(gamma, &tea).await;
    let proof = kept.iter().find(|kept| kept.seq == lost.seq).unwrap();
    assert_eq!(proof.said.hash, lost.hash);
    assert!(proof.before.is_some(), "both checkpoints are kept");
    assert!(!proof.had_events.is_empty(), "and what leads from the event to what was signed of it");
    let branch = branches(gamma, &tea).await;
    assert_eq!((branch.len(), branch[0].first, branch[0].last), (1, lost.seq, other.seq));

    // Who was in all along brings what the others need to come in.
    assert_eq!(ann.info(&tea).await.unwrap_err().known(), Some(Code::Unavailable));
    ben.catches_up().await;
    accepted(&ben, &tea, &ben.commit(&tea, CommitPlan::renewal())).await;
    ben.reaches(&tea, 3).await;
    agrees(&peers, gamma, alpha, &tea).await;
    rejoins(&ann, &tea).await;
    rejoins(&cat, &tea).await;
    for client in [&ann, &ben, &cat] {
        client.reaches(&tea, 5).await;
        assert_eq!(client.authenticator(&tea), ann.authenticator(&tea));
    }
    for (client, text) in [(&ann, "ann again"), (&ben, "ben again"), (&cat, "cat again")] {
        says(client, &tea, text).await;
        for other in [&ann, &ben, &cat].into_iter().filter(|other| other.uri() != client.uri()) {
            other.hears_said(&tea, text).await;
        }
    }
    for test_node in [beta, gamma] {
        agrees(&peers, test_node, alpha, &tea).await;
    }
}

#[tokio::test]
async fn where_nothing_proves_the_history_from_before_the_owners_counts_after_a_while() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    beta.follows(&tea, 1).await;
    ben.catches_up().await;
    let copy = copy_store(&peers, alpha).await;
    let (lost, placed) = says(&ben, &tea, "lost").await;
    wait_for_event(beta, &tea, placed.seq).await;
    beta.stop().await;
    restore_store(&peers, alpha, &copy).await;
    let said = numbers_again(&peers, beta, &ann, &tea).await;
    ben.forgets_group(&tea);
    beta.start().await;
    // It waits for its owner to read back what it has, and gives it up in the end.
    beta.notes(alpha.provider(), "log-broken").await;
    let (uri, owner) = (tea.clone(), alpha.provider().clone());
    let given_up = beta.until("its copy is given up", move |view| {
        let row = view.group(&uri)?.unwrap();
        let told = view.troubles(&owner)?.iter().any(|trouble| trouble.code == "log-forked");
        Ok((!view.branches(row.id)?.is_empty()).then_some(told))
    });
    let mut given_up = std::pin::pin!(given_up);
    let told = loop {
        // What is on its way when the clock is turned may be lost by that, and is tried again a minute later.
        peers.federation.clock().turn(Duration::from_secs(11 * 60));
        if let Ok(told) = tokio::time::timeout(Duration::from_secs(10), given_up.as_mut()).await {
            break told;
        }
    };
    assert!(told, "it is noted with the change, which may be cut off behind that");
    agrees(&peers, beta, alpha, &tea).await;
    wait_until_gone(&ben, &tea, &lost).await;
    beta.notes(alpha.provider(), "log-forked").await;
    assert_eq!(branches(beta, &tea).await.len(), 1, "what it had is kept");
    assert!(matches!(ann.submits(&tea, &said).await, Outcome::Duplicate(_)));
    rejoins(&ben, &tea).await;
    says(&ben, &tea, "again").await;
    ann.hears_said(&tea, "again").await;
}

#[tokio::test]
async fn who_came_in_on_the_losing_branch_alone_is_out_and_can_be_added_again() {
    let peers = MutualPeers::of(3).await;
    let [alpha, beta, gamma] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let cat = peers.client(2, "cat").await;
    let tea = peers.group("tea", &ann, &[&ben]).await;
    peers.connects(ann.user(), cat.user()).await;
    beta.follows(&tea, 1).await;
    let copy = copy_store(&peers, alpha).await;
    let (_, lost) = says(&ann, &tea, "lost").await;
    wait_for_event(beta, &tea, lost.seq).await;
    wait_for_checkpoint(&peers.federation, beta, &tea, lost.seq).await;
    beta.stop().await;
    restore_store(&peers, alpha, &copy).await;
    numbers_again(&peers, beta, &ann, &tea).await;
    peers.adds(&ann, &tea, &[&cat]).await;
    gamma.follows(&tea, 2).await;
    cat.catches_up().await;
    let (_, other) = says(&cat, &tea, "by cat").await;
    wait_for_event(gamma, &tea, other.seq).await;

    for client in [&ann, &cat] {
        client.forgets_group(&tea);
    }
    beta.start().await;
    alpha.notes(beta.provider(), "own-log-forked").await;
    let uri = tea.clone();
    gamma
        .until("it is not in the group", move |view| {
            Ok(view.group(&uri)?.filter(|row| row.standing == Standing::Over))
        })
        .await;
    cat.catches_up().await;
    rejoins(&ann, &tea).await;
    let again = peers.adds(&ann, &tea, &[&cat]).await;
    assert!(again.seq <= other.seq, "it comes in where it has another event");
    cat.comes_into(&tea).await;
    gamma.follows(&tea, 3).await;
    says(&ann, &tea, "here you are").await;
    cat.hears_said(&tea, "here you are").await;
    says(&cat, &tea, "here I am").await;
    for client in [&ann, &ben] {
        client.hears_said(&tea, "here I am").await;
    }
    assert_eq!(branches(gamma, &tea).await.len(), 1, "what it had is kept");
}

#[tokio::test]
async fn what_was_proved_and_not_another_takes_the_place_of_what_was_numbered_again() {
    let peers = MutualPeers::of(1).await;
    let (alpha, eve) = (&peers.nodes[0], peers.federation.scripted_peer());
    let ann = peers.client(0, "ann").await;
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    let client = eve.takes_part(&peers, &ann, &tea).await;
    let copy = copy_store(&peers, alpha).await;
    let (_, lost) = says(&ann, &tea, "lost").await;
    let proof = eve.checkpoint(alpha, &tea).await;
    let log = ann.log(&tea, 0).await.unwrap().events;
    let base = log[lost.seq as usize - 2].clone();
    let mut forged = Event {
        kind: EventKind::Application,
        sender: client.uri().clone(),
        ..log[lost.seq as usize - 1].clone()
    };
    let body = client.says(&tea, "forged").mls;
    (forged.body_hash, forged.epoch) = (Hash32::of(body.as_slice()), base.epoch + 1);
    forged.body = Some(drawbridge_mtp::message::Body::of(body.0));
    forged.hash = forged.computed_hash();
    eve.responder()
        .refuses(|_, path| path.starts_with("/groups").then(|| Problem::new(Code::NotFound, "not here")));
    restore_store(&peers, alpha, &copy).await;
    says(&ann, &tea, "numbered again").await;
    alpha.stop().await;

    // It shows what was, and then gives something else. The lie begins once what was has been shown from the parting on.
    let (shown, after_base) = (Arc::new(AtomicBool::new(false)), base.seq);
    let lies = shown.clone();
    eve.responder().refuses(|_, _| None);
    let log_of_then = log.clone();
    let times = AtomicUsize::new(0);
    eve.responder().shows("/groups/tea/log", move |query| {
        let after = LogQuery::parse(query).unwrap().after;
        // Judged, proved, and then adopted.
        let is_lie = after == after_base && times.fetch_add(1, Ordering::SeqCst) >= 2;
        lies.fetch_or(is_lie, Ordering::SeqCst);
        let events = if is_lie { vec![forged.clone()] } else { log_of_then.clone() };
        let events: Vec<_> = events.into_iter().filter(|event| event.seq > after).collect();
        let head = events.last().map_or(after, |last| last.seq);
        let checkpoint = (!is_lie).then(|| proof.clone());
        wire::encode(Encoding::Json, &LogPage { events, first: 1, head, more: false, checkpoint })
    });
    alpha.start().await;
    // It is looked at with the first that is submitted.
    says(&ann, &tea, "afterwards").await;
    assert!(shown.load(Ordering::SeqCst), "it was asked for what it had shown");
    let now = ann.log(&tea, 0).await.unwrap().events;
    assert!(now.iter().all(|event| event.sender != *client.uri() || event.kind != EventKind::Application));
    alpha.notes(eve.provider(), "log-differs").await;
}

#[tokio::test]
async fn a_history_that_its_owner_has_signed_is_not_given_up_for_a_clock_that_was_wrong() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    beta.follows(&tea, 1).await;
    let copy = copy_store(&peers, alpha).await;
    peers.federation.clock().turn(Duration::from_secs(3600));
    let (_, lost) = says(&ann, &tea, "lost").await;
    wait_for_event(beta, &tea, lost.seq).await;
    wait_for_checkpoint(&peers.federation, beta, &tea, lost.seq).await;
    beta.stop().await;
    alpha.stop().await;
    peers.federation.restore(alpha, &copy);
    peers.federation.clock().turn_back(Duration::from_secs(1800));
    alpha.start().await;
    numbers_again(&peers, beta, &ann, &tea).await;
    peers.federation.clock().turn(Duration::from_secs(1800));
    ann.forgets_group(&tea);
    beta.start().await;
    alpha.notes(beta.provider(), "own-log-forked").await;
    agrees(&peers, beta, alpha, &tea).await;
    assert_eq!(
        hashes(alpha, &tea).await[lost.seq as usize - 1],
        lost.hash,
        "what was before the loss counts"
    );
    assert_eq!(branches(beta, &tea).await, []);
}

#[tokio::test]
async fn who_was_out_on_both_branches_is_told_of_nothing_behind() {
    let peers = MutualPeers::of(3).await;
    let [alpha, beta, gamma] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let (cat, bob) = (peers.client(2, "cat").await, peers.client(2, "bob").await);
    let tea = peers.group("tea", &ann, &[&ben, &cat, &bob]).await;
    for (test_node, client) in [(beta, &ben), (gamma, &cat), (gamma, &bob)] {
        test_node.follows(&tea, 1).await;
        client.catches_up().await;
    }
    let copy = copy_store(&peers, alpha).await;
    pause_pulls(gamma, alpha, true).await;
    let out = accepted(&ann, &tea, &ann.commit(&tea, CommitPlan::removing(bob.uri()))).await;
    ben.reaches(&tea, 2).await;
    let (_, last) = says(&ben, &tea, "without bob").await;
    wait_for_event(beta, &tea, last.seq).await;
    wait_for_checkpoint(&peers.federation, beta, &tea, last.seq).await;
    beta.stop().await;
    restore_store(&peers, alpha, &copy).await;
    ann.forgets_group(&tea);
    let joins = ann.joins(&tea, &ann.info(&tea).await.unwrap());
    let (outcome, ()) = tokio::join!(ann.submits(&tea, &joins), async {
        wait_until_unreachable(alpha, beta).await;
        peers.federation.clock().turn(Duration::from_secs(60));
    });
    assert!(matches!(outcome, Outcome::Accepted(_)), "{outcome:?}");
    pause_pulls(gamma, alpha, false).await;
    ann.catches_up().await;
    let other = accepted(&ann, &tea, &ann.commit(&tea, CommitPlan::removing(bob.uri()))).await;
    wait_for_event(gamma, &tea, other.seq).await;
    bob.catches_up().await;
    let before = bob.items().len();
    for client in [&ann, &bob, &cat] {
        client.forgets_group(&tea);
    }
    beta.start().await;
    let told = alpha.notes(beta.provider(), "own-log-forked").await;
    assert!(told.text.contains("taken up again"), "{}", told.text);
    agrees(&peers, beta, alpha, &tea).await;
    accepted(&ben, &tea, &ben.commit(&tea, CommitPlan::renewal())).await;
    agrees(&peers, gamma, alpha, &tea).await;
    let (_, last) = says(&ben, &tea, "still without bob").await;
    wait_for_event(gamma, &tea, last.seq).await;
    bob.catches_up().await;
    let told = bob.items().split_off(before);
    let behind = told.iter().filter(|item| match &item.body {
        ItemBody::Event(event) => event.group == tea && event.seq > out.seq,
        _ => false,
    });
    assert_eq!(behind.count(), 0, "{told:?}");
}

#[tokio::test]
async fn what_goes_wrong_with_one_group_in_passing_keeps_nothing_from_any() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    let zen = ScriptedGroup::new("zen", &peers, &eve, &client, &ben).await;
    for owned in [&tea, &zen] {
        let (log, us) = (owned.log.clone(), eve.provider().clone());
        eve.responder().shows(&format!("/groups/{}", owned.group.name()), move |_| {
            let last = log.lock().last().unwrap().clone();
            let status = GroupStatus {
                group: last.group,
                epoch: 1,
                head: last.seq,
                hash: last.hash,
                participants: vec![us.clone()],
                created: last.time,
            };
            wire::encode(Encoding::Json, &status)
        });
        owned.says(&eve, &client, "missed");
    }
    let is_first = AtomicBool::new(true);
    eve.responder().refuses(move |_, path| {
        (path == "/groups/tea" && is_first.swap(false, Ordering::SeqCst))
            .then(|| Problem::new(Code::Unavailable, "in a moment"))
    });
    eve.responder().resets(eve.clock().id().into());
    ben.hears_said(&zen.group, "missed").await;
    // The other is looked at again within a minute.
    for _ in 0..10 {
        peers.federation.clock().turn(Duration::from_secs(61));
        let heard = ben.hears_said(&tea.group, "missed");
        if tokio::time::timeout(Duration::from_secs(3), heard).await.is_ok() {
            return;
        }
    }
    panic!("the group was not looked at again");
}

#[tokio::test]
async fn what_was_begun_to_be_taken_up_is_gone_on_with_in_the_next_life() {
    let peers = MutualPeers::of(1).await;
    let (alpha, eve) = (&peers.nodes[0], peers.federation.scripted_peer());
    let ann = peers.client(0, "ann").await;
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    eve.takes_part(&peers, &ann, &tea).await;
    let copy = copy_store(&peers, alpha).await;
    let (_, lost) = says(&ann, &tea, "lost").await;
    let proof = eve.checkpoint(alpha, &tea).await;
    let (_, last) = says(&ann, &tea, "lost too").await;
    let log = ann.log(&tea, 0).await.unwrap().events;
    eve.responder()
        .refuses(|_, path| path.starts_with("/groups").then(|| Problem::new(Code::NotFound, "not here")));
    restore_store(&peers, alpha, &copy).await;
    says(&ann, &tea, "numbered again").await;
    alpha.stop().await;

    // It gives one event at a time, and nothing more once the first is adopted.
    let (is_away, times) = (Arc::new(AtomicBool::new(false)), AtomicUsize::new(0));
    let (goes_away, is_there) = (is_away.clone(), is_away.clone());
    eve.responder().refuses(move |_, path| {
        (path == "/groups/tea/log" && is_away.load(Ordering::SeqCst))
            .then(|| Problem::new(Code::Unavailable, "in a moment"))
    });
    eve.responder().shows("/groups/tea/log", move |query| {
        let after = LogQuery::parse(query).unwrap().after;
        // Judged, proved, and then adopted.
        let is_adopted = after + 1 == lost.seq && times.fetch_add(1, Ordering::SeqCst) == 2;
        goes_away.fetch_or(is_adopted, Ordering::SeqCst);
        let events: Vec<_> = log.iter().filter(|event| event.seq > after).take(1).cloned().collect();
        let more = events.last().is_some_and(|event| event.seq < last.seq);
        let checkpoint = Some(proof.clone());
        wire::encode(Encoding::Json, &LogPage { events, first: 1, head: last.seq, more, checkpoint })
    });
    alpha.start().await;
    let said = ann.says(&tea, "afterwards");
    // It is looked at with the first that is submitted.
    tokio::select! {
        outcome = ann.submits(&tea, &said) => panic!("not all was read, and it is {outcome:?}"),
        _ = alpha.notes(eve.provider(), "own-log-forked") => {}
    }
    assert_eq!(hashes(alpha, &tea).await.get(lost.seq as usize - 1), Some(&lost.hash));
    alpha.stop().await;
    is_there.store(false, Ordering::SeqCst);
    alpha.start().await;
    // Nobody asks for it.
    let uri = tea.clone();
    alpha
        .until("all of it is taken up", move |view| {
            let row = view.group(&uri)?.unwrap();
            Ok((view.event_hash(row.id, last.seq)? == Some(last.hash)).then_some(()))
        })
        .await;
}

#[tokio::test]
async fn what_is_kept_of_forks_is_bounded() {
    let peers = MutualPeers::of(1).await;
    let (alpha, ann) = (&peers.nodes[0], peers.client(0, "ann").await);
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    let store = alpha.node().store().clone();
    let keeps_point = async || {
        let uri = tea.clone();
        store.write(move |tx| tx.keep_restart_point(&uri)).await.unwrap();
    };
    for turn in 0..20 {
        keeps_point().await;
        says(&ann, &tea, &format!("{turn}")).await;
    }
    let uri = tea.clone();
    let points = alpha.reads(move |view| view.restart_points(view.group(&uri)?.unwrap().id)).await;
    let points: Vec<_> = points.into_iter().map(|point| point.seq).collect();
    assert_eq!(points, (5..21).rev().collect::<Vec<_>>(), "the latest are kept");

    for turn in 0..25 {
        peers.federation.clock().turn(Duration::from_secs(1));
        let uri = tea.clone();
        let told = store.write(move |tx| {
            let row = tx.group(&uri)?.unwrap();
            let said =
                KeptCheckpoint { seq: 1, hash: Hash32::of(&[turn]), jws: "signed".into(), document: None };
            let (had, before) = (Hash32::of(b"had"), None);
            let stories = TwoStories { had, before, had_events: &[], said: &said, said_events: &[] };
            tx.keep_contradiction(&row, &stories)
        });
        told.await.unwrap();
    }
    let kept = contradictions(alpha, &tea).await;
    assert_eq!(kept.len(), 20);
    assert!(
        (0..5).all(|turn| kept.iter().all(|one| one.said.hash != Hash32::of(&[turn]))),
        "the latest are kept"
    );

    let mut begun = Vec::new();
    for turn in 0..12 {
        peers.federation.clock().turn(Duration::from_secs(1));
        keeps_point().await;
        let (_, placed) = says(&ann, &tea, &format!("branch {turn}")).await;
        begun.push(ann.log(&tea, placed.seq - 1).await.unwrap().events[0].time);
        let uri = tea.clone();
        let told = store.write(move |tx| {
            let mut row = tx.group(&uri)?.unwrap();
            let point = tx.restart_points(row.id)?.remove(0);
            tx.set_back(&mut row, &point)
        });
        assert_eq!(told.await.unwrap().len(), 1);
    }
    let kept: Vec<_> = branches(alpha, &tea).await.into_iter().map(|branch| branch.begun).collect();
    assert_eq!(kept, begun.into_iter().rev().take(10).collect::<Vec<_>>(), "the latest are kept");
}
