//! The hash chain of a group's log (section 10): checked, kept and compared without any content.

use sha2::{Digest, Sha256};

use crate::{
    id::GroupUri,
    message::{Body, Event, EventKind},
    octets::Hash32,
};

const LABEL: &[u8] = b"MTP 1 event";

/// How far a group's log is known: the number and hash of its last event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last event's number, 0 where there is none.
    pub seq: u64,
    /// The last event's hash, zeros where there is none.
    pub hash: Hash32,
}

/// An event that continues a chain: its hashes are right, and it follows what it was checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainedEvent(Event);

/// Why an event does not continue a chain. That stops the group, loudly, and not the feed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainFault {
    /// It is of another group.
    #[error("an event of {found} where one of {group} was to be")]
    OtherGroup {
        /// The group whose log it is.
        group: GroupUri,
        /// The group it says it is of.
        found: GroupUri,
    },
    /// Its number is not the next.
    #[error("event {found} of {group} where {expected} was to be: its owner skips or repeats a number")]
    Number {
        /// The group.
        group: GroupUri,
        /// The next number.
        expected: u64,
        /// The number it has.
        found: u64,
    },
    /// It does not follow the event before.
    #[error(
        "event {seq} of {group} does not follow the event before it: its owner told another story before"
    )]
    Broken {
        /// The group.
        group: GroupUri,
        /// The event's number.
        seq: u64,
    },
    /// Its hash is not that of its members.
    #[error("event {seq} of {group} does not have the hash that it says")]
    Hash {
        /// The group.
        group: GroupUri,
        /// The event's number.
        seq: u64,
    },
    /// Its body is not the one that was hashed.
    #[error("the body of event {seq} of {group} is not the one that its hash is for")]
    Body {
        /// The group.
        group: GroupUri,
        /// The event's number.
        seq: u64,
    },
    /// The first event, and no other, is of type `created` and has epoch 0.
    #[error(
        "event {seq} of {group} is of type {kind} in epoch {epoch}: a log starts with `created`, once, in epoch 0"
    )]
    Kind {
        /// The group.
        group: GroupUri,
        /// The event's number.
        seq: u64,
        /// Its type.
        kind: EventKind,
        /// Its epoch.
        epoch: u64,
    },
}

impl Head {
    /// Before the first event.
    pub const EMPTY: Self = Self { seq: 0, hash: Hash32([0; 32]) };
}

impl Event {
    /// The hash of its members, whatever its `hash` says (section 10).
    pub fn computed_hash(&self) -> Hash32 {
        EventHash::of(self)
    }

    /// Checks that this is the event of `group` that comes after `head`, with the body, where there is one, that
    /// its hash is for.
    ///
    /// # Errors
    ///
    /// The first way in which it is not.
    pub fn follow(self, group: &GroupUri, head: &Head) -> Result<ChainedEvent, ChainFault> {
        let (of, seq) = (|| self.group.clone(), self.seq);
        if self.group != *group {
            return Err(ChainFault::OtherGroup { group: group.clone(), found: self.group });
        }
        if Some(seq) != head.seq.checked_add(1) {
            return Err(ChainFault::Number { group: of(), expected: head.seq.saturating_add(1), found: seq });
        }
        if self.prev != head.hash {
            return Err(ChainFault::Broken { group: of(), seq });
        }
        if self.computed_hash() != self.hash {
            return Err(ChainFault::Hash { group: of(), seq });
        }
        let body_is_right = match &self.body {
            Some(Body::Here(body)) => Hash32::of(body.as_slice()) == self.body_hash,
            Some(Body::Object(object)) => object.sha256 == self.body_hash,
            None => true,
        };
        if !body_is_right {
            return Err(ChainFault::Body { group: of(), seq });
        }
        let is_first = seq == 1;
        if is_first != (self.kind == EventKind::Created) || (is_first && self.epoch != 0) {
            return Err(ChainFault::Kind { group: of(), seq, kind: self.kind, epoch: self.epoch });
        }
        Ok(ChainedEvent(self))
    }
}

impl ChainedEvent {
    /// The event.
    pub fn event(&self) -> &Event {
        &self.0
    }

    /// The event itself.
    pub fn into_event(self) -> Event {
        self.0
    }

    /// How far the log is known with it.
    pub fn head(&self) -> Head {
        Head { seq: self.0.seq, hash: self.0.hash }
    }
}

/// SHA-256 over the members of an event in TLS presentation encoding (RFC 8446, section 3).
struct EventHash(Sha256);

impl EventHash {
    /// `opaque<0..255>`; labels and types are far shorter.
    fn short(&mut self, bytes: &[u8]) {
        self.0.update([bytes.len() as u8]);
        self.0.update(bytes);
    }

    /// `opaque<0..2^16-1>`; an identifier has at most a few hundred octets, a grant at most 65,535.
    fn long(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u16).to_be_bytes());
        self.0.update(bytes);
    }

    fn uint64(&mut self, number: u64) {
        self.0.update(number.to_be_bytes());
    }

    fn of_grants(grants: &[String]) -> Hash32 {
        let mut hash = Self(Sha256::new());
        for grant in grants {
            hash.long(grant.as_bytes());
        }
        Hash32(hash.0.finalize().into())
    }

    fn of(event: &Event) -> Hash32 {
        let mut hash = Self(Sha256::new());
        hash.short(LABEL);
        hash.0.update(event.prev.as_bytes());
        hash.long(event.group.as_str().as_bytes());
        hash.uint64(event.seq);
        hash.short(event.kind.as_str().as_bytes());
        hash.uint64(event.epoch);
        hash.long(event.sender.as_str().as_bytes());
        hash.uint64(event.time.as_millis());
        hash.0.update(event.body_hash.as_bytes());
        if !event.grants.is_empty() {
            hash.0.update(Self::of_grants(&event.grants).as_bytes());
        }
        Hash32(hash.0.finalize().into())
    }
}
