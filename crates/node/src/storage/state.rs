//! What is on the disk of a running node, and what is done about it again and again.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::time::Timestamp;
use parking_lot::Mutex;

use super::days::Retention;
use crate::backup::Backups;
use crate::ground::Ground;
use crate::peers::Peers;
use crate::store::{Extent, Store};

/// What is removed in one transaction, between which others write.
pub(super) const REMOVED: Extent = Extent { count: 500, octets: 2 << 20 };
/// How often it is looked what has become old, and whether room is to be given back.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(3600);
/// How long after the start it is looked for the second time: by then peers have been heard.
const LOOK_SOON: Duration = Duration::from_secs(120);
/// How long after a look at which our clock seemed ahead: peers say by what they sign next whether it is.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// What is on the disk of a running node.
pub(crate) struct Storage {
    /// The clock, the data folder, and word of what changes.
    pub(super) ground: Arc<Ground>,
    /// What is measured, and given back.
    pub(super) store: Store,
    /// Whose clocks say whether ours can be right.
    pub(super) peers: Arc<Peers>,
    /// Whose files take room too.
    pub(super) backups: Arc<Backups>,
    /// After how long bodies of messages are removed; none where they are kept.
    pub(super) retention: Mutex<Option<Retention>>,
    /// Rung where that was changed.
    pub(super) changed: tokio::sync::Notify,
    /// Rung where something was let go of.
    pub(super) forgotten: tokio::sync::Notify,
    /// Held while room is given back.
    pub(super) compacting: tokio::sync::Mutex<()>,
    /// How far that is, or how it went.
    pub(super) progress: Mutex<Progress>,
}

impl Storage {
    pub(crate) fn new(
        ground: Arc<Ground>,
        store: Store,
        peers: Arc<Peers>,
        backups: Arc<Backups>,
        retention: Option<Retention>,
    ) -> Self {
        Self {
            ground,
            store,
            peers,
            backups,
            retention: Mutex::new(retention),
            changed: tokio::sync::Notify::new(),
            forgotten: tokio::sync::Notify::new(),
            compacting: tokio::sync::Mutex::default(),
            progress: Mutex::default(),
        }
    }

    /// Removes what has become old, and gives back room where much of it is free, again and again until the node stops.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut is_first = true;
        loop {
            let turned = self.ground.ambient.turned();
            // What a clock takes away that is ahead does not come back. Who says so is heard soon after the start.
            let may_remove = !self.peers.is_clock_ahead().unwrap_or(is_first);
            if may_remove && let Err(fault) = self.remove_old().await {
                tracing::error!(%fault, "what has become old could not be removed");
            }
            if let Err(fault) = self.compact_where_much_is_free().await {
                tracing::warn!(%fault, "no room was given back");
            }
            let pause = match (is_first, may_remove) {
                (true, _) => LOOK_SOON,
                (false, true) => LOOK_EVERY,
                (false, false) => LOOK_AGAIN,
            };
            is_first = false;
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                () = self.changed.notified() => {}
                () = turned => {}
            }
        }
    }
}

/// Room that was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// When that was done.
    pub at: Timestamp,
    /// Octets of the store's file before.
    pub before: u64,
    /// And afterwards.
    pub after: u64,
}

/// How far giving room back is, or how it went.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// Octets that are still free, while it goes on.
    pub(super) left: Option<u64>,
    /// The last time in this life of the process.
    pub(super) last: Option<Compaction>,
}
