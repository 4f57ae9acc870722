//! What is wrong with this node itself: its store and backups, its name and certificates, its router, and the ways to its operator.

use std::time::Duration;

use super::facts::{AWAY, Facts, RESTART};
use super::finding::{Findings, RepairFinding};
use crate::diagnose::own_fault::OwnFault;
use crate::diagnose::{LOW_OCTETS, NameStanding, OwnCertificate};
use crate::identity::x509::date;
use crate::identity::{CertificateFacts, IssuanceCode};
use crate::router::RouterCode;
use crate::side::Side;
use crate::store::{RepairKind, RepairSubject, Severity, Suffers};

/// Before its end a certificate is to be renewed; who does so by a program does it a month before.
const ENDS_SOON: Duration = Duration::from_secs(14 * 86_400);
/// Of a certificate that holds for a shorter time, this part of it.
const ENDS_SOON_PART: u32 = 4;
/// A renewal that failed is tried again by itself, weeks before it matters.
const RENEWING: Duration = Duration::from_secs(3600);
/// Longer than a server of notifications takes to be started anew.
const NOT_TOLD: Duration = Duration::from_secs(600);

/// Says what is wrong with this node itself.
pub(super) fn judge_ourselves(facts: &Facts<'_>, findings: &mut Findings) {
    judge_store(facts, findings);
    judge_traffic(facts, findings);
    judge_backup(facts, findings);
    judge_notify(facts, findings);
    judge_copy(facts, findings);
    judge_name(facts, findings);
    for certificate in &facts.own.certificates {
        judge_certificate(facts, certificate, findings);
    }
    judge_issuance(facts, findings);
    judge_router(facts, findings);
    judge_address_hook(facts, findings);
}

/// Something wrong on our side, which is raised at once.
pub(super) fn own(
    subject: RepairSubject,
    kind: RepairKind,
    fault: OwnFault,
    severity: Severity,
    text: impl Into<String>,
) -> RepairFinding {
    RepairFinding {
        subject,
        kind,
        code: fault.as_str().into(),
        stage: None,
        severity,
        side: Side::Ours,
        text: text.into(),
        suffers: Suffers::default(),
        since: None,
        patience: Duration::ZERO,
    }
}

fn judge_store(facts: &Facts<'_>, findings: &mut Findings) {
    let Some(trouble) = &facts.own.store else {
        if let Some(free) = facts.own.free.filter(|free| *free < LOW_OCTETS) {
            let text = format!(
                "Only {} MiB are free on the disk with the data folder; once it is full, nothing that comes in can be kept.",
                free >> 20
            );
            let finding =
                own(RepairSubject::Node, RepairKind::Store, OwnFault::DiskLow, Severity::Medium, text);
            findings.wrong.push(finding);
        }
        return;
    };
    let (fault, what) = match trouble.code {
        "disk-full" => (OwnFault::DiskFull, "The disk is full"),
        "store-damaged" => (OwnFault::StoreDamaged, "The store's file is damaged"),
        _ => (OwnFault::StoreUnwritable, "The store cannot be written"),
    };
    let text = format!("{what}, so that nothing is kept: {}.", trouble.text.trim_end_matches('.'));
    // What was not kept is lost, so it is said at once. The first write that succeeds ends it.
    findings.wrong.push(RepairFinding {
        since: Some(trouble.since),
        ..own(RepairSubject::Node, RepairKind::Store, fault, Severity::High, text)
    });
}

/// That requests are not kept in the traffic record. Where that is for the disk, the disk is told of, and not what follows from it.
fn judge_traffic(facts: &Facts<'_>, findings: &mut Findings) {
    let is_of_disk = facts.own.store.is_some() || facts.own.free.is_some_and(|free| free < LOW_OCTETS);
    let Some(not_kept) = facts.own.traffic.as_ref().filter(|_| !is_of_disk) else { return };
    let why = not_kept.text.trim_end_matches('.');
    let text = format!("What crosses the wire is not kept in the traffic record: {why}.");
    let fault = OwnFault::TrafficNotKept;
    findings.wrong.push(RepairFinding {
        since: Some(not_kept.since),
        patience: RESTART,
        ..own(RepairSubject::Node, RepairKind::Traffic, fault, Severity::Low, text)
    });
}

