//! The conversations of an account that is used on this computer, as its built-in client reads them.

use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Provider, UserUri};
use drawbridge_mtp::message::ConnectionState;
use drawbridge_mtp::policy::Who;
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::groups::WhoWord;

/// A conversation at a glance.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct ConversationSummary {
    /// Its group.
    #[ts(type = "string")]
    pub group: GroupUri,
    /// What its members call it; may be empty.
    pub name: String,
    /// Its other users, by address, at most the first 5: a title where there is no name.
    #[ts(type = "string[]")]
    pub others: Vec<UserUri>,
    /// Users in it.
    pub users: u32,
    /// Messages of others behind the place that was read last.
    pub unread: u32,
    /// The last message that has words.
    pub last: Option<MessagePreview>,
    /// How it stands for this account.
    pub standing: ConversationStanding,
    /// One sentence on why it is broken.
    pub fault: Option<String>,
    /// Whether this account may send messages.
    pub can_send: bool,
    /// Whether it may add others.
    pub can_add: bool,
    /// Whether it may remove others and change the policy.
    pub is_admin: bool,
    /// Who may add others.
    #[ts(as = "WhoWord")]
    pub add: Who,
    /// Who may send messages.
    #[ts(as = "WhoWord")]
    pub send: Who,
    /// Messages and changes of ours that the owner has not accepted yet.
    pub waiting: u32,
}

/// How a conversation stands for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ConversationStanding {
    /// It goes on.
    Live,
    /// It has been added, and its Welcome is being taken in.
    Joining,
    /// It has left.
    Left,
    /// It was removed by somebody.
    Removed,
    /// Its keys no longer fit; it has to be added anew.
    Broken,
}

/// A message in a list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct MessagePreview {
    /// Who sent it.
    #[ts(type = "string")]
    pub sender: UserUri,
    /// Whether this account did.
    pub own: bool,
    /// Its first words, at most 200 characters.
    pub text: String,
    /// When its group's owner took it, or it was written.
    #[ts(type = "string")]
    pub time: Timestamp,
}

/// Somebody with whom an account is connected, or has asked to be.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Contact {
    /// Who.
    #[ts(type = "string")]
    pub user: UserUri,
    /// Whether the connection is approved: only then they can be added.
    pub connected: bool,
}

/// A message, or what is said in its place.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Message {
    /// Its place in the conversation as this account has it: grows, and never changes.
    #[ts(type = "number")]
    pub place: u64,
    /// Its id within the conversation.
    pub id: String,
    /// Who sent it.
    #[ts(type = "string")]
    pub sender: UserUri,
    /// Whether this account did.
    pub own: bool,
    /// When its group's owner took it, or it was written.
    #[ts(type = "string")]
    pub time: Timestamp,
    /// How far it is; others' are always accepted.
    pub state: MessageState,
    /// One sentence on why it has failed.
    pub error: Option<String>,
    /// How its text is written.
    pub format: TextFormat,
    /// Its text as it is now; empty where it is deleted, a notice or unshown.
    pub text: String,
    /// What it answers.
    pub in_reply_to: Option<Quote>,
    /// Whether its sender has changed it.
    pub edited: bool,
    /// Whether its sender has taken it back.
    pub deleted: bool,
    /// Who reacted how, in the order in which each was first given.
    pub reactions: Vec<Reaction>,
    /// Parts that are kept but cannot be shown.
    pub unshown: Vec<Unshown>,
    /// The provider that it was read back from after the group's owner, which is this one, was set back to an older copy,
    /// where no signed checkpoint covers it: that it was sent like this rests on that provider's word. `null` where it is
    /// proved.
    #[ts(type = "string | null")]
    pub unproved: Option<Provider>,
    /// What happened, where it is no message.
    pub notice: Option<Notice>,
}

/// How far a message of ours is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum MessageState {
    /// It is being encrypted, or waits for the group's next epoch.
    Sending,
    /// Our provider has it and brings it to the owner.
    Sent,
    /// It has its number in the group's log.
    Accepted,
    /// It was refused; it can be tried again.
    Failed,
}

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum TextFormat {
    /// As it stands.
    Text,
    /// In Markdown.
    Markdown,
}

/// What a message answers.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Quote {
    /// Its id.
    pub id: String,
    /// Its place and its words; `null` where it is not here, as from before one was added.
    pub found: Option<QuoteFound>,
}

/// A message that is answered and that is here.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct QuoteFound {
    /// Its place.
    #[ts(type = "number")]
    pub place: u64,
    /// Who sent it.
    #[ts(type = "string")]
    pub sender: UserUri,
    /// Its first words, at most 200 characters.
    pub text: String,
}

/// A reaction and those who gave it.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Reaction {
    /// The sign.
    pub emoji: String,
    /// Who.
    #[ts(type = "string[]")]
    pub users: Vec<UserUri>,
}

/// A part of a message that cannot be shown here.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Unshown {
    /// Its media type.
    pub content_type: String,
    /// Its size.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// Something that happened in a conversation.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Notice {
    /// What.
    pub kind: NoticeKind,
    /// Who did it, where it is known.
    #[ts(type = "string | null")]
    pub by: Option<UserUri>,
    /// To whom.
    #[ts(type = "string[]")]
    pub users: Vec<UserUri>,
    /// The new name for `renamed`, the provider for `read-back`; else a sentence, where there is more to say.
    pub text: Option<String>,
}

/// What can happen in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// It was made.
    Created,
    /// Somebody was added.
    Added,
    /// Somebody was removed.
    Removed,
    /// Somebody left.
    Left,
    /// It was given another name.
    Renamed,
    /// Who may do what was changed.
    Policy,
    /// This account's client was set back to an older copy, or runs twice.
    WentBack,
    /// A message of this account was sent before its data was set back, or by another copy of it: its text is not here.
    SentBefore,
    /// The owner's provider was set back to an older copy, and another history of the group counts.
    Forked,
    /// What follows was read back from another provider, after this one's data was set back to an older copy; no signed
    /// checkpoint covers it.
    ReadBack,
    /// Messages are missing here: they came while the keys did not fit, or before one was added again.
    Gap,
}

/// Somebody in a conversation.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Member {
    /// Who.
    #[ts(type = "string")]
    pub user: UserUri,
    /// Whether they may remove others and change the policy.
    pub admin: bool,
    /// Their clients in it.
    #[ts(type = "string[]")]
    pub clients: Vec<ClientUri>,
    /// Whether it is this account.
    pub you: bool,
}

/// An addition that this account has asked for.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct PendingAddition {
    /// The authorization's id.
    #[ts(type = "string")]
    pub id: Id,
    /// Who is to be added.
    #[ts(type = "string")]
    pub user: UserUri,
    /// Where the asking stands; `approved` until the client has added them.
    #[ts(type = "\"pending\" | \"approved\" | \"declined\" | \"ended\" | \"expired\"")]
    pub state: ConnectionState,
    /// One sentence on why it cannot go on, where it cannot.
    pub error: Option<String>,
}

/// A message that holds what was searched for.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct SearchHit {
    /// In which conversation.
    #[ts(type = "string")]
    pub group: GroupUri,
    /// What that is called.
    pub name: String,
    /// Its place there.
    #[ts(type = "number")]
    pub place: u64,
    /// The message's id.
    pub id: String,
    /// Its words around the find, its sender and its time.
    pub preview: MessagePreview,
}
