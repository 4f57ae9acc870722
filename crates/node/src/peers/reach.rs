//! How other providers are reached: HTTPS through the address guard, signed requests, verified answers, and a
//! record of each (sections 3 and 4).

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use drawbridge_mtp::document::{Endpoint, ProviderDocument};
use drawbridge_mtp::id::{Host, Provider};
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::problem::{Cause, Code, ReceivedProblem};
use drawbridge_mtp::signature::{ResponseFault, combined, verify_response};
use drawbridge_mtp::time::Timestamp;
use drawbridge_mtp::wire::{self, Encoding, Malformed};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use http::{Method, StatusCode};
use hyper_util::client::legacy::connect::HttpInfo;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use super::Peers;
use super::guard::GuardFault;
use super::recording::Recording;
use crate::peer_fault::{PeerFault, Stage};
use crate::store::StoreFault;
use crate::trace::{TRACEPARENT, TraceId};
use crate::traffic::Asker;

/// A document has to come within this (section 3).
pub(super) const DOCUMENT_TIME: Duration = Duration::from_secs(10);
/// What an answer may take beyond the time that it was asked to wait.
const ANSWER_TIME: Duration = Duration::from_secs(20);
/// The most octets of an answer that are read: a page of the largest allowed, with one item too many.
const ANSWER_BYTES: usize = 16 << 20;
/// The most octets that are read of an answer that is a problem, or not the peer's: it is there to be read by people.
const PROBLEM_BYTES: usize = 64 << 10;
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
    /// Who has it asked.
    pub(crate) asker: Asker,
}

impl Ask {
    /// Something to be read, answered at once.
    pub(crate) fn get(resource: String) -> Self {
        Self { method: Method::GET, resource, content: None, wait: Duration::ZERO, asker: Asker::Node }
    }

    /// The same, asked by the Doctor.
    pub(crate) fn by_doctor(self) -> Self {
        Self { asker: Asker::Doctor, ..self }
    }
}

/// What a peer has answered, proved by its signature.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: bytes::Bytes,
    pub(crate) encoding: Encoding,
    /// Our end of the connection that it came by, where that is known.
    pub(crate) came_to: Option<SocketAddr>,
    /// Its number in the traffic record.
    pub(crate) record: u64,
}

impl Answer {
    /// Reads the message that it is.
    pub(crate) fn message<T: DeserializeOwned>(&self) -> Result<T, Malformed> {
        wire::decode(self.encoding, &self.body)
    }
}

impl Peers {
    /// Asks `peer` and answers once it has answered well; anything else is a fault.
    ///
    /// Where it is not where its document says, that is read once more, within its limits; and where it says something else
    /// by now, it is asked there.
    pub(crate) async fn call(&self, peer: &Provider, ask: Ask) -> Result<Answer, PeerFault> {
        self.may_ask(peer)?;
        let client = self.outbound.client();
        // Its document may be what shows that its key has changed.
        let document =
            self.document_of(peer).await.and_then(|document| self.may_ask(peer).map(|()| document));
        let outcome = match document {
            Ok(document) => match self.exchange(peer, &document, &client, &ask).await {
                Err(fault) if fault.doubts_document() => match Box::pin(self.document_anew(peer)).await {
                    Ok(anew) if anew.endpoint != document.endpoint => {
                        self.may_ask(peer)?;
                        self.exchange(peer, &anew, &client, &ask).await
                    }
                    _ => Err(fault),
                },
                outcome => outcome,
            },
            Err(fault) => {
                // Nothing was sent, but that it was to be is a part of the record.
                self.record(&ask.method, &ask.resource, peer, ask.asker).end(Some(&fault));
                Err(fault)
            }
        };
        if outcome.as_ref().is_err_and(PeerFault::is_absence) {
            self.signs.missed(peer);
        }
        outcome
    }

    /// Who is blocked, or has another key, is not asked for anything but its document (section 6).
    pub(crate) fn may_ask(&self, peer: &Provider) -> Result<(), PeerFault> {
        let state = self.store.glance(|view| view.peer_state(peer));
        match state
            .map_err(|fault: StoreFault| PeerFault::new(Stage::Store, "own-store", fault.to_string()))?
        {
            PeerState::Blocked => {
                let text = format!("{peer} is blocked here, so it is not asked; allow it first");
                Err(PeerFault::new(Stage::Policy, "not-asked", text))
            }
            PeerState::KeyChanged => {
                let text = format!(
                    "the key of {peer} has changed, so it is not asked until you have accepted the new one"
                );
                Err(PeerFault::new(Stage::Document, "key-changed", text))
            }
            PeerState::Unknown | PeerState::Pending | PeerState::Allowed => Ok(()),
        }
    }

