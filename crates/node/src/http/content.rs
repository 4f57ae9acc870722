//! The content of requests: how it arrives, how long it may take, and how much of it is held at one time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use drawbridge_mtp::problem::{Code, Problem};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

use super::shares::Held;
use crate::refusal::Refusal;

/// Content may take this long to come, and a second more for each [`BYTES_A_SECOND`] that have come.
const CONTENT_TIME: Duration = Duration::from_secs(30);
const BYTES_A_SECOND: u64 = 64 * 1024;
/// What nobody reads any more is taken from the wire for so long, so that who sends it over HTTP/1 reads the answer: a
/// socket that is closed before is reset, and the answer lost.
const LINGER_TIME: Duration = Duration::from_secs(5);

/// Content that did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the content did not come in time")]
struct ContentLate;

/// The content of a request as it comes from the wire: it has its time.
pub(super) struct Arriving {
    /// None once it is dropped.
    body: Option<Body>,
    lingers: bool,
    began: Option<Instant>,
    came: u64,
    late: Option<Pin<Box<Sleep>>>,
}

impl Arriving {
    /// The content of `request`.
    pub(super) fn of(request: http::Request<Incoming>) -> http::Request<Body> {
        let lingers = request.version() < http::Version::HTTP_2;
        request.map(|body| {
            if body.is_end_stream() { Body::empty() } else { Body::new(Self::new(Body::new(body), lingers)) }
        })
    }

    fn new(body: Body, lingers: bool) -> Self {
        Self { body: Some(body), lingers, began: None, came: 0, late: None }
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let began = *this.began.get_or_insert_with(Instant::now);
        let until = began + CONTENT_TIME + Duration::from_secs(this.came / BYTES_A_SECOND);
        if Instant::now() > until {
            return Poll::Ready(Some(Err(ContentLate.into())));
        }
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            if let Some(Ok(Some(data))) = frame.as_ref().map(|frame| frame.as_ref().map(Frame::data_ref)) {
                this.came += data.len() as u64;
            }
            this.late = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let late = this.late.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        ready!(late.as_mut().poll(context));
        Poll::Ready(Some(Err(ContentLate.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        let unread = self.body.take().filter(|body| self.lingers && !body.is_end_stream());
        if let (Some(mut body), Ok(runtime)) = (unread, tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(LINGER_TIME, async move {
                while let Some(Ok(_)) = body.frame().await {}
            }));
        }
    }
}

/// The content of a request, read as far as it had to be until now.
pub(crate) struct Unread {
    body: Body,
    begun: BytesMut,
    limit: u64,
}

/// The content of a request, whole; its octets count as its sender's until it is dropped.
pub(crate) struct Content {
    octets: Bytes,
    _held: Option<Held>,
}

impl Unread {
    /// Content of which at most `limit` bytes are read, where its length is not over that.
    pub(crate) fn new(body: Body, limit: u64) -> Result<Self, Refusal> {
        let unread = Self { body, begun: BytesMut::new(), limit };
        match unread.known_length() {
            Some(length) if length > limit => Err(unread.too_large()),
            _ => Ok(unread),
        }
    }

    /// Reads what there is to be known before a signature can be checked, of content without a length: whether it
    /// has an octet, or with `whole` all of it.
    pub(super) async fn begin(&mut self, whole: bool) -> Result<(), Refusal> {
        while self.known_length().is_none() && (whole || self.begun.is_empty()) {
            match self.next().await? {
                Some(data) => self.begun.extend_from_slice(&data),
                None => break,
            }
        }
        Ok(())
    }

    /// Whether it has at least one octet.
    pub(super) fn is_some(&self) -> bool {
        !self.begun.is_empty() || self.known_length().is_some_and(|length| length > 0)
    }

    /// How many bytes are known to belong to it.
    pub(super) fn at_least(&self) -> usize {
        self.known_length().map_or(self.begun.len(), |_| self.at_most())
    }

    /// How many bytes it has at most.
    pub(crate) fn at_most(&self) -> usize {
        usize::try_from(self.known_length().unwrap_or(self.limit)).unwrap_or(usize::MAX)
    }

    /// Reads it to its end, and shows all of it to `seen` as it comes.
    pub(crate) async fn read(
        mut self,
        held: Option<Held>,
        mut seen: impl FnMut(&[u8]),
    ) -> Result<Content, Refusal> {
        seen(&self.begun);
        self.begun.reserve(self.known_length().map_or(0, |_| self.at_most() - self.begun.len()));
        while let Some(data) = self.next().await? {
            seen(&data);
            self.begun.extend_from_slice(&data);
        }
        let octets = self.begun.freeze();
        Ok(Content { _held: held.filter(|_| !octets.is_empty()), octets })
    }

    /// The length, where that is known.
    pub(super) fn known_length(&self) -> Option<u64> {
        self.body.size_hint().exact().map(|rest| rest + self.begun.len() as u64)
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let Ok(data) = frame.map_err(|fault| broken(&fault))?.into_data() else { continue };
            if (self.begun.len() + data.len()) as u64 > self.limit {
                return Err(self.too_large());
            }
            return Ok(Some(data));
        }
    }

    fn too_large(&self) -> Refusal {
        let limit = self.limit;
        let text = format!("the content may have {limit} bytes at most; send less at a time");
        Problem::new(Code::TooLarge, text).with_limit(limit).into()
    }
}

impl std::ops::Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.octets
    }
}

