//! Holding what owners say of their logs against our copies (section 10): an owner that tells two stories, on purpose or
//! because its store went back, is found out, and what proves it is kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::checkpoint::{CheckpointClaims, UnverifiedCheckpoint};
use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::message::CheckpointReply;
use drawbridge_mtp::time::Timestamp;
use futures_util::{StreamExt, stream};
use tokio::sync::broadcast::error::RecvError;

use super::follow::store_fault;
use crate::changes::Change;
use crate::core::Core;
use crate::diagnose::{PeerFault, Stage};
use crate::peers::Ask;
use crate::store::{KeptCheckpoint, Standing, StoreFault, Tx};

/// The owner of a group is asked for a checkpoint at most so often.
const ASK_EVERY: Duration = Duration::from_secs(60);
/// So many owners are asked at one time.
const SIDE_BY_SIDE: usize = 8;
/// A checkpoint may be signed by a clock that is so far ahead.
const CLOCK_SKEW_S: u64 = 300;

/// Asks the owners of groups in which something was stored for a checkpoint, and holds it against our copy, until the node
/// stops. What was stored before this life began and is not covered yet is asked for at once.
pub(crate) async fn compare_checkpoints(core: Arc<Core>) {
    let mut changes = core.changes.listen();
    let mut due: BTreeMap<GroupUri, Timestamp> = BTreeMap::new();
    look_for_due(&core, &mut due, core.ambient.now()).await;
    loop {
        let turned = core.ambient.turned();
        let next = due.values().min().map(|at| at.since(core.ambient.now()));
        tokio::select! {
            () = core.stop.cancelled() => return,
            () = turned => {}
            () = tokio::time::sleep(next.unwrap_or(ASK_EVERY)) => {}
            change = changes.recv() => match change {
                Ok(Change::Group(group)) if *group.provider() != core.ours => {
                    due.entry(group).or_insert_with(|| core.ambient.now().plus(ASK_EVERY));
                    continue;
                }
                Ok(_) => continue,
                Err(RecvError::Lagged(_)) => {
                    let later = core.ambient.now().plus(ASK_EVERY);
                    look_for_due(&core, &mut due, later).await;
                    continue;
                }
                Err(RecvError::Closed) => return,
            },
        }
        let now = core.ambient.now();
        let asked: Vec<GroupUri> =
            due.iter().filter(|(_, at)| **at <= now).map(|(group, _)| group.clone()).collect();
        // What is stored from here on is for the next time.
        due.retain(|_, at| *at > now);
        let asking: Vec<_> = asked.iter().map(|group| ask(&core, group)).collect();
        let mut asking = stream::iter(asking).buffer_unordered(SIDE_BY_SIDE);
        let all = async { while asking.next().await.is_some() {} };
        tokio::select! {
            () = core.stop.cancelled() => return,
            () = all => {}
        }
    }
}

/// Has the groups asked for at `at` of whose log more is here than a checkpoint covers.
async fn look_for_due(core: &Core, due: &mut BTreeMap<GroupUri, Timestamp>, at: Timestamp) {
    let ours = core.ours.clone();
    match core.store.read(move |view| view.groups_beyond_checkpoint(&ours)).await {
        Ok(groups) => groups.into_iter().for_each(|group| {
            due.entry(group).or_insert(at);
        }),
        Err(fault) => tracing::error!(%fault, "it cannot be read which logs are to be compared"),
    }
}

/// Asks the owner of a group for a checkpoint where there is something that it might cover anew. That it cannot be had is
/// nothing to be noted: with what is stored next, it is asked for again.
async fn ask(core: &Core, group: &GroupUri) {
    let owner = group.provider();
    if let Err(fault) = fetch(core, group).await {
        if fault.stage == Stage::Content {
            core.note_trouble(owner, &fault).await;
        }
        tracing::debug!(%group, %fault, "there is no checkpoint of its owner now");
    }
}

