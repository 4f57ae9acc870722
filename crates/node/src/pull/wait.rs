//! How long a pull is asked to wait at a peer: as long as it may, unless something in between ends it before (section 11).

use std::time::Duration;

use drawbridge_mtp::document::Limits;
use tokio::time::Instant;

/// The shortest wait that is asked for.
const SHORTEST_S: u64 = 10;
/// A pull that broke before this was not ended for waiting.
const SHORTEST_CUT: Duration = Duration::from_secs(2);
/// Two pulls that ended within this part of the time of each other did so after about the same time; it is this at the most, and half
/// of it at least.
const ALIKE_PART: u32 = 5;
const ALIKE: Duration = Duration::from_secs(2);
/// A proxy may be mended: after so long the whole wait is tried again.
pub(super) const TRIED_AGAIN: Duration = Duration::from_secs(3600);

/// The wait of the pulls at one peer.
///
/// A proxy ends pulls again and again after about the same time, while the peer behind it is there. So a pull that was ended counts
/// only once the peer has answered the next request, and an outage forgets those before it: a restart ends pulls too.
pub(super) struct PullWait {
    seconds: u64,
    /// A pull that was ended, and how, while it is not known whether the peer is there.
    doubted: Option<(Duration, String)>,
    /// After how long the latest pull was ended that something in between may have ended.
    cut: Option<Duration>,
    /// After how long pulls are ended, where that is known.
    known: Option<Duration>,
    shortened: Option<Instant>,
    /// Whether the operator may still be told that pulls are cut, though none has been in this life.
    is_proved: bool,
}

/// That something in between ends pulls.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shortened {
    /// After how long it does.
    pub(super) held: Duration,
    /// How the last one ended.
    pub(super) how: String,
    /// What pulls ask for from now on, in seconds.
    pub(super) seconds: u64,
}

impl PullWait {
    pub(super) fn new() -> Self {
        let (doubted, cut, known) = (None, None, None);
        Self { seconds: whole(), doubted, cut, known, shortened: None, is_proved: false }
    }

    /// What the next pull that waits asks for, in seconds.
    pub(super) fn seconds(&mut self) -> u64 {
        if self.shortened.is_some_and(|at| at.elapsed() >= TRIED_AGAIN) {
            self.shortened = None;
            self.seconds = whole();
        }
        self.seconds
    }

    /// Has the whole wait be tried with the next pull: the operator wants it, as after the proxy was mended.
    pub(super) fn try_whole(&mut self) {
        self.shortened = None;
        self.seconds = whole();
    }

    /// A pull that waited was ended after `held` without an answer of the peer.
    pub(super) fn cut(&mut self, held: Duration, how: String) {
        if held < SHORTEST_CUT {
            return self.missed();
        }
        self.doubted = Some((held, how));
    }

    /// The peer was not reached, so that what has ended a pull a moment ago was most likely its restart or the network.
    pub(super) fn missed(&mut self) {
        self.doubted = None;
        self.cut = self.known;
    }

    /// The peer has answered, so what has ended the pull before was in between. Returns what pulls ask for from now on, where
    /// that is less than before.
    pub(super) fn reached(&mut self) -> Option<Shortened> {
        let (held, how) = self.doubted.take()?;
        let before = self.cut.replace(held)?;
        // With some time to spare, since what ends it counts from another moment. One that was held for longer than it asked for
        // was ended at least twice, by a proxy that then asks again by itself: how long that waits is less than was asked for.
        let seconds = (held.as_secs().min(self.seconds) * 4 / 5).max(SHORTEST_S);
        if held.abs_diff(before) > alike(before) || seconds >= self.seconds {
            return None;
        }
        self.seconds = seconds;
        self.shortened = Some(Instant::now());
        self.known = Some(held);
        self.is_proved = false;
        Some(Shortened { held, how, seconds })
    }

    /// A pull that waited was answered after `held`. Returns whether that proves for the first time that nothing in between
    /// ends pulls any more.
    pub(super) fn held(&mut self, held: Duration) -> bool {
        if self.known.or(self.cut).is_some_and(|cut| held > cut + alike(cut)) {
            (self.cut, self.known) = (None, None);
            self.is_proved = true;
            self.try_whole();
            return true;
        }
        let is_whole = self.seconds == whole() && held + ALIKE >= Duration::from_secs(whole());
        is_whole && !std::mem::replace(&mut self.is_proved, true)
    }
}

fn alike(time: Duration) -> Duration {
    (time / ALIKE_PART).clamp(ALIKE / 2, ALIKE)
}

