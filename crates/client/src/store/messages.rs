//! The lines of conversations.

use std::collections::BTreeSet;

use drawbridge_mtp::{
    id::{ClientUri, GroupUri, Provider, UserUri},
    message::Proved,
    octets::Octets,
    time::Timestamp,
};
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{Stage, Tx, View};
use crate::{
    content::{MessageId, Shown},
    fault::{ClientFault, StoreFault},
    view::{Delivery, Notice},
};

/// One line with its place.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) place: i64,
    pub(crate) group: GroupUri,
    pub(crate) time: Timestamp,
    pub(crate) body: LineBody,
}

/// What a line holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum LineBody {
    Notice(Notice),
    Message(Box<Message>),
}

/// A message as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    pub(crate) sender: ClientUri,
    pub(crate) state: Delivery,
    pub(crate) error: Option<String>,
    pub(crate) in_reply_to: Option<MessageId>,
    pub(crate) shown: Shown,
    /// The whole content as it came, also where it cannot be shown; gone where the author took it back.
    pub(crate) content: Octets,
    /// The edits that it has had: names of the message itself, which those of its reactions are not.
    #[serde(default)]
    pub(crate) edits: Vec<MessageId>,
    pub(crate) deleted: bool,
    pub(crate) reactions: Vec<Reaction>,
    /// The events of it, and of what changed it, that are unproved.
    #[serde(default)]
    pub(crate) unproved: Vec<Unproved>,
}

/// An event that the owner has read back from a participant, and that no checkpoint of the owner's covers (section 12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unproved {
    /// Its number.
    pub(crate) event: u64,
    /// The participant.
    pub(crate) from: Provider,
}

/// A reaction as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reaction {
    pub(crate) id: MessageId,
    pub(crate) user: UserUri,
    pub(crate) text: String,
}

#[derive(Serialize, Deserialize)]
struct Row {
    time: Timestamp,
    body: LineBody,
}

const TABLE: &str = "message";

impl LineBody {
    fn is_unproved(&self) -> bool {
        matches!(self, Self::Message(message) if !message.unproved.is_empty())
    }
}

fn key(group: &str, place: i64) -> Vec<u8> {
    [&place.to_be_bytes(), group.as_bytes()].concat()
}

