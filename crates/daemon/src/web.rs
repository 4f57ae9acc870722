//! The pages and the commands over HTTP: `POST /admin/v1/{command}`, `GET /admin/v1/events`, and the files of the UI.

use std::convert::Infallible;

use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use drawbridge_admin::{AdminError, Host};
use futures_util::stream::{self, Stream, StreamExt};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderMap, ORIGIN, SET_COOKIE};
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::door::Door;
use crate::pages;

const COOKIE_NAME: &str = "drawbridge";
/// Nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Clone)]
struct Site {
    host: Host,
    door: Door,
    stop: CancellationToken,
}

/// All that a browser or a script can ask.
pub(crate) fn router(host: Host, door: Door, stop: CancellationToken) -> Router {
    let site = Site { host, door, stop };
    let inside = Router::new()
        .route("/admin/v1/events", get(events))
        .route("/admin/v1/{command}", post(command))
        .route_layer(middleware::from_fn_with_state(site.clone(), only_admitted));
    Router::new()
        .route("/admin/v1/session", post(session))
        .route("/admin/v1/link", post(link))
        .merge(inside)
        .fallback(pages::page)
        .layer(middleware::from_fn_with_state(site.clone(), only_here))
        .with_state(site)
}

/// A name that leads here by accident or by an attack on DNS is refused, and so are other sites' pages.
async fn only_here(State(site): State<Site>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let named = text(HOST).map(str::to_owned).or_else(|| request.uri().authority().map(ToString::to_string));
    let known = named.as_deref().is_some_and(|host| site.door.knows_host(host));
    let same_site = text(ORIGIN)
        .is_none_or(|origin| named.as_deref().is_some_and(|host| site.door.knows_origin(origin, host)));
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
async fn only_admitted(State(site): State<Site>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let admitted =
        is_script(&site, headers) || cookie(headers).is_some_and(|session| site.door.admits_session(session));
    if admitted {
        return next.run(request).await;
    }
    token_required()
}

/// Whether a script asks, with its token.
fn is_script(site: &Site, headers: &HeaderMap) -> bool {
    let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    token.is_some_and(|token| site.door.admits_script(token))
}

fn token_required() -> Response {
    let text =
        "open the link that was printed when the node was started, or have drawbridged link print another";
    (StatusCode::UNAUTHORIZED, Json(AdminError::new("token-required", text))).into_response()
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split("; "))
        .find_map(|pair| pair.strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

#[derive(Deserialize)]
struct Shown {
    token: String,
}

async fn session(State(site): State<Site>, Json(shown): Json<Shown>) -> Response {
    let Some(session) = site.door.exchange(&shown.token) else {
        let error = AdminError::new(
            "token-wrong",
            "this token is wrong, or was used before; drawbridged link prints a fresh one",
        );
        return (StatusCode::UNAUTHORIZED, Json(error)).into_response();
    };
    let secure = if site.door.is_secure() { "; Secure" } else { "" };
    let cookie = format!("{COOKIE_NAME}={session}; Path=/; HttpOnly; SameSite=Strict{secure}");
    (StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response()
}

/// A fresh link, for scripts only: a page of a browser that is let in has no need of one.
async fn link(State(site): State<Site>, headers: HeaderMap) -> Response {
    if !is_script(&site, &headers) {
        return token_required();
    }
    Json(serde_json::json!({ "link": site.door.link() })).into_response()
}

async fn command(
    State(site): State<Site>,
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
    match site.host.call(&command, request).await {
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

async fn events(
    State(site): State<Site>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<SseEvent, Infallible>>> {
    let place = headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(|value| {
        let (incarnation, cursor) = value.split_once(':')?;
        Some((incarnation.to_owned(), cursor.parse().ok()?))
    });
    let subscription = site.host.subscribe(place);
    let told = stream::unfold(subscription, |mut subscription| async move {
        let envelope = subscription.next().await;
        let id = format!("{}:{}", envelope.incarnation, envelope.cursor);
        let event = SseEvent::default().id(id).json_data(&envelope).unwrap_or_default();
        Some((Ok(event), subscription))
    });
    let stop = site.stop.clone();
    Sse::new(told.take_until(async move { stop.cancelled().await })).keep_alive(KeepAlive::default())
}
