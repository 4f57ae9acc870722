//! Brings what our users asked to the providers concerned, until those have it: a request, or its taking back.

use std::sync::Arc;

use drawbridge_mtp::id::{Id, Provider};
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::wire::{self, Encoding};
use http::Method;
use tokio::sync::Notify;

use super::kind::{Kind, Said};
use super::learn::{learn, reopen};
use crate::consent::state::Consent;
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::{Ask, Backoff, EndedBy};
use crate::store::{AuthorizationRow, ConnectionRow, RequestRow, StoreFault, Tx, Unsent};

impl Consent {
    /// Brings everything to `peer`, whenever there is something; ends when the peer is no longer asked.
    ///
    /// Most couriers have nothing to bring, so the steps are boxed: a task keeps room for the largest of what is not.
    pub(crate) async fn deliver(self: Arc<Self>, peer: Provider, nudge: Arc<Notify>) {
        let mut backoff = Backoff::new(&self.peers.signs, &peer);
        loop {
            let Some(errands) = Box::pin(self.errands(&peer)).await else { return };
            if errands.is_empty() {
                nudge.notified().await;
                continue;
            }
            let names: Vec<_> = errands.iter().map(Errand::name).collect();
            let mut failed = None;
            for errand in errands {
                let brought = match errand {
                    Errand::Connection(row) => Box::pin(self.bring(&peer, row)).await,
                    Errand::Addition(row) => Box::pin(self.bring(&peer, row)).await,
                };
                match brought {
                    Ok(()) => {
                        backoff.succeeded();
                        self.peers.note_taken(&peer).await;
                    }
                    // It says nothing of the others.
                    Err(fault) if fault.is(Code::NotConnected) => failed = Some(fault),
                    Err(fault) => {
                        failed = Some(fault);
                        break;
                    }
                }
            }
            if let Some(fault) = failed {
                self.peers.note_trouble(&peer, &fault).await;
                let pause = backoff.failed(&*self.ground.ambient, fault.retry_after);
                let resting = backoff.rest(pause, EndedBy::from(&fault));
                Box::pin(self.until_news(&peer, &nudge, &names, resting)).await;
            }
        }
    }
}

impl Consent {
    /// Rests, or until there is something to bring that was not among what has failed.
    async fn until_news(
        &self,
        peer: &Provider,
        nudge: &Notify,
        failed: &[Name],
        resting: impl Future<Output = ()>,
    ) {
        let mut resting = std::pin::pin!(resting);
        loop {
            tokio::select! {
                () = &mut resting => return,
                () = nudge.notified() => match self.errands(peer).await {
                    Some(errands) if errands.iter().all(|errand| failed.contains(&errand.name())) => {}
                    _ => return,
                },
            }
        }
    }
}

/// Something that another provider has to be told.
enum Errand {
    Connection(ConnectionRow),
    Addition(AuthorizationRow),
}

/// What tells an errand from every other.
type Name = (Id, Option<Unsent>);

impl Errand {
    fn name(&self) -> Name {
        match self {
            Self::Connection(row) => (row.id, row.unsent),
            Self::Addition(row) => (row.id, row.unsent),
        }
    }
}

impl Consent {
    /// What `peer` has to be told: what is taken back first, which may make room for more, then connections, since additions
    /// need them; `None` where it is not asked.
    async fn errands(&self, peer: &Provider) -> Option<Vec<Errand>> {
        let peer = peer.clone();
        let read = self.store.read(move |view| {
            if view.peer_state(&peer)? != PeerState::Allowed {
                return Ok(None);
            }
            let connections = view.unsent(&peer)?.into_iter().map(Errand::Connection);
            let additions = view.unsent(&peer)?.into_iter().map(Errand::Addition);
            let mut errands: Vec<Errand> = connections.chain(additions).collect();
            errands.sort_by_key(|errand| errand.name().1 != Some(Unsent::Delete));
            Ok::<_, StoreFault>(Some(errands))
        });
        read.await.ok().flatten()
    }
}

