//! What a provider keeps on its disk: what takes room, what a retention removes of it (`docs/mtp.md`, section 12), and giving room
//! back while everything goes on.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

use std::time::Duration;

use drawbridge_mtp::chain::Head;
use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::message::{Body, Event, EventKind};
use drawbridge_node::config::ListenConfig;
use drawbridge_node::storage::{FeedSize, Reader, Retention, Usage};
use drawbridge_testkit::{
    CommitPlan, Daemon, Federation, MlsClient, MutualPeers, TestNode, WAIT_LIMIT, policy,
};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn usage(test_node: &TestNode) -> Usage {
    test_node.node().operator().storage().await.unwrap()
}

fn feed<'a>(usage: &'a Usage, reader: &Reader) -> &'a FeedSize {
    usage.feeds.iter().find(|feed| feed.reader == *reader).unwrap()
}

fn days(days: u32) -> Retention {
    Retention::new(days).unwrap()
}

fn size_of(body: &Body) -> u64 {
    match body {
        Body::Here(bytes) => bytes.as_slice().len() as u64,
        Body::Object(object) => object.size,
    }
}

/// All events of a group's log as the provider of `client` has them, which follow each other from the first on.
async fn log(client: &MlsClient, group: &GroupUri) -> Vec<Event> {
    let events = client.log(group, 0).await.unwrap().events;
    let mut head = None;
    for event in &events {
        let before = head.unwrap_or(Head { seq: event.seq - 1, hash: event.prev });
        head = Some(event.clone().follow(group, &before).unwrap().head());
    }
    events
}

/// The numbers of a log's messages that have their bodies. What changes a group has its own always.
fn said(log: &[Event]) -> Vec<u64> {
    let (messages, others): (Vec<_>, Vec<_>) =
        log.iter().partition(|event| event.kind == EventKind::Application);
    assert!(others.iter().all(|event| event.body.is_some()), "{others:?}");
    messages.into_iter().filter(|event| event.body.is_some()).map(|event| event.seq).collect()
}

/// Returns when all readers have fetched all, and nothing of that is kept in their feeds any more: a day and more later. Clients ask
/// again until it is so, since nobody is told of what they acknowledge.
async fn all_is_fetched(peers: &MutualPeers, clients: &[&MlsClient]) {
    until_feeds(peers, clients, |feed| feed.waiting == 0).await;
    peers.federation.clock().turn(2 * DAY);
    until_feeds(peers, clients, |feed| feed.items == 0).await;
}

async fn until_feeds(peers: &MutualPeers, clients: &[&MlsClient], are_so: impl Fn(&FeedSize) -> bool) {
    let asking = async {
        loop {
            for client in clients {
                client.catches_up().await;
            }
            let mut feeds = Vec::new();
            for test_node in &peers.nodes {
                feeds.extend(usage(test_node).await.feeds);
            }
            if feeds.iter().all(&are_so) {
                return;
            }
        }
    };
    tokio::time::timeout(WAIT_LIMIT, asking).await.expect("the feeds are never as they have to be");
}

/// Returns when a group's messages below `seq` have no bodies.
async fn removes(test_node: &TestNode, group: &GroupUri, seq: u64) {
    let group = group.clone();
    test_node
        .until("old messages are removed", move |view| {
            let log = view.log_sizes()?.into_iter().find(|log| log.group == group);
            Ok(log.filter(|log| log.bodies_from >= seq).map(drop))
        })
        .await;
}

