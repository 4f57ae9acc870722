//! The program as its operator meets it: a process with its output, its signals, its folder, its links.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use drawbridge_admin::{Host, KeyPlace, commands};
use drawbridge_node::config::{Config, ListenConfig};
use drawbridge_testkit::{Daemon, Federation};
use http::header::{HOST, ORIGIN, SET_COOKIE};
use serde_json::json;

/// A provider with pages, on the loopback network and without TLS.
fn with_pages(federation: &Federation) -> Config {
    let listen = federation.config(|_| {}).mtp.listen.ip().unwrap();
    federation.config(|config| config.admin = Some(ListenConfig::plain(listen)))
}

fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

#[tokio::test]
async fn output_that_cannot_be_written_stops_no_provider_and_ends_no_command_by_a_panic() {
    let federation = Federation::new();
    let config = with_pages(&federation);
    let daemon = Daemon::run(Daemon::serve(&config).env("RUST_LOG", "trace").stdout(full()).stderr(full()));
    Daemon::answers(&config).await;

    for (name, rest) in [("admin", &["status"][..]), ("link", &[]), ("check", &[config.provider.as_str()])] {
        let said = Daemon::command(name, &config).args(rest).stdout(full()).output().unwrap();
        let text = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(1), "{name}: {text}");
        assert!(text.contains("standard output") && !text.contains("panicked"), "{name}: {text}");

        // As in `… | head`: who reads has seen enough before a line is written.
        let mut command = Daemon::command(name, &config);
        let mut child = command.args(rest).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut text = String::new();
        child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(!text.contains("panicked"), "{name}: {text}");
        assert_ne!(child.wait().unwrap().code(), Some(101), "{name}");
    }
    assert!(daemon.stop().success());
}

#[tokio::test]
async fn a_log_is_as_it_was_asked_for_or_refused() {
    let federation = Federation::new();
    let config = with_pages(&federation);
    let refused = Daemon::serve(&config).env("RUST_LOG", "loud").output().unwrap();
    let text = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{text}");
    assert!(text.contains("RUST_LOG") && text.contains("\"loud\"") && text.lines().count() == 1, "{text}");
    let refused =
        Daemon::serve(&Config { log: Some("warn,loud".into()), ..config.clone() }).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(!config.data_dir.exists(), "nothing has been changed");

    let log = config.data_dir.with_extension("log");
    let mut command = Daemon::serve(&config);
    let command = command.env("RUST_LOG", "debug").stderr(File::create(&log).unwrap());
    let daemon = Daemon::ready(command, &config).await;
    assert!(daemon.stop().success());
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.contains("DEBUG"), "{text}");
    assert!(!text.contains('\u{1b}'), "colours are for terminals");
}

/// What a browser that trusts only `certificate` gets from the node at `address`.
async fn connects(address: SocketAddr, certificate: &Path) -> Result<(), String> {
    // Another test of the process may have chosen the same one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let pem = std::fs::read(certificate).unwrap();
    let roots = reqwest::Certificate::from_pem_bundle(&pem).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only(roots).build().unwrap();
    let answered = client.get(format!("https://{address}/.well-known/mtp")).send().await;
    answered.map(drop).map_err(|fault| format!("{fault:?}"))
}

