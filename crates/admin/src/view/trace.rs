//! Where an event is on its way.

use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Provider};
use drawbridge_mtp::message::EventKind;
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::CheckSide;

/// `trace`: one event on its way from its sender to everybody who is to have it, as far as it is known here.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Trace {
    /// Its group, where that is known.
    #[ts(type = "string | null")]
    pub group: Option<GroupUri>,
    /// Its number, where it has one.
    #[ts(type = "number | null")]
    pub seq: Option<u64>,
    /// What it is, where that is known.
    #[ts(type = "\"created\" | \"application\" | \"proposal\" | \"commit\" | null")]
    pub kind: Option<EventKind>,
    /// Who sent it, where that is known.
    #[ts(type = "string | null")]
    pub sender: Option<ClientUri>,
    /// The id under which it was submitted, where that is known.
    #[ts(type = "string | null")]
    pub submission: Option<Id>,
    /// The steps, in order; those of each reader together.
    pub steps: Vec<TraceStep>,
    /// Where it stands, in a word.
    pub code: TraceCode,
    /// Why it has not arrived, or that it has: one sentence or two.
    pub text: String,
    /// Since when it stands there, by this node's clock.
    #[ts(type = "string | null")]
    pub since: Option<Timestamp>,
    /// Who has to act, where somebody has.
    pub side: Option<CheckSide>,
}

/// `outbox`: what clients here have submitted and the owners of its groups have not answered, the oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Outbox {
    /// The first 200.
    pub waiting: Vec<WaitingEvent>,
}

/// What a client has submitted and its group's owner has not answered.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct WaitingEvent {
    /// The id under which it was submitted, by which it is traced.
    #[ts(type = "string")]
    pub submission: Id,
    /// The group that it is for.
    #[ts(type = "string")]
    pub group: GroupUri,
    /// The client that has submitted it.
    #[ts(type = "string")]
    pub client: ClientUri,
    /// Since when it waits.
    #[ts(type = "string")]
    pub since: Timestamp,
}

/// One step.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct TraceStep {
    /// Which.
    pub name: TraceStepName,
    /// Whose feed it is about: a provider's name, or the address of a client here.
    pub reader: Option<String>,
    /// How far it is.
    pub state: TraceState,
    /// When that was, by this node's clock.
    #[ts(type = "string | null")]
    pub at: Option<Timestamp>,
    /// The clock that has told the time, where it was not this node's.
    pub clock: Option<ForeignClock>,
    /// One sentence: what was done, or what is waited for.
    pub text: String,
}

/// `trace-elsewhere`: what those who know more of an event were asked just now.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct TraceElsewhere {
    /// By provider. Empty where nobody else is told of the event.
    pub told: Vec<ToldElsewhere>,
}

/// What one provider tells of an event.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct ToldElsewhere {
    /// Who was asked.
    #[ts(type = "string")]
    pub provider: Provider,
    /// The steps that it knows of, in its words, with times by this node's clock.
    pub steps: Vec<TraceStep>,
    /// Why it has not told, in a word. `not-found`: it does not tell, or knows of no such event.
    pub code: Option<String>,
    /// The same in a sentence.
    pub text: Option<String>,
}

/// A time that another clock has told.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct ForeignClock {
    /// Whose.
    #[ts(type = "string")]
    pub of: Provider,
    /// The time as it was told.
    #[ts(type = "string")]
    pub told: Timestamp,
    /// How many milliseconds that clock is ahead of this node's; negative where it is behind, 0 where the two are level.
    #[ts(type = "number")]
    pub ahead_ms: i64,
}

/// A step on the way of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum TraceStepName {
    /// A client submitted it to its provider.
    Submitted,
    /// It waited at the sender's provider for the group's owner.
    Outbox,
    /// The owner judged it.
    Judged,
    /// The owner gave it a number; it is on disk with that.
    Numbered,
    /// This provider pulled it, verified it and stored it.
    Stored,
    /// It was put into the feed of a reader.
    Feed,
    /// The reader was given it.
    Given,
    /// The reader said that it has stored it.
    Acknowledged,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum TraceState {
    /// It is done.
    Done,
    /// The event stands before it.
    Here,
    /// An earlier step comes first.
    Ahead,
    /// It went wrong, and the event goes no further.
    Failed,
    /// It is not known here.
    Unknown,
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum TraceCode {
    /// Nothing is known of it.
    NotKnown,
    /// The owner has refused it.
    Refused,
    /// It had a number, and does not count any more.
    Gone,
    /// It waits here for the owner.
    InOutbox,
    /// The owner's log of its group is in dispute.
    LogBroken,
    /// It is not here.
    NotHere,
    /// A provider does not fetch it.
    NotPulled,
    /// A provider was given it, and has not said that it has stored it.
    NotAcknowledged,
    /// A client here does not read its feed.
    NotRead,
    /// All who are to have it have it, as far as it is known here.
    Arrived,
}
