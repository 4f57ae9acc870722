//! The users of this provider and their clients.

use std::collections::BTreeSet;

use drawbridge_mtp::id::{ClientUri, Name, UserUri};
use drawbridge_mtp::message::ConnectionState;
use drawbridge_node::store::{AddRuleRow, ClientRow, Connection, ConnectionRow, StoreFault};

use crate::built_in_clients::BUILT_IN;
use crate::convert::count_connected;
use crate::error::AdminError;
use crate::host::Host;
use crate::request::{CreateUser, CreatedUser, Empty, NamedClient, SetUserRule, Token, Users};
use crate::stock;
use crate::view::{AddRule, Client, User, UserContact};

pub(crate) async fn users(host: &Host, Empty {}: Empty) -> Result<Users, AdminError> {
    let node = host.node().await?;
    let now = node.now();
    let seen = node.store().read(move |view| {
        let clients = view.clients()?.into_iter().map(|client| {
            let kept = view.key_packages_kept(&client.user, &client.name, now)?;
            Ok((client, kept))
        });
        let clients = clients.collect::<Result<Vec<_>, StoreFault>>()?;
        Ok::<_, StoreFault>((view.users()?, clients, view.requests::<Connection>()?, view.add_rules()?))
    });
    let (users, clients, connections, rules) = seen.await?;
    let built_in_clients = host.built_in_clients().await?;
    let users = users.into_iter().map(|row| {
        let uri = UserUri::new(node.provider(), &row.name);
        let connected = connections.iter().filter(|row| row.from == uri || row.to == uri);
        let contacts = contacts(&uri, &connections, &rules);
        let built_in = |client: &ClientRow| client.user == row.name && client.name.as_str() == BUILT_IN;
        let clients =
            clients.iter().filter(|(client, _)| client.user == row.name).map(|(client, kept)| Client {
                name: client.name.clone(),
                uri: ClientUri::new(&uri, &client.name),
                created: client.created,
                last_seen: client.last_seen,
                stock: stock::shown(kept),
                built_in: built_in(client),
            });
        User {
            connections: count_connected(connected),
            clients: clients.collect(),
            rule: row.rule.into(),
            contacts,
            here: built_in_clients.here(&row.name),
            created: row.created,
            name: row.name,
            uri,
        }
    });
    Ok(Users { users: users.collect() })
}

/// One of them.
pub(crate) async fn user(host: &Host, name: &Name) -> Result<User, AdminError> {
    let users = users(host, Empty {}).await?.users;
    let user = users.into_iter().find(|user| user.name == *name);
    user.ok_or_else(|| drawbridge_node::Misuse::NoSuchUser(name.clone()).into())
}

/// Whom `user` is connected with.
fn contacts(user: &UserUri, connections: &[ConnectionRow], rules: &[AddRuleRow]) -> Vec<UserContact> {
    let others: BTreeSet<_> = connections
        .iter()
        .filter(|row| row.state == ConnectionState::Approved)
        .filter_map(|row| match (&row.from, &row.to) {
            (from, to) if from == user => Some(to),
            (from, to) if to == user => Some(from),
            _ => None,
        })
        .collect();
    let rule = |other: &UserUri| {
        let rule = rules.iter().find(|rule| rule.user == *user.name() && rule.other == *other);
        rule.map_or(AddRule::Ask, |rule| rule.rule.into())
    };
    others.into_iter().map(|other| UserContact { user: other.clone(), add_rule: rule(other) }).collect()
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
