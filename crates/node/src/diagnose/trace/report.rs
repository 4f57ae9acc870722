//! What a trace tells: the steps of one event on its way, and where it stands.

use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Provider, UserUri};
use drawbridge_mtp::message::EventKind;
use drawbridge_mtp::time::Timestamp;

use crate::peer_fault::PeerFault;
use crate::readable::readable;
use crate::side::Side;
use crate::store::Reader;
use crate::words::words;

words! {
    /// A step on the way of an event.
    TraceStepName {
        /// A client submitted it to its provider.
        Submitted = "submitted",
        /// It waited at the sender's provider for the group's owner.
        Outbox = "outbox",
        /// The owner judged it.
        Judged = "judged",
        /// The owner gave it a number; it is on disk with that.
        Numbered = "numbered",
        /// This provider pulled it, verified it and stored it.
        Stored = "stored",
        /// It was put into the feed of a reader.
        Feed = "feed",
        /// The reader was given it.
        Given = "given",
        /// The reader said that it has stored it.
        Acknowledged = "acknowledged",
    }
}

words! {
    /// How far a step is.
    TraceState {
        /// It is done.
        Done = "done",
        /// The event stands before it.
        Here = "here",
        /// An earlier step comes first.
        Ahead = "ahead",
        /// It went wrong, and the event goes no further.
        Failed = "failed",
        /// It is not known here.
        Unknown = "unknown",
    }
}

words! {
    /// Where an event stands. The first that applies is said.
    TraceCode {
        /// Nothing is known of it.
        NotKnown = "not-known",
        /// The owner has refused it.
        Refused = "refused",
        /// It had a number, and does not count any more.
        Gone = "gone",
        /// The owner's log of its group is in dispute.
        LogBroken = "log-broken",
        /// It waits here for the owner.
        InOutbox = "in-outbox",
        /// It is not here.
        NotHere = "not-here",
        /// A provider does not fetch it.
        NotPulled = "not-pulled",
        /// A provider was given it, and has not said that it has stored it.
        NotAcknowledged = "not-acknowledged",
        /// A client here does not read its feed.
        NotRead = "not-read",
        /// All who are to have it have it, as far as it is known here.
        Arrived = "arrived",
    }
}

/// What is to be traced.
#[derive(Clone, Debug)]
pub enum Traced {
    /// The event of that number.
    Event {
        /// The group.
        group: GroupUri,
        /// The number.
        seq: u64,
    },
    /// What a user has said, by the time that the owner gave it.
    Said {
        /// The group.
        group: GroupUri,
        /// Who.
        sender: UserUri,
        /// When.
        time: Timestamp,
    },
    /// What was submitted under that id.
    Submission(Id),
}

/// One event on its way, as far as it is known here.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its group, where that is known.
    pub group: Option<GroupUri>,
    /// Its number, where it has one.
    pub seq: Option<u64>,
    /// What it is, where that is known.
    pub kind: Option<EventKind>,
    /// Who sent it, where that is known.
    pub sender: Option<ClientUri>,
    /// The id under which it was submitted, where that is known.
    pub submission: Option<Id>,
    /// The steps, in order; those of each reader together.
    pub steps: Vec<TraceStep>,
    /// Where it stands, in a word.
    pub code: TraceCode,
    /// The same in one sentence or two: why it has not arrived, or that it has.
    pub text: String,
    /// Since when it stands there, by our clock.
    pub since: Option<Timestamp>,
    /// Who has to act, where somebody has.
    pub side: Option<Side>,
}

/// One step.
#[derive(Clone, Debug)]
pub struct TraceStep {
    /// Which.
    pub name: TraceStepName,
    /// Whose feed it is about.
    pub reader: Option<Reader>,
    /// How far it is.
    pub state: TraceState,
    /// When that was, by our clock.
    pub at: Option<Timestamp>,
    /// Whose clock has told the time, where it was not ours.
    pub clock: Option<ForeignClock>,
    /// One sentence: what was done, or what is waited for.
    pub text: String,
}

/// What another provider has told of an event.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    /// Who was asked.
    pub provider: Provider,
    /// The steps that it knows of, in its words, with times by our clock; or why it has not told.
    pub told: Result<Vec<TraceStep>, PeerFault>,
}

/// A time that another clock has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignClock {
    /// Whose.
    pub of: Provider,
    /// The time as it was told.
    pub told: Timestamp,
    /// How many milliseconds that clock is ahead of ours; negative where it is behind. 0 where the two are level, or it is not known.
    pub ahead_ms: i64,
}

impl TraceStep {
    pub(super) fn new(name: TraceStepName, state: TraceState, text: impl Into<String>) -> Self {
        Self { name, reader: None, state, at: None, clock: None, text: readable(&text.into()) }
    }

    /// The same, at that time by our clock.
    pub(super) fn at(self, at: impl Into<Option<Timestamp>>) -> Self {
        Self { at: at.into(), ..self }
    }

    /// The same, at a time that another clock may have told.
    pub(super) fn told(self, (at, clock): (Timestamp, Option<ForeignClock>)) -> Self {
        Self { at: Some(at), clock, ..self }
    }

    /// The same, about the feed of `reader`.
    pub(super) fn of(self, reader: &Reader) -> Self {
        Self { reader: Some(reader.clone()), ..self }
    }
}
