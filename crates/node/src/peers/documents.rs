//! What is remembered of other providers' documents (section 3).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::document::ProviderDocument;
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::problem::Problem;
use drawbridge_mtp::time::Timestamp;
use parking_lot::Mutex;

use crate::peer_fault::PeerFault;

/// Documents that are remembered at most.
const KEPT: usize = 4096;
/// Documents of providers that are not peers, fetched at most in a minute.
const STRANGERS_A_MINUTE: usize = 60;
/// Who was refused comes again within a minute (section 11): who was refused longer ago than this has given up.
pub(crate) const COMES_AGAIN: Duration = Duration::from_secs(600);

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
    /// That it was tried in vain for requests of its provider.
    pub(super) came_in_vain: Option<InVain>,
    /// When what it says was last doubted, so that it was fetched again before its time.
    pub(super) doubted: Option<Timestamp>,
    /// Whoever asks next fetches it again, whatever is remembered.
    pub(super) reread: bool,
    /// Held by whoever fetches, so that nobody fetches beside it.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// Tries to have a document for requests of its provider, all in vain so far: those requests were refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InVain {
    /// When the first of them was.
    pub(crate) first: Timestamp,
    /// When the latest was.
    pub(crate) last: Timestamp,
    /// How many there were.
    pub(crate) tries: u32,
}

/// A provider that comes here and is refused, since its document cannot be had.
#[derive(Clone, Debug)]
pub(crate) struct Unread {
    /// Which.
    pub(crate) provider: Provider,
    /// The tries.
    pub(crate) in_vain: InVain,
    /// Why the document cannot be had.
    pub(crate) fault: PeerFault,
}

#[derive(Clone)]
pub(super) struct Failure {
    /// Why it could not be had.
    pub(super) fault: PeerFault,
    /// When it was met.
    pub(super) at: Timestamp,
    /// How long it is remembered.
    pub(super) pause: Duration,
    /// What is answered meanwhile where the document was had, and our store could not keep which keys it has.
    pub(super) unkept: Option<Box<Problem>>,
}

impl InVain {
    /// One more try at `now`, behind those `before`.
    pub(super) fn again(before: Option<Self>, now: Timestamp) -> Self {
        let before = before.filter(|before| before.last <= now && now.since(before.last) <= COMES_AGAIN);
        let (first, tries) = before.map_or((now, 0), |before| (before.first, before.tries));
        Self { first, last: now, tries: tries.saturating_add(1) }
    }
}

impl Entry {
    /// Why the document could not be had when that was last tried, where it was the other side's.
    fn unread(&self) -> Option<&PeerFault> {
        self.failed.as_ref().filter(|failed| failed.unkept.is_none()).map(|failed| &failed.fault)
    }

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

    /// Why the document of `provider` could not be had when that was last tried, where it could not.
    pub(crate) fn why_unread(&self, provider: &Provider) -> Option<PeerFault> {
        self.entries.lock().get(provider)?.unread().cloned()
    }

    /// The providers that came here lately and were refused, since their documents cannot be had, for a reason that `counts`.
    pub(crate) fn came_in_vain(&self, now: Timestamp, counts: impl Fn(&PeerFault) -> bool) -> Vec<Unread> {
        let entries = self.entries.lock();
        let unread = entries.iter().filter_map(|(provider, entry)| {
            let in_vain = entry.came_in_vain.filter(|in_vain| now.since(in_vain.last) <= COMES_AGAIN)?;
            let fault = entry.unread().filter(|fault| counts(fault))?.clone();
            Some(Unread { provider: provider.clone(), in_vain, fault })
        });
        unread.collect()
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
