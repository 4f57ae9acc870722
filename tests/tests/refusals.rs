//! What a group's owner refuses, with which code, and that nothing of it is stored (`docs/mtp.md`, sections 8 and 10).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use drawbridge_mtp::grant::UnverifiedGrant;
use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::keys::SecretKey;
use drawbridge_mtp::message::{ClaimReply, Outcome, Roster, Submission, SubmissionKind};
use drawbridge_mtp::octets::{Hash32, Octets};
use drawbridge_mtp::policy::Who;
use drawbridge_mtp::problem::{Code, ReceivedProblem};
use drawbridge_testkit::{CommitPlan, MlsClient, MutualPeers, policy};
use http::StatusCode;

/// A group of Ann's at alpha with Ben of beta in it; Cat of beta is not, and knows both.
struct Tea {
    peers: MutualPeers,
    ann: MlsClient,
    ben: MlsClient,
    cat: MlsClient,
    group: GroupUri,
}

impl Tea {
    async fn new() -> Self {
        let peers = MutualPeers::of(2).await;
        let (ann, ben) = (peers.client(0, "ann").await, peers.client(1, "ben").await);
        let cat = peers.client(1, "cat").await;
        let group = peers.group("tea", &ann, &[&ben]).await;
        peers.connects(ann.user(), cat.user()).await;
        peers.connects(ben.user(), cat.user()).await;
        Self { peers, ann, ben, cat, group }
    }

    /// What of the group must not move where something is refused.
    async fn stands(&self) -> (u64, Hash32, u64, Roster) {
        let status = self.ann.status(&self.group).await.unwrap();
        (status.head, status.hash, status.epoch, self.ann.roster(&self.group).await.unwrap())
    }

    /// Submits what has to be refused, and looks whether anything has moved.
    async fn refuses(&self, by: &MlsClient, submission: &Submission, code: Code) -> ReceivedProblem {
        let before = self.stands().await;
        let problem = by.expect_refusal(&self.group, submission, code).await;
        assert_eq!(self.stands().await, before, "{code:?}");
        problem
    }

    /// A commit of Ann's that adds Cat with these grants has to be refused.
    async fn refuses_grants(&self, claimed: &ClaimReply, grants: Vec<String>, says: &str) {
        let commit = self.ann.commit(&self.group, CommitPlan::adding(claimed).grants(grants));
        let problem = self.refuses(&self.ann, &commit, Code::GrantInvalid).await;
        let detail = problem.detail.unwrap();
        assert!(detail.contains(says), "{detail:?} does not say {says:?}");
    }
}

fn grants(claimed: &ClaimReply) -> Vec<String> {
    claimed.users.iter().filter_map(|user| user.grant.clone()).collect()
}

