//! The gate: every check of section 4, in its order, before a resource sees a request; and the signature on every
//! answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use drawbridge_mtp::document::Limits;
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::signature::{RequestBinding, SignatureFault, UnverifiedRequest, is_meant_for_another};
use drawbridge_mtp::time::Timestamp;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Uri};
use tracing::Instrument;

use super::admission::admit;
use super::content::{Content, Unread};
use super::passed::{Caller, Passed};
use super::reply::{Outgoing, Reply};
use super::resources::answer;
use super::server::PeerServer;
use super::sockets::{Socket, Trust};
use super::target::WithFragment;
use super::throttle::Throttle;
use crate::consent::providers::is_ping;
use crate::peers::{NoKey, Sign};
use crate::readable::readable;
use crate::refusal::Refusal;
use crate::store::StoreFault;
use crate::trace::TraceId;
use crate::traffic::{Asker, Direction, TrafficLog, TrafficRecord, told_headers};

/// What is read of someone who names no allowed peer.
pub(super) const STRANGER_BYTES: u64 = 16 * 1024;
/// A nonce is kept for this long after its signature has expired.
const NONCE_GRACE: Duration = Duration::from_secs(30);
/// Answers up to this are not counted.
const SMALL_ANSWER: usize = 16 * 1024;
/// When who was refused for asking too much may ask again.
const SOON: Duration = Duration::from_secs(1);

/// Everything below the endpoint.
pub(super) async fn gate(
    State(server): State<Arc<PeerServer>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response {
    let (method, target) = (request.method(), request.uri());
    let id = TraceId::of(request.headers()).map(tracing::field::display);
    let span = tracing::debug_span!("request", %method, target = readable(&target.to_string()), %address, trace_id = id, peer = tracing::field::Empty);
    Box::pin(pass(Asked::read(&server, request, address))).instrument(span).await
}

/// A request, with what its answer is bound to. In a box, since futures keep room for what they have passed on.
struct Asked<'a> {
    server: &'a PeerServer,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
    address: IpAddr,
    port: u16,
    socket: Option<Arc<Socket>>,
    /// Whether the target came with a fragment, which none may have.
    with_fragment: bool,
    /// What has to be signed. Never from `Host`: the signature is for the endpoint that we have published.
    target_uri: String,
    recording: Recording<'a>,
}

impl<'a> Asked<'a> {
    fn read(server: &'a PeerServer, request: Request<Body>, from: SocketAddr) -> Box<Self> {
        let (address, port) = (from.ip().to_canonical(), from.port());
        let (Parts { method, uri, headers, version, mut extensions, .. }, body) = request.into_parts();
        let with_fragment = extensions.get::<WithFragment>().is_some();
        let socket = extensions.remove();
        let resource = uri.path_and_query().map_or("/", |target| target.as_str());
        let target_uri = format!("{}{resource}", server.ground.endpoint.origin());
        let below = resource.strip_prefix(server.ground.endpoint.path()).unwrap_or(resource);
        let mut record =
            TrafficRecord::begin(server.ground.ambient.now(), Direction::In, method.as_str(), below);
        record.address = Some(address);
        record.protocol = Some(format!("{version:?}"));
        record.request_headers = told_headers(&headers);
        let recording = Recording::begin(&server.peers.traffic, record);
        Box::new(Self {
            server,
            method,
            uri,
            headers,
            body,
            address,
            port,
            socket,
            with_fragment,
            target_uri,
            recording,
        })
    }

    /// The path below the endpoint.
    fn path(&self) -> Vec<&str> {
        let path = self.uri.path().strip_prefix(self.server.ground.endpoint.path()).unwrap_or("/");
        path.strip_prefix('/').unwrap_or_default().split('/').collect()
    }
}

