//! Which router this computer's packets go by.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

/// The way from this computer to its router, over IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gateway {
    /// The router's address in this network.
    pub(super) router: Ipv4Addr,
    /// This computer's, as the router sees it.
    pub(super) own: Ipv4Addr,
}

impl Gateway {
    /// The one that packets to the Internet are given to; none where no network has one.
    pub(super) async fn find() -> Option<Self> {
        // It reads files and asks the system: both may wait.
        let found = tokio::task::spawn_blocking(netdev::get_default_gateway).await.ok()?.ok()?;
        let router = found.ipv4.into_iter().find(|address| !address.is_unspecified())?;
        // A system says which address it would use without sending anything.
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
        socket.connect((router, 9)).ok()?;
        match socket.local_addr().ok()?.ip() {
            IpAddr::V4(own) => Some(Self { router, own }),
            IpAddr::V6(_) => None,
        }
    }
}
