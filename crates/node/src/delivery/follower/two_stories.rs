//! An owner that has said two things of one event of its log (section 10): what proves it is kept, and the operator is told. This
//! is the one way in which that is raised, whoever has found it.

use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::Event;

use crate::delivery::Delivery;
use crate::delivery::answers::checkpoint;
use crate::delivery::owner::fork::OWN_LOG_FORKED;
use crate::delivery::signed::signed_of_ours;
use crate::identity::provider_document;
use crate::peer_fault::{PeerFault, Stage};
use crate::store::{GroupRow, KeptCheckpoint, Reader, StoreFault, TwoStories, Tx, View};

/// So many events are kept of each story at most; of one that needs more, the checkpoints alone are.
pub(crate) const MOST_EVENTS: u64 = 1000;

/// The log of somebody else from the event on in which it differs from our copy, and what the owner has signed of it.
pub(crate) struct OtherStory {
    /// The number of that event, its hash in the other log, and the checkpoint of it or of a later event.
    pub(crate) said: KeptCheckpoint,
    /// The other log from there on up to that of the checkpoint, without bodies.
    pub(crate) events: Vec<Event>,
}

impl Delivery {
    /// Holds a checkpoint whose signature is good against the one before and against our copy, keeps the newest, and where they
    /// disagree keeps what proves it and tells the operator. Returns the event about which two things were said, where there is
    /// one.
    pub(crate) async fn hold_checkpoint(
        &self,
        group: &GroupUri,
        said: KeptCheckpoint,
    ) -> Result<Option<u64>, StoreFault> {
        let uri = group.clone();
        let found = self.store.write(move |tx| hold_against(tx, &uri, &said)).await?;
        if let Some(seq) = found {
            tracing::error!(%group, seq, "the owner of a group has told two stories of its log");
        }
        Ok(found)
    }

    /// Keeps what proves that the owner of `group` has signed another log than ours, which `shown_by` has shown, where that is so
    /// still, and tells the operator. A group of ours is read back then (section 12). Returns what the owner has signed of our log,
    /// where it has signed anything.
    pub(crate) async fn keep_other_story(
        &self,
        group: &GroupUri,
        shown_by: &Provider,
        other: OtherStory,
    ) -> Result<Option<KeptCheckpoint>, StoreFault> {
        let (uri, peer, now) = (group.clone(), shown_by.clone(), self.ground.ambient.now());
        let is_ours = *group.provider() == self.ground.ours;
        // A clock by which nothing can be signed takes nothing from what the other has shown.
        let signer = is_ours.then(|| self.ground.signer().ok()).flatten();
        let document = signer.as_ref().map(|signer| {
            let document =
                provider_document(signer.provider(), &self.ground.endpoint, self.ground.keys.published());
            String::from_utf8_lossy(&document.to_json()).into_owned()
        });
        let kept = self.store.write(move |tx| {
            let Some(row) = tx.group(&uri)? else { return Ok(None) };
            let seq = other.said.seq;
            let Some(had) = tx.event_hash(row.id, seq)?.filter(|had| *had != other.said.hash) else {
                return Ok::<_, StoreFault>(None);
            };
            let before = match &signer {
                Some(signer) => Some(KeptCheckpoint {
                    seq: row.head,
                    hash: row.hash.unwrap_or_default(),
                    jws: checkpoint(signer, now, &row).checkpoint,
                    document,
                }),
                None if is_ours => None,
                None => signed_of_ours(tx, &row, seq)?,
            };
            let had_events = events_up_to(tx, &row, seq, before.as_ref())?;
            tx.keep_contradiction(
                &row,
                &TwoStories {
                    had,
                    before: before.as_ref(),
                    had_events: &had_events,
                    said: &other.said,
                    said_events: &other.events,
                },
            )?;
            if is_ours {
                own_log_forked(&row, seq).note(tx, &peer)?;
            } else {
                log_forked(&row, seq, before.as_ref().is_some_and(|kept| kept.seq >= seq))
                    .note(tx, row.owner())?;
            }
            Ok(before)
        });
        let before = kept.await?;
        if is_ours {
            self.recovery.doubt(&Reader::Peer(shown_by.clone()));
        }
        tracing::error!(%group, %shown_by, "the owner of a group has signed another log than the one that is here");
        Ok(before)
    }
}

