//! What the owner of a group has signed of our copy of its log.

use drawbridge_mtp::checkpoint::UnverifiedCheckpoint;

use crate::store::{GroupRow, KeptCheckpoint, StoreFault, View};

/// What the owner has signed that our copy agrees with: where it can be had, of event `seq` or a later one. The newest checkpoint
/// may be of the other story; then it is what that has taken the place of, or is among what was found before.
pub(crate) fn signed_of_ours(
    view: &View<'_>,
    row: &GroupRow,
    seq: u64,
) -> Result<Option<KeptCheckpoint>, StoreFault> {
    let before = view.contradictions(row.id)?.into_iter().filter_map(|found| {
        let jws = found.before?;
        // Its signature was good when it came.
        let (seq, hash) = {
            let checkpoint = UnverifiedCheckpoint::parse(&jws).ok()?;
            (checkpoint.unverified_claims().seq, checkpoint.unverified_claims().hash)
        };
        Some(KeptCheckpoint { seq, hash, jws, document: found.before_document })
    });
    let mut best: Option<KeptCheckpoint> = None;
    let kept = [view.checkpoint(row.id)?, view.agreed_checkpoint(row.id)?].into_iter().flatten();
    for kept in kept.chain(before) {
        let is_better = best.as_ref().is_none_or(|best| best.seq < seq && kept.seq > best.seq);
        if is_better && view.event_hash(row.id, kept.seq)? == Some(kept.hash) {
            best = Some(kept);
        }
    }
    Ok(best)
}
