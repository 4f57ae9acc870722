//! What hangs on a peer, a group or an account, and its end with that: what no other file here counts or takes away.

use std::collections::BTreeMap;

use drawbridge_mtp::id::{ClientUri, GroupUri, Name, Provider, UserUri};
use drawbridge_mtp::time::Timestamp;
use rusqlite::params;

use crate::ground::changes::Change;

use super::requests::Subject;
use super::{Extent, GroupRow, Reader, StoreFault, Tx, View, parsed, signed, unsigned};

/// What of a forgotten group is found without the group, or is of no length: it goes at once.
const AT_ONCE: [&str; 9] = [
    "member",
    "roster",
    "audience",
    "public_state",
    "group_info",
    "checkpoint",
    "agreed_checkpoint",
    "contradiction",
    "restart_point",
];
/// What of one goes a little at a time, by number, with the octets of a row.
const IN_STEPS: [(&str, &str); 3] = [
    ("event", "coalesce(length(body), 0)"),
    ("abandoned_event", "coalesce(length(body), 0)"),
    ("placed_submission", "0"),
];
/// Objects of a dropped feed that go at a time: each is longer than a page of a feed may be.
const OBJECTS: u32 = 16;

/// How many there are, and their octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub count: u64,
    /// Octets.
    pub octets: u64,
}

/// From before the first address of a user of `provider` to behind the last: `0` comes after `/`.
fn people_of(provider: &Provider) -> [String; 2] {
    [format!("mimi://{provider}/u/"), format!("mimi://{provider}/u0")]
}

/// The same for the clients of `user`.
fn clients_of(user: &UserUri) -> [String; 2] {
    [format!("{user}/d/"), format!("{user}/d0")]
}

