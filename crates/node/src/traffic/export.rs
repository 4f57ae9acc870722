//! The record as a file: HTTP Archive 1.2, which browsers' network panels read, or a JSON object on each line.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::problem::Code;
use serde_json::{Value, json};

use super::record::{Direction, TrafficRecord};
use crate::nameless::{Nameless, is_program};

/// The form of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// HTTP Archive (HAR) 1.2.
    Har,
    /// A record on each line, as the node keeps it.
    JsonLines,
}

/// How the record is made a file.
#[derive(Clone)]
pub struct Export {
    /// Our name, which is the host of requests to us.
    pub ours: Provider,
    /// The form of the file.
    pub format: ExportFormat,
    /// What names are replaced by, where they are to be hidden.
    pub nameless: Option<Nameless>,
}

/// Values of headers that name nobody. Others may be anything, since whoever asks writes them.
const NAMELESS_VALUES: [&str; 11] = [
    "application/json",
    "application/cbor",
    "application/problem+json",
    "application/problem+cbor",
    "application/octet-stream",
    "text/html",
    "text/html; charset=utf-8",
    "text/plain",
    "gzip",
    "no-store",
    "no-transform",
];
/// What has a word of the protocol, and no name, behind it.
const WITH_WORDS: [&str; 2] = ["/keypackages/", "/.well-known/"];
/// Parts of paths that name nothing but a resource.
const RESOURCES: [&str; 19] = [
    "feed",
    "ping",
    "peering",
    "checks",
    "connections",
    "authorizations",
    "keypackages",
    "claim",
    "submissions",
    "groups",
    "log",
    "roster",
    "info",
    "checkpoint",
    "objects",
    "proof",
    ".well-known",
    "mtp",
    "",
];

/// Where a provider is reached below its name, unless its document says otherwise.
const ENDPOINT: &str = "/mtp/v1";

/// Members of queries, which name nothing themselves.
const QUERIES: [&str; 7] = ["after", "until", "last", "generation", "wait", "max_events", "max_bytes"];

impl Export {
    /// The file with `records`, the newest first as they are asked for and the oldest first in the file.
    pub fn write(&self, records: &[Arc<TrafficRecord>]) -> String {
        let records = records.iter().rev().map(|record| self.shown(record));
        match self.format {
            ExportFormat::JsonLines => records
                // There is nothing in it that JSON has no form for.
                .map(|record| serde_json::to_string(&record).unwrap_or_default() + "\n")
                .collect(),
            ExportFormat::Har => {
                let ours = self
                    .nameless
                    .as_ref()
                    .map_or_else(|| self.ours.clone(), |names| names.provider(&self.ours));
                let entries: Vec<_> = records.map(|record| har_entry(&record, &ours)).collect();
                let creator = json!({ "name": "Drawbridge", "version": env!("CARGO_PKG_VERSION") });
                let comment =
                    "Each provider is taken to be reached below its own name. Contents are not kept.";
                let log =
                    json!({ "version": "1.2", "creator": creator, "entries": entries, "comment": comment });
                serde_json::to_string_pretty(&json!({ "log": log })).unwrap_or_default()
            }
        }
    }

    /// The record as it is written.
    fn shown(&self, record: &TrafficRecord) -> TrafficRecord {
        match &self.nameless {
            Some(nameless) => record.without_names(nameless),
            None => record.clone(),
        }
    }
}

impl TrafficRecord {
    /// The same without the names of providers, groups and people, addresses, and what holds some.
    fn without_names(&self, nameless: &Nameless) -> Self {
        let mut shown = self.clone();
        shown.peer = self.peer.as_ref().map(|peer| nameless.provider(peer));
        shown.address = None;
        // A sentence names whom it is about; its code says the same.
        shown.text = None;
        shown.target = nameless_target(&self.target, nameless);
        for header in shown.request_headers.iter_mut().chain(&mut shown.response_headers) {
            let (name, value) = header.split_once(": ").unwrap_or((header, ""));
            let is_number = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
            let directive = |part: &str| {
                let part = part.trim();
                NAMELESS_VALUES.contains(&part) || part.strip_prefix("max-age=").is_some_and(is_number)
            };
            let is_nameless = match name {
                "retry-after" => is_number(value),
                "user-agent" => is_program(value),
                _ => value.split(", ").all(directive),
            };
            if !is_nameless {
                *header = format!("{name}: hidden");
            }
        }
        // Words of the protocol; whatever else stands there may be a name.
        let is_word = |word: &str| word.split(": ").all(is_known);
        for item in &mut shown.items {
            if !is_word(&item.kind) {
                item.kind = nameless.hash(&item.kind);
            }
            if let Some(event) = &mut item.event {
                event.group = nameless.group(&event.group);
            }
        }
        if !shown.method.bytes().all(|octet| octet.is_ascii_uppercase()) {
            shown.method = nameless.hash(&shown.method);
        }
        shown
    }
}

