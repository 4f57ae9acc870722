//! Publishing KeyPackages and claiming them against grants (`docs/mtp.md`, section 9), over TLS on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::time::Duration;

use drawbridge_mtp::grant::GrantClaims;
use drawbridge_mtp::id::{GroupUri, Id, UserUri};
use drawbridge_mtp::keys::SecretKey;
use drawbridge_mtp::message::ConnectionState as State;
use drawbridge_mtp::octets::Octets;
use drawbridge_mtp::problem::Code;
use drawbridge_node::ambient::Ambient;
use drawbridge_node::store::AddRule;
use drawbridge_node::{Change, Decision};
use drawbridge_testkit::{ApiClient, Daemon, Federation, KeyPackageDraft, ScriptedPeer, TestNode, policy};
use http::StatusCode;
use serde_json::{Value, json};

/// Alice of a provider with clients, who lets Bob of a scripted peer add her to groups.
struct Scene {
    federation: Federation,
    alpha: TestNode,
    peer: ScriptedPeer,
    alice: UserUri,
    bob: UserUri,
    group: GroupUri,
}

impl Scene {
    async fn new() -> Self {
        let federation = Federation::new();
        let (alpha, peer) = (federation.node_with_clients().await, federation.scripted_peer());
        let alice = alpha.user("alice").await.uri().clone();
        let (bob, group) = (peer.address("bob"), alpha.group("picnic"));
        alpha.allows(peer.provider()).await;
        let scene = Self { federation, alpha, peer, alice, bob, group };
        scene.befriend(&scene.alice).await;
        scene
    }

    /// Bob becomes connected with `user`, who lets him add it without asking.
    async fn befriend(&self, user: &UserUri) {
        let asked = self.peer.request(&self.bob, user);
        self.peer.posts(self.alpha.provider(), "/connections", &asked).send().await;
        let id: Id = asked["id"].as_str().unwrap().parse().unwrap();
        self.alpha.decides(id, Decision::Approve).await;
        let node = self.alpha.node();
        node.operator().set_add_rule(user.name().clone(), self.bob.clone(), AddRule::Allow).await.unwrap();
    }

    async fn api_client(&self, name: &str) -> ApiClient {
        let (client, token) = self
            .alpha
            .node()
            .operator()
            .create_client(self.alice.name().clone(), name.parse().unwrap())
            .await
            .unwrap();
        ApiClient::of(client, token, &self.alpha)
    }

    /// A grant for Bob to add `user`.
    async fn grant_of(&self, user: &UserUri) -> (Id, String) {
        let request = self.peer.request_to_add(&self.bob, &self.group, user);
        let heard = self.peer.posts(self.alpha.provider(), "/authorizations", &request).send().await;
        let grant = heard.json()["grant"].as_str().unwrap().to_owned();
        (request["id"].as_str().unwrap().parse().unwrap(), grant)
    }

    async fn grant(&self) -> String {
        self.grant_of(&self.alice).await.1
    }

    fn ask(&self, users: &[&UserUri], grants: &[&str]) -> Value {
        json!({"group": self.group, "adder": self.bob, "users": users, "grants": grants, "cipher_suites": [1]})
    }

    async fn claims(&self, ask: &Value) -> Value {
        let heard = self.peer.posts(self.alpha.provider(), "/keypackages/claim", ask).send().await;
        assert_eq!(heard.status, StatusCode::OK, "{heard:?}");
        heard.json()
    }

    /// What Alice's only client gives for a claim with `grant`.
    async fn got(&self, grant: &str) -> (String, Option<Octets>) {
        let reply = self.claims(&self.ask(&[&self.alice], &[grant])).await;
        (reply["users"][0]["clients"][0]["status"].as_str().unwrap().to_owned(), package_in(&reply))
    }

    /// The status of Alice in a claim with `grant`.
    async fn status(&self, grant: &str) -> Value {
        self.claims(&self.ask(&[&self.alice], &[grant])).await["users"][0]["status"].clone()
    }
}

/// The KeyPackage of the first user's first client in the answer to a claim.
fn package_in(reply: &Value) -> Option<Octets> {
    let package = reply["users"][0]["clients"][0].get("key_package")?;
    Some(serde_json::from_value(package.clone()).unwrap())
}

async fn publishes(phone: &ApiClient, drafts: Vec<KeyPackageDraft>) -> Vec<Octets> {
    let made: Vec<_> = drafts.into_iter().map(KeyPackageDraft::make).collect();
    phone.posts("/key-packages", json!({"key_packages": made})).await;
    made
}

