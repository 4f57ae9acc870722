//! Which providers could not be reached when they were last asked, for those who wait for something of them.

use std::collections::HashSet;

use drawbridge_mtp::id::Provider;
use tokio::sync::watch;

/// The providers that are known to be away.
#[derive(Debug, Default)]
pub(crate) struct Absence(watch::Sender<HashSet<Provider>>);

impl Absence {
    /// `provider` could not be reached.
    pub(super) fn begin(&self, provider: &Provider) {
        self.0.send_if_modified(|away| away.insert(provider.clone()));
    }

    /// `provider` has answered.
    pub(crate) fn end(&self, provider: &Provider) {
        self.0.send_if_modified(|away| away.remove(provider));
    }

    /// Returns when `provider` is known to be away: at once where it is now.
    pub(crate) async fn of(&self, provider: &Provider) {
        // It ends only with its sender, which is ours.
        let _ = self.0.subscribe().wait_for(|away| away.contains(provider)).await;
    }

    /// Whether `provider` is known to be away.
    pub(crate) fn is_away(&self, provider: &Provider) -> bool {
        self.0.borrow().contains(provider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_for_a_provider_is_let_go_when_that_one_is_away() {
        let absence = Absence::default();
        let [one, other] = ["a.example", "c.example"].map(|name| name.parse::<Provider>().unwrap());
        let (mut waits, mut elsewhere) = (Box::pin(absence.of(&one)), Box::pin(absence.of(&other)));
        assert!(futures_util::poll!(waits.as_mut()).is_pending());
        assert!(futures_util::poll!(elsewhere.as_mut()).is_pending());
        absence.begin(&one);
        waits.await;
        assert!(futures_util::poll!(elsewhere).is_pending(), "which says nothing of another");
        assert!(absence.is_away(&one), "and nobody begins to wait");
        absence.end(&one);
        assert!(!absence.is_away(&one));
    }
}
