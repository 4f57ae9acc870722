//! What a GUI is shown: the shapes of answers and events, as they cross to TypeScript.
//!
//! Identifiers, ids and times cross as the text of the wire (`docs/mtp.md`, sections 2 and 5); durations are
//! whole milliseconds, sizes are bytes.

use drawbridge_mtp::id::{ClientUri, Id, Name, Provider, UserUri};
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
}

/// The states of a peer (section 6), for TypeScript; in Rust they are the protocol's own [`PeerState`].
#[derive(TS)]
#[ts(rename = "PeerState", rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its shape is used")]
enum PeerStateWord {
    Unknown,
    Pending,
    Allowed,
    Blocked,
    KeyChanged,
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
    /// Peers that are allowed.
    pub peers: u32,
    /// Allowed peers that we cannot reach at the moment.
    pub failing_peers: u32,
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
    /// The latest trouble with peers, newest first, at most 20.
    pub incidents: Vec<Incident>,
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

/// A trouble with the peer that it was met with.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Incident {
    /// The peer.
    #[ts(type = "string")]
    pub provider: Provider,
    /// What went wrong.
    pub trouble: Trouble,
}

/// At which step something went wrong with a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Its name has no address.
    Dns,
    /// No connection to its address.
    Connect,
    /// The TLS handshake or its certificate.
    Tls,
    /// Its provider document.
    Document,
    /// A signature, ours there or theirs here.
    Signature,
    /// Its operator's decision or ours.
    Policy,
    /// An HTTP answer that is not what the protocol has.
    Http,
    /// What it told us breaks the protocol's rules.
    Content,
    /// Our store or theirs has lost or gone back on something.
    Store,
}

/// Something that went wrong with a peer, counted while it repeats.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Trouble {
    /// At which step.
    pub stage: Stage,
    /// A stable code; texts and remedies in the GUI hang on it.
    pub code: String,
    /// One sentence with the particulars.
    pub text: String,
    /// First time in this run of repeats.
    #[ts(type = "string")]
    pub first: Timestamp,
    /// Last time.
    #[ts(type = "string")]
    pub last: Timestamp,
    /// How often.
    pub count: u32,
    /// Whether it is over: the same step has succeeded since.
    pub over: bool,
}

/// Everything that waits for the operator, and what was decided.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Approvals {
    /// Providers that wait, newest first.
    pub providers: Vec<WaitingProvider>,
    /// Requests of others to our users that wait, newest first; one for each pair of users.
    pub incoming: Vec<Connection>,
    /// Our users' own requests that wait at others.
    pub outgoing: Vec<Connection>,
    /// What has been decided, by whomever, newest first, at most 500.
    pub decided: Vec<Decided>,
}

/// A provider that waits to be let in.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct WaitingProvider {
    /// Which.
    #[ts(type = "string")]
    pub provider: Provider,
    /// Since when.
    #[ts(type = "string")]
    pub since: Timestamp,
    /// When it is forgotten if nobody decides.
    #[ts(type = "string")]
    pub expires: Timestamp,
    /// Whether it holds a request here right now, to learn the decision at once.
    pub waiting: bool,
    /// How many of its users' requests are held.
    pub connections: u32,
    /// Thumbprints of its keys.
    pub fingerprints: Vec<String>,
    /// Set aside by the operator; it comes back if it asks again.
    pub ignored: bool,
}

/// A connection between two users, or the request for one (section 7).
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Connection {
    /// Scoped to the provider that made the request.
    #[ts(type = "string")]
    pub id: Id,
    /// Who asked.
    #[ts(type = "string")]
    pub from: UserUri,
    /// Who was asked.
    #[ts(type = "string")]
    pub to: UserUri,
    /// Whether one of our users asked.
    pub outgoing: bool,
    /// Its state here; `declined` may be unknown to the requester.
    #[ts(type = "\"pending\" | \"approved\" | \"declined\" | \"ended\" | \"expired\"")]
    pub state: ConnectionState,
    /// When it was asked.
    #[ts(type = "string")]
    pub created: Timestamp,
    /// When the request lapses if nobody decides.
    #[ts(type = "string")]
    pub expires: Timestamp,
    /// When the state last changed.
    #[ts(type = "string")]
    pub changed: Timestamp,
    /// Who brought the state about.
    pub decided_by: Option<DecidedBy>,
    /// Set aside by the operator; it comes back if asked again.
    pub ignored: bool,
    /// Our judgement of the other provider.
    #[ts(as = "PeerStateWord")]
    pub peer_state: PeerState,
    /// For an outgoing request: whether the other provider has it.
    pub delivered: bool,
    /// Whether a decline can still be taken back, because the requester has not been told.
    pub reopenable: bool,
}

/// Who brought a state about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum DecidedBy {
    /// The operator, here.
    Operator,
    /// The user, with a client.
    User,
    /// A standing rule of the operator's or the user's.
    Rule,
    /// The other side.
    Peer,
    /// Time.
    Clock,
}

/// A decision that was made.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Decided {
    /// On a provider.
    Provider {
        /// Which.
        #[ts(type = "string")]
        provider: Provider,
        /// The judgement.
        #[ts(as = "PeerStateWord")]
        state: PeerState,
        /// When.
        #[ts(type = "string")]
        at: Timestamp,
        /// Whose decision it was.
        by: DecidedBy,
    },
    /// On a connection.
    Connection {
        /// The connection as it is now; `changed` is when, `decided_by` is who.
        connection: Connection,
    },
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

