//! Where an event is on its way.

use drawbridge_node::diagnose::{self, Traced};
use drawbridge_node::operator::Reader;

use crate::convert::same;
use crate::error::AdminError;
use crate::host::Host;
use crate::request::{Empty, NamedEvent, TraceOf};
use crate::view::{
    ForeignClock, Outbox, ToldElsewhere, Trace, TraceCode, TraceElsewhere, TraceState, TraceStep,
    TraceStepName, WaitingEvent,
};

same!(diagnose::TraceStepName => TraceStepName {
    Submitted, Outbox, Judged, Numbered, Stored, Feed, Given, Acknowledged,
});
same!(diagnose::TraceState => TraceState { Done, Here, Ahead, Failed, Unknown });
same!(diagnose::TraceCode => TraceCode {
    NotKnown, Refused, Gone, LogBroken, InOutbox, NotHere, NotPulled, NotAcknowledged, NotRead, Arrived,
});

impl From<diagnose::TraceStep> for TraceStep {
    fn from(step: diagnose::TraceStep) -> Self {
        let clock = step.clock.map(|diagnose::ForeignClock { of, told, ahead_ms }| ForeignClock {
            of,
            told,
            ahead_ms,
        });
        let reader = step.reader.map(|reader| match reader {
            Reader::Peer(peer) => peer.to_string(),
            Reader::Client(client) => client.to_string(),
        });
        let (name, state) = (step.name.into(), step.state.into());
        Self { name, reader, state, at: step.at, clock, text: step.text }
    }
}

impl From<diagnose::Trace> for Trace {
    fn from(trace: diagnose::Trace) -> Self {
        Self {
            group: trace.group,
            seq: trace.seq,
            kind: trace.kind,
            sender: trace.sender,
            submission: trace.submission,
            steps: trace.steps.into_iter().map(Into::into).collect(),
            code: trace.code.into(),
            text: trace.text,
            since: trace.since,
            side: trace.side.map(Into::into),
        }
    }
}

impl From<diagnose::Elsewhere> for ToldElsewhere {
    fn from(diagnose::Elsewhere { provider, told }: diagnose::Elsewhere) -> Self {
        let (steps, code, text) = match told {
            Ok(steps) => (steps, None, None),
            Err(fault) => (Vec::new(), Some(fault.code.to_string()), Some(fault.text)),
        };
        Self { provider, steps: steps.into_iter().map(Into::into).collect(), code, text }
    }
}

pub(crate) async fn trace_elsewhere(host: &Host, ask: NamedEvent) -> Result<TraceElsewhere, AdminError> {
    let told = host.node().await?.operator().trace_elsewhere(&ask.group, ask.seq).await?;
    Ok(TraceElsewhere { told: told.into_iter().map(Into::into).collect() })
}

pub(crate) async fn trace(host: &Host, ask: TraceOf) -> Result<Trace, AdminError> {
    let what = match ask {
        TraceOf { submission: Some(id), group: None, seq: None, sender: None, time: None } => {
            Traced::Submission(id)
        }
        TraceOf { group: Some(group), seq: Some(seq), submission: None, sender: None, time: None } => {
            Traced::Event { group, seq }
        }
        TraceOf {
            group: Some(group),
            sender: Some(sender),
            time: Some(time),
            seq: None,
            submission: None,
        } => Traced::Said { group, sender, time },
        _ => {
            let text =
                "name an event by group and seq, by group, sender and time, or by its submission alone";
            return Err(AdminError::new("unfit", text));
        }
    };
    Ok(host.node().await?.operator().trace(what).await?.into())
}

pub(crate) async fn outbox(host: &Host, _: Empty) -> Result<Outbox, AdminError> {
    let waiting = host.node().await?.operator().outbox().await?.into_iter();
    let waiting = waiting.map(|(submission, waiting)| WaitingEvent {
        submission,
        group: waiting.group,
        client: waiting.client,
        since: waiting.queued,
    });
    Ok(Outbox { waiting: waiting.collect() })
}
