//! The connections to other providers: HTTPS alone, TLS 1.3, through the address guard (section 3).

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use parking_lot::RwLock;
use std::time::Duration;

use drawbridge_mtp::id::{Host, Provider};
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;

use super::guard::{AddressGuard, host_text};
use super::transport::{CONNECT_TIME, connection_fault, timed_out, tls_fault};
use super::trust::{Trust, Trusted};
use super::way::{NoteConnecting, NotedSessions};
use crate::identity::Fingerprint;
use crate::peer_fault::{PeerFault, Stage};

/// What this program calls itself in its requests.
pub(crate) const PROGRAM: &str = concat!("drawbridge/", env!("CARGO_PKG_VERSION"));

/// How other providers are connected to. Cheap to clone the client of, which keeps connections open.
pub(crate) struct Outbound {
    guard: AddressGuard,
    trust: Arc<Trust>,
    trusted: Trusted,
    tls: ClientConfig,
    client: RwLock<reqwest::Client>,
}

impl Outbound {
    /// Connections to where `guard` lets pass, trusting the system's roots and those in `extra_roots` (PEM).
    pub(crate) fn new(guard: AddressGuard, extra_roots: Option<&[u8]>) -> Result<Self, String> {
        let trusted = Trusted::default();
        let trust = trust(extra_roots, trusted.clone())?;
        let tls = tls_config(trust.clone())?;
        let client = RwLock::new(http_client(&guard, tls.clone()).map_err(|fault| fault.to_string())?);
        Ok(Self { guard, trust, trusted, tls, client })
    }

    /// Trusts, from the next connection on, the certificate of each of `pairs` for its provider, and none of those before. Connections that
    /// are open are left behind.
    pub(crate) fn trust_for(&self, pairs: Vec<(Provider, Fingerprint)>) {
        let mut trusted: HashMap<String, Vec<Fingerprint>> = HashMap::new();
        for (provider, fingerprint) in pairs {
            trusted.entry(host_text(provider.host())).or_default().push(fingerprint);
        }
        if *self.trusted.read() != trusted {
            *self.trusted.write() = trusted;
            self.renew();
        }
    }

    /// Lets, from the next connection on, each address of `pairs` pass for its host, and none of those before. Connections that are open
    /// are left behind.
    pub(crate) fn allow_addresses(&self, pairs: Vec<(String, IpAddr)>) {
        if self.guard.allow_for(pairs) {
            self.renew();
        }
    }

    /// Which addresses peers may be on.
    pub(crate) fn guard(&self) -> &AddressGuard {
        &self.guard
    }

    /// The client for all peers, with the connections that it has.
    pub(super) fn client(&self) -> reqwest::Client {
        self.client.read().clone()
    }

    /// Leaves all connections behind, which lead nowhere in another network: what is asked from now on has new ones. Nor is a handshake
    /// remembered, after which a certificate is not shown again.
    pub(super) fn renew(&self) {
        let mut tls = self.tls.clone();
        tls.resumption = Resumption::store(Arc::new(NotedSessions::with_memory()));
        match http_client(&self.guard, tls) {
            Ok(client) => *self.client.write() = client,
            Err(fault) => tracing::error!(%fault, "the connections to peers could not be made anew"),
        }
    }

    /// A client without any connection, and without the memory of an earlier handshake, which would spare the peer to
    /// show its certificate. It takes `own`, where that is given, for what it is, whoever vouches for it.
    pub(crate) fn without_memory(
        &self,
        own: Option<CertificateDer<'static>>,
    ) -> Result<reqwest::Client, reqwest::Error> {
        let mut tls = self.tls_without_memory();
        if own.is_some() {
            tls.dangerous().set_certificate_verifier(Arc::new(self.trust.knowing(own)));
        }
        http_client(&self.guard, tls)
    }

    /// The same, which goes to `host` at `addresses` alone. They have to be such as the guard lets pass.
    pub(crate) fn without_memory_at(
        &self,
        host: &str,
        addresses: &[SocketAddr],
    ) -> Result<reqwest::Client, reqwest::Error> {
        client_builder(&self.guard, self.tls_without_memory()).resolve_to_addrs(host, addresses).build()
    }

    fn tls_without_memory(&self) -> ClientConfig {
        let mut tls = self.tls.clone();
        tls.resumption = Resumption::store(Arc::new(NotedSessions::without_memory()));
        tls
    }

