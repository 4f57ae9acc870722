//! What messages say: sending them, and what they do to a conversation.

use drawbridge_mtp::{
    id::{ClientUri, GroupUri},
    message::{Submission, SubmissionKind},
    octets::Octets,
    time::Timestamp,
};

use crate::{
    content::{Content, Meaning, MessageId, Shown, Unshown},
    fault::ClientFault,
    mls::{self, Provider},
    store::{Message, Outgoing, OutgoingBody, Reaction, Stage, Tx, Unproved},
    view::Delivery,
};

/// What content is called that is not in MIMI's form.
const NOT_MIMI: &str = "application/octet-stream";
/// At most so many of what waits is encrypted at once.
const BATCH: usize = 64;

/// Queues a message of this client. What says something is shown at once; what changes another message does so when
/// it is accepted.
pub(crate) fn own_content(
    tx: &Tx<'_>,
    group: &GroupUri,
    content: &Content,
) -> Result<MessageId, ClientFault> {
    let bytes = content.to_cbor();
    let id = MessageId::of(tx.user(), group, &bytes, &content.salt);
    if content.meaning() == Meaning::Says {
        let message = message(tx.own.clone(), id, content, bytes.clone(), Delivery::Sending);
        tx.add_message(group, tx.now, message)?;
    }
    tx.put_outgoing(&Outgoing {
        place: 0,
        group: group.clone(),
        kind: SubmissionKind::Application,
        stage: Stage::Waiting,
        body: OutgoingBody { says: Some((id, Octets(bytes))), ..OutgoingBody::default() },
    })?;
    tx.ring_to_send();
    Ok(id)
}

fn message(sender: ClientUri, id: MessageId, content: &Content, bytes: Vec<u8>, state: Delivery) -> Message {
    Message {
        id,
        sender,
        state,
        error: None,
        in_reply_to: content.in_reply_to,
        shown: content.body.show(),
        content: Octets(bytes),
        edits: Vec::new(),
        deleted: false,
        reactions: Vec::new(),
        unproved: Vec::new(),
    }
}

/// Takes in what an accepted message says, whose event may be unproved.
pub(crate) fn take_content(
    tx: &Tx<'_>,
    group: &GroupUri,
    sender: &ClientUri,
    time: Timestamp,
    bytes: Vec<u8>,
    unproved: Option<Unproved>,
) -> Result<(), ClientFault> {
    let Ok(content) = Content::from_cbor(&bytes) else {
        // Not lost: it is kept whole, under the name that a salt of zeros gives it.
        let id = MessageId::of(sender.user(), group, &bytes, &[0; 16]);
        let unshown = vec![Unshown { content_type: NOT_MIMI.into(), bytes: bytes.len() as u64 }];
        let message = Message {
            id,
            sender: sender.clone(),
            state: Delivery::Accepted,
            error: None,
            in_reply_to: None,
            shown: Shown { unshown, ..Shown::default() },
            content: Octets(bytes),
            edits: Vec::new(),
            deleted: false,
            reactions: Vec::new(),
            unproved: unproved.into_iter().collect(),
        };
        return tx.add_message(group, time, message).map(drop);
    };
    let id = MessageId::of(sender.user(), group, &bytes, &content.salt);
    let change = match content.meaning() {
        Meaning::Says => None,
        Meaning::Reacts(other) | Meaning::Edits(other) | Meaning::TakesBack(other) => Some(other),
    };
    let Some(other) = change else {
        if let Some((place, _, mut known)) = tx.message_named(group, &id)? {
            // Our own, which was shown before it was accepted.
            (known.state, known.error) = (Delivery::Accepted, None);
            return tx.set_message(group, place, time, known);
        }
        let mut message = message(sender.clone(), id, &content, bytes, Delivery::Accepted);
        message.unproved.extend(unproved);
        return tx.add_message(group, time, message).map(drop);
    };
    if tx.place_of(group, &id)?.is_some() {
        return Ok(());
    }
    let Some((place, when, mut message)) = tx.message_named(group, &other)? else {
        // What it changes was before this client's time.
        return Ok(());
    };
    let is_message = other == message.id || message.edits.contains(&other);
    if apply(&mut message, sender, id, &other, &content, bytes) {
        // A reaction says nothing about what the message says.
        if is_message && !matches!(content.meaning(), Meaning::Reacts(_)) {
            message.unproved.extend(unproved);
        }
        tx.add_name(group, &id, place)?;
        tx.set_message(group, place, when, message)?;
    }
    Ok(())
}

