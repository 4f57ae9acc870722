//! `/me`.

use std::sync::Arc;

use axum::extract::State;
use drawbridge_mtp::message::Me;

use super::{Caller, Told};
use crate::core::Core;

/// `GET /me`.
pub(super) async fn me(State(core): State<Arc<Core>>, caller: Caller) -> Told {
    let me = Me { provider: core.ours.clone(), user: caller.user.clone(), client: caller.client.clone() };
    caller.shown(&me)
}