#[tokio::test]
async fn a_hangup_takes_a_renewed_certificate_and_another_log_and_refuses_what_is_bad() {
    let federation = Federation::new();
    let config = with_pages(&federation);
    let (cert, key) = (config.mtp.tls_cert.clone().unwrap(), config.mtp.tls_key.clone().unwrap());
    let log = config.data_dir.with_extension("log");
    let daemon = Daemon::ready(Daemon::serve(&config).stderr(File::create(&log).unwrap()), &config).await;
    connects(config.mtp.listen.ip().unwrap(), &federation.root()).await.unwrap();
    let own = |status: &serde_json::Value| status["node"]["ourselves"]["certificates"][0].clone();

    // The certificate is there already, and its key is not yet.
    let [renewed, its_key] = federation.self_signed();
    std::fs::copy(&renewed, &cert).unwrap();
    daemon.signal("HUP");
    let refused = Daemon::until(&config, "the bad pair is refused", "status", |status| {
        own(status)["refused"].as_str().map(str::to_owned)
    });
    assert!(refused.await.contains(key.to_str().unwrap()));
    connects(config.mtp.listen.ip().unwrap(), &federation.root()).await.unwrap();

    std::fs::copy(its_key, &key).unwrap();
    Daemon::write(&Config { log: Some("debug".into()), ..config.clone() });
    daemon.signal("HUP");
    Daemon::until(&config, "the renewed pair is taken", "status", |status| {
        let own = own(status);
        (own["refused"].is_null() && own["self_signed"] == true).then_some(())
    })
    .await;
    connects(config.mtp.listen.ip().unwrap(), &renewed).await.unwrap();
    connects(config.mtp.listen.ip().unwrap(), &federation.root()).await.unwrap_err();
    // One that is read only when the end has begun, as where a certificate is renewed and the service is stopped, cuts nothing off.
    daemon.signal("HUP");
    assert!(daemon.stop().success(), "a hangup ends nothing");
    for _ in 0..5 {
        let daemon = Daemon::ready(Daemon::serve(&config).stderr(Stdio::null()), &config).await;
        daemon.signal("HUP");
        assert!(daemon.stop().success(), "a hangup cuts no end off");
    }
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.contains("ERROR") && text.contains("DEBUG"), "{text}");
}

#[tokio::test]
async fn scripts_and_links_work_where_the_pages_have_tls_on_every_address() {
    let federation = Federation::new();
    let [cert, key] = federation.self_signed();
    let port = federation.config(|_| {}).mtp.listen.ip().unwrap().port();
    let listen = SocketAddr::from(([0, 0, 0, 0], port));
    let config = federation.config(|config| {
        config.admin = Some(ListenConfig {
            tls_cert: Some(cert.clone()),
            tls_key: Some(key),
            ..ListenConfig::plain(listen)
        });
    });
    let daemon = Daemon::start(&config).await;
    let link = Daemon::command("link", &config).output().unwrap();
    let link = String::from_utf8(link.stdout).unwrap();
    // Where a browser reaches it by the certificate, and not where it listens.
    let reached = SocketAddr::new(config.mtp.listen.ip().unwrap().ip(), port);
    assert!(link.starts_with(&format!("https://{reached}/#token=")), "{link}");
    connects(reached, &cert).await.unwrap();

    // Other devices are told of nothing that is for this computer alone, and of where the asker has the pages open itself.
    let link = Daemon::answer(&config, "link-device", &json!({}));
    assert_eq!(link["obstacle"], "certificate", "{link}");
    let opened = format!("https://drawbridge.home.example:{port}");
    let link = Daemon::answer(&config, "link-device", &json!({ "origin": opened }));
    let [place] = &link["places"].as_array().unwrap()[..] else { panic!("{link}") };
    assert_eq!((&place["origin"], &place["self_signed"]), (&json!(opened), &json!(true)));
    assert!(link["obstacle"].is_null(), "{link}");
    let other_port = Daemon::answer(&config, "link-device", &json!({ "origin": "https://other.example" }));
    assert_eq!(other_port["obstacle"], "certificate", "nothing of ours is at another port");
    assert!(daemon.stop().success());
}