#[tokio::test]
async fn nobody_is_added_without_a_grant_of_their_own_for_this_adder_and_this_group() {
    let tea = Tea::new().await;
    let Tea { peers, ann, ben, cat, group } = &tea;
    let claimed = peers.claimed(ann, group, &[cat.user()]).await;
    tea.refuses_grants(&claimed, vec![], "no grant of").await;
    tea.refuses_grants(&claimed, vec!["e30.e30.e30".into()], "is none").await;

    // Forged: by a bit, and by the key of another who says it is Cat's provider.
    let good = &grants(&claimed)[0];
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { 'B' } else { 'A' };
    tea.refuses_grants(&claimed, vec![format!("{signed}.{flipped}{}", &signature[1..])], "does not hold")
        .await;
    let forger = peers.federation.scripted_peer();
    let mut forged = forger.grant(cat.user(), ann.user(), group);
    forged.iss = cat.uri().provider().clone();
    tea.refuses_grants(&claimed, vec![forged.sign(forger.signer().key())], "not its provider's").await;
    // A true one by somebody who cannot speak for Cat.
    let foreign = forger.grant(cat.user(), ann.user(), group).sign(forger.signer().key());
    tea.refuses_grants(&claimed, vec![foreign], "who is not at").await;

    // Another adder's, another user's, for another group.
    peers.authorizes(ben, group, cat.user()).await;
    let of_ben = ben.claims(group, &[cat.user()]).await;
    tea.refuses_grants(&claimed, grants(&of_ben), "to add to").await;
    let dan = peers.client(1, "dan").await;
    peers.connects(ann.user(), dan.user()).await;
    let of_dan = peers.claimed(ann, group, &[dan.user()]).await;
    tea.refuses_grants(&claimed, grants(&of_dan), "no grant of").await;
    let other = ann.creates("other", &policy(&[ann.user()])).await;
    let for_other = peers.claimed(ann, &other, &[cat.user()]).await;
    tea.refuses_grants(&claimed, grants(&for_other), "to add to").await;

    // The right one will do, once.
    let commit = ann.commit(group, CommitPlan::adding(&claimed));
    ann.does(group, &commit).await;
    ann.reaches(group, 2).await;
    cat.comes_into(group).await;
    ann.does(group, &ann.commit(group, CommitPlan::removing(cat.uri()))).await;
    ann.reaches(group, 3).await;
    let again = CommitPlan::adding_package(cat.key_package()).grants(grants(&claimed));
    let problem = tea.refuses(ann, &ann.commit(group, again), Code::GrantInvalid).await;
    assert!(problem.detail.unwrap().contains("used before"));
}

/// What cannot be known now is not taken for a forgery: the same is accepted once the issuer is there again.
#[tokio::test]
async fn a_grant_waits_while_its_issuers_new_key_cannot_be_had() {
    let tea = Tea::new().await;
    let Tea { peers, ann, group, .. } = &tea;
    let (alpha, gamma) = (&peers.nodes[0], peers.federation.scripted_peer());
    alpha.allows_paused(gamma.provider()).await;
    assert_eq!(gamma.gets(alpha.provider(), "/ping").send().await.status, StatusCode::OK);
    let (gina, new) = (gamma.client("gina"), SecretKey::from_seed([9; 32]));

    // No document is without a key.
    gamma.shows_keys([]);
    alpha.clock().turn(Duration::from_secs(24 * 3600));
    let grant = gamma.grant(gina.user(), ann.user(), group).sign(&new);
    let plan = CommitPlan::adding_package(gina.key_package()).grants(vec![grant]);
    let commit = ann.commit(group, plan);
    tea.refuses(ann, &commit, Code::Unavailable).await;

    gamma.shows_keys([gamma.signer().key().public(), new.public()]);
    alpha.clock().turn(Duration::from_secs(61));
    ann.does(group, &commit).await;
}

#[tokio::test]
async fn users_of_the_owner_and_of_the_adders_provider_are_no_exception() {
    let tea = Tea::new().await;
    let Tea { peers, ann, ben, cat, group } = &tea;
    let amy = peers.client(0, "amy").await;
    for (adder, user) in [(ann, &amy), (ben, &amy), (ben, cat)] {
        let commit = adder.commit(group, CommitPlan::adding_package(user.key_package()));
        let problem = tea.refuses(adder, &commit, Code::GrantInvalid).await;
        assert!(problem.detail.unwrap().contains("no grant of"));
        adder.forgets_commit(group);
    }
}

#[tokio::test]
async fn a_grant_that_was_taken_back_or_has_ended_adds_nobody() {
    let tea = Tea::new().await;
    let Tea { peers, ann, cat, group, .. } = &tea;
    let asked = peers.authorizes(ann, group, cat.user()).await;
    let claimed = ann.claims(group, &[cat.user()]).await;
    cat.decides(asked, "revoke").await;
    let (iss, jti) = (cat.uri().provider().clone(), asked.id);
    let revoked =
        move |view: &drawbridge_node::store::View<'_>| Ok(view.grant_is_revoked(&iss, jti)?.then_some(()));
    peers.nodes[0].until("the grant is taken back", revoked).await;
    tea.refuses_grants(&claimed, grants(&claimed), "taken the grant back").await;

    let claimed = peers.claimed(ann, group, &[cat.user()]).await;
    let ends = UnverifiedGrant::parse(&grants(&claimed)[0]).unwrap().unverified_claims().exp;
    let now = peers.nodes[0].node().now().as_secs();
    peers.federation.clock().turn(Duration::from_secs(ends - now + 1));
    tea.refuses_grants(&claimed, grants(&claimed), "ended at").await;
}

