//! What the operator decides on other providers.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::PeerState;

use super::Operator;
use super::letting_go::keep;
use crate::card::Card;
use crate::consent::requests::Watch;
use crate::consent::{Decided, providers};
use crate::ground::changes::Change;
use crate::misuse::Misuse;
use crate::store::{DecidedBy, PeerRow, Tx};

impl Operator {
    /// The operator's judgement of a provider.
    pub async fn judge_peer(&self, provider: Provider, state: PeerState) -> Result<Decided<()>, Misuse> {
        if provider == self.ground.ours {
            return Err(Misuse::Unfit("this is ourselves; name another provider".into()));
        }
        self.decide_on_peer(provider, move |tx, provider| Ok(providers::judge(tx, provider, state)?)).await
    }

    /// Lets a provider in by its card: from then on it is the one with that key, and with that certificate where one is named.
    ///
    /// # Errors
    ///
    /// Where another key of it is accepted already, and where it is ourselves.
    pub async fn add_by_card(&self, card: Card) -> Result<Decided<()>, Misuse> {
        let Card { provider, key, certificate } = card;
        if provider == self.ground.ours {
            return Err(Misuse::Unfit("this is our own card; give it to others, and take theirs".into()));
        }
        let decided = self
            .decide_on_peer(provider.clone(), move |tx, provider| {
                let accepted = tx.accepted_keys(provider)?;
                if !accepted.is_empty() && !accepted.contains(&key) {
                    let text = format!(
                        "the card names another key than the one that {provider} was met with: ask its operator which is right, and \
                         accept the new one under Peers where it is"
                    );
                    return Err(Misuse::Unfit(text));
                }
                providers::judge(tx, provider, PeerState::Allowed)?;
                if accepted.is_empty() {
                    tx.accept_keys(provider, &[key])?;
                }
                Ok(())
            })
            .await?;
        if certificate.is_some() {
            self.trust_certificate(provider, certificate).await?;
        }
        Ok(decided)
    }

    /// Sets aside a provider that waits; it comes back if it asks again.
    pub async fn ignore_peer(&self, provider: Provider) -> Result<Decided<()>, Misuse> {
        self.decide_on_peer(provider, |tx, provider| {
            let mut peer = tx.peer(provider)?.ok_or_else(|| Misuse::NoSuchPeer(provider.clone()))?;
            peer.ignored = true;
            Ok(tx.put_peer(&peer)?)
        })
        .await
    }

    async fn decide_on_peer(
        &self,
        provider: Provider,
        decide: impl FnOnce(&Tx<'_>, &Provider) -> Result<(), Misuse> + Send + 'static,
    ) -> Result<Decided<()>, Misuse> {
        let decided = self.store.write(move |tx| {
            let mut watch = Watch::new(tx);
            watch.peer(&provider)?;
            keep(tx, &provider)?;
            decide(tx, &provider)?;
            Ok::<_, Misuse>(watch.effects()?)
        });
        Ok(self.consent.decided((), decided.await?))
    }

    /// Lets pulling from a peer rest, or go on.
    pub async fn pause_peer(&self, provider: Provider, paused: bool) -> Result<(), Misuse> {
        self.change_peer(provider, move |peer| peer.paused = paused).await
    }

    /// Tries a peer at once that is left alone after a failure.
    pub async fn retry_peer(&self, provider: &Provider) {
        // What is remembered of it may be what is wrong.
        self.peers.documents.reread(provider);
        self.peers.signs.wish(provider);
        self.ground.changes.announce(Change::Peer(provider.clone()));
    }

    /// Accepts the keys in the peer's document as the peer's, where they have changed and are those that the operator was `shown`.
    pub async fn accept_key(&self, provider: Provider, shown: &[Thumbprint]) -> Result<(), Misuse> {
        let document =
            self.peers.document_of(&provider).await.map_err(|fault| Misuse::Unfit(fault.to_string()))?;
        let keys: Vec<_> = document.keys.iter().map(|key| *key.thumbprint()).collect();
        if keys.len() != shown.len() || !keys.iter().all(|key| shown.contains(key)) {
            let found: Vec<_> = keys.iter().map(ToString::to_string).collect();
            return Err(Misuse::Unfit(format!(
                "{provider} shows the keys {} by now, and others were to be accepted; look at these before you accept them",
                found.join(", ")
            )));
        }
        self.store
            .write(move |tx| {
                if tx.peer(&provider)?.is_none() {
                    return Err(Misuse::NoSuchPeer(provider));
                }
                keep(tx, &provider)?;
                tx.accept_keys(&provider, &keys)?;
                tx.end_troubles(&provider, &["document", "signature"])?;
                if tx.peer_state(&provider)? == PeerState::KeyChanged {
                    providers::allow(tx, &provider, DecidedBy::Operator)?;
                }
                Ok(())
            })
            .await
    }

    async fn change_peer(
        &self,
        provider: Provider,
        change: impl FnOnce(&mut PeerRow) + Send + 'static,
    ) -> Result<(), Misuse> {
        self.store
            .write(move |tx| {
                let mut peer = tx.peer(&provider)?.ok_or(Misuse::NoSuchPeer(provider))?;
                change(&mut peer);
                Ok(tx.put_peer(&peer)?)
            })
            .await
    }
}
