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
    /// What is switched on of what may be wrong with it.
    pub on: Vec<DemoSwitch>,
    /// What is being turned on or off.
    pub turning: Option<DemoSwitch>,
    /// What cannot be turned on, since it is the one that this window shows.
    pub locked: Vec<DemoSwitch>,
    /// Whether it keeps a group in which people of another one take part that runs, so that its log can be forked.
    pub can_fork: bool,
}

/// Something that may be wrong with a provider of the demo, which is turned on and off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum DemoSwitch {
    /// It is stopped.
    Stopped,
    /// What it answers is on its way for long.
    Slow,
    /// Connections to it break amid answers and requests.
    Lossy,
    /// A proxy before it cuts pulls that wait, and large contents.
    CuttingProxy,
    /// Its clock is ten minutes ahead.
    ClockAhead,
    /// Its clock is ten minutes behind.
    ClockBehind,
    /// Its certificate has run out.
    CertificateExpired,
    /// Its certificate is for another name.
    CertificateWrongName,
    /// It has another signing key.
    KeyChanged,
    /// Its store finds no room on the disk.
    DiskFull,
    /// It has put a backup back, and gone on in a group: the group has two histories.
    Forked,
}

impl DemoSwitch {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Stopped,
        Self::Slow,
        Self::Lossy,
        Self::CuttingProxy,
        Self::ClockAhead,
        Self::ClockBehind,
        Self::CertificateExpired,
        Self::CertificateWrongName,
        Self::KeyChanged,
        Self::DiskFull,
        Self::Forked,
    ];

    /// Whether its provider is stopped for it, so that it cannot be the one that is shown.
    pub(crate) fn restarts(self) -> bool {
        matches!(self, Self::Stopped | Self::KeyChanged | Self::Forked)
    }

    /// Whether it can be turned on at the provider that is shown: what is wrong on the way to a provider is seen only by those
    /// who come to it.
    pub(crate) fn may_be_shown(self) -> bool {
        !self.restarts() && !matches!(self, Self::Slow | Self::Lossy | Self::CuttingProxy)
    }
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
