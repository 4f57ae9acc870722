//! What waits and what is wrong is told to real servers on loopback: once, also over restarts, and without names where the operator
//! says so. No package has ntfy's server, so a server of ours looks at the headers that its documentation names
//! (docs.ntfy.sh/publish).

#![allow(clippy::unwrap_used, reason = "these are tests")]
#![cfg(target_os = "linux")]

mod servers;

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use drawbridge_mtp::message::ConnectionState;
use drawbridge_node::Decision;
use drawbridge_node::config::{
    Config, HttpUrl, Least, ListenConfig, NtfyConfig, SecretText, SmtpConfig, SmtpTls, WebhookConfig,
};
use drawbridge_node::notify::TestResult;
use drawbridge_node::store::RepairSubject;
use drawbridge_testkit::{Daemon, Federation, ServerTls, TestNode};
use hmac::{Hmac, Mac};
use http::StatusCode;
use serde_json::{Value, json};
use sha2::Sha256;

use self::servers::{Answers, HttpServer, MailServer};

/// What is gone for longer is told to be.
const ENDED: Duration = Duration::from_secs(601);
/// A failing target is tried again within this.
const AGAIN: Duration = Duration::from_secs(3601);

fn webhook(url: &str) -> WebhookConfig {
    WebhookConfig {
        url: url.parse().unwrap(),
        name: None,
        secret: None,
        secret_file: None,
        names: true,
        waits: true,
        least: Least::Medium,
    }
}

fn named(name: &str, url: &str) -> WebhookConfig {
    WebhookConfig { name: Some(name.into()), ..webhook(url) }
}

/// A webhook that is told what waits alone, so that nothing of the tests' own network comes between.
fn of_what_waits(name: &str, url: &str) -> WebhookConfig {
    WebhookConfig { least: Least::High, ..named(name, url) }
}

fn smtp(address: SocketAddr, tls: SmtpTls, password: std::path::PathBuf) -> SmtpConfig {
    SmtpConfig {
        server: address.ip().to_string(),
        port: Some(address.port()),
        tls,
        name: Some("mail".into()),
        user: Some("home".into()),
        password_file: Some(password),
        from: "Drawbridge <home@home.example>".parse().unwrap(),
        to: vec!["operator@home.example".parse().unwrap(), "other@home.example".parse().unwrap()],
        names: true,
        waits: true,
        least: Least::High,
    }
}

/// A provider that asks `alpha` to be let in.
async fn stranger(federation: &Federation, alpha: &TestNode) -> TestNode {
    let stranger = federation.node(|_| {}).await;
    stranger.allows(alpha.provider()).await;
    stranger
}

fn sentences(message: &Value) -> Vec<&str> {
    message["items"].as_array().unwrap().iter().map(|item| item["sentence"].as_str().unwrap()).collect()
}

/// Returns when a target of `alpha` fails, with why.
async fn fails(alpha: &TestNode, name: &str, with: &str) {
    let is_failing = |node: &drawbridge_node::Node| {
        let standing = node.operator().notifier().standing();
        let target = standing.into_iter().find(|target| target.name == name).unwrap();
        target.failing.is_some_and(|failing| failing.text.contains(with))
    };
    alpha.until_node(&format!("{name} fails with {with}"), is_failing).await;
}

/// What the server gets next, while the time goes on.
async fn gets_in_time(server: &mut HttpServer, federation: &Federation) -> Value {
    let going_on = async {
        // Nobody tells when the node has seen that something is gone, and it counts from then.
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            federation.clock().turn(ENDED);
        }
    };
    tokio::select! {
        got = server.gets() => got.json(),
        () = going_on => unreachable!("the time goes on"),
    }
}

/// Returns when `alpha` has nothing more to tell to anybody.
async fn has_told(alpha: &TestNode) {
    let is_told = |node: &drawbridge_node::Node| {
        let standing = node.operator().notifier().standing();
        standing.iter().all(|target| target.waiting == 0 && target.reached.is_some())
    };
    alpha.until_node("all is told", is_told).await;
}

