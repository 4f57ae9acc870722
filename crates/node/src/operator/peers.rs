//! Whom we federate with, and how it goes in both directions.

use std::collections::HashMap;
use std::sync::Arc;

use drawbridge_mtp::document::{Endpoint, ProviderDocument};
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;

use super::directions::{OurPull, TheirPull};
use super::standing::{self, PeerStanding};
use super::{Operator, ReadFault};
use crate::delivery::WaitKind;
use crate::diagnose::{RefusedPull, Report};
use crate::misuse::Misuse;
use crate::peers::{Pulling, PullingStatus};
use crate::readable::readable;
use crate::store::{
    Addition, Connection, Cursor, FeedPlace, PeerRow, Reader, StoreFault, Suffers, TroubleRow, View,
};
use crate::traffic::TrafficLog;

/// A provider, and how it goes with it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Which.
    pub provider: Provider,
    /// Our judgement of it.
    pub state: PeerState,
    /// Since when.
    pub since: Timestamp,
    /// Its judgement of us, as far as it has said.
    pub their_state: Option<PeerState>,
    /// The keys accepted for it, the last one last.
    pub keys: Vec<Thumbprint>,
    /// The keys in its document, where it shows others than those accepted and waits for the operator to accept them.
    pub new_keys: Vec<Thumbprint>,
    /// The software that its document names, as a person reads it.
    pub software: Option<String>,
    /// Where its document says that it is reached.
    pub endpoint: Option<Endpoint>,
    /// The direction in which we pull.
    pub our_pull: OurPull,
    /// The direction in which we are pulled.
    pub their_pull: TheirPull,
    /// Submissions of our users' clients that wait to be brought to it.
    pub outbox: u64,
    /// How many pairs of users are connected with users there.
    pub connections: u32,
    /// What went wrong with it, the latest first: what goes on, and in [`Operator::peer`] also what is over.
    pub troubles: Vec<TroubleRow>,
    /// What is kept of it; only in [`Operator::peer`].
    pub kept: Option<KeptOfPeer>,
    /// What waits for it, or suffers where it cannot be reached; only in [`Operator::peer`].
    pub suffers: Option<Suffers>,
    /// How it goes with it, in one judgement.
    pub standing: PeerStanding,
}

/// How much is kept of one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptOfPeer {
    /// Requests that it made, in any state.
    pub requests: u64,
    /// Ids of items of its feed that are known.
    pub items: u64,
    /// What it has taken back before it came.
    pub withdrawn: u64,
}

/// What the store has of a peer.
pub(super) struct Known {
    row: PeerRow,
    keys: Vec<Thumbprint>,
    cursor: Option<Cursor>,
    feed: Option<FeedPlace>,
    outbox: u64,
    connections: u32,
    troubles: Vec<TroubleRow>,
    /// Why a group that it owns is broken here, where one is.
    broken: Option<String>,
    kept: Option<KeptOfPeer>,
    suffers: Option<Suffers>,
    /// Its latest pull, where that was refused.
    refused: Option<RefusedPull>,
}

impl Known {
    pub(super) fn all(view: &View<'_>) -> Result<Vec<Self>, StoreFault> {
        Self::all_with(view, |_, _| Ok(None))
    }

    /// The same with what hangs on each, as `suffers` counts it.
    pub(super) fn all_with(
        view: &View<'_>,
        suffers: impl Fn(&View<'_>, &PeerRow) -> Result<Option<Suffers>, StoreFault>,
    ) -> Result<Vec<Self>, StoreFault> {
        let mut broken = view.broken_by_owner()?;
        let of = |row: PeerRow| {
            let broken = broken.remove(&row.provider);
            Ok(Self { suffers: suffers(view, &row)?, ..Self::of(view, row, broken)? })
        };
        view.peers()?.into_iter().map(of).collect()
    }

    /// Those of `known` with whom something is shared, or whom somebody has let in.
    pub(super) fn without_guests(view: &View<'_>, known: Vec<Self>) -> Result<Vec<Self>, StoreFault> {
        let mut shared = Vec::with_capacity(known.len());
        for one in known {
            if !view.is_guest(&one.row)? {
                shared.push(one);
            }
        }
        Ok(shared)
    }

    fn of(view: &View<'_>, row: PeerRow, broken: Option<String>) -> Result<Self, StoreFault> {
        let provider = &row.provider;
        Ok(Self {
            broken,
            keys: view.accepted_keys(provider)?,
            cursor: view.cursor(provider)?,
            feed: view.feed(&Reader::Peer(provider.clone()))?,
            outbox: view.count_outbox_for(provider)?,
            connections: view.count_connected_pairs_with(provider)?,
            troubles: view.troubles(provider)?,
            kept: None,
            suffers: None,
            refused: None,
            row,
        })
    }
}

impl KeptOfPeer {
    fn of(view: &View<'_>, provider: &Provider) -> Result<Self, StoreFault> {
        Ok(Self {
            requests: view.count_kept::<Connection>(provider)? + view.count_kept::<Addition>(provider)?,
            items: view.count_received(provider)?,
            withdrawn: view.count_withdrawn(provider)?,
        })
    }
}

impl Operator {
    /// All providers that we have met, by name.
    pub async fn peers(&self) -> Result<Vec<Peer>, ReadFault> {
        let pulling = self.peers.board.all_pulling();
        let known = self.store.read::<_, ReadFault>(|view| Ok(Known::all(view)?)).await?;
        Ok(self.show_peers(known, &pulling).await)
    }

