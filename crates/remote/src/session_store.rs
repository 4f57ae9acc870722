//! Where the sessions with other machines are kept: each in the desktop's keychain, or where there is none in a file of its own that
//! only its owner may read. Whoever has one can do there all that the operator can.

use std::io;
use std::path::{Path, PathBuf};

use drawbridge_admin::KeyPlace;
use drawbridge_node::identity::write_secret;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use zeroize::Zeroizing;

/// Where a session is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(rename = "SessionKeeping")]
pub enum Keeping {
    /// In the desktop's keychain.
    Keychain,
    /// In a file that only its owner may read: there was no keychain.
    File,
}

/// Where all of them are kept.
#[derive(Clone, Debug)]
pub(crate) struct SessionStore {
    folder: PathBuf,
    place: KeyPlace,
}

impl SessionStore {
    /// In the place `place`; files in `folder`.
    pub(crate) fn new(folder: &Path, place: KeyPlace) -> Self {
        Self { folder: folder.to_owned(), place }
    }

    /// Keeps the session of the machine `id`, and says where. It may wait for a person who unlocks the keychain.
    pub(crate) async fn keep(&self, id: &str, session: &Zeroizing<String>) -> io::Result<Keeping> {
        let (store, id, session) = (self.clone(), id.to_owned(), session.clone());
        blocking(move || {
            match store.place {
                KeyPlace::File => {}
                #[cfg(feature = "keychain")]
                KeyPlace::Keychain => match keychain::keep(&id, &session) {
                    Ok(()) => return Ok(Keeping::Keychain),
                    Err(fault) => {
                        tracing::info!(%fault, "there is no keychain; the session is kept in a file")
                    }
                },
            }
            std::fs::create_dir_all(&store.folder)?;
            write_secret(&store.file(&id), session.as_bytes())?;
            Ok(Keeping::File)
        })
        .await
    }

    /// The session of the machine `id`; none where it is there no more. The error is one sentence.
    pub(crate) async fn read(&self, id: &str, kept: Keeping) -> Result<Option<Zeroizing<String>>, String> {
        let (store, id) = (self.clone(), id.to_owned());
        let read = blocking(move || match kept {
            #[cfg(feature = "keychain")]
            Keeping::Keychain => keychain::read(&id),
            #[cfg(not(feature = "keychain"))]
            Keeping::Keychain => Err(io::Error::other("this program was built without a keychain")),
            Keeping::File => match std::fs::read_to_string(store.file(&id)) {
                Ok(session) => Ok(Some(Zeroizing::new(session))),
                Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(fault) => Err(fault),
            },
        });
        read.await.map_err(|fault| match kept {
            Keeping::Keychain => {
                format!("its session is in this computer's keychain, which does not give it: {fault}")
            }
            Keeping::File => format!("the file with its session cannot be read: {fault}"),
        })
    }

    /// Removes the session of the machine `id`.
    pub(crate) async fn remove(&self, id: &str, kept: Keeping) -> io::Result<()> {
        let (store, id) = (self.clone(), id.to_owned());
        blocking(move || match kept {
            #[cfg(feature = "keychain")]
            Keeping::Keychain => keychain::remove(&id),
            #[cfg(not(feature = "keychain"))]
            Keeping::Keychain => Ok(()),
            Keeping::File => match std::fs::remove_file(store.file(&id)) {
                Err(fault) if fault.kind() != io::ErrorKind::NotFound => Err(fault),
                _ => Ok(()),
            },
        })
        .await
    }

    fn file(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.session"))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(feature = "keychain")]
mod keychain {
    use std::io;

    use keyring::{Entry, Error};
    use zeroize::Zeroizing;

    fn entry(id: &str) -> io::Result<Entry> {
        Entry::new("Drawbridge", &format!("session with the machine {id}")).map_err(io::Error::other)
    }

    pub(super) fn keep(id: &str, session: &str) -> io::Result<()> {
        entry(id)?.set_secret(session.as_bytes()).map_err(io::Error::other)
    }

    pub(super) fn read(id: &str) -> io::Result<Option<Zeroizing<String>>> {
        match entry(id)?.get_secret() {
            Ok(secret) => match String::from_utf8(secret) {
                Ok(session) => Ok(Some(Zeroizing::new(session))),
                Err(_) => Err(io::Error::other("it holds another kind of secret there")),
            },
            Err(Error::NoEntry) => Ok(None),
            Err(fault) => Err(io::Error::other(fault)),
        }
    }

    pub(super) fn remove(id: &str) -> io::Result<()> {
        match entry(id)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(fault) => Err(io::Error::other(fault)),
        }
    }
}
