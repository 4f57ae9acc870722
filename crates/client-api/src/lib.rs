//! How a client asks its provider: the client API (`docs/client-api.md`) as the trait [`Home`].
//!
//! A client knows its provider only through [`Home`], so it does not depend on what the provider is. The node implements
//! it for clients in its own process (`drawbridge_node::InProcessHome`); with the feature `http`,
//! `http::HttpHome` asks a provider anywhere.
//!
//! Node and client also have in common what they take from the machine: the time and random octets. They take both from
//! an [`Ambient`](ambient::Ambient), so that tests can turn the clock of either.
//!
//! | module | what it is for |
//! | --- | --- |
//! | `home` | the trait [`Home`], and the two ways in which a call does not succeed |
//! | [`ambient`] | the clock and randomness, and [`System`](ambient::System), which has the machine's |
//! | `http` | the client API over HTTP; only with the feature `http` |
//!
//! # Example
//!
//! A clock that stands still, by which a client or a node can work in a test:
//!
//! ```
//! use drawbridge_client_api::ambient::{Ambient, AmbientExt, System};
//! use drawbridge_mtp::time::Timestamp;
//!
//! struct Stopped(Timestamp);
//!
//! impl Ambient for Stopped {
//!     fn now(&self) -> Timestamp {
//!         self.0
//!     }
//!
//!     fn fill(&self, buffer: &mut [u8]) {
//!         System.fill(buffer);
//!     }
//! }
//!
//! let noon: Timestamp = "2030-01-01T12:00:00.000Z".parse()?;
//! let stopped = Stopped(noon);
//! assert_eq!(stopped.now(), noon);
//! // Ids that are made at one moment differ by their random bits.
//! assert_ne!(stopped.id(), stopped.id());
//! # Ok::<(), drawbridge_mtp::time::InvalidTime>(())
//! ```

pub mod ambient;
mod home;
#[cfg(feature = "http")]
pub mod http;

pub use home::{Answer, Home, HomeFault};