    /// Connects to `address`.
    pub(crate) async fn connect(&self, address: SocketAddr) -> Result<TcpStream, PeerFault> {
        match tokio::time::timeout(CONNECT_TIME, TcpStream::connect(address)).await {
            Ok(connected) => connected.map_err(|refused| connection_fault(&refused)),
            Err(_) => Err(timed_out(Stage::Connect)),
        }
    }

    /// The TLS handshake over a connection to `host`, which shows its certificate.
    pub(crate) async fn handshake(&self, host: Host<'_>, over: TcpStream) -> Handshake {
        let trust = Arc::new(self.trust.with_memory());
        let mut tls = self.tls_without_memory();
        tls.dangerous().set_certificate_verifier(trust.clone());
        let agreed = agree(tls, host, over).await;
        Handshake { agreed, shown: trust.shown() }
    }
}

/// What came of a TLS handshake.
pub(crate) struct Handshake {
    /// What was agreed on.
    pub(crate) agreed: Result<Agreed, PeerFault>,
    /// The certificates that were shown, the server's own first; none where it did not come to that.
    pub(crate) shown: Vec<CertificateDer<'static>>,
}

/// What a TLS handshake agreed on, as a person reads it.
pub(crate) struct Agreed {
    pub(crate) version: String,
    pub(crate) cipher: String,
    /// The protocol to be spoken over it, where one was chosen.
    pub(crate) protocol: Option<String>,
}

async fn agree(tls: ClientConfig, host: Host<'_>, over: TcpStream) -> Result<Agreed, PeerFault> {
    let name = match host {
        Host::Dns(name) => ServerName::try_from(name.to_owned())
            .map_err(|fault| PeerFault::new(Stage::Tls, "certificate-wrong-name", fault.to_string()))?,
        Host::V4(address) => IpAddr::from(address).into(),
        Host::V6(address) => IpAddr::from(address).into(),
    };
    let connector = tokio_rustls::TlsConnector::from(Arc::new(tls));
    match tokio::time::timeout(CONNECT_TIME, connector.connect(name, over)).await {
        Ok(Ok(connection)) => {
            let (_, session) = connection.get_ref();
            let version = session.protocol_version().and_then(|version| version.as_str()).unwrap_or("TLS");
            let cipher = session.negotiated_cipher_suite().map(|suite| suite.suite());
            Ok(Agreed {
                version: version.replace("TLSv1_", "TLS 1."),
                cipher: cipher.and_then(|suite| suite.as_str()).unwrap_or("unknown").to_owned(),
                protocol: session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
            })
        }
        Ok(Err(fault)) => Err(tls_fault(&fault)),
        Err(_) => Err(timed_out(Stage::Tls)),
    }
}

/// The system's roots, and those in `extra_roots`.
fn trust(extra_roots: Option<&[u8]>, trusted: Trusted) -> Result<Arc<Trust>, String> {
    let (mut roots, mut named) = (RootCertStore::empty(), Vec::new());
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if let Some(extra) = extra_roots {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(extra) {
            let certificate = certificate.map_err(|fault| fault.to_string())?;
            roots.add(certificate.clone()).map_err(|fault| fault.to_string())?;
            named.push(certificate);
        }
        if roots.len() == before {
            return Err("there is no certificate in it".into());
        }
    }
    Ok(Arc::new(Trust::new(roots, named, trusted, Arc::new(rustls::crypto::ring::default_provider()))?))
}

fn tls_config(trust: Arc<Trust>) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|fault| fault.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(trust)
        .with_no_client_auth();
    tls.resumption = Resumption::store(Arc::new(NotedSessions::with_memory()));
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

fn http_client(guard: &AddressGuard, tls: ClientConfig) -> Result<reqwest::Client, reqwest::Error> {
    client_builder(guard, tls).build()
}

fn client_builder(guard: &AddressGuard, tls: ClientConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(Arc::new(guard.clone()))
        .https_only(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIME)
        .connector_layer(NoteConnecting)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(10))
        .http2_initial_stream_window_size(1 << 20)
        .http2_initial_connection_window_size(4 << 20)
        .pool_idle_timeout(Duration::from_secs(90))
        .user_agent(PROGRAM)
}
