//! What is sent: one file for each part of the contract.
//!
//! These are shapes, with the checks that the contract counts as form. Read them with
//! [`wire::decode`](crate::wire::decode) and the checks are done; who may say what, and when, is the node's.

mod body;
mod check;
mod claim;
mod client;
mod consent;
mod event;
mod feed;
mod group;
mod peering;
mod query;
mod submission;
mod trace;

pub use body::{Body, MAX_INLINE_BYTES, ObjectRef};
pub use check::{CheckItem, CheckReply, CheckRequest, CheckedStep};
pub use claim::{ClaimReply, ClaimRequest, ClaimedClient, ClaimedUser, ClientClaim, UserClaim};
pub use client::{
    AskToAdd, AskToConnect, Asked, ClientClaimRequest, KeyPackageStock, Me, OwnGroup, OwnGroups,
    PublishKeyPackages, RegisterGroup, ShownAuthorization, ShownAuthorizations, ShownConnection,
    ShownConnections, SuiteStock,
};
pub use consent::{
    AuthorizationItem, AuthorizationReply, AuthorizationRequest, ConnectionItem, ConnectionReply,
    ConnectionRequest, ConnectionState, MAX_REQUEST_LIFETIME, Title,
};
pub use event::{Event, EventKind, ShownEvent};
pub use feed::{FeedPage, Item, ItemBody, Proved, Removed, ResultItem, TolerantFeedPage, Welcome};
pub use group::{CheckpointReply, GroupInfoReply, GroupStatus, LogPage, LogQuery, Roster, RosterMember};
pub use peering::{PeerItem, PeerState, PeeringReply, PeeringRequest, Ping};
pub use query::{FeedQuery, PeeringQuery};
pub use submission::{
    GroupResults, GroupSubmissions, MalformedAnswer, MalformedSubmission, Outcome, Placed,
    ReceivedSubmission, SetAside, Submission, SubmissionAnswer, SubmissionKind, SubmissionResult,
    SubmissionResults, Submissions, SubmitReply, SubmitRequest,
};
pub use trace::{ToldStep, TraceQuery, TraceReply};
