//! Compact JWS (RFC 7515) with Ed25519 and a header of exactly `alg`, `kid` and `typ`.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    keys::{PublicKey, SecretKey, Thumbprint},
    octets,
    wire::{self, Encoding, Malformed},
};

const ALG: &str = "EdDSA";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: Thumbprint,
    typ: String,
}

/// A JWS whose signature nobody has checked.
#[derive(Clone, Debug)]
pub(crate) struct Unverified<C> {
    pub(crate) kid: Thumbprint,
    pub(crate) claims: C,
    signed: String,
    signature: Vec<u8>,
}

/// Signs `claims` under the header `typ`.
pub(crate) fn sign<C: Serialize>(typ: &str, claims: &C, key: &SecretKey) -> String {
    let header = Header { alg: ALG.into(), kid: *key.public().thumbprint(), typ: typ.into() };
    let part = |json: Vec<u8>| octets::to_base64url(&json);
    let signed = format!(
        "{}.{}",
        part(wire::encode(Encoding::Json, &header)),
        part(wire::encode(Encoding::Json, claims))
    );
    let signature = octets::to_base64url(&key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

impl<C: DeserializeOwned> Unverified<C> {
    /// Reads a JWS with the header `typ` and the claims `C`; other claims are ignored, other header members not.
    pub(crate) fn parse(typ: &str, jws: &str) -> Result<Self, Malformed> {
        let bytes = |part| octets::vec_from_base64url(part).map_err(Malformed::new);
        let (signed, signature) =
            jws.rsplit_once('.').ok_or_else(|| Malformed::new("a JWS has three parts"))?;
        let (header, claims) =
            signed.split_once('.').ok_or_else(|| Malformed::new("a JWS has three parts"))?;
        let header: Header = wire::decode(Encoding::Json, &bytes(header)?)?;
        if header.alg != ALG || header.typ != typ {
            return Err(Malformed::new(format_args!(
                "its header is not that of a JWS of type {typ} with {ALG}"
            )));
        }
        let claims = wire::decode(Encoding::Json, &bytes(claims)?)?;
        Ok(Self { kid: header.kid, claims, signed: signed.to_owned(), signature: bytes(signature)? })
    }

    /// The claims, where `key` is the one named and the signature is its.
    pub(crate) fn verify(self, key: &PublicKey) -> Option<C> {
        let verified = *key.thumbprint() == self.kid && key.verifies(self.signed.as_bytes(), &self.signature);
        verified.then_some(self.claims)
    }
}
