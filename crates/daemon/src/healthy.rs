//! `healthy`: whether the running node answers and keeps what it is given, for health checks.

use std::path::Path;
use std::process::ExitCode;

use drawbridge_admin::view::Status;
use serde_json::json;

use crate::ask::{not_running, send_to_running};
use crate::print::{answer, say};

/// Says whether the node in `folder` answers and keeps what it is given. The status is 1 where it does not, or none runs.
pub(crate) async fn healthy(folder: &Path) -> ExitCode {
    let read = match send_to_running(folder, "status", &json!({})).await {
        Some(Ok(read)) => read,
        Some(Err(refusal)) => return say(&refusal, 1),
        None => return not_running(folder),
    };
    let status: Status = match serde_json::from_value(read) {
        Ok(status) => status,
        Err(fault) => return say(&fault.to_string(), 1),
    };
    let told = match status.node {
        None => answer("It answers; no provider is set up in it yet."),
        Some(node) => match node.ourselves.store {
            None => answer(format_args!("{} answers, and keeps what it is given.", node.provider)),
            Some(trouble) => Err(say(
                &format!(
                    "{} cannot keep what it is given since {}: {} ({})",
                    node.provider,
                    trouble.since.in_words(),
                    trouble.text,
                    trouble.code
                ),
                1,
            )),
        },
    };
    told.map_or_else(|code| code, |()| ExitCode::SUCCESS)
}
