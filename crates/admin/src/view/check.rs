//! What the doctor tells of a provider.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Stage;

/// A look at a provider, step by step, as far as it has come.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct CheckReport {
    /// The provider's name, or what was typed where that is none.
    pub provider: String,
    /// Whether that is this provider itself, as others find it.
    pub is_own: bool,
    /// The peer that has looked, where it was not this node.
    #[ts(type = "string | null")]
    pub seen_by: Option<Provider>,
    /// When the look began.
    #[ts(type = "string")]
    pub began: Timestamp,
    /// The worst that was found so far.
    pub verdict: CheckVerdict,
    /// Whether nothing was found so far that is needed between the two and is not there. It is so with warnings of what is not.
    pub works: bool,
    /// What is wrong and who has to act, or that all is well: one or two sentences.
    pub summary: String,
    /// What was done so far, in order.
    pub steps: Vec<CheckStep>,
    /// Whether that is all.
    pub is_finished: bool,
}

/// One step.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct CheckStep {
    /// What it looks at.
    pub name: CheckStepName,
    /// The address that it is about, where there are several.
    pub at: Option<String>,
    /// What is said of it.
    pub verdict: CheckVerdict,
    /// How long it took.
    pub duration_ms: f64,
    /// One sentence: what was seen, or why it was not done.
    pub text: String,
    /// A stable code of what is wrong; remedies hang on it.
    pub code: Option<String>,
    /// The stage of that, for a code without a remedy of its own.
    pub stage: Stage,
    /// Who has to act, where something is wrong.
    pub side: Option<CheckSide>,
    /// What was seen in particular.
    pub evidence: Vec<CheckEvidence>,
}

/// One thing that was seen.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct CheckEvidence {
    /// What it is, in a few words.
    pub what: String,
    /// As a person reads it.
    pub value: String,
}

/// What a step looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum CheckStepName {
    /// The request to a peer to look at us.
    LookBack,
    /// Whether the name is one that a provider can have.
    Name,
    /// What is so on this side and keeps every other provider from it, where it is another that is looked at.
    ThisSide,
    /// Whether our own store keeps what it is given, where it is ourselves who are looked at.
    Store,
    /// How others come in by the router, where it is ourselves who are looked at.
    WayIn,
    /// The addresses that the name leads to.
    Dns,
    /// Whether peers may be on those addresses.
    Addresses,
    /// A connection to one address.
    Connect,
    /// The TLS handshake and the certificate at one address.
    Tls,
    /// What is at `/.well-known/mtp`.
    Document,
    /// The keys in the document.
    Keys,
    /// Its clock against ours.
    Clock,
    /// A signed request and its signed answer.
    Ping,
    /// What the peer says of us.
    Seen,
    /// What each side has decided on the other.
    Peering,
    /// How much fits into a request.
    Limits,
    /// A pull of its feed.
    Pull,
    /// How our own pulls there go.
    OurPull,
    /// How its pulls here go.
    TheirPull,
}

/// What is said of a step, or of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum CheckVerdict {
    /// All is well.
    Pass,
    /// It works, and something should be known or done.
    Warn,
    /// It does not work until somebody has decided.
    Wait,
    /// It does not work.
    Fail,
    /// It was not done.
    Skipped,
}

/// Which side has to change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum CheckSide {
    /// This one.
    Ours,
    /// The other provider's operator.
    Theirs,
    /// One of the two, which cannot be told apart from here.
    Either,
    /// Nobody: it passes by itself, or waits for a decision.
    Nobody,
}
