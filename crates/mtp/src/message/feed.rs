//! The feed (section 11).

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, IgnoredAny, MapAccess},
    ser::SerializeMap,
};

use super::{
    AuthorizationItem, CheckItem, ConnectionItem, Event, PeerItem, PeerState, ShownEvent, SubmissionResult,
    body::{Body, BodyFault, ObjectRef},
};
use crate::{
    id::{Generation, GroupUri, Id, Provider},
    octets::Octets,
    wire::Replay,
};

/// The answer to `GET /feed`. To a peer its events are [`Event`]s, to a client of ours [`ShownEvent`]s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "E: de::DeserializeOwned"))]
pub struct FeedPage<E = Event> {
    /// The name of this feed's history.
    pub generation: Generation,
    /// The items after the one asked for, in the order of their numbers.
    pub items: Vec<Item<E>>,
    /// The lowest number still kept, `head + 1` for none.
    pub first: u64,
    /// The highest number given so far, 0 for none.
    pub head: u64,
    /// Whether more were there when the page was made.
    pub more: bool,
}

impl FeedPage {
    /// The page as a client is told it: `unproved` says of an event from whom it was read back, where it is unproved.
    pub fn shown(self, mut unproved: impl FnMut(&Event) -> Option<Provider>) -> FeedPage<ShownEvent> {
        let Self { generation, items, first, head, more } = self;
        let items = items
            .into_iter()
            .map(|item| item.map_event(|event| ShownEvent { unproved: unproved(&event), event }));
        FeedPage { generation, items: items.collect(), first, head, more }
    }
}

/// A [`FeedPage`] of which one reads what can be read: an item of a type of this profile whose body is not in its form is
/// kept as [`ItemBody::Other`], so that one bad item does not hold up a whole feed. Slower to read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "TolerantForm")]
pub struct TolerantFeedPage {
    /// The page.
    pub page: FeedPage,
    /// The numbers of the items that could not be read, each with what is wrong with it.
    pub faults: Vec<(u64, String)>,
}

#[derive(Deserialize)]
struct TolerantForm {
    generation: Generation,
    items: Vec<TolerantItem>,
    first: u64,
    head: u64,
    more: bool,
}

impl From<TolerantForm> for TolerantFeedPage {
    fn from(form: TolerantForm) -> Self {
        let TolerantForm { generation, items, first, head, more } = form;
        let mut faults = Vec::new();
        let items = items.into_iter().map(|TolerantItem { item, fault }| {
            faults.extend(fault.map(|fault| (item.seq, fault)));
            item
        });
        let items = items.collect();
        Self { page: FeedPage { generation, items, first, head, more }, faults }
    }
}

struct TolerantItem<E = Event> {
    item: Item<E>,
    fault: Option<String>,
}

impl<'de> Deserialize<'de> for TolerantItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ItemVisitor::new(true))
    }
}

/// One entry of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<E = Event> {
    /// Its number, from 1 without gaps.
    pub seq: u64,
    /// Its name in every history.
    pub id: Id,
    /// What it tells.
    pub body: ItemBody<E>,
}

/// What an item tells. On the wire it is two members, `type` and one named as the type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ItemBody<E = Event> {
    /// An event of a group.
    Event(E),
    /// A Welcome for clients of the peer.
    Welcome(Welcome),
    /// A connection changed.
    Connection(ConnectionItem),
    /// An authorization changed.
    Authorization(AuthorizationItem),
    /// The peer has no member left in a group.
    Removed(Removed),
    /// The peer became allowed.
    Peer {
        /// The state.
        state: PeerState,
    },
    /// What was seen of the peer, which has asked for it (`docs/checks.md`).
    Check(CheckItem),
    /// To a client only: what became of a submission that was queued.
    Result(ResultItem),
    /// To a client only: events that it was told to be unproved are proved now.
    Proved(Proved),
    /// An item of another profile, to be acknowledged and skipped.
    Other {
        /// Its type.
        kind: String,
    },
}

impl From<ConnectionItem> for ItemBody {
    fn from(item: ConnectionItem) -> Self {
        Self::Connection(item)
    }
}

impl From<AuthorizationItem> for ItemBody {
    fn from(item: AuthorizationItem) -> Self {
        Self::Authorization(item)
    }
}

/// The feed's item `welcome`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WelcomeForm")]
pub struct Welcome {
    /// The group.
    pub group: GroupUri,
    /// The MLS Welcome.
    pub welcome: Body,
    /// The KeyPackages it is for, by their MLS references.
    pub key_package_refs: Vec<Octets>,
    /// The group's tree.
    pub ratchet_tree: Body,
    /// The number of the commit that added them.
    pub from_seq: u64,
}

/// The feed's item `removed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// The group.
    pub group: GroupUri,
    /// The last number the peer is entitled to.
    pub after_seq: u64,
}

/// A client's item `result` (`docs/client-api.md`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultItem {
    /// The group that it was submitted to.
    pub group: GroupUri,
    /// What became of the submission.
    pub result: SubmissionResult,
}

