//! t
#![allow(missing_docs)]
mod client;
pub mod content;
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
pub use client::*;
pub use fault::*;
pub use home::*;
pub use key::StorageKey;
pub use settings::*;
pub use store::PolicyChange;
pub use view::*;
