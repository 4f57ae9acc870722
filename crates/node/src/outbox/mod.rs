//! What our clients submit to groups that others own: kept until the owner has accepted or rejected it, sent in order for
//! each group, and as often as it takes (section 10; `docs/client-api.md`).

mod answers;
mod batch;
mod courier;
mod put_off;

use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::id::{ClientUri, GroupUri, Id};
use drawbridge_mtp::message::{Outcome, PeerState, Submission, SubmissionResult};
use drawbridge_mtp::problem::{Code, Problem};

use self::answers::Answers;
use crate::delivery::Delivery;
use crate::ground::Ground;
use crate::ground::unsigned::Unsigned;
use crate::peers::Peers;
use crate::refusal::Refusal;
use crate::store::{Reader, Standing, Store, StoreFault};

/// How long a client is kept waiting for the owner's answer; after that it comes by the client's feed.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// What one client may have waiting.
const QUEUED: u64 = 10_000;

/// What our clients submit to groups of other owners, on its way there.
pub(crate) struct Outbox {
    /// Our name, our clock, and whether the node stops.
    ground: Arc<Ground>,
    /// Where submissions wait.
    store: Store,
    /// How owners are reached.
    peers: Arc<Peers>,
    /// Judges what is for groups of ours.
    delivery: Arc<Delivery>,
    /// The clients that wait for an owner's answer.
    answers: Answers,
}

impl Outbox {
    pub(crate) fn new(ground: Arc<Ground>, store: Store, peers: Arc<Peers>, delivery: Arc<Delivery>) -> Self {
        Self { ground, store, peers, delivery, answers: Answers::default() }
    }

    /// Submits what `client` has for `group`, each submission judged by itself, and waits a while for the owner's answer, unless
    /// the owner is known to be away.
    ///
    /// # Errors
    ///
    /// `not-found` where the client's user is not in the group, `unavailable` while the group is broken, `rate-limited` where too much of it waits already.
    pub(crate) async fn submit(
        &self,
        client: &ClientUri,
        group: &GroupUri,
        submissions: Vec<Submission>,
    ) -> Result<Vec<SubmissionResult>, Refusal> {
        // What is made while another copy runs may be made twice with the same keys.
        self.ground.copies.check().map_err(Unsigned::from)?;
        let ours = *group.provider() == self.ground.ours;
        self.delivery.recover_for(group, &Reader::Client(client.clone())).await?;
        // Mostly it is a member, and the state of a group of ours is at hand.
        if !(ours && self.delivery.is_known_in(group, client)) {
            let standing = self.store.glance(|view| match view.group(group)? {
                Some(row) => Ok::<_, StoreFault>((view.is_in(row.id, client.user())?, Some(row.standing))),
                None => Ok((false, None)),
            });
            let (may, standing) = standing?;
            if standing == Some(Standing::Broken) {
                let text = "its owner's log of the group is not what it was; it is compared each minute, and goes on once that is settled";
                return Err(Problem::new(Code::Unavailable, text).into());
            }
            if !may {
                let text = "there is no such group here, or your user is not in it";
                return Err(Problem::new(Code::NotFound, text).into());
            }
        }
        let verdicts: Vec<(Id, Option<Problem>)> =
            submissions.iter().map(|submission| (submission.id, check(client, submission).err())).collect();
        let passed = submissions.into_iter().zip(&verdicts).filter(|(_, (_, problem))| problem.is_none());
        let passed: Vec<Submission> = passed.map(|(submission, _)| submission).collect();
        let judged = match passed.is_empty() {
            true => Vec::new(),
            false if ours => self.delivery.submit(group, &self.ground.ours, passed).await?,
            false => self.hand_over(client, group, passed).await?,
        };
        let mut judged = judged.into_iter();
        let results = verdicts.into_iter().filter_map(|(id, problem)| match problem {
            Some(problem) => {
                let outcome = Outcome::Rejected(Box::new(problem.into()));
                self.delivery.refusals.note(group, [(id, &outcome)], self.ground.ambient.now());
                Some(SubmissionResult { id, outcome })
            }
            None => judged.next(),
        });
        Ok(results.collect())
    }
}

/// What holds for whatever a client of ours submits, to whichever owner.
fn check(client: &ClientUri, submission: &Submission) -> Result<(), Problem> {
    if submission.sender != *client {
        let text = format!("{} is not this client; a client submits for itself", submission.sender);
        return Err(Problem::new(Code::NotParticipant, text));
    }
    if !submission.grants.iter().all(|grant| may_be_grant(grant)) {
        let text = "a grant is a compact JWS of at most 4096 characters";
        return Err(Problem::new(Code::Malformed, text));
    }
    Ok(())
}

impl Outbox {
    /// Keeps submissions for another owner, and waits for what becomes of them. What is not answered in time is `Queued`: its
    /// result comes by the client's feed.
    async fn hand_over(
        &self,
        client: &ClientUri,
        group: &GroupUri,
        submissions: Vec<Submission>,
    ) -> Result<Vec<SubmissionResult>, Refusal> {
        let owner = group.provider();
        let (waiting, state) = self
            .store
            .glance(|view| Ok::<_, StoreFault>((view.count_outbox(client)?, view.peer_state(owner)?)))?;
        if waiting + submissions.len() as u64 > QUEUED {
            let text = format!("{waiting} of your messages still wait for {owner}");
            return Err(Refusal::after(Problem::new(Code::RateLimited, text), Duration::from_secs(60)));
        }
        let ids: Vec<Id> = submissions.iter().map(|submission| submission.id).collect();
        // Who is not asked will not answer.
        let will_answer = state == PeerState::Allowed && !self.peers.absence.is_away(owner);
        let answers: Vec<_> =
            ids.iter().map(|id| will_answer.then(|| self.answers.wait(group, *id))).collect();
        let uri = group.clone();
        self.store
            .write(move |tx| {
                submissions
                    .iter()
                    .try_for_each(|submission| tx.queue(&uri, submission))
                    .map_err(Refusal::from)
            })
            .await?;
        let deadline = tokio::time::Instant::now() + ANSWER_TIME;
        let mut results = Vec::with_capacity(ids.len());
        for (id, answer) in ids.into_iter().zip(answers) {
            let told = match answer {
                None => None,
                Some(mut answer) => tokio::select! {
                    told = &mut answer => told.ok(),
                    () = tokio::time::sleep_until(deadline) => self.answers.give_up(group, id, answer).await,
                    // Nobody waits for an owner that is away.
                    () = self.peers.absence.of(owner) => self.answers.give_up(group, id, answer).await,
                    () = self.ground.stop.cancelled() => self.answers.give_up(group, id, answer).await,
                },
            };
            results.push(SubmissionResult { id, outcome: told.unwrap_or(Outcome::Queued) });
        }
        Ok(results)
    }
}

/// Whether a text has the characters of a compact JWS. What else a client calls a grant could make others' submissions,
/// which go to the owner in the same request, too large with it.
fn may_be_grant(text: &str) -> bool {
    let of_jws = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    (1..=4096).contains(&text.len()) && text.bytes().all(of_jws)
}

/// The feed in which a client learns what became of what it submitted.
fn feed_of(client: &ClientUri) -> Reader {
    Reader::Client(client.clone())
}
