//! A server on one address: TLS 1.3 or none, HTTP/2 and HTTP/1.1, a bounded number of connections each of which has
//! its time, and an end that lets what is under way finish.

use std::io;
use std::net::SocketAddr;
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
use super::sockets::{Ending, Place, Sockets, UnderWay};
use super::target::{LastLine, Watched, WithFragment};
use crate::identity::ACME_PROTOCOL;

/// The head of a request has to come within this.
const HEAD_TIME: Duration = Duration::from_secs(10);
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
    address: SocketAddr,
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
        address,
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

/// Serves `router` until `stop`, then lets what is under way finish. At most `limit` connections are open at a time.
pub async fn serve(
    listener: Listener,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    limit: usize,
    stop: CancellationToken,
) {
    let listener = match TcpListener::from_std(listener.listener) {
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
            Ok((stream, address)) => {
                let _ = stream.set_nodelay(true);
                let place = Arc::new(sockets.enter(address.ip()));
                tasks.spawn(server.clone().answer(stream, address, place));
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
    async fn answer(self, stream: TcpStream, address: SocketAddr, place: Arc<Place>) {
        let connection = match self.tls {
            None => speak(stream, address, self.router, place),
            Some(acceptor) => {
                // Boxed, so that it is gone once it is done.
                let handshake = Box::pin(acceptor.accept(stream));
                let shaken = tokio::select! {
                    shaken = handshake => shaken,
                    _ = place.socket().told() => return,
                };
                let Ok(mut stream) = shaken else { return };
                match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => speak_http2(stream, address, self.router, place),
                    // The handshake was the answer.
                    Some(ACME_PROTOCOL) => {
                        let _ = stream.shutdown().await;
                        return;
                    }
                    _ => speak(stream, address, self.router, place),
                }
            }
        };
        if let Err(fault) = connection.await {
            tracing::debug!(%fault, %address, "a connection broke");
        }
    }
}

/// Speaks HTTP on one connection, in the version that the other side begins with.
///
/// A connection waits for hours, and there are thousands: no `async fn`, since that would keep room for `stream`
/// beside the connection that it has moved into.
fn speak<S>(stream: S, address: SocketAddr, router: Router, place: Arc<Place>) -> Spoken
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(HEAD_BYTES as usize);
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
    let service = service(router, address, place.clone(), Some(last_line));
    drive(builder.serve_connection(stream, service).into_owned(), place)
}

/// Speaks HTTP/2, as was agreed on with TLS: it is how peers wait, so it is kept small.
fn speak_http2<S>(stream: S, address: SocketAddr, router: Router, place: Arc<Place>) -> Spoken
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
        .serve_connection(TokioIo::new(stream), service(router, address, place.clone(), None));
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
    address: SocketAddr,
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
        request.extensions_mut().insert(ConnectInfo(address));
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
