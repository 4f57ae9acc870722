//! The data folder: marked as one provider's, held by one process at a time, and never filled up once it is in use.
//!
//! The mark's first line is the provider. Its second says what a crash would leave unsaid: `new` until everything of a
//! first start is there, `restored` until a backup that was put back was started on, and `open` while the store is, whose latest
//! changes are then in its log.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use drawbridge_mtp::id::Provider;

use crate::store;

/// The file that marks the folder; it holds our authority, and is locked while a node runs.
pub(crate) const MARK: &str = "provider";
/// The folder in it in which a backup is unpacked; while it is there, what is in the folder is not whole.
pub(crate) const RESTORING: &str = "restoring";
/// The signing key.
pub(super) const KEY_FILE: &str = "identity.key";
/// What a folder that is in use has, at least one octet of each.
const NEEDED: [&str; 2] = [KEY_FILE, store::FILE];

/// A data folder that this process holds, until this is dropped.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    provider: Provider,
    mark: File,
    is_new: bool,
    is_restored: bool,
}

/// What the second line of the mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A first start has not come to its end.
    New,
    /// It was put back from a backup, and not started since.
    Restored,
    /// The store is open, or was when the process or the machine was lost.
    Open,
    /// Stopped in order.
    Closed,
}

impl Stage {
    fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Restored => "restored",
            Self::Open => "open",
            Self::Closed => "",
        }
    }
}

/// Why a data folder cannot be used. Nothing in it has been changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderFault {
    /// It has files, but not our mark.
    #[error(
        "the data folder {0} holds something else than a Drawbridge node; name an empty or a new folder as data_dir"
    )]
    Foreign(PathBuf),
    /// It belongs to a node with another name.
    #[error(
        "the data folder {path} belongs to the provider {owner}; name another folder as data_dir, or set provider to that"
    )]
    OfAnother {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        owner: String,
    },
    /// It is in use, and something of it is gone.
    #[error(
        "{file} is missing, or empty, in a data folder that is in use: put it back from a backup with the rest of that time; \
         if it is lost for good, write \"new\" as the second line of {mark}, and it is made anew, which other providers \
         will take for trouble"
    )]
    Missing {
        /// The file.
        file: PathBuf,
        /// The mark.
        mark: PathBuf,
    },
    /// It has our files, but not the mark.
    #[error(
        "{file} is missing, or empty, beside the files of a Drawbridge node: if they are those of {provider}, write that \
         name into it as its one line"
    )]
    Unmarked {
        /// The mark.
        file: PathBuf,
        /// Who would use it.
        provider: Provider,
    },
    /// The store was not closed, and what it had yet to move into its file is gone.
    #[error(
        "{log} is missing: the node was not stopped in order, and its latest changes are in that file; put it back, or, if \
         it is lost for good, delete the line \"open\" from {mark} and see what other providers say of what is gone"
    )]
    LogMissing {
        /// The store's log.
        log: PathBuf,
        /// The mark.
        mark: PathBuf,
    },
    /// There are accounts' conversations, but not the key that they are sealed with.
    #[error(
        "{key} is missing, and without it {clients} cannot be read: put it back from a backup, or, if it is lost for good, \
         move {clients} away, and close and open the accounts anew under Accounts"
    )]
    ClientsKeyMissing {
        /// The key.
        key: PathBuf,
        /// The folder with what is sealed.
        clients: PathBuf,
    },
    /// A backup was being put back into it.
    #[error(
        "a backup was being restored into the data folder {0}, and that was broken off: restore it again, or remove the folder"
    )]
    Restoring(PathBuf),
    /// It belongs to another user than root, who runs us.
    #[error(
        "the folder {path} belongs to the user number {user}, who could not use what root writes there: run this as that user, or \
         start its service (systemctl start drawbridged)"
    )]
    OfAnotherUser {
        /// The folder.
        path: PathBuf,
        /// The number of the user whose it is.
        user: u32,
    },
    /// Another process has it.
    #[error("the data folder {0} is in use by another process; stop that one first")]
    Held(PathBuf),
    /// The system does not let us.
    #[error("the data folder {path} cannot be used: {fault}")]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why.
        fault: io::Error,
    },
}

