//! The file of the traffic record: requests that have ended, in a file of their own beside the store, since they change with every
//! request, are bounded, and may be lost.
//!
//! How it went with each peer is counted in the same file (`heartbeats.rs`), in the same transactions.
//!
//! It is not synchronised with each write: what a power failure takes are the latest requests. A file of the form before gets the
//! tables that it lacks; one that is damaged, or of any other form, is begun anew.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, params_from_iter, types::Value};

use super::StoreFault;
use super::heartbeats;
use crate::traffic::{Counted, Heartbeat, HeartbeatSpan, TrafficFilter, TrafficRecord};

/// The file in the data folder.
pub(crate) const TRAFFIC_FILE: &str = "traffic.sqlite";
/// The form of its rows; a file of another is begun anew.
const VERSION: i32 = 2;
/// The form in which no heartbeats were counted.
const WITHOUT_HEARTBEATS: i32 = 1;
/// What a row takes besides the text of its record: its other columns, its places in the indexes, and what pages leave free.
const ROW_OCTETS: u64 = 220;
/// A start waits no longer than this where another program holds the file: it is opened later. A write waits for longer, since what it
/// holds is lost otherwise.
const OPEN_WAIT: Duration = Duration::from_secs(1);
const WRITE_WAIT: Duration = Duration::from_secs(5);
/// Octets of a page of a new file.
const PAGE_OCTETS: u64 = 16 << 10;
/// Octets of the log before the file, from which on it is moved into the file.
const WAL_OCTETS: u64 = 8 << 20;
/// Octets of the disk that are left to the store, which has to keep what must not be lost.
const LEFT_TO_STORE: u64 = 32 << 20;
/// Requests of strangers, and ours that they may have caused, have a share of their own, this part of the whole, so that who floods us
/// pushes out nobody else's.
const STRANGERS_SHARE: u64 = 10;

const SCHEMA: &str = "
    CREATE TABLE traffic (
        id INTEGER PRIMARY KEY, -- grows with each request
        at INTEGER NOT NULL, -- ms
        peer TEXT,
        direction TEXT NOT NULL,
        kind TEXT NOT NULL,
        failed INTEGER NOT NULL,
        unproved INTEGER NOT NULL,
        octets INTEGER NOT NULL, -- of the row
        record TEXT NOT NULL -- JSON
    ) STRICT;
    CREATE INDEX of_peer ON traffic (peer, id);
    CREATE INDEX of_failures ON traffic (id) WHERE failed;
    CREATE INDEX of_the_unproved ON traffic (id) WHERE unproved;";

/// How much of it is kept at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrafficBounds {
    /// Requests.
    pub(crate) rows: u64,
    /// Octets, of which the file has a few more.
    pub(crate) octets: u64,
}

/// The file of the traffic record.
pub(crate) struct TrafficFile {
    path: PathBuf,
    bounds: TrafficBounds,
    writer: Mutex<Writer>,
    reader: Mutex<Connection>,
}

struct Writer {
    connection: Connection,
    /// What is in the file; none until it is counted.
    extent: Option<Extent>,
}

/// Rows and octets, of all requests and of those of which nothing is proved.
#[derive(Clone, Copy)]
struct Extent {
    all: (u64, u64),
    unproved: (u64, u64),
    /// The number of the latest; 0 where there is none.
    last: u64,
}

impl TrafficFile {
    /// The file in the folder `dir`; a new one where there is none that can be used.
    ///
    /// # Errors
    ///
    /// No file can be made there.
    pub(crate) fn open(dir: &Path, bounds: TrafficBounds) -> Result<Self, StoreFault> {
        let path = dir.join(TRAFFIC_FILE);
        let (writer, reader) = open(&path).or_else(|fault| {
            if !is_unusable(&fault) {
                return Err(fault);
            }
            tracing::warn!(%fault, path = %path.display(), "the traffic record cannot be read and is begun anew");
            remove(&path);
            open(&path)
        })?;
        let writer = Writer { connection: writer, extent: None }.into();
        Ok(Self { path, bounds, writer, reader: reader.into() })
    }

    /// The number of the latest request; 0 where there is none.
    pub(crate) fn last(&self) -> Result<u64, StoreFault> {
        last(&self.reader.lock())
    }

