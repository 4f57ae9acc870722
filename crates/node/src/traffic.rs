//! The record of what crossed the wire, in both directions: the latest requests of this run, in memory.

use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::{Outcome, SubmissionAnswer, SubmissionKind};
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::time::Timestamp;
use tokio::sync::watch;

use crate::peer_fault::Stage;

/// Requests that are remembered, and the octets of their texts.
const KEPT: usize = 5000;
const KEPT_BYTES: usize = 16 << 20;
/// A request to us of which nothing is proved is remembered until so many others have come to us: who floods us leaves
/// what crossed between peers to be read.
const KEPT_UNPROVED: usize = 1000;
/// Items of a page that are remembered.
const ITEMS: usize = 100;
/// Octets of a text that are remembered: the longest that the protocol has, a signature's input, has three hundred.
const TEXT: usize = 512;

/// Which way a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From a peer to us.
    In,
    /// From us to a peer.
    Out,
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct TrafficRecord {
    /// Grows by one with each request.
    pub id: u64,
    /// When it began.
    pub at: Timestamp,
    /// Which way it went.
    pub direction: Direction,
    /// The other side, as far as it is known.
    pub peer: Option<Provider>,
    /// Whether that is proved by a signature.
    pub verified: bool,
    /// Its method.
    pub method: String,
    /// Path below the endpoint, with query.
    pub target: String,
    /// Whether the answer is still to come.
    pub waiting: bool,
    /// The answer's status.
    pub status: Option<u16>,
    /// The problem's code, where the answer is one.
    pub code: Option<String>,
    /// From the beginning to the answer.
    pub duration: Option<Duration>,
    /// Octets of the request's content.
    pub request_bytes: usize,
    /// Octets of the answer's content.
    pub response_bytes: usize,
    /// The items of a feed page, the first hundred.
    pub items: Vec<TrafficItem>,
    /// How many items there were.
    pub item_count: usize,
    /// At which step it failed, where there was no answer that could be used.
    pub stage: Option<Stage>,
    /// One sentence on that.
    pub text: Option<String>,
    /// `name: value` of the headers that concern the protocol.
    pub request_headers: Vec<String>,
    /// The same of the answer.
    pub response_headers: Vec<String>,
    revision: u64,
}

/// An item of a feed page, or a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficItem {
    /// Its number in the feed, or in the group's log; 0 for a submission that was refused.
    pub seq: u64,
    /// Its type; of a submission that was refused, with the code.
    pub kind: String,
}

/// A submission with what became of it, as an item of the record.
pub(crate) fn submitted(kind: SubmissionKind, outcome: &Outcome) -> (u64, String) {
    match outcome {
        Outcome::Accepted(placed) | Outcome::Duplicate(placed) => (placed.seq, kind.to_string()),
        Outcome::Rejected(problem) => (0, format!("{kind}: {}", problem.code)),
        Outcome::Queued => (0, kind.to_string()),
    }
}

/// The number and the word by which the traffic record tells of something that a peer has submitted.
pub(crate) fn answered(kind: Option<SubmissionKind>, answer: &SubmissionAnswer) -> (u64, String) {
    match (kind, answer) {
        (Some(kind), SubmissionAnswer::Judged(result)) => submitted(kind, &result.outcome),
        _ => (0, format!("submission: {}", Code::Malformed)),
    }
}

impl TrafficRecord {
    /// A request that begins now and waits for its answer.
    pub fn begin(at: Timestamp, direction: Direction, method: &str, target: &str) -> Self {
        Self {
            id: 0,
            at,
            direction,
            peer: None,
            verified: false,
            method: cut(method),
            target: cut(target),
            waiting: true,
            status: None,
            code: None,
            duration: None,
            request_bytes: 0,
            response_bytes: 0,
            items: Vec::new(),
            item_count: 0,
            stage: None,
            text: None,
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            revision: 0,
        }
    }

