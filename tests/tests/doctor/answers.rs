//! What servers of the tests answer in the place of a provider.

use axum::body::Body;
use axum::response::Response;
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::SecretKey;
use drawbridge_node::identity::provider_document;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, StatusCode};

/// The document of whom a request names.
pub(super) fn document_of(provider: &Provider) -> Vec<u8> {
    let endpoint = format!("https://{provider}/mtp/v1").parse().unwrap();
    provider_document(provider, &endpoint, [SecretKey::from_seed([7; 32]).public()]).to_json()
}

/// The provider that a request is for.
fn asked(headers: &HeaderMap) -> Provider {
    headers["host"].to_str().unwrap().parse().unwrap()
}

pub(super) fn answer(status: u16, content_type: &'static str, content: impl Into<Body>) -> Response {
    Response::builder().status(status).header(CONTENT_TYPE, content_type).body(content.into()).unwrap()
}

pub(super) fn page(status: u16) -> Response {
    let status_line = StatusCode::from_u16(status).unwrap();
    answer(status, "text/html", format!("<html><body><h1>{status_line}</h1></body></html>\n"))
}

pub(super) fn the_document(request: &http::Request<Body>) -> Response {
    answer(200, "application/json", document_of(&asked(request.headers())))
}

pub(super) fn redirect(to: &str) -> Response {
    Response::builder().status(301).header(LOCATION, to).body(Body::empty()).unwrap()
}

/// An answer in HTTP/1.1 with this content, and its place where the content begins.
fn http_answer(content: &[u8], length: usize) -> (Vec<u8>, usize) {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    ([head.as_bytes(), content].concat(), head.len())
}

/// The beginning of a document's answer, of which the end is missing.
pub(super) fn half_a_document(provider: &Provider) -> Vec<Vec<u8>> {
    let document = document_of(provider);
    let (answer, begins) = http_answer(&document, document.len());
    vec![answer[..begins + document.len() / 2].to_vec()]
}
