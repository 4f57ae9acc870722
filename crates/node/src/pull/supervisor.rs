//! Keeps, for each peer that is asked, one task that pulls, one that brings what our users asked, and one that brings
//! what they submitted.

use std::collections::HashMap;
use std::sync::Arc;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::PeerState;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use super::pull;
use crate::changes::Change;
use crate::consent::requests::deliver;
use crate::core::Core;
use crate::outbox;
use crate::store::{Reader, StoreFault};

/// The tasks at one peer.
struct Attendance {
    puller: JoinHandle<()>,
    courier: JoinHandle<()>,
    outbox: JoinHandle<()>,
    pull_again: Arc<Notify>,
    deliver_again: Arc<Notify>,
    submit_again: Arc<Notify>,
}

impl Attendance {
    fn begin(core: &Arc<Core>, peer: &Provider) -> Self {
        let (pull_again, deliver_again) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let submit_again = Arc::new(Notify::new());
        Self {
            puller: tokio::spawn(pull(core.clone(), peer.clone(), pull_again.clone())),
            courier: tokio::spawn(deliver(core.clone(), peer.clone(), deliver_again.clone())),
            outbox: tokio::spawn(outbox::deliver(core.clone(), peer.clone(), submit_again.clone())),
            pull_again,
            deliver_again,
            submit_again,
        }
    }
}

impl Attendance {
    fn has_gone(&self) -> bool {
        [&self.puller, &self.courier, &self.outbox].into_iter().any(JoinHandle::is_finished)
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        self.puller.abort();
        self.courier.abort();
        self.outbox.abort();
    }
}

/// Attends to all peers until the node stops.
pub(crate) async fn supervise(core: Arc<Core>) {
    let mut changes = core.changes.listen();
    let mut attended = HashMap::new();
    attend_all(&core, &mut attended).await;
    loop {
        let change = tokio::select! {
            () = core.stop.cancelled() => return,
            change = changes.recv() => change,
        };
        match change {
            Ok(Change::Peer(peer)) => {
                core.waits.nudge(&Reader::Peer(peer.clone()));
                attend(&core, &mut attended, &peer).await;
            }
            Ok(Change::Connection(peer) | Change::Authorization(peer)) => {
                attend(&core, &mut attended, &peer).await
            }
            Ok(Change::Outbox(owner)) => match attended.get(&owner) {
                Some(there) => there.submit_again.notify_one(),
                None => attend(&core, &mut attended, &owner).await,
            },
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => attend_all(&core, &mut attended).await,
            Err(RecvError::Closed) => return,
        }
    }
}

async fn attend_all(core: &Arc<Core>, attended: &mut HashMap<Provider, Attendance>) {
    let Ok(peers) = core.store.read(|view| view.peers()).await else { return };
    for peer in peers {
        core.waits.nudge(&Reader::Peer(peer.provider.clone()));
        attend(core, attended, &peer.provider).await;
    }
}

/// Has someone at `peer` if it is asked, lets them look again, and sends them away if it is not.
async fn attend(core: &Arc<Core>, attended: &mut HashMap<Provider, Attendance>, peer: &Provider) {
    let Ok::<_, StoreFault>(state) = core.store.glance(|view| view.peer_state(peer)) else { return };
    if state != PeerState::Allowed {
        if attended.remove(peer).is_some() {
            core.board.remove(peer);
            core.signs.forget(peer);
        }
        return;
    }
    match attended.get(peer) {
        Some(there) if !there.has_gone() => {
            there.pull_again.notify_one();
            there.deliver_again.notify_one();
            there.submit_again.notify_one();
        }
        _ => {
            attended.insert(peer.clone(), Attendance::begin(core, peer));
        }
    }
}
