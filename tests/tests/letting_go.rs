//! Letting go of a peer, a group, a conversation, an account: what will be lost is told first, what lives keeps it, and nobody else is left
//! with half of it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::time::Duration;

use drawbridge_admin::{AdminError, Host, commands};
use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::{ConnectionState, FeedQuery, ItemBody, Outcome, PeerState};
use drawbridge_mtp::problem::Code;
use drawbridge_node::config::{ListenConfig, Strangers};
use drawbridge_node::operator::{Forgettable, HoldCode, Losses};
use drawbridge_node::store::{
    Addition, Connection, GroupRow, Reader, RequestRow, Standing, StoreFault, Tx, Unsent, View,
};
use drawbridge_node::traffic::{HeartbeatSpan, TrafficFilter};
use drawbridge_node::{Decision, Misuse};
use drawbridge_testkit::{CommitPlan, Daemon, Federation, MutualPeers, TestNode, WAIT_LIMIT, federation};
use serde_json::{Value, json};

fn peer(test_node: &TestNode) -> Forgettable {
    Forgettable::Peer(test_node.provider().clone())
}

async fn losses(test_node: &TestNode, of: &Forgettable) -> Losses {
    test_node.node().operator().losses(of.clone()).await.unwrap()
}

async fn forgets(test_node: &TestNode, of: &Forgettable, seen: &Losses) -> Result<(), Misuse> {
    test_node.node().operator().forget(of.clone(), seen.seen()).await
}

fn codes(losses: &Losses) -> Vec<HoldCode> {
    losses.holds.iter().map(|hold| hold.code).collect()
}

/// Whether a loss that is told begins so.
fn loses(losses: &Losses, what: &str) -> bool {
    losses.lost.iter().any(|loss| loss.what.starts_with(what))
}

/// Returns when our pulls at `peer` fail.
async fn misses(test_node: &TestNode, peer: &Provider) {
    let fails = |node: &drawbridge_node::Node| {
        node.operator().pulling(peer).is_some_and(|pulling| pulling.failures > 0)
    };
    test_node.until_node(&format!("{peer} is away"), fails).await;
}

#[tokio::test]
async fn what_lives_keeps_a_peer_and_is_named_with_what_ends_it() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!("it is of two") };
    let (alice, bob) = (peers.client(0, "alice").await, peers.client(1, "bob").await);
    let (tea, choir) =
        (peers.group("tea", &alice, &[&bob]).await, peers.group("choir", &bob, &[&alice]).await);
    let seen = losses(alpha, &peer(beta)).await;
    assert_eq!(codes(&seen), [HoldCode::OwnsGroup, HoldCode::InGroup, HoldCode::Connected]);
    let about: Vec<_> = seen.holds.iter().map(|hold| hold.group.clone()).collect();
    assert_eq!(about, [Some(choir), Some(tea)].into_iter().chain([None]).collect::<Vec<_>>());
    match forgets(alpha, &peer(beta), &seen).await {
        Err(Misuse::Held(text)) => assert!(text.contains("choir") && text.contains("2 more"), "{text}"),
        other => panic!("{other:?}"),
    }
    let (provider, reader) = (beta.provider().clone(), Reader::Peer(beta.provider().clone()));
    let (state, feed) = alpha.reads(move |view| Ok((view.peer_state(&provider)?, view.feed(&reader)?))).await;
    assert!(state == PeerState::Allowed && feed.is_some(), "nothing has changed");
    for refused in [
        alpha.node().operator().losses(peer(alpha)).await.map(drop),
        alpha.node().operator().end_connections(alpha.provider().clone()).await,
    ] {
        assert_eq!(refused.unwrap_err().code(), "unfit", "what is between two people here is no peer's");
    }
    let unknown = Forgettable::Peer(peers.federation.nobody());
    let refused = alpha.node().operator().losses(unknown).await.unwrap_err();
    assert_eq!(refused.code(), "no-such-peer");
}

