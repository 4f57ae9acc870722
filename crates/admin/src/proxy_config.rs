//! What the configuration of a proxy has to say that ends TLS before this provider, with the operator's own values. This is the one
//! place that makes it: for the command line, for the pages, and for the tests that put the real programs before a node.

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

use drawbridge_mtp::document::Limits;
use drawbridge_mtp::id::{Host, Provider};
use drawbridge_node::config::{Config, ListenAddress};

use crate::error::AdminError;
use crate::host::Host as Installation;
use crate::request::Empty;
use crate::view::{ProxyConfig, ProxyConfigs, ProxyProgram};

/// Where a node listens behind a proxy, unless its operator has chosen another place.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);
/// How long a proxy waits for an answer, in seconds: longer than a pull, which waits for 55, and the way there and back.
const WAIT_S: u64 = 90;
/// How long a proxy keeps an unused connection to the node, in seconds: less than the node, so that none is closed while a
/// request is on its way to it.
const KEEP_S: u64 = 60;
const DOCUMENT: &str = "/.well-known/mtp";

/// `proxy-configs`
pub(crate) async fn proxy_configs(host: &Installation, _: Empty) -> Result<ProxyConfigs, AdminError> {
    let node = host.node().await?;
    let configs = ProxyProgram::ALL.map(|program| proxy_config(program, node.config()));
    Ok(ProxyConfigs { behind_proxy: node.config().mtp.behind_proxy, configs: configs.into() })
}

/// The configuration of `program` before the node of `config`, without the paths of the certificate's files.
pub fn proxy_config(program: ProxyProgram, config: &Config) -> ProxyConfig {
    let listen = match &config.mtp.listen {
        // It connects to no socket file.
        ListenAddress::SocketFile(_) if program == ProxyProgram::Traefik => LISTEN.into(),
        listen @ ListenAddress::SocketFile(_) => listen.clone(),
        ListenAddress::Ip(address) if config.mtp.behind_proxy || address.ip().is_loopback() => {
            ListenAddress::Ip(*address)
        }
        ListenAddress::Ip(_) => LISTEN.into(),
    };
    let mut values = Values::of(config, listen);
    if !config.mtp.behind_proxy {
        values.leave_ports_to_proxy();
    }
    let (file, then, text) = match program {
        ProxyProgram::Nginx => {
            ("/etc/nginx/conf.d/drawbridge.conf", "nginx -t && systemctl reload nginx", nginx(&values))
        }
        ProxyProgram::Caddy => ("/etc/caddy/Caddyfile", "systemctl reload caddy", caddy(&values)),
        ProxyProgram::Haproxy => ("/etc/haproxy/haproxy.cfg", "systemctl reload haproxy", haproxy(&values)),
        ProxyProgram::Apache => (
            "/etc/apache2/sites-enabled/drawbridge.conf",
            "a2enmod ssl http2 headers proxy proxy_http && systemctl restart apache2",
            apache(&values),
        ),
        ProxyProgram::Traefik => {
            ("a file of the provider [providers.file]", "Traefik reads it by itself", traefik(&values))
        }
    };
    let head = format!(
        "# {} before the provider {}, made by Drawbridge.\n\
         # The provider's own configuration has to have, in [mtp], and no tls_cert and tls_key:\n\
         #   listen = \"{}\"\n\
         #   behind_proxy = true\n\
         # Put the paths of the certificate's files in the place of those in /etc/ssl.\n\
         # All of this is for {file}; then: {then}\n\n",
        program.title(),
        config.provider,
        values.listen,
    );
    ProxyConfig { program, title: program.title().into(), file: file.into(), text: head + &text }
}

/// What is the operator's own.
struct Values {
    /// The hosts that others know the provider by, of IPv6 in brackets, with the ports that they connect to.
    sites: Vec<(String, u16)>,
    /// The hosts.
    hosts: Vec<String>,
    /// The ports.
    ports: Vec<u16>,
    /// The path below which everything is the provider's; none where that is every path.
    below: Option<String>,
    /// Where the node listens.
    listen: ListenAddress,
    /// What a request may have, in bytes.
    bytes: u64,
}

