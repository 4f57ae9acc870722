//! From what is known of an event to its steps, and to the one at which it stands.

use drawbridge_mtp::id::{ClientUri, Id, Provider};
use drawbridge_mtp::message::{EventKind, Outcome, PeerState};
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::time::Timestamp;

use super::read::{Dispute, Found, FoundEvent, Known, Owner, ReaderPlace};
use super::report::{ForeignClock, Trace, TraceCode, TraceState, TraceStep, TraceStepName};
use super::{Standings, Tracer};
use crate::delivery::Refused;
use crate::operator::{PeerStanding, StandingCode};
use crate::readable::capital;
use crate::side::Side;
use crate::store::{GroupRow, PlacedSubmission, Reader, WaitingSubmission};

use TraceState as S;
use TraceStepName as N;

/// Where something stands: a word, a sentence, since when, and who has to act.
struct Standing {
    code: TraceCode,
    text: String,
    since: Option<Timestamp>,
    side: Option<Side>,
}

impl Standing {
    fn new(code: TraceCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), since: None, side: None }
    }

    fn since(self, since: impl Into<Option<Timestamp>>) -> Self {
        Self { since: since.into(), ..self }
    }

    fn for_side(self, side: Side) -> Self {
        Self { side: Some(side), ..self }
    }

    /// The same where the log of its group is in dispute, which is worse than what is so of an event that is not over.
    fn disputed(self, Dispute { fault, since }: Dispute) -> Self {
        use TraceCode as C;
        let fault = fault.trim_end_matches('.');
        let text = match self.code {
            C::NotKnown if self.side.is_some() => format!(
                "It has no number, and the sender's client keeps it and tries again: the log of its group is in dispute, so nothing is taken. {}.",
                capital(fault)
            ),
            C::NotKnown | C::Refused | C::Gone => return self,
            C::NotHere => format!(
                "It is not here, and does not come: the log of its group is in dispute, so nothing new in it is taken. {}.",
                capital(fault)
            ),
            C::InOutbox => format!("{} The log of its group is in dispute: {fault}.", self.text),
            _ => format!(
                "{} But the log of its group is in dispute, so it may not count, and nothing new is taken: {fault}.",
                self.text
            ),
        };
        Self { code: C::LogBroken, text, since: since.or(self.since), side: Some(Side::of("log-broken")) }
    }
}

/// The owner of a group of somebody else, and how it goes with it.
struct Keeper<'a> {
    provider: Provider,
    state: PeerState,
    standing: Option<&'a PeerStanding>,
}

/// The steps behind the outbox, of something that did not come so far.
fn ahead(names: &[TraceStepName]) -> impl Iterator<Item = TraceStep> {
    names.iter().map(|name| TraceStep::new(*name, S::Ahead, "not yet"))
}

impl Tracer {
    /// Where it stands, with how it goes with those on whom it may hang.
    pub(crate) fn judge(&self, known: Known, standings: &Standings) -> Trace {
        let Known { group, submission, found, owner, dispute } = known;
        let owner = owner.map(|Owner { provider, state }| {
            let standing = standings.get(&provider);
            Keeper { provider, state, standing }
        });
        let refused = submission.and_then(|id| self.delivery.refusals.find(id));
        let group = group.or_else(|| refused.as_ref().map(|refused| refused.group.clone()));
        let mut trace = Trace {
            group,
            seq: None,
            kind: None,
            sender: None,
            submission,
            steps: Vec::new(),
            code: TraceCode::NotKnown,
            text: String::new(),
            since: None,
            side: None,
        };
        let standing = match found {
            Found::Event(found) => self.follow(&found, owner.as_ref(), standings, &mut trace),
            Found::NoEvent { row, seq } => self.miss(&row, seq, owner.as_ref(), &mut trace),
            Found::Waiting(waiting) => self.wait(&waiting, owner.as_ref(), &mut trace),
            Found::Placed(placed) => {
                trace.seq = Some(placed.seq);
                self.tell_placed(&placed, &mut trace);
                self.not_here(placed.seq, owner.as_ref(), &mut trace)
            }
            Found::Abandoned { seq } => {
                trace.seq = Some(seq);
                trace.steps.push(TraceStep::new(N::Numbered, S::Failed, gone_text(seq)));
                Standing::new(TraceCode::Gone, format!("{}.", gone_text(seq))).for_side(Side::Nobody)
            }
            Found::Told(told) => {
                trace.sender = Some(told.client.clone());
                let outcome = told.result.result.outcome;
                self.judge_told(submission, &told.client, outcome, told.at, refused.as_ref(), &mut trace)
            }
            Found::AtClient => {
                let text = "It has no number, and nothing of its sender waits in the outbox here: the sender's client has it. It is being encrypted there, or waits until the client has the group's present state.";
                Standing::new(TraceCode::NotKnown, text).for_side(Side::Nobody)
            }
            Found::Nothing => match refused {
                Some(refused) => self.refuse(&refused, &mut trace),
                None => Standing::new(TraceCode::NotKnown, not_known(submission)),
            },
        };
        let standing = match dispute {
            Some(dispute) => standing.disputed(dispute),
            None => standing,
        };
        Trace {
            code: standing.code,
            text: standing.text,
            since: standing.since,
            side: standing.side,
            ..trace
        }
    }

