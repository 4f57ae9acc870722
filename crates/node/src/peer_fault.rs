//! What went wrong with a peer.

use std::borrow::Cow;
use std::time::Duration;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::problem::{Cause, Code, ReceivedProblem};
use drawbridge_mtp::signature::ResponseFault;
use drawbridge_mtp::time::Timestamp;
use http::{HeaderValue, StatusCode};

use crate::readable::readable;
use crate::store::{StoreFault, Tx};
use crate::words::words;

words! {
    /// At which step something went wrong with a peer.
    Stage {
        /// Its name has no address.
        Dns = "dns",
        /// No connection to its address.
        Connect = "connect",
        /// The TLS handshake or its certificate.
        Tls = "tls",
        /// Its provider document.
        Document = "document",
        /// A signature, ours there or theirs here.
        Signature = "signature",
        /// Its operator's decision or ours.
        Policy = "policy",
        /// An HTTP answer that is not what the protocol has.
        Http = "http",
        /// What it told us breaks the protocol's rules.
        Content = "content",
        /// Our store or theirs has lost or gone back on something.
        Store = "store",
    }
}

/// Characters of a code that are kept.
const CODE: usize = 64;

/// A broken, absent or hostile peer: never our bug, never the operator's misuse.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub struct PeerFault {
    /// At which step.
    pub stage: Stage,
    /// A stable code: the peer's own where it answered with a problem that the protocol knows, else one of ours.
    pub code: Cow<'static, str>,
    /// One sentence with the particulars, cut to what a person reads.
    pub text: String,
    /// How long the peer asks us to leave it alone.
    pub retry_after: Option<Duration>,
    /// What the peer answered, where it answered with a problem.
    pub problem: Option<Box<ReceivedProblem>>,
    /// The status of an answer that is not signed, so that something before the peer has given it.
    pub unsigned: Option<u16>,
    /// The time at the peer, where it has said so since the clocks differ.
    pub their_time: Option<Timestamp>,
    /// Whether that is a refusal which a repeat does not change.
    is_final: bool,
}

impl PeerFault {
    /// Notes it as a trouble with `peer`, where that is known here.
    pub(crate) fn note(&self, tx: &Tx<'_>, peer: &Provider) -> Result<(), StoreFault> {
        if tx.peer(peer)?.is_none() {
            return Ok(());
        }
        tx.note_trouble(peer, self.stage.as_str(), &self.code, &self.text)
    }

    /// A fault at `stage`.
    pub fn new(stage: Stage, code: &'static str, text: impl Into<String>) -> Self {
        Self {
            stage,
            code: code.into(),
            text: readable(&text.into()),
            retry_after: None,
            problem: None,
            unsigned: None,
            their_time: None,
            is_final: false,
        }
    }

    /// The peer answered with a problem, of which no more is kept than a person reads. A code that the protocol does not
    /// name is `other`, with the peer's own in the text.
    pub fn refused(status: u16, problem: ReceivedProblem, retry_after: Option<Duration>) -> Self {
        let problem = cut(problem);
        let stage = match problem.known() {
            Some(Code::PeerPending | Code::PeerBlocked | Code::PeerKeyChanged | Code::RateLimited) => {
                Stage::Policy
            }
            Some(Code::FeedReset | Code::FeedTruncated) => Stage::Store,
            _ if status == 401 => Stage::Signature,
            _ => Stage::Http,
        };
        let detail = problem.detail.as_deref().unwrap_or("it gives no reason");
        let text = format!("it answered {status} {}: {detail}", problem.code);
        // What is said of us as a peer, or of now, passes: 401, 408, 425, 429, 5xx and the states of peering.
        let passes = !(400..500).contains(&status)
            || matches!(status, 401 | 408 | 425 | 429)
            || matches!(
                problem.known(),
                Some(
                    Code::PeerPending
                        | Code::PeerBlocked
                        | Code::PeerKeyChanged
                        | Code::NotConnected
                        | Code::RateLimited
                        | Code::Unavailable
                )
            );
        let code = match (problem.known(), problem.members.cause) {
            (Some(Code::Unavailable), Some(Cause::Store)) => "store-failing",
            (known, _) => known.map_or("other", Code::as_str),
        };
        Self {
            retry_after,
            their_time: problem.members.now,
            problem: Some(Box::new(problem)),
            is_final: !passes,
            ..Self::new(stage, code, text)
        }
    }

