//! Brings what our users asked to the providers concerned, until those have it: a request, or its taking back.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::{ConnectionItem, ConnectionReply, ConnectionRequest, PeerState};
use drawbridge_mtp::wire::{self, Encoding};
use http::Method;
use tokio::sync::Notify;

use super::learn;
use crate::core::Core;
use crate::diagnose::{PeerFault, Stage};
use crate::peers::Ask;
use crate::pull::Backoff;
use crate::store::{ConnectionRow, StoreFault, Unsent};

/// Brings everything to `peer`, whenever there is something; ends when the peer is no longer asked.
///
/// Most couriers have nothing to bring, so the steps are boxed: a task keeps room for the largest of what is not.
pub(crate) async fn deliver(core: Arc<Core>, peer: Provider, nudge: Arc<Notify>) {
    let mut backoff = Backoff::default();
    loop {
        let provider = peer.clone();
        let read = core
            .store
            .read(move |view| Ok::<_, StoreFault>((view.peer_state(&provider)?, view.unsent(&provider)?)));
        let Ok((state, unsent)) = Box::pin(read).await else { return };
        if state != PeerState::Allowed {
            return;
        }
        if unsent.is_empty() {
            nudge.notified().await;
            continue;
        }
        for row in unsent {
            match Box::pin(bring(&core, &row)).await {
                Ok(()) => backoff.succeeded(),
                Err(fault) => {
                    Box::pin(core.note_trouble(&peer, &fault)).await;
                    let pause = backoff.failed(&*core.ambient, fault.retry_after);
                    // Over, or nudged before.
                    let _ = Box::pin(tokio::time::timeout(pause, nudge.notified())).await;
                    break;
                }
            }
        }
    }
}

/// Tells the other provider of one request what it has to be told.
async fn bring(core: &Core, row: &ConnectionRow) -> Result<(), PeerFault> {
    let told = match row.unsent {
        Some(Unsent::Post) => {
            let request = ConnectionRequest {
                id: row.id,
                from: row.from.clone(),
                to: row.to.clone(),
                created: row.created,
                expires: row.expires,
            };
            let ask = Ask {
                method: Method::POST,
                resource: "/connections".into(),
                content: Some(wire::encode(Encoding::Json, &request)),
                wait: Duration::ZERO,
            };
            match core.call(&row.peer, ask).await {
                Ok(answer) => {
                    let reply: ConnectionReply =
                        wire::decode(Encoding::Json, &answer.body).map_err(|fault| {
                            PeerFault::new(Stage::Content, "malformed", format!("its answer: {fault}"))
                        })?;
                    Told::State(reply)
                }
                Err(fault) => Told::by(fault)?,
            }
        }
        Some(Unsent::Delete) => {
            let ask = Ask {
                method: Method::DELETE,
                resource: format!("/connections/{}", row.id),
                content: None,
                wait: Duration::ZERO,
            };
            match core.call(&row.peer, ask).await {
                Ok(_) => Told::Nothing,
                Err(fault) => Told::by(fault)?,
            }
        }
        None => return Ok(()),
    };
    let (ours, row) = (core.ours.clone(), row.clone());
    let kept = core.store.write(move |tx| {
        // What our user has done meanwhile has to be told too.
        let Some(mut now) = tx.connection(&row.peer, true, row.id)? else { return Ok(()) };
        if now.unsent == row.unsent {
            now.unsent = None;
            if let Told::Refused(text) = &told {
                now.refused = Some(text.clone());
            }
            tx.put_connection(&now)?;
        }
        if let Told::State(reply) = told {
            let item =
                ConnectionItem { id: row.id, from: row.from, to: row.to, state: reply.state, time: tx.now() };
            learn(tx, &ours, &row.peer, &item)?;
        }
        Ok(())
    });
    kept.await.map_err(|fault: StoreFault| PeerFault::new(Stage::Store, "unavailable", fault.to_string()))
}

/// What the other provider made of it.
enum Told {
    State(ConnectionReply),
    Nothing,
    /// It will never take it.
    Refused(String),
}

impl Told {
    /// A refusal that a repeat does not change ends the trying; anything else is tried again.
    fn by(fault: PeerFault) -> Result<Self, PeerFault> {
        const FINAL: [&str; 5] = ["malformed", "not-authorized", "not-here", "conflict", "not-found"];
        if FINAL.contains(&fault.code.as_ref()) { Ok(Self::Refused(fault.text)) } else { Err(fault) }
    }
}
