//! `trace`: where one event is on its way, and why it has not arrived.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use drawbridge_admin::view::{
    CheckSide, Outbox, Trace, TraceCode, TraceElsewhere, TraceState, TraceStep, WaitingEvent,
};
use drawbridge_mtp::id::Id;
use drawbridge_node::typed;
use serde_json::json;

use crate::ask::{carry_out, not_running, send_to_running};
use crate::check::{INDENT, who};
use crate::print::{answer, say, word};

/// What is said of a provider that does not tell.
const NOT_TOLD: &str =
    "nothing: it knows of no such event, or its operator has to set [peers] tell_traces = true";

/// Prints the steps of the event `seq` of the group `what`, or of the submission `what`, and where it stands, with what others tell of
/// it where `asks`; as one JSON object where `as_json`. The status is 1 where it has not arrived.
pub(crate) async fn trace(
    folder: &Path,
    what: &str,
    seq: Option<u64>,
    asks: bool,
    as_json: bool,
) -> ExitCode {
    let request = match (seq, what.parse::<Id>()) {
        (None, Ok(id)) => json!({"submission": id}),
        (Some(seq), _) => match typed::group(what) {
            Ok(group) => json!({"group": group, "seq": seq}),
            Err(fault) => return say(&fault.to_string(), 2),
        },
        (None, Err(_)) => {
            return say("name a group and the number of an event, or the id of a submission", 2);
        }
    };
    let mut told = match send_to_running(folder, "trace", &request).await {
        Some(Ok(told)) => told,
        Some(Err(refusal)) => return say(&refusal, 1),
        None => return not_running(folder),
    };
    let trace = match serde_json::from_value::<Trace>(told.clone()) {
        Ok(trace) => trace,
        Err(fault) => return say(&fault.to_string(), 1),
    };
    let mut elsewhere = None;
    if asks && let (Some(group), Some(seq)) = (&trace.group, trace.seq) {
        match send_to_running(folder, "trace-elsewhere", &json!({"group": group, "seq": seq})).await {
            Some(Ok(heard)) => {
                told["elsewhere"] = heard["told"].clone();
                elsewhere = serde_json::from_value::<TraceElsewhere>(heard).ok();
            }
            Some(Err(refusal)) => return say(&refusal, 1),
            None => {}
        }
    }
    let printed = if as_json { answer(told) } else { print(&trace, elsewhere.as_ref()) };
    match printed {
        Err(code) => code,
        Ok(()) if trace.code == TraceCode::Arrived => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
    }
}

/// Prints what stands in the outbox of the node that runs in `folder`, by which each can be traced; as one JSON object where
/// `as_json`.
pub(crate) async fn outbox(folder: &Path, as_json: bool) -> ExitCode {
    let told = carry_out(folder, "outbox", json!({}), as_json, |outbox: Outbox| print_outbox(&outbox)).await;
    told.map_or_else(|code| code, |()| ExitCode::SUCCESS)
}

fn print_outbox(Outbox { waiting }: &Outbox) -> Result<(), ExitCode> {
    if waiting.is_empty() {
        return answer(
            "Nothing stands in the outbox: the owners of the groups have answered all that was submitted here.",
        );
    }
    waiting.iter().try_for_each(|WaitingEvent { submission, group, client, since }| {
        let since = since.in_words();
        answer(format_args!("{submission} for {group}, by {client}, since {since}"))
    })
}

fn print(trace: &Trace, elsewhere: Option<&TraceElsewhere>) -> Result<(), ExitCode> {
    print_steps(&trace.steps, "elsewhere")?;
    for told in elsewhere.into_iter().flat_map(|elsewhere| &elsewhere.told) {
        answer(format_args!("\n{} tells:", told.provider))?;
        match (told.code.as_deref(), &told.text) {
            (Some("not-found"), _) => answer(format_args!("{:INDENT$}{NOT_TOLD}", ""))?,
            (_, Some(text)) => answer(format_args!("{:INDENT$}nothing: {text}", ""))?,
            _ => print_steps(&told.steps, "its clients")?,
        }
    }
    let since = trace.since.map(|since| format!(" Since {}.", since.in_words())).unwrap_or_default();
    answer(format_args!("\n{}{since}", trace.text))?;
    match trace.side {
        Some(CheckSide::Nobody) => answer("Nobody has to act: wait."),
        Some(side) => answer(format_args!("Who has to act: {}", who(Some(side)))),
        None => Ok(()),
    }
}

/// Prints steps, each under the reader that it is about; `own` is what those without one are called behind others.
fn print_steps(steps: &[TraceStep], own: &str) -> Result<(), ExitCode> {
    let mut reader = None;
    for step in steps {
        if step.reader != reader {
            reader.clone_from(&step.reader);
            answer(reader.as_deref().unwrap_or(own))?;
        }
        print_step(step)?;
    }
    Ok(())
}

fn print_step(step: &TraceStep) -> Result<(), ExitCode> {
    let state = match step.state {
        TraceState::Done => "done",
        TraceState::Here => "HERE",
        TraceState::Ahead => "not yet",
        TraceState::Failed => "FAILED",
        TraceState::Unknown => "unknown",
    };
    let at = step.at.map(|at| format!(" {}", at.in_words())).unwrap_or_default();
    let clock = match &step.clock {
        Some(clock) if clock.ahead_ms != 0 => {
            let apart = Duration::from_millis(clock.ahead_ms.unsigned_abs()).as_secs_f64();
            let way = if clock.ahead_ms > 0 { "ahead" } else { "behind" };
            format!(" (by the clock of {}, which is {apart:.1} s {way}; put right here)", clock.of)
        }
        Some(clock) => format!(" (by the clock of {})", clock.of),
        None => String::new(),
    };
    answer(format_args!("{state:<INDENT$}{}{at}: {}{clock}", word(&step.name), step.text))
}
