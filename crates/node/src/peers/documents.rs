//! What is remembered of other providers' documents (section 3).

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::document::ProviderDocument;
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::problem::Problem;
use drawbridge_mtp::time::Timestamp;

/// Documents that are remembered at most.
const KEPT: usize = 4096;
/// Documents of providers that are not peers, fetched at most in a minute.
const STRANGERS_A_MINUTE: usize = 60;
/// The documents of other providers.
#[derive(Default)]
pub(crate) struct Documents {
    /// What is remembered of each provider.
    entries: Mutex<HashMap<Provider, Entry>>,
    /// When documents of strangers were fetched in the last minute.
    strangers: Mutex<Vec<Timestamp>>,
}

#[derive(Clone, Default)]
pub(super) struct Entry {
    /// As it was had last.
    pub(super) document: Option<Arc<ProviderDocument>>,
    /// When that was.
    pub(super) fetched: Option<Timestamp>,
    /// Until then it is taken as it is.
    pub(super) fresh_until: Option<Timestamp>,
    /// The last try, where that failed.
    pub(super) failed: Option<Failure>,
    /// When it was last tried in vain for a request of its provider.
    pub(super) came_in_vain: Option<Timestamp>,
    /// When what it says was last doubted, so that it was fetched again before its time.
    pub(super) doubted: Option<Timestamp>,
    /// Whoever asks next fetches it again, whatever is remembered.
    pub(super) reread: bool,
    /// Held by whoever fetches, so that nobody fetches beside it.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone)]
pub(super) struct Failure {
    /// When it was met.
    pub(super) at: Timestamp,
    /// How long it is remembered.
    pub(super) pause: Duration,
    /// What is answered meanwhile where the document was had, and our store could not keep which keys it has.
    pub(super) unkept: Option<Box<Problem>>,
}

impl Entry {
    /// The document, where it need not be fetched.
    pub(super) fn fresh(&self, now: Timestamp) -> Option<&Arc<ProviderDocument>> {
        self.document.as_ref().filter(|_| self.fresh_until.is_some_and(|until| now < until))
    }
}

impl Documents {
    /// What is remembered of `provider`.
    pub(super) fn entry(&self, provider: &Provider) -> Entry {
        self.entries.lock().get(provider).cloned().unwrap_or_default()
    }

    /// The turn to fetch the document of `provider`; from here on there is an entry for it.
    pub(super) fn turn(&self, provider: &Provider, now: Timestamp) -> Arc<tokio::sync::Mutex<()>> {
        let mut entries = self.entries.lock();
        if entries.len() >= KEPT && !entries.contains_key(provider) {
            entries.retain(|_, entry| entry.fresh(now).is_some() || Arc::strong_count(&entry.turn) > 1);
            if entries.len() >= KEPT {
                entries.clear();
            }
        }
        entries.entry(provider.clone()).or_default().turn.clone()
    }

    /// Forgets everything: the clock was set back, and what was remembered until some time would be for as long as it was ahead.
    pub(crate) fn forget(&self) {
        self.entries.lock().clear();
        self.strangers.lock().clear();
    }

    /// Forgets what is remembered of `provider`.
    pub(crate) fn forget_of(&self, provider: &Provider) {
        self.entries.lock().remove(provider);
    }

    /// What is remembered of the document of `provider`, fresh or not.
    pub(crate) fn remembered(&self, provider: &Provider) -> Option<Arc<ProviderDocument>> {
        self.entry(provider).document
    }

    /// The thumbprints of the keys of `provider`, as far as they are remembered.
    pub(crate) fn thumbprints(&self, provider: &Provider) -> Vec<Thumbprint> {
        let document = self.remembered(provider);
        document.iter().flat_map(|document| document.keys.iter()).map(|key| *key.thumbprint()).collect()
    }

    /// Has the document of `provider` read again by whoever needs it next: the operator wants it tried.
    pub(crate) fn reread(&self, provider: &Provider) {
        self.change(provider, |entry| entry.reread = true);
    }

    /// Whether a stranger's document may be fetched now; counts it.
    pub(super) fn take_stranger_turn(&self, now: Timestamp) -> bool {
        let mut fetched = self.strangers.lock();
        fetched.retain(|at| now.since(*at) < Duration::from_secs(60));
        let may = fetched.len() < STRANGERS_A_MINUTE;
        if may {
            fetched.push(now);
        }
        may
    }

    /// Changes what is remembered of `provider`, where that is anything.
    pub(super) fn change(&self, provider: &Provider, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries.lock().get_mut(provider) {
            change(entry);
        }
    }
}
