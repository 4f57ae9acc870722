//! Room that has become free in the store's file is given back to the disk in small steps, so that submissions wait for none of it
//! longer than for another write.

use std::time::{Duration, Instant};

use super::state::{Compaction, Storage};
use crate::ground::changes::Change;
use crate::store::{FileSize, StoreFault};

/// Where less is free in the file, it is left for what comes.
const MUCH: u64 = 64 << 20;
/// Where less than this part of the file is free, too.
const MUCH_OF: u64 = 4;
/// What is given back in one transaction: it is written twice, into the log and into the file.
const STEP: u64 = 1 << 20;
/// What has to be free on the disk for the log of the steps, here and where something is let go of.
pub(super) const NEEDED: u64 = 64 << 20;
/// How often it is told how far it is.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// More of the log than this is not left behind: where somebody reads what was before for long, as a backup does, that is waited for.
const BEHIND: u64 = 32 << 20;
/// How often it is looked whether that has ended.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So often the log is moved into the file at the end, until nobody reads what was before.
const TRIES: u32 = 5;

/// Why no room is given back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompactionFault {
    /// The store was made by an older version.
    #[error(
        "this store was made by an older version, and can give room back only once it was written anew. The next start does that: it \
         takes about {seconds} s before anybody is served, and needs {needed} MiB on the disk meanwhile"
    )]
    AtNextStart {
        /// About how long that takes.
        seconds: u64,
        /// What is needed on the disk meanwhile, in MiB.
        needed: u64,
    },
    /// There is not even room for doing it.
    #[error(
        "{free} MiB are free on the disk, and giving room back needs {needed} MiB while it goes on; make room, then try again"
    )]
    NoRoom {
        /// What is free, in MiB.
        free: u64,
        /// What is needed, in MiB.
        needed: u64,
    },
    /// The store does not do it.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl CompactionFault {
    /// A stable code for scripts and the GUI.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AtNextStart { .. } => "at-next-start",
            Self::NoRoom { .. } => "no-room",
            Self::Store(_) => "store",
        }
    }
}

/// Whether so much of a file is free that it is given back without being asked for.
fn is_much(file: FileSize) -> bool {
    file.gives_back && file.free >= MUCH && file.free >= file.octets / MUCH_OF
}

impl Storage {
    /// Octets that are still to be given back, while that goes on.
    pub(crate) fn left_to_give_back(&self) -> Option<u64> {
        self.progress.lock().left
    }

    /// What was given back last in this life of the process.
    pub(crate) fn last_compaction(&self) -> Option<Compaction> {
        self.progress.lock().last
    }

    /// Gives all free room of the store's file back to the disk. It goes on beside everything else, and returns when it is done.
    pub(crate) async fn compact(&self) -> Result<Compaction, CompactionFault> {
        let _alone = self.compacting.lock().await;
        let before = self.file_size().await?;
        if !before.gives_back {
            self.store.write::<_, StoreFault, _>(|tx| tx.rewrite_at_next_start()).await?;
            // A disk writes it three times in all, at 50 MB a second where it is slow.
            let octets = before.octets - before.free;
            return Err(CompactionFault::AtNextStart {
                seconds: (octets / 16_000_000).max(1),
                needed: (2 * octets).div_ceil(1 << 20) + 64,
            });
        }
        match self.ground.free_octets() {
            Some(free) if free < NEEDED => {
                return Err(CompactionFault::NoRoom { free: free >> 20, needed: NEEDED >> 20 });
            }
            _ => {}
        }
        let given = self.give_back(before).await;
        self.progress.lock().left = None;
        let done = given.map(|after| {
            let done =
                Compaction { at: self.ground.ambient.now(), before: before.octets, after: after.octets };
            self.progress.lock().last = Some(done);
            done
        });
        self.ground.changes.announce(Change::Settings);
        Ok(done?)
    }

    /// The same where much is free.
    pub(super) async fn compact_where_much_is_free(&self) -> Result<(), CompactionFault> {
        if !is_much(self.file_size().await?) {
            return Ok(());
        }
        let Compaction { before, after, .. } = self.compact().await?;
        tracing::info!(before, after, "free room of the store was given back to the disk");
        Ok(())
    }

    async fn file_size(&self) -> Result<FileSize, StoreFault> {
        self.store.read(|view| view.file_size()).await
    }

    async fn give_back(&self, mut file: FileSize) -> Result<FileSize, StoreFault> {
        let (mut told, mut since_moved) = (Instant::now(), 0);
        self.progress.lock().left = Some(file.free);
        self.ground.changes.announce(Change::Settings);
        while file.free > 0 && !self.ground.stop.is_cancelled() {
            let begun = Instant::now();
            let (given, after) = self.store.write::<_, StoreFault, _>(|tx| tx.give_back(STEP)).await?;
            file = after;
            self.progress.lock().left = Some(file.free);
            if given == 0 {
                break;
            }
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                self.ground.changes.announce(Change::Settings);
            }
            since_moved += given;
            while since_moved > BEHIND && !self.ground.stop.is_cancelled() {
                match self.store.move_log_into_file().await? {
                    0..=BEHIND => since_moved = 0,
                    _ => tokio::time::sleep(LOOK_EVERY).await,
                }
            }
            // At most half of the writer's time.
            tokio::time::sleep(begun.elapsed()).await;
        }
        // The file is cut when all of the log is in it, which it is not while somebody reads what was before.
        for _ in 0..TRIES {
            if self.store.move_log_into_file().await? == 0 {
                break;
            }
            tokio::time::sleep(TELL_EVERY).await;
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_a_file_and_64_mib_are_much() {
        let much = |octets: u64, free: u64| {
            is_much(FileSize { octets: octets << 20, free: free << 20, gives_back: true })
        };
        assert!(much(256, 64) && much(100, 99));
        assert!(!much(257, 64), "less than a quarter");
        assert!(!much(64, 63), "less than 64 MiB");
        let of_old = FileSize { octets: 256 << 20, free: 128 << 20, gives_back: false };
        assert!(!is_much(of_old), "it would have to be written anew");
    }
}
