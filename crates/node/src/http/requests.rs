//! `/connections` and `/authorizations` (sections 7 and 8).

use http::StatusCode;

use super::passed::{Passed, read_id};
use super::reply::Reply;
use crate::consent::requests::{self, Kind};
use crate::refusal::Refusal;

/// `POST /connections`, `POST /authorizations`.
pub(super) async fn request<K: Kind>(passed: &Passed<'_>) -> Result<Reply, Refusal> {
    let ask: K::Ask = passed.message()?;
    let (id, from, to) = K::id_and_users(&ask);
    passed.must_be_theirs(from)?;
    passed.must_be_ours(to)?;
    let server = passed.server;
    let (terms, peer, limits) =
        (server.consent.terms()?, passed.caller.provider.clone(), server.ground.config.limits.clone());
    let keys = server.peers.documents.thumbprints(&peer);
    let _turn = server.turns.take(&peer).await;
    let received =
        server.store.write(move |tx| requests::receive::<K>(tx, &terms, &peer, ask, &keys, &limits));
    let said = received.await?;
    Ok(Reply::state(said.state, passed.wanted(), &K::reply(id, said)))
}

/// `DELETE /connections/{id}`, `DELETE /authorizations/{id}`.
pub(super) async fn take_back<K: Kind>(passed: &Passed<'_>, id: &str) -> Result<Reply, Refusal> {
    let (id, server) = (read_id(id)?, passed.server);
    let (ours, peer, strangers) =
        (server.ground.ours.clone(), passed.caller.provider.clone(), server.consent.choices().strangers);
    let _turn = server.turns.take(&peer).await;
    let taken = server.store.write(move |tx| requests::take_back::<K>(tx, &ours, &peer, id, strangers));
    taken.await.map_err(Refusal::Store)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
