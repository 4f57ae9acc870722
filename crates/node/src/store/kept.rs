//! How much a peer can make us keep of what it has asked.

use drawbridge_mtp::id::Provider;
use rusqlite::OptionalExtension;

use super::{StoreFault, Tx, View, unsigned};

/// What a peer asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Requests for connections, and the connections.
    Connections,
    /// Requests to add our users to groups, and the grants.
    Authorizations,
}

impl Kept {
    /// The name of the table, and of the column that counts it.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Connections => ("connection", "connections"),
            Self::Authorizations => ("authorization", "authorizations"),
        }
    }
}

impl View<'_> {
    /// How much of `kind`, in any state, there is that `peer` has asked.
    pub fn count_kept(&self, peer: &Provider, kind: Kept) -> Result<u64, StoreFault> {
        let (_, column) = kind.names();
        let count: Option<i64> = self
            .sql
            .prepare_cached(&format!("SELECT {column} FROM kept WHERE peer = ?1"))?
            .query_row([peer.as_str()], |row| row.get(0))
            .optional()?;
        Ok(count.map_or(0, unsigned))
    }
}

impl Tx<'_> {
    /// Makes room for one more of `kind` that `peer` asks, of which `at_most` are kept: what has been over for the longest
    /// goes. `false` where there is none, since all the others count.
    pub fn make_room_for(&self, peer: &Provider, kind: Kept, at_most: u64) -> Result<bool, StoreFault> {
        if self.count_kept(peer, kind)? < at_most {
            return Ok(true);
        }
        let (table, _) = kind.names();
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
