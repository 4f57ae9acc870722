//! A server on one address or socket file: TLS 1.3 or none, HTTP/2 and HTTP/1.1, a bounded number of connections each of which has
//! its time, and an end that lets what is under way finish.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::ConnectInfo;
use bytes::Bytes;
use futures_util::TryFutureExt;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::content::Arriving;
use super::forwarded::TrustedProxies;
#[cfg(unix)]
use super::socket_file::{SocketFile, SocketListener};
use super::sockets::{Ending, Place, Sockets, UnderWay};
use super::target::{LastLine, Watched, WithFragment};
use crate::ground::config::{ListenAddress, MtpConfig};
use crate::identity::ACME_PROTOCOL;

/// The head of a request has to come within this.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// The same on the connection of a trusted proxy: longer than any connection may be unused.
const PROXY_HEAD_TIME: Duration = Duration::from_secs(180);
/// Who is silent is asked for a sign of life so often, and has so long to give it.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);
const KEEP_ALIVE_TIME: Duration = Duration::from_secs(10);
/// How often what has been in its state for too long is looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Requests at a time on one connection, and the octets of the head of one.
const STREAMS: u32 = 128;
const HEAD_BYTES: u32 = 16 * 1024;
/// What hyper takes of content that is not asked for yet: of one request, and of all on one connection. A round trip of
/// 100 ms still lets more than a megabyte a second through.
const STREAM_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW: u32 = 128 * 1024;
/// The system's codes for "too many open files": of the process and of the machine, and of Windows.
const OUT_OF_FILES: [i32; 3] = [24, 23, 10024];
/// What is under way at the end may take so long to finish.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("[{section}] {setting} = \"{address}\" cannot be used: {reason}")]
pub struct ListenFault {
    section: &'static str,
    setting: &'static str,
    address: ListenAddress,
    reason: String,
}

/// A bound address.
#[derive(Debug)]
pub struct Listener {
    listener: std::net::TcpListener,
    /// The address, with the port that the system gave where 0 was asked for.
    pub address: SocketAddr,
}

/// Binds the address of the section `section` of the configuration.
pub fn bind(section: &'static str, address: SocketAddr) -> Result<Listener, ListenFault> {
    bind_setting(section, "listen", address)
}

/// The same for an address that `setting` names in that section.
pub(crate) fn bind_setting(
    section: &'static str,
    setting: &'static str,
    address: SocketAddr,
) -> Result<Listener, ListenFault> {
    let fault = |fault: &io::Error| ListenFault {
        section,
        setting,
        address: address.into(),
        reason: match fault.kind() {
            io::ErrorKind::AddrInUse => {
                "another program listens there; stop it, or choose another port".into()
            }
            io::ErrorKind::PermissionDenied => "the system does not let us; choose a port over 1023".into(),
            _ => fault.to_string(),
        },
    };
    let listener = std::net::TcpListener::bind(address).map_err(|error| fault(&error))?;
    listener.set_nonblocking(true).map_err(|error| fault(&error))?;
    let address = listener.local_addr().map_err(|error| fault(&error))?;
    Ok(Listener { listener, address })
}

/// Where connections come in, and whom of those who connect is believed for whom it asks.
#[derive(Debug)]
pub struct BoundListener {
    bound: Bound,
    proxies: Option<Arc<TrustedProxies>>,
}

#[derive(Debug)]
enum Bound {
    Ip(Listener),
    #[cfg(unix)]
    SocketFile(SocketFile),
}

impl From<Listener> for BoundListener {
    fn from(listener: Listener) -> Self {
        Self { bound: Bound::Ip(listener), proxies: None }
    }
}

impl BoundListener {
    /// Binds what other providers, or the proxy before us, connect to.
    pub(crate) fn bind(config: &MtpConfig) -> Result<Self, ListenFault> {
        let bound = match &config.listen {
            ListenAddress::Ip(address) => Bound::Ip(bind("mtp", *address)?),
            ListenAddress::SocketFile(path) => {
                let fault = |reason| ListenFault {
                    section: "mtp",
                    setting: "listen",
                    address: config.listen.clone(),
                    reason,
                };
                #[cfg(unix)]
                let bound = SocketFile::bind(path).map(Bound::SocketFile);
                #[cfg(not(unix))]
                let bound = Err(format!("{} cannot be made on this system", path.display()));
                bound.map_err(fault)?
            }
        };
        let proxies = config.behind_proxy.then(|| {
            Arc::new(match &config.trusted_proxies {
                Some(networks) => TrustedProxies::new(networks.clone()),
                None => TrustedProxies::of_this_machine(),
            })
        });
        Ok(Self { bound, proxies })
    }