    /// Writes `records`, those that are there already anew, adds what was `counted`, and forgets the oldest that there is no room
    /// for.
    pub(crate) fn write(&self, records: &[Arc<TrafficRecord>], counted: &Counted) -> Result<(), StoreFault> {
        let mut writer = self.writer.lock();
        // Where it cannot be told, the writing itself shows.
        if fs4::available_space(&self.path).is_ok_and(|free| free < LEFT_TO_STORE) {
            return Err(StoreFault::NoRoom);
        }
        let written = write(&mut writer, self.bounds, records, counted);
        if written.as_ref().is_err_and(is_unusable) {
            self.begin_anew(&mut writer)?;
        }
        written
    }

    /// Forgets the requests between us and `peer`, and how it went with it.
    pub(crate) fn forget(&self, peer: &Provider) -> Result<(), StoreFault> {
        let mut writer = self.writer.lock();
        // It is counted anew with the next write.
        writer.extent = None;
        let tx = writer.connection.transaction()?;
        tx.execute("DELETE FROM traffic WHERE peer = ?1", [peer.as_str()])?;
        heartbeats::forget(&tx, peer)?;
        Ok(tx.commit()?)
    }

    /// Leaves a damaged file behind. What was in it is lost.
    fn begin_anew(&self, writer: &mut Writer) -> Result<(), StoreFault> {
        tracing::warn!(path = %self.path.display(), "the traffic record is damaged and is begun anew");
        let mut reader = self.reader.lock();
        remove(&self.path);
        let (fresh_writer, fresh_reader) = open(&self.path)?;
        *writer = Writer { connection: fresh_writer, extent: None };
        *reader = fresh_reader;
        Ok(())
    }

    /// The latest `limit` requests of those that `filter` lets pass, before the number `before`, the newest first.
    pub(crate) fn select(
        &self,
        filter: &TrafficFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<TrafficRecord>, StoreFault> {
        let mut found = Vec::new();
        if limit > 0 {
            self.read(filter, before, "DESC", |record| {
                found.push(record);
                found.len() == limit
            })?;
        }
        Ok(found)
    }

    /// Shows each request that `filter` lets pass to `look`, the oldest first, until it says that it has seen enough.
    pub(crate) fn visit(
        &self,
        filter: &TrafficFilter,
        look: impl FnMut(TrafficRecord) -> bool,
    ) -> Result<(), StoreFault> {
        self.read(filter, None, "ASC", look)
    }

    fn read(
        &self,
        filter: &TrafficFilter,
        before: Option<u64>,
        order: &str,
        look: impl FnMut(TrafficRecord) -> bool,
    ) -> Result<(), StoreFault> {
        self.unless_damaged(|reader| read(reader, filter, before, order, look))
    }

    /// What `read` reads; nothing of a file that is found to be damaged then, which is begun anew.
    fn unless_damaged<T: Default>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreFault>,
    ) -> Result<T, StoreFault> {
        let found = read(&self.reader.lock());
        if found.as_ref().is_err_and(is_unusable) {
            self.begin_anew(&mut self.writer.lock())?;
            return Ok(T::default());
        }
        found
    }

    /// What is counted of `peer`, from the slot of the number `first` on.
    pub(crate) fn heartbeat(
        &self,
        peer: &Provider,
        span: HeartbeatSpan,
        first: u64,
    ) -> Result<Heartbeat, StoreFault> {
        heartbeats::of(&self.reader.lock(), peer, span, first)
    }

    /// How many requests there are, and when the oldest began.
    pub(crate) fn extent(&self) -> Result<(u64, Option<Timestamp>), StoreFault> {
        self.unless_damaged(|reader| {
            let rows = reader.query_row("SELECT count(*) FROM traffic", [], |row| row.get::<_, i64>(0))?;
            let oldest = reader
                .query_row("SELECT at FROM traffic ORDER BY id LIMIT 1", [], |row| row.get::<_, i64>(0))
                .optional()?;
            let time = |at: i64| Timestamp::from_millis(at.try_into().unwrap_or_default());
            Ok((rows.try_into().unwrap_or_default(), oldest.map(time)))
        })
    }

    /// Makes every write fail, as a full disk does.
    #[cfg(test)]
    pub(crate) fn refuse_writes(&self) {
        self.writer.lock().connection.pragma_update(None, "query_only", true).unwrap();
    }
}

