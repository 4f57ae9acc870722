//! The traffic record of a running node: what goes on and the latest in memory, the rest in its file.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::filter::TrafficFilter;
use super::heartbeat::{Beat, Counted, Heartbeat, HeartbeatSpan, LONGEST, Tally};
use super::pulled::{FeedItem, Pulled};
use super::record::{Asker, TrafficRecord};
use crate::ambient::Ambient;
use crate::ground::changes::{Change, Changes};
use crate::store::{StoreFault, TrafficBounds, TrafficFile};

/// Requests that are in memory, and the octets of their texts.
const HELD: usize = 5000;
const HELD_BYTES: usize = 16 << 20;
/// A request of a stranger is in memory until so many others of strangers have followed: who floods us leaves what crossed between
/// peers to be read.
const HELD_OF_STRANGERS: usize = 1000;
/// So many requests of strangers are written at one time, the latest; of a flood the others are not worth the wear of the disk.
const WRITTEN_OF_STRANGERS: usize = 25;
/// Pulls in the file that are looked through for when one item was given and acknowledged: peers can ask for that, and one that never
/// acknowledges has all of its pulls to be read.
const LOOKED_AT: usize = 2000;
/// Requests that have left memory and wait to be written. More come only where the disk does not keep up.
const UNWRITTEN: usize = 10_000;
/// What has ended is written so long after the first of it: together, and with what is noted of it after its end.
const GATHER: Duration = Duration::from_millis(250);
/// Where nothing ends, it is written this often that the node runs: once in the shortest slot of a heartbeat.
const MARK: Duration = Duration::from_secs(40);

/// A file that cannot be opened is tried again this often.
const OPEN_EVERY: Duration = Duration::from_secs(5);

/// The latest requests.
pub struct TrafficLog {
    /// What is in memory.
    ring: Mutex<Ring>,
    /// Grows with everything that begins or ends.
    revision: watch::Sender<u64>,
    /// Where what has ended is written to; none where nothing is to be kept.
    keeping: Option<Keeping>,
    /// Something has ended that is not written yet.
    ended: Notify,
}

/// Tells whether a provider is one whose heartbeat is counted.
type IsCounted = Arc<dyn Fn(&Provider) -> bool + Send + Sync>;

struct Keeping {
    /// The folder of the file.
    dir: PathBuf,
    bounds: TrafficBounds,
    /// None as long as it cannot be opened, as while another program holds it.
    file: OnceLock<Arc<TrafficFile>>,
    /// Held by whoever opens it: when that was last tried.
    opening: tokio::sync::Mutex<Instant>,
    ambient: Arc<dyn Ambient>,
    /// Told where it begins or ends that nothing can be written.
    changes: Changes,
    is_counted: IsCounted,
}

#[derive(Default)]
struct Ring {
    records: BTreeMap<u64, Held>,
    /// The octets of all texts.
    octets: usize,
    /// Those that have ended, in that order: what still waits makes room last.
    ended: VecDeque<u64>,
    /// The latest that were of strangers when they began.
    of_strangers: VecDeque<u64>,
    /// Those in memory that have ended, or were changed after their end, and are not written yet.
    unwritten: BTreeSet<u64>,
    /// Those that are no longer in `records` and not written yet.
    left: Vec<Arc<TrafficRecord>>,
    /// The same of strangers: the latest of those that are written at one time.
    left_of_strangers: VecDeque<Arc<TrafficRecord>>,
    /// How many were not written at all.
    lost: u64,
    /// Why the latest could not be written, where they could not.
    fault: Option<NotKept>,
    /// The number of the latest.
    last: u64,
    /// Whom the file still has to forget, as it could not be opened.
    forgotten: BTreeSet<Provider>,
    /// Those up to this number are not written: the file has others of these numbers.
    taken: u64,
    revision: u64,
    /// Whether what has ended is written.
    keeps: bool,
    /// What is counted for the heartbeats and not written yet.
    tally: Tally,
    /// Until when it is told that the node has run.
    marked: Option<Timestamp>,
}

struct Held {
    record: Arc<TrafficRecord>,
    /// As what it is counted in the heartbeats.
    beat: Option<Beat>,
    /// When it last changed.
    revision: u64,
}

/// That requests cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotKept {
    /// Why the latest could not be.
    pub text: String,
    /// Since when none could.
    pub since: Timestamp,
}

/// What is kept of the requests that have ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// How many are in the file.
    pub requests: u64,
    /// When the oldest of them began.
    pub since: Option<Timestamp>,
    /// How many of this run could not be written.
    pub lost: u64,
    /// Why the latest could not be written, where they could not.
    pub fault: Option<String>,
}

impl Ring {
    fn add(&mut self, mut record: TrafficRecord) -> u64 {
        self.last += 1;
        self.revision += 1;
        record.id = self.last;
        if record.is_of_stranger() {
            self.of_strangers.push_back(self.last);
        }
        record.cut();
        self.octets += record.octets();
        let held = Held { record: Arc::new(record), beat: None, revision: self.revision };
        self.records.insert(self.last, held);
        self.make_room();
        self.last
    }

