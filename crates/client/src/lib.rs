//! A whole MLS client of a provider as a library: groups, people, messages.
//!
//! It reaches its provider through [`Home`], the client API as methods, and keeps everything in a file of its own, sealed
//! under a [`StorageKey`]. A [`Client`] is asked things by its person and remembers them; [`Client::run`] does them, pulls
//! the feed, and keeps KeyPackages in stock.
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`content`] | what messages say: MIMI content |
//! | `store` | the file: one step is one transaction |
//! | `mls` | openmls over that store; its suites, its forms |
//! | `group` | events, commits, joining, and what messages do to a conversation; all within a step |
//! | `run` | the loops: pull, send, work, stock |
//! | `door` | the provider in the same process as a home |
//! | `client`, `view`, `show` | what a GUI asks, and what it is shown |
//!
//! Three things carry it. **A step is a transaction**: MLS state, the feed's cursor, what is to be sent and what is
//! shown change together or not at all, so a crash anywhere is a crash between two steps. **Everything may come twice**:
//! events are known by their number, own ones by their bytes, results by their submission, so each is taken in once.
//! **What is wanted outlives the commit that was to do it**: a commit that loses its epoch is thrown away, and the next
//! one is made of what is still wanted.

mod client;
pub mod content;
mod door;
mod fault;
mod group;
mod home;
mod key;
mod mls;
mod run;
mod settings;
mod show;
mod store;
mod view;

pub use client::{Client, MAX_TEXT_BYTES};
pub use fault::{ClientFault, StoreFault};
pub use home::{Answer, Home, HomeFault};
pub use key::{Sealed, StorageKey};
pub use settings::Settings;
pub use store::PolicyChange;
pub use view::{
    ClientChange, ConversationView, Delivery, Format, Found, LineKind, LineView, MemberView, MessageView,
    Notice, Preview, ReactionView, Standing,
};
