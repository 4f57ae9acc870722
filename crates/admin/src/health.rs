//! The one judgement of how everything is, for every screen and script.

use std::time::Duration;

use drawbridge_mtp::id::{ClientUri, GroupUri};
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;

use crate::view::{Certificate, Health, HealthCode, NameStanding, Ourselves, Peer, PullingStatus};

/// A pull ends at the latest after 55 s, and the next comes at once: who has not come again for so long does not pull.
const PULLED_WITHIN_MS: u128 = 90_000;

/// Before its end a certificate is to be renewed; who does so by a program does it a month before.
const ENDS_SOON: Duration = Duration::from_secs(14 * 86_400);

/// All that how we are hangs on.
pub(crate) struct Facts<'a> {
    /// The node's time.
    pub now: Timestamp,
    /// When the node was started: who was away meanwhile needs a moment to come back.
    pub started: Timestamp,
    /// What is so with the node itself.
    pub own: &'a Ourselves,
    /// All peers, as the screens show them.
    pub peers: &'a [Peer],
    /// Requests of any kind that wait for the operator.
    pub waiting: usize,
    /// Groups whose log is broken.
    pub broken: &'a [GroupUri],
    /// Our users' clients that have no fresh KeyPackage left.
    pub spent: &'a [ClientUri],
}

/// Names the worst that is so. It says [`HealthCode::Well`] only where nothing else is so, and where everything was
/// looked at.
pub(crate) fn judge(facts: &Facts<'_>) -> Health {
    let allowed: Vec<&Peer> = facts.peers.iter().filter(|peer| peer.state == PeerState::Allowed).collect();
    let of = allowed.len();
    let among = |code: HealthCode, is_so: &dyn Fn(&Peer) -> bool| {
        let mut found = allowed.iter().filter(|peer| is_so(peer));
        let about = found.next()?.provider.to_string();
        Some(finding(code, Some(about), 1 + found.count(), of))
    };
    let changed: Vec<&Peer> = facts.peers.iter().filter(|peer| peer.state == PeerState::KeyChanged).collect();
    let clocks = among(HealthCode::ClockWrong, &disputes_time);
    let mut findings = vec![
        // One peer whose time is not ours may be wrong itself.
        clocks.filter(|clocks| clocks.count > 1 && clocks.count * 2 > clocks.of),
        changed.first().map(|first| {
            finding(
                HealthCode::KeyChanged,
                Some(first.provider.to_string()),
                changed.len(),
                facts.peers.len(),
            )
        }),
        facts.broken.first().map(|first| {
            finding(HealthCode::GroupBroken, Some(first.to_string()), facts.broken.len(), facts.broken.len())
        }),
        among(HealthCode::PeersUnreachable, &is_unreachable),
        among(HealthCode::PeersBlockUs, &|peer| peer.their_state == Some(PeerState::Blocked)),
        among(HealthCode::NotPulled, &|peer| does_not_pull(facts, peer)),
        facts.spent.first().map(|first| {
            let all = facts.spent.len();
            finding(HealthCode::StockSpent, Some(first.to_string()), all, all)
        }),
        (facts.waiting > 0).then(|| finding(HealthCode::Waiting, None, facts.waiting, facts.waiting)),
        among(HealthCode::NotLetIn, &|peer| {
            peer.their_state == Some(PeerState::Pending) || peer.pulling.status == PullingStatus::Introducing
        }),
        among(HealthCode::Paused, &|peer| peer.pulling.status == PullingStatus::Paused),
        (of > 0 && allowed.iter().all(|peer| peer.serving.last_pull.is_none()))
            .then(|| finding(HealthCode::Unproved, None, of, of)),
        (of == 0).then(|| finding(HealthCode::Alone, None, 0, 0)),
    ];
    let is_met = allowed.iter().any(|peer| peer.serving.last_pull.is_some());
    findings.extend(own_findings(facts.own, facts.now, is_met));
    findings.push(Some(finding(HealthCode::Well, None, of, of)));
    // The last of them is always there.
    findings
        .into_iter()
        .flatten()
        .min_by_key(|found| found.code)
        .unwrap_or_else(|| finding(HealthCode::Well, None, of, of))
}

