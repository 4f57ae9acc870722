//! Every setting of a node, its default and its check.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use drawbridge_mtp::document::Endpoint;
use drawbridge_mtp::id::{Host, Provider};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::recipient::Recipient;

/// A node's settings, as its configuration file has them.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Our authority.
    #[serde(deserialize_with = "from_text", serialize_with = "as_text")]
    pub provider: Provider,
    /// The folder with our key and our store. Made where it is absent.
    pub data_dir: PathBuf,
    /// The server for other providers.
    pub mtp: MtpConfig,
    /// The server for our users' clients; none where absent.
    pub client: Option<ListenConfig>,
    /// The server for the operator's GUI and scripts; none where absent.
    pub admin: Option<ListenConfig>,
    /// Which lines the log has, such as `info` or `warn,drawbridge_node=debug`; warnings where absent. `RUST_LOG` goes before
    /// it. Read by the program, not by the node.
    pub log: Option<String>,
    /// How the lines of the log are written. Read by the program, not by the node.
    #[serde(default)]
    pub log_format: LogFormat,
    /// Has a certificate for other providers got by ACME (RFC 8555), in the place of files; none where absent.
    pub acme: Option<AcmeConfig>,
    /// How other providers are met.
    #[serde(default)]
    pub peers: PeersConfig,
    /// What is given away at most.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// What is kept of the requests between us and peers.
    #[serde(default)]
    pub traffic: TrafficConfig,
    /// Backups that are made by themselves.
    #[serde(default)]
    pub backup: BackupConfig,
    /// The file that it was read from; none where it was put together by a program.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

/// How the lines of the log are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people, with colours on a terminal.
    #[default]
    Text,
    /// A JSON object on each line.
    Json,
}

/// The server for other providers.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MtpConfig {
    /// Where to listen.
    #[serde(deserialize_with = "from_plain_text", serialize_with = "as_text")]
    pub listen: ListenAddress,
    /// Whether a proxy on this machine ends TLS: what listens here speaks HTTP without it then, to this machine alone.
    #[serde(default)]
    pub behind_proxy: bool,
    /// Whose word on the address that a request comes from is believed, besides that of whoever connects by a socket file.
    /// Absent: this machine's. Only for `behind_proxy`.
    #[serde(default, deserialize_with = "some_networks", serialize_with = "some_as_text")]
    pub trusted_proxies: Option<Vec<IpNet>>,
    /// Certificate chain, PEM. Absent: a self-signed one is made on first start.
    pub tls_cert: Option<PathBuf>,
    /// Its key, PEM.
    pub tls_key: Option<PathBuf>,
    /// Where others reach us. Absent: `https://{provider}/mtp/v1`.
    #[serde(default, deserialize_with = "optional_from_text", serialize_with = "optional_as_text")]
    pub endpoint: Option<Endpoint>,
}

/// Where the server for other providers listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// On an address, at a port.
    Ip(SocketAddr),
    /// On a socket in the file system, written `unix:` and its path.
    SocketFile(PathBuf),
}

impl ListenAddress {
    /// Address and port, unless it is a socket file.
    pub fn ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::SocketFile(_) => None,
        }
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    /// The error is one sentence.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix(SOCKET_FILE) {
            Some("") => {
                Err(format!("{text:?} is no place to listen: behind unix: is the path of a socket file"))
            }
            Some(path) => Ok(Self::SocketFile(path.into())),
            None => listen_address(text).map(Self::Ip),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::SocketFile(path) => write!(f, "{SOCKET_FILE}{}", path.display()),
        }
    }
}

/// What the path of a socket file is written behind.
const SOCKET_FILE: &str = "unix:";

/// A certificate for other providers that is got by ACME, and renewed.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AcmeConfig {
    /// Whether the operator agrees to the directory's terms of service. Nothing is asked of it otherwise.
    #[serde(default)]
    pub agree_terms: bool,
    /// Who issues the certificate.
    #[serde(default, deserialize_with = "from_text", serialize_with = "as_text")]
    pub directory: AcmeDirectory,
    /// The operator's address for mail from the directory; none where absent.
    #[serde(default, deserialize_with = "optional_from_text", serialize_with = "optional_as_text")]
    pub contact: Option<AcmeContact>,
    /// How the directory sees that the name is ours.
    #[serde(default)]
    pub challenge: AcmeChallenge,
    /// Where the directory's requests for `http-01` come: from elsewhere they are to port 80 always.
    #[serde(default = "http_port", deserialize_with = "listen_from_text")]
    pub http_listen: SocketAddr,
    /// The program that sets and clears a record in the DNS for `dns-01`. It is called with `set` or `clear`, the record's name and
    /// its value.
    pub dns_command: Option<PathBuf>,
    /// Certificates, PEM, by which the directory itself is trusted besides the system's.
    pub extra_roots: Option<PathBuf>,
}

