//! What participants submit to a group of ours: judged, numbered, and put into everyone's feed (section 10).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use drawbridge_mtp::document::Limits;
use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::{Outcome, Placed, Submission, SubmissionKind, SubmissionResult};
use drawbridge_mtp::octets::Octets;
use drawbridge_mtp::problem::{Code, Problem};
use openmls::prelude::{ContentType, PublicMessageIn};
use tracing::Instrument;

use crate::delivery::Delivery;
use crate::delivery::epoch::{begin_epoch, end_stays, tell_removed};
use crate::delivery::groups::{LockedGroup, Reading};
use crate::delivery::mls::framing::{self, Framed, invalid};
use crate::delivery::mls::state::{Changed, Hold, JudgedCommit, JudgedHandshake, PublicState};
use crate::delivery::owner::fork::gone;
use crate::delivery::owner::grants::{Uncovered, Usable};
use crate::delivery::owner::recover::still_recovering;
use crate::store::{GroupRow, NewEvent, Reader, StoreFault, Tx};

/// How often something is judged where the store is in another epoch each time than memory was.
const JUDGED_AT_MOST: usize = 3;

impl Delivery {
    /// Judges what `submitter` submits to `group`, which is ours, each by itself and in order.
    pub(crate) async fn submit(
        &self,
        group: &GroupUri,
        submitter: &Provider,
        submissions: Vec<Submission>,
    ) -> Result<Vec<SubmissionResult>, StoreFault> {
        if !self.recover(group).await? {
            let later = || rejected(still_recovering());
            return Ok(submissions
                .iter()
                .map(|submission| SubmissionResult { id: submission.id, outcome: later() })
                .collect());
        }
        let mut results = Vec::with_capacity(submissions.len());
        let mut rest = submissions.into_iter().peekable();
        while let Some(first) = rest.next() {
            if first.kind == SubmissionKind::Application {
                let mut run = vec![first];
                while let Some(next) = rest.next_if(|next| next.kind == SubmissionKind::Application) {
                    run.push(next);
                }
                results.extend(self.submit_applications(group, submitter, run).await?);
            } else {
                let id = first.id;
                let outcome = self.submit_handshake(group, submitter, first).await?;
                results.push(SubmissionResult { id, outcome });
            }
        }
        self.refusals.note_results(group, &results, self.ground.ambient.now());
        Ok(results)
    }
}

fn rejected(problem: Problem) -> Outcome {
    Outcome::Rejected(Box::new(problem.into()))
}

fn no_such_group() -> Problem {
    Problem::new(Code::NotFound, "there is no such group here")
}

/// What holds for every submission, before it is looked into.
fn check_form(submitter: &Provider, submission: &Submission) -> Result<(), Problem> {
    if submission.sender.provider() != submitter {
        let text = format!("{} is not a client at {submitter}, who submits", submission.sender);
        return Err(Problem::new(Code::NotParticipant, text));
    }
    let limit = Limits::default().event_bytes;
    if submission.mls.as_slice().len() as u64 > limit {
        let text = format!("an event may have {limit} bytes at most");
        return Err(Problem::new(Code::TooLarge, text).with_limit(limit));
    }
    Ok(())
}

impl Delivery {
    /// A run of application messages: one transaction. The epoch stays while they are judged and numbered.
    async fn submit_applications(
        &self,
        group: &GroupUri,
        submitter: &Provider,
        mut run: Vec<Submission>,
    ) -> Result<Vec<SubmissionResult>, StoreFault> {
        for _ in 0..JUDGED_AT_MOST {
            let Some(state) = self.groups.read(group).await? else {
                return Ok(reject_all(&run, &no_such_group()));
            };
            let epoch = state.epoch();
            let judged: Vec<_> = run
                .into_iter()
                .map(|submission| {
                    let verdict = judge_application(&state, submitter, &submission);
                    (submission, verdict)
                })
                .collect();
            let (uri, submitter) = (group.clone(), submitter.clone());
            let numbered = self.store.write(move |tx| {
                let Some(mut row) = tx.group(&uri)? else { return Ok(Judged::Stands(Vec::new())) };
                if row.epoch != epoch {
                    return Ok(Judged::Stale(judged.into_iter().map(|(submission, _)| submission).collect()));
                }
                let mut results = Vec::with_capacity(judged.len());
                for (submission, verdict) in judged {
                    let outcome = match (known(tx, &row, &submitter, &submission)?, verdict) {
                        (Some(known), _) => known,
                        (None, Err(problem)) => rejected(problem),
                        (None, Ok(epoch)) => Outcome::Accepted(number(
                            tx,
                            &mut row,
                            &submitter,
                            &submission,
                            epoch,
                            Vec::new(),
                        )?),
                    };
                    results.push(SubmissionResult { id: submission.id, outcome });
                }
                Ok::<_, StoreFault>(Judged::Stands(results))
            });
            let numbered = numbered.await;
            drop(state);
            match numbered? {
                Judged::Stands(results) => return Ok(results),
                Judged::Stale(submissions) => run = submissions,
            }
            self.groups.lock(group).await.forget();
        }
        Ok(reject_all(&run, &changed_elsewhere(group)))
    }
}

