//! What waits for the operator, and what was decided.

use std::cmp::Reverse;
use std::time::Duration;

use drawbridge_mtp::id::{Id, Provider};
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;

use super::shown::{Additions, Connections, ShownAddition, ShownConnection};
use super::{Operator, ReadFault};
use crate::delivery::{WaitKind, Waits};
use crate::store::{
    Addition, AuthorizationRow, Connection, ConnectionRow, DecidedBy, PeerRow, Reader, StoreFault, View,
};

/// Decisions that are shown, the latest.
const DECIDED: u32 = 500;

/// How much waits for the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Providers that wait to be let in.
    pub providers: u64,
    /// Requests for a connection; several of one user to another count as one.
    pub connections: u64,
    /// Requests to add somebody to a group; several for one addition count as one.
    pub additions: u64,
}

impl Waiting {
    pub(super) fn count(view: &View<'_>) -> Result<Self, StoreFault> {
        Ok(Self {
            providers: view.count_waiting_peers()?,
            connections: view.count_waiting::<Connection>()?,
            additions: view.count_waiting::<Addition>()?,
        })
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.providers + self.connections + self.additions
    }
}

/// What waits, whom our users wait for, and what was decided.
#[derive(Clone, Debug)]
pub struct Approvals {
    /// Providers that wait to be let in, the newest first.
    pub providers: Vec<WaitingProvider>,
    /// Requests for a connection that wait, the newest first.
    pub incoming: Vec<ShownConnection>,
    /// Open requests of our users for a connection, the newest first.
    pub outgoing: Vec<ShownConnection>,
    /// Requests to add somebody to a group that wait, the newest first.
    pub additions: Vec<ShownAddition>,
    /// Open requests of our users to add somebody, the newest first.
    pub outgoing_additions: Vec<ShownAddition>,
    /// What was decided or set aside, the latest first: the last 500 decisions.
    pub decided: Vec<DecidedItem>,
}

/// A provider that waits to be let in.
#[derive(Clone, Debug)]
pub struct WaitingProvider {
    /// Which.
    pub provider: Provider,
    /// When it asked first.
    pub since: Timestamp,
    /// When it is forgotten, where nobody decides.
    pub expires: Timestamp,
    /// Whether a request of it waits here for the decision right now.
    pub is_here: bool,
    /// How many of its requests for connections are held.
    pub connections: u32,
    /// The keys that it has shown.
    pub keys: Vec<Thumbprint>,
}

impl WaitingProvider {
    /// `peer`, which is forgotten where it has waited for `held_for`.
    fn of(
        view: &View<'_>,
        waits: &Waits,
        peer: &PeerRow,
        held_for: Duration,
        now: Timestamp,
    ) -> Result<Self, StoreFault> {
        let provider = peer.provider.clone();
        Ok(Self {
            since: peer.since,
            expires: peer.since.plus(held_for),
            is_here: waits.waits(WaitKind::Peering, &Reader::Peer(provider.clone())),
            connections: view.held(&provider, now)?.0,
            keys: view.accepted_keys(&provider)?,
            provider,
        })
    }
}

/// Something that was decided.
#[derive(Clone, Debug)]
pub enum DecidedItem {
    /// Whether a provider is let in.
    Provider {
        /// Which.
        provider: Provider,
        /// What it is since.
        state: PeerState,
        /// When that was decided.
        at: Timestamp,
        /// By whom.
        by: DecidedBy,
        /// Whether it was set aside, and waits for nothing until it asks again.
        ignored: bool,
    },
    /// A request for a connection, or a connection.
    Connection(ShownConnection),
    /// A request to add somebody to a group.
    Addition(ShownAddition),
}

impl DecidedItem {
    fn of_peer(peer: &PeerRow) -> Option<Self> {
        let ignored = peer.ignored;
        let decided_by = peer.decided_by.filter(|_| peer.state != PeerState::KeyChanged);
        let by = decided_by.or(ignored.then_some(DecidedBy::Operator))?;
        Some(Self::Provider {
            provider: peer.provider.clone(),
            state: peer.state,
            at: peer.since,
            by,
            ignored,
        })
    }

