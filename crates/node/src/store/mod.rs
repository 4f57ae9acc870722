//! What the node remembers: SQLite in WAL with `synchronous=FULL`, the only place with SQL.
//!
//! One thread writes. It runs everything that waits in one transaction, each piece undone alone where it fails
//! (group commit), and answers after the commit; so whatever a caller has been told is on disk. Readers have
//! connections of their own and never wait for the writer.
//!
//! The other folders see [`View`] (questions) and [`Tx`] (changes) in words of the domain; their rules run inside
//! [`Store::write`], so that what belongs together is one transaction.

mod accounts;
mod add_rules;
mod authorizations;
mod branches;
mod checkpoints;
mod compact;
mod connections;
mod contradictions;
mod feeds;
mod groups;
mod heartbeats;
mod kept;
mod key_packages;
mod letting_go;
mod log;
mod memory;
mod open;
mod outbox;
mod peers;
mod proofs;
mod repairs;
mod requests;
mod retained;
mod rewrite;
mod settings;
mod sizes;
mod snapshot;
mod traced;
mod traffic;
mod trouble;
mod unproved;
mod waiting;
mod withdrawn;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::mpsc as threads;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use parking_lot::Mutex;
use std::thread::JoinHandle;

use drawbridge_mtp::id::{ClientUri, Id, Provider};
use drawbridge_mtp::time::Timestamp;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::ambient::{Ambient, AmbientExt};
use crate::ground::changes::{Change, Changes};
use memory::Memory;
use open::{open_for_reading, open_for_writing};
use trouble::CurrentTrouble;

pub use accounts::{ClientRow, Rule, RuleKind, UserRow, UserRule};
pub use add_rules::AddRule;
pub use authorizations::{Addition, AuthorizationRow};
pub use branches::{AbandonedSubmission, Branch, RestartPoint};
pub use checkpoints::{KeptCheckpoint, TwoStories};
pub use compact::FileSize;
pub use connections::{Connection, ConnectionRow};
pub use contradictions::Contradiction;
pub use feeds::{Cursor, FeedPlace, FeedSlice};
pub use groups::{AudienceRow, GroupRow, MemberRow, Proof, RosterSize, Standing};
pub use key_packages::{KeptKeyPackages, LOW_STOCK, StoredKeyPackage};
pub use letting_go::Amount;
pub use log::{Handshake, NewEvent};
pub use open::OpenFault;
pub(crate) use open::VERSION;
pub use outbox::{OutboxSize, QueuedSubmission};
pub use peers::{PeerRow, TroubleRow};
pub use proofs::Unchecked;
pub use repairs::{IgnoredAs, RepairKind, RepairRow, RepairSubject, Severity, Suffers};
pub use requests::{DecidedBy, KeptGrant, RequestRow, Subject, Unsent};
pub use retained::{AgedMessage, AgedRun, LogPlace, ReaderHold};
pub use sizes::{Extent, FeedSize, LogSize};
pub(crate) use snapshot::Snapshot;
pub use traced::{FeedItemPlace, PlacedSubmission, ToldResult, TracedEvent, WaitingSubmission};
pub(crate) use traffic::{TRAFFIC_FILE, TrafficBounds, TrafficFile};
pub use trouble::StoreTrouble;
pub use unproved::UnprovedRow;

