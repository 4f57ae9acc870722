//! Comparing the copies of a group's log, and the evidence where an owner told two stories.

use drawbridge_node::diagnose::{self, Finding, ShownCheckpoint};
use drawbridge_node::operator;

use crate::convert::{millis, same, small};
use crate::error::AdminError;
use crate::host::Host;
use crate::request::{Check, NamedGroup, ReadCheck};
use crate::view::{Comparison, CopyFinding, CopyVerdict, ForkEvidence, GroupFork, SignedCheckpoint};

same!(diagnose::CopyVerdict => CopyVerdict {
    Equal, Behind, Ahead, Different, Invalid, Refused, Waits, Unanswered, NotAsked,
});

impl From<diagnose::Comparison> for Comparison {
    fn from(comparison: diagnose::Comparison) -> Self {
        Self {
            verdict: comparison.verdict().map(Into::into),
            summary: comparison.summary(),
            group: comparison.group,
            is_ours: comparison.is_ours,
            head: comparison.head,
            hash: comparison.hash,
            began: comparison.began,
            findings: comparison.findings.into_iter().map(Into::into).collect(),
            providers: small(comparison.providers),
            is_finished: comparison.is_finished,
        }
    }
}

impl From<Finding> for CopyFinding {
    fn from(finding: Finding) -> Self {
        Self {
            provider: finding.provider,
            is_owner: finding.is_owner,
            verdict: finding.verdict.into(),
            events: finding.events,
            differs_from: finding.differs_from,
            text: finding.text,
            code: finding.code.map(Into::into),
            stage: finding.stage.into(),
            side: finding.side.map(Into::into),
            duration_ms: millis(finding.took),
            checkpoint: finding.checkpoint.map(Into::into),
            evidence: finding.evidence.iter().map(Into::into).collect(),
        }
    }
}

impl From<ShownCheckpoint> for SignedCheckpoint {
    fn from(ShownCheckpoint { seq, hash, signed, key, agrees }: ShownCheckpoint) -> Self {
        Self { seq, hash, signed, key, agrees }
    }
}

impl From<operator::Fork> for GroupFork {
    fn from(operator::Fork { seq, found, is_proved, text }: operator::Fork) -> Self {
        Self { seq, found, is_proved, text }
    }
}

pub(crate) async fn compare_log(host: &Host, ask: NamedGroup) -> Result<Check, AdminError> {
    Ok(Check { id: host.node().await?.operator().begin_comparison(&ask.group)? })
}

pub(crate) async fn comparison(host: &Host, ask: ReadCheck) -> Result<Comparison, AdminError> {
    let after = usize::try_from(ask.after).unwrap_or(usize::MAX);
    Ok(host.node().await?.operator().comparison(ask.id, after).await?.into())
}

pub(crate) async fn evidence(host: &Host, ask: NamedGroup) -> Result<ForkEvidence, AdminError> {
    let evidence = host.node().await?.operator().fork_evidence(ask.group).await?;
    let evidence = evidence.ok_or_else(AdminError::no_such_group)?;
    Ok(ForkEvidence { group: evidence.group, contradictions: evidence.contradictions })
}
