//! What a backup holds: the store and the built-in clients' files as they are at one moment, and the small files beside them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;

use super::fault::BackupFault;
use super::manifest::{FORMAT, Manifest, Part};
use crate::store::{self, Snapshot};

/// The folder with the files of the clients that are built in.
const CLIENTS: &str = "clients";
/// What is secret, or of use only with what is.
const KEYS: [&str; 7] = [
    "identity.key",
    "tls-key.pem",
    "tls-cert.pem",
    "acme-certificate.pem",
    "acme.json",
    "clients.key",
    "metrics-token",
];

/// What goes into a backup. While this is there, the stores are held as they were when it was taken.
pub(super) struct Contents {
    pub(super) manifest: Manifest,
    pub(super) small: Vec<(String, Vec<u8>)>,
    pub(super) stores: Vec<(String, Snapshot)>,
}

/// What a backup is made of.
pub(super) struct Sources<'a> {
    /// The data folder.
    pub(super) dir: &'a Path,
    /// Its configuration file, where it was read from one.
    pub(super) config: Option<&'a Path>,
    /// Whose it is.
    pub(super) provider: &'a Provider,
    /// What is kept elsewhere than in the folder, by the name that it has there.
    pub(super) elsewhere: &'a BTreeMap<&'static str, Vec<u8>>,
    /// Whether the keys are wanted.
    pub(super) keys: bool,
}

impl Contents {
    /// Takes everything as it is now.
    pub(super) fn take(sources: &Sources<'_>, made: Timestamp) -> Result<Self, BackupFault> {
        let Sources { dir, provider, keys, .. } = *sources;
        let mut stores = vec![snapshot(dir, store::FILE.to_owned())?];
        for name in stores_of_clients(dir)? {
            stores.push(snapshot(dir, format!("{CLIENTS}/{name}"))?);
        }
        let mut small = Vec::new();
        for name in KEYS.into_iter().filter(|_| keys) {
            let content = match sources.elsewhere.get(name) {
                Some(content) => Some(content.clone()),
                None => read_if_there(&dir.join(name))?,
            };
            small.extend(content.map(|content| (name.to_owned(), content)));
        }
        let sizes = small.iter().map(|(path, content)| (path, content.len() as u64));
        let sizes = sizes.chain(stores.iter().map(|(path, snapshot)| (path, snapshot.octets())));
        let parts = sizes.map(|(path, octets)| Part { path: path.clone(), octets }).collect();
        let manifest = Manifest {
            format: FORMAT,
            provider: provider.clone(),
            made,
            version: env!("CARGO_PKG_VERSION").into(),
            store_version: stores[0].1.version(),
            keys,
            config: sources
                .config
                .map(read_if_there)
                .transpose()?
                .flatten()
                .map(|text| String::from_utf8_lossy(&text).into_owned()),
            parts,
        };
        Ok(Self { manifest, small, stores })
    }

    /// How much it is, without what names and checksums add.
    pub(super) fn octets(&self) -> u64 {
        self.manifest.parts.iter().map(|part| part.octets).sum()
    }
}

/// What a backup may have put into the data folder.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KEYS.into_iter().chain([store::FILE, CLIENTS])
}

/// Whether a backup may have a file of that name, which is then put there.
pub(super) fn is_expected(path: &str) -> bool {
    let of_a_client =
        |name: &str| name.ends_with(".sqlite") && !name.contains(['/', '\\']) && !name.starts_with('.');
    path == store::FILE
        || KEYS.contains(&path)
        || path.strip_prefix(CLIENTS).and_then(|rest| rest.strip_prefix('/')).is_some_and(of_a_client)
}

fn snapshot(dir: &Path, name: String) -> Result<(String, Snapshot), BackupFault> {
    let path = dir.join(&name);
    let snapshot = Snapshot::take(&path).map_err(|fault| BackupFault::Store { path, fault })?;
    Ok((name, snapshot))
}

/// The names of the built-in clients' files, in order.
fn stores_of_clients(dir: &Path) -> Result<Vec<String>, BackupFault> {
    let path = dir.join(CLIENTS);
    let names = || {
        let mut names = Vec::new();
        for entry in fs::read_dir(&path)? {
            names.extend(entry?.file_name().into_string().ok().filter(|name| name.ends_with(".sqlite")));
        }
        names.sort_unstable();
        Ok(names)
    };
    match names() {
        Err(fault) if io::Error::kind(&fault) == io::ErrorKind::NotFound => Ok(Vec::new()),
        names => names.map_err(|fault| BackupFault::Read { path, fault }),
    }
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, BackupFault> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(BackupFault::Read { path: path.to_owned(), fault }),
    }
}
