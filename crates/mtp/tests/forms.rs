//! The exact forms of what is said of groups (sections 8 to 11): names of members, what may be absent, and bytes.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

use std::{fmt::Debug, str::FromStr};

use drawbridge_mtp::{
    message::{
        Body, ClaimReply, ClaimRequest, ClaimedClient, ClaimedUser, ClientClaim, Event, EventKind, FeedPage,
        GroupInfoReply, GroupStatus, Item, ItemBody, LogPage, LogQuery, Outcome, OwnGroup, OwnGroups, Placed,
        Proved, PublishKeyPackages, RegisterGroup, ResultItem, Roster, RosterMember, ShownEvent, Submission,
        SubmissionKind, SubmissionResult, SubmissionResults, Submissions, UserClaim,
    },
    octets::{Hash32, Octets},
    policy::{Policy, Who},
    problem::{Code, Problem, ReceivedProblem},
    wire::{Encoding, MAX_INTEGER, Malformed, decode, encode},
};
use minicbor::Encoder;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

const ID: &str = "0198d0a0-1111-7000-8000-000000000001";
const TIME: &str = "2026-09-21T14:13:21.001Z";
const GROUP: &str = "mimi://a.example/g/tea";
const ANN: &str = "mimi://a.example/u/ann";
const BOB: &str = "mimi://b.example/u/bob";
const PHONE: &str = "mimi://b.example/u/bob/d/phone";

fn an<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn some_bytes() -> Octets {
    Octets(vec![0xff, 0xfe])
}

/// [`some_bytes`] in JSON.
const BYTES: &str = "__4";

fn hash() -> Hash32 {
    Hash32([0; 32])
}

fn read<T: DeserializeOwned>(json: &Value) -> Result<T, Malformed> {
    decode(Encoding::Json, json.to_string().as_bytes())
}

/// Asserts that `message` is written as this JSON and no more, and is read from it, also with members that
/// nobody knows; and that in CBOR the members of `bytes` are byte strings.
#[track_caller]
fn is_written<T>(message: &T, as_json: &Value, bytes: &[&str])
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let written: Value = serde_json::from_slice(&encode(Encoding::Json, message)).unwrap();
    assert_eq!(&written, as_json);
    assert_eq!(read::<T>(as_json).as_ref(), Ok(message));
    assert_eq!(read::<T>(&with_unknown_members(as_json)).as_ref(), Ok(message), "with unknown members");

    let in_cbor = encode(Encoding::Cbor, message);
    assert_eq!(decode::<T>(Encoding::Cbor, &in_cbor).as_ref(), Ok(message));
    for name in bytes {
        let mut member = Vec::new();
        Encoder::new(&mut member).str(name).unwrap().bytes(some_bytes().as_slice()).unwrap();
        assert!(
            in_cbor.windows(member.len()).any(|at| at == member),
            "`{name}` is not a byte string in CBOR"
        );
    }
}

/// The same with one more member in each object.
fn with_unknown_members(json: &Value) -> Value {
    match json {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), with_unknown_members(value)))
            .chain([("x-later".to_owned(), json!([null, { "a": -1.5 }]))])
            .collect(),
        Value::Array(items) => items.iter().map(with_unknown_members).collect(),
        other => other.clone(),
    }
}

/// Asserts that without any one of these members, or with it `null`, the message is malformed.
#[track_caller]
fn needs<T: DeserializeOwned + Debug>(json: &Value, members: &[&str]) {
    for name in members {
        let mut without = json.clone();
        without.as_object_mut().unwrap().remove(*name).unwrap();
        assert!(read::<T>(&without).is_err(), "without `{name}`");
        without[*name] = Value::Null;
        assert!(read::<T>(&without).is_err(), "with `{name}` null");
    }
}

fn with(json: &Value, name: &str, value: Value) -> Value {
    let mut changed = json.clone();
    changed[name] = value;
    changed
}

// Submissions

