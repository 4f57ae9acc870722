//! A look at a provider, step by step, up to the first that fails: its name, a connection, TLS, its document, and a signed
//! ping at its endpoint, where it may be asked. Each step does now what it speaks of; nothing that is remembered vouches for it.

use std::time::{Duration, Instant};

use drawbridge_mtp::id::{Host, Provider};
use drawbridge_mtp::message::Ping;

use super::host_text;
use crate::ground::Ground;
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::{Ask, Peers};

/// One step.
#[derive(Clone, Debug)]
pub struct CheckStep {
    /// Which.
    pub stage: Stage,
    /// How long it took.
    pub took: Duration,
    /// What was seen.
    pub text: String,
    /// The code of what went wrong; `None` where all is well.
    pub code: Option<String>,
}

/// Looks at `peer` step by step.
pub(crate) async fn check_provider(ground: &Ground, peers: &Peers, peer: &Provider) -> Vec<CheckStep> {
    let mut steps = Vec::new();
    // The first failure is the last step.
    let _ = look(ground, peers, peer, &mut steps).await;
    steps
}

async fn look(ground: &Ground, peers: &Peers, peer: &Provider, steps: &mut Vec<CheckStep>) -> Result<(), ()> {
    reach(peers, peer.host(), peer.port(), steps).await?;

    let began = Instant::now();
    let client = peers.outbound.without_memory().map_err(|fault| {
        PeerFault::new(Stage::Connect, "connect-failed", format!("no client for it can be made: {fault}"))
    });
    let client = match client {
        Ok(client) => client,
        Err(fault) => return note::<()>(steps, Stage::Connect, began, Err(fault)).map(|_| ()),
    };
    let fetched = peers.document_now(peer, &client).await.map(|document| {
        let keys: Vec<_> = document.keys.iter().map(|key| key.thumbprint().to_string()).collect();
        let text = format!(
            "its document is in order; its endpoint is {} and its keys are {}",
            document.endpoint,
            keys.join(", ")
        );
        (document, text)
    });
    let document = note(steps, Stage::Document, began, fetched)?;
    let endpoint = &document.endpoint;
    if (endpoint.host(), endpoint.port()) != (peer.host(), peer.port()) {
        reach(peers, endpoint.host(), endpoint.port(), steps).await?;
    }

    let began = Instant::now();
    let pinged = match peers.may_ask(peer) {
        Ok(()) => peers.exchange(peer, &document, &client, &Ask::get("/ping".into())).await,
        Err(fault) => Err(fault),
    };
    let pinged = pinged.and_then(|answer| {
        let pong: Ping = answer.message().map_err(|fault| {
            PeerFault::new(Stage::Content, "malformed", format!("its answer is malformed: {fault}"))
        })?;
        let ours = ground.ambient.now();
        let (ahead, behind) = (pong.now.since(ours), ours.since(pong.now));
        let clock = if ahead > behind { format!("{ahead:?} ahead of") } else { format!("{behind:?} behind") };
        let text = format!(
            "a signed ping was answered: we are {} there, it sees us at {}, and its clock is {clock} ours",
            pong.state, pong.your_address
        );
        Ok(((), text))
    });
    note(steps, Stage::Signature, began, pinged)
}

/// Finds `host`, connects to it, and has it show its certificate.
async fn reach(peers: &Peers, host: Host<'_>, port: u16, steps: &mut Vec<CheckStep>) -> Result<(), ()> {
    let began = Instant::now();
    let found = peers.outbound.guard().resolve(host, port).await;
    let found = found.map_err(|fault| PeerFault::from(&fault)).map(|addresses| {
        let told: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
        let text = format!("{} is at {}", host_text(host), told.join(", "));
        (addresses, text)
    });
    let addresses = note(steps, Stage::Dns, began, found)?;

    let began = Instant::now();
    let connected = peers.outbound.connect(&addresses).await.map(|connection| {
        let at =
            connection.peer_addr().map_or_else(|_| format!("port {port}"), |address| address.to_string());
        (connection, format!("a connection to {at} came about"))
    });
    let connection = note(steps, Stage::Connect, began, connected)?;

    let began = Instant::now();
    let shown = peers.outbound.handshake(host, connection).await.map(|text| ((), text));
    note(steps, Stage::Tls, began, shown)
}

fn note<T>(
    steps: &mut Vec<CheckStep>,
    stage: Stage,
    began: Instant,
    outcome: Result<(T, String), PeerFault>,
) -> Result<T, ()> {
    let took = began.elapsed();
    match outcome {
        Ok((seen, text)) => {
            steps.push(CheckStep { stage, took, text, code: None });
            Ok(seen)
        }
        Err(fault) => {
            steps.push(CheckStep {
                stage: fault.stage,
                took,
                text: fault.text,
                code: Some(fault.code.into_owned()),
            });
            Err(())
        }
    }
}
