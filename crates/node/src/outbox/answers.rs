//! Clients that wait for an owner's answer, and which providers are known to be away.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use drawbridge_mtp::id::{GroupUri, Id, Provider};
use drawbridge_mtp::message::Outcome;
use tokio::sync::oneshot;

use crate::lock::lock;

/// Clients that wait for an owner's answer.
#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    waiting: HashMap<(GroupUri, Id), Waiting>,
    /// Those who could not be reached when they were last asked.
    away: HashSet<Provider>,
}

/// Those who wait for what becomes of one submission.
type Waiting = Vec<oneshot::Sender<Outcome>>;

impl Answers {
    /// Waits for what becomes of a submission; none where its owner is known to be away, so that nobody waits in vain.
    pub(super) fn wait(&self, group: &GroupUri, id: Id) -> Option<oneshot::Receiver<Outcome>> {
        let mut known = lock(&self.0);
        if known.away.contains(group.provider()) {
            return None;
        }
        let (tell, told) = oneshot::channel();
        known.waiting.entry((group.clone(), id)).or_default().push(tell);
        Some(told)
    }

    /// Those who wait for what became of a submission: from here on they have to be told.
    pub(super) fn take(&self, group: &GroupUri, id: Id) -> Vec<oneshot::Sender<Outcome>> {
        let mut waiting = lock(&self.0).waiting.remove(&(group.clone(), id)).unwrap_or_default();
        waiting.retain(|tell| !tell.is_closed());
        waiting
    }

    /// Waits no longer, unless the answer is on its way already: then it is told nowhere else.
    pub(super) async fn give_up(
        &self,
        group: &GroupUri,
        id: Id,
        told: oneshot::Receiver<Outcome>,
    ) -> Option<Outcome> {
        {
            let mut known = lock(&self.0);
            if let Some(tells) = known.waiting.get_mut(&(group.clone(), id)) {
                drop(told);
                tells.retain(|tell| !tell.is_closed());
                if tells.is_empty() {
                    known.waiting.remove(&(group.clone(), id));
                }
                return None;
            }
        }
        told.await.ok()
    }

    /// `provider` could not be reached: who waits for it is let go, and nobody waits until it has answered again.
    pub(crate) fn note_away(&self, provider: &Provider) {
        let mut known = lock(&self.0);
        known.away.insert(provider.clone());
        known.waiting.retain(|(group, _), _| group.provider() != provider);
    }

    /// `provider` has answered.
    pub(crate) fn note_there(&self, provider: &Provider) {
        lock(&self.0).away.remove(provider);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::{AmbientExt, System};

    fn asked() -> (Answers, GroupUri, Id) {
        (Answers::default(), "mimi://a.example/g/club".parse().unwrap(), System.id())
    }

    #[tokio::test]
    async fn an_answer_that_is_on_its_way_is_not_given_up() {
        let (answers, group, id) = asked();
        let told = answers.wait(&group, id).unwrap();
        let tell = answers.take(&group, id).pop().unwrap();
        let (given_up, ()) = tokio::join!(answers.give_up(&group, id, told), async {
            tell.send(Outcome::Queued).unwrap();
        });
        assert_eq!(given_up, Some(Outcome::Queued));

        let [first, second] = [(), ()].map(|()| answers.wait(&group, id).unwrap());
        assert_eq!(answers.give_up(&group, id, first).await, None);
        for tell in answers.take(&group, id) {
            tell.send(Outcome::Queued).unwrap();
        }
        assert_eq!(second.await, Ok(Outcome::Queued), "one who gives up takes nothing from another");
    }

    #[tokio::test]
    async fn nobody_waits_for_an_owner_that_is_known_to_be_away() {
        let (answers, group, id) = asked();
        let other: GroupUri = "mimi://c.example/g/club".parse().unwrap();
        let [waits, elsewhere] = [&group, &other].map(|group| answers.wait(group, id).unwrap());
        answers.note_away(group.provider());
        assert!(waits.await.is_err(), "who waits is let go");
        assert!(answers.wait(&group, id).is_none(), "and nobody begins to");
        assert_eq!(answers.take(&other, id).len(), 1, "which says nothing of another owner");
        drop(elsewhere);
        answers.note_there(group.provider());
        assert!(answers.wait(&group, id).is_some());
    }
}