    /// What answered has not signed it, so it was not the peer. Where it says that it could not reach the peer, it is a
    /// proxy before one that is away.
    pub fn unsigned(status: StatusCode, content_type: Option<&HeaderValue>, bytes: usize) -> Self {
        let what = content_type.and_then(|value| value.to_str().ok()).unwrap_or("no content type");
        let answer = format!("an unsigned {status} ({what}, {bytes} bytes)");
        let fault = match status {
            // It was reached, or is taken to be: it did not answer while the proxy waited.
            StatusCode::GATEWAY_TIMEOUT => Self::new(
                Stage::Http,
                "proxy-error",
                format!(
                    "what is in front of it, most often a proxy, got no answer of it in time: it gave {answer}"
                ),
            ),
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE => Self::new(
                Stage::Http,
                "proxy-error",
                format!("what is in front of it, most often a proxy, could not reach it: it gave {answer}"),
            ),
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(
                Stage::Http,
                "proxy-too-large",
                format!(
                    "what is in front of it, most often a proxy, found what was sent too large: it gave {answer}"
                ),
            ),
            _ => Self::new(
                Stage::Signature,
                "response-unsigned",
                format!("something else has answered in its place, most often a proxy: it gave {answer}"),
            ),
        };
        // Whoever says it, what was sent is too large, and stays so (section 5).
        let is_final = status == StatusCode::PAYLOAD_TOO_LARGE;
        let problem = is_final.then(|| {
            let (code, detail) = (Code::TooLarge.as_str().into(), Some(fault.text.clone()));
            Box::new(ReceivedProblem { code, detail, ..ReceivedProblem::default() })
        });
        Self { unsigned: Some(status.as_u16()), problem, is_final, ..fault }
    }

    /// The same, where it has come out that what was sent, of so many bytes, is too large for who answered so.
    #[must_use]
    pub fn found_too_large(self, bytes: usize) -> Self {
        let text = format!(
            "what is in front of it, most often a proxy, lets small requests through and one of {bytes} bytes not: {}",
            self.text
        );
        let (code, detail) = (Code::TooLarge.as_str().into(), Some(text.clone()));
        let problem = Some(Box::new(ReceivedProblem { code, detail, ..ReceivedProblem::default() }));
        Self { code: "proxy-too-large".into(), text: readable(&text), problem, is_final: true, ..self }
    }

    /// What the peer answered is not proved to be its answer.
    pub fn unproved(fault: &ResponseFault) -> Self {
        let code = match fault {
            ResponseFault::Missing { .. } => "response-unsigned",
            ResponseFault::OtherResponder { .. } => "other-responder",
            // That it does not know ours is `key-unknown`.
            ResponseFault::KeyUnknown { .. } => "answer-key-unknown",
            ResponseFault::Times { .. } => "clock-skew",
            ResponseFault::DigestMismatch => "digest-mismatch",
            _ => "signature-invalid",
        };
        let their_time = match fault {
            ResponseFault::Times { created, .. } => Some(*created),
            _ => None,
        };
        Self { their_time, ..Self::new(Stage::Signature, code, fault.to_string()) }
    }

    /// The same, where the size of the request, in bytes, is what matters.
    #[must_use]
    pub fn of_request(mut self, bytes: usize) -> Self {
        self.text = format!("{} (the request had {bytes} bytes)", self.text);
        self
    }

    /// The same, told in a sentence around its own.
    #[must_use]
    pub fn told_as(self, text: &str) -> Self {
        Self { text: readable(text), ..self }
    }

    /// What the peer answered, where it will never do what it was asked to.
    pub fn final_refusal(&self) -> Option<&ReceivedProblem> {
        self.problem.as_deref().filter(|_| self.is_final)
    }

    /// Whether the peer could not be reached, so that nothing of it has answered, but a proxy before it may have said so.
    pub fn is_absence(&self) -> bool {
        let reached = !matches!(self.stage, Stage::Dns | Stage::Connect | Stage::Tls)
            && !matches!(self.code.as_ref(), "timeout" | "connection-lost" | "proxy-error");
        self.problem.is_none() && !reached
    }

    /// Whether it is for its certificate that nothing is exchanged with it.
    pub fn is_of_certificate(&self) -> bool {
        self.stage == Stage::Tls && self.code.starts_with("certificate-")
    }

    /// Whether the peer may be elsewhere by now than its document said when it was read: it is not at its endpoint, or
    /// somebody else is.
    pub fn doubts_document(&self) -> bool {
        let is_not_there = matches!(self.stage, Stage::Dns | Stage::Connect | Stage::Tls)
            || matches!(self.code.as_ref(), "address-refused" | "other-responder");
        self.unsigned.is_some() || is_not_there || self.is(Code::NotHere)
    }

    /// Whether a request was lost, of which nothing was answered: something in between has ended it.
    pub fn is_cut(&self) -> bool {
        self.code == "connection-lost" || matches!(self.unsigned, Some(502 | 504))
    }

    /// Whether the peer answered with this code.
    pub fn is(&self, code: Code) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.known() == Some(code))
    }
}

