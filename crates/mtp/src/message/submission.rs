//! Submissions: what is handed to a group's owner, and what becomes of it (section 10).

use serde::{Deserialize, Serialize};

use super::EventKind;
use crate::{
    id::{ClientUri, Id},
    octets::{Hash32, Octets},
    problem::{Code, Problem, ReceivedProblem},
    text::words,
    time::Timestamp,
    wire::{Malformed, Replay},
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

/// `POST /submissions`: of any number of the owner's groups, each submission judged by itself, in order within its group.
///
/// `S` is [`Submission`] as it is sent, [`ReceivedSubmission`] as the owner reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmitRequest<S = Submission> {
    /// The groups.
    pub groups: Vec<GroupSubmissions<S>>,
}

/// The longest text in the place of an id that is given back, in bytes; an id has 36.
const MAX_ECHO: usize = 128;

/// What is submitted to one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSubmissions<S = Submission> {
    /// The group's name at its owner. A text, since what is no name is that of a group that is not there.
    pub group: String,
    /// What is submitted, in order.
    pub events: Vec<S>,
}

/// The answer to [`SubmitRequest`].
///
/// `R` is [`SubmissionResult`] as it is read, [`SubmissionAnswer`] as the owner writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmitReply<R = SubmissionResult> {
    /// The groups, in the order of the request.
    pub groups: Vec<GroupResults<R>>,
}

/// What became of what was submitted to one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupResults<R = SubmissionResult> {
    /// The group's name, as it was written in the request.
    pub group: String,
    /// The results, in the order of the submissions.
    pub results: Vec<R>,
}

/// `POST /groups/{name}@{provider}/events` of a client (`docs/client-api.md`). `S` is as in [`SubmitRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submissions<S = Submission> {
    /// What is submitted, each judged by itself.
    pub events: Vec<S>,
}

/// One submission as its receiver reads it: a malformed one is rejected by itself and spoils none beside it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Replay")]
pub struct ReceivedSubmission(pub Result<Submission, MalformedSubmission>);

impl Submission {
    /// How many bytes its parts have, before they are encoded.
    pub fn size(&self) -> usize {
        let optional = [&self.welcome, &self.group_info];
        self.mls.as_slice().len()
            + optional.into_iter().flatten().map(|bytes| bytes.as_slice().len()).sum::<usize>()
            + self.grants.iter().map(String::len).sum::<usize>()
    }
}

impl ReceivedSubmission {
    /// What it is; none where it is malformed.
    pub fn kind(&self) -> Option<SubmissionKind> {
        self.0.as_ref().ok().map(|submission| submission.kind)
    }
}

/// The malformed among some submissions, by their places, while the others are judged.
#[derive(Debug, Default)]
pub struct SetAside(Vec<(usize, MalformedSubmission)>);

impl SetAside {
    /// Parts submissions into those that are to be judged, in their order, and the malformed.
    pub fn part(received: Vec<ReceivedSubmission>) -> (Vec<Submission>, Self) {
        let (mut judged, mut aside) = (Vec::with_capacity(received.len()), Self::default());
        for (place, ReceivedSubmission(submission)) in received.into_iter().enumerate() {
            match submission {
                Ok(submission) => judged.push(submission),
                Err(malformed) => aside.0.push((place, malformed)),
            }
        }
        (judged, aside)
    }

    /// Answers all in their first order, where `results` are those of the submissions that were judged, in theirs.
    pub fn answer(self, results: Vec<SubmissionResult>) -> Vec<SubmissionAnswer> {
        let mut answers = Vec::with_capacity(results.len() + self.0.len());
        let mut judged = results.into_iter().map(SubmissionAnswer::Judged);
        for (place, malformed) in self.0 {
            answers.extend(judged.by_ref().take(place - answers.len()));
            answers.push(SubmissionAnswer::Malformed(malformed.into()));
        }
        answers.extend(judged);
        answers
    }
}

/// A submission that is not in its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedSubmission {
    /// The text that stands in its `id`, whether or not it is an id; none where no text does, or a long one.
    pub id: Option<String>,
    /// What is not in its form.
    pub fault: Malformed,
}

impl From<Replay> for ReceivedSubmission {
    fn from(written: Replay) -> Self {
        /// What a malformed submission is still known by.
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Named {
            id: String,
        }

        Self(written.read::<Submission>().map_err(|fault| {
            let named = written.read::<Named>().unwrap_or_default();
            let id = Some(named.id).filter(|id| (1..=MAX_ECHO).contains(&id.len()));
            MalformedSubmission { id, fault }
        }))
    }
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

/// The answer to [`Submissions`]. `R` is as in [`SubmitReply`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmissionResults<R = SubmissionResult> {
    /// The results, in order.
    pub results: Vec<R>,
}

/// What is answered to one [`ReceivedSubmission`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SubmissionAnswer {
    /// It was judged.
    Judged(SubmissionResult),
    /// It was malformed.
    Malformed(MalformedAnswer),
}

/// The rejection of a [`MalformedSubmission`]. It bears the text that stood in the submission's `id`, or no `id` where
/// none did: its place among the results says which submission it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MalformedAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    status: Status,
    error: Box<ReceivedProblem>,
}

impl From<MalformedSubmission> for MalformedAnswer {
    fn from(MalformedSubmission { id, fault }: MalformedSubmission) -> Self {
        let problem = Problem::new(Code::Malformed, format!("the submission is malformed: {fault}"));
        Self { id, status: Status::Rejected, error: Box::new(problem.into()) }
    }
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
