//! What would happen: what a dry run foretells is what then happens, and nothing happens by it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use drawbridge_mtp::id::UserUri;
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_node::config::Strangers;
use drawbridge_node::operator::{AddRule, Asked, Foreseen, Foresight, RuleKind, UserRule};
use drawbridge_node::store::Connection;
use drawbridge_testkit::{Federation, TestNode, federation};

async fn foretold(at: &TestNode, who: &str) -> Vec<Foresight> {
    at.node().operator().dry_run(who).await.unwrap().foresights
}

fn of(foresights: &[Foresight], asked: Asked) -> &Foresight {
    foresights.iter().find(|foresight| foresight.asked == asked).unwrap()
}

#[tokio::test]
async fn a_stranger_is_foretold_by_what_the_operator_has_chosen_and_nothing_is_kept() {
    let (_federation, [alpha]) = federation().await;
    alpha.user("alice").await;
    for (strangers, introduction, connection) in [
        (Strangers::Ask, Foreseen::Waits, Foreseen::Waits),
        (Strangers::Open, Foreseen::Allowed, Foreseen::Waits),
        (Strangers::Listed, Foreseen::Unseen, Foreseen::Unseen),
    ] {
        alpha.node().operator().set_strangers(strangers).await.unwrap();
        let told = foretold(&alpha, "bob@stranger.example").await;
        assert_eq!(of(&told, Asked::Introduction).outcome, introduction, "{strangers:?}");
        assert_eq!(of(&told, Asked::Connection).outcome, connection, "{strangers:?}");
        let addition = of(&told, Asked::Addition);
        assert_eq!(addition.outcome, Foreseen::Refused, "{strangers:?}");
        assert!(addition.told.starts_with("403 peer-pending"), "{}", addition.told);
        assert_eq!(of(&told, Asked::Pull).outcome, Foreseen::Refused, "{strangers:?}");
    }
    let run = alpha.node().operator().dry_run("stranger.example").await.unwrap();
    assert!(
        run.presumed.starts_with("This presumes that the signature of stranger.example"),
        "{}",
        run.presumed
    );
    let peers = alpha.node().operator().peers().await.unwrap();
    assert!(peers.is_empty(), "{peers:?}");
    assert!(alpha.reads(|view| Ok(view.requests::<Connection>()?.is_empty())).await);
}

#[tokio::test]
async fn what_is_foretold_of_a_connection_is_what_then_happens() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, ann) = (alpha.user("alice").await, alpha.user("ann").await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let operator = alpha.node();
    let operator = operator.operator();
    operator.set_user_rule("ann".parse().unwrap(), UserRule::Allow).await.unwrap();
    let rule = async |name: &str, kind| {
        let from = beta.address(name).to_string();
        operator.set_rule(None, from, Some(kind)).await.unwrap();
    };
    rule("blocked", RuleKind::Block).await;
    rule("welcome", RuleKind::Allow).await;

    for (from, to, foreseen, words) in [
        ("welcome", &alice, Foreseen::Allowed, "a rule for everybody here allows"),
        ("blocked", &ann, Foreseen::Unseen, "a rule for everybody here blocks"),
        ("bob", &alice, Foreseen::Waits, "alice is asked"),
        ("ben", &ann, Foreseen::Allowed, "the rule of ann takes requests from everybody"),
    ] {
        let told = foretold(&alpha, beta.address(from).as_str()).await;
        let is_it = |told: &&Foresight| told.asked == Asked::Connection && told.of.as_ref() == Some(to.uri());
        let told = told.iter().find(is_it).unwrap();
        assert_eq!(told.outcome, foreseen, "{told:?}");
        assert!(told.why.contains(words), "{told:?}");
        let asked = beta.user(from).await.asks_to_connect(to.uri()).await;
        let row = alpha.hears_of(asked).await;
        let state =
            if foreseen == Foreseen::Allowed { ConnectionState::Approved } else { ConnectionState::Pending };
        assert_eq!((row.state, row.unseen), (state, foreseen == Foreseen::Unseen), "{told:?}");
        assert!(told.told.contains(&format!("{}", row.told_state())), "{told:?}");
    }
}

#[tokio::test]
async fn who_is_connected_is_foretold_by_the_rules_for_additions_and_who_is_blocked_by_that() {
    let (_federation, [alpha, beta]) = federation().await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    let of_bob: UserUri = bob.uri().clone();
    let addition = async || of(&foretold(&alpha, of_bob.as_str()).await, Asked::Addition).clone();
    let told = addition().await;
    assert!(told.outcome == Foreseen::Refused && told.told.contains("not-connected"), "{told:?}");
    alpha.decides(asked, drawbridge_node::Decision::Approve).await;
    let node = alpha.node();
    for (rule, foreseen) in [
        (AddRule::Ask, Foreseen::Waits),
        (AddRule::Allow, Foreseen::Allowed),
        (AddRule::Never, Foreseen::Unseen),
    ] {
        node.operator().set_add_rule("alice".parse().unwrap(), of_bob.clone(), rule).await.unwrap();
        let told = addition().await;
        assert_eq!(told.outcome, foreseen, "{told:?}");
    }
    let told = foretold(&alpha, of_bob.as_str()).await;
    assert!(of(&told, Asked::Connection).why.contains("connected already"), "{told:?}");
    assert_eq!(of(&told, Asked::Pull).outcome, Foreseen::Allowed);

    alpha.sets_peer(beta.provider(), PeerState::Blocked).await;
    for told in foretold(&alpha, beta.provider().as_str()).await {
        assert_eq!(told.outcome, Foreseen::Refused, "{told:?}");
        assert!(
            told.told.starts_with("403 peer-blocked") && told.why.contains("you have blocked it"),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn what_nobody_can_be_meant_by_is_refused_in_a_sentence() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    for who in ["", "two words", "mimi://home.example/g/tea", "#tea:home.example", alpha.provider().as_str()]
    {
        let refused = alpha.node().operator().dry_run(who).await.unwrap_err();
        assert!(!refused.to_string().is_empty(), "{who:?}");
    }
}
