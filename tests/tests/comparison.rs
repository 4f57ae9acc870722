//! Comparing copies of a group's log, and what proves that an owner told two stories (`docs/mtp.md`, section 10).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::checkpoint::{CheckpointClaims, LIFETIME_S, UnverifiedCheckpoint};
use drawbridge_mtp::evidence::{EvidenceFault, ForkEvidence};
use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::keys::SecretKey;
use drawbridge_mtp::message::{Body, CheckpointReply, Event, EventKind, LogPage, LogQuery, PeerState};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::wire::{self, Encoding, MAX_INTEGER};
use drawbridge_node::Side;
use drawbridge_node::ambient::Ambient;
use drawbridge_node::config::ListenConfig;
use drawbridge_node::diagnose::{Comparison, CopyVerdict, Finding};
use drawbridge_node::identity::load_key;
use drawbridge_testkit::{
    Clock, Daemon, Federation, MlsClient, MutualPeers, ScriptedGroup, ScriptedPeer, TestNode,
    connected_to_scripted_peer, pause_pulls, says, wait_for_checkpoint, wait_for_event,
};
use parking_lot::Mutex;
use serde_json::json;

/// What was found at a provider.
fn at<'a>(comparison: &'a Comparison, provider: &Provider) -> &'a Finding {
    let found = comparison.findings.iter().find(|finding| finding.provider == *provider);
    found.unwrap_or_else(|| panic!("{provider} was not asked: {comparison:#?}"))
}

/// What a third party reads in the file that the operator gives it, by the types of the protocol alone.
async fn exported(test_node: &TestNode, group: &GroupUri) -> ForkEvidence {
    let evidence = test_node.node().operator().fork_evidence(group.clone()).await.unwrap().unwrap();
    ForkEvidence::parse(&serde_json::to_vec(&evidence).unwrap()).unwrap()
}

/// What the owner of a group signs of it.
fn sign(group: &GroupUri, seq: u64, hash: Hash32, key: &SecretKey, clock: &Clock) -> String {
    let iat = clock.now().as_secs();
    let (iss, group) = (group.provider().clone(), group.clone());
    CheckpointClaims { iss, group, seq, hash, epoch: 1, iat, exp: iat + LIFETIME_S }.sign(key)
}

/// From now on Eve answers so to whoever asks for the checkpoint of her group.
fn shows_checkpoint(eve: &ScriptedPeer, group: &GroupUri, checkpoint: String) {
    eve.responder().shows(&format!("/groups/{}/checkpoint", group.name()), move |_| {
        wire::encode(Encoding::Json, &CheckpointReply { checkpoint: checkpoint.clone() })
    });
}

/// Eve signs her log as it is now.
fn signs_log(eve: &ScriptedPeer, owned: &ScriptedGroup) {
    let last = owned.log.lock().last().unwrap().clone();
    let signed = sign(&owned.group, last.seq, last.hash, eve.signer().key(), eve.clock());
    shows_checkpoint(eve, &owned.group, signed);
}

/// A group of Eve's, with four messages behind the commit that has added Ben, all of which beta has; what Eve signs of that is
/// kept there where `is_signed`.
async fn followed(
    peers: &MutualPeers,
    eve: &ScriptedPeer,
    client: &MlsClient,
    ben: &MlsClient,
    is_signed: bool,
) -> ScriptedGroup {
    let beta = &peers.nodes[0];
    let tea = ScriptedGroup::new("tea", peers, eve, client, ben).await;
    for text in ["first", "second", "third", "fourth"] {
        tea.tells_event(eve, tea.says(eve, client, text));
    }
    beta.waits_for_feed_of(eve).await;
    wait_for_event(beta, &tea.group, 6).await;
    if is_signed {
        signs_log(eve, &tea);
        wait_for_checkpoint(&peers.federation, beta, &tea.group, 6).await;
    }
    tea
}

/// Eve's log becomes another behind event `agreed`, with `more` events.
fn forks(eve: &ScriptedPeer, owned: &ScriptedGroup, client: &MlsClient, agreed: usize, more: usize) {
    owned.log.lock().truncate(agreed);
    for turn in 0..more {
        owned.says(eve, client, &format!("another {turn}"));
    }
}

