//! What is wrong and can be acted upon.

use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Provider};
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{CheckSide, Stage, Suffers};

/// Something that is wrong, or was.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Repair {
    /// Which.
    #[ts(type = "string")]
    pub id: Id,
    /// Whom it is about.
    pub subject: RepairSubject,
    /// What of that is wrong: of one subject and kind at most one is open at a time.
    pub kind: String,
    /// A stable code; what to do hangs on it.
    pub code: String,
    /// At which step, where it is a trouble with a peer; for a code without a remedy of its own.
    pub stage: Option<Stage>,
    /// How bad it is.
    pub severity: RepairSeverity,
    /// Who has to act.
    pub side: CheckSide,
    /// One sentence, the same wherever it is said.
    pub text: String,
    /// What hangs on it.
    pub suffers: Suffers,
    /// When it began to be so.
    #[ts(type = "string")]
    pub since: Timestamp,
    /// When it was raised, after what tells a fault from a blip.
    #[ts(type = "string")]
    pub raised: Timestamp,
    /// When it was last seen.
    #[ts(type = "string")]
    pub seen: Timestamp,
    /// When it was seen to be well again; `null` while it is open.
    #[ts(type = "string | null")]
    pub gone: Option<Timestamp>,
    /// Whether it is ignored, which holds until it changes.
    pub ignored: bool,
    /// When the operator last ignored it.
    #[ts(type = "string | null")]
    pub ignored_at: Option<Timestamp>,
}

/// Whom something that is wrong is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum RepairSubject {
    /// This node.
    Node,
    /// A certificate of ours.
    Certificate {
        /// What it is for: `mtp`, `client` or `admin`.
        section: String,
    },
    /// Another provider.
    Peer {
        /// Which.
        #[ts(type = "string")]
        provider: Provider,
    },
    /// A group.
    Group {
        /// Which.
        #[ts(type = "string")]
        group: GroupUri,
    },
    /// A client of a user here.
    Client {
        /// Which.
        #[ts(type = "string")]
        client: ClientUri,
    },
    /// A target of notifications.
    Target {
        /// What it is called.
        name: String,
    },
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum RepairSeverity {
    /// It works all the same.
    Low,
    /// It will not work for long, or not for everybody.
    Medium,
    /// It does not work, and somebody suffers from that.
    High,
}

/// Something that is wrong and has not lasted for long enough to be listed as such.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct BegunRepair {
    /// Whom it is about.
    pub subject: RepairSubject,
    /// What of that is wrong.
    pub kind: String,
    /// A stable code.
    pub code: String,
    /// At which step, where it is a trouble with a peer.
    pub stage: Option<Stage>,
    /// Who has to act, where it lasts.
    pub side: CheckSide,
    /// One sentence.
    pub text: String,
    /// When it began to be so.
    #[ts(type = "string")]
    pub since: Timestamp,
    /// Seconds for which it has to last before it is listed.
    #[ts(type = "number")]
    pub listed_after_s: u64,
}

/// What is wrong and can be acted upon, and what was.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Repairs {
    /// What is wrong, the worst first.
    pub open: Vec<Repair>,
    /// What is wrong and is ignored until it changes.
    pub ignored: Vec<Repair>,
    /// What is wrong and is not listed yet, since it has not lasted for long enough to be no blip.
    pub begun: Vec<BegunRepair>,
    /// What is well again, the latest first; the latest 500.
    pub history: Vec<Repair>,
    /// When it was last looked; `null` before the first look since the start.
    #[ts(type = "string | null")]
    pub looked: Option<Timestamp>,
}
