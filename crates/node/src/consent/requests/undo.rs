//! Taking a decision of the operator back: what it has changed is put back exactly as it was. Where others have been
//! told of it, that cannot be, and is not offered.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

use drawbridge_mtp::id::{Id, Name, Provider, UserUri};
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_mtp::time::Timestamp;

use super::kind::Kind;
use super::tell::tell_clients;
use crate::misuse::Misuse;
use crate::store::{AddRule, DecidedBy, PeerRow, RequestRow, StoreFault, Tx};

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
pub(crate) struct Undos(Mutex<VecDeque<(Id, Arc<Effects>)>>);

impl Undos {
    /// Remembers what a decision has changed; `None` where it cannot be taken back.
    pub(crate) fn remember(&self, id: Id, effects: Effects) -> Option<Id> {
        if !effects.0.iter().all(|effect| effect.is_untold()) {
            return None;
        }
        self.put_back(id, Arc::new(effects));
        Some(id)
    }

    /// Remembers again what was taken and could not be undone.
    pub(crate) fn put_back(&self, id: Id, effects: Arc<Effects>) {
        let mut kept = self.0.lock();
        kept.push_back((id, effects));
        if kept.len() > REMEMBERED {
            kept.pop_front();
        }
    }

    /// What the decision `id` has changed, if it is still remembered; from now on it is not.
    pub(crate) fn take(&self, id: Id) -> Option<Arc<Effects>> {
        let mut kept = self.0.lock();
        let place = kept.iter().position(|(kept, _)| *kept == id)?;
        kept.remove(place).map(|(_, effects)| effects)
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

/// Something that a decision may change.
trait Watched: Send + Sync {
    /// Looks what has become of it, and whether it has changed at all.
    fn look(&mut self, tx: &Tx<'_>) -> Result<bool, StoreFault>;

    /// Whether nobody but us knows of what the decision has made of it.
    fn is_untold(&self) -> bool;

    /// Puts it back as it was before, unless something has changed it since.
    fn undo(&self, tx: &Tx<'_>, ours: &Provider) -> Result<(), Misuse>;
}

/// One thing before and after a decision, with how it is read, and put back from what it was made.
struct Effect<T, Read, PutBack> {
    before: T,
    after: T,
    read: Read,
    is_untold: fn(&T, &T) -> bool,
    put_back: PutBack,
}

impl<T, Read, PutBack> Watched for Effect<T, Read, PutBack>
where
    T: PartialEq + Send + Sync,
    Read: Fn(&Tx<'_>) -> Result<T, StoreFault> + Send + Sync,
    PutBack: Fn(&Tx<'_>, &Provider, &T, &T) -> Result<(), StoreFault> + Send + Sync,
{
    fn look(&mut self, tx: &Tx<'_>) -> Result<bool, StoreFault> {
        self.after = (self.read)(tx)?;
        Ok(self.before != self.after)
    }

    fn is_untold(&self) -> bool {
        (self.is_untold)(&self.before, &self.after)
    }

    fn undo(&self, tx: &Tx<'_>, ours: &Provider) -> Result<(), Misuse> {
        if (self.read)(tx)? != self.after {
            let text = "what was decided on has changed since, so it stands as it is; decide anew";
            return Err(Misuse::Unfit(text.into()));
        }
        Ok((self.put_back)(tx, ours, &self.before, &self.after)?)
    }
}

/// All that a decision has changed.
pub(crate) struct Effects(Vec<Box<dyn Watched>>);

impl Effects {
    /// Puts everything back as it was before, unless something has changed it since.
    pub(crate) fn undo(&self, tx: &Tx<'_>, ours: &Provider) -> Result<(), Misuse> {
        self.0.iter().try_for_each(|effect| effect.undo(tx, ours))
    }
}

/// What a decision may change, as it was before.
pub(crate) struct Watch<'a> {
    tx: &'a Tx<'a>,
    things: Vec<Box<dyn Watched>>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(tx: &'a Tx<'a>) -> Self {
        Self { tx, things: Vec::new() }
    }

    fn thing<T: Clone + PartialEq + Send + Sync + 'static>(
        &mut self,
        read: impl Fn(&Tx<'_>) -> Result<T, StoreFault> + Send + Sync + 'static,
        is_untold: fn(&T, &T) -> bool,
        put_back: impl Fn(&Tx<'_>, &Provider, &T, &T) -> Result<(), StoreFault> + Send + Sync + 'static,
    ) -> Result<(), StoreFault> {
        let before = read(self.tx)?;
        self.things.push(Box::new(Effect { after: before.clone(), before, read, is_untold, put_back }));
        Ok(())
    }

    /// The decision is on `row`, and with it on all requests that are decided as one with it.
    pub(crate) fn request<K: Kind>(&mut self, row: &RequestRow<K>) -> Result<(), StoreFault> {
        for RequestRow { peer, outgoing, id, .. } in K::decided_with(self.tx, row)? {
            self.thing(
                move |tx| tx.request::<K>(&peer, outgoing, id),
                |_, after| after.as_ref().is_some_and(|row| row.told_state() == ConnectionState::Pending),
                |tx, ours, before, after| {
                    let (Some(before), Some(after)) = (before, after) else { return Ok(()) };
                    tx.put_request(before)?;
                    if before.state == after.state { Ok(()) } else { tell_clients(tx, ours, before) }
                },
            )?;
        }
        Ok(())
    }

    /// It makes, or takes back, a standing decision on `source`.
    pub(crate) fn rule(&mut self, source: &str) -> Result<(), StoreFault> {
        let (source, of) = (source.to_owned(), source.to_owned());
        self.thing(
            move |tx| tx.rule(None, &of),
            |_, _| true,
            move |tx, _, before, _| match before {
                Some(rule) => tx.put_rule(rule),
                None => tx.set_rule(None, &source, None),
            },
        )
    }

    /// It sets what `user` lets `other` do.
    pub(crate) fn add_rule(&mut self, user: &Name, other: &UserUri) -> Result<(), StoreFault> {
        let (pair, of) = ((user.clone(), other.clone()), (user.clone(), other.clone()));
        self.thing(
            move |tx| tx.add_rule_row(&of.0, &of.1),
            |_, _| true,
            move |tx, _, before, _| match before {
                Some(rule) => tx.put_add_rule(rule),
                None => tx.set_add_rule(&pair.0, &pair.1, AddRule::Ask),
            },
        )
    }

    /// It is on `provider` too.
    pub(crate) fn peer(&mut self, provider: &Provider) -> Result<(), StoreFault> {
        let (provider, of) = (provider.clone(), provider.clone());
        self.thing(
            move |tx| {
                let judgement = |row| {
                    let PeerRow { state, since, decided_by, ignored, .. } = row;
                    Judgement { state, since, decided_by, ignored }
                };
                Ok(tx.peer(&of)?.map(judgement))
            },
            |before, after| before.is_some() && after.is_some(),
            move |tx, _, before, _| {
                let (Some(mut row), Some(before)) = (tx.peer(&provider)?, *before) else { return Ok(()) };
                let Judgement { state, since, decided_by, ignored } = before;
                (row.state, row.since, row.decided_by, row.ignored) = (state, since, decided_by, ignored);
                tx.put_peer(&row)
            },
        )
    }

    /// What the decision has changed of it all.
    pub(crate) fn effects(self) -> Result<Effects, StoreFault> {
        let mut changed = Vec::new();
        for mut thing in self.things {
            if thing.look(self.tx)? {
                changed.push(thing);
            }
        }
        Ok(Effects(changed))
    }
}
