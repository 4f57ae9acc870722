//! `check`: looks at a provider step by step. The running node does it, which knows how its own pulls go; where none runs, it
//! is done here with the node's key.

use std::path::Path;
use std::process::ExitCode;

use drawbridge_admin::view::{CheckReport, CheckSide, CheckStep, CheckStepName, CheckVerdict};
use drawbridge_mtp::id::Provider;
use drawbridge_node::check_beside;
use drawbridge_node::config::Config;
use serde_json::{Value, json};

use crate::ask::{not_running, send_to_running};
use crate::print::{answer, say, word};
use crate::remedies::{guide_part, remedy};

/// The status where it does not work until somebody has decided.
const WAITS: u8 = 3;

/// Prints each step as it is done, what to do about what is wrong, and a summary; as one JSON object where `as_json`. The
/// status is 0 where it works, with warnings or without, 3 where a decision is waited for, and 1 where it does not work.
///
/// `folder` is where a running node is found, `config` the file of one that is not running, with whether the operator has named it. Without a `provider`, ours is
/// looked at; by the peer `from` where that is named.
pub(crate) async fn check(
    folder: &Path,
    (config, is_named): (&Path, bool),
    provider: Option<Provider>,
    from: Option<Provider>,
    as_json: bool,
) -> ExitCode {
    let show = |step: &CheckStep, is_own: bool| if as_json { Ok(()) } else { print(step, is_own) };
    let begun = match (&from, &provider) {
        (Some(from), _) => send_to_running(folder, "look-back", &json!({"provider": from})).await,
        (None, Some(provider)) => send_to_running(folder, "check", &json!({"provider": provider})).await,
        (None, None) => send_to_running(folder, "check", &json!({})).await,
    };
    let report = match (begun, from) {
        (Some(Ok(begun)), _) => follow(folder, &begun["id"], show).await,
        (Some(Err(refusal)), _) => Err(say(&refusal, 1)),
        (None, Some(_)) => Err(not_running(folder)),
        (None, None) => {
            if !as_json
                && let Err(code) =
                    answer("Our provider is not running with its pages, so this program looks by itself.")
            {
                return code;
            }
            by_ourselves((config, is_named), provider, show).await
        }
    };
    let report = match report {
        Ok(report) => report,
        Err(code) => return code,
    };
    let told = if as_json { answer(as_value(&report)) } else { conclude(&report) };
    match (told, report.verdict) {
        (Err(code), _) => code,
        (Ok(()), CheckVerdict::Wait) => WAITS.into(),
        (Ok(()), _) if report.works => ExitCode::SUCCESS,
        (Ok(()), _) => ExitCode::FAILURE,
    }
}

/// Prints the summary, and what to do about each step that it is about.
fn conclude(report: &CheckReport) -> Result<(), ExitCode> {
    answer(format_args!("\n{}", report.summary))?;
    let is_told = |step: &&CheckStep| step.code.is_some() && step.verdict == report.verdict;
    let mut told: Vec<String> = Vec::new();
    for todo in report.steps.iter().filter(is_told).filter_map(|step| to_do(step, report.is_own)) {
        if !told.contains(&todo) {
            told.push(todo);
        }
    }
    told.iter().try_for_each(|todo| answer(format_args!("What to do: {todo}")))
}

/// Shows the report of that number as the node that runs in `folder` makes it.
async fn follow(
    folder: &Path,
    id: &Value,
    mut show: impl FnMut(&CheckStep, bool) -> Result<(), ExitCode>,
) -> Result<CheckReport, ExitCode> {
    let mut told = 0;
    loop {
        let asked = send_to_running(folder, "check-report", &json!({"id": id, "after": told})).await;
        let report = match asked {
            Some(Ok(report)) => {
                serde_json::from_value::<CheckReport>(report).map_err(|fault| fault.to_string())
            }
            Some(Err(refusal)) => Err(refusal),
            None => Err("the node has ended before the check was done".into()),
        };
        let report = report.map_err(|fault| say(&fault, 1))?;
        report.steps.iter().skip(told).try_for_each(|step| show(step, report.is_own))?;
        told = report.steps.len();
        if report.is_finished {
            return Ok(report);
        }
    }
}

async fn by_ourselves(
    (config, is_named): (&Path, bool),
    provider: Option<Provider>,
    mut show: impl FnMut(&CheckStep, bool) -> Result<(), ExitCode>,
) -> Result<CheckReport, ExitCode> {
    let config = Config::load(config).map_err(|fault| {
        let hint = match is_named {
            true => "",
            false => {
                "; name that of a node that is started with serve by --config, or the folder of a running demo by --home"
            }
        };
        say(&format!("{fault}{hint}"), 2)
    })?;
    let provider = provider.unwrap_or_else(|| config.provider.clone());
    let (mut shown, is_own) = (Ok(()), provider == config.provider);
    let looked = check_beside(&config, &provider, |step| {
        if shown.is_ok() {
            shown = show(&step.into(), is_own);
        }
    });
    let report = looked.await.map_err(|fault| say(&fault.to_string(), 2))?;
    shown.map(|()| (&report).into())
}

/// Where what belongs to a step begins in its lines.
pub(crate) const INDENT: usize = 10;

fn print(step: &CheckStep, is_own: bool) -> Result<(), ExitCode> {
    let verdict = match step.verdict {
        CheckVerdict::Pass => "ok",
        CheckVerdict::Warn => "warning",
        CheckVerdict::Wait => "waits",
        CheckVerdict::Fail => "FAILED",
        CheckVerdict::Skipped => "not done",
    };
    let place = step.at.as_ref().map(|at| format!(" {at}")).unwrap_or_default();
    let code = step.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    let (name, took) = (word(&step.name), step.duration_ms);
    answer(format_args!("{verdict:<INDENT$}{name}{place}, {took:.0} ms: {}{code}", step.text))?;
    if let Some(todo) = to_do(step, is_own) {
        answer(format_args!("{:INDENT$}{}: {todo}", "", who(step.side)))?;
    }
    if let Some(part) = more(step) {
        answer(format_args!("{:INDENT$}more in the guide: {part}", ""))?;
    }
    step.evidence
        .iter()
        .try_for_each(|seen| answer(format_args!("{:INDENT$}{}: {}", "", seen.what, seen.value)))
}

fn to_do(step: &CheckStep, is_own: bool) -> Option<String> {
    let is_own = is_own || step.name == CheckStepName::ThisSide;
    step.code.as_deref().and_then(|code| remedy(code, &word(&step.stage), is_own))
}

/// The part of the guide that tells more of what is wrong.
fn more(step: &CheckStep) -> Option<&'static str> {
    step.code.as_deref().and_then(|code| guide_part(code, &word(&step.stage)))
}

pub(crate) fn who(side: Option<CheckSide>) -> &'static str {
    match side {
        Some(CheckSide::Ours) => "this side",
        Some(CheckSide::Theirs) => "the other side",
        Some(CheckSide::Nobody) => "wait",
        Some(CheckSide::Either) | None => "one of the two sides",
    }
}

/// The report as JSON, with what to do about each step, and the part of the guide that tells more.
fn as_value(report: &CheckReport) -> Value {
    let mut value = serde_json::to_value(report).unwrap_or_default();
    if let Some(steps) = value["steps"].as_array_mut() {
        for (told, step) in steps.iter_mut().zip(&report.steps) {
            told["remedy"] = to_do(step, report.is_own).into();
            told["guide"] = more(step).into();
        }
    }
    value
}