#[tokio::test]
async fn what_takes_room_is_told_by_kind_by_group_and_by_reader() {
    let peers = MutualPeers::of(2).await;
    let (alpha, beta) = (&peers.nodes[0], &peers.nodes[1]);
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    beta.stop().await;
    let before = usage(alpha).await;
    let large = "x".repeat(100_000);
    for _ in 0..3 {
        ann.does(&tea, &ann.says(&tea, &large)).await;
    }
    let after = usage(alpha).await;

    let (of_ben, of_ann) = (Reader::Peer(beta.provider().clone()), Reader::Client(ann.uri().clone()));
    assert_eq!(feed(&after, &of_ben).waiting, feed(&before, &of_ben).waiting + 3);
    assert!(feed(&after, &of_ann).waiting >= 3);
    assert!(feed(&after, &of_ben).octets < 10_000, "an event stands in its log alone");
    let [log, log_before] = [&after, &before].map(|usage| usage.logs[0].clone());
    assert_eq!((&log.group, log.name.as_deref(), log.events), (&tea, Some("Tea"), log_before.events + 3));
    let octets = log.content_octets - log_before.content_octets;
    assert!((300_000..302_000).contains(&octets), "{octets}");
    assert!(after.file.octets >= before.file.octets && after.key_packages.count > 0 && after.write_ahead > 0);
    assert_eq!(alpha.node().operator().groups().await.unwrap()[0].bytes, log.content_octets);

    // A backup and the record of what crossed the wire are files of their own.
    let backup = drawbridge_node::backup::BackupOrder { file: None, seal: None, keys: true };
    let made = alpha.node().operator().backups().make(backup).await.unwrap();
    let backups = usage(alpha).await.backups.unwrap();
    assert_eq!((backups.count, backups.octets), (1, made.octets));

    beta.start().await;
    ben.hears_of(&tea, log.events).await;
    let copy = usage(beta).await.logs[0].clone();
    assert_eq!((&copy.group, copy.bodies_from), (&tea, 1));
    assert!(copy.content_octets >= 300_000);
}

#[tokio::test]
async fn a_retention_removes_what_everybody_has_fetched_and_the_group_goes_on() {
    let peers = MutualPeers::of(2).await;
    let alpha = &peers.nodes[0];
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    for text in ["one", "two"] {
        ann.does(&tea, &ann.says(&tea, text)).await;
        ben.hears_said(&tea, text).await;
    }
    let renewed = ann.does(&tea, &ann.commit(&tea, CommitPlan::renewal())).await;
    ann.reaches(&tea, 2).await;
    let last = ann.does(&tea, &ann.says(&tea, "three")).await;
    all_is_fetched(&peers, &[&ann, &ben]).await;
    let whole = log(&ann, &tea).await;
    assert_eq!(said(&whole), [3, 4, last.seq]);

    // What is not old enough stays, and a look removes nothing.
    let operator = alpha.node();
    let operator = operator.operator();
    assert_eq!(operator.preview_retention(days(7)).await.unwrap().messages, 0);
    peers.federation.clock().turn(6 * DAY);
    let young = ann.does(&tea, &ann.says(&tea, "young")).await;
    let preview = operator.preview_retention(days(7)).await.unwrap();
    let sizes = whole.iter().filter(|event| event.kind == EventKind::Application);
    let octets: u64 = sizes.map(|event| size_of(event.body.as_ref().unwrap())).sum();
    assert_eq!((preview.messages, preview.octets, preview.held), (3, octets, 0));
    assert_eq!(preview.oldest, Some(whole[2].time));
    assert_eq!(preview.logs.iter().map(|log| (&log.group, log.messages)).collect::<Vec<_>>(), [(&tea, 3)]);
    assert!(preview.unfetched.is_empty(), "{:?}", preview.unfetched);
    assert_eq!((operator.retention(), said(&log(&ann, &tea).await)), (None, vec![3, 4, last.seq, young.seq]));

    operator.set_retention(Some(days(7))).await.unwrap();
    removes(alpha, &tea, young.seq).await;
    let kept = log(&ann, &tea).await;
    assert_eq!(said(&kept), [young.seq]);
    assert_eq!(
        kept.iter().map(|event| event.hash).take(whole.len()).collect::<Vec<_>>(),
        whole.iter().map(|event| event.hash).collect::<Vec<_>>()
    );
    assert_eq!(said(&log(&ben, &tea).await).len(), 4, "another provider keeps its own copy as it likes");
    let after = usage(alpha).await;
    assert_eq!((after.logs[0].events, after.logs[0].bodies_from), (young.seq, young.seq));

    // After a restart the group's state is read from what is there, and the choice stands.
    alpha.stop().await;
    alpha.start().await;
    assert_eq!(alpha.node().operator().retention(), Some(days(7)));
    let laptop = alpha.client(ann.user(), "laptop").await;
    laptop.does(&tea, &laptop.joins(&tea, &laptop.info(&tea).await.unwrap())).await;
    ben.reaches(&tea, 3).await;
    laptop.does(&tea, &laptop.says(&tea, "hello")).await;
    ben.hears_said(&tea, "hello").await;
    let compared = alpha.compares(&tea).await;
    assert!(compared.findings.iter().all(|finding| finding.code.is_none()), "{compared:?}");
    assert!(renewed.seq < last.seq);
}

