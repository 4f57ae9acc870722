//! Requests about who may reach our users and add them to groups.

use drawbridge_mtp::id::{Id, Name, Provider, UserUri};
use drawbridge_mtp::message::PeerState;
use drawbridge_node::typed::de_as;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::view::{AddRule, Authorization, Connection, Peer, RuleKind};

records! {
    /// `set-peer`: the operator's judgement of a provider.
    SetPeer {
        /// Which.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::provider")]
        provider: Provider,
        /// `allowed`, `blocked`, `pending` or `unknown`.
        #[ts(type = "\"allowed\" | \"blocked\" | \"pending\" | \"unknown\"")]
        state: PeerState,
    }

    /// `set-peer`, `ignore-peer`.
    PeerJudged {
        /// The peer as it is now.
        peer: Peer,
        /// Takes the decision back (`undo`), where everything can be put back as it was; else null.
        #[ts(type = "string | null")]
        undo: Option<Id>,
    }

    /// `undo`: everything that a decision has changed is put back as it was. Refused where something of it has changed
    /// since.
    Undo {
        /// As the decision was answered.
        #[ts(type = "string")]
        undo: Id,
    }

    /// `decide-connection`, and with it, where wanted, what becomes of later requests.
    DecideConnection {
        /// Which request.
        #[ts(type = "string")]
        id: Id,
        /// What becomes of it.
        decision: ConnectionDecision,
        /// The provider that made the request, where two used the same id.
        #[serde(default, deserialize_with = "de_as::some_provider")]
        #[ts(optional, type = "string")]
        from_provider: Option<Provider>,
        /// A standing rule that is set, or taken back, in the same step.
        #[serde(default)]
        #[ts(optional)]
        standing: Option<StandingRule>,
        /// Whether the requester's provider is let in too, in the same step.
        #[serde(default)]
        #[ts(as = "Option<bool>", optional)]
        admit: bool,
    }

    /// `decide-connection`.
    ConnectionDecided {
        /// The request or connection as it is now.
        connection: Connection,
        /// Takes the decision back (`undo`), where everything can be put back as it was; else null.
        #[ts(type = "string | null")]
        undo: Option<Id>,
    }

    /// What holds from now on for who made a request.
    StandingRule {
        /// For whom of them.
        whom: Whom,
        /// What happens with their requests; absent: as with those of everybody.
        #[serde(default)]
        #[ts(optional)]
        rule: Option<RuleKind>,
    }

    /// `authorizations`.
    Authorizations {
        /// All that are known, in both directions, newest first.
        authorizations: Vec<Authorization>,
    }

    /// `decide-authorization`, and with it, where wanted, what becomes of the adder's later requests.
    DecideAuthorization {
        /// Which request.
        #[ts(type = "string")]
        id: Id,
        /// What becomes of it.
        decision: AuthorizationDecision,
        /// The provider that made the request, where two used the same id.
        #[serde(default, deserialize_with = "de_as::some_provider")]
        #[ts(optional, type = "string")]
        from_provider: Option<Provider>,
        /// What the adder may do from now on, set in the same step.
        #[serde(default)]
        #[ts(optional)]
        rule: Option<AddRule>,
    }

    /// `decide-authorization`.
    AuthorizationDecided {
        /// The request as it is now.
        authorization: Authorization,
        /// Takes the decision back (`undo`), where everything can be put back as it was; else null.
        #[ts(type = "string | null")]
        undo: Option<Id>,
    }

    /// `set-add-rule`: what a user here lets a connected user do.
    SetAddRule {
        /// The local user.
        #[ts(type = "string")]
        user: Name,
        /// Whom it is about.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::user")]
        other: UserUri,
        /// What happens from now on.
        rule: AddRule,
    }
}

/// What becomes of a request to add a user to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum AuthorizationDecision {
    /// A grant is given.
    Approve,
    /// None is; the adder learns of it only if the operator chose so.
    Decline,
    /// A grant that has not been used is taken back; our own request is withdrawn.
    Revoke,
    /// Set aside without an answer; it comes back if asked again.
    Ignore,
    /// A declined or ignored request waits again; only while the adder has not been told.
    Reopen,
}

/// What becomes of a request for a connection, or of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionDecision {
    /// The two users are connected.
    Approve,
    /// They are not; the requester learns of it only if the operator chose so.
    Decline,
    /// The connection ends; our own request is taken back.
    End,
    /// Set aside without an answer; it comes back if asked again.
    Ignore,
    /// A declined or ignored request waits again; only while the requester has not been told.
    Reopen,
}

/// For whom a standing rule is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Whom {
    /// The person who made the request.
    Person,
    /// Everyone at that person's provider.
    Provider,
}