fn broken(fault: &axum::Error) -> Refusal {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(fault);
    while let Some(fault) = cause {
        if fault.is::<ContentLate>() {
            return Problem::new(Code::Malformed, "the content did not come in time; send it again").into();
        }
        cause = fault.source();
    }
    Problem::new(Code::Malformed, "the content did not come whole; send it again").into()
}

#[cfg(test)]
mod tests {
    use futures_util::stream::{self, StreamExt};

    use super::*;
    use crate::http::reply::Reply;
    use crate::http::shares::{Claimant, Shares};

    fn held() -> (Shares, Held) {
        let shares = Shares::new(1 << 20);
        let held = shares.take(Claimant::Peer("b.example".parse().unwrap()), 1000).unwrap();
        (shares, held)
    }

    /// What becomes of content that comes in these pieces, of which 8 octets are taken.
    async fn read(
        pieces: impl stream::Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<usize, Code> {
        let arriving = Body::new(Arriving::new(Body::from_stream(pieces), false));
        let read = async {
            let mut content = Unread::new(arriving, 8)?;
            content.begin(false).await?;
            content.read(None, |_| ()).await
        };
        read.await.map(|content| content.len()).map_err(|refusal| Reply::from(refusal).code.unwrap())
    }

    #[tokio::test]
    async fn content_that_breaks_off_is_malformed_and_only_what_is_too_large_is_too_large() {
        let piece = |text: &'static str| Ok(Bytes::from_static(text.as_bytes()));
        let breaks = || Err(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(read(stream::iter([piece("1234"), piece("5678")])).await, Ok(8));
        assert_eq!(read(stream::iter([piece("1234"), breaks()])).await, Err(Code::Malformed));
        assert_eq!(read(stream::iter([piece("1234"), piece("56789"), breaks()])).await, Err(Code::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn content_that_never_ends_is_given_up_also_where_it_comes_in_nothings() {
        let began = Instant::now();
        let stops = stream::iter([Ok(Bytes::from_static(b"1"))]).chain(stream::pending());
        assert_eq!(read(stops).await, Err(Code::Malformed));
        let nothings = stream::repeat_with(|| Ok(Bytes::new())).then(|nothing| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            nothing
        });
        assert_eq!(read(nothings).await, Err(Code::Malformed));
        assert!(began.elapsed() < 3 * CONTENT_TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn content_that_is_long_and_keeps_coming_has_more_time() {
        const PIECE: usize = 128 * 1024;
        let pieces = stream::iter(0..40).then(|_| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; PIECE]))
        });
        let arriving = Body::new(Arriving::new(Body::from_stream(pieces), false));
        let content = Unread::new(arriving, 8 << 20).unwrap().read(None, |_| ()).await;
        assert_eq!(content.map(|content| content.len()).map_err(|_| ()), Ok(40 * PIECE));
    }

    #[tokio::test]
    async fn what_is_known_of_the_length_is_used_before_anything_is_read() {
        let unread = Unread::new(Body::from("12345678"), 8).map_err(|_| ()).unwrap();
        assert_eq!((unread.is_some(), unread.at_least(), unread.at_most()), (true, 8, 8));
        let (shares, held) = held();
        let content = unread.read(Some(held), |_| ()).await.map_err(|_| ()).unwrap();
        assert_eq!(shares.taken(), 1000, "it counts for as long as it is there");
        drop(content);
        assert_eq!(shares.taken(), 0);
        let refused = Unread::new(Body::from("123456789"), 8).err().map(|refusal| Reply::from(refusal).code);
        assert_eq!(refused, Some(Some(Code::TooLarge)));
        let none = Unread::new(Body::empty(), 8).map_err(|_| ()).unwrap();
        assert_eq!((none.is_some(), none.at_most()), (false, 0));
    }
}
