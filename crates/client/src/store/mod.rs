//! What a client remembers: one SQLite file (WAL, `synchronous=FULL`), with everything secret in it sealed.
//!
//! All that belongs together is one [`step`](Store::step), which is one transaction: MLS state, the feed's cursor,
//! what is to be sent, and what is shown. So a crash falls between two steps and never within one. What changes nothing is
//! a [`read`](Store::read) over a connection of its own, which waits for no step.
//!
//! A read is given a [`View`], a step a [`Tx`], which answers what a view answers and can change it. Only this folder
//! reaches the connection behind either.

mod conversations;
mod forgotten;
mod heard;
mod intents;
mod messages;
mod mls_state;
mod outgoing;
mod packages;

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    ops::Deref,
    path::Path,
    sync::Arc,
    time::Duration,
};

use drawbridge_client_api::ambient::{Ambient, AmbientExt};
use drawbridge_mtp::{
    id::{ClientUri, Generation, GroupUri, Id, UserUri},
    time::Timestamp,
};
use minicbor_serde::{from_slice, to_vec};
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};
use rusqlite_migration::{M, Migrations};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::{Notify, broadcast};

use crate::{
    fault::{ClientFault, StoreFault},
    key::{Seal, StorageKey},
    settings::Settings,
    view::ClientChange,
};

pub(crate) use conversations::Conversation;
pub(crate) use heard::Said;
pub use intents::PolicyChange;
pub(crate) use intents::{Intent, Want};
pub(crate) use messages::{Line, LineBody, Message, Reaction, Unproved};
pub(crate) use outgoing::{Outgoing, OutgoingBody, Stage};
pub(crate) use packages::StoredPackage;

/// The longest that anything is put off.
const LONGEST_WAIT: Duration = Duration::from_secs(2 * 3600);

/// `DRWC`: marks a database as a client's.
const APPLICATION_ID: i32 = 0x4452_5743;

/// How long a connection waits for another program that has the file locked.
const BUSY: Duration = Duration::from_secs(10);

/// Up to which event each group's log has to be read before anything is made for it, as its owner has said in this life of
/// the client. It is never on disk: what is there may be an older copy.
type Heads = HashMap<GroupUri, u64>;

/// The store of one client.
pub(crate) struct Store {
    /// What reads go over. It is closed before the writer, which alone can move the log into the file.
    reader: Mutex<Connection>,
    /// What steps go over, one at a time.
    writer: Mutex<Connection>,
    seal: Seal,
    own: ClientUri,
    settings: Settings,
    ambient: Arc<dyn Ambient>,
    changes: broadcast::Sender<ClientChange>,
    /// As of the last step.
    heads: Mutex<Arc<Heads>>,
    /// Rung where there may be something to send.
    pub(crate) to_send: Notify,
    /// Rung where there may be something to do in a group.
    pub(crate) to_do: Notify,
    /// Rung where something of a forgotten conversation is left.
    pub(crate) to_drop: Notify,
}

/// Questions to one state of the store.
pub(crate) struct View<'a> {
    db: &'a Connection,
    seal: &'a Seal,
    /// The client itself.
    pub(crate) own: &'a ClientUri,
    /// The moment at which the step, or the read, began.
    pub(crate) now: Timestamp,
    /// Changed by a step alone, which has a copy.
    heads: RefCell<Arc<Heads>>,
}

/// Changes to the store, all kept or none. Answers questions as a [`View`] too.
pub(crate) struct Tx<'a> {
    view: View<'a>,
    ambient: &'a dyn Ambient,
    pub(crate) settings: &'a Settings,
    changes: RefCell<BTreeSet<ClientChange>>,
    rings: RefCell<Rings>,
}

/// Who is to be woken after a step.
#[derive(Clone, Copy, Default)]
struct Rings {
    to_send: bool,
    to_do: bool,
    to_drop: bool,
}

impl<'a> Deref for Tx<'a> {
    type Target = View<'a>;

    fn deref(&self) -> &View<'a> {
        &self.view
    }
}

