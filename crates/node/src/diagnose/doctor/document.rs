//! The step that asks for the provider's document, and the one that compares its keys with those accepted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use drawbridge_mtp::document::ProviderDocument;
use drawbridge_mtp::message::PeerState;

use super::report::{Evidence, Step, StepName};
use super::{Checkup, Looker, Progress};
use crate::identity::provider_document;
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::{DOCUMENT_PATH, DocumentAnswer, PROGRAM, host_text, lifetime};
use crate::readable::{lasting, readable};
use crate::traffic::Asker;

/// What a browser calls itself, to find out whether something answers only to browsers.
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

impl Checkup<'_> {
    /// Asks for the document, at the addresses `at` alone where there are some given, and compares its keys. Returns it with the
    /// client that has a connection to its provider.
    pub(super) async fn ask_for_document(
        &self,
        at: Option<&[SocketAddr]>,
        progress: &Progress,
    ) -> Option<(Arc<ProviderDocument>, reqwest::Client)> {
        let began = Instant::now();
        let remembered = self.peers.documents.remembered(self.peer);
        let outbound = &self.peers.outbound;
        let client = match at {
            Some(at) => outbound.without_memory_at(&host_text(self.peer.host()), at),
            None => outbound.without_memory(self.known.shown.clone().filter(|_| self.is_own())),
        };
        let client = match client {
            Ok(client) => client,
            Err(fault) => {
                let text = format!("no client for it can be made: {fault}");
                let fault = PeerFault::new(Stage::Connect, "connect-failed", text);
                progress.tell(Step::fail(StepName::Document, &fault));
                return None;
            }
        };
        let fetched = self.peers.document_now(self.peer, &client).await;
        let took = began.elapsed();
        let evidence = fetched.answer.as_ref().map(evidence).unwrap_or_default();
        let beside = remembered.as_ref().map(|document| {
            let keys: Vec<_> = document.keys.iter().map(|key| key.thumbprint().to_string()).collect();
            Evidence::new(
                "remembered from before",
                format!("endpoint {}, keys {}", document.endpoint, keys.join(", ")),
            )
        });
        let (step, said, document) = match fetched.document {
            Ok(document) => {
                let whose = if self.is_own() { "our" } else { "its" };
                let step = Step::pass(
                    StepName::Document,
                    format!(
                        "{whose} document is in order, and says that {whose} endpoint is {}",
                        document.endpoint
                    ),
                );
                (step, told(&document), Some(document))
            }
            Err(fault) => {
                let fault = match &fetched.answer {
                    Some(answer) => self.explain(&client, answer, fault).await,
                    None => fault,
                };
                (self.doubt_name(Step::fail(StepName::Document, &fault)), Vec::new(), None)
            }
        };
        progress.tell(Step { took, ..step.with(evidence).with(said).with(beside) });
        let document = document?;
        let body = fetched.answer.as_ref().map_or(&[][..], |answer| &answer.body);
        let step = if self.is_own() {
            self.compare_with_ours(&document, body)
        } else {
            self.compare_keys(&document)
        };
        let is_good = step.is_good() || !self.is_own();
        progress.tell(step);
        is_good.then_some((document, client))
    }

    /// Asks in other ways, to tell what is in between by what it lets pass.
    async fn explain(
        &self,
        client: &reqwest::Client,
        answer: &DocumentAnswer,
        fault: PeerFault,
    ) -> PeerFault {
        let ask = async |path: &str, program| {
            let asked = self.peers.ask_for_document(self.peer, client, path, program, Asker::Doctor).await;
            asked.is_ok_and(|other| other.read(self.peer).is_ok())
        };
        let with_slash = format!("{DOCUMENT_PATH}/");
        let told = |code, text: String| PeerFault::new(Stage::Document, code, text);
        match fault.code.as_ref() {
            "document-refused" if ask(DOCUMENT_PATH, Some(BROWSER)).await => told(
                "user-agent-refused",
                format!(
                    "{} answered {} to {PROGRAM}, and gives its document to what calls itself a browser: something in front of \
                     it refuses programs by their User-Agent",
                    answer.url, answer.status
                ),
            ),
            "document-missing" | "document-redirected" if ask(&with_slash, None).await => told(
                "document-behind-slash",
                format!(
                    "{} answered {}, and the document is at {with_slash}: something in front of it, most often a proxy, adds a \
                     slash at the end",
                    answer.url, answer.status
                ),
            ),
            _ => fault,
        }
    }

    /// Whether what is found under our name is what we say of ourselves, to the byte.
    fn compare_with_ours(&self, document: &ProviderDocument, body: &[u8]) -> Step {
        let ours = self.ground.keys.signing();
        let keys = self.ground.keys.published();
        let said = provider_document(&self.ground.ours, &self.ground.endpoint, keys).to_json();
        let step = if document.keys.get(&ours).is_none() {
            let text = "the document under our name does not have our key: another program, or another copy of our folder, \
                        answers there";
            Step::fail(StepName::Keys, &PeerFault::new(Stage::Document, "own-document", text))
        } else if document.endpoint != self.ground.endpoint {
            let text = format!(
                "the document under our name says that our endpoint is {}, and it is {}: an older copy is answered there",
                document.endpoint, self.ground.endpoint
            );
            Step::fail(StepName::Keys, &PeerFault::new(Stage::Document, "own-document", text))
        } else if self.looker == Looker::Node && body != said.as_slice() {
            let text = "the document under our name has our key, and is not as we send it: something in front of this provider changes it, or \
                        gives an older one";
            Step::warn(StepName::Keys, "own-document", text)
        } else {
            Step::pass(StepName::Keys, "the document under our name is ours")
        };
        let shown = document.keys.iter().map(|key| Evidence::new("key in it", key.thumbprint().to_string()));
        step.with(shown).seen("our key", ours.to_string())
    }

    fn compare_keys(&self, document: &ProviderDocument) -> Step {
        let shown: Vec<_> = document.keys.iter().map(|key| *key.thumbprint()).collect();
        let accepted = &self.known.accepted;
        let known = shown.iter().filter(|key| accepted.contains(key)).count();
        let step = if accepted.is_empty() && matches!(self.known.state(), PeerState::Unknown) {
            Step::pass(StepName::Keys, "it was not met before, so its keys are new")
        } else if accepted.is_empty() {
            Step::pass(StepName::Keys, "its keys are accepted, as the first that were seen")
        } else if known == 0 {
            let text = "its document has none of the keys accepted so far; accept the new key only if its operator has \
                        confirmed it to you";
            Step::fail(StepName::Keys, &PeerFault::new(Stage::Document, "key-changed", text))
        } else if known == shown.len() {
            Step::pass(StepName::Keys, "its keys are those accepted before")
        } else {
            Step::pass(
                StepName::Keys,
                "a key accepted before is there, and the new ones beside it are accepted with it",
            )
        };
        let of = |what, keys: &[drawbridge_mtp::keys::Thumbprint]| {
            keys.iter().map(|key| Evidence::new(what, key.to_string())).collect::<Vec<_>>()
        };
        step.with(of("key in its document", &shown)).with(of("accepted before", accepted))
    }
}

/// What the answer itself says.
fn evidence(answer: &DocumentAnswer) -> Vec<Evidence> {
    let mut evidence = vec![
        Evidence::new("asked", &answer.url),
        Evidence::new("answered", answer.status.to_string()),
        Evidence::new("content type", answer.content_type().unwrap_or_else(|| "none".into())),
        Evidence::new("size", format!("{} bytes", answer.body.len())),
    ];
    evidence.extend(answer.location().map(|place| Evidence::new("leads to", place)));
    evidence.push(Evidence::new("may be remembered for", lasting(lifetime(&answer.headers))));
    evidence
}

/// What the document says.
fn told(document: &ProviderDocument) -> Vec<Evidence> {
    let software = document.software.as_ref().map(|software| {
        let version = software.version.as_deref().unwrap_or_default();
        Evidence::new("software", format!("{} {version}", software.name).trim_end())
    });
    let contact = document.contact.as_deref().map(|contact| Evidence::new("contact", readable(contact)));
    let mut told = vec![
        Evidence::new("provider", document.provider.to_string()),
        Evidence::new("versions", document.versions.join(", ")),
        Evidence::new("endpoint", document.endpoint.to_string()),
    ];
    told.extend(software.into_iter().chain(contact));
    told
}