impl View<'_> {
    fn amount(&self, sql: &str, values: impl rusqlite::Params) -> Result<Amount, StoreFault> {
        let (count, octets) = self
            .sql
            .prepare_cached(sql)?
            .query_row(values, |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?)))?;
        Ok(Amount { count: unsigned(count), octets: octets.map_or(0, unsigned) })
    }

    /// What waits to be brought to `owner`.
    pub fn queued_for(&self, owner: &Provider) -> Result<Amount, StoreFault> {
        self.amount("SELECT count(*), sum(length(submission)) FROM outbox WHERE owner = ?1", [owner.as_str()])
    }

    /// What waits to be brought to the owner of `group`.
    pub fn queued_in(&self, group: &GroupUri) -> Result<Amount, StoreFault> {
        self.amount(
            "SELECT count(*), sum(length(submission)) FROM outbox WHERE group_uri = ?1",
            [group.as_str()],
        )
    }

    /// What clients of `user`, who lives here, have waiting for owners of groups.
    pub fn queued_by(&self, user: &UserUri) -> Result<Amount, StoreFault> {
        self.amount(
            "SELECT count(*), sum(length(submission)) FROM outbox WHERE client > ?1 AND client < ?2",
            clients_of(user),
        )
    }

    /// How much was put into the feed of `reader` that it has not acknowledged. Feeds have no gaps, so it is not counted.
    pub fn unfetched_by(&self, reader: &Reader) -> Result<u64, StoreFault> {
        let place = self.feed(reader)?;
        Ok(place.map_or(0, |place| place.head.saturating_sub(place.acknowledged.max(place.first - 1))))
    }

    /// Who has not acknowledged every event of a group that is in its feed, with how many those are.
    pub fn unfetched_of(&self, id: i64) -> Result<Vec<(Reader, u64)>, StoreFault> {
        let mut statement = self.sql.prepare(
            "SELECT reader, count(*) FROM audience JOIN feed ON feed.id = audience.feed
               JOIN feed_item i ON i.feed = feed.id
             WHERE audience.grp = ?1 AND i.grp = ?1 AND i.seq > acked GROUP BY reader ORDER BY reader",
        )?;
        let rows = statement.query_map([id], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        rows.map(|row| {
            let (reader, count) = row?;
            Ok((reader.parse()?, unsigned(count)))
        })
        .collect()
    }

    /// The groups of `owner` that are not over.
    pub fn groups_going_on_at(&self, owner: &Provider) -> Result<Vec<GroupRow>, StoreFault> {
        self.groups_where("owner = ?1 AND standing <> 'over' ORDER BY uri", &[&owner.as_str()])
    }

    /// The groups of `owner` in which `provider` has a member.
    pub fn groups_with(&self, owner: &Provider, provider: &Provider) -> Result<Vec<GroupRow>, StoreFault> {
        self.groups_where(
            "owner = ?1 AND id IN (SELECT grp FROM member WHERE provider = ?2) ORDER BY uri",
            &[&owner.as_str(), &provider.as_str()],
        )
    }

    /// The groups in which `user` has a leaf.
    pub fn groups_with_member(&self, user: &UserUri) -> Result<Vec<GroupRow>, StoreFault> {
        self.groups_where("id IN (SELECT grp FROM member WHERE user = ?1) ORDER BY uri", &[&user.as_str()])
    }

    /// The accounts here that are in a group, by name: as [`View::is_in`] has it.
    pub fn accounts_in(&self, id: i64, ours: &Provider) -> Result<Vec<Name>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "WITH account AS (SELECT name, 'mimi://' || ?2 || '/u/' || name AS uri FROM user)
             SELECT name FROM account
             WHERE EXISTS (SELECT 1 FROM member WHERE grp = ?1 AND member.user = uri)
                OR EXISTS (SELECT 1 FROM audience JOIN feed ON feed.id = feed WHERE grp = ?1 AND until IS NULL
                           AND reader > uri || '/d/' AND reader < uri || '/d0')
             ORDER BY name",
        )?;
        let rows = statement.query_map(params![id, ours.as_str()], |row| row.get::<_, String>(0))?;
        rows.map(|row| parsed("a name", row?)).collect()
    }

    /// How many standing decisions there are on `provider` and on users of it: those that let something happen at once, and those
    /// that keep it away.
    pub fn count_rules_on(&self, provider: &Provider) -> Result<[u64; 2], StoreFault> {
        let [from, to] = people_of(provider);
        let counts: [i64; 2] = self
            .sql
            .prepare_cached(
                "WITH found AS (
                   SELECT rule FROM rule WHERE source = ?1 OR (source > ?2 AND source < ?3)
                   UNION ALL SELECT rule FROM add_rule WHERE other > ?2 AND other < ?3)
                 SELECT count(*) FILTER (WHERE rule = 'allow'), count(*) FILTER (WHERE rule <> 'allow') FROM found",
            )?
            .query_row(params![provider.as_str(), from, to], |row| Ok([row.get(0)?, row.get(1)?]))?;
        Ok(counts.map(unsigned))
    }

    /// How many standing decisions of a user's own there are.
    pub fn count_rules_of(&self, user: &Name) -> Result<u64, StoreFault> {
        let count: i64 = self
            .sql
            .prepare_cached(
                "SELECT (SELECT count(*) FROM rule WHERE user = ?1) + (SELECT count(*) FROM add_rule WHERE user = ?1)",
            )?
            .query_row([user.as_str()], |row| row.get(0))?;
        Ok(unsigned(count))
    }

    /// All requests about `group`, in both directions and between users here.
    pub fn requests_about<S: Subject>(
        &self,
        group: &GroupUri,
    ) -> Result<Vec<super::RequestRow<S>>, StoreFault> {
        self.requests_where("group_uri = ?1", &[&group.as_str()])
    }

    /// All requests that `user`, who lives here, has made or is asked, also those that nobody is shown.
    pub fn requests_by_or_to<S: Subject>(
        &self,
        user: &UserUri,
    ) -> Result<Vec<super::RequestRow<S>>, StoreFault> {
        let (asks, is_asked) = S::USERS;
        self.requests_where(&format!("{asks} = ?1 OR {is_asked} = ?1"), &[&user.as_str()])
    }

    /// The numbers of groups that are forgotten, until nothing names those any more, each with how many of its events are still there.
    pub fn forgotten_groups(&self) -> Result<BTreeMap<i64, u64>, StoreFault> {
        let mut forgotten =
            self.sql.prepare_cached("SELECT id, events FROM any_group WHERE forgotten IS NOT NULL")?;
        let rows = forgotten.query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether there is this client of ours.
    pub fn has_client(&self, client: &ClientUri) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached("SELECT 1 FROM client WHERE user = ?1 AND name = ?2")?
            .exists([client.user().name().as_str(), client.name().as_str()])?)
    }
}

