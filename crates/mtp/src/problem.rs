//! Errors on the wire: codes, and the RFC 9457 documents that carry them (section 5).

mod lenient;

use std::{fmt, str::FromStr};

use http::StatusCode;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};

use crate::{
    id::Generation,
    keys::Thumbprint,
    time::Timestamp,
    wire::{self, Encoding, Malformed},
};
use lenient::LenientValue;

/// The media type of a problem document.
pub const CONTENT_TYPE: &str = "application/problem+json";

const TYPE_PREFIX: &str = "urn:mtp:error:";

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $code:ident = $text:literal, $status:ident, $title:literal;)+) => {
        /// A stable error code; programs match these, never the English beside them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])+ $code,)+
        }

        impl Code {
            /// Every code, in the order of the contract.
            pub const ALL: &[Self] = &[$(Self::$code),+];

            /// The code as it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => $text),+ }
            }

            /// The status it is sent with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$code => StatusCode::$status),+ }
            }

            /// A few words for it.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$code => $title),+ }
            }
        }
    };
}

codes! {
    /// A message or a parameter is not in its form.
    Malformed = "malformed", BAD_REQUEST, "Malformed";
    /// A handshake came as a `PrivateMessage`.
    UnsupportedWireFormat = "unsupported-wire-format", BAD_REQUEST, "Unsupported wire format";
    /// An MLS message does not verify.
    InvalidMls = "invalid-mls", BAD_REQUEST, "Invalid MLS message";
    /// No signature `mtp`, or not in the form of section 4.
    SignatureMissing = "signature-missing", UNAUTHORIZED, "Signature missing";
    /// The signature's time is over; `now` is told.
    SignatureExpired = "signature-expired", UNAUTHORIZED, "Signature expired";
    /// The signature is from the future; `now` is told.
    ClockSkew = "clock-skew", UNAUTHORIZED, "Clocks disagree";
    /// The key is not in the signer's document, or that cannot be had. Passing.
    KeyUnknown = "key-unknown", UNAUTHORIZED, "Key unknown";
    /// The signature does not verify.
    SignatureInvalid = "signature-invalid", UNAUTHORIZED, "Signature invalid";
    /// `Content-Digest` is not the content's.
    DigestMismatch = "digest-mismatch", UNAUTHORIZED, "Digest mismatch";
    /// The nonce was used before.
    Replayed = "replayed", UNAUTHORIZED, "Replayed";
    /// To a client only: its token is absent or not known (`docs/client-api.md`).
    TokenUnknown = "token-unknown", UNAUTHORIZED, "Token unknown";
    /// The peer's operator has not approved yet.
    PeerPending = "peer-pending", FORBIDDEN, "Peer pending";
    /// The peer's operator refuses.
    PeerBlocked = "peer-blocked", FORBIDDEN, "Peer blocked";
    /// The peer's operator has to accept new keys; the `fingerprint` last accepted is told.
    PeerKeyChanged = "peer-key-changed", FORBIDDEN, "Peer key changed";
    /// No approved connection between the two users.
    NotConnected = "not-connected", FORBIDDEN, "Not connected";
    /// The caller, or the policy, does not allow it.
    NotAuthorized = "not-authorized", FORBIDDEN, "Not authorized";
    /// The sender is not a member.
    NotParticipant = "not-participant", FORBIDDEN, "Not a participant";
    /// A grant does not hold.
    GrantInvalid = "grant-invalid", FORBIDDEN, "Grant invalid";
    /// There is nothing there for the caller.
    NotFound = "not-found", NOT_FOUND, "Not found";
    /// The same id with other members.
    Conflict = "conflict", CONFLICT, "Conflict";
    /// A commit for another epoch; the current `epoch` is told.
    EpochConflict = "epoch-conflict", CONFLICT, "Epoch conflict";
    /// The cursor is of another history; `generation`, `first` and `head` are told.
    FeedReset = "feed-reset", CONFLICT, "Feed reset";
    /// What is after the cursor is no longer kept; `generation`, `first` and `head` are told.
    FeedTruncated = "feed-truncated", GONE, "Feed truncated";
    /// It was there and is no more.
    Gone = "gone", GONE, "Gone";
    /// It is over a limit; the `limit` is told.
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "Too large";
    /// The content is of a type, or encoded in a way, that is not understood here.
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "Unsupported media type";
    /// The request is meant for another provider.
    NotHere = "not-here", MISDIRECTED_REQUEST, "Not here";
    /// Too many requests for now.
    RateLimited = "rate-limited", TOO_MANY_REQUESTS, "Rate limited";
    /// The provider cannot answer for now.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Unavailable";
}

