//! What the operator decides on who may reach our users and add them to groups.

use std::time::Duration;

use drawbridge_mtp::id::{GroupUri, Id, Name, Provider, UserUri};

use super::Operator;
use crate::consent::requests::{self, Kind, Watch};
use crate::consent::{Decided, Decision, providers};
use crate::ground::config::Strangers;
use crate::misuse::{Misuse, require_user};
use crate::store::{
    AddRule, Addition, AuthorizationRow, Connection, ConnectionRow, DecidedBy, RequestRow, RuleKind, Tx,
};

/// For whom a standing decision is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// The user who asked.
    Person,
    /// Everyone at that user's provider.
    Provider,
}

impl Operator {
    /// A user of ours asks another for a connection, open for `ttl`, thirty days unless told.
    pub async fn connect(
        &self,
        user: &Name,
        to: UserUri,
        ttl: Option<Duration>,
    ) -> Result<ConnectionRow, Misuse> {
        self.consent.ask(self.ground.user(user), to, Connection, ttl).await
    }

    /// A user of ours asks to add another to a group, open for `ttl`, about thirty days unless told.
    pub async fn ask_to_add(
        &self,
        user: &Name,
        group: GroupUri,
        other: UserUri,
        ttl: Option<Duration>,
    ) -> Result<AuthorizationRow, Misuse> {
        let about = Addition { group, title: None, grant: None, used: false };
        self.consent.ask(self.ground.user(user), other, about, ttl).await
    }

    /// The operator decides on the request `id`, made by the provider `made_by` where several used that id.
    pub async fn decide_connection(
        &self,
        id: Id,
        made_by: Option<Provider>,
        decision: Decision,
    ) -> Result<ConnectionRow, Misuse> {
        Ok(self.decide_connection_with(id, made_by, decision, None, false).await?.now)
    }

    /// As [`Self::decide_connection`], and in the same transaction makes, or takes back, a standing decision on all
    /// requests of who made this one, and, where it is to `admit` it, lets the requester's provider in.
    pub async fn decide_connection_with(
        &self,
        id: Id,
        made_by: Option<Provider>,
        decision: Decision,
        standing: Option<(Whom, Option<RuleKind>)>,
        admit: bool,
    ) -> Result<Decided<ConnectionRow>, Misuse> {
        self.decide(id, made_by, decision, move |tx, watch, row: &ConnectionRow| {
            if let Some((whom, kind)) = standing {
                let source = match whom {
                    Whom::Person => who_asks_us(row)?.to_string(),
                    Whom::Provider => who_asks_us(row)?.provider().to_string(),
                };
                watch.rule(&source)?;
                tx.set_rule(None, &source, kind)?;
            }
            if admit && row.from.provider() != row.to.provider() {
                watch.peer(&row.peer)?;
                if !providers::allow_asked(tx, &row.peer, Strangers::Ask)? {
                    return Err(providers::not_asked(&row.peer, Strangers::Ask));
                }
            }
            Ok(())
        })
        .await
    }

    /// The operator decides on the request to add `id`, made by the provider `made_by` where several used that id.
    pub async fn decide_authorization(
        &self,
        id: Id,
        made_by: Option<Provider>,
        decision: Decision,
    ) -> Result<AuthorizationRow, Misuse> {
        Ok(self.decide_authorization_with(id, made_by, decision, None).await?.now)
    }

    /// As [`Self::decide_authorization`], and in the same transaction sets what the adder may do from now on.
    pub async fn decide_authorization_with(
        &self,
        id: Id,
        made_by: Option<Provider>,
        decision: Decision,
        rule: Option<AddRule>,
    ) -> Result<Decided<AuthorizationRow>, Misuse> {
        self.decide(id, made_by, decision, move |tx, watch, row: &AuthorizationRow| {
            let Some(rule) = rule else { return Ok(()) };
            let (user, adder) = (row.to.name(), who_asks_us(row)?);
            watch.add_rule(user, adder)?;
            Ok(tx.set_add_rule(user, adder, rule)?)
        })
        .await
    }

    /// Carries out the decision of the operator on the request `id`, and, in the same transaction and before it, what is decided
    /// `with` it: all of it is kept or nothing, and all of it is taken back as one.
    async fn decide<K: Kind>(
        &self,
        id: Id,
        made_by: Option<Provider>,
        decision: Decision,
        with: impl FnOnce(&Tx<'_>, &mut Watch<'_>, &RequestRow<K>) -> Result<(), Misuse> + Send + 'static,
    ) -> Result<Decided<RequestRow<K>>, Misuse> {
        let terms = self.consent.terms()?;
        let decided = self.store.write(move |tx| {
            let row = requests::find::<K>(tx, id, made_by.as_ref())?;
            let mut watch = Watch::new(tx);
            watch.request(&row)?;
            with(tx, &mut watch, &row)?;
            let row = requests::decide(tx, &terms, row, decision, DecidedBy::Operator)?;
            Ok::<_, Misuse>((row, watch.effects()?))
        });
        let (row, changes) = decided.await?;
        Ok(self.consent.decided(row, changes))
    }

    /// Takes back the decision `id` of the operator: everything is as it was before. Refused where something of it has
    /// changed since, or it is too long ago.
    pub async fn undo(&self, id: Id) -> Result<(), Misuse> {
        self.consent.undo(id).await
    }

    /// Makes, or takes back, a standing decision on the requests of a user or a whole provider.
    pub async fn set_rule(
        &self,
        user: Option<Name>,
        source: String,
        kind: Option<RuleKind>,
    ) -> Result<(), Misuse> {
        if source.parse::<UserUri>().is_err() && source.parse::<Provider>().is_err() {
            return Err(Misuse::Unfit(format!(
                "{source:?} is neither a user's address nor a provider's name"
            )));
        }
        self.store
            .write(move |tx| {
                if let Some(user) = &user {
                    require_user(tx, user)?;
                }
                Ok(tx.set_rule(user.as_ref(), &source, kind)?)
            })
            .await
    }

    /// Sets what a user of ours lets `other` do: add it to groups at once, never, or ask.
    pub async fn set_add_rule(&self, user: Name, other: UserUri, rule: AddRule) -> Result<(), Misuse> {
        self.store
            .write(move |tx| {
                require_user(tx, &user)?;
                Ok(tx.set_add_rule(&user, &other, rule)?)
            })
            .await
    }
}

/// Who asks a user of ours by `row`; a rule is about them.
fn who_asks_us<K: Kind>(row: &RequestRow<K>) -> Result<&UserUri, Misuse> {
    if row.outgoing {
        return Err(Misuse::Unfit("a rule is about who asks us, not about ourselves".into()));
    }
    Ok(&row.from)
}
