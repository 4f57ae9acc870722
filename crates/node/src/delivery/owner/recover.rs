//! Reading back what our store has lost of groups of ours: an owner whose store is an older copy than what it has served
//! adopts, before it goes on, what its participants have stored of it (section 12).
//!
//! Nobody tells a process that its data folder was restored. So in each life of it the participants of a group are asked
//! before the group's first event, and waited for: all of them where they answer, the others for ten seconds where one has,
//! and a minute where none can be reached. A reader that has stored more of its feed than we have given shows that ours is an
//! older copy: then all groups are doubted again, and those that it is told of are read back at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::chain::Head;
use drawbridge_mtp::checkpoint::CheckpointClaims;
use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::{EventKind, PeerState};
use drawbridge_mtp::problem::{Code, Problem};
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use crate::delivery::Delivery;
use crate::delivery::answers::is_in;
use crate::delivery::epoch::tell_removed;
use crate::delivery::follower::keep::{Kept, keep_event};
use crate::delivery::groups::LockedGroup;
use crate::delivery::owner::fork::{Fork, OWN_LOG_FORKED, Proven, tell_gone};
use crate::delivery::owner::recovery::{ASK_AGAIN, Heard};
use crate::delivery::owner::walk::{End, Participant, Walk};
use crate::delivery::unproved::Adoption;
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::PullingStatus;
use crate::store::{Reader, RestartPoint, StoreFault, Tx, View};

/// A submission waits for no longer, so that its submitter is told before it gives up; what is not read back by then is read
/// on with the next.
const WAITING_TIME: Duration = Duration::from_secs(15);
/// So many participants are asked at one time.
const SIDE_BY_SIDE: usize = 16;
/// Who has failed so often in a row, and could not be connected to, is known to be away.
const AWAY: u32 = 3;

impl Delivery {
    /// Reads back the groups of those who have shown that our store is an older copy, until the node stops.
    pub(crate) async fn run_recovery(self: Arc<Self>) {
        // Who has shown that our store is an older copy does not wait for those whom the other waits for.
        let recovers = async { tokio::join!(self.finish_adoptions(), self.recover_doubted()) };
        tokio::select! {
            () = self.ground.stop.cancelled() => {}
            _ = recovers => {}
        }
    }

    /// Reads back the groups of each who shows that our store is an older copy, one after the other.
    async fn recover_doubted(&self) {
        loop {
            let reader = self.recovery.next().await;
            match self.recover_groups_of(&reader).await {
                Ok(true) => {}
                // The others come first.
                Ok(false) => self.recovery.put_behind(reader),
                Err(fault) => tracing::error!(%fault, "groups could not be read back"),
            }
        }
    }

    /// What was taken up of a history from before a loss may not be whole, where the life before this one ended in the middle of it.
    async fn finish_adoptions(&self) {
        let ours = self.ground.ours.clone();
        let mut left = match self.store.read(move |view| view.groups_with_branches(&ours)).await {
            Ok(groups) => groups,
            Err(fault) => {
                tracing::error!(%fault, "it cannot be read which groups are to be read back");
                return;
            }
        };
        // Each round waits for those who have not answered, a minute at most.
        while !left.is_empty() {
            let mut later = Vec::new();
            for group in left {
                match self.recover(&group).await {
                    Ok(true) => {}
                    Ok(false) => later.push(group),
                    Err(fault) => tracing::error!(%group, %fault, "a group could not be read back"),
                }
            }
            left = later;
        }
    }

    /// Returns whether all of them are whole.
    async fn recover_groups_of(&self, reader: &Reader) -> Result<bool, StoreFault> {
        let (ours, of) = (self.ground.ours.clone(), reader.clone());
        let mut are_whole = true;
        for group in self.store.read(move |view| view.groups_told(&ours, &of)).await? {
            are_whole &= self.recover(&group.uri).await?;
        }
        Ok(are_whole)
    }