#[tokio::test]
async fn what_is_missing_of_a_folder_is_named_and_nothing_starts() {
    let federation = Federation::new();
    let config = with_pages(&federation);
    let daemon = Daemon::start(&config).await;
    Daemon::answer(&config, "create-user", &json!({ "name": "ann" }));
    Daemon::answer(&config, "open-account", &json!({ "user": "ann" }));
    daemon.kill();

    let put_back =
        |name: &str| std::fs::rename(config.data_dir.with_extension("kept"), config.data_dir.join(name));
    let take_away =
        |name: &str| std::fs::rename(config.data_dir.join(name), config.data_dir.with_extension("kept"));
    // The node was killed, so what the store was given last is in its log.
    for name in ["store.sqlite", "store.sqlite-wal", "identity.key", "clients.key", "provider"] {
        for empty in [false, true] {
            if empty && name == "store.sqlite-wal" {
                continue;
            }
            take_away(name).unwrap();
            if empty {
                File::create(config.data_dir.join(name)).unwrap();
            }
            let before = std::fs::read_dir(&config.data_dir).unwrap().count();
            let said = Daemon::serve(&config).output().unwrap();
            let text = String::from_utf8(said.stderr).unwrap();
            assert_eq!(said.status.code(), Some(2), "{name}: {text}");
            assert!(text.contains(config.data_dir.join(name).to_str().unwrap()), "{name}: {text}");
            assert_eq!(text.lines().count(), 1, "{text}");
            assert_eq!(std::fs::read_dir(&config.data_dir).unwrap().count(), before, "{name}");
            put_back(name).unwrap();
        }
    }

    // What is whole again starts, and nothing of it is lost.
    let daemon = Daemon::start(&config).await;
    let users = Daemon::answer(&config, "users", &json!({}));
    assert_eq!(users["users"].as_array().unwrap().len(), 1, "{users}");
    assert!(daemon.stop().success());

    // An account's own file is missed by its account, and the provider runs.
    std::fs::remove_file(config.data_dir.join("clients/ann.sqlite")).unwrap();
    let daemon = Daemon::start(&config).await;
    let users = Daemon::until(&config, "the account is opened or not", "users", |users| {
        (users["users"][0]["here"]["state"] != "opening").then(|| users.clone())
    });
    let users = users.await;
    assert!(users.to_string().contains("ann.sqlite is missing"), "{users}");
    assert!(!config.data_dir.join("clients/ann.sqlite").exists());
    assert!(daemon.stop().success());
}

/// Limits how large a file of the process may become, as a full disk does.
fn limit(daemon: &Daemon, bytes: &str) {
    let limited = Command::new("prlimit")
        .args(["--pid", &daemon.id().to_string(), &format!("--fsize={bytes}:unlimited")])
        .status()
        .unwrap();
    assert!(limited.success());
}

#[tokio::test]
async fn a_store_that_cannot_keep_what_it_is_given_is_said_to_and_heals() {
    let federation = Federation::new();
    let config = with_pages(&federation);
    let daemon = Daemon::start(&config).await;
    let judge =
        |state| Daemon::answer(&config, "set-peer", &json!({ "provider": "peer.example", "state": state }));
    judge("allowed");
    let undo = judge("blocked")["undo"].clone();
    limit(&daemon, "4096");
    let refused = Daemon::admin(&config, "undo", &json!({ "undo": undo }));
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let refused = Daemon::admin(&config, "create-user", &json!({ "name": "ann" }));
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let trouble = Daemon::until(&config, "status says it", "status", |status| {
        let store = &status["node"]["ourselves"]["store"];
        store["lost"].as_u64().filter(|lost| *lost > 0).map(|_| store.clone())
    });
    let trouble = trouble.await;
    assert!(["disk-full", "store-unwritable"].contains(&trouble["code"].as_str().unwrap()), "{trouble}");

    limit(&daemon, "unlimited");
    Daemon::answer(&config, "create-user", &json!({ "name": "ann" }));
    Daemon::answer(&config, "undo", &json!({ "undo": undo }));
    let peer = Daemon::answer(&config, "peer", &json!({ "provider": "peer.example" }));
    assert_eq!(peer["state"], "allowed", "what could not be taken back can be once there is room");
    Daemon::until(&config, "it is over", "status", |status| {
        status["node"]["ourselves"]["store"].is_null().then_some(())
    })
    .await;
    assert!(daemon.stop().success());
}

