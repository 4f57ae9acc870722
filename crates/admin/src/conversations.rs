//! The conversations of an account that is used on this computer.

use std::collections::HashMap;

use drawbridge_client::content::MessageId;
use drawbridge_client::{
    ConversationView, Delivery, Format, LineKind, LineView, MessageView, PolicyChange, Standing,
};
use drawbridge_client::{Notice as Happened, Preview};
use drawbridge_mtp::id::{GroupUri, Name, UserUri};
use drawbridge_mtp::message::ConnectionState;
use drawbridge_node::operator::{self, AuthorizationRow};

use crate::built_in_clients::BuiltIn;
use crate::error::AdminError;
use crate::host::Host;
use crate::request::{
    AskToAdd, ChangePolicy, Conversation, Conversations, CreateGroup, CreatedGroup, EditMessage, Empty,
    LeaveGroup, MarkRead, NamedMessage, NamedUser, React, ReadConversation, RemoveFromGroup, SearchHits,
    SearchMessages, SendMessage,
};
use crate::view::{
    Authorization, Contact, ConversationStanding, ConversationSummary, Member, Message, MessagePreview,
    MessageState, Notice, NoticeKind, PendingAddition, Quote, QuoteFound, Reaction, SearchHit, TextFormat,
    Unshown, User,
};

const LINES: u32 = 100;
const MOST_LINES: usize = 5_000;
/// Lines that a client gives at once.
const LINES_AT_ONCE: usize = 500;
const HITS: usize = 100;
const PREVIEW_CHARS: usize = 200;
const OTHERS: usize = 5;

pub(crate) async fn open_account(host: &Host, ask: NamedUser) -> Result<User, AdminError> {
    host.built_in_clients().await?.open_account(&ask.user).await?;
    crate::accounts::user(host, &ask.user).await
}

pub(crate) async fn close_account(host: &Host, ask: NamedUser) -> Result<User, AdminError> {
    host.built_in_clients().await?.close_account(&ask.user).await?;
    crate::accounts::user(host, &ask.user).await
}

async fn client(host: &Host, user: &Name) -> Result<BuiltIn, AdminError> {
    host.built_in_clients().await?.of(user)
}

pub(crate) async fn conversations(host: &Host, ask: NamedUser) -> Result<Conversations, AdminError> {
    let client = client(host, &ask.user).await?;
    let own = client.uri().user().clone();
    let mut views = client.conversations().await?;
    views.sort_by_key(|view| std::cmp::Reverse(view.last.as_ref().map(|last| last.time)));
    let contacts = host.node().await?.operator().contacts(own.clone()).await?;
    let contacts = contacts
        .into_iter()
        .map(|operator::Contact { user, is_connected }| Contact { user, connected: is_connected });
    Ok(Conversations {
        conversations: views.into_iter().map(|view| summary(view, &own)).collect(),
        contacts: contacts.collect(),
    })
}

fn summary(view: ConversationView, own: &UserUri) -> ConversationSummary {
    let others = view.members.iter().map(|member| &member.user).filter(|user| *user != own);
    let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    ConversationSummary {
        others: others.take(OTHERS).cloned().collect(),
        users: small(view.members.len() as u64),
        unread: small(view.unread),
        last: view.last.map(preview),
        standing: view.standing.into(),
        fault: view.trouble,
        can_send: view.can_send,
        can_add: view.can_add,
        is_admin: view.is_admin,
        add: view.add,
        send: view.send,
        waiting: small(view.waiting),
        group: view.group,
        name: view.name,
    }
}

fn preview(last: Preview) -> MessagePreview {
    MessagePreview { sender: last.sender, own: last.own, text: last.text, time: last.time }
}

impl From<Standing> for ConversationStanding {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Joining => Self::Joining,
            Standing::Member => Self::Live,
            Standing::Leaving | Standing::Left => Self::Left,
            Standing::Removed => Self::Removed,
            Standing::Broken => Self::Broken,
        }
    }
}

