//! The installation: what a command leaves behind that nobody waits for, and a set-up that was cut off.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use drawbridge_admin::commands::call;
use drawbridge_admin::{Host, KeyPlace, PagesAt};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(110);

/// The answers of a first start at ports that the system gives, with everything confirmed that has to be.
fn answers(provider: &str, listen: &str) -> Value {
    json!({
        "provider": provider,
        "listen": listen,
        "clients": "127.0.0.1:0",
        "user": "ann",
        "confirmed": ["name-unresolved", "name-other-port", "listen-loopback", "listen-port-changes"],
    })
}

async fn gamma_runs(host: &Host) -> bool {
    let demo = call(host, "demo", json!({})).await.unwrap();
    let nodes: &Vec<Value> = demo["nodes"].as_array().unwrap();
    nodes.iter().any(|node| node["name"] == "gamma" && node["running"] == true)
}

/// Gives a command and goes away at once, as a page does that is closed.
fn drops(host: &Host, command: &str, request: Value) {
    let mut context = Context::from_waker(Waker::noop());
    let dropped = pin!(call(host, command, request));
    assert!(matches!(dropped.poll(&mut context), Poll::Pending), "it is under way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_is_dropped_half_way_is_whole() {
    let home = tempfile::tempdir().unwrap();
    let host = Host::open(home.path(), KeyPlace::File).await.unwrap();
    call(&host, "start-demo", json!({})).await.unwrap();
    let mut events = host.subscribe(None);
    for running in [false, true, false, true] {
        drops(&host, "run-demo-node", json!({ "name": "gamma", "running": running }));
        let is_told = async {
            while gamma_runs(&host).await != running {
                events.next().await;
            }
        };
        let told = tokio::time::timeout(PATIENCE, is_told).await;
        assert!(told.is_ok(), "it was never told that gamma runs: {running}");
    }
    // Its own screen says of a peer how much is kept of it; the list, which is read far more often, does not count that.
    let asker = async || {
        let peers = call(&host, "peers", json!({})).await.unwrap();
        let asks = |peer: &&Value| peer["state"] == "pending";
        peers["peers"].as_array().unwrap().iter().find(asks).cloned()
    };
    let asker = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(peer) = asker().await {
                return peer;
            }
            events.next().await;
        }
    });
    let asker = asker.await.expect("bob's provider has asked");
    assert_eq!(asker["kept"], Value::Null);
    let shown = call(&host, "peer", json!({ "provider": asker["provider"] })).await.unwrap();
    assert_eq!(shown["kept"], json!({ "requests": 1, "items": 0, "withdrawn": 0 }));
    // What is shown is what is so: it can be stopped and started again by whoever waits for it.
    for running in [false, true] {
        call(&host, "run-demo-node", json!({ "name": "gamma", "running": running })).await.unwrap();
        assert_eq!(gamma_runs(&host).await, running);
    }
    host.stop().await;
}

#[tokio::test]
async fn a_provider_without_its_configuration_is_not_set_up_anew_and_a_set_up_that_was_cut_off_is_undone() {
    let home = tempfile::tempdir().unwrap();
    let (config, data) = (home.path().join("config.toml"), home.path().join("data"));
    let ask = answers("home.example:9", "127.0.0.1:0");
    let host = Host::open(home.path(), KeyPlace::File).await.unwrap();
    call(&host, "set-up", ask.clone()).await.unwrap();
    host.stop().await;

    let kept = std::fs::read(&config).unwrap();
    std::fs::remove_file(&config).unwrap();
    let refused = Host::open(home.path(), KeyPlace::File).await.err().unwrap().to_string();
    assert!(refused.contains("config.toml") && data.join("store.sqlite").exists(), "{refused}");

    // Lost between the first thing that a set-up writes and its last.
    std::fs::write(home.path().join("config.new.toml"), kept).unwrap();
    let host = Host::open(home.path(), KeyPlace::File).await.unwrap();
    assert!(!data.exists());
    call(&host, "set-up", ask).await.unwrap();
    host.stop().await;
}