    /// Whether there is now something to be written.
    fn update(&mut self, id: u64, change: impl FnOnce(&mut TrafficRecord)) -> bool {
        let Some(held) = self.records.get_mut(&id) else { return false };
        self.revision += 1;
        self.octets -= held.record.octets();
        let record = Arc::make_mut(&mut held.record);
        let waited = record.waiting;
        change(record);
        record.cut();
        if waited && !record.waiting {
            self.ended.push_back(id);
        }
        self.octets += record.octets();
        held.revision = self.revision;
        let is_kept = self.keeps && !held.record.waiting;
        if is_kept {
            // What is noted of it after its end may be that it failed all the same.
            let beat = Beat::of(&held.record, held.record.at);
            if beat != held.beat {
                self.tally.replace(held.beat.as_ref(), beat.as_ref());
                held.beat = beat;
            }
        }
        let writes = is_kept && id > self.taken && self.unwritten.insert(id);
        self.make_room();
        writes
    }

    fn make_room(&mut self) {
        while self.of_strangers.len() > HELD_OF_STRANGERS
            && let Some(id) = self.of_strangers.pop_front()
        {
            if self.records.get(&id).is_some_and(|held| held.record.is_of_stranger()) {
                self.remove(id);
            }
        }
        if self.ended.len() > 2 * HELD {
            self.ended.retain(|id| self.records.contains_key(id));
        }
        while (self.records.len() > HELD || self.octets > HELD_BYTES)
            && let Some(oldest) = self.ended.pop_front().or_else(|| self.records.keys().next().copied())
        {
            self.remove(oldest);
        }
    }

    fn remove(&mut self, id: u64) {
        let Some(held) = self.records.remove(&id) else { return };
        self.octets -= held.record.octets();
        if self.unwritten.remove(&id) {
            if held.record.is_of_stranger() {
                self.left_of_strangers.push_back(held.record);
                if self.left_of_strangers.len() > WRITTEN_OF_STRANGERS {
                    self.left_of_strangers.pop_front();
                }
            } else if self.left.len() < UNWRITTEN {
                self.left.push(held.record);
            } else {
                self.lost += 1;
            }
        }
    }

    /// Forgets what crossed between us and `peer`, whether or not it has ended.
    fn forget(&mut self, peer: &Provider) {
        let is_of = |record: &TrafficRecord| record.peer.as_ref() == Some(peer);
        let of_peer = self.records.iter().filter(|(_, held)| is_of(&held.record)).map(|(id, _)| *id);
        for id in of_peer.collect::<Vec<_>>() {
            self.unwritten.remove(&id);
            self.remove(id);
        }
        self.left.retain(|record| !is_of(record));
        self.left_of_strangers.retain(|record| !is_of(record));
        self.tally.peers.remove(peer);
        self.revision += 1;
    }

    /// The file could be opened, and has requests up to the number `last`. Those of this life are behind them, unless the clock was far
    /// behind when their numbers were begun: then those that are there already are left out, and numbers go on behind the file's.
    fn go_on_after(&mut self, last: u64) {
        self.taken = last;
        self.last = self.last.max(last);
        let before = self.unwritten.len() + self.left.len();
        self.unwritten.retain(|id| *id > last);
        self.left.retain(|record| record.id > last);
        self.left_of_strangers.retain(|record| record.id > last);
        self.lost += (before - self.unwritten.len() - self.left.len()) as u64;
    }

    /// Everything that is to be written.
    fn take_unwritten(&mut self) -> Vec<Arc<TrafficRecord>> {
        let mut taken = std::mem::take(&mut self.left);
        taken.extend(std::mem::take(&mut self.left_of_strangers));
        let unwritten = std::mem::take(&mut self.unwritten);
        taken.extend(unwritten.iter().filter_map(|id| self.records.get(id)).map(|held| held.record.clone()));
        taken.sort_unstable_by_key(|record| record.id);
        let of_strangers = taken.iter().filter(|record| record.is_of_stranger()).count();
        let mut left_out = of_strangers.saturating_sub(WRITTEN_OF_STRANGERS);
        taken.retain(|record| {
            let is_left_out = left_out > 0 && record.is_of_stranger();
            left_out -= usize::from(is_left_out);
            !is_left_out
        });
        taken
    }

    /// Everything that is to be added to the heartbeats at `now`.
    fn take_counted(&mut self, now: Timestamp) -> Counted {
        // A longer time without a word was a sleep, or the clock was set: then nobody knows how long it has run.
        let goes_on = |marked: &Timestamp| *marked <= now && now.since(*marked) <= LONGEST;
        let since = self.marked.filter(goes_on).unwrap_or(now);
        self.marked = Some(now);
        Counted { tally: std::mem::take(&mut self.tally), ran: Some((since, now)) }
    }
}

