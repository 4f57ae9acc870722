//! `/connections`.

use std::sync::Arc;

use axum::extract::{Path, State};
use drawbridge_mtp::id::UserUri;
use drawbridge_mtp::message::{AskToConnect, Asked, ShownConnection, ShownConnections};
use http::StatusCode;

use super::api::ClientApi;
use super::caller::{Caller, Content, Told};
use super::refused::{Refused, not_found};
use crate::consent::Decision;
use crate::http::read_id;
use crate::store::ConnectionRow;

/// A connection as `user` may know it.
pub(super) fn shown(user: &UserUri, row: ConnectionRow) -> ShownConnection {
    let state = if row.from == *user { row.told_state() } else { row.state };
    let ConnectionRow { id, from, to, created, expires, changed, .. } = row;
    ShownConnection { id, from, to, state, created, expires, time: changed }
}

/// `GET /connections`.
pub(super) async fn list(State(api): State<Arc<ClientApi>>, caller: Caller) -> Result<Told, Refused> {
    let user = caller.user.clone();
    let rows = api.store.read(move |view| view.connections_of(&user)).await?;
    let connections = rows.into_iter().map(|row| shown(&caller.user, row)).collect();
    Ok(caller.shown(&ShownConnections { connections }))
}

/// `POST /connections`.
pub(super) async fn ask(
    State(api): State<Arc<ClientApi>>,
    caller: Caller,
    Content(ask): Content<AskToConnect>,
) -> Result<Told, Refused> {
    let row = api.consent.ask_connection(caller.user.clone(), ask.to, None).await?;
    let ShownConnection { id, state, .. } = shown(&caller.user, row);
    Ok(caller.told(StatusCode::ACCEPTED, &Asked { id, state }))
}

/// `POST /connections/{id}/{decision}`.
pub(super) async fn decide(
    State(api): State<Arc<ClientApi>>,
    caller: Caller,
    Path((id, decision)): Path<(String, String)>,
) -> Result<Told, Refused> {
    let decision = match decision.as_str() {
        "approve" => Decision::Approve,
        "decline" => Decision::Decline,
        "end" => Decision::End,
        _ => return Err(not_found().await),
    };
    let row = api.consent.decide_connection_as(&caller.user, read_id(&id)?, decision).await?;
    let ShownConnection { id, state, .. } = shown(&caller.user, row);
    Ok(caller.shown(&Asked { id, state }))
}
