//! Signs that a peer, or the way to it, is there again, for those who rest after a failure: what a peer itself has asked
//! or answered, a network that has come back, and people who want it tried or look at how it goes.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::id::Provider;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// Whoever shows a peer reads it again with each of its changes, and a peer that fails has one with each try. So one that
/// nobody has read for this long is not looked at any more.
const LOOK: Duration = Duration::from_secs(30);

/// Why somebody who rests after a failure at a peer need not rest any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Sign {
    /// The peer has asked or answered something that is proved to be its, or the network has come back.
    Alive,
    /// The peer has asked something that is proved to be its: it can come here.
    Came,
    /// Somebody begins to look at how it goes with the peer.
    Looked,
    /// The operator wants it to be tried at once.
    Wanted,
}

/// Who waits for which sign, and what the signs follow from.
pub(crate) struct Signs {
    /// Who waits, by peer and sign.
    awaited: Mutex<HashMap<(Provider, Sign), Arc<Notify>>>,
    /// How often the operator has wanted each peer to be tried.
    wishes: Mutex<HashMap<Provider, u64>>,
    /// When somebody last looked at how it goes with each peer.
    looked: Mutex<HashMap<Provider, Instant>>,
    /// Who could be reached when.
    reached: Mutex<Reached>,
    /// Counts the networks that this machine has been in.
    networks: watch::Sender<u64>,
}

/// Who could be reached when.
#[derive(Default)]
struct Reached {
    /// The peers that could not be reached the last time, each with when that began.
    away: HashMap<Provider, Instant>,
    /// When any peer was last reached, or has reached us.
    anyone: Option<Instant>,
}

impl Signs {
    pub(crate) fn new() -> Self {
        Self {
            awaited: Mutex::default(),
            wishes: Mutex::default(),
            looked: Mutex::default(),
            reached: Mutex::default(),
            networks: watch::channel(0).0,
        }
    }

    /// Returns when there is next such a sign of `peer`.
    pub(crate) async fn wait_for(&self, peer: &Provider, sign: Sign) {
        // Made while the table is locked, so that no sign is missed; several may wait for the same one.
        let sign = self.awaited.lock().entry((peer.clone(), sign)).or_default().clone().notified_owned();
        sign.await;
    }

    /// Lets those go on who wait for that sign of `peer`.
    pub(crate) fn give(&self, peer: &Provider, sign: Sign) {
        if let Some(notify) = self.awaited.lock().remove(&(peer.clone(), sign)) {
            notify.notify_waiters();
        }
    }

    /// The operator wants `peer` to be tried at once, whatever is known of it.
    pub(crate) fn wish(&self, peer: &Provider) {
        *self.wishes.lock().entry(peer.clone()).or_default() += 1;
        self.give(peer, Sign::Wanted);
    }

    /// How often the operator has wanted `peer` to be tried.
    pub(crate) fn wishes(&self, peer: &Provider) -> u64 {
        self.wishes.lock().get(peer).copied().unwrap_or_default()
    }

    /// Somebody looks at how it goes with `peer`. Where nobody did before, it is tried at once.
    pub(crate) fn look(&self, peer: &Provider) {
        let now = Instant::now();
        let mut looked = self.looked.lock();
        looked.retain(|_, at| now.duration_since(*at) < LOOK);
        let begins = looked.insert(peer.clone(), now).is_none();
        drop(looked);
        if begins {
            self.give(peer, Sign::Looked);
        }
    }

    /// Whether somebody looks at how it goes with `peer`.
    pub(crate) fn is_looked_at(&self, peer: &Provider) -> bool {
        self.looked.lock().get(peer).is_some_and(|at| at.elapsed() < LOOK)
    }

    /// `peer` could not be reached.
    pub(crate) fn missed(&self, peer: &Provider) {
        self.reached.lock().away.entry(peer.clone()).or_insert_with(Instant::now);
    }

