//! `traffic`: what crossed the wire, for a terminal or as a file.

use std::path::Path;
use std::process::ExitCode;

use drawbridge_admin::request::{TrafficFile, TrafficFormat, TrafficList};
use drawbridge_admin::view::{Asker, Direction, Traffic};
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::seen::is_unseen;
use serde_json::{Value, json};

use crate::ask::{not_running, send_to_running};
use crate::print::{answer, say, word};

/// Which requests are printed, and how.
#[derive(clap::Args)]
pub(crate) struct Wanted {
    /// Only those with this peer
    #[arg(long, value_name = "PROVIDER", value_parser = drawbridge_node::typed::provider)]
    peer: Option<Provider>,
    /// Only those that failed on their way or were refused
    #[arg(long)]
    failures: bool,
    /// Only those that the Doctor has had sent
    #[arg(long)]
    doctor: bool,
    /// None that the Doctor has had sent
    #[arg(long, conflicts_with = "doctor")]
    no_doctor: bool,
    /// At most so many of the latest, up to 10,000
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Write the latest 10,000 as a HTTP Archive (HAR), which the network panels of browsers read
    #[arg(long, conflicts_with_all = ["json_lines", "limit"])]
    har: bool,
    /// Write the latest 10,000 as a JSON object on each line
    #[arg(long, conflicts_with = "limit")]
    json_lines: bool,
    /// Replace the names of providers, groups and people in the file by hashes that differ from file to file
    #[arg(long)]
    hide_names: bool,
}

/// Prints what is `wanted` of the traffic of the node that runs in `folder`.
pub(crate) async fn traffic(folder: &Path, wanted: Wanted) -> ExitCode {
    let format = match (wanted.har, wanted.json_lines) {
        (true, _) => Some(TrafficFormat::Har),
        (_, true) => Some(TrafficFormat::JsonLines),
        _ => None,
    };
    if wanted.hide_names && format.is_none() {
        return say("--hide-names is for a file: add --har or --json-lines", 2);
    }
    let mut filters = json!({ "failures": wanted.failures });
    if let Some(peer) = &wanted.peer {
        filters["peer"] = json!(peer);
    }
    if wanted.doctor || wanted.no_doctor {
        filters["asker"] = json!(if wanted.doctor { Asker::Doctor } else { Asker::Node });
    }
    let told = match format {
        Some(format) => export(folder, &filters, format, wanted.hide_names).await,
        None => list(folder, &filters, wanted.limit).await,
    };
    told.map_or_else(|code| code, |()| ExitCode::SUCCESS)
}

async fn export(
    folder: &Path,
    filters: &Value,
    format: TrafficFormat,
    hide_names: bool,
) -> Result<(), ExitCode> {
    let ask = json!({ "filters": filters, "format": format, "hide_names": hide_names });
    let file: TrafficFile = asked(folder, "export-traffic", &ask).await?;
    answer(file.text.trim_end())?;
    if file.more {
        say(&format!("there are older requests than the {} in this file", file.requests), 0);
    }
    Ok(())
}

async fn list(folder: &Path, filters: &Value, limit: u32) -> Result<(), ExitCode> {
    let list: TrafficList = asked(folder, "traffic", &json!({ "filters": filters, "limit": limit })).await?;
    list.records.iter().rev().try_for_each(|record| answer(line(record)))?;
    if let Some(fault) = list.kept.and_then(|kept| kept.fault) {
        say(&format!("older requests are not kept on disk: {fault}"), 0);
    }
    Ok(())
}

async fn asked<T: serde::de::DeserializeOwned>(
    folder: &Path,
    command: &str,
    ask: &Value,
) -> Result<T, ExitCode> {
    match send_to_running(folder, command, ask).await {
        Some(Ok(reply)) => serde_json::from_value(reply).map_err(|fault| say(&fault.to_string(), 1)),
        Some(Err(refusal)) => Err(say(&refusal, 1)),
        None => Err(not_running(folder)),
    }
}

/// A request on a line.
fn line(record: &Traffic) -> String {
    let way = match record.direction {
        Direction::In => "<-",
        Direction::Out => "->",
    };
    let peer = record.peer.as_ref().map_or("unknown", |peer| peer.as_str());
    let outcome = match (record.waiting, record.status, &record.stage) {
        (true, _, _) => "waiting".to_owned(),
        (_, Some(status), _) => status.to_string(),
        (_, None, Some(stage)) => word(stage),
        (_, None, None) => "no answer".to_owned(),
    };
    let code = record.code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
    let took = record.duration_ms.map(|took| format!(" {took:.0} ms")).unwrap_or_default();
    let items = if record.item_count > 0 { format!(" {} items", record.item_count) } else { String::new() };
    let asker = match record.asker {
        Asker::Node => "",
        Asker::Doctor => " (the Doctor)",
    };
    let text = record.text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
    let (at, method, target) = (record.at, &record.method, &record.target);
    shown(&format!("{at} {way} {peer} {method} {target} {outcome}{code}{took}{items}{asker}{text}"))
}

/// A line without what would not be seen or would steer the terminal: strangers write into paths what they like.
fn shown(line: &str) -> String {
    let hides = |character: char| character.is_control() || is_unseen(character);
    line.chars().map(|character| if hides(character) { '\u{fffd}' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_writes_does_not_steer_the_terminal() {
        assert_eq!(shown("a\u{1b}[31m\u{202e}b\nc"), "a\u{fffd}[31m\u{fffd}b\u{fffd}c");
    }
}
