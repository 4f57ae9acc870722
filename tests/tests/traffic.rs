//! The record of what crosses the wire (`docs/operators.md`): what is noted of a request on both sides, and what outlives a
//! restart.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::message::ConnectionState;
use drawbridge_node::Decision;
use drawbridge_node::ambient::System;
use drawbridge_node::config::ListenConfig;
use drawbridge_node::diagnose::Traced;
use drawbridge_node::nameless::Nameless;
use drawbridge_node::operator::RepairSubject;
use drawbridge_node::traffic::{
    Asker, Direction, Export, ExportFormat, Heartbeat, HeartbeatSpan, Slot, SlotState, TrafficEvent,
    TrafficFilter, TrafficItem, TrafficKind, TrafficRecord,
};
use drawbridge_testkit::{
    Daemon, Federation, MutualPeers, TestNode, WAIT_LIMIT, federation, says, wait_for_event,
};
use serde_json::{Value, json};

async fn selected(test_node: &TestNode, filter: TrafficFilter) -> Vec<Arc<TrafficRecord>> {
    test_node.node().operator().traffic().select(filter, None, 1000).await.unwrap()
}

fn pulls(direction: Direction) -> TrafficFilter {
    TrafficFilter { direction: Some(direction), kind: Some(TrafficKind::Pull), ..TrafficFilter::default() }
}

/// Returns once a pull of `beta` at `alpha` has brought something.
async fn until_something_was_pulled(alpha: &TestNode, beta: &TestNode) {
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let asked = alice.asks_to_connect(bob.uri()).await;
    beta.hears_of(asked).await;
}

#[tokio::test]
async fn both_sides_note_a_request_with_its_parts_its_protocol_and_its_signature() {
    let (_federation, [alpha, beta]) = federation().await;
    until_something_was_pulled(&alpha, &beta).await;

    let ours = selected(&beta, TrafficFilter { direction: Some(Direction::Out), ..Default::default() }).await;
    let first = ours.iter().rev().find(|record| record.kind == TrafficKind::Document).unwrap();
    let timing = first.timing;
    assert!(timing.connect.is_some() && timing.tls.is_some() && timing.wait.is_some(), "{timing:?}");
    assert!(timing.transfer.is_some() && timing.verify.is_none(), "{timing:?}");
    let parts = [timing.dns, timing.connect, timing.tls, timing.wait, timing.transfer];
    let sum: Duration = parts.into_iter().flatten().sum();
    assert!(first.duration.unwrap() >= sum, "the parts are of the whole: {first:?}");
    assert!(first.address.unwrap().is_loopback());

    // What the store has taken is noted when it is done, which is a little later than what it tells.
    let is_stored =
        |record: &TrafficRecord| record.kind == TrafficKind::Pull && record.timing.store.is_some();
    beta.until_node("a page is noted as stored", |node| {
        node.operator().traffic().since(0, 1000).0.iter().any(|record| is_stored(record))
    })
    .await;
    let ours = selected(&beta, pulls(Direction::Out)).await;
    let answered = ours.iter().find(|record| is_stored(record)).unwrap();
    assert_eq!(answered.protocol.as_deref(), Some("HTTP/2.0"));
    assert!(answered.verified && answered.timing.verify.is_some() && answered.timing.store.is_some());
    assert!(
        ours.iter().any(|record| record.timing.connect.is_none() && record.timing.tls.is_none()),
        "a later pull goes over the connection that is there: {ours:#?}"
    );
    let signature = answered.signature().unwrap();
    assert!(signature.key.unwrap().starts_with(alpha.provider().as_str()));
    assert!(signature.covered.contains(&"@status".to_owned()), "{:?}", signature.covered);

    let theirs = selected(&alpha, pulls(Direction::In)).await;
    let served = theirs.iter().find(|record| record.status == Some(200)).unwrap();
    assert_eq!((served.peer.as_ref(), served.verified), (Some(beta.provider()), true));
    assert!(served.timing.verify.is_some() && served.timing.wait.is_some() && served.timing.store.is_none());
    assert!(served.address.unwrap().is_loopback());
    let signature = served.signature().unwrap();
    assert!(signature.key.unwrap().starts_with(beta.provider().as_str()));
    assert!(signature.covered.contains(&"mtp-to".to_owned()), "{:?}", signature.covered);
}

