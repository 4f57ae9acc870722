//! What hangs on a peer, a group or an account, and its end with that: what no other file here counts or takes away.

use drawbridge_mtp::id::{ClientUri, GroupUri, Name, Provider, UserUri};
use drawbridge_mtp::message::{Item, ItemBody, Removed};
use drawbridge_mtp::time::Timestamp;
use drawbridge_mtp::wire::{self, Encoding};
use rusqlite::params;

use crate::ground::changes::Change;

use super::requests::Subject;
use super::{GroupRow, Reader, StoreFault, Tx, View, parsed, parsed_id, signed, unsigned};

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

    /// What was put into the feed of `reader` that it has not acknowledged.
    pub fn unfetched_by(&self, reader: &Reader) -> Result<Amount, StoreFault> {
        self.amount(
            "SELECT count(*), sum(coalesce(length(i.body), (SELECT size FROM event WHERE grp = i.grp AND seq = i.event)))
             FROM feed JOIN feed_item i ON i.feed = feed.id WHERE reader = ?1 AND i.seq > acked",
            [reader.as_str()],
        )
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

    /// Forgets a group with its log and all that is kept of it. In the feeds of those who are or were told of it each of its events says
    /// instead that they are out of it: a feed has no gaps.
    pub fn forget_group(&self, row: &GroupRow) -> Result<(), StoreFault> {
        let items: Vec<(i64, i64, Vec<u8>)> = {
            // In all feeds: who was in it before a fork ended is told of it no more, and has the items of then.
            let mut named = self.sql.prepare("SELECT feed, seq, item FROM feed_item WHERE grp = ?1")?;
            let rows = named.query_map([row.id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        let removed = Removed { group: row.uri.clone(), after_seq: row.head };
        let mut rewrite = self.sql.prepare(
            "UPDATE feed_item SET body = ?3, grp = NULL, event = NULL WHERE feed = ?1 AND seq = ?2",
        )?;
        for (feed, seq, id) in items {
            let item: Item =
                Item { seq: unsigned(seq), id: parsed_id(&id)?, body: ItemBody::Removed(removed.clone()) };
            rewrite.execute(params![feed, seq, wire::encode(Encoding::Json, &item)])?;
        }
        // A Welcome that comes late, or again, is for nobody.
        self.sql.execute("DELETE FROM handed_out WHERE group_uri = ?1", [row.uri.as_str()])?;
        self.sql.execute("DELETE FROM mls_group WHERE id = ?1", [row.id])?;
        self.memory.forget();
        self.changed(Change::Group(row.uri.clone()));
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