#[tokio::test]
async fn the_policy_is_kept() {
    let tea = Tea::new().await;
    let Tea { peers, ann, ben, cat, group } = &tea;
    let removal = ben.commit(group, CommitPlan::removing(ann.uri()));
    tea.refuses(ben, &removal, Code::NotAuthorized).await;
    ben.forgets_commit(group);
    tea.refuses(ben, &ben.proposes_removal(group, ann.uri()), Code::NotAuthorized).await;
    let coup = ben.commit(group, CommitPlan::with_policy(policy(&[ben.user()])).alone());
    tea.refuses(ben, &coup, Code::NotAuthorized).await;
    ben.forgets_commit(group);

    let nobody = policy(&[]);
    tea.refuses(ann, &ann.commit(group, CommitPlan::with_policy(nobody)), Code::NotAuthorized).await;
    let strangers = policy(&[cat.user()]);
    tea.refuses(ann, &ann.commit(group, CommitPlan::with_policy(strangers)), Code::NotAuthorized).await;

    let mut strict = policy(&[ann.user()]);
    (strict.add, strict.send) = (Who::Admins, Who::Admins);
    ann.does(group, &ann.commit(group, CommitPlan::with_policy(strict.clone()))).await;
    ann.reaches(group, 2).await;
    // Ben's client still has the proposal that was refused.
    ben.reaches(group, 2).await;
    assert_eq!(ben.policy(group), strict);
    let claimed = peers.claimed(ben, group, &[cat.user()]).await;
    tea.refuses(ben, &ben.commit(group, CommitPlan::adding(&claimed).alone()), Code::NotAuthorized).await;
    ben.forgets_commit(group);
    tea.refuses(ben, &ben.says(group, "may I?"), Code::NotAuthorized).await;
    ann.does(group, &ann.says(group, "no")).await;

    // The last admin cannot go, unless another is made one before.
    let leaving = ann.leaves(group);
    tea.refuses(ann, &leaving, Code::NotAuthorized).await;
    let both = policy(&[ann.user(), ben.user()]);
    ann.does(group, &ann.commit(group, CommitPlan::with_policy(both).alone())).await;
    ann.reaches(group, 3).await;
    ben.reaches(group, 3).await;
    let leaving = ann.leaves(group);
    ann.does(group, &leaving).await;
    tea.refuses(ben, &ben.leaves(group), Code::NotAuthorized).await;
}

#[tokio::test]
async fn the_first_commit_of_an_epoch_wins() {
    let tea = Tea::new().await;
    let Tea { ann, ben, group, .. } = &tea;
    let (first, second) =
        (ann.commit(group, CommitPlan::renewal()), ben.commit(group, CommitPlan::renewal()));
    ann.does(group, &first).await;
    let problem = tea.refuses(ben, &second, Code::EpochConflict).await;
    assert_eq!(problem.members.epoch, Some(2));
    ben.reaches(group, 2).await;
    ben.does(group, &ben.commit(group, CommitPlan::renewal())).await;
    ann.reaches(group, 3).await;

    // What was written before is taken for two epochs more.
    let words: Vec<_> = (0..3).map(|n| ben.says(group, &format!("word {n}"))).collect();
    ben.reaches(group, 3).await;
    for (epoch, word) in (4..).zip(&words) {
        ann.does(group, &ann.commit(group, CommitPlan::renewal())).await;
        ann.reaches(group, epoch).await;
        if epoch < 5 {
            ben.does(group, word).await;
        } else {
            let problem = tea.refuses(ben, word, Code::EpochConflict).await;
            assert_eq!(problem.members.epoch, Some(epoch));
            break;
        }
    }
}

