//! One request between us and a peer, as it is kept and shown. Contents are never kept: of what was sent there are sizes, numbers
//! and types.

use std::net::IpAddr;
use std::time::Duration;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::{Outcome, SubmissionAnswer, SubmissionKind};
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::signature::{SIGNATURE_INPUT, ToldSignature, told_signature};
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::peer_fault::{PeerFault, Stage};
use crate::words::words;

/// Items of a page that are remembered.
const ITEMS: usize = 100;
/// Octets of a text that are remembered: the longest that the protocol has, a signature's input, has three hundred.
const TEXT: usize = 512;

words! {
    /// Which way a request went.
    Direction {
        /// From a peer to us.
        In = "in",
        /// From us to a peer.
        Out = "out",
    }
}

words! {
    /// What a request is about, by its method and path (`docs/mtp.md`).
    TrafficKind {
        /// `GET /feed`: a page of a feed (section 11).
        Pull = "pull",
        /// `GET /ping` (section 6).
        Ping = "ping",
        /// `POST /peering`: a provider introduces itself (section 6).
        Introduce = "introduce",
        /// `GET /peering`: it asks how it stands (section 6).
        Peering = "peering",
        /// `POST /connections` (section 7).
        Ask = "ask",
        /// `DELETE /connections/…` (section 7).
        TakeBack = "take-back",
        /// The provider document (section 3).
        Document = "document",
        /// `/authorizations` (section 8).
        Authorization = "authorization",
        /// `/keypackages` (section 9).
        Keys = "keys",
        /// `POST /submissions` (section 10).
        Submit = "submit",
        /// `/groups/…/log` (section 10).
        Log = "log",
        /// `/groups/…/roster` (section 10).
        Roster = "roster",
        /// `/groups/…/info` (section 10).
        Info = "info",
        /// `/groups/…/checkpoint` (section 10).
        Checkpoint = "checkpoint",
        /// `/groups/…/trace` (`docs/traces.md`).
        Trace = "trace",
        /// Another resource of a group.
        Group = "group",
        /// `/objects/…`.
        Object = "object",
        /// `/checks` (`docs/checks.md`).
        Check = "check",
        /// Anything else.
        Other = "other",
    }
}

impl TrafficKind {
    /// What `method` means at `target`, a path below the endpoint with its query.
    pub fn of(method: &str, target: &str) -> Self {
        let path = target.split('?').next().unwrap_or_default();
        let mut parts = path.trim_start_matches('/').split('/');
        match (parts.next().unwrap_or_default(), parts.next().unwrap_or_default()) {
            ("feed", _) => Self::Pull,
            ("ping", _) => Self::Ping,
            ("peering", _) if method == "GET" => Self::Peering,
            ("peering", _) => Self::Introduce,
            ("connections", _) if method == "DELETE" => Self::TakeBack,
            ("connections", _) => Self::Ask,
            (".well-known", name) if name.starts_with("mtp") => Self::Document,
            ("authorizations", _) => Self::Authorization,
            ("keypackages", _) => Self::Keys,
            ("submissions", _) => Self::Submit,
            ("groups", _) => match parts.next() {
                Some("log") => Self::Log,
                Some("roster") => Self::Roster,
                Some("info") => Self::Info,
                Some("checkpoint") => Self::Checkpoint,
                Some("trace") => Self::Trace,
                _ => Self::Group,
            },
            ("objects", _) => Self::Object,
            ("checks", _) => Self::Check,
            _ => Self::Other,
        }
    }
}

/// What the parts of a request took. A part that there was not, or that is not known, is none.
///
/// Of a request of ours, a connection that was open already has no `dns`, `connect` and `tls`. Of a request to us, `verify` is all
/// that comes before it is carried out, with its content, and how long its answer was on the way is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// Looking up the host's addresses.
    #[serde(rename = "dns_us", with = "micros", skip_serializing_if = "Option::is_none")]
    pub dns: Option<Duration>,
    /// Connecting to one of them.
    #[serde(rename = "connect_us", with = "micros", skip_serializing_if = "Option::is_none")]
    pub connect: Option<Duration>,
    /// The TLS handshake.
    #[serde(rename = "tls_us", with = "micros", skip_serializing_if = "Option::is_none")]
    pub tls: Option<Duration>,
    /// From when it could be sent, or was verified, to the beginning of the answer: of a pull, what it waits for news.
    #[serde(rename = "wait_us", with = "micros", skip_serializing_if = "Option::is_none")]
    pub wait: Option<Duration>,
    /// From the answer's beginning to its end.
    #[serde(rename = "transfer_us", with = "micros", skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Duration>,
    /// Verifying its signature.
    #[serde(rename = "verify_us", with = "micros", skip_serializing_if = "Option::is_none")]
    pub verify: Option<Duration>,
    /// Checking and storing the items of a page.
    #[serde(rename = "store_us", with = "micros", skip_serializing_if = "Option::is_none")]
    pub store: Option<Duration>,
}

