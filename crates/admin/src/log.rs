//! The log of the process, on standard error: which lines, chosen by `RUST_LOG`, by the configuration or while it runs, and in
//! which form.

use std::io::{self, IsTerminal, StderrLock, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use drawbridge_node::config::LogFormat;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::error::AdminError;
use crate::host::Host;
use crate::request::LogFilter;

/// The variable that goes before the configuration.
const VARIABLE: &str = "RUST_LOG";
/// Octets that every system takes at once where it takes any.
const AT_ONCE: usize = 512;
/// Octets of a filter: the library takes seconds to read one of thousands.
const LONGEST_FILTER: usize = 1000;
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// A filter for the log cannot be read. The text is one sentence that names the part.
#[derive(Debug, thiserror::Error)]
#[error(
    "{source_name} = {text:?} cannot be used: {part:?} is neither a level (off, error, warn, info, debug, trace) nor \
     module=level, such as drawbridge_node=debug"
)]
pub struct LogFault {
    /// What holds the filter: `RUST_LOG`, the configuration's `log`, or the `filter` of a command.
    source_name: &'static str,
    text: String,
    part: String,
}

/// The running log; cheap to clone.
#[derive(Clone)]
pub struct Log {
    filter: reload::Handle<EnvFilter, Registry>,
}

/// A process has one log, whatever runs in it.
static RUNNING: OnceLock<Log> = OnceLock::new();
/// Whether the last line was written in part.
static IS_CUT: AtomicBool = AtomicBool::new(false);

impl Log {
    /// Begins to write to standard error what `RUST_LOG` asks for, or else `configured`, or else warnings, as lines of `format`.
    ///
    /// Colours are written to a terminal only, and never with JSON. A line that cannot be written is left out: a full disk, a
    /// closed pipe or a reader that has stopped reading stops no provider.
    pub fn start(configured: Option<&str>, format: LogFormat) -> Result<Self, LogFault> {
        let (filter, handle) = reload::Layer::new(wanted(configured)?);
        let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let lines = fmt::layer().with_writer(|| Lines).log_internal_errors(false);
        let lines = match format {
            LogFormat::Text => lines.with_ansi(colours).boxed(),
            LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
        };
        let log = Self { filter: handle };
        // Where a log is already there, as in tests, that one goes on.
        if tracing_subscriber::registry().with(filter).with(lines).try_init().is_ok() {
            let _ = RUNNING.set(log.clone());
        }
        Ok(log)
    }

    /// From now on writes what `RUST_LOG` asks for, or else `configured`, or else warnings.
    pub fn choose(&self, configured: Option<&str>) -> Result<(), LogFault> {
        self.take(wanted(configured)?);
        Ok(())
    }

    /// From now on writes what `filter` says, whatever `RUST_LOG` and the configuration say.
    fn set(&self, filter: &str) -> Result<(), LogFault> {
        self.take(parse("filter", filter)?);
        Ok(())
    }

    fn take(&self, filter: EnvFilter) {
        // It fails only where the log is gone, and then nobody reads it.
        let _ = self.filter.reload(filter);
    }
}

/// Standard error, to which nothing is written that would have to wait: whoever reads it may have stopped reading, as a terminal
/// does that is held, and whoever logs has other things to do.
struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut to = io::stderr().lock();
        let end: &[u8] = if IS_CUT.swap(false, Ordering::Relaxed) { b"\n" } else { b"" };
        for part in [end].into_iter().chain(line.chunks(AT_ONCE)).filter(|part| !part.is_empty()) {
            if !takes_more(&to) {
                IS_CUT.store(true, Ordering::Relaxed);
                break;
            }
            to.write_all(part)?;
        }
        // What is left out is not tried again.
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether what is written now is taken at once. Where that cannot be asked, the writing itself shows.
#[cfg(unix)]
fn takes_more(to: &StderrLock<'_>) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(to, PollFlags::OUT)], Some(&at_once)).map_or(true, |ready| ready > 0)
}

#[cfg(not(unix))]
fn takes_more(_: &StderrLock<'_>) -> bool {
    true
}

/// `set-log`: from now on the log has other lines, until the next start or `SIGHUP`.
pub(crate) async fn set_log(_: &Host, ask: LogFilter) -> Result<LogFilter, AdminError> {
    let log = RUNNING.get().ok_or_else(|| AdminError::new("no-log", "this program writes no log"))?;
    log.set(&ask.filter).map_err(|fault| AdminError::new("log-filter", fault.to_string()))?;
    let filter =
        log.filter.with_current(ToString::to_string).map_err(|fault| AdminError::internal(&fault))?;
    tracing::info!(filter, "the log has other lines from now on");
    Ok(LogFilter { filter })
}

fn wanted(configured: Option<&str>) -> Result<EnvFilter, LogFault> {
    match std::env::var(VARIABLE).ok().filter(|text| !text.trim().is_empty()) {
        Some(text) => parse(VARIABLE, &text),
        None => parse("log", configured.unwrap_or("warn")),
    }
}

/// Reads a filter strictly. The library takes any single word for the name of a module, so a misspelt level would show
/// everything of a module that does not exist, and nothing else.
fn parse(source_name: &'static str, text: &str) -> Result<EnvFilter, LogFault> {
    let shown = |text: &str| text.chars().take(LONGEST_FILTER).collect();
    let fault = |part: &str| LogFault { source_name, text: shown(text), part: shown(part) };
    if text.len() > LONGEST_FILTER {
        return Err(fault(text));
    }
    let parts: Vec<_> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    for &part in &parts {
        let (target, level) =
            part.rsplit_once('=').map_or((None, part), |(target, level)| (Some(target), level));
        let is_level = LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level));
        if !is_level || !target.is_none_or(can_be_module) {
            return Err(fault(part));
        }
    }
    EnvFilter::try_new(parts.join(",")).map_err(|_| fault(text))
}

/// Whether `target` is written as a module is, with what the library has behind that for spans in brackets. A crate's name has
/// hyphens and its module has none, so no line would ever be of it.
fn can_be_module(target: &str) -> bool {
    let module = target.split_once('[').map_or(target, |(module, _)| module);
    let is_word = |word: &str| {
        !word.is_empty() && word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    (module.is_empty() && module.len() < target.len()) || module.split("::").all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_as_it_is_meant_or_refused_with_the_part_that_is_wrong() {
        for right in [
            "warn",
            "OFF",
            "info,drawbridge_node=debug",
            "warn, hyper::proto=trace",
            "drawbridge_node[request]=trace",
            "[request]=trace",
            "",
        ] {
            assert!(parse("log", right).is_ok(), "{right:?}");
        }
        let long = format!("[x{{y=\"{}\"}}]=trace", "a".repeat(LONGEST_FILTER));
        assert!(parse("filter", &long).is_err());
        for (wrong, part) in [
            ("loud", "loud"),
            ("warn,drawbridge_node", "drawbridge_node"),
            ("drawbridge_node=loud", "drawbridge_node=loud"),
            ("drawbridge-node=debug", "drawbridge-node=debug"),
            ("warn,=debug", "=debug"),
            ("hyper:proto=debug", "hyper:proto=debug"),
            ("info,hyper=", "hyper="),
            ("3", "3"),
        ] {
            let said = parse("RUST_LOG", wrong).expect_err(wrong).to_string();
            assert!(said.starts_with("RUST_LOG = ") && said.contains(&format!("{part:?}")), "{said}");
            assert!(!said.contains('\n'));
        }
    }
}
