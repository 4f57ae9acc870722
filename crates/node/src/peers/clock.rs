//! What other providers' clocks, which are in their signatures, say of ours.

use std::time::Duration;

use drawbridge_mtp::message::PeerState;

use super::Peers;
use super::board::ClockOffset;
use crate::ambient::Ambient;
use crate::ground::clock::check_clock;
use crate::store::StoreFault;

/// What time takes away is taken away too early by a clock that is so far ahead, or further.
const FAR_AHEAD: Duration = Duration::from_secs(3600);
/// What is signed by a clock that is further off is refused, or may be (section 4).
const TOO_FAR: Duration = Duration::from_secs(300);

impl Peers {
    /// Whether other providers bear out our clock: it is after the build, and of those whose clocks were seen in this run most show
    /// about the same; or there is nobody who could say so.
    pub(crate) fn is_clock_borne_out(&self) -> bool {
        let ambient: &dyn Ambient = &*self.ground.ambient;
        if check_clock(ambient).is_err() {
            return false;
        }
        let seen = self.board.clocks_now(ambient.now(), ambient.instant());
        if seen.is_empty() {
            return !self.has_witnesses();
        }
        seen.iter().filter(|offset| offset.size() <= TOO_FAR).count() * 2 > seen.len()
    }

    /// Whether most of the clocks that were seen in this run are far behind ours; `None` where none was seen yet, and one may be.
    pub(crate) fn is_clock_ahead(&self) -> Option<bool> {
        let seen = self.board.clocks_now(self.ground.ambient.now(), self.ground.ambient.instant());
        if seen.is_empty() {
            return (!self.has_witnesses()).then_some(false);
        }
        let behind = seen.iter().filter(|offset| offset.millis < 0 && offset.size() > FAR_AHEAD).count();
        Some(behind * 2 > seen.len())
    }

    /// Whether there is anybody who could say what time it is.
    fn has_witnesses(&self) -> bool {
        let peers = self.store.glance::<u64, StoreFault>(|view| view.count_peers(PeerState::Allowed));
        peers.map_or(true, |count| count > 0)
    }

    /// How far the clocks of those that disagree with ours are from it, as the one in the middle is; none where all agree.
    pub(crate) fn clocks_apart(&self) -> Option<ClockOffset> {
        let seen = self.board.clocks_now(self.ground.ambient.now(), self.ground.ambient.instant());
        let mut apart: Vec<i64> =
            seen.into_iter().filter(|offset| !offset.is_tolerated()).map(|offset| offset.millis).collect();
        apart.sort_unstable();
        apart.get(apart.len() / 2).map(|millis| ClockOffset { millis: *millis })
    }
}