#[tokio::test]
async fn a_peer_that_is_gone_is_forgotten_whole_and_comes_back_as_a_stranger() {
    let (_federation, [alpha, beta]) = federation().await;
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let (alice, bob, bea) = (alpha.user("alice").await, beta.user("bob").await, beta.user("bea").await);
    // Of one connection alice's provider has made the request, of the other bob's.
    let by_alice = alice.asks_to_connect(bob.uri()).await;
    beta.hears_of(by_alice).await;
    beta.decides(by_alice, Decision::Approve).await;
    alpha.sees(by_alice, ConnectionState::Approved).await;
    let by_bea = bea.asks_to_connect(alice.uri()).await;
    alpha.hears_of(by_bea).await;
    alpha.decides(by_bea, Decision::Approve).await;
    beta.sees(by_bea, ConnectionState::Approved).await;
    alpha.waits_for_pull_by(beta.provider()).await;
    beta.stop().await;
    misses(&alpha, beta.provider()).await;

    let seen = losses(&alpha, &peer(&beta)).await;
    assert_eq!(codes(&seen), [HoldCode::Connected]);
    assert!(seen.holds[0].text.starts_with("2 connections hold"), "{}", seen.holds[0].text);
    alpha.node().operator().end_connections(beta.provider().clone()).await.unwrap();
    let seen = losses(&alpha, &peer(&beta)).await;
    assert_eq!(codes(&seen), []);
    assert!(loses(&seen, "1 item in its feed that it has not fetched"), "{seen:#?}");
    assert!(seen.stays.iter().any(|stays| stays.starts_with("1 end of a request")), "{seen:#?}");

    // What is asked meanwhile is more than was shown.
    let asked = alice.asks_to_connect(&beta.address("ben")).await;
    let refused = forgets(&alpha, &peer(&beta), &seen).await.unwrap_err();
    assert_eq!(refused.code(), "losses-changed");
    alpha.sees(asked, ConnectionState::Pending).await;
    let seen = losses(&alpha, &peer(&beta)).await;
    assert!(loses(&seen, "1 request of somebody here that waits"), "{seen:#?}");
    forgets(&alpha, &peer(&beta), &seen).await.unwrap();

    let is_gone = async || {
        let (provider, reader) = (beta.provider().clone(), Reader::Peer(beta.provider().clone()));
        alpha
            .reads(move |view| {
                assert_eq!(view.peer(&provider)?, None);
                assert_eq!(view.accepted_keys(&provider)?, []);
                assert_eq!(view.troubles(&provider)?, []);
                assert!(view.feed(&reader)?.is_none() && view.cursor(&provider)?.is_none());
                assert_eq!(view.requests_with::<Addition>(&provider)?, []);
                // What beta would have to be told is all that is left.
                let rows = view.requests_with::<Connection>(&provider)?;
                assert!(rows.iter().all(|row| row.unsent == Some(Unsent::Delete)), "{rows:#?}");
                assert!(rows.iter().all(|row| row.state == ConnectionState::Ended));
                assert_eq!(rows.len(), 2);
                Ok(())
            })
            .await;
        let node = alpha.node();
        let filter = TrafficFilter { peer: Some(beta.provider().clone()), ..TrafficFilter::default() };
        let log = node.operator().traffic().select(filter, None, 10).await.unwrap();
        assert_eq!(log.len(), 0, "{log:#?}");
        let heartbeat = node.operator().traffic().heartbeat(beta.provider(), HeartbeatSpan::Hour).await;
        let heartbeat = heartbeat.unwrap().unwrap();
        let counted = |slots: &[drawbridge_node::traffic::Slot]| {
            slots.iter().map(|slot| slot.good + slot.failed).sum::<u64>()
        };
        assert_eq!(counted(&heartbeat.ours) + counted(&heartbeat.theirs), 0);
        assert!(alpha.node().operator().pulling(beta.provider()).is_none());
    };
    let idle = |node: &drawbridge_node::Node| node.operator().pulling(beta.provider()).is_none();
    alpha.until_node("nobody asks beta", idle).await;
    is_gone().await;
    // Once more, and after a restart.
    assert_eq!(forgets(&alpha, &peer(&beta), &seen).await.unwrap_err().code(), "no-such-peer");
    alpha.stop().await;
    alpha.start().await;
    is_gone().await;

    beta.start().await;
    alpha.sees_peer(beta.provider(), PeerState::Pending).await;
    beta.sees(by_alice, ConnectionState::Approved).await;
    alpha.allows(beta.provider()).await;
    // It hears that what it holds has ended, and what it had asked itself it asks anew.
    beta.sees(by_alice, ConnectionState::Ended).await;
    beta.sees(by_bea, ConnectionState::Pending).await;
    alpha.sees(by_bea, ConnectionState::Pending).await;
}

