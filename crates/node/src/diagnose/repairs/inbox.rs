//! What is wrong, kept in the store and told to whoever shows it.

use std::collections::HashMap;
use std::sync::Arc;

use drawbridge_mtp::id::Id;
use drawbridge_mtp::time::Timestamp;
use parking_lot::Mutex;

use super::finding::{Findings, RepairFinding};
use super::open::{OpenRepairs, REOPENED_WITHIN};
use crate::ambient::AmbientExt;
use crate::ground::Ground;
use crate::ground::changes::Change;
use crate::misuse::Misuse;
use crate::store::{RepairKind, RepairRow, Store, StoreFault};

/// What is wrong and can be acted upon. What is open is also in memory: what the store cannot keep may be what is wrong.
pub(crate) struct Repairs {
    /// The clock, and word of what changes.
    ground: Arc<Ground>,
    /// Where it is kept.
    store: Store,
    state: Mutex<State>,
    /// Held while rows are written, so that an older one is not written over a newer.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    repairs: OpenRepairs,
    /// When it was last looked.
    looked: Option<Timestamp>,
    /// What the store has yet to keep.
    unkept: HashMap<Id, RepairRow>,
}

impl Repairs {
    /// Goes on from what the store has.
    pub(crate) async fn load(ground: Arc<Ground>, store: Store) -> Result<Self, StoreFault> {
        let lately = ground.ambient.now().minus(REOPENED_WITHIN);
        let read = store
            .read::<_, StoreFault>(move |view| Ok((view.open_repairs()?, view.gone_repairs(lately)?)))
            .await;
        let (open, gone) = read?;
        let state = State { repairs: OpenRepairs::of(open, gone), ..State::default() };
        Ok(Self { ground, store, state: Mutex::new(state), writing: tokio::sync::Mutex::default() })
    }

    /// What is open, the worst first.
    pub(crate) fn open(&self) -> Vec<RepairRow> {
        self.state.lock().repairs.rows()
    }

    /// Those of `found` that are not open, since they have not been so for long enough, or have failed only just now.
    pub(crate) fn not_raised(&self, found: Findings) -> Vec<RepairFinding> {
        let state = self.state.lock();
        let now = self.ground.ambient.now();
        let mut told: Vec<_> = found.wrong.into_iter().chain(found.begun).collect();
        // What is not raised any more today does not begin.
        let may_begin = |finding: &RepairFinding| {
            finding.kind != RepairKind::Stranger || state.repairs.has_room_for_stranger(now)
        };
        told.retain(|finding| may_begin(finding) && !state.repairs.has(&finding.subject, &finding.kind));
        for finding in &mut told {
            let since = finding.since.or_else(|| state.repairs.found_since(finding));
            finding.since = since.map(|since| since.min(now));
        }
        told
    }

    /// When it was last looked; none before the first look of this life.
    pub(crate) fn looked(&self) -> Option<Timestamp> {
        self.state.lock().looked
    }

    /// Takes what a look has found, keeps what came of it, and tells. Returns when to look again at the latest.
    pub(super) async fn take(&self, findings: &Findings) -> Option<Timestamp> {
        let now = self.ground.ambient.now();
        let (steps, due) = {
            let mut state = self.state.lock();
            let steps = state.repairs.take(findings, now, || self.ground.ambient.id());
            for (step, row) in &steps {
                if step.is_shown() {
                    tracing::info!(subject = %row.subject, code = %row.code, ?step, "{}", row.text);
                }
                state.unkept.insert(row.id, row.clone());
            }
            state.looked = Some(now);
            (steps, [state.repairs.due(), findings.due].into_iter().flatten().min())
        };
        self.keep().await;
        if steps.iter().any(|(step, _)| step.is_shown()) {
            self.ground.changes.announce(Change::Repairs);
        }
        for (_, row) in steps.iter().filter(|(step, _)| step.is_news()) {
            self.ground.changes.announce(Change::RepairRaised(row.id));
        }
        due
    }

    /// Has the store keep what it has yet to keep; where it cannot, that is tried with the next look.
    async fn keep(&self) {
        let _one = self.writing.lock().await;
        let rows: Vec<RepairRow> = self.state.lock().unkept.values().cloned().collect();
        if rows.is_empty() {
            return;
        }
        let given = rows.clone();
        let kept = self.store.write::<_, StoreFault, _>(move |tx| {
            // What is gone makes room for what is open.
            let (gone, open): (Vec<_>, Vec<_>) = given.iter().partition(|row| row.gone.is_some());
            gone.into_iter().chain(open).try_for_each(|row| tx.put_repair(row))
        });
        match kept.await {
            Ok(()) => {
                let mut state = self.state.lock();
                for row in rows {
                    if state.unkept.get(&row.id) == Some(&row) {
                        state.unkept.remove(&row.id);
                    }
                }
            }
            Err(fault) => tracing::warn!(%fault, "what is wrong could not be kept"),
        }
    }

    /// Has something that is open ignored until it changes, or shown again.
    pub(crate) async fn ignore(&self, id: Id, is_ignored: bool) -> Result<(), Misuse> {
        let now = self.ground.ambient.now();
        {
            let mut state = self.state.lock();
            let row = state.repairs.ignore(id, is_ignored, now).ok_or(Misuse::NoSuchRepair(id))?;
            state.unkept.insert(id, row);
        }
        self.keep().await;
        self.ground.changes.announce(Change::Repairs);
        Ok(())
    }

    /// What is gone, the latest first: the latest 500.
    pub(crate) async fn history(&self) -> Vec<RepairRow> {
        let read = self.store.read::<_, StoreFault>(|view| view.gone_repairs(Timestamp::from_millis(0)));
        // What is wrong is told even where the store cannot be read, which may be what is wrong.
        let mut rows = read.await.unwrap_or_else(|fault| {
            tracing::warn!(%fault, "what was wrong could not be read");
            Vec::new()
        });
        let now = self.ground.ambient.now();
        for row in &mut rows {
            row.end_by(now);
        }
        rows
    }
}
