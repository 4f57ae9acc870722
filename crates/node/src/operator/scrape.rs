//! What a monitoring system is told: what the node has counted, and what is so with it now (`docs/operators.md`).

use std::time::Duration;

use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;

use super::overview::Overview;
use super::peers::Peer;
use super::{Operator, ReadFault};
use crate::metrics::{OTHER, States};
use crate::peers::PullingStatus;
use crate::store::OutboxSize;

/// So many peers have series of their own, the first by name: with each, there is more for the monitoring system to keep.
const NAMED_PEERS: usize = 100;

const STATES: [PeerState; 5] =
    [PeerState::Unknown, PeerState::Pending, PeerState::Allowed, PeerState::Blocked, PeerState::KeyChanged];

const STATUSES: [(PullingStatus, &str); 7] = [
    (PullingStatus::Idle, "idle"),
    (PullingStatus::Asking, "asking"),
    (PullingStatus::Waiting, "waiting"),
    (PullingStatus::Introducing, "introducing"),
    (PullingStatus::BackingOff, "backing-off"),
    (PullingStatus::Paused, "paused"),
    (PullingStatus::Stopped, "stopped"),
];

/// What each gauge tells.
const GAUGES: [(&str, &str); 23] = [
    (BUILD_INFO, "1; the label is this version."),
    (START_TIME, "When the node was started, as Unix time."),
    (PEERS, "Providers that this one has met, by the operator's decision on them."),
    (PULLERS, "Allowed peers, by what our puller does there."),
    (UNSTORED, "Items that a peer has told of and that are not stored here yet."),
    (UNACKNOWLEDGED, "Items for a peer that it has not acknowledged yet."),
    (LAG, "How long the oldest item that a peer has not acknowledged has waited for it."),
    (FAILURES, "Tries to pull from a peer that failed in a row."),
    (TROUBLES, "Troubles with a peer that go on."),
    (LAST_PULL, "When a pull of ours was last answered by a peer, as Unix time."),
    (LATENCY, "Round trip of the last request to a peer that was answered without waiting."),
    (WAITING_PULLS, "Pulls of peers and of clients that wait here for news."),
    (DECISIONS, "What waits for the operator's decision."),
    (ACCOUNTS, "Accounts of this provider."),
    (CONNECTIONS, "Pairs of users that are connected."),
    (BROKEN_GROUPS, "Groups whose log cannot be believed."),
    (SPENT_CLIENTS, "Clients that have no fresh KeyPackage left to be added to a group with."),
    (STORE_SIZE, "Size of the store on disk."),
    (STORE_TROUBLE, "1 while the store cannot keep what it is given."),
    (OUTBOX, "Submissions of our clients that wait for the owners of their groups."),
    (OUTBOX_SIZE, "Octets of those submissions."),
    (OUTBOX_AGE, "How long the oldest of those submissions has waited."),
    (CERTIFICATE, "When a certificate of ours ends, as Unix time."),
];

const BUILD_INFO: &str = "drawbridge_build_info";
const START_TIME: &str = "drawbridge_start_time_seconds";
const PEERS: &str = "drawbridge_peers";
const PULLERS: &str = "drawbridge_pullers";
const UNSTORED: &str = "drawbridge_peer_unstored_items";
const UNACKNOWLEDGED: &str = "drawbridge_peer_unacknowledged_items";
const LAG: &str = "drawbridge_peer_lag_seconds";
const FAILURES: &str = "drawbridge_peer_failures";
const TROUBLES: &str = "drawbridge_peer_troubles";
const LAST_PULL: &str = "drawbridge_peer_last_pull_timestamp_seconds";
const LATENCY: &str = "drawbridge_peer_latency_seconds";
const WAITING_PULLS: &str = "drawbridge_waiting_pulls";
const DECISIONS: &str = "drawbridge_waiting_decisions";
const ACCOUNTS: &str = "drawbridge_accounts";
const CONNECTIONS: &str = "drawbridge_connections";
const BROKEN_GROUPS: &str = "drawbridge_broken_groups";
const SPENT_CLIENTS: &str = "drawbridge_spent_clients";
const STORE_SIZE: &str = "drawbridge_store_size_bytes";
const STORE_TROUBLE: &str = "drawbridge_store_trouble";
const OUTBOX: &str = "drawbridge_outbox_submissions";
const OUTBOX_SIZE: &str = "drawbridge_outbox_size_bytes";
const OUTBOX_AGE: &str = "drawbridge_outbox_age_seconds";
const CERTIFICATE: &str = "drawbridge_certificate_end_timestamp_seconds";

impl Operator {
    /// What the node has counted and what is so with it now, in the text format of Prometheus.
    ///
    /// Labels have a bounded number of values: what others choose is never one, but for the names of the first hundred
    /// peers that the operator has let in. The rest of these are told as `other`.
    pub async fn scrape(&self) -> Result<String, ReadFault> {
        let seen = self.overview().await?;
        let outbox = self.store.read::<_, ReadFault>(|view| Ok(view.outbox_size()?)).await?;
        let states = States::new();
        GAUGES.iter().for_each(|(name, text)| states.describe(name, text));
        add_node(&states, &seen, &outbox, self.ground.ambient.now());
        add_peers(&states, &seen.peers);
        states.add_process();
        Ok(self.ground.metrics.render() + &states.render())
    }
}

