//! Requests for a connection, connections, and the rules that decide on them without a click (section 7).

use std::collections::HashSet;
use std::time::Duration;

use drawbridge_mtp::id::{Id, Provider, UserUri};
use drawbridge_mtp::message::ConnectionState;
use drawbridge_mtp::time::Timestamp;
use rusqlite::{Row, ToSql, params};

use crate::changes::Change;

use super::{StoreFault, Tx, View, parsed, parsed_id, signed, time};

/// For so long the word of a request's end may be late.
const LATE: Duration = Duration::from_secs(86_400);

/// A request for a connection, or what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionRow {
    /// The other provider; our own for a request between two users here.
    pub peer: Provider,
    /// Whether our user asked.
    pub outgoing: bool,
    /// Made by the provider that asks.
    pub id: Id,
    /// Who asks.
    pub from: UserUri,
    /// Who is asked.
    pub to: UserUri,
    /// When it was asked.
    pub created: Timestamp,
    /// When it lapses.
    pub expires: Timestamp,
    /// What has become of it. `Declined` is told to the requester only where `told`.
    pub state: ConnectionState,
    /// Since when.
    pub changed: Timestamp,
    /// Who brought that about.
    pub decided_by: Option<DecidedBy>,
    /// Whether the requester was told of the refusal, or that the request has lapsed.
    pub told: bool,
    /// Set aside by the operator.
    pub ignored: bool,
    /// Shown to nobody: it is to someone who does not exist, or a rule blocks it.
    pub unseen: bool,
    /// What the other provider has still to be told of an outgoing request.
    pub unsent: Option<Unsent>,
    /// What the other provider answered when it refused an outgoing request for good.
    pub refused: Option<String>,
}

impl ConnectionRow {
    /// Whether it still waits for a decision of ours or theirs.
    pub fn is_open(&self) -> bool {
        self.state == ConnectionState::Pending
    }

    /// Whether it has ended or expired.
    fn is_over(&self) -> bool {
        matches!(self.state, ConnectionState::Ended | ConnectionState::Expired)
    }

    /// Whether a request of ours has lapsed by our clock, and its receiver has still to say so by its own: it may have
    /// approved in time. After a day it need not keep what it has to tell (section 12).
    pub fn awaits_its_end(&self, now: Timestamp) -> bool {
        self.outgoing
            && self.state == ConnectionState::Expired
            && !self.told
            && now.since(self.changed) < LATE
    }

    /// The state as the requester may know it.
    pub fn told_state(&self) -> ConnectionState {
        told_state(self.state, self.told)
    }

    /// The user of ours, and the other.
    pub fn users(&self) -> (&UserUri, &UserUri) {
        if self.outgoing { (&self.from, &self.to) } else { (&self.to, &self.from) }
    }
}

/// A refusal that is not told looks like a request that nobody has answered (section 7).
pub(super) fn told_state(state: ConnectionState, told: bool) -> ConnectionState {
    if state == ConnectionState::Declined && !told { ConnectionState::Pending } else { state }
}

/// Words that are kept and read again.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_meta])* $variant,)* }

        impl $name {
            /// The word that is kept and shown.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($word => Ok(Self::$variant),)* _ => Err(()) }
            }
        }
    };
}
pub(crate) use words;

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

const COLUMNS: &str = "peer, outgoing, id, from_user, to_user, created, expires, state, changed, decided_by, told, ignored, \
                       unseen, unsent, refused";

