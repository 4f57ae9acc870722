//! A whole MTP provider as a library: [`Node::start`] and it federates. It knows nothing of any GUI.
//!
//! A folder is a job that a provider has; each says in its first file what it is for. How one item travels: what a
//! peer asks enters `http` through its gate, is judged in `consent`, written by `store` together
//! with one feed row for whoever has to know, wakes the waiting pull in `delivery`, arrives in the other node's
//! `pull`, is verified, and is stored with its cursor in one transaction.

mod accounts;
pub mod ambient;
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
pub use client_api::ClientDoor;
pub use config::Config;
pub use consent::{AuthorizationDecision, Decided, Decision, Misuse};
pub use http::{ListenFault, Listener, Socket, Trust, bind, serve};
pub use node::{Listening, Node, StartFault, check_with};
pub use operator::Whom;
pub use peers::{AddressGuard, GuardFault, Pulling, PullingStatus, Serving};
