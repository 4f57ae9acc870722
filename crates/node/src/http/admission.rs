//! Whether a peer may use a resource, by the state in which it is here (section 6).

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::PeerState;
use http::Method;

use super::own_check::OWN_CHECK;
use super::server::PeerServer;
use crate::consent::providers::access_refused;
use crate::refusal::Refusal;
use crate::store::StoreFault;

/// Whether a peer in its state may use the resource. Returns its state here, and ours there as far as it has said.
pub(super) async fn admit(
    server: &PeerServer,
    provider: &Provider,
    method: &Method,
    path: &[&str],
) -> Result<(PeerState, Option<PeerState>), Refusal> {
    // What we ask of ourselves is asked by no peer.
    if *provider == server.ground.ours && path == OWN_CHECK {
        return Ok((PeerState::Unknown, None));
    }
    let peer = server.store.glance(|view| view.peer(provider))?;
    let (state, theirs) = peer.map_or((PeerState::Unknown, None), |peer| (peer.state, peer.their_state));
    let accepted = match state {
        PeerState::KeyChanged => {
            server.store.glance::<_, StoreFault>(|view| Ok(view.accepted_keys(provider)?.last().copied()))?
        }
        _ => None,
    };
    access_refused(state, accepted, method, path).map_or(Ok((state, theirs)), |problem| Err(problem.into()))
}