#[tokio::test]
async fn who_has_the_name_of_a_forgotten_peer_is_trusted_with_nothing() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let gone = federation.nobody();
    alpha.allows(&gone).await;
    let operator = alpha.node();
    let operator = operator.operator();
    let alice = alpha.user("alice").await;
    use drawbridge_node::operator::{AddRule, RuleKind};
    let [ben, bad] = ["ben", "bad"].map(|name| format!("mimi://{gone}/u/{name}"));
    operator.set_rule(None, gone.to_string(), Some(RuleKind::Allow)).await.unwrap();
    operator.set_rule(None, bad.clone(), Some(RuleKind::Block)).await.unwrap();
    operator.set_add_rule(alice.uri().name().clone(), ben.parse().unwrap(), AddRule::Allow).await.unwrap();
    operator.set_add_rule(alice.uri().name().clone(), bad.parse().unwrap(), AddRule::Never).await.unwrap();
    operator.trust_certificate(gone.clone(), Some("0".repeat(64).parse().unwrap())).await.unwrap();
    let of = Forgettable::Peer(gone.clone());
    let seen = losses(&alpha, &of).await;
    assert!(loses(&seen, "2 rules by which people there are let in"), "{seen:#?}");
    assert!(seen.stays.contains(&"2 rules that keep people there away".to_owned()), "{seen:#?}");
    forgets(&alpha, &of, &seen).await.unwrap();
    let rules = operator.rules().await.unwrap();
    assert_eq!(
        rules.iter().map(|rule| (&*rule.source, rule.kind)).collect::<Vec<_>>(),
        [(&*bad, RuleKind::Block)]
    );
    let (name, users) = (alice.uri().name().clone(), [ben, bad].map(|user| user.parse().unwrap()));
    let kept = alpha.reads(move |view| {
        users.each_ref().map(|user| view.add_rule(&name, user)).into_iter().collect::<Result<Vec<_>, _>>()
    });
    assert_eq!(kept.await, [AddRule::Ask, AddRule::Never]);
    assert_eq!(operator.trusted_certificates().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_group_whose_owner_is_gone_is_forgotten_and_does_not_come_back_by_what_its_owner_tells() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!("it is of two") };
    let (alice, bob) = (peers.client(0, "alice").await, peers.client(1, "bob").await);
    let choir = peers.group("choir", &bob, &[&alice]).await;
    beta.waits_for_pull_by(alpha.provider()).await;
    let of = Forgettable::Group(choir.clone());
    let seen = losses(alpha, &of).await;
    assert_eq!(codes(&seen), [HoldCode::OwnerAnswers]);
    assert!(seen.holds[0].text.contains("alice leaves it first"), "{}", seen.holds[0].text);
    assert_eq!(codes(&losses(beta, &of).await), [HoldCode::Ours]);

    let said = bob.says(&choir, "la");
    let last = bob.does(&choir, &said).await;
    alice.hears_of(&choir, last.seq).await;
    beta.stop().await;
    misses(alpha, beta.provider()).await;
    let waits = alice.says(&choir, "is anybody there?");
    assert!(matches!(alice.submits(&choir, &waits).await, Outcome::Queued));
    let seen = losses(alpha, &of).await;
    assert_eq!(codes(&seen), []);
    assert!(loses(&seen, "1 submission that waits"), "{seen:#?}");
    assert!(seen.lost[0].octets.is_some_and(|octets| octets > 0), "{seen:#?}");
    assert!(seen.means.iter().any(|means| means.contains("still see that alice is in it")), "{seen:#?}");
    let peer_of = losses(alpha, &peer(beta)).await;
    assert!(codes(&peer_of).contains(&HoldCode::OwnsGroup));
    forgets(alpha, &of, &seen).await.unwrap();

    // Alice's client is told, and its feed has no gap and nothing that cannot be read.
    let result = alice.hears("the message is not brought", |alice| alice.result(&choir, waits.id)).await;
    match result.outcome {
        Outcome::Rejected(problem) => assert_eq!(problem.known(), Some(Code::NotFound)),
        other => panic!("{other:?}"),
    }
    let is_removed = |item: &ItemBody| matches!(item, ItemBody::Removed(removed) if removed.group == choir);
    let told = alice
        .hears("she is out", |alice| alice.items().iter().any(|item| is_removed(&item.body)).then_some(()));
    told.await;
    let whole = alice.feed(&FeedQuery::default()).await.unwrap();
    let numbers: Vec<u64> = whole.items.iter().map(|item| item.seq).collect();
    assert_eq!(numbers, (whole.first..=whole.head).collect::<Vec<_>>());
    assert!(!whole.items.iter().any(|item| matches!(item.body, ItemBody::Event(_))));
    let refused = alice.tries_to_submit(&choir, vec![waits.clone()]).await.unwrap_err();
    assert_eq!(refused.known(), Some(Code::NotFound));
    assert_eq!(forgets(alpha, &of, &seen).await.unwrap_err().code(), "no-such-group");

    // Its owner comes back, and goes on telling.
    beta.start().await;
    let later = bob.does(&choir, &bob.says(&choir, "la la")).await;
    assert!(later.seq > last.seq);
    let reader = Reader::Peer(alpha.provider().clone());
    let head = beta.reads(move |view| Ok(view.feed(&reader)?.unwrap().head)).await;
    let provider = beta.provider().clone();
    alpha
        .until("what beta told has come", move |view| {
            Ok(view.cursor(&provider)?.filter(|cursor| cursor.seq >= head))
        })
        .await;
    let gone = |group: GroupUri| alpha.reads(move |view| view.group(&group));
    assert_eq!(gone(choir.clone()).await, None);
    // Its feed begins anew, upon which groups are looked for whose Welcome may be lost.
    let reader = Reader::Peer(alpha.provider().clone());
    let anew = beta.node().store().write(move |tx| tx.renew_feed(&reader)).await.unwrap().unwrap();
    let provider = beta.provider().clone();
    alpha
        .until("what beta told has come once more", move |view| {
            let cursor = view.cursor(&provider)?;
            Ok(cursor.filter(|cursor| cursor.generation == anew.generation && cursor.seq >= anew.head))
        })
        .await;
    assert_eq!(gone(choir.clone()).await, None);

    // She is taken out, and added anew by her own leave.
    let out = bob.does(&choir, &bob.commit(&choir, CommitPlan::removing(alice.uri()))).await;
    bob.hears_of(&choir, out.seq).await;
    alice.forgets_group(&choir);
    alice.publishes(5).await;
    peers.adds(&bob, &choir, &[&alice]).await;
    assert!(gone(choir.clone()).await.is_some());
    bob.does(&choir, &bob.says(&choir, "welcome back")).await;
    alice.hears_said(&choir, "welcome back").await;
}

#[tokio::test]
async fn a_group_that_is_over_outlives_its_forgotten_owner_and_is_forgotten_by_itself() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!("it is of two") };
    let (alice, bob) = (peers.client(0, "alice").await, peers.client(1, "bob").await);
    let choir = peers.group("choir", &bob, &[&alice]).await;
    bob.does(&choir, &bob.commit(&choir, CommitPlan::removing(alice.uri()))).await;
    is_over(alpha, &choir).await;
    beta.stop().await;
    misses(alpha, beta.provider()).await;
    alpha.node().operator().end_connections(beta.provider().clone()).await.unwrap();
    let seen = losses(alpha, &peer(beta)).await;
    assert_eq!(codes(&seen), []);
    assert!(seen.stays.iter().any(|stays| stays.starts_with("1 copy of a group of its")), "{seen:#?}");
    forgets(alpha, &peer(beta), &seen).await.unwrap();

    // What is left of it is read, keeps its owner from being asked, and goes when it is to.
    let (provider, uri) = (beta.provider().clone(), choir.clone());
    let (known, row) = alpha.reads(move |view| Ok((view.peer(&provider)?, view.group(&uri)?.unwrap()))).await;
    assert!(known.is_none() && row.standing == Standing::Over, "{row:?}");
    let owner = beta.provider().clone();
    alpha.until_node("its owner is not asked", |node| node.operator().pulling(&owner).is_none()).await;
    let of = Forgettable::Group(choir.clone());
    let seen = losses(alpha, &of).await;
    assert_eq!(codes(&seen), []);
    forgets(alpha, &of, &seen).await.unwrap();
    assert_eq!(alpha.reads(move |view| view.group(&choir)).await, None);
    assert_eq!(alpha.node().operator().losses(peer(beta)).await.unwrap_err().code(), "no-such-peer");
}