/// One request and its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrafficRecord {
    /// Grows by one with each request.
    pub id: u64,
    /// When it began.
    pub at: Timestamp,
    /// Which way it went.
    pub direction: Direction,
    /// What it is about.
    pub kind: TrafficKind,
    /// The other side, as far as it is known.
    pub peer: Option<Provider>,
    /// The other side's address, as far as it is known. Of a request to us it can be that of a proxy in front of us.
    pub address: Option<IpAddr>,
    /// Whether `peer` is proved by a signature.
    pub verified: bool,
    /// Its method.
    pub method: String,
    /// Path below the endpoint, with query.
    pub target: String,
    /// The protocol that was spoken, such as `HTTP/2.0`.
    pub protocol: Option<String>,
    /// Whether the answer is still to come.
    pub waiting: bool,
    /// The answer's status.
    pub status: Option<u16>,
    /// The problem's code, where the answer is one.
    pub code: Option<String>,
    /// From the beginning to the answer.
    #[serde(rename = "duration_us", with = "micros")]
    pub duration: Option<Duration>,
    /// What its parts took.
    pub timing: Timing,
    /// Octets of the request's content. Content is not compressed on this wire, so that is also what was sent.
    pub request_bytes: usize,
    /// Octets of the answer's content.
    pub response_bytes: usize,
    /// The items of a feed page, or what was submitted: the first hundred.
    pub items: Vec<TrafficItem>,
    /// How many items there were.
    pub item_count: usize,
    /// At which step it failed, where there was no answer that could be used.
    pub stage: Option<Stage>,
    /// One sentence on that.
    pub text: Option<String>,
    /// `name: value` of the headers that concern the protocol. None of them is a secret.
    pub request_headers: Vec<String>,
    /// The same of the answer.
    pub response_headers: Vec<String>,
}

/// An item of a feed page, or a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficItem {
    /// Its number in the feed, or in the group's log; 0 for a submission that was refused.
    pub seq: u64,
    /// Its type; of a submission that was refused, with the code.
    pub kind: String,
}

impl TrafficRecord {
    /// A request that begins now and waits for its answer.
    pub fn begin(at: Timestamp, direction: Direction, method: &str, target: &str) -> Self {
        Self {
            id: 0,
            at,
            direction,
            kind: TrafficKind::of(method, target),
            peer: None,
            address: None,
            verified: false,
            method: cut(method),
            target: cut(target),
            protocol: None,
            waiting: true,
            status: None,
            code: None,
            duration: None,
            timing: Timing::default(),
            request_bytes: 0,
            response_bytes: 0,
            items: Vec::new(),
            item_count: 0,
            stage: None,
            text: None,
            request_headers: Vec::new(),
            response_headers: Vec::new(),
        }
    }

    /// Whether it failed on its way, or was refused.
    pub fn is_failure(&self) -> bool {
        self.stage.is_some() || self.status.is_some_and(|status| status >= 400)
    }

    /// Whether a peer we know of may have nothing to do with it: nothing proves who has sent it to us.
    pub fn is_unproved(&self) -> bool {
        self.direction == Direction::In && !self.verified
    }

    /// What the signature that proves the other side says of itself: that of the request to us, or of the answer to ours.
    pub fn signature(&self) -> Option<ToldSignature> {
        let headers = match self.direction {
            Direction::In => &self.request_headers,
            Direction::Out => &self.response_headers,
        };
        let input = headers.iter().find_map(|line| line.strip_prefix(SIGNATURE_INPUT.as_str()));
        told_signature(input?.strip_prefix(": ")?)
    }

    /// Notes that it failed.
    pub(crate) fn fail(&mut self, fault: &PeerFault) {
        self.stage = Some(fault.stage);
        self.code = Some(fault.code.to_string());
        self.text = Some(fault.text.clone());
    }

