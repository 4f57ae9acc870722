//! What owners sign of their logs, and what participants hold it against (`docs/mtp.md`, section 10).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use drawbridge_mtp::checkpoint::{CheckpointClaims, LIFETIME_S, UnverifiedCheckpoint};
use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::message::CheckpointReply;
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::wire::{self, Encoding};
use drawbridge_node::ambient::Ambient;
use drawbridge_node::store::{Contradiction, KeptCheckpoint};
use drawbridge_testkit::{
    MlsClient, MutualPeers, ScriptedGroup, ScriptedPeer, TestNode, connected_to_scripted_peer,
};

/// Longer than an owner is left alone for.
const A_MINUTE: Duration = Duration::from_secs(61);

/// Lets minutes pass until `look` has found what it waits for: a minute may pass before it is known that something was stored.
async fn in_some_minutes<T>(peers: &MutualPeers, look: impl AsyncFn() -> T) -> T {
    for _ in 0..10 {
        peers.federation.clock().turn(A_MINUTE);
        if let Ok(found) = tokio::time::timeout(Duration::from_secs(4), look()).await {
            return found;
        }
    }
    look().await
}

/// Says something, and returns its number once it has its place.
async fn says(client: &MlsClient, group: &GroupUri, text: &str) -> u64 {
    client.does(group, &client.says(group, text)).await.seq
}

/// Returns when a participant has a checkpoint that covers this event.
async fn kept_checkpoint(test_node: &TestNode, group: &GroupUri, seq: u64) -> KeptCheckpoint {
    let uri = group.clone();
    test_node
        .until(&format!("there is a checkpoint of event {seq}"), move |view| {
            let Some(row) = view.group(&uri)? else { return Ok(None) };
            Ok(view.checkpoint(row.id)?.filter(|kept| kept.seq >= seq))
        })
        .await
}

async fn contradictions(test_node: &TestNode, group: &GroupUri) -> Vec<Contradiction> {
    let uri = group.clone();
    test_node
        .reads(move |view| {
            Ok(match view.group(&uri)? {
                Some(row) => view.contradictions(row.id)?,
                None => Vec::new(),
            })
        })
        .await
}

#[tokio::test]
async fn a_participant_keeps_the_newest_checkpoint_and_gives_it_with_its_copy_of_the_log() {
    let peers = MutualPeers::of(2).await;
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    beta.follows(&tea, 1).await;
    let mut newest = 0;
    for text in ["one", "two"] {
        newest = says(&ann, &tea, text).await;
        ben.hears_said(&tea, text).await;
        in_some_minutes(&peers, async || kept_checkpoint(beta, &tea, newest).await).await;
    }
    // The owner signs anew with each page; a participant gives what it keeps.
    for (client, fresh) in [(&ann, true), (&ben, false)] {
        let page = client.log(&tea, 0).await.unwrap();
        let jws = page.checkpoint.unwrap();
        let claims = UnverifiedCheckpoint::parse(&jws).unwrap();
        assert_eq!(claims.issuer(), alpha.provider());
        if !fresh {
            assert_eq!(jws, kept_checkpoint(beta, &tea, newest).await.jws);
        }
        assert_eq!(page.events.last().unwrap().seq, newest);
    }
    assert_eq!(contradictions(beta, &tea).await, []);
}

/// A checkpoint of Eve's.
fn signed(eve: &ScriptedPeer, group: &GroupUri, seq: u64, hash: Hash32) -> String {
    let now = eve.clock().now().as_secs();
    let claims = CheckpointClaims {
        iss: eve.provider().clone(),
        group: group.clone(),
        seq,
        hash,
        epoch: 1,
        iat: now,
        exp: now + LIFETIME_S,
    };
    claims.sign(eve.signer().key())
}

/// From now on this is Eve's checkpoint; counts who asks for it.
fn shows(eve: &ScriptedPeer, group: &GroupUri, checkpoint: String) -> Arc<AtomicUsize> {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    eve.responder().shows(&format!("/groups/{}/checkpoint", group.name()), move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        wire::encode(Encoding::Json, &CheckpointReply { checkpoint: checkpoint.clone() })
    });
    asked
}

