//! The pages and the commands over HTTP: `POST /admin/v1/{command}`, `GET /admin/v1/events`, and the files of the UI; and the
//! metrics, `GET /metrics`; and a backup for download, `GET /admin/v1/backup/{id}`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::sse::{Event as SseEvent, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use cookie::{Cookie, SameSite};
use drawbridge_admin::{AdminError, Admitted, Host, commands};
use drawbridge_node::{Socket, Trust};
use futures_util::stream::{self, Stream, StreamExt};
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, COOKIE, HOST, HeaderMap, ORIGIN,
    SET_COOKIE, USER_AGENT, WWW_AUTHENTICATE,
};
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::pages;

/// What is read of who has shown nothing yet.
const SESSION_BYTES: usize = 4096;
/// A page that has heard nothing for three of these takes the node for gone.
const BEAT: Duration = Duration::from_secs(5);
const COOKIE_LIFETIME: cookie::time::Duration = cookie::time::Duration::days(400);
/// The text format of Prometheus.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Clone)]
struct AppState {
    host: Host,
    access: Access,
    stop: CancellationToken,
}

/// All that a browser or a script can ask.
pub(crate) fn router(host: Host, access: Access, stop: CancellationToken) -> Router {
    let app = AppState { host, access, stop };
    let inside = Router::new()
        .route("/admin/v1/events", get(events))
        .route("/admin/v1/backup/{id}", get(backup))
        .route("/admin/v1/{command}", post(command))
        .route_layer(middleware::from_fn_with_state(app.clone(), require_admission));
    Router::new()
        .route(
            "/admin/v1/session",
            post(session).layer(DefaultBodyLimit::max(SESSION_BYTES)).get(own_session),
        )
        .route("/admin/v1/link", post(link))
        .route("/metrics", get(metrics))
        .merge(inside)
        .fallback(pages::page)
        .layer(middleware::from_fn_with_state(app.clone(), refuse_other_sites))
        .with_state(app)
}

