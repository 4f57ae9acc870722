//! How other providers are reached: HTTPS through the address guard, signed requests, verified answers, and a
//! record of each (sections 3 and 4).

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drawbridge_mtp::document::{MAX_DOCUMENT_BYTES, ProviderDocument};
use drawbridge_mtp::id::{Host, Provider};
use drawbridge_mtp::problem::ReceivedProblem;
use drawbridge_mtp::signature::{ResponseFault, verify_response};
use drawbridge_mtp::wire::{self, Encoding, Malformed};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use http::{Method, StatusCode};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde::de::DeserializeOwned;

use super::guard::{AddressGuard, GuardFault};
use crate::core::Core;
use crate::diagnose::{Direction, PeerFault, Stage, TrafficLog, TrafficRecord, told_headers};

/// A document has to come within this (section 3).
const DOCUMENT_TIME: Duration = Duration::from_secs(10);
/// What an answer may take beyond the time that it was asked to wait.
const ANSWER_TIME: Duration = Duration::from_secs(20);
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// The most octets of an answer that are read: a page of the largest allowed, with one item too many.
const ANSWER_BYTES: usize = 16 << 20;
/// Mostly bytes are asked for, which CBOR has as they are.
const ACCEPTED: &str = "application/cbor, application/json;q=0.9";
const SHORTEST_LIFETIME: u64 = 60;
const LONGEST_LIFETIME: u64 = 24 * 3600;
const USUAL_LIFETIME: u64 = 3600;

/// What is asked of a peer.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    /// Path and query below its endpoint.
    pub(crate) resource: String,
    /// JSON.
    pub(crate) content: Option<Vec<u8>>,
    /// How long it is asked to hold the answer.
    pub(crate) wait: Duration,
}

impl Ask {
    /// Something to be read, answered at once.
    pub(crate) fn get(resource: String) -> Self {
        Self { method: Method::GET, resource, content: None, wait: Duration::ZERO }
    }
}

/// What a peer has answered, proved by its signature.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: bytes::Bytes,
    pub(crate) encoding: Encoding,
    /// Its number in the traffic record.
    pub(crate) record: u64,
}

impl Answer {
    /// Reads the message that it is.
    pub(crate) fn message<T: DeserializeOwned>(&self) -> Result<T, Malformed> {
        wire::decode(self.encoding, &self.body)
    }
}

