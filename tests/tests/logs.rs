//! The log of a running provider: its form, its lines, and the id that it has in common with another's.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use drawbridge_mtp::message::PeerState;
use drawbridge_node::config::{Config, ListenConfig, LogFormat};
use drawbridge_testkit::{Daemon, Federation};
use serde_json::{Value, json};

/// A provider with pages, on the loopback network and without TLS.
fn with_pages(federation: &Federation) -> Config {
    let listen = federation.config(|_| {}).mtp.listen.ip().unwrap();
    federation.config(|config| config.admin = Some(ListenConfig::plain(listen)))
}

fn log_of(config: &Config) -> PathBuf {
    config.data_dir.with_extension("log")
}

async fn start(config: &Config) -> Daemon {
    let log = File::create(log_of(config)).unwrap();
    Daemon::ready(Daemon::serve(config).stderr(log), config).await
}

/// The ids of requests that the JSON of the log `path` has in spans called `span`.
fn ids(path: &Path, span: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let spans = lines.flat_map(|line| {
        assert!(line["message"].is_string() && line["level"].is_string(), "{line}");
        line["spans"].as_array().cloned().unwrap_or_default()
    });
    spans
        .filter(|told| told["name"] == span)
        .filter_map(|told| told["trace_id"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn both_sides_of_a_request_log_the_same_id() {
    let federation = Federation::new();
    let [alpha, beta] = [(); 2].map(|()| Config {
        log: Some("warn,drawbridge_node=debug".into()),
        log_format: LogFormat::Json,
        ..with_pages(&federation)
    });
    let daemons = [start(&alpha).await, start(&beta).await];
    for (config, other) in [(&alpha, &beta), (&beta, &alpha)] {
        let allow = json!({ "provider": other.provider, "state": PeerState::Allowed });
        Daemon::answer(config, "set-peer", &allow);
    }
    for config in [&alpha, &beta] {
        let met = |peers: &Value| {
            let pull = &peers["peers"][0]["pulling"];
            pull["last_pull"].is_string().then_some(())
        };
        Daemon::until(config, "each has pulled from the other", "peers", met).await;
    }
    for daemon in daemons {
        assert!(daemon.stop().success());
    }
    for (asker, asked) in [(&alpha, &beta), (&beta, &alpha)] {
        let (of_asker, of_asked) = (ids(&log_of(asker), "ask"), ids(&log_of(asked), "request"));
        assert!(of_asker.iter().all(|id| id.len() == 32), "{of_asker:?}");
        assert!(of_asker.intersection(&of_asked).count() > 0, "{of_asker:?} and {of_asked:?}");
    }
}

#[tokio::test]
async fn the_log_is_chosen_while_the_provider_runs_and_a_wrong_filter_is_refused_with_a_sentence() {
    let federation = Federation::new();
    let config = with_pages(&federation);
    let daemon = start(&config).await;
    let has = |text: &str| std::fs::read_to_string(log_of(&config)).unwrap().contains(text);
    assert!(!has("INFO"), "warnings are the default");
    let refused = Daemon::admin(&config, "set-log", &json!({ "filter": "warn,loud" }));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("\"loud\" is neither a level") && said.lines().count() == 1, "{said}");

    let set = Daemon::answer(&config, "set-log", &json!({ "filter": "info" }));
    assert_eq!(set, json!({ "filter": "info" }));
    assert!(has("INFO") && has("the log has other lines"), "it says so in its own line");
    assert!(daemon.stop().success());
}

#[tokio::test]
async fn a_trouble_with_a_peer_has_one_line_where_it_begins_and_one_where_it_is_over() {
    let federation = Federation::new();
    let beta = with_pages(&federation);
    let alpha = Config { log: Some("info".into()), ..with_pages(&federation) };
    let daemon = start(&alpha).await;
    let named = json!({ "provider": beta.provider });
    let allow = json!({ "provider": beta.provider, "state": PeerState::Allowed });
    Daemon::answer(&alpha, "set-peer", &allow);
    let fails = |peers: &Value| (peers["peers"][0]["pulling"]["failures"].as_u64()? >= 3).then_some(());
    Daemon::until(&alpha, "it fails again and again", "peers", fails).await;
    let other = start(&beta).await;
    Daemon::answer(&alpha, "retry-peer", &named);
    let is_reached = |peers: &Value| peers["peers"][0]["troubles"].as_array()?.is_empty().then_some(());
    Daemon::until(&alpha, "it is reached", "peers", is_reached).await;
    assert!(daemon.stop().success() && other.stop().success());
    let log = std::fs::read_to_string(log_of(&alpha)).unwrap();
    let lines = |level: &str, what: &str| {
        let told = log.lines().filter(|line| line.contains(level) && line.contains(what));
        told.filter(|line| line.contains("connection-refused")).count()
    };
    assert_eq!(lines("WARN", "a trouble with a peer has begun"), 1, "{log}");
    assert_eq!(lines("INFO", "a trouble with a peer is over"), 1, "{log}");
}

#[tokio::test]
async fn a_reader_of_the_log_that_stops_reading_stops_nothing() {
    let federation = Federation::new();
    let config = Config { log: Some("trace".into()), ..with_pages(&federation) };
    // Nobody reads what it writes there, and what waits to be read has a bound.
    let (_unread, log) = std::io::pipe().unwrap();
    let daemon = Daemon::ready(Daemon::serve(&config).stderr(log), &config).await;
    for _ in 0..40 {
        Daemon::answer(&config, "status", &json!({}));
    }
    assert!(daemon.stop().success());
}