/// How far the feed has been taken in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cursor {
    pub(crate) after: u64,
    pub(crate) last: Option<Id>,
    pub(crate) generation: Option<Generation>,
    /// Whether each group has yet to be closed from its log, and sought where it is not known.
    pub(crate) unchecked: bool,
}

impl Store {
    /// Opens the store of `own` at `path`, or makes it.
    pub(crate) fn open(
        path: &Path,
        key: &StorageKey,
        own: ClientUri,
        settings: Settings,
        ambient: Arc<dyn Ambient>,
    ) -> Result<Self, ClientFault> {
        let mut writer = Connection::open(path).map_err(StoreFault::from)?;
        prepare(&mut writer).map_err(|fault| match fault {
            StoreFault::Sql(fault) => StoreFault::of_opening(fault),
            fault => fault,
        })?;
        let reader = open_for_reading(path).map_err(StoreFault::from)?;
        let (changes, _) = broadcast::channel(256);
        let store = Self {
            reader: Mutex::new(reader),
            writer: Mutex::new(writer),
            seal: Seal::new(key),
            own,
            settings,
            ambient,
            changes,
            heads: Mutex::default(),
            to_send: Notify::new(),
            to_do: Notify::new(),
            to_drop: Notify::new(),
        };
        store.step(|tx| match tx.get::<ClientUri>("client")? {
            None => tx.put("client", tx.own),
            Some(whose) if whose == *tx.own => Ok(()),
            Some(whose) => Err(StoreFault::Other { whose }.into()),
        })?;
        Ok(store)
    }

    /// Runs `step` in one transaction; what it did is on disk, or undone, when this returns.
    pub(crate) fn step<T>(
        &self,
        step: impl FnOnce(&Tx<'_>) -> Result<T, ClientFault>,
    ) -> Result<T, ClientFault> {
        let mut writer = self.writer.lock();
        let db =
            writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreFault::from)?;
        let (done, heads, changes, rings) = {
            let tx = Tx {
                view: self.view(&db, self.heads.lock().clone()),
                ambient: &*self.ambient,
                settings: &self.settings,
                changes: RefCell::default(),
                rings: RefCell::default(),
            };
            let done = step(&tx)?;
            (done, tx.view.heads.into_inner(), tx.changes.into_inner(), tx.rings.into_inner())
        };
        db.commit().map_err(StoreFault::from)?;
        *self.heads.lock() = heads;
        drop(writer);
        for change in changes {
            // Nobody may be listening.
            let _ = self.changes.send(change);
        }
        if rings.to_send {
            self.to_send.notify_one();
        }
        if rings.to_do {
            self.to_do.notify_one();
        }
        if rings.to_drop {
            self.to_drop.notify_one();
        }
        Ok(done)
    }

    /// Runs `look` on one state of the store: that of the last step which is on disk.
    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&View<'_>) -> Result<T, ClientFault>,
    ) -> Result<T, ClientFault> {
        // Before the store is looked at: a head that an owner has told and that is not here yet is asked for once more, and
        // one that is here before what it came with would be taken for compared.
        let heads = self.heads.lock().clone();
        let mut reader = self.reader.lock();
        let snapshot = reader.transaction().map_err(StoreFault::from)?;
        look(&self.view(&snapshot, heads))
    }

    fn view<'a>(&'a self, db: &'a Connection, heads: Arc<Heads>) -> View<'a> {
        View { db, seal: &self.seal, own: &self.own, now: self.ambient.now(), heads: RefCell::new(heads) }
    }

    /// Everything that changes from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<ClientChange> {
        self.changes.subscribe()
    }
}

