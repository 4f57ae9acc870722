//! Checkpoints: an owner's signed word on what a group's log is (section 10). Two that disagree for one number
//! prove that it told two stories.

use serde::{Deserialize, Serialize};

use crate::{
    id::{GroupUri, Provider},
    jws,
    keys::{PublicKey, SecretKey, Thumbprint},
    octets::Hash32,
    wire::Malformed,
};

const TYP: &str = "mtp-checkpoint+jwt";
/// How long a checkpoint lives, in seconds.
pub const LIFETIME_S: u64 = 30 * 86_400;

/// What a checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointClaims {
    /// The group's owner, who signs.
    pub iss: Provider,
    /// The group.
    pub group: GroupUri,
    /// The number of its last event.
    pub seq: u64,
    /// The hash of its last event.
    pub hash: Hash32,
    /// Its epoch.
    pub epoch: u64,
    /// When it was said, in seconds since 1970.
    pub iat: u64,
    /// When it ends, in seconds since 1970.
    pub exp: u64,
}

/// A compact JWS in the form of a checkpoint, of which nothing is proved.
#[derive(Clone, Debug)]
pub struct UnverifiedCheckpoint {
    jws: jws::Unverified<CheckpointClaims>,
}

impl CheckpointClaims {
    /// Signs the checkpoint with a key of `iss`.
    pub fn sign(&self, key: &SecretKey) -> String {
        jws::sign(TYP, self, key)
    }
}

impl UnverifiedCheckpoint {
    /// Reads a compact JWS.
    ///
    /// # Errors
    ///
    /// Where it is not one of this form.
    pub fn parse(jws: &str) -> Result<Self, Malformed> {
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

    /// What it says, which nobody has proved.
    pub fn unverified_claims(&self) -> &CheckpointClaims {
        &self.jws.claims
    }

    /// What it says, where `key` signed it and its group is its issuer's.
    pub fn verify(self, key: &PublicKey) -> Option<CheckpointClaims> {
        self.jws.verify(key).filter(|claims| *claims.group.provider() == claims.iss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_its_owners_word_on_its_own_group() {
        let key = SecretKey::from_seed([7; 32]);
        let claims = CheckpointClaims {
            iss: "a.example".parse().unwrap(),
            group: "mimi://a.example/g/tea".parse().unwrap(),
            seq: 4,
            hash: Hash32([1; 32]),
            epoch: 2,
            iat: 1_790_000_000,
            exp: 1_790_000_000 + LIFETIME_S,
        };
        let jws = claims.sign(&key);
        assert_eq!(UnverifiedCheckpoint::parse(&jws).unwrap().verify(&key.public()), Some(claims.clone()));
        let other = SecretKey::from_seed([8; 32]);
        assert_eq!(UnverifiedCheckpoint::parse(&jws).unwrap().verify(&other.public()), None);
        let foreign = CheckpointClaims { iss: "b.example".parse().unwrap(), ..claims };
        let jws = foreign.sign(&key);
        assert_eq!(UnverifiedCheckpoint::parse(&jws).unwrap().verify(&key.public()), None);
    }
}
