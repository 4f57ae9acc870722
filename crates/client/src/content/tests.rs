use proptest::prelude::*;

use super::*;

/// Hex to bytes.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

const ALICE: &str = "mimi://example.com/u/alice-smith";
const ROOM: &str = "mimi://example.com/r/engineering_team";

/// The draft's first example, section 5.1.
fn original() -> Vec<u8> {
    let mut bytes = hex("87 50 5eed9406c2545547ab6f09f20a18b003 f6 40 f6 f6 a2 01 7820");
    bytes.extend_from_slice(ALICE.as_bytes());
    bytes.extend_from_slice(&hex("02 7825"));
    bytes.extend_from_slice(ROOM.as_bytes());
    bytes.extend_from_slice(&hex("85 01 60 01 781e"));
    bytes.extend_from_slice(MARKDOWN.as_bytes());
    bytes.extend_from_slice(&hex("5839"));
    bytes.extend_from_slice(b"Hi everyone, we just shipped release 2.0. __Good  work__!");
    bytes
}

#[test]
fn the_drafts_own_example_reads_and_writes_the_same_and_has_the_name_it_says() {
    let bytes = original();
    let content = Content::from_cbor(&bytes).unwrap();
    assert_eq!(content.to_cbor(), bytes);
    assert_eq!(content.meaning(), Meaning::Says);
    let shown = content.body.show();
    assert!(shown.markdown && shown.text.unwrap().starts_with("Hi everyone"));
    let id = MessageId::of_uris(ALICE, ROOM, &bytes, &content.salt);
    let said = hex("017ce54837404c3696e0c747b985cb17 2716d0ed0a3d249ca63ace7d82a096f4");
    assert_eq!(id.as_bytes().as_slice(), said);
}

#[test]
fn an_answer_a_reaction_an_edit_and_a_taking_back_are_told_apart() {
    let ann: UserUri = "mimi://a.example/u/ann".parse().unwrap();
    let group: GroupUri = "mimi://a.example/g/tea".parse().unwrap();
    let other = MessageId::from_bytes([7; 32]);
    let say = |body| Content::new([1; 16], &ann, &group, body);
    let text = || Part::text(PLAIN, "yes");
    assert_eq!(say(text()).replying_to(Some(other)).meaning(), Meaning::Says);
    assert_eq!(say(text().as_reaction()).replying_to(Some(other)).meaning(), Meaning::Reacts(other));
    assert_eq!(say(text()).replacing(other).meaning(), Meaning::Edits(other));
    assert_eq!(say(Part::null()).replacing(other).meaning(), Meaning::TakesBack(other));
}

#[test]
fn the_best_of_several_parts_is_shown_and_the_others_are_named() {
    let picture = Part {
        disposition: Disposition::INLINE,
        language: String::new(),
        kind: PartKind::Single { content_type: "image/png".into(), content: vec![0; 9] },
    };
    let of = |semantics, parts| Part {
        disposition: Disposition::RENDER,
        language: String::new(),
        kind: PartKind::Multi { semantics, parts },
    };
    let (plain, rich) = (Part::text(PLAIN, "a"), Part::text(MARKDOWN, "_a_"));
    let html = Part::text("text/html;charset=utf-8", "<i>a</i>");
    let chosen = of(Semantics::ChooseOne, vec![html, plain.clone(), rich.clone()]).show();
    assert_eq!((chosen.text.as_deref(), chosen.markdown), (Some("_a_"), true));
    assert!(chosen.unshown.is_empty());
    let all = of(Semantics::ProcessAll, vec![plain, picture.clone(), rich]).show();
    assert_eq!(all.text.as_deref(), Some("a\n\n_a_"));
    assert_eq!(all.unshown, [Unshown { content_type: "image/png".into(), bytes: 9 }]);
    assert_eq!(picture.show().text, None);
    assert_eq!(Part::text("text/plain;charset=koi8-r", "a").show().text, None);
}

