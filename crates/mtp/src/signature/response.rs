use http::{HeaderMap, Method, StatusCode, header::CONTENT_ENCODING};

use super::{
    fields::{self, Base, Component, Parameters, Signed},
    request::Timeliness,
};
use crate::{
    id::Provider,
    keys::{KeySet, Thumbprint},
    octets::Hash32,
    time::Timestamp,
};

/// What a response has to cover of the request that it answers, so that it answers no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestBinding {
    pub(super) method: Method,
    pub(super) target_uri: String,
    pub(super) signature: Option<Vec<u8>>,
}

impl RequestBinding {
    /// The binding of a request as it was received, signed or not: only a `Signature` with a member `mtp` that
    /// is bytes is covered.
    pub fn of(method: &Method, target_uri: &str, headers: &HeaderMap) -> Self {
        Self {
            method: method.clone(),
            target_uri: target_uri.to_owned(),
            signature: fields::signature(headers),
        }
    }

    /// The binding that the same request would have had at another target: what has reached a responder behind something that
    /// changes paths.
    pub fn at(&self, target_uri: &str) -> Self {
        Self { target_uri: target_uri.to_owned(), ..self.clone() }
    }

    /// Whether the request bore a signature, which a response then has to cover.
    pub fn is_signed(&self) -> bool {
        self.signature.is_some()
    }

    /// The signature base of a response to this request.
    pub(super) fn base(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        has_content: bool,
    ) -> Result<Base, &'static str> {
        let mut base = Base::default();
        base.cover(Component::Own("@status"), status.as_str());
        if has_content {
            fields::cover_content(&mut base, headers, Some(&CONTENT_ENCODING))?;
        }
        base.cover(Component::OfRequest("@method"), self.method.as_str());
        base.cover(Component::OfRequest("@target-uri"), &self.target_uri);
        if let Some(signature) = &self.signature {
            base.cover(Component::RequestSignature, fields::byte_sequence(signature));
        }
        Ok(base)
    }
}

/// Why a response is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseFault {
    /// There is no signature in the form of section 4, or it leaves out the request's.
    #[error(
        "the response is not signed as MTP asks: {why}; does something in front of the peer answer for it?"
    )]
    Missing {
        /// What is not in its form.
        why: &'static str,
    },
    /// Another provider signed.
    #[error(
        "the response is signed by {signer} and not by {asked}; does its endpoint lead to another provider?"
    )]
    OtherResponder {
        /// Who was asked.
        asked: Provider,
        /// Who says it signed.
        signer: Provider,
    },
    /// The key is not among those given. The responder's document may have it by now.
    #[error(
        "the response is signed with the key {kid}, which is not in the responder's document as we have it"
    )]
    KeyUnknown {
        /// The key it names.
        kid: Thumbprint,
    },
    /// It is not the key's signature for this response to this request.
    #[error(
        "the signature of the response does not verify; was it changed on its way, or does it answer another request?"
    )]
    Invalid,
    /// The content is not what was signed.
    #[error(
        "the response's Content-Digest is not the SHA-256 of its content; was the content changed on its way?"
    )]
    DigestMismatch,
    /// All is right but the time: from the content of this response, a problem's `now` may be read.
    #[error(
        "the response is signed for {} to {} and it is {} here; one of the clocks is wrong",
        .created.in_words(), .expires.in_words(), .now.in_words()
    )]
    Times {
        /// When the signature says it was made.
        created: Timestamp,
        /// When it ends.
        expires: Timestamp,
        /// The verifier's time.
        now: Timestamp,
    },
}

/// A response that bears a signature in the form of section 4, of which nothing is proved.
#[derive(Clone, Debug)]
pub struct UnverifiedResponse {
    parameters: Parameters,
    signature: Vec<u8>,
    base: Vec<u8>,
    content_digest: Option<Vec<u8>>,
}

/// A response that the responder made to this very request.
#[derive(Clone, Debug)]
pub struct VerifiedResponse(Parameters);

impl UnverifiedResponse {
    /// Reads the signature of a response to the request of `binding`; `has_content` is whether it has at least
    /// one octet.
    ///
    /// # Errors
    ///
    /// [`ResponseFault::Missing`].
    pub fn parse(
        status: StatusCode,
        headers: &HeaderMap,
        has_content: bool,
        binding: &RequestBinding,
    ) -> Result<Self, ResponseFault> {
        let missing = |why| ResponseFault::Missing { why };
        let base = binding.base(status, headers, has_content).map_err(missing)?;
        let Signed { parameters, signature } = Signed::parse(headers, base.components()).map_err(missing)?;
        let base = base.close(&parameters);
        let content_digest = fields::content_digest(headers).filter(|_| has_content);
        Ok(Self { parameters, signature, base, content_digest })
    }

    /// The octets that the signature is over (RFC 9421, 2.5).
    pub fn signature_base(&self) -> &[u8] {
        &self.base
    }

    /// Checks who signed, the signature, the content's digest, and last the times.
    ///
    /// # Errors
    ///
    /// The first fault that applies. [`ResponseFault::Times`] is the last that can, so it is then the only one.
    pub fn verify(
        self,
        body: &[u8],
        responder: &Provider,
        keys: &KeySet,
        now: Timestamp,
    ) -> Result<VerifiedResponse, ResponseFault> {
        let Self { parameters, signature, base, content_digest } = self;
        if parameters.signer != *responder {
            return Err(ResponseFault::OtherResponder {
                asked: responder.clone(),
                signer: parameters.signer,
            });
        }
        let key = keys.get(&parameters.kid).ok_or(ResponseFault::KeyUnknown { kid: parameters.kid })?;
        if !base.is_ascii() || !key.verifies(&base, &signature) {
            return Err(ResponseFault::Invalid);
        }
        let digest_is_right = match content_digest {
            Some(digest) => fields::sha256_of_digest(&digest) == Some(Hash32::of(body)),
            None => body.is_empty(),
        };
        if !digest_is_right {
            return Err(ResponseFault::DigestMismatch);
        }
        let Parameters { created, expires, .. } = parameters;
        match Timeliness::of(created, expires, now) {
            Timeliness::Now => Ok(VerifiedResponse(parameters)),
            Timeliness::Expired | Timeliness::Ahead => {
                let (created, expires) = (Timestamp::from_secs(created), Timestamp::from_secs(expires));
                Err(ResponseFault::Times { created, expires, now })
            }
        }
    }
}

impl VerifiedResponse {
    /// The provider that answered.
    pub fn signer(&self) -> &Provider {
        &self.0.signer
    }

    /// The key it signed with.
    pub fn kid(&self) -> &Thumbprint {
        &self.0.kid
    }

    /// When it signed, in seconds since 1970.
    pub fn created(&self) -> u64 {
        self.0.created
    }
}

/// Verifies a response of `responder` to the request of `binding`. `body` is the content as it was sent, still
/// encoded where there is a `Content-Encoding`.
///
/// # Errors
///
/// The first fault that applies; see [`UnverifiedResponse::verify`].
pub fn verify_response(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    binding: &RequestBinding,
    responder: &Provider,
    keys: &KeySet,
    now: Timestamp,
) -> Result<VerifiedResponse, ResponseFault> {
    UnverifiedResponse::parse(status, headers, !body.is_empty(), binding)?.verify(body, responder, keys, now)
}
