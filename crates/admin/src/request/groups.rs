//! Requests about groups as their provider sees them.

use drawbridge_mtp::id::{GroupUri, Id, UserUri};
use drawbridge_mtp::time::Timestamp;
use drawbridge_node::typed::de_as;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::view::GroupSummary;

records! {
    /// `groups`.
    Groups {
        /// Those that we own or that our users are or were in: by name, and by address where they have none.
        groups: Vec<GroupSummary>,
    }

    /// Names a group: `group`, `compare-log`, `evidence`.
    NamedGroup {
        /// Which.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::group")]
        group: GroupUri,
    }

    /// Names one event of a group: `trace-elsewhere`.
    NamedEvent {
        /// The group.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::group")]
        group: GroupUri,
        /// The number of the event.
        #[ts(type = "number")]
        seq: u64,
    }

    /// `trace`: names one event, by its group and number, by its group, sender and time, or what was submitted, by its id.
    TraceOf {
        /// The group.
        #[serde(default)]
        #[ts(type = "string", optional)]
        group: Option<GroupUri>,
        /// The number of the event.
        #[serde(default)]
        #[ts(type = "number", optional)]
        seq: Option<u64>,
        /// The user who has sent it.
        #[serde(default)]
        #[ts(type = "string", optional)]
        sender: Option<UserUri>,
        /// When its owner accepted it.
        #[serde(default)]
        #[ts(type = "string", optional)]
        time: Option<Timestamp>,
        /// The id under which it was submitted.
        #[serde(default)]
        #[ts(type = "string", optional)]
        submission: Option<Id>,
    }
}
