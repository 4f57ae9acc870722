//! Requests that wait here for news: as many of each kind for each reader as there is room for.

use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::store::Reader;

/// What a waiting request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum WaitKind {
    /// Items of a feed.
    Feed,
    /// A decision on the asking provider.
    Peering,
}

impl WaitKind {
    /// How many of one reader may wait: of pulls one, since the next one takes its place (section 11); of the others few,
    /// so that nobody holds any number of them.
    fn places(self) -> usize {
        match self {
            Self::Feed => 1,
            Self::Peering => 4,
        }
    }
}

type Slots = Arc<Mutex<HashMap<(WaitKind, Reader), VecDeque<Arc<Slot>>>>>;

/// All that wait.
#[derive(Default)]
pub(crate) struct Waits {
    /// Who waits, by what for.
    slots: Slots,
}

#[derive(Default)]
struct Slot {
    replaced: AtomicBool,
    notify: Notify,
}

/// A place among those who wait; given up when dropped.
pub(crate) struct Wait {
    slots: Slots,
    key: (WaitKind, Reader),
    slot: Arc<Slot>,
}

impl Waits {
    /// Waits from now on; where there is no room, in the place of who has waited longest, who is sent away.
    pub(crate) fn enter(&self, kind: WaitKind, reader: &Reader) -> Wait {
        let slot = Arc::new(Slot::default());
        let key = (kind, reader.clone());
        let mut slots = self.slots.lock();
        let waiting = slots.entry(key.clone()).or_default();
        waiting.push_back(slot.clone());
        if waiting.len() > kind.places()
            && let Some(longest) = waiting.pop_front()
        {
            longest.replaced.store(true, Ordering::Release);
            longest.notify.notify_one();
        }
        drop(slots);
        Wait { slots: self.slots.clone(), key, slot }
    }

    /// Lets those who wait as `reader` look again at what they may have.
    pub(crate) fn nudge(&self, reader: &Reader) {
        let slots = self.slots.lock();
        for kind in [WaitKind::Feed, WaitKind::Peering] {
            for slot in slots.get(&(kind, reader.clone())).into_iter().flatten() {
                slot.notify.notify_one();
            }
        }
    }

    /// Lets all who wait look again at what they may have.
    pub(crate) fn nudge_all(&self) {
        for slot in self.slots.lock().values().flatten() {
            slot.notify.notify_one();
        }
    }

    /// Whether `reader` waits.
    pub(crate) fn waits(&self, kind: WaitKind, reader: &Reader) -> bool {
        self.slots.lock().contains_key(&(kind, reader.clone()))
    }

    /// How many wait for items.
    pub(crate) fn pulls(&self) -> usize {
        self.slots.lock().keys().filter(|(kind, _)| *kind == WaitKind::Feed).count()
    }
}

impl Wait {
    /// Whether another request has taken this place.
    pub(crate) fn is_replaced(&self) -> bool {
        self.slot.replaced.load(Ordering::Acquire)
    }

    /// Returns when there may be a reason to look again.
    pub(crate) async fn nudged(&self) {
        self.slot.notify.notified().await;
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut slots = self.slots.lock();
        if let Some(waiting) = slots.get_mut(&self.key) {
            waiting.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
            if waiting.is_empty() {
                slots.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_those_who_wait_the_longest_goes_where_there_is_no_room() {
        let (waits, reader) = (Waits::default(), Reader::Peer("b.example".parse().unwrap()));
        let replaced = |waiting: &[Wait]| waiting.iter().map(Wait::is_replaced).collect::<Vec<_>>();

        let pulls = [(); 2].map(|()| waits.enter(WaitKind::Feed, &reader));
        assert_eq!(replaced(&pulls), [true, false]);
        let mut held = Vec::from([(); 5].map(|()| waits.enter(WaitKind::Peering, &reader)));
        assert_eq!(replaced(&held), [true, false, false, false, false]);
        assert_eq!(replaced(&pulls), [true, false], "each kind has places of its own");

        // Who has gone makes room.
        held.drain(..2);
        held.push(waits.enter(WaitKind::Peering, &reader));
        assert_eq!(replaced(&held), [false; 4]);
        drop((pulls, held));
        assert!(!waits.waits(WaitKind::Peering, &reader) && !waits.waits(WaitKind::Feed, &reader));
    }
}
