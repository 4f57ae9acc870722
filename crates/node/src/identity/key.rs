//! Our signing key: an Ed25519 seed in a file that only we can read, made on first start.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use drawbridge_mtp::keys::SecretKey;

use super::folder::{DataFolder, KEY_FILE, write_secret};
use crate::ambient::{Ambient, AmbientExt};

/// Why there is no signing key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// There is no key yet.
    #[error("there is no key in {0}; start the node once to make one")]
    Absent(PathBuf),
    /// The file is not a key.
    #[error("{0} is not a signing key; restore it from a backup: a new key would be refused by every peer")]
    Unreadable(PathBuf),
    /// The system does not let us.
    #[error("the key {path} cannot be used: {fault}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: io::Error,
    },
}

/// Reads the key of the node in the folder `dir`.
pub fn load_key(dir: &Path) -> Result<SecretKey, KeyFault> {
    let path = dir.join(KEY_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
            return Err(KeyFault::Absent(dir.to_owned()));
        }
        Err(fault) => return Err(KeyFault::Io { path, fault }),
    };
    let seed = BASE64_URL_SAFE_NO_PAD.decode(text.trim_end()).ok().and_then(|seed| seed.try_into().ok());
    Ok(SecretKey::from_seed(seed.ok_or(KeyFault::Unreadable(path))?))
}

/// Reads the key of the node in `folder`, or makes it at the folder's first start.
pub fn load_or_make_key(folder: &DataFolder, ambient: &dyn Ambient) -> Result<SecretKey, KeyFault> {
    let dir = folder.path();
    match load_key(dir) {
        Err(KeyFault::Absent(_)) if folder.is_new() => {}
        loaded => return loaded,
    }
    let seed = ambient.random();
    let path = dir.join(KEY_FILE);
    let text = format!("{}\n", BASE64_URL_SAFE_NO_PAD.encode(seed));
    write_secret(&path, text.as_bytes()).map_err(|fault| KeyFault::Io { path, fault })?;
    Ok(SecretKey::from_seed(seed))
}
