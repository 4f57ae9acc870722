//! Events of a group, in the order of its log, each once.

use drawbridge_mtp::{
    id::{ClientUri, GroupUri},
    message::{Event, EventKind, ShownEvent},
    octets::Hash32,
};
use openmls::{
    group::MlsGroup,
    prelude::{LeafNodeIndex, ProcessedMessageContent, Proposal, Sender},
};

use super::{
    Taken,
    end::over,
    join::joined,
    outcome::{accepted, take_back_encrypted},
    refresh,
    say::take_content,
};
use crate::{
    fault::ClientFault,
    mls::{self, Provider},
    store::{Conversation, Outgoing, Stage, Tx, Unproved, Want},
    view::{Notice, Standing},
};

/// Why a client whose store went back joins anew.
pub(super) const WENT_BACK: &str = "Something was sent in this client's name that it has no record of: its data was set \
     back to an older copy, or runs twice. It joins anew before it sends.";
/// A pause is doubled at most so often: from half a second to an hour.
const MOST_DOUBLED: u32 = 13;

/// Takes in an event with its body.
pub(crate) fn take_event(tx: &Tx<'_>, shown: &ShownEvent, body: Option<&[u8]>) -> Result<Taken, ClientFault> {
    let event = &shown.event;
    let Some(mut conversation) = tx.conversation(&event.group)? else {
        return Ok(Taken::Done);
    };
    let (standing, head) = (conversation.standing, conversation.head);
    tracing::trace!(client = %tx.own, seq = event.seq, kind = %event.kind, ?standing, head, "an event");
    if conversation.is_member() && is_another(tx, &conversation, event)? {
        fork(tx, &mut conversation, event.seq, &event.hash)?;
        tx.set_conversation(&conversation)?;
        return Ok(Taken::Done);
    }
    // The last one in a group has left, though nobody could take it out; another client of its user may come in since.
    let left_alone =
        conversation.standing == Standing::Left && Provider::new(tx).group(&event.group)?.is_some();
    if (conversation.is_over() && !left_alone) || event.seq <= conversation.head {
        return Ok(Taken::Done);
    }
    if left_alone {
        conversation.standing = Standing::Leaving;
    }
    if conversation.is_member() && event.seq > conversation.head + 1 {
        return Ok(Taken::Gap(conversation.head));
    }
    match conversation.standing {
        Standing::Member | Standing::Leaving => {
            let body = body.filter(|body| Hash32::of(body) == event.body_hash);
            if let Err(fault) = tx.part(|| take(tx, &mut conversation, shown, body)) {
                // The part is undone in the store; what it did to `conversation` may not stay either.
                conversation = tx.the_conversation(&event.group)?;
                unreadable(tx, &mut conversation, event, fault)?;
            }
        }
        Standing::Joining => {
            if take_while_joining(tx, &mut conversation, event)? != Taken::Done {
                return Ok(Taken::Gap(conversation.head));
            }
        }
        Standing::Broken | Standing::Left | Standing::Removed => {}
    }
    if left_alone && !conversation.is_over() {
        conversation.standing = if conversation.is_member() && conversation.members.len() > 1 {
            tx.want(&event.group, Want::Leave, tx.now)?;
            Standing::Leaving
        } else {
            Standing::Left
        };
    }
    conversation.head = conversation.head.max(event.seq);
    tx.note_heard(&event.group, event.seq, &event.hash)?;
    tx.set_conversation(&conversation)?;
    Ok(Taken::Done)
}

/// Whether an event shows that the log is another than the one that was taken in: it is not the one that had its number, or does
/// not continue the last.
fn is_another(tx: &Tx<'_>, conversation: &Conversation, event: &Event) -> Result<bool, ClientFault> {
    let group = &event.group;
    if event.seq == conversation.head + 1 {
        return Ok(tx.heard(group, conversation.head)?.is_some_and(|heard| heard != event.prev));
    }
    if event.seq > conversation.head {
        return Ok(false);
    }
    let heard = tx.heard(group, event.seq)?;
    if heard.is_none() {
        tx.note_heard(group, event.seq, &event.hash)?;
    }
    Ok(heard.is_some_and(|heard| heard != event.hash))
}

/// Holds what the owner says of its log, the number and the hash of its last event, against what was taken in.
pub(crate) fn hold_status(
    tx: &Tx<'_>,
    group: &GroupUri,
    head: u64,
    hash: &Hash32,
) -> Result<(), ClientFault> {
    let Some(mut conversation) = tx.conversation(group)?.filter(Conversation::is_member) else {
        return Ok(());
    };
    if head <= conversation.head && tx.heard(group, head)?.is_some_and(|heard| heard != *hash) {
        fork(tx, &mut conversation, head, hash)?;
        tx.set_conversation(&conversation)?;
    }
    Ok(())
}

