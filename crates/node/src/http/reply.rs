//! Answers, and how what can go wrong becomes a problem document (section 5).

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use drawbridge_mtp::message::ConnectionState;
use drawbridge_mtp::problem::{self, Code};
use drawbridge_mtp::wire::{self, Encoding};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::body::{Frame, SizeHint};
use serde::Serialize;

use super::shares::Held;
use crate::refusal::Refusal;
use crate::traffic::TrafficItems;

/// Every answer is for who asked alone, and reaches it as it was signed (section 4).
pub(crate) const NOT_KEPT: &str = "no-store, no-transform";

/// An answer before it is signed.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// The code, where it is a problem.
    pub(super) code: Option<Code>,
    /// For the traffic record: the items of a feed page, or what was submitted.
    pub(super) items: TrafficItems,
    /// What its reader holds by it.
    pub(super) held: Option<Held>,
}

impl Reply {
    /// A message in the encoding that was asked for.
    pub(super) fn message<T: Serialize>(status: StatusCode, encoding: Encoding, message: &T) -> Self {
        let mut reply = Self::empty(status);
        reply.headers.insert(CONTENT_TYPE, HeaderValue::from_static(encoding.content_type()));
        reply.body = wire::encode(encoding, message);
        reply
    }

    /// The state of a request: 202 while it is open, 200 once it is not (section 7).
    pub(super) fn state<T: Serialize>(state: ConnectionState, encoding: Encoding, message: &T) -> Self {
        Self::message(state_status(state), encoding, message)
    }

    /// No content.
    pub(super) fn empty(status: StatusCode) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(NOT_KEPT));
        Self { status, headers, body: Vec::new(), code: None, items: TrafficItems::default(), held: None }
    }

    /// Notes in the traffic record what the answer is about.
    pub(super) fn with_items(mut self, items: TrafficItems) -> Self {
        self.items = items;
        self
    }
}

/// The content of an answer on its way, in pieces, so that it is seen how far it has come.
pub(super) struct Outgoing {
    rest: Bytes,
    _held: Option<Held>,
}

impl Outgoing {
    const PIECE: usize = 64 * 1024;

    pub(super) fn new(content: Vec<u8>, held: Option<Held>) -> Self {
        Self { rest: content.into(), _held: held }
    }
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let piece = self.rest.len().min(Self::PIECE);
        let piece = self.rest.split_to(piece);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

/// The status that the state of a request is answered with.
pub(crate) fn state_status(state: ConnectionState) -> StatusCode {
    if state == ConnectionState::Pending { StatusCode::ACCEPTED } else { StatusCode::OK }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let (problem, retry_after) = refusal.into_parts();
        let mut reply = Self::empty(problem.status());
        reply.headers.insert(CONTENT_TYPE, HeaderValue::from_static(problem::CONTENT_TYPE));
        if let Some(after) = retry_after {
            let seconds = after.as_millis().div_ceil(1000).max(1);
            reply.headers.insert(RETRY_AFTER, HeaderValue::from(u32::try_from(seconds).unwrap_or(u32::MAX)));
        }
        reply.code = Some(problem.code);
        reply.body = problem.to_json();
        reply
    }
}

/// A problem as an answer to one of our own clients, who is not answered with a signature.
pub(crate) fn problem_response(refusal: Refusal) -> Response {
    let reply = Reply::from(refusal);
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    if reply.status == StatusCode::UNAUTHORIZED {
        // RFC 9110, section 11.6.1: a 401 names the scheme that is wanted.
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
