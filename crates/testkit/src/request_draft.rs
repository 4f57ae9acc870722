//! A request of a scripted peer, well- or ill-formed, and what it is answered.

use std::io::{Read, Write};

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::problem::{Code, ReceivedProblem};
use drawbridge_mtp::signature::{RequestBinding, Signer, Stamp, verify_response};
use drawbridge_node::ambient::Ambient;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::ScriptedPeer;
use crate::stalled::Stalled;

/// A request that is signed as the contract says when it is sent, and then spoiled as a test wants it.
#[derive(Clone)]
pub struct RequestDraft<'a> {
    peer: &'a ScriptedPeer,
    /// Who is asked.
    at: Provider,
    /// Who is said to be asked.
    to: Provider,
    method: Method,
    target_uri: String,
    content: Option<(String, Vec<u8>)>,
    stamp: Stamp,
    signer: Signer,
    /// What is done to the fields once they are signed.
    spoils: Vec<(HeaderName, Option<HeaderValue>)>,
    /// What is sent in the place of the signed content.
    instead: Option<Vec<u8>>,
    /// A content type that is sent in two lines.
    parted: Option<HeaderValue>,
    /// Whether the last octet of the content never comes, and then whether its length is told.
    stalls: Option<bool>,
    over_http1: bool,
}

/// An answer, proved to be from who was asked and to this very request.
#[derive(Clone, Debug)]
pub struct RawResponse {
    /// The status.
    pub status: StatusCode,
    /// The fields.
    pub headers: HeaderMap,
    /// The content.
    pub body: Vec<u8>,
}

impl ScriptedPeer {
    /// A request to `to`, which is sent as it is or altered first.
    pub fn draft(&self, to: &Provider, method: Method, resource: &str) -> RequestDraft<'_> {
        RequestDraft {
            peer: self,
            at: to.clone(),
            to: to.clone(),
            method,
            target_uri: format!("https://{to}/mtp/v1{resource}"),
            content: None,
            stamp: self.stamp(),
            signer: self.signer().clone(),
            spoils: Vec::new(),
            instead: None,
            parted: None,
            stalls: None,
            over_http1: false,
        }
    }

    /// `GET`.
    pub fn gets(&self, to: &Provider, resource: &str) -> RequestDraft<'_> {
        self.draft(to, Method::GET, resource)
    }

    /// `POST` of some JSON.
    pub fn posts(&self, to: &Provider, resource: &str, json: &serde_json::Value) -> RequestDraft<'_> {
        self.draft(to, Method::POST, resource).content("application/json", json.to_string().into_bytes())
    }
}

