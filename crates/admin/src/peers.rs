//! Whom we federate with, and how it goes.

use drawbridge_mtp::id::Provider;
use drawbridge_node::operator;

use crate::convert::{millis, same};
use crate::error::AdminError;
use crate::host::Host;
use crate::request::{AcceptKey, Empty, NamedPeer, PausePeer, Peers};
use crate::view::{KeptOfPeer, Peer, PeerStanding, PeerStandingCode, Pulling, Serving, Suffers};

impl From<operator::Peer> for Peer {
    fn from(peer: operator::Peer) -> Self {
        let texts = |keys: Vec<_>| keys.iter().map(ToString::to_string).collect();
        Self {
            provider: peer.provider,
            state: peer.state,
            since: peer.since,
            their_state: peer.their_state,
            fingerprints: texts(peer.keys),
            new_fingerprints: texts(peer.new_keys),
            software: peer.software,
            endpoint: peer.endpoint.map(|endpoint| endpoint.to_string()),
            latency_ms: peer.our_pull.latency.map(millis),
            pulling: peer.our_pull.into(),
            serving: peer.their_pull.into(),
            connections: peer.connections,
            troubles: peer.troubles.into_iter().map(Into::into).collect(),
            kept: peer.kept.map(Into::into),
            suffers: peer.suffers.map(Into::into),
            standing: peer.standing.into(),
        }
    }
}

same!(operator::StandingCode => PeerStandingCode {
    KeyChanged, Blocked, WaitsHere, Unmet, BlocksUs, Paused, Failing, WaitsThere, Refused, NotFetched, NotPulled, Troubled,
    Quiet, Well,
});

impl From<operator::PeerStanding> for PeerStanding {
    fn from(standing: operator::PeerStanding) -> Self {
        let operator::PeerStanding { code, text, side, next, .. } = standing;
        Self { code: code.into(), text, side: side.map(Into::into), next }
    }
}

impl From<operator::Suffers> for Suffers {
    fn from(suffers: operator::Suffers) -> Self {
        let operator::Suffers { groups, users, submissions } = suffers;
        Self { groups, users, submissions }
    }
}

impl From<operator::OurPull> for Pulling {
    fn from(pull: operator::OurPull) -> Self {
        let operator::OurPull { status, since, last_pull, next_try, failures, cursor, head, .. } = pull;
        Self { status: status.into(), since, last_pull, next_try, failures, cursor, head }
    }
}

impl From<operator::TheirPull> for Serving {
    fn from(pull: operator::TheirPull) -> Self {
        let operator::TheirPull { waiting, last_pull, gone_since, head, acknowledged, lag, .. } = pull;
        let lag_ms = lag.map(|lag| u64::try_from(lag.as_millis()).unwrap_or(u64::MAX));
        Self { waiting, last_pull, gone_since, head, acknowledged, lag_ms }
    }
}

impl From<operator::KeptOfPeer> for KeptOfPeer {
    fn from(kept: operator::KeptOfPeer) -> Self {
        let operator::KeptOfPeer { requests, items, withdrawn } = kept;
        Self { requests, items, withdrawn }
    }
}

pub(crate) async fn peers(host: &Host, Empty {}: Empty) -> Result<Peers, AdminError> {
    let peers = host.node().await?.operator().peers().await?;
    Ok(Peers { peers: peers.into_iter().map(Into::into).collect() })
}

pub(crate) async fn peer(host: &Host, ask: NamedPeer) -> Result<Peer, AdminError> {
    // The screen of a peer reads it again with each change of it, so this says that it is open.
    host.node().await?.operator().look_at_peer(&ask.provider);
    show(host, ask.provider).await
}

/// What is known of `provider`, after something was done about it.
pub(crate) async fn show(host: &Host, provider: Provider) -> Result<Peer, AdminError> {
    Ok(host.node().await?.operator().peer(&provider).await?.into())
}

pub(crate) async fn retry_peer(host: &Host, ask: NamedPeer) -> Result<Peer, AdminError> {
    host.node().await?.operator().retry_peer(&ask.provider).await;
    show(host, ask.provider).await
}

pub(crate) async fn pause_peer(host: &Host, ask: PausePeer) -> Result<Peer, AdminError> {
    host.node().await?.operator().pause_peer(ask.provider.clone(), ask.paused).await?;
    show(host, ask.provider).await
}

pub(crate) async fn accept_key(host: &Host, ask: AcceptKey) -> Result<Peer, AdminError> {
    host.node().await?.operator().accept_key(ask.provider.clone(), &ask.fingerprints).await?;
    show(host, ask.provider).await
}
