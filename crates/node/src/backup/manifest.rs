//! What a backup says of itself, before anything else that it holds.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The form of the file that this version writes, and the newest that it reads.
pub(super) const FORMAT: u32 = 1;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the file.
    pub(super) format: u32,
    /// Whose it is.
    pub provider: Provider,
    /// When it was made, by the clock of whoever made it.
    pub made: Timestamp,
    /// The version of the program that made it.
    pub version: String,
    /// How many migrations the store in it has had.
    pub(super) store_version: u32,
    /// Whether it has the keys: the provider's, the certificate's and those of the clients that are built in.
    pub keys: bool,
    /// The configuration file, as it was written; none where the node was not started with one.
    pub(super) config: Option<String>,
    /// What it holds, in this order.
    pub(super) parts: Vec<Part>,
}

/// A file in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// Where it belongs in the data folder.
    pub(super) path: String,
    /// Its size.
    pub(super) octets: u64,
}
