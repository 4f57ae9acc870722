//! What every part of one node stands on: its settings, its name and key, its clock, and word of what changes.

pub(crate) mod changes;
pub(crate) mod clock;
pub mod config;
pub(crate) mod copies;
pub(crate) mod unsigned;

use std::sync::Arc;

use drawbridge_mtp::document::Endpoint;
use drawbridge_mtp::id::{Name, Provider, UserUri};
use drawbridge_mtp::signature::{Signer, Stamp};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ambient::{Ambient, AmbientExt};
use crate::ground::changes::Changes;
use crate::ground::clock::check_clock;
use crate::ground::config::Config;
use crate::ground::copies::Copies;
use crate::ground::unsigned::Unsigned;
use crate::identity::{KeyRing, Keys};
use crate::metrics::Metrics;

/// How long a signature of ours holds, in seconds.
const SIGNATURE_LIFETIME_S: u16 = 120;

/// What every part of a node needs and none of them changes.
pub(crate) struct Ground {
    /// The settings that the node was started with.
    pub(crate) config: Config,
    /// Our authority (section 2).
    pub(crate) ours: Provider,
    /// Where others reach us (section 3).
    pub(crate) endpoint: Endpoint,
    /// Our keys, by which our requests, answers, grants and checkpoints are signed.
    pub(crate) keys: Keys,
    /// Whether another copy of our data folder runs.
    pub(crate) copies: Copies,
    /// The clock and the randomness.
    pub(crate) ambient: Arc<dyn Ambient>,
    /// Word of what has changed.
    pub(crate) changes: Changes,
    /// What is counted of what the node does.
    pub(crate) metrics: Metrics,
    /// Cancelled when the node stops: whoever waits or repeats something ends.
    pub(crate) stop: CancellationToken,
    /// The tasks that have to end before the store is closed.
    pub(crate) tasks: TaskTracker,
}

impl Ground {
    pub(crate) fn new(
        config: Config,
        endpoint: Endpoint,
        ring: KeyRing,
        ambient: Arc<dyn Ambient>,
        changes: Changes,
    ) -> Self {
        Self {
            ours: config.provider.clone(),
            keys: Keys::new(config.provider.clone(), config.data_dir.clone(), ring),
            config,
            endpoint,
            copies: Copies::new(&*ambient),
            ambient,
            changes,
            metrics: Metrics::new(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// A user of ours, by its local name.
    pub(crate) fn user(&self, name: &Name) -> UserUri {
        UserUri::new(&self.ours, name)
    }

    /// Octets that are free on the disk with the data folder, where that can be known.
    pub(crate) fn free_octets(&self) -> Option<u64> {
        self.ambient.free_octets().or_else(|| fs4::available_space(&self.config.data_dir).ok())
    }

    /// Who signs in our name, with the key that signs now.
    ///
    /// # Errors
    ///
    /// The clock shows a time from before the program was built: whatever was signed by it would not hold. Or another copy of our
    /// data folder runs, which signs too.
    pub(crate) fn signer(&self) -> Result<Signer, Unsigned> {
        check_clock(&*self.ambient)?;
        self.copies.check()?;
        Ok(self.keys.signer())
    }

    /// When and for how long a signature made now holds.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp {
            created: self.ambient.now().as_secs(),
            lifetime_s: SIGNATURE_LIFETIME_S,
            nonce: self.ambient.random(),
        }
    }
}