    /// An event that is in the log here.
    fn follow(
        &self,
        found: &FoundEvent,
        owner: Option<&Keeper<'_>>,
        standings: &Standings,
        trace: &mut Trace,
    ) -> Standing {
        let FoundEvent { row, seq, event, placed, readers } = found;
        trace.seq = Some(*seq);
        trace.kind = Some(event.kind);
        trace.sender = Some(event.sender.clone());
        let accepted = self.by_our_clock(row.owner(), event.time);
        match placed {
            Some(placed) => self.tell_placed(placed, trace),
            None => self.tell_numbered(found, accepted.clone(), trace),
        }
        if owner.is_some() {
            trace.steps.push(stored(found));
        }
        trace.steps.extend(readers.iter().flat_map(|place| self.steps_of(place)));
        if let Some(owner) = owner {
            let text =
                format!("how far the other providers are with it is known to {} alone", owner.provider);
            trace.steps.push(TraceStep::new(N::Feed, S::Unknown, text));
        }
        self.arrival(found, owner, standings)
    }

    /// How an owner's log came to have it: all of it where that is ours.
    fn tell_numbered(
        &self,
        FoundEvent { row, seq, event, .. }: &FoundEvent,
        accepted: (Timestamp, Option<ForeignClock>),
        trace: &mut Trace,
    ) {
        let (sender, owner) = (&event.sender, row.owner());
        let is_ours = *owner == self.ground.ours;
        if event.is_adopted {
            let text = format!("read back from a participant after a loss here, as event {seq}");
            return trace.steps.push(TraceStep::new(N::Numbered, S::Done, text).told(accepted));
        }
        match &event.submission {
            Some((submitter, id)) => {
                trace.steps.push(submitted(*id, sender));
                if *submitter != self.ground.ours {
                    let text = format!("brought here by {submitter}, from its outbox");
                    trace.steps.push(TraceStep::new(N::Outbox, S::Done, text));
                }
            }
            None if event.kind == EventKind::Created => {
                let text = format!("{sender} made the group");
                trace.steps.push(TraceStep::new(N::Submitted, S::Done, text).told(accepted.clone()));
            }
            None => {
                let text = format!("by {sender}; when is known there and at the owner");
                trace.steps.push(TraceStep::new(N::Submitted, S::Unknown, text));
            }
        }
        let whom = if is_ours { "accepted here".to_owned() } else { format!("accepted by {owner}") };
        let text = format!("{whom}, in epoch {}", event.epoch);
        trace.steps.push(TraceStep::new(N::Judged, S::Done, text).told(accepted.clone()));
        let disk = if is_ours { ", and on disk with that number" } else { "" };
        let text = format!("it is event {seq}{disk}");
        trace.steps.push(TraceStep::new(N::Numbered, S::Done, text).told(accepted));
    }

