//! The grants by which an owner accepted a commit are in its event, and participants hold those whom it adds against them
//! (`docs/mtp.md`, section 10).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::keys::SecretKey;
use drawbridge_mtp::message::{EventKind, Item, ItemBody};
use drawbridge_node::store::{MemberRow, Proof};
use drawbridge_testkit::{CommitPlan, MlsClient, MutualPeers, ScriptedGroup, connected_to_scripted_peer};
use http::StatusCode;
use serde_json::json;

#[tokio::test]
async fn who_is_added_without_a_grant_stays_and_the_operator_is_told() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    let beta = &peers.nodes[0];
    let proof_of = async |who: &MlsClient, proof| {
        let (group, user) = (tea.group.clone(), who.user().clone());
        beta.until(&format!("{user} is {proof}"), move |view| {
            let Some(row) = view.group(&group)? else { return Ok(None) };
            let members = view.members(row.id)?;
            let is_so = |row: &MemberRow| row.member.user == user && row.proof == Some(proof);
            Ok(members.into_iter().find(is_so))
        })
        .await
    };
    let proved = proof_of(&ben, Proof::Proved).await;
    assert!(proved.member.grant.is_some());

    let adds = async |name: &str, grants: &dyn Fn(&MlsClient) -> Vec<String>| {
        let other = eve.client(name);
        let ended = client.epoch(&tea.group);
        let commit = client.commit(&tea.group, CommitPlan::adding_package(other.key_package()));
        let (sender, content) = (client.uri(), commit.mls.as_slice());
        let event = tea.writes_by(&eve, EventKind::Commit, ended, sender, content, grants(&other));
        tea.tells_event(&eve, event.clone());
        client.takes(Item { seq: 1, id: eve.clock().id(), body: ItemBody::Event(event) }).await;
        beta.follows(&tea.group, ended + 1).await;
        other
    };
    let key = eve.signer().key();
    let cat = adds("cat", &|_| Vec::new()).await;
    proof_of(&cat, Proof::Unproved).await;
    let trouble = beta.notes(eve.provider(), "added-unproved").await;
    assert!(trouble.text.contains(cat.user().as_str()), "{}", trouble.text);

    let dan = adds("dan", &|dan| vec![eve.grant(dan.user(), client.user(), &tea.group).sign(key)]).await;
    proof_of(&dan, Proof::Proved).await;
    // For another adder, for another group, by another's key, and of another time.
    let eva = adds("eva", &|eva| {
        let other = "other".parse().unwrap();
        let elsewhere = GroupUri::new(eve.provider(), &other);
        let mut past = eve.grant(eva.user(), client.user(), &tea.group);
        (past.iat, past.exp) = (past.iat - 200_000, past.iat - 100_000);
        vec![
            eve.grant(eva.user(), ben.user(), &tea.group).sign(key),
            eve.grant(eva.user(), client.user(), &elsewhere).sign(key),
            past.sign(key),
        ]
    })
    .await;
    proof_of(&eva, Proof::Unproved).await;
    let forged = SecretKey::from_seed([9; 32]);
    let fay = adds("fay", &|fay| vec![eve.grant(fay.user(), client.user(), &tea.group).sign(&forged)]).await;
    proof_of(&fay, Proof::Unproved).await;
    // All are in the group, since MLS has added them, and what is said in it goes on.
    let event = tea.says(&eve, &client, "welcome, all");
    tea.tells_event(&eve, event);
    ben.hears_said(&tea.group, "welcome, all").await;
}

#[tokio::test]
async fn the_events_of_commits_carry_the_grants_by_which_they_were_accepted() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let cat = peers.client(1, "cat").await;
    let tea = peers.group("tea", &ann, &[]).await;
    for other in [&ben, &cat] {
        peers.connects(ann.user(), other.user()).await;
    }
    let claimed = peers.claimed(&ann, &tea, &[ben.user(), cat.user()]).await;
    let mut commit = ann.commit(&tea, CommitPlan::adding(&claimed));
    assert_eq!(commit.grants.len(), 2);
    let useful: Vec<_> = commit.grants.iter().rev().cloned().collect();
    // Only those that it was accepted by, in the order in which they were handed in.
    commit.grants = vec!["a.b.c".into(), useful[0].clone(), useful[1].clone(), useful[0].clone()];
    let placed = ann.does(&tea, &commit).await;
    ann.hears_of(&tea, placed.seq).await;
    ben.comes_into(&tea).await;
    for client in [&ann, &ben] {
        client.hears_of(&tea, placed.seq).await;
        let log = client.log(&tea, placed.seq - 1).await.unwrap();
        assert_eq!(log.events[0].grants, useful);
        assert_eq!(log.events[0].computed_hash(), placed.hash);
    }
    let said = ann.does(&tea, &ann.says(&tea, "welcome")).await;
    assert!(ann.log(&tea, said.seq - 1).await.unwrap().events[0].grants.is_empty());
}

#[tokio::test]
async fn a_grant_that_is_spent_claims_nothing_of_who_gave_it() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    let beta = &peers.nodes[0];
    // He has another client now, which is not in the group.
    let laptop = beta.client(ben.user(), "laptop").await;
    laptop.publishes(1).await;
    let grants = tea.log.lock().last().unwrap().grants.clone();
    assert_eq!(grants.len(), 1);
    let claim = json!({
        "group": tea.group, "adder": client.user(), "users": [ben.user()], "grants": grants, "cipher_suites": [1],
    });
    let heard = eve.posts(beta.provider(), "/keypackages/claim", &claim).send().await;
    let nothing = json!({"users": [{"user": ben.user(), "status": "not-authorized", "clients": []}]});
    assert_eq!((heard.status, heard.json()), (StatusCode::OK, nothing));
}
