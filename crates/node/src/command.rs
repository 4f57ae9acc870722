//! Runs a program of the operator's: without a shell, for a bounded time.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::readable::readable;

/// What this program has in its environment for itself alone, and the command does not get: a service manager's socket, and how
/// a window is drawn.
const FOR_OURSELVES: [&str; 4] =
    ["NOTIFY_SOCKET", "WATCHDOG_USEC", "__NV_DISABLE_EXPLICIT_SYNC", "WEBKIT_DISABLE_DMABUF_RENDERER"];

/// Runs `program` with `arguments`, and returns what it has printed, cut to what a person reads. It is killed where it has not come
/// to an end in `time`.
///
/// # Errors
///
/// How it has failed, as the end of a sentence, with what it has printed.
pub(crate) async fn run(program: &Path, arguments: &[&str], time: Duration) -> Result<String, String> {
    // A name alone would be looked for elsewhere than beside the configuration.
    let program = std::path::absolute(program).unwrap_or_else(|_| program.to_owned());
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    for name in FOR_OURSELVES {
        command.env_remove(name);
    }
    match tokio::time::timeout(time, command.output()).await {
        Ok(Ok(ended)) => {
            let said = [ended.stderr, ended.stdout].concat();
            let said = String::from_utf8_lossy(&said);
            let said = said.trim();
            if ended.status.success() {
                return Ok(readable(said));
            }
            let told = if said.is_empty() { "it has printed nothing".into() } else { readable(said) };
            Err(format!("{} ({told})", ended.status))
        }
        Ok(Err(fault)) => Err(format!("it cannot be run: {fault}")),
        Err(_) => Err(format!("it has not come to an end in {} s", time.as_secs())),
    }
}
