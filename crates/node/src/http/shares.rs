//! A bounded good that everybody may have of and nobody may have all of.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use drawbridge_mtp::id::Provider;

/// Where requests come from: an IPv4 address, or the /64 network of an IPv6 address, since one machine can have all
/// the addresses of such a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Source(IpAddr);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        const NETWORK: u128 = !0 << 64;
        match address.to_canonical() {
            IpAddr::V6(address) => Self(IpAddr::V6((address.to_bits() & NETWORK).into())),
            address @ IpAddr::V4(_) => Self(address),
        }
    }
}

/// Who takes a part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Claimant {
    /// Someone of whom an address is known, and no more.
    Source(Source),
    /// A peer that has proved who it is.
    Peer(Provider),
}

/// What is given out in parts. Each claimant may have half of what is left: a single one gets a third of all, the next
/// one two thirds of that, and so on. So it takes many, each of which takes all that it can, until nothing is left.
#[derive(Clone)]
pub(crate) struct Shares {
    all: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    sum: usize,
    by: HashMap<Claimant, usize>,
}

/// A part that somebody has; given back when it is dropped.
pub(crate) struct Held {
    taken: Arc<Mutex<Taken>>,
    claimant: Claimant,
    amount: usize,
}

impl Shares {
    /// Of `all`, nothing is taken yet.
    pub(crate) fn new(all: usize) -> Self {
        Self { all, taken: Arc::default() }
    }

    /// Takes `amount` for `claimant`; none where that is more than its share.
    pub(crate) fn take(&self, claimant: Claimant, amount: usize) -> Option<Held> {
        let mut taken = self.taken.lock();
        let has = taken.by.get(&claimant).copied().unwrap_or_default();
        if has.saturating_add(amount) > fair_share(self.all, taken.sum) {
            return None;
        }
        taken.sum += amount;
        taken.by.insert(claimant.clone(), has + amount);
        drop(taken);
        Some(Held { taken: self.taken.clone(), claimant, amount })
    }

    /// How much is taken.
    #[cfg(test)]
    pub(crate) fn taken(&self) -> usize {
        self.taken.lock().sum
    }
}

/// How much one may have of `all`, where all together have `taken`.
pub(super) fn fair_share(all: usize, taken: usize) -> usize {
    all.saturating_sub(taken) / 2
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        taken.sum -= self.amount;
        if let Some(has) = taken.by.get_mut(&self.claimant) {
            *has -= self.amount;
            if *has == 0 {
                taken.by.remove(&self.claimant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(address: &str) -> Source {
        Source::from(address.parse::<IpAddr>().unwrap())
    }

    /// Takes one after another until there is no more for this claimant.
    fn take_all(shares: &Shares, address: &str) -> Vec<Held> {
        std::iter::from_fn(|| shares.take(Claimant::Source(source(address)), 1)).collect()
    }

    #[test]
    fn a_machine_is_one_source_whatever_addresses_it_takes() {
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:1"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    }

    #[test]
    fn greed_leaves_something_for_whoever_comes_next() {
        let shares = Shares::new(2048);
        let first = take_all(&shares, "192.0.2.1");
        assert_eq!(first.len(), 683);
        let mut all = vec![first];
        for n in 2..14 {
            let next = take_all(&shares, &format!("192.0.2.{n}"));
            assert!(next.len() >= 4, "{} were left for the {n}th", next.len());
            all.push(next);
        }
        assert!(shares.take(Claimant::Source(source("192.0.2.99")), 683).is_none());
        drop(all);
        assert_eq!(shares.taken(), 0);
        assert_eq!(take_all(&shares, "192.0.2.99").len(), 683);
    }
}