#[tokio::test]
async fn an_owner_that_says_two_things_of_one_event_is_found_out_and_what_proves_it_is_kept() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let beta = &peers.nodes[0];
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    let first = tea.says(&eve, &client, "first");
    let honest = signed(&eve, &tea.group, first.seq, first.hash);
    shows(&eve, &tea.group, honest.clone());
    tea.tells_event(&eve, first.clone());
    beta.waits_for_feed_of(&eve).await;
    let kept = in_some_minutes(&peers, async || kept_checkpoint(beta, &tea.group, first.seq).await).await;
    assert_eq!(kept.jws, honest);
    assert_eq!(contradictions(beta, &tea.group).await, []);

    // It goes on, and says to others that its log has been another one.
    let other = signed(&eve, &tea.group, first.seq, Hash32([9; 32]));
    let asked = shows(&eve, &tea.group, other.clone());
    let second = tea.says(&eve, &client, "second");
    tea.tells_event(&eve, second);
    beta.waits_for_feed_of(&eve).await;
    assert_eq!(asked.load(Ordering::SeqCst), 0, "an owner is asked once a minute at most");
    let trouble = in_some_minutes(&peers, async || beta.notes(eve.provider(), "log-forked").await).await;
    assert!(trouble.text.contains(&format!("event {} of {}", first.seq, tea.group)), "{}", trouble.text);
    let kept = contradictions(beta, &tea.group).await;
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].seq, kept[0].had), (first.seq, first.hash));
    assert_eq!(kept[0].before.as_deref(), Some(&*honest), "both checkpoints are kept");
    assert_eq!(kept[0].said.jws, other);
    // A page that is well does not let it be overlooked.
    tea.tells_event(&eve, tea.says(&eve, &client, "third"));
    beta.waits_for_feed_of(&eve).await;
    assert!(!beta.notes(eve.provider(), "log-forked").await.over);
}

#[tokio::test]
async fn a_checkpoint_that_differs_from_our_copy_is_found_out_without_another() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let beta = &peers.nodes[0];
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    let first = tea.says(&eve, &client, "first");
    shows(&eve, &tea.group, signed(&eve, &tea.group, first.seq, Hash32([9; 32])));
    tea.tells_event(&eve, first.clone());
    beta.waits_for_feed_of(&eve).await;
    in_some_minutes(&peers, async || beta.notes(eve.provider(), "log-forked").await).await;
    let kept = contradictions(beta, &tea.group).await;
    assert_eq!((kept.len(), kept[0].had, &kept[0].before), (1, first.hash, &None));
}

#[tokio::test]
async fn a_checkpoint_that_is_not_its_owners_proves_nothing() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let beta = &peers.nodes[0];
    let mallory = peers.federation.scripted_peer();
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    let other: GroupUri = tea.group.as_str().replace("/g/tea", "/g/other").parse().unwrap();
    let forged = [
        (signed(&mallory, &tea.group, 2, Hash32([9; 32])), format!("is of {}", mallory.provider())),
        (signed(&eve, &other, 2, Hash32([9; 32])), "is of another group".to_owned()),
        ("no.check.point".to_owned(), "its checkpoint: ".to_owned()),
    ];
    for (forged, noted) in forged {
        shows(&eve, &tea.group, forged);
        tea.tells_event(&eve, tea.says(&eve, &client, "a word"));
        beta.waits_for_feed_of(&eve).await;
        in_some_minutes(&peers, async || {
            let (liar, noted) = (eve.provider().clone(), noted.clone());
            beta.until("the lie is noted", move |view| {
                let wrong = view.troubles(&liar)?.into_iter().find(|it| it.code == "checkpoint-wrong");
                Ok(wrong.filter(|wrong| wrong.text.contains(&noted)))
            })
            .await
        })
        .await;
    }
    assert_eq!(contradictions(beta, &tea.group).await, []);
}

#[tokio::test]
async fn an_owner_is_asked_about_a_group_only_where_something_was_stored_since() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let beta = &peers.nodes[0];
    let tea = ScriptedGroup::new("tea", &peers, &eve, &client, &ben).await;
    let cake = ScriptedGroup::new("cake", &peers, &eve, &client, &ben).await;
    let said_in = async |group: &ScriptedGroup| {
        let said = group.says(&eve, &client, "a word");
        let asked = shows(&eve, &group.group, signed(&eve, &group.group, said.seq, said.hash));
        group.tells_event(&eve, said.clone());
        beta.waits_for_feed_of(&eve).await;
        in_some_minutes(&peers, async || kept_checkpoint(beta, &group.group, said.seq).await).await;
        asked
    };
    let of_cake = said_in(&cake).await;
    let before = of_cake.load(Ordering::SeqCst);
    let of_tea = said_in(&tea).await;
    assert_eq!((before, of_tea.load(Ordering::SeqCst)), (1, 1));
    assert_eq!(of_cake.load(Ordering::SeqCst), before, "nothing was stored in it since");
}
