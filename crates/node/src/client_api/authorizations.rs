//! `/authorizations`.

use std::sync::Arc;

use axum::extract::{Path, State};
use drawbridge_mtp::id::UserUri;
use drawbridge_mtp::message::{AskToAdd, Asked, ShownAuthorization, ShownAuthorizations};

use super::api::ClientApi;
use super::caller::{Caller, Content, Told};
use super::refused::{Refused, not_found};
use crate::consent::AuthorizationDecision;
use crate::http::{read_id, state_status};
use crate::store::AuthorizationRow;

/// An authorization as `reader` may know it.
pub(super) fn shown(reader: &UserUri, row: AuthorizationRow) -> ShownAuthorization {
    let state = if row.adder == *reader { row.told_state() } else { row.state };
    let AuthorizationRow { id, group, title, adder, user, expires, changed, .. } = row;
    ShownAuthorization { id, group, title, adder, user, state, expires, time: changed }
}

/// `GET /authorizations`.
pub(super) async fn list(State(api): State<Arc<ClientApi>>, caller: Caller) -> Result<Told, Refused> {
    let user = caller.user.clone();
    let rows = api.store.read(move |view| view.authorizations_of(&user)).await?;
    let authorizations = rows.into_iter().map(|row| shown(&caller.user, row)).collect();
    Ok(caller.shown(&ShownAuthorizations { authorizations }))
}

/// `POST /authorizations`.
pub(super) async fn ask(
    State(api): State<Arc<ClientApi>>,
    caller: Caller,
    Content(ask): Content<AskToAdd>,
) -> Result<Told, Refused> {
    let row = api.consent.ask_to_add(&caller.user, ask.group, ask.title, ask.user, None).await?;
    let ShownAuthorization { id, state, .. } = shown(&caller.user, row);
    Ok(caller.told(state_status(state), &Asked { id, state }))
}

/// `POST /authorizations/{id}/{decision}`.
pub(super) async fn decide(
    State(api): State<Arc<ClientApi>>,
    caller: Caller,
    Path((id, decision)): Path<(String, String)>,
) -> Result<Told, Refused> {
    let decision = match decision.as_str() {
        "approve" => AuthorizationDecision::Approve,
        "decline" => AuthorizationDecision::Decline,
        "revoke" => AuthorizationDecision::Revoke,
        _ => return Err(not_found().await),
    };
    let row = api.consent.decide_authorization_as(&caller.user, read_id(&id)?, decision).await?;
    let ShownAuthorization { id, state, .. } = shown(&caller.user, row);
    Ok(caller.shown(&Asked { id, state }))
}
