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

pub use fields::{
    CONTENT_DIGEST, MTP_TO, SIGNATURE, SIGNATURE_INPUT, ToldSignature, combined, told_signature,
};
pub use request::{
    ProvedRequest, SignatureFault, TimelyRequest, UnverifiedRequest, VerifiedRequest, is_meant_for_another,
};
pub use response::{RequestBinding, ResponseFault, UnverifiedResponse, VerifiedResponse, verify_response};
pub use sign::{SignedRequest, Signer, Stamp};