impl TrafficLog {
    /// A record of which nothing outlives the process.
    pub(crate) fn in_memory() -> Self {
        Self::with(None, Ring::default())
    }

    /// A record that goes on where the file in the folder `dir` ends, and is written there by [`TrafficLog::keep`]. Where the file cannot
    /// be opened now, it is tried again, and what comes meanwhile is written then. Heartbeats are those of the peers of which
    /// `is_counted` says so when they are written: anybody can have us ask for a document under any name.
    pub(crate) fn kept_in(
        dir: PathBuf,
        bounds: TrafficBounds,
        ambient: Arc<dyn Ambient>,
        changes: Changes,
        is_counted: impl Fn(&Provider) -> bool + Send + Sync + 'static,
    ) -> Self {
        let (file, opening) = (OnceLock::new(), Instant::now().into());
        let mut ring = Ring { keeps: true, ..Ring::default() };
        match open(&dir, bounds) {
            Ok((opened, last)) => {
                ring.last = last;
                let _ = file.set(opened);
            }
            Err(fault) => {
                tracing::warn!(%fault, "the traffic record cannot be opened; requests go on, and it is tried again");
                let now = ambient.now();
                // Which numbers the file has is not known. There are never as many requests as milliseconds, so these are behind them.
                ring.last = now.as_millis();
                ring.fault = Some(NotKept { text: fault.to_string(), since: now });
            }
        }
        let is_counted = Arc::new(is_counted);
        let keeping = Keeping { dir, bounds, file, opening, ambient, changes, is_counted };
        Self::with(Some(keeping), ring)
    }

    fn with(keeping: Option<Keeping>, ring: Ring) -> Self {
        Self { ring: ring.into(), revision: watch::channel(0).0, keeping, ended: Notify::new() }
    }

    /// The file, where it is open.
    fn file(&self) -> Option<Arc<TrafficFile>> {
        self.keeping.as_ref().and_then(|keeping| keeping.file.get()).cloned()
    }

    /// The same; it is opened where it could not be before and was not tried just now.
    async fn open_file(&self, keeping: &Keeping) -> Option<Arc<TrafficFile>> {
        if let Some(file) = keeping.file.get() {
            return Some(file.clone());
        }
        // Whoever comes meanwhile finds what is in memory.
        let mut tried = keeping.opening.try_lock().ok()?;
        if tried.elapsed() < OPEN_EVERY {
            return keeping.file.get().cloned();
        }
        let (dir, bounds) = (keeping.dir.clone(), keeping.bounds);
        let opened = tokio::task::spawn_blocking(move || open(&dir, bounds)).await;
        *tried = Instant::now();
        match opened.unwrap_or(Err(StoreFault::Closed)) {
            Ok((file, last)) => {
                let forgotten = {
                    let mut ring = self.ring.lock();
                    ring.go_on_after(last);
                    let _ = keeping.file.set(file.clone());
                    std::mem::take(&mut ring.forgotten)
                };
                for peer in forgotten {
                    if let Err(fault) = forget_in(&file, peer).await {
                        tracing::warn!(%fault, "the traffic record could not be emptied of a peer that was forgotten");
                    }
                }
                tracing::info!("the traffic record could be opened, and is kept from now on");
                self.note_fault(keeping, None);
                Some(file)
            }
            Err(fault) => {
                self.note_fault(keeping, Some(fault.to_string()));
                None
            }
        }
    }

    /// Notes whether requests could be written, and why not.
    fn note_fault(&self, keeping: &Keeping, text: Option<String>) {
        let is_news = {
            let mut ring = self.ring.lock();
            let since = ring.fault.as_ref().map_or_else(|| keeping.ambient.now(), |before| before.since);
            let fault = text.map(|text| NotKept { text, since });
            let is_news = ring.fault.is_some() != fault.is_some();
            if is_news && let Some(fault) = &fault {
                tracing::warn!(
                    fault = %fault.text,
                    "the traffic record cannot be written; requests go on without it"
                );
            }
            ring.fault = fault;
            is_news
        };
        if is_news {
            keeping.changes.announce(Change::Settings);
        }
    }

    /// Keeps `record` as the newest, gives it its number, and returns that.
    pub(crate) fn add(&self, record: TrafficRecord) -> u64 {
        let mut ring = self.ring.lock();
        let id = ring.add(record);
        self.revision.send_replace(ring.revision);
        id
    }

    /// Changes the record `id`, where it is still in memory.
    pub(crate) fn update(&self, id: u64, change: impl FnOnce(&mut TrafficRecord)) {
        let mut ring = self.ring.lock();
        if ring.update(id, change) {
            self.ended.notify_one();
        }
        self.revision.send_replace(ring.revision);
    }

