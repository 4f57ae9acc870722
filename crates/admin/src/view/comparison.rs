//! What comparing the copies of a group's log tells.

use drawbridge_mtp::evidence::Contradiction;
use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{CheckEvidence, CheckSide, Stage};

/// `comparison`: our copy of a group's log beside those of others, as far as it has come.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Comparison {
    /// The group.
    #[ts(type = "string")]
    pub group: GroupUri,
    /// Whether we own it, so that ours is the log and the others have copies.
    pub is_ours: bool,
    /// The number of the last event here when it began.
    #[ts(type = "number")]
    pub head: u64,
    /// The hash of that event.
    #[ts(type = "string")]
    pub hash: Hash32,
    /// When it began.
    #[ts(type = "string")]
    pub began: Timestamp,
    /// The worst that was found so far; `null` where nothing was yet.
    pub verdict: Option<CopyVerdict>,
    /// What was found, in one or two sentences.
    pub summary: String,
    /// One for each provider that is done with, in that order.
    pub findings: Vec<CopyFinding>,
    /// How many providers are asked.
    pub providers: u32,
    /// Whether that is all.
    pub is_finished: bool,
}

/// What was found at one provider.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct CopyFinding {
    /// Which.
    #[ts(type = "string")]
    pub provider: Provider,
    /// Whether it owns the group.
    pub is_owner: bool,
    /// How its copy stands to ours.
    pub verdict: CopyVerdict,
    /// By how many events its copy is behind or ahead.
    #[ts(type = "number | null")]
    pub events: Option<u64>,
    /// The first event that is not the same.
    #[ts(type = "number | null")]
    pub differs_from: Option<u64>,
    /// One sentence: what was found.
    pub text: String,
    /// A stable code of what is wrong; remedies hang on it.
    pub code: Option<String>,
    /// The stage of that, for a code without a remedy of its own.
    pub stage: Stage,
    /// Who has to act, where something is wrong.
    pub side: Option<CheckSide>,
    /// How long it took.
    pub duration_ms: f64,
    /// What the owner has signed that this provider has shown; its signature is good.
    pub checkpoint: Option<SignedCheckpoint>,
    /// What was seen in particular.
    pub evidence: Vec<CheckEvidence>,
}

/// How somebody else's copy of a log stands to ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum CopyVerdict {
    /// Both have the same events.
    Equal,
    /// The other is behind: we have what it has, and more.
    Behind,
    /// The other is ahead: it has what we have, and more.
    Ahead,
    /// From some event on the two are not the same.
    Different,
    /// What it signs or shows is not in order, so it cannot be compared.
    Invalid,
    /// It has answered that it does not tell us.
    Refused,
    /// It asks to be asked later.
    Waits,
    /// It could not be reached, or what was answered in its name cannot be taken for its answer.
    Unanswered,
    /// It was not asked.
    NotAsked,
}

/// A checkpoint that the owner of a group has signed (section 10).
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct SignedCheckpoint {
    /// The number of the last event that it covers.
    #[ts(type = "number")]
    pub seq: u64,
    /// The hash of that event.
    #[ts(type = "string")]
    pub hash: Hash32,
    /// When it was signed, by the owner's clock.
    #[ts(type = "string")]
    pub signed: Timestamp,
    /// The thumbprint of the key that has signed it.
    #[ts(type = "string")]
    pub key: Thumbprint,
    /// Whether our copy has that hash there; `null` where we do not have the event.
    pub agrees: Option<bool>,
}

/// Two stories that the owner of a group has told of one event.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct GroupFork {
    /// The event.
    #[ts(type = "number")]
    pub seq: u64,
    /// When it was found.
    #[ts(type = "string")]
    pub found: Timestamp,
    /// Whether anybody can verify it by the evidence.
    pub is_proved: bool,
    /// One sentence: what the owner has done, and what that proves to whom.
    pub text: String,
}

/// `evidence`: what proves that the owner of a group told two stories, as a file for whoever is to verify it. Its form is
/// `drawbridge_mtp::evidence::ForkEvidence`.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct ForkEvidence {
    /// The group.
    #[ts(type = "string")]
    pub group: GroupUri,
    /// The two stories of each event: what was signed, the documents with the keys, and the events between.
    #[ts(type = "unknown[]")]
    pub contradictions: Vec<Contradiction>,
}
