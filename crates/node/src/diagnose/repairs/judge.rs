//! What is wrong and can be acted upon, judged from what the screens show too: with this node, its peers, its groups and its
//! users' clients. Each kind says here how long, or after how many retries, it is no blip.

use std::time::Duration;

use drawbridge_mtp::id::{ClientUri, GroupUri};
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;

use super::finding::{Findings, RepairFinding};
use crate::diagnose::{LOW_OCTETS, NameStanding, Ourselves, OwnCertificate};
use crate::ground::clock::CLOCK_BEFORE_BUILD;
use crate::ground::copies::RUNS_TWICE;
use crate::identity::x509::date;
use crate::identity::{CertificateFacts, IssuanceCode};
use crate::notify::FailingTarget;
use crate::operator::{PULLED_WITHIN, Peer, ShortClient, StandingCode, the_other_way};
use crate::peers::{PullingStatus, SLOW_FROM, is_outvoted};
use crate::router::RouterCode;
use crate::side::Side;
use crate::store::{RepairKind, RepairSubject, Severity, Suffers, TroubleRow};
use crate::words::words;

/// Tries in a row that have to fail.
const RETRIES: u32 = 3;
/// How long those have to have failed, and what else passes by itself within a minute or two: a restart, a network that comes up.
const RESTART: Duration = Duration::from_secs(120);
/// How long a peer may stay away: who closes a laptop and opens it elsewhere takes less.
const AWAY: Duration = Duration::from_secs(600);
/// How long a client may be short of KeyPackages: one that runs makes more within a minute.
const STOCKING: Duration = Duration::from_secs(600);
/// Before its end a certificate is to be renewed; who does so by a program does it a month before.
const ENDS_SOON: Duration = Duration::from_secs(14 * 86_400);
/// Of a certificate that holds for a shorter time, this part of it.
const ENDS_SOON_PART: u32 = 4;
/// A renewal that failed is tried again by itself, weeks before it matters.
const RENEWING: Duration = Duration::from_secs(3600);
/// Longer than a server of notifications takes to be started anew.
const NOT_TOLD: Duration = Duration::from_secs(600);
/// What is not asked has no failure to be over, once the pullers have had this to begin.
const BEGUN: Duration = Duration::from_secs(60);
/// How often it is looked whether a clock was set that cannot be right.
const CLOCK_LOOK: Duration = Duration::from_secs(5);

/// By these a peer says that its clock is not ours, or we that ours cannot be right.
const CLOCKS: [&str; 3] = ["clock-skew", "signature-expired", CLOCK_BEFORE_BUILD];
/// These are found once and are so until they are settled: they are raised at once, with how bad they are.
const SETTLED: [(&str, Severity); 6] = [
    ("log-forked", Severity::High),
    ("own-log-forked", Severity::High),
    ("checkpoint-wrong", Severity::Medium),
    ("adopted-unproved", Severity::Medium),
    ("added-unproved", Severity::Medium),
    ("pull-cut", Severity::Low),
];

words! {
    /// What may be wrong with this node, its groups and its clients. What to do about each is in `ui/src/text/en/trouble.ts`.
    OwnFault {
        /// There is no room on the disk.
        DiskFull = "disk-full",
        /// There is little room on the disk.
        DiskLow = "disk-low",
        /// The store's file is damaged.
        StoreDamaged = "store-damaged",
        /// The store cannot be written for another reason.
        StoreUnwritable = "store-unwritable",
        /// A certificate has ended.
        CertificateExpired = "certificate-expired",
        /// A certificate has not begun.
        CertificateNotYetValid = "certificate-not-yet-valid",
        /// A certificate is for another name.
        CertificateWrongName = "certificate-wrong-name",
        /// A certificate ends within two weeks.
        CertificateEndsSoon = "certificate-ends-soon",
        /// A renewed certificate could not be taken.
        CertificateRefused = "certificate-refused",
        /// A certificate is signed by itself, and nobody has come by it.
        CertificateSelfSigned = "certificate-self-signed",
        /// The ACME directory cannot be reached.
        AcmeUnreachable = "acme-unreachable",
        /// It has not found the answer to its challenge.
        AcmeChallenge = "acme-challenge",
        /// It was asked too often.
        AcmeRateLimited = "acme-rate-limited",
        /// It gives no certificate for another reason.
        AcmeRefused = "acme-refused",
        /// The address for its requests cannot be listened on.
        AcmePort = "acme-port",
        /// The operator's command has failed.
        AcmeCommand = "acme-command",
        /// What was got cannot be kept.
        AcmeUnkept = "acme-unkept",
        /// Our name leads to no address.
        NameUnresolved = "name-unresolved",
        /// Our name leads only to private addresses.
        NamePrivate = "name-private",
        /// This computer's network has no router.
        RouterMissing = "router-missing",
        /// The router answers to nothing by which a port is opened.
        RouterSilent = "router-silent",
        /// The router does not open the port.
        RouterRefuses = "router-refuses",
        /// The router leads the port to another computer.
        RouterPortTaken = "router-port-taken",
        /// The router's own address is shared with others.
        RouterAddressShared = "router-address-shared",
        /// Our name leads elsewhere than to the router.
        RouterAddressOther = "router-address-other",
        /// The operator's command for a changed address fails.
        AddressHookFailed = "address-hook-failed",
        /// Our clock shows a time from before the program was built.
        ClockBeforeBuild = "clock-before-build",
        /// Most peers say that our clock is wrong.
        Clock = "own-clock",
        /// Another copy of the data folder runs.
        RunsTwice = "runs-twice",
        /// No peer can be reached, for reasons that are here.
        Network = "own-network",
        /// No backup is made, though it is time.
        BackupFailed = "backup-failed",
        /// A target of notifications cannot be reached.
        NotifyFailed = "notify-failed",
        /// A group's log cannot be believed.
        LogBroken = "log-broken",
        /// A client has no fresh KeyPackage left.
        KeyPackagesSpent = "key-packages-spent",
        /// A client has few fresh KeyPackages left.
        KeyPackagesLow = "key-packages-low",
    }
}