fn message() -> Submission {
    Submission {
        id: an(ID),
        kind: SubmissionKind::Application,
        sender: an(PHONE),
        mls: some_bytes(),
        welcome: None,
        group_info: None,
        grants: vec![],
    }
}

#[test]
fn a_submission_has_a_type_and_its_bytes() {
    let commit = Submission {
        kind: SubmissionKind::Commit,
        welcome: Some(some_bytes()),
        group_info: Some(some_bytes()),
        grants: vec!["a.b.c".into()],
        ..message()
    };
    let json = json!({
        "id": ID, "type": "commit", "sender": PHONE, "mls": BYTES, "welcome": BYTES, "group_info": BYTES,
        "grants": ["a.b.c"],
    });
    is_written(&commit, &json, &["mls", "welcome", "group_info"]);
    is_written(&Submissions { events: vec![commit] }, &json!({ "events": [json] }), &["mls"]);
    is_written(&Submissions::<Submission> { events: vec![] }, &json!({ "events": [] }), &[]);
    needs::<Submission>(&json, &["id", "type", "sender", "mls"]);
}

/// Each is judged by itself, so what a commit lacks is its owner's to refuse, and spoils none beside it.
#[test]
fn what_only_commits_have_may_be_absent_from_any() {
    let short = json!({ "id": ID, "type": "application", "sender": PHONE, "mls": BYTES });
    assert_eq!(read(&short), Ok(message()));
    is_written(&message(), &with(&short, "grants", json!([])), &["mls"]);
    let commit: Submission = read(&with(&short, "type", json!("commit"))).unwrap();
    assert_eq!((commit.kind, commit.group_info), (SubmissionKind::Commit, None));
    for name in ["welcome", "group_info", "grants"] {
        assert!(read::<Submission>(&with(&short, name, Value::Null)).is_err(), "`{name}` null");
    }
}

#[test]
fn a_submission_is_held_to_its_form() {
    let good = json!({ "id": ID, "type": "proposal", "sender": PHONE, "mls": BYTES });
    for (name, value) in [
        ("id", json!("0198d0a0-1111-4000-8000-000000000001")),
        ("id", json!(ID.to_uppercase().replace('0', "A"))),
        ("type", json!("created")),
        ("type", json!("Commit")),
        ("sender", json!(BOB)),
        ("mls", json!("__5")),
        ("mls", json!("__4=")),
        ("mls", json!("//4")),
        ("mls", json!([255, 254])),
        ("grants", json!("a.b.c")),
        ("grants", json!([["a.b.c"]])),
        ("grants", json!([null])),
    ] {
        assert!(read::<Submission>(&with(&good, name, value.clone())).is_err(), "{name}: {value}");
    }
    assert!(read::<Submissions>(&json!([good])).is_err());
    assert!(read::<Submissions>(&json!({ "events": { "0": good } })).is_err());
}

// Results

fn placed() -> Placed {
    Placed { seq: 7, hash: hash(), time: an(TIME) }
}

fn zeros() -> String {
    "A".repeat(43)
}

#[test]
fn a_result_has_what_its_status_says() {
    for (status, outcome) in
        [("accepted", Outcome::Accepted(placed())), ("duplicate", Outcome::Duplicate(placed()))]
    {
        let json = json!({ "id": ID, "status": status, "seq": 7, "hash": zeros(), "time": TIME });
        let result = SubmissionResult { id: an(ID), outcome };
        is_written(&result, &json, &[]);
        needs::<SubmissionResult>(&json, &["id", "status", "seq", "hash", "time"]);
        is_written(&SubmissionResults { results: vec![result] }, &json!({ "results": [json] }), &[]);
    }
    let queued = SubmissionResult { id: an(ID), outcome: Outcome::Queued };
    is_written(&queued, &json!({ "id": ID, "status": "queued" }), &[]);
    for odd in ["Accepted", "refused", ""] {
        let json = json!({ "id": ID, "status": odd, "seq": 7, "hash": zeros(), "time": TIME });
        assert!(read::<SubmissionResult>(&json).is_err(), "{odd}");
    }
    let past =
        json!({ "id": ID, "status": "accepted", "seq": MAX_INTEGER + 1, "hash": zeros(), "time": TIME });
    assert!(read::<SubmissionResult>(&past).is_err());
}