/// Returns when nobody here is in a group any more.
async fn is_over(test_node: &TestNode, group: &GroupUri) {
    let uri = group.clone();
    let is_over = move |view: &View<'_>| {
        let row = view.group(&uri)?;
        Ok::<_, StoreFault>(row.filter(|row| row.standing == Standing::Over).map(drop))
    };
    test_node.until("the group is over", is_over).await;
}

#[tokio::test]
async fn what_was_agreed_to_for_a_forgotten_group_is_taken_back() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!("it is of two") };
    let (alice, anna, bob) =
        (peers.client(0, "alice").await, peers.client(0, "anna").await, peers.client(1, "bob").await);
    let choir = peers.group("choir", &bob, &[&alice]).await;
    peers.connects(bob.user(), anna.user()).await;
    let asked = peers.authorizes(&bob, &choir, anna.user()).await;
    // She has left by now, so the group is over here.
    bob.does(&choir, &bob.commit(&choir, CommitPlan::removing(alice.uri()))).await;
    is_over(alpha, &choir).await;
    let of = Forgettable::Group(choir.clone());
    let seen = losses(alpha, &of).await;
    assert_eq!(codes(&seen), [], "a group that is over needs no owner that is gone");
    assert!(loses(&seen, "1 request to add somebody, or leave to do so"), "{seen:#?}");
    forgets(alpha, &of, &seen).await.unwrap();
    // Bob's provider is told, and has nothing by which anna could be added.
    beta.sees_addition(asked.id, ConnectionState::Ended).await;
    let agreed = beta.provider().clone();
    assert_eq!(alpha.reads(move |view| view.groups_agreed_to(&agreed)).await, []);
}

/// Asks an installation after each of its events, until there is what is looked for.
async fn until<T>(
    host: &Host,
    what: &str,
    command: &str,
    request: Value,
    find: impl Fn(&Value) -> Option<T>,
) -> T {
    let (mut events, mut seen) = (host.subscribe(None), Value::Null);
    let found = tokio::time::timeout(WAIT_LIMIT, async {
        loop {
            seen = commands::call(host, command, request.clone()).await.unwrap_or_else(|fault| json!(fault));
            if let Some(found) = find(&seen) {
                return found;
            }
            // What a built-in client has found by itself is not all announced.
            let _ = tokio::time::timeout(Duration::from_millis(200), events.next()).await;
        }
    });
    found.await.unwrap_or_else(|_| panic!("it never came about that {what}: {seen:#}"))
}

async fn call(host: &Host, command: &str, request: Value) -> Value {
    commands::call(host, command, request).await.unwrap_or_else(|fault| panic!("{command}: {fault:?}"))
}

/// Lets go of what `of` names, as a person does who has seen what is lost.
async fn lets_go(host: &Host, of: &Value) -> Result<Value, AdminError> {
    let seen = commands::call(host, "losses", json!({ "of": of })).await?;
    commands::call(host, "forget", json!({ "of": of, "seen": seen["seen"] })).await
}

/// Ann and ben, who are connected, and a group of hers: his address and that of the group.
async fn tea(host: &Host) -> [Value; 2] {
    for name in ["ann", "ben"] {
        call(host, "create-user", json!({ "name": name })).await;
        call(host, "open-account", json!({ "user": name })).await;
    }
    let users = call(host, "users", json!({})).await;
    let ben = users["users"][1]["uri"].clone();
    let asked = call(host, "connect", json!({ "user": "ann", "to": ben })).await;
    call(host, "decide-connection", json!({ "id": asked["id"], "decision": "approve" })).await;
    let make = json!({ "user": "ann", "name": "Tea", "add": "members", "send": "members" });
    [ben, call(host, "create-group", make).await["group"].clone()]
}

/// Ann adds ben to a group, by his leave.
async fn ann_adds(host: &Host, ben: &Value, group: &Value) {
    let ask = json!({ "user": "ann", "group": group, "other": ben });
    let request = until(host, "ben may be asked", "ask-to-add", ask, |asked| asked.get("id").cloned()).await;
    call(host, "decide-authorization", json!({ "id": request, "decision": "approve" })).await;
    let read = json!({ "user": "ben", "group": group });
    let is_in = |seen: &Value| (seen["summary"]["standing"] == "live").then_some(());
    until(host, "ben is in it", "conversation", read, is_in).await;
}

