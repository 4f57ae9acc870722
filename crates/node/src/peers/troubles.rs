//! What goes wrong with peers is kept, and its end too.

use std::time::Duration;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;

use super::Peers;
use super::board::ClockOffset;
use crate::peer_fault::{PeerFault, Stage};

/// An answer whose time is as far from ours as that is not believed either, so nothing that is pulled says that the clocks agree.
const CLOCKS_APART: Duration = Duration::from_secs(300);

/// How long a request may have been on its way to us, which nobody has measured.
const UNKNOWN_WAY: Duration = Duration::from_secs(2);

/// Of a peer whose clock and ours are too far apart for the signatures of both.
const CLOCK_SKEW: &str = "clock-skew";

impl Peers {
    /// Keeps what went wrong with `peer`; one who is unknown is not kept account of.
    pub(crate) async fn note_trouble(&self, peer: &Provider, fault: &PeerFault) {
        let (provider, noted) = (peer.clone(), fault.clone());
        let kept = self.store.write(move |tx| noted.note(tx, &provider));
        if let Err(store) = kept.await {
            tracing::error!(%store, %peer, trouble = %fault, "a trouble could not be kept");
        }
    }

    /// `peer` has signed a request at `theirs` by its own clock, and was refused for that: one of the two clocks is wrong.
    pub(crate) async fn note_untimely(&self, peer: &Provider, theirs: Timestamp) {
        let now = self.ground.ambient.now();
        let offset = ClockOffset::of(theirs, now);
        if offset.size() <= CLOCKS_APART {
            return;
        }
        self.note_clock(peer, theirs, UNKNOWN_WAY);
        let text = format!(
            "its requests here are refused: it signed one at {} by its clock, and it is {} here",
            theirs.in_words(),
            now.in_words()
        );
        self.note_trouble(peer, &PeerFault::new(Stage::Signature, CLOCK_SKEW, text)).await;
        // After it is kept: a request in time that came meanwhile could not end it, and the next one does.
        self.board.note_untimely(peer);
    }

    /// `peer`, which is let in, has signed a request in time: that some were refused for their time is over. Nothing of ours may be
    /// on its way to `peer` by whose answer that would show.
    pub(crate) async fn note_timely(&self, peer: &Provider) {
        if self.board.note_timely(peer) && self.store.glance(|view| view.has_troubles(peer)).unwrap_or(false)
        {
            self.end_trouble(peer, CLOCK_SKEW).await;
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

    /// `peer` has taken what was brought to it: what its store could not keep before, it can.
    pub(crate) async fn note_taken(&self, peer: &Provider) {
        if self.store.glance(|view| view.has_troubles(peer)).unwrap_or(false) {
            self.end_trouble(peer, "store-failing").await;
        }
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
