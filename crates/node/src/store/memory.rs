//! What the writer remembers of the store, which nobody else changes: looking it up again for each event would take longer
//! than writing the event.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

/// Holds until something is undone, or a feed dropped.
#[derive(Default)]
pub(super) struct Memory {
    /// Where feeds end, by their numbers: one event goes into many.
    ends: RefCell<HashMap<i64, FeedEnd>>,
    /// Whether events of our own groups have been read back from participants. Mostly none ever has.
    adopted: Cell<Option<bool>>,
}

#[derive(Clone)]
pub(super) struct FeedEnd {
    /// Whose feed it is.
    pub(super) reader: Arc<str>,
    /// The highest number given; 0 for none.
    pub(super) head: i64,
}

impl Memory {
    pub(super) fn end(&self, feed: i64) -> Option<FeedEnd> {
        self.ends.borrow().get(&feed).cloned()
    }

    pub(super) fn set_end(&self, feed: i64, end: FeedEnd) {
        self.ends.borrow_mut().insert(feed, end);
    }

    pub(super) fn adopted(&self) -> Option<bool> {
        self.adopted.get()
    }

    pub(super) fn set_adopted(&self, adopted: bool) {
        self.adopted.set(Some(adopted));
    }

    /// Has everything looked up anew.
    pub(super) fn forget(&self) {
        self.ends.borrow_mut().clear();
        self.adopted.set(None);
    }
}
