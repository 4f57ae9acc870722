//! Sending to a webhook and to a topic of ntfy.

use std::cmp::Reverse;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName};
use reqwest::{RequestBuilder, Url};
use rustls::{ClientConfig, RootCertStore};
use sha2::Sha256;

use super::message::Message;
use crate::ground::config::{NtfyConfig, SecretText, WebhookConfig};
use crate::readable::readable;
use crate::store::Severity;

/// A connection has to come about within this, and an answer be whole.
const CONNECT_TIME: Duration = Duration::from_secs(10);
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// What is read of an answer that says no, in octets.
const ANSWER: usize = 4096;
/// A message of ntfy is cut by its server behind this, or becomes an attachment.
const NTFY_OCTETS: usize = 3800;
/// Characters of ntfy's title that are sent.
const TITLE: usize = 200;
/// By which the receiver of a webhook knows that the body is ours.
static SIGNATURE: HeaderName = HeaderName::from_static("drawbridge-signature");

/// Why a message has not come.
#[derive(Debug)]
pub(super) struct Unsent {
    /// One sentence, with what the server has answered.
    pub(super) text: String,
    /// How long the server asks us to wait.
    pub(super) rest: Option<Duration>,
}

impl From<String> for Unsent {
    fn from(text: String) -> Self {
        Self { text, rest: None }
    }
}

/// The HTTP client for all targets. Redirects are not followed: the operator has named where to send.
pub(super) fn client(roots: RootCertStore) -> Result<reqwest::Client, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|fault| fault.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("Drawbridge/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIME)
        .timeout(ANSWER_TIME)
        .build()
        .map_err(|fault| fault.to_string())
}

/// Sends `message` as JSON, signed where there is a secret.
pub(super) async fn send_to_webhook(
    client: &reqwest::Client,
    webhook: &WebhookConfig,
    message: &Message,
) -> Result<(), Unsent> {
    let secret = SecretText::read(webhook.secret.as_ref(), webhook.secret_file.as_deref())?;
    let body = serde_json::to_vec(message).map_err(|fault| fault.to_string())?;
    let mut request = client.post(webhook.url.to_string()).header(CONTENT_TYPE, "application/json");
    if let Some(secret) = secret {
        request = request.header(SIGNATURE.clone(), signature(secret.as_bytes(), &body)?);
    }
    ask(request.body(body)).await
}

/// `sha256=` and the HMAC-SHA-256 of `body` in hexadecimal digits.
fn signature(secret: &[u8], body: &[u8]) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|fault| fault.to_string())?;
    mac.update(body);
    let digits: String = mac.finalize().into_bytes().iter().map(|octet| format!("{octet:02x}")).collect();
    Ok(format!("sha256={digits}"))
}

/// Sends `message` to a topic, with ntfy's headers.
pub(super) async fn send_to_ntfy(
    client: &reqwest::Client,
    ntfy: &NtfyConfig,
    message: &Message,
) -> Result<(), Unsent> {
    let token = SecretText::read(ntfy.token.as_ref(), ntfy.token_file.as_deref())?;
    let url = format!("{}/{}", ntfy.server.to_string().trim_end_matches('/'), ntfy.topic);
    let (priority, tag) = match message.worst {
        Some(Severity::High) => ("high", "warning"),
        Some(_) => ("default", "warning"),
        None if message.is_end => ("low", "white_check_mark"),
        None => ("default", "bell"),
    };
    let title: String = message.title.chars().take(TITLE).collect();
    let mut request = client
        .post(url)
        .header("Title", header_text(&title))
        .header("Priority", priority)
        .header("Tags", tag);
    if let Some(link) = &message.link {
        request = request.header("Click", link);
    }
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    ask(request.body(cut(message.text()))).await
}

/// `text` in the field of a header; what is not ASCII as RFC 2047 has it, which ntfy reads.
fn header_text(text: &str) -> String {
    if text.chars().all(|character| matches!(character, ' '..='~')) && !text.contains("=?") {
        return text.to_owned();
    }
    format!("=?UTF-8?B?{}?=", STANDARD.encode(text))
}

