//! The stream of what happens at a provider on another machine, as server-sent events. It is read here and by no library, since what is
//! kept of an event that does not end has to have a bound.

use std::time::Duration;

use drawbridge_admin::{Event, EventEnvelope};
use reqwest::Response;
use serde::Deserialize;

use crate::fault::Unusable;

/// A provider gives a sign of life every five seconds.
const SILENCE: Duration = Duration::from_secs(15);
/// No event is larger.
const EVENT_OCTETS: usize = 16 << 20;

/// The events of one connection.
pub(crate) struct Events {
    response: Response,
    begun: Vec<u8>,
    /// Up to where no event ends in what has come.
    looked: usize,
}

impl Events {
    pub(crate) fn new(response: Response) -> Self {
        Self { response, begun: Vec::new(), looked: 0 }
    }

    /// The next one; waits for it. Who drops this while it waits loses none.
    pub(crate) async fn next(&mut self) -> Result<EventEnvelope, Unusable> {
        loop {
            while let Some(event) = self.take() {
                if let Some(envelope) = read(&event) {
                    return Ok(envelope);
                }
            }
            let piece = match tokio::time::timeout(SILENCE, self.response.chunk()).await {
                Ok(Ok(Some(piece))) => piece,
                Ok(Ok(None)) => return Err(Unusable::no_answer("it has ended the connection")),
                Ok(Err(fault)) => return Err(Unusable::of_transport(&fault)),
                Err(_) => return Err(Unusable::no_answer("nothing has been heard of it for 15 s")),
            };
            if self.begun.len() + piece.len() > EVENT_OCTETS {
                return Err(Unusable::no_answer("what it tells does not end"));
            }
            self.begun.extend_from_slice(&piece);
        }
    }

    /// Takes the first whole event out of what has come.
    fn take(&mut self) -> Option<Vec<u8>> {
        let end = self.begun[self.looked..].windows(2).position(|pair| pair == b"\n\n");
        let Some(end) = end.map(|end| self.looked + end + 2) else {
            self.looked = self.begun.len().saturating_sub(1);
            return None;
        };
        self.looked = 0;
        Some(self.begun.drain(..end).collect())
    }
}

/// What an event tells; none of a sign of life. One of a kind that this version does not know has everything read anew.
fn read(event: &[u8]) -> Option<EventEnvelope> {
    #[derive(Deserialize)]
    struct Place {
        incarnation: String,
        cursor: u64,
    }
    let lines = event.split(|octet| *octet == b'\n');
    let data: Vec<_> = lines.filter_map(|line| line.strip_prefix(b"data:")).collect();
    let data = data.join(&b'\n');
    serde_json::from_slice(&data).ok().or_else(|| {
        let Place { incarnation, cursor } = serde_json::from_slice(&data).ok()?;
        Some(EventEnvelope { incarnation, cursor, event: Event::Reload })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_and_a_sign_of_life_is_none() {
        let told =
            read(b"id: a:7\ndata: {\"incarnation\":\"a\",\"cursor\":7,\"event\":{\"type\":\"peers\"}}\n\n")
                .unwrap();
        assert_eq!((told.incarnation.as_str(), told.cursor), ("a", 7));
        assert!(matches!(told.event, Event::Peers));
        assert!(read(b"event: beat\ndata: here\n\n").is_none());
    }

    #[test]
    fn an_event_of_a_kind_that_is_not_known_has_all_read_anew() {
        let told =
            read(b"data: {\"incarnation\":\"a\",\"cursor\":8,\"event\":{\"type\":\"of-tomorrow\"}}\n\n")
                .unwrap();
        assert!(matches!(told.event, Event::Reload));
        assert_eq!(told.cursor, 8);
    }
}
