//! What the rooms of one node share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use drawbridge_mtp::document::Endpoint;
use drawbridge_mtp::id::{Name, Provider, UserUri};
use drawbridge_mtp::signature::{Signer, Stamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ambient::{Ambient, AmbientExt};
use crate::changes::Changes;
use crate::config::{Config, Strangers};
use crate::consent::requests::Undos;
use crate::delivery::{Forks, Groups, Recovery, Waits};
use crate::diagnose::{PeerFault, Stage, TrafficLog};
use crate::http::{Throttle, Turns};
use crate::outbox::Answers;
use crate::peers::{Board, Documents, Outbound, Signs};
use crate::store::Store;

/// How long a signature of ours holds, in seconds.
const SIGNATURE_LIFETIME_S: u16 = 120;

/// One node: its rooms reach each other through this.
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) ours: Provider,
    pub(crate) endpoint: Endpoint,
    pub(crate) signer: Signer,
    pub(crate) document: bytes::Bytes,
    pub(crate) store: Store,
    pub(crate) ambient: Arc<dyn Ambient>,
    pub(crate) changes: Changes,
    pub(crate) choices: RwLock<Choices>,
    pub(crate) outbound: Outbound,
    pub(crate) documents: Documents,
    pub(crate) traffic: TrafficLog,
    pub(crate) waits: Waits,
    pub(crate) groups: Groups,
    pub(crate) recovery: Recovery,
    pub(crate) forks: Forks,
    /// Rung where somebody was added to a group of another owner.
    pub(crate) added: Notify,
    pub(crate) answers: Answers,
    pub(crate) board: Board,
    pub(crate) throttle: Throttle,
    pub(crate) signs: Signs,
    pub(crate) turns: Turns,
    pub(crate) undos: Undos,
    pub(crate) seen_clients: Mutex<HashMap<(Name, Name), u64>>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

/// What the operator can change while the node runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choices {
    pub(crate) strangers: Strangers,
    pub(crate) tell_declined: bool,
}

impl Core {
    pub(crate) fn choices(&self) -> Choices {
        *self.choices.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A user of ours, by its local name.
    pub(crate) fn user(&self, name: &Name) -> UserUri {
        UserUri::new(&self.ours, name)
    }

    /// When and for how long a signature made now holds.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp {
            created: self.ambient.now().as_secs(),
            lifetime_s: SIGNATURE_LIFETIME_S,
            nonce: self.ambient.random(),
        }
    }

    /// Keeps what went wrong with `peer`; one who is unknown is not kept account of.
    pub(crate) async fn note_trouble(&self, peer: &Provider, fault: &PeerFault) {
        let (provider, noted) = (peer.clone(), fault.clone());
        let kept = self.store.write(move |tx| noted.note(tx, &provider));
        if let Err(store) = kept.await {
            tracing::error!(%store, %peer, trouble = %fault, "a trouble could not be kept");
        }
    }

    /// `peer` has answered, which its signature proves: what was wrong on the way there is over.
    pub(crate) async fn note_reached(&self, peer: &Provider) {
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