fn add_node(states: &States, seen: &Overview, outbox: &OutboxSize, now: Timestamp) {
    let age = outbox.oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
    states.set(BUILD_INFO, &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    for (name, value) in [
        (START_TIME, seconds(seen.started)),
        (WAITING_PULLS, seen.waiting_pulls as f64),
        (ACCOUNTS, seen.users as f64),
        (CONNECTIONS, seen.connections as f64),
        (BROKEN_GROUPS, seen.broken_groups.len() as f64),
        (SPENT_CLIENTS, seen.short_clients.iter().filter(|short| short.available == 0).count() as f64),
        (STORE_SIZE, seen.store_bytes as f64),
        (STORE_TROUBLE, f64::from(u8::from(seen.ourselves.store.is_some()))),
        (OUTBOX, outbox.submissions as f64),
        (OUTBOX_SIZE, outbox.bytes as f64),
        (OUTBOX_AGE, age.as_secs_f64()),
    ] {
        states.set(name, &[], value);
    }
    for (kind, count) in [
        ("provider", seen.waiting.providers),
        ("connection", seen.waiting.connections),
        ("addition", seen.waiting.additions),
    ] {
        states.set(DECISIONS, &[("kind", kind)], count as f64);
    }
    for certificate in &seen.ourselves.certificates {
        states.set(CERTIFICATE, &[("section", certificate.section)], seconds(certificate.facts.ends));
    }
}

fn add_peers(states: &States, peers: &[Peer]) {
    for state in STATES {
        let count = peers.iter().filter(|peer| peer.state == state).count();
        states.set(PEERS, &[("state", &state.to_string())], count as f64);
    }
    let allowed: Vec<&Peer> = peers.iter().filter(|peer| peer.state == PeerState::Allowed).collect();
    for (status, word) in STATUSES {
        let count = allowed.iter().filter(|peer| peer.our_pull.status == status).count();
        states.set(PULLERS, &[("status", word)], count as f64);
    }
    let (named, rest) = allowed.split_at(allowed.len().min(NAMED_PEERS));
    for peer in named {
        add_peer(states, peer.provider.as_str(), std::slice::from_ref(peer));
    }
    if !rest.is_empty() {
        add_peer(states, OTHER, rest);
    }
}

/// Tells of `peers` as of one: sums, and of times the worst.
fn add_peer(states: &States, name: &str, peers: &[&Peer]) {
    let labels = [("peer", name)];
    let sum = |count: fn(&Peer) -> u64| peers.iter().map(|peer| count(peer)).sum::<u64>() as f64;
    for (name, value) in [
        (UNSTORED, sum(|peer| peer.our_pull.head.saturating_sub(peer.our_pull.cursor))),
        (UNACKNOWLEDGED, sum(|peer| peer.their_pull.head.saturating_sub(peer.their_pull.acknowledged))),
        (FAILURES, sum(|peer| peer.our_pull.failures.into())),
        (TROUBLES, sum(|peer| peer.troubles.len() as u64)),
    ] {
        states.set(name, &labels, value);
    }
    let lag = peers.iter().filter_map(|peer| peer.their_pull.lag).max().unwrap_or_default();
    states.set(LAG, &labels, lag.as_secs_f64());
    // What has not been is left out: no value would be true.
    if let Some(last) = peers.iter().filter_map(|peer| peer.our_pull.last_pull).min() {
        states.set(LAST_PULL, &labels, seconds(last));
    }
    if let Some(latency) = peers.iter().filter_map(|peer| peer.our_pull.latency).max() {
        states.set(LATENCY, &labels, latency.as_secs_f64());
    }
}

/// As Unix time.
fn seconds(time: Timestamp) -> f64 {
    Duration::from_millis(time.as_millis()).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::{OurPull, PeerStanding, StandingCode, TheirPull};

    fn peer(number: u64) -> Peer {
        let since = Timestamp::from_secs(1000 + number);
        Peer {
            provider: format!("p{number:03}.example").parse().unwrap(),
            state: PeerState::Allowed,
            since,
            their_state: None,
            keys: Vec::new(),
            new_keys: Vec::new(),
            software: None,
            endpoint: None,
            our_pull: OurPull {
                status: PullingStatus::Waiting,
                since,
                last_pull: Some(since),
                next_try: None,
                failures: 0,
                latency: None,
                cursor: 3,
                head: 5,
            },
            their_pull: TheirPull {
                waiting: true,
                last_pull: None,
                gone_since: None,
                head: 9,
                acknowledged: 6,
                lag: Some(Duration::from_secs(number)),
                refused: None,
            },
            outbox: 0,
            connections: 0,
            troubles: Vec::new(),
            kept: None,
            suffers: None,
            standing: PeerStanding {
                code: StandingCode::Well,
                text: String::new(),
                side: None,
                next: String::new(),
                why: None,
                since: None,
                clock: None,
            },
        }
    }

    #[test]
    fn a_hundred_peers_have_series_of_their_own_and_the_rest_share_one() {
        let mut peers: Vec<_> = (0..150).map(peer).collect();
        peers[0].state = PeerState::Pending;
        let states = States::new();
        add_peers(&states, &peers);
        let text = states.render();
        let told = |line: &str| assert!(text.lines().any(|told| told == line), "{line} is not in {text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("drawbridge_peer_lag_seconds{")).count(), 101);
        assert!(!text.contains("p000.example"), "who is not let in has no series");
        told(r#"drawbridge_peers{state="allowed"} 149"#);
        told(r#"drawbridge_pullers{status="waiting"} 149"#);
        told(r#"drawbridge_peer_unacknowledged_items{peer="p100.example"} 3"#);
        told(r#"drawbridge_peer_unacknowledged_items{peer="other"} 147"#);
        told(r#"drawbridge_peer_unstored_items{peer="other"} 98"#);
        told(r#"drawbridge_peer_lag_seconds{peer="other"} 149"#);
        told(r#"drawbridge_peer_last_pull_timestamp_seconds{peer="other"} 1101"#);
        assert!(!text.contains("latency"), "no value would be true");
    }
}
