//! The stream of what happens.

use drawbridge_mtp::id::{ClientUri, GroupUri, Name, Provider};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Authorization, Connection, Repair, Traffic};

/// Something happened. A GUI that gets one reads again what it shows of that kind.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// Read everything again: the mode has changed, or the stream has lost its place.
    Reload,
    /// A peer's state, directions or troubles.
    Peers,
    /// What waits, or what was decided.
    Approvals,
    /// Users, clients, rules.
    Accounts,
    /// Settings.
    Settings,
    /// A provider of the demo was started or stopped, something waits at one, or a step was done.
    Demo,
    /// Requests that began or ended; a record replaces the one with its id.
    Traffic {
        /// At most 100, oldest first.
        records: Vec<Traffic>,
    },
    /// Something new waits for the operator: worth a notification.
    Waiting {
        /// The provider that waits, or that the request comes from.
        #[ts(type = "string")]
        provider: Provider,
        /// The request, where it is one.
        connection: Option<Connection>,
    },
    /// A new request to add a user of ours to a group waits for the operator: worth a notification.
    AdditionWaiting {
        /// The request.
        addition: Authorization,
    },
    /// A client should publish more KeyPackages: without any it cannot be added to groups.
    StockLow {
        /// Which.
        #[ts(type = "string")]
        client: ClientUri,
    },
    /// What is wrong and can be acted upon.
    Repairs,
    /// Something is wrong that was not, or that is worse than it was: where it is of high severity, worth a notification.
    RepairRaised {
        /// What.
        repair: Repair,
    },
    /// A group's log, roster, standing or readers' places.
    Group {
        /// Which.
        #[ts(type = "string")]
        group: GroupUri,
    },
    /// Which conversations an account has, or its contacts.
    Conversations {
        /// Whose.
        #[ts(type = "string")]
        user: Name,
    },
    /// A conversation: messages, reactions, members, what is read.
    Conversation {
        /// Whose.
        #[ts(type = "string")]
        user: Name,
        /// Which.
        #[ts(type = "string")]
        group: GroupUri,
    },
}

/// An event with its place in the stream.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct EventEnvelope {
    /// The run of the process that numbers the events.
    pub incarnation: String,
    /// Grows by one with each event of that run.
    #[ts(type = "number")]
    pub cursor: u64,
    /// What happened.
    pub event: Event,
}
