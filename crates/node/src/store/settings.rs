//! Single values.

use rusqlite::{OptionalExtension, params};

use crate::ground::changes::Change;

use super::{StoreFault, Tx, View};

impl View<'_> {
    /// The value of a setting.
    pub fn setting(&self, name: &str) -> Result<Option<String>, StoreFault> {
        Ok(self
            .sql
            .prepare_cached("SELECT value FROM setting WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?)
    }
}

impl Tx<'_> {
    /// Sets a setting.
    pub fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreFault> {
        self.sql.execute(
            "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
            params![name, value],
        )?;
        self.changed(Change::Settings);
        Ok(())
    }
}