/// Which way a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From a peer to us.
    In,
    /// From us to a peer.
    Out,
}

/// One request between us and a peer, in either direction.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Traffic {
    /// Grows by one with each request of this run of the node.
    #[ts(type = "number")]
    pub id: u64,
    /// When it began.
    #[ts(type = "string")]
    pub at: Timestamp,
    /// Which way.
    pub direction: Direction,
    /// The other side; for an incoming request as far as it was verified or at least claimed.
    #[ts(type = "string | null")]
    pub peer: Option<Provider>,
    /// Whether `peer` is proved by a signature.
    pub verified: bool,
    /// `GET`, `POST`, `DELETE`.
    pub method: String,
    /// Path below the endpoint, with query.
    pub target: String,
    /// Whether it waits for an answer right now.
    pub waiting: bool,
    /// The answer's status, once there is one.
    pub status: Option<u16>,
    /// The problem's code, where the answer is one.
    pub code: Option<String>,
    /// Time from the beginning to the answer.
    pub duration_ms: Option<f64>,
    /// Octets of the request's content.
    pub request_bytes: u32,
    /// Octets of the answer's content.
    pub response_bytes: u32,
    /// The items of a feed page, at most the first 100.
    pub items: Vec<TrafficItem>,
    /// How many items the page had.
    pub item_count: u32,
    /// Where there was no answer, or one that could not be used: at which step it failed.
    pub stage: Option<Stage>,
    /// One sentence on what failed.
    pub text: Option<String>,
    /// Headers that concern the protocol, `name: value`, as sent and received.
    pub request_headers: Vec<String>,
    /// The same of the answer.
    pub response_headers: Vec<String>,
}

/// An item of a feed page.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct TrafficItem {
    /// Its number in the feed.
    #[ts(type = "number")]
    pub seq: u64,
    /// Its type.
    pub kind: String,
}

/// An account here.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct User {
    /// Local name.
    #[ts(type = "string")]
    pub name: Name,
    /// What others know it as.
    #[ts(type = "string")]
    pub uri: UserUri,
    /// What happens with requests that no other rule covers.
    pub rule: UserRule,
    /// When it was made.
    #[ts(type = "string")]
    pub created: Timestamp,
    /// Its clients.
    pub clients: Vec<Client>,
    /// Its approved connections.
    pub connections: u32,
}

/// What happens with requests to a user that no other rule covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum UserRule {
    /// They wait for a decision.
    #[default]
    Ask,
    /// They are approved at once, if they come from a peer that is allowed.
    Allow,
}

/// A client of a user here.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Client {
    /// Local name.
    #[ts(type = "string")]
    pub name: Name,
    /// What its leaf's credential says.
    #[ts(type = "string")]
    pub uri: ClientUri,
    /// When it was made.
    #[ts(type = "string")]
    pub created: Timestamp,
    /// When its token was last used.
    #[ts(type = "string | null")]
    pub last_seen: Option<Timestamp>,
}

/// A standing decision: what happens with requests of a person or of a whole provider.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Rule {
    /// The local user that it holds for; `null` for all.
    #[ts(type = "string | null")]
    pub user: Option<Name>,
    /// A user's URI or a provider's authority.
    pub from: String,
    /// What happens.
    pub rule: RuleKind,
    /// Since when.
    #[ts(type = "string")]
    pub since: Timestamp,
}

/// What a standing decision does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum RuleKind {
    /// Approve at once.
    Allow,
    /// Never show, never approve.
    Block,
}

/// One step of looking into why a provider cannot be reached.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct CheckStep {
    /// Which step.
    pub stage: Stage,
    /// Whether it went well.
    pub ok: bool,
    /// How long it took.
    pub duration_ms: f64,
    /// What was seen, one sentence.
    pub text: String,
    /// A stable code where it went wrong.
    pub code: Option<String>,
}

/// The demo federation.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Demo {
    /// Its providers; the first is this window's.
    pub nodes: Vec<DemoNode>,
}

/// A provider of the demo federation.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct DemoNode {
    /// `alpha`, `beta` or `gamma`.
    pub name: String,
    /// Its authority.
    #[ts(type = "string")]
    pub provider: Provider,
    /// Whether it runs.
    pub running: bool,
    /// Its people.
    #[ts(type = "string[]")]
    pub people: Vec<UserUri>,
}

/// Something happened. A GUI that gets one reads again what it shows of that kind.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// Read everything again: the mode has changed, or the stream has lost its place.
    Reload,
    /// A peer's state, directions or troubles.
    Peers,
    /// What waits, or what was decided.
    Approvals,
    /// Users, clients, rules.
    Accounts,
    /// Settings.
    Settings,
    /// A provider of the demo was started or stopped.
    Demo,
    /// Requests that began or ended; a record replaces the one with its id.
    Traffic {
        /// At most 100, oldest first.
        records: Vec<Traffic>,
    },
    /// Something new waits for the operator: worth a notification.
    Waiting {
        /// The provider that waits, or that the request comes from.
        #[ts(type = "string")]
        provider: Provider,
        /// The request, where it is one.
        connection: Option<Connection>,
    },
}

/// An event with its place in the stream.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct EventEnvelope {
    /// The run of the process that numbers the events.
    pub incarnation: String,
    /// Grows by one with each event of that run.
    #[ts(type = "number")]
    pub cursor: u64,
    /// What happened.
    pub event: Event,
}
