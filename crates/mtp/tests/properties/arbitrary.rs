//! Values of every type, as the contract allows them.

pub(crate) mod clients;
pub(crate) mod groups;
pub(crate) mod written;

use std::time::Duration;

use drawbridge_mtp::{
    document::{Limits, ProviderDocument, Software},
    grant::GrantClaims,
    id::{ClientUri, GroupUri, Id, Name, Provider, UserUri},
    keys::SecretKey,
    message::{
        AuthorizationItem, Body, CheckItem, CheckedStep, ConnectionItem, ConnectionRequest, ConnectionState,
        Event, EventKind, FeedPage, FeedQuery, Item, ItemBody, ObjectRef, PeerState, Removed, ResultItem,
        Welcome,
    },
    octets::{Hash32, Octets},
    problem::{Code, Problem},
    signature::Stamp,
    time::Timestamp,
    wire::MAX_INTEGER,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

pub(crate) fn integer() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), Just(MAX_INTEGER), 0..=MAX_INTEGER]
}

pub(crate) fn name() -> impl Strategy<Value = Name> {
    "[a-z0-9_.-]{1,64}".prop_filter_map("not a name", |text| text.parse().ok())
}

/// Authorities of all three kinds of host, with and without a port. Boxed, like all that others hold several of:
/// the tree of a page would not fit a test's stack.
pub(crate) fn provider() -> impl Strategy<Value = Provider> {
    let label = "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?";
    let dns = vec(label, 1..4).prop_map(|labels| labels.join("."));
    let v4 = any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string());
    let v6 = any::<std::net::Ipv6Addr>().prop_map(|address| format!("[{address}]"));
    let host = prop_oneof![4 => dns, 1 => v4, 1 => v6];
    let port =
        option::of(1..=u16::MAX).prop_map(|port| port.map_or(String::new(), |port| format!(":{port}")));
    (host, port)
        .prop_filter_map("not an authority", |(host, port)| format!("{host}{port}").parse().ok())
        .boxed()
}

pub(crate) fn user() -> impl Strategy<Value = UserUri> {
    (provider(), name()).prop_map(|(provider, name)| UserUri::new(&provider, &name)).boxed()
}

pub(crate) fn client() -> impl Strategy<Value = ClientUri> {
    (user(), name()).prop_map(|(user, name)| ClientUri::new(&user, &name)).boxed()
}

pub(crate) fn group() -> impl Strategy<Value = GroupUri> {
    (provider(), name()).prop_map(|(provider, name)| GroupUri::new(&provider, &name)).boxed()
}

pub(crate) fn time() -> impl Strategy<Value = Timestamp> {
    (0..=Timestamp::MAX.as_millis()).prop_map(Timestamp::from_millis)
}

pub(crate) fn id() -> impl Strategy<Value = Id> {
    (time(), any::<[u8; 10]>()).prop_map(|(time, random)| Id::new(time, random))
}

pub(crate) fn key() -> impl Strategy<Value = SecretKey> {
    any::<[u8; 32]>().prop_map(SecretKey::from_seed)
}

pub(crate) fn stamp() -> impl Strategy<Value = Stamp> {
    (0..2_000_000_000_u64, 1..=300_u16, any::<[u8; 16]>()).prop_map(|(created, lifetime_s, nonce)| Stamp {
        created,
        lifetime_s,
        nonce,
    })
}

fn hash() -> impl Strategy<Value = Hash32> {
    any::<[u8; 32]>().prop_map(Hash32)
}

fn octets() -> impl Strategy<Value = Octets> {
    vec(any::<u8>(), 0..80).prop_map(Octets)
}

fn body() -> impl Strategy<Value = Body> {
    let object = (hash(), integer()).prop_map(|(sha256, size)| Body::Object(ObjectRef { sha256, size }));
    prop_oneof![octets().prop_map(Body::Here), object]
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let kind =
        select(vec![EventKind::Created, EventKind::Proposal, EventKind::Commit, EventKind::Application]);
    let whose = (group(), integer(), kind, integer(), client(), time(), vec(groups::jws(), 0..3));
    (whose, option::of(body()), hash(), hash(), hash()).prop_map(|(whose, body, body_hash, prev, hash)| {
        let (group, seq, kind, epoch, sender, time, grants) = whose;
        Event { group, seq, kind, epoch, sender, time, grants, body, body_hash, prev, hash }
    })
}

fn peer_state() -> impl Strategy<Value = PeerState> {
    use PeerState::*;
    select(vec![Unknown, Pending, Allowed, Blocked, KeyChanged])
}

fn connection_state() -> impl Strategy<Value = ConnectionState> {
    use ConnectionState::*;
    select(vec![Pending, Approved, Declined, Ended, Expired])
}

pub(crate) fn connection_request() -> impl Strategy<Value = ConnectionRequest> {
    (id(), user(), user(), time(), 0..=30 * 86_400_000_u64).prop_map(|(id, from, to, created, life)| {
        ConnectionRequest { id, from, to, created, expires: created.plus(Duration::from_millis(life)) }
    })
}

