//! Reading on in the log that a participant has of a group of ours: what comes next has to hold in the chain, in MLS and by
//! the group's policy (section 12).

use std::collections::VecDeque;
use std::time::Duration;

use drawbridge_mtp::chain::Head;
use drawbridge_mtp::checkpoint::CheckpointClaims;
use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::{Body, Event};
use drawbridge_mtp::octets::Hash32;

use crate::delivery::Delivery;
use crate::delivery::answers::own_checkpoint;
use crate::delivery::follower::intake::{FETCHED_AT_ONCE, Fetched, is_handshake, store_fault, take_in};
use crate::delivery::follower::keep::{Followed, Kept};
use crate::delivery::mls::framing::{self, Framed};
use crate::delivery::mls::state::{Hold, PublicState};
use crate::delivery::unproved::prove_by;
use crate::peer_fault::{PeerFault, Stage};
use crate::store::StoreFault;

/// A participant that has not answered within this is not reached, and asked again.
const ANSWER_TIME: Duration = Duration::from_secs(10);
const LOG_DIFFERS: &str = "log-differs";

/// A participant, and what it calls the group.
#[derive(Clone)]
pub(in crate::delivery) struct Participant {
    pub(in crate::delivery) provider: Provider,
    pub(in crate::delivery) name: String,
}

/// Why a participant's log is read no further.
pub(in crate::delivery) enum End {
    /// It has no more.
    Done,
    /// It has more, and time is up.
    Late,
    /// What comes next does not hold, or is not to be had.
    Fault(PeerFault),
    /// A checkpoint of ours that it has says that our log was another: our store was an older copy and has gone on.
    Forked(Box<CheckpointClaims>),
}

/// On the way through a participant's log, from our head on.
pub(in crate::delivery) struct Walk<'a> {
    delivery: &'a Delivery,
    group: &'a GroupUri,
    from: &'a Participant,
    /// What was read last.
    pub(in crate::delivery) head: Head,
    /// The public state there, once it is needed.
    state: Option<PublicState>,
    /// Whether the bodies of messages are fetched too.
    whole: bool,
    /// Whether it is held against our own log. What is to take the place of that is not.
    continues: bool,
    /// What was proved of it before: the hashes of the events behind where it began. It may not be another now.
    known: VecDeque<Hash32>,
    fetched: u64,
    /// The checkpoint of ours that the participant has kept: it proves what it covers.
    checkpoint: Option<CheckpointClaims>,
    /// The newest of them that what was read agrees with.
    pub(in crate::delivery) proof: Option<CheckpointClaims>,
}

impl<'a> Walk<'a> {
    pub(in crate::delivery) fn new(
        delivery: &'a Delivery,
        group: &'a GroupUri,
        from: &'a Participant,
        head: Head,
        whole: bool,
    ) -> Self {
        let continues = true;
        Self {
            delivery,
            group,
            from,
            head,
            state: None,
            whole,
            continues,
            known: VecDeque::new(),
            fetched: 0,
            checkpoint: None,
            proof: None,
        }
    }

    /// From an earlier event of ours on, at which the public state is `state`: another history than our log has, of which
    /// the events with the hashes `known` were proved before.
    pub(in crate::delivery) fn beside(
        delivery: &'a Delivery,
        group: &'a GroupUri,
        from: &'a Participant,
        head: Head,
        state: PublicState,
        known: VecDeque<Hash32>,
        whole: bool,
    ) -> Self {
        Self { state: Some(state), known, continues: false, ..Self::new(delivery, group, from, head, whole) }
    }

    /// The next events that hold, and why they are the last, where they are.
    pub(in crate::delivery) async fn page(&mut self) -> (Vec<Kept>, Option<End>) {
        let mut events = Vec::new();
        let asked = self.delivery.fetch_log(&self.from.provider, &self.from.name, self.head.seq);
        let page = match self.delivery.in_time(asked).await {
            Ok(page) => page,
            Err(fault) => return (events, Some(End::Fault(fault))),
        };
        if let Some(claims) = page.checkpoint.as_deref().and_then(|jws| {
            let ground = &self.delivery.ground;
            own_checkpoint(&ground.ours, &ground.keys, self.group, jws)
        }) {
            match self.is_ours(&claims).await {
                Ok(true) => self.checkpoint = Some(claims),
                Ok(false) => return (events, Some(End::Forked(Box::new(claims)))),
                Err(fault) => return (events, Some(End::Fault(fault))),
            }
            if self.continues
                && let Some(claims) = &self.checkpoint
                && let Err(fault) = prove_by(&self.delivery.store, claims).await
            {
                return (events, Some(End::Fault(store_fault(fault))));
            }
        }
        // Who came in later was not told of what lies between.
        let joins = page.events.first().is_some_and(|first| first.seq <= self.head.seq.saturating_add(1));
        if !joins {
            return (events, Some(End::Done));
        }
        for event in page.events {
            match self.take(event).await {
                Ok(kept) => events.push(kept),
                Err(fault) => return (events, Some(self.end_by(fault))),
            }
            if self.fetched >= FETCHED_AT_ONCE {
                self.fetched = 0;
                return (events, None);
            }
        }
        (events, (!page.more).then_some(End::Done))
    }

