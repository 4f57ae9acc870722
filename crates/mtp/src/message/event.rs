//! The events of a group (section 10).

use serde::{Deserialize, Serialize, Serializer, de::IgnoredAny, ser::SerializeMap};

use super::body::{Body, ObjectRef};
use crate::{
    grant::MAX_GRANT_BYTES,
    id::{ClientUri, GroupUri, Provider},
    octets::{Hash32, Octets},
    text::words,
    time::Timestamp,
    wire::Malformed,
};

/// One entry of a group's log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "EventForm<IgnoredAny, IgnoredAny>")]
pub struct Event {
    /// The group.
    pub group: GroupUri,
    /// Its number, from 1 without gaps.
    pub seq: u64,
    /// Its type.
    pub kind: EventKind,
    /// The epoch in the framing of its MLS message, 0 for `created`.
    pub epoch: u64,
    /// Who sent it.
    pub sender: ClientUri,
    /// When the owner accepted it.
    pub time: Timestamp,
    /// The grants by which the owner accepted a commit, compact JWSs in the order of its submission, each of at most
    /// [`MAX_GRANT_BYTES`]. On the wire the member is absent where there are none.
    pub grants: Vec<String>,
    /// Its MLS message; none where retention has dropped it.
    pub body: Option<Body>,
    /// The SHA-256 of its body.
    pub body_hash: Hash32,
    /// The hash of the event before, zeros for the first.
    pub prev: Hash32,
    /// Its own hash.
    pub hash: Hash32,
}

/// An event as its provider's own clients are told of it (`docs/architecture.md`): with what the group's owner knows of it
/// beside the log. A peer is told the [`Event`] alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "EventForm<bool, Option<Provider>>")]
pub struct ShownEvent {
    /// The event.
    pub event: Event,
    /// The participant that it was read back from, where no checkpoint of the owner's covers it (section 12). On the wire
    /// these are two members, `unproved` (`true`) and `read_back_from`, and both are absent of an event that is proved.
    pub unproved: Option<Provider>,
}

words! {
    /// The type of an event.
    EventKind: "a type of an event" {
        /// The first: its body is the first GroupInfo.
        Created = "created",
        /// An MLS proposal.
        Proposal = "proposal",
        /// An MLS commit.
        Commit = "commit",
        /// An MLS application message.
        Application = "application",
    }
}

/// An event's members on the wire. What only a client is told is of the types `U` and `P`: to a provider these members are
/// unknown, whatever they are.
#[derive(Deserialize)]
struct EventForm<U, P> {
    group: GroupUri,
    seq: u64,
    #[serde(rename = "type")]
    kind: EventKind,
    epoch: u64,
    sender: ClientUri,
    time: Timestamp,
    #[serde(default)]
    grants: Vec<String>,
    body: Option<Octets>,
    body_object: Option<ObjectRef>,
    body_hash: Hash32,
    prev: Hash32,
    hash: Hash32,
    #[serde(default)]
    unproved: U,
    #[serde(default)]
    read_back_from: P,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.members()))?;
        self.write(&mut map)?;
        map.end()
    }
}

impl Serialize for ShownEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { event, unproved } = self;
        let more = if unproved.is_some() { 2 } else { 0 };
        let mut map = serializer.serialize_map(Some(event.members() + more))?;
        event.write(&mut map)?;
        if let Some(from) = unproved {
            map.serialize_entry("unproved", &true)?;
            map.serialize_entry("read_back_from", from)?;
        }
        map.end()
    }
}

impl Event {
    /// How many members it has on the wire.
    fn members(&self) -> usize {
        9 + usize::from(!self.grants.is_empty()) + usize::from(self.body.is_some())
    }

    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let Self { group, seq, kind, epoch, sender, time, grants, body, body_hash, prev, hash } = self;
        map.serialize_entry("group", group)?;
        map.serialize_entry("seq", seq)?;
        map.serialize_entry("type", kind)?;
        map.serialize_entry("epoch", epoch)?;
        map.serialize_entry("sender", sender)?;
        map.serialize_entry("time", time)?;
        if !grants.is_empty() {
            map.serialize_entry("grants", grants)?;
        }
        if let Some(body) = body {
            body.write(map, "body", "body_object")?;
        }
        map.serialize_entry("body_hash", body_hash)?;
        map.serialize_entry("prev", prev)?;
        map.serialize_entry("hash", hash)
    }
}

impl TryFrom<EventForm<bool, Option<Provider>>> for ShownEvent {
    type Error = Malformed;

    fn try_from(mut form: EventForm<bool, Option<Provider>>) -> Result<Self, Malformed> {
        let unproved = match (form.unproved, form.read_back_from.take()) {
            (true, None) => return Err(Malformed::new("an event that is unproved, without read_back_from")),
            (true, from) => from,
            (false, _) => None,
        };
        Ok(Self { event: form.try_into()?, unproved })
    }
}

impl<U, P> TryFrom<EventForm<U, P>> for Event {
    type Error = Malformed;

    fn try_from(form: EventForm<U, P>) -> Result<Self, Malformed> {
        let EventForm {
            group,
            seq,
            kind,
            epoch,
            sender,
            time,
            grants,
            body,
            body_object,
            body_hash,
            prev,
            hash,
            ..
        } = form;
        if grants.iter().any(|grant| grant.len() > MAX_GRANT_BYTES) {
            return Err(Malformed::new("a grant of an event has more than 65535 bytes"));
        }
        let body = Body::join("body", body, body_object).map_err(Malformed::new)?;
        Ok(Self { group, seq, kind, epoch, sender, time, grants, body, body_hash, prev, hash })
    }
}
