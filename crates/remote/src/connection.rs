//! Requests to a provider on another machine: what a browser asks there, asked by this program.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_admin::AdminError;
use drawbridge_node::config::Origin;
use drawbridge_node::identity::Fingerprint;
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{RequestBuilder, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::events::Events;
use crate::fault::{NoAddress, Refusal, Step, Unusable};
use crate::pin;
use crate::versions::OURS;

/// A connection has to come about within this, its TLS included.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// An answer has to have come whole within this; a browser waits as long.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// More is read of no answer to the pages. The largest are files that a person exports.
const ANSWER_OCTETS: usize = 256 << 20;
/// More is read of no answer that this program asks for by itself, and of no refusal: read into memory it is many times as large.
const SAID_OCTETS: usize = 512 << 10;
/// Characters of a refusal that are kept and shown.
const DETAIL_LENGTH: usize = 500;

/// A connection to the provider at one address, which shows one certificate.
pub(crate) struct Connection {
    origin: Origin,
    client: reqwest::Client,
}

impl Connection {
    /// To `origin`, which has to show the certificate `confirmed`, where it is spoken with over TLS. Nothing is sent yet.
    pub(crate) fn new(origin: Origin, confirmed: Option<Fingerprint>) -> Result<Self, Unusable> {
        let unfit = |fault: &dyn std::fmt::Display| {
            Unusable::new(
                Step::Connect,
                "connect-failed",
                format!("this program cannot connect anywhere: {fault}"),
            )
        };
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(pin::tls(confirmed).map_err(|fault| unfit(&fault))?)
            .dns_resolver(Arc::new(SystemNames))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIME)
            // A connection from before a computer slept, or from another network, is found dead and made anew.
            .http2_keep_alive_interval(Duration::from_secs(5))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .http2_keep_alive_while_idle(true)
            .user_agent(format!("Drawbridge/{OURS} ({})", system()))
            .build()
            .map_err(|fault| unfit(&fault))?;
        Ok(Self { origin, client })
    }

    /// Returns once something answers there.
    pub(crate) async fn knock(&self) -> Result<(), Unusable> {
        let asked = self.client.get(self.url("session")).timeout(ANSWER_TIME).send();
        asked.await.map(drop).map_err(|fault| Unusable::of_transport(&fault))
    }

    /// Exchanges the token of a link for a session: the cookie that it is shown by.
    pub(crate) async fn enter(&self, token: &str) -> Result<Zeroizing<String>, Refusal> {
        let asked = self.post("session", &json!({ "token": token }))?;
        let response = send(asked.timeout(ANSWER_TIME)).await?;
        if response.status() != StatusCode::NO_CONTENT {
            return Err(match refusal(response).await {
                // Here the link is meant, and not a session.
                Refusal::Unusable(Unusable { step: Step::Session, code, detail, .. }) => {
                    AdminError { code, detail }.into()
                }
                refused => refused,
            });
        }
        let cookie = response.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok());
        let cookie = cookie.and_then(|value| value.split(';').next()).map(str::trim);
        let cookie = cookie.filter(|cookie| cookie.contains('='));
        let cookie = cookie.ok_or_else(|| Unusable::no_answer("what answers is another program"))?;
        Ok(Zeroizing::new(cookie.to_owned()))
    }

    /// Has `command` carried out for the pages, whose answer may be large.
    pub(crate) async fn call(&self, session: &str, command: &str, request: &Value) -> Result<Value, Refusal> {
        self.command(session, command, request, ANSWER_OCTETS).await
    }

    /// How it is.
    pub(crate) async fn status(&self, session: &str) -> Result<Value, Refusal> {
        self.command(session, "status", &json!({}), SAID_OCTETS).await
    }

    async fn command(
        &self,
        session: &str,
        command: &str,
        request: &Value,
        most: usize,
    ) -> Result<Value, Refusal> {
        let asked = with(self.post(command, request)?, session)?;
        let response = send(asked.timeout(ANSWER_TIME)).await?;
        read(response, most).await
    }

    /// Which of the sessions there is that of `session`.
    pub(crate) async fn own_session(&self, session: &str) -> Result<String, Refusal> {
        #[derive(Deserialize)]
        struct Own {
            id: String,
        }
        let asked = with(self.client.get(self.url("session")), session)?;
        let answer = read(send(asked.timeout(ANSWER_TIME)).await?, SAID_OCTETS).await?;
        let own: Own =
            serde_json::from_value(answer).map_err(|_| Unusable::no_answer("it does not say its session"))?;
        Ok(own.id)
    }

    /// Ends that session.
    pub(crate) async fn end(&self, session: &str) -> Result<(), Refusal> {
        let id = self.own_session(session).await?;
        self.command(session, "end-session", &json!({ "id": id }), SAID_OCTETS).await.map(drop)
    }

    /// What happens there behind `after` (incarnation and cursor), or from now on.
    pub(crate) async fn events(&self, session: &str, after: Option<&str>) -> Result<Events, Refusal> {
        let mut asked = with(self.client.get(self.url("events")), session)?;
        if let Some(place) = after {
            asked = asked.header("last-event-id", place);
        }
        let opened = async {
            let response = send(asked).await?;
            if response.status() != StatusCode::OK {
                return Err(refusal(response).await);
            }
            let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            if !kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
                return Err(Unusable::no_answer("what answers is another program").into());
            }
            Ok(Events::new(response))
        };
        // Only its beginning has to come in time, or why there is none.
        match tokio::time::timeout(ANSWER_TIME, opened).await {
            Ok(opened) => opened,
            Err(_) => Err(Unusable::no_answer("it took the request and is silent").into()),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/admin/v1/{path}", self.origin)
    }

    fn post(&self, path: &str, body: &Value) -> Result<RequestBuilder, AdminError> {
        let body =
            serde_json::to_vec(body).map_err(|fault| AdminError::new("malformed", fault.to_string()))?;
        Ok(self.client.post(self.url(path)).header(CONTENT_TYPE, "application/json").body(body))
    }
}

