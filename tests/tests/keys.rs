//! Our own signing keys (`docs/mtp.md`, section 3): changed under traffic, and revoked where one has leaked.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use drawbridge_mtp::grant::UnverifiedGrant;
use drawbridge_mtp::keys::{SecretKey, Thumbprint};
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_mtp::time::Timestamp;
use drawbridge_node::ambient::Ambient;
use drawbridge_node::config::{Config, ListenConfig};
use drawbridge_node::identity::Standing;
use drawbridge_node::store::Addition;
use drawbridge_node::{Decision, Node};
use drawbridge_testkit::{CommitPlan, Daemon, Federation, MutualPeers, TestNode, WAIT_LIMIT, policy};
use serde_json::Value;

const HOUR: Duration = Duration::from_secs(3600);

/// The keys of `node`, with what each is for.
fn keys(node: &Node) -> Vec<(Thumbprint, Standing)> {
    node.operator().own_keys().keys.iter().map(|key| (key.kid, key.standing)).collect()
}

fn signing(test_node: &TestNode) -> Thumbprint {
    test_node.node().operator().fingerprint()
}

/// What went wrong at `at` with `with` that has to do with keys.
async fn troubles_with_keys(at: &TestNode, with: &TestNode) -> Vec<String> {
    let peer = with.provider().clone();
    let troubles = at.reads(move |view| view.troubles(&peer)).await;
    let of_keys =
        ["key-changed", "key-unknown", "answer-key-unknown", "signature-invalid", "peer-key-changed"];
    troubles.into_iter().map(|trouble| trouble.code).filter(|code| of_keys.contains(&code.as_str())).collect()
}

