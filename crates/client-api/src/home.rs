//! What a client needs of its provider.

use std::future::Future;

use drawbridge_mtp::{
    id::{ClientUri, GroupUri},
    message::{
        AskToAdd, AskToConnect, Asked, ClaimReply, ClientClaimRequest, FeedPage, FeedQuery, GroupInfoReply,
        GroupStatus, KeyPackageStock, LogPage, LogQuery, OwnGroups, PublishKeyPackages, RegisterGroup,
        Roster, ShownAuthorizations, ShownConnections, ShownEvent, Submission, SubmissionResult,
    },
    octets::Hash32,
    problem::{Code, ReceivedProblem},
};

/// Why the provider did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HomeFault {
    /// It refuses.
    #[error("the provider refuses: {} ({})", .0.detail.as_deref().unwrap_or("it gives no reason"), .0.code)]
    Refused(Box<ReceivedProblem>),
    /// It answers that it cannot do it now (`unavailable`, `rate-limited`); ask again.
    #[error("the provider does not answer: {}", .0.detail.as_deref().unwrap_or(&.0.code))]
    NotNow(Box<ReceivedProblem>),
    /// It cannot be reached, and why; ask again.
    #[error("the provider does not answer: {0}")]
    Away(String),
}

impl From<ReceivedProblem> for HomeFault {
    fn from(problem: ReceivedProblem) -> Self {
        match problem.known() {
            Some(Code::Unavailable | Code::RateLimited) => Self::NotNow(Box::new(problem)),
            _ => Self::Refused(Box::new(problem)),
        }
    }
}

/// What a call of [`Home`] answers.
pub type Answer<T> = Result<T, HomeFault>;

/// The provider, as one of its users' clients sees it: the client API (`docs/client-api.md`) as methods.
///
/// Each does what the call of its row in the client API does; a repeat of each is harmless. A future may be dropped
/// at any moment.
pub trait Home: Send + Sync + 'static {
    /// The client that it speaks to.
    fn client(&self) -> &ClientUri;

    /// `POST /key-packages`.
    fn publish(&self, packages: PublishKeyPackages) -> impl Future<Output = Answer<KeyPackageStock>> + Send;

    /// `GET /key-packages`.
    fn stock(&self) -> impl Future<Output = Answer<KeyPackageStock>> + Send;

    /// `GET /connections`.
    fn connections(&self) -> impl Future<Output = Answer<ShownConnections>> + Send;

    /// `POST /connections`.
    fn ask_to_connect(&self, ask: AskToConnect) -> impl Future<Output = Answer<Asked>> + Send;

    /// `POST /authorizations`.
    fn ask_to_add(&self, ask: AskToAdd) -> impl Future<Output = Answer<Asked>> + Send;

    /// `GET /authorizations`.
    fn authorizations(&self) -> impl Future<Output = Answer<ShownAuthorizations>> + Send;

    /// `POST /key-packages/claim`.
    fn claim(&self, claim: ClientClaimRequest) -> impl Future<Output = Answer<ClaimReply>> + Send;

    /// `POST /groups`.
    fn register(&self, group: RegisterGroup) -> impl Future<Output = Answer<()>> + Send;

    /// `GET /groups`.
    fn groups(&self) -> impl Future<Output = Answer<OwnGroups>> + Send;

    /// `GET /groups/…`, as it is at the owner.
    fn status(&self, group: &GroupUri) -> impl Future<Output = Answer<GroupStatus>> + Send;

    /// `GET /groups/…/roster`.
    fn roster(&self, group: &GroupUri) -> impl Future<Output = Answer<Roster>> + Send;

    /// `GET /groups/…/info`, as it is at the owner.
    fn info(&self, group: &GroupUri) -> impl Future<Output = Answer<GroupInfoReply>> + Send;

    /// `GET /groups/…/log`.
    fn log(
        &self,
        group: &GroupUri,
        query: LogQuery,
    ) -> impl Future<Output = Answer<LogPage<ShownEvent>>> + Send;

    /// `POST /groups/…/events`: one result for each, in order. What is `queued` is told of later, by a `result` item.
    fn submit(
        &self,
        group: &GroupUri,
        events: Vec<Submission>,
    ) -> impl Future<Output = Answer<Vec<SubmissionResult>>> + Send;

    /// `GET /feed`, held for as long as the query says. A cursor of another history is refused with `feed-reset`,
    /// one that is no longer kept with `feed-truncated`.
    fn feed(&self, query: FeedQuery) -> impl Future<Output = Answer<FeedPage<ShownEvent>>> + Send;

    /// `GET /objects/{sha256}`. One that is still on its way to the provider is [`HomeFault::NotNow`]; a refusal means
    /// that it is not to be had any more, and what needs it is given up.
    fn object(&self, hash: &Hash32) -> impl Future<Output = Answer<Vec<u8>>> + Send;
}
