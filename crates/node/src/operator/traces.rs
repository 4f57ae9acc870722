//! Where an event is on its way.

use std::collections::HashMap;

use drawbridge_mtp::id::{GroupUri, Id};

use super::Operator;
use crate::diagnose::{Elsewhere, Trace, Traced};
use crate::misuse::Misuse;
use crate::store::WaitingSubmission;

/// So much of the outbox is listed.
const LISTED: u32 = 200;

impl Operator {
    /// Where an event is on its way from its sender to everybody who is to have it, as far as it is known here.
    ///
    /// # Errors
    ///
    /// There is no such group here.
    pub async fn trace(&self, what: Traced) -> Result<Trace, Misuse> {
        let known = self.tracer.read(what).await?;
        let mut standings = HashMap::new();
        for peer in known.awaited() {
            let standing = self.peer(&peer).await.map_err(|fault| Misuse::Store(fault.into()))?.standing;
            standings.insert(peer, standing);
        }
        Ok(self.tracer.judge(known, &standings))
    }

    /// What clients here have submitted and the owners of its groups have not answered, the oldest first, each with its id.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub async fn outbox(&self) -> Result<Vec<(Id, WaitingSubmission)>, Misuse> {
        self.store.read::<_, Misuse>(|view| Ok(view.submissions_waiting(LISTED)?)).await
    }

    /// What others tell of the event `seq`: the group's owner, or, where that is us, the providers that are told of it. Each is asked
    /// now, at the same time.
    ///
    /// # Errors
    ///
    /// There is no such group here.
    pub async fn trace_elsewhere(&self, group: &GroupUri, seq: u64) -> Result<Vec<Elsewhere>, Misuse> {
        self.tracer.ask_elsewhere(group, seq).await
    }
}