    /// Writes what has ended, until `stop`. What ends with it is written by [`TrafficLog::write`].
    pub(crate) async fn keep(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let mark = if self.file().is_some() { MARK } else { OPEN_EVERY };
            let pause = tokio::select! {
                () = self.ended.notified() => GATHER,
                () = tokio::time::sleep(mark) => Duration::ZERO,
                () = stop.cancelled() => return,
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
            self.write().await;
        }
    }

    /// Writes what has ended and is not written yet, with what it counts for, and that the node runs.
    pub(crate) async fn write(&self) {
        let Some(keeping) = &self.keeping else { return };
        let Some(file) = self.open_file(keeping).await else { return };
        let (records, mut counted) = {
            let mut ring = self.ring.lock();
            (ring.take_unwritten(), ring.take_counted(keeping.ambient.now()))
        };
        let (count, is_counted) = (records.len(), keeping.is_counted.clone());
        let written = tokio::task::spawn_blocking(move || {
            counted.tally.peers.retain(|peer, _| is_counted(peer));
            file.write(&records, &counted)
        })
        .await;
        let fault = match written {
            Ok(Ok(())) => None,
            Ok(Err(fault)) => Some(fault.to_string()),
            Err(fault) => Some(fault.to_string()),
        };
        if fault.is_some() {
            self.ring.lock().lost += count as u64;
        }
        self.note_fault(keeping, fault);
    }

    /// Forgets what crossed between us and `peer`, and how it went: in a file that cannot be opened, once it can be.
    ///
    /// # Errors
    ///
    /// The file cannot be written. What is in memory is forgotten all the same.
    pub(crate) async fn forget(&self, peer: &Provider) -> Result<(), StoreFault> {
        {
            let mut ring = self.ring.lock();
            ring.forget(peer);
            self.revision.send_replace(ring.revision);
            if self.keeping.is_some() && self.file().is_none() {
                ring.forgotten.insert(peer.clone());
            }
        }
        match self.file() {
            Some(file) => forget_in(&file, peer.clone()).await,
            None => Ok(()),
        }
    }

    /// The latest `limit` requests of those that `filter` lets pass and that came before the number `before`, the newest first:
    /// of what is in memory and of what is kept.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub async fn select(
        &self,
        filter: TrafficFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Arc<TrafficRecord>>, StoreFault> {
        let mut found = self.in_memory_of(&filter, before, limit);
        if let Some(file) = self.file() {
            let kept = tokio::task::spawn_blocking(move || file.select(&filter, before, limit));
            for record in kept.await.map_err(|_| StoreFault::Closed)?? {
                found.entry(record.id).or_insert_with(|| Arc::new(record));
            }
        }
        Ok(found.into_values().rev().take(limit).collect())
    }

