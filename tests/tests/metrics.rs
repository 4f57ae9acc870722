//! What a monitoring system reads of a running provider, and who else may not.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use drawbridge_mtp::message::ConnectionState;
use drawbridge_mtp::problem::Code;
use drawbridge_node::Decision;
use drawbridge_node::config::{Config, ListenConfig};
use drawbridge_testkit::{Daemon, Federation};
use http::Method;
use serde_json::{Value, json};

/// A provider with pages, on the loopback network and without TLS.
fn with_pages(federation: &Federation) -> Config {
    let listen = federation.config(|_| {}).mtp.listen.ip().unwrap();
    federation.config(|config| config.admin = Some(ListenConfig::plain(listen)))
}

fn address(config: &Config) -> String {
    format!("http://{}", config.admin.as_ref().unwrap().listen)
}

fn client() -> reqwest::Client {
    // Another test of the process may have chosen the same one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

/// The token that `drawbridged metrics-token` prints.
fn metrics_token(config: &Config) -> String {
    let said = Daemon::command("metrics-token", config).output().unwrap();
    assert!(said.status.success(), "{said:?}");
    String::from_utf8(said.stdout).unwrap().trim_end().to_owned()
}

async fn scrape(config: &Config) -> String {
    let asked = client().get(format!("{}/metrics", address(config))).bearer_auth(metrics_token(config));
    let answer = asked.send().await.unwrap().error_for_status().unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    answer.text().await.unwrap()
}

fn monitoring() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/monitoring")
}

#[tokio::test]
async fn the_token_of_metrics_opens_them_and_nothing_else_and_nothing_else_opens_them() {
    let federation = Federation::new();
    let config = with_pages(&federation);
    let daemon = Daemon::start(&config).await;
    let (http, url, token) = (client(), address(&config), metrics_token(&config));
    let key: Value =
        serde_json::from_slice(&std::fs::read(config.data_dir.join("admin.json")).unwrap()).unwrap();
    let admin = key["token"].as_str().unwrap();

    assert!(scrape(&config).await.contains("drawbridge_build_info{"));
    for wrong in [admin, "", &token[..token.len() - 1]] {
        let answer = http.get(format!("{url}/metrics")).bearer_auth(wrong).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{wrong}");
        assert!(!answer.text().await.unwrap().contains("drawbridge_"));
    }
    let without = http.get(format!("{url}/metrics")).send().await.unwrap();
    assert_eq!(without.status(), 401);

    // A browser that is let in.
    let said = Daemon::command("link", &config).output().unwrap();
    let link = String::from_utf8(said.stdout).unwrap();
    let link = link.trim_end().split_once("#token=").unwrap().1.to_owned();
    let entered = http.post(format!("{url}/admin/v1/session")).json(&json!({ "token": link })).send().await;
    let cookie = entered.unwrap().headers()["set-cookie"].to_str().unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap();
    let status = |request: reqwest::RequestBuilder| async { request.send().await.unwrap().status() };
    let ask = http.post(format!("{url}/admin/v1/status")).json(&json!({}));
    assert_eq!(status(ask.header("cookie", cookie)).await, 200, "the browser is let in");
    assert_eq!(status(http.get(format!("{url}/metrics")).header("cookie", cookie)).await, 401);

    for path in ["status", "link", "create-user", "session"] {
        let ask = http.post(format!("{url}/admin/v1/{path}")).bearer_auth(&token).json(&json!({}));
        assert!(!status(ask).await.is_success(), "{path}");
    }
    let events = http.get(format!("{url}/admin/v1/events")).bearer_auth(&token);
    assert_eq!(status(events).await, 401);

    assert!(daemon.stop().success());
    let daemon = Daemon::start(&config).await;
    assert_eq!(metrics_token(&config), token, "it is in the configuration of the monitoring system");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let file = std::fs::metadata(config.data_dir.join("metrics-token")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
    assert!(daemon.stop().success());
}

/// The names of the series that `text` tells.
fn names(text: &str) -> BTreeSet<&str> {
    let series = text.lines().filter(|line| !line.starts_with('#'));
    series.filter_map(|line| line.split(['{', ' ']).next()).filter(|name| !name.is_empty()).collect()
}

/// What `text` names as our metrics; a name that ends with `_` stands for all that begin so.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_lowercase() && letter != '_');
    words.filter(|word| word.starts_with("drawbridge_") && !word.starts_with("drawbridge_node")).collect()
}

/// Runs promtool, which `scripts/need test` installs, and fails with what it says.
fn promtool(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new("promtool");
    command.args(arguments).current_dir(monitoring());
    let mut running = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is missing: run scripts/need test");
    running.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    running.wait_with_output().unwrap()
}