impl Default for AcmeConfig {
    fn default() -> Self {
        Self {
            agree_terms: false,
            directory: AcmeDirectory::default(),
            contact: None,
            challenge: AcmeChallenge::default(),
            http_listen: http_port(),
            dns_command: None,
            extra_roots: None,
        }
    }
}

fn http_port() -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], 80))
}

/// How a directory sees that a name is ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum AcmeChallenge {
    /// By a TLS handshake with `[mtp] listen`, which it reaches at port 443 (RFC 8737).
    #[default]
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
    /// By a request to port 80 (RFC 8555, section 8.3).
    #[serde(rename = "http-01")]
    Http01,
    /// By a record in the DNS, which needs no port (RFC 8555, section 8.4).
    #[serde(rename = "dns-01")]
    Dns01,
}

impl AcmeChallenge {
    /// Its name in ACME.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TlsAlpn01 => "tls-alpn-01",
            Self::Http01 => "http-01",
            Self::Dns01 => "dns-01",
        }
    }
}

/// Who issues certificates by ACME: the word `letsencrypt` or `staging`, or the URL of another directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AcmeDirectory {
    /// Let's Encrypt.
    #[default]
    LetsEncrypt,
    /// Let's Encrypt for trying it out: its certificates are trusted by nobody, and its limits are wide.
    Staging,
    /// An `https` URL.
    Url(String),
}

impl AcmeDirectory {
    /// Its URL.
    pub fn url(&self) -> &str {
        match self {
            Self::LetsEncrypt => "https://acme-v02.api.letsencrypt.org/directory",
            Self::Staging => "https://acme-staging-v02.api.letsencrypt.org/directory",
            Self::Url(url) => url,
        }
    }
}

impl fmt::Display for AcmeDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LetsEncrypt => "letsencrypt",
            Self::Staging => "staging",
            Self::Url(url) => url,
        })
    }
}

impl FromStr for AcmeDirectory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "letsencrypt" => return Ok(Self::LetsEncrypt),
            "staging" => return Ok(Self::Staging),
            _ => {}
        }
        let url: Option<http::Uri> = text.parse().ok();
        let is_https = |url: &http::Uri| url.scheme_str() == Some("https") && url.host().is_some();
        match url {
            Some(url) if is_https(&url) => Ok(Self::Url(text.to_owned())),
            _ => Err("it is letsencrypt, staging or the https URL of another ACME directory".into()),
        }
    }
}

/// An address for mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeContact(String);

impl fmt::Display for AcmeContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AcmeContact {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let address = text.strip_prefix("mailto:").unwrap_or(text);
        // A directory refuses what is no address; what has another meaning in a mailto: URL must not come there.
        let is_plain = |character: char| character.is_ascii_graphic() && !"?&#%,<>\"\\".contains(character);
        match address.split_once('@') {
            Some((name, host))
                if !name.is_empty()
                    && host.contains('.')
                    && !host.contains('@')
                    && address.chars().all(is_plain) =>
            {
                Ok(Self(address.to_owned()))
            }
            _ => Err("it is one address for mail, as in operator@home.example"),
        }
    }
}

/// A server on this machine, or with TLS anywhere.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ListenConfig {
    /// Address and port to listen on.
    #[serde(deserialize_with = "listen_from_text")]
    pub listen: SocketAddr,
    /// Certificate chain, PEM. Needed where `listen` is not on the loopback network.
    pub tls_cert: Option<PathBuf>,
    /// Its key, PEM.
    pub tls_key: Option<PathBuf>,
    /// Where browsers open the pages besides where this listens, as by a proxy or a tunnel. Of `[admin]` alone.
    #[serde(default, deserialize_with = "all_from_text", serialize_with = "all_as_text")]
    pub origins: Vec<Origin>,
}

/// Where a browser opens pages: a scheme, a host, and a port where it is not the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    is_secure: bool,
}

impl Origin {
    /// As a browser writes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is spoken with over TLS.
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Host and port, as in the field `Host`: without a port that is the scheme's own.
    pub fn host(&self) -> &str {
        self.text.split_once("://").map_or("", |(_, host)| host)
    }
}

impl FromStr for Origin {
    type Err = String;