    /// When a peer was given an item of its feed, and when it said that it has stored it, as far as the record reaches.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub(crate) async fn pulled(&self, item: FeedItem) -> Result<Pulled, StoreFault> {
        let filter = item.filter();
        let latest = self.in_memory_of(&filter, None, usize::MAX);
        let file = self.file();
        let look = move || {
            let mut pulled = Pulled::default();
            let (mut until, mut looked_at) = (None, 0);
            if let Some(file) = file {
                file.visit(&filter, |record| {
                    (until, looked_at) = (Some(record.id), looked_at + 1);
                    pulled.take(&item, &record) || looked_at == LOOKED_AT
                })?;
            }
            for record in latest.values().filter(|record| Some(record.id) > until) {
                if pulled.take(&item, record) {
                    break;
                }
            }
            Ok(pulled)
        };
        tokio::task::spawn_blocking(look).await.map_err(|_| StoreFault::Closed)?
    }

    /// The same of what is not in the file yet, and of the latest that is.
    fn in_memory_of(
        &self,
        filter: &TrafficFilter,
        before: Option<u64>,
        limit: usize,
    ) -> BTreeMap<u64, Arc<TrafficRecord>> {
        let ring = self.ring.lock();
        let held = ring.records.range(..before.unwrap_or(u64::MAX)).rev().map(|(_, held)| &held.record);
        let left = ring.left.iter().chain(&ring.left_of_strangers);
        let left = left.filter(|record| before.is_none_or(|before| record.id < before));
        let wanted = held.filter(|record| filter.lets_pass(record)).take(limit);
        wanted
            .chain(left.filter(|record| filter.lets_pass(record)))
            .map(|record| (record.id, record.clone()))
            .collect()
    }

    /// What began or ended after `revision`, the oldest first and the latest `limit` of it, with the revision to ask for next.
    pub fn since(&self, revision: u64, limit: usize) -> (Vec<Arc<TrafficRecord>>, u64) {
        let ring = self.ring.lock();
        let fresh = ring.records.values().rev().filter(|held| held.revision > revision);
        let mut fresh: Vec<_> = fresh.take(limit).map(|held| held.record.clone()).collect();
        fresh.reverse();
        (fresh, ring.revision)
    }

    /// Grows with everything that begins or ends.
    pub fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// What is kept of the requests that have ended; none where nothing is to be kept.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub async fn kept(&self) -> Result<Option<Kept>, StoreFault> {
        let (lost, fault) = {
            let ring = self.ring.lock();
            (ring.lost, ring.fault.as_ref().map(|fault| fault.text.clone()))
        };
        let Some(file) = self.file() else {
            return Ok(self.keeping.as_ref().map(|_| Kept { lost, fault, ..Kept::default() }));
        };
        let (requests, since) =
            tokio::task::spawn_blocking(move || file.extent()).await.map_err(|_| StoreFault::Closed)??;
        Ok(Some(Kept { requests, since, lost, fault }))
    }

    /// How it went with `peer`, up to now; none where nothing is kept, or cannot be.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub async fn heartbeat(
        &self,
        peer: &Provider,
        span: HeartbeatSpan,
    ) -> Result<Option<Heartbeat>, StoreFault> {
        let Some(Keeping { ambient, is_counted, .. }) = &self.keeping else { return Ok(None) };
        // What has ended is counted in the file alone.
        self.write().await;
        let Some(file) = self.file() else { return Ok(None) };
        let now = ambient.now();
        let (first, provider) = (span.first_at(now), peer.clone());
        let read = tokio::task::spawn_blocking(move || file.heartbeat(&provider, span, first));
        let mut heartbeat = read.await.map_err(|_| StoreFault::Closed)??;
        // Also where that cannot be written.
        heartbeat.mark_as_run(span.slot_of(now).saturating_sub(first));
        if !is_counted(peer) {
            return Ok(Some(heartbeat));
        }
        let ring = self.ring.lock();
        let waiting = ring.records.values().filter(|held| held.record.waiting);
        for beat in waiting.filter_map(|held| Beat::of(&held.record, now)).filter(|beat| beat.is_of(peer)) {
            heartbeat.add(span, first, &beat);
        }
        Ok(Some(heartbeat))
    }

    /// Why the latest could not be written, where they could not.
    pub fn fault(&self) -> Option<NotKept> {
        self.ring.lock().fault.clone()
    }

    /// How many pulls, ours and theirs, were answered since `then`; none of the Doctor's.
    pub fn pulls_since(&self, then: Timestamp) -> usize {
        let ring = self.ring.lock();
        let records = ring.records.values().rev().map(|held| &held.record);
        let is_pull = |record: &&Arc<TrafficRecord>| {
            record.target.starts_with("/feed") && !record.waiting && record.asker == Asker::Node
        };
        let recent = records.filter(is_pull);
        recent.filter(|record| record.at.plus(record.duration.unwrap_or_default()) >= then).count()
    }
}

/// Opens the file in the folder `dir`, with the number of the latest request in it.
fn open(dir: &Path, bounds: TrafficBounds) -> Result<(Arc<TrafficFile>, u64), StoreFault> {
    let file = TrafficFile::open(dir, bounds)?;
    let last = file.last()?;
    Ok((Arc::new(file), last))
}

async fn forget_in(file: &Arc<TrafficFile>, peer: Provider) -> Result<(), StoreFault> {
    let file = file.clone();
    tokio::task::spawn_blocking(move || file.forget(&peer)).await.map_err(|_| StoreFault::Closed)?
}

#[cfg(test)]
mod tests {
    use super::super::record::{Direction, TrafficEvent, TrafficItem, TrafficItems, told_headers};
    use super::*;
    use crate::ambient::System;
    use crate::store::TrafficBounds;

    fn record(direction: Direction, target: &str) -> TrafficRecord {
        let mut record = TrafficRecord::begin(Timestamp::from_millis(1), direction, "GET", target);
        record.let_in = direction == Direction::Out;
        record
    }

    /// An item of a page that tells of an event of `group`.
    fn event(group: &str) -> TrafficItem {
        TrafficItem::new(7, "event", Some(TrafficEvent { group: group.parse().unwrap(), seq: 3 }))
    }

    fn held(log: &TrafficLog) -> Vec<Arc<TrafficRecord>> {
        log.in_memory_of(&TrafficFilter::default(), None, usize::MAX).into_values().collect()
    }

    fn end(log: &TrafficLog, id: u64) {
        log.update(id, |record| (record.waiting, record.status) = (false, Some(200)));
    }

    #[test]
    fn it_is_bounded_and_finds_what_is_still_held() {
        let log = TrafficLog::in_memory();
        let first = log.add(record(Direction::Out, "/first"));
        for _ in 0..HELD {
            log.add(record(Direction::Out, "/feed"));
        }
        log.update(first, |record| record.status = Some(200));
        assert_eq!(held(&log).len(), HELD);
        let (_, revision) = log.since(0, 1);
        log.update(first + 1, |record| record.status = Some(204));
        let (fresh, _) = log.since(revision, 10);
        assert_eq!(fresh.len(), 1);
        assert_eq!(fresh[0].status, Some(204));
    }

