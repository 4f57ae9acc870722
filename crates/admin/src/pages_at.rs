//! Where the pages are served.

use std::net::SocketAddr;

use drawbridge_node::config::Origin;

/// Where the pages are served, as the program says that serves them.
#[derive(Clone, Debug)]
pub struct PagesAt {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its certificate, where TLS is spoken there.
    pub certificate: Option<PagesCertificate>,
    /// Where else browsers open them, as by a proxy.
    pub origins: Vec<Origin>,
}

/// The certificate that the pages are served with.
#[derive(Clone, Debug)]
pub struct PagesCertificate {
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// Whether its own key has signed it, so that browsers warn of it.
    pub self_signed: bool,
}
