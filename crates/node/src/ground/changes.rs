//! Word of what has changed, for whoever shows it or acts on it.

use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Provider};
use tokio::sync::broadcast;

/// Changes that a listener may be behind before it has to look at everything again.
const BACKLOG: usize = 4096;

/// Something has changed. What the store holds is on disk before its change is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A peer's state: what it may ask, or what there is to ask of it. Who attends to it looks again.
    Peer(Provider),
    /// How it goes with a peer: directions, progress, troubles. Only to be shown.
    Dealings(Provider),
    /// A request, a connection or a grant that concerns this provider.
    Request(Provider),
    /// A request for a connection of this provider waits for a decision that did not wait before.
    WaitingConnection(Provider, Id),
    /// A request to add of this provider waits for a decision that did not wait before.
    WaitingAddition(Provider, Id),
    /// A client has published KeyPackages, or is running out of them.
    Stock(ClientUri),
    /// A provider waits for a decision that did not wait before.
    WaitingPeer(Provider),
    /// A group, its log or its members.
    Group(GroupUri),
    /// A submission waits for the owner of its group.
    Outbox(Provider),
    /// Users, clients or rules.
    Accounts,
    /// Settings.
    Settings,
    /// What is wrong and can be acted upon.
    Repairs,
    /// Something is wrong that was not, or that is worse than it was: worth a notification.
    RepairRaised(Id),
}

/// Where changes are told and heard.
#[derive(Clone, Debug)]
pub struct Changes(broadcast::Sender<Change>);

impl Changes {
    pub(crate) fn new() -> Self {
        Self(broadcast::channel(BACKLOG).0)
    }

    pub(crate) fn announce(&self, change: Change) {
        // Where nobody listens, nobody needs to know.
        let _ = self.0.send(change);
    }

    /// Listens from now on. A listener that falls behind is told so, and looks at everything again.
    pub fn listen(&self) -> broadcast::Receiver<Change> {
        self.0.subscribe()
    }
}
