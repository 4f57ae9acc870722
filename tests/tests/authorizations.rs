//! Who may be added to groups, and how the grant for it travels (`docs/mtp.md`, section 8), over TLS on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use drawbridge_mtp::grant::{GrantClaims, UnverifiedGrant};
use drawbridge_mtp::id::{GroupUri, Id, UserUri};
use drawbridge_mtp::keys::SecretKey;
use drawbridge_mtp::message::{
    AuthorizationItem, ConnectionItem, ConnectionState as State, FeedPage, ItemBody, PeerState,
};
use drawbridge_mtp::problem::Code;
use drawbridge_node::ambient::Ambient;
use drawbridge_node::store::{AddRule, Addition, Connection, RuleKind};
use drawbridge_node::{Decision, Misuse, Whom};
use drawbridge_testkit::{Federation, ScriptedPeer, TestNode, TestUser, federation};
use http::{Method, StatusCode};
use serde_json::json;

/// `from` at `beta` and `to` at `alpha` become connected.
async fn connect(alpha: &TestNode, to: &TestUser<'_>, beta: &TestNode, from: &TestUser<'_>) {
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let asked = from.asks_to_connect(to.uri()).await;
    alpha.hears_of(asked).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, State::Approved).await;
}

/// A user of a scripted peer and one of `alpha` become connected.
async fn connect_to_scripted_peer(alpha: &TestNode, user: &UserUri, peer: &ScriptedPeer, adder: &UserUri) {
    alpha.allows(peer.provider()).await;
    let asked = peer.request(adder, user);
    peer.posts(alpha.provider(), "/connections", &asked).send().await;
    let id: Id = asked["id"].as_str().unwrap().parse().unwrap();
    alpha.decides(id, Decision::Approve).await;
}

