use http::{HeaderMap, Method};
use sha2::{Digest, Sha256};

use super::fields::{self, Base, Component, MTP_TO, Parameters, Signed};
use crate::{
    id::Provider,
    keys::{PublicKey, Thumbprint},
    octets::Hash32,
    problem::{Code, Problem},
    time::{MAX_AHEAD, Timestamp},
};

/// How long after `expires` a signature is still taken, in seconds.
const GRACE_S: u64 = 30;

/// Whether `MTP-To` is there and names another provider than `here`: then the answer is 421 `not-here`, before
/// anything else is looked at. One that is absent is `signature-missing` later on.
pub fn is_meant_for_another(headers: &HeaderMap, here: &Provider) -> bool {
    fields::combined(headers, &MTP_TO).is_some_and(|to| to != here.as_str().as_bytes())
}

/// Why a request is answered 401, in the order in which section 4 has it checked. The last code of that table,
/// `replayed`, needs a memory and is the store's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureFault {
    /// There is no signature in the form of section 4.
    #[error("The request is not signed as MTP asks: {why}.")]
    Missing {
        /// What is not in its form.
        why: &'static str,
    },
    /// Its time is over.
    #[error(
        "The signature expired at {} and it is {} here; compare the clocks and sign anew.",
        .expires.in_words(), .now.in_words()
    )]
    Expired {
        /// When it expired.
        expires: Timestamp,
        /// The verifier's time.
        now: Timestamp,
    },
    /// It is from the future.
    #[error(
        "The signature was made at {} and it is {} here; the signer's clock is ahead.",
        .created.in_words(), .now.in_words()
    )]
    ClockSkew {
        /// When it says it was made.
        created: Timestamp,
        /// The verifier's time.
        now: Timestamp,
    },
    /// Nobody knows its key.
    #[error("The key {kid} is not in the document of {signer}, or the document cannot be had for now.")]
    KeyUnknown {
        /// Who says it signed.
        signer: Provider,
        /// The key it names.
        kid: Thumbprint,
    },
    /// It is not the key's signature for this request.
    #[error(
        "The signature does not verify; was the request changed on its way, or the address of the endpoint rewritten?"
    )]
    Invalid,
    /// The content is not what was signed.
    #[error("Content-Digest is not the SHA-256 of the content; was the content changed on its way?")]
    DigestMismatch,
}

impl SignatureFault {
    /// The code it is answered with.
    pub const fn code(&self) -> Code {
        match self {
            Self::Missing { .. } => Code::SignatureMissing,
            Self::Expired { .. } => Code::SignatureExpired,
            Self::ClockSkew { .. } => Code::ClockSkew,
            Self::KeyUnknown { .. } => Code::KeyUnknown,
            Self::Invalid => Code::SignatureInvalid,
            Self::DigestMismatch => Code::DigestMismatch,
        }
    }
}

impl From<&SignatureFault> for Problem {
    fn from(fault: &SignatureFault) -> Self {
        let problem = Self::new(fault.code(), fault.to_string());
        match fault {
            SignatureFault::Expired { now, .. } | SignatureFault::ClockSkew { now, .. } => {
                problem.with_now(*now)
            }
            _ => problem,
        }
    }
}

impl From<SignatureFault> for Problem {
    fn from(fault: SignatureFault) -> Self {
        Self::from(&fault)
    }
}

/// What every stage of a request tells about its signature.
macro_rules! tells_its_signature {
    ($type:ident: $($to:tt)+) => {
        impl $type {
            /// The provider that the request says it is from; proved in a [`VerifiedRequest`] only.
            pub fn signer(&self) -> &Provider {
                &self.$($to)+.signer
            }

            /// The key it is signed with.
            pub fn kid(&self) -> &Thumbprint {
                &self.$($to)+.kid
            }

            /// What makes it one of its kind.
            pub fn nonce(&self) -> &[u8; 16] {
                &self.$($to)+.nonce
            }

            /// When it was made, in seconds since 1970.
            pub fn created(&self) -> u64 {
                self.$($to)+.created
            }

            /// When it ends, in seconds since 1970.
            pub fn expires(&self) -> u64 {
                self.$($to)+.expires
            }
        }
    };
}

/// A request that bears a signature in the form of section 4, of which nothing is proved.
#[derive(Clone, Debug)]
pub struct UnverifiedRequest {
    parameters: Parameters,
    signature: Vec<u8>,
    base: Vec<u8>,
    /// The digest of the content, where the request is known to have any.
    content_digest: Option<Vec<u8>>,
}

/// An [`UnverifiedRequest`] whose time is now.
#[derive(Clone, Debug)]
pub struct TimelyRequest(UnverifiedRequest);

/// A request that the holder of the signer's key made, for the provider in its `MTP-To`; its content is still to be
/// held against the digest that was signed, and need not be there yet.
#[derive(Clone, Debug)]
pub struct ProvedRequest {
    parameters: Parameters,
    /// None where `Content-Digest` is not in its form.
    expected: Option<Hash32>,
    content: Sha256,
}

/// A request that the holder of the signer's key made, for the provider in its `MTP-To`, with this content.
#[derive(Clone, Debug)]
pub struct VerifiedRequest(Parameters);

tells_its_signature!(UnverifiedRequest: parameters);
tells_its_signature!(TimelyRequest: 0.parameters);
tells_its_signature!(ProvedRequest: parameters);
tells_its_signature!(VerifiedRequest: 0);

