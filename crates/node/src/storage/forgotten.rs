//! What was let go of is gone for everybody at once; its rows go here, a few at a time, so that nobody's writes wait for it. A program that
//! ends meanwhile goes on with it at its next start.

use std::sync::Arc;
use std::time::Instant;

use super::compaction::NEEDED;
use super::state::{LOOK_EVERY, REMOVED, Storage};
use crate::ground::changes::Change;
use crate::misuse::Misuse;
use crate::store::StoreFault;

impl Storage {
    /// Whether the disk has room for what letting go writes: all that is removed passes through the store's own log.
    ///
    /// # Errors
    ///
    /// It has not.
    pub(crate) fn require_room_to_forget(&self) -> Result<(), Misuse> {
        match self.ground.free_octets() {
            Some(free) if free < NEEDED => Err(Misuse::NoRoom { free: free >> 20, needed: NEEDED >> 20 }),
            _ => Ok(()),
        }
    }

    /// Has the rows of what was let go of removed now.
    pub(crate) fn remove_forgotten_now(&self) {
        self.forgotten.notify_one();
    }

    /// Removes the rows of what was let go of, again and again until the node stops.
    pub(crate) async fn run_forgetting(self: Arc<Self>) {
        loop {
            if let Err(fault) = self.remove_forgotten().await {
                tracing::error!(%fault, "what was let go of could not be removed; it is tried again");
            }
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.forgotten.notified() => {}
            }
        }
    }

    async fn remove_forgotten(&self) -> Result<(), StoreFault> {
        let mut is_any = false;
        loop {
            let begun = Instant::now();
            if !self.store.write::<_, StoreFault, _>(|tx| tx.drop_forgotten(REMOVED)).await? {
                break;
            }
            is_any = true;
            if self.ground.stop.is_cancelled() {
                return Ok(());
            }
            // At most half of the writer's time.
            tokio::time::sleep(begun.elapsed()).await;
        }
        if is_any {
            tracing::info!("all of what was let go of is removed");
            self.ground.changes.announce(Change::Settings);
        }
        // What was not named when it was looked at is named by no item later.
        let forgotten = self.store.read::<_, StoreFault>(|view| view.forgotten_groups()).await?;
        if forgotten.is_empty() {
            return Ok(());
        }
        let named = self.holds().await?.first;
        let unnamed: Vec<i64> = forgotten.into_keys().filter(|group| !named.contains_key(group)).collect();
        self.store.write(move |tx| tx.release_numbers(&unnamed)).await
    }
}