/// The number of the latest request; 0 where there is none.
fn last(connection: &Connection) -> Result<u64, StoreFault> {
    let last = connection.query_row("SELECT max(id) FROM traffic", [], |row| row.get::<_, Option<i64>>(0))?;
    Ok(last.unwrap_or_default().try_into().unwrap_or_default())
}

/// Shows each request that `filter` lets pass, from before the number `before`, to `look`, until that has seen enough.
fn read(
    reader: &Connection,
    filter: &TrafficFilter,
    before: Option<u64>,
    order: &str,
    mut look: impl FnMut(TrafficRecord) -> bool,
) -> Result<(), StoreFault> {
    let (wanted, values) = condition(filter, before);
    let sql = format!("SELECT record FROM traffic WHERE {wanted} ORDER BY id {order}");
    let mut statement = reader.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        // What another version has written is left out.
        let Ok(record) = serde_json::from_str::<TrafficRecord>(row.get_ref(0)?.as_str().unwrap_or_default())
        else {
            continue;
        };
        if filter.lets_pass(&record) && look(record) {
            break;
        }
    }
    Ok(())
}

/// Whether the file itself is what is wrong, and not the machine.
fn is_unusable(fault: &StoreFault) -> bool {
    match fault {
        StoreFault::Sql(fault) => matches!(
            fault.sqlite_error_code(),
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
        ),
        StoreFault::Unreadable { .. } => true,
        _ => false,
    }
}

fn open(path: &Path) -> Result<(Connection, Connection), StoreFault> {
    let mut writer = Connection::open(path)?;
    writer.busy_timeout(OPEN_WAIT)?;
    // Requests are added at the end alone: fewer and larger pages are fewer writes. It counts for a new file only.
    writer.pragma_update(None, "page_size", PAGE_OCTETS)?;
    writer.pragma_update(None, "journal_mode", "WAL")?;
    writer.pragma_update(None, "synchronous", "NORMAL")?;
    // What a burst has made of its log is given back, but not what each second of steady traffic needs again.
    writer.pragma_update(None, "wal_autocheckpoint", WAL_OCTETS / PAGE_OCTETS)?;
    writer.pragma_update(None, "journal_size_limit", WAL_OCTETS)?;
    let version: i32 = writer.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = writer.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    match (version, tables) {
        (VERSION, _) => {}
        (0, 0) => make(&mut writer, &[SCHEMA, heartbeats::SCHEMA])?,
        (WITHOUT_HEARTBEATS, _) => make(&mut writer, &[heartbeats::SCHEMA])?,
        _ => {
            let value = version.to_string();
            return Err(StoreFault::Unreadable { what: "a traffic record of the form", value });
        }
    }
    writer.busy_timeout(WRITE_WAIT)?;
    let reader = super::open::open_for_reading(path)?;
    Ok((writer, reader))
}

/// Makes the tables of `schemas`, with which the file is of this form.
fn make(writer: &mut Connection, schemas: &[&str]) -> Result<(), StoreFault> {
    let tx = writer.transaction()?;
    for schema in schemas {
        tx.execute_batch(schema)?;
    }
    tx.pragma_update(None, "user_version", VERSION)?;
    Ok(tx.commit()?)
}

fn remove(path: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        if let Err(fault) = std::fs::remove_file(&name)
            && fault.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%fault, path = %path.display(), "a part of the traffic record cannot be removed");
        }
    }
}

fn write(
    writer: &mut Writer,
    bounds: TrafficBounds,
    records: &[Arc<TrafficRecord>],
    counted: &Counted,
) -> Result<(), StoreFault> {
    let known = writer.extent.take();
    let tx = writer.connection.transaction()?;
    let mut extent = match known {
        Some(extent) => extent,
        None => Extent::of(&tx)?,
    };
    put(&tx, records, &mut extent)?;
    let share =
        TrafficBounds { rows: bounds.rows / STRANGERS_SHARE, octets: bounds.octets / STRANGERS_SHARE };
    if over(extent.unproved, share) > (0, 0) {
        let oldest = "SELECT id, octets FROM traffic WHERE unproved ORDER BY id";
        let remove = "DELETE FROM traffic WHERE unproved AND id <= ?1 RETURNING octets, unproved";
        forget_oldest(&tx, oldest, remove, over(extent.unproved, share), &mut extent)?;
    }
    if over(extent.all, bounds) > (0, 0) {
        let oldest = "SELECT id, octets FROM traffic ORDER BY id";
        let remove = "DELETE FROM traffic WHERE id <= ?1 RETURNING octets, unproved";
        forget_oldest(&tx, oldest, remove, over(extent.all, bounds), &mut extent)?;
    }
    heartbeats::add(&tx, counted)?;
    tx.commit()?;
    writer.extent = Some(extent);
    Ok(())
}

