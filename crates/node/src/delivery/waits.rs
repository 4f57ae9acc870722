//! Requests that wait here for news: one of each kind for each reader.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::core::lock;
use crate::store::Reader;

/// What a waiting request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum WaitKind {
    /// Items of a feed.
    Feed,
    /// A decision on the asking provider.
    Peering,
}

type Slots = Arc<Mutex<HashMap<(WaitKind, Reader), Arc<Slot>>>>;

/// All that wait.
#[derive(Default)]
pub(crate) struct Waits {
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
    /// Waits from now on in the place of whoever waited before, who is sent away.
    pub(crate) fn enter(&self, kind: WaitKind, reader: &Reader) -> Wait {
        let slot = Arc::new(Slot::default());
        let key = (kind, reader.clone());
        if let Some(before) = lock(&self.slots).insert(key.clone(), slot.clone()) {
            before.replaced.store(true, Ordering::Release);
            before.notify.notify_one();
        }
        Wait { slots: self.slots.clone(), key, slot }
    }

    /// Lets those who wait as `reader` look again at what they may have.
    pub(crate) fn nudge(&self, reader: &Reader) {
        let slots = lock(&self.slots);
        for kind in [WaitKind::Feed, WaitKind::Peering] {
            if let Some(slot) = slots.get(&(kind, reader.clone())) {
                slot.notify.notify_one();
            }
        }
    }

    /// Whether `reader` waits.
    pub(crate) fn waits(&self, kind: WaitKind, reader: &Reader) -> bool {
        lock(&self.slots).contains_key(&(kind, reader.clone()))
    }

    /// How many wait for items.
    pub(crate) fn pulls(&self) -> usize {
        lock(&self.slots).keys().filter(|(kind, _)| *kind == WaitKind::Feed).count()
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
        let mut slots = lock(&self.slots);
        if slots.get(&self.key).is_some_and(|slot| Arc::ptr_eq(slot, &self.slot)) {
            slots.remove(&self.key);
        }
    }
}
