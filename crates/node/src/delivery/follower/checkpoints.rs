//! Holding what owners say of their logs against our copies (section 10): an owner that tells two stories, on purpose or
//! because its store went back, is found out, and what proves it is kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::time::Timestamp;
use futures_util::{StreamExt, stream};
use tokio::sync::broadcast::error::RecvError;

use crate::delivery::Delivery;
use crate::delivery::follower::intake::store_fault;
use crate::delivery::signed::signed_of_ours;
use crate::ground::changes::Change;
use crate::peer_fault::{PeerFault, Stage};
use crate::store::{Standing, StoreFault};

/// The owner of a group is asked for a checkpoint at most so often.
const ASK_EVERY: Duration = Duration::from_secs(60);
/// So many owners are asked at one time.
const SIDE_BY_SIDE: usize = 8;

impl Delivery {
    /// Asks the owners of groups in which something was stored for a checkpoint, and holds it against our copy, until the node
    /// stops. What was stored before this life began and is not covered yet is asked for at once.
    pub(crate) async fn compare_checkpoints(self: Arc<Self>) {
        let mut changes = self.ground.changes.listen();
        let mut due: BTreeMap<GroupUri, Timestamp> = BTreeMap::new();
        self.look_for_due(&mut due, self.ground.ambient.now()).await;
        loop {
            let turned = self.ground.ambient.turned();
            let now = self.ground.ambient.now();
            // What a clock has put off that was ahead waits for no longer than what it was for.
            due.values_mut().for_each(|at| *at = (*at).min(now.plus(ASK_EVERY)));
            let next = due.values().min().map(|at| at.since(now));
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = turned => {}
                () = tokio::time::sleep(next.unwrap_or(ASK_EVERY)) => {}
                change = changes.recv() => match change {
                    Ok(Change::Group(group)) if *group.provider() != self.ground.ours => {
                        due.entry(group).or_insert_with(|| self.ground.ambient.now().plus(ASK_EVERY));
                        continue;
                    }
                    Ok(_) => continue,
                    Err(RecvError::Lagged(_)) => {
                        let later = self.ground.ambient.now().plus(ASK_EVERY);
                        self.look_for_due(&mut due, later).await;
                        continue;
                    }
                    Err(RecvError::Closed) => return,
                },
            }
            let now = self.ground.ambient.now();
            let to_settle = self.forks.take_due();
            due.extend(to_settle.iter().map(|group| (group.clone(), now)));
            let asked: Vec<GroupUri> =
                due.iter().filter(|(_, at)| **at <= now).map(|(group, _)| group.clone()).collect();
            // What is stored from here on is for the next time.
            due.retain(|_, at| *at > now);
            let asking: Vec<_> =
                asked.iter().map(|group| self.ask_for_checkpoint(group, to_settle.contains(group))).collect();
            let mut asking = stream::iter(asking).buffer_unordered(SIDE_BY_SIDE);
            let mut broken = Vec::new();
            let all = async {
                while let Some(still) = asking.next().await {
                    broken.extend(still);
                }
            };
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = all => {}
            }
            for group in broken {
                due.entry(group).or_insert_with(|| self.ground.ambient.now().plus(ASK_EVERY));
            }
        }
    }

    /// Has the groups asked for at `at` of whose log more is here than a checkpoint covers.
    async fn look_for_due(&self, due: &mut BTreeMap<GroupUri, Timestamp>, at: Timestamp) {
        let ours = self.ground.ours.clone();
        match self.store.read(move |view| view.groups_beyond_checkpoint(&ours)).await {
            Ok(groups) => groups.into_iter().for_each(|group| {
                due.entry(group).or_insert(at);
            }),
            Err(fault) => tracing::error!(%fault, "it cannot be read which logs are to be compared"),
        }
    }

    /// Asks the owner of a group for a checkpoint where there is something that it might cover anew, and looks whether a log
    /// that was not what it had been is so still. That it cannot be had is nothing to be noted: with what is stored next, it is
    /// asked for again. Returns the group where it is to be looked at again in any case. `is_due` says that the logs are to be
    /// compared though nothing is known to be wrong.
    async fn ask_for_checkpoint(&self, group: &GroupUri, is_due: bool) -> Option<GroupUri> {
        let owner = group.provider();
        if let Err(fault) = self.fetch_checkpoint(group).await {
            if fault.stage == Stage::Content {
                self.peers.note_trouble(owner, &fault).await;
            }
            tracing::debug!(%group, %fault, "there is no checkpoint of its owner now");
        }
        if !is_due && !self.is_group_broken(group).await {
            return None;
        }
        if let Err(fault) = self.settle_group(owner, group).await {
            tracing::debug!(%group, %fault, "its owner's log cannot be compared now");
            self.forks.later(group);
        }
        if let Err(fault) = self.join_groups(owner).await {
            tracing::error!(%group, %fault, "a group could not be joined again");
        }
        self.is_group_broken(group).await.then(|| group.clone())
    }

    async fn is_group_broken(&self, group: &GroupUri) -> bool {
        let uri = group.clone();
        let row = self.store.read(move |view| view.group(&uri)).await;
        row.is_ok_and(|row| row.is_some_and(|row| row.standing == Standing::Broken))
    }

    async fn fetch_checkpoint(&self, group: &GroupUri) -> Result<(), PeerFault> {
        let uri = group.clone();
        let is_due = self.store.read(move |view| {
            let Some(row) = view.group(&uri)?.filter(|row| row.standing != Standing::Over) else {
                return Ok::<_, StoreFault>(false);
            };
            // Where its log was not what it was before, what it says now proves why.
            let is_broken = row.standing == Standing::Broken;
            let covers = signed_of_ours(view, &row, row.head)?;
            Ok(is_broken || covers.is_none_or(|kept| kept.seq < row.head))
        });
        if !is_due.await.map_err(store_fault)? {
            return Ok(());
        }
        let said = self.checkpoint_of_owner(group).await?;
        self.hold_checkpoint(group, said.kept).await.map_err(store_fault).map(drop)
    }
}
