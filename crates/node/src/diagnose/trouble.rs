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
