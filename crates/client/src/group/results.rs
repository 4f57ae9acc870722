//! The results of submissions, as the provider tells them.

use drawbridge_mtp::{
    id::Id,
    message::{Outcome, SubmissionKind, SubmissionResult},
    octets::Hash32,
    problem::{Code, ReceivedProblem},
};
use openmls::prelude::OpenMlsProvider;

use super::{
    end::shut_out,
    join::joined,
    outcome::{accepted, given_up, says, set_delivery},
    receive::left_behind,
    refused,
};
use crate::{
    fault::ClientFault,
    mls::Provider,
    store::{Conversation, Outgoing, OutgoingBody, Said, Stage, Tx, Want},
    view::{Delivery, Notice, Standing},
};

/// After so many refusals that only a fork explains, the client joins anew.
const FORK: u32 = 3;

pub(crate) fn take_results(tx: &Tx<'_>, results: &[SubmissionResult]) -> Result<(), ClientFault> {
    results.iter().try_for_each(|result| take_result(tx, result))
}

/// Takes in one result, as often as it comes.
pub(crate) fn take_result(tx: &Tx<'_>, result: &SubmissionResult) -> Result<(), ClientFault> {
    let Some(mut outgoing) = tx.outgoing_submitted(&result.id)? else {
        return if is_gone(&result.outcome) { said_in_vain(tx, &result.id) } else { Ok(()) };
    };
    match &result.outcome {
        Outcome::Queued => {
            if outgoing.stage == Stage::Ready {
                outgoing.stage = Stage::Queued;
                tx.put_outgoing(&outgoing)?;
                set_delivery(tx, &outgoing, Delivery::Sent, None)?;
            }
            Ok(())
        }
        Outcome::Accepted(placed) | Outcome::Duplicate(placed) => {
            if outgoing.body.external {
                let mut conversation = tx.the_conversation(&outgoing.group)?;
                joined(tx, &mut conversation, &outgoing, placed.seq, placed.time)?;
                conversation.head = conversation.head.max(placed.seq);
                return tx.set_conversation(&conversation);
            }
            if outgoing.kind == SubmissionKind::Commit {
                // Merged when its own event comes, after what the log has before it.
                outgoing.stage = Stage::Accepted;
                return tx.put_outgoing(&outgoing).map(drop);
            }
            if outgoing.body.says.is_some() && !tx.the_conversation(&outgoing.group)?.is_over() {
                // What it says is so; where it stands among the others, its own event tells.
                outgoing.stage = Stage::Accepted;
                outgoing.body.placed = placed.seq;
                tx.put_outgoing(&outgoing)?;
                tx.keep_placed(&outgoing)?;
                return says(tx, &outgoing, placed.time);
            }
            accepted(tx, &outgoing, placed.time)
        }
        Outcome::Rejected(_) if outgoing.stage == Stage::Failed => Ok(()),
        Outcome::Rejected(problem) => rejected(tx, outgoing, problem),
    }
}

/// Whether what was submitted was numbered in a history that does not count (section 12).
fn is_gone(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected(problem) if problem.known() == Some(Code::Gone))
}

/// A message that had its place in the log has lost it, with the history that it was in: it is sent again.
fn said_in_vain(tx: &Tx<'_>, submission: &Id) -> Result<(), ClientFault> {
    let Some(Said { group, says }) = tx.take_placed(submission)? else {
        return Ok(());
    };
    let mut outgoing = Outgoing {
        place: 0,
        group: group.clone(),
        kind: SubmissionKind::Application,
        stage: Stage::Waiting,
        body: OutgoingBody { says: Some(says), ..OutgoingBody::default() },
    };
    if tx.conversation(&group)?.is_none_or(|conversation| conversation.is_over()) {
        return given_up(tx, outgoing, "The owner of the conversation has lost it.".into());
    }
    outgoing.place = tx.put_outgoing(&outgoing)?;
    set_delivery(tx, &outgoing, Delivery::Sending, None)?;
    tx.ring_to_send();
    Ok(())
}

