//! What the node measures of itself, in the text format of Prometheus (`docs/operators.md`).
//!
//! What happens is counted when it happens, by handles that are made once for each label that there can be: an atomic addition,
//! and no lookup of a name. What is so at a moment (peers, sizes, the process) is looked up when somebody asks
//! (`operator/scrape.rs`) and written through [`States`]. Every node has its own, and nothing here is global to the process.

use std::collections::HashMap;
use std::time::Duration;

use drawbridge_mtp::problem::Code;
use metrics::{Counter, Histogram, Key, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::peer_fault::Stage;

/// Upper bounds of the histograms' buckets, in seconds: from a write on a fast disk to a pull that waits as long as one may.
const BUCKETS: [f64; 17] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];
/// The resources that requests are told apart by: the first part of the path below the endpoint, and the provider document.
const RESOURCES: [&str; 11] = [
    "feed",
    "peering",
    "ping",
    "checks",
    "connections",
    "authorizations",
    "keypackages",
    "submissions",
    "groups",
    "objects",
    "document",
];
const STAGES: [Stage; 9] = [
    Stage::Dns,
    Stage::Connect,
    Stage::Tls,
    Stage::Document,
    Stage::Signature,
    Stage::Policy,
    Stage::Http,
    Stage::Content,
    Stage::Store,
];
/// The value of a label for everything that has none of its own.
pub(crate) const OTHER: &str = "other";

const DURATION: &str = "drawbridge_request_duration_seconds";
const REFUSALS: &str = "drawbridge_refusals_total";
const PULLS: &str = "drawbridge_pulls_total";
const FAULTS: &str = "drawbridge_peer_faults_total";
const RECEIVED: &str = "drawbridge_received_bytes_total";
const SENT: &str = "drawbridge_sent_bytes_total";
const RECEIVED_ITEMS: &str = "drawbridge_received_items_total";
const SENT_ITEMS: &str = "drawbridge_sent_items_total";
const STORE_WRITE: &str = "drawbridge_store_write_duration_seconds";

/// What is counted as it happens.
pub(crate) struct Metrics {
    handle: PrometheusHandle,
    /// What peers ask us.
    pub(crate) of_peers: Requests,
    /// What we ask peers.
    pub(crate) ours: Requests,
    /// Our requests that failed, by the step at which they did.
    faults: Labelled<Counter>,
    /// From when the store is given something to write until that is on disk.
    pub(crate) store_write: Histogram,
}

/// What is counted of requests in one direction.
pub(crate) struct Requests {
    /// From the request to its answer, by resource.
    durations: Labelled<Histogram>,
    /// Requests that were answered with a problem, by its code.
    refusals: Labelled<Counter>,
    /// Octets of content that came to us: their requests, or their answers.
    received: Counter,
    /// Octets of content that we sent: our answers, or our requests.
    sent: Counter,
    /// Items of feeds in the answers.
    items: Counter,
    pulls: Pulls,
}

struct Pulls {
    with_items: Counter,
    empty: Counter,
    failed: Counter,
}

/// One of something for each value that a label can have.
struct Labelled<T> {
    known: HashMap<&'static str, T>,
    other: T,
}