async fn fetch(core: &Core, group: &GroupUri) -> Result<(), PeerFault> {
    let uri = group.clone();
    let is_due = core.store.read(move |view| {
        let Some(row) = view.group(&uri)?.filter(|row| row.standing != Standing::Over) else {
            return Ok::<_, StoreFault>(false);
        };
        // Where its log was not what it was before, what it says now proves why.
        let is_broken = row.standing == Standing::Broken;
        Ok(view.checkpoint(row.id)?.is_none_or(|kept| kept.seq < row.head || is_broken))
    });
    if !is_due.await.map_err(store_fault)? {
        return Ok(());
    }
    let owner = group.provider();
    let answer = core.call(owner, Ask::get(format!("/groups/{}/checkpoint", group.name()))).await?;
    let reply: CheckpointReply = answer
        .message()
        .map_err(|fault| PeerFault::new(Stage::Content, "malformed", format!("its checkpoint: {fault}")))?;
    hold(core, group, reply.checkpoint).await
}

/// Holds a checkpoint of the owner of `group` against the one before and against our copy of the log, keeps the newest, and
/// where they disagree keeps what proves it and tells the operator.
async fn hold(core: &Core, group: &GroupUri, jws: String) -> Result<(), PeerFault> {
    let claims = verified(core, group, &jws).await?;
    let said = KeptCheckpoint { seq: claims.seq, hash: claims.hash, jws };
    let uri = group.clone();
    let found = core.store.write(move |tx| hold_against(tx, &uri, &said)).await.map_err(store_fault)?;
    if let Some(seq) = found {
        let text = format!(
            "it has said two things about event {seq} of {group}: its log was forked, by a store that went back or on purpose, and members may have read different things; what proves it is kept. Ask its operator"
        );
        tracing::error!(%group, seq, "the owner of a group has told two stories of its log");
        core.note_trouble(group.provider(), &PeerFault::new(Stage::Store, "log-forked", text)).await;
    }
    Ok(())
}

/// What a checkpoint says, where the owner of `group` has signed it for that group and it is of now.
async fn verified(core: &Core, group: &GroupUri, jws: &str) -> Result<CheckpointClaims, PeerFault> {
    let wrong = |text: String| PeerFault::new(Stage::Content, "checkpoint-wrong", text);
    let unverified =
        UnverifiedCheckpoint::parse(jws).map_err(|fault| wrong(format!("its checkpoint: {fault}")))?;
    let owner = group.provider();
    if unverified.issuer() != owner {
        return Err(wrong(format!("its checkpoint of {group} is of {}", unverified.issuer())));
    }
    let key = core.key_of(owner, unverified.kid()).await.map_err(|_| {
        PeerFault::new(
            Stage::Signature,
            "key-unknown",
            format!("the key of {owner}'s checkpoint is not known"),
        )
    })?;
    let now = core.ambient.now().as_secs();
    unverified
        .verify(&key)
        .filter(|claims| claims.group == *group && claims.exp > now && claims.iat <= now + CLOCK_SKEW_S)
        .ok_or_else(|| {
            wrong(format!("its checkpoint of {group} does not verify, is of another group or has ended"))
        })
}

/// Keeps the newest, and what disagrees. Returns the event about which two things were said, where there is one.
fn hold_against(tx: &Tx<'_>, group: &GroupUri, said: &KeptCheckpoint) -> Result<Option<u64>, StoreFault> {
    let Some(row) = tx.group(group)? else { return Ok(None) };
    let kept = tx.checkpoint(row.id)?;
    let mut found = None;
    if let Some(kept) = kept.as_ref().filter(|kept| kept.seq == said.seq && kept.hash != said.hash) {
        tx.keep_contradiction(row.id, kept.hash, Some(&kept.jws), said)?;
        found = Some(said.seq);
    }
    // What was said before we had come so far is held against our copy now.
    for said in kept.iter().chain([said]) {
        if let Some(ours) = tx.event_hash(row.id, said.seq)?.filter(|ours| *ours != said.hash) {
            tx.keep_contradiction(row.id, ours, None, said)?;
            found = Some(said.seq);
        }
    }
    if kept.is_none_or(|kept| kept.seq <= said.seq) {
        tx.keep_checkpoint(&row, said)?;
    }
    Ok(found)
}
