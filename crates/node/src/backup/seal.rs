//! Backups that only who has a passphrase or a key can read, in the format of age (age-encryption.org/v1), so that age and
//! rage open them too.

use std::fmt;
use std::io::{self, BufRead, Read, Write};
use std::path::Path;

use age::secrecy::SecretString;
use age::stream::StreamWriter;
use age::{DecryptError, Decryptor, Encryptor, Identity, scrypt, x25519};

use super::archive::MANIFEST;
use super::fault::RestoreFault;
use crate::ground::config::recipient::Recipient;

/// How a file of age begins.
const BEGINNING: &[u8] = b"age-encryption.org/";

/// Whom a backup is sealed for.
#[derive(Clone, Debug)]
pub enum Seal {
    /// Whoever knows it.
    Passphrase(Passphrase),
    /// Whoever has the key to it.
    Recipient(Recipient),
}

/// What opens a sealed backup.
#[derive(Clone)]
pub enum Opener {
    /// What it was sealed with.
    Passphrase(Passphrase),
    /// Keys, one of which it was sealed for.
    Identities(Vec<x25519::Identity>),
}

/// What a person keeps in mind, or on paper.
#[derive(Clone)]
pub struct Passphrase(SecretString);

impl Passphrase {
    /// The passphrase `text`; none where that is empty.
    pub fn new(text: String) -> Option<Self> {
        (!text.is_empty()).then(|| Self(SecretString::from(text)))
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

impl Opener {
    /// Reads the keys in the file `path`, as age-keygen writes it.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or has no key in it.
    pub fn read_identities(path: &Path) -> Result<Self, RestoreFault> {
        let text = std::fs::read_to_string(path)
            .map_err(|fault| RestoreFault::Unreadable { path: path.to_owned(), fault })?;
        let keys = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Result<Vec<x25519::Identity>, _> = keys.map(str::parse).collect();
        match keys {
            Ok(keys) if !keys.is_empty() => Ok(Self::Identities(keys)),
            _ => Err(RestoreFault::NoIdentity(path.to_owned())),
        }
    }
}

/// Where a backup is written, sealed or not.
pub(super) enum Sealed<W: Write> {
    Open(W),
    Closed(StreamWriter<W>),
}

impl<W: Write> Sealed<W> {
    /// Seals what is written from now on, and writes it to `out`.
    pub(super) fn begin(out: W, seal: Option<&Seal>) -> io::Result<Self> {
        let encryptor = match seal {
            None => return Ok(Self::Open(out)),
            Some(Seal::Passphrase(Passphrase(text))) => Encryptor::with_user_passphrase(text.clone()),
            Some(Seal::Recipient(recipient)) => {
                Encryptor::with_recipients(std::iter::once(recipient.key() as _)).map_err(io::Error::other)?
            }
        };
        encryptor.wrap_output(out).map(Self::Closed)
    }

    /// Ends it; without this, it cannot be opened.
    pub(super) fn finish(self) -> io::Result<W> {
        match self {
            Self::Open(out) => Ok(out),
            Self::Closed(out) => out.finish(),
        }
    }
}

impl<W: Write> Write for Sealed<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Open(out) => out.write(octets),
            Self::Closed(out) => out.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Open(out) => out.flush(),
            Self::Closed(out) => out.flush(),
        }
    }
}

/// Opens what is read from the file `path`, where it is sealed.
pub(super) fn open<'a>(
    path: &Path,
    mut from: impl BufRead + 'a,
    opener: Option<&Opener>,
) -> Result<Box<dyn Read + 'a>, RestoreFault> {
    let begins =
        from.fill_buf().map_err(|fault| RestoreFault::Unreadable { path: path.to_owned(), fault })?;
    if begins.starts_with(MANIFEST.as_bytes()) {
        return Ok(Box::new(from));
    }
    if !begins.starts_with(BEGINNING) {
        return Err(RestoreFault::NoBackup(path.to_owned()));
    }
    let damaged = |fault: DecryptError| match fault {
        DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
            RestoreFault::WrongKey(path.to_owned())
        }
        fault => RestoreFault::Damaged { path: path.to_owned(), what: fault.to_string() },
    };
    let decryptor = Decryptor::new_buffered(from).map_err(damaged)?;
    let needs_passphrase = decryptor.is_scrypt();
    let opened = match (opener, needs_passphrase) {
        (Some(Opener::Passphrase(Passphrase(text))), true) => {
            let identity = scrypt::Identity::new(text.clone());
            decryptor.decrypt(std::iter::once(&identity as &dyn Identity))
        }
        (Some(Opener::Identities(keys)), false) => {
            decryptor.decrypt(keys.iter().map(|key| key as &dyn Identity))
        }
        (_, true) => return Err(RestoreFault::NeedsPassphrase(path.to_owned())),
        (_, false) => return Err(RestoreFault::NeedsIdentity(path.to_owned())),
    };
    Ok(Box::new(opened.map_err(damaged)?))
}
