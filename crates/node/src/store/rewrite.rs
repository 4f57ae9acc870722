//! Writing the store's file anew when it is opened, where it was made without being able to give room back in steps.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// The value of `auto_vacuum` by which free pages are given back in steps. A file that was made without it has to be written anew once.
pub(super) const IN_STEPS: u64 = 2;
/// A store that has no more than this in it is written anew without being asked for: it takes a second or a few.
pub(super) const QUICKLY_WRITTEN: u64 = 256 << 20;
/// What is left free on the disk when the store is written anew.
const LEFT_FREE: u64 = 64 << 20;
/// How often it is told how far writing a store anew is: nobody is served before that, so somebody may wait for it.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// The name of the setting by which the operator has asked for it.
pub(super) const WANTED: &str = "rewrite-store";

/// Octets of what is in the file, where it is to be written anew: it cannot give room back in steps, and there is no more in it than is
/// written `quickly`, or the operator has asked for it.
pub(super) fn octets_to_rewrite(
    connection: &Connection,
    quickly: u64,
) -> Result<Option<u64>, rusqlite::Error> {
    let number =
        |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0).map(u64::from));
    if number("auto_vacuum")? == IN_STEPS {
        return Ok(None);
    }
    let octets = number("page_count")?.saturating_sub(number("freelist_count")?) * number("page_size")?;
    Ok((octets <= quickly || is_wanted(connection)?).then_some(octets))
}

/// Writes the file anew, in which `octets` stand, so that it can give room back in steps. It is one transaction: a program that is
/// killed meanwhile leaves the file as it was.
pub(super) fn rewrite(
    connection: &Connection,
    path: &Path,
    octets: u64,
    free: Option<u64>,
) -> Result<(), String> {
    // All of it stands once in a temporary file and once in the log before it is in its place.
    let needed = 2 * octets + LEFT_FREE;
    // Where it cannot be known what is free, writing finds out.
    let on_disk = || fs4::available_space(path.parent().unwrap_or(Path::new(""))).ok();
    let free = free.or_else(on_disk).unwrap_or(u64::MAX);
    if free < needed {
        let (needed, free) = (needed.div_ceil(1 << 20), free >> 20);
        return Err(format!("it takes {needed} MiB on the disk meanwhile, and {free} MiB are free"));
    }
    let write = || {
        connection.pragma_update(None, "auto_vacuum", IN_STEPS)?;
        connection.execute_batch("VACUUM")?;
        connection.execute("DELETE FROM setting WHERE name = ?1", [WANTED])?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    };
    telling(path, octets, write).map_err(|fault| fault.to_string())
}

/// Does `write`, which writes `octets` into the log of the store at `path` and from there into the store, and tells how far it is.
fn telling<T>(path: &Path, octets: u64, write: impl FnOnce() -> T) -> T {
    let mut log = path.to_owned().into_os_string();
    log.push("-wal");
    let mib = octets.div_ceil(1 << 20);
    std::thread::scope(|scope| {
        let (done, is_done) = channel::<()>();
        scope.spawn(move || {
            let begun = Instant::now();
            while is_done.recv_timeout(TELL_EVERY) == Err(RecvTimeoutError::Timeout) {
                let written = std::fs::metadata(&log).map_or(0, |log| log.len().min(octets)) >> 20;
                let seconds = begun.elapsed().as_secs();
                tracing::info!(
                    "the store is being written anew for {seconds} s now, and nobody is served before that: {written} of {mib} MiB of \
                     it are in its log, from where they go into the file"
                );
            }
        });
        let written = write();
        drop(done);
        written
    })
}

fn is_wanted(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection.prepare("SELECT 1 FROM setting WHERE name = ?1")?.exists([WANTED])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vacuum(connection: &Connection) -> u64 {
        connection.pragma_query_value(None, "auto_vacuum", |row| row.get::<_, u32>(0)).unwrap().into()
    }

    #[test]
    fn a_large_file_is_written_anew_where_it_is_wanted_and_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("old.sqlite");
        let old = Connection::open(&path).unwrap();
        old.pragma_update(None, "journal_mode", "WAL").unwrap();
        old.execute_batch(
            "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
             CREATE TABLE large AS SELECT zeroblob(300000) AS bytes;",
        )
        .unwrap();
        assert_eq!(octets_to_rewrite(&old, 100_000).unwrap(), None, "it takes too long to be done unasked");
        old.execute("INSERT INTO setting VALUES (?1, 'yes')", [WANTED]).unwrap();
        let octets = octets_to_rewrite(&old, 100_000).unwrap().unwrap();
        assert!(octets > 300_000);
        let refused = rewrite(&old, &path, octets, Some(LEFT_FREE)).unwrap_err();
        assert!(refused.contains("MiB are free"), "{refused}");
        assert_eq!((vacuum(&old), is_wanted(&old).unwrap()), (0, true));

        rewrite(&old, &path, octets, None).unwrap();
        assert_eq!((vacuum(&old), is_wanted(&old).unwrap()), (IN_STEPS, false));
        assert_eq!(octets_to_rewrite(&old, 100_000).unwrap(), None);
        let kept = old.query_row("SELECT length(bytes) FROM large", [], |row| row.get::<_, u32>(0));
        assert_eq!(kept.unwrap(), 300_000);
    }

    #[test]
    fn a_small_file_is_written_anew_unasked() {
        let old = Connection::open_in_memory().unwrap();
        old.execute_batch("CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)").unwrap();
        assert!(octets_to_rewrite(&old, 100_000).unwrap().is_some());
    }
}
