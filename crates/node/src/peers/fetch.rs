//! Having a provider's document: fetched when it is needed, taken as it is for as long as it says, and never fetched so often
//! that a stranger could use us against others (section 3).

use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::document::ProviderDocument;
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::{PublicKey, Thumbprint};
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::problem::Problem;
use drawbridge_mtp::time::Timestamp;

use super::Peers;
use super::document_answer::{DOCUMENT_PATH, DocumentAnswer};
use super::documents::{Entry, Failure, InVain};
use super::reach::lifetime;
use crate::ground::changes::Change;
use crate::peer_fault::{PeerFault, Stage};
use crate::refusal::Refusal;
use crate::store::{Addition, Connection, DecidedBy, StoreFault};
use crate::traffic::Asker;

/// What does not fit a document (a key that it lacks, an endpoint that is not there) lets it be fetched again at most so
/// often.
const REFETCH: Duration = Duration::from_secs(60);
/// A request under a key that was accepted before lets a document that could not be had be fetched again after this: it
/// is most likely a peer that is there again. Where that was tried for such a request lately, it is not.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// Keys of one provider that are remembered as accepted. It has one, or two while it changes them.
const ACCEPTED: usize = 64;
/// How long the first failure is remembered, and the longest that later ones are.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why a key is not to be had.
#[derive(Debug)]
pub(crate) enum NoKey {
    /// The signer's document is at hand, and the key is not in it. It makes sense to try again after that.
    NotThere(Duration),
    /// The signer's document cannot be had at the moment. It makes sense to try again after that.
    NoDocument(Duration),
    /// The document was had, but our store could not keep which keys it has, so that nobody is believed by them yet.
    Unkept {
        /// What is wrong with our store.
        problem: Box<Problem>,
        /// When it makes sense to try again.
        retry_after: Duration,
    },
}

impl NoKey {
    /// When it makes sense to try again.
    pub(crate) fn retry_after(&self) -> Duration {
        match self {
            Self::NotThere(after) | Self::NoDocument(after) | Self::Unkept { retry_after: after, .. } => {
                *after
            }
        }
    }
}

/// Why a document does not count.
enum Uncounted {
    /// It could not be had.
    Peer(PeerFault),
    /// It could not be kept which keys it has.
    Store(StoreFault),
}

/// What came of asking for a document.
pub(crate) struct Fetched {
    /// What was answered; none where nothing was.
    pub(crate) answer: Option<DocumentAnswer>,
    /// The document, or why it could not be had.
    pub(crate) document: Result<Arc<ProviderDocument>, PeerFault>,
}

impl Failure {
    /// What it means for whoever wants a key, for so long.
    fn no_key(&self, retry_after: Duration) -> NoKey {
        match &self.unkept {
            Some(problem) => NoKey::Unkept { problem: problem.clone(), retry_after },
            None => NoKey::NoDocument(retry_after),
        }
    }
}

impl Peers {
    /// The document of a provider that we ask something.
    pub(crate) async fn document_of(&self, provider: &Provider) -> Result<Arc<ProviderDocument>, PeerFault> {
        let remembered =
            |entry: &Entry| entry.fresh(self.ground.ambient.now()).filter(|_| !entry.reread).cloned();
        if let Some(document) = remembered(&self.documents.entry(provider)) {
            return Ok(document);
        }
        let turn = self.documents.turn(provider, self.ground.ambient.now());
        let _turn = turn.lock().await;
        if let Some(document) = remembered(&self.documents.entry(provider)) {
            return Ok(document);
        }
        Box::pin(self.fetch(provider, &self.outbound.client(), Asker::Node)).await.document
    }

    /// The document once more, since what it says does not fit what was met: a key that it lacks, or an endpoint where its
    /// provider is not.
    pub(crate) async fn document_anew(
        &self,
        provider: &Provider,
    ) -> Result<Arc<ProviderDocument>, PeerFault> {
        let turn = self.documents.turn(provider, self.ground.ambient.now());
        let _turn = turn.lock().await;
        let entry = self.documents.entry(provider);
        let now = self.ground.ambient.now();
        let lately = |at: Option<Timestamp>| at.is_some_and(|at| now.since(at) < REFETCH);
        if let Some(document) = entry.fresh(now)
            && (lately(entry.fetched) || lately(entry.doubted))
        {
            return Ok(document.clone());
        }
        let document = Box::pin(self.fetch(provider, &self.outbound.client(), Asker::Node)).await.document;
        // Noted behind it: a fetch that was dropped half way, as where this machine wakes, was none.
        self.documents.change(provider, |entry| entry.doubted = Some(now));
        document
    }

    /// The document as it is now, over `client`, whatever is remembered, with what was answered: the Doctor looks.
    pub(crate) async fn document_now(&self, provider: &Provider, client: &reqwest::Client) -> Fetched {
        let turn = self.documents.turn(provider, self.ground.ambient.now());
        let _turn = turn.lock().await;
        Box::pin(self.fetch(provider, client, Asker::Doctor)).await
    }

