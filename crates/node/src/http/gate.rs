//! The gate: every check of section 4, in its order, before a resource sees a request; and the signature on every
//! answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use bytes::Bytes;
use drawbridge_mtp::document::Limits;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::signature::{RequestBinding, SignatureFault, UnverifiedRequest, is_meant_for_another};
use drawbridge_mtp::time::Timestamp;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Uri};

use super::reply::Reply;
use super::target::WithFragment;
use super::{Caller, Passed, Refusal, answer, is_open_to_strangers};
use crate::core::Core;
use crate::diagnose::{Direction, TrafficLog, TrafficRecord, told_headers};
use crate::peers::{Sign, lets_us_in};
use crate::store::StoreFault;

/// What is read of someone who names no allowed peer.
const STRANGER_BYTES: u64 = 16 * 1024;
/// A nonce is kept for this long after its signature has expired.
const NONCE_GRACE: Duration = Duration::from_secs(30);
/// How long a request's content may take to come.
const CONTENT_TIME: Duration = Duration::from_secs(30);

/// Everything below the endpoint.
pub(super) async fn gate(
    State(core): State<Arc<Core>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response {
    Box::pin(pass(Asked::read(&core, request), address)).await
}

/// A request, with what its answer is bound to. In a box, since futures keep room for what they have passed on.
struct Asked<'a> {
    core: &'a Core,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
    /// Whether the target came with a fragment, which none may have.
    with_fragment: bool,
    /// What has to be signed. Never from `Host`: the signature is for the endpoint that we have published.
    target_uri: String,
    recording: Recording<'a>,
}

impl<'a> Asked<'a> {
    fn read(core: &'a Core, request: Request<Body>) -> Box<Self> {
        let (Parts { method, uri, headers, extensions, .. }, body) = request.into_parts();
        let with_fragment = extensions.get::<WithFragment>().is_some();
        let resource = uri.path_and_query().map_or("/", |target| target.as_str());
        let target_uri = format!("{}{resource}", core.endpoint.origin());
        let recording = Recording::begin(core, &method, resource, &headers);
        Box::new(Self { core, method, uri, headers, body, with_fragment, target_uri, recording })
    }

    /// The path below the endpoint.
    fn path(&self) -> Vec<&str> {
        let path = self.uri.path().strip_prefix(self.core.endpoint.path()).unwrap_or("/");
        path.strip_prefix('/').unwrap_or_default().split('/').collect()
    }
}

/// Thousands of pulls wait in here at a time, so the checks are boxed: what they need is gone once they are passed.
async fn pass(mut asked: Box<Asked<'_>>, address: SocketAddr) -> Response {
    let core = asked.core;
    let binding = RequestBinding::of(&asked.method, &asked.target_uri, &asked.headers);
    let reply = match Box::pin(judge(&mut asked, address)).await {
        Ok(_) if asked.with_fragment => {
            let text = "the request target has a fragment (#), which is never sent; leave it out";
            Err(Problem::new(Code::Malformed, text).into())
        }
        Ok((caller, content)) => {
            let headers = std::mem::take(&mut asked.headers);
            let query = asked.uri.query().unwrap_or_default();
            let passed = Box::new(Passed { core, caller, headers, query, content: &content });
            answer(&asked.method, &asked.path(), passed).await
        }
        Err(refusal) => Err(refusal),
    };
    let mut reply = reply.unwrap_or_else(Reply::from);
    if asked.method == Method::HEAD {
        // What is not sent is not signed.
        reply.body.clear();
    }
    let mut headers = reply.headers;
    core.signer.sign_response(reply.status, &mut headers, &reply.body, &binding, core.stamp());
    asked.recording.end(&headers, reply.status.as_u16(), reply.code, reply.body.len(), &reply.items);
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = headers;
    response
}