/// Jobs that one transaction takes at most, so that the first does not wait for long.
const BATCH: usize = 512;
const READERS: usize = 2;
/// The store's file in the data folder, and the log with what has yet to be moved into it.
pub(crate) const FILE: &str = "store.sqlite";
pub(crate) const LOG_FILE: &str = "store.sqlite-wal";

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreFault {
    /// The node is stopping.
    #[error("the store is closed because the node is stopping")]
    Closed,
    /// Another program keeps the file locked for longer than is waited for.
    #[error(
        "another program holds the store; close what has it open (a backup, a database browser), then try again"
    )]
    Busy,
    /// SQLite says no: disk full, damaged file, or a bug of ours.
    #[error("the store cannot do it: {0}")]
    Sql(#[from] rusqlite::Error),
    /// There is so little room on the disk that what may be lost is not written.
    #[error("nearly nothing of the disk is free, and that is left to what must not be lost; make room")]
    NoRoom,
    /// A row holds what this version does not understand.
    #[error("the store holds {what} that this version cannot read: {value}")]
    Unreadable {
        /// What kind of value.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// A transaction was not committed because of another one's failure.
    #[error("the store could not commit: {0}")]
    Commit(Arc<rusqlite::Error>),
}

impl StoreFault {
    /// Whether SQLite has found no room.
    pub(crate) fn is_disk_full(&self) -> bool {
        let fault = match self {
            Self::Sql(fault) => fault,
            Self::Commit(fault) => fault,
            Self::NoRoom => return true,
            Self::Closed | Self::Busy | Self::Unreadable { .. } => return false,
        };
        fault.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
    }
}

/// Who reads a feed of ours: a peer, or a client of one of our users.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reader {
    /// Another provider (`docs/mtp.md`, section 11).
    Peer(Provider),
    /// A client of ours (`docs/client-api.md`).
    Client(ClientUri),
}

impl Reader {
    fn as_str(&self) -> &str {
        match self {
            Self::Peer(provider) => provider.as_str(),
            Self::Client(client) => client.as_str(),
        }
    }
}

impl std::str::FromStr for Reader {
    type Err = StoreFault;

    fn from_str(text: &str) -> Result<Self, StoreFault> {
        if text.starts_with("mimi://") {
            parsed("a client", text.to_owned()).map(Self::Client)
        } else {
            parsed("a provider", text.to_owned()).map(Self::Peer)
        }
    }
}

/// A handle to the store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    /// The writer, the readers and what they share.
    inner: Arc<Inner>,
}

struct Inner {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    reads: Mutex<Option<threads::Sender<Read>>>,
    readers: Mutex<Vec<JoinHandle<()>>>,
    glancing: Mutex<Option<rusqlite::Connection>>,
    announcer: Arc<Announcer>,
    /// Where it is noted how long a write takes until it is on disk.
    writes: OnceLock<metrics::Histogram>,
    path: PathBuf,
}

