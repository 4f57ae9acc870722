//! Requests of one user to another, and what became of them: what all kinds have in common (sections 7 and 8).
//!
//! A row is a [`RequestRow`] about a [`Subject`]: a connection (`connections.rs`) or an addition to a group
//! (`authorizations.rs`). Each has its own table, with the same columns for what is common.

use std::collections::HashSet;
use std::fmt;

use drawbridge_mtp::id::{GroupUri, Id, Provider, UserUri};
use drawbridge_mtp::message::ConnectionState;
use drawbridge_mtp::time::Timestamp;
use rusqlite::{Row, ToSql, params};

use super::{StoreFault, Tx, View, parsed, parsed_id, signed, time};
use crate::ground::changes::Change;
use crate::words::words;

/// A request of one user to another about `S`, or what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRow<S> {
    /// The other provider; our own for a request between two users here.
    pub peer: Provider,
    /// Whether our user has asked a user elsewhere.
    pub outgoing: bool,
    /// Made by the provider that asks; for an addition, the `jti` of the grant.
    pub id: Id,
    /// Who asks; for an addition, the adder.
    pub from: UserUri,
    /// Who is asked; for an addition, the user who would be added.
    pub to: UserUri,
    /// When it was asked; for an addition that another provider asks, when it was received.
    pub created: Timestamp,
    /// When it lapses.
    pub expires: Timestamp,
    /// What has become of it. `Declined` is told to who asked only where `told`.
    pub state: ConnectionState,
    /// Since when.
    pub changed: Timestamp,
    /// Who brought that about.
    pub decided_by: Option<DecidedBy>,
    /// Whether who asked was told of the refusal, or that the request has lapsed.
    pub told: bool,
    /// Set aside by the operator.
    pub ignored: bool,
    /// Shown to nobody but who asked: it is to someone who does not exist, or a rule blocks it.
    pub unseen: bool,
    /// What the other provider has still to be told of an outgoing request.
    pub unsent: Option<Unsent>,
    /// What the other provider answered when it refused an outgoing request for good.
    pub refused: Option<String>,
    /// What is asked.
    pub about: S,
}

/// What a request is about, and what its table has of its own.
pub trait Subject: Clone + fmt::Debug + PartialEq + Send + Sync + 'static {
    /// The table.
    #[doc(hidden)]
    const TABLE: &'static str;
    /// Its columns for who asks, and who is asked.
    #[doc(hidden)]
    const USERS: (&'static str, &'static str);
    /// The columns in which requests for the same agree.
    #[doc(hidden)]
    const ALIKE: &'static str;
    /// Its own columns.
    #[doc(hidden)]
    const COLUMNS: &'static [&'static str];
    /// The condition under which a row that was last changed before `?1` and has expired by then is of no use any more.
    #[doc(hidden)]
    const OF_NO_USE: &'static str;
    /// Whether all requests of one user to another that are not over count as one (section 7).
    const COUNT_AS_ONE: bool;

    /// Reads its own columns, which begin at `at`.
    #[doc(hidden)]
    fn read(row: &Row<'_>, at: usize) -> Result<Self, StoreFault>;

    /// What its own columns hold.
    #[doc(hidden)]
    fn values(&self) -> Vec<Box<dyn ToSql + '_>>;

    /// Announces that `row` waits for a decision.
    #[doc(hidden)]
    fn announce_waiting(tx: &Tx<'_>, row: &RequestRow<Self>);

    /// The group that it is about.
    fn group(&self) -> Option<&GroupUri> {
        None
    }

    /// Whether `other`, asked by the same user of the same one, asks for the same.
    fn is_like(&self, other: &Self) -> bool {
        self.group() == other.group()
    }

    /// The grant that was given for it.
    fn grant(&self) -> Option<&KeptGrant> {
        None
    }
}

/// A grant as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptGrant {
    /// The compact JWS.
    pub jws: String,
    /// When it ends.
    pub ends: Timestamp,
}

impl<S: Subject> RequestRow<S> {
    /// An open request of `from` to `to`, of whom one or both are users of `ours`; one to a user elsewhere has still to be
    /// sent there.
    pub(crate) fn new(
        ours: &Provider,
        id: Id,
        from: UserUri,
        to: UserUri,
        created: Timestamp,
        expires: Timestamp,
        about: S,
    ) -> Self {
        let outgoing = to.provider() != ours;
        Self {
            peer: if outgoing { to.provider().clone() } else { from.provider().clone() },
            outgoing,
            id,
            from,
            to,
            created,
            expires,
            state: ConnectionState::Pending,
            changed: created,
            decided_by: None,
            told: false,
            ignored: false,
            unseen: false,
            unsent: outgoing.then_some(Unsent::Post),
            refused: None,
            about,
        }
    }

