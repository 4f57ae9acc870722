//! Who lives here: users, their clients and tokens, and standing decisions on who may reach them.

use drawbridge_mtp::id::Name;
use drawbridge_mtp::time::Timestamp;
use rusqlite::{OptionalExtension, ToSql, params};

use crate::ground::changes::Change;

use super::{StoreFault, Tx, View, parsed, signed, time};
use crate::words::words;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// Its local name.
    pub name: Name,
    /// What happens with requests that no other rule covers.
    pub rule: UserRule,
    /// When it was made.
    pub created: Timestamp,
}

/// A client of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRow {
    /// Whose.
    pub user: Name,
    /// Its local name.
    pub name: Name,
    /// When it was made.
    pub created: Timestamp,
    /// When its token was last used.
    pub last_seen: Option<Timestamp>,
}

words! {
    /// What happens with requests to a user that no other rule covers.
    UserRule {
        /// They wait for a decision.
        Ask = "ask",
        /// They are approved at once, if they come from an allowed peer.
        Allow = "allow",
    }
}

words! {
    /// What a standing decision does.
    RuleKind {
        /// Approve at once.
        Allow = "allow",
        /// Never show, never approve.
        Block = "block",
    }
}

/// A standing decision on the requests of a person or of a whole provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The local user that it holds for; all, where `None`.
    pub user: Option<Name>,
    /// A user's URI or a provider's authority.
    pub source: String,
    /// What it does.
    pub kind: RuleKind,
    /// Since when.
    pub since: Timestamp,
}

impl View<'_> {
    /// An account.
    pub fn user(&self, name: &Name) -> Result<Option<UserRow>, StoreFault> {
        Ok(self.users()?.into_iter().find(|user| user.name == *name))
    }

    /// All accounts, by name.
    pub fn users(&self) -> Result<Vec<UserRow>, StoreFault> {
        let mut statement = self.sql.prepare_cached("SELECT name, rule, created FROM user ORDER BY name")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
        })?;
        rows.map(|row| {
            let (name, rule, created) = row?;
            Ok(UserRow {
                name: parsed("a name", name)?,
                rule: parsed("a rule", rule)?,
                created: time(created),
            })
        })
        .collect()
    }

    /// All clients, by user and name.
    pub fn clients(&self) -> Result<Vec<ClientRow>, StoreFault> {
        self.clients_where("true", &[])
    }

    /// The clients of one user, by name.
    pub fn clients_of(&self, user: &Name) -> Result<Vec<ClientRow>, StoreFault> {
        self.clients_where("user = ?1", &[&user.as_str()])
    }

    fn clients_where(&self, condition: &str, values: &[&dyn ToSql]) -> Result<Vec<ClientRow>, StoreFault> {
        let mut statement = self.sql.prepare_cached(&format!(
            "SELECT user, name, created, last_seen FROM client WHERE {condition} ORDER BY user, name"
        ))?;
        let rows = statement.query_map(values, |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, Option<i64>>(3)?,
            ))
        })?;
        rows.map(|row| {
            let (user, name, created, last_seen) = row?;
            Ok(ClientRow {
                user: parsed("a name", user)?,
                name: parsed("a name", name)?,
                created: time(created),
                last_seen: last_seen.map(time),
            })
        })
        .collect()
    }

    /// The client whose token has this SHA-256.
    pub fn client_by_token(&self, hash: &[u8; 32]) -> Result<Option<(Name, Name)>, StoreFault> {
        let found = self
            .sql
            .prepare_cached("SELECT user, name FROM client WHERE token = ?1")?
            .query_row([hash], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
            .optional()?;
        let Some((user, name)) = found else { return Ok(None) };
        Ok(Some((parsed("a name", user)?, parsed("a name", name)?)))
    }

    /// All standing decisions, the newest first.
    pub fn rules(&self) -> Result<Vec<Rule>, StoreFault> {
        self.rules_where("TRUE ORDER BY since DESC, source", &[])
    }

    /// The standing decision of `user`, or of all, on `source`.
    pub fn rule(&self, user: Option<&Name>, source: &str) -> Result<Option<Rule>, StoreFault> {
        let user = user.map_or("", Name::as_str);
        Ok(self.rules_where("user = ?1 AND source = ?2", &[&user, &source])?.pop())
    }

    fn rules_where(&self, condition: &str, values: &[&dyn ToSql]) -> Result<Vec<Rule>, StoreFault> {
        let mut statement = self
            .sql
            .prepare_cached(&format!("SELECT user, source, rule, since FROM rule WHERE {condition}"))?;
        let rows = statement.query_map(values, |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, i64>(3)?,
            ))
        })?;
        rows.map(|row| {
            let (user, source, kind, since) = row?;
            let user = if user.is_empty() { None } else { Some(parsed("a name", user)?) };
            Ok(Rule { user, source, kind: parsed("a rule", kind)?, since: time(since) })
        })
        .collect()
    }
}

