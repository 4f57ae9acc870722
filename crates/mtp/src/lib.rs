//! MTP, profile 1, as types (`docs/mtp.md` is the wire contract; sections are named after it).
//!
//! This crate has no I/O, no clock and no async: time and randomness are handed in, bytes come in and go out.
//! Untrusted input is a different type from verified input, and `verify` is the only way from the one to the
//! other. Nothing here panics on, or allocates more than in proportion to, what the network sends.
//!
//! | room | what it is for | section |
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

pub mod chain;
pub mod checkpoint;
pub mod document;
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