    /// Whether it still waits for a decision of ours or theirs.
    pub fn is_open(&self) -> bool {
        self.state == ConnectionState::Pending
    }

    /// Whether it has ended or expired.
    pub fn is_over(&self) -> bool {
        matches!(self.state, ConnectionState::Ended | ConnectionState::Expired)
    }

    /// The state as who asked may know it: a refusal that is not told looks like a request that nobody has answered
    /// (section 7).
    pub fn told_state(&self) -> ConnectionState {
        if self.state == ConnectionState::Declined && !self.told {
            ConnectionState::Pending
        } else {
            self.state
        }
    }

    /// The state as `user`, who asked or is asked, may know it.
    pub fn state_for(&self, user: &UserUri) -> ConnectionState {
        if self.from == *user { self.told_state() } else { self.state }
    }

    /// The grant, where it is approved and the grant lives at `now`.
    pub fn living_grant(&self, now: Timestamp) -> Option<&KeptGrant> {
        self.about.grant().filter(|grant| self.state == ConnectionState::Approved && now < grant.ends)
    }
}

words! {
    /// Who brought a state about.
    DecidedBy {
        /// The operator, here.
        Operator = "operator",
        /// The user, with a client.
        User = "user",
        /// A standing rule.
        Rule = "rule",
        /// The other side.
        Peer = "peer",
        /// Time.
        Clock = "clock",
    }
}

words! {
    /// What another provider has still to be told of a request that our user made.
    Unsent {
        /// The request itself.
        Post = "post",
        /// That it is taken back, or that the connection ends.
        Delete = "delete",
    }
}

/// The columns that all kinds have after the users', in the order in which they are read and written.
const COMMON: &[&str] = &[
    "created",
    "expires",
    "state",
    "changed",
    "decided_by",
    "told",
    "ignored",
    "unseen",
    "unsent",
    "refused",
];

fn columns<S: Subject>() -> Vec<&'static str> {
    [&["peer", "outgoing", "id", S::USERS.0, S::USERS.1], COMMON, S::COLUMNS].concat()
}

