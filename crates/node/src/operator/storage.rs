//! What is on the disk: what takes room, after how long messages are removed, and giving room back.

use super::{Operator, ReadFault};
use crate::misuse::Misuse;
use crate::storage::{Compaction, CompactionFault, Retention, RetentionPreview, Usage};

impl Operator {
    /// What takes room now, by kind, by group and by reader. It reads no log and no feed.
    pub async fn storage(&self) -> Result<Usage, ReadFault> {
        Ok(self.storage.usage().await?)
    }

    /// After how long the bodies of messages are removed from logs; none where they are kept.
    pub fn retention(&self) -> Option<Retention> {
        self.storage.retention()
    }

    /// What `retention` would remove now, and who has not fetched it. It reads all events that are old enough, a few at a time.
    pub async fn preview_retention(&self, retention: Retention) -> Result<RetentionPreview, ReadFault> {
        Ok(self.storage.preview(retention).await?)
    }

    /// Chooses after how long the bodies of messages are removed from the logs of all groups, from now on; none keeps them.
    pub async fn set_retention(&self, retention: Option<Retention>) -> Result<(), Misuse> {
        Ok(self.storage.set_retention(retention).await?)
    }

    /// Gives the free room of the store's file back to the disk, beside everything else; returns when that is done.
    pub async fn compact(&self) -> Result<Compaction, CompactionFault> {
        self.storage.compact().await
    }

    /// Octets that are still to be given back, while that goes on.
    pub fn left_to_give_back(&self) -> Option<u64> {
        self.storage.left_to_give_back()
    }

    /// What was given back last in this life of the process.
    pub fn last_compaction(&self) -> Option<Compaction> {
        self.storage.last_compaction()
    }
}
