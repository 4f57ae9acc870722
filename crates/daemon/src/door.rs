//! Who may use the pages and the commands: a token that works once and is exchanged for a cookie, and one for scripts
//! of the same user, in a file that only that user can read.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use drawbridge_node::ambient::{Ambient, System};
use serde::{Deserialize, Serialize};

/// The file by which `drawbridged admin` finds the running node.
const FILE: &str = "admin.json";

/// What scripts need to speak to the running node.
#[derive(Serialize, Deserialize)]
pub(crate) struct Key {
    /// Where it listens.
    pub(crate) url: String,
    /// What it wants to be shown.
    pub(crate) token: String,
}

/// The tokens and sessions of a running node.
#[derive(Clone)]
pub(crate) struct Door {
    inner: Arc<Inner>,
}

struct Inner {
    url: String,
    /// Origins that the pages may be opened at.
    origins: Vec<String>,
    secure: bool,
    script: String,
    once: Mutex<Option<String>>,
    sessions: Mutex<HashSet<String>>,
}

impl Door {
    /// Makes the tokens, writes the file for scripts into `dir`, and returns the link to open.
    pub(crate) fn open(dir: &Path, address: SocketAddr, secure: bool) -> io::Result<(Self, String)> {
        let scheme = if secure { "https" } else { "http" };
        let url = format!("{scheme}://{address}");
        let origins = vec![url.clone(), format!("{scheme}://localhost:{}", address.port())];
        let script = token();
        let key = Key { url: url.clone(), token: script.clone() };
        write_private(&path(dir), &serde_json::to_vec(&key)?)?;
        let inner =
            Inner { url, origins, secure, script, once: Mutex::default(), sessions: Mutex::default() };
        let door = Self { inner: Arc::new(inner) };
        let link = door.link();
        Ok((door, link))
    }

    /// Removes the file for scripts.
    pub(crate) fn close(dir: &Path) {
        let _ = std::fs::remove_file(path(dir));
    }

    /// Whether the pages may be asked for under this `Host`.
    pub(crate) fn knows_host(&self, host: &str) -> bool {
        self.inner.origins.iter().any(|origin| origin.rsplit('/').next() == Some(host)) || self.inner.secure
    }

    /// Whether a page of this `Origin` may send commands.
    pub(crate) fn knows_origin(&self, origin: &str, host: &str) -> bool {
        let scheme = if self.inner.secure { "https" } else { "http" };
        self.knows_host(host) && origin == format!("{scheme}://{host}")
    }

    /// Whether a script shows the right token.
    pub(crate) fn admits_script(&self, shown: &str) -> bool {
        same(&self.inner.script, shown)
    }

    /// Whether a browser shows a session's cookie.
    pub(crate) fn admits_session(&self, shown: &str) -> bool {
        self.inner.sessions.lock().unwrap_or_else(PoisonError::into_inner).contains(shown)
    }

    /// A fresh link to open the pages with, in the place of the one before.
    pub(crate) fn link(&self) -> String {
        let once = token();
        let link = format!("{}/#token={once}", self.inner.url);
        *self.inner.once.lock().unwrap_or_else(PoisonError::into_inner) = Some(once);
        link
    }

    /// Exchanges the token that works once for a session's cookie.
    pub(crate) fn exchange(&self, shown: &str) -> Option<String> {
        let mut once = self.inner.once.lock().unwrap_or_else(PoisonError::into_inner);
        if !once.as_deref().is_some_and(|once| same(once, shown)) {
            return None;
        }
        *once = None;
        let session = token();
        self.inner.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(session.clone());
        Some(session)
    }

    /// Whether cookies are sent over TLS only.
    pub(crate) fn is_secure(&self) -> bool {
        self.inner.secure
    }
}

impl Key {
    /// Reads how to reach the node that runs in the folder `dir`.
    pub(crate) fn read(dir: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(path(dir))?)?)
    }
}

fn path(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

fn token() -> String {
    let mut octets = [0; 32];
    System.fill(&mut octets);
    BASE64_URL_SAFE_NO_PAD.encode(octets)
}

/// Compares without telling by the time it takes how much of it was right.
fn same(secret: &str, shown: &str) -> bool {
    let differences = secret.bytes().zip(shown.bytes()).fold(0, |seen, (one, other)| seen | (one ^ other));
    secret.len() == shown.len() && differences == 0
}

fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    io::Write::write_all(&mut options.open(path)?, content)
}
