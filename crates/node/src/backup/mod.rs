//! Backups: everything that a provider is in one file, made while it runs, sealed where that is wanted, and put back on any
//! machine.
//!
//! The file is a tar archive, or one inside a file of age, so it can be looked into without this program.

mod archive;
mod contents;
mod fault;
mod file;
mod manifest;
mod outgoing;
mod restore;
mod schedule;
mod seal;

pub use crate::ground::config::recipient::{InvalidRecipient, Recipient};
pub use fault::{BackupFault, RestoreFault};
pub use file::{BackupOrder, KeptBackup, MadeBackup, back_up_beside};
pub use manifest::Manifest;
pub use outgoing::OutgoingBackup;
pub use restore::{Restored, look, restore};
pub use schedule::{Backups, FailedBackup};
pub use seal::{Opener, Passphrase, Seal};
