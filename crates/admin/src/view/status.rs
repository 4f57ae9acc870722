//! The installation and its node at a glance.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Health, Ourselves};

/// What this installation is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Nothing has been set up: the first screen offers the demo and a provider of one's own.
    New,
    /// A provider of the operator's own.
    Own,
    /// The demo federation: three providers on this machine, this window being `alpha`'s.
    Demo,
    /// The demo was left, in a program that shows nothing else and keeps nothing.
    DemoLeft,
}

/// The whole installation at a glance.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Status {
    /// What this installation is.
    pub mode: Mode,
    /// This node's version.
    pub version: String,
    /// The clock of the node.
    #[ts(type = "string")]
    pub now: Timestamp,
    /// The running node; `null` while there is none (mode `new`).
    pub node: Option<NodeStatus>,
}

/// The running node at a glance.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct NodeStatus {
    /// How everything is: the worst that is so.
    pub health: Health,
    /// Our authority.
    #[ts(type = "string")]
    pub provider: Provider,
    /// When the node was started.
    #[ts(type = "string")]
    pub started: Timestamp,
    /// The thumbprint of the key that we sign with.
    pub fingerprint: String,
    /// The endpoint that our provider document names.
    pub endpoint: String,
    /// How strangers are treated.
    pub strangers: Strangers,
    /// Whether requesters learn that they were declined.
    pub tell_declined: bool,
    /// Providers that wait for a decision.
    pub waiting_providers: u32,
    /// Requests for a connection that wait for a decision.
    pub waiting_connections: u32,
    /// Requests to add a user to a group that wait for a decision.
    pub waiting_additions: u32,
    /// Peers that are allowed.
    pub peers: u32,
    /// Allowed peers that we cannot reach at the moment.
    pub failing_peers: u32,
    /// Whether allowed peers run a newer version of Drawbridge.
    pub newer: Option<NewerVersion>,
    /// Accounts here.
    pub users: u32,
    /// Approved connections of our users.
    pub connections: u32,
    /// Pulls, ours and theirs, that were answered in the last 60 s.
    pub pulls_last_minute: u32,
    /// Pulls of peers that wait here right now.
    pub waiting_pulls: u32,
    /// Where the node listens.
    pub listeners: Vec<Listener>,
    /// The data folder.
    pub data_dir: String,
    /// Size of the store on disk.
    #[ts(type = "number")]
    pub store_bytes: u64,
    /// What is so with this node itself: its name, its certificates, its store.
    pub ourselves: Ourselves,
}

/// Allowed peers run a newer version of Drawbridge, as their documents say.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct NewerVersion {
    /// The newest of theirs, such as `0.3.0`.
    pub version: String,
    /// How many run a newer one than this.
    pub peers: u32,
}

/// One address that the node listens on.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Listener {
    /// `mtp`, `client` or `admin`.
    pub name: String,
    /// Address and port.
    pub address: String,
    /// Whether TLS is spoken there.
    pub tls: bool,
}

/// How strangers become peers (section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Strangers {
    /// A stranger waits until the operator has approved it.
    Ask,
    /// A stranger is let in as soon as it introduces itself.
    Open,
    /// Only providers that the operator has added are spoken with.
    Listed,
}
