//! What a GUI is shown: the shapes of answers and events, as they cross to TypeScript.
//!
//! Identifiers, ids and times cross as the text of the wire (`docs/mtp.md`, sections 2 and 5); durations are
//! whole milliseconds, sizes are bytes.

mod accounts;
mod backups;
mod cards;
mod check;
mod comparison;
mod consent;
mod conversations;
mod demo;
mod dry_run;
mod events;
mod groups;
mod health;
mod heartbeat;
mod keys;
mod letting_go;
mod notify;
mod ourselves;
mod peers;
mod private_addresses;
mod proxy;
mod repairs;
mod sessions;
mod set_up;
mod status;
mod storage;
mod trace;
mod traffic;
mod trouble;

pub use accounts::*;
pub use backups::*;
pub use cards::*;
pub use check::*;
pub use comparison::*;
pub use consent::*;
pub use conversations::*;
pub use demo::*;
pub use dry_run::*;
pub use events::*;
pub(crate) use groups::WhoWord;
pub use groups::*;
pub use health::*;
pub use heartbeat::*;
pub use keys::*;
pub use letting_go::*;
pub use notify::*;
pub use ourselves::*;
pub use peers::{KeptOfPeer, Peer, PeerStanding, PeerStandingCode, Pulling, PullingStatus, Serving, Suffers};
pub use private_addresses::*;
pub use proxy::*;
pub use repairs::*;
pub use sessions::*;
pub use set_up::*;
pub use status::*;
pub use storage::*;
pub use trace::*;
pub use traffic::*;
pub use trouble::*;
