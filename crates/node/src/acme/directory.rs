//! The requests to an ACME directory: HTTPS, to the system's roots and those that the operator has named for it.
//!
//! `instant-acme` has a client of its own, which tells neither how long it is asked to wait nor bounds what it reads.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use parking_lot::Mutex;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::readable::readable;

/// A connection has to come about within this, and an answer be whole.
const CONNECT_TIME: Duration = Duration::from_secs(10);
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// What is read of one answer, in octets: the largest is a certificate's chain.
const LARGEST_ANSWER: usize = 1 << 20;

/// No answer that is one of ACME.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoAnswer(String);

/// Asks a directory. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Directory {
    client: reqwest::Client,
    rest: Arc<Mutex<Option<Duration>>>,
}

impl Directory {
    /// Trusts the system's roots and those in `extra_roots` (PEM).
    ///
    /// # Errors
    ///
    /// What is wrong with `extra_roots`, as the end of a sentence.
    pub(crate) fn new(extra_roots: Option<&[u8]>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(extra) = extra_roots {
            let before = roots.len();
            for certificate in CertificateDer::pem_slice_iter(extra) {
                let certificate = certificate.map_err(|fault| fault.to_string())?;
                roots.add(certificate).map_err(|fault| fault.to_string())?;
            }
            if roots.len() == before {
                return Err("there is no certificate in it".into());
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|fault| fault.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIME)
            .timeout(ANSWER_TIME)
            .build()
            .map_err(|fault| fault.to_string())?;
        Ok(Self { client, rest: Arc::default() })
    }

    /// How long the latest answer that refused something has asked us to wait, once.
    pub(super) fn take_rest(&self) -> Option<Duration> {
        self.rest.lock().take()
    }

    async fn ask(self, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, NoAnswer> {
        let (parts, body) = request.into_parts();
        let Ok(body) = body.collect().await;
        let request = reqwest::Request::try_from(Request::from_parts(parts, body.to_bytes()));
        let request = request.map_err(|fault| NoAnswer(why(&fault)))?;
        let mut answer = self.client.execute(request).await.map_err(|fault| NoAnswer(why(&fault)))?;
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let mut content = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|fault| NoAnswer(why(&fault)))? {
            if content.len() + piece.len() > LARGEST_ANSWER {
                return Err(NoAnswer("its answer is too large".into()));
            }
            content.extend_from_slice(&piece);
        }
        if !status.is_success() {
            *self.rest.lock() = rest(&headers, SystemTime::now());
            // What is in between, as a proxy or an overloaded server, has no problem documents.
            if !serde_json::from_slice(&content).is_ok_and(|content: serde_json::Value| content.is_object()) {
                return Err(NoAnswer(format!("it answers {status}")));
            }
        }
        let mut response = Response::new(());
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        let (parts, ()) = response.into_parts();
        Ok(BytesResponse { parts, body: Box::new(Bytes::from(content)) })
    }
}

impl HttpClient for Directory {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let asked = self.clone().ask(request);
        Box::pin(async move { asked.await.map_err(|fault| Error::Other(Box::new(fault))) })
    }
}

/// How long an answer asks us to wait: seconds, or until a time by this computer's clock.
fn rest(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let told = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match told.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(told).ok()?.duration_since(now).ok(),
    }
}

/// Why a request had no answer, by its innermost cause.
fn why(fault: &reqwest::Error) -> String {
    if fault.is_timeout() {
        return "it does not answer in time".into();
    }
    let mut cause: &(dyn StdError + 'static) = fault;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let text = readable(&cause.to_string());
    // The system's texts end with their number.
    let text = text.rsplit_once(" (os error ").map_or(text.as_str(), |(words, _)| words);
    if text.contains("UnknownIssuer") {
        return "nobody this computer trusts has signed its certificate; name that of its authority in [acme] extra_roots".into();
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn what_a_directory_asks_to_wait_is_seconds_or_a_date() {
        let told = |text: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, http::HeaderValue::from_static(text))]);
            rest(&headers, UNIX_EPOCH + Duration::from_secs(784_111_777))
        };
        assert_eq!(told("120"), Some(Duration::from_secs(120)));
        assert_eq!(told("Sun, 06 Nov 1994 08:50:37 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(told("Sun, 06 Nov 1994 08:00:00 GMT"), None);
        assert_eq!(told("soon"), None);
        assert_eq!(rest(&HeaderMap::new(), UNIX_EPOCH), None);
    }

    #[test]
    fn roots_without_a_certificate_are_refused() {
        assert!(Directory::new(Some(b"nothing")).is_err_and(|reason| reason.contains("no certificate")));
        assert!(Directory::new(None).is_ok());
    }
}
