//! A copy of another owner's log that is not what the owner's log is, because the owner's store went back: which of the two counts,
//! and how our copy comes to it (section 12).
//!
//! The history from before the loss wins, and who numbered first is seen by the times of the first events that differ. Where
//! that is ours, or the owner has signed ours, the owner reads it back from us; where it has not done so for a while, its log
//! counts all the same, since no group is to stay broken.

use std::time::Duration;

use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::message::{Event, GroupStatus};
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::time::Timestamp;

use crate::delivery::Delivery;
use crate::delivery::follower::intake::store_fault;
use crate::delivery::follower::two_stories::events_up_to;
use crate::delivery::other_log::malformed;
use crate::delivery::owner::fork::tell_gone;
use crate::delivery::signed::signed_of_ours;
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::Ask;
use crate::store::{GroupRow, KeptCheckpoint, Standing, StoreFault, TwoStories};

/// Where ours is the history from before the loss, its owner has so long to read it back.
const OWNER_TIME: Duration = Duration::from_secs(10 * 60);
/// Where it is not by its times, and the owner has signed it all the same, so long: a clock may be wrong.
const SIGNED_TIME: Duration = Duration::from_secs(2 * 60);
/// So often are the two logs compared, where the owner's becomes another meanwhile.
const LOOKS: u32 = 3;

impl Delivery {
    /// Brings our copy of the log of `group` to what its owner's log is, where it is not that.
    ///
    /// # Errors
    ///
    /// What the owner has answered, or has not. Nothing has changed then.
    pub(in crate::delivery) async fn settle_copy(&self, group: &GroupUri) -> Result<(), PeerFault> {
        for _ in 0..LOOKS {
            if self.look_at_fork(group).await? == Look::Whole {
                return Ok(());
            }
        }
        let text = format!("its log of {group} changes each time that it is looked at");
        Err(PeerFault::new(Stage::Content, "log-broken", text))
    }
}

/// What came of comparing the two logs.
#[derive(PartialEq, Eq)]
enum Look {
    /// Everything was done that there is to do.
    Whole,
    /// The owner's log became another between two questions.
    Changed,
}

impl Delivery {
    async fn look_at_fork(&self, group: &GroupUri) -> Result<Look, PeerFault> {
        let mut locked = self.groups.lock(group).await;
        let uri = group.clone();
        let row = self.store.write(move |tx| tx.group(&uri)).await.map_err(store_fault)?;
        let Some(row) = row.filter(|row| row.standing != Standing::Over && row.hash.is_some()) else {
            return Ok(Look::Whole);
        };
        let (owner, asked) = (group.provider(), self.ground.ambient.now());
        let status: GroupStatus =
            match self.peers.call(owner, Ask::get(format!("/groups/{}", group.name()))).await {
                Ok(answer) => answer.message().map_err(|fault| malformed(group, &fault))?,
                // We have nobody in it any more; whoever asks for its log is told so too.
                Err(fault) if fault.is(Code::NotFound) => return Ok(Look::Whole),
                Err(fault) => return Err(fault),
            };
        let both = status.head.min(row.head);
        if both < row.first {
            return Ok(Look::Whole);
        }
        let logs = self.log_of_owner(&row);
        let theirs = if both == status.head { Some(status.hash) } else { logs.theirs(both).await? };
        if theirs == logs.ours(both).await? {
            self.forks.end(group);
            // While its log is shorter than our copy, its owner has yet to read back what it has lost.
            if status.head >= row.head {
                self.end_fork(group, status.head, asked).await?;
            }
            return Ok(Look::Whole);
        }
        let agreed = logs.last_agreed(both).await?;
        let (page, first) = (logs.page(agreed, 1).await?, agreed + 1);
        // The owner's log may have become another between two questions; what shows a fork is one answer.
        let Some(theirs) = page.events.first().filter(|event| event.hash == event.computed_hash()) else {
            return Ok(Look::Whole);
        };
        let continues = logs.ours(agreed).await?.is_none_or(|ours| ours == theirs.prev);
        if theirs.seq != first || !continues || logs.ours(first).await? == Some(theirs.hash) {
            return Ok(Look::Changed);
        }
        let patience = if self.is_older(&row, first, theirs).await? {
            OWNER_TIME
        } else if self.is_signed(&row, first).await? {
            SIGNED_TIME
        } else {
            Duration::ZERO
        };
        if self.forks.waited(group, self.ground.ambient.instant()) < patience {
            // Mostly the owner is at it already.
            if logs.theirs(first).await? == logs.ours(first).await? {
                return Ok(Look::Changed);
            }
            let text = format!(
                "from event {first} on, its log of {group} is another than it was: its store went back. What is here may be from before that, and is kept for a while so that it can be read back"
            );
            self.hold_copy(group, text).await?;
            return Ok(Look::Whole);
        }
        locked.forget();
        let text = format!(
            "its log of {group} is another than it was from event {first} on: its store went back, or it told two stories on purpose. Its log counts now; what was here, events {first} to {}, is kept with what it has signed of either, and our users' clients were told",
            row.head
        );
        let forked = PeerFault::new(Stage::Store, "log-forked", text);
        self.take_theirs(group, agreed, theirs, page.checkpoint, forked).await?;
        self.forks.end(group);
        tracing::error!(%group, first, last = row.head, "our copy of a group's log was forked");
        Ok(Look::Whole)
    }
}