fn reject_all(run: &[Submission], problem: &Problem) -> Vec<SubmissionResult> {
    let reject =
        |submission: &Submission| SubmissionResult { id: submission.id, outcome: rejected(problem.clone()) };
    run.iter().map(reject).collect()
}

fn changed_elsewhere(group: &GroupUri) -> Problem {
    let text = format!("{group} is in another epoch each time that this is judged; try again in a while");
    Problem::new(Code::Unavailable, text)
}

/// What a transaction finds of what was judged in memory.
enum Judged<T, S> {
    /// The store is in the epoch that it was judged in.
    Stands(T),
    /// The store is in another epoch, so that it has to be judged again.
    Stale(S),
}

/// What became of a submission before, where it has been numbered.
fn known(
    tx: &Tx<'_>,
    row: &GroupRow,
    submitter: &Provider,
    submission: &Submission,
) -> Result<Option<Outcome>, StoreFault> {
    if let Some(placed) = tx.placed(row.id, submitter, submission)? {
        return Ok(Some(Outcome::Duplicate(placed)));
    }
    Ok(tx.was_abandoned(row.id, submitter, submission.id)?.then(|| gone(row.owner())))
}

fn judge_application(state: &Reading, submitter: &Provider, submission: &Submission) -> Result<u64, Problem> {
    check_form(submitter, submission)?;
    match state.framed(submission.mls.as_slice())? {
        Framed::Application { epoch } => {
            state.judge_application(&submission.sender, epoch)?;
            Ok(epoch)
        }
        Framed::Handshake(_) => {
            Err(Problem::new(Code::UnsupportedWireFormat, "application messages have to be PrivateMessage"))
        }
    }
}

fn number(
    tx: &Tx<'_>,
    row: &mut GroupRow,
    submitter: &Provider,
    submission: &Submission,
    epoch: u64,
    grants: Vec<String>,
) -> Result<Placed, StoreFault> {
    let event = NewEvent {
        kind: submission.kind.into(),
        epoch,
        sender: &submission.sender,
        grants,
        body: submission.mls.as_slice(),
        submission: Some((submitter, submission.id)),
    };
    tx.number_event(row, event)
}

impl Delivery {
    /// A proposal or a commit: nothing else happens in the group meanwhile.
    async fn submit_handshake(
        &self,
        group: &GroupUri,
        submitter: &Provider,
        submission: Submission,
    ) -> Result<Outcome, StoreFault> {
        if let Err(problem) = check_form(submitter, &submission) {
            return Ok(rejected(problem));
        }
        let submission = Arc::new(submission);
        for _ in 0..JUDGED_AT_MOST {
            let Some(locked) = self.groups.lock_state(group).await? else {
                return Ok(rejected(no_such_group()));
            };
            match self.place_handshake(group, submitter, &submission, locked).await? {
                Judged::Stands(outcome) => return Ok(outcome),
                Judged::Stale(mut locked) => locked.forget(),
            }
        }
        Ok(rejected(changed_elsewhere(group)))
    }