#[tokio::test]
async fn what_is_not_mls_of_this_group_is_refused() {
    let tea = Tea::new().await;
    let Tea { ann, ben, cat, group, .. } = &tea;
    let good = ann.commit(group, CommitPlan::renewal());
    let spoiled = |spoil: &dyn Fn(&mut Submission)| {
        let mut submission =
            Submission { id: ann.submission(good.kind, Octets::default()).id, ..good.clone() };
        spoil(&mut submission);
        submission
    };
    // The signature stands before the two tags, which only members can check.
    let forged = spoiled(&|it| {
        let at = it.mls.0.len() - 70;
        it.mls.0[at] ^= 1;
    });
    let later = spoiled(&|it| it.mls.0.push(0));
    let short = spoiled(&|it| it.mls.0.truncate(40));
    let other_kind = spoiled(&|it| it.kind = SubmissionKind::Proposal);
    let as_application = spoiled(&|it| it.kind = SubmissionKind::Application);
    let without_info = spoiled(&|it| it.group_info = None);
    let broken_info = spoiled(&|it| {
        let info = it.group_info.as_mut().unwrap();
        let last = info.0.len() - 1;
        info.0[last] ^= 1;
    });
    tea.refuses(ann, &forged, Code::InvalidMls).await;
    tea.refuses(ann, &later, Code::InvalidMls).await;
    tea.refuses(ann, &short, Code::InvalidMls).await;
    tea.refuses(ann, &other_kind, Code::InvalidMls).await;
    tea.refuses(ann, &as_application, Code::UnsupportedWireFormat).await;
    tea.refuses(ann, &without_info, Code::Malformed).await;
    tea.refuses(ann, &broken_info, Code::InvalidMls).await;
    let mut old_info = good.clone();
    old_info.group_info = Some(ben.info(group).await.unwrap().group_info);
    tea.refuses(ann, &old_info, Code::InvalidMls).await;
    let mut closed = good.clone();
    closed.group_info = good.group_info.as_ref().map(|info| ann.without_external_pub(info));
    let closed = tea.refuses(ann, &closed, Code::InvalidMls).await;
    assert!(closed.detail.unwrap().contains("external_pub"));
    // A GroupInfo whose tag is another's: members could not go on from it.
    let other = ann.commit(group, CommitPlan::renewal());
    let mut mixed = other.clone();
    mixed.group_info = good.group_info.clone();
    tea.refuses(ann, &mixed, Code::InvalidMls).await;

    let elsewhere = ann.creates("elsewhere", &policy(&[ann.user()])).await;
    let other_group = ann.commit(&elsewhere, CommitPlan::renewal());
    tea.refuses(ann, &other_group, Code::InvalidMls).await;

    // Leaves that are nobody's, or somebody else's.
    let nobody = ann.commit(group, CommitPlan::adding_package(cat.key_package_as("nobody")));
    tea.refuses(ann, &nobody, Code::InvalidMls).await;
    let twice = ann.commit(group, CommitPlan::adding_package(cat.key_package_as(ben.uri().as_str())));
    let problem = tea.refuses(ann, &twice, Code::InvalidMls).await;
    assert!(problem.detail.unwrap().contains("added twice"));
    let renamed = ben.commit(group, CommitPlan::renewal().identity(cat.uri().as_str()));
    tea.refuses(ben, &renamed, Code::InvalidMls).await;
    ben.forgets_commit(group);
    let info = ben.info(group).await.unwrap();
    let mut as_cat = cat.joins(group, &info);
    as_cat.sender = ben.uri().clone();
    tea.refuses(ben, &as_cat, Code::InvalidMls).await;
    cat.forgets_group(group);
    ann.forgets_commit(group);

    // An addition without its Welcome, or with another's.
    let claimed = tea.peers.claimed(ann, group, &[cat.user()]).await;
    let add = ann.commit(group, CommitPlan::adding(&claimed));
    let mut unwelcome = add.clone();
    unwelcome.welcome = None;
    tea.refuses(ann, &unwelcome, Code::Malformed).await;
    let other = ann.commit(&elsewhere, CommitPlan::adding_package(ben.key_package()));
    unwelcome.welcome = other.welcome;
    tea.refuses(ann, &unwelcome, Code::InvalidMls).await;
    ann.does(group, &add).await;
}

