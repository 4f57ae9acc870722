//! `/groups` and `/objects` (sections 10 and 11).

use drawbridge_mtp::id::{GroupUri, Name, Provider};
use drawbridge_mtp::message::{LogQuery, ReceivedSubmission, SubmitReply, SubmitRequest, TraceQuery};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::problem::{Code, Problem};
use http::StatusCode;
use http::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, RANGE};

use super::passed::Passed;
use super::reply::Reply;
use crate::delivery;
use crate::refusal::Refusal;
use crate::store::{GroupRow, Reader, StoreFault, View};
use crate::traffic::{TrafficItem, TrafficItems};

fn absent() -> Refusal {
    Problem::new(Code::NotFound, "there is no such group here, or you have nobody in it").into()
}

/// Reads `{name}` in a path; of a group that we do not own, `{name}@{owner}` says which is meant.
fn named(text: &str) -> Result<(Name, Option<Provider>), Refusal> {
    let (name, at) = match text.split_once('@') {
        Some((name, at)) => {
            (name, Some(at.replace("%5B", "[").replace("%5D", "]").parse().map_err(|_| absent())?))
        }
        None => (text, None),
    };
    Ok((name.parse().map_err(|_| absent())?, at))
}

impl Passed<'_> {
    fn reader(&self) -> Reader {
        Reader::Peer(self.caller.provider.clone())
    }

    /// A group of ours in which the caller has a member.
    async fn own_group(&self, name: &str) -> Result<GroupRow, Refusal> {
        self.server.delivery.own_group(&self.caller.provider, name).await
    }

    /// What `read` reads of such a group.
    async fn read_own_group<T: Send + 'static>(
        &self,
        name: &str,
        read: impl FnOnce(&View<'_>, &GroupRow) -> Result<T, StoreFault> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.server.delivery.read_own_group(&self.caller.provider, name, read).await
    }
}

/// `POST /submissions`.
pub(super) async fn submit(passed: &Passed<'_>) -> Result<Reply, Refusal> {
    let SubmitRequest::<ReceivedSubmission> { groups } = passed.message()?;
    let kinds: Vec<_> = groups.iter().flat_map(|group| &group.events).map(ReceivedSubmission::kind).collect();
    let groups = passed.server.delivery.receive_submissions(&passed.caller.provider, groups).await;
    let ours = &passed.server.ground.ours;
    let answers = groups.iter().flat_map(|group| {
        let uri = group.group.parse().ok().map(|name| GroupUri::new(ours, &name));
        group.results.iter().map(move |answer| (uri.clone(), answer))
    });
    let items = kinds.into_iter().zip(answers);
    let items: Vec<_> =
        items.map(|(kind, (group, answer))| TrafficItem::answered(group.as_ref(), kind, answer)).collect();
    let items = TrafficItems::of(items.into_iter());
    Ok(Reply::message(StatusCode::OK, passed.wanted(), &SubmitReply { groups }).with_items(items))
}

/// `GET /groups/{name}`.
pub(super) async fn status(passed: &Passed<'_>, name: &str) -> Result<Reply, Refusal> {
    let status = passed.read_own_group(name, delivery::status).await?;
    Ok(Reply::message(StatusCode::OK, passed.wanted(), &status))
}

/// `GET /groups/{name}/roster`.
pub(super) async fn roster(passed: &Passed<'_>, name: &str) -> Result<Reply, Refusal> {
    let roster = passed.read_own_group(name, delivery::roster).await?;
    Ok(Reply::message(StatusCode::OK, passed.wanted(), &roster))
}

