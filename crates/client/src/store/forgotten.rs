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
/// What holds something of a conversation, beside the list of those.
const TABLES: [&str; 7] = ["message", "name", "outgoing", "intent", "sent", "heard", "placed"];

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
    /// Forgets everything of a conversation but its name and how far it had come.
    pub(crate) fn forget_conversation(&self, group: &GroupUri) -> Result<(), ClientFault> {
        let head = self.conversation(group)?.map_or(0, |conversation| conversation.head);
        for table in TABLES {
            self.run(&format!("DELETE FROM {table} WHERE conversation = ?1"), params![group.as_str()])?;
        }
        self.run("DELETE FROM conversation WHERE name = ?1", params![group.as_str()])?;
        let mut forgotten = self.forgotten()?;
        forgotten.insert(group.clone(), head);
        self.put(NAME, &forgotten)?;
        self.touched(group);
        Ok(())
    }

    /// This client was added anew.
    pub(crate) fn remember(&self, group: &GroupUri) -> Result<(), ClientFault> {
        let mut forgotten = self.forgotten()?;
        if forgotten.remove(group).is_some() { self.put(NAME, &forgotten) } else { Ok(()) }
    }
}