    /// Sees to it that nothing is missing of a group of ours that a participant could give, and waits for those who have not
    /// answered. Returns whether that is so: where there is more than can be read at once, or somebody is still waited for, it
    /// goes on with the next call.
    pub(crate) async fn recover(&self, group: &GroupUri) -> Result<bool, StoreFault> {
        let deadline = Instant::now() + WAITING_TIME;
        while let Some(round) = self.recovery.doubt_of(group) {
            let turned = self.ground.ambient.turned();
            // Boxed, since it is seldom needed, and a future keeps room for its largest step.
            if Box::pin(self.ask_participants(group, round, deadline)).await? {
                return Ok(true);
            }
            if self.ground.stop.is_cancelled() || Instant::now() >= deadline {
                return Ok(false);
            }
            tokio::select! {
                () = self.ground.stop.cancelled() => {}
                () = tokio::time::sleep(ASK_AGAIN) => {}
                () = turned => {}
            }
        }
        Ok(true)
    }

    /// Asks the participants of a group once. Returns whether nothing is missing of it, and nobody is waited for any longer.
    async fn ask_participants(
        &self,
        group: &GroupUri,
        round: u64,
        deadline: Instant,
    ) -> Result<bool, StoreFault> {
        let mut locked = self.groups.lock(group).await;
        // Somebody else may have seen to it meanwhile.
        if self.recovery.doubt_of(group) != Some(round) {
            return Ok(false);
        }
        let Some(first) = self.recovery.ask_now(group, self.ground.ambient.instant()) else {
            return Ok(false);
        };
        let heard = self.read_back(group, &mut locked, deadline).await?;
        let is_whole =
            heard.is_all && self.recovery.was_patient(&heard, first, self.ground.ambient.instant());
        if is_whole {
            if !heard.is_sure {
                // From here on it is numbered in: where that is wrong, the log has parted here.
                let uri = group.clone();
                self.store.write(move |tx| tx.keep_restart_point(&uri)).await?;
            }
            self.recovery.set_whole(group, round);
        }
        Ok(is_whole)
    }
}

/// Why nothing is done in a group yet: what [`Delivery::recover`] does is not over.
pub(crate) fn still_recovering() -> Problem {
    let text = "what its participants have of the group is being read first, since our store may be an older copy; try again in a while";
    Problem::new(Code::Unavailable, text)
}

impl Delivery {
    /// Does the same for a `reader` that is not in the group as far as we know: we may have lost how it came in, and it would
    /// take our answer for its removal.
    pub(crate) async fn recover_for(&self, group: &GroupUri, reader: &Reader) -> Result<(), StoreFault> {
        if *group.provider() != self.ground.ours || self.recovery.doubt_of(group).is_none() {
            return Ok(());
        }
        let is_left_out = self.store.glance(|view| match view.group(group)? {
            Some(row) => is_in(view, &row, reader).map(|is_in| !is_in),
            None => Ok(false),
        });
        if is_left_out? {
            self.recover(group).await?;
        }
        Ok(())
    }
}

/// How far a participant's log holds behind our head.
struct Survey {
    from: Participant,
    reached: u64,
    end: End,
}