/// A word that is not one of the codes of this profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an error code of this profile")]
pub struct UnknownCode;

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(UnknownCode)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Why a provider cannot answer for now, where that does not pass by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// Its store does not keep what it is given: its operator has to act.
    Store,
    /// Its clock cannot be right, so it signs nothing: its operator has to set it.
    Clock,
    /// Another copy of its data folder runs, so it signs nothing: its operator has to say which of them goes on.
    Copy,
}

impl Cause {
    const ALL: [Self; 3] = [Self::Store, Self::Clock, Self::Copy];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Clock => "clock",
            Self::Copy => "copy",
        }
    }
}

impl FromStr for Cause {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text).ok_or(UnknownCode)
    }
}

/// What is told with some codes, besides the words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// The verifier's time, with `signature-expired` and `clock-skew`.
    pub now: Option<Timestamp>,
    /// The thumbprint last accepted, with `peer-key-changed`.
    pub fingerprint: Option<Thumbprint>,
    /// The epoch to rebase on, with `epoch-conflict`.
    pub epoch: Option<u64>,
    /// The feed's generation, with `feed-reset` and `feed-truncated`.
    pub generation: Option<Generation>,
    /// The lowest number still kept, with the same.
    pub first: Option<u64>,
    /// The highest number given, with the same.
    pub head: Option<u64>,
    /// The limit that was passed, in bytes, with `too-large`.
    pub limit: Option<u64>,
    /// Why, with `unavailable`, where it does not pass by itself.
    pub cause: Option<Cause>,
}

/// A problem to answer with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub code: Code,
    /// One sentence a person can act on.
    pub detail: String,
    /// What is told with the code.
    pub members: Box<Members>,
}

impl Problem {
    /// A problem without members.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), members: Box::default() }
    }

    /// Tells the verifier's time.
    #[must_use]
    pub fn with_now(mut self, now: Timestamp) -> Self {
        self.members.now = Some(now);
        self
    }

    /// Tells the thumbprint last accepted.
    #[must_use]
    pub fn with_fingerprint(mut self, fingerprint: Thumbprint) -> Self {
        self.members.fingerprint = Some(fingerprint);
        self
    }

    /// Tells the current epoch.
    #[must_use]
    pub fn with_epoch(mut self, epoch: u64) -> Self {
        self.members.epoch = Some(epoch);
        self
    }

    /// Tells where the feed stands.
    #[must_use]
    pub fn with_feed(mut self, generation: Generation, first: u64, head: u64) -> Self {
        self.members.generation = Some(generation);
        self.members.first = Some(first);
        self.members.head = Some(head);
        self
    }

    /// Tells the limit that was passed, in bytes.
    #[must_use]
    pub fn with_limit(mut self, limit: u64) -> Self {
        self.members.limit = Some(limit);
        self
    }

    /// Tells why it does not pass by itself.
    #[must_use]
    pub fn with_cause(mut self, cause: Cause) -> Self {
        self.members.cause = Some(cause);
        self
    }

    /// The status to answer with.
    pub fn status(&self) -> StatusCode {
        self.code.status()
    }

    /// The document, which is always JSON.
    pub fn to_json(&self) -> Vec<u8> {
        wire::encode(Encoding::Json, self)
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { code, detail, members } = self;
        write(serializer, code.as_str(), code.title(), code.status(), Some(detail), members)
    }
}