    #[test]
    fn what_others_write_into_it_is_cut_to_what_a_person_reads() {
        let log = TrafficLog::in_memory();
        let long = "é".repeat(2_000);
        let group = format!("mimi://{}example/g/{}", "a.".repeat(120), "n".repeat(64));
        let items = [TrafficItem::new(1, &long, None), event(&group)];
        let items: Vec<_> = items.into_iter().cycle().take(200).collect();
        let mut headers = http::HeaderMap::new();
        for _ in 0..20 {
            headers.append("signature", long.parse().unwrap());
        }
        for _ in 0..HELD / 5 {
            let mut record = record(Direction::Out, &long);
            record.request_headers = told_headers(&headers);
            let id = log.add(record);
            log.update(id, |record| {
                record.text = Some(long.clone());
                record.code = Some(long.clone());
                record.response_headers = told_headers(&headers);
                record.set_items(TrafficItems::of(items.clone().into_iter()));
            });
        }
        let ring = log.ring.lock();
        let octets: usize = ring.records.values().map(|held| held.record.octets()).sum();
        assert_eq!(octets, ring.octets);
        assert!(octets <= HELD_BYTES, "{octets}");
        let (_, newest) = ring.records.last_key_value().unwrap();
        assert!(newest.record.octets() < 64 << 10, "{}", newest.record.octets());
        assert!(ring.records.len() > 100);
    }

    #[test]
    fn a_flood_of_which_nothing_is_proved_leaves_what_crossed_between_peers() {
        let log = TrafficLog::in_memory();
        let ours = log.add(record(Direction::Out, "/ours"));
        let theirs = log.add(record(Direction::In, "/theirs"));
        log.update(theirs, |record| (record.verified, record.let_in) = (true, true));
        for n in 0..3 * HELD {
            // Unproved, proved to be of somebody who was not let in, and what we ask since somebody has named it.
            let mut flood = record(if n % 3 == 2 { Direction::Out } else { Direction::In }, "/flood");
            (flood.verified, flood.let_in) = (n % 3 == 1, false);
            let id = log.add(flood);
            end(&log, id);
        }
        let held = held(&log);
        assert_eq!(held.len(), HELD_OF_STRANGERS + 2);
        assert!(log.ring.lock().ended.len() <= 2 * HELD + 1, "what has gone is not remembered");
        assert!([ours, theirs].iter().all(|id| held.iter().any(|record| record.id == *id)));
    }

    fn kept(dir: &std::path::Path) -> TrafficLog {
        let bounds = TrafficBounds { rows: 20_000, octets: 64 << 20 };
        TrafficLog::kept_in(dir.to_owned(), bounds, Arc::new(System), Changes::new(), |_| true)
    }

    #[tokio::test]
    async fn what_has_ended_is_found_after_a_restart_and_what_left_memory_too() {
        let dir = tempfile::tempdir().unwrap();
        let log = kept(dir.path());
        let waiting = log.add(record(Direction::Out, "/waits"));
        let many = HELD + 1000;
        for n in 0..many {
            let id = log.add(record(Direction::Out, &format!("/feed?after={n}")));
            end(&log, id);
        }
        assert_eq!(log.select(TrafficFilter::default(), None, usize::MAX).await.unwrap().len(), many + 1);
        log.write().await;
        let all = log.select(TrafficFilter::default(), None, usize::MAX).await.unwrap();
        assert_eq!((all.len(), all[many].id), (many + 1, waiting), "what waits does not make room");
        assert!(all.windows(2).all(|pair| pair[0].id > pair[1].id));
        // What is noted after the end is written again.
        log.update(all[0].id, |record| {
            record.set_items(TrafficItems::of([event("mimi://home.example/g/tea")].into_iter()))
        });
        log.write().await;
        let page = log.select(TrafficFilter::default(), Some(all[9].id), 5).await.unwrap();
        assert_eq!(
            page.iter().map(|record| record.id).collect::<Vec<_>>(),
            (10..15).map(|n| all[n].id).collect::<Vec<_>>()
        );
        drop(log);

        let log = kept(dir.path());
        let found = log.select(TrafficFilter::default(), None, usize::MAX).await.unwrap();
        assert_eq!(found.len(), many);
        assert_eq!(found[0].items, [event("mimi://home.example/g/tea")]);
        assert!(found.iter().all(|record| record.id != waiting));
        assert!(log.add(record(Direction::In, "/feed")) > found[0].id, "numbers go on");
        assert_eq!(log.kept().await.unwrap().unwrap().requests, many as u64);
    }

    /// A clock that stands where it was put.
    struct Stopped(Mutex<Timestamp>);

    impl Ambient for Stopped {
        fn now(&self) -> Timestamp {
            *self.0.lock()
        }

