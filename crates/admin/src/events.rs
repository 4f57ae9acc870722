//! The one stream of events: numbered, so that a GUI that lost its place can go on, and told again as a reload where
//! it cannot.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_node::{Change, Node};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use crate::built_in_clients::{AccountChange, ChangedPart};
use crate::site::Site;
use crate::view::{Event, EventEnvelope};

/// Events that a GUI can be behind.
const KEPT: usize = 512;
/// Changes within this are told together: much happens at once, and a screen is drawn once.
const GATHER: Duration = Duration::from_millis(40);
/// Requests that one event tells of.
const TRAFFIC: usize = 100;
/// Requests that a GUI can be behind: they are what events are large by.
const KEPT_TRAFFIC: usize = 400;

/// Numbers events and hands them out.
pub(crate) struct Hub {
    incarnation: String,
    latest: Mutex<VecDeque<EventEnvelope>>,
    sender: broadcast::Sender<EventEnvelope>,
}

/// A place in the stream.
pub struct Subscription {
    hub: Arc<Hub>,
    missed: VecDeque<EventEnvelope>,
    receiver: broadcast::Receiver<EventEnvelope>,
}

impl Hub {
    pub(crate) fn new() -> Arc<Self> {
        let mut seed = [0; 16];
        drawbridge_node::ambient::Ambient::fill(&drawbridge_node::ambient::System, &mut seed);
        let incarnation = seed.iter().map(|octet| format!("{octet:02x}")).collect();
        Arc::new(Self { incarnation, latest: Mutex::default(), sender: broadcast::channel(KEPT).0 })
    }

    pub(crate) fn publish(&self, event: Event) {
        let mut latest = self.latest();
        let cursor = latest.back().map_or(1, |last| last.cursor + 1);
        let envelope = EventEnvelope { incarnation: self.incarnation.clone(), cursor, event };
        latest.push_back(envelope.clone());
        let requests = |envelope: &EventEnvelope| match &envelope.event {
            Event::Traffic { records } => records.len(),
            _ => 0,
        };
        let mut kept: usize = latest.iter().map(requests).sum();
        while latest.len() > KEPT || kept > KEPT_TRAFFIC {
            kept -= latest.pop_front().as_ref().map_or(0, requests);
        }
        // Nobody looks: nobody misses it.
        let _ = self.sender.send(envelope);
    }

    /// Goes on behind `after` (incarnation and cursor), or begins with a reload where that place is lost.
    pub(crate) fn subscribe(self: &Arc<Self>, after: Option<(String, u64)>) -> Subscription {
        let latest = self.latest();
        let receiver = self.sender.subscribe();
        let head = latest.back().map_or(0, |last| last.cursor);
        let first = latest.front().map_or(1, |first| first.cursor);
        let missed = match after {
            Some((incarnation, cursor))
                if incarnation == self.incarnation && cursor.saturating_add(1) >= first && cursor <= head =>
            {
                latest.iter().filter(|envelope| envelope.cursor > cursor).cloned().collect()
            }
            _ => VecDeque::from([self.reload(head)]),
        };
        drop(latest);
        Subscription { hub: self.clone(), missed, receiver }
    }

    fn reload(&self, cursor: u64) -> EventEnvelope {
        EventEnvelope { incarnation: self.incarnation.clone(), cursor, event: Event::Reload }
    }

    fn latest(&self) -> MutexGuard<'_, VecDeque<EventEnvelope>> {
        self.latest.lock()
    }
}

