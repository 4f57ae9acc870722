//! `POST /submissions`: what a participant submits to any number of our groups (section 10).

use std::collections::BTreeMap;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::{
    GroupResults, GroupSubmissions, Outcome, ReceivedSubmission, SetAside, Submission, SubmissionAnswer,
    SubmissionResult,
};
use drawbridge_mtp::problem::ReceivedProblem;
use futures_util::{FutureExt, StreamExt, stream};

use crate::delivery::Delivery;
use crate::refusal::Refusal;

/// So many groups are judged at one time: what many write at once, the store writes in one transaction.
const SIDE_BY_SIDE: usize = 32;

/// What one of the groups of a request is, by its place in it.
type Entry = (usize, Vec<ReceivedSubmission>);

impl Delivery {
    /// Judges what `submitter` submits to groups of ours, each submission by itself and in order within its group. What goes
    /// wrong with one group is told of that group alone.
    pub(crate) async fn receive_submissions(
        &self,
        submitter: &Provider,
        groups: Vec<GroupSubmissions<ReceivedSubmission>>,
    ) -> Vec<GroupResults<SubmissionAnswer>> {
        let mut answers: Vec<_> = groups
            .iter()
            .map(|asked| GroupResults { group: asked.group.clone(), results: Vec::new() })
            .collect();
        // A group that is there twice is judged in the order of the request all the same.
        let mut by_name: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for (place, GroupSubmissions { group, events }) in groups.into_iter().enumerate() {
            by_name.entry(group).or_default().push((place, events));
        }
        let judging: Vec<_> = by_name
            .into_iter()
            .map(|(name, entries)| self.judge_entries(submitter, name, entries).boxed())
            .collect();
        let mut judging = stream::iter(judging).buffer_unordered(SIDE_BY_SIDE);
        while let Some(judged) = judging.next().await {
            for (place, results) in judged {
                answers[place].results = results;
            }
        }
        answers
    }

    async fn judge_entries(
        &self,
        submitter: &Provider,
        name: String,
        entries: Vec<Entry>,
    ) -> Vec<(usize, Vec<SubmissionAnswer>)> {
        let mut answered = Vec::with_capacity(entries.len());
        for (place, received) in entries {
            let (submissions, aside) = SetAside::part(received);
            answered.push((place, aside.answer(self.judge_in_form(submitter, &name, submissions).await)));
        }
        answered
    }

    async fn judge_in_form(
        &self,
        submitter: &Provider,
        name: &str,
        submissions: Vec<Submission>,
    ) -> Vec<SubmissionResult> {
        let ids: Vec<_> = submissions.iter().map(|submission| submission.id).collect();
        let refusal = match self.own_group(submitter, name).await {
            Ok(row) => match self.submit(&row.uri, submitter, submissions).await {
                Ok(results) => return results,
                Err(fault) => Refusal::from(fault),
            },
            Err(refusal) => refusal,
        };
        let problem = ReceivedProblem::from(refusal);
        let reject = |id| SubmissionResult { id, outcome: Outcome::Rejected(Box::new(problem.clone())) };
        ids.into_iter().map(reject).collect()
    }
}
