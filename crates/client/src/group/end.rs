//! The end of this client's stay in a group.

use drawbridge_mtp::{id::GroupUri, message::Event};

use super::outcome::given_up;
use crate::{
    fault::ClientFault,
    mls::Provider,
    store::{Conversation, Stage, Tx},
    view::{Notice, Standing},
};

/// This client is out.
pub(super) fn over(
    tx: &Tx<'_>,
    conversation: &mut Conversation,
    event: &Event,
    left: bool,
) -> Result<(), ClientFault> {
    let notice = if left {
        conversation.standing = Standing::Left;
        Notice::Left { user: tx.user().clone() }
    } else {
        conversation.standing = Standing::Removed;
        Notice::Removed { by: event.sender.user().clone(), users: vec![tx.user().clone()] }
    };
    tx.add_notice(&event.group, event.time, notice)?;
    end(tx, &event.group)
}

/// The provider has lost its last member of a group.
pub(crate) fn take_removed(tx: &Tx<'_>, group: &GroupUri, after: u64) -> Result<(), ClientFault> {
    let Some(mut conversation) = tx.conversation(group)? else {
        return Ok(());
    };
    if conversation.is_over() || conversation.head > after {
        return Ok(());
    }
    shut_out(tx, &mut conversation)?;
    tx.set_conversation(&conversation)
}

/// This client is no longer in a group, without having followed how that came: what it could not read of it before is
/// said.
pub(crate) fn shut_out(tx: &Tx<'_>, conversation: &mut Conversation) -> Result<(), ClientFault> {
    if let Some(after) = conversation.gap_after.take().filter(|after| (1..conversation.head).contains(after))
    {
        let gap = Notice::Gap { first: after + 1, last: conversation.head };
        tx.add_notice(&conversation.group, tx.now, gap)?;
    }
    (conversation.standing, conversation.trouble) = (Standing::Removed, None);
    end(tx, &conversation.group)
}

/// Destroys what is left of the keys of a group in which this client is no more: who has left as its last member keeps them.
pub(crate) fn forget_state(tx: &Tx<'_>, group: &GroupUri) -> Result<(), ClientFault> {
    Provider::new(tx).forget(group)
}

/// Forgets what only a member needs.
pub(super) fn end(tx: &Tx<'_>, group: &GroupUri) -> Result<(), ClientFault> {
    Provider::new(tx).forget(group)?;
    wind_up(tx, group)
}

/// Wants and sends nothing more in a group.
pub(super) fn wind_up(tx: &Tx<'_>, group: &GroupUri) -> Result<(), ClientFault> {
    for intent in tx.intents(group)? {
        tx.forget_intent(group, intent.place)?;
    }
    tx.settle_accepted(group, u64::MAX)?;
    for outgoing in tx.outgoing(group)?.into_iter().filter(|one| one.stage != Stage::Failed) {
        if outgoing.body.says.is_some() {
            given_up(tx, outgoing, "This client is no longer in the conversation.".into())?;
        } else {
            tx.remove_outgoing(&outgoing)?;
        }
    }
    Ok(())
}
