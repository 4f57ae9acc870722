//! `admin` and `link`: ask the running node, for scripts. `metrics-token`: what monitoring systems show it.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use drawbridge_admin::commands::{NAMES, request_form};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::access::{ScriptAccess, read_metrics_token};
use crate::print::{answer, note, say};

/// A running node has answered by then.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// The status for a command that the node does not have.
const UNKNOWN_COMMAND: u8 = 64;

/// Prints a fresh link to the pages of the node in `folder`.
pub(crate) async fn link(folder: &Path) -> ExitCode {
    let Ok(key) = ScriptAccess::read(folder) else { return not_running(folder) };
    match send(&key, "link", &Value::Object(Default::default())).await {
        Ok((200, reply)) => {
            if let Err(code) = answer(reply["link"].as_str().unwrap_or_default()) {
                return code;
            }
            // Beside the answer, so that a script has the link alone.
            if let Some(fingerprint) = reply["certificate"].as_str() {
                note(&format!("the certificate there has the SHA-256 fingerprint {fingerprint}"));
            }
            ExitCode::SUCCESS
        }
        Ok((_, refusal)) => say(refusal["detail"].as_str().unwrap_or("the node refused"), 1),
        Err(fault) => say(&format!("the node does not answer at {}: {fault}", key.url), 1),
    }
}

/// Prints the token by which the metrics of the node in `folder` are read.
pub(crate) fn metrics_token(folder: &Path) -> ExitCode {
    match read_metrics_token(folder) {
        Ok(token) => answer(token).map_or_else(|code| code, |()| ExitCode::SUCCESS),
        Err(_) if ScriptAccess::read(folder).is_err() => not_running(folder),
        Err(fault) => say(&format!("the token in {} cannot be read: {fault}", folder.display()), 1),
    }
}

/// Says that no node runs in `folder`, and how one is started.
pub(crate) fn not_running(folder: &Path) -> ExitCode {
    // A node that was started with run keeps its configuration, and how it is reached, in the folder around its data.
    let around = folder.parent().map(|home| if home.as_os_str().is_empty() { Path::new(".") } else { home });
    let home = around.filter(|home| ScriptAccess::read(home).is_ok());
    let text = match home {
        Some(home) => format!("one that was started with run is in {0}: use --home {0}", home.display()),
        None => "start it with serve and an [admin] section, or with run; where one runs with serve, name its configuration by --config, and \
                 where a demo runs, its folder by --home"
            .to_owned(),
    };
    say(&format!("no node with pages is running in {}; {text}", folder.display()), 1)
}

/// The commands that there are, for people.
pub(crate) fn commands() -> String {
    format!("The commands: {}", NAMES.join(", "))
}

/// Sends `command` with `request` to the node in `folder`, and prints its answer.
pub(crate) async fn ask(folder: &Path, command: &str, request: Option<&str>) -> ExitCode {
    if !NAMES.contains(&command) {
        let text = format!("there is no command {command:?} in this version. {}", commands());
        return say(&text, UNKNOWN_COMMAND);
    }
    let request: Value = match serde_json::from_str(request.unwrap_or("{}")) {
        Ok(request) => request,
        Err(fault) => return say(&format!("the request is not JSON: {fault}"), 2),
    };
    let Ok(key) = ScriptAccess::read(folder) else { return not_running(folder) };
    match send(&key, command, &request).await {
        Ok((200, reply)) => answer(reply).map_or_else(|code| code, |()| ExitCode::SUCCESS),
        Ok((_, refusal)) if refusal["code"] == "unknown-command" => {
            say(&refusal.to_string(), UNKNOWN_COMMAND)
        }
        Ok((_, refusal)) => {
            let _ = answer(&refusal);
            let detail = refusal["detail"].as_str().unwrap_or("the node refused");
            match request_form(command).filter(|_| refusal["code"] == "malformed") {
                Some(form) => say(&format!("{detail}. The request of {command} is {form}"), 1),
                None => say(detail, 1),
            }
        }
        Err(fault) => say(&format!("the node does not answer at {}: {fault}", key.url), 1),
    }
}

/// Sends `command` to a running node; `None` where none is running in `folder`.
pub(crate) async fn send_to_running(
    folder: &Path,
    command: &str,
    request: &Value,
) -> Option<Result<Value, String>> {
    let key = ScriptAccess::read(folder).ok()?;
    // The file of a node that was killed is still there.
    // Another program may have its port by now, and be silent or want another token.
    let (status, reply) = tokio::time::timeout(ANSWER_TIME, send(&key, command, request)).await.ok()?.ok()?;
    Some(match status {
        200 => Ok(reply),
        401 => return None,
        _ => Err(reply["detail"].as_str().unwrap_or("the node refused").to_owned()),
    })
}

/// Sends `command` to a running node and waits until it is carried out, however long that takes; `None` where none is running in
/// `folder`.
pub(crate) async fn carry_out_at_running(
    folder: &Path,
    command: &str,
    request: &Value,
) -> Option<Result<Value, String>> {
    // One that does not answer this is not there.
    if let Err(refusal) = send_to_running(folder, "status", &Value::Object(Default::default())).await? {
        return Some(Err(refusal));
    }
    let key = ScriptAccess::read(folder).ok()?;
    Some(match send(&key, command, request).await {
        Ok((200, reply)) => Ok(reply),
        Ok((_, refusal)) => Err(refusal["detail"].as_str().unwrap_or("the node refused").to_owned()),
        Err(fault) => Err(format!("the node has ended before it was done: {fault}")),
    })
}

/// Has the node that runs in `folder` carry out `command`, however long that takes, and prints its reply: as one JSON object where
/// `as_json`, otherwise by `print`.
pub(crate) async fn carry_out<T: DeserializeOwned>(
    folder: &Path,
    command: &str,
    request: Value,
    as_json: bool,
    print: impl FnOnce(T) -> Result<(), ExitCode>,
) -> Result<(), ExitCode> {
    match carry_out_at_running(folder, command, &request).await {
        Some(Ok(reply)) if as_json => answer(reply),
        Some(Ok(reply)) => print(serde_json::from_value(reply).map_err(|fault| say(&fault.to_string(), 1))?),
        Some(Err(refusal)) => Err(say(&refusal, 1)),
        None => Err(not_running(folder)),
    }
}

async fn send(key: &ScriptAccess, command: &str, request: &Value) -> Result<(u16, Value), String> {
    let client = client()?;
    let sent =
        client.post(format!("{}/admin/v1/{command}", key.url)).bearer_auth(&key.token).json(request).send();
    let response = sent.await.map_err(|fault| fault.to_string())?;
    let status = response.status().as_u16();
    Ok((status, response.json().await.map_err(|fault| fault.to_string())?))
}

/// Speaks without TLS, to this machine alone.
fn client() -> Result<reqwest::Client, String> {
    // Another part of the process may have chosen the same one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    builder.build().map_err(|fault| fault.to_string())
}
