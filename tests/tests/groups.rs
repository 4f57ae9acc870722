//! Groups whose members are at several providers (`docs/mtp.md`, sections 8 to 11): real nodes, real MLS.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::HashSet;
use std::time::Duration;

use drawbridge_client::{PolicyChange, Settings};
use drawbridge_mtp::grant::UnverifiedGrant;
use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::message::{
    Body, ClaimReply, ConnectionState, EventKind, ItemBody, Outcome, SubmissionKind, UserClaim,
};
use drawbridge_mtp::octets::{Hash32, Octets};
use drawbridge_mtp::policy::EXTENSION_TYPE;
use drawbridge_mtp::problem::Code;
use drawbridge_node::Decision;
use drawbridge_node::ambient::Ambient;
use drawbridge_node::store::{Addition, GroupRow, Reader, Standing, UserRule, View};
use drawbridge_testkit::{
    CommitPlan, DesktopApp, Federation, MlsClient, MutualPeers, TestNode, WAIT_LIMIT, policy,
};
use tokio::sync::watch;

#[tokio::test]
async fn people_of_three_providers_talk_in_a_group() {
    let peers = MutualPeers::of(3).await;
    let (ann, ben, cat) =
        (peers.client(0, "ann").await, peers.client(1, "ben").await, peers.client(2, "cat").await);
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    peers.connects(ann.user(), ben.user()).await;
    peers.connects(ann.user(), cat.user()).await;

    // Ben's operator agrees; Cat's own client does.
    peers.authorizes(&ann, &tea, ben.user()).await;
    let asked = ann.asks_to_add(&tea, cat.user()).await;
    let id = asked.id;
    peers
        .home(cat.user())
        .until("the request comes", move |view| Ok(view.requests_by_id::<Addition>(id)?.pop()))
        .await;
    cat.decides(asked, "approve").await;
    peers.waits_for_grant(&ann, asked).await;

    let claimed = ann.claims(&tea, &[ben.user(), cat.user()]).await;
    let commit = ann.commit(&tea, CommitPlan::adding(&claimed));
    let placed = ann.does(&tea, &commit).await;
    assert_eq!(placed.seq, 2);
    ann.reaches(&tea, 1).await;
    for joined in [&ben, &cat] {
        joined.comes_into(&tea).await;
        assert_eq!(joined.authenticator(&tea), ann.authenticator(&tea));
        assert_eq!(joined.members(&tea), [ann.uri(), ben.uri(), cat.uri()].map(Clone::clone));
    }

    let hello = ann.does(&tea, &ann.says(&tea, "hello")).await;
    assert_eq!(hello.seq, 3);
    for other in [&ben, &cat] {
        assert_eq!(other.hears_said(&tea, "hello").await.by, *ann.uri());
    }
    ben.does(&tea, &ben.says(&tea, "hello from ben")).await;
    cat.does(&tea, &cat.says(&tea, "hello from cat")).await;
    for all in [&ann, &ben, &cat] {
        let heard = all
            .hears("all have spoken", |client| Some(client.heard(&tea)).filter(|heard| heard.len() == 3))
            .await;
        assert_eq!(heard.iter().map(|said| said.seq).collect::<Vec<_>>(), [3, 4, 5]);
    }
}

