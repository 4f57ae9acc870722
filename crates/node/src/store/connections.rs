//! Requests for a connection, and connections (section 7).

use std::time::Duration;

use drawbridge_mtp::id::{Provider, UserUri};
use drawbridge_mtp::message::ConnectionState;
use drawbridge_mtp::time::Timestamp;
use rusqlite::{Row, ToSql, params};

use super::requests::{RequestRow, Subject};
use super::{StoreFault, Tx, View, parsed, signed, time};
use crate::ground::changes::Change;

/// For so long the word of a request's end may be late.
const LATE: Duration = Duration::from_secs(86_400);

/// The pairs of users that are connected, each once, also where both have asked.
const PAIRS: &str = "SELECT DISTINCT min(from_user, to_user), max(from_user, to_user)
     FROM connection WHERE state = 'approved' AND NOT unseen";

/// A connection, of which there is nothing to say but who is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection;

/// A request for a connection, or what became of it.
pub type ConnectionRow = RequestRow<Connection>;

impl Subject for Connection {
    const TABLE: &'static str = "connection";
    const USERS: (&'static str, &'static str) = ("from_user", "to_user");
    const ALIKE: &'static str = "from_user, to_user";
    const COLUMNS: &'static [&'static str] = &[];
    const OF_NO_USE: &'static str = "state IN ('ended', 'expired')";
    const COUNT_AS_ONE: bool = true;

    fn read(_: &Row<'_>, _: usize) -> Result<Self, StoreFault> {
        Ok(Self)
    }

    fn values(&self) -> Vec<Box<dyn ToSql + '_>> {
        Vec::new()
    }

    fn announce_waiting(tx: &Tx<'_>, row: &ConnectionRow) {
        tx.changed(Change::WaitingConnection(row.peer.clone(), row.id));
    }
}

impl ConnectionRow {
    /// Whether a request of ours has lapsed by our clock, and its receiver has still to say so by its own: it may have
    /// approved in time. After a day it need not keep what it has to tell (section 12).
    pub fn awaits_its_end(&self, now: Timestamp) -> bool {
        self.outgoing
            && self.state == ConnectionState::Expired
            && !self.told
            && now.since(self.changed) < LATE
    }
}

impl View<'_> {
    /// The requests between two users that are open or refused, and their connections, whoever asked.
    pub fn connections_between(
        &self,
        one: &UserUri,
        other: &UserUri,
    ) -> Result<Vec<ConnectionRow>, StoreFault> {
        self.requests_where(
            "state IN ('pending', 'declined', 'approved')
             AND ((from_user = ?1 AND to_user = ?2) OR (from_user = ?2 AND to_user = ?1))",
            &[&one.as_str(), &other.as_str()],
        )
    }

    /// The pairs of users that are connected, each once, also where both have asked.
    pub fn connected_pairs(&self) -> Result<Vec<(UserUri, UserUri)>, StoreFault> {
        let mut statement = self.sql.prepare_cached(PAIRS)?;
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
        self.count(&format!("({PAIRS})"))
    }

    /// Whether two users are connected.
    pub fn are_connected(&self, one: &UserUri, other: &UserUri) -> Result<bool, StoreFault> {
        let between = self.connections_between(one, other)?;
        Ok(between.iter().any(|row| row.state == ConnectionState::Approved))
    }

    /// How many of the pairs of users that are connected have a user of `peer`.
    pub fn count_connected_pairs_with(&self, peer: &Provider) -> Result<u32, StoreFault> {
        Ok(self
            .sql
            .prepare_cached(&format!("SELECT count(*) FROM ({PAIRS} AND peer = ?1)"))?
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
    pub fn has_connections_with(&self, peer: &Provider, now: Timestamp) -> Result<bool, StoreFault> {
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
}
