//! What peers have taken back before it came (section 7): connections and authorizations alike, since an id is used
//! once.

use drawbridge_mtp::id::{Id, Provider};
use drawbridge_mtp::time::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{StoreFault, Tx, View, signed, unsigned};

impl View<'_> {
    /// Whether `id` of `peer` was taken back before it came.
    pub fn is_withdrawn(&self, peer: &Provider, id: Id) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached("SELECT 1 FROM withdrawn WHERE peer = ?1 AND id = ?2")?
            .exists(params![peer.as_str(), id.as_bytes()])?)
    }

    /// How many ids are kept that `peer` has taken back before they came.
    pub fn count_withdrawn(&self, peer: &Provider) -> Result<u64, StoreFault> {
        let mut statement = self.sql.prepare_cached("SELECT count(*) FROM withdrawn WHERE peer = ?1")?;
        Ok(unsigned(statement.query_row([peer.as_str()], |row| row.get(0))?))
    }
}

impl Tx<'_> {
    /// Notes that `peer` has taken back `id` before it came. Of what it has taken back so, the latest
    /// `at_most` are kept.
    pub fn withdraw(&self, peer: &Provider, id: Id, at_most: u64) -> Result<(), StoreFault> {
        if self.is_withdrawn(peer, id)? {
            return Ok(());
        }
        let last: Option<i64> = self
            .sql
            .prepare_cached("SELECT place FROM withdrawn WHERE peer = ?1 ORDER BY place DESC LIMIT 1")?
            .query_row([peer.as_str()], |row| row.get(0))
            .optional()?;
        let place = last.unwrap_or(0) + 1;
        self.sql
            .prepare_cached("INSERT INTO withdrawn (peer, place, id, at) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![peer.as_str(), place, id.as_bytes(), signed(self.now().as_millis())])?;
        self.sql
            .prepare_cached("DELETE FROM withdrawn WHERE peer = ?1 AND place <= ?2")?
            .execute(params![peer.as_str(), place.saturating_sub(signed(at_most))])?;
        Ok(())
    }

    /// Forgets what was taken back before `since`.
    pub fn prune_withdrawn(&self, since: Timestamp) -> Result<(), StoreFault> {
        self.sql.execute("DELETE FROM withdrawn WHERE at < ?1", [signed(since.as_millis())])?;
        Ok(())
    }
}