    /// The error is one sentence.
    fn from_str(text: &str) -> Result<Self, String> {
        let not = |why: &str| {
            format!(
                "{text:?} is no origin: {why}, as in https://drawbridge.home.example or http://localhost:9999"
            )
        };
        let uri: http::Uri = text.parse().map_err(|_| not("it is https://, a host and maybe a port"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(not("it begins with https:// or http://"));
        };
        let is_secure = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(not("it begins with https:// or http://")),
        };
        if uri.path_and_query().is_some_and(|rest| rest.as_str() != "/")
            || text.ends_with('/')
            || text.contains('#')
        {
            return Err(not("nothing comes behind the host and the port"));
        }
        let (host, port) = (authority.host().to_ascii_lowercase(), authority.port_u16());
        // Without a name before the host, and with a port that is one.
        let written = port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        if host.is_empty() || !authority.as_str().eq_ignore_ascii_case(&written) {
            return Err(not("it is https://, a host and maybe a port"));
        }
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        if !is_secure && !is_here {
            return Err(not("without TLS only localhost and addresses of the loopback network are opened"));
        }
        let port = port.filter(|port| *port != if is_secure { 443 } else { 80 });
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self { text: format!("{scheme}://{host}{port}"), is_secure })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How other providers are met.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeersConfig {
    /// How strangers become peers, until the operator chooses another way in the GUI.
    pub strangers: Strangers,
    /// Private networks that peers may be on.
    #[serde(deserialize_with = "networks", serialize_with = "all_as_text")]
    pub allow_networks: Vec<IpNet>,
    /// Certificates, PEM, trusted besides the system's.
    pub extra_roots: Option<PathBuf>,
    /// Whether a peer that is let in may have us look at it, to find out how others see it (`docs/checks.md`).
    pub look_back: bool,
    /// Whether peers are told how far an event of a group is that they are told of (`docs/traces.md`).
    pub tell_traces: bool,
}

/// How strangers become peers (section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strangers {
    /// A stranger waits until the operator has approved it.
    #[default]
    Ask,
    /// A stranger is let in as soon as it introduces itself.
    Open,
    /// Only providers that the operator has added are spoken with.
    Listed,
}

/// What is given away at most.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Providers that may wait for a decision at one time.
    pub pending_peers: u64,
    /// Days after which a provider that waits is forgotten.
    pub pending_days: u32,
    /// Requests a second from one address that name no allowed peer.
    pub stranger_requests: u32,
    /// Requests a second of one peer; four times as many of one address in the name of allowed peers.
    pub peer_requests: u32,
    /// Requests for connections, and connections, of the users of one peer that are kept; and as many authorizations.
    pub peer_connections: u64,
    /// Connections from other providers at one time.
    pub open_connections: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            pending_peers: 1000,
            pending_days: 14,
            stranger_requests: 100,
            peer_requests: 1000,
            peer_connections: 10_000,
            open_connections: 4096,
        }
    }
}

/// What is kept of the requests between us and peers, on disk and over restarts. Where one of them is 0, nothing is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrafficConfig {
    /// Requests.
    pub keep_requests: u32,
    /// MiB that they take.
    pub keep_mib: u32,
}

impl Default for TrafficConfig {
    fn default() -> Self {
        Self { keep_requests: 100_000, keep_mib: 64 }
    }
}

/// Where backups are kept, and when they are made by themselves.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackupConfig {
    /// The folder that they are kept in. Absent: `backups` in the data folder.
    pub folder: Option<PathBuf>,
    /// Hours from one to the next. With 0 none is made by itself.
    pub every_hours: u32,
    /// So many are kept there; the oldest are removed once another was made.
    pub keep: u32,
    /// Who can open them. Absent: everybody who has the file.
    pub recipient: Option<Recipient>,
    /// Whether they have the keys.
    pub keys: bool,
}

impl Default for BackupConfig {
    fn default() -> Self {
        Self { folder: None, every_hours: 0, keep: 7, recipient: None, keys: true }
    }
}

impl BackupConfig {
    /// The folder that backups are kept in.
    pub fn folder(&self, data_dir: &Path) -> PathBuf {
        self.folder.clone().unwrap_or_else(|| data_dir.join("backups"))
    }
}

/// Why a configuration cannot be used. The text is one sentence that names the place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigFault {
    /// The file cannot be read.
    #[error("the configuration {path} cannot be read: {fault}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: std::io::Error,
    },
    /// It is not TOML, has an unknown key, or a value of the wrong kind.
    #[error("the configuration {path}{place} is wrong: {reason}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// ` in line N`, where that is known.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// Values do not go together.
    #[error("the configuration is wrong: {0}")]
    Unfit(String),
}