    async fn place_handshake(
        &self,
        group: &GroupUri,
        submitter: &Provider,
        submission: &Arc<Submission>,
        mut locked: LockedGroup,
    ) -> Result<Judged<Outcome, LockedGroup>, StoreFault> {
        let Some(state) = locked.state() else { return Ok(Judged::Stands(rejected(no_such_group()))) };
        let epoch = state.epoch();
        let judged = read_handshake(state, submission)
            .and_then(|message| state.judge(&submission.sender, message, Hold::Policy));
        match judged {
            Err(problem) => {
                drop(locked);
                self.refuse(group, submitter, submission, problem).await.map(Judged::Stands)
            }
            Ok(JudgedHandshake::Proposal(judged)) => {
                let (uri, submitter, leaver) = (group.clone(), submitter.clone(), judged.leaver());
                let submission = submission.clone();
                let numbered = self.store.write(move |tx| {
                    let Some(mut row) = tx.group(&uri)? else {
                        return Ok(Judged::Stands(rejected(no_such_group())));
                    };
                    if let Some(known) = known(tx, &row, &submitter, &submission)? {
                        return Ok(Judged::Stands(known));
                    }
                    if row.epoch != epoch {
                        return Ok(Judged::Stale(()));
                    }
                    if leaver.is_some() {
                        tx.set_leaving(row.id, leaver)?;
                    }
                    let placed = number(tx, &mut row, &submitter, &submission, epoch, Vec::new())?;
                    Ok::<_, StoreFault>(Judged::Stands(Outcome::Accepted(placed)))
                });
                let outcome = match numbered.await? {
                    Judged::Stands(outcome) => outcome,
                    Judged::Stale(()) => return Ok(Judged::Stale(locked)),
                };
                if let Outcome::Accepted(_) = outcome {
                    if let Some(state) = locked.change() {
                        state.keep(judged);
                    }
                    locked.commit();
                }
                Ok(Judged::Stands(outcome))
            }
            Ok(JudgedHandshake::Commit(judged)) => {
                let span = tracing::debug_span!("commit", %group, epoch, id = %submission.id);
                self.place_commit(group, submitter, submission, locked, *judged).instrument(span).await
            }
        }
    }

    /// What does not hold, or does not any more: what was accepted before is judged against a later epoch, and its first
    /// result counts. Asked by way of the writer: who submitted it then may have gone away while it was on its way into the
    /// store.
    async fn refuse(
        &self,
        group: &GroupUri,
        submitter: &Provider,
        submission: &Arc<Submission>,
        problem: Problem,
    ) -> Result<Outcome, StoreFault> {
        let (group, submitter, submission) = (group.clone(), submitter.clone(), submission.clone());
        let known = self.store.write(move |tx| match tx.group(&group)? {
            Some(row) => known(tx, &row, &submitter, &submission),
            None => Ok(None),
        });
        Ok(known.await?.unwrap_or_else(|| rejected(problem)))
    }
}

fn read_handshake(state: &PublicState, submission: &Submission) -> Result<PublicMessageIn, Problem> {
    let Framed::Handshake(message) = state.framed(submission.mls.as_slice())? else {
        let text = "proposals and commits have to be PublicMessage";
        return Err(Problem::new(Code::UnsupportedWireFormat, text));
    };
    let is_what_it_says = match message.content_type() {
        ContentType::Proposal => submission.kind == SubmissionKind::Proposal,
        ContentType::Commit => submission.kind == SubmissionKind::Commit,
        ContentType::Application => {
            let text = "application messages have to be PrivateMessage";
            return Err(Problem::new(Code::UnsupportedWireFormat, text));
        }
    };
    if !is_what_it_says {
        return Err(invalid(format!("`mls` is not a {}", submission.kind)));
    }
    Ok(*message)
}

impl Delivery {
    /// A commit that MLS and the policy allow: its grants, its Welcome and its GroupInfo are checked, and it is made.
    async fn place_commit(
        &self,
        group: &GroupUri,
        submitter: &Provider,
        submission: &Arc<Submission>,
        mut locked: LockedGroup,
        judged: JudgedCommit,
    ) -> Result<Judged<Outcome, LockedGroup>, StoreFault> {
        let Some(state) = locked.state() else { return Ok(Judged::Stands(rejected(no_such_group()))) };
        let ended = state.epoch();
        if let Err(problem) = check_company(state, submission, &judged) {
            drop(locked);
            return self.refuse(group, submitter, submission, problem).await.map(Judged::Stands);
        }
        let grants = match self.cover_with_grants(group, &judged.needs_grant, &submission.grants).await {
            Ok(grants) => grants,
            Err(uncovered) => {
                drop(locked);
                let problem = match uncovered {
                    Uncovered::Problem(problem) => problem,
                    Uncovered::Later(after) => Problem::new(
                        Code::Unavailable,
                        format!(
                            "the keys of a grant's issuer cannot be had now; try again in {} s",
                            after.as_secs().max(1)
                        ),
                    ),
                    Uncovered::Store(fault) => return Err(fault),
                };
                return self.refuse(group, submitter, submission, problem).await.map(Judged::Stands);
            }
        };
        let Some(state) = locked.change() else { return Ok(Judged::Stands(rejected(no_such_group()))) };
        let changed = match state.merge(judged) {
            Ok(changed) => changed,
            Err(problem) => return Ok(Judged::Stands(rejected(problem))),
        };
        let ratchet_tree = match changed.joined.iter().any(|joined| joined.key_package_ref.is_some()) {
            true => match state.ratchet_tree() {
                Ok(tree) => tree,
                Err(problem) => return Ok(Judged::Stands(rejected(problem))),
            },
            false => Vec::new(),
        };
        let (ours, uri, submitter) = (self.ground.ours.clone(), group.clone(), submitter.clone());
        let submission = submission.clone();
        let made = self.store.write(move |tx| {
            let Some(row) = tx.group(&uri)? else { return Ok(Judged::Stands(rejected(no_such_group()))) };
            if let Some(known) = known(tx, &row, &submitter, &submission)? {
                return Ok(Judged::Stands(known));
            }
            // One commit for each epoch, whoever else may write to the store.
            if row.epoch != ended {
                return Ok(Judged::Stale(()));
            }
            place(tx, &ours, row, &submitter, &submission, ended, &changed, &grants, &ratchet_tree)
                .map(|placed| Judged::Stands(Outcome::Accepted(placed)))
        });
        match made.await? {
            Judged::Stands(outcome @ Outcome::Accepted(_)) => {
                locked.commit();
                Ok(Judged::Stands(outcome))
            }
            // What was merged in memory is discarded with the guard.
            Judged::Stands(outcome) => Ok(Judged::Stands(outcome)),
            Judged::Stale(()) => Ok(Judged::Stale(locked)),
        }
    }
}