impl Tx<'_> {
    /// Forgets how far the feed of `peer` was pulled, and what was counted of it. The ids of what has come stay until they lapse: where
    /// it comes back, its feed still has those items, and what they say is done.
    pub fn forget_pulled(&self, peer: &Provider) -> Result<(), StoreFault> {
        self.sql.execute("DELETE FROM cursor WHERE provider = ?1", [peer.as_str()])?;
        self.sql.execute("DELETE FROM kept WHERE peer = ?1", [peer.as_str()])?;
        Ok(())
    }

    /// The groups for whose owner, `owner`, something waits.
    pub fn groups_queued_for(&self, owner: &Provider) -> Result<Vec<GroupUri>, StoreFault> {
        let mut statement =
            self.sql.prepare("SELECT DISTINCT group_uri FROM outbox WHERE owner = ?1 ORDER BY group_uri")?;
        let rows = statement.query_map([owner.as_str()], |row| row.get::<_, String>(0))?;
        rows.map(|row| parsed("a group", row?)).collect()
    }

    /// Takes back the standing decisions by which what `provider`, or users of it, ask happens at once: somebody else may have its name
    /// one day.
    pub fn forget_trust_in(&self, provider: &Provider) -> Result<(), StoreFault> {
        let [from, to] = people_of(provider);
        self.sql.execute(
            "DELETE FROM rule WHERE rule = 'allow' AND (source = ?1 OR (source > ?2 AND source < ?3))",
            params![provider.as_str(), from, to],
        )?;
        self.sql
            .execute("DELETE FROM add_rule WHERE rule = 'allow' AND other > ?1 AND other < ?2", [from, to])?;
        self.changed(Change::Accounts);
        Ok(())
    }

    /// Forgets a group: from now on no question finds it. What there is much of goes later, a little at a time ([`Tx::drop_forgotten`]). In
    /// all feeds each of its events says instead that the reader is out of it, also in those that are told of it no more: a feed has no
    /// gaps.
    pub fn forget_group(&self, row: &GroupRow) -> Result<(), StoreFault> {
        // A Welcome that comes late, or again, is for nobody.
        self.sql.execute("DELETE FROM handed_out WHERE group_uri = ?1", [row.uri.as_str()])?;
        for table in AT_ONCE {
            self.sql.execute(&format!("DELETE FROM {table} WHERE grp = ?1"), [row.id])?;
        }
        self.sql.execute(
            "UPDATE any_group SET forgotten = uri, uri = CAST(id AS TEXT), policy = NULL WHERE id = ?1",
            [row.id],
        )?;
        self.changed(Change::Group(row.uri.clone()));
        self.end_unproved_troubles()
    }

    /// Removes about so much of what was let go of: of groups that are forgotten, and of feeds that are no more. Returns whether there may
    /// be more.
    pub fn drop_forgotten(&self, at_most: Extent) -> Result<bool, StoreFault> {
        for group in self.forgotten_groups()?.into_keys() {
            for (table, octets) in IN_STEPS {
                if self.drop_first(table, "grp", group, octets, at_most)? {
                    return Ok(true);
                }
            }
        }
        let mut dropped = self.sql.prepare_cached("SELECT id FROM dropped_feed ORDER BY id")?;
        for feed in dropped.query_map([], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()? {
            if self.drop_first("feed_item", "feed", feed, "coalesce(length(body), 0)", at_most)? {
                return Ok(true);
            }
            let objects = self
                .sql
                .prepare_cached(
                    "DELETE FROM object WHERE (sha256, feed, seq) IN
                       (SELECT sha256, feed, seq FROM object WHERE feed = ?1 LIMIT ?2)",
                )?
                .execute(params![feed, OBJECTS])?;
            if objects > 0 {
                return Ok(true);
            }
            self.sql.execute("DELETE FROM dropped_feed WHERE id = ?1", [feed])?;
        }
        Ok(false)
    }

    /// Removes the first rows of `table` whose `column` is `of`, about so much of them. Returns whether there were any.
    fn drop_first(
        &self,
        table: &str,
        column: &str,
        of: i64,
        octets: &str,
        at_most: Extent,
    ) -> Result<bool, StoreFault> {
        let mut first = self.sql.prepare_cached(&format!(
            "SELECT seq, {octets} FROM {table} WHERE {column} = ?1 ORDER BY seq LIMIT ?2"
        ))?;
        let mut rows = first.query([of, signed(at_most.count)])?;
        let (mut last, mut sum) = (None, 0);
        while sum < at_most.octets
            && let Some(row) = rows.next()?
        {
            last = Some(row.get::<_, i64>(0)?);
            sum += unsigned(row.get(1)?);
        }
        let Some(last) = last else { return Ok(false) };
        self.sql
            .prepare_cached(&format!("DELETE FROM {table} WHERE {column} = ?1 AND seq <= ?2"))?
            .execute([of, last])?;
        Ok(true)
    }

    /// Has others get the numbers of forgotten groups of which nothing is left, and which no item of a feed names.
    pub fn release_numbers(&self, groups: &[i64]) -> Result<(), StoreFault> {
        let mut release =
            self.sql.prepare_cached("DELETE FROM any_group WHERE id = ?1 AND forgotten IS NOT NULL")?;
        groups.iter().try_for_each(|group| release.execute([group]).map(drop))?;
        Ok(())
    }

    /// Removes an account, with its own rules and what its clients have waiting; its clients and their feeds were removed before.
    pub fn remove_user(&self, user: &UserUri) -> Result<(), StoreFault> {
        let name = user.name().as_str();
        self.sql.execute("DELETE FROM outbox WHERE client > ?1 AND client < ?2", clients_of(user))?;
        self.sql.execute("DELETE FROM rule WHERE user = ?1", [name])?;
        self.sql.execute("DELETE FROM user WHERE name = ?1", [name])?;
        self.changed(Change::Accounts);
        Ok(())
    }

    /// Drops what providers that are not known any more were to be told, where that ended before `since`.
    pub fn prune_owed<S: Subject>(&self, since: Timestamp) -> Result<(), StoreFault> {
        self.sql.execute(
            &format!(
                "DELETE FROM {table} WHERE unsent = 'delete' AND changed < ?1
                   AND NOT EXISTS (SELECT 1 FROM peer WHERE provider = {table}.peer)",
                table = S::TABLE
            ),
            [signed(since.as_millis())],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use drawbridge_mtp::message::{EventKind, ItemBody, PeerState};

    use super::*;
    use crate::ambient::System;
    use crate::ground::changes::Changes;
    use crate::store::Store;
    use crate::store::tests::Log;

    const A_FEW: Extent = Extent { count: 3, octets: u64::MAX };

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        (dir, store)
    }

    fn peer(name: &str) -> Reader {
        Reader::Peer(name.parse().unwrap())
    }

    /// A log of so many messages, all in the feed of `reader`.
    fn told(tx: &Tx<'_>, name: &str, reader: &Reader, events: u64) -> Result<Log, StoreFault> {
        let mut log = Log::begin(tx, name)?;
        tx.admit_reader(log.row.id, reader, 1)?;
        for _ in 0..events {
            log.add(tx, EventKind::Application, 10)?;
        }
        Ok(log)
    }

    /// What the items of a feed are, by number; it has no gaps.
    fn kinds(tx: &Tx<'_>, reader: &Reader) -> Result<Vec<String>, StoreFault> {
        let items = tx.feed_slice(reader, 0, 999, u64::MAX)?.items;
        assert!(items.iter().zip(1..).all(|(item, seq)| item.seq == seq), "{items:?}");
        Ok(items.iter().map(|item| item.body.kind().to_owned()).collect())
    }

    fn count(tx: &Tx<'_>, table: &str) -> i64 {
        tx.sql.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    #[tokio::test]
    async fn to_let_go_costs_the_same_however_much_there_is() {
        let (_dir, store) = store();
        let done = store.write::<_, StoreFault, _>(|tx| {
            let (mut of_group, mut of_feed, mut of_count) = (Vec::new(), Vec::new(), Vec::new());
            for (events, name) in [(3, "warm"), (3, "short"), (600, "long")] {
                let reader = peer(&format!("{name}.example"));
                let log = told(tx, name, &reader, events)?;
                of_count.push(tx.steps_of(|| assert_eq!(tx.unfetched_by(&reader).unwrap(), events)).1);
                of_group.push(tx.steps_of(|| tx.forget_group(&log.row).unwrap()).1);
                of_feed.push(tx.steps_of(|| tx.drop_feed(&reader).unwrap()).1);
            }
            Ok([of_group, of_feed, of_count])
        });
        for steps in done.await.unwrap() {
            assert_eq!(steps[1], steps[2], "{steps:?}");
        }
    }

    #[tokio::test]
    async fn a_forgotten_group_is_gone_at_once_and_its_rows_go_a_few_at_a_time() {
        let (_dir, store) = store();
        let done = store.write::<_, StoreFault, _>(|tx| {
            let reader = peer("b.example");
            let log = told(tx, "tea", &reader, 10)?;
            let user: UserUri = "mimi://a.example/u/ann".parse().unwrap();
            tx.forget_group(&log.row)?;
            assert_eq!(tx.group(&log.row.uri)?, None);
            assert!(tx.groups()?.is_empty() && tx.log_sizes()?.is_empty() && tx.log_places()?.is_empty());
            assert!(tx.groups_of(&user)?.is_empty() && tx.groups_with_member(&user)?.is_empty());
            assert_eq!(kinds(tx, &reader)?, vec!["removed"; 10]);

            // It is met anew before the rows of then are gone, and is another.
            let again = told(tx, "tea", &reader, 2)?;
            let all = [vec!["removed"; 10], vec!["event"; 2]].concat();
            let mut steps = 0;
            while tx.drop_forgotten(A_FEW)? {
                steps += 1;
                assert_eq!(kinds(tx, &reader)?, all, "after step {steps}");
                assert_eq!(count(tx, "event"), (10 - 3 * steps).max(0) + 2);
            }
            assert_eq!(steps, 4);
            assert_eq!(tx.log_size(again.row.id)?.1, 2);

            // While an item names it, its number is nobody else's.
            assert_eq!(tx.forgotten_groups()?, BTreeMap::from([(log.row.id, 0)]));
            let named = tx.reader_hold(&reader)?.unwrap().groups;
            assert!(named.iter().any(|hold| hold.group == log.row.id));
            tx.release_numbers(&[log.row.id, again.row.id])?;
            assert!(tx.forgotten_groups()?.is_empty() && tx.group(&again.row.uri)?.is_some());
            Ok(())
        });
        done.await.unwrap();
    }

    #[tokio::test]
    async fn a_dropped_feed_is_gone_at_once_and_another_does_not_get_its_items() {
        let (_dir, store) = store();
        let done = store.write::<_, StoreFault, _>(|tx| {
            let [gone, next] = ["b.example", "c.example"].map(peer);
            let log = told(tx, "tea", &gone, 5)?;
            tx.append_welcome(&gone, &log.row.uri, &[7; 90_000], Vec::new(), &[8; 70_000], 4)?;
            tx.drop_feed(&gone)?;
            assert!(tx.feed(&gone)?.is_none() && tx.readers()?.is_empty());
            assert!(tx.audience(log.row.id)?.is_empty());
            for reader in [&next, &gone] {
                tx.append(reader, &ItemBody::Peer { state: PeerState::Allowed })?;
                assert_eq!(kinds(tx, reader)?, ["peer"]);
            }
            let before = count(tx, "feed_item");
            assert!(tx.drop_forgotten(A_FEW)?);
            assert_eq!(count(tx, "feed_item"), before - 3);
            while tx.drop_forgotten(A_FEW)? {}
            let left = ["feed_item", "object", "dropped_feed"].map(|table| count(tx, table));
            assert_eq!(left, [2, 0, 0]);
            assert_eq!([kinds(tx, &next)?, kinds(tx, &gone)?], [["peer"], ["peer"]]);
            Ok(())
        });
        done.await.unwrap();
    }

    /// Who came back into a group after it had been out is told of it from then on. Where a fork ends before that, it is told of nothing
    /// more, and has the items of its first time.
    #[tokio::test]
    async fn what_a_fork_has_left_of_a_forgotten_group_in_a_feed_can_be_read() {
        let (_dir, store) = store();
        let done = store.write::<_, StoreFault, _>(|tx| {
            let reader = peer("b.example");
            let mut log = told(tx, "tea", &reader, 2)?;
            tx.dismiss_reader(log.row.id, &reader, 2)?;
            log.add(tx, EventKind::Application, 10)?;
            tx.admit_reader(log.row.id, &reader, 4)?;
            log.add(tx, EventKind::Application, 10)?;
            tx.set_copy_back(&mut log.row, 3)?;
            assert!(tx.audience(log.row.id)?.is_empty());
            tx.forget_group(&log.row)?;
            assert_eq!(kinds(tx, &reader)?[..2], ["removed", "removed"]);
            while tx.drop_forgotten(A_FEW)? {}
            assert_eq!(kinds(tx, &reader)?[..2], ["removed", "removed"]);
            assert_eq!(["event", "abandoned_event"].map(|table| count(tx, table)), [0, 0]);
            Ok(())
        });
        done.await.unwrap();
    }
}