impl ListenConfig {
    /// Without TLS, at `listen` on the loopback network.
    pub fn plain(listen: SocketAddr) -> Self {
        Self { listen, tls_cert: None, tls_key: None, origins: Vec::new() }
    }
}

impl Config {
    /// The settings of `provider`, which keeps its data in `data_dir` and listens to other providers at `listen`. All else has its
    /// default.
    pub fn new(provider: Provider, data_dir: PathBuf, listen: SocketAddr) -> Self {
        Self {
            provider,
            data_dir,
            mtp: MtpConfig {
                listen: listen.into(),
                behind_proxy: false,
                trusted_proxies: None,
                tls_cert: None,
                tls_key: None,
                endpoint: None,
            },
            client: None,
            admin: None,
            log: None,
            log_format: LogFormat::default(),
            acme: None,
            peers: PeersConfig::default(),
            limits: LimitsConfig::default(),
            traffic: TrafficConfig::default(),
            backup: BackupConfig::default(),
            file: None,
        }
    }

    /// The text of a file that [`Config::load`] reads as this.
    ///
    /// # Errors
    ///
    /// A path is not UTF-8.
    pub fn to_toml(&self) -> Result<String, ConfigFault> {
        toml::to_string(self).map_err(|fault| ConfigFault::Unfit(format!("it cannot be written: {fault}")))
    }

    /// Reads and checks the file `path`. Paths in it are relative to its folder.
    pub fn load(path: &Path) -> Result<Self, ConfigFault> {
        let text = std::fs::read_to_string(path)
            .map_err(|fault| ConfigFault::Unreadable { path: path.to_owned(), fault })?;
        Self::read(&text, path)
    }

    /// Reads and checks `text`, which the file `path` has or is to have.
    pub fn read(text: &str, path: &Path) -> Result<Self, ConfigFault> {
        let mut config: Self = toml::from_str(text).map_err(|fault| ConfigFault::Wrong {
            path: path.to_owned(),
            // What is missing in the file as a whole is missing in no line of it.
            place: fault
                .span()
                .filter(|span| span.start > 0 || !fault.message().starts_with("missing field"))
                .map(|span| {
                    format!(" in line {}", text[..span.start.min(text.len())].matches('\n').count() + 1)
                })
                .unwrap_or_default(),
            reason: fault.message().replace('\n', " "),
        })?;
        config.relative_to(path.parent().unwrap_or(Path::new("")));
        config.file = Some(path.to_owned());
        config.check()?;
        Ok(config)
    }

    /// Where others reach us.
    pub fn endpoint(&self) -> Result<Endpoint, ConfigFault> {
        match &self.mtp.endpoint {
            Some(endpoint) => Ok(endpoint.clone()),
            None => format!("https://{}/mtp/v1", self.provider)
                .parse()
                .map_err(|fault| ConfigFault::Unfit(format!("provider makes no endpoint: {fault}"))),
        }
    }

    /// Checks what one value alone does not show.
    pub fn check(&self) -> Result<(), ConfigFault> {
        let has_files = pair("mtp", &self.mtp.tls_cert, &self.mtp.tls_key)?;
        self.mtp.check_proxy()?;
        if let Some(acme) = &self.acme {
            self.check_acme(acme, has_files)?;
        }
        if self.client.as_ref().is_some_and(|client| !client.origins.is_empty()) {
            return Err(ConfigFault::Unfit("origins is for [admin], and [client] serves no pages".into()));
        }
        for (section, server) in [("client", &self.client), ("admin", &self.admin)] {
            let Some(server) = server else { continue };
            let tls = pair(section, &server.tls_cert, &server.tls_key)?;
            if !tls && !server.listen.ip().is_loopback() {
                return Err(ConfigFault::Unfit(format!(
                    "[{section}] listen = \"{}\" is reachable from other machines and needs tls_cert and tls_key, \
                     or an address of the loopback network such as 127.0.0.1",
                    server.listen
                )));
            }
        }
        let LimitsConfig {
            pending_peers,
            pending_days,
            stranger_requests,
            peer_requests,
            peer_connections,
            open_connections,
        } = self.limits;
        let limits = [
            ("pending_peers", pending_peers),
            ("pending_days", pending_days.into()),
            ("stranger_requests", stranger_requests.into()),
            ("peer_requests", peer_requests.into()),
            ("peer_connections", peer_connections),
            ("open_connections", open_connections.into()),
        ];
        if let Some((name, _)) = limits.into_iter().find(|(_, limit)| *limit == 0) {
            return Err(ConfigFault::Unfit(format!(
                "[limits] {name} = 0 would let nobody in; it is at least 1"
            )));
        }
        if self.backup.keep == 0 {
            let text = "[backup] keep = 0 would remove each backup as soon as it is made; it is at least 1";
            return Err(ConfigFault::Unfit(text.to_owned()));
        }
        self.endpoint().map(|_| ())
    }

