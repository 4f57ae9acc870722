//! Brings what is in the outbox to one owner.

use std::collections::HashMap;
use std::sync::Arc;

use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::{
    ItemBody, Outcome, PeerState, ResultItem, Submission, SubmissionResult, SubmissionResults, Submissions,
};
use drawbridge_mtp::wire::{self, Encoding};
use futures_util::{FutureExt, StreamExt, stream};
use http::Method;
use tokio::sync::Notify;

use super::feed_of;
use crate::core::Core;
use crate::diagnose::{PeerFault, Stage, submitted};
use crate::peers::Ask;
use crate::pull::{Backoff, EndedBy};
use crate::store::{QueuedSubmission, StoreFault};

/// Submissions that are looked at in one round, and about how many bytes of them.
const ROUND: u32 = 1024;
const ROUND_BYTES: u64 = 24 << 20;
/// Submissions and bytes in one request.
const AT_ONCE: usize = 256;
const BYTES_AT_ONCE: usize = 3 << 20;
/// Groups that are served at one time.
const SIDE_BY_SIDE: usize = 32;

/// Brings everything to `owner`, whenever there is something; ends when it is no longer asked.
pub(crate) async fn deliver(core: Arc<Core>, owner: Provider, nudge: Arc<Notify>) {
    let mut backoff = Backoff::new(&core.signs, &owner);
    loop {
        let provider = owner.clone();
        let read = core.store.read(move |view| {
            Ok::<_, StoreFault>((view.peer_state(&provider)?, view.outbox(&provider, ROUND, ROUND_BYTES)?))
        });
        let Ok((state, queued)) = read.await else { return };
        if state != PeerState::Allowed {
            return;
        }
        if queued.is_empty() {
            nudge.notified().await;
            continue;
        }
        // Boxed, so that a courier with nothing to bring keeps no room for it.
        match Box::pin(bring_all(&core, &owner, queued)).await {
            Ok(()) => backoff.succeeded(),
            Err(fault) => {
                core.note_trouble(&owner, &fault).await;
                let pause = backoff.failed(&*core.ambient, fault.retry_after);
                backoff.rest(pause, EndedBy::from(&fault)).await;
            }
        }
    }
}

/// Brings one request's worth for each group; in each group, the order is the outbox's.
async fn bring_all(core: &Core, owner: &Provider, queued: Vec<QueuedSubmission>) -> Result<(), PeerFault> {
    let mut order: Vec<GroupUri> = Vec::new();
    let mut groups: HashMap<GroupUri, Batch> = HashMap::new();
    for QueuedSubmission { group, submission, .. } in queued {
        let batch = groups.entry(group.clone()).or_insert_with(|| {
            order.push(group);
            Batch::default()
        });
        batch.add(submission);
    }
    let batches = order.iter().filter_map(|group| Some((group, groups.remove(group)?.submissions)));
    let errands: Vec<_> = batches.map(|(group, batch)| bring(core, owner, group, batch).boxed()).collect();
    // The next begins when any of them has ended: what many bring at once, the owner stores at once.
    let mut bringing = stream::iter(errands).buffer_unordered(SIDE_BY_SIDE);
    let mut first_fault = Ok(());
    while let Some(brought) = bringing.next().await {
        first_fault = first_fault.and(brought);
    }
    first_fault
}

/// What one request carries.
#[derive(Default)]
struct Batch {
    submissions: Vec<Submission>,
    bytes: usize,
    is_full: bool,
}

impl Batch {
    /// Adds a submission where there is room; what comes after one that has none has to wait behind it.
    fn add(&mut self, submission: Submission) {
        let bytes = self.bytes.saturating_add(size_of(&submission));
        let has_room = self.submissions.len() < AT_ONCE && bytes <= BYTES_AT_ONCE;
        if self.is_full || !(has_room || self.submissions.is_empty()) {
            self.is_full = true;
            return;
        }
        self.bytes = bytes;
        self.submissions.push(submission);
    }
}

fn size_of(submission: &Submission) -> usize {
    let optional = [&submission.welcome, &submission.group_info];
    submission.mls.as_slice().len()
        + optional.into_iter().flatten().map(|bytes| bytes.as_slice().len()).sum::<usize>()
        + submission.grants.iter().map(String::len).sum::<usize>()
}

