//! Conversations that their person has forgotten: nothing of them is left but their names, so that none is joined again unless
//! somebody adds this client anew, and how far they had come, by which an addition that is new is told from one that comes again.

use std::collections::BTreeMap;

use drawbridge_mtp::id::GroupUri;
use rusqlite::params;

use super::{Tx, View};
use crate::{
    fault::{ClientFault, StoreFault},
    view::{Standing, StoredConversation},
};

const NAME: &str = "forgotten-after";
/// What holds something of a conversation, beside the list of those, and never much: it goes at once.
const AT_ONCE: [&str; 5] = ["outgoing", "intent", "sent", "heard", "placed"];
/// What holds as much of one as was said in it, by a column that tells its rows apart: it goes a few rows at a time.
const IN_STEPS: [(&str, &str); 2] = [("name", "id"), ("message", "place")];
/// So many rows go in one step, for which others wait.
const ROWS: u32 = 500;

impl View<'_> {
    fn forgotten(&self) -> Result<BTreeMap<GroupUri, u64>, ClientFault> {
        Ok(self.get(NAME)?.unwrap_or_default())
    }

    /// After which event it was forgotten; none where it was not.
    pub(crate) fn forgotten_after(&self, group: &GroupUri) -> Result<Option<u64>, ClientFault> {
        Ok(self.forgotten()?.get(group).copied())
    }

    /// How much of a conversation is kept.
    pub(crate) fn stored(
        &self,
        group: &GroupUri,
        standing: Standing,
    ) -> Result<StoredConversation, ClientFault> {
        let (lines, octets, unsent): (i64, i64, i64) = self
            .db
            .query_row(
                "SELECT count(*), coalesce(sum(length(body)), 0),
                   (SELECT count(*) FROM outgoing WHERE conversation = ?1 AND kind = 'application')
                 FROM message WHERE conversation = ?1",
                params![group.as_str()],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .map_err(StoreFault::from)?;
        let [lines, octets, unsent] = [lines, octets, unsent].map(i64::unsigned_abs);
        Ok(StoredConversation { standing, lines, octets, unsent })
    }
}

