//! A deserializer around another that holds every type to the rules of the wire.
//!
//! serde's derived code is lenient where the contract is not: it takes arrays for structs, looks into nothing
//! that it ignores, and sees duplicates only among the members it knows. Here the rules are kept in one place,
//! in one pass, for both encodings, and message types can be plain derives.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, Error, MapAccess, SeqAccess, Visitor,
        value::{BorrowedStrDeserializer, CowStrDeserializer, StrDeserializer},
    },
};

/// The greatest integer on the wire, 2^53-1.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// How deep arrays and objects may be in each other.
pub const MAX_DEPTH: u8 = 64;

/// How many members one object may have. None of ours has more than a dozen; the rest is room for what is
/// ignored, and what a peer can make a reader remember in order to notice duplicates.
pub const MAX_MEMBERS: usize = 1_024;

/// Which rules hold, and how much deeper it may go.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    format: Format,
    depth: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Cbor,
    /// Our own notes of what was read from the wire, in which it had this readability.
    Replay {
        human_readable: bool,
    },
}

impl Rules {
    pub(super) fn json() -> Self {
        Self { format: Format::Json, depth: MAX_DEPTH }
    }

    pub(super) fn cbor() -> Self {
        Self { format: Format::Cbor, depth: MAX_DEPTH }
    }

    pub(super) fn replay(human_readable: bool) -> Self {
        Self { format: Format::Replay { human_readable }, depth: MAX_DEPTH }
    }

    fn human_readable(self) -> bool {
        match self.format {
            Format::Json => true,
            Format::Cbor => false,
            Format::Replay { human_readable } => human_readable,
        }
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(E::custom(format_args!("it is nested deeper than {MAX_DEPTH} levels"))),
        }
    }

    /// In CBOR, a container that does not know its length has an indefinite one.
    fn definite<E: Error>(self, length: Option<usize>) -> Result<(), E> {
        if self.format == Format::Cbor && length.is_none() {
            return Err(E::custom("an indefinite length"));
        }
        Ok(())
    }

    fn check_text<E: Error>(self, text: &str) -> Result<(), E> {
        let noncharacter = |c: char| matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
        if self.format == Format::Json && !text.is_ascii() && text.chars().any(noncharacter) {
            return Err(E::custom("a Unicode noncharacter, which I-JSON forbids"));
        }
        Ok(())
    }
}

/// A deserializer, visitor, seed or access, held to the rules.
pub(super) struct Strict<T> {
    inner: T,
    rules: Rules,
    /// Whether integers are those of a type of ours, and not of something ignored.
    typed: bool,
}

impl<T> Strict<T> {
    pub(super) fn new(inner: T, rules: Rules) -> Self {
        Self { inner, rules, typed: true }
    }

    fn untyped(inner: T, rules: Rules) -> Self {
        Self { inner, rules, typed: false }
    }
}

macro_rules! forward {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(Strict::new(visitor, self.rules))
        }
    )+};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    forward! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_unit deserialize_seq deserialize_map deserialize_identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(Strict::untyped(visitor, self.rules))
    }

    /// What is ignored has to be well-formed all the same.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_any(visitor)
    }

    /// A member may be absent, but where it is there it has its type.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_tuple(len, Strict::new(visitor, self.rules))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.deserialize_tuple(len, visitor)
    }

    /// An object, never an array.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.deserialize_map(visitor)
    }

    /// One of some words.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let word = TextSeed.deserialize(self)?;
        visitor.visit_enum(CowStrDeserializer::new(word))
    }

    fn is_human_readable(&self) -> bool {
        self.rules.human_readable()
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Strict<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<V::Value, E> {
        self.inner.visit_bool(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<V::Value, E> {
        self.inner.visit_i64(value)
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<V::Value, E> {
        Err(E::custom("an integer that no machine word holds"))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<V::Value, E> {
        if self.typed && value > MAX_INTEGER {
            return Err(E::custom("an integer over 2^53-1"));
        }
        self.inner.visit_u64(value)
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<V::Value, E> {
        Err(E::custom("an integer that no machine word holds"))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<V::Value, E> {
        if self.rules.format == Format::Cbor {
            return Err(E::custom("a float"));
        }
        self.inner.visit_f64(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        self.rules.check_text(text)?;
        self.inner.visit_str(text)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<V::Value, E> {
        self.rules.check_text(text)?;
        self.inner.visit_borrowed_str(text)
    }

    /// In CBOR only a text of indefinite length has to be put together.
    fn visit_string<E: Error>(self, text: String) -> Result<V::Value, E> {
        self.rules.definite(None)?;
        self.rules.check_text(&text)?;
        self.inner.visit_string(text)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<V::Value, E> {
        self.inner.visit_bytes(bytes)
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<V::Value, E> {
        self.inner.visit_borrowed_bytes(bytes)
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<V::Value, E> {
        self.rules.definite(None)?;
        self.inner.visit_byte_buf(bytes)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.rules.definite(items.size_hint().or_else(|| self.rules.human_readable().then_some(0)))?;
        self.inner.visit_seq(Strict::new(items, self.rules.deeper()?))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.rules.definite(members.size_hint().or_else(|| self.rules.human_readable().then_some(0)))?;
        self.inner.visit_map(Members { inner: members, rules: self.rules.deeper()?, seen: Vec::new() })
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Strict::new(deserializer, self.rules))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_element_seed(Strict::new(seed, self.rules))
    }

    /// What a sender says the length is, is believed a little way only.
    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint().map(|length| length.min(1_024))
    }
}

/// The members of an object, each seen once.
struct Members<'de, A> {
    inner: A,
    rules: Rules,
    /// Sorted.
    seen: Vec<Cow<'de, str>>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'de, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let Some(key) = self.inner.next_key_seed(Strict::new(TextSeed, self.rules))? else {
            return Ok(None);
        };
        let place = match self.seen.binary_search(&key) {
            Ok(_) => return Err(A::Error::custom("a member is there twice")),
            Err(_) if self.seen.len() == MAX_MEMBERS => {
                return Err(A::Error::custom(format_args!("an object has more than {MAX_MEMBERS} members")));
            }
            Err(place) => place,
        };
        let value = match &key {
            Cow::Borrowed(key) => seed.deserialize(BorrowedStrDeserializer::new(key)),
            Cow::Owned(key) => seed.deserialize(StrDeserializer::new(key)),
        };
        self.seen.insert(place, key);
        value.map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(Strict::new(seed, self.rules))
    }
}

/// Reads a text, without a copy where the input has it as it is.
struct TextSeed;

impl<'de> DeserializeSeed<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
