//! The logs of groups: events by their numbers, and putting more behind them (section 10).

use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Provider};
use drawbridge_mtp::message::{Body, Event, EventKind, MAX_INLINE_BYTES, ObjectRef, Placed, Submission};
use drawbridge_mtp::octets::{Hash32, Octets};
use drawbridge_mtp::wire::{self, Encoding, Malformed};
use rusqlite::{OptionalExtension, Row, params};

use crate::ground::changes::Change;

use super::groups::{GroupRow, hash_at, hash32};
use super::{StoreFault, Tx, View, parsed, signed, time, unsigned};

/// An event to be put at the end of a log.
#[derive(Debug)]
pub struct NewEvent<'a> {
    /// Its type.
    pub kind: EventKind,
    /// The epoch in the framing of its MLS message.
    pub epoch: u64,
    /// Who sent it.
    pub sender: &'a ClientUri,
    /// The grants by which a commit is accepted, in its submission's order.
    pub grants: Vec<String>,
    /// Its MLS message.
    pub body: &'a [u8],
    /// Who submitted it, and under which id.
    pub submission: Option<(&'a Provider, Id)>,
}

/// A proposal or a commit of a log.
#[derive(Debug)]
pub struct Handshake {
    /// Its number.
    pub seq: u64,
    /// Which of the two.
    pub kind: EventKind,
    /// The epoch that it is said to be of.
    pub epoch: u64,
    /// Who sent it.
    pub sender: ClientUri,
    /// Its MLS message.
    pub body: Vec<u8>,
}

/// A run of events of a log.
#[derive(Debug)]
pub struct LogSlice {
    /// The events, by number.
    pub events: Vec<Event>,
    /// Whether there are events behind the last.
    pub more: bool,
}

/// What an event takes on a page beside its body, about.
const EVENT_OVERHEAD: u64 = 500;

impl View<'_> {
    /// The handshakes of a group's log from `epoch` on, in order.
    pub fn handshakes(&self, id: i64, epoch: u64) -> Result<Vec<Handshake>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT seq, kind, epoch, sender, body FROM event
             WHERE grp = ?1 AND kind IN ('proposal', 'commit') AND epoch >= ?2 AND body IS NOT NULL ORDER BY seq",
        )?;
        let mut rows = statement.query(params![id, signed(epoch)])?;
        let mut handshakes = Vec::new();
        while let Some(row) = rows.next()? {
            handshakes.push(Handshake {
                seq: unsigned(row.get(0)?),
                kind: parsed("a type of an event", row.get(1)?)?,
                epoch: unsigned(row.get(2)?),
                sender: parsed("a client", row.get(3)?)?,
                body: row.get(4)?,
            });
        }
        Ok(handshakes)
    }

    /// The commit in a group's log that ended `epoch`, without its body; none where it is not here.
    pub fn commit_ending(&self, group: &GroupRow, epoch: u64) -> Result<Option<Event>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT seq, kind, epoch, sender, time, grants, NULL, size, body_hash, prev, hash FROM event
             WHERE grp = ?1 AND kind = 'commit' AND epoch = ?2 AND seq >= ?3",
        )?;
        let mut rows = statement.query(params![group.id, signed(epoch), signed(group.first)])?;
        rows.next()?.map(|row| event(row, 0, &group.uri)).transpose()
    }

    /// The epoch that the last commit in a group's log ended, where there is a commit in it.
    pub fn last_ended_epoch(&self, group: &GroupRow) -> Result<Option<u64>, StoreFault> {
        let ended: Option<i64> = self
            .sql
            .prepare_cached("SELECT max(epoch) FROM event WHERE grp = ?1 AND kind = 'commit' AND seq >= ?2")?
            .query_row(params![group.id, signed(group.first)], |row| row.get(0))?;
        Ok(ended.map(unsigned))
    }

    /// The events of `group` behind `after`, up to `until`: at most `max_events`, and about `max_bytes`, but at least
    /// one.
    pub fn log_slice(
        &self,
        group: &GroupRow,
        after: u64,
        until: u64,
        max_events: u64,
        max_bytes: u64,
    ) -> Result<LogSlice, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT seq, kind, epoch, sender, time, grants, body, size, body_hash, prev, hash FROM event
             WHERE grp = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq LIMIT ?4",
        )?;
        let limit = signed(max_events.saturating_add(1));
        let mut rows = statement.query(params![group.id, signed(after), signed(until), limit])?;
        let mut slice = LogSlice { events: Vec::new(), more: false };
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let event = event(row, 0, &group.uri)?;
            bytes += weight(&event);
            if !slice.events.is_empty() && (slice.events.len() as u64 >= max_events || bytes > max_bytes) {
                slice.more = true;
                break;
            }
            slice.events.push(event);
        }
        Ok(slice)
    }

    /// The hash of the event `seq`.
    pub fn event_hash(&self, id: i64, seq: u64) -> Result<Option<Hash32>, StoreFault> {
        self.sql
            .prepare_cached("SELECT hash FROM event WHERE grp = ?1 AND seq = ?2")?
            .query_row(params![id, signed(seq)], |row| row.get::<_, Vec<u8>>(0))
            .optional()?
            .map(|hash| hash32(&hash))
            .transpose()
    }
}

