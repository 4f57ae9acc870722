//! What our clients submit to groups that others own: kept until the owner has accepted or rejected it, sent in order for
//! each group, and as often as it takes (section 10; `docs/client-api.md`).

mod courier;

pub(crate) use courier::deliver;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use drawbridge_mtp::id::{ClientUri, GroupUri, Id};
use drawbridge_mtp::message::{Outcome, Submission, SubmissionResult};
use drawbridge_mtp::problem::{Code, Problem};
use tokio::sync::oneshot;

use crate::core::{Core, lock};
use crate::delivery;
use crate::http::Refusal;
use crate::store::Reader;

/// How long a client is kept waiting for the owner's answer; after that it comes by the client's feed.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// What one client may have waiting.
const QUEUED: u64 = 10_000;

/// Clients that wait for an owner's answer.
#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<HashMap<(GroupUri, Id), oneshot::Sender<Outcome>>>);

impl Answers {
    fn wait(&self, group: &GroupUri, id: Id) -> oneshot::Receiver<Outcome> {
        let (tell, told) = oneshot::channel();
        lock(&self.0).insert((group.clone(), id), tell);
        told
    }

    /// Waits no longer; `false` where the answer is on its way already.
    fn give_up(&self, group: &GroupUri, id: Id) -> bool {
        lock(&self.0).remove(&(group.clone(), id)).is_some()
    }

    /// Who waits for what became of a submission.
    fn take(&self, group: &GroupUri, id: Id) -> Option<oneshot::Sender<Outcome>> {
        lock(&self.0).remove(&(group.clone(), id)).filter(|tell| !tell.is_closed())
    }
}

/// Submits what `client` has for `group`, and waits a while for the owner's answer.
pub(crate) async fn submit(
    core: &Core,
    client: &ClientUri,
    group: &GroupUri,
    submissions: Vec<Submission>,
) -> Result<Vec<SubmissionResult>, Refusal> {
    if let Some(other) = submissions.iter().find(|submission| submission.sender != *client) {
        let text = format!("{} is not this client; a client submits for itself", other.sender);
        return Err(Problem::new(Code::NotAuthorized, text).into());
    }
    let uri = group.clone();
    let asked = client.clone();
    let may = core.store.read(move |view| {
        let Some(row) = view.group(&uri)? else { return Ok(None) };
        let is_in = view.groups_of(asked.user())?.iter().any(|of_user| of_user.id == row.id);
        Ok::<_, Refusal>(is_in.then_some(view.count_outbox(&asked)?))
    });
    let text = "there is no such group here, or your user is not in it";
    let waiting = may.await?.ok_or_else(|| Problem::new(Code::NotFound, text))?;
    if *group.provider() == core.ours {
        return Ok(delivery::submit(core, group, &core.ours, submissions).await?);
    }
    if waiting + submissions.len() as u64 > QUEUED {
        let text = format!("{waiting} of your messages still wait for {}", group.provider());
        return Err(Refusal::after(Problem::new(Code::RateLimited, text), Duration::from_secs(60)));
    }
    let ids: Vec<Id> = submissions.iter().map(|submission| submission.id).collect();
    let answers: Vec<_> = ids.iter().map(|id| core.answers.wait(group, *id)).collect();
    let uri = group.clone();
    core.store
        .write(move |tx| {
            submissions.iter().try_for_each(|submission| tx.queue(&uri, submission)).map_err(Refusal::from)
        })
        .await?;
    let deadline = tokio::time::Instant::now() + ANSWER_TIME;
    let mut results = Vec::with_capacity(ids.len());
    for (id, mut answer) in ids.into_iter().zip(answers) {
        let mut answered = tokio::select! {
            answer = &mut answer => answer.ok(),
            () = tokio::time::sleep_until(deadline) => None,
            () = core.stop.cancelled() => None,
        };
        if answered.is_none() && !core.answers.give_up(group, id) {
            // Whoever took it is about to answer, and counts on being heard: no item will tell of it.
            answered = answer.await.ok();
        }
        results.push(SubmissionResult { id, outcome: answered.unwrap_or(Outcome::Queued) });
    }
    Ok(results)
}

/// The feed in which a client learns what became of what it submitted.
fn feed_of(client: &ClientUri) -> Reader {
    Reader::Client(client.clone())
}