/// A client's item `proved` (`docs/architecture.md`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proved {
    /// The group, of which the client's provider is the owner.
    pub group: GroupUri,
    /// The number of the first event that is proved now.
    pub from_seq: u64,
    /// The number of the last.
    pub until_seq: u64,
}

/// A welcome's members on the wire.
#[derive(Deserialize)]
struct WelcomeForm {
    group: GroupUri,
    welcome: Option<Octets>,
    welcome_object: Option<ObjectRef>,
    key_package_refs: Vec<Octets>,
    ratchet_tree: Option<Octets>,
    ratchet_tree_object: Option<ObjectRef>,
    from_seq: u64,
}

impl Serialize for Welcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { group, welcome, key_package_refs, ratchet_tree, from_seq } = self;
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("group", group)?;
        welcome.write(&mut map, "welcome", "welcome_object")?;
        map.serialize_entry("key_package_refs", key_package_refs)?;
        ratchet_tree.write(&mut map, "ratchet_tree", "ratchet_tree_object")?;
        map.serialize_entry("from_seq", from_seq)?;
        map.end()
    }
}

impl TryFrom<WelcomeForm> for Welcome {
    type Error = BodyFault;

    fn try_from(form: WelcomeForm) -> Result<Self, BodyFault> {
        let WelcomeForm {
            group,
            welcome,
            welcome_object,
            key_package_refs,
            ratchet_tree,
            ratchet_tree_object,
            from_seq,
        } = form;
        let welcome = Body::join("welcome", welcome, welcome_object)?.ok_or(BodyFault::Neither("welcome"))?;
        let ratchet_tree = Body::join("ratchet_tree", ratchet_tree, ratchet_tree_object)?
            .ok_or(BodyFault::Neither("ratchet_tree"))?;
        Ok(Self { group, welcome, key_package_refs, ratchet_tree, from_seq })
    }
}

impl<E> Item<E> {
    /// The item with what `map` makes of its event, where it tells of one.
    pub fn map_event<F>(self, map: impl FnOnce(E) -> F) -> Item<F> {
        let Self { seq, id, body } = self;
        let body = match body {
            ItemBody::Event(event) => ItemBody::Event(map(event)),
            ItemBody::Welcome(welcome) => ItemBody::Welcome(welcome),
            ItemBody::Connection(connection) => ItemBody::Connection(connection),
            ItemBody::Authorization(authorization) => ItemBody::Authorization(authorization),
            ItemBody::Removed(removed) => ItemBody::Removed(removed),
            ItemBody::Peer { state } => ItemBody::Peer { state },
            ItemBody::Check(check) => ItemBody::Check(check),
            ItemBody::Result(result) => ItemBody::Result(result),
            ItemBody::Proved(proved) => ItemBody::Proved(proved),
            ItemBody::Other { kind } => ItemBody::Other { kind },
        };
        Item { seq, id, body }
    }
}

impl<E> ItemBody<E> {
    /// The item's `type`.
    pub fn kind(&self) -> &str {
        match self {
            Self::Event(_) => "event",
            Self::Welcome(_) => "welcome",
            Self::Connection(_) => "connection",
            Self::Authorization(_) => "authorization",
            Self::Removed(_) => "removed",
            Self::Peer { .. } => "peer",
            Self::Check(_) => "check",
            Self::Result(_) => "result",
            Self::Proved(_) => "proved",
            Self::Other { kind } => kind,
        }
    }
}

impl<E: Serialize> Serialize for Item<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = if matches!(self.body, ItemBody::Other { .. }) { 3 } else { 4 };
        let mut map = serializer.serialize_map(Some(members))?;
        map.serialize_entry("seq", &self.seq)?;
        map.serialize_entry("id", &self.id)?;
        let kind = self.body.kind();
        map.serialize_entry("type", kind)?;
        match &self.body {
            ItemBody::Event(event) => map.serialize_entry(kind, event)?,
            ItemBody::Welcome(welcome) => map.serialize_entry(kind, welcome)?,
            ItemBody::Connection(connection) => map.serialize_entry(kind, connection)?,
            ItemBody::Authorization(authorization) => map.serialize_entry(kind, authorization)?,
            ItemBody::Removed(removed) => map.serialize_entry(kind, removed)?,
            ItemBody::Peer { state } => map.serialize_entry(kind, &PeerItem { state: *state })?,
            ItemBody::Check(check) => map.serialize_entry(kind, check)?,
            ItemBody::Result(result) => map.serialize_entry(kind, result)?,
            ItemBody::Proved(proved) => map.serialize_entry(kind, proved)?,
            ItemBody::Other { .. } => {}
        }
        map.end()
    }
}

impl<'de, E: de::DeserializeOwned> Deserialize<'de> for Item<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ItemVisitor::new(false)).map(|TolerantItem { item, .. }| item)
    }
}

