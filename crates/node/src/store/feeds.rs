//! Feeds: what we have to tell each reader, and how far we have pulled what each peer has to tell us
//! (`docs/mtp.md`, section 11).

use drawbridge_mtp::id::{Generation, Id, Provider};
use drawbridge_mtp::message::{Item, ItemBody, Removed};
use drawbridge_mtp::time::Timestamp;
use drawbridge_mtp::wire::{self, Encoding};
use rusqlite::{OptionalExtension, Row, params};
use std::time::Duration;

use crate::ground::changes::Change;

use super::memory::FeedEnd;
use super::{Reader, StoreFault, Tx, View, log, parsed, parsed_id, signed, time, unsigned};

/// The head of a feed, in a query over `feed`.
const HEAD: &str = "coalesce((SELECT max(seq) FROM feed_item WHERE feed = feed.id), first - 1)";
/// About how many bytes it takes on a page to say that a reader is out of a group.
const REMOVED_WEIGHT: u64 = 200;

/// The state of a feed of ours.
#[derive(Clone, Debug)]
pub struct FeedPlace {
    /// Names this feed's history.
    pub generation: Generation,
    /// The lowest number still kept; `head + 1` where none is.
    pub first: u64,
    /// The highest number given; 0 for none.
    pub head: u64,
    /// What the reader has acknowledged; 0 for nothing.
    pub acknowledged: u64,
    /// The id of the item acknowledged last.
    pub acknowledged_item: Option<Id>,
    /// When the oldest item that is not acknowledged was put.
    pub waiting_since: Option<Timestamp>,
    /// When the reader last pulled.
    pub pulled: Option<Timestamp>,
}

/// A run of items of a feed of ours.
#[derive(Debug)]
pub struct FeedSlice {
    /// The items, by number, without gaps.
    pub items: Vec<Item>,
    /// Whether there are items behind the last.
    pub more: bool,
}

/// How far we have pulled a peer's feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The generation that the numbers belong to.
    pub generation: Generation,
    /// The last number stored; 0 for none.
    pub seq: u64,
    /// The id of the item with that number.
    pub item: Option<Id>,
    /// The highest number that the peer has told of.
    pub head: u64,
}

