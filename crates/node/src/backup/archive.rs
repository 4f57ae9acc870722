//! The file of a backup: a tar archive with the manifest, the parts in the manifest's order, and their checksums at the end, so
//! that one which was cut off is known by what it lacks.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tar::{Archive, Builder, Entry, EntryType, Header};

use super::contents::{Contents, is_expected};
use super::fault::{BackupFault, RestoreFault};
use super::manifest::{FORMAT, Manifest};
use crate::store::{self, Snapshot};

/// What a backup begins with that is not sealed: the name of its first file.
pub(super) const MANIFEST: &str = "manifest.json";
const CHECKSUMS: &str = "checksums.json";
/// The manifest and the checksums take less.
const MOST_OF_A_LIST: u64 = 4 << 20;
/// Pages are handed from who reads them to who writes them in pieces of this size, so many at one time.
const PIECE: usize = 1 << 20;
const PIECES: usize = 4;

/// The SHA-256 of each part, in hexadecimal digits.
type Checksums = BTreeMap<String, String>;

/// Writes `contents` to `out`, the file `path`.
pub(super) fn write(contents: Contents, path: &Path, out: impl Write) -> Result<(), BackupFault> {
    let Contents { manifest, small, stores } = contents;
    let written = |fault| BackupFault::Write { path: path.to_owned(), fault };
    let (mut archive, mut checksums) = (Builder::new(out), Checksums::new());
    let seconds = manifest.made.as_secs();
    append_list(&mut archive, MANIFEST, seconds, &manifest).map_err(written)?;
    for (name, content) in small {
        let mut hashed = Hashed::new(content.as_slice());
        append(&mut archive, &name, seconds, content.len() as u64, &mut hashed).map_err(written)?;
        checksums.insert(name, hashed.checksum());
    }
    for (name, snapshot) in stores {
        let octets = snapshot.octets();
        // One thread reads while this one hashes and writes.
        let (appended, read) = std::thread::scope(|scope| {
            let (pieces, taken) = sync_channel(PIECES);
            let reading = scope.spawn(move || read_pieces(snapshot, |piece| pieces.send(piece).is_ok()));
            let mut pages = Hashed::new(Pieces { taken, piece: Vec::new(), at: 0 });
            let appended =
                append(&mut archive, &name, seconds, octets, &mut pages).map(|()| pages.checksum());
            // Where writing failed, who reads learns by this that nobody takes more.
            let read = reading.join().unwrap_or(Err(rusqlite::Error::InvalidQuery));
            (appended, read)
        });
        read.map_err(|fault| BackupFault::Store { path: name.clone().into(), fault })?;
        checksums.insert(name, appended.map_err(written)?);
    }
    append_list(&mut archive, CHECKSUMS, seconds, &checksums).map_err(written)?;
    archive.finish().map_err(written)
}

/// Reads a backup, the file `path`, from `from` to its end, and puts what it holds into the folder that `accept` answers to its
/// manifest, where it answers one. What is returned has been found to be whole.
pub(super) fn read<R: Read>(
    path: &Path,
    from: R,
    accept: impl FnOnce(&Manifest) -> Result<Option<PathBuf>, RestoreFault>,
) -> Result<Manifest, RestoreFault> {
    let damaged = |what: String| RestoreFault::Damaged { path: path.to_owned(), what };
    let broken = |fault: io::Error| damaged(fault.to_string());
    let mut archive = Archive::new(from);
    let mut entries = archive.entries().map_err(broken)?;
    let mut next = |wanted: &str| -> Result<Entry<'_, R>, RestoreFault> {
        let missing = || damaged(format!("it ends before {wanted}"));
        let entry = entries.next().ok_or_else(missing)?.map_err(broken)?;
        let found = entry.path_bytes();
        if *found != *wanted.as_bytes() || entry.header().entry_type() != EntryType::Regular {
            return Err(damaged(format!(
                "it has {} where {wanted} is to be",
                String::from_utf8_lossy(&found)
            )));
        }
        drop(found);
        Ok(entry)
    };
    let manifest: Manifest = read_manifest(path, next(MANIFEST)?)?;
    let into = accept(&manifest)?;
    let mut found = Checksums::new();
    for part in &manifest.parts {
        if !is_expected(&part.path) {
            return Err(damaged(format!("it has {}, which does not belong into one", part.path)));
        }
        let mut content = Hashed::new(next(&part.path)?);
        let octets = match &into {
            Some(folder) => copy_to(&folder.join(&part.path), &mut content, broken)?,
            None => io::copy(&mut content, &mut io::sink()).map_err(broken)?,
        };
        if octets != part.octets {
            return Err(damaged(format!("{} has {octets} octets in it and not {}", part.path, part.octets)));
        }
        found.insert(part.path.clone(), content.checksum());
    }
    let written: Checksums = read_list(next(CHECKSUMS)?).map_err(broken)?;
    match manifest.parts.iter().find(|part| written.get(&part.path) != found.get(&part.path)) {
        Some(part) => Err(damaged(format!("{} is not as it was when the backup was made", part.path))),
        None => Ok(manifest),
    }
}

