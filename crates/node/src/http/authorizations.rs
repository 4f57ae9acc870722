//! `/authorizations` (section 8).

use drawbridge_mtp::message::AuthorizationRequest;
use http::StatusCode;

use super::passed::{Passed, read_id};
use super::reply::Reply;
use crate::consent::authorizations;
use crate::refusal::Refusal;

/// `POST /authorizations`.
pub(super) async fn request(passed: &Passed<'_>) -> Result<Reply, Refusal> {
    let ask: AuthorizationRequest = passed.message()?;
    passed.must_be_theirs(&ask.adder)?;
    passed.must_be_ours(&ask.user)?;
    let (house, peer) = (passed.server.consent.house(), passed.caller.provider.clone());
    let limits = passed.server.ground.config.limits.clone();
    let _turn = passed.server.turns.take(&peer).await;
    let received =
        passed.server.store.write(move |tx| authorizations::receive(tx, &house, &peer, ask, &limits));
    let reply = received.await?;
    Ok(Reply::state(reply.state, passed.wanted(), &reply))
}

/// `DELETE /authorizations/{id}`.
pub(super) async fn take_back(passed: &Passed<'_>, id: &str) -> Result<Reply, Refusal> {
    let (id, server) = (read_id(id)?, passed.server);
    let (ours, peer, strangers) =
        (server.ground.ours.clone(), passed.caller.provider.clone(), server.consent.choices().strangers);
    let _turn = server.turns.take(&peer).await;
    let taken = server.store.write(move |tx| authorizations::take_back(tx, &ours, &peer, id, strangers));
    taken.await.map_err(Refusal::Store)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