/// What is wrong with ourselves, or was not looked at. Where a peer has come here (`is_met`), our certificate is trusted
/// by whom it is for, whoever has signed it.
fn own_findings(own: &Ourselves, now: Timestamp, is_met: bool) -> Vec<Option<Health>> {
    let of = own.certificates.len();
    let certificates = |code: HealthCode, is_so: &dyn Fn(&Certificate) -> bool| {
        let mut found = own.certificates.iter().filter(|certificate| is_so(certificate));
        let about = found.next()?.file.clone();
        Some(finding(code, Some(about), 1 + found.count(), of))
    };
    let named =
        |code: HealthCode, standing: NameStanding| (own.name == standing).then(|| finding(code, None, 1, 1));
    let ends_soon = |certificate: &Certificate| certificate.ends.since(now) < ENDS_SOON;
    vec![
        own.store.is_some().then(|| finding(HealthCode::StoreFailing, None, 1, 1)),
        certificates(HealthCode::CertificateInvalid, &|it| it.ends <= now || it.begins > now),
        named(HealthCode::NameUnresolved, NameStanding::Unresolved),
        certificates(HealthCode::CertificateForeign, &|it| !it.is_ours),
        certificates(HealthCode::CertificateEnding, &ends_soon),
        certificates(HealthCode::CertificateRefused, &|it| it.refused.is_some()),
        named(HealthCode::NamePrivate, NameStanding::Private),
        certificates(HealthCode::CertificateSelfSigned, &|it| {
            it.self_signed && it.section == "mtp" && !is_met
        }),
        named(HealthCode::NameUnlooked, NameStanding::Unlooked),
    ]
}

fn finding(code: HealthCode, about: Option<String>, count: usize, of: usize) -> Health {
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Health { code, grade: code.grade(), about, count: small(count), of: small(of) }
}

fn disputes_time(peer: &Peer) -> bool {
    let current = |code: &str| peer.troubles.iter().any(|trouble| !trouble.over && trouble.code == code);
    current("clock-skew") || current("signature-expired")
}

/// Whether we try to pull it, and cannot.
pub(crate) fn is_unreachable(peer: &Peer) -> bool {
    let status = peer.pulling.status;
    let is_wanted_so =
        matches!(status, PullingStatus::Paused) || peer.their_state == Some(PeerState::Blocked);
    !is_wanted_so
        && (peer.pulling.failures > 0 || matches!(status, PullingStatus::BackingOff | PullingStatus::Stopped))
}

