//! The doctor: looking at a provider step by step.

use drawbridge_node::Side;
use drawbridge_node::diagnose::{Evidence, Report, Step, StepName, Verdict};

use crate::convert::{millis, same};
use crate::error::AdminError;
use crate::host::Host;
use crate::request::{Check, NamedPeer, ReadCheck, StartCheck};
use crate::view::{CheckEvidence, CheckReport, CheckSide, CheckStep, CheckStepName, CheckVerdict};

same!(StepName => CheckStepName {
    LookBack, Name, ThisSide, Store, WayIn, Dns, Addresses, Connect, Tls, Document, Keys, Clock, Ping, Seen, Peering, Limits, Pull, OurPull, TheirPull,
});
same!(Verdict => CheckVerdict { Pass, Warn, Wait, Fail, Skipped });
same!(Side => CheckSide { Ours, Theirs, Either, Nobody });

impl From<&Evidence> for CheckEvidence {
    fn from(Evidence { what, value }: &Evidence) -> Self {
        Self { what: (*what).into(), value: value.clone() }
    }
}

impl From<&Step> for CheckStep {
    fn from(step: &Step) -> Self {
        Self {
            name: step.name.into(),
            at: step.at.clone(),
            verdict: step.verdict.into(),
            duration_ms: millis(step.took),
            text: step.text.clone(),
            code: step.code.as_ref().map(ToString::to_string),
            stage: step.stage.into(),
            side: step.side.map(Into::into),
            evidence: step.evidence.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Report> for CheckReport {
    fn from(report: &Report) -> Self {
        Self {
            provider: report.provider.clone(),
            is_own: report.is_own,
            seen_by: report.seen_by.clone(),
            began: report.began,
            verdict: report.verdict().into(),
            works: report.works(),
            summary: report.summary(),
            steps: report.steps.iter().map(Into::into).collect(),
            is_finished: report.is_finished,
        }
    }
}

pub(crate) async fn check(host: &Host, ask: StartCheck) -> Result<Check, AdminError> {
    let node = host.node().await?;
    let provider = ask.provider.unwrap_or_else(|| node.provider().to_string());
    Ok(Check { id: node.operator().begin_check(&provider)? })
}

pub(crate) async fn check_report(host: &Host, ask: ReadCheck) -> Result<CheckReport, AdminError> {
    let after = usize::try_from(ask.after).unwrap_or(usize::MAX);
    let report = host.node().await?.operator().check_report(ask.id, after).await?;
    Ok((&report).into())
}

pub(crate) async fn look_back(host: &Host, ask: NamedPeer) -> Result<Check, AdminError> {
    Ok(Check { id: host.node().await?.operator().ask_to_look_back(&ask.provider)? })
}
