//! The server for other providers: the provider document, and everything below the endpoint behind one gate that
//! checks each request in the order of section 4 and signs each answer.

mod authorizations;
mod connections;
mod content;
mod feed;
mod gate;
mod groups;
mod key_packages;
mod listen;
mod peering;
mod reply;
mod shares;
mod sockets;
mod target;
mod throttle;
mod turns;

pub use listen::{ListenFault, Listener, bind, serve};
pub use sockets::{Socket, Trust};

pub(crate) use content::Unread;
pub(crate) use reply::{NOT_KEPT, problem_response, state_status};
pub(crate) use throttle::Throttle;
pub(crate) use turns::Turns;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use drawbridge_mtp::id::{Id, Provider, UserUri};
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::signature::combined;
use drawbridge_mtp::wire::{self, Encoding};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method};

use crate::core::Core;
use crate::refusal::Refusal;
use content::Content;
use reply::Reply;

/// How long others may keep our document, in seconds.
const DOCUMENT_LIFETIME: &str = "max-age=3600";

/// All that other providers can ask.
pub(crate) fn router(core: Arc<Core>) -> Router {
    Router::new().route("/.well-known/mtp", get(document)).fallback(gate::gate).with_state(core)
}

/// `GET /.well-known/mtp` (section 3).
async fn document(State(core): State<Arc<Core>>) -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, DOCUMENT_LIFETIME)], core.document.clone())
        .into_response()
}

/// Who asks, proved by a signature.
#[derive(Clone, Debug)]
struct Caller {
    provider: Provider,
    state: PeerState,
    address: IpAddr,
    /// When the request was signed, in seconds.
    signed: u64,
}

/// A request that has passed the gate.
struct Passed<'a> {
    core: &'a Core,
    caller: Caller,
    headers: HeaderMap,
    query: &'a str,
    content: Content,
}

/// The resources: one handler each.
async fn answer(method: &Method, path: &[&str], passed: Box<Passed<'_>>) -> Result<Reply, Refusal> {
    match (method.as_str(), path) {
        // These wait, thousands at a time: they let go of what they do not need for that, and keep no room for others.
        ("GET", ["feed"]) => feed::pull(passed).await,
        ("GET", ["peering"]) => peering::state(passed).await,
        _ => Box::pin(answer_at_once(method, path, passed)).await,
    }
}

async fn answer_at_once(method: &Method, path: &[&str], passed: Box<Passed<'_>>) -> Result<Reply, Refusal> {
    match (method.as_str(), path) {
        ("GET", ["ping"]) => peering::ping(&passed).await,
        ("POST", ["peering"]) => peering::introduce(&passed).await,
        ("POST", ["connections"]) => connections::request(&passed).await,
        ("DELETE", ["connections", id]) => connections::take_back(&passed, id).await,
        ("POST", ["authorizations"]) => authorizations::request(&passed).await,
        ("DELETE", ["authorizations", id]) => authorizations::take_back(&passed, id).await,
        ("POST", ["keypackages", "claim"]) => key_packages::claim(&passed).await,
        ("POST", ["submissions"]) => groups::submit(&passed).await,
        ("GET", ["groups", name]) => groups::status(&passed, name).await,
        ("GET", ["groups", name, "roster"]) => groups::roster(&passed, name).await,
        ("GET", ["groups", name, "log"]) => groups::log(&passed, name).await,
        ("GET", ["groups", name, "info"]) => groups::info(&passed, name).await,
        ("GET", ["groups", name, "checkpoint"]) => groups::checkpoint(&passed, name).await,
        ("GET", ["objects", sha256]) => groups::object(&passed, sha256).await,
        _ => Err(Problem::new(
            Code::NotFound,
            "there is no such resource here; look at the path and the method",
        )
        .into()),
    }
}

/// Whether who is not allowed may use a resource too (section 6).
fn is_open_to_strangers(method: &Method, path: &[&str]) -> bool {
    matches!(
        (method.as_str(), path),
        ("GET", ["ping"])
            | ("GET" | "POST", ["peering"])
            | ("POST", ["connections"])
            | ("DELETE", ["connections", _])
    )
}

impl Passed<'_> {
    /// Reads the content, which has to be there.
    fn message<T: serde::de::DeserializeOwned>(&self) -> Result<T, Refusal> {
        read_message(&self.headers, &self.content)
    }

    /// `user` is to be the caller's (sections 7 to 9).
    fn must_be_theirs(&self, user: &UserUri) -> Result<(), Refusal> {
        if *user.provider() == self.caller.provider {
            return Ok(());
        }
        let text = format!("{user} is not a user of {}, who asks", self.caller.provider);
        Err(Problem::new(Code::NotAuthorized, text).into())
    }

    /// `user` is to be ours, whether or not there is one.
    fn must_be_ours(&self, user: &UserUri) -> Result<(), Refusal> {
        if *user.provider() == self.core.ours {
            return Ok(());
        }
        Err(Problem::new(Code::NotHere, format!("{user} is not a user of {}", self.core.ours)).into())
    }

    /// The encoding that the caller wants to be answered in.
    fn wanted(&self) -> Encoding {
        wanted(&self.headers)
    }
}

/// Reads the content of a request, which has to be there (section 5).
pub(crate) fn read_message<T: serde::de::DeserializeOwned>(
    headers: &HeaderMap,
    content: &[u8],
) -> Result<T, Refusal> {
    let unsupported = |text: &str| Problem::new(Code::UnsupportedMediaType, text);
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(unsupported("requests are not content-encoded; send the content as it is").into());
    }
    let named = combined(headers, &CONTENT_TYPE);
    let encoding = named
        .and_then(|named| Encoding::from_content_type(std::str::from_utf8(&named).ok()?))
        .filter(|_| !content.is_empty())
        .ok_or_else(|| unsupported("send the content as application/json or application/cbor"))?;
    wire::decode(encoding, content)
        .map_err(|fault| Problem::new(Code::Malformed, format!("the content is malformed: {fault}")).into())
}

/// The encoding that a request wants to be answered in (section 5).
pub(crate) fn wanted(headers: &HeaderMap) -> Encoding {
    let accept = combined(headers, &ACCEPT).unwrap_or_default();
    Encoding::from_accept(std::str::from_utf8(&accept).unwrap_or_default())
}

/// Reads an id in a path.
pub(crate) fn read_id(id: &str) -> Result<Id, Refusal> {
    id.parse().map_err(|fault| {
        Problem::new(Code::Malformed, format!("the id in the path is malformed: {fault}")).into()
    })
}