/// Work for the writer; where it cannot be begun, the caller is told why.
type Job = Box<dyn FnOnce(Result<&Tx<'_>, StoreFault>) -> Judged + Send>;

/// Something to be looked up, which answers by itself.
type Read = Box<dyn FnOnce(&mut rusqlite::Connection) + Send>;

/// What became of a job: whether what it did is kept, and whom to tell once that is on disk.
struct Judged {
    keep: bool,
    tell: Tell,
}

type Tell = Box<dyn FnOnce(Result<(), StoreFault>) + Send>;

impl Store {
    /// Opens the store in the folder `dir`, made where it is absent.
    pub fn open(dir: &Path, ambient: Arc<dyn Ambient>, changes: Changes) -> Result<Self, OpenFault> {
        let path = dir.join(FILE);
        let connection = open_for_writing(&path, ambient.free_octets())?;
        let (reads, asked) = threads::channel();
        let asked = Arc::new(Mutex::new(asked));
        let readers = (0..READERS)
            .map(|_| {
                let connection = open_for_reading(&path)?;
                let asked = asked.clone();
                let thread = std::thread::Builder::new().name("store-reader".into());
                thread.spawn(move || read_loop(connection, &asked)).map_err(|_| rusqlite::Error::InvalidQuery)
            })
            .collect::<Result<_, _>>()
            .map_err(|fault| OpenFault::of(&path, fault))?;
        let glancing = open_for_reading(&path).map_err(|fault| OpenFault::of(&path, fault))?;
        let (jobs, queue) = mpsc::channel(BATCH);
        let announcer = Arc::new(Announcer {
            bells: Mutex::default(),
            trouble: CurrentTrouble::new(changes.clone()),
            changes,
        });
        let writer = {
            let announcer = announcer.clone();
            std::thread::Builder::new()
                .name("store".into())
                .spawn(move || write_loop(connection, queue, &announcer, &*ambient))
                .map_err(|_| OpenFault::Sql { path: path.clone(), fault: rusqlite::Error::InvalidQuery })?
        };
        let inner = Inner {
            jobs: Mutex::new(Some(jobs)),
            writer: Mutex::new(Some(writer)),
            reads: Mutex::new(Some(reads)),
            readers: Mutex::new(readers),
            glancing: Mutex::new(Some(glancing)),
            announcer,
            writes: OnceLock::new(),
            path,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// From now on notes in `writes` how long each write takes until it is on disk.
    pub(crate) fn measure(&self, writes: metrics::Histogram) {
        let _ = self.inner.writes.set(writes);
    }

    /// Runs `work` on the writer's thread and answers when what it changed is on disk. Where it returns an
    /// error, nothing of it is kept.
    pub fn write<T, E, W>(&self, work: W) -> impl Future<Output = Result<T, E>> + Send + use<T, E, W>
    where
        T: Send + 'static,
        E: From<StoreFault> + Send + 'static,
        W: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |tx| {
            let outcome = tx.map_err(E::from).and_then(work);
            Judged {
                keep: outcome.is_ok(),
                tell: Box::new(move |committed| {
                    let told = match (outcome, committed) {
                        (Ok(_), Err(fault)) => Err(fault.into()),
                        (outcome, _) => outcome,
                    };
                    // Who asked may have gone away; what it asked for is done all the same.
                    let _ = answer.send(told);
                }),
            }
        });
        let (jobs, writes) = (self.inner.jobs.lock().clone(), self.inner.writes.get().cloned());
        async move {
            let given = Instant::now();
            jobs.ok_or(StoreFault::Closed)?.send(job).await.map_err(|_| StoreFault::Closed)?;
            let outcome = answered.await.unwrap_or_else(|_| Err(StoreFault::Closed.into()));
            if let Some(writes) = writes {
                writes.record(given.elapsed());
            }
            outcome
        }
    }

    /// Runs `work` as [`Store::write`] does, keeps nothing of it and tells nobody: what it returns is what would happen.
    pub(crate) async fn rehearse<T, E>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreFault> + Send + 'static,
    {
        // What is not kept is what returns an error, so all of it is one.
        struct Undone<T, E>(Result<T, E>);
        impl<T, E: From<StoreFault>> From<StoreFault> for Undone<T, E> {
            fn from(fault: StoreFault) -> Self {
                Self(Err(fault.into()))
            }
        }
        match self.write::<std::convert::Infallible, Undone<T, E>, _>(|tx| Err(Undone(work(tx)))).await {
            Ok(never) => match never {},
            Err(Undone(outcome)) => outcome,
        }
    }

    /// Runs `work` on a connection that only reads and sees one state of the store.
    pub async fn read<T, E>(
        &self,
        work: impl FnOnce(&View<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreFault> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let read: Read = Box::new(move |connection| {
            let outcome = match connection.transaction() {
                Ok(snapshot) => work(&View { sql: &snapshot }),
                Err(fault) => Err(StoreFault::Sql(fault).into()),
            };
            // Who asked may have gone away.
            let _ = answer.send(outcome);
        });
        // Nothing is held while it waits: who asks may itself have to wait for others that ask, or for the store to close.
        self.inner
            .reads
            .lock()
            .as_ref()
            .ok_or(StoreFault::Closed)?
            .send(read)
            .map_err(|_| StoreFault::Closed)?;
        answered.await.unwrap_or_else(|_| Err(StoreFault::Closed.into()))
    }

    /// Looks up a row or two on the spot, as [`Store::read`] does on another thread: to go there and back takes longer
    /// than that.
    pub fn glance<T, E: From<StoreFault>>(
        &self,
        work: impl FnOnce(&View<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut glancing = self.inner.glancing.lock();
        let connection = glancing.as_mut().ok_or(StoreFault::Closed)?;
        let snapshot = connection.transaction().map_err(StoreFault::Sql)?;
        work(&View { sql: &snapshot })
    }

    /// What is notified whenever an item is appended to the feed of `reader`.
    pub fn feed_bell(&self, reader: &Reader) -> Bell {
        let reader = reader.as_str().to_owned();
        let notify = self.inner.announcer.bells.lock().entry(reader.clone()).or_default().clone();
        Bell { announcer: self.inner.announcer.clone(), reader, notify }
    }

    /// What it cannot do at the moment; none where the last it was given is on disk.
    pub fn trouble(&self) -> Option<StoreTrouble> {
        self.inner.announcer.trouble.get()
    }

    /// Size of the store on disk, in bytes, with what has not been moved from the log into it.
    pub fn size(&self) -> u64 {
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        let mut log = self.inner.path.clone().into_os_string();
        log.push("-wal");
        size(&self.inner.path) + size(Path::new(&log))
    }

    /// Finishes what was asked for and closes. Everything asked for later is refused.
    pub async fn close(&self) {
        let jobs = self.inner.jobs.lock().take();
        drop(self.inner.reads.lock().take());
        drop(self.inner.glancing.lock().take());
        let readers = std::mem::take(&mut *self.inner.readers.lock());
        let Some(writer) = self.inner.writer.lock().take() else { return };
        let joined = tokio::task::spawn_blocking(move || {
            let readers = readers.into_iter().map(JoinHandle::join).all(|joined| joined.is_ok());
            // The writer's connection is the last, since it alone can move the log into the file: it ends with its jobs.
            drop(jobs);
            writer.join().is_ok() && readers
        });
        if !joined.await.unwrap_or(false) {
            tracing::error!("a thread of the store died");
        }
    }
}

/// Wakes whoever waits for a feed; forgotten with its last holder.
pub struct Bell {
    announcer: Arc<Announcer>,
    reader: String,
    notify: Arc<Notify>,
}

impl Deref for Bell {
    type Target = Notify;

    fn deref(&self) -> &Notify {
        &self.notify
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        let mut bells = self.announcer.bells.lock();
        // One is the table's and one is ours.
        if Arc::strong_count(&self.notify) == 2 {
            bells.remove(&self.reader);
        }
    }
}

struct Announcer {
    /// By the reader of the feed, as text: one event rings many.
    bells: Mutex<HashMap<String, Arc<Notify>>>,
    changes: Changes,
    trouble: CurrentTrouble,
}

impl Announcer {
    fn announce(&self, fresh: Fresh) {
        if !fresh.feeds.is_empty() {
            let bells = self.bells.lock();
            for reader in fresh.feeds {
                if let Some(bell) = bells.get(&*reader) {
                    bell.notify_waiters();
                }
            }
        }
        for change in fresh.changes {
            self.changes.announce(change);
        }
    }
}

/// What a transaction will announce once it is committed.
#[derive(Default)]
struct Fresh {
    /// The readers of feeds that have become longer.
    feeds: HashSet<Arc<str>>,
    changes: Vec<Change>,
}

/// Questions to one state of the store.
pub struct View<'a> {
    sql: &'a rusqlite::Connection,
}

/// Changes to the store, all kept or none. Answers questions as a [`View`] too.
pub struct Tx<'a> {
    view: View<'a>,
    ambient: &'a dyn Ambient,
    memory: &'a Memory,
    fresh: RefCell<Fresh>,
}

impl<'a> Deref for Tx<'a> {
    type Target = View<'a>;

    fn deref(&self) -> &View<'a> {
        &self.view
    }
}

