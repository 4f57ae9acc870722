//! Authorizations to add a user to a group, and the grants given for them (section 8).

use drawbridge_mtp::grant::UnverifiedGrant;
use drawbridge_mtp::id::{GroupUri, Id, Provider, UserUri};
use drawbridge_mtp::message::{ConnectionState, Title};
use drawbridge_mtp::time::Timestamp;
use rusqlite::{Row, ToSql, params};

use crate::changes::Change;

use super::connections::{DecidedBy, Unsent, told_state};
use super::{StoreFault, Tx, View, parsed, parsed_id, signed, time};

/// A request to add a user to a group, or what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationRow {
    /// The other provider; our own for a request between two users here.
    pub peer: Provider,
    /// Whether our user asked.
    pub outgoing: bool,
    /// Made by the provider that asks; the `jti` of the grant.
    pub id: Id,
    /// The group.
    pub group: GroupUri,
    /// Who wants to add.
    pub adder: UserUri,
    /// Who would be added.
    pub user: UserUri,
    /// When it was asked, or received.
    pub created: Timestamp,
    /// When it lapses.
    pub expires: Timestamp,
    /// What has become of it. `Declined` is told to the adder only where `told`.
    pub state: ConnectionState,
    /// Since when.
    pub changed: Timestamp,
    /// Who brought that about.
    pub decided_by: Option<DecidedBy>,
    /// Whether the adder was told of the refusal.
    pub told: bool,
    /// Set aside by the operator.
    pub ignored: bool,
    /// Shown to nobody: a rule blocks it.
    pub unseen: bool,
    /// What the other provider has still to be told of an outgoing request.
    pub unsent: Option<Unsent>,
    /// What the other provider answered when it refused an outgoing request for good.
    pub refused: Option<String>,
    /// The grant, where it was approved.
    pub grant: Option<KeptGrant>,
    /// What the adder calls the group.
    pub title: Option<Title>,
    /// Whether the grant was used: the user was added under it.
    pub used: bool,
}

/// A grant as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptGrant {
    /// The compact JWS.
    pub jws: String,
    /// When it ends.
    pub ends: Timestamp,
}

impl AuthorizationRow {
    /// Whether it still waits for a decision of ours or theirs.
    pub fn is_open(&self) -> bool {
        self.state == ConnectionState::Pending
    }

    /// The state as the adder may know it.
    pub fn told_state(&self) -> ConnectionState {
        told_state(self.state, self.told)
    }

    /// The grant, where the user may still be added under it at `now`.
    pub fn unused_grant(&self, now: Timestamp) -> Option<&KeptGrant> {
        self.living_grant(now).filter(|_| !self.used)
    }

    /// The grant, where it is approved and the grant lives at `now`.
    pub fn living_grant(&self, now: Timestamp) -> Option<&KeptGrant> {
        self.grant.as_ref().filter(|grant| self.state == ConnectionState::Approved && now < grant.ends)
    }
}

const COLUMNS: &str = "peer, outgoing, id, group_uri, adder, user, created, expires, state, changed, decided_by, \
                       told, ignored, unseen, unsent, refused, grant_jws, grant_ends, title, used";

