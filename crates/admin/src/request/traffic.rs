//! What is asked of the traffic record.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;
use drawbridge_node::typed::de_as;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::view::{Asker, Direction, Heartbeat, HeartbeatSpan, Traffic, TrafficKind};

records! {
    /// Which requests are asked for; all that are kept, where nothing is named.
    #[derive(Default)]
    TrafficFilters {
        /// Only with this peer.
        #[serde(default, deserialize_with = "de_as::some_provider")]
        #[ts(optional, type = "string")]
        peer: Option<Provider>,
        /// Only those that went this way.
        #[serde(default)]
        #[ts(optional)]
        direction: Option<Direction>,
        /// Only those that are about this.
        #[serde(default)]
        #[ts(optional)]
        kind: Option<TrafficKind>,
        /// Only those that this one has had sent: `node` leaves out what the Doctor has.
        #[serde(default)]
        #[ts(optional)]
        asker: Option<Asker>,
        /// Only those that failed on their way or were refused.
        #[serde(default)]
        #[ts(as = "Option<bool>", optional)]
        failures: bool,
        /// Only those that began at this time or later.
        #[serde(default)]
        #[ts(optional, type = "string")]
        since: Option<Timestamp>,
        /// Only those that began before this time.
        #[serde(default)]
        #[ts(optional, type = "string")]
        until: Option<Timestamp>,
        /// Only those with this in their path, code or sentence.
        #[serde(default)]
        #[ts(optional)]
        text: Option<String>,
    }

    /// `traffic`: requests between us and peers, the latest first.
    TrafficQuery {
        /// Which.
        #[serde(default)]
        #[ts(as = "Option<TrafficFilters>", optional)]
        filters: TrafficFilters,
        /// Only those that came before the one with this number: the next page.
        #[serde(default)]
        #[ts(optional, type = "number")]
        before: Option<u64>,
        /// At most so many; 1,000 unless told, and at most 10,000.
        #[serde(default)]
        #[ts(optional, type = "number")]
        limit: Option<u32>,
    }

    /// `traffic`.
    TrafficList {
        /// Newest first.
        records: Vec<Traffic>,
        /// What is kept on disk; null where nothing is to be.
        kept: Option<TrafficKept>,
    }

    /// What is kept of the traffic on disk.
    TrafficKept {
        /// How many requests.
        #[ts(type = "number")]
        requests: u64,
        /// When the oldest of them began.
        #[ts(type = "string | null")]
        since: Option<Timestamp>,
        /// How many of this run could not be written.
        #[ts(type = "number")]
        lost: u64,
        /// Why the latest could not be written, where they could not.
        fault: Option<String>,
    }

    /// `heartbeats`: how it went with a peer over time.
    HeartbeatsOf {
        /// The peer.
        #[serde(deserialize_with = "de_as::provider")]
        #[ts(type = "string")]
        provider: Provider,
        /// Over which.
        span: HeartbeatSpan,
    }

    /// `heartbeats`.
    Heartbeats {
        /// Both directions; null where nothing is kept, so that nothing is counted.
        heartbeat: Option<Heartbeat>,
        /// Why what comes is not counted, where it should be and is not.
        fault: Option<String>,
    }

    /// `export-traffic`: requests as a file.
    ExportTraffic {
        /// Which; the latest 10,000 of them.
        #[serde(default)]
        #[ts(as = "Option<TrafficFilters>", optional)]
        filters: TrafficFilters,
        /// The form of the file.
        format: TrafficFormat,
        /// Whether the names of providers, groups and people are replaced by hashes that differ from file to file.
        hide_names: bool,
    }

    /// `export-traffic`.
    TrafficFile {
        /// The file.
        text: String,
        /// How many requests are in it.
        requests: u32,
        /// Whether there are older ones that it has no room for.
        more: bool,
    }
}

/// The form of a file with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum TrafficFormat {
    /// HTTP Archive (HAR) 1.2, which the network panels of browsers read.
    Har,
    /// A JSON object on each line.
    JsonLines,
}
