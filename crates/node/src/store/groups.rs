//! Groups, their members, and who is told of their events (sections 10 and 11).

use std::collections::HashMap;

use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Name, Provider, UserUri};
use drawbridge_mtp::message::{Body, ItemBody, MAX_INLINE_BYTES, RosterMember, Welcome};
use drawbridge_mtp::octets::{Hash32, Octets};
use drawbridge_mtp::policy::Policy;
use drawbridge_mtp::time::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use crate::ground::changes::Change;

use super::{Reader, StoreFault, Suffers, Tx, View, parsed, signed, time, unsigned};
use crate::words::words;

words! {
    /// How a group stands with us.
    Standing {
        /// Its public state is here.
        Live = "live",
        /// We have members in it, and its public state is still to be had.
        Joining = "joining",
        /// We have no member in it any more.
        Over = "over",
        /// Its owner's log cannot be believed; nothing more of it is taken.
        Broken = "broken",
    }
}

words! {
    /// Whether the owner of a group has proved that a member agreed to be added.
    Proof {
        /// A grant that says so came with the commit; its signature is still to be checked.
        Open = "open",
        /// The member's provider has signed the grant.
        Proved = "proved",
        /// No grant that holds came with the commit.
        Unproved = "unproved",
    }
}

/// A group that we own, or that our users are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// Its number in this store.
    pub id: i64,
    /// The group.
    pub uri: GroupUri,
    /// When it was made, or when we came to know it.
    pub created: Timestamp,
    /// Its epoch.
    pub epoch: u64,
    /// The number of the first event here.
    pub first: u64,
    /// The number of the last event here, 0 for none.
    pub head: u64,
    /// The hash of that event; none where nothing of the log has come yet.
    pub hash: Option<Hash32>,
    /// Its MLS cipher suite, 0 where that is not known.
    pub suite: u16,
    /// How it stands with us.
    pub standing: Standing,
    /// Why, where it is broken.
    pub fault: Option<String>,
}

/// One leaf of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// The leaf, and whose it is.
    pub member: RosterMember,
    /// Whether it has proposed its own removal.
    pub leaving: bool,
    /// Whether the group's owner has proved that it agreed to be added, where that is another provider and it was added by a
    /// commit that was followed here.
    pub proof: Option<Proof>,
}

/// How many are in a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RosterSize {
    /// Leaves of its tree.
    pub clients: u64,
    /// Users, each with one client or several.
    pub users: u64,
    /// Providers of those users.
    pub providers: u64,
}

/// Someone who is told of a group's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudienceRow {
    /// Who.
    pub reader: Reader,
    /// From which event on.
    pub since: u64,
    /// Up to which event, where that is settled.
    pub until: Option<u64>,
}

const COLUMNS: &str = "id, uri, created, epoch, first, head, hash, suite, standing, fault";
impl GroupRow {
    /// Who owns it.
    pub fn owner(&self) -> &Provider {
        self.uri.provider()
    }
}