/// The owner's store went back, and the history that this client has taken in does not count (section 12): it joins anew, and
/// what it has made with the keys of the one before and not submitted is made anew. The event `seq`, with this hash, shows it.
fn fork(tx: &Tx<'_>, conversation: &mut Conversation, seq: u64, hash: &Hash32) -> Result<(), ClientFault> {
    let group = conversation.group.clone();
    tx.forget_heard_from(&group, seq)?;
    tx.note_heard(&group, seq, hash)?;
    join_another(tx, conversation, seq.saturating_sub(1))
}

/// The owner is in an earlier epoch than this client, and says so of what that has made: its log went back to before the commit that
/// began the client's, and goes on from there (section 12).
pub(super) fn left_behind(tx: &Tx<'_>, conversation: &mut Conversation) -> Result<(), ClientFault> {
    let head = conversation.head;
    join_another(tx, conversation, head)
}

/// Joins anew in a history of which this client has read nothing behind the event `after`.
fn join_another(tx: &Tx<'_>, conversation: &mut Conversation, after: u64) -> Result<(), ClientFault> {
    let group = conversation.group.clone();
    conversation.broke("The log of the group is another than it was; the client joins anew.");
    // What the other history has under the same numbers is not taken for known.
    (conversation.head, conversation.gap_after, conversation.forked) = (0, Some(after), true);
    tx.forget_told_heads();
    for mut one in tx.outgoing(&group)? {
        if one.stage == Stage::Ready && one.body.says.is_some() {
            (one.stage, one.body.submission) = (Stage::Waiting, None);
            tx.put_outgoing(&one)?;
        }
    }
    tx.add_notice(&group, tx.now, Notice::Forked)?;
    tx.ring_to_do();
    Ok(())
}

fn take(
    tx: &Tx<'_>,
    conversation: &mut Conversation,
    ShownEvent { event, unproved }: &ShownEvent,
    body: Option<&[u8]>,
) -> Result<(), ClientFault> {
    if event.sender == *tx.own {
        return take_own(tx, conversation, event);
    }
    let body = body.ok_or_else(|| ClientFault::Mls("an event without its body".into()))?;
    let provider = Provider::new(tx);
    let mut group = provider
        .group(&event.group)?
        .ok_or_else(|| ClientFault::Mls("the group's state is not there".into()))?;
    let processed = group.process_message(&provider, mls::read_message(body)?).map_err(ClientFault::mls)?;
    let sender = mls::client_of(processed.credential());
    match (event.kind, processed.into_content()) {
        (EventKind::Application, ProcessedMessageContent::ApplicationMessage(message)) => {
            let sender = sender.ok_or_else(|| ClientFault::Mls("a sender without a client's name".into()))?;
            if *unproved != conversation.unproved_from {
                conversation.unproved_from.clone_from(unproved);
                if let Some(from) = unproved.clone() {
                    tx.add_notice(&event.group, event.time, Notice::ReadBack { from })?;
                }
            }
            let unproved = unproved.clone().map(|from| Unproved { event: event.seq, from });
            take_content(tx, &event.group, &sender, event.time, message.into_bytes(), unproved)
        }
        (
            EventKind::Proposal,
            ProcessedMessageContent::ProposalMessage(proposal)
            | ProcessedMessageContent::ExternalJoinProposalMessage(proposal),
        ) => {
            use openmls::prelude::OpenMlsProvider;
            group.store_pending_proposal(provider.storage(), *proposal)?;
            let due = commit_due(tx, conversation, &group)?;
            conversation.commit_due = Some(conversation.commit_due.map_or(due, |known| known.min(due)));
            tx.ring_to_do();
            Ok(())
        }
        (EventKind::Commit, ProcessedMessageContent::StagedCommitMessage(staged)) => {
            let left: Vec<ClientUri> = staged
                .remove_proposals()
                .filter(|removal| *removal.sender() == Sender::Member(removal.remove_proposal().removed()))
                .filter_map(|removal| client_at(&group, removal.remove_proposal().removed()))
                .collect();
            let out = staged.self_removed();
            group.merge_staged_commit(&provider, *staged).map_err(ClientFault::mls)?;
            if out {
                return over(tx, conversation, event, left.contains(tx.own));
            }
            advanced(tx, conversation, &group, event, &left)
        }
        _ => Err(ClientFault::Mls("an event that is not of the type it says".into())),
    }
}

