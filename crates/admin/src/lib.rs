//! What a GUI or a script may ask of a node and is told by it: the one list of commands, the one stream of events,
//! and the installation that they speak to.

mod accounts;
mod approvals;
mod backups;
mod built_in_clients;
mod checks;
pub mod commands;
mod comparisons;
mod conversations;
mod convert;
mod demo;
mod dry_run;
mod error;
mod events;
mod groups;
mod health;
mod host;
mod host_fault;
mod keys;
mod log;
mod names;
mod peers;
mod proxy_config;
mod repairs;
pub mod request;
mod sessions;
mod set_up;
mod signing_keys;
mod site;
mod status;
mod support;
mod traces;
mod traffic;
pub mod view;

pub use drawbridge_node::config::LogFormat;
pub use error::AdminError;
pub use events::Subscription;
pub use host::Host;
pub use host_fault::HostFault;
pub use keys::KeyPlace;
pub use log::{Log, LogFault};
pub use proxy_config::proxy_config;
pub use sessions::{Admitted, Sessions, secret};
pub use view::{Event, EventEnvelope};