/// What the judgement hangs on, all of one moment.
pub(crate) struct Facts<'a> {
    /// The node's time.
    pub(crate) now: Timestamp,
    /// When the node was started: what was so before is not known to be so still.
    pub(crate) started: Timestamp,
    /// The node itself.
    pub(crate) own: &'a Ourselves,
    /// All peers, with what hangs on those that are not well.
    pub(crate) peers: &'a [Peer],
    /// Groups whose log cannot be believed.
    pub(crate) broken: &'a [GroupUri],
    /// Clients that have few KeyPackages left.
    pub(crate) short: &'a [ShortClient],
    /// Where the operator is to be told and cannot be.
    pub(crate) untold: &'a [FailingTarget],
}

/// Says what is wrong.
pub(crate) fn judge(facts: &Facts<'_>) -> Findings {
    let mut findings = Findings::default();
    judge_store(facts, &mut findings);
    judge_backup(facts, &mut findings);
    judge_notify(facts, &mut findings);
    judge_copy(facts, &mut findings);
    judge_name(facts, &mut findings);
    for certificate in &facts.own.certificates {
        judge_certificate(facts, certificate, &mut findings);
    }
    judge_issuance(facts, &mut findings);
    judge_router(facts, &mut findings);
    judge_address_hook(facts, &mut findings);
    let allowed: Vec<&Peer> = facts.peers.iter().filter(|peer| peer.state == PeerState::Allowed).collect();
    let is_clock_wrong = judge_clock(facts, &allowed, &mut findings);
    let is_network_gone = judge_network(&allowed, &mut findings);
    for peer in facts.peers {
        judge_peer(facts, peer, is_clock_wrong, is_network_gone, &mut findings);
    }
    for group in facts.broken {
        let text = format!("The log of the group {group} cannot be believed, so nothing new in it is taken.");
        let subject = RepairSubject::Group(group.clone());
        findings.wrong.push(RepairFinding {
            patience: RESTART,
            side: Side::Either,
            ..own(subject, RepairKind::Log, OwnFault::LogBroken, Severity::High, text)
        });
    }
    findings.wrong.extend(facts.short.iter().map(short_of_keys));
    findings
}