impl Values {
    fn of(config: &Config, listen: ListenAddress) -> Self {
        let endpoint = config.endpoint().ok();
        let (mut sites, mut hosts, mut ports) = (Vec::new(), Vec::new(), Vec::new());
        for name in [Some(&config.provider), endpoint.as_ref().map(|endpoint| endpoint.authority())] {
            let Some(name) = name else { continue };
            let (host, port) = (host_text(name), name.port());
            if !sites.contains(&(host.clone(), port)) {
                sites.push((host.clone(), port));
            }
            if !hosts.contains(&host) {
                hosts.push(host);
            }
            if !ports.contains(&port) {
                ports.push(port);
            }
        }
        // What means something to one of the programs is in no path that is written into its configuration.
        let is_plain = |path: &&str| {
            !path.is_empty()
                && path.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-._~/".contains(&octet))
        };
        let below = endpoint.as_ref().map(|endpoint| endpoint.path()).filter(is_plain).map(str::to_owned);
        Self { sites, hosts, ports, below, listen, bytes: Limits::default().request_bytes }
    }

    /// Has the node listen at another port than those at which the proxy does: most of these take every address of the computer.
    fn leave_ports_to_proxy(&mut self) {
        let ListenAddress::Ip(address) = &mut self.listen else { return };
        while self.ports.contains(&address.port()) {
            address.set_port(address.port().checked_add(1).unwrap_or(LISTEN.port()));
        }
    }

    /// The host that the files are called by.
    fn name(&self) -> &str {
        self.hosts.first().map_or("provider", |host| host.trim_matches(['[', ']']))
    }

    /// The address of the node as part of a URL, or what `of_file` makes of the path of its socket file.
    fn node(&self, of_file: impl Fn(&str) -> String) -> String {
        match &self.listen {
            ListenAddress::Ip(address) => address.to_string(),
            ListenAddress::SocketFile(path) => of_file(&path.display().to_string()),
        }
    }
}

fn host_text(name: &Provider) -> String {
    match name.host() {
        Host::Dns(name) => name.to_owned(),
        Host::V4(address) => address.to_string(),
        Host::V6(address) => format!("[{address}]"),
    }
}

/// Writes lines, each `indent` deeper than the margin.
fn lines(text: &mut String, indent: &str, lines: impl IntoIterator<Item = String>) {
    for line in lines {
        let _ = writeln!(text, "{indent}{line}");
    }
}

fn nginx(values: &Values) -> String {
    let Values { hosts, ports, below, bytes, .. } = values;
    let (name, node) = (values.name(), values.node(|path| format!("unix:{path}")));
    let mut text = format!(
        "upstream drawbridge {{\n    server {node};\n    keepalive 16;\n    keepalive_timeout {KEEP_S}s;\n}}\n\n\
         server {{\n"
    );
    lines(
        &mut text,
        "    ",
        ports
            .iter()
            .flat_map(|port| [format!("listen {port} ssl http2;"), format!("listen [::]:{port} ssl http2;")]),
    );
    let _ = write!(
        text,
        "    server_name {};\n\n    \
         ssl_certificate /etc/ssl/{name}/fullchain.pem;\n    \
         ssl_certificate_key /etc/ssl/{name}/privkey.pem;\n    \
         ssl_protocols TLSv1.3;\n\n    \
         # The largest request, and longer than a pull waits for news.\n    \
         client_max_body_size {}m;\n    \
         proxy_read_timeout {WAIT_S}s;\n    \
         proxy_send_timeout {WAIT_S}s;\n\n    \
         # What is signed passes as it is, and at once.\n    \
         gzip off;\n    \
         proxy_buffering off;\n    \
         proxy_request_buffering off;\n    \
         proxy_http_version 1.1;\n    \
         proxy_set_header Connection \"\";\n    \
         proxy_set_header Host $host;\n\n    \
         # Where a request comes from.\n    \
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n    \
         proxy_set_header Forwarded \"\";\n\n    \
         # Nothing is written behind the name, or nginx would change paths.\n",
        hosts.join(" "),
        bytes.div_ceil(1 << 20),
    );
    let places = match below {
        Some(path) => vec![format!("= {DOCUMENT}"), format!("^~ {path}/")],
        None => vec!["/".into()],
    };
    lines(
        &mut text,
        "    ",
        places.iter().map(|place| format!("location {place} {{ proxy_pass http://drawbridge; }}")),
    );
    text + "}\n"
}