impl View<'_> {
    /// A group.
    pub fn group(&self, uri: &GroupUri) -> Result<Option<GroupRow>, StoreFault> {
        let mut statement =
            self.sql.prepare_cached(&format!("SELECT {COLUMNS} FROM mls_group WHERE uri = ?1"))?;
        let mut rows = statement.query([uri.as_str()])?;
        rows.next()?.map(group_row).transpose()
    }

    /// All groups, by name.
    pub fn groups(&self) -> Result<Vec<GroupRow>, StoreFault> {
        self.groups_where("1 ORDER BY uri", &[])
    }

    /// The groups of this name, of whatever owner.
    pub fn groups_named(&self, name: &Name) -> Result<Vec<GroupRow>, StoreFault> {
        self.groups_where("substr(uri, -length(?1)) = ?1", &[&format!("/g/{name}")])
    }

    /// The groups of `owner` that stand so.
    pub fn groups_owned(&self, owner: &Provider, standing: Standing) -> Result<Vec<GroupRow>, StoreFault> {
        self.groups_where("owner = ?1 AND standing = ?2", &[&owner.as_str(), &standing.to_string()])
    }

    /// The groups of `owner`, however they stand.
    pub fn groups_of_owner(&self, owner: &Provider) -> Result<Vec<GroupUri>, StoreFault> {
        self.group_names("owner = ?1", [owner.as_str()])
    }

    /// The groups whose log cannot be believed.
    pub fn broken_groups(&self) -> Result<Vec<GroupUri>, StoreFault> {
        self.group_names("standing = ?1", [Standing::Broken.as_str()])
    }

    /// Of each owner that has groups which are broken here, why the first of them is.
    pub fn broken_by_owner(&self) -> Result<HashMap<Provider, String>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT owner, coalesce(fault, '') FROM mls_group WHERE standing = 'broken' ORDER BY uri DESC",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        rows.map(|row| {
            let (owner, fault) = row?;
            Ok((parsed("a provider", owner)?, fault))
        })
        .collect()
    }

    fn group_names(&self, which: &str, values: [&str; 1]) -> Result<Vec<GroupUri>, StoreFault> {
        let mut statement =
            self.sql.prepare_cached(&format!("SELECT uri FROM mls_group WHERE {which} ORDER BY uri"))?;
        let rows = statement.query_map(values, |row| row.get::<_, String>(0))?;
        rows.map(|row| parsed("a group", row?)).collect()
    }

    /// The groups that a user here is in.
    pub fn groups_of(&self, user: &UserUri) -> Result<Vec<GroupRow>, StoreFault> {
        self.groups_where(
            "standing IN ('live', 'joining') AND (id IN (SELECT grp FROM member WHERE user = ?1)
               OR id IN (SELECT grp FROM audience JOIN feed ON feed.id = feed
                         WHERE until IS NULL AND reader > ?1 || '/d/' AND reader < ?1 || '/d0'))
             ORDER BY uri",
            &[&user.as_str()],
        )
    }

    /// Whether a user here is in a group, as [`View::groups_of`] has it.
    pub fn is_in(&self, id: i64, user: &UserUri) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT 1 FROM mls_group WHERE id = ?1 AND standing IN ('live', 'joining')
                   AND (EXISTS (SELECT 1 FROM member WHERE grp = ?1 AND user = ?2)
                     OR EXISTS (SELECT 1 FROM audience JOIN feed ON feed.id = feed WHERE grp = ?1 AND until IS NULL
                                AND reader > ?2 || '/d/' AND reader < ?2 || '/d0'))",
            )?
            .exists(params![id, user.as_str()])?)
    }

    pub(super) fn groups_where(
        &self,
        which: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<GroupRow>, StoreFault> {
        let mut statement =
            self.sql.prepare_cached(&format!("SELECT {COLUMNS} FROM mls_group WHERE {which}"))?;
        let mut rows = statement.query(values)?;
        let mut groups = Vec::new();
        while let Some(row) = rows.next()? {
            groups.push(group_row(row)?);
        }
        Ok(groups)
    }

    /// The groups of `ours` that `reader` is told of.
    pub fn groups_told(&self, ours: &Provider, reader: &Reader) -> Result<Vec<GroupRow>, StoreFault> {
        self.groups_where(
            "owner = ?1 AND id IN (SELECT grp FROM audience JOIN feed ON feed.id = feed WHERE reader = ?2) ORDER BY uri",
            &[&ours.as_str(), &reader.as_str()],
        )
    }

    /// Whether `reader` is told of a group of `ours` now: a reason to pull from us (section 11).
    pub fn tells_of_groups_of(&self, ours: &Provider, reader: &Reader) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT 1 FROM audience JOIN feed ON feed.id = feed JOIN mls_group ON mls_group.id = grp
                 WHERE reader = ?1 AND until IS NULL AND owner = ?2 LIMIT 1",
            )?
            .exists(params![reader.as_str(), ours.as_str()])?)
    }

    /// Whether a user here is in a group of `owner`: a reason to pull from it (section 11).
    pub fn has_groups_of(&self, owner: &Provider) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT 1 FROM mls_group WHERE owner = ?1 AND standing IN ('live', 'joining') LIMIT 1",
            )?
            .exists([owner.as_str()])?)
    }

    /// Who may do what in a group, as far as it is known. Not in its row, which each of its events reads.
    pub fn policy(&self, id: i64) -> Result<Option<Policy>, StoreFault> {
        let policy: Option<Vec<u8>> = self
            .sql
            .prepare_cached("SELECT policy FROM mls_group WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?;
        let unreadable = |value| StoreFault::Unreadable { what: "a policy", value };
        policy.map(|cbor| Policy::from_cbor(&cbor).map_err(|fault| unreadable(fault.to_string()))).transpose()
    }

    /// The public state of a group as it was last kept, and the epoch that it is of.
    pub fn group_state(&self, id: i64) -> Result<Option<(u64, Vec<u8>)>, StoreFault> {
        Ok(self
            .sql
            .prepare_cached("SELECT epoch, state FROM public_state WHERE grp = ?1")?
            .query_row([id], |row| Ok((unsigned(row.get(0)?), row.get(1)?)))
            .optional()?)
    }

    /// The GroupInfo of a group's epoch, as its committer made it; none where that is lost.
    pub fn group_info(&self, id: i64) -> Result<Option<Vec<u8>>, StoreFault> {
        Ok(self
            .sql
            .prepare_cached("SELECT info FROM group_info WHERE grp = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?)
    }

    /// The members of a group, by leaf.
    pub fn members(&self, id: i64) -> Result<Vec<MemberRow>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT leaf, client, since_epoch, added_by, grant_jws, leaving, proof FROM member WHERE grp = ?1 ORDER BY leaf",
        )?;
        let mut rows = statement.query([id])?;
        let mut members = Vec::new();
        while let Some(row) = rows.next()? {
            let client: ClientUri = parsed("a client", row.get(1)?)?;
            let member = RosterMember {
                user: client.user().clone(),
                client,
                leaf: row.get(0)?,
                since_epoch: unsigned(row.get(2)?),
                added_by: parsed("a user", row.get(3)?)?,
                grant: row.get(4)?,
            };
            let proof = row.get::<_, Option<String>>(6)?.map(|proof| parsed("a proof", proof)).transpose()?;
            members.push(MemberRow { member, leaving: row.get(5)?, proof });
        }
        Ok(members)
    }

    /// The providers with a member in a group.
    pub fn providers_in(&self, id: i64) -> Result<Vec<Provider>, StoreFault> {
        let mut statement = self
            .sql
            .prepare_cached("SELECT DISTINCT provider FROM member WHERE grp = ?1 ORDER BY provider")?;
        let rows = statement.query_map([id], |row| row.get::<_, String>(0))?;
        rows.map(|row| parsed("a provider", row?)).collect()
    }

    /// What hangs on exchanging with `peer`: groups with users of `ours` that it keeps, or of which something waits here that it
    /// has not fetched; how many users those are; and how many messages wait, to be brought to it or to be fetched by it.
    pub fn depends_on(&self, peer: &Provider, ours: &Provider) -> Result<Suffers, StoreFault> {
        let counted: [i64; 3] = self
            .sql
            .prepare_cached(
                "WITH waiting AS (
                   SELECT grp FROM feed JOIN feed_item ON feed = feed.id JOIN mls_group ON mls_group.id = grp
                   WHERE reader = ?1 AND seq > acked),
                 hurt AS (
                   SELECT id FROM mls_group WHERE owner = ?1 AND standing IN ('live', 'joining')
                   UNION SELECT grp FROM waiting)
                 SELECT count(DISTINCT grp), count(DISTINCT user),
                   (SELECT count(*) FROM outbox WHERE owner = ?1) + (SELECT count(*) FROM waiting)
                 FROM member JOIN hurt ON hurt.id = grp WHERE provider = ?2",
            )?
            .query_row([peer.as_str(), ours.as_str()], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
        let [groups, users, submissions] = counted.map(unsigned);
        Ok(Suffers { groups, users, submissions })
    }

    /// Whether `provider` has a member in a group.
    pub fn is_provider_in(&self, id: i64, provider: &Provider) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached("SELECT 1 FROM member WHERE grp = ?1 AND provider = ?2 LIMIT 1")?
            .exists(params![id, provider.as_str()])?)
    }

    /// The commit by which the oldest of the members at `provider` came in, 0 where it was there from the beginning.
    pub fn participates_since(&self, id: i64, provider: &Provider) -> Result<u64, StoreFault> {
        let seq = self
            .sql
            .prepare_cached(
                "SELECT max(seq) FROM event WHERE grp = ?1 AND kind = 'commit' AND epoch <
                   (SELECT min(since_epoch) FROM member WHERE grp = ?1 AND provider = ?2)",
            )?
            .query_row(params![id, provider.as_str()], |row| row.get::<_, Option<i64>>(0))?;
        Ok(seq.map_or(0, unsigned))
    }

    /// Whether `client` has a leaf in a group.
    pub fn is_client_in(&self, id: i64, client: &ClientUri) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached("SELECT 1 FROM member WHERE client = ?1 AND grp = ?2 LIMIT 1")?
            .exists(params![client.as_str(), id])?)
    }

    /// Whether a user has a leaf in a group.
    pub fn is_member(&self, id: i64, user: &UserUri) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached("SELECT 1 FROM member WHERE user = ?1 AND grp = ?2 LIMIT 1")?
            .exists(params![user.as_str(), id])?)
    }

    /// How many are in a group: it is counted as they come and go, so this costs the same however many they are.
    pub fn roster_size(&self, id: i64) -> Result<RosterSize, StoreFault> {
        let counts = self
            .sql
            .prepare_cached("SELECT clients, users, providers FROM roster WHERE grp = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let (clients, users, providers) = counts.unwrap_or_default();
        Ok(RosterSize { clients: unsigned(clients), users: unsigned(users), providers: unsigned(providers) })
    }

    /// Who is, or was, told of a group's events.
    pub fn audience(&self, id: i64) -> Result<Vec<AudienceRow>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT reader, since, until FROM audience JOIN feed ON id = feed WHERE grp = ?1 ORDER BY reader",
        )?;
        let rows = statement.query_map([id], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, Option<i64>>(2)?))
        })?;
        rows.map(|row| {
            let (reader, since, until) = row?;
            Ok(AudienceRow { reader: reader.parse()?, since: unsigned(since), until: until.map(unsigned) })
        })
        .collect()
    }

    /// From which event on, and up to which, `reader` is told of a group's events.
    pub fn audience_of(&self, id: i64, reader: &Reader) -> Result<Option<AudienceRow>, StoreFault> {
        let row = self
            .sql
            .prepare_cached(
                "SELECT since, until FROM audience JOIN feed ON id = feed WHERE grp = ?1 AND reader = ?2",
            )?
            .query_row(params![id, reader.as_str()], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
            })
            .optional()?;
        Ok(row.map(|(since, until)| AudienceRow {
            reader: reader.clone(),
            since: unsigned(since),
            until: until.map(unsigned),
        }))
    }

    /// The last event of a group that `reader` has acknowledged, 0 for none.
    pub fn acknowledged_in(&self, id: i64, reader: &Reader) -> Result<u64, StoreFault> {
        let acked = self
            .sql
            .prepare_cached(
                "SELECT max(event) FROM feed_item JOIN feed ON id = feed
                 WHERE reader = ?1 AND grp = ?2 AND seq <= acked",
            )?
            .query_row(params![reader.as_str(), id], |row| row.get::<_, Option<i64>>(0))?;
        Ok(acked.map_or(0, unsigned))
    }

    /// The bytes that `reader` was told to fetch as the object `sha256`, where there are any for it.
    pub fn object(&self, reader: &Reader, sha256: &Hash32) -> Result<Option<Vec<u8>>, StoreFault> {
        let kept = self
            .sql
            .prepare_cached(
                "SELECT bytes FROM object JOIN feed ON id = feed WHERE sha256 = ?1 AND reader = ?2 LIMIT 1",
            )?
            .query_row(params![sha256.as_bytes(), reader.as_str()], |row| row.get(0))
            .optional()?;
        if kept.is_some() {
            return Ok(kept);
        }
        // A group's owner, who is told of nothing, reads in our copy of its log what it has lost itself (section 12).
        Ok(self
            .sql
            .prepare_cached(
                "SELECT body FROM event JOIN audience USING (grp) JOIN feed ON feed.id = feed
                 WHERE body_hash = ?1 AND size > 65536 AND body IS NOT NULL AND reader = ?2
                   AND seq >= since AND (until IS NULL OR seq <= until)
                 UNION ALL
                 SELECT body FROM event JOIN mls_group ON mls_group.id = grp
                 WHERE body_hash = ?1 AND size > 65536 AND body IS NOT NULL AND owner = ?2 LIMIT 1",
            )?
            .query_row(params![sha256.as_bytes(), reader.as_str()], |row| row.get(0))
            .optional()?)
    }

    /// Whether a grant was used.
    pub fn grant_is_spent(&self, iss: &Provider, jti: Id) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached("SELECT 1 FROM spent_grant WHERE iss = ?1 AND jti = ?2")?
            .exists(params![iss.as_str(), jti.as_bytes()])?)
    }
}