fn row(row: &Row<'_>) -> Result<ConnectionRow, StoreFault> {
    let word = |by: Option<String>| by.map(|by| parsed("who decided", by)).transpose();
    Ok(ConnectionRow {
        peer: parsed("a provider", row.get(0)?)?,
        outgoing: row.get(1)?,
        id: parsed_id(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?,
        from: parsed("a user", row.get(3)?)?,
        to: parsed("a user", row.get(4)?)?,
        created: time(row.get(5)?),
        expires: time(row.get(6)?),
        state: parsed("a connection's state", row.get(7)?)?,
        changed: time(row.get(8)?),
        decided_by: word(row.get(9)?)?,
        told: row.get(10)?,
        ignored: row.get(11)?,
        unseen: row.get(12)?,
        unsent: row
            .get::<_, Option<String>>(13)?
            .map(|unsent| parsed("what is unsent", unsent))
            .transpose()?,
        refused: row.get(14)?,
    })
}

impl View<'_> {
    pub(super) fn connections_where(
        &self,
        condition: &str,
        values: &[&dyn ToSql],
    ) -> Result<Vec<ConnectionRow>, StoreFault> {
        let mut statement =
            self.sql.prepare_cached(&format!("SELECT {COLUMNS} FROM connection WHERE {condition}"))?;
        let mut rows = statement.query(values)?;
        let mut found = Vec::new();
        while let Some(next) = rows.next()? {
            found.push(row(next)?);
        }
        Ok(found)
    }

    /// The request `id` that `peer` made (`outgoing` false), or that we made to it.
    pub fn connection(
        &self,
        peer: &Provider,
        outgoing: bool,
        id: Id,
    ) -> Result<Option<ConnectionRow>, StoreFault> {
        let found = self.connections_where(
            "peer = ?1 AND outgoing = ?2 AND id = ?3",
            &[&peer.as_str(), &outgoing, &id.as_bytes().as_slice()],
        )?;
        Ok(found.into_iter().next())
    }

    /// All requests with this id, whoever made them.
    pub fn connections_by_id(&self, id: Id) -> Result<Vec<ConnectionRow>, StoreFault> {
        self.connections_where("id = ?1", &[&id.as_bytes().as_slice()])
    }

    /// The requests between two users that are open or refused, and their connections, whoever asked.
    pub fn connections_between(
        &self,
        one: &UserUri,
        other: &UserUri,
    ) -> Result<Vec<ConnectionRow>, StoreFault> {
        self.connections_where(
            "state IN ('pending', 'declined', 'approved')
             AND ((from_user = ?1 AND to_user = ?2) OR (from_user = ?2 AND to_user = ?1))",
            &[&one.as_str(), &other.as_str()],
        )
    }

    /// All requests and connections, the newest first; those that nobody is shown are left out.
    pub fn connections(&self) -> Result<Vec<ConnectionRow>, StoreFault> {
        self.connections_where("NOT unseen ORDER BY created DESC, id DESC", &[])
    }

    /// All open requests of our users to users elsewhere, the newest first.
    pub fn asked_connections(&self) -> Result<Vec<ConnectionRow>, StoreFault> {
        self.connections_where(
            "state = 'pending' AND outgoing AND NOT unseen ORDER BY created DESC, id DESC",
            &[],
        )
    }

    /// The latest requests and connections that were decided or set aside, at most `limit`; those that nobody is shown are left
    /// out.
    pub fn settled_connections(&self, limit: u32) -> Result<Vec<ConnectionRow>, StoreFault> {
        self.connections_where(
            "(state <> 'pending' OR ignored) AND NOT unseen ORDER BY changed DESC, created DESC, id DESC LIMIT ?1",
            &[&limit],
        )
    }

    /// The pairs of users that are connected, each once, also where both have asked.
    pub fn connected_pairs(&self) -> Result<Vec<(UserUri, UserUri)>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT DISTINCT min(from_user, to_user), max(from_user, to_user)
             FROM connection WHERE state = 'approved' AND NOT unseen",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        rows.map(|row| {
            let (one, other) = row?;
            Ok((parsed("a user", one)?, parsed("a user", other)?))
        })
        .collect()
    }

    /// Whom `user` is connected with.
    pub fn connected_with(&self, user: &UserUri) -> Result<Vec<UserUri>, StoreFault> {
        let mut statement = self.sql.prepare_cached(
            "SELECT to_user FROM connection WHERE from_user = ?1 AND state = 'approved' AND NOT unseen
             UNION
             SELECT from_user FROM connection WHERE to_user = ?1 AND state = 'approved' AND NOT unseen",
        )?;
        let rows = statement.query_map([user.as_str()], |row| row.get::<_, String>(0))?;
        rows.map(|row| parsed("a user", row?)).collect()
    }

    /// How many pairs of users are connected.
    pub fn count_connected_pairs(&self) -> Result<u64, StoreFault> {
        self.count(
            "(SELECT DISTINCT min(from_user, to_user), max(from_user, to_user)
              FROM connection WHERE state = 'approved' AND NOT unseen)",
        )
    }

    /// All requests and connections of a user here, the newest first. Of several from one user to another that are not over,
    /// which count as one (section 7), the newest.
    pub fn connections_of(&self, user: &UserUri) -> Result<Vec<ConnectionRow>, StoreFault> {
        let mut rows = self.connections_where(
            "NOT unseen AND (from_user = ?1 OR to_user = ?1) ORDER BY created DESC, id DESC",
            &[&user.as_str()],
        )?;
        let mut shown = HashSet::new();
        rows.retain(|row| row.is_over() || shown.insert((row.from.clone(), row.to.clone())));
        Ok(rows)
    }

    /// All requests and connections with users of `peer`, also those that nobody is shown.
    pub fn connections_with(&self, peer: &Provider) -> Result<Vec<ConnectionRow>, StoreFault> {
        self.connections_where("peer = ?1", &[&peer.as_str()])
    }

    /// How many pairs of users are connected with users of `peer`; both may have asked.
    pub fn count_approved(&self, peer: &Provider) -> Result<u32, StoreFault> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT count(*) FROM (SELECT DISTINCT min(from_user, to_user), max(from_user, to_user)
                                       FROM connection WHERE peer = ?1 AND state = 'approved')",
            )?
            .query_row([peer.as_str()], |row| row.get(0))?)
    }

    /// How many requests of `peer` are held at `now`: open or refused, and not yet expired (section 6); and when the
    /// first of them expires.
    pub fn held(&self, peer: &Provider, now: Timestamp) -> Result<(u32, Option<Timestamp>), StoreFault> {
        let (count, first): (u32, Option<i64>) = self
            .sql
            .prepare_cached(
                "SELECT count(*), min(expires) FROM connection
                 WHERE peer = ?1 AND NOT outgoing AND state IN ('pending', 'declined') AND expires > ?2",
            )?
            .query_row(params![peer.as_str(), signed(now.as_millis())], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        Ok((count, first.map(time)))
    }

    /// Whether our users have asked users of `peer` for a connection, and may still hear what becomes of it, or are
    /// connected with them.
    pub fn is_connected_with(&self, peer: &Provider, now: Timestamp) -> Result<bool, StoreFault> {
        let late = i64::try_from(LATE.as_millis()).unwrap_or(i64::MAX);
        Ok(self
            .sql
            .prepare_cached(
                "SELECT 1 FROM connection WHERE peer = ?1 AND outgoing IN (0, 1) AND state = 'approved'
                 UNION ALL
                 SELECT 1 FROM connection WHERE peer = ?1 AND outgoing = 1 AND state = 'pending'
                 UNION ALL
                 SELECT 1 FROM connection
                 WHERE peer = ?1 AND outgoing = 1 AND state = 'expired' AND changed > ?2 AND NOT told
                 LIMIT 1",
            )?
            .exists(params![peer.as_str(), signed(now.as_millis()).saturating_sub(late)])?)
    }

    /// Whether two users are connected.
    pub fn are_connected(&self, one: &UserUri, other: &UserUri) -> Result<bool, StoreFault> {
        let between = self.connections_between(one, other)?;
        Ok(between.iter().any(|row| row.state == ConnectionState::Approved))
    }

    /// The requests that `peer` has still to be told of, the oldest first.
    pub fn unsent(&self, peer: &Provider) -> Result<Vec<ConnectionRow>, StoreFault> {
        self.connections_where(
            "peer = ?1 AND unsent IS NOT NULL ORDER BY changed, id LIMIT 100",
            &[&peer.as_str()],
        )
    }

    /// The open requests of ours that were made by a clock that showed more than `time`, and that their receiver has not taken.
    pub fn connections_dated_after(&self, time: Timestamp) -> Result<Vec<ConnectionRow>, StoreFault> {
        self.connections_where(
            "outgoing AND state = 'pending' AND created > ?1 AND (unsent IS NOT NULL OR refused IS NOT NULL) LIMIT 1000",
            &[&signed(time.as_millis())],
        )
    }

    /// The requests, open or refused, that have lapsed.
    pub fn lapsed(&self, now: Timestamp) -> Result<Vec<ConnectionRow>, StoreFault> {
        self.connections_where(
            "state IN ('pending', 'declined') AND expires <= ?1 LIMIT 1000",
            &[&signed(now.as_millis())],
        )
    }
}