#[tokio::test]
async fn what_waits_and_what_is_wrong_is_told_to_a_webhook_once_and_signed() {
    let federation = Federation::new();
    let mut server = HttpServer::start(&federation).await;
    let pages = federation.free_address();
    let alpha = federation.node(|config| {
        let secret = Some(SecretText::from("a secret"));
        config.notify.webhook = vec![WebhookConfig { secret, ..webhook(&server.url("/hook?of=me")) }];
        config.admin = Some(ListenConfig::plain(pages));
    });
    let alpha = alpha.await;
    let beta = stranger(&federation, &alpha).await;

    let got = server.gets().await;
    assert_eq!(
        (got.uri.to_string().as_str(), got.header("content-type")),
        ("/hook?of=me", "application/json")
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(b"a secret").unwrap();
    mac.update(&got.body);
    let digits: String = mac.finalize().into_bytes().iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(got.header("drawbridge-signature"), format!("sha256={digits}"));
    let message = got.json();
    let sentence = format!("{} asks to be let in.", beta.provider());
    assert_eq!(message["sentence"], json!(sentence), "{message:#}");
    assert_eq!(message["code"], "provider-waits");
    assert_eq!(message["provider"], json!(alpha.provider()));
    assert_eq!(message["link"], json!(format!("http://{pages}/#/approvals")));
    assert!(message["time"].is_string() && message["id"].is_string());
    let item = &message["items"][0];
    assert_eq!((&item["state"], &item["severity"]), (&json!("waits"), &json!(null)));

    // A restart tells nothing again.
    has_told(&alpha).await;
    alpha.stop().await;
    alpha.start().await;
    federation.clock().leaves_free(Some(100 << 20));
    let raised = alpha.raises(&RepairSubject::Node, "disk-low").await;
    let message = server.gets().await.json();
    assert_eq!((&message["code"], &message["sentence"]), (&json!("disk-low"), &json!(raised.text)));
    assert_eq!(message["link"], json!(format!("http://{pages}/#/repairs")));
    assert_eq!(message["items"][0]["severity"], "medium");

    // Nor does it lose an end.
    has_told(&alpha).await;
    federation.clock().leaves_free(Some(1 << 40));
    alpha.mends(raised.id).await;
    alpha.stop().await;
    alpha.start().await;
    let message = gets_in_time(&mut server, &federation).await;
    assert_eq!(message["sentence"], json!(format!("Well again: {}", raised.text)), "{message:#}");
    assert_eq!(message["items"][0]["state"], "ended");
    has_told(&alpha).await;
    assert!(!server.has_more());
}

#[tokio::test]
async fn several_things_are_told_at_once_and_what_was_decided_is_not() {
    let federation = Federation::new();
    let mut server = HttpServer::stopped(&federation);
    let url = server.url("/");
    let alpha = federation.node(|config| config.notify.webhook = vec![of_what_waits("hook", &url)]).await;
    let alice = alpha.user("alice").await;
    let beta = federation.node(|_| {}).await;
    beta.allows(alpha.provider()).await;
    alpha.allows(beta.provider()).await;
    let mut asked = Vec::new();
    for name in ["bob", "ben", "bess", "brian"] {
        let id = beta.user(name).await.asks_to_connect(alice.uri()).await;
        alpha.hears_of(id).await;
        asked.push(id);
    }
    let waits = |count: usize| {
        move |node: &drawbridge_node::Node| node.operator().notifier().standing()[0].waiting == count
    };
    alpha.until_node("all wait to be told", waits(4)).await;
    fails(&alpha, "hook", "Connection refused").await;
    let carol = beta.user("carol").await;
    let decided = carol.asks_to_connect(alice.uri()).await;
    alpha.hears_of(decided).await;
    alpha.until_node("one more waits", waits(5)).await;
    alpha.decides(decided, Decision::Decline).await;
    alpha.until_node("what was decided does not", waits(4)).await;
    server.runs().await;
    federation.clock().turn(AGAIN);
    let mut told = Vec::new();
    // What was tried before the others came is a message of its own.
    while told.len() < 4 {
        let message = server.gets().await.json();
        told.extend(sentences(&message).into_iter().map(str::to_owned));
        federation.clock().turn(AGAIN);
    }
    told.sort();
    let sentence = |name: &str| format!("{} asks to reach {}.", beta.address(name), alice.uri());
    let mut expected: Vec<String> = ["bob", "ben", "bess", "brian"].map(sentence).into();
    expected.sort();
    assert_eq!(told, expected);
    has_told(&alpha).await;
    assert!(!server.has_more());
}

#[tokio::test]
async fn names_are_left_out_where_the_operator_says_so() {
    let federation = Federation::new();
    let mut server = HttpServer::start(&federation).await;
    let alpha = federation.node(|config| {
        let nameless = WebhookConfig { names: false, ..webhook(&server.url("/nameless")) };
        config.notify.webhook = vec![nameless];
        let server = server.url("/").parse().unwrap();
        let topic = "a-topic".to_owned();
        config.notify.ntfy = vec![NtfyConfig { names: false, ..ntfy(server, topic) }];
        config.admin = Some(ListenConfig::plain(federation.free_address()));
    });
    let alpha = alpha.await;
    let beta = stranger(&federation, &alpha).await;
    beta.user("bob").await.asks_to_connect(alpha.user("alice").await.uri()).await;
    let mut paths = Vec::new();
    for _ in 0..2 {
        let got = server.gets().await;
        let all = format!("{:?} {}", got.headers, got.text());
        for name in [alpha.provider().as_str(), beta.provider().as_str(), "alice", "bob"] {
            assert!(!all.contains(name), "{name} is in {all}");
        }
        assert!(all.contains("A provider asks to be let in"), "{all}");
        paths.push(got.uri.path().to_owned());
    }
    paths.sort();
    assert_eq!(paths, ["/a-topic", "/nameless"]);

    // What is wrong is told in a sentence of its own.
    federation.clock().leaves_free(Some(100 << 20));
    alpha.raises(&RepairSubject::Node, "disk-low").await;
    let got = server.gets().await.text();
    assert!(got.contains("There is little room on the disk with the data folder (disk-low)."), "{got}");
}

#[tokio::test]
async fn a_request_to_reach_somebody_and_one_to_add_are_told_with_names_and_without() {
    let federation = Federation::new();
    let mut all = HttpServer::start(&federation).await;
    let mut some = HttpServer::start(&federation).await;
    let (with, without) = (all.url("/"), some.url("/"));
    let alpha = federation.node(|config| {
        let nameless = WebhookConfig { names: false, ..of_what_waits("nameless", &without) };
        config.notify.webhook = vec![of_what_waits("named", &with), nameless];
    });
    let alpha = alpha.await;
    let beta = federation.node(|_| {}).await;
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let asked = bob.asks_to_connect(alice.uri()).await;
    let [named, nameless] = [all.gets().await.json(), some.gets().await.json()];
    assert_eq!(named["code"], "connection-waits");
    assert_eq!(sentences(&named), [format!("{} asks to reach {}.", bob.uri(), alice.uri())]);
    assert_eq!(sentences(&nameless), ["Somebody asks to reach a user here."]);

    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, ConnectionState::Approved).await;
    let group = beta.group("picnic");
    bob.asks_to_add(alice.uri(), &group).await;
    let [named, nameless] = [all.gets().await.json(), some.gets().await.json()];
    assert_eq!(named["code"], "addition-waits");
    let sentence = format!("{} would like to add {} to {group}.", bob.uri(), alice.uri());
    assert_eq!(sentences(&named), [sentence]);
    assert_eq!(sentences(&nameless), ["Somebody would like to add a user here to a group."]);
    let nameless = nameless.to_string();
    for name in ["alice", "bob", "picnic", alpha.provider().as_str(), beta.provider().as_str()] {
        assert!(!nameless.contains(name), "{name} is in {nameless}");
    }
}

