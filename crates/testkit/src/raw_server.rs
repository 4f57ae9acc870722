//! A server that keeps to no protocol: it takes connections, and is silent or stops where a test wants it to.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use drawbridge_mtp::id::Provider;
use parking_lot::Mutex;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio_util::sync::{CancellationToken, DropGuard};

/// What such a server does with each connection.
#[derive(Clone, Debug)]
pub enum RawConduct {
    /// It takes the connection and says nothing.
    Silent,
    /// It agrees on TLS and says nothing over it.
    SilentOverTls,
    /// It waits for a request over TLS and sends these octets, each piece in a TLS record of its own. Then it says nothing.
    SendsThenSilent(Vec<Vec<u8>>),
    /// The same, but then it ends TLS and closes the connection.
    SendsThenCloses(Vec<Vec<u8>>),
    /// The same, but then the connection just ends.
    SendsThenBreaks(Vec<Vec<u8>>),
}

/// A server that does no more than it was told to. It runs until it is dropped.
pub struct RawServer {
    provider: Provider,
    conduct: Arc<Mutex<RawConduct>>,
    _stop: DropGuard,
}

impl RawServer {
    /// Listens at `address`, silently at first; TLS is by `tls`.
    pub(crate) async fn listen(address: SocketAddr, tls: Arc<ServerConfig>) -> Self {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let conduct = Arc::new(Mutex::new(RawConduct::Silent));
        let (stop, conducts) = (CancellationToken::new(), conduct.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let stream = stream.into_std().unwrap();
                let (conduct, tls) = (conducts.lock().clone(), tls.clone());
                // A thread of its own, which ends when the other side closes; a test does not wait for it.
                std::thread::spawn(move || attend(stream, conduct, tls));
            }
        }));
        Self { provider: address.to_string().parse().unwrap(), conduct, _stop: stop.drop_guard() }
    }

    /// The name of the provider in whose place it answers.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// What it does with connections from now on.
    pub fn conducts(&self, conduct: RawConduct) {
        *self.conduct.lock() = conduct;
    }
}

/// What comes after the last piece.
enum End {
    Silence,
    Close,
    Break,
}

fn attend(mut stream: TcpStream, conduct: RawConduct, tls: Arc<ServerConfig>) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    let (pieces, end) = match conduct {
        RawConduct::Silent => return wait_for_end(&mut stream),
        RawConduct::SilentOverTls => {
            agree(&mut stream, tls)?;
            return wait_for_end(&mut stream);
        }
        RawConduct::SendsThenSilent(pieces) => (pieces, End::Silence),
        RawConduct::SendsThenCloses(pieces) => (pieces, End::Close),
        RawConduct::SendsThenBreaks(pieces) => (pieces, End::Break),
    };
    let connection = agree(&mut stream, tls)?;
    let mut over_tls = StreamOwned::new(connection, stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        over_tls.read_exact(&mut octet)?;
        head.extend(octet);
    }
    for piece in pieces {
        over_tls.write_all(&piece)?;
        over_tls.flush()?;
    }
    match end {
        End::Silence => wait_for_end(&mut over_tls.sock),
        End::Close => {
            over_tls.conn.send_close_notify();
            over_tls.flush()
        }
        End::Break => Ok(()),
    }
}

fn agree(stream: &mut TcpStream, tls: Arc<ServerConfig>) -> io::Result<ServerConnection> {
    let mut connection = ServerConnection::new(tls).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(stream)?;
    }
    Ok(connection)
}

/// Returns when the other side has closed the connection.
fn wait_for_end(stream: &mut TcpStream) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(|_| ())
}