fn prepare(connection: &mut Connection) -> Result<(), StoreFault> {
    connection.busy_timeout(BUSY)?;
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let empty: bool = connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    if id != APPLICATION_ID && !empty {
        return Err(StoreFault::NotAStore);
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    let migrations = Migrations::from_slice(
        const {
            &[
                M::up(include_str!("schema.sql")),
                M::up(include_str!("sent.sql")),
                M::up(include_str!("lifetimes.sql")),
                M::up(include_str!("unproved.sql")),
                M::up(include_str!("branches.sql")),
                M::up(include_str!("dropped.sql")),
            ]
        },
    );
    migrations.to_latest(connection).map_err(StoreFault::of_migration)
}

fn open_for_reading(path: &Path) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

impl View<'_> {
    /// Whose client it is.
    pub(crate) fn user(&self) -> &UserUri {
        self.own.user()
    }

    /// Up to which event the log of `group` reached when its owner was asked in this life of the client; none where it was
    /// not asked.
    pub(crate) fn told_head(&self, group: &GroupUri) -> Option<u64> {
        self.heads.borrow().get(group).copied()
    }

    /// Whether what was put off until `time` is due. Nothing is put off for longer than that allows: what seems to be was put off
    /// by a clock that has been set back since, and would wait for as long as that was ahead.
    pub(crate) fn is_due(&self, time: Timestamp) -> bool {
        time <= self.now || time > self.now.plus(LONGEST_WAIT)
    }

    pub(crate) fn cursor(&self) -> Result<Cursor, ClientFault> {
        Ok(self.get("cursor")?.unwrap_or(Cursor { unchecked: true, ..Cursor::default() }))
    }

    /// One of the client's own few values.
    pub(crate) fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ClientFault> {
        let sealed: Option<Vec<u8>> = self
            .db
            .prepare_cached("SELECT body FROM own WHERE name = ?1")
            .and_then(|mut query| query.query_row([name], |row| row.get(0)).optional())
            .map_err(StoreFault::from)?;
        sealed.map(|sealed| self.open("own", name.as_bytes(), &sealed)).transpose()
    }

    /// Opens the value of a row.
    fn open<T: DeserializeOwned>(
        &self,
        table: &'static str,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<T, ClientFault> {
        let plain = self.seal.open(table, row, sealed).map_err(StoreFault::from)?;
        Ok(from_slice(&plain).map_err(|_| StoreFault::Unreadable(table))?)
    }

    /// The rows that `sql` finds, each through `read`.
    fn rows<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, ClientFault> {
        let collect = || {
            let mut query = self.db.prepare_cached(sql)?;
            query.query_map(params, |row| read(row))?.collect::<rusqlite::Result<Vec<T>>>()
        };
        Ok(collect().map_err(StoreFault::from)?)
    }
}

