//! What went wrong with a peer.

use std::borrow::Cow;
use std::time::Duration;

use drawbridge_mtp::problem::{Code, ReceivedProblem};
use drawbridge_mtp::signature::ResponseFault;

use crate::store::words;

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

/// A broken, absent or hostile peer: never our bug, never the operator's misuse.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub struct PeerFault {
    /// At which step.
    pub stage: Stage,
    /// A stable code: the peer's own where it answered with a problem.
    pub code: Cow<'static, str>,
    /// One sentence with the particulars.
    pub text: String,
    /// How long the peer asks us to leave it alone.
    pub retry_after: Option<Duration>,
    /// What the peer answered, where it answered with a problem.
    pub problem: Option<Box<ReceivedProblem>>,
    /// Whether that is a refusal which a repeat does not change.
    is_final: bool,
}

impl PeerFault {
    /// A fault at `stage`.
    pub fn new(stage: Stage, code: &'static str, text: impl Into<String>) -> Self {
        Self {
            stage,
            code: code.into(),
            text: text.into(),
            retry_after: None,
            problem: None,
            is_final: false,
        }
    }

    /// The peer answered with a problem.
    pub fn refused(status: u16, problem: ReceivedProblem, retry_after: Option<Duration>) -> Self {
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
        Self {
            stage,
            code: problem.code.clone().into(),
            text,
            retry_after,
            problem: Some(Box::new(problem)),
            is_final: !passes,
        }
    }

    /// What the peer answered is not proved to be its answer.
    pub fn unproved(fault: &ResponseFault) -> Self {
        let code = match fault {
            ResponseFault::Missing { .. } => "response-unsigned",
            ResponseFault::OtherResponder { .. } => "other-responder",
            ResponseFault::KeyUnknown { .. } => "key-unknown",
            ResponseFault::Times { .. } => "clock-skew",
            ResponseFault::DigestMismatch => "digest-mismatch",
            _ => "signature-invalid",
        };
        Self::new(Stage::Signature, code, fault.to_string())
    }

    /// What the peer answered, where it will never do what it was asked to.
    pub fn final_refusal(&self) -> Option<&ReceivedProblem> {
        self.problem.as_deref().filter(|_| self.is_final)
    }

    /// Whether the peer could not be reached, so that nothing of it, nor of a proxy before it, has answered.
    pub fn is_absence(&self) -> bool {
        let reached = !matches!(self.stage, Stage::Dns | Stage::Connect | Stage::Tls)
            && !matches!(self.code.as_ref(), "timeout" | "connection-lost");
        self.problem.is_none() && !reached
    }

    /// Whether the peer answered with this code.
    pub fn is(&self, code: Code) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.known() == Some(code))
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
}