impl Extent {
    fn of(connection: &Connection) -> Result<Self, StoreFault> {
        let sum = |sql: &str| -> Result<(u64, u64), StoreFault> {
            let (rows, octets): (i64, i64) =
                connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok((rows.try_into().unwrap_or_default(), octets.try_into().unwrap_or_default()))
        };
        Ok(Self {
            all: sum("SELECT count(*), coalesce(sum(octets), 0) FROM traffic")?,
            unproved: sum("SELECT count(*), coalesce(sum(octets), 0) FROM traffic WHERE unproved")?,
            last: last(connection)?,
        })
    }

    fn add(&mut self, (octets, is_unproved): (u64, bool)) {
        self.all = (self.all.0 + 1, self.all.1 + octets);
        if is_unproved {
            self.unproved = (self.unproved.0 + 1, self.unproved.1 + octets);
        }
    }

    fn remove(&mut self, (octets, is_unproved): (u64, bool)) {
        self.all = (self.all.0.saturating_sub(1), self.all.1.saturating_sub(octets));
        if is_unproved {
            self.unproved = (self.unproved.0.saturating_sub(1), self.unproved.1.saturating_sub(octets));
        }
    }
}

fn put(tx: &Connection, records: &[Arc<TrafficRecord>], extent: &mut Extent) -> Result<(), StoreFault> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO traffic (id, at, peer, direction, kind, failed, unproved, octets, record)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    // One place for the texts of all, as large as the longest of them.
    let mut text = Vec::new();
    for record in records {
        // What is noted of a request after it was written, it is written with anew.
        if record.id <= extent.last {
            let remove = "DELETE FROM traffic WHERE id = ?1 RETURNING octets, unproved";
            forget(tx, remove, number(record.id), extent)?;
        }
        text.clear();
        let unreadable = |value: String| StoreFault::Unreadable { what: "a request", value };
        serde_json::to_writer(&mut text, &**record).map_err(|fault| unreadable(fault.to_string()))?;
        let text = std::str::from_utf8(&text).map_err(|fault| unreadable(fault.to_string()))?;
        let octets = text.len() as u64 + ROW_OCTETS;
        insert.execute(rusqlite::params![
            number(record.id),
            number(record.at.as_millis()),
            record.peer.as_ref().map(|peer| peer.as_str()),
            record.direction.as_str(),
            record.kind.as_str(),
            record.is_failure(),
            record.is_of_stranger(),
            number(octets),
            text,
        ])?;
        extent.add((octets, record.is_of_stranger()));
        extent.last = extent.last.max(record.id);
    }
    Ok(())
}

/// By how many rows, and by how many octets, there are more than `bounds` allow.
fn over(there: (u64, u64), bounds: TrafficBounds) -> (u64, u64) {
    (there.0.saturating_sub(bounds.rows), there.1.saturating_sub(bounds.octets))
}

/// Removes so many of the oldest that `rows` are gone, and `octets`: found by `oldest`, and removed by `remove` up to the last of them.
/// One at a time they would cost as much as what they make room for.
fn forget_oldest(
    tx: &Connection,
    oldest: &str,
    remove: &str,
    (rows, octets): (u64, u64),
    extent: &mut Extent,
) -> Result<(), StoreFault> {
    let mut statement = tx.prepare_cached(oldest)?;
    let mut found = statement.query([])?;
    let (mut last, mut freed) = (None, (0, 0));
    while (freed.0 < rows || freed.1 < octets)
        && let Some(row) = found.next()?
    {
        last = Some(row.get::<_, i64>(0)?);
        freed = (freed.0 + 1, freed.1 + u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default());
    }
    drop(found);
    match last {
        Some(last) => forget(tx, remove, last, extent),
        None => Ok(()),
    }
}

/// Carries out `remove` with the number `id`.
fn forget(tx: &Connection, remove: &str, id: i64, extent: &mut Extent) -> Result<(), StoreFault> {
    let mut statement = tx.prepare_cached(remove)?;
    let mut gone = statement.query([id])?;
    while let Some(row) = gone.next()? {
        extent.remove((row.get::<_, i64>(0)?.try_into().unwrap_or_default(), row.get(1)?));
    }
    Ok(())
}

