//! A whole MTP provider as a library: [`Node::start`] and it federates. It knows nothing of any GUI.
//!
//! A folder is a job that a provider has; each says in its first file what it is for, and most have a struct with the
//! folder's own state. How one item travels: what a peer asks is verified in `http`, decided in `consent`, and written by
//! `store` together with one feed row for whoever has to know. That wakes the waiting pull in `delivery`; the item arrives
//! in the other node's `pull`, is verified, and is stored with its cursor in one transaction.
//!
//! A provider that nobody else can reach, with one account:
//!
//! ```
//! use drawbridge_node::operator::UserRule;
//! use drawbridge_node::{Config, Node};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let file = folder.path().join("drawbridge.toml");
//! std::fs::write(
//!     &file,
//!     r#"
//!     provider = "home.example"
//!     data_dir = "data"
//!     [mtp]
//!     listen = "127.0.0.1:0"
//!     "#,
//! )?;
//! let node = Node::start(Config::load(&file)?).await?;
//! let ann = node.operator().create_user("ann".parse()?, UserRule::Ask).await?;
//! assert_eq!(ann.to_string(), "mimi://home.example/u/ann");
//! node.stop().await;
//! # Ok(())
//! # }
//! ```

mod accounts;
mod acme;
pub mod address_hook;
pub mod backup;
mod card;
mod client_api;
mod command;
mod consent;
mod delivery;
pub mod diagnose;
mod ground;
mod http;
pub mod identity;
mod key_packages;
mod metrics;
mod misuse;
mod mls;
pub mod nameless;
mod node;
pub mod notify;
pub mod operator;
mod other_copy;
mod outbox;
mod pace;
mod peer_fault;
mod peers;
mod pull;
mod readable;
mod refusal;
mod rotation;
pub mod router;
mod side;
pub mod storage;
#[cfg(feature = "inspect")]
pub mod store;
// Its words are public for whoever may look into it.
#[cfg(not(feature = "inspect"))]
#[allow(unreachable_pub, reason = "nobody may without the feature `inspect`")]
mod store;
mod sweep;
mod trace;
pub mod traffic;
pub mod typed;
mod words;

pub use card::Card;
pub use client_api::InProcessHome;
pub use consent::{Decided, Decision};
pub use drawbridge_client_api::ambient;
pub use ground::changes::{Change, Changes};
pub use ground::config;
pub use ground::config::Config;
pub use http::{BoundListener, ListenFault, Listener, Socket, Trust, bind, serve};
pub use misuse::Misuse;
pub use node::{Listening, Node, StartFault, check_beside};
pub use operator::Whom;
pub use peer_fault::{PeerFault, Stage};
pub use peers::{AddressGuard, GuardFault, Pulling, PullingStatus, Serving};
pub use side::Side;
