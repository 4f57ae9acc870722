//! Which messages of our own groups rest on the word of the participant that they were read back from (section 12).

use std::collections::HashMap;

use drawbridge_mtp::checkpoint::CheckpointClaims;
use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::{ItemBody, Proved};
use rusqlite::params;

use crate::ground::changes::Change;

use super::{GroupRow, Reader, StoreFault, Tx, View, parsed, signed, unsigned};

/// The unproved messages of a group that were read back from one participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnprovedRow {
    /// The participant.
    pub from: Provider,
    /// How many there are.
    pub messages: u64,
    /// The number of the first.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
}

impl View<'_> {
    /// The unproved messages of a group of ours, by participant; none where all are proved.
    pub fn unproved(&self, id: i64) -> Result<Vec<UnprovedRow>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT unproved, count(*), min(seq), max(seq) FROM event INDEXED BY event_unproved
             WHERE grp = ?1 AND unproved IS NOT NULL GROUP BY unproved ORDER BY min(seq)",
        )?;
        let mut rows = statement.query([id])?;
        let mut unproved = Vec::new();
        while let Some(row) = rows.next()? {
            unproved.push(UnprovedRow {
                from: parsed("a provider", row.get(0)?)?,
                messages: unsigned(row.get(1)?),
                first: unsigned(row.get(2)?),
                last: unsigned(row.get(3)?),
            });
        }
        Ok(unproved)
    }

    /// From whom each unproved message of a group was read back, by number, from event `first` to event `last`.
    pub fn unproved_between(
        &self,
        group: &GroupUri,
        first: u64,
        last: u64,
    ) -> Result<HashMap<u64, Provider>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT seq, unproved FROM event INDEXED BY event_unproved
             WHERE grp = (SELECT id FROM mls_group WHERE uri = ?1) AND seq BETWEEN ?2 AND ?3
               AND unproved IS NOT NULL",
        )?;
        let mut rows = statement.query(params![group.as_str(), signed(first), signed(last)])?;
        let mut unproved = HashMap::new();
        while let Some(row) = rows.next()? {
            unproved.insert(unsigned(row.get(0)?), parsed("a provider", row.get(1)?)?);
        }
        Ok(unproved)
    }
}

impl Tx<'_> {
    /// The event `seq` of a group of ours was read back from `from`, and no checkpoint covers it.
    pub fn set_unproved(&self, group: &GroupRow, seq: u64, from: &Provider) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(
                "UPDATE event SET unproved = ?3, unproved_since = ?4 WHERE grp = ?1 AND seq = ?2",
            )?
            .execute(params![group.id, signed(seq), from.as_str(), signed(self.now().as_millis())])?;
        Ok(())
    }

    /// A checkpoint of ours agrees with the log of a group of ours: what it covers is proved, where it was signed before that
    /// was read back. One that was signed later covers only what we had been given. What is behind event `had`, to which our
    /// log reached before any of it was read back, is proved whatever the time of the signature.
    ///
    /// Clients that were told otherwise are told by their feeds, and the trouble that says so ends with the last message.
    pub fn prove(&self, group: &GroupRow, said: &CheckpointClaims, had: u64) -> Result<(), StoreFault> {
        let next_second = said.iat.saturating_add(1).saturating_mul(1000);
        let mut proved = self.sql.prepare_cached(
            "UPDATE event INDEXED BY event_unproved SET unproved = NULL, unproved_since = NULL
             WHERE grp = ?1 AND unproved IS NOT NULL AND seq <= ?2 AND (seq > ?3 OR unproved_since >= ?4)
             RETURNING seq",
        )?;
        let proved = proved
            .query_map(params![group.id, signed(said.seq), signed(had), signed(next_second)], |row| {
                row.get::<_, i64>(0)
            })?;
        let proved: Vec<u64> = proved.map(|seq| seq.map(unsigned)).collect::<Result<_, _>>()?;
        let (Some(first), Some(last)) = (proved.iter().min(), proved.iter().max()) else { return Ok(()) };
        let item = Proved { group: group.uri.clone(), from_seq: *first, until_seq: *last };
        for audience in self.audience(group.id)? {
            let was_told = audience.since <= *last && audience.until.is_none_or(|until| until >= *first);
            if let (Reader::Client(_), true) = (&audience.reader, was_told) {
                self.append(&audience.reader, &ItemBody::Proved(item.clone()))?;
            }
        }
        self.changed(Change::Group(group.uri.clone()));
        self.end_unproved_troubles()
    }

    /// Ends what the operator was told of participants from which no unproved message is left.
    pub(super) fn end_unproved_troubles(&self) -> Result<(), StoreFault> {
        let mut over = self.sql.prepare_cached(
            "SELECT provider FROM trouble WHERE code = 'adopted-unproved' AND NOT over AND NOT EXISTS
               (SELECT 1 FROM event INDEXED BY event_unproved JOIN mls_group ON mls_group.id = grp
                WHERE unproved IS NOT NULL AND unproved = trouble.provider)",
        )?;
        let over = over.query_map([], |row| row.get::<_, String>(0))?;
        for provider in over.collect::<Result<Vec<_>, _>>()? {
            self.end_troubles_with(&parsed("a provider", provider)?, &["adopted-unproved"])?;
        }
        Ok(())
    }
}
