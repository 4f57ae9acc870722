//! A reverse proxy before a node, as an operator may have one, which is set up badly: it takes no request over a size, cuts
//! what waits or is long, or changes paths and fields.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{Request, StatusCode};
use parking_lot::Mutex;

/// A reverse proxy; whoever has it serves its [`FaultyProxy::router`]. Cheap to clone.
#[derive(Clone)]
pub struct FaultyProxy {
    way: Arc<Way>,
}

struct Way {
    client: reqwest::Client,
    /// The node's origin.
    to: String,
    takes: AtomicUsize,
    gives: AtomicUsize,
    waits: Mutex<Duration>,
    refused: Mutex<Vec<usize>>,
    /// What becomes of the path.
    rewrite: Mutex<Option<Rewrite>>,
    /// The fields that it takes out of requests, and out of answers.
    dropped: [Mutex<Vec<&'static str>>; 2],
}

type Rewrite = Box<dyn Fn(&str) -> String + Send>;

impl FaultyProxy {
    /// A proxy before the node at the origin `to`, whose certificate is to be by one of `roots`. It carries everything at
    /// first.
    ///
    /// # Errors
    ///
    /// Where no client for the node can be made.
    pub fn before(to: String, roots: rustls::RootCertStore) -> io::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
        let way = Way {
            client: client.build().map_err(io::Error::other)?,
            to,
            takes: usize::MAX.into(),
            gives: usize::MAX.into(),
            waits: Mutex::new(Duration::MAX),
            refused: Mutex::default(),
            rewrite: Mutex::default(),
            dropped: Default::default(),
        };
        Ok(Self { way: Arc::new(way) })
    }

    /// What is to be served in the node's place.
    pub fn router(&self) -> Router {
        Router::new().fallback(pass).with_state(self.way.clone())
    }

    /// From now on it takes requests of so many bytes at most.
    pub fn takes_at_most(&self, bytes: usize) {
        self.way.takes.store(bytes, Ordering::Relaxed);
    }

    /// From now on it breaks off an answer after so many bytes of content.
    pub fn gives_at_most(&self, bytes: usize) {
        self.way.gives.store(bytes, Ordering::Relaxed);
    }

    /// From now on it answers 504 where the node has not begun to answer within that.
    pub fn waits_at_most(&self, time: Duration) {
        *self.way.waits.lock() = time;
    }

    /// From now on it asks the node for what `rewrite` makes of the path and query that it is asked for.
    pub fn rewrites(&self, rewrite: impl Fn(&str) -> String + Send + 'static) {
        *self.way.rewrite.lock() = Some(Box::new(rewrite));
    }

    /// From now on it takes the field `name` out of requests.
    pub fn drops_from_requests(&self, name: &'static str) {
        self.way.dropped[0].lock().push(name);
    }

    /// From now on it takes the field `name` out of answers.
    pub fn drops_from_answers(&self, name: &'static str) {
        self.way.dropped[1].lock().push(name);
    }

    /// The sizes of the requests that it has refused.
    pub fn refused(&self) -> Vec<usize> {
        self.way.refused.lock().clone()
    }
}

/// Carries one request to the node, and its answer back as far as it lets it.
async fn pass(State(way): State<Arc<Way>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let size =
        parts.headers.get(CONTENT_LENGTH).and_then(|size| size.to_str().ok()?.parse().ok()).unwrap_or(0);
    if size > way.takes.load(Ordering::Relaxed) {
        way.refused.lock().push(size);
        return page(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let target = match &*way.rewrite.lock() {
        Some(rewrite) => rewrite(target),
        None => target.to_owned(),
    };
    let mut headers = parts.headers;
    headers.remove(HOST);
    for name in &*way.dropped[0].lock() {
        headers.remove(*name);
    }
    let content = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let asked =
        way.client.request(parts.method, format!("{}{target}", way.to)).headers(headers).body(content);
    let waits = *way.waits.lock();
    let answer = match tokio::time::timeout(waits, asked.send()).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => return page(StatusCode::BAD_GATEWAY),
        Err(_) => return page(StatusCode::GATEWAY_TIMEOUT),
    };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    for name in &*way.dropped[1].lock() {
        headers.remove(*name);
    }
    let Ok(content) = answer.bytes().await else { return page(StatusCode::BAD_GATEWAY) };
    let mut response = Response::new(at_most(content, way.gives.load(Ordering::Relaxed)));
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    response
}

/// `content`, which breaks off after so many bytes.
fn at_most(content: Bytes, bytes: usize) -> Body {
    if content.len() <= bytes {
        return Body::from(content);
    }
    let broken = Err(io::Error::from(io::ErrorKind::ConnectionAborted));
    Body::from_stream(stream::iter([Ok(content.slice(..bytes)), broken]))
}

/// What nginx says, by which nothing is signed.
fn page(status: StatusCode) -> Response {
    let page = format!(
        "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    (status, [(CONTENT_TYPE, "text/html")], page).into_response()
}
