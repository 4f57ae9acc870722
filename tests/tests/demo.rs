//! The demo's switches: each is turned on in a running demo, and what the doctor and the peer's page say of it is held against
//! what has to be said; turned off, all is well again. Each test prints its line of the table:
//!
//! fault | step | verdict, code | side | what a person reads || what the peer's page says

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use drawbridge_admin::{Host, KeyPlace, Subscription, commands};
use drawbridge_testkit::{Daemon, Federation};
use serde_json::{Value, json};

/// How long something may take that has to come. It only matters where it never does.
const WAIT_LIMIT: Duration = Duration::from_secs(120);
/// What nobody is told of, as that time has passed, is looked for so often.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A running demo, seen as the operator of alpha.
struct Demo {
    host: Host,
    federation: Federation,
    events: Subscription,
}

impl Demo {
    /// One in which the three know each other, and people of gamma and alpha talk in a group of gamma's.
    async fn new() -> Self {
        let federation = Federation::new();
        let host = Host::open(&federation.dir().join("home"), KeyPlace::File).await.unwrap();
        commands::call(&host, "start-demo", json!({})).await.unwrap();
        let mut demo = Self { events: host.subscribe(None), host, federation };
        let beta = demo.provider("beta").await;
        demo.call("set-peer", json!({ "provider": beta, "state": "allowed" })).await;
        for name in ["beta", "gamma"] {
            demo.is_well(name).await;
        }
        demo.until("the people of the demo talk", "groups", json!({}), |seen| {
            let groups = seen["groups"].as_array()?;
            groups.iter().any(|group| group["name"] == "Book club" && group["users"] == 3).then_some(())
        })
        .await;
        // Two of three clocks tell which is wrong.
        for name in ["beta", "gamma"] {
            demo.look(name).await;
        }
        demo
    }

    async fn try_to(&self, command: &str, request: Value) -> Result<Value, drawbridge_admin::AdminError> {
        commands::call(&self.host, command, request).await
    }

    async fn call(&self, command: &str, request: Value) -> Value {
        self.try_to(command, request).await.unwrap_or_else(|fault| panic!("{command}: {fault:?}"))
    }

    async fn node(&self, name: &str) -> Value {
        let seen = self.call("demo", json!({})).await;
        seen["nodes"].as_array().unwrap().iter().find(|node| node["name"] == name).unwrap().clone()
    }

    async fn provider(&self, name: &str) -> Value {
        self.node(name).await["provider"].clone()
    }

    async fn turn(&self, provider: &str, switch: &str, on: bool) {
        self.call("demo-switch", json!({ "provider": provider, "switch": switch, "on": on })).await;
        let is_on = self.node(provider).await["on"].as_array().unwrap().contains(&json!(switch));
        assert_eq!(is_on, on, "the screen shows what is on");
    }

