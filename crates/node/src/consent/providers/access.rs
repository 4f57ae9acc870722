//! Which peers may use which resources, by the state in which they are here (section 6).

use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::problem::{Code, Problem};
use http::Method;

/// Why a provider that is in `state` here may not use a resource; none where it may. `accepted` is the key that was accepted of
/// it last.
pub(crate) fn access_refused(
    state: PeerState,
    accepted: Option<Thumbprint>,
    method: &Method,
    path: &[&str],
) -> Option<Problem> {
    match state {
        _ if is_ping(method, path) => None,
        PeerState::Blocked => {
            Some(Problem::new(Code::PeerBlocked, "the operator here has blocked your provider"))
        }
        PeerState::KeyChanged => {
            let text =
                "your key is not the one that was accepted here; ask the operator here to accept the new one";
            let problem = Problem::new(Code::PeerKeyChanged, text);
            Some(accepted.map_or(problem.clone(), |key| problem.with_fingerprint(key)))
        }
        PeerState::Unknown | PeerState::Pending if !is_open_to_strangers(method, path) => {
            let text =
                "the operator here has not yet let your provider in; wait at GET /peering for the decision";
            Some(Problem::new(Code::PeerPending, text))
        }
        _ => None,
    }
}

/// A ping proves nothing of what its sender thinks of us: it is the one question that is answered to everybody.
pub(crate) fn is_ping(method: &Method, path: &[&str]) -> bool {
    method == Method::GET && path == ["ping"]
}

/// Whether who is not allowed may use a resource too (section 6).
fn is_open_to_strangers(method: &Method, path: &[&str]) -> bool {
    matches!(
        (method.as_str(), path),
        ("GET", ["ping"])
            | ("GET" | "POST", ["peering"])
            | ("POST", ["connections"])
            | ("DELETE", ["connections", _])
    )
}
