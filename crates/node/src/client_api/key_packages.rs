//! `/key-packages`.

use std::sync::Arc;

use axum::extract::State;
use drawbridge_mtp::message::{ClientClaimRequest, PublishKeyPackages};

use super::caller::{Caller, Content, Told};
use super::refused::Refused;
use crate::core::Core;

/// `GET /key-packages`.
pub(super) async fn stock(State(core): State<Arc<Core>>, caller: Caller) -> Result<Told, Refused> {
    let stock = core.key_package_stock(&caller.client).await?;
    Ok(caller.shown(&stock))
}

/// `POST /key-packages`.
pub(super) async fn publish(
    State(core): State<Arc<Core>>,
    caller: Caller,
    Content(publish): Content<PublishKeyPackages>,
) -> Result<Told, Refused> {
    let stock = core.publish_key_packages(&caller.client, publish).await?;
    Ok(caller.shown(&stock))
}

/// `POST /key-packages/claim`.
pub(super) async fn claim(
    State(core): State<Arc<Core>>,
    caller: Caller,
    Content(ask): Content<ClientClaimRequest>,
) -> Result<Told, Refused> {
    let reply = core.claim_for_client(&caller.client, ask).await?;
    Ok(caller.shown(&reply))
}
