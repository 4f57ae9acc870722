//! The client API without HTTP and tokens, as the home of a client in the same process.

use std::sync::Arc;

use drawbridge_client_api::{Answer, Home, HomeFault};
use drawbridge_mtp::id::{ClientUri, GroupUri};
use drawbridge_mtp::message::{
    AskToAdd, AskToConnect, Asked, ClaimReply, ClientClaimRequest, FeedPage, FeedQuery, GroupInfoReply,
    GroupStatus, KeyPackageStock, LogPage, LogQuery, OwnGroups, PublishKeyPackages, RegisterGroup, Roster,
    ShownAuthorizations, ShownConnections, ShownEvent, Submission, SubmissionResult,
};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::problem::ReceivedProblem;

use super::api::ClientApi;
use super::requests::{all, ask_as};
use crate::refusal::Refusal;
use crate::store::{Addition, Connection, Reader};

/// The provider of a client in the same process: each call does what its row in `docs/client-api.md` says, with the same
/// answers and problems as over HTTP.
#[derive(Clone)]
pub struct InProcessHome {
    /// What a call is carried out by.
    api: Arc<ClientApi>,
    /// The client, which is one of ours.
    client: ClientUri,
}

impl InProcessHome {
    pub(crate) fn new(api: Arc<ClientApi>, client: ClientUri) -> Self {
        Self { api, client }
    }
}

impl From<Refusal> for HomeFault {
    fn from(refusal: Refusal) -> Self {
        ReceivedProblem::from(refusal).into()
    }
}

impl Home for InProcessHome {
    fn client(&self) -> &ClientUri {
        &self.client
    }

    async fn publish(&self, packages: PublishKeyPackages) -> Answer<KeyPackageStock> {
        Ok(self.api.key_packages.publish(&self.client, packages).await?)
    }

    async fn stock(&self) -> Answer<KeyPackageStock> {
        Ok(self.api.key_packages.stock(&self.client).await.map_err(Refusal::from)?)
    }

    async fn connections(&self) -> Answer<ShownConnections> {
        Ok(all::<Connection>(&self.api, self.client.user()).await.map_err(Refusal::from)?)
    }

    async fn ask_to_connect(&self, ask: AskToConnect) -> Answer<Asked> {
        Ok(ask_as::<Connection>(&self.api, self.client.user(), ask).await.map_err(Refusal::from)?)
    }

    async fn authorizations(&self) -> Answer<ShownAuthorizations> {
        Ok(all::<Addition>(&self.api, self.client.user()).await.map_err(Refusal::from)?)
    }

    async fn ask_to_add(&self, ask: AskToAdd) -> Answer<Asked> {
        Ok(ask_as::<Addition>(&self.api, self.client.user(), ask).await.map_err(Refusal::from)?)
    }

    async fn claim(&self, ask: ClientClaimRequest) -> Answer<ClaimReply> {
        Ok(self.api.key_packages.claim_for_client(&self.client, ask).await?)
    }

    async fn register(&self, ask: RegisterGroup) -> Answer<()> {
        Ok(self.api.delivery.register(&self.client, ask).await?)
    }

    async fn groups(&self) -> Answer<OwnGroups> {
        Ok(self.api.groups_of_client(&self.client).await?)
    }

    async fn status(&self, group: &GroupUri) -> Answer<GroupStatus> {
        Ok(self.api.status_for(&self.client, group).await?)
    }

    async fn roster(&self, group: &GroupUri) -> Answer<Roster> {
        Ok(self.api.roster_for(&self.client, group).await?)
    }

    async fn info(&self, group: &GroupUri) -> Answer<GroupInfoReply> {
        Ok(self.api.info_for(&self.client, group).await?)
    }

    async fn log(&self, group: &GroupUri, query: LogQuery) -> Answer<LogPage<ShownEvent>> {
        Ok(self.api.log_for(&self.client, group, query).await?)
    }

    async fn submit(&self, group: &GroupUri, events: Vec<Submission>) -> Answer<Vec<SubmissionResult>> {
        Ok(self.api.outbox.submit(&self.client, group, events).await?)
    }

    async fn feed(&self, query: FeedQuery) -> Answer<FeedPage<ShownEvent>> {
        Ok(self.api.feed_for(&self.client, query).await?)
    }

    async fn object(&self, hash: &Hash32) -> Answer<Vec<u8>> {
        Ok(self.api.delivery.object_for(Reader::Client(self.client.clone()), *hash).await?)
    }
}
