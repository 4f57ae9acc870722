//! The provider's own signing keys.

use drawbridge_mtp::id::{GroupUri, Id, Provider, UserUri};
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The signing keys, and what comes next with them.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct SigningKeys {
    /// What will sign, what signs, and what has signed, the latest first.
    pub keys: Vec<SigningKey>,
    /// Days that a key signs before a new one follows it by itself; with 0 it is changed on command alone.
    pub rotate_days: u32,
    /// What comes next; `null` where nothing does.
    pub next: Option<KeyStep>,
    /// Why that is not done though it is due, in one sentence.
    pub waits: Option<String>,
}

/// One signing key.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct SigningKey {
    /// Its thumbprint.
    pub fingerprint: String,
    /// What it is for.
    pub standing: KeyStanding,
    /// From when on it signed, or will; `null` where that is not known.
    #[ts(type = "string | null")]
    pub since: Option<Timestamp>,
    /// When it ceased to sign, where it has.
    #[ts(type = "string | null")]
    pub until: Option<Timestamp>,
    /// When it leaves the provider document, where that is to be expected.
    #[ts(type = "string | null")]
    pub leaves: Option<Timestamp>,
}

/// What a signing key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum KeyStanding {
    /// It is in the provider document, and will sign.
    Next,
    /// It signs.
    Signs,
    /// It is in the provider document, since what it has signed still holds.
    Published,
    /// It has left the provider document.
    Past,
    /// Others may have it: it left the document at once.
    Revoked,
}

/// A step of a change of the signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum KeyStepName {
    /// A new key comes into the provider document.
    Publish,
    /// The new key signs.
    Sign,
    /// A key that has signed leaves the document.
    Retire,
}

/// A step of a change of the signing key, with its time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
pub struct KeyStep {
    /// Which.
    pub step: KeyStepName,
    /// When it is taken.
    #[ts(type = "string")]
    pub at: Timestamp,
}

/// What was signed with a signing key, as far as this provider knows.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct SignedWith {
    /// The key, with since when and until when it signed.
    pub key: SigningKey,
    /// The grants that are kept.
    pub grants: Vec<SignedGrant>,
    /// This provider's groups of whose logs others may hold checkpoints that were signed with it.
    pub groups: Vec<SignedGroup>,
    /// The peers that stop until their operators have accepted the new key, where this one is revoked now.
    #[ts(type = "string[]")]
    pub stops: Vec<Provider>,
}

/// A grant that a signing key has signed.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct SignedGrant {
    /// Its id, which is that of the authorization.
    #[ts(type = "string")]
    pub id: Id,
    /// Who may be added.
    #[ts(type = "string")]
    pub user: UserUri,
    /// By whom.
    #[ts(type = "string")]
    pub adder: UserUri,
    /// To which group.
    #[ts(type = "string")]
    pub group: GroupUri,
    /// When it was signed.
    #[ts(type = "string")]
    pub signed: Timestamp,
    /// When it ends.
    #[ts(type = "string")]
    pub ends: Timestamp,
    /// Whether the user was added under it.
    pub used: bool,
}

/// A group with checkpoints that a signing key has signed.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct SignedGroup {
    /// Which.
    #[ts(type = "string")]
    pub group: GroupUri,
    /// The other providers in it.
    #[ts(type = "string[]")]
    pub participants: Vec<Provider>,
}