#[tokio::test]
async fn each_is_handed_out_once_and_the_last_resort_last_and_again() {
    let scene = Scene::new().await;
    let phone = scene.api_client("phone").await;
    let mut changes = scene.alpha.node().changes().listen();
    let stock = publishes(&phone, vec![phone.key_package(), phone.key_package()]).await;
    let last = phone.key_package().last_resort().make();
    let (_, counts) = phone.posts("/key-packages", json!({"key_packages": [], "last_resort": last})).await;
    let of = |available| json!([{"cipher_suite": 1, "available": available}]);
    assert_eq!(counts, json!({"available": 2, "last_resort": true, "suites": of(2), "renew": true}));

    let (first, second) = (scene.grant().await, scene.grant().await);
    let given = scene.got(&first).await;
    assert_eq!(given.0, "ok");
    assert_eq!(scene.got(&first).await, given, "a repeat gets the same");
    let other = scene.got(&second).await;
    assert_ne!(given, other);
    for (_, package) in [&given, &other] {
        assert!(stock.contains(package.as_ref().unwrap()), "octet by octet as it was published");
    }
    for _ in 0..2 {
        assert_eq!(scene.got(&scene.grant().await).await, ("ok".into(), Some(last.clone())));
    }
    assert_eq!(
        phone.gets("/key-packages").await,
        json!({"available": 0, "last_resort": true, "suites": of(0), "renew": true})
    );

    // What was handed out cannot be published again.
    phone.posts("/key-packages", json!({"key_packages": stock})).await;
    assert_eq!(phone.gets("/key-packages").await["available"], 0);
    let mut told = false;
    while let Ok(change) = changes.try_recv() {
        told |= change == Change::Stock(phone.uri().clone());
    }
    assert!(told, "the operator is told that it runs out");
}

#[tokio::test]
async fn a_repeat_gets_the_same_after_a_restart() {
    let scene = Scene::new().await;
    let phone = scene.api_client("phone").await;
    publishes(&phone, vec![phone.key_package(), phone.key_package()]).await;
    let grant = scene.grant().await;
    let given = scene.got(&grant).await;
    scene.alpha.stop().await;
    scene.alpha.start().await;
    assert_eq!(scene.got(&grant).await, given);
}

/// Whatever was answered before a kill, none is handed out for two grants, and a repeat gets the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_killed_while_it_hands_them_out_hands_none_out_twice() {
    const GRANTS: usize = KILLS * CLAIMS;
    const KILLS: usize = 20;
    const CLAIMS: usize = 8;
    let scene = Scene::new().await;
    let phone = scene.api_client("phone").await;
    publishes(&phone, (0..GRANTS).map(|_| phone.key_package()).collect()).await;
    let mut grants = Vec::new();
    for _ in 0..GRANTS {
        grants.push(scene.grant().await);
    }
    scene.alpha.stop().await;

    let mut given = Vec::new();
    for claimed in grants.chunks(CLAIMS) {
        let [random] = scene.federation.clock().random();
        let daemon = Daemon::start(scene.alpha.config()).await;
        let claims = claimed.iter().map(|grant| {
            let ask = scene.ask(&[&scene.alice], &[grant]);
            let claim = scene.peer.posts(scene.alpha.provider(), "/keypackages/claim", &ask);
            async move { Some((grant, package_in(&claim.send_or_lose().await?.json()))) }
        });
        let (answers, ()) = tokio::join!(futures_util::future::join_all(claims), async {
            tokio::time::sleep(Duration::from_micros(u64::from(random) * 100)).await;
            daemon.kill();
        });
        given.extend(answers.into_iter().flatten());
    }
    scene.alpha.start().await;
    for (grant, package) in &given {
        assert_eq!(scene.got(grant).await.1, *package, "a repeat after the kill gets the same");
    }
    let mut all = HashSet::new();
    for grant in &grants {
        let (status, package) = scene.got(grant).await;
        assert_eq!(status, "ok", "one for each grant, so none may be lost either");
        assert!(all.insert(package.unwrap().as_slice().to_vec()), "one is handed out twice");
    }
    println!("{} of {GRANTS} claims were answered before a kill", given.len());
}

