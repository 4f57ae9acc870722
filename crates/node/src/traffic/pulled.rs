//! When a peer was given an item of its feed, and when it said that it has stored it, as the pulls in the record tell.

use std::time::Duration;

use drawbridge_mtp::id::{Generation, Provider};
use drawbridge_mtp::message::FeedQuery;
use drawbridge_mtp::time::Timestamp;

use super::filter::TrafficFilter;
use super::record::{Direction, TrafficKind, TrafficRecord};

/// A pull that is answered with an item can have begun so long before the item was put into the feed: it waited for news.
const LONGEST_PULL: Duration = Duration::from_secs(120);

/// An item of a peer's feed.
#[derive(Clone, Debug)]
pub(crate) struct FeedItem {
    /// Whose feed it is.
    pub(crate) peer: Provider,
    /// The history of the feed in which it has its number.
    pub(crate) generation: Generation,
    /// Its number.
    pub(crate) number: u64,
    /// When it was put there.
    pub(crate) put: Timestamp,
}

/// When it was given and acknowledged for the first time; none where the record has no such pull.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pulled {
    /// When the answer that held it had been sent.
    pub(crate) given: Option<Timestamp>,
    /// When a pull came that goes on behind it.
    pub(crate) acknowledged: Option<Timestamp>,
}

impl FeedItem {
    /// The pulls that may tell.
    pub(super) fn filter(&self) -> TrafficFilter {
        let since = self.put.as_millis().saturating_sub(LONGEST_PULL.as_millis() as u64);
        TrafficFilter {
            peer: Some(self.peer.clone()),
            direction: Some(Direction::In),
            kind: Some(TrafficKind::Pull),
            since: Some(Timestamp::from_millis(since)),
            ..TrafficFilter::default()
        }
    }
}

impl Pulled {
    /// Takes in the next pull, in the order in which they came. Whether both times are known now.
    pub(super) fn take(&mut self, item: &FeedItem, pull: &TrafficRecord) -> bool {
        // A pull that waits has said already what was stored.
        if pull.verified && (pull.waiting || pull.status.is_some_and(|status| status < 300)) {
            let asked = pull.target.split_once('?').and_then(|(_, query)| FeedQuery::parse(query).ok());
            let is_behind = asked.is_some_and(|asked| {
                asked.after >= item.number && asked.generation.as_ref() == Some(&item.generation)
            });
            if is_behind && self.acknowledged.is_none() {
                self.acknowledged = Some(pull.at);
            }
            if self.given.is_none() && self.acknowledged.is_none() && holds(pull, item.number) {
                // Both parts of the sum are rounded down, and nothing is given before it is there.
                self.given = Some(pull.at.plus(pull.duration.unwrap_or_default()).max(item.put));
            }
        }
        self.acknowledged.is_some()
    }
}

/// Whether the answer to a pull held the item of this number. The items of a page follow one another, and the first ones are
/// remembered.
fn holds(pull: &TrafficRecord, number: u64) -> bool {
    let first = pull.items.first().map(|item| item.seq);
    first.is_some_and(|first| (first..first + pull.item_count as u64).contains(&number))
}

#[cfg(test)]
mod tests {
    use super::super::record::{TrafficItem, TrafficItems};
    use super::*;

    const NAME: &str = "0123456789abcdef0123456789abcdef";

    fn item() -> FeedItem {
        let (peer, generation) = ("b.example".parse().unwrap(), NAME.parse().unwrap());
        FeedItem { peer, generation, number: 7, put: Timestamp::from_millis(500_000) }
    }

    fn pull(at: u64, after: u64, items: std::ops::Range<u64>) -> TrafficRecord {
        let last = "0190163d-8694-739b-aea5-966c26f8ad91";
        let target = format!("/feed?after={after}&last={last}&generation={NAME}&wait=30");
        let mut pull = TrafficRecord::begin(Timestamp::from_millis(at), Direction::In, "GET", &target);
        pull.peer = Some(item().peer);
        (pull.verified, pull.waiting, pull.status) = (true, false, Some(200));
        pull.duration = Some(Duration::from_millis(10));
        let items: Vec<_> = items.map(|number| TrafficItem::new(number, "event", None)).collect();
        pull.set_items(TrafficItems::of(items.into_iter()));
        pull
    }

    fn pulled(pulls: &[TrafficRecord]) -> Pulled {
        let (item, mut pulled) = (item(), Pulled::default());
        let wanted = pulls.iter().filter(|pull| item.filter().lets_pass(pull));
        for pull in wanted {
            if pulled.take(&item, pull) {
                break;
            }
        }
        pulled
    }

    #[test]
    fn the_first_page_that_holds_it_and_the_first_pull_behind_it_tell() {
        let time = |ms| Some(Timestamp::from_millis(ms));
        let all = [
            pull(1000, 0, 1..20),
            pull(490_000, 4, 0..0),
            pull(499_995, 4, 5..9),
            pull(500_020, 4, 5..9),
            pull(500_040, 8, 0..0),
            pull(500_060, 9, 0..0),
        ];
        assert_eq!(pulled(&all), Pulled { given: time(500_005), acknowledged: time(500_040) });
        assert_eq!(pulled(&all[..3]), Pulled { given: time(500_005), acknowledged: None });
        assert_eq!(pulled(&all[..2]), Pulled::default());
        assert_eq!(pulled(&all[4..]), Pulled { given: None, acknowledged: time(500_040) });
        let mut waiting = pull(500_040, 8, 0..0);
        (waiting.status, waiting.waiting) = (None, true);
        assert_eq!(pulled(&[waiting]).acknowledged, time(500_040));
        // A long page, of which the first items are remembered.
        assert_eq!(pulled(&[pull(500_000, 0, 1..501)]).given, time(500_010));
    }

    #[test]
    fn what_was_not_answered_or_is_of_another_history_tells_nothing() {
        let mut refused = pull(500_001, 8, 0..0);
        refused.status = Some(409);
        let mut cut = pull(500_001, 8, 0..0);
        cut.status = None;
        let mut unproved = pull(500_001, 8, 5..9);
        unproved.verified = false;
        let mut other = pull(500_001, 8, 0..0);
        other.target = other.target.replace(NAME, &NAME.replace('0', "1"));
        assert_eq!(pulled(&[refused, cut, unproved, other]), Pulled::default());
    }
}
