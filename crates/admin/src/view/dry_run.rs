//! What would happen if somebody asked something of this node.

use drawbridge_mtp::id::{Provider, UserUri};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What would happen, by the rules as they are now. Nothing was asked, kept or told for it.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct DryRun {
    /// The provider that would ask.
    #[ts(type = "string")]
    pub provider: Provider,
    /// The person that would ask; null where none was named, so that it is somebody of whom no rule speaks.
    #[ts(type = "string | null")]
    pub person: Option<UserUri>,
    /// What would become of each thing that can be asked, in the order in which it is.
    pub foresights: Vec<Foresight>,
    /// What that presumes: a sentence or two.
    pub presumed: String,
}

/// What would become of one thing that is asked.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Foresight {
    /// What is asked.
    pub asked: Asked,
    /// Of which user here; null where it is of the provider.
    #[ts(type = "string | null")]
    pub of: Option<UserUri>,
    /// What would become of it.
    pub outcome: Foreseen,
    /// By what: one sentence.
    pub why: String,
    /// What who asks would be told: the answer's status, and what it says.
    pub told: String,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// A provider introduces itself.
    Introduction,
    /// A connection with a user here.
    Connection,
    /// To add a user here to a group.
    Addition,
    /// What is in our feed for that provider.
    Pull,
}

/// What would become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Foreseen {
    /// It would be done at once, by a rule.
    Allowed,
    /// It would wait for a decision.
    Waits,
    /// It would be kept where nobody here sees it, and look as though it waited.
    Unseen,
    /// It would be refused, and who asks would be told so.
    Refused,
}