#[tokio::test]
async fn what_some_member_does_not_know_is_not_put_into_the_context() {
    const KNOWN: u16 = 0xF4D1;
    const OTHER: u16 = 0xF4D2;
    let tea = Tea::new().await;
    let Tea { ann, ben, cat, group, .. } = &tea;
    let renews = async |client: &MlsClient, knows: &[u16]| {
        client.knows(knows);
        let epoch = client.epoch(group) + 1;
        client.does(group, &client.commit(group, CommitPlan::renewal())).await;
        ann.reaches(group, epoch).await;
        ben.reaches(group, epoch).await;
    };
    // The client makes a commit that sets what all know, and then says that it sets the other.
    let expect_refusal = async |change: CommitPlan| {
        let commit = ann.commit(group, change);
        assert_eq!(ann.sets_instead(group, &commit, KNOWN, KNOWN).mls, commit.mls);
        let other = ann.sets_instead(group, &commit, KNOWN, OTHER);
        let detail = tea.refuses(ann, &other, Code::InvalidMls).await.detail.unwrap();
        let why = "The new group context has an extension that is not supported by all group members.";
        assert!(detail.contains(why), "{detail:?}");
        ann.forgets_commit(group);
    };

    renews(ann, &[KNOWN, OTHER]).await;
    renews(ben, &[KNOWN]).await;
    expect_refusal(CommitPlan::setting(KNOWN)).await;

    renews(ben, &[KNOWN, OTHER]).await;
    cat.knows(&[KNOWN]);
    // Whether Cat agrees is not looked at before the commit holds.
    expect_refusal(CommitPlan::adding_package(cat.key_package()).and_setting(KNOWN)).await;

    ann.knows(&[KNOWN]);
    expect_refusal(CommitPlan::setting(KNOWN)).await;

    ann.knows(&[KNOWN, OTHER]);
    ann.does(group, &ann.commit(group, CommitPlan::setting(OTHER))).await;
    ben.reaches(group, 5).await;
    assert!(ben.context_extensions(group).contains(&OTHER));
}

#[tokio::test]
async fn handshakes_are_public_messages() {
    let tea = Tea::new().await;
    let Tea { ann, ben, group, .. } = &tea;
    ann.hides_handshakes(group, true);
    let commit = ann.commit(group, CommitPlan::renewal());
    tea.refuses(ann, &commit, Code::UnsupportedWireFormat).await;
    ann.forgets_commit(group);
    ben.hides_handshakes(group, true);
    tea.refuses(ben, &ben.leaves(group), Code::UnsupportedWireFormat).await;
}

#[tokio::test]
async fn an_event_has_a_size_at_most() {
    let tea = Tea::new().await;
    let Tea { ann, ben, group, .. } = &tea;
    let long = "x".repeat(1_048_576);
    for by in [ann, ben] {
        let problem = tea.refuses(by, &by.says(group, &long), Code::TooLarge).await;
        assert_eq!(problem.members.limit, Some(1_048_576));
    }
    let just = "x".repeat(1_048_576 - 1000);
    ben.does(group, &ben.says(group, &just)).await;
}

#[tokio::test]
async fn a_repeat_is_told_the_first_place() {
    let tea = Tea::new().await;
    let Tea { ann, ben, group, .. } = &tea;
    for by in [ann, ben] {
        let word = by.says(group, "once");
        let commit = by.commit(group, CommitPlan::renewal());
        for submission in [word, commit] {
            let placed = by.does(group, &submission).await;
            let before = tea.stands().await;
            assert_eq!(by.submits(group, &submission).await, Outcome::Duplicate(placed));
            assert_eq!(tea.stands().await, before);
        }
        let epoch = tea.stands().await.2;
        ann.reaches(group, epoch).await;
        ben.reaches(group, epoch).await;
    }
}