#[tokio::test]
async fn a_key_is_changed_under_traffic_without_a_lost_pull() {
    let peers = MutualPeers::of(2).await;
    let (alpha, beta) = (&peers.nodes[0], &peers.nodes[1]);
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    let old = signing(alpha);

    alpha.node().operator().rotate_key().unwrap();
    let refused = alpha.node().operator().rotate_key().unwrap_err();
    assert!(refused.to_string().contains("being changed already"), "{refused}");
    let begun = keys(&alpha.node());
    let new = begun[0].0;
    assert_eq!(begun, [(new, Standing::Next), (old, Standing::Signs)]);
    alpha.stop().await;
    alpha.start().await;
    assert_eq!(keys(&alpha.node()), begun, "it goes on after a restart");
    peers.federation.clock().turn(HOUR);
    assert_eq!(signing(alpha), old, "nobody was to know the new one before a day is over");

    let is_changed = AtomicBool::new(false);
    let talking = async {
        let mut said = Vec::new();
        while !is_changed.load(Ordering::Relaxed) {
            said.push(said.len().to_string());
            let text = said.last().unwrap();
            ann.does(&tea, &ann.says(&tea, text)).await;
            ben.hears_said(&tea, text).await;
        }
        said
    };
    let changing = async {
        peers.federation.clock().turn(25 * HOUR);
        alpha.until_node("the new key signs", |node| node.operator().fingerprint() == new).await;
        let peer = alpha.provider().clone();
        beta.until("the new key is accepted", move |view| {
            Ok(view.accepted_keys(&peer)?.contains(&new).then_some(()))
        })
        .await;
        assert_eq!(keys(&alpha.node()), [(new, Standing::Signs), (old, Standing::Published)]);
        is_changed.store(true, Ordering::Relaxed);
    };
    let (said, ()) = tokio::join!(talking, changing);
    // What nobody has fetched for a month is dropped, so all is fetched before that is over.
    for client in [&ann, &ben] {
        client.catches_up().await;
    }
    alpha.waits_for_pull_by(beta.provider()).await;
    peers.federation.clock().turn(32 * 24 * HOUR);
    alpha
        .until_node("the old key leaves the document", |node| {
            keys(node) == [(new, Standing::Signs), (old, Standing::Past)]
        })
        .await;
    ben.does(&tea, &ben.says(&tea, "over")).await;
    ann.hears_said(&tea, "over").await;
    assert_eq!(ben.texts(&tea), said, "all of it came, once");
    beta.sees_peer(alpha.provider(), PeerState::Allowed).await;
    assert_eq!(troubles_with_keys(beta, alpha).await, Vec::<String>::new());
    assert_eq!(troubles_with_keys(alpha, beta).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_key_changes_by_itself_when_its_days_are_over() {
    let federation = drawbridge_testkit::Federation::new();
    let alpha = federation.node(|config| config.keys.rotate_days = 7).await;
    let old = signing(&alpha);
    federation.clock().turn(6 * 24 * HOUR);
    assert_eq!(keys(&alpha.node()), [(old, Standing::Signs)]);
    federation.clock().turn(25 * HOUR);
    alpha.until_node("a new key is published", |node| keys(node).len() == 2).await;
    federation.clock().turn(25 * HOUR);
    alpha.until_node("it signs", |node| node.operator().fingerprint() != old).await;
}

#[tokio::test]
async fn a_leaked_key_is_out_at_once_and_what_it_signed_is_listed_and_signed_anew() {
    let peers = MutualPeers::of(2).await;
    let (alpha, beta) = (&peers.nodes[0], &peers.nodes[1]);
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    peers.connects(ann.user(), ben.user()).await;
    let asked = peers.authorizes(&ann, &tea, ben.user()).await;
    let leaked = signing(beta);

    let operator = beta.node();
    let operator = operator.operator();
    let signed = operator.signed_with(leaked).await.unwrap();
    let grant = &signed.grants[0];
    assert_eq!((signed.grants.len(), grant.id, &grant.user, grant.used), (1, asked.id, ben.user(), false));
    assert_eq!(signed.stops, [alpha.provider().clone()]);
    operator.revoke_key(leaked).await.unwrap();
    let new = signing(beta);
    assert_eq!(keys(&beta.node()), [(new, Standing::Signs), (leaked, Standing::Revoked)]);
    let again = operator.revoke_key(leaked).await.unwrap_err();
    assert!(again.to_string().contains("revoked already"), "{again}");

    // An unknown key lets a document be fetched again after a minute; nobody has said that the new one is Beta's.
    peers.federation.clock().turn(Duration::from_secs(90));
    alpha.sees_peer(beta.provider(), PeerState::KeyChanged).await;
    alpha.node().operator().accept_key(beta.provider().clone(), &[new]).await.unwrap();
    let id = asked.id;
    alpha
        .until("the grant is signed anew", move |view| {
            let row = view.requests_by_id::<Addition>(id)?.pop();
            let kept = row.and_then(|row| row.about.grant);
            Ok(kept.filter(|kept| *UnverifiedGrant::parse(&kept.jws).unwrap().kid() == new))
        })
        .await;
    let claimed = ann.claims(&tea, &[ben.user()]).await;
    ann.does(&tea, &ann.commit(&tea, CommitPlan::adding(&claimed))).await;
    ben.comes_into(&tea).await;
}

#[tokio::test]
async fn nobody_stops_where_the_next_key_was_known_before_the_first_leaked() {
    let peers = MutualPeers::of(2).await;
    let (alpha, beta) = (&peers.nodes[0], &peers.nodes[1]);
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let leaked = signing(beta);
    beta.node().operator().rotate_key().unwrap();
    let next = keys(&beta.node())[0].0;
    peers.federation.clock().turn(2 * HOUR);
    // Who wants a peer to be tried sees it tried, also where nothing is expected from it.
    alpha.rests_at(beta.provider()).await;
    alpha.node().operator().retry_peer(beta.provider()).await;
    let peer = beta.provider().clone();
    alpha
        .until("the next key is known", move |view| {
            Ok(view.accepted_keys(&peer)?.contains(&next).then_some(()))
        })
        .await;
    assert!(beta.node().operator().revoke_key(leaked).await.unwrap().stops.is_empty());
    assert_eq!(signing(beta), next);
    peers.federation.clock().turn(Duration::from_secs(90));
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.sees_peer(beta.provider(), PeerState::Allowed).await;
}

/// `drawbridged keys` at the provider of `config`: its status, and all that it prints.
fn keys_command(config: &Config, arguments: &[&str]) -> (Option<i32>, String) {
    let said = Daemon::command("keys", config).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = [said.stdout, said.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    (said.status.code(), text.concat())
}

#[tokio::test]
async fn the_command_line_lists_changes_and_revokes_keys_and_says_what_is_wrong_with_what_it_is_told() {
    let federation = Federation::new();
    let listen = federation.free_address();
    let config = federation.config(|config| config.admin = Some(ListenConfig::plain(listen)));
    let expect = |arguments: &[&str], status: i32, text: &str| {
        let (code, said) = keys_command(&config, arguments);
        assert!(
            code == Some(status) && said.contains(text),
            "keys {arguments:?} ended with {code:?}: {said}"
        );
    };
    let listed = || -> Vec<(String, String)> {
        let (_, said) = keys_command(&config, &["--json"]);
        let keys: Value = serde_json::from_str(&said).unwrap();
        let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
        let keys = keys["keys"].as_array().unwrap().iter();
        keys.map(|key| (text(key, "standing"), text(key, "fingerprint"))).collect()
    };
    Daemon::write(&config);
    expect(&[], 1, "no node with pages is running");
    let daemon = Daemon::start(&config).await;
    let first = listed().remove(0).1;
    let first = first.as_str();
    expect(&[], 0, "The key is changed on command alone.");
    expect(&[], 0, &format!("signs     {first}"));

    let nobodys = SecretKey::from_seed([9; 32]).public().thumbprint().to_string();
    let nobodys = nobodys.as_str();
    for command in ["signed", "revoke"] {
        expect(&[command, nobodys], 1, "none of this provider's keys has the fingerprint");
        expect(&[command, "nonsense"], 2, "nonsense");
        expect(&[command], 2, "required");
    }
    expect(&["revoke", "--yes", nobodys], 1, "none of this provider's keys has the fingerprint");
    expect(&["burn"], 2, "burn");

    expect(&["rotate"], 0, "Next: sign at ");
    let begun = listed();
    let next = begun[0].1.clone();
    assert_eq!(begun, [("next".to_owned(), next.clone()), ("signs".to_owned(), first.to_owned())]);
    expect(&["rotate"], 1, "being changed already");
    expect(&["signed", first], 0, "Grants that are kept: 0");
    expect(&["revoke", first], 0, "Nothing was done.");
    assert_eq!(listed(), begun);
    expect(&["revoke", "--yes", first], 0, "The key is revoked. Make a backup now");
    assert_eq!(listed(), [("signs".to_owned(), next), ("revoked".to_owned(), first.to_owned())]);
    expect(&["revoke", "--yes", first], 1, "revoked already");
    expect(&["--json", "signed", first], 0, "\"standing\":");
    drop(daemon);
}

/// Has the key file say that what it calls `what` was so much earlier, as if that time had passed.
fn set_back(test_node: &TestNode, what: &str, by: Duration) {
    let file = test_node.config().data_dir.join("identity.key");
    let earlier = test_node.clock().now().as_millis() - u64::try_from(by.as_millis()).unwrap();
    let line = format!("{what} = \"{}\"", Timestamp::from_millis(earlier));
    let text = std::fs::read_to_string(&file).unwrap();
    let is_it = |old: &&str| old.starts_with(&format!("{what} = "));
    assert_eq!(text.lines().filter(is_it).count(), 1, "{what}");
    let lines = text.lines().map(|old| if is_it(&old) { line.as_str() } else { old });
    std::fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
}

/// Runs the provider of `test_node` as a process of its own, has `does` done to it, and kills it at the instant at which its key file
/// is another.
async fn is_killed_as_its_keys_change(test_node: &TestNode, does: impl FnOnce() -> Option<Child>) {
    let file = test_node.config().data_dir.join("identity.key");
    let before = std::fs::read(&file).unwrap();
    let daemon = Daemon::start(test_node.config()).await;
    let asking = does();
    let changed = async {
        // No system tells of it in time.
        while std::fs::read(&file).unwrap() == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(WAIT_LIMIT, changed).await.expect("the keys change");
    daemon.kill();
    if let Some(mut asking) = asking {
        // It may have been answered before, or not.
        asking.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_killed_amid_each_step_of_a_change_of_its_key_goes_on_and_loses_no_pull() {
    let federation = Federation::new();
    let listen = federation.free_address();
    let alpha = federation.node(|_| {}).await;
    let beta = federation.node(|config| config.admin = Some(ListenConfig::plain(listen))).await;
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let bob = beta.user("bob").await;
    let asks = |arguments: &[&str]| {
        let mut command = Daemon::command("keys", beta.config());
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Some(command.spawn().unwrap())
    };
    // What each tells the other comes, with nothing to be accepted, and Alpha reads Beta's document anew.
    let goes_on = async |name: &str| {
        alpha.node().operator().retry_peer(beta.provider()).await;
        let asked = alpha.user(name).await.asks_to_connect(bob.uri()).await;
        beta.hears_of(asked).await;
        beta.decides(asked, Decision::Approve).await;
        alpha.sees(asked, ConnectionState::Approved).await;
        let signing = signing(&beta);
        let peer = beta.provider().clone();
        let is_known = alpha.reads(move |view| view.accepted_keys(&peer)).await.contains(&signing);
        assert!(is_known, "{name}: {signing}");
    };
    let knows = async |key: Thumbprint| {
        let peer = beta.provider().clone();
        alpha
            .until("the next key is known", move |view| {
                Ok(view.accepted_keys(&peer)?.contains(&key).then_some(()))
            })
            .await;
    };
    goes_on("ann").await;
    let first = signing(&beta);
    beta.stop().await;

    is_killed_as_its_keys_change(&beta, || asks(&["rotate"])).await;
    beta.start().await;
    let second = keys(&beta.node())[0].0;
    assert_eq!(keys(&beta.node()), [(second, Standing::Next), (first, Standing::Signs)]);
    goes_on("ada").await;
    knows(second).await;
    beta.stop().await;

    set_back(&beta, "published", 26 * HOUR);
    // What a process has left that was killed before its file was whole counts for nothing.
    std::fs::write(beta.config().data_dir.join("identity.new"), "signs = \"").unwrap();
    is_killed_as_its_keys_change(&beta, || None).await;
    beta.start().await;
    assert_eq!(keys(&beta.node()), [(second, Standing::Signs), (first, Standing::Published)]);
    goes_on("amy").await;
    beta.stop().await;

    set_back(&beta, "until", 32 * 24 * HOUR);
    is_killed_as_its_keys_change(&beta, || None).await;
    beta.start().await;
    assert_eq!(keys(&beta.node()), [(second, Standing::Signs), (first, Standing::Past)]);
    goes_on("abe").await;

    beta.node().operator().rotate_key().unwrap();
    let third = keys(&beta.node())[0].0;
    goes_on("ali").await;
    knows(third).await;
    beta.stop().await;
    let leaked = second.to_string();
    is_killed_as_its_keys_change(&beta, || asks(&["revoke", "--yes", leaked.as_str()])).await;
    beta.start().await;
    let revoked = [(third, Standing::Signs), (second, Standing::Revoked), (first, Standing::Past)];
    assert_eq!(keys(&beta.node()), revoked);
    goes_on("alf").await;
    alpha.sees_peer(beta.provider(), PeerState::Allowed).await;
    assert_eq!(troubles_with_keys(&alpha, &beta).await, Vec::<String>::new());
    assert_eq!(troubles_with_keys(&beta, &alpha).await, Vec::<String>::new());
}
