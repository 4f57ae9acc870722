//! What a user's own clients ask their provider and are told by it (`docs/client-api.md`), over HTTP on loopback. Groups, KeyPackages
//! and authorizations have files of their own, whose tests speak the client API too.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeSet;

use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::message::{FeedQuery, ItemBody};
use drawbridge_mtp::problem::{Code, ReceivedProblem};
use drawbridge_node::Decision;
use drawbridge_node::store::{AddRule, RuleKind};
use drawbridge_testkit::{ApiClient, CommitPlan, Federation, MlsClient, MutualPeers};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The members of a JSON object.
fn members(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_client_is_told_who_it_is_and_which_suites_groups_may_have() {
    let federation = Federation::new();
    let alpha = federation.node_with_clients().await;
    let alice = alpha.user("alice").await;
    let phone = alice.api_client("phone").await;
    let me = json!({
        "provider": alpha.provider(), "user": alice.uri(), "client": phone.uri(), "cipher_suites": [1, 2, 3],
    });
    assert_eq!(phone.gets("/me").await, me);
}

#[tokio::test]
async fn a_token_that_is_absent_or_not_known_is_refused_by_name() {
    let federation = Federation::new();
    let alpha = federation.node_with_clients().await;
    let alice = alpha.user("alice").await;
    let node = alpha.node();
    let (user, name) = (alice.uri().name().clone(), "phone".parse().unwrap());
    let (_, old) = node.operator().create_client(user.clone(), name).await.unwrap();
    let (_, new) = node.operator().new_token(user, "phone".parse().unwrap()).await.unwrap();
    let address = node.listening().client.unwrap();
    let answered = async |authorization: &str| {
        let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /client/v1/me HTTP/1.1\r\nhost: {address}\r\n{authorization}connection: close\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let good = answered(&format!("authorization: Bearer {new}\r\n")).await;
    assert!(good.starts_with("HTTP/1.1 200 ") && !good.contains("www-authenticate"), "{good}");
    assert!(!good.contains("\r\nsignature"), "answers to clients are not signed: {good}");
    let unknown = format!("authorization: Bearer {old}\r\n");
    for authorization in ["", unknown.as_str(), "authorization: Bearer \r\n", "authorization: Basic YTpi\r\n"]
    {
        let answer = answered(authorization).await;
        let (head, content) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 401 "), "{answer}");
        assert!(head.contains("www-authenticate: Bearer"), "{answer}");
        let problem = ReceivedProblem::parse(content.as_bytes()).unwrap();
        assert_eq!(problem.known(), Some(Code::TokenUnknown), "{authorization:?}");
    }
}

#[tokio::test]
async fn requests_are_listed_in_both_directions_the_newest_first_and_told_to_whom_they_concern() {
    let federation = Federation::new();
    let alpha = federation.node_with_clients().await;
    let (alice, anna, amy) = (alpha.user("alice").await, alpha.user("anna").await, alpha.user("amy").await);
    let (hers, annas, amys) =
        (alice.api_client("phone").await, anna.api_client("phone").await, amy.api_client("phone").await);
    let tablet = anna.api_client("tablet").await;

    let (status, first) = hers.posts("/connections", json!({"to": anna.uri()})).await;
    assert_eq!((status, &first["state"]), (StatusCode::ACCEPTED, &json!("pending")));
    let (_, second) = amys.posts("/connections", json!({"to": alice.uri()})).await;
    let shown = hers.gets("/connections").await;
    assert_eq!(members(&shown), ["connections"].into());
    let shown = shown["connections"].as_array().unwrap();
    let ids: Vec<_> = shown.iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, [&second["id"], &first["id"]]);
    for one in shown {
        assert_eq!(members(one), ["id", "from", "to", "state", "created", "expires", "time"].into());
    }
    assert_eq!((&shown[1]["from"], &shown[1]["to"]), (&json!(alice.uri()), &json!(anna.uri())));

    // Each client of the one who is asked is told of what waits.
    for client in [&annas, &tablet] {
        let feed = client.gets("/feed?after=0").await;
        let told: Vec<_> = feed["items"].as_array().unwrap().iter().map(|item| &item["connection"]).collect();
        assert_eq!(told.len(), 1, "{feed}");
        assert_eq!(members(told[0]), ["id", "from", "to", "state", "time"].into());
        assert_eq!((&told[0]["id"], &told[0]["state"]), (&first["id"], &json!("pending")));
    }

    let id = first["id"].as_str().unwrap();
    annas.posts(&format!("/connections/{id}/approve"), json!({})).await;
    let group = alpha.group("picnic");
    let (_, asked) = hers.posts("/authorizations", json!({"group": group, "user": anna.uri()})).await;
    for (client, other) in [(&hers, &annas), (&annas, &hers)] {
        let shown = client.gets("/authorizations").await;
        assert_eq!(members(&shown), ["authorizations"].into());
        let one = &shown["authorizations"][0];
        let needed: BTreeSet<_> = ["id", "group", "adder", "user", "state", "expires", "time"].into();
        assert!(members(one).is_superset(&needed), "{one}");
        assert_eq!((&one["id"], &one["state"]), (&asked["id"], &json!("pending")), "{}", other.uri());
    }
    let feed = tablet.gets("/feed?after=0").await;
    let last = feed["items"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["type"], &last["authorization"]["state"]),
        (&json!("authorization"), &json!("pending"))
    );
    assert_eq!(last["authorization"]["id"], asked["id"]);
}