impl Tx<'_> {
    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.ambient.now()
    }

    /// A new id.
    pub fn new_id(&self) -> Id {
        self.ambient.id()
    }

    /// Announces `change` after the commit; said twice in a row, it is told once.
    fn changed(&self, change: Change) {
        let mut fresh = self.fresh.borrow_mut();
        if fresh.changes.last() != Some(&change) {
            fresh.changes.push(change);
        }
    }

    fn rang(&self, reader: impl Into<Arc<str>>) {
        self.fresh.borrow_mut().feeds.insert(reader.into());
    }
}

#[cfg(test)]
impl Tx<'_> {
    /// Does `work`, and counts the steps that SQLite's machine takes for it: what it costs, on whatever computer.
    pub(crate) fn steps_of<T>(&self, work: impl FnOnce() -> T) -> (T, u64) {
        use std::sync::atomic::{AtomicU64, Ordering};
        let steps = Arc::new(AtomicU64::new(0));
        let counted = steps.clone();
        let count = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            false
        };
        self.sql.progress_handler(1, Some(count));
        let done = work();
        self.sql.progress_handler(0, None::<fn() -> bool>);
        (done, steps.load(Ordering::Relaxed))
    }
}

fn read_loop(mut connection: rusqlite::Connection, asked: &Mutex<threads::Receiver<Read>>) {
    loop {
        let read = asked.lock().recv();
        match read {
            Ok(read) => read(&mut connection),
            Err(_) => return,
        }
    }
}