#[tokio::test]
async fn a_group_need_not_require_anything_of_its_members() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.nodes[0].group("tea");
    ann.registers(&ann.drafts_bare(&tea, &policy(&[ann.user()]))).await.unwrap();
    peers.connects(ann.user(), ben.user()).await;
    peers.adds(&ann, &tea, &[&ben]).await;
    let both = policy(&[ann.user(), ben.user()]);
    ann.does(&tea, &ann.commit(&tea, CommitPlan::with_policy(both.clone()))).await;
    for client in [&ann, &ben] {
        client.reaches(&tea, 2).await;
        assert_eq!(client.policy(&tea), both);
        assert_eq!(client.context_extensions(&tea), [EXTENSION_TYPE]);
    }
    let kept = peers.nodes[1].follows(&tea, 2).await;
    assert_eq!(peers.nodes[1].reads(move |view| view.policy(kept.id)).await, Some(both));

    // It goes on: one joins by itself, an admin elsewhere changes the policy, and people talk.
    let laptop = peers.nodes[1].client(ben.user(), "laptop").await;
    laptop.does(&tea, &laptop.joins(&tea, &laptop.info(&tea).await.unwrap())).await;
    ben.reaches(&tea, 3).await;
    let one = policy(&[ben.user()]);
    ben.does(&tea, &ben.commit(&tea, CommitPlan::with_policy(one.clone()))).await;
    for client in [&ann, &ben, &laptop] {
        client.reaches(&tea, 4).await;
        assert_eq!(
            (client.policy(&tea), client.context_extensions(&tea)),
            (one.clone(), vec![EXTENSION_TYPE])
        );
    }
    laptop.does(&tea, &laptop.says(&tea, "hello")).await;
    ann.hears_said(&tea, "hello").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_built_in_client_goes_on_in_a_group_that_requires_nothing() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let quick = Settings {
        stagger: Duration::from_millis(100),
        pause: Duration::from_millis(40),
        ..Settings::default()
    };
    let news = watch::Sender::new(0);
    let beta = DesktopApp::of(federation.stopped_node(|_| {}), quick, news.clone());
    beta.start().await;
    alpha.allows(beta.test_node().provider()).await;
    beta.test_node().allows(alpha.provider()).await;
    let user = alpha.node().operator().create_user("ann".parse().unwrap(), UserRule::Ask).await.unwrap();
    let ann = alpha.client(&user, "phone").await;
    let ben = beta.client("ben", "desk").await;
    let client = beta.built_in(&ben).unwrap();
    let asked = alpha.node().operator().connect(user.name(), ben.user().clone(), None).await.unwrap().id;
    beta.test_node().hears_of(asked).await;
    beta.test_node().decides(asked, Decision::Approve).await;
    alpha.sees(asked, ConnectionState::Approved).await;

    let tea = alpha.group("tea");
    ann.registers(&ann.drafts_bare(&tea, &policy(&[&user]))).await.unwrap();
    let asked = ann.asks_to_add(&tea, ben.user()).await.id;
    beta.test_node().hears_of_addition(asked).await;
    beta.test_node().decides_addition(asked, Decision::Approve).await;
    alpha.sees_addition(asked, ConnectionState::Approved).await;
    let (of, now) = (ben.clone(), federation.clock().now());
    let stocked = move |view: &View<'_>| {
        let stock = view.key_packages_kept(of.user().name(), of.name(), now)?.stock;
        Ok(stock.suites.iter().any(|suite| suite.cipher_suite == 1).then_some(()))
    };
    beta.test_node().until("his client has published KeyPackages", stocked).await;
    let claimed = ann.claims(&tea, &[ben.user()]).await;
    ann.does(&tea, &ann.commit(&tea, CommitPlan::adding(&claimed))).await;
    ann.reaches(&tea, 1).await;

    // Both follow each other's change, and neither makes the group require anything.
    let both = policy(&[&user, ben.user()]);
    ann.does(&tea, &ann.commit(&tea, CommitPlan::with_policy(both))).await;
    ann.reaches(&tea, 2).await;
    let sees = async |name: &str| {
        let mut news = news.subscribe();
        let seen = async {
            loop {
                news.mark_unchanged();
                let about = client.about(&tea).await.ok();
                if about.is_some_and(|about| about.is_admin && about.name == name) {
                    return;
                }
                news.changed().await.unwrap();
            }
        };
        tokio::time::timeout(WAIT_LIMIT, seen).await.unwrap();
    };
    sees("Tea").await;
    let change = PolicyChange { name: Some("Coffee".into()), ..PolicyChange::default() };
    client.change_policy(&tea, change).await.unwrap();
    sees("Coffee").await;
    ann.hears("the group is renamed", |ann| (ann.policy(&tea).name == "Coffee").then_some(())).await;
    assert_eq!(ann.context_extensions(&tea), [EXTENSION_TYPE]);
}

#[tokio::test]
async fn a_commit_sets_what_all_know_who_are_members_after_it() {
    const KIND: u16 = 0xF4D1;
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let cat = peers.client(1, "cat").await;
    let tea = peers.group("tea", &ann, &[&ben]).await;
    peers.connects(ann.user(), cat.user()).await;
    peers.adds(&ann, &tea, &[&cat]).await;
    cat.reaches(&tea, 2).await;

    // By the commit that sets it Ben, who does not know it, goes, and Ann and Cat come to know it.
    cat.knows(&[KIND]);
    let proposed = cat.does(&tea, &cat.proposes_update(&tea)).await;
    ann.hears_of(&tea, proposed.seq).await;
    ann.knows(&[KIND]);
    ann.does(&tea, &ann.commit(&tea, CommitPlan::removing(ben.uri()).and_setting(KIND))).await;
    for client in [&ann, &cat] {
        client.reaches(&tea, 3).await;
        assert!(client.context_extensions(&tea).contains(&KIND));
    }
    peers.nodes[1].follows(&tea, 3).await;
    cat.does(&tea, &cat.says(&tea, "hello")).await;
    ann.hears_said(&tea, "hello").await;
}

