//! Where one event, or what was submitted for one, is on its way: read from the rows that there are anyway.

use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Provider, UserUri};
use drawbridge_mtp::message::{EventKind, Item, ItemBody, ResultItem};
use drawbridge_mtp::time::Timestamp;
use drawbridge_mtp::wire::{self, Encoding};
use rusqlite::{OptionalExtension, params};

use super::{Reader, StoreFault, View, parsed, parsed_id, signed, time, unsigned};

/// An event of a log, with what its owner knows of how it came.
#[derive(Clone, Debug)]
pub struct TracedEvent {
    /// Its type.
    pub kind: EventKind,
    /// The epoch in its framing.
    pub epoch: u64,
    /// Who sent it.
    pub sender: ClientUri,
    /// When its owner accepted it, by the owner's clock.
    pub time: Timestamp,
    /// Who submitted it, and under which id; known at the owner alone.
    pub submission: Option<(Provider, Id)>,
    /// Whether it was read back from a participant after a loss.
    pub is_adopted: bool,
}

/// A place that the owner of a group gave to what a client of ours submitted.
#[derive(Clone, Debug)]
pub struct PlacedSubmission {
    /// The group.
    pub group: GroupUri,
    /// The number of its event.
    pub seq: u64,
    /// The client.
    pub client: ClientUri,
    /// Its id.
    pub submission: Id,
    /// When the owner's answer came.
    pub at: Timestamp,
}

/// A submission that waits in the outbox.
#[derive(Clone, Debug)]
pub struct WaitingSubmission {
    /// The group.
    pub group: GroupUri,
    /// The client.
    pub client: ClientUri,
    /// Since when.
    pub queued: Timestamp,
}

/// An answer that a client of ours was told by its feed.
#[derive(Clone, Debug)]
pub struct ToldResult {
    /// The client.
    pub client: ClientUri,
    /// What was told.
    pub result: ResultItem,
    /// When it was put into the feed.
    pub at: Timestamp,
}

/// An item of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedItemPlace {
    /// Its number.
    pub number: u64,
    /// When it was put there.
    pub put: Timestamp,
}