/// Changes a message; only its author, or that of a reaction, may change it. Whether it did.
fn apply(
    message: &mut Message,
    by: &ClientUri,
    id: MessageId,
    other: &MessageId,
    content: &Content,
    bytes: Vec<u8>,
) -> bool {
    let user = by.user();
    let reaction = message.reactions.iter().position(|reaction| reaction.id == *other);
    let is_message = *other == message.id || message.edits.contains(other);
    let own_message = is_message && message.sender.user() == user && !message.deleted;
    let text = || content.body.show().text.filter(|text| !text.trim().is_empty() && text.len() <= 64);
    match content.meaning() {
        Meaning::Says => false,
        Meaning::Reacts(_) => {
            let twice = |known: &Reaction, text: &str| known.user == *user && known.text == text;
            match text() {
                Some(text)
                    if !message.deleted && !message.reactions.iter().any(|known| twice(known, &text)) =>
                {
                    message.reactions.push(Reaction { id, user: user.clone(), text });
                    true
                }
                _ => false,
            }
        }
        Meaning::Edits(_) | Meaning::TakesBack(_) if reaction.is_some() => {
            let Some(at) = reaction.filter(|at| message.reactions[*at].user == *user) else {
                return false;
            };
            message.reactions.remove(at);
            if let (Meaning::Edits(_), Some(text)) = (content.meaning(), text()) {
                message.reactions.push(Reaction { id, user: user.clone(), text });
            }
            true
        }
        Meaning::Edits(_) if own_message => {
            message.shown = content.body.show();
            message.content = Octets(bytes);
            message.edits.push(id);
            true
        }
        Meaning::TakesBack(_) if own_message => {
            message.shown = Shown::default();
            message.content = Octets::default();
            message.deleted = true;
            message.reactions.clear();
            true
        }
        Meaning::Edits(_) | Meaning::TakesBack(_) => false,
    }
}

/// Encrypts what waits, for the epoch that is current now, and gives what is to be submitted. While proposals are
/// pending nothing is encrypted: MLS wants them committed first.
pub(crate) fn encrypt(tx: &Tx<'_>, group: &GroupUri) -> Result<Vec<Submission>, ClientFault> {
    let Some(conversation) = tx.conversation(group)? else {
        return Ok(Vec::new());
    };
    let outgoing = tx.outgoing(group)?;
    let mut ready = Vec::new();
    let mut waiting = Vec::new();
    for one in outgoing {
        match (one.stage, &one.body.submission) {
            (Stage::Ready, Some(submission)) => ready.push(submission.clone()),
            (Stage::Waiting, _) => waiting.push(one),
            _ => {}
        }
    }
    waiting.truncate(BATCH);
    if waiting.is_empty()
        || !conversation.is_member()
        || conversation.epoch < conversation.wait_for
        || conversation.registering.is_some()
        || conversation.went_back
        || !conversation.is_compared(tx)
    {
        return Ok(ready);
    }
    let provider = Provider::new(tx);
    let Some(mut state) = provider.group(group)? else {
        return Ok(ready);
    };
    if state.has_pending_proposals() || !state.is_active() {
        return Ok(ready);
    }
    let signer = provider.signer(tx, state.ciphersuite())?;
    for mut one in waiting {
        let Some((_, content)) = &one.body.says else {
            continue;
        };
        let message =
            state.create_message(&provider, &signer, content.as_slice()).map_err(ClientFault::mls)?;
        let submission = Submission {
            id: tx.new_id(),
            kind: SubmissionKind::Application,
            sender: tx.own.clone(),
            mls: Octets(mls::write(&message)?),
            welcome: None,
            group_info: None,
            grants: Vec::new(),
        };
        one.body.epoch = state.epoch().as_u64();
        one.body.submission = Some(submission.clone());
        one.stage = Stage::Ready;
        tx.put_outgoing(&one)?;
        ready.push(submission);
    }
    Ok(ready)
}
