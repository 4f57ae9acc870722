//! Whatever the network sends, an answer or a fault comes out, and never a panic.

use std::fmt::Debug;

use drawbridge_mtp::{
    checkpoint::UnverifiedCheckpoint,
    document::{Endpoint, ProviderDocument},
    grant::UnverifiedGrant,
    id::{ClientUri, GroupUri, Id, Name, Provider, UserUri},
    message::{
        AskToAdd, AskToConnect, Asked, AuthorizationReply, AuthorizationRequest, CheckpointReply, ClaimReply,
        ClaimRequest, ClientClaimRequest, ConnectionReply, ConnectionRequest, FeedPage, FeedQuery,
        GroupInfoReply, GroupStatus, Item, KeyPackageStock, LogPage, LogQuery, Me, OwnGroups, PeeringQuery,
        PeeringReply, PeeringRequest, Ping, PublishKeyPackages, ReceivedSubmission, RegisterGroup, Roster,
        ShownAuthorizations, ShownConnections, SubmissionResults, Submissions, SubmitReply, SubmitRequest,
    },
    octets::Hash32,
    policy::Policy,
    problem::ReceivedProblem,
    time::Timestamp,
    wire::{Encoding, decode, encode},
};
use proptest::{collection::vec, prelude::*};
use serde::{Serialize, de::DeserializeOwned};

use crate::arbitrary::{self, groups, written};

/// Reads `bytes` as a `T`. What is read can be written, and is then the same.
fn read<T: Serialize + DeserializeOwned + PartialEq + Debug>(encoding: Encoding, bytes: &[u8]) {
    if let Ok(message) = decode::<T>(encoding, bytes) {
        assert_eq!(decode::<T>(encoding, &encode(encoding, &message)), Ok(message));
    }
}

/// Reads `bytes` as everything that comes in one of the encodings, or in its own.
fn read_as_everything(encoding: Encoding, bytes: &[u8]) {
    macro_rules! read_as {
        ($($message:ty)+) => { $(read::<$message>(encoding, bytes);)+ };
    }
    read_as! {
        FeedPage Item PeeringRequest PeeringReply Ping
        ConnectionRequest ConnectionReply AuthorizationRequest AuthorizationReply
        Submissions SubmissionResults SubmitRequest SubmitReply ReceivedProblem GroupStatus Roster LogPage GroupInfoReply CheckpointReply
        ClaimRequest ClaimReply
        Me PublishKeyPackages KeyPackageStock AskToConnect AskToAdd Asked ShownConnections ShownAuthorizations
        ClientClaimRequest RegisterGroup OwnGroups
    }
    // Who judges each by itself takes all that would be taken of a whole that is in its form.
    if let Ok(SubmitRequest { groups }) = decode::<SubmitRequest>(encoding, bytes) {
        let received: SubmitRequest<ReceivedSubmission> = decode(encoding, bytes).unwrap();
        let sent = groups.into_iter().flat_map(|group| group.events).map(Ok);
        assert!(sent.eq(received.groups.into_iter().flat_map(|group| group.events).map(|event| event.0)));
    }
    if let Ok(policy) = Policy::from_cbor(bytes) {
        assert_eq!(Policy::from_cbor(&policy.to_cbor()), Ok(policy));
    }
    let _ = ReceivedProblem::parse(bytes);
    if let Ok(asked) = "a.example".parse() {
        let _ = ProviderDocument::parse(bytes, &asked);
    }
}

fn flip(bytes: &mut [u8], flips: &[(prop::sample::Index, u8)]) {
    for (place, with) in flips {
        if !bytes.is_empty() {
            let place = place.index(bytes.len());
            bytes[place] = *with;
        }
    }
}

