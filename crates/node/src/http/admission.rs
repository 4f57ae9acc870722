//! Which peers may use which resources, by the state in which they are here (section 6).

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::problem::{Code, Problem};
use http::Method;

use super::server::PeerServer;
use crate::refusal::Refusal;

/// Whether a peer in its state may use the resource (section 6). Returns its state here, and ours there as far as it has
/// said.
pub(super) async fn admit(
    server: &PeerServer,
    provider: &Provider,
    method: &Method,
    path: &[&str],
) -> Result<(PeerState, Option<PeerState>), Refusal> {
    let peer = server.store.glance(|view| view.peer(provider))?;
    let (state, theirs) = peer.map_or((PeerState::Unknown, None), |peer| (peer.state, peer.their_state));
    match state {
        _ if is_ping(method, path) => Ok((state, theirs)),
        PeerState::Blocked => {
            Err(Problem::new(Code::PeerBlocked, "the operator here has blocked your provider").into())
        }
        PeerState::KeyChanged => {
            let text =
                "your key is not the one that was accepted here; ask the operator here to accept the new one";
            let problem = Problem::new(Code::PeerKeyChanged, text);
            let accepted = server.store.glance(|view| view.accepted_keys(provider))?;
            Err(accepted.last().map_or(problem.clone(), |key| problem.with_fingerprint(*key)).into())
        }
        PeerState::Unknown | PeerState::Pending if !is_open_to_strangers(method, path) => {
            let text =
                "the operator here has not yet let your provider in; wait at GET /peering for the decision";
            Err(Problem::new(Code::PeerPending, text).into())
        }
        _ => Ok((state, theirs)),
    }
}

/// A ping proves nothing of what its sender thinks of us: it is the one question that is answered to everybody.
pub(super) fn is_ping(method: &Method, path: &[&str]) -> bool {
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
