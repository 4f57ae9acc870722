//! MTP, profile 1, as types (`docs/mtp.md` is the wire contract; sections are named after it).
//!
//! This crate has no I/O, no clock and no async: time and randomness are handed in, bytes come in and go out.
//! Untrusted input is a different type from verified input, and `verify` is the only way from the one to the
//! other. Nothing here panics on, or allocates more than in proportion to, what the network sends.
//!
//! | module | what it is for | section |
//! | --- | --- | --- |
//! | [`id`] | the names of providers, users, clients, groups and requests | 2, 5 |
//! | [`time`] | the one spelling of a time | 5 |
//! | [`octets`] | bytes and hashes: base64url in JSON, byte strings in CBOR | 5 |
//! | [`keys`] | Ed25519 keys, their thumbprints, JWK sets | 3 |
//! | [`document`] | the provider document and the endpoint in it | 3 |
//! | [`signature`] | signing and verifying requests and responses | 4 |
//! | [`problem`] | the error codes and the problem documents that carry them | 5 |
//! | [`wire`] | strict JSON and CBOR | 5 |
//! | [`seen`] | what of a name or a title a person would see | 8 |
//! | [`message`] | what is sent: peering, connections, authorizations, KeyPackages, groups, the feed | 6 to 11 |
//! | [`grant`] | a provider's signed word that its user agreed | 8 |
//! | [`policy`] | who may do what in a group | 10 |
//! | [`checkpoint`] | an owner's signed word on its log | 10 |
//! | [`chain`] | the hash that links a group's events | 10 |
//! | [`evidence`] | proof that an owner told two stories of its log | 10 |
//!
//! # Example
//!
//! One provider asks another for a connection between two users, and the other finds out whether it did:
//!
//! ```
//! use drawbridge_mtp::http::Method;
//! use drawbridge_mtp::id::Id;
//! use drawbridge_mtp::keys::SecretKey;
//! use drawbridge_mtp::message::ConnectionRequest;
//! use drawbridge_mtp::problem::Code;
//! use drawbridge_mtp::signature::{Signer, Stamp, UnverifiedRequest};
//! use drawbridge_mtp::time::Timestamp;
//! use drawbridge_mtp::wire::{self, Encoding};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Time and randomness are the caller's.
//! let now = Timestamp::from_secs(1_790_000_000);
//! let stamp = Stamp { created: now.as_secs(), lifetime_s: 120, nonce: [7; 16] };
//!
//! // At a.example: what is asked, and its signature.
//! let ours = Signer::new("a.example".parse()?, SecretKey::from_seed([1; 32]));
//! let request = ConnectionRequest {
//!     id: Id::new(now, [1; 10]),
//!     from: "mimi://a.example/u/alice".parse()?,
//!     to: "mimi://b.example/u/bob".parse()?,
//!     created: now,
//!     expires: now.plus(std::time::Duration::from_secs(3600)),
//! };
//! let body = wire::encode(Encoding::Json, &request);
//! let uri = "https://b.example/mtp/v1/connections";
//! let content = Some(("application/json", &body[..]));
//! let signed = ours.sign_request(&Method::POST, uri, request.to.provider(), content, stamp);
//!
//! // At b.example: the signature's form and time, whose key it names, and whether it verifies over this body.
//! let received = UnverifiedRequest::parse(&Method::POST, uri, &signed.headers, true)?.at(now)?;
//! assert_eq!(received.signer(), ours.provider());
//! let key = ours.key().public(); // as the provider document of a.example has it
//! let verified = received.clone().verify(Some(&key), &body)?;
//! assert_eq!(verified.signer().as_str(), "a.example");
//! let read: ConnectionRequest = wire::decode(Encoding::Json, &body)?;
//! assert_eq!(read, request);
//!
//! // Another body than the one that was signed has a code of its own.
//! let refused = received.verify(Some(&key), b"{}").unwrap_err();
//! assert_eq!(refused.code(), Code::DigestMismatch);
//! # Ok(())
//! # }
//! ```

pub mod chain;
pub mod checkpoint;
pub mod document;
pub mod evidence;
pub mod grant;
pub mod id;
mod jws;
pub mod keys;
pub mod message;
pub mod octets;
pub mod policy;
pub mod problem;
pub mod seen;
pub mod signature;
mod text;
pub mod time;
pub mod wire;

pub use http;