fn read<S: Subject>(row: &Row<'_>) -> Result<RequestRow<S>, StoreFault> {
    Ok(RequestRow {
        peer: parsed("a provider", row.get(0)?)?,
        outgoing: row.get(1)?,
        id: parsed_id(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?,
        from: parsed("a user", row.get(3)?)?,
        to: parsed("a user", row.get(4)?)?,
        created: time(row.get(5)?),
        expires: time(row.get(6)?),
        state: parsed("a request's state", row.get(7)?)?,
        changed: time(row.get(8)?),
        decided_by: row.get::<_, Option<String>>(9)?.map(|by| parsed("who decided", by)).transpose()?,
        told: row.get(10)?,
        ignored: row.get(11)?,
        unseen: row.get(12)?,
        unsent: row
            .get::<_, Option<String>>(13)?
            .map(|unsent| parsed("what is unsent", unsent))
            .transpose()?,
        refused: row.get(14)?,
        about: S::read(row, 15)?,
    })
}

impl View<'_> {
    pub(super) fn requests_where<S: Subject>(
        &self,
        condition: &str,
        values: &[&dyn ToSql],
    ) -> Result<Vec<RequestRow<S>>, StoreFault> {
        let columns = columns::<S>().join(", ");
        let mut statement =
            self.sql.prepare_cached(&format!("SELECT {columns} FROM {} WHERE {condition}", S::TABLE))?;
        let mut rows = statement.query(values)?;
        let mut found = Vec::new();
        while let Some(next) = rows.next()? {
            found.push(read(next)?);
        }
        Ok(found)
    }

    /// The request `id` that `peer` made (`outgoing` false), or that we made to it.
    pub fn request<S: Subject>(
        &self,
        peer: &Provider,
        outgoing: bool,
        id: Id,
    ) -> Result<Option<RequestRow<S>>, StoreFault> {
        let found = self.requests_where(
            "peer = ?1 AND outgoing = ?2 AND id = ?3",
            &[&peer.as_str(), &outgoing, &id.as_bytes().as_slice()],
        )?;
        Ok(found.into_iter().next())
    }

    /// All open requests of our users to users elsewhere, the newest first.
    pub fn asked_requests<S: Subject>(&self) -> Result<Vec<RequestRow<S>>, StoreFault> {
        self.requests_where(
            "state = 'pending' AND outgoing AND NOT unseen ORDER BY created DESC, id DESC",
            &[],
        )
    }

    /// The latest requests that were decided or set aside, at most `limit`; those that nobody is shown are left out.
    pub fn settled_requests<S: Subject>(&self, limit: u32) -> Result<Vec<RequestRow<S>>, StoreFault> {
        self.requests_where(
            "(state <> 'pending' OR ignored) AND NOT unseen ORDER BY changed DESC, created DESC, id DESC LIMIT ?1",
            &[&limit],
        )
    }

    /// All requests with this id, whoever made them.
    pub fn requests_by_id<S: Subject>(&self, id: Id) -> Result<Vec<RequestRow<S>>, StoreFault> {
        self.requests_where("id = ?1", &[&id.as_bytes().as_slice()])
    }

    /// The requests of `from` to `to` that are open, refused or approved.
    pub fn requests_from_to<S: Subject>(
        &self,
        from: &UserUri,
        to: &UserUri,
    ) -> Result<Vec<RequestRow<S>>, StoreFault> {
        let (asks, is_asked) = S::USERS;
        self.requests_where(
            &format!("{asks} = ?1 AND {is_asked} = ?2 AND state IN ('pending', 'declined', 'approved')"),
            &[&from.as_str(), &to.as_str()],
        )
    }

    /// All requests, the newest first; those that only who asked may see are left out.
    pub fn requests<S: Subject>(&self) -> Result<Vec<RequestRow<S>>, StoreFault> {
        self.requests_where("NOT unseen ORDER BY created DESC, id DESC", &[])
    }

    /// All requests that a user here has made or is asked, the newest first. Of several that are not over and count as one,
    /// the newest.
    pub fn requests_of<S: Subject>(&self, user: &UserUri) -> Result<Vec<RequestRow<S>>, StoreFault> {
        let (asks, is_asked) = S::USERS;
        let mut rows: Vec<RequestRow<S>> = self.requests_where(
            &format!("({asks} = ?1 OR ({is_asked} = ?1 AND NOT unseen)) ORDER BY created DESC, id DESC"),
            &[&user.as_str()],
        )?;
        if S::COUNT_AS_ONE {
            let mut shown = HashSet::new();
            rows.retain(|row| row.is_over() || shown.insert((row.from.clone(), row.to.clone())));
        }
        Ok(rows)
    }

    /// All requests of and to users of `peer`, also those that nobody is shown.
    pub fn requests_with<S: Subject>(&self, peer: &Provider) -> Result<Vec<RequestRow<S>>, StoreFault> {
        self.requests_where("peer = ?1", &[&peer.as_str()])
    }

    /// Requests of and to users of `peer` that are more than what it has to be told, at most `limit`.
    pub fn requests_to_let_go<S: Subject>(
        &self,
        peer: &Provider,
        limit: u32,
    ) -> Result<Vec<RequestRow<S>>, StoreFault> {
        self.requests_where("peer = ?1 AND unsent IS NOT 'delete' LIMIT ?2", &[&peer.as_str(), &limit])
    }

    /// What users of `peer` and users here are agreed on, at most `limit` of it.
    pub fn approved_with<S: Subject>(
        &self,
        peer: &Provider,
        limit: u32,
    ) -> Result<Vec<RequestRow<S>>, StoreFault> {
        self.requests_where(
            "peer = ?1 AND outgoing IN (0, 1) AND state = 'approved' LIMIT ?2",
            &[&peer.as_str(), &limit],
        )
    }

    /// The requests that `peer` has still to be told of, the oldest first.
    pub fn unsent<S: Subject>(&self, peer: &Provider) -> Result<Vec<RequestRow<S>>, StoreFault> {
        self.requests_where(
            "peer = ?1 AND unsent IS NOT NULL ORDER BY changed, id LIMIT 100",
            &[&peer.as_str()],
        )
    }

    /// The open requests of ours that were made by a clock that showed more than `time`, and that their receiver has not taken.
    pub fn requests_dated_after<S: Subject>(
        &self,
        time: Timestamp,
    ) -> Result<Vec<RequestRow<S>>, StoreFault> {
        self.requests_where(
            "outgoing AND state = 'pending' AND created > ?1 AND (unsent IS NOT NULL OR refused IS NOT NULL) LIMIT 1000",
            &[&signed(time.as_millis())],
        )
    }

    /// The requests, open or refused, that have lapsed.
    pub fn lapsed_requests<S: Subject>(&self, now: Timestamp) -> Result<Vec<RequestRow<S>>, StoreFault> {
        self.requests_where(
            "state IN ('pending', 'declined') AND expires <= ?1 LIMIT 1000",
            &[&signed(now.as_millis())],
        )
    }
}

