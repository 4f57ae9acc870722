//! The request target as it came over HTTP/1.1. The HTTP library drops a fragment from it without a word, and what was signed
//! would then be another target than what was sent (section 4). Over HTTP/2 there is nothing to see it by.

use parking_lot::Mutex;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The longest line that is looked at: no head of a request may be longer.
const LINE_BYTES: usize = 16 * 1024;

/// Marks a request whose target came with a fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct WithFragment;

/// The last request line that has come over a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct LastLine(Arc<Mutex<Vec<u8>>>);

impl LastLine {
    /// Whether the last line is that of `request`, but for a fragment.
    pub(super) fn has_fragment<B>(&self, request: &Request<B>) -> bool {
        let line = self.0.lock();
        let mut words = line.split(|octet| *octet == b' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else { return false };
        let Some(place) = target.iter().position(|octet| *octet == b'#') else { return false };
        let path_and_query = request.uri().path_and_query().map_or("", |target| target.as_str());
        method == request.method().as_str().as_bytes() && target[..place].ends_with(path_and_query.as_bytes())
    }
}

/// A connection that remembers the last request line that has come over it.
pub(super) struct Watched<S> {
    stream: S,
    /// What has come of a line that is not at its end.
    begun: Vec<u8>,
    last: LastLine,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, last: LastLine) -> Self {
        Self { stream, begun: Vec::new(), last }
    }

    fn look_at(&mut self, mut octets: &[u8]) {
        while let Some(end) = octets.iter().position(|octet| *octet == b'\n') {
            self.begin(&octets[..end]);
            let line = self.begun.strip_suffix(b"\r").unwrap_or(&self.begun);
            if is_request_line(line) {
                line.clone_into(&mut self.last.0.lock());
            }
            self.begun.clear();
            octets = &octets[end + 1..];
        }
        self.begin(octets);
    }

    /// Keeps a part of a line, as far as it may be one of a head.
    fn begin(&mut self, part: &[u8]) {
        let room = LINE_BYTES.saturating_sub(self.begun.len());
        self.begun.extend_from_slice(&part[..part.len().min(room)]);
    }
}

/// Whether a line is a method, a target and a version of HTTP/1 (RFC 9112, section 3).
fn is_request_line(line: &[u8]) -> bool {
    let mut words = line.split(|octet| *octet == b' ');
    let method = words.next().is_some_and(|word| word.iter().all(u8::is_ascii_uppercase));
    method && words.next().is_some() && words.next().is_some_and(|word| word.starts_with(b"HTTP/1."))
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.look_at(&buffer.filled()[before..]);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, octets)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a fragment is seen in what has come in pieces, when `GET /mtp/v1/ping` is asked.
    fn is_seen(pieces: &[&str]) -> bool {
        let last = LastLine::default();
        let mut watched = Watched::new((), last.clone());
        pieces.iter().for_each(|piece| watched.look_at(piece.as_bytes()));
        last.has_fragment(&Request::get("/mtp/v1/ping?x").body(()).unwrap())
    }

    #[test]
    fn a_fragment_is_seen_however_the_line_comes() {
        for seen in [
            &["GET /mtp/v1/ping?x#y HTTP/1.1\r\nHost: a\r\n\r\n"][..],
            &["GET /mtp/v1/ping?x# HTTP/1.1\r\nReferer: /mtp/v1/ping?x HTTP/1.1\r\n"],
            &["GET /mtp/v1/pi", "ng?x#", "y HTTP/1.", "1\r", "\n"],
            &["GET https://a.example/mtp/v1/ping?x#y HTTP/1.1\r\n"],
            &["POST /mtp/v1/peering HTTP/1.1\r\n\r\n{}GET /\n", "GET /mtp/v1/ping?x#y HTTP/1.1\r\n"],
        ] {
            assert!(is_seen(seen), "{seen:?}");
        }
        for fine in [
            &["GET /mtp/v1/ping?x HTTP/1.1\r\nReferer: /mtp/v1/ping?x#y HTTP/1.0\r\n"][..],
            &["GET /mtp/v1/ping?x#y HTTP/1.1\r\n", "GET /mtp/v1/ping?x HTTP/1.1\r\n"],
            &["POST /mtp/v1/ping?x#y HTTP/1.1\r\n"],
            &["GET /mtp/v1/feed#y HTTP/1.1\r\n"],
            &[],
        ] {
            assert!(!is_seen(fine), "{fine:?}");
        }
        let long = "x".repeat(1 << 20);
        assert!(is_seen(&[&long, "\n", "GET /mtp/v1/ping?x#y HTTP/1.1\r\n"]), "what is long is passed over");
    }
}
