//! Ourselves, as others find us.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_node::Node;
use drawbridge_node::Side::Ours;
use drawbridge_node::diagnose::StepName::{Connect, Document, Keys, Ping, Pull, TheirPull, ThisSide, Tls};
use drawbridge_node::diagnose::Verdict;
use drawbridge_node::store::RepairSubject;
use drawbridge_testkit::{Clock, Federation};

use super::faults::step_of;
use super::scene::{TEN_MINUTES, connected};

#[tokio::test]
async fn ones_own_certificate_for_another_name_is_told_as_that_whoever_has_signed_it() {
    let federation = Federation::new();
    let files = federation.self_signed_for("elsewhere.example").map(Some);
    let beta = federation.node(|config| [config.mtp.tls_cert, config.mtp.tls_key] = files).await;
    let report = beta.checks(beta.provider()).await;
    let failed: Vec<_> = report.steps.iter().filter(|step| step.verdict == Verdict::Fail).collect();
    let [failed] = failed[..] else { panic!("{report:#?}") };
    assert_eq!(
        (failed.name, failed.code.as_deref(), failed.side),
        (Tls, Some("certificate-wrong-name"), Some(Ours)),
        "{report:#?}"
    );
}

#[tokio::test]
async fn what_is_in_front_of_us_and_ends_a_pull_is_found_also_where_it_has_not_our_certificate() {
    let federation = Federation::new();
    let mut config = federation.config(|_| {});
    let network = federation.faulty_network_before(&mut config).await;
    config.provider = network.address().to_string().parse().unwrap();
    network.ends_idle(Duration::from_secs(2));
    let beta = federation.node(|own| *own = config).await;
    let report = beta.checks(beta.provider()).await;
    let step = step_of(&report, Pull);
    assert_eq!(
        (step.verdict, step.code.as_deref(), step.side),
        (Verdict::Warn, Some("pull-cut"), Some(Ours)),
        "{report:#?}"
    );
    // Where nothing is in between, it is known without the wait.
    let gamma = federation.node(|_| {}).await;
    let report = gamma.checks(gamma.provider()).await;
    let step = step_of(&report, Pull);
    assert_eq!(step.verdict, Verdict::Skipped, "{report:#?}");
    assert!(step.text.contains("ends in this program"), "{}", step.text);
}

#[tokio::test]
async fn a_certificate_of_ours_that_keeps_all_out_is_told_in_a_look_at_any_of_them() {
    let federation = Federation::new();
    let (alpha, beta) = connected(&federation).await;

    let [cert, key] = federation.self_signed_for("elsewhere.example");
    let shown = &alpha.config().mtp;
    std::fs::copy(key, shown.tls_key.as_ref().unwrap()).unwrap();
    std::fs::copy(cert, shown.tls_cert.as_ref().unwrap()).unwrap();
    let is_read = |node: &Node| node.operator().ourselves().certificates.iter().any(|it| !it.is_ours);
    alpha.until_node("the certificate is read anew", is_read).await;
    let report = alpha.checks(beta.provider()).await;
    let told = step_of(&report, ThisSide);
    assert_eq!(
        (told.verdict, told.code.as_deref(), told.side),
        (Verdict::Warn, Some("certificate-wrong-name"), Some(Ours)),
        "{report:#?}"
    );
    assert!(!report.works() && report.summary().starts_with("Not everything works."), "{}", report.summary());

    // That the other does not come is not said to be its fault.
    beta.stop().await;
    federation.clock().turn(TEN_MINUTES);
    let report = alpha.checks(beta.provider()).await;
    let pull = step_of(&report, TheirPull);
    assert_eq!(pull.verdict, Verdict::Skipped, "{report:#?}");
    assert!(pull.text.contains("nobody can come here now"), "{}", pull.text);
}

#[tokio::test]
async fn a_port_of_our_name_at_which_nothing_listens_is_told_everywhere() {
    let federation = Federation::new();
    let mut config = federation.config(|_| {});
    config.provider = federation.nobody();
    let (named, listening) = (config.provider.port(), config.mtp.listen.ip().unwrap().port());
    let alpha = federation.node(|own| *own = config).await;
    let is_looked_up = |node: &Node| node.operator().ourselves().looked.is_some();
    alpha.until_node("its own name is looked up", is_looked_up).await;
    let beta = federation.node(|_| {}).await;
    let both = [format!("others are led to port {named}"), format!("listens on port {listening}")];
    let report = alpha.checks(alpha.provider()).await;
    let connect = step_of(&report, Connect);
    assert_eq!(connect.verdict, Verdict::Fail, "{report:#?}");
    assert!(both.iter().all(|port| connect.text.contains(port)), "{}", connect.text);
    let report = alpha.checks(beta.provider()).await;
    let told = step_of(&report, ThisSide);
    assert_eq!((told.code.as_deref(), told.side), (Some("port-closed"), Some(Ours)), "{report:#?}");
    assert!(!report.works(), "{}", report.summary());
    let row = alpha.raises(&RepairSubject::Node, "port-closed").await;
    assert!(row.side == Ours && both.iter().all(|port| row.text.contains(port)), "{}", row.text);
}

#[tokio::test]
async fn a_full_disk_of_ours_is_told_as_ours_at_each_step_of_a_look_at_ourselves() {
    let federation = Federation::new();
    let clock = Arc::new(Clock::default());
    let alpha = federation.node_with_clock(clock.clone(), |_| {}).await;
    clock.fills_disk(true);
    let report = alpha.checks(alpha.provider()).await;
    let failed: Vec<_> = report.steps.iter().filter(|step| step.verdict == Verdict::Fail).collect();
    assert!(!failed.is_empty(), "{report:#?}");
    for step in failed {
        assert_eq!((step.code.as_deref(), step.side), (Some("own-store"), Some(Ours)), "{report:#?}");
    }
}

#[tokio::test]
async fn what_was_not_looked_at_of_ourselves_is_listed_with_the_reason() {
    let federation = Federation::new();
    let mut config = federation.config(|_| {});
    config.provider = federation.nobody();
    let alpha = federation.node(|own| *own = config).await;
    let report = alpha.checks(alpha.provider()).await;
    for name in [Document, Keys, Ping] {
        assert_eq!(step_of(&report, name).verdict, Verdict::Skipped, "{report:#?}");
    }
}

#[tokio::test]
async fn a_look_that_the_end_of_the_node_cuts_short_says_so() {
    let federation = Federation::new();
    let (alpha, server) = (federation.node(|_| {}).await, federation.raw_server().await);
    let node = alpha.node();
    let id = node.operator().begin_check(server.provider().as_str()).unwrap();
    // By then it waits for TLS.
    node.operator().check_report(id, 2).await.unwrap();
    alpha.stop().await;
    let report = node.operator().check_report(id, usize::MAX).await.unwrap();
    assert!(report.is_finished && report.summary().contains("stopped"), "{report:#?}");
}
