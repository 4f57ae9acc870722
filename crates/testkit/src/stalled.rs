//! Content of which the last octet never comes.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use http_body::{Frame, SizeHint};

const PIECE: usize = 16 * 1024;

/// Content whose sender stops before its last octet, and does not go away.
pub(crate) struct Stalled {
    content: Bytes,
    sent: usize,
    tells_length: bool,
}

impl Stalled {
    /// All of `content` but its last octet; its length is told at the beginning or not.
    pub(crate) fn new(content: Vec<u8>, tells_length: bool) -> Self {
        Self { content: content.into(), sent: 0, tells_length }
    }
}

impl HttpBody for Stalled {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let last = self.content.len() - 1;
        if self.sent == last {
            return Poll::Pending;
        }
        let end = last.min(self.sent + PIECE);
        let piece = self.content.slice(self.sent..end);
        self.sent = end;
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        if self.tells_length {
            SizeHint::with_exact((self.content.len() - self.sent) as u64)
        } else {
            SizeHint::new()
        }
    }
}