#[tokio::test]
async fn copies_that_are_the_same_are_said_to_be_and_what_is_missing_is_counted() {
    let peers = MutualPeers::of(3).await;
    let [alpha, beta, gamma] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let cat = peers.client(2, "cat").await;
    let tea = peers.group("tea", &ann, &[&ben, &cat]).await;
    let (_, last) = says(&ann, &tea, "all have it").await;
    for test_node in [beta, gamma] {
        wait_for_event(test_node, &tea, last.seq).await;
    }
    let comparison = beta.compares(&tea).await;
    assert_eq!((comparison.is_ours, comparison.head, comparison.providers), (false, last.seq, 2));
    assert_eq!(comparison.findings[0].provider, *alpha.provider(), "its owner is asked first");
    for provider in [alpha.provider(), gamma.provider()] {
        let finding = at(&comparison, provider);
        assert_eq!((finding.verdict, finding.code.as_deref()), (CopyVerdict::Equal, None), "{finding:#?}");
    }
    let signed = at(&comparison, alpha.provider()).checkpoint.clone().unwrap();
    assert_eq!((signed.seq, signed.hash, signed.agrees), (last.seq, last.hash, Some(true)));
    assert_eq!(signed.key, alpha.node().operator().fingerprint());
    assert_eq!(
        comparison.summary(),
        "The copy here is the same as that of all 2 providers that have answered."
    );
    let comparison = alpha.compares(&tea).await;
    assert!(comparison.is_ours && comparison.verdict() == Some(CopyVerdict::Equal), "{comparison:#?}");

    pause_pulls(beta, alpha, true).await;
    let mut ahead = last;
    for text in ["one", "two", "three"] {
        (_, ahead) = says(&ann, &tea, text).await;
    }
    wait_for_event(gamma, &tea, ahead.seq).await;
    let comparison = beta.compares(&tea).await;
    for provider in [alpha.provider(), gamma.provider()] {
        let finding = at(&comparison, provider);
        assert_eq!((finding.verdict, finding.events), (CopyVerdict::Ahead, Some(3)), "{finding:#?}");
    }
    assert!(comparison.summary().starts_with("The copy here is 3 events behind"), "{}", comparison.summary());
    let comparison = alpha.compares(&tea).await;
    let finding = at(&comparison, beta.provider());
    assert_eq!((finding.verdict, finding.events), (CopyVerdict::Behind, Some(3)), "{finding:#?}");
    assert!(finding.text.ends_with("3 events more are here"), "{}", finding.text);
    assert_eq!(at(&comparison, gamma.provider()).verdict, CopyVerdict::Equal);

    pause_pulls(beta, alpha, false).await;
    wait_for_event(beta, &tea, ahead.seq).await;
    assert_eq!(beta.compares(&tea).await.verdict(), Some(CopyVerdict::Equal));
    assert_eq!(exported(beta, &tea).await.contradictions, [], "there is nothing to show");
}

#[tokio::test]
async fn who_is_away_or_busy_or_not_let_in_is_told_from_who_has_another_log() {
    let peers = MutualPeers::of(3).await;
    let [alpha, beta, gamma] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let cat = peers.client(2, "cat").await;
    let tea = peers.group("tea", &ann, &[&ben, &cat]).await;
    let eve = peers.federation.scripted_peer();
    eve.takes_part(&peers, &ann, &tea).await;
    for test_node in [beta, gamma] {
        test_node.follows(&tea, 2).await;
    }
    eve.responder().refuses(|_, path| {
        path.starts_with("/groups").then(|| Problem::new(Code::Unavailable, "in a moment"))
    });
    gamma.stop().await;
    let comparison = alpha.compares(&tea).await;
    assert_eq!(at(&comparison, beta.provider()).verdict, CopyVerdict::Equal);
    let away = at(&comparison, gamma.provider());
    assert_eq!(away.verdict, CopyVerdict::Unanswered, "{away:#?}");
    assert_eq!(away.code.as_deref(), Some("connection-refused"));
    let busy = at(&comparison, eve.provider());
    assert_eq!((busy.verdict, busy.side), (CopyVerdict::Waits, Some(Side::Nobody)), "{busy:#?}");
    assert_eq!(
        comparison.summary(),
        "The log here is the same as that of the provider that has answered. 2 of 3 have told nothing."
    );
    let comparison = beta.compares(&tea).await;
    assert_eq!(at(&comparison, eve.provider()).verdict, CopyVerdict::NotAsked, "no peer of beta's");
    alpha.stop().await;
    let comparison = beta.compares(&tea).await;
    assert_eq!(at(&comparison, alpha.provider()).verdict, CopyVerdict::Unanswered);
    assert_eq!(comparison.summary(), "Nobody has told of its log, so nothing was compared.");

    let unknown = alpha.group("none");
    assert_eq!(beta.node().operator().begin_comparison(&unknown).unwrap_err().code(), "no-such-group");
}

