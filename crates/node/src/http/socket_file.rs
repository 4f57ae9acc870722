//! A socket in the file system, by which a proxy on this machine connects without a port.

use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Who may connect: the user that the node runs as, and its group, of which the proxy's user is made a member.
const MODE: u32 = 0o660;

/// A bound socket file, which is removed when it is dropped.
#[derive(Debug)]
pub(super) struct SocketFile {
    listener: UnixListener,
    file: Removed,
}

/// The same, where connections are taken from it.
pub(super) struct SocketListener {
    listener: tokio::net::UnixListener,
    _file: Removed,
}

/// A file that is removed when this is dropped.
#[derive(Debug)]
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl SocketFile {
    /// Binds the socket file `path`. One that a killed process has left is replaced. The error says in one sentence what to do.
    pub(super) fn bind(path: &Path) -> Result<Self, String> {
        make_way(path)?;
        let listener = UnixListener::bind(path).map_err(|fault| reason(path, &fault))?;
        let file = Removed(path.to_owned());
        let open = std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE));
        open.and_then(|()| listener.set_nonblocking(true)).map_err(|fault| reason(path, &fault))?;
        Ok(Self { listener, file })
    }

    pub(super) fn path(&self) -> &Path {
        &self.file.0
    }

    pub(super) fn into_listener(self) -> io::Result<SocketListener> {
        let listener = tokio::net::UnixListener::from_std(self.listener)?;
        Ok(SocketListener { listener, _file: self.file })
    }
}

impl SocketListener {
    pub(super) async fn accept(&self) -> io::Result<tokio::net::UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }
}

/// Removes a socket file at which nobody listens any more.
fn make_way(path: &Path) -> Result<(), String> {
    let there = match std::fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(fault) => return Err(reason(path, &fault)),
    };
    if !there.file_type().is_socket() {
        return Err("a file that is no socket is there; remove it, or choose another path".into());
    }
    match UnixStream::connect(path) {
        Err(fault) if fault.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(|fault| reason(path, &fault))
        }
        Err(fault) => Err(reason(path, &fault)),
        Ok(_) => Err("another program listens there; stop it, or choose another path".into()),
    }
}

fn reason(path: &Path, fault: &io::Error) -> String {
    let folder = path.parent().unwrap_or(Path::new("/")).display();
    match fault.kind() {
        io::ErrorKind::NotFound => {
            format!("its folder {folder} is not there; make it, or choose another path")
        }
        io::ErrorKind::PermissionDenied => {
            format!(
                "the system does not let us; give the user that this runs as the right to write in {folder}"
            )
        }
        io::ErrorKind::InvalidInput => "the path is too long for a socket; choose a shorter one".into(),
        _ => fault.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_for_its_user_and_group_and_gone_when_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mtp.sock");
        let bound = SocketFile::bind(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        UnixStream::connect(&path).unwrap();
        drop(bound);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_killed_process_has_left_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mtp.sock");
        // It is closed, and its file stays.
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let _bound = SocketFile::bind(&path).unwrap();
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn what_is_in_use_or_no_socket_is_left_alone_and_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mtp.sock");
        let first = SocketFile::bind(&path).unwrap();
        let fault = SocketFile::bind(&path).unwrap_err();
        assert!(fault.contains("another program listens there"), "{fault}");
        UnixStream::connect(&path).unwrap();
        drop(first);

        std::fs::write(&path, "mine").unwrap();
        let fault = SocketFile::bind(&path).unwrap_err();
        assert!(fault.contains("no socket"), "{fault}");
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");

        let fault = SocketFile::bind(&dir.path().join("absent/mtp.sock")).unwrap_err();
        assert!(fault.contains("absent is not there"), "{fault}");
        let fault = SocketFile::bind(&dir.path().join("x".repeat(200))).unwrap_err();
        assert!(fault.contains("too long"), "{fault}");
    }
}
