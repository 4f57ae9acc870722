//! What goes wrong with peers is kept, and its end too.

use drawbridge_mtp::id::Provider;

use super::Peers;
use crate::peer_fault::{PeerFault, Stage};

impl Peers {
    /// Keeps what went wrong with `peer`; one who is unknown is not kept account of.
    pub(crate) async fn note_trouble(&self, peer: &Provider, fault: &PeerFault) {
        let (provider, noted) = (peer.clone(), fault.clone());
        let kept = self.store.write(move |tx| noted.note(tx, &provider));
        if let Err(store) = kept.await {
            tracing::error!(%store, %peer, trouble = %fault, "a trouble could not be kept");
        }
    }

    /// `peer` has answered, which its signature proves: what was wrong on the way there is over.
    pub(super) async fn note_reached(&self, peer: &Provider) {
        if !self.store.glance(|view| view.has_troubles(peer)).unwrap_or(false) {
            return;
        }
        self.end_troubles(peer, &[Stage::Dns, Stage::Connect, Stage::Tls, Stage::Document]).await;
        self.end_trouble(peer, "address-refused").await;
    }

    /// The trouble `code` with `peer` is over.
    pub(crate) async fn end_trouble(&self, peer: &Provider, code: &'static str) {
        let provider = peer.clone();
        if let Err(fault) = self.store.write(move |tx| tx.end_troubles_with(&provider, &[code])).await {
            tracing::error!(%fault, %peer, "the end of a trouble could not be kept");
        }
    }

    /// The steps `stages` have succeeded with `peer`.
    pub(crate) async fn end_troubles(&self, peer: &Provider, stages: &'static [Stage]) {
        let provider = peer.clone();
        let ended = self.store.write(move |tx| {
            tx.end_troubles(&provider, &stages.iter().map(|stage| stage.as_str()).collect::<Vec<_>>())
        });
        if let Err(fault) = ended.await {
            tracing::error!(%fault, %peer, "the end of a trouble could not be kept");
        }
    }
}
