//! A server on one address: TLS 1.3 or none, HTTP/2 and HTTP/1.1, a bounded number of connections, and an end that
//! lets what is under way finish.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use futures_util::TryFutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::target::{LastLine, Watched, WithFragment};

/// A handshake, and the head of a request, have to come within this.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Who is silent is asked for a sign of life so often, and has so long to give it.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIME: Duration = Duration::from_secs(10);
/// Requests at a time on one connection, and the octets of the headers of one.
const STREAMS: u32 = 128;
const HEADER_BYTES: u32 = 32 * 1024;
/// What is under way at the end may take so long to finish.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("[{section}] listen = \"{address}\" cannot be used: {reason}")]
pub struct ListenFault {
    section: &'static str,
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
    let fault = |fault: &io::Error| ListenFault {
        section,
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

/// Serves `router` until `stop`, then lets what is under way finish.
pub async fn serve(
    listener: Listener,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    connections: usize,
    stop: CancellationToken,
) {
    let listener = match TcpListener::from_std(listener.listener) {
        Ok(listener) => listener,
        Err(fault) => {
            tracing::error!(%fault, "the listener could not be used");
            return;
        }
    };
    let acceptor = tls.map(TlsAcceptor::from);
    let room = Arc::new(Semaphore::new(connections));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            permit = room.clone().acquire_owned() => match permit {
                Ok(permit) => tokio::select! {
                    () = stop.cancelled() => break,
                    accepted = listener.accept() => accepted.map(|(stream, address)| (stream, address, permit)),
                },
                Err(_) => break,
            },
        };
        let (stream, address, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(fault) => {
                // Out of file descriptors, or the peer was gone: neither is worth dying for.
                tracing::debug!(%fault, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let (acceptor, router, watcher) = (acceptor.clone(), router.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _permit = permit;
            let connection = match acceptor {
                None => speak(stream, address, router, watcher),
                Some(acceptor) => {
                    // Boxed, so that it is gone once it is done.
                    let handshake = Box::pin(tokio::time::timeout(HANDSHAKE_TIME, acceptor.accept(stream)));
                    let Ok(Ok(stream)) = handshake.await else { return };
                    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                        speak_http2(stream, address, router, watcher)
                    } else {
                        speak(stream, address, router, watcher)
                    }
                }
            };
            if let Err(fault) = connection.await {
                tracing::debug!(%fault, %address, "a connection broke");
            }
        });
    }
    drop(listener);
    // What is not finished by then is cut off.
    let _ = tokio::time::timeout(DRAIN_TIME, graceful.shutdown()).await;
}

/// A connection on which HTTP is spoken, until it ends.
type Spoken = Pin<Box<dyn Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>> + Send>>;

/// Speaks HTTP on one connection, in the version that the other side begins with.
///
/// A connection waits for hours, and there are thousands: no `async fn`, since that would keep room for `stream`
/// beside the connection that it has moved into.
fn speak<S>(stream: S, address: SocketAddr, router: Router, watcher: Watcher) -> Spoken
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HANDSHAKE_TIME);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE_EVERY)
        .keep_alive_timeout(KEEP_ALIVE_TIME)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_BYTES);
    let last_line = LastLine::default();
    let stream = TokioIo::new(Watched::new(stream, last_line.clone()));
    let connection = builder.serve_connection(stream, service(router, address, Some(last_line))).into_owned();
    Box::pin(watcher.watch(connection))
}

/// Speaks HTTP/2, as was agreed on with TLS: it is how peers wait, so it is kept small.
fn speak_http2<S>(stream: S, address: SocketAddr, router: Router, watcher: Watcher) -> Spoken
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE_EVERY)
        .keep_alive_timeout(KEEP_ALIVE_TIME)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_BYTES)
        // What would be remembered of headers are signatures above all, and none comes twice.
        .header_table_size(0)
        .serve_connection(TokioIo::new(stream), service(router, address, None));
    Box::pin(watcher.watch(connection).map_err(Into::into))
}

fn service(
    router: Router,
    address: SocketAddr,
    last_line: Option<LastLine>,
) -> impl hyper::service::Service<
    http::Request<Incoming>,
    Response = axum::response::Response,
    Error = std::convert::Infallible,
    Future: Send,
> {
    hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(ConnectInfo(address));
        if last_line.as_ref().is_some_and(|line| line.has_fragment(&request)) {
            request.extensions_mut().insert(WithFragment);
        }
        router.clone().oneshot(request)
    })
}
