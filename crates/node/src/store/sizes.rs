//! How much of the store each thing takes. Logs and feeds are counted as they grow (`17-sizes.sql`), so reading this reads neither.

use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::policy::Policy;
use drawbridge_mtp::seen::shows_nothing;
use drawbridge_mtp::time::Timestamp;

use super::{Reader, StoreFault, View, parsed, time, unsigned};

/// What an event takes beside its body and grants: its other columns, its places in the indexes.
const EVENT_OCTETS: u64 = 300;
/// What an item of a feed takes that names an event.
const ITEM_OCTETS: u64 = 45;

/// What the log of a group takes here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSize {
    /// The group.
    pub group: GroupUri,
    /// Its name, where it is known and anything is seen of it.
    pub name: Option<String>,
    /// Its events here.
    pub events: u64,
    /// Octets of their bodies and grants.
    pub content_octets: u64,
    /// Octets of all of the log, about: with what each event takes beside those.
    pub octets: u64,
    /// Of messages below this number, retention has removed the bodies; 1 where it has removed none.
    pub bodies_from: u64,
}

/// What a feed takes here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSize {
    /// Whose it is.
    pub reader: Reader,
    /// Items that are kept.
    pub items: u64,
    /// Those of them that are not acknowledged.
    pub waiting: u64,
    /// Octets of all of them, about, and of the objects that they name. An event stands in its group's log and not here.
    pub octets: u64,
    /// When the reader last acknowledged something.
    pub pulled: Option<Timestamp>,
}

/// How many of something there are, and what they take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// How many.
    pub count: u64,
    /// Octets.
    pub octets: u64,
}