#[tokio::test]
async fn who_is_not_in_a_group_learns_nothing_of_it() {
    let tea = Tea::new().await;
    let Tea { peers, ann, cat, group, .. } = &tea;
    let none = GroupUri::new(group.provider(), &"none".parse().unwrap());
    let answers = |group: GroupUri| async move {
        [
            cat.status(&group).await.unwrap_err(),
            cat.roster(&group).await.unwrap_err(),
            cat.log(&group, 0).await.unwrap_err(),
            cat.info(&group).await.unwrap_err(),
            cat.tries_to_submit(&group, vec![cat.submission(SubmissionKind::Application, Octets(vec![1]))])
                .await
                .unwrap_err(),
        ]
    };
    let (there, nowhere) = (answers(group.clone()).await, answers(none).await);
    assert_eq!(there, nowhere);
    assert!(there.iter().all(|problem| problem.known() == Some(Code::NotFound)), "{there:?}");
    // Nor can it speak as another.
    let mut as_ann = cat.submission(SubmissionKind::Application, Octets(vec![1]));
    as_ann.sender = ann.uri().clone();
    assert_eq!(cat.tries_to_submit(group, vec![as_ann]).await.unwrap_err().known(), Some(Code::NotFound));
    // Somebody at the owner is no better off.
    let eve = peers.client(0, "eve").await;
    assert_eq!(eve.status(group).await.unwrap_err().known(), Some(Code::NotFound));
}

#[tokio::test]
async fn a_group_is_registered_by_its_creator_at_home_in_its_first_epoch() {
    let peers = MutualPeers::of(1).await;
    let (ann, ben) = (peers.client(0, "ann").await, peers.client(0, "ben").await);
    let name = |name: &str| GroupUri::new(ann.uri().provider(), &name.parse().unwrap());
    let refused = |answer: Result<(), ReceivedProblem>| answer.unwrap_err().known();

    let elsewhere: GroupUri = "mimi://elsewhere.example/g/tea".parse().unwrap();
    let abroad = ann.drafts(&elsewhere, &policy(&[ann.user()]));
    assert_eq!(refused(ann.registers(&abroad).await), Some(Code::NotHere));
    let anothers = ann.drafts(&name("one"), &policy(&[ben.user()]));
    assert_eq!(refused(ann.registers(&anothers).await), Some(Code::NotAuthorized));
    let tea = ann.drafts(&name("tea"), &policy(&[ann.user()]));
    assert_eq!(refused(ben.registers(&tea).await), Some(Code::InvalidMls), "somebody else's");
    let mut renamed = tea.clone();
    renamed.group = name("coffee");
    assert_eq!(refused(ann.registers(&renamed).await), Some(Code::InvalidMls));
    let mut broken = tea.clone();
    let last = broken.group_info.0.len() - 1;
    broken.group_info.0[last] ^= 1;
    assert_eq!(refused(ann.registers(&broken).await), Some(Code::InvalidMls));
    // Nobody could ever join it by an external commit.
    let mut closed = tea.clone();
    closed.group_info = ann.without_external_pub(&tea.group_info);
    let closed = ann.registers(&closed).await.unwrap_err();
    assert_eq!(closed.known(), Some(Code::InvalidMls));
    assert!(closed.detail.unwrap().contains("external_pub"));
    assert_eq!(ann.groups().await.groups, []);

    ann.registers(&tea).await.unwrap();
    ann.registers(&tea).await.unwrap();
    ann.forgets_group(&name("tea"));
    let again = ann.drafts(&name("tea"), &policy(&[ann.user()]));
    assert_eq!(refused(ann.registers(&again).await), Some(Code::Conflict));
    assert_eq!(ann.groups().await.groups.len(), 1);
}