#[tokio::test]
async fn who_asks_to_add_somebody_that_lets_it_is_answered_approved_at_once() {
    let federation = Federation::new();
    let alpha = federation.node_with_clients().await;
    let (alice, anna) = (alpha.user("alice").await, alpha.user("anna").await);
    let phone = alice.api_client("phone").await;
    let asked = alice.asks_to_connect(anna.uri()).await;
    alpha.decides(asked, Decision::Approve).await;
    let name = anna.uri().name().clone();
    alpha.node().operator().set_add_rule(name, alice.uri().clone(), AddRule::Allow).await.unwrap();
    let ask = json!({"group": alpha.group("picnic"), "user": anna.uri(), "title": "Picnic"});
    let (status, told) = phone.posts("/authorizations", ask).await;
    assert_eq!((status, &told["state"]), (StatusCode::OK, &json!("approved")));
    assert_eq!(members(&told), ["id", "state"].into());
    let shown = &phone.gets("/authorizations").await["authorizations"][0];
    assert_eq!((&shown["id"], &shown["title"]), (&told["id"], &json!("Picnic")));
}

#[tokio::test]
async fn who_asks_a_user_of_its_own_provider_learns_of_no_refusal_either() {
    let federation = Federation::new();
    let alpha = federation.node_with_clients().await;
    let (alice, anna) = (alpha.user("alice").await, alpha.user("anna").await);
    let (hers, annas) = (alice.api_client("phone").await, anna.api_client("phone").await);
    let asks = async || {
        let (status, told) = hers.posts("/connections", json!({"to": anna.uri()})).await;
        assert_eq!((status, &told["state"]), (StatusCode::ACCEPTED, &json!("pending")));
        told["id"].as_str().unwrap().to_owned()
    };
    let decides = async |client: &ApiClient, id: &str, decision: &str| {
        let (status, told) = client.posts(&format!("/connections/{id}/{decision}"), json!({})).await;
        (status, told["state"].clone())
    };
    let newest = async |client: &ApiClient| {
        let shown = client.gets("/connections").await["connections"][0].clone();
        (shown["id"].as_str().unwrap().to_owned(), shown["state"].clone())
    };

    // One that was refused looks open to who asked, and can be taken back.
    let refused = asks().await;
    assert_eq!(decides(&annas, &refused, "decline").await, (StatusCode::OK, json!("declined")));
    assert_eq!(newest(&hers).await, (refused.clone(), json!("pending")));
    assert_eq!(asks().await, refused, "one that waits is not made again");
    assert_eq!(decides(&hers, &refused, "end").await, (StatusCode::OK, json!("ended")));

    // One that is open is taken back, not refused.
    let open = asks().await;
    assert_eq!(decides(&hers, &open, "end").await, (StatusCode::OK, json!("ended")));
    assert_eq!(newest(&annas).await, (open.clone(), json!("ended")));

    // One that a rule hides is shown to who asked alone.
    alpha.node().operator().set_rule(None, alice.uri().to_string(), Some(RuleKind::Block)).await.unwrap();
    let hidden = asks().await;
    assert_eq!(newest(&hers).await, (hidden.clone(), json!("pending")));
    assert_eq!(newest(&annas).await.0, open);
    assert_eq!(decides(&hers, &hidden, "end").await, (StatusCode::OK, json!("ended")));
}

/// What a client's feed says of its removal from a group, and whether that came behind the commit.
fn removals(client: &MlsClient, group: &GroupUri) -> Vec<(u64, bool)> {
    let mut told = 0;
    let mut removals = Vec::new();
    for item in client.items() {
        match item.body {
            ItemBody::Event(event) if event.group == *group => told = event.seq,
            ItemBody::Removed(removed) if removed.group == *group => {
                removals.push((removed.after_seq, told == removed.after_seq));
            }
            _ => {}
        }
    }
    removals
}

