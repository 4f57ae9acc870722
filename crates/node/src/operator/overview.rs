//! The node at a glance, and what is so with it.

use std::time::Duration;

use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::PeerState;
use drawbridge_mtp::time::Timestamp;

use super::peers::{Known, Peer};
use super::repairs::undecided;
use super::users::short_clients;
use super::versions::{NewerVersion, newer_than};
use super::waiting::Waiting;
use super::{Operator, ReadFault, ShortClient};
use crate::backup::Backups;
use crate::diagnose::Ourselves;
use crate::diagnose::repairs::{Facts, RepairFinding, judge};
use crate::ground::config::Strangers;
use crate::notify::Notifier;
use crate::store::RepairRow;

/// Pulls are counted for so long.
const COUNTED: Duration = Duration::from_secs(60);

/// The node at a glance.
#[derive(Clone, Debug)]
pub struct Overview {
    /// When it was started.
    pub started: Timestamp,
    /// The thumbprint of the key that it signs with.
    pub fingerprint: Thumbprint,
    /// How strangers become peers.
    pub strangers: Strangers,
    /// Whether requesters learn that they were declined.
    pub tells_declined: bool,
    /// What is so with the node itself.
    pub ourselves: Ourselves,
    /// All providers that we have met, as [`Operator::peers`] has them.
    pub peers: Vec<Peer>,
    /// Whether peers that are let in run a newer version of this program.
    pub newer: Option<NewerVersion>,
    /// How much waits for the operator.
    pub waiting: Waiting,
    /// How many users live here.
    pub users: u64,
    /// How many pairs of users are connected.
    pub connections: u64,
    /// What is wrong and can be acted upon, also what is ignored, the worst first.
    pub repairs: Vec<RepairRow>,
    /// What is wrong and has not been so for long enough to be raised.
    pub not_raised: Vec<RepairFinding>,
    /// The groups whose log cannot be believed.
    pub broken_groups: Vec<GroupUri>,
    /// The clients of our users that can be added to a group, and have few fresh KeyPackages left for it, or none.
    pub short_clients: Vec<ShortClient>,
    /// Pulls, ours and theirs, that were answered in the last minute.
    pub pulls_last_minute: usize,
    /// Pulls that wait here.
    pub waiting_pulls: usize,
    /// Octets of the store on disk.
    pub store_bytes: u64,
}

impl Operator {
    /// Everything in one file.
    pub fn backups(&self) -> &Backups {
        &self.backups
    }

    /// Where the operator is told what waits and what is wrong, besides the screens.
    pub fn notifier(&self) -> &Notifier {
        &self.notifier
    }

    /// The node at a glance.
    pub async fn overview(&self) -> Result<Overview, ReadFault> {
        let (pulling, ours, now) =
            (self.peers.board.all_pulling(), self.ground.ours.clone(), self.ground.ambient.now());
        let unread = self.refused_for_certificates(now);
        let read = self.store.read::<_, ReadFault>(move |view| {
            Ok((
                Known::all(view)?,
                undecided(view, unread)?,
                Waiting::count(view)?,
                view.users()?.len() as u64,
                view.count_connected_pairs()?,
                view.broken_groups()?,
                short_clients(view, &ours, now)?,
            ))
        });
        let (known, refused, waiting, users, connections, broken_groups, short_clients) = read.await?;
        let (peers, ourselves) = (self.show_peers(known, &pulling).await, self.ourselves());
        let found = judge(&Facts {
            now,
            started: self.started,
            own: &ourselves,
            peers: &peers,
            refused: &refused,
            broken: &broken_groups,
            short: &short_clients,
            untold: &self.notifier.failing(),
        });
        let allowed = peers.iter().filter(|peer| peer.state == PeerState::Allowed);
        let documents = allowed.filter_map(|peer| self.peers.documents.remembered(&peer.provider));
        let theirs = documents.filter_map(|document| document.software.clone());
        let newer = newer_than(env!("CARGO_PKG_VERSION"), theirs);
        let choices = self.consent.choices();
        let counted = u64::try_from(COUNTED.as_millis()).unwrap_or(u64::MAX);
        let counted_from = Timestamp::from_millis(now.as_millis().saturating_sub(counted));
        Ok(Overview {
            started: self.started,
            fingerprint: self.fingerprint(),
            strangers: choices.strangers,
            tells_declined: choices.tell_declined,
            ourselves,
            peers,
            newer,
            waiting,
            users,
            connections,
            not_raised: self.repairs.not_raised(found),
            repairs: self.repairs.open(),
            broken_groups,
            short_clients,
            pulls_last_minute: self.traffic().pulls_since(counted_from),
            waiting_pulls: self.waits.pulls(),
            store_bytes: self.store.size(),
        })
    }

    /// What is so with the node itself.
    pub fn ourselves(&self) -> Ourselves {
        self.own.view()
    }

    /// The thumbprint of the key that the node signs with.
    pub fn fingerprint(&self) -> Thumbprint {
        self.ground.keys.signing()
    }
}