fn whole() -> u64 {
    Limits::default().pull_wait_s
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// A pull is ended after so many seconds, and the peer answers the next request. Returns the shorter wait.
    fn cut(wait: &mut PullWait, seconds: f64) -> Option<u64> {
        wait.cut(after(seconds), String::new());
        wait.reached().map(|shortened| shortened.seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn two_cuts_after_about_the_same_time_shorten_the_wait_for_an_hour() {
        let mut wait = PullWait::new();
        assert_eq!(wait.seconds(), 55);
        assert_eq!((cut(&mut wait, 30.1), cut(&mut wait, 29.8)), (None, Some(23)));
        assert_eq!(wait.seconds(), 23);
        tokio::time::advance(TRIED_AGAIN).await;
        assert_eq!(wait.seconds(), 55);
        assert_eq!(cut(&mut wait, 30.3), Some(24), "once more is enough where it was known");
    }

    #[test]
    fn a_proxy_that_asks_again_before_it_ends_a_pull_is_asked_to_hold_it_for_less_until_it_does() {
        let mut wait = PullWait::new();
        let mut asked = Vec::new();
        // It waits for 30 s, twice.
        assert_eq!(cut(&mut wait, 60.0), None);
        while wait.seconds() > 30 {
            asked.extend(cut(&mut wait, 60.0));
            assert!(asked.len() < 10, "{asked:?}");
        }
        assert_eq!(asked, [44, 35, 28]);
    }

    #[test]
    fn a_restart_or_an_outage_is_no_proxy() {
        let mut wait = PullWait::new();
        let ended = |wait: &mut PullWait| wait.cut(after(5.0), String::new());
        // Each ends a pull that waits, and the peer is not reached for a moment.
        for _ in 0..3 {
            ended(&mut wait);
            wait.missed();
            assert_eq!(wait.reached(), None);
        }
        // One was there at once; the next is amid an outage.
        assert_eq!(cut(&mut wait, 5.0), None);
        ended(&mut wait);
        wait.missed();
        assert_eq!(
            (wait.reached(), cut(&mut wait, 5.0)),
            (None, None),
            "those before the outage are forgotten"
        );
        assert_eq!(cut(&mut wait, 2.9), None, "that is not the same time");
        assert_eq!(wait.seconds(), 55);
    }

    #[test]
    fn what_is_known_of_a_proxy_outlives_another_cut_and_an_outage() {
        let mut wait = PullWait::new();
        assert_eq!((cut(&mut wait, 4.0), cut(&mut wait, 4.1)), (None, Some(10)));
        assert_eq!(cut(&mut wait, 9.5), None, "it is restarted");
        wait.missed();
        assert!(wait.held(after(10.0)), "one was held for longer than a proxy would");
        assert_eq!(wait.seconds(), 55);
    }

    #[test]
    fn what_breaks_now_and_then_does_not() {
        let mut wait = PullWait::new();
        assert_eq!((cut(&mut wait, 0.1), cut(&mut wait, 0.1)), (None, None), "nothing had waited");
        assert_eq!((cut(&mut wait, 30.0), cut(&mut wait, 12.0)), (None, None));
        assert!(wait.held(after(20.0)));
        assert_eq!(cut(&mut wait, 12.5), None, "one was held for longer meanwhile");
        assert_eq!(wait.seconds(), 55);
    }

    #[test]
    fn ten_seconds_are_asked_for_at_least() {
        let mut wait = PullWait::new();
        assert_eq!((cut(&mut wait, 5.0), cut(&mut wait, 5.0)), (None, Some(10)));
        assert_eq!(cut(&mut wait, 5.0), None, "there is no shorter one");
    }

    #[test]
    fn one_that_waits_longer_than_the_cut_shows_that_it_is_over_when_the_operator_has_it_tried() {
        let mut wait = PullWait::new();
        assert_eq!((cut(&mut wait, 12.0), cut(&mut wait, 12.1)), (None, Some(10)));
        assert!(!wait.held(after(10.0)), "that was asked to wait less");
        wait.try_whole();
        assert_eq!(wait.seconds(), 55);
        assert!(wait.held(after(15.0)), "something came after 15 s, which would have been cut");
        wait.try_whole();
        assert_eq!((cut(&mut wait, 12.0), cut(&mut wait, 12.0)), (None, Some(10)), "and it is cut again");
        wait.try_whole();
        assert_eq!(cut(&mut wait, 12.0), Some(10), "it was known");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_waits_to_its_end_proves_that_nothing_ends_it() {
        let mut wait = PullWait::new();
        assert!(!wait.held(after(20.0)));
        assert!(wait.held(after(55.0)) && !wait.held(after(55.0)));
        assert_eq!((cut(&mut wait, 30.0), cut(&mut wait, 30.0)), (None, Some(24)));
        assert!(!wait.held(after(24.0)), "that was asked to wait less");
        tokio::time::advance(TRIED_AGAIN).await;
        assert_eq!(wait.seconds(), 55);
        assert!(wait.held(after(55.0)));
    }
}