/// A name that leads here by accident or by an attack on DNS is refused, and so are other sites' pages.
async fn refuse_other_sites(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let named = text(HOST).map(str::to_owned).or_else(|| request.uri().authority().map(ToString::to_string));
    let known = named.as_deref().is_some_and(|host| app.access.allows_host(host));
    let same_site = text(ORIGIN)
        .is_none_or(|origin| named.as_deref().is_some_and(|host| app.access.allows_origin(origin, host)));
    if !known || !same_site {
        let error =
            AdminError::new("other-site", "open the address that was printed when the node was started");
        return (StatusCode::FORBIDDEN, Json(error)).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Who shows a session's cookie, or a script's token.
async fn require_admission(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    // What is told to a browser ends with its session.
    let ends = if is_script(&app, request.headers()) {
        CancellationToken::new()
    } else {
        match admitted(&app, request.headers()) {
            Ok(Admitted { ends, .. }) => ends,
            Err(refused) => return unauthorized(refused),
        }
    };
    if let Some(socket) = request.extensions().get::<Arc<Socket>>() {
        socket.prove(Trust::LetIn);
    }
    request.extensions_mut().insert(SessionEnd(ends));
    next.run(request).await
}

/// Cancelled when whoever asks is no longer let in.
#[derive(Clone)]
struct SessionEnd(CancellationToken);

/// `GET /metrics`, for a monitoring system with the token for that.
async fn metrics(
    State(app): State<AppState>,
    socket: Option<Extension<Arc<Socket>>>,
    headers: HeaderMap,
) -> Response {
    if !bearer(&headers).is_some_and(|token| app.access.is_metrics_token(token)) {
        let text = "show the token that drawbridged metrics-token prints, as Authorization: Bearer";
        let challenge = [(WWW_AUTHENTICATE, "Bearer")];
        return (challenge, unauthorized(AdminError::new("token-required", text))).into_response();
    }
    if let Some(Extension(socket)) = socket {
        socket.prove(Trust::LetIn);
    }
    match app.host.scrape().await {
        Ok(text) => ([(CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(fault) => (StatusCode::SERVICE_UNAVAILABLE, Json(fault)).into_response(),
    }
}

/// The session whose cookie is shown.
fn admitted(app: &AppState, headers: &HeaderMap) -> Result<Admitted, AdminError> {
    let shown = cookie(headers, &app.access.sessions().cookie_name()).ok_or_else(token_required)?;
    app.access.sessions().admit(&shown)
}

/// Whether a script asks, with its token.
fn is_script(app: &AppState, headers: &HeaderMap) -> bool {
    bearer(headers).is_some_and(|token| app.access.is_script_token(token))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim_start())
}

fn token_required() -> AdminError {
    let text =
        "open the link that was printed when the node was started, or have drawbridged link print another";
    AdminError::new("token-required", text)
}

fn unauthorized(refused: AdminError) -> Response {
    (StatusCode::UNAUTHORIZED, Json(refused)).into_response()
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut cookies = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .flatten();
    cookies.find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
}

#[derive(Deserialize)]
struct LinkToken {
    token: String,
}

async fn session(State(app): State<AppState>, headers: HeaderMap, Json(shown): Json<LinkToken>) -> Response {
    let browser = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let sessions = app.access.sessions();
    let session = match sessions.enter(&shown.token, browser) {
        Ok(session) => session,
        Err(refused) => return unauthorized(refused),
    };
    app.host.tell_sessions();
    let cookie = Cookie::build((sessions.cookie_name(), session))
        .path("/")
        // The session outlives the browser's run, as it outlives the node's. How long it holds is the node's to say, so the
        // cookie is kept for as long as browsers keep any.
        .max_age(COOKIE_LIFETIME)
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(app.access.is_secure(text(ORIGIN), text(HOST)));
    (StatusCode::NO_CONTENT, [(SET_COOKIE, cookie.to_string())]).into_response()
}

/// Which of the sessions is this browser's.
async fn own_session(State(app): State<AppState>, headers: HeaderMap) -> Response {
    match admitted(&app, &headers) {
        Ok(Admitted { id, .. }) => Json(serde_json::json!({ "id": id })).into_response(),
        Err(refused) => unauthorized(refused),
    }
}

/// A fresh link to be printed, for scripts only: pages make theirs by the command `link-device`, which does not replace it.
async fn link(State(app): State<AppState>, headers: HeaderMap) -> Response {
    if !is_script(&app, &headers) {
        return unauthorized(token_required());
    }
    let (link, certificate) = (app.access.link(), app.access.fingerprint());
    Json(serde_json::json!({ "link": link, "certificate": certificate })).into_response()
}

async fn command(
    State(app): State<AppState>,
    Path(command): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    debug_assert_eq!(method, Method::POST);
    // A form of another site cannot send this type, whatever else it can do.
    let is_json =
        headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    let request = if is_json { serde_json::from_slice::<Value>(&body).ok() } else { None };
    let Some(request) = request else {
        let error = AdminError::new("malformed", "send the request as application/json");
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    };
    match commands::call(&app.host, &command, request).await {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => {
            let status = match error.code.as_str() {
                AdminError::UNKNOWN_COMMAND => StatusCode::NOT_FOUND,
                "malformed" => StatusCode::BAD_REQUEST,
                "internal" | "store" => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::CONFLICT,
            };
            (status, Json(error)).into_response()
        }
    }
}

/// A backup that was ordered, as it is made. It is cut off, so that the browser knows that it is not whole, where it fails, the
/// session ends, or this program does.
async fn backup(
    State(app): State<AppState>,
    Extension(SessionEnd(ends)): Extension<SessionEnd>,
    Path(id): Path<String>,
) -> Response {
    let backup = match app.host.fetch_backup(&id).await {
        Ok(backup) => backup,
        Err(refused) => return (StatusCode::CONFLICT, Json(refused)).into_response(),
    };
    // The name has letters, digits, dots, hyphens and underscores only.
    let name = format!("attachment; filename=\"{}\"", backup.name);
    let begun = (backup, app.stop.clone(), ends);
    let pieces = stream::unfold(begun, |(mut backup, stop, ends)| async move {
        let cut = || Some(Err(std::io::Error::other("the session has ended, or this program does")));
        let piece = tokio::select! {
            () = stop.cancelled() => cut(),
            () = ends.cancelled() => cut(),
            piece = backup.next() => piece,
        };
        piece.map(|piece| (piece, (backup, stop, ends)))
    });
    let headers = [(CONTENT_TYPE, "application/octet-stream"), (CACHE_CONTROL, "no-store")];
    (headers, [(CONTENT_DISPOSITION, name)], Body::from_stream(pieces)).into_response()
}

/// What happens, from the place in `Last-Event-ID` on, and a beat in between: a page cannot tell a node that hangs from one
/// with nothing to say otherwise.
async fn events(
    State(app): State<AppState>,
    Extension(SessionEnd(ends)): Extension<SessionEnd>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<SseEvent, Infallible>>> {
    let place = headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(|value| {
        let (incarnation, cursor) = value.split_once(':')?;
        Some((incarnation.to_owned(), cursor.parse().ok()?))
    });
    let subscription = app.host.subscribe(place);
    let told = stream::unfold(subscription, |mut subscription| async move {
        let event = match tokio::time::timeout(BEAT, subscription.next()).await {
            Ok(envelope) => {
                let id = format!("{}:{}", envelope.incarnation, envelope.cursor);
                SseEvent::default().id(id).json_data(&envelope).unwrap_or_default()
            }
            // Without an id, so that the browser's place in the stream stays what it is.
            // It has data, since browsers drop an event that has none.
            Err(_) => SseEvent::default().event("beat").data("here"),
        };
        Some((Ok(event), subscription))
    });
    let stop = app.stop.clone();
    Sse::new(told.take_until(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = ends.cancelled() => {}
        }
    }))
}