    fn check_acme(&self, acme: &AcmeConfig, has_files: bool) -> Result<(), ConfigFault> {
        let unfit = |text: String| Err(ConfigFault::Unfit(text));
        if has_files {
            return unfit(
                "[acme] gets the certificate that [mtp] tls_cert and tls_key name too; take the one or the other out"
                    .into(),
            );
        }
        if self.mtp.behind_proxy {
            let text = "[acme] gets a certificate that nobody would be shown, since with [mtp] behind_proxy = true the proxy has it; \
                        take [acme] out, and let the proxy get one";
            return unfit(text.into());
        }
        if !acme.agree_terms {
            let terms = match acme.directory {
                AcmeDirectory::LetsEncrypt | AcmeDirectory::Staging => {
                    "those of Let's Encrypt, https://letsencrypt.org/repository/"
                }
                AcmeDirectory::Url(_) => "those that the directory names",
            };
            return unfit(format!(
                "[acme] asks for a certificate only where you agree to the terms of service; read {terms}, and write \
                 agree_terms = true"
            ));
        }
        if acme.challenge == AcmeChallenge::Dns01 {
            if acme.dns_command.is_none() {
                return unfit(
                    "[acme] challenge = \"dns-01\" needs dns_command, a program that sets a record in the DNS".into(),
                );
            }
            let endpoint = self.endpoint()?;
            let hosts = [self.provider.host(), endpoint.host()];
            if let Some(address) = hosts.into_iter().find(|host| !matches!(host, Host::Dns(_))) {
                return unfit(format!(
                    "[acme] challenge = \"dns-01\" proves a name and no address such as {address:?}; choose \
                     tls-alpn-01 or http-01"
                ));
            }
        }
        Ok(())
    }

    fn relative_to(&mut self, folder: &Path) {
        let listeners = [&mut self.client, &mut self.admin].into_iter().flatten();
        let files = listeners.flat_map(|server| [&mut server.tls_cert, &mut server.tls_key]);
        let files = files.chain([&mut self.mtp.tls_cert, &mut self.mtp.tls_key, &mut self.peers.extra_roots]);
        let files = files.chain([&mut self.backup.folder]);
        let of_acme = self.acme.iter_mut().flat_map(|acme| [&mut acme.dns_command, &mut acme.extra_roots]);
        let socket = match &mut self.mtp.listen {
            ListenAddress::SocketFile(path) => Some(path),
            ListenAddress::Ip(_) => None,
        };
        for path in files.chain(of_acme).flatten().chain(socket).chain([&mut self.data_dir]) {
            *path = folder.join(&*path);
        }
    }
}

impl MtpConfig {
    /// What a proxy in front needs, and what is not for one.
    fn check_proxy(&self) -> Result<(), ConfigFault> {
        let Self { listen, behind_proxy, trusted_proxies, tls_cert, .. } = self;
        let unfit = match (behind_proxy, listen) {
            (true, _) if tls_cert.is_some() => {
                "[mtp] behind_proxy = true and tls_cert exclude each other: the proxy ends TLS and has the certificate, so \
                 leave out tls_cert and tls_key"
                    .into()
            }
            (true, ListenAddress::Ip(address)) if !address.ip().to_canonical().is_loopback() => format!(
                "[mtp] behind_proxy = true has no TLS, so listen = \"{address}\" would let other machines listen in; choose an \
                 address of the loopback network such as 127.0.0.1:8443, or a socket file such as \
                 unix:/run/drawbridge/mtp.sock"
            ),
            (true, ListenAddress::SocketFile(_)) if cfg!(not(unix)) => {
                "[mtp] listen has a socket file, which this system does not have; choose an address such as 127.0.0.1:8443"
                    .into()
            }
            (false, ListenAddress::SocketFile(path)) => format!(
                "[mtp] listen = \"{SOCKET_FILE}{}\" is for a proxy on this machine and needs behind_proxy = true; without a proxy \
                 choose an address such as 0.0.0.0:443",
                path.display()
            ),
            (false, _) if trusted_proxies.is_some() => {
                "[mtp] trusted_proxies is for behind_proxy = true, and without that no proxy is believed; leave it out".into()
            }
            _ => return Ok(()),
        };
        Err(ConfigFault::Unfit(unfit))
    }
}