    /// The key `kid` of `signer`, for verifying a request (section 4, `key-unknown`).
    pub(crate) async fn key_of(&self, signer: &Provider, kid: &Thumbprint) -> Result<PublicKey, NoKey> {
        if let Some(key) = self.cached_key(signer, kid)? {
            return Ok(key);
        }
        let turn = self.documents.turn(signer, self.ground.ambient.now());
        let _turn = turn.lock().await;
        // Whoever had the turn before may have fetched it.
        if let Some(key) = self.cached_key(signer, kid)? {
            return Ok(key);
        }
        let now = self.ground.ambient.now();
        let provider = signer.clone();
        let state =
            self.store.read(move |view| view.peer_state(&provider)).await.unwrap_or(PeerState::Unknown);
        if state == PeerState::Unknown && !self.documents.take_stranger_turn(now) {
            return Err(NoKey::NoDocument(Duration::from_secs(10)));
        }
        match Box::pin(self.fetch(signer, &self.outbound.client(), Asker::Node)).await.document {
            Ok(document) => document.keys.get(kid).cloned().ok_or(NoKey::NotThere(REFETCH)),
            Err(_) => {
                let entry = self.documents.entry(signer);
                let fault = entry.failed.as_ref().map(|failed| {
                    let retry_after = self.remembered_for(failed, &entry, signer, kid);
                    failed.no_key(retry_after)
                });
                self.documents.change(signer, |entry| {
                    entry.came_in_vain = Some(InVain::again(entry.came_in_vain, now));
                });
                // Repairs tells of it after some tries.
                self.ground.changes.announce(Change::Dealings(signer.clone()));
                Err(fault.unwrap_or(NoKey::NoDocument(FIRST_PAUSE)))
            }
        }
    }

    /// How long that failure to have the document of `signer` is held against a request under `kid`.
    fn remembered_for(
        &self,
        failed: &Failure,
        entry: &Entry,
        signer: &Provider,
        kid: &Thumbprint,
    ) -> Duration {
        let now = self.ground.ambient.now();
        let is_in_vain = entry
            .came_in_vain
            .is_some_and(|in_vain| in_vain.last <= now && now.since(in_vain.last) < REFETCH);
        let is_accepted = self.store.glance(|view| {
            Ok::<_, StoreFault>(
                view.peer_state(signer)? == PeerState::Allowed && view.accepted_keys(signer)?.contains(kid),
            )
        });
        let is_sign = !is_in_vain && is_accepted.unwrap_or(false);
        if is_sign { SIGN_OF_LIFE.min(failed.pause) } else { failed.pause }
    }

    /// The key, where it is remembered; `None` where it makes sense to fetch the document.
    fn cached_key(&self, signer: &Provider, kid: &Thumbprint) -> Result<Option<PublicKey>, NoKey> {
        let entry = self.documents.entry(signer);
        let now = self.ground.ambient.now();
        if let Some(document) = entry.fresh(now) {
            if let Some(key) = document.keys.get(kid) {
                return Ok(Some(key.clone()));
            }
            let age = now.since(entry.fetched.unwrap_or(now));
            if age < REFETCH {
                return Err(NoKey::NotThere(REFETCH.saturating_sub(age)));
            }
        }
        // What the operator has changed, as that a certificate is trusted, counts with the next request.
        let Some(failed) = entry.failed.as_ref().filter(|_| !entry.reread) else { return Ok(None) };
        let remembered = self.remembered_for(failed, &entry, signer, kid);
        let rest = remembered.saturating_sub(now.since(failed.at));
        if rest.is_zero() { Ok(None) } else { Err(failed.no_key(rest)) }
    }

    /// Fetches the document and remembers it, or that it could not be had. The caller has the turn.
    ///
    /// Callers box it: every request that waits here would otherwise keep room for it.
    async fn fetch(&self, provider: &Provider, client: &reqwest::Client, asker: Asker) -> Fetched {
        let asked = self.ask_for_document(provider, client, DOCUMENT_PATH, None, asker).await;
        let (answer, fetched) = match asked {
            Ok(answer) => {
                let read = answer.read(provider).map(|document| (document, lifetime(&answer.headers)));
                (Some(answer), read)
            }
            Err(fault) => (None, Err(fault)),
        };
        self.documents.change(provider, |entry| entry.reread = false);
        Fetched { answer, document: self.remember(provider, fetched).await }
    }

