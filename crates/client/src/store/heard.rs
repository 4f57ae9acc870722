//! What is remembered of the logs of groups for the case that an owner's store goes back (`docs/mtp.md`, section 12): the hashes
//! of events, and what this client has said in them.

use std::time::Duration;

use drawbridge_mtp::{
    id::{GroupUri, Id},
    octets::{Hash32, Octets},
};
use rusqlite::{OptionalExtension, params};

use super::{Outgoing, Tx, View};
use crate::{
    content::MessageId,
    fault::{ClientFault, StoreFault},
};

/// So many events of each group, the latest.
const HEARD: u64 = 10_000;
/// A submission that has had its place for so long is not taken back any more.
const KEEP_PLACED: Duration = Duration::from_secs(30 * 24 * 3600);
const TABLE: &str = "placed";

/// What was said in a group, and under which name.
pub(crate) struct Said {
    pub(crate) group: GroupUri,
    pub(crate) says: (MessageId, Octets),
}

impl View<'_> {
    /// The hash that the event `seq` had when it was taken in, where that is known.
    pub(crate) fn heard(&self, group: &GroupUri, seq: u64) -> Result<Option<Hash32>, ClientFault> {
        let hash: Option<[u8; 32]> = self
            .db
            .prepare_cached("SELECT hash FROM heard WHERE conversation = ?1 AND seq = ?2")
            .and_then(|mut query| {
                query.query_row(params![group.as_str(), number(seq)], |row| row.get(0)).optional()
            })
            .map_err(StoreFault::from)?;
        Ok(hash.map(Hash32))
    }
}

impl Tx<'_> {
    /// Notes the hash of an event that is taken in.
    pub(crate) fn note_heard(&self, group: &GroupUri, seq: u64, hash: &Hash32) -> Result<(), ClientFault> {
        let sql = "INSERT OR REPLACE INTO heard (conversation, seq, hash) VALUES (?1, ?2, ?3)";
        self.run(sql, params![group.as_str(), number(seq), hash.0])?;
        let old = "DELETE FROM heard WHERE conversation = ?1 AND seq <= ?2";
        self.run(old, params![group.as_str(), number(seq.saturating_sub(HEARD))])?;
        Ok(())
    }

    /// Forgets the events from `seq` on of a log that is not what it was.
    pub(crate) fn forget_heard_from(&self, group: &GroupUri, seq: u64) -> Result<(), ClientFault> {
        let sql = "DELETE FROM heard WHERE conversation = ?1 AND seq >= ?2";
        self.run(sql, params![group.as_str(), number(seq)])?;
        Ok(())
    }

    /// Keeps what a message says that has its place in the log, until nobody takes that back any more.
    pub(crate) fn keep_placed(&self, outgoing: &Outgoing) -> Result<(), ClientFault> {
        let (Some(says), Some(submission)) = (&outgoing.body.says, &outgoing.body.submission) else {
            return Ok(());
        };
        let id = submission.id.to_string();
        let sealed = self.close(TABLE, id.as_bytes(), says)?;
        let now = i64::try_from(self.now.as_millis()).unwrap_or(i64::MAX);
        let millis = i64::try_from(KEEP_PLACED.as_millis()).unwrap_or(i64::MAX);
        self.run("DELETE FROM placed WHERE at < ?1", [now.saturating_sub(millis)])?;
        self.run(
            "INSERT OR REPLACE INTO placed (submission, conversation, at, body) VALUES (?1, ?2, ?3, ?4)",
            params![id, outgoing.group.as_str(), now, sealed],
        )?;
        Ok(())
    }

    /// Forgets that a message has its place.
    pub(crate) fn forget_placed(&self, outgoing: &Outgoing) -> Result<(), ClientFault> {
        if let Some(submission) = &outgoing.body.submission {
            self.run("DELETE FROM placed WHERE submission = ?1", [submission.id.to_string()])?;
        }
        Ok(())
    }

    /// Takes what was said under a submission that has lost its place.
    pub(crate) fn take_placed(&self, submission: &Id) -> Result<Option<Said>, ClientFault> {
        let id = submission.to_string();
        let row: Option<(String, Vec<u8>)> = self
            .db
            .query_row("SELECT conversation, body FROM placed WHERE submission = ?1", [&id], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .map_err(StoreFault::from)?;
        let Some((group, sealed)) = row else { return Ok(None) };
        let says = self.open(TABLE, id.as_bytes(), &sealed)?;
        self.run("DELETE FROM placed WHERE submission = ?1", [&id])?;
        let group = group.parse().map_err(|_| StoreFault::Unreadable(TABLE))?;
        Ok(Some(Said { group, says }))
    }
}

fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
