//! Keeps, for each peer that is asked, one task that pulls, one that brings what our users asked, and one that brings
//! what they submitted.

use std::collections::HashMap;
use std::sync::Arc;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::PeerState;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use super::Pulls;
use crate::ground::changes::Change;
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
    fn begin(pulls: &Arc<Pulls>, peer: &Provider) -> Self {
        let (pull_again, deliver_again) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let submit_again = Arc::new(Notify::new());
        Self {
            puller: tokio::spawn(pulls.clone().pull(peer.clone(), pull_again.clone())),
            courier: tokio::spawn(pulls.consent.clone().deliver(peer.clone(), deliver_again.clone())),
            outbox: tokio::spawn(pulls.outbox.clone().deliver(peer.clone(), submit_again.clone())),
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

impl Pulls {
    /// Attends to all peers until the node stops.
    pub(crate) async fn supervise(self: Arc<Self>) {
        let mut changes = self.ground.changes.listen();
        let mut attended = HashMap::new();
        self.attend_all(&mut attended).await;
        loop {
            let change = tokio::select! {
                () = self.ground.stop.cancelled() => return,
                change = changes.recv() => change,
            };
            match change {
                Ok(Change::Peer(peer)) => {
                    self.waits.nudge(&Reader::Peer(peer.clone()));
                    self.attend(&mut attended, &peer).await;
                }
                Ok(Change::Request(peer)) => self.attend(&mut attended, &peer).await,
                Ok(Change::Outbox(owner)) => match attended.get(&owner) {
                    Some(there) => there.submit_again.notify_one(),
                    None => self.attend(&mut attended, &owner).await,
                },
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => self.attend_all(&mut attended).await,
                Err(RecvError::Closed) => return,
            }
        }
    }

    async fn attend_all(self: &Arc<Self>, attended: &mut HashMap<Provider, Attendance>) {
        let Ok(peers) = self.store.read(|view| view.peers()).await else { return };
        for peer in peers {
            self.waits.nudge(&Reader::Peer(peer.provider.clone()));
            self.attend(attended, &peer.provider).await;
        }
    }

    /// Has someone at `peer` if it is asked, lets them look again, and sends them away if it is not.
    async fn attend(self: &Arc<Self>, attended: &mut HashMap<Provider, Attendance>, peer: &Provider) {
        let Ok::<_, StoreFault>(state) = self.store.glance(|view| view.peer_state(peer)) else { return };
        if state != PeerState::Allowed {
            if attended.remove(peer).is_some() {
                self.peers.board.remove(peer);
                self.peers.signs.forget(peer);
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
                attended.insert(peer.clone(), Attendance::begin(self, peer));
            }
        }
    }
}