#[tokio::test]
async fn a_client_that_is_taken_out_is_told_so_once_behind_the_commit() {
    let peers = MutualPeers::of(2).await;
    let (ann, amy) = (peers.client(0, "ann").await, peers.client(0, "amy").await);
    let ben = peers.client(1, "ben").await;
    let tea = peers.group("tea", &ann, &[&amy, &ben]).await;
    let beta = &peers.nodes[1];
    let laptop = beta.client(ben.user(), "laptop").await;
    beta.follows(&tea, 1).await;
    let joined = laptop.joins(&tea, &laptop.info(&tea).await.unwrap());
    laptop.does(&tea, &joined).await;
    laptop.comes_into(&tea).await;
    ann.reaches(&tea, 2).await;
    beta.follows(&tea, 2).await;

    // One of two clients of the participant, and then the last: its provider is out with that.
    for (gone, epoch) in [(&ben, 3), (&amy, 4), (&laptop, 5)] {
        let cut = ann.does(&tea, &ann.commit(&tea, CommitPlan::removing(gone.uri()))).await;
        ann.reaches(&tea, epoch).await;
        let told = |client: &MlsClient| (!removals(client, &tea).is_empty()).then_some(());
        gone.hears("it is out", told).await;
        assert_eq!(removals(gone, &tea), [(cut.seq, true)]);
    }
    for client in [&ann, &amy, &ben, &laptop] {
        client.catches_up().await;
        assert_eq!(removals(client, &tea).len(), usize::from(client.uri() != ann.uri()), "{}", client.uri());
    }
}

#[tokio::test]
async fn a_client_need_not_name_the_last_item_and_is_reset_where_it_names_a_history_that_is_not() {
    let peers = MutualPeers::of(1).await;
    let (ann, amy) = (peers.client(0, "ann").await, peers.client(0, "amy").await);
    let tea = peers.group("tea", &ann, &[&amy]).await;
    let all = amy.feed(&FeedQuery::default()).await.unwrap();
    assert!(all.items.len() >= 2, "{all:?}");
    let query = FeedQuery { after: 1, generation: Some(all.generation), ..FeedQuery::default() };
    let rest = amy.feed(&query).await.unwrap();
    assert_eq!(rest.items, all.items[1..]);
    let beyond = FeedQuery { after: all.head + 1, ..query };
    let reset = amy.feed(&beyond).await.unwrap_err();
    assert_eq!(reset.known(), Some(Code::FeedReset));
    assert!(amy.is_in(&tea));
}

#[tokio::test]
async fn a_token_is_256_bits_and_kept_only_as_a_hash() {
    let federation = Federation::new();
    let alpha = federation.node_with_clients().await;
    let alice = alpha.user("alice").await;
    let (user, name) = (alice.uri().name().clone(), "phone".parse().unwrap());
    let (client, token) = alpha.node().operator().create_client(user.clone(), name).await.unwrap();
    // 43 characters of base64url hold 258 bits; the last two of them are none.
    assert_eq!(token.len(), 43);
    let (_, other) = alpha.node().operator().create_client(user, "tablet".parse().unwrap()).await.unwrap();
    assert_ne!(token, other);
    assert_eq!(
        ApiClient::of(client.clone(), token.clone(), &alpha).gets("/me").await["client"],
        json!(client)
    );
    alpha.stop().await;
    for entry in std::fs::read_dir(&alpha.config().data_dir).unwrap() {
        let path = entry.unwrap().path();
        let Ok(content) = std::fs::read(&path) else { continue };
        let is_there = content.windows(token.len()).any(|window| window == token.as_bytes());
        assert!(!is_there, "the token stands in {}", path.display());
    }
}