impl Delivery {
    /// Adopts what participants have beyond our head: the longest that holds, and again until none has more.
    async fn read_back(
        &self,
        group: &GroupUri,
        locked: &mut LockedGroup,
        deadline: Instant,
    ) -> Result<Heard, StoreFault> {
        let (mut set_aside, mut has_more, mut has_advanced) = (BTreeSet::new(), false, false);
        let (mut answered, mut missing, mut is_doubtful) = (BTreeSet::new(), BTreeSet::new(), false);
        loop {
            let Some((head, participants)) = self.recovery_participants(group).await? else {
                return Ok(Heard {
                    is_all: true,
                    has_answer: false,
                    is_missing: false,
                    are_missing_away: false,
                    is_sure: false,
                });
            };
            let (asked, away): (Vec<_>, Vec<_>) = participants.into_iter().partition(|(_, is_away)| !is_away);
            let asked =
                asked.into_iter().map(|(from, _)| from).filter(|from| !set_aside.contains(&from.provider));
            let surveys: Vec<_> = asked.map(|from| self.survey_log(group, from, head, deadline)).collect();
            let mut surveys = stream::iter(surveys).buffer_unordered(SIDE_BY_SIDE);
            let (mut longest, mut is_cut): (Option<Survey>, bool) = (None, false);
            let mut forks = Vec::new();
            while let Some(survey) = surveys.next().await {
                let provider = &survey.from.provider;
                match &survey.end {
                    End::Done => {
                        answered.insert(provider.clone());
                    }
                    End::Late => is_cut = true,
                    End::Forked(claims) => {
                        is_doubtful = true;
                        answered.insert(provider.clone());
                        set_aside.insert(provider.clone());
                        forks.push((survey.from.clone(), claims.clone()));
                        continue;
                    }
                    End::Fault(fault) => {
                        is_doubtful = true;
                        let read = survey.reached > head.seq;
                        is_cut |= !is_of_its_log(fault) && read;
                        // What it has does not hold, or it has nothing for us: that is an answer.
                        if is_of_its_log(fault) || fault.final_refusal().is_some() {
                            answered.insert(provider.clone());
                        } else {
                            missing.insert(provider.clone());
                        }
                        self.note_recovery_trouble(group, &survey.from, fault).await;
                        set_aside.insert(provider.clone());
                    }
                }
                if survey.reached > longest.as_ref().map_or(head.seq, |longest| longest.reached) {
                    longest = Some(survey);
                }
            }
            let heard = |is_all| Heard {
                is_all,
                has_answer: !answered.is_empty(),
                is_missing: !(missing.is_empty() && away.is_empty()),
                are_missing_away: missing.is_empty(),
                is_sure: !is_doubtful && !answered.is_empty() && missing.is_empty() && away.is_empty(),
            };
            if self.ground.stop.is_cancelled() {
                return Ok(heard(false));
            }
            // Read from the store again when it is asked for next.
            locked.forget();
            if self.take_up_forks(group, forks, deadline).await? {
                has_advanced = true;
                if Instant::now() >= deadline {
                    return Ok(heard(false));
                }
                // What the others have is held against what is ours now.
                set_aside.clear();
                continue;
            }
            let Some(Survey { from, reached: promised, .. }) = longest else { return Ok(heard(!has_more)) };
            let reached = self.adopt_events(group, &from, head, None, deadline).await?;
            if reached > head.seq {
                has_advanced = true;
                has_more |= is_cut || reached < promised;
            } else {
                set_aside.insert(from.provider);
            }
            if has_advanced && Instant::now() >= deadline {
                return Ok(heard(false));
            }
        }
    }

