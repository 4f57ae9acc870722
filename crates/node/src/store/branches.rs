//! What is needed where the log of a group has come to have two histories, because its owner's store went back: the points at
//! which they can part, and the events of the one that does not count (section 12).

use std::time::Duration;

use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Provider};
use drawbridge_mtp::message::{Event, Item, ItemBody, Placed};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::time::Timestamp;
use drawbridge_mtp::wire::{self, Encoding};
use rusqlite::params;

use crate::ground::changes::Change;

use super::groups::{GroupRow, hash_at};
use super::log::event;
use super::{Handshake, Reader, Standing, StoreFault, Tx, View, parsed, parsed_id, signed, time, unsigned};

/// So many points are kept for each group, the latest.
const RESTART_POINTS: u32 = 16;
/// So many branches are kept of each group, the latest.
const BRANCHES: u32 = 10;
/// What an owner has answered is known for so long.
const KEEP_PLACED: Duration = Duration::from_secs(30 * 24 * 3600);
/// The type of an item in the place of one that told of an event which does not count: readers acknowledge it and skip it.
const ABANDONED: &str = "abandoned";

/// How a group of ours stood when a life of the process first put something into its log.
#[derive(Clone, Debug)]
pub struct RestartPoint {
    /// The number of the last event then.
    pub seq: u64,
    /// The hash of that event.
    pub hash: Hash32,
    /// The public state as it was kept then.
    pub state: Vec<u8>,
    /// The epoch that `state` is of.
    pub state_epoch: u64,
}

/// Events that do not count any more, of one moment in which that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The number of the first.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
    /// When the first was numbered.
    pub begun: Timestamp,
    /// When it was found that they do not count.
    pub at: Timestamp,
}

/// A submission of a client of ours whose event does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbandonedSubmission {
    /// Who made it.
    pub client: ClientUri,
    /// Its id.
    pub id: Id,
}

impl View<'_> {
    /// The points at which the log of a group of ours may have parted, the latest first.
    pub fn restart_points(&self, id: i64) -> Result<Vec<RestartPoint>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT seq, hash, state, state_epoch FROM restart_point WHERE grp = ?1 ORDER BY seq DESC",
        )?;
        let mut rows = statement.query([id])?;
        let mut points = Vec::new();
        while let Some(row) = rows.next()? {
            points.push(RestartPoint {
                seq: unsigned(row.get(0)?),
                hash: hash_at(row, 1)?,
                state: row.get(2)?,
                state_epoch: unsigned(row.get(3)?),
            });
        }
        Ok(points)
    }

    /// The handshakes of a group's log from `epoch` on, up to the event `until`.
    pub fn handshakes_until(&self, id: i64, epoch: u64, until: u64) -> Result<Vec<Handshake>, StoreFault> {
        let mut handshakes = self.handshakes(id, epoch)?;
        handshakes.retain(|handshake| handshake.seq <= until);
        Ok(handshakes)
    }

    /// The groups of `ours` with events that do not count.
    pub fn groups_with_branches(&self, ours: &Provider) -> Result<Vec<GroupUri>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT uri FROM mls_group WHERE owner = ?1 AND id IN (SELECT grp FROM abandoned_event) ORDER BY uri",
        )?;
        let rows = statement.query_map([ours.as_str()], |row| row.get::<_, String>(0))?;
        rows.map(|row| parsed("a group", row?)).collect()
    }

    /// Whether the event `seq` with this hash was in a group's log and does not count.
    pub fn is_abandoned(&self, id: i64, seq: u64, hash: &Hash32) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached("SELECT 1 FROM abandoned_event WHERE grp = ?1 AND seq = ?2 AND hash = ?3")?
            .exists(params![id, signed(seq), hash.as_bytes()])?)
    }

    /// The events of a group that do not count, the latest found first.
    pub fn branches(&self, id: i64) -> Result<Vec<Branch>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT min(seq), max(seq), min(time), at FROM abandoned_event WHERE grp = ?1 GROUP BY at ORDER BY at DESC",
        )?;
        let rows = statement.query_map([id], |row| {
            Ok(Branch {
                first: unsigned(row.get(0)?),
                last: unsigned(row.get(1)?),
                begun: time(row.get(2)?),
                at: time(row.get(3)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The latest of the events of a branch, without their bodies, in order: at most `most`.
    pub fn branch_events(
        &self,
        group: &GroupRow,
        branch: &Branch,
        most: u64,
    ) -> Result<Vec<Event>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT seq, kind, epoch, sender, time, grants, NULL, size, body_hash, prev, hash FROM abandoned_event
             WHERE grp = ?1 AND at = ?2 ORDER BY seq DESC LIMIT ?3",
        )?;
        let mut rows = statement.query(params![group.id, signed(branch.at.as_millis()), signed(most)])?;
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            events.push(event(row, 0, &group.uri)?);
        }
        events.reverse();
        Ok(events)
    }

    /// When the event `seq` of a group was numbered, and whether it was read back from a participant and is not unproved.
    pub fn event_origin(&self, id: i64, seq: u64) -> Result<Option<(Timestamp, bool)>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT time, adopted AND unproved IS NULL FROM event WHERE grp = ?1 AND seq = ?2",
        )?;
        let mut rows = statement.query(params![id, signed(seq)])?;
        rows.next()?.map(|row| Ok((time(row.get(0)?), row.get(1)?))).transpose()
    }
}