#[tokio::test]
async fn roots_without_a_certificate_are_named_and_nothing_starts() {
    let federation = Federation::new();
    let key = federation.config(|_| {}).mtp.tls_key;
    let config = federation.config(|config| config.peers.extra_roots = key.clone());
    let said = Daemon::serve(&config).output().unwrap();
    let text = String::from_utf8(said.stderr).unwrap();
    assert_eq!((said.status.code(), text.lines().count()), (Some(2), 1), "{text}");
    assert!(
        text.contains(key.unwrap().to_str().unwrap()) && text.contains("there is no certificate in it"),
        "{text}"
    );
    assert!(!config.data_dir.exists());
}

#[tokio::test]
async fn a_certificate_of_which_half_is_missing_is_named_and_nothing_starts() {
    let federation = Federation::new();
    let config = federation.config(|config| (config.mtp.tls_cert, config.mtp.tls_key) = (None, None));
    // Both are made on first start.
    assert!(Daemon::start(&config).await.stop().success());
    let files = ["tls-cert.pem", "tls-key.pem"].map(|name| config.data_dir.join(name));
    let kept = config.data_dir.with_extension("kept");
    for (missing, there) in [(&files[0], &files[1]), (&files[1], &files[0])] {
        let before = std::fs::read(there).unwrap();
        std::fs::rename(missing, &kept).unwrap();
        let said = Daemon::serve(&config).output().unwrap();
        let text = String::from_utf8(said.stderr).unwrap();
        assert_eq!((said.status.code(), text.lines().count()), (Some(2), 1), "{text}");
        let named = format!("{} is missing", missing.display());
        assert!(text.contains(&named) && text.contains(there.to_str().unwrap()), "{text}");
        assert!(!missing.exists() && std::fs::read(there).unwrap() == before, "nothing is made anew");
        std::fs::rename(&kept, missing).unwrap();
    }
    assert!(Daemon::start(&config).await.stop().success());
}

/// Makes a store one that a later program has written.
fn make_newer(store: &Path) {
    rusqlite::Connection::open(store).unwrap().pragma_update(None, "user_version", 1_000).unwrap();
}

fn assert_named(text: &str, store: &Path) {
    assert!(
        text.contains(store.to_str().unwrap()) && text.contains("a newer version of Drawbridge"),
        "{text}"
    );
}

#[tokio::test]
async fn a_store_that_a_newer_program_has_written_is_named() {
    let federation = Federation::new();
    let config = with_pages(&federation);
    let daemon = Daemon::start(&config).await;
    Daemon::answer(&config, "create-user", &json!({ "name": "ann" }));
    Daemon::answer(&config, "open-account", &json!({ "user": "ann" }));
    assert!(daemon.stop().success());

    // An account's own store is the account's affair alone.
    let store = config.data_dir.join("clients/ann.sqlite");
    make_newer(&store);
    let daemon = Daemon::start(&config).await;
    let here = Daemon::until(&config, "the account is opened or not", "users", |users| {
        let here = &users["users"][0]["here"];
        (here["state"] != "opening").then(|| here.clone())
    });
    assert_named(&here.await.to_string(), &store);
    assert!(daemon.stop().success());

    let store = config.data_dir.join("store.sqlite");
    make_newer(&store);
    let said = Daemon::serve(&config).output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    assert_named(&String::from_utf8(said.stderr).unwrap(), &store);
}

#[tokio::test]
async fn a_store_of_the_demo_that_a_newer_program_has_written_is_named() {
    let federation = Federation::new();
    let home = federation.config(|_| {}).data_dir;
    let host = Host::open(&home, KeyPlace::File).await.unwrap();
    commands::call(&host, "start-demo", json!({})).await.unwrap();
    host.stop().await;
    let store = home.join("demo/beta/store.sqlite");
    make_newer(&store);
    let refused = Host::open(&home, KeyPlace::File).await.err().unwrap();
    assert_named(&refused.to_string(), &store);
}