fn ntfy(server: HttpUrl, topic: String) -> NtfyConfig {
    NtfyConfig {
        server,
        topic,
        name: None,
        token: None,
        token_file: None,
        names: true,
        waits: true,
        least: Least::Medium,
    }
}

#[tokio::test]
async fn a_topic_of_ntfy_is_told_by_its_headers() {
    let federation = Federation::new();
    let mut server = HttpServer::start(&federation).await;
    let token = federation.dir().join("token");
    std::fs::write(&token, "tk_secret\n").unwrap();
    let alpha = federation.node(|config| {
        let place = server.url("").parse().unwrap();
        let topic = NtfyConfig { token_file: Some(token), ..ntfy(place, "home".into()) };
        config.notify.ntfy = vec![topic];
        config.notify.link = Some("https://pages.example".parse().unwrap());
    });
    let alpha = alpha.await;
    let beta = stranger(&federation, &alpha).await;
    let got = server.gets().await;
    assert_eq!((got.uri.path(), got.header("authorization")), ("/home", "Bearer tk_secret"));
    let title = format!("{} asks to be let in", beta.provider());
    assert_eq!(
        (got.header("title"), got.header("priority"), got.header("tags")),
        (&*title, "default", "bell")
    );
    assert_eq!(got.header("click"), "https://pages.example/#/approvals");
    assert_eq!(got.text(), format!("{title}."));

    federation.clock().leaves_free(Some(100 << 20));
    alpha.raises(&RepairSubject::Node, "disk-low").await;
    let got = server.gets().await;
    assert_eq!((got.header("priority"), got.header("tags")), ("default", "warning"));
    assert_eq!(got.header("click"), "https://pages.example/#/repairs");
}

