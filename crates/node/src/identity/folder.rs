//! The data folder: marked as one provider's, and held by one process at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use drawbridge_mtp::id::Provider;

/// The file that marks the folder; it holds our authority, and is locked while a node runs.
const MARK: &str = "provider";

/// A data folder that this process holds, until this is dropped.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _mark: File,
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
        match File::open(path.join(MARK)) {
            Ok(mark) => check_mark(path, mark, provider).map(|_| ()),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => check_empty(path),
            Err(fault) => Err(FolderFault::Io { path: path.to_owned(), fault }),
        }
    }

    /// Makes `path` the folder of `provider` where it is new or empty, and holds it.
    pub fn take(path: &Path, provider: &Provider) -> Result<Self, FolderFault> {
        let io = |fault| FolderFault::Io { path: path.to_owned(), fault };
        let mark_path = path.join(MARK);
        if !mark_path.exists() {
            check_empty(path)?;
            fs::create_dir_all(path).map_err(io)?;
            only_ours(path, 0o700).map_err(io)?;
            let mut mark = OpenOptions::new().write(true).create_new(true).open(&mark_path).map_err(io)?;
            writeln!(mark, "{provider}").and_then(|()| mark.sync_all()).map_err(io)?;
        }
        let mark = File::open(&mark_path).map_err(io)?;
        let mark = check_mark(path, mark, provider)?;
        Ok(Self { path: path.to_owned(), _mark: mark })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn check_mark(path: &Path, mut mark: File, provider: &Provider) -> Result<File, FolderFault> {
    let io = |fault| FolderFault::Io { path: path.to_owned(), fault };
    match mark.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(FolderFault::Held(path.to_owned())),
        Err(TryLockError::Error(fault)) => return Err(io(fault)),
    }
    let mut owner = String::new();
    mark.read_to_string(&mut owner).map_err(io)?;
    if owner.trim_end() != provider.as_str() {
        return Err(FolderFault::OfAnother { path: path.to_owned(), owner: owner.trim_end().to_owned() });
    }
    Ok(mark)
}

fn check_empty(path: &Path) -> Result<(), FolderFault> {
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

/// Writes a new file that nobody but us can read, whole or not at all.
pub(super) fn write_secret(path: &Path, content: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&draft, path)
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

    #[test]
    fn a_folder_with_other_things_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("letter.txt"), "dear").unwrap();
        assert!(matches!(DataFolder::take(dir.path(), &provider()), Err(FolderFault::Foreign(_))));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
