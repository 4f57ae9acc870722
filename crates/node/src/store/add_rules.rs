//! The rules that decide on additions without a click (section 8).

use drawbridge_mtp::id::{Name, UserUri};
use drawbridge_mtp::time::Timestamp;
use rusqlite::{ToSql, params};

use super::{StoreFault, Tx, View, parsed, signed, time};
use crate::ground::changes::Change;
use crate::words::words;

words! {
    /// What a user lets a connected user do.
    AddRule {
        /// Each addition waits for a decision.
        Ask = "ask",
        /// Additions are granted at once.
        Allow = "allow",
        /// Additions are shown to nobody, and never granted.
        Never = "never",
    }
}

/// What a user here lets another do, where that is not to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddRuleRow {
    /// Whose rule.
    pub user: Name,
    /// Whom it is about.
    pub other: UserUri,
    /// What the other may do.
    pub rule: AddRule,
    /// Since when.
    pub since: Timestamp,
}

impl View<'_> {
    /// What `user`, who lives here, lets `other` do.
    pub fn add_rule(&self, user: &Name, other: &UserUri) -> Result<AddRule, StoreFault> {
        Ok(self.add_rule_row(user, other)?.map_or(AddRule::Ask, |rule| rule.rule))
    }

    /// The rule that says what `user`, who lives here, lets `other` do; none where each addition waits.
    pub fn add_rule_row(&self, user: &Name, other: &UserUri) -> Result<Option<AddRuleRow>, StoreFault> {
        Ok(self.add_rules_where("user = ?1 AND other = ?2", &[&user.as_str(), &other.as_str()])?.pop())
    }

    /// All rules for additions, by user.
    pub fn add_rules(&self) -> Result<Vec<AddRuleRow>, StoreFault> {
        self.add_rules_where("TRUE ORDER BY user, other", &[])
    }

    fn add_rules_where(&self, condition: &str, values: &[&dyn ToSql]) -> Result<Vec<AddRuleRow>, StoreFault> {
        let mut statement = self
            .sql
            .prepare_cached(&format!("SELECT user, other, rule, since FROM add_rule WHERE {condition}"))?;
        let rows = statement.query_map(values, |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, i64>(3)?,
            ))
        })?;
        rows.map(|row| {
            let (user, other, rule, since) = row?;
            Ok(AddRuleRow {
                user: parsed("a name", user)?,
                other: parsed("a user", other)?,
                rule: parsed("a rule for additions", rule)?,
                since: time(since),
            })
        })
        .collect()
    }
}

impl Tx<'_> {
    /// Sets what `user`, who lives here, lets `other` do.
    pub fn set_add_rule(&self, user: &Name, other: &UserUri, rule: AddRule) -> Result<(), StoreFault> {
        if rule == AddRule::Ask {
            self.sql.execute(
                "DELETE FROM add_rule WHERE user = ?1 AND other = ?2",
                [user.as_str(), other.as_str()],
            )?;
            self.changed(Change::Accounts);
            return Ok(());
        }
        self.put_add_rule(&AddRuleRow { user: user.clone(), other: other.clone(), rule, since: self.now() })
    }

    /// Keeps `rule` as it is given.
    pub fn put_add_rule(&self, rule: &AddRuleRow) -> Result<(), StoreFault> {
        self.sql.execute(
            "INSERT INTO add_rule (user, other, rule, since) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (user, other) DO UPDATE SET rule = ?3, since = ?4",
            params![
                rule.user.as_str(),
                rule.other.as_str(),
                rule.rule.to_string(),
                signed(rule.since.as_millis())
            ],
        )?;
        self.changed(Change::Accounts);
        Ok(())
    }
}
