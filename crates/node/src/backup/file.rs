//! One backup made, and those that are kept in a folder.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;

use super::archive;
use super::contents::{Contents, Sources};
use super::fault::BackupFault;
use super::manifest::Manifest;
use super::outgoing::{self, OutgoingBackup};
use super::seal::{Seal, Sealed};
use crate::ambient::Ambient;
use crate::ground::config::Config;
use crate::identity::DataFolder;

/// How the names of backups end, and those that are sealed.
const ENDING: &str = ".drawbridge";
const SEALED_ENDING: &str = ".drawbridge.age";
/// How the name of one ends that is still being written.
const DRAFT: &str = "part";
/// After so many octets the system is asked to bring them to the disk. All at once in the end, they would keep waiting whoever
/// writes a few that have to be on disk at once, as the store does.
const STEP: usize = 8 << 20;
/// What names, checksums and a seal add at most, beside a thousandth.
const EXTRA: u64 = 1 << 20;

/// What backup is wanted.
#[derive(Clone, Debug)]
pub struct BackupOrder {
    /// The file, which is not there yet. Absent: one in the folder that is configured.
    pub file: Option<PathBuf>,
    /// Whom it is sealed for. Absent: nobody needs anything to open it.
    pub seal: Option<Seal>,
    /// Whether it has the keys.
    pub keys: bool,
}

/// A backup that was made.
#[derive(Clone, Debug)]
pub struct MadeBackup {
    /// The file.
    pub file: PathBuf,
    /// Its size.
    pub octets: u64,
    /// Whether it is sealed.
    pub is_sealed: bool,
    /// Whether there are conversations in it that only a key opens which is not in it.
    pub lacks_clients_key: bool,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// A backup in the folder, as its name tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBackup {
    /// The file.
    pub file: PathBuf,
    /// Its size.
    pub octets: u64,
    /// When it was made.
    pub made: Timestamp,
    /// Whether it is sealed.
    pub is_sealed: bool,
}

impl BackupOrder {
    /// One as the configuration says.
    pub fn configured(config: &Config) -> Self {
        let seal = config.backup.recipient.clone().map(Seal::Recipient);
        Self { file: None, seal, keys: config.backup.keys }
    }
}

/// Makes a backup of the node of `config`, whether or not it runs.
pub fn back_up_beside(
    config: &Config,
    order: BackupOrder,
    ambient: &dyn Ambient,
) -> Result<MadeBackup, BackupFault> {
    make(config, &BTreeMap::new(), order, ambient)
}

/// Makes a backup of the node of `config`. What is kept elsewhere than in its data folder is in `elsewhere`.
pub(super) fn make(
    config: &Config,
    elsewhere: &BTreeMap<&'static str, Vec<u8>>,
    order: BackupOrder,
    ambient: &dyn Ambient,
) -> Result<MadeBackup, BackupFault> {
    let BackupOrder { file, seal, keys } = order;
    let (dir, provider) = (config.data_dir.as_path(), &config.provider);
    let contents = take(config, elsewhere, keys, ambient)?;
    let manifest = contents.manifest.clone();
    let file = match file {
        Some(file) if file.exists() => return Err(BackupFault::Taken(file)),
        Some(file) => file,
        None => {
            let folder = config.backup.folder(dir);
            make_folder(&folder).map_err(|fault| BackupFault::Write { path: folder.clone(), fault })?;
            folder.join(name(provider, manifest.made, seal.is_some()))
        }
    };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    require_room(folder, contents.octets(), ambient)?;
    let draft = with_ending(&file, DRAFT);
    let octets = write(contents, &draft, seal.as_ref()).and_then(|octets| {
        fs::rename(&draft, &file).map_err(|fault| BackupFault::Write { path: file.clone(), fault })?;
        Ok(octets)
    });
    if octets.is_err() {
        let _ = fs::remove_file(&draft);
    }
    let has = |is_it: fn(&str) -> bool| manifest.parts.iter().any(|part| is_it(&part.path));
    let lacks_clients_key =
        keys && has(|path| path.starts_with("clients/")) && !has(|path| path == "clients.key");
    Ok(MadeBackup { octets: octets?, file, is_sealed: seal.is_some(), lacks_clients_key, manifest })
}

/// Takes what a backup of the node of `config` is made of, as it is now.
fn take(
    config: &Config,
    elsewhere: &BTreeMap<&'static str, Vec<u8>>,
    keys: bool,
    ambient: &dyn Ambient,
) -> Result<Contents, BackupFault> {
    let (dir, provider) = (config.data_dir.as_path(), &config.provider);
    let sources = Sources { dir, config: config.file.as_deref(), provider, elsewhere, keys };
    Contents::take(&sources, ambient.now())
}

/// Begins a backup that is handed over and kept nowhere; `guard` is held until it ends. The order names no file.
pub(super) fn hand_over(
    config: &Config,
    elsewhere: &BTreeMap<&'static str, Vec<u8>>,
    order: BackupOrder,
    ambient: &dyn Ambient,
    guard: impl Send + 'static,
) -> Result<OutgoingBackup, BackupFault> {
    let contents = take(config, elsewhere, order.keys, ambient)?;
    let name = name(&config.provider, contents.manifest.made, order.seal.is_some());
    Ok(outgoing::begin(contents, name, order.seal, guard))
}

/// The backups of `provider` in `folder`, the newest first.
pub(super) fn kept(folder: &Path, provider: &Provider) -> io::Result<Vec<KeptBackup>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(fault) => return Err(fault),
    };
    let mut kept = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Some((made, is_sealed)) = entry.file_name().to_str().and_then(|name| read_name(name, provider))
        else {
            continue;
        };
        kept.push(KeptBackup { file: entry.path(), octets: entry.metadata()?.len(), made, is_sealed });
    }
    kept.sort_by_key(|kept| std::cmp::Reverse(kept.made));
    Ok(kept)
}

