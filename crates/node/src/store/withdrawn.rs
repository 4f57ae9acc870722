//! What peers have taken back before it came (section 7): connections and authorizations alike, since an id is used
//! once.

use drawbridge_mtp::id::{Id, Provider};
use drawbridge_mtp::time::Timestamp;
use rusqlite::params;

use super::{StoreFault, Tx, View, signed};

impl View<'_> {
    /// Whether `id` of `peer` was taken back before it came.
    pub fn is_withdrawn(&self, peer: &Provider, id: Id) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached("SELECT 1 FROM withdrawn WHERE peer = ?1 AND id = ?2")?
            .exists(params![peer.as_str(), id.as_bytes()])?)
    }
}

impl Tx<'_> {
    /// Notes that `peer` has taken back `id` before it came. Of what it has taken back so, the latest
    /// `at_most` are kept.
    pub fn withdraw(&self, peer: &Provider, id: Id, at_most: u64) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached("INSERT OR IGNORE INTO withdrawn (peer, id, at) VALUES (?1, ?2, ?3)")?
            .execute(params![peer.as_str(), id.as_bytes(), signed(self.now().as_millis())])?;
        self.sql
            .prepare_cached(
                "DELETE FROM withdrawn WHERE peer = ?1 AND id IN
                   (SELECT id FROM withdrawn WHERE peer = ?1 ORDER BY at DESC, id DESC LIMIT -1 OFFSET ?2)",
            )?
            .execute(params![peer.as_str(), signed(at_most)])?;
        Ok(())
    }

    /// Forgets what was taken back before `since`.
    pub fn prune_withdrawn(&self, since: Timestamp) -> Result<(), StoreFault> {
        self.sql.execute("DELETE FROM withdrawn WHERE at < ?1", [signed(since.as_millis())])?;
        Ok(())
    }
}
