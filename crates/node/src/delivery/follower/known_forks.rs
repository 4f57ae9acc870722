//! What is known in this life of the process of groups of other owners whose logs are not what our copies are.

use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use drawbridge_mtp::id::GroupUri;

/// The feeds of a group's clients begin anew for the sake of a commit at most so often.
const ROUSE_EVERY: Duration = Duration::from_secs(10 * 60);

/// The groups whose owners are waited for, since when in this life of the process, and those to be looked at again.
#[derive(Default)]
pub(crate) struct Forks {
    /// Since when each group's owner is given time to read back what our copy has.
    waiting: Mutex<HashMap<GroupUri, Instant>>,
    /// The groups whose logs could not be compared when they were to be.
    due: Mutex<BTreeSet<GroupUri>>,
    /// When the feeds of a group's clients last began anew so that one commits.
    roused: Mutex<HashMap<GroupUri, Instant>>,
}

impl Forks {
    /// How long its owner has been waited for; from now on where it was not.
    pub(in crate::delivery) fn waited(&self, group: &GroupUri, now: Instant) -> Duration {
        let first = *self.waiting.lock().entry(group.clone()).or_insert(now);
        now.saturating_duration_since(first)
    }

    /// Its owner is waited for no longer.
    pub(in crate::delivery) fn end(&self, group: &GroupUri) {
        self.waiting.lock().remove(group);
    }

    /// Has the logs of a group compared within a minute.
    pub(in crate::delivery) fn later(&self, group: &GroupUri) {
        self.due.lock().insert(group.clone());
    }

    /// Whether the feeds of a group's clients may begin anew so that one commits: an owner that lacks what new clients need has
    /// that done once in a while, and no more often.
    pub(in crate::delivery) fn may_rouse(&self, group: &GroupUri, now: Instant) -> bool {
        let mut roused = self.roused.lock();
        let may = roused.get(group).is_none_or(|last| now.saturating_duration_since(*last) >= ROUSE_EVERY);
        if may {
            roused.insert(group.clone(), now);
        }
        may
    }

    /// The groups whose logs are to be compared now.
    pub(in crate::delivery) fn take_due(&self) -> BTreeSet<GroupUri> {
        std::mem::take(&mut *self.due.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feeds_of_a_groups_clients_begin_anew_for_a_commit_once_in_ten_minutes() {
        let forks = Forks::default();
        let now = Instant::now();
        let minutes = |count: u64| now + Duration::from_secs(count * 60);
        let [tea, zen] = ["tea", "zen"].map(|name| format!("mimi://a.example/g/{name}").parse().unwrap());
        assert!(forks.may_rouse(&tea, now));
        assert!(!forks.may_rouse(&tea, minutes(9)));
        assert!(forks.may_rouse(&zen, minutes(9)), "another group is not kept waiting");
        assert!(forks.may_rouse(&tea, minutes(10)));
        assert!(!forks.may_rouse(&tea, minutes(19)), "from the last time on");
    }
}
