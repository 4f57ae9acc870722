//! The one line of how everything is, for every screen and script. What is wrong is judged in the node, as for Repairs; here it
//! is put in order with what only waits or is not known yet.

use drawbridge_mtp::message::PeerState;
use drawbridge_node::diagnose::RepairFinding;
use drawbridge_node::operator::{RepairKind, RepairRow, RepairSubject, Severity};

use crate::built_in_clients::BuiltInClients;
use crate::convert::small;
use crate::view::{Health, HealthCode, HealthGrade, NameStanding, Ourselves, Peer, PullingStatus};

/// All that how we are hangs on.
pub(crate) struct Facts<'a> {
    /// What is so with the node itself.
    pub own: &'a Ourselves,
    /// All peers, as the screens show them.
    pub peers: &'a [Peer],
    /// What is wrong, also what is ignored.
    pub repairs: &'a [RepairRow],
    /// What has not been wrong for long enough to be raised.
    pub not_raised: &'a [RepairFinding],
    /// Requests of any kind that wait for the operator.
    pub waiting: usize,
}

/// Something wrong, as far as the line names it.
struct Wrong<'a> {
    subject: &'a RepairSubject,
    kind: &'a RepairKind,
    code: &'a str,
    grade: HealthGrade,
}

impl Wrong<'_> {
    fn health(&self) -> HealthCode {
        use HealthCode as H;
        match (self.kind, self.code) {
            (RepairKind::Store, "disk-low") => H::DiskLow,
            (RepairKind::Store, _) => H::StoreFailing,
            (RepairKind::Name, "name-private") => H::NamePrivate,
            (RepairKind::Name, "port-closed") => H::PortClosed,
            (RepairKind::Name, _) => H::NameUnresolved,
            (RepairKind::Clock, "clock-before-build") => H::ClockUnset,
            (RepairKind::Clock, _) => H::ClockWrong,
            (RepairKind::Copy, _) => H::RunsTwice,
            (RepairKind::Network, _) => H::NetworkGone,
            (RepairKind::Certificate, "certificate-wrong-name") => H::CertificateForeign,
            (RepairKind::Certificate, "certificate-ends-soon") => H::CertificateEnding,
            (RepairKind::Certificate, "certificate-refused") => H::CertificateRefused,
            (RepairKind::Certificate, "certificate-self-signed") => H::CertificateSelfSigned,
            (RepairKind::Certificate, _) => H::CertificateInvalid,
            (RepairKind::Traffic, _) => H::TrafficNotKept,
            (RepairKind::Backup, _) => H::BackupFailing,
            (RepairKind::Issuance, _) => H::CertificateNotGot,
            (RepairKind::Notify, _) => H::NotifyFailing,
            (RepairKind::Router, _) => H::RouterFailing,
            (RepairKind::AddressHook, _) => H::AddressHookFailing,
            (RepairKind::Log, _) => H::GroupBroken,
            (RepairKind::KeyPackages, "key-packages-low") => H::StockLow,
            (RepairKind::KeyPackages, _) => H::StockSpent,
            (RepairKind::Exchange, "key-changed") => H::KeyChanged,
            (RepairKind::Exchange, "peer-blocked") => H::PeersBlockUs,
            (RepairKind::Exchange, "not-fetched" | "not-pulled") => H::NotPulled,
            (RepairKind::Exchange, code) if is_away(code) => H::PeersUnreachable,
            // It is reached, and to try again does not help.
            (RepairKind::Exchange, _) => H::Troubled,
            (RepairKind::Trouble(_), _) => H::Troubled,
            (RepairKind::Stranger, _) => H::StrangerRefused,
        }
    }

    fn about(&self, own: &Ourselves) -> Option<String> {
        match self.subject {
            RepairSubject::Node => None,
            RepairSubject::Certificate(section) => {
                own.certificates.iter().find(|it| it.section == *section).map(|it| it.file.clone())
            }
            RepairSubject::Peer(provider) => Some(provider.to_string()),
            RepairSubject::Group(group) => Some(group.to_string()),
            RepairSubject::Client(client) => Some(client.to_string()),
            RepairSubject::Target(name) => Some(name.clone()),
        }
    }
}

/// Whether a provider is said not to be reached at all by that.
fn is_away(code: &str) -> bool {
    matches!(
        code,
        "no-address"
            | "dns-unavailable"
            | "dns-timeout"
            | "address-refused"
            | "connect-failed"
            | "connection-refused"
            | "connect-timeout"
            | "unreachable"
            | "connection-lost"
            | "timeout"
            | "proxy-error"
    )
}

