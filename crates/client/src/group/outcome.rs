//! What becomes of a message or a proposal: it has its place in the log, or goes out again, or is not sent any more.

use drawbridge_mtp::{id::GroupUri, time::Timestamp};

use super::say::take_content;
use crate::{
    content::MessageId,
    fault::ClientFault,
    store::{Outgoing, Stage, Tx},
    view::{Delivery, Notice},
};

/// A message or a proposal has its place in the log.
pub(super) fn accepted(tx: &Tx<'_>, outgoing: &Outgoing, time: Timestamp) -> Result<(), ClientFault> {
    tx.keep_placed(outgoing)?;
    tx.remove_outgoing(outgoing)?;
    says(tx, outgoing, time)?;
    match &outgoing.body.says {
        Some((id, _)) => tx.settle(&outgoing.group, id),
        None => Ok(()),
    }
}

/// Takes what a message of this client says into the conversation.
pub(super) fn says(tx: &Tx<'_>, outgoing: &Outgoing, time: Timestamp) -> Result<(), ClientFault> {
    match &outgoing.body.says {
        Some((_, content)) => take_content(tx, &outgoing.group, tx.own, time, content.0.clone(), None),
        None => Ok(()),
    }
}

/// A message is not to be sent any more unless a person says so. The owner may take it all the same, where the provider
/// has it: so its submission stays known.
pub(super) fn given_up(tx: &Tx<'_>, mut outgoing: Outgoing, why: String) -> Result<(), ClientFault> {
    if !set_delivery(tx, &outgoing, Delivery::Failed, Some(why.clone()))? {
        // A change of another message: there is no line of its own to send it again from.
        tx.add_notice(
            &outgoing.group,
            tx.now,
            Notice::Refused { wanted: "A change of a message".into(), why },
        )?;
        if outgoing.body.submission.is_none() {
            return tx.remove_outgoing(&outgoing);
        }
    }
    outgoing.stage = Stage::Failed;
    tx.put_outgoing(&outgoing).map(drop)
}

/// Lets every message that is on its way be encrypted anew, under the name that it has.
pub(super) fn take_back_encrypted(tx: &Tx<'_>, group: &GroupUri) -> Result<(), ClientFault> {
    for mut one in tx.outgoing(group)? {
        if one.body.says.is_some() && matches!(one.stage, Stage::Ready | Stage::Queued | Stage::Accepted) {
            (one.stage, one.body.submission) = (Stage::Waiting, None);
            tx.put_outgoing(&one)?;
            set_delivery(tx, &one, Delivery::Sending, None)?;
        }
    }
    Ok(())
}

/// Shows how far a message has come. Whether it has a line of its own.
pub(super) fn set_delivery(
    tx: &Tx<'_>,
    outgoing: &Outgoing,
    state: Delivery,
    error: Option<String>,
) -> Result<bool, ClientFault> {
    let Some((id, _)) = &outgoing.body.says else {
        return Ok(false);
    };
    let Some((place, time, mut message)) = tx.message_named(&outgoing.group, id)? else {
        return Ok(false);
    };
    (message.state, message.error) = (state, error);
    tx.set_message(&outgoing.group, place, time, message)?;
    Ok(true)
}

impl Tx<'_> {
    /// Sends again what failed.
    pub(crate) fn send_again(&self, group: &GroupUri, id: &MessageId) -> Result<(), ClientFault> {
        let failed = |one: &Outgoing| {
            one.stage == Stage::Failed && one.body.says.as_ref().is_some_and(|(known, _)| known == id)
        };
        let mut outgoing = self.outgoing(group)?.into_iter().find(failed).ok_or(ClientFault::NoMessage)?;
        outgoing.stage = Stage::Waiting;
        outgoing.body.submission = None;
        self.put_outgoing(&outgoing)?;
        set_delivery(self, &outgoing, Delivery::Sending, None)?;
        self.ring_to_send();
        Ok(())
    }
}