impl Tx<'_> {
    /// Makes an account; `false` where there is one of that name.
    pub fn add_user(&self, name: &Name, rule: UserRule) -> Result<bool, StoreFault> {
        let added = self.sql.execute(
            "INSERT OR IGNORE INTO user (name, rule, created) VALUES (?1, ?2, ?3)",
            params![name.as_str(), rule.to_string(), signed(self.now().as_millis())],
        )?;
        self.changed(Change::Accounts);
        Ok(added == 1)
    }

    /// Sets what happens with requests to a user; `false` where there is no such user.
    pub fn set_user_rule(&self, name: &Name, rule: UserRule) -> Result<bool, StoreFault> {
        let set = self
            .sql
            .execute("UPDATE user SET rule = ?2 WHERE name = ?1", params![name.as_str(), rule.to_string()])?;
        self.changed(Change::Accounts);
        Ok(set == 1)
    }

    /// Makes a client whose token has the SHA-256 `token`; `false` where its user has one of that name.
    pub fn add_client(&self, user: &Name, name: &Name, token: &[u8; 32]) -> Result<bool, StoreFault> {
        let added = self.sql.execute(
            "INSERT OR IGNORE INTO client (user, name, token, created) VALUES (?1, ?2, ?3, ?4)",
            params![user.as_str(), name.as_str(), token, signed(self.now().as_millis())],
        )?;
        self.changed(Change::Accounts);
        Ok(added == 1)
    }

    /// Gives a client another token in the place of its old one; `false` where there is no such client.
    pub fn set_token(&self, user: &Name, name: &Name, token: &[u8; 32]) -> Result<bool, StoreFault> {
        let set = self.sql.execute(
            "UPDATE client SET token = ?3 WHERE user = ?1 AND name = ?2",
            params![user.as_str(), name.as_str(), token],
        )?;
        self.changed(Change::Accounts);
        Ok(set == 1)
    }

    /// Removes a client; `false` where there is no such client.
    pub fn remove_client(&self, user: &Name, name: &Name) -> Result<bool, StoreFault> {
        let removed = self
            .sql
            .execute("DELETE FROM client WHERE user = ?1 AND name = ?2", [user.as_str(), name.as_str()])?;
        self.changed(Change::Accounts);
        Ok(removed == 1)
    }

    /// Notes that a client's token was used.
    pub fn saw_client(&self, user: &Name, name: &Name) -> Result<(), StoreFault> {
        self.sql
            .prepare_cached("UPDATE client SET last_seen = ?3 WHERE user = ?1 AND name = ?2")?
            .execute(params![user.as_str(), name.as_str(), signed(self.now().as_millis())])?;
        Ok(())
    }

    /// Makes or takes back a standing decision on `source`, a user's URI or a provider's authority.
    pub fn set_rule(
        &self,
        user: Option<&Name>,
        source: &str,
        kind: Option<RuleKind>,
    ) -> Result<(), StoreFault> {
        if let Some(kind) = kind {
            let (user, source) = (user.cloned(), source.to_owned());
            return self.put_rule(&Rule { user, source, kind, since: self.now() });
        }
        let user = user.map_or("", Name::as_str);
        self.sql.execute("DELETE FROM rule WHERE user = ?1 AND source = ?2", [user, source])?;
        self.changed(Change::Accounts);
        Ok(())
    }

    /// Keeps the standing decision `rule` as it is given.
    pub fn put_rule(&self, rule: &Rule) -> Result<(), StoreFault> {
        self.sql.execute(
            "INSERT INTO rule (user, source, rule, since) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (user, source) DO UPDATE SET rule = ?3, since = ?4",
            params![
                rule.user.as_ref().map_or("", Name::as_str),
                rule.source,
                rule.kind.to_string(),
                signed(rule.since.as_millis())
            ],
        )?;
        self.changed(Change::Accounts);
        Ok(())
    }
}