    /// Where it is, with the port that the system gave where 0 was asked for.
    pub(crate) fn address(&self) -> ListenAddress {
        match &self.bound {
            Bound::Ip(listener) => listener.address.into(),
            #[cfg(unix)]
            Bound::SocketFile(file) => ListenAddress::SocketFile(file.path().to_owned()),
        }
    }
}

/// What connections are taken from.
enum Acceptor {
    Ip(TcpListener),
    #[cfg(unix)]
    SocketFile(SocketListener),
}

/// A connection that was taken.
enum Accepted {
    Ip(TcpStream, SocketAddr),
    #[cfg(unix)]
    SocketFile(tokio::net::UnixStream),
}

impl Acceptor {
    fn new(bound: Bound) -> io::Result<Self> {
        match bound {
            Bound::Ip(listener) => TcpListener::from_std(listener.listener).map(Self::Ip),
            #[cfg(unix)]
            Bound::SocketFile(file) => file.into_listener().map(Self::SocketFile),
        }
    }

    async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Ip(listener) => {
                listener.accept().await.map(|(stream, address)| Accepted::Ip(stream, address))
            }
            #[cfg(unix)]
            Self::SocketFile(listener) => listener.accept().await.map(Accepted::SocketFile),
        }
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
struct Connected {
    /// Its address; that of this machine where it came by a socket file, which has none.
    address: SocketAddr,
    /// Where it is a proxy that is believed, who else is.
    proxies: Option<Arc<TrustedProxies>>,
}

impl Connected {
    /// Where this request comes from.
    fn asking(&self, headers: &http::HeaderMap) -> SocketAddr {
        match &self.proxies {
            Some(proxies) => {
                proxies.address_of(headers).map_or(self.address, |address| SocketAddr::new(address, 0))
            }
            None => self.address,
        }
    }

    /// Whose share of connections it is of; nobody's where it is a trusted proxy's.
    fn source(&self) -> Option<IpAddr> {
        self.proxies.is_none().then(|| self.address.ip())
    }
}

/// Serves `router` until `stop`, then lets what is under way finish. At most `limit` connections are open at a time.
pub async fn serve(
    listener: impl Into<BoundListener>,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    limit: usize,
    stop: CancellationToken,
) {
    let BoundListener { bound, proxies } = listener.into();
    let listener = match Acceptor::new(bound) {
        Ok(listener) => listener,
        Err(fault) => {
            tracing::error!(%fault, "the listener could not be used");
            return;
        }
    };
    let server = Server { tls: tls.map(TlsAcceptor::from), router };
    let sockets = Sockets::new(limit);
    let tasks = TaskTracker::new();
    let mut sweeps = tokio::time::interval(SWEEP_EVERY);
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            _ = sweeps.tick() => {
                sockets.sweep();
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(Accepted::Ip(stream, address)) => {
                let _ = stream.set_nodelay(true);
                let proxies = proxies.clone().filter(|proxies| proxies.trusts(address.ip()));
                let connected = Connected { address, proxies };
                let place = Arc::new(sockets.enter(connected.source()));
                tasks.spawn(server.clone().answer(stream, connected, place));
            }
            #[cfg(unix)]
            Ok(Accepted::SocketFile(stream)) => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let connected = Connected { address, proxies: proxies.clone() };
                let place = Arc::new(sockets.enter(connected.source()));
                tasks.spawn(server.clone().answer(stream, connected, place));
            }
            Err(fault) => {
                // Out of file descriptors, or the peer was gone: neither is worth dying for.
                tracing::debug!(%fault, "a connection could not be accepted");
                if fault.raw_os_error().is_some_and(|code| OUT_OF_FILES.contains(&code)) {
                    sockets.make_room();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    sockets.end_all(Ending::Finish);
    if tokio::time::timeout(DRAIN_TIME, tasks.wait()).await.is_err() {
        sockets.end_all(Ending::Cut);
        tasks.wait().await;
    }
}

/// What is served on each connection.
#[derive(Clone)]
struct Server {
    tls: Option<TlsAcceptor>,
    router: Router,
}

/// A connection on which HTTP is spoken, until it ends.
type Spoken = Pin<Box<dyn Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>> + Send>>;

impl Server {
    async fn answer<S>(self, stream: S, connected: Connected, place: Arc<Place>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let address = connected.address;
        let connection = match self.tls {
            None => speak(stream, connected, self.router, place),
            Some(acceptor) => {
                // Boxed, so that it is gone once it is done.
                let handshake = Box::pin(acceptor.accept(stream));
                let shaken = tokio::select! {
                    shaken = handshake => shaken,
                    _ = place.socket().told() => return,
                };
                let mut stream = match shaken {
                    Ok(stream) => stream,
                    Err(fault) => return note_handshake(address, &fault),
                };
                match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => speak_http2(stream, connected, self.router, place),
                    // The handshake was the answer.
                    Some(ACME_PROTOCOL) => {
                        let _ = stream.shutdown().await;
                        return;
                    }
                    _ => speak(stream, connected, self.router, place),
                }
            }
        };
        if let Err(fault) = connection.await {
            tracing::debug!(%fault, %address, "a connection broke");
        }
    }
}

/// Notes that the handshake with `address` has failed. Who connects from this machine with a TLS that is too old is most often
/// a proxy of the operator's, which tells others no more than that it does not reach us.
fn note_handshake(address: SocketAddr, fault: &io::Error) {
    let cause = fault.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let is_too_old = matches!(cause, Some(rustls::Error::PeerIncompatible(_)));
    if is_too_old && address.ip().to_canonical().is_loopback() {
        tracing::warn!(
            "a program on this computer has tried to connect with a TLS older than 1.3, or with nothing that we have in \
             common ({fault}); where it is a proxy before this provider, have it speak TLS 1.3 towards it, or set [mtp] \
             behind_proxy = true"
        );
    } else {
        tracing::debug!(%fault, %address, "a TLS handshake failed");
    }
}

/// Speaks HTTP on one connection, in the version that the other side begins with.
///
/// A connection waits for hours, and there are thousands: no `async fn`, since that would keep room for `stream`
/// beside the connection that it has moved into.
fn speak<S>(stream: S, connected: Connected, router: Router, place: Arc<Place>) -> Spoken
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // The time runs as well while nothing is asked. A proxy keeps its connections for the next request, and must not send
    // one in the moment in which we close: how long it may keep them is the sockets' to say.
    let head_time = if connected.proxies.is_some() { PROXY_HEAD_TIME } else { HEAD_TIME };
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head_time).max_buf_size(HEAD_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE_EVERY)
        .keep_alive_timeout(KEEP_ALIVE_TIME)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES);
    let last_line = LastLine::default();
    let stream = TokioIo::new(Watched::new(stream, last_line.clone()));
    let service = service(router, connected, place.clone(), Some(last_line));
    drive(builder.serve_connection(stream, service).into_owned(), place)
}