impl<T> Labelled<T> {
    fn new(values: impl Iterator<Item = &'static str>, make: impl Fn(&'static str) -> T) -> Self {
        Self { known: values.map(|value| (value, make(value))).collect(), other: make(OTHER) }
    }

    fn of(&self, value: &str) -> &T {
        self.known.get(value).unwrap_or(&self.other)
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let recorder = recorder();
        for (name, text) in [
            (REFUSALS, "Requests that were answered with a problem, by its code."),
            (PULLS, "Pulls of a feed that have ended, by outcome."),
            (FAULTS, "Requests to peers that failed, by the step at which they did."),
            (RECEIVED, "Octets of content received: of requests of peers (in), of answers to ours (out)."),
            (SENT, "Octets of content sent: of answers to peers (in), of our requests (out)."),
            (RECEIVED_ITEMS, "Items of peers' feeds that were stored here."),
            (SENT_ITEMS, "Items of our feeds that peers were answered with."),
        ] {
            let unit = if name.ends_with("_bytes_total") { Unit::Bytes } else { Unit::Count };
            recorder.describe_counter(name.into(), Some(unit), text.into());
        }
        for (name, text) in [
            (DURATION, "From a request to its answer, with what a pull waits for news."),
            (STORE_WRITE, "From when the store is given something to write until it is on disk."),
        ] {
            recorder.describe_histogram(name.into(), Some(Unit::Seconds), text.into());
        }
        Self {
            handle: recorder.handle(),
            of_peers: Requests::new(&recorder, "in", SENT_ITEMS),
            ours: Requests::new(&recorder, "out", RECEIVED_ITEMS),
            faults: Labelled::new(STAGES.into_iter().map(Stage::as_str), |stage| {
                counter(&recorder, FAULTS, &[("stage", stage)])
            }),
            store_write: histogram(&recorder, STORE_WRITE, &[]),
        }
    }

    /// A request of ours failed at `stage`.
    pub(crate) fn note_fault(&self, stage: Stage) {
        self.faults.of(stage.as_str()).increment(1);
    }

    /// Sums up what the histograms were given; until then each holds every single time.
    pub(crate) fn sum_up(&self) {
        self.handle.run_upkeep();
    }

    /// What was counted so far.
    pub(crate) fn render(&self) -> String {
        self.handle.render()
    }
}

impl Requests {
    fn new(recorder: &PrometheusRecorder, direction: &'static str, items: &'static str) -> Self {
        let ended = |outcome| counter(recorder, PULLS, &[("direction", direction), ("outcome", outcome)]);
        Self {
            durations: Labelled::new(RESOURCES.into_iter(), |resource| {
                histogram(recorder, DURATION, &[("direction", direction), ("resource", resource)])
            }),
            refusals: Labelled::new(Code::ALL.iter().map(|code| code.as_str()), |code| {
                counter(recorder, REFUSALS, &[("direction", direction), ("code", code)])
            }),
            received: counter(recorder, RECEIVED, &[("direction", direction)]),
            sent: counter(recorder, SENT, &[("direction", direction)]),
            items: counter(recorder, items, &[]),
            pulls: Pulls { with_items: ended("items"), empty: ended("empty"), failed: ended("failed") },
        }
    }

    /// A request for `resource`, a path or the first part of one, was answered after `took`, with the problem `refused` where it
    /// was refused.
    pub(crate) fn note_answer(&self, resource: &str, took: Duration, refused: Option<&str>) {
        let first = resource.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
        self.durations.of(first).record(took);
        if let Some(code) = refused {
            self.refusals.of(code).increment(1);
        }
    }

    /// A pull has ended: with so many items, or `None` where it failed.
    pub(crate) fn note_pull(&self, items: Option<usize>) {
        match items {
            Some(0) => self.pulls.empty.increment(1),
            Some(count) => {
                self.pulls.with_items.increment(1);
                self.items.increment(count as u64);
            }
            None => self.pulls.failed.increment(1),
        }
    }

    /// Content of so many octets came to us.
    pub(crate) fn note_received(&self, octets: usize) {
        self.received.increment(octets as u64);
    }

    /// Content of so many octets was sent by us.
    pub(crate) fn note_sent(&self, octets: usize) {
        self.sent.increment(octets as u64);
    }
}

/// What is so at the moment at which somebody asks. Made for one answer, so that a peer that is gone is gone from it too.
pub(crate) struct States {
    recorder: PrometheusRecorder,
}

impl States {
    pub(crate) fn new() -> Self {
        Self { recorder: recorder() }
    }