pub(crate) async fn conversation(host: &Host, ask: ReadConversation) -> Result<Conversation, AdminError> {
    let client = client(host, &ask.user).await?;
    let own = client.uri().user().clone();
    let view = client.about(&ask.group).await?;
    let wanted = (ask.limit.unwrap_or(LINES) as usize).clamp(1, MOST_LINES);
    let mut before = ask.before.map(|place| i64::try_from(place).unwrap_or(i64::MAX));
    let mut lines: Vec<LineView> = Vec::new();
    let mut more = true;
    while more && lines.len() < wanted {
        // One more than wanted tells whether there are more.
        let at_once = (wanted + 1 - lines.len()).min(LINES_AT_ONCE);
        let mut earlier = client.conversation(&ask.group, before, at_once).await?;
        more = earlier.len() == at_once;
        before = earlier.first().map(|line| line.place).or(before);
        earlier.append(&mut lines);
        lines = earlier;
    }
    let more = lines.len() > wanted || more;
    let messages = lines.split_off(lines.len().saturating_sub(wanted));
    let additions = pending_additions(host, &own, &ask.group, &view).await?;
    let members = view.members.iter().map(|member| Member {
        you: member.user == own,
        user: member.user.clone(),
        admin: member.admin,
        clients: member.clients.clone(),
    });
    Ok(Conversation {
        members: members.collect(),
        messages: show(&client, &ask.group, messages).await?,
        more,
        additions,
        read: u64::try_from(view.read).unwrap_or(0),
        summary: summary(view, &own),
    })
}

/// Whom the account has asked to add, and who is not in the group yet.
async fn pending_additions(
    host: &Host,
    own: &UserUri,
    group: &GroupUri,
    view: &ConversationView,
) -> Result<Vec<PendingAddition>, AdminError> {
    let rows = host.node().await?.operator().additions_by(own.clone(), group.clone()).await?;
    let is_in = |row: &AuthorizationRow| view.members.iter().any(|member| member.user == row.to);
    let mut pending: Vec<PendingAddition> = Vec::new();
    for row in rows.into_iter().filter(|row| !is_in(row)) {
        // The latest request to add somebody is what counts.
        if pending.iter().any(|known| known.user == row.to) {
            continue;
        }
        let open = matches!(row.told_state(), ConnectionState::Pending | ConnectionState::Approved);
        let wanted = view.asked.contains(&row.to);
        if (open && wanted) || row.refused.is_some() {
            pending.push(PendingAddition {
                id: row.id,
                state: row.told_state(),
                error: row.refused,
                user: row.to,
            });
        }
    }
    Ok(pending)
}

/// Lines as they are shown, each answer with what it answers.
async fn show(client: &BuiltIn, group: &GroupUri, lines: Vec<LineView>) -> Result<Vec<Message>, AdminError> {
    let mut known: HashMap<MessageId, QuoteFound> = HashMap::new();
    for line in &lines {
        if let LineKind::Message(message) = &line.what {
            known.insert(message.id, found(line.place, message));
        }
    }
    let own = client.uri().user();
    let mut shown = Vec::with_capacity(lines.len());
    for line in lines {
        let place = u64::try_from(line.place).unwrap_or(0);
        shown.push(match line.what {
            LineKind::Notice(happened) => notice(place, line.time, happened, own),
            LineKind::Message(message) => {
                let quote = match message.in_reply_to {
                    Some(id) => Some(quote(client, group, id, &known).await?),
                    None => None,
                };
                self::message(place, line.time, *message, quote)
            }
        });
    }
    Ok(shown)
}

fn found(place: i64, message: &MessageView) -> QuoteFound {
    QuoteFound {
        place: u64::try_from(place).unwrap_or(0),
        sender: message.sender.clone(),
        text: shortened(&message.text),
    }
}

async fn quote(
    client: &BuiltIn,
    group: &GroupUri,
    id: MessageId,
    known: &HashMap<MessageId, QuoteFound>,
) -> Result<Quote, AdminError> {
    let found = match known.get(&id) {
        Some(found) => Some(found.clone()),
        None => client.message(group, &id).await?.and_then(|line| match line.what {
            LineKind::Message(message) => Some(found(line.place, &message)),
            LineKind::Notice(_) => None,
        }),
    };
    Ok(Quote { id: id.to_string(), found })
}

fn shortened(text: &str) -> String {
    text.chars().take(PREVIEW_CHARS).collect()
}