#[tokio::test]
async fn what_is_judged_in_another_epoch_than_the_stores_is_not_accepted() {
    let peers = MutualPeers::of(1).await;
    let (alpha, ann) = (&peers.nodes[0], peers.client(0, "ann").await);
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    ann.does(&tea, &ann.commit(&tea, CommitPlan::renewal())).await;
    ann.reaches(&tea, 1).await;
    let (commit, message) = (ann.commit(&tea, CommitPlan::renewal()), ann.says(&tea, "hello"));
    // As another process that owns the same store would change it, behind the back of what this one has in memory.
    let store = rusqlite::Connection::open(alpha.config().data_dir.join("store.sqlite")).unwrap();
    let set_epoch = |epoch: u64| {
        store.busy_timeout(WAIT_LIMIT).unwrap();
        store.execute("UPDATE any_group SET epoch = ?1", [epoch]).unwrap();
    };
    set_epoch(2);
    for submission in [&commit, &message] {
        let outcome = ann.submits(&tea, submission).await;
        let Outcome::Rejected(problem) = &outcome else { panic!("{outcome:?}") };
        assert_eq!(problem.known(), Some(Code::Unavailable), "{outcome:?}");
    }
    assert_eq!(ann.log(&tea, 0).await.unwrap().events.len(), 2, "nothing of it is numbered");
    set_epoch(1);
    ann.does(&tea, &message).await;
    ann.does(&tea, &commit).await;
    ann.reaches(&tea, 2).await;
}

#[tokio::test]
async fn an_event_says_what_the_message_in_it_says() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.nodes[0].group("tea");
    let made = ann.drafts(&tea, &policy(&[ann.user()]));
    ann.registers(&made).await.unwrap();
    peers.connects(ann.user(), ben.user()).await;
    peers.adds(&ann, &tea, &[&ben]).await;
    peers.nodes[1].follows(&tea, 1).await;
    let early = ann.says(&tea, "written in the epoch before");
    let laptop = peers.nodes[1].client(ben.user(), "laptop").await;
    laptop.does(&tea, &laptop.joins(&tea, &laptop.info(&tea).await.unwrap())).await;
    ben.reaches(&tea, 2).await;
    ann.does(&tea, &early).await;
    ben.does(&tea, &ben.leaves(&tea)).await;

    let log = ann.log(&tea, 0).await.unwrap();
    let told: Vec<_> =
        log.events.iter().map(|event| (event.seq, event.kind, event.epoch, &event.sender)).collect();
    let expected = [
        (1, EventKind::Created, 0, ann.uri()),
        (2, EventKind::Commit, 0, ann.uri()),
        (3, EventKind::Commit, 1, laptop.uri()),
        (4, EventKind::Application, 1, ann.uri()),
        (5, EventKind::Proposal, 2, ben.uri()),
    ];
    assert_eq!(told, expected);
    let mut prev = Hash32::default();
    for event in &log.events {
        let body = ann.bytes(event.body.as_ref().unwrap()).await;
        assert_eq!(event.body_hash, Hash32::of(&body));
        assert_eq!((event.prev, event.hash), (prev, event.computed_hash()));
        prev = event.hash;
    }
    assert_eq!(ann.bytes(log.events[0].body.as_ref().unwrap()).await, made.group_info.0);
    assert_eq!(ann.bytes(log.events[3].body.as_ref().unwrap()).await, early.mls.0);
}

