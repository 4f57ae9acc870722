//! After how long something is removed.

use std::time::Duration;

use drawbridge_mtp::time::Timestamp;

/// The fewest days. A store that is put back to a backup reads back from others what it has lost, which takes the bodies that they
/// have: those of a week are there.
pub const MIN_DAYS: u32 = 7;
/// The most days.
const MAX_DAYS: u32 = 36_500;

/// After how many days bodies of messages are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention(u32);

/// Not a number of days after which anything may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "messages are kept for {MIN_DAYS} days at least, and for {MAX_DAYS} at most: give a number between them"
)]
pub struct InvalidDays;

impl Retention {
    /// # Errors
    ///
    /// So few days, or so many, are not taken.
    pub fn new(days: u32) -> Result<Self, InvalidDays> {
        if (MIN_DAYS..=MAX_DAYS).contains(&days) { Ok(Self(days)) } else { Err(InvalidDays) }
    }

    /// The days.
    pub fn days(self) -> u32 {
        self.0
    }

    /// What is older than this is removed at `now`.
    pub(super) fn before(self, now: Timestamp) -> Timestamp {
        now.minus(Duration::from_secs(u64::from(self.0) * 24 * 3600))
    }
}