impl Tx<'_> {
    /// The place of what `submitter` has submitted, where it has one: known by its id, or, among events that were read
    /// back from a participant, by its sender and its body.
    pub fn placed(
        &self,
        id: i64,
        submitter: &Provider,
        submission: &Submission,
    ) -> Result<Option<Placed>, StoreFault> {
        let mut row = self
            .sql
            .prepare_cached(
                "SELECT seq, hash, time FROM event WHERE submission = ?1 AND grp = ?2 AND submitter = ?3",
            )?
            .query_row(params![submission.id.as_bytes(), id, submitter.as_str()], place_columns)
            .optional()?;
        if row.is_none() && submission.sender.provider() == submitter && self.has_adopted()? {
            row = self
                .sql
                .prepare_cached(
                    "SELECT seq, hash, time FROM event INDEXED BY event_adopted
                     WHERE adopted = 1 AND grp = ?1 AND body_hash = ?2 AND sender = ?3 ORDER BY rowid LIMIT 1",
                )?
                .query_row(
                    params![id, Hash32::of(submission.mls.as_slice()).as_bytes(), submission.sender.as_str()],
                    place_columns,
                )
                .optional()?;
        }
        row.map(|(seq, hash, at)| Ok(Placed { seq: unsigned(seq), hash: hash32(&hash)?, time: time(at) }))
            .transpose()
    }

    /// Whether any event was ever adopted.
    fn has_adopted(&self) -> Result<bool, StoreFault> {
        if let Some(adopted) = self.memory.adopted() {
            return Ok(adopted);
        }
        let adopted = self
            .sql
            .prepare_cached("SELECT 1 FROM event INDEXED BY event_adopted WHERE adopted = 1 LIMIT 1")?
            .exists([])?;
        self.memory.set_adopted(adopted);
        Ok(adopted)
    }

    /// Puts an event at the end of a log of ours, gives it its number and hash, and puts it into the feed of
    /// everyone who is told of it.
    pub fn number_event(&self, group: &mut GroupRow, new: NewEvent<'_>) -> Result<Placed, StoreFault> {
        let mut event = Event {
            group: group.uri.clone(),
            seq: group.head + 1,
            kind: new.kind,
            epoch: new.epoch,
            sender: new.sender.clone(),
            time: self.now(),
            grants: new.grants,
            body: None,
            body_hash: Hash32::of(new.body),
            prev: group.hash.unwrap_or_default(),
            hash: Hash32::default(),
        };
        event.hash = event.computed_hash();
        self.insert_event(group.id, &event, Some(new.body), new.body.len() as u64, new.submission, false)?;
        self.advance(group, &event)?;
        Ok(Placed { seq: event.seq, hash: event.hash, time: event.time })
    }

    /// Keeps an event of a group that another provider owns, with its body where that has come, and puts it into the
    /// feeds of our clients who are told of it.
    pub fn keep_event(
        &self,
        group: &mut GroupRow,
        event: &Event,
        body: Option<&[u8]>,
    ) -> Result<(), StoreFault> {
        self.insert_event(group.id, event, body, size_of(event, body), None, false)?;
        self.advance(group, event)
    }

    /// Keeps an event of a group of ours as it was numbered before our store lost it, with its body where that has come,
    /// and puts it into the feed of everyone who is told of it.
    pub fn adopt_event(
        &self,
        group: &mut GroupRow,
        event: &Event,
        body: Option<&[u8]>,
    ) -> Result<(), StoreFault> {
        self.insert_event(group.id, event, body, size_of(event, body), None, true)?;
        self.memory.set_adopted(true);
        self.advance(group, event)
    }

    fn insert_event(
        &self,
        id: i64,
        event: &Event,
        body: Option<&[u8]>,
        size: u64,
        submission: Option<(&Provider, Id)>,
        adopted: bool,
    ) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(
                "INSERT INTO event (grp, seq, kind, epoch, sender, time, grants, body, size, body_hash, prev, hash, submitter, submission, adopted,
                   stored)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            )?
            .execute(params![
                id,
                signed(event.seq),
                event.kind.as_str(),
                signed(event.epoch),
                event.sender.as_str(),
                signed(event.time.as_millis()),
                (!event.grants.is_empty()).then(|| wire::encode(Encoding::Cbor, &event.grants)),
                body,
                signed(size),
                event.body_hash.as_bytes(),
                event.prev.as_bytes(),
                event.hash.as_bytes(),
                submission.map(|(provider, _)| provider.as_str()),
                submission.map(|(_, id)| id.as_bytes()),
                adopted,
                signed(self.now().as_millis()),
            ])?;
        Ok(())
    }

    /// Keeps how far a log has come with an event, and tells all who are to be told of that.
    fn advance(&self, group: &mut GroupRow, event: &Event) -> Result<(), StoreFault> {
        (group.head, group.hash) = (event.seq, Some(event.hash));
        self.sql
            .prepare_cached(
                "UPDATE any_group SET epoch = ?2, first = ?3, head = ?4, hash = ?5 WHERE id = ?1",
            )?
            .execute(params![
                group.id,
                signed(group.epoch),
                signed(group.first),
                signed(group.head),
                event.hash.as_bytes()
            ])?;
        self.changed(Change::Group(group.uri.clone()));
        self.append_event(group.id, event.seq)
    }
}