/// The checks of section 4, in its order: who asks, and with what content.
async fn judge(asked: &mut Asked<'_>, address: SocketAddr) -> Result<(Caller, Bytes), Refusal> {
    let body = std::mem::take(&mut asked.body);
    let path = asked.path();
    let Asked { core, method, headers, target_uri, recording, .. } = &*asked;
    let address = address.ip().to_canonical();
    if is_meant_for_another(headers, &core.ours) {
        return Err(Problem::new(
            Code::NotHere,
            format!("this is {}; ask the provider named in MTP-To", core.ours),
        )
        .into());
    }
    // The signature says whether there is content; both forms are tried, since it is not read yet.
    let claimed = [true, false]
        .into_iter()
        .find_map(|content| UnverifiedRequest::parse(method, target_uri, headers, content).ok());
    let claimed = claimed.map(|request| request.signer().clone());
    recording.claimed(claimed.as_ref());
    let names_peer = match claimed {
        Some(provider) => core.store.glance(|view| view.peer_state(&provider))? == PeerState::Allowed,
        None => false,
    };
    let content =
        read_content(body, if names_peer { Limits::default().request_bytes } else { STRANGER_BYTES }).await?;
    recording.content(content.len());
    core.throttle.admits_address(address, names_peer).map_err(|after| {
        Refusal::after(
            Problem::new(Code::RateLimited, "too many requests come from your address; slow down"),
            after,
        )
    })?;

    let request = UnverifiedRequest::parse(method, target_uri, headers, !content.is_empty())
        .map_err(|fault| unproved(&fault, core.ambient.now(), None))?;
    let now = core.ambient.now();
    let request = request.at(now).map_err(|fault| unproved(&fault, now, None))?;
    let (key, retry_after) = match core.key_of(request.signer(), request.kid()).await {
        Ok(key) => (Some(key), None),
        Err(unknown) => (None, Some(unknown.retry_after)),
    };
    let request = request
        .verify(key.as_ref(), &content)
        .map_err(|fault| unproved(&fault, core.ambient.now(), retry_after))?;
    let provider = request.signer().clone();
    recording.verified();

    let (state, their_state) = admit(core, &provider, method, &path).await?;
    core.signs.heard(&provider);
    let shows = state == PeerState::Allowed && !is_ping(method, &path);
    if shows && lets_us_in(core, &provider, their_state).await {
        core.signs.give(&provider, Sign::Wanted);
    }
    core.throttle.admits_peer(&provider).map_err(|after| {
        Refusal::after(
            Problem::new(Code::RateLimited, "you ask too much in too short a time; slow down"),
            after,
        )
    })?;
    if matches!(*method, Method::POST | Method::PUT | Method::DELETE) {
        let keyid = format!("{provider}#{}", request.kid());
        let (nonce, until) = (*request.nonce(), Timestamp::from_secs(request.expires()).plus(NONCE_GRACE));
        let _turn = core.turns.take(&provider).await;
        let fresh = core.store.write(move |tx| tx.use_nonce(&keyid, &nonce, until));
        if !fresh.await.map_err(|fault: StoreFault| Refusal::Store(fault))? {
            let text = "this nonce was used before; repeat the request with a new signature";
            return Err(Problem::new(Code::Replayed, text).into());
        }
    }
    Ok((Caller { provider, state, address, signed: request.created() }, content))
}

/// Whether a peer in its state may use the resource (section 6). Returns its state here, and ours there as far as it has
/// said.
pub(super) async fn admit(
    core: &Core,
    provider: &drawbridge_mtp::id::Provider,
    method: &Method,
    path: &[&str],
) -> Result<(PeerState, Option<PeerState>), Refusal> {
    let peer = core.store.glance(|view| view.peer(provider))?;
    let (state, theirs) = peer.map_or((PeerState::Unknown, None), |peer| (peer.state, peer.their_state));
    match state {
        _ if is_ping(method, path) => Ok((state, theirs)),
        PeerState::Blocked => {
            Err(Problem::new(Code::PeerBlocked, "the operator here has blocked your provider").into())
        }
        PeerState::KeyChanged => {
            let text =
                "your key is not the one that was accepted here; ask the operator here to accept the new one";
            let problem = Problem::new(Code::PeerKeyChanged, text);
            let accepted = core.store.glance(|view| view.accepted_keys(provider))?;
            Err(accepted.last().map_or(problem.clone(), |key| problem.with_fingerprint(*key)).into())
        }
        PeerState::Unknown | PeerState::Pending if !is_open_to_strangers(method, path) => {
            let text =
                "the operator here has not yet let your provider in; wait at GET /peering for the decision";
            Err(Problem::new(Code::PeerPending, text).into())
        }
        _ => Ok((state, theirs)),
    }
}

/// A ping proves nothing of what its sender thinks of us: it is the one question that is answered to everybody.
fn is_ping(method: &Method, path: &[&str]) -> bool {
    method == Method::GET && path == ["ping"]
}

