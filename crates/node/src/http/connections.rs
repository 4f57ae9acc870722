//! `/connections` (section 7).

use drawbridge_mtp::message::{ConnectionReply, ConnectionRequest};
use http::StatusCode;

use super::passed::{Passed, read_id};
use super::reply::Reply;
use crate::consent;
use crate::refusal::Refusal;

/// `POST /connections`.
pub(super) async fn request(passed: &Passed<'_>) -> Result<Reply, Refusal> {
    let ask: ConnectionRequest = passed.message()?;
    passed.must_be_theirs(&ask.from)?;
    passed.must_be_ours(&ask.to)?;
    let server = passed.server;
    let (ours, peer, strangers) =
        (server.ground.ours.clone(), passed.caller.provider.clone(), server.consent.choices().strangers);
    let (keys, limits, id) =
        (server.peers.documents.thumbprints(&peer), server.ground.config.limits.clone(), ask.id);
    let _turn = server.turns.take(&peer).await;
    let state = server
        .store
        .write(move |tx| consent::receive(tx, &ours, &peer, ask, strangers, &keys, &limits))
        .await?;
    Ok(Reply::state(state, passed.wanted(), &ConnectionReply { id, state }))
}

/// `DELETE /connections/{id}`.
pub(super) async fn take_back(passed: &Passed<'_>, id: &str) -> Result<Reply, Refusal> {
    let (id, server) = (read_id(id)?, passed.server);
    let (ours, peer, strangers) =
        (server.ground.ours.clone(), passed.caller.provider.clone(), server.consent.choices().strangers);
    let _turn = server.turns.take(&peer).await;
    let taken = server.store.write(move |tx| consent::take_back(tx, &ours, &peer, id, strangers));
    taken.await.map_err(Refusal::Store)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