/// A page that hears nothing for fifteen seconds takes the node for gone, and a browser tells it of no event without data.
#[tokio::test]
async fn a_beat_is_one_that_a_browser_hears() {
    let federation = Federation::new();
    let config = with_pages(&federation);
    let daemon = Daemon::start(&config).await;
    let beat = Daemon::beat(&config).await;
    assert!(
        beat.lines().any(|line| line.strip_prefix("data:").is_some_and(|data| !data.trim().is_empty())),
        "{beat:?}"
    );
    assert!(!beat.contains("id:"), "the browser's place in the stream stays what it is");
    assert!(daemon.stop().success());
}

#[tokio::test]
async fn the_pages_are_opened_at_the_origins_that_the_operator_has_named_and_nowhere_else() {
    let federation = Federation::new();
    let listen = federation.free_address();
    let config = federation.config(|config| {
        let origins = ["https://drawbridge.home.example", "http://localhost:9999"];
        let origins = origins.map(|origin| origin.parse().unwrap()).into();
        config.admin = Some(ListenConfig { origins, ..ListenConfig::plain(listen) });
    });
    let daemon = Daemon::start(&config).await;
    // Another part of the process may have chosen the same one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let enters = async |host: &str, origin: &str| {
        let link = Daemon::command("link", &config).output().unwrap();
        let link = String::from_utf8(link.stdout).unwrap();
        let token = link.trim().strip_prefix("https://drawbridge.home.example/#token=").unwrap();
        let asked = client
            .post(format!("http://{listen}/admin/v1/session"))
            .header(HOST, host)
            .header(ORIGIN, origin)
            .json(&json!({ "token": token }));
        let answer = asked.send().await.unwrap();
        let cookie = answer.headers().get(SET_COOKIE).map(|cookie| cookie.to_str().unwrap().to_owned());
        (answer.status().as_u16(), cookie)
    };
    let (own, own_origin) = (listen.to_string(), format!("http://{listen}"));
    for (host, origin, is_secure) in [
        ("drawbridge.home.example", "https://drawbridge.home.example", true),
        ("drawbridge.home.example:443", "https://drawbridge.home.example", true),
        // A proxy that asks by the address of the one that it asks.
        (&own, "https://drawbridge.home.example", true),
        ("localhost:9999", "http://localhost:9999", false),
        (&own, &own_origin, false),
    ] {
        let (status, cookie) = enters(host, origin).await;
        assert_eq!(status, 204, "{host} {origin}");
        assert_eq!(cookie.unwrap().contains("; Secure"), is_secure, "{host} {origin}");
    }
    for (host, origin) in [
        ("evil.example", "https://evil.example"),
        ("drawbridge.home.example", "https://evil.example"),
        ("drawbridge.home.example", "http://drawbridge.home.example"),
        ("drawbridge.home.example:8443", "https://drawbridge.home.example:8443"),
        ("localhost:9998", "http://localhost:9998"),
        (&own, "null"),
    ] {
        assert_eq!(enters(host, origin).await, (403, None), "{host} {origin}");
    }
    // A link for another device leads to what others may reach, and is not in the place of the one that is printed.
    let printed = Daemon::command("link", &config).output().unwrap();
    let link = Daemon::answer(&config, "link-device", &json!({}));
    let [place] = &link["places"].as_array().unwrap()[..] else { panic!("{link}") };
    assert_eq!(place["origin"], "https://drawbridge.home.example");
    assert!(place["qr"]["path"].is_string(), "{link}");
    assert_eq!(link["obstacle"], "unreached", "nothing is there");
    for link in [String::from_utf8(printed.stdout).unwrap(), place["link"].as_str().unwrap().to_owned()] {
        let token = link.trim().split_once("#token=").unwrap().1;
        let ask = client.post(format!("http://{listen}/admin/v1/session")).json(&json!({ "token": token }));
        assert_eq!(ask.send().await.unwrap().status(), 204, "{link}");
    }
    assert!(daemon.stop().success());
}