#[tokio::test]
async fn a_wrong_clock_and_a_changed_key_are_no_logs_that_are_not_in_order() {
    let federation = Federation::new();
    let turned = Arc::new(Clock::default());
    let nodes = vec![federation.node(|_| {}).await, federation.node_with_clock(turned.clone(), |_| {}).await];
    for [one, other] in [[&nodes[0], &nodes[1]], [&nodes[1], &nodes[0]]] {
        one.allows(other.provider()).await;
    }
    let peers = MutualPeers { federation, nodes };
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    beta.follows(&tea, 1).await;
    turned.turn(Duration::from_secs(600));
    let comparison = alpha.compares(&tea).await;
    let off = at(&comparison, beta.provider());
    assert_eq!(
        (off.verdict, off.code.as_deref(), off.side),
        (CopyVerdict::Unanswered, Some("clock-skew"), Some(Side::Either)),
        "{off:#?}"
    );
    assert!(off.text.starts_with("its clock is 10 min ahead of this computer's"), "{}", off.text);
    alpha.sets_peer(beta.provider(), PeerState::KeyChanged).await;
    let comparison = alpha.compares(&tea).await;
    let changed = at(&comparison, beta.provider());
    assert_eq!(
        (changed.verdict, changed.code.as_deref(), changed.side),
        (CopyVerdict::NotAsked, Some("key-changed"), Some(Side::Ours)),
        "{changed:#?}"
    );
}

#[tokio::test]
async fn an_owner_whose_log_parts_from_the_copy_is_found_out_at_the_very_event_and_others_can_verify_it() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let beta = &peers.nodes[0];
    let tea = followed(&peers, &eve, &client, &ben, true).await;
    assert_eq!(beta.compares(&tea.group).await.verdict(), Some(CopyVerdict::Equal));
    // Its log goes on, longer than what is here.
    forks(&eve, &tea, &client, 4, 3);
    signs_log(&eve, &tea);
    let comparison = beta.compares(&tea.group).await;
    let finding = at(&comparison, eve.provider());
    assert_eq!((finding.verdict, finding.differs_from), (CopyVerdict::Different, Some(5)), "{finding:#?}");
    assert_eq!((finding.code.as_deref(), finding.side), (Some("log-forked"), Some(Side::Theirs)));
    assert!(finding.text.contains("it has signed both: up to event 6 what is here, and up to event 7"));
    assert!(comparison.summary().starts_with(&format!("{}: from event 5 on", eve.provider())));

    let trouble = beta.notes(eve.provider(), "log-forked").await;
    assert!(trouble.text.contains(&format!("event 5 of {}", tea.group)), "{}", trouble.text);
    tea.tells(
        &eve,
        drawbridge_mtp::message::ItemBody::Peer { state: drawbridge_mtp::message::PeerState::Allowed },
    );
    beta.waits_for_feed_of(&eve).await;
    assert!(!beta.notes(eve.provider(), "log-forked").await.over, "a page that is well does not end it");

    let evidence = exported(beta, &tea.group).await;
    assert_eq!(evidence.contradictions.len(), 1, "{evidence:#?}");
    let proved = evidence.verify().remove(0).unwrap();
    assert!(proved.is_first, "the two agree on everything before");
    assert_eq!(evidence.contradictions[0].seq, 5);
    assert_eq!(proved.signed.map(|claims| claims.seq), [6, 7]);
    let mut changed = evidence.clone();
    changed.contradictions[0].second.events[0].epoch += 1;
    assert_eq!(changed.verify(), [Err(EvidenceFault::Chain("second"))]);

    let shown = beta.node().operator().group(tea.group.clone()).await.unwrap().unwrap();
    assert_eq!((shown.forks.len(), shown.forks[0].seq, shown.forks[0].is_proved), (1, 5, true));
    assert!(shown.forks[0].text.starts_with("From event 5 on, the owner has signed two logs"));

    // The same once more is kept once.
    assert_eq!(beta.compares(&tea.group).await.verdict(), Some(CopyVerdict::Different));
    assert_eq!(exported(beta, &tea.group).await.contradictions.len(), 1);
}