/// Something wrong on our side, which is raised at once.
fn own(
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
    let finding = |fault, severity, text| own(RepairSubject::Node, RepairKind::Name, fault, severity, text);
    match &facts.own.name {
        NameStanding::Unlooked => findings.unknown.push((RepairSubject::Node, RepairKind::Name)),
        NameStanding::Found => {}
        NameStanding::Unresolved { text } => {
            let text = format!("Others cannot find this provider: {}.", text.trim_end_matches('.'));
            let finding = finding(OwnFault::NameUnresolved, Severity::High, text);
            findings.wrong.push(RepairFinding { patience: RESTART, ..finding });
        }
        NameStanding::Private { text } => {
            let text = format!("Providers elsewhere cannot reach this one: {}.", text.trim_end_matches('.'));
            findings.wrong.push(finding(OwnFault::NamePrivate, Severity::Medium, text));
        }
    }
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
    let file = said.file.display();
    let (whose, others) = match certificate.section {
        "client" => ("certificate for clients", "others"),
        "admin" => ("certificate for the pages", "browsers"),
        _ => ("certificate", "others"),
    };
    let what = format!("This provider's {whose} ({file})");
    let is_met = facts.peers.iter().any(|peer| peer.their_pull.last_pull.is_some());
    let soon = said.ends.as_millis().saturating_sub(millis(ends_soon(said)));
    let next = [said.begins, Timestamp::from_millis(soon), said.ends].into_iter().find(|at| *at > now);
    if let Some(next) = next {
        findings.look_again(next);
    }
    let (fault, severity, text) = if said.ends <= now {
        let text = format!("{what} ended on {}, so {others} refuse to connect.", date(said.ends));
        (OwnFault::CertificateExpired, Severity::High, text)
    } else if said.begins > now {
        let text = format!("{what} holds only from {}, so {others} refuse to connect.", date(said.begins));
        (OwnFault::CertificateNotYetValid, Severity::High, text)
    } else if !certificate.is_ours {
        let text = format!("{what} is for another name, so {others} refuse to connect.");
        (OwnFault::CertificateWrongName, Severity::High, text)
    } else if now.as_millis() >= soon {
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
            let soon = said.ends.as_millis().saturating_sub(millis(ends_soon(said)));
            let is_soon = facts.now.as_millis() >= soon;
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

/// Whether most peers, and more than one, say that our time is not theirs. One may be wrong itself.
///
/// A time from before the program was built is wrong whatever they say.
fn judge_clock(facts: &Facts<'_>, allowed: &[&Peer], findings: &mut Findings) -> bool {
    if let Some(why) = &facts.own.before_build {
        let text = format!("Nothing is exchanged with other providers: {why}.");
        let fault = OwnFault::ClockBeforeBuild;
        findings.wrong.push(own(RepairSubject::Node, RepairKind::Clock, fault, Severity::High, text));
        // Nobody tells when it is set.
        findings.look_again(facts.now.plus(CLOCK_LOOK));
        return true;
    }
    let is_dispute = |trouble: &&TroubleRow| CLOCKS.contains(&trouble.code.as_str());
    let disputed = allowed.iter().filter_map(|peer| peer.troubles.iter().find(is_dispute));
    let disputed: Vec<&TroubleRow> = disputed.collect();
    let is_wrong = is_outvoted(disputed.len(), allowed.len());
    if is_wrong {
        let text = format!(
            "This computer's clock is probably wrong: {} of {} providers disagree with it{}.",
            disputed.len(),
            allowed.len(),
            facts.own.clocks_apart.as_ref().map(|apart| format!("; theirs is {apart}")).unwrap_or_default()
        );
        findings.wrong.push(RepairFinding {
            since: disputed.iter().map(|trouble| trouble.first).min(),
            patience: RESTART,
            ..own(RepairSubject::Node, RepairKind::Clock, OwnFault::Clock, Severity::High, text)
        });
    }
    is_wrong
}

/// Whether no peer can be reached, of more than one, and for reasons that are on this computer's side.
fn judge_network(allowed: &[&Peer], findings: &mut Findings) -> bool {
    let tried = allowed.iter().filter(|peer| {
        peer.our_pull.failures > 0
            || !matches!(peer.our_pull.status, PullingStatus::Idle | PullingStatus::Paused)
    });
    let tried: Vec<_> = tried.map(|peer| failure(peer)).collect();
    let is_ours = |trouble: &TroubleRow| {
        matches!(trouble.code.as_str(), "unreachable" | "dns-unavailable" | "dns-timeout")
    };
    let failures: Vec<_> = tried.iter().copied().flatten().filter(|trouble| is_ours(trouble)).collect();
    let is_gone = tried.len() > 1 && failures.len() == tried.len();
    if is_gone && let Some(first) = failures.first() {
        let text = format!(
            "No other provider can be reached, for a reason that is on this computer: {}.",
            first.text.trim_end_matches('.')
        );
        findings.wrong.push(RepairFinding {
            since: failures.iter().map(|trouble| trouble.first).min(),
            patience: RESTART,
            ..own(RepairSubject::Node, RepairKind::Network, OwnFault::Network, Severity::High, text)
        });
    }
    is_gone
}

/// Why our pulls at a peer fail, where they do: the newest trouble that was met as often as tells it from a blip, so that what
/// is met once between others does not count as another.
fn failure(peer: &Peer) -> Option<&TroubleRow> {
    if peer.standing.code != StandingCode::Failing {
        return None;
    }
    let retried = |trouble: &&TroubleRow| SETTLED.iter().all(|(code, _)| *code != trouble.code);
    let mut retried = peer.troubles.iter().filter(retried).peekable();
    let newest = retried.peek().copied();
    retried.find(|trouble| trouble.count >= RETRIES).or(newest)
}

fn judge_peer(
    facts: &Facts<'_>,
    peer: &Peer,
    is_clock_wrong: bool,
    is_network_gone: bool,
    findings: &mut Findings,
) {
    let name = &peer.provider;
    let subject = RepairSubject::Peer(name.clone());
    let suffers = peer.suffers.unwrap_or_default();
    let weighed = if suffers.is_any() { Severity::High } else { Severity::Medium };
    let wrong = |code: &str, severity, text: String, since, patience| RepairFinding {
        subject: subject.clone(),
        kind: RepairKind::Exchange,
        code: code.into(),
        stage: None,
        severity,
        side: Side::of(code),
        text,
        suffers,
        since,
        patience,
    };
    let is_absorbed = |code: &str| {
        code == RUNS_TWICE
            || (is_clock_wrong && CLOCKS.contains(&code))
            || (is_network_gone && Side::of(code) == Side::Ours)
    };
    let exchange = match peer.standing.code {
        StandingCode::KeyChanged => {
            let listed =
                |keys: &[Thumbprint]| keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            // What it shows is not known after a start, until it is read again.
            let both = match (&*peer.keys, &*peer.new_keys) {
                ([], _) | (_, []) => String::new(),
                (accepted, shown) => {
                    format!(" It shows {}; accepted is {}.", listed(shown), listed(accepted))
                }
            };
            let text = format!(
                "{name} shows a key that was not accepted, so nothing is exchanged with it until you have decided on that.{both}"
            );
            Some(wrong("key-changed", Severity::High, text, Some(peer.since), Duration::ZERO))
        }
        StandingCode::BlocksUs => {
            let text = format!("The operator of {name} has blocked this provider.");
            Some(wrong("peer-blocked", weighed, text, None, Duration::ZERO))
        }
        StandingCode::Failing => match failure(peer) {
            Some(trouble) if is_absorbed(&trouble.code) => None,
            Some(trouble) => {
                let why = trouble.text.trim_end_matches('.');
                let other_way = the_other_way(&peer.their_pull, peer.outbox, facts.now);
                let text = format!("Nothing comes from {name}: {why}. {other_way}");
                let passes = Side::of(&trouble.code) == Side::Nobody;
                let severity = if passes { Severity::Low } else { weighed };
                let finding = RepairFinding {
                    stage: Some(trouble.stage.clone()),
                    side: peer.standing.side.unwrap_or_else(|| Side::of(&trouble.code)),
                    ..wrong(&trouble.code, severity, text, Some(trouble.first), RESTART)
                };
                if peer.our_pull.failures >= RETRIES {
                    Some(finding)
                } else {
                    findings.unknown.push((subject.clone(), RepairKind::Exchange));
                    findings.begun.push(finding);
                    None
                }
            }
            None => {
                findings.unknown.push((subject.clone(), RepairKind::Exchange));
                None
            }
        },
        StandingCode::NotFetched => {
            let text = format!(
                "{name} does not fetch what waits here for it: it is away, or cannot reach this provider."
            );
            let since = peer.their_pull.lag.map(|lag| ago(facts.now, lag));
            Some(wrong("not-fetched", weighed, text, since, AWAY))
        }
        StandingCode::NotPulled => {
            let text =
                format!("{name} does not come here for news: it is away, or cannot reach this provider.");
            let since = peer.their_pull.gone_since.unwrap_or(peer.since).max(facts.started);
            Some(wrong("not-pulled", Severity::Medium, text, Some(since), AWAY))
        }
        _ => {
            if !is_seen_well(facts, peer) {
                findings.unknown.push((subject.clone(), RepairKind::Exchange));
            }
            // It comes to be away by the clock alone, which nobody tells.
            let away = peer.their_pull.last_pull.unwrap_or(peer.since).max(facts.started);
            let away = away.plus(PULLED_WITHIN + Duration::from_secs(1));
            if peer.state == PeerState::Allowed && !peer.their_pull.waiting && away > facts.now {
                findings.look_again(away);
            }
            None
        }
    };
    if peer.state == PeerState::Allowed {
        let is_failing = peer.standing.code == StandingCode::Failing;
        for trouble in &peer.troubles {
            let settled = SETTLED.iter().find(|(code, _)| *code == trouble.code);
            // What is retried is told by the judgement of the whole, where that is that requests fail.
            let is_told = settled.is_none() && is_failing;
            // A group says so itself.
            let is_of_group = trouble.code == OwnFault::LogBroken.as_str() && !facts.broken.is_empty();
            let is_exchange = exchange.as_ref().is_some_and(|finding| finding.code == trouble.code);
            if is_told || is_of_group || is_exchange || is_absorbed(&trouble.code) {
                continue;
            }
            let text = format!("With {name} this is wrong: {}.", trouble.text.trim_end_matches('.'));
            let (severity, patience) =
                settled.map_or((Severity::Medium, RESTART), |(_, severity)| (*severity, Duration::ZERO));
            let has_lasted = settled.is_some() || trouble.count >= RETRIES;
            let into = if has_lasted { &mut findings.wrong } else { &mut findings.begun };
            into.push(RepairFinding {
                kind: RepairKind::Trouble(trouble.code.clone()),
                stage: Some(trouble.stage.clone()),
                ..wrong(&trouble.code, severity, text, Some(trouble.first), patience)
            });
        }
        if peer.standing.code == StandingCode::Troubled
            && let Some(latency) = peer.our_pull.latency.filter(|latency| *latency >= SLOW_FROM)
        {
            let took = latency.as_secs_f64();
            let text = format!("The answers of {name} take {took:.1} s, so it or the way to it is slow.");
            findings.wrong.push(RepairFinding {
                kind: RepairKind::Trouble("slow".into()),
                ..wrong("slow", Severity::Low, text, None, RESTART)
            });
        }
    }
    findings.wrong.extend(exchange);
}

/// Whether that nothing is said against a peer means that it is well, and not that it was not looked at in this life of the node.
fn is_seen_well(facts: &Facts<'_>, peer: &Peer) -> bool {
    if peer.state != PeerState::Allowed {
        return true;
    }
    let (ours, theirs) = (&peer.our_pull, &peer.their_pull);
    let since_start = |at: Option<Timestamp>| at.is_some_and(|at| at >= facts.started);
    let is_resting = matches!(ours.status, PullingStatus::Idle | PullingStatus::Paused);
    let is_answered = since_start(ours.last_pull)
        || ours.status == PullingStatus::Introducing
        || (is_resting && facts.now.since(facts.started) >= BEGUN);
    let has_come = theirs.waiting || since_start(theirs.last_pull);
    // Who has a reason to come is told to be away a while after the start.
    is_answered && (has_come || facts.now.since(facts.started) > PULLED_WITHIN)
}

fn short_of_keys(short: &ShortClient) -> RepairFinding {
    let client = &short.client;
    let (fault, severity, text) = if short.available == 0 {
        let text = format!(
            "{} has no fresh KeyPackage left: who adds it to a group uses its last resort again, or cannot.",
            called(client)
        );
        (OwnFault::KeyPackagesSpent, Severity::Medium, text)
    } else {
        let text =
            format!("{} has few fresh KeyPackages left, with which others add it to groups.", called(client));
        (OwnFault::KeyPackagesLow, Severity::Low, text)
    };
    RepairFinding {
        patience: STOCKING,
        suffers: Suffers { users: 1, ..Suffers::default() },
        ..own(RepairSubject::Client(client.clone()), RepairKind::KeyPackages, fault, severity, text)
    }
}

fn called(client: &ClientUri) -> String {
    format!("The client {} of {}", client.name(), client.user().name())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn ago(now: Timestamp, time: Duration) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_sub(millis(time)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address_hook::{HookFailure, HookStanding};
    use crate::backup::FailedBackup;
    use crate::identity::{IssuanceFailure, IssuanceStanding};
    use crate::operator::{OurPull, PeerStanding, TheirPull};
    use crate::router::{RouterFault, RouterStanding};
    use crate::store::StoreTrouble;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const DAY: Duration = Duration::from_secs(86_400);

    /// Ourselves with nothing wrong.
    fn ourselves() -> Ourselves {
        let facts = CertificateFacts {
            file: "tls-cert.pem".into(),
            names: vec!["home.example".into()],
            self_signed: false,
            begins: ago(NOW, DAY),
            ends: NOW.plus(60 * DAY),
        };
        Ourselves {
            name: NameStanding::Found,
            only_here: None,
            looked: Some(NOW),
            named_port: 443,
            listening_port: Some(443),
            certificates: vec![OwnCertificate { section: "mtp", facts, is_ours: true, refused: None }],
            issuance: None,
            router: None,
            router_trouble: None,
            address_hook: None,
            store: None,
            free: Some(1 << 40),
            backup: None,
            before_build: None,
            runs_twice: None,
            clocks_apart: None,
        }
    }

    /// A peer with which all is well.
    fn peer(name: &str) -> Peer {
        let since = ago(NOW, DAY);
        Peer {
            provider: name.parse().unwrap(),
            state: PeerState::Allowed,
            since,
            their_state: Some(PeerState::Allowed),
            keys: Vec::new(),
            new_keys: Vec::new(),
            software: None,
            endpoint: None,
            our_pull: OurPull {
                status: PullingStatus::Waiting,
                since,
                last_pull: Some(NOW),
                next_try: None,
                failures: 0,
                latency: None,
                cursor: 0,
                head: 0,
            },
            their_pull: TheirPull {
                waiting: true,
                last_pull: Some(NOW),
                gone_since: None,
                head: 0,
                acknowledged: 0,
                lag: None,
            },
            outbox: 0,
            connections: 1,
            troubles: Vec::new(),
            kept: None,
            suffers: None,
            standing: standing(StandingCode::Well),
        }
    }

    fn standing(code: StandingCode) -> PeerStanding {
        PeerStanding { code, text: String::new(), side: None, next: String::new() }
    }

    fn trouble(code: &str, count: u32) -> TroubleRow {
        TroubleRow {
            stage: "connect".into(),
            code: code.into(),
            text: "no way there".into(),
            first: ago(NOW, DAY),
            last: NOW,
            count,
            over: false,
        }
    }

    fn failing(name: &str, failures: u32, troubles: &[(&str, u32)]) -> Peer {
        let mut peer = peer(name);
        peer.our_pull.failures = failures;
        peer.our_pull.status = PullingStatus::BackingOff;
        peer.standing = standing(StandingCode::Failing);
        peer.troubles = troubles.iter().map(|(code, count)| trouble(code, *count)).collect();
        peer
    }

    fn found(own: &Ourselves, peers: &[Peer]) -> Findings {
        judge(&Facts { now: NOW, started: ago(NOW, DAY), own, peers, broken: &[], short: &[], untold: &[] })
    }

    fn codes(findings: &Findings) -> Vec<&str> {
        findings.wrong.iter().map(|finding| finding.code.as_str()).collect()
    }

    #[test]
    fn nothing_is_found_where_all_is_well() {
        let findings = found(&ourselves(), &[peer("a.example")]);
        assert_eq!((codes(&findings), findings.unknown.len()), (vec![], 0));
        // The certificate comes to end soon, by the clock alone.
        assert_eq!(findings.due, Some(NOW.plus(46 * DAY)));
    }

    #[test]
    fn a_target_of_notifications_is_raised_where_it_cannot_be_reached_for_long() {
        let (name, text) = ("phone".into(), "it answers 403 Forbidden.".into());
        let untold = [FailingTarget { name, since: NOW, tries: 3, text, next: NOW }];
        let (started, own) = (ago(NOW, DAY), ourselves());
        let facts =
            Facts { now: NOW, started, own: &own, peers: &[], broken: &[], short: &[], untold: &untold };
        let findings = judge(&facts);
        assert_eq!(codes(&findings), ["notify-failed"]);
        let finding = &findings.wrong[0];
        assert_eq!((finding.patience, finding.since), (NOT_TOLD, Some(NOW)));
        assert_eq!(finding.text, "Notifications do not come to \"phone\": it answers 403 Forbidden.");
    }

    #[test]
    fn each_fault_of_our_own_is_found() {
        type Alteration = fn(&mut Ourselves);
        let cases: [(&str, Severity, Alteration); 12] = [
            ("disk-full", Severity::High, |own| {
                let text = "database or disk is full".into();
                own.store = Some(StoreTrouble { code: "disk-full", text, since: NOW, last: NOW, lost: 1 });
            }),
            ("disk-low", Severity::Medium, |own| own.free = Some(LOW_OCTETS - 1)),
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
                own.certificates[0].facts.begins = ago(NOW, 60 * DAY);
                own.certificates[0].facts.ends = NOW.plus(DAY);
            }),
            ("certificate-refused", Severity::Medium, |own| {
                own.certificates[0].refused = Some("it is no certificate".into());
            }),
            ("certificate-self-signed", Severity::Medium, |own| own.certificates[0].facts.self_signed = true),
            ("name-unresolved", Severity::High, |own| {
                own.name = NameStanding::Unresolved { text: "it has no address".into() };
            }),
            ("name-private", Severity::Medium, |own| {
                own.name = NameStanding::Private { text: "it is private".into() };
            }),
        ];
        for (code, severity, alter) in cases {
            let mut own = ourselves();
            alter(&mut own);
            let findings = found(&own, &[]);
            assert_eq!(codes(&findings), [code]);
            let finding = &findings.wrong[0];
            assert_eq!((finding.severity, finding.side), (severity, Side::Ours), "{code}");
            assert!(finding.text.ends_with('.') && !finding.text.contains(".."), "{}", finding.text);
        }
        let mut own = ourselves();
        own.certificates[0].facts.self_signed = true;
        assert_eq!(codes(&found(&own, &[peer("a.example")])), Vec::<&str>::new(), "somebody came by it");
        own.name = NameStanding::Unlooked;
        let unlooked = found(&own, &[peer("a.example")]);
        assert_eq!(unlooked.unknown, [(RepairSubject::Node, RepairKind::Name)]);
    }

    #[test]
    fn a_peer_that_fails_is_found_after_the_retries_with_what_was_met_as_often() {
        let once = found(&ourselves(), &[failing("a.example", 2, &[("connection-refused", 2)])]);
        assert_eq!((codes(&once).len(), once.unknown.len()), (0, 1), "it is not known yet");
        assert_eq!(once.begun[0].code, "connection-refused", "and it is told that it has begun");
        let between = [("connect-timeout", 1), ("connection-refused", 9)];
        let findings = found(&ourselves(), &[failing("a.example", 9, &between)]);
        assert_eq!(codes(&findings), ["connection-refused"], "another one is no change when it is met once");
        assert_eq!((findings.wrong[0].patience, findings.wrong[0].severity), (RESTART, Severity::Medium));
        let mut hurt = failing("a.example", 9, &between);
        hurt.suffers = Some(Suffers { groups: 1, users: 1, submissions: 0 });
        assert_eq!(found(&ourselves(), &[hurt]).wrong[0].severity, Severity::High);
    }

    #[test]
    fn both_directions_are_said_as_they_are() {
        let mut one_way = failing("a.example", 9, &[("certificate-expired", 9)]);
        let text = |peer: &Peer| found(&ourselves(), std::slice::from_ref(peer)).wrong.remove(0).text;
        assert_eq!(
            text(&one_way),
            "Nothing comes from a.example: no way there. It does come here, and fetches what there is for it."
        );
        one_way.outbox = 1;
        assert!(text(&one_way).ends_with("1 message of a user here waits to be brought to it."));
    }

    #[test]
    fn what_waits_here_and_is_not_fetched_is_weighed_by_who_suffers() {
        let mut gone = peer("a.example");
        gone.standing = standing(StandingCode::NotFetched);
        gone.their_pull.lag = Some(AWAY);
        assert_eq!(found(&ourselves(), &[gone.clone()]).wrong[0].severity, Severity::Medium);
        gone.suffers = Some(Suffers { groups: 1, users: 1, submissions: 1 });
        assert_eq!(found(&ourselves(), &[gone]).wrong[0].severity, Severity::High);
    }

    #[test]
    fn whatever_a_peer_is_said_to_be_troubled_by_is_told() {
        let mut slow = peer("a.example");
        slow.standing = standing(StandingCode::Troubled);
        slow.our_pull.latency = Some(Duration::from_millis(2600));
        let findings = found(&ourselves(), &[slow]);
        assert_eq!((codes(&findings), findings.wrong[0].severity), (vec!["slow"], Severity::Low));
        let mut once = peer("a.example");
        once.standing = standing(StandingCode::Troubled);
        once.troubles = vec![trouble("digest-mismatch", 1)];
        let findings = found(&ourselves(), &[once]);
        assert_eq!((codes(&findings), findings.begun[0].code.as_str()), (vec![], "digest-mismatch"));
    }

    #[test]
    fn a_clock_that_cannot_be_right_is_told_alone_and_looked_at_soon() {
        let why = "this computer's clock shows 1970".to_owned();
        let own = Ourselves { before_build: Some(why), ..ourselves() };
        let peers = ["a.example", "b.example"].map(|name| failing(name, 5, &[(CLOCK_BEFORE_BUILD, 5)]));
        let findings = found(&own, &peers);
        assert_eq!(codes(&findings), ["clock-before-build"]);
        assert!(findings.wrong[0].text.contains("shows 1970"), "{}", findings.wrong[0].text);
        assert_eq!(findings.due, Some(NOW.plus(CLOCK_LOOK)));
    }

    #[test]
    fn what_all_have_in_common_is_told_once() {
        let skewed = |name: &str| {
            let mut peer = peer(name);
            peer.troubles = vec![trouble("clock-skew", 5)];
            peer
        };
        let most =
            [skewed("a.example"), failing("b.example", 5, &[("signature-expired", 5)]), peer("c.example")];
        let apart = Some("200 days behind this computer's".to_owned());
        let findings = found(&Ourselves { clocks_apart: apart, ..ourselves() }, &most);
        assert_eq!(codes(&findings), ["own-clock"]);
        let text = &findings.wrong[0].text;
        assert!(
            text.ends_with("2 of 3 providers disagree with it; theirs is 200 days behind this computer's."),
            "{text}"
        );
        let one = [skewed("a.example"), peer("b.example"), peer("c.example")];
        assert_eq!(codes(&found(&ourselves(), &one)), ["clock-skew"]);
        let gone = ["a.example", "b.example"].map(|name| failing(name, 5, &[("unreachable", 5)]));
        assert_eq!(codes(&found(&ourselves(), &gone)), ["own-network"]);
        let mixed = [gone[0].clone(), failing("b.example", 5, &[("connection-refused", 5)])];
        assert_eq!(codes(&found(&ourselves(), &mixed)), ["unreachable", "connection-refused"]);
    }

    #[test]
    fn that_no_certificate_is_got_is_told_in_time() {
        let mut own = ourselves();
        let failing = |code| IssuanceStanding {
            directory: "https://acme.example/directory".into(),
            challenge: "http-01",
            is_ordering: false,
            issued: Some(ago(NOW, DAY)),
            next: Some(NOW.plus(DAY)),
            failure: Some(IssuanceFailure {
                code,
                text: "it says no".into(),
                first: ago(NOW, DAY),
                last: NOW,
            }),
        };
        own.certificates[0].facts.begins = ago(NOW, 60 * DAY);
        own.certificates[0].facts.ends = NOW.plus(30 * DAY);
        own.issuance = Some(failing(IssuanceCode::Challenge));
        let renewing = found(&own, &[]);
        assert_eq!(codes(&renewing), ["acme-challenge"]);
        assert_eq!((renewing.wrong[0].severity, renewing.wrong[0].patience), (Severity::Medium, RENEWING));
        assert!(renewing.wrong[0].text.contains("it says no"));
        own.certificates[0].facts.ends = NOW.plus(2 * DAY);
        let findings = found(&own, &[]);
        assert_eq!(codes(&findings), ["certificate-ends-soon", "acme-challenge"]);
        assert_eq!(findings.wrong[1].severity, Severity::High);

        // There is none yet: the one that has signed itself stands in for it, and is no fault of its own.
        own.certificates[0].facts.self_signed = true;
        own.certificates[0].facts.ends = NOW.plus(300 * DAY);
        own.issuance = Some(IssuanceStanding { issued: None, ..failing(IssuanceCode::Port) });
        let findings = found(&own, &[]);
        assert_eq!(codes(&findings), ["acme-port"]);
        assert_eq!(
            (findings.wrong[0].severity, findings.wrong[0].patience),
            (Severity::High, Duration::ZERO)
        );
        own.issuance = own.issuance.map(|standing| IssuanceStanding { failure: None, ..standing });
        assert_eq!(codes(&found(&own, &[])), [""; 0]);
    }

    #[test]
    fn what_the_router_does_not_do_is_told_once_it_was_asked() {
        let fault = |code| RouterFault { code, text: "it says no".into() };
        let mut own = Ourselves { router: Some(RouterStanding::default()), ..ourselves() };
        assert_eq!(found(&own, &[]).unknown, [(RepairSubject::Node, RepairKind::Router)]);
        own.router = Some(RouterStanding { looked: Some(NOW), ..RouterStanding::default() });
        assert_eq!(codes(&found(&own, &[])), [""; 0]);
        for (code, word, patience) in [
            (RouterCode::Missing, "router-missing", RESTART),
            (RouterCode::Silent, "router-silent", RESTART),
            (RouterCode::Refuses, "router-refuses", RESTART),
            (RouterCode::PortTaken, "router-port-taken", Duration::ZERO),
            (RouterCode::AddressShared, "router-address-shared", RESTART),
            (RouterCode::AddressOther, "router-address-other", AWAY),
        ] {
            own.router_trouble = Some(fault(code));
            let findings = found(&own, &[]);
            assert_eq!((codes(&findings), findings.wrong[0].patience), (vec![word], patience));
            assert_eq!(code.as_str(), word);
        }
        own.router_trouble = None;
        let failure = HookFailure { text: "the command has failed".into(), first: ago(NOW, DAY) };
        own.address_hook = Some(HookStanding { failure: Some(failure), ..HookStanding::default() });
        let findings = found(&own, &[]);
        assert_eq!(
            (codes(&findings), findings.wrong[0].since),
            (vec!["address-hook-failed"], Some(ago(NOW, DAY)))
        );
    }

    #[test]
    fn one_that_holds_for_days_ends_soon_a_quarter_before_its_end() {
        let mut own = ourselves();
        own.certificates[0].facts.begins = ago(NOW, 4 * DAY);
        own.certificates[0].facts.ends = NOW.plus(2 * DAY);
        assert_eq!(codes(&found(&own, &[])), [""; 0]);
        own.certificates[0].facts.ends = NOW.plus(DAY);
        assert_eq!(codes(&found(&own, &[])), ["certificate-ends-soon"]);
    }

    #[test]
    fn after_a_start_nothing_is_well_that_was_not_looked_at() {
        let own = ourselves();
        let mut before = peer("a.example");
        before.our_pull.last_pull = Some(ago(NOW, DAY));
        before.their_pull.waiting = false;
        before.their_pull.last_pull = Some(ago(NOW, DAY));
        let judged = |peer: &Peer, up: u64| {
            let peers = [peer.clone()];
            let started = ago(NOW, Duration::from_secs(up));
            judge(&Facts {
                now: NOW,
                started,
                own: &own,
                peers: &peers,
                broken: &[],
                short: &[],
                untold: &[],
            })
        };
        assert_eq!(judged(&before, 10).unknown.len(), 1);
        before.our_pull.last_pull = Some(NOW);
        before.their_pull.waiting = true;
        assert_eq!(judged(&before, 10).unknown.len(), 0);
        before.our_pull.last_pull = None;
        before.our_pull.status = PullingStatus::Idle;
        assert_eq!(judged(&before, 10).unknown.len(), 1, "its puller has not begun");
        assert_eq!(judged(&before, 100).unknown.len(), 0);
    }

    #[test]
    fn what_is_found_once_is_told_at_once_and_what_is_retried_later() {
        let mut forked = peer("a.example");
        forked.troubles = vec![trouble("own-log-forked", 1), trouble("digest-mismatch", 2)];
        let findings = found(&ourselves(), &[forked.clone()]);
        assert_eq!(codes(&findings), ["own-log-forked"]);
        assert_eq!(
            (findings.wrong[0].severity, findings.wrong[0].patience),
            (Severity::High, Duration::ZERO)
        );
        forked.troubles[1].count = 3;
        assert_eq!(codes(&found(&ourselves(), &[forked])), ["own-log-forked", "digest-mismatch"]);
    }
}
