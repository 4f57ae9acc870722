//! The users of this provider and their clients.

use drawbridge_mtp::id::{ClientUri, Name};
use drawbridge_node::{Misuse, Node, operator};

use crate::built_in_clients::{BUILT_IN, BuiltInClients};
use crate::convert::small;
use crate::error::AdminError;
use crate::host::Host;
use crate::qr::qr;
use crate::request::{CreateUser, CreatedUser, Empty, NamedClient, SetUserRule, Token, Users};
use crate::view::{Client, Stock, User, UserContact};

pub(crate) async fn users(host: &Host, Empty {}: Empty) -> Result<Users, AdminError> {
    let users = host.node().await?.operator().users().await?;
    let built_in = host.built_in_clients().await?;
    Ok(Users { users: users.into_iter().map(|user| shown(&built_in, user)).collect() })
}

/// One of them.
pub(crate) async fn user(host: &Host, name: &Name) -> Result<User, AdminError> {
    let user = host.node().await?.operator().user(name).await?;
    let user = user.ok_or_else(|| Misuse::NoSuchUser(name.clone()))?;
    Ok(shown(&host.built_in_clients().await?, user))
}

fn shown(built_in: &BuiltInClients, user: operator::User) -> User {
    let operator::User { uri, rule, created, clients, contacts } = user;
    let contacts = contacts
        .into_iter()
        .map(|operator::UserContact { user, add_rule }| UserContact { user, add_rule: add_rule.into() });
    let contacts: Vec<_> = contacts.collect();
    User {
        name: uri.name().clone(),
        rule: rule.into(),
        created,
        clients: clients.into_iter().map(Into::into).collect(),
        connections: small(contacts.len()),
        contacts,
        here: built_in.here(uri.name()),
        uri,
    }
}

impl From<operator::Client> for Client {
    fn from(client: operator::Client) -> Self {
        let operator::Client { uri, created, last_seen, stock } = client;
        Self {
            name: uri.name().clone(),
            created,
            last_seen,
            stock: stock.map(Into::into),
            built_in: uri.name().as_str() == BUILT_IN,
            uri,
        }
    }
}

impl From<operator::Stock> for Stock {
    fn from(stock: operator::Stock) -> Self {
        let operator::Stock { available, last_resort, to_come, is_low } = stock;
        Self { available: small(available), last_resort, to_come: small(to_come), low: is_low }
    }
}

pub(crate) async fn create_user(host: &Host, ask: CreateUser) -> Result<CreatedUser, AdminError> {
    let user = host.node().await?.operator().create_user(ask.name, ask.rule.into()).await?;
    Ok(CreatedUser { user })
}

pub(crate) async fn set_user_rule(host: &Host, ask: SetUserRule) -> Result<User, AdminError> {
    host.node().await?.operator().set_user_rule(ask.user.clone(), ask.rule.into()).await?;
    user(host, &ask.user).await
}

pub(crate) async fn create_client(host: &Host, ask: NamedClient) -> Result<Token, AdminError> {
    let node = host.node().await?;
    let (client, token) = node.operator().create_client(ask.user, ask.name).await?;
    Ok(given(&node, client, token))
}

pub(crate) async fn new_token(host: &Host, ask: NamedClient) -> Result<Token, AdminError> {
    let node = host.node().await?;
    let (client, token) = node.operator().new_token(ask.user, ask.name).await?;
    Ok(given(&node, client, token))
}

/// A token, with where it is of use.
fn given(node: &Node, client: ClientUri, token: String) -> Token {
    let listening = node.listening();
    let scheme = if listening.client_tls { "https" } else { "http" };
    let address = listening.client.map(|address| format!("{scheme}://{address}"));
    Token { client, token, qr: address.as_deref().and_then(qr), address }
}

pub(crate) async fn delete_client(host: &Host, ask: NamedClient) -> Result<Empty, AdminError> {
    host.node().await?.operator().delete_client(ask.user, ask.name).await?;
    Ok(Empty {})
}
