//! Providers on other machines, administered from this one: where each is, by which certificate it is known, the session that this
//! program has with it, and what it answers and tells.
//!
//! A machine is added by a link as `drawbridged link` prints it. The link has the address and a token that works once; the
//! certificate there is shown to the person, who compares its fingerprint, and from then on no other is spoken with. The token is
//! exchanged for a session, as a browser does it, so it is in the list of that provider and can be ended there.
//!
//! - `machines`: all that are kept, and how one is added, trusted anew and forgotten
//! - `machine`: one of them, to be asked and followed
//! - `following`: its events, with a connection that is made anew as often as it takes
//! - `connection`: requests to it over TLS, and `events`: its stream
//! - `pin`: the one certificate that is spoken with
//! - `link`: the link that is pasted
//! - `book`: the file with all machines, and `session_store`: where the sessions are kept
//! - `fault`: at which step a machine could not be used
//! - `versions`: whether two versions of this program understand each other

mod book;
mod connection;
mod events;
mod fault;
mod following;
mod link;
mod machine;
mod machines;
mod pin;
mod session_store;
mod versions;
pub mod view;

pub use fault::{Refusal, Unusable};
pub use following::{Following, Told};
pub use machine::Machine;
pub use machines::Machines;
pub use view::export_typescript;