impl View<'_> {
    /// The event `seq` of a group.
    pub fn traced_event(&self, id: i64, seq: u64) -> Result<Option<TracedEvent>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT kind, epoch, sender, time, submitter, submission, adopted FROM event WHERE grp = ?1 AND seq = ?2",
        )?;
        let mut rows = statement.query(params![id, signed(seq)])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let submitter = row.get::<_, Option<String>>(4)?.map(|it| parsed("a provider", it)).transpose()?;
        let submission = row.get::<_, Option<Vec<u8>>>(5)?.map(|it| parsed_id(&it)).transpose()?;
        Ok(Some(TracedEvent {
            kind: parsed("a type of an event", row.get(0)?)?,
            epoch: unsigned(row.get(1)?),
            sender: parsed("a client", row.get(2)?)?,
            time: time(row.get(3)?),
            submission: submitter.zip(submission),
            is_adopted: row.get(6)?,
        }))
    }

    /// The number of the event that a client of `sender` has sent, and its owner accepted at `at`; the last of several.
    pub fn event_said(&self, id: i64, sender: &UserUri, at: Timestamp) -> Result<Option<u64>, StoreFault> {
        let seq: Option<i64> = self.sql.query_row(
            "SELECT max(seq) FROM event WHERE grp = ?1 AND time = ?2 AND substr(sender, 1, length(?3)) = ?3",
            params![id, signed(at.as_millis()), format!("{sender}/d/")],
            |row| row.get(0),
        )?;
        Ok(seq.map(unsigned))
    }

    /// The event of a group of ours that was submitted under this id.
    pub fn event_submitted(&self, submission: Id) -> Result<Option<(GroupUri, u64)>, StoreFault> {
        self.group_and_number(
            "SELECT uri, seq FROM event JOIN mls_group ON id = grp WHERE submission = ?1 LIMIT 1",
            submission,
        )
    }

    /// The event that was submitted under this id and does not count any more.
    pub fn event_abandoned(&self, submission: Id) -> Result<Option<(GroupUri, u64)>, StoreFault> {
        self.group_and_number(
            "SELECT uri, seq FROM abandoned_event JOIN mls_group ON id = grp WHERE submission = ?1 LIMIT 1",
            submission,
        )
    }

    fn group_and_number(&self, sql: &str, submission: Id) -> Result<Option<(GroupUri, u64)>, StoreFault> {
        let found = self
            .sql
            .prepare_cached(sql)?
            .query_row([submission.as_bytes()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))
            .optional()?;
        found.map(|(group, seq)| Ok((parsed("a group", group)?, unsigned(seq)))).transpose()
    }

    /// The place that an owner gave to what a client of ours submitted under this id.
    pub fn submission_placed(&self, submission: Id) -> Result<Option<PlacedSubmission>, StoreFault> {
        self.placed_where("submission = ?1", params![submission.as_bytes()])
    }

    /// What a client of ours has submitted that became the event `seq` of another owner's group.
    pub fn submission_of(&self, id: i64, seq: u64) -> Result<Option<PlacedSubmission>, StoreFault> {
        self.placed_where(
            "p.grp = ?1 AND p.seq = ?2 AND p.hash = (SELECT hash FROM event e WHERE e.grp = ?1 AND e.seq = ?2)",
            params![id, signed(seq)],
        )
    }

    fn placed_where(
        &self,
        condition: &str,
        params: impl rusqlite::Params,
    ) -> Result<Option<PlacedSubmission>, StoreFault> {
        let mut statement = self.sql.prepare_cached(&format!(
            "SELECT uri, seq, client, submission, at FROM placed_submission p JOIN mls_group ON id = grp WHERE {condition}"
        ))?;
        let mut rows = statement.query(params)?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(PlacedSubmission {
            group: parsed("a group", row.get(0)?)?,
            seq: unsigned(row.get(1)?),
            client: parsed("a client", row.get(2)?)?,
            submission: parsed_id(row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?)?,
            at: time(row.get(4)?),
        }))
    }

    /// What waits in the outbox under this id.
    pub fn submission_waiting(&self, submission: Id) -> Result<Option<WaitingSubmission>, StoreFault> {
        let mut statement =
            self.sql.prepare_cached("SELECT group_uri, client, queued FROM outbox WHERE id = ?1")?;
        let mut rows = statement.query([submission.as_bytes()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(WaitingSubmission {
            group: parsed("a group", row.get(0)?)?,
            client: parsed("a client", row.get(1)?)?,
            queued: time(row.get(2)?),
        }))
    }

    /// What waits in the outbox, the oldest first, each with its id: the first `limit`.
    pub fn submissions_waiting(&self, limit: u32) -> Result<Vec<(Id, WaitingSubmission)>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT id, group_uri, client, queued FROM outbox ORDER BY queued, place LIMIT ?1",
        )?;
        let mut rows = statement.query([limit])?;
        let mut waiting = Vec::new();
        while let Some(row) = rows.next()? {
            let submission = WaitingSubmission {
                group: parsed("a group", row.get(1)?)?,
                client: parsed("a client", row.get(2)?)?,
                queued: time(row.get(3)?),
            };
            let id = parsed_id(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
            waiting.push((id, submission));
        }
        Ok(waiting)
    }

    /// What a client of ours was told by its feed of a submission, for as long as the item is kept.
    pub fn result_told(&self, submission: Id) -> Result<Option<ToldResult>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT reader, body, at FROM feed_item JOIN feed ON id = feed
             WHERE reader LIKE 'mimi://%' AND body IS NOT NULL AND instr(body, CAST(?1 AS BLOB)) > 0
             ORDER BY at DESC",
        )?;
        let mut rows = statement.query([submission.to_string()])?;
        while let Some(row) = rows.next()? {
            let body = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            let item: Option<Item> = wire::decode(Encoding::Json, body).ok();
            if let Some(ItemBody::Result(result)) = item.map(|item| item.body)
                && result.result.id == submission
            {
                let (client, at) = (parsed("a client", row.get(0)?)?, time(row.get(2)?));
                return Ok(Some(ToldResult { client, result, at }));
            }
        }
        Ok(None)
    }

    /// Where the event `seq` of a group stands in the feed of `reader`; none where it was never put there, or is kept no longer.
    pub fn place_in_feed(
        &self,
        reader: &Reader,
        id: i64,
        seq: u64,
    ) -> Result<Option<FeedItemPlace>, StoreFault> {
        let found = self
            .sql
            .prepare_cached(
                "SELECT f.seq, f.at FROM feed_item f JOIN feed ON feed.id = f.feed
                 WHERE reader = ?1 AND f.grp = ?2 AND f.event = ?3 ORDER BY f.seq DESC LIMIT 1",
            )?
            .query_row(params![reader.as_str(), id, signed(seq)], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
            .optional()?;
        Ok(found.map(|(number, put)| FeedItemPlace { number: unsigned(number), put: time(put) }))
    }
}