#[tokio::test]
async fn a_roster_says_under_which_grant_who_was_added_by_whom() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    let roster = ann.roster(&tea).await.unwrap();
    assert_eq!(roster.epoch, 1);
    let [first, second] = &roster.members[..] else { panic!("{roster:?}") };
    assert_eq!((&first.client, first.leaf, first.since_epoch), (ann.uri(), 0, 0));
    assert_eq!((&first.added_by, &first.grant), (ann.user(), &None));
    assert_eq!((&second.client, second.leaf, second.since_epoch), (ben.uri(), 1, 1));
    assert_eq!(&second.added_by, ann.user());

    let alpha = &peers.nodes[0];
    let grant = UnverifiedGrant::parse(second.grant.as_ref().unwrap()).unwrap();
    let document = alpha.node().operator().document_of(ben.uri().provider()).unwrap();
    let key = document.keys.iter().find(|key| key.thumbprint() == grant.kid()).unwrap();
    let held = grant.verify(key, alpha.provider(), alpha.node().now()).unwrap();
    assert_eq!((&held.claims().sub, &held.claims().adder), (ben.user(), ann.user()));
    assert_eq!(held.claims().group, tea);

    // Ben's provider has it from the owner and checked that it is the tree's.
    let theirs = peers.nodes[1].follows(&tea, 1).await;
    assert_eq!(ben.roster(&tea).await.unwrap(), roster);
    let kept = peers.nodes[1].reads(move |view| view.policy(theirs.id)).await;
    assert_eq!(kept, Some(policy(&[ann.user()])));
}

#[tokio::test]
async fn a_participants_roster_says_it_too_of_who_was_added_after_its_own_users() {
    let peers = MutualPeers::of(3).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let cat = peers.client(2, "cat").await;
    let tea = peers.group("tea", &ann, &[&ben]).await;
    peers.nodes[1].follows(&tea, 1).await;
    peers.connects(ann.user(), cat.user()).await;
    peers.adds(&ann, &tea, &[&cat]).await;

    let group = tea.clone();
    let has_grants = move |view: &View<'_>| {
        let Some(row) = view.group(&group)? else { return Ok(None) };
        let members = view.members(row.id)?;
        let granted = members.iter().filter(|row| row.member.grant.is_some()).count();
        Ok((granted == 2).then_some(()))
    };
    peers.nodes[1].until("the grants of ben and cat are known", has_grants).await;
    assert_eq!(ben.roster(&tea).await.unwrap(), ann.roster(&tea).await.unwrap());
}

/// How a node has a group.
async fn stands(test_node: &TestNode, group: &GroupUri) -> GroupRow {
    let uri = group.clone();
    test_node.reads(move |view| view.group(&uri)).await.unwrap()
}

#[tokio::test]
async fn who_is_removed_gets_the_commit_and_nothing_after_it() {
    let peers = MutualPeers::of(3).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let cat = peers.client(2, "cat").await;
    let tea = peers.group("tea", &ann, &[&ben, &cat]).await;
    let beta = &peers.nodes[1];
    beta.follows(&tea, 1).await;
    ben.does(&tea, &ben.says(&tea, "hello")).await;

    let cut = ann.does(&tea, &ann.commit(&tea, CommitPlan::removing(ben.uri()))).await;
    ann.reaches(&tea, 2).await;
    let after = ann.does(&tea, &ann.says(&tea, "ben is gone")).await;
    cat.hears_said(&tea, "ben is gone").await;

    ben.hears_of(&tea, cut.seq).await;
    assert!(!ben.is_in(&tea));
    let group = tea.clone();
    beta.until("the group is over", move |view| {
        Ok(view.group(&group)?.filter(|row| row.standing == Standing::Over))
    })
    .await;
    // Another group in the same feed shows that nothing is still to come.
    peers.connects(cat.user(), ben.user()).await;
    ben.catches_up().await;
    assert_eq!(ben.events(&tea).last().map(|event| event.seq), Some(cut.seq));
    assert_eq!(stands(beta, &tea).await.head, cut.seq);
    assert!(after.seq > cut.seq);
    assert_eq!(ben.groups().await.groups, []);
    assert_eq!(ben.status(&tea).await.unwrap_err().known(), Some(Code::NotFound));
    let submitted =
        ben.tries_to_submit(&tea, vec![ben.submission(SubmissionKind::Application, Octets(vec![1]))]).await;
    assert_eq!(submitted.unwrap_err().known(), Some(Code::NotFound));
    assert_eq!(ann.status(&tea).await.unwrap().participants, [cat.uri().provider().clone()]);
}

