//! Provider documents: fetched when they are needed, cached as long as they say, and never fetched so often that
//! a stranger could use us against others (section 3).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drawbridge_mtp::document::ProviderDocument;
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::{PublicKey, Thumbprint};
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;

use crate::core::{Core, lock};
use crate::diagnose::{PeerFault, Stage};
use crate::store::StoreFault;

/// Documents that are remembered at most.
const KEPT: usize = 4096;
/// An unknown key lets a document be fetched again at most so often.
const REFETCH: Duration = Duration::from_secs(60);
/// Documents of providers that are not peers, fetched at most in a minute.
const STRANGERS_A_MINUTE: usize = 60;
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The documents of other providers.
#[derive(Default)]
pub(crate) struct Documents {
    entries: Mutex<HashMap<Provider, Entry>>,
    /// When documents of strangers were fetched in the last minute.
    strangers: Mutex<Vec<Timestamp>>,
}

#[derive(Clone, Default)]
struct Entry {
    document: Option<Arc<ProviderDocument>>,
    fetched: Option<Timestamp>,
    fresh_until: Option<Timestamp>,
    failed: Option<Failure>,
    /// Held by whoever fetches, so that nobody fetches beside it.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone, Copy)]
struct Failure {
    until: Timestamp,
    pause: Duration,
}

/// The key is not in the signer's document, or that cannot be had.
#[derive(Debug)]
pub(crate) struct KeyUnknown {
    /// When it makes sense to try again.
    pub(crate) retry_after: Duration,
}

impl Entry {
    fn fresh(&self, now: Timestamp) -> Option<&Arc<ProviderDocument>> {
        self.document.as_ref().filter(|_| self.fresh_until.is_some_and(|until| now < until))
    }
}

impl Documents {
    fn entry(&self, provider: &Provider) -> Entry {
        lock(&self.entries).get(provider).cloned().unwrap_or_default()
    }

    fn turn(&self, provider: &Provider, now: Timestamp) -> Arc<tokio::sync::Mutex<()>> {
        let mut entries = lock(&self.entries);
        if entries.len() >= KEPT && !entries.contains_key(provider) {
            entries.retain(|_, entry| entry.fresh(now).is_some() || Arc::strong_count(&entry.turn) > 1);
            if entries.len() >= KEPT {
                entries.clear();
            }
        }
        entries.entry(provider.clone()).or_default().turn.clone()
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

    /// Whether a stranger's document may be fetched now; counts it.
    fn stranger_may(&self, now: Timestamp) -> bool {
        let mut fetched = lock(&self.strangers);
        fetched.retain(|at| now.since(*at) < Duration::from_secs(60));
        let may = fetched.len() < STRANGERS_A_MINUTE;
        if may {
            fetched.push(now);
        }
        may
    }
}

impl Core {
    /// The document of a provider that we ask something.
    pub(crate) async fn document_of(&self, provider: &Provider) -> Result<Arc<ProviderDocument>, PeerFault> {
        if let Some(document) = self.documents.entry(provider).fresh(self.ambient.now()) {
            return Ok(document.clone());
        }
        let turn = self.documents.turn(provider, self.ambient.now());
        let _turn = turn.lock().await;
        if let Some(document) = self.documents.entry(provider).fresh(self.ambient.now()) {
            return Ok(document.clone());
        }
        Box::pin(self.fetch(provider)).await
    }

    /// The document once more, since its keys do not fit what the provider has signed.
    pub(crate) async fn document_anew(
        &self,
        provider: &Provider,
    ) -> Result<Arc<ProviderDocument>, PeerFault> {
        let turn = self.documents.turn(provider, self.ambient.now());
        let _turn = turn.lock().await;
        let entry = self.documents.entry(provider);
        let now = self.ambient.now();
        match (entry.fresh(now), entry.fetched) {
            (Some(document), Some(at)) if now.since(at) < REFETCH => Ok(document.clone()),
            _ => Box::pin(self.fetch(provider)).await,
        }
    }

