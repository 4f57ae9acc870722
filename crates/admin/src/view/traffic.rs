//! Requests between us and peers.

use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Stage;

/// Which way a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From a peer to us.
    In,
    /// From us to a peer.
    Out,
}

/// Who has had a request sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Asker {
    /// The provider itself, or whoever has asked it.
    Node,
    /// The Doctor, which looks how it goes.
    Doctor,
}

/// What a request is about, by its method and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum TrafficKind {
    /// A page of a feed.
    Pull,
    /// A ping.
    Ping,
    /// A provider introduces itself.
    Introduce,
    /// A provider asks how it stands.
    Peering,
    /// A request for a connection.
    Ask,
    /// The end of a connection or of a request for one.
    TakeBack,
    /// The provider document.
    Document,
    /// An addition to a group.
    Authorization,
    /// KeyPackages.
    Keys,
    /// Submissions to groups.
    Submit,
    /// A group's log.
    Log,
    /// A group's members.
    Roster,
    /// A group's state.
    Info,
    /// A group's checkpoint.
    Checkpoint,
    /// Where an event of a group is.
    Trace,
    /// Something else of a group.
    Group,
    /// An object.
    Object,
    /// A look at somebody, asked for by a peer.
    Check,
    /// Anything else.
    Other,
}

/// What the parts of a request took, in milliseconds. A part that there was not, or that is not known, is null: a connection that
/// was open already has neither `dns`, `connect` nor `tls`.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Timing {
    /// Looking up the host's addresses.
    pub dns: Option<f64>,
    /// Connecting to one of them.
    pub connect: Option<f64>,
    /// The TLS handshake.
    pub tls: Option<f64>,
    /// Until the answer began: of a pull, what it waited for news.
    pub wait: Option<f64>,
    /// From the answer's beginning to its end.
    pub transfer: Option<f64>,
    /// Verifying the signature; of a request to us, all checks that come before it is carried out.
    pub verify: Option<f64>,
    /// Checking and storing the items of a page.
    pub store: Option<f64>,
}

/// What the signature that proves the other side says of itself.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct TrafficSignature {
    /// The components that it covers.
    pub covered: Vec<String>,
    /// The key that it names.
    pub key: Option<String>,
}

/// One request between us and a peer, in either direction.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Traffic {
    /// Grows by one with each request.
    #[ts(type = "number")]
    pub id: u64,
    /// When it began.
    #[ts(type = "string")]
    pub at: Timestamp,
    /// Which way.
    pub direction: Direction,
    /// What it is about.
    pub kind: TrafficKind,
    /// Who has had it sent.
    pub asker: Asker,
    /// The other side; for an incoming request as far as it was verified or at least claimed.
    #[ts(type = "string | null")]
    pub peer: Option<Provider>,
    /// The other side's address. Of a request to us it can be that of a proxy in front of us.
    pub address: Option<String>,
    /// Whether `peer` is proved by a signature.
    pub verified: bool,
    /// What that signature says of itself.
    pub signature: Option<TrafficSignature>,
    /// `GET`, `POST`, `DELETE`.
    pub method: String,
    /// Path below the endpoint, with query.
    pub target: String,
    /// The protocol that was spoken, such as `HTTP/2.0`.
    pub protocol: Option<String>,
    /// Whether it waits for an answer right now.
    pub waiting: bool,
    /// The answer's status, once there is one.
    pub status: Option<u16>,
    /// The problem's code, where the answer is one.
    pub code: Option<String>,
    /// Time from the beginning to the answer.
    pub duration_ms: Option<f64>,
    /// What its parts took.
    pub timing: Timing,
    /// Octets of the request's content.
    pub request_bytes: u32,
    /// Octets of the answer's content.
    pub response_bytes: u32,
    /// The items of a feed page, or what was submitted, at most the first 100.
    pub items: Vec<TrafficItem>,
    /// How many there were.
    pub item_count: u32,
    /// Where there was no answer, or one that could not be used: at which step it failed.
    pub stage: Option<Stage>,
    /// One sentence on what failed.
    pub text: Option<String>,
    /// Headers that concern the protocol, `name: value`, as sent and received.
    pub request_headers: Vec<String>,
    /// The same of the answer.
    pub response_headers: Vec<String>,
}

/// An item of a feed page, or a submission.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct TrafficItem {
    /// Its number in the feed, or in the group's log; 0 for a submission that was refused.
    #[ts(type = "number")]
    pub seq: u64,
    /// Its type; of a submission that was refused, with the code: `commit: epoch-conflict`.
    pub kind: String,
    /// The event that it tells of, or that it became, by which it can be traced.
    pub event: Option<TrafficEvent>,
}

/// An event by its name.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct TrafficEvent {
    /// The group.
    #[ts(type = "string")]
    pub group: GroupUri,
    /// Its number in the group's log.
    #[ts(type = "number")]
    pub seq: u64,
}
