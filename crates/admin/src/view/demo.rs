//! The demo federation.

use drawbridge_mtp::id::{Provider, UserUri};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The demo federation.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Demo {
    /// Its providers; one of them is what the window shows.
    pub nodes: Vec<DemoNode>,
}

/// A provider of the demo federation.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct DemoNode {
    /// `alpha`, `beta` or `gamma`.
    pub name: String,
    /// Its authority.
    #[ts(type = "string")]
    pub provider: Provider,
    /// Whether it is the one that this window shows.
    pub shown: bool,
    /// Whether it runs.
    pub running: bool,
    /// Its people.
    #[ts(type = "string[]")]
    pub people: Vec<UserUri>,
}
