//! The file that a configuration is put into, where there is none yet.

use std::fs;
use std::io;
use std::path::Path;

use super::fault::ConfigFault;
use crate::identity::{DataFolder, write_secret};

/// What is set in the file `path`, where that names no provider: it is absent, which is as one in which nothing is set, or it is as a
/// package brings it. `None` where it is a provider's.
pub fn unclaimed(path: &Path) -> Result<Option<toml::Table>, ConfigFault> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => String::new(),
        Err(fault) => return Err(ConfigFault::Unreadable { path: path.to_owned(), fault }),
    };
    // What is no TOML is somebody's, and whoever loads it says what is wrong.
    let set: Option<toml::Table> = toml::from_str(&text).ok();
    Ok(set.filter(|set| !set.contains_key("provider")))
}

/// Writes `text` as the configuration file `path`: for whom the file is that is there; where none is, for us, and where root puts it, also
/// for the group of the data folder `data_dir` to read, as a package has it.
pub fn put(path: &Path, text: &str, data_dir: &Path) -> io::Result<()> {
    let before = fs::metadata(path);
    write_secret(path, text.as_bytes())?;
    #[cfg(unix)]
    if let Ok(before) = before {
        use std::os::unix::fs::MetadataExt;
        std::os::unix::fs::chown(path, Some(before.uid()), Some(before.gid()))?;
        fs::set_permissions(path, before.permissions())?;
    } else if let Some((_, group)) = DataFolder::user_beside_root(data_dir) {
        use std::os::unix::fs::PermissionsExt;
        std::os::unix::fs::chown(path, None, Some(group))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o640))?;
    }
    #[cfg(not(unix))]
    let _ = before;
    Ok(())
}