fn write<S: Serializer>(
    serializer: S,
    code: &str,
    title: &str,
    status: StatusCode,
    detail: Option<&str>,
    members: &Members,
) -> Result<S::Ok, S::Error> {
    let Members { now, fingerprint, epoch, generation, first, head, limit, cause } = members;
    let told = [
        detail.is_some(),
        now.is_some(),
        fingerprint.is_some(),
        epoch.is_some(),
        generation.is_some(),
        first.is_some(),
        head.is_some(),
        limit.is_some(),
        cause.is_some(),
    ];
    let mut map = serializer.serialize_map(Some(4 + told.iter().filter(|told| **told).count()))?;
    map.serialize_entry("type", &format_args!("{TYPE_PREFIX}{code}"))?;
    map.serialize_entry("title", title)?;
    map.serialize_entry("status", &status.as_u16())?;
    if let Some(detail) = detail {
        map.serialize_entry("detail", detail)?;
    }
    map.serialize_entry("code", code)?;
    if let Some(now) = now {
        map.serialize_entry("now", now)?;
    }
    if let Some(fingerprint) = fingerprint {
        map.serialize_entry("fingerprint", fingerprint)?;
    }
    if let Some(generation) = generation {
        map.serialize_entry("generation", generation)?;
    }
    if let Some(cause) = cause {
        map.serialize_entry("cause", cause.as_str())?;
    }
    for (name, number) in [("epoch", epoch), ("first", first), ("head", head), ("limit", limit)] {
        if let Some(number) = number {
            map.serialize_entry(name, number)?;
        }
    }
    map.end()
}

/// A problem that a peer answered with, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ReceivedForm")]
pub struct ReceivedProblem {
    /// The code, as a text, since it may be one of a later profile.
    pub code: String,
    /// What the peer says about it; show it as the peer's words.
    pub detail: Option<String>,
    /// What is told with the code. One that is ill-typed is as if it were not there.
    pub members: Box<Members>,
}

impl ReceivedProblem {
    /// Reads a problem document. Only the code is needed, as `code` or in the `type`.
    ///
    /// # Errors
    ///
    /// Where it is not a JSON object with a code.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        wire::decode(Encoding::Json, bytes)
    }

    /// The code, where this profile knows it.
    pub fn known(&self) -> Option<Code> {
        self.code.parse().ok()
    }
}

impl From<Problem> for ReceivedProblem {
    fn from(problem: Problem) -> Self {
        let Problem { code, detail, members } = problem;
        Self { code: code.as_str().to_owned(), detail: Some(detail), members }
    }
}

/// A problem's members on the wire.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ReceivedForm {
    code: LenientValue,
    #[serde(rename = "type")]
    kind: LenientValue,
    detail: LenientValue,
    now: LenientValue,
    fingerprint: LenientValue,
    epoch: LenientValue,
    generation: LenientValue,
    first: LenientValue,
    head: LenientValue,
    limit: LenientValue,
    cause: LenientValue,
}

impl TryFrom<ReceivedForm> for ReceivedProblem {
    type Error = Malformed;

    fn try_from(form: ReceivedForm) -> Result<Self, Malformed> {
        let ReceivedForm {
            code,
            kind,
            detail,
            now,
            fingerprint,
            epoch,
            generation,
            first,
            head,
            limit,
            cause,
        } = form;
        let code = code
            .text()
            .or_else(|| kind.text()?.strip_prefix(TYPE_PREFIX).map(str::to_owned))
            .ok_or_else(|| Malformed::new("a problem document without a code"))?;
        let members = Members {
            now: now.parsed(),
            fingerprint: fingerprint.parsed(),
            epoch: epoch.number(),
            generation: generation.parsed(),
            first: first.number(),
            head: head.number(),
            limit: limit.number(),
            cause: cause.parsed(),
        };
        Ok(Self { code, detail: detail.text(), members: Box::new(members) })
    }
}

impl Serialize for ReceivedProblem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = self.known();
        let title = known.map_or(self.code.as_str(), |known| known.title());
        let status = known.map_or(StatusCode::BAD_REQUEST, Code::status);
        write(serializer, &self.code, title, status, self.detail.as_deref(), &self.members)
    }
}
