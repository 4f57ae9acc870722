//! One request between us and a peer, as it is kept and shown. Contents are never kept: of what was sent there are sizes, numbers
//! and types.

use std::net::IpAddr;
use std::time::Duration;

use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::{Item, ItemBody, Outcome, SubmissionAnswer, SubmissionKind};
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::seen::is_unseen;
use drawbridge_mtp::signature::{SIGNATURE_INPUT, ToldSignature, told_signature};
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::peer_fault::{PeerFault, Stage};
use crate::readable::readable;
use crate::words::words;

/// The code of a request of ours whose answer we did not wait for.
pub(crate) const GIVEN_UP: &str = "given-up";
/// Items of a page that are remembered.
const ITEMS: usize = 100;
/// Octets of a text that are remembered: the longest that the protocol has, a signature's input, has three hundred.
const TEXT: usize = 512;

words! {
    /// Which way a request went.
    #[derive(Hash)]
    Direction {
        /// From a peer to us.
        In = "in",
        /// From us to a peer.
        Out = "out",
    }
}

words! {
    /// Who has had a request sent.
    #[derive(Default)]
    Asker {
        /// The node, or whoever has asked us.
        #[default]
        Node = "node",
        /// The Doctor, which looks how it goes: what it meets is no part of that.
        Doctor = "doctor",
    }
}

impl Asker {
    /// Whether there is nothing to be said of it.
    fn is_node(&self) -> bool {
        *self == Self::Node
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
    /// Who has had it sent: the Doctor also where it looks at this provider itself, which is asked then.
    #[serde(default, skip_serializing_if = "Asker::is_node")]
    pub asker: Asker,
    /// The other side, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<Provider>,
    /// The other side's address, as far as it is known. Of a request to us it can be that of a proxy in front of us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Whether `peer` is proved by a signature.
    pub verified: bool,
    /// Whether `peer` was let in here when this is kept. It is for what is to make room first, and not kept itself.
    #[serde(skip)]
    pub(crate) let_in: bool,
    /// Its method.
    pub method: String,
    /// Path below the endpoint, with query.
    pub target: String,
    /// The protocol that was spoken, such as `HTTP/2.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Whether the answer is still to come.
    pub waiting: bool,
    /// The answer's status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The problem's code, where the answer is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// From the beginning to the answer.
    #[serde(rename = "duration_us", with = "micros", default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// What its parts took.
    pub timing: Timing,
    /// Octets of the request's content. Content is not compressed on this wire, so that is also what was sent.
    pub request_bytes: usize,
    /// Octets of the answer's content.
    pub response_bytes: usize,
    /// The items of a feed page, or what was submitted: the first hundred.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<TrafficItem>,
    /// How many items there were.
    pub item_count: usize,
    /// At which step it failed, where there was no answer that could be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// One sentence on that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// `name: value` of the headers that concern the protocol. None of them is a secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_headers: Vec<String>,
    /// The same of the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_headers: Vec<String>,
}

/// An item of a feed page, or a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficItem {
    /// Its number in the feed, or in the group's log; 0 for a submission that was refused.
    pub seq: u64,
    /// Its type; of a submission that was refused, with the code.
    pub kind: String,
    /// The event that it tells of, or that it became. Records from before this was kept have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<TrafficEvent>,
}

/// An event by its name, by which it can be traced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficEvent {
    /// The group.
    pub group: GroupUri,
    /// Its number in the group's log.
    pub seq: u64,
}

/// What a page or a request with submissions had: the first hundred, and how many there were.
#[derive(Clone, Debug, Default)]
pub struct TrafficItems {
    first: Vec<TrafficItem>,
    count: usize,
}

impl TrafficItems {
    /// The first of `items`, and how many those are.
    pub fn of(items: impl ExactSizeIterator<Item = TrafficItem>) -> Self {
        let count = items.len();
        Self { first: items.take(ITEMS).collect(), count }
    }

    /// How many there were.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

impl TrafficItem {
    /// One with this number and type, whatever others have written for the type.
    pub(super) fn new(seq: u64, kind: &str, event: Option<TrafficEvent>) -> Self {
        Self { seq, kind: cut(kind), event }
    }

    /// An item of a page.
    pub(crate) fn told(item: &Item) -> Self {
        let event = match &item.body {
            ItemBody::Event(event) => Some(TrafficEvent { group: event.group.clone(), seq: event.seq }),
            _ => None,
        };
        Self::new(item.seq, item.body.kind(), event)
    }

    /// A submission to `group` with what became of it.
    pub(crate) fn submitted(group: Option<&GroupUri>, kind: SubmissionKind, outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Accepted(placed) | Outcome::Duplicate(placed) => {
                let event = group.map(|group| TrafficEvent { group: group.clone(), seq: placed.seq });
                Self::new(placed.seq, kind.as_str(), event)
            }
            Outcome::Rejected(problem) => Self::new(0, &format!("{kind}: {}", problem.code), None),
            Outcome::Queued => Self::new(0, kind.as_str(), None),
        }
    }

