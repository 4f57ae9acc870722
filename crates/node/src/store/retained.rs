//! What a retention removes: the bodies of a log's application messages, from the beginning of the log on. Their events stay, since
//! the chain of hashes is made of those, and handshakes keep their bodies, by which a group is followed (section 12).
//!
//! How old an event is goes by when its owner accepted it, or by when it was stored here where that was earlier: an owner whose clock is
//! ahead, or that dates one event so, does not keep what is behind that for good.

use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::message::EventKind;
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::time::Timestamp;
use rusqlite::params;

use crate::ground::changes::Change;

use super::groups::hash_at;
use super::{Extent, Reader, StoreFault, Tx, View, parsed, signed, time, unsigned};

/// How a log stood when it was looked which feeds still need what of it.
#[derive(Clone, Debug)]
pub struct LogPlace {
    /// The group's number in this store.
    pub id: i64,
    /// The group.
    pub group: GroupUri,
    /// The number of its last event here.
    pub head: u64,
    /// The hash of that event. While the log has it, all before it is what it was: the hashes are a chain.
    pub hash: Hash32,
    /// The lowest number whose body may still be there.
    pub bodies_from: u64,
}

/// A message with its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgedMessage {
    /// Its number.
    pub seq: u64,
    /// When its owner accepted it, or when it was stored here where that was earlier.
    pub time: Timestamp,
    /// Octets of its body.
    pub octets: u64,
}

/// A run of a log, from its beginning on, in which all is old enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgedRun {
    /// Its messages that have a body.
    pub messages: Vec<AgedMessage>,
    /// The number behind its last event.
    pub next: u64,
    /// Whether the next event is younger, or is not to be looked at.
    pub is_last: bool,
}

/// What a feed names of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedHold {
    /// The group's number in this store.
    pub group: i64,
    /// The lowest event that an item which is kept names.
    pub first: u64,
    /// The lowest that one names which is not acknowledged.
    pub waiting: Option<u64>,
}

/// How far a reader of a feed is behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderHold {
    /// Who.
    pub reader: Reader,
    /// When it last acknowledged something; none where it never did.
    pub pulled: Option<Timestamp>,
    /// Whether items have lapsed that it had not acknowledged (section 12).
    pub has_lapsed: bool,
    /// What its feed names, by group.
    pub groups: Vec<FeedHold>,
}

impl View<'_> {
    /// The logs of which something may be removed. One that cannot be believed is evidence, and stays as it is.
    pub fn log_places(&self) -> Result<Vec<LogPlace>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT id, uri, head, hash, bodies_from FROM mls_group
             WHERE bodies_from <= head AND length(hash) = 32 AND standing <> 'broken' ORDER BY uri",
        )?;
        let mut rows = statement.query([])?;
        let mut places = Vec::new();
        while let Some(row) = rows.next()? {
            places.push(LogPlace {
                id: row.get(0)?,
                group: parsed("a group", row.get(1)?)?,
                head: unsigned(row.get(2)?),
                hash: hash_at(row, 3)?,
                bodies_from: unsigned(row.get(4)?),
            });
        }
        Ok(places)
    }

    /// The events of a log from `from` to `until` that are older than `before`, as far as all are: at most `events`, and about
    /// `octets` of bodies.
    pub fn aged_run(
        &self,
        id: i64,
        from: u64,
        until: u64,
        before: Timestamp,
        at_most: Extent,
    ) -> Result<AgedRun, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT seq, kind,
               min(time, coalesce(stored, (SELECT CAST(value AS INTEGER) FROM setting WHERE name = 'events-stored-by'), time)),
               length(body)
             FROM event WHERE grp = ?1 AND seq >= ?2 AND seq <= ?3 ORDER BY seq",
        )?;
        let mut rows = statement.query(params![id, signed(from), signed(until)])?;
        let mut run = AgedRun { messages: Vec::new(), next: from, is_last: false };
        let (mut events, mut octets) = (0, 0);
        while events < at_most.count && octets < at_most.octets {
            let Some(row) = rows.next()? else {
                return Ok(AgedRun { next: run.next.max(until + 1), is_last: true, ..run });
            };
            let (seq, since) = (unsigned(row.get(0)?), time(row.get(2)?));
            if since >= before {
                return Ok(AgedRun { is_last: true, ..run });
            }
            let kind: EventKind = parsed("a type of an event", row.get(1)?)?;
            let body = row.get::<_, Option<i64>>(3)?.map(unsigned);
            if let (EventKind::Application, Some(size)) = (kind, body) {
                run.messages.push(AgedMessage { seq, time: since, octets: size });
                octets += size;
            }
            events += 1;
            run.next = seq + 1;
        }
        Ok(run)
    }

    /// All who have a feed.
    pub fn readers(&self) -> Result<Vec<Reader>, StoreFault> {
        let mut statement = self.sql.prepare_cached("SELECT reader FROM feed ORDER BY reader")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        rows.map(|row| row?.parse()).collect()
    }

    /// How far `reader` is behind, and what its feed names; none where it has none. It reads all items that are kept for it.
    pub fn reader_hold(&self, reader: &Reader) -> Result<Option<ReaderHold>, StoreFault> {
        let Some(place) = self.feed(reader)? else { return Ok(None) };
        let mut statement = self.sql.prepare_cached(
            "SELECT grp, min(event), min(iif(seq > acked, event, NULL)) FROM feed_item JOIN feed ON feed.id = feed
             WHERE reader = ?1 AND event IS NOT NULL GROUP BY grp",
        )?;
        let mut rows = statement.query([reader.as_str()])?;
        let mut groups = Vec::new();
        while let Some(row) = rows.next()? {
            let waiting: Option<i64> = row.get(2)?;
            groups.push(FeedHold {
                group: row.get(0)?,
                first: unsigned(row.get(1)?),
                waiting: waiting.map(unsigned),
            });
        }
        Ok(Some(ReaderHold {
            reader: reader.clone(),
            pulled: place.pulled,
            has_lapsed: place.acknowledged + 1 < place.first,
            groups,
        }))
    }
}

