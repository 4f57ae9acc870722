//! A group of ours with two histories, because our store went back and has numbered again what it had numbered before: the
//! history from before the loss wins (section 12).
//!
//! A checkpoint that we have signed proves that history; where it parts from ours is a point at which a life of this process
//! began to number in the group, and how the group stood there is kept.

use std::collections::VecDeque;

use drawbridge_mtp::chain::Head;
use drawbridge_mtp::checkpoint::CheckpointClaims;
use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::{Event, ItemBody, Outcome, ResultItem, SubmissionResult};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::problem::{Code, Problem};
use tokio::time::Instant;

use crate::delivery::Delivery;
use crate::delivery::mls::state::PublicState;
use crate::delivery::owner::walk::{End, Participant, Walk};
use crate::peer_fault::{PeerFault, Stage};
use crate::store::{AbandonedSubmission, Reader, RestartPoint, StoreFault, Tx};

/// The code of a trouble that does not end by itself: our log has had two histories.
pub(in crate::delivery) const OWN_LOG_FORKED: &str = "own-log-forked";

/// What is to be done about a participant whose log is another than ours.
pub(in crate::delivery) enum Fork {
    /// Nothing: it has what we know not to count, and will find that out by itself.
    Settled,
    /// What it has from there on is from before the loss.
    Wins(Box<Proven>),
    /// Nothing can be done about it, or not yet.
    Stays(PeerFault),
}

/// A history of a group that a checkpoint of ours proves.
pub(in crate::delivery) struct Proven {
    /// Where it parts from our log.
    pub(in crate::delivery) point: RestartPoint,
    /// The hashes of its events behind that, up to what the checkpoint covers.
    pub(in crate::delivery) hashes: VecDeque<Hash32>,
}

impl Delivery {
    /// Judges the log of the participant `from`, which holds the checkpoint `claims` of ours that says something else than our log.
    pub(in crate::delivery) async fn judge_fork(
        &self,
        group: &GroupUri,
        from: &Participant,
        claims: &CheckpointClaims,
        deadline: Instant,
    ) -> Result<Fork, StoreFault> {
        let (uri, seq, hash) = (group.clone(), claims.seq, claims.hash);
        let points = self.store.read(move |view| match view.group(&uri)? {
            Some(row) if !view.is_abandoned(row.id, seq, &hash)? => view.restart_points(row.id).map(Some),
            _ => Ok(None),
        });
        let Some(points) = points.await? else { return Ok(Fork::Settled) };
        let stays = |text: String| {
            let text = format!(
                "it holds a checkpoint of ours by which event {} of {group} was another than it is here: our store was an older copy and has gone on. {text}",
                claims.seq
            );
            Fork::Stays(PeerFault::new(Stage::Store, OWN_LOG_FORKED, text))
        };
        for point in points.into_iter().filter(|point| point.seq < claims.seq) {
            let page = match self.in_time(self.fetch_log(&from.provider, &from.name, point.seq)).await {
                Ok(page) => page,
                Err(fault) => return Ok(Fork::Stays(fault)),
            };
            let Some(first) = page.events.first() else { continue };
            match self.compare_histories(group, &point, first).await? {
                Parting::Earlier => {}
                Parting::Later => break,
                Parting::OursIsOlder => return Ok(Fork::Settled),
                Parting::Here => {
                    return Ok(match self.prove_history(group, from, claims, &point, deadline).await? {
                        Ok(hashes) => Fork::Wins(Box::new(Proven { point, hashes })),
                        Err(End::Fault(fault)) => {
                            stays(format!("What it has cannot be taken: {}", fault.text))
                        }
                        Err(_) => stays("What it has does not reach that event yet".into()),
                    });
                }
            }
        }
        Ok(stays("How the group stood where the two part is not kept any more, so ours goes on".into()))
    }
}

/// Where two histories part, as seen from a point of ours and the event behind it of the other.
enum Parting {
    Earlier,
    Here,
    Later,
    /// Here, and what we have was numbered before the other.
    OursIsOlder,
}