#[tokio::test]
async fn what_the_owner_has_not_signed_before_is_no_proof_to_others_and_is_said_so() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let beta = &peers.nodes[0];
    let tea = followed(&peers, &eve, &client, &ben, false).await;
    forks(&eve, &tea, &client, 2, 4);
    signs_log(&eve, &tea);
    let comparison = beta.compares(&tea.group).await;
    let finding = at(&comparison, eve.provider());
    assert_eq!((finding.verdict, finding.differs_from), (CopyVerdict::Different, Some(3)), "{finding:#?}");
    assert!(finding.text.contains("nothing that it has signed is at hand"), "{}", finding.text);
    beta.notes(eve.provider(), "log-forked").await;
    let evidence = exported(beta, &tea.group).await;
    assert!(evidence.verify().iter().all(|verified| *verified == Err(EvidenceFault::Unsigned("first"))));
    let shown = beta.node().operator().group(tea.group.clone()).await.unwrap().unwrap();
    assert!(!shown.forks.is_empty() && shown.forks.iter().all(|fork| !fork.is_proved), "{:?}", shown.forks);
}

#[tokio::test]
async fn an_owner_that_signs_less_than_it_has_given_is_said_to_be_behind() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let beta = &peers.nodes[0];
    let tea = followed(&peers, &eve, &client, &ben, true).await;
    tea.log.lock().truncate(4);
    signs_log(&eve, &tea);
    let comparison = beta.compares(&tea.group).await;
    let finding = at(&comparison, eve.provider());
    assert_eq!((finding.verdict, finding.events), (CopyVerdict::Behind, Some(2)), "{finding:#?}");
    assert_eq!((finding.code.as_deref(), finding.side), (Some("owner-behind"), Some(Side::Theirs)));
    assert!(finding.text.contains("it has signed event 6 before"), "{}", finding.text);
    assert_eq!(
        exported(beta, &tea.group).await.contradictions,
        [],
        "it has not said two things of one event"
    );
}

#[tokio::test]
async fn what_is_not_signed_by_the_owner_or_does_not_fit_its_log_is_no_difference() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let (beta, mallory) = (&peers.nodes[0], peers.federation.scripted_peer());
    let tea = followed(&peers, &eve, &client, &ben, true).await;
    let wrong = Hash32([9; 32]);
    let of_other_key = sign(&tea.group, 6, wrong, mallory.signer().key(), eve.clock());
    let good = sign(&tea.group, 6, wrong, eve.signer().key(), eve.clock());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let changed: String = signature.chars().rev().collect();
    let forged = [
        (of_other_key, "key-unknown"),
        (format!("{signed}.{changed}"), "checkpoint-wrong"),
        ("no.check.point".to_owned(), "checkpoint-wrong"),
        // Signed well, of an event to which its log does not lead.
        (sign(&tea.group, 9, wrong, eve.signer().key(), eve.clock()), "checkpoint-wrong"),
    ];
    for (checkpoint, code) in forged {
        shows_checkpoint(&eve, &tea.group, checkpoint);
        let comparison = beta.compares(&tea.group).await;
        let finding = at(&comparison, eve.provider());
        assert_eq!(finding.verdict, CopyVerdict::Invalid, "{code}: {finding:#?}");
        assert_eq!(finding.code.as_deref(), Some(code), "{finding:#?}");
    }
    assert_eq!(exported(beta, &tea.group).await.contradictions, []);
}

/// What of the owner's word a provider shows with its copy of the log.
async fn shown_with_copy(eve: &ScriptedPeer, test_node: &TestNode, group: &GroupUri) -> CheckpointClaims {
    let resource = format!("/groups/{}@{}/log?after=0", group.name(), group.provider());
    let page: LogPage =
        serde_json::from_value(eve.gets(test_node.provider(), &resource).send().await.json()).unwrap();
    UnverifiedCheckpoint::parse(&page.checkpoint.unwrap()).unwrap().unverified_claims().clone()
}

