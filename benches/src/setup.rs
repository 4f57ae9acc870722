//! Where the measuring is done: a folder, a certificate authority, nodes on loopback, and processes of their own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use drawbridge_mtp::id::{Name, Provider, UserUri};
use drawbridge_mtp::message::{ConnectionItem, ConnectionState, ItemBody};
use drawbridge_node::config::{Config, Strangers};
use drawbridge_node::store::UserRule;
use drawbridge_node::{Node, identity};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;

use crate::outcome::Outcome;

/// How long a thing may take that should happen at once.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(20);

/// The folder, with the authority that everyone in it trusts.
pub(crate) struct Setup {
    dir: TempDir,
    issuer: Issuer<'static, KeyPair>,
    authority: CertificateDer<'static>,
}

impl Setup {
    /// A new one, in the system's folder for such.
    pub(crate) fn make() -> Outcome<Self> {
        let dir = TempDir::with_prefix("drawbridge-bench-")?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Drawbridge bench");
        let certificate = params.self_signed(&key)?;
        std::fs::write(dir.path().join("ca.pem"), certificate.pem())?;
        let authority = certificate.der().clone();
        Ok(Self { dir, issuer: Issuer::new(params, key), authority })
    }

    /// The folder `name`, made where it is absent.
    pub(crate) fn folder(&self, name: &str) -> Outcome<PathBuf> {
        let folder = self.dir.path().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// TLS with a certificate for `host`.
    pub(crate) fn tls(&self, host: Ipv4Addr) -> Outcome<rustls::ServerConfig> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec![host.to_string()])?.signed_by(&key, &self.issuer)?;
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)?)
    }

    /// Files with a certificate for loopback, and its key.
    pub(crate) fn tls_files(&self, name: &str) -> Outcome<(PathBuf, PathBuf)> {
        let key = KeyPair::generate()?;
        let params = CertificateParams::new(vec![Ipv4Addr::LOCALHOST.to_string()])?;
        let file = |what: &str| self.dir.path().join(format!("{name}-{what}.pem"));
        std::fs::write(file("cert"), params.signed_by(&key, &self.issuer)?.pem())?;
        std::fs::write(file("key"), key.serialize_pem())?;
        Ok((file("cert"), file("key")))
    }

    /// TLS and HTTP as a node serves them, with a certificate for loopback.
    pub(crate) fn server_tls(&self, name: &str) -> Outcome<Arc<rustls::ServerConfig>> {
        let (cert, key) = self.tls_files(name)?;
        Ok(identity::Certificate::load(&cert, &key)?.tls()?)
    }

    /// An HTTP client that trusts the authority, with connections of its own.
    pub(crate) fn client(&self) -> Outcome<reqwest::Client> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.authority.clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?)
    }

    /// The configuration of a node `name` on a free port.
    pub(crate) fn config(&self, name: &str) -> Outcome<Config> {
        let (cert, key) = self.tls_files(name)?;
        let listen = free_address()?;
        let mut config = Config::new(listen.to_string().parse()?, self.dir.path().join(name), listen);
        (config.mtp.tls_cert, config.mtp.tls_key) = (Some(cert), Some(key));
        config.peers.strangers = Strangers::Open;
        config.peers.allow_networks = vec!["127.0.0.0/8".parse()?];
        config.peers.extra_roots = Some(self.dir.path().join("ca.pem"));
        Ok(config)
    }

    /// Writes `config` as the file that `drawbridged` reads.
    pub(crate) fn write(&self, config: &Config) -> Outcome<PathBuf> {
        let path = config.data_dir.with_extension("toml");
        std::fs::write(&path, config.to_toml()?)?;
        Ok(path)
    }

    /// Two nodes, alpha and beta, whose users alice and bob are connected; and what alpha tells beta of that.
    pub(crate) async fn pair(&self, name: &str) -> Outcome<(Node, Node, ItemBody)> {
        let alpha = Node::start(self.config(&format!("{name}-alpha"))?).await?;
        let beta = Node::start(self.config(&format!("{name}-beta"))?).await?;
        let (alice, bob): (Name, Name) = ("alice".parse()?, "bob".parse()?);
        let at_alpha = alpha.operator().create_user(alice.clone(), UserRule::Ask).await?;
        let at_beta = beta.operator().create_user(bob.clone(), UserRule::Ask).await?;
        // Who ask each other are connected without further ado.
        alpha.operator().connect(&alice, at_beta.clone(), None).await?;
        let asked = beta.operator().connect(&bob, at_alpha.clone(), None).await?;
        for (node, peer) in [(&alpha, beta.provider()), (&beta, alpha.provider())] {
            until(async || Ok(count_approved(node, peer).await? > 0)).await?;
        }
        let told = connection(asked.id, &at_beta, &at_alpha, alpha.now());
        Ok((alpha, beta, told))
    }
}