#[tokio::test]
async fn who_is_removed_and_added_again_before_its_provider_hears_of_either_is_in() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    let (alpha, beta) = (peers.nodes[0].provider(), &peers.nodes[1]);
    beta.follows(&tea, 1).await;

    // All of it comes on one page: that he is out, and that he is in again.
    beta.node().operator().pause_peer(alpha.clone(), true).await.unwrap();
    let out = ann.does(&tea, &ann.commit(&tea, CommitPlan::removing(ben.uri()))).await;
    ann.reaches(&tea, 2).await;
    let unheard = ann.does(&tea, &ann.says(&tea, "ben is gone")).await;
    let claimed = peers.claimed(&ann, &tea, &[ben.user()]).await;
    let back = ann.does(&tea, &ann.commit(&tea, CommitPlan::adding(&claimed))).await;
    ann.reaches(&tea, 3).await;
    beta.node().operator().pause_peer(alpha.clone(), false).await.unwrap();

    beta.follows(&tea, 3).await;
    ben.hears_of(&tea, back.seq).await;
    ben.comes_into(&tea).await;
    ann.does(&tea, &ann.says(&tea, "there you are")).await;
    ben.hears_said(&tea, "there you are").await;
    assert_eq!(ben.authenticator(&tea), ann.authenticator(&tea));
    let told =
        |seq| ben.items().iter().any(|item| matches!(&item.body, ItemBody::Event(event) if event.seq == seq));
    assert!(told(out.seq) && !told(unheard.seq), "{:?}", ben.items());
}

#[tokio::test]
async fn who_leaves_is_let_go_by_the_others() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    peers.nodes[1].follows(&tea, 1).await;
    let late = ben.says(&tea, "one more word");
    let proposed = ben.does(&tea, &ben.leaves(&tea)).await;
    let refused = ben.expect_refusal(&tea, &late, Code::NotAuthorized).await;
    assert!(refused.detail.is_some_and(|text| text.contains("leave")));
    ann.hears_of(&tea, proposed.seq).await;
    let let_go = ann.does(&tea, &ann.commit(&tea, CommitPlan::renewal())).await;
    ann.reaches(&tea, 2).await;
    ben.hears_of(&tea, let_go.seq).await;
    assert!(!ben.is_in(&tea));
    assert_eq!(ann.roster(&tea).await.unwrap().members.len(), 1);
    let group = tea.clone();
    peers.nodes[1]
        .until("the group is over", move |view| {
            Ok(view.group(&group)?.filter(|row| row.standing == Standing::Over))
        })
        .await;

    // And comes back under a new grant.
    peers.adds(&ann, &tea, &[&ben]).await;
    peers.nodes[1].follows(&tea, 3).await;
    ben.does(&tea, &ben.says(&tea, "back again")).await;
    ann.hears_said(&tea, "back again").await;
}

#[tokio::test]
async fn who_leaves_may_still_commit() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    peers.nodes[1].follows(&tea, 1).await;
    let word = ben.says(&tea, "no more of this");
    ben.does(&tea, &ben.leaves(&tea)).await;
    ben.expect_refusal(&tea, &word, Code::NotAuthorized).await;
    ben.does(&tea, &ben.commit(&tea, CommitPlan::renewal().alone())).await;
    ann.reaches(&tea, 2).await;
}

#[tokio::test]
async fn what_is_said_stands_in_no_providers_folder() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    let secret = "what only members read";
    ann.does(&tea, &ann.says(&tea, secret)).await;
    ben.hears_said(&tea, secret).await;
    for test_node in &peers.nodes {
        let mut names_group = false;
        for entry in std::fs::read_dir(&test_node.config().data_dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let bytes = std::fs::read(&path).unwrap();
                let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
                assert!(!has(secret), "{}", path.display());
                names_group |= has(tea.as_str());
            }
        }
        assert!(names_group, "the group's name stands in the store");
    }
}

