//! Why a certificate was not got, in one sentence.

use std::time::Duration;

use instant_acme::{Error, Problem};

use super::directory::NoAnswer;
use crate::identity::IssuanceCode;
use crate::readable::readable;

/// So long a directory may ask us to leave it alone: the longest of Let's Encrypt's limits is a week's.
const LONGEST_REST: Duration = Duration::from_secs(7 * 86_400);
/// Where a directory says that it was asked too often and not for how long.
const REST: Duration = Duration::from_secs(3600);

/// Why a certificate was not got.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(super) struct AcmeFault {
    pub(super) code: IssuanceCode,
    /// One sentence without a full stop.
    pub(super) text: String,
    /// How long the directory asks us to leave it alone.
    pub(super) rest: Option<Duration>,
    /// Whether it has nothing to do with what was ordered, so that another try costs nothing that is limited.
    pub(super) is_passing: bool,
    /// Whether the directory does not know our account, or not any more.
    pub(super) is_account_gone: bool,
}

impl AcmeFault {
    pub(super) fn of(code: IssuanceCode, text: impl Into<String>) -> Self {
        let is_passing = code == IssuanceCode::Unreachable;
        Self { code, text: text.into(), rest: None, is_passing, is_account_gone: false }
    }

    /// What the crate has met at the directory `url`, which has asked for `rest` with its latest answer.
    pub(super) fn met(fault: &Error, url: &str, rest: Option<Duration>) -> Self {
        match fault {
            Error::Api(problem) => {
                let said = said(problem, url);
                Self { rest: rest.map(|rest| rest.min(LONGEST_REST)).or(said.rest), ..said }
            }
            Error::Other(other) if other.is::<NoAnswer>() => {
                let text = format!("the ACME directory {url} cannot be used: {other}");
                Self {
                    rest: rest.map(|rest| rest.min(LONGEST_REST)),
                    ..Self::of(IssuanceCode::Unreachable, text)
                }
            }
            Error::Json(_) | Error::Str(_) | Error::InvalidUri(_) | Error::Http(_) => {
                let text = format!(
                    "{url} does not answer as an ACME directory does: {}",
                    readable(&fault.to_string())
                );
                Self::of(IssuanceCode::Unreachable, text)
            }
            Error::Timeout(_) => {
                let text = format!("the ACME directory {url} has not come to an end with the order in time");
                Self::of(IssuanceCode::Unreachable, text)
            }
            _ => Self::of(
                IssuanceCode::Refused,
                format!("{url} gives no certificate: {}", readable(&fault.to_string())),
            ),
        }
    }
}

/// What the directory says in a problem document.
fn said(problem: &Problem, url: &str) -> AcmeFault {
    let kind = problem.r#type.as_deref().unwrap_or_default();
    let kind = kind.strip_prefix("urn:ietf:params:acme:error:").unwrap_or(kind);
    let words = words_of(problem);
    match kind {
        "rateLimited" => AcmeFault {
            rest: Some(REST),
            ..AcmeFault::of(
                IssuanceCode::RateLimited,
                format!("the ACME directory {url} takes no more requests of this kind for now: {words}"),
            )
        },
        // Of both it says that a later request may be answered otherwise.
        "badNonce" | "serverInternal" => AcmeFault::of(
            IssuanceCode::Unreachable,
            format!("the ACME directory {url} could not answer: {words}"),
        ),
        _ => AcmeFault {
            is_account_gone: kind == "accountDoesNotExist",
            ..AcmeFault::of(
                IssuanceCode::Refused,
                format!("the ACME directory {url} gives no certificate: {words}"),
            )
        },
    }
}

/// The words of a problem, with those of the problems that it is made of.
pub(super) fn words_of(problem: &Problem) -> String {
    let parts = problem.subproblems.iter().filter_map(|part| part.detail.as_deref());
    let mut words: Vec<&str> = problem.detail.as_deref().into_iter().chain(parts).collect();
    if words.is_empty() {
        words.extend(problem.r#type.as_deref());
    }
    words.dedup();
    readable(words.join("; ").trim_end_matches('.'))
}

/// Whether the directory does not take the order as one in the place of an earlier certificate's, and may take it as a new one.
pub(super) fn is_replacement_refused(fault: &Error) -> bool {
    match fault {
        Error::Api(problem) => problem
            .r#type
            .as_deref()
            .is_some_and(|kind| kind.ends_with(":alreadyReplaced") || kind.ends_with(":malformed")),
        // The answer names no certificate that is replaced, or another.
        Error::Other(other) => !other.is::<NoAnswer>(),
        Error::Unsupported(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> Error {
        Error::Api(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn what_a_directory_says_is_one_sentence_with_its_own_words() {
        let url = "https://acme.example/directory";
        let limited = problem(
            r#"{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many certificates, retry after 2026-12-01 00:00:00 UTC: see https://letsencrypt.org/docs","status":429}"#,
        );
        let fault = AcmeFault::met(&limited, url, Some(Duration::from_secs(86_400 * 30)));
        assert_eq!((fault.code, fault.rest), (IssuanceCode::RateLimited, Some(LONGEST_REST)));
        assert!(fault.text.contains("retry after 2026-12-01"), "{fault}");
        let refused = problem(
            r#"{"type":"urn:ietf:params:acme:error:compound","detail":"Some identifiers were refused",
                "subproblems":[{"type":"urn:ietf:params:acme:error:caa","detail":"CAA forbids\nit."}]}"#,
        );
        let fault = AcmeFault::met(&refused, url, None);
        assert_eq!((fault.code, fault.rest, fault.is_passing), (IssuanceCode::Refused, None, false));
        assert!(fault.text.ends_with("Some identifiers were refused; CAA forbids it"), "{fault}");
        let gone = problem(r#"{"type":"urn:ietf:params:acme:error:accountDoesNotExist"}"#);
        assert!(AcmeFault::met(&gone, url, None).is_account_gone);
        let nonce =
            problem(r#"{"type":"urn:ietf:params:acme:error:badNonce","detail":"JWS has an invalid nonce"}"#);
        assert!(AcmeFault::met(&nonce, url, None).is_passing);
        let replaced = problem(r#"{"type":"urn:ietf:params:acme:error:alreadyReplaced"}"#);
        assert!(is_replacement_refused(&replaced) && !is_replacement_refused(&limited));
    }
}