    /// The key `kid` of `signer`, for verifying a request (section 4, `key-unknown`).
    pub(crate) async fn key_of(&self, signer: &Provider, kid: &Thumbprint) -> Result<PublicKey, KeyUnknown> {
        if let Some(key) = self.cached_key(signer, kid)? {
            return Ok(key);
        }
        let turn = self.documents.turn(signer, self.ambient.now());
        let _turn = turn.lock().await;
        // Whoever had the turn before may have fetched it.
        if let Some(key) = self.cached_key(signer, kid)? {
            return Ok(key);
        }
        let now = self.ambient.now();
        let provider = signer.clone();
        let state =
            self.store.read(move |view| view.peer_state(&provider)).await.unwrap_or(PeerState::Unknown);
        if state == PeerState::Unknown && !self.documents.stranger_may(now) {
            return Err(KeyUnknown { retry_after: Duration::from_secs(10) });
        }
        match Box::pin(self.fetch(signer)).await {
            Ok(document) => document.keys.get(kid).cloned().ok_or(KeyUnknown { retry_after: REFETCH }),
            Err(_) => {
                let pause = self.documents.entry(signer).failed.map_or(FIRST_PAUSE, |failed| failed.pause);
                Err(KeyUnknown { retry_after: pause })
            }
        }
    }

    /// The key, where it is remembered; `None` where it makes sense to fetch the document.
    fn cached_key(&self, signer: &Provider, kid: &Thumbprint) -> Result<Option<PublicKey>, KeyUnknown> {
        let entry = self.documents.entry(signer);
        let now = self.ambient.now();
        if let Some(document) = entry.fresh(now) {
            if let Some(key) = document.keys.get(kid) {
                return Ok(Some(key.clone()));
            }
            let age = now.since(entry.fetched.unwrap_or(now));
            if age < REFETCH {
                return Err(KeyUnknown { retry_after: REFETCH.saturating_sub(age) });
            }
        }
        match entry.failed {
            Some(failed) if now < failed.until => Err(KeyUnknown { retry_after: failed.until.since(now) }),
            _ => Ok(None),
        }
    }

    /// Fetches the document and remembers it, or that it could not be had. The caller has the turn.
    ///
    /// Callers box it: every request that waits here would otherwise keep room for it.
    async fn fetch(&self, provider: &Provider) -> Result<Arc<ProviderDocument>, PeerFault> {
        let fetched = self.fetch_document(provider).await;
        let now = self.ambient.now();
        match fetched {
            Ok((document, lifetime)) => {
                let document = Arc::new(document);
                if let Some(entry) = lock(&self.documents.entries).get_mut(provider) {
                    entry.document = Some(document.clone());
                    entry.fetched = Some(now);
                    entry.fresh_until = Some(now.plus(lifetime));
                    entry.failed = None;
                }
                self.compare_keys(&document).await.map(|()| document)
            }
            Err(fault) => {
                if let Some(entry) = lock(&self.documents.entries).get_mut(provider) {
                    let pause =
                        entry.failed.map_or(FIRST_PAUSE, |failed| (failed.pause * 2).min(LONGEST_PAUSE));
                    entry.failed = Some(Failure { until: now.plus(pause), pause });
                }
                Err(fault)
            }
        }
    }

    /// A document with none of the keys accepted so far is of someone else, until the operator says otherwise;
    /// new keys beside an accepted one are accepted with it.
    async fn compare_keys(&self, document: &ProviderDocument) -> Result<(), PeerFault> {
        let provider = document.provider.clone();
        let keys: Vec<Thumbprint> = document.keys.iter().map(|key| *key.thumbprint()).collect();
        let compared = self.store.write(move |tx| {
            let Some(mut peer) = tx.peer(&provider)? else { return Ok(()) };
            let mut accepted = tx.accepted_keys(&provider)?;
            if !accepted.is_empty() && !keys.iter().any(|key| accepted.contains(key)) {
                if matches!(peer.state, PeerState::Allowed | PeerState::Pending) {
                    peer.state = PeerState::KeyChanged;
                    peer.since = tx.now();
                    peer.decided_by = None;
                    tx.put_peer(&peer)?;
                }
                let text = "its document has none of the keys accepted so far; accept the new key only if its operator \
                            has confirmed it to you";
                tx.note_trouble(&provider, "document", "key-changed", text)?;
                return Ok(());
            }
            let before = accepted.len();
            accepted.extend(keys);
            accepted.sort_unstable_by_key(|key| *key.as_bytes());
            accepted.dedup();
            if accepted.len() != before { tx.accept_keys(&provider, &accepted) } else { Ok(()) }
        });
        compared
            .await
            .map_err(|fault: StoreFault| PeerFault::new(Stage::Store, "unavailable", fault.to_string()))
    }
}
