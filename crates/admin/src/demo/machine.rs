//! The machine that a provider of the demo takes itself to run on: its clock can be set wrong, and its disk can be full.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use drawbridge_mtp::time::Timestamp;
use drawbridge_node::ambient::{Ambient, System};
use tokio::sync::Notify;

/// This machine, but for what was changed of it.
#[derive(Debug, Default)]
pub(super) struct Machine {
    /// By how much its clock is ahead, in milliseconds.
    ahead: AtomicI64,
    /// How much more time has passed than has, in milliseconds.
    passed: AtomicU64,
    is_full: AtomicBool,
    turned: Notify,
}

impl Machine {
    /// Sets its clock so many milliseconds ahead of what it should be, or behind where that is negative.
    pub(super) fn set_clock(&self, ahead: i64) {
        self.ahead.store(ahead, Ordering::SeqCst);
        self.turned.notify_waiters();
    }

    /// Whoever waits by the clock that never steps has waited for that much longer. The time of day stays what it is.
    pub(super) fn let_pass(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.passed.fetch_add(millis, Ordering::SeqCst);
        self.turned.notify_waiters();
    }

    /// Fills its disk, or makes room on it.
    pub(super) fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::SeqCst);
    }
}

impl Ambient for Machine {
    fn now(&self) -> Timestamp {
        let now = System.now().as_millis();
        Timestamp::from_millis(now.saturating_add_signed(self.ahead.load(Ordering::SeqCst)))
    }

    /// A clock that is ten minutes behind is no less of a failure to learn from where the demo was built five minutes ago.
    fn built(&self) -> Timestamp {
        Timestamp::from_secs(0)
    }

    fn fill(&self, buffer: &mut [u8]) {
        System.fill(buffer);
    }

    fn instant(&self) -> Instant {
        Instant::now() + Duration::from_millis(self.passed.load(Ordering::SeqCst))
    }

    fn turned(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        // Made here and not when it is first polled: from now on, no turn is missed.
        Box::pin(self.turned.notified())
    }

    fn is_disk_full(&self) -> bool {
        self.is_full.load(Ordering::SeqCst)
    }
}