/// Keeps the newest, and notes and keeps what disagrees. Returns the event about which two things were said, where there is one.
fn hold_against(tx: &Tx<'_>, group: &GroupUri, said: &KeptCheckpoint) -> Result<Option<u64>, StoreFault> {
    let Some(row) = tx.group(group)? else { return Ok(None) };
    let kept = tx.checkpoint(row.id)?;
    let mut found = None;
    if let Some(kept) = kept.as_ref().filter(|kept| kept.seq == said.seq && kept.hash != said.hash) {
        let before = Some(kept);
        let stories = TwoStories { had: kept.hash, before, had_events: &[], said, said_events: &[] };
        keep(tx, &row, &stories)?;
        found = Some(said.seq);
    }
    // What was said before we had come so far is held against our copy now.
    for said in kept.iter().chain([said]) {
        if let Some(had) = tx.event_hash(row.id, said.seq)?.filter(|ours| *ours != said.hash) {
            let before = signed_of_ours(tx, &row, said.seq)?;
            let had_events = events_up_to(tx, &row, said.seq, before.as_ref())?;
            let before = before.as_ref();
            keep(tx, &row, &TwoStories { had, before, had_events: &had_events, said, said_events: &[] })?;
            found = Some(said.seq);
        }
    }
    // What proves our copy is not lost for what does not, or not yet; nor is it passed over for what is ahead of all there is.
    let agrees = |it: &KeptCheckpoint| Ok::<_, StoreFault>(tx.event_hash(row.id, it.seq)? == Some(it.hash));
    let (newest, other) = match kept.as_ref().filter(|kept| kept.seq > said.seq) {
        Some(kept) => (kept, Some(said)),
        None => (said, kept.as_ref()),
    };
    if let Some(other) = other
        && agrees(other)?
        && !agrees(newest)?
        && tx.agreed_checkpoint(row.id)?.is_none_or(|agreed| agreed.seq <= other.seq)
    {
        tx.keep_agreed_checkpoint(&row, other)?;
    }
    if std::ptr::eq(newest, said) {
        tx.keep_checkpoint(&row, said)?;
    }
    Ok(found)
}

/// Keeps two stories and tells the operator.
fn keep(tx: &Tx<'_>, row: &GroupRow, found: &TwoStories<'_>) -> Result<(), StoreFault> {
    tx.keep_contradiction(row, found)?;
    let seq = found.said.seq;
    log_forked(row, seq, found.before.is_some_and(|kept| kept.seq >= seq)).note(tx, row.owner())
}

/// What the operator is told where the owner of a group has said two things of an event; `has_signed_both`, which proves it to others.
fn log_forked(row: &GroupRow, seq: u64, has_signed_both: bool) -> PeerFault {
    let group = &row.uri;
    let proof = if has_signed_both {
        "it has signed both, and what proves that to anybody is kept"
    } else {
        "what it has signed of one is kept, and nothing at hand that it has signed covers the other, so this is proof to this provider and to nobody else"
    };
    let text = format!(
        "it has said two things about event {seq} of {group}: its log was forked, by a store that went back or on purpose, and members may have read different things; {proof}. Ask its operator"
    );
    PeerFault::new(Stage::Store, "log-forked", text)
}

/// What the operator is told where a participant has shown that we have.
fn own_log_forked(row: &GroupRow, seq: u64) -> PeerFault {
    let group = &row.uri;
    let text = format!(
        "it holds a checkpoint of ours by which event {seq} of {group} is another than it is here: our store was an older copy and has gone on, or our key is used elsewhere. What proves it is kept, and what it has is being read back"
    );
    PeerFault::new(Stage::Store, OWN_LOG_FORKED, text)
}

/// Our copy from event `seq` on up to that of `before`, where that covers it and is not too far.
pub(in crate::delivery) fn events_up_to(
    view: &View<'_>,
    row: &GroupRow,
    seq: u64,
    before: Option<&KeptCheckpoint>,
) -> Result<Vec<Event>, StoreFault> {
    match before {
        Some(before) if (seq..seq.saturating_add(MOST_EVENTS)).contains(&before.seq) => {
            view.bare_events(row, seq, before.seq)
        }
        _ => Ok(Vec::new()),
    }
}
