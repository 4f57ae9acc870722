//! What a monitoring system reads of a running provider, and who else may not.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use drawbridge_node::config::{Config, ListenConfig};
use drawbridge_testkit::{Daemon, Federation};
use serde_json::{Value, json};

/// A provider with pages, on the loopback network and without TLS.
fn with_pages(federation: &Federation) -> Config {
    let listen = federation.config(|_| {}).mtp.listen;
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