        fn fill(&self, _: &mut [u8]) {}
    }

    /// Requests with `a.example`, whose heartbeat is counted, by a clock that stands.
    fn counting(dir: &std::path::Path, clock: &Arc<Stopped>) -> TrafficLog {
        let bounds = TrafficBounds { rows: 100, octets: 1 << 20 };
        let is_counted = |peer: &Provider| peer.as_str() == "a.example";
        TrafficLog::kept_in(dir.to_owned(), bounds, clock.clone(), Changes::new(), is_counted)
    }

    fn begin(log: &TrafficLog, clock: &Stopped, peer: &str, target: &str) -> u64 {
        let mut record = TrafficRecord::begin(clock.now(), Direction::Out, "GET", target);
        (record.peer, record.let_in) = (Some(peer.parse().unwrap()), true);
        log.add(record)
    }

    async fn latest(log: &TrafficLog, peer: &str) -> (u64, u64) {
        let heartbeat = log.heartbeat(&peer.parse().unwrap(), HeartbeatSpan::Hour).await.unwrap().unwrap();
        let slot = heartbeat.ours.last().unwrap();
        (slot.good, slot.failed)
    }

    #[tokio::test]
    async fn a_heartbeat_is_there_after_a_restart_though_the_requests_have_made_room() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(Stopped(Timestamp::from_secs(1_800_000_000).into()));
        let log = counting(dir.path(), &clock);
        for _ in 0..300 {
            let id = begin(&log, &clock, "a.example", "/ping");
            end(&log, id);
        }
        assert_eq!(latest(&log, "a.example").await, (300, 0));
        // What was thought to be well is not, once its page was looked at.
        let id = begin(&log, &clock, "a.example", "/feed?after=0");
        end(&log, id);
        assert_eq!(latest(&log, "a.example").await, (301, 0));
        log.update(id, |record| record.stage = Some(crate::peer_fault::Stage::Content));
        assert_eq!(latest(&log, "a.example").await, (300, 1));
        // Anybody can have us ask under a name.
        let id = begin(&log, &clock, "b.example", "/ping");
        end(&log, id);
        assert_eq!(latest(&log, "b.example").await, (0, 0));
        drop(log);

