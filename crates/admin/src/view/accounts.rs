//! The users of this provider, with their clients and the decisions that stand for them.

use drawbridge_mtp::id::{ClientUri, Name, UserUri};
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
    /// Whom it is connected with, by address, and what each may do.
    pub contacts: Vec<UserContact>,
    /// Whether its conversations are used on this computer.
    pub here: Here,
}

/// Whether the conversations of an account are used on this computer, by a client that is built in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Here {
    /// They are not.
    Unused,
    /// They are being opened: a keychain may be asking a person for its password.
    Opening,
    /// They are open.
    Open,
    /// They cannot be opened.
    Shut {
        /// Why.
        why: String,
    },
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
    /// Its KeyPackages here; `null` where it has never published any.
    pub stock: Option<Stock>,
    /// Whether it is the one built in: it has no token, and goes when its account is closed on this computer.
    pub built_in: bool,
}

/// Somebody with whom a user here is connected.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct UserContact {
    /// Who.
    #[ts(type = "string")]
    pub user: UserUri,
    /// What our user lets them do. It is each user's own: of two users here, each has one for the other.
    pub add_rule: AddRule,
}

/// A client's KeyPackages here: each lets it be added to one group while it is not there (section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Stock {
    /// Those that can each be handed out once.
    pub available: u32,
    /// Whether there is one more for when no other is left.
    pub last_resort: bool,
    /// How many are there whose lifetime has not begun, and which cannot be handed out: a clock was ahead when they were made.
    pub to_come: u32,
    /// Whether it should publish more.
    pub low: bool,
}

/// What a user here lets a connected user do (section 8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum AddRule {
    /// Each request to add waits for a decision.
    #[default]
    Ask,
    /// Each is approved at once.
    Allow,
    /// Each is declined, and never shown.
    Never,
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
