//! Clients that wait for an owner's answer.

use parking_lot::Mutex;
use std::collections::HashMap;

use drawbridge_mtp::id::{GroupUri, Id};
use drawbridge_mtp::message::Outcome;
use tokio::sync::oneshot;

/// Clients that wait for an owner's answer.
#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<HashMap<(GroupUri, Id), Waiting>>);

/// Those who wait for what becomes of one submission.
type Waiting = Vec<oneshot::Sender<Outcome>>;

impl Answers {
    /// Waits for what becomes of a submission.
    pub(super) fn wait(&self, group: &GroupUri, id: Id) -> oneshot::Receiver<Outcome> {
        let (tell, told) = oneshot::channel();
        self.0.lock().entry((group.clone(), id)).or_default().push(tell);
        told
    }

    /// Those who wait for what became of a submission: from here on they have to be told.
    pub(super) fn take(&self, group: &GroupUri, id: Id) -> Vec<oneshot::Sender<Outcome>> {
        let mut waiting = self.0.lock().remove(&(group.clone(), id)).unwrap_or_default();
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
            let mut waiting = self.0.lock();
            if let Some(tells) = waiting.get_mut(&(group.clone(), id)) {
                drop(told);
                tells.retain(|tell| !tell.is_closed());
                if tells.is_empty() {
                    waiting.remove(&(group.clone(), id));
                }
                return None;
            }
        }
        told.await.ok()
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
        let told = answers.wait(&group, id);
        let tell = answers.take(&group, id).pop().unwrap();
        let (given_up, ()) = tokio::join!(answers.give_up(&group, id, told), async {
            tell.send(Outcome::Queued).unwrap();
        });
        assert_eq!(given_up, Some(Outcome::Queued));

        let [first, second] = [(), ()].map(|()| answers.wait(&group, id));
        assert_eq!(answers.give_up(&group, id, first).await, None);
        for tell in answers.take(&group, id) {
            tell.send(Outcome::Queued).unwrap();
        }
        assert_eq!(second.await, Ok(Outcome::Queued), "one who gives up takes nothing from another");
    }
}