fn grade(severity: Severity) -> HealthGrade {
    match severity {
        Severity::High => HealthGrade::Bad,
        Severity::Medium => HealthGrade::Warn,
        Severity::Low => HealthGrade::Wait,
    }
}

/// Names the worst that is so. It says [`HealthCode::Well`] only where nothing else is so, and where everything was
/// looked at.
pub(crate) fn judge(facts: &Facts<'_>) -> Health {
    let allowed: Vec<&Peer> = facts.peers.iter().filter(|peer| peer.state == PeerState::Allowed).collect();
    let of = allowed.len();
    let raised = facts.repairs.iter().filter(|row| row.ignored.is_none()).map(|row| Wrong {
        subject: &row.subject,
        kind: &row.kind,
        code: &row.code,
        grade: grade(row.severity),
    });
    // What is about to be raised is named, and is no fault yet. That it is little is not worth the line, but where a peer is said
    // to have trouble, not all is well. That a stranger came once is none of it.
    let about_to_be = facts
        .not_raised
        .iter()
        .filter(|found| found.severity > Severity::Low || matches!(found.subject, RepairSubject::Peer(_)))
        .filter(|found| found.kind != RepairKind::Stranger);
    let about_to_be = about_to_be.map(|found| Wrong {
        subject: &found.subject,
        kind: &found.kind,
        code: &found.code,
        grade: HealthGrade::Wait,
    });
    let mut findings: Vec<Health> = Vec::new();
    for wrong in raised.chain(about_to_be) {
        let code = wrong.health();
        match findings.iter_mut().find(|finding| finding.code == code) {
            Some(known) => {
                known.count += 1;
                known.of = known.of.max(known.count);
                known.grade = known.grade.min(wrong.grade);
            }
            None => {
                let of = if matches!(wrong.subject, RepairSubject::Peer(_)) { of.max(1) } else { 1 };
                findings.push(finding(code, wrong.grade, wrong.about(facts.own), 1, of));
            }
        }
    }
    let among = |code: HealthCode, is_so: &dyn Fn(&Peer) -> bool| {
        let mut found = allowed.iter().filter(|peer| is_so(peer));
        let about = found.next()?.provider.to_string();
        Some(finding(code, HealthGrade::Wait, Some(about), 1 + found.count(), of))
    };
    let wait = |is_so: bool, code: HealthCode, count: usize| {
        is_so.then(|| finding(code, HealthGrade::Wait, None, count, count))
    };
    let ignored = facts.repairs.iter().filter(|row| row.ignored.is_some()).count();
    let is_unproved = of > 0 && allowed.iter().all(|peer| peer.serving.last_pull.is_none());
    let waits = [
        wait(facts.waiting > 0, HealthCode::Waiting, facts.waiting),
        among(HealthCode::NotLetIn, &|peer| {
            peer.their_state == Some(PeerState::Pending) || peer.pulling.status == PullingStatus::Introducing
        }),
        among(HealthCode::Paused, &|peer| peer.pulling.status == PullingStatus::Paused),
        wait(is_unproved, HealthCode::Unproved, of),
        wait(facts.own.name == NameStanding::Unlooked, HealthCode::NameUnlooked, 1),
        wait(ignored > 0, HealthCode::Ignored, ignored),
        wait(of == 0, HealthCode::Alone, 0),
    ];
    findings.extend(waits.into_iter().flatten());
    let worst = findings.into_iter().min_by_key(|found| (found.grade, found.code));
    worst.unwrap_or_else(|| finding(HealthCode::Well, HealthGrade::Well, None, of, of))
}

/// Takes out of what is about to be raised that a client wants for KeyPackages that it makes by itself: one that is built in
/// and runs publishes others within a minute.
pub(crate) fn leave_out_stocking(not_raised: &mut Vec<RepairFinding>, built_in: &BuiltInClients) {
    not_raised.retain(|found| match &found.subject {
        RepairSubject::Client(client) => !built_in.runs(client),
        _ => true,
    });
}

