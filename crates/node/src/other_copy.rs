//! Looks whether another copy of our data folder runs, as after a backup was put back elsewhere while this one went on: whoever is
//! reached under our name is asked which process it is (`ground/copies.rs`).

use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::time::Timestamp;

use crate::delivery::Waits;
use crate::ground::Ground;
use crate::ground::changes::Change;
use crate::identity::Certificate;
use crate::peers::Peers;
use crate::store::{Store, StoreFault, Tx, View};

/// How often it is looked where nothing has happened.
const LOOK_EVERY: Duration = Duration::from_secs(300);
/// However much happens, and however often it fails, it is looked this rarely.
const SHORTEST_REST: Duration = Duration::from_secs(10);
/// The setting that has when another copy was seen, in milliseconds; empty where the operator has said that this one goes on.
const SEEN: &str = "other-copy";

/// Who looks.
pub(crate) struct OtherCopy {
    /// What is known of it, and our keys.
    pub(crate) ground: Arc<Ground>,
    /// Where it is kept, so that a restart changes nothing of it.
    pub(crate) store: Store,
    /// How others are reached, and ourselves.
    pub(crate) peers: Arc<Peers>,
    /// Pulls that wait here, whose peers are told at once.
    pub(crate) waits: Arc<Waits>,
    /// The certificate that we show, by which we know ourselves where it has signed itself.
    pub(crate) shown: Option<Arc<Certificate>>,
}

impl OtherCopy {
    /// Looks until the node stops.
    pub(crate) async fn run(self) {
        let copies = &self.ground.copies;
        loop {
            if copies.check().is_ok() {
                self.look().await;
            }
            if let Err(fault) = self.keep().await {
                tracing::error!(%fault, "that a copy of the data folder runs could not be kept");
            }
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = copies.changed() => continue,
                () = tokio::time::sleep(SHORTEST_REST) => {}
            }
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = copies.changed() => {}
                () = copies.suspected() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    async fn look(&self) {
        let own = self.shown.as_ref().and_then(|certificate| certificate.der());
        tokio::select! {
            () = self.ground.stop.cancelled() => {}
            asked = self.peers.ask_under_our_name(own) => if let Err(fault) = asked {
                tracing::debug!(%fault, "it could not be looked who is reached under our own name");
            }
        }
    }

    /// Keeps what is known now, where it is not kept yet.
    async fn keep(&self) -> Result<(), StoreFault> {
        let seen = self.ground.copies.check().err().map(|met| met.seen);
        let kept = self.store.read(kept).await?;
        if seen.is_some() && kept.is_none() {
            self.waits.nudge_all();
            self.ground.changes.announce(Change::Settings);
            tracing::error!(
                "a copy of this provider's data folder runs elsewhere; nothing is signed any more"
            );
            let text = seen.map(|seen| seen.as_millis().to_string()).unwrap_or_default();
            self.store.write::<_, StoreFault, _>(move |tx| tx.set_setting(SEEN, &text)).await?;
        }
        Ok(())
    }
}

/// When another copy was seen, where the operator has not said yet which goes on.
pub(crate) fn kept(view: &View<'_>) -> Result<Option<Timestamp>, StoreFault> {
    let seen = view.setting(SEEN)?.and_then(|text| text.parse().ok());
    Ok(seen.map(Timestamp::from_millis))
}

/// Nothing is known of another copy.
pub(crate) fn forget(tx: &Tx<'_>) -> Result<(), StoreFault> {
    tx.set_setting(SEEN, "")
}

/// This copy goes on as a backup does that was put back: the other may have given and taken what this one knows nothing of.
pub(crate) fn go_on(tx: &Tx<'_>) -> Result<(), StoreFault> {
    forget(tx)?;
    // What either has handed out is handed out.
    tx.discard_key_packages()?;
    tx.renew_feeds(|_| true)
}
