//! One connection to the client API that is kept: as little of a client as there can be, since it runs on the machine that
//! is measured.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::outcome::Outcome;

/// The connection.
pub(crate) struct KeptConnection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl KeptConnection {
    /// Opens one.
    pub(crate) async fn open(to: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::new() })
    }

    /// A request to read something.
    pub(crate) fn get(resource: &str, token: &str) -> Vec<u8> {
        head("GET", resource, token, "").into_bytes()
    }

    /// A request with some CBOR.
    pub(crate) fn post(resource: &str, token: &str, content: &[u8]) -> Vec<u8> {
        let more = format!("content-type: application/cbor\r\ncontent-length: {}\r\n", content.len());
        let mut request = head("POST", resource, token, &more).into_bytes();
        request.extend_from_slice(content);
        request
    }

    /// Asks, and returns the content of the answer, which has to be 200.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Outcome<Vec<u8>> {
        self.stream.write_all(request).await?;
        self.read.clear();
        let (end, length) = loop {
            self.more().await?;
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = std::str::from_utf8(self.read.get(..end).unwrap_or_default())?;
                if !head.starts_with("HTTP/1.1 200") {
                    return Err(format!("the answer is {head:?}").into());
                }
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                break (end + 4, length.ok_or("an answer without a length")?.parse::<usize>()?);
            }
        };
        while self.read.len() < end + length {
            self.more().await?;
        }
        Ok(self.read.split_off(end))
    }

    async fn more(&mut self) -> Outcome<()> {
        self.read.reserve(16 * 1024);
        if self.stream.read_buf(&mut self.read).await? == 0 {
            return Err("the connection was closed".into());
        }
        Ok(())
    }
}

fn head(method: &str, resource: &str, token: &str, more: &str) -> String {
    format!(
        "{method} {resource} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\naccept: application/cbor\r\n{more}\r\n"
    )
}