/// Removes the oldest backups of `provider` in `folder`, so that `keep` are left, and what is left of one that was broken off.
/// Those that a clock has made which was ahead go first: they would push out every one that is made by the time as it is.
pub(super) fn prune(folder: &Path, provider: &Provider, keep: usize, now: Timestamp) -> io::Result<()> {
    let mut kept = kept(folder, provider)?;
    kept.sort_by_key(|one| one.made > now);
    for old in kept.into_iter().skip(keep) {
        fs::remove_file(old.file)?;
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let draft = name.to_str().and_then(|name| name.strip_suffix(DRAFT)?.strip_suffix('.'));
        if draft.is_some_and(|name| read_name(name, provider).is_some()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn make_folder(folder: &Path) -> io::Result<()> {
    // What is there may be somebody's who has chosen who else may look into it.
    if folder.is_dir() { Ok(()) } else { DataFolder::make(folder) }
}

/// The provider as a part of a file's name, on every system.
fn plain(provider: &Provider) -> String {
    provider.as_str().replace([':', '[', ']'], "-")
}

/// The name of a backup: whose it is, when it was made, and whether it is sealed.
fn name(provider: &Provider, made: Timestamp, is_sealed: bool) -> String {
    let time = made.to_string().replace('T', "_").replace([':', '.'], "-").replace('Z', "");
    format!("{}_{time}{}", plain(provider), if is_sealed { SEALED_ENDING } else { ENDING })
}

/// When a backup of that name was made, and whether it is sealed; none where it is no backup of `provider`.
fn read_name(name: &str, provider: &Provider) -> Option<(Timestamp, bool)> {
    let time = name.strip_prefix(&plain(provider))?.strip_prefix('_')?;
    let (time, is_sealed) = match time.strip_suffix(SEALED_ENDING) {
        Some(time) => (time, true),
        None => (time.strip_suffix(ENDING)?, false),
    };
    let (date, time) = time.split_once('_')?;
    let (seconds, millis) = time.rsplit_once('-')?;
    let made = format!("{date}T{}.{millis}Z", seconds.replace('-', ":")).parse().ok()?;
    Some((made, is_sealed))
}

fn require_room(folder: &Path, octets: u64, ambient: &dyn Ambient) -> Result<(), BackupFault> {
    let needed = octets + octets / 1000 + EXTRA;
    // Where that cannot be known, writing finds out.
    let known = if ambient.is_disk_full() { Some(0) } else { ambient.free_octets() };
    let free = known.or_else(|| fs4::available_space(folder).ok()).unwrap_or(u64::MAX);
    if free >= needed {
        return Ok(());
    }
    Err(BackupFault::NoRoom { folder: folder.to_owned(), needed: needed.div_ceil(1 << 20), free: free >> 20 })
}

/// Writes `contents` to the file `draft`, to the disk, and says how large it has become.
fn write(contents: Contents, draft: &Path, seal: Option<&Seal>) -> Result<u64, BackupFault> {
    let written = |fault| BackupFault::Write { path: draft.to_owned(), fault };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(draft).map_err(written)?;
    let steps = BufWriter::with_capacity(1 << 20, InSteps::begin(file).map_err(written)?);
    let mut sealed = Sealed::begin(steps, seal).map_err(written)?;
    archive::write(contents, draft, &mut sealed)?;
    let mut steps = sealed.finish().map_err(written)?;
    steps.flush().map_err(written)?;
    steps.get_mut().wait().map_err(written)?;
    let file = &steps.get_ref().file;
    file.sync_all().map_err(written)?;
    file.metadata().map(|found| found.len()).map_err(written)
}

/// A file that is brought to the disk step by step, by a thread beside who writes it.
struct InSteps {
    file: File,
    octets: usize,
    /// None once it was waited for.
    syncing: Option<Syncing>,
}

struct Syncing {
    /// Takes the next step once the one before is on the disk.
    due: SyncSender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl InSteps {
    fn begin(file: File) -> io::Result<Self> {
        let (due, told) = sync_channel(0);
        let synced = file.try_clone()?;
        let bring = move || told.iter().try_for_each(|()| synced.sync_data());
        let thread = std::thread::Builder::new().name("backup-sync".into()).spawn(bring)?;
        Ok(Self { file, octets: 0, syncing: Some(Syncing { due, thread }) })
    }

    /// Waits until the last step is on the disk.
    fn wait(&mut self) -> io::Result<()> {
        let Some(Syncing { due, thread }) = self.syncing.take() else { return Ok(()) };
        drop(due);
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread that brings it to the disk has failed")))
    }
}

impl Write for InSteps {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let written = self.file.write(octets)?;
        self.octets += written;
        if self.octets >= STEP {
            self.octets = 0;
            // Who takes no more steps has failed with the one before.
            if self.syncing.as_ref().is_some_and(|syncing| syncing.due.send(()).is_err()) {
                self.wait()?;
            }
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_backup_tells_whose_it_is_and_when_it_was_made() {
        let made: Timestamp = "2026-11-30T15:04:05.678Z".parse().unwrap();
        for provider in ["home.example", "home.example:8443", "[fd00::1]:8443", "192.168.1.2:8443"] {
            let provider: Provider = provider.parse().unwrap();
            for is_sealed in [false, true] {
                let name = name(&provider, made, is_sealed);
                assert!(!name.contains([':', '/', '\\', '[']), "{name}");
                assert_eq!(read_name(&name, &provider), Some((made, is_sealed)), "{name}");
                assert_eq!(read_name(&name, &"other.example".parse().unwrap()), None);
                assert_eq!(read_name(&format!("{name}.part"), &provider), None);
            }
        }
    }
}