#[tokio::test]
async fn users_are_answered_in_the_order_asked_with_all_their_clients() {
    let scene = Scene::new().await;
    let anna = scene.alpha.user("anna").await;
    scene.befriend(anna.uri()).await;
    let nobody = scene.alpha.address("nobody");
    let (phone, tablet) = (scene.api_client("phone").await, scene.api_client("tablet").await);
    publishes(&phone, vec![phone.key_package()]).await;
    let theirs = anna.api_client("phone").await;
    publishes(&theirs, vec![theirs.key_package()]).await;

    let (hers, annas) = (scene.grant().await, scene.grant_of(anna.uri()).await.1);
    let reply = scene.claims(&scene.ask(&[anna.uri(), &nobody, &scene.alice], &[&hers, &annas])).await;
    let statuses: Vec<_> =
        reply["users"].as_array().unwrap().iter().map(|user| user["status"].clone()).collect();
    assert_eq!(statuses, ["ok", "not-authorized", "partial"]);
    let clients = reply["users"][2]["clients"].as_array().unwrap();
    let told: Vec<_> =
        clients.iter().map(|client| (client["client"].clone(), client["status"].clone())).collect();
    assert_eq!(told, [(json!(phone.uri()), json!("ok")), (json!(tablet.uri()), json!("exhausted"))]);
}

#[tokio::test]
async fn clients_that_are_in_the_group_already_are_left_out() {
    let scene = Scene::new().await;
    let (phone, laptop) = (scene.api_client("phone").await, scene.alpha.client(&scene.alice, "laptop").await);
    publishes(&phone, vec![phone.key_package()]).await;
    laptop.publishes(2).await;
    let grant = scene.grant().await;
    laptop.creates("picnic", &policy(&[&scene.alice])).await;
    let reply = scene.claims(&scene.ask(&[&scene.alice], &[&grant])).await;
    assert_eq!(reply["users"][0]["status"], "ok");
    let clients = reply["users"][0]["clients"].as_array().unwrap();
    assert_eq!(clients.iter().map(|client| &client["client"]).collect::<Vec<_>>(), [&json!(phone.uri())]);
}

#[tokio::test]
async fn what_does_not_fit_is_incompatible_and_stays() {
    let scene = Scene::new().await;
    let phone = scene.api_client("phone").await;
    publishes(&phone, vec![phone.key_package().suite(2), phone.key_package().without_policy()]).await;
    let mut ask = scene.ask(&[&scene.alice], &[&scene.grant().await]);
    // One MLS RequiredCapabilities: the extension 0xF4D0, no proposals, no credentials.
    ask["required_capabilities"] = json!(Octets::from(vec![2, 0xF4, 0xD0, 0, 0]));
    let reply = scene.claims(&ask).await;
    assert_eq!(reply["users"][0]["status"], "none");
    assert_eq!(reply["users"][0]["clients"][0]["status"], "incompatible");
    assert_eq!(phone.gets("/key-packages").await["available"], 2);

    ask["cipher_suites"] = json!([3, 2]);
    assert_eq!(scene.claims(&ask).await["users"][0]["status"], "ok");
    ask["required_capabilities"] = json!(Octets::from(vec![9]));
    let malformed = scene.peer.posts(scene.alpha.provider(), "/keypackages/claim", &ask);
    malformed.expect_refusal(Code::Malformed).await;
}

#[tokio::test]
async fn one_that_has_expired_is_never_handed_out() {
    let scene = Scene::new().await;
    let phone = scene.api_client("phone").await;
    let short = publishes(&phone, vec![phone.key_package().holding(-60, 600)]).await;
    let grant = scene.grant().await;
    assert_eq!(scene.got(&grant).await, ("ok".into(), Some(short[0].clone())));
    publishes(&phone, vec![phone.key_package().holding(-60, 700), phone.key_package()]).await;
    scene.federation.clock().turn(Duration::from_secs(900));
    let (status, package) = scene.got(&grant).await;
    assert_eq!(status, "ok");
    assert_ne!(package, Some(short[0].clone()), "not even to the grant that it was given for");
    let (status, _) = scene.got(&scene.grant().await).await;
    assert_eq!(status, "exhausted");
}

/// A lifetime is at most 84 days and an hour.
#[tokio::test]
async fn a_lifetime_has_a_length_at_most() {
    const LONGEST: i64 = 84 * 86_400 + 3600;
    let scene = Scene::new().await;
    let phone = scene.api_client("phone").await;
    publishes(&phone, vec![phone.key_package().holding(-60, LONGEST - 60)]).await;
    let longer = phone.key_package().holding(-60, LONGEST - 59).make();
    let problem =
        phone.expect_refusal("/key-packages", json!({"key_packages": [longer]}), Code::InvalidMls).await;
    assert!(problem.detail.unwrap().contains("84 days and an hour"));
}

