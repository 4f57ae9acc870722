//! Brings what our users asked to the providers concerned, until those have it: a request, or its taking back.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::id::{Id, Provider};
use drawbridge_mtp::message::{
    AuthorizationItem, AuthorizationReply, AuthorizationRequest, ConnectionItem, ConnectionReply,
    ConnectionRequest, ConnectionState, PeerState,
};
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::wire::{self, Encoding};
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use super::learn::reopen;
use super::{authorizations, learn};
use crate::consent::Consent;
use crate::diagnose::{PeerFault, Stage};
use crate::peers::{Ask, Backoff, EndedBy};
use crate::store::{AuthorizationRow, ConnectionRow, StoreFault, Tx, Unsent};

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
                match Box::pin(self.bring(&peer, errand)).await {
                    Ok(()) => backoff.succeeded(),
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
    Authorization(AuthorizationRow),
}

/// What tells an errand from every other.
type Name = (Id, Option<Unsent>);

impl Errand {
    fn name(&self) -> Name {
        match self {
            Self::Connection(row) => (row.id, row.unsent),
            Self::Authorization(row) => (row.id, row.unsent),
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
            let authorizations = view.unsent_authorizations(&peer)?.into_iter().map(Errand::Authorization);
            let mut errands: Vec<Errand> = connections.chain(authorizations).collect();
            errands.sort_by_key(|errand| errand.name().1 != Some(Unsent::Delete));
            Ok::<_, StoreFault>(Some(errands))
        });
        read.await.ok().flatten()
    }

    /// Tells `peer` one thing, and keeps what it makes of it.
    async fn bring(&self, peer: &Provider, errand: Errand) -> Result<(), PeerFault> {
        let (ours, peer) = (self.ground.ours.clone(), peer.clone());
        let kept = match errand {
            Errand::Connection(row) => {
                let request = ConnectionRequest {
                    id: row.id,
                    from: row.from.clone(),
                    to: row.to.clone(),
                    created: row.created,
                    expires: row.expires,
                };
                let told = self.tell(&peer, "/connections", row.id, row.unsent, &request).await?;
                self.store.write(move |tx| keep_connection(tx, &ours, &peer, row, told)).await
            }
            Errand::Authorization(row) => {
                let request = AuthorizationRequest {
                    id: row.id,
                    group: row.group.clone(),
                    title: row.title.clone(),
                    adder: row.adder.clone(),
                    user: row.user.clone(),
                    expires: row.expires,
                };
                let mut told = match self.tell(&peer, "/authorizations", row.id, row.unsent, &request).await {
                    Err(fault) if fault.is(Code::NotConnected) => {
                        Told::by_disconnected(self, &row, fault).await?
                    }
                    told => told?,
                };
                if let Told::State(AuthorizationReply { grant: grant @ Some(_), .. }) = &mut told
                    && let Some(jws) = grant.as_deref()
                    && !self.is_signed(&peer, jws).await
                {
                    *grant = None;
                }
                self.store.write(move |tx| keep_authorization(tx, &ours, &peer, row, told)).await
            }
        };
        kept.map_err(|fault: StoreFault| PeerFault::new(Stage::Store, "unavailable", fault.to_string()))
    }

    /// Posts `request` to `resource` of `peer`, or deletes it there.
    async fn tell<R: DeserializeOwned>(
        &self,
        peer: &Provider,
        resource: &str,
        id: Id,
        unsent: Option<Unsent>,
        request: &impl Serialize,
    ) -> Result<Told<R>, PeerFault> {
        let (method, resource, content) = match unsent {
            Some(Unsent::Post) => {
                (Method::POST, resource.to_owned(), Some(wire::encode(Encoding::Json, request)))
            }
            Some(Unsent::Delete) => (Method::DELETE, format!("{resource}/{id}"), None),
            None => return Ok(Told::Nothing),
        };
        let answers = content.is_some();
        match self.peers.call(peer, Ask { method, resource, content, wait: Duration::ZERO }).await {
            Ok(_) if !answers => Ok(Told::Nothing),
            Ok(answer) => answer
                .message()
                .map(Told::State)
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

fn keep_connection(
    tx: &Tx<'_>,
    ours: &Provider,
    peer: &Provider,
    row: ConnectionRow,
    told: Told<ConnectionReply>,
) -> Result<(), StoreFault> {
    // What our user has done meanwhile has to be told too.
    let Some(mut now) = tx.connection(peer, true, row.id)? else { return Ok(()) };
    if now.unsent == row.unsent {
        now.unsent = None;
        now.refused = told.refusal().or(now.refused);
        tx.put_connection(&now)?;
    }
    let Told::State(reply) = told else { return Ok(()) };
    if reply.state == ConnectionState::Pending && row.state == ConnectionState::Approved {
        return reopen(tx, ours, now);
    }
    let item = ConnectionItem { id: row.id, from: row.from, to: row.to, state: reply.state, time: tx.now() };
    learn(tx, ours, peer, &item)
}

fn keep_authorization(
    tx: &Tx<'_>,
    ours: &Provider,
    peer: &Provider,
    row: AuthorizationRow,
    told: Told<AuthorizationReply>,
) -> Result<(), StoreFault> {
    let Some(mut now) = tx.authorization(peer, true, row.id)? else { return Ok(()) };
    if now.unsent == row.unsent {
        now.unsent = None;
        now.refused = told.refusal().or(now.refused);
        tx.put_authorization(&now)?;
    }
    let Told::State(reply) = told else { return Ok(()) };
    let item = AuthorizationItem {
        id: row.id,
        group: row.group,
        adder: row.adder,
        user: row.user,
        state: reply.state,
        grant: reply.grant,
        time: tx.now(),
    };
    authorizations::learn(tx, ours, peer, &item)
}

/// What the other provider made of it.
enum Told<R> {
    State(R),
    Nothing,
    /// It will never take it.
    Refused(String),
}

impl<R> Told<R> {
    /// A refusal that a repeat does not change ends the trying; anything else is tried again.
    fn by(fault: PeerFault) -> Result<Self, PeerFault> {
        if fault.final_refusal().is_some() { Ok(Self::Refused(fault.text)) } else { Err(fault) }
    }

    /// Their side may have ended the connection, or not have heard yet that ours approved it, which passes.
    async fn by_disconnected(
        consent: &Consent,
        row: &AuthorizationRow,
        fault: PeerFault,
    ) -> Result<Self, PeerFault> {
        let (adder, user) = (row.adder.clone(), row.user.clone());
        let connected = consent.store.read(move |view| view.are_connected(&adder, &user)).await;
        if connected.unwrap_or(true) { Err(fault) } else { Ok(Self::Refused(fault.text)) }
    }

    fn refusal(&self) -> Option<String> {
        match self {
            Self::Refused(text) => Some(text.clone()),
            Self::State(_) | Self::Nothing => None,
        }
    }
}
