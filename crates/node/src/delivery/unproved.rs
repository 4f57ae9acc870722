//! What a checkpoint signed by ourselves covers is proved; an application message that is read back beyond it rests on the word
//! of the participant that gave it, and our clients and our operator are told so (section 12).

use std::collections::HashMap;

use drawbridge_mtp::checkpoint::CheckpointClaims;
use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::{Event, EventKind, FeedPage, ItemBody, LogPage, ShownEvent};

use crate::store::{GroupRow, Store, StoreFault, Tx, View};

/// What is known of events that are being adopted.
pub(super) struct Adoption {
    /// Who gives them.
    pub(super) from: Provider,
    /// Up to which event our log reached before.
    pub(super) had: u64,
    /// The newest checkpoint of ours that what was read agrees with.
    pub(super) proof: Option<CheckpointClaims>,
}

impl Adoption {
    /// Says of an event that was just adopted that it is unproved, where it is. MLS proves who made a handshake.
    pub(super) fn mark(
        &self,
        tx: &Tx<'_>,
        row: &GroupRow,
        seq: u64,
        kind: EventKind,
    ) -> Result<(), StoreFault> {
        let is_covered = self.proof.as_ref().is_some_and(|proof| proof.seq >= seq);
        if kind == EventKind::Application && !is_covered {
            tx.set_unproved(row, seq, &self.from)?;
        }
        Ok(())
    }

    /// What was adopted with earlier pages is proved by a checkpoint that only this one has reached.
    pub(super) fn settle(&self, tx: &Tx<'_>, row: &GroupRow) -> Result<(), StoreFault> {
        self.proof.as_ref().map_or(Ok(()), |proof| tx.prove(row, proof, self.had))
    }
}

/// A participant has kept this checkpoint of ours: where our log agrees with it, what it covers is proved.
pub(super) async fn prove_by(store: &Store, claims: &CheckpointClaims) -> Result<(), StoreFault> {
    let agrees = |view: &View<'_>, claims: &CheckpointClaims| match view.group(&claims.group)? {
        Some(row) if view.event_hash(row.id, claims.seq)? == Some(claims.hash) => Ok(Some(row)),
        _ => Ok::<_, StoreFault>(None),
    };
    let is_due = store.glance(|view| {
        let is_open = !view.unproved_between(&claims.group, 0, claims.seq)?.is_empty();
        Ok::<_, StoreFault>(is_open && agrees(view, claims)?.is_some())
    });
    if !is_due? {
        return Ok(());
    }
    let claims = claims.clone();
    store
        .write(move |tx| match agrees(tx, &claims)? {
            // Nothing is behind what it covers.
            Some(row) => tx.prove(&row, &claims, claims.seq),
            None => Ok(()),
        })
        .await
}

/// A page of the log of `group` as a client of ours is told it.
pub(crate) fn shown_log(
    view: &View<'_>,
    group: &GroupUri,
    page: LogPage,
) -> Result<LogPage<ShownEvent>, StoreFault> {
    let ends = page.events.first().zip(page.events.last());
    let mut unproved = match ends {
        Some((first, last)) => view.unproved_between(group, first.seq, last.seq)?,
        None => HashMap::new(),
    };
    Ok(page.shown(|event| unproved.remove(&event.seq)))
}

/// A page of a client's feed as it is told it.
pub(crate) fn shown_feed(view: &View<'_>, page: FeedPage) -> Result<FeedPage<ShownEvent>, StoreFault> {
    let mut told: HashMap<&GroupUri, (u64, u64)> = HashMap::new();
    for item in &page.items {
        if let ItemBody::Event(Event { group, seq, .. }) = &item.body {
            let (first, last) = told.entry(group).or_insert((*seq, *seq));
            (*first, *last) = ((*first).min(*seq), (*last).max(*seq));
        }
    }
    let mut unproved: HashMap<GroupUri, HashMap<u64, Provider>> = HashMap::new();
    for (group, (first, last)) in told {
        unproved.insert(group.clone(), view.unproved_between(group, first, last)?);
    }
    Ok(page.shown(|event| unproved.get(&event.group)?.get(&event.seq).cloned()))
}