#[tokio::test]
async fn a_target_that_cannot_be_reached_is_shown_with_its_answer_and_gets_the_same_when_it_is_back() {
    let federation = Federation::new();
    let mut server = HttpServer::start(&federation).await;
    let mut other = HttpServer::start(&federation).await;
    server.answers(Answers::With(StatusCode::FORBIDDEN, "this topic is not yours"));
    let (url, its) = (server.url("/SECRET"), other.url("/"));
    let alpha = federation.node(|config| {
        config.notify.webhook = vec![of_what_waits("hook", &url), named("other", &its)];
    });
    let alpha = alpha.await;
    let beta = stranger(&federation, &alpha).await;
    assert_eq!(sentences(&other.gets().await.json()), [format!("{} asks to be let in.", beta.provider())]);
    let refused = server.gets().await.json();
    fails(&alpha, "hook", "this topic is not yours").await;
    let raised = alpha.raises(&RepairSubject::Target("hook".into()), "notify-failed").await;
    assert!(raised.text.contains("403 Forbidden: this topic is not yours"), "{}", raised.text);
    assert!(!raised.text.contains("SECRET"), "{}", raised.text);
    // Another one is told of it.
    let told = other.gets().await.json();
    assert_eq!(sentences(&told), [raised.text.as_str()], "{told:#}");

    server.answers(Answers::With(StatusCode::OK, ""));
    alpha.stop().await;
    while server.has_more() {}
    alpha.start().await;
    let came = server.gets().await.json();
    assert_eq!((&came["id"], &came["items"]), (&refused["id"], &refused["items"]));
    alpha.mends(raised.id).await;
    has_told(&alpha).await;
    assert!(!server.has_more());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let federation = Federation::new();
    let server = HttpServer::start(&federation).await;
    let mut other = HttpServer::start(&federation).await;
    server.answers(Answers::Elsewhere(other.url("/")));
    let url = server.url("/");
    let alpha = federation.node(|config| config.notify.webhook = vec![named("hook", &url)]).await;
    let results = alpha.node().operator().notifier().test().await;
    let fault = results[0].fault.as_ref().unwrap();
    assert!(fault.contains("302 Found") && fault.contains("redirects are not followed"), "{fault}");
    assert!(!other.has_more());
}