impl Subscription {
    /// The next event; waits for it.
    pub async fn next(&mut self) -> EventEnvelope {
        if let Some(missed) = self.missed.pop_front() {
            return missed;
        }
        match self.receiver.recv().await {
            Ok(envelope) => envelope,
            Err(RecvError::Lagged(_)) => {
                self.receiver = self.receiver.resubscribe();
                self.hub.reload(self.hub.latest().back().map_or(0, |last| last.cursor))
            }
            // The hub is ours too, so its sender is there.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Tells what changes in `site`, until the task is aborted.
pub(crate) fn follow(hub: Arc<Hub>, site: Site) -> JoinHandle<()> {
    tokio::spawn(async move {
        let Site { node, clients } = site;
        let (changes, told) = (node.changes().listen(), clients.listen());
        tokio::join!(
            follow_changes(&hub, &node, changes),
            follow_traffic(&hub, &node),
            follow_built_in_clients(&hub, told)
        );
    })
}

async fn follow_built_in_clients(hub: &Hub, mut told: broadcast::Receiver<AccountChange>) {
    loop {
        let mut events = BTreeSet::new();
        let mut next = told.recv().await;
        tokio::time::sleep(GATHER).await;
        loop {
            match next {
                Ok(AccountChange { user, what }) => drop(events.insert((user, what))),
                Err(RecvError::Lagged(_)) => hub.publish(Event::Reload),
                Err(RecvError::Closed) => return,
            }
            match told.try_recv() {
                Ok(more) => next = Ok(more),
                Err(_) => break,
            }
        }
        for (user, what) in events {
            match what {
                ChangedPart::Client(drawbridge_client::ClientChange::Conversation(group)) => {
                    hub.publish(Event::Conversation { user, group });
                }
                ChangedPart::Client(_) => hub.publish(Event::Conversations { user }),
                ChangedPart::Account => {
                    hub.publish(Event::Accounts);
                    hub.publish(Event::Conversations { user });
                }
            }
        }
    }
}

/// The groups of those among `peers` whose pull here has come to be well, or not well any more: they are shown with it.
async fn groups_reached(
    node: &Node,
    peers: BTreeSet<Provider>,
    reached: &mut HashMap<Provider, bool>,
) -> Vec<GroupUri> {
    let mut turned = BTreeSet::new();
    for peer in peers {
        let is_well =
            node.operator().pulling(&peer).is_some_and(|now| now.failures == 0 && now.status.is_well());
        if reached.insert(peer.clone(), is_well) != Some(is_well) {
            turned.insert(peer);
        }
    }
    if turned.is_empty() {
        return Vec::new();
    }
    node.operator().groups_of(turned).await.unwrap_or_default()
}

async fn follow_changes(hub: &Hub, node: &Node, mut changes: broadcast::Receiver<Change>) {
    let mut reached = HashMap::new();
    loop {
        let mut gathered = vec![changes.recv().await];
        tokio::time::sleep(GATHER).await;
        while let Ok(change) = changes.try_recv() {
            gathered.push(Ok(change));
        }
        let mut events: Vec<Event> = Vec::new();
        let mut tell = |event: Event| {
            let same = |told: &Event| match (told, &event) {
                (Event::Group { group: told }, Event::Group { group }) => told == group,
                (Event::StockLow { client: told }, Event::StockLow { client }) => told == client,
                _ => std::mem::discriminant(told) == std::mem::discriminant(&event),
            };
            if !events.iter().any(same) {
                events.push(event);
            }
        };
        let (mut waiting, mut additions, mut stocks) = (Vec::new(), Vec::new(), Vec::new());
        let mut raised = Vec::new();
        let mut dealt = BTreeSet::new();
        for change in gathered {
            match change {
                Ok(Change::Peer(_)) => {
                    tell(Event::Peers);
                    tell(Event::Approvals);
                }
                Ok(Change::Request(_)) => tell(Event::Approvals),
                Ok(Change::WaitingAddition(provider, id)) => additions.push((provider, id)),
                Ok(Change::Group(group)) => tell(Event::Group { group }),
                Ok(Change::Dealings(peer)) => {
                    tell(Event::Peers);
                    dealt.insert(peer);
                }
                Ok(Change::Accounts) => tell(Event::Accounts),
                Ok(Change::Stock(client)) => {
                    tell(Event::Accounts);
                    stocks.push(client);
                }
                Ok(Change::Outbox(_)) => {}
                Ok(Change::Settings) => tell(Event::Settings),
                Ok(Change::Repairs) => tell(Event::Repairs),
                Ok(Change::RepairRaised(id)) => raised.push(id),
                Ok(Change::WaitingPeer(provider)) => waiting.push((provider, None)),
                Ok(Change::WaitingConnection(provider, id)) => waiting.push((provider, Some(id))),
                Err(RecvError::Lagged(_)) => tell(Event::Reload),
                Err(RecvError::Closed) => return,
            }
        }
        for group in groups_reached(node, dealt, &mut reached).await {
            tell(Event::Group { group });
        }
        events.into_iter().for_each(|event| hub.publish(event));
        for (provider, id) in waiting {
            // Where the request cannot be read, it is told all the same that its provider has one that waits.
            let connection = match id {
                Some(id) => node.operator().waiting_connection(&provider, id).await.unwrap_or_default(),
                None => None,
            };
            hub.publish(Event::Waiting { provider, connection: connection.map(Into::into) });
        }
        for (provider, id) in additions {
            if let Ok(Some(shown)) = node.operator().waiting_addition(&provider, id).await {
                hub.publish(Event::AdditionWaiting { addition: shown.into() });
            }
        }
        // What is gone again by now is no news.
        if !raised.is_empty() {
            let open = node.operator().open_repairs().into_iter();
            open.filter(|row| raised.contains(&row.id))
                .for_each(|row| hub.publish(Event::RepairRaised { repair: row.into() }));
        }
        stocks.dedup();
        for client in stocks {
            if node.operator().is_stock_low(&client).await.unwrap_or_default() {
                hub.publish(Event::StockLow { client });
            }
        }
    }
}

async fn follow_traffic(hub: &Hub, node: &Node) {
    let mut revisions = node.operator().traffic().revisions();
    let mut told = *revisions.borrow();
    while revisions.changed().await.is_ok() {
        tokio::time::sleep(GATHER).await;
        let (records, revision) = node.operator().traffic().since(told, TRAFFIC);
        told = revision;
        if !records.is_empty() {
            hub.publish(Event::Traffic {
                records: records.iter().map(|record| (&**record).into()).collect(),
            });
        }
    }
}
