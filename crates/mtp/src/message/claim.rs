//! Claiming KeyPackages against grants (section 9).

use serde::{Deserialize, Serialize};

use crate::{
    id::{ClientUri, GroupUri, UserUri},
    octets::Octets,
    text::words,
};

/// `POST /keypackages/claim`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRequest {
    /// The group that the users are to be added to.
    pub group: GroupUri,
    /// Who adds them.
    pub adder: UserUri,
    /// Whose KeyPackages are wanted.
    pub users: Vec<UserUri>,
    /// The grants of those users' provider.
    pub grants: Vec<String>,
    /// The cipher suites that will do.
    pub cipher_suites: Vec<u16>,
    /// The MLS RequiredCapabilities that a KeyPackage has to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_capabilities: Option<Octets>,
}

/// The answer to a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimReply {
    /// The users, in the order asked.
    pub users: Vec<ClaimedUser>,
}

/// What was got of one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedUser {
    /// The user.
    pub user: UserUri,
    /// How many of its clients gave one.
    pub status: UserClaim,
    /// Its clients.
    pub clients: Vec<ClaimedClient>,
    /// To a client only: the grant, to be handed in with the commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
}

words! {
    /// How many of a user's clients gave a KeyPackage.
    UserClaim: "a status of a claimed user" {
        /// All did.
        Ok = "ok",
        /// Some did.
        Partial = "partial",
        /// None did.
        None = "none",
        /// There is no living grant of this user for this adder and group.
        NotAuthorized = "not-authorized",
    }
}

/// What was got of one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedClient {
    /// The client.
    pub client: ClientUri,
    /// Whether it gave one.
    pub status: ClientClaim,
    /// The KeyPackage, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_package: Option<Octets>,
}

words! {
    /// Whether a client gave a KeyPackage.
    ClientClaim: "a status of a claimed client" {
        /// It did.
        Ok = "ok",
        /// It has none left.
        Exhausted = "exhausted",
        /// It has none that will do.
        Incompatible = "incompatible",
    }
}