fn judge_backup(facts: &Facts<'_>, findings: &mut Findings) {
    let Some(failed) = &facts.own.backup else { return };
    let newest = match failed.newest {
        Some(newest) => format!("the newest is of {}", date(newest)),
        None => "there is none".to_owned(),
    };
    let text = format!("No backup is made, and {newest}: {}.", failed.text.trim_end_matches('.'));
    findings.wrong.push(RepairFinding {
        since: Some(failed.since),
        ..own(RepairSubject::Node, RepairKind::Backup, OwnFault::BackupFailed, Severity::Medium, text)
    });
}

/// That another copy of the data folder runs.
fn judge_copy(facts: &Facts<'_>, findings: &mut Findings) {
    let Some((why, seen)) = &facts.own.runs_twice else { return };
    let text = format!("Nothing is exchanged with other providers: {why}.");
    findings.wrong.push(RepairFinding {
        since: Some(*seen),
        ..own(RepairSubject::Node, RepairKind::Copy, OwnFault::RunsTwice, Severity::High, text)
    });
}

fn judge_notify(facts: &Facts<'_>, findings: &mut Findings) {
    for untold in facts.untold {
        let why = untold.text.trim_end_matches('.');
        let text = format!("Notifications do not come to \"{}\": {why}.", untold.name);
        let subject = RepairSubject::Target(untold.name.clone());
        findings.wrong.push(RepairFinding {
            since: Some(untold.since),
            patience: NOT_TOLD,
            ..own(subject, RepairKind::Notify, OwnFault::NotifyFailed, Severity::Medium, text)
        });
    }
}

fn judge_name(facts: &Facts<'_>, findings: &mut Findings) {
    if facts.own.name == NameStanding::Unlooked {
        return findings.unknown.push((RepairSubject::Node, RepairKind::Name));
    }
    let Some((fault, text)) = facts.own.way_fault() else { return };
    let (severity, patience) = match fault {
        OwnFault::NamePrivate => (Severity::Medium, Duration::ZERO),
        // What is in front of this program may be started after it.
        _ => (Severity::High, RESTART),
    };
    let finding = own(RepairSubject::Node, RepairKind::Name, fault, severity, text);
    findings.wrong.push(RepairFinding { patience, ..finding });
}

/// What keeps others from coming by the router, where it is asked for something.
fn judge_router(facts: &Facts<'_>, findings: &mut Findings) {
    let Some(router) = &facts.own.router else { return };
    if router.looked.is_none() {
        return findings.unknown.push((RepairSubject::Node, RepairKind::Router));
    }
    let Some(trouble) = &facts.own.router_trouble else { return };
    let (fault, patience) = match trouble.code {
        RouterCode::Missing => (OwnFault::RouterMissing, RESTART),
        RouterCode::Silent => (OwnFault::RouterSilent, RESTART),
        RouterCode::Refuses => (OwnFault::RouterRefuses, RESTART),
        RouterCode::PortTaken => (OwnFault::RouterPortTaken, Duration::ZERO),
        RouterCode::AddressShared => (OwnFault::RouterAddressShared, RESTART),
        // What tells the DNS a new address takes its time, and so does the DNS.
        RouterCode::AddressOther => (OwnFault::RouterAddressOther, AWAY),
    };
    let text = format!("Others may not come here by the router: {}.", trouble.text.trim_end_matches('.'));
    let finding = own(RepairSubject::Node, RepairKind::Router, fault, Severity::Medium, text);
    findings.wrong.push(RepairFinding { since: router.failing, patience, ..finding });
}

fn judge_address_hook(facts: &Facts<'_>, findings: &mut Findings) {
    let failure = facts.own.address_hook.as_ref().and_then(|hook| hook.failure.as_ref());
    let Some(failure) = failure else { return };
    let text = format!("A changed address is not told on: {}.", failure.text.trim_end_matches('.'));
    let fault = OwnFault::AddressHookFailed;
    let finding = own(RepairSubject::Node, RepairKind::AddressHook, fault, Severity::Medium, text);
    findings.wrong.push(RepairFinding { since: Some(failure.first), ..finding });
}

