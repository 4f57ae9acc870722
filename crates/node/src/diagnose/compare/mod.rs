//! Comparing our copy of a group's log with its owner's and with those of the others who take part, by hash (section 10).
//!
//! What the owner has signed counts, and not what anybody says: a difference is raised where signatures prove it, in the one way
//! in which that is raised.

mod copies;
mod report;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::PeerState;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use parking_lot::Mutex;
use tokio::sync::watch;

pub use report::{Comparison, CopyVerdict, Finding, ShownCheckpoint};

use self::copies::{Copies, LOG_DIFFERS};
use super::reports::Reports;
use crate::delivery::Delivery;
use crate::ground::Ground;
use crate::misuse::Misuse;
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::Peers;
use crate::store::{GroupRow, Standing, Store, StoreFault};

/// So many providers are asked at one time.
const SIDE_BY_SIDE: usize = 8;
/// Comparing with one provider takes so long at most.
const LONGEST: Duration = Duration::from_secs(60);

fn too_slow() -> PeerFault {
    let text = format!("it has not shown its log within {} s", LONGEST.as_secs());
    PeerFault::new(Stage::Http, "timeout", text)
}

/// A difference that nothing signed decides is looked at again after this, and then less and less often.
const AGAIN: Duration = Duration::from_secs(10);
const AGAIN_AT_LAST: Duration = Duration::from_secs(600);

/// Compares logs.
pub(crate) struct Comparer {
    /// Our name and clock.
    ground: Arc<Ground>,
    /// Where our copies are.
    store: Store,
    /// How others are asked, and where troubles are kept.
    peers: Arc<Peers>,
    /// What reads the logs of others, and raises what is found.
    delivery: Arc<Delivery>,
    /// The latest comparisons.
    reports: Reports<Comparison>,
    /// Groups that are to be compared again, each with the next pause and whether one goes on.
    again: Mutex<HashMap<GroupUri, (Duration, bool)>>,
}

/// A group to be compared.
struct Subject {
    row: GroupRow,
    /// Who takes part beside its owner and us, and how each stands here.
    participants: Vec<(Provider, PeerState)>,
}

impl Comparer {
    pub(crate) fn new(ground: Arc<Ground>, store: Store, peers: Arc<Peers>, delivery: Arc<Delivery>) -> Self {
        let (reports, again) = (Reports::default(), Mutex::default());
        Self { ground, store, peers, delivery, reports, again }
    }

    /// Begins to compare our copy of the log of `group`, and returns the number of the comparison. Where it is being compared, it is
    /// the one that is being made.
    ///
    /// # Errors
    ///
    /// There is no such group here, or nothing of it, or too many comparisons go on.
    pub(crate) fn begin(self: &Arc<Self>, group: &GroupUri) -> Result<u64, Misuse> {
        let row = self.store.glance(|view| view.group(group))?;
        let row = row.ok_or_else(|| Misuse::NoSuchGroup(group.clone()))?;
        if row.standing == Standing::Over {
            let text = format!(
                "nobody here is in {group} any more, so nobody tells of its log; there is nothing to compare"
            );
            return Err(Misuse::Unfit(text));
        }
        let Some(hash) = row.hash.filter(|_| row.head >= row.first) else {
            let text = format!("nothing of the log of {group} has come here yet; wait for its owner");
            return Err(Misuse::Unfit(text));
        };
        if let Some(id) = self.reports.running(|comparison| comparison.group == *group) {
            return Ok(id);
        }
        let comparison = Comparison {
            group: group.clone(),
            is_ours: *row.owner() == self.ground.ours,
            head: row.head,
            hash,
            began: self.ground.ambient.now(),
            findings: Vec::new(),
            providers: 0,
            is_finished: false,
            is_cut_short: false,
        };
        let (id, progress) = self.reports.open(comparison)?;
        let (own, group) = (self.clone(), group.clone());
        self.ground.tasks.spawn(async move {
            let stop = own.ground.stop.clone();
            let is_done = tokio::select! {
                () = stop.cancelled() => false,
                compared = own.compare(&group, &progress) => match compared {
                    Ok(()) => true,
                    Err(fault) => {
                        tracing::error!(%group, %fault, "a log could not be compared");
                        false
                    }
                },
            };
            progress.send_modify(|comparison| {
                (comparison.is_finished, comparison.is_cut_short) = (true, !is_done);
            });
            own.compare_again(&group, &progress.borrow());
        });
        Ok(id)
    }