fn write_loop(
    mut connection: rusqlite::Connection,
    mut queue: mpsc::Receiver<Job>,
    announcer: &Announcer,
    ambient: &dyn Ambient,
) {
    let writer = Writer { ambient, memory: Memory::default() };
    while let Some(first) = queue.blocking_recv() {
        let mut told = Vec::new();
        let committed = writer.run_batch(&mut connection, first, &mut queue, &mut told);
        match committed {
            Ok((fresh, wrote)) => {
                if wrote {
                    announcer.trouble.note_commit();
                }
                // Who has asked is waiting; who is woken has still to read.
                told.into_iter().for_each(|tell| tell(Ok(())));
                announcer.announce(fresh);
            }
            Err(fault) => {
                announcer.trouble.note_failure(&fault, told.len(), ambient.now());
                writer.memory.forget();
                told.into_iter().for_each(|tell| tell(Err(uncommitted(&fault))));
            }
        }
    }
    if let Err((_, fault)) = connection.close() {
        tracing::error!(%fault, "the store did not close well");
    }
}

/// What the writer's thread works with.
struct Writer<'a> {
    ambient: &'a dyn Ambient,
    memory: Memory,
}

impl Writer<'_> {
    /// Runs `first` and whatever waits behind it in one transaction; returns what is to be announced, and whether anything
    /// was put on disk.
    fn run_batch(
        &self,
        connection: &mut rusqlite::Connection,
        first: Job,
        queue: &mut mpsc::Receiver<Job>,
        told: &mut Vec<Tell>,
    ) -> Result<(Fresh, bool), Arc<rusqlite::Error>> {
        let rows_before = connection.total_changes();
        let begun = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate);
        let mut transaction = match begun {
            Ok(transaction) => transaction,
            Err(fault) => return Err(refuse(first, fault, told)),
        };
        // What comes first, and mostly alone, needs no savepoint to be undone: there is nothing else yet.
        let (kept, mut fresh) = self.run(&transaction, first, told);
        if !kept {
            transaction.rollback().map_err(Arc::new)?;
            return Ok((fresh, false));
        }
        while told.len() < BATCH
            && let Ok(job) = queue.try_recv()
        {
            let savepoint = match transaction.savepoint() {
                Ok(savepoint) => savepoint,
                Err(fault) => return Err(refuse(job, fault, told)),
            };
            let (kept, news) = self.run(&savepoint, job, told);
            if kept {
                savepoint.commit().map_err(Arc::new)?;
                fresh.feeds.extend(news.feeds);
                fresh.changes.extend(news.changes);
            } // Dropped, it rolls back.
        }
        let wrote = transaction.total_changes() > rows_before;
        if wrote && self.ambient.is_disk_full() {
            open::take_more_room(&transaction).map_err(Arc::new)?;
        }
        transaction.commit().map_err(Arc::new)?;
        Ok((fresh, wrote))
    }

    /// Runs one job. Returns whether what it has done is to be kept, and what is to be announced then.
    fn run(&self, sql: &rusqlite::Connection, job: Job, told: &mut Vec<Tell>) -> (bool, Fresh) {
        let tx =
            Tx { view: View { sql }, ambient: self.ambient, memory: &self.memory, fresh: RefCell::default() };
        let Judged { keep, tell } = job(Ok(&tx));
        let fresh = tx.fresh.into_inner();
        told.push(tell);
        if keep {
            return (true, fresh);
        }
        self.memory.forget();
        (false, Fresh::default())
    }
}

