//! JSON and CBOR, read strictly (section 5).
//!
//! [`decode`] reads any type that serde can derive, under the rules of the wire: no duplicate member at any
//! depth, integers up to 2^53-1, no `null` where an optional member may be absent, an object only as an object,
//! an unknown member ignored but well-formed, a bounded depth, nothing after the end; in JSON no noncharacter
//! (I-JSON), in CBOR no indefinite length, tag, float or key that is not text.

mod replay;
mod strict;

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

pub(crate) use replay::{Replay, well_typed};
pub use strict::{MAX_DEPTH, MAX_INTEGER, MAX_MEMBERS};
use strict::{Rules, Strict};

/// How a message is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// I-JSON (RFC 7493), always understood.
    #[default]
    Json,
    /// CBOR (RFC 8949) with the same names.
    Cbor,
}

/// What was received is not in the form that this page of the contract gives it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

impl Encoding {
    /// Its media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Cbor => "application/cbor",
        }
    }

    /// The encoding that a `Content-Type` names, whatever its parameters; none where it names another type, or is not
    /// one media type (RFC 9110, section 8.3).
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        let (media_type, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
        // A comma outside of a quoted text begins another value: the field was there twice.
        let is_one = parameters.split('"').step_by(2).all(|unquoted| !unquoted.contains(','));
        let media_type = media_type.trim_matches([' ', '\t']);
        [Self::Json, Self::Cbor]
            .into_iter()
            .find(|encoding| is_one && media_type.eq_ignore_ascii_case(encoding.content_type()))
    }

    /// The encoding to answer in, by the request's `Accept`: JSON unless CBOR is asked for by name and JSON not
    /// preferred to it, as also where neither is acceptable.
    pub fn from_accept(accept: &str) -> Self {
        let quality = |encoding: Self| {
            accept
                .split(',')
                .filter(|range| Self::from_content_type(range) == Some(encoding))
                .map(|range| quality_in(range.split(';').skip(1)))
                .max()
        };
        match (quality(Self::Cbor), quality(Self::Json)) {
            (Some(cbor), json) if cbor > 0 && cbor >= json.unwrap_or(0) => Self::Cbor,
            _ => Self::Json,
        }
    }
}

/// The `q` among the parameters of a media range, in thousandths.
fn quality_in<'a>(mut parameters: impl Iterator<Item = &'a str>) -> u16 {
    let q = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    let thousandths = q.map_or(Some(1_000.0), |q| q.parse::<f32>().ok().map(|q| q * 1_000.0));
    thousandths.map_or(0, |q| q as u16)
}

impl Malformed {
    /// At most this much of a fault is told: it may quote what was received.
    const MAX_TEXT: usize = 200;

    pub(crate) fn new(text: impl fmt::Display) -> Self {
        let mut text = text.to_string();
        if text.len() > Self::MAX_TEXT {
            let cut = text.floor_char_boundary(Self::MAX_TEXT);
            text.truncate(cut);
            text.push('…');
        }
        Self(text)
    }
}

/// Writes a message.
pub fn encode<T: Serialize>(encoding: Encoding, message: &T) -> Vec<u8> {
    match encoding {
        Encoding::Json => infallible(serde_json::to_vec(message)),
        Encoding::Cbor => infallible(minicbor_serde::to_vec(message)),
    }
}

/// Both writers fail only where a `Serialize` says so, which none of this crate's does: they have texts for
/// keys and no values that cannot be written.
#[expect(clippy::expect_used, reason = "writing to memory; see above")]
fn infallible<E: fmt::Debug>(written: Result<Vec<u8>, E>) -> Vec<u8> {
    written.expect("a message can always be written")
}

/// Reads a message, strictly.
///
/// # Errors
///
/// Where the bytes break a rule of the encoding, or a member is missing or ill-typed.
pub fn decode<T: DeserializeOwned>(encoding: Encoding, bytes: &[u8]) -> Result<T, Malformed> {
    match encoding {
        Encoding::Json => {
            let mut reader = serde_json::Deserializer::from_slice(bytes);
            let message = T::deserialize(Strict::new(&mut reader, Rules::json())).map_err(Malformed::new)?;
            reader.end().map_err(Malformed::new)?;
            Ok(message)
        }
        Encoding::Cbor => {
            let mut reader = minicbor_serde::Deserializer::new(bytes);
            let message = T::deserialize(Strict::new(&mut reader, Rules::cbor())).map_err(Malformed::new)?;
            if reader.decoder().position() != bytes.len() {
                return Err(Malformed::new("there is something after the end of the message"));
            }
            Ok(message)
        }
    }
}