#[tokio::test]
async fn an_addition_is_asked_approved_and_granted_by_the_waiting_pull() {
    let (federation, [alpha, beta, gamma]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    connect(&alpha, &alice, &beta, &bob).await;
    let group = gamma.group("picnic");
    let asked = bob.asks_to_add(alice.uri(), &group).await;
    let held = alpha.hears_of_addition(asked).await;
    assert_eq!(
        (held.state, &held.from, &held.to, &held.about.group),
        (State::Pending, bob.uri(), alice.uri(), &group)
    );
    assert_eq!(bob.asks_to_add(alice.uri(), &group).await, asked, "one that waits is not made again");

    alpha.decides_addition(asked, Decision::Approve).await;
    let approved = beta.sees_addition(asked, State::Approved).await;
    let grant = UnverifiedGrant::parse(&approved.about.grant.unwrap().jws).unwrap();
    let document = alpha.node().operator().document_of(alpha.provider());
    assert!(document.is_none(), "nobody asks itself");
    let known = beta.node().operator().document_of(alpha.provider()).unwrap();
    let key = known.keys.iter().next().unwrap();
    let grant = grant.verify(key, gamma.provider(), federation.clock().now()).unwrap();
    let claims = grant.claims();
    assert_eq!((&claims.iss, &claims.sub, &claims.adder), (alpha.provider(), alice.uri(), bob.uri()));
    assert_eq!((&claims.group, claims.jti), (&group, asked));
    assert!(claims.exp <= approved.expires.as_secs());

    // The Welcome will come from the group's owner, so that is asked and waited at.
    alpha.sees_peer(gamma.provider(), PeerState::Allowed).await;
    gamma.allows(alpha.provider()).await;
    gamma.waits_for_pull_by(alpha.provider()).await;
}

#[tokio::test]
async fn who_is_not_connected_cannot_ask_and_learns_nothing() {
    let federation = Federation::new();
    let (alpha, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
    let alice = alpha.user("alice").await;
    let (eve, group) = (peer.address("eve"), alpha.group("picnic"));
    alpha.allows(peer.provider()).await;
    let there = peer
        .posts(alpha.provider(), "/authorizations", &peer.request_to_add(&eve, &group, alice.uri()))
        .expect_refusal(Code::NotConnected)
        .await;
    let nobody = alpha.address("nobody");
    let absent = peer
        .posts(alpha.provider(), "/authorizations", &peer.request_to_add(&eve, &group, &nobody))
        .expect_refusal(Code::NotConnected)
        .await;
    assert_eq!(there, absent);
    assert!(alpha.reads(|view| view.requests::<Addition>()).await.is_empty());

    let refused = alice.tries_to_add(&eve, &group, None).await;
    assert!(matches!(refused, Err(Misuse::NotConnected(..))), "{refused:?}");
}

#[tokio::test]
async fn wrong_parties_ids_and_times_are_refused_and_repeats_are_answered() {
    let federation = Federation::new();
    let (alpha, peer, other) =
        (federation.node(|_| {}).await, federation.scripted_peer(), federation.scripted_peer());
    let alice = alpha.user("alice").await;
    let (bob, group) = (peer.address("bob"), alpha.group("picnic"));
    let stranger =
        peer.posts(alpha.provider(), "/authorizations", &peer.request_to_add(&bob, &group, alice.uri()));
    stranger.expect_refusal(Code::PeerPending).await;
    connect_to_scripted_peer(&alpha, alice.uri(), &peer, &bob).await;
    connect_to_scripted_peer(&alpha, alice.uri(), &other, &other.address("olga")).await;
    let asks = |content: &serde_json::Value| peer.posts(alpha.provider(), "/authorizations", content);

    let foreign = peer.request_to_add(&other.address("olga"), &group, alice.uri());
    asks(&foreign).expect_refusal(Code::NotAuthorized).await;
    let elsewhere = peer.request_to_add(&bob, &group, &other.address("olga"));
    asks(&elsewhere).expect_refusal(Code::NotHere).await;
    let mut late = peer.request_to_add(&bob, &group, alice.uri());
    late["expires"] = json!(federation.clock().now().plus(Duration::from_secs(30 * 86_400 + 60)));
    asks(&late).expect_refusal(Code::Malformed).await;
    late["expires"] = json!(federation.clock().now());
    assert_eq!(asks(&late).send().await.json()["state"], "expired");
    assert!(alpha.reads(|view| view.requests::<Addition>()).await.is_empty());

    let request = peer.request_to_add(&bob, &group, alice.uri());
    for _ in 0..2 {
        let heard = asks(&request).send().await;
        assert_eq!((heard.status, &heard.json()["state"]), (StatusCode::ACCEPTED, &json!("pending")));
    }
    let mut changed = request.clone();
    changed["group"] = json!(alpha.group("party"));
    asks(&changed).expect_refusal(Code::Conflict).await;
    // The id is the grant's, so that nobody else may use it either.
    let mut taken = other.request_to_add(&other.address("olga"), &group, alice.uri());
    taken["id"] = request["id"].clone();
    other.posts(alpha.provider(), "/authorizations", &taken).expect_refusal(Code::Conflict).await;

    let id: Id = request["id"].as_str().unwrap().parse().unwrap();
    alpha.decides_addition(id, Decision::Approve).await;
    let heard = asks(&request).send().await;
    assert_eq!((heard.status, &heard.json()["state"]), (StatusCode::OK, &json!("approved")));
    UnverifiedGrant::parse(heard.json()["grant"].as_str().unwrap()).unwrap();
    federation.clock().turn(Duration::from_secs(2 * 3600));
    let heard = asks(&request).send().await;
    assert_eq!((heard.status, heard.json().get("grant")), (StatusCode::OK, None), "its grant is over");

    // Taken back before it comes, it stays dead.
    let overtaken = peer.request_to_add(&bob, &group, alice.uri());
    let resource = format!("/authorizations/{}", overtaken["id"].as_str().unwrap());
    let taken_back = peer.draft(alpha.provider(), Method::DELETE, &resource).send().await;
    assert_eq!(taken_back.status, StatusCode::NO_CONTENT);
    assert_eq!(asks(&overtaken).send().await.json()["state"], "ended");
}

#[tokio::test]
async fn a_rule_grants_at_once_or_never_shows() {
    let federation = Federation::new();
    let (alpha, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
    let alice = alpha.user("alice").await;
    let (bob, group) = (peer.address("bob"), alpha.group("picnic"));
    connect_to_scripted_peer(&alpha, alice.uri(), &peer, &bob).await;
    let name = alice.uri().name().clone();
    let ask = || async {
        let request = peer.request_to_add(&bob, &group, alice.uri());
        let heard = peer.posts(alpha.provider(), "/authorizations", &request).send().await;
        (heard.status, heard.json())
    };

    alpha.node().operator().set_add_rule(name.clone(), bob.clone(), AddRule::Allow).await.unwrap();
    let (status, answer) = ask().await;
    assert_eq!((status, &answer["state"]), (StatusCode::OK, &json!("approved")));
    UnverifiedGrant::parse(answer["grant"].as_str().unwrap()).unwrap();

    alpha.node().operator().set_add_rule(name.clone(), bob.clone(), AddRule::Never).await.unwrap();
    let (status, answer) = ask().await;
    assert_eq!((status, &answer["state"]), (StatusCode::ACCEPTED, &json!("pending")));
    assert_eq!(alpha.reads(|view| view.requests::<Addition>()).await.len(), 1, "nobody is shown it");

    alpha.node().operator().set_add_rule(name, bob.clone(), AddRule::Allow).await.unwrap();
    let source = peer.provider().to_string();
    alpha.node().operator().set_rule(None, source, Some(RuleKind::Block)).await.unwrap();
    assert_eq!(ask().await.0, StatusCode::ACCEPTED, "who is blocked is not granted anything");
    assert_eq!(alpha.reads(|view| view.requests::<Addition>()).await.len(), 1);
}

#[tokio::test]
async fn what_is_revoked_before_its_use_is_told_to_the_adder_and_the_owner() {
    let (_federation, [alpha, beta, gamma]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    connect(&alpha, &alice, &beta, &bob).await;
    // A connection of any two of theirs has the owner pull.
    let carol = gamma.user("carol").await;
    connect(&alpha, &alice, &gamma, &carol).await;
    let asked = bob.asks_to_add(alice.uri(), &gamma.group("picnic")).await;
    alpha.hears_of_addition(asked).await;
    alpha.decides_addition(asked, Decision::Approve).await;
    beta.sees_addition(asked, State::Approved).await;

    alpha.decides_addition(asked, Decision::End).await;
    beta.sees_addition(asked, State::Ended).await;
    let issuer = alpha.provider().clone();
    gamma
        .until("the grant is revoked", move |view| Ok(view.grant_is_revoked(&issuer, asked)?.then_some(())))
        .await;
}

#[tokio::test]
async fn the_end_of_a_connection_ends_what_was_asked_and_granted_on_its_strength() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    connect(&alpha, &alice, &beta, &bob).await;
    let granted = bob.asks_to_add(alice.uri(), &beta.group("picnic")).await;
    let open = bob.asks_to_add(alice.uri(), &beta.group("party")).await;
    alpha.hears_of_addition(open).await;
    alpha.hears_of_addition(granted).await;
    alpha.decides_addition(granted, Decision::Approve).await;
    beta.sees_addition(granted, State::Approved).await;
    let connection = alpha.reads(|view| view.requests::<Connection>()).await.remove(0);
    alpha.decides(connection.id, Decision::End).await;
    for id in [granted, open] {
        beta.sees_addition(id, State::Ended).await;
        alpha.sees_addition(id, State::Ended).await;
    }
    let issuer = alpha.provider().clone();
    beta.until("the grant is revoked", move |view| {
        Ok(view.grant_is_revoked(&issuer, granted)?.then_some(()))
    })
    .await;
}

#[tokio::test]
async fn who_ends_a_connection_is_told_of_each_grant_that_ends_with_it() {
    let federation = Federation::new();
    let (alpha, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
    let (alice, eve) = (alpha.user("alice").await.uri().clone(), peer.address("eve"));
    alpha.allows(peer.provider()).await;
    let connection = peer.request(&eve, &alice);
    peer.posts(alpha.provider(), "/connections", &connection).send().await;
    let connection: Id = connection["id"].as_str().unwrap().parse().unwrap();
    alpha.decides(connection, Decision::Approve).await;
    // One is for a group of the adder's own provider, which is to be told once.
    let hers = GroupUri::new(peer.provider(), &"party".parse().unwrap());
    let mut granted = Vec::new();
    for group in [hers, alpha.group("picnic")] {
        let ask = peer.request_to_add(&eve, &group, &alice);
        peer.posts(alpha.provider(), "/authorizations", &ask).send().await;
        let id: Id = ask["id"].as_str().unwrap().parse().unwrap();
        alpha.decides_addition(id, Decision::Approve).await;
        granted.push(id);
    }

    let ends = peer.draft(alpha.provider(), Method::DELETE, &format!("/connections/{connection}"));
    assert_eq!(ends.send().await.status, StatusCode::NO_CONTENT);
    let feed = peer.gets(alpha.provider(), "/feed?after=0").send().await;
    let page: FeedPage = serde_json::from_slice(&feed.body).unwrap();
    let mut ended: Vec<Id> = page
        .items
        .iter()
        .filter_map(|item| match &item.body {
            ItemBody::Authorization(told) if told.state == State::Ended => Some(told.id),
            _ => None,
        })
        .collect();
    ended.sort_unstable();
    granted.sort_unstable();
    assert_eq!(ended, granted);
}

#[tokio::test]
async fn a_refusal_is_not_told_and_lapses_like_what_nobody_answers() {
    let (federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    connect(&alpha, &alice, &beta, &bob).await;
    let an_hour = Some(Duration::from_secs(3600));
    let refused = bob.tries_to_add(alice.uri(), &beta.group("picnic"), an_hour).await.unwrap();
    let open = bob.tries_to_add(alice.uri(), &beta.group("party"), an_hour).await.unwrap();
    alpha.hears_of_addition(open).await;
    alpha.hears_of_addition(refused).await;
    alpha.decides_addition(refused, Decision::Decline).await;
    alpha.sees_addition(refused, State::Declined).await;

    // What was put into the feed after the refusal would have come after word of it.
    let granted = bob.asks_to_add(alice.uri(), &beta.group("dance")).await;
    alpha.hears_of_addition(granted).await;
    alpha.decides_addition(granted, Decision::Approve).await;
    beta.sees_addition(granted, State::Approved).await;
    beta.sees_addition(refused, State::Pending).await;

    federation.clock().turn(Duration::from_secs(3600));
    for id in [refused, open] {
        beta.sees_addition(id, State::Expired).await;
        alpha.sees_addition(id, State::Expired).await;
    }
    alpha.sees_addition(granted, State::Approved).await;
}

#[tokio::test]
async fn an_operator_who_tells_refusals_tells_these_too() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    connect(&alpha, &alice, &beta, &bob).await;
    alpha.node().operator().set_tells_declined(true).await.unwrap();
    let asked = bob.asks_to_add(alice.uri(), &beta.group("picnic")).await;
    alpha.hears_of_addition(asked).await;
    alpha.decides_addition(asked, Decision::Decline).await;
    beta.sees_addition(asked, State::Declined).await;
}

#[tokio::test]
async fn who_no_longer_wants_it_takes_it_back() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    connect(&alpha, &alice, &beta, &bob).await;
    let asked = bob.asks_to_add(alice.uri(), &beta.group("picnic")).await;
    alpha.hears_of_addition(asked).await;
    beta.decides_addition(asked, Decision::End).await;
    alpha.sees_addition(asked, State::Ended).await;
}

#[tokio::test]
async fn people_of_one_house_need_grants_too() {
    let (_federation, [alpha]) = federation().await;
    let (alice, anna) = (alpha.user("alice").await, alpha.user("anna").await);
    let asked = alice.asks_to_connect(anna.uri()).await;
    alpha.decides(asked, Decision::Approve).await;
    let group = alpha.group("picnic");
    let asked = alice.asks_to_add(anna.uri(), &group).await;
    alpha.sees_addition(asked, State::Pending).await;
    alpha.decides_addition(asked, Decision::Approve).await;
    assert!(alpha.sees_addition(asked, State::Approved).await.about.grant.is_some());
    alpha.decides_addition(asked, Decision::End).await;
    let ours = alpha.provider().clone();
    assert!(alpha.reads(move |view| view.grant_is_revoked(&ours, asked)).await);
}

/// A user of `alpha` who is connected with `bob` of a scripted peer, and has asked to add him.
async fn asked_scripted_peer(
    federation: &Federation,
    alpha: &TestNode,
    peer: &ScriptedPeer,
    group: &GroupUri,
) -> (UserUri, UserUri, Id) {
    let (alice, bob) = (alpha.user("alice").await, peer.address("bob"));
    let asked = alice.asks_to_connect(&bob).await;
    let connected = ConnectionItem {
        id: asked,
        from: alice.uri().clone(),
        to: bob.clone(),
        state: State::Approved,
        time: federation.clock().now(),
    };
    peer.responder().puts(federation.clock().id(), ItemBody::Connection(connected));
    alpha.sees(asked, State::Approved).await;
    let id = alice.asks_to_add(&bob, group).await;
    (alice.uri().clone(), bob, id)
}

#[tokio::test]
async fn a_grant_that_is_not_what_was_asked_for_is_not_kept() {
    let federation = Federation::new();
    let (alpha, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
    let group = alpha.group("picnic");
    let (alice, bob, id) = asked_scripted_peer(&federation, &alpha, &peer, &group).await;
    let now = federation.clock().now().as_secs();
    let good = GrantClaims {
        iss: peer.provider().clone(),
        aud: alpha.provider().clone(),
        sub: bob.clone(),
        adder: alice.clone(),
        group: group.clone(),
        jti: id,
        iat: now,
        exp: now + 3600,
    };
    let tells = |grant: String| {
        let told = AuthorizationItem {
            id,
            group: group.clone(),
            adder: alice.clone(),
            user: bob.clone(),
            state: State::Approved,
            grant: Some(grant),
            time: federation.clock().now(),
        };
        peer.responder().puts(federation.clock().id(), ItemBody::Authorization(told));
    };
    tells(GrantClaims { group: alpha.group("party"), ..good.clone() }.sign(peer.signer().key()));
    tells(GrantClaims { exp: now + 90 * 86_400, ..good.clone() }.sign(peer.signer().key()));
    tells("not a grant".into());
    alpha.notes(peer.provider(), "grant-invalid").await;
    alpha.sees_addition(id, State::Pending).await;
    tells(good.sign(peer.signer().key()));
    assert!(alpha.sees_addition(id, State::Approved).await.about.grant.is_some());
}

#[tokio::test]
async fn nothing_is_approved_without_a_grant_that_its_provider_has_signed() {
    let federation = Federation::new();
    let (alpha, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
    let group = alpha.group("picnic");
    let (alice, bob, id) = asked_scripted_peer(&federation, &alpha, &peer, &group).await;
    let tells = async |grant: Option<String>| {
        let told = AuthorizationItem {
            id,
            group: group.clone(),
            adder: alice.clone(),
            user: bob.clone(),
            state: State::Approved,
            grant,
            time: federation.clock().now(),
        };
        peer.responder().puts(federation.clock().id(), ItemBody::Authorization(told));
        alpha.waits_for_feed_of(&peer).await;
    };
    let claims = GrantClaims { jti: id, ..peer.grant(&bob, &alice, &group) };
    for grant in [None, Some(claims.sign(&SecretKey::from_seed(federation.clock().random())))] {
        tells(grant).await;
        let trouble = alpha.notes(peer.provider(), "grant-invalid").await;
        assert!(!trouble.over, "the page that it came with does not mend it");
        alpha.sees_addition(id, State::Pending).await;
    }
    tells(Some(claims.sign(peer.signer().key()))).await;
    assert!(alpha.sees_addition(id, State::Approved).await.about.grant.is_some());
}

#[tokio::test]
async fn after_a_reset_additions_are_asked_again_too() {
    let federation = Federation::new();
    let (alpha, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
    asked_scripted_peer(&federation, &alpha, &peer, &alpha.group("picnic")).await;
    let posts =
        || peer.responder().asked().iter().filter(|(_, resource)| resource == "/authorizations").count();
    alpha.until_node("the request is made", |_| posts() == 1).await;
    peer.responder().resets(federation.clock().id().into());
    alpha.until_node("it is made again", |_| posts() == 2).await;
}

#[tokio::test]
async fn one_that_is_refused_for_want_of_a_connection_does_not_hold_up_the_others() {
    let federation = Federation::new();
    let (alpha, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
    peer.responder().answers("/authorizations", |_| {
        let problem = json!({"code": "not-connected", "status": 403, "title": "", "detail": "not yet"});
        (StatusCode::FORBIDDEN, problem)
    });
    asked_scripted_peer(&federation, &alpha, &peer, &alpha.group("picnic")).await;
    alpha.notes(peer.provider(), "not-connected").await;
    alpha.user("anna").await.asks_to_connect(&peer.address("berta")).await;
    let posts = || peer.responder().asked().iter().filter(|(_, resource)| resource == "/connections").count();
    alpha.until_node("the other request is made", |_| posts() == 2).await;
}

#[tokio::test]
async fn a_client_asks_and_another_approves() {
    let federation = Federation::new();
    let alpha = federation.node_with_clients().await;
    let (alice, anna) = (alpha.user("alice").await, alpha.user("anna").await);
    let (hers, others) = (alice.api_client("phone").await, anna.api_client("phone").await);
    assert_eq!(hers.gets("/me").await["client"], json!(hers.uri()));
    let group = alpha.group("picnic");
    let ask = json!({"group": group, "user": anna.uri()});
    hers.expect_refusal("/authorizations", ask.clone(), Code::NotConnected).await;
    let (_, asked) = hers.posts("/connections", json!({"to": anna.uri()})).await;
    let id = asked["id"].as_str().unwrap();
    others.posts(&format!("/connections/{id}/approve"), json!({})).await;

    let (status, asked) = hers.posts("/authorizations", ask).await;
    assert_eq!((status, &asked["state"]), (StatusCode::ACCEPTED, &json!("pending")));
    let id = asked["id"].as_str().unwrap();
    let shown = others.gets("/authorizations").await;
    assert_eq!(shown["authorizations"][0]["adder"], json!(alice.uri()));
    hers.expect_refusal(&format!("/authorizations/{id}/approve"), json!({}), Code::NotFound).await;
    others.posts(&format!("/authorizations/{id}/approve"), json!({})).await;
    let told = |feed: serde_json::Value| -> Vec<(String, bool)> {
        let items = feed["items"].as_array().unwrap().clone();
        let of =
            items.iter().filter(|item| item["type"] == "authorization").map(|item| &item["authorization"]);
        of.map(|told| (told["state"].as_str().unwrap().to_owned(), told.get("grant").is_some())).collect()
    };
    let (pending, approved) = (("pending".to_owned(), false), "approved".to_owned());
    let adder = told(hers.gets("/feed?after=0").await);
    assert_eq!(adder, [pending.clone(), (approved.clone(), true)]);
    let user = told(others.gets("/feed?after=0").await);
    assert_eq!(user, [pending, (approved, false)], "the grant is the adder's");

    others.posts(&format!("/authorizations/{id}/revoke"), json!({})).await;
    assert_eq!(hers.gets("/authorizations").await["authorizations"][0]["state"], "ended");
}

#[tokio::test]
async fn the_scheme_of_a_clients_token_has_no_case() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let federation = Federation::new();
    let alpha = federation.node_with_clients().await;
    let alice = alpha.user("alice").await;
    let (client, token) = alpha
        .node()
        .operator()
        .create_client(alice.uri().name().clone(), "phone".parse().unwrap())
        .await
        .unwrap();
    let address = alpha.node().listening().client.unwrap();
    let answered = async |authorization: String| {
        let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /client/v1/me HTTP/1.1\r\nhost: {address}\r\nauthorization: {authorization}\r\nconnection: close\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    };
    for scheme in ["Bearer", "bearer", "BEARER", "bearer "] {
        let answer = answered(format!("{scheme} {token}")).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(client.as_str()), "{answer}");
    }
    for other in [format!("Basic {token}"), format!("bearer{token}"), token] {
        let answer = answered(other).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
}

#[tokio::test]
async fn a_decision_and_its_rule_are_one_step_and_are_taken_back_as_one() {
    let (_federation, [alpha, beta, gamma]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    connect(&alpha, &alice, &beta, &bob).await;
    let asked = bob.asks_to_add(alice.uri(), &gamma.group("picnic")).await;
    alpha.hears_of_addition(asked).await;
    let decide = async |decision, rule| {
        alpha.node().operator().decide_authorization_with(asked, None, decision, Some(rule)).await
    };
    let (name, adder) = (alice.uri().name().clone(), bob.uri().clone());
    let rule = async || {
        let (name, adder) = (name.clone(), adder.clone());
        alpha.node().store().read(move |view| view.add_rule(&name, &adder)).await.unwrap()
    };

    assert_eq!(decide(Decision::Decline, AddRule::Never).await.unwrap().now.state, State::Declined);
    assert_eq!(rule().await, AddRule::Never);
    assert_eq!(decide(Decision::Reopen, AddRule::Ask).await.unwrap().now.state, State::Pending);
    assert_eq!(rule().await, AddRule::Ask);

    // What cannot be decided makes no rule either.
    decide(Decision::Approve, AddRule::Ask).await.unwrap();
    assert!(matches!(decide(Decision::Decline, AddRule::Never).await, Err(Misuse::Unfit(_))));
    assert_eq!(rule().await, AddRule::Ask);
}

#[tokio::test]
async fn who_asks_for_a_connection_is_blocked_in_one_step() {
    let (_federation, [alpha, beta, _gamma]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    let decide = async |decision, whom, kind| {
        let node = alpha.node();
        let decided =
            node.operator().decide_connection_with(asked, None, decision, Some((whom, kind)), false).await;
        decided.unwrap().now.state
    };
    let sources = async || {
        let rules = alpha.node().store().read(|view| view.rules()).await.unwrap();
        rules.into_iter().map(|rule| (rule.source, rule.kind)).collect::<Vec<_>>()
    };

    let blocked = Some(RuleKind::Block);
    assert_eq!(decide(Decision::Decline, Whom::Person, blocked).await, State::Declined);
    assert_eq!(sources().await, [(bob.uri().to_string(), RuleKind::Block)]);
    assert_eq!(decide(Decision::Reopen, Whom::Person, None).await, State::Pending);
    assert_eq!(sources().await, []);
    assert_eq!(decide(Decision::Decline, Whom::Provider, blocked).await, State::Declined);
    assert_eq!(sources().await, [(beta.provider().to_string(), RuleKind::Block)]);
}
