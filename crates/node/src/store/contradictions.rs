//! What proves that an owner told two stories of its log. It is kept for whoever has to be shown it, and read by tests alone.

use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::time::Timestamp;

use super::checkpoints::{KeptCheckpoint, kept};
use super::groups::hash_at;
use super::{StoreFault, View, time};

/// Two things that an owner has said of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The number of the event.
    pub seq: u64,
    /// The hash that it had before.
    pub had: Hash32,
    /// The checkpoint that said so; none where the event itself did.
    pub before: Option<String>,
    /// The checkpoint that says otherwise.
    pub said: KeptCheckpoint,
    /// When that came.
    pub at: Timestamp,
}

impl View<'_> {
    /// What proves that the owner of a group told two stories of its log.
    pub fn contradictions(&self, id: i64) -> Result<Vec<Contradiction>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT seq, said, jws, had, before, at FROM contradiction WHERE grp = ?1 ORDER BY at, seq",
        )?;
        let mut rows = statement.query([id])?;
        let mut contradictions = Vec::new();
        while let Some(row) = rows.next()? {
            let said = kept(row, 0)?;
            contradictions.push(Contradiction {
                seq: said.seq,
                said,
                had: hash_at(row, 3)?,
                before: row.get(4)?,
                at: time(row.get(5)?),
            });
        }
        Ok(contradictions)
    }
}