/// `text` without the lines behind what a message of ntfy may have.
fn cut(text: String) -> String {
    if text.len() <= NTFY_OCTETS {
        return text;
    }
    let mut end = NTFY_OCTETS;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = text[..end].rsplit_once('\n').map_or(&text[..end], |(lines, _)| lines);
    format!("{kept}\n…")
}

async fn ask(request: RequestBuilder) -> Result<(), Unsent> {
    let mut answer = request.send().await.map_err(|fault| why(&fault))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    if status.is_redirection() {
        // Its path mostly repeats the one that was asked for.
        let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok()?.parse::<Url>().ok());
        let to = to.map(|to| format!(" to {}", to.origin().ascii_serialization()));
        let text = format!("it answers {status}{}; redirects are not followed", to.unwrap_or_default());
        return Err(readable(&text).into());
    }
    let rest = rest(answer.headers(), SystemTime::now());
    let mut content = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        content.extend_from_slice(&piece);
        if content.len() >= ANSWER {
            break;
        }
    }
    let said = without_secrets(&String::from_utf8_lossy(&content), answer.url());
    let said = said.trim();
    let text =
        if said.is_empty() { format!("it answers {status}") } else { format!("it answers {status}: {said}") };
    Err(Unsent { text: readable(&text), rest })
}

/// `said` without what stands in the path and query of `url`, which may be a secret that an answer repeats.
fn without_secrets(said: &str, url: &Url) -> String {
    let parts = url.path_segments().into_iter().flatten().chain(url.query());
    let mut parts: Vec<&str> = parts.filter(|part| part.len() > 3).collect();
    parts.sort_by_key(|part| Reverse(part.len()));
    parts.into_iter().fold(said.to_owned(), |said, part| said.replace(part, "…"))
}

/// How long an answer asks us to wait: seconds, or until a time by this computer's clock.
fn rest(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let told = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match told.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(told).ok()?.duration_since(now).ok(),
    }
}

/// Why a request had no answer, by its innermost cause: whatever wraps it names the URL, which may be a secret.
fn why(fault: &reqwest::Error) -> String {
    if fault.is_timeout() {
        let what = if fault.is_connect() { "no connection to it comes about" } else { "it does not answer" };
        return format!("{what} in time");
    }
    let mut cause: &dyn StdError = fault;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let what = if fault.is_connect() { "no connection to it comes about" } else { "it gives no answer" };
    readable(&format!("{what}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_hmac_of_the_body() {
        // RFC 4231, test case 2.
        let made = signature(b"Jefe", b"what do ya want for nothing?").unwrap();
        assert_eq!(made, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn a_title_that_is_not_ascii_is_encoded() {
        assert_eq!(header_text("tea & cake"), "tea & cake");
        assert_eq!(header_text("Tee für zwei"), "=?UTF-8?B?VGVlIGbDvHIgendlaQ==?=");
        assert!(!header_text("a\nb").contains('\n'));
        assert!(header_text("=?UTF-8?B?VGVl?=").starts_with("=?UTF-8?B?PT9"), "it is read as it stands");
    }

    #[test]
    fn an_answer_that_repeats_what_was_asked_for_tells_no_secret() {
        let url = "https://hooks.example/hook/s3cr3tS3cr3t?token=abcdef".parse().unwrap();
        let told = without_secrets("Cannot POST /hook/s3cr3tS3cr3t?token=abcdef", &url);
        assert_eq!(told, "Cannot POST /…/…?…");
    }

    #[test]
    fn a_long_message_is_cut_between_lines() {
        let line = "ü".repeat(1000);
        let text = cut([line.as_str(); 5].join("\n"));
        assert_eq!(text, format!("{line}\n…"));
        assert_eq!(cut("short".into()), "short");
    }
}
