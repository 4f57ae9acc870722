//! What the owners of groups have said of their logs, and where they have said two things (section 10).

use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::Event;
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::wire::{self, Encoding};
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
    /// The owner's provider document, JSON, in which its key stood; none where that was not kept.
    pub document: Option<String>,
}

/// Two things that the owner of a group has said of one event.
#[derive(Debug)]
pub struct TwoStories<'a> {
    /// The hash that the event has here.
    pub had: Hash32,
    /// What the owner has signed of that, of this event or of another; none where only the event itself has come.
    pub before: Option<&'a KeptCheckpoint>,
    /// Our copy from the event on, as far as `before` covers it, without bodies; empty where it does not.
    pub had_events: &'a [Event],
    /// Another hash of the event, by its number, and what the owner has signed of that: a checkpoint of this event or of a later
    /// one.
    pub said: &'a KeptCheckpoint,
    /// The other log from the event on up to that of its checkpoint, without bodies; empty where it is not at hand.
    pub said_events: &'a [Event],
}

impl View<'_> {
    /// The newest checkpoint of a group's owner that is at hand.
    pub fn checkpoint(&self, id: i64) -> Result<Option<KeptCheckpoint>, StoreFault> {
        self.checkpoint_in("checkpoint", id)
    }

    /// The checkpoint of a group's owner with which our copy agreed, where another took its place.
    pub fn agreed_checkpoint(&self, id: i64) -> Result<Option<KeptCheckpoint>, StoreFault> {
        self.checkpoint_in("agreed_checkpoint", id)
    }

    fn checkpoint_in(&self, table: &str, id: i64) -> Result<Option<KeptCheckpoint>, StoreFault> {
        self.sql
            .prepare_cached(&format!("SELECT seq, hash, jws, document FROM {table} WHERE grp = ?1"))?
            .query_row([id], |row| Ok(kept(row, 0)))
            .optional()?
            .transpose()
    }

    /// The groups of other owners than `ours` of whose log more is here than a checkpoint covers, or which are broken. One that is
    /// of a later event than there is here covers nothing.
    pub fn groups_beyond_checkpoint(&self, ours: &Provider) -> Result<Vec<GroupUri>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT uri FROM mls_group
               LEFT JOIN checkpoint AS newest ON newest.grp = id AND newest.seq <= head
               LEFT JOIN agreed_checkpoint AS agreed ON agreed.grp = id
             WHERE owner <> ?1 AND (standing = 'broken' OR standing IN ('live', 'joining')
               AND head > max(coalesce(newest.seq, 0), coalesce(agreed.seq, 0)))",
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
        self.keep_in("checkpoint", group, checkpoint)
    }

    /// Keeps a checkpoint with which our copy agrees, which is about to lose its place to another.
    pub fn keep_agreed_checkpoint(
        &self,
        group: &GroupRow,
        checkpoint: &KeptCheckpoint,
    ) -> Result<(), StoreFault> {
        self.keep_in("agreed_checkpoint", group, checkpoint)
    }

    fn keep_in(&self, table: &str, group: &GroupRow, checkpoint: &KeptCheckpoint) -> Result<(), StoreFault> {
        let KeptCheckpoint { seq, hash, jws, document } = checkpoint;
        self.sql
            .prepare_cached(&format!(
                "INSERT OR REPLACE INTO {table} (grp, seq, hash, jws, document) VALUES (?1, ?2, ?3, ?4, ?5)"
            ))?
            .execute(params![group.id, signed(*seq), hash.as_bytes(), jws, document])?;
        self.changed(Change::Dealings(group.owner().clone()));
        Ok(())
    }

    /// Keeps what proves that the owner of a group told two stories. The same twice is kept once, with all that came with it.
    pub fn keep_contradiction(&self, group: &GroupRow, found: &TwoStories<'_>) -> Result<(), StoreFault> {
        let TwoStories { had, before, had_events, said, said_events } = found;
        let written = |events: &[Event]| (!events.is_empty()).then(|| wire::encode(Encoding::Cbor, &events));
        self.sql.execute(
            "INSERT INTO contradiction
               (grp, seq, had, before, said, jws, at, before_document, had_events, document, said_events)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (grp, seq, said) DO UPDATE SET
               before_document = iif(before IS NULL, excluded.before_document, before_document),
               had_events = coalesce(had_events, excluded.had_events),
               before = coalesce(before, excluded.before),
               said_events = coalesce(said_events, excluded.said_events)
             WHERE had = excluded.had",
            params![
                group.id,
                signed(said.seq),
                had.as_bytes(),
                before.map(|before| &before.jws),
                said.hash.as_bytes(),
                said.jws,
                signed(self.now().as_millis()),
                before.and_then(|before| before.document.as_ref()),
                written(had_events),
                said.document,
                written(said_events),
            ],
        )?;
        // How many there come to be is the owner's doing.
        self.sql.execute(
            "DELETE FROM contradiction WHERE grp = ?1 AND at NOT IN
               (SELECT at FROM contradiction WHERE grp = ?1 ORDER BY at DESC LIMIT ?2)",
            params![group.id, CONTRADICTIONS],
        )?;
        self.changed(Change::Group(group.uri.clone()));
        Ok(())
    }
}

/// Reads a number, a hash, a checkpoint and a document, from the column `at` on.
pub(super) fn kept(row: &Row<'_>, at: usize) -> Result<KeptCheckpoint, StoreFault> {
    Ok(KeptCheckpoint {
        seq: unsigned(row.get(at)?),
        hash: hash_at(row, at + 1)?,
        jws: row.get(at + 2)?,
        document: row.get(at + 3)?,
    })
}