fn caddy(values: &Values) -> String {
    let Values { sites, below, bytes, .. } = values;
    let (name, node) = (values.name(), values.node(|path| format!("unix/{path}")));
    let sites =
        sites.iter().map(|(host, port)| if *port == 443 { host.clone() } else { format!("{host}:{port}") });
    let sites = sites.collect::<Vec<_>>().join(", ");
    let paths = match below {
        Some(path) => format!("{DOCUMENT} {path}/*"),
        None => "*".into(),
    };
    format!(
        "{sites} {{\n\
         \t# Leave the paths of both files out, and Caddy gets a certificate by itself.\n\
         \ttls /etc/ssl/{name}/fullchain.pem /etc/ssl/{name}/privkey.pem {{\n\
         \t\tprotocols tls1.3\n\
         \t}}\n\
         \t@mtp path {paths}\n\
         \thandle @mtp {{\n\
         \t\trequest_body {{\n\
         \t\t\tmax_size {}MiB\n\
         \t\t}}\n\
         \t\treverse_proxy {node} {{\n\
         \t\t\t# At once, and as it is. Caddy says itself where a request comes from, in X-Forwarded-For.\n\
         \t\t\tflush_interval -1\n\
         \t\t\theader_up -Forwarded\n\
         \t\t\ttransport http {{\n\
         \t\t\t\tcompression off\n\
         \t\t\t\t# Longer than a pull waits for news.\n\
         \t\t\t\tread_timeout {WAIT_S}s\n\
         \t\t\t\twrite_timeout {WAIT_S}s\n\
         \t\t\t\tkeepalive {KEEP_S}s\n\
         \t\t\t}}\n\
         \t\t}}\n\
         \t}}\n\
         }}\n",
        bytes.div_ceil(1 << 20),
    )
}

fn haproxy(values: &Values) -> String {
    let Values { ports, below, .. } = values;
    let (name, node) = (values.name(), values.node(|path| format!("unix@{path}")));
    let mut text = String::from(
        "# This is added to what is there. The file of the certificate has the whole chain, and its key behind it.\n",
    );
    if matches!(values.listen, ListenAddress::SocketFile(_)) {
        text.push_str("# With chroot in the section global, the socket file has to be below that folder.\n");
    }
    text.push_str("frontend drawbridge\n");
    let tls = format!("ssl crt /etc/ssl/{name}/chain-and-key.pem alpn h2,http/1.1 ssl-min-ver TLSv1.3");
    lines(
        &mut text,
        "    ",
        ports.iter().flat_map(|port| [format!("bind :{port} {tls}"), format!("bind :::{port} v6only {tls}")]),
    );
    let _ = write!(
        text,
        "    mode http\n    \
         timeout client {WAIT_S}s\n    \
         # Where a request comes from.\n    \
         http-request del-header Forwarded\n    \
         option forwardfor\n"
    );
    if let Some(path) = below {
        let _ = write!(
            text,
            "    acl is_mtp path {DOCUMENT}\n    \
             acl is_mtp path_beg {path}/\n    \
             http-request return status 404 unless is_mtp\n"
        );
    }
    let _ = write!(
        text,
        "    default_backend drawbridge\n\n\
         backend drawbridge\n    \
         mode http\n    \
         timeout connect 5s\n    \
         # Longer than a pull waits for news. HAProxy passes requests of any size, and holds nothing back.\n    \
         timeout server {WAIT_S}s\n    \
         server drawbridge {node}\n"
    );
    text
}

fn apache(values: &Values) -> String {
    let Values { hosts, ports, below, bytes, .. } = values;
    let name = values.name();
    let mut text = String::new();
    // Debian's ports.conf has that of 443.
    lines(&mut text, "", ports.iter().filter(|port| **port != 443).map(|port| format!("Listen {port}")));
    let places: Vec<_> = ports.iter().map(|port| format!("*:{port}")).collect();
    let _ = writeln!(text, "<VirtualHost {}>", places.join(" "));
    let mut called = hosts.iter();
    lines(&mut text, "    ", called.next().map(|host| format!("ServerName {host}")));
    lines(&mut text, "    ", called.map(|host| format!("ServerAlias {host}")));
    let _ = write!(
        text,
        "    Protocols h2 http/1.1\n    \
         SSLEngine on\n    \
         SSLProtocol -all +TLSv1.3\n    \
         SSLCertificateFile /etc/ssl/{name}/fullchain.pem\n    \
         SSLCertificateKeyFile /etc/ssl/{name}/privkey.pem\n\n    \
         # The largest request.\n    \
         LimitRequestBody {bytes}\n    \
         # What is signed passes as it is, and at once. Apache says itself where a request comes from, in X-Forwarded-For.\n    \
         SetEnv no-gzip 1\n    \
         AllowEncodedSlashes NoDecode\n    \
         ProxyPreserveHost On\n    \
         RequestHeader unset Forwarded\n    \
         # It waits for longer than a pull does for news.\n"
    );
    let origin = values.node(|path| format!("unix:{path}|http://drawbridge"));
    let origin = if origin.starts_with("unix:") { origin } else { format!("http://{origin}") };
    let conduct = format!("nocanon timeout={WAIT_S} ttl={KEEP_S} flushpackets=on");
    let places = match below {
        Some(path) => vec![DOCUMENT.to_owned(), format!("{path}/")],
        None => vec!["/".into()],
    };
    lines(
        &mut text,
        "    ",
        places.iter().map(|place| format!("ProxyPass \"{place}\" \"{origin}{place}\" {conduct}")),
    );
    text + "</VirtualHost>\n"
}