    /// One provider, met or not, with all that is kept of it.
    pub async fn peer(&self, provider: &Provider) -> Result<Peer, ReadFault> {
        let (pulling, now, peer) = (self.pulling(provider), self.ground.ambient.now(), provider.clone());
        let ours = self.ground.ours.clone();
        let known = self.store.read::<_, ReadFault>(move |view| {
            let kept = Some(KeptOfPeer::of(view, &peer)?);
            let suffers = Some(view.depends_on(&peer, &ours)?);
            let row = view.peer(&peer)?.unwrap_or_else(|| PeerRow::new(peer, PeerState::Unknown, now));
            let broken = view.broken_by_owner()?.remove(&row.provider);
            Ok(Known { kept, suffers, ..Known::of(view, row, broken)? })
        });
        let known = self.with_refused_pull(known.await?).await;
        Ok(self.show_peer(known, pulling, self.keeps_out().as_deref(), true))
    }

    /// `pulling` is of before the store was read: a trouble is kept before its puller rests, so who rests is shown with it.
    pub(super) async fn show_peers(
        &self,
        known: Vec<Known>,
        pulling: &HashMap<Provider, Pulling>,
    ) -> Vec<Peer> {
        let keeps_out = self.keeps_out();
        let mut peers = Vec::with_capacity(known.len());
        for known in known {
            let pulling = pulling.get(&known.row.provider).copied();
            let known = self.with_refused_pull(known).await;
            peers.push(self.show_peer(known, pulling, keeps_out.as_deref(), false));
        }
        peers
    }

    /// The same, with that its pulls are refused, where none waits here.
    async fn with_refused_pull(&self, known: Known) -> Known {
        let provider = &known.row.provider;
        let may_be = known.row.state == PeerState::Allowed && !self.is_pulled_by(provider);
        let refused = if may_be {
            RefusedPull::latest(&self.peers, provider, self.ground.ambient.now()).await
        } else {
            None
        };
        Known { refused, ..known }
    }

    /// What keeps every other provider from this one, where something does: one sentence.
    fn keeps_out(&self) -> Option<String> {
        let found = self.own.view().keep_others_out(self.ground.ambient.now());
        found.into_iter().next().map(|(_, text)| text)
    }

    fn show_peer(
        &self,
        known: Known,
        pulling: Option<Pulling>,
        keeps_out: Option<&str>,
        with_past: bool,
    ) -> Peer {
        let Known { row, keys, cursor, feed, outbox, connections, troubles, broken, kept, suffers, refused } =
            known;
        // What was noted by a clock that was ahead, and is set by now, is not later than now.
        let now = self.ground.ambient.now();
        let past = |at: Timestamp| at.min(now);
        let mut troubles = troubles;
        for trouble in &mut troubles {
            (trouble.first, trouble.last) = (past(trouble.first), past(trouble.last));
        }
        let document = self.document_of(&row.provider);
        let new_keys = match (&document, row.state) {
            (Some(document), PeerState::KeyChanged) => {
                document.keys.iter().map(|key| *key.thumbprint()).collect()
            }
            _ => Vec::new(),
        };
        let unattended = match row.state {
            PeerState::Unknown | PeerState::Pending | PeerState::Allowed => PullingStatus::Idle,
            PeerState::Blocked | PeerState::KeyChanged => PullingStatus::Stopped,
        };
        let software = document.as_ref().and_then(|document| document.software.as_ref());
        let our_pull = OurPull {
            status: pulling.map_or(unattended, |pulling| pulling.status),
            since: past(pulling.map_or(row.since, |pulling| pulling.since)),
            last_pull: pulling.and_then(|pulling| pulling.last_pull).or(row.last_pull).map(past),
            next_try: pulling.and_then(|pulling| pulling.next_try),
            failures: pulling.map_or(0, |pulling| pulling.failures),
            latency: pulling.and_then(|pulling| pulling.latency),
            cursor: cursor.as_ref().map_or(0, |cursor| cursor.seq),
            head: cursor.as_ref().map_or(0, |cursor| cursor.head),
        };
        let their_pull = self.their_pull(&row.provider, feed.as_ref(), refused);
        let trouble = troubles.iter().find(|trouble| !trouble.over);
        let is_of_clocks =
            trouble.is_some_and(|trouble| matches!(&*trouble.code, "clock-skew" | "signature-expired"));
        let standing = PeerStanding::of(&standing::Facts {
            clock: is_of_clocks.then(|| self.peers.board.wrong_clock(&row.provider)).flatten(),
            state: row.state,
            their_state: row.their_state,
            ours: &our_pull,
            theirs: &their_pull,
            is_met: !keys.is_empty(),
            trouble,
            broken: broken.as_deref(),
            keeps_out,
            own_store: self.store.trouble(),
            outbox,
            connections,
            since: past(row.since),
            now,
            started: self.started,
        });
        Peer {
            software: software.map(|it| {
                let words = format!("{} {}", it.name, it.version.as_deref().unwrap_or_default());
                readable(words.trim_end())
            }),
            endpoint: document.as_ref().map(|document| document.endpoint.clone()),
            state: row.state,
            since: past(row.since),
            their_state: row.their_state,
            outbox,
            keys,
            new_keys,
            our_pull,
            their_pull,
            suffers,
            standing,
            connections,
            troubles: troubles.into_iter().filter(|trouble| with_past || !trouble.over).collect(),
            kept,
            provider: row.provider,
        }
    }

