//! Connections (section 7) and authorizations to add (section 8).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    id::{GroupUri, Id, UserUri},
    text::words,
    time::Timestamp,
    wire::Malformed,
};

/// The longest that a request may stay open.
pub const MAX_REQUEST_LIFETIME: Duration = Duration::from_secs(30 * 86_400);

words! {
    /// Where a connection or an authorization stands.
    ConnectionState: "a state of a connection or an authorization" {
        /// Nobody has answered, or the answer is not told.
        Pending = "pending",
        /// The user agreed.
        Approved = "approved",
        /// The user refused, and the operator chose to tell.
        Declined = "declined",
        /// Either side took it back.
        Ended = "ended",
        /// Its time is over.
        Expired = "expired",
    }
}

/// `POST /connections`: a name and a button.
///
/// Read from the wire, its times are checked ([`check`](Self::check)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedConnectionRequest")]
pub struct ConnectionRequest {
    /// The request's id, made by the requester's provider.
    pub id: Id,
    /// Who asks.
    pub from: UserUri,
    /// Who is asked.
    pub to: UserUri,
    /// When it was made.
    pub created: Timestamp,
    /// Until when it is open.
    pub expires: Timestamp,
}

#[derive(Deserialize)]
struct UncheckedConnectionRequest {
    id: Id,
    from: UserUri,
    to: UserUri,
    created: Timestamp,
    expires: Timestamp,
}

impl ConnectionRequest {
    /// Checks that `expires` is not before `created` and at most 30 days after it.
    ///
    /// # Errors
    ///
    /// Where it is not.
    pub fn check(&self) -> Result<(), Malformed> {
        if self.expires < self.created || self.expires.since(self.created) > MAX_REQUEST_LIFETIME {
            return Err(Malformed::new("`expires` is before `created`, or more than 30 days after it"));
        }
        Ok(())
    }
}

impl TryFrom<UncheckedConnectionRequest> for ConnectionRequest {
    type Error = Malformed;

    fn try_from(unchecked: UncheckedConnectionRequest) -> Result<Self, Malformed> {
        let UncheckedConnectionRequest { id, from, to, created, expires } = unchecked;
        let request = Self { id, from, to, created, expires };
        request.check()?;
        Ok(request)
    }
}

/// The answer to `POST /connections`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionReply {
    /// The request's id.
    pub id: Id,
    /// The state as the requester may know it.
    pub state: ConnectionState,
}

/// `POST /authorizations`: may `adder` add `user` to `group`?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// The request's id, made by the adder's provider.
    pub id: Id,
    /// The group.
    pub group: GroupUri,
    /// Who wants to add.
    pub adder: UserUri,
    /// Who would be added.
    pub user: UserUri,
    /// Until when it is open; at most 30 days after it is received.
    pub expires: Timestamp,
}

impl AuthorizationRequest {
    /// Checks that `expires` is at most 30 days after `now`, when it is received.
    ///
    /// # Errors
    ///
    /// Where it is not.
    pub fn check(&self, now: Timestamp) -> Result<(), Malformed> {
        if self.expires.since(now) > MAX_REQUEST_LIFETIME {
            return Err(Malformed::new("`expires` is more than 30 days from now"));
        }
        Ok(())
    }
}

/// The answer to `POST /authorizations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationReply {
    /// The request's id.
    pub id: Id,
    /// The state as the requester may know it.
    pub state: ConnectionState,
    /// The grant, a compact JWS, where it is approved and the grant lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
}

/// The feed's item `connection`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionItem {
    /// The request's id.
    pub id: Id,
    /// Who asked.
    pub from: UserUri,
    /// Who was asked.
    pub to: UserUri,
    /// Where it stands now.
    pub state: ConnectionState,
    /// Since when.
    pub time: Timestamp,
}

/// The feed's item `authorization`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationItem {
    /// The request's id.
    pub id: Id,
    /// The group.
    pub group: GroupUri,
    /// Who wanted to add.
    pub adder: UserUri,
    /// Who would be added.
    pub user: UserUri,
    /// Where it stands now.
    pub state: ConnectionState,
    /// The grant, where it is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Since when.
    pub time: Timestamp,
}
