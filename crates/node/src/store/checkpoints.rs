//! What the owners of groups have said of their logs, and where they have said two things (section 10).

use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::octets::Hash32;
use rusqlite::{OptionalExtension, Row, params};

use crate::ground::changes::Change;

use super::groups::{GroupRow, hash_at};
use super::{StoreFault, Tx, View, parsed, signed, unsigned};

/// So many proofs that an owner told two stories are kept of each group, the latest.
const CONTRADICTIONS: u32 = 20;

/// A checkpoint of a group's owner, whose signature was good when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCheckpoint {
    /// The number of the last event that it covers.
    pub seq: u64,
    /// The hash of that event.
    pub hash: Hash32,
    /// The checkpoint, a compact JWS.
    pub jws: String,
}

impl View<'_> {
    /// The newest checkpoint of a group's owner that is at hand.
    pub fn checkpoint(&self, id: i64) -> Result<Option<KeptCheckpoint>, StoreFault> {
        self.sql
            .prepare_cached("SELECT seq, hash, jws FROM checkpoint WHERE grp = ?1")?
            .query_row([id], |row| Ok(kept(row, 0)))
            .optional()?
            .transpose()
    }

    /// The groups of other owners than `ours` of whose log more is here than the newest checkpoint covers, or which are broken.
    pub fn groups_beyond_checkpoint(&self, ours: &Provider) -> Result<Vec<GroupUri>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT uri FROM mls_group LEFT JOIN checkpoint ON grp = id
             WHERE owner <> ?1 AND (standing = 'broken' OR standing IN ('live', 'joining') AND head > coalesce(seq, 0))",
        )?;
        let mut rows = statement.query([ours.as_str()])?;
        let mut groups = Vec::new();
        while let Some(row) = rows.next()? {
            groups.push(parsed("a group", row.get(0)?)?);
        }
        Ok(groups)
    }
}

impl Tx<'_> {
    /// Keeps a checkpoint in the place of the one before.
    pub fn keep_checkpoint(&self, group: &GroupRow, checkpoint: &KeptCheckpoint) -> Result<(), StoreFault> {
        let KeptCheckpoint { seq, hash, jws } = checkpoint;
        self.sql
            .prepare_cached(
                "INSERT OR REPLACE INTO checkpoint (grp, seq, hash, jws) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![group.id, signed(*seq), hash.as_bytes(), jws])?;
        self.changed(Change::Dealings(group.owner().clone()));
        Ok(())
    }

    /// Keeps what proves that the owner of a group told two stories: `said` says of its event something else than `had`, as
    /// the checkpoint `before` or the event itself has it. The same twice is kept once.
    pub fn keep_contradiction(
        &self,
        id: i64,
        had: Hash32,
        before: Option<&str>,
        said: &KeptCheckpoint,
    ) -> Result<(), StoreFault> {
        self.sql.execute(
            "INSERT OR IGNORE INTO contradiction (grp, seq, had, before, said, jws, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                id,
                signed(said.seq),
                had.as_bytes(),
                before,
                said.hash.as_bytes(),
                said.jws,
                signed(self.now().as_millis())
            ],
        )?;
        // How many there come to be is the owner's doing.
        self.sql.execute(
            "DELETE FROM contradiction WHERE grp = ?1 AND at NOT IN
               (SELECT at FROM contradiction WHERE grp = ?1 ORDER BY at DESC LIMIT ?2)",
            params![id, CONTRADICTIONS],
        )?;
        Ok(())
    }
}

/// Reads a number, a hash and a checkpoint, from the column `at` on.
pub(super) fn kept(row: &Row<'_>, at: usize) -> Result<KeptCheckpoint, StoreFault> {
    Ok(KeptCheckpoint { seq: unsigned(row.get(at)?), hash: hash_at(row, at + 1)?, jws: row.get(at + 2)? })
}