impl View<'_> {
    /// The state of the feed of `reader`; `None` where nothing was ever put into it or asked of it.
    pub fn feed(&self, reader: &Reader) -> Result<Option<FeedPlace>, StoreFault> {
        let row = self
            .sql
            .prepare_cached(&format!(
                "SELECT generation, first, {HEAD}, acked, acked_item, pulled_at,
                        (SELECT at FROM feed_item WHERE feed = feed.id AND seq > acked ORDER BY seq LIMIT 1)
                     FROM feed WHERE reader = ?1"
            ))?
            .query_row([reader.as_str()], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get::<_, Option<Vec<u8>>>(4)?,
                    row.get::<_, Option<i64>>(5)?,
                    row.get::<_, Option<i64>>(6)?,
                ))
            })
            .optional()?;
        let Some((generation, first, head, acked, acked_item, pulled, waiting)) = row else {
            return Ok(None);
        };
        Ok(Some(FeedPlace {
            generation: parsed("a generation", generation)?,
            first: unsigned(first),
            head: unsigned(head),
            acknowledged: unsigned(acked),
            acknowledged_item: acked_item.as_deref().map(parsed_id).transpose()?,
            waiting_since: waiting.map(time),
            pulled: pulled.map(time),
        }))
    }

    /// The id of the item `seq` in the feed of `reader`, where it is still kept.
    pub fn feed_item_id(&self, reader: &Reader, seq: u64) -> Result<Option<Id>, StoreFault> {
        self.sql
            .prepare_cached(
                "SELECT item FROM feed_item JOIN feed ON id = feed WHERE reader = ?1 AND seq = ?2",
            )?
            .query_row(params![reader.as_str(), signed(seq)], |row| row.get::<_, Vec<u8>>(0))
            .optional()?
            .map(|octets| parsed_id(&octets))
            .transpose()
    }

    /// The items behind `after`: at most `max_items`, and at most `max_bytes` of content, but at least one.
    pub fn feed_slice(
        &self,
        reader: &Reader,
        after: u64,
        max_items: u64,
        max_bytes: u64,
    ) -> Result<FeedSlice, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT f.seq, f.item, f.body, g.uri, g.forgotten, g.head,
                    e.seq, e.kind, e.epoch, e.sender, e.time, e.grants, e.body, e.size, e.body_hash, e.prev, e.hash
             FROM feed JOIN feed_item f ON f.feed = feed.id
               LEFT JOIN event e ON e.grp = f.grp AND e.seq = f.event LEFT JOIN any_group g ON g.id = f.grp
             WHERE feed.reader = ?1 AND f.seq > ?2 ORDER BY f.seq LIMIT ?3",
        )?;
        let mut rows =
            statement.query(params![reader.as_str(), signed(after), signed(max_items.saturating_add(1))])?;
        let mut slice = FeedSlice { items: Vec::new(), more: false };
        let mut bytes = 0_u64;
        while let Some(row) = rows.next()? {
            let (item, weight) = item(row)?;
            bytes += weight;
            if !slice.items.is_empty() && (slice.items.len() as u64 >= max_items || bytes > max_bytes) {
                slice.more = true;
                break;
            }
            slice.items.push(item);
        }
        Ok(slice)
    }

    /// Whether the item `id` of `peer` has come.
    pub fn has_received(&self, peer: &Provider, id: Id) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached("SELECT 1 FROM received WHERE provider = ?1 AND item = ?2")?
            .exists(params![peer.as_str(), id.as_bytes()])?)
    }

    /// Of how many items of `peer` it is kept that they have come.
    pub fn count_received(&self, peer: &Provider) -> Result<u64, StoreFault> {
        let mut statement = self.sql.prepare_cached("SELECT count(*) FROM received WHERE provider = ?1")?;
        Ok(unsigned(statement.query_row([peer.as_str()], |row| row.get(0))?))
    }

    /// How far the feed of `peer` has been pulled.
    pub fn cursor(&self, peer: &Provider) -> Result<Option<Cursor>, StoreFault> {
        let row = self
            .sql
            .prepare_cached("SELECT generation, seq, item, head FROM cursor WHERE provider = ?1")?
            .query_row([peer.as_str()], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, Option<Vec<u8>>>(2)?,
                    row.get::<_, i64>(3)?,
                ))
            })
            .optional()?;
        let Some((generation, seq, item, head)) = row else { return Ok(None) };
        let item = item.as_deref().map(parsed_id).transpose()?;
        Ok(Some(Cursor {
            generation: parsed("a generation", generation)?,
            seq: unsigned(seq),
            item,
            head: unsigned(head),
        }))
    }
}

