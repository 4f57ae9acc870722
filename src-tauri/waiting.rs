//! How much waits for the operator, at this computer's own provider and at those on other machines.

use std::collections::BTreeMap;

use parking_lot::Mutex;

/// Tauri's managed state: how much waits at each provider. The own one has no machine, and is the first.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<BTreeMap<Option<String>, u32>>);

impl Waiting {
    /// So much waits at the provider on `machine`. Returns how much waits at all of them.
    pub(crate) fn set(&self, machine: Option<&str>, count: u32) -> u32 {
        let mut counts = self.0.lock();
        counts.insert(machine.map(str::to_owned), count);
        counts.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// A provider at which something waits; none where nothing does.
    pub(crate) fn find(&self) -> Option<Option<String>> {
        self.0.lock().iter().find(|(_, count)| **count > 0).map(|(machine, _)| machine.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_counted_over_all_providers_and_is_found() {
        let waiting = Waiting::default();
        assert_eq!(waiting.set(None, 0), 0);
        assert_eq!(waiting.find(), None);
        assert_eq!(waiting.set(Some("one"), 2), 2);
        assert_eq!(waiting.find(), Some(Some("one".to_owned())));
        assert_eq!(waiting.set(None, 1), 3);
        assert_eq!(waiting.find(), Some(None), "the own one comes first");
        assert_eq!(waiting.set(Some("one"), 0), 1);
    }
}