fn traefik(values: &Values) -> String {
    let Values { hosts, ports, below, .. } = values;
    let (name, node) = (values.name(), values.node(str::to_owned));
    let hosts: Vec<_> =
        hosts.iter().map(|host| format!("Host(`{}`)", host.trim_matches(['[', ']']))).collect();
    let mut rule = format!("({})", hosts.join(" || "));
    if let Some(path) = below {
        let _ = write!(rule, " && (Path(`{DOCUMENT}`) || PathPrefix(`{path}/`))");
    }
    let port = ports.first().copied().unwrap_or(443);
    format!(
        "# Traefik's static configuration has to have, with the default of no limit for an answer:\n\
         #   [entryPoints.websecure]\n\
         #   address = \":{port}\"\n\
         #   [entryPoints.websecure.transport.respondingTimeouts]\n\
         #   readTimeout = \"{WAIT_S}s\"\n\
         # Traefik says itself where a request comes from, passes requests of any size, and holds nothing back.\n\
         [http.routers.drawbridge]\n\
         rule = \"{rule}\"\n\
         entryPoints = [\"websecure\"]\n\
         service = \"drawbridge\"\n\
         middlewares = [\"drawbridge\"]\n\n\
         [http.routers.drawbridge.tls]\n\
         options = \"drawbridge\"\n\n\
         [http.middlewares.drawbridge.headers.customRequestHeaders]\n\
         Forwarded = \"\"\n\n\
         [http.services.drawbridge.loadBalancer]\n\
         passHostHeader = true\n\
         serversTransport = \"drawbridge\"\n\n\
         [http.services.drawbridge.loadBalancer.responseForwarding]\n\
         flushInterval = \"-1ms\"\n\n\
         [[http.services.drawbridge.loadBalancer.servers]]\n\
         url = \"http://{node}\"\n\n\
         [http.serversTransports.drawbridge.forwardingTimeouts]\n\
         responseHeaderTimeout = \"{WAIT_S}s\"\n\
         idleConnTimeout = \"{KEEP_S}s\"\n\n\
         [tls.options.drawbridge]\n\
         minVersion = \"VersionTLS13\"\n\n\
         [[tls.certificates]]\n\
         certFile = \"/etc/ssl/{name}/fullchain.pem\"\n\
         keyFile = \"/etc/ssl/{name}/privkey.pem\"\n"
    )
}

impl ProxyProgram {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Nginx, Self::Caddy, Self::Haproxy, Self::Apache, Self::Traefik];

    /// What it is called by people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "Caddy",
            Self::Haproxy => "HAProxy",
            Self::Apache => "Apache",
            Self::Traefik => "Traefik",
        }
    }
}