fn read_manifest(path: &Path, entry: impl Read) -> Result<Manifest, RestoreFault> {
    let damaged = |fault: io::Error| RestoreFault::Damaged { path: path.to_owned(), what: fault.to_string() };
    let newer = |version: &str| RestoreFault::Newer { path: path.to_owned(), version: version.to_owned() };
    // One of a later version may have another form, and says so in members that stay.
    let said: serde_json::Value = read_list(entry).map_err(damaged)?;
    if said["format"].as_u64().is_some_and(|format| format > u64::from(FORMAT)) {
        return Err(newer(said["version"].as_str().unwrap_or("of a later time")));
    }
    let manifest: Manifest = serde_json::from_value(said).map_err(|fault| damaged(fault.into()))?;
    if manifest.store_version > store::VERSION {
        return Err(newer(&manifest.version));
    }
    Ok(manifest)
}

/// Writes what comes to the file `path`, which nobody but us can read.
fn copy_to(
    path: &Path,
    from: &mut impl Read,
    broken: impl Fn(io::Error) -> RestoreFault,
) -> Result<u64, RestoreFault> {
    let unwritten = |fault| RestoreFault::Write { path: path.to_owned(), fault };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(unwritten)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(path).map_err(unwritten)?;
    let (mut piece, mut octets) = (vec![0; PIECE], 0);
    loop {
        let read = from.read(&mut piece).map_err(&broken)?;
        if read == 0 {
            break;
        }
        file.write_all(&piece[..read]).map_err(unwritten)?;
        octets += read as u64;
    }
    file.sync_all().map_err(unwritten)?;
    Ok(octets)
}

fn append_list(
    archive: &mut Builder<impl Write>,
    name: &str,
    seconds: u64,
    list: &impl Serialize,
) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(list)?;
    append(archive, name, seconds, text.len() as u64, &mut text.as_slice())
}

fn append(
    archive: &mut Builder<impl Write>,
    name: &str,
    seconds: u64,
    octets: u64,
    content: &mut impl Read,
) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_size(octets);
    header.set_mode(0o600);
    header.set_mtime(seconds);
    header.set_entry_type(EntryType::Regular);
    archive.append_data(&mut header, name, content)
}

fn read_list<T: DeserializeOwned>(entry: impl Read) -> io::Result<T> {
    Ok(serde_json::from_reader(entry.take(MOST_OF_A_LIST))?)
}

/// Hands over the pages of `snapshot` in pieces, until `give` says that no more are taken.
fn read_pieces(snapshot: Snapshot, mut give: impl FnMut(Vec<u8>) -> bool) -> Result<(), rusqlite::Error> {
    let mut piece = Vec::with_capacity(PIECE);
    snapshot.read(|page| {
        piece.extend_from_slice(page);
        if piece.len() < PIECE || give(std::mem::replace(&mut piece, Vec::with_capacity(PIECE))) {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    give(piece);
    Ok(())
}

/// What is handed over in pieces, read one after the other.
struct Pieces {
    taken: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            let Ok(piece) = self.taken.recv() else { return Ok(0) };
            (self.piece, self.at) = (piece, 0);
        }
        let octets = into.len().min(self.piece.len() - self.at);
        into[..octets].copy_from_slice(&self.piece[self.at..self.at + octets]);
        self.at += octets;
        Ok(octets)
    }
}

/// What is read, with its checksum.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
}

impl<R> Hashed<R> {
    fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    /// Of what was read.
    fn checksum(self) -> String {
        self.hash.finalize().iter().map(|octet| format!("{octet:02x}")).collect()
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let octets = self.inner.read(into)?;
        self.hash.update(&into[..octets]);
        Ok(octets)
    }
}
