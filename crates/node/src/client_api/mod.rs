//! How our users' own clients reach us (`docs/client-api.md`): a bearer token for each, the protocol's words, and
//! no signatures.

mod groups;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use drawbridge_mtp::id::{ClientUri, Id, Name, Provider, UserUri};
use drawbridge_mtp::message::{ConnectionState, FeedPage, FeedQuery};
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::time::Timestamp;
use drawbridge_mtp::wire::{self, Encoding};
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::accounts::hash_token;
use crate::consent::{self, Decision, Misuse};
use crate::core::{Core, lock};
use crate::delivery::serve;
use crate::http::{Refusal, problem_response};
use crate::store::{ConnectionRow, DecidedBy, Reader};

/// A client's use of its token is noted at most so often, in milliseconds.
const SEEN_EVERY: u64 = 60_000;

/// All that a client can ask.
pub(crate) fn router(core: Arc<Core>) -> Router {
    let api = Router::new()
        .route("/me", get(me))
        .route("/connections", get(connections).post(connect))
        .route("/connections/{id}/{decision}", post(decide))
        .route("/feed", get(feed))
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

impl axum::response::IntoResponse for Refused {
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
            | Misuse::NoSuchUser(_)
            | Misuse::NoSuchPeer(_)
            | Misuse::NoSuchClient(..) => Code::NotFound,
            Misuse::Taken(_) | Misuse::Ambiguous(_) | Misuse::Unfit(_) => Code::Conflict,
        };
        Problem::new(code, misuse.to_string()).into()
    }
}

/// The client that asks, by its token.
struct Caller {
    user: UserUri,
    client: ClientUri,
}

impl FromRequestParts<Arc<Core>> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, core: &Arc<Core>) -> Result<Self, Refused> {
        let token =
            parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let refused =
            || Problem::new(Code::SignatureMissing, "give a client's token as Authorization: Bearer …");
        let hash = hash_token(token.ok_or_else(refused)?);
        let found = core.store.read(move |view| view.client_by_token(&hash)).await?;
        let (user, client) = found.ok_or_else(refused)?;
        saw(core, &user, &client);
        let user = core.user(&user);
        Ok(Self { client: ClientUri::new(&user, &client), user })
    }
}

/// Notes now and then that a client was here; nobody waits for it.
fn saw(core: &Core, user: &Name, client: &Name) {
    let now = core.ambient.now().as_millis();
    let mut seen = lock(&core.seen_clients);
    let last = seen.entry((user.clone(), client.clone())).or_default();
    if now.saturating_sub(*last) >= SEEN_EVERY {
        *last = now;
        let (store, user, client) = (core.store.clone(), user.clone(), client.clone());
        core.tasks.spawn(async move { store.write(move |tx| tx.saw_client(&user, &client)).await });
    }
}

/// Reads a request's content.
fn content<T: serde::de::DeserializeOwned>(content: &[u8]) -> Result<T, Refused> {
    wire::decode(Encoding::Json, content)
        .map_err(|fault| Problem::new(Code::Malformed, format!("the content is malformed: {fault}")).into())
}

async fn not_found() -> Refused {
    Problem::new(Code::NotFound, "there is no such resource here; look at the path and the method").into()
}

#[derive(Serialize)]
struct Me {
    provider: Provider,
    user: UserUri,
    client: ClientUri,
}

async fn me(State(core): State<Arc<Core>>, caller: Caller) -> Json<Me> {
    Json(Me { provider: core.ours.clone(), user: caller.user, client: caller.client })
}

/// A connection as its user may know it.
#[derive(Serialize)]
struct Shown {
    id: Id,
    from: UserUri,
    to: UserUri,
    state: ConnectionState,
    created: Timestamp,
    expires: Timestamp,
    time: Timestamp,
}

impl Shown {
    fn to(user: &UserUri, row: ConnectionRow) -> Self {
        let hidden = row.from == *user && row.state == ConnectionState::Declined && !row.told;
        let state = if hidden { ConnectionState::Pending } else { row.state };
        let ConnectionRow { id, from, to, created, expires, changed, .. } = row;
        Self { id, from, to, state, created, expires, time: changed }
    }
}

#[derive(Serialize)]
struct Connections {
    connections: Vec<Shown>,
}

async fn connections(State(core): State<Arc<Core>>, caller: Caller) -> Result<Json<Connections>, Refused> {
    let user = caller.user.clone();
    let rows = core.store.read(move |view| view.connections_of(&user)).await?;
    Ok(Json(Connections { connections: rows.into_iter().map(|row| Shown::to(&caller.user, row)).collect() }))
}

#[derive(Deserialize)]
struct Ask {
    to: UserUri,
}

#[derive(Serialize)]
struct Asked {
    id: Id,
    state: ConnectionState,
}

async fn connect(
    State(core): State<Arc<Core>>,
    caller: Caller,
    content: bytes::Bytes,
) -> Result<(StatusCode, Json<Asked>), Refused> {
    let ask: Ask = wire::decode(Encoding::Json, &content)
        .map_err(|fault| Problem::new(Code::Malformed, format!("the content is malformed: {fault}")))?;
    let row = core.ask_connection(caller.user.clone(), ask.to, None).await?;
    let shown = Shown::to(&caller.user, row);
    Ok((StatusCode::ACCEPTED, Json(Asked { id: shown.id, state: shown.state })))
}

async fn decide(
    State(core): State<Arc<Core>>,
    caller: Caller,
    Path((id, decision)): Path<(String, String)>,
) -> Result<Json<Asked>, Refused> {
    let decision = match decision.as_str() {
        "approve" => Decision::Approve,
        "decline" => Decision::Decline,
        "end" => Decision::End,
        _ => return Err(not_found().await),
    };
    let id: Id =
        id.parse().map_err(|fault| Problem::new(Code::Malformed, format!("the id is malformed: {fault}")))?;
    let (ours, user, tell) = (core.ours.clone(), caller.user.clone(), core.choices().tell_declined);
    let decided = core.store.write(move |tx| {
        let rows = tx.connections_by_id(id)?;
        let row = rows.into_iter().find(|row| {
            // Who asked can only end; who was asked can do all.
            !row.unseen && (row.to == user || (row.from == user && decision == Decision::End))
        });
        let row = row.ok_or(Misuse::NoSuchConnection(id))?;
        consent::decide(tx, &ours, row, decision, DecidedBy::User, tell)
    });
    let shown = Shown::to(&caller.user, decided.await?);
    Ok(Json(Asked { id: shown.id, state: shown.state }))
}

/// `GET /feed`: as for peers, but `last` may be left out.
async fn feed(
    State(core): State<Arc<Core>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<FeedPage>, Refused> {
    let query = FeedQuery::parse_of_client(&query.unwrap_or_default())
        .map_err(|fault| Problem::new(Code::Malformed, format!("the query is malformed: {fault}")))?;
    Ok(Json(serve(&core, Reader::Client(caller.client), query, None).await.map_err(Refusal::from)?))
}
