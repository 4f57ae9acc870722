//! Requests between us and peers.

use drawbridge_mtp::id::Provider;
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

/// One request between us and a peer, in either direction.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Traffic {
    /// Grows by one with each request of this run of the node.
    #[ts(type = "number")]
    pub id: u64,
    /// When it began.
    #[ts(type = "string")]
    pub at: Timestamp,
    /// Which way.
    pub direction: Direction,
    /// The other side; for an incoming request as far as it was verified or at least claimed.
    #[ts(type = "string | null")]
    pub peer: Option<Provider>,
    /// Whether `peer` is proved by a signature.
    pub verified: bool,
    /// `GET`, `POST`, `DELETE`.
    pub method: String,
    /// Path below the endpoint, with query.
    pub target: String,
    /// Whether it waits for an answer right now.
    pub waiting: bool,
    /// The answer's status, once there is one.
    pub status: Option<u16>,
    /// The problem's code, where the answer is one.
    pub code: Option<String>,
    /// Time from the beginning to the answer.
    pub duration_ms: Option<f64>,
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
}