    /// Has a difference that nothing signed decides compared again by itself: one that is settled is over then, and one that lasts
    /// is told as what lasts.
    fn compare_again(self: &Arc<Self>, group: &GroupUri, comparison: &Comparison) {
        let is_open = |finding: &Finding| finding.code.as_deref() == Some(LOG_DIFFERS);
        let pause = {
            let mut again = self.again.lock();
            if !comparison.findings.iter().any(is_open) {
                again.remove(group);
                return;
            }
            let (next, is_due) = again.entry(group.clone()).or_insert((AGAIN, false));
            if std::mem::replace(is_due, true) {
                return;
            }
            let longer = (*next * 2).min(AGAIN_AT_LAST);
            std::mem::replace(next, longer)
        };
        let (own, group) = (self.clone(), group.clone());
        self.ground.tasks.spawn(async move {
            tokio::select! {
                () = own.ground.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            if let Some((_, is_due)) = own.again.lock().get_mut(&group) {
                *is_due = false;
            }
            if let Err(fault) = own.begin(&group) {
                tracing::debug!(%group, %fault, "a log is not compared again");
            }
        });
    }

    /// The comparison of that number, once it has more than `findings` findings or is finished, or after a while as it is.
    ///
    /// # Errors
    ///
    /// It is not kept any more.
    pub(crate) async fn after(&self, id: u64, findings: usize) -> Result<Comparison, Misuse> {
        self.reports.after(id, findings).await
    }

    /// Asks the owner, whose word counts, and then all others at once.
    async fn compare(
        &self,
        group: &GroupUri,
        progress: &watch::Sender<Comparison>,
    ) -> Result<(), StoreFault> {
        let Some(subject) = self.subject(group).await? else { return Ok(()) };
        let Subject { row, participants } = &subject;
        let (delivery, now) = (&*self.delivery, self.ground.ambient.now());
        let copies = Copies { delivery, peers: &self.peers, store: &self.store, row, now };
        let is_ours = *row.owner() == self.ground.ours;
        progress.send_modify(|comparison| comparison.providers = participants.len() + usize::from(!is_ours));
        let tell = |finding: Finding| progress.send_modify(|comparison| comparison.findings.push(finding));
        // Whoever shows its log event by event, or slowly, does not keep the others from being asked.
        let in_time = async |provider: &Provider, asking: BoxFuture<'_, Finding>| match tokio::time::timeout(
            LONGEST, asking,
        )
        .await
        {
            Ok(finding) => finding,
            Err(_) => Finding::unheard(provider, &too_slow()),
        };
        if !is_ours {
            tell(in_time(row.owner(), copies.with_owner().boxed()).await);
        }
        let asking: Vec<_> = participants
            .iter()
            .map(|(provider, state)| in_time(provider, copies.with_participant(provider, *state).boxed()))
            .collect();
        let mut asking = stream::iter(asking).buffer_unordered(SIDE_BY_SIDE);
        while let Some(finding) = asking.next().await {
            tell(finding);
        }
        Ok(())
    }

    async fn subject(&self, group: &GroupUri) -> Result<Option<Subject>, StoreFault> {
        let (uri, ours) = (group.clone(), self.ground.ours.clone());
        let read = self.store.read(move |view| {
            let Some(row) = view.group(&uri)? else { return Ok::<_, StoreFault>(None) };
            let mut participants = Vec::new();
            for provider in view.providers_in(row.id)? {
                if provider != ours && provider != *row.owner() {
                    let state = view.peer_state(&provider)?;
                    participants.push((provider, state));
                }
            }
            Ok(Some(Subject { row, participants }))
        });
        read.await
    }
}