async fn bring(
    core: &Core,
    owner: &Provider,
    group: &GroupUri,
    batch: Vec<Submission>,
) -> Result<(), PeerFault> {
    let submissions = Submissions { events: batch };
    let ask = Ask {
        content: Some(wire::encode(Encoding::Json, &submissions)),
        method: Method::POST,
        ..Ask::get(format!("/groups/{}/events", group.name()))
    };
    let outcomes: Vec<Outcome> = match core.call(owner, ask).await {
        Ok(answer) => {
            let answered: SubmissionResults =
                answer.message().map_err(|fault| malformed(format!("its results: {fault}")))?;
            let in_order = answered.results.iter().map(|result| result.id);
            if !in_order.eq(submissions.events.iter().map(|submission| submission.id)) {
                return Err(malformed("its results are not those of what was submitted".into()));
            }
            if answered.results.iter().any(|result| result.outcome == Outcome::Queued) {
                return Err(malformed("it says that it has queued what it should have judged".into()));
            }
            let items = submissions.events.iter().zip(&answered.results);
            let items: Vec<_> =
                items.map(|(submission, result)| submitted(submission.kind, &result.outcome)).collect();
            core.traffic.update(answer.record, |record| {
                record.set_items(items.iter().map(|(seq, kind)| (*seq, kind.as_str())));
            });
            answered.results.into_iter().map(|result| result.outcome).collect()
        }
        Err(fault) => match (fault.final_refusal(), submissions.events.len()) {
            // It will never take it.
            (Some(problem), 1) => vec![Outcome::Rejected(Box::new(problem.clone()))],
            // It will never take all of it together; one of them may be why.
            (Some(_), _) => {
                for alone in submissions.events {
                    Box::pin(bring(core, owner, group, vec![alone])).await?;
                }
                return Ok(());
            }
            (None, _) => return Err(fault),
        },
    };
    // For now only: the owner is asked again, after a while.
    let later = |outcome: &Outcome| match outcome {
        Outcome::Rejected(problem) if problem.code == "unavailable" => Some(problem.clone()),
        _ => None,
    };
    let put_off = outcomes.iter().find_map(later);
    let answered = submissions.events.into_iter().zip(outcomes);
    settle(core, group, answered.filter(|(_, outcome)| later(outcome).is_none()).collect())
        .await
        .map_err(|fault| PeerFault::new(Stage::Store, "unavailable", fault.to_string()))?;
    match put_off {
        Some(problem) => Err(PeerFault::refused(503, *problem, None)),
        None => Ok(()),
    }
}

fn malformed(text: String) -> PeerFault {
    PeerFault::new(Stage::Content, "malformed", text)
}

/// Forgets what was answered, and tells those who submitted it: at once, or by their feeds.
async fn settle(
    core: &Core,
    group: &GroupUri,
    outcomes: Vec<(Submission, Outcome)>,
) -> Result<(), StoreFault> {
    let (mut tell, mut answered) = (Vec::new(), Vec::new());
    for (submission, outcome) in outcomes {
        let waiting = core.answers.take(group, submission.id);
        answered.push((submission.id, submission.sender, !waiting.is_empty(), outcome.clone()));
        tell.extend(waiting.into_iter().map(|waiting| (waiting, outcome.clone())));
    }
    let group = group.clone();
    core.store
        .write(move |tx| {
            for (id, sender, is_awaited, outcome) in answered {
                if tx.unqueue(&group, id)? && !is_awaited {
                    let result = SubmissionResult { id, outcome };
                    let item = ResultItem { group: group.clone(), result };
                    tx.append(&feed_of(&sender), &ItemBody::Result(item))?;
                }
            }
            Ok::<_, StoreFault>(())
        })
        .await?;
    for (waiting, outcome) in tell {
        // Where it has gone away meanwhile, it will repeat what it submitted, and be told the same.
        let _ = waiting.send(outcome);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::{AmbientExt, System};
    use drawbridge_mtp::message::SubmissionKind;
    use drawbridge_mtp::octets::Octets;

    fn submission(bytes: usize) -> Submission {
        Submission {
            id: System.id(),
            kind: SubmissionKind::Application,
            sender: "mimi://b.example/u/bob/d/phone".parse().unwrap(),
            mls: Octets(vec![0; bytes]),
            welcome: None,
            group_info: None,
            grants: Vec::new(),
        }
    }

    #[test]
    fn nothing_overtakes_a_submission_that_has_no_room() {
        let mut batch = Batch::default();
        for bytes in [100, BYTES_AT_ONCE, 200, 2 << 20, 1] {
            batch.add(submission(bytes));
        }
        assert_eq!(batch.submissions.len(), 1);
        let mut large = Batch::default();
        large.add(submission(BYTES_AT_ONCE + 1));
        large.add(submission(1));
        assert_eq!(large.submissions.len(), 1, "one that is too large for any goes alone");
    }
}
