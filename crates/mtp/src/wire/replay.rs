//! A value that has to wait until it is known what it is.

use std::fmt;

use minicbor::encode::Encoder;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};

use super::{
    Malformed,
    strict::{Rules, Strict},
};

/// A value of any shape, kept in less room than it took on the wire, to be read as a type later. In it, the
/// order of members does not matter: a peer may write an item's body before its `type`.
pub struct Replay {
    notes: Vec<u8>,
    human_readable: bool,
}

impl Replay {
    /// Reads the value as a `T`, by the rules that held where it came from.
    ///
    /// # Errors
    ///
    /// Where it is not one.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Malformed> {
        let mut reader = minicbor_serde::Deserializer::new(&self.notes);
        T::deserialize(Strict::new(&mut reader, Rules::replay(self.human_readable))).map_err(Malformed::new)
    }
}

/// Reads a member that may be anything, which is as absent where it is no `T`; for `#[serde(deserialize_with)]`.
pub(crate) fn well_typed<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Replay::deserialize(deserializer)?.read().ok())
}

impl<'de> Deserialize<'de> for Replay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let human_readable = deserializer.is_human_readable();
        let mut notes = Vec::new();
        Note(&mut notes).deserialize(deserializer)?;
        Ok(Self { notes, human_readable })
    }
}

/// Writes what it visits as CBOR, with indefinite lengths, since JSON tells none.
struct Note<'a>(&'a mut Vec<u8>);

impl Note<'_> {
    fn write<E: Error>(
        self,
        write: impl FnOnce(
            &mut Encoder<&mut Vec<u8>>,
        ) -> Result<(), minicbor::encode::Error<std::convert::Infallible>>,
    ) -> Result<(), E> {
        write(&mut Encoder::new(self.0)).map_err(E::custom)
    }

    fn again(&mut self) -> Note<'_> {
        Note(self.0)
    }
}

impl<'de> DeserializeSeed<'de> for Note<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Note<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.write(|to| to.bool(value)?.ok())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.write(|to| to.i64(value)?.ok())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.write(|to| to.u64(value)?.ok())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.write(|to| to.f64(value)?.ok())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.write(|to| to.str(text)?.ok())
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<(), E> {
        self.write(|to| to.bytes(bytes)?.ok())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.write(|to| to.null()?.ok())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.again().write(|to| to.begin_array()?.ok())?;
        while items.next_element_seed(self.again())?.is_some() {}
        self.write(|to| to.end()?.ok())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        self.again().write(|to| to.begin_map()?.ok())?;
        while members.next_key_seed(self.again())?.is_some() {
            members.next_value_seed(self.again())?;
        }
        self.write(|to| to.end()?.ok())
    }
}