/// The system's own look-up, whose failure is told from that of a connection.
struct SystemNames;

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let no = |reason: String| NoAddress { name: name.clone(), reason };
            let found =
                match tokio::time::timeout(CONNECT_TIME, tokio::net::lookup_host((name.as_str(), 0))).await {
                    Ok(found) => found.map_err(|fault| no(fault.to_string()))?,
                    Err(_) => return Err(no("nothing that knows names answers".into()).into()),
                };
            let found: Vec<SocketAddr> = found.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn with(asked: RequestBuilder, session: &str) -> Result<RequestBuilder, Unusable> {
    let mut cookie = HeaderValue::from_str(session)
        .map_err(|_| Unusable::session_ended("what is kept of the session is damaged; paste a new link"))?;
    cookie.set_sensitive(true);
    Ok(asked.header(COOKIE, cookie))
}

async fn send(asked: RequestBuilder) -> Result<Response, Unusable> {
    asked.send().await.map_err(|fault| Unusable::of_transport(&fault))
}

/// What was answered, or why it was refused.
async fn read(response: Response, most: usize) -> Result<Value, Refusal> {
    if response.status() != StatusCode::OK {
        return Err(refusal(response).await);
    }
    let body = body(response, most).await?;
    let answer = serde_json::from_slice(&body);
    Ok(answer.map_err(|_| Unusable::no_answer("what answers is another program"))?)
}

/// Why it was refused, as Drawbridge says it; whatever else answers has not understood.
async fn refusal(response: Response) -> Refusal {
    let status = response.status();
    let body = match body(response, SAID_OCTETS).await {
        Ok(body) => body,
        Err(fault) => return fault.into(),
    };
    let Ok(AdminError { code, detail }) = serde_json::from_slice(&body) else {
        let what = match status {
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                "a proxy in front of it says that it does not reach it"
            }
            _ => "what answers is another program",
        };
        return Unusable::no_answer(&format!("{what} (status {})", status.as_u16())).into();
    };
    let (code, detail) = (cut(code), cut(detail));
    match status {
        StatusCode::UNAUTHORIZED => Unusable { code, ..Unusable::session_ended(detail) }.into(),
        StatusCode::FORBIDDEN => {
            let text = format!(
                "it does not take this address for its own: {detail}; name it there in [admin] origins"
            );
            Unusable::new(Step::Answer, "other-site", text).into()
        }
        _ => AdminError { code, detail }.into(),
    }
}

/// As much of what another machine says as a person reads.
fn cut(text: String) -> String {
    match text.char_indices().nth(DETAIL_LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, Unusable> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|fault| Unusable::of_transport(&fault))? {
        if body.len() + piece.len() > most {
            return Err(Unusable::no_answer("its answer does not end"));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// What this computer's system is called in the list of sessions.
fn system() -> &'static str {
    match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "Mac OS X",
        "windows" => "Windows",
        "freebsd" => "FreeBSD",
        "openbsd" => "OpenBSD",
        other => other,
    }
}
