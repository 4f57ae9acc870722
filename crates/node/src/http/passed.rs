//! A request that has passed the gate, and what its handler reads of it.

use std::net::IpAddr;

use drawbridge_mtp::id::{Id, Provider, UserUri};
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::signature::combined;
use drawbridge_mtp::wire::{self, Encoding};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};

use super::content::Content;
use super::server::PeerServer;
use crate::refusal::Refusal;

/// Who asks, proved by a signature.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) provider: Provider,
    pub(super) state: PeerState,
    pub(super) address: IpAddr,
    /// The port at its end of the connection; 0 where it was a proxy that said who asks.
    pub(super) port: u16,
    /// When the request was signed, in seconds.
    pub(super) signed: u64,
}

/// A request that has passed the gate.
pub(super) struct Passed<'a> {
    pub(super) server: &'a PeerServer,
    pub(super) caller: Caller,
    pub(super) headers: HeaderMap,
    pub(super) query: &'a str,
    pub(super) content: Content,
}

impl Passed<'_> {
    /// Reads the content, which has to be there.
    pub(super) fn message<T: serde::de::DeserializeOwned>(&self) -> Result<T, Refusal> {
        read_message(&self.headers, &self.content)
    }

    /// `user` is to be the caller's (sections 7 to 9).
    pub(super) fn must_be_theirs(&self, user: &UserUri) -> Result<(), Refusal> {
        if *user.provider() == self.caller.provider {
            return Ok(());
        }
        let text = format!("{user} is not a user of {}, who asks", self.caller.provider);
        Err(Problem::new(Code::NotAuthorized, text).into())
    }

    /// `user` is to be ours, whether or not there is one.
    pub(super) fn must_be_ours(&self, user: &UserUri) -> Result<(), Refusal> {
        if *user.provider() == self.server.ground.ours {
            return Ok(());
        }
        Err(Problem::new(Code::NotHere, format!("{user} is not a user of {}", self.server.ground.ours))
            .into())
    }

    /// The encoding that the caller wants to be answered in.
    pub(super) fn wanted(&self) -> Encoding {
        wanted(&self.headers)
    }
}

/// Reads the content of a request, which has to be there (section 5).
pub(crate) fn read_message<T: serde::de::DeserializeOwned>(
    headers: &HeaderMap,
    content: &[u8],
) -> Result<T, Refusal> {
    let unsupported = |text: &str| Problem::new(Code::UnsupportedMediaType, text);
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(unsupported("requests are not content-encoded; send the content as it is").into());
    }
    let named = combined(headers, &CONTENT_TYPE);
    let encoding = named
        .and_then(|named| Encoding::from_content_type(std::str::from_utf8(&named).ok()?))
        .filter(|_| !content.is_empty())
        .ok_or_else(|| unsupported("send the content as application/json or application/cbor"))?;
    wire::decode(encoding, content)
        .map_err(|fault| Problem::new(Code::Malformed, format!("the content is malformed: {fault}")).into())
}

/// The encoding that a request wants to be answered in (section 5).
pub(crate) fn wanted(headers: &HeaderMap) -> Encoding {
    let accept = combined(headers, &ACCEPT).unwrap_or_default();
    Encoding::from_accept(std::str::from_utf8(&accept).unwrap_or_default())
}

/// Reads an id in a path.
pub(crate) fn read_id(id: &str) -> Result<Id, Refusal> {
    id.parse().map_err(|fault| {
        Problem::new(Code::Malformed, format!("the id in the path is malformed: {fault}")).into()
    })
}
