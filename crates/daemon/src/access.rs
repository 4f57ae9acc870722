//! Who may use the pages and the commands: browsers, by a link that works once and is exchanged for a session, and scripts of
//! the same user, by a token in a file that only that user can read. A monitoring system has a token of its own, which opens
//! the metrics and nothing else.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drawbridge_admin::{Sessions, secret};
use drawbridge_node::config::Origin;
use drawbridge_node::identity::{Certificate, CertificateFacts, Fingerprint, write_secret};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

/// The file by which `drawbridged admin` finds the running node.
const FILE: &str = "admin.json";
/// The file with the token of monitoring systems. It stays from one start to the next, since it is in their configuration.
const METRICS_FILE: &str = "metrics-token";

/// What scripts need to speak to the running node.
#[derive(Serialize, Deserialize)]
pub(crate) struct ScriptAccess {
    /// Where it listens for them, always on the loopback network.
    pub(crate) url: String,
    /// What it wants to be shown.
    pub(crate) token: String,
}

/// Where a running node listens for browsers and for scripts.
pub(crate) struct Addresses {
    /// Where browsers connect to.
    pub(crate) pages: SocketAddr,
    /// The certificate that is shown there, where it is spoken with over TLS.
    pub(crate) certificate: Option<Arc<Certificate>>,
    /// Where scripts connect to, on the loopback network and without TLS.
    pub(crate) scripts: SocketAddr,
    /// Where else browsers open the pages, as by a proxy; the first one is what the printed link leads to.
    pub(crate) origins: Vec<Origin>,
}

/// The tokens and sessions of a running node.
#[derive(Clone)]
pub(crate) struct Access {
    inner: Arc<Inner>,
}

struct Inner {
    /// Where the printed link leads to.
    url: String,
    /// The certificate that is shown there, where that is one of this program.
    certificate: Option<Arc<Certificate>>,
    /// Origins that the pages may be opened at, of where they listen.
    origins: Vec<String>,
    /// Those that the operator has named besides.
    named: Vec<Origin>,
    secure: bool,
    script: String,
    metrics: String,
    sessions: Sessions,
}

impl Access {
    /// Makes the tokens, writes the file for scripts into `dir`, and returns the link to open.
    pub(crate) fn open(dir: &Path, addresses: &Addresses, sessions: Sessions) -> io::Result<(Self, String)> {
        let facts = addresses.certificate.as_ref().map(|own| own.facts());
        let (secure, port) = (facts.is_some(), addresses.pages.port());
        let scheme = if secure { "https" } else { "http" };
        let url = format!("{scheme}://{}", reached_at(addresses.pages, facts.as_ref()));
        let origins = vec![url.clone(), format!("{scheme}://localhost:{port}")];
        let script = secret(32);
        let key = ScriptAccess { url: format!("http://{}", addresses.scripts), token: script.clone() };
        write_secret(&path(dir), &serde_json::to_vec(&key)?)?;
        let metrics = metrics_token_in(dir)?;
        let named = addresses.origins.clone();
        let url = named.first().map_or(url, ToString::to_string);
        // A proxy has one of its own.
        let certificate = addresses.certificate.clone().filter(|_| named.is_empty());
        let inner = Inner { url, certificate, origins, named, secure, script, metrics, sessions };
        let access = Self { inner: Arc::new(inner) };
        let link = access.link();
        Ok((access, link))
    }

    /// Removes the file for scripts.
    pub(crate) fn close(dir: &Path) {
        let _ = std::fs::remove_file(path(dir));
    }

    /// Whether the pages may be asked for under this `Host`.
    pub(crate) fn allows_host(&self, host: &str) -> bool {
        self.is_own_host(host) || self.inner.named.iter().any(|origin| is_host_of(host, origin))
    }

