//! How often it is looked at what hangs on much: whenever something has changed, or is due by the clock, and rarely all the same.

use std::pin::Pin;
use std::time::Duration;

use drawbridge_mtp::time::Timestamp;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::ground::Ground;
use crate::ground::changes::Change;

/// However much changes, it is looked this rarely, and so that looking takes a hundredth of the time at most.
const SHORTEST_REST: Duration = Duration::from_millis(250);
const LONGEST_REST: Duration = Duration::from_secs(20);
const SHARE: u32 = 100;
/// Where nothing changes the time is read this often, and nothing else is: a computer that has slept has not told.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// One who looks again and again.
pub(crate) struct Pace<'a> {
    ground: &'a Ground,
    changes: Receiver<Change>,
    /// Whether it may be another after such a change.
    is_news: fn(&Change) -> bool,
}

/// A look that has begun.
pub(crate) struct Look<'a, 'b> {
    pace: &'b mut Pace<'a>,
    began: Instant,
    turned: Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
}

impl<'a> Pace<'a> {
    /// From now on no change is missed.
    pub(crate) fn of(ground: &'a Ground, is_news: fn(&Change) -> bool) -> Self {
        Self { ground, changes: ground.changes.listen(), is_news }
    }

    /// Begins to look.
    pub(crate) fn begin(&mut self) -> Look<'a, '_> {
        let turned = self.ground.ambient.turned();
        Look { pace: self, began: Instant::now(), turned }
    }

    /// Returns when something has changed that is news; `false` where nothing will any more.
    async fn something_changes(&mut self) -> bool {
        loop {
            match self.changes.recv().await {
                Ok(change) if !(self.is_news)(&change) => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return true,
                Err(RecvError::Closed) => return false,
            }
        }
    }
}

impl Look<'_, '_> {
    /// Has looked, and returns when to look again: where something was `due`, at that time at the latest. `false` where the node stops.
    pub(crate) async fn rest(self, due: Option<Timestamp>) -> bool {
        let Self { pace, began, mut turned } = self;
        let ground = pace.ground;
        let rest = (began.elapsed() * SHARE).clamp(SHORTEST_REST, LONGEST_REST);
        tokio::select! {
            () = ground.stop.cancelled() => return false,
            () = tokio::time::sleep(rest) => {}
            () = &mut turned => return true,
        }
        let wait = due.map_or(LONGEST_WAIT, |due| due.since(ground.ambient.now())).min(LONGEST_WAIT);
        tokio::select! {
            () = ground.stop.cancelled() => false,
            () = tokio::time::sleep(wait) => true,
            () = turned => true,
            is_open = pace.something_changes() => is_open,
        }
    }
}
