//! Where the operator is told what waits and what is wrong, besides the screens.

use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::RepairSeverity;

/// Where the operator is told what waits and what is wrong, besides the screens.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct NotifyTargets {
    /// Each of `[notify]` in the configuration, without anything secret.
    pub targets: Vec<NotifyTarget>,
}

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct NotifyTarget {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: NotifyTargetKind,
    /// The server, with its port where that is not the usual one.
    pub place: String,
    /// Whether it is told the names of users, providers and groups.
    pub names: bool,
    /// Whether it is told what waits for a decision.
    pub waits: bool,
    /// How bad what is wrong has to be for it to be told.
    pub least: RepairSeverity,
    /// How many things it is yet to be told.
    pub waiting: u32,
    /// When it was last reached; `null` where it never was.
    #[ts(type = "string | null")]
    pub reached: Option<Timestamp>,
    /// How it fails, where it does.
    pub failing: Option<NotifyFailure>,
}

/// What a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum NotifyTargetKind {
    /// A program that is sent JSON.
    Webhook,
    /// A topic of ntfy.
    Ntfy,
    /// Addresses for mail.
    Smtp,
}

/// A target that cannot be reached.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct NotifyFailure {
    /// Since the first failure in a row.
    #[ts(type = "string")]
    pub since: Timestamp,
    /// How many there were.
    pub tries: u32,
    /// Why the last one failed, with what the server has answered: one sentence.
    pub text: String,
    /// When it is tried again.
    #[ts(type = "string")]
    pub next: Timestamp,
}

/// What became of a test.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct NotifyTests {
    /// Of each target.
    pub results: Vec<NotifyTest>,
}

/// What became of the test of one target.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct NotifyTest {
    /// What the target is called.
    pub name: String,
    /// Why the test has not come, in one sentence; `null` where it has.
    pub fault: Option<String>,
}
