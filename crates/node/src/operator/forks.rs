//! What proves that the owner of a group told two stories of its log (section 10), as the operator sees it and may show to others.

use drawbridge_mtp::checkpoint::UnverifiedCheckpoint;
use drawbridge_mtp::evidence::{Contradiction, EvidenceFault, ForkEvidence, Proved, Story};
use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::time::Timestamp;

use super::{Operator, ReadFault};
use crate::delivery::MOST_EVENTS;
use crate::diagnose::Comparison;
use crate::misuse::Misuse;
use crate::store::{self, GroupRow, StoreFault, View};

/// Two stories of one event, as far as they are proved.
#[derive(Clone, Debug)]
pub struct Fork {
    /// The event.
    pub seq: u64,
    /// When it was found.
    pub found: Timestamp,
    /// Whether anybody can verify it by the evidence.
    pub is_proved: bool,
    /// One sentence: what the owner has done, and what that proves to whom.
    pub text: String,
}

impl Operator {
    /// Begins to compare our copy of the log of `group` with its owner's and those of the others who take part, and returns the number
    /// of the comparison.
    ///
    /// # Errors
    ///
    /// There is no such group here, or nothing of it, or too many comparisons go on.
    pub fn begin_comparison(&self, group: &GroupUri) -> Result<u64, Misuse> {
        self.comparer.begin(group)
    }

    /// The comparison of that number, once it has more than `findings` findings or is finished; after some seconds, as it is then.
    ///
    /// # Errors
    ///
    /// It is not kept any more.
    pub async fn comparison(&self, id: u64, findings: usize) -> Result<Comparison, Misuse> {
        self.comparer.after(id, findings).await
    }

    /// What is kept of two stories that the owner of `group` has told, in the form in which others verify it; none where the group is
    /// not known here.
    pub async fn fork_evidence(&self, group: GroupUri) -> Result<Option<ForkEvidence>, ReadFault> {
        let read = self.store.read::<_, ReadFault>(move |view| {
            let Some(row) = view.group(&group)? else { return Ok(None) };
            Ok(Some(evidence(view, &row)?))
        });
        let Some(mut evidence) = read.await? else { return Ok(None) };
        // Of what was found before documents were kept, the one that is at hand serves where it has the key.
        let owner = evidence.group.provider();
        if let Some(document) = self.peers.documents.remembered(owner) {
            let stories = evidence.contradictions.iter_mut().flat_map(|it| [&mut it.first, &mut it.second]);
            for story in stories.filter(|story| story.document.is_none()) {
                let checkpoint = story.checkpoint.as_deref().map(UnverifiedCheckpoint::parse);
                if checkpoint.is_some_and(|it| it.is_ok_and(|it| document.keys.get(it.kid()).is_some())) {
                    story.document = String::from_utf8(document.to_json()).ok();
                }
            }
        }
        Ok(Some(evidence))
    }
}

/// What is kept of two stories of a group.
fn evidence(view: &View<'_>, row: &GroupRow) -> Result<ForkEvidence, StoreFault> {
    let found = view.contradictions(row.id)?.into_iter();
    let contradictions = found.map(|found| contradiction(view, row, found)).collect::<Result<_, _>>()?;
    Ok(ForkEvidence { group: row.uri.clone(), contradictions })
}

fn contradiction(
    view: &View<'_>,
    row: &GroupRow,
    found: store::Contradiction,
) -> Result<Contradiction, StoreFault> {
    let store::Contradiction { seq, had, before, before_document, had_events, said, said_events, at } = found;
    let first = Story { hash: had, checkpoint: before, document: before_document, events: had_events };
    let second =
        Story { hash: said.hash, checkpoint: Some(said.jws), document: said.document, events: said_events };
    Ok(Contradiction {
        seq,
        found: at,
        first: completed(view, row, seq, first)?,
        second: completed(view, row, seq, second)?,
    })
}

/// A story with its events up to what was signed, where they are not kept with it but are our log now.
fn completed(view: &View<'_>, row: &GroupRow, seq: u64, story: Story) -> Result<Story, StoreFault> {
    let signed = story.checkpoint.as_deref().and_then(|jws| UnverifiedCheckpoint::parse(jws).ok());
    let Some(end) = signed.as_ref().map(UnverifiedCheckpoint::unverified_claims) else { return Ok(story) };
    let has_all = story.events.last().is_some_and(|last| last.seq == end.seq);
    let is_near = (seq..seq.saturating_add(MOST_EVENTS)).contains(&end.seq);
    if has_all || !is_near {
        return Ok(story);
    }
    let is_ours = view.event_hash(row.id, seq)? == Some(story.hash)
        && view.event_hash(row.id, end.seq)? == Some(end.hash);
    Ok(if is_ours { Story { events: view.bare_events(row, seq, end.seq)?, ..story } } else { story })
}

/// The forks of a group, the latest found first.
pub(super) fn forks(view: &View<'_>, row: &GroupRow) -> Result<Vec<Fork>, StoreFault> {
    let evidence = evidence(view, row)?;
    let verified = evidence.verify();
    let mut forks: Vec<_> = evidence.contradictions.iter().zip(verified).map(fork).collect();
    forks.reverse();
    Ok(forks)
}

fn fork((contradiction, verified): (&Contradiction, Result<Proved, EvidenceFault>)) -> Fork {
    let Contradiction { seq, found, .. } = contradiction;
    let text = match &verified {
        Ok(proved) if proved.is_first => format!(
            "From event {seq} on, the owner has signed two logs. Both checkpoints are kept, and whoever has the evidence can verify them."
        ),
        Ok(_) => format!(
            "The owner has signed two different events {seq}. Both checkpoints are kept, and whoever has the evidence can verify them."
        ),
        Err(EvidenceFault::Unsigned("first")) => format!(
            "The owner has signed another event {seq} than came here. It has signed nothing that covers what came here, so this is proof to this provider and to nobody else."
        ),
        Err(fault) => format!(
            "Two stories were told of event {seq}, which the evidence does not prove to others: {fault}."
        ),
    };
    Fork { seq: *seq, found: *found, is_proved: verified.is_ok(), text }
}
