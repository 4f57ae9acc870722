//! What is asked of the rules here: by the clients of our users, and by the operator. What other providers ask comes in by
//! `http`.

use std::time::Duration;

use drawbridge_mtp::id::{Id, UserUri};

use super::requests::{self, Effects, Kind, Terms};
use super::state::{Choices, Consent};
use super::{Decided, Decision};
use crate::ambient::AmbientExt;
use crate::ground::unsigned::Unsigned;
use crate::misuse::Misuse;
use crate::store::{DecidedBy, RequestRow};

impl Consent {
    /// What the operator has chosen.
    pub(crate) fn choices(&self) -> Choices {
        *self.choices.read()
    }

    /// The operator chooses otherwise.
    pub(crate) fn choose(&self, change: impl FnOnce(&mut Choices)) {
        change(&mut self.choices.write());
    }

    /// What the rules on requests go by.
    ///
    /// # Errors
    ///
    /// Nothing can be signed now, and an approval may have to be.
    pub(crate) fn terms(&self) -> Result<Terms, Unsigned> {
        let choices = self.choices();
        Ok(Terms {
            signer: self.ground.signer()?,
            strangers: choices.strangers,
            tell_declined: choices.tell_declined,
        })
    }

    /// Signs anew what our users have agreed to where its signature does not count any more, or not yet.
    pub(crate) async fn renew_grants(&self) -> Result<(), Misuse> {
        // Where nothing is signed, the next look is soon.
        let Ok(terms) = self.terms() else { return Ok(()) };
        let ring = self.ground.keys.ring();
        Ok(self.store.write(move |tx| requests::renew(tx, &terms, &ring)).await?)
    }

    /// What a decision has come to, which can be taken back for a while where that puts everything back.
    pub(crate) fn decided<T>(&self, now: T, effects: Effects) -> Decided<T> {
        Decided { now, undo: self.undos.remember(self.ground.ambient.id(), effects) }
    }

    /// Takes back the operator's decision `id`: everything is as it was before.
    pub(crate) async fn undo(&self, id: Id) -> Result<(), Misuse> {
        let Some(effects) = self.undos.take(id) else {
            return Err(Misuse::Unfit("it is too late to take that back; decide anew".into()));
        };
        let (ours, taken) = (self.ground.ours.clone(), effects.clone());
        let undone = self.store.write(move |tx| taken.undo(tx, &ours)).await;
        if matches!(undone, Err(Misuse::Store(_))) {
            // Nothing has changed, and it can be taken back once the store can write again.
            self.undos.put_back(id, effects);
        }
        undone
    }

    /// A user of ours asks `to`, with a request that is open for `ttl`, else for as long as may be.
    pub(crate) async fn ask<K: Kind>(
        &self,
        from: UserUri,
        to: UserUri,
        about: K,
        ttl: Option<Duration>,
    ) -> Result<RequestRow<K>, Misuse> {
        let terms = self.terms()?;
        self.store.write(move |tx| requests::ask(tx, &terms, &from, &to, about, ttl)).await
    }

    /// A user of ours decides on a request that it was asked, or takes back what it asked itself.
    pub(crate) async fn decide_as<K: Kind>(
        &self,
        user: &UserUri,
        id: Id,
        decision: Decision,
    ) -> Result<RequestRow<K>, Misuse> {
        let (terms, user) = (self.terms()?, user.clone());
        let decided = self.store.write(move |tx| {
            let rows = tx.requests_by_id::<K>(id)?;
            if let Some(row) = rows.iter().find(|row| row.to == user && !row.unseen) {
                return requests::decide(tx, &terms, row.clone(), decision, DecidedBy::User);
            }
            // Who asked can only take it back.
            let made = rows.into_iter().find(|row| row.from == user && decision == Decision::End);
            Ok(requests::withdraw(tx, terms.ours(), made.ok_or(K::unknown(id))?)?)
        });
        decided.await
    }
}
