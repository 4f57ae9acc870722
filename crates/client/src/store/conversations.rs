//! Conversations: how the client stands in each, and who is in it.

use std::time::Duration;

use drawbridge_mtp::{
    id::{ClientUri, GroupUri, Provider, UserUri},
    message::RegisterGroup,
    octets::Octets,
    policy::{Policy, Who},
    time::Timestamp,
};
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{Tx, View};
use crate::{
    fault::{ClientFault, StoreFault},
    view::{ClientChange, Standing},
};

/// A conversation as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Conversation {
    pub(crate) group: GroupUri,
    pub(crate) standing: Standing,
    /// The number of the last event taken in.
    pub(crate) head: u64,
    pub(crate) epoch: u64,
    /// The first epoch as a member: what was sent for an earlier one was not meant for this client, unless it had been a
    /// member before.
    pub(crate) joined_epoch: u64,
    /// The last epoch of the time before, where a Welcome has brought this client back.
    #[serde(default)]
    pub(crate) left_epoch: Option<u64>,
    /// The epoch in which the keys of this client's present leaf began.
    #[serde(default)]
    pub(crate) keys_since: u64,
    /// Whether the log has events in this client's name that its store knows nothing of: it makes nothing more with its
    /// keys, which made those already.
    #[serde(default)]
    pub(crate) went_back: bool,
    /// Whether it joins anew because the log is another than it was, which was said already.
    #[serde(default)]
    pub(crate) forked: bool,
    /// How often such events came while it ran, which nobody makes but another copy that runs.
    #[serde(default)]
    pub(crate) copies: u32,
    /// From whom the last message taken in was read back, where it was unproved: the others behind it need no notice.
    #[serde(default)]
    pub(crate) unproved_from: Option<Provider>,
    pub(crate) cipher_suite: u16,
    policy: Octets,
    /// The members, by leaf.
    pub(crate) members: Vec<ClientUri>,
    /// What is wrong with it.
    pub(crate) trouble: Option<String>,
    /// Nothing is committed before this epoch is reached: the owner said that it is there already.
    pub(crate) wait_for: u64,
    /// Since when it has been waiting for that.
    pub(crate) waiting_since: Timestamp,
    /// When this client may commit the proposals of others.
    pub(crate) commit_due: Option<Timestamp>,
    /// Whether intents are to be committed one by one, since together they were refused.
    pub(crate) one_by_one: bool,
    /// How often something of this client was refused in a way that a fork would explain.
    pub(crate) refused: u32,
    /// When to try again what went wrong.
    pub(crate) retry_at: Timestamp,
    /// The last event before a gap that a new joining will end; 0 where it begins with the group.
    pub(crate) gap_after: Option<u64>,
    /// What has yet to be registered at the provider, where this client has made the group.
    pub(crate) registering: Option<RegisterGroup>,
}

impl Conversation {
    pub(crate) fn new(group: GroupUri, standing: Standing) -> Self {
        Self {
            group,
            standing,
            head: 0,
            epoch: 0,
            joined_epoch: 0,
            left_epoch: None,
            keys_since: 0,
            went_back: false,
            forked: false,
            copies: 0,
            unproved_from: None,
            cipher_suite: 0,
            policy: Octets::default(),
            members: Vec::new(),
            trouble: None,
            wait_for: 0,
            waiting_since: Timestamp::default(),
            commit_due: None,
            one_by_one: false,
            refused: 0,
            retry_at: Timestamp::default(),
            gap_after: None,
            registering: None,
        }
    }

    /// The policy, as far as it is known.
    pub(crate) fn policy(&self) -> Policy {
        Policy::from_cbor(self.policy.as_slice()).unwrap_or_else(|_| Policy {
            name: String::new(),
            admins: Vec::new(),
            add: Who::Admins,
            send: Who::Members,
        })
    }

    pub(crate) fn set_policy(&mut self, cbor: Vec<u8>) {
        self.policy = Octets(cbor);
    }

    /// The users in it, each once, by name.
    pub(crate) fn users(&self) -> Vec<UserUri> {
        let mut users: Vec<UserUri> = self.members.iter().map(|client| client.user().clone()).collect();
        users.sort();
        users.dedup();
        users
    }

    /// Whether events of it are of any use.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.standing, Standing::Left | Standing::Removed)
    }

    /// Whether the client holds MLS state of it that fits.
    pub(crate) fn is_member(&self) -> bool {
        matches!(self.standing, Standing::Member | Standing::Leaving)
    }

    /// Whether everything is taken in that the owner had numbered when it was asked in this life of the client. Before that
    /// nothing is made with the client's keys: its store may be an older copy, and they may have been used.
    pub(crate) fn is_compared(&self, store: &View<'_>) -> bool {
        store.told_head(&self.group).is_some_and(|told| self.head >= told)
    }

    /// What was to be done has failed once more, and is tried again after twice the time of before, at most after 64 times `pause`.
    pub(crate) fn put_off(&mut self, now: Timestamp, pause: Duration) {
        self.refused += 1;
        self.retry_at = now.plus(pause * 2u32.pow(self.refused.min(6)));
    }

    /// The state is lost, or does not fit: the client has to join anew.
    pub(crate) fn broke(&mut self, why: &str) {
        tracing::warn!(group = %self.group, why, "the state of a group does not fit; joining anew");
        if self.gap_after.is_none() {
            self.gap_after = Some(self.head);
        }
        self.standing = Standing::Broken;
        self.trouble = Some(why.to_owned());
    }
}

const TABLE: &str = "conversation";

impl View<'_> {
    pub(crate) fn conversation(&self, group: &GroupUri) -> Result<Option<Conversation>, ClientFault> {
        let sealed: Option<Vec<u8>> = self
            .db
            .prepare_cached("SELECT body FROM conversation WHERE name = ?1")
            .and_then(|mut query| query.query_row([group.as_str()], |row| row.get(0)).optional())
            .map_err(StoreFault::from)?;
        sealed.map(|sealed| self.open(TABLE, group.as_str().as_bytes(), &sealed)).transpose()
    }

    pub(crate) fn the_conversation(&self, group: &GroupUri) -> Result<Conversation, ClientFault> {
        self.conversation(group)?.ok_or_else(|| ClientFault::NoConversation(group.clone()))
    }

    pub(crate) fn conversations(&self) -> Result<Vec<Conversation>, ClientFault> {
        let rows: Vec<(String, Vec<u8>)> =
            self.rows("SELECT name, body FROM conversation ORDER BY name", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        rows.into_iter().map(|(name, sealed)| self.open(TABLE, name.as_bytes(), &sealed)).collect()
    }
}

impl Tx<'_> {
    pub(crate) fn set_conversation(&self, conversation: &Conversation) -> Result<(), ClientFault> {
        let name = conversation.group.as_str();
        let sealed = self.close(TABLE, name.as_bytes(), conversation)?;
        self.run("INSERT OR REPLACE INTO conversation (name, body) VALUES (?1, ?2)", params![name, sealed])?;
        self.changed(ClientChange::Conversation(conversation.group.clone()));
        self.changed(ClientChange::Conversations);
        Ok(())
    }
}
