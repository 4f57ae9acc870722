//! How much a peer can make us keep of what it has asked.

use drawbridge_mtp::id::Provider;
use rusqlite::OptionalExtension;

use super::requests::Subject;
use super::{StoreFault, Tx, View, unsigned};

impl View<'_> {
    /// How many requests about `S`, in any state, there are that `peer` has made.
    pub fn count_kept<S: Subject>(&self, peer: &Provider) -> Result<u64, StoreFault> {
        // Triggers count the rows of each table in the column that is called by the table's plural.
        let count: Option<i64> = self
            .sql
            .prepare_cached(&format!("SELECT {}s FROM kept WHERE peer = ?1", S::TABLE))?
            .query_row([peer.as_str()], |row| row.get(0))
            .optional()?;
        Ok(count.map_or(0, unsigned))
    }
}

impl Tx<'_> {
    /// Makes room for one more request about `S` that `peer` makes, of which `at_most` are kept: what has been over for the
    /// longest goes. `false` where there is none, since all the others count.
    pub fn make_room_for<S: Subject>(&self, peer: &Provider, at_most: u64) -> Result<bool, StoreFault> {
        if self.count_kept::<S>(peer)? < at_most {
            return Ok(true);
        }
        let table = S::TABLE;
        let over = |state| {
            format!(
                "SELECT * FROM (SELECT id, changed FROM {table}
                 WHERE peer = ?1 AND outgoing = 0 AND state = '{state}' ORDER BY changed LIMIT 1)"
            )
        };
        let (ended, expired) = (over("ended"), over("expired"));
        let gone = self
            .sql
            .prepare_cached(&format!(
                "DELETE FROM {table} WHERE peer = ?1 AND outgoing = 0 AND id =
                   (SELECT id FROM ({ended} UNION ALL {expired}) ORDER BY changed LIMIT 1)"
            ))?
            .execute([peer.as_str()])?;
        Ok(gone == 1)
    }
}