/// Thousands of pulls wait in here at a time, so the checks are boxed: what they need is gone once they are passed.
async fn pass(mut asked: Box<Asked<'_>>) -> Response {
    let server = asked.server;
    let binding = RequestBinding::of(&asked.method, &asked.target_uri, &asked.headers);
    let judged = match server.ground.signer() {
        Ok(_) => Box::pin(judge(&mut asked)).await,
        Err(unsigned) => Err(unsigned.into()),
    };
    let checked = asked.recording.began.elapsed();
    let reply = match judged {
        Ok(_) if asked.with_fragment => {
            let text = "the request target has a fragment (#), which is never sent; leave it out";
            Err(Problem::new(Code::Malformed, text).into())
        }
        Ok((caller, content)) => {
            let (headers, peer) = (std::mem::take(&mut asked.headers), caller.provider.clone());
            let query = asked.uri.query().unwrap_or_default();
            let passed = Box::new(Passed { server, caller, headers, query, content });
            let reply = answer(&asked.method, &asked.path(), passed).await;
            reply.and_then(|reply| hold(&server.throttle, &peer, reply))
        }
        Err(refusal) => Err(refusal),
    };
    // It may have waited, so the key and the clock are those of now.
    let signer = server.ground.signer();
    let reply = signer.as_ref().map_err(|unsigned| Refusal::from(*unsigned)).and(reply);
    let mut reply = reply.unwrap_or_else(Reply::from);
    if asked.method == Method::HEAD {
        // What is not sent is not signed.
        reply.body.clear();
    }
    let mut headers = std::mem::take(&mut reply.headers);
    if let Ok(signer) = signer {
        signer.sign_response(reply.status, &mut headers, &reply.body, &binding, server.ground.stamp());
    }
    asked.recording.end(&headers, &reply, checked);
    measure(&asked, &reply);
    let mut response = Response::new(Body::new(Outgoing::new(reply.body, reply.held)));
    *response.status_mut() = reply.status;
    *response.headers_mut() = headers;
    response
}

/// Counts a request that was answered, and logs it.
fn measure(asked: &Asked<'_>, reply: &Reply) {
    let (metrics, path) = (&asked.server.ground.metrics.of_peers, asked.path());
    metrics.note_answer(
        path.first().copied().unwrap_or_default(),
        asked.recording.began.elapsed(),
        reply.code.map(Code::as_str),
    );
    metrics.note_sent(reply.body.len());
    tracing::debug!(
        status = reply.status.as_u16(),
        code = reply.code.map(Code::as_str),
        "a request was answered"
    );
    if path == ["feed"] {
        metrics.note_pull(reply.status.is_success().then_some(reply.items.count()));
    }
}

/// Counts a large answer as its reader's until it is taken: who asks for more than it reads is answered no more.
fn hold(throttle: &Throttle, peer: &Provider, mut reply: Reply) -> Result<Reply, Refusal> {
    if reply.body.len() > SMALL_ANSWER {
        let held = throttle.take_answer(peer, reply.body.len()).ok_or_else(|| {
            let text =
                "more is on its way to you than you read; read what you have asked for, then ask again";
            Refusal::after(Problem::new(Code::RateLimited, text), SOON)
        })?;
        reply.held = Some(held);
    }
    Ok(reply)
}