impl View<'_> {
    /// Where the message is of which `id` is a name.
    pub(crate) fn place_of(&self, group: &GroupUri, id: &MessageId) -> Result<Option<i64>, ClientFault> {
        Ok(self
            .db
            .prepare_cached(
                "SELECT place FROM name
                 WHERE conversation = ?1 AND id = ?2 AND conversation NOT IN (SELECT conversation FROM dropped)",
            )
            .and_then(|mut query| {
                query.query_row(params![group.as_str(), id.as_bytes()], |row| row.get(0)).optional()
            })
            .map_err(StoreFault::from)?)
    }

    /// The message at a place, with its time.
    pub(crate) fn message_at(
        &self,
        group: &GroupUri,
        place: i64,
    ) -> Result<Option<(Timestamp, Box<Message>)>, ClientFault> {
        let lines = self.find(
            "SELECT place, conversation, body FROM message WHERE conversation = ?1 AND place = ?2",
            params![group.as_str(), place],
        )?;
        Ok(lines.into_iter().next().and_then(|line| match line.body {
            LineBody::Message(message) => Some((line.time, message)),
            LineBody::Notice(_) => None,
        }))
    }

    /// The message of which `id` is a name, with its place and time.
    pub(crate) fn message_named(
        &self,
        group: &GroupUri,
        id: &MessageId,
    ) -> Result<Option<(i64, Timestamp, Box<Message>)>, ClientFault> {
        let Some(place) = self.place_of(group, id)? else {
            return Ok(None);
        };
        Ok(self.message_at(group, place)?.map(|(time, message)| (place, time, message)))
    }

    /// The last `limit` lines before a place, in order.
    pub(crate) fn lines(
        &self,
        group: &GroupUri,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Line>, ClientFault> {
        let mut lines = self.find(
            "SELECT place, conversation, body FROM message WHERE conversation = ?1 AND place < ?2
             ORDER BY place DESC LIMIT ?3",
            params![group.as_str(), before.unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(i64::MAX)],
        )?;
        lines.reverse();
        Ok(lines)
    }

    /// The last `limit` lines before a place in all conversations, the newest first.
    pub(crate) fn newest_lines(&self, before: i64, limit: usize) -> Result<Vec<Line>, ClientFault> {
        self.find(
            "SELECT place, conversation, body FROM message
             WHERE place < ?1 AND conversation NOT IN (SELECT conversation FROM dropped) ORDER BY place DESC LIMIT ?2",
            params![before, i64::try_from(limit).unwrap_or(i64::MAX)],
        )
    }

    /// How many messages of others have not been read.
    pub(crate) fn unread(&self, group: &GroupUri) -> Result<u64, ClientFault> {
        Ok(self
            .db
            .query_row(
                "SELECT count(*) FROM message WHERE conversation = ?1 AND unread",
                [group.as_str()],
                |row| row.get::<_, i64>(0).map(i64::unsigned_abs),
            )
            .map_err(StoreFault::from)?)
    }

    /// The place before the first message that has not been read, or the last one.
    pub(crate) fn read_up_to(&self, group: &GroupUri) -> Result<i64, ClientFault> {
        Ok(self
            .db
            .query_row(
                "SELECT coalesce((SELECT min(place) - 1 FROM message WHERE conversation = ?1 AND unread),
                                 (SELECT max(place) FROM message WHERE conversation = ?1), 0)",
                [group.as_str()],
                |row| row.get(0),
            )
            .map_err(StoreFault::from)?)
    }

    fn find(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Line>, ClientFault> {
        let rows: Vec<(i64, String, Vec<u8>)> =
            self.rows(sql, params, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.into_iter()
            .map(|(place, group, sealed)| {
                let Row { time, body } = self.open(TABLE, &key(&group, place), &sealed)?;
                let group = group.parse().map_err(|_| StoreFault::Unreadable(TABLE))?;
                Ok(Line { place, group, time, body })
            })
            .collect()
    }
}

impl Tx<'_> {
    /// Adds a notice at the end. Events that could not be read directly after those that the last line tells of are told of
    /// there.
    pub(crate) fn add_notice(
        &self,
        group: &GroupUri,
        time: Timestamp,
        notice: Notice,
    ) -> Result<(), ClientFault> {
        if let Notice::Gap { first, last } = notice
            && let Some(line) = self.lines(group, None, 1)?.pop()
            && let LineBody::Notice(Notice::Gap { first: before, last: until }) = line.body
            && until + 1 == first
        {
            let body = LineBody::Notice(Notice::Gap { first: before, last });
            return self.set_line(group, line.place, line.time, body);
        }
        self.add_line(group, time, LineBody::Notice(notice), false).map(drop)
    }

    /// Adds a message at the end, once.
    pub(crate) fn add_message(
        &self,
        group: &GroupUri,
        time: Timestamp,
        message: Message,
    ) -> Result<bool, ClientFault> {
        let id = message.id;
        if self.place_of(group, &id)?.is_some() {
            return Ok(false);
        }
        let unread = message.sender.user() != self.user();
        let place = self.add_line(group, time, LineBody::Message(Box::new(message)), unread)?;
        self.add_name(group, &id, place)?;
        Ok(true)
    }

    fn add_line(
        &self,
        group: &GroupUri,
        time: Timestamp,
        body: LineBody,
        unread: bool,
    ) -> Result<i64, ClientFault> {
        let place: i64 = self
            .db
            .query_row("SELECT coalesce(max(place), 0) + 1 FROM message", [], |row| row.get(0))
            .map_err(StoreFault::from)?;
        let unproved = body.is_unproved();
        let sealed = self.close(TABLE, &key(group.as_str(), place), &Row { time, body })?;
        self.run(
            "INSERT INTO message (place, conversation, unread, unproved, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![place, group.as_str(), unread, unproved, sealed],
        )?;
        self.touched(group);
        Ok(place)
    }

    /// Lets `id` name the line at `place`, too.
    pub(crate) fn add_name(&self, group: &GroupUri, id: &MessageId, place: i64) -> Result<(), ClientFault> {
        self.run(
            "INSERT OR IGNORE INTO name (conversation, id, place) VALUES (?1, ?2, ?3)",
            params![group.as_str(), id.as_bytes(), place],
        )?;
        Ok(())
    }

    /// Writes a message in its place.
    pub(crate) fn set_message(
        &self,
        group: &GroupUri,
        place: i64,
        time: Timestamp,
        message: Box<Message>,
    ) -> Result<(), ClientFault> {
        self.set_line(group, place, time, LineBody::Message(message))
    }

    fn set_line(
        &self,
        group: &GroupUri,
        place: i64,
        time: Timestamp,
        body: LineBody,
    ) -> Result<(), ClientFault> {
        let row = Row { time, body };
        let unproved = row.body.is_unproved();
        let sealed = self.close(TABLE, &key(group.as_str(), place), &row)?;
        self.run(
            "UPDATE message SET body = ?2, unproved = ?3 WHERE place = ?1",
            params![place, sealed, unproved],
        )?;
        self.touched(group);
        Ok(())
    }

    /// Events that were unproved are proved now.
    pub(crate) fn proved(&self, proved: &Proved) -> Result<(), ClientFault> {
        let Proved { group, from_seq, until_seq } = proved;
        let lines = self.find(
            "SELECT place, conversation, body FROM message WHERE conversation = ?1 AND unproved",
            params![group.as_str()],
        )?;
        for Line { place, time, body, .. } in lines {
            if let LineBody::Message(mut message) = body {
                message.unproved.retain(|one| !(*from_seq..=*until_seq).contains(&one.event));
                self.set_message(group, place, time, message)?;
            }
        }
        Ok(())
    }

    /// Puts an own message behind everything that has its place already: the owner has numbered it now. Only own
    /// messages that have yet to be numbered stay where they are, at or behind the end.
    pub(crate) fn settle(&self, group: &GroupUri, id: &MessageId) -> Result<(), ClientFault> {
        // A change of a message has that one's line, and moves nothing.
        let line_of = |id: &MessageId| {
            let named = self.message_named(group, id)?;
            Ok::<_, ClientFault>(named.filter(|(.., message)| message.id == *id))
        };
        let Some((place, time, message)) = line_of(id)? else {
            return Ok(());
        };
        let mut unsettled = BTreeSet::new();
        for outgoing in self.outgoing(group)? {
            if let Some((id, _)) = &outgoing.body.says {
                unsettled.extend(line_of(id)?.map(|(place, ..)| place));
            }
        }
        let behind: Vec<i64> = self.rows(
            "SELECT place FROM message WHERE conversation = ?1 AND place > ?2",
            params![group.as_str(), place],
            |row| row.get(0),
        )?;
        if behind.iter().all(|place| unsettled.contains(place)) {
            return Ok(());
        }
        self.run("DELETE FROM message WHERE place = ?1", [place])?;
        let end = self.add_line(group, time, LineBody::Message(message), false)?;
        self.run(
            "UPDATE name SET place = ?3 WHERE conversation = ?1 AND place = ?2",
            params![group.as_str(), place, end],
        )?;
        Ok(())
    }

    /// Puts the own messages in their place, in order, that were accepted before event `seq` and whose own events do not
    /// come any more.
    pub(crate) fn settle_accepted(&self, group: &GroupUri, seq: u64) -> Result<(), ClientFault> {
        let mut accepted = self.outgoing(group)?;
        accepted
            .retain(|one| one.stage == Stage::Accepted && one.body.says.is_some() && one.body.placed < seq);
        accepted.sort_by_key(|one| one.body.placed);
        for one in accepted {
            self.remove_outgoing(&one)?;
            if let Some((id, _)) = &one.body.says {
                self.settle(group, id)?;
            }
        }
        Ok(())
    }

    /// Marks everything up to a place as read.
    pub(crate) fn mark_read(&self, group: &GroupUri, up_to: i64) -> Result<(), ClientFault> {
        let marked = self.run(
            "UPDATE message SET unread = 0 WHERE conversation = ?1 AND unread AND place <= ?2",
            params![group.as_str(), up_to],
        )?;
        if marked > 0 {
            self.touched(group);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use drawbridge_client_api::ambient::System;

    use super::super::Store;
    use super::*;
    use crate::{key::StorageKey, settings::Settings};

    #[test]
    fn events_in_a_row_that_cannot_be_read_are_told_of_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let own = "mimi://a.example/u/ann/d/desk".parse().unwrap();
        let (key, file) = (StorageKey::random(&System), folder.path().join("ann.sqlite"));
        let store = Store::open(&file, &key, own, Settings::default(), Arc::new(System)).unwrap();
        let [tea, choir]: [GroupUri; 2] =
            ["mimi://a.example/g/tea", "mimi://a.example/g/choir"].map(|group| group.parse().unwrap());
        let told = store.step(|tx| {
            let gap = |group, first, last| tx.add_notice(group, tx.now, Notice::Gap { first, last });
            gap(&tea, 10, 10)?;
            gap(&tea, 11, 11)?;
            // Another conversation's lines are between them.
            gap(&choir, 13, 13)?;
            gap(&tea, 12, 14)?;
            gap(&tea, 16, 16)?;
            tx.add_notice(&tea, tx.now, Notice::Joined { by: None })?;
            // What was said in between keeps its place.
            gap(&tea, 17, 17)?;
            tx.lines(&tea, None, 10)
        });
        let told: Vec<_> = told
            .unwrap()
            .into_iter()
            .map(|line| match line.body {
                LineBody::Notice(Notice::Gap { first, last }) => Some((first, last)),
                _ => None,
            })
            .collect();
        assert_eq!(told, [Some((10, 14)), Some((16, 16)), None, Some((17, 17))]);
    }
}
