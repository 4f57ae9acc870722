//! Takes the steps by which our signing key is changed, each when it is due (section 3), and signs anew what our users have agreed to
//! where its signature does not count.

use std::sync::Arc;
use std::time::Duration;

use crate::ambient::AmbientExt;
use crate::consent::Consent;
use crate::ground::Ground;
use crate::ground::changes::Change;
use crate::identity::KeyFault;
use crate::peers::Peers;

/// How often it is looked what is due: a clock that was set has not told.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// And how often where a step is due and nobody bears out the clock yet, as just after a start.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Changes our signing key by itself.
pub(crate) struct Rotation {
    /// The keys, the clock and the schedule.
    pub(crate) ground: Arc<Ground>,
    /// Who bears out the clock.
    pub(crate) peers: Arc<Peers>,
    /// Whose grants are signed anew.
    pub(crate) consent: Arc<Consent>,
}

impl Rotation {
    /// Looks until the node stops.
    pub(crate) async fn run(self) {
        loop {
            let (turned, changed) = (self.ground.ambient.turned(), self.ground.keys.changed());
            let rest = self.take_due().unwrap_or_else(|fault| {
                tracing::error!("the signing key is not changed, though it is time: {fault}");
                LOOK_EVERY
            });
            if let Err(fault) = self.consent.renew_grants().await {
                tracing::warn!("what users have agreed to is not signed anew: {fault}");
            }
            tokio::select! {
                () = self.ground.stop.cancelled() => return,
                () = tokio::time::sleep(rest) => {}
                () = turned => {}
                () = changed => {}
            }
        }
    }

    /// Takes all steps that are due. By a clock that others do not bear out none is: one that is ahead would have a key sign that
    /// nobody has seen, and take one away that others still need.
    ///
    /// Returns after how long it is to be looked again.
    fn take_due(&self) -> Result<Duration, KeyFault> {
        let (keys, every) = (&self.ground.keys, self.ground.config.keys.rotate_every());
        loop {
            let now = self.ground.ambient.now();
            let mut ring = keys.ring();
            let is_ahead = ring.correct(now);
            let due = ring.next_step(every).filter(|(at, _)| *at <= now);
            if !is_ahead && due.is_none() {
                return Ok(LOOK_EVERY);
            }
            if !self.peers.is_clock_borne_out() {
                return Ok(LOOK_AGAIN);
            }
            let seed = self.ground.ambient.random();
            keys.change(|ring| {
                ring.correct(now);
                if let Some((_, step)) = due {
                    ring.take(step, now, seed);
                    tracing::info!(?step, signing = %ring.signing().public().thumbprint(), "the signing key is being changed");
                }
                Ok::<_, KeyFault>(())
            })?;
            self.ground.changes.announce(Change::Settings);
        }
    }
}
