//! Where an event is on its way.

use super::Operator;
use crate::diagnose::{Trace, Traced};
use crate::misuse::Misuse;

impl Operator {
    /// Where an event is on its way from its sender to everybody who is to have it, as far as it is known here.
    ///
    /// # Errors
    ///
    /// There is no such group here.
    pub async fn trace(&self, what: Traced) -> Result<Trace, Misuse> {
        self.tracer.trace(what).await
    }
}