/// The types of this profile that an item may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Event,
    Welcome,
    Connection,
    Authorization,
    Removed,
    Peer,
    Check,
    Result,
    Proved,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "event" => Self::Event,
            "welcome" => Self::Welcome,
            "connection" => Self::Connection,
            "authorization" => Self::Authorization,
            "removed" => Self::Removed,
            "peer" => Self::Peer,
            "check" => Self::Check,
            "result" => Self::Result,
            "proved" => Self::Proved,
            _ => return None,
        })
    }

    /// Reads a body by `read`, which is told the type by what it returns.
    fn body<E: de::DeserializeOwned, S: Source>(self, source: S) -> Result<ItemBody<E>, S::Error> {
        Ok(match self {
            Self::Event => ItemBody::Event(source.read()?),
            Self::Welcome => ItemBody::Welcome(source.read()?),
            Self::Connection => ItemBody::Connection(source.read()?),
            Self::Authorization => ItemBody::Authorization(source.read()?),
            Self::Removed => ItemBody::Removed(source.read()?),
            Self::Peer => {
                let PeerItem { state } = source.read()?;
                ItemBody::Peer { state }
            }
            // These are no types of the profile between providers, so one that they mean otherwise is skipped.
            Self::Check => source
                .read::<Replay>()?
                .read()
                .map_or_else(|_| ItemBody::Other { kind: "check".into() }, ItemBody::Check),
            Self::Result => source
                .read::<Replay>()?
                .read()
                .map_or_else(|_| ItemBody::Other { kind: "result".into() }, ItemBody::Result),
            Self::Proved => source
                .read::<Replay>()?
                .read()
                .map_or_else(|_| ItemBody::Other { kind: "proved".into() }, ItemBody::Proved),
        })
    }
}

/// Where a body is read from: the message, or what had to be put by.
trait Source {
    type Error;

    fn read<T: de::DeserializeOwned>(self) -> Result<T, Self::Error>;
}

struct Next<'a, 'de, A>(&'a mut A, PhantomData<&'de ()>);

impl<'de, A: MapAccess<'de>> Source for Next<'_, 'de, A> {
    type Error = A::Error;

    fn read<T: de::DeserializeOwned>(self) -> Result<T, A::Error> {
        self.0.next_value()
    }
}

struct PutBy<'a, E>(&'a Replay, PhantomData<E>);

impl<E: de::Error> Source for PutBy<'_, E> {
    type Error = E;

    fn read<T: de::DeserializeOwned>(self) -> Result<T, E> {
        self.0.read().map_err(E::custom)
    }
}

struct ItemVisitor<E> {
    /// Whether a body that is not in its form is put by, instead of failing all.
    tolerant: bool,
    event: PhantomData<E>,
}

impl<E> ItemVisitor<E> {
    fn new(tolerant: bool) -> Self {
        Self { tolerant, event: PhantomData }
    }
}

impl<'de, E: de::DeserializeOwned> de::Visitor<'de> for ItemVisitor<E> {
    type Value = TolerantItem<E>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item of a feed")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<TolerantItem<E>, A::Error> {
        let (mut seq, mut id, mut kind, mut body) = (None, None, None::<String>, None);
        // Members have no order, so a body may come before the type that says whether it is one.
        let mut put_by: Vec<(Kind, Replay)> = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            match (name.as_str(), Kind::of(&name)) {
                ("seq", _) => seq = Some(members.next_value()?),
                ("id", _) => id = Some(members.next_value()?),
                ("type", _) => kind = Some(members.next_value()?),
                (name, Some(named)) => match &kind {
                    _ if self.tolerant => put_by.push((named, members.next_value()?)),
                    None => put_by.push((named, members.next_value()?)),
                    Some(kind) if kind == name => body = Some(named.body(Next(&mut members, PhantomData))?),
                    Some(_) => drop(members.next_value::<IgnoredAny>()?),
                },
                (_, None) => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        let missing = |name| de::Error::missing_field(name);
        let kind = kind.ok_or_else(|| missing("type"))?;
        let body = match (Kind::of(&kind), body) {
            (None, _) => Ok(ItemBody::Other { kind: kind.clone() }),
            (Some(_), Some(body)) => Ok(body),
            (Some(named), None) => match put_by.iter().find(|(early, _)| *early == named) {
                Some((_, early)) => named.body(PutBy(early, PhantomData::<A::Error>)),
                // See above: what a provider calls a result need not be one.
                None if matches!(named, Kind::Check | Kind::Result | Kind::Proved) => {
                    Ok(ItemBody::Other { kind: kind.clone() })
                }
                None => Err(de::Error::custom(format_args!("an item of type {kind} without `{kind}`"))),
            },
        };
        let (body, fault) = match body {
            Ok(body) => (body, None),
            Err(fault) if self.tolerant => (ItemBody::Other { kind }, Some(fault.to_string())),
            Err(fault) => return Err(fault),
        };
        let (seq, id) = (seq.ok_or_else(|| missing("seq"))?, id.ok_or_else(|| missing("id"))?);
        Ok(TolerantItem { item: Item { seq, id, body }, fault })
    }
}