impl Tx<'_> {
    /// Keeps a group that was not known, and returns its number.
    pub fn add_group(&self, group: &GroupRow) -> Result<i64, StoreFault> {
        self.sql
            .prepare_cached(
                "INSERT INTO any_group (uri, owner, created, epoch, first, head, hash, suite, standing, fault)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                group.uri.as_str(),
                group.owner().as_str(),
                signed(group.created.as_millis()),
                signed(group.epoch),
                signed(group.first),
                signed(group.head),
                group.hash.as_ref().map_or(&[][..], |hash| hash.as_bytes()),
                group.suite,
                group.standing.to_string(),
                group.fault,
            ])?;
        self.changed(Change::Group(group.uri.clone()));
        Ok(self.sql.last_insert_rowid())
    }

    /// Keeps what has changed of a group.
    pub fn put_group(&self, group: &GroupRow) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(
                "UPDATE any_group SET epoch = ?2, first = ?3, head = ?4, hash = ?5, suite = ?6, standing = ?7, fault = ?8
                 WHERE id = ?1",
            )?
            .execute(params![
                group.id,
                signed(group.epoch),
                signed(group.first),
                signed(group.head),
                group.hash.as_ref().map_or(&[][..], |hash| hash.as_bytes()),
                group.suite,
                group.standing.to_string(),
                group.fault,
            ])?;
        self.changed(Change::Group(group.uri.clone()));
        Ok(())
    }

    /// Keeps who may do what in a group.
    pub fn set_policy(&self, id: i64, policy: &Policy) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached("UPDATE any_group SET policy = ?2 WHERE id = ?1")?
            .execute(params![id, policy.to_cbor()])?;
        Ok(())
    }

    /// Keeps a group's public state as it is in `epoch`.
    pub fn set_group_state(&self, id: i64, epoch: u64, state: &[u8]) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached("INSERT OR REPLACE INTO public_state (grp, epoch, state) VALUES (?1, ?2, ?3)")?
            .execute(params![id, signed(epoch), state])?;
        Ok(())
    }

    /// Keeps the GroupInfo of a group's epoch.
    pub fn set_group_info(&self, id: i64, info: &[u8]) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached("INSERT INTO group_info (grp, info) VALUES (?1, ?2) ON CONFLICT (grp) DO UPDATE SET info = ?2")?
            .execute(params![id, info])?;
        Ok(())
    }

    /// Forgets the GroupInfo of a group whose epoch has ended without a GroupInfo of the next.
    pub fn drop_group_info(&self, id: i64) -> Result<(), StoreFault> {
        self.sql.prepare_cached("DELETE FROM group_info WHERE grp = ?1")?.execute([id])?;
        Ok(())
    }

    /// Puts a leaf into a group's roster, in the place of one of that number.
    pub fn put_member(&self, id: i64, member: &RosterMember) -> Result<(), StoreFault> {
        // What `INSERT OR REPLACE` replaces is not counted as gone.
        self.remove_member(id, member.leaf)?;
        self.sql
            .prepare_cached(
                "INSERT INTO member (grp, leaf, client, user, provider, since_epoch, added_by, grant_jws)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                id,
                member.leaf,
                member.client.as_str(),
                member.client.user().as_str(),
                member.client.provider().as_str(),
                signed(member.since_epoch),
                member.added_by.as_str(),
                member.grant,
            ])?;
        member.grant.as_deref().map_or(Ok(()), |grant| self.note_grant_used(grant))
    }

    /// Takes a leaf out of a group's roster.
    pub fn remove_member(&self, id: i64, leaf: u32) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached("DELETE FROM member WHERE grp = ?1 AND leaf = ?2")?
            .execute(params![id, leaf])?;
        Ok(())
    }

    /// Empties a group's roster.
    pub fn clear_members(&self, id: i64) -> Result<(), StoreFault> {
        self.sql.prepare_cached("DELETE FROM member WHERE grp = ?1")?.execute([id])?;
        Ok(())
    }

    /// Notes which leaf has proposed its own removal; none, when an epoch ends.
    pub fn set_leaving(&self, id: i64, leaf: Option<u32>) -> Result<(), StoreFault> {
        match leaf {
            Some(leaf) => self
                .sql
                .prepare_cached("UPDATE member SET leaving = 1 WHERE grp = ?1 AND leaf = ?2")?
                .execute(params![id, leaf])?,
            None => self
                .sql
                .prepare_cached("UPDATE member SET leaving = 0 WHERE grp = ?1 AND leaving = 1")?
                .execute([id])?,
        };
        Ok(())
    }

    /// Tells `reader` of a group's events from `since` on; who is told already is told on. A client of ours has a feed for
    /// as long as there is that client.
    pub fn admit_reader(&self, id: i64, reader: &Reader, since: u64) -> Result<(), StoreFault> {
        if let Reader::Peer(_) = reader {
            self.open_feed(reader)?;
        }
        self.sql
            .prepare_cached(
                "INSERT INTO audience (grp, feed, since) SELECT ?1, id, ?3 FROM feed WHERE reader = ?2
                 ON CONFLICT (grp, feed) DO UPDATE SET since = iif(until IS NULL, since, ?3), until = NULL",
            )?
            .execute(params![id, reader.as_str(), signed(since)])?;
        Ok(())
    }

    /// Tells `reader` of nothing in a group behind `until`. Returns whether it was to be told of what comes.
    pub fn dismiss_reader(&self, id: i64, reader: &Reader, until: u64) -> Result<bool, StoreFault> {
        let dismissed = self
            .sql
            .prepare_cached(
                "UPDATE audience SET until = ?3
                 WHERE grp = ?1 AND feed = (SELECT id FROM feed WHERE reader = ?2) AND until IS NULL",
            )?
            .execute(params![id, reader.as_str(), signed(until)])?;
        Ok(dismissed > 0)
    }

    /// Puts a Welcome into the feed of `reader`; what is too large for it becomes an object of its own.
    pub fn append_welcome(
        &self,
        reader: &Reader,
        group: &GroupUri,
        welcome: &[u8],
        key_package_refs: Vec<Octets>,
        ratchet_tree: &[u8],
        from_seq: u64,
    ) -> Result<(), StoreFault> {
        let item = Welcome {
            group: group.clone(),
            welcome: Body::of(welcome.to_vec()),
            key_package_refs,
            ratchet_tree: Body::of(ratchet_tree.to_vec()),
            from_seq,
        };
        let seq = self.append(reader, &ItemBody::Welcome(item))?;
        for bytes in [welcome, ratchet_tree].into_iter().filter(|bytes| bytes.len() > MAX_INLINE_BYTES) {
            self.sql
                .prepare_cached(
                    "INSERT OR IGNORE INTO object (sha256, feed, seq, bytes) SELECT ?1, id, ?3, ?4 FROM feed WHERE reader = ?2",
                )?
                .execute(params![Hash32::of(bytes).as_bytes(), reader.as_str(), signed(seq), bytes])?;
        }
        Ok(())
    }

    /// Notes that a grant was used; `false` where it had been.
    pub fn spend_grant(&self, iss: &Provider, jti: Id, ends: Timestamp) -> Result<bool, StoreFault> {
        let spent = self
            .sql
            .prepare_cached("INSERT OR IGNORE INTO spent_grant (iss, jti, ends) VALUES (?1, ?2, ?3)")?
            .execute(params![iss.as_str(), jti.as_bytes(), signed(ends.as_millis())])?;
        Ok(spent == 1)
    }

    /// Forgets the grants that have ended: they cannot be used again anyway.
    pub fn prune_grants(&self) -> Result<(), StoreFault> {
        self.sql.execute("DELETE FROM spent_grant WHERE ends < ?1", [signed(self.now().as_millis())])?;
        Ok(())
    }
}

fn group_row(row: &Row<'_>) -> Result<GroupRow, StoreFault> {
    let hash: Vec<u8> = row.get(6)?;
    Ok(GroupRow {
        id: row.get(0)?,
        uri: parsed("a group", row.get(1)?)?,
        created: time(row.get(2)?),
        epoch: unsigned(row.get(3)?),
        first: unsigned(row.get(4)?),
        head: unsigned(row.get(5)?),
        hash: if hash.is_empty() { None } else { Some(hash32(&hash)?) },
        suite: row.get(7)?,
        standing: parsed("a standing", row.get(8)?)?,
        fault: row.get(9)?,
    })
}

pub(super) fn hash_at(row: &Row<'_>, at: usize) -> Result<Hash32, StoreFault> {
    hash32(row.get_ref(at)?.as_blob().map_err(rusqlite::Error::from)?)
}

pub(super) fn hash32(octets: &[u8]) -> Result<Hash32, StoreFault> {
    let octets = octets.try_into();
    octets.map(Hash32).map_err(|_| StoreFault::Unreadable { what: "a hash", value: "not of 32 bytes".into() })
}