    /// Takes up the history from before the loss, where one of those whose log has parted from ours has it. Returns whether it did.
    async fn take_up_forks(
        &self,
        group: &GroupUri,
        forks: Vec<(Participant, Box<CheckpointClaims>)>,
        deadline: Instant,
    ) -> Result<bool, StoreFault> {
        for (from, claims) in forks {
            match self.judge_fork(group, &from, &claims, deadline).await? {
                Fork::Settled => {}
                Fork::Stays(fault) => self.note_recovery_trouble(group, &from, &fault).await,
                Fork::Wins(proven) => {
                    let head = Head { seq: proven.point.seq, hash: proven.point.hash };
                    if self.adopt_events(group, &from, head, Some(proven), deadline).await? > head.seq {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Our head in a group, who else is in it, and whether each is known to be away. By way of the writer: what was handed to it before, by someone who has
    /// not waited for it, is in it.
    async fn recovery_participants(
        &self,
        group: &GroupUri,
    ) -> Result<Option<(Head, Vec<(Participant, bool)>)>, StoreFault> {
        let (ours, uri) = (self.ground.ours.clone(), group.clone());
        let found = self.store.write(move |tx| {
            let Some(row) = tx.group(&uri)? else { return Ok::<_, StoreFault>(None) };
            let mut participants = Vec::new();
            for provider in tx.providers_in(row.id)?.into_iter().filter(|provider| *provider != ours) {
                if tx.peer_state(&provider)? == PeerState::Allowed {
                    let is_absent = is_absent(tx, &provider)?;
                    let name = name_at(tx, &uri, &provider)?;
                    participants.push((Participant { provider, name }, is_absent));
                }
            }
            Ok(Some((Head { seq: row.head, hash: row.hash.unwrap_or_default() }, participants)))
        });
        Ok(found.await?.map(|(head, participants)| {
            // Who has shown that our store is an older copy is there, whatever our pulls have found before.
            let is_away = |provider: &Provider| {
                !self.recovery.has_doubted(provider)
                    && self.peers.board.pulling(provider).is_some_and(|pulling| {
                        pulling.status == PullingStatus::BackingOff && pulling.failures >= AWAY
                    })
            };
            let known = participants.into_iter().map(|(from, is_absent)| {
                let is_away = is_absent && is_away(&from.provider);
                (from, is_away)
            });
            (head, known.collect())
        }))
    }
}

/// Whether it could not be connected to when it was last tried.
fn is_absent(view: &View<'_>, provider: &Provider) -> Result<bool, StoreFault> {
    let stages = [Stage::Dns, Stage::Connect, Stage::Tls].map(Stage::as_str);
    Ok(view.troubles(provider)?.iter().any(|trouble| !trouble.over && stages.contains(&&*trouble.stage)))
}

/// What a participant calls the group: it says which is meant where it has one of that name itself.
fn name_at(view: &View<'_>, group: &GroupUri, provider: &Provider) -> Result<String, StoreFault> {
    let name = group.name();
    Ok(match view.group(&GroupUri::new(provider, name))? {
        Some(_) => {
            let owner = group.provider().as_str().replace('[', "%5B").replace(']', "%5D");
            format!("{name}@{owner}")
        }
        None => name.to_string(),
    })
}

impl Delivery {
    /// Reads on in the log of a participant for as long as it holds, and keeps nothing of it.
    async fn survey_log(&self, group: &GroupUri, from: Participant, head: Head, deadline: Instant) -> Survey {
        let mut walk = Walk::new(self, group, &from, head, false);
        let end = loop {
            if let (_, Some(end)) = walk.page().await {
                break end;
            }
            if Instant::now() >= deadline {
                break End::Late;
            }
        };
        let reached = walk.head.seq;
        Survey { from, reached, end }
    }

    /// Stores what a participant has beyond `head`, each page in one transaction: what comes next in our log, or what was proved,
    /// in the place of what our log has behind where it was proved. Returns the number of the last event then.
    async fn adopt_events(
        &self,
        group: &GroupUri,
        from: &Participant,
        head: Head,
        proven: Option<Box<Proven>>,
        deadline: Instant,
    ) -> Result<u64, StoreFault> {
        let (mut walk, mut point) = match proven.map(|proven| *proven) {
            None => (Walk::new(self, group, from, head, true), None),
            Some(Proven { point, hashes }) => match self.beside(group, from, &point, hashes, true).await? {
                Some(walk) => (walk, Some(point)),
                None => return Ok(head.seq),
            },
        };
        let sets_back = point.is_some();
        let (mut messages, mut has_commit): (Vec<u64>, bool) = (Vec::new(), false);
        loop {
            let (events, end) = walk.page().await;
            let is_message = |kept: &&Kept| kept.event.kind == EventKind::Application;
            messages.extend(events.iter().filter(is_message).map(|kept| kept.event.seq));
            has_commit |= events.iter().any(|kept| kept.event.kind == EventKind::Commit);
            let (uri, ours) = (group.clone(), self.ground.ours.clone());
            let set_back = if events.is_empty() { None } else { point.take() };
            let adoption = Adoption { from: from.provider.clone(), had: head.seq, proof: walk.proof.clone() };
            let lost = self
                .store
                .write(move |tx| keep(tx, &ours, &uri, set_back.as_ref(), events, &adoption))
                .await?;
            if let Some(lost) = lost {
                tracing::error!(%group, from = %from.provider, lost.first, lost.last, "our log was forked");
            }
            if let Some(End::Fault(fault)) = &end {
                self.note_recovery_trouble(group, from, fault).await;
            }
            if end.is_some() || Instant::now() >= deadline || (sets_back && walk.head.seq == head.seq) {
                break;
            }
        }
        let (seq, provider) = (walk.head.seq, &from.provider);
        if seq > head.seq {
            tracing::warn!(%group, from = %provider, after = head.seq, until = seq, "lost events were read back");
        }
        if has_commit {
            let uri = group.clone();
            self.store.write(move |tx| begin_feeds_anew(tx, &uri)).await?;
        }
        // MLS proves who made a handshake; of a message only the owner's word says that it was here.
        let proved = walk.proof.map_or(0, |proof| proof.seq);
        messages.retain(|message| *message > proved);
        if let (Some(first), Some(last)) = (messages.first(), messages.last()) {
            let text = format!(
                "{} messages of {group}, events {first} to {last}, were lost here and read back from it, and no checkpoint of ours covers them: that they are what we had numbered rests on its word, until a checkpoint from before the loss is found at a participant",
                messages.len()
            );
            self.peers.note_trouble(provider, &PeerFault::new(Stage::Store, "adopted-unproved", text)).await;
        }
        Ok(seq)
    }
}

/// What new clients need to come in is lost with a commit that is read back. Those who take part look for that where their
/// feeds begin anew, and a client of theirs commits.
fn begin_feeds_anew(tx: &Tx<'_>, group: &GroupUri) -> Result<(), StoreFault> {
    let Some(row) = tx.group(group)? else { return Ok(()) };
    for told in tx.audience(row.id)?.into_iter().filter(|told| told.until.is_none()) {
        if let Reader::Peer(_) = &told.reader {
            tx.renew_feed(&told.reader)?;
        }
    }
    Ok(())
}

/// Events that do not count any more, by their numbers.
struct Lost {
    first: u64,
    last: u64,
}

/// What the operator is told where the history from before the loss was taken up again.
fn taken_up(group: &GroupUri, Lost { first, last }: &Lost) -> PeerFault {
    let text = format!(
        "our store was an older copy and had gone on, so that {group} had two histories. The one from before the loss was taken up again from it. Events {first} to {last}, which had been numbered since, do not count; they are kept, and their senders were told to send them again"
    );
    PeerFault::new(Stage::Store, OWN_LOG_FORKED, text)
}

/// Keeps what was read back, after the group was set back to a point where there is one, which is noted. Returns what does not
/// count then.
fn keep(
    tx: &Tx<'_>,
    ours: &Provider,
    group: &GroupUri,
    set_back: Option<&RestartPoint>,
    events: Vec<Kept>,
    adoption: &Adoption,
) -> Result<Option<Lost>, StoreFault> {
    let Some(mut row) = tx.group(group)? else { return Ok(None) };
    let mut lost = None;
    if let Some(point) = set_back {
        let numbered = Lost { first: point.seq + 1, last: row.head };
        let abandoned = tx.set_back(&mut row, point)?;
        tell_gone(tx, group, abandoned)?;
        taken_up(group, &numbered).note(tx, &adoption.from)?;
        lost = Some(numbered);
    }
    let mut gone: BTreeMap<Provider, u64> = BTreeMap::new();
    for kept in events {
        let (seq, kind) = (kept.event.seq, kept.event.kind);
        gone.extend(keep_event(tx, ours, &mut row, kept)?.into_iter().map(|provider| (provider, seq)));
        adoption.mark(tx, &row, seq, kind)?;
    }
    adoption.settle(tx, &row)?;
    for (provider, seq) in gone {
        // Who came back after that may have stored so already, and must not take it for the end.
        if !tx.is_provider_in(row.id, &provider)? {
            tell_removed(tx, &row, provider, seq)?;
        }
    }
    Ok(lost)
}

impl Delivery {
    /// Notes what a participant's log has shown. That it cannot be reached is for those to note who pull from it.
    async fn note_recovery_trouble(&self, group: &GroupUri, from: &Participant, fault: &PeerFault) {
        tracing::debug!(%group, from = %from.provider, %fault, "a participant's log is read no further");
        if is_of_its_log(fault) {
            self.peers.note_trouble(&from.provider, fault).await;
        }
    }
}

/// Whether a fault is of what a participant has of the log, and not of the way there.
fn is_of_its_log(fault: &PeerFault) -> bool {
    fault.stage == Stage::Content || fault.code == OWN_LOG_FORKED
}
