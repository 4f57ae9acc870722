//! Backups of a running node: one at a time, when somebody wants one or when it is time for the next.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::time::Timestamp;
use parking_lot::Mutex;

use super::fault::BackupFault;
use super::file::{self, BackupOrder, KeptBackup, MadeBackup};
use super::outgoing::OutgoingBackup;
use crate::ground::Ground;
use crate::ground::changes::Change;
use crate::ground::config::BackupConfig;

/// How long after one was tried no other is, however that went: a clock that jumps has none made again and again.
const AGAIN: Duration = Duration::from_secs(600);
/// How often it is looked whether it is time: a computer may have slept meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(300);

/// The backups of a running node.
pub struct Backups {
    /// Settings, clock, and word of what changes.
    ground: Arc<Ground>,
    /// What belongs into a backup and is kept elsewhere than in the data folder, by the name that it has there.
    elsewhere: Mutex<BTreeMap<&'static str, Vec<u8>>>,
    /// Held while one is made.
    making: tokio::sync::Mutex<()>,
    /// Held while one is handed over, which may take long: it keeps no other waiting that is made here.
    handing_over: Arc<tokio::sync::Mutex<()>>,
    /// Why those that are made by themselves fail, where they do.
    failed: Mutex<Option<FailedBackup>>,
}

/// Backups that are to be made by themselves, and are not.
#[derive(Clone, Debug)]
pub struct FailedBackup {
    /// When the first of them in a row was tried.
    pub since: Timestamp,
    /// A stable code, as [`BackupFault::code`].
    pub code: &'static str,
    /// Why the last one failed, in one sentence.
    pub text: String,
    /// When the newest was made that is there, where there is one.
    pub newest: Option<Timestamp>,
}

impl Backups {
    pub(crate) fn new(ground: Arc<Ground>) -> Self {
        Self {
            ground,
            elsewhere: Mutex::default(),
            making: tokio::sync::Mutex::default(),
            handing_over: Arc::default(),
            failed: Mutex::default(),
        }
    }

    /// Has backups hold `content` as the file `name` of the data folder, which is kept elsewhere, as a keychain does.
    pub fn include(&self, name: &'static str, content: Vec<u8>) {
        self.elsewhere.lock().insert(name, content);
    }

    /// The folder that backups are kept in.
    pub fn folder(&self) -> PathBuf {
        self.settings().folder(&self.ground.config.data_dir)
    }

    /// The backups in the folder, the newest first.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub async fn kept(&self) -> Result<Vec<KeptBackup>, BackupFault> {
        let (folder, provider) = (self.folder(), self.ground.ours.clone());
        let path = folder.clone();
        let kept = tokio::task::spawn_blocking(move || file::kept(&folder, &provider)).await;
        let kept = kept.map_err(|fault| BackupFault::BrokenOff(fault.to_string()))?;
        kept.map_err(|fault| BackupFault::Read { path, fault })
    }

    /// Why those that are made by themselves fail, where they do.
    pub fn failed(&self) -> Option<FailedBackup> {
        self.failed.lock().clone()
    }

    /// Makes a backup now. Where it is kept in the folder, the oldest there make room.
    pub async fn make(&self, order: BackupOrder) -> Result<MadeBackup, BackupFault> {
        let _alone = self.making.lock().await;
        let (ground, elsewhere) = (self.ground.clone(), self.elsewhere.lock().clone());
        let made = tokio::task::spawn_blocking(move || {
            let is_kept = order.file.is_none();
            let made = file::make(&ground.config, &elsewhere, order, &*ground.ambient)?;
            if is_kept {
                let backup = &ground.config.backup;
                let folder = backup.folder(&ground.config.data_dir);
                let keep = usize::try_from(backup.keep).unwrap_or(usize::MAX);
                // Too many are no reason to take one that was made for one that failed.
                if let Err(fault) = file::prune(&folder, &ground.ours, keep, ground.ambient.now()) {
                    tracing::warn!(%fault, "the oldest backups cannot be removed");
                }
            }
            Ok(made)
        });
        let made = made.await.unwrap_or_else(|fault| Err(BackupFault::BrokenOff(fault.to_string())));
        if made.is_ok() {
            *self.failed.lock() = None;
        }
        self.ground.changes.announce(Change::Settings);
        made
    }

    /// Refuses where a backup is handed over now, as [`Backups::hand_over`] does.
    pub fn check_none_is_handed_over(&self) -> Result<(), BackupFault> {
        self.handing_over.try_lock().map(drop).map_err(|_| BackupFault::Busy)
    }

    /// Begins a backup that is handed over piece by piece, one at a time. Nothing of it is kept here.
    ///
    /// # Errors
    ///
    /// Another one is handed over, or something that belongs into it cannot be read.
    pub async fn hand_over(&self, order: BackupOrder) -> Result<OutgoingBackup, BackupFault> {
        let alone = self.handing_over.clone().try_lock_owned().map_err(|_| BackupFault::Busy)?;
        let (ground, elsewhere) = (self.ground.clone(), self.elsewhere.lock().clone());
        let begun = tokio::task::spawn_blocking(move || {
            file::hand_over(&ground.config, &elsewhere, order, &*ground.ambient, alone)
        });
        begun.await.unwrap_or_else(|fault| Err(BackupFault::BrokenOff(fault.to_string())))
    }

    /// Makes one whenever it is time, until the node stops.
    pub(crate) async fn run(self: Arc<Self>) {
        let every = Duration::from_secs(u64::from(self.settings().every_hours) * 3600);
        if every.is_zero() {
            return;
        }
        let mut not_before = Timestamp::default();
        loop {
            let turned = self.ground.ambient.turned();
            let now = self.ground.ambient.now();
            // What a clock that was ahead has put off is not put off any more.
            let put_off = Some(not_before).filter(|at| *at <= now.plus(AGAIN)).unwrap_or_default();
            let due = self.due(now, every).await.max(put_off);
            if due <= now {
                not_before = self.make_due(now).await;
                continue;
            }
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = tokio::time::sleep(due.since(now).min(LOOK_EVERY)) => {}
                () = turned => {}
            }
        }
    }

    /// When the next one is due.
    async fn due(&self, now: Timestamp, every: Duration) -> Timestamp {
        match self.kept().await {
            // What was made by a clock that was ahead says nothing of what is due.
            Ok(kept) => kept.iter().find(|one| one.made <= now).map_or(now, |newest| newest.made.plus(every)),
            Err(_) => now,
        }
    }

    /// Makes the one that is due, and says before when no other is tried.
    async fn make_due(&self, now: Timestamp) -> Timestamp {
        match self.make(BackupOrder::configured(&self.ground.config)).await {
            Ok(made) => {
                tracing::info!(file = %made.file.display(), "a backup was made");
            }
            Err(fault) => {
                tracing::error!(%fault, "no backup was made");
                let newest = self.kept().await.ok().and_then(|kept| kept.first().map(|newest| newest.made));
                {
                    let mut failed = self.failed.lock();
                    let since = failed.as_ref().map_or(now, |failed| failed.since);
                    let (code, text) = (fault.code(), fault.to_string());
                    *failed = Some(FailedBackup { since, code, text, newest });
                }
                self.ground.changes.announce(Change::Settings);
            }
        }
        now.plus(AGAIN)
    }

    fn settings(&self) -> &BackupConfig {
        &self.ground.config.backup
    }
}
