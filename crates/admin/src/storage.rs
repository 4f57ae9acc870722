//! What takes room on the disk, as the operator sees it, has it removed after a time, and has it given back.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use drawbridge_mtp::id::Provider;
use drawbridge_node::Node;
use drawbridge_node::storage::{
    CompactionFault, FeedSize, InvalidDays, LogSize, MIN_DAYS, Reader, Retention,
    RetentionPreview as Foreseen, Usage,
};

use crate::error::AdminError;
use crate::host::Host;
use crate::request::{Empty, PreviewRetention, SetRetention};
use crate::view::{
    AgedGroup, ClientStorage, Compacted, GroupStorage, PeerStorage, RetentionPreview, Storage, StorageKind,
    StoredKind, Unfetched,
};

pub(crate) async fn storage(host: &Host, Empty {}: Empty) -> Result<Storage, AdminError> {
    shown(&host.node().await?).await
}

pub(crate) async fn preview_retention(
    host: &Host,
    ask: PreviewRetention,
) -> Result<RetentionPreview, AdminError> {
    let node = host.node().await?;
    Ok(node.operator().preview_retention(Retention::new(ask.days)?).await?.into())
}

pub(crate) async fn set_retention(host: &Host, ask: SetRetention) -> Result<Storage, AdminError> {
    let node = host.node().await?;
    node.operator().set_retention(ask.days.map(Retention::new).transpose()?).await?;
    shown(&node).await
}

pub(crate) async fn compact(host: &Host, Empty {}: Empty) -> Result<Storage, AdminError> {
    let node = host.node().await?;
    node.operator().compact().await?;
    shown(&node).await
}

async fn shown(node: &Node) -> Result<Storage, AdminError> {
    let operator = node.operator();
    let usage = operator.storage().await?;
    let (kinds, peers) = (kinds(&usage), peers(&usage, node.provider()));
    let Usage { file, mut logs, mut feeds, free, .. } = usage;
    logs.sort_by_key(|log| Reverse(log.octets));
    feeds.sort_by_key(|feed| Reverse(feed.octets));
    let group = |log: LogSize| GroupStorage {
        ours: log.group.provider() == node.provider(),
        group: log.group,
        name: log.name,
        events: log.events,
        bytes: log.octets,
        contents_from: (log.bodies_from > 1).then_some(log.bodies_from),
    };
    let client = |feed: FeedSize| match feed.reader {
        Reader::Client(client) => {
            Some(ClientStorage { client, bytes: feed.octets, items: feed.items, waiting: feed.waiting })
        }
        Reader::Peer(_) => None,
    };
    Ok(Storage {
        kinds,
        groups: logs.into_iter().map(group).collect(),
        peers,
        clients: feeds.into_iter().filter_map(client).collect(),
        store_bytes: file.octets,
        free_bytes: file.free,
        disk_free_bytes: free,
        retention_days: operator.retention().map(Retention::days),
        least_days: MIN_DAYS,
        compacting_bytes: operator.left_to_give_back(),
        compacted: operator.last_compaction().map(|done| Compacted {
            at: done.at,
            before_bytes: done.before,
            after_bytes: done.after,
        }),
    })
}

fn kinds(usage: &Usage) -> Vec<StoredKind> {
    let of_peer = |feed: &&FeedSize| matches!(feed.reader, Reader::Peer(_));
    let (of_peers, of_clients): (Vec<_>, Vec<_>) = usage.feeds.iter().partition(of_peer);
    let items = |feeds: &[&FeedSize]| {
        (feeds.iter().map(|feed| feed.octets).sum(), Some(feeds.iter().map(|feed| feed.items).sum()))
    };
    let events = usage.logs.iter().map(|log| log.events).sum();
    let backups = usage.backups.unwrap_or_default();
    let kinds: [(StorageKind, (u64, Option<u64>)); 11] = [
        (StorageKind::Logs, (usage.log_octets(), Some(events))),
        (StorageKind::PeerFeeds, items(&of_peers)),
        (StorageKind::ClientFeeds, items(&of_clients)),
        (StorageKind::KeyPackages, (usage.key_packages.octets, Some(usage.key_packages.count))),
        (StorageKind::Other, (usage.other_octets(), None)),
        (StorageKind::Free, (usage.file.free, None)),
        (StorageKind::WriteAhead, (usage.write_ahead, None)),
        (StorageKind::Traffic, (usage.traffic, None)),
        (StorageKind::Conversations, (usage.conversations, None)),
        (StorageKind::Backups, (backups.octets, usage.backups.map(|backups| backups.count))),
        (StorageKind::Copies, (usage.copies.octets, Some(usage.copies.count))),
    ];
    kinds.into_iter().map(|(kind, (bytes, count))| StoredKind { kind, bytes, count }).collect()
}

/// What is kept for each provider, its feed, and of it, our copies of its groups' logs.
fn peers(usage: &Usage, ours: &Provider) -> Vec<PeerStorage> {
    let mut peers: BTreeMap<&Provider, PeerStorage> = BTreeMap::new();
    let none = |provider: &Provider| PeerStorage {
        provider: provider.clone(),
        bytes: 0,
        feed_bytes: 0,
        items: 0,
        waiting: 0,
        groups: 0,
        group_bytes: 0,
    };
    for feed in &usage.feeds {
        if let Reader::Peer(provider) = &feed.reader {
            let peer = peers.entry(provider).or_insert_with(|| none(provider));
            (peer.feed_bytes, peer.items, peer.waiting) = (feed.octets, feed.items, feed.waiting);
        }
    }
    let theirs = usage.logs.iter().filter(|log| log.group.provider() != ours);
    for log in theirs {
        let owner = log.group.provider();
        let peer = peers.entry(owner).or_insert_with(|| none(owner));
        peer.groups += 1;
        peer.group_bytes += log.octets;
    }
    let mut peers: Vec<_> = peers.into_values().collect();
    for peer in &mut peers {
        peer.bytes = peer.feed_bytes + peer.group_bytes;
    }
    peers.sort_by_key(|peer| Reverse(peer.bytes));
    peers
}

impl From<Foreseen> for RetentionPreview {
    fn from(preview: Foreseen) -> Self {
        let groups = preview.logs.into_iter().map(|log| AgedGroup {
            group: log.group,
            messages: log.messages,
            bytes: log.octets,
            oldest: log.oldest,
        });
        let unfetched = preview.unfetched.into_iter().map(|behind| Unfetched {
            reader: match behind.reader {
                Reader::Peer(provider) => provider.to_string(),
                Reader::Client(client) => client.to_string(),
            },
            fetched: behind.pulled,
            held: behind.held,
            lost: behind.lost,
        });
        Self {
            days: preview.retention.days(),
            messages: preview.messages,
            bytes: preview.octets,
            oldest: preview.oldest,
            groups: groups.collect(),
            held: preview.held,
            unfetched: unfetched.collect(),
        }
    }
}

impl From<InvalidDays> for AdminError {
    fn from(fault: InvalidDays) -> Self {
        Self::new("unfit", fault.to_string())
    }
}

impl From<CompactionFault> for AdminError {
    fn from(fault: CompactionFault) -> Self {
        Self::new(fault.code(), fault.to_string())
    }
}
