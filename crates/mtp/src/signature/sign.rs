use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header::CONTENT_TYPE};

use super::{
    fields::{
        self, Base, CONTENT_DIGEST, LABEL, MAX_LIFETIME_S, MTP_TO, Parameters, SIGNATURE, SIGNATURE_INPUT,
    },
    request::base_of,
    response::RequestBinding,
};
use crate::{id::Provider, keys::SecretKey};

/// When a signature is made, for how long, and what makes it one of its kind. Time and randomness are handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Seconds since 1970.
    pub created: u64,
    /// How long it holds: 1 to 300 s; what is outside becomes the nearest of these.
    pub lifetime_s: u16,
    /// Sixteen random bytes, never used again.
    pub nonce: [u8; 16],
}

/// A provider that signs what it sends.
#[derive(Clone, Debug)]
pub struct Signer {
    provider: Provider,
    key: Arc<SecretKey>,
}

/// What signing a request gave.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    /// The fields to send: `MTP-To`, `Content-Type` and `Content-Digest` where there is content,
    /// `Signature-Input` and `Signature`.
    pub headers: HeaderMap,
    /// What the response has to cover.
    pub binding: RequestBinding,
}

/// Integers of structured fields have at most fifteen digits.
const LAST_SECOND: u64 = 999_999_999_999_999 - MAX_LIFETIME_S;

impl Signer {
    /// A signer in the name of `provider`, whose document has the public half of `key`.
    pub fn new(provider: Provider, key: SecretKey) -> Self {
        Self { provider, key: Arc::new(key) }
    }

    /// Who signs.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The key it signs with.
    pub fn key(&self) -> &SecretKey {
        &self.key
    }

    /// Signs a request to `to`. `target_uri` is what will be sent, octet by octet; `content` is its type and its
    /// octets, and none at all where there are none.
    pub fn sign_request(
        &self,
        method: &Method,
        target_uri: &str,
        to: &Provider,
        content: Option<(&str, &[u8])>,
        stamp: Stamp,
    ) -> SignedRequest {
        let mut headers = HeaderMap::new();
        headers.insert(MTP_TO, value(to.as_str()));
        let content = content.filter(|(_, body)| !body.is_empty());
        if let Some((content_type, body)) = content {
            headers.insert(CONTENT_TYPE, value(content_type));
            headers.insert(CONTENT_DIGEST, value(&fields::digest_of(body)));
        }
        let base = infallible(base_of(method, target_uri, &headers, content.is_some()));
        let signature = self.put_signature(&mut headers, base, stamp);
        let binding = RequestBinding {
            method: method.clone(),
            target_uri: target_uri.to_owned(),
            signature: Some(signature.to_vec()),
        };
        SignedRequest { headers, binding }
    }

    /// Signs a response to the request of `binding`, and adds the fields to `headers`, where `Content-Type` and
    /// `Content-Encoding` are already as they will be sent. `body` is the content as it will be sent, encoded.
    /// Content without a type becomes `application/octet-stream`.
    pub fn sign_response(
        &self,
        status: StatusCode,
        headers: &mut HeaderMap,
        body: &[u8],
        binding: &RequestBinding,
        stamp: Stamp,
    ) {
        let has_content = !body.is_empty();
        if has_content {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/octet-stream"));
            headers.insert(CONTENT_DIGEST, value(&fields::digest_of(body)));
        }
        let base = infallible(binding.base(status, headers, has_content));
        self.put_signature(headers, base, stamp);
    }

    fn put_signature(&self, headers: &mut HeaderMap, base: Base, stamp: Stamp) -> [u8; 64] {
        let created = stamp.created.min(LAST_SECOND);
        let parameters = Parameters {
            created,
            expires: created + u64::from(stamp.lifetime_s).clamp(1, MAX_LIFETIME_S),
            nonce: stamp.nonce,
            signer: self.provider.clone(),
            kid: *self.key.public().thumbprint(),
        };
        let input = parameters.input(base.components());
        let signature = self.key.sign(&base.close(&parameters));
        headers.insert(SIGNATURE_INPUT, value(&format!("{LABEL}={input}")));
        headers.insert(SIGNATURE, value(&format!("{LABEL}={}", fields::byte_sequence(&signature))));
        signature
    }
}

/// A field's value from a text that is one: an authority, base64, or what this module puts together from such. A
/// `content-type` is the caller's constant; one that no field can hold is sent as nothing, and refused there.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// A base fails to come about only where a field that it covers is absent.
#[expect(clippy::expect_used, reason = "both callers have just put the fields there")]
fn infallible(base: Result<Base, &'static str>) -> Base {
    base.expect("every field to be covered is there")
}