impl Tx<'_> {
    /// Keeps how a group of ours stands, before this life of the process puts something into its log.
    pub fn keep_restart_point(&self, group: &GroupUri) -> Result<(), StoreFault> {
        let Some(row) = self.group(group)? else { return Ok(()) };
        let kept = self
            .sql
            .prepare_cached(
                "INSERT OR IGNORE INTO restart_point (grp, seq, at, epoch, hash, policy, state_epoch, state, info)
                 SELECT g.id, g.head, ?2, g.epoch, g.hash, g.policy, s.epoch, s.state,
                        (SELECT info FROM group_info WHERE grp = g.id)
                 FROM mls_group g JOIN public_state s ON s.grp = g.id WHERE g.id = ?1",
            )?
            .execute(params![row.id, signed(self.now().as_millis())])?;
        if kept == 0 {
            return Ok(());
        }
        let of = params![row.id, signed(row.head)];
        self.sql
            .prepare_cached(
                "INSERT INTO restart_member
                 SELECT grp, ?2, leaf, client, user, provider, since_epoch, added_by, grant_jws, leaving, proof
                 FROM member WHERE grp = ?1",
            )?
            .execute(of)?;
        self.sql
            .prepare_cached(
                "INSERT INTO restart_audience SELECT grp, ?2, feed, since, until FROM audience WHERE grp = ?1",
            )?
            .execute(of)?;
        self.sql
            .prepare_cached(
                "DELETE FROM restart_point WHERE grp = ?1 AND seq NOT IN
                   (SELECT seq FROM restart_point WHERE grp = ?1 ORDER BY seq DESC LIMIT ?2)",
            )?
            .execute(params![row.id, RESTART_POINTS])?;
        Ok(())
    }

    /// Sets a group of ours back to how it stood at `point`. The events behind that are kept apart, and its readers' feeds
    /// get new generations. Returns what our own clients had submitted of them.
    pub fn set_back(
        &self,
        row: &mut GroupRow,
        point: &RestartPoint,
    ) -> Result<Vec<AbandonedSubmission>, StoreFault> {
        let of = params![row.id, signed(point.seq)];
        let abandoned = self.submitted_behind(row, point.seq)?;
        self.abandon_events(row, point.seq)?;
        self.clear_members(row.id)?;
        self.sql.execute(
            "INSERT INTO member (grp, leaf, client, user, provider, since_epoch, added_by, grant_jws, leaving, proof)
             SELECT grp, leaf, client, user, provider, since_epoch, added_by, grant_jws, leaving, proof
             FROM restart_member WHERE grp = ?1 AND seq = ?2",
            of,
        )?;
        self.sql.execute("DELETE FROM audience WHERE grp = ?1", [row.id])?;
        self.sql.execute(
            "INSERT INTO audience (grp, feed, since, until)
             SELECT grp, feed, since, until FROM restart_audience WHERE grp = ?1 AND seq = ?2",
            of,
        )?;
        self.sql.execute(
            "UPDATE any_group SET policy = p.policy FROM restart_point p
             WHERE id = ?1 AND p.grp = ?1 AND p.seq = ?2",
            of,
        )?;
        self.sql.execute(
            "INSERT OR REPLACE INTO public_state (grp, epoch, state)
             SELECT grp, state_epoch, state FROM restart_point WHERE grp = ?1 AND seq = ?2",
            of,
        )?;
        self.drop_group_info(row.id)?;
        self.sql.execute(
            "INSERT INTO group_info (grp, info)
             SELECT grp, info FROM restart_point WHERE grp = ?1 AND seq = ?2 AND info IS NOT NULL",
            of,
        )?;
        let epoch =
            self.sql.query_row("SELECT epoch FROM restart_point WHERE grp = ?1 AND seq = ?2", of, |row| {
                row.get(0)
            })?;
        (row.head, row.hash, row.epoch) = (point.seq, Some(point.hash), unsigned(epoch));
        self.put_group(row)?;
        // What came later begins with what is adopted now.
        self.sql.execute("DELETE FROM restart_point WHERE grp = ?1 AND seq > ?2", of)?;
        Ok(abandoned)
    }

    /// Sets our copy of a group of another owner back to the event `after`, with which the owner's log agrees; 0 below our
    /// first. The events behind that are kept apart, and the feeds of our clients get new generations. Its public state is
    /// to be had from the owner again.
    pub fn set_copy_back(&self, row: &mut GroupRow, after: u64) -> Result<(), StoreFault> {
        let hash = self.event_hash(row.id, after)?;
        self.abandon_events(row, after)?;
        let of = params![row.id, signed(after)];
        self.sql.execute("DELETE FROM audience WHERE grp = ?1 AND since > ?2", of)?;
        // Who was out by then may be in by the owner's log, which its roster tells with the public state.
        self.sql.execute("UPDATE audience SET until = ?2 WHERE grp = ?1 AND until > ?2", of)?;
        self.sql.execute("DELETE FROM public_state WHERE grp = ?1", [row.id])?;
        self.drop_group_info(row.id)?;
        (row.head, row.hash) = (after, hash);
        (row.standing, row.fault) = (Standing::Joining, None);
        self.put_group(row)
    }

    /// Keeps the events behind `after` apart from a group's log, and blanks what the feeds of its readers tell of them.
    fn abandon_events(&self, row: &GroupRow, after: u64) -> Result<(), StoreFault> {
        self.sql.execute(
            "INSERT OR IGNORE INTO abandoned_event
               (grp, seq, hash, kind, epoch, sender, time, grants, body, size, body_hash, prev, submitter, submission, at)
             SELECT grp, seq, hash, kind, epoch, sender, time, grants, body, size, body_hash, prev, submitter, submission, ?3
             FROM event WHERE grp = ?1 AND seq > ?2",
            params![row.id, signed(after), signed(self.now().as_millis())],
        )?;
        // How many there come to be is the owner's doing.
        self.sql.execute(
            "DELETE FROM abandoned_event WHERE grp = ?1 AND at NOT IN
               (SELECT DISTINCT at FROM abandoned_event WHERE grp = ?1 ORDER BY at DESC LIMIT ?2)",
            params![row.id, BRANCHES],
        )?;
        for audience in self.audience(row.id)? {
            self.blank_items(row, &audience.reader, after)?;
        }
        self.sql.execute("DELETE FROM event WHERE grp = ?1 AND seq > ?2", params![row.id, signed(after)])?;
        self.memory.forget();
        self.end_unproved_troubles()
    }

    /// Puts something that says nothing in the place of each item of a feed that tells of events behind `after`, and begins
    /// another history of it.
    fn blank_items(&self, group: &GroupRow, reader: &Reader, after: u64) -> Result<(), StoreFault> {
        let mut told = self.sql.prepare(
            "WITH of AS (SELECT id FROM feed WHERE reader = ?1),
                  told AS (SELECT feed, seq, grp, event, CAST(body AS TEXT) AS item FROM feed_item JOIN of ON id = feed)
             SELECT feed, seq FROM told
             WHERE (grp = ?2 AND event > ?3)
                OR (item ->> '$.welcome.group' = ?4 AND item ->> '$.welcome.from_seq' > ?3)
                OR (item ->> '$.removed.group' = ?4 AND item ->> '$.removed.after_seq' > ?3)
                OR (item ->> '$.result.group' = ?4 AND item ->> '$.result.result.seq' > ?3)",
        )?;
        let told = told
            .query_map(params![reader.as_str(), group.id, signed(after), group.uri.as_str()], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })?;
        for (feed, seq) in told.collect::<Result<Vec<_>, _>>()? {
            let item: Item = Item {
                seq: unsigned(seq),
                id: self.new_id(),
                body: ItemBody::Other { kind: ABANDONED.to_owned() },
            };
            self.sql.execute(
                "UPDATE feed_item SET item = ?3, body = ?4, grp = NULL, event = NULL WHERE feed = ?1 AND seq = ?2",
                params![feed, seq, item.id.as_bytes(), wire::encode(Encoding::Json, &item)],
            )?;
            self.sql.execute("DELETE FROM object WHERE feed = ?1 AND seq = ?2", params![feed, seq])?;
        }
        self.renew_feed(reader).map(drop)
    }

    /// What clients of the group's owner have submitted of the events behind `after`, in order.
    fn submitted_behind(&self, row: &GroupRow, after: u64) -> Result<Vec<AbandonedSubmission>, StoreFault> {
        let mut statement = self.sql.prepare(
            "SELECT sender, submission FROM event
             WHERE grp = ?1 AND seq > ?2 AND submitter = ?3 AND submission IS NOT NULL ORDER BY seq",
        )?;
        let mut rows = statement.query(params![row.id, signed(after), row.owner().as_str()])?;
        let mut abandoned = Vec::new();
        while let Some(row) = rows.next()? {
            abandoned.push(abandoned_submission(row)?);
        }
        Ok(abandoned)
    }

    /// Whether what `submitter` has submitted under `submission` was numbered in a history that does not count.
    pub fn was_abandoned(&self, id: i64, submitter: &Provider, submission: Id) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT 1 FROM abandoned_event INDEXED BY abandoned_by_submission
                 WHERE submission = ?1 AND grp = ?2 AND submitter = ?3",
            )?
            .exists(params![submission.as_bytes(), id, submitter.as_str()])?)
    }

    /// Notes which place the owner of a group gave to what a client of ours has submitted.
    pub fn note_placed(
        &self,
        group: &GroupUri,
        client: &ClientUri,
        submission: Id,
        placed: &Placed,
    ) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(
                "INSERT OR IGNORE INTO placed_submission (grp, seq, hash, client, submission, at)
                 SELECT id, ?2, ?3, ?4, ?5, ?6 FROM mls_group WHERE uri = ?1",
            )?
            .execute(params![
                group.as_str(),
                signed(placed.seq),
                placed.hash.as_bytes(),
                client.as_str(),
                submission.as_bytes(),
                signed(self.now().as_millis())
            ])?;
        Ok(())
    }

    /// Takes what clients of ours were told to have a place in a group's log that it does not have, in order: since another event
    /// has it, since it is in a history that does not count, or, with the owner's head as it was at a time, since it is
    /// behind that though it was told before.
    pub fn take_displaced(
        &self,
        row: &GroupRow,
        head: Option<(u64, Timestamp)>,
    ) -> Result<Vec<AbandonedSubmission>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT client, submission, p.seq, p.hash FROM placed_submission p
             WHERE p.grp = ?1 AND p.seq >= ?3
               AND NOT EXISTS (SELECT 1 FROM event e WHERE e.grp = p.grp AND e.seq = p.seq AND e.hash = p.hash)
               AND (p.seq <= ?2 OR (p.seq > ?4 AND p.at < ?5)
                 OR EXISTS (SELECT 1 FROM abandoned_event a WHERE a.grp = p.grp AND a.seq = p.seq AND a.hash = p.hash))
             ORDER BY p.seq",
        )?;
        let (head, asked) = head.map_or((0, 0), |(head, asked)| (signed(head), signed(asked.as_millis())));
        let mut rows = statement.query(params![row.id, signed(row.head), signed(row.first), head, asked])?;
        let (mut displaced, mut places) = (Vec::new(), Vec::new());
        while let Some(found) = rows.next()? {
            displaced.push(abandoned_submission(found)?);
            places.push((found.get::<_, i64>(2)?, found.get::<_, Vec<u8>>(3)?));
        }
        for (seq, hash) in places {
            self.sql.execute(
                "DELETE FROM placed_submission WHERE grp = ?1 AND seq = ?2 AND hash = ?3",
                params![row.id, seq, hash],
            )?;
        }
        if !displaced.is_empty() {
            self.changed(Change::Group(row.uri.clone()));
        }
        Ok(displaced)
    }

    /// Forgets which places owners gave long ago.
    pub fn prune_placed(&self) -> Result<(), StoreFault> {
        let millis = i64::try_from(KEEP_PLACED.as_millis()).unwrap_or(i64::MAX);
        self.sql.execute(
            "DELETE FROM placed_submission WHERE at < ?1",
            [signed(self.now().as_millis()).saturating_sub(millis)],
        )?;
        Ok(())
    }
}

/// Reads a client and the id of what it has submitted.
fn abandoned_submission(row: &rusqlite::Row<'_>) -> Result<AbandonedSubmission, StoreFault> {
    let id = parsed_id(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
    Ok(AbandonedSubmission { client: parsed("a client", row.get(0)?)?, id })
}