#[tokio::test]
async fn what_somebody_has_yet_to_fetch_stays_for_it_and_who_was_away_for_too_long_is_named() {
    let peers = MutualPeers::of(2).await;
    let (alpha, beta) = (&peers.nodes[0], &peers.nodes[1]);
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    all_is_fetched(&peers, &[&ann, &ben]).await;
    beta.stop().await;
    let first = ann.does(&tea, &ann.says(&tea, "one")).await.seq;
    ann.does(&tea, &ann.says(&tea, "two")).await;
    ann.catches_up().await;
    peers.federation.clock().turn(10 * DAY);

    let operator = alpha.node();
    let operator = operator.operator();
    let away = Reader::Peer(beta.provider().clone());
    let preview = operator.preview_retention(days(7)).await.unwrap();
    assert_eq!((preview.messages, preview.held, preview.oldest), (0, 2, None));
    let behind = preview.unfetched.iter().find(|behind| behind.reader == away).unwrap();
    assert_eq!((behind.held, behind.lost), (2, 0));
    operator.set_retention(Some(days(7))).await.unwrap();
    beta.start().await;
    for text in ["one", "two"] {
        ben.hears_said(&tea, text).await;
    }
    // Once it has them, they go.
    all_is_fetched(&peers, &[&ann, &ben]).await;
    operator.set_retention(Some(days(8))).await.unwrap();
    removes(alpha, &tea, first + 2).await;

    // What has waited for thirty days waits no longer (section 12).
    operator.set_retention(None).await.unwrap();
    beta.stop().await;
    ann.does(&tea, &ann.says(&tea, "three")).await;
    ann.catches_up().await;
    peers.federation.clock().turn(31 * DAY);
    let lapsed = away.clone();
    alpha
        .until("it has lapsed", move |view| {
            let feeds = view.feed_sizes()?;
            Ok(feeds.iter().any(|feed| feed.reader == lapsed && feed.items == 0).then_some(()))
        })
        .await;
    let preview = operator.preview_retention(days(7)).await.unwrap();
    assert_eq!((preview.messages, preview.held), (1, 0));
    let behind = preview.unfetched.iter().find(|behind| behind.reader == away).unwrap();
    assert_eq!((behind.held, behind.lost), (0, 1));
    // It closes its copy from the log: the chain is there, and what was said is not.
    operator.set_retention(Some(days(7))).await.unwrap();
    removes(alpha, &tea, first + 3).await;
    beta.start().await;
    let after = ann.does(&tea, &ann.says(&tea, "four")).await.seq;
    let seen = ben.hears_of(&tea, after).await;
    assert_eq!(seen.seq, first + 3);
    assert_eq!(said(&log(&ben, &tea).await), [first, first + 1, after]);
}

