//! Private addresses that are allowed for one peer each.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `met-addresses`: where a peer is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MetAddresses {
    /// Of its name, and of its endpoint where that is elsewhere.
    pub addresses: Vec<MetAddress>,
}

/// An address at which a peer is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MetAddress {
    /// The name, or the address itself, that leads there.
    pub host: String,
    /// Which.
    pub address: String,
    /// Whether it may be connected to.
    pub open: bool,
    /// Whether it can be allowed by a click.
    pub may_be_allowed: bool,
}

/// `allowed-addresses`, `allow-addresses`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AllowedAddresses {
    /// All, by provider.
    pub addresses: Vec<AllowedAddress>,
}

/// A private address that is allowed for one peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AllowedAddress {
    /// The peer.
    #[ts(type = "string")]
    pub provider: Provider,
    /// The name, or the address itself, by which it is reached there.
    pub host: String,
    /// Which.
    pub address: String,
    /// Since when.
    #[ts(type = "string")]
    pub since: Timestamp,
}