impl Tx<'_> {
    /// Forgets everything of a conversation but its name and how far it had come. What was said in it is found no more, and goes
    /// later ([`Tx::drop_forgotten`]).
    pub(crate) fn forget_conversation(&self, group: &GroupUri) -> Result<(), ClientFault> {
        let head = self.conversation(group)?.map_or(0, |conversation| conversation.head);
        for table in AT_ONCE {
            self.run(&format!("DELETE FROM {table} WHERE conversation = ?1"), params![group.as_str()])?;
        }
        self.run("INSERT OR IGNORE INTO dropped (conversation) VALUES (?1)", params![group.as_str()])?;
        self.ring_to_drop();
        self.run("DELETE FROM conversation WHERE name = ?1", params![group.as_str()])?;
        let mut forgotten = self.forgotten()?;
        forgotten.insert(group.clone(), head);
        self.put(NAME, &forgotten)?;
        self.touched(group);
        Ok(())
    }

    /// Removes a few rows of what is left of forgotten conversations. Returns whether there may be more.
    pub(crate) fn drop_forgotten(&self) -> Result<bool, ClientFault> {
        let dropped: Vec<String> =
            self.rows("SELECT conversation FROM dropped", params![], |row| row.get(0))?;
        for conversation in dropped {
            if self.drop_some(&conversation)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes a few rows of what is left of a forgotten conversation. Returns whether there may be more.
    fn drop_some(&self, conversation: &str) -> Result<bool, ClientFault> {
        for (table, column) in IN_STEPS {
            let sql = format!(
                "DELETE FROM {table} WHERE conversation = ?1 AND {column} IN
                   (SELECT {column} FROM {table} WHERE conversation = ?1 LIMIT ?2)"
            );
            if self.run(&sql, params![conversation, ROWS])? > 0 {
                return Ok(true);
            }
        }
        self.run("DELETE FROM dropped WHERE conversation = ?1", params![conversation])?;
        Ok(false)
    }

    /// This client was added anew. What is left of then is not to be found again with it.
    pub(crate) fn remember(&self, group: &GroupUri) -> Result<(), ClientFault> {
        while self.drop_some(group.as_str())? {}
        let mut forgotten = self.forgotten()?;
        if forgotten.remove(group).is_some() { self.put(NAME, &forgotten) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use drawbridge_client_api::ambient::System;

    use super::*;
    use crate::{
        content::MessageId,
        key::StorageKey,
        settings::Settings,
        store::{Conversation, Store},
        view::Notice,
    };

    fn store(folder: &Path, key: &StorageKey) -> Store {
        let own = "mimi://a.example/u/ann/d/desk".parse().unwrap();
        Store::open(&folder.join("ann.sqlite"), key, own, Settings::default(), Arc::new(System)).unwrap()
    }

    /// How many rows there are of a conversation, with the names of its messages.
    fn rows(tx: &Tx<'_>, group: &GroupUri) -> [u32; 2] {
        ["message", "name"].map(|table| {
            let sql = format!("SELECT count(*) FROM {table} WHERE conversation = ?1");
            tx.db.query_row(&sql, [group.as_str()], |row| row.get(0)).unwrap()
        })
    }

    #[test]
    fn what_was_said_in_a_forgotten_conversation_is_found_no_more_and_goes_in_steps_over_restarts() {
        const SAID: u32 = 2 * ROWS + 1;
        let folder = tempfile::tempdir().unwrap();
        let key = StorageKey::random(&System);
        let [tea, choir]: [GroupUri; 2] =
            ["mimi://a.example/g/tea", "mimi://a.example/g/choir"].map(|group| group.parse().unwrap());
        let says = |tx: &Tx<'_>, group: &GroupUri, count: u32| {
            for number in 0..count {
                tx.add_notice(group, tx.now, Notice::Joined { by: None })?;
                let id = MessageId::of(tx.user(), group, &number.to_be_bytes(), &[0; 16]);
                tx.add_name(group, &id, i64::from(number))?;
            }
            Ok::<_, ClientFault>(())
        };
        let open = store(folder.path(), &key);
        let forgotten = open.step(|tx| {
            for (group, count) in [(&tea, SAID), (&choir, 3)] {
                tx.set_conversation(&Conversation::new(group.clone(), Standing::Removed))?;
                says(tx, group, count)?;
            }
            let before = tx.db.total_changes();
            tx.forget_conversation(&tea)?;
            Ok(tx.db.total_changes() - before)
        });
        assert!(forgotten.unwrap() < 10, "it costs the same however much was said");
        let found = |store: &Store| {
            let lines = store.read(|view| view.newest_lines(i64::MAX, 10_000)).unwrap();
            lines.into_iter().map(|line| line.group).collect::<Vec<_>>()
        };
        assert_eq!(found(&open), vec![choir.clone(); 3]);
        open.step(|tx| tx.drop_forgotten()).unwrap();
        drop(open);

        let open = store(folder.path(), &key);
        let mut left = open.step(|tx| Ok(rows(tx, &tea).iter().sum::<u32>())).unwrap();
        assert_eq!(left, 2 * SAID - ROWS);
        while open.step(|tx| tx.drop_forgotten()).unwrap() {
            let now = open.step(|tx| Ok(rows(tx, &tea).iter().sum::<u32>())).unwrap();
            assert!((1..=ROWS).contains(&(left - now)), "{left} {now}");
            left = now;
            assert_eq!(found(&open), vec![choir.clone(); 3]);
        }
        assert_eq!(left, 0);
        open.step(|tx| {
            assert_eq!(rows(tx, &choir), [3, 3]);
            // Added anew before its rows of then are gone, it has none of them.
            tx.forget_conversation(&choir)?;
            tx.remember(&choir)?;
            says(tx, &choir, 1)?;
            assert_eq!((rows(tx, &choir), tx.drop_forgotten()?), ([1, 1], false));
            Ok(())
        })
        .unwrap();
        assert_eq!(found(&open), [choir]);
    }
}