#[tokio::test]
async fn a_webhook_over_tls_is_sent_to_only_where_its_server_is_trusted() {
    let federation = Federation::new();
    let server = federation.web_server(ServerTls::Good, |_| Response::new(Body::empty()));
    let url = format!("https://{}/hook", server.provider());
    let with = |config: &mut Config, root| {
        config.notify.webhook = vec![named("hook", &url)];
        config.notify.extra_roots = root;
    };
    let trusting = federation.node(|config| with(config, Some(federation.root()))).await;
    assert_eq!(tests(&trusting).await.fault, None);
    let untrusting = federation.node(|config| with(config, None)).await;
    let fault = tests(&untrusting).await.fault.unwrap();
    assert!(fault.contains("UnknownIssuer"), "{fault}");

    let mut config = federation.config(|_| {});
    with(&mut config, Some(federation.dir().join("nowhere.pem")));
    Daemon::write(&config);
    let started = Daemon::serve(&config).output().unwrap();
    let said = String::from_utf8(started.stderr).unwrap();
    assert_eq!(started.status.code(), Some(2), "{said}");
    assert!(said.contains("[notify] extra_roots"), "{said}");
}

#[tokio::test]
async fn a_slow_target_holds_nobody_up_neither_others_nor_the_end() {
    let federation = Federation::new();
    let mut slow = HttpServer::start(&federation).await;
    let mut quick = HttpServer::start(&federation).await;
    slow.answers(Answers::Never);
    let (one, other) = (slow.url("/"), quick.url("/"));
    let alpha = federation.node(|config| {
        config.notify.webhook = vec![of_what_waits("slow", &one), of_what_waits("quick", &other)];
    });
    let alpha = alpha.await;
    let beta = stranger(&federation, &alpha).await;
    let begun = slow.gets().await.json();
    quick.gets().await;
    let is_told = |node: &drawbridge_node::Node| node.operator().notifier().standing()[1].waiting == 0;
    alpha.until_node("the quick one is told", is_told).await;
    // It ends while the request waits, which goes on for half a minute otherwise.
    alpha.stop().await;
    slow.answers(Answers::With(StatusCode::NO_CONTENT, ""));
    alpha.start().await;
    let again = slow.gets().await.json();
    assert_eq!((&again["id"], &again["items"]), (&begun["id"], &begun["items"]));
    assert_eq!(sentences(&again), [format!("{} asks to be let in.", beta.provider())]);
    has_told(&alpha).await;
    assert!(!quick.has_more());
}

#[tokio::test]
async fn a_provider_that_is_killed_tells_what_it_had_to_and_nothing_again() {
    let federation = Federation::new();
    let mut slow = HttpServer::start(&federation).await;
    let mut quick = HttpServer::start(&federation).await;
    slow.answers(Answers::Never);
    let pages = federation.free_address();
    let config = federation.config(|config| {
        let [one, other] = [("slow", slow.url("/")), ("quick", quick.url("/"))];
        config.notify.webhook = [one, other].map(|(name, url)| of_what_waits(name, &url)).into();
        config.admin = Some(ListenConfig::plain(pages));
    });
    let daemon = Daemon::start(&config).await;
    let beta = federation.node(|_| {}).await;
    beta.allows(&config.provider).await;
    let begun = slow.gets().await.json();
    quick.gets().await;
    let kept = config.data_dir.join("notified.json");
    let is_told = |_: &Value| {
        let told: Value = serde_json::from_slice(&std::fs::read(&kept).unwrap()).unwrap();
        (told["quick"]["queue"] == json!([])).then_some(())
    };
    Daemon::until(&config, "the quick one is told", "notify-targets", is_told).await;
    daemon.kill();
    slow.answers(Answers::With(StatusCode::OK, ""));
    let daemon = Daemon::start(&config).await;
    let again = slow.gets().await.json();
    assert_eq!((&again["id"], &again["items"]), (&begun["id"], &begun["items"]));
    assert!(!quick.has_more());

    // The command says the same as the screen, and exits by whether all came.
    let listed = Daemon::command("notify", &config).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains(&format!("webhook quick at {}: last reached ", quick.address)), "{listed}");
    slow.answers(Answers::With(StatusCode::UNAUTHORIZED, "who are you?"));
    let tested = tokio::task::spawn_blocking(move || {
        let tested = Daemon::command("notify", &config).arg("--test").output().unwrap();
        (config, tested)
    });
    let (config, tested) = tested.await.unwrap();
    let said = String::from_utf8(tested.stdout).unwrap();
    assert_eq!(tested.status.code(), Some(1), "{said}");
    assert!(said.contains("not sent  slow: it answers 401 Unauthorized: who are you?"), "{said}");
    assert!(said.contains("came      quick"), "{said}");
    assert_eq!(quick.gets().await.json()["code"], "test");
    assert!(daemon.stop().success());
    let none = Daemon::command("notify", &config).arg("--test").output().unwrap();
    assert_eq!(none.status.code(), Some(1), "none runs");
}

