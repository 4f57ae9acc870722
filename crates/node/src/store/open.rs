//! Opening a store: made where it is absent, and brought to this version where it is older.

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use super::rewrite::{IN_STEPS, QUICKLY_WRITTEN, octets_to_rewrite, rewrite};
use super::snapshot::{SaveFault, Snapshot};

/// `DRWB`: marks a database as a node's.
const APPLICATION_ID: i32 = 0x4452_5742;
/// Pages that the log may have before they are moved into the file, 16 MiB: the same few pages change again and again,
/// and are moved once.
const LOG_PAGES: u32 = 4096;

/// How the name of a copy begins that is made before the store is brought to another version; its version follows.
const COPY: &str = "store.sqlite.v";

/// More statements than there are here.
const STATEMENTS: usize = 256;

/// What has made of an empty store one of this version, step by step.
const MIGRATIONS: [&str; 19] = [
    include_str!("migrations/1-first.sql"),
    include_str!("migrations/2-groups.sql"),
    include_str!("migrations/3-keys.sql"),
    include_str!("migrations/4-adopted.sql"),
    include_str!("migrations/5-feeds.sql"),
    include_str!("migrations/6-key-packages.sql"),
    include_str!("migrations/7-consent.sql"),
    include_str!("migrations/8-checkpoints.sql"),
    include_str!("migrations/9-grants.sql"),
    include_str!("migrations/10-unproved.sql"),
    include_str!("migrations/11-branches.sql"),
    include_str!("migrations/12-one-commit.sql"),
    include_str!("migrations/13-roster.sql"),
    include_str!("migrations/14-repairs.sql"),
    include_str!("migrations/15-evidence.sql"),
    include_str!("migrations/16-never-let-in.sql"),
    include_str!("migrations/17-sizes.sql"),
    include_str!("migrations/18-letting-go.sql"),
    include_str!("migrations/19-stored.sql"),
];

/// How many steps there are.
#[allow(clippy::cast_possible_truncation, reason = "there are a few")]
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenFault {
    /// The file is something else, or its beginning is damaged.
    #[error("{0} is not a Drawbridge store, or is damaged: put it back from a backup of the data folder")]
    Foreign(PathBuf),
    /// It was written by a later version.
    #[error(
        "{0} was written by a newer version of Drawbridge: run that version, or put back a backup of the data folder from \
         before it was updated"
    )]
    Newer(PathBuf),
    /// A part of the file is not what SQLite has written.
    #[error("{path} is damaged ({fault}): put it back from a backup of the data folder")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: String,
    },
    /// There is no room for what comes beside the file while it is in use.
    #[error(
        "{path} cannot be opened as a store, since its disk is full or does not work ({fault}); make room, or look at the disk"
    )]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: rusqlite::Error,
    },
    /// The file cannot be opened.
    #[error("{path} cannot be opened as a store: {fault}")]
    Sql {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: rusqlite::Error,
    },
    /// The copy from before the steps to this version cannot be written.
    #[error(
        "{path} is of an older version, and no copy of it can be written before it is brought to this one: {fault}; make room on the \
         disk, and start again"
    )]
    NoCopy {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: std::io::Error,
    },
    /// A step to this version failed.
    #[error("{path} cannot be brought to this version: {fault}")]
    Migration {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: rusqlite_migration::Error,
    },
}

impl OpenFault {
    /// Tells what is wrong with the file at `path` from what is wrong with the machine.
    pub(super) fn of(path: &Path, fault: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match fault.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => Self::Foreign(path),
            Some(rusqlite::ErrorCode::DatabaseCorrupt) => Self::Damaged { path, fault: fault.to_string() },
            Some(rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::SystemIoFailure) => {
                Self::Disk { path, fault }
            }
            _ => Self::Sql { path, fault },
        }
    }

    /// Whether the disk is at fault, and not what is on it.
    pub(crate) fn is_of_disk(&self) -> bool {
        matches!(self, Self::Disk { .. } | Self::NoCopy { .. })
    }

    fn of_migration(path: &Path, fault: rusqlite_migration::Error) -> Self {
        use rusqlite_migration::{Error, MigrationDefinitionError};
        match fault {
            Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
                Self::Newer(path.to_owned())
            }
            Error::RusqliteError { err, .. } => Self::of(path, err),
            fault => Self::Migration { path: path.to_owned(), fault },
        }
    }
}

