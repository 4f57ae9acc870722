//! Requests about the conversations of an account that is used on this computer.
//!
//! `user` is the account's local name. For one that has no built-in client, all answer `not-open`.

use drawbridge_mtp::id::{GroupUri, Name, UserUri};
use drawbridge_mtp::policy::Who;
use drawbridge_node::typed::de_as;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::view::WhoWord;
use crate::view::{Contact, ConversationSummary, Member, Message, PendingAddition, SearchHit};

records! {
    /// `conversations`.
    Conversations {
        /// All, the one with the latest news first.
        conversations: Vec<ConversationSummary>,
        /// Whom the account knows, by address.
        contacts: Vec<Contact>,
    }

    /// `conversation`: a stretch of its messages.
    ReadConversation {
        /// The account.
        #[ts(type = "string")]
        user: Name,
        /// The group.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::group")]
        group: GroupUri,
        /// Only messages at lower places; the latest, where absent.
        #[serde(default)]
        #[ts(optional, type = "number")]
        before: Option<u64>,
        /// At most so many; 100 unless told, and at most 5,000.
        #[serde(default)]
        #[ts(optional, type = "number")]
        limit: Option<u32>,
    }

    /// `conversation`.
    Conversation {
        /// At a glance.
        summary: ConversationSummary,
        /// The messages asked for, oldest first.
        messages: Vec<Message>,
        /// Whether there are earlier ones.
        more: bool,
        /// Who is in it, by address.
        members: Vec<Member>,
        /// Whom this account has asked to add, and who is not in it yet.
        additions: Vec<PendingAddition>,
        /// The place up to which this account has read.
        #[ts(type = "number")]
        read: u64,
    }

    /// `send-message`: the message is answered as it was put in line.
    SendMessage {
        /// The account.
        #[ts(type = "string")]
        user: Name,
        /// The group.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::group")]
        group: GroupUri,
        /// What it says, in Markdown.
        text: String,
        /// The id of the message that it answers.
        #[serde(default)]
        #[ts(optional, type = "string")]
        reply_to: Option<String>,
    }

    /// `react`: gives a reaction, or takes it back.
    React {
        /// The account.
        #[ts(type = "string")]
        user: Name,
        /// The group.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::group")]
        group: GroupUri,
        /// The message's id.
        message: String,
        /// The sign.
        emoji: String,
        /// Whether it is given.
        on: bool,
    }

    /// `edit-message`: a message of the account's own gets another text.
    EditMessage {
        /// The account.
        #[ts(type = "string")]
        user: Name,
        /// The group.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::group")]
        group: GroupUri,
        /// The message's id.
        message: String,
        /// What it is to say, in Markdown.
        text: String,
    }

    /// Names a message of the account's own: `delete-message` takes it back, `retry-message` sends it once more.
    NamedMessage {
        /// The account.
        #[ts(type = "string")]
        user: Name,
        /// The group.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::group")]
        group: GroupUri,
        /// The message's id.
        message: String,
    }

    /// `mark-read`: the account has read up to a place; a lower one than before changes nothing.
    MarkRead {
        /// The account.
        #[ts(type = "string")]
        user: Name,
        /// The group.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::group")]
        group: GroupUri,
        /// The place.
        #[ts(type = "number")]
        place: u64,
    }

    /// `search-messages`: in all conversations of the account.
    SearchMessages {
        /// The account.
        #[ts(type = "string")]
        user: Name,
        /// Words that are all to be there; upper and lower case are alike.
        text: String,
    }

    /// `search-messages`.
    SearchHits {
        /// The latest first, at most 100.
        hits: Vec<SearchHit>,
    }

    /// `create-group`: with the account as its only member and admin.
    CreateGroup {
        /// The account.
        #[ts(type = "string")]
        user: Name,
        /// What it is to be called; may be empty.
        name: String,
        /// Who may add others.
        #[ts(as = "WhoWord")]
        add: Who,
        /// Who may send messages.
        #[ts(as = "WhoWord")]
        send: Who,
    }

    /// `create-group`: the group.
    CreatedGroup {
        /// Its identifier.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::group")]
        group: GroupUri,
    }

    /// `ask-to-add`: asks their provider; once it is approved, the built-in client adds them by itself.
    AskToAdd {
        /// The account.
        #[ts(type = "string")]
        user: Name,
        /// The group.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::group")]
        group: GroupUri,
        /// Whom.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::user")]
        other: UserUri,
    }

    /// `remove-from-group`: removes users with all their clients, in one commit.
    RemoveFromGroup {
        /// The account, an admin of the group.
        #[ts(type = "string")]
        user: Name,
        /// The group.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::group")]
        group: GroupUri,
        /// Whom.
        #[ts(type = "string[]")]
        others: Vec<UserUri>,
    }

    /// `leave-group`: the account leaves it with all its clients.
    LeaveGroup {
        /// The account.
        #[ts(type = "string")]
        user: Name,
        /// The group.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::group")]
        group: GroupUri,
    }

    /// `change-policy`: what is absent stays as it is.
    ChangePolicy {
        /// The account, an admin of the group.
        #[ts(type = "string")]
        user: Name,
        /// The group.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::group")]
        group: GroupUri,
        /// What it is called.
        #[serde(default)]
        #[ts(optional)]
        name: Option<String>,
        /// Who may add others.
        #[serde(default)]
        #[ts(as = "Option<WhoWord>", optional)]
        add: Option<Who>,
        /// Who may send messages.
        #[serde(default)]
        #[ts(as = "Option<WhoWord>", optional)]
        send: Option<Who>,
        /// Who may do this and remove others; at least one.
        #[serde(default)]
        #[ts(optional, type = "string[]")]
        admins: Option<Vec<UserUri>>,
    }
}
