//! Submissions as their receiver reads them: each by itself (section 10).

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

use drawbridge_mtp::{
    message::{
        GroupResults, Outcome, ReceivedSubmission, SetAside, Submission, SubmissionAnswer, SubmissionResult,
        Submissions, SubmitReply, SubmitRequest,
    },
    problem::{Code, Problem, ReceivedProblem},
    wire::{Encoding, Malformed, decode, encode},
};
use serde_json::{Value, json};

const ID: &str = "0198d0a0-1111-7000-8000-000000000001";
const PHONE: &str = "mimi://b.example/u/bob/d/phone";

type Received = SubmitRequest<ReceivedSubmission>;

fn good() -> Value {
    json!({ "id": ID, "type": "commit", "sender": PHONE, "mls": "__4", "grants": ["a.b.c"] })
}

fn with(name: &str, value: Value) -> Value {
    let mut changed = good();
    changed[name] = value;
    changed
}

fn read(text: &Value) -> Result<Received, Malformed> {
    decode(Encoding::Json, text.to_string().as_bytes())
}

fn one_of(events: Value) -> Value {
    json!({ "groups": [{ "group": "tea", "events": events }] })
}

#[test]
fn a_malformed_submission_spoils_none_beside_it() {
    for (odd, id) in [
        (with("id", json!("not-an-id")), Some("not-an-id")),
        (
            with("id", json!("0198D0A0-1111-7000-8000-000000000001")),
            Some("0198D0A0-1111-7000-8000-000000000001"),
        ),
        (with("id", json!(7)), None),
        (with("id", json!(null)), None),
        (with("id", json!("")), None),
        (with("id", json!("x".repeat(129))), None),
        (with("type", json!("created")), Some(ID)),
        (with("sender", json!("mimi://b.example/u/bob")), Some(ID)),
        (with("mls", json!(5)), Some(ID)),
        (with("mls", json!(null)), Some(ID)),
        (with("mls", json!("__5")), Some(ID)),
        (with("welcome", json!(null)), Some(ID)),
        (with("grants", json!(null)), Some(ID)),
        (with("grants", json!([["a.b.c"]])), Some(ID)),
        (json!({ "id": ID }), Some(ID)),
        (json!({}), None),
        (json!([]), None),
        (json!(null), None),
        (json!("commit"), None),
        (json!(5), None),
    ] {
        let received = read(&one_of(json!([good(), odd, good()]))).unwrap();
        let events: Vec<_> = received.groups.into_iter().flat_map(|group| group.events).collect();
        let [ReceivedSubmission(Ok(before)), ReceivedSubmission(Err(bad)), ReceivedSubmission(Ok(after))] =
            &events[..]
        else {
            panic!("{odd}: {events:?}");
        };
        assert_eq!(
            (before, before),
            (after, &decode(Encoding::Json, good().to_string().as_bytes()).unwrap())
        );
        assert_eq!(bad.id.as_deref(), id, "{odd}");
    }
}

#[test]
fn in_cbor_each_is_read_by_itself_too() {
    let good =
        encode(Encoding::Cbor, &decode::<Submission>(Encoding::Json, good().to_string().as_bytes()).unwrap());
    let mut bytes = Vec::new();
    let mut to = minicbor::Encoder::new(&mut bytes);
    to.map(1).unwrap().str("events").unwrap().array(3).unwrap();
    to.writer_mut().extend_from_slice(&good);
    // A text where bytes have to be.
    to.map(2).unwrap().str("mls").unwrap().str("__4").unwrap().str("id").unwrap().str(ID).unwrap();
    to.writer_mut().extend_from_slice(&good);
    let read: Submissions<ReceivedSubmission> = decode(Encoding::Cbor, &bytes).unwrap();
    let well: Vec<_> = read.events.iter().map(|event| event.0.is_ok()).collect();
    assert_eq!(well, [true, false, true]);
    assert_eq!(read.events[1].0.as_ref().unwrap_err().id.as_deref(), Some(ID));
}

#[test]
fn what_is_no_list_of_groups_with_submissions_is_malformed_as_a_whole() {
    assert_eq!(read(&json!({ "groups": [] })), Ok(SubmitRequest { groups: vec![] }));
    for odd in [
        json!([]),
        json!({}),
        json!({ "groups": null }),
        json!({ "groups": {} }),
        json!({ "groups": [null] }),
        json!({ "groups": [{ "group": "tea" }] }),
        json!({ "groups": [{ "events": [] }] }),
        json!({ "groups": [{ "group": 5, "events": [] }] }),
        json!({ "groups": [{ "group": "tea", "events": null }] }),
        json!({ "groups": [{ "group": "tea", "events": { "0": good() } }] }),
    ] {
        assert!(read(&odd).is_err(), "{odd}");
    }
    let twice = one_of(json!([good()])).to_string().replacen(r#""id""#, r#""x":1,"x":2,"id""#, 1);
    assert!(decode::<Received>(Encoding::Json, twice.as_bytes()).is_err(), "it is not I-JSON");
}

#[test]
fn a_name_that_is_none_is_that_of_a_group_which_is_not_there() {
    let received = read(&json!({ "groups": [{ "group": "Tea!", "events": [good()] }] }));
    assert_eq!(received.unwrap().groups[0].group, "Tea!");
}

#[test]
fn a_malformed_submission_is_answered_in_its_place() {
    let judged = SubmissionResult {
        id: ID.parse().unwrap(),
        outcome: Outcome::Rejected(Box::new(Problem::new(Code::NotFound, "there is none").into())),
    };
    let events = json!([with("id", json!("?")), good(), json!(5), good(), json!({})]);
    let received = read(&one_of(events)).unwrap().groups.remove(0);
    let (well_formed, aside) = SetAside::part(received.events);
    assert_eq!(well_formed.len(), 2);
    let results = aside.answer(vec![judged.clone(), judged.clone()]);
    let reply = SubmitReply { groups: vec![GroupResults { group: "tea".into(), results }] };
    let written: Value = serde_json::from_slice(&encode(Encoding::Json, &reply)).unwrap();
    let results = &written["groups"][0]["results"];
    assert_eq!(written["groups"][0]["group"], "tea");
    let told: Vec<_> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            assert_eq!(result["status"], "rejected");
            let problem = ReceivedProblem::parse(result["error"].to_string().as_bytes()).unwrap();
            (result.get("id").and_then(Value::as_str), problem.known().unwrap())
        })
        .collect();
    let (odd, good) = (Code::Malformed, (Some(ID), Code::NotFound));
    assert_eq!(told, [(Some("?"), odd), good, (None, odd), good, (None, odd)]);
    let reply = SubmitReply {
        groups: vec![GroupResults {
            group: "tea".into(),
            results: vec![SubmissionAnswer::Judged(judged.clone())],
        }],
    };
    for encoding in [Encoding::Json, Encoding::Cbor] {
        let read: SubmitReply = decode(encoding, &encode(encoding, &reply)).unwrap();
        assert_eq!(read.groups[0].results, std::slice::from_ref(&judged), "{encoding:?}");
    }
}
