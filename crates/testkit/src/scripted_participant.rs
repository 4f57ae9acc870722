//! A scripted peer that takes part in a group of a real provider.

use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::message::{CheckpointReply, FeedPage};
use drawbridge_mtp::wire::{self, Encoding};
use http::StatusCode;

use crate::{CommitPlan, MlsClient, MutualPeers, ScriptedPeer, TestNode};

impl ScriptedPeer {
    /// Takes part in a group of `admin`, whose provider lets it in: the client `eve` of its user `eve` is added, and has
    /// taken in what the feed tells of that.
    pub async fn takes_part(&self, peers: &MutualPeers, admin: &MlsClient, group: &GroupUri) -> MlsClient {
        let owner = peers.home(admin.user());
        owner.allows(self.provider()).await;
        let client = self.client("eve");
        let grant = self.grant(client.user(), admin.user(), group).sign(self.signer().key());
        let plan = CommitPlan::adding_package(client.key_package()).grants(vec![grant]);
        let placed = admin.does(group, &admin.commit(group, plan)).await;
        admin.hears_of(group, placed.seq).await;
        for item in self.pulls_all(owner).await.items {
            client.takes(item).await;
        }
        assert!(client.is_in(group));
        client
    }

    /// The first page of its feed at `owner`, from the beginning.
    pub async fn pulls_all(&self, owner: &TestNode) -> FeedPage {
        self.reads(owner, "/feed?after=0&wait=1").await
    }

    /// The first item of all that `owner` has in its feed, as who looks and keeps nothing reads it.
    pub async fn looks(&self, owner: &TestNode) -> FeedPage {
        self.reads(owner, "/feed?after=0&max_events=1").await
    }

    /// The checkpoint of a group that its owner gives this participant now, a JWS.
    pub async fn checkpoint(&self, owner: &TestNode, group: &GroupUri) -> String {
        let resource = format!("/groups/{}/checkpoint", group.name());
        self.reads::<CheckpointReply>(owner, &resource).await.checkpoint
    }

    async fn reads<T: serde::de::DeserializeOwned>(&self, owner: &TestNode, resource: &str) -> T {
        let answer = self.gets(owner.provider(), resource).send().await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", String::from_utf8_lossy(&answer.body));
        wire::decode(Encoding::Json, &answer.body).unwrap()
    }
}
