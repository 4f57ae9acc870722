//! Connections that ask for nothing keep nobody else out, and each ends when the time for its state is over.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use drawbridge_node::config::ListenConfig;
use drawbridge_testkit::{Daemon, Federation, WAIT_LIMIT};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use http::StatusCode;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

/// What one stranger tries to hold, and what it may keep of it: a third of what may be open, 4,096.
const CROWD: usize = 4095;
const SHARE: usize = 4096 / 3 + 1;

async fn connect(from: Ipv4Addr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(from.into(), 0))?;
    socket.connect(to).await
}

/// As many connections as are wanted, or as the machine gives, that say nothing.
async fn silent_crowd(from: Ipv4Addr, to: SocketAddr, wanted: usize) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    while crowd.len() < wanted {
        match connect(from, to).await {
            Ok(stream) => crowd.push(stream),
            // What was sent away at once, before it was seen to be there.
            Err(fault) if fault.kind() == std::io::ErrorKind::ConnectionReset => {}
            Err(_) => break,
        }
    }
    crowd
}

fn text(json: &serde_json::Value) -> &str {
    json.as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_silent_connections_of_one_address_keep_nobody_out() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let (peer, latecomer) = (federation.scripted_peer(), federation.scripted_peer());
    alpha.allows(peer.provider()).await;
    // A peer's pull waits meanwhile, from an address that a crowd comes from too.
    let page = peer.gets(alpha.provider(), "/feed?after=0").send().await.json();
    let (place, last) = (&page["generation"], &page["items"][0]);
    let query = format!("generation={}&after={}&last={}", text(place), last["seq"], text(&last["id"]));
    let pull = peer.gets(alpha.provider(), &format!("/feed?{query}&wait=55"));
    let waits = async {
        let heard = pull.send().await;
        assert_eq!(heard.status, StatusCode::OK);
    };
    let flood = async {
        alpha.waits_for_pull_by(peer.provider()).await;
        let mut crowds = Vec::new();
        for from in [Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::LOCALHOST] {
            let crowd = silent_crowd(from, alpha.config().mtp.listen.ip().unwrap(), CROWD).await;
            assert!(crowd.len() > SHARE, "this machine gives {} connections only", crowd.len());
            // A new one is served at once, from an address of its own and from that of the crowd.
            let served = tokio::time::timeout(
                Duration::from_secs(20),
                latecomer.gets(alpha.provider(), "/ping").send(),
            );
            assert_eq!(served.await.expect("others are served").status, StatusCode::OK);
            crowds.push(crowd);
        }
        for crowd in &crowds {
            // Nothing is ever said on one, so there is something to be read of it once it is closed.
            let closed = crowd.iter().map(TcpStream::readable).collect::<FuturesUnordered<_>>();
            let closed = closed.take(crowd.len() - SHARE).count();
            assert!(tokio::time::timeout(WAIT_LIMIT, closed).await.is_ok(), "more than its share is kept");
        }
        assert!(alpha.node().operator().is_pulled_by(peer.provider()), "who waits by right is not idle");
        // A stop answers what waits.
        alpha.stop().await;
    };
    tokio::join!(waits, flood);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_on_which_nothing_comes_about_is_closed_in_every_state() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let (mtp, client) =
        (alpha.config().mtp.listen.ip().unwrap(), alpha.config().client.as_ref().unwrap().listen);
    let plain = async |to: SocketAddr, said: &[u8]| {
        let mut stream = connect(Ipv4Addr::LOCALHOST, to).await.unwrap();
        stream.write_all(said).await.unwrap();
        stream
    };
    let tls = async |protocols: &[&str], said: &[u8]| {
        let stream = connect(Ipv4Addr::LOCALHOST, mtp).await.unwrap();
        let mut stream = shake_hands(&federation, stream, protocols).await;
        stream.write_all(said).await.unwrap();
        stream
    };
    const BEGUN: &[u8] = b"GET / HTTP/1.1\r\nHost: here\r\n";
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    // Settings, with nothing after them.
    let preface_and_settings = [PREFACE, &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
    let states = [
        ends("TLS is not begun", plain(mtp, b"").await),
        ends("TLS is begun", plain(mtp, &[0x16, 3, 1, 2, 0]).await),
        ends("no version of HTTP is told", plain(client, b"").await),
        ends("it is begun to be told", plain(client, &PREFACE[..5]).await),
        ends("the head is begun", plain(client, BEGUN).await),
        ends("HTTP/2 is only said to come", plain(client, &preface_and_settings).await),
        ends("no version of HTTP is told over TLS", tls(&[], b"").await),
        ends("the head is begun over TLS", tls(&["http/1.1"], BEGUN).await),
        ends("HTTP/2 is agreed on, and not begun", tls(&["h2"], b"").await),
        ends("its preface is half there", tls(&["h2"], &PREFACE[..5]).await),
        ends("HTTP/2 is begun, and nothing asked", tls(&["h2"], &preface_and_settings).await),
    ];
    join_all(states).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_keep_nobody_from_the_operators_pages() {
    let federation = Federation::new();
    let listen = federation.config(|_| {}).mtp.listen.ip().unwrap();
    let config = federation.config(|config| config.admin = Some(ListenConfig::plain(listen)));
    let _daemon = Daemon::start(&config).await;
    for from in [Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::LOCALHOST] {
        let crowd = silent_crowd(from, listen, 600).await;
        assert_eq!(crowd.len(), 600);
        // Also from the address that the crowd has: on the loopback network all come from one.
        for visitor in [from, Ipv4Addr::new(127, 0, 0, 3)] {
            let visit = async {
                let mut stream = connect(visitor, listen).await.unwrap();
                let asked = format!("GET / HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n");
                stream.write_all(asked.as_bytes()).await.unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                answer
            };
            // Before the crowd has had its time, which is fifteen seconds.
            let answer = tokio::time::timeout(Duration::from_secs(12), visit).await.expect("it is answered");
            assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
        }
    }
}

type Ends<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Returns when the other side has closed it.
fn ends<'a>(state: &'a str, mut stream: impl AsyncRead + Unpin + 'a) -> Ends<'a> {
    Box::pin(async move {
        // An end or a reset: both close it.
        let read = tokio::time::timeout(WAIT_LIMIT, stream.read_to_end(&mut Vec::new())).await;
        assert!(read.is_ok(), "a connection stays open where {state}");
    })
}

async fn shake_hands(
    federation: &Federation,
    stream: TcpStream,
    protocols: &[&str],
) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(federation.root()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::from(stream.peer_addr().unwrap().ip());
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}
