//! Looking back at a provider that asks for it: an optional part of the profile (`docs/checks.md`).

use serde::{Deserialize, Serialize};

use crate::{id::Id, time::Timestamp};

/// `POST /checks`: the caller wants to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRequest {
    /// The caller's name for the look. A repeat is the same look.
    pub id: Id,
}

/// The answer to `POST /checks`: it is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReply {
    /// The look's id.
    pub id: Id,
}

/// The feed's item `check`: what was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckItem {
    /// The look's id.
    pub id: Id,
    /// When it began.
    pub began: Timestamp,
    /// What was done, in order.
    pub steps: Vec<CheckedStep>,
}

/// One step of a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedStep {
    /// What it looks at: one of the words of `docs/checks.md`, or another that the reader skips.
    pub name: String,
    /// The address that it is about, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// `pass`, `warn`, `fail` or `skipped`.
    pub verdict: String,
    /// A code of what is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// One sentence.
    pub text: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}