/// The clock was ahead when they were made, and has been set right.
#[tokio::test]
async fn those_whose_lifetime_has_not_begun_are_neither_counted_nor_handed_out_and_give_way() {
    const DAY: i64 = 86_400;
    let two_days = Duration::from_secs(2 * 86_400);
    let scene = Scene::new().await;
    let phone = scene.api_client("phone").await;
    publishes(&phone, (0..20).map(|_| phone.key_package()).collect()).await;
    let last = phone.key_package().last_resort().make();
    phone.posts("/key-packages", json!({"key_packages": [], "last_resort": last})).await;
    assert_eq!(phone.gets("/key-packages").await["renew"], false);

    scene.federation.clock().turn_back(two_days);
    let none = json!({"available": 0, "last_resort": false, "suites": [], "renew": true});
    assert_eq!(phone.gets("/key-packages").await, none);
    let grant = scene.grant().await;
    assert_eq!(scene.got(&grant).await, ("exhausted".into(), None));

    // These hold by the system's clock as well, which the library looks at.
    let fresh = |phone: &ApiClient| phone.key_package().holding(-3 * DAY, 30 * DAY);
    let made = publishes(&phone, (0..20).map(|_| fresh(&phone)).collect()).await;
    let last = fresh(&phone).last_resort().make();
    phone.posts("/key-packages", json!({"key_packages": [], "last_resort": last})).await;
    let full = json!({
        "available": 20, "last_resort": true, "suites": [{"cipher_suite": 1, "available": 20}], "renew": false,
    });
    assert_eq!(phone.gets("/key-packages").await, full);
    let (status, package) = scene.got(&grant).await;
    assert_eq!(status, "ok");
    assert!(made.contains(&package.unwrap()));

    scene.federation.clock().turn(two_days);
    assert_eq!(phone.gets("/key-packages").await["available"], 19, "those of the wrong clock are gone");
}

