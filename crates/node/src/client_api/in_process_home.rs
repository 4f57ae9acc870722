//! The client API without HTTP and tokens, as the home of a client in the same process.

use std::sync::Arc;

use drawbridge_client_api::{Answer, Home, HomeFault};
use drawbridge_mtp::id::{ClientUri, GroupUri};
use drawbridge_mtp::message::{
    AskToAdd, AskToConnect, Asked, ClaimReply, ClientClaimRequest, FeedPage, FeedQuery, GroupInfoReply,
    GroupStatus, KeyPackageStock, LogPage, LogQuery, OwnGroups, PublishKeyPackages, RegisterGroup, Roster,
    ShownAuthorization, ShownAuthorizations, ShownConnection, ShownConnections, ShownEvent, Submission,
    SubmissionResult,
};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::problem::ReceivedProblem;

use super::{authorizations, connections};
use crate::core::Core;
use crate::delivery;
use crate::outbox;
use crate::refusal::Refusal;
use crate::store::Reader;

/// The provider of a client in the same process: each call does what its row in `docs/client-api.md` says, with the same
/// answers and problems as over HTTP.
#[derive(Clone)]
pub struct InProcessHome {
    core: Arc<Core>,
    client: ClientUri,
}

impl InProcessHome {
    pub(crate) fn new(core: Arc<Core>, client: ClientUri) -> Self {
        Self { core, client }
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
        Ok(self.core.publish_key_packages(&self.client, packages).await?)
    }

    async fn stock(&self) -> Answer<KeyPackageStock> {
        Ok(self.core.key_package_stock(&self.client).await.map_err(Refusal::from)?)
    }

    async fn connections(&self) -> Answer<ShownConnections> {
        let user = self.client.user().clone();
        let rows =
            self.core.store.read(move |view| view.connections_of(&user)).await.map_err(Refusal::from)?;
        let connections = rows.into_iter().map(|row| connections::shown(self.client.user(), row)).collect();
        Ok(ShownConnections { connections })
    }

    async fn ask_to_connect(&self, ask: AskToConnect) -> Answer<Asked> {
        let user = self.client.user();
        let row = self.core.ask_connection(user.clone(), ask.to, None).await.map_err(Refusal::from)?;
        let ShownConnection { id, state, .. } = connections::shown(user, row);
        Ok(Asked { id, state })
    }

    async fn authorizations(&self) -> Answer<ShownAuthorizations> {
        let user = self.client.user().clone();
        let rows =
            self.core.store.read(move |view| view.authorizations_of(&user)).await.map_err(Refusal::from)?;
        let authorizations =
            rows.into_iter().map(|row| authorizations::shown(self.client.user(), row)).collect();
        Ok(ShownAuthorizations { authorizations })
    }

    async fn ask_to_add(&self, ask: AskToAdd) -> Answer<Asked> {
        let user = self.client.user();
        let row =
            self.core.ask_to_add(user, ask.group, ask.title, ask.user, None).await.map_err(Refusal::from)?;
        let ShownAuthorization { id, state, .. } = authorizations::shown(user, row);
        Ok(Asked { id, state })
    }

    async fn claim(&self, ask: ClientClaimRequest) -> Answer<ClaimReply> {
        Ok(self.core.claim_for_client(&self.client, ask).await?)
    }

    async fn register(&self, ask: RegisterGroup) -> Answer<()> {
        Ok(delivery::register(&self.core, &self.client, ask).await?)
    }

    async fn groups(&self) -> Answer<OwnGroups> {
        Ok(self.core.groups_of_client(&self.client).await?)
    }

    async fn status(&self, group: &GroupUri) -> Answer<GroupStatus> {
        Ok(self.core.status_for(&self.client, group).await?)
    }

    async fn roster(&self, group: &GroupUri) -> Answer<Roster> {
        Ok(self.core.roster_for(&self.client, group).await?)
    }

    async fn info(&self, group: &GroupUri) -> Answer<GroupInfoReply> {
        Ok(self.core.info_for(&self.client, group).await?)
    }

    async fn log(&self, group: &GroupUri, query: LogQuery) -> Answer<LogPage<ShownEvent>> {
        Ok(self.core.log_for(&self.client, group, query).await?)
    }

    async fn submit(&self, group: &GroupUri, events: Vec<Submission>) -> Answer<Vec<SubmissionResult>> {
        Ok(outbox::submit(&self.core, &self.client, group, events).await?)
    }

    async fn feed(&self, query: FeedQuery) -> Answer<FeedPage<ShownEvent>> {
        Ok(self.core.feed_for(&self.client, query).await?)
    }

    async fn object(&self, hash: &Hash32) -> Answer<Vec<u8>> {
        Ok(delivery::object(&self.core, Reader::Client(self.client.clone()), *hash).await?)
    }
}