/// Whether `word` is one of the protocol, for an item, a submission or a problem.
fn is_known(word: &str) -> bool {
    const ITEMS: [&str; 13] = [
        "event",
        "welcome",
        "connection",
        "authorization",
        "removed",
        "peer",
        "check",
        "result",
        "proved",
        "application",
        "proposal",
        "commit",
        "submission",
    ];
    ITEMS.contains(&word) || Code::ALL.iter().any(|code| code.as_str() == word)
}

fn nameless_target(target: &str, nameless: &Nameless) -> String {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    // The second part is a name, such as a group's, which can be a word of the protocol; but for what has words there.
    let has_words = WITH_WORDS.iter().any(|resource| path.starts_with(resource));
    let part = |(place, part): (usize, &str)| {
        let is_word = RESOURCES.contains(&part) && (place != 2 || has_words);
        if is_word { part.to_owned() } else { nameless.hash(part) }
    };
    let path = path.split('/').enumerate().map(part).collect::<Vec<_>>().join("/");
    let Some(query) = query else { return path };
    let member = |member: &str| match member.split_once('=') {
        Some((name, value)) if QUERIES.contains(&name) => {
            let is_number = value.bytes().all(|octet| octet.is_ascii_digit());
            format!("{name}={}", if is_number { value.to_owned() } else { nameless.hash(value) })
        }
        _ => nameless.hash(member),
    };
    format!("{path}?{}", query.split('&').map(member).collect::<Vec<_>>().join("&"))
}

fn har_entry(record: &TrafficRecord, ours: &Provider) -> Value {
    let host = match record.direction {
        Direction::In => ours.as_str(),
        Direction::Out => record.peer.as_ref().map_or("unknown.invalid", |peer| peer.as_str()),
    };
    let below = if record.target.starts_with("/.well-known/") { "" } else { ENDPOINT };
    let protocol = record.protocol.as_deref().unwrap_or("unknown");
    let query = record.target.split_once('?').map_or("", |(_, query)| query);
    let members = query.split('&').filter(|member| !member.is_empty()).map(|member| {
        let (name, value) = member.split_once('=').unwrap_or((member, ""));
        json!({ "name": name, "value": value })
    });
    let content_type = record.response_headers.iter().find_map(|line| line.strip_prefix("content-type: "));
    let timing = &record.timing;
    // An archive counts the handshake as a part of connecting.
    let connect = timing.connect.map(|connect| connect + timing.tls.unwrap_or_default());
    let known = [timing.dns, connect, timing.transfer].into_iter().flatten().sum::<Duration>();
    let wait = timing.wait.or(record.duration.map(|whole| whole.saturating_sub(known)));
    json!({
        "startedDateTime": record.at.to_string(),
        "time": millis(Some(record.duration.unwrap_or_default())),
        "request": {
            "method": record.method,
            "url": format!("https://{host}{below}{}", record.target),
            "httpVersion": protocol,
            "cookies": [],
            "headers": headers(&record.request_headers),
            "queryString": members.collect::<Vec<_>>(),
            "headersSize": -1,
            "bodySize": record.request_bytes,
        },
        "response": {
            "status": record.status.unwrap_or_default(),
            "statusText": record.code.as_deref().unwrap_or_default(),
            "httpVersion": protocol,
            "cookies": [],
            "headers": headers(&record.response_headers),
            "content": {
                "size": record.response_bytes,
                "compression": 0,
                "mimeType": content_type.unwrap_or_default(),
            },
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": record.response_bytes,
        },
        "cache": {},
        "timings": {
            "blocked": -1,
            "dns": millis(timing.dns),
            "connect": millis(connect),
            "ssl": millis(timing.tls),
            "send": 0,
            "wait": millis(Some(wait.unwrap_or_default())),
            "receive": millis(Some(timing.transfer.unwrap_or_default())),
        },
        "serverIPAddress": record.address.filter(|_| record.direction == Direction::Out).map_or_else(String::new, |address| address.to_string()),
        "_id": record.id,
        "_direction": record.direction,
        "_kind": record.kind,
        "_asker": record.asker,
        "_peer": record.peer,
        "_verified": record.verified,
        "_stage": record.stage,
        "_text": record.text,
        "_items": record.items,
        "_itemCount": record.item_count,
        "_verify": millis(timing.verify),
        "_store": millis(timing.store),
    })
}

/// Milliseconds; −1 where there was no such part.
fn millis(time: Option<Duration>) -> f64 {
    time.map_or(-1.0, |time| time.as_secs_f64() * 1000.0)
}