impl Delivery {
    /// Whether the owner has signed our copy from event `first` on.
    async fn is_signed(&self, row: &GroupRow, first: u64) -> Result<bool, PeerFault> {
        let row = row.clone();
        let signed = self.store.read(move |view| {
            let kept = signed_of_ours(view, &row, row.head)?;
            Ok::<_, StoreFault>(kept.is_some_and(|kept| kept.seq >= first))
        });
        signed.await.map_err(store_fault)
    }

    /// Whether what we have as event `seq` was numbered before `theirs`.
    async fn is_older(&self, row: &GroupRow, seq: u64, theirs: &Event) -> Result<bool, PeerFault> {
        let id = row.id;
        let ours = self.store.read(move |view| view.event_origin(id, seq)).await.map_err(store_fault)?;
        Ok(ours.is_some_and(|(time, _)| time < theirs.time))
    }

    /// Our copy is what its owner's log is: it goes on, and clients of ours are told what has another place than they were told.
    async fn end_fork(&self, group: &GroupUri, head: u64, asked: Timestamp) -> Result<(), PeerFault> {
        let uri = group.clone();
        let agreed = self.store.write(move |tx| {
            let Some(mut row) = tx.group(&uri)? else { return Ok(()) };
            if row.standing == Standing::Broken {
                row.standing = match tx.group_state(row.id)? {
                    Some(_) => Standing::Live,
                    None => Standing::Joining,
                };
                row.fault = None;
                tx.put_group(&row)?;
            }
            // What was given a place behind the owner's head has lost it.
            tell_gone(tx, &row.uri, tx.take_displaced(&row, Some((head, asked)))?)
        });
        agreed.await.map_err(store_fault)
    }

    /// Nothing more of the group is taken until its owner's log is what it was.
    async fn hold_copy(&self, group: &GroupUri, text: String) -> Result<(), PeerFault> {
        let uri = group.clone();
        let noted = self.store.write(move |tx| {
            let Some(mut row) = tx.group(&uri)?.filter(|row| row.standing != Standing::Broken) else {
                return Ok(());
            };
            let fault = PeerFault::new(Stage::Content, "log-broken", &*text);
            (row.standing, row.fault) = (Standing::Broken, Some(text));
            tx.put_group(&row)?;
            fault.note(tx, row.owner())
        });
        noted.await.map_err(store_fault)
    }

    /// Gives up our copy behind the event `agreed` for the owner's log, whose next event is `theirs`, keeps what proves both, and
    /// notes it as `forked`.
    async fn take_theirs(
        &self,
        group: &GroupUri,
        agreed: u64,
        theirs: &Event,
        checkpoint: Option<String>,
        forked: PeerFault,
    ) -> Result<(), PeerFault> {
        let said = match self.signed_log(group, checkpoint).await {
            Ok(said) => Some(said),
            Err(fault) => {
                // Where it does not sign what it says, the group is not to stay broken for that.
                self.peers.note_trouble(group.provider(), &fault).await;
                None
            }
        };
        let (uri, mut theirs) = (group.clone(), theirs.clone());
        theirs.body = None;
        let taken = self.store.write(move |tx| {
            let Some(mut row) = tx.group(&uri)? else { return Ok(()) };
            let first = agreed + 1;
            let proof = said.as_ref().filter(|said| said.seq >= first);
            if let (Some(said), Some(had)) = (proof, tx.event_hash(row.id, first)?) {
                let before = signed_of_ours(tx, &row, first)?.filter(|kept| kept.seq >= first);
                let proof = KeptCheckpoint { seq: first, hash: theirs.hash, ..said.clone() };
                let had_events = events_up_to(tx, &row, first, before.as_ref())?;
                // What comes behind it is read into our copy from here on.
                let (before, said_events) = (before.as_ref(), std::slice::from_ref(&theirs));
                tx.keep_contradiction(
                    &row,
                    &TwoStories { had, before, had_events: &had_events, said: &proof, said_events },
                )?;
            }
            tx.set_copy_back(&mut row, agreed)?;
            if let Some(said) = &said {
                tx.keep_checkpoint(&row, said)?;
            }
            tell_gone(tx, &row.uri, tx.take_displaced(&row, None)?)?;
            tell_gone(tx, &row.uri, tx.take_queued(&row.uri)?)?;
            forked.note(tx, row.owner())
        });
        taken.await.map_err(store_fault)
    }

    /// What the owner of `group` has signed of its log: with a page of that, or asked for it.
    async fn signed_log(
        &self,
        group: &GroupUri,
        checkpoint: Option<String>,
    ) -> Result<KeptCheckpoint, PeerFault> {
        let signed = match checkpoint {
            Some(jws) => self.verify_checkpoint(group, jws).await?,
            None => self.checkpoint_of_owner(group).await?,
        };
        Ok(signed.kept)
    }
}