#[tokio::test]
async fn what_an_owner_signs_beyond_all_that_there_is_takes_the_place_of_nothing() {
    let (peers, eve, client, ben) = connected_to_scripted_peer().await;
    let beta = &peers.nodes[0];
    let tea = followed(&peers, &eve, &client, &ben, true).await;
    let far = sign(&tea.group, MAX_INTEGER, Hash32([9; 32]), eve.signer().key(), eve.clock());
    // It says so of its log too, of which it shows no more than before.
    shows_checkpoint(&eve, &tea.group, far);
    let finding = at(&beta.compares(&tea.group).await, eve.provider()).clone();
    assert_eq!((finding.verdict, finding.side), (CopyVerdict::Invalid, Some(Side::Theirs)), "{finding:#?}");
    assert_eq!(finding.code.as_deref(), Some("checkpoint-wrong"));
    // Who asks for the copy is shown what speaks for it, and what is signed next is kept.
    assert_eq!(shown_with_copy(&eve, beta, &tea.group).await.seq, 6);
    tea.tells_event(&eve, tea.says(&eve, &client, "fifth"));
    beta.waits_for_feed_of(&eve).await;
    wait_for_event(beta, &tea.group, 7).await;
    signs_log(&eve, &tea);
    wait_for_checkpoint(&peers.federation, beta, &tea.group, 7).await;
    assert_eq!(shown_with_copy(&eve, beta, &tea.group).await.seq, 7);
}

#[tokio::test]
async fn a_copy_for_which_a_key_speaks_that_is_not_known_here_may_be_the_owners_doing() {
    let peers = MutualPeers::of(2).await;
    let ([alpha, beta], eve) = (&peers.nodes[..], peers.federation.scripted_peer()) else { unreachable!() };
    let (tea, _ann, log) = with_scripted_participant(&peers, &eve).await;
    // Alpha, as Eve sees it, has another key, and has told another story with it.
    let other = forged(&log, 5);
    let last = other.last().unwrap().clone();
    let key = SecretKey::from_seed([7; 32]);
    let signed = sign(&tea, last.seq, last.hash, &key, eve.clock());
    shows_copy(&eve, &tea, Arc::new(Mutex::new(other)), Some(signed));
    let comparison = beta.compares(&tea).await;
    let finding = at(&comparison, eve.provider());
    assert_eq!((finding.verdict, finding.differs_from), (CopyVerdict::Different, Some(5)), "{finding:#?}");
    assert_eq!(finding.side, Some(Side::Either), "{finding:#?}");
    assert!(finding.text.contains(&format!("the document that {} shows here", alpha.provider())));
    let seen = |value: &str| finding.evidence.iter().any(|seen| seen.value == value);
    assert!(seen(&key.public().thumbprint().to_string()), "{finding:#?}");
    assert!(seen(&format!("event {} has the hash {}", last.seq, last.hash)), "{finding:#?}");
    assert_eq!(exported(beta, &tea).await.contradictions, [], "nothing is proved");
}

/// The log of a group as a scripted participant shows it, under both of its names.
fn shows_copy(eve: &ScriptedPeer, group: &GroupUri, log: Arc<Mutex<Vec<Event>>>, checkpoint: Option<String>) {
    for name in [format!("{}@{}", group.name(), group.provider()), group.name().to_string()] {
        let (log, checkpoint) = (log.clone(), checkpoint.clone());
        eve.responder().shows(&format!("/groups/{name}/log"), move |query| {
            let query = LogQuery::parse(query).unwrap();
            let log = log.lock();
            let most = usize::try_from(query.max_events.unwrap_or(1000)).unwrap();
            let events: Vec<_> =
                log.iter().filter(|event| event.seq > query.after).take(most).cloned().collect();
            let (first, head) = (log[0].seq, log.last().unwrap().seq);
            let more = events.last().is_some_and(|last| last.seq < head);
            wire::encode(
                Encoding::Json,
                &LogPage { events, first, head, more, checkpoint: checkpoint.clone() },
            )
        });
    }
}