/// Reads an event from the columns from `at` on: its number, type, epoch, sender, time, grants, body, size and hashes.
pub(super) fn event(row: &Row<'_>, at: usize, group: &GroupUri) -> Result<Event, StoreFault> {
    let (size, body_hash) = (unsigned(row.get(at + 7)?), hash_at(row, at + 8)?);
    let body = match row.get_ref(at + 6)?.as_blob_or_null().map_err(rusqlite::Error::from)? {
        Some(body) if body.len() <= MAX_INLINE_BYTES => Some(Body::Here(Octets(body.to_vec()))),
        Some(_) => Some(Body::Object(ObjectRef { sha256: body_hash, size })),
        None => None,
    };
    Ok(Event {
        group: group.clone(),
        seq: unsigned(row.get(at)?),
        kind: parsed("a type of an event", row.get(at + 1)?)?,
        epoch: unsigned(row.get(at + 2)?),
        sender: parsed("a client", row.get(at + 3)?)?,
        time: time(row.get(at + 4)?),
        grants: grants_at(row, at + 5)?,
        body,
        body_hash,
        prev: hash_at(row, at + 9)?,
        hash: hash_at(row, at + 10)?,
    })
}

/// Reads the grants of a commit.
fn grants_at(row: &Row<'_>, at: usize) -> Result<Vec<String>, StoreFault> {
    let Some(grants) = row.get_ref(at)?.as_blob_or_null().map_err(rusqlite::Error::from)? else {
        return Ok(Vec::new());
    };
    let unreadable = |fault: Malformed| StoreFault::Unreadable {
        what: "the grants of an event",
        value: fault.to_string(),
    };
    wire::decode(Encoding::Cbor, grants).map_err(unreadable)
}

/// About how many bytes an event takes on a page.
pub(super) fn weight(event: &Event) -> u64 {
    let body = match &event.body {
        Some(Body::Here(body)) => body.as_slice().len() as u64,
        _ => 0,
    };
    body + event.grants.iter().map(|grant| grant.len() as u64).sum::<u64>() + EVENT_OVERHEAD
}

/// How large the body of an event is, whether or not it has come.
fn size_of(event: &Event, body: Option<&[u8]>) -> u64 {
    match (&event.body, body) {
        (_, Some(body)) => body.len() as u64,
        (Some(Body::Object(object)), None) => object.size,
        _ => 0,
    }
}

/// Reads a number, a hash and a time.
fn place_columns(row: &Row<'_>) -> Result<(i64, Vec<u8>, i64), rusqlite::Error> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ambient::System;
    use crate::ground::changes::Changes;
    use crate::store::{Standing, Store};

    #[tokio::test]
    async fn a_store_takes_one_commit_for_each_epoch_of_a_group_of_ours() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let sender: ClientUri = "mimi://a.example/u/ann/d/phone".parse().unwrap();
        let uri: GroupUri = "mimi://a.example/g/tea".parse().unwrap();
        let made = store.write(move |tx| {
            let mut row = GroupRow {
                id: 0,
                uri,
                created: tx.now(),
                epoch: 0,
                first: 1,
                head: 0,
                hash: None,
                suite: 1,
                standing: Standing::Live,
                fault: None,
            };
            row.id = tx.add_group(&row)?;
            Ok::<_, StoreFault>(row)
        });
        let row = made.await.unwrap();
        let commits = async |epoch: u64| {
            let (mut row, sender) = (row.clone(), sender.clone());
            let numbered = store.write(move |tx| {
                row.head = tx.group(&row.uri)?.unwrap().head;
                let (submitter, id) = (sender.provider().clone(), tx.new_id());
                let commit = NewEvent {
                    kind: EventKind::Commit,
                    epoch,
                    sender: &sender,
                    grants: Vec::new(),
                    body: b"a commit",
                    submission: Some((&submitter, id)),
                };
                tx.number_event(&mut row, commit)
            });
            numbered.await.map(|placed| placed.seq)
        };
        assert_eq!(commits(0).await.unwrap(), 1);
        assert!(commits(0).await.is_err(), "the epoch has its commit");
        assert_eq!(commits(1).await.unwrap(), 2, "what was refused has taken no number");
    }
}
