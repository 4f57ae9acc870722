//! Taking a decision of the operator back: what it has changed is put back exactly as it was. Where others have been
//! told of it, that cannot be, and is not offered.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use drawbridge_mtp::id::{Id, Name, Provider, UserUri};
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_mtp::time::Timestamp;

use super::Misuse;
use crate::store::{AddRuleRow, AuthorizationRow, ConnectionRow, DecidedBy, PeerRow, Rule, StoreFault, Tx};

/// Decisions that are remembered to be taken back; of more, the oldest are final.
const REMEMBERED: usize = 1000;

/// What a decision has come to.
#[derive(Clone, Debug)]
pub struct Decided<T> {
    /// What was decided on, as it is now.
    pub now: T,
    /// Names the decision to [`Operator::undo`](crate::operator::Operator::undo), where it can be taken back.
    pub undo: Option<Id>,
}

/// The latest decisions that can be taken back.
#[derive(Default)]
pub(crate) struct Undos(Mutex<VecDeque<(Id, Changes)>>);

impl Undos {
    /// A poisoned lock means that a thread has panicked between two whole steps; the list is whole.
    fn kept(&self) -> MutexGuard<'_, VecDeque<(Id, Changes)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what a decision has changed; `None` where it cannot be taken back.
    pub(crate) fn remember(&self, id: Id, changes: Changes) -> Option<Id> {
        if !changes.can_be_undone() {
            return None;
        }
        let mut kept = self.kept();
        kept.push_back((id, changes));
        if kept.len() > REMEMBERED {
            kept.pop_front();
        }
        Some(id)
    }

    /// What the decision `id` has changed, if it is still remembered; from now on it is not.
    pub(crate) fn take(&self, id: Id) -> Option<Changes> {
        let mut kept = self.kept();
        let place = kept.iter().position(|(kept, _)| *kept == id)?;
        kept.remove(place).map(|(_, changes)| changes)
    }
}

/// One thing before and after a decision.
#[derive(Clone, Debug)]
struct Change<T> {
    before: T,
    after: T,
}

/// All that a decision has changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    connections: Vec<Change<ConnectionRow>>,
    authorizations: Vec<Change<AuthorizationRow>>,
    rule: Option<(String, Change<Option<Rule>>)>,
    add_rule: Option<(Name, UserUri, Change<Option<AddRuleRow>>)>,
    peer: Option<(Provider, Change<Option<Judgement>>)>,
}

/// What is decided on a peer; the rest of its row goes its own way.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Judgement {
    state: PeerState,
    since: Timestamp,
    decided_by: Option<DecidedBy>,
    ignored: bool,
}

impl From<PeerRow> for Judgement {
    fn from(row: PeerRow) -> Self {
        let PeerRow { state, since, decided_by, ignored, .. } = row;
        Self { state, since, decided_by, ignored }
    }
}

/// What a decision may change, as it was before.
pub(crate) struct Watch<'a> {
    tx: &'a Tx<'a>,
    before: Changes,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(tx: &'a Tx<'a>) -> Self {
        Self { tx, before: Changes::default() }
    }

    /// The decision is on `row`, and with it on all requests of that user to the other.
    pub(crate) fn connection(mut self, row: &ConnectionRow) -> Result<Self, StoreFault> {
        let rows = self.tx.connections_between(&row.from, &row.to)?;
        self.before.connections = rows.into_iter().map(same).collect();
        Ok(self)
    }

    /// The decision is on `row`, and with it on all requests of that adder to add that user.
    pub(crate) fn authorization(mut self, row: &AuthorizationRow) -> Result<Self, StoreFault> {
        let rows = self.tx.authorizations_of_pair(&row.adder, &row.user)?;
        self.before.authorizations = rows.into_iter().map(same).collect();
        Ok(self)
    }

    /// It makes, or takes back, a standing decision on `source`.
    pub(crate) fn rule(mut self, source: &str) -> Result<Self, StoreFault> {
        self.before.rule = Some((source.to_owned(), same(rule(self.tx, source)?)));
        Ok(self)
    }

    /// It sets what `user` lets `other` do.
    pub(crate) fn add_rule(mut self, user: &Name, other: &UserUri) -> Result<Self, StoreFault> {
        let rule = self.tx.add_rule_row(user, other)?;
        self.before.add_rule = Some((user.clone(), other.clone(), same(rule)));
        Ok(self)
    }

    /// It is on `provider` too.
    pub(crate) fn peer(mut self, provider: &Provider) -> Result<Self, StoreFault> {
        let judgement = self.tx.peer(provider)?.map(Judgement::from);
        self.before.peer = Some((provider.clone(), same(judgement)));
        Ok(self)
    }

    /// What has become of it all.
    pub(crate) fn changes(self) -> Result<Changes, StoreFault> {
        let Self { tx, before: mut changes } = self;
        for change in &mut changes.connections {
            let Change { before, after } = change;
            if let Some(now) = tx.connection(&before.peer, before.outgoing, before.id)? {
                *after = now;
            }
        }
        changes.connections.retain(|change| change.before != change.after);
        for change in &mut changes.authorizations {
            let Change { before, after } = change;
            if let Some(now) = tx.authorization(&before.peer, before.outgoing, before.id)? {
                *after = now;
            }
        }
        changes.authorizations.retain(|change| change.before != change.after);
        if let Some((source, change)) = &mut changes.rule {
            change.after = rule(tx, source)?;
        }
        if let Some((user, other, change)) = &mut changes.add_rule {
            change.after = tx.add_rule_row(user, other)?;
        }
        if let Some((provider, change)) = &mut changes.peer {
            change.after = tx.peer(provider)?.map(Judgement::from);
        }
        Ok(changes)
    }
}

