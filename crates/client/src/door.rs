//! A provider in the same process: its door is a client's home.

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
use drawbridge_node::ClientDoor;

use crate::home::{Answer, Home, HomeFault};

/// What the node has no answer to now is asked again; the rest it refuses.
fn fault(problem: ReceivedProblem) -> HomeFault {
    match problem.known() {
        Some(Code::Unavailable | Code::RateLimited) => {
            HomeFault::Away(problem.detail.unwrap_or_else(|| problem.code.clone()))
        }
        _ => HomeFault::Refused(Box::new(problem)),
    }
}

impl Home for ClientDoor {
    fn client(&self) -> &ClientUri {
        ClientDoor::client(self)
    }

    async fn publish(&self, packages: PublishKeyPackages) -> Answer<KeyPackageStock> {
        ClientDoor::publish(self, packages).await.map_err(fault)
    }

    async fn stock(&self) -> Answer<KeyPackageStock> {
        ClientDoor::stock(self).await.map_err(fault)
    }

    async fn connections(&self) -> Answer<ShownConnections> {
        ClientDoor::connections(self).await.map_err(fault)
    }

    async fn ask_to_connect(&self, ask: AskToConnect) -> Answer<Asked> {
        ClientDoor::ask_to_connect(self, ask).await.map_err(fault)
    }

    async fn ask_to_add(&self, ask: AskToAdd) -> Answer<Asked> {
        ClientDoor::ask_to_add(self, ask).await.map_err(fault)
    }

    async fn authorizations(&self) -> Answer<ShownAuthorizations> {
        ClientDoor::authorizations(self).await.map_err(fault)
    }

    async fn claim(&self, claim: ClientClaimRequest) -> Answer<ClaimReply> {
        ClientDoor::claim(self, claim).await.map_err(fault)
    }

    async fn register(&self, group: RegisterGroup) -> Answer<()> {
        ClientDoor::register(self, group).await.map_err(fault)
    }

    async fn groups(&self) -> Answer<OwnGroups> {
        ClientDoor::groups(self).await.map_err(fault)
    }

    async fn status(&self, group: &GroupUri) -> Answer<GroupStatus> {
        ClientDoor::status(self, group).await.map_err(fault)
    }

    async fn roster(&self, group: &GroupUri) -> Answer<Roster> {
        ClientDoor::roster(self, group).await.map_err(fault)
    }

    async fn info(&self, group: &GroupUri) -> Answer<GroupInfoReply> {
        ClientDoor::info(self, group).await.map_err(fault)
    }

    async fn log(&self, group: &GroupUri, query: LogQuery) -> Answer<LogPage<ShownEvent>> {
        ClientDoor::log(self, group, query).await.map_err(fault)
    }

    async fn submit(&self, group: &GroupUri, events: Vec<Submission>) -> Answer<Vec<SubmissionResult>> {
        ClientDoor::submit(self, group, events).await.map_err(fault)
    }

    async fn feed(&self, query: FeedQuery) -> Answer<FeedPage<ShownEvent>> {
        ClientDoor::feed(self, query).await.map_err(fault)
    }

    async fn object(&self, hash: &Hash32) -> Answer<Vec<u8>> {
        ClientDoor::object(self, *hash).await.map_err(fault)
    }
}