#[tokio::test]
async fn nothing_is_kept_for_a_client_that_is_no_more() {
    let peers = MutualPeers::of(1).await;
    let ann = peers.client(0, "ann").await;
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    let alpha = &peers.nodes[0];
    let laptop = alpha.client(ann.user(), "laptop").await;
    laptop.does(&tea, &laptop.joins(&tea, &laptop.info(&tea).await.unwrap())).await;
    ann.reaches(&tea, 1).await;
    let feed = async || {
        let reader = Reader::Client(laptop.uri().clone());
        alpha.node().store().read(move |view| view.feed(&reader)).await.unwrap()
    };
    assert_eq!(feed().await.unwrap().head, 1, "it is told of its commit");
    let name = |uri: &drawbridge_mtp::id::ClientUri| (uri.user().name().clone(), uri.name().clone());
    let (user, client) = name(laptop.uri());
    alpha.node().operator().delete_client(user, client).await.unwrap();
    ann.does(&tea, &ann.says(&tea, "to oneself")).await;
    assert!(feed().await.is_none(), "its leaf is still there, and nobody reads");

    // Another of its name begins with nothing, and comes in by itself.
    let anew = alpha.client(ann.user(), "laptop").await;
    ann.does(&tea, &ann.says(&tea, "to nobody yet")).await;
    assert_eq!(feed().await.unwrap().head, 0);
    anew.does(&tea, &anew.joins(&tea, &anew.info(&tea).await.unwrap())).await;
    ann.reaches(&tea, 2).await;
    ann.does(&tea, &ann.says(&tea, "to both")).await;
    anew.hears_said(&tea, "to both").await;
}

#[tokio::test]
async fn a_users_second_client_joins_by_itself() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    let beta = &peers.nodes[1];
    beta.follows(&tea, 1).await;
    let laptop = beta.client(ben.user(), "laptop").await;
    let info = laptop.info(&tea).await.unwrap();
    let joined = laptop.does(&tea, &laptop.joins(&tea, &info)).await;
    for client in [&ann, &ben] {
        client.reaches(&tea, 2).await;
        assert_eq!(client.authenticator(&tea), laptop.authenticator(&tea));
    }
    beta.follows(&tea, 2).await;
    ann.does(&tea, &ann.says(&tea, "to both")).await;
    for client in [&ben, &laptop] {
        client.hears_said(&tea, "to both").await;
    }
    assert_eq!(laptop.events(&tea)[0].seq, joined.seq, "it is told from its own commit on");
    laptop.does(&tea, &laptop.says(&tea, "from the laptop")).await;
    ann.hears_said(&tea, "from the laptop").await;
    let member = ann.roster(&tea).await.unwrap().members.pop().unwrap();
    assert_eq!((&member.client, &member.added_by, &member.grant), (laptop.uri(), ben.user(), &None));

    // The first loses its state, and takes the place of its old leaf.
    ben.forgets_group(&tea);
    let info = ben.info(&tea).await.unwrap();
    ben.does(&tea, &ben.joins(&tea, &info)).await;
    ann.reaches(&tea, 3).await;
    assert_eq!(ann.members(&tea).len(), 3);
    beta.follows(&tea, 3).await;
    ben.does(&tea, &ben.says(&tea, "anew")).await;
    ann.hears_said(&tea, "anew").await;
    laptop.hears_said(&tea, "anew").await;

    // The laptop goes, its user stays.
    let cut = ann.does(&tea, &ann.commit(&tea, CommitPlan::removing(laptop.uri()))).await;
    ann.reaches(&tea, 4).await;
    ann.does(&tea, &ann.says(&tea, "not for the laptop")).await;
    ben.hears_said(&tea, "not for the laptop").await;
    laptop.hears_of(&tea, cut.seq).await;
    laptop.catches_up().await;
    assert!(!laptop.is_in(&tea));
    assert_eq!(laptop.events(&tea).last().map(|event| event.seq), Some(cut.seq));
}

#[tokio::test]
async fn a_client_that_has_lost_its_keys_comes_in_beside_its_old_leaf_and_removes_that() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    let beta = &peers.nodes[1];
    beta.follows(&tea, 1).await;
    let old = ann.roster(&tea).await.unwrap().members.pop().unwrap();
    assert_eq!(&old.client, ben.uri());

    // With other keys MLS does not know that it is the same client, so the old leaf stays for now.
    let ben = ben.emptied();
    let info = ben.info(&tea).await.unwrap();
    let joined = ben.does(&tea, &ben.joins(&tea, &info)).await;
    ben.hears_of(&tea, joined.seq).await;
    ann.reaches(&tea, 2).await;
    beta.follows(&tea, 2).await;
    assert_eq!(ann.roster(&tea).await.unwrap().members.len(), 3);
    ben.does(&tea, &ben.says(&tea, "with new keys")).await;
    ann.hears_said(&tea, "with new keys").await;

    ben.does(&tea, &ben.commit(&tea, CommitPlan::removing_leaf(old.leaf))).await;
    ann.reaches(&tea, 3).await;
    beta.follows(&tea, 3).await;
    let left = ann.roster(&tea).await.unwrap().members;
    assert_eq!(left.iter().filter(|member| member.client == *ben.uri()).count(), 1);
    // It is told on, though a leaf of its name is gone.
    ann.does(&tea, &ann.says(&tea, "once again")).await;
    ben.hears_said(&tea, "once again").await;
}

