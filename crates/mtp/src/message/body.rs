//! Bytes that may be too large for a page (section 11).

use serde::{Deserialize, Serialize, ser::SerializeMap};

use crate::octets::{Hash32, Octets};

/// What is longer is left out of a feed, and is to be had as an object.
pub const MAX_INLINE_BYTES: usize = 65_536;

/// Bytes that are there, or are to be had as an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The bytes.
    Here(Octets),
    /// What stands in their place.
    Object(ObjectRef),
}

/// What names an object: `GET /objects/{sha256}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRef {
    /// The SHA-256 of its bytes.
    pub sha256: Hash32,
    /// How many there are.
    pub size: u64,
}

impl Body {
    /// Bytes as they travel in a feed: as they are up to 65,536, as an object above.
    pub fn of(bytes: Vec<u8>) -> Self {
        if bytes.len() <= MAX_INLINE_BYTES {
            Self::Here(Octets(bytes))
        } else {
            Self::Object(ObjectRef { sha256: Hash32::of(&bytes), size: bytes.len() as u64 })
        }
    }

    /// Writes the bytes as the member `name`, or what stands in their place as `object`.
    pub(super) fn write<M: SerializeMap>(
        &self,
        map: &mut M,
        name: &str,
        object: &str,
    ) -> Result<(), M::Error> {
        match self {
            Self::Here(bytes) => map.serialize_entry(name, bytes),
            Self::Object(reference) => map.serialize_entry(object, reference),
        }
    }

    pub(super) fn join(
        name: &'static str,
        here: Option<Octets>,
        object: Option<ObjectRef>,
    ) -> Result<Option<Self>, BodyFault> {
        match (here, object) {
            (Some(_), Some(_)) => Err(BodyFault::Both(name)),
            (Some(bytes), None) => Ok(Some(Self::Here(bytes))),
            (None, object) => Ok(object.map(Self::Object)),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum BodyFault {
    #[error("`{0}` and `{0}_object` are both there")]
    Both(&'static str),
    #[error("neither `{0}` nor `{0}_object` is there")]
    Neither(&'static str),
}
