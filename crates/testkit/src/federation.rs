//! Where the providers of a test live.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use drawbridge_mtp::id::Provider;
use drawbridge_node::config::{Config, ListenConfig};
use http::Request;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::acme_server::{Places, Plan};
use crate::{
    AcmeServer, Clock, DroppingHost, FaultyNetwork, Proxy, RawServer, ScriptedPeer, ServerTls, TestNode,
    WebServer,
};

/// A certificate authority that all trust, a clock that all go by, and a folder that goes with it.
pub struct Federation {
    dir: tempfile::TempDir,
    clock: Arc<Clock>,
    issuer: Issuer<'static, KeyPair>,
}

impl Federation {
    /// A new one.
    #[expect(clippy::new_without_default, reason = "it makes keys and files")]
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "Drawbridge tests");
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), authority.self_signed(&key).unwrap().pem()).unwrap();
        Self { dir, clock: Arc::default(), issuer: Issuer::new(authority, key) }
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The certificate that all trust, PEM.
    pub fn root(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// A provider that runs, whose configuration is as `alter` makes it.
    pub async fn node(&self, alter: impl FnOnce(&mut Config)) -> TestNode {
        let test_node = self.stopped_node(alter);
        test_node.start().await;
        test_node
    }

    /// A provider that runs and goes by a clock of its own.
    pub async fn node_with_clock(&self, clock: Arc<Clock>, alter: impl FnOnce(&mut Config)) -> TestNode {
        let test_node = TestNode::new(self.config(alter), clock);
        test_node.start().await;
        test_node
    }

    /// A provider that runs and listens to clients too.
    pub async fn node_with_clients(&self) -> TestNode {
        let listen = free_port();
        self.node(|config| config.client = Some(ListenConfig::plain(listen))).await
    }

    /// A provider that does not run yet.
    pub fn stopped_node(&self, alter: impl FnOnce(&mut Config)) -> TestNode {
        TestNode::new(self.config(alter), self.clock.clone())
    }

    /// The configuration of a provider, at a port of its own.
    pub fn config(&self, alter: impl FnOnce(&mut Config)) -> Config {
        let listen = free_port();
        let (cert, key) = self.certificate(&listen.ip().to_string(), listen.port());
        let data_dir = self.dir.path().join(listen.port().to_string());
        let mut config = Config::new(provider_at(listen), data_dir, listen);
        (config.mtp.tls_cert, config.mtp.tls_key) = (Some(cert), Some(key));
        config.client = Some(ListenConfig::plain(free_port()));
        config.peers.allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.peers.extra_roots = Some(self.root());
        alter(&mut config);
        config
    }

    /// A scripted peer.
    pub fn scripted_peer(&self) -> ScriptedPeer {
        self.scripted_peer_called(&host().to_string(), host().into())
    }

    /// A scripted peer on the host `name`, which is at `address`.
    pub fn scripted_peer_called(&self, name: &str, address: IpAddr) -> ScriptedPeer {
        // Of IPv6, there is but one address for all processes, so the system chooses the port.
        let place = if address.is_ipv4() { free_port() } else { SocketAddr::new(address, 0) };
        let listener = drawbridge_node::bind("mtp", place).unwrap();
        let port = listener.address.port();
        let (cert, key) = self.certificate(name, port);
        let tls = drawbridge_node::identity::Certificate::load(&cert, &key).unwrap().tls().unwrap();
        let provider = format!("{name}:{port}").parse().unwrap();
        ScriptedPeer::serve(provider, listener, tls, &self.root(), self.clock.clone())
    }

    /// The same with a server that shows that to whoever connects.
    pub fn scripted_peer_that_shows(&self, shows: ServerTls, name: &str) -> ScriptedPeer {
        let listener = drawbridge_node::bind("mtp", free_port()).unwrap();
        let tls = crate::web_server::tls(name, shows, &self.issuer);
        let provider = format!("{name}:{}", listener.address.port()).parse().unwrap();
        ScriptedPeer::serve(provider, listener, tls, &self.root(), self.clock.clone())
    }

    /// The address of all providers here.
    pub fn address(&self) -> IpAddr {
        host().into()
    }

    /// A server that keeps to no protocol, in the place of a provider.
    pub async fn raw_server(&self) -> RawServer {
        self.raw_server_at(free_port()).await
    }

    /// The same at `address`, for which its certificate is.
    pub async fn raw_server_at(&self, address: SocketAddr) -> RawServer {
        let tls = crate::web_server::tls(&address.ip().to_string(), ServerTls::Good, &self.issuer);
        RawServer::listen(address, tls).await
    }

    /// A host behind a firewall that drops what comes.
    pub async fn dropping_host(&self) -> DroppingHost {
        DroppingHost::at(free_port()).await
    }

    /// A server in the place of a provider, which shows that to whoever connects, and answers so.
    pub fn web_server(
        &self,
        shows: ServerTls,
        answer: impl Fn(&Request<Body>) -> Response + Clone + Send + Sync + 'static,
    ) -> WebServer {
        self.web_server_called(&host().to_string(), shows, answer)
    }

    /// The same on the host `name`, which leads to the address of all providers here.
    pub fn web_server_called(
        &self,
        name: &str,
        shows: ServerTls,
        answer: impl Fn(&Request<Body>) -> Response + Clone + Send + Sync + 'static,
    ) -> WebServer {
        let router = Router::new().fallback(move |request: Request<Body>| {
            let answered = answer(&request);
            async move { answered }
        });
        WebServer::serve(name, free_port(), shows, &self.issuer, router)
    }

    /// The name of a provider where nobody listens.
    pub fn nobody(&self) -> Provider {
        provider_at(free_port())
    }

    /// A copy of the data folder of `test_node`, which does not run.
    pub fn copy_of(&self, test_node: &TestNode) -> PathBuf {
        let copy = self.dir.path().join(format!("copy-{}", self.clock.id()));
        copy_folder(&test_node.config().data_dir, &copy);
        copy
    }

    /// Puts a copy in the place of the data folder of `test_node`, which does not run.
    pub fn restore(&self, test_node: &TestNode, copy: &Path) {
        std::fs::remove_dir_all(&test_node.config().data_dir).unwrap();
        copy_folder(copy, &test_node.config().data_dir);
    }

    /// A network in front of `config`'s node that breaks when it is told to; only the provider document goes round it.
    pub async fn faulty_network_before(&self, config: &mut Config) -> FaultyNetwork {
        let network = FaultyNetwork::listen(free_port(), config.mtp.listen.ip().unwrap()).await.unwrap();
        config.mtp.endpoint = Some(format!("https://{}/mtp/v1", network.address()).parse().unwrap());
        network
    }

    /// A directory that certificates for hosts at the address of all providers here are got from. It looks for the answers to its
    /// challenges at the port `tls`, and over HTTP at the port `http`; its certificates hold for `lifetime`.
    pub async fn acme_server(&self, tls: u16, http: u16, lifetime: Duration) -> AcmeServer {
        let places = Places {
            pebble: free_port(),
            management: free_port(),
            names: free_port(),
            names_management: free_port(),
        };
        let certificate = self.certificate(&host().to_string(), places.pebble.port());
        AcmeServer::start(
            self.dir(),
            places,
            Plan { ports: [tls, http], lifetime },
            certificate,
            &self.root(),
            |router| {
                WebServer::serve(&host().to_string(), free_port(), ServerTls::Good, &self.issuer, router)
            },
        )
        .await
    }

    /// A certificate that has signed itself and its key, PEM, for the host of all providers here.
    pub fn self_signed(&self) -> [PathBuf; 2] {
        self.signed_by_itself(|_| {})
    }

    /// The same, but of an authority, as `openssl req -x509` makes it.
    pub fn self_signed_authority(&self) -> [PathBuf; 2] {
        self.signed_by_itself(|made| made.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))
    }

    /// The same, for another host.
    pub fn self_signed_for(&self, host: &str) -> [PathBuf; 2] {
        self.signed_by_itself(|made| *made = CertificateParams::new(vec![host.to_owned()]).unwrap())
    }

    fn signed_by_itself(&self, alter: impl FnOnce(&mut CertificateParams)) -> [PathBuf; 2] {
        let pair = KeyPair::generate().unwrap();
        let mut made = CertificateParams::new(vec![host().to_string()]).unwrap();
        alter(&mut made);
        let made = made.self_signed(&pair).unwrap();
        let name = self.clock.id();
        let files = ["cert", "key"].map(|what| self.dir.path().join(format!("{name}-{what}.pem")));
        std::fs::write(&files[0], made.pem()).unwrap();
        std::fs::write(&files[1], pair.serialize_pem()).unwrap();
        files
    }

    /// A proxy in front of `config`'s node that ends TLS; only the provider document goes round it.
    pub fn proxy_in_front_of(&self, config: &mut Config) -> Proxy {
        let proxy = self.proxy_to(&format!("https://{}", config.mtp.listen.ip().unwrap()));
        config.mtp.endpoint = Some(format!("https://{}/mtp/v1", proxy.address()).parse().unwrap());
        proxy
    }

    /// A proxy that ends TLS, to the server at the origin `to`.
    pub fn proxy_to(&self, to: &str) -> Proxy {
        Proxy::before(to, &self.root(), |router| {
            WebServer::serve(&host().to_string(), free_port(), ServerTls::Good, &self.issuer, router)
        })
    }

    /// An address where nobody listens, and which is given to nobody else.
    pub fn free_address(&self) -> SocketAddr {
        free_port()
    }

    /// A certificate that all trust, for `host`, and its key, PEM; in files of whoever listens at `port`.
    pub fn certificate(&self, host: &str, port: u16) -> (PathBuf, PathBuf) {
        let file = |what: &str| self.dir.path().join(format!("{port}-{what}.pem"));
        let pair = KeyPair::generate().unwrap();
        let made = CertificateParams::new(vec![host.to_owned()]).unwrap();
        std::fs::write(file("cert"), made.signed_by(&pair, &self.issuer).unwrap().pem()).unwrap();
        std::fs::write(file("key"), pair.serialize_pem()).unwrap();
        (file("cert"), file("key"))
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn provider_at(address: SocketAddr) -> Provider {
    address.to_string().parse().unwrap()
}

/// The address of this process's providers. Those that are killed and started again need their port for themselves
/// meanwhile, so each process has an address of its own, where the system has the whole of 127.0.0.0/8.
fn host() -> Ipv4Addr {
    if !cfg!(target_os = "linux") {
        return Ipv4Addr::LOCALHOST;
    }
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    // Neither the address that everybody else uses, nor the broadcast's.
    Ipv4Addr::new(127, 1 + (high & 0x7f), middle, low)
}

/// A port that nobody listens on, and that was given to nobody in this process: who got one before may not listen yet. It
/// is outside the range that outgoing connections are given theirs from, so it stays free while a node that had it is
/// stopped.
fn free_port() -> SocketAddr {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    loop {
        // Where all processes have one address, each begins elsewhere.
        let number = std::process::id().wrapping_mul(61).wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let address = SocketAddr::from((host(), 10_000 + (number % 22_000) as u16));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