#[tokio::test]
async fn a_user_adds_further_clients_without_a_grant() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    let laptop = peers.nodes[1].client(ben.user(), "laptop").await;
    laptop.publishes(1).await;
    let claimed = ben.claims(&tea, &[ben.user()]).await;
    ben.does(&tea, &ben.commit(&tea, CommitPlan::adding(&claimed))).await;
    laptop.comes_into(&tea).await;
    ann.reaches(&tea, 2).await;
    peers.nodes[1].follows(&tea, 2).await;
    let tablet = peers.nodes[1].client(ben.user(), "tablet").await;
    tablet.publishes(1).await;
    let of = |claimed: ClaimReply| -> Vec<_> {
        claimed.users.into_iter().flat_map(|user| user.clients).map(|client| client.client).collect()
    };
    assert_eq!(of(ben.claims(&tea, &[ben.user()]).await), [tablet.uri().clone()], "who is in is left out");
    peers.authorizes(&ann, &tea, ben.user()).await;
    let claimed = ann.claims(&tea, &[ben.user()]).await;
    assert_eq!(claimed.users[0].status, UserClaim::Ok, "{claimed:?}");
    assert_eq!(of(claimed), [tablet.uri().clone()], "of another provider's user too");
    laptop.does(&tea, &laptop.says(&tea, "hi")).await;
    ann.hears_said(&tea, "hi").await;
}

#[tokio::test]
async fn what_is_too_large_for_a_page_comes_as_an_object() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    ann.grows();
    ben.grows();
    // The leaves that came before were small; these are claimed first.
    let admins: Vec<_> = (0..2000).map(|n| peers.nodes[0].address(&format!("admin-{n}"))).collect();
    let mut large = policy(&[ann.user()]);
    large.admins.extend(admins);
    let tea = peers.group_with("tea", &ann, &[&ben], &large).await;
    peers.nodes[1].follows(&tea, 1).await;
    let item = ben.items().into_iter().find_map(|item| match item.body {
        ItemBody::Welcome(welcome) => Some(welcome),
        _ => None,
    });
    let item = item.unwrap();
    assert!(matches!((&item.welcome, &item.ratchet_tree), (Body::Object(_), Body::Object(_))), "{item:?}");

    let long = "x".repeat(200_000);
    let placed = ann.does(&tea, &ann.says(&tea, &long)).await;
    let event = ben.hears_of(&tea, placed.seq).await;
    assert!(matches!(event.body, Some(Body::Object(object)) if object.size > 200_000));
    ben.hears_said(&tea, &long).await;
    // A commit that is an object is followed too.
    ann.does(&tea, &ann.commit(&tea, CommitPlan::with_policy(large.clone()))).await;
    let Some(Body::Object(object)) = event.body else { unreachable!() };
    peers.nodes[1].follows(&tea, 2).await;
    ben.reaches(&tea, 2).await;
    let stranger = peers.client(1, "bob").await;
    assert_eq!(stranger.object(&object.sha256).await.unwrap_err().known(), Some(Code::NotFound));
}

#[tokio::test]
async fn groups_outlive_a_restart_of_each_node() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    peers.nodes[1].follows(&tea, 1).await;
    for round in 0..20 {
        if round % 6 == 2 {
            let test_node = &peers.nodes[round % 2];
            test_node.stop().await;
            test_node.start().await;
        }
        let (one, other) = if round % 2 == 0 { (&ann, &ben) } else { (&ben, &ann) };
        let commit = one.commit(&tea, CommitPlan::renewal());
        if !matches!(one.submits(&tea, &commit).await, Outcome::Accepted(_)) {
            one.hears("the owner has accepted", |client| client.result(&tea, commit.id)).await;
        }
        let epoch = round as u64 + 2;
        one.reaches(&tea, epoch).await;
        other.reaches(&tea, epoch).await;
        assert_eq!(one.authenticator(&tea), other.authenticator(&tea));
        peers.nodes[1].follows(&tea, epoch).await;
    }
    for test_node in &peers.nodes {
        test_node.stop().await;
        test_node.start().await;
    }
    // A proposal that waits is remembered as well.
    let late = ben.says(&tea, "no");
    let proposed = ben.does(&tea, &ben.leaves(&tea)).await;
    for test_node in &peers.nodes {
        test_node.stop().await;
        test_node.start().await;
    }
    ben.expect_refusal(&tea, &late, Code::NotAuthorized).await;
    ann.hears_of(&tea, proposed.seq).await;
    ann.does(&tea, &ann.commit(&tea, CommitPlan::renewal())).await;
    ann.reaches(&tea, 22).await;
    assert_eq!(ann.members(&tea).len(), 1);
}

