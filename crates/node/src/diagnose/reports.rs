//! Reports that grow while somebody waits for them: each has a number, and the latest are kept.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::misuse::Misuse;

/// Reports that are kept.
const KEPT: usize = 32;
/// Reports that are made at one time: each may take minutes at a provider that is silent.
const AT_ONCE: usize = 4;
/// Whoever waits for the next step of a report is answered after this, whether or not there is one. The program waits for who is
/// being answered before it ends.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// What grows step by step until it is finished.
pub(super) trait Growing: Clone + Send + Sync {
    /// How many steps it has.
    fn steps(&self) -> usize;
    /// Whether there will be no more.
    fn is_finished(&self) -> bool;
    /// The same, finished before its end.
    fn cut_short(self) -> Self;
}

/// The latest reports of one kind.
pub(super) struct Reports<R>(Mutex<Latest<R>>);

struct Latest<R> {
    reports: VecDeque<(u64, watch::Receiver<R>)>,
    given: u64,
}

impl<R> Default for Reports<R> {
    fn default() -> Self {
        Self(Mutex::new(Latest { reports: VecDeque::new(), given: 0 }))
    }
}

impl<R: Growing> Reports<R> {
    /// The number of a report that is being made, where one is as `is_it` says.
    pub(super) fn running(&self, is_it: impl Fn(&R) -> bool) -> Option<u64> {
        let latest = self.0.lock();
        let mut all = latest.reports.iter();
        let is_running = |report: &R| !report.is_finished() && is_it(report);
        all.find(|(_, report)| is_running(&report.borrow())).map(|(id, _)| *id)
    }

    /// Opens a report, and returns its number and where it is told what is seen.
    ///
    /// # Errors
    ///
    /// Too many are being made already.
    pub(super) fn open(&self, report: R) -> Result<(u64, watch::Sender<R>), Misuse> {
        let mut latest = self.0.lock();
        let running = latest.reports.iter().filter(|(_, report)| !report.borrow().is_finished()).count();
        if running >= AT_ONCE {
            let text = format!("{AT_ONCE} looks go on already; wait until one is done");
            return Err(Misuse::Unfit(text));
        }
        let (sender, receiver) = watch::channel(report);
        latest.given += 1;
        let id = latest.given;
        latest.reports.push_back((id, receiver));
        if latest.reports.len() > KEPT
            && let Some(oldest) = latest.reports.iter().position(|(_, report)| report.borrow().is_finished())
        {
            latest.reports.remove(oldest);
        }
        Ok((id, sender))
    }

    /// The report of that number, once it has more than `steps` steps or is finished, or after a while as it is.
    ///
    /// # Errors
    ///
    /// It is not kept any more.
    pub(super) async fn after(&self, id: u64, steps: usize) -> Result<R, Misuse> {
        let found = self.0.lock().reports.iter().find(|(known, _)| *known == id).cloned();
        let Some((_, mut report)) = found else {
            return Err(Misuse::Unfit(format!("there is no report {id} any more; look again")));
        };
        let has_more = |report: &R| report.is_finished() || report.steps() > steps;
        // What is told when the sender is gone is the last of it; when the time is over, what there is.
        let _ = tokio::time::timeout(LONGEST_WAIT, report.wait_for(has_more)).await;
        // Who looked is gone, and has not said that it is done: it has failed.
        let is_lost = report.has_changed().is_err() && !report.borrow().is_finished();
        let report = report.borrow().clone();
        Ok(if is_lost { report.cut_short() } else { report })
    }
}
