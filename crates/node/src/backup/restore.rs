//! A backup put back: unpacked beside, and put in its place only once all of it was found to be whole.

#[cfg(unix)]
use std::fs::TryLockError;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use drawbridge_mtp::id::Provider;

use super::archive;
use super::contents;
use super::fault::RestoreFault;
use super::manifest::Manifest;
use super::seal::{self, Opener};
use crate::ground::config::{self, Config};
use crate::identity::{DataFolder, MARK, RESTORING};

/// What was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What the backup says of itself.
    pub manifest: Manifest,
    /// The data folder that it is in.
    pub data_dir: PathBuf,
    /// Whether the configuration is the backup's, since there was none.
    pub has_config: bool,
}

/// Looks at all of the backup `file`, and says what it says of itself; nothing is written.
pub fn look(file: &Path, opener: Option<&Opener>) -> Result<Manifest, RestoreFault> {
    archive::read(file, seal::open(file, read(file)?, opener)?, |_| Ok(None))
}

/// Puts back the backup `file`: the data folder of the configuration `config`, which has to be new or empty, and that
/// configuration itself, where it is not there or names no provider. What is put into a folder is for whom the folder belongs to.
///
/// A node that is started on it reads back from the others what is newer than the backup (section 12).
pub fn restore(file: &Path, opener: Option<&Opener>, config: &Path) -> Result<Restored, RestoreFault> {
    let has_config = config::unclaimed(config)?.is_some();
    let configured = if has_config { None } else { Some(Config::load(config)?) };
    let mut place = None;
    let from = seal::open(file, read(file)?, opener)?;
    let accepted = archive::read(file, from, |manifest| {
        let settings = match configured {
            Some(settings) => settings,
            None => {
                let none = || RestoreFault::NoConfig { backup: file.to_owned(), config: config.to_owned() };
                Config::read(manifest.config.as_deref().ok_or_else(none)?, config)?
            }
        };
        if settings.provider != manifest.provider {
            let (of, configured) = (manifest.provider.clone(), settings.provider);
            return Err(RestoreFault::OfAnother { path: file.to_owned(), of, configured });
        }
        Ok(Some(place.insert(Place::take(settings.data_dir)?).unpacked()))
    });
    let put = accepted.and_then(|manifest| {
        let Some(place) = &place else { return Ok(manifest) };
        place.put(&manifest)?;
        if let Some(text) = manifest.config.as_deref().filter(|_| has_config) {
            config::put(config, text, &place.data_dir).map_err(|fault| unwritten(config, fault))?;
        }
        place.finish(&manifest.provider)?;
        Ok(manifest)
    });
    match (put, place) {
        (Ok(manifest), Some(Place { data_dir, .. })) => Ok(Restored { manifest, data_dir, has_config }),
        (Ok(_), None) => Err(RestoreFault::NoBackup(file.to_owned())),
        (Err(fault), place) => {
            if let Some(place) = place {
                place.leave();
            }
            Err(fault)
        }
    }
}

/// The data folder while it is being filled.
struct Place {
    data_dir: PathBuf,
    /// Locked, so that no other restore takes what is being put there for what is left of one that was cut off.
    _held: Held,
    /// Whether it was made for this.
    is_new: bool,
}

impl Place {
    /// Makes the folder `data_dir` ready, which has nothing in it but what a restore left there that was cut off.
    fn take(data_dir: PathBuf) -> Result<Self, RestoreFault> {
        let is_new = !data_dir.exists();
        let held = hold(&data_dir)?;
        let place = Self { data_dir, _held: held, is_new };
        place.clear().map_err(|fault| unwritten(&place.data_dir, fault))?;
        let is_empty = |path: &Path| Ok(fs::read_dir(path)?.next().is_none());
        match is_empty(&place.data_dir) {
            Ok(true) => {}
            Ok(false) => return Err(RestoreFault::Occupied(place.data_dir)),
            Err(fault) if io::Error::kind(&fault) == io::ErrorKind::NotFound => {}
            Err(fault) => return Err(unwritten(&place.data_dir, fault)),
        }
        let made = DataFolder::make(&place.data_dir).and_then(|()| fs::create_dir(place.unpacked()));
        if let Err(fault) = made {
            place.leave();
            return Err(unwritten(&place.unpacked(), fault));
        }
        Ok(place)
    }

    /// Where the backup is unpacked. For as long as it is there, no node starts in the folder.
    fn unpacked(&self) -> PathBuf {
        self.data_dir.join(RESTORING)
    }

    /// Puts everything where it belongs.
    fn put(&self, manifest: &Manifest) -> Result<(), RestoreFault> {
        for part in &manifest.parts {
            let path = self.data_dir.join(&part.path);
            let put = || {
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder)?;
                }
                fs::rename(self.unpacked().join(&part.path), &path)
            };
            put().map_err(|fault| unwritten(&path, fault))?;
        }
        Ok(())
    }

    /// Lets a node of `provider` start in the folder.
    fn finish(&self, provider: &Provider) -> Result<(), RestoreFault> {
        let marked = DataFolder::mark_restored(&self.data_dir, provider);
        let given = marked.and_then(|()| DataFolder::give_to_owner(&self.data_dir));
        given.map_err(|fault| unwritten(&self.data_dir, fault))?;
        let unpacked = self.unpacked();
        fs::remove_dir_all(&unpacked).map_err(|fault| unwritten(&unpacked, fault))
    }

    /// Leaves the folder as it was found.
    fn leave(&self) {
        // What cannot be removed keeps a node from starting in it, and the next restore tries again.
        let _ = self.clear();
        if self.is_new {
            let _ = fs::remove_dir(&self.data_dir);
        }
    }

    /// Removes what a restore has put there that did not come to its end.
    fn clear(&self) -> io::Result<()> {
        if !self.unpacked().exists() {
            return Ok(());
        }
        for name in contents::names().chain([MARK]) {
            let path = self.data_dir.join(name);
            match fs::metadata(&path) {
                Ok(found) if found.is_dir() => fs::remove_dir_all(&path)?,
                Ok(_) => fs::remove_file(&path)?,
                Err(_) => {}
            }
        }
        fs::remove_dir_all(self.unpacked())
    }
}

/// A folder that is locked; on systems where a folder can be.
#[cfg(unix)]
type Held = File;
#[cfg(not(unix))]
type Held = ();

/// Locks the folder `path`, which is made where it is not there.
#[cfg(unix)]
fn hold(path: &Path) -> Result<Held, RestoreFault> {
    let opened = fs::create_dir_all(path).and_then(|()| File::open(path));
    let folder = opened.map_err(|fault| unwritten(path, fault))?;
    match folder.try_lock() {
        Ok(()) => Ok(folder),
        Err(TryLockError::WouldBlock) => Err(RestoreFault::Held(path.to_owned())),
        Err(TryLockError::Error(fault)) => Err(unwritten(path, fault)),
    }
}

#[cfg(not(unix))]
fn hold(_: &Path) -> Result<Held, RestoreFault> {
    Ok(())
}

fn read(file: &Path) -> Result<impl BufRead, RestoreFault> {
    let opened =
        File::open(file).map_err(|fault| RestoreFault::Unreadable { path: file.to_owned(), fault })?;
    Ok(BufReader::with_capacity(1 << 20, opened))
}

fn unwritten(path: &Path, fault: io::Error) -> RestoreFault {
    RestoreFault::Write { path: path.to_owned(), fault }
}
