//! What is asked of the rules here: by the clients of our users, and by the operator. What other providers ask comes in by
//! `http`.

use std::time::Duration;

use drawbridge_mtp::id::{Id, UserUri};

use super::requests::{self, Changes, Kind, Terms};
use super::{Decided, Decision, Misuse};
use crate::ambient::AmbientExt;
use crate::core::Core;
use crate::store::{DecidedBy, RequestRow};

impl Core {
    /// What the rules on requests go by.
    pub(crate) fn terms(&self) -> Terms {
        let choices = self.choices();
        Terms {
            signer: self.signer.clone(),
            strangers: choices.strangers,
            tell_declined: choices.tell_declined,
        }
    }

    /// What a decision has come to, which can be taken back for a while where that puts everything back.
    pub(crate) fn decided<T>(&self, now: T, changes: Changes) -> Decided<T> {
        Decided { now, undo: self.undos.remember(self.ambient.id(), changes) }
    }

    /// A user of ours asks `to`, with a request that is open for `ttl`, else for as long as may be.
    pub(crate) async fn ask<K: Kind>(
        &self,
        from: UserUri,
        to: UserUri,
        about: K,
        ttl: Option<Duration>,
    ) -> Result<RequestRow<K>, Misuse> {
        let terms = self.terms();
        self.store.write(move |tx| requests::ask(tx, &terms, &from, &to, about, ttl)).await
    }

    /// A user of ours decides on a request that it was asked, or takes back what it asked itself.
    pub(crate) async fn decide_as<K: Kind>(
        &self,
        user: &UserUri,
        id: Id,
        decision: Decision,
    ) -> Result<RequestRow<K>, Misuse> {
        let (terms, user) = (self.terms(), user.clone());
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
