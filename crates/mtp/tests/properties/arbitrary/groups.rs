//! What is said of groups, and of KeyPackages for them (sections 9 and 10).

use drawbridge_mtp::{
    checkpoint::{CheckpointClaims, LIFETIME_S},
    message::{
        CheckpointReply, ClaimReply, ClaimRequest, ClaimedClient, ClaimedUser, ClientClaim, GroupInfoReply,
        GroupResults, GroupStatus, GroupSubmissions, LogPage, LogQuery, Outcome, Placed, Roster,
        RosterMember, Submission, SubmissionKind, SubmissionResult, SubmissionResults, Submissions,
        SubmitReply, SubmitRequest, UserClaim,
    },
    policy::{MAX_NAME_BYTES, Policy, Who},
    problem::{Cause, Code, Members, ReceivedProblem},
    wire::MAX_INTEGER,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{client, event, group, hash, id, integer, key, octets, provider, time, user};

pub(crate) fn jws() -> impl Strategy<Value = String> {
    "[ -~]{0,40}"
}

pub(crate) fn submissions() -> impl Strategy<Value = Submissions> {
    let kind = select(vec![SubmissionKind::Application, SubmissionKind::Proposal, SubmissionKind::Commit]);
    let submission =
        (id(), kind, client(), octets(), option::of(octets()), option::of(octets()), vec(jws(), 0..3))
            .prop_map(|(id, kind, sender, mls, welcome, group_info, grants)| Submission {
                id,
                kind,
                sender,
                mls,
                welcome,
                group_info,
                grants,
            });
    vec(submission, 0..4).prop_map(|events| Submissions { events })
}

pub(crate) fn submit_request() -> impl Strategy<Value = SubmitRequest> {
    let group = ("[ -~]{0,20}", submissions())
        .prop_map(|(group, Submissions { events })| GroupSubmissions { group, events });
    vec(group, 0..4).prop_map(|groups| SubmitRequest { groups })
}

pub(crate) fn submit_reply() -> impl Strategy<Value = SubmitReply> {
    let group = ("[ -~]{0,20}", results())
        .prop_map(|(group, SubmissionResults { results })| GroupResults { group, results });
    vec(group, 0..4).prop_map(|groups| SubmitReply { groups })
}

/// Problems as a peer may send them: of this profile or a later one, with or without words.
pub(crate) fn received_problem() -> impl Strategy<Value = ReceivedProblem> {
    let code = prop_oneof![select(Code::ALL).prop_map(|code| code.as_str().to_owned()), "\\PC{0,20}"];
    let members = (
        (option::of(time()), option::of(key()), option::of(id())),
        (option::of(integer()), option::of(integer()), option::of(integer()), option::of(integer())),
        option::of(Just(Cause::Store)),
    )
        .prop_map(|((now, key, generation), (epoch, first, head, limit), cause)| Members {
            now,
            fingerprint: key.map(|key| *key.public().thumbprint()),
            epoch,
            generation: generation.map(Into::into),
            first,
            head,
            limit,
            cause,
        });
    (code, option::of("\\PC{0,40}"), members).prop_map(|(code, detail, members)| ReceivedProblem {
        code,
        detail,
        members: Box::new(members),
    })
}

pub(crate) fn result() -> impl Strategy<Value = SubmissionResult> {
    let placed = || (integer(), hash(), time()).prop_map(|(seq, hash, time)| Placed { seq, hash, time });
    let outcome = prop_oneof![
        placed().prop_map(Outcome::Accepted),
        placed().prop_map(Outcome::Duplicate),
        received_problem().prop_map(|problem| Outcome::Rejected(Box::new(problem))),
        Just(Outcome::Queued),
    ];
    (id(), outcome).prop_map(|(id, outcome)| SubmissionResult { id, outcome })
}

pub(crate) fn results() -> impl Strategy<Value = SubmissionResults> {
    vec(result(), 0..4).prop_map(|results| SubmissionResults { results })
}

pub(crate) fn status() -> impl Strategy<Value = GroupStatus> {
    (group(), integer(), integer(), hash(), vec(provider(), 0..3), time()).prop_map(
        |(group, epoch, head, hash, participants, created)| GroupStatus {
            group,
            epoch,
            head,
            hash,
            participants,
            created,
        },
    )
}

pub(crate) fn roster() -> impl Strategy<Value = Roster> {
    let member = (client(), any::<u32>(), integer(), user(), option::of(jws())).prop_map(
        |(client, leaf, since_epoch, added_by, grant)| RosterMember {
            user: client.user().clone(),
            client,
            leaf,
            since_epoch,
            added_by,
            grant,
        },
    );
    (integer(), vec(member, 0..4)).prop_map(|(epoch, members)| Roster { epoch, members })
}

pub(crate) fn log_page() -> impl Strategy<Value = LogPage> {
    (vec(event(), 0..4), integer(), integer(), any::<bool>(), option::of("[a-z]{1,9}"))
        .prop_map(|(events, first, head, more, checkpoint)| LogPage { events, first, head, more, checkpoint })
}

pub(crate) fn log_query() -> impl Strategy<Value = LogQuery> {
    let most = || option::of(1..=MAX_INTEGER);
    (integer(), most(), most()).prop_map(|(after, max_events, max_bytes)| LogQuery {
        after,
        max_events,
        max_bytes,
    })
}

pub(crate) fn info() -> impl Strategy<Value = GroupInfoReply> {
    (integer(), octets(), octets()).prop_map(|(epoch, group_info, ratchet_tree)| GroupInfoReply {
        epoch,
        group_info,
        ratchet_tree,
    })
}

pub(crate) fn checkpoint_reply() -> impl Strategy<Value = CheckpointReply> {
    jws().prop_map(|checkpoint| CheckpointReply { checkpoint })
}

/// Claims of a checkpoint of the group's own owner.
pub(crate) fn checkpoint() -> impl Strategy<Value = CheckpointClaims> {
    (group(), integer(), hash(), integer(), 0..2_000_000_000_u64).prop_map(
        |(group, seq, hash, epoch, iat)| CheckpointClaims {
            iss: group.provider().clone(),
            group,
            seq,
            hash,
            epoch,
            iat,
            exp: iat + LIFETIME_S,
        },
    )
}

pub(crate) fn claim_request() -> impl Strategy<Value = ClaimRequest> {
    let asked = (vec(user(), 0..3), vec(jws(), 0..3), vec(any::<u16>(), 0..3), option::of(octets()));
    (group(), user(), asked).prop_map(
        |(group, adder, (users, grants, cipher_suites, required_capabilities))| ClaimRequest {
            group,
            adder,
            users,
            grants,
            cipher_suites,
            required_capabilities,
        },
    )
}

pub(crate) fn claim_reply() -> impl Strategy<Value = ClaimReply> {
    let of_client = select(vec![ClientClaim::Ok, ClientClaim::Exhausted, ClientClaim::Incompatible]);
    let client = (client(), of_client, option::of(octets()))
        .prop_map(|(client, status, key_package)| ClaimedClient { client, status, key_package });
    let of_user = select(vec![UserClaim::Ok, UserClaim::Partial, UserClaim::None, UserClaim::NotAuthorized]);
    let user = (user(), of_user, vec(client, 0..3), option::of(jws()))
        .prop_map(|(user, status, clients, grant)| ClaimedUser { user, status, clients, grant });
    vec(user, 0..3).prop_map(|users| ClaimReply { users })
}

pub(crate) fn policy() -> impl Strategy<Value = Policy> {
    let who = || select(vec![Who::Admins, Who::Members]);
    let name = "\\PC{0,90}".prop_filter("too long", |name| name.len() <= MAX_NAME_BYTES);
    (name, vec(user(), 0..4), who(), who()).prop_map(|(name, admins, add, send)| Policy {
        name,
        admins,
        add,
        send,
    })
}
