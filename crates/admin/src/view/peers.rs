//! The providers that we know, and how it goes with each in both directions.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{CheckSide, Trouble};

/// The states of a peer (section 6), for TypeScript; in Rust they are the protocol's own [`PeerState`].
#[derive(TS)]
#[ts(rename = "PeerState", rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its shape is used")]
pub(super) enum PeerStateWord {
    Unknown,
    Pending,
    Allowed,
    Blocked,
    KeyChanged,
}

/// A peer, with how federation with it goes in both directions.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Peer {
    /// Which.
    #[ts(type = "string")]
    pub provider: Provider,
    /// Our judgement of it.
    #[ts(as = "PeerStateWord")]
    pub state: PeerState,
    /// Since when.
    #[ts(type = "string")]
    pub since: Timestamp,
    /// Its judgement of us, as far as it has said.
    #[ts(as = "Option<PeerStateWord>")]
    pub their_state: Option<PeerState>,
    /// Thumbprints of the keys accepted so far.
    pub fingerprints: Vec<String>,
    /// For `key-changed`: the thumbprints that its document has now.
    pub new_fingerprints: Vec<String>,
    /// Its software, as its document says.
    pub software: Option<String>,
    /// Its endpoint, as its document says.
    pub endpoint: Option<String>,
    /// We pull them.
    pub pulling: Pulling,
    /// They pull us.
    pub serving: Serving,
    /// Round trip of our last request that was answered without waiting.
    pub latency_ms: Option<f64>,
    /// Approved connections with its users.
    pub connections: u32,
    /// What went wrong, newest first; for the list only what is not over.
    pub troubles: Vec<Trouble>,
    /// What is kept here of what it has sent; `null` in the list.
    pub kept: Option<KeptOfPeer>,
    /// What hangs on reaching it; `null` in the list.
    pub suffers: Option<Suffers>,
    /// How it goes with it, in one judgement.
    pub standing: PeerStanding,
}

/// How it goes with a peer: the same words wherever it is said.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct PeerStanding {
    /// A word for it.
    pub code: PeerStandingCode,
    /// One sentence, or two.
    pub text: String,
    /// Who has to act, where somebody has.
    pub side: Option<CheckSide>,
    /// Whether and when it is tried, and why not: one sentence.
    pub next: String,
}

/// How it goes with a peer, the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum PeerStandingCode {
    /// It shows another key than those accepted.
    KeyChanged,
    /// You have blocked it.
    Blocked,
    /// It waits for your decision.
    WaitsHere,
    /// Nothing was decided on it.
    Unmet,
    /// Its operator has blocked us.
    BlocksUs,
    /// You let our pulls there rest.
    Paused,
    /// Our pulls there fail.
    Failing,
    /// We wait for its operator's decision.
    WaitsThere,
    /// Its pulls come here and are refused.
    Refused,
    /// It does not fetch what is there for it.
    NotFetched,
    /// It does not come here for news, and nothing waits for it.
    NotPulled,
    /// It is reached, and something goes wrong with it all the same.
    Troubled,
    /// Nothing is exchanged with it at the moment.
    Quiet,
    /// Both pull each other.
    Well,
}

/// What hangs on reaching a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Suffers {
    /// Groups of users here that it keeps, or of which something waits here that it has not fetched.
    #[ts(type = "number")]
    pub groups: u64,
    /// Those users.
    #[ts(type = "number")]
    pub users: u64,
    /// Messages that wait: to be brought to it, or to be fetched by it.
    #[ts(type = "number")]
    pub submissions: u64,
}

/// How much is kept here of what a peer has sent, beside what has become of it: events are their group's. Each has a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KeptOfPeer {
    /// Requests of its users, for connections and to add ours to groups, in any state.
    #[ts(type = "number")]
    pub requests: u64,
    /// Ids of items of its feed, by which a repeat is known.
    #[ts(type = "number")]
    pub items: u64,
    /// Ids of requests that it has taken back before they came.
    #[ts(type = "number")]
    pub withdrawn: u64,
}

/// What our puller does at a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum PullingStatus {
    /// Nothing is expected from there, so nothing is asked.
    Idle,
    /// A request is on its way.
    Asking,
    /// A pull waits there for news.
    Waiting,
    /// We are pending there, and a request waits for its operator's decision.
    Introducing,
    /// The last try failed; `next_try` says when it goes on.
    BackingOff,
    /// The operator has paused it.
    Paused,
    /// It has blocked us, or we it, or its key has changed: nothing is asked.
    Stopped,
}

/// The direction in which we pull them.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Pulling {
    /// What the puller does.
    pub status: PullingStatus,
    /// Since when it does that.
    #[ts(type = "string")]
    pub since: Timestamp,
    /// When a pull was last answered.
    #[ts(type = "string | null")]
    pub last_pull: Option<Timestamp>,
    /// When the next try is due.
    #[ts(type = "string | null")]
    pub next_try: Option<Timestamp>,
    /// Failed tries in a row.
    pub failures: u32,
    /// Number of the last item stored.
    #[ts(type = "number")]
    pub cursor: u64,
    /// Highest number that the peer has told of.
    #[ts(type = "number")]
    pub head: u64,
}

/// The direction in which they pull us.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Serving {
    /// Whether a pull of theirs waits here right now.
    pub waiting: bool,
    /// When a pull of theirs was last answered, or came in and waits.
    #[ts(type = "string | null")]
    pub last_pull: Option<Timestamp>,
    /// When their last waiting pull ended, if none has come since.
    #[ts(type = "string | null")]
    pub gone_since: Option<Timestamp>,
    /// Highest number given in their feed.
    #[ts(type = "number")]
    pub head: u64,
    /// What they have acknowledged.
    #[ts(type = "number")]
    pub acknowledged: u64,
    /// Age of the oldest item that they have not acknowledged.
    #[ts(type = "number | null")]
    pub lag_ms: Option<u64>,
}