#[tokio::test]
async fn a_user_refuses_ends_and_revokes_by_its_client() {
    let federation = Federation::new();
    let alpha = federation.node_with_clients().await;
    let (alice, anna) = (alpha.user("alice").await, alpha.user("anna").await);
    let (hers, annas) = (alice.api_client("phone").await, anna.api_client("phone").await);
    let ask = async || {
        let (_, asked) = hers.posts("/connections", json!({"to": anna.uri()})).await;
        asked["id"].as_str().unwrap().to_owned()
    };
    let state = async |phone: &ApiClient| phone.gets("/connections").await["connections"][0]["state"].clone();

    let declined = ask().await;
    annas.posts(&format!("/connections/{declined}/decline"), json!({})).await;
    assert_eq!(state(&annas).await, "declined");
    assert_eq!(state(&hers).await, "pending", "a refusal is not told");
    let approved = ask().await;
    hers.expect_refusal(&format!("/connections/{approved}/approve"), json!({}), Code::NotFound).await;
    annas.expect_refusal(&format!("/connections/{approved}/allow"), json!({}), Code::NotFound).await;
    annas.posts(&format!("/connections/{approved}/approve"), json!({})).await;

    let group = alpha.group("picnic");
    let ask_to_add = json!({"group": group, "user": anna.uri()});
    let (_, asked) = hers.posts("/authorizations", ask_to_add).await;
    let id = asked["id"].as_str().unwrap();
    annas.posts(&format!("/authorizations/{id}/decline"), json!({})).await;
    let of =
        async |phone: &ApiClient| phone.gets("/authorizations").await["authorizations"][0]["state"].clone();
    assert_eq!((of(&annas).await, of(&hers).await), (json!("declined"), json!("pending")));

    hers.posts(&format!("/connections/{approved}/end"), json!({})).await;
    assert_eq!((state(&annas).await, state(&hers).await), (json!("ended"), json!("ended")));
}

#[tokio::test]
async fn a_client_is_told_of_its_users_groups_from_its_providers_copy() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    peers.nodes[1].follows(&tea, 1).await;
    let node = peers.nodes[1].node();
    let made = node.operator().create_client(ben.user().name().clone(), "tablet".parse().unwrap()).await;
    let (tablet, token) = made.unwrap();
    let tablet = ApiClient::of(tablet, token, &peers.nodes[1]);
    let at = format!("/groups/{}@{}", tea.name(), tea.provider());
    // How far the log reaches is asked of the owner.
    let status = tablet.gets(&at).await;
    assert_eq!(members(&status), ["group", "epoch", "head", "hash", "participants", "created"].into());
    peers.nodes[0].stop().await;

    let groups = tablet.gets("/groups").await;
    assert_eq!(members(&groups), ["groups"].into());
    let only = json!({"group": tea, "owner": ann.uri().provider(), "epoch": 1, "head": 2, "members": 2});
    assert_eq!(groups["groups"], json!([only]));
    let roster = tablet.gets(&format!("{at}/roster")).await;
    assert_eq!(members(&roster), ["epoch", "members"].into());
    // The log is told from where the user came in.
    let log = tablet.gets(&format!("{at}/log?after=0")).await;
    let told: Vec<_> = log["events"].as_array().unwrap().iter().map(|event| &event["seq"]).collect();
    assert!(told.is_empty() || told == [2], "{log}");
    let feed = tablet.gets("/feed?after=0").await;
    assert_eq!(feed["items"], json!([]), "this client is not in the group itself");
}

#[tokio::test]
async fn the_commit_of_a_welcome_comes_first_behind_it() {
    let peers = MutualPeers::of(2).await;
    let (ann, amy) = (peers.client(0, "ann").await, peers.client(0, "amy").await);
    let ben = peers.client(1, "ben").await;
    let tea = peers.group("tea", &ann, &[&amy, &ben]).await;
    // A client at the owner, and one at a participant.
    for client in [&amy, &ben] {
        client.catches_up().await;
        let of_tea = client.items().into_iter().filter_map(|item| match item.body {
            ItemBody::Welcome(welcome) if welcome.group == tea => Some(("welcome", welcome.from_seq, 0)),
            ItemBody::Event(event) if event.group == tea => Some(("event", event.seq, event.epoch)),
            _ => None,
        });
        // The commit ends epoch 0, and who is welcomed begins in epoch 1.
        assert_eq!(of_tea.collect::<Vec<_>>(), [("welcome", 2, 0), ("event", 2, 0)], "{}", client.uri());
    }
}

#[tokio::test]
async fn a_client_with_another_token_finds_its_feed_where_it_was() {
    let federation = Federation::new();
    let alpha = federation.node_with_clients().await;
    let (alice, anna) = (alpha.user("alice").await, alpha.user("anna").await);
    let phone = anna.api_client("phone").await;
    alice.asks_to_connect(anna.uri()).await;
    let before = phone.gets("/feed?after=0").await;
    assert_eq!(before["items"].as_array().unwrap().len(), 1);
    let name = anna.uri().name().clone();
    let (client, token) = alpha.node().operator().new_token(name, "phone".parse().unwrap()).await.unwrap();
    assert_eq!(ApiClient::of(client, token, &alpha).gets("/feed?after=0").await, before);
}
