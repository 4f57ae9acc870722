//! A member of a problem as a peer wrote it.

use std::{fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::wire::MAX_INTEGER;

/// A text, a number, or something else, which is as if it were not there and is not kept: a problem is there to
/// be shown, and whatever else a peer has put into it costs no room.
#[derive(Default)]
pub(super) enum LenientValue {
    Text(String),
    Number(u64),
    #[default]
    Nothing,
}

impl LenientValue {
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn parsed<T: FromStr>(self) -> Option<T> {
        self.text()?.parse().ok()
    }

    pub(super) fn number(self) -> Option<u64> {
        match self {
            Self::Number(number) if number <= MAX_INTEGER => Some(number),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for LenientValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyMember)
    }
}

struct AnyMember;

impl<'de> Visitor<'de> for AnyMember {
    type Value = LenientValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<LenientValue, E> {
        Ok(LenientValue::Text(text.to_owned()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<LenientValue, E> {
        Ok(LenientValue::Number(number))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<LenientValue, E> {
        Ok(LenientValue::Nothing)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<LenientValue, E> {
        Ok(LenientValue::Nothing)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<LenientValue, E> {
        Ok(LenientValue::Nothing)
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<LenientValue, E> {
        Ok(LenientValue::Nothing)
    }

    fn visit_unit<E: Error>(self) -> Result<LenientValue, E> {
        Ok(LenientValue::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<LenientValue, A::Error> {
        IgnoredAny.visit_seq(items).map(|_| LenientValue::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<LenientValue, A::Error> {
        IgnoredAny.visit_map(members).map(|_| LenientValue::Nothing)
    }
}
