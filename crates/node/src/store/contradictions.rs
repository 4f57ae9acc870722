//! What proves that an owner told two stories of its log, for whoever has to be shown it.

use drawbridge_mtp::message::Event;
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::time::Timestamp;
use drawbridge_mtp::wire::{self, Encoding};
use rusqlite::{Row, params};

use super::checkpoints::{KeptCheckpoint, kept};
use super::groups::{GroupRow, hash_at};
use super::{StoreFault, View, log, signed, time};

/// Two things that an owner has said of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The number of the event.
    pub seq: u64,
    /// The hash that it had before.
    pub had: Hash32,
    /// What the owner has signed of that, a compact JWS: of this event, or of another. None where only the event itself came.
    pub before: Option<String>,
    /// The owner's document in which the key of that stood.
    pub before_document: Option<String>,
    /// The log as it was before, from the event on as far as that covers it, without bodies.
    pub had_events: Vec<Event>,
    /// The hash that it is said to have otherwise, and what the owner has signed of that.
    pub said: KeptCheckpoint,
    /// The other log, from the event on up to that of the checkpoint, without bodies; empty where it was not kept.
    pub said_events: Vec<Event>,
    /// When that came.
    pub at: Timestamp,
}

impl View<'_> {
    /// What proves that the owner of a group told two stories of its log.
    pub fn contradictions(&self, id: i64) -> Result<Vec<Contradiction>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT seq, said, jws, document, had, before, at, before_document, had_events, said_events
             FROM contradiction WHERE grp = ?1 ORDER BY at, seq",
        )?;
        let mut rows = statement.query([id])?;
        let mut contradictions = Vec::new();
        while let Some(row) = rows.next()? {
            let said = kept(row, 0)?;
            contradictions.push(Contradiction {
                seq: said.seq,
                said,
                had: hash_at(row, 4)?,
                before: row.get(5)?,
                at: time(row.get(6)?),
                before_document: row.get(7)?,
                had_events: events(row, 8)?,
                said_events: events(row, 9)?,
            });
        }
        Ok(contradictions)
    }

    /// The events of a group's log from `first` to `last` that are here, without their bodies.
    pub fn bare_events(&self, group: &GroupRow, first: u64, last: u64) -> Result<Vec<Event>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT seq, kind, epoch, sender, time, grants, NULL, size, body_hash, prev, hash FROM event
             WHERE grp = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq",
        )?;
        let mut rows = statement.query(params![group.id, signed(first), signed(last)])?;
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            events.push(log::event(row, 0, &group.uri)?);
        }
        Ok(events)
    }
}

/// Reads events that were kept as CBOR.
fn events(row: &Row<'_>, at: usize) -> Result<Vec<Event>, StoreFault> {
    let Some(written) = row.get_ref(at)?.as_blob_or_null().map_err(rusqlite::Error::from)? else {
        return Ok(Vec::new());
    };
    wire::decode(Encoding::Cbor, written)
        .map_err(|fault| StoreFault::Unreadable { what: "the events of a story", value: fault.to_string() })
}
