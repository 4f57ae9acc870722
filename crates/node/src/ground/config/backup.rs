//! Where backups are kept.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fault::ConfigFault;
use super::recipient::Recipient;

/// Where backups are kept, and when they are made by themselves.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackupConfig {
    /// The folder that they are kept in. Absent: `backups` in the data folder.
    pub folder: Option<PathBuf>,
    /// Hours from one to the next. With 0 none is made by itself.
    pub every_hours: u32,
    /// So many are kept there; the oldest are removed once another was made.
    pub keep: u32,
    /// Who can open them. Absent: everybody who has the file.
    pub recipient: Option<Recipient>,
    /// Whether they have the keys.
    pub keys: bool,
}

impl Default for BackupConfig {
    fn default() -> Self {
        Self { folder: None, every_hours: 0, keep: 7, recipient: None, keys: true }
    }
}

impl BackupConfig {
    /// The folder that backups are kept in.
    pub fn folder(&self, data_dir: &Path) -> PathBuf {
        self.folder.clone().unwrap_or_else(|| data_dir.join("backups"))
    }

    pub(super) fn check(&self) -> Result<(), ConfigFault> {
        if self.keep == 0 {
            let text = "[backup] keep = 0 would remove each backup as soon as it is made; it is at least 1";
            return Err(ConfigFault::Unfit(text.to_owned()));
        }
        Ok(())
    }
}