/// The requests of that kind which went that way at `test_node`, once one of them has an item that names an event.
async fn naming_an_event(
    test_node: &TestNode,
    direction: Direction,
    kind: TrafficKind,
    event: &TrafficEvent,
) -> (Vec<Arc<TrafficRecord>>, TrafficItem) {
    let what = format!("a {kind} that went {direction} names event {}", event.seq);
    let named = |record: &TrafficRecord| {
        let is_asked_for = record.direction == direction && record.kind == kind;
        record.items.iter().find(|item| is_asked_for && item.event.as_ref() == Some(event)).cloned()
    };
    let is_there = |record: &Arc<TrafficRecord>| named(record).is_some();
    test_node.until_node(&what, |node| node.operator().traffic().since(0, 5000).0.iter().any(is_there)).await;
    let filter = TrafficFilter { direction: Some(direction), kind: Some(kind), ..TrafficFilter::default() };
    let records = selected(test_node, filter).await;
    let item = records.iter().find_map(|record| named(record)).unwrap();
    (records, item)
}

#[tokio::test]
async fn an_item_of_a_page_and_a_submission_name_the_event_by_which_it_is_traced() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("secret-tea", &ann, &[&ben]).await;
    beta.follows(&tea, 1).await;
    let (_, placed) = says(&ben, &tea, "hello").await;
    let event = TrafficEvent { group: tea.clone(), seq: placed.seq };
    // A page is noted before it is stored.
    wait_for_event(beta, &tea, placed.seq).await;

    for (test_node, direction) in [(beta, Direction::Out), (alpha, Direction::In)] {
        let (_, item) = naming_an_event(test_node, direction, TrafficKind::Submit, &event).await;
        assert_eq!((item.seq, item.kind.as_str()), (placed.seq, "application"));
    }
    for (test_node, direction) in [(beta, Direction::Out), (alpha, Direction::In)] {
        let (records, item) = naming_an_event(test_node, direction, TrafficKind::Pull, &event).await;
        assert_eq!(item.kind, "event");
        // In the feed are connections, and what came before, too.
        assert_ne!(item.seq, placed.seq, "its number is that in the feed");
        let others = records.iter().flat_map(|record| &record.items).filter(|item| item.kind != "event");
        assert!(others.into_iter().all(|item| item.event.is_none()), "{records:#?}");

        let TrafficEvent { group, seq } = item.event.unwrap();
        let trace = test_node.node().operator().trace(Traced::Event { group, seq }).await.unwrap();
        assert_eq!((trace.seq, trace.sender.as_ref()), (Some(placed.seq), Some(ben.uri())));

        for format in [ExportFormat::Har, ExportFormat::JsonLines] {
            let ours = test_node.provider().clone();
            let export = |nameless| Export { ours: ours.clone(), format, nameless }.write(&records);
            let nameless = Nameless::new(&System);
            let (named, hidden) = (export(None), export(Some(nameless.clone())));
            assert!(named.contains(tea.as_str()), "{named}");
            assert!(
                !hidden.contains("secret-tea") && hidden.contains(nameless.group(&tea).as_str()),
                "{hidden}"
            );
        }
    }
}

#[tokio::test]
async fn a_request_that_found_nobody_says_how_far_it_came() {
    let (federation, [alpha]) = federation().await;
    let nobody = federation.nobody();
    alpha.allows(&nobody).await;
    alpha.notes(&nobody, "connection-refused").await;
    let failed =
        selected(&alpha, TrafficFilter { peer: Some(nobody), failures: true, ..Default::default() }).await;
    let document = failed.iter().find(|record| record.kind == TrafficKind::Document).unwrap();
    assert!(document.timing.connect.is_some() && document.timing.tls.is_none() && document.status.is_none());
    assert_eq!(document.code.as_deref(), Some("connection-refused"));
}

#[tokio::test]
async fn what_crossed_the_wire_is_there_after_a_restart() {
    let (_federation, [alpha, beta]) = federation().await;
    until_something_was_pulled(&alpha, &beta).await;
    alpha.stop().await;
    let before = selected(&beta, TrafficFilter::default()).await;
    beta.stop().await;
    beta.start().await;
    let after = selected(&beta, TrafficFilter::default()).await;
    for record in &before {
        let kept = after.iter().find(|kept| kept.id == record.id).unwrap();
        assert_eq!((kept.at, &kept.target, kept.item_count), (record.at, &record.target, record.item_count));
        assert!(!kept.waiting);
    }
    assert!(before.iter().any(|record| record.item_count > 0));
}

#[tokio::test]
async fn a_record_that_another_program_holds_at_the_start_is_kept_once_it_is_free() {
    let (federation, [alpha]) = federation().await;
    alpha.stop().await;
    let other = rusqlite::Connection::open(alpha.config().data_dir.join("traffic.sqlite")).unwrap();
    let hold = "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM traffic; COMMIT";
    other.execute_batch(hold).unwrap();

    alpha.start().await;
    let nobody = federation.nobody();
    alpha.allows(&nobody).await;
    alpha.notes(&nobody, "connection-refused").await;
    let kept = alpha.node().operator().traffic().kept().await.unwrap().unwrap();
    assert!(kept.requests == 0 && kept.fault.is_some_and(|fault| fault.contains("locked")));
    let repair = alpha.raises(&RepairSubject::Node, "traffic-not-kept").await;
    assert!(repair.text.contains("is not kept in the traffic record: "), "{}", repair.text);

    drop(other);
    alpha.mends(repair.id).await;
    alpha.stop().await;
    alpha.start().await;
    let of_before = TrafficFilter { peer: Some(nobody), until: Some(repair.raised), ..Default::default() };
    assert!(!selected(&alpha, of_before).await.is_empty(), "what came meanwhile is written, too");
}