    /// Something that a peer has submitted to `group`, with what it was answered. What is malformed has no kind.
    pub(crate) fn answered(
        group: Option<&GroupUri>,
        kind: Option<SubmissionKind>,
        answer: &SubmissionAnswer,
    ) -> Self {
        match (kind, answer) {
            (Some(kind), SubmissionAnswer::Judged(result)) => Self::submitted(group, kind, &result.outcome),
            _ => Self::new(0, &format!("submission: {}", Code::Malformed), None),
        }
    }
}

impl TrafficRecord {
    /// A request that begins now and waits for its answer.
    pub fn begin(at: Timestamp, direction: Direction, method: &str, target: &str) -> Self {
        Self {
            id: 0,
            at,
            direction,
            kind: TrafficKind::of(method, target),
            asker: Asker::Node,
            peer: None,
            address: None,
            verified: false,
            let_in: false,
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

    /// Whether no peer that was let in has to do with it: nothing proves that one has sent it to us, or it is of another, or we ask
    /// somebody whom anybody may have had us ask.
    pub(crate) fn is_of_stranger(&self) -> bool {
        !self.let_in || self.direction == Direction::In && !self.verified
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

    /// Notes the items of a page, or what was submitted.
    pub fn set_items(&mut self, TrafficItems { first, count }: TrafficItems) {
        (self.items, self.item_count) = (first, count);
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
        let kinds = self.items.iter().map(|item| &item.kind);
        let texts: usize = texts.chain(headers).chain(kinds).map(String::len).sum();
        let events = self.items.iter().filter_map(|item| item.event.as_ref());
        texts + events.map(|event| event.group.as_str().len()).sum::<usize>()
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
        .map(|(name, value)| match name.as_str() {
            // Whoever reads the record, or is given it, could send the request once more with it.
            "signature" => format!("signature: {} octets", value.len()),
            name => cut(&format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))),
        })
        .collect()
}

/// Cuts `text`, and shows what of it would not be seen, or would change the order of what is: others write it.
fn cut(text: &str) -> String {
    let text = &text[..text.floor_char_boundary(TEXT)];
    if text.chars().any(|character| character.is_control() || is_unseen(character)) {
        return readable(text);
    }
    text.to_owned()
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
    use drawbridge_mtp::message::Placed;
    use drawbridge_mtp::octets::Hash32;
    use drawbridge_mtp::problem::Problem;

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
        let event = TrafficEvent { group: "mimi://home.example/g/tea".parse().unwrap(), seq: 7 };
        let item = TrafficItem::new(1, "event", Some(event));
        record.set_items(TrafficItems::of([item].into_iter()));
        let text = serde_json::to_string(&record).unwrap();
        let read: TrafficRecord = serde_json::from_str(&text).unwrap();
        assert_eq!(format!("{read:?}"), format!("{record:?}"));
    }

    #[test]
    fn what_was_kept_before_items_named_their_events_is_still_read() {
        let item: TrafficItem = serde_json::from_str(r#"{"seq":4,"kind":"event"}"#).unwrap();
        assert_eq!(item, TrafficItem::new(4, "event", None));
        assert_eq!(serde_json::to_string(&item).unwrap(), r#"{"seq":4,"kind":"event"}"#);
    }

    #[test]
    fn the_group_of_an_event_counts_among_the_octets() {
        let mut record = TrafficRecord::begin(Timestamp::from_millis(1), Direction::Out, "GET", "/feed");
        let group: GroupUri = "mimi://home.example/g/tea".parse().unwrap();
        let octets = |record: &mut TrafficRecord, event| {
            record.set_items(TrafficItems::of([TrafficItem::new(1, "event", event)].into_iter()));
            record.octets()
        };
        let without = octets(&mut record, None);
        let with = octets(&mut record, Some(TrafficEvent { group: group.clone(), seq: 7 }));
        assert_eq!(with - without, group.as_str().len());
    }

    #[test]
    fn a_submission_names_its_event_once_it_has_its_place() {
        let group: GroupUri = "mimi://home.example/g/tea".parse().unwrap();
        let placed = Placed { seq: 9, hash: Hash32::of(b""), time: Timestamp::from_millis(1) };
        let of = |outcome| TrafficItem::submitted(Some(&group), SubmissionKind::Commit, &outcome);
        for outcome in [Outcome::Accepted(placed), Outcome::Duplicate(placed)] {
            assert_eq!(of(outcome).event, Some(TrafficEvent { group: group.clone(), seq: 9 }));
        }
        let problem = Problem::new(Code::EpochConflict, "no").into();
        let refused = of(Outcome::Rejected(Box::new(problem)));
        assert_eq!((refused.seq, refused.kind.as_str(), refused.event), (0, "commit: epoch-conflict", None));
        assert_eq!(of(Outcome::Queued).event, None);
    }

    #[test]
    fn what_others_write_is_seen_and_cannot_be_sent_again() {
        let mut headers = http::HeaderMap::new();
        headers.insert("signature", "mtp=:c2VjcmV0:".parse().unwrap());
        headers.insert("user-agent", http::HeaderValue::from_bytes("a\u{202E}b".as_bytes()).unwrap());
        assert_eq!(told_headers(&headers), ["signature: 14 octets", "user-agent: a<U+202E>b"]);
        let record = TrafficRecord::begin(Timestamp::from_millis(1), Direction::In, "GET", "/\u{9B}31m");
        assert_eq!(record.target, "/<U+009B>31m");
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
