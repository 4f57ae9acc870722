//! TLS and the certificate.

use std::path::Path;

use drawbridge_mtp::id::Provider;
use drawbridge_node::Side::{Either, Ours, Theirs};
use drawbridge_node::config::Config;
use drawbridge_node::diagnose::StepName::{Document, Keys, Ping, Tls};
use drawbridge_node::diagnose::{Report, Verdict};
use drawbridge_testkit::{Federation, RawConduct, ServerTls};

use super::answers::the_document;
use super::connections::ipv6;
use super::faults::{IS_WELL, fails, faults, is_well, lasts, step_of};

faults! {
    silent_after_accept: "the port takes the connection and says nothing",
        fails(Tls, "tls-timeout", Either, "did not answer the TLS handshake in 10 s"),
        async |scene| Some(scene.raw(|_| RawConduct::Silent).await);
    plain_http: "the port speaks HTTP without TLS",
        fails(Tls, "tls-not-spoken", Either, "plain HTTP"),
        async |scene| Some(scene.server_that_shows(ServerTls::PlainHttp, the_document));
    old_tls: "the server speaks TLS 1.2 alone",
        fails(Tls, "tls-version", Either, "TLS 1.3"),
        async |scene| Some(scene.server_that_shows(ServerTls::OldTls, the_document));
    expired: "the certificate has run out",
        lasts(fails(Tls, "certificate-expired", Theirs, "2002-01-01")),
        async |scene| Some(scene.server_that_shows(ServerTls::Expired, the_document));
    not_yet_valid: "the certificate is not valid yet",
        fails(Tls, "certificate-not-yet-valid", Either, "2901-01-01"),
        async |scene| Some(scene.server_that_shows(ServerTls::NotYetValid, the_document));
    wrong_name: "the certificate is for another name",
        lasts(fails(Tls, "certificate-wrong-name", Either, "but for 192.0.2.1")),
        async |scene| Some(scene.server_that_shows(ServerTls::OtherName, the_document));
    self_signed: "the certificate is signed by itself",
        fails(Tls, "certificate-self-signed", Either, "signed itself"),
        async |scene| Some(scene.server_that_shows(ServerTls::SelfSigned, the_document));
    self_signed_wrong_name: "the certificate is signed by itself, and for another name",
        fails(Tls, "certificate-wrong-name", Either, "but for 192.0.2.1"),
        async |scene| Some(scene.server_that_shows(ServerTls::SelfSignedOtherName, the_document));
    trusted_wrong_name: "the certificate that is trusted by its fingerprint is for another name",
        fails(Tls, "certificate-wrong-name", Either, "but for 192.0.2.1"),
        async |scene| {
            let name = scene.server_that_shows(ServerTls::SelfSignedOtherName, the_document);
            scene.trusts_what_is_shown_by(&name).await;
            Some(name)
        };
    unknown_issuer_wrong_name: "the certificate is of an authority that nobody trusts, and for another name",
        fails(Tls, "certificate-wrong-name", Either, "but for 192.0.2.1"),
        async |scene| Some(scene.server_that_shows(ServerTls::UnknownIssuerOtherName, the_document));
    unknown_issuer: "the certificate is of an authority that nobody trusts",
        lasts(fails(Tls, "certificate-unknown-issuer", Either, "does not trust")),
        async |scene| Some(scene.server_that_shows(ServerTls::UnknownIssuer, the_document));
    chain_incomplete: "the chain is shown without its intermediate",
        fails(Tls, "certificate-chain-incomplete", Theirs, "without that of the authority"),
        async |scene| Some(scene.server_that_shows(ServerTls::WithoutIntermediate, the_document));
    chain_of_private_authority: "the chain is shown without its intermediate, of an authority that is not public",
        fails(Tls, "certificate-unknown-issuer", Either, "does not trust"),
        async |scene| Some(scene.server_that_shows(ServerTls::WithoutIntermediateAndItsPlace, the_document));
    other_server_by_ipv6: "another server answers at the name's IPv6 address, and IPv4 is fine",
        fails(Tls, "certificate-wrong-name", Theirs, "is not for peer.example but for ::1"),
        async |scene| {
            let good = scene.federation.address();
            let name = scene.peer_at(good, &[ipv6()?, good]).await;
            let port = name.parse::<Provider>().unwrap().port();
            let other = scene.federation.raw_server_at((ipv6()?, port).into()).await;
            other.conducts(RawConduct::SilentOverTls);
            scene.keeps(other);
            scene.blames(ipv6()?, &name);
            Some(name)
        };
}