    /// Asks `peer` over `client` where `document` says that it is.
    pub(crate) async fn exchange(
        &self,
        peer: &Provider,
        document: &ProviderDocument,
        client: &reqwest::Client,
        ask: &Ask,
    ) -> Result<Answer, PeerFault> {
        let (record, began) = (self.record(&ask.method, &ask.resource, peer, ask.asker), Instant::now());
        let id = TraceId::new(&*self.ground.ambient);
        let span =
            tracing::debug_span!("ask", %peer, method = %ask.method, resource = ask.resource, trace_id = %id);
        let outcome = self.send(peer, document, client, ask, id, &record).instrument(span.clone()).await;
        span.in_scope(|| match &outcome {
            Ok(answer) => tracing::debug!(octets = answer.body.len(), "a peer has answered"),
            Err(fault) => tracing::debug!(stage = %fault.stage, code = %fault.code, %fault, "a request to a peer failed"),
        });
        record.end(outcome.as_ref().err());
        self.measure(&ask.resource, began, outcome.as_ref().err());
        // A connection that was lost says only that of itself.
        match &outcome {
            Err(fault) if fault.is_absence() && fault.code != "connection-lost" => self.absence.begin(peer),
            Err(fault) if fault.is_absence() => {}
            _ => self.absence.end(peer),
        }
        outcome
    }