impl Tx<'_> {
    /// Puts `body` at the end of the feed of `reader`, wakes its waiting pulls after the commit, and returns
    /// the number given.
    pub fn append(&self, reader: &Reader, body: &ItemBody) -> Result<u64, StoreFault> {
        let feed = match self.feed_number(reader)? {
            Some(feed) => feed,
            None => {
                self.open_feed(reader)?;
                self.feed_number(reader)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?
            }
        };
        let end = self.feed_end(feed)?;
        let (seq, id) = (end.head + 1, self.new_id());
        let item = Item { seq: unsigned(seq), id, body: body.clone() };
        self.sql
            .prepare_cached("INSERT INTO feed_item (feed, seq, item, at, body) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                feed,
                seq,
                id.as_bytes(),
                signed(self.now().as_millis()),
                wire::encode(Encoding::Json, &item)
            ])?;
        self.note_grown(feed, end);
        Ok(unsigned(seq))
    }

    /// The number of the feed of `reader`.
    fn feed_number(&self, reader: &Reader) -> Result<Option<i64>, StoreFault> {
        Ok(self
            .sql
            .prepare_cached("SELECT id FROM feed WHERE reader = ?1")?
            .query_row([reader.as_str()], |row| row.get(0))
            .optional()?)
    }

    fn feed_end(&self, feed: i64) -> Result<FeedEnd, StoreFault> {
        if let Some(end) = self.memory.end(feed) {
            return Ok(end);
        }
        let looked_up = self
            .sql
            .prepare_cached(&format!("SELECT reader, {HEAD} FROM feed WHERE id = ?1"))?
            .query_row([feed], |row| Ok(FeedEnd { reader: row.get(0)?, head: row.get(1)? }))?;
        Ok(looked_up)
    }

    /// Notes that an item was put behind `end`.
    fn note_grown(&self, feed: i64, end: FeedEnd) {
        self.rang(end.reader.clone());
        self.memory.set_end(feed, FeedEnd { head: end.head + 1, ..end });
    }

    /// Puts the event `seq` of the group with the number `grp` at the end of the feeds of all who are told of it: by its
    /// name and under one id, since one event goes to many.
    pub(super) fn append_event(&self, grp: i64, seq: u64) -> Result<(), StoreFault> {
        let mut told = self.sql.prepare_cached(
            "SELECT feed FROM audience WHERE grp = ?1 AND since <= ?2 AND (until IS NULL OR until >= ?2)",
        )?;
        let mut told = told.query(params![grp, signed(seq)])?;
        let mut put = self.sql.prepare_cached(
            "INSERT INTO feed_item (feed, seq, item, at, grp, event) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let (id, now) = (self.new_id(), signed(self.now().as_millis()));
        while let Some(row) = told.next()? {
            let feed = row.get(0)?;
            let end = self.feed_end(feed)?;
            put.execute(params![feed, end.head + 1, id.as_bytes(), now, grp, signed(seq)])?;
            self.note_grown(feed, end);
        }
        Ok(())
    }

    /// Makes the feed of `reader`, with a generation of its own, where there is none.
    pub fn open_feed(&self, reader: &Reader) -> Result<(), StoreFault> {
        let known =
            self.sql.prepare_cached("SELECT 1 FROM feed WHERE reader = ?1")?.exists([reader.as_str()])?;
        if !known {
            self.sql
                .prepare_cached(
                    // No number of which items of another feed are left.
                    "INSERT INTO feed (id, reader, generation, first)
                     SELECT coalesce(max(id), 0) + 1, ?1, ?2, 1
                     FROM (SELECT max(id) AS id FROM feed UNION ALL SELECT max(id) FROM dropped_feed)",
                )?
                .execute(params![reader.as_str(), self.new_id().to_string()])?;
        }
        Ok(())
    }

    /// Begins another history of the feed of `reader`, which has stored what this store has never given: the same items
    /// under the same numbers, of which nothing is acknowledged.
    pub fn renew_feed(&self, reader: &Reader) -> Result<Option<FeedPlace>, StoreFault> {
        self.sql
            .prepare_cached(
                "UPDATE feed SET generation = ?2, acked = 0, acked_item = NULL WHERE reader = ?1",
            )?
            .execute(params![reader.as_str(), self.new_id().to_string()])?;
        if let Reader::Peer(peer) = reader {
            self.changed(Change::Dealings(peer.clone()));
        }
        // A pull that waits is told.
        self.rang(reader.as_str());
        self.feed(reader)
    }

    /// Begins other histories of the feeds of all readers that are `meant`, since this store is not what they were told of. Each peer then
    /// repeats what it has asked of us, which may be lost here (section 11); a client asks how its groups stand before it makes anything.
    pub fn renew_feeds(&self, meant: impl Fn(&Reader) -> bool) -> Result<(), StoreFault> {
        let readers: Vec<String> = self
            .sql
            .prepare("SELECT reader FROM feed")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for reader in readers {
            let reader: Reader = reader.parse()?;
            if meant(&reader) {
                self.renew_feed(&reader)?;
            }
        }
        Ok(())
    }

    /// Notes that `reader` pulled, and that it has stored everything up to `seq`, whose item is `item`.
    /// A smaller number than before changes nothing.
    pub fn acknowledge(&self, reader: &Reader, seq: u64, item: Option<Id>) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(&format!(
                "UPDATE feed SET acked = ?2, acked_item = ?3, pulled_at = ?4
                 WHERE reader = ?1 AND acked < ?2 AND {HEAD} >= ?2"
            ))?
            .execute(params![
                reader.as_str(),
                signed(seq),
                item.map(|item| item.as_bytes()),
                signed(self.now().as_millis())
            ])?;
        if let Reader::Peer(peer) = reader {
            self.changed(Change::Dealings(peer.clone()));
            // It goes on in our history.
            self.end_troubles_with(peer, &["feed-reset", "peer-went-back", "not-kept"])?;
        }
        Ok(())
    }

    /// The reader's own store went back to `seq`: what it acknowledged beyond that is open again.
    pub fn forget_acknowledged(&self, reader: &Reader, seq: u64) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached("UPDATE feed SET acked = ?2, acked_item = NULL WHERE reader = ?1 AND acked > ?2")?
            .execute(params![reader.as_str(), signed(seq)])?;
        Ok(())
    }

    /// Drops acknowledged items older than `acknowledged_for` and all older than `at_most` (section 12), and forgets which items of others
    /// have come long ago: `rows` at a time. Returns whether there may be more.
    pub fn prune_feeds(
        &self,
        acknowledged_for: Duration,
        at_most: Duration,
        rows: u32,
    ) -> Result<bool, StoreFault> {
        let now = signed(self.now().as_millis());
        let millis = |age: Duration| i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let mut lapsed = self.sql.prepare_cached(&format!(
            "SELECT * FROM
               (SELECT id, reader, first, coalesce(
                  (SELECT seq FROM feed_item WHERE feed = feed.id AND at >= ?1 AND (at >= ?2 OR seq > acked)
                   ORDER BY seq LIMIT 1),
                  {HEAD} + 1) AS kept FROM feed)
             WHERE first < kept"
        ))?;
        let ages = [now.saturating_sub(millis(at_most)), now.saturating_sub(millis(acknowledged_for))];
        let lapsed = lapsed.query_map(ages, |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?))
        })?;
        let mut left = i64::from(rows);
        for (feed, reader, first, kept) in lapsed.collect::<Result<Vec<(i64, _, _, _)>, _>>()? {
            let until = kept.min(first + left);
            self.sql.prepare_cached("UPDATE feed SET first = ?2 WHERE id = ?1")?.execute([feed, until])?;
            for table in ["feed_item", "object"] {
                let dropping = format!("DELETE FROM {table} WHERE feed = ?1 AND seq < ?2");
                self.sql.prepare_cached(&dropping)?.execute([feed, until])?;
            }
            if let Reader::Peer(peer) = reader.parse()? {
                self.changed(Change::Dealings(peer));
            }
            left -= until - first;
            if left == 0 {
                return Ok(true);
            }
        }
        let before = now.saturating_sub(millis(at_most)).saturating_sub(millis(at_most));
        let forgotten = self
            .sql
            .prepare_cached(
                "DELETE FROM received WHERE (provider, item) IN
                   (SELECT provider, item FROM received WHERE at < ?1 LIMIT ?2)",
            )?
            .execute([before, left])?;
        Ok(forgotten as u64 == unsigned(left))
    }

    /// Forgets the feed of a client that is no more, or of a peer that is forgotten. Its items go later, a few at a time
    /// ([`Tx::drop_forgotten`]).
    pub fn drop_feed(&self, reader: &Reader) -> Result<(), StoreFault> {
        self.sql.execute(
            "INSERT INTO dropped_feed (id) SELECT id FROM feed WHERE reader = ?1",
            [reader.as_str()],
        )?;
        self.sql.execute("DELETE FROM feed WHERE reader = ?1", [reader.as_str()])?;
        self.memory.forget();
        self.rang(reader.as_str());
        Ok(())
    }

    /// Notes that the item `id` of `peer` has come; `false` where it had come before.
    pub fn receive_item(&self, peer: &Provider, id: Id) -> Result<bool, StoreFault> {
        let fresh = self
            .sql
            .prepare_cached("INSERT OR IGNORE INTO received (provider, item, at) VALUES (?1, ?2, ?3)")?
            .execute(params![peer.as_str(), id.as_bytes(), signed(self.now().as_millis())])?;
        Ok(fresh == 1)
    }

    /// Forgets all but the latest `most` items that have come from `peer`: how many those are is its doing.
    pub fn forget_received(&self, peer: &Provider, most: u32) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(
                "DELETE FROM received WHERE provider = ?1 AND item IN (
                   SELECT item FROM received WHERE provider = ?1 ORDER BY at DESC LIMIT -1 OFFSET ?2)",
            )?
            .execute(params![peer.as_str(), most])?;
        Ok(())
    }

    /// Notes how far the feed of `peer` has been pulled.
    pub fn set_cursor(&self, peer: &Provider, cursor: &Cursor) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(
                "INSERT INTO cursor (provider, generation, seq, item, head) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (provider) DO UPDATE SET generation = ?2, seq = ?3, item = ?4, head = ?5",
            )?
            .execute(params![
                peer.as_str(),
                cursor.generation.to_string(),
                signed(cursor.seq),
                cursor.item.map(|item| item.as_bytes()),
                signed(cursor.head)
            ])?;
        self.changed(Change::Dealings(peer.clone()));
        Ok(())
    }
}