    /// What has not held ends the reading. Where it does not continue our log, and a checkpoint of ours covers more than that
    /// has, it may be our log that is wrong.
    fn end_by(&self, fault: PeerFault) -> End {
        match &self.checkpoint {
            Some(claims) if self.continues && fault.code == LOG_DIFFERS && claims.seq > self.head.seq => {
                End::Forked(Box::new(claims.clone()))
            }
            _ => End::Fault(fault),
        }
    }

    /// Whether a checkpoint of ours says what our log has: where it does not, our store is an older copy that has gone on.
    async fn is_ours(&self, claims: &CheckpointClaims) -> Result<bool, PeerFault> {
        if !self.continues {
            return Ok(true);
        }
        let (group, seq) = (self.group.clone(), claims.seq);
        let ours = self.delivery.store.read(move |view| match view.group(&group)? {
            Some(row) => view.event_hash(row.id, seq),
            None => Ok::<_, StoreFault>(None),
        });
        Ok(ours.await.map_err(store_fault)?.is_none_or(|ours| ours == claims.hash))
    }

    /// Takes an event that has to hold: in the chain, in MLS, and by the policy that we have taken it under.
    async fn take(&mut self, event: Event) -> Result<Kept, PeerFault> {
        let event = match event.follow(self.group, &self.head) {
            Ok(chained) => chained.into_event(),
            Err(fault) => {
                let text = format!("what it has of our log of {} does not continue it: {fault}", self.group);
                return Err(PeerFault::new(Stage::Content, LOG_DIFFERS, text));
            }
        };
        if self.known.front().is_some_and(|known| *known != event.hash) {
            let text = format!("what it has of our log of {} is not what it had a moment ago", self.group);
            return Err(PeerFault::new(Stage::Content, LOG_DIFFERS, text));
        }
        if let Some(claims) = self.checkpoint.as_ref().filter(|claims| claims.seq == event.seq) {
            if claims.hash != event.hash {
                let text =
                    format!("what it has of our log of {} is not what our checkpoint says", self.group);
                return Err(PeerFault::new(Stage::Content, LOG_DIFFERS, text));
            }
            self.proof = Some(claims.clone());
        }
        let is_handshake = is_handshake(&event);
        let body = match &event.body {
            Some(Body::Here(body)) => Some(body.as_slice().to_vec()),
            Some(Body::Object(object)) if is_handshake || self.whole => {
                match self.delivery.in_time(self.delivery.fetch_object(&self.from.provider, *object)).await? {
                    Fetched::Whole(bytes) => Some(bytes),
                    Fetched::Gone(_) => None,
                    Fetched::Wrong(text) => {
                        return Err(PeerFault::new(Stage::Content, "object-wrong", text));
                    }
                }
            }
            _ => None,
        };
        self.fetched += body.as_ref().map_or(0, Vec::len) as u64;
        let followed = self.judge(&event, body.as_deref()).await?;
        self.head = Head { seq: event.seq, hash: event.hash };
        self.known.pop_front();
        Ok(Kept { event, body, followed })
    }

    async fn judge(&mut self, event: &Event, body: Option<&[u8]>) -> Result<Followed, PeerFault> {
        if self.state.is_none() {
            self.state = self.delivery.groups.restore(self.group).await.map_err(store_fault)?;
        }
        let followed = match &mut self.state {
            Some(state) if is_handshake(event) => take_in(state, event, body, Hold::Policy),
            Some(state) => judge_message(state, event, body),
            None => Err("its state is not here".into()),
        };
        followed.map_err(|text| {
            let text = format!(
                "event {} of {}, which we have lost, cannot be followed: {text}",
                event.seq, self.group
            );
            PeerFault::new(Stage::Content, "group-not-followed", text)
        })
    }
}

/// Whether we can have taken an application message where it stands, as far as that is to be seen without its body.
fn judge_message(state: &PublicState, event: &Event, body: Option<&[u8]>) -> Result<Followed, String> {
    state.judge_application(&event.sender, event.epoch).map_err(|problem| problem.detail)?;
    let framed = body.map(|body| framing::message(body, state.group_id())).transpose();
    match framed.map_err(|problem| problem.detail)? {
        None => Ok(Followed::Quietly),
        Some(Framed::Application { epoch }) if epoch == event.epoch => Ok(Followed::Quietly),
        Some(_) => Err("it is not an application message of its epoch".into()),
    }
}

impl Delivery {
    /// What has not come in time does not come, nor does it once the node stops.
    pub(crate) async fn in_time<T>(
        &self,
        asking: impl Future<Output = Result<T, PeerFault>>,
    ) -> Result<T, PeerFault> {
        let late = |text: String| Err(PeerFault::new(Stage::Http, "timeout", text));
        tokio::select! {
            answer = asking => answer,
            () = tokio::time::sleep(ANSWER_TIME) => {
                late(format!("it has not answered within {} s", ANSWER_TIME.as_secs()))
            }
            () = self.ground.stop.cancelled() => late("it has not answered before we stopped".into()),
        }
    }
}
