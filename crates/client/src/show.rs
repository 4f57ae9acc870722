//! From what is kept to what is shown.

use drawbridge_mtp::id::UserUri;

use crate::{
    fault::ClientFault,
    store::{Conversation, Line, LineBody, Message, Stage, View, Want},
    view::{ConversationView, LineKind, LineView, MemberView, MessageView, Preview, ReactionView, Standing},
};

/// A preview has this many characters.
const PREVIEW_CHARS: usize = 120;

impl Conversation {
    pub(crate) fn may_send(&self, user: &UserUri) -> bool {
        let policy = self.policy();
        policy.lets(policy.send, user)
    }

    pub(crate) fn may_add(&self, user: &UserUri) -> bool {
        let policy = self.policy();
        self.standing == Standing::Member && policy.lets(policy.add, user)
    }

    pub(crate) fn view(&self, store: &View<'_>) -> Result<ConversationView, ClientFault> {
        let policy = self.policy();
        let user = store.user();
        let members = self.users().into_iter().map(|member| MemberView {
            admin: policy.is_admin(&member),
            clients: self.members.iter().filter(|client| *client.user() == member).cloned().collect(),
            user: member,
        });
        let asked = store.intents(&self.group)?.into_iter().filter_map(|intent| match intent.want {
            Want::Add { user, .. } => Some(user),
            _ => None,
        });
        let here = !self.is_over() && self.standing != Standing::Leaving;
        Ok(ConversationView {
            group: self.group.clone(),
            name: policy.name.clone(),
            unread: store.unread(&self.group)?,
            read: store.read_up_to(&self.group)?,
            waiting: store.outgoing(&self.group)?.iter().filter(|one| one.stage != Stage::Accepted).count()
                as u64,
            last: last(store, self)?,
            members: members.collect(),
            standing: self.standing,
            trouble: self.trouble.clone(),
            epoch: self.epoch,
            head: self.head,
            cipher_suite: self.cipher_suite,
            add: policy.add,
            send: policy.send,
            can_send: here && self.may_send(user),
            can_add: self.may_add(user),
            is_admin: here && policy.is_admin(user),
            asked: asked.collect(),
        })
    }
}

/// The last message among the last lines.
fn last(store: &View<'_>, conversation: &Conversation) -> Result<Option<Preview>, ClientFault> {
    const AMONG: usize = 20;
    let lines = store.lines(&conversation.group, None, AMONG)?;
    Ok(lines.into_iter().rev().find_map(|line| {
        let LineBody::Message(message) = line.body else {
            return None;
        };
        let text = message.shown.text.as_deref().unwrap_or_default();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(Preview {
            sender: message.sender.user().clone(),
            own: message.sender.user() == store.user(),
            time: line.time,
            text: text.chars().take(PREVIEW_CHARS).collect(),
        })
    }))
}

impl Line {
    /// The text of a message.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.body {
            LineBody::Message(message) => message.shown.text.as_deref(),
            LineBody::Notice(_) => None,
        }
    }

    pub(crate) fn view(self, user: &UserUri) -> LineView {
        let what = match self.body {
            LineBody::Notice(notice) => LineKind::Notice(notice),
            LineBody::Message(message) => LineKind::Message(Box::new(message.view(user))),
        };
        LineView { place: self.place, time: self.time, what }
    }
}

impl Message {
    fn view(self, user: &UserUri) -> MessageView {
        let mut reactions: Vec<ReactionView> = Vec::new();
        for reaction in self.reactions {
            match reactions.iter_mut().find(|known| known.text == reaction.text) {
                Some(known) => known.users.push(reaction.user),
                None => reactions.push(ReactionView { text: reaction.text, users: vec![reaction.user] }),
            }
        }
        MessageView {
            id: self.id,
            sender: self.sender.user().clone(),
            own: self.sender.user() == user,
            client: self.sender,
            state: self.state,
            error: self.error,
            text: self.shown.text.unwrap_or_default(),
            markdown: self.shown.markdown,
            in_reply_to: self.in_reply_to,
            edited: !self.edits.is_empty(),
            deleted: self.deleted,
            reactions,
            unshown: self.shown.unshown,
            unproved: self.unproved.into_iter().next().map(|one| one.from),
        }
    }
}