fn headers(lines: &[String]) -> Vec<Value> {
    let split = lines.iter().filter_map(|line| line.split_once(": "));
    split.map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

#[cfg(test)]
mod tests {
    use drawbridge_mtp::time::Timestamp;

    use super::super::record::{TrafficEvent, TrafficItem};
    use super::*;
    use crate::ambient::System;

    fn record() -> TrafficRecord {
        let target = "/groups/secret-club/log?after=3&last=0198f0e0-secret";
        let mut record = TrafficRecord::begin(Timestamp::from_millis(1_000), Direction::Out, "GET", target);
        (record.id, record.waiting, record.status) = (7, false, Some(200));
        record.peer = Some("secret.example".parse().unwrap());
        record.address = Some([192, 0, 2, 77].into());
        record.text = Some("secret.example did something".into());
        record.duration = Some(Duration::from_millis(30));
        record.timing.connect = Some(Duration::from_millis(5));
        record.timing.tls = Some(Duration::from_millis(4));
        record.timing.wait = Some(Duration::from_millis(20));
        record.request_headers =
            vec!["mtp-to: secret.example".into(), "content-type: application/json".into()];
        // Whoever asks, or answers, writes what it likes.
        record.response_headers = ["content-type", "cache-control", "retry-after", "user-agent"]
            .map(|name| format!("{name}: secret/1.0"))
            .into();
        record.response_headers.push("cache-control: no-store, max-age=300".into());
        let event = TrafficEvent { group: "mimi://secret.example/g/secret-club".parse().unwrap(), seq: 4 };
        record.items = vec![
            TrafficItem { seq: 1, kind: "event".into(), event: Some(event) },
            TrafficItem { seq: 2, kind: "Secret word".into(), event: None },
            TrafficItem { seq: 3, kind: "secret-word".into(), event: None },
            TrafficItem { seq: 4, kind: "commit: epoch-conflict".into(), event: None },
        ];
        record
    }

    fn export(format: ExportFormat, nameless: Option<&Nameless>) -> String {
        let ours = "secret-home.example".parse().unwrap();
        let mut second = record();
        second.id = 8;
        Export { ours, format, nameless: nameless.cloned() }.write(&[Arc::new(second), Arc::new(record())])
    }

    #[test]
    fn an_archive_has_what_its_form_asks_for() {
        let har: Value = serde_json::from_str(&export(ExportFormat::Har, None)).unwrap();
        assert_eq!(har["log"]["version"], "1.2");
        assert!(har["log"]["creator"]["name"].is_string() && har["log"]["creator"]["version"].is_string());
        let entries = har["log"]["entries"].as_array().unwrap();
        assert_eq!((entries.len(), &entries[0]["_id"]), (2, &json!(7)), "the oldest first");
        let entry = &entries[0];
        assert_eq!(
            entry["request"]["url"],
            "https://secret.example/mtp/v1/groups/secret-club/log?after=3&last=0198f0e0-secret"
        );
        assert_eq!(entry["request"]["queryString"][0], json!({ "name": "after", "value": "3" }));
        for part in ["cookies", "headers", "queryString"] {
            assert!(entry["request"][part].is_array(), "{part}");
        }
        for part in [
            "status",
            "statusText",
            "httpVersion",
            "cookies",
            "headers",
            "content",
            "redirectURL",
            "bodySize",
        ] {
            assert!(!entry["response"][part].is_null(), "{part}");
        }
        // The parts that are known make up the whole, as the form wants it; what is −1 is left out, and TLS is a part of connecting.
        let timings = entry["timings"].as_object().unwrap();
        assert_eq!(timings["connect"], 9.0);
        let sum: f64 = ["dns", "connect", "send", "wait", "receive"]
            .iter()
            .map(|part| timings[*part].as_f64().unwrap().max(0.0))
            .sum();
        assert!(sum <= entry["time"].as_f64().unwrap());
    }

    #[test]
    fn lines_are_records_as_they_are_kept() {
        let lines = export(ExportFormat::JsonLines, None);
        let read: Vec<TrafficRecord> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(format!("{:?}", read[0]), format!("{:?}", record()));
    }

    #[test]
    fn names_that_are_hidden_are_nowhere_and_the_same_in_one_file() {
        let [one, other] = [(), ()].map(|()| Nameless::new(&System));
        for format in [ExportFormat::Har, ExportFormat::JsonLines] {
            let text = export(format, Some(&one));
            assert!(!text.to_lowercase().contains("secret") && !text.contains("192.0.2.77"), "{text}");
            assert!(text.contains("/groups/") && text.contains("/log?after=3&last="), "{text}");
            for known in ["application/json", "no-store, max-age=300", "commit: epoch-conflict"] {
                assert!(text.contains(known), "{known}: {text}");
            }
            let group = one.group(&"mimi://secret.example/g/secret-club".parse().unwrap());
            assert!(text.contains(&group.to_string()), "{text}");
            assert!(
                text.contains(&format!("/groups/{}/log", group.name())),
                "the same as in the path: {text}"
            );
            assert_ne!(text, export(format, Some(&other)));
            assert_eq!(text, export(format, Some(&one)));
        }
    }
}
