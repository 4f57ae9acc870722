//! Taking a decision of the operator back: what it has changed is put back exactly as it was. Where others have been
//! told of it, that cannot be, and is not offered.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use drawbridge_mtp::id::{Id, Name, Provider, UserUri};
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_mtp::time::Timestamp;

use super::kind::Kind;
use super::tell::tell_clients;
use crate::consent::Misuse;
use crate::store::{AddRule, AddRuleRow, DecidedBy, PeerRow, RequestRow, Rule, StoreFault, Tx};

/// Decisions that are remembered to be taken back; of more, the oldest are final.
const REMEMBERED: usize = 1000;

/// What a decision has come to.
#[derive(Clone, Debug)]
pub struct Decided<T> {
    /// What was decided on, as it is now.
    pub now: T,
    /// Names the decision to [`Node::undo`](crate::Node::undo), where it can be taken back.
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
        if !changes.0.iter().all(|change| change.is_untold()) {
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

/// Something that a decision may change.
trait Thing: Clone + PartialEq + Send + Sized + 'static {
    /// As it is now; `None` where it is gone.
    fn now(&self, tx: &Tx<'_>) -> Result<Option<Self>, StoreFault>;

    /// Whether it can be put back from what the decision has made of it, `after`: nobody but us knows of that.
    fn is_untold(&self, _after: &Self) -> bool {
        true
    }

    /// Puts it back as it is here, from `after`.
    fn put_back(&self, tx: &Tx<'_>, ours: &Provider, after: &Self) -> Result<(), StoreFault>;
}

impl<K: Kind> Thing for RequestRow<K> {
    fn now(&self, tx: &Tx<'_>) -> Result<Option<Self>, StoreFault> {
        tx.request(&self.peer, self.outgoing, self.id)
    }

    fn is_untold(&self, after: &Self) -> bool {
        match after.state {
            ConnectionState::Pending => true,
            ConnectionState::Declined => !after.told,
            ConnectionState::Approved | ConnectionState::Ended | ConnectionState::Expired => false,
        }
    }

    fn put_back(&self, tx: &Tx<'_>, ours: &Provider, after: &Self) -> Result<(), StoreFault> {
        tx.put_request(self)?;
        if self.state == after.state { Ok(()) } else { tell_clients(tx, ours, self) }
    }
}

/// The standing decision on a person or a provider, for all users.
#[derive(Clone, PartialEq)]
struct StandingRule {
    source: String,
    rule: Option<Rule>,
}

impl StandingRule {
    fn read(tx: &Tx<'_>, source: &str) -> Result<Self, StoreFault> {
        let rule = tx.rules()?.into_iter().find(|rule| rule.user.is_none() && rule.source == source);
        Ok(Self { source: source.to_owned(), rule })
    }
}

impl Thing for StandingRule {
    fn now(&self, tx: &Tx<'_>) -> Result<Option<Self>, StoreFault> {
        Self::read(tx, &self.source).map(Some)
    }

    fn put_back(&self, tx: &Tx<'_>, _: &Provider, _: &Self) -> Result<(), StoreFault> {
        match &self.rule {
            Some(rule) => tx.put_rule(rule),
            None => tx.set_rule(None, &self.source, None),
        }
    }
}

/// What a user here lets another do.
#[derive(Clone, PartialEq)]
struct RuleForAdditions {
    user: Name,
    other: UserUri,
    rule: Option<AddRuleRow>,
}

impl RuleForAdditions {
    fn read(tx: &Tx<'_>, user: &Name, other: &UserUri) -> Result<Self, StoreFault> {
        let rule = tx.add_rule_row(user, other)?;
        Ok(Self { user: user.clone(), other: other.clone(), rule })
    }
}

impl Thing for RuleForAdditions {
    fn now(&self, tx: &Tx<'_>) -> Result<Option<Self>, StoreFault> {
        Self::read(tx, &self.user, &self.other).map(Some)
    }

    fn put_back(&self, tx: &Tx<'_>, _: &Provider, _: &Self) -> Result<(), StoreFault> {
        match &self.rule {
            Some(rule) => tx.put_add_rule(rule),
            None => tx.set_add_rule(&self.user, &self.other, AddRule::Ask),
        }
    }
}

/// What is decided on a provider; the rest of its row goes its own way.
#[derive(Clone, Copy, PartialEq)]
struct Judgement {
    state: PeerState,
    since: Timestamp,
    decided_by: Option<DecidedBy>,
    ignored: bool,
}

/// A provider that is decided on.
#[derive(Clone, PartialEq)]
struct Judged {
    provider: Provider,
    /// `None` where it is not known.
    judgement: Option<Judgement>,
}

impl Judged {
    fn read(tx: &Tx<'_>, provider: &Provider) -> Result<Self, StoreFault> {
        let judgement = tx.peer(provider)?.map(|row| {
            let PeerRow { state, since, decided_by, ignored, .. } = row;
            Judgement { state, since, decided_by, ignored }
        });
        Ok(Self { provider: provider.clone(), judgement })
    }
}

impl Thing for Judged {
    fn now(&self, tx: &Tx<'_>) -> Result<Option<Self>, StoreFault> {
        Self::read(tx, &self.provider).map(Some)
    }

    fn is_untold(&self, after: &Self) -> bool {
        self.judgement.is_some() && after.judgement.is_some()
    }

    fn put_back(&self, tx: &Tx<'_>, _: &Provider, _: &Self) -> Result<(), StoreFault> {
        let (Some(mut row), Some(judgement)) = (tx.peer(&self.provider)?, self.judgement) else {
            return Ok(());
        };
        let Judgement { state, since, decided_by, ignored } = judgement;
        (row.state, row.since, row.decided_by, row.ignored) = (state, since, decided_by, ignored);
        tx.put_peer(&row)
    }
}

/// One thing before and after a decision.
struct Change<T> {
    before: T,
    after: T,
}

/// A [`Change`] of whatever thing.
trait Undo: Send {
    /// Looks what has become of the thing, and whether it has changed at all.
    fn look(&mut self, tx: &Tx<'_>) -> Result<bool, StoreFault>;

    fn is_untold(&self) -> bool;

    /// Puts the thing back, unless something has changed it since.
    fn undo(&self, tx: &Tx<'_>, ours: &Provider) -> Result<(), Misuse>;
}

impl<T: Thing> Undo for Change<T> {
    fn look(&mut self, tx: &Tx<'_>) -> Result<bool, StoreFault> {
        if let Some(now) = self.before.now(tx)? {
            self.after = now;
        }
        Ok(self.before != self.after)
    }

    fn is_untold(&self) -> bool {
        self.before.is_untold(&self.after)
    }

    fn undo(&self, tx: &Tx<'_>, ours: &Provider) -> Result<(), Misuse> {
        if self.after.now(tx)?.as_ref() != Some(&self.after) {
            let text = "what was decided on has changed since, so it stands as it is; decide anew";
            return Err(Misuse::Unfit(text.into()));
        }
        Ok(self.before.put_back(tx, ours, &self.after)?)
    }
}

/// All that a decision has changed.
#[derive(Default)]
pub(crate) struct Changes(Vec<Box<dyn Undo>>);

impl Changes {
    /// Puts everything back as it was before, unless something has changed it since.
    pub(crate) fn undo(self, tx: &Tx<'_>, ours: &Provider) -> Result<(), Misuse> {
        self.0.iter().try_for_each(|change| change.undo(tx, ours))
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

    fn thing<T: Thing>(&mut self, thing: T) {
        self.before.0.push(Box::new(Change { after: thing.clone(), before: thing }));
    }

    /// The decision is on `row`, and with it on all requests that are decided as one with it.
    pub(crate) fn request<K: Kind>(&mut self, row: &RequestRow<K>) -> Result<(), StoreFault> {
        K::decided_with(self.tx, row)?.into_iter().for_each(|row| self.thing(row));
        Ok(())
    }

    /// It makes, or takes back, a standing decision on `source`.
    pub(crate) fn rule(&mut self, source: &str) -> Result<(), StoreFault> {
        self.thing(StandingRule::read(self.tx, source)?);
        Ok(())
    }

    /// It sets what `user` lets `other` do.
    pub(crate) fn add_rule(&mut self, user: &Name, other: &UserUri) -> Result<(), StoreFault> {
        self.thing(RuleForAdditions::read(self.tx, user, other)?);
        Ok(())
    }

    /// It is on `provider` too.
    pub(crate) fn peer(&mut self, provider: &Provider) -> Result<(), StoreFault> {
        self.thing(Judged::read(self.tx, provider)?);
        Ok(())
    }

    /// What the decision has changed of it all.
    pub(crate) fn changes(self) -> Result<Changes, StoreFault> {
        let mut changed = Vec::new();
        for mut change in self.before.0 {
            if change.look(self.tx)? {
                changed.push(change);
            }
        }
        Ok(Changes(changed))
    }
}