async fn heartbeat(test_node: &TestNode, peer: &TestNode, span: HeartbeatSpan) -> Heartbeat {
    test_node.node().operator().traffic().heartbeat(peer.provider(), span).await.unwrap().unwrap()
}

/// Returns the heartbeat of the last hour once it is so.
async fn until_heartbeat(
    test_node: &TestNode,
    peer: &TestNode,
    is_so: impl Fn(&Heartbeat) -> bool,
) -> Heartbeat {
    let mut requests = test_node.node().operator().traffic().revisions();
    let found = tokio::time::timeout(WAIT_LIMIT, async {
        loop {
            let seen = heartbeat(test_node, peer, HeartbeatSpan::Hour).await;
            if is_so(&seen) {
                return seen;
            }
            let _ = requests.changed().await;
        }
    });
    match found.await {
        Ok(seen) => seen,
        Err(_) => panic!("the heartbeat of {} never came to be so", peer.provider()),
    }
}

fn failures(slots: &[Slot]) -> u64 {
    slots.iter().map(|slot| slot.failed).sum()
}

#[tokio::test]
async fn a_heartbeat_shows_that_a_peer_was_stopped_and_started_and_that_we_were() {
    let (federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let asked = alice.asks_to_connect(bob.uri()).await;
    beta.hears_of(asked).await;
    // With a connection, each always pulls from the other.
    beta.decides(asked, Decision::Approve).await;
    alpha.sees(asked, ConnectionState::Approved).await;
    let well = until_heartbeat(&alpha, &beta, |seen| {
        [&seen.ours, &seen.theirs].iter().all(|slots| slots.last().unwrap().good > 0)
    })
    .await;
    assert_eq!(failures(&well.ours) + failures(&well.theirs), 0, "{well:#?}");
    assert_eq!(well.ours[0].state(), SlotState::Off);

    beta.stop().await;
    federation.clock().turn(HeartbeatSpan::Hour.slot());
    let down = until_heartbeat(&alpha, &beta, |seen| failures(&seen.ours) > 0).await;
    let failed = down.ours.iter().rfind(|slot| slot.failed > 0).unwrap();
    assert!(failed.code.is_some(), "{failed:?}");
    assert_eq!(failures(&down.theirs), 0, "who asks nothing fails at nothing");

    // In a slot of its own.
    federation.clock().turn(2 * HeartbeatSpan::Hour.slot());
    beta.start().await;
    let up = until_heartbeat(&alpha, &beta, |seen| {
        [&seen.ours, &seen.theirs].iter().all(|slots| slots.last().unwrap().good > 0)
    })
    .await;
    assert!(failures(&up.ours) >= failures(&down.ours), "{up:#?}");

    alpha.stop().await;
    // Nine slots in which nothing runs, and a part of another.
    federation.clock().turn(10 * HeartbeatSpan::Hour.slot());
    alpha.start().await;
    let after = heartbeat(&alpha, &beta, HeartbeatSpan::Hour).await;
    assert!(failures(&after.ours) >= failures(&up.ours), "it is there after a restart: {after:#?}");
    let states: Vec<_> = after.ours.iter().rev().map(Slot::state).collect();
    let is_off = |state: &&SlotState| **state == SlotState::Off;
    let running = states.iter().take_while(|state| !is_off(state)).count();
    assert!(running > 0, "it runs: {states:?}");
    let off = states[running..].iter().take_while(is_off).count();
    assert!(off >= 9, "{states:?}");
    assert!(states[running + off..].contains(&SlotState::Good), "{states:?}");
    let month = heartbeat(&alpha, &beta, HeartbeatSpan::Month).await;
    assert!(failures(&month.ours) >= failures(&after.ours), "{month:#?}");
}

#[tokio::test]
async fn what_the_doctor_has_had_sent_is_marked_and_counts_for_nothing() {
    let (_federation, [alpha, beta]) = federation().await;
    for (one, other) in [(&alpha, &beta), (&beta, &alpha)] {
        one.allows(other.provider()).await;
    }
    for (one, other) in [(&alpha, &beta), (&beta, &alpha)] {
        one.rests_at(other.provider()).await;
    }
    let last_pull = async || {
        let peer = alpha.node().operator().peer(beta.provider()).await.unwrap();
        (peer.our_pull.last_pull, peer.our_pull.cursor)
    };
    let counted = async || {
        let seen = heartbeat(&alpha, &beta, HeartbeatSpan::Hour).await;
        seen.ours.iter().map(|slot| slot.good + slot.failed).sum::<u64>()
    };
    let before = (last_pull().await, counted().await);
    alpha.checks(beta.provider()).await;
    assert_eq!((last_pull().await, counted().await), before);

    let by = |asker| TrafficFilter { asker: Some(asker), ..TrafficFilter::default() };
    let (probes, others) =
        (selected(&alpha, by(Asker::Doctor)).await, selected(&alpha, by(Asker::Node)).await);
    let all = selected(&alpha, TrafficFilter::default()).await;
    assert_eq!(probes.len() + others.len(), all.len());
    for kind in [TrafficKind::Document, TrafficKind::Ping, TrafficKind::Pull] {
        let probe = probes.iter().find(|probe| probe.kind == kind);
        assert_eq!(probe.map(|probe| probe.direction), Some(Direction::Out), "{kind}");
    }
    assert!(others.iter().any(|record| record.kind == TrafficKind::Pull), "{others:#?}");
    // Of itself it is asked by its Doctor alone, in both directions. What is kept is known after a restart.
    alpha.checks(alpha.provider()).await;
    alpha.stop().await;
    alpha.start().await;
    let of_itself = TrafficFilter { peer: Some(alpha.provider().clone()), ..TrafficFilter::default() };
    let of_itself = selected(&alpha, of_itself).await;
    for direction in [Direction::In, Direction::Out] {
        let asked = |record: &Arc<TrafficRecord>| record.direction == direction && record.verified;
        let asker = of_itself.iter().find(|record| asked(record)).map(|record| record.asker);
        assert_eq!(asker, Some(Asker::Doctor), "{direction}: {of_itself:#?}");
    }
}

#[tokio::test]
async fn nothing_is_kept_on_disk_where_nothing_is_to_be() {
    let federation = Federation::new();
    let alpha = federation.node(|config| config.traffic.keep_requests = 0).await;
    alpha.allows(&federation.nobody()).await;
    alpha.until_node("something was asked", |node| !node.operator().traffic().since(0, 1).0.is_empty()).await;
    assert_eq!(alpha.node().operator().traffic().kept().await.unwrap(), None);
    let span = HeartbeatSpan::Hour;
    let counted = alpha.node().operator().traffic().heartbeat(&federation.nobody(), span).await.unwrap();
    assert!(counted.is_none());
    alpha.stop().await;
    assert!(!alpha.config().data_dir.join("traffic.sqlite").exists());
}

fn traffic(config: &drawbridge_node::config::Config, arguments: &[&str]) -> String {
    let mut command: Command = Daemon::command("traffic", config);
    let told = command.args(arguments).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).unwrap()
}