/// Keeps no more of a problem than a person reads. What the peer calls it may be of another profile.
fn cut(problem: ReceivedProblem) -> ReceivedProblem {
    ReceivedProblem {
        code: readable(&problem.code).chars().take(CODE).collect(),
        detail: problem.detail.as_deref().map(readable),
        ..problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, code: &str) -> PeerFault {
        let problem = serde_json::json!({"status": status, "code": code, "title": "", "detail": "no"});
        PeerFault::refused(status, ReceivedProblem::parse(problem.to_string().as_bytes()).unwrap(), None)
    }

    #[test]
    fn a_refusal_is_final_unless_it_is_about_now_or_about_us_as_a_peer() {
        for (status, code) in [
            (400, "malformed"),
            (400, "invalid-mls"),
            (403, "not-authorized"),
            (403, "not-participant"),
            (403, "grant-invalid"),
            (404, "not-found"),
            (409, "conflict"),
            (409, "epoch-conflict"),
            (410, "gone"),
            (413, "too-large"),
            (415, "unsupported-media-type"),
            (421, "not-here"),
            (418, "of-another-profile"),
        ] {
            let fault = answered(status, code);
            assert_eq!(fault.final_refusal().map(|problem| problem.code.as_str()), Some(code), "{status}");
        }
        for (status, code) in [
            (401, "signature-expired"),
            (401, "replayed"),
            (401, "key-unknown"),
            (403, "peer-pending"),
            (403, "peer-blocked"),
            (403, "peer-key-changed"),
            (403, "not-connected"),
            (408, "of-another-profile"),
            (425, "of-another-profile"),
            (429, "rate-limited"),
            (500, "of-another-profile"),
            (502, "not-found"),
            (503, "unavailable"),
        ] {
            assert!(answered(status, code).final_refusal().is_none(), "{status} {code}");
        }
        assert!(PeerFault::new(Stage::Http, "unexpected-status", "").final_refusal().is_none());
    }

    #[test]
    fn who_has_answered_anything_was_not_away() {
        for (stage, code) in [
            (Stage::Dns, "no-address"),
            (Stage::Connect, "connect-failed"),
            (Stage::Tls, "certificate-expired"),
            (Stage::Http, "timeout"),
            (Stage::Http, "connection-lost"),
            (Stage::Http, "proxy-error"),
        ] {
            assert!(PeerFault::new(stage, code, "").is_absence(), "{code}");
        }
        for (stage, code) in [
            (Stage::Document, "document-missing"),
            (Stage::Signature, "response-unsigned"),
            (Stage::Policy, "address-refused"),
            (Stage::Http, "unexpected-status"),
            (Stage::Content, "feed-hasty"),
            (Stage::Store, "feed-reset"),
        ] {
            assert!(!PeerFault::new(stage, code, "").is_absence(), "{code}");
        }
        for (status, code) in [(503, "unavailable"), (429, "rate-limited"), (403, "peer-blocked")] {
            assert!(!answered(status, code).is_absence(), "{code}");
        }
        // A peer that calls its own problem so has answered all the same.
        assert!(!answered(504, "timeout").is_absence());
    }

    #[test]
    fn of_what_a_peer_says_no_more_is_kept_than_a_person_reads() {
        let long = "\u{202e}x".repeat(1 << 20);
        let problem = serde_json::json!({"status": 403, "code": long, "title": long, "detail": long});
        let problem = ReceivedProblem::parse(problem.to_string().as_bytes()).unwrap();
        let fault = PeerFault::refused(403, problem, None);
        assert_eq!(fault.code, "other");
        let kept = fault.final_refusal().unwrap();
        let texts = [Some(&fault.text), Some(&kept.code), kept.detail.as_ref()];
        for text in texts.into_iter().flatten() {
            assert!(text.len() < 8 << 10 && !text.contains('\u{202e}'), "{} bytes", text.len());
        }
        assert_eq!(answered(403, "grant-invalid").code, "grant-invalid");
    }

    #[test]
    fn an_unsigned_answer_is_named_by_what_it_was() {
        let html = HeaderValue::from_static("text/html");
        for (status, code, cut) in [
            (502, "proxy-error", true),
            (503, "proxy-error", false),
            (504, "proxy-error", true),
            (413, "proxy-too-large", false),
            (404, "response-unsigned", false),
            (200, "response-unsigned", false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let fault = PeerFault::unsigned(status, Some(&html), 157);
            assert_eq!((fault.code.as_ref(), fault.is_cut()), (code, cut), "{status}");
            assert!(fault.text.contains(status.as_str()) && fault.text.contains("text/html, 157 bytes"));
            assert!(fault.doubts_document());
        }
    }
}
