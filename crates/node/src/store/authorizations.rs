//! Requests to add a user to a group, and the grants given for them (section 8).

use drawbridge_mtp::grant::UnverifiedGrant;
use drawbridge_mtp::id::{GroupUri, Id, Provider, UserUri};
use drawbridge_mtp::message::Title;
use drawbridge_mtp::time::{MAX_AHEAD, Timestamp};
use rusqlite::{Row, ToSql, params};

use super::requests::{KeptGrant, RequestRow, Subject};
use super::{StoreFault, Tx, View, parsed, signed, time};
use crate::ground::changes::Change;

/// The addition of a user to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// The group.
    pub group: GroupUri,
    /// What the adder calls the group.
    pub title: Option<Title>,
    /// The grant, where it was approved.
    pub grant: Option<KeptGrant>,
    /// Whether the grant was used: the user was added under it.
    pub used: bool,
}

/// A request to add a user to a group, or what became of it.
pub type AuthorizationRow = RequestRow<Addition>;

impl Subject for Addition {
    const TABLE: &'static str = "authorization";
    const USERS: (&'static str, &'static str) = ("adder", "user");
    const ALIKE: &'static str = "group_uri, adder, user";
    const COLUMNS: &'static [&'static str] = &["group_uri", "title", "grant_jws", "grant_ends", "used"];
    const OF_NO_USE: &'static str =
        "state IN ('approved', 'ended', 'expired') AND coalesce(grant_ends, 0) < ?1";
    const COUNT_AS_ONE: bool = false;

    fn read(row: &Row<'_>, at: usize) -> Result<Self, StoreFault> {
        let title: Option<String> = row.get(at + 1)?;
        let (jws, ends): (Option<String>, Option<i64>) = (row.get(at + 2)?, row.get(at + 3)?);
        Ok(Self {
            group: parsed("a group", row.get(at)?)?,
            title: title.map(|title| parsed("a title", title)).transpose()?,
            grant: jws.zip(ends).map(|(jws, ends)| KeptGrant { jws, ends: time(ends) }),
            used: row.get(at + 4)?,
        })
    }

    fn values(&self) -> Vec<Box<dyn ToSql + '_>> {
        let grant = self.grant.as_ref();
        vec![
            Box::new(self.group.as_str()),
            Box::new(self.title.as_ref().map(Title::as_str)),
            Box::new(grant.map(|grant| grant.jws.as_str())),
            Box::new(grant.map(|grant| signed(grant.ends.as_millis()))),
            Box::new(self.used),
        ]
    }

    fn announce_waiting(tx: &Tx<'_>, row: &AuthorizationRow) {
        tx.changed(Change::WaitingAddition(row.peer.clone(), row.id));
    }

    fn group(&self) -> Option<&GroupUri> {
        Some(&self.group)
    }

    fn grant(&self) -> Option<&KeptGrant> {
        self.grant.as_ref()
    }
}

impl AuthorizationRow {
    /// The grant, where the user may still be added under it at `now`.
    pub fn unused_grant(&self, now: Timestamp) -> Option<&KeptGrant> {
        self.living_grant(now).filter(|_| !self.about.used)
    }
}

/// From before the first address of a group of `owner` to behind the last: `0` comes after `/`.
fn addresses_at(owner: &Provider) -> (String, String) {
    (format!("mimi://{owner}/g/"), format!("mimi://{owner}/g0"))
}

