//! Backups, as the operator has them made, sees them, and has one put back.

use std::path::Path;

use drawbridge_node::backup::{
    BackupFault, BackupOrder, MadeBackup, Opener, OutgoingBackup, Passphrase, RestoreFault, Seal,
};
use drawbridge_node::config::Config;

use crate::error::AdminError;
use crate::host::Host;
use crate::request::{BackupMade, BackupOrdered, Empty, MakeBackup, OrderBackup, Restore};
use crate::view::{Backup, BackupFailure, Backups, Event};

pub(crate) async fn back_up(host: &Host, ask: MakeBackup) -> Result<BackupMade, AdminError> {
    let node = host.node().await?;
    let order = BackupOrder { file: ask.file.map(Into::into), ..ordered(node.config(), ask.order)? };
    let made = node.operator().backups().make(order).await?;
    host.publish(Event::Settings);
    Ok(made.into())
}

/// Keeps what backup is to be downloaded, and says where it is then fetched.
pub(crate) async fn order_backup(host: &Host, ask: OrderBackup) -> Result<BackupOrdered, AdminError> {
    let node = host.node().await?;
    // Said here, where there is a screen to say it on.
    node.operator().backups().check_none_is_handed_over()?;
    let order = ordered(node.config(), ask)?;
    let (sealed, keys) = (order.seal.is_some(), order.keys);
    Ok(BackupOrdered { id: host.backup_orders().add(order), sealed, keys })
}

impl Host {
    /// Begins the backup that the command `order-backup` was given, which answered `id`: a browser is handed it then.
    pub async fn fetch_backup(&self, id: &str) -> Result<OutgoingBackup, AdminError> {
        let order = self.backup_orders().take(id).ok_or_else(|| {
            AdminError::new("no-such-backup", "each download is begun once, within a minute; begin another")
        })?;
        Ok(self.node().await?.operator().backups().hand_over(order).await?)
    }
}

/// What backup is wanted, where something else is not said as the configuration says.
fn ordered(
    config: &Config,
    OrderBackup { passphrase: said, recipient, keys }: OrderBackup,
) -> Result<BackupOrder, AdminError> {
    let configured = BackupOrder::configured(config);
    let seal = match (said, recipient) {
        (Some(_), Some(_)) => return Err(two_seals()),
        (Some(text), None) => Some(Seal::Passphrase(passphrase(text)?)),
        (None, Some(recipient)) => Some(Seal::Recipient(recipient)),
        (None, None) => configured.seal,
    };
    Ok(BackupOrder { file: None, seal, keys: keys.unwrap_or(configured.keys) })
}

pub(crate) async fn backups(host: &Host, Empty {}: Empty) -> Result<Backups, AdminError> {
    let node = host.node().await?;
    let (kept, settings) = (node.operator().backups(), &node.config().backup);
    let (backups, unreadable) = match kept.kept().await {
        Ok(backups) => (backups, None),
        Err(fault) => (Vec::new(), Some(fault.to_string())),
    };
    let backups = backups.into_iter().map(|one| Backup {
        file: one.file.display().to_string(),
        bytes: one.octets,
        made: one.made,
        sealed: one.is_sealed,
    });
    Ok(Backups {
        folder: kept.folder().display().to_string(),
        every_hours: settings.every_hours,
        keep: settings.keep,
        recipient: settings.recipient.as_ref().map(ToString::to_string),
        keys: settings.keys,
        backups: backups.collect(),
        unreadable,
        failed: kept.failed().map(|failed| BackupFailure { since: failed.since, text: failed.text }),
    })
}

/// Puts back a backup where nothing is set up yet, and starts the provider in it.
pub(crate) async fn restore(host: &Host, ask: Restore) -> Result<Empty, AdminError> {
    let opener = match (ask.passphrase, ask.identity) {
        (Some(_), Some(_)) => return Err(two_seals()),
        (Some(text), None) => Some(Opener::Passphrase(passphrase(text)?)),
        (None, Some(file)) => Some(Opener::read_identities(Path::new(&file))?),
        (None, None) => None,
    };
    host.restore(ask.file.into(), opener).await?;
    Ok(Empty {})
}

fn passphrase(text: String) -> Result<Passphrase, AdminError> {
    Passphrase::new(text).ok_or_else(|| AdminError::new("malformed", "the passphrase is empty"))
}

fn two_seals() -> AdminError {
    AdminError::new("malformed", "a backup is sealed with a passphrase or for a key; name one of them")
}

impl From<MadeBackup> for BackupMade {
    fn from(made: MadeBackup) -> Self {
        Self {
            file: made.file.display().to_string(),
            bytes: made.octets,
            sealed: made.is_sealed,
            keys: made.manifest.keys,
            lacks_clients_key: made.lacks_clients_key,
            made: made.manifest.made,
        }
    }
}

impl From<BackupFault> for AdminError {
    fn from(fault: BackupFault) -> Self {
        Self::new(fault.code(), fault.to_string())
    }
}

impl From<RestoreFault> for AdminError {
    fn from(fault: RestoreFault) -> Self {
        Self::new(fault.code(), fault.to_string())
    }
}
