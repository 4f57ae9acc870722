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
pub(crate) struct Answers(Mutex<HashMap<(GroupUri, Id), Waiting>>);

/// Those who wait for what becomes of one submission.
type Waiting = Vec<oneshot::Sender<Outcome>>;

impl Answers {
    fn wait(&self, group: &GroupUri, id: Id) -> oneshot::Receiver<Outcome> {
        let (tell, told) = oneshot::channel();
        lock(&self.0).entry((group.clone(), id)).or_default().push(tell);
        told
    }

    /// Those who wait for what became of a submission: from here on they have to be told.
    fn take(&self, group: &GroupUri, id: Id) -> Vec<oneshot::Sender<Outcome>> {
        let mut waiting = lock(&self.0).remove(&(group.clone(), id)).unwrap_or_default();
        waiting.retain(|tell| !tell.is_closed());
        waiting
    }

    /// Waits no longer, unless the answer is on its way already: then it is told nowhere else.
    async fn give_up(&self, group: &GroupUri, id: Id, told: oneshot::Receiver<Outcome>) -> Option<Outcome> {
        {
            let mut waiting = lock(&self.0);
            if let Some(tells) = waiting.get_mut(&(group.clone(), id)) {
                drop(told);
                tells.retain(|tell| !tell.is_closed());
                if tells.is_empty() {
                    waiting.remove(&(group.clone(), id));
                }
                return None;
            }
        }
        told.await.ok()
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
    if !submissions.iter().flat_map(|submission| &submission.grants).all(|grant| may_be_grant(grant)) {
        let text = "a grant is a compact JWS of at most 4096 characters";
        return Err(Problem::new(Code::Malformed, text).into());
    }
    let ours = *group.provider() == core.ours;
    delivery::recover_for(core, group, &Reader::Client(client.clone())).await?;
    // Mostly it is a member, and the state of a group of ours is at hand.
    if !(ours && core.groups.is_known_in(group, client)) {
        let may = core.store.glance(|view| match view.group(group)? {
            Some(row) => view.is_in(row.id, client.user()),
            None => Ok(false),
        });
        if !may? {
            let text = "there is no such group here, or your user is not in it";
            return Err(Problem::new(Code::NotFound, text).into());
        }
    }
    if ours {
        return Ok(delivery::submit(core, group, &core.ours, submissions).await?);
    }
    let waiting = core.store.glance(|view| view.count_outbox(client))?;
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
        let told = tokio::select! {
            told = &mut answer => told.ok(),
            () = tokio::time::sleep_until(deadline) => core.answers.give_up(group, id, answer).await,
            () = core.stop.cancelled() => core.answers.give_up(group, id, answer).await,
        };
        results.push(SubmissionResult { id, outcome: told.unwrap_or(Outcome::Queued) });
    }
    Ok(results)
}

/// Whether a text has the characters of a compact JWS. What else a client calls a grant could make others' submissions,
/// which go to the owner in the same request, malformed or too large with it.
fn may_be_grant(text: &str) -> bool {
    let of_jws = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    (1..=4096).contains(&text.len()) && text.bytes().all(of_jws)
}

/// The feed in which a client learns what became of what it submitted.
fn feed_of(client: &ClientUri) -> Reader {
    Reader::Client(client.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::{AmbientExt, System};

    #[tokio::test]
    async fn an_answer_that_is_on_its_way_is_not_given_up() {
        let (answers, group) = (Answers::default(), "mimi://a.example/g/tea".parse().unwrap());
        let id = System.id();
        let told = answers.wait(&group, id);
        let tell = answers.take(&group, id).pop().unwrap();
        let (given_up, ()) = tokio::join!(answers.give_up(&group, id, told), async {
            tell.send(Outcome::Queued).unwrap();
        });
        assert_eq!(given_up, Some(Outcome::Queued));

        let (first, second) = (answers.wait(&group, id), answers.wait(&group, id));
        assert_eq!(answers.give_up(&group, id, first).await, None);
        for tell in answers.take(&group, id) {
            tell.send(Outcome::Queued).unwrap();
        }
        assert_eq!(second.await, Ok(Outcome::Queued), "one who gives up takes nothing from another");
    }
}
