//! How long to leave a peer alone after a failure: 1 s doubling to 60 s with full jitter, or as it asks.

use std::time::Duration;

use drawbridge_mtp::id::Provider;
use tokio::time::Instant;

use crate::ambient::{Ambient, AmbientExt};
use crate::http::{Sign, Throttle};

const LONGEST_S: u64 = 60;
/// A peer that asks for more than this is asked again all the same.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);
/// After a sign of life a peer that was away is tried at once, but not more often than this.
const SHORTEST: Duration = Duration::from_secs(1);

/// Failures in a row, and what follows from them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Failed tries in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Counts a failure and says how long to rest.
    pub(crate) fn failed(&mut self, ambient: &dyn Ambient, retry_after: Option<Duration>) -> Duration {
        let ceiling_ms = (1_u64 << self.failures.min(6)).min(LONGEST_S) * 1000;
        self.failures = self.failures.saturating_add(1);
        match retry_after {
            Some(asked) => asked.min(LONGEST_ASKED),
            None => Duration::from_millis(u64::from_le_bytes(ambient.random()) % ceiling_ms),
        }
    }
}

/// Rests for `pause` after a failure at `peer`, or until the operator wants it to be tried; where it could not be reached
/// (`away`), also until it gives a sign of life. One that has answered is left alone for as long as that says.
pub(crate) async fn rest(throttle: &Throttle, peer: &Provider, pause: Duration, away: bool) {
    let began = Instant::now();
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        () = throttle.sign(peer, Sign::Wanted) => {}
        () = throttle.sign(peer, Sign::Alive), if away => {
            tokio::time::sleep_until(began + SHORTEST.min(pause)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::System;
    use crate::config::LimitsConfig;

    /// How long somebody rests who is to rest for half a minute, where there are these signs right after it began.
    async fn rests(away: bool, signs: &[Sign]) -> Duration {
        let (throttle, peer) = (Throttle::new(&LimitsConfig::default()), "b.example".parse().unwrap());
        let began = Instant::now();
        tokio::join!(rest(&throttle, &peer, Duration::from_secs(30), away), async {
            for sign in signs {
                throttle.give(&peer, *sign);
            }
        });
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_answered_is_left_alone_until_the_operator_wants_it_tried() {
        assert_eq!(rests(false, &[]).await, Duration::from_secs(30));
        assert_eq!(rests(false, &[Sign::Alive]).await, Duration::from_secs(30));
        assert_eq!(rests(false, &[Sign::Wanted]).await, Duration::ZERO);
        assert_eq!(rests(false, &[Sign::Alive, Sign::Wanted]).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_away_is_tried_soon_after_a_sign_of_life() {
        assert_eq!(rests(true, &[]).await, Duration::from_secs(30));
        assert_eq!(rests(true, &[Sign::Alive]).await, SHORTEST);
        assert_eq!(rests(true, &[Sign::Wanted]).await, Duration::ZERO);
    }

    #[test]
    fn it_doubles_to_a_minute_and_starts_anew_after_a_success() {
        let mut backoff = Backoff::default();
        for failures in 0..100 {
            let ceiling = Duration::from_secs((1_u64 << failures.min(6)).min(60));
            assert!(backoff.failed(&System, None) < ceiling, "after {failures} failures");
        }
        assert_eq!(backoff.failed(&System, Some(Duration::from_secs(7))), Duration::from_secs(7));
        backoff.succeeded();
        assert!(backoff.failed(&System, None) < Duration::from_secs(1));
    }
}
