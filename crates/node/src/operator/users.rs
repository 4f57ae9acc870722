//! Who lives here: users with their clients, and the standing decisions on who may reach them.

use std::collections::{BTreeMap, BTreeSet};

use drawbridge_mtp::id::{ClientUri, Name, Provider, UserUri};
use drawbridge_mtp::message::{ConnectionState, KeyPackageStock};
use drawbridge_mtp::time::Timestamp;

use super::{Operator, ReadFault};
use crate::accounts::TokenFor;
use crate::misuse::Misuse;
use crate::store::{
    AddRule, ClientRow, Connection, KeptKeyPackages, LOW_STOCK, Rule, StoreFault, UserRow, UserRule, View,
};

/// An account.
#[derive(Clone, Debug)]
pub struct User {
    /// Its address.
    pub uri: UserUri,
    /// What happens with requests to it that no other rule covers.
    pub rule: UserRule,
    /// When it was made.
    pub created: Timestamp,
    /// Its clients, by name.
    pub clients: Vec<Client>,
    /// Whom it is connected with, by address.
    pub contacts: Vec<UserContact>,
}

/// A client of a user.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its address.
    pub uri: ClientUri,
    /// When it was made.
    pub created: Timestamp,
    /// When its token was last used.
    pub last_seen: Option<Timestamp>,
    /// The KeyPackages that it has left; none where it has nothing, and so never was a client that can be added.
    pub stock: Option<Stock>,
}

/// The KeyPackages that a client has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stock {
    /// How many can be handed out, beside the last resort.
    pub available: u64,
    /// Whether there is one that is handed out again and again where nothing else is left.
    pub last_resort: bool,
    /// How many have a lifetime that has not begun.
    pub to_come: u64,
    /// Whether the client should publish more.
    pub is_low: bool,
}

/// Whom a user is connected with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserContact {
    /// Who.
    pub user: UserUri,
    /// What the user lets it do: add it to groups at once, never, or ask.
    pub add_rule: AddRule,
}

/// Whom a user is connected with, or has asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Who.
    pub user: UserUri,
    /// Whether they are connected; else the user has asked, and waits for an answer.
    pub is_connected: bool,
}

impl Stock {
    fn of(KeptKeyPackages { stock, to_come }: &KeptKeyPackages) -> Option<Self> {
        let KeyPackageStock { available, last_resort, .. } = *stock;
        let to_come = *to_come;
        (available > 0 || last_resort || to_come > 0).then_some(Self {
            available,
            last_resort,
            to_come,
            is_low: available < LOW_STOCK,
        })
    }
}

impl Client {
    fn of(view: &View<'_>, user: &UserUri, row: ClientRow, now: Timestamp) -> Result<Self, StoreFault> {
        Ok(Self {
            stock: Stock::of(&view.key_packages_kept(&row.user, &row.name, now)?),
            uri: ClientUri::new(user, &row.name),
            created: row.created,
            last_seen: row.last_seen,
        })
    }
}

impl User {
    /// The account of `row`, which is connected with `others`.
    fn of(
        view: &View<'_>,
        uri: UserUri,
        row: UserRow,
        others: BTreeSet<UserUri>,
        now: Timestamp,
    ) -> Result<Self, StoreFault> {
        let clients = view.clients_of(&row.name)?.into_iter();
        let contact = |user| Ok(UserContact { add_rule: view.add_rule(&row.name, &user)?, user });
        Ok(Self {
            clients: clients.map(|client| Client::of(view, &uri, client, now)).collect::<Result<_, _>>()?,
            contacts: others.into_iter().map(contact).collect::<Result<_, StoreFault>>()?,
            rule: row.rule,
            created: row.created,
            uri,
        })
    }
}

/// A client that should publish more KeyPackages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortClient {
    /// Which.
    pub client: ClientUri,
    /// How many it has left, beside its last resort.
    pub available: u64,
}

/// The clients of `ours` that can be added to a group, and have few fresh KeyPackages left for it, or none.
pub(super) fn short_clients(
    view: &View<'_>,
    ours: &Provider,
    now: Timestamp,
) -> Result<Vec<ShortClient>, StoreFault> {
    let mut short = Vec::new();
    for row in view.clients()? {
        let client = Client::of(view, &UserUri::new(ours, &row.user), row, now)?;
        if let Some(stock) = client.stock.filter(|stock| stock.is_low) {
            short.push(ShortClient { client: client.uri, available: stock.available });
        }
    }
    Ok(short)
}

impl Operator {
    /// All accounts, by name.
    pub async fn users(&self) -> Result<Vec<User>, ReadFault> {
        let (ours, now) = (self.ground.ours.clone(), self.ground.ambient.now());
        let read = self.store.read(move |view| {
            let mut others: BTreeMap<UserUri, BTreeSet<UserUri>> = BTreeMap::new();
            for (one, other) in view.connected_pairs()? {
                others.entry(one.clone()).or_default().insert(other.clone());
                others.entry(other).or_default().insert(one);
            }
            let users = view.users()?.into_iter().map(|row| {
                let uri = UserUri::new(&ours, &row.name);
                let others = others.remove(&uri).unwrap_or_default();
                Ok(User::of(view, uri, row, others, now)?)
            });
            users.collect()
        });
        read.await
    }

