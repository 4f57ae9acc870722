//! Certificate files that change while the provider runs: they are taken without a signal, and nobody who waits is cut off.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use drawbridge_mtp::message::ConnectionState as State;
use drawbridge_node::Decision;
use drawbridge_node::config::ListenConfig;
use drawbridge_node::diagnose::{OwnCertificate, StepName, Verdict};
use drawbridge_node::store::RepairSubject;
use drawbridge_node::traffic::{Direction, TrafficKind};
use drawbridge_testkit::{Daemon, Federation, TestNode};

/// Its certificate for other providers, as the status shows it.
fn certificate_of(test_node: &TestNode) -> OwnCertificate {
    test_node.node().operator().ourselves().certificates.remove(0)
}

/// The pull of `peer` that waits at `test_node`, by its number in the traffic record.
fn waiting_pull(test_node: &TestNode, peer: &TestNode) -> Option<u64> {
    let records = test_node.node().operator().traffic().since(0, 100).0;
    let is_its =
        |kind, direction, waiting: bool| waiting && kind == TrafficKind::Pull && direction == Direction::In;
    let its = records.iter().rev().find(|record| {
        is_its(record.kind, record.direction, record.waiting) && record.peer.as_ref() == Some(peer.provider())
    });
    its.map(|record| record.id)
}

/// Puts a renewed certificate of the federation's authority in the place of that of `test_node`.
fn renew(federation: &Federation, test_node: &TestNode) {
    let renewed = federation.config(|_| {}).mtp;
    put(&renewed.tls_key.unwrap(), test_node.config().mtp.tls_key.as_ref().unwrap());
    put(&renewed.tls_cert.unwrap(), test_node.config().mtp.tls_cert.as_ref().unwrap());
}

/// Has the path lead to another file at once, as `certbot` does.
fn put(file: &Path, at: &Path) {
    let link: PathBuf = at.with_extension("link");
    std::os::unix::fs::symlink(file, &link).unwrap();
    std::fs::rename(link, at).unwrap();
}

#[tokio::test]
async fn changed_files_are_taken_without_a_signal_and_cut_no_pull_that_waits() {
    let federation = Federation::new();
    let (alpha, beta) = (federation.node(|_| {}).await, federation.node(|_| {}).await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let asked = beta.user("bob").await.asks_to_connect(alpha.user("alice").await.uri()).await;
    alpha.hears_of(asked).await;
    alpha
        .until_node("the pull of beta waits", |node| {
            node.operator().is_pulled_by(beta.provider()) && waiting_pull(&alpha, &beta).is_some()
        })
        .await;
    let waits = waiting_pull(&alpha, &beta);
    let before = certificate_of(&alpha);

    // The certificate is there already, and its key is not yet.
    let of_before = std::fs::read(alpha.config().mtp.tls_key.as_ref().unwrap()).unwrap();
    renew(&federation, &alpha);
    let key = alpha.config().mtp.tls_key.clone().unwrap();
    let renewed_key = std::fs::read_link(&key).unwrap();
    let old_key = federation.dir().join("old-key.pem");
    std::fs::write(&old_key, of_before).unwrap();
    put(&old_key, &key);
    federation.clock().turn(Duration::from_millis(1));
    let subject = RepairSubject::Certificate("mtp".into());
    let repair = alpha.raises(&subject, "certificate-refused").await;
    assert!(repair.text.contains(key.to_str().unwrap()), "{}", repair.text);
    assert_eq!(certificate_of(&alpha).facts.begins, before.facts.begins);

    put(&renewed_key, &key);
    federation.clock().turn(Duration::from_millis(1));
    alpha.until_node("the renewed pair is taken", |_| certificate_of(&alpha).refused.is_none()).await;
    alpha.mends(repair.id).await;
    assert_eq!(waiting_pull(&alpha, &beta), waits, "the pull has waited all the while");

    // By that very pull beta hears, and whoever connects anew is shown the renewed certificate.
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, State::Approved).await;
    let report = beta.checks(alpha.provider()).await;
    let tls = report.steps.iter().find(|step| step.name == StepName::Tls).unwrap();
    assert_eq!(tls.verdict, Verdict::Pass, "{report:#?}");
}

#[tokio::test]
async fn a_running_service_takes_the_changed_files_of_every_listener() {
    let federation = Federation::new();
    let [cert, key] = federation.self_signed();
    let listen = federation.free_address();
    let config = federation.config(|config| {
        let (tls_cert, tls_key) = (Some(cert.clone()), Some(key.clone()));
        config.admin = Some(ListenConfig { tls_cert, tls_key, ..ListenConfig::plain(listen) });
    });
    let daemon = Daemon::start(&config).await;
    let of_pages = |status: &serde_json::Value| {
        let certificates = status["node"]["ourselves"]["certificates"].as_array()?;
        certificates.iter().find(|one| one["section"] == "admin").cloned()
    };
    let before = Daemon::until(&config, "the pages' certificate is shown", "status", of_pages).await;
    assert_eq!((&before["self_signed"], &before["is_ours"]), (&true.into(), &true.into()));

    let other = federation.config(|_| {}).mtp;
    put(&other.tls_key.unwrap(), &key);
    put(&other.tls_cert.unwrap(), &cert);
    Daemon::until(&config, "the other certificate of the pages is taken", "status", |status| {
        of_pages(status).filter(|own| own["self_signed"] == false && own["refused"].is_null())
    })
    .await;
    assert!(daemon.stop().success());
}

#[tokio::test]
async fn a_computer_without_certificates_of_authorities_is_said_to_be_one() {
    let federation = Federation::new();
    let config = federation.config(|config| config.peers.extra_roots = None);
    let none = federation.dir().join("none.pem");
    std::fs::write(&none, "").unwrap();
    let mut serve = Daemon::serve(&config);
    serve.env("SSL_CERT_FILE", &none).env("SSL_CERT_DIR", federation.dir().join("nowhere"));
    let output = serve.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("install the package ca-certificates"), "{text}");
}