    async fn send(
        &self,
        peer: &Provider,
        document: &ProviderDocument,
        client: &reqwest::Client,
        ask: &Ask,
        id: TraceId,
        record: &Recording<'_>,
    ) -> Result<Answer, PeerFault> {
        self.check_literal(document.endpoint.host())?;
        let uri = document.endpoint.url(&ask.resource);
        let content = ask.content.as_deref().map(|content| ("application/json", content));
        let signed =
            self.ground.signer()?.sign_request(&ask.method, &uri, peer, content, self.ground.stamp());
        let sent = ask.content.as_ref().map_or(0, Vec::len);
        record.sent(&signed.headers, sent);
        self.ground.metrics.ours.note_sent(sent);
        let mut request = client
            .request(ask.method.clone(), &uri)
            .headers(signed.headers)
            .header(ACCEPT, HeaderValue::from_static(ACCEPTED))
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            .timeout(ask.wait + ANSWER_TIME);
        if let Some(header) = id.header(&*self.ground.ambient) {
            request = request.header(&TRACEPARENT, header);
        }
        if let Some(content) = &ask.content {
            request = request.body(content.clone());
        }
        let began = Instant::now();
        let response = record.send(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let came_to = response.extensions().get::<HttpInfo>().map(HttpInfo::local_addr);
        let at_most = if status.is_success() { ANSWER_BYTES } else { PROBLEM_BYTES };
        let body = record.receive(response, at_most).await?;
        let took = began.elapsed();
        // What waited was signed at the end of that, as long ago as an answer takes.
        let usual = || self.board.pulling(peer).and_then(|pulling| pulling.latency);
        let way = if ask.wait.is_zero() { took } else { usual().unwrap_or(took).min(took) };
        self.ground.metrics.ours.note_received(body.len());
        let verify = |document: &ProviderDocument| {
            verify_response(
                status,
                &headers,
                &body,
                &signed.binding,
                peer,
                &document.keys,
                self.ground.ambient.now(),
            )
        };
        let verifying = Instant::now();
        let mut verified = verify(document);
        record.time(|timing| timing.verify = Some(verifying.elapsed()));
        if let Err(ResponseFault::KeyUnknown { .. }) = verified {
            verified = verify(&*Box::pin(self.document_anew(peer)).await?);
        }
        match verified {
            Ok(verified) => self.note_clock(peer, Timestamp::from_secs(verified.created()), way),
            Err(ResponseFault::Missing { .. }) if is_signature_missed(status, &body) => {
                let text = "our signature did not reach it: something in between, most often a proxy, takes it out of requests";
                return Err(PeerFault::new(Stage::Signature, "signature-missing", text));
            }
            Err(ResponseFault::Missing { .. }) if says_cause(status, &body, Cause::Copy) => {
                let text = "it signs nothing, since two copies of its data folder run and its operator has not said which of them goes on, as it says without a signature";
                return Err(PeerFault::new(Stage::Signature, "peer-runs-twice", text));
            }
            Err(ResponseFault::Missing { .. }) if says_cause(status, &body, Cause::Clock) => {
                let text = "it signs nothing, since its clock shows a time from before its program was built, as it says without a signature";
                return Err(PeerFault::new(Stage::Signature, "clock-unset", text));
            }
            Err(ResponseFault::Missing { .. }) => {
                let fault = PeerFault::unsigned(status, headers.get(CONTENT_TYPE), body.len());
                return Err(if fault.is(Code::TooLarge) { fault.of_request(sent) } else { fault });
            }
            Err(fault) => {
                if let ResponseFault::Times { created, .. } = fault {
                    self.note_clock(peer, created, way);
                }
                let verifies = |uri: &str| {
                    let (binding, now) = (signed.binding.at(uri), self.ground.ambient.now());
                    verify_response(status, &headers, &body, &binding, peer, &document.keys, now).is_ok()
                };
                let changed = matches!(fault, ResponseFault::Invalid)
                    .then(|| changed_targets(&document.endpoint, &ask.resource))
                    .and_then(|targets| targets.into_iter().find(|uri| verifies(uri)));
                return Err(match changed {
                    Some(answered) => target_changed(&uri, &answered),
                    None => PeerFault::unproved(&fault),
                });
            }
        }
        record.verified();
        self.signs.heard(peer);
        self.note_reached(peer).await;
        if ask.wait.is_zero() {
            self.board.took(peer, took);
        }
        if status.is_success() {
            let named = combined(&headers, &CONTENT_TYPE);
            let named = named.as_deref().map(String::from_utf8_lossy);
            let encoding = match named.as_deref().map(|named| (named, Encoding::from_content_type(named))) {
                None => Encoding::default(),
                Some((_, Some(encoding))) => encoding,
                // An object, of which nothing is read but its bytes.
                Some((named, None)) if named.starts_with("application/octet-stream") => Encoding::default(),
                Some((named, None)) => {
                    let text = format!("it answered with {named:?}, which is neither JSON nor CBOR");
                    return Err(PeerFault::new(Stage::Content, "malformed", text));
                }
            };
            return Ok(Answer { body, encoding, came_to, record: record.id });
        }
        let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        match ReceivedProblem::parse(&body) {
            Ok(problem) => {
                let retry_after = retry_after.map(Duration::from_secs);
                let fault = PeerFault::refused(status.as_u16(), problem, retry_after);
                Err(if fault.is(Code::TooLarge) { fault.of_request(sent) } else { fault })
            }
            Err(_) => Err(PeerFault::new(
                Stage::Http,
                "unexpected-status",
                format!("it answered {status} without a problem"),
            )),
        }
    }

    /// `peer` has signed something at `theirs` by its own clock, a whole second, at a moment of the time `took` that is over now. A
    /// guest is no witness of the time.
    pub(super) fn note_clock(&self, peer: &Provider, theirs: Timestamp, took: Duration) {
        // Our own clock is no witness of itself.
        if *peer == self.ground.ours {
            return;
        }
        let is_guest = self.store.glance(|view| match view.peer(peer)? {
            Some(row) => view.is_guest(&row),
            None => Ok(false),
        });
        if is_guest.unwrap_or(false) {
            return;
        }
        let now = self.ground.ambient.now();
        self.board.note_clock(peer, theirs, took, now, self.ground.ambient.instant());
    }

    /// A request that begins now, in the traffic record.
    pub(super) fn record(
        &self,
        method: &Method,
        target: &str,
        peer: &Provider,
        asker: Asker,
    ) -> Recording<'_> {
        let is_let_in =
            self.store.glance(|view| view.peer_state(peer)).is_ok_and(|state| state == PeerState::Allowed);
        let (now, method) = (self.ground.ambient.now(), method.as_str());
        Recording::begin(&self.traffic, now, method, target, peer, asker, is_let_in)
    }