fn client_at(group: &MlsGroup, leaf: LeafNodeIndex) -> Option<ClientUri> {
    group.member(leaf).and_then(mls::client_of)
}

/// An event of this very client: known by its bytes, never decrypted.
fn take_own(tx: &Tx<'_>, conversation: &mut Conversation, event: &Event) -> Result<(), ClientFault> {
    let known = tx.outgoing_hashed(&event.group, &event.body_hash)?;
    let was_made = tx.forget_sent(&event.group, &event.body_hash)?;
    match (event.kind, known) {
        (EventKind::Commit, Some(outgoing)) => {
            let provider = Provider::new(tx);
            let mut group = provider
                .group(&event.group)?
                .filter(|group| group.pending_commit().is_some() && group.epoch().as_u64() == event.epoch)
                .ok_or_else(|| ClientFault::Mls("an own commit that is no longer known".into()))?;
            let left = leaving(&group);
            group.merge_pending_commit(&provider).map_err(ClientFault::mls)?;
            for intent in &outgoing.body.intents {
                tx.forget_intent(&event.group, *intent)?;
            }
            (conversation.one_by_one, conversation.refused) = (false, 0);
            advanced(tx, conversation, &group, event, &left)
        }
        (_, Some(outgoing)) => accepted(tx, &outgoing, event.time),
        // Accepted before by its result.
        (EventKind::Application | EventKind::Proposal, None) if was_made => Ok(()),
        // Made with keys that this client does not use any more.
        (EventKind::Application | EventKind::Proposal, None) if event.epoch < conversation.keys_since => {
            Ok(())
        }
        (_, None) => made_elsewhere(tx, conversation, event),
    }
}

/// An event in this client's name that its store has no record of: the store is an older copy, or another copy of it runs
/// (section 12). What the present keys have made already, nothing may be made with again.
fn made_elsewhere(tx: &Tx<'_>, conversation: &mut Conversation, event: &Event) -> Result<(), ClientFault> {
    let while_running = tx.told_head(&event.group).is_some_and(|head| event.seq > head);
    tracing::warn!(group = %event.group, seq = event.seq, while_running, "an own event is not known here");
    if !conversation.went_back {
        conversation.went_back = true;
        if while_running {
            // Copies that run would put each other out again and again.
            conversation.copies += 1;
            let pause = tx.settings.pause * 2u32.pow(conversation.copies.min(MOST_DOUBLED));
            conversation.retry_at = tx.now.plus(pause);
        }
        tx.add_notice(&event.group, event.time, Notice::WentBack { event: event.seq, while_running })?;
    }
    // What was encrypted meanwhile may be what nobody can read: it goes out anew, under the same name.
    take_back_encrypted(tx, &event.group)?;
    match event.kind {
        EventKind::Application => {
            tx.add_notice(&event.group, event.time, Notice::SentBefore { event: event.seq })?;
        }
        // The state has gone on without this one.
        EventKind::Commit => conversation.broke(WENT_BACK),
        EventKind::Proposal | EventKind::Created => {}
    }
    tx.ring_to_do();
    Ok(())
}

/// The members whose own removal is pending.
fn leaving(group: &MlsGroup) -> Vec<ClientUri> {
    group
        .pending_proposals()
        .filter_map(|queued| match queued.proposal() {
            Proposal::Remove(removal) if *queued.sender() == Sender::Member(removal.removed()) => {
                client_at(group, removal.removed())
            }
            _ => None,
        })
        .collect()
}

/// A commit has begun another epoch.
fn advanced(
    tx: &Tx<'_>,
    conversation: &mut Conversation,
    group: &MlsGroup,
    event: &Event,
    left: &[ClientUri],
) -> Result<(), ClientFault> {
    // Who left, left; that somebody committed it is no news.
    for user in left.iter().map(ClientUri::user) {
        if group.members().filter_map(|m| mls::client_of(&m.credential)).all(|client| client.user() != user) {
            tx.add_notice(&event.group, event.time, Notice::Left { user: user.clone() })?;
        }
    }
    conversation.members.retain(|client| !left.contains(client));
    refresh(tx, conversation, group, Some((&event.sender, event.time)))?;
    // What was made for the epoch before has lost, whoever made it; what it was for is still wanted.
    if let Some(old) = tx.handshake(&event.group)? {
        tx.remove_outgoing(&old)?;
    }
    if conversation.standing == Standing::Leaving {
        conversation.standing = Standing::Member;
    }
    tx.ring_to_do();
    tx.ring_to_send();
    Ok(())
}

