//! Requests of ours as they are sent and answered, in the traffic record.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;
use http::StatusCode;
use http::header::HeaderMap;

use super::transport::transport_fault;
use super::way::Way;
use crate::peer_fault::{PeerFault, Stage};
use crate::traffic::{Asker, Direction, GIVEN_UP, Timing, TrafficLog, TrafficRecord, told_headers};

/// A request of ours in the traffic record; one that is dropped before its end was given up.
pub(super) struct Recording<'a> {
    log: &'a TrafficLog,
    pub(super) id: u64,
    began: Instant,
    way: Way,
    ended: std::sync::atomic::AtomicBool,
}

impl<'a> Recording<'a> {
    pub(super) fn begin(
        log: &'a TrafficLog,
        now: Timestamp,
        method: &str,
        target: &str,
        peer: &Provider,
        asker: Asker,
        is_let_in: bool,
    ) -> Self {
        let mut record = TrafficRecord::begin(now, Direction::Out, method, target);
        (record.peer, record.asker, record.let_in) = (Some(peer.clone()), asker, is_let_in);
        let id = log.add(record);
        Self { log, id, began: Instant::now(), way: Way::default(), ended: false.into() }
    }

    /// What it was signed with, and how much content it has.
    pub(super) fn sent(&self, headers: &HeaderMap, bytes: usize) {
        let headers = told_headers(headers);
        self.log.update(self.id, |record| {
            record.request_headers = headers;
            record.request_bytes = bytes;
        });
    }

    /// Sends it, and returns once its answer begins.
    pub(super) async fn send(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, PeerFault> {
        let asked = Instant::now();
        let sent = self.way.of(request.send()).await;
        let timing = self.way.timing(asked);
        let answer = sent
            .map_err(|fault| transport_fault(&fault))
            .inspect_err(|_| self.time(|noted| *noted = timing))?;
        let headers = told_headers(answer.headers());
        self.log.update(self.id, |record| {
            record.timing = timing;
            record.status = Some(answer.status().as_u16());
            record.protocol = Some(format!("{:?}", answer.version()));
            record.address = answer.remote_addr().map(|address| address.ip());
            record.response_headers = headers;
        });
        Ok(answer)
    }

    /// Reads the content of its answer, which may have `at_most` octets.
    pub(super) async fn receive(
        &self,
        mut answer: reqwest::Response,
        at_most: usize,
    ) -> Result<Bytes, PeerFault> {
        let (status, began) = (answer.status(), Instant::now());
        let mut body = BytesMut::new();
        let read = loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > at_most => {
                    let text = format!("its answer, {status}, has more than {at_most} bytes");
                    break Err(PeerFault::new(Stage::Http, "answer-too-large", text));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break Ok(()),
                Err(fault) => break Err(broken_off(&fault, status, body.len())),
            }
        };
        self.log.update(self.id, |record| {
            record.response_bytes = body.len();
            record.timing.transfer = Some(began.elapsed());
        });
        read.map(|()| body.freeze())
    }

    /// Notes what a part of it has taken.
    pub(super) fn time(&self, note: impl FnOnce(&mut Timing)) {
        self.log.update(self.id, |record| note(&mut record.timing));
    }

    pub(super) fn verified(&self) {
        self.log.update(self.id, |record| record.verified = true);
    }

    pub(super) fn end(&self, fault: Option<&PeerFault>) {
        self.ended.store(true, std::sync::atomic::Ordering::Relaxed);
        let took = self.began.elapsed();
        self.log.update(self.id, |record| {
            record.waiting = false;
            record.duration = Some(took);
            if let Some(fault) = fault {
                record.fail(fault);
            }
        });
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        if !self.ended.load(std::sync::atomic::Ordering::Relaxed) {
            let text = "we gave it up before it was answered";
            self.end(Some(&PeerFault::new(Stage::Http, GIVEN_UP, text)));
        }
    }
}

/// An answer that began and did not come to its end.
fn broken_off(fault: &reqwest::Error, status: StatusCode, bytes: usize) -> PeerFault {
    let mut why = transport_fault(fault);
    why.text = match why.code.as_ref() {
        "timeout" => {
            format!("it began to answer {status} and did not come to the end in time; {bytes} bytes had come")
        }
        _ => format!("its answer, {status}, broke off after {bytes} bytes: {why}"),
    };
    why
}
