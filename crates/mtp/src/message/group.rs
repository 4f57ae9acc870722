//! Groups: what is submitted to their owner, and what participants may ask of them (section 10).

use serde::{Deserialize, Deserializer, Serialize};

use super::{Event, EventKind};
use crate::{
    id::{ClientUri, GroupUri, Id, Provider, UserUri},
    octets::{Hash32, Octets},
    problem::ReceivedProblem,
    text::words,
    time::Timestamp,
    wire::Malformed,
};

words! {
    /// What a client submits.
    SubmissionKind: "a type of a submission" {
        /// An MLS application message, as `PrivateMessage`.
        Application = "application",
        /// An MLS proposal, as `PublicMessage`.
        Proposal = "proposal",
        /// An MLS commit, as `PublicMessage`.
        Commit = "commit",
    }
}

impl From<SubmissionKind> for EventKind {
    fn from(kind: SubmissionKind) -> Self {
        match kind {
            SubmissionKind::Application => Self::Application,
            SubmissionKind::Proposal => Self::Proposal,
            SubmissionKind::Commit => Self::Commit,
        }
    }
}

/// `POST /groups/{name}/events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submissions {
    /// What is submitted, each judged by itself.
    pub events: Vec<Submission>,
}

/// One message for a group. Its `id` makes a repeat harmless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Made by the submitting side.
    pub id: Id,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: SubmissionKind,
    /// The client that sends it, at the submitting provider.
    pub sender: ClientUri,
    /// The MLS message.
    pub mls: Octets,
    /// The MLS Welcome for those whom a commit adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub welcome: Option<Octets>,
    /// The GroupInfo of the epoch that a commit begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_info: Option<Octets>,
    /// A grant for each user that a commit adds, other than the adder.
    #[serde(default)]
    pub grants: Vec<String>,
}

/// The answer to [`Submissions`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmissionResults {
    /// The results, in order.
    pub results: Vec<SubmissionResult>,
}

/// What became of one submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ResultForm", into = "ResultForm")]
pub struct SubmissionResult {
    /// The submission's.
    pub id: Id,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has its place in the log.
    Accepted(Placed),
    /// It had its place already.
    Duplicate(Placed),
    /// The owner does not take it.
    Rejected(Box<ReceivedProblem>),
    /// To a client only: its provider keeps it until the owner answers.
    Queued,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Accepted,
    Duplicate,
    Rejected,
    Queued,
}

/// A result's members on the wire.
#[derive(Serialize, Deserialize)]
struct ResultForm {
    id: Id,
    status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<Hash32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Box<ReceivedProblem>>,
}

impl From<SubmissionResult> for ResultForm {
    fn from(SubmissionResult { id, outcome }: SubmissionResult) -> Self {
        let (status, placed, error) = match outcome {
            Outcome::Accepted(placed) => (Status::Accepted, Some(placed), None),
            Outcome::Duplicate(placed) => (Status::Duplicate, Some(placed), None),
            Outcome::Rejected(error) => (Status::Rejected, None, Some(error)),
            Outcome::Queued => (Status::Queued, None, None),
        };
        let (seq, hash, time) = placed
            .map_or((None, None, None), |Placed { seq, hash, time }| (Some(seq), Some(hash), Some(time)));
        Self { id, status, seq, hash, time, error }
    }
}

impl TryFrom<ResultForm> for SubmissionResult {
    type Error = Malformed;

    fn try_from(form: ResultForm) -> Result<Self, Malformed> {
        let ResultForm { id, status, seq, hash, time, error } = form;
        let missing = || Malformed::new(format_args!("a result that is {status:?} lacks a member"));
        let placed = || match (seq, hash, time) {
            (Some(seq), Some(hash), Some(time)) => Ok(Placed { seq, hash, time }),
            _ => Err(missing()),
        };
        let outcome = match status {
            Status::Accepted => Outcome::Accepted(placed()?),
            Status::Duplicate => Outcome::Duplicate(placed()?),
            Status::Rejected => Outcome::Rejected(error.ok_or_else(missing)?),
            Status::Queued => Outcome::Queued,
        };
        Ok(Self { id, outcome })
    }
}

/// The place of an event in its group's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The event's number.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash32,
    /// When the owner accepted it.
    pub time: Timestamp,
}

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
    #[serde(deserialize_with = "user_or_client")]
    pub added_by: UserUri,
    /// The grant under which it was added, where one was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
}

/// The contract does not say whether `added_by` is a user or a client: either is understood.
fn user_or_client<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UserUri, D::Error> {
    struct Adder(UserUri);

    impl std::str::FromStr for Adder {
        type Err = crate::id::InvalidIdentifier;

        fn from_str(text: &str) -> Result<Self, Self::Err> {
            match text.parse::<ClientUri>() {
                Ok(client) => Ok(Self(client.user().clone())),
                Err(_) => text.parse().map(Self),
            }
        }
    }

    crate::text::deserialize(deserializer).map(|Adder(user)| user)
}

/// `GET /groups/{name}/log`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// The events after the one asked for, in order.
    pub events: Vec<Event>,
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