// Certificates that are good, though not at first sight.
faults! {
    whole_chain: "no fault: the chain is shown with its intermediate",
        IS_WELL,
        async |scene| Some(scene.peer_that_shows(ServerTls::WithIntermediate).await);
    only_with_sni: "no fault: the right certificate is shown only with SNI",
        IS_WELL,
        async |scene| Some(scene.peer_that_shows(ServerTls::OnlyWithSni).await);
}

/// What is said of the certificate of `provider` by a node that trusts those in `roots`.
async fn judges(federation: &Federation, roots: &Path, provider: &Provider) -> Report {
    let node = federation.node(|config| config.peers.extra_roots = Some(roots.to_owned())).await;
    node.checks(provider).await
}

#[tokio::test]
async fn a_certificate_signed_by_itself_is_told_as_that_beside_another_that_is_trusted() {
    let federation = Federation::new();
    let without_files = |config: &mut Config| (config.mtp.tls_cert, config.mtp.tls_key) = (None, None);
    let (beta, gamma) = (federation.node(without_files).await, federation.node(without_files).await);
    // Both are called alike, as those of two providers at one host are.
    let trusted = beta.config().data_dir.join("tls-cert.pem");
    let report = judges(&federation, &trusted, gamma.provider()).await;
    let failed = report.steps.iter().find(|step| step.verdict == Verdict::Fail).unwrap();
    assert_eq!(
        (failed.name, failed.code.as_deref(), failed.side),
        (Tls, Some("certificate-replaced"), Some(Ours)),
        "{report:#?}"
    );
    let said = failed.text.split("SHA-256 ").nth(1).unwrap();
    let [known, shown] = [&said[..95], failed.text.split("it now shows ").nth(1).unwrap().get(..95).unwrap()];
    assert!(known != shown && failed.evidence[0].value.contains(shown), "{failed:#?}");
    let report = judges(&federation, &trusted, beta.provider()).await;
    assert!(report.steps.iter().all(|step| step.verdict != Verdict::Fail), "{report:#?}");
    // To itself it is a matter for its peers: its own is known by its bytes, and the rest is looked at.
    let report = beta.checks(beta.provider()).await;
    let [told] = &report.steps.iter().filter(|step| !is_well(step)).collect::<Vec<_>>()[..] else {
        panic!("{report:#?}")
    };
    assert_eq!(
        (told.name, told.verdict, told.code.as_deref()),
        (Tls, Verdict::Warn, Some("certificate-self-signed")),
        "{report:#?}"
    );
    for name in [Document, Keys, Ping] {
        assert_eq!(step_of(&report, name).verdict, Verdict::Pass, "{report:#?}");
    }
    assert!(report.summary().starts_with("It works, with a warning."), "{}", report.summary());
}

#[tokio::test]
async fn an_authoritys_certificate_is_told_as_that_though_it_is_trusted() {
    let federation = Federation::new();
    let [cert, key] = federation.self_signed_authority();
    let files = (Some(cert.clone()), Some(key));
    let beta = federation.node(|config| (config.mtp.tls_cert, config.mtp.tls_key) = files).await;
    let report = judges(&federation, &cert, beta.provider()).await;
    let failed = report.steps.iter().find(|step| step.verdict == Verdict::Fail).unwrap();
    assert_eq!((failed.name, failed.code.as_deref()), (Tls, Some("certificate-of-authority")), "{report:#?}");
}
