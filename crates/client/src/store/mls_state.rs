//! MLS state, as openmls asks for it: values under keys that are hashes, so that the file tells nothing of whose keys it
//! holds.

use rusqlite::{OptionalExtension, params};
use zeroize::Zeroizing;

use super::{Tx, View};
use crate::fault::StoreFault;

const TABLE: &str = "mls";

impl View<'_> {
    /// The value under `key`.
    pub(crate) fn mls_value(&self, key: &[u8; 32]) -> Result<Option<Zeroizing<Vec<u8>>>, StoreFault> {
        let sealed: Option<Vec<u8>> = self
            .db
            .prepare_cached("SELECT body FROM mls WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?;
        Ok(sealed.map(|sealed| self.seal.open(TABLE, key, &sealed)).transpose()?)
    }
}

impl Tx<'_> {
    /// Sets the value under `key`.
    pub(crate) fn put_mls_value(&self, key: &[u8; 32], plain: &[u8]) -> Result<(), StoreFault> {
        let sealed = self.seal.seal(TABLE, key, plain, self.random())?;
        self.db
            .prepare_cached("INSERT OR REPLACE INTO mls (key, body) VALUES (?1, ?2)")?
            .execute(params![key, sealed])?;
        Ok(())
    }

    /// Destroys the value under `key`.
    pub(crate) fn forget_mls_value(&self, key: &[u8; 32]) -> Result<(), StoreFault> {
        self.db.prepare_cached("DELETE FROM mls WHERE key = ?1")?.execute([key])?;
        Ok(())
    }
}