        let log = counting(dir.path(), &clock);
        assert_eq!(latest(&log, "a.example").await, (300, 1));
        assert_eq!(log.kept().await.unwrap().unwrap().requests, 100);
    }

    #[tokio::test]
    async fn a_pull_that_waits_is_shown_as_well_and_a_time_without_the_node_as_such() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(Stopped(Timestamp::from_secs(1_800_000_000).into()));
        let log = counting(dir.path(), &clock);
        log.write().await;
        begin(&log, &clock, "a.example", "/feed?after=0&wait=55");
        begin(&log, &clock, "b.example", "/feed?after=0&wait=55");
        let turn = |secs| {
            let mut now = clock.0.lock();
            *now = now.plus(Duration::from_secs(secs));
        };
        let states = async |log: &TrafficLog, of: std::ops::Range<usize>| {
            let peer = "a.example".parse().unwrap();
            let heartbeat = log.heartbeat(&peer, HeartbeatSpan::Hour).await.unwrap().unwrap();
            heartbeat.ours[of].iter().map(|slot| slot.state().as_str()).collect::<Vec<_>>()
        };
        turn(40);
        assert_eq!(states(&log, 87..90).await, ["off", "good", "good"]);
        assert_eq!(latest(&log, "b.example").await, (0, 0), "it is not counted");
        // It ends with the node, which does not run for two minutes.
        drop(log);
        turn(120);
        let log = counting(dir.path(), &clock);
        assert_eq!(states(&log, 84..90).await, ["off", "quiet", "quiet", "off", "off", "quiet"]);
        // A clock that is set ahead is no time in which it ran, and one that is set back breaks nothing.
        turn(600);
        assert_eq!(states(&log, 74..76).await, ["quiet", "off"]);
        assert_eq!(states(&log, 88..90).await, ["off", "quiet"]);
        *clock.0.lock() = Timestamp::from_secs(5);
        assert_eq!(states(&log, 0..2).await, ["quiet", "off"]);
    }

    #[test]
    fn pulls_of_the_doctor_are_not_counted() {
        let log = TrafficLog::in_memory();
        let counted = [Asker::Node, Asker::Doctor].map(|asker| {
            let id = log.add(TrafficRecord { asker, ..record(Direction::Out, "/feed?after=0") });
            end(&log, id);
            log.pulls_since(Timestamp::from_secs(0))
        });
        assert_eq!(counted, [1, 1]);
    }

    #[tokio::test]
    async fn of_a_flood_of_strangers_the_latest_are_written() {
        let dir = tempfile::tempdir().unwrap();
        let log = kept(dir.path());
        let ours = log.add(record(Direction::Out, "/ours"));
        end(&log, ours);
        let mut last = 0;
        for _ in 0..500 {
            last = log.add(record(Direction::In, "/flood"));
            end(&log, last);
        }
        log.write().await;
        assert_eq!(log.kept().await.unwrap().unwrap().requests, WRITTEN_OF_STRANGERS as u64 + 1);
        drop(log);
        let found = kept(dir.path()).select(TrafficFilter::default(), None, usize::MAX).await.unwrap();
        assert_eq!(found.first().map(|record| record.id), Some(last));
        assert_eq!(found.last().map(|record| record.id), Some(ours));
    }

    /// Holds the file as another program does that has it for itself.
    fn hold(dir: &Path) -> rusqlite::Connection {
        let other = rusqlite::Connection::open(dir.join(crate::store::TRAFFIC_FILE)).unwrap();
        let hold =
            "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM traffic WHERE id < 0; COMMIT";
        other.execute_batch(hold).unwrap();
        other
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_locked_at_the_start_is_written_once_it_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let log = kept(dir.path());
        let before = log.add(record(Direction::Out, "/before"));
        end(&log, before);
        log.write().await;
        drop(log);

        let other = hold(dir.path());
        let log = kept(dir.path());
        let mut changes = log.keeping.as_ref().unwrap().changes.listen();
        let meanwhile = log.add(record(Direction::Out, "/meanwhile"));
        end(&log, meanwhile);
        log.write().await;
        assert!(log.fault().unwrap().text.contains("locked"), "{:?}", log.fault());
        let said = log.kept().await.unwrap().unwrap();
        assert_eq!((said.requests, said.lost, said.fault), (0, 0, log.fault().map(|fault| fault.text)));
        assert_eq!(log.select(TrafficFilter::default(), None, 10).await.unwrap().len(), 1, "it is in memory");

        drop(other);
        tokio::time::advance(OPEN_EVERY).await;
        log.write().await;
        assert_eq!((log.fault(), changes.try_recv()), (None, Ok(Change::Settings)));
        assert_eq!(log.kept().await.unwrap().unwrap().requests, 2);
        drop(log);
        let found = kept(dir.path()).select(TrafficFilter::default(), None, 10).await.unwrap();
        assert_eq!(found.iter().map(|record| record.id).collect::<Vec<_>>(), [meanwhile, before]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_forgotten_while_the_file_is_locked_is_forgotten_in_it_later() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(Stopped(Timestamp::from_secs(1_800_000_000).into()));
        let log = counting(dir.path(), &clock);
        for peer in ["a.example", "b.example"] {
            let id = begin(&log, &clock, peer, "/ping");
            end(&log, id);
        }
        log.write().await;
        drop(log);
        let other = hold(dir.path());
        let log = counting(dir.path(), &clock);
        log.forget(&"a.example".parse().unwrap()).await.unwrap();
        drop(other);
        tokio::time::advance(OPEN_EVERY).await;
        log.write().await;
        let left = log.select(TrafficFilter::default(), None, 10).await.unwrap();
        let left: Vec<_> =
            left.iter().filter_map(|record| record.peer.as_ref()).map(Provider::as_str).collect();
        assert_eq!(left, ["b.example"]);
    }

    #[tokio::test(start_paused = true)]
    async fn numbers_of_a_clock_that_is_behind_take_the_place_of_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(Stopped(Timestamp::from_secs(0).into()));
        let log = counting(dir.path(), &clock);
        for _ in 0..3 {
            let id = begin(&log, &clock, "a.example", "/ping");
            end(&log, id);
        }
        log.write().await;
        drop(log);
        let other = hold(dir.path());
        let log = counting(dir.path(), &clock);
        let id = begin(&log, &clock, "a.example", "/meanwhile");
        end(&log, id);
        drop(other);
        tokio::time::advance(OPEN_EVERY).await;
        log.write().await;
        // What is noted of it later is not written either.
        end(&log, id);
        let next = begin(&log, &clock, "a.example", "/next");
        end(&log, next);
        log.write().await;
        let said = log.kept().await.unwrap().unwrap();
        assert_eq!((id, next, said.requests, said.lost), (1, 4, 4, 1));
        drop(log);
        let found = counting(dir.path(), &clock).select(TrafficFilter::default(), None, 10).await.unwrap();
        let targets: Vec<_> = found.iter().map(|record| record.target.as_str()).collect();
        assert_eq!(targets, ["/next", "/ping", "/ping", "/ping"]);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_holds_nothing_up_and_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let log = kept(dir.path());
        log.file().unwrap().refuse_writes();
        let id = log.add(record(Direction::Out, "/feed"));
        end(&log, id);
        log.write().await;
        let kept = log.kept().await.unwrap().unwrap();
        assert_eq!((kept.requests, kept.lost), (0, 1));
        assert!(kept.fault.is_some());
        assert_eq!(log.select(TrafficFilter::default(), None, 10).await.unwrap().len(), 1, "it is in memory");
    }
}
