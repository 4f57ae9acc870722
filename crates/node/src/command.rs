//! Runs a program of the operator's: without a shell, for a bounded time.

use std::path::Path;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::join;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use crate::readable::readable;

/// What this program has in its environment for itself alone, and the command does not get: a service manager's socket, and how
/// a window is drawn.
const FOR_OURSELVES: [&str; 4] =
    ["NOTIFY_SOCKET", "WATCHDOG_USEC", "__NV_DISABLE_EXPLICIT_SYNC", "WEBKIT_DISABLE_DMABUF_RENDERER"];
/// Octets that are kept of what a program prints, of its errors and of its output: more than a person reads.
const KEPT: usize = 8 * 1024;
/// A program that has ended has printed all that it prints. Where something that it has started holds its output open, so long is waited
/// for what is on its way.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Runs `program` with `arguments`, and returns what it has printed, cut to what a person reads. It has come to an end when it has ended
/// itself, whatever it has left running. Where it has not in `time`, it is killed with all that it has started.
///
/// # Errors
///
/// How it has failed, as the end of a sentence, with what it has printed.
pub(crate) async fn run(program: &Path, arguments: &[&str], time: Duration) -> Result<String, String> {
    // A name alone would be looked for elsewhere than beside the configuration.
    let program = std::path::absolute(program).unwrap_or_else(|_| program.to_owned());
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    for name in FOR_OURSELVES {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(|fault| format!("it cannot be run: {fault}"))?;
    let mut group = Group::of(&child);
    let (mut errors, mut output) = (Vec::new(), Vec::new());
    let ended = {
        let mut reading =
            pin!(join(read(child.stderr.take(), &mut errors), read(child.stdout.take(), &mut output)));
        tokio::time::timeout(time, async {
            tokio::select! {
                ended = child.wait() => {
                    let _ = tokio::time::timeout(LAST_WORDS, reading).await;
                    ended
                }
                _ = &mut reading => child.wait().await,
            }
        })
        .await
    };
    let Ok(ended) = ended else {
        return Err(format!("it has not come to an end in {} s", time.as_secs()));
    };
    let status = ended.map_err(|fault| format!("it is not known how it has ended: {fault}"))?;
    group.ended();
    let said = [errors, output].concat();
    let said = String::from_utf8_lossy(&said);
    let said = said.trim();
    if status.success() {
        return Ok(readable(said));
    }
    let told = if said.is_empty() { "it has printed nothing".into() } else { readable(said) };
    Err(format!("{status} ({told})"))
}

/// Reads all that comes, so that nobody waits to be read, and keeps the beginning.
async fn read(from: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut from) = from else { return };
    let mut octets = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut octets).await {
        let room = KEPT.saturating_sub(kept.len());
        kept.extend_from_slice(&octets[..length.min(room)]);
    }
}

/// A program with all that it has started. Dropped before the program has ended, it kills them.
struct Group(Option<u32>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id())
    }

    /// The program has ended: its number may be another's from now on.
    fn ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) =
            self.0.take().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?))
            && let Err(fault) = rustix::process::kill_process_group(group, rustix::process::Signal::KILL)
        {
            tracing::debug!(%fault, "a command's processes could not be ended");
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    async fn shell(script: &str, time: Duration) -> Result<String, String> {
        run(Path::new("/bin/sh"), &["-c", script], time).await
    }

    /// Whether a process runs: one that nobody has taken note of the end of does not.
    fn runs(id: &str) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        state.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
    }

    #[tokio::test]
    async fn a_command_that_leaves_something_running_has_ended_with_itself() {
        // What it leaves has the command's output open.
        let id = shell("sleep 600 & echo $!", LONG).await.unwrap();
        assert!(runs(&id), "{id}");
        assert!(std::process::Command::new("kill").arg(&id).status().unwrap().success());
        let failed = shell("sleep 600 & echo $!; echo 'no such zone' >&2; exit 3", LONG).await.unwrap_err();
        assert!(failed.starts_with("exit status: 3 (no such zone"), "{failed}");
        let id = failed.trim_end_matches(')').rsplit(' ').next().unwrap();
        assert!(std::process::Command::new("kill").arg(id).status().unwrap().success());
    }

    #[tokio::test]
    async fn a_command_that_does_not_end_is_killed_with_all_that_it_has_started() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("id");
        let script = format!("sleep 600 & echo $! >'{}'; wait", file.display());
        let failed = shell(&script, Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(failed, "it has not come to an end in 1 s");
        let id = std::fs::read_to_string(&file).unwrap();
        while runs(id.trim()) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn of_what_a_command_prints_the_beginning_is_kept_and_all_is_read() {
        let mut kept = Vec::new();
        read(Some(&vec![b'x'; 1 << 20][..]), &mut kept).await;
        assert_eq!(kept.len(), KEPT);
        let said = shell("echo begun; head -c 5000000 /dev/zero | tr '\\0' x", LONG).await.unwrap();
        assert!(said.starts_with("begun x") && said.chars().count() < 500, "{said}");
    }
}
