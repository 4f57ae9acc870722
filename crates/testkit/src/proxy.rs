//! A proxy before a node that ends TLS, as an operator may have one, and takes no request over a size or changes
//! their paths.

use std::ops::Deref;
use std::path::Path;

use axum::Router;
use drawbridge_faulty_network::FaultyProxy;
use drawbridge_mtp::id::Provider;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::WebServer;

/// A [`FaultyProxy`] with the [`WebServer`] that serves it. It is there until it is dropped.
pub struct Proxy {
    proxy: FaultyProxy,
    server: WebServer,
}

impl Proxy {
    /// A proxy before the node at the origin `to`, which has a certificate by `root`, where `serve` serves it.
    pub(crate) fn before(to: &str, root: &Path, serve: impl FnOnce(Router) -> WebServer) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(root).unwrap()).unwrap();
        let proxy = FaultyProxy::before(to.to_owned(), roots).unwrap();
        let server = serve(proxy.router());
        Self { proxy, server }
    }

    /// Where it listens: a host and a port.
    pub fn address(&self) -> &Provider {
        self.server.provider()
    }
}

impl Deref for Proxy {
    type Target = FaultyProxy;

    fn deref(&self) -> &FaultyProxy {
        &self.proxy
    }
}
