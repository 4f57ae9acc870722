//! What a person is shown.

use drawbridge_mtp::{
    id::{ClientUri, GroupUri, Provider, UserUri},
    policy::Who,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::content::{MessageId, Unshown};

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientChange {
    /// The list of conversations, or what one shows there.
    Conversations,
    /// One conversation.
    Conversation(GroupUri),
    /// Connections, or what people ask.
    Requests,
}

/// How a client stands in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Its external commit is on its way.
    Joining,
    /// It is a member.
    Member,
    /// It has proposed its own removal.
    Leaving,
    /// It left.
    Left,
    /// It was removed.
    Removed,
    /// Its state does not fit the group's any more; it will join anew.
    Broken,
}

/// How much of a conversation a client keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredConversation {
    /// How this client stands in it.
    pub standing: Standing,
    /// Its lines: messages, and notices of what happened.
    pub lines: u64,
    /// Their octets, as they are stored.
    pub octets: u64,
    /// Own messages that were not sent, or not accepted.
    pub unsent: u64,
}

/// A conversation in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConversationView {
    /// The group.
    pub group: GroupUri,
    /// What people call it; may be empty.
    pub name: String,
    /// How many messages of others have not been read.
    pub unread: u64,
    /// The place up to which everything has been read.
    pub read: i64,
    /// How much of this client's is on its way to the owner.
    pub waiting: u64,
    /// The last message.
    pub last: Option<Preview>,
    /// The members, by name.
    pub members: Vec<MemberView>,
    /// How this client stands in it.
    pub standing: Standing,
    /// What is wrong with it, where something is.
    pub trouble: Option<String>,
    /// The MLS epoch.
    pub epoch: u64,
    /// The number of the last event taken in.
    pub head: u64,
    /// The MLS cipher suite.
    pub cipher_suite: u16,
    /// Who may add others.
    pub add: Who,
    /// Who may send.
    pub send: Who,
    /// Whether this user may send now.
    pub can_send: bool,
    /// Whether this user may add others now.
    pub can_add: bool,
    /// Whether this user is an admin.
    pub is_admin: bool,
    /// Those for whose consent to be added it waits here.
    pub asked: Vec<UserUri>,
}

/// A user in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberView {
    /// The user.
    pub user: UserUri,
    /// Whether the user is an admin.
    pub admin: bool,
    /// The user's clients in it.
    pub clients: Vec<ClientUri>,
}

/// A message in a few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Who sent it.
    pub sender: UserUri,
    /// Whether that is this user.
    pub own: bool,
    /// When.
    pub time: Timestamp,
    /// Its first characters.
    pub text: String,
}

/// One line of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineView {
    /// Its place, by which lines are ordered and read on.
    pub place: i64,
    /// When the owner accepted it, or it was made here.
    pub time: Timestamp,
    /// What it is.
    pub what: LineKind,
}

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum LineKind {
    /// A message.
    Message(Box<MessageView>),
    /// Something that happened.
    Notice(Notice),
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MessageView {
    /// Its name, by which it is answered, changed and reacted to.
    pub id: MessageId,
    /// Who sent it.
    pub sender: UserUri,
    /// With which client.
    pub client: ClientUri,
    /// Whether that is this user.
    pub own: bool,
    /// How far it has come.
    pub state: Delivery,
    /// Why it failed, where it did.
    pub error: Option<String>,
    /// The text; empty where it was deleted or cannot be shown.
    pub text: String,
    /// Whether the text is Markdown.
    pub markdown: bool,
    /// The message that it answers.
    pub in_reply_to: Option<MessageId>,
    /// Whether its author changed it.
    pub edited: bool,
    /// Whether its author took it back.
    pub deleted: bool,
    /// The reactions, each with those who gave it.
    pub reactions: Vec<ReactionView>,
    /// The parts that cannot be shown; they are kept.
    pub unshown: Vec<Unshown>,
    /// The participant that it, or a change of it, was read back from, where no checkpoint of the group's owner covers that:
    /// that it was sent like this rests on the participant's word (`docs/mtp.md`, section 12).
    pub unproved: Option<Provider>,
}

/// A reaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReactionView {
    /// What it is, mostly one emoji.
    pub text: String,
    /// Who gave it.
    pub users: Vec<UserUri>,
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// It is still here.
    Sending,
    /// The provider has it.
    Sent,
    /// The owner has numbered it.
    Accepted,
    /// It was refused; it may be sent again.
    Failed,
}

/// Something that happened in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "kebab-case")]
pub enum Notice {
    /// It was created.
    Created {
        /// By whom.
        by: UserUri,
    },
    /// This user, or this client of its, came in.
    Joined {
        /// Who added it; none where it joined by itself.
        by: Option<UserUri>,
    },
    /// Users were added.
    Added {
        /// By whom.
        by: UserUri,
        /// Who.
        users: Vec<UserUri>,
    },
    /// Users were removed.
    Removed {
        /// By whom.
        by: UserUri,
        /// Who.
        users: Vec<UserUri>,
    },
    /// A user left.
    Left {
        /// Who.
        user: UserUri,
    },
    /// It has another name.
    Renamed {
        /// By whom.
        by: UserUri,
        /// The name.
        name: String,
    },
    /// It has other rules or admins.
    Changed {
        /// By whom.
        by: UserUri,
    },
    /// Events that this client could not read.
    Gap {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// A message in this client's name of which its store has no record: it was sent before the store was set back, or by another copy
    /// of it, and its text is not here.
    SentBefore {
        /// Its number.
        event: u64,
    },
    /// The log has events in this client's name that its store has no record of: the client joins anew before it sends
    /// anything.
    WentBack {
        /// The first of them.
        event: u64,
        /// Whether it was numbered while this client ran: then another copy of it runs.
        while_running: bool,
    },
    /// The owner's provider was set back to an older copy, and went on by a history that this client has not taken in: the client
    /// joins anew, and sends again what it had sent meanwhile.
    Forked,
    /// The owner of the group was set back to an older copy and has read back what follows from a participant; what no
    /// checkpoint covers of it is unproved.
    ReadBack {
        /// The participant.
        from: Provider,
    },
    /// Something that was wanted here was refused.
    Refused {
        /// What, as the beginning of a sentence that ends with why.
        wanted: String,
        /// Why.
        why: String,
    },
}

/// A found message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// In which conversation.
    pub group: GroupUri,
    /// The line.
    pub line: LineView,
}

/// How a text is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// As it is.
    #[default]
    Plain,
    /// In MIMI's Markdown.
    Markdown,
}

impl Format {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Plain => crate::content::PLAIN,
            Self::Markdown => crate::content::MARKDOWN,
        }
    }
}