/// The HTTP client for all peers: TLS 1.3, the system's roots and those in `extra_roots` (PEM), no redirects, no
/// proxies, names resolved through the guard.
pub(crate) fn http_client(
    guard: &AddressGuard,
    extra_roots: Option<&[u8]>,
) -> Result<reqwest::Client, String> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    for certificate in CertificateDer::pem_slice_iter(extra_roots.unwrap_or_default()) {
        let certificate = certificate.map_err(|fault| fault.to_string())?;
        roots.add(certificate).map_err(|fault| fault.to_string())?;
    }
    let mut tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|fault| fault.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(Arc::new(guard.clone()))
        .https_only(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIME)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(10))
        .http2_initial_stream_window_size(1 << 20)
        .http2_initial_connection_window_size(4 << 20)
        .pool_idle_timeout(Duration::from_secs(90))
        .user_agent(concat!("drawbridge/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|fault| fault.to_string())
}

impl Core {
    /// Fetches the document of `provider`, and how long it may be kept.
    pub(super) async fn fetch_document(
        &self,
        provider: &Provider,
    ) -> Result<(ProviderDocument, Duration), PeerFault> {
        let record = Recording::begin(self, Method::GET.as_str(), "/.well-known/mtp", provider);
        let outcome = self.get_document(provider, &record).await;
        record.end(outcome.as_ref().err());
        outcome
    }

    async fn get_document(
        &self,
        provider: &Provider,
        record: &Recording<'_>,
    ) -> Result<(ProviderDocument, Duration), PeerFault> {
        self.check_literal(provider.host())?;
        let request = self
            .client
            .get(format!("https://{provider}/.well-known/mtp"))
            .timeout(DOCUMENT_TIME)
            .header(ACCEPT, "application/json");
        let response = request.send().await.map_err(|fault| transport_fault(&fault))?;
        let (status, headers) = (response.status(), response.headers().clone());
        record.answered(status, &headers);
        if status != StatusCode::OK {
            let text = format!(
                "https://{provider}/.well-known/mtp answered {status} and not 200; is MTP set up there?"
            );
            return Err(PeerFault::new(Stage::Document, "document-missing", text));
        }
        let body = read_body(response, MAX_DOCUMENT_BYTES).await?;
        record.received(body.len());
        let document = ProviderDocument::parse(&body, provider)
            .map_err(|fault| PeerFault::new(Stage::Document, "document-invalid", fault.to_string()))?;
        Ok((document, lifetime(&headers)))
    }

    /// Asks `peer` and answers once it has answered well; anything else is a fault.
    pub(crate) async fn call(&self, peer: &Provider, ask: Ask) -> Result<Answer, PeerFault> {
        let record = Recording::begin(self, ask.method.as_str(), &ask.resource, peer);
        let outcome = self.send(peer, ask, &record).await;
        record.end(outcome.as_ref().err());
        outcome
    }

    async fn send(&self, peer: &Provider, ask: Ask, record: &Recording<'_>) -> Result<Answer, PeerFault> {
        let document = self.document_of(peer).await?;
        self.check_literal(document.endpoint.host())?;
        let uri = document.endpoint.url(&ask.resource);
        let content = ask.content.as_deref().map(|content| ("application/json", content));
        let signed = self.signer.sign_request(&ask.method, &uri, peer, content, self.stamp());
        record.sent(&signed.headers, ask.content.as_ref().map_or(0, Vec::len));
        let mut request = self
            .client
            .request(ask.method, &uri)
            .headers(signed.headers)
            .header(ACCEPT, HeaderValue::from_static(ACCEPTED))
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            .timeout(ask.wait + ANSWER_TIME);
        if let Some(content) = ask.content {
            request = request.body(content);
        }
        let began = Instant::now();
        let response = request.send().await.map_err(|fault| transport_fault(&fault))?;
        let (status, headers) = (response.status(), response.headers().clone());
        record.answered(status, &headers);
        let body = read_body(response, ANSWER_BYTES).await?;
        let took = began.elapsed();
        record.received(body.len());
        let verify = |document: &ProviderDocument| {
            verify_response(
                status,
                &headers,
                &body,
                &signed.binding,
                peer,
                &document.keys,
                self.ambient.now(),
            )
        };
        let mut verified = verify(&document);
        if let Err(ResponseFault::KeyUnknown { .. }) = verified {
            verified = verify(&*self.document_anew(peer).await?);
        }
        if let Err(fault) = verified {
            return Err(PeerFault::unproved(&fault));
        }
        record.verified();
        if ask.wait.is_zero() {
            self.board.took(peer, took);
        }
        if status.is_success() {
            let named = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let encoding = match named.map(|named| (named, Encoding::from_content_type(named))) {
                None => Encoding::default(),
                Some((_, Some(encoding))) => encoding,
                // An object, of which nothing is read but its bytes.
                Some((named, None)) if named.starts_with("application/octet-stream") => Encoding::default(),
                Some((named, None)) => {
                    let text = format!("it answered with {named:?}, which is neither JSON nor CBOR");
                    return Err(PeerFault::new(Stage::Content, "malformed", text));
                }
            };
            return Ok(Answer { body, encoding, record: record.id });
        }
        let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        match ReceivedProblem::parse(&body) {
            Ok(problem) => {
                Err(PeerFault::refused(status.as_u16(), problem, retry_after.map(Duration::from_secs)))
            }
            Err(_) => Err(PeerFault::new(
                Stage::Http,
                "unexpected-status",
                format!("it answered {status} without a problem"),
            )),
        }
    }

    /// Addresses in URLs are not resolved, so the guard has to look at them here.
    fn check_literal(&self, host: Host<'_>) -> Result<(), PeerFault> {
        let address = match host {
            Host::V4(address) => address.into(),
            Host::V6(address) => address.into(),
            // What is a name to us, such as `0x7f`, may be an address to the HTTP client.
            Host::Dns(name) => match reqwest::Url::parse(&format!("https://{name}/")) {
                Ok(url) if url.domain() == Some(name) => return Ok(()),
                _ => {
                    let text = format!(
                        "the name {name} can be read as an address in disguise; it is not connected to"
                    );
                    return Err(PeerFault::new(Stage::Policy, "address-refused", text));
                }
            },
        };
        if self.guard.lets_pass(address) {
            return Ok(());
        }
        Err((&GuardFault::Forbidden { host: address.to_string(), address }).into())
    }
}

/// How long a document may be kept, by its `Cache-Control`.
fn lifetime(headers: &HeaderMap) -> Duration {
    let directives = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let seconds = directives.flat_map(|value| value.split(',')).map(str::trim).find_map(|directive| {
        match directive.to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => Some(0),
            other => other.strip_prefix("max-age=").and_then(|age| age.trim_matches('"').parse().ok()),
        }
    });
    Duration::from_secs(seconds.unwrap_or(USUAL_LIFETIME).clamp(SHORTEST_LIFETIME, LONGEST_LIFETIME))
}

