//! Every setting of a node, its default and its check.

mod acme;
mod backup;
mod fault;
mod keys;
mod limits;
mod listen;
mod mtp;
mod notify;
mod origin;
mod peers;
mod place;
pub(crate) mod recipient;
mod text;
mod traffic;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use drawbridge_mtp::document::Endpoint;
use drawbridge_mtp::id::Provider;
use serde::{Deserialize, Serialize};

pub use self::acme::{AcmeChallenge, AcmeConfig, AcmeContact, AcmeDirectory};
pub use self::backup::BackupConfig;
pub use self::fault::ConfigFault;
pub use self::keys::KeysConfig;
pub use self::limits::LimitsConfig;
use self::listen::pair;
pub use self::listen::{ListenConfig, listen_address};
pub use self::mtp::{ListenAddress, MtpConfig};
pub use self::notify::{
    HttpUrl, Least, MailAddress, NotifyConfig, NotifyTarget, NtfyConfig, SecretText, SmtpConfig, SmtpTls,
    WebhookConfig,
};
pub use self::origin::Origin;
pub use self::peers::{PeersConfig, Strangers};
pub use self::place::{put, unclaimed};
use self::text::{as_text, from_text};
pub use self::traffic::TrafficConfig;

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
    /// How often our signing key is changed.
    #[serde(default)]
    pub keys: KeysConfig,
    /// Where the operator is told what waits and what is wrong, besides the screens.
    #[serde(default)]
    pub notify: NotifyConfig,
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
                open_port: false,
                address_hook: None,
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
            keys: KeysConfig::default(),
            notify: NotifyConfig::default(),
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
        let mut config: Self = toml::from_str(text).map_err(|fault| Self::unread(&fault, text, path))?;
        config.relative_to(path.parent().unwrap_or(Path::new("")));
        config.file = Some(path.to_owned());
        config.check()?;
        Ok(config)
    }

    /// Why `text`, which the file `path` has, is no configuration.
    fn unread(fault: &toml::de::Error, text: &str, path: &Path) -> ConfigFault {
        let path = path.to_owned();
        if fault.message() == "missing field `provider`" {
            return ConfigFault::Unclaimed { path };
        }
        // What is missing in the file as a whole is missing in no line of it.
        let span =
            fault.span().filter(|span| span.start > 0 || !fault.message().starts_with("missing field"));
        let line = span.map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        ConfigFault::Wrong {
            path,
            place: line.map(|line| format!(" in line {line}")).unwrap_or_default(),
            reason: fault.message().replace('\n', " "),
        }
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
        self.mtp.check_open_port()?;
        if let Some(acme) = &self.acme {
            acme.check(has_files, self.mtp.behind_proxy, [self.provider.host(), self.endpoint()?.host()])?;
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
        self.limits.check()?;
        self.backup.check()?;
        self.keys.check()?;
        self.notify.check()?;
        self.endpoint().map(|_| ())
    }

    fn relative_to(&mut self, folder: &Path) {
        let listeners = [&mut self.client, &mut self.admin].into_iter().flatten();
        let files = listeners.flat_map(|server| [&mut server.tls_cert, &mut server.tls_key]);
        let files = files.chain([&mut self.mtp.tls_cert, &mut self.mtp.tls_key, &mut self.peers.extra_roots]);
        let files = files.chain([&mut self.backup.folder, &mut self.mtp.address_hook]);
        let of_acme = self.acme.iter_mut().flat_map(|acme| [&mut acme.dns_command, &mut acme.extra_roots]);
        let socket = match &mut self.mtp.listen {
            ListenAddress::SocketFile(path) => Some(path),
            ListenAddress::Ip(_) => None,
        };
        let files = files.chain(of_acme).flatten().chain(socket).chain(self.notify.paths());
        for path in files.chain([&mut self.data_dir]) {
            *path = folder.join(&*path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

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
        (all.traffic.keep_requests, all.keys.rotate_days) = (0, 90);
        (all.backup.folder, all.backup.every_hours, all.backup.keep) = (path("backups"), 24, 3);
        all.backup.recipient =
            Some("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p".parse().unwrap());
        all.notify.link = Some("https://pages.example".parse().unwrap());
        all.notify.extra_roots = path("roots.pem");
        all.notify.webhook = vec![WebhookConfig {
            url: "https://hooks.example/a".parse().unwrap(),
            name: None,
            secret: Some("a secret".into()),
            secret_file: None,
            names: false,
            waits: true,
            least: Least::High,
        }];
        all.notify.ntfy = vec![NtfyConfig {
            server: HttpUrl::default(),
            topic: "a-topic".into(),
            name: Some("phone".into()),
            token: None,
            token_file: path("token"),
            names: true,
            waits: false,
            least: Least::Low,
        }];
        all.notify.smtp = vec![SmtpConfig {
            server: "mail.example".into(),
            port: Some(2587),
            tls: SmtpTls::Starttls,
            name: None,
            user: Some("home".into()),
            password_file: path("password"),
            from: "Home <home@home.example>".parse().unwrap(),
            to: vec!["operator@home.example".parse().unwrap()],
            names: true,
            waits: true,
            least: Least::Medium,
        }];
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
            ("[peers]", "[keys]\nrotate_days = 6\n[peers]", "at least 7"),
            ("[peers]", "[backup]\nrecipient = \"alice\"\n[peers]", "age-keygen"),
            ("[peers]", "[[notify.webhook]]\nurl = \"http://a.example/hook\"\n[peers]", "without TLS"),
            (
                "[peers]",
                "[[notify.webhook]]\nurl = \"https://a.example/\"\nsecret = \"x\"\nsecret_file = \"y\"\n[peers]",
                "given twice",
            ),
            ("[peers]", "[[notify.ntfy]]\ntopic = \"a topic\"\n[peers]", "up to 64 letters"),
            (
                "[peers]",
                "[[notify.ntfy]]\ntopic = \"one\"\n[[notify.ntfy]]\ntopic = \"two\"\n[peers]",
                "two targets called",
            ),
            (
                "[peers]",
                "[[notify.smtp]]\nserver = \"mail.example:25\"\nfrom = \"home.example\"\nto = [\"a@b.example\"]\n[peers]",
                "no address for mail",
            ),
            (
                "[peers]",
                "[[notify.smtp]]\nserver = \"mail.example/\"\nfrom = \"a@b.example\"\nto = [\"a@b.example\"]\n[peers]",
                "port stands by itself",
            ),
            (
                "[peers]",
                "[[notify.smtp]]\nserver = \"mail.example\"\nfrom = \"a@b.example\"\nto = []\n[peers]",
                "names nobody",
            ),
            (
                "[peers]",
                "[[notify.smtp]]\nserver = \"mail.example\"\nuser = \"a\"\nfrom = \"a@b.example\"\nto = [\"a@b.example\"]\n[peers]",
                "go together",
            ),
            (
                "[peers]",
                "[[notify.smtp]]\nserver = \"mail.example\"\ntls = \"none\"\nfrom = \"a@b.example\"\nto = [\"a@b.example\"]\n[peers]",
                "on this computer",
            ),
            ("data_dir = \"data\"", "data_dir = \"data\"\nlog_format = \"xml\"", "xml"),
            ("[peers]", "[acme]\n[peers]", "agree_terms = true"),
            ("[peers]", "[acme]\ndirectory = \"http://ca.example/\"\n[peers]", "https URL"),
            ("[peers]", "[acme]\ncontact = \"home.example\"\n[peers]", "address for mail"),
            ("[mtp]", "[mtp]\nopen_port = true", "reached from this"),
            (
                "[mtp]\n        listen = \"127.0.0.1:9101\"",
                "[mtp]\nopen_port = true\nlisten = \"[2001:db8::1]:443\"",
                "over IPv6 alone",
            ),
            ("[mtp]", "[mtp]\nopen_port = true\nbehind_proxy = true", "forward the port to the proxy"),
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
            assert!(!origin.hostname().contains(['[', ']']) && origin.host().contains(origin.hostname()));
        }
        for (text, hostname, port, is_loopback) in [
            ("https://pages.example", "pages.example", 443, false),
            ("https://192.168.1.2:8443", "192.168.1.2", 8443, false),
            ("https://[fd00::1]:8443", "fd00::1", 8443, false),
            ("https://[fd00::1]", "fd00::1", 443, false),
            ("http://[::1]", "::1", 80, true),
            ("http://127.8.0.1:9103", "127.8.0.1", 9103, true),
            ("http://localhost:9999", "localhost", 9999, true),
        ] {
            let origin: Origin = text.parse().unwrap();
            assert_eq!(
                (origin.hostname(), origin.port(), origin.is_loopback()),
                (hostname, port, is_loopback)
            );
        }
        for not in ["", "https://", "https://a.example:x", "https://a.example?x", "https://a.example#x"] {
            assert!(not.parse::<Origin>().is_err(), "{not}");
        }
    }

    #[test]
    fn what_the_file_as_a_whole_lacks_is_said_of_no_line() {
        let lacks = |missing| load(&WHOLE.replace(missing, "")).unwrap_err();
        let fault = lacks("data_dir = \"data\"").to_string();
        assert!(fault.contains("drawbridge.toml is wrong: missing field"), "{fault}");
        let fault = lacks("provider = \"127.0.0.1:9101\"");
        assert!(matches!(fault, ConfigFault::Unclaimed { .. }), "{fault}");
    }
}