/// Opens the store at `path`. Where the machine is made to say how much of its disk is `free`, that counts.
pub(super) fn open_for_writing(path: &Path, free: Option<u64>) -> Result<Connection, OpenFault> {
    let sql = |fault| OpenFault::of(path, fault);
    let mut connection = Connection::open(path).map_err(sql)?;
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).map_err(sql)?;
    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(sql)?;
    if objects > 0 && application != APPLICATION_ID {
        return Err(OpenFault::Foreign(path.to_owned()));
    }
    if objects == 0 {
        // Before anything stands in it.
        connection.pragma_update(None, "auto_vacuum", IN_STEPS).map_err(sql)?;
    }
    connection.pragma_update(None, "journal_mode", "WAL").map_err(sql)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(sql)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES).map_err(sql)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(sql)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(sql)?;
    keep_statements(&connection).map_err(sql)?;
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(sql)?;
    if (1..VERSION).contains(&version) {
        keep_copy(path, version)?;
    }
    Migrations::from_iter(MIGRATIONS.map(M::up))
        .to_latest(&mut connection)
        .map_err(|fault| OpenFault::of_migration(path, fault))?;
    if let Some(octets) = octets_to_rewrite(&connection, QUICKLY_WRITTEN).map_err(sql)? {
        // Where it cannot be done, all goes on as before but for giving room back.
        match rewrite(&connection, path, octets, free) {
            Ok(()) => tracing::info!("the store was written anew, and gives room back in steps from now on"),
            Err(reason) => {
                tracing::warn!("the store was not written anew, which giving room back needs: {reason}")
            }
        }
    }
    Ok(connection)
}

/// Keeps the store as it is before it is brought from `version` to this one, in `store.sqlite.vN` beside it, in the place of such a
/// copy of a version before.
fn keep_copy(path: &Path, version: u32) -> Result<(), OpenFault> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let copy = folder.join(format!("{COPY}{version}"));
    let no_copy = |fault| OpenFault::NoCopy { path: path.to_owned(), fault };
    let written = Snapshot::take(path).map_err(|fault| OpenFault::of(path, fault))?.save(&copy);
    written.map_err(|fault| match fault {
        SaveFault::Read(fault) => OpenFault::of(path, fault),
        SaveFault::Write(fault) => no_copy(fault),
    })?;
    let entries = std::fs::read_dir(folder).map_err(no_copy)?.flatten();
    let older = entries.filter(|entry| {
        let name = entry.file_name();
        let of = name.to_str().and_then(|name| name.strip_prefix(COPY)?.parse::<u32>().ok());
        of.is_some_and(|of| of < version)
    });
    for older in older {
        std::fs::remove_file(older.path()).map_err(no_copy)?;
    }
    Ok(())
}

/// Takes more room than there is in a file that may become no larger, so that SQLite fails as it does where a disk is full:
/// there, whatever was written needs room in the log.
pub(super) fn take_more_room(transaction: &Connection) -> Result<(), rusqlite::Error> {
    /// The most that SQLite allows, as it is where nothing else is said.
    const NO_LIMIT: u32 = 0xffff_fffe;
    let number = |pragma| transaction.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let limit =
        |pages: i64| transaction.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()));
    let too_much = (number("freelist_count")? + 1) * number("page_size")?;
    limit(number("page_count")?)?;
    let taken = transaction.execute_batch(&format!("CREATE TABLE no_room AS SELECT zeroblob({too_much})"));
    // The next transaction may find room.
    limit(NO_LIMIT.into())?;
    taken
}

