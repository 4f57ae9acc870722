//! What the operator decides on who may reach our users and add them to groups.

use std::time::Duration;

use drawbridge_mtp::id::{GroupUri, Id, Name, Provider, UserUri};

use super::Operator;
use crate::config::Strangers;
use crate::consent::{
    self as rules, AuthorizationDecision, Decided, Decision, Misuse, Watch, authorizations, providers,
};
use crate::store::{AddRule, AuthorizationRow, ConnectionRow, DecidedBy, RuleKind};

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
        self.consent.ask_connection(self.ground.user(user), to, ttl).await
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
        let (ours, tell) = (self.ground.ours.clone(), self.consent.choices().tell_declined);
        let decided = self
            .store
            .write(move |tx| {
                let row = rules::find(tx, &ours, id, made_by.as_ref())?;
                let mut watch = Watch::new(tx).connection(&row)?;
                if let Some((whom, kind)) = standing {
                    if row.outgoing {
                        return Err(Misuse::Unfit("a rule is about who asks us, not about ourselves".into()));
                    }
                    let source = match whom {
                        Whom::Person => row.from.to_string(),
                        Whom::Provider => row.from.provider().to_string(),
                    };
                    watch = watch.rule(&source)?;
                    tx.set_rule(None, &source, kind)?;
                }
                if admit && row.peer != ours {
                    watch = watch.peer(&row.peer)?;
                    if !providers::asks(tx, &row.peer, Strangers::Ask)? {
                        return Err(Misuse::Unfit(format!(
                            "{} is blocked, or its key has changed; decide on it under Peers first",
                            row.peer
                        )));
                    }
                }
                let row = rules::decide(tx, &ours, row, decision, DecidedBy::Operator, tell)?;
                Ok::<_, Misuse>((row, watch.changes()?))
            })
            .await?;
        Ok(self.consent.decided(decided.0, decided.1))
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
                if let Some(user) = &user
                    && tx.user(user)?.is_none()
                {
                    return Err(Misuse::NoSuchUser(user.clone()));
                }
                Ok(tx.set_rule(user.as_ref(), &source, kind)?)
            })
            .await
    }

    /// A user of ours asks to add another to a group, open for `ttl`, about thirty days unless told.
    pub async fn ask_to_add(
        &self,
        user: &Name,
        group: GroupUri,
        other: UserUri,
        ttl: Option<Duration>,
    ) -> Result<AuthorizationRow, Misuse> {
        self.consent.ask_to_add(&self.ground.user(user), group, None, other, ttl).await
    }

    /// The operator decides on the request to add `id`, made by the provider `made_by` where several used that id.
    pub async fn decide_authorization(
        &self,
        id: Id,
        made_by: Option<Provider>,
        decision: AuthorizationDecision,
    ) -> Result<AuthorizationRow, Misuse> {
        Ok(self.decide_authorization_with(id, made_by, decision, None).await?.now)
    }

    /// As [`Self::decide_authorization`], and in the same transaction sets what the adder may do from now on.
    pub async fn decide_authorization_with(
        &self,
        id: Id,
        made_by: Option<Provider>,
        decision: AuthorizationDecision,
        rule: Option<AddRule>,
    ) -> Result<Decided<AuthorizationRow>, Misuse> {
        let house = self.consent.house();
        let decided = self
            .store
            .write(move |tx| {
                let row = authorizations::find(tx, house.signer.provider(), id, made_by.as_ref())?;
                let mut watch = Watch::new(tx).authorization(&row)?;
                if let Some(rule) = rule {
                    if row.outgoing {
                        return Err(Misuse::Unfit("a rule is about who asks us, not about ourselves".into()));
                    }
                    watch = watch.add_rule(row.user.name(), &row.adder)?;
                    tx.set_add_rule(row.user.name(), &row.adder, rule)?;
                }
                let row = authorizations::decide(tx, &house, row, decision, DecidedBy::Operator)?;
                Ok::<_, Misuse>((row, watch.changes()?))
            })
            .await?;
        Ok(self.consent.decided(decided.0, decided.1))
    }

    /// Sets what a user of ours lets `other` do: add it to groups at once, never, or ask.
    pub async fn set_add_rule(&self, user: Name, other: UserUri, rule: AddRule) -> Result<(), Misuse> {
        self.store
            .write(move |tx| {
                if tx.user(&user)?.is_none() {
                    return Err(Misuse::NoSuchUser(user));
                }
                Ok(tx.set_add_rule(&user, &other, rule)?)
            })
            .await
    }
}
