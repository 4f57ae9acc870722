//! The looks that peers have asked us for, and those that we have asked them for and wait for.

use std::collections::VecDeque;
use std::time::Duration;

use drawbridge_mtp::id::{Id, Provider};
use drawbridge_mtp::message::CheckItem;
use drawbridge_mtp::time::Timestamp;
use tokio::sync::watch;

/// One peer is looked at so often at most, for its asking, and all together so many times in that time.
const PAUSE: Duration = Duration::from_secs(60);
const IN_A_PAUSE: usize = 6;
/// Looks that peers have asked for and that are remembered, so that a repeat is the same one.
const REMEMBERED: usize = 64;

#[derive(Default)]
pub(super) struct PendingLooks {
    /// Who has asked to be looked at, under which id and when, the latest last.
    asked_of_us: VecDeque<(Provider, Id, Timestamp)>,
    /// Of whom we wait for a result, under which id, and where it is told.
    asked_by_us: Vec<(Provider, Id, watch::Sender<Option<CheckItem>>)>,
}

/// What is to be done about a peer that asks to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// It is to be looked at.
    Anew,
    /// It has asked so before.
    Repeated,
    /// Looks are asked for too often; after so long it may ask again.
    TooOften(Duration),
}

impl PendingLooks {
    /// `peer` asks at `now` to be looked at, under `id`.
    pub(super) fn ask(&mut self, peer: &Provider, id: Id, now: Timestamp) -> Asked {
        let asked = &mut self.asked_of_us;
        if asked.iter().any(|(by, known, _)| by == peer && *known == id) {
            return Asked::Repeated;
        }
        let recent: Vec<_> = asked.iter().filter(|(_, _, at)| now.since(*at) < PAUSE).collect();
        let of_peer = recent.iter().find(|(by, _, _)| by == peer);
        let in_the_way = of_peer.or_else(|| recent.first().filter(|_| recent.len() >= IN_A_PAUSE));
        if let Some((_, _, at)) = in_the_way {
            return Asked::TooOften(PAUSE.saturating_sub(now.since(*at)));
        }
        asked.push_back((peer.clone(), id, now));
        if asked.len() > REMEMBERED {
            asked.pop_front();
        }
        Asked::Anew
    }

    /// Waits for what `peer` sees under `id`.
    pub(super) fn wait_for(&mut self, peer: &Provider, id: Id) -> watch::Receiver<Option<CheckItem>> {
        let (sender, receiver) = watch::channel(None);
        self.asked_by_us.push((peer.clone(), id, sender));
        receiver
    }

    /// Whether something is to come from `peer`.
    pub(super) fn expects_from(&self, peer: &Provider) -> bool {
        self.asked_by_us.iter().any(|(of, _, _)| of == peer)
    }

    /// Nobody waits any more for what is seen under `id`.
    pub(super) fn forget(&mut self, id: Id) {
        self.asked_by_us.retain(|(_, expected, _)| *expected != id);
    }

    /// `peer` tells what it has seen. What nobody waits for is of no use.
    pub(super) fn hear(&self, peer: &Provider, item: &CheckItem) {
        let expected = self.asked_by_us.iter().find(|(of, id, _)| of == peer && *id == item.id);
        if let Some((_, _, result)) = expected {
            result.send_replace(Some(item.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> Id {
        Id::new(Timestamp::from_millis(1), [number; 10])
    }

    #[test]
    fn a_peer_is_looked_at_once_a_minute_and_a_repeat_is_the_same_look() {
        let (mut looks, at) = (PendingLooks::default(), |seconds: u64| Timestamp::from_secs(1_000 + seconds));
        let peer = |number: usize| -> Provider { format!("p{number}.example").parse().unwrap() };
        assert_eq!(looks.ask(&peer(0), id(1), at(0)), Asked::Anew);
        assert_eq!(looks.ask(&peer(0), id(1), at(1)), Asked::Repeated);
        assert_eq!(looks.ask(&peer(0), id(2), at(20)), Asked::TooOften(Duration::from_secs(40)));
        for number in 1..6 {
            assert_eq!(looks.ask(&peer(number), id(1), at(20)), Asked::Anew);
        }
        assert_eq!(looks.ask(&peer(6), id(1), at(30)), Asked::TooOften(Duration::from_secs(30)));
        assert_eq!(looks.ask(&peer(6), id(1), at(60)), Asked::Anew);
        assert_eq!(looks.ask(&peer(0), id(2), at(200)), Asked::Anew);
    }

    #[test]
    fn only_who_was_asked_is_heard() {
        let mut looks = PendingLooks::default();
        let [asked, other] = ["a.example", "b.example"].map(|name| name.parse::<Provider>().unwrap());
        let result = looks.wait_for(&asked, id(1));
        let item = |number| CheckItem { id: id(number), began: Timestamp::from_secs(1), steps: Vec::new() };
        looks.hear(&other, &item(1));
        looks.hear(&asked, &item(2));
        assert_eq!(*result.borrow(), None);
        looks.hear(&asked, &item(1));
        assert_eq!(*result.borrow(), Some(item(1)));
        looks.forget(id(1));
        assert!(looks.asked_by_us.is_empty());
    }
}