pub(super) fn open_for_reading(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI,
    )?;
    keep_statements(&connection)?;
    Ok(connection)
}

/// Has statements compiled once. For each value of a `LIMIT ?` SQLite would look for another plan, and compile anew, unless
/// it is told to stay with the one it has.
fn keep_statements(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rusqlite::StatementStatus;

    use super::*;
    use crate::ambient::System;
    use crate::ground::changes::Changes;
    use crate::store::{Reader, Store, StoreFault};

    #[test]
    fn statements_are_compiled_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.sqlite");
        for connection in [open_for_writing(&path, None).unwrap(), open_for_reading(&path).unwrap()] {
            let mut statement =
                connection.prepare("SELECT * FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2").unwrap();
            for most in [1, 20, 3] {
                assert!(!statement.exists([0, most]).unwrap());
            }
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
        }
    }

    #[test]
    fn a_full_disk_is_no_fault_of_the_file_and_can_pass() {
        let fault = |code| {
            OpenFault::of(
                Path::new("store.sqlite"),
                rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None),
            )
        };
        for code in [rusqlite::ffi::SQLITE_FULL, rusqlite::ffi::SQLITE_IOERR] {
            let fault = fault(code);
            assert!(fault.is_of_disk() && fault.to_string().contains("make room"), "{fault}");
        }
        assert!(!fault(rusqlite::ffi::SQLITE_CORRUPT).is_of_disk());
    }

    #[test]
    fn a_file_that_is_no_store_of_this_version_is_named_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.sqlite");
        let said = || open_for_writing(&path, None).expect_err("it is not to be opened");
        drop(open_for_writing(&path, None).unwrap());
        let whole = std::fs::read(&path).unwrap();

        let next = MIGRATIONS.len() + 1;
        Connection::open(&path).unwrap().pragma_update(None, "user_version", next).unwrap();
        let newer = said();
        assert!(matches!(newer, OpenFault::Newer(_)), "{newer:?}");

        // Its beginning, its table of contents, and something else altogether.
        let mut contents = whole.clone();
        contents[100..4000].fill(0x5a);
        for content in [vec![0x5a; whole.len()], contents, b"a letter to a friend".repeat(100)] {
            std::fs::write(&path, content).unwrap();
            let damaged = said();
            assert!(matches!(damaged, OpenFault::Foreign(_) | OpenFault::Damaged { .. }), "{damaged:?}");
            let text = damaged.to_string();
            assert!(text.contains("store.sqlite") && text.contains("backup"), "{text}");
        }
    }

    /// A store before feeds had numbers: one feed with an event and an item behind it, one of which all was dropped, and
    /// one whose client was removed while it was told of a group.
    #[tokio::test]
    async fn the_feeds_of_an_older_store_go_on_where_they_were() {
        let dir = tempfile::tempdir().unwrap();
        {
            let mut old = Connection::open(dir.path().join("store.sqlite")).unwrap();
            old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
            Migrations::from_iter(MIGRATIONS[..4].iter().copied().map(M::up)).to_latest(&mut old).unwrap();
            old.execute_batch(
                r#"INSERT INTO mls_group (id, uri, owner, created, epoch, first, head, hash, suite, standing)
                     VALUES (7, 'mimi://a.example/g/tea', 'a.example', 1, 0, 1, 1, zeroblob(32), 1, 'live');
                   INSERT INTO event (grp, seq, kind, epoch, sender, time, body, size, body_hash, prev, hash)
                     VALUES (7, 1, 'created', 0, 'mimi://a.example/u/ann/d/x', 1, x'01', 1, zeroblob(32),
                             zeroblob(32), zeroblob(32));
                   INSERT INTO feed (reader, generation, first, head, acked) VALUES
                     ('b.example', 'g1', 4, 5, 3), ('c.example', 'g2', 10, 9, 9);
                   INSERT INTO feed_item (reader, seq, item, at, body, grp, event) VALUES
                     ('b.example', 4, x'01900000000070008000000000000001', 1, x'', 7, 1),
                     ('b.example', 5, x'01900000000070008000000000000002', 2,
                      CAST('{"seq":5,"id":"01900000-0000-7000-8000-000000000002","type":"removed",' ||
                           '"removed":{"group":"mimi://a.example/g/tea","after_seq":1}}' AS BLOB), NULL, NULL);
                   INSERT INTO audience (grp, reader, since) VALUES
                     (7, 'b.example', 1), (7, 'mimi://a.example/u/ann/d/gone', 1);
                   INSERT INTO object (sha256, reader, seq, bytes) VALUES (zeroblob(32), 'b.example', 4, x'0203');"#,
            )
            .unwrap();
        }
        std::fs::write(dir.path().join("store.sqlite.v3"), "of an earlier time").unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        // As it was before, it is kept until the next time.
        let version = |name: &str| -> u32 {
            let copy = Connection::open(dir.path().join(name)).unwrap();
            copy.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
        };
        assert_eq!((version("store.sqlite.v4"), version("store.sqlite")), (4, VERSION));
        assert!(!dir.path().join("store.sqlite.v3").exists());
        let [b, c] = ["b.example", "c.example"].map(|peer| Reader::Peer(peer.parse().unwrap()));
        let (of_b, of_c) = (b.clone(), c.clone());
        let seen = store.write(move |tx| {
            let group = tx.group(&"mimi://a.example/g/tea".parse().unwrap())?.unwrap();
            let next = tx.append(&of_c, &tx.feed_slice(&of_b, 4, 1, 1)?.items[0].body)?;
            let places = [&of_b, &of_c].map(|reader| tx.feed(reader).unwrap().unwrap());
            let ends = places.map(|place| (place.generation.to_string(), place.first, place.head));
            let bytes = tx.object(&of_b, &drawbridge_mtp::octets::Hash32([0; 32]))?;
            Ok::<_, StoreFault>((
                tx.feed_slice(&of_b, 0, 9, 9_999)?,
                tx.audience(group.id)?,
                next,
                ends,
                bytes,
            ))
        });
        let (slice, audience, next, ends, bytes) = seen.await.unwrap();
        let kinds: Vec<_> = slice.items.iter().map(|item| (item.seq, item.body.kind())).collect();
        assert_eq!(kinds, [(4, "event"), (5, "removed")]);
        assert_eq!(audience.iter().map(|row| &row.reader).collect::<Vec<_>>(), [&b]);
        assert_eq!(next, 10);
        assert_eq!(ends, [("g1".into(), 4, 5), ("g2".into(), 10, 10)]);
        assert_eq!(bytes.unwrap(), [2, 3]);
    }

    #[test]
    fn the_rosters_of_an_older_store_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.sqlite");
        {
            let mut old = Connection::open(&path).unwrap();
            old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
            Migrations::from_iter(MIGRATIONS[..12].iter().copied().map(M::up)).to_latest(&mut old).unwrap();
            old.execute_batch(
                "INSERT INTO mls_group (id, uri, owner, created, epoch, first, head, hash, suite, standing)
                   VALUES (7, 'mimi://a.example/g/tea', 'a.example', 1, 0, 1, 1, zeroblob(32), 1, 'live');
                 INSERT INTO member (grp, leaf, client, user, provider, since_epoch, added_by) VALUES
                   (7, 0, 'mimi://a.example/u/ann/d/x', 'mimi://a.example/u/ann', 'a.example', 0, ''),
                   (7, 1, 'mimi://a.example/u/ann/d/y', 'mimi://a.example/u/ann', 'a.example', 0, ''),
                   (7, 2, 'mimi://b.example/u/bob/d/x', 'mimi://b.example/u/bob', 'b.example', 0, '');",
            )
            .unwrap();
        }
        let opened = open_for_writing(&path, None).unwrap();
        let counted = opened.query_row("SELECT grp, clients, users, providers FROM roster", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        });
        assert_eq!(counted.unwrap(), (7, 3, 2, 2));
    }

    #[tokio::test]
    async fn what_an_older_store_has_is_counted_and_it_can_give_room_back() {
        let dir = tempfile::tempdir().unwrap();
        {
            let mut old = Connection::open(dir.path().join("store.sqlite")).unwrap();
            old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
            Migrations::from_iter(MIGRATIONS[..16].iter().copied().map(M::up)).to_latest(&mut old).unwrap();
            old.execute_batch(
                "INSERT INTO mls_group (id, uri, owner, created, epoch, first, head, hash, suite, standing)
                   VALUES (7, 'mimi://a.example/g/tea', 'a.example', 1, 0, 1, 2, zeroblob(32), 1, 'live');
                 INSERT INTO event (grp, seq, kind, epoch, sender, time, body, grants, size, body_hash, prev, hash) VALUES
                   (7, 1, 'created', 0, 'mimi://a.example/u/ann/d/x', 1, zeroblob(1000), NULL, 1000, x'', x'', x''),
                   (7, 2, 'commit', 0, 'mimi://a.example/u/ann/d/x', 1, NULL, zeroblob(30), 5, x'', x'', x'');
                 INSERT INTO feed (id, reader, generation, first) VALUES (3, 'b.example', 'g', 1);
                 INSERT INTO feed_item (feed, seq, item, at, body, grp, event) VALUES
                   (3, 1, zeroblob(16), 1, NULL, 7, 1), (3, 2, zeroblob(16), 1, zeroblob(200), NULL, NULL);
                 INSERT INTO object (sha256, feed, seq, bytes) VALUES (zeroblob(32), 3, 2, zeroblob(4000));",
            )
            .unwrap();
        }
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let (logs, feeds, file) = store
            .read::<_, StoreFault>(|view| Ok((view.log_sizes()?, view.feed_sizes()?, view.file_size()?)))
            .await
            .unwrap();
        assert_eq!((logs[0].events, logs[0].content_octets, logs[0].bodies_from), (2, 1030, 1));
        assert_eq!((feeds[0].items, feeds[0].waiting), (2, 2));
        assert!((4200..4400).contains(&feeds[0].octets), "{feeds:?}");
        assert!(file.gives_back);
    }

    #[test]
    fn who_was_never_let_in_in_an_older_store_waits_again_and_the_others_stay_held_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.sqlite");
        {
            let mut old = Connection::open(&path).unwrap();
            old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
            Migrations::from_iter(MIGRATIONS[..15].iter().copied().map(M::up)).to_latest(&mut old).unwrap();
            old.execute_batch(
                "INSERT INTO peer (provider, state, since) VALUES
                   ('a.example', 'key-changed', 1), ('b.example', 'key-changed', 1), ('c.example', 'blocked', 1);
                 INSERT INTO peer_key (provider, thumbprint) VALUES ('a.example', 'x'), ('b.example', 'y');
                 INSERT INTO feed (reader, generation, first) VALUES ('b.example', 'g', 2);",
            )
            .unwrap();
        }
        let opened = open_for_writing(&path, None).unwrap();
        let list = |query: &str| {
            let mut statement = opened.prepare(query).unwrap();
            let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            rows.map(Result::unwrap).collect::<Vec<_>>()
        };
        let states = "SELECT provider || ' ' || state FROM peer ORDER BY provider";
        assert_eq!(list(states), ["a.example pending", "b.example key-changed", "c.example blocked"]);
        assert_eq!(list("SELECT provider FROM peer_key"), ["b.example"]);
    }
}