#[tokio::test]
async fn mail_goes_with_starttls_to_all_addresses_and_a_wrong_password_is_told() {
    let federation = Federation::new();
    let address = federation.free_address();
    let password = federation.dir().join("password");
    std::fs::write(&password, "wrong\n").unwrap();
    let alpha = with_mail(&federation, smtp(address, SmtpTls::Starttls, password.clone())).await;
    let fault = tests(&alpha).await.fault.unwrap();
    assert!(fault.contains("Connection refused"), "{fault}");

    let server = MailServer::start(&federation, address, "starttls", "right").await;
    let fault = tests(&alpha).await.fault.unwrap();
    assert!(fault.contains("535"), "{fault}");
    assert_eq!(server.count(), 0);
    std::fs::remove_file(&password).unwrap();
    let fault = tests(&alpha).await.fault.unwrap();
    assert!(fault.contains("cannot be read"), "{fault}");

    std::fs::write(&password, "right\n").unwrap();
    assert_eq!(tests(&alpha).await.fault, None);
    let mail = server.mail(1).await;
    assert!(mail.contains("Envelope-To: operator@home.example, other@home.example\r\n"), "{mail}");
    assert!(mail.contains("Subject: This is a test\r\n"), "{mail}");

    let beta = stranger(&federation, &alpha).await;
    let mail = server.mail(2).await;
    assert!(mail.contains(&format!("Subject: {} asks to be let in\r\n", beta.provider())), "{mail}");
    assert!(
        mail.contains("Auto-Submitted: auto-generated\r\n") && mail.contains("@home.example>\r\n"),
        "{mail}"
    );
    assert!(mail.contains(&format!("{} asks to be let in.", beta.provider())), "{mail}");
}

#[tokio::test]
async fn mail_goes_over_tls_from_the_beginning_and_only_to_who_is_trusted() {
    let federation = Federation::new();
    let address = federation.free_address();
    let password = federation.dir().join("password");
    std::fs::write(&password, "right").unwrap();
    let server = MailServer::start(&federation, address, "tls", "right").await;
    let alpha = with_mail(&federation, smtp(address, SmtpTls::Tls, password.clone())).await;
    assert_eq!(tests(&alpha).await.fault, None);
    assert!(server.mail(1).await.contains("Subject: This is a test\r\n"));

    let untrusting = federation.node(|config| {
        config.notify.smtp = vec![smtp(address, SmtpTls::Tls, password.clone())];
    });
    let fault = tests(&untrusting.await).await.fault.unwrap();
    assert!(fault.contains("UnknownIssuer"), "{fault}");
    assert_eq!(server.count(), 1);

    // One that offers no STARTTLS is sent neither a password nor mail.
    let address = federation.free_address();
    let server = MailServer::start(&federation, address, "plain", "right").await;
    let alpha = with_mail(&federation, smtp(address, SmtpTls::Starttls, password)).await;
    let fault = tests(&alpha).await.fault.unwrap();
    assert!(fault.contains("STARTTLS"), "{fault}");
    assert_eq!(server.count(), 0);
}

async fn with_mail(federation: &Federation, mail: SmtpConfig) -> TestNode {
    let root = federation.root();
    let alter = |config: &mut Config| {
        config.notify.smtp = vec![mail];
        config.notify.extra_roots = Some(root);
    };
    federation.node(alter).await
}

async fn tests(alpha: &TestNode) -> TestResult {
    let mut results = alpha.node().operator().notifier().test().await;
    assert_eq!(results.len(), 1);
    results.remove(0)
}
