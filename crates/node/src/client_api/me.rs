//! `/me`.

use std::sync::Arc;

use axum::extract::State;
use drawbridge_mtp::message::Me;

use super::api::ClientApi;
use super::caller::{Caller, Told};
use crate::mls::{CRYPTO, cipher_suites};

/// `GET /me`.
pub(super) async fn me(State(api): State<Arc<ClientApi>>, caller: Caller) -> Told {
    let mut suites: Vec<u16> = cipher_suites(&*CRYPTO).into_iter().map(u16::from).collect();
    suites.sort_unstable();
    let me = Me {
        provider: api.ground.ours.clone(),
        user: caller.user.clone(),
        client: caller.client.clone(),
        cipher_suites: suites,
    };
    caller.shown(&me)
}