    fn at(&self) -> Timestamp {
        match self {
            Self::Provider { at, .. } => *at,
            Self::Connection(shown) => shown.request.changed,
            Self::Addition(shown) => shown.request.changed,
        }
    }
}

/// Something that waits for the operator.
#[derive(Clone, Debug)]
pub(crate) enum WaitingNow {
    /// A provider that would like to be let in.
    Provider(PeerRow),
    /// A request for a connection.
    Connection(ConnectionRow),
    /// A request to add somebody to a group.
    Addition(ShownAddition),
}

impl Operator {
    /// All that waits for the operator, of each kind the oldest first.
    pub(crate) async fn what_waits(&self) -> Result<Vec<WaitingNow>, ReadFault> {
        let read = self.store.read(|view| {
            let peers = view.peers_in(PeerState::Pending)?.into_iter().filter(PeerRow::is_waiting);
            let mut all: Vec<WaitingNow> = peers.map(WaitingNow::Provider).collect();
            let connections = view.waiting_requests::<Connection>()?.into_iter().rev();
            all.extend(connections.map(WaitingNow::Connection));
            let mut shown = Additions::new(view);
            for row in view.waiting_requests::<Addition>()?.into_iter().rev() {
                all.push(WaitingNow::Addition(shown.show(row)?));
            }
            Ok(all)
        });
        read.await
    }

    /// How much waits.
    pub async fn waiting(&self) -> Result<Waiting, ReadFault> {
        self.store.read(|view| Ok(Waiting::count(view)?)).await
    }

    /// What waits for the operator, and what was decided.
    pub async fn approvals(&self) -> Result<Approvals, ReadFault> {
        let (ours, now, waits) = (self.ground.ours.clone(), self.ground.ambient.now(), self.waits.clone());
        let held_for = Duration::from_secs(u64::from(self.ground.config.limits.pending_days) * 86_400);
        let read = self.store.read(move |view| {
            let peers = view.peers()?;
            let waiting = peers.iter().filter(|peer| peer.is_waiting());
            let waiting = waiting.map(|peer| WaitingProvider::of(view, &waits, peer, held_for, now));
            let mut providers = waiting.collect::<Result<Vec<_>, StoreFault>>()?;
            providers.sort_unstable_by_key(|provider| Reverse(provider.since));

            let connections = Connections::new(&ours, &peers);
            let mut shown = Additions::new(view);
            let mut additions = |rows: Vec<AuthorizationRow>| {
                rows.into_iter().map(|row| shown.show(row)).collect::<Result<Vec<_>, _>>()
            };
            let settled = connections.show(view.settled_requests(DECIDED)?).into_iter();
            let mut decided: Vec<_> = settled.map(DecidedItem::Connection).collect();
            decided.extend(peers.iter().filter_map(DecidedItem::of_peer));
            let settled = additions(view.settled_requests(DECIDED)?)?;
            decided.extend(settled.into_iter().map(DecidedItem::Addition));
            decided.sort_by_key(|item| Reverse(item.at()));
            decided.truncate(DECIDED as usize);

            Ok(Approvals {
                providers,
                incoming: connections.show(view.waiting_requests()?),
                outgoing: connections.show(view.asked_requests()?),
                additions: additions(view.waiting_requests()?)?,
                outgoing_additions: additions(view.asked_requests()?)?,
                decided,
            })
        });
        read.await
    }

    /// The request for a connection that `provider` has made as `id`, where it waits.
    pub async fn waiting_connection(
        &self,
        provider: &Provider,
        id: Id,
    ) -> Result<Option<ShownConnection>, ReadFault> {
        let (ours, peer) = (self.ground.ours.clone(), provider.clone());
        let read = self.store.read(move |view| {
            let row = view.waiting_request(&peer, id)?;
            Ok(row.map(|row| ShownConnection::of(view, &ours, row)).transpose()?)
        });
        read.await
    }

    /// The request to add somebody that `provider` has made as `id`, where it waits.
    pub async fn waiting_addition(
        &self,
        provider: &Provider,
        id: Id,
    ) -> Result<Option<ShownAddition>, ReadFault> {
        let peer = provider.clone();
        let read = self.store.read(move |view| {
            let row = view.waiting_request(&peer, id)?;
            Ok(row.map(|row| Additions::new(view).show(row)).transpose()?)
        });
        read.await
    }
}
