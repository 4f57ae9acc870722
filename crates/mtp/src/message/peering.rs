//! Peering (section 6).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{text::words, time::Timestamp};

words! {
    /// One side's judgement of the other.
    PeerState: "a state of a peer" {
        /// Never met.
        Unknown = "unknown",
        /// Waits for the operator.
        Pending = "pending",
        /// May federate.
        Allowed = "allowed",
        /// Refused by the operator.
        Blocked = "blocked",
        /// Signs with keys that the operator has not accepted.
        KeyChanged = "key-changed",
    }
}

/// `POST /peering`: an introduction, which carries no text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringRequest {}

/// The answer to `POST` and `GET /peering`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringReply {
    /// What the answering side thinks of the asker.
    pub state: PeerState,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// The answer to `GET /ping`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// The answering side's time.
    pub now: Timestamp,
    /// What it thinks of the asker.
    pub state: PeerState,
    /// The address it saw the request come from.
    #[serde(with = "address")]
    pub your_address: IpAddr,
}

/// The feed's item `peer`: the peer became allowed. It only informs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerItem {
    /// The state.
    pub state: PeerState,
}

/// An IP address as a text, in CBOR too: RFC 5952 form, and IPv4 as such.
mod address {
    use std::{net::IpAddr, str::FromStr};

    use serde::{Deserializer, Serializer};

    struct Address(IpAddr);

    impl FromStr for Address {
        type Err = &'static str;

        fn from_str(text: &str) -> Result<Self, &'static str> {
            match text.parse::<IpAddr>() {
                Ok(address) if address.to_canonical().to_string() == text => Ok(Self(address)),
                _ => Err("not an IP address in RFC 5952 form"),
            }
        }
    }

    pub(super) fn serialize<S: Serializer>(address: &IpAddr, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&address.to_canonical())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpAddr, D::Error> {
        crate::text::deserialize(deserializer).map(|Address(address)| address)
    }
}
