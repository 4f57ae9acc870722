//! What our clients have submitted to groups that others own, until the owner has answered.

use std::collections::HashSet;

use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Provider};
use drawbridge_mtp::message::Submission;
use drawbridge_mtp::time::Timestamp;
use drawbridge_mtp::wire::{self, Encoding};
use rusqlite::params;

use crate::ground::changes::Change;

use super::{AbandonedSubmission, StoreFault, Tx, View, parsed, parsed_id, signed};

/// A submission that waits for its group's owner.
#[derive(Clone, Debug)]
pub struct QueuedSubmission {
    /// The group.
    pub group: GroupUri,
    /// What is submitted.
    pub submission: Submission,
}

/// How much waits in the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxSize {
    /// Submissions.
    pub submissions: u64,
    /// Their octets.
    pub bytes: u64,
    /// When the one that has waited the longest was queued.
    pub oldest: Option<Timestamp>,
}

impl View<'_> {
    /// What waits for `owner` in groups other than those in `resting`, the oldest first: at most `at_most`, and about
    /// `max_bytes`, but at least one.
    pub fn outbox(
        &self,
        owner: &Provider,
        resting: &HashSet<GroupUri>,
        at_most: usize,
        max_bytes: u64,
    ) -> Result<Vec<QueuedSubmission>, StoreFault> {
        let mut statement = self
            .sql
            .prepare_cached("SELECT group_uri, submission FROM outbox WHERE owner = ?1 ORDER BY place")?;
        let mut rows = statement.query([owner.as_str()])?;
        let (mut queued, mut taken) = (Vec::new(), 0);
        while queued.len() < at_most
            && let Some(row) = rows.next()?
        {
            let group = parsed("a group", row.get(0)?)?;
            if resting.contains(&group) {
                continue;
            }
            let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            taken += bytes.len() as u64;
            if taken > max_bytes && !queued.is_empty() {
                break;
            }
            queued.push(QueuedSubmission {
                group,
                submission: wire::decode(Encoding::Cbor, bytes).map_err(|fault| StoreFault::Unreadable {
                    what: "a submission",
                    value: fault.to_string(),
                })?,
            });
        }
        Ok(queued)
    }

    /// How many submissions of `client` wait.
    pub fn count_outbox(&self, client: &ClientUri) -> Result<u64, StoreFault> {
        let count = self
            .sql
            .prepare_cached("SELECT count(*) FROM outbox WHERE client = ?1")?
            .query_row([client.as_str()], |row| row.get::<_, i64>(0))?;
        Ok(super::unsigned(count))
    }

    /// How many submissions wait to be brought to `owner`.
    pub fn count_outbox_for(&self, owner: &Provider) -> Result<u64, StoreFault> {
        let count = self
            .sql
            .prepare_cached("SELECT count(*) FROM outbox WHERE owner = ?1")?
            .query_row([owner.as_str()], |row| row.get::<_, i64>(0))?;
        Ok(super::unsigned(count))
    }

    /// How much waits, for all owners.
    pub fn outbox_size(&self) -> Result<OutboxSize, StoreFault> {
        let size = self
            .sql
            .prepare_cached("SELECT count(*), coalesce(sum(length(submission)), 0), min(queued) FROM outbox")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<i64>>(2)?)))?;
        let (submissions, bytes, oldest) = size;
        Ok(OutboxSize {
            submissions: super::unsigned(submissions),
            bytes: super::unsigned(bytes),
            oldest: oldest.map(super::time),
        })
    }
}

impl Tx<'_> {
    /// Keeps a submission until its owner has answered. One whose id waits for that group already is the same.
    pub fn queue(&self, group: &GroupUri, submission: &Submission) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(
                "INSERT OR IGNORE INTO outbox (owner, group_uri, client, id, queued, submission) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                group.provider().as_str(),
                group.as_str(),
                submission.sender.as_str(),
                submission.id.as_bytes(),
                signed(self.now().as_millis()),
                wire::encode(Encoding::Cbor, submission),
            ])?;
        self.changed(Change::Outbox(group.provider().clone()));
        Ok(())
    }

    /// Takes out what waits for a group, in order: it was made in a history that does not count.
    pub fn take_queued(&self, group: &GroupUri) -> Result<Vec<AbandonedSubmission>, StoreFault> {
        let mut statement =
            self.sql.prepare("SELECT client, id FROM outbox WHERE group_uri = ?1 ORDER BY place")?;
        let mut rows = statement.query([group.as_str()])?;
        let mut taken = Vec::new();
        while let Some(row) = rows.next()? {
            let id = parsed_id(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
            taken.push(AbandonedSubmission { client: parsed("a client", row.get(0)?)?, id });
        }
        self.sql.execute("DELETE FROM outbox WHERE group_uri = ?1", [group.as_str()])?;
        Ok(taken)
    }

    /// Forgets a submission that was answered; `false` where it was not there.
    pub fn unqueue(&self, group: &GroupUri, id: Id) -> Result<bool, StoreFault> {
        let gone = self
            .sql
            .prepare_cached("DELETE FROM outbox WHERE group_uri = ?1 AND id = ?2")?
            .execute(params![group.as_str(), id.as_bytes()])?;
        Ok(gone == 1)
    }
}