/// Whether a conversation has a message of that text.
fn heard(text: &'static str) -> impl Fn(&Value) -> Option<()> {
    move |seen| {
        let messages = seen["messages"].as_array()?;
        messages.iter().any(|message| message["text"] == text).then_some(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_is_forgotten_once_it_was_left_and_begins_anew_where_somebody_adds_again() {
    let federation = Federation::new();
    let host = Host::serve(federation.config(|_| {})).await.unwrap();
    let [ben, group] = tea(&host).await;
    ann_adds(&host, &ben, &group).await;
    call(&host, "send-message", json!({ "user": "ann", "group": group, "text": "a secret" })).await;
    let read = json!({ "user": "ben", "group": group });
    until(&host, "ben hears it", "conversation", read.clone(), heard("a secret")).await;

    let of = json!({ "kind": "conversation", "user": "ben", "group": group });
    let seen = call(&host, "losses", json!({ "of": of })).await;
    assert_eq!((&seen["holds"][0]["code"], &seen["holds"][0]["group"]), (&json!("still-in"), &group));
    assert_eq!(lets_go(&host, &of).await.unwrap_err().code, "held");
    call(&host, "leave-group", json!({ "user": "ben", "group": group })).await;
    let free = |seen: &Value| (seen["holds"] == json!([])).then_some(());
    until(&host, "ben is out", "losses", json!({ "of": of }), free).await;

    let seen = call(&host, "losses", json!({ "of": of })).await;
    let octets = seen["lost"][0]["octets"].as_u64().unwrap();
    assert!(octets > 100 && seen["holds"] == json!([]), "{seen:#}");
    let wrong = commands::call(&host, "forget", json!({ "of": of, "seen": "0000000000000000" })).await;
    assert_eq!(wrong.unwrap_err().code, "losses-changed");
    lets_go(&host, &of).await.unwrap();
    let gone = commands::call(&host, "conversation", read.clone()).await.unwrap_err();
    assert_eq!(gone.code, "no-conversation");
    assert_eq!(lets_go(&host, &of).await.unwrap_err().code, "no-conversation");
    let hits = call(&host, "search-messages", json!({ "user": "ben", "text": "secret" })).await;
    assert_eq!(hits["hits"], json!([]));

    ann_adds(&host, &ben, &group).await;
    call(&host, "send-message", json!({ "user": "ann", "group": group, "text": "welcome back" })).await;
    until(&host, "ben hears again", "conversation", read.clone(), heard("welcome back")).await;
    let again = call(&host, "conversation", read).await;
    assert!(heard("a secret")(&again).is_none(), "what was before is gone: {again:#}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_conversation_begins_anew_also_where_the_keys_for_it_are_lost() {
    let federation = Federation::new();
    let config = federation.config(|_| {});
    let host = Host::serve(config.clone()).await.unwrap();
    let [ben, group] = tea(&host).await;
    ann_adds(&host, &ben, &group).await;
    call(&host, "leave-group", json!({ "user": "ben", "group": group })).await;
    let of = json!({ "kind": "conversation", "user": "ben", "group": group });
    let free = |seen: &Value| (seen["holds"] == json!([])).then_some(());
    until(&host, "ben is out", "losses", json!({ "of": of }), free).await;
    lets_go(&host, &of).await.unwrap();
    host.stop().await;

    // His client's file goes back to before it made the KeyPackages that his provider hands out.
    let file = rusqlite::Connection::open(config.data_dir.join("clients").join("ben.sqlite")).unwrap();
    assert!(file.execute("DELETE FROM key_package", []).unwrap() > 0);
    file.close().unwrap();
    let host = Host::serve(config).await.unwrap();
    ann_adds(&host, &ben, &group).await;
    call(&host, "send-message", json!({ "user": "ann", "group": group, "text": "welcome back" })).await;
    let read = json!({ "user": "ben", "group": group });
    until(&host, "ben hears again", "conversation", read, heard("welcome back")).await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_that_its_last_member_has_left_stays_forgotten_over_a_restart() {
    let federation = Federation::new();
    let config = federation.config(|_| {});
    let host = Host::serve(config.clone()).await.unwrap();
    call(&host, "create-user", json!({ "name": "ann" })).await;
    call(&host, "open-account", json!({ "user": "ann" })).await;
    let make = json!({ "user": "ann", "name": "Notes", "add": "members", "send": "members" });
    let group = call(&host, "create-group", make).await["group"].clone();
    call(&host, "leave-group", json!({ "user": "ann", "group": group })).await;
    let of = json!({ "kind": "conversation", "user": "ann", "group": group });
    let free = |seen: &Value| (seen["holds"] == json!([])).then_some(());
    until(&host, "ann has left", "losses", json!({ "of": of }), free).await;
    lets_go(&host, &of).await.unwrap();
    host.stop().await;

    // Her provider still counts her in, and her client looks for groups that it should be in: this one it passes over.
    let host = Host::serve(config).await.unwrap();
    let make = json!({ "user": "ann", "name": "Lists", "add": "members", "send": "members" });
    let other = call(&host, "create-group", make).await["group"].clone();
    let say = json!({ "user": "ann", "group": other, "text": "milk" });
    call(&host, "send-message", say).await;
    let accepted = |seen: &Value| {
        seen["messages"]
            .as_array()?
            .iter()
            .any(|line| line["state"] == "accepted" && line["text"] == "milk")
            .then_some(())
    };
    until(&host, "her client has looked", "conversation", json!({ "user": "ann", "group": other }), accepted)
        .await;
    let list = call(&host, "conversations", json!({ "user": "ann" })).await;
    let groups: Vec<_> = list["conversations"].as_array().unwrap().iter().map(|one| &one["group"]).collect();
    assert_eq!(groups, [&other]);

    // Nobody else is in it, so her provider need not keep it either.
    lets_go(&host, &json!({ "kind": "group", "group": group })).await.unwrap();
    let groups = call(&host, "groups", json!({})).await;
    assert_eq!(groups["groups"].as_array().unwrap().len(), 1);
    call(&host, "send-message", json!({ "user": "ann", "group": other, "text": "bread" })).await;
    let bread = |seen: &Value| {
        let lines = seen["messages"].as_array()?;
        lines.iter().any(|line| line["state"] == "accepted" && line["text"] == "bread").then_some(())
    };
    until(&host, "the other goes on", "conversation", json!({ "user": "ann", "group": other }), bread).await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_goes_with_all_that_is_its_own_and_the_others_hear_of_it() {
    let federation = Federation::new();
    let config = federation.config(|_| {});
    let provider = config.provider.clone();
    let host = Host::serve(config.clone()).await.unwrap();
    let beta = federation.node(|_| {}).await;
    beta.allows(&provider).await;
    let (ben, bea) = (beta.user("ben").await, beta.user("bea").await);
    call(&host, "set-peer", json!({ "provider": beta.provider(), "state": "allowed" })).await;
    for name in ["ann", "zoe"] {
        call(&host, "create-user", json!({ "name": name })).await;
    }
    call(&host, "open-account", json!({ "user": "ann" })).await;
    let token = call(&host, "create-client", json!({ "user": "ann", "name": "phone" })).await;
    let asked = call(&host, "connect", json!({ "user": "ann", "to": ben.uri() })).await["id"].clone();
    let asked = serde_json::from_value(asked).unwrap();
    beta.hears_of(asked).await;
    beta.decides(asked, Decision::Approve).await;
    let connected = |seen: &Value| {
        let all = seen["connections"].as_array()?;
        all.iter().any(|one| one["state"] == "approved").then_some(())
    };
    until(&host, "they are connected", "connections", json!({}), connected).await;
    let ann = format!("mimi://{provider}/u/ann").parse().unwrap();
    let waiting = bea.asks_to_connect(&ann).await;
    let make = json!({ "user": "ann", "name": "Tea", "add": "members", "send": "members" });
    let group = call(&host, "create-group", make).await["group"].clone();
    let waits = |seen: &Value| (!seen["incoming"].as_array()?.is_empty()).then_some(());
    until(&host, "bea's request waits", "approvals", json!({}), waits).await;
    let file = config.data_dir.join("clients").join("ann.sqlite");
    assert!(file.exists());

    let of = json!({ "kind": "account", "user": "ann" });
    let seen = call(&host, "losses", json!({ "of": of })).await;
    let lost: Vec<&str> =
        seen["lost"].as_array().unwrap().iter().map(|loss| loss["what"].as_str().unwrap()).collect();
    for part in
        ["its client drawbridge", "its client phone", "1 connection,", "1 request to it", "1 conversation on"]
    {
        assert!(lost.iter().any(|loss| loss.starts_with(part)), "{part}: {seen:#}");
    }
    assert!(seen["means"].to_string().contains(group.as_str().unwrap()), "{seen:#}");
    lets_go(&host, &of).await.unwrap();
    assert!(!file.exists());
    let users = call(&host, "users", json!({})).await;
    assert_eq!(users["users"].as_array().unwrap().len(), 1);
    assert_eq!(lets_go(&host, &of).await.unwrap_err().code, "no-such-user");
    beta.sees(asked, ConnectionState::Ended).await;
    // A token that was given opens nothing, and bea is told what she would be told of anybody who never was.
    let api = drawbridge_testkit::ApiClient::at(
        config.client.as_ref().unwrap().listen,
        token["client"].as_str().unwrap().parse().unwrap(),
        token["token"].as_str().unwrap().to_owned(),
    );
    let ask = json!({ "to": ben.uri() });
    let (status, _) = api.exchange(http::Method::POST, "/connections", Some(ask)).await;
    assert_eq!(status, http::StatusCode::UNAUTHORIZED);
    beta.sees(waiting, ConnectionState::Pending).await;
    let approvals = call(&host, "approvals", json!({})).await;
    assert_eq!(approvals["incoming"], json!([]));
    let connections = call(&host, "connections", json!({})).await;
    let open: Vec<_> =
        connections["connections"].as_array().unwrap().iter().filter(|one| one["state"] != "ended").collect();
    assert_eq!(open, Vec::<&Value>::new());

    // Of the group that only she was in, nobody needs anything.
    lets_go(&host, &json!({ "kind": "group", "group": group })).await.unwrap();

    // Who gets the name has nothing of it.
    call(&host, "create-user", json!({ "name": "ann" })).await;
    let users = call(&host, "users", json!({})).await;
    assert_eq!((&users["users"][0]["clients"], &users["users"][0]["contacts"]), (&json!([]), &json!([])));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_kill_leaves_of_an_account_goes_at_the_next_start() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    alpha.user("ann").await;
    alpha.user("zoe").await;
    let folder = alpha.config().data_dir.join("clients");
    std::fs::create_dir_all(&folder).unwrap();
    let key = alpha.config().data_dir.join("clients.key");
    drawbridge_client::StorageKey::load_or_make(&key, &drawbridge_node::ambient::System).unwrap();
    let file = |name: &str| folder.join(format!("{name}.sqlite"));
    // The program ends between the store, which has the account no more, and the file of its client.
    let of = Forgettable::Account("ann".parse().unwrap());
    forgets(&alpha, &of, &losses(&alpha, &of).await).await.unwrap();
    for name in ["ann", "zoe"] {
        std::fs::write(file(name), "what was said").unwrap();
    }
    alpha.stop().await;
    let host = Host::serve(alpha.config().clone()).await.unwrap();
    assert!(!file("ann").exists() && file("zoe").exists(), "of nobody else is anything removed");
    host.stop().await;
    alpha.start().await;
    assert_eq!(alpha.node().operator().accounts_let_go().await.unwrap(), []);
}

#[tokio::test]
async fn what_a_kill_leaves_of_a_group_goes_at_the_next_start() {
    let peers = MutualPeers::of(1).await;
    let alpha = &peers.nodes[0];
    let alice = peers.client(0, "alice").await;
    let notes = peers.group("notes", &alice, &[]).await;
    for text in ["milk", "bread", "salt"] {
        alice.does(&notes, &alice.says(&notes, text)).await;
    }
    // The program ends as soon as the group is gone for everybody.
    let uri = notes.clone();
    let forget = move |tx: &Tx<'_>| {
        let row = tx.group(&uri)?.unwrap();
        tx.forget_group(&row)?;
        let left: u64 = tx.forgotten_groups()?.into_values().sum();
        Ok::<_, StoreFault>(left)
    };
    let left = alpha.node().store().write(forget).await.unwrap();
    assert!(left >= 3, "{left}");
    alpha.stop().await;
    alpha.start().await;
    let are_gone = |view: &View<'_>| {
        let left: u64 = view.forgotten_groups()?.into_values().sum();
        Ok::<_, StoreFault>((left == 0).then_some(()))
    };
    alpha.until("the rows of the group are gone", are_gone).await;
    assert_eq!(alpha.reads(move |view| view.group(&notes)).await, None);
}

/// So many requests of people of one peer: more than end in one transaction.
const MANY: usize = 3_000;

/// People of `gone` have asked alice for connections, in that state.
async fn are_asked(alpha: &TestNode, gone: &Provider, state: ConnectionState) {
    let (to, now, gone) = (alpha.address("alice"), alpha.node().now(), gone.clone());
    let asked = move |tx: &Tx<'_>| {
        for number in 0..MANY {
            tx.put_request(&RequestRow {
                peer: gone.clone(),
                outgoing: false,
                id: tx.new_id(),
                from: format!("mimi://{gone}/u/p{number}").parse().unwrap(),
                to: to.clone(),
                created: now,
                expires: now.plus(Duration::from_secs(86_400)),
                state,
                changed: now,
                decided_by: None,
                told: false,
                ignored: false,
                unseen: false,
                unsent: None,
                refused: None,
                about: Connection,
            })?;
        }
        Ok::<_, StoreFault>(())
    };
    alpha.node().store().write(asked).await.unwrap();
}

/// How many requests of people of `peer` are in that state.
fn count(view: &View<'_>, peer: &Provider, state: ConnectionState) -> Result<usize, StoreFault> {
    Ok(view.requests_with::<Connection>(peer)?.iter().filter(|row| row.state == state).count())
}

/// Returns when somebody else has seen that some of them are in that state no more, and some are.
async fn is_amid(alpha: &TestNode, peer: &Provider, state: ConnectionState) {
    let peer = peer.clone();
    let is_amid = move |view: &View<'_>| {
        let left = count(view, &peer, state)?;
        Ok((0 < left && left < MANY).then_some(()))
    };
    alpha.until("some of the requests have ended", is_amid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_with_many_requests_goes_in_steps_also_where_that_is_cut_off() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    alpha.user("alice").await;
    let gone = federation.nobody();
    alpha.allows(&gone).await;
    are_asked(&alpha, &gone, ConnectionState::Pending).await;
    let of = Forgettable::Peer(gone.clone());
    let seen = losses(&alpha, &of).await;
    assert!(loses(&seen, &format!("{MANY} requests of people there that wait here")), "{seen:#?}");
    let cut_off = async {
        is_amid(&alpha, &gone, ConnectionState::Pending).await;
        alpha.stop().await;
    };
    let (begun, ()) = tokio::join!(forgets(&alpha, &of, &seen), cut_off);
    begun.unwrap_err();
    alpha.start().await;
    let peer = gone.clone();
    let is_gone = move |view: &View<'_>| {
        let is_gone = view.peer(&peer)?.is_none() && view.requests_with::<Connection>(&peer)?.is_empty();
        Ok(is_gone.then_some(()))
    };
    alpha.until("it is forgotten", is_gone).await;
    // It is another that comes back.
    alpha.allows(&gone).await;
    are_asked(&alpha, &gone, ConnectionState::Pending).await;
    alpha.stop().await;
    alpha.start().await;
    let left = alpha.reads(move |view| count(view, &gone, ConnectionState::Pending)).await;
    assert_eq!(left, MANY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_comes_to_be_needed_while_it_is_let_go_of_is_kept() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    alpha.user("alice").await;
    let gone = federation.nobody();
    alpha.allows(&gone).await;
    are_asked(&alpha, &gone, ConnectionState::Pending).await;
    let of = Forgettable::Peer(gone.clone());
    let seen = losses(&alpha, &of).await;
    let comes_in = async {
        is_amid(&alpha, &gone, ConnectionState::Pending).await;
        let uri = GroupUri::new(&gone, &"tea".parse().unwrap());
        let follow = move |tx: &Tx<'_>| {
            tx.add_group(&GroupRow {
                id: 0,
                uri,
                created: tx.now(),
                epoch: 0,
                first: 1,
                head: 0,
                hash: None,
                suite: 1,
                standing: Standing::Live,
                fault: None,
            })
        };
        alpha.node().store().write(follow).await.unwrap()
    };
    let (outcome, _) = tokio::join!(forgets(&alpha, &of, &seen), comes_in);
    assert_eq!(outcome.unwrap_err().code(), "held");
    let state = alpha
        .reads(move |view| Ok((view.peer_state(&gone)?, count(view, &gone, ConnectionState::Pending)?)))
        .await;
    assert_eq!(state, (PeerState::Allowed, 0));
    // Nothing is left to be gone on with.
    alpha.stop().await;
    alpha.start().await;
    assert_eq!(codes(&losses(&alpha, &of).await), [HoldCode::OwnsGroup]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_connections_end_in_steps_also_where_that_is_cut_off() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    alpha.user("alice").await;
    let gone = federation.nobody();
    alpha.allows(&gone).await;
    are_asked(&alpha, &gone, ConnectionState::Approved).await;
    let node = alpha.node();
    let cut_off = async {
        is_amid(&alpha, &gone, ConnectionState::Approved).await;
        alpha.stop().await;
    };
    let (begun, ()) = tokio::join!(node.operator().end_connections(gone.clone()), cut_off);
    begun.unwrap_err();
    drop(node);
    alpha.start().await;
    let peer = gone.clone();
    let are_over =
        move |view: &View<'_>| Ok((count(view, &peer, ConnectionState::Ended)? == MANY).then_some(()));
    alpha.until("all connections have ended", are_over).await;
}

#[tokio::test]
async fn nothing_is_let_go_of_where_the_disk_has_no_room_for_that() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    alpha.user("ann").await;
    let gone = federation.nobody();
    alpha.allows(&gone).await;
    let all = [Forgettable::Account("ann".parse().unwrap()), Forgettable::Peer(gone)];
    federation.clock().leaves_free(Some(20 << 20));
    for of in &all {
        let refused = forgets(&alpha, of, &losses(&alpha, of).await).await.unwrap_err();
        assert_eq!(refused.code(), "no-room");
        assert!(refused.to_string().starts_with("20 MiB are free"), "{refused}");
    }
    federation.clock().leaves_free(None);
    for of in &all {
        forgets(&alpha, of, &losses(&alpha, of).await).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_moment_leaves_a_peer_whole_or_forgotten() {
    const KILLS: usize = 12;
    let federation = Federation::new();
    let listen = federation.free_address();
    let alpha = federation
        .node(|config| {
            config.admin = Some(ListenConfig::plain(listen));
            config.peers.strangers = Strangers::Ask;
        })
        .await;
    let alice = alpha.user("alice").await;
    let peers: Vec<Provider> = (0..KILLS).map(|_| federation.nobody()).collect();
    for peer in &peers {
        alpha.allows(peer).await;
        alice.asks_to_connect(&format!("mimi://{peer}/u/bob").parse().unwrap()).await;
    }
    alpha.stop().await;
    for (place, peer) in (0..).zip(&peers) {
        let daemon = Daemon::start(alpha.config()).await;
        let of = json!({ "of": { "kind": "peer", "provider": peer } });
        let seen = Daemon::answer(alpha.config(), "losses", &of)["seen"].as_str().unwrap().to_owned();
        let mut command = Daemon::command("forget", alpha.config());
        let mut asking = command.args(["peer", peer.as_str(), "--seen", &seen]).spawn().unwrap();
        // Before it has asked, while it is done, and after.
        tokio::time::sleep(Duration::from_millis(place)).await;
        daemon.kill();
        asking.wait().unwrap();
    }
    alpha.start().await;
    let mut forgotten = 0;
    for peer in peers {
        let (reader, provider) = (Reader::Peer(peer.clone()), peer.clone());
        let [is_known, has_feed, is_open] = alpha
            .reads(move |view| {
                let rows = view.requests_with::<Connection>(&provider)?;
                assert_eq!(rows.len(), 1);
                Ok([view.peer(&provider)?.is_some(), view.feed(&reader)?.is_some(), rows[0].is_open()])
            })
            .await;
        assert!(is_known == has_feed && is_known == is_open, "{peer}: {is_known} {has_feed} {is_open}");
        forgotten += usize::from(!is_known);
        // What was cut off is done when it is asked for again.
        let of = Forgettable::Peer(peer);
        if is_known {
            forgets(&alpha, &of, &losses(&alpha, &of).await).await.unwrap();
        }
    }
    println!("{forgotten} of {KILLS} were forgotten before the kill");
    assert_eq!(alpha.node().operator().peers().await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drawbridged_says_what_would_be_lost_and_forgets_what_was_seen() {
    let federation = Federation::new();
    let listen = federation.free_address();
    let config = federation.config(|config| config.admin = Some(ListenConfig::plain(listen)));
    let _daemon = Daemon::start(&config).await;
    let gone = federation.nobody();
    Daemon::answer(&config, "create-user", &json!({ "name": "ann" }));
    Daemon::answer(&config, "set-peer", &json!({ "provider": gone, "state": "allowed" }));
    let forget = |arguments: &[&str]| {
        let said = Daemon::command("forget", &config).args(arguments).output().unwrap();
        (said.status.code(), String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap())
    };
    let (status, out, _) = forget(&["peer", gone.as_str()]);
    assert_eq!(status, Some(0), "{out}");
    assert!(out.starts_with("What will be lost:\n  that it is let in"), "{out}");
    let seen = out.lines().last().unwrap().rsplit(' ').nth(2).unwrap().to_owned();
    let (status, _, error) = forget(&["peer", gone.as_str(), "--seen", "another"]);
    assert_eq!(status, Some(1));
    assert!(error.contains("look at it again"), "{error}");
    let (status, out, error) = forget(&["peer", gone.as_str(), "--seen", &seen]);
    assert_eq!((status, &*out), (Some(0), "It is forgotten.\n"), "{error}");
    let (status, _, error) = forget(&["peer", gone.as_str()]);
    assert!(status == Some(1) && error.contains("is not among the peers"), "{error}");
    let (status, out, _) = forget(&["--json", "account", "ann"]);
    let losses: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &losses["holds"]), (Some(0), &json!([])));
    let (status, out, _) = forget(&["account", "ann", "--seen", losses["seen"].as_str().unwrap()]);
    assert_eq!((status, &*out), (Some(0), "It is forgotten.\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_that_waits_while_its_account_is_deleted_leaves_no_feed_behind() {
    let peers = MutualPeers::of(1).await;
    let alpha = &peers.nodes[0];
    let alice = peers.client(0, "alice").await;
    let of = Forgettable::Account("alice".parse().unwrap());
    let seen = losses(alpha, &of).await;
    assert!(loses(&seen, "its client phone"), "{seen:#?}");
    let query = FeedQuery { wait: 30, ..FeedQuery::default() };
    let deleting = async {
        // Whether the pull waits by then or comes after, it is refused.
        tokio::task::yield_now().await;
        forgets(alpha, &of, &seen).await.unwrap();
    };
    let (pulled, ()) = tokio::join!(alice.feed(&query), deleting);
    let refused = pulled.unwrap_err();
    assert!(["not-found", "token-unknown"].contains(&&*refused.code), "{refused:?}");
    let reader = Reader::Client(alice.uri().clone());
    assert!(alpha.reads(move |view| view.feed(&reader)).await.is_none());
}
