//! What other providers know of an event, and what they are told of it: an optional part of the profile (`docs/traces.md`).

use drawbridge_mtp::id::{GroupUri, Name, Provider};
use drawbridge_mtp::message::{ToldStep, TraceQuery, TraceReply};
use drawbridge_mtp::problem::{Code, Problem};
use futures_util::future::join_all;

use super::read::Known;
use super::report::{Elsewhere, TraceState, TraceStep, TraceStepName, Traced};
use super::{Standings, Tracer};
use crate::delivery::{malformed, name_at, visible};
use crate::misuse::Misuse;
use crate::peer_fault::PeerFault;
use crate::peers::Ask;
use crate::refusal::Refusal;
use crate::store::{GroupRow, Reader, StoreFault, View};

/// Steps that are told, and read, of one event.
const MOST_STEPS: usize = 64;

impl Tracer {
    /// What `asker` is told of the event `seq` of the group `name` of `at`, or of ours where that is not said.
    ///
    /// # Errors
    ///
    /// Our operator does not allow it, or it is not for `asker`.
    pub(crate) async fn tell(
        &self,
        asker: &Provider,
        name: Name,
        at: Option<Provider>,
        query: TraceQuery,
    ) -> Result<TraceReply, Refusal> {
        if !self.ground.config.peers.tell_traces {
            return Err(not_told());
        }
        let (ours, reader) = (self.ground.ours.clone(), Reader::Peer(asker.clone()));
        let known = self.store.read(move |view| {
            let row = visible(view, &ours, &name, at.as_ref(), &reader)?;
            if !is_for(view, &row, &ours, &reader, query.seq)? {
                return Err(not_told());
            }
            let what = Traced::Event { group: row.uri, seq: query.seq };
            Known::read(view, &ours, what).map_err(|fault| match fault {
                Misuse::Store(fault) => Refusal::Store(fault),
                _ => not_told(),
            })
        });
        let known = self.with_pulls(known.await?).await;
        Ok(TraceReply { steps: to_tell(self.judge(known, &Standings::new()).steps) })
    }

    /// Asks those who know of an event what they know: the owner, or, where that is us, the providers that are told of it.
    ///
    /// # Errors
    ///
    /// There is no such group here.
    pub(crate) async fn ask_elsewhere(&self, group: &GroupUri, seq: u64) -> Result<Vec<Elsewhere>, Misuse> {
        let (ours, uri) = (self.ground.ours.clone(), group.clone());
        let asked = self.store.read(move |view| {
            let row = view.group(&uri)?.ok_or_else(|| Misuse::NoSuchGroup(uri.clone()))?;
            if *row.owner() != ours {
                return Ok(vec![row.owner().clone()]);
            }
            let told = view
                .audience(row.id)?
                .into_iter()
                .filter(|told| told.since <= seq && told.until.is_none_or(|until| seq <= until));
            let mut peers: Vec<Provider> = told
                .filter_map(|told| match told.reader {
                    Reader::Peer(peer) => Some(peer),
                    Reader::Client(_) => None,
                })
                .collect();
            peers.sort();
            Ok::<_, Misuse>(peers)
        });
        let asking = asked.await?.into_iter().map(|provider| async move {
            let told = self.ask(&provider, group, seq).await;
            Elsewhere { provider, told }
        });
        Ok(join_all(asking).await)
    }

    async fn ask(
        &self,
        provider: &Provider,
        group: &GroupUri,
        seq: u64,
    ) -> Result<Vec<TraceStep>, PeerFault> {
        let query = TraceQuery { seq }.to_query();
        let resource = format!("/groups/{}/trace?{query}", name_at(group, provider));
        let answer = self.delivery.in_time(self.peers.call(provider, Ask::get(resource))).await?;
        let reply: TraceReply = answer.message().map_err(|fault| malformed(group, &fault))?;
        Ok(reply.steps.into_iter().take(MOST_STEPS).filter_map(|step| self.heard(provider, step)).collect())
    }

    /// A step as it was told; none where its words are not known here.
    fn heard(&self, provider: &Provider, step: ToldStep) -> Option<TraceStep> {
        let (name, state) = (step.name.parse().ok()?, step.state.parse().ok()?);
        let heard = TraceStep { reader: step.of.map(Reader::Peer), ..TraceStep::new(name, state, step.text) };
        Some(match step.at {
            Some(at) => heard.told(self.by_our_clock(provider, at)),
            None => heard,
        })
    }
}

/// Whether `reader` may be told of the event: the owner of all that it has given us, another of what our log tells it.
fn is_for(
    view: &View<'_>,
    row: &GroupRow,
    ours: &Provider,
    reader: &Reader,
    seq: u64,
) -> Result<bool, StoreFault> {
    if row.owner() != ours {
        return Ok(*reader == Reader::Peer(row.owner().clone()));
    }
    let told = view.audience_of(row.id, reader)?;
    Ok(told.is_some_and(|told| told.since <= seq && told.until.is_none_or(|until| seq <= until)))
}

fn not_told() -> Refusal {
    Problem::new(Code::NotFound, "there is no such event here, or nothing is told of it").into()
}

/// What of our steps is told: no client is named, and what is not known is left out.
fn to_tell(steps: Vec<TraceStep>) -> Vec<ToldStep> {
    let (mut told, mut clients) = (Vec::new(), Vec::new());
    for step in steps {
        match step.reader {
            Some(Reader::Client(_)) if step.name == TraceStepName::Acknowledged => clients.push(step.state),
            Some(Reader::Client(_)) => {}
            _ if step.state == TraceState::Unknown => {}
            reader => told.push(ToldStep {
                name: step.name.to_string(),
                of: reader.and_then(|reader| match reader {
                    Reader::Peer(peer) => Some(peer),
                    Reader::Client(_) => None,
                }),
                state: step.state.to_string(),
                at: step.at,
                text: step.text,
            }),
        }
    }
    told.truncate(MOST_STEPS - 1);
    if !clients.is_empty() {
        let have = clients.iter().filter(|state| **state == TraceState::Done).count();
        let state = if have == clients.len() { TraceState::Done } else { TraceState::Here };
        told.push(ToldStep {
            name: TraceStepName::Acknowledged.to_string(),
            of: None,
            state: state.to_string(),
            at: None,
            text: format!("{have} of {} clients that are told of it there have it", clients.len()),
        });
    }
    told
}
