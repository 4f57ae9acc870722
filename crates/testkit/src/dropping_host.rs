//! A host behind a firewall that drops what comes: whoever connects hears nothing, not even that nobody listens.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// An address that answers no attempt to connect, until it is dropped.
///
/// Nothing listens there in earnest: the queue of connections that wait to be accepted is full, and Linux drops what comes
/// to such a one. Other systems may refuse it instead.
pub struct DroppingHost {
    address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl DroppingHost {
    /// One at `address`, where nobody listens yet.
    pub async fn at(address: SocketAddr) -> Self {
        /// Where a queue is not full, a connection within this computer comes about at once.
        const HEARS_NOTHING: Duration = Duration::from_millis(500);
        /// More than fit into a queue of one.
        const ENOUGH: usize = 8;
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(connected) = tokio::time::timeout(HEARS_NOTHING, TcpStream::connect(address)).await {
            assert!(waiting.len() < ENOUGH, "this system does not drop what comes to a full queue");
            waiting.push(connected.unwrap());
        }
        Self { address, _listener: listener, _waiting: waiting }
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