    fn their_pull(
        &self,
        peer: &Provider,
        feed: Option<&FeedPlace>,
        refused: Option<RefusedPull>,
    ) -> TheirPull {
        let waiting = self.is_pulled_by(peer) || self.is_awaited_by(peer);
        let now = self.ground.ambient.now();
        let last_pull = self.peers.board.serving(peer).last_pull.or(feed.and_then(|feed| feed.pulled));
        let last_pull = last_pull.map(|at| at.min(now));
        TheirPull {
            waiting,
            last_pull,
            gone_since: last_pull.filter(|_| !waiting),
            head: feed.map_or(0, |feed| feed.head),
            acknowledged: feed.map_or(0, |feed| feed.acknowledged),
            // What was given and not acknowledged is acknowledged with its next pull, whenever that is.
            lag: feed
                .and_then(|feed| feed.waiting_since)
                .filter(|since| last_pull.is_none_or(|last| last < *since))
                .map(|since| now.since(since)),
            refused: refused.filter(|_| !waiting),
        }
    }

    /// Somebody looks at how it goes with a peer, and goes on looking for as long as this is called now and then: after a
    /// failure it is tried at once, and then every few seconds.
    pub fn look_at_peer(&self, provider: &Provider) {
        self.peers.signs.look(provider);
    }

    /// What our puller does at `peer`, where there is one.
    pub fn pulling(&self, peer: &Provider) -> Option<Pulling> {
        self.peers.board.pulling(peer)
    }

    /// Whether a pull of `peer` waits here.
    pub fn is_pulled_by(&self, peer: &Provider) -> bool {
        self.waits.waits(WaitKind::Feed, &Reader::Peer(peer.clone()))
    }

    /// Whether `peer` waits here for the operator's decision on it.
    pub fn is_awaited_by(&self, peer: &Provider) -> bool {
        self.waits.waits(WaitKind::Peering, &Reader::Peer(peer.clone()))
    }

    /// What is remembered of the document of `peer`.
    pub fn document_of(&self, peer: &Provider) -> Option<Arc<ProviderDocument>> {
        self.peers.documents.remembered(peer)
    }

    /// What crosses the wire.
    pub fn traffic(&self) -> &TrafficLog {
        &self.peers.traffic
    }

    /// Begins to look at a provider step by step, and returns the number of the report.
    ///
    /// # Errors
    ///
    /// Too many are looked at already.
    pub fn begin_check(&self, typed: &str) -> Result<u64, Misuse> {
        self.doctor.begin(typed)
    }

    /// Asks a peer to look at us, and returns the number of the report, which has its steps when the result has come.
    ///
    /// # Errors
    ///
    /// Too many looks go on already.
    pub fn ask_to_look_back(&self, peer: &Provider) -> Result<u64, Misuse> {
        self.doctor.ask_to_look_back(peer)
    }

    /// The report of that number, once it has more than `steps` steps or is finished; after some seconds, as it is then.
    ///
    /// # Errors
    ///
    /// It is not kept any more.
    pub async fn check_report(&self, id: u64, steps: usize) -> Result<Report, Misuse> {
        self.doctor.report_after(id, steps).await
    }
}