impl UnverifiedRequest {
    /// Reads the signature of a request.
    ///
    /// `target_uri` is the server's own endpoint's scheme and authority, then the request target as it was
    /// received; `has_content` whether the content has at least one octet.
    ///
    /// # Errors
    ///
    /// [`SignatureFault::Missing`].
    pub fn parse(
        method: &Method,
        target_uri: &str,
        headers: &HeaderMap,
        has_content: bool,
    ) -> Result<Self, SignatureFault> {
        let missing = |why| SignatureFault::Missing { why };
        let base = base_of(method, target_uri, headers, has_content).map_err(missing)?;
        let Signed { parameters, signature } = Signed::parse(headers, base.components()).map_err(missing)?;
        let base = base.close(&parameters);
        let content_digest = fields::content_digest(headers).filter(|_| has_content);
        Ok(Self { parameters, signature, base, content_digest })
    }

    /// The octets that the signature is over (RFC 9421, 2.5).
    pub fn signature_base(&self) -> &[u8] {
        &self.base
    }

    /// Checks the signature's times.
    ///
    /// # Errors
    ///
    /// [`SignatureFault::Expired`] more than 30 s after `expires`, [`SignatureFault::ClockSkew`] where `created`
    /// is more than 300 s ahead of `now`.
    pub fn at(self, now: Timestamp) -> Result<TimelyRequest, SignatureFault> {
        let Parameters { created, expires, .. } = self.parameters;
        match Timeliness::of(created, expires, now) {
            Timeliness::Expired => {
                Err(SignatureFault::Expired { expires: Timestamp::from_secs(expires), now })
            }
            Timeliness::Ahead => {
                Err(SignatureFault::ClockSkew { created: Timestamp::from_secs(created), now })
            }
            Timeliness::Now => Ok(TimelyRequest(self)),
        }
    }
}

impl TimelyRequest {
    /// Checks the signature by the signer's key, before any of the content is looked at.
    ///
    /// `key` is what the signer's document has under [`kid`](Self::kid): none where it has nothing, or where it
    /// cannot be had.
    ///
    /// # Errors
    ///
    /// [`SignatureFault::KeyUnknown`] or [`SignatureFault::Invalid`], the first that applies.
    pub fn verify_signature(self, key: Option<&PublicKey>) -> Result<ProvedRequest, SignatureFault> {
        let Self(UnverifiedRequest { parameters, signature, base, content_digest }) = self;
        let Some(key) = key.filter(|key| *key.thumbprint() == parameters.kid) else {
            return Err(SignatureFault::KeyUnknown { signer: parameters.signer, kid: parameters.kid });
        };
        // A signature base is ASCII (RFC 9421, 2.5); over anything else there is no signature.
        if !base.is_ascii() || !key.verifies(&base, &signature) {
            return Err(SignatureFault::Invalid);
        }
        // Nothing has a digest of its own, so that no content and no digest go together.
        let expected = match content_digest {
            Some(field) => fields::sha256_of_digest(&field),
            None => Some(Hash32::of(b"")),
        };
        Ok(ProvedRequest { parameters, expected, content: Sha256::new() })
    }

    /// Checks the signature by the signer's key, then the content by its digest.
    ///
    /// # Errors
    ///
    /// As [`verify_signature`](Self::verify_signature), then [`SignatureFault::DigestMismatch`].
    pub fn verify(self, key: Option<&PublicKey>, body: &[u8]) -> Result<VerifiedRequest, SignatureFault> {
        let mut proved = self.verify_signature(key)?;
        proved.take_content(body);
        proved.finish()
    }
}

impl ProvedRequest {
    /// Takes the next octets of the content into its digest.
    pub fn take_content(&mut self, octets: &[u8]) {
        self.content.update(octets);
    }

    /// Checks what was taken as the whole content.
    ///
    /// # Errors
    ///
    /// [`SignatureFault::DigestMismatch`].
    pub fn finish(self) -> Result<VerifiedRequest, SignatureFault> {
        let found = Hash32(self.content.finalize().into());
        if self.expected == Some(found) {
            Ok(VerifiedRequest(self.parameters))
        } else {
            Err(SignatureFault::DigestMismatch)
        }
    }
}

/// The signature base of a request, or which field that it has to cover is absent.
pub(super) fn base_of(
    method: &Method,
    target_uri: &str,
    headers: &HeaderMap,
    has_content: bool,
) -> Result<Base, &'static str> {
    let mut base = Base::default();
    base.cover(Component::Own("@method"), method.as_str());
    base.cover(Component::Own("@target-uri"), target_uri);
    base.cover(Component::Own("mtp-to"), fields::combined(headers, &MTP_TO).ok_or("there is no MTP-To")?);
    if has_content {
        fields::cover_content(&mut base, headers, None)?;
    }
    Ok(base)
}

/// How a signature's times stand to the verifier's clock.
pub(super) enum Timeliness {
    Now,
    Expired,
    Ahead,
}

impl Timeliness {
    pub(super) fn of(created: u64, expires: u64, now: Timestamp) -> Self {
        let millis = |secs: u64| secs.saturating_mul(1_000);
        if now.as_millis() > millis(expires.saturating_add(GRACE_S)) {
            Self::Expired
        } else if millis(created) > now.plus(MAX_AHEAD).as_millis() {
            Self::Ahead
        } else {
            Self::Now
        }
    }
}
