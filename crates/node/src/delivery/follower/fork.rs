//! A copy of another owner's log that is not what the owner's log is, because the owner's store went back: which of the two counts,
//! and how our copy comes to it (section 12).
//!
//! The history from before the loss wins, and who numbered first is seen by the times of the first events that differ. Where
//! that is ours, or the owner has signed ours, the owner reads it back from us; where it has not done so for a while, its log
//! counts all the same, since no group is to stay broken.

use std::time::Duration;

use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::message::{CheckpointReply, Event, GroupStatus, LogPage, LogQuery};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::time::Timestamp;

use crate::delivery::Delivery;
use crate::delivery::follower::intake::store_fault;
use crate::delivery::owner::fork::tell_gone;
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::Ask;
use crate::store::{GroupRow, KeptCheckpoint, Standing, StoreFault};

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
        let logs = Logs { delivery: self, group, row: &row };
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
        let (page, first) = (logs.page(agreed).await?, agreed + 1);
        // The owner's log may have become another between two questions; what shows a fork is one answer.
        let Some(theirs) = page.events.first().filter(|event| event.hash == event.computed_hash()) else {
            return Ok(Look::Whole);
        };
        let continues = logs.ours(agreed).await?.is_none_or(|ours| ours == theirs.prev);
        if theirs.seq != first || !continues || logs.ours(first).await? == Some(theirs.hash) {
            return Ok(Look::Changed);
        }
        let patience = if logs.is_older(first, theirs).await? {
            OWNER_TIME
        } else if logs.is_signed(first).await? {
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
            "its log of {group} is another than it was from event {first} on: its store went back, or it told two stories on purpose. Its log counts now; what was here, events {first} to {}, and what proves both are kept, and our users' clients were told",
            row.head
        );
        let forked = PeerFault::new(Stage::Store, "log-forked", text);
        self.take_theirs(group, agreed, theirs, page.checkpoint, forked).await?;
        self.forks.end(group);
        tracing::error!(%group, first, last = row.head, "our copy of a group's log was forked");
        Ok(Look::Whole)
    }
}

fn malformed(group: &GroupUri, fault: &dyn std::fmt::Display) -> PeerFault {
    PeerFault::new(Stage::Content, "malformed", format!("its answer on {group}: {fault}"))
}

/// Both logs of a group: our copy, and what its owner has.
struct Logs<'a> {
    delivery: &'a Delivery,
    group: &'a GroupUri,
    row: &'a GroupRow,
}

impl Logs<'_> {
    /// The owner's next event behind `after`.
    async fn page(&self, after: u64) -> Result<LogPage, PeerFault> {
        let query = LogQuery { after, max_events: Some(1), ..LogQuery::default() };
        let resource = format!("/groups/{}/log?{}", self.group.name(), query.to_query());
        let answer = self.delivery.peers.call(self.group.provider(), Ask::get(resource)).await?;
        answer.message().map_err(|fault| malformed(self.group, &fault))
    }

    async fn theirs(&self, seq: u64) -> Result<Option<Hash32>, PeerFault> {
        let page = self.page(seq - 1).await?;
        Ok(page.events.first().filter(|event| event.seq == seq).map(Event::computed_hash))
    }

    async fn ours(&self, seq: u64) -> Result<Option<Hash32>, PeerFault> {
        let id = self.row.id;
        self.delivery.store.read(move |view| view.event_hash(id, seq)).await.map_err(store_fault)
    }

    /// The last event of which both say the same, before `differs`; the number before our first where there is none.
    async fn last_agreed(&self, differs: u64) -> Result<u64, PeerFault> {
        let (mut agreed, mut differs) = (self.row.first - 1, differs);
        while differs - agreed > 1 {
            let middle = agreed.midpoint(differs);
            if self.theirs(middle).await? == self.ours(middle).await? {
                agreed = middle;
            } else {
                differs = middle;
            }
        }
        Ok(agreed)
    }

    /// Whether the owner has signed our copy from event `first` on.
    async fn is_signed(&self, first: u64) -> Result<bool, PeerFault> {
        let (id, head) = (self.row.id, self.row.head);
        let signed = self.delivery.store.read(move |view| {
            let Some(kept) = view.checkpoint(id)? else { return Ok::<_, StoreFault>(false) };
            let covers = (first..=head).contains(&kept.seq);
            Ok(covers && view.event_hash(id, kept.seq)? == Some(kept.hash))
        });
        signed.await.map_err(store_fault)
    }

    /// Whether what we have as event `seq` was numbered before `theirs`.
    async fn is_older(&self, seq: u64, theirs: &Event) -> Result<bool, PeerFault> {
        let id = self.row.id;
        let ours =
            self.delivery.store.read(move |view| view.event_origin(id, seq)).await.map_err(store_fault)?;
        Ok(ours.is_some_and(|(time, _)| time < theirs.time))
    }
}

impl Delivery {
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
        let (uri, hash) = (group.clone(), theirs.hash);
        let taken = self.store.write(move |tx| {
            let Some(mut row) = tx.group(&uri)? else { return Ok(()) };
            let first = agreed + 1;
            let proof = said.as_ref().filter(|said| said.seq >= first);
            if let (Some(said), Some(had)) = (proof, tx.event_hash(row.id, first)?) {
                let before = tx.checkpoint(row.id)?.filter(|kept| kept.seq >= first);
                let proof = KeptCheckpoint { seq: first, hash, jws: said.jws.clone() };
                tx.keep_contradiction(row.id, had, before.as_ref().map(|kept| &*kept.jws), &proof)?;
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
        let jws = match checkpoint {
            Some(jws) => jws,
            None => {
                let resource = format!("/groups/{}/checkpoint", group.name());
                let answer = self.peers.call(group.provider(), Ask::get(resource)).await?;
                let reply: CheckpointReply = answer.message().map_err(|fault| malformed(group, &fault))?;
                reply.checkpoint
            }
        };
        let claims = self.verify_checkpoint(group, &jws).await?;
        Ok(KeptCheckpoint { seq: claims.seq, hash: claims.hash, jws })
    }
}
