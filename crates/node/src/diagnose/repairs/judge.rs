//! What is wrong and can be acted upon, judged from what the screens show too: with this node, its peers, its groups and its
//! users' clients. Each kind says here how long, or after how many retries, it is no blip.

use std::time::Duration;

use drawbridge_mtp::id::ClientUri;
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;

use super::facts::{AWAY, Facts, RESTART};
use super::finding::{Findings, RepairFinding};
use super::ourselves::{judge_ourselves, own};
use crate::diagnose::own_fault::OwnFault;
use crate::ground::clock::CLOCK_BEFORE_BUILD;
use crate::ground::copies::RUNS_TWICE;
use crate::operator::{PULLED_WITHIN, Peer, ShortClient, StandingCode, the_other_way};
use crate::peers::{COMES_AGAIN, PullingStatus, SLOW_FROM, Unread, is_outvoted};
use crate::side::Side;
use crate::store::{RepairKind, RepairSubject, Severity, Suffers, TroubleRow};

/// Tries in a row that have to fail.
pub(crate) const RETRIES: u32 = 3;
/// How long a client may be short of KeyPackages: one that runs makes more within a minute.
const STOCKING: Duration = Duration::from_secs(600);
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

/// Says what is wrong.
pub(crate) fn judge(facts: &Facts<'_>) -> Findings {
    let mut findings = Findings::default();
    judge_ourselves(facts, &mut findings);
    let allowed: Vec<&Peer> = facts.peers.iter().filter(|peer| peer.state == PeerState::Allowed).collect();
    let is_clock_wrong = judge_clock(facts, &allowed, &mut findings);
    let is_network_gone = judge_network(&allowed, &mut findings);
    for peer in facts.peers {
        judge_peer(facts, peer, is_clock_wrong, is_network_gone, &mut findings);
    }
    for unread in facts.refused {
        judge_refused(unread, &mut findings);
    }
    for group in facts.broken {
        let text = format!("The log of the group {group} cannot be believed, so nothing new in it is taken.");
        let subject = RepairSubject::Group(group.clone());
        findings.wrong.push(RepairFinding {
            patience: RESTART,
            side: Side::of(OwnFault::LogBroken.as_str()),
            ..own(subject, RepairKind::Log, OwnFault::LogBroken, Severity::High, text)
        });
    }
    findings.wrong.extend(facts.short.iter().map(short_of_keys));
    findings
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
    // Then it is this node that keeps it from coming, as is said once.
    let is_shut = !facts.own.keep_others_out(facts.now).is_empty();
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
        StandingCode::Blocked if suffers.groups > 0 => {
            let groups = suffers.groups;
            let text = format!(
                "You have blocked {name}, and {groups} {} that people here are in {} on it: nothing new comes from there, and nothing gets there.",
                if groups == 1 { "group" } else { "groups" },
                if groups == 1 { "hangs" } else { "hang" },
            );
            Some(wrong("peer-shut-out", Severity::Low, text, Some(peer.since), Duration::ZERO))
        }
        StandingCode::BlocksUs => {
            let text = format!("The operator of {name} has blocked this provider.");
            Some(wrong("peer-blocked", weighed, text, None, Duration::ZERO))
        }
        StandingCode::Failing => match failure(peer) {
            Some(trouble) if is_absorbed(&trouble.code) => None,
            Some(trouble) => {
                let clock = peer.standing.clock.as_ref().filter(|_| CLOCKS.contains(&trouble.code.as_str()));
                let clock = clock.map(|clock| format!("; {clock}")).unwrap_or_default();
                let why = format!("{}{clock}", trouble.text.trim_end_matches('.'));
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
        StandingCode::Refused => {
            peer.their_pull.refused.as_ref().filter(|it| !is_absorbed(&it.fault.code)).map(|refused| {
                let text = format!("{name} does not get what waits here for it: {}.", refused.fault.text);
                let finding = wrong(&refused.fault.code, weighed, text, None, RESTART);
                RepairFinding { side: refused.side, stage: Some(refused.fault.stage.to_string()), ..finding }
            })
        }
        StandingCode::NotFetched | StandingCode::NotPulled if is_shut => None,
        StandingCode::NotFetched => {
            let text = format!(
                "{name} does not fetch what waits here for it: it is away, or cannot reach this provider."
            );
            let since = peer.their_pull.lag.map(|lag| facts.now.minus(lag));
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

/// Someone who asks to be let in is refused for its certificate. Nothing of it waits for a decision, since nothing proves that it was it,
/// so its operator and ours would both wait for the other.
fn judge_refused(unread: &Unread, findings: &mut Findings) {
    let Unread { provider, in_vain, fault } = unread;
    let text = format!(
        "{provider} comes here and is refused, since its certificate is not taken: {}.",
        fault.text.trim_end_matches('.')
    );
    let into = if in_vain.tries >= RETRIES { &mut findings.wrong } else { &mut findings.begun };
    into.push(RepairFinding {
        subject: RepairSubject::Peer(provider.clone()),
        kind: RepairKind::Stranger,
        code: fault.code.to_string(),
        stage: Some(fault.stage.to_string()),
        severity: Severity::Low,
        side: Side::of_unreached(&fault.code),
        text,
        suffers: Suffers::default(),
        since: Some(in_vain.first),
        patience: RESTART,
    });
    // That it comes no more nobody tells.
    findings.look_again(in_vain.last.plus(COMES_AGAIN));
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

#[cfg(test)]
mod tests {
    use super::super::ourselves::tests::{DAY, NOW, ourselves};
    use super::*;
    use crate::diagnose::Ourselves;
    use crate::operator::{OurPull, PeerStanding, TheirPull};

    /// A peer with which all is well.
    fn peer(name: &str) -> Peer {
        let since = NOW.minus(DAY);
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
                refused: None,
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
        let (text, next) = (String::new(), String::new());
        PeerStanding { code, text, side: None, next, why: None, since: None, clock: None }
    }

    fn trouble(code: &str, count: u32) -> TroubleRow {
        TroubleRow {
            stage: "connect".into(),
            code: code.into(),
            text: "no way there".into(),
            first: NOW.minus(DAY),
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
        judge(&Facts {
            now: NOW,
            started: NOW.minus(DAY),
            own,
            peers,
            refused: &[],
            broken: &[],
            short: &[],
            untold: &[],
        })
    }

    #[test]
    fn groups_that_hang_on_one_who_is_blocked_are_told_of() {
        let mut peer = peer("a.example");
        (peer.state, peer.standing) = (PeerState::Blocked, standing(StandingCode::Blocked));
        assert_eq!(codes(&found(&ourselves(), std::slice::from_ref(&peer))), [""; 0], "nothing hangs on it");
        peer.suffers = Some(Suffers { groups: 2, ..Suffers::default() });
        let findings = found(&ourselves(), &[peer]);
        assert_eq!(codes(&findings), ["peer-shut-out"]);
        assert_eq!((findings.wrong[0].severity, findings.wrong[0].side), (Severity::Low, Side::Ours));
        assert!(findings.wrong[0].text.contains("2 groups that people here are in hang on it"));
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
    fn who_cannot_come_since_we_keep_all_out_is_not_told_of_each() {
        let mut gone = peer("a.example");
        gone.standing = standing(StandingCode::NotPulled);
        assert_eq!(codes(&found(&ourselves(), &[gone.clone()])), ["not-pulled"]);
        let mut own = ourselves();
        own.certificates[0].facts.ends = NOW;
        assert_eq!(codes(&found(&own, &[gone])), ["certificate-expired"]);
    }

    #[test]
    fn a_certificate_that_has_signed_itself_is_no_fault_once_somebody_has_come_by_it() {
        let mut own = ourselves();
        own.certificates[0].facts.self_signed = true;
        assert_eq!(codes(&found(&own, &[peer("a.example")])), [""; 0]);
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
    fn after_a_start_nothing_is_well_that_was_not_looked_at() {
        let own = ourselves();
        let mut before = peer("a.example");
        before.our_pull.last_pull = Some(NOW.minus(DAY));
        before.their_pull.waiting = false;
        before.their_pull.last_pull = Some(NOW.minus(DAY));
        let judged = |peer: &Peer, up: u64| {
            let peers = [peer.clone()];
            let started = NOW.minus(Duration::from_secs(up));
            judge(&Facts {
                now: NOW,
                started,
                own: &own,
                peers: &peers,
                refused: &[],
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
