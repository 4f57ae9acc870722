//! A certificate that is got by ACME, from the real `pebble`, and renewed: by each of the challenges, over restarts, and where
//! something of it fails.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::message::ConnectionState as State;
use drawbridge_mtp::time::Timestamp;
use drawbridge_node::Decision;
use drawbridge_node::config::{AcmeChallenge, AcmeConfig, Config, ListenConfig};
use drawbridge_node::diagnose::{OwnCertificate, Verdict};
use drawbridge_node::identity::{IssuanceCode, IssuanceFailure, IssuanceStanding};
use drawbridge_node::store::{RepairSubject, Severity};
use drawbridge_node::traffic::{Direction, TrafficKind};
use drawbridge_testkit::{AcmeServer, Clock, Daemon, Federation, TestNode, write_program};
use serde_json::{Value, json};

/// The host of the provider that gets its certificate by ACME.
const HOST: &str = "alpha.example";
/// Longer than all that is kept for an hour.
const AN_HOUR: Duration = Duration::from_secs(3700);

/// How long its certificates hold: longer than any test takes.
const LIFETIME: Duration = Duration::from_secs(600);

/// A federation with a directory, in which a provider is to get its certificate by `challenge`.
async fn prepared(challenge: AcmeChallenge) -> (Federation, AcmeServer, Config) {
    prepared_for(challenge, LIFETIME).await
}

/// The same where certificates hold for `lifetime`.
async fn prepared_for(challenge: AcmeChallenge, lifetime: Duration) -> (Federation, AcmeServer, Config) {
    let federation = Federation::new();
    federation.clock().names(HOST, &[&federation.address().to_string()]);
    let mut config = federation.config(|_| {});
    let (port, http_listen) = (config.mtp.listen.ip().unwrap().port(), federation.free_address());
    let server = federation.acme_server(port, http_listen.port(), lifetime).await;
    config.provider = format!("{HOST}:{port}").parse().unwrap();
    (config.mtp.tls_cert, config.mtp.tls_key) = (None, None);
    config.peers.extra_roots = Some(server.roots());
    config.acme = Some(AcmeConfig {
        agree_terms: true,
        directory: server.directory().parse().unwrap(),
        contact: Some("operator@alpha.example".parse().unwrap()),
        challenge,
        http_listen,
        extra_roots: Some(federation.root()),
        ..AcmeConfig::default()
    });
    (federation, server, config)
}

fn standing(test_node: &TestNode) -> IssuanceStanding {
    test_node.node().operator().ourselves().issuance.unwrap()
}

/// Its certificate for other providers, as the status shows it.
fn certificate_of(test_node: &TestNode) -> OwnCertificate {
    test_node.node().operator().ourselves().certificates.remove(0)
}

/// Returns when it has a certificate from the directory.
async fn gets_certificate(test_node: &TestNode) -> OwnCertificate {
    test_node
        .until_node("a certificate is got", |_| {
            let standing = standing(test_node);
            standing.issued.is_some() && !standing.is_ordering
        })
        .await;
    certificate_of(test_node)
}

