//! A user, who asks and ends.

use std::time::Duration;

use drawbridge_mtp::id::{GroupUri, Id, UserUri};
use drawbridge_node::store::UserRule;
use drawbridge_node::{Decision, Misuse};

use crate::{ApiClient, TestNode};

/// A user of a node.
pub struct TestUser<'a> {
    test_node: &'a TestNode,
    uri: UserUri,
}

impl TestNode {
    /// A new user.
    pub async fn user(&self, name: &str) -> TestUser<'_> {
        let uri = self.node().operator().create_user(name.parse().unwrap(), UserRule::Ask).await.unwrap();
        TestUser { test_node: self, uri }
    }
}

impl TestUser<'_> {
    /// The user's address.
    pub fn uri(&self) -> &UserUri {
        &self.uri
    }

    /// Asks another for a connection.
    pub async fn asks_to_connect(&self, other: &UserUri) -> Id {
        self.tries_to_connect(other, None).await.unwrap()
    }

    /// Asks another for a connection, open for `ttl`.
    pub async fn asks_to_connect_for(&self, other: &UserUri, ttl: Duration) -> Id {
        self.tries_to_connect(other, Some(ttl)).await.unwrap()
    }

    /// Asks, and may be refused at home.
    pub async fn tries_to_connect(&self, other: &UserUri, ttl: Option<Duration>) -> Result<Id, Misuse> {
        let asked = self.test_node.node().operator().connect(self.uri.name(), other.clone(), ttl).await;
        asked.map(|row| row.id)
    }

    /// Takes the own request back, or ends the connection.
    pub async fn ends_connection(&self, id: Id) {
        self.test_node.decides(id, Decision::End).await;
    }

    /// Asks to add another to a group.
    pub async fn asks_to_add(&self, other: &UserUri, group: &GroupUri) -> Id {
        self.tries_to_add(other, group, None).await.unwrap()
    }

    /// Asks to add another to a group, and may be refused at home.
    pub async fn tries_to_add(
        &self,
        other: &UserUri,
        group: &GroupUri,
        ttl: Option<Duration>,
    ) -> Result<Id, Misuse> {
        let node = self.test_node.node();
        let asked = node.operator().ask_to_add(self.uri.name(), group.clone(), other.clone(), ttl).await;
        asked.map(|row| row.id)
    }

    /// A new client of the user's, which speaks the client API.
    pub async fn api_client(&self, name: &str) -> ApiClient {
        let node = self.test_node.node();
        let made = node.operator().create_client(self.uri.name().clone(), name.parse().unwrap()).await;
        let (client, token) = made.unwrap();
        ApiClient::of(client, token, self.test_node)
    }
}
