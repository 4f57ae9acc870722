//! How everything is, in one code.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How everything is: the worst that is so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Health {
    /// What that is; texts in the GUI hang on it.
    pub code: HealthCode,
    /// How bad it is.
    pub grade: HealthGrade,
    /// The first thing that it is so for: a provider, a group or a file; `null` where it is about no one of them.
    pub about: Option<String>,
    /// For how many it is so.
    pub count: u32,
    /// Of how many.
    pub of: u32,
}

/// How bad something is, the worst first. What has not been so for long enough to be a fault is no worse than `wait`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum HealthGrade {
    /// It does not work.
    Bad,
    /// It will not work for long, or not for everybody.
    Warn,
    /// Somebody has to decide, or it cannot be known yet.
    Wait,
    /// All that was looked at is well, and all was looked at.
    Well,
}

/// What is so, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum HealthCode {
    /// The store cannot keep what it is given.
    StoreFailing,
    /// A certificate of ours has ended, or has not begun.
    CertificateInvalid,
    /// Our own name leads to no address.
    NameUnresolved,
    /// Another copy of the data folder runs, so nothing is signed.
    RunsTwice,
    /// Nothing listens at the port that our own name leads to.
    PortClosed,
    /// Our clock shows a time from before the program was built, so nothing is signed.
    ClockUnset,
    /// More than one peer, and most of them, say that our time is not theirs.
    ClockWrong,
    /// A peer has a new key, and nothing is exchanged with it until the operator has looked at it.
    KeyChanged,
    /// A group's log is broken.
    GroupBroken,
    /// We cannot pull allowed peers.
    PeersUnreachable,
    /// Peers that we allow have blocked us.
    PeersBlockUs,
    /// Allowed peers do not pull us, so that what is for them stays here.
    NotPulled,
    /// A certificate of ours is not for the host of our name.
    CertificateForeign,
    /// No certificate is got by ACME: there is none yet, or it is not renewed.
    CertificateNotGot,
    /// A certificate of ours ends soon.
    CertificateEnding,
    /// A new certificate of ours could not be taken, and the one before goes on.
    CertificateRefused,
    /// There is little room on the disk.
    DiskLow,
    /// No backup is made, though it is time.
    BackupFailing,
    /// A target of notifications cannot be reached.
    NotifyFailing,
    /// Others may not come here by the router.
    RouterFailing,
    /// The command for a changed address fails.
    AddressHookFailing,
    /// Our own name leads only to addresses that are not others' to connect to.
    NamePrivate,
    /// Our certificate is signed by itself, and no peer has come here by it.
    CertificateSelfSigned,
    /// No other provider can be reached, for a reason that is on this computer.
    NetworkGone,
    /// Something else is wrong with peers.
    Troubled,
    /// Clients have no fresh KeyPackage left: who is added next is added by one that was used before, or cannot be added.
    StockSpent,
    /// Providers, connections or additions wait for the operator.
    Waiting,
    /// Peers have not let us in yet.
    NotLetIn,
    /// The operator has paused peers.
    Paused,
    /// Clients have few fresh KeyPackages left.
    StockLow,
    /// Requests are not kept in the traffic record.
    TrafficNotKept,
    /// Providers on which nobody has decided come here and are refused.
    StrangerRefused,
    /// Peers are allowed, and none of them has pulled us yet: whether others reach us is not known.
    Unproved,
    /// Our own name has not been looked up yet.
    NameUnlooked,
    /// Only what the operator has ignored is wrong.
    Ignored,
    /// No peer is allowed: nothing that federation needs has been tried yet.
    Alone,
    /// Nothing is worse.
    Well,
}
