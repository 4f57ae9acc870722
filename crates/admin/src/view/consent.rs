//! What waits for the operator and what was decided: providers, connections, additions to groups.

use drawbridge_mtp::id::{GroupUri, Id, Provider, UserUri};
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::peers::PeerStateWord;

/// Everything that waits for the operator, and what was decided.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Approvals {
    /// Providers that wait, newest first.
    pub providers: Vec<WaitingProvider>,
    /// Requests of others to our users that wait, newest first; one for each pair of users.
    pub incoming: Vec<Connection>,
    /// Our users' own requests that wait at others.
    pub outgoing: Vec<Connection>,
    /// Requests to add our users to groups that wait, newest first.
    pub additions: Vec<Authorization>,
    /// Our users' own requests to add somebody that wait at others.
    pub outgoing_additions: Vec<Authorization>,
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
}

/// What a connection and an addition to a group have in common, each requested by a user of another.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct RequestStanding {
    /// Scoped to the provider that made the request.
    #[ts(type = "string")]
    pub id: Id,
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
    /// For an outgoing request: whether the other provider has it.
    pub delivered: bool,
    /// For an outgoing request that the other provider refused: its reason, one sentence.
    pub refused: Option<String>,
    /// Whether it can be made to wait again, because the requester has been told of no decision.
    pub reopenable: bool,
}

/// A connection between two users, or the request for one (section 7).
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Connection {
    /// Who asked.
    #[ts(type = "string")]
    pub from: UserUri,
    /// Who was asked.
    #[ts(type = "string")]
    pub to: UserUri,
    /// Our judgement of the other provider.
    #[ts(as = "PeerStateWord")]
    pub peer_state: PeerState,
    /// Where the request stands.
    #[serde(flatten)]
    pub standing: RequestStanding,
}

/// A request to add a user to a group, and what became of it (section 8).
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Authorization {
    /// The provider that made the request: the adder's.
    #[ts(type = "string")]
    pub from_provider: Provider,
    /// The group.
    #[ts(type = "string")]
    pub group: GroupUri,
    /// What its members call it, where that is known here and would be seen.
    pub group_name: Option<String>,
    /// What the adder calls it, where that would be seen: the adder's word, which proves nothing.
    pub title: Option<String>,
    /// Who wants to add.
    #[ts(type = "string")]
    pub adder: UserUri,
    /// Who would be added.
    #[ts(type = "string")]
    pub user: UserUri,
    /// Whether the grant has been used: the user is in, and revoking no longer helps.
    pub used: bool,
    /// Where the request stands.
    #[serde(flatten)]
    pub standing: RequestStanding,
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
        /// Set aside by the operator; it comes back if it asks again.
        ignored: bool,
    },
    /// On a connection.
    Connection {
        /// The connection as it is now; `changed` is when, `decided_by` is who.
        connection: Connection,
    },
    /// On an addition to a group.
    Addition {
        /// The request as it is now; `changed` is when, `decided_by` is who.
        addition: Authorization,
    },
}
