//! How our users' own clients reach us (`docs/client-api.md`): a bearer token for each, the protocol's words, and
//! no signatures. What a call does is done elsewhere, in functions that know nothing of HTTP.

mod authorizations;
mod caller;
mod connections;
mod door;
mod feed;
mod groups;
mod key_packages;
mod me;

pub use door::ClientDoor;

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use drawbridge_mtp::problem::{Code, Problem};

use crate::consent::Misuse;
use crate::core::Core;
use crate::http::problem_response;
use crate::refusal::Refusal;
use caller::{Caller, Content, Told};

/// All that a client can ask.
pub(crate) fn router(core: Arc<Core>) -> Router {
    let api = Router::new()
        .route("/me", get(me::me))
        .route("/key-packages", get(key_packages::stock).post(key_packages::publish))
        .route("/key-packages/claim", post(key_packages::claim))
        .route("/connections", get(connections::list).post(connections::ask))
        .route("/connections/{id}/{decision}", post(connections::decide))
        .route("/authorizations", get(authorizations::list).post(authorizations::ask))
        .route("/authorizations/{id}/{decision}", post(authorizations::decide))
        .route("/feed", get(feed::pull))
        .route("/groups", get(groups::list).post(groups::register))
        .route("/groups/{name}", get(groups::status))
        .route("/groups/{name}/roster", get(groups::roster))
        .route("/groups/{name}/log", get(groups::log))
        .route("/groups/{name}/info", get(groups::info))
        .route("/groups/{name}/events", post(groups::submit))
        .route("/objects/{sha256}", get(groups::object))
        .fallback(not_found)
        .method_not_allowed_fallback(not_found);
    Router::new().nest("/client/v1", api).with_state(core)
}

/// A refusal as an answer.
struct Refused(Refusal);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        problem_response(self.0)
    }
}

impl<F: Into<Refusal>> From<F> for Refused {
    fn from(fault: F) -> Self {
        Self(fault.into())
    }
}

impl From<Misuse> for Refusal {
    fn from(misuse: Misuse) -> Self {
        let code = match &misuse {
            Misuse::Store(_) => Code::Unavailable,
            Misuse::NoSuchConnection(_)
            | Misuse::NoSuchAuthorization(_)
            | Misuse::NoSuchUser(_)
            | Misuse::NoSuchPeer(_)
            | Misuse::NoSuchClient(..) => Code::NotFound,
            Misuse::NotConnected(..) => Code::NotConnected,
            Misuse::Taken(_) | Misuse::Ambiguous(_) | Misuse::Unfit(_) => Code::Conflict,
        };
        Problem::new(code, misuse.to_string()).into()
    }
}

async fn not_found() -> Refused {
    Problem::new(Code::NotFound, "there is no such resource here; look at the path and the method").into()
}