fn same<T: Clone>(thing: T) -> Change<T> {
    Change { after: thing.clone(), before: thing }
}

fn rule(tx: &Tx<'_>, source: &str) -> Result<Option<Rule>, StoreFault> {
    Ok(tx.rules()?.into_iter().find(|rule| rule.user.is_none() && rule.source == source))
}

/// Whether nobody but us knows of what was decided.
fn is_untold(state: ConnectionState, told: bool) -> bool {
    match state {
        ConnectionState::Pending => true,
        ConnectionState::Declined => !told,
        ConnectionState::Approved | ConnectionState::Ended | ConnectionState::Expired => false,
    }
}

impl Changes {
    fn can_be_undone(&self) -> bool {
        let known = |peer: &Option<(_, Change<Option<Judgement>>)>| {
            peer.as_ref().is_none_or(|(_, change)| change.before.is_some() && change.after.is_some())
        };
        self.connections.iter().all(|change| is_untold(change.after.state, change.after.told))
            && self.authorizations.iter().all(|change| is_untold(change.after.state, change.after.told))
            && known(&self.peer)
    }

    /// Puts everything back as it was before, unless something has changed it since.
    pub(crate) fn undo(self, tx: &Tx<'_>, ours: &Provider) -> Result<(), Misuse> {
        let unless = |changed: bool| if changed { Err(changed_since()) } else { Ok(()) };
        for Change { before, after } in self.connections {
            unless(tx.connection(&after.peer, after.outgoing, after.id)?.as_ref() != Some(&after))?;
            tx.put_connection(&before)?;
            if before.state != after.state {
                super::tell_clients(tx, ours, &before)?;
            }
        }
        for Change { before, after } in self.authorizations {
            unless(tx.authorization(&after.peer, after.outgoing, after.id)?.as_ref() != Some(&after))?;
            tx.put_authorization(&before)?;
            if before.state != after.state {
                super::authorizations::tell_clients(tx, ours, &before)?;
            }
        }
        if let Some((source, Change { before, after })) = self.rule {
            unless(rule(tx, &source)? != after)?;
            match before {
                Some(rule) => tx.put_rule(&rule)?,
                None => tx.set_rule(None, &source, None)?,
            }
        }
        if let Some((user, other, Change { before, after })) = self.add_rule {
            unless(tx.add_rule_row(&user, &other)? != after)?;
            match before {
                Some(rule) => tx.put_add_rule(&rule)?,
                None => tx.set_add_rule(&user, &other, crate::store::AddRule::Ask)?,
            }
        }
        if let Some((provider, Change { before: Some(before), after })) = self.peer {
            let mut row = tx.peer(&provider)?.ok_or_else(changed_since)?;
            unless(Some(Judgement::from(row.clone())) != after)?;
            let Judgement { state, since, decided_by, ignored } = before;
            (row.state, row.since, row.decided_by, row.ignored) = (state, since, decided_by, ignored);
            tx.put_peer(&row)?;
        }
        Ok(())
    }
}

fn changed_since() -> Misuse {
    Misuse::Unfit("what was decided on has changed since, so it stands as it is; decide anew".into())
}