/// The checks of section 4, in its order: who asks, and with what content.
///
/// Content is read once the signature over its digest has verified. Before that, what is read of it is what the checks
/// need: whether there is any, and where its length is not told, whether a stranger's is too long.
async fn judge(asked: &mut Asked<'_>) -> Result<(Caller, Content), Refusal> {
    let body = std::mem::take(&mut asked.body);
    let path = asked.path();
    let Asked { server, method, headers, address, port, target_uri, recording, .. } = &*asked;
    let (address, port) = (*address, *port);
    if is_meant_for_another(headers, &server.ground.ours) {
        return Err(Problem::new(
            Code::NotHere,
            format!("this is {}; ask the provider named in MTP-To", server.ground.ours),
        )
        .into());
    }
    // The signature says whether there is content; both forms are tried, since it is not read yet.
    let claimed = [true, false]
        .into_iter()
        .find_map(|content| UnverifiedRequest::parse(method, target_uri, headers, content).ok());
    recording.claimed(claimed.as_ref().map(UnverifiedRequest::signer));
    let names_us = claimed.as_ref().is_some_and(|request| *request.signer() == server.ground.ours);
    let names_peer = match &claimed {
        Some(_) if names_us => true,
        Some(request) => server.store.glance(|view| view.peer_state(request.signer()))? == PeerState::Allowed,
        None => false,
    };
    let mut content =
        Unread::new(body, if names_peer { Limits::default().request_bytes } else { STRANGER_BYTES })?;
    // Who has no place is refused below, at its step.
    let place = server.throttle.take_unproved(address);
    if place.is_some() {
        content.begin(!names_peer).await?;
    }
    recording.content(content.at_least());
    // A peer whose key is at hand is proved at once, so it needs no place: strangers cannot take them all from it.
    let is_proved_at_once = names_peer
        && content.known_length().is_some()
        && claimed.is_some_and(|request| {
            server.peers.documents.thumbprints(request.signer()).contains(request.kid())
        });
    let admitted = server.throttle.take_turn_of_address(address, names_peer);
    admitted.filter(|()| place.is_some() || is_proved_at_once).ok_or_else(|| {
        let text = "too many requests come from your address; slow down";
        Refusal::after(Problem::new(Code::RateLimited, text), SOON)
    })?;

    let request = UnverifiedRequest::parse(method, target_uri, headers, content.is_some())
        .map_err(|fault| unverified(&fault, server.ground.ambient.now(), None))?;
    let now = server.ground.ambient.now();
    let request = match request.at(now) {
        Ok(request) => request,
        Err(fault) => {
            if names_peer
                && !names_us
                && let Ok(untimely) = UnverifiedRequest::parse(method, target_uri, headers, content.is_some())
            {
                Box::pin(note_untimely(server, untimely)).await;
            }
            return Err(unverified(&fault, now, None));
        }
    };
    let (key, retry_after) = match server.peers.key_of(request.signer(), request.kid()).await {
        Ok(key) => (Some(key), None),
        // Its sender has done nothing wrong, and is to be told what is.
        Err(NoKey::Unkept { problem, retry_after }) => return Err(Refusal::after(*problem, retry_after)),
        Err(unknown) => (None, Some(unknown.retry_after())),
    };
    let mut request = request
        .verify_signature(key.as_ref())
        .map_err(|fault| unverified(&fault, server.ground.ambient.now(), retry_after))?;
    let provider = request.signer().clone();
    let held = if names_peer {
        drop(place);
        Some(server.throttle.take_content(&provider, content.at_most()).ok_or_else(|| {
            let text = "too much that you send is being read at this moment; send this again a little later";
            Refusal::after(Problem::new(Code::Unavailable, text), SOON)
        })?)
    } else {
        place
    };
    let content = content.read(held, |octets| request.take_content(octets)).await?;
    recording.content(content.len());
    server.ground.metrics.of_peers.note_received(content.len());
    let request = request.finish().map_err(|fault| unverified(&fault, server.ground.ambient.now(), None))?;
    // Of ourselves it is the Doctor alone who asks us.
    let asker = if names_us { Asker::Doctor } else { Asker::Node };
    recording.verified(names_peer, asker);
    tracing::Span::current().record("peer", tracing::field::display(&provider));

    let (state, their_state) = admit(server, &provider, method, &path).await?;
    if let Some(socket) = &asked.socket {
        socket.prove(if state == PeerState::Allowed { Trust::LetIn } else { Trust::Proved });
    }
    if state == PeerState::Allowed {
        Box::pin(server.peers.note_timely(&provider)).await;
    }
    server.peers.signs.heard(&provider);
    server.peers.signs.give(&provider, Sign::Came);
    let shows = state == PeerState::Allowed && !is_ping(method, &path);
    if shows && server.consent.note_let_in(&provider, their_state).await {
        server.peers.signs.give(&provider, Sign::Wanted);
    }
    server.throttle.take_turn_of_peer(&provider).ok_or_else(|| {
        let text = "you ask too much in too short a time; slow down";
        Refusal::after(Problem::new(Code::RateLimited, text), SOON)
    })?;
    if matches!(*method, Method::POST | Method::PUT | Method::DELETE) {
        let keyid = format!("{provider}#{}", request.kid());
        let (nonce, until) = (*request.nonce(), Timestamp::from_secs(request.expires()).plus(NONCE_GRACE));
        let _turn = server.turns.take(&provider).await;
        let fresh = server.store.write(move |tx| tx.use_nonce(&keyid, &nonce, until));
        if !fresh.await.map_err(|fault: StoreFault| Refusal::Store(fault))? {
            let text = "this nonce was used before; repeat the request with a new signature";
            return Err(Problem::new(Code::Replayed, text).into());
        }
    }
    Ok((Caller { provider, state, address, port, signed: request.created() }, content))
}

