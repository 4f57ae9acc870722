//! `/feed` for other providers (section 11).

use drawbridge_mtp::message::FeedQuery;
use drawbridge_mtp::problem::{Code, Problem};
use http::{Method, StatusCode};

use super::admission::admit;
use super::passed::{Caller, Passed};
use super::reply::Reply;
use crate::delivery::FeedRefusal;
use crate::refusal::Refusal;
use crate::store::Reader;
use crate::traffic::{TrafficItem, TrafficItems};

/// `GET /feed`.
pub(super) async fn pull(passed: Box<Passed<'_>>) -> Result<Reply, Refusal> {
    let (server, wanted) = (passed.server, passed.wanted());
    let query = FeedQuery::parse(passed.query)
        .map_err(|fault| Problem::new(Code::Malformed, format!("the query is malformed: {fault}")))?;
    let Caller { provider, signed, .. } = passed.caller.clone();
    drop(passed);
    let page = match server.delivery.serve(Reader::Peer(provider.clone()), query, Some(signed)).await {
        // Decided on while it waited: it is told as it would be told now.
        Err(FeedRefusal::Shut) => {
            Box::pin(admit(server, &provider, &Method::GET, &["feed"])).await?;
            return Err(FeedRefusal::Shut.into());
        }
        served => served?,
    };
    let items = TrafficItems::of(page.items.iter().map(TrafficItem::told));
    Ok(Reply::message(StatusCode::OK, wanted, &page).with_items(items))
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
            FeedRefusal::Removed => Problem::new(Code::NotFound, text).into(),
            FeedRefusal::Store(fault) => Self::Store(fault),
        }
    }
}
