//! `/feed`.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use drawbridge_mtp::message::FeedQuery;
use drawbridge_mtp::problem::{Code, Problem};

use super::{Caller, Refused, Told};
use crate::core::Core;
use crate::delivery::serve;
use crate::http::Refusal;
use crate::store::Reader;

/// `GET /feed`: as for peers, but `last` may be left out.
pub(super) async fn pull(
    State(core): State<Arc<Core>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Told, Refused> {
    let query = FeedQuery::parse_of_client(&query.unwrap_or_default())
        .map_err(|fault| Problem::new(Code::Malformed, format!("the query is malformed: {fault}")))?;
    let reader = Reader::Client(caller.client.clone());
    let page = serve(&core, reader, query, None).await.map_err(Refusal::from)?;
    Ok(caller.shown(&page))
}
