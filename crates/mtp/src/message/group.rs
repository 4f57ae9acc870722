//! Groups: what participants may ask of them (section 10).

use serde::{Deserialize, Serialize};

use super::{Event, ShownEvent};
use crate::{
    id::{ClientUri, GroupUri, Provider, UserUri},
    octets::{Hash32, Octets},
    time::Timestamp,
    wire::Malformed,
};

/// `GET /groups/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// The group.
    pub group: GroupUri,
    /// Its epoch.
    pub epoch: u64,
    /// The number of its last event.
    pub head: u64,
    /// The hash of its last event.
    pub hash: Hash32,
    /// The other providers with a member in it.
    pub participants: Vec<Provider>,
    /// When it was made.
    pub created: Timestamp,
}

/// `GET /groups/{name}/roster`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// The epoch in which these are the members.
    pub epoch: u64,
    /// The members, by leaf.
    pub members: Vec<RosterMember>,
}

/// One leaf of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterMember {
    /// Whose leaf it is.
    pub client: ClientUri,
    /// Whose client that is.
    pub user: UserUri,
    /// The leaf's index.
    pub leaf: u32,
    /// The first epoch in which it is a member.
    pub since_epoch: u64,
    /// Who added it: another user, or its own by creating the group or joining with a further client.
    pub added_by: UserUri,
    /// The grant under which it was added, where one was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
}

/// `GET /groups/{name}/log`. To a peer its events are [`Event`]s, to a client of ours [`ShownEvent`]s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage<E = Event> {
    /// The events after the one asked for, in order.
    pub events: Vec<E>,
    /// The lowest number that is to be had.
    pub first: u64,
    /// The highest number.
    pub head: u64,
    /// Whether there are more after the last.
    pub more: bool,
    /// The newest checkpoint of the owner's that is at hand, a compact JWS ([`crate::checkpoint`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

impl<E> Default for LogPage<E> {
    fn default() -> Self {
        Self { events: Vec::new(), first: 0, head: 0, more: false, checkpoint: None }
    }
}

impl LogPage {
    /// The page as a client is told it: `unproved` says of an event from whom it was read back, where it is unproved.
    pub fn shown(self, mut unproved: impl FnMut(&Event) -> Option<Provider>) -> LogPage<ShownEvent> {
        let Self { events, first, head, more, checkpoint } = self;
        let events = events.into_iter().map(|event| ShownEvent { unproved: unproved(&event), event });
        LogPage { events: events.collect(), first, head, more, checkpoint }
    }
}

/// `GET /groups/{name}/info`: what an external commit needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupInfoReply {
    /// The epoch.
    pub epoch: u64,
    /// The MLS GroupInfo.
    pub group_info: Octets,
    /// The MLS tree.
    pub ratchet_tree: Octets,
}

/// `GET /groups/{name}/checkpoint`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointReply {
    /// What the owner says its log is, a compact JWS ([`crate::checkpoint`]).
    pub checkpoint: String,
}

/// The query of `GET /groups/{name}/log`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// The events after this number are asked for.
    pub after: u64,
    /// The most events of a page; none for the server's limit.
    pub max_events: Option<u64>,
    /// The most bytes of a page; none for the server's limit.
    pub max_bytes: Option<u64>,
}

impl LogQuery {
    /// Reads what stands after the `?`.
    ///
    /// # Errors
    ///
    /// Where `after` is missing, or a parameter repeated, percent-encoded or not in its form.
    pub fn parse(query: &str) -> Result<Self, Malformed> {
        use super::query::{number, parameters};
        let [after, max_events, max_bytes] = parameters(query, ["after", "max_events", "max_bytes"])?;
        Ok(Self {
            after: number("after", after, 0)?.ok_or_else(|| Malformed::new("`after` is missing"))?,
            max_events: number("max_events", max_events, 1)?,
            max_bytes: number("max_bytes", max_bytes, 1)?,
        })
    }

    /// Writes what stands after the `?`.
    pub fn to_query(&self) -> String {
        let mut query = format!("after={}", self.after);
        for (name, value) in [("max_events", self.max_events), ("max_bytes", self.max_bytes)] {
            if let Some(value) = value {
                query.push_str(&format!("&{name}={value}"));
            }
        }
        query
    }
}