/// The worst that is so with a certificate of ours. Where a peer has come here, it is trusted by whom it is for, whoever has
/// signed it.
fn judge_certificate(facts: &Facts<'_>, certificate: &OwnCertificate, findings: &mut Findings) {
    let (now, said) = (facts.now, &certificate.facts);
    let (what, others) = certificate.called();
    let is_met = facts.peers.iter().any(|peer| peer.their_pull.last_pull.is_some());
    let soon = said.ends.minus(ends_soon(said));
    let next = [said.begins, soon, said.ends].into_iter().find(|at| *at > now);
    if let Some(next) = next {
        findings.look_again(next);
    }
    let (fault, severity, text) = if let Some((fault, text)) = certificate.fault(now) {
        (fault, Severity::High, text)
    } else if now >= soon {
        let text = format!("{what} ends on {}; after that {others} refuse to connect.", date(said.ends));
        (OwnFault::CertificateEndsSoon, Severity::Medium, text)
    } else if let Some(refused) = &certificate.refused {
        let text = format!("A renewed certificate was not taken, and the one before goes on: {refused}.");
        (OwnFault::CertificateRefused, Severity::Medium, text)
    } else if said.self_signed && certificate.section == "mtp" && !is_met && facts.own.issuance.is_none() {
        let text = format!("{what} is signed by itself, so others connect only where they were given it.");
        (OwnFault::CertificateSelfSigned, Severity::Medium, text)
    } else {
        return;
    };
    let subject = RepairSubject::Certificate(certificate.section.into());
    findings.wrong.push(own(subject, RepairKind::Certificate, fault, severity, text));
}

/// How long before its end a certificate should have been renewed.
fn ends_soon(said: &CertificateFacts) -> Duration {
    ENDS_SOON.min(said.ends.since(said.begins) / ENDS_SOON_PART)
}

/// That no certificate is got by ACME. While one is in use that holds for long, it is only worth a word once it has lasted.
fn judge_issuance(facts: &Facts<'_>, findings: &mut Findings) {
    let Some(issuance) = &facts.own.issuance else { return };
    let Some(failure) = &issuance.failure else { return };
    let fault = match failure.code {
        IssuanceCode::Unreachable => OwnFault::AcmeUnreachable,
        IssuanceCode::Challenge => OwnFault::AcmeChallenge,
        IssuanceCode::RateLimited => OwnFault::AcmeRateLimited,
        IssuanceCode::Refused => OwnFault::AcmeRefused,
        IssuanceCode::Port => OwnFault::AcmePort,
        IssuanceCode::Command => OwnFault::AcmeCommand,
        IssuanceCode::Unkept => OwnFault::AcmeUnkept,
    };
    let in_use = facts.own.certificates.iter().find(|certificate| certificate.section == "mtp");
    let in_use = in_use.map(|certificate| &certificate.facts).filter(|_| issuance.issued.is_some());
    let why = failure.text.trim_end_matches('.');
    let (text, severity, patience) = match in_use.filter(|said| said.ends > facts.now) {
        Some(said) => {
            let is_soon = facts.now >= said.ends.minus(ends_soon(said));
            let text = format!("The certificate is not renewed, and ends on {}: {why}.", date(said.ends));
            (text, if is_soon { Severity::High } else { Severity::Medium }, RENEWING)
        }
        None => {
            let patience = if failure.code == IssuanceCode::Unreachable { RESTART } else { Duration::ZERO };
            let text = format!("There is no certificate yet that others trust: {why}.");
            (text, Severity::High, patience)
        }
    };
    findings.wrong.push(RepairFinding {
        since: Some(failure.first),
        patience,
        ..own(RepairSubject::Certificate("mtp".into()), RepairKind::Issuance, fault, severity, text)
    });
}

#[cfg(test)]
pub(super) mod tests {
    use drawbridge_mtp::time::Timestamp;

    use super::*;
    use crate::address_hook::{HookFailure, HookStanding};
    use crate::backup::FailedBackup;
    use crate::diagnose::Ourselves;
    use crate::identity::{Fingerprint, IssuanceFailure, IssuanceStanding};
    use crate::notify::FailingTarget;
    use crate::router::{RouterFault, RouterStanding};
    use crate::store::StoreTrouble;
    use crate::traffic::NotKept;

    pub(in super::super) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    pub(in super::super) const DAY: Duration = Duration::from_secs(86_400);

    /// Ourselves with nothing wrong.
    pub(in super::super) fn ourselves() -> Ourselves {
        let facts = CertificateFacts {
            file: "tls-cert.pem".into(),
            fingerprint: Fingerprint::of(b"a certificate"),
            names: vec!["home.example".into()],
            self_signed: false,
            begins: NOW.minus(DAY),
            ends: NOW.plus(60 * DAY),
        };
        Ourselves {
            name: NameStanding::Found,
            only_here: None,
            looked: Some(NOW),
            named_port: 443,
            listening_port: Some(443),
            port_closed: None,
            certificates: vec![OwnCertificate { section: "mtp", facts, is_ours: true, refused: None }],
            issuance: None,
            router: None,
            router_trouble: None,
            address_hook: None,
            store: None,
            free: Some(1 << 40),
            traffic: None,
            backup: None,
            before_build: None,
            runs_twice: None,
            clocks_apart: None,
        }
    }

