//! What is answered where a provider's document should be, and how it is read (section 3). Whatever is in front of a
//! provider answers there too, so what is no document is told by what it is instead.

use std::time::Instant;

use drawbridge_mtp::document::{DocumentFault, MAX_DOCUMENT_BYTES, ProviderDocument};
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::problem::ReceivedProblem;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION, USER_AGENT,
};
use http::{HeaderValue, Method, StatusCode};

use super::Peers;
use super::reach::DOCUMENT_TIME;
use super::recording::Recording;
use crate::peer_fault::{PeerFault, Stage};
use crate::readable::readable;
use crate::traffic::Asker;

/// Where a provider's document is.
pub(crate) const DOCUMENT_PATH: &str = "/.well-known/mtp";

/// What was answered.
pub(crate) struct DocumentAnswer {
    /// What was asked.
    pub(crate) url: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The content; where there is more than a document may have, what came until then.
    pub(crate) body: bytes::Bytes,
}

impl Peers {
    /// Has `asker` ask `provider` for its document at `path`, in the name of `program` where one is given, else of this program.
    pub(crate) async fn ask_for_document(
        &self,
        provider: &Provider,
        client: &reqwest::Client,
        path: &str,
        program: Option<&'static str>,
        asker: Asker,
    ) -> Result<DocumentAnswer, PeerFault> {
        let (record, began) = (self.record(&Method::GET, path, provider, asker), Instant::now());
        let outcome = self.get_document(provider, client, path, program, &record).await;
        let fault = match &outcome {
            Ok(answer) => answer.read(provider).err(),
            Err(fault) => Some(fault.clone()),
        };
        record.end(fault.as_ref());
        self.measure("document", began, fault.as_ref());
        outcome
    }

    async fn get_document(
        &self,
        provider: &Provider,
        client: &reqwest::Client,
        path: &str,
        program: Option<&'static str>,
        record: &Recording<'_>,
    ) -> Result<DocumentAnswer, PeerFault> {
        self.check_literal(provider.host())?;
        let url = format!("https://{provider}{path}");
        let mut request = client
            .get(&url)
            .timeout(DOCUMENT_TIME)
            .header(ACCEPT, "application/json")
            .header(ACCEPT_ENCODING, "identity");
        if let Some(program) = program {
            request = request.header(USER_AGENT, HeaderValue::from_static(program));
        }
        let response = record.send(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = record.receive(response, MAX_DOCUMENT_BYTES).await?;
        self.ground.metrics.ours.note_received(body.len());
        Ok(DocumentAnswer { url, status, headers, body })
    }
}

impl DocumentAnswer {
    /// The document of `provider` that it is.
    pub(crate) fn read(&self, provider: &Provider) -> Result<ProviderDocument, PeerFault> {
        let fault = |code, text: String| Err(PeerFault::new(Stage::Document, code, text));
        let Self { url, status, .. } = self;
        let size = self.body.len();
        if status.is_redirection() {
            let to = self.location().unwrap_or_else(|| "no place that it names".into());
            return fault(
                "document-redirected",
                format!(
                    "{url} answered {status} and leads to {to}; a document is taken only from where it is asked for"
                ),
            );
        }
        if self.is_problem() {
            return fault(
                "path-changed",
                format!(
                    "{url} answered {status} with a problem of this protocol, which is given below the endpoint alone: something \
                     in front of it, most often a proxy, changes the path"
                ),
            );
        }
        match *status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_ACCEPTABLE => {
                return fault(
                    "document-refused",
                    format!(
                        "{url} answered {status}; everybody has to be given the document without being asked who they are"
                    ),
                );
            }
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                return Err(PeerFault::unsigned(*status, self.headers.get(CONTENT_TYPE), size));
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                return fault(
                    "document-missing",
                    format!("{url} answered {status} and not 200; is MTP set up there?"),
                );
            }
            _ => return fault("document-failed", format!("{url} answered {status} and not 200")),
        }
        if self.headers.contains_key(CONTENT_ENCODING) {
            return fault(
                "document-encoded",
                format!(
                    "{url} answered with encoded content, which is not asked for; its server, or a proxy before it, must send the \
                     document as it is"
                ),
            );
        }
        ProviderDocument::parse(&self.body, provider).or_else(|broken| {
            if self.is_web_page() {
                let text =
                    format!("{url} answered 200 with a web page ({size} bytes) and not with a document");
                return fault("document-web-page", text);
            }
            let code = match &broken {
                DocumentFault::OtherProvider { .. } => "document-of-another",
                DocumentFault::OtherVersion => "version-unknown",
                _ => "document-invalid",
            };
            fault(code, broken.to_string())
        })
    }

    /// Where a redirect leads.
    pub(crate) fn location(&self) -> Option<String> {
        self.headers.get(LOCATION).map(|place| readable(&String::from_utf8_lossy(place.as_bytes())))
    }

    /// What the content says it is.
    pub(crate) fn content_type(&self) -> Option<String> {
        self.headers.get(CONTENT_TYPE).map(|kind| readable(&String::from_utf8_lossy(kind.as_bytes())))
    }

    /// Whether the provider itself has refused it, as it refuses what is asked below its endpoint.
    fn is_problem(&self) -> bool {
        let is_refusal = !self.status.is_success() && self.status != StatusCode::SERVICE_UNAVAILABLE;
        is_refusal && ReceivedProblem::parse(&self.body).is_ok_and(|problem| problem.known().is_some())
    }

    fn is_web_page(&self) -> bool {
        let begins = self.body.trim_ascii_start().get(..1) == Some(b"<");
        begins || self.content_type().is_some_and(|kind| kind.starts_with("text/html"))
    }
}