impl Consent {
    /// Tells `peer` one thing, and keeps what it makes of it.
    async fn bring<K: Kind>(&self, peer: &Provider, row: RequestRow<K>) -> Result<(), PeerFault> {
        let mut told = match self.tell(peer, &row).await {
            Err(fault) if fault.is(Code::NotConnected) => Told::by_disconnected(self, &row, fault).await?,
            told => told?,
        };
        if let Told::Said(Said { grant: grant @ Some(_), .. }) = &mut told
            && let Some(jws) = grant.as_deref()
            && !self.is_signed(peer, jws).await
        {
            *grant = None;
        }
        let ours = self.ground.ours.clone();
        let kept = self.store.write(move |tx| keep(tx, &ours, &row, told)).await;
        kept.map_err(|fault: StoreFault| PeerFault::new(Stage::Store, "own-store", fault.to_string()))
    }
}

impl Consent {
    /// Posts `row` to its resource at `peer`, or deletes it there.
    async fn tell<K: Kind>(&self, peer: &Provider, row: &RequestRow<K>) -> Result<Told, PeerFault> {
        let (method, resource, content) = match row.unsent {
            Some(Unsent::Post) => {
                (Method::POST, format!("/{}", K::RESOURCE), Some(wire::encode(Encoding::Json, &K::ask(row))))
            }
            Some(Unsent::Delete) => (Method::DELETE, format!("/{}/{}", K::RESOURCE, row.id), None),
            None => return Ok(Told::Nothing),
        };
        let answers = content.is_some();
        match self.peers.call(peer, Ask { method, content, ..Ask::get(resource) }).await {
            Ok(_) if !answers => Ok(Told::Nothing),
            Ok(answer) => answer
                .message()
                .map(|reply| Told::Said(K::read_reply(reply)))
                .map_err(|fault| PeerFault::new(Stage::Content, "malformed", format!("its answer: {fault}"))),
            Err(fault) if fault.unsigned.is_some() && fault.final_refusal().is_some() => {
                // What is before the peer is in the way of others too, so it is also said of the peer.
                self.peers.note_trouble(peer, &fault).await;
                Told::by(fault)
            }
            Err(fault) => Told::by(fault),
        }
    }
}

/// Keeps what the other provider has made of `row`.
pub(super) fn keep<K: Kind>(
    tx: &Tx<'_>,
    ours: &Provider,
    row: &RequestRow<K>,
    told: Told,
) -> Result<(), StoreFault> {
    let Some(mut now) = tx.request::<K>(&row.peer, true, row.id)? else { return Ok(()) };
    // What our user has done meanwhile has to be told too.
    if now.unsent == row.unsent {
        now.unsent = None;
        now.refused = told.refusal().or(now.refused);
        tx.put_request(&now)?;
    }
    let Told::Said(said) = told else { return Ok(()) };
    let is_lost = said.state == ConnectionState::Pending && row.state == ConnectionState::Approved;
    if is_lost && !K::APPROVAL_IS_PROVED {
        return reopen(tx, ours, now);
    }
    learn::<K>(tx, ours, &row.peer, &K::item(row, said))
}

/// What the other provider made of it.
pub(super) enum Told {
    Said(Said),
    Nothing,
    /// It will never take it.
    Refused(String),
}

impl Told {
    /// A refusal that a repeat does not change ends the trying; anything else is tried again.
    fn by(fault: PeerFault) -> Result<Self, PeerFault> {
        if fault.final_refusal().is_some() { Ok(Self::Refused(fault.text)) } else { Err(fault) }
    }

    /// Their side may have ended the connection, or not have heard yet that ours approved it, which passes.
    async fn by_disconnected<K: Kind>(
        consent: &Consent,
        row: &RequestRow<K>,
        fault: PeerFault,
    ) -> Result<Self, PeerFault> {
        let (from, to) = (row.from.clone(), row.to.clone());
        let connected = consent.store.read(move |view| view.are_connected(&from, &to)).await;
        if connected.unwrap_or(true) { Err(fault) } else { Ok(Self::Refused(fault.text)) }
    }

    fn refusal(&self) -> Option<String> {
        match self {
            Self::Refused(text) => Some(text.clone()),
            Self::Said(_) | Self::Nothing => None,
        }
    }
}
