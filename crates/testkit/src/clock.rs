//! A clock that can be turned, in a machine that can be carried elsewhere and whose disk can be full.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use drawbridge_mtp::id::Id;
use drawbridge_mtp::time::Timestamp;
use drawbridge_node::ambient::{Ambient, System};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// The system's clock, turned ahead or back by as much as a test wants. All of a federation go by the same one.
#[derive(Debug, Default)]
pub struct Clock {
    ahead_ms: AtomicI64,
    /// By how much the time of day is wrong; no more time has passed for that.
    wrong_ms: AtomicI64,
    built_ms: AtomicU64,
    is_full: AtomicBool,
    free: Mutex<Option<u64>>,
    turned: Notify,
    address: Mutex<Option<IpAddr>>,
    names: Mutex<HashMap<String, Vec<IpAddr>>>,
}

impl Clock {
    /// Turns it ahead.
    pub fn turn(&self, by: Duration) {
        self.move_by(i64::try_from(by.as_millis()).unwrap());
    }

    /// Turns it back, as a clock that was ahead is set right.
    pub fn turn_back(&self, by: Duration) {
        self.move_by(-i64::try_from(by.as_millis()).unwrap());
    }

    fn move_by(&self, millis: i64) {
        self.ahead_ms.fetch_add(millis, Ordering::SeqCst);
        self.turned.notify_waiters();
    }

    /// The time of day is wrong from now on: it shows `time`, and goes on from there. No more time has passed than has.
    pub fn shows(&self, time: Timestamp) {
        self.is_right();
        let (shown, right) = (time.as_millis(), self.now().as_millis());
        self.wrong_ms.store(shown.cast_signed() - right.cast_signed(), Ordering::SeqCst);
        self.turned.notify_waiters();
    }

    /// The time of day is set right.
    pub fn is_right(&self) {
        self.wrong_ms.store(0, Ordering::SeqCst);
        self.turned.notify_waiters();
    }

    /// The program was built now, as this clock shows it. Else it was in 1970, so that no clock is too far behind.
    pub fn notes_build(&self) {
        self.built_ms.store(self.now().as_millis(), Ordering::SeqCst);
    }

    /// The machine comes into another network, where it has this address, or into none.
    pub fn moves(&self, address: Option<Ipv4Addr>) {
        *self.address.lock() = address.map(IpAddr::from);
        self.turned.notify_waiters();
    }

    /// There is no room on the machine's disk from now on, or there is some.
    pub fn fills_disk(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::SeqCst);
    }

    /// So many octets are free on the machine's disk from now on; as many as there are, where none are named.
    pub fn leaves_free(&self, octets: Option<u64>) {
        *self.free.lock() = octets;
        self.turned.notify_waiters();
    }

    /// The host `name` leads to `addresses` from now on.
    pub fn names(&self, name: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.names.lock().insert(name.to_owned(), addresses);
    }

    /// A new id.
    pub fn id(&self) -> Id {
        Id::new(self.now(), self.random())
    }

    /// Random octets.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut octets = [0; N];
        self.fill(&mut octets);
        octets
    }
}

impl Ambient for Clock {
    fn now(&self) -> Timestamp {
        let off = self.ahead_ms.load(Ordering::SeqCst) + self.wrong_ms.load(Ordering::SeqCst);
        Timestamp::from_millis(System.now().as_millis().saturating_add_signed(off))
    }

    fn built(&self) -> Timestamp {
        Timestamp::from_millis(self.built_ms.load(Ordering::SeqCst))
    }

    fn fill(&self, buffer: &mut [u8]) {
        System.fill(buffer);
    }

    fn instant(&self) -> Instant {
        let ahead = u64::try_from(self.ahead_ms.load(Ordering::SeqCst)).unwrap_or_default();
        Instant::now() + Duration::from_millis(ahead)
    }

    fn turned(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        // Made here and not when it is first polled: from now on, no turn is missed.
        Box::pin(self.turned.notified())
    }

    fn is_disk_full(&self) -> bool {
        self.is_full.load(Ordering::SeqCst)
    }

    fn free_octets(&self) -> Option<u64> {
        *self.free.lock()
    }

    fn known_addresses(&self, name: &str) -> Option<Vec<IpAddr>> {
        self.names.lock().get(name).cloned()
    }

    fn own_addresses(&self) -> [Option<IpAddr>; 2] {
        [*self.address.lock(), None]
    }
}
