//! How much room the provider takes on its disk, what of it is removed after a time, and how room that has become free is given back.

mod compaction;
mod days;
mod forgotten;
mod retention;
mod state;
mod usage;

pub use crate::store::{Extent, FeedSize, FileSize, LogSize, Reader};
pub use compaction::CompactionFault;
pub use days::{InvalidDays, MIN_DAYS, Retention};
pub(crate) use retention::load as load_retention;
pub use retention::{AgedLog, RetentionPreview, Unfetched};
pub use state::Compaction;
pub(crate) use state::Storage;
pub use usage::Usage;