async fn read_body(mut response: reqwest::Response, at_most: usize) -> Result<bytes::Bytes, PeerFault> {
    let mut body = bytes::BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|fault| transport_fault(&fault))? {
        if body.len() + chunk.len() > at_most {
            let text = format!("its answer has more than {at_most} bytes");
            return Err(PeerFault::new(Stage::Http, "answer-too-large", text));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

impl From<&GuardFault> for PeerFault {
    fn from(fault: &GuardFault) -> Self {
        match fault {
            GuardFault::NoAddress { .. } => Self::new(Stage::Dns, "no-address", fault.to_string()),
            GuardFault::Forbidden { .. } => Self::new(Stage::Policy, "address-refused", fault.to_string()),
        }
    }
}

/// At which step a request failed on its way, read from the chain of causes.
fn transport_fault(fault: &reqwest::Error) -> PeerFault {
    let mut innermost = fault.to_string();
    let mut cause: Option<&(dyn Error + 'static)> = fault.source();
    while let Some(error) = cause {
        innermost = in_words(error);
        if let Some(guard) = error.downcast_ref::<GuardFault>() {
            return guard.into();
        }
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(tls) = tls.or_else(|| error.downcast_ref::<rustls::Error>()) {
            return PeerFault::new(Stage::Tls, tls_code(tls), format!("TLS does not come about: {tls}"));
        }
        cause = error.source();
    }
    if fault.is_connect() {
        return PeerFault::new(Stage::Connect, "connect-failed", format!("no connection to it: {innermost}"));
    }
    if fault.is_timeout() {
        return PeerFault::new(Stage::Http, "timeout", "it did not answer in time");
    }
    PeerFault::new(Stage::Http, "connection-lost", format!("the connection broke: {innermost}"))
}

/// The text of a fault as a person reads it: without the number that the system's end with (`Connection refused (os
/// error 111)`), and where the connection just ended, that and not where one reads more of it.
fn in_words(fault: &(dyn Error + 'static)) -> String {
    let kind = fault.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    if kind == Some(std::io::ErrorKind::UnexpectedEof) {
        return "the other side closed it amid the exchange".into();
    }
    let text = fault.to_string();
    match text.rsplit_once(" (os error ") {
        Some((words, number)) if number.ends_with(')') => words.to_owned(),
        _ => text,
    }
}

fn tls_code(fault: &rustls::Error) -> &'static str {
    use rustls::CertificateError as C;
    match fault {
        rustls::Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => "certificate-expired",
        rustls::Error::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => {
            "certificate-not-yet-valid"
        }
        rustls::Error::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. }) => {
            "certificate-wrong-name"
        }
        rustls::Error::InvalidCertificate(C::UnknownIssuer) => "certificate-unknown-issuer",
        rustls::Error::InvalidCertificate(_) => "certificate-invalid",
        _ => "tls-failed",
    }
}

/// A request of ours in the traffic record; one that is dropped before its end was given up.
struct Recording<'a> {
    log: &'a TrafficLog,
    id: u64,
    began: Instant,
    ended: std::sync::atomic::AtomicBool,
}

impl<'a> Recording<'a> {
    fn begin(core: &'a Core, method: &str, target: &str, peer: &Provider) -> Self {
        let mut record = TrafficRecord::begin(core.ambient.now(), Direction::Out, method, target);
        record.peer = Some(peer.clone());
        let id = core.traffic.add(record);
        Self { log: &core.traffic, id, began: Instant::now(), ended: false.into() }
    }

    fn sent(&self, headers: &HeaderMap, bytes: usize) {
        let headers = told_headers(headers);
        self.log.update(self.id, |record| {
            record.request_headers = headers;
            record.request_bytes = bytes;
        });
    }

    fn answered(&self, status: StatusCode, headers: &HeaderMap) {
        let headers = told_headers(headers);
        self.log.update(self.id, |record| {
            record.status = Some(status.as_u16());
            record.response_headers = headers;
        });
    }

    fn received(&self, bytes: usize) {
        self.log.update(self.id, |record| record.response_bytes = bytes);
    }

    fn verified(&self) {
        self.log.update(self.id, |record| record.verified = true);
    }

    fn end(&self, fault: Option<&PeerFault>) {
        self.ended.store(true, std::sync::atomic::Ordering::Relaxed);
        let took = self.began.elapsed();
        self.log.update(self.id, |record| {
            record.waiting = false;
            record.duration = Some(took);
            if let Some(fault) = fault {
                record.stage = Some(fault.stage);
                record.code = Some(fault.code.to_string());
                record.text = Some(fault.text.clone());
            }
        });
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        if !self.ended.load(std::sync::atomic::Ordering::Relaxed) {
            self.end(Some(&PeerFault::new(Stage::Http, "given-up", "we gave it up before it was answered")));
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_the_http_client_would_read_as_an_address_is_no_domain_to_it() {
        for name in ["0x7f", "127.0x1"] {
            let url = reqwest::Url::parse(&format!("https://{name}/"));
            assert!(url.is_err() || url.is_ok_and(|url| url.domain() != Some(name)), "{name}");
        }
        assert_eq!(reqwest::Url::parse("https://home.example/").unwrap().domain(), Some("home.example"));
    }
}
