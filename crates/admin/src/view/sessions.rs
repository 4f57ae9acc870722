//! The browsers that may use the pages.

use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// All browsers that may use the pages.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Sessions {
    /// The latest first.
    pub sessions: Vec<Session>,
}

/// A browser that may use the pages.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Session {
    /// Which one.
    pub id: String,
    /// What the browser calls itself (`User-Agent`), cut to 200 characters.
    pub browser: String,
    /// When it used its link.
    #[ts(type = "string")]
    pub created: Timestamp,
    /// When it was last seen, give or take ten minutes.
    #[ts(type = "string")]
    pub seen: Timestamp,
}