/// Reads the content, as far as it may be long.
async fn read_content(body: Body, at_most: u64) -> Result<Bytes, Refusal> {
    let too_large = || {
        Problem::new(
            Code::TooLarge,
            format!("the content may have {at_most} bytes at most; send less at a time"),
        )
        .with_limit(at_most)
    };
    let limit = usize::try_from(at_most).unwrap_or(usize::MAX);
    match tokio::time::timeout(CONTENT_TIME, axum::body::to_bytes(body, limit)).await {
        Ok(Ok(content)) => Ok(content),
        Ok(Err(fault)) if is_over_the_limit(&fault) => Err(too_large().into()),
        Ok(Err(_)) => {
            Err(Problem::new(Code::Malformed, "the content did not come whole; send it again").into())
        }
        Err(_) => {
            Err(Problem::new(Code::Malformed, "the content did not come in time; send it again").into())
        }
    }
}

fn is_over_the_limit(fault: &axum::Error) -> bool {
    let mut cause = std::error::Error::source(fault);
    while let Some(fault) = cause {
        if fault.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = fault.source();
    }
    false
}

fn unproved(fault: &SignatureFault, now: Timestamp, retry_after: Option<Duration>) -> Refusal {
    let problem = Problem::new(fault.code(), fault.to_string());
    let problem = match fault.code() {
        Code::SignatureExpired | Code::ClockSkew => problem.with_now(now),
        _ => problem,
    };
    Refusal::Problem { problem: Box::new(problem), retry_after }
}

/// A request to us in the traffic record; one that is dropped before its end was given up by the peer.
struct Recording<'a> {
    log: &'a TrafficLog,
    id: u64,
    began: Instant,
    ended: std::sync::atomic::AtomicBool,
}

impl<'a> Recording<'a> {
    fn begin(core: &'a Core, method: &Method, resource: &str, headers: &HeaderMap) -> Self {
        let below = resource.strip_prefix(core.endpoint.path()).unwrap_or(resource);
        let mut record = TrafficRecord::begin(core.ambient.now(), Direction::In, method.as_str(), below);
        record.request_headers = told_headers(headers);
        Self { log: &core.traffic, id: core.traffic.add(record), began: Instant::now(), ended: false.into() }
    }

    fn claimed(&self, peer: Option<&drawbridge_mtp::id::Provider>) {
        self.log.update(self.id, |record| record.peer = peer.cloned());
    }

    fn content(&self, bytes: usize) {
        self.log.update(self.id, |record| record.request_bytes = bytes);
    }

    fn verified(&self) {
        self.log.update(self.id, |record| record.verified = true);
    }

    fn end(
        &self,
        headers: &HeaderMap,
        status: u16,
        code: Option<Code>,
        bytes: usize,
        items: &[(u64, String)],
    ) {
        self.ended.store(true, std::sync::atomic::Ordering::Relaxed);
        let took = self.began.elapsed();
        self.log.update(self.id, |record| {
            record.waiting = false;
            record.duration = Some(took);
            record.status = Some(status);
            record.code = code.map(|code| code.as_str().to_owned());
            record.response_bytes = bytes;
            record.response_headers = told_headers(headers);
            record.set_items(items.iter().map(|(seq, kind)| (*seq, kind.as_str())));
        });
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        if !self.ended.load(std::sync::atomic::Ordering::Relaxed) {
            let took = self.began.elapsed();
            self.log.update(self.id, |record| {
                record.waiting = false;
                record.duration = Some(took);
                record.text = Some("the peer gave it up before it was answered".into());
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn content_that_breaks_off_is_malformed_and_only_what_is_too_large_is_too_large() {
        let code = async |pieces: Vec<std::io::Result<&'static str>>| {
            let read = read_content(Body::from_stream(futures_util::stream::iter(pieces)), 8);
            read.await.map(|content| content.len()).map_err(|refusal| Reply::from(refusal).code)
        };
        let breaks = || Err(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(code(vec![Ok("1234"), Ok("5678")]).await, Ok(8));
        assert_eq!(code(vec![Ok("1234"), breaks()]).await, Err(Some(Code::Malformed)));
        assert_eq!(code(vec![Ok("1234"), Ok("56789"), breaks()]).await, Err(Some(Code::TooLarge)));
    }
}
