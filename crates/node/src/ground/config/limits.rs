//! What is given away at most.

use serde::{Deserialize, Serialize};

use super::fault::ConfigFault;

/// What is given away at most.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Providers that may wait for a decision at one time.
    pub pending_peers: u64,
    /// Days after which a provider that waits is forgotten.
    pub pending_days: u32,
    /// Requests a second from one address that name no allowed peer.
    pub stranger_requests: u32,
    /// Requests a second of one peer; four times as many of one address in the name of allowed peers.
    pub peer_requests: u32,
    /// Requests for connections, and connections, of the users of one peer that are kept; and as many authorizations.
    pub peer_connections: u64,
    /// Connections from other providers at one time.
    pub open_connections: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            pending_peers: 1000,
            pending_days: 14,
            stranger_requests: 100,
            peer_requests: 1000,
            peer_connections: 10_000,
            open_connections: 4096,
        }
    }
}

impl LimitsConfig {
    pub(super) fn check(&self) -> Result<(), ConfigFault> {
        let LimitsConfig {
            pending_peers,
            pending_days,
            stranger_requests,
            peer_requests,
            peer_connections,
            open_connections,
        } = *self;
        let limits = [
            ("pending_peers", pending_peers),
            ("pending_days", pending_days.into()),
            ("stranger_requests", stranger_requests.into()),
            ("peer_requests", peer_requests.into()),
            ("peer_connections", peer_connections),
            ("open_connections", open_connections.into()),
        ];
        if let Some((name, _)) = limits.into_iter().find(|(_, limit)| *limit == 0) {
            return Err(ConfigFault::Unfit(format!(
                "[limits] {name} = 0 would let nobody in; it is at least 1"
            )));
        }
        Ok(())
    }
}