#[tokio::test]
async fn what_an_owner_cannot_take_yet_waits_in_order_and_is_taken_once() {
    let peers = MutualPeers::of(2).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    let (alpha, beta) = (&peers.nodes[0], &peers.nodes[1]);
    beta.follows(&tea, 1).await;
    alpha.stop().await;
    let words: Vec<_> = (0..5).map(|n| ben.says(&tea, &format!("word {n}"))).collect();
    let results = ben.tries_to_submit(&tea, words.clone()).await.unwrap();
    assert!(results.iter().all(|result| result.outcome == Outcome::Queued), "{results:?}");
    // Said again, it waits once.
    assert_eq!(ben.submits(&tea, &words[2]).await, Outcome::Queued);
    beta.stop().await;
    beta.start().await;
    alpha.start().await;
    for (at, word) in words.iter().enumerate() {
        let result = ben.hears("the result comes", |client| client.result(&tea, word.id)).await;
        let Outcome::Accepted(placed) = result.outcome else { panic!("{result:?}") };
        assert_eq!(placed.seq, 3 + at as u64);
        assert_eq!(ben.submits(&tea, word).await, Outcome::Duplicate(placed));
    }
    let heard: Vec<_> = (0..5).map(|n| format!("word {n}")).collect();
    ann.hears("all words", |client| Some(client.texts(&tea)).filter(|texts| texts.len() == 5)).await;
    assert_eq!(ann.texts(&tea), heard);
    let owner = alpha.provider().clone();
    assert!(beta.reads(move |view| view.outbox(&owner, &HashSet::new(), 10, 1 << 20)).await.is_empty());
}

/// A client whose KeyPackages, and leaves made of them, end very soon.
async fn short_lived(peers: &MutualPeers, test_node: usize, name: &str) -> MlsClient {
    let test_node = &peers.nodes[test_node];
    let user = test_node.node().operator().create_user(name.parse().unwrap(), UserRule::Ask).await.unwrap();
    let client = test_node.client(&user, "phone").await;
    client.tries_to_publish(vec![client.short_key_package(SHORT_S)], None).await.unwrap();
    client
}

/// In seconds; long enough for a KeyPackage to be used in.
const SHORT_S: u64 = 6;

#[tokio::test]
async fn a_group_outlives_the_lifetimes_of_its_leaves() {
    let peers = MutualPeers::of(3).await;
    let cat = peers.client(2, "cat").await;
    let (ann, ben) = (peers.client(0, "ann").await, short_lived(&peers, 1, "ben").await);
    let tea = peers.group("tea", &ann, &[&ben]).await;
    peers.nodes[1].follows(&tea, 1).await;
    tokio::time::sleep(Duration::from_secs(SHORT_S + 1)).await;

    // The owner and the participant read their states again, and the log after them.
    ann.does(&tea, &ann.commit(&tea, CommitPlan::renewal())).await;
    ann.reaches(&tea, 2).await;
    for test_node in &peers.nodes {
        test_node.stop().await;
        test_node.start().await;
    }
    ann.does(&tea, &ann.commit(&tea, CommitPlan::renewal())).await;
    ann.reaches(&tea, 3).await;
    peers.nodes[1].follows(&tea, 3).await;
    ben.reaches(&tea, 3).await;

    // And one that has to begin with the tree as it is.
    peers.connects(ann.user(), cat.user()).await;
    peers.adds(&ann, &tea, &[&cat]).await;
    peers.nodes[2].follows(&tea, 4).await;
    cat.does(&tea, &cat.commit(&tea, CommitPlan::renewal())).await;
    peers.nodes[2].follows(&tea, 5).await;
    let gamma = &peers.nodes[2];
    gamma.stop().await;
    gamma.start().await;
    cat.reaches(&tea, 5).await;
    cat.does(&tea, &cat.commit(&tea, CommitPlan::renewal())).await;
    gamma.follows(&tea, 6).await;
}
