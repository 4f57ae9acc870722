//! Whom we federate with, and how it goes.

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::message::PeerState;
use drawbridge_node::diagnose::readable;
use drawbridge_node::store::{Cursor, FeedPlace, Kept, PeerRow, Reader, StoreFault, TroubleRow, View};
use drawbridge_node::{Node, PullingStatus};

use crate::error::AdminError;
use crate::host::Host;
use crate::request::{Check, Empty, NamedPeer, PausePeer, Peers};
use crate::view::{self, CheckStep, KeptOfPeer, Peer, Pulling, Serving};

/// What the store knows of a peer.
struct Known {
    row: PeerRow,
    keys: Vec<String>,
    cursor: Option<Cursor>,
    feed: Option<FeedPlace>,
    connections: u32,
    troubles: Vec<TroubleRow>,
    kept: Option<KeptOfPeer>,
}

fn known(view: &View<'_>, row: PeerRow) -> Result<Known, StoreFault> {
    let provider = &row.provider;
    Ok(Known {
        keys: view.accepted_keys(provider)?.iter().map(ToString::to_string).collect(),
        cursor: view.cursor(provider)?,
        feed: view.feed(&Reader::Peer(provider.clone()))?,
        connections: view.count_approved(provider)?,
        troubles: view.troubles(provider)?,
        kept: None,
        row,
    })
}

fn kept(view: &View<'_>, provider: &Provider) -> Result<KeptOfPeer, StoreFault> {
    Ok(KeptOfPeer {
        requests: view.count_kept(provider, Kept::Connections)?
            + view.count_kept(provider, Kept::Authorizations)?,
        items: view.count_received(provider)?,
        withdrawn: view.count_withdrawn(provider)?,
    })
}

/// `pulling` is of before the store was read: a trouble is kept before its puller rests, so who rests is shown with it.
fn show(node: &Node, known: Known, pulling: Option<drawbridge_node::Pulling>, with_past: bool) -> Peer {
    let Known { row, keys, cursor, feed, connections, troubles, kept } = known;
    let document = node.document_of(&row.provider);
    let new_fingerprints = match (&document, row.state) {
        (Some(document), PeerState::KeyChanged) => {
            document.keys.iter().map(|key| key.thumbprint().to_string()).collect()
        }
        _ => Vec::new(),
    };
    let unattended = match row.state {
        PeerState::Unknown | PeerState::Pending | PeerState::Allowed => PullingStatus::Idle,
        PeerState::Blocked | PeerState::KeyChanged => PullingStatus::Stopped,
    };
    let software = document.as_ref().and_then(|document| document.software.as_ref());
    Peer {
        software: software.map(|it| {
            let words = format!("{} {}", it.name, it.version.as_deref().unwrap_or_default());
            readable(words.trim_end())
        }),
        endpoint: document.as_ref().map(|document| document.endpoint.to_string()),
        state: row.state,
        since: row.since,
        their_state: row.their_state,
        fingerprints: keys,
        new_fingerprints,
        pulling: Pulling {
            status: pulling.map_or(unattended, |pulling| pulling.status).into(),
            since: pulling.map_or(row.since, |pulling| pulling.since),
            last_pull: pulling.and_then(|pulling| pulling.last_pull).or(row.last_pull),
            next_try: pulling.and_then(|pulling| pulling.next_try),
            failures: pulling.map_or(0, |pulling| pulling.failures),
            cursor: cursor.as_ref().map_or(0, |cursor| cursor.seq),
            head: cursor.as_ref().map_or(0, |cursor| cursor.head),
        },
        serving: serving(node, &row.provider, feed.as_ref()),
        latency_ms: pulling.and_then(|pulling| pulling.latency).map(|took| took.as_secs_f64() * 1000.0),
        connections,
        troubles: troubles.into_iter().filter(|trouble| with_past || !trouble.over).map(Into::into).collect(),
        kept,
        provider: row.provider,
    }
}

fn serving(node: &Node, peer: &Provider, feed: Option<&FeedPlace>) -> Serving {
    let waiting = node.is_pulled_by(peer) || node.is_awaited_by(peer);
    let last_pull = node.serving(peer).last_pull.or(feed.and_then(|feed| feed.pulled));
    let lag = feed.and_then(|feed| feed.waiting_since).map(|since| node.now().since(since));
    Serving {
        waiting,
        last_pull,
        gone_since: last_pull.filter(|_| !waiting),
        head: feed.map_or(0, |feed| feed.head),
        acknowledged: feed.map_or(0, |feed| feed.acknowledged),
        lag_ms: lag.map(|lag| u64::try_from(lag.as_millis()).unwrap_or(u64::MAX)),
    }
}

pub(crate) async fn peers(host: &Host, Empty {}: Empty) -> Result<Peers, AdminError> {
    Ok(Peers { peers: list(&host.node().await?).await? })
}

/// All peers as every screen shows them, each with what troubles it now.
pub(crate) async fn list(node: &Node) -> Result<Vec<Peer>, StoreFault> {
    let pulling = node.all_pulling();
    let all = node.store().read(|view| {
        view.peers()?.into_iter().map(|row| known(view, row)).collect::<Result<Vec<_>, StoreFault>>()
    });
    let show = |known: Known| {
        let pulling = pulling.get(&known.row.provider).copied();
        show(node, known, pulling, false)
    };
    Ok(all.await?.into_iter().map(show).collect())
}

pub(crate) async fn peer(host: &Host, ask: NamedPeer) -> Result<Peer, AdminError> {
    let node = host.node().await?;
    let now = node.now();
    // The screen of a peer reads it again with each change of it, so this says whether it is open.
    node.look_at_peer(&ask.provider);
    let pulling = node.pulling(&ask.provider);
    let one = node.store().read(move |view| {
        let kept = Some(kept(view, &ask.provider)?);
        let row = view.peer(&ask.provider)?;
        let known = known(view, row.unwrap_or_else(|| PeerRow::new(ask.provider, PeerState::Unknown, now)))?;
        Ok::<_, StoreFault>(Known { kept, ..known })
    });
    Ok(show(&node, one.await?, pulling, true))
}

pub(crate) async fn retry_peer(host: &Host, ask: NamedPeer) -> Result<Peer, AdminError> {
    host.node().await?.retry_peer(&ask.provider).await;
    peer(host, ask).await
}

pub(crate) async fn pause_peer(host: &Host, ask: PausePeer) -> Result<Peer, AdminError> {
    host.node().await?.pause_peer(ask.provider.clone(), ask.paused).await?;
    peer(host, NamedPeer { provider: ask.provider }).await
}

pub(crate) async fn accept_key(host: &Host, ask: NamedPeer) -> Result<Peer, AdminError> {
    host.node().await?.accept_key(ask.provider.clone()).await?;
    peer(host, ask).await
}

pub(crate) async fn check(host: &Host, ask: NamedPeer) -> Result<Check, AdminError> {
    let steps = host.node().await?.check(&ask.provider).await;
    let steps = steps.into_iter().map(|step| CheckStep {
        stage: view::Stage::from(step.stage),
        ok: step.code.is_none(),
        duration_ms: step.took.as_secs_f64() * 1000.0,
        text: step.text,
        code: step.code,
    });
    Ok(Check { steps: steps.collect() })
}
