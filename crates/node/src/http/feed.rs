//! `/feed` for other providers (section 11).

use drawbridge_mtp::message::FeedQuery;
use drawbridge_mtp::problem::{Code, Problem};
use http::{Method, StatusCode};

use super::gate::admit;
use super::reply::Reply;
use super::{Passed, Refusal};
use crate::delivery::{FeedRefusal, serve};
use crate::store::Reader;

/// `GET /feed`.
pub(super) async fn pull(passed: &Passed<'_>) -> Result<Reply, Refusal> {
    let query = FeedQuery::parse(passed.query)
        .map_err(|fault| Problem::new(Code::Malformed, format!("the query is malformed: {fault}")))?;
    let reader = Reader::Peer(passed.caller.provider.clone());
    let page = match serve(passed.core, reader, query, Some(passed.caller.signed)).await {
        // Decided on while it waited: it is told as it would be told now.
        Err(FeedRefusal::Shut) => {
            admit(passed.core, &passed.caller.provider, &Method::GET, &["feed"]).await?;
            return Err(FeedRefusal::Shut.into());
        }
        served => served?,
    };
    Ok(Reply::message(StatusCode::OK, passed.wanted(), &page).with_items(&page.items))
}

impl From<FeedRefusal> for Refusal {
    fn from(refusal: FeedRefusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            FeedRefusal::Reset(place) => Problem::new(Code::FeedReset, text)
                .with_feed(place.generation, place.first, place.head)
                .into(),
            FeedRefusal::Truncated(place) => Problem::new(Code::FeedTruncated, text)
                .with_feed(place.generation, place.first, place.head)
                .into(),
            FeedRefusal::Shut => Problem::new(Code::PeerPending, text).into(),
            FeedRefusal::Store(fault) => Self::Store(fault),
        }
    }
}