impl Tx<'_> {
    /// Removes the bodies of messages of a log that are older than `before`, from its beginning up to the event `until`: at most so
    /// many at a time. None where the log is not any more what it was at `place`.
    pub fn drop_bodies(
        &self,
        place: &LogPlace,
        until: u64,
        before: Timestamp,
        at_most: Extent,
    ) -> Result<Option<AgedRun>, StoreFault> {
        let until = until.min(place.head);
        if self.event_hash(place.id, place.head)? != Some(place.hash) {
            return Ok(None);
        }
        let from = self
            .sql
            .prepare_cached("SELECT bodies_from FROM mls_group WHERE id = ?1")?
            .query_row([place.id], |row| row.get(0).map(unsigned))?;
        let run = self.aged_run(place.id, from, until, before, at_most)?;
        if run.next == from {
            return Ok(Some(run));
        }
        self.sql
            .prepare_cached(
                "UPDATE event SET body = NULL
                 WHERE grp = ?1 AND seq >= ?2 AND seq < ?3 AND kind = 'application' AND body IS NOT NULL",
            )?
            .execute(params![place.id, signed(from), signed(run.next)])?;
        self.sql
            .prepare_cached("UPDATE any_group SET bodies_from = ?2 WHERE id = ?1")?
            .execute(params![place.id, signed(run.next)])?;
        if !run.messages.is_empty() {
            self.changed(Change::Group(place.group.clone()));
        }
        Ok(Some(run))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::ambient::System;
    use crate::ground::changes::Changes;
    use crate::store::Store;
    use crate::store::tests::Log;

    const ALL: Extent = Extent { count: u64::MAX, octets: u64::MAX };

    /// Which of the events from 1 on have a body.
    fn bodies(tx: &Tx<'_>, log: &Log) -> Result<Vec<bool>, StoreFault> {
        let events = tx.log_slice(&log.row, 0, log.row.head, 99, u64::MAX)?.events;
        Ok(events.iter().map(|event| event.body.is_some()).collect())
    }

    /// A log whose second event is a commit, and which `b.example` is told of from its fifth event on.
    fn six_events(tx: &Tx<'_>) -> Result<Log, StoreFault> {
        let mut log = Log::begin(tx, "tea")?;
        for kind in
            [EventKind::Application, EventKind::Commit, EventKind::Application, EventKind::Application]
        {
            log.add(tx, kind, 10)?;
        }
        tx.admit_reader(log.row.id, &Reader::Peer("b.example".parse().unwrap()), 5)?;
        for _ in 0..2 {
            log.add(tx, EventKind::Application, 10)?;
        }
        Ok(log)
    }

    #[tokio::test]
    async fn bodies_of_messages_go_from_the_beginning_on_and_the_chain_stays() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let done = store.write::<_, StoreFault, _>(|tx| {
            let log = six_events(tx)?;
            let hashes = |tx: &Tx<'_>| (1..=6).map(|seq| tx.event_hash(log.row.id, seq)).collect::<Vec<_>>();
            let before: Vec<_> = hashes(tx).into_iter().map(Result::unwrap).collect();
            let place = tx.log_places()?.remove(0);
            let now = tx.now();

            let young = tx.drop_bodies(&place, 6, now.minus(Duration::from_secs(3600)), ALL)?.unwrap();
            assert_eq!((young.messages.len(), young.next, young.is_last), (0, 1, true));
            assert_eq!(bodies(tx, &log)?, [true; 6]);

            let later = now.plus(Duration::from_secs(1));
            let first = tx.drop_bodies(&place, 4, later, Extent { count: 2, octets: u64::MAX })?.unwrap();
            assert_eq!((first.messages.len(), first.next, first.is_last), (1, 3, false));
            assert_eq!(bodies(tx, &log)?, [false, true, true, true, true, true]);
            let rest = tx.drop_bodies(&place, 4, later, ALL)?.unwrap();
            assert_eq!((rest.messages.len(), rest.next, rest.is_last), (2, 5, true));
            assert_eq!(bodies(tx, &log)?, [false, true, false, false, true, true]);
            assert_eq!(hashes(tx).into_iter().map(Result::unwrap).collect::<Vec<_>>(), before);
            assert_eq!(tx.handshakes(log.row.id, 0)?.len(), 1, "the commit can be followed");
            Ok(())
        });
        done.await.unwrap();
    }

    #[tokio::test]
    async fn an_event_that_is_dated_ahead_is_as_old_as_it_is_here() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let done = store.write::<_, StoreFault, _>(|tx| {
            let log = six_events(tx)?;
            let place = tx.log_places()?.remove(0);
            let later = tx.now().plus(Duration::from_secs(1));
            let ahead = 10 * 365 * 24 * 3600 * 1000_i64;
            tx.sql.execute("UPDATE event SET time = time + ?1 WHERE seq >= 3", [ahead])?;
            let run = tx.drop_bodies(&place, 3, later, ALL)?.unwrap();
            assert_eq!((run.messages.len(), run.next), (2, 4));
            assert!(run.messages.iter().all(|message| message.time < later), "{run:?}");
            // Of what an older version has stored, it is known when it was here at the latest.
            tx.sql.execute("UPDATE event SET stored = NULL", [])?;
            tx.drop_bodies(&place, 4, later, ALL)?.unwrap();
            assert_eq!(bodies(tx, &log)?, [false, true, false, false, true, true]);
            Ok(())
        });
        done.await.unwrap();
    }

    #[tokio::test]
    async fn what_a_feed_names_is_known_and_a_log_that_has_become_another_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let done = store.write::<_, StoreFault, _>(|tx| {
            let mut log = six_events(tx)?;
            let reader = tx.readers()?.remove(0);
            let hold = |waiting| ReaderHold {
                reader: reader.clone(),
                pulled: None,
                has_lapsed: false,
                groups: vec![FeedHold { group: log.row.id, first: 5, waiting }],
            };
            assert_eq!(tx.reader_hold(&reader)?, Some(hold(Some(5))));
            tx.acknowledge(&reader, 1, None)?;
            let seen = tx.reader_hold(&reader)?.unwrap();
            assert_eq!(seen.groups, hold(Some(6)).groups, "an item that is kept counts, acknowledged or not");

            let place = tx.log_places()?.remove(0);
            tx.set_copy_back(&mut log.row, 5)?;
            log.add(tx, EventKind::Application, 11)?;
            let later = tx.now().plus(Duration::from_secs(1));
            assert_eq!(tx.drop_bodies(&place, 6, later, ALL)?, None);
            assert_eq!(bodies(tx, &log)?, [true; 6]);

            log.row.standing = crate::store::Standing::Broken;
            tx.put_group(&log.row)?;
            assert!(tx.log_places()?.is_empty(), "what proves something stays");
            Ok(())
        });
        done.await.unwrap();
    }
}