    /// Counts a request of ours that has ended.
    pub(super) fn measure(&self, resource: &str, began: Instant, fault: Option<&PeerFault>) {
        let refused = fault.filter(|fault| fault.problem.is_some()).map(|fault| fault.code.as_ref());
        self.ground.metrics.ours.note_answer(resource, began.elapsed(), refused);
        if let Some(fault) = fault {
            self.ground.metrics.note_fault(fault.stage);
        }
    }

    /// Addresses in URLs are not resolved, so the guard has to look at them here.
    pub(super) fn check_literal(&self, host: Host<'_>) -> Result<(), PeerFault> {
        let address: IpAddr = match host {
            Host::V4(address) => address.into(),
            Host::V6(address) => address.into(),
            Host::Dns(_) => return Ok(()),
        };
        if self.outbound.guard().lets_pass(&address.to_string(), address) {
            return Ok(());
        }
        Err((&GuardFault::Forbidden { host: address.to_string(), address }).into())
    }
}

/// Whether the answer says that there was no signature. It covers none then, so it proves nothing; but nobody who has not met
/// the request says so.
fn is_signature_missed(status: StatusCode, body: &[u8]) -> bool {
    status == StatusCode::UNAUTHORIZED
        && ReceivedProblem::parse(body).is_ok_and(|problem| problem.known() == Some(Code::SignatureMissing))
}

/// Whether the answer says that its signer signs nothing, for that cause. It is only told to the operator.
fn says_cause(status: StatusCode, body: &[u8], cause: Cause) -> bool {
    status == StatusCode::SERVICE_UNAVAILABLE
        && ReceivedProblem::parse(body).is_ok_and(|problem| problem.members.cause == Some(cause))
}

/// What `resource` below `endpoint` becomes on its way past something that adds or drops a slash, or a part of the path, most
/// often a proxy. A peer signs its answer for what has reached it.
fn changed_targets(endpoint: &Endpoint, resource: &str) -> Vec<String> {
    let (path, query) = resource
        .split_once('?')
        .map_or((resource, String::new()), |(path, query)| (path, format!("?{query}")));
    let (origin, below) = (endpoint.origin(), endpoint.path());
    let below_first = below.trim_start_matches('/').split_once('/').map_or("", |(_, rest)| rest);
    [
        format!("{origin}{below}{path}/{query}"),
        format!("{origin}{below}/{path}{query}"),
        format!("{origin}{below}{}{query}", path.trim_start_matches('/')),
        format!("{origin}{path}{query}"),
        format!("{origin}/{path}{query}"),
        format!("{origin}/{below_first}{path}{query}"),
        format!("{origin}/{below}{path}{query}"),
        format!("{origin}{below}{path}"),
    ]
    .into()
}

/// A peer was asked for something else than what we have asked for.
fn target_changed(asked: &str, answered: &str) -> PeerFault {
    let text = format!(
        "it was asked for {asked}, and {answered} has reached it: something in front of it, most often a proxy, changes the path"
    );
    PeerFault::new(Stage::Signature, "path-changed", text)
}

/// How long a document may be kept, by its `Cache-Control`.
pub(crate) fn lifetime(headers: &HeaderMap) -> Duration {
    let directives = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let seconds = directives.flat_map(|value| value.split(',')).map(str::trim).find_map(|directive| {
        match directive.to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => Some(0),
            other => other.strip_prefix("max-age=").and_then(|age| age.trim_matches('"').parse().ok()),
        }
    });
    Duration::from_secs(seconds.unwrap_or(USUAL_LIFETIME).clamp(SHORTEST_LIFETIME, LONGEST_LIFETIME))
}

#[cfg(test)]
mod tests {
    use drawbridge_mtp::id::Provider;

    /// So a name that is not an address to us is none to the HTTP client, and is resolved through the guard.
    #[test]
    fn what_the_http_client_would_read_as_an_address_is_no_providers_name() {
        for address in ["0x7f", "127.0x1", "a.0x", "1.2.3", "0x7f000001"] {
            assert!(address.parse::<Provider>().is_err(), "{address}");
        }
        for name in ["home.example", "0x7f.example", "1.2.3.example", "x0x7f"] {
            assert!(name.parse::<Provider>().is_ok(), "{name}");
            let url = reqwest::Url::parse(&format!("https://{name}/")).unwrap();
            assert_eq!(url.domain(), Some(name));
        }
    }
}
