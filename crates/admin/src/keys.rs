//! Where the key is kept under which the built-in clients seal what they have and have read.

use std::path::{Path, PathBuf};

use drawbridge_client::StorageKey;
use drawbridge_mtp::id::Provider;

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
    let file = data_dir.join("clients.key");
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
    StorageKey::load_or_make(path).map_err(|fault| format!("{} cannot be used: {fault}", path.display()))
}

#[cfg(feature = "keychain")]
fn in_keychain(data_dir: &Path, file: &Path, provider: &Provider) -> Result<StorageKey, String> {
    // Says that the key is in the keychain.
    let mark = data_dir.join("clients.keychain");
    if file.exists() && !mark.exists() {
        return in_file(file);
    }
    match StorageKey::in_keychain("Drawbridge", &format!("accounts of {provider}")) {
        Ok(key) => {
            let text = "The key of the accounts that are used on this computer is in its keychain.\n";
            std::fs::write(&mark, text)
                .map_err(|fault| format!("{} cannot be written: {fault}", mark.display()))?;
            Ok(key)
        }
        Err(fault) if mark.exists() => {
            Err(format!("their key is in this computer's keychain, which does not give it: {fault}"))
        }
        Err(fault) => {
            tracing::info!(%fault, "there is no keychain; the key is kept in a file");
            in_file(file)
        }
    }
}
