//! `/ping` and `/peering` (section 6).

use std::time::Duration;

use drawbridge_mtp::document::Limits;
use drawbridge_mtp::message::{PeerState, PeeringQuery, PeeringReply, PeeringRequest, Ping};
use drawbridge_mtp::problem::{Code, Problem};
use http::StatusCode;
use tokio::time::Instant;

use super::passed::Passed;
use super::reply::Reply;
use super::server::PeerServer;
use crate::consent::providers;
use crate::delivery::WaitKind;
use crate::ground::config::Strangers;
use crate::refusal::Refusal;
use crate::store::{Reader, StoreFault};

/// `GET /ping`.
pub(super) async fn ping(passed: &Passed<'_>) -> Result<Reply, Refusal> {
    let state = shown(passed.server, passed.caller.state);
    let pong = Ping { now: passed.server.ground.ambient.now(), state, your_address: passed.caller.address };
    Ok(Reply::message(StatusCode::OK, passed.wanted(), &pong))
}

/// `POST /peering`.
pub(super) async fn introduce(passed: &Passed<'_>) -> Result<Reply, Refusal> {
    let PeeringRequest {} = passed.message()?;
    let server = passed.server;
    let (provider, strangers) = (passed.caller.provider.clone(), server.consent.choices().strangers);
    let (keys, limits) = (server.peers.documents.thumbprints(&provider), server.ground.config.limits.clone());
    let _turn = server.turns.take(&provider).await;
    let introduced =
        server.store.write(move |tx| providers::introduce(tx, &provider, strangers, &keys, &limits));
    let state = introduced.await.map_err(|fault: StoreFault| Refusal::Store(fault))?;
    let status = if state == PeerState::Allowed { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok(Reply::message(status, passed.wanted(), &PeeringReply { state, since: None }))
}

/// `GET /peering?wait=`: held while the caller is pending, answered the moment that changes.
pub(super) async fn state(passed: Box<Passed<'_>>) -> Result<Reply, Refusal> {
    let query = PeeringQuery::parse(passed.query)
        .map_err(|fault| Problem::new(Code::Malformed, format!("the query is malformed: {fault}")))?;
    let (server, wanted) = (passed.server, passed.wanted());
    let caller = passed.caller.provider.clone();
    drop(passed);
    let deadline = Instant::now() + Duration::from_secs(query.wait.min(Limits::default().pull_wait_s));
    let reader = Reader::Peer(caller.clone());
    let wait = (query.wait > 0).then(|| server.waits.enter(WaitKind::Peering, &reader));
    loop {
        let provider = caller.clone();
        let (state, since) = server
            .store
            .read(move |view| {
                let row = view.peer(&provider)?;
                let since = row.as_ref().map(|row| row.since);
                Ok::<_, StoreFault>((row.map_or(PeerState::Unknown, |row| row.state), since))
            })
            .await?;
        let state = shown(server, state);
        let wait = match state {
            PeerState::Blocked => {
                return Err(
                    Problem::new(Code::PeerBlocked, "the operator here has blocked your provider").into()
                );
            }
            state => {
                let may_wait = state == PeerState::Pending && Instant::now() < deadline;
                match wait.as_ref().filter(|wait| may_wait && !wait.is_replaced()) {
                    Some(wait) if !server.ground.stop.is_cancelled() => wait,
                    _ => {
                        return Ok(Reply::message(StatusCode::OK, wanted, &PeeringReply { state, since }));
                    }
                }
            }
        };
        tokio::select! {
            () = wait.nudged() => {}
            () = tokio::time::sleep_until(deadline) => {}
            () = server.ground.stop.cancelled() => {}
        }
    }
}

/// Under `listed`, who is not on the list is told that it is pending.
fn shown(server: &PeerServer, state: PeerState) -> PeerState {
    match (state, server.consent.choices().strangers) {
        (PeerState::Unknown, Strangers::Listed) => PeerState::Pending,
        (state, _) => state,
    }
}