/// Speaks HTTP/2, as was agreed on with TLS: it is how peers wait, so it is kept small.
fn speak_http2<S>(stream: S, connected: Connected, router: Router, place: Arc<Place>) -> Spoken
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE_EVERY)
        .keep_alive_timeout(KEEP_ALIVE_TIME)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES)
        // What would be remembered of headers are signatures above all, and none comes twice.
        .header_table_size(0)
        .serve_connection(TokioIo::new(stream), service(router, connected, place.clone(), None));
    drive(connection, place)
}

/// Drives a connection until it ends, or its socket is told to.
fn drive<C>(connection: C, place: Arc<Place>) -> Spoken
where
    C: GracefulConnection<Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let mut connection = Box::pin(connection);
    Box::pin(async move {
        let socket = place.socket();
        tokio::select! {
            ended = connection.as_mut() => return ended.map_err(Into::into),
            ending = socket.told() => match ending {
                Ending::Finish => connection.as_mut().graceful_shutdown(),
                Ending::Cut => return Ok(()),
            }
        }
        tokio::select! {
            ended = connection => ended.map_err(Into::into),
            () = socket.told_to_cut() => Ok(()),
        }
    })
}

fn service(
    router: Router,
    connected: Connected,
    place: Arc<Place>,
    last_line: Option<LastLine>,
) -> impl hyper::service::Service<
    http::Request<Incoming>,
    Response = http::Response<Leaving>,
    Error = std::convert::Infallible,
    Future: Send,
> {
    hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let mut under_way = place.begin_request();
        let mut request = Arriving::of(request);
        let asking = connected.asking(request.headers());
        request.extensions_mut().insert(ConnectInfo(asking));
        if last_line.as_ref().is_some_and(|line| line.has_fragment(&request)) {
            request.extensions_mut().insert(WithFragment);
        }
        request.extensions_mut().insert(place.socket().clone());
        let answered = router.clone().oneshot(request);
        answered.map_ok(|answer| {
            answer.map(|body| {
                under_way.leaves();
                Leaving { body, under_way }
            })
        })
    })
}

/// The content of an answer: the request is under way until all of it is taken, or it is given up.
struct Leaving {
    body: Body,
    under_way: UnderWay,
}

impl HttpBody for Leaving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.under_way.leaves();
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