impl DataFolder {
    /// Looks whether [`DataFolder::take`] would take `path` for `provider`, and changes nothing.
    pub fn check(path: &Path, provider: &Provider) -> Result<(), FolderFault> {
        check_restored(path)?;
        match File::open(path.join(MARK)) {
            Ok(mark) => {
                let (_, stage) = check_mark(path, mark, provider)?;
                check_whole(path, stage)
            }
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => check_empty(path, provider),
            Err(fault) => Err(FolderFault::Io { path: path.to_owned(), fault }),
        }
    }

    /// Looks whether what is written into `path` from now on is for whom the folder belongs to. What root writes is root's, and the
    /// service of another user would not start on it any more.
    pub fn check_user(path: &Path) -> Result<(), FolderFault> {
        match Self::user_beside_root(path) {
            Some((user, _)) => Err(FolderFault::OfAnotherUser { path: path.to_owned(), user }),
            None => Ok(()),
        }
    }

    /// The numbers of the user whom the folder `path` belongs to and of its group, where root runs us and it belongs to another one.
    pub fn user_beside_root(path: &Path) -> Option<(u32, u32)> {
        #[cfg(unix)]
        if rustix::process::geteuid().is_root() {
            use std::os::unix::fs::MetadataExt;
            let folder = fs::metadata(path).ok()?;
            return Some((folder.uid(), folder.gid())).filter(|(user, _)| *user != 0);
        }
        #[cfg(not(unix))]
        let _ = path;
        None
    }

    /// Makes `path` the folder of `provider` where it is new or empty, and holds it.
    pub fn take(path: &Path, provider: &Provider) -> Result<Self, FolderFault> {
        let io = |fault| FolderFault::Io { path: path.to_owned(), fault };
        check_restored(path)?;
        let mark_path = path.join(MARK);
        if !mark_path.exists() {
            check_empty(path, provider)?;
            Self::make(path).map_err(io)?;
            write_secret(&mark_path, text(provider, Stage::New).as_bytes()).map_err(io)?;
        }
        let mark = OpenOptions::new().read(true).write(true).open(&mark_path).map_err(io)?;
        let (mark, stage) = check_mark(path, mark, provider)?;
        check_whole(path, stage)?;
        let (is_new, is_restored) = (stage == Stage::New, stage == Stage::Restored);
        let mut folder =
            Self { path: path.to_owned(), provider: provider.clone(), mark, is_new, is_restored };
        if stage == Stage::Open {
            // Whoever opens the store may move its log into its file, also where the start comes to nothing after that.
            folder.note_closing()?;
        }
        Ok(folder)
    }

    /// Makes the folder `path`, which nobody but us can look into, where it is not there.
    pub(crate) fn make(path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)?;
        only_ours(path, 0o700)
    }

    /// Gives everything in the folder `path` to whom the folder itself belongs, where root has filled it for the user of a service.
    pub fn give_to_owner(path: &Path) -> io::Result<()> {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            Self::give_to_owner_of(path, &entry.path())?;
            if entry.file_type()?.is_dir() {
                Self::give_to_owner(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Gives `made`, and nothing in it, to whom the folder `path` belongs.
    pub(crate) fn give_to_owner_of(path: &Path, made: &Path) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, lchown};
            let owner = fs::metadata(path)?;
            if fs::symlink_metadata(made)?.uid() != owner.uid() {
                lchown(made, Some(owner.uid()), Some(owner.gid()))?;
            }
        }
        #[cfg(not(unix))]
        let _ = (path, made);
        Ok(())
    }

    /// Marks the folder `path`, into which a backup was put back, as that of `provider`.
    pub(crate) fn mark_restored(path: &Path, provider: &Provider) -> io::Result<()> {
        write_secret(&path.join(MARK), text(provider, Stage::Restored).as_bytes())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this is the folder's first start, which makes what is not there yet.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Whether this is the first start on a backup that was put back: the store is older than what others have been told.
    pub fn is_restored(&self) -> bool {
        self.is_restored
    }

    /// Notes that the store is open, and everything of a first start there.
    pub fn note_open(&mut self) -> Result<(), FolderFault> {
        self.note(Stage::Open)
    }

    /// Notes that the store is going to be closed in order. It is noted before: a process that is killed in between must
    /// not leave a folder that seems to have lost its log.
    pub fn note_closing(&mut self) -> Result<(), FolderFault> {
        self.note(Stage::Closed)
    }

    fn note(&mut self, stage: Stage) -> Result<(), FolderFault> {
        let text = text(&self.provider, stage);
        // In place, since the lock is on this very file; the first line stays as it is at every instant.
        let mut write = || {
            self.mark.seek(SeekFrom::Start(0))?;
            self.mark.write_all(text.as_bytes())?;
            self.mark.set_len(text.len() as u64)?;
            self.mark.sync_all()
        };
        write().map_err(|fault| FolderFault::Io { path: self.path.join(MARK), fault })
    }
}

