//! One request of the client API and its answer.

use std::{error::Error, sync::Arc, time::Duration};

use drawbridge_mtp::{
    message::Me,
    problem::{Code, Problem, ReceivedProblem},
    wire::{self, Encoding},
};
use reqwest::{
    Method, Response, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde::{Serialize, de::DeserializeOwned};

use super::address::{ApiUrl, Token};
use crate::{Answer, HomeFault};

/// A connection has to come about within this, its TLS included.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// What an answer may take beyond the time that it was asked to wait: the provider may have to ask others first.
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// The most octets of an answer that are read: a page of the largest allowed, with one item too many.
const ANSWER_BYTES: usize = 16 << 20;
/// The most octets of a problem that are read.
const PROBLEM_BYTES: usize = 64 << 10;
/// Mostly bytes are asked for, which CBOR has as they are.
const ACCEPTED: &str = "application/cbor, application/json;q=0.9";

/// A provider's client API over HTTP, used with one client's token.
///
/// Cloning it gives another handle to the same connections.
#[derive(Clone, Debug)]
pub struct HttpApi {
    url: ApiUrl,
    token: Token,
    client: reqwest::Client,
}

/// Why requests cannot be made at all.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiFault {
    /// The certificates to be trusted besides the system's cannot be read.
    #[error("the certificates to trust besides the system's cannot be used: {0}")]
    Roots(String),
    /// The HTTP client does not come about.
    #[error("no HTTP client can be made: {0}")]
    Client(String),
}

/// What was answered to a request that was carried out.
pub(super) struct Answered {
    encoding: Encoding,
    pub(super) content: Vec<u8>,
}

impl HttpApi {
    /// The client API at `url` with `token`. Nothing is asked yet, so the provider may be away.
    ///
    /// The provider's certificate is trusted by the system's roots and those in `extra_roots` (PEM, may be empty).
    ///
    /// # Errors
    ///
    /// Where `extra_roots` cannot be read, or the system does not let an HTTP client be made.
    pub fn new(url: ApiUrl, token: Token, extra_roots: &[u8]) -> Result<Self, ApiFault> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls_config(&url, extra_roots)?)
            .no_proxy()
            // Another server would be shown the token.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIME)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .user_agent(concat!("drawbridge/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|fault| ApiFault::Client(fault.to_string()))?;
        Ok(Self { url, token, client })
    }

    /// `GET /me`: whose token it is.
    ///
    /// # Errors
    ///
    /// Where the provider does not know the token (`token-unknown`), or does not answer.
    pub async fn me(&self) -> Answer<Me> {
        self.get("/me", Duration::ZERO).await
    }

    /// `GET`, whose answer the provider may hold for `wait`.
    pub(super) async fn get<T: DeserializeOwned>(&self, resource: &str, wait: Duration) -> Answer<T> {
        self.read(&self.ask(Method::GET, resource, None, wait).await?)
    }

    /// `POST`, of which the answer is of use.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        resource: &str,
        message: &impl Serialize,
    ) -> Answer<T> {
        self.read(&self.send(resource, message).await?)
    }

    /// `POST`.
    pub(super) async fn send(&self, resource: &str, message: &impl Serialize) -> Answer<Answered> {
        let content = wire::encode(Encoding::Cbor, message);
        self.ask(Method::POST, resource, Some(content), Duration::ZERO).await
    }

    /// Makes one request. Only what the provider itself has answered is a refusal, since a refusal has consequences; what
    /// something between here and there has answered is as if the provider were away.
    pub(super) async fn ask(
        &self,
        method: Method,
        resource: &str,
        content: Option<Vec<u8>>,
        wait: Duration,
    ) -> Answer<Answered> {
        let mut request = self
            .client
            .request(method, self.url.of(resource))
            .header(AUTHORIZATION, self.token.authorization())
            .header(ACCEPT, ACCEPTED)
            .header(ACCEPT_ENCODING, "identity")
            .timeout(wait + ANSWER_TIME);
        if let Some(content) = content {
            request = request.header(CONTENT_TYPE, Encoding::Cbor.content_type()).body(content);
        }
        let response = request.send().await.map_err(|fault| self.lost(&fault))?;
        let status = response.status();
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let encoding = content_type.and_then(Encoding::from_content_type).unwrap_or_default();
        let is_problem = content_type.is_some_and(is_problem);
        if status.is_success() {
            return Ok(Answered { encoding, content: self.content(response, ANSWER_BYTES).await? });
        }
        let content = self.content(response, PROBLEM_BYTES).await?;
        match ReceivedProblem::parse(&content) {
            Ok(problem) if is_problem => Err(problem.into()),
            // A proxy before the provider says so in its own words, and would say it again.
            _ if status == StatusCode::PAYLOAD_TOO_LARGE => {
                let text = format!("what answers at {} takes no request of this size", self.url);
                Err(ReceivedProblem::from(Problem::new(Code::TooLarge, text)).into())
            }
            _ => Err(HomeFault::Away(format!(
                "what answers at {} says {status} without a problem, so it may not be the client API",
                self.url
            ))),
        }
    }

    async fn content(&self, mut response: Response, at_most: usize) -> Answer<Vec<u8>> {
        let mut content = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|fault| self.lost(&fault))? {
            if content.len() + chunk.len() > at_most {
                return Err(HomeFault::Away(format!(
                    "an answer of {} has more than {at_most} bytes",
                    self.url
                )));
            }
            content.extend_from_slice(&chunk);
        }
        Ok(content)
    }

    fn read<T: DeserializeOwned>(&self, answered: &Answered) -> Answer<T> {
        let Answered { encoding, content } = answered;
        wire::decode(*encoding, content).map_err(|fault| {
            HomeFault::Away(format!("an answer of {} is not of the client API: {fault}", self.url))
        })
    }

    fn lost(&self, fault: &reqwest::Error) -> HomeFault {
        let mut innermost: &dyn Error = fault;
        while let Some(cause) = innermost.source() {
            innermost = cause;
        }
        HomeFault::Away(if fault.is_connect() {
            format!("no connection to {}: {innermost}", self.url)
        } else if fault.is_timeout() {
            format!("{} took the request and did not answer in time", self.url)
        } else {
            format!("the connection to {} broke: {innermost}", self.url)
        })
    }
}

/// Whether content of this type is a problem document (RFC 9457).
fn is_problem(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/problem+json")
}

/// TLS 1.3, as a node's own listener speaks it.
fn tls_config(url: &ApiUrl, extra_roots: &[u8]) -> Result<ClientConfig, ApiFault> {
    let mut roots = RootCertStore::empty();
    // To read the system's takes longer than everything else here.
    if url.has_tls() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    for certificate in CertificateDer::pem_slice_iter(extra_roots) {
        let certificate = certificate.map_err(|fault| ApiFault::Roots(fault.to_string()))?;
        roots.add(certificate).map_err(|fault| ApiFault::Roots(fault.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|fault| ApiFault::Client(fault.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}