impl Tx<'_> {
    /// Tells of a change once the step is on disk.
    pub(crate) fn changed(&self, change: ClientChange) {
        self.changes.borrow_mut().insert(change);
    }

    /// Tells that a conversation changed, and so the list of them.
    pub(crate) fn touched(&self, group: &GroupUri) {
        self.changed(ClientChange::Conversation(group.clone()));
        self.changed(ClientChange::Conversations);
    }

    /// The owner of `group` says that its log reaches up to event `head`.
    pub(crate) fn set_told_head(&self, group: &GroupUri, head: u64) {
        Arc::make_mut(&mut self.heads.borrow_mut()).insert(group.clone(), head);
    }

    /// What owners have said of their logs may be of another history: it is asked for again before anything is made.
    pub(crate) fn forget_told_heads(&self) {
        self.heads.replace(Arc::default());
    }

    /// Wakes the sender after the step.
    pub(crate) fn ring_to_send(&self) {
        self.rings.borrow_mut().to_send = true;
    }

    /// Wakes the one who works on groups, after the step.
    pub(crate) fn ring_to_do(&self) {
        self.rings.borrow_mut().to_do = true;
    }

    /// Wakes the one who removes what is left of forgotten conversations, after the step.
    fn ring_to_drop(&self) {
        self.rings.borrow_mut().to_drop = true;
    }

    /// Runs `part` so that a fault of it undoes what it did, and nothing else.
    pub(crate) fn part<T>(&self, part: impl FnOnce() -> Result<T, ClientFault>) -> Result<T, ClientFault> {
        self.db.execute_batch("SAVEPOINT part").map_err(StoreFault::from)?;
        let done = part();
        let end = if done.is_ok() { "RELEASE part" } else { "ROLLBACK TO part; RELEASE part" };
        self.db.execute_batch(end).map_err(StoreFault::from)?;
        done
    }

    /// Random octets.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        self.ambient.random()
    }

    /// A new id.
    pub(crate) fn new_id(&self) -> Id {
        Id::new(self.now, self.random())
    }

    pub(crate) fn set_cursor(&self, cursor: &Cursor) -> Result<(), ClientFault> {
        self.put("cursor", cursor)
    }

    /// Sets one of the client's own few values.
    pub(crate) fn put<T: Serialize>(&self, name: &str, value: &T) -> Result<(), ClientFault> {
        let sealed = self.close("own", name.as_bytes(), value)?;
        self.run("INSERT OR REPLACE INTO own (name, body) VALUES (?1, ?2)", params![name, sealed])?;
        Ok(())
    }

    /// Seals a value for its row.
    fn close<T: Serialize>(&self, table: &str, row: &[u8], value: &T) -> Result<Vec<u8>, ClientFault> {
        let plain =
            zeroize::Zeroizing::new(to_vec(value).map_err(|_| StoreFault::Unreadable("a new value"))?);
        Ok(self.seal.seal(table, row, &plain, self.random()).map_err(StoreFault::from)?)
    }

    fn run(&self, sql: &str, params: impl rusqlite::Params) -> Result<usize, ClientFault> {
        Ok(self.db.prepare_cached(sql).and_then(|mut sql| sql.execute(params)).map_err(StoreFault::from)?)
    }
}

#[cfg(test)]
mod tests {
    use drawbridge_client_api::ambient::System;
    use rusqlite::{ErrorCode, TransactionState};

    use super::*;

    fn store(folder: &Path) -> Store {
        let own = "mimi://a.example/u/ann/d/desk".parse().unwrap();
        let key = StorageKey::random(&System);
        Store::open(&folder.join("ann.sqlite"), &key, own, Settings::default(), Arc::new(System)).unwrap()
    }

    /// If it waited, this would end in a deadlock: the step waits for the read.
    #[test]
    fn a_read_amid_a_step_does_not_wait_for_it_and_sees_what_was_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let group: GroupUri = "mimi://a.example/g/tea".parse().unwrap();
        let seen = |store: &Store| store.read(|view| Ok((view.get("answer")?, view.told_head(&group))));
        store.step(|tx| tx.put("answer", &1)).unwrap();
        let amid = store.step(|tx| {
            tx.put("answer", &2)?;
            tx.set_told_head(&group, 7);
            assert_eq!((tx.get("answer")?, tx.told_head(&group)), (Some(2), Some(7)));
            seen(&store)
        });
        assert_eq!(amid.unwrap(), (Some(1), None));
        assert_eq!(seen(&store).unwrap(), (Some(2), Some(7)));
    }

    #[test]
    fn what_a_step_did_before_it_failed_is_undone_on_disk_and_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let group: GroupUri = "mimi://a.example/g/tea".parse().unwrap();
        let failed = store.step(|tx| {
            tx.put("answer", &1)?;
            tx.set_told_head(&group, 7);
            Err::<(), _>(ClientFault::NoMessage)
        });
        failed.unwrap_err();
        let seen = store.read(|view| Ok((view.get::<u64>("answer")?, view.told_head(&group))));
        assert_eq!(seen.unwrap(), (None, None));
    }

    /// What goes round the types is stopped by SQLite.
    #[test]
    fn a_read_begins_no_transaction_that_could_write() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let looked = store.read(|view| {
            view.cursor()?;
            assert_eq!(view.db.transaction_state(None::<&str>).unwrap(), TransactionState::Read);
            let refused = view.db.execute("DELETE FROM own", []).unwrap_err();
            assert_eq!(refused.sqlite_error_code(), Some(ErrorCode::ReadOnly));
            Ok(())
        });
        looked.unwrap();
    }
}
