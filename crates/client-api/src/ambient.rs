//! Clock, randomness, disk and network, behind one trait so that tests and the demo can turn them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::pin::Pin;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use drawbridge_mtp::id::Id;
use drawbridge_mtp::time::Timestamp;
use tokio::sync::Notify;

/// When the program was built, as `build.rs` has found out; 1970 where that is not known.
const BUILT: Timestamp = match u64::from_str_radix(env!("DRAWBRIDGE_BUILT"), 10) {
    Ok(seconds) => Timestamp::from_secs(seconds),
    Err(_) => panic!("DRAWBRIDGE_BUILT is no number of seconds"),
};

/// What a node or a client takes from the machine that it runs on, beside what it is told: the time, random octets, room
/// on its disk, and which network it is in.
pub trait Ambient: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
    /// When the program was built, which a clock that shows less cannot be right about. A machine that is made to be wrong says
    /// when it wants to be caught.
    fn built(&self) -> Timestamp {
        BUILT
    }
    /// Fills `buffer` with octets that nobody can guess.
    fn fill(&self, buffer: &mut [u8]);
    /// A clock that never steps, to measure how long something has taken.
    fn instant(&self) -> Instant {
        Instant::now()
    }
    /// Returns when the clock has been turned since this was called, so that what is due by then is looked for at once.
    /// One that is not turned says so never.
    fn turned(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
    /// Lets those go on who wait for that. A system does not say that its clock was set, or that it has slept: who notices that
    /// calls this.
    fn note_turn(&self) {}
    /// Whether the disk has no room for anything more. The system's says so itself to whoever writes, so it is not asked; a
    /// machine that is made to look full is.
    fn is_disk_full(&self) -> bool {
        false
    }
    /// How many octets are free on its disk, where this machine is made to say so. The system's is asked where it matters.
    fn free_octets(&self) -> Option<u64> {
        None
    }
    /// The addresses of the host `name`, where this machine knows them without looking the name up. The system's are looked
    /// up always.
    fn known_addresses(&self, name: &str) -> Option<Vec<IpAddr>> {
        let _ = name;
        None
    }
    /// The addresses by which this machine reaches the Internet, over IPv4 and over IPv6, where it does. They change when
    /// it comes into another network.
    fn own_addresses(&self) -> [Option<IpAddr>; 2] {
        // A system says which address it would use without sending anything. What is named is documentation's.
        let to = [
            IpAddr::from(Ipv4Addr::new(192, 0, 2, 1)),
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
        ];
        to.map(|to| {
            let any =
                if to.is_ipv4() { IpAddr::from(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
            let socket = UdpSocket::bind((any, 0)).ok()?;
            socket.connect((to, 9)).ok()?;
            socket.local_addr().ok().map(|own| own.ip())
        })
    }
}

/// Those who wait for a turn of the system's clock.
static TURNED: Notify = Notify::const_new();

/// The system's clock and random number generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Ambient for System {
    fn now(&self) -> Timestamp {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX))
    }

    fn turned(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        // Made here and not when it is first polled: from now on, no turn is missed.
        Box::pin(TURNED.notified())
    }

    fn note_turn(&self) {
        TURNED.notify_waiters();
    }

    fn fill(&self, buffer: &mut [u8]) {
        // A system without random numbers cannot keep a single promise of this protocol.
        if let Err(fault) = getrandom::fill(buffer) {
            tracing::error!(%fault, "the system gives no random numbers");
            std::process::abort();
        }
    }
}

/// What is made from an [`Ambient`]. It is a trait of its own because an array of any length cannot be asked of a
/// `dyn Ambient`.
pub trait AmbientExt: Ambient {
    /// `N` random octets.
    fn random<const N: usize>(&self) -> [u8; N] {
        let mut octets = [0; N];
        self.fill(&mut octets);
        octets
    }

    /// A new id, made now.
    fn id(&self) -> Id {
        Id::new(self.now(), self.random())
    }
}

impl<A: Ambient + ?Sized> AmbientExt for A {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_for_a_turn_of_the_system_s_clock_is_told_by_who_notices_it() {
        let turned = System.turned();
        System.note_turn();
        turned.await;
    }
}
