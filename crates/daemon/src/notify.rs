//! `notify`: where the operator is told what waits and what is wrong, and whether a test comes there.

use std::path::Path;
use std::process::ExitCode;

use drawbridge_admin::view::{NotifyTarget, NotifyTargets, NotifyTests};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::ask::{carry_out_at_running, not_running};
use crate::print::{answer, say, word};

/// Lists the targets of the node that runs in `folder`; with `is_test`, sends a test to each and says what became of it. As one
/// JSON object where `as_json`. The status is 1 where a test has not come.
pub(crate) async fn notify(folder: &Path, is_test: bool, as_json: bool) -> ExitCode {
    let told = if is_test { test(folder, as_json).await } else { list(folder, as_json).await };
    told.unwrap_or_else(|code| code)
}

async fn list(folder: &Path, as_json: bool) -> Result<ExitCode, ExitCode> {
    let (reply, NotifyTargets { targets }) = send(folder, "notify-targets").await?;
    if as_json {
        answer(reply)?;
    } else if targets.is_empty() {
        answer("Nobody is told elsewhere than on the screens; [notify] in the configuration changes that.")?;
    } else {
        targets.iter().try_for_each(|target| line(target).into_iter().try_for_each(answer))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn test(folder: &Path, as_json: bool) -> Result<ExitCode, ExitCode> {
    let (reply, NotifyTests { results }) = send(folder, "test-notify").await?;
    if as_json {
        answer(reply)?;
    } else if results.is_empty() {
        answer("There is nobody to send a test to; [notify] in the configuration names whom.")?;
    } else {
        results.iter().try_for_each(|result| match &result.fault {
            None => answer(format_args!("came      {}", result.name)),
            Some(fault) => answer(format_args!("not sent  {}: {fault}", result.name)),
        })?;
    }
    let is_all = results.iter().all(|result| result.fault.is_none());
    Ok(if is_all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn send<T: DeserializeOwned>(folder: &Path, command: &str) -> Result<(Value, T), ExitCode> {
    match carry_out_at_running(folder, command, &json!({})).await {
        Some(Ok(reply)) => {
            let read = serde_json::from_value(reply.clone()).map_err(|fault| say(&fault.to_string(), 1))?;
            Ok((reply, read))
        }
        Some(Err(refusal)) => Err(say(&refusal, 1)),
        None => Err(not_running(folder)),
    }
}

fn line(target: &NotifyTarget) -> Vec<String> {
    let names = if target.names { "" } else { ", without names" };
    let waiting = match target.waiting {
        0 => String::new(),
        waiting => format!(", {waiting} yet to be told"),
    };
    let reached = match target.reached {
        Some(reached) => format!("last reached {reached}"),
        None => "never reached".to_owned(),
    };
    let first =
        format!("{:<8}{} at {}: {reached}{names}{waiting}", word(&target.kind), target.name, target.place);
    let failing = target.failing.as_ref().map(|failing| {
        let tries = if failing.tries == 1 { "try" } else { "tries" };
        format!(
            "{:8}fails since {} ({} {tries}): {}",
            "",
            failing.since.in_words(),
            failing.tries,
            failing.text
        )
    });
    [Some(first), failing].into_iter().flatten().collect()
}
