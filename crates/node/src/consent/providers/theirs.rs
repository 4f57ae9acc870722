//! What other providers think of us, as far as they have said or shown.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::PeerState;

use crate::consent::Consent;
use crate::consent::requests::ask_again;
use crate::store::{StoreFault, Tx};

/// The troubles that a peer's judgement of us makes.
const SHUT_OUT: &[&str] = &["peer-pending", "peer-blocked", "peer-key-changed", "not-allowed"];

impl Consent {
    /// Keeps what `peer` thinks of us.
    pub(crate) async fn note_their_state(&self, peer: &Provider, state: PeerState) {
        let peer = peer.clone();
        let kept = self.store.write(move |tx| set_their_state(tx, &peer, state));
        if let Err(fault) = kept.await {
            let fault: StoreFault = fault;
            tracing::error!(%fault, "what a peer thinks of us could not be kept");
        }
    }

    /// `peer` has asked us something, which a provider does only where it lets the other in (section 6): what it thought of us
    /// before (`known`), and what went wrong for that, is over. Returns whether anything was, so that it can be asked at once.
    pub(crate) async fn note_let_in(&self, peer: &Provider, known: Option<PeerState>) -> bool {
        if !matches!(known, Some(PeerState::Blocked | PeerState::KeyChanged | PeerState::Pending)) {
            return false;
        }
        let peer = peer.clone();
        let kept = self.store.write(move |tx| {
            set_their_state(tx, &peer, PeerState::Allowed)?;
            tx.end_troubles_with(&peer, SHUT_OUT)
        });
        if let Err(fault) = kept.await {
            let fault: StoreFault = fault;
            tracing::error!(%fault, "what a peer thinks of us could not be kept");
        }
        true
    }
}

fn set_their_state(tx: &Tx<'_>, peer: &Provider, state: PeerState) -> Result<(), StoreFault> {
    let Some(mut row) = tx.peer(peer)?.filter(|row| row.their_state != Some(state)) else { return Ok(()) };
    let was_pending = row.their_state.replace(state) == Some(PeerState::Pending);
    tx.put_peer(&row)?;
    if was_pending && state == PeerState::Allowed { ask_again(tx, peer) } else { Ok(()) }
}
