//! Signed requests and responses (section 4; RFC 9421 signatures, RFC 9530 digests).
//!
//! A request climbs from type to type: [`UnverifiedRequest`] has the form of the contract, [`TimelyRequest`] is
//! also neither too old nor from the future, [`VerifiedRequest`] is its sender's. The steps are those of the
//! table of 401 codes, in its order, so that a server can fetch a key between the second and the third, and for
//! no request that did not come so far. [`SignatureFault`] is that table.
//!
//! A response is checked in one go by [`verify_response`], against the [`RequestBinding`] of its request.

mod fields;
mod request;
mod response;
mod sign;

use http::{HeaderMap, HeaderName};

pub use fields::combined;
pub use request::{ProvedRequest, SignatureFault, TimelyRequest, UnverifiedRequest, VerifiedRequest};
pub use response::{RequestBinding, ResponseFault, UnverifiedResponse, VerifiedResponse, verify_response};
pub use sign::{SignedRequest, Signer, Stamp};

use crate::id::Provider;

/// The field that names the provider a request is meant for.
pub const MTP_TO: HeaderName = HeaderName::from_static("mtp-to");
/// The field with the digest of the content (RFC 9530).
pub const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
/// The field that says what is signed (RFC 9421).
pub const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
/// The field with the signatures (RFC 9421).
pub const SIGNATURE: HeaderName = HeaderName::from_static("signature");

/// The label of our signatures, and their `tag`.
const LABEL: &str = "mtp";
/// The longest that a signature may hold, in seconds.
const MAX_LIFETIME_S: u64 = 300;
/// How long after `expires` a signature is still taken, in seconds.
const GRACE_S: u64 = 30;
/// How far ahead `created` may be, in seconds.
const MAX_AHEAD_S: u64 = 300;

/// Whether `MTP-To` is there and names another provider than `here`: then the answer is 421 `not-here`, before
/// anything else is looked at. One that is absent is `signature-missing` later on.
pub fn is_meant_for_another(headers: &HeaderMap, here: &Provider) -> bool {
    fields::combined(headers, &MTP_TO).is_some_and(|to| to != here.as_str().as_bytes())
}