fn rejected(tx: &Tx<'_>, mut outgoing: Outgoing, problem: &ReceivedProblem) -> Result<(), ClientFault> {
    let mut conversation = tx.the_conversation(&outgoing.group)?;
    let why = problem.detail.clone().unwrap_or_else(|| problem.code.clone());
    tracing::debug!(group = %outgoing.group, kind = %outgoing.kind, code = %problem.code, why, "refused");
    if matches!(problem.known(), Some(Code::RateLimited | Code::Unavailable)) {
        // Not judged yet: the same again.
        outgoing.stage = Stage::Ready;
        return tx.put_outgoing(&outgoing).map(drop);
    }
    if let Some(submission) = &outgoing.body.submission {
        // It is in no log.
        tx.forget_sent(&outgoing.group, &Hash32::of(submission.mls.as_slice()))?;
    }
    match problem.known() {
        Some(Code::EpochConflict) => {
            let epoch = problem.members.epoch.unwrap_or(outgoing.body.epoch + 1);
            if epoch < outgoing.body.epoch && conversation.is_member() {
                left_behind(tx, &mut conversation)?;
            }
            if epoch > conversation.epoch && !outgoing.body.external && epoch > conversation.wait_for {
                (conversation.wait_for, conversation.waiting_since) = (epoch, tx.now);
            }
        }
        Some(Code::InvalidMls) => conversation.refused += 1,
        _ => {}
    }
    let conflict = matches!(problem.known(), Some(Code::EpochConflict | Code::Gone));
    tx.forget_placed(&outgoing)?;
    if outgoing.body.says.is_some() {
        if conflict {
            // For an epoch that is too old, or in a history that does not count: encrypted again, under the same name.
            outgoing.stage = Stage::Waiting;
            outgoing.body.submission = None;
            tx.put_outgoing(&outgoing)?;
            tx.ring_to_send();
        } else {
            failed(tx, outgoing, why)?;
        }
        return tx.set_conversation(&conversation);
    }
    undo(tx, &conversation, &outgoing)?;
    if outgoing.body.external {
        after_external(tx, &mut conversation, conflict, why)?;
    } else if !conflict {
        judge(tx, &mut conversation, &outgoing, why)?;
        if conversation.refused >= FORK {
            conversation.broke("The owner refuses what this state makes; the client joins anew.");
            conversation.refused = 0;
        }
        conversation.retry_at = tx.now.plus(tx.settings.pause);
    }
    tx.set_conversation(&conversation)?;
    tx.ring_to_do();
    Ok(())
}

/// A message is refused: it is not to be sent unless a person says so.
fn failed(tx: &Tx<'_>, mut outgoing: Outgoing, why: String) -> Result<(), ClientFault> {
    outgoing.body.submission = None;
    given_up(tx, outgoing, why)
}

/// Takes back in MLS what the owner did not take.
fn undo(tx: &Tx<'_>, conversation: &Conversation, outgoing: &Outgoing) -> Result<(), ClientFault> {
    tx.remove_outgoing(outgoing)?;
    let provider = Provider::new(tx);
    if outgoing.body.external {
        return provider.forget(&outgoing.group);
    }
    let Some(mut group) = provider.group(&outgoing.group)?.filter(|_| conversation.is_member()) else {
        return Ok(());
    };
    if group.epoch().as_u64() != outgoing.body.epoch {
        return Ok(());
    }
    group.clear_pending_commit(provider.storage())?;
    if let Some(reference) = &outgoing.body.proposal {
        group.remove_pending_proposal(provider.storage(), reference).map_err(ClientFault::mls)?;
    }
    Ok(())
}

/// What was wanted is refused: together, then one by one, then it is given up.
fn judge(
    tx: &Tx<'_>,
    conversation: &mut Conversation,
    outgoing: &Outgoing,
    why: String,
) -> Result<(), ClientFault> {
    let group = &outgoing.group;
    let intents = tx.intents(group)?;
    if outgoing.kind == SubmissionKind::Proposal {
        for intent in intents.iter().filter(|intent| intent.want == Want::Leave) {
            tx.forget_intent(group, intent.place)?;
        }
        if conversation.standing == Standing::Leaving {
            conversation.standing = Standing::Member;
        }
        return refused(tx, group, &Want::Leave, why);
    }
    if outgoing.body.intents.is_empty() {
        // The proposals of others cannot be committed. Nobody may write while they are pending, so they are dropped;
        // who commits them all the same makes this client join anew.
        let provider = Provider::new(tx);
        if let Some(mut state) = provider.group(group)? {
            state.clear_pending_proposals(provider.storage())?;
        }
        conversation.commit_due = None;
        tx.ring_to_send();
        return Ok(());
    }
    if outgoing.body.intents.len() > 1 {
        conversation.one_by_one = true;
        return Ok(());
    }
    for intent in intents.iter().filter(|intent| outgoing.body.intents.contains(&intent.place)) {
        tx.forget_intent(group, intent.place)?;
        refused(tx, group, &intent.want, why.clone())?;
    }
    conversation.one_by_one = false;
    Ok(())
}

/// An external commit was refused.
fn after_external(
    tx: &Tx<'_>,
    conversation: &mut Conversation,
    conflict: bool,
    why: String,
) -> Result<(), ClientFault> {
    conversation.standing = Standing::Broken;
    if conflict {
        return Ok(());
    }
    conversation.put_off(tx.now, tx.settings.pause);
    conversation.trouble = Some(format!("The owner does not let this client join anew: {why}"));
    if conversation.refused > FORK {
        tx.add_notice(&conversation.group, tx.now, Notice::Refused { wanted: "Joining anew".into(), why })?;
        shut_out(tx, conversation)?;
    }
    Ok(())
}
