use serde::{Deserialize, Serialize};
use ts_rs::TS;

records! {
    /// `preview-retention`: what would be removed now if the contents of messages went after so many days. Nothing is removed.
    PreviewRetention {
        /// The days.
        days: u32,
    }

    /// `set-retention`: after how many days the contents of messages are removed from the logs of all groups. What was removed does not
    /// come back.
    SetRetention {
        /// The days; without them, contents are kept.
        #[serde(default)]
        #[ts(optional)]
        days: Option<u32>,
    }
}
