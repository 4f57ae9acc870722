//! Requests about groups as their provider sees them.

use drawbridge_mtp::id::GroupUri;
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
}