impl View<'_> {
    /// All requests of `adder` to add somebody to `group`, the newest first.
    pub fn additions_asked(
        &self,
        adder: &UserUri,
        group: &GroupUri,
    ) -> Result<Vec<AuthorizationRow>, StoreFault> {
        self.requests_where(
            "group_uri = ?1 AND adder = ?2 ORDER BY created DESC, id DESC",
            &[&group.as_str(), &adder.as_str()],
        )
    }

    /// The authorizations to add to `group` that `adder`, a user here, holds an unused grant for, the newest first. Those that were
    /// approved by a clock that is ahead of `now` hold for nobody yet (section 8), so they come last.
    pub fn grants_held(
        &self,
        group: &GroupUri,
        adder: &UserUri,
        now: Timestamp,
    ) -> Result<Vec<AuthorizationRow>, StoreFault> {
        self.requests_where(
            "group_uri = ?1 AND adder = ?2 AND state = 'approved' AND grant_ends > ?3 AND NOT used
             ORDER BY changed > ?4, changed DESC, id DESC",
            &[
                &group.as_str(),
                &adder.as_str(),
                &signed(now.as_millis()),
                &signed(now.plus(MAX_AHEAD).as_millis()),
            ],
        )
    }

    /// What users here have agreed to, with the grants for it, also used and ended ones.
    pub fn grants_given(&self) -> Result<Vec<AuthorizationRow>, StoreFault> {
        self.requests_where(
            "NOT outgoing AND state = 'approved' AND grant_jws IS NOT NULL ORDER BY changed DESC",
            &[],
        )
    }

    /// Whether a request of a user here to add a user of `peer` is open.
    pub fn has_asked_to_add_at(&self, peer: &Provider) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached(
                "SELECT 1 FROM authorization WHERE peer = ?1 AND outgoing AND state = 'pending' LIMIT 1",
            )?
            .exists([peer.as_str()])?)
    }

    /// Whether a user here has agreed to be added to a group of `owner`, and that may still be done.
    pub fn awaits_addition_by(&self, owner: &Provider, now: Timestamp) -> Result<bool, StoreFault> {
        let (from, to) = addresses_at(owner);
        Ok(self
            .sql
            .prepare_cached(
                "SELECT 1 FROM authorization WHERE group_uri > ?1 AND group_uri < ?2
                 AND NOT outgoing AND state = 'approved' AND grant_ends > ?3 LIMIT 1",
            )?
            .exists(params![from, to, signed(now.as_millis())])?)
    }

    /// The groups of `owner` that users of ours have agreed to be added to.
    pub fn groups_agreed_to(&self, owner: &Provider) -> Result<Vec<GroupUri>, StoreFault> {
        let (from, to) = addresses_at(owner);
        let mut statement = self.sql.prepare_cached(
            "SELECT DISTINCT group_uri FROM authorization WHERE group_uri > ?1 AND group_uri < ?2
             AND NOT outgoing AND state = 'approved'",
        )?;
        let rows = statement.query_map([from, to], |row| row.get::<_, String>(0))?;
        rows.map(|row| parsed("a group", row?)).collect()
    }

    /// Whether the grant `jti` of `iss` was taken back before it was used at us.
    pub fn grant_is_revoked(&self, iss: &Provider, jti: Id) -> Result<bool, StoreFault> {
        Ok(self
            .sql
            .prepare_cached("SELECT 1 FROM revoked_grant WHERE iss = ?1 AND jti = ?2")?
            .exists(params![iss.as_str(), jti.as_bytes()])?)
    }
}

impl Tx<'_> {
    /// Somebody was added to a group under the grant `jws`: it is used, where it is one that we gave or hold.
    pub fn note_grant_used(&self, jws: &str) -> Result<(), StoreFault> {
        let Ok(grant) = UnverifiedGrant::parse(jws) else { return Ok(()) };
        for mut row in self.requests_by_id::<Addition>(grant.unverified_claims().jti)? {
            if !row.about.used && row.about.grant.as_ref().is_some_and(|kept| kept.jws == jws) {
                row.about.used = true;
                self.put_request(&row)?;
            }
        }
        Ok(())
    }

    /// Notes, as the owner of a group, that the grant `jti` of `iss` was taken back.
    pub fn revoke_grant(&self, iss: &Provider, jti: Id) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached("INSERT OR IGNORE INTO revoked_grant (iss, jti, at) VALUES (?1, ?2, ?3)")?
            .execute(params![iss.as_str(), jti.as_bytes(), signed(self.now().as_millis())])?;
        Ok(())
    }

    /// Drops what is known of grants taken back before `since`, when none of them can live any more.
    pub fn prune_revoked_grants(&self, since: Timestamp) -> Result<(), StoreFault> {
        self.sql.execute("DELETE FROM revoked_grant WHERE at < ?1", [signed(since.as_millis())])?;
        Ok(())
    }
}