#[tokio::test]
async fn only_a_living_grant_of_ours_for_the_group_and_the_adder_counts() {
    let scene = Scene::new().await;
    let phone = scene.api_client("phone").await;
    publishes(&phone, (0..3).map(|_| phone.key_package()).collect()).await;
    let now = scene.federation.clock().now().as_secs();
    let claims = GrantClaims {
        iss: scene.alpha.provider().clone(),
        aud: scene.group.provider().clone(),
        sub: scene.alice.clone(),
        adder: scene.bob.clone(),
        group: scene.group.clone(),
        jti: scene.federation.clock().id(),
        iat: now,
        exp: now + 3600,
    };
    let forged = claims.sign(&SecretKey::from_seed([7; 32]));
    let foreign =
        GrantClaims { iss: scene.peer.provider().clone(), ..claims }.sign(scene.peer.signer().key());
    for grant in [forged.as_str(), foreign.as_str(), "nonsense"] {
        assert_eq!(scene.status(grant).await, "not-authorized", "{grant}");
    }
    let (id, grant) = scene.grant_of(&scene.alice).await;
    let mut elsewhere = scene.ask(&[&scene.alice], &[&grant]);
    elsewhere["group"] = json!(scene.alpha.group("party"));
    assert_eq!(scene.claims(&elsewhere).await["users"][0]["status"], "not-authorized");
    let mut another = scene.ask(&[&scene.alice], &[&grant]);
    another["adder"] = json!(scene.peer.address("eve"));
    assert_eq!(scene.claims(&another).await["users"][0]["status"], "not-authorized");

    let mut theirs = scene.ask(&[&scene.alice], &[&grant]);
    theirs["adder"] = json!(scene.alpha.address("anna"));
    let claim = |ask: &Value| scene.peer.posts(scene.alpha.provider(), "/keypackages/claim", ask);
    claim(&theirs).expect_refusal(Code::NotAuthorized).await;
    claim(&scene.ask(&[&scene.bob], &[&grant])).expect_refusal(Code::NotHere).await;

    scene.alpha.decides_addition(id, Decision::End).await;
    assert_eq!(scene.status(&grant).await, "not-authorized", "revoked");
    let lapsing = scene.grant().await;
    scene.federation.clock().turn(Duration::from_secs(3601));
    assert_eq!(scene.status(&lapsing).await, "not-authorized", "expired");
    assert_eq!(phone.gets("/key-packages").await["available"], 3);
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_name_and_nothing_of_it_is_kept() {
    let scene = Scene::new().await;
    let phone = scene.api_client("phone").await;
    let good = phone.key_package().make();
    let mut spoiled = good.as_slice().to_vec();
    *spoiled.last_mut().unwrap() ^= 1;
    let mut unknown = good.as_slice().to_vec();
    // `MLSMessage` is version and form, then come the KeyPackage's version and its suite.
    unknown[7] = 5;
    let wrong = [
        ("signature", Octets::from(spoiled)),
        ("suite", Octets::from(unknown)),
        ("identity", phone.key_package().identity(scene.bob.as_str()).make()),
        ("lifetime", phone.key_package().holding(-7200, -3600).make()),
        ("to come", phone.key_package().holding(3600, 7200).make()),
        ("too long", phone.key_package().holding(-60, 200 * 86_400).make()),
        ("nothing", Octets::from(vec![0; 40])),
    ];
    for (what, octets) in wrong {
        let ask = json!({"key_packages": [good, octets]});
        let problem = phone.expect_refusal("/key-packages", ask, Code::InvalidMls).await;
        let detail = problem.detail.unwrap();
        assert!(detail.starts_with("key_packages[1] "), "{what}: {detail}");
    }
    let ask = json!({"key_packages": [good], "last_resort": phone.key_package().holding(3600, 7200).make()});
    let problem = phone.expect_refusal("/key-packages", ask, Code::InvalidMls).await;
    assert!(problem.detail.unwrap().starts_with("last_resort "));
    let unlisted = phone.key_package().without_last_resort().make();
    let ask = json!({"key_packages": [], "last_resort": unlisted});
    let problem = phone.expect_refusal("/key-packages", ask, Code::InvalidMls).await;
    assert!(problem.detail.unwrap().contains("0x000A"));
    assert_eq!(
        phone.gets("/key-packages").await,
        json!({"available": 0, "last_resort": false, "suites": [], "renew": true})
    );

    // Bare octets are as good as a message, and the same one twice is one.
    let bare = Octets::from(good.as_slice()[4..].to_vec());
    let (_, counts) = phone.posts("/key-packages", json!({"key_packages": [good, bare]})).await;
    assert_eq!(counts["available"], 1);
}

#[tokio::test]
async fn a_client_claims_here_and_there_with_the_grants_that_its_provider_holds() {
    let federation = Federation::new();
    let (alpha, beta) = (federation.node_with_clients().await, federation.node_with_clients().await);
    let away = federation.scripted_peer();
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let (alice, anna, bob) = (alpha.user("alice").await, alpha.user("anna").await, beta.user("bob").await);
    let (hers, second) = (alice.api_client("phone").await, alice.api_client("tablet").await);
    let group = alpha.group("picnic");
    for (test_node, other) in [(&alpha, &anna), (&beta, &bob)] {
        let asked = alice.asks_to_connect(other.uri()).await;
        test_node.hears_of(asked).await;
        test_node.decides(asked, Decision::Approve).await;
        alpha.sees(asked, State::Approved).await;
        let addition = alice.asks_to_add(other.uri(), &group).await;
        test_node.hears_of_addition(addition).await;
        test_node.decides_addition(addition, Decision::Approve).await;
        alpha.sees_addition(addition, State::Approved).await;
        let phone = other.api_client("phone").await;
        publishes(&phone, vec![phone.key_package(), phone.key_package().without_policy()]).await;
    }
    publishes(&hers, vec![hers.key_package()]).await;
    let own = publishes(&second, vec![second.key_package()]).await;

    let stranger = away.address("carol");
    let ask = json!({
        "group": group,
        "users": [bob.uri(), stranger, alice.uri(), anna.uri()],
        "cipher_suites": [1],
    });
    let (_, reply) = hers.posts("/key-packages/claim", ask.clone()).await;
    let users = reply["users"].as_array().unwrap();
    let told: Vec<_> =
        users.iter().map(|user| (user["status"].as_str().unwrap(), user.get("grant").is_some())).collect();
    assert_eq!(told, [("ok", true), ("not-authorized", false), ("ok", false), ("ok", true)]);
    let clients = users[2]["clients"].as_array().unwrap();
    assert_eq!(clients.len(), 1, "the client that asks is not added by itself");
    assert_eq!(clients[0]["key_package"], json!(own[0]));
    let (_, again) = hers.posts("/key-packages/claim", ask.clone()).await;
    assert_eq!(again["users"][0], reply["users"][0], "the same grant gets the same");

    beta.stop().await;
    let (_, alone) = hers.posts("/key-packages/claim", ask).await;
    assert_eq!(alone["users"][0]["status"], "none");
    assert_eq!(alone["users"][3], reply["users"][3]);
}
