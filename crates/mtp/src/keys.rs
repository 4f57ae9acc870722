//! Ed25519 keys as they are published: JWKs named by their thumbprints (section 3; RFC 7517, 7638, 8037).

use std::{fmt, str::FromStr};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};
use sha2::{Digest, Sha256};

use crate::{
    octets::{self, InvalidBase64},
    text::as_text,
};

/// A provider's private key. It is wiped from memory when dropped, and never shown.
pub struct SecretKey(SigningKey);

/// A key that signatures are verified with.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    thumbprint: Thumbprint,
}

/// A key's name, `kid`: the SHA-256 of its JWK as RFC 7638 says, 43 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thumbprint([u8; 32]);

/// The keys of one provider, by thumbprint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet(Vec<PublicKey>);

/// Thirty-two bytes that are no Ed25519 public key, or one that anyone can sign for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a usable Ed25519 public key")]
pub struct InvalidKey;

impl SecretKey {
    /// The key that RFC 8032 derives from these thirty-two random bytes.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The thirty-two bytes to keep, in order to make this key again.
    pub fn seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The key that others verify with.
    pub fn public(&self) -> PublicKey {
        PublicKey::named(self.0.verifying_key())
    }

    /// Signs `message` (Ed25519, RFC 8032).
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(for {})", self.public().thumbprint())
    }
}

impl PublicKey {
    /// Reads the thirty-two bytes of a JWK's `x`.
    ///
    /// # Errors
    ///
    /// Where they are no point of the curve, or one of small order, for which anyone can sign.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, InvalidKey> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| InvalidKey)?;
        if key.is_weak() { Err(InvalidKey) } else { Ok(Self::named(key)) }
    }

    fn named(key: VerifyingKey) -> Self {
        let x = octets::to_base64url(key.as_bytes());
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        Self { key, thumbprint: Thumbprint(Sha256::digest(canonical).into()) }
    }

    /// The thirty-two bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The key's name.
    pub fn thumbprint(&self) -> &Thumbprint {
        &self.thumbprint
    }

    /// Whether `signature` is this key's for `message`, by the strict rules (RFC 8032, 5.1.7, without the
    /// signatures that hold for more than one message).
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.thumbprint)
    }
}

impl Thumbprint {
    /// The hash itself.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Thumbprint {
    type Err = InvalidBase64;

    fn from_str(text: &str) -> Result<Self, InvalidBase64> {
        octets::from_base64url(text).map(Self)
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&octets::to_base64url(&self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

as_text!(Thumbprint);

impl KeySet {
    /// The key of that name.
    pub fn get(&self, kid: &Thumbprint) -> Option<&PublicKey> {
        self.0.iter().find(|key| key.thumbprint() == kid)
    }

    /// The keys, in the order of their document.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the keys of a JWK set that are of the form of section 3, and skips the others.
    ///
    /// # Errors
    ///
    /// Where a key of the form has a `kid` that is not its thumbprint, or is not usable.
    pub fn from_jwks(jwks: &[JwkMembers]) -> Result<Self, JwkFault> {
        jwks.iter().filter_map(published_key).collect()
    }
}

impl FromIterator<PublicKey> for KeySet {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        let mut set = Self::default();
        for key in keys {
            if set.get(key.thumbprint()).is_none() {
                set.0.push(key);
            }
        }
        // Most have one, and one for each peer is kept.
        set.0.shrink_to_fit();
        set
    }
}

/// The members of one JWK, as they were read.
pub type JwkMembers = serde_json::Map<String, serde_json::Value>;

/// Why a key of our form refuses the JWK set it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkFault {
    /// Its `kid` is not its thumbprint.
    #[error("a key's kid is not its RFC 7638 thumbprint, which is {0}")]
    OtherKid(Thumbprint),
    /// Its `x` is not a key.
    #[error("a key's x is not a usable Ed25519 public key")]
    Unusable,
}

/// The members that make a JWK one of ours, besides `x` and `kid`.
const FORM: [(&str, &str); 4] = [("kty", "OKP"), ("crv", "Ed25519"), ("alg", "EdDSA"), ("use", "sig")];

/// The key in a JWK of the form of section 3; none where it is of another kind.
fn published_key(jwk: &JwkMembers) -> Option<Result<PublicKey, JwkFault>> {
    let text = |member: &str| jwk.get(member).and_then(serde_json::Value::as_str);
    if FORM.iter().any(|(member, value)| text(member) != Some(value)) {
        return None;
    }
    let (x, kid) = (text("x")?, text("kid")?);
    let key = octets::from_base64url(x).ok().and_then(|bytes| PublicKey::from_bytes(&bytes).ok());
    Some(match key {
        None => Err(JwkFault::Unusable),
        Some(key) if key.thumbprint().to_string() != kid => Err(JwkFault::OtherKid(*key.thumbprint())),
        Some(key) => Ok(key),
    })
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut jwk = serializer.serialize_map(Some(FORM.len() + 2))?;
        let [kty, crv, rest @ ..] = FORM;
        for (member, value) in [kty, crv] {
            jwk.serialize_entry(member, value)?;
        }
        jwk.serialize_entry("x", &octets::to_base64url(self.as_bytes()))?;
        jwk.serialize_entry("kid", self.thumbprint())?;
        for (member, value) in rest {
            jwk.serialize_entry(member, value)?;
        }
        jwk.end()
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let jwk = JwkMembers::deserialize(deserializer)?;
        let none = || de::Error::custom("not an Ed25519 signing key in the form of the provider document");
        published_key(&jwk).ok_or_else(none)?.map_err(de::Error::custom)
    }
}

impl Serialize for KeySet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut set = serializer.serialize_map(Some(1))?;
        set.serialize_entry("keys", &self.0)?;
        set.end()
    }
}
