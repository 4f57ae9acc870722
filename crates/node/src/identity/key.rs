//! The file with our signing keys, which only we can read. It is made on first start, and written whole or not at all.

use std::io;
use std::path::{Path, PathBuf};

use drawbridge_mtp::keys::SecretKey;

use super::folder::{DataFolder, KEY_FILE, write_secret};
use super::ring::{KeyRing, seed};
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

/// Reads the keys of the node in the folder `dir`. A file that has nothing but the seed of one key, as older versions wrote it, is
/// read too.
pub(crate) fn load_ring(dir: &Path) -> Result<KeyRing, KeyFault> {
    let path = dir.join(KEY_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
            return Err(KeyFault::Absent(dir.to_owned()));
        }
        Err(fault) => return Err(KeyFault::Io { path, fault }),
    };
    let alone = seed::read(text.trim_end()).map(KeyRing::from);
    // What is wrong in it may quote the secret, so it is not told.
    alone.or_else(|| toml::from_str(&text).ok()).ok_or(KeyFault::Unreadable(path))
}

/// Reads the key that the node in the folder `dir` signs with.
pub fn load_key(dir: &Path) -> Result<SecretKey, KeyFault> {
    load_ring(dir).map(|ring| SecretKey::from_seed(*ring.signing().seed()))
}

/// Reads the keys of the node in `folder`, or makes the first at the folder's first start.
pub(crate) fn load_or_make_ring(folder: &DataFolder, ambient: &dyn Ambient) -> Result<KeyRing, KeyFault> {
    let dir = folder.path();
    match load_ring(dir) {
        Err(KeyFault::Absent(_)) if folder.is_new() => {}
        loaded => return loaded,
    }
    let ring = KeyRing::new(SecretKey::from_seed(ambient.random()), ambient.now());
    write_ring(dir, &ring)?;
    Ok(ring)
}

/// Writes the keys of the node in the folder `dir`, in the place of those that are there.
pub(super) fn write_ring(dir: &Path, ring: &KeyRing) -> Result<(), KeyFault> {
    let path = dir.join(KEY_FILE);
    let written = toml::to_string(ring).map_err(io::Error::other);
    let written = written.and_then(|text| write_secret(&path, text.as_bytes()));
    written.map_err(|fault| KeyFault::Io { path, fault })
}
