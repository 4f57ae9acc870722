//! Requests of ours in the traffic record.

use std::time::Instant;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::time::Timestamp;
use http::StatusCode;
use http::header::HeaderMap;

use crate::peer_fault::{PeerFault, Stage};
use crate::traffic::{Direction, TrafficLog, TrafficRecord, told_headers};

/// A request of ours in the traffic record; one that is dropped before its end was given up.
pub(super) struct Recording<'a> {
    log: &'a TrafficLog,
    pub(super) id: u64,
    began: Instant,
    ended: std::sync::atomic::AtomicBool,
}

impl<'a> Recording<'a> {
    pub(super) fn begin(
        log: &'a TrafficLog,
        now: Timestamp,
        method: &str,
        target: &str,
        peer: &Provider,
    ) -> Self {
        let mut record = TrafficRecord::begin(now, Direction::Out, method, target);
        record.peer = Some(peer.clone());
        let id = log.add(record);
        Self { log, id, began: Instant::now(), ended: false.into() }
    }

    pub(super) fn sent(&self, headers: &HeaderMap, bytes: usize) {
        let headers = told_headers(headers);
        self.log.update(self.id, |record| {
            record.request_headers = headers;
            record.request_bytes = bytes;
        });
    }

    pub(super) fn answered(&self, status: StatusCode, headers: &HeaderMap) {
        let headers = told_headers(headers);
        self.log.update(self.id, |record| {
            record.status = Some(status.as_u16());
            record.response_headers = headers;
        });
    }

    pub(super) fn received(&self, bytes: usize) {
        self.log.update(self.id, |record| record.response_bytes = bytes);
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
                record.stage = Some(fault.stage);
                record.code = Some(fault.code.to_string());
                record.text = Some(fault.text.clone());
            }
        });
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        if !self.ended.load(std::sync::atomic::Ordering::Relaxed) {
            self.end(Some(&PeerFault::new(Stage::Http, "given-up", "we gave it up before it was answered")));
        }
    }
}
