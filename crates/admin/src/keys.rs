//! Where the key is kept under which the built-in clients seal what they have and have read.

use std::path::{Path, PathBuf};

use drawbridge_client::StorageKey;
use drawbridge_mtp::id::Provider;
use drawbridge_node::ambient::System;

/// The file in the data folder that it is kept in, where it is in one.
pub(crate) const KEY_FILE: &str = "clients.key";

/// Where the key of the built-in clients is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyPlace {
    /// In the data folder, in a file that only its owner may read: for a node without a desktop.
    #[default]
    File,
    /// In the desktop's keychain; in the file where there is none.
    #[cfg(feature = "keychain")]
    Keychain,
}

/// The key for the accounts of `provider`, whose folder is `data_dir`; made where there is none.
///
/// Once it is in the keychain it is looked for nowhere else: another key would open nothing.
pub(crate) async fn storage_key(
    place: KeyPlace,
    data_dir: PathBuf,
    provider: Provider,
) -> Result<StorageKey, String> {
    let file = data_dir.join(KEY_FILE);
    let found = tokio::task::spawn_blocking(move || match place {
        KeyPlace::File => in_file(&file),
        #[cfg(feature = "keychain")]
        KeyPlace::Keychain => in_keychain(&data_dir, &file, &provider),
    });
    #[cfg(not(feature = "keychain"))]
    let _ = provider;
    found.await.map_err(|fault| fault.to_string())?
}

fn in_file(path: &Path) -> Result<StorageKey, String> {
    StorageKey::load_or_make(path, &System)
        .map_err(|fault| format!("{} cannot be used: {fault}", path.display()))
}

#[cfg(feature = "keychain")]
fn in_keychain(data_dir: &Path, file: &Path, provider: &Provider) -> Result<StorageKey, String> {
    const SERVICE: &str = "Drawbridge";
    let account = format!("accounts of {provider}");
    // Says that the key is in the keychain.
    let mark = data_dir.join("clients.keychain");
    if file.exists() && !mark.exists() {
        return in_file(file);
    }
    // Another key than the one that they are sealed with would open nothing.
    let is_needed = mark.exists() && has_stores(data_dir);
    let found = StorageKey::from_keychain(SERVICE, &account).and_then(|found| match found {
        Some(key) => Ok(Some(key)),
        None if is_needed => Ok(None),
        None => {
            let key = StorageKey::random(&System);
            key.keep_in_keychain(SERVICE, &account)?;
            Ok(Some(key))
        }
    });
    match found {
        Ok(Some(key)) => {
            let text = "The key of the accounts that are used on this computer is in its keychain.\n";
            std::fs::write(&mark, text)
                .map_err(|fault| format!("{} cannot be written: {fault}", mark.display()))?;
            Ok(key)
        }
        Ok(None) => Err(format!(
            "their key ({SERVICE}, {account}) is not in this computer's keychain any more; bring back the keychain that it was \
             put into, or stop using the account on this computer and begin anew"
        )),
        Err(fault) if is_needed => {
            Err(format!("their key is in this computer's keychain, which does not give it: {fault}"))
        }
        Err(fault) => {
            tracing::info!(%fault, "there is no keychain; the key is kept in a file");
            let _ = std::fs::remove_file(&mark);
            in_file(file)
        }
    }
}

/// Whether there is anything that a key has sealed.
#[cfg(feature = "keychain")]
fn has_stores(data_dir: &Path) -> bool {
    let files = std::fs::read_dir(data_dir.join("clients")).into_iter().flatten().flatten();
    files.into_iter().any(|file| file.path().extension().is_some_and(|extension| extension == "sqlite"))
}
