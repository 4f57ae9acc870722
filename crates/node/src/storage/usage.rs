//! What takes room, by kind, by group and by reader.

use std::path::Path;

use super::state::Storage;
use crate::store::{Extent, FILE, FeedSize, FileSize, LOG_FILE, LogSize, StoreFault, TRAFFIC_FILE};

/// What the provider takes on its disk. Octets of logs and feeds are about what their pages take.
#[derive(Clone, Debug)]
pub struct Usage {
    /// The store's file.
    pub file: FileSize,
    /// Octets of the store's own log, which has yet to be moved into its file.
    pub write_ahead: u64,
    /// The logs of groups, by group.
    pub logs: Vec<LogSize>,
    /// Feeds of peers and of clients, by reader.
    pub feeds: Vec<FeedSize>,
    /// KeyPackages.
    pub key_packages: Extent,
    /// Octets of the traffic record.
    pub traffic: u64,
    /// Octets of the conversations of accounts that are used on this computer.
    pub conversations: u64,
    /// Backups that are kept; none where their folder cannot be read.
    pub backups: Option<Extent>,
    /// Copies of the store that were made before another version changed it.
    pub copies: Extent,
    /// Octets that are free on the disk, where that is known.
    pub free: Option<u64>,
}

impl Usage {
    /// Octets of logs, about.
    pub fn log_octets(&self) -> u64 {
        self.logs.iter().map(|log| log.octets).sum()
    }

    /// Octets of feeds, about.
    pub fn feed_octets(&self) -> u64 {
        self.feeds.iter().map(|feed| feed.octets).sum()
    }

    /// Octets of what else the store's file has: members, requests, peers, ids of what has come, and the places of all in the indexes.
    pub fn other_octets(&self) -> u64 {
        let known = self.log_octets() + self.feed_octets() + self.key_packages.octets + self.file.free;
        self.file.octets.saturating_sub(known)
    }
}

impl Storage {
    /// What takes room now. It reads a row for each group and each feed, and no log.
    pub(crate) async fn usage(&self) -> Result<Usage, StoreFault> {
        let read = self.store.read::<_, StoreFault>(|view| {
            Ok((view.file_size()?, view.log_sizes()?, view.feed_sizes()?, view.key_packages_extent()?))
        });
        let (file, logs, feeds, key_packages) = read.await?;
        let kept = self.backups.kept().await.ok();
        let backups = kept.map(|kept| Extent {
            count: kept.len() as u64,
            octets: kept.iter().map(|backup| backup.octets).sum(),
        });
        let folder = self.ground.config.data_dir.clone();
        let on_disk = tokio::task::spawn_blocking(move || OnDisk::look(&folder)).await.unwrap_or_default();
        Ok(Usage {
            file,
            write_ahead: on_disk.write_ahead,
            logs,
            feeds,
            key_packages,
            traffic: on_disk.traffic,
            conversations: on_disk.conversations,
            backups,
            copies: on_disk.copies,
            free: self.ground.free_octets(),
        })
    }
}

/// What the data folder has beside the store's file.
#[derive(Default)]
struct OnDisk {
    write_ahead: u64,
    traffic: u64,
    conversations: u64,
    copies: Extent,
}

impl OnDisk {
    fn look(folder: &Path) -> Self {
        let mut found = Self::default();
        for (name, octets) in files(folder) {
            if name == LOG_FILE {
                found.write_ahead += octets;
            } else if name.starts_with(TRAFFIC_FILE) {
                found.traffic += octets;
            } else if name.strip_prefix(FILE).is_some_and(|rest| rest.starts_with(".v")) {
                found.copies.count += 1;
                found.copies.octets += octets;
            }
        }
        found.conversations = files(&folder.join("clients")).map(|(_, octets)| octets).sum();
        found
    }
}

/// The files in a folder, by name and size; none where it cannot be read.
fn files(folder: &Path) -> impl Iterator<Item = (String, u64)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let file = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some((entry.file_name().into_string().ok()?, file.len()))
    })
}
