//! Groups, their logs, their members, and who is told of their events (sections 10 and 11).

use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Name, Provider, UserUri};
use drawbridge_mtp::message::{
    Body, Event, EventKind, ItemBody, MAX_INLINE_BYTES, ObjectRef, Placed, RosterMember, Submission, Welcome,
};
use drawbridge_mtp::octets::{Hash32, Octets};
use drawbridge_mtp::policy::Policy;
use drawbridge_mtp::time::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use crate::changes::Change;

use super::connections::words;
use super::{Reader, StoreFault, Tx, View, parsed, signed, time, unsigned};

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
    /// Who may do what in it, as far as it is known.
    pub policy: Option<Policy>,
    /// Its MLS cipher suite, 0 where that is not known.
    pub suite: u16,
    /// How it stands with us.
    pub standing: Standing,
    /// Why, where it is broken.
    pub fault: Option<String>,
}

/// An event to be put at the end of a log.
#[derive(Debug)]
pub struct NewEvent<'a> {
    /// Its type.
    pub kind: EventKind,
    /// The epoch in the framing of its MLS message.
    pub epoch: u64,
    /// Who sent it.
    pub sender: &'a ClientUri,
    /// Its MLS message.
    pub body: &'a [u8],
    /// Who submitted it, and under which id.
    pub submission: Option<(&'a Provider, Id)>,
}

/// One leaf of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// The leaf, and whose it is.
    pub member: RosterMember,
    /// Whether it has proposed its own removal.
    pub leaving: bool,
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