/// A certificate and its key come together or not at all.
fn pair(section: &str, cert: &Option<PathBuf>, key: &Option<PathBuf>) -> Result<bool, ConfigFault> {
    match (cert, key) {
        (Some(_), Some(_)) => Ok(true),
        (None, None) => Ok(false),
        (Some(_), None) => Err(ConfigFault::Unfit(format!("[{section}] has tls_cert but no tls_key"))),
        (None, Some(_)) => Err(ConfigFault::Unfit(format!("[{section}] has tls_key but no tls_cert"))),
    }
}

fn from_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|fault| serde::de::Error::custom(format!("{text:?} does not fit here: {fault}")))
}

/// The same, for what says itself what is wrong with the whole text.
fn from_plain_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = String>,
    D: Deserializer<'de>,
{
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn all_from_text<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: FromStr<Err = String>,
    D: Deserializer<'de>,
{
    let read = |text: String| text.parse().map_err(serde::de::Error::custom);
    Vec::<String>::deserialize(deserializer)?.into_iter().map(read).collect()
}

fn listen_from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    listen_address(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// Reads an address with its port, and says in one sentence what is wrong with it.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let not =
        |why: &str| format!("{text:?} is no address to listen on: {why}, as in 0.0.0.0:8443 or [::]:8443");
    let without_port = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if without_port.parse::<IpAddr>().is_ok() {
        return Err(not("a colon and the port are missing at its end"));
    }
    text.parse().map_err(|_| match text.rsplit_once(':') {
        None => not("it is an IP address, a colon and a port"),
        Some((_, port)) if port.parse::<u16>().is_err() => {
            not(&format!("{port:?} is no port, which is a number up to 65535"))
        }
        Some(_) => not("before the port is an IP address, of IPv6 in brackets"),
    })
}

fn optional_from_text<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    from_text(deserializer).map(Some)
}

fn as_text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn optional_as_text<S: Serializer>(
    value: &Option<impl fmt::Display>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

fn all_as_text<S: Serializer>(values: &[impl fmt::Display], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(ToString::to_string))
}

fn some_as_text<S: Serializer>(
    values: &Option<Vec<impl fmt::Display>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match values {
        Some(values) => all_as_text(values, serializer),
        None => serializer.serialize_none(),
    }
}

fn some_networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<IpNet>>, D::Error> {
    networks(deserializer).map(Some)
}

