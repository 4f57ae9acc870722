//! Who lives here.

use std::collections::BTreeSet;

use drawbridge_mtp::id::{ClientUri, UserUri};
use drawbridge_mtp::message::ConnectionState;
use drawbridge_node::store::{ConnectionRow, StoreFault};

use crate::convert::count_connected;
use crate::error::AdminError;
use crate::host::Host;
use crate::request::{CreateUser, CreatedUser, Empty, NamedClient, SetUserRule, Token, Users};
use crate::view::{AddRule, Client, User, UserContact};

pub(crate) async fn users(host: &Host, Empty {}: Empty) -> Result<Users, AdminError> {
    let node = host.node().await?;
    let (users, clients, connections) = node
        .store()
        .read(|view| Ok::<_, StoreFault>((view.users()?, view.clients()?, view.connections()?)))
        .await?;
    let users = users.into_iter().map(|row| {
        let uri = UserUri::new(node.provider(), &row.name);
        let connected = connections.iter().filter(|row| row.from == uri || row.to == uri);
        let contacts = contacts(&uri, &connections);
        let clients = clients.iter().filter(|client| client.user == row.name).map(|client| Client {
            name: client.name.clone(),
            uri: ClientUri::new(&uri, &client.name),
            created: client.created,
            last_seen: client.last_seen,
            stock: None,
            built_in: false,
        });
        User {
            connections: count_connected(connected),
            clients: clients.collect(),
            rule: row.rule.into(),
            contacts,
            built_in: false,
            created: row.created,
            name: row.name,
            uri,
        }
    });
    Ok(Users { users: users.collect() })
}

/// Whom `user` is connected with.
fn contacts(user: &UserUri, connections: &[ConnectionRow]) -> Vec<UserContact> {
    let others: BTreeSet<_> = connections
        .iter()
        .filter(|row| row.state == ConnectionState::Approved)
        .filter_map(|row| match (&row.from, &row.to) {
            (from, to) if from == user => Some(to),
            (from, to) if to == user => Some(from),
            _ => None,
        })
        .collect();
    others.into_iter().map(|other| UserContact { user: other.clone(), add_rule: AddRule::Ask }).collect()
}

pub(crate) async fn create_user(host: &Host, ask: CreateUser) -> Result<CreatedUser, AdminError> {
    let user = host.node().await?.create_user(ask.name, ask.rule.into()).await?;
    Ok(CreatedUser { user })
}

pub(crate) async fn set_user_rule(host: &Host, ask: SetUserRule) -> Result<User, AdminError> {
    host.node().await?.set_user_rule(ask.user.clone(), ask.rule.into()).await?;
    let all = users(host, Empty {}).await?.users;
    all.into_iter()
        .find(|user| user.name == ask.user)
        .ok_or_else(|| AdminError::internal(&"the user is gone"))
}

pub(crate) async fn create_client(host: &Host, ask: NamedClient) -> Result<Token, AdminError> {
    let (client, token) = host.node().await?.create_client(ask.user, ask.name).await?;
    Ok(Token { client, token })
}

pub(crate) async fn new_token(host: &Host, ask: NamedClient) -> Result<Token, AdminError> {
    let (client, token) = host.node().await?.new_token(ask.user, ask.name).await?;
    Ok(Token { client, token })
}

pub(crate) async fn delete_client(host: &Host, ask: NamedClient) -> Result<Empty, AdminError> {
    host.node().await?.delete_client(ask.user, ask.name).await?;
    Ok(Empty {})
}