#[test]
fn what_is_not_in_its_form_is_refused() {
    let good = original();
    assert!(Content::from_cbor(&[]).is_err());
    for cut in 0..good.len() {
        assert!(Content::from_cbor(&good[..cut]).is_err(), "cut at {cut}");
    }
    assert!(Content::from_cbor(&[good.as_slice(), &[0]].concat()).is_err(), "longer");
    let mut indefinite = good.clone();
    indefinite[0] = 0x9f;
    indefinite.push(0xff);
    assert!(Content::from_cbor(&indefinite).is_err());
    let head = hex("87 50 00000000000000000000000000000000 f6 40 f6 f6");
    let body = hex("83 01 60 00");
    let with = |middle: &[u8]| [head.as_slice(), middle, body.as_slice()].concat();
    assert!(Content::from_cbor(&with(&hex("a0"))).is_ok());
    assert!(Content::from_cbor(&with(&hex("a2 01 f6 01 f6"))).is_err(), "an extension twice");
    assert!(Content::from_cbor(&with(&hex("a1 60 f6"))).is_err(), "an extension without a name");
    assert!(Content::from_cbor(&with(&hex("bb ffffffffffffffff"))).is_err());
    let mut deep = [head.as_slice(), &hex("a0")].concat();
    for _ in 0..100_000 {
        deep.extend_from_slice(&hex("85 01 60 03 02 82"));
    }
    assert!(Content::from_cbor(&deep).is_err());
}

fn id() -> impl Strategy<Value = Option<MessageId>> {
    proptest::option::of(any::<[u8; 32]>().prop_map(MessageId::from_bytes))
}

fn kind() -> impl Strategy<Value = PartKind> {
    let leaf = prop_oneof![
        Just(PartKind::Null),
        (".{0,40}", any::<Vec<u8>>())
            .prop_map(|(content_type, content)| PartKind::Single { content_type, content }),
        (".{0,9}", any::<(u32, u64, u16, u8)>(), any::<[Vec<u8>; 4]>()).prop_map(
            |(text, (expires, size, encryption, hash_algorithm), [key, nonce, aad, hash])| {
                PartKind::External(Box::new(External {
                    content_type: text.clone(),
                    url: text.clone(),
                    expires,
                    size,
                    encryption,
                    key,
                    nonce,
                    aad,
                    hash_algorithm,
                    hash,
                    description: text.clone(),
                    filename: text,
                }))
            }
        ),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let semantics =
            prop_oneof![Just(Semantics::ChooseOne), Just(Semantics::SingleUnit), Just(Semantics::ProcessAll)];
        let part = (any::<u8>(), ".{0,5}", inner).prop_map(|(disposition, language, kind)| Part {
            disposition: Disposition(disposition),
            language,
            kind,
        });
        (semantics, proptest::collection::vec(part, 2..4))
            .prop_map(|(semantics, parts)| PartKind::Multi { semantics, parts })
    })
}

fn content() -> impl Strategy<Value = Content> {
    let expires = proptest::option::of(
        any::<(bool, u32)>().prop_map(|(relative, seconds)| Expires { relative, seconds }),
    );
    let keys = proptest::collection::btree_set(
        prop_oneof![any::<i64>().prop_map(ExtensionKey::Number), ".{1,20}".prop_map(ExtensionKey::Name)],
        0..4,
    );
    (any::<[u8; 16]>(), id(), any::<Vec<u8>>(), expires, id(), keys, any::<u8>(), kind()).prop_map(
        |(salt, replaces, topic, expires, in_reply_to, keys, disposition, kind)| Content {
            salt,
            replaces,
            topic,
            expires,
            in_reply_to,
            extensions: keys.into_iter().map(|key| (key, text_value("x"))).collect(),
            body: Part { disposition: Disposition(disposition), language: "en".into(), kind },
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn content_reads_back_as_it_was_written(content in content()) {
        let bytes = content.to_cbor();
        prop_assert_eq!(Content::from_cbor(&bytes).unwrap(), content);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>(), at in any::<proptest::sample::Index>(), to in any::<u8>()) {
        let _ = Content::from_cbor(&bytes);
        let mut changed = original();
        let at = at.index(changed.len());
        changed[at] = to;
        if let Ok(content) = Content::from_cbor(&changed) {
            let _ = content.body.show();
        }
    }
}
