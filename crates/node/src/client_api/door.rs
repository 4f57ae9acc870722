//! The client API without HTTP and tokens, for a client in the same process.

use std::sync::Arc;

use drawbridge_mtp::id::{ClientUri, GroupUri};
use drawbridge_mtp::message::{
    AskToAdd, AskToConnect, Asked, ClaimReply, ClientClaimRequest, FeedPage, FeedQuery, GroupInfoReply,
    GroupStatus, KeyPackageStock, LogPage, LogQuery, OwnGroups, PublishKeyPackages, RegisterGroup, Roster,
    ShownAuthorizations, ShownConnections, ShownEvent, Submission, SubmissionResult,
};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::problem::ReceivedProblem;

use super::requests;
use crate::core::Core;
use crate::delivery;
use crate::outbox;
use crate::refusal::Refusal;
use crate::store::{Addition, Connection, Reader};

/// What a client asks its provider, in the same process: each method is the call of its row in `docs/client-api.md`, with
/// the same answers and problems.
#[derive(Clone)]
pub struct ClientDoor {
    core: Arc<Core>,
    client: ClientUri,
}

type Answer<T> = Result<T, ReceivedProblem>;

impl ClientDoor {
    pub(crate) fn new(core: Arc<Core>, client: ClientUri) -> Self {
        Self { core, client }
    }

    /// The client that it is for.
    pub fn client(&self) -> &ClientUri {
        &self.client
    }

    /// `POST /key-packages`.
    pub async fn publish(&self, packages: PublishKeyPackages) -> Answer<KeyPackageStock> {
        Ok(self.core.publish_key_packages(&self.client, packages).await?)
    }

    /// `GET /key-packages`.
    pub async fn stock(&self) -> Answer<KeyPackageStock> {
        Ok(self.core.key_package_stock(&self.client).await.map_err(Refusal::from)?)
    }

    /// `GET /connections`.
    pub async fn connections(&self) -> Answer<ShownConnections> {
        Ok(requests::all::<Connection>(&self.core, self.client.user()).await.map_err(Refusal::from)?)
    }

    /// `POST /connections`.
    pub async fn ask_to_connect(&self, ask: AskToConnect) -> Answer<Asked> {
        let asked = requests::ask_as::<Connection>(&self.core, self.client.user(), ask).await;
        Ok(asked.map_err(Refusal::from)?)
    }

    /// `GET /authorizations`.
    pub async fn authorizations(&self) -> Answer<ShownAuthorizations> {
        Ok(requests::all::<Addition>(&self.core, self.client.user()).await.map_err(Refusal::from)?)
    }

    /// `POST /authorizations`.
    pub async fn ask_to_add(&self, ask: AskToAdd) -> Answer<Asked> {
        let asked = requests::ask_as::<Addition>(&self.core, self.client.user(), ask).await;
        Ok(asked.map_err(Refusal::from)?)
    }

    /// `POST /key-packages/claim`.
    pub async fn claim(&self, ask: ClientClaimRequest) -> Answer<ClaimReply> {
        Ok(self.core.claim_for_client(&self.client, ask).await?)
    }

    /// `POST /groups`.
    pub async fn register(&self, ask: RegisterGroup) -> Answer<()> {
        Ok(delivery::register(&self.core, &self.client, ask).await?)
    }

    /// `GET /groups`.
    pub async fn groups(&self) -> Answer<OwnGroups> {
        Ok(self.core.groups_of_client(&self.client).await?)
    }

    /// `GET /groups/…`.
    pub async fn status(&self, group: &GroupUri) -> Answer<GroupStatus> {
        Ok(self.core.status_for(&self.client, group).await?)
    }

    /// `GET /groups/…/roster`.
    pub async fn roster(&self, group: &GroupUri) -> Answer<Roster> {
        Ok(self.core.roster_for(&self.client, group).await?)
    }

    /// `GET /groups/…/info`.
    pub async fn info(&self, group: &GroupUri) -> Answer<GroupInfoReply> {
        Ok(self.core.info_for(&self.client, group).await?)
    }

    /// `GET /groups/…/log`.
    pub async fn log(&self, group: &GroupUri, query: LogQuery) -> Answer<LogPage<ShownEvent>> {
        Ok(self.core.log_for(&self.client, group, query).await?)
    }

    /// `POST /groups/…/events`.
    pub async fn submit(&self, group: &GroupUri, events: Vec<Submission>) -> Answer<Vec<SubmissionResult>> {
        Ok(outbox::submit(&self.core, &self.client, group, events).await?)
    }

    /// `GET /feed`.
    pub async fn feed(&self, query: FeedQuery) -> Answer<FeedPage<ShownEvent>> {
        Ok(self.core.feed_for(&self.client, query).await?)
    }

    /// `GET /objects/{sha256}`.
    pub async fn object(&self, sha256: Hash32) -> Answer<Vec<u8>> {
        Ok(delivery::object(&self.core, Reader::Client(self.client.clone()), sha256).await?)
    }
}
