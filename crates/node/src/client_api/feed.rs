//! `/feed`.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use drawbridge_mtp::id::ClientUri;
use drawbridge_mtp::message::{FeedPage, FeedQuery, ShownEvent};
use drawbridge_mtp::problem::{Code, Problem};

use super::api::ClientApi;
use super::caller::{Caller, Told};
use super::refused::Refused;
use crate::delivery::shown_feed;
use crate::refusal::Refusal;
use crate::store::Reader;

impl ClientApi {
    /// A page of the feed of `client`.
    pub(crate) async fn feed_for(
        &self,
        client: &ClientUri,
        query: FeedQuery,
    ) -> Result<FeedPage<ShownEvent>, Refusal> {
        let page = self.delivery.serve(Reader::Client(client.clone()), query, None).await?;
        Ok(self.store.glance(|view| shown_feed(view, page))?)
    }
}

/// `GET /feed`: as for peers, but `last` may be left out.
pub(super) async fn pull(
    State(api): State<Arc<ClientApi>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Told, Refused> {
    let query = FeedQuery::parse_of_client(&query.unwrap_or_default())
        .map_err(|fault| Problem::new(Code::Malformed, format!("the query is malformed: {fault}")))?;
    Ok(caller.shown(&api.feed_for(&caller.client, query).await?))
}
