//! How our users' own clients reach us (`docs/client-api.md`): a bearer token for each, the protocol's words, and
//! no signatures. What a call does is done elsewhere, in functions that know nothing of HTTP; a client in the same process
//! calls them by [`InProcessHome`].

mod api;
mod caller;
mod feed;
mod groups;
mod in_process_home;
mod key_packages;
mod me;
mod refused;
mod requests;

pub(crate) use api::ClientApi;
pub use in_process_home::InProcessHome;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use tracing::Instrument;

use self::refused::not_found;
use crate::readable::readable;
use crate::store::{Addition, Connection};

/// All that a client can ask.
pub(crate) fn router(api: Arc<ClientApi>) -> Router {
    let resources = Router::new()
        .route("/me", get(me::me))
        .route("/key-packages", get(key_packages::stock).post(key_packages::publish))
        .route("/key-packages/claim", post(key_packages::claim))
        .route("/connections", get(requests::list::<Connection>).post(requests::ask::<Connection>))
        .route("/connections/{id}/{decision}", post(requests::decide::<Connection>))
        .route("/authorizations", get(requests::list::<Addition>).post(requests::ask::<Addition>))
        .route("/authorizations/{id}/{decision}", post(requests::decide::<Addition>))
        .route("/feed", get(feed::pull))
        .route("/groups", get(groups::list).post(groups::register))
        .route("/groups/{name}", get(groups::status))
        .route("/groups/{name}/roster", get(groups::roster))
        .route("/groups/{name}/log", get(groups::log))
        .route("/groups/{name}/info", get(groups::info))
        .route("/groups/{name}/events", post(groups::submit))
        .route("/objects/{sha256}", get(groups::object))
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(from_fn(in_a_span));
    Router::new().nest("/client/v1", resources).with_state(api)
}

/// What is logged of a request says which one it is.
async fn in_a_span(request: Request, next: Next) -> Response {
    let (method, target) = (request.method(), request.uri());
    let span = tracing::debug_span!("client request", %method, target = readable(&target.to_string()));
    next.run(request).instrument(span).await
}
