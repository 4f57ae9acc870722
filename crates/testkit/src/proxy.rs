//! A proxy before a node that ends TLS, as an operator may have one, and takes no request over a size or changes
//! their paths.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use drawbridge_mtp::id::Provider;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{Request, StatusCode};
use parking_lot::Mutex;

use crate::WebServer;

/// What nginx says, by which nothing is signed.
const TOO_LARGE: &str = "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n\
<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// A reverse proxy: a [`WebServer`] that carries what it is asked to a node. It is there until it is dropped.
pub struct Proxy {
    way: Arc<Way>,
    server: WebServer,
}

struct Way {
    client: reqwest::Client,
    /// The node's origin.
    to: String,
    at_most: AtomicUsize,
    refused: Mutex<Vec<usize>>,
    /// What becomes of the path.
    rewrite: Mutex<Option<Rewrite>>,
    /// The fields that it takes out of requests, and out of answers.
    dropped: [Mutex<Vec<&'static str>>; 2],
}

type Rewrite = Box<dyn Fn(&str) -> String + Send>;

impl Proxy {
    /// A proxy before the node at the origin `to`, which has a certificate by `root`, where `serve` serves it.
    pub(crate) fn before(to: &str, root: &Path, serve: impl FnOnce(Router) -> WebServer) -> Self {
        let way = Arc::new(Way {
            client: crate::scripted_peer::client(root),
            to: to.to_owned(),
            at_most: usize::MAX.into(),
            refused: Mutex::default(),
            rewrite: Mutex::default(),
            dropped: Default::default(),
        });
        let server = serve(Router::new().fallback(pass).with_state(way.clone()));
        Self { way, server }
    }

    /// Where it listens: a host and a port.
    pub fn address(&self) -> &Provider {
        self.server.provider()
    }

    /// From now on it takes requests of so many bytes at most.
    pub fn takes_at_most(&self, bytes: usize) {
        self.way.at_most.store(bytes, Ordering::Relaxed);
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

/// Carries one request to the node, and its answer back as it is.
async fn pass(State(way): State<Arc<Way>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let size =
        parts.headers.get(CONTENT_LENGTH).and_then(|size| size.to_str().ok()?.parse().ok()).unwrap_or(0);
    if size > way.at_most.load(Ordering::Relaxed) {
        way.refused.lock().push(size);
        return (StatusCode::PAYLOAD_TOO_LARGE, [(CONTENT_TYPE, "text/html")], TOO_LARGE).into_response();
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
    let Ok(answer) = asked.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    for name in &*way.dropped[1].lock() {
        headers.remove(*name);
    }
    let Ok(content) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let mut response = Response::new(Body::from(content));
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    response
}
