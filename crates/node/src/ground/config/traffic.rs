//! What is kept of the requests between us and peers.

use serde::{Deserialize, Serialize};

/// What is kept of the requests between us and peers, on disk and over restarts. Where one of them is 0, nothing is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrafficConfig {
    /// Requests.
    pub keep_requests: u32,
    /// MiB that they take.
    pub keep_mib: u32,
}

impl Default for TrafficConfig {
    fn default() -> Self {
        Self { keep_requests: 100_000, keep_mib: 64 }
    }
}