/// Notes that a request of a peer was refused for its time, where the peer's signature proves that it is the peer's.
async fn note_untimely(server: &PeerServer, request: UnverifiedRequest) {
    let (peer, created) = (request.signer().clone(), Timestamp::from_secs(request.created()));
    let key = server.peers.documents.remembered(&peer).and_then(|it| it.keys.get(request.kid()).cloned());
    let proved = request.at(created).and_then(|request| request.verify_signature(key.as_ref()));
    if proved.is_ok() {
        server.peers.note_untimely(&peer, created).await;
    }
}

fn unverified(fault: &SignatureFault, now: Timestamp, retry_after: Option<Duration>) -> Refusal {
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
    fn begin(log: &'a TrafficLog, record: TrafficRecord) -> Self {
        Self { log, id: log.add(record), began: Instant::now(), ended: false.into() }
    }

    fn claimed(&self, peer: Option<&Provider>) {
        self.log.update(self.id, |record| record.peer = peer.cloned());
    }

    fn content(&self, bytes: usize) {
        self.log.update(self.id, |record| record.request_bytes = bytes);
    }

    /// It is proved to be of the peer that it names, which `is_let_in` or not, and `asker` has had it sent.
    fn verified(&self, is_let_in: bool, asker: Asker) {
        self.log.update(self.id, |record| {
            (record.verified, record.let_in, record.asker) = (true, is_let_in, asker);
        });
    }

    /// It was `checked` after so long, and is answered with `reply`, which is sent with `headers`.
    fn end(&self, headers: &HeaderMap, reply: &Reply, checked: Duration) {
        self.ended.store(true, std::sync::atomic::Ordering::Relaxed);
        let took = self.began.elapsed();
        let items = reply.items.clone();
        self.log.update(self.id, |record| {
            record.waiting = false;
            record.duration = Some(took);
            record.timing.verify = Some(checked);
            record.timing.wait = Some(took.saturating_sub(checked));
            record.status = Some(reply.status.as_u16());
            record.code = reply.code.map(|code| code.as_str().to_owned());
            record.response_bytes = reply.body.len();
            record.response_headers = told_headers(headers);
            record.set_items(items);
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
    use http::StatusCode;

    use super::*;
    use crate::ground::config::LimitsConfig;

    const LARGE: usize = 8 << 20;

    /// How many large answers `peer` is given, none of which it reads.
    fn unread(throttle: &Throttle, peer: &str) -> Vec<Reply> {
        let peer: Provider = peer.parse().unwrap();
        let large = || Reply { body: vec![0; LARGE], ..Reply::empty(StatusCode::OK) };
        let mut given = Vec::new();
        loop {
            match hold(throttle, &peer, large()) {
                Ok(reply) => given.push(reply),
                Err(refusal) => {
                    let refused = Reply::from(refusal);
                    assert_eq!(refused.code, Some(Code::RateLimited));
                    assert!(refused.headers.contains_key(http::header::RETRY_AFTER));
                    return given;
                }
            }
            assert!(given.len() < 16, "all of 128 MiB is given to one peer");
        }
    }

    #[test]
    fn who_does_not_read_its_answers_is_given_no_more_and_takes_nothing_from_others() {
        let throttle = Throttle::new(&LimitsConfig::default());
        let first = unread(&throttle, "a.example");
        // A third of 128 MiB.
        assert_eq!(first.len(), 5);
        let small = Reply { body: vec![0; SMALL_ANSWER], ..Reply::empty(StatusCode::OK) };
        assert!(hold(&throttle, &"a.example".parse().unwrap(), small).is_ok(), "that it may have always");
        assert!(!unread(&throttle, "b.example").is_empty());
        // What has been read, or is given up, counts no more.
        drop(first);
        assert!(unread(&throttle, "a.example").len() >= 5);
    }
}