    /// `peer` was reached, or has reached us, which its signature proves.
    ///
    /// Where it could not be reached before, nor anybody else meanwhile, it was the network that was away: the others
    /// that could not be reached are tried too. Where others were reached all the time, it says nothing of them.
    pub(crate) fn heard(&self, peer: &Provider) {
        let mut reached = self.reached.lock();
        let since = reached.away.remove(peer);
        let anyone = reached.anyone.replace(Instant::now());
        let network_was_away = since.is_some_and(|since| anyone.is_none_or(|anyone| anyone < since));
        let others: Vec<_> =
            if network_was_away { reached.away.keys().cloned().collect() } else { Vec::new() };
        drop(reached);
        self.give(peer, Sign::Alive);
        for other in others {
            self.give(&other, Sign::Alive);
        }
    }

    /// `peer` is not asked any more.
    pub(crate) fn forget(&self, peer: &Provider) {
        self.reached.lock().away.remove(peer);
        self.wishes.lock().remove(peer);
        self.awaited.lock().retain(|(awaited, _), _| awaited != peer);
    }

    /// This machine is in another network, or awake again, or its clock was set: everybody is tried anew, over new connections.
    pub(crate) fn network_changed(&self) {
        self.networks.send_modify(|networks| *networks += 1);
        let awaited: Vec<_> = self.awaited.lock().keys().cloned().collect();
        for (peer, sign) in awaited {
            if sign != Sign::Wanted {
                self.give(&peer, sign);
            }
        }
    }

    /// Tells of each network that this machine comes into from now on.
    pub(crate) fn networks(&self) -> watch::Receiver<u64> {
        self.networks.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(name: &str) -> Provider {
        format!("{name}.example").parse().unwrap()
    }

    /// Whether `signs` gives that sign of that peer while `deed` is done.
    async fn gives(signs: &Signs, of: &str, sign: Sign, deed: impl FnOnce()) -> bool {
        let of = peer(of);
        let mut waits = std::pin::pin!(signs.wait_for(&of, sign));
        assert!(futures_util::poll!(waits.as_mut()).is_pending());
        deed();
        futures_util::poll!(waits.as_mut()).is_ready()
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_who_is_reached_again_after_nobody_was_is_a_sign_of_all_who_were_away() {
        let signs = Signs::new();
        let second = || tokio::time::advance(Duration::from_secs(1));
        signs.heard(&peer("a"));
        second().await;
        for name in ["a", "b"] {
            signs.missed(&peer(name));
        }
        second().await;
        assert!(gives(&signs, "b", Sign::Alive, || signs.heard(&peer("a"))).await);
        second().await;

        // While somebody else is reached, that one peer comes back says nothing of another.
        signs.missed(&peer("a"));
        second().await;
        signs.heard(&peer("c"));
        second().await;
        assert!(!gives(&signs, "b", Sign::Alive, || signs.heard(&peer("a"))).await);
        assert!(!gives(&signs, "b", Sign::Alive, || signs.heard(&peer("c"))).await);
        assert!(gives(&signs, "b", Sign::Alive, || signs.network_changed()).await);
        assert!(gives(&signs, "b", Sign::Alive, || signs.heard(&peer("b"))).await);
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_on_looking_is_told_of_once() {
        let signs = Signs::new();
        assert!(!signs.is_looked_at(&peer("a")));
        assert!(gives(&signs, "a", Sign::Looked, || signs.look(&peer("a"))).await);
        for _ in 0..5 {
            tokio::time::advance(LOOK / 2).await;
            assert!(!gives(&signs, "a", Sign::Looked, || signs.look(&peer("a"))).await);
            assert!(signs.is_looked_at(&peer("a")));
        }
        tokio::time::advance(LOOK).await;
        assert!(!signs.is_looked_at(&peer("a")), "nobody looks any more");
        assert!(gives(&signs, "a", Sign::Looked, || signs.look(&peer("a"))).await);
    }
}