    /// What a client of ours submitted, and the owner's answer.
    fn tell_placed(&self, placed: &PlacedSubmission, trace: &mut Trace) {
        let owner = placed.group.provider();
        trace.sender.get_or_insert_with(|| placed.client.clone());
        trace.steps.push(submitted(placed.submission, &placed.client));
        let text = format!("brought to {owner}, whose answer is here");
        trace.steps.push(TraceStep::new(N::Outbox, S::Done, text).at(placed.at));
        let text = format!("accepted by {owner}");
        trace.steps.push(TraceStep::new(N::Judged, S::Done, text).at(placed.at));
        let text = format!("{owner} has numbered it {}", placed.seq);
        trace.steps.push(TraceStep::new(N::Numbered, S::Done, text).at(placed.at));
    }

    /// How far a reader is: in its feed, given, acknowledged. The cursor tells whether the last two are past, and the traffic
    /// record when that was.
    fn steps_of(&self, place: &ReaderPlace) -> Vec<TraceStep> {
        let reader = &place.reader;
        let Some(item) = place.item else {
            let text = "in the part of its feed that is kept no longer";
            let mut steps = vec![TraceStep::new(N::Feed, S::Done, text).of(reader)];
            let (state, text) = if place.has_acknowledged() {
                (S::Done, "what is kept no longer was acknowledged")
            } else {
                (S::Unknown, "it was not acknowledged, and was too old to be kept for longer")
            };
            steps.push(TraceStep::new(N::Acknowledged, state, text).of(reader));
            return steps;
        };
        let acknowledged = place.feed.acknowledged;
        let fed = TraceStep::new(N::Feed, S::Done, format!("put into its feed as number {}", item.number));
        let fed = fed.at(item.put).of(reader);
        let pulled = self.last_pull(place);
        let (given, done) = if acknowledged >= item.number {
            // Whoever has stored it was given it. The last acknowledgement was of this very item, or of a later one.
            let text = format!("it has acknowledged number {acknowledged}");
            let last = place.feed.pulled.filter(|_| acknowledged == item.number);
            let at = place.pulled.acknowledged.or(last);
            (
                TraceStep::new(N::Given, S::Done, "given with a pull").at(place.pulled.given),
                TraceStep::new(N::Acknowledged, S::Done, text).at(at),
            )
        } else if let Some(at) = pulled.filter(|at| *at >= item.put) {
            let text = format!("it has acknowledged number {acknowledged}; this comes with its next pull");
            (
                TraceStep::new(N::Given, S::Done, "given with its last pull")
                    .at(place.pulled.given.or(Some(at))),
                TraceStep::new(N::Acknowledged, S::Here, text),
            )
        } else {
            let last = pulled.map_or("it has not pulled yet".to_owned(), |at| {
                format!("its last pull was at {}", at.in_words())
            });
            (
                TraceStep::new(N::Given, S::Here, format!("not pulled: {last}")),
                TraceStep::new(N::Acknowledged, S::Ahead, "not yet"),
            )
        };
        vec![fed, given.of(reader), done.of(reader)]
    }

    /// When a reader last pulled, as far as it is known.
    fn last_pull(&self, place: &ReaderPlace) -> Option<Timestamp> {
        let seen = match &place.reader {
            Reader::Peer(peer) => self.peers.board.serving(peer).last_pull,
            Reader::Client(_) => None,
        };
        seen.max(place.feed.pulled)
    }

