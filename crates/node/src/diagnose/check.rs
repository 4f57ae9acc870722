//! A look at a provider, step by step, up to the first that fails: its address, its document over TLS, a signed ping.

use std::time::{Duration, Instant};

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::Ping;
use http::Method;

use super::{PeerFault, Stage};
use crate::core::Core;
use crate::peers::Ask;

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
pub(crate) async fn check_provider(core: &Core, peer: &Provider) -> Vec<CheckStep> {
    let mut steps = Vec::new();
    // The first failure is the last step.
    let _ = look(core, peer, &mut steps).await;
    steps
}

async fn look(core: &Core, peer: &Provider, steps: &mut Vec<CheckStep>) -> Result<(), ()> {
    let began = Instant::now();
    let resolved = core.guard.resolve(peer.host(), peer.port()).await;
    let resolved = resolved.map_err(|fault| PeerFault::from(&fault)).map(|addresses| {
        let addresses: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
        ((), format!("{peer} is at {}", addresses.join(", ")))
    });
    note(steps, Stage::Dns, began, resolved)?;

    let began = Instant::now();
    let fetched = core.document_of(peer).await.map(|document| {
        let keys: Vec<_> = document.keys.iter().map(|key| key.thumbprint().to_string()).collect();
        let text = format!(
            "TLS and its document are well; its endpoint is {} and its keys are {}",
            document.endpoint,
            keys.join(", ")
        );
        (document, text)
    });
    note(steps, Stage::Document, began, fetched)?;

    let began = Instant::now();
    let ask = Ask { method: Method::GET, resource: "/ping".into(), content: None, wait: Duration::ZERO };
    let pinged = core.call(peer, ask).await.and_then(|answer| {
        let pong: Ping = answer.message().map_err(|fault| {
            PeerFault::new(Stage::Content, "malformed", format!("its answer is malformed: {fault}"))
        })?;
        let ours = core.ambient.now();
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

fn note<T>(
    steps: &mut Vec<CheckStep>,
    stage: Stage,
    began: Instant,
    outcome: Result<(T, String), PeerFault>,
) -> Result<(), ()> {
    let took = began.elapsed();
    match outcome {
        Ok((_, text)) => {
            steps.push(CheckStep { stage, took, text, code: None });
            Ok(())
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
