//! The key under which everything secret is kept.

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

use chacha20poly1305::{
    Key, XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use drawbridge_client_api::ambient::Ambient;
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 24;

/// Thirty-two random bytes that open a client's store. Whoever holds them and the store's file has everything.
#[derive(Clone)]
pub struct StorageKey(Zeroizing<[u8; 32]>);

impl StorageKey {
    /// The key with these bytes, as a keychain keeps them.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new one, of octets of `ambient`.
    pub fn random(ambient: &dyn Ambient) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        ambient.fill(bytes.as_mut_slice());
        Self(bytes)
    }

    /// Its bytes, to be put where keys are kept.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key in the file at `path`, made there of octets of `ambient` if there is none; only its owner may read the file.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read or made, or does not hold a key.
    pub fn load_or_make(path: &Path, ambient: &dyn Ambient) -> io::Result<Self> {
        match fs::File::open(path) {
            Ok(file) => return Self::read(file, path),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => {}
            Err(fault) => return Err(fault),
        }
        // Written beside its place and then linked there, so that a crash leaves a whole key or none, and of two
        // who make one at once both get the same.
        let key = Self::random(ambient);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let beside = path.with_extension(format!("new-{}", std::process::id()));
        let _ = fs::remove_file(&beside);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(key.as_bytes())?;
        file.sync_all()?;
        let linked = fs::hard_link(&beside, path);
        fs::remove_file(&beside)?;
        match linked {
            Ok(()) => {
                #[cfg(unix)]
                fs::File::open(folder)?.sync_all()?;
                Ok(key)
            }
            Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => {
                Self::read(fs::File::open(path)?, path)
            }
            Err(fault) => Err(fault),
        }
    }

    /// The key in the keychain of the operating system under these names; none where there is none. Only with the feature
    /// `keychain`.
    ///
    /// It blocks, also while a person unlocks the keychain: call it where that is allowed.
    ///
    /// # Errors
    ///
    /// Where there is no keychain, it stays locked, or holds something else under these names.
    #[cfg(feature = "keychain")]
    pub fn from_keychain(service: &str, account: &str) -> io::Result<Option<Self>> {
        let entry = keyring::Entry::new(service, account).map_err(io::Error::other)?;
        let secret = match entry.get_secret() {
            Ok(secret) => Zeroizing::new(secret),
            Err(keyring::Error::NoEntry) => return Ok(None),
            Err(fault) => return Err(io::Error::other(fault)),
        };
        let bytes = secret.as_slice().try_into().map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, "the keychain holds another kind of secret there")
        })?;
        Ok(Some(Self::from_bytes(bytes)))
    }

    /// Puts the key into the keychain of the operating system under these names. Only with the feature `keychain`.
    ///
    /// # Errors
    ///
    /// As [`StorageKey::from_keychain`].
    #[cfg(feature = "keychain")]
    pub fn keep_in_keychain(&self, service: &str, account: &str) -> io::Result<()> {
        let entry = keyring::Entry::new(service, account).map_err(io::Error::other)?;
        entry.set_secret(self.as_bytes()).map_err(io::Error::other)
    }

    fn read(file: fs::File, path: &Path) -> io::Result<Self> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(33));
        file.take(33).read_to_end(&mut bytes)?;
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| {
            let text = format!("{} does not hold a storage key of 32 bytes", path.display());
            io::Error::new(io::ErrorKind::InvalidData, text)
        })?;
        Ok(Self::from_bytes(bytes))
    }
}

impl std::fmt::Debug for StorageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StorageKey(…)")
    }
}

/// Seals rows with XChaCha20-Poly1305 under random nonces. Each row is bound to its table and key, so that nobody
/// who may write the file can swap one for another.
pub(crate) struct Seal(XChaCha20Poly1305);

/// What was sealed otherwise: another key, another row, or a damaged file.
#[derive(Debug, thiserror::Error)]
#[error("a row of the store does not open: the key is another one, or the file is damaged")]
pub struct Sealed;

impl Seal {
    pub(crate) fn new(key: &StorageKey) -> Self {
        Self(XChaCha20Poly1305::new(Key::from_slice(key.as_bytes())))
    }

    /// Seals `plain` for its row under `nonce`, which is random: under one key, no other may be the same.
    pub(crate) fn seal(
        &self,
        table: &str,
        row: &[u8],
        plain: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Vec<u8>, Sealed> {
        let payload = Payload { msg: plain, aad: &place(table, row) };
        let cipher = self.0.encrypt(XNonce::from_slice(&nonce), payload).map_err(|_| Sealed)?;
        Ok([nonce.as_slice(), &cipher].concat())
    }

    pub(crate) fn open(&self, table: &str, row: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Sealed> {
        let (nonce, cipher) = sealed.split_at_checked(NONCE_BYTES).ok_or(Sealed)?;
        let payload = Payload { msg: cipher, aad: &place(table, row) };
        self.0.decrypt(XNonce::from_slice(nonce), payload).map(Zeroizing::new).map_err(|_| Sealed)
    }
}

fn place(table: &str, row: &[u8]) -> Vec<u8> {
    [table.as_bytes(), &[0], row].concat()
}

#[cfg(test)]
mod tests {
    use drawbridge_client_api::ambient::{AmbientExt, System};

    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let made = StorageKey::load_or_make(&path, &System).unwrap();
        assert_eq!(StorageKey::load_or_make(&path, &System).unwrap().as_bytes(), made.as_bytes());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::write(&path, b"short").unwrap();
        assert!(StorageKey::load_or_make(&path, &System).is_err());
    }

    #[test]
    fn a_row_opens_in_its_place_and_under_its_key_alone() {
        let seal = Seal::new(&StorageKey::from_bytes([1; 32]));
        let sealed = seal.seal("message", b"1", b"hello", System.random()).unwrap();
        assert_eq!(seal.open("message", b"1", &sealed).unwrap().as_slice(), b"hello");
        assert!(seal.open("message", b"2", &sealed).is_err());
        assert!(seal.open("mls", b"1", &sealed).is_err());
        assert!(seal.open("message", b"1", b"short").is_err());
        assert!(Seal::new(&StorageKey::from_bytes([2; 32])).open("message", b"1", &sealed).is_err());
    }
}