fn message(
    place: u64,
    time: drawbridge_mtp::time::Timestamp,
    message: MessageView,
    quote: Option<Quote>,
) -> Message {
    let MessageView { id, sender, own, state, error, text, markdown, edited, deleted, .. } = message;
    let reactions = message.reactions.into_iter();
    let unshown = message.unshown.into_iter();
    Message {
        place,
        id: id.to_string(),
        sender,
        own,
        time,
        state: match state {
            Delivery::Sending => MessageState::Sending,
            Delivery::Sent => MessageState::Sent,
            Delivery::Accepted => MessageState::Accepted,
            Delivery::Failed => MessageState::Failed,
        },
        error,
        format: if markdown { TextFormat::Markdown } else { TextFormat::Text },
        text,
        in_reply_to: quote,
        edited,
        deleted,
        reactions: reactions.map(|given| Reaction { emoji: given.text, users: given.users }).collect(),
        unshown: unshown.map(|part| Unshown { content_type: part.content_type, bytes: part.bytes }).collect(),
        unproved: message.unproved,
        notice: None,
    }
}

fn notice(place: u64, time: drawbridge_mtp::time::Timestamp, happened: Happened, own: &UserUri) -> Message {
    let (kind, by, users, text) = match happened {
        Happened::Created { by } => (NoticeKind::Created, Some(by), Vec::new(), None),
        Happened::Joined { by } => (NoticeKind::Added, by, vec![own.clone()], None),
        Happened::Added { by, users } => (NoticeKind::Added, Some(by), users, None),
        Happened::Removed { by, users } => (NoticeKind::Removed, Some(by), users, None),
        Happened::Left { user } => (NoticeKind::Left, Some(user.clone()), vec![user], None),
        Happened::Renamed { by, name } => (NoticeKind::Renamed, Some(by), Vec::new(), Some(name)),
        Happened::Changed { by } => (NoticeKind::Policy, Some(by), Vec::new(), None),
        Happened::Gap { first, last } => {
            let events =
                if first == last { format!("Event {first}") } else { format!("Events {first} to {last}") };
            let text = format!("{events} could not be read here.");
            (NoticeKind::Gap, None, Vec::new(), Some(text))
        }
        Happened::SentBefore { .. } => (NoticeKind::SentBefore, None, Vec::new(), None),
        Happened::WentBack { event, while_running } => {
            let cause = if while_running {
                "another copy of this account's data is running; run only one of them"
            } else {
                "its data was set back to an older copy, or runs twice"
            };
            let text = format!(
                "Event {event} was sent in this account's name, and is not known here: {cause}. The account joins anew before it sends anything."
            );
            (NoticeKind::WentBack, None, Vec::new(), Some(text))
        }
        Happened::Forked => (NoticeKind::Forked, None, Vec::new(), None),
        Happened::ReadBack { from } => (NoticeKind::ReadBack, None, Vec::new(), Some(from.to_string())),
        Happened::Refused { wanted, why } => {
            // Files of earlier versions have a full stop there.
            (NoticeKind::Policy, None, Vec::new(), Some(format!("{}: {why}", wanted.trim_end_matches('.'))))
        }
    };
    Message {
        place,
        id: format!("notice-{place}"),
        sender: by.clone().unwrap_or_else(|| own.clone()),
        own: false,
        time,
        state: MessageState::Accepted,
        error: None,
        format: TextFormat::Text,
        text: String::new(),
        in_reply_to: None,
        edited: false,
        deleted: false,
        reactions: Vec::new(),
        unshown: Vec::new(),
        unproved: None,
        notice: Some(Notice { kind, by, users, text }),
    }
}

fn named(id: &str) -> Result<MessageId, AdminError> {
    id.parse().map_err(|_| AdminError::new("no-message", "there is no such message in this conversation"))
}

/// A message as it is now.
async fn now(client: &BuiltIn, group: &GroupUri, id: &MessageId) -> Result<Message, AdminError> {
    let line = client.message(group, id).await?;
    let shown = show(client, group, line.into_iter().collect()).await?.pop();
    shown.ok_or_else(|| AdminError::new("no-message", "there is no such message in this conversation"))
}

pub(crate) async fn send_message(host: &Host, ask: SendMessage) -> Result<Message, AdminError> {
    let client = client(host, &ask.user).await?;
    let reply_to = ask.reply_to.as_deref().map(named).transpose()?;
    let id = client.send(&ask.group, &ask.text, Format::Markdown, reply_to).await?;
    now(&client, &ask.group, &id).await
}

