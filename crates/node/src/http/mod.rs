//! The server for other providers: the provider document, and everything below the endpoint. `gate.rs` checks each request
//! in the order of section 4 and signs each answer; `resources.rs` leads to the handlers.

mod admission;
mod checks;
mod content;
mod feed;
mod forwarded;
mod gate;
mod groups;
mod key_packages;
mod listen;
mod own_check;
mod passed;
mod peering;
mod reply;
mod requests;
mod resources;
mod server;
mod shares;
#[cfg(unix)]
mod socket_file;
mod sockets;
mod target;
mod throttle;
mod turns;

pub(crate) use listen::bind_setting;
pub use listen::{BoundListener, ListenFault, Listener, bind, serve};
pub use sockets::{Socket, Trust};

pub(crate) use content::Unread;
pub(crate) use passed::{read_id, read_message, wanted};
pub(crate) use reply::{NOT_KEPT, problem_response, state_status};
pub(crate) use server::PeerServer;
pub(crate) use throttle::Throttle;
pub(crate) use turns::Turns;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::ground::copies::LIFE;
use crate::identity::{DOCUMENT_LIFETIME, provider_document};

/// All that other providers can ask.
pub(crate) fn router(server: Arc<PeerServer>) -> Router {
    Router::new().route("/.well-known/mtp", get(document)).fallback(gate::gate).with_state(server)
}

/// `GET /.well-known/mtp` (section 3).
async fn document(State(server): State<Arc<PeerServer>>, headers: HeaderMap) -> Response {
    let ground = &server.ground;
    let keys = ground.keys.published();
    let answer = headers.get(&LIFE).and_then(|question| {
        let signer = ground.signer().ok()?;
        ground.copies.answer(question, &keys, signer.key(), ground.ambient.now())
    });
    let document = provider_document(&ground.ours, &ground.endpoint, keys).to_json();
    let kept = format!("max-age={}", DOCUMENT_LIFETIME.as_secs());
    let mut response =
        ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, kept.as_str())], document).into_response();
    if let Some(answer) = answer {
        response.headers_mut().insert(&LIFE, answer);
    }
    response
}
