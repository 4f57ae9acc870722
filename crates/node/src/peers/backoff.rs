//! How long to leave a peer alone after a failure: 1 s doubling to 60 s with full jitter, and at least as it asks (section 11).

use std::sync::atomic::{AtomicBool, Ordering};
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
/// After a sign of life a peer that was away is tried at once, but not more often than this. Where the try was in vain, the next
/// sign has it tried after twice as long: who can come here, and cannot be reached, gives signs all the time.
const SHORTEST: Duration = Duration::from_secs(1);

/// Failures in a row at one peer, and what follows from them.
pub(crate) struct Backoff<'a> {
    signs: &'a Signs,
    peer: &'a Provider,
    failures: u32,
    /// What the peer asked for with the last failure.
    asked: Option<Duration>,
    /// Signs of the peer in a row after which it was tried in vain.
    vain: u32,
    networks: watch::Receiver<u64>,
}

/// What ends a rest early, beside the operator who wants the peer to be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndedBy {
    /// It has answered: that somebody begins to look at how it goes.
    ALook,
    /// It could not be reached: a sign of life too.
    Life,
    /// It could not come here for our key, or answers with one that its document does not have yet, or the clocks are apart, by which it cannot come either: that it has come too.
    Coming,
}

impl From<&PeerFault> for EndedBy {
    fn from(fault: &PeerFault) -> Self {
        if matches!(
            fault.code.as_ref(),
            "key-unknown" | "answer-key-unknown" | "clock-skew" | "signature-expired"
        ) {
            Self::Coming
        } else if fault.is_absence() {
            Self::Life
        } else {
            Self::ALook
        }
    }
}

impl<'a> Backoff<'a> {
    pub(crate) fn new(signs: &'a Signs, peer: &'a Provider) -> Self {
        Self { signs, peer, failures: 0, asked: None, vain: 0, networks: signs.networks() }
    }

