//! Looking back: a peer looks at us when we ask it to, and we at it where our operator allows that (`docs/checks.md`).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::id::{Id, Provider};
use drawbridge_mtp::message::{CheckItem, CheckReply, CheckRequest, CheckedStep, ItemBody, PeerState};
use drawbridge_mtp::problem::{Code, Problem};
use http::Method;
use tokio::sync::watch;

use super::pending_looks::Asked;
use super::report::{Report, Step, StepName, Verdict};
use super::{Doctor, Looker, Progress};
use crate::ambient::AmbientExt;
use crate::ground::changes::Change;
use crate::misuse::Misuse;
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::Ask;
use crate::readable::readable;
use crate::refusal::Refusal;
use crate::side::Side;
use crate::store::{Reader, StoreFault};

/// A peer that has taken the request tells what it saw within this; a step that is silent takes ten seconds.
const RESULT_TIME: Duration = Duration::from_secs(180);
/// A look takes no longer than this; what was seen until then is told.
const LOOK_TIME: Duration = Duration::from_secs(90);
/// Octets of a code that are kept.
const CODE: usize = 64;
/// Steps of a result that are told and read.
const STEPS: usize = 64;
/// Faults of asking a peer to look that are about us and not about the way to it.
const SAYS_OF_US: &[&str] = &["key-unknown", "clock-skew", "signature-expired", "rate-limited"];
/// What is told to whoever asks: what it could not see by itself.
const TOLD: &[StepName] = &[
    StepName::Name,
    StepName::Dns,
    StepName::Addresses,
    StepName::Connect,
    StepName::Tls,
    StepName::Document,
    StepName::Keys,
    StepName::Clock,
    StepName::Ping,
];

impl Doctor {
    /// Looks at `peer`, which asks for it from `source`, and puts what was seen into its feed.
    ///
    /// # Errors
    ///
    /// Our operator does not allow it, or it is asked for too often.
    pub(crate) fn look_back_at(
        self: &Arc<Self>,
        peer: &Provider,
        source: IpAddr,
        CheckRequest { id }: CheckRequest,
    ) -> Result<CheckReply, Refusal> {
        if !self.ground.config.peers.look_back {
            return Err(Problem::new(Code::NotFound, "nobody is looked at from here").into());
        }
        match self.pending.lock().ask(peer, id, self.ground.ambient.now()) {
            Asked::Repeated => return Ok(CheckReply { id }),
            Asked::TooOften(pause) => {
                let text = "looks are asked for too often; wait and ask again";
                return Err(Refusal::after(Problem::new(Code::RateLimited, text), pause));
            }
            Asked::Anew => {}
        }
        let (own, peer) = (self.clone(), peer.clone());
        self.ground.tasks.spawn(async move {
            let stop = own.ground.stop.clone();
            tokio::select! {
                () = stop.cancelled() => {}
                () = own.tell_what_is_seen(peer, source, id) => {}
            }
        });
        Ok(CheckReply { id })
    }

    async fn tell_what_is_seen(&self, peer: Provider, source: IpAddr, id: Id) {
        let (sender, receiver) = watch::channel(self.report(peer.to_string(), false));
        let began = receiver.borrow().began;
        let progress = Progress::new(sender, false);
        let look = self.look(Ok(peer.clone()), &progress, Looker::NodeForPeer(source));
        if tokio::time::timeout(LOOK_TIME, look).await.is_err() {
            tracing::debug!(%peer, "a look for a peer was ended, since it took too long");
        }
        let steps = may_be_told(&receiver.borrow().steps);
        let item = ItemBody::Check(CheckItem { id, began, steps });
        let put = self.store.write(move |tx| tx.append(&Reader::Peer(peer), &item).map(drop));
        if let Err(fault) = put.await {
            let fault: StoreFault = fault;
            tracing::error!(%fault, "what was seen of a peer could not be put into its feed");
        }
    }

    /// Asks `peer` to look at us, and returns the number of the report, which is finished when the result has come.
    ///
    /// # Errors
    ///
    /// Too many looks go on already.
    pub(crate) fn ask_to_look_back(self: &Arc<Self>, peer: &Provider) -> Result<u64, Misuse> {
        let state = self.store.glance(|view| view.peer_state(peer))?;
        if state != PeerState::Allowed {
            let text = format!("{peer} is not let in here, so what it sees would not come; let it in first");
            return Err(Misuse::Unfit(text));
        }
        let report =
            Report { seen_by: Some(peer.clone()), ..self.report(self.ground.ours.to_string(), true) };
        let (id, sender) = self.reports.open(report)?;
        // That the peer cannot be asked is not ours to mend.
        let progress = Progress::new(sender, false);
        let (own, peer) = (self.clone(), peer.clone());
        self.ground.tasks.spawn(async move {
            let stop = own.ground.stop.clone();
            let steps = tokio::select! {
                () = stop.cancelled() => None,
                steps = own.seen_from(&peer) => Some(steps),
            };
            let is_done = steps.is_some();
            steps.into_iter().flatten().for_each(|step| progress.tell(step));
            progress.finish(is_done);
        });
        Ok(id)
    }

