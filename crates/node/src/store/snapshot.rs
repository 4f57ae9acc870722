//! The file of a store as it is at one moment, read while the store is in use.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// Pages that are kept in memory: each is wanted once.
const CACHE_PAGES: u32 = 64;

/// An SQLite file as it was when this was taken, until this is dropped. Who writes goes on meanwhile: what changes stands in the
/// file's log until then.
pub(crate) struct Snapshot {
    connection: Connection,
    octets: u64,
    version: u32,
}

impl Snapshot {
    /// Takes the file `path` as it is now.
    pub(crate) fn take(path: &Path) -> Result<Self, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.pragma_update(None, "cache_size", CACHE_PAGES)?;
        // The first question sets the moment.
        connection.execute_batch("BEGIN")?;
        let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0));
        let version = number("user_version")?;
        let octets = u64::from(number("page_count")?) * u64::from(number("page_size")?);
        Ok(Self { connection, octets, version })
    }

    /// How large it is.
    pub(crate) fn octets(&self) -> u64 {
        self.octets
    }

    /// How many migrations have made it what it is.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// Hands over its pages in order, until `take` has had enough.
    ///
    /// The file itself is not opened for this: where it is closed again, the system would end the locks that this process has on it.
    pub(crate) fn read(self, mut take: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), rusqlite::Error> {
        let mut pages = self.connection.prepare("SELECT data FROM sqlite_dbpage ORDER BY pgno")?;
        let mut rows = pages.query([])?;
        while let Some(row) = rows.next()? {
            if take(row.get_ref(0)?.as_blob()?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Writes it to the file `path`, whole or not at all, which nobody but us can read.
    pub(super) fn save(self, path: &Path) -> Result<(), SaveFault> {
        let draft = path.with_extension("part");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = BufWriter::new(options.open(&draft).map_err(SaveFault::Write)?);
        let mut written = Ok(());
        let read = self.read(|page| {
            written = file.write_all(page);
            if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let finish = || {
            written?;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            fs::rename(&draft, path)
        };
        let saved = read.map_err(SaveFault::Read).and_then(|()| finish().map_err(SaveFault::Write));
        if saved.is_err() {
            let _ = fs::remove_file(&draft);
        }
        saved
    }
}

/// Why a snapshot is not saved.
#[derive(Debug)]
pub(super) enum SaveFault {
    /// It cannot be read.
    Read(rusqlite::Error),
    /// The file cannot be written.
    Write(io::Error),
}