    /// Whether all who are told of an event have it, and who does not, and why.
    fn arrival(&self, found: &FoundEvent, owner: Option<&Keeper<'_>>, standings: &Standings) -> Standing {
        let FoundEvent { readers, .. } = found;
        let (peers, clients): (Vec<_>, Vec<_>) =
            readers.iter().partition(|place| matches!(place.reader, Reader::Peer(_)));
        let missing =
            |places: &[&ReaderPlace]| places.iter().filter(|place| !place.has_acknowledged()).count();
        let first = |places: &[&'_ ReaderPlace]| places.iter().position(|place| !place.has_acknowledged());
        if let Some(place) = first(&peers).map(|at| peers[at]) {
            let late: Vec<_> = peers.iter().filter(|place| !place.has_acknowledged()).collect();
            let arrived = match peers.len() - late.len() {
                0 => String::new(),
                arrived => format!(" {arrived} of {} providers have it.", peers.len()),
            };
            let others: Vec<_> = late.iter().skip(1).map(|place| reader_name(&place.reader)).collect();
            let others = match &others[..] {
                [] => arrived,
                [one] => format!("{arrived} {one} does not have it either."),
                more => format!("{arrived} Nor have {}.", more.join(", ")),
            };
            return self.withheld(place, standings, &others);
        }
        if let Some(place) = first(&clients).map(|at| clients[at]) {
            let Reader::Client(client) = &place.reader else { return self.withheld(place, standings, "") };
            let number = place.item.map_or(0, |item| item.number);
            let others = match missing(&clients) {
                1 => String::new(),
                many => format!(" {many} of {} clients here have not.", clients.len()),
            };
            let text = format!(
                "It is here, in the feed of {client} as number {number}, and that client has not read it: its app is closed or offline.{others}"
            );
            let standing = Standing::new(TraceCode::NotRead, text).for_side(Side::Ours);
            return standing.since(place.item.map(|item| item.put));
        }
        let text = match (owner, peers.len(), clients.len()) {
            (Some(owner), _, 0) => {
                format!(
                    "It is here, and no client here is told of it. How far the others are, {} knows.",
                    owner.provider
                )
            }
            (Some(owner), ..) => format!(
                "It is here, and every client here that is told of it has it. How far the others are, {} knows.",
                owner.provider
            ),
            (None, 0, 0) => "It is in the log, and nobody is told of it.".to_owned(),
            (None, 0, _) => "Every client that is told of it has it; no other provider is.".to_owned(),
            (None, 1, _) => {
                "The other provider has it, and so has every client here that is told of it.".to_owned()
            }
            (None, peers, _) => {
                format!(
                    "All {peers} other providers have it, and so has every client here that is told of it."
                )
            }
        };
        Standing::new(TraceCode::Arrived, text)
    }

    /// A provider that has not acknowledged it.
    fn withheld(&self, place: &ReaderPlace, standings: &Standings, others: &str) -> Standing {
        let name = reader_name(&place.reader);
        let Some(item) = place.item else {
            let text = format!("It was too old to be kept for {name}, which has not fetched it.{others}");
            return Standing::new(TraceCode::NotPulled, text).for_side(Side::Theirs);
        };
        let standing = match &place.reader {
            Reader::Peer(peer) => standings.get(peer),
            Reader::Client(_) => None,
        };
        let (why, side) = why_not_pulled(&name, place.state, standing);
        let why = why.map(|why| format!(" {why}")).unwrap_or_default();
        let (code, text) = match self.last_pull(place) {
            Some(at) if at >= item.put => {
                let text = format!(
                    "{name} was given it as number {} of its feed, and has not yet said that it has stored it.{why}{others}",
                    item.number
                );
                (TraceCode::NotAcknowledged, text)
            }
            last => {
                let last = last.map_or("it has never pulled".to_owned(), |at| {
                    format!("its last pull was at {}", at.in_words())
                });
                let text = format!(
                    "It stands in the feed of {name} as number {}, not pulled: {last}.{why}{others}",
                    item.number
                );
                (TraceCode::NotPulled, text)
            }
        };
        // Who comes again and again has not stored it for just as long.
        Standing::new(code, text).since(item.put).for_side(side)
    }

    /// No event here has the number.
    fn miss(&self, row: &GroupRow, seq: u64, owner: Option<&Keeper<'_>>, trace: &mut Trace) -> Standing {
        trace.seq = Some(seq);
        if seq < row.first {
            let text = format!(
                "Event {seq} is not here: the log here begins with event {}, when somebody here came into the group.",
                row.first
            );
            return Standing::new(TraceCode::NotHere, text);
        }
        if owner.is_none() {
            let text = format!("There is no event {seq} in this group: the last one is number {}.", row.head);
            return Standing::new(TraceCode::NotHere, text);
        }
        let standing = self.not_here(seq, owner, trace);
        Standing { text: format!("{} The last one here is event {}.", standing.text, row.head), ..standing }
    }

    /// An event of another owner's group that has not come.
    fn not_here(&self, seq: u64, owner: Option<&Keeper<'_>>, trace: &mut Trace) -> Standing {
        let Some(owner) = owner else {
            return Standing::new(TraceCode::NotHere, format!("Event {seq} is not here."));
        };
        let provider = &owner.provider;
        trace.steps.push(TraceStep::new(N::Stored, S::Here, format!("not pulled from {provider} yet")));
        let pulling = self.peers.board.pulling(provider);
        let begin = format!("Event {seq} is not here");
        match self.why_away(owner) {
            Some((why, since, side)) => {
                Standing::new(TraceCode::NotHere, format!("{begin}: {why}.")).since(since).for_side(side)
            }
            None => {
                let text = format!(
                    "{begin}: {provider} is reached, and has not told of it. It may not exist yet, or comes with the next pull."
                );
                let since = pulling.map(|pulling| pulling.since);
                Standing::new(TraceCode::NotHere, text).since(since).for_side(Side::Nobody)
            }
        }
    }

    /// Something that waits here for the group's owner.
    fn wait(&self, waiting: &WaitingSubmission, owner: Option<&Keeper<'_>>, trace: &mut Trace) -> Standing {
        let provider = waiting.group.provider();
        trace.sender = Some(waiting.client.clone());
        if let Some(id) = trace.submission {
            trace.steps.push(submitted(id, &waiting.client));
        }
        let text = format!("waits here for {provider}, which owns the group");
        trace.steps.push(TraceStep::new(N::Outbox, S::Here, text).at(waiting.queued));
        trace.steps.extend(ahead(&[N::Judged, N::Numbered]));
        let why = owner.and_then(|owner| self.why_away(owner));
        let (why, side) = match why {
            Some((why, _, side)) => (why, side),
            None => (
                format!("{provider} is reached; it is brought there, or was put off and is tried again"),
                Side::Nobody,
            ),
        };
        let text = format!("It stands in the outbox here, for {provider}, which owns the group: {why}.");
        Standing::new(TraceCode::InOutbox, text).since(waiting.queued).for_side(side)
    }

    /// Why nothing goes to an owner or comes from it, since when, and who has to act; none where all goes well.
    fn why_away(&self, owner: &Keeper<'_>) -> Option<(String, Option<Timestamp>, Side)> {
        let provider = &owner.provider;
        match owner.state {
            PeerState::Allowed => {}
            PeerState::Blocked => return Some((format!("you have blocked {provider}"), None, Side::Ours)),
            PeerState::KeyChanged => {
                let why = format!(
                    "{provider} shows another key than the one that was accepted, which you have to decide on"
                );
                return Some((why, None, Side::Ours));
            }
            PeerState::Pending | PeerState::Unknown => {
                return Some((format!("{provider} is not let in here"), None, Side::Ours));
            }
        }
        let PeerStanding { code, text, side, since, why, .. } = owner.standing?;
        let side = side.unwrap_or(Side::Nobody);
        match code {
            StandingCode::Paused => Some((format!("you let our pulls at {provider} rest"), *since, side)),
            StandingCode::Failing => {
                let why = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                Some((format!("our requests to {provider} fail{why}"), *since, side))
            }
            StandingCode::BlocksUs | StandingCode::WaitsThere => {
                Some((format!("nothing comes from {provider}: {}", small(text)), *since, side))
            }
            _ => None,
        }
    }

    /// What a client was told by its feed.
    fn judge_told(
        &self,
        submission: Option<Id>,
        client: &ClientUri,
        outcome: Outcome,
        at: Timestamp,
        refused: Option<&Refused>,
        trace: &mut Trace,
    ) -> Standing {
        if let Some(id) = submission {
            trace.steps.push(submitted(id, client));
        }
        let owner = trace.group.as_ref().map(|group| group.provider().clone());
        match outcome {
            Outcome::Rejected(problem) if problem.known() == Some(Code::Gone) => {
                let text = problem.detail.clone().unwrap_or_else(|| "it does not count any more".into());
                trace.steps.push(TraceStep::new(N::Numbered, S::Failed, text.clone()).at(at));
                Standing::new(
                    TraceCode::Gone,
                    format!("It was numbered, and does not count any more: {text}."),
                )
                .since(at)
                .for_side(Side::Nobody)
            }
            Outcome::Rejected(problem) => {
                let text = problem.detail.clone().unwrap_or_else(|| "no reason was given".into());
                let at = refused.map_or(at, |refused| refused.at);
                refusal(owner.as_ref(), &problem.code, &text, at, trace)
            }
            Outcome::Accepted(placed) | Outcome::Duplicate(placed) => {
                trace.seq = Some(placed.seq);
                let text = format!("the owner has numbered it {}", placed.seq);
                trace.steps.push(TraceStep::new(N::Numbered, S::Done, text).at(at));
                let text = format!("Its owner has accepted it as event {}.", placed.seq);
                Standing::new(TraceCode::NotHere, text).since(at).for_side(Side::Nobody)
            }
            Outcome::Queued => Standing::new(TraceCode::NotKnown, not_known(submission)),
        }
    }

    /// Something that was refused, and of which nothing else is known.
    fn refuse(&self, refused: &Refused, trace: &mut Trace) -> Standing {
        let at = refused.submission.time();
        let text = "submitted; the time is that in its id, by its client's clock";
        trace.steps.push(TraceStep::new(N::Submitted, S::Done, text).at(at));
        let owner = refused.group.provider().clone();
        refusal(Some(&owner), &refused.code, &refused.text, refused.at, trace)
    }
}

/// Why a provider does not pull, in a sentence, and who has to act: what is decided here on it, or how it goes with it as all screens
/// say.
fn why_not_pulled(name: &str, state: PeerState, standing: Option<&PeerStanding>) -> (Option<String>, Side) {
    let why = match (state, standing) {
        (PeerState::Blocked, _) => "You have blocked that provider, so its pulls are refused here.",
        (PeerState::KeyChanged, _) => {
            "That provider shows another key than the one that was accepted, which you have to decide on; its pulls are refused here until then."
        }
        (PeerState::Pending | PeerState::Unknown, _) => {
            "That provider is not let in here, so its pulls are refused here."
        }
        (PeerState::Allowed, Some(PeerStanding { code: StandingCode::Well | StandingCode::Quiet, .. })) => {
            let text = format!("{name} was here a short while ago, and comes again by itself.");
            return (Some(text), Side::Nobody);
        }
        (PeerState::Allowed, Some(PeerStanding { text, side, .. })) => {
            return (Some(format!("{name}: {}.", small(text))), side.unwrap_or(Side::Nobody));
        }
        (PeerState::Allowed, None) => return (None, Side::Either),
    };
    (Some(why.into()), Side::Ours)
}

/// A sentence as it stands behind a colon, without its full stop.
fn small(text: &str) -> String {
    let mut characters = text.trim_end_matches('.').chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

/// That the owner has refused it, and why.
fn refusal(owner: Option<&Provider>, code: &str, text: &str, at: Timestamp, trace: &mut Trace) -> Standing {
    let who = owner.map_or("its owner".to_owned(), ToString::to_string);
    let text = text.trim_end_matches('.');
    trace
        .steps
        .push(TraceStep::new(N::Judged, S::Failed, format!("refused by {who} ({code}): {text}")).at(at));
    trace.steps.extend(ahead(&[N::Numbered]));
    let sentence = format!("{who} has refused it ({code}): {text}. It goes no further.");
    Standing::new(TraceCode::Refused, sentence).since(at).for_side(Side::Ours)
}

/// That a client submitted it: when is in the id that it has given it.
fn submitted(id: Id, client: &ClientUri) -> TraceStep {
    let text = format!("by {client}, at the time that is in its id, by that client's clock");
    TraceStep::new(N::Submitted, S::Done, text).at(id.time())
}

/// That it is in our copy. When it came is when it was put into the feeds of clients here, which is the same transaction.
fn stored(found: &FoundEvent) -> TraceStep {
    let put = found.readers.iter().filter_map(|place| place.item).map(|item| item.put).min();
    let owner = found.row.owner();
    TraceStep::new(N::Stored, S::Done, format!("pulled from {owner}, verified and stored")).at(put)
}

fn reader_name(reader: &Reader) -> String {
    match reader {
        Reader::Peer(peer) => peer.to_string(),
        Reader::Client(client) => client.to_string(),
    }
}

fn gone_text(seq: u64) -> String {
    format!(
        "it had number {seq} in a history that does not count any more, since the owner's store went back"
    )
}

fn not_known(submission: Option<Id>) -> String {
    match submission {
        Some(_) => "Nothing is known here of a submission with this id: it was not submitted here, or was refused before this node was started.".into(),
        None => "No event here is the one that is meant.".into(),
    }
}