/// The same log with other events from `seq` on, as many.
fn forged(log: &[Event], seq: u64) -> Vec<Event> {
    let mut forged: Vec<Event> = Vec::new();
    for mut event in log.iter().cloned() {
        if event.seq >= seq {
            event.kind = EventKind::Application;
            event.body_hash = Hash32::of(b"forged");
            event.body = Some(Body::of(b"forged".to_vec()));
            event.prev = forged.last().map_or(event.prev, |last| last.hash);
            event.hash = event.computed_hash();
        }
        forged.push(event);
    }
    forged
}

/// Alpha with a group, beta and Eve, who is scripted, who take part in it; and the log.
async fn with_scripted_participant(
    peers: &MutualPeers,
    eve: &ScriptedPeer,
) -> (GroupUri, MlsClient, Vec<Event>) {
    let [alpha, beta] = &peers.nodes[..] else { unreachable!() };
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    eve.takes_part(peers, &ann, &tea).await;
    beta.allows(eve.provider()).await;
    beta.follows(&tea, 2).await;
    let mut last = 0;
    for text in ["one", "two", "three", "four"] {
        last = says(&ann, &tea, text).await.1.seq;
    }
    wait_for_event(beta, &tea, last).await;
    wait_for_checkpoint(&peers.federation, beta, &tea, last).await;
    let log = ann.log(&tea, 0).await.unwrap().events;
    assert_eq!(alpha.group("tea"), tea);
    (tea, ann, log)
}

#[tokio::test]
async fn a_participant_that_lies_is_told_from_an_owner_that_does() {
    let peers = MutualPeers::of(2).await;
    let ([alpha, beta], eve) = (&peers.nodes[..], peers.federation.scripted_peer()) else { unreachable!() };
    let (tea, _ann, log) = with_scripted_participant(&peers, &eve).await;
    let (seq, last) = (6, log.last().unwrap().clone());
    let copy = Arc::new(Mutex::new(forged(&log, seq)));
    let signed = eve.checkpoint(alpha, &tea).await;
    // Its checkpoint is the owner's, and says what is here: the lie is its own.
    shows_copy(&eve, &tea, copy.clone(), Some(signed.clone()));
    for (asks, owner_is_asked) in [(beta, true), (alpha, false)] {
        let comparison = asks.compares(&tea).await;
        let finding = at(&comparison, eve.provider());
        assert_eq!(
            (finding.verdict, finding.differs_from),
            (CopyVerdict::Different, Some(seq)),
            "{finding:#?}"
        );
        assert_eq!((finding.code.as_deref(), finding.side), (Some("log-differs"), Some(Side::Theirs)));
        assert!(finding.checkpoint.as_ref().is_some_and(|signed| signed.agrees == Some(true)));
        if owner_is_asked {
            assert_eq!(at(&comparison, alpha.provider()).verdict, CopyVerdict::Equal);
        }
        assert!(!asks.notes(eve.provider(), "log-differs").await.over);
        assert_eq!(exported(asks, &tea).await.contradictions, [], "nothing is proved against the owner");
    }

    // It shows what it should; what was said of it is over, also where nobody asks again.
    *copy.lock() = log.clone();
    let liar = eve.provider().clone();
    beta.until("it was compared again", move |view| {
        let troubles = view.troubles(&liar)?;
        Ok(troubles.iter().any(|it| it.code == "log-differs" && it.over).then_some(()))
    })
    .await;
    for asks in [beta, alpha] {
        assert_eq!(at(&asks.compares(&tea).await, eve.provider()).verdict, CopyVerdict::Equal);
        assert!(asks.notes(eve.provider(), "log-differs").await.over);
    }

    // It keeps something that nobody has signed.
    let unsigned = sign(&tea, last.seq, Hash32([9; 32]), eve.signer().key(), eve.clock());
    shows_copy(&eve, &tea, copy, Some(unsigned));
    let comparison = beta.compares(&tea).await;
    let finding = at(&comparison, eve.provider());
    assert_eq!((finding.verdict, finding.code.as_deref()), (CopyVerdict::Invalid, Some("key-unknown")));
    assert_eq!(exported(beta, &tea).await.contradictions, []);

    // Once it has ended, the key may have been the owner's.
    peers.federation.clock().turn(Duration::from_secs(LIFETIME_S + 1));
    let comparison = beta.compares(&tea).await;
    let finding = at(&comparison, eve.provider());
    assert_eq!(finding.verdict, CopyVerdict::Equal, "{finding:#?}");
    assert!(finding.evidence.iter().any(|seen| seen.value.starts_with("cannot be verified")), "{finding:#?}");
}