impl Tx<'_> {
    /// Keeps `connection` as it is given.
    pub fn put_connection(&self, connection: &ConnectionRow) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(
                "INSERT INTO connection (peer, outgoing, id, from_user, to_user, created, expires, state, changed,
                   decided_by, told, ignored, unseen, unsent, refused)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
                 ON CONFLICT (peer, outgoing, id) DO UPDATE SET from_user = ?4, to_user = ?5, created = ?6, expires = ?7,
                   state = ?8, changed = ?9, decided_by = ?10, told = ?11, ignored = ?12, unseen = ?13, unsent = ?14,
                   refused = ?15",
            )?
            .execute(params![
                connection.peer.as_str(),
                connection.outgoing,
                connection.id.as_bytes(),
                connection.from.as_str(),
                connection.to.as_str(),
                signed(connection.created.as_millis()),
                signed(connection.expires.as_millis()),
                connection.state.to_string(),
                signed(connection.changed.as_millis()),
                connection.decided_by.map(|by| by.to_string()),
                connection.told,
                connection.ignored,
                connection.unseen,
                connection.unsent.map(|unsent| unsent.to_string()),
                connection.refused,
            ])?;
        self.changed(Change::Connection(connection.peer.clone()));
        Ok(())
    }

    /// Forgets a request.
    pub fn remove_connection(&self, connection: &ConnectionRow) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached("DELETE FROM connection WHERE peer = ?1 AND outgoing = ?2 AND id = ?3")?
            .execute(params![connection.peer.as_str(), connection.outgoing, connection.id.as_bytes()])?;
        self.changed(Change::Connection(connection.peer.clone()));
        Ok(())
    }

    /// Of the lapsed requests of `peer` that it was not told of, keeps the latest `at_most`.
    pub fn prune_untold(&self, peer: &Provider, at_most: u32) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(
                "DELETE FROM connection WHERE peer = ?1 AND NOT outgoing AND id IN
                   (SELECT id FROM connection WHERE peer = ?1 AND NOT outgoing AND state = 'expired' AND NOT told
                    ORDER BY changed DESC, id DESC LIMIT -1 OFFSET ?2)",
            )?
            .execute(params![peer.as_str(), at_most])?;
        Ok(())
    }

    /// Announces that a request waits for a decision that did not wait before.
    pub fn announce_waiting(&self, connection: &ConnectionRow) {
        self.changed(Change::Waiting(connection.peer.clone(), connection.id));
    }

    /// Drops what ended or expired before `since` and cannot be asked about any more.
    pub fn prune_connections(&self, since: Timestamp) -> Result<(), StoreFault> {
        let since = signed(since.as_millis());
        self.sql.execute(
            "DELETE FROM connection WHERE state IN ('ended', 'expired') AND unsent IS NULL AND changed < ?1 AND expires < ?1",
            [since],
        )?;
        Ok(())
    }
}