/// Networks in CIDR form, such as `192.168.0.0/16`.
fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let read = |text: String| {
        let form = "a network is written as an address, a slash and the length of its prefix, such as 192.168.0.0/16";
        text.parse().map_err(|_| serde::de::Error::custom(format!("{text:?} does not fit here: {form}")))
    };
    Vec::<String>::deserialize(deserializer)?.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, ConfigFault> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("drawbridge.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(&path)
    }

    const WHOLE: &str = r#"
        provider = "127.0.0.1:9101"
        data_dir = "data"
        [mtp]
        listen = "127.0.0.1:9101"
        [client]
        listen = "127.0.0.1:9102"
        [admin]
        listen = "127.0.0.1:9103"
        [peers]
        strangers = "listed"
        allow_networks = ["127.0.0.0/8", "fd00::/8"]
        extra_roots = "ca.pem"
    "#;

    #[test]
    fn a_whole_configuration_is_read_and_its_paths_are_relative_to_it() {
        let config = load(WHOLE).unwrap();
        assert_eq!(config.peers.strangers, Strangers::Listed);
        assert!(config.data_dir.is_absolute() && config.data_dir.ends_with("data"));
        assert!(config.peers.extra_roots.as_ref().unwrap().is_absolute());
        assert_eq!(config.endpoint().unwrap().to_string(), "https://127.0.0.1:9101/mtp/v1");
        assert!(config.peers.allow_networks[0].contains(&"127.3.2.1".parse::<IpAddr>().unwrap()));
        assert!(!config.peers.allow_networks[0].contains(&"128.0.0.1".parse::<IpAddr>().unwrap()));
        assert!(config.peers.allow_networks[1].contains(&"fdff::1".parse::<IpAddr>().unwrap()));
    }

    #[test]
    fn what_is_written_is_read_again_as_it_was() {
        let path = |name: &str| Some(std::env::temp_dir().join(name));
        let mut all = load(WHOLE).unwrap();
        all.mtp.endpoint = Some("https://a.example/mtp/v1".parse().unwrap());
        let client = all.client.as_mut().unwrap();
        (client.tls_cert, client.tls_key) = (path("a \"b\".pem"), path("key.pem"));
        all.log_format = LogFormat::Json;
        all.mtp.listen = ListenAddress::SocketFile(std::env::temp_dir().join("mtp.sock"));
        (all.mtp.behind_proxy, all.mtp.trusted_proxies) = (true, Some(vec!["10.0.0.0/8".parse().unwrap()]));
        (all.mtp.tls_cert, all.mtp.tls_key) = (None, None);
        all.admin.as_mut().unwrap().origins = vec!["https://pages.example".parse().unwrap()];
        (all.log, all.limits.pending_days) = (Some("warn,drawbridge_node=debug".into()), 3);
        all.traffic.keep_requests = 0;
        (all.backup.folder, all.backup.every_hours, all.backup.keep) = (path("backups"), 24, 3);
        all.backup.recipient =
            Some("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p".parse().unwrap());
        let mut by_acme = load(WHOLE).unwrap();
        by_acme.acme = Some(AcmeConfig {
            agree_terms: true,
            directory: "https://ca.example/acme/directory".parse().unwrap(),
            contact: Some("mailto:operator@home.example".parse().unwrap()),
            challenge: AcmeChallenge::Http01,
            dns_command: path("hook"),
            extra_roots: path("ca.pem"),
            ..AcmeConfig::default()
        });
        let listen = "[::1]:9101".parse().unwrap();
        let least = Config::new("a.example".parse().unwrap(), std::env::temp_dir(), listen);
        for config in [all, by_acme, least] {
            let mut read = load(&config.to_toml().unwrap()).unwrap();
            assert!(read.file.take().is_some_and(|file| file.ends_with("drawbridge.toml")));
            // That one was read from another file, or from none.
            read.file = config.file.clone();
            assert_eq!(format!("{read:?}"), format!("{config:?}"));
        }
    }

    #[test]
    fn what_is_wrong_is_named_in_one_sentence() {
        let cases = [
            ("provider = \"127.0.0.1:9101\"", "provider = \"Home.Example\"", "Home.Example"),
            ("strangers = \"listed\"", "strangers = \"anyone\"", "anyone"),
            ("strangers = \"listed\"", "stranger = \"ask\"", "stranger"),
            ("listen = \"127.0.0.1:9102\"", "listen = \"127.0.0.1\"", "127.0.0.1"),
            ("listen = \"127.0.0.1:9103\"", "listen = \"0.0.0.0:9103\"", "[admin]"),
            ("listen = \"127.0.0.1:9102\"", "listen = \"0.0.0.0:9102\"", "[client]"),
            ("\"127.0.0.0/8\"", "\"127.0.0.0\"", "127.0.0.0"),
            ("[mtp]", "[mtp]\ntls_cert = \"a.pem\"", "tls_key"),
            ("[mtp]", "[mtp]\nendpoint = \"http://a.example/mtp\"", "endpoint"),
            ("[client]", "[clients]", "clients"),
            ("127.0.0.1:9101\"\n        [client]", "unix:\"\n        [client]", "the path of a socket file"),
            (
                "127.0.0.1:9101\"\n        [client]",
                "unix:a.sock\"\n        [client]",
                "needs behind_proxy = true",
            ),
            (
                "listen = \"127.0.0.1:9101\"",
                "listen = \"0.0.0.0:9101\"\nbehind_proxy = true",
                "would let other machines listen in",
            ),
            (
                "[mtp]",
                "[mtp]\nbehind_proxy = true\ntls_cert = \"a.pem\"\ntls_key = \"b.pem\"",
                "leave out tls_cert and tls_key",
            ),
            ("[mtp]", "[mtp]\ntrusted_proxies = [\"127.0.0.0/8\"]", "is for behind_proxy = true"),
            ("[mtp]", "[mtp]\nbehind_proxy = true\ntrusted_proxies = [\"127.0.0.1\"]", "127.0.0.1"),
            ("[client]", "[client]\norigins = [\"https://a.example\"]", "origins is for [admin]"),
            ("[admin]", "[admin]\norigins = [\"a.example\"]", "it begins with https://"),
            ("[admin]", "[admin]\norigins = [\"http://a.example\"]", "without TLS"),
            ("[admin]", "[admin]\norigins = [\"https://a.example/\"]", "nothing comes behind"),
            ("[admin]", "[admin]\norigins = [\"https://a.example/x\"]", "nothing comes behind"),
            ("[admin]", "[admin]\norigins = [\"https://u@a.example\"]", "a host and maybe a port"),
            ("listen = \"127.0.0.1:9102\"", "listen = \"127.0.0.1\"", "the port are missing"),
            ("listen = \"127.0.0.1:9102\"", "listen = \"::1\"", "the port are missing"),
            ("listen = \"127.0.0.1:9102\"", "listen = \"[::1]\"", "the port are missing"),
            ("listen = \"127.0.0.1:9102\"", "listen = \"127.0.0.1:99999\"", "\"99999\" is no port"),
            ("listen = \"127.0.0.1:9102\"", "listen = \"127.0.0.1:\"", "\"\" is no port"),
            (
                "listen = \"127.0.0.1:9102\"",
                "listen = \"localhost:9102\"",
                "before the port is an IP address",
            ),
            ("listen = \"127.0.0.1:9102\"", "listen = \"9102\"", "it is an IP address, a colon and a port"),
            ("listen = \"127.0.0.1:9102\"", "", "in line 6"),
            ("data_dir = \"data\"", "", "data_dir"),
            ("[peers]", "[limits]\npending_days = 0\n[peers]", "pending_days = 0"),
            ("[peers]", "[backup]\nkeep = 0\n[peers]", "keep = 0"),
            ("[peers]", "[backup]\nrecipient = \"alice\"\n[peers]", "age-keygen"),
            ("data_dir = \"data\"", "data_dir = \"data\"\nlog_format = \"xml\"", "xml"),
            ("[peers]", "[acme]\n[peers]", "agree_terms = true"),
            ("[peers]", "[acme]\ndirectory = \"http://ca.example/\"\n[peers]", "https URL"),
            ("[peers]", "[acme]\ncontact = \"home.example\"\n[peers]", "address for mail"),
            ("[peers]", "[acme]\nchallenge = \"tls-sni-01\"\n[peers]", "tls-sni-01"),
            ("[peers]", "[acme]\nagree_terms = true\nchallenge = \"dns-01\"\n[peers]", "dns_command"),
            (
                "[peers]",
                "[acme]\nagree_terms = true\nchallenge = \"dns-01\"\ndns_command = \"hook\"\n[peers]",
                "127.0.0.1",
            ),
            (
                "[mtp]",
                "[acme]\nagree_terms = true\n[mtp]\ntls_cert = \"a.pem\"\ntls_key = \"b.pem\"",
                "the one or the other",
            ),
        ];
        for (right, wrong, named) in cases {
            let fault = load(&WHOLE.replace(right, wrong)).expect_err(wrong).to_string();
            assert!(fault.contains(named), "{fault:?} does not name {named:?}");
            assert!(!fault.contains('\n'), "{fault:?} has several lines");
        }
    }

    #[test]
    fn behind_a_proxy_it_listens_on_loopback_or_on_a_socket_file_beside_the_configuration() {
        for own in ["127.0.0.1:9101", "127.3.2.1:9101", "[::1]:9101"] {
            let listen = format!("[mtp]\nbehind_proxy = true\nlisten = \"{own}\"");
            let config = load(&WHOLE.replace("[mtp]\n        listen = \"127.0.0.1:9101\"", &listen)).unwrap();
            assert_eq!(config.mtp.listen.ip(), Some(own.parse().unwrap()));
        }
        let listen = "[mtp]\nbehind_proxy = true\nlisten = \"unix:mtp.sock\"";
        let config = load(&WHOLE.replace("[mtp]\n        listen = \"127.0.0.1:9101\"", listen)).unwrap();
        let ListenAddress::SocketFile(path) = &config.mtp.listen else { panic!("{:?}", config.mtp.listen) };
        assert!(path.is_absolute() && path.ends_with("mtp.sock"));
    }

    #[test]
    fn an_origin_is_as_a_browser_writes_it() {
        for (written, is) in [
            ("https://Pages.Example", "https://pages.example"),
            ("https://pages.example:443", "https://pages.example"),
            ("https://pages.example:8443", "https://pages.example:8443"),
            ("http://localhost:9999", "http://localhost:9999"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            let origin: Origin = written.parse().unwrap();
            assert_eq!(origin.as_str(), is);
            assert!(is.ends_with(&format!("//{}", origin.host())));
            assert_eq!(origin.is_secure(), is.starts_with("https"));
        }
        for not in ["", "https://", "https://a.example:x", "https://a.example?x", "https://a.example#x"] {
            assert!(not.parse::<Origin>().is_err(), "{not}");
        }
    }

    #[test]
    fn what_the_file_as_a_whole_lacks_is_said_of_no_line() {
        for missing in ["data_dir = \"data\"", "provider = \"127.0.0.1:9101\""] {
            let fault = load(&WHOLE.replace(missing, "")).unwrap_err().to_string();
            assert!(fault.contains("drawbridge.toml is wrong: missing field"), "{fault}");
        }
    }
}
