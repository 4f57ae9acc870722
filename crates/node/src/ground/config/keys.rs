//! How often our signing key is changed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fault::ConfigFault;

/// A key that is to sign for less would be followed before it has begun.
const FEWEST_DAYS: u32 = 7;

/// How often our signing key is changed.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeysConfig {
    /// Days that a key signs before a new one follows it. With 0 it is changed on command alone.
    pub rotate_days: u32,
}

impl KeysConfig {
    /// How long a key signs before a new one follows it by itself; none where none does.
    pub fn rotate_every(&self) -> Option<Duration> {
        (self.rotate_days > 0).then(|| Duration::from_secs(u64::from(self.rotate_days) * 24 * 3600))
    }

    pub(super) fn check(&self) -> Result<(), ConfigFault> {
        if (1..FEWEST_DAYS).contains(&self.rotate_days) {
            return Err(ConfigFault::Unfit(format!(
                "[keys] rotate_days = {} is too often: a new key is published for a day before it signs, and each stays published \
                 for a month; it is at least {FEWEST_DAYS}, or 0 for never",
                self.rotate_days
            )));
        }
        Ok(())
    }
}