/// The item with which a provider tells of a connection.
pub(crate) fn connection(
    id: drawbridge_mtp::id::Id,
    from: &UserUri,
    to: &UserUri,
    time: drawbridge_mtp::time::Timestamp,
) -> ItemBody {
    let (from, to) = (from.clone(), to.clone());
    ItemBody::Connection(ConnectionItem { id, from, to, state: ConnectionState::Approved, time })
}

async fn count_approved(node: &Node, peer: &Provider) -> Outcome<u32> {
    let peer = peer.clone();
    let count = node.store().read(move |view| view.count_connected_pairs_with(&peer));
    let count: Result<_, drawbridge_node::store::StoreFault> = count.await;
    Ok(count?)
}

/// Looks again and again until `holds`, which should be soon.
pub(crate) async fn until(mut holds: impl AsyncFnMut() -> Outcome<bool>) -> Outcome<()> {
    let began = Instant::now();
    while !holds().await? {
        if began.elapsed() > AT_ONCE {
            return Err("what should happen soon did not happen".into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// A loopback address with a port that is free now.
pub(crate) fn free_address() -> Outcome<SocketAddr> {
    Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// A process of its own; ended when dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts `program`.
    pub(crate) fn start(program: &Path, arguments: &[&str]) -> Outcome<Self> {
        let mut command = Command::new(program);
        Ok(Self(command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?))
    }

    /// The memory that it occupies, in MiB.
    pub(crate) fn resident(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("the system tells no VmRSS")?;
        Ok(kib.parse::<f64>()? / 1024.0)
    }

    /// The CPU time that it has used so far.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        cpu_of(&self.0.id().to_string())
    }

    /// Asks it to end, and goes on at once.
    pub(crate) fn ask_to_end(&self) -> Outcome<()> {
        Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status()?;
        Ok(())
    }
}

/// The CPU time that the process `id` has used so far, `self` for this one: its own and the system's for it.
pub(crate) fn cpu_of(id: &str) -> Outcome<Duration> {
    let line = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The second field, the name, may have anything in it; behind it, the 12th and the 13th are the ticks.
    let fields: Vec<_> = line.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|ticks| ticks.parse::<u64>().ok());
    let used = ticks(11).zip(ticks(12)).map(|(own, systems)| own + systems);
    // Linux counts a hundred a second for those who ask.
    Ok(Duration::from_millis(used.ok_or("the system tells no CPU time")? * 10))
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The release build of `drawbridged`, made where it is absent or old.
pub(crate) fn daemon() -> Outcome<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args([
        "build",
        "--release",
        "--locked",
        "--quiet",
        "-p",
        "drawbridge-daemon",
        "--bin",
        "drawbridged",
    ]);
    if !build.current_dir(env!("CARGO_MANIFEST_DIR")).status()?.success() {
        return Err("drawbridged could not be built".into());
    }
    Ok(std::env::current_exe()?.with_file_name("drawbridged"))
}

/// Asks for `url` until there is an answer, and returns how long that took, in milliseconds.
pub(crate) async fn until_answered(client: &reqwest::Client, url: &str, since: Instant) -> Outcome<f64> {
    loop {
        match client.get(url).send().await {
            Ok(response) if response.status().is_success() => return Ok(millis(since.elapsed())),
            _ if since.elapsed() > AT_ONCE => return Err(format!("nobody answers at {url}").into()),
            _ => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}

/// A time in milliseconds.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