fn finding(code: HealthCode, grade: HealthGrade, about: Option<String>, count: usize, of: usize) -> Health {
    Health { code, grade, about, count: small(count), of: small(of) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use drawbridge_mtp::time::Timestamp;
    use drawbridge_node::Side;
    use drawbridge_node::ambient::{AmbientExt, System};
    use drawbridge_node::operator::{IgnoredAs, Suffers};

    use super::*;
    use crate::view::{Certificate, PeerStanding, PeerStandingCode, Pulling, Serving};

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const LONG_AGO: Timestamp = Timestamp::from_millis(1_800_000_000_000 - 3_600_000);

    /// A peer with which all is well.
    fn peer(name: &str) -> Peer {
        Peer {
            provider: name.parse().unwrap(),
            state: PeerState::Allowed,
            since: LONG_AGO,
            their_state: Some(PeerState::Allowed),
            fingerprints: Vec::new(),
            new_fingerprints: Vec::new(),
            software: None,
            endpoint: None,
            pulling: Pulling {
                status: PullingStatus::Waiting,
                since: LONG_AGO,
                last_pull: Some(NOW),
                next_try: None,
                failures: 0,
                cursor: 0,
                head: 0,
            },
            serving: Serving {
                waiting: true,
                last_pull: Some(NOW),
                gone_since: None,
                head: 0,
                acknowledged: 0,
                lag_ms: None,
            },
            latency_ms: None,
            connections: 1,
            troubles: Vec::new(),
            kept: None,
            suffers: None,
            standing: PeerStanding {
                code: PeerStandingCode::Well,
                text: String::new(),
                side: None,
                next: String::new(),
            },
        }
    }

    fn changed(name: &str, change: impl FnOnce(&mut Peer)) -> Peer {
        let mut peer = peer(name);
        change(&mut peer);
        peer
    }

    /// Ourselves with nothing wrong.
    fn ourselves() -> Ourselves {
        Ourselves {
            name: NameStanding::Found,
            name_text: None,
            looked: Some(NOW),
            named_port: 443,
            listening_port: Some(443),
            certificates: vec![Certificate {
                section: "mtp".into(),
                file: "tls-cert.pem".into(),
                fingerprint: "ab".repeat(32),
                names: vec!["home.example".into()],
                is_ours: true,
                self_signed: false,
                begins: LONG_AGO,
                ends: Timestamp::from_millis(NOW.as_millis() + 60 * 86_400_000),
                refused: None,
            }],
            issuance: None,
            router: None,
            address_hook: None,
            store: None,
            free: None,
        }
    }

    fn repair(subject: &str, kind: &str, code: &str, severity: Severity) -> RepairRow {
        RepairRow {
            id: System.id(),
            subject: subject.parse().unwrap(),
            kind: kind.parse().unwrap(),
            code: code.into(),
            stage: None,
            severity,
            side: Side::of(code),
            text: String::new(),
            suffers: Suffers::default(),
            since: LONG_AGO,
            raised: LONG_AGO,
            seen: NOW,
            gone: None,
            ignored_at: None,
            ignored: None,
        }
    }

    fn not_raised(row: RepairRow) -> RepairFinding {
        let RepairRow { subject, kind, code, stage, severity, side, text, suffers, .. } = row;
        let (since, patience) = (None, Duration::from_secs(120));
        RepairFinding { subject, kind, code, stage, severity, side, text, suffers, since, patience }
    }

    fn judged(peers: &[Peer], repairs: &[RepairRow], not_raised: &[RepairFinding], waiting: usize) -> Health {
        judge(&Facts { own: &ourselves(), peers, repairs, not_raised, waiting })
    }

    #[test]
    fn is_well_only_where_nothing_is_worse() {
        let peers = [peer("a.example"), peer("b.example")];
        let well = judged(&peers, &[], &[], 0);
        assert_eq!((well.code, well.grade, well.of), (HealthCode::Well, HealthGrade::Well, 2));
        assert_eq!(judged(&[], &[], &[], 0).code, HealthCode::Alone);
        let new = changed("a.example", |peer| peer.serving.last_pull = None);
        assert_eq!(judged(&[new], &[], &[], 0).code, HealthCode::Unproved);
        let paused = changed("a.example", |peer| peer.pulling.status = PullingStatus::Paused);
        assert_eq!(judged(&[paused], &[], &[], 0).code, HealthCode::Paused);
        let mut own = ourselves();
        own.name = NameStanding::Unlooked;
        let facts = Facts { own: &own, peers: &peers, repairs: &[], not_raised: &[], waiting: 0 };
        assert_eq!(judge(&facts).code, HealthCode::NameUnlooked);
    }

    #[test]
    fn names_the_worst_of_what_is_wrong() {
        let peers = [peer("a.example"), peer("b.example"), peer("c.example")];
        let mut repairs = vec![
            repair("peer:a.example", "exchange", "not-fetched", Severity::Medium),
            repair("peer:b.example", "exchange", "connection-refused", Severity::Medium),
            repair("peer:c.example", "exchange", "connect-timeout", Severity::High),
        ];
        let found = judged(&peers, &repairs, &[], 2);
        assert_eq!((found.code, found.grade), (HealthCode::PeersUnreachable, HealthGrade::Bad));
        assert_eq!((found.about.as_deref(), found.count, found.of), (Some("b.example"), 2, 3));
        repairs.push(repair("node", "store", "disk-full", Severity::High));
        assert_eq!(judged(&peers, &repairs, &[], 2).code, HealthCode::StoreFailing);
        let low = [repair("peer:a.example", "trouble:pull-cut", "pull-cut", Severity::Low)];
        let found = judged(&peers, &low, &[], 0);
        assert_eq!((found.code, found.grade), (HealthCode::Troubled, HealthGrade::Wait));
    }

    #[test]
    fn who_is_reached_is_not_said_to_be_away() {
        for code in ["clock-skew", "certificate-expired", "key-unknown", "response-unsigned"] {
            let repairs = [repair("peer:a.example", "exchange", code, Severity::High)];
            assert_eq!(judged(&[peer("a.example")], &repairs, &[], 0).code, HealthCode::Troubled, "{code}");
        }
    }

    #[test]
    fn names_a_port_at_which_nothing_listens() {
        let repairs = [repair("node", "name", "port-closed", Severity::High)];
        let found = judged(&[peer("a.example")], &repairs, &[], 0);
        assert_eq!((found.code, found.grade), (HealthCode::PortClosed, HealthGrade::Bad));
    }

    #[test]
    fn names_a_certificate_by_its_file() {
        let repairs = [repair("certificate:mtp", "certificate", "certificate-expired", Severity::High)];
        let found = judged(&[peer("a.example")], &repairs, &[], 0);
        assert_eq!(
            (found.code, found.about.as_deref()),
            (HealthCode::CertificateInvalid, Some("tls-cert.pem"))
        );
    }

    #[test]
    fn what_has_only_begun_is_named_and_is_no_fault_yet() {
        let peers = [peer("a.example")];
        let begun = repair("peer:a.example", "exchange", "connection-refused", Severity::Medium);
        let found = judged(&peers, &[], &[not_raised(begun)], 3);
        assert_eq!((found.code, found.grade), (HealthCode::PeersUnreachable, HealthGrade::Wait));
        let client = "client:mimi://home.example/u/ann/d/phone";
        let low = not_raised(repair(client, "key-packages", "key-packages-low", Severity::Low));
        assert_eq!(judged(&peers, &[], &[low], 0).code, HealthCode::Well);
        let slow = not_raised(repair("peer:a.example", "trouble:slow", "slow", Severity::Low));
        assert_eq!(judged(&peers, &[], &[slow], 0).code, HealthCode::Troubled, "it is said to have trouble");
        let stranger = repair("peer:new.example", "stranger", "certificate-expired", Severity::Low);
        assert_eq!(judged(&peers, &[], &[not_raised(stranger.clone())], 0).code, HealthCode::Well);
        assert_eq!(judged(&peers, &[stranger], &[], 0).code, HealthCode::StrangerRefused);
    }

    #[test]
    fn what_is_ignored_is_no_fault_and_not_well_either() {
        let mut row = repair("peer:a.example", "exchange", "connection-refused", Severity::High);
        row.ignored = Some(IgnoredAs { severity: row.severity, suffers: row.suffers });
        let found = judged(&[peer("a.example")], &[row], &[], 0);
        assert_eq!((found.code, found.grade, found.count), (HealthCode::Ignored, HealthGrade::Wait, 1));
    }

    #[tokio::test]
    async fn a_built_in_client_that_runs_is_not_named_for_want_of_keys_that_it_makes_by_itself() {
        use crate::request::Empty;
        let home = tempfile::tempdir().unwrap();
        let host = crate::host::Host::open(home.path(), crate::keys::KeyPlace::File).await.unwrap();
        let confirmed = ["name-unresolved", "listen-loopback", "listen-port-changes"];
        let ask = serde_json::json!({
            "provider": "home.example:9",
            "listen": "127.0.0.1:0",
            "clients": "127.0.0.1:0",
            "user": "ann",
            "confirmed": confirmed,
        });
        crate::commands::call(&host, "set-up", ask).await.unwrap();
        let built_in = host.built_in_clients().await.unwrap();
        let users = crate::accounts::users(&host, Empty {}).await.unwrap().users;
        let subject = format!("client:{}", users[0].clients[0].uri);
        let spent = not_raised(repair(&subject, "key-packages", "key-packages-spent", Severity::Medium));
        let left = |built_in| {
            let mut found = vec![spent.clone()];
            leave_out_stocking(&mut found, built_in);
            found.len()
        };
        assert_eq!(left(&built_in), 0);
        built_in.close();
        assert_eq!(left(&built_in), 1, "nothing runs that makes them");
        host.stop().await;
    }
}