impl Tx<'_> {
    /// Keeps `row` as it is given.
    pub fn put_request<S: Subject>(&self, row: &RequestRow<S>) -> Result<(), StoreFault> {
        let columns = columns::<S>();
        let places: Vec<_> = (1..=columns.len()).map(|place| format!("?{place}")).collect();
        // The first three are the key.
        let changes: Vec<_> =
            columns.iter().skip(3).map(|name| format!("{name} = excluded.{name}")).collect();
        let sql = format!(
            "INSERT INTO {} ({}) VALUES ({}) ON CONFLICT (peer, outgoing, id) DO UPDATE SET {}",
            S::TABLE,
            columns.join(", "),
            places.join(", "),
            changes.join(", ")
        );
        let (created, expires) = (signed(row.created.as_millis()), signed(row.expires.as_millis()));
        let (state, changed) = (row.state.to_string(), signed(row.changed.as_millis()));
        let (decided_by, unsent) = (row.decided_by.map(DecidedBy::as_str), row.unsent.map(Unsent::as_str));
        let common: [&dyn ToSql; 15] = [
            &row.peer.as_str(),
            &row.outgoing,
            &row.id.as_bytes(),
            &row.from.as_str(),
            &row.to.as_str(),
            &created,
            &expires,
            &state,
            &changed,
            &decided_by,
            &row.told,
            &row.ignored,
            &row.unseen,
            &unsent,
            &row.refused,
        ];
        let own = row.about.values();
        let values: Vec<&dyn ToSql> = common.into_iter().chain(own.iter().map(|value| &**value)).collect();
        self.sql.prepare_cached(&sql)?.execute(&*values)?;
        self.announce_request(row);
        Ok(())
    }

    /// Announces that `row` has changed, to the peer concerned, and to the owner of the group of a grant, from whom a Welcome may
    /// come or not any more.
    fn announce_request<S: Subject>(&self, row: &RequestRow<S>) {
        self.changed(Change::Request(row.peer.clone()));
        let owner = row.about.grant().and(row.about.group()).map(GroupUri::provider);
        if let Some(owner) = owner.filter(|owner| **owner != row.peer) {
            self.changed(Change::Request(owner.clone()));
        }
    }

    /// Forgets a request.
    pub fn remove_request<S: Subject>(&self, row: &RequestRow<S>) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(&format!(
                "DELETE FROM {} WHERE peer = ?1 AND outgoing = ?2 AND id = ?3",
                S::TABLE
            ))?
            .execute(params![row.peer.as_str(), row.outgoing, row.id.as_bytes()])?;
        self.announce_request(row);
        Ok(())
    }

    /// Forgets what `peer` has asked and nobody has approved.
    pub fn remove_unapproved<S: Subject>(&self, peer: &Provider) -> Result<(), StoreFault> {
        for request in self.requests_with::<S>(peer)? {
            if !request.outgoing && request.state != ConnectionState::Approved {
                self.remove_request(&request)?;
            }
        }
        Ok(())
    }

    /// Of the lapsed requests of `peer` that it was not told of, keeps the latest `at_most`.
    pub fn prune_untold<S: Subject>(&self, peer: &Provider, at_most: u32) -> Result<(), StoreFault> {
        let table = S::TABLE;
        self.sql
            .prepare_cached(&format!(
                "DELETE FROM {table} WHERE peer = ?1 AND NOT outgoing AND id IN
                   (SELECT id FROM {table} WHERE peer = ?1 AND NOT outgoing AND state = 'expired' AND NOT told
                    ORDER BY changed DESC, id DESC LIMIT -1 OFFSET ?2)"
            ))?
            .execute(params![peer.as_str(), at_most])?;
        Ok(())
    }

    /// Announces that `row` waits for a decision that did not wait before.
    pub fn announce_waiting<S: Subject>(&self, row: &RequestRow<S>) {
        S::announce_waiting(self, row);
    }

    /// Drops what was over before `since` and cannot be asked about any more.
    pub fn prune_requests<S: Subject>(&self, since: Timestamp) -> Result<(), StoreFault> {
        self.sql.execute(
            &format!(
                "DELETE FROM {} WHERE unsent IS NULL AND changed < ?1 AND expires < ?1 AND {}",
                S::TABLE,
                S::OF_NO_USE
            ),
            [signed(since.as_millis())],
        )?;
        Ok(())
    }
}
