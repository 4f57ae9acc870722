//! The file with all other machines and the one that the window shows. It has no secrets.

use std::io;
use std::path::{Path, PathBuf};

use drawbridge_admin::AdminError;
use drawbridge_node::config::Origin;
use drawbridge_node::identity::{Fingerprint, write_secret};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::session_store::Keeping;

const FILE: &str = "machines.json";

/// What the file holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Contents {
    pub(crate) machines: Vec<Entry>,
    #[serde(default)]
    pub(crate) shown: Option<String>,
}

/// A machine, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) id: String,
    #[serde(with = "as_text")]
    pub(crate) origin: Origin,
    pub(crate) certificate: Option<Fingerprint>,
    pub(crate) kept: Keeping,
    pub(crate) provider: Option<String>,
    pub(crate) version: Option<String>,
}

/// The file, as it was read and is changed.
pub(crate) struct Book {
    path: PathBuf,
    /// Where it cannot be read, why, in one sentence: it is left as it is then.
    contents: Mutex<Result<Contents, String>>,
    /// Counts the changes, of the file and of what is told beside it.
    changes: watch::Sender<u64>,
}

impl Book {
    /// Reads that of the folder `home`; an empty one where there is none.
    pub(crate) fn open(home: &Path) -> Self {
        let path = home.join(FILE);
        let read = match std::fs::read(&path) {
            Ok(octets) => serde_json::from_slice(&octets).map_err(|fault| fault.to_string()),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(Contents::default()),
            Err(fault) => Err(fault.to_string()),
        };
        let contents = read.map_err(|fault| {
            let text = format!(
                "the list of other machines, {}, cannot be read: {fault}; move the file away to begin anew",
                path.display()
            );
            tracing::error!("{text}");
            text
        });
        Self { path, contents: Mutex::new(contents), changes: watch::Sender::new(0) }
    }

    /// What is in it; why it cannot be read, in one sentence.
    pub(crate) fn contents(&self) -> Result<Contents, String> {
        self.contents.lock().clone()
    }

    /// The machine `id`, where there is one.
    pub(crate) fn entry(&self, id: &str) -> Option<Entry> {
        let contents = self.contents.lock();
        contents.as_ref().ok()?.machines.iter().find(|entry| entry.id == id).cloned()
    }

    /// Changes it, on disk too, or not at all.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Contents)) -> Result<(), AdminError> {
        let unkept = |text: String| AdminError::new("machines-unkept", text);
        {
            let mut contents = self.contents.lock();
            let mut next = contents.clone().map_err(unkept)?;
            change(&mut next);
            self.write(&next).map_err(|fault| {
                unkept(format!(
                    "the list of other machines, {}, cannot be written: {fault}",
                    self.path.display()
                ))
            })?;
            *contents = Ok(next);
        }
        self.touch();
        Ok(())
    }

    /// Tells that something of a machine has changed that is not in the file.
    pub(crate) fn touch(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Moves with each change.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn write(&self, contents: &Contents) -> io::Result<()> {
        if let Some(home) = self.path.parent() {
            std::fs::create_dir_all(home)?;
        }
        write_secret(&self.path, &serde_json::to_vec_pretty(contents)?)
    }
}

mod as_text {
    use drawbridge_node::config::Origin;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(origin: &Origin, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(origin)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Origin, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            id: "one".into(),
            origin: "https://home.example:9103".parse().unwrap(),
            certificate: Some(Fingerprint::of(b"a certificate")),
            kept: Keeping::File,
            provider: Some("home.example".into()),
            version: None,
        }
    }

    #[test]
    fn what_was_written_is_read_and_told() {
        let home = tempfile::tempdir().unwrap();
        let book = Book::open(home.path());
        let changes = book.changes();
        book.change(|contents| contents.machines.push(entry())).unwrap();
        assert!(changes.has_changed().unwrap());
        let read = Book::open(home.path()).entry("one").unwrap();
        assert_eq!((read.origin, read.certificate), (entry().origin, entry().certificate));
    }

    #[test]
    fn a_damaged_file_is_said_and_left_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(FILE), b"{").unwrap();
        let book = Book::open(home.path());
        assert!(book.contents().unwrap_err().contains("machines.json"));
        assert_eq!(book.change(|contents| contents.shown = None).unwrap_err().code, "machines-unkept");
        assert_eq!(std::fs::read(home.path().join(FILE)).unwrap(), b"{");
    }
}
