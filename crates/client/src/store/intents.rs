//! What is wanted of a group: kept until a commit has brought it about, whatever epoch that takes.

use drawbridge_mtp::{
    id::{GroupUri, UserUri},
    policy::{Policy, Who},
    time::Timestamp,
};
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::{Tx, View};
use crate::fault::{ClientFault, StoreFault};

/// Something wanted.
#[derive(Clone, Debug)]
pub(crate) struct Intent {
    pub(crate) place: i64,
    /// Not before.
    pub(crate) due: Timestamp,
    pub(crate) want: Want,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Want {
    /// A new own leaf.
    Renew,
    /// A user in the group, once its provider has agreed.
    Add { user: UserUri, approved: bool },
    /// The user's own further clients in the group.
    AddOwn,
    /// A user out of the group.
    Remove { user: UserUri },
    /// Old leaves of this very client out of the group.
    Clean,
    /// Another policy.
    Change(PolicyChange),
    /// This client out of the group.
    Leave,
}

/// What is to be different in a policy; what is none stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyChange {
    /// What people call the group, at most 256 bytes.
    pub name: Option<String>,
    /// The admins, at least one of them a member.
    pub admins: Option<Vec<UserUri>>,
    /// Who may add others.
    #[serde(default, with = "who")]
    pub add: Option<Who>,
    /// Who may send.
    #[serde(default, with = "who")]
    pub send: Option<Who>,
}

/// [`Who`] by its word.
mod who {
    use drawbridge_mtp::policy::Who;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(who: &Option<Who>, serializer: S) -> Result<S::Ok, S::Error> {
        who.map(Who::as_str).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Who>, D::Error> {
        let word = Option::<String>::deserialize(deserializer)?;
        word.map(|word| word.parse().map_err(serde::de::Error::custom)).transpose()
    }
}

impl PolicyChange {
    /// `policy` with the change.
    pub(crate) fn applied_to(&self, policy: &Policy) -> Policy {
        let Self { name, admins, add, send } = self.clone();
        Policy {
            name: name.unwrap_or_else(|| policy.name.clone()),
            admins: admins.unwrap_or_else(|| policy.admins.clone()),
            add: add.unwrap_or(policy.add),
            send: send.unwrap_or(policy.send),
        }
    }
}

const TABLE: &str = "intent";

fn key(group: &GroupUri, place: i64) -> Vec<u8> {
    [&place.to_be_bytes(), group.as_str().as_bytes()].concat()
}

impl View<'_> {
    /// What is wanted of a group, in the order in which it was.
    pub(crate) fn intents(&self, group: &GroupUri) -> Result<Vec<Intent>, ClientFault> {
        let rows: Vec<(i64, i64, Vec<u8>)> = self.rows(
            "SELECT place, due, body FROM intent WHERE conversation = ?1 ORDER BY place",
            [group.as_str()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        rows.into_iter()
            .map(|(place, due, sealed)| {
                let want = self.open(TABLE, &key(group, place), &sealed)?;
                Ok(Intent { place, due: Timestamp::from_millis(due.unsigned_abs()), want })
            })
            .collect()
    }
}

impl Tx<'_> {
    /// Remembers it, unless the same is wanted already.
    pub(crate) fn want(&self, group: &GroupUri, want: Want, due: Timestamp) -> Result<(), ClientFault> {
        if self.intents(group)?.iter().any(|intent| intent.want == want) {
            return Ok(());
        }
        let place: i64 = self
            .db
            .query_row("SELECT coalesce(max(place), 0) + 1 FROM intent", [], |row| row.get(0))
            .map_err(StoreFault::from)?;
        self.put_intent(group, &Intent { place, due, want })
    }

    pub(crate) fn put_intent(&self, group: &GroupUri, intent: &Intent) -> Result<(), ClientFault> {
        let Intent { place, due, want } = intent;
        let sealed = self.close(TABLE, &key(group, *place), want)?;
        let due = i64::try_from(due.as_millis()).unwrap_or(i64::MAX);
        self.run(
            "INSERT OR REPLACE INTO intent (place, conversation, due, body) VALUES (?1, ?2, ?3, ?4)",
            params![place, group.as_str(), due, sealed],
        )?;
        self.ring_to_do();
        self.touched(group);
        Ok(())
    }

    pub(crate) fn forget_intent(&self, group: &GroupUri, place: i64) -> Result<(), ClientFault> {
        self.run("DELETE FROM intent WHERE place = ?1", [place])?;
        self.touched(group);
        Ok(())
    }
}