fn item_body() -> impl Strategy<Value = ItemBody> {
    let welcome = (group(), body(), vec(octets(), 0..3), body(), integer()).prop_map(
        |(group, welcome, key_package_refs, ratchet_tree, from_seq)| {
            ItemBody::Welcome(Welcome { group, welcome, key_package_refs, ratchet_tree, from_seq })
        },
    );
    let connection =
        (id(), user(), user(), connection_state(), time()).prop_map(|(id, from, to, state, time)| {
            ItemBody::Connection(ConnectionItem { id, from, to, state, time })
        });
    let authorization =
        (id(), group(), user(), user(), connection_state(), option::of("[ -~]{0,40}"), time()).prop_map(
            |(id, group, adder, user, state, grant, time)| {
                ItemBody::Authorization(AuthorizationItem { id, group, adder, user, state, grant, time })
            },
        );
    let removed =
        (group(), integer()).prop_map(|(group, after_seq)| ItemBody::Removed(Removed { group, after_seq }));
    // Between providers `result` is a type like any other that they do not know.
    let other =
        prop_oneof!["[a-z]{1,12}[0-9]", Just("result".to_owned())].prop_map(|kind| ItemBody::Other { kind });
    prop_oneof![
        event().prop_map(ItemBody::Event).boxed(),
        welcome.boxed(),
        connection.boxed(),
        authorization.boxed(),
        removed.boxed(),
        peer_state().prop_map(|state| ItemBody::Peer { state }),
        check().prop_map(ItemBody::Check).boxed(),
        (group(), groups::result())
            .prop_map(|(group, result)| ItemBody::Result(ResultItem { group, result }))
            .boxed(),
        other,
    ]
}

fn check() -> impl Strategy<Value = CheckItem> {
    let word = || option::of("[ -~]{0,20}");
    let step = ("[a-z-]{1,12}", word(), "[a-z]{1,8}", word(), "[ -~]{0,40}", integer()).prop_map(
        |(name, at, verdict, code, text, took_ms)| CheckedStep { name, at, verdict, code, text, took_ms },
    );
    (id(), time(), vec(step, 0..4)).prop_map(|(id, began, steps)| CheckItem { id, began, steps })
}

pub(crate) fn page() -> impl Strategy<Value = FeedPage> {
    let item = (integer(), id(), item_body()).prop_map(|(seq, id, body)| Item { seq, id, body });
    (id(), vec(item, 0..5), integer(), integer(), any::<bool>()).prop_map(
        |(generation, items, first, head, more)| FeedPage {
            generation: generation.into(),
            items,
            first,
            head,
            more,
        },
    )
}

/// Queries that are in order: with a cursor over 0, it is named in full.
pub(crate) fn query() -> impl Strategy<Value = FeedQuery> {
    let anew = option::of(id()).prop_map(|generation| (0, None, generation));
    let further = (1..=MAX_INTEGER, id(), id())
        .prop_map(|(after, last, generation)| (after, Some(last), Some(generation)));
    let most = || option::of(1..=MAX_INTEGER);
    (prop_oneof![anew, further], integer(), most(), most()).prop_map(
        |((after, last, generation), wait, max_events, max_bytes)| FeedQuery {
            after,
            last,
            generation: generation.map(Into::into),
            wait,
            max_events,
            max_bytes,
        },
    )
}

pub(crate) fn document() -> impl Strategy<Value = ProviderDocument> {
    let path = vec("[a-zA-Z0-9~_-]{1,8}", 0..3)
        .prop_map(|segments| segments.iter().map(|s| format!("/{s}")).collect::<String>());
    let endpoint =
        (provider(), path).prop_map(|(host, path)| format!("https://{host}{path}").parse().unwrap());
    let software =
        ("\\PC{1,10}", option::of("\\PC{1,10}")).prop_map(|(name, version)| Software { name, version });
    let limits = (integer(), integer(), integer(), integer(), integer()).prop_map(
        |(event_bytes, request_bytes, pull_events, pull_bytes, pull_wait_s)| Limits {
            event_bytes,
            request_bytes,
            pull_events,
            pull_bytes,
            pull_wait_s,
        },
    );
    (provider(), endpoint, vec(key(), 1..4), option::of(software), limits, option::of("\\PC{1,10}")).prop_map(
        |(provider, endpoint, keys, software, limits, contact)| ProviderDocument {
            provider,
            versions: vec!["1".into()],
            endpoint,
            keys: keys.iter().map(SecretKey::public).collect(),
            software,
            limits,
            contact,
        },
    )
}

/// Claims of a grant that holds at its `iat`.
pub(crate) fn claims() -> impl Strategy<Value = GrantClaims> {
    (user(), user(), group(), id(), 0..2_000_000_000_u64, 1..=30 * 86_400_u64).prop_map(
        |(sub, adder, group, jti, iat, life)| GrantClaims {
            iss: sub.provider().clone(),
            aud: group.provider().clone(),
            sub,
            adder,
            group,
            jti,
            iat,
            exp: iat + life,
        },
    )
}

pub(crate) fn problem() -> impl Strategy<Value = Problem> {
    let told = (
        option::of(time()),
        option::of(integer()),
        option::of((id(), integer(), integer())),
        option::of(integer()),
    );
    (select(Code::ALL), "\\PC{0,40}", told).prop_map(|(code, detail, (now, epoch, feed, limit))| {
        let mut problem = Problem::new(code, detail);
        problem.members.now = now;
        problem.members.epoch = epoch;
        problem.members.limit = limit;
        match feed {
            Some((generation, first, head)) => problem.with_feed(generation.into(), first, head),
            None => problem,
        }
    })
}