    /// Failed tries in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    pub(crate) fn succeeded(&mut self) {
        (self.failures, self.vain) = (0, 0);
    }

    /// Counts a failure and says how long to rest: longer with each in a row, however little the peer asks for each time. What has
    /// failed in another network counts no more.
    pub(crate) fn failed(&mut self, ambient: &dyn Ambient, retry_after: Option<Duration>) -> Duration {
        if self.networks.has_changed().unwrap_or(false) {
            self.networks.mark_unchanged();
            (self.failures, self.vain) = (0, 0);
        }
        let longest = if self.signs.is_looked_at(self.peer) { LONGEST_LOOKED_AT } else { LONGEST };
        let ceiling = Duration::from_secs(1 << self.failures.min(6)).min(longest);
        self.failures = self.failures.saturating_add(1);
        self.asked = retry_after.map(|asked| asked.min(LONGEST_ASKED));
        let jittered = ceiling.mul_f64(f64::from(u32::from_le_bytes(ambient.random())) / 2_f64.powi(32));
        self.asked.map_or(jittered, |asked| asked.max(jittered))
    }

    /// Rests for `pause` after a failure, or until the operator wants the peer to be tried, or something else `ends` it: not
    /// before the time for which the peer asked to be left alone.
    pub(crate) async fn rest(&mut self, pause: Duration, ends: EndedBy) {
        let (signs, peer, began) = (self.signs, self.peer, Instant::now());
        let asked = self.asked.unwrap_or_default();
        let sign = match ends {
            EndedBy::ALook => None,
            EndedBy::Life => Some(Sign::Alive),
            EndedBy::Coming => Some(Sign::Came),
        };
        let floor = SHORTEST.saturating_mul(1 << self.vain.min(6)).max(asked).min(pause);
        let given = AtomicBool::new(false);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = signs.wait_for(peer, Sign::Wanted) => {}
            () = async {
                signs.wait_for(peer, Sign::Looked).await;
                tokio::time::sleep_until(began + asked).await;
            } => {}
            () = async {
                match sign {
                    Some(sign) => signs.wait_for(peer, sign).await,
                    None => std::future::pending().await,
                }
                given.store(true, Ordering::Relaxed);
                tokio::time::sleep_until(began + floor).await;
            } => {}
        }
        // Who gives no sign is away: the next one says something again.
        self.vain = if given.into_inner() { self.vain.saturating_add(1) } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use drawbridge_mtp::problem::ReceivedProblem;

    use super::*;
    use crate::ambient::System;
    use crate::peer_fault::Stage;

    fn peer() -> Provider {
        "b.example".parse().unwrap()
    }

    /// How long somebody rests who is to rest for half a minute, where there are these signs right after it began.
    async fn rests(ends: EndedBy, asked: Option<u64>, given: &[Sign]) -> Duration {
        let (signs, peer) = (Signs::new(), peer());
        let mut backoff = Backoff::new(&signs, &peer);
        backoff.asked = asked.map(Duration::from_secs);
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
        let asked = Some(20);
        assert_eq!(rests(EndedBy::ALook, asked, &[]).await, Duration::from_secs(30));
        assert_eq!(rests(EndedBy::ALook, asked, &[Sign::Alive, Sign::Looked]).await, Duration::from_secs(20));
        assert_eq!(rests(EndedBy::Life, asked, &[Sign::Alive]).await, Duration::from_secs(20));
        assert_eq!(rests(EndedBy::ALook, asked, &[Sign::Alive, Sign::Wanted]).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_answered_is_tried_when_somebody_looks() {
        assert_eq!(rests(EndedBy::ALook, None, &[]).await, Duration::from_secs(30));
        assert_eq!(rests(EndedBy::ALook, None, &[Sign::Alive]).await, Duration::from_secs(30));
        assert_eq!(rests(EndedBy::ALook, None, &[Sign::Looked]).await, Duration::ZERO);
        assert_eq!(rests(EndedBy::ALook, None, &[Sign::Wanted]).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_away_is_tried_soon_after_a_sign_of_life() {
        assert_eq!(rests(EndedBy::Life, None, &[]).await, Duration::from_secs(30));
        assert_eq!(rests(EndedBy::Life, None, &[Sign::Alive]).await, SHORTEST);
        assert_eq!(rests(EndedBy::Life, None, &[Sign::Looked]).await, Duration::ZERO);
        assert_eq!(rests(EndedBy::Life, None, &[Sign::Wanted]).await, Duration::ZERO);
    }

    #[test]
    fn what_ends_a_rest_goes_by_what_it_is_for() {
        let mut fault = PeerFault::new(Stage::Connect, "connection-refused", "");
        assert_eq!(EndedBy::from(&fault), EndedBy::Life);
        assert_eq!(EndedBy::from(&PeerFault::new(Stage::Content, "feed-gap", "")), EndedBy::ALook);
        fault.retry_after = Some(Duration::from_secs(7));
        assert_eq!(
            EndedBy::from(&fault),
            EndedBy::Life,
            "once it has been left alone for as long as it asked"
        );
        let problem = serde_json::json!({"status": 401, "code": "key-unknown", "title": "", "detail": ""});
        let problem = ReceivedProblem::parse(problem.to_string().as_bytes()).unwrap();
        let unknown = PeerFault::refused(401, problem, Some(Duration::from_secs(1)));
        assert_eq!(EndedBy::from(&unknown), EndedBy::Coming);
    }

    #[tokio::test]
    async fn who_asks_for_a_second_with_each_failure_is_left_alone_for_longer_all_the_same() {
        let (signs, peer) = (Signs::new(), peer());
        let mut backoff = Backoff::new(&signs, &peer);
        let asked = Duration::from_secs(1);
        let rests: Vec<_> = (0..100).map(|_| backoff.failed(&System, Some(asked))).collect();
        assert_eq!(rests[0], asked);
        assert!(rests.iter().all(|rest| (asked..=LONGEST).contains(rest)), "{rests:?}");
        assert!(rests.iter().sum::<Duration>() > asked * 1000, "a hundred tries took {rests:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn signs_of_a_peer_that_is_tried_in_vain_count_for_less_each_time() {
        for (ends, sign) in [(EndedBy::Life, Sign::Alive), (EndedBy::Coming, Sign::Came)] {
            let (signs, peer) = (Signs::new(), peer());
            let mut backoff = Backoff::new(&signs, &peer);
            let mut rests = Vec::new();
            for _ in 0..8 {
                let began = Instant::now();
                tokio::join!(backoff.rest(LONGEST, ends), async { signs.give(&peer, sign) });
                rests.push(began.elapsed().as_secs());
            }
            assert_eq!(rests, [1, 2, 4, 8, 16, 32, 60, 60], "{ends:?}");
            // It gives no sign for once: it is away, and the next one is believed.
            backoff.rest(LONGEST, ends).await;
            let began = Instant::now();
            tokio::join!(backoff.rest(LONGEST, ends), async { signs.give(&peer, sign) });
            assert_eq!(began.elapsed(), SHORTEST);
        }
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
        assert!(backoff.failed(&System, Some(LONGEST_ASKED)) == LONGEST_ASKED, "at least as it asks");
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