impl RequestDraft<'_> {
    /// With this content.
    #[must_use]
    pub fn content(mut self, content_type: &str, content: Vec<u8>) -> Self {
        self.content = Some((content_type.to_owned(), content));
        self
    }

    /// Signed with this stamp.
    #[must_use]
    pub fn stamped(mut self, alter: impl FnOnce(&mut Stamp)) -> Self {
        alter(&mut self.stamp);
        self
    }

    /// Signed by another.
    #[must_use]
    pub fn signed_by(mut self, signer: Signer) -> Self {
        self.signer = signer;
        self
    }

    /// Meant for another.
    #[must_use]
    pub fn meant_for(mut self, to: &Provider) -> Self {
        self.to = to.clone();
        self
    }

    /// With this field, once it is signed.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.spoils.push((HeaderName::from_static(name), Some(value.parse().unwrap())));
        self
    }

    /// With this content type in two lines, as a proxy may have parted it, and as it is signed.
    #[must_use]
    pub fn in_two_lines(mut self, content_type: &str, content: Vec<u8>) -> Self {
        self.content = Some((format!("{content_type}, {content_type}"), content));
        self.parted = Some(content_type.parse().unwrap());
        self
    }

    /// Without this field, once it is signed.
    #[must_use]
    pub fn without(mut self, name: &'static str) -> Self {
        self.spoils.push((HeaderName::from_static(name), None));
        self
    }

    /// With other content than was signed.
    #[must_use]
    pub fn sending(mut self, content: &[u8]) -> Self {
        self.instead = Some(content.to_vec());
        self
    }

    /// With content whose last octet never comes; its length is told at the beginning or not.
    #[must_use]
    pub fn stalling(mut self, tells_length: bool) -> Self {
        self.stalls = Some(tells_length);
        self
    }

    /// Over HTTP/1.1, on a connection of its own.
    #[must_use]
    pub fn over_http1(mut self) -> Self {
        self.over_http1 = true;
        self
    }

    /// Sends it; the answer has to be signed well.
    pub async fn send(self) -> RawResponse {
        self.send_or_lose().await.expect("the node answers, to the end")
    }

    /// Sends it to a node that may die meanwhile, which is no answer; the answer has to be signed well.
    pub async fn send_or_lose(self) -> Option<RawResponse> {
        let keys = self.peer.keys_of(&self.at).await;
        let content = self.content.as_ref().map(|(kind, content)| (kind.as_str(), content.as_slice()));
        let signed = self.signer.sign_request(&self.method, &self.target_uri, &self.to, content, self.stamp);
        let mut headers = signed.headers;
        for (name, value) in self.spoils {
            match value {
                Some(value) => drop(headers.insert(name, value)),
                None => drop(headers.remove(name)),
            }
        }
        if let Some(line) = self.parted {
            headers.insert(CONTENT_TYPE, line.clone());
            headers.append(CONTENT_TYPE, line);
        }
        let binding = RequestBinding::of(&self.method, &self.target_uri, &headers);
        let client = if self.over_http1 { self.peer.http1_client() } else { self.peer.client.clone() };
        let mut request = client.request(self.method, &self.target_uri).headers(headers);
        if let Some(content) = self.instead.or(self.content.map(|(_, content)| content)) {
            request = request.body(match self.stalls {
                None => content.into(),
                Some(tells_length) => reqwest::Body::wrap(Stalled::new(content, tells_length)),
            });
        }
        let response = request.send().await.ok()?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.ok()?.to_vec();
        let now = self.peer.clock().now();
        verify_response(status, &headers, &body, &binding, &self.at, &keys, now)
            .unwrap_or_else(|fault| panic!("{status} is not signed well: {fault}"));
        assert_eq!(
            headers.get(CACHE_CONTROL).map(HeaderValue::as_bytes),
            Some(&b"no-store, no-transform"[..])
        );
        Some(RawResponse { status, headers, body })
    }

    /// Sends it by HTTP/1.1 with `target` in the place of its path and query, over a connection of its own. The answer has to
    /// be signed for what was signed.
    pub async fn send_as(self, target: &str) -> RawResponse {
        let keys = self.peer.keys_of(&self.at).await;
        let signed = self.signer.sign_request(&self.method, &self.target_uri, &self.to, None, self.stamp);
        let mut head =
            format!("{} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.method, self.at);
        for (name, value) in &signed.headers {
            head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        head.push_str("\r\n");
        let (at, tls) = (self.at.clone(), self.peer.tls.clone());
        let answer = tokio::task::spawn_blocking(move || {
            let name = rustls::pki_types::ServerName::IpAddress(
                at.to_string().parse::<std::net::SocketAddr>().unwrap().ip().into(),
            );
            let connection = rustls::ClientConnection::new(tls, name).unwrap();
            let stream = std::net::TcpStream::connect(at.as_str()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream);
            stream.write_all(head.as_bytes()).unwrap();
            let mut answer = Vec::new();
            // That the other side ends the connection without a word is no matter, once the answer is here.
            let _ = stream.read_to_end(&mut answer);
            answer
        })
        .await
        .unwrap();
        let end = answer.windows(4).position(|at| at == b"\r\n\r\n").expect("an answer with a head");
        let (head, body) = (std::str::from_utf8(&answer[..end]).unwrap(), answer[end + 4..].to_vec());
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let fields = lines.map(|line| line.split_once(": ").unwrap());
        let headers: HeaderMap = fields
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap()))
            .collect();
        let now = self.peer.clock().now();
        verify_response(status, &headers, &body, &signed.binding, &self.at, &keys, now)
            .unwrap_or_else(|fault| panic!("{status} is not signed well: {fault}"));
        RawResponse { status, headers, body }
    }

    /// Sends it, and has to be refused with `code`.
    pub async fn expect_refusal(self, code: Code) -> ReceivedProblem {
        let what = format!("{} {}", self.method, self.target_uri);
        let heard = self.send().await;
        let problem = heard.problem();
        assert_eq!(problem.known(), Some(code), "{what}: {heard:?}");
        assert_eq!(heard.status, code.status(), "{what}");
        problem
    }
}

impl RawResponse {
    /// The content, JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The problem that it is.
    pub fn problem(&self) -> ReceivedProblem {
        ReceivedProblem::parse(&self.body)
            .unwrap_or_else(|fault| panic!("no problem but {} ({fault})", self.status))
    }

    /// A field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
