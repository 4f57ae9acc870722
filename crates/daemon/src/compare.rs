//! `compare`: holds the running node's copy of a group's log against its owner's and those of the others who take part.

use std::path::Path;
use std::process::ExitCode;

use drawbridge_admin::view::{Comparison, CopyFinding, CopyVerdict};
use drawbridge_mtp::id::GroupUri;
use serde_json::{Value, json};

use crate::ask::{not_running, send_to_running};
use crate::check::{INDENT, who};
use crate::print::{answer, say, word};
use crate::remedies::{guide_part, remedy};

/// Prints what is found at each provider as it is found, and a summary; as one JSON object where `as_json`. The status is 1 where
/// a log differs or cannot be compared for what is wrong with it, and where others take part and none has told of its log.
/// `node` are the options by which the operator has named the node.
pub(crate) async fn compare(folder: &Path, node: &str, group: &GroupUri, as_json: bool) -> ExitCode {
    let comparison = match follow(folder, group, as_json).await {
        Ok(comparison) => comparison,
        Err(code) => return code,
    };
    let told = if as_json { answer(as_value(&comparison)) } else { conclude(&comparison, node) };
    match told {
        Err(code) => code,
        Ok(()) if is_well(&comparison) => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
    }
}

/// Whether nothing was found to be wrong, and something was compared where there is something to compare with.
fn is_well(comparison: &Comparison) -> bool {
    let is_wrong = matches!(comparison.verdict, Some(CopyVerdict::Different | CopyVerdict::Invalid));
    !is_wrong && (comparison.providers == 0 || comparison.findings.iter().any(is_told))
}

/// Whether a provider has told of its log.
fn is_told(finding: &CopyFinding) -> bool {
    match finding.verdict {
        CopyVerdict::Equal
        | CopyVerdict::Behind
        | CopyVerdict::Ahead
        | CopyVerdict::Different
        | CopyVerdict::Invalid => true,
        CopyVerdict::Refused | CopyVerdict::Waits | CopyVerdict::Unanswered | CopyVerdict::NotAsked => false,
    }
}

/// Has the logs compared by the node that runs in `folder`, to the end.
async fn follow(folder: &Path, group: &GroupUri, as_json: bool) -> Result<Comparison, ExitCode> {
    let ask = async |command: &str, request: &Value| match send_to_running(folder, command, request).await {
        Some(answer) => answer.map_err(|refusal| say(&refusal, 1)),
        None => Err(not_running(folder)),
    };
    let begun = ask("compare-log", &json!({"group": group})).await?;
    let mut told = 0;
    loop {
        let read = ask("comparison", &json!({"id": begun["id"], "after": told})).await?;
        let read = serde_json::from_value::<Comparison>(read);
        let comparison = read.map_err(|fault| say(&fault.to_string(), 1))?;
        if !as_json {
            comparison.findings.iter().skip(told).try_for_each(print)?;
        }
        told = comparison.findings.len();
        if comparison.is_finished {
            return Ok(comparison);
        }
    }
}

fn print(finding: &CopyFinding) -> Result<(), ExitCode> {
    let verdict = match finding.verdict {
        CopyVerdict::Equal => "equal",
        CopyVerdict::Behind => "behind",
        CopyVerdict::Ahead => "ahead",
        CopyVerdict::Different => "DIFFERENT",
        CopyVerdict::Invalid => "INVALID",
        CopyVerdict::Refused => "refused",
        CopyVerdict::Waits => "waits",
        CopyVerdict::Unanswered => "no answer",
        CopyVerdict::NotAsked => "not asked",
    };
    let (provider, text) = (&finding.provider, &finding.text);
    let role = if finding.is_owner { " (owner)" } else { "" };
    let code = finding.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    answer(format_args!("{verdict:<INDENT$}{provider}{role}: {text}{code}"))?;
    if let Some(todo) = to_do(finding) {
        answer(format_args!("{:INDENT$}{}: {todo}", "", who(finding.side)))?;
    }
    if let Some(part) = more(finding) {
        answer(format_args!("{:INDENT$}more in the guide: {part}", ""))?;
    }
    if let Some(checkpoint) = &finding.checkpoint {
        let agrees = match checkpoint.agrees {
            Some(true) => "as here",
            Some(false) => "not as here",
            None => "an event that is not here",
        };
        answer(format_args!(
            "{:INDENT$}signed by the owner: event {} is {} ({agrees}), at {}, with the key {}",
            "", checkpoint.seq, checkpoint.hash, checkpoint.signed, checkpoint.key
        ))?;
    }
    finding
        .evidence
        .iter()
        .try_for_each(|seen| answer(format_args!("{:INDENT$}{}: {}", "", seen.what, seen.value)))
}

fn to_do(finding: &CopyFinding) -> Option<String> {
    finding.code.as_deref().and_then(|code| remedy(code, &word(&finding.stage), false))
}

/// The part of the guide that tells more of what is wrong.
fn more(finding: &CopyFinding) -> Option<&'static str> {
    finding.code.as_deref().and_then(|code| guide_part(code, &word(&finding.stage)))
}

/// Prints the summary, and how to have the evidence where there is any.
fn conclude(comparison: &Comparison, node: &str) -> Result<(), ExitCode> {
    answer(format_args!("\n{}", comparison.summary))?;
    if comparison.verdict != Some(CopyVerdict::Different) {
        return Ok(());
    }
    let request = json!({"group": comparison.group});
    answer(format_args!("What is kept as evidence: drawbridged admin{node} evidence '{request}'"))
}

/// The comparison as JSON, with what to do about each finding, and the part of the guide that tells more.
fn as_value(comparison: &Comparison) -> Value {
    let mut value = serde_json::to_value(comparison).unwrap_or_default();
    if let Some(findings) = value["findings"].as_array_mut() {
        for (told, finding) in findings.iter_mut().zip(&comparison.findings) {
            told["remedy"] = to_do(finding).into();
            told["guide"] = more(finding).into();
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(verdicts: &[&str]) -> Comparison {
        let findings: Vec<_> = verdicts
            .iter()
            .map(|verdict| {
                json!({
                    "provider": "b.example", "is_owner": false, "verdict": verdict, "events": null, "differs_from": null,
                    "text": "so", "code": null, "stage": "content", "side": null, "duration_ms": 1.0, "checkpoint": null,
                    "evidence": [],
                })
            })
            .collect();
        serde_json::from_value(json!({
            "group": "mimi://a.example/g/tea", "is_ours": true, "head": 3, "hash": "A".repeat(43),
            "began": "2026-11-30T10:00:00.000Z", "verdict": verdicts.first(), "summary": "so", "findings": findings,
            "providers": verdicts.len(), "is_finished": true,
        }))
        .unwrap()
    }

    #[test]
    fn a_comparison_for_which_nobody_has_told_of_its_log_is_not_well() {
        for well in [&[][..], &["equal"], &["behind"], &["unanswered", "ahead"]] {
            assert!(is_well(&found(well)), "{well:?}");
        }
        for wrong in
            [&["unanswered"][..], &["not-asked", "refused"], &["waits"], &["different"], &["invalid"]]
        {
            assert!(!is_well(&found(wrong)), "{wrong:?}");
        }
    }
}