#[tokio::test]
async fn an_owner_that_has_lost_its_log_reads_back_what_a_retention_has_left_of_it() {
    let peers = MutualPeers::of(2).await;
    let (alpha, beta) = (&peers.nodes[0], &peers.nodes[1]);
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    ann.catches_up().await;
    alpha.stop().await;
    let copy = peers.federation.copy_of(alpha);
    alpha.start().await;
    let lost = ann.does(&tea, &ann.says(&tea, "lost")).await.seq;
    ben.hears_said(&tea, "lost").await;
    let renewed = ann.does(&tea, &ann.commit(&tea, CommitPlan::renewal())).await.seq;
    ann.reaches(&tea, 2).await;
    ben.reaches(&tea, 2).await;
    all_is_fetched(&peers, &[&ann, &ben]).await;
    peers.federation.clock().turn(8 * DAY);
    beta.checks(alpha.provider()).await;
    beta.node().operator().set_retention(Some(days(7))).await.unwrap();
    removes(beta, &tea, renewed).await;

    alpha.stop().await;
    peers.federation.restore(alpha, &copy);
    alpha.start().await;
    let again = ann.does(&tea, &ann.says(&tea, "again")).await.seq;
    assert_eq!(again, renewed + 1, "the log goes on where it was");
    ben.hears_said(&tea, "again").await;
    let read_back = log(&ann, &tea).await;
    assert!(read_back.iter().any(|event| event.seq == lost));
    assert_eq!(said(&read_back), [again]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_gives_its_room_back_while_people_talk() {
    let peers = MutualPeers::of(2).await;
    let alpha = &peers.nodes[0];
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    let large = "x".repeat(500_000);
    let mut last = 0;
    for _ in 0..30 {
        last = ann.does(&tea, &ann.says(&tea, &large)).await.seq;
    }
    ben.hears_of(&tea, last).await;
    all_is_fetched(&peers, &[&ann, &ben]).await;
    peers.federation.clock().turn(8 * DAY);
    // Before it has heard the other again it takes its clock for one that is ahead, and removes nothing.
    alpha.checks(peers.nodes[1].provider()).await;
    let operator = alpha.node();
    let operator = operator.operator();
    operator.set_retention(Some(days(7))).await.unwrap();
    removes(alpha, &tea, last + 1).await;
    let free = usage(alpha).await.file.free;
    assert!(free > 14_000_000, "{free}");
    assert_eq!(operator.last_compaction(), None, "so little is left for what comes");

    let talking = async {
        let mut spoken = Vec::new();
        while operator.last_compaction().is_none() {
            spoken.push(spoken.len().to_string());
            let text = spoken.last().unwrap();
            ann.does(&tea, &ann.says(&tea, text)).await;
            ben.hears_said(&tea, text).await;
        }
        spoken
    };
    let (done, spoken) = tokio::join!(operator.compact(), talking);
    let done = done.unwrap();
    assert!(done.before - done.after > 14_000_000, "{done:?}");
    assert_eq!((operator.left_to_give_back(), operator.last_compaction()), (None, Some(done)));
    let heard: Vec<_> = ben.texts(&tea).into_iter().filter(|text| text.len() < 100).collect();
    assert!(!spoken.is_empty() && heard == spoken, "{heard:?} of {spoken:?}");
    // What is still read while the log is moved into the file keeps that long; now nobody reads.
    alpha.stop().await;
    let file = std::fs::metadata(alpha.config().data_dir.join("store.sqlite")).unwrap().len();
    assert!(file < done.before - 14_000_000, "{file}");
}

#[tokio::test]
async fn where_much_has_become_free_it_is_given_back_unasked() {
    let peers = MutualPeers::of(1).await;
    let alpha = &peers.nodes[0];
    let ann = peers.client(0, "ann").await;
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    let large = "x".repeat(900_000);
    let mut last = 0;
    for _ in 0..80 {
        last = ann.does(&tea, &ann.says(&tea, &large)).await.seq;
    }
    all_is_fetched(&peers, &[&ann]).await;
    peers.federation.clock().turn(8 * DAY);
    let node = alpha.node();
    node.operator().set_retention(Some(days(7))).await.unwrap();
    removes(alpha, &tea, last + 1).await;
    alpha.until_node("room is given back", |node| node.operator().last_compaction().is_some()).await;
    let done = node.operator().last_compaction().unwrap();
    assert!(done.before - done.after > 64 << 20, "{done:?}");
    assert!(usage(alpha).await.file.octets < 8 << 20);
}

#[tokio::test]
async fn without_room_for_its_steps_nothing_is_given_back() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    federation.clock().leaves_free(Some(20 << 20));
    let node = alpha.node();
    let refused = node.operator().compact().await.unwrap_err();
    assert_eq!(refused.code(), "no-room");
    assert!(refused.to_string().starts_with("20 MiB are free"), "{refused}");
    federation.clock().leaves_free(None);
    node.operator().compact().await.unwrap();
    assert!(node.operator().last_compaction().is_some() && usage(&alpha).await.file.gives_back);
}

#[tokio::test]
async fn a_store_of_an_older_version_is_written_anew_at_the_start_once_there_is_room() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    alpha.user("ann").await;
    alpha.stop().await;
    // As older versions have made it.
    let store = rusqlite::Connection::open(alpha.config().data_dir.join("store.sqlite")).unwrap();
    store.execute_batch("PRAGMA auto_vacuum = 0; VACUUM").unwrap();
    store.close().unwrap();
    federation.clock().leaves_free(Some(40 << 20));
    alpha.start().await;
    assert!(!usage(&alpha).await.file.gives_back);
    let refused = alpha.node().operator().compact().await.unwrap_err();
    assert_eq!(refused.code(), "at-next-start");
    assert!(refused.to_string().contains("MiB on the disk meanwhile"), "{refused}");

    alpha.stop().await;
    federation.clock().leaves_free(None);
    alpha.start().await;
    assert!(usage(&alpha).await.file.gives_back);
    alpha.node().operator().compact().await.unwrap();
    assert_eq!(alpha.node().operator().users().await.unwrap().len(), 1, "all is there");
}