fn text(provider: &Provider, stage: Stage) -> String {
    match stage {
        Stage::Closed => format!("{provider}\n"),
        stage => format!("{provider}\n{}\n", stage.word()),
    }
}

/// Looks whether no restore of a backup was broken off in the folder.
fn check_restored(path: &Path) -> Result<(), FolderFault> {
    if path.join(RESTORING).exists() { Err(FolderFault::Restoring(path.to_owned())) } else { Ok(()) }
}

/// Locks the mark and reads it.
fn check_mark(path: &Path, mut mark: File, provider: &Provider) -> Result<(File, Stage), FolderFault> {
    let io = |fault| FolderFault::Io { path: path.to_owned(), fault };
    match mark.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(FolderFault::Held(path.to_owned())),
        Err(TryLockError::Error(fault)) => return Err(io(fault)),
    }
    let mut said = String::new();
    mark.read_to_string(&mut said).map_err(io)?;
    let mut lines = said.lines().map(str::trim_end);
    let owner = lines.next().unwrap_or_default();
    if owner.is_empty() {
        return Err(FolderFault::Unmarked { file: path.join(MARK), provider: provider.clone() });
    }
    if owner != provider.as_str() {
        return Err(FolderFault::OfAnother { path: path.to_owned(), owner: owner.to_owned() });
    }
    let stage = lines.next().unwrap_or_default();
    let stage = [Stage::New, Stage::Restored, Stage::Open].into_iter().find(|one| one.word() == stage);
    Ok((mark, stage.unwrap_or(Stage::Closed)))
}

/// Looks whether everything is there that a folder in use has.
fn check_whole(path: &Path, stage: Stage) -> Result<(), FolderFault> {
    if stage == Stage::New {
        return Ok(());
    }
    for name in NEEDED {
        let file = path.join(name);
        if fs::metadata(&file).map_or(0, |found| found.len()) == 0 {
            return Err(FolderFault::Missing { file, mark: path.join(MARK) });
        }
    }
    let log = path.join(store::LOG_FILE);
    if stage == Stage::Open && !log.exists() {
        return Err(FolderFault::LogMissing { log, mark: path.join(MARK) });
    }
    let (clients, key) = (path.join("clients"), path.join("clients.key"));
    let is_there = |file: &Path| fs::metadata(file).is_ok_and(|found| found.len() > 0);
    if !is_there(&key) && !path.join("clients.keychain").exists() && has_stores(&clients) {
        return Err(FolderFault::ClientsKeyMissing { key, clients });
    }
    Ok(())
}

/// Whether accounts that are used on this computer have their files in `clients`.
fn has_stores(clients: &Path) -> bool {
    let mut files = fs::read_dir(clients).into_iter().flatten().flatten();
    files.any(|file| file.path().extension().is_some_and(|extension| extension == "sqlite"))
}

fn check_empty(path: &Path, provider: &Provider) -> Result<(), FolderFault> {
    if NEEDED.iter().any(|name| path.join(name).exists()) {
        return Err(FolderFault::Unmarked { file: path.join(MARK), provider: provider.clone() });
    }
    match fs::read_dir(path) {
        Ok(mut entries) => match entries.next() {
            Some(_) => Err(FolderFault::Foreign(path.to_owned())),
            None => Ok(()),
        },
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(fault) => Err(FolderFault::Io { path: path.to_owned(), fault }),
    }
}

/// Lets nobody but us read `path`.
pub(super) fn only_ours(path: &Path, mode: u32) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
    Ok(())
}

