//! The id by which the logs of two nodes tell of the same request: the header `traceparent` (W3C Trace Context). It is no part of
//! the protocol, and no signature covers it; whoever does not know it ignores it.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::ambient::{Ambient, AmbientExt};

/// The header.
pub(crate) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The length of a header of version 00, which later versions begin as.
const LENGTH: usize = 55;

/// Names one request in the logs of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceId(u128);

impl TraceId {
    /// A new one, for a request of ours.
    pub(crate) fn new(ambient: &dyn Ambient) -> Self {
        Self(u128::from_be_bytes(ambient.random()))
    }

    /// The one that a request came with; `None` where it has none, or not in its form.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(&TRACEPARENT).iter();
        let text = values.next()?.to_str().ok()?;
        // With two of them neither is believed.
        if values.next().is_some() { None } else { Self::parse(text) }
    }

    fn parse(text: &str) -> Option<Self> {
        let hex = |text: &str, length: usize| {
            let is_hex = |octet: u8| octet.is_ascii_digit() || (b'a'..=b'f').contains(&octet);
            (text.len() == length && text.bytes().all(is_hex)).then(|| u128::from_str_radix(text, 16).ok())?
        };
        let mut parts = text.splitn(5, '-');
        let version = parts.next().and_then(|part| hex(part, 2))?;
        let trace = parts.next().and_then(|part| hex(part, 32))?;
        let parent = parts.next().and_then(|part| hex(part, 16))?;
        parts.next().and_then(|part| hex(part, 2))?;
        // A later version may have more behind it.
        let is_whole = if version == 0 { text.len() == LENGTH } else { version != 0xff };
        (is_whole && trace != 0 && parent != 0).then_some(Self(trace))
    }

    /// The header by which the other side learns of it.
    pub(crate) fn header(self, ambient: &dyn Ambient) -> Option<HeaderValue> {
        let span = u64::from_be_bytes(ambient.random());
        HeaderValue::try_from(format!("00-{self}-{span:016x}-00")).ok()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::System;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_is_sent_is_read_as_the_same() {
        let id = TraceId::new(&System);
        let mut headers = HeaderMap::new();
        assert_eq!(TraceId::of(&headers), None);
        headers.append(&TRACEPARENT, id.header(&System).unwrap());
        assert_eq!(TraceId::of(&headers), Some(id));
        headers.append(&TRACEPARENT, GOOD.parse().unwrap());
        assert_eq!(TraceId::of(&headers), None, "of two neither is believed");
    }

    #[test]
    fn what_is_malformed_is_ignored() {
        assert_eq!(TraceId::parse(GOOD).unwrap().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let later = format!("01{}-more", &GOOD[2..]);
        assert!(TraceId::parse(&later).is_some(), "a later version is read as far as it is known");
        for wrong in [
            "",
            "00",
            "x",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            &format!("{GOOD}-more"),
            &format!("ff{}", &GOOD[2..]),
        ] {
            assert_eq!(TraceId::parse(wrong), None, "{wrong}");
        }
    }
}
