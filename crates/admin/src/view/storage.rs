//! What takes room on the provider's disk, and what a retention would remove of it.

use drawbridge_mtp::id::{ClientUri, GroupUri, Provider};
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What takes room on the provider's disk. Octets of logs and feeds are about what they take in the store.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Storage {
    /// What takes room, by kind, in one order always.
    pub kinds: Vec<StoredKind>,
    /// The logs of groups, what takes the most first.
    pub groups: Vec<GroupStorage>,
    /// What is kept for and of other providers, what takes the most first.
    pub peers: Vec<PeerStorage>,
    /// Feeds of clients of our users, what takes the most first.
    pub clients: Vec<ClientStorage>,
    /// Octets of the store's file.
    #[ts(type = "number")]
    pub store_bytes: u64,
    /// Those of them that are free: they are used for what comes, or given back to the disk.
    #[ts(type = "number")]
    pub free_bytes: u64,
    /// Octets that are free on the disk with the data folder; `null` where that is not known.
    #[ts(type = "number | null")]
    pub disk_free_bytes: Option<u64>,
    /// Days after which the contents of messages are removed; `null` where they are kept.
    pub retention_days: Option<u32>,
    /// The fewest days that can be chosen.
    pub least_days: u32,
    /// Octets that are still to be given back to the disk, while that goes on.
    #[ts(type = "number | null")]
    pub compacting_bytes: Option<u64>,
    /// What was given back last since the provider was started.
    pub compacted: Option<Compacted>,
}

/// What is kept of one kind.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct StoredKind {
    /// Which.
    pub kind: StorageKind,
    /// Octets.
    #[ts(type = "number")]
    pub bytes: u64,
    /// How many there are, where that is counted.
    #[ts(type = "number | null")]
    pub count: Option<u64>,
}

/// Kinds of what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum StorageKind {
    /// Events of groups, in their logs.
    Logs,
    /// Items for other providers, until they have fetched them and a day longer.
    PeerFeeds,
    /// Items for clients of our users, until they have fetched them and a day longer.
    ClientFeeds,
    /// KeyPackages of our users' clients.
    KeyPackages,
    /// What else the store has: members, requests, decisions, what has come from others, and where everything stands.
    Other,
    /// Free room in the store's file.
    Free,
    /// What was just written and is yet to be moved into the store's file.
    WriteAhead,
    /// The traffic record.
    Traffic,
    /// Conversations of accounts that are used on this computer.
    Conversations,
    /// Backups in the folder for backups.
    Backups,
    /// Copies of the store from before another version changed it.
    Copies,
}

/// What the log of a group takes here.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct GroupStorage {
    /// The group.
    #[ts(type = "string")]
    pub group: GroupUri,
    /// Its name, where it is known.
    pub name: Option<String>,
    /// Whether we own it.
    pub ours: bool,
    /// Its events here.
    #[ts(type = "number")]
    pub events: u64,
    /// Octets.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Of messages below this number the contents were removed; `null` where none were.
    #[ts(type = "number | null")]
    pub contents_from: Option<u64>,
}

/// What is kept for and of another provider.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct PeerStorage {
    /// Which.
    #[ts(type = "string")]
    pub provider: Provider,
    /// Octets of all of it.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Octets of its feed.
    #[ts(type = "number")]
    pub feed_bytes: u64,
    /// Items of its feed.
    #[ts(type = "number")]
    pub items: u64,
    /// Those that it has not fetched.
    #[ts(type = "number")]
    pub waiting: u64,
    /// Groups that it owns.
    pub groups: u32,
    /// Octets of our copies of their logs.
    #[ts(type = "number")]
    pub group_bytes: u64,
}

/// What is kept for a client of a user here.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct ClientStorage {
    /// Which.
    #[ts(type = "string")]
    pub client: ClientUri,
    /// Octets of its feed.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Items of its feed.
    #[ts(type = "number")]
    pub items: u64,
    /// Those that it has not fetched.
    #[ts(type = "number")]
    pub waiting: u64,
}

/// Room that was given back to the disk.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Compacted {
    /// When.
    #[ts(type = "string")]
    pub at: Timestamp,
    /// Octets of the store's file before.
    #[ts(type = "number")]
    pub before_bytes: u64,
    /// And afterwards.
    #[ts(type = "number")]
    pub after_bytes: u64,
}

/// What a retention would remove now.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct RetentionPreview {
    /// After so many days.
    pub days: u32,
    /// Messages whose contents would go.
    #[ts(type = "number")]
    pub messages: u64,
    /// Octets of those.
    #[ts(type = "number")]
    pub bytes: u64,
    /// When the oldest was accepted; `null` where nothing would go.
    #[ts(type = "string | null")]
    pub oldest: Option<Timestamp>,
    /// The groups that it would go from, what takes the most first.
    pub groups: Vec<AgedGroup>,
    /// Messages that are old enough and stay for now, since somebody has yet to fetch them.
    #[ts(type = "number")]
    pub held: u64,
    /// Who has not fetched messages that are old enough.
    pub unfetched: Vec<Unfetched>,
}

/// What would go from one group.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct AgedGroup {
    /// The group.
    #[ts(type = "string")]
    pub group: GroupUri,
    /// Messages.
    #[ts(type = "number")]
    pub messages: u64,
    /// Octets of their contents.
    #[ts(type = "number")]
    pub bytes: u64,
    /// When the oldest was accepted.
    #[ts(type = "string")]
    pub oldest: Timestamp,
}

/// Somebody who has not fetched messages that are old enough to go.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Unfetched {
    /// A provider, or a client of a user here.
    pub reader: String,
    /// When it last fetched anything; `null` where it never did.
    #[ts(type = "string | null")]
    pub fetched: Option<Timestamp>,
    /// Messages that wait for it, and stay until it has fetched them, thirty days at most.
    #[ts(type = "number")]
    pub held: u64,
    /// Messages that do not wait for it any more, since it was away for longer: it would find that they were there, but not what they
    /// said.
    #[ts(type = "number")]
    pub lost: u64,
}