/// Reads an item: written as it is, an event by its name, or that its reader is out of a group which was let go of here. Tells about how
/// many bytes it takes on a page.
fn item(row: &Row<'_>) -> Result<(Item, u64), StoreFault> {
    if let Some(written) = row.get_ref(2)?.as_blob_or_null().map_err(rusqlite::Error::from)? {
        let item = wire::decode(Encoding::Json, written).map_err(|_| StoreFault::Unreadable {
            what: "a feed item",
            value: String::from_utf8_lossy(written).into_owned(),
        })?;
        return Ok((item, written.len() as u64));
    }
    let (body, weight) = match row.get::<_, Option<String>>(4)? {
        Some(forgotten) => {
            let group = parsed("a group", forgotten)?;
            (ItemBody::Removed(Removed { group, after_seq: unsigned(row.get(5)?) }), REMOVED_WEIGHT)
        }
        None => {
            let event = log::event(row, 6, &parsed("a group", row.get(3)?)?)?;
            let weight = log::weight(&event);
            (ItemBody::Event(event), weight)
        }
    };
    let id = parsed_id(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
    Ok((Item { seq: unsigned(row.get(0)?), id, body }, weight))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use drawbridge_mtp::message::PeerState;

    use super::*;
    use crate::ambient::{Ambient, System};
    use crate::ground::changes::Changes;
    use crate::store::Store;

    const HOUR: Duration = Duration::from_secs(3600);

    /// A clock that is set by hand, in hours.
    #[derive(Default)]
    struct Hours(AtomicU64);

    impl Ambient for Hours {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(Ordering::Relaxed) * 3_600_000)
        }

        fn fill(&self, buffer: &mut [u8]) {
            System.fill(buffer);
        }
    }

    #[tokio::test]
    async fn what_is_dropped_is_the_beginning_and_numbers_go_on() {
        let (dir, clock) = (tempfile::tempdir().unwrap(), Arc::new(Hours::default()));
        let store = Store::open(dir.path(), clock.clone(), Changes::new()).unwrap();
        let reader = Reader::Peer("b.example".parse().unwrap());
        let at = async |hour: u64, acknowledged: u64, keeps: Option<(u32, u32)>| {
            clock.0.store(hour, Ordering::Relaxed);
            let reader = reader.clone();
            let done = store.write(move |tx| {
                tx.acknowledge(&reader, acknowledged, None)?;
                match keeps {
                    None => drop(tx.append(&reader, &ItemBody::Peer { state: PeerState::Allowed })?),
                    Some((acknowledged_for, at_most)) => {
                        // One row in each step, until there are no more.
                        while tx.prune_feeds(HOUR * acknowledged_for, HOUR * at_most, 1)? {}
                    }
                }
                let place = tx.feed(&reader)?.unwrap();
                let kept = tx.feed_slice(&reader, 0, 99, 9_999)?.items.len() as u64;
                assert_eq!(place.head + 1 - place.first, kept, "what is kept has no gaps");
                Ok::<_, StoreFault>((place.first, place.head))
            });
            done.await.unwrap()
        };
        for hour in 100..104 {
            at(hour, 0, None).await;
        }
        assert_eq!(at(104, 0, Some((1, 99))).await, (1, 4), "nothing is acknowledged");
        assert_eq!(at(104, 3, Some((2, 99))).await, (3, 4), "two are acknowledged, and old enough");
        assert_eq!(at(110, 3, Some((2, 99))).await, (4, 4), "the fourth is not acknowledged");
        assert_eq!(at(110, 3, Some((2, 5))).await, (5, 4), "and is too old in the end");
        assert_eq!(at(111, 4, None).await, (5, 5));

        // A clock that was set back makes no hole in the middle.
        at(90, 4, None).await;
        assert_eq!(at(112, 4, None).await, (5, 7));
        assert_eq!(at(112, 4, Some((2, 5))).await, (5, 7));
    }
}
