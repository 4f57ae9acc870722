//! Grants: a provider's signed word that its user agreed to be added to one group (section 8).

use serde::{Deserialize, Serialize};

use crate::{
    id::{GroupUri, Id, Provider, UserUri},
    jws,
    keys::{PublicKey, SecretKey, Thumbprint},
    time::{MAX_AHEAD, Timestamp},
    wire::Malformed,
};

const TYP: &str = "mtp-grant+jwt";
/// The longest that a grant may live, in seconds.
pub const MAX_LIFETIME_S: u64 = 30 * 86_400;
/// The longest that a grant may be, in bytes: an event's hash covers it with its length in two octets (section 10).
pub const MAX_GRANT_BYTES: usize = 65_535;

/// What a grant says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantClaims {
    /// The user's provider, which signs.
    pub iss: Provider,
    /// The group's owner, for whom it is.
    pub aud: Provider,
    /// The user who agreed.
    pub sub: UserUri,
    /// Who may add.
    pub adder: UserUri,
    /// The group the user may be added to.
    pub group: GroupUri,
    /// The authorization's id.
    pub jti: Id,
    /// When it was given, in seconds since 1970.
    pub iat: u64,
    /// When it ends, in seconds since 1970.
    pub exp: u64,
}

/// A compact JWS in the form of a grant, of which nothing is proved.
#[derive(Clone, Debug)]
pub struct UnverifiedGrant {
    jws: jws::Unverified<GrantClaims>,
}

/// A grant that its issuer signed and that holds now, for its owner. Whether it was used before, its owner knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant(GrantClaims);

/// Why a grant does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantFault {
    /// It is not a JWS in the form of section 8.
    #[error("the grant is malformed: {0}")]
    Malformed(#[from] Malformed),
    /// Its issuer's key did not sign it.
    #[error("the grant's signature is not that of the key it names")]
    Invalid,
    /// It is for another owner.
    #[error("the grant is for {aud} and not for {owner}")]
    OtherOwner {
        /// For whom it is.
        aud: Provider,
        /// Who asks.
        owner: Provider,
    },
    /// The user is not the issuer's to speak for.
    #[error("the grant is for {sub}, who is not at {iss}, which signed it")]
    ForeignSubject {
        /// The user.
        sub: UserUri,
        /// Who signed.
        iss: Provider,
    },
    /// The group is not the owner's.
    #[error("the grant is for {group}, which is not at {aud}")]
    ForeignGroup {
        /// The group.
        group: GroupUri,
        /// For whom it is.
        aud: Provider,
    },
    /// It lives longer than it may.
    #[error("the grant's iat and exp are more than 30 days apart")]
    TooLong,
    /// It is over.
    #[error("the grant ended at {}; ask the user again", .exp.in_words())]
    Expired {
        /// When it ended.
        exp: Timestamp,
    },
    /// It is from the future.
    #[error("the grant was given at {}, which is to come; the issuer's clock is ahead", .iat.in_words())]
    NotYet {
        /// When it says it was given.
        iat: Timestamp,
    },
}

impl GrantClaims {
    /// Signs the grant with a key of `iss`.
    pub fn sign(&self, key: &SecretKey) -> String {
        jws::sign(TYP, self, key)
    }

    /// Checks what can be said against the claims at `now`, whoever signed them.
    ///
    /// # Errors
    ///
    /// The first fault that applies.
    pub fn check(&self, owner: &Provider, now: Timestamp) -> Result<(), GrantFault> {
        let Self { iss, aud, sub, group, iat, exp, .. } = self.clone();
        if aud != *owner {
            return Err(GrantFault::OtherOwner { aud, owner: owner.clone() });
        }
        if *sub.provider() != iss {
            return Err(GrantFault::ForeignSubject { sub, iss });
        }
        if *group.provider() != aud {
            return Err(GrantFault::ForeignGroup { group, aud });
        }
        if exp.abs_diff(iat) > MAX_LIFETIME_S {
            return Err(GrantFault::TooLong);
        }
        if now.as_millis() >= exp.saturating_mul(1_000) {
            return Err(GrantFault::Expired { exp: Timestamp::from_secs(exp) });
        }
        if iat.saturating_mul(1_000) > now.plus(MAX_AHEAD).as_millis() {
            return Err(GrantFault::NotYet { iat: Timestamp::from_secs(iat) });
        }
        Ok(())
    }
}

impl UnverifiedGrant {
    /// Reads a compact JWS.
    ///
    /// # Errors
    ///
    /// [`GrantFault::Malformed`].
    pub fn parse(jws: &str) -> Result<Self, GrantFault> {
        if jws.len() > MAX_GRANT_BYTES {
            return Err(Malformed::new("it has more than 65535 bytes").into());
        }
        Ok(Self { jws: jws::Unverified::parse(TYP, jws)? })
    }

    /// Who says it signed: whose document has the key.
    pub fn issuer(&self) -> &Provider {
        &self.jws.claims.iss
    }

    /// The key it names.
    pub fn kid(&self) -> &Thumbprint {
        &self.jws.kid
    }

    /// What it says, of which nothing is proved.
    pub fn unverified_claims(&self) -> &GrantClaims {
        &self.jws.claims
    }

    /// Checks the grant for the `owner` of its group at `now`, by the `key` that its issuer's document has under
    /// [`kid`](Self::kid).
    ///
    /// # Errors
    ///
    /// The first fault that applies.
    pub fn verify(self, key: &PublicKey, owner: &Provider, now: Timestamp) -> Result<Grant, GrantFault> {
        let claims = self.jws.verify(key).ok_or(GrantFault::Invalid)?;
        claims.check(owner, now)?;
        Ok(Grant(claims))
    }
}

impl Grant {
    /// What it says.
    pub fn claims(&self) -> &GrantClaims {
        &self.0
    }
}