#[tokio::test]
async fn the_record_is_printed_and_written_as_a_file_without_names_where_they_are_hidden() {
    let federation = Federation::new();
    let listen = federation.config(|_| {}).mtp.listen.ip().unwrap();
    let config = federation.config(|config| config.admin = Some(ListenConfig::plain(listen)));
    let daemon = Daemon::start(&config).await;
    let nobody = federation.nobody();
    Daemon::answer(&config, "set-peer", &json!({ "provider": nobody, "state": "allowed" }));
    let is_refused = |list: &Value| {
        let records = list["records"].as_array().unwrap();
        records.iter().any(|record| record["code"] == "connection-refused")
    };
    Daemon::until(&config, "a refused connection", "traffic", |list| is_refused(list).then_some(())).await;

    let printed = traffic(&config, &["--failures", "--peer", nobody.as_str()]);
    let line = printed.lines().next().unwrap();
    assert!(line.contains(&format!("-> {nobody} GET")) && line.contains("connection-refused"), "{line}");
    let har: Value = serde_json::from_str(&traffic(&config, &["--har"])).unwrap();
    assert_eq!(har["log"]["version"], "1.2");
    assert!(har["log"]["entries"][0]["request"]["url"].as_str().unwrap().contains(nobody.as_str()));
    let lines = traffic(&config, &["--json-lines", "--hide-names"]);
    assert!(!lines.contains(nobody.as_str()) && lines.contains("connection-refused"), "{lines}");
    assert!(lines.lines().all(|line| serde_json::from_str::<TrafficRecord>(line).is_ok()));
    let alone = Daemon::command("traffic", &config).arg("--hide-names").output().unwrap();
    assert_eq!(alone.status.code(), Some(2));
    assert!(daemon.stop().success());
}