    /// Asks after every change, until there is what is looked for.
    async fn until<T>(
        &mut self,
        what: &str,
        command: &str,
        request: Value,
        find: impl Fn(&Value) -> Option<T>,
    ) -> T {
        let mut seen = Value::Null;
        let found = tokio::time::timeout(WAIT_LIMIT, async {
            loop {
                seen = commands::call(&self.host, command, request.clone()).await.unwrap();
                if let Some(found) = find(&seen) {
                    return found;
                }
                let _ = tokio::time::timeout(LOOK_AGAIN, self.events.next()).await;
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => panic!("it never came about that {what}: {seen:#}"),
        }
    }

    /// Returns when alpha says of that provider that all is well, and it can be acted upon again.
    async fn is_well(&mut self, name: &str) {
        let provider = self.provider(name).await;
        let ask = json!({ "provider": provider });
        self.until(&format!("{name} is well"), "peer", ask, |peer| {
            let code = peer["standing"]["code"].as_str()?;
            ["well", "quiet"].contains(&code).then_some(())
        })
        .await;
    }

    /// Returns when alpha says that of a provider.
    async fn standing(&mut self, name: &str, expected: &Standing) -> Value {
        let ask = json!({ "provider": self.provider(name).await });
        let Standing { code, side, says } = *expected;
        self.until(&format!("its page says {code}, {side}, {says:?}"), "peer", ask, |peer| {
            let standing = &peer["standing"];
            let is_so = standing["code"] == code
                && standing["side"] == side
                && standing["text"].as_str()?.contains(says);
            is_so.then(|| standing.clone())
        })
        .await
    }

    /// The report of a look at the provider `name` by the one that is shown, or by itself.
    async fn look(&self, name: &str) -> Value {
        let node = self.node(name).await;
        let whom = if node["shown"] == true { json!({}) } else { json!({ "provider": node["provider"] }) };
        let begun = self.call("check", whom).await;
        let mut known = 0;
        loop {
            let ask = json!({ "id": begun["id"], "after": known });
            let report = self.call("check-report", ask).await;
            if report["is_finished"] == true {
                return report;
            }
            known = report["steps"].as_array().unwrap().len();
        }
    }

    /// Looks, and holds what the doctor says against what it has to say.
    async fn doctor_says(&self, fault: &str, name: &str, expected: &Found) -> String {
        let report = self.look(name).await;
        let step = worst(&report).unwrap_or_else(|| panic!("nothing was found: {report:#}"));
        let Found { step: at, verdict, code, side, says } = *expected;
        let said = [&step["name"], &step["verdict"], &step["code"], &step["side"]];
        assert_eq!(said, [at, verdict, code, side].map(Value::from).each_ref(), "{report:#}");
        assert!(step["text"].as_str().unwrap().contains(says), "{report:#}");
        let summary = report["summary"].as_str().unwrap();
        assert!(summary.contains(step["text"].as_str().unwrap()), "{summary}");
        format!("{fault} | {at} | {verdict}, {code} | {side} | {summary}")
    }

    /// The doctor finds nothing wrong, and the page says so.
    async fn all_is_well(&mut self, name: &str) {
        self.is_well(name).await;
        let report = self.look(name).await;
        assert_eq!(worst(&report), None, "{report:#}");
        self.is_well(name).await;
    }

    /// Has a provider fork the log of a group.
    async fn forks(&mut self, name: &str) {
        // What is due to be compared with its log is tried now, in vain: the next time is a minute behind what is said next. A
        // comparison amid the fork would prove it, which is noted for good.
        self.turn("alpha", "clock-ahead", true).await;
        self.look(name).await;
        self.turn("alpha", "clock-ahead", false).await;
        self.is_well(name).await;
        self.turn(name, "forked", true).await;
    }

    async fn ends(self) {
        self.host.stop().await;
    }
}

/// The first step that failed; where none did, the first that is warned of.
fn worst(report: &Value) -> Option<Value> {
    let steps = report["steps"].as_array().unwrap();
    let first = |verdict| steps.iter().find(|step| step["verdict"] == verdict).cloned();
    first("fail").or_else(|| first("warn"))
}

/// What the page has to say.
struct Standing {
    code: &'static str,
    side: &'static str,
    says: &'static str,
}

/// What the doctor has to say.
struct Found {
    step: &'static str,
    verdict: &'static str,
    code: &'static str,
    side: &'static str,
    says: &'static str,
}

const fn standing(code: &'static str, side: &'static str, says: &'static str) -> Standing {
    Standing { code, side, says }
}

const fn fails(step: &'static str, code: &'static str, side: &'static str, says: &'static str) -> Found {
    Found { step, verdict: "fail", code, side, says }
}

const fn warns(step: &'static str, code: &'static str, side: &'static str, says: &'static str) -> Found {
    Found { step, verdict: "warn", code, side, says }
}

/// Turns `switch` of gamma on and off, and looks each time.
async fn look(switch: &str, found: Found, page: Standing) {
    let mut demo = Demo::new().await;
    demo.turn("gamma", switch, true).await;
    let line = demo.doctor_says(switch, "gamma", &found).await;
    let said = demo.standing("gamma", &page).await;
    println!("{line} || {}", said["text"].as_str().unwrap());
    demo.turn("gamma", switch, false).await;
    demo.all_is_well("gamma").await;
    demo.ends().await;
}

/// One test for each line: its name, the switch, what the doctor has to say, and the page.
macro_rules! switches {
    ($($name:ident: $switch:literal, $found:expr, $page:expr;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            look($switch, $found, $page).await;
        }
    )+};
}

switches! {
    stopped: "stopped",
        fails("connect", "connection-refused", "theirs", "refused"),
        standing("failing", "theirs", "refused");
    slow: "slow",
        warns("ping", "slow", "either", "or the way to it, is slow"),
        standing("troubled", "either", "its answers take");
    clock_ahead: "clock-ahead",
        fails("clock", "clock-skew", "theirs", "10 min ahead of this computer's"),
        standing("failing", "theirs", "so its clock is wrong");
    clock_behind: "clock-behind",
        fails("clock", "clock-skew", "theirs", "10 min behind this computer's"),
        standing("failing", "theirs", "so its clock is wrong");
    certificate_expired: "certificate-expired",
        fails("tls", "certificate-expired", "theirs", "2025-01-01"),
        standing("failing", "theirs", "its certificate ran out on 2025-01-01");
    certificate_wrong_name: "certificate-wrong-name",
        fails("tls", "certificate-wrong-name", "theirs", "but for elsewhere.example"),
        standing("failing", "theirs", "but for elsewhere.example");
    key_changed: "key-changed",
        fails("keys", "key-changed", "ours", "its operator has confirmed it to you"),
        standing("key-changed", "ours", "a key that was not accepted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cutting_proxy() {
    let mut demo = Demo::new().await;
    demo.turn("gamma", "cutting-proxy", true).await;
    let found = warns("limits", "proxy-too-large", "theirs", "413");
    let line = demo.doctor_says("cutting-proxy", "gamma", &found).await;
    let page = standing("troubled", "theirs", "ends pulls that wait after about 12 s");
    let said = demo.standing("gamma", &page).await;
    println!("{line} || {}", said["text"].as_str().unwrap());
    demo.turn("gamma", "cutting-proxy", false).await;
    // That pulls are cut no more is known only once a whole one has waited, which is tried an hour later.
    demo.standing("gamma", &page).await;
    let found = warns("our-pull", "pull-cut", "theirs", "ends pulls that wait");
    demo.doctor_says("cutting-proxy, off", "gamma", &found).await;
    demo.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lossy() {
    let mut demo = Demo::new().await;
    demo.turn("gamma", "lossy", true).await;
    let provider = demo.provider("gamma").await;
    let found = warns("limits", "connection-lost", "either", "the connection broke");
    let line = demo.doctor_says("lossy", "gamma", &found).await;
    // Each pull that begins anew takes some of what a connection lets through.
    let ask = json!({ "provider": provider });
    let said = loop {
        for paused in [true, false] {
            demo.call("pause-peer", json!({ "provider": provider, "paused": paused })).await;
        }
        let peer = demo.call("peer", ask.clone()).await;
        let lost = |trouble: &&Value| trouble["code"] == "connection-lost";
        if let Some(trouble) = peer["troubles"].as_array().unwrap().iter().find(lost) {
            break trouble["text"].clone();
        }
        let _ = tokio::time::timeout(LOOK_AGAIN, demo.events.next()).await;
    };
    println!("{line} || {said}");
    demo.turn("gamma", "lossy", false).await;
    demo.all_is_well("gamma").await;
    demo.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disk_full() {
    let mut demo = Demo::new().await;
    demo.turn("gamma", "disk-full", true).await;
    let found = fails("limits", "store-failing", "theirs", "its disk is full");
    let line = demo.doctor_says("disk-full", "gamma", &found).await;
    let group = demo.call("groups", json!({})).await["groups"][0]["group"].clone();
    let message = json!({ "user": "alice", "group": group, "text": "Is anybody there?" });
    demo.call("send-message", message).await;
    let page = standing("troubled", "theirs", "its disk is full");
    let said = demo.standing("gamma", &page).await;
    println!("{line} || {}", said["text"].as_str().unwrap());
    demo.turn("gamma", "disk-full", false).await;
    demo.all_is_well("gamma").await;
    demo.until(
        "what waited has arrived",
        "conversation",
        json!({ "user": "alice", "group": group }),
        |seen| {
            let last = seen["messages"].as_array()?.last()?;
            (last["text"] == "Is anybody there?" && last["state"] == "accepted").then_some(())
        },
    )
    .await;
    demo.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_disk_full() {
    let mut demo = Demo::new().await;
    demo.turn("alpha", "disk-full", true).await;
    demo.try_to("create-user", json!({ "name": "amy" })).await.expect_err("there is no room for her");
    let told = demo.call("status", json!({})).await["node"].clone();
    assert_eq!(told["ourselves"]["store"]["code"], "disk-full", "{told:#}");
    assert_eq!(told["health"]["code"], "store-failing", "{told:#}");
    let found = fails("store", "own-store", "ours", "database or disk is full");
    println!("{}", demo.doctor_says("own disk full", "alpha", &found).await);
    let found = fails("our-pull", "own-store", "ours", "this provider's own store keeps nothing");
    println!("{}", demo.doctor_says("own disk full, at a peer", "gamma", &found).await);
    demo.turn("alpha", "disk-full", false).await;
    demo.call("create-user", json!({ "name": "amy" })).await;
    demo.all_is_well("gamma").await;
    let told = demo.call("status", json!({})).await["node"].clone();
    assert!(told["ourselves"]["store"].is_null(), "{told:#}");
    demo.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_clock() {
    let mut demo = Demo::new().await;
    demo.turn("alpha", "clock-ahead", true).await;
    let found = fails("clock", "own-clock", "ours", "so this computer's clock is wrong");
    // The others are heard to disagree one after the other.
    demo.look("beta").await;
    println!("{}", demo.doctor_says("own clock ahead", "gamma", &found).await);
    demo.turn("alpha", "clock-behind", true).await;
    assert!(!demo.node("alpha").await["on"].as_array().unwrap().contains(&json!("clock-ahead")));
    demo.turn("alpha", "clock-behind", false).await;
    demo.all_is_well("gamma").await;
    demo.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_certificate() {
    let mut demo = Demo::new().await;
    demo.turn("alpha", "certificate-expired", true).await;
    let told = demo.call("status", json!({})).await["node"]["health"].clone();
    assert_eq!(told["code"], "certificate-invalid", "{told:#}");
    let found = fails("tls", "certificate-expired", "ours", "2025-01-01");
    println!("{}", demo.doctor_says("own certificate expired", "alpha", &found).await);
    demo.turn("alpha", "certificate-wrong-name", true).await;
    let found = fails("tls", "certificate-wrong-name", "ours", "elsewhere.example");
    println!("{}", demo.doctor_says("own certificate for another name", "alpha", &found).await);
    demo.turn("alpha", "certificate-wrong-name", false).await;
    demo.all_is_well("gamma").await;
    demo.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forked() {
    let mut demo = Demo::new().await;
    demo.forks("gamma").await;
    let page = standing("troubled", "theirs", "is another than it was");
    let said = demo.standing("gamma", &page).await;
    let found = warns("our-pull", "log-broken", "theirs", "is another than it was");
    let line = demo.doctor_says("forked", "gamma", &found).await;
    println!("{line} || {}", said["text"].as_str().unwrap());
    let group = demo.call("groups", json!({})).await["groups"][0]["group"].clone();
    for (seq, says) in [(1, "in dispute"), (99, "does not come")] {
        let trace = demo.call("trace", json!({ "group": group, "seq": seq })).await;
        assert_eq!([&trace["code"], &trace["side"]], ["log-broken", "theirs"], "{trace:#}");
        assert!(trace["text"].as_str().unwrap().contains(says), "{trace:#}");
    }
    let message = json!({ "user": "alice", "group": group, "text": "What is this?" });
    demo.call("send-message", message).await;
    let said = demo.call("conversation", json!({ "user": "alice", "group": group })).await;
    let said = said["messages"].as_array().unwrap().last().unwrap().clone();
    let what = json!({ "group": group, "sender": said["sender"], "time": said["time"] });
    let trace = demo.call("trace", what).await;
    assert_eq!(trace["code"], "log-broken", "{trace:#}");
    assert!(trace["text"].as_str().unwrap().contains("client keeps it and tries again"), "{trace:#}");
    demo.turn("gamma", "forked", false).await;
    demo.all_is_well("gamma").await;
    let group = demo.call("groups", json!({})).await["groups"][0].clone();
    assert_eq!(group["standing"], "live", "{group:#}");
    demo.ends().await;
}

/// A key that was accepted is mended by that, and the first is accepted again when it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_key_is_mended_by_accepting_it_and_put_back_all_the_same() {
    let mut demo = Demo::new().await;
    let gamma = json!({ "provider": demo.provider("gamma").await });
    let keys = demo.call("peer", gamma.clone()).await["fingerprints"].clone();
    demo.turn("gamma", "key-changed", true).await;
    demo.standing("gamma", &standing("key-changed", "ours", "")).await;
    let mut shown = gamma.clone();
    shown["fingerprints"] = demo.call("peer", gamma.clone()).await["new_fingerprints"].clone();
    demo.call("accept-key", shown).await;
    demo.all_is_well("gamma").await;
    assert_ne!(demo.call("peer", gamma.clone()).await["fingerprints"], keys);
    demo.turn("gamma", "key-changed", false).await;
    demo.all_is_well("gamma").await;
    assert_eq!(demo.call("peer", gamma).await["fingerprints"], keys);
    demo.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_another_start_everything_is_off_and_well() {
    let mut demo = Demo::new().await;
    demo.forks("gamma").await;
    for (name, switch) in [
        ("gamma", "key-changed"),
        ("gamma", "certificate-expired"),
        ("beta", "clock-behind"),
        ("beta", "disk-full"),
        ("alpha", "certificate-wrong-name"),
    ] {
        demo.turn(name, switch, true).await;
    }
    demo.turn("beta", "stopped", true).await;
    let home = demo.federation.dir().join("home");
    demo.host.stop().await;
    demo.host = Host::open(&home, KeyPlace::File).await.unwrap();
    demo.events = demo.host.subscribe(None);
    for name in ["alpha", "beta", "gamma"] {
        let node = demo.node(name).await;
        assert_eq!((&node["on"], &node["running"]), (&json!([]), &json!(true)), "{node:#}");
    }
    for name in ["beta", "gamma"] {
        demo.all_is_well(name).await;
    }
    let left = std::fs::read_dir(home.join("demo")).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().contains("-before")).collect();
    assert!(left.is_empty(), "{left:?}");
    demo.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_window_shows_is_not_taken_away_and_what_only_others_see_is_not_turned_on_there() {
    let demo = Demo::new().await;
    let locked = ["stopped", "slow", "lossy", "cutting-proxy", "key-changed", "forked"];
    assert_eq!(demo.node("alpha").await["locked"], json!(locked));
    assert_eq!(demo.node("beta").await["locked"], json!([]));
    for switch in locked {
        let ask = json!({ "provider": "alpha", "switch": switch, "on": true });
        assert_eq!(demo.try_to("demo-switch", ask).await.unwrap_err().code, "shown", "{switch}");
    }
    // What was turned on before it was shown can be turned off.
    demo.turn("beta", "slow", true).await;
    demo.call("look-at-demo-node", json!({ "name": "beta" })).await;
    demo.turn("beta", "slow", false).await;
    // Beta keeps a group of its own people alone, which nobody else has a copy of.
    demo.call("look-at-demo-node", json!({ "name": "alpha" })).await;
    let ask = json!({ "provider": "beta", "switch": "forked", "on": true });
    assert_eq!(demo.try_to("demo-switch", ask).await.unwrap_err().code, "no-group-to-fork");
    assert_eq!(demo.node("beta").await["on"], json!([]));
    demo.ends().await;
}

/// What a newcomer types on a terminal is what the screens call the providers; by which option the demo is found is said at its start.
#[test]
fn a_provider_is_meant_by_the_name_that_the_bar_shows() {
    let federation = Federation::new();
    let home = federation.dir().join("home");
    let mut demo = Command::new(Daemon::program());
    demo.arg("demo").arg("--home").arg(&home).env_remove("RUST_LOG").stdout(Stdio::piped());
    let mut running = demo.spawn().unwrap();
    let mut said = BufReader::new(running.stdout.take().unwrap());
    let mut first = String::new();
    said.read_line(&mut first).unwrap();
    let ask = |arguments: &[&str]| {
        let (command, more) = arguments.split_first().unwrap();
        Command::new(Daemon::program()).arg(command).arg("--home").arg(&home).args(more).output().unwrap()
    };
    let answer = |output: &Output| -> Value {
        serde_json::from_slice(&output.stdout).unwrap_or_else(|fault| panic!("{fault}: {output:?}"))
    };
    let demo = answer(&ask(&["admin", "demo"]));
    let address = |name: &str| {
        let node = demo["nodes"].as_array().unwrap().iter().find(|node| node["name"] == name);
        node.unwrap()["provider"].as_str().unwrap().to_owned()
    };
    let (check, dry_run) = (ask(&["check", "--json", "gamma"]), ask(&["dry-run", "bob@beta"]));
    running.kill().unwrap();
    running.wait().unwrap();
    assert!(first.contains(&format!("drawbridged check --home '{}' beta", home.display())), "{first}");
    let report = answer(&check);
    assert_eq!(report["provider"], address("gamma"));
    let connected = report["steps"].as_array().unwrap().iter().find(|step| step["name"] == "tls");
    assert_eq!(connected.unwrap()["verdict"], "pass", "{report:#}");
    let said = String::from_utf8_lossy(&dry_run.stdout).into_owned();
    assert!(said.contains(&format!("the person mimi://{}/u/bob", address("beta"))), "{said}");
}