#[test]
fn a_refusal_has_the_problem() {
    let problem = Problem::new(Code::EpochConflict, "Rebase.").with_epoch(9);
    let json = json!({ "id": ID, "status": "rejected", "error": {
        "type": "urn:mtp:error:epoch-conflict", "title": "Epoch conflict", "status": 409, "detail": "Rebase.",
        "code": "epoch-conflict", "epoch": 9,
    }});
    is_written(&refused(problem.into()), &json, &[]);
    needs::<SubmissionResult>(&json, &["id", "status", "error"]);
    for odd in [json!({}), json!("malformed"), json!([]), json!({ "title": "Malformed" })] {
        assert!(read::<SubmissionResult>(&with(&json, "error", odd.clone())).is_err(), "{odd}");
    }
}

fn refused(problem: ReceivedProblem) -> SubmissionResult {
    SubmissionResult { id: an(ID), outcome: Outcome::Rejected(Box::new(problem)) }
}

/// A provider passes on to its client what an owner of a later profile said.
#[test]
fn a_code_of_a_later_profile_survives() {
    for error in [json!({ "code": "too-loud" }), json!({ "type": "urn:mtp:error:too-loud" })] {
        let result: SubmissionResult =
            read(&json!({ "id": ID, "status": "rejected", "error": error })).unwrap();
        assert_eq!(result, refused(ReceivedProblem { code: "too-loud".into(), ..Default::default() }));
        for encoding in [Encoding::Json, Encoding::Cbor] {
            assert_eq!(decode(encoding, &encode(encoding, &result)).as_ref(), Ok(&result), "{encoding:?}");
        }
    }
}

