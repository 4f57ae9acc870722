//! `compare`: holds the running node's copy of a group's log against its owner's and those of the others who take part.

use std::path::Path;
use std::process::ExitCode;

use drawbridge_admin::view::{Comparison, CopyFinding, CopyVerdict};
use drawbridge_mtp::id::GroupUri;
use serde_json::{Value, json};

use crate::ask::send_to_running;
use crate::check::{INDENT, who};
use crate::print::{answer, say, word};
use crate::remedies::{guide_part, remedy};

/// Prints what is found at each provider as it is found, and a summary; as one JSON object where `as_json`. The status is 1 where
/// a log differs or cannot be compared for what is wrong with it.
pub(crate) async fn compare(folder: &Path, group: &GroupUri, as_json: bool) -> ExitCode {
    let comparison = match follow(folder, group, as_json).await {
        Ok(comparison) => comparison,
        Err(code) => return code,
    };
    let told = if as_json { answer(as_value(&comparison)) } else { conclude(&comparison) };
    let is_wrong = matches!(comparison.verdict, Some(CopyVerdict::Different | CopyVerdict::Invalid));
    match told {
        Err(code) => code,
        Ok(()) if is_wrong => ExitCode::FAILURE,
        Ok(()) => ExitCode::SUCCESS,
    }
}

/// Has the logs compared by the node that runs in `folder`, to the end.
async fn follow(folder: &Path, group: &GroupUri, as_json: bool) -> Result<Comparison, ExitCode> {
    let ended = || "our provider does not run with its pages; start it first".to_owned();
    let ask = async |command: &str, request: &Value| match send_to_running(folder, command, request).await {
        Some(answer) => answer.map_err(|refusal| say(&refusal, 1)),
        None => Err(say(&ended(), 1)),
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
fn conclude(comparison: &Comparison) -> Result<(), ExitCode> {
    answer(format_args!("\n{}", comparison.summary))?;
    if comparison.verdict != Some(CopyVerdict::Different) {
        return Ok(());
    }
    let request = json!({"group": comparison.group});
    answer(format_args!("What is kept as evidence: drawbridged admin evidence '{request}'"))
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