    fn found(own: &Ourselves) -> Findings {
        let started = NOW.minus(DAY);
        let facts =
            Facts { now: NOW, started, own, peers: &[], refused: &[], broken: &[], short: &[], untold: &[] };
        let mut findings = Findings::default();
        judge_ourselves(&facts, &mut findings);
        findings
    }

    fn codes(findings: &Findings) -> Vec<&str> {
        findings.wrong.iter().map(|finding| finding.code.as_str()).collect()
    }

    #[test]
    fn a_target_of_notifications_is_raised_where_it_cannot_be_reached_for_long() {
        let (name, text) = ("phone".into(), "it answers 403 Forbidden.".into());
        let untold = [FailingTarget { name, since: NOW, tries: 3, text, next: NOW }];
        let (started, own) = (NOW.minus(DAY), ourselves());
        let facts = Facts {
            now: NOW,
            started,
            own: &own,
            peers: &[],
            refused: &[],
            broken: &[],
            short: &[],
            untold: &untold,
        };
        let mut findings = Findings::default();
        judge_ourselves(&facts, &mut findings);
        assert_eq!(codes(&findings), ["notify-failed"]);
        let finding = &findings.wrong[0];
        assert_eq!((finding.patience, finding.since), (NOT_TOLD, Some(NOW)));
        assert_eq!(finding.text, "Notifications do not come to \"phone\": it answers 403 Forbidden.");
    }

    #[test]
    fn a_traffic_record_that_is_not_kept_for_want_of_room_is_not_told_beside_the_disk() {
        let traffic = Some(NotKept { text: "the disk is full".into(), since: NOW });
        let own = Ourselves { traffic, free: Some(LOW_OCTETS - 1), ..ourselves() };
        assert_eq!(codes(&found(&own)), ["disk-low"]);
    }

    #[test]
    fn each_fault_of_our_own_is_found() {
        type Alteration = fn(&mut Ourselves);
        let cases: [(&str, Severity, Alteration); 14] = [
            ("disk-full", Severity::High, |own| {
                let text = "database or disk is full".into();
                own.store = Some(StoreTrouble { code: "disk-full", text, since: NOW, last: NOW, lost: 1 });
            }),
            ("disk-low", Severity::Medium, |own| own.free = Some(LOW_OCTETS - 1)),
            ("traffic-not-kept", Severity::Low, |own| {
                own.traffic = Some(NotKept { text: "database is locked".into(), since: NOW });
            }),
            ("runs-twice", Severity::High, |own| {
                own.runs_twice = Some(("a copy runs".into(), NOW));
            }),
            ("backup-failed", Severity::Medium, |own| {
                let text = "/mnt/backups cannot be written".into();
                own.backup = Some(FailedBackup { since: NOW, code: "backup-unwritable", text, newest: None });
            }),
            ("certificate-expired", Severity::High, |own| own.certificates[0].facts.ends = NOW),
            ("certificate-not-yet-valid", Severity::High, |own| {
                own.certificates[0].facts.begins = NOW.plus(DAY);
            }),
            ("certificate-wrong-name", Severity::High, |own| own.certificates[0].is_ours = false),
            ("certificate-ends-soon", Severity::Medium, |own| {
                own.certificates[0].facts.begins = NOW.minus(60 * DAY);
                own.certificates[0].facts.ends = NOW.plus(DAY);
            }),
            ("certificate-refused", Severity::Medium, |own| {
                own.certificates[0].refused = Some("it is no certificate".into());
            }),
            ("certificate-self-signed", Severity::Medium, |own| own.certificates[0].facts.self_signed = true),
            ("name-unresolved", Severity::High, |own| {
                own.name = NameStanding::Unresolved { text: "it has no address".into() };
            }),
            ("port-closed", Severity::High, |own| {
                own.port_closed = Some("others are led to port 443, where nothing takes connections".into());
            }),
            ("name-private", Severity::Medium, |own| {
                own.name = NameStanding::Private { text: "it is private".into() };
            }),
        ];
        for (code, severity, alter) in cases {
            let mut own = ourselves();
            alter(&mut own);
            let findings = found(&own);
            assert_eq!(codes(&findings), [code]);
            let finding = &findings.wrong[0];
            assert_eq!((finding.severity, finding.side), (severity, Side::Ours), "{code}");
            assert!(finding.text.ends_with('.') && !finding.text.contains(".."), "{}", finding.text);
        }
        let own = Ourselves { name: NameStanding::Unlooked, ..ourselves() };
        assert_eq!(found(&own).unknown, [(RepairSubject::Node, RepairKind::Name)]);
    }

