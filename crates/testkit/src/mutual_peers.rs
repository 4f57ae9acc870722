//! People of several providers who know each other, and how they come into a group.

use drawbridge_mtp::id::{GroupUri, UserUri};
use drawbridge_mtp::message::{Asked, ClaimReply, ConnectionState, Placed};
use drawbridge_mtp::policy::Policy;
use drawbridge_node::Decision;
use drawbridge_node::store::{Addition, UserRule};

use crate::{CommitPlan, Federation, MlsClient, TestNode, policy};

/// Providers that have let each other in.
pub struct MutualPeers {
    /// Where they live.
    pub federation: Federation,
    /// The providers.
    pub nodes: Vec<TestNode>,
}

impl MutualPeers {
    /// `count` providers.
    pub async fn of(count: usize) -> Self {
        let federation = Federation::new();
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(federation.node(|_| {}).await);
        }
        let peers = Self { federation, nodes };
        for test_node in &peers.nodes {
            for other in peers.nodes.iter().filter(|other| other.provider() != test_node.provider()) {
                test_node.allows(other.provider()).await;
            }
        }
        peers
    }

    /// The provider of a user.
    pub fn home(&self, user: &UserUri) -> &TestNode {
        let home = self.nodes.iter().find(|test_node| test_node.provider() == user.provider());
        home.expect("a user of one of these providers")
    }

    /// A new user at the node with this number, with a client that has published KeyPackages.
    pub async fn client(&self, test_node: usize, name: &str) -> MlsClient {
        let test_node = &self.nodes[test_node];
        let user =
            test_node.node().operator().create_user(name.parse().unwrap(), UserRule::Ask).await.unwrap();
        let client = test_node.client(&user, "phone").await;
        client.publishes(5).await;
        client
    }

    /// One asks the other for a connection, who agrees.
    pub async fn connects(&self, one: &UserUri, other: &UserUri) {
        let (home, away) = (self.home(one), self.home(other));
        let asked = home.node().operator().connect(one.name(), other.clone(), None).await.unwrap().id;
        away.hears_of(asked).await;
        away.decides(asked, Decision::Approve).await;
        home.sees(asked, ConnectionState::Approved).await;
    }

    /// A user asks to add another to a group, whose operator agrees; returns when the grant has come.
    pub async fn authorizes(&self, adder: &MlsClient, group: &GroupUri, user: &UserUri) -> Asked {
        let asked = adder.asks_to_add(group, user).await;
        let away = self.home(user);
        let id = asked.id;
        away.until("the request to add comes", move |view| Ok(view.requests_by_id::<Addition>(id)?.pop()))
            .await;
        away.node().operator().decide_authorization(id, None, Decision::Approve).await.unwrap();
        self.waits_for_grant(adder, asked).await;
        asked
    }

    /// Returns when the grant has come.
    pub async fn waits_for_grant(&self, adder: &MlsClient, asked: Asked) {
        let id = asked.id;
        let granted = move |view: &drawbridge_node::store::View<'_>| {
            Ok(view.requests_by_id::<Addition>(id)?.into_iter().find(|row| row.about.grant.is_some()))
        };
        self.home(adder.user()).until("the grant comes", granted).await;
    }

    /// KeyPackages and grants of users who know the adder and agree to be added.
    pub async fn claimed(&self, adder: &MlsClient, group: &GroupUri, users: &[&UserUri]) -> ClaimReply {
        for user in users {
            self.authorizes(adder, group, user).await;
        }
        adder.claims(group, users).await
    }

    /// Asks, claims and commits: the users' clients are added. The adder has heard of it.
    pub async fn adds(&self, adder: &MlsClient, group: &GroupUri, others: &[&MlsClient]) -> Placed {
        let users: Vec<&UserUri> = others.iter().map(|other| other.user()).collect();
        let claimed = self.claimed(adder, group, &users).await;
        let placed = adder.does(group, &adder.commit(group, CommitPlan::adding(&claimed))).await;
        adder.hears_of(group, placed.seq).await;
        for other in others {
            other.comes_into(group).await;
        }
        placed
    }

    /// A group of `admin` that the others are in.
    pub async fn group(&self, name: &str, admin: &MlsClient, others: &[&MlsClient]) -> GroupUri {
        self.group_with(name, admin, others, &policy(&[admin.user()])).await
    }

    /// A group of `admin` with a policy that the others are in.
    pub async fn group_with(
        &self,
        name: &str,
        admin: &MlsClient,
        others: &[&MlsClient],
        policy: &Policy,
    ) -> GroupUri {
        let group = admin.creates(name, policy).await;
        for other in others {
            self.connects(admin.user(), other.user()).await;
        }
        self.adds(admin, &group, others).await;
        group
    }
}
