//! Giving room back to the disk: pages on which nothing stands are taken off the end of the file, a few at a time.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::rewrite::{IN_STEPS, WANTED};
use super::{Store, StoreFault, Tx, View, unsigned};

/// What the store's file takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileSize {
    /// Octets of its pages.
    pub octets: u64,
    /// Those of them that nothing stands on: they are used for what comes, or given back.
    pub free: u64,
    /// Whether it can give them back in steps. One that was made by an older version can once it was written anew.
    pub gives_back: bool,
}

impl View<'_> {
    /// What the store's file takes.
    pub fn file_size(&self) -> Result<FileSize, StoreFault> {
        let number =
            |pragma| self.sql.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0).map(unsigned));
        let page = number("page_size")?;
        Ok(FileSize {
            octets: number("page_count")? * page,
            free: number("freelist_count")? * page,
            gives_back: number("auto_vacuum")? == IN_STEPS,
        })
    }
}

impl Tx<'_> {
    /// Gives about `octets` of free pages back: what stands at the end of the file is moved onto them. Returns how much that was, and what
    /// the file takes then. The file itself becomes shorter when the log is moved into it.
    pub fn give_back(&self, octets: u64) -> Result<(u64, FileSize), StoreFault> {
        let before = self.file_size()?.octets;
        let page: u32 = self.sql.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = octets.div_ceil(u64::from(page).max(1));
        // It is done page by page, a step of the statement for each.
        let mut statement = self.sql.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        let mut steps = statement.query([])?;
        while steps.next()?.is_some() {}
        let after = self.file_size()?;
        Ok((before.saturating_sub(after.octets), after))
    }

    /// Has the store written anew when it is next opened, so that it can give room back from then on.
    pub fn rewrite_at_next_start(&self) -> Result<(), StoreFault> {
        self.set_setting(WANTED, "yes")
    }
}

impl Store {
    /// Moves the log into the file, as far as nobody still reads what was before, and returns the octets that are left of it; with none,
    /// the file is as short as it can be. Who reads and writes goes on meanwhile.
    pub(crate) async fn move_log_into_file(&self) -> Result<u64, StoreFault> {
        let path = self.inner.path.clone();
        let moved = tokio::task::spawn_blocking(move || move_log(&path));
        moved.await.map_err(|_| StoreFault::Closed)?.map_err(StoreFault::Sql)
    }
}

fn move_log(path: &Path) -> Result<u64, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let page = connection.pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0))?;
    // How many pages are in the log, and how many of those are in the file by now; neither where the writer moves it itself just now.
    let [in_log, moved] = connection
        .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok([row.get::<_, i64>(1)?, row.get(2)?]))?;
    Ok(if in_log < 0 { u64::MAX } else { unsigned((in_log - moved) * page) })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use drawbridge_mtp::message::EventKind;
    use drawbridge_mtp::time::Timestamp;

    use super::*;
    use crate::ambient::System;
    use crate::ground::changes::Changes;
    use crate::store::open::open_for_reading;
    use crate::store::tests::Log;
    use crate::store::{Extent, FILE};

    const MIB: u64 = 1 << 20;

    #[tokio::test]
    async fn a_file_becomes_shorter_step_by_step_while_others_write_and_read() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let mut log = store
            .write::<_, StoreFault, _>(|tx| {
                let mut log = Log::begin(tx, "tea")?;
                for _ in 0..60 {
                    log.add(tx, EventKind::Application, 100_000)?;
                    // What stays stands between what goes.
                    log.add(tx, EventKind::Proposal, 5_000)?;
                }
                Ok(log)
            })
            .await
            .unwrap();
        assert_eq!(store.move_log_into_file().await.unwrap(), 0);
        let on_disk = || std::fs::metadata(dir.path().join(FILE)).unwrap().len();
        let full = on_disk();
        assert!(full > 6 * MIB, "{full}");
        let dropped = store.write::<_, StoreFault, _>(|tx| {
            let place = tx.log_places()?.remove(0);
            let all = Extent { count: u64::MAX, octets: u64::MAX };
            tx.drop_bodies(&place, place.head, Timestamp::MAX, all)?.unwrap();
            tx.file_size()
        });
        let mut size = dropped.await.unwrap();
        assert!(size.gives_back && size.free > 5 * MIB, "{size:?}");

        let mut steps = 0;
        while size.free > 0 {
            let (written, after) = tokio::join!(
                store.write::<_, StoreFault, _>(move |tx| {
                    log.add(tx, EventKind::Proposal, 10)?;
                    Ok(log)
                }),
                store.write::<_, StoreFault, _>(|tx| tx.give_back(MIB)),
            );
            log = written.unwrap();
            let (given, after) = after.unwrap();
            size = after;
            // A page in which SQLite notes where others are goes with them.
            let most = MIB + MIB / 64;
            assert!(given <= most && (given > 0 || size.free == 0), "a step gave {given} back: {size:?}");
            steps += 1;
        }
        assert!(steps >= 5, "{steps}");
        // Who reads what was before, as a backup does, keeps the file as it is for so long.
        assert_eq!(store.move_log_into_file().await.unwrap(), 0);
        let reader = open_for_reading(&dir.path().join(FILE)).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM event").unwrap();
        store.write::<_, StoreFault, _>(|tx| tx.set_setting("a", "b")).await.unwrap();
        assert!(store.move_log_into_file().await.unwrap() > 0);
        reader.execute_batch("COMMIT").unwrap();
        assert_eq!(store.move_log_into_file().await.unwrap(), 0);
        let file = on_disk();
        assert!(file <= size.octets && file < full - 5 * MIB, "{file} of {full}");
        let seen = store.read::<_, StoreFault>(move |view| {
            let is_whole: String = view.sql.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
            let kept = view.log_slice(&log.row, 0, log.row.head, 999, u64::MAX)?.events;
            Ok((is_whole, kept.iter().filter(|event| event.body.is_some()).count()))
        });
        assert_eq!(seen.await.unwrap(), ("ok".to_owned(), 60 + steps));
    }
}