impl FromStr for ProxyProgram {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_it = |program: &Self| program.title().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(is_it).ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|program| program.title().to_lowercase()).collect();
            format!("there is none for that program; there is one for each of {}", all.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(provider: &str, mtp: impl FnOnce(&mut Config)) -> Config {
        let listen = "127.0.0.1:9000".parse().unwrap();
        let mut config = Config::new(provider.parse().unwrap(), std::env::temp_dir(), listen);
        config.mtp.behind_proxy = true;
        mtp(&mut config);
        config
    }

    fn texts(config: &Config) -> impl Iterator<Item = (ProxyProgram, String)> {
        ProxyProgram::ALL.into_iter().map(|program| (program, proxy_config(program, config).text))
    }

    #[test]
    fn each_has_the_operators_own_values() {
        let config = config("home.example:8448", |_| {});
        for (program, text) in texts(&config) {
            for own in [
                "home.example",
                "8448",
                "127.0.0.1:9000",
                "/mtp/v1/",
                "/.well-known/mtp",
                "/etc/ssl/home.example/",
            ] {
                assert!(text.contains(own), "{own} is not in that for {program:?}: {text}");
            }
        }
        let other = config_elsewhere();
        for (program, text) in texts(&other) {
            assert!(text.contains("/deep/er/"), "{program:?}: {text}");
            // HAProxy goes by the certificate alone.
            let is_named = program == ProxyProgram::Haproxy || text.contains("other.example");
            assert!(is_named, "{program:?}: {text}");
        }
    }

    fn config_elsewhere() -> Config {
        config("home.example", |config| {
            config.mtp.endpoint = Some("https://other.example/deep/er".parse().unwrap());
        })
    }

    #[test]
    fn a_socket_file_is_written_as_each_program_reads_it() {
        let config = config("home.example", |config| {
            config.mtp.listen = ListenAddress::SocketFile("/run/drawbridge/mtp.sock".into());
        });
        let written = ["server unix:/run", "unix//run", "unix@/run", "unix:/run/drawbridge/mtp.sock|http"];
        for ((program, text), written) in texts(&config).zip(written) {
            assert!(text.contains(written), "{program:?}: {text}");
        }
        let traefik = proxy_config(ProxyProgram::Traefik, &config).text;
        assert!(
            traefik.contains("listen = \"127.0.0.1:8443\"") && !traefik.contains("mtp.sock"),
            "{traefik}"
        );
    }

    #[test]
    fn who_is_not_behind_a_proxy_yet_is_told_where_to_listen() {
        let config = config("home.example", |config| {
            config.mtp.behind_proxy = false;
            config.mtp.listen = ListenAddress::Ip("0.0.0.0:443".parse().unwrap());
        });
        for (program, text) in texts(&config) {
            assert!(
                text.contains("#   listen = \"127.0.0.1:8443\"\n#   behind_proxy = true\n"),
                "{program:?}: {text}"
            );
            assert!(!text.contains("0.0.0.0"), "{program:?}: {text}");
        }
    }

    #[test]
    fn proxy_and_node_listen_at_two_ports() {
        for (name, listen, there) in [
            ("home.example:8443", "0.0.0.0:8443", "127.0.0.1:8444"),
            ("home.example:9443", "127.0.0.1:9443", "127.0.0.1:9444"),
            ("home.example:65535", "127.0.0.1:65535", "127.0.0.1:8443"),
        ] {
            let config = config(name, |config| {
                config.mtp.behind_proxy = false;
                config.mtp.listen = ListenAddress::Ip(listen.parse().unwrap());
            });
            for (program, text) in texts(&config) {
                let own = format!("listen = \"{there}\"");
                assert!(text.contains(&own) && text.matches(there).count() > 1, "{program:?}: {text}");
            }
        }
    }

    #[test]
    fn a_path_that_means_something_to_a_program_is_written_into_none() {
        for endpoint in [
            "https://home.example",
            "https://home.example/a;b",
            "https://home.example/$a",
            "https://home.example/%20",
        ] {
            let config =
                config("home.example", |config| config.mtp.endpoint = Some(endpoint.parse().unwrap()));
            for (program, text) in texts(&config) {
                let rest = endpoint.strip_prefix("https://home.example").filter(|rest| !rest.is_empty());
                assert!(rest.is_none_or(|rest| !text.contains(rest)), "{program:?}: {text}");
                assert!(!text.contains("mtp/v1"), "{program:?}: {text}");
            }
        }
    }

    /// Traefik is in no package of Debian's, so this is all that is known of its configuration.
    #[test]
    fn that_for_traefik_is_toml() {
        for config in [config("[2001:db8::1]:8448", |_| {}), config_elsewhere()] {
            let read: toml::Table =
                toml::from_str(&proxy_config(ProxyProgram::Traefik, &config).text).unwrap();
            let http = read["http"].as_table().unwrap();
            for part in ["routers", "services", "serversTransports", "middlewares"] {
                assert!(http[part].as_table().unwrap().contains_key("drawbridge"), "{part}");
            }
            assert_eq!(read["tls"]["options"]["drawbridge"]["minVersion"].as_str(), Some("VersionTLS13"));
        }
    }

    #[test]
    fn a_program_is_called_as_people_write_it() {
        for (text, program) in [
            ("nginx", ProxyProgram::Nginx),
            ("HAProxy", ProxyProgram::Haproxy),
            ("TRAEFIK", ProxyProgram::Traefik),
        ] {
            assert_eq!(text.parse(), Ok(program));
        }
        assert!(
            "squid".parse::<ProxyProgram>().unwrap_err().contains("nginx, caddy, haproxy, apache, traefik")
        );
    }
}