    #[test]
    fn that_no_certificate_is_got_is_told_in_time() {
        let mut own = ourselves();
        let failing = |code| IssuanceStanding {
            directory: "https://acme.example/directory".into(),
            challenge: "http-01",
            is_ordering: false,
            issued: Some(NOW.minus(DAY)),
            next: Some(NOW.plus(DAY)),
            failure: Some(IssuanceFailure {
                code,
                text: "it says no".into(),
                first: NOW.minus(DAY),
                last: NOW,
            }),
        };
        own.certificates[0].facts.begins = NOW.minus(60 * DAY);
        own.certificates[0].facts.ends = NOW.plus(30 * DAY);
        own.issuance = Some(failing(IssuanceCode::Challenge));
        let renewing = found(&own);
        assert_eq!(codes(&renewing), ["acme-challenge"]);
        assert_eq!((renewing.wrong[0].severity, renewing.wrong[0].patience), (Severity::Medium, RENEWING));
        assert!(renewing.wrong[0].text.contains("it says no"));
        own.certificates[0].facts.ends = NOW.plus(2 * DAY);
        let findings = found(&own);
        assert_eq!(codes(&findings), ["certificate-ends-soon", "acme-challenge"]);
        assert_eq!(findings.wrong[1].severity, Severity::High);

        // There is none yet: the one that has signed itself stands in for it, and is no fault of its own.
        own.certificates[0].facts.self_signed = true;
        own.certificates[0].facts.ends = NOW.plus(300 * DAY);
        own.issuance = Some(IssuanceStanding { issued: None, ..failing(IssuanceCode::Port) });
        let findings = found(&own);
        assert_eq!(codes(&findings), ["acme-port"]);
        assert_eq!(
            (findings.wrong[0].severity, findings.wrong[0].patience),
            (Severity::High, Duration::ZERO)
        );
        own.issuance = own.issuance.map(|standing| IssuanceStanding { failure: None, ..standing });
        assert_eq!(codes(&found(&own)), [""; 0]);
    }

    #[test]
    fn what_the_router_does_not_do_is_told_once_it_was_asked() {
        let fault = |code| RouterFault { code, text: "it says no".into() };
        let mut own = Ourselves { router: Some(RouterStanding::default()), ..ourselves() };
        assert_eq!(found(&own).unknown, [(RepairSubject::Node, RepairKind::Router)]);
        own.router = Some(RouterStanding { looked: Some(NOW), ..RouterStanding::default() });
        assert_eq!(codes(&found(&own)), [""; 0]);
        for (code, word, patience) in [
            (RouterCode::Missing, "router-missing", RESTART),
            (RouterCode::Silent, "router-silent", RESTART),
            (RouterCode::Refuses, "router-refuses", RESTART),
            (RouterCode::PortTaken, "router-port-taken", Duration::ZERO),
            (RouterCode::AddressShared, "router-address-shared", RESTART),
            (RouterCode::AddressOther, "router-address-other", AWAY),
        ] {
            own.router_trouble = Some(fault(code));
            let findings = found(&own);
            assert_eq!((codes(&findings), findings.wrong[0].patience), (vec![word], patience));
            assert_eq!(code.as_str(), word);
        }
        own.router_trouble = None;
        let failure = HookFailure { text: "the command has failed".into(), first: NOW.minus(DAY) };
        own.address_hook = Some(HookStanding { failure: Some(failure), ..HookStanding::default() });
        let findings = found(&own);
        assert_eq!(
            (codes(&findings), findings.wrong[0].since),
            (vec!["address-hook-failed"], Some(NOW.minus(DAY)))
        );
    }

    #[test]
    fn one_that_holds_for_days_ends_soon_a_quarter_before_its_end() {
        let mut own = ourselves();
        own.certificates[0].facts.begins = NOW.minus(4 * DAY);
        own.certificates[0].facts.ends = NOW.plus(2 * DAY);
        assert_eq!(codes(&found(&own)), [""; 0]);
        own.certificates[0].facts.ends = NOW.plus(DAY);
        assert_eq!(codes(&found(&own)), ["certificate-ends-soon"]);
    }
}