#[tokio::test]
async fn the_command_line_lists_what_takes_room_and_says_first_what_would_go() {
    let federation = Federation::new();
    let listen = federation.free_address();
    let config = federation.config(|config| config.admin = Some(ListenConfig::plain(listen)));
    let daemon = Daemon::start(&config).await;
    let storage = |rest: &[&str]| {
        let said = Daemon::command("storage", &config).args(rest).output().unwrap();
        let [out, err] = [said.stdout, said.stderr].map(|text| String::from_utf8(text).unwrap());
        (said.status.code(), out, err)
    };
    let (code, listed, _) = storage(&[]);
    assert_eq!(code, Some(0), "{listed}");
    for said in ["logs", "peer-feeds", "traffic", "Free on the disk", "The contents of messages are kept."] {
        assert!(listed.contains(said), "{said:?} in {listed}");
    }
    let whole: Value = serde_json::from_str(&storage(&["--json"]).1).unwrap();
    let kinds = whole["kinds"].as_array().unwrap();
    let in_store = ["logs", "peer-feeds", "client-feeds", "key-packages", "other", "free"];
    let octets = kinds.iter().filter(|kind| in_store.contains(&kind["kind"].as_str().unwrap()));
    let octets: u64 = octets.map(|kind| kind["bytes"].as_u64().unwrap()).sum();
    assert_eq!(octets, whole["store_bytes"].as_u64().unwrap(), "what is in the store's file is all of it");

    let (code, foreseen, _) = storage(&["retention", "30"]);
    assert_eq!(code, Some(0));
    assert!(foreseen.contains("nothing would be removed now") && foreseen.contains("--yes"), "{foreseen}");
    let chosen = || Daemon::answer(&config, "storage", &json!({}))["retention_days"].clone();
    assert_eq!(chosen(), Value::Null);
    let (code, set, _) = storage(&["retention", "30", "--yes"]);
    assert_eq!((code, chosen()), (Some(0), json!(30)), "{set}");
    let (code, _, refused) = storage(&["retention", "3", "--yes"]);
    assert!(code == Some(1) && refused.contains("7 days at least"), "{refused}");
    storage(&["retention", "off"]);
    assert_eq!(chosen(), Value::Null);
    let (code, done, fault) = storage(&["compact"]);
    assert_eq!(code, Some(0), "{fault}");
    assert!(done.contains("The store takes"), "{done}");
    assert!(daemon.stop().success());
}
