//! `repairs`: what is wrong at the running node and can be acted upon, with what to do.

use std::path::Path;
use std::process::ExitCode;

use drawbridge_admin::view::{CheckSide, Repair, RepairSeverity, RepairSubject, Repairs, Suffers};
use serde_json::{Value, json};

use crate::ask::{not_running, send_to_running};
use crate::print::{answer, say, word};
use crate::remedies::{guide_part, remedy};

/// The status where no node could be asked, so that it is told from something being wrong.
const NOT_ASKED: u8 = 2;

/// Prints what is wrong, the worst first, and how much is ignored; as one JSON object with the history where `as_json`. The status
/// is 1 where something is wrong that is not ignored, and 2 where no node could be asked.
pub(crate) async fn repairs(folder: &Path, as_json: bool) -> ExitCode {
    let read = match send_to_running(folder, "repairs", &json!({})).await {
        Some(Ok(read)) => read,
        Some(Err(refusal)) => return say(&refusal, NOT_ASKED),
        None => {
            not_running(folder);
            return ExitCode::from(NOT_ASKED);
        }
    };
    let list: Repairs = match serde_json::from_value(read.clone()) {
        Ok(list) => list,
        Err(fault) => return say(&fault.to_string(), NOT_ASKED),
    };
    let told = if as_json { answer(with_remedies(read, &list)) } else { print(&list) };
    match told {
        Err(code) => code,
        Ok(()) if list.open.is_empty() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
    }
}

fn print(list: &Repairs) -> Result<(), ExitCode> {
    for repair in &list.open {
        let severity = match repair.severity {
            RepairSeverity::High => "HIGH",
            RepairSeverity::Medium => "medium",
            RepairSeverity::Low => "low",
        };
        answer(format_args!("{severity:<8}{} ({})", repair.text, repair.code))?;
        answer(format_args!("{:8}since {}{}", "", repair.since.in_words(), suffering(&repair.suffers)))?;
        if let Some(todo) = to_do(repair) {
            answer(format_args!("{:8}{}: {todo}", "", who(repair.side)))?;
        }
        if let Some(part) = guide_part(&repair.code, &stage(repair)) {
            answer(format_args!("{:8}more in the guide: {part}", ""))?;
        }
    }
    match (list.open.len(), list.begun.len(), list.looked) {
        (0, 0, None) => answer("It has not been looked yet since the node was started.")?,
        (0, 0, Some(_)) => answer("Nothing is wrong that this node can see.")?,
        (0, _, _) => answer("Nothing is wrong that has lasted.")?,
        _ => {}
    }
    for begun in &list.begun {
        answer(format_args!("{:<8}{} ({})", "begun", begun.text, begun.code))?;
        answer(format_args!(
            "{:8}since {}; {}",
            "",
            begun.since.in_words(),
            listed_after(begun.listed_after_s)
        ))?;
    }
    match list.ignored.len() {
        0 => Ok(()),
        1 => answer("1 more is ignored until it changes."),
        more => answer(format_args!("{more} more are ignored until they change.")),
    }
}

fn listed_after(seconds: u64) -> String {
    match seconds {
        0..60 => "listed when it goes on".into(),
        60..120 => "listed when it has lasted a minute".into(),
        _ => format!("listed when it has lasted {} minutes", seconds / 60),
    }
}

fn suffering(suffers: &Suffers) -> String {
    let parts = [
        (suffers.groups, "group", "groups"),
        (suffers.users, "user here", "users here"),
        (suffers.submissions, "message waits", "messages wait"),
    ];
    let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
    let words: Vec<_> =
        parts.map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many })).collect();
    if words.is_empty() { String::new() } else { format!("; what suffers: {}", words.join(", ")) }
}

fn who(side: CheckSide) -> &'static str {
    match side {
        CheckSide::Ours => "this side",
        CheckSide::Theirs => "the other side",
        CheckSide::Either => "one of the two sides",
        CheckSide::Nobody => "wait",
    }
}

fn to_do(repair: &Repair) -> Option<String> {
    remedy(&repair.code, &stage(repair), !matches!(repair.subject, RepairSubject::Peer { .. }))
}

/// The step at which it went wrong; nothing where it has none.
fn stage(repair: &Repair) -> String {
    repair.stage.as_ref().map(word).unwrap_or_default()
}

/// The answer with what to do about each that is open, and the part of the guide that tells more.
fn with_remedies(mut read: Value, list: &Repairs) -> Value {
    for (name, repairs) in [("open", &list.open), ("ignored", &list.ignored)] {
        if let Some(told) = read[name].as_array_mut() {
            for (told, repair) in told.iter_mut().zip(repairs) {
                told["remedy"] = to_do(repair).into();
                told["guide"] = guide_part(&repair.code, &stage(repair)).into();
            }
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_it_is_listed_is_said_in_words() {
        assert_eq!(listed_after(0), "listed when it goes on");
        assert_eq!(listed_after(120), "listed when it has lasted 2 minutes");
    }

    #[test]
    fn what_suffers_is_counted_in_words() {
        assert_eq!(suffering(&Suffers { groups: 0, users: 0, submissions: 0 }), "");
        assert_eq!(
            suffering(&Suffers { groups: 2, users: 1, submissions: 1 }),
            "; what suffers: 2 groups, 1 user here, 1 message waits"
        );
    }
}