impl View<'_> {
    /// What the log of each group takes, by name.
    pub fn log_sizes(&self) -> Result<Vec<LogSize>, StoreFault> {
        let mut statement = self
            .sql
            .prepare_cached("SELECT uri, policy, events, octets, bodies_from FROM mls_group ORDER BY uri")?;
        let mut rows = statement.query([])?;
        let mut sizes = Vec::new();
        while let Some(row) = rows.next()? {
            let policy = row.get_ref(1)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
            let policy = policy.and_then(|cbor| Policy::from_cbor(cbor).ok());
            let (events, content_octets) = (unsigned(row.get(2)?), unsigned(row.get(3)?));
            sizes.push(LogSize {
                group: parsed("a group", row.get(0)?)?,
                name: policy.map(|policy| policy.name).filter(|name| !shows_nothing(name)),
                events,
                content_octets,
                octets: content_octets + events * EVENT_OCTETS,
                bodies_from: unsigned(row.get(4)?),
            });
        }
        Ok(sizes)
    }

    /// How many octets the bodies and grants of a group's events are here, and how many events there are.
    pub fn log_size(&self, id: i64) -> Result<(u64, u64), StoreFault> {
        let size = self
            .sql
            .prepare_cached("SELECT octets, events FROM mls_group WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        Ok((unsigned(size.0), unsigned(size.1)))
    }

    /// What each feed takes, by its reader.
    pub fn feed_sizes(&self) -> Result<Vec<FeedSize>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT reader, first, head, acked, octets, pulled_at FROM
               (SELECT *, coalesce((SELECT max(seq) FROM feed_item WHERE feed = feed.id), first - 1) AS head FROM feed)
             ORDER BY reader",
        )?;
        let mut rows = statement.query([])?;
        let mut sizes = Vec::new();
        while let Some(row) = rows.next()? {
            let [first, head, acknowledged] = [row.get(1)?, row.get(2)?, row.get(3)?].map(unsigned);
            let items = (head + 1).saturating_sub(first);
            sizes.push(FeedSize {
                reader: row.get::<_, String>(0)?.parse()?,
                items,
                waiting: head.saturating_sub(acknowledged).min(items),
                octets: unsigned(row.get(4)?) + items * ITEM_OCTETS,
                pulled: row.get::<_, Option<i64>>(5)?.map(time),
            });
        }
        Ok(sizes)
    }

    /// KeyPackages of clients of ours: those that wait to be handed out, and those that were and are remembered. How many there
    /// are of a client has a bound.
    pub fn key_packages_extent(&self) -> Result<Extent, StoreFault> {
        let counted = self
            .sql
            .prepare_cached(
                "SELECT count(*), coalesce(sum(octets), 0) FROM
                   (SELECT length(package) + length(supports) AS octets FROM key_package
                    UNION ALL SELECT length(package) + length(supports) FROM handed_out)",
            )?
            .query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        Ok(Extent { count: unsigned(counted.0), octets: unsigned(counted.1) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use drawbridge_mtp::message::{EventKind, ItemBody, PeerState};

    use super::*;
    use crate::ambient::System;
    use crate::ground::changes::Changes;
    use crate::store::tests::Log;
    use crate::store::{Store, Tx};

    /// What the counters say of the log and of the feed, and what is there.
    fn counted_and_there(tx: &Tx<'_>, log: &Log, reader: &Reader) -> Result<[(u64, u64); 2], StoreFault> {
        let of_log = tx.log_sizes()?.into_iter().find(|size| size.group == log.row.uri).unwrap();
        let of_feed = tx.feed_sizes()?.into_iter().find(|size| size.reader == *reader).unwrap();
        let sum = |sql: &str, id: i64| tx.sql.query_row(sql, [id], |row| row.get::<_, i64>(0).map(unsigned));
        let bodies = "SELECT coalesce(sum(coalesce(length(body), 0) + coalesce(length(grants), 0)), 0)
             FROM event WHERE grp = ?1";
        let feed: i64 =
            tx.sql.query_row("SELECT id FROM feed WHERE reader = ?1", [reader.as_str()], |row| row.get(0))?;
        let own = sum("SELECT coalesce(sum(length(body)), 0) FROM feed_item WHERE feed = ?1", feed)?
            + sum("SELECT coalesce(sum(length(bytes)), 0) FROM object WHERE feed = ?1", feed)?;
        let events = sum("SELECT count(*) FROM event WHERE grp = ?1", log.row.id)?;
        assert_eq!(of_log.events, events);
        assert_eq!(tx.log_size(log.row.id)?, (of_log.content_octets, events));
        Ok([
            (of_log.content_octets, sum(bodies, log.row.id)?),
            (of_feed.octets - of_feed.items * ITEM_OCTETS, own),
        ])
    }

    #[tokio::test]
    async fn what_logs_and_feeds_take_is_counted_whatever_becomes_of_them() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let reader = Reader::Peer("b.example".parse().unwrap());
        let done = store.write::<_, StoreFault, _>(move |tx| {
            let mut log = Log::begin(tx, "tea")?;
            tx.admit_reader(log.row.id, &reader, 1)?;
            let mut seen = Vec::new();
            for size in [0, 10, 5_000, 100_000] {
                log.add(tx, EventKind::Application, size)?;
                seen.push(counted_and_there(tx, &log, &reader)?);
            }
            tx.append(&reader, &ItemBody::Peer { state: PeerState::Allowed })?;
            tx.append_welcome(&reader, &log.row.uri, &[7; 90_000], Vec::new(), &[8; 70_000], 4)?;
            seen.push(counted_and_there(tx, &log, &reader)?);
            // Bodies that go, and events that lose their place.
            let place = tx.log_places()?.remove(0);
            let all = Extent { count: 2, octets: u64::MAX };
            tx.drop_bodies(&place, 9, Timestamp::MAX, all)?.unwrap();
            seen.push(counted_and_there(tx, &log, &reader)?);
            tx.set_copy_back(&mut log.row, 1)?;
            seen.push(counted_and_there(tx, &log, &reader)?);
            assert_eq!(tx.log_sizes()?[0].bodies_from, 2, "what comes in the place of those has its body");
            tx.sql.execute("UPDATE feed_item SET body = NULL", [])?;
            seen.push(counted_and_there(tx, &log, &reader)?);
            tx.sql.execute("DELETE FROM feed_item", [])?;
            tx.sql.execute("DELETE FROM object", [])?;
            seen.push(counted_and_there(tx, &log, &reader)?);
            Ok(seen)
        });
        let seen = done.await.unwrap();
        for [log, feed] in &seen {
            assert_eq!((log.0, feed.0), (log.1, feed.1));
        }
        assert_eq!(seen[3][0].0, 105_010);
        assert!(seen[4][1].0 > 160_000, "{seen:?}");
        assert_eq!(seen.last().unwrap(), &[(0, 0), (0, 0)]);
    }

    #[tokio::test]
    async fn what_is_said_to_be_taken_is_about_what_the_file_takes() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let measured = store.write::<_, StoreFault, _>(|tx| {
            let readers: Vec<_> =
                (0..10).map(|name| Reader::Peer(format!("p{name}.example").parse().unwrap())).collect();
            let mut log = Log::begin(tx, "tea")?;
            for reader in &readers {
                tx.admit_reader(log.row.id, reader, 1)?;
            }
            let before = tx.file_size()?.octets;
            for _ in 0..3_000 {
                log.add(tx, EventKind::Application, 300)?;
            }
            let said =
                tx.log_sizes()?[0].octets + tx.feed_sizes()?.iter().map(|feed| feed.octets).sum::<u64>();
            Ok((tx.file_size()?.octets - before, said))
        });
        let (takes, said) = measured.await.unwrap();
        assert!(said.abs_diff(takes) < takes / 4, "it takes {takes} octets and not {said}");
    }

    #[tokio::test]
    async fn what_is_told_of_a_log_costs_the_same_however_long_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let steps = store.write::<_, StoreFault, _>(|tx| {
            let reader = Reader::Peer("b.example".parse().unwrap());
            let mut log = Log::begin(tx, "tea")?;
            tx.admit_reader(log.row.id, &reader, 1)?;
            let mut steps = Vec::new();
            for _ in 0..3 {
                (0..200).try_for_each(|_| log.add(tx, EventKind::Application, 100).map(drop))?;
                let ask = || (tx.log_sizes().unwrap(), tx.feed_sizes().unwrap(), tx.file_size().unwrap());
                steps.push(tx.steps_of(ask).1);
            }
            Ok(steps)
        });
        let steps = steps.await.unwrap();
        // A statement takes one step more the first time.
        assert_eq!(steps[1], steps[2], "{steps:?}");
    }
}