/// `GET /groups/{name}/log`: participants answer it to each other too.
pub(super) async fn log(passed: &Passed<'_>, name: &str) -> Result<Reply, Refusal> {
    let (name, at) = named(name)?;
    let query = LogQuery::parse(passed.query)
        .map_err(|fault| Problem::new(Code::Malformed, format!("the query is malformed: {fault}")))?;
    let (ours, reader) = (passed.server.ground.ours.clone(), passed.reader());
    let (signer, now) = (passed.server.ground.signer()?, passed.server.ground.ambient.now());
    let meant = GroupUri::new(at.as_ref().unwrap_or(&ours), &name);
    passed.server.delivery.recover_for(&meant, &reader).await?;
    let page = passed.server.store.read(move |view| {
        let row = delivery::visible(view, &ours, &name, at.as_ref(), &reader)?;
        Ok::<_, Refusal>(delivery::log(view, &ours, Some(&signer), now, &row, &reader, &query)?)
    });
    Ok(Reply::message(StatusCode::OK, passed.wanted(), &page.await?))
}

/// `GET /groups/{name}/trace` (`docs/traces.md`).
pub(super) async fn trace(passed: &Passed<'_>, name: &str) -> Result<Reply, Refusal> {
    let (name, at) = named(name)?;
    let query = TraceQuery::parse(passed.query)
        .map_err(|fault| Problem::new(Code::Malformed, format!("the query is malformed: {fault}")))?;
    let told = passed.server.tracer.tell(&passed.caller.provider, name, at, query).await?;
    Ok(Reply::message(StatusCode::OK, passed.wanted(), &told))
}

/// `GET /groups/{name}/info`.
pub(super) async fn info(passed: &Passed<'_>, name: &str) -> Result<Reply, Refusal> {
    let row = passed.own_group(name).await?;
    let info = passed.server.delivery.group_info_of(&row.uri).await?;
    Ok(Reply::message(StatusCode::OK, passed.wanted(), &info))
}

/// `GET /groups/{name}/checkpoint`.
pub(super) async fn checkpoint(passed: &Passed<'_>, name: &str) -> Result<Reply, Refusal> {
    let row = passed.own_group(name).await?;
    let checkpoint =
        delivery::checkpoint(&passed.server.ground.signer()?, passed.server.ground.ambient.now(), &row);
    Ok(Reply::message(StatusCode::OK, passed.wanted(), &checkpoint))
}

/// `GET /objects/{sha256}`: whole, or the one range asked for.
pub(super) async fn object(passed: &Passed<'_>, sha256: &str) -> Result<Reply, Refusal> {
    let text = "there is no such object here, or it is not for you";
    let sha256: Hash32 = sha256.parse().map_err(|_| Problem::new(Code::NotFound, text))?;
    let bytes = passed.server.delivery.object_for(passed.reader(), sha256).await?;
    let range = passed.headers.get(RANGE).and_then(|value| value.to_str().ok());
    let range = range.and_then(|range| single_range(range, bytes.len()));
    let mut reply = Reply::empty(if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK });
    reply.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    reply.headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    reply.body = match range {
        Some((from, to)) => {
            let told = format!("bytes {from}-{}/{}", to - 1, bytes.len());
            reply.headers.extend(HeaderValue::from_str(&told).ok().map(|told| (CONTENT_RANGE, told)));
            bytes[from..to].to_vec()
        }
        None => bytes,
    };
    Ok(reply)
}

/// The one range of a `Range` (RFC 9110, section 14) that can be served; anything else is answered whole.
fn single_range(range: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = match (first, last) {
        ("", suffix) => (length.saturating_sub(suffix.parse().ok()?), length),
        (first, "") => (first.parse().ok()?, length),
        (first, last) => (first.parse().ok()?, last.parse::<usize>().ok()?.saturating_add(1).min(length)),
    };
    (from < to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::single_range;

    #[test]
    fn a_range_is_within_the_object_or_is_none() {
        assert_eq!(single_range("bytes=0-9", 100), Some((0, 10)));
        assert_eq!(single_range("bytes=90-200", 100), Some((90, 100)));
        assert_eq!(single_range("bytes=90-", 100), Some((90, 100)));
        assert_eq!(single_range("bytes=-5", 100), Some((95, 100)));
        for odd in ["bytes=100-", "bytes=5-4", "bytes=0-1,3-4", "items=0-1", "bytes=x-1", "bytes=-"] {
            assert_eq!(single_range(odd, 100), None, "{odd}");
        }
    }
}