/// JSON of any shape, with the names of ours in it.
fn some_json() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec![
        "seq",
        "id",
        "type",
        "event",
        "items",
        "peer",
        "state",
        "generation",
        "first",
        "result",
        "results",
        "status",
        "error",
        "code",
        "detail",
        "events",
        "groups",
        "group",
        "sender",
        "mls",
        "members",
        "grants",
        "clients",
        "key_package",
        "x",
    ]);
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| n.to_string()),
        "[a-z\\\\u0-9]{0,6}".prop_map(|text| format!("\"{text}\"")),
        prop::sample::select(vec!["peer", "result", "rejected", "queued", "accepted", "commit", "malformed"])
            .prop_map(|word| format!("\"{word}\"")),
        Just("\"0198d0a0-1111-7000-8000-000000000001\"".to_owned()),
    ];
    leaf.prop_recursive(5, 40, 8, move |inner| {
        let members = vec((names.clone(), inner.clone()), 0..8);
        prop_oneof![
            vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            members.prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn texts(text in "\\PC{0,80}|mimi://[a-z0-9.:\\[\\]/-]{0,60}|[0-9a-f-]{36}|[0-9TZ:.-]{24}|https://[a-z/.%0-9:@]{0,40}") {
        if let Ok(provider) = text.parse::<Provider>() {
            let _ = (provider.host(), provider.port());
            prop_assert_eq!(provider.to_string(), text.as_str());
        }
        let spelled = [
            text.parse::<Name>().ok().map(|it| it.to_string()),
            text.parse::<UserUri>().ok().map(|it| it.to_string()),
            text.parse::<ClientUri>().ok().map(|it| it.to_string()),
            text.parse::<GroupUri>().ok().map(|it| it.to_string()),
            text.parse::<Id>().ok().map(|it| it.to_string()),
            text.parse::<Timestamp>().ok().map(|it| it.to_string()),
            text.parse::<Hash32>().ok().map(|it| it.to_string()),
            text.parse::<Endpoint>().ok().map(|it| format!("{}{}", it.origin(), it.path())),
        ];
        for spelling in spelled.into_iter().flatten() {
            prop_assert_eq!(&spelling, &text, "one spelling for each thing");
        }
        let _ = (UnverifiedGrant::parse(&text), UnverifiedCheckpoint::parse(&text));
    }

    #[test]
    fn queries(query in "([a-z_]{0,10}=?[0-9a-f%+-]{0,40}&?){0,6}|(after|last|generation|wait|max_events|max_bytes|&|=|[0-9]){0,12}") {
        if let Ok(read) = FeedQuery::parse(&query) {
            prop_assert_eq!(FeedQuery::parse(&read.to_query()), Ok(read));
        }
        if let Ok(read) = FeedQuery::parse_of_client(&query) {
            prop_assert_eq!(FeedQuery::parse_of_client(&read.to_query()), Ok(read));
        }
        if let Ok(read) = LogQuery::parse(&query) {
            prop_assert_eq!(LogQuery::parse(&read.to_query()), Ok(read));
        }
        let _ = PeeringQuery::parse(&query);
    }

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..200)) {
        read_as_everything(Encoding::Json, &bytes);
        read_as_everything(Encoding::Cbor, &bytes);
    }

    #[test]
    fn any_json(text in some_json()) {
        read_as_everything(Encoding::Json, text.as_bytes());
    }

    #[test]
    fn messages_with_bytes_changed(
        messages in written::written(), flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        end in any::<prop::sample::Index>(),
    ) {
        for (encoding, mut bytes) in messages {
            flip(&mut bytes, &flips);
            read_as_everything(encoding, &bytes);
            read_as_everything(encoding, &bytes[..end.index(bytes.len())]);
        }
    }

    #[test]
    fn policies_with_bytes_changed(
        policy in groups::policy(), flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = policy.to_cbor();
        prop_assert!(Policy::from_cbor(&bytes[..end.index(bytes.len())]).is_err(), "cut short");
        flip(&mut bytes, &flips);
        read_as_everything(Encoding::Cbor, &bytes);
    }

    #[test]
    fn documents_with_bytes_changed(document in arbitrary::document(), flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = document.to_json();
        flip(&mut bytes, &flips);
        let _ = ProviderDocument::parse(&bytes, &document.provider);
    }
}