/// Writes the file `path`, which nobody but us can read, whole or not at all. Once this returns, it is there also where the machine is lost.
pub fn write_secret(path: &Path, content: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    // What is left of one that was broken off, or a link that somebody has put there for us to follow.
    match fs::remove_file(&draft) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    let written =
        file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&draft, path));
    if let Err(fault) = written {
        let _ = fs::remove_file(&draft);
        return Err(fault);
    }
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider() -> Provider {
        "home.example".parse().unwrap()
    }

    #[test]
    fn a_folder_is_held_by_one_and_belongs_to_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        DataFolder::check(&path, &provider()).unwrap();
        assert!(!path.exists(), "looking changes nothing");
        let held = DataFolder::take(&path, &provider()).unwrap();
        assert!(matches!(DataFolder::take(&path, &provider()), Err(FolderFault::Held(_))));
        drop(held);
        let other = "other.example".parse().unwrap();
        assert!(matches!(DataFolder::take(&path, &other), Err(FolderFault::OfAnother { .. })));
        DataFolder::take(&path, &provider()).unwrap();
    }

    /// A folder as it is after a first start that went well.
    fn in_use(path: &Path) {
        let mut folder = DataFolder::take(path, &provider()).unwrap();
        assert!(folder.is_new());
        for name in NEEDED.into_iter().chain([store::LOG_FILE]) {
            fs::write(path.join(name), "something").unwrap();
        }
        folder.note_open().unwrap();
    }

    fn refusal(path: &Path) -> FolderFault {
        let said = DataFolder::check(path, &provider()).expect_err("something is missing");
        let again = DataFolder::take(path, &provider()).expect_err("something is missing");
        assert_eq!(said.to_string(), again.to_string());
        said
    }

    #[test]
    fn a_folder_in_use_is_never_filled_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        in_use(path);
        assert!(!DataFolder::take(path, &provider()).unwrap().is_new());
        for name in NEEDED {
            let file = path.join(name);
            let spoils: [fn(&Path); 2] =
                [|file| fs::write(file, "").unwrap(), |file| fs::remove_file(file).unwrap()];
            for spoil in spoils {
                spoil(&file);
                let said = refusal(path);
                assert!(
                    matches!(&said, FolderFault::Missing { file: named, .. } if *named == file),
                    "{said}"
                );
            }
            fs::write(&file, "something").unwrap();
        }
        fs::create_dir(path.join("clients")).unwrap();
        fs::write(path.join("clients/ann.sqlite"), "sealed").unwrap();
        assert!(matches!(refusal(path), FolderFault::ClientsKeyMissing { .. }));
        fs::write(path.join("clients.key"), [7; 32]).unwrap();
        DataFolder::check(path, &provider()).unwrap();

        fs::remove_file(path.join(MARK)).unwrap();
        assert!(matches!(refusal(path), FolderFault::Unmarked { .. }));
        fs::write(path.join(MARK), "").unwrap();
        assert!(matches!(refusal(path), FolderFault::Unmarked { .. }));
        // As an older version writes it.
        fs::write(path.join(MARK), "home.example\n").unwrap();
        DataFolder::check(path, &provider()).unwrap();
    }

    #[test]
    fn a_log_may_be_absent_only_after_a_stop_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        in_use(path);
        fs::remove_file(path.join(store::LOG_FILE)).unwrap();
        assert!(matches!(refusal(path), FolderFault::LogMissing { .. }));
        fs::write(path.join(store::LOG_FILE), "").unwrap();
        DataFolder::take(path, &provider()).unwrap().note_open().unwrap();
        DataFolder::check(path, &provider()).unwrap();
        DataFolder::take(path, &provider()).unwrap().note_closing().unwrap();
        fs::remove_file(path.join(store::LOG_FILE)).unwrap();
        DataFolder::take(path, &provider()).unwrap();
        assert_eq!(fs::read_to_string(path.join(MARK)).unwrap(), "home.example\n");
    }

    #[test]
    fn a_first_start_that_was_cut_off_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        drop(DataFolder::take(dir.path(), &provider()).unwrap());
        fs::write(dir.path().join(KEY_FILE), "something").unwrap();
        assert!(DataFolder::take(dir.path(), &provider()).unwrap().is_new());
    }

    #[test]
    fn a_folder_with_other_things_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("letter.txt"), "dear").unwrap();
        assert!(matches!(DataFolder::take(dir.path(), &provider()), Err(FolderFault::Foreign(_))));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
