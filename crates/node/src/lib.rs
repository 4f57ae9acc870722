//! A whole MTP provider as a library: [`Node::start`] and it federates. It knows nothing of any GUI.
//!
//! A folder is a job that a provider has; each says in its first file what it is for, and most have a struct with the
//! folder's own state. How one item travels: what a peer asks is verified in `http`, decided in `consent`, and written by
//! `store` together with one feed row for whoever has to know. That wakes the waiting pull in `delivery`; the item arrives
//! in the other node's `pull`, is verified, and is stored with its cursor in one transaction.

mod accounts;
mod changes;
mod client_api;
pub mod config;
mod consent;
mod delivery;
pub mod diagnose;
mod ground;
mod http;
pub mod identity;
mod key_packages;
mod lock;
mod mls;
mod node;
pub mod operator;
mod outbox;
mod peers;
mod pull;
mod refusal;
#[cfg(feature = "inspect")]
pub mod store;
// Its words are public for whoever may look into it.
#[cfg(not(feature = "inspect"))]
#[allow(unreachable_pub, reason = "nobody may without the feature `inspect`")]
mod store;
mod sweep;
pub mod typed;

pub use changes::{Change, Changes};
pub use client_api::InProcessHome;
pub use config::Config;
pub use consent::{Decided, Decision, Misuse};
pub use drawbridge_client_api::ambient;
pub use http::{ListenFault, Listener, Socket, Trust, bind, serve};
pub use node::{Listening, Node, StartFault, check_with};
pub use operator::Whom;
pub use peers::{AddressGuard, GuardFault, Pulling, PullingStatus, Serving};