#[tokio::test]
async fn what_the_owner_has_signed_for_another_participant_counts_whoever_shows_it() {
    let peers = MutualPeers::of(2).await;
    let ([alpha, beta], eve) = (&peers.nodes[..], peers.federation.scripted_peer()) else { unreachable!() };
    let (tea, _ann, log) = with_scripted_participant(&peers, &eve).await;
    // Alpha has told Eve another story, and has signed that.
    let other = forged(&log, 5);
    let last = other.last().unwrap().clone();
    let key = load_key(&alpha.config().data_dir).unwrap();
    let signed = sign(&tea, last.seq, last.hash, &key, eve.clock());
    shows_copy(&eve, &tea, Arc::new(Mutex::new(other)), Some(signed));

    let comparison = beta.compares(&tea).await;
    assert_eq!(
        at(&comparison, alpha.provider()).verdict,
        CopyVerdict::Equal,
        "it says to beta what it has said"
    );
    let finding = at(&comparison, eve.provider());
    assert_eq!((finding.verdict, finding.differs_from), (CopyVerdict::Different, Some(5)), "{finding:#?}");
    assert_eq!(finding.code.as_deref(), Some("log-forked"));
    assert!(finding.text.contains(&format!("{} has told two stories", alpha.provider())), "{}", finding.text);
    let told = beta.notes(alpha.provider(), "log-forked").await;
    assert!(!told.over, "{told:?}");
    let evidence = exported(beta, &tea).await;
    let at_fifth = evidence.contradictions.iter().position(|found| found.seq == 5).unwrap();
    let proved = evidence.verify().remove(at_fifth).unwrap();
    assert!(proved.is_first);
    assert_eq!(proved.signed.map(|claims| claims.seq), [last.seq, last.seq]);

    // Whoever compares with beta next finds it too: beta shows what the owner has signed of its copy.
    let shown = shown_with_copy(&eve, beta, &tea).await;
    let ours = log.last().unwrap();
    assert_eq!((shown.seq, shown.hash), (ours.seq, ours.hash));

    // At the owner, it is its own key that has signed both.
    let comparison = alpha.compares(&tea).await;
    let finding = at(&comparison, eve.provider());
    assert_eq!((finding.verdict, finding.differs_from), (CopyVerdict::Different, Some(5)), "{finding:#?}");
    assert_eq!((finding.code.as_deref(), finding.side), (Some("own-log-forked"), Some(Side::Ours)));
    alpha.notes(eve.provider(), "own-log-forked").await;
    let evidence = exported(alpha, &tea).await;
    let at_fifth = evidence.contradictions.iter().position(|found| found.seq == 5).unwrap();
    assert!(evidence.verify().remove(at_fifth).unwrap().is_first);
}

#[tokio::test]
async fn the_command_line_compares_and_says_what_it_found() {
    let federation = Federation::new();
    let listen = federation.config(|_| {}).mtp.listen.ip().unwrap();
    let config = federation.config(|config| config.admin = Some(ListenConfig::plain(listen)));
    let daemon = Daemon::start(&config).await;
    let made = |command: &str, request: serde_json::Value| Daemon::answer(&config, command, &request);
    made("create-user", json!({"name": "ann"}));
    made("open-account", json!({"user": "ann"}));
    let group = made(
        "create-group",
        json!({"user": "ann", "name": "Tea", "add": "members", "send": "members"}),
    )["group"]
        .as_str()
        .unwrap()
        .to_owned();
    let compares = |arguments: &[&str]| Daemon::command("compare", &config).args(arguments).output().unwrap();
    let said = compares(&[&group]);
    assert!(said.status.success(), "{said:?}");
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(text.contains("Nobody else takes part in this group"), "{text}");
    let said = compares(&["--json", &group]);
    let told: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!((&told["group"], &told["is_finished"]), (&json!(group), &json!(true)), "{told}");
    let said = compares(&["mimi://b.example/g/none"]);
    assert_eq!(said.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&said.stderr).contains("there is no group"), "{said:?}");
    assert_eq!(made("evidence", json!({"group": group}))["contradictions"], json!([]));
    drop(daemon);
}
