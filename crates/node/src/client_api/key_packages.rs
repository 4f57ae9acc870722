//! `/key-packages`.

use std::sync::Arc;

use axum::extract::State;
use drawbridge_mtp::message::{ClientClaimRequest, PublishKeyPackages};

use super::api::ClientApi;
use super::caller::{Caller, Content, Told};
use super::refused::Refused;

/// `GET /key-packages`.
pub(super) async fn stock(State(api): State<Arc<ClientApi>>, caller: Caller) -> Result<Told, Refused> {
    let stock = api.key_packages.stock(&caller.client).await?;
    Ok(caller.shown(&stock))
}

/// `POST /key-packages`.
pub(super) async fn publish(
    State(api): State<Arc<ClientApi>>,
    caller: Caller,
    Content(publish): Content<PublishKeyPackages>,
) -> Result<Told, Refused> {
    let stock = api.key_packages.publish(&caller.client, publish).await?;
    Ok(caller.shown(&stock))
}

/// `POST /key-packages/claim`.
pub(super) async fn claim(
    State(api): State<Arc<ClientApi>>,
    caller: Caller,
    Content(ask): Content<ClientClaimRequest>,
) -> Result<Told, Refused> {
    let reply = api.key_packages.claim_for_client(&caller.client, ask).await?;
    Ok(caller.shown(&reply))
}
