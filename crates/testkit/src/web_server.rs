//! What answers at an address in the place of a provider, or before it: another server, with a certificate that is as it
//! should be or not, or with none.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use drawbridge_mtp::id::Provider;
use rcgen::{CertificateParams, DnType, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use tokio_util::sync::{CancellationToken, DropGuard};

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
    /// Serves `router` at `address`, where nobody listens yet.
    pub(crate) fn serve(
        address: SocketAddr,
        shows: ServerTls,
        trusted: &Issuer<'static, KeyPair>,
        router: Router,
    ) -> Self {
        let tls = (shows != ServerTls::PlainHttp).then(|| tls(address, shows, trusted));
        let stop = CancellationToken::new();
        let listener = drawbridge_node::bind("mtp", address).unwrap();
        tokio::spawn(drawbridge_node::serve(listener, tls, router, 100, stop.clone()));
        Self { provider: address.to_string().parse().unwrap(), _stop: stop.drop_guard() }
    }

    /// The name of the provider in whose place it answers.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }
}

fn tls(
    address: SocketAddr,
    shows: ServerTls,
    trusted: &Issuer<'static, KeyPair>,
) -> Arc<rustls::ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let name = match shows {
        ServerTls::OtherName => Ipv4Addr::new(192, 0, 2, 1).to_string(),
        _ => address.ip().to_string(),
    };
    let mut made = CertificateParams::new(vec![name]).unwrap();
    let year = |year| date_time_ymd(year, 1, 1);
    (made.not_before, made.not_after) = match shows {
        ServerTls::Expired => (year(2001), year(2002)),
        ServerTls::NotYetValid => (year(2901), year(2902)),
        _ => (made.not_before, made.not_after),
    };
    let certificate = match shows {
        ServerTls::SelfSigned => made.self_signed(&key).unwrap(),
        ServerTls::UnknownIssuer => {
            let mut authority = CertificateParams::default();
            authority.distinguished_name.push(DnType::CommonName, "Nobody knows it");
            let authority = Issuer::new(authority, KeyPair::generate().unwrap());
            made.signed_by(&key, &authority).unwrap()
        }
        _ => made.signed_by(&key, trusted).unwrap(),
    };
    let versions: &[&rustls::SupportedProtocolVersion] = match shows {
        ServerTls::OldTls => &[&rustls::version::TLS12],
        _ => &[&rustls::version::TLS13],
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        );
    Arc::new(config.unwrap())
}