    /// What `peer` sees of us.
    async fn seen_from(&self, peer: &Provider) -> Vec<Step> {
        let id = self.ground.ambient.id();
        let mut result = self.pending.lock().wait_for(peer, id);
        let content = serde_json::to_vec(&CheckRequest { id }).unwrap_or_default();
        let ask =
            Ask { method: Method::POST, content: Some(content), ..Ask::get("/checks".into()).by_doctor() };
        let steps = match self.peers.call(peer, ask).await {
            Err(fault) if fault.is(Code::NotFound) => {
                let text = format!(
                    "{peer} does not look back: its operator has not allowed it, or its software does not know it"
                );
                let text = format!("{text}; so nothing was looked at");
                let fault = PeerFault::new(fault.stage, "look-back-refused", text);
                vec![Step::fail(StepName::LookBack, &fault)]
            }
            // That it cannot have our key, or takes our clock for wrong, is what it has to say of us.
            Err(fault) if SAYS_OF_US.contains(&fault.code.as_ref()) => {
                vec![Step::fail(StepName::LookBack, &fault).at(peer.as_str())]
            }
            Err(fault) => {
                let text = format!("{peer} could not be asked to look back: {fault}");
                let side = Side::of(&fault.code);
                let fault = PeerFault::new(fault.stage, "look-back-failed", text);
                vec![Step::fail(StepName::LookBack, &fault).for_side(side)]
            }
            Ok(_) => {
                self.ground.changes.announce(Change::Request(peer.clone()));
                let came = tokio::time::timeout(RESULT_TIME, result.wait_for(Option::is_some)).await;
                let item = came.ok().and_then(Result::ok).and_then(|item| item.clone());
                match item {
                    Some(item) => heard_steps(&item),
                    None => {
                        let seconds = RESULT_TIME.as_secs();
                        let text = format!(
                            "{peer} has taken the request and told nothing of it in {seconds} s; its feed may not come here at the moment"
                        );
                        let fault = PeerFault::new(Stage::Content, "look-back-late", text);
                        vec![Step::fail(StepName::LookBack, &fault)]
                    }
                }
            }
        };
        self.pending.lock().forget(id);
        steps
    }

    /// Whether what `peer` sees of us is to come through its feed, so that it has to be pulled.
    pub(crate) fn expects_from(&self, peer: &Provider) -> bool {
        self.pending.lock().expects_from(peer)
    }

    /// `peer` tells what it has seen of us. What nobody has asked for is of no use.
    pub(crate) fn hear(&self, peer: &Provider, item: &CheckItem) {
        self.pending.lock().hear(peer, item);
    }
}

/// What the one who is looked at may be told. Its document can name any host as its endpoint: nothing is told of one that has
/// not proved to be its, so that nobody has us look at somebody else.
fn may_be_told(steps: &[Step]) -> Vec<CheckedStep> {
    let of_endpoint = steps.iter().any(|step| step.is_of_endpoint);
    let is_proved = steps.iter().any(|step| step.name == StepName::Ping && step.is_good());
    let hides = |step: &&Step| {
        let is_there = step.is_of_endpoint || matches!(step.name, StepName::Clock | StepName::Ping);
        of_endpoint && !is_proved && is_there
    };
    let told_steps = steps.iter().filter(|step| TOLD.contains(&step.name) && !hides(step)).map(told);
    let mut told_steps: Vec<_> = told_steps.take(STEPS - 1).collect();
    if of_endpoint && !is_proved {
        let text = "your endpoint is at another host than your name, and has not proved to be yours, so nothing is told of it";
        let fault = PeerFault::new(Stage::Signature, "endpoint-unproved", text);
        told_steps.push(told(&Step::fail(StepName::Ping, &fault)));
    }
    told_steps
}

/// A step as it is told to the one who is looked at.
fn told(step: &Step) -> CheckedStep {
    CheckedStep {
        name: step.name.to_string(),
        at: step.at.clone(),
        verdict: step.verdict.to_string(),
        code: step.code.as_ref().map(ToString::to_string),
        text: step.text.clone(),
        took_ms: u64::try_from(step.took.as_millis()).unwrap_or(u64::MAX),
    }
}

/// What was told of us.
fn heard_steps(item: &CheckItem) -> Vec<Step> {
    let steps: Vec<_> = item.steps.iter().take(STEPS).filter_map(heard).collect();
    if !steps.is_empty() {
        return steps;
    }
    let text = "it has told of no step that is known here";
    vec![Step::fail(StepName::Ping, &PeerFault::new(Stage::Content, "malformed", text))]
}

/// A step as it was told; one that is not known here is skipped.
fn heard(step: &CheckedStep) -> Option<Step> {
    let (name, verdict) = (step.name.parse().ok()?, step.verdict.parse::<Verdict>().ok()?);
    // What waits for a decision is no part of what is told.
    if !TOLD.contains(&name) || verdict == Verdict::Wait {
        return None;
    }
    let is_wrong = matches!(verdict, Verdict::Warn | Verdict::Fail);
    let code = step.code.as_deref().filter(|_| is_wrong);
    let code = code.map(|code| readable(&code[..code.floor_char_boundary(CODE)]));
    let side = code.is_some().then_some(Side::Ours);
    Some(Step {
        at: step.at.as_deref().map(readable),
        took: Duration::from_millis(step.took_ms),
        code: code.map(Into::into),
        side,
        ..Step::new(name, verdict, step.text.clone())
    })
}