    /// One account; none where there is none of that name.
    pub async fn user(&self, name: &Name) -> Result<Option<User>, ReadFault> {
        let (uri, now) = (self.ground.user(name), self.ground.ambient.now());
        let read = self.store.read(move |view| {
            let Some(row) = view.user(uri.name())? else { return Ok(None) };
            let others = view.connected_with(&uri)?.into_iter().collect();
            Ok(Some(User::of(view, uri, row, others, now)?))
        });
        read.await
    }

    /// The users who have a client of this name, by name.
    pub async fn users_with_client(&self, client: Name) -> Result<Vec<Name>, ReadFault> {
        let read = self.store.read(move |view| {
            let clients = view.clients()?.into_iter().filter(|row| row.name == client);
            Ok(clients.map(|row| row.user).collect())
        });
        read.await
    }

    /// Whom `user`, who lives here, is connected with or has asked, by address.
    pub async fn contacts(&self, user: UserUri) -> Result<Vec<Contact>, ReadFault> {
        let read = self.store.read(move |view| {
            let mut contacts: BTreeMap<UserUri, bool> = BTreeMap::new();
            for row in view.requests_of::<Connection>(&user)? {
                let is_connected = row.state == ConnectionState::Approved;
                let has_asked = row.from == user && row.told_state() == ConnectionState::Pending;
                if is_connected || has_asked {
                    let other = if row.from == user { row.to } else { row.from };
                    *contacts.entry(other).or_default() |= is_connected;
                }
            }
            Ok(contacts.into_iter().map(|(user, is_connected)| Contact { user, is_connected }).collect())
        });
        read.await
    }

    /// Whether a client should publish more KeyPackages.
    pub async fn is_stock_low(&self, client: &ClientUri) -> Result<bool, ReadFault> {
        let (user, name) = (client.user().name().clone(), client.name().clone());
        let now = self.ground.ambient.now();
        let read = self.store.read(move |view| {
            let kept = view.key_packages_kept(&user, &name, now)?;
            Ok(kept.stock.available < LOW_STOCK)
        });
        read.await
    }

    /// All standing decisions, the newest first.
    pub async fn rules(&self) -> Result<Vec<Rule>, ReadFault> {
        self.store.read(|view| Ok(view.rules()?)).await
    }

    /// Makes an account.
    pub async fn create_user(&self, name: Name, rule: UserRule) -> Result<UserUri, Misuse> {
        let user = self.ground.user(&name);
        self.accounts.create_user(name, rule).await.map(|()| user)
    }

    /// Sets what happens with requests to a user that no other rule covers.
    pub async fn set_user_rule(&self, name: Name, rule: UserRule) -> Result<(), Misuse> {
        self.store
            .write(
                move |tx| if tx.set_user_rule(&name, rule)? { Ok(()) } else { Err(Misuse::NoSuchUser(name)) },
            )
            .await
    }

    /// Makes a client and its token, which cannot be shown again.
    pub async fn create_client(&self, user: Name, name: Name) -> Result<(ClientUri, String), Misuse> {
        self.accounts.issue_token(user, name, TokenFor::NewClient).await
    }

    /// Gives a client another token in the place of its old one.
    pub async fn new_token(&self, user: Name, name: Name) -> Result<(ClientUri, String), Misuse> {
        self.accounts.issue_token(user, name, TokenFor::OldClient).await
    }

    /// Removes a client.
    pub async fn delete_client(&self, user: Name, name: Name) -> Result<(), Misuse> {
        self.accounts.delete_client(user, name).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ambient::System;
    use crate::ground::changes::Changes;
    use crate::store::{Store, StoredKeyPackage};

    #[tokio::test]
    async fn a_client_is_short_of_keys_that_has_few_beside_its_last_resort() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Arc::new(System), Changes::new()).unwrap();
        let short = store.write(|tx| {
            let (ours, [ann, phone, desk, new]) = (
                "a.example".parse().unwrap(),
                ["ann", "phone", "desk", "new"].map(|name| name.parse().unwrap()),
            );
            tx.add_user(&ann, UserRule::Ask)?;
            for (number, client) in [&phone, &desk, &new].into_iter().enumerate() {
                tx.add_client(&ann, client, &[number as u8; 32])?;
            }
            let package = |reference| StoredKeyPackage {
                reference: vec![reference],
                suite: 1,
                begins: 0,
                ends: tx.now().as_secs() + 3600,
                supports: Vec::new(),
                package: Vec::new(),
            };
            tx.set_last_resort(&ann, &phone, &package(1))?;
            tx.set_last_resort(&ann, &desk, &package(2))?;
            tx.add_key_package(&ann, &desk, &package(3))?;
            let before = short_clients(tx, &ours, tx.now())?;
            // As where a peer has shown that the store is an older copy.
            tx.discard_key_packages()?;
            Ok::<_, StoreFault>((before, short_clients(tx, &ours, tx.now())?))
        });
        let (before, after) = short.await.unwrap();
        let of = |client: &str, available| ShortClient {
            client: format!("mimi://a.example/u/ann/d/{client}").parse().unwrap(),
            available,
        };
        assert_eq!(before, [of("desk", 1), of("phone", 0)]);
        assert_eq!(after, [of("desk", 0), of("phone", 0)], "one that has nothing never could be added");
    }
}
