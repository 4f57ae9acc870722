//! What answers at an address in the place of a provider, or before it: another server, with a certificate that is as it
//! should be or not, or with none.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use drawbridge_mtp::id::Provider;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The host of a certificate for another name.
const OTHER: &str = "192.0.2.1";

/// What such a server shows to whoever connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerTls {
    /// A certificate that all of the federation trust.
    Good,
    /// One that has run out.
    Expired,
    /// One that is not valid yet.
    NotYetValid,
    /// One for another name.
    OtherName,
    /// One of an authority that nobody trusts.
    UnknownIssuer,
    /// One that it has signed itself.
    SelfSigned,
    /// One that it has signed itself, for another name.
    SelfSignedOtherName,
    /// One of an authority that nobody trusts, for another name.
    UnknownIssuerOtherName,
    /// One of an authority that one trusted by all has signed, with that authority's.
    WithIntermediate,
    /// The same without that authority's, though it says where to find it.
    WithoutIntermediate,
    /// The same without that authority's, and it does not say where to find it, as those of a private authority.
    WithoutIntermediateAndItsPlace,
    /// A good one to whoever names the host in the handshake, and one for another name to everybody else.
    OnlyWithSni,
    /// Only TLS 1.2.
    OldTls,
    /// Plain HTTP.
    PlainHttp,
}

/// A server that is no provider. It runs until it is dropped.
pub struct WebServer {
    provider: Provider,
    _stop: DropGuard,
}

impl WebServer {
    /// Serves `router` at `address`, where nobody listens yet and to which `host` leads.
    pub(crate) fn serve(
        host: &str,
        address: SocketAddr,
        shows: ServerTls,
        trusted: &Issuer<'static, KeyPair>,
        router: Router,
    ) -> Self {
        let tls = (shows != ServerTls::PlainHttp).then(|| tls(host, shows, trusted));
        let stop = CancellationToken::new();
        let listener = drawbridge_node::bind("mtp", address).unwrap();
        tokio::spawn(drawbridge_node::serve(listener, tls, router, 100, stop.clone()));
        Self { provider: format!("{host}:{}", address.port()).parse().unwrap(), _stop: stop.drop_guard() }
    }

    /// The name of the provider in whose place it answers.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }
}

/// The TLS of a server at `host` that shows that; `trusted` is the authority that all trust.
pub(crate) fn tls(host: &str, shows: ServerTls, trusted: &Issuer<'static, KeyPair>) -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let is_for_other = matches!(
        shows,
        ServerTls::OtherName | ServerTls::SelfSignedOtherName | ServerTls::UnknownIssuerOtherName
    );
    let made = params(if is_for_other { OTHER } else { host }, shows);
    let chain = match shows {
        ServerTls::SelfSigned | ServerTls::SelfSignedOtherName => vec![made.self_signed(&key).unwrap()],
        ServerTls::UnknownIssuer | ServerTls::UnknownIssuerOtherName => {
            let unknown = Issuer::new(authority("Nobody knows it"), KeyPair::generate().unwrap());
            vec![made.signed_by(&key, &unknown).unwrap()]
        }
        ServerTls::WithIntermediate
        | ServerTls::WithoutIntermediate
        | ServerTls::WithoutIntermediateAndItsPlace => {
            let (params, between) = (authority("Drawbridge tests, between"), KeyPair::generate().unwrap());
            let intermediate = params.signed_by(&between, trusted).unwrap();
            let leaf = made.signed_by(&key, &Issuer::new(params, between)).unwrap();
            let shown = (shows == ServerTls::WithIntermediate).then_some(intermediate);
            [leaf].into_iter().chain(shown).collect()
        }
        _ => vec![made.signed_by(&key, trusted).unwrap()],
    };
    let versions: &[&rustls::SupportedProtocolVersion] = match shows {
        ServerTls::OldTls => &[&rustls::version::TLS12],
        _ => &[&rustls::version::TLS13],
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let usual = certified(&chain, &key, &provider);
    let otherwise = (shows == ServerTls::OnlyWithSni).then(|| {
        let key = KeyPair::generate().unwrap();
        certified(&[params(OTHER, shows).signed_by(&key, trusted).unwrap()], &key, &provider)
    });
    let shown = Shown { host: host.to_owned(), usual, otherwise };
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    Arc::new(config.with_no_client_auth().with_cert_resolver(Arc::new(shown)))
}

fn params(host: &str, shows: ServerTls) -> CertificateParams {
    let mut made = CertificateParams::new(vec![host.to_owned()]).unwrap();
    made.distinguished_name.push(DnType::CommonName, host);
    let year = |year| date_time_ymd(year, 1, 1);
    (made.not_before, made.not_after) = match shows {
        ServerTls::Expired => (year(2001), year(2002)),
        ServerTls::NotYetValid => (year(2901), year(2902)),
        _ => (made.not_before, made.not_after),
    };
    if matches!(shows, ServerTls::WithIntermediate | ServerTls::WithoutIntermediate) {
        made.custom_extensions.push(issuers_place("http://authority.example/ca.crt"));
    }
    made
}

fn authority(name: &str) -> CertificateParams {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, name);
    authority
}

/// Says where the issuer's certificate is, as all public authorities do: the extension authorityInfoAccess with caIssuers.
fn issuers_place(url: &str) -> CustomExtension {
    const AUTHORITY_INFO_ACCESS: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 1];
    const CA_ISSUERS: [u8; 10] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
    const SEQUENCE: u8 = 0x30;
    const URL: u8 = 0x86;
    let tagged = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
    let place = [&CA_ISSUERS[..], &tagged(URL, url.as_bytes())].concat();
    let content = tagged(SEQUENCE, &tagged(SEQUENCE, &place));
    CustomExtension::from_oid_content(&AUTHORITY_INFO_ACCESS, content)
}

fn certified(chain: &[rcgen::Certificate], key: &KeyPair, provider: &CryptoProvider) -> Arc<CertifiedKey> {
    let chain = chain.iter().map(|certificate| certificate.der().clone()).collect();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    Arc::new(CertifiedKey::from_der(chain, key, provider).unwrap())
}

/// Which certificate is shown to whom.
#[derive(Debug)]
struct Shown {
    host: String,
    usual: Arc<CertifiedKey>,
    /// What is shown to who does not name the host, where that is another.
    otherwise: Option<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_named = hello.server_name() == Some(self.host.as_str());
        Some(self.otherwise.as_ref().filter(|_| !is_named).unwrap_or(&self.usual).clone())
    }
}