    /// Remembers the document with how long it is fresh, or that it could not be had.
    async fn remember(
        &self,
        provider: &Provider,
        fetched: Result<(ProviderDocument, Duration), PeerFault>,
    ) -> Result<Arc<ProviderDocument>, PeerFault> {
        let fetched = match fetched {
            Ok((document, lifetime)) => {
                let document = Arc::new(document);
                // Who is told that the keys are others sees which. It counts only once that is kept: whoever asks meanwhile must
                // not be believed by keys that nobody has accepted.
                self.documents.change(provider, |entry| {
                    (entry.document, entry.fresh_until) = (Some(document.clone()), None);
                });
                let kept = self.compare_keys(&document).await;
                kept.map(|()| (document, lifetime)).map_err(Uncounted::Store)
            }
            Err(fault) => Err(Uncounted::Peer(fault)),
        };
        let now = self.ground.ambient.now();
        match fetched {
            Ok((document, lifetime)) => {
                let mut came_in_vain = None;
                self.documents.change(provider, |entry| {
                    entry.document = Some(document.clone());
                    entry.fetched = Some(now);
                    entry.fresh_until = Some(now.plus(lifetime));
                    entry.failed = None;
                    came_in_vain = entry.came_in_vain.take();
                });
                if came_in_vain.is_some() {
                    self.ground.changes.announce(Change::Dealings(provider.clone()));
                }
                Ok(document)
            }
            Err(Uncounted::Store(fault)) => {
                let met = PeerFault::new(Stage::Store, "own-store", fault.to_string());
                let (problem, after) = Refusal::Store(fault).into_parts();
                let pause = after.unwrap_or(FIRST_PAUSE);
                let (unkept, failed) = (Some(Box::new(problem)), met.clone());
                self.documents.change(provider, |entry| {
                    entry.failed = Some(Failure { fault: failed, at: now, pause, unkept });
                });
                Err(met)
            }
            Err(Uncounted::Peer(fault)) => {
                // Our own tries at a peer must not lengthen what it meets when it is there again.
                let state = self.store.glance(|view| view.peer_state(provider));
                let is_peer = state.is_ok_and(|state| state == PeerState::Allowed);
                let failed = fault.clone();
                self.documents.change(provider, |entry| {
                    let pause = match &entry.failed {
                        Some(failed) if !is_peer => (failed.pause * 2).min(LONGEST_PAUSE),
                        _ => FIRST_PAUSE,
                    };
                    entry.failed = Some(Failure { fault: failed, at: now, pause, unkept: None });
                });
                Err(fault)
            }
        }
    }

    /// A document with none of the keys accepted so far is of someone else, until the operator says otherwise;
    /// new keys beside an accepted one are accepted with it. By the keys of one that only waits nobody was let in: it waits on
    /// under its new ones, so that whoever changes keys without end is one that waits, and nothing for the operator to mend.
    async fn compare_keys(&self, document: &ProviderDocument) -> Result<(), StoreFault> {
        let provider = document.provider.clone();
        let keys: Vec<Thumbprint> = document.keys.iter().map(|key| *key.thumbprint()).collect();
        // Nothing is to be kept of most, also where nothing can be.
        let is_known = self.store.glance(|view| {
            let accepted = view.accepted_keys(&provider)?;
            Ok::<_, StoreFault>(keys.iter().all(|key| accepted.contains(key)))
        });
        if is_known.unwrap_or(false) {
            return Ok(());
        }
        self.store.write(move |tx| {
            let Some(mut peer) = tx.peer(&provider)? else { return Ok(()) };
            let mut accepted = tx.accepted_keys(&provider)?;
            if !accepted.is_empty() && !keys.iter().any(|key| accepted.contains(key)) {
                if peer.state == PeerState::Pending && peer.decided_by.is_none() {
                    // What was asked under the old keys was asked by somebody else.
                    tx.remove_unapproved::<Connection>(&provider)?;
                    tx.remove_unapproved::<Addition>(&provider)?;
                    return tx.accept_keys(&provider, keys.get(..ACCEPTED).unwrap_or(&keys));
                }
                if matches!(peer.state, PeerState::Allowed | PeerState::Pending) {
                    peer.state = PeerState::KeyChanged;
                    peer.since = tx.now();
                    // That a rule alone has let it in is what tells a guest.
                    peer.decided_by = peer.decided_by.filter(|by| *by == DecidedBy::Rule);
                    tx.put_peer(&peer)?;
                }
                let text = "its document has none of the keys accepted so far; accept the new key only if its operator \
                            has confirmed it to you";
                tx.note_trouble(&provider, "document", "key-changed", text)?;
                return Ok(());
            }
            let new: Vec<_> = keys.iter().filter(|key| !accepted.contains(key)).copied().collect();
            if new.is_empty() {
                return Ok(());
            }
            accepted.extend(new);
            // Those that it still has are kept before those that it had once, and of those the latest.
            let mut old = accepted.len().saturating_sub(ACCEPTED);
            accepted.retain(|key| {
                let goes = old > 0 && !keys.contains(key);
                old -= usize::from(goes);
                !goes
            });
            accepted.truncate(ACCEPTED);
            tx.accept_keys(&provider, &accepted)
        })
        .await
    }
}
