//! Brings what is in the outbox to one owner: one request for all that waits, of whichever groups of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::{ItemBody, Outcome, PeerState, ResultItem, SubmissionResult, SubmitReply};
use drawbridge_mtp::problem::{Code, ReceivedProblem};
use drawbridge_mtp::wire::{self, Encoding};
use http::Method;
use tokio::sync::Notify;

use super::batch::{Batch, Room};
use super::put_off::PutOff;
use super::{Outbox, feed_of};
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::{Ask, Backoff, EndedBy, Sign};
use crate::store::{QueuedSubmission, StoreFault};
use crate::traffic::{TrafficItem, TrafficItems};

/// Submissions that are looked at in one round, and about how many bytes of them.
const ROUND: usize = 1024;
const ROUND_BYTES: u64 = 24 << 20;
/// What is not larger than this is too large for no proxy, in bytes before it is encoded.
const SMALL: usize = 256 << 10;

impl Outbox {
    /// Brings everything to `owner`, whenever there is something; ends when it is no longer asked.
    pub(crate) async fn deliver(self: Arc<Self>, owner: Provider, nudge: Arc<Notify>) {
        let (mut backoff, mut room) = (Backoff::new(&self.peers.signs, &owner), Room::default());
        let mut put_off = PutOff::new(&self.peers.signs, &owner);
        loop {
            let (provider, resting) = (owner.clone(), put_off.resting());
            let read = self.store.read(move |view| {
                let queued = view.outbox(&provider, &resting, ROUND, ROUND_BYTES)?;
                Ok::<_, StoreFault>((view.peer_state(&provider)?, queued))
            });
            let Ok((state, queued)) = read.await else { return };
            if state != PeerState::Allowed {
                return;
            }
            if queued.is_empty() {
                tokio::select! {
                    () = nudge.notified() => {}
                    () = put_off.next() => {}
                    () = self.peers.signs.wait_for(&owner, Sign::Wanted) => put_off.try_all(),
                }
                continue;
            }
            // Boxed, so that a courier with nothing to bring keeps no room for it.
            match Box::pin(self.bring(&owner, queued, &mut room, &mut put_off)).await {
                Ok(()) => {
                    backoff.succeeded();
                    // What is put off waits still.
                    if put_off.is_empty() {
                        self.peers.note_taken(&owner).await;
                    }
                }
                Err(fault) => {
                    self.peers.note_trouble(&owner, &fault).await;
                    let pause = backoff.failed(&*self.ground.ambient, fault.retry_after);
                    backoff.rest(pause, EndedBy::from(&fault)).await;
                }
            }
        }
    }

    /// Brings one request's worth of what waits. One that is refused as a whole is halved, until what is refused is a single
    /// submission: its sender is told, and the others go on without it.
    async fn bring(
        &self,
        owner: &Provider,
        queued: Vec<QueuedSubmission>,
        room: &mut Room,
        put_off: &mut PutOff<'_>,
    ) -> Result<(), PeerFault> {
        let mut parts = vec![Batch::of(queued, room.bytes())];
        while let Some(mut batch) = parts.pop() {
            let resting = put_off.resting();
            // What was put off in the part before is not overtaken.
            batch.0.retain(|queued| !resting.contains(&queued.group));
            if batch.0.is_empty() {
                continue;
            }
            let outcomes = match self.ask_or_find_too_large(owner, &batch).await {
                Ok(outcomes) => outcomes,
                // No group is meant by it, but the resource: the owner speaks an older version, and will not always.
                Err(fault) if fault.is(Code::NotFound) => return Err(fault),
                Err(fault) => {
                    let Some(problem) = fault.final_refusal().cloned() else {
                        // It is tried again with less, since nothing tells whether the owner is away.
                        if may_be_too_large(&fault, &batch) {
                            room.refused(batch.size());
                        }
                        return Err(fault);
                    };
                    self.peers.note_trouble(owner, &fault).await;
                    if fault.is(Code::TooLarge) {
                        room.refused(batch.size());
                    }
                    if batch.0.len() > 1 {
                        let (first, second) = batch.halve();
                        parts.extend([second, first]);
                        continue;
                    }
                    vec![Outcome::Rejected(Box::new(as_told(problem, fault)))]
                }
            };
            let answered = batch.0.into_iter().zip(outcomes).collect();
            self.settle(owner, answered, put_off).await?;
        }
        Ok(())
    }
}

/// Of what is too large for them, some proxies (Caddy) say that they cannot reach the owner.
fn may_be_too_large(fault: &PeerFault, batch: &Batch) -> bool {
    fault.unsigned == Some(502) && batch.size() > SMALL
}

/// What is told to the sender of a submission: what was answered, with its particulars.
fn as_told(problem: ReceivedProblem, fault: PeerFault) -> ReceivedProblem {
    ReceivedProblem { detail: Some(fault.text), ..problem }
}