impl Delivery {
    async fn compare_histories(
        &self,
        group: &GroupUri,
        point: &RestartPoint,
        first: &Event,
    ) -> Result<Parting, StoreFault> {
        if first.seq != point.seq + 1 || first.prev != point.hash {
            return Ok(Parting::Earlier);
        }
        let (uri, seq) = (group.clone(), first.seq);
        let ours = self.store.read(move |view| {
            let Some(row) = view.group(&uri)? else { return Ok::<_, StoreFault>(None) };
            Ok(view.event_hash(row.id, seq)?.zip(view.event_origin(row.id, seq)?))
        });
        Ok(match ours.await? {
            Some((hash, _)) if hash == first.hash => Parting::Later,
            // What was read back is not from after the loss for being here: of two that are proved, the older counts.
            Some((_, (time, true))) if time <= first.time => Parting::OursIsOlder,
            Some(_) => Parting::Here,
            None => Parting::Later,
        })
    }

    /// Reads the other history up to what the checkpoint covers. Returns its hashes, where all of it holds.
    async fn prove_history(
        &self,
        group: &GroupUri,
        from: &Participant,
        claims: &CheckpointClaims,
        point: &RestartPoint,
        deadline: Instant,
    ) -> Result<Result<VecDeque<Hash32>, End>, StoreFault> {
        let nothing = VecDeque::new();
        let Some(mut walk) = self.beside(group, from, point, nothing, false).await? else {
            return Ok(Err(End::Done));
        };
        let mut hashes = VecDeque::new();
        loop {
            let (events, end) = walk.page().await;
            let covered = events.iter().filter(|kept| kept.event.seq <= claims.seq);
            hashes.extend(covered.map(|kept| kept.event.hash));
            if hashes.back() == Some(&claims.hash) && point.seq + hashes.len() as u64 == claims.seq {
                return Ok(Ok(hashes));
            }
            if let Some(end) = end {
                return Ok(Err(end));
            }
            if Instant::now() >= deadline || walk.head.seq >= claims.seq {
                return Ok(Err(End::Late));
            }
        }
    }

    /// A walk through the log of `from` that begins at `point`; none where the group's state there cannot be had.
    pub(in crate::delivery) async fn beside<'a>(
        &'a self,
        group: &'a GroupUri,
        from: &'a Participant,
        point: &RestartPoint,
        known: VecDeque<Hash32>,
        whole: bool,
    ) -> Result<Option<Walk<'a>>, StoreFault> {
        let (uri, epoch, until) = (group.clone(), point.state_epoch, point.seq);
        let handshakes = self.store.read(move |view| match view.group(&uri)? {
            Some(row) => view.handshakes_until(row.id, epoch, until),
            None => Ok(Vec::new()),
        });
        let restored =
            PublicState::restore(&point.state, group, &handshakes.await?, self.groups.conventions());
        let state = match restored {
            Ok(state) => state,
            Err(fault) => {
                tracing::error!(%group, %fault, "how a group stood cannot be read");
                return Ok(None);
            }
        };
        let head = Head { seq: point.seq, hash: point.hash };
        Ok(Some(Walk::beside(self, group, from, head, state, known, whole)))
    }
}

/// Tells clients of ours that what they have submitted does not count (section 12): they send it again.
pub(in crate::delivery) fn tell_gone(
    tx: &Tx<'_>,
    group: &GroupUri,
    abandoned: Vec<AbandonedSubmission>,
) -> Result<(), StoreFault> {
    for AbandonedSubmission { client, id } in abandoned {
        let result = SubmissionResult { id, outcome: gone(group.provider()) };
        let item = ResultItem { group: group.clone(), result };
        tx.append(&Reader::Client(client), &ItemBody::Result(item))?;
    }
    Ok(())
}

/// What is answered of a submission whose event does not count.
pub(in crate::delivery) fn gone(owner: &Provider) -> Outcome {
    let text = format!(
        "the store of {owner} went back to an older copy before this was numbered, and the history from before that counts: send it again"
    );
    Outcome::Rejected(Box::new(Problem::new(Code::Gone, text).into()))
}