pub(crate) async fn react(host: &Host, ask: React) -> Result<Message, AdminError> {
    let (client, id) = (client(host, &ask.user).await?, named(&ask.message)?);
    let own = client.uri().user();
    let before = now(&client, &ask.group, &id).await?;
    let given = before.reactions.iter().any(|given| given.emoji == ask.emoji && given.users.contains(own));
    // The client's own call turns it; asked for twice, it stays as it is wanted.
    if given != ask.on {
        client.react(&ask.group, &id, &ask.emoji).await?;
    }
    now(&client, &ask.group, &id).await
}

pub(crate) async fn edit_message(host: &Host, ask: EditMessage) -> Result<Message, AdminError> {
    let (client, id) = (client(host, &ask.user).await?, named(&ask.message)?);
    client.edit(&ask.group, &id, &ask.text, Format::Markdown).await?;
    now(&client, &ask.group, &id).await
}

pub(crate) async fn delete_message(host: &Host, ask: NamedMessage) -> Result<Message, AdminError> {
    let (client, id) = (client(host, &ask.user).await?, named(&ask.message)?);
    client.delete_message(&ask.group, &id).await?;
    now(&client, &ask.group, &id).await
}

pub(crate) async fn retry_message(host: &Host, ask: NamedMessage) -> Result<Message, AdminError> {
    let (client, id) = (client(host, &ask.user).await?, named(&ask.message)?);
    client.retry(&ask.group, &id).await?;
    now(&client, &ask.group, &id).await
}

pub(crate) async fn mark_read(host: &Host, ask: MarkRead) -> Result<Empty, AdminError> {
    let place = i64::try_from(ask.place).unwrap_or(i64::MAX);
    client(host, &ask.user).await?.mark_read(&ask.group, place).await?;
    Ok(Empty {})
}

pub(crate) async fn search_messages(host: &Host, ask: SearchMessages) -> Result<SearchHits, AdminError> {
    let client = client(host, &ask.user).await?;
    let names: HashMap<_, _> =
        client.conversations().await?.into_iter().map(|view| (view.group, view.name)).collect();
    let found = client.search(&ask.text, HITS).await?;
    let hits = found.into_iter().filter_map(|found| match found.line.what {
        LineKind::Message(message) => Some(SearchHit {
            name: names.get(&found.group).cloned().unwrap_or_default(),
            group: found.group,
            place: u64::try_from(found.line.place).unwrap_or(0),
            id: message.id.to_string(),
            preview: MessagePreview {
                sender: message.sender,
                own: message.own,
                text: shortened(&message.text),
                time: found.line.time,
            },
        }),
        LineKind::Notice(_) => None,
    });
    Ok(SearchHits { hits: hits.collect() })
}

pub(crate) async fn create_group(host: &Host, ask: CreateGroup) -> Result<CreatedGroup, AdminError> {
    let group = client(host, &ask.user).await?.create_group(&ask.name, ask.add, ask.send, None).await?;
    Ok(CreatedGroup { group })
}

pub(crate) async fn ask_to_add(host: &Host, ask: AskToAdd) -> Result<Authorization, AdminError> {
    let asked = client(host, &ask.user).await?.ask_to_add(&ask.group, &ask.other).await?;
    let node = host.node().await?;
    let shown = node.operator().addition(asked.id, ask.group).await?;
    let shown =
        shown.ok_or_else(|| AdminError::new("no-such-authorization", "the request is not there any more"))?;
    Ok(shown.into())
}

pub(crate) async fn remove_from_group(host: &Host, ask: RemoveFromGroup) -> Result<Empty, AdminError> {
    let client = client(host, &ask.user).await?;
    for other in &ask.others {
        client.remove(&ask.group, other).await?;
    }
    Ok(Empty {})
}

pub(crate) async fn leave_group(host: &Host, ask: LeaveGroup) -> Result<Empty, AdminError> {
    client(host, &ask.user).await?.leave(&ask.group).await?;
    Ok(Empty {})
}

pub(crate) async fn change_policy(host: &Host, ask: ChangePolicy) -> Result<Empty, AdminError> {
    let ChangePolicy { user, group, name, add, send, admins } = ask;
    client(host, &user).await?.change_policy(&group, PolicyChange { name, admins, add, send }).await?;
    Ok(Empty {})
}