impl Outbox {
    /// Submits a batch. A single submission that a proxy may find too large is tried once more behind something small: where the owner
    /// answers that, and this again comes to nothing, it is this one's size, and it would never pass.
    async fn ask_or_find_too_large(
        &self,
        owner: &Provider,
        batch: &Batch,
    ) -> Result<Vec<Outcome>, PeerFault> {
        let asked = self.ask(owner, batch).await;
        let is_doubtful = asked.as_ref().is_err_and(|fault| may_be_too_large(fault, batch));
        if !is_doubtful
            || batch.0.len() > 1
            || self.peers.call(owner, Ask::get("/ping".into())).await.is_err()
        {
            return asked;
        }
        self.ask(owner, batch).await.map_err(|fault| match may_be_too_large(&fault, batch) {
            true => {
                self.peers.absence.end(owner);
                fault.found_too_large(batch.size())
            }
            false => fault,
        })
    }

    /// Submits a batch, and returns what became of each, in order.
    async fn ask(&self, owner: &Provider, batch: &Batch) -> Result<Vec<Outcome>, PeerFault> {
        let (request, places) = batch.request();
        let ask = Ask {
            content: Some(wire::encode(Encoding::Json, &request)),
            method: Method::POST,
            ..Ask::get("/submissions".into())
        };
        let answer = self.peers.call(owner, ask).await?;
        let reply: SubmitReply =
            answer.message().map_err(|fault| malformed(format!("its results: {fault}")))?;
        let is_answer = reply.groups.len() == request.groups.len()
            && reply.groups.iter().zip(&request.groups).all(|(told, asked)| {
                told.group == asked.group
                    && told
                        .results
                        .iter()
                        .map(|result| result.id)
                        .eq(asked.events.iter().map(|event| event.id))
            });
        if !is_answer {
            return Err(malformed("its results are not those of what was submitted".into()));
        }
        let mut results: Vec<_> = places
            .into_iter()
            .flatten()
            .zip(reply.groups.into_iter().flat_map(|group| group.results))
            .map(|(place, result)| (place, result.outcome))
            .collect();
        if results.iter().any(|(_, outcome)| *outcome == Outcome::Queued) {
            return Err(malformed("it says that it has queued what it should have judged".into()));
        }
        results.sort_unstable_by_key(|(place, _)| *place);
        let outcomes: Vec<Outcome> = results.into_iter().map(|(_, outcome)| outcome).collect();
        let items = batch.0.iter().zip(&outcomes).map(|(queued, outcome)| {
            TrafficItem::submitted(Some(&queued.group), queued.submission.kind, outcome)
        });
        let items = TrafficItems::of(items);
        self.peers.traffic.update(answer.record, |record| record.set_items(items));
        Ok(outcomes)
    }
}

fn malformed(text: String) -> PeerFault {
    PeerFault::new(Stage::Content, "malformed", text)
}

/// For now only: the owner is asked again, after a while.
fn is_put_off(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected(problem) if problem.code == Code::Unavailable.as_str())
}

impl Outbox {
    /// Forgets what was answered, and tells those who submitted it: at once, or by their feeds. What the owner only puts off
    /// stays, with all of its group that came after it.
    async fn settle(
        &self,
        owner: &Provider,
        outcomes: Vec<(QueuedSubmission, Outcome)>,
        put_off: &mut PutOff<'_>,
    ) -> Result<(), PeerFault> {
        let mut later: BTreeMap<GroupUri, ReceivedProblem> = BTreeMap::new();
        for (queued, outcome) in &outcomes {
            match outcome {
                Outcome::Rejected(problem) if is_put_off(outcome) => {
                    later.entry(queued.group.clone()).or_insert_with(|| (**problem).clone());
                }
                _ => put_off.go_on(&queued.group),
            }
        }
        for (group, problem) in later {
            put_off.rest(&*self.ground.ambient, &group);
            self.peers.note_trouble(owner, &PeerFault::refused(503, problem, None)).await;
        }
        let (mut tell, mut answered) = (Vec::new(), Vec::new());
        for (QueuedSubmission { group, submission }, outcome) in outcomes {
            if is_put_off(&outcome) {
                continue;
            }
            // Who waits for the answer may have gone meanwhile.
            self.delivery.refusals.note(&group, [(submission.id, &outcome)], self.ground.ambient.now());
            let waiting = self.answers.take(&group, submission.id);
            answered.push((group, submission.id, submission.sender, !waiting.is_empty(), outcome.clone()));
            tell.extend(waiting.into_iter().map(|waiting| (waiting, outcome.clone())));
        }
        let kept = self.store.write(move |tx| {
            for (group, id, sender, is_awaited, outcome) in answered {
                let is_here = tx.unqueue(&group, id)?;
                if let Outcome::Accepted(placed) | Outcome::Duplicate(placed) = &outcome {
                    tx.note_placed(&group, &sender, id, placed)?;
                }
                if is_here && !is_awaited {
                    let item = ResultItem { group, result: SubmissionResult { id, outcome } };
                    tx.append(&feed_of(&sender), &ItemBody::Result(item))?;
                }
            }
            Ok::<_, StoreFault>(())
        });
        kept.await.map_err(|fault| PeerFault::new(Stage::Store, "own-store", fault.to_string()))?;
        for (waiting, outcome) in tell {
            // Where it has gone away meanwhile, it will repeat what it submitted, and be told the same.
            let _ = waiting.send(outcome);
        }
        Ok(())
    }
}