#[tokio::test]
async fn what_is_told_is_what_goes_on_and_is_in_the_form_that_prometheus_wants() {
    let federation = Federation::new();
    let listen = federation.config(|_| {}).mtp.listen.ip().unwrap();
    let alpha = federation.node(|_| {}).await;
    let beta = federation.node(|config| config.admin = Some(ListenConfig::plain(listen))).await;
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, ConnectionState::Approved).await;
    beta.stop().await;
    let daemon = Daemon::start(beta.config()).await;
    let stranger = federation.scripted_peer();
    let unsigned = stranger.draft(beta.provider(), Method::GET, "/ping").without("signature");
    unsigned.expect_refusal(Code::SignatureMissing).await;
    Daemon::until(beta.config(), "each waits at the other", "peers", |peers| {
        let [peer] = &peers["peers"].as_array()?[..] else { return None };
        (peer["pulling"]["status"] == "waiting" && peer["serving"]["waiting"] == true).then_some(())
    })
    .await;

    let text = scrape(beta.config()).await;
    let value = |series: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{series} is not in {text}")).parse().unwrap()
    };
    let of_alpha = |name: &str| value(&format!("{name}{{peer=\"{}\"}}", alpha.provider()));
    assert_eq!(value(r#"drawbridge_peers{state="allowed"}"#), 1.0);
    assert_eq!(value(r#"drawbridge_pullers{status="waiting"}"#), 1.0);
    assert_eq!(value("drawbridge_waiting_pulls"), 1.0);
    assert_eq!(value("drawbridge_connections"), 1.0);
    assert_eq!(value("drawbridge_accounts"), 1.0);
    assert_eq!(value("drawbridge_outbox_submissions"), 0.0);
    assert_eq!(of_alpha("drawbridge_peer_failures"), 0.0);
    assert_eq!(of_alpha("drawbridge_peer_unacknowledged_items"), 0.0);
    assert!(of_alpha("drawbridge_peer_last_pull_timestamp_seconds") > 1e9);
    assert_eq!(value(r#"drawbridge_refusals_total{direction="in",code="signature-missing"}"#), 1.0);
    assert!(value(r#"drawbridge_request_duration_seconds_count{direction="out",resource="feed"}"#) > 0.0);
    assert!(value(r#"drawbridge_received_bytes_total{direction="out"}"#) > 0.0);
    assert!(value(r#"drawbridge_sent_bytes_total{direction="in"}"#) > 0.0);
    assert!(value("drawbridge_store_write_duration_seconds_count") > 0.0);
    assert!(value("drawbridge_store_size_bytes") > 0.0);
    assert!(value("drawbridge_process_resident_memory_bytes") > 0.0);
    assert!(value("drawbridge_process_open_fds") > 0.0);
    assert!(value("drawbridge_start_time_seconds") > 1e9);

    let checked = promtool(&["check", "metrics"], &text);
    assert!(checked.status.success(), "{checked:?}");
    assert!(checked.stderr.is_empty(), "{checked:?}");

    // The guide tells of each, and nothing is told of that there is not.
    let told = names(&text);
    let docs = |path: &str| std::fs::read_to_string(monitoring().join(path)).unwrap();
    for path in ["dashboard.json", "alerts.yml", "alerts-test.yml", "../operators.md"] {
        for name in named(&docs(path)) {
            let is_there = match name.strip_suffix('_') {
                Some(_) => told.iter().any(|told| told.starts_with(name)),
                None => told.iter().any(|told| told.strip_prefix(name).is_some_and(is_end_of_name)),
            };
            assert!(is_there, "{path} names {name}, which there is not");
        }
    }
    let guide = docs("../operators.md");
    for name in told {
        let is_told = named(&guide).into_iter().any(|part| match part.strip_suffix('_') {
            Some(_) => name.starts_with(part),
            None => name.strip_prefix(part).is_some_and(is_end_of_name),
        });
        assert!(is_told, "the operator's guide does not tell of {name}");
    }
    assert!(daemon.stop().success());
}

/// What a histogram's series have behind its name, and others have nothing.
fn is_end_of_name(rest: &str) -> bool {
    matches!(rest, "" | "_bucket" | "_count" | "_sum")
}

#[test]
fn alerts_say_what_they_are_to_say() {
    for arguments in [&["check", "rules", "alerts.yml"], &["test", "rules", "alerts-test.yml"]] {
        let said = promtool(arguments, "");
        assert!(said.status.success(), "{said:?}");
    }
}

#[test]
fn each_panel_of_the_dashboard_asks_what_can_be_answered() {
    let text = std::fs::read_to_string(monitoring().join("dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let rules: Vec<_> = targets
        .enumerate()
        .map(|(place, target)| {
            let asked = target["expr"].as_str().unwrap().replace("$__rate_interval", "5m");
            json!({ "record": format!("panel_{place}"), "expr": asked })
        })
        .collect();
    assert!(rules.len() > 20, "{rules:?}");
    // What is JSON is YAML.
    let file = json!({ "groups": [{ "name": "dashboard", "rules": rules }] }).to_string();
    let said = promtool(&["check", "rules", "/dev/stdin"], &file);
    assert!(said.status.success(), "{said:?}");
}
