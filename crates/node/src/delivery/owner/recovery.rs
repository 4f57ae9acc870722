//! What is known in this life of the process of groups of ours that may be older here than what we have served (section 12).

use parking_lot::Mutex;
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant as Clock};

use drawbridge_mtp::id::{GroupUri, Provider};
use tokio::sync::Notify;

use crate::ambient::Ambient;
use crate::store::Reader;

/// Where one participant has answered, the others are waited for so long (section 12).
const OTHERS_TIME: Duration = Duration::from_secs(10);
/// Where none can be reached, they are waited for so long (section 12).
const ANYONE_TIME: Duration = Duration::from_secs(60);
/// Those who have not answered are asked again after this.
pub(in crate::delivery) const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What is known in this life of the process of whether our store is older than what it has served.
pub(crate) struct Recovery {
    /// When this life began.
    begun: Clock,
    /// What is known of each group and reader.
    known: Mutex<Known>,
    /// Rung where there is another whose groups are to be read back.
    doubted: Notify,
}

#[derive(Default)]
struct Known {
    /// Counts the times at which everything was doubted.
    round: u64,
    /// The groups of which nothing is missing that a participant could give.
    whole: HashSet<GroupUri>,
    /// The groups whose participants are being waited for.
    asked: HashMap<GroupUri, Asked>,
    /// Who has shown that its feed is an older copy. After that it reads another history, of which it can have nothing that
    /// this life has not given: shown again, it would be a lie.
    doubters: HashSet<Reader>,
    /// Those of them whose groups are still to be read back.
    due: VecDeque<Reader>,
}

/// Since when the participants of a group have been asked, and when they were last.
#[derive(Clone, Copy)]
struct Asked {
    first: Clock,
    last: Clock,
}

impl Recovery {
    /// Nothing is known yet of a life that begins now.
    pub(crate) fn new(ambient: &dyn Ambient) -> Self {
        Self { begun: ambient.instant(), known: Mutex::default(), doubted: Notify::new() }
    }

    /// Since when the participants of a group have been asked; none where they were asked a moment ago.
    pub(in crate::delivery) fn ask_now(&self, group: &GroupUri, now: Clock) -> Option<Clock> {
        let mut known = self.known.lock();
        match known.asked.get_mut(group) {
            Some(asked) if now.saturating_duration_since(asked.last) < ASK_AGAIN => None,
            Some(asked) => {
                asked.last = now;
                Some(asked.first)
            }
            None => {
                known.asked.insert(group.clone(), Asked { first: now, last: now });
                Some(now)
            }
        }
    }

    /// Whether those who have not answered were waited for long enough (section 12). Who is known to be away has been asked
    /// since this life began.
    pub(in crate::delivery) fn was_patient(&self, heard: &Heard, first: Clock, now: Clock) -> bool {
        let since = if heard.are_missing_away { self.begun } else { first };
        let patience = if heard.has_answer { OTHERS_TIME } else { ANYONE_TIME };
        !heard.is_missing || now.saturating_duration_since(since) >= patience
    }

    /// `reader` has stored what our store has not given it. Returns whether that is news.
    pub(in crate::delivery) fn doubt(&self, reader: &Reader) -> bool {
        let mut known = self.known.lock();
        if !known.doubters.insert(reader.clone()) {
            return false;
        }
        known.round += 1;
        known.whole.clear();
        known.asked.clear();
        known.due.push_back(reader.clone());
        drop(known);
        self.doubted.notify_one();
        true
    }

    /// Another process may have served what is not in our store: everything is doubted again, as where a life begins.
    pub(in crate::delivery) fn begin_anew(&self) {
        let mut known = self.known.lock();
        known.round += 1;
        known.whole.clear();
        known.asked.clear();
        known.doubters.clear();
    }

    /// Whether a provider has shown in this life that our store is an older copy.
    pub(in crate::delivery) fn has_doubted(&self, provider: &Provider) -> bool {
        self.known.lock().doubters.contains(&Reader::Peer(provider.clone()))
    }

    /// The round of doubt in which a group stands; none where it is whole.
    pub(in crate::delivery) fn doubt_of(&self, group: &GroupUri) -> Option<u64> {
        let known = self.known.lock();
        (!known.whole.contains(group)).then_some(known.round)
    }

    /// A group is whole, unless everything was doubted since `round`.
    pub(in crate::delivery) fn set_whole(&self, group: &GroupUri, round: u64) {
        let mut known = self.known.lock();
        if known.round == round {
            known.whole.insert(group.clone());
            known.asked.remove(group);
        }
    }

    /// The groups of `reader` are to be read back once those of the others were.
    pub(in crate::delivery) fn put_behind(&self, reader: Reader) {
        self.known.lock().due.push_back(reader);
    }

    /// The next whose groups are to be read back.
    pub(in crate::delivery) async fn next(&self) -> Reader {
        loop {
            if let Some(reader) = self.known.lock().due.pop_front() {
                return reader;
            }
            self.doubted.notified().await;
        }
    }
}

/// What was heard of a group's participants.
pub(in crate::delivery) struct Heard {
    /// Whether all was read that those who have answered have. Where it was not, something was, so that nobody can put it
    /// off for ever with promises.
    pub(in crate::delivery) is_all: bool,
    /// Whether anybody has answered.
    pub(in crate::delivery) has_answer: bool,
    /// Whether somebody has not answered.
    pub(in crate::delivery) is_missing: bool,
    /// Whether all who have not are known to be away.
    pub(in crate::delivery) are_missing_away: bool,
    /// Whether there is somebody else, and everybody has said that our log is theirs.
    pub(in crate::delivery) is_sure: bool,
}