/// What the rows of `filter` have in common that there are columns for, as a condition with its values.
fn condition(filter: &TrafficFilter, before: Option<u64>) -> (String, Vec<Value>) {
    let mut wanted = vec!["true".to_owned()];
    let mut values: Vec<Value> = Vec::new();
    let mut want = |condition: &str, value: Value| {
        values.push(value);
        wanted.push(format!("{condition} ?{}", values.len()));
    };
    if let Some(peer) = &filter.peer {
        want("peer =", peer.as_str().to_owned().into());
    }
    if let Some(direction) = filter.direction {
        want("direction =", direction.as_str().to_owned().into());
    }
    if let Some(kind) = filter.kind {
        want("kind =", kind.as_str().to_owned().into());
    }
    if let Some(since) = filter.since {
        want("at >=", number(since.as_millis()).into());
    }
    if let Some(until) = filter.until {
        want("at <", number(until.as_millis()).into());
    }
    if let Some(before) = before {
        want("id <", number(before).into());
    }
    if filter.failures {
        wanted.push("failed".into());
    }
    (wanted.join(" AND "), values)
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::Direction;

    const WIDE: TrafficBounds = TrafficBounds { rows: 100_000, octets: 64 << 20 };

    fn record(id: u64, direction: Direction, target: &str) -> TrafficRecord {
        let mut record = TrafficRecord::begin(Timestamp::from_millis(id * 1000), direction, "GET", target);
        (record.id, record.waiting, record.status) = (id, false, Some(200));
        // In these tests, who asks us is a stranger, and who is asked is none.
        record.let_in = direction == Direction::Out;
        record
    }

    fn write(file: &TrafficFile, records: impl IntoIterator<Item = TrafficRecord>) {
        file.write(&records.into_iter().map(Arc::new).collect::<Vec<_>>(), &Counted::default()).unwrap();
    }

    fn ids(file: &TrafficFile, filter: &TrafficFilter) -> Vec<u64> {
        file.select(filter, None, usize::MAX).unwrap().into_iter().map(|record| record.id).collect()
    }

    #[test]
    fn the_oldest_make_room_and_strangers_only_for_strangers() {
        let dir = tempfile::tempdir().unwrap();
        let file = TrafficFile::open(dir.path(), TrafficBounds { rows: 100, octets: 64 << 20 }).unwrap();
        write(&file, (1..=100).map(|id| record(id, Direction::Out, "/feed")));
        write(&file, (101..=500).map(|id| record(id, Direction::In, "/flood")));
        let all = ids(&file, &TrafficFilter::default());
        assert_eq!(all.len(), 100);
        assert_eq!(all.iter().filter(|id| **id <= 100).count(), 90, "ten of a hundred are for strangers");
        assert_eq!(all[0], 500);
        write(&file, (501..=700).map(|id| record(id, Direction::Out, "/feed")));
        assert_eq!(ids(&file, &TrafficFilter::default()), (601..=700).rev().collect::<Vec<_>>());
    }

    #[test]
    fn the_file_stays_within_its_octets() {
        let dir = tempfile::tempdir().unwrap();
        let bounds = TrafficBounds { rows: 100_000, octets: 1 << 20 };
        let file = TrafficFile::open(dir.path(), bounds).unwrap();
        let long = "x".repeat(400);
        for batch in 0..40 {
            write(&file, (0..100).map(|n| record(batch * 100 + n + 1, Direction::Out, &long)));
        }
        file.writer.lock().connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        let size = std::fs::metadata(dir.path().join(TRAFFIC_FILE)).unwrap().len();
        assert!(size < bounds.octets * 5 / 4, "{size}");
        let kept = file.extent().unwrap().0;
        assert!(kept > 800, "{kept}");
        // What is counted as it changes is what is there.
        let counted = file.writer.lock().extent.unwrap();
        let there = Extent::of(&file.reader.lock()).unwrap();
        assert_eq!((counted.all, counted.unproved), (there.all, there.unproved));
    }

    #[test]
    fn what_is_damaged_amid_the_file_is_begun_anew_when_it_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = TrafficFile::open(dir.path(), WIDE).unwrap();
        let long = "x".repeat(400);
        write(&file, (1..=500).map(|id| record(id, Direction::Out, &long)));
        drop(file);
        let path = dir.path().join(TRAFFIC_FILE);
        let mut octets = std::fs::read(&path).unwrap();
        let (from, until) = (octets.len() / 4, octets.len() * 3 / 4);
        octets[from..until].fill(0xA5);
        std::fs::write(&path, octets).unwrap();
        let file = TrafficFile::open(dir.path(), WIDE).unwrap();
        let found = file.select(&TrafficFilter::default(), None, usize::MAX).unwrap().len();
        assert!(found < 500, "what is read before it is found is shown: {found}");
        assert_eq!(file.extent().unwrap().0, 0);
        write(&file, [record(501, Direction::Out, "/feed")]);
        assert_eq!(ids(&file, &TrafficFilter::default()), [501]);
    }

    #[test]
    fn each_filter_finds_what_it_names() {
        let dir = tempfile::tempdir().unwrap();
        let file = TrafficFile::open(dir.path(), WIDE).unwrap();
        let peer: drawbridge_mtp::id::Provider = "a.example".parse().unwrap();
        let mut with_peer = record(1, Direction::Out, "/feed?after=3");
        with_peer.peer = Some(peer.clone());
        let mut failed = record(2, Direction::In, "/ping");
        (failed.status, failed.code) = (Some(401), Some("key-unknown".into()));
        write(&file, [with_peer, failed, record(3, Direction::Out, "/groups/x/log")]);
        let all = TrafficFilter::default;
        let time = |ms| Some(Timestamp::from_millis(ms));
        for (filter, found) in [
            (all(), vec![3, 2, 1]),
            (TrafficFilter { peer: Some(peer), ..all() }, vec![1]),
            (TrafficFilter { direction: Some(Direction::In), ..all() }, vec![2]),
            (TrafficFilter { kind: Some(crate::traffic::TrafficKind::Log), ..all() }, vec![3]),
            (TrafficFilter { failures: true, ..all() }, vec![2]),
            (TrafficFilter { since: time(2000), ..all() }, vec![3, 2]),
            (TrafficFilter { until: time(2000), ..all() }, vec![1]),
            (TrafficFilter { text: Some("KEY-un".into()), ..all() }, vec![2]),
            (TrafficFilter { text: Some("after=".into()), failures: true, ..all() }, vec![]),
        ] {
            assert_eq!(ids(&file, &filter), found, "{filter:?}");
        }
        assert_eq!(file.select(&all(), Some(3), 1).unwrap()[0].id, 2);
    }

    #[test]
    fn a_file_of_the_form_before_keeps_what_is_in_it_and_counts_heartbeats_from_now_on() {
        let dir = tempfile::tempdir().unwrap();
        let before = Connection::open(dir.path().join(TRAFFIC_FILE)).unwrap();
        before.execute_batch(SCHEMA).unwrap();
        before.pragma_update(None, "user_version", WITHOUT_HEARTBEATS).unwrap();
        let mut kept = Writer { connection: before, extent: None };
        super::write(&mut kept, WIDE, &[Arc::new(record(7, Direction::Out, "/feed"))], &Counted::default())
            .unwrap();
        drop(kept);
        let file = TrafficFile::open(dir.path(), WIDE).unwrap();
        assert_eq!(ids(&file, &TrafficFilter::default()), [7]);
        let now = Timestamp::from_secs(1_800_000_000);
        let counted = Counted { ran: Some((now, now)), ..Counted::default() };
        file.write(&[], &counted).unwrap();
        let span = HeartbeatSpan::Hour;
        let heartbeat = file.heartbeat(&"a.example".parse().unwrap(), span, span.first_at(now)).unwrap();
        assert!(heartbeat.ours.last().unwrap().ran);
    }

    #[test]
    fn a_file_that_is_damaged_or_of_another_version_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(TRAFFIC_FILE);
        std::fs::write(&path, "no database at all, but some text that is long enough").unwrap();
        let file = TrafficFile::open(dir.path(), WIDE).unwrap();
        write(&file, [record(1, Direction::Out, "/feed")]);
        file.writer.lock().connection.pragma_update(None, "user_version", 99).unwrap();
        drop(file);
        let file = TrafficFile::open(dir.path(), WIDE).unwrap();
        assert_eq!(file.last().unwrap(), 0);
        write(&file, [record(5, Direction::Out, "/feed")]);
        assert_eq!(file.last().unwrap(), 5);
    }
}
