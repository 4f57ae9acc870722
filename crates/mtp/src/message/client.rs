//! What only a user's own clients say to their provider, and are told by it (`docs/client-api.md`).

use serde::{Deserialize, Serialize};

use super::{ConnectionState, Title};
use crate::{
    id::{ClientUri, GroupUri, Id, Provider, UserUri},
    octets::Octets,
    time::Timestamp,
};

/// `GET /me`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// The provider.
    pub provider: Provider,
    /// Whose client it is.
    pub user: UserUri,
    /// Which it is.
    pub client: ClientUri,
    /// The cipher suites that groups at this provider may have, by their MLS numbers.
    pub cipher_suites: Vec<u16>,
}

/// `POST /key-packages`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishKeyPackages {
    /// To be handed out once each.
    pub key_packages: Vec<Octets>,
    /// To be handed out where no other is left; takes the place of the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_resort: Option<Octets>,
}

/// What a client's provider has of its KeyPackages, counting those whose lifetime holds now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPackageStock {
    /// How many there are to be handed out once.
    pub available: u64,
    /// Whether there is one for when no other is left.
    pub last_resort: bool,
    /// How many of `available` there are of each cipher suite: a group takes those of its own suite alone.
    #[serde(default)]
    pub suites: Vec<SuiteStock>,
    /// Whether the client should publish fresh ones: few are left, or there are some whose lifetime has not begun.
    #[serde(default)]
    pub renew: bool,
}

impl KeyPackageStock {
    /// How many there are to be handed out once of a cipher suite.
    pub fn of(&self, cipher_suite: u16) -> u64 {
        let suite = self.suites.iter().find(|suite| suite.cipher_suite == cipher_suite);
        suite.map_or(0, |suite| suite.available)
    }
}

/// What there is of one cipher suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteStock {
    /// The MLS number of the suite.
    pub cipher_suite: u16,
    /// How many there are to be handed out once.
    pub available: u64,
}

/// `POST /connections` of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskToConnect {
    /// Whom it asks.
    pub to: UserUri,
}

/// `POST /authorizations` of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskToAdd {
    /// The group.
    pub group: GroupUri,
    /// What its user calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    /// Who is to be added.
    pub user: UserUri,
}

/// The answer to both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The request's id.
    pub id: Id,
    /// Where it stands.
    pub state: ConnectionState,
}

/// A connection as its user may know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownConnection {
    /// The request's id.
    pub id: Id,
    /// Who asked.
    pub from: UserUri,
    /// Who was asked.
    pub to: UserUri,
    /// Where it stands.
    pub state: ConnectionState,
    /// When it was asked.
    pub created: Timestamp,
    /// When it lapses.
    pub expires: Timestamp,
    /// Since when it stands there.
    pub time: Timestamp,
}

/// `GET /connections`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownConnections {
    /// Both directions, the newest first.
    pub connections: Vec<ShownConnection>,
}

/// An authorization as its user may know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownAuthorization {
    /// The request's id.
    pub id: Id,
    /// The group.
    pub group: GroupUri,
    /// What the adder calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    /// Who wants to add.
    pub adder: UserUri,
    /// Who would be added.
    pub user: UserUri,
    /// Where it stands.
    pub state: ConnectionState,
    /// When it lapses.
    pub expires: Timestamp,
    /// Since when it stands there.
    pub time: Timestamp,
}

/// `GET /authorizations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownAuthorizations {
    /// Both directions, the newest first.
    pub authorizations: Vec<ShownAuthorization>,
}

/// `POST /key-packages/claim`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientClaimRequest {
    /// The group.
    pub group: GroupUri,
    /// Whose KeyPackages are wanted.
    pub users: Vec<UserUri>,
    /// The cipher suites that will do.
    pub cipher_suites: Vec<u16>,
}

/// `POST /groups`: a group that the client has created, at epoch 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterGroup {
    /// The group, owned by the client's provider.
    pub group: GroupUri,
    /// The first GroupInfo, which becomes event 1.
    pub group_info: Octets,
    /// The tree, which holds the creator alone.
    pub ratchet_tree: Octets,
}

/// One of the groups that a user is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnGroup {
    /// The group.
    pub group: GroupUri,
    /// Who owns it.
    pub owner: Provider,
    /// Its epoch, as far as the provider knows.
    pub epoch: u64,
    /// The number of its last event, as far as the provider knows.
    pub head: u64,
    /// How many clients are in it.
    pub members: u64,
}

/// `GET /groups`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnGroups {
    /// The groups.
    pub groups: Vec<OwnGroup>,
}