/// Returns when a try has failed with `code`, and it waits for the next.
async fn fails(test_node: &TestNode, code: IssuanceCode) -> IssuanceFailure {
    let failure = || {
        let standing = standing(test_node);
        standing.failure.filter(|failure| failure.code == code && standing.next.is_some())
    };
    test_node.until_node(&format!("it fails with {code}"), |_| failure().is_some()).await;
    failure().unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn by_a_tls_handshake_on_the_port_that_peers_come_to_and_once_for_all_starts() {
    let (federation, server, config) = prepared(AcmeChallenge::TlsAlpn01).await;
    let alpha = federation.node(|own| *own = config).await;
    let beta = federation.node(|config| config.peers.extra_roots = Some(server.roots())).await;
    let got = gets_certificate(&alpha).await;
    assert_eq!(got.facts.names, [HOST]);
    assert!(got.is_ours && !got.facts.self_signed);
    let standing_now = standing(&alpha);
    assert_eq!((standing_now.challenge, standing_now.failure), ("tls-alpn-01", None));
    let renewed = standing_now.next.unwrap();
    assert!(renewed > got.facts.begins && renewed < got.facts.ends);

    // Others take it for what it is.
    beta.allows(alpha.provider()).await;
    alpha.allows(beta.provider()).await;
    let report = beta.checks(alpha.provider()).await;
    assert!(report.steps.iter().all(|step| step.verdict != Verdict::Fail), "{report:#?}");
    let asked = beta.user("bob").await.asks_to_connect(alpha.user("alice").await.uri()).await;
    alpha.hears_of(asked).await;
    assert!(alpha.repairs_of(&RepairSubject::Certificate("mtp".into())).is_empty());

    let dir = alpha.config().data_dir.clone();
    for file in ["acme.json", "acme-certificate.pem"] {
        assert_eq!(mode(&dir.join(file)), 0o600, "{file}");
    }
    // The same certificate, the same account, and nothing is ordered, however often it is started.
    let account = || -> Value {
        let kept = std::fs::read(dir.join("acme.json")).unwrap();
        serde_json::from_slice::<Value>(&kept).unwrap()["accounts"].clone()
    };
    let (orders, before) = (server.orders(), account());
    assert_eq!(orders, 1);
    for _ in 0..2 {
        alpha.stop().await;
        alpha.start().await;
        let again = gets_certificate(&alpha).await;
        assert_eq!(again.facts, got.facts);
        assert_eq!(standing(&alpha).next, Some(renewed), "the time of the renewal is kept");
    }
    assert_eq!((server.orders(), account()), (orders, before));

    // Where the certificate is lost, another one is ordered, by the account that there is.
    alpha.stop().await;
    std::fs::write(dir.join("acme-certificate.pem"), "damaged").unwrap();
    alpha.start().await;
    assert_ne!(gets_certificate(&alpha).await.facts.begins, Timestamp::default());
    assert_eq!(server.orders(), orders + 1);
}

#[tokio::test]
async fn by_a_request_over_http_which_nothing_else_is_answered_to() {
    let (federation, server, config) = prepared(AcmeChallenge::Http01).await;
    let listen = config.acme.as_ref().unwrap().http_listen;
    // Another program has the port.
    let other = TcpListener::bind(listen).unwrap();
    let alpha = federation.node(|own| *own = config).await;
    let failure = fails(&alpha, IssuanceCode::Port).await;
    assert!(failure.text.contains("[acme] http_listen"), "{}", failure.text);
    let subject = RepairSubject::Certificate("mtp".into());
    let repair = alpha.raises(&subject, "acme-port").await;
    assert_eq!(repair.severity, Severity::High);
    assert_eq!(server.orders(), 0, "nothing is ordered that could not be answered");

    drop(other);
    federation.clock().turn(Duration::from_secs(60));
    gets_certificate(&alpha).await;
    alpha.mends(repair.id).await;
    assert!(standing(&alpha).failure.is_none());
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    for path in ["/", "/.well-known/acme-challenge/unknown", "/.well-known/mtp"] {
        let answer = client.get(format!("http://{listen}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn by_a_record_in_the_dns_that_a_command_of_the_operator_sets() {
    let (federation, server, mut config) = prepared(AcmeChallenge::Dns01).await;
    let log = federation.dir().join("dns.log");
    let command = server.dns_command(federation.dir(), &log);
    let failing = federation.dir().join("failing-command");
    write_program(&failing, "#!/bin/sh\necho 'no such zone' >&2\nexit 3\n");
    // The one that works takes its place later.
    let place = federation.dir().join("command");
    std::os::unix::fs::symlink(&failing, &place).unwrap();
    config.acme.as_mut().unwrap().dns_command = Some(place.clone());
    let alpha = federation.node(|own| *own = config).await;
    let failure = fails(&alpha, IssuanceCode::Command).await;
    assert!(failure.text.contains("set _acme-challenge.alpha.example"), "{}", failure.text);
    assert!(failure.text.contains("no such zone") && failure.text.contains('3'), "{}", failure.text);
    alpha.raises(&RepairSubject::Certificate("mtp".into()), "acme-command").await;

    std::fs::remove_file(&place).unwrap();
    std::os::unix::fs::symlink(&command, &place).unwrap();
    // As at SIGHUP.
    assert_eq!(alpha.node().reload(), [""; 0]);
    gets_certificate(&alpha).await;
    let said = std::fs::read_to_string(&log).unwrap();
    let said: Vec<Vec<&str>> = said.lines().map(|line| line.split(' ').collect()).collect();
    let record = "_acme-challenge.alpha.example";
    assert_eq!((said[0][..2].to_vec(), said[1][..2].to_vec()), (vec!["set", record], vec!["clear", record]));
    assert_eq!((said[0][2], said.len()), (said[1][2], 2), "what was set is cleared");
}

#[tokio::test]
async fn the_command_gets_nothing_that_is_in_the_environment_for_this_program_alone() {
    let (federation, _server, mut config) = prepared(AcmeChallenge::Dns01).await;
    let [told, command] = ["environment", "command"].map(|name| federation.dir().join(name));
    write_program(&command, &format!("#!/bin/sh\nenv >'{}'\nexit 3\n", told.display()));
    config.acme.as_mut().unwrap().dns_command = Some(command);
    config.admin = Some(ListenConfig::plain(federation.free_address()));
    let mut serve = Daemon::serve(&config);
    serve.env("WEBKIT_DISABLE_DMABUF_RENDERER", "1").env("OF_THE_OPERATOR", "1");
    let daemon = Daemon::ready(&mut serve, &config).await;
    let failed = |status: &Value| {
        let failure = &status["node"]["ourselves"]["issuance"]["failure"];
        failure.is_object().then(|| failure.clone())
    };
    let failure = Daemon::until(&config, "the command has failed", "status", failed).await;
    assert_eq!(failure["code"], "acme-command", "{failure}");
    let told = std::fs::read_to_string(told).unwrap();
    assert!(told.contains("OF_THE_OPERATOR=1") && !told.contains("WEBKIT_DISABLE_DMABUF_RENDERER"), "{told}");
    assert!(daemon.stop().success());
}

#[tokio::test]
async fn a_renewal_cuts_no_pull_that_waits_and_no_request_fails_for_it() {
    // It is renewed after a quarter of the lifetime, before a pull that began meanwhile has waited for its minute.
    let (federation, server, config) = prepared_for(AcmeChallenge::TlsAlpn01, Duration::from_secs(200)).await;
    // It has a clock of its own: a provider whose clock is turned takes it that its computer has slept, and asks everybody anew.
    let clock = Arc::new(Clock::default());
    clock.names(HOST, &[&federation.address().to_string()]);
    let now = clock.id().time();
    server.renews_within([now, now]);
    let listen = config.mtp.listen.ip().unwrap();
    let alpha = federation.node_with_clock(clock.clone(), |own| *own = config).await;
    let beta = federation.node(|config| config.peers.extra_roots = Some(server.roots())).await;
    gets_certificate(&alpha).await;
    beta.allows(alpha.provider()).await;
    alpha.allows(beta.provider()).await;
    let asked = beta.user("bob").await.asks_to_connect(alpha.user("alice").await.uri()).await;
    alpha.hears_of(asked).await;
    let waiting = || {
        let records = alpha.node().operator().traffic().since(0, 100).0;
        let its = records.into_iter().rev().find(|record| {
            let is_pull = record.kind == TrafficKind::Pull && record.direction == Direction::In;
            // The first after a start does not wait.
            is_pull
                && record.waiting
                && record.target.contains("wait=")
                && record.peer.as_ref() == Some(beta.provider())
        });
        its.map(|record| record.id)
    };
    alpha
        .until_node("the pull of beta waits", |node| {
            node.operator().is_pulled_by(beta.provider()) && waiting().is_some()
        })
        .await;
    let waits = waiting();

    // Over a connection of its own each, as whoever comes anew has one.
    let roots = std::fs::read(server.roots()).unwrap();
    let asking = tokio::spawn(async move {
        let roots = reqwest::Certificate::from_pem_bundle(&roots).unwrap();
        for asked in 1_u32.. {
            let client = reqwest::Client::builder().no_proxy().tls_certs_only(roots.clone());
            let client = client.resolve(HOST, listen).build().unwrap();
            let answer = client.get(format!("https://{HOST}:{}/.well-known/mtp", listen.port())).send().await;
            assert_eq!(answer.unwrap().status(), 200, "request {asked}");
            tokio::task::yield_now().await;
        }
    });
    let (next, got) = (standing(&alpha).next.unwrap(), standing(&alpha).issued.unwrap());
    assert!(next.since(got) <= Duration::from_secs(50));
    clock.turn(next.since(clock.id().time()));
    alpha
        .until_node("it is renewed, or that has failed", |_| {
            let standing = standing(&alpha);
            !standing.is_ordering && (standing.issued != Some(got) || standing.failure.is_some())
        })
        .await;
    assert_eq!(standing(&alpha).failure, None);
    assert!(!asking.is_finished(), "{:?}", asking.await);
    asking.abort();
    assert_eq!(waiting(), waits, "the pull has waited all the while");
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, State::Approved).await;
    assert_eq!(server.orders(), 2);
    assert!(standing(&alpha).next.unwrap() > next);
}

#[tokio::test]
async fn the_directory_says_when_to_renew_and_is_told_which_certificate_is_replaced() {
    let (federation, server, config) = prepared(AcmeChallenge::TlsAlpn01).await;
    let now = federation.clock().id().time().as_secs();
    let after = |seconds: u64| Timestamp::from_secs(now + seconds);
    // Earlier than it would be renewed by its lifetime, of 600 s.
    let window = [after(250), after(255)];
    server.renews_within(window);
    let alpha = federation.node(|own| *own = config).await;
    gets_certificate(&alpha).await;
    let is_within = |at: Option<Timestamp>| at.is_some_and(|at| at >= window[0] && at <= window[1]);
    alpha.until_node("it is renewed when the directory says", |_| is_within(standing(&alpha).next)).await;
    let asked_about = server.asked_about().unwrap();
    assert_eq!(asked_about.split('.').count(), 2, "{asked_about}");
    assert_eq!((server.orders(), server.replaced()), (1, None));

    alpha.stop().await;
    alpha.start().await;
    alpha.until_node("that is kept", |_| is_within(standing(&alpha).next)).await;
    server.renews_within([after(10_000), after(10_001)]);
    federation.clock().turn(Duration::from_secs(256));
    alpha.until_node("it is renewed", |_| standing(&alpha).issued.is_some_and(|got| got > window[1])).await;
    assert_eq!((server.orders(), server.replaced()), (2, Some(asked_about)));
}

#[tokio::test]
async fn a_directory_that_is_down_is_asked_again_until_it_answers() {
    let (federation, server, config) = prepared(AcmeChallenge::TlsAlpn01).await;
    server.is_down(true);
    let alpha = federation.node(|own| *own = config).await;
    let failure = fails(&alpha, IssuanceCode::Unreachable).await;
    assert!(failure.text.contains("503") && failure.text.contains(&server.directory()), "{}", failure.text);
    // The provider runs all the same, with a certificate that it has signed itself.
    assert!(certificate_of(&alpha).facts.self_signed);
    let subject = RepairSubject::Certificate("mtp".into());
    let repair = alpha.raises(&subject, "acme-unreachable").await;
    assert_eq!(repair.severity, Severity::High);
    assert_eq!(alpha.repairs_of(&subject).len(), 1, "that it has signed itself is no fault of its own");

    server.is_down(false);
    federation.clock().turn(AN_HOUR);
    gets_certificate(&alpha).await;
    alpha.mends(repair.id).await;

    // Nothing listens at all.
    let (federation, _server, mut config) = prepared(AcmeChallenge::TlsAlpn01).await;
    let nowhere = format!("https://{}/dir", federation.nobody());
    config.acme.as_mut().unwrap().directory = nowhere.parse().unwrap();
    let alpha = federation.node(|own| *own = config).await;
    let failure = fails(&alpha, IssuanceCode::Unreachable).await;
    assert!(failure.text.to_lowercase().contains("refused"), "{}", failure.text);
}

#[tokio::test]
async fn what_the_directory_has_found_is_told_and_it_is_asked_within_its_limits() {
    let (federation, _, mut config) = prepared(AcmeChallenge::TlsAlpn01).await;
    // It looks where nothing answers.
    let nobody = federation.nobody();
    let server = federation.acme_server(nobody.port(), 1, LIFETIME).await;
    let directory = server.directory();
    config.acme.as_mut().unwrap().directory = directory.parse().unwrap();
    let alpha = federation.node(|own| *own = config).await;
    let failure = fails(&alpha, IssuanceCode::Challenge).await;
    assert!(failure.text.contains("tls-alpn-01") && failure.text.contains(HOST), "{}", failure.text);
    assert!(failure.text.contains("Failed to connect"), "the directory's own words: {}", failure.text);
    let repair = alpha.raises(&RepairSubject::Certificate("mtp".into()), "acme-challenge").await;
    assert!(repair.text.contains(&failure.text), "{}", repair.text);

    // As often as the operator has it tried, and as often as it is started.
    for _ in 0..3 {
        let before = standing(&alpha).failure.unwrap();
        alpha.node().operator().try_issuance().unwrap();
        alpha
            .until_node("it is tried again", |_| {
                let standing = standing(&alpha);
                standing.next.is_some() && standing.failure.is_some_and(|failure| failure.last > before.last)
            })
            .await;
    }
    assert_eq!(server.orders(), 4);
    alpha.node().reload();
    alpha.stop().await;
    alpha.start().await;
    alpha.node().reload();
    alpha.until_node("what failed is kept", |_| standing(&alpha).failure.is_some()).await;
    let now = federation.clock().id().time();
    assert!(standing(&alpha).next.unwrap() > now.plus(Duration::from_secs(60)));
    assert_eq!(server.orders(), 4, "no more than four in an hour");
}

#[tokio::test]
async fn a_directory_that_was_asked_too_often_is_left_alone_for_as_long_as_it_says() {
    let (federation, server, config) = prepared(AcmeChallenge::TlsAlpn01).await;
    let wait = Duration::from_secs(7200);
    server.limits(Some(wait));
    let alpha = federation.node(|own| *own = config).await;
    let failure = fails(&alpha, IssuanceCode::RateLimited).await;
    assert!(failure.text.contains("too many certificates already issued"), "{}", failure.text);
    let until = standing(&alpha).next.unwrap();
    assert!(until >= failure.last.plus(wait));
    alpha.raises(&RepairSubject::Certificate("mtp".into()), "acme-rate-limited").await;

    server.limits(None);
    alpha.stop().await;
    alpha.start().await;
    alpha.node().reload();
    alpha.until_node("it waits on", |_| standing(&alpha).next.is_some()).await;
    assert_eq!((standing(&alpha).next, server.orders()), (Some(until), 0));
    federation.clock().turn(wait);
    gets_certificate(&alpha).await;
}

#[tokio::test]
async fn a_certificate_that_could_not_be_kept_is_fetched_and_not_ordered_again() {
    let (federation, server, config) = prepared(AcmeChallenge::TlsAlpn01).await;
    server.is_down(true);
    let alpha = federation.node(|own| *own = config).await;
    fails(&alpha, IssuanceCode::Unreachable).await;
    // Its draft cannot be written.
    let draft = alpha.config().data_dir.join("acme-certificate.new");
    std::fs::create_dir(&draft).unwrap();
    server.is_down(false);
    alpha.node().reload();
    let failure = fails(&alpha, IssuanceCode::Unkept).await;
    assert!(failure.text.contains("acme-certificate.pem"), "{}", failure.text);
    let repair = alpha.raises(&RepairSubject::Certificate("mtp".into()), "acme-unkept").await;
    std::fs::remove_dir(&draft).unwrap();
    alpha.node().reload();
    gets_certificate(&alpha).await;
    alpha.mends(repair.id).await;
    assert_eq!(server.orders(), 1);
}

#[tokio::test]
async fn the_status_of_a_service_tells_from_where_its_certificate_is() {
    let (federation, server, mut config) = prepared(AcmeChallenge::Http01).await;
    config.admin = Some(drawbridge_node::config::ListenConfig::plain(federation.free_address()));
    let daemon = Daemon::start(&config).await;
    let issuance = |status: &serde_json::Value| status["node"]["ourselves"]["issuance"].clone();
    let got = Daemon::until(&config, "a certificate is got", "status", |status| {
        let issuance = issuance(status);
        (!issuance["issued"].is_null() && issuance["is_ordering"] == false).then_some(issuance)
    })
    .await;
    assert_eq!((&got["directory"], &got["failure"]), (&json!(server.directory()), &json!(null)));
    let text = got["text"].as_str().unwrap();
    assert!(text.contains("is renewed at") && text.contains(&server.directory()), "{text}");
    assert!(daemon.stop().success());

    // Without the operator's agreement nothing is begun.
    config.acme.as_mut().unwrap().agree_terms = false;
    let refused = Daemon::serve(&config).output().unwrap();
    let text = String::from_utf8(refused.stderr).unwrap();
    assert_eq!((refused.status.code(), text.lines().count()), (Some(2), 1), "{text}");
    assert!(text.contains("agree_terms = true"), "{text}");
}
