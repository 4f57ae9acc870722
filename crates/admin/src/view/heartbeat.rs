//! How it went with a peer over time.

use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The time that the ninety slots of a heartbeat are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub enum HeartbeatSpan {
    /// Slots of 40 seconds.
    #[serde(rename = "1h")]
    Hour,
    /// Slots of 16 minutes.
    #[serde(rename = "1d")]
    Day,
    /// Slots of 112 minutes.
    #[serde(rename = "7d")]
    Week,
    /// Slots of eight hours.
    #[serde(rename = "30d")]
    Month,
}

/// What is to be said of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum SlotState {
    /// This node did not run in it, or did not count yet.
    Off,
    /// Nothing was asked.
    Quiet,
    /// All that was asked was answered.
    Good,
    /// Some of it failed.
    SomeFailed,
    /// All of it failed.
    Failed,
}

/// A slot of a heartbeat.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct HeartbeatSlot {
    /// What is to be said of it.
    pub state: SlotState,
    /// Requests that were answered in it, and those that waited in it.
    pub good: u32,
    /// Requests that failed in it, so that federation did not work. A decision, such as that somebody is blocked, is no failure.
    pub failed: u32,
    /// Why the latest of them did.
    pub code: Option<String>,
}

/// How it went with a peer: ninety slots for each direction, the oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Heartbeat {
    /// When the first slot begins.
    #[ts(type = "string")]
    pub from: Timestamp,
    /// How long each slot is.
    #[ts(type = "number")]
    pub slot_ms: u64,
    /// What we asked of the peer.
    pub ours: Vec<HeartbeatSlot>,
    /// What it asked of us.
    pub theirs: Vec<HeartbeatSlot>,
}