/// Tells who gave `job`, which was not begun, of `fault`.
fn refuse(job: Job, fault: rusqlite::Error, told: &mut Vec<Tell>) -> Arc<rusqlite::Error> {
    let fault = Arc::new(fault);
    told.push(job(Err(uncommitted(&fault))).tell);
    fault
}

/// What a caller is told of a transaction that `fault` has undone.
fn uncommitted(fault: &Arc<rusqlite::Error>) -> StoreFault {
    match fault.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => StoreFault::Busy,
        _ => StoreFault::Commit(fault.clone()),
    }
}

/// Reads a value that was written as text.
fn parsed<T: std::str::FromStr>(what: &'static str, text: String) -> Result<T, StoreFault> {
    text.parse().map_err(|_| StoreFault::Unreadable { what, value: text })
}

/// Reads an id.
fn parsed_id(octets: &[u8]) -> Result<Id, StoreFault> {
    <[u8; 16]>::try_from(octets)
        .ok()
        .and_then(|octets| Id::from_bytes(octets).ok())
        .ok_or_else(|| StoreFault::Unreadable { what: "an id", value: format!("{octets:02x?}") })
}

/// SQLite's integers are signed; ours are at most 2^53.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(unsigned(millis))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use drawbridge_mtp::keys::{SecretKey, Thumbprint};
    use drawbridge_mtp::message::{EventKind, ItemBody, PeerState};
    use futures_util::future::join_all;

    use super::*;
    use crate::ambient::System;

    /// A log of ours.
    pub(super) struct Log {
        /// Its group.
        pub(super) row: GroupRow,
        sender: ClientUri,
    }

    impl Log {
        /// A group without events.
        pub(super) fn begin(tx: &Tx<'_>, name: &str) -> Result<Self, StoreFault> {
            let mut row = GroupRow {
                id: 0,
                uri: format!("mimi://a.example/g/{name}").parse().unwrap(),
                created: tx.now(),
                epoch: 0,
                first: 1,
                head: 0,
                hash: None,
                suite: 1,
                standing: Standing::Live,
                fault: None,
            };
            row.id = tx.add_group(&row)?;
            Ok(Self { row, sender: "mimi://a.example/u/ann/d/phone".parse().unwrap() })
        }

        /// Numbers an event with a body of `size` octets.
        pub(super) fn add(&mut self, tx: &Tx<'_>, kind: EventKind, size: usize) -> Result<u64, StoreFault> {
            let (submitter, id) = (self.sender.provider().clone(), tx.new_id());
            let event = NewEvent {
                kind,
                epoch: self.row.head,
                sender: &self.sender,
                grants: Vec::new(),
                body: &vec![7; size],
                submission: Some((&submitter, id)),
            };
            Ok(tx.number_event(&mut self.row, event)?.seq)
        }
    }

    #[tokio::test]
    async fn keys_are_kept_in_the_order_in_which_they_were_accepted() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let peer: Provider = "b.example".parse().unwrap();
        let mut keys = [1, 2, 3].map(|seed| *SecretKey::from_seed([seed; 32]).public().thumbprint());
        // Against their own order, which is not to matter.
        keys.sort_by_key(|key| std::cmp::Reverse(key.to_string()));
        let [first, second, third] = keys;
        let accepts = async |shown: &[Thumbprint]| {
            let (peer, shown) = (peer.clone(), shown.to_vec());
            let accepted = store.write(move |tx| {
                tx.put_peer(&PeerRow::new(peer.clone(), PeerState::Allowed, tx.now()))?;
                tx.accept_keys(&peer, &shown)?;
                tx.accepted_keys(&peer)
            });
            accepted.await.unwrap()
        };
        assert_eq!(accepts(&[first]).await, [first]);
        assert_eq!(accepts(&[second, first]).await, [first, second], "a new one is the last");
        assert_eq!(accepts(&[third, second, first]).await, [first, second, third]);
        assert_eq!(accepts(&[first, third]).await, [first, third], "one that is gone is not");
        assert_eq!(accepts(&[second, third, first]).await, [first, third, second], "and is new again");
    }

    #[tokio::test]
    async fn what_was_written_is_in_the_file_alone_once_the_store_is_closed() {
        for _ in 0..50 {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
            store.write(|tx| tx.set_setting("strangers", "open")).await.unwrap();
            store.read(|view| view.setting("strangers")).await.unwrap();
            store.close().await;
            assert!(!dir.path().join(LOG_FILE).exists(), "the log is moved into the file");
        }
    }

    #[tokio::test]
    async fn a_store_that_another_program_holds_is_busy_and_goes_on_when_it_lets_go() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let held = rusqlite::Connection::open(dir.path().join("store.sqlite")).unwrap();
        held.execute_batch("BEGIN IMMEDIATE").unwrap();
        let write = || store.write(|tx| tx.set_setting("strangers", "open"));
        let fault = write().await.unwrap_err();
        assert!(matches!(fault, StoreFault::Busy), "{fault:?}");
        held.execute_batch("ROLLBACK").unwrap();
        write().await.unwrap();
    }

    #[tokio::test]
    async fn what_is_undone_leaves_no_gap_in_a_feed() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let reader =
            |name: usize| Reader::Client(format!("mimi://a.example/u/ann/d/c{name}").parse().unwrap());
        let appends = |name: usize, fails: bool| {
            let reader = reader(name);
            store.write(move |tx| {
                let seq = tx.append(&reader, &ItemBody::Peer { state: PeerState::Allowed })?;
                if fails { Err(StoreFault::Closed) } else { Ok(seq) }
            })
        };
        let numbers = async |name: usize| {
            let reader = reader(name);
            let slice = store.read(move |view| view.feed_slice(&reader, 0, 999, u64::MAX)).await.unwrap();
            slice.items.iter().map(|item| item.seq).collect::<Vec<_>>()
        };
        // Alone, the first and the last of those that share a transaction, and any between.
        assert!(appends(0, true).await.is_err());
        assert_eq!(appends(0, false).await.unwrap(), 1);
        assert!(appends(0, true).await.is_err());
        let done = join_all((0..99).map(|turn| appends(turn % 3, turn % 7 == 0))).await;
        for name in 0..3 {
            let kept = done.iter().skip(name).step_by(3).filter(|seq| seq.is_ok()).count() as u64;
            let before = u64::from(name == 0);
            assert_eq!(numbers(name).await, (1..=before + kept).collect::<Vec<_>>());
        }

        let dropped = reader(1);
        store.write(move |tx| tx.drop_feed(&dropped)).await.unwrap();
        assert_eq!(appends(1, false).await.unwrap(), 1, "a feed that was dropped begins anew");
        assert_eq!(numbers(1).await, [1]);
    }

    #[tokio::test]
    async fn reads_that_are_set_aside_or_given_up_hold_no_place_that_others_wait_for() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let read = || Box::pin(store.read(|view| view.setting("strangers")));
        let mut kept: Vec<_> = (0..2 * READERS).map(|_| read()).collect();
        let mut given_up: Vec<_> = (0..2 * READERS).map(|_| read()).collect();
        let mut context = Context::from_waker(Waker::noop());
        for begun in kept.iter_mut().chain(&mut given_up) {
            // Whether it has its answer already is up to the machine.
            let _ = pin!(begun).poll(&mut context);
        }
        drop(given_up);
        assert_eq!(read().await.unwrap(), None);
        store.close().await;
        assert!(matches!(read().await, Err(StoreFault::Closed)));
    }
}