    /// Whether a page of this `Origin` may send commands.
    pub(crate) fn allows_origin(&self, origin: &str, host: &str) -> bool {
        let scheme = if self.inner.secure { "https" } else { "http" };
        let is_own = self.is_own_host(host) && origin == format!("{scheme}://{host}");
        // A proxy may have put its own word in the place of `Host`.
        is_own || self.allows_host(host) && self.inner.named.iter().any(|named| named.as_str() == origin)
    }

    /// Whether this `Host` is where the pages listen. With TLS they listen under every name that the certificate is for.
    fn is_own_host(&self, host: &str) -> bool {
        self.inner.origins.iter().any(|origin| origin.rsplit('/').next() == Some(host)) || self.inner.secure
    }

    /// Whether a script shows the right token.
    pub(crate) fn is_script_token(&self, shown: &str) -> bool {
        // Does not tell by the time it takes how much of it was right.
        self.inner.script.as_bytes().ct_eq(shown.as_bytes()).into()
    }

    /// Whether a monitoring system shows the right token.
    pub(crate) fn is_metrics_token(&self, shown: &str) -> bool {
        self.inner.metrics.as_bytes().ct_eq(shown.as_bytes()).into()
    }

    /// The browsers that are let in.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.inner.sessions
    }

    /// A fresh link to open the pages with, in the place of the one before.
    pub(crate) fn link(&self) -> String {
        format!("{}/#token={}", self.inner.url, self.inner.sessions.fresh_link())
    }

    /// The fingerprint of the certificate that is shown where the link leads to; none where that is no certificate of this program.
    pub(crate) fn fingerprint(&self) -> Option<Fingerprint> {
        self.inner.certificate.as_ref().map(|certificate| certificate.facts().fingerprint)
    }

    /// Whether the cookie of a browser that asks from a page of `origin`, of the server `host`, is for TLS only.
    pub(crate) fn is_secure(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let is_it = |named: &Origin| match origin {
            Some(origin) => named.as_str() == origin,
            None => host.is_some_and(|host| is_host_of(host, named)),
        };
        self.inner.secure || self.inner.named.iter().any(|named| named.is_secure() && is_it(named))
    }
}

impl ScriptAccess {
    /// Reads how to reach the node that runs in the folder `dir`.
    pub(crate) fn read(dir: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(path(dir))?)?)
    }
}

/// Reads the token of monitoring systems for the node that keeps its files in `dir`.
pub(crate) fn read_metrics_token(dir: &Path) -> io::Result<String> {
    let token = std::fs::read_to_string(dir.join(METRICS_FILE))?.trim().to_owned();
    // Whoever shows nothing would be let in.
    if token.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(token) }
}

/// The token of monitoring systems, made where there is none.
fn metrics_token_in(dir: &Path) -> io::Result<String> {
    match read_metrics_token(dir) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
            let token = secret(32);
            write_secret(&dir.join(METRICS_FILE), format!("{token}\n").as_bytes())?;
            Ok(token)
        }
        read => read,
    }
}

/// Whether `host`, as the field `Host` has it, is the host and port of `origin`.
fn is_host_of(host: &str, origin: &Origin) -> bool {
    let own_port = if origin.is_secure() { ":443" } else { ":80" };
    host.strip_suffix(own_port).unwrap_or(host).eq_ignore_ascii_case(origin.host())
}

fn path(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

/// Where a browser reaches the pages: where they listen, unless that is every address, or none that the certificate is for.
fn reached_at(pages: SocketAddr, certificate: Option<&CertificateFacts>) -> String {
    let Some(certificate) = certificate else { return pages.to_string() };
    if !pages.ip().is_unspecified() && certificate.covers(&pages.ip().to_string()) {
        return pages.to_string();
    }
    match certificate.names.iter().find(|name| !name.starts_with('*')) {
        Some(name) if name.contains(':') => format!("[{name}]:{}", pages.port()),
        Some(name) => format!("{name}:{}", pages.port()),
        None => pages.to_string(),
    }
}