const COLUMNS: &str = "id, uri, created, epoch, first, head, hash, policy, suite, standing, fault";
/// What an event takes on a page beside its body, about.
const EVENT_OVERHEAD: u64 = 500;

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

    /// The groups that a user here is in.
    pub fn groups_of(&self, user: &UserUri) -> Result<Vec<GroupRow>, StoreFault> {
        self.groups_where(
            "standing IN ('live', 'joining') AND (id IN (SELECT grp FROM member WHERE user = ?1)
               OR id IN (SELECT grp FROM audience WHERE until IS NULL AND reader > ?1 || '/d/' AND reader < ?1 || '/d0'))
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
                     OR EXISTS (SELECT 1 FROM audience WHERE grp = ?1 AND until IS NULL
                                AND reader > ?2 || '/d/' AND reader < ?2 || '/d0'))",
            )?
            .exists(params![id, user.as_str()])?)
    }

    fn groups_where(
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
            "owner = ?1 AND id IN (SELECT grp FROM audience WHERE reader = ?2) ORDER BY uri",
            &[&ours.as_str(), &reader.as_str()],
        )
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

    /// The epoch that the last commit in a group's log ended, where there is a commit in it.
    pub fn last_ended_epoch(&self, group: &GroupRow) -> Result<Option<u64>, StoreFault> {
        let ended: Option<i64> = self
            .sql
            .prepare_cached("SELECT max(epoch) FROM event WHERE grp = ?1 AND kind = 'commit' AND seq >= ?2")?
            .query_row(params![group.id, signed(group.first)], |row| row.get(0))?;
        Ok(ended.map(unsigned))
    }

    /// The place of what `submitter` has submitted, where it has one: known by its id, or, among events that were read
    /// back from a participant, by its sender and its body.
    pub fn placed(
        &self,
        id: i64,
        submitter: &Provider,
        submission: &Submission,
    ) -> Result<Option<Placed>, StoreFault> {
        let known = self
            .sql
            .prepare_cached(
                "SELECT seq, hash, time FROM event WHERE grp = ?1 AND submitter = ?2 AND submission = ?3",
            )?
            .query_row(params![id, submitter.as_str(), submission.id.as_bytes()], place_columns)
            .optional()?;
        let row = match known {
            None if submission.sender.provider() == submitter && self.has_adopted(id)? => self
                .sql
                .prepare_cached(
                    "SELECT seq, hash, time FROM event
                     WHERE adopted = 1 AND grp = ?1 AND body_hash = ?2 AND sender = ?3 ORDER BY seq LIMIT 1",
                )?
                .query_row(
                    params![id, Hash32::of(submission.mls.as_slice()).as_bytes(), submission.sender.as_str()],
                    place_columns,
                )
                .optional()?,
            known => known,
        };
        row.map(|(seq, hash, at)| Ok(Placed { seq: unsigned(seq), hash: hash32(&hash)?, time: time(at) }))
            .transpose()
    }

    /// Whether any event of a group was read back from a participant.
    fn has_adopted(&self, id: i64) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached("SELECT 1 FROM event WHERE adopted = 1 AND grp = ?1 LIMIT 1")?
            .exists([id])?)
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
            "SELECT seq, kind, epoch, sender, time, body, size, body_hash, prev, hash FROM event
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

    /// How many bytes the bodies of a group's events are, and how many events there are.
    pub fn log_size(&self, id: i64) -> Result<(u64, u64), StoreFault> {
        let sums = self
            .sql
            .prepare_cached("SELECT coalesce(sum(size), 0), count(*) FROM event WHERE grp = ?1")?
            .query_row([id], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        Ok((unsigned(sums.0), unsigned(sums.1)))
    }

    /// The members of a group, by leaf.
    pub fn members(&self, id: i64) -> Result<Vec<MemberRow>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT leaf, client, since_epoch, added_by, grant_jws, leaving FROM member WHERE grp = ?1 ORDER BY leaf",
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
            members.push(MemberRow { member, leaving: row.get(5)? });
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

    /// How many clients and how many users are in a group.
    pub fn count_members(&self, id: i64) -> Result<(u64, u64), StoreFault> {
        let counts = self
            .sql
            .prepare_cached("SELECT count(*), count(DISTINCT user) FROM member WHERE grp = ?1")?
            .query_row([id], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        Ok((unsigned(counts.0), unsigned(counts.1)))
    }

    /// Who is, or was, told of a group's events.
    pub fn audience(&self, id: i64) -> Result<Vec<AudienceRow>, StoreFault> {
        let mut statement = self
            .sql
            .prepare_cached("SELECT reader, since, until FROM audience WHERE grp = ?1 ORDER BY reader")?;
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
            .prepare_cached("SELECT since, until FROM audience WHERE grp = ?1 AND reader = ?2")?
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
                "SELECT max(event) FROM feed_item JOIN feed USING (reader)
                 WHERE feed_item.reader = ?1 AND grp = ?2 AND seq <= acked",
            )?
            .query_row(params![reader.as_str(), id], |row| row.get::<_, Option<i64>>(0))?;
        Ok(acked.map_or(0, unsigned))
    }

    /// The bytes that `reader` was told to fetch as the object `sha256`, where there are any for it.
    pub fn object(&self, reader: &Reader, sha256: &Hash32) -> Result<Option<Vec<u8>>, StoreFault> {
        let kept = self
            .sql
            .prepare_cached("SELECT bytes FROM object WHERE sha256 = ?1 AND reader = ?2 LIMIT 1")?
            .query_row(params![sha256.as_bytes(), reader.as_str()], |row| row.get(0))
            .optional()?;
        if kept.is_some() {
            return Ok(kept);
        }
        // A group's owner, who is told of nothing, reads in our copy of its log what it has lost itself (section 12).
        Ok(self
            .sql
            .prepare_cached(
                "SELECT body FROM event JOIN audience USING (grp)
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
                "INSERT INTO mls_group (uri, owner, created, epoch, first, head, hash, policy, suite, standing, fault)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                group.uri.as_str(),
                group.owner().as_str(),
                signed(group.created.as_millis()),
                signed(group.epoch),
                signed(group.first),
                signed(group.head),
                group.hash.as_ref().map_or(&[][..], |hash| hash.as_bytes()),
                group.policy.as_ref().map(Policy::to_cbor),
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
                "UPDATE mls_group SET epoch = ?2, first = ?3, head = ?4, hash = ?5, policy = ?6, suite = ?7, standing = ?8,
                   fault = ?9 WHERE id = ?1",
            )?
            .execute(params![
                group.id,
                signed(group.epoch),
                signed(group.first),
                signed(group.head),
                group.hash.as_ref().map_or(&[][..], |hash| hash.as_bytes()),
                group.policy.as_ref().map(Policy::to_cbor),
                group.suite,
                group.standing.to_string(),
                group.fault,
            ])?;
        self.changed(Change::Group(group.uri.clone()));
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
            .prepare_cached("INSERT OR REPLACE INTO group_info (grp, info) VALUES (?1, ?2)")?
            .execute(params![id, info])?;
        Ok(())
    }

    /// Forgets the GroupInfo of a group whose epoch has ended without a GroupInfo of the next.
    pub fn drop_group_info(&self, id: i64) -> Result<(), StoreFault> {
        self.sql.prepare_cached("DELETE FROM group_info WHERE grp = ?1")?.execute([id])?;
        Ok(())
    }

    /// Puts an event at the end of a log of ours, gives it its number and hash, and puts it into the feed of
    /// everyone who is told of it.
    pub fn number_event(&self, group: &mut GroupRow, new: &NewEvent<'_>) -> Result<Placed, StoreFault> {
        let mut event = Event {
            group: group.uri.clone(),
            seq: group.head + 1,
            kind: new.kind,
            epoch: new.epoch,
            sender: new.sender.clone(),
            time: self.now(),
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
                "INSERT INTO event (grp, seq, kind, epoch, sender, time, body, size, body_hash, prev, hash, submitter, submission, adopted)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            )?
            .execute(params![
                id,
                signed(event.seq),
                event.kind.as_str(),
                signed(event.epoch),
                event.sender.as_str(),
                signed(event.time.as_millis()),
                body,
                signed(size),
                event.body_hash.as_bytes(),
                event.prev.as_bytes(),
                event.hash.as_bytes(),
                submission.map(|(provider, _)| provider.as_str()),
                submission.map(|(_, id)| id.as_bytes()),
                adopted,
            ])?;
        Ok(())
    }

    fn advance(&self, group: &mut GroupRow, event: &Event) -> Result<(), StoreFault> {
        (group.head, group.hash) = (event.seq, Some(event.hash));
        self.sql
            .prepare_cached("UPDATE mls_group SET head = ?2, hash = ?3 WHERE id = ?1")?
            .execute(params![group.id, signed(event.seq), event.hash.as_bytes()])?;
        let mut statement = self.sql.prepare_cached(
            "SELECT reader FROM audience WHERE grp = ?1 AND since <= ?2 AND (until IS NULL OR until >= ?2)",
        )?;
        let readers =
            statement.query_map(params![group.id, signed(event.seq)], |row| row.get::<_, String>(0))?;
        for reader in readers {
            self.append_event(&reader?.parse()?, group.id, event.seq)?;
        }
        self.changed(Change::Group(group.uri.clone()));
        Ok(())
    }

    /// Puts a leaf into a group's roster.
    pub fn put_member(&self, id: i64, member: &RosterMember) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(
                "INSERT OR REPLACE INTO member (grp, leaf, client, user, provider, since_epoch, added_by, grant_jws)
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
        Ok(())
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

    /// Tells `reader` of a group's events from `since` on; who is told already is told on.
    pub fn admit_reader(&self, id: i64, reader: &Reader, since: u64) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(
                "INSERT INTO audience (grp, reader, since) VALUES (?1, ?2, ?3)
                 ON CONFLICT (grp, reader) DO UPDATE SET since = iif(until IS NULL, since, ?3), until = NULL",
            )?
            .execute(params![id, reader.as_str(), signed(since)])?;
        Ok(())
    }

    /// Tells `reader` of nothing in a group behind `until`.
    pub fn dismiss_reader(&self, id: i64, reader: &Reader, until: u64) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(
                "UPDATE audience SET until = ?3 WHERE grp = ?1 AND reader = ?2 AND until IS NULL",
            )?
            .execute(params![id, reader.as_str(), signed(until)])?;
        Ok(())
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
                    "INSERT OR IGNORE INTO object (sha256, reader, seq, bytes) VALUES (?1, ?2, ?3, ?4)",
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

/// Reads an event from the columns from `at` on: its number, type, epoch, sender, time, body, size and hashes.
pub(super) fn event(row: &Row<'_>, at: usize, group: &GroupUri) -> Result<Event, StoreFault> {
    let (size, body_hash) = (unsigned(row.get(at + 6)?), hash_at(row, at + 7)?);
    let body = match row.get_ref(at + 5)?.as_blob_or_null().map_err(rusqlite::Error::from)? {
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
        body,
        body_hash,
        prev: hash_at(row, at + 8)?,
        hash: hash_at(row, at + 9)?,
    })
}

/// About how many bytes an event takes on a page.
pub(super) fn weight(event: &Event) -> u64 {
    let body = match &event.body {
        Some(Body::Here(body)) => body.as_slice().len() as u64,
        _ => 0,
    };
    body + EVENT_OVERHEAD
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

fn group_row(row: &Row<'_>) -> Result<GroupRow, StoreFault> {
    let hash: Vec<u8> = row.get(6)?;
    let policy: Option<Vec<u8>> = row.get(7)?;
    Ok(GroupRow {
        id: row.get(0)?,
        uri: parsed("a group", row.get(1)?)?,
        created: time(row.get(2)?),
        epoch: unsigned(row.get(3)?),
        first: unsigned(row.get(4)?),
        head: unsigned(row.get(5)?),
        hash: if hash.is_empty() { None } else { Some(hash32(&hash)?) },
        policy: policy
            .map(|cbor| {
                Policy::from_cbor(&cbor)
                    .map_err(|fault| StoreFault::Unreadable { what: "a policy", value: fault.to_string() })
            })
            .transpose()?,
        suite: row.get(8)?,
        standing: parsed("a standing", row.get(9)?)?,
        fault: row.get(10)?,
    })
}

fn hash_at(row: &Row<'_>, at: usize) -> Result<Hash32, StoreFault> {
    hash32(row.get_ref(at)?.as_blob().map_err(rusqlite::Error::from)?)
}

fn hash32(octets: &[u8]) -> Result<Hash32, StoreFault> {
    let octets = octets.try_into();
    octets.map(Hash32).map_err(|_| StoreFault::Unreadable { what: "a hash", value: "not of 32 bytes".into() })
}