/// Whether a peer that has something to fetch, or whom we pull, does not come for it.
fn does_not_pull(facts: &Facts<'_>, peer: &Peer) -> bool {
    let serving = &peer.serving;
    let is_quiet =
        peer.pulling.status == PullingStatus::Idle && peer.connections == 0 && serving.lag_ms.is_none();
    let seen = serving.last_pull.unwrap_or(peer.since).max(facts.started);
    // Who has not let us in yet has not begun to pull either.
    let is_met = peer.their_state == Some(PeerState::Allowed) || serving.last_pull.is_some();
    !serving.waiting && !is_quiet && is_met && facts.now.since(seen).as_millis() > PULLED_WITHIN_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{
        HealthGrade, PeerStanding, PeerStandingCode, Pulling, Serving, Stage, StoreTrouble, Trouble,
    };

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

    fn gone(name: &str) -> Peer {
        changed(name, |peer| {
            peer.serving.waiting = false;
            peer.serving.last_pull = Some(LONG_AGO);
            peer.serving.gone_since = Some(LONG_AGO);
        })
    }

    fn with_trouble(name: &str, code: &str) -> Peer {
        changed(name, |peer| {
            peer.troubles.push(Trouble {
                stage: Stage::Signature,
                code: code.into(),
                text: String::new(),
                first: NOW,
                last: NOW,
                count: 1,
                over: false,
            });
        })
    }

    fn judged(peers: &[Peer], waiting: usize) -> Health {
        judge(&Facts {
            now: NOW,
            started: LONG_AGO,
            own: &ourselves(),
            peers,
            waiting,
            broken: &[],
            spent: &[],
        })
    }

    /// Ourselves with nothing wrong.
    fn ourselves() -> Ourselves {
        Ourselves {
            name: NameStanding::Found,
            name_text: None,
            looked: Some(NOW),
            named_port: 443,
            listening_port: 443,
            certificates: vec![Certificate {
                section: "mtp".into(),
                file: "tls-cert.pem".into(),
                names: vec!["home.example".into()],
                is_ours: true,
                self_signed: false,
                begins: LONG_AGO,
                ends: Timestamp::from_millis(NOW.as_millis() + 60 * 86_400_000),
                refused: None,
            }],
            store: None,
        }
    }

    /// What is said where all is well with the peers, and `change` is so with ourselves.
    fn judged_own(peers: &[Peer], change: impl FnOnce(&mut Ourselves)) -> HealthCode {
        let mut own = ourselves();
        change(&mut own);
        judge(&Facts { now: NOW, started: LONG_AGO, own: &own, peers, waiting: 0, broken: &[], spent: &[] })
            .code
    }

    type Alteration = fn(&mut Ourselves);

    #[test]
    fn names_what_is_wrong_with_ourselves() {
        let peers = [peer("a.example")];
        let cases: [(HealthCode, Alteration); 8] = [
            (HealthCode::StoreFailing, |own| {
                let (code, text) = ("disk-full".into(), String::new());
                own.store = Some(StoreTrouble { code, text, since: NOW, last: NOW, lost: 1 });
            }),
            (HealthCode::CertificateInvalid, |own| own.certificates[0].ends = LONG_AGO),
            (HealthCode::NameUnresolved, |own| own.name = NameStanding::Unresolved),
            (HealthCode::CertificateForeign, |own| own.certificates[0].is_ours = false),
            (HealthCode::CertificateEnding, |own| {
                own.certificates[0].ends = Timestamp::from_millis(NOW.as_millis() + 86_400_000);
            }),
            (HealthCode::CertificateRefused, |own| {
                own.certificates[0].refused = Some("it is no certificate".into());
            }),
            (HealthCode::NamePrivate, |own| own.name = NameStanding::Private),
            (HealthCode::NameUnlooked, |own| own.name = NameStanding::Unlooked),
        ];
        for (code, change) in cases {
            assert_eq!(judged_own(&peers, change), code);
        }
    }

    #[test]
    fn holds_a_certificate_signed_by_itself_to_be_well_once_a_peer_has_come_by_it() {
        let sign = |own: &mut Ourselves| own.certificates[0].self_signed = true;
        assert_eq!(judged_own(&[], sign), HealthCode::CertificateSelfSigned);
        assert_eq!(judged_own(&[peer("a.example")], sign), HealthCode::Well);
    }

    #[test]
    fn is_well_only_where_nothing_is_worse() {
        let well = judged(&[peer("a.example"), peer("b.example")], 0);
        assert_eq!((well.code, well.grade, well.of), (HealthCode::Well, HealthGrade::Well, 2));
    }

    #[test]
    fn says_nothing_to_be_well_that_was_not_tried() {
        assert_eq!(judged(&[], 0).code, HealthCode::Alone);
        let new = changed("a.example", |peer| {
            peer.serving.last_pull = None;
            peer.serving.waiting = false;
            peer.since = NOW;
        });
        assert_eq!(judged(&[new], 0).code, HealthCode::Unproved);
    }

    #[test]
    fn names_who_does_not_pull_us() {
        let peers: Vec<Peer> = (0..60).map(|at| gone(&format!("p{at}.example"))).collect();
        let found = judged(&peers, 0);
        assert_eq!((found.code, found.count, found.of), (HealthCode::NotPulled, 60, 60));
        assert_eq!(found.about.as_deref(), Some("p0.example"));
    }

    #[test]
    fn gives_a_pull_time_to_come_again_and_expects_none_where_nothing_is_exchanged() {
        let between = changed("a.example", |peer| {
            peer.serving.waiting = false;
            peer.serving.gone_since = Some(NOW);
        });
        assert_eq!(judged(&[between], 0).code, HealthCode::Well);
        let mut quiet = gone("a.example");
        quiet.pulling.status = PullingStatus::Idle;
        quiet.connections = 0;
        assert_eq!(judged(&[quiet], 0).code, HealthCode::Well);
    }

    #[test]
    fn names_what_waits_though_no_peer_is_allowed_yet() {
        let found = judged(&[changed("a.example", |peer| peer.state = PeerState::Pending)], 60);
        assert_eq!((found.code, found.count), (HealthCode::Waiting, 60));
    }

    #[test]
    fn names_the_worst_of_several() {
        let failing = changed("b.example", |peer| {
            peer.pulling.status = PullingStatus::BackingOff;
            peer.pulling.failures = 3;
        });
        let mut peers = vec![gone("a.example"), failing];
        let found = judged(&peers, 2);
        assert_eq!((found.code, found.grade), (HealthCode::PeersUnreachable, HealthGrade::Bad));
        assert_eq!(found.about.as_deref(), Some("b.example"));
        peers.push(changed("c.example", |peer| peer.state = PeerState::KeyChanged));
        assert_eq!(judged(&peers, 2).code, HealthCode::KeyChanged);
    }

    #[test]
    fn takes_our_own_clock_for_wrong_only_where_most_peers_do() {
        let one = [with_trouble("a.example", "clock-skew"), peer("b.example"), peer("c.example")];
        assert_ne!(judged(&one, 0).code, HealthCode::ClockWrong);
        let most = [
            with_trouble("a.example", "clock-skew"),
            with_trouble("b.example", "signature-expired"),
            peer("c.example"),
        ];
        assert_eq!(judged(&most, 0).code, HealthCode::ClockWrong);
    }

    #[test]
    fn names_a_broken_group() {
        let broken = ["mimi://a.example/g/club".parse().unwrap()];
        let peers = [peer("a.example")];
        let facts = Facts {
            now: NOW,
            started: LONG_AGO,
            own: &ourselves(),
            peers: &peers,
            waiting: 0,
            broken: &broken,
            spent: &[],
        };
        assert_eq!(judge(&facts).code, HealthCode::GroupBroken);
    }

    #[test]
    fn names_a_client_that_has_no_fresh_key_package_left() {
        let spent = ["mimi://home.example/u/ann/d/phone", "mimi://home.example/u/bob/d/desk"];
        let spent = spent.map(|client| client.parse().unwrap());
        let peers = [peer("a.example")];
        let own = ourselves();
        let facts = Facts {
            now: NOW,
            started: LONG_AGO,
            own: &own,
            peers: &peers,
            waiting: 3,
            broken: &[],
            spent: &spent,
        };
        let found = judge(&facts);
        assert_eq!((found.code, found.grade, found.count), (HealthCode::StockSpent, HealthGrade::Warn, 2));
        assert_eq!(found.about.as_deref(), Some("mimi://home.example/u/ann/d/phone"));
    }

    #[test]
    fn does_not_take_for_a_fault_what_the_operator_wanted() {
        let paused = changed("a.example", |peer| peer.pulling.status = PullingStatus::Paused);
        assert_eq!(judged(&[paused], 0).code, HealthCode::Paused);
    }
}