    /// Notes the items of a page.
    pub fn set_items<'a>(&mut self, items: impl ExactSizeIterator<Item = (u64, &'a str)>) {
        self.item_count = items.len();
        self.items = items.take(ITEMS).map(|(seq, kind)| TrafficItem { seq, kind: cut(kind) }).collect();
    }

    /// Cuts what was said by others to what a person reads.
    pub(super) fn cut(&mut self) {
        for text in [&mut self.code, &mut self.text].into_iter().flatten() {
            if text.len() > TEXT {
                *text = cut(text);
            }
        }
    }

    /// The octets of its texts.
    pub(super) fn octets(&self) -> usize {
        let texts = [&self.method, &self.target].into_iter().chain(&self.code).chain(&self.text);
        let headers = self.request_headers.iter().chain(&self.response_headers);
        let items = self.items.iter().map(|item| &item.kind);
        texts.chain(headers).chain(items).map(String::len).sum()
    }
}

/// A submission with what became of it, as an item of the record.
pub(crate) fn submitted(kind: SubmissionKind, outcome: &Outcome) -> (u64, String) {
    match outcome {
        Outcome::Accepted(placed) | Outcome::Duplicate(placed) => (placed.seq, kind.to_string()),
        Outcome::Rejected(problem) => (0, format!("{kind}: {}", problem.code)),
        Outcome::Queued => (0, kind.to_string()),
    }
}

/// The number and the word by which the traffic record tells of something that a peer has submitted.
pub(crate) fn answered(kind: Option<SubmissionKind>, answer: &SubmissionAnswer) -> (u64, String) {
    match (kind, answer) {
        (Some(kind), SubmissionAnswer::Judged(result)) => submitted(kind, &result.outcome),
        _ => (0, format!("submission: {}", Code::Malformed)),
    }
}

/// The headers of `headers` that concern the protocol.
pub(crate) fn told_headers(headers: &http::HeaderMap) -> Vec<String> {
    const TOLD: [&str; 9] = [
        "mtp-to",
        "content-type",
        "content-encoding",
        "content-digest",
        "signature-input",
        "signature",
        "cache-control",
        "retry-after",
        "user-agent",
    ];
    let told = headers.iter().filter(|(name, _)| TOLD.contains(&name.as_str()));
    told.take(TOLD.len())
        .map(|(name, value)| cut(&format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))))
        .collect()
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT)].to_owned()
}

/// A time as a whole number of microseconds.
mod micros {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        time.map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(Duration::from_micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_told_by_its_method_and_path() {
        for (method, target, kind) in [
            ("GET", "/feed?after=3", TrafficKind::Pull),
            ("POST", "/peering", TrafficKind::Introduce),
            ("GET", "/peering?wait=30", TrafficKind::Peering),
            ("DELETE", "/connections/x", TrafficKind::TakeBack),
            ("GET", "/.well-known/mtp", TrafficKind::Document),
            ("GET", "/groups/a/log?after=1", TrafficKind::Log),
            ("GET", "/groups/log", TrafficKind::Group),
            ("GET", "", TrafficKind::Other),
            ("GET", "//feed", TrafficKind::Pull),
        ] {
            assert_eq!(TrafficKind::of(method, target), kind, "{method} {target}");
        }
    }

    #[test]
    fn what_is_kept_is_read_again_as_it_was() {
        let mut record =
            TrafficRecord::begin(Timestamp::from_millis(1234), Direction::Out, "GET", "/feed?after=3");
        record.duration = Some(Duration::from_micros(1500));
        record.timing.tls = Some(Duration::from_micros(7));
        record.stage = Some(Stage::Tls);
        record.set_items([(1, "event")].into_iter());
        let text = serde_json::to_string(&record).unwrap();
        let read: TrafficRecord = serde_json::from_str(&text).unwrap();
        assert_eq!(format!("{read:?}"), format!("{record:?}"));
    }

    #[test]
    fn the_signature_that_proves_the_other_side_says_what_it_covers_and_by_which_key() {
        let mut record = TrafficRecord::begin(Timestamp::from_millis(1), Direction::In, "GET", "/feed");
        assert_eq!(record.signature(), None);
        record.request_headers = vec![
            "signature-input: mtp=(\"@method\" \"mtp-to\" \"@query\";req);created=1;keyid=\"a.example#k\""
                .into(),
        ];
        let told = record.signature().unwrap();
        assert_eq!(told.covered, ["@method", "mtp-to", "@query;req"]);
        assert_eq!(told.key.as_deref(), Some("a.example#k"));
    }
}