    /// Notes the items of a page.
    pub fn set_items<'a>(&mut self, items: impl ExactSizeIterator<Item = (u64, &'a str)>) {
        self.item_count = items.len();
        self.items = items.take(ITEMS).map(|(seq, kind)| TrafficItem { seq, kind: cut(kind) }).collect();
    }

    /// Cuts what was said by others to what a person reads.
    fn cut(&mut self) {
        for text in [&mut self.code, &mut self.text].into_iter().flatten() {
            *text = cut(text);
        }
    }

    /// The octets of its texts.
    fn bytes(&self) -> usize {
        let texts = [&self.method, &self.target].into_iter().chain(&self.code).chain(&self.text);
        let headers = self.request_headers.iter().chain(&self.response_headers);
        let items = self.items.iter().map(|item| &item.kind);
        texts.chain(headers).chain(items).map(String::len).sum()
    }
}

/// The headers of `headers` that concern the protocol.
pub(crate) fn told_headers(headers: &http::HeaderMap) -> Vec<String> {
    const TOLD: [&str; 9] = [
        "mtp-to",
        "content-type",
        "content-encoding",
        "content-digest",
        "signature-input",
        "signature",
        "cache-control",
        "retry-after",
        "user-agent",
    ];
    let told = headers.iter().filter(|(name, _)| TOLD.contains(&name.as_str()));
    told.take(TOLD.len())
        .map(|(name, value)| cut(&format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))))
        .collect()
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// The latest requests.
pub struct TrafficLog {
    ring: Mutex<Ring>,
    revision: watch::Sender<u64>,
}

#[derive(Default)]
struct Ring {
    records: BTreeMap<u64, TrafficRecord>,
    /// The octets of all texts.
    bytes: usize,
    /// The latest requests to us, of which nothing was proved when they began.
    unproved: VecDeque<u64>,
    next: u64,
    revision: u64,
}

impl Ring {
    fn add(&mut self, mut record: TrafficRecord) -> u64 {
        self.next += 1;
        self.revision += 1;
        record.id = self.next;
        record.revision = self.revision;
        if record.direction == Direction::In && !record.verified {
            self.unproved.push_back(self.next);
        }
        record.cut();
        self.bytes += record.bytes();
        self.records.insert(self.next, record);
        self.make_room();
        self.next
    }

    fn update(&mut self, id: u64, change: impl FnOnce(&mut TrafficRecord)) {
        let Some(record) = self.records.get_mut(&id) else { return };
        self.revision += 1;
        self.bytes -= record.bytes();
        change(record);
        record.cut();
        record.revision = self.revision;
        self.bytes += record.bytes();
        self.make_room();
    }

    fn make_room(&mut self) {
        while self.unproved.len() > KEPT_UNPROVED
            && let Some(id) = self.unproved.pop_front()
        {
            if self.records.get(&id).is_some_and(|record| !record.verified) {
                self.remove(id);
            }
        }
        while (self.records.len() > KEPT || self.bytes > KEPT_BYTES)
            && let Some(oldest) = self.records.keys().next()
        {
            self.remove(*oldest);
        }
    }

    fn remove(&mut self, id: u64) {
        self.bytes -= self.records.remove(&id).map_or(0, |record| record.bytes());
    }
}

impl TrafficLog {
    pub(crate) fn new() -> Self {
        Self { ring: Mutex::default(), revision: watch::channel(0).0 }
    }

    /// Keeps `record` as the newest, gives it its number, and returns that.
    pub(crate) fn add(&self, record: TrafficRecord) -> u64 {
        let mut ring = self.ring.lock();
        let id = ring.add(record);
        self.revision.send_replace(ring.revision);
        id
    }

    /// Changes the record `id`, where it is still kept.
    pub(crate) fn update(&self, id: u64, change: impl FnOnce(&mut TrafficRecord)) {
        let mut ring = self.ring.lock();
        ring.update(id, change);
        self.revision.send_replace(ring.revision);
    }