/// What could not be taken in: one message less, or a state that does not fit.
fn unreadable(
    tx: &Tx<'_>,
    conversation: &mut Conversation,
    event: &Event,
    fault: ClientFault,
) -> Result<(), ClientFault> {
    if let ClientFault::Store(_) = fault {
        return Err(fault);
    }
    let was_out = conversation.left_epoch.is_none_or(|left| left < event.epoch);
    if event.kind == EventKind::Application && event.epoch < conversation.joined_epoch && was_out {
        // Sent before this client came in, and numbered after.
        return Ok(());
    }
    tracing::warn!(group = %event.group, seq = event.seq, %fault, "an event cannot be taken in");
    if event.kind == EventKind::Application {
        return tx.add_notice(&event.group, event.time, Notice::Gap { first: event.seq, last: event.seq });
    }
    conversation.broke("An event could not be taken in; the client joins anew.");
    tx.ring_to_do();
    Ok(())
}

/// While the own external commit is on its way, nothing can be read; its own event ends that, and is looked for where
/// it may have been left out.
fn take_while_joining(
    tx: &Tx<'_>,
    conversation: &mut Conversation,
    event: &Event,
) -> Result<Taken, ClientFault> {
    let Some(outgoing) = tx.handshake(&event.group)? else {
        conversation.broke("The joining was lost; the client joins anew.");
        tx.ring_to_do();
        return Ok(Taken::Done);
    };
    let ours = tx.outgoing_hashed(&event.group, &event.body_hash)?.is_some_and(|one| one.body.external);
    if event.sender == *tx.own && ours {
        joined(tx, conversation, &outgoing, event.seq, event.time)?;
    } else if event.seq > conversation.head + 1
        && (conversation.head > 0 || event.epoch > outgoing.body.epoch)
    {
        return Ok(Taken::Gap(conversation.head));
    } else if event.kind == EventKind::Commit && event.epoch >= outgoing.body.epoch {
        // Another commit of that epoch won.
        give_up_joining(tx, conversation, &outgoing)?;
    }
    Ok(Taken::Done)
}

/// The own external commit has lost, or is not to be found.
fn give_up_joining(
    tx: &Tx<'_>,
    conversation: &mut Conversation,
    outgoing: &Outgoing,
) -> Result<(), ClientFault> {
    tx.remove_outgoing(outgoing)?;
    Provider::new(tx).forget(&conversation.group)?;
    conversation.standing = Standing::Broken;
    tx.ring_to_do();
    Ok(())
}

/// What is before event `seq` cannot be had any more: the state does not reach across it.
pub(crate) fn lost_until(tx: &Tx<'_>, group: &GroupUri, seq: u64) -> Result<(), ClientFault> {
    let Some(mut conversation) = tx.conversation(group)?.filter(|one| one.head + 1 < seq) else {
        return Ok(());
    };
    if conversation.is_member() {
        conversation.broke("Events are missing; the client joins anew.");
    } else if conversation.standing == Standing::Joining
        && let Some(outgoing) = tx.handshake(group)?
    {
        give_up_joining(tx, &mut conversation, &outgoing)?;
    }
    tx.ring_to_do();
    tx.set_conversation(&conversation)
}

/// When this client may commit what others propose: one after the other, admins and low leaves first, so that mostly
/// one does it and all would.
fn commit_due(
    tx: &Tx<'_>,
    conversation: &Conversation,
    group: &MlsGroup,
) -> Result<drawbridge_mtp::time::Timestamp, ClientFault> {
    let policy = conversation.policy();
    let mut order: Vec<(bool, u32)> = group
        .members()
        .filter_map(|member| {
            let client = mls::client_of(&member.credential)?;
            Some((!policy.is_admin(client.user()), member.index.u32()))
        })
        .collect();
    order.sort_unstable();
    let own = group.own_leaf_index().u32();
    let rank = order.iter().position(|(_, leaf)| *leaf == own).unwrap_or(order.len());
    let stagger = tx.settings.stagger;
    // A quarter of the stagger at random: two who have seen different members may have the same rank.
    let [noise] = tx.random::<1>();
    let wait = stagger.saturating_mul(u32::try_from(rank).unwrap_or(u32::MAX).min(40));
    Ok(tx.now.plus(wait + stagger.mul_f64(f64::from(noise) / 1024.0)))
}

impl Tx<'_> {
    /// Wants a new own leaf, some time soon.
    pub(super) fn want_renewal(&self, group: &GroupUri) -> Result<(), ClientFault> {
        let [noise] = self.random::<1>();
        let wait = self.settings.renew.mul_f64(0.1 + 0.9 * f64::from(noise) / 256.0);
        self.want(group, Want::Renew, self.now.plus(wait))
    }
}