fn row(row: &Row<'_>) -> Result<AuthorizationRow, StoreFault> {
    let grant: Option<String> = row.get(16)?;
    let ends: Option<i64> = row.get(17)?;
    Ok(AuthorizationRow {
        peer: parsed("a provider", row.get(0)?)?,
        outgoing: row.get(1)?,
        id: parsed_id(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?,
        group: parsed("a group", row.get(3)?)?,
        adder: parsed("a user", row.get(4)?)?,
        user: parsed("a user", row.get(5)?)?,
        created: time(row.get(6)?),
        expires: time(row.get(7)?),
        state: parsed("an authorization's state", row.get(8)?)?,
        changed: time(row.get(9)?),
        decided_by: row.get::<_, Option<String>>(10)?.map(|by| parsed("who decided", by)).transpose()?,
        told: row.get(11)?,
        ignored: row.get(12)?,
        unseen: row.get(13)?,
        unsent: row
            .get::<_, Option<String>>(14)?
            .map(|unsent| parsed("what is unsent", unsent))
            .transpose()?,
        refused: row.get(15)?,
        grant: grant.zip(ends).map(|(jws, ends)| KeptGrant { jws, ends: time(ends) }),
        title: row.get::<_, Option<String>>(18)?.map(|title| parsed("a title", title)).transpose()?,
        used: row.get(19)?,
    })
}

/// From before the first address of a group of `owner` to behind the last: `0` comes after `/`.
fn addresses_at(owner: &Provider) -> (String, String) {
    (format!("mimi://{owner}/g/"), format!("mimi://{owner}/g0"))
}

impl View<'_> {
    pub(super) fn authorizations_where(
        &self,
        condition: &str,
        values: &[&dyn ToSql],
    ) -> Result<Vec<AuthorizationRow>, StoreFault> {
        let mut statement =
            self.sql.prepare_cached(&format!("SELECT {COLUMNS} FROM authorization WHERE {condition}"))?;
        let mut rows = statement.query(values)?;
        let mut found = Vec::new();
        while let Some(next) = rows.next()? {
            found.push(row(next)?);
        }
        Ok(found)
    }

    /// The request `id` that `peer` made (`outgoing` false), or that we made to it.
    pub fn authorization(
        &self,
        peer: &Provider,
        outgoing: bool,
        id: Id,
    ) -> Result<Option<AuthorizationRow>, StoreFault> {
        let found = self.authorizations_where(
            "peer = ?1 AND outgoing = ?2 AND id = ?3",
            &[&peer.as_str(), &outgoing, &id.as_bytes().as_slice()],
        )?;
        Ok(found.into_iter().next())
    }

    /// All requests with this id, whoever made them.
    pub fn authorizations_by_id(&self, id: Id) -> Result<Vec<AuthorizationRow>, StoreFault> {
        self.authorizations_where("id = ?1", &[&id.as_bytes().as_slice()])
    }

    /// The requests of `adder` to add `user`, to whatever group, that are open, refused or approved.
    pub fn authorizations_of_pair(
        &self,
        adder: &UserUri,
        user: &UserUri,
    ) -> Result<Vec<AuthorizationRow>, StoreFault> {
        self.authorizations_where(
            "user = ?1 AND adder = ?2 AND state IN ('pending', 'declined', 'approved')",
            &[&user.as_str(), &adder.as_str()],
        )
    }

    /// All requests to add, the newest first; those that nobody is shown are left out.
    pub fn authorizations(&self) -> Result<Vec<AuthorizationRow>, StoreFault> {
        self.authorizations_where("NOT unseen ORDER BY created DESC, id DESC", &[])
    }

    /// All open requests of our users to add users elsewhere, the newest first.
    pub fn asked_authorizations(&self) -> Result<Vec<AuthorizationRow>, StoreFault> {
        self.authorizations_where(
            "state = 'pending' AND outgoing AND NOT unseen ORDER BY created DESC, id DESC",
            &[],
        )
    }

    /// The latest requests to add that were decided or set aside, at most `limit`; those that nobody is shown are left out.
    pub fn settled_authorizations(&self, limit: u32) -> Result<Vec<AuthorizationRow>, StoreFault> {
        self.authorizations_where(
            "(state <> 'pending' OR ignored) AND NOT unseen ORDER BY changed DESC, created DESC, id DESC LIMIT ?1",
            &[&limit],
        )
    }

    /// All requests of `adder` to add somebody to `group`, the newest first.
    pub fn authorizations_asked(
        &self,
        adder: &UserUri,
        group: &GroupUri,
    ) -> Result<Vec<AuthorizationRow>, StoreFault> {
        self.authorizations_where(
            "group_uri = ?1 AND adder = ?2 ORDER BY created DESC, id DESC",
            &[&group.as_str(), &adder.as_str()],
        )
    }

    /// All requests to add that a user here has made or is asked, the newest first.
    pub fn authorizations_of(&self, user: &UserUri) -> Result<Vec<AuthorizationRow>, StoreFault> {
        self.authorizations_where(
            "(adder = ?1 OR (user = ?1 AND NOT unseen)) ORDER BY created DESC, id DESC",
            &[&user.as_str()],
        )
    }

    /// All requests to add with users of `peer`, also those that nobody is shown.
    pub fn authorizations_with(&self, peer: &Provider) -> Result<Vec<AuthorizationRow>, StoreFault> {
        self.authorizations_where("peer = ?1", &[&peer.as_str()])
    }

    /// The authorizations to add to `group` that `adder`, a user here, holds an unused grant for, the newest first. Those that were
    /// approved by a clock that is ahead of `now` hold for nobody yet (section 8), so they come last.
    pub fn grants_held(
        &self,
        group: &GroupUri,
        adder: &UserUri,
        now: Timestamp,
    ) -> Result<Vec<AuthorizationRow>, StoreFault> {
        self.authorizations_where(
            "group_uri = ?1 AND adder = ?2 AND state = 'approved' AND grant_ends > ?3 AND NOT used
             ORDER BY changed > ?3 + 300000, changed DESC, id DESC",
            &[&group.as_str(), &adder.as_str(), &signed(now.as_millis())],
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

    /// The requests to add that `peer` has still to be told of, the oldest first.
    pub fn unsent_authorizations(&self, peer: &Provider) -> Result<Vec<AuthorizationRow>, StoreFault> {
        self.authorizations_where(
            "peer = ?1 AND unsent IS NOT NULL ORDER BY changed, id LIMIT 100",
            &[&peer.as_str()],
        )
    }

    /// The open requests of ours to add that were made by a clock that showed more than `time`, and that their receiver has not
    /// taken.
    pub fn authorizations_dated_after(&self, time: Timestamp) -> Result<Vec<AuthorizationRow>, StoreFault> {
        self.authorizations_where(
            "outgoing AND state = 'pending' AND created > ?1 AND (unsent IS NOT NULL OR refused IS NOT NULL) LIMIT 1000",
            &[&signed(time.as_millis())],
        )
    }

    /// The requests to add, open or refused, that have lapsed.
    pub fn lapsed_authorizations(&self, now: Timestamp) -> Result<Vec<AuthorizationRow>, StoreFault> {
        self.authorizations_where(
            "state IN ('pending', 'declined') AND expires <= ?1 LIMIT 1000",
            &[&signed(now.as_millis())],
        )
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
    /// Keeps `authorization` as it is given.
    pub fn put_authorization(&self, authorization: &AuthorizationRow) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached(
                "INSERT INTO authorization (peer, outgoing, id, group_uri, adder, user, created, expires,
                   state, changed, decided_by, told, ignored, unseen, unsent, refused, grant_jws, grant_ends, title, used)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
                 ON CONFLICT (peer, outgoing, id) DO UPDATE SET group_uri = ?4, adder = ?5, user = ?6, created = ?7,
                   expires = ?8, state = ?9, changed = ?10, decided_by = ?11, told = ?12, ignored = ?13, unseen = ?14,
                   unsent = ?15, refused = ?16, grant_jws = ?17, grant_ends = ?18, title = ?19, used = ?20",
            )?
            .execute(params![
                authorization.peer.as_str(),
                authorization.outgoing,
                authorization.id.as_bytes(),
                authorization.group.as_str(),
                authorization.adder.as_str(),
                authorization.user.as_str(),
                signed(authorization.created.as_millis()),
                signed(authorization.expires.as_millis()),
                authorization.state.to_string(),
                signed(authorization.changed.as_millis()),
                authorization.decided_by.map(|by| by.to_string()),
                authorization.told,
                authorization.ignored,
                authorization.unseen,
                authorization.unsent.map(|unsent| unsent.to_string()),
                authorization.refused,
                authorization.grant.as_ref().map(|grant| grant.jws.as_str()),
                authorization.grant.as_ref().map(|grant| signed(grant.ends.as_millis())),
                authorization.title.as_ref().map(Title::as_str),
                authorization.used,
            ])?;
        self.announce_authorization(authorization);
        Ok(())
    }

    /// Forgets a request to add.
    pub fn remove_authorization(&self, authorization: &AuthorizationRow) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached("DELETE FROM authorization WHERE peer = ?1 AND outgoing = ?2 AND id = ?3")?
            .execute(params![
                authorization.peer.as_str(),
                authorization.outgoing,
                authorization.id.as_bytes()
            ])?;
        self.announce_authorization(authorization);
        Ok(())
    }

    /// The peer concerned, and the group's owner, from whom a Welcome may come or not any more.
    fn announce_authorization(&self, authorization: &AuthorizationRow) {
        self.changed(Change::Authorization(authorization.peer.clone()));
        let owner = authorization.group.provider();
        if *owner != authorization.peer && authorization.grant.is_some() {
            self.changed(Change::Authorization(owner.clone()));
        }
    }

    /// Somebody was added to a group under the grant `jws`: it is used, where it is one that we gave or hold.
    pub fn note_grant_used(&self, jws: &str) -> Result<(), StoreFault> {
        let Ok(grant) = UnverifiedGrant::parse(jws) else { return Ok(()) };
        for mut row in self.authorizations_by_id(grant.unverified_claims().jti)? {
            if !row.used && row.grant.as_ref().is_some_and(|kept| kept.jws == jws) {
                row.used = true;
                self.put_authorization(&row)?;
            }
        }
        Ok(())
    }

    /// Announces that a request to add waits for a decision that did not wait before.
    pub fn announce_waiting_addition(&self, authorization: &AuthorizationRow) {
        self.changed(Change::WaitingAddition(authorization.peer.clone(), authorization.id));
    }

    /// Notes, as the owner of a group, that the grant `jti` of `iss` was taken back.
    pub fn revoke_grant(&self, iss: &Provider, jti: Id) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached("INSERT OR IGNORE INTO revoked_grant (iss, jti, at) VALUES (?1, ?2, ?3)")?
            .execute(params![iss.as_str(), jti.as_bytes(), signed(self.now().as_millis())])?;
        Ok(())
    }

    /// Drops what was over before `since`, request and grant, and cannot be asked about any more.
    pub fn prune_authorizations(&self, since: Timestamp) -> Result<(), StoreFault> {
        self.sql.execute(
            "DELETE FROM authorization WHERE state IN ('approved', 'ended', 'expired') AND unsent IS NULL
             AND changed < ?1 AND expires < ?1 AND coalesce(grant_ends, 0) < ?1",
            [signed(since.as_millis())],
        )?;
        Ok(())
    }

    /// Drops what is known of grants taken back before `since`, when none of them can live any more.
    pub fn prune_revoked_grants(&self, since: Timestamp) -> Result<(), StoreFault> {
        self.sql.execute("DELETE FROM revoked_grant WHERE at < ?1", [signed(since.as_millis())])?;
        Ok(())
    }
}
