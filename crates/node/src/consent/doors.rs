//! The doors of our users' clients and of the operator to the rules; those of other providers are in `http`.

use std::sync::PoisonError;
use std::time::Duration;

use drawbridge_mtp::id::{GroupUri, Id, UserUri};
use drawbridge_mtp::message::Title;

use super::authorizations::{self, House};
use super::state::{Choices, Consent};
use super::undo::Changes;
use super::{AuthorizationDecision, Decided, Decision, Misuse, ask, decide};
use crate::ambient::AmbientExt;
use crate::store::{AuthorizationRow, ConnectionRow, DecidedBy};

impl Consent {
    /// What the operator has chosen.
    pub(crate) fn choices(&self) -> Choices {
        *self.choices.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The operator chooses otherwise.
    pub(crate) fn choose(&self, change: impl FnOnce(&mut Choices)) {
        change(&mut self.choices.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// What the rules on additions go by.
    pub(crate) fn house(&self) -> House {
        let choices = self.choices();
        House {
            signer: self.ground.signer.clone(),
            strangers: choices.strangers,
            tell_declined: choices.tell_declined,
        }
    }

    /// What a decision has come to, which can be taken back for a while where that puts everything back.
    pub(crate) fn decided<T>(&self, now: T, changes: Changes) -> Decided<T> {
        Decided { now, undo: self.undos.remember(self.ground.ambient.id(), changes) }
    }

    /// Takes back the operator's decision `id`: everything is as it was before.
    pub(crate) async fn undo(&self, id: Id) -> Result<(), Misuse> {
        let Some(changes) = self.undos.take(id) else {
            return Err(Misuse::Unfit("it is too late to take that back; decide anew".into()));
        };
        let ours = self.ground.ours.clone();
        self.store.write(move |tx| changes.undo(tx, &ours)).await
    }

    /// A user of ours asks `to` for a connection.
    pub(crate) async fn ask_connection(
        &self,
        from: UserUri,
        to: UserUri,
        ttl: Option<Duration>,
    ) -> Result<ConnectionRow, Misuse> {
        let (ours, strangers) = (self.ground.ours.clone(), self.choices().strangers);
        self.store.write(move |tx| ask(tx, &ours, &from, &to, ttl, strangers)).await
    }

    /// A user of ours decides on a request that it was asked, or ends what it asked itself.
    pub(crate) async fn decide_connection_as(
        &self,
        user: &UserUri,
        id: Id,
        decision: Decision,
    ) -> Result<ConnectionRow, Misuse> {
        let (ours, user, tell) = (self.ground.ours.clone(), user.clone(), self.choices().tell_declined);
        let decided = self.store.write(move |tx| {
            let rows = tx.connections_by_id(id)?;
            let row = rows.into_iter().find(|row| {
                // Who asked can only end; who was asked can do all.
                !row.unseen && (row.to == user || (row.from == user && decision == Decision::End))
            });
            let row = row.ok_or(Misuse::NoSuchConnection(id))?;
            decide(tx, &ours, row, decision, DecidedBy::User, tell)
        });
        decided.await
    }

    /// A user of ours asks to add another to a group, which it calls `title`.
    pub(crate) async fn ask_to_add(
        &self,
        adder: &UserUri,
        group: GroupUri,
        title: Option<Title>,
        user: UserUri,
        ttl: Option<Duration>,
    ) -> Result<AuthorizationRow, Misuse> {
        let (house, adder) = (self.house(), adder.clone());
        self.store.write(move |tx| authorizations::ask(tx, &house, &adder, &group, title, &user, ttl)).await
    }

    /// A user of ours decides on an addition that it was asked, or takes back what it asked itself.
    pub(crate) async fn decide_authorization_as(
        &self,
        user: &UserUri,
        id: Id,
        decision: AuthorizationDecision,
    ) -> Result<AuthorizationRow, Misuse> {
        let (house, user) = (self.house(), user.clone());
        let decided = self.store.write(move |tx| {
            let rows = tx.authorizations_by_id(id)?;
            if let Some(row) = rows.iter().find(|row| row.user == user && !row.unseen) {
                return authorizations::decide(tx, &house, row.clone(), decision, DecidedBy::User);
            }
            // Who asked can only take it back.
            let made =
                rows.into_iter().find(|row| row.adder == user && decision == AuthorizationDecision::Revoke);
            authorizations::withdraw(tx, &house, made.ok_or(Misuse::NoSuchAuthorization(id))?)
        });
        decided.await
    }
}
