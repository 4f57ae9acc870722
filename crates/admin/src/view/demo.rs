//! The demo federation.

use drawbridge_mtp::id::{Provider, UserUri};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The demo federation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Demo {
    /// Its providers; one of them is what the window shows.
    pub nodes: Vec<DemoNode>,
    /// What a newcomer has done in it.
    pub steps: DemoSteps,
}

/// A provider of the demo federation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
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
    /// What waits there for its operator's decision; 0 while it is stopped.
    pub waiting: u32,
    /// Messages there that its people have not read; 0 while it is stopped.
    pub unread: u32,
    /// Its people.
    #[ts(type = "string[]")]
    pub people: Vec<UserUri>,
}

/// What has been done of what the demo is for, as alpha and its people know it; while alpha is stopped, as they knew it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DemoSteps {
    /// Somebody of alpha is connected with somebody of beta.
    pub connected: bool,
    /// There is a group that alpha keeps.
    pub made: bool,
    /// For people of which providers it was asked that they be added to it.
    pub asked: Vec<String>,
    /// People of which providers were added to it.
    pub added: Vec<String>,
    /// Somebody of alpha has written in it.
    pub wrote: bool,
    /// People of which other providers have written in it.
    pub answered: Vec<String>,
    /// Somebody was removed from it.
    pub removed: bool,
}