/// A folder's name is octets, and need not be text.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_provider_is_set_up_backed_up_and_started_again_in_a_folder_whose_path_is_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join(std::ffi::OsStr::from_bytes(b"dr\xffwbridge"));
    let host = Host::open(&home, KeyPlace::File).await.unwrap();
    call(&host, "set-up", answers("home.example:9", "127.0.0.1:0")).await.unwrap();
    call(&host, "back-up", json!({})).await.unwrap();
    let sealed = call(&host, "back-up", json!({ "keys": false, "passphrase": "open sesame" })).await.unwrap();
    assert_eq!([&sealed["keys"], &sealed["sealed"]], [false, true]);
    let refused = call(&host, "back-up", json!({ "passphrases": "open sesame" })).await.unwrap_err();
    assert!(refused.code == "malformed" && refused.detail.contains("passphrases"), "{refused}");
    // One that is made by itself may be there too.
    assert!(std::fs::read_dir(home.join("data/backups")).unwrap().count() > 0);
    host.stop().await;
    let host = Host::open(&home, KeyPlace::File).await.unwrap();
    assert_eq!(call(&host, "status", json!({})).await.unwrap()["mode"], "own");
    host.stop().await;
}

#[tokio::test]
async fn a_set_up_at_an_address_that_cannot_be_listened_on_is_refused_by_its_field() {
    let home = tempfile::tempdir().unwrap();
    let host = Host::open(home.path(), KeyPlace::File).await.unwrap();
    let pages = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    host.set_pages(PagesAt { listen: pages, certificate: None, origins: Vec::new() });
    let set_up = |listen: String| call(&host, "set-up", answers("home.example:9", &listen));
    for (listen, code, said) in [
        ("0.0.0.0:99999".to_owned(), "listen-malformed", "\"99999\" is no port"),
        ("0.0.0.0".to_owned(), "listen-malformed", "the port are missing"),
        ("home.example:8443".to_owned(), "listen-malformed", "before the port is an IP address"),
        (pages.to_string(), "listen-pages", "these pages are served"),
        (format!("0.0.0.0:{}", pages.port()), "listen-pages", "these pages are served"),
    ] {
        let refused = set_up(listen).await.unwrap_err();
        assert_eq!(refused.code, code);
        assert!(refused.detail.contains(said), "{refused}");
        assert!(std::fs::read_dir(home.path()).unwrap().next().is_none(), "nothing is kept of it");
    }
    let unconfirmed = json!({ "provider": "nas.local:9", "listen": "127.0.0.1:0", "user": "ann" });
    assert_eq!(call(&host, "set-up", unconfirmed.clone()).await.unwrap_err().code, "name-local");
    let looked = call(&host, "look-at-set-up", unconfirmed).await.unwrap();
    assert_eq!(
        (&looked["is_ready"], &looked["account"]),
        (&json!(false), &json!("mimi://nas.local:9/u/ann"))
    );
    assert!(std::fs::read_dir(home.path()).unwrap().next().is_none(), "nothing is kept of what is looked at");
    set_up("127.0.0.1:0".into()).await.unwrap();
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_install_something_at_the_same_time_one_does() {
    let home = tempfile::tempdir().unwrap();
    let host = Host::open(home.path(), KeyPlace::File).await.unwrap();
    let set_up = |provider: &str| call(&host, "set-up", answers(provider, "127.0.0.1:0"));
    let (one, other, demo) = tokio::join!(
        set_up("one.example:9"),
        set_up("other.example:9"),
        call(&host, "start-demo", json!({}))
    );
    let codes = [&one, &other, &demo].map(|outcome| outcome.as_ref().err().map(|fault| fault.code.as_ref()));
    assert_eq!(codes.iter().filter(|code| code.is_none()).count(), 1, "{codes:?}");
    let refused =
        |code: &Option<&str>| code.is_none_or(|code| ["already-set-up", "demo-running"].contains(&code));
    assert!(codes.iter().all(refused), "{codes:?}");
    let status = call(&host, "status", json!({})).await.unwrap();
    assert!(status["node"].is_object(), "who came later has stopped nothing: {status}");
    host.stop().await;
    // What was installed is there after the next start too.
    let host = Host::open(home.path(), KeyPlace::File).await.unwrap();
    let again = call(&host, "status", json!({})).await.unwrap();
    assert_eq!(again["mode"], status["mode"]);
    host.stop().await;
}

#[tokio::test]
async fn no_provider_is_set_up_in_a_folder_that_is_removed_at_the_end() {
    let home = tempfile::tempdir().unwrap();
    let host = Host::open_demo(home.path()).await.unwrap();
    call(&host, "leave-demo", json!({})).await.unwrap();
    assert_eq!(call(&host, "status", json!({})).await.unwrap()["mode"], "demo-left");
    let ask = answers("home.example:9", "127.0.0.1:0");
    assert_eq!(call(&host, "set-up", ask).await.unwrap_err().code, "demo-only");
    call(&host, "start-demo", json!({})).await.unwrap();
    host.stop().await;
}