    /// The latest `limit` requests, the newest first; only those with `peer`, where one is named.
    pub fn latest(&self, peer: Option<&Provider>, limit: usize) -> Vec<TrafficRecord> {
        let ring = self.ring.lock();
        let wanted =
            ring.records.values().rev().filter(|record| peer.is_none() || record.peer.as_ref() == peer);
        wanted.take(limit).cloned().collect()
    }

    /// What began or ended after `revision`, the oldest first and the latest `limit` of it, with the revision
    /// to ask for next.
    pub fn since(&self, revision: u64, limit: usize) -> (Vec<TrafficRecord>, u64) {
        let ring = self.ring.lock();
        let fresh = ring.records.values().rev().filter(|record| record.revision > revision);
        let mut fresh: Vec<_> = fresh.take(limit).cloned().collect();
        fresh.reverse();
        (fresh, ring.revision)
    }

    /// Grows with everything that begins or ends.
    pub fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// How many pulls, ours and theirs, were answered since `then`.
    pub fn pulls_since(&self, then: Timestamp) -> usize {
        let ring = self.ring.lock();
        let recent = ring
            .records
            .values()
            .rev()
            .filter(|record| record.target.starts_with("/feed") && !record.waiting);
        recent.filter(|record| record.at.plus(record.duration.unwrap_or_default()) >= then).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(direction: Direction, target: &str) -> TrafficRecord {
        TrafficRecord::begin(Timestamp::from_millis(1), direction, "GET", target)
    }

    #[test]
    fn it_is_bounded_and_finds_what_is_still_kept() {
        let log = TrafficLog::new();
        let first = log.add(record(Direction::Out, "/first"));
        for _ in 0..KEPT {
            log.add(record(Direction::Out, "/feed"));
        }
        log.update(first, |record| record.status = Some(200));
        assert_eq!(log.latest(None, usize::MAX).len(), KEPT);
        let (_, revision) = log.since(0, 1);
        log.update(first + 1, |record| record.status = Some(204));
        let (fresh, _) = log.since(revision, 10);
        assert_eq!(fresh.len(), 1);
        assert_eq!(fresh[0].status, Some(204));
    }

    #[test]
    fn what_others_write_into_it_is_cut_to_what_a_person_reads() {
        let log = TrafficLog::new();
        let long = "é".repeat(2_000);
        let mut headers = http::HeaderMap::new();
        for _ in 0..20 {
            headers.append("signature", long.parse().unwrap());
        }
        for _ in 0..KEPT / 5 {
            let mut record = record(Direction::Out, &long);
            record.request_headers = told_headers(&headers);
            let id = log.add(record);
            log.update(id, |record| {
                record.text = Some(long.clone());
                record.code = Some(long.clone());
                record.response_headers = told_headers(&headers);
                record.set_items(vec![(1, long.as_str()); 200].into_iter());
            });
        }
        let ring = log.ring.lock();
        let bytes: usize = ring.records.values().map(TrafficRecord::bytes).sum();
        assert_eq!(bytes, ring.bytes);
        assert!(bytes <= KEPT_BYTES, "{bytes}");
        let (_, newest) = ring.records.last_key_value().unwrap();
        assert!(newest.bytes() < 64 << 10, "{}", newest.bytes());
        assert!(ring.records.len() > 100);
    }

    #[test]
    fn a_flood_of_which_nothing_is_proved_leaves_what_crossed_between_peers() {
        let log = TrafficLog::new();
        let ours = log.add(record(Direction::Out, "/ours"));
        let theirs = log.add(record(Direction::In, "/theirs"));
        log.update(theirs, |record| record.verified = true);
        for _ in 0..2 * KEPT {
            log.add(record(Direction::In, "/flood"));
        }
        let kept = log.latest(None, usize::MAX);
        assert_eq!(kept.len(), KEPT_UNPROVED + 2);
        assert!([ours, theirs].iter().all(|id| kept.iter().any(|record| record.id == *id)));
    }
}
