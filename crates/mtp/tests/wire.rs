//! What the two encodings refuse, and what they overlook (section 5).

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

use drawbridge_mtp::{
    grant::MAX_GRANT_BYTES,
    message::{
        Body, ClaimReply, ClaimRequest, ConnectionItem, ConnectionRequest, Event, FeedPage, GroupInfoReply,
        Item, ItemBody, PeerState, PeeringReply, PeeringRequest, Ping, Submission, TolerantFeedPage, Welcome,
    },
    octets::Octets,
    wire::{Encoding, MAX_DEPTH, MAX_INTEGER, Malformed, decode, encode},
};
use minicbor::Encoder;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

const ID: &str = "0198d0a0-1111-7000-8000-000000000001";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Sample {
    number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<Octets>,
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, Malformed> {
    decode(Encoding::Json, text.as_bytes())
}

fn cbor(write: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Result<Sample, Malformed> {
    let mut bytes = Vec::new();
    write(&mut Encoder::new(&mut bytes));
    decode(Encoding::Cbor, &bytes)
}

#[test]
fn json_is_read_as_it_should_be() {
    let plain = Sample { number: 7, bytes: None };
    assert_eq!(json(r#"{"number":7}"#), Ok(plain));
    assert_eq!(
        json(r#" {"bytes":"AQI","number":7} "#),
        Ok(Sample { number: 7, bytes: Some(Octets(vec![1, 2])) })
    );
    assert_eq!(
        json(&format!(r#"{{"number":{MAX_INTEGER}}}"#)),
        Ok(Sample { number: MAX_INTEGER, bytes: None })
    );
}

#[test]
fn what_is_unknown_in_json_is_overlooked_but_well_formed() {
    for fine in [
        r#"{"number":7,"x":{"a":[1,-2,3.5,null,true,"é",18446744073709551615,-9223372036854775808,1e300]}}"#,
        r#"{"x":null,"number":7}"#,
        r#"{"x":{"number":8,"number2":9},"number":7}"#,
    ] {
        assert_eq!(json(fine), Ok(Sample { number: 7, bytes: None }), "{fine}");
    }
    for odd in [
        r#"{"number":7,"x":{"a":1,"a":2}}"#,
        r#"{"number":7,"x":{"a":1,"\u0061":2}}"#,
        r#"{"number":7,"x":[[{"a":{},"a":{}}]]}"#,
        r#"{"number":7,"x":1,"x":1}"#,
        r#"{"number":7,"x":"\ud800"}"#,
        r#"{"number":7,"x":"\uffff"}"#,
        "{\"number\":7,\"\u{fdd0}\":1}",
        r#"{"number":7,"x":01}"#,
        r#"{"number":7,"x":1e999}"#,
        r#"{"number":7,"x":[}"#,
    ] {
        assert!(json::<Sample>(odd).is_err(), "{odd}");
    }
}

#[test]
fn json_that_breaks_a_rule_is_malformed() {
    for odd in [
        "",
        "null",
        "[]",
        "{}",
        "[7]",
        r#"[7,"AQI"]"#,
        r#"{"number":7}{}"#,
        r#"{"number":7} x"#,
        r#"{"number":7,}"#,
        r#"{"number":7,"number":7}"#,
        r#"{"number":9007199254740992}"#,
        r#"{"number":-1}"#,
        r#"{"number":-0}"#,
        r#"{"number":7.0}"#,
        r#"{"number":7e0}"#,
        r#"{"number":"7"}"#,
        r#"{"number":null}"#,
        r#"{"number":7,"bytes":null}"#,
        r#"{"number":7,"bytes":[1,2]}"#,
        r#"{"number":7,"bytes":"AQI="}"#,
        r#"{"number":7,"bytes":"AQJ"}"#,
        r#"{"number":7,"bytes":"A+I"}"#,
        "\u{feff}{\"number\":7}",
    ] {
        assert!(json::<Sample>(odd).is_err(), "{odd}");
    }
    assert!(decode::<Sample>(Encoding::Json, b"{\"number\":7,\"x\":\"\xff\"}").is_err(), "not UTF-8");
}

#[test]
fn nothing_is_nested_deeper_than_it_may_be() {
    let nested = |levels: usize, open: &str, close: &str| {
        format!(r#"{{"number":7,"x":{}1{}}}"#, open.repeat(levels), close.repeat(levels))
    };
    let most = usize::from(MAX_DEPTH) - 1;
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        assert!(json::<Sample>(&nested(most, open, close)).is_ok());
        assert!(json::<Sample>(&nested(most + 1, open, close)).is_err());
        assert!(json::<Sample>(&nested(100_000, open, close)).is_err());
    }
    for levels in [most + 1, 100_000] {
        let refused = cbor(|to| {
            to.map(2).unwrap().str("number").unwrap().u8(7).unwrap().str("x").unwrap();
            for _ in 0..levels {
                to.array(1).unwrap();
            }
            to.u8(1).unwrap();
        });
        assert!(refused.is_err());
    }
}

#[test]
fn cbor_is_read_as_it_should_be() {
    let whole = Sample { number: MAX_INTEGER, bytes: Some(Octets(vec![1, 2])) };
    let bytes = encode(Encoding::Cbor, &whole);
    assert_eq!(bytes[0], 0xa2, "a map of definite length");
    assert_eq!(decode(Encoding::Cbor, &bytes), Ok(whole));
    let ignoring = cbor(|to| {
        to.map(2).unwrap().str("x").unwrap();
        to.array(6).unwrap().i64(-5).unwrap().u64(u64::MAX).unwrap().null().unwrap().bool(true).unwrap();
        to.bytes(&[1]).unwrap().map(1).unwrap().str("a").unwrap().str("b").unwrap();
        to.str("number").unwrap().u8(7).unwrap();
    });
    assert_eq!(ignoring, Ok(Sample { number: 7, bytes: None }));
}

#[test]
fn cbor_that_breaks_a_rule_is_malformed() {
    let number = |to: &mut Encoder<&mut Vec<u8>>, members| {
        to.map(members).unwrap().str("number").unwrap().u8(7).unwrap();
    };
    let with_x = |write: &dyn Fn(&mut Encoder<&mut Vec<u8>>)| {
        cbor(|to| {
            number(to, 2);
            to.str("x").unwrap();
            write(to);
        })
    };
    let breaking: [(&str, Result<Sample, Malformed>); 19] = [
        (
            "an indefinite map",
            cbor(|to| {
                to.begin_map().unwrap().str("number").unwrap().u8(7).unwrap().end().unwrap();
            }),
        ),
        (
            "an indefinite map inside",
            with_x(&|to| {
                to.begin_map().unwrap().end().unwrap();
            }),
        ),
        (
            "an indefinite array",
            with_x(&|to| {
                to.begin_array().unwrap().end().unwrap();
            }),
        ),
        (
            "an indefinite text",
            with_x(&|to| {
                to.begin_str().unwrap().str("a").unwrap().end().unwrap();
            }),
        ),
        (
            "indefinite bytes",
            with_x(&|to| {
                to.begin_bytes().unwrap().bytes(b"a").unwrap().end().unwrap();
            }),
        ),
        (
            "a tag",
            with_x(&|to| {
                to.tag(minicbor::data::Tag::new(32)).unwrap().str("a").unwrap();
            }),
        ),
        (
            "a big number",
            with_x(&|to| {
                to.tag(minicbor::data::Tag::new(2)).unwrap().bytes(&[1]).unwrap();
            }),
        ),
        (
            "a float",
            with_x(&|to| {
                to.f64(1.5).unwrap();
            }),
        ),
        (
            "a short float",
            with_x(&|to| {
                to.writer_mut().extend_from_slice(&[0xf9, 0x3e, 0x00]);
            }),
        ),
        (
            "undefined",
            with_x(&|to| {
                to.undefined().unwrap();
            }),
        ),
        (
            "a key that is a number",
            with_x(&|to| {
                to.map(1).unwrap().u8(1).unwrap().u8(1).unwrap();
            }),
        ),
        (
            "a duplicate",
            with_x(&|to| {
                to.map(2).unwrap().str("a").unwrap().u8(1).unwrap().str("a").unwrap().u8(1).unwrap();
            }),
        ),
        (
            "an array for an object",
            cbor(|to| {
                to.array(2).unwrap().u8(7).unwrap().bytes(b"a").unwrap();
            }),
        ),
        (
            "an integer that is too large",
            cbor(|to| {
                to.map(1).unwrap().str("number").unwrap().u64(MAX_INTEGER + 1).unwrap();
            }),
        ),
        (
            "null for an optional member",
            cbor(|to| {
                number(to, 2);
                to.str("bytes").unwrap().null().unwrap();
            }),
        ),
        (
            "text for bytes",
            cbor(|to| {
                number(to, 2);
                to.str("bytes").unwrap().str("AQI").unwrap();
            }),
        ),
        (
            "something after the end",
            cbor(|to| {
                number(to, 1);
                to.u8(0).unwrap();
            }),
        ),
        ("less than promised", cbor(|to| number(to, 2))),
        (
            "far more promised than there is",
            with_x(&|to| {
                to.array(u64::MAX).unwrap();
            }),
        ),
    ];
    for (what, outcome) in breaking {
        assert!(outcome.is_err(), "{what}");
    }
}

/// The major types of CBOR of what stands behind the member `name`; an array's are those of its elements.
fn major_types(cbor: &[u8], name: &str) -> Vec<u8> {
    let key = encode(Encoding::Cbor, &name);
    let at = cbor.windows(key.len()).position(|window| window == key).unwrap() + key.len();
    let first = cbor[at] >> 5;
    // An array of one element, which begins behind its own head.
    vec![if first == 4 { cbor[at + 1] >> 5 } else { first }]
}

#[test]
fn each_member_that_is_bytes_is_text_in_json_and_a_byte_string_in_cbor() {
    fn holds<T: Serialize + DeserializeOwned>(message: &serde_json::Value, members: &[&str]) {
        let read: T = json(&message.to_string()).unwrap_or_else(|fault| panic!("{message}: {fault}"));
        let (text, bytes) = (serde_json::to_value(&read).unwrap(), encode(Encoding::Cbor, &read));
        assert_eq!(&text, message);
        for member in members {
            assert_eq!(major_types(&bytes, member), [2], "{member}");
        }
        assert!(decode::<T>(Encoding::Cbor, &bytes).is_ok());
    }
    let (hash, group) = ("A".repeat(43), "mimi://a.example/g/x");
    let (user, client) = ("mimi://a.example/u/a", "mimi://a.example/u/a/d/b");
    holds::<Submission>(
        &json!({"id": ID, "type": "commit", "sender": client, "mls": "AQ", "welcome": "AQ", "group_info": "AQ",
            "grants": ["a.b.c"]}),
        &["mls", "welcome", "group_info"],
    );
    holds::<Welcome>(
        &json!({"group": group, "welcome": "AQ", "key_package_refs": ["AQ"], "ratchet_tree": "AQ", "from_seq": 1}),
        &["welcome", "key_package_refs", "ratchet_tree"],
    );
    holds::<GroupInfoReply>(
        &json!({"epoch": 1, "group_info": "AQ", "ratchet_tree": "AQ"}),
        &["group_info", "ratchet_tree"],
    );
    holds::<ClaimRequest>(
        &json!({"group": group, "adder": user, "users": [user], "grants": ["a.b.c"], "cipher_suites": [1],
            "required_capabilities": "AQ"}),
        &["required_capabilities"],
    );
    holds::<ClaimReply>(
        &json!({"users": [{"user": user, "status": "ok",
            "clients": [{"client": client, "status": "ok", "key_package": "AQ"}]}]}),
        &["key_package"],
    );
    let event = |member: &str, body: serde_json::Value| {
        let mut event = json!({"group": group, "seq": 1, "type": "commit", "epoch": 1, "sender": client,
            "time": "2026-09-21T14:13:21.001Z", "body_hash": hash, "prev": hash, "hash": hash});
        event[member] = body;
        event
    };
    holds::<Event>(&event("body", json!("AQ")), &["body", "body_hash", "prev", "hash"]);
    holds::<Event>(&event("body_object", json!({"sha256": hash, "size": 70_000})), &["sha256"]);
}

#[test]
fn objects_with_more_members_than_anyone_needs_are_refused() {
    let members = |count: usize| (0..count).map(|n| format!(r#","m{n}":0"#)).collect::<String>();
    assert!(json::<Sample>(&format!(r#"{{"number":7{}}}"#, members(1_000))).is_ok());
    assert!(json::<Sample>(&format!(r#"{{"number":7{}}}"#, members(1_024))).is_err());
}

#[test]
fn a_fault_tells_little_of_what_was_received() {
    let fault = json::<PeeringReply>(&format!(r#"{{"state":"{}"}}"#, "é".repeat(100_000))).unwrap_err();
    assert!(fault.to_string().len() < 250, "{}", fault.to_string().len());
}

#[test]
fn words_are_words() {
    assert!(json::<PeeringReply>(r#"{"state":"key-changed"}"#).is_ok());
    for odd in [
        r#"{"state":"Allowed"}"#,
        r#"{"state":{"allowed":null}}"#,
        r#"{"state":"key_changed"}"#,
        r#"{"state":0}"#,
    ] {
        assert!(json::<PeeringReply>(odd).is_err(), "{odd}");
    }
    assert_eq!(json(r#"{"text":"hello"}"#), Ok(PeeringRequest {}), "what it carries is not looked at");
    assert!(json::<PeeringRequest>("[]").is_err());
}

#[test]
fn an_address_is_a_text_in_its_one_form() {
    let ping = |address: &str| {
        format!(r#"{{"now":"2026-09-21T14:13:21.001Z","state":"allowed","your_address":"{address}"}}"#)
    };
    for fine in ["127.0.0.1", "::1", "2001:db8::1"] {
        let read: Ping = json(&ping(fine)).unwrap();
        assert_eq!(decode(Encoding::Cbor, &encode(Encoding::Cbor, &read)), Ok(read));
    }
    for odd in ["127.1", "::0001", "[::1]", "::ffff:127.0.0.1", ""] {
        assert!(json::<Ping>(&ping(odd)).is_err(), "{odd}");
    }
    let mapped: Ping =
        Ping { your_address: "::ffff:127.0.0.1".parse().unwrap(), ..json(&ping("::1")).unwrap() };
    assert!(
        String::from_utf8(encode(Encoding::Json, &mapped)).unwrap().contains(r#""127.0.0.1""#),
        "IPv4 as such"
    );
}

#[test]
fn a_connection_request_lives_thirty_days_at_most() {
    let request = |created: &str, expires: &str| {
        json::<ConnectionRequest>(&format!(
            r#"{{"id":"{ID}","from":"mimi://a.example/u/a","to":"mimi://b.example/u/b","created":"{created}","expires":"{expires}"}}"#
        ))
    };
    assert!(request("2026-09-01T00:00:00.000Z", "2026-10-01T00:00:00.000Z").is_ok());
    assert!(request("2026-09-01T00:00:00.000Z", "2026-09-01T00:00:00.000Z").is_ok());
    assert!(request("2026-09-01T00:00:00.000Z", "2026-10-01T00:00:00.001Z").is_err());
    assert!(request("2026-09-01T00:00:00.000Z", "2026-08-31T23:59:59.999Z").is_err());
}

// Items

fn connection() -> ConnectionItem {
    json(&format!(
        r#"{{"id":"{ID}","from":"mimi://a.example/u/a","to":"mimi://b.example/u/b","state":"approved","time":"2026-09-21T14:13:21.001Z"}}"#
    ))
    .unwrap()
}

#[test]
fn an_item_is_read_whatever_the_order_of_its_members() {
    let body = String::from_utf8(encode(Encoding::Json, &connection())).unwrap();
    let members = [
        r#""seq":41"#.to_owned(),
        format!(r#""id":"{ID}""#),
        r#""type":"connection""#.to_owned(),
        format!(r#""connection":{body}"#),
    ];
    for order in [[0, 1, 2, 3], [3, 1, 0, 2], [3, 2, 1, 0], [1, 3, 2, 0]] {
        let text = format!("{{{}}}", order.map(|place| members[place].as_str()).join(","));
        let item: Item = json(&text).unwrap();
        assert_eq!(item.body, ItemBody::Connection(connection()), "{text}");
    }
}

#[test]
fn an_item_with_its_body_before_its_type_is_read_in_cbor_too() {
    let mut bytes = Vec::new();
    let mut to = Encoder::new(&mut bytes);
    to.map(4).unwrap().str("welcome").unwrap().map(5).unwrap();
    to.str("group")
        .unwrap()
        .str("mimi://a.example/g/x")
        .unwrap()
        .str("welcome")
        .unwrap()
        .bytes(&[0xff; 300])
        .unwrap();
    to.str("key_package_refs").unwrap().array(1).unwrap().bytes(&[1]).unwrap();
    to.str("ratchet_tree").unwrap().bytes(&[]).unwrap().str("from_seq").unwrap().u64(MAX_INTEGER).unwrap();
    to.str("id")
        .unwrap()
        .str(ID)
        .unwrap()
        .str("seq")
        .unwrap()
        .u8(1)
        .unwrap()
        .str("type")
        .unwrap()
        .str("welcome")
        .unwrap();
    let item: Item = decode(Encoding::Cbor, &bytes).unwrap();
    let ItemBody::Welcome(welcome) = item.body else { panic!("{item:?}") };
    assert_eq!(welcome.welcome, Body::Here(Octets(vec![0xff; 300])));
    assert_eq!(welcome.from_seq, MAX_INTEGER);
}

#[test]
fn an_item_is_held_to_the_rules_whatever_the_order() {
    for odd in [
        r#""peer":{"state":"allowed","state":"allowed"},"type":"peer""#,
        r#""type":"peer","peer":{"state":"allowed","state":"allowed"}"#,
        r#""peer":{"state":null},"type":"peer""#,
        r#""peer":["allowed"],"type":"peer""#,
        r#""removed":{"group":"mimi://a.example/g/x","after_seq":9007199254740992},"type":"removed""#,
        r#""peer":{"x":{"a":1,"a":1}},"type":"other""#,
        r#""peer":null,"type":"peer""#,
        r#""type":"peer""#,
        r#""type":"peer","connection":{}"#,
        r#""peer":{"state":"allowed"}"#,
        r#""type":null"#,
    ] {
        assert!(json::<Item>(&format!(r#"{{"seq":1,"id":"{ID}",{odd}}}"#)).is_err(), "{odd}");
    }
}

#[test]
fn an_item_of_another_profile_is_kept_by_its_type_alone() {
    for fine in [
        r#""type":"reaction","reaction":{"of":1}"#,
        r#""type":"reaction""#,
        r#""reaction":[null],"type":"reaction""#,
        r#""event":"not one of ours","type":"reaction""#,
        r#""type":"reaction","event":"not one of ours""#,
    ] {
        let item: Item = json(&format!(r#"{{"seq":1,"id":"{ID}",{fine}}}"#)).unwrap();
        assert_eq!(item.body, ItemBody::Other { kind: "reaction".into() }, "{fine}");
    }
    let both: Item =
        json(&format!(r#"{{"seq":1,"id":"{ID}","peer":{{"state":"allowed"}},"event":5,"type":"peer"}}"#))
            .unwrap();
    assert_eq!(both.body, ItemBody::Peer { state: PeerState::Allowed });
}

#[test]
fn a_large_body_has_one_stand_in() {
    let event = |body: &str| {
        let zeros = "A".repeat(43);
        json::<Item>(&format!(
            r#"{{"seq":1,"id":"{ID}","type":"event","event":{{"group":"mimi://a.example/g/x","seq":1,"type":"commit","epoch":1,
            "sender":"mimi://a.example/u/a/d/b","time":"2026-09-21T14:13:21.001Z",{body}"body_hash":"{zeros}","prev":"{zeros}","hash":"{zeros}"}}}}"#
        ))
    };
    let object = format!(r#""body_object":{{"sha256":"{}","size":70000}},"#, "A".repeat(43));
    assert!(event(r#""body":"AQ","#).is_ok());
    assert!(event(&object).is_ok());
    assert!(event("").is_ok(), "retention may have dropped it");
    assert!(event(&format!(r#""body":"AQ",{object}"#)).is_err());
    assert!(event(r#""body":null,"#).is_err());
    assert!(event(r#""grants":["a.b.c"],"#).is_ok());
    for odd in [r#""grants":null,"#, r#""grants":"a.b.c","#, r#""grants":[5],"#] {
        assert!(event(odd).is_err(), "{odd}");
    }
    let grant = |length: usize| event(&format!(r#""grants":["{}"],"#, "x".repeat(length)));
    assert!(grant(MAX_GRANT_BYTES).is_ok());
    assert!(grant(MAX_GRANT_BYTES + 1).is_err(), "a hash covers its length in two octets");
    assert!(matches!(Body::of(vec![0; 65_536]), Body::Here(_)));
    assert!(matches!(Body::of(vec![0; 65_537]), Body::Object(object) if object.size == 65_537));
}

#[test]
fn a_page_is_the_same_in_both_encodings() {
    let page: FeedPage = json(&format!(
        r#"{{"generation":"{ID}","items":[{{"seq":41,"id":"{ID}","type":"peer","peer":{{"state":"allowed"}}}},
        {{"seq":42,"id":"{ID}","type":"authorization","authorization":{{"id":"{ID}","group":"mimi://a.example/g/x",
        "adder":"mimi://a.example/u/a","user":"mimi://b.example/u/b","state":"approved","grant":"a.b.c",
        "time":"2026-09-21T14:13:21.001Z"}}}},{{"seq":43,"id":"{ID}","type":"removed",
        "removed":{{"group":"mimi://a.example/g/x","after_seq":3}}}}],"first":12,"head":57,"more":true}}"#
    ))
    .unwrap();
    for encoding in [Encoding::Json, Encoding::Cbor] {
        assert_eq!(decode(encoding, &encode(encoding, &page)).as_ref(), Ok(&page), "{encoding:?}");
    }
}

#[test]
fn of_a_page_with_items_that_cannot_be_read_the_others_are() {
    let bad = [
        ("event", "event", json!({"group": "mimi://a.example/g/x", "seq": 1}), "missing field `type`"),
        ("welcome", "welcome", json!({"group": "A tea party"}), "not a group"),
        ("connection", "connection", json!([1, 2]), "expected map"),
        ("authorization", "authorization", json!({"id": 7}), "expected text"),
        ("removed", "removed", json!({"group": "mimi://a.example/g/x", "after_seq": -1}), "expected u64"),
        ("peer", "peer", json!({"state": "dormant"}), "not a state of a peer"),
        ("peer", "peer", json!(null), "expected map"),
        ("peer", "connection", json!({}), "without `peer`"),
    ];
    let good = Item { seq: 1, id: ID.parse().unwrap(), body: ItemBody::Connection(connection()) };
    let mut items = vec![serde_json::to_value(&good).unwrap()];
    for (seq, (kind, member, body, _)) in (2..).zip(&bad) {
        items.push(json!({"seq": seq, "id": ID, "type": kind, *member: body}));
    }
    let head = items.len() + 1;
    items.push(json!({"seq": head, "id": ID, "type": "peer", "peer": {"state": "allowed"}}));
    let page = json!({"generation": ID, "items": items, "first": 1, "head": head, "more": false});
    for encoding in [Encoding::Json, Encoding::Cbor] {
        let bytes = encode(encoding, &page);
        assert!(decode::<FeedPage>(encoding, &bytes).is_err(), "{encoding:?}");
        let TolerantFeedPage { page, faults } = decode(encoding, &bytes).unwrap();
        let numbers: Vec<u64> = page.items.iter().map(|item| item.seq).collect();
        assert_eq!(numbers, (1..=head as u64).collect::<Vec<_>>(), "none is missing");
        assert_eq!(page.items[0], good);
        assert_eq!(page.items[head - 1].body, ItemBody::Peer { state: PeerState::Allowed });
        for (item, (kind, ..)) in page.items[1..].iter().zip(&bad) {
            assert_eq!(item.body, ItemBody::Other { kind: (*kind).to_owned() });
        }
        assert_eq!(faults.len(), bad.len(), "{faults:?}");
        for ((seq, fault), (at, (.., says))) in faults.iter().zip((2..).zip(&bad)) {
            assert_eq!(*seq, at);
            assert!(fault.contains(says), "{encoding:?}: {fault:?} does not say {says:?}");
        }
    }
}

#[test]
fn a_page_without_fault_is_the_same_to_who_tolerates_none_and_who_does() {
    let body = Body::Here(Octets(vec![0xff; 300]));
    let welcome = Welcome {
        group: "mimi://a.example/g/x".parse().unwrap(),
        welcome: body.clone(),
        key_package_refs: vec![Octets(vec![1])],
        ratchet_tree: body,
        from_seq: MAX_INTEGER,
    };
    let bodies = [
        ItemBody::Welcome(welcome),
        ItemBody::Connection(connection()),
        ItemBody::Peer { state: PeerState::Allowed },
        ItemBody::Other { kind: "reaction".into() },
    ];
    let items = (1..).zip(bodies).map(|(seq, body)| Item { seq, id: ID.parse().unwrap(), body });
    let page =
        FeedPage { generation: ID.parse().unwrap(), items: items.collect(), first: 1, head: 4, more: false };
    for encoding in [Encoding::Json, Encoding::Cbor] {
        let bytes = encode(encoding, &page);
        assert_eq!(decode(encoding, &bytes).as_ref(), Ok(&page), "{encoding:?}");
        let read = TolerantFeedPage { page: page.clone(), faults: Vec::new() };
        assert_eq!(decode(encoding, &bytes), Ok(read), "{encoding:?}");
    }
    assert!(json::<TolerantFeedPage>(r#"{"generation":"7","items":[]}"#).is_err(), "a page is a page");
}

#[test]
fn content_types_are_told_apart() {
    assert_eq!(Encoding::from_content_type("application/json"), Some(Encoding::Json));
    assert_eq!(Encoding::from_content_type("Application/CBOR; x=y"), Some(Encoding::Cbor));
    assert_eq!(Encoding::from_content_type("application/json-seq"), None);
    assert_eq!(Encoding::from_content_type(""), None);
    assert_eq!(Encoding::from_content_type(r#"application/json; x="a,b""#), Some(Encoding::Json));
    for twice in [
        "application/json, application/json",
        "application/json,application/json",
        "application/json;charset=utf-8, application/json;charset=utf-8",
        r#"application/json; x="a,b", application/json"#,
        "application/cbor, application/json",
    ] {
        assert_eq!(Encoding::from_content_type(twice), None, "{twice}");
    }
    for (accept, expected) in [
        ("", Encoding::Json),
        ("*/*", Encoding::Json),
        ("application/cbor", Encoding::Cbor),
        ("application/json, application/cbor", Encoding::Cbor),
        ("application/json, application/cbor;q=0.9", Encoding::Json),
        ("application/cbor;q=0", Encoding::Json),
        ("application/cbor;q=nonsense", Encoding::Json),
        ("text/html", Encoding::Json),
    ] {
        assert_eq!(Encoding::from_accept(accept), expected, "{accept}");
    }
}
