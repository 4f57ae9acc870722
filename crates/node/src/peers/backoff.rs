//! How long to leave a peer alone after a failure: 1 s doubling to 60 s with full jitter, or as it asks (section 11).

use std::time::Duration;

use drawbridge_mtp::id::Provider;
use tokio::sync::watch;
use tokio::time::Instant;

use super::signs::{Sign, Signs};
use crate::ambient::{Ambient, AmbientExt};
use crate::peer_fault::PeerFault;

const LONGEST: Duration = Duration::from_secs(60);
/// The longest rest while somebody looks at how it goes with the peer: who has mended something wants to see it.
const LONGEST_LOOKED_AT: Duration = Duration::from_secs(5);
/// A peer that asks for more than this is asked again all the same.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);
/// After a sign of life a peer that was away is tried at once, but not more often than this.
const SHORTEST: Duration = Duration::from_secs(1);

/// Failures in a row at one peer, and what follows from them.
pub(crate) struct Backoff<'a> {
    signs: &'a Signs,
    peer: &'a Provider,
    failures: u32,
    networks: watch::Receiver<u64>,
}

/// What ends a rest early, beside the operator who wants the peer to be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndedBy {
    /// It asked to be left alone for that long: nothing else.
    Nothing,
    /// It has answered: that somebody begins to look at how it goes.
    ALook,
    /// It could not be reached: a sign of life too.
    Life,
}

impl From<&PeerFault> for EndedBy {
    fn from(fault: &PeerFault) -> Self {
        match fault.retry_after {
            Some(_) => Self::Nothing,
            None if fault.is_absence() => Self::Life,
            None => Self::ALook,
        }
    }
}

impl<'a> Backoff<'a> {
    pub(crate) fn new(signs: &'a Signs, peer: &'a Provider) -> Self {
        Self { signs, peer, failures: 0, networks: signs.networks() }
    }

    /// Failed tries in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Counts a failure and says how long to rest. What has failed in another network counts no more.
    pub(crate) fn failed(&mut self, ambient: &dyn Ambient, retry_after: Option<Duration>) -> Duration {
        if self.networks.has_changed().unwrap_or(false) {
            self.networks.mark_unchanged();
            self.failures = 0;
        }
        let longest = if self.signs.is_looked_at(self.peer) { LONGEST_LOOKED_AT } else { LONGEST };
        let ceiling = Duration::from_secs(1 << self.failures.min(6)).min(longest);
        self.failures = self.failures.saturating_add(1);
        match retry_after {
            Some(asked) => asked.min(LONGEST_ASKED),
            None => ceiling.mul_f64(f64::from(u32::from_le_bytes(ambient.random())) / 2_f64.powi(32)),
        }
    }

    /// Rests for `pause` after a failure, or until the operator wants the peer to be tried, or something else `ends` it.
    pub(crate) async fn rest(&self, pause: Duration, ends: EndedBy) {
        let (signs, peer, began) = (self.signs, self.peer, Instant::now());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = signs.wait_for(peer, Sign::Wanted) => {}
            () = signs.wait_for(peer, Sign::Looked), if ends != EndedBy::Nothing => {}
            () = signs.wait_for(peer, Sign::Alive), if ends == EndedBy::Life => {
                tokio::time::sleep_until(began + SHORTEST.min(pause)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::System;
    use crate::peer_fault::Stage;

    fn peer() -> Provider {
        "b.example".parse().unwrap()
    }

    /// How long somebody rests who is to rest for half a minute, where there are these signs right after it began.
    async fn rests(ends: EndedBy, given: &[Sign]) -> Duration {
        let (signs, peer) = (Signs::new(), peer());
        let backoff = Backoff::new(&signs, &peer);
        let began = Instant::now();
        tokio::join!(backoff.rest(Duration::from_secs(30), ends), async {
            for sign in given {
                signs.give(&peer, *sign);
            }
        });
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn who_asked_to_be_left_alone_is_until_the_operator_wants_it_tried() {
        assert_eq!(rests(EndedBy::Nothing, &[]).await, Duration::from_secs(30));
        assert_eq!(rests(EndedBy::Nothing, &[Sign::Alive, Sign::Looked]).await, Duration::from_secs(30));
        assert_eq!(rests(EndedBy::Nothing, &[Sign::Alive, Sign::Wanted]).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_answered_is_tried_when_somebody_looks() {
        assert_eq!(rests(EndedBy::ALook, &[]).await, Duration::from_secs(30));
        assert_eq!(rests(EndedBy::ALook, &[Sign::Alive]).await, Duration::from_secs(30));
        assert_eq!(rests(EndedBy::ALook, &[Sign::Looked]).await, Duration::ZERO);
        assert_eq!(rests(EndedBy::ALook, &[Sign::Wanted]).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_away_is_tried_soon_after_a_sign_of_life() {
        assert_eq!(rests(EndedBy::Life, &[]).await, Duration::from_secs(30));
        assert_eq!(rests(EndedBy::Life, &[Sign::Alive]).await, SHORTEST);
        assert_eq!(rests(EndedBy::Life, &[Sign::Looked]).await, Duration::ZERO);
        assert_eq!(rests(EndedBy::Life, &[Sign::Wanted]).await, Duration::ZERO);
    }

    #[test]
    fn what_ends_a_rest_goes_by_what_it_is_for() {
        let mut fault = PeerFault::new(Stage::Connect, "connection-refused", "");
        assert_eq!(EndedBy::from(&fault), EndedBy::Life);
        assert_eq!(EndedBy::from(&PeerFault::new(Stage::Content, "feed-gap", "")), EndedBy::ALook);
        fault.retry_after = Some(Duration::from_secs(7));
        assert_eq!(EndedBy::from(&fault), EndedBy::Nothing);
    }

    #[tokio::test]
    async fn it_doubles_to_a_minute_and_starts_anew_after_a_success_and_in_another_network() {
        let (signs, peer) = (Signs::new(), peer());
        let mut backoff = Backoff::new(&signs, &peer);
        let fails = |backoff: &mut Backoff<'_>, times: u32| {
            for failures in 0..times {
                let ceiling = Duration::from_secs((1_u64 << failures.min(6)).min(60));
                assert!(backoff.failed(&System, None) < ceiling, "after {failures} failures");
            }
        };
        fails(&mut backoff, 100);
        assert_eq!(backoff.failed(&System, Some(Duration::from_secs(7))), Duration::from_secs(7));
        backoff.succeeded();
        fails(&mut backoff, 100);
        signs.network_changed();
        fails(&mut backoff, 100);
    }

    #[tokio::test]
    async fn who_is_looked_at_is_tried_every_few_seconds() {
        let (signs, peer) = (Signs::new(), peer());
        let mut backoff = Backoff::new(&signs, &peer);
        signs.look(&peer);
        for _ in 0..100 {
            assert!(backoff.failed(&System, None) < LONGEST_LOOKED_AT);
        }
        assert_eq!(backoff.failed(&System, Some(LONGEST)), LONGEST, "it is waited for as long as it asks");
    }
}