    /// Says what the gauges called `name` tell.
    pub(crate) fn describe(&self, name: &'static str, text: &'static str) {
        self.recorder.describe_gauge(name.into(), None, text.into());
    }

    /// The gauge `name` with `labels` has this value.
    pub(crate) fn set(&self, name: &'static str, labels: &[(&'static str, &str)], value: f64) {
        let labels = labels.iter().map(|(label, value)| Label::new(*label, (*value).to_owned()));
        let key = Key::from_parts(name, labels.collect::<Vec<_>>());
        self.recorder.register_gauge(&key, &METADATA).set(value);
    }

    /// Adds what the system says of the process, as `drawbridge_process_…`.
    pub(crate) fn add_process(&self) {
        let process = metrics_process::Collector::new("drawbridge_");
        // The library writes to the recorder of the thread, which is this one for as long as that takes.
        metrics::with_local_recorder(&self.recorder, || {
            process.describe();
            process.collect();
        });
    }

    /// All of it.
    pub(crate) fn render(&self) -> String {
        self.recorder.handle().render()
    }
}

static METADATA: Metadata<'static> = Metadata::new("drawbridge", Level::INFO, None);

fn recorder() -> PrometheusRecorder {
    // It refuses an empty list alone.
    PrometheusBuilder::new().set_buckets(&BUCKETS).unwrap_or_default().build_recorder()
}

fn key(name: &'static str, labels: &[(&'static str, &'static str)]) -> Key {
    let labels = labels.iter().map(|(label, value)| Label::from_static_parts(label, value));
    Key::from_parts(name, labels.collect::<Vec<_>>())
}

fn counter(
    recorder: &PrometheusRecorder,
    name: &'static str,
    labels: &[(&'static str, &'static str)],
) -> Counter {
    recorder.register_counter(&key(name, labels), &METADATA)
}

fn histogram(
    recorder: &PrometheusRecorder,
    name: &'static str,
    labels: &[(&'static str, &'static str)],
) -> Histogram {
    recorder.register_histogram(&key(name, labels), &METADATA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_name_makes_no_label_of_its_own() {
        let metrics = Metrics::new();
        let series = metrics.render().lines().count();
        metrics.of_peers.note_answer("/no-such-thing/x?y", Duration::from_millis(3), Some("their-own"));
        metrics.of_peers.note_answer("/feed?after=3", Duration::from_millis(3), None);
        metrics.ours.note_answer("keypackages/claim", Duration::from_millis(3), Some("malformed"));
        let text = metrics.render();
        assert_eq!(text.lines().count(), series, "no series is new");
        for line in [
            r#"drawbridge_request_duration_seconds_count{direction="in",resource="other"} 1"#,
            r#"drawbridge_request_duration_seconds_bucket{direction="in",resource="feed",le="0.005"} 1"#,
            r#"drawbridge_refusals_total{direction="in",code="other"} 1"#,
            r#"drawbridge_refusals_total{direction="out",code="malformed"} 1"#,
        ] {
            assert!(text.lines().any(|told| told == line), "{line} is not in {text}");
        }
    }

    #[test]
    fn two_nodes_of_one_process_count_apart() {
        let (one, other) = (Metrics::new(), Metrics::new());
        one.ours.note_pull(Some(3));
        one.ours.note_pull(Some(0));
        other.ours.note_pull(None);
        let told = |metrics: &Metrics, line: &str| metrics.render().lines().any(|told| told == line);
        assert!(told(&one, r#"drawbridge_pulls_total{direction="out",outcome="items"} 1"#));
        assert!(told(&one, "drawbridge_received_items_total 3"));
        assert!(told(&one, r#"drawbridge_pulls_total{direction="out",outcome="failed"} 0"#));
        assert!(told(&other, r#"drawbridge_pulls_total{direction="out",outcome="failed"} 1"#));
        assert!(told(&other, "drawbridge_received_items_total 0"));
    }
}