/// Whether what has to come with a commit has come.
fn check_company(state: &PublicState, submission: &Submission, judged: &JudgedCommit) -> Result<(), Problem> {
    let missing =
        |name| Problem::new(Code::Malformed, format!("`{name}` is missing, which this commit needs"));
    let info = submission.group_info.as_ref().ok_or_else(|| missing("group_info"))?;
    state.check_group_info(judged, info.as_slice())?;
    let mut added = judged.added_refs().peekable();
    if added.peek().is_some() {
        let welcome =
            framing::welcome(submission.welcome.as_ref().ok_or_else(|| missing("welcome"))?.as_slice())?;
        let welcomed: BTreeSet<Vec<u8>> =
            welcome.secrets().iter().map(|secret| secret.new_member().as_slice().to_vec()).collect();
        if added.any(|reference| !welcomed.contains(reference)) {
            return Err(invalid("`welcome` does not welcome everyone whom the commit adds".into()));
        }
    }
    Ok(())
}

/// Puts a commit and all that follows from it into the store.
#[expect(clippy::too_many_arguments, reason = "all that one commit changes, in one transaction")]
fn place(
    tx: &Tx<'_>,
    ours: &Provider,
    mut row: GroupRow,
    submitter: &Provider,
    submission: &Submission,
    epoch: u64,
    changed: &Changed,
    grants: &[Usable],
    ratchet_tree: &[u8],
) -> Result<Placed, StoreFault> {
    let seq = row.head + 1;
    for grant in grants {
        tx.spend_grant(&grant.iss, grant.jti, grant.ends)?;
    }
    let gone = begin_epoch(tx, ours, &mut row, changed, seq, |joined| {
        grants.iter().find(|grant| grant.user == *joined.client.user()).map(|grant| grant.jws.clone())
    })?;
    if let Some(info) = &submission.group_info {
        tx.set_group_info(row.id, info.as_slice())?;
    }
    if let Some(welcome) = &submission.welcome {
        for (reader, refs) in welcomed(ours, changed) {
            tx.append_welcome(&reader, &row.uri, welcome.as_slice(), refs, ratchet_tree, seq)?;
        }
    }
    let by = grants.iter().map(|grant| grant.jws.clone()).collect();
    let placed = number(tx, &mut row, submitter, submission, epoch, by)?;
    end_stays(tx, ours, &row, changed, &gone, seq)?;
    for provider in gone {
        tell_removed(tx, &row, provider, seq)?;
    }
    Ok(placed)
}

/// Who is told of a Welcome, and for which KeyPackages: the provider of those added, and of ours each client.
fn welcomed(ours: &Provider, changed: &Changed) -> BTreeMap<Reader, Vec<Octets>> {
    let mut readers: BTreeMap<Reader, Vec<Octets>> = BTreeMap::new();
    for joined in &changed.joined {
        let Some(reference) = &joined.key_package_ref else { continue };
        let reader = if joined.client.provider() == ours {
            Reader::Client(joined.client.clone())
        } else {
            Reader::Peer(joined.client.provider().clone())
        };
        readers.entry(reader).or_default().push(Octets(reference.clone()));
    }
    readers
}
