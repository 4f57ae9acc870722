//! Turns at the store's one writer: what one peer asks waits for what it has asked before, and not what others ask.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use drawbridge_mtp::id::Provider;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Writes of one peer that wait for the writer at one time. The rest wait here, so that the writer's queue holds about as
/// much of a peer that asks a lot as of one that asks little.
const AT_ONCE: usize = 2;

/// Whose turn it is; a peer is forgotten with its last turn.
#[derive(Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<HashMap<Provider, Arc<Semaphore>>>>);

/// A turn, given back when dropped.
pub(crate) struct Turn {
    turns: Turns,
    peer: Provider,
    permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// Waits until it is the turn of `peer` to have something written.
    pub(crate) async fn take(&self, peer: &Provider) -> Turn {
        let places =
            self.0.lock().entry(peer.clone()).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))).clone();
        // Kept while it waits, so that the peer is forgotten too where this is dropped before its turn.
        let mut turn = Turn { turns: self.clone(), peer: peer.clone(), permit: None };
        // It is never closed.
        turn.permit = places.acquire_owned().await.ok();
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.permit.take());
        let mut turns = self.turns.0.lock();
        // One is the table's; who takes or waits for a turn has another.
        if turns.get(&self.peer).is_some_and(|places| Arc::strong_count(places) == 1) {
            turns.remove(&self.peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[tokio::test]
    async fn who_asks_a_lot_waits_for_itself_and_keeps_nobody_waiting() {
        let turns = Turns::default();
        let (busy, other): (Provider, Provider) =
            ("busy.example".parse().unwrap(), "other.example".parse().unwrap());
        let mut context = Context::from_waker(Waker::noop());
        let mut asked: Vec<_> = (0..1000).map(|_| Box::pin(turns.take(&busy))).collect();
        let mut held: Vec<Turn> = Vec::new();
        asked.retain_mut(|turn| match turn.as_mut().poll(&mut context) {
            Poll::Ready(turn) => {
                held.push(turn);
                false
            }
            Poll::Pending => true,
        });
        assert_eq!((held.len(), asked.len()), (AT_ONCE, 1000 - AT_ONCE));
        drop(turns.take(&other).await);

        // Each that is over lets the next go on, and nothing is left of those who gave up.
        held.clear();
        let next = asked.remove(0).await;
        drop((next, asked));
        assert!(turns.0.lock().is_empty());
    }
}