/// Only the code is needed of a problem; whatever else a peer put into one, in either encoding, is not held
/// against it.
#[test]
fn what_is_ill_typed_in_a_problem_is_as_if_it_were_not_there() {
    let plain = ReceivedProblem { code: "gone".into(), ..Default::default() };
    let odd = json!({
        "code": "gone", "type": 5, "detail": { "a": [] }, "now": "today", "epoch": "9", "first": -1, "head": 1.5,
        "limit": MAX_INTEGER + 1, "generation": null, "fingerprint": [], "status": "no", "title": true, "x": [[{}]],
    });
    assert_eq!(read(&odd).as_ref(), Ok(&plain));
    assert_eq!(ReceivedProblem::parse(odd.to_string().as_bytes()).as_ref(), Ok(&plain));

    let mut bytes = Vec::new();
    let mut to = Encoder::new(&mut bytes);
    to.map(4).unwrap().str("code").unwrap().str("gone").unwrap();
    to.str("x").unwrap().array(2).unwrap().bytes(&[1]).unwrap().map(0).unwrap();
    to.str("detail").unwrap().bytes(&[1]).unwrap().str("epoch").unwrap().i8(-1).unwrap();
    assert_eq!(decode(Encoding::Cbor, &bytes).as_ref(), Ok(&plain));

    for odd in [r#"{"code":"gone","x":{"a":1,"a":1}}"#, r#"{"code":"gone","detail":[{"a":1,"a":1}]}"#] {
        assert!(ReceivedProblem::parse(odd.as_bytes()).is_err(), "but it is well-formed: {odd}");
    }
    assert!(ReceivedProblem::parse(br#"{"code":5}"#).is_err());
    assert!(ReceivedProblem::parse(br#"["gone"]"#).is_err());
}

#[test]
fn an_item_tells_a_client_what_became_of_it() {
    let result = SubmissionResult { id: an(ID), outcome: Outcome::Accepted(placed()) };
    let body: ItemBody = ItemBody::Result(ResultItem { group: an(GROUP), result });
    let item = Item { seq: 3, id: an(ID), body };
    let result = json!({ "id": ID, "status": "accepted", "seq": 7, "hash": zeros(), "time": TIME });
    let result = json!({ "group": GROUP, "result": result });
    let json = json!({ "seq": 3, "id": ID, "type": "result", "result": result });
    is_written(&item, &json, &[]);
    let early = format!(r#"{{"result":{result},"type":"result","id":"{ID}","seq":3}}"#);
    assert_eq!(decode(Encoding::Json, early.as_bytes()), Ok(item));
}

#[test]
fn an_item_tells_a_client_what_is_proved_after_all() {
    let body: ItemBody = ItemBody::Proved(Proved { group: an(GROUP), from_seq: 4, until_seq: 7 });
    let proved = json!({ "group": GROUP, "from_seq": 4, "until_seq": 7 });
    let json = json!({ "seq": 3, "id": ID, "type": "proved", "proved": proved });
    is_written(&Item { seq: 3, id: an(ID), body }, &json, &[]);
    // Between providers there is no such type, so whatever it is there, it is skipped.
    let skipped = Item { seq: 3, id: an(ID), body: ItemBody::Other { kind: "proved".into() } };
    for other in [json!({}), json!({ "proved": 5 }), json!({ "proved": { "group": GROUP } })] {
        let mut json = json!({ "seq": 3, "id": ID, "type": "proved" });
        json.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        assert_eq!(read::<Item>(&json).as_ref(), Ok(&skipped), "{other}");
    }
}

/// A provider that is told so reads the event, and nothing else: the members are unknown there, whatever they are.
#[test]
fn only_a_client_is_told_that_an_event_is_unproved() {
    let hash = || Hash32([0; 32]);
    let event = Event {
        group: an(GROUP),
        seq: 7,
        kind: EventKind::Application,
        epoch: 3,
        sender: an(PHONE),
        time: an(TIME),
        grants: Vec::new(),
        body: Some(Body::Here(some_bytes())),
        body_hash: hash(),
        prev: hash(),
        hash: hash(),
    };
    let json = json!({
        "group": GROUP, "seq": 7, "type": "application", "epoch": 3, "sender": PHONE, "time": TIME, "body": BYTES,
        "body_hash": zeros(), "prev": zeros(), "hash": zeros(),
    });
    is_written(&event, &json, &["body"]);
    let proved = ShownEvent { event: event.clone(), unproved: None };
    is_written(&proved, &json, &["body"]);
    assert_eq!(encode(Encoding::Cbor, &proved), encode(Encoding::Cbor, &event));
    let told = with(&with(&json, "unproved", true.into()), "read_back_from", "b.example".into());
    let unproved = ShownEvent { event: event.clone(), unproved: Some(an("b.example")) };
    is_written(&unproved, &told, &["body"]);
    assert_eq!(read::<ShownEvent>(&with(&told, "unproved", false.into())).as_ref(), Ok(&proved));
    assert!(read::<ShownEvent>(&with(&json, "unproved", true.into())).is_err(), "without from whom");
    for odd in [told, with(&json, "unproved", "yes".into()), with(&json, "read_back_from", json!([5]))] {
        assert_eq!(read::<Event>(&odd).as_ref(), Ok(&event), "{odd}");
    }
}

/// Between providers there is no such type, so whatever it is there, it is skipped, and stops no feed.
#[test]
fn an_item_called_result_that_is_not_ours_is_skipped() {
    let skipped = Item { seq: 3, id: an(ID), body: ItemBody::Other { kind: "result".into() } };
    for other in [
        r#""type":"result""#,
        r#""type":"result","result":5"#,
        r#""result":5,"type":"result""#,
        r#""type":"result","result":null"#,
        r#""type":"result","result":{"of":"a poll"}"#,
        r#""result":[{}],"type":"result""#,
        r#""type":"result","peer":{"state":"allowed"}"#,
    ] {
        let page = format!(
            r#"{{"generation":"{ID}","items":[{{"seq":3,"id":"{ID}",{other}}}],"first":1,"head":3,"more":false}}"#
        );
        let read: FeedPage = decode(Encoding::Json, page.as_bytes()).unwrap();
        assert_eq!(read.items, std::slice::from_ref(&skipped), "{other}");
    }
    assert!(
        decode::<Item>(
            Encoding::Json,
            format!(r#"{{"seq":3,"id":"{ID}","type":"result","result":{{"a":1,"a":1}}}}"#).as_bytes()
        )
        .is_err(),
        "but it is well-formed"
    );
    for encoding in [Encoding::Json, Encoding::Cbor] {
        assert_eq!(decode(encoding, &encode(encoding, &skipped)).as_ref(), Ok(&skipped), "{encoding:?}");
    }
}

// What is told of a group

#[test]
fn a_groups_status_has_its_members() {
    let status = GroupStatus {
        group: an(GROUP),
        epoch: 4,
        head: 12,
        hash: hash(),
        participants: vec![an("b.example"), an("c.example:8443")],
        created: an(TIME),
    };
    let json = json!({
        "group": GROUP, "epoch": 4, "head": 12, "hash": zeros(), "participants": ["b.example", "c.example:8443"],
        "created": TIME,
    });
    is_written(&status, &json, &[]);
    needs::<GroupStatus>(&json, &["group", "epoch", "head", "hash", "participants", "created"]);
    for (name, value) in [
        ("group", json!(ANN)),
        ("epoch", json!(-1)),
        ("epoch", json!(4.0)),
        ("head", json!(MAX_INTEGER + 1)),
        ("hash", json!("A".repeat(42))),
        ("hash", json!("A".repeat(86))),
        ("participants", json!(["B.example"])),
        ("created", json!("2026-09-21T14:13:21Z")),
    ] {
        assert!(read::<GroupStatus>(&with(&json, name, value.clone())).is_err(), "{name}: {value}");
    }
}

#[test]
fn a_roster_says_who_was_added_by_whom() {
    let member = RosterMember {
        client: an(PHONE),
        user: an(BOB),
        leaf: 1,
        since_epoch: 2,
        added_by: an(ANN),
        grant: Some("a.b.c".into()),
    };
    let json = json!({
        "client": PHONE, "user": BOB, "leaf": 1, "since_epoch": 2, "added_by": ANN, "grant": "a.b.c",
    });
    is_written(&member, &json, &[]);
    needs::<RosterMember>(&json, &["client", "user", "leaf", "since_epoch", "added_by"]);
    is_written(
        &Roster { epoch: 2, members: vec![member.clone()] },
        &json!({ "epoch": 2, "members": [json] }),
        &[],
    );

    for (name, value) in [
        ("added_by", json!("mimi://a.example/u/ann/d/desk")),
        ("added_by", json!(GROUP)),
        ("added_by", json!("a.example")),
        ("leaf", json!(u64::from(u32::MAX) + 1)),
        ("client", json!(BOB)),
        ("user", json!(PHONE)),
        ("grant", Value::Null),
    ] {
        assert!(read::<RosterMember>(&with(&json, name, value.clone())).is_err(), "{name}: {value}");
    }

    let mut without = json;
    without.as_object_mut().unwrap().remove("grant");
    is_written(&RosterMember { grant: None, ..member }, &without, &[]);
}

#[test]
fn a_log_page_may_be_empty() {
    let json = json!({ "events": [], "first": 1, "head": 9, "more": false });
    let page: LogPage = LogPage { events: vec![], first: 1, head: 9, more: false, checkpoint: None };
    is_written(&page, &json, &[]);
    let mut with_checkpoint = json.clone();
    with_checkpoint["checkpoint"] = "e30.e30.AA".into();
    is_written(&LogPage { checkpoint: Some("e30.e30.AA".into()), ..page }, &with_checkpoint, &[]);
    needs::<LogPage>(&json, &["events", "first", "head", "more"]);
}

#[test]
fn an_info_is_of_bytes() {
    let info = GroupInfoReply { epoch: 3, group_info: some_bytes(), ratchet_tree: some_bytes() };
    let json = json!({ "epoch": 3, "group_info": BYTES, "ratchet_tree": BYTES });
    is_written(&info, &json, &["group_info", "ratchet_tree"]);
    needs::<GroupInfoReply>(&json, &["epoch", "group_info", "ratchet_tree"]);
}

#[test]
fn a_log_is_asked_for_after_a_number() {
    let all = LogQuery { after: 0, max_events: Some(10), max_bytes: Some(65_536) };
    assert_eq!(LogQuery::parse("after=0&max_events=10&max_bytes=65536"), Ok(all));
    assert_eq!(all.to_query(), "after=0&max_events=10&max_bytes=65536");
    assert_eq!(
        LogQuery::parse(&format!("x=%zz&after={MAX_INTEGER}&&wait=x")),
        Ok(LogQuery { after: MAX_INTEGER, ..Default::default() })
    );
    for odd in [
        "",
        "max_events=10",
        "after",
        "after=",
        "after=-1",
        "after=+1",
        "after=01",
        "after=1.0",
        "after=%31",
        "after=1&after=1",
        "after=9007199254740992",
        "after=99999999999999999999999",
        "after=0&max_events=0",
        "after=0&max_events=",
        "after=0&max_bytes=0",
        "after=0&max_bytes=1&max_bytes=1",
        "AFTER=1",
        "?after=1",
    ] {
        assert!(LogQuery::parse(odd).is_err(), "{odd}");
    }
}

// KeyPackages

#[test]
fn a_claim_names_users_grants_and_suites() {
    let claim = ClaimRequest {
        group: an(GROUP),
        adder: an(ANN),
        users: vec![an(BOB)],
        grants: vec!["a.b.c".into()],
        cipher_suites: vec![1, 0xffff],
        required_capabilities: None,
    };
    let json = json!({
        "group": GROUP, "adder": ANN, "users": [BOB], "grants": ["a.b.c"], "cipher_suites": [1, 65_535],
    });
    is_written(&claim, &json, &[]);
    needs::<ClaimRequest>(&json, &["group", "adder", "users", "grants", "cipher_suites"]);
    let with_capabilities = with(&json, "required_capabilities", json!(BYTES));
    is_written(
        &ClaimRequest { required_capabilities: Some(some_bytes()), ..claim },
        &with_capabilities,
        &["required_capabilities"],
    );
    for (name, value) in [
        ("cipher_suites", json!([65_536])),
        ("cipher_suites", json!([-1])),
        ("cipher_suites", json!(["1"])),
        ("users", json!([PHONE])),
        ("adder", json!(PHONE)),
        ("required_capabilities", Value::Null),
    ] {
        assert!(read::<ClaimRequest>(&with(&json, name, value.clone())).is_err(), "{name}: {value}");
    }
}

#[test]
fn a_claims_answer_is_told_for_each_client() {
    let words = [
        (UserClaim::Ok, "ok"),
        (UserClaim::Partial, "partial"),
        (UserClaim::None, "none"),
        (UserClaim::NotAuthorized, "not-authorized"),
    ];
    for (status, word) in words {
        let user = ClaimedUser { user: an(BOB), status, clients: vec![], grant: None };
        let json = json!({ "users": [{ "user": BOB, "status": word, "clients": [] }] });
        is_written(&ClaimReply { users: vec![user] }, &json, &[]);
    }
    let client =
        ClaimedClient { client: an(PHONE), status: ClientClaim::Ok, key_package: Some(some_bytes()) };
    let json = json!({ "client": PHONE, "status": "ok", "key_package": BYTES });
    is_written(&client, &json, &["key_package"]);
    for (status, word) in [(ClientClaim::Exhausted, "exhausted"), (ClientClaim::Incompatible, "incompatible")]
    {
        let client = ClaimedClient { client: an(PHONE), status, key_package: None };
        is_written(&client, &json!({ "client": PHONE, "status": word }), &[]);
    }
    let told = ClaimedUser {
        user: an(BOB),
        status: UserClaim::Ok,
        clients: vec![client],
        grant: Some("a.b.c".into()),
    };
    is_written(
        &told,
        &json!({ "user": BOB, "status": "ok", "clients": [json], "grant": "a.b.c" }),
        &["key_package"],
    );
}

// What clients say

#[test]
fn what_a_client_publishes_and_registers_is_of_bytes() {
    let publish = PublishKeyPackages { key_packages: vec![some_bytes()], last_resort: Some(some_bytes()) };
    is_written(&publish, &json!({ "key_packages": [BYTES], "last_resort": BYTES }), &["last_resort"]);
    let publish = PublishKeyPackages { last_resort: None, ..publish };
    is_written(&publish, &json!({ "key_packages": [BYTES] }), &[]);
    let register = RegisterGroup { group: an(GROUP), group_info: some_bytes(), ratchet_tree: some_bytes() };
    let json = json!({ "group": GROUP, "group_info": BYTES, "ratchet_tree": BYTES });
    is_written(&register, &json, &["group_info", "ratchet_tree"]);
    let own = OwnGroup { group: an(GROUP), owner: an("a.example"), epoch: 1, head: 2, members: 3 };
    let json = json!({ "group": GROUP, "owner": "a.example", "epoch": 1, "head": 2, "members": 3 });
    is_written(&OwnGroups { groups: vec![own] }, &json!({ "groups": [json] }), &[]);
}

// The policy

/// A policy's CBOR, member by member.
fn policy(write: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Result<Policy, Malformed> {
    let mut bytes = Vec::new();
    write(&mut Encoder::new(&mut bytes));
    Policy::from_cbor(&bytes)
}

/// The members after `v` and `name`.
fn rest(to: &mut Encoder<&mut Vec<u8>>) {
    to.str("admins").unwrap().array(1).unwrap().str(ANN).unwrap();
    to.str("add").unwrap().str("admins").unwrap().str("send").unwrap().str("members").unwrap();
}

fn tea() -> Policy {
    Policy { name: "Tea".into(), admins: vec![an(ANN)], add: Who::Admins, send: Who::Members }
}

#[test]
fn a_policy_is_a_map_in_cbor() {
    let mut bytes = Vec::new();
    let mut to = Encoder::new(&mut bytes);
    to.map(5).unwrap().str("v").unwrap().u8(1).unwrap().str("name").unwrap().str("Tea").unwrap();
    rest(&mut to);
    assert_eq!(tea().to_cbor(), bytes);
    assert_eq!(Policy::from_cbor(&bytes), Ok(tea()));
    for size in 0..bytes.len() {
        assert!(Policy::from_cbor(&bytes[..size]).is_err(), "cut to {size} bytes");
    }
    bytes.push(0);
    assert!(Policy::from_cbor(&bytes).is_err(), "something after the end");
}

#[test]
fn a_policy_may_have_members_of_later_and_any_order() {
    let read = policy(|to| {
        to.map(6).unwrap();
        rest(to);
        to.str("x").unwrap().map(1).unwrap().str("a").unwrap().bytes(&[1]).unwrap();
        to.str("name").unwrap().str("Tea").unwrap().str("v").unwrap().u8(1).unwrap();
    });
    assert_eq!(read, Ok(tea()));
    let unnamed = Policy { name: String::new(), admins: vec![], ..tea() };
    assert_eq!(Policy::from_cbor(&unnamed.to_cbor()), Ok(unnamed), "what it lacks is not form");
}

#[test]
fn a_name_has_at_most_256_bytes() {
    for (name, fits) in
        [("x".repeat(256), true), ("x".repeat(257), false), ("é".repeat(128), true), ("é".repeat(129), false)]
    {
        let bytes = Policy { name: name.clone(), ..tea() }.to_cbor();
        assert_eq!(Policy::from_cbor(&bytes).is_ok(), fits, "{} bytes", name.len());
    }
}

#[test]
fn a_policy_in_another_form_is_refused() {
    let headed = |write: &dyn Fn(&mut Encoder<&mut Vec<u8>>)| {
        policy(|to| {
            to.map(5).unwrap();
            write(to);
            rest(to);
        })
    };
    let breaking = [
        (
            "another version",
            headed(&|to| {
                to.str("v").unwrap().u8(2).unwrap().str("name").unwrap().str("Tea").unwrap();
            }),
        ),
        (
            "version 0",
            headed(&|to| {
                to.str("v").unwrap().u8(0).unwrap().str("name").unwrap().str("Tea").unwrap();
            }),
        ),
        (
            "a version that is text",
            headed(&|to| {
                to.str("v").unwrap().str("1").unwrap().str("name").unwrap().str("Tea").unwrap();
            }),
        ),
        (
            "a name of bytes",
            headed(&|to| {
                to.str("v").unwrap().u8(1).unwrap().str("name").unwrap().bytes(b"Tea").unwrap();
            }),
        ),
        (
            "a name of indefinite length",
            headed(&|to| {
                to.str("v").unwrap().u8(1).unwrap().str("name").unwrap();
                to.begin_str().unwrap().str("Tea").unwrap().end().unwrap();
            }),
        ),
        (
            "no name",
            headed(&|to| {
                to.str("v").unwrap().u8(1).unwrap().str("x").unwrap().str("Tea").unwrap();
            }),
        ),
        (
            "a name twice",
            headed(&|to| {
                to.str("name").unwrap().str("Tea").unwrap().str("name").unwrap().str("Tea").unwrap();
            }),
        ),
        (
            "a tag",
            policy(|to| {
                to.tag(minicbor::data::Tag::new(55_799)).unwrap();
                to.map(5).unwrap().str("v").unwrap().u8(1).unwrap().str("name").unwrap().str("Tea").unwrap();
                rest(to);
            }),
        ),
        (
            "an indefinite map",
            policy(|to| {
                to.begin_map()
                    .unwrap()
                    .str("v")
                    .unwrap()
                    .u8(1)
                    .unwrap()
                    .str("name")
                    .unwrap()
                    .str("Tea")
                    .unwrap();
                rest(to);
                to.end().unwrap();
            }),
        ),
        (
            "an array",
            policy(|to| {
                to.array(5).unwrap().u8(1).unwrap().str("Tea").unwrap().array(0).unwrap();
                to.str("admins").unwrap().str("members").unwrap();
            }),
        ),
        (
            "an admin who is a client",
            policy(|to| {
                to.map(5).unwrap().str("v").unwrap().u8(1).unwrap().str("name").unwrap().str("Tea").unwrap();
                to.str("admins").unwrap().array(1).unwrap().str(PHONE).unwrap();
                to.str("add").unwrap().str("admins").unwrap().str("send").unwrap().str("members").unwrap();
            }),
        ),
        (
            "another word",
            policy(|to| {
                to.map(5).unwrap().str("v").unwrap().u8(1).unwrap().str("name").unwrap().str("Tea").unwrap();
                to.str("admins").unwrap().array(0).unwrap();
                to.str("add").unwrap().str("anyone").unwrap().str("send").unwrap().str("members").unwrap();
            }),
        ),
        ("JSON", Policy::from_cbor(br#"{"v":1,"name":"","admins":[],"add":"admins","send":"members"}"#)),
    ];
    for (what, outcome) in breaking {
        assert!(outcome.is_err(), "{what}");
    }
}
