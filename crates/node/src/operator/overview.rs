//! The node at a glance, and what is so with it.

use std::time::Duration;

use drawbridge_mtp::id::{ClientUri, GroupUri, Provider};
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::time::Timestamp;

use super::peers::{Known, Peer};
use super::users::spent_clients;
use super::waiting::Waiting;
use super::{Operator, ReadFault};
use crate::diagnose::Ourselves;
use crate::ground::config::Strangers;
use crate::store::TroubleRow;

/// Troubles that are shown, the latest.
const INCIDENTS: u32 = 20;
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
    /// How much waits for the operator.
    pub waiting: Waiting,
    /// How many users live here.
    pub users: u64,
    /// How many pairs of users are connected.
    pub connections: u64,
    /// The latest 20 troubles with anyone, the latest first.
    pub incidents: Vec<(Provider, TroubleRow)>,
    /// The groups whose log cannot be believed.
    pub broken_groups: Vec<GroupUri>,
    /// The clients of our users that can be added to a group, and have no fresh KeyPackage left for it.
    pub spent_clients: Vec<ClientUri>,
    /// Pulls, ours and theirs, that were answered in the last minute.
    pub pulls_last_minute: usize,
    /// Pulls that wait here.
    pub waiting_pulls: usize,
    /// Octets of the store on disk.
    pub store_bytes: u64,
}

impl Operator {
    /// The node at a glance.
    pub async fn overview(&self) -> Result<Overview, ReadFault> {
        let (pulling, ours, now) =
            (self.peers.board.all_pulling(), self.ground.ours.clone(), self.ground.ambient.now());
        let read = self.store.read::<_, ReadFault>(move |view| {
            Ok((
                Known::all(view)?,
                Waiting::count(view)?,
                view.users()?.len() as u64,
                view.count_connected_pairs()?,
                view.latest_troubles(INCIDENTS)?,
                view.broken_groups()?,
                spent_clients(view, &ours, now)?,
            ))
        });
        let (known, waiting, users, connections, incidents, broken_groups, spent_clients) = read.await?;
        let choices = self.consent.choices();
        let counted = u64::try_from(COUNTED.as_millis()).unwrap_or(u64::MAX);
        let counted_from = Timestamp::from_millis(now.as_millis().saturating_sub(counted));
        Ok(Overview {
            started: self.started,
            fingerprint: self.fingerprint(),
            strangers: choices.strangers,
            tells_declined: choices.tell_declined,
            ourselves: self.ourselves(),
            peers: self.show_peers(known, &pulling),
            waiting,
            users,
            connections,
            incidents,
            broken_groups,
            spent_clients,
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
        *self.ground.signer.key().public().thumbprint()
    }
}
