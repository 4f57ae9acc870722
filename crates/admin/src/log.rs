//! The log of the process, on standard error: which lines, chosen by `RUST_LOG` or by the configuration.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// The variable that goes before the configuration.
const VARIABLE: &str = "RUST_LOG";
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// A filter for the log cannot be read. The text is one sentence that names the part.
#[derive(Debug, thiserror::Error)]
#[error(
    "{source_name} = {text:?} cannot be used: {part:?} is neither a level (off, error, warn, info, debug, trace) nor \
     module=level, such as drawbridge_node=debug"
)]
pub struct LogFault {
    /// What holds the filter: `RUST_LOG`, or the configuration's `log`.
    source_name: &'static str,
    text: String,
    part: String,
}

/// The running log; cheap to clone.
#[derive(Clone)]
pub struct Log {
    filter: reload::Handle<EnvFilter, Registry>,
}

impl Log {
    /// Begins to write to standard error what `RUST_LOG` asks for, or else `default`.
    ///
    /// Colours are written to a terminal only. A line that cannot be written is left out: a full disk or a closed pipe
    /// stops no provider.
    pub fn start(default: &str) -> Result<Self, LogFault> {
        let (filter, handle) = reload::Layer::new(wanted(Some(default))?);
        let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(colours).log_internal_errors(false);
        // Where a log is already there, as in tests, that one goes on.
        let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
        Ok(Self { filter: handle })
    }

    /// From now on writes what `RUST_LOG` asks for, or else `configured`, or else warnings.
    pub fn choose(&self, configured: Option<&str>) -> Result<(), LogFault> {
        let filter = wanted(configured)?;
        // It fails only where the log is gone, and then nobody reads it.
        let _ = self.filter.reload(filter);
        Ok(())
    }
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
    let fault = |part: &str| LogFault { source_name, text: text.to_owned(), part: part.to_owned() };
    let parts: Vec<_> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    for &part in &parts {
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
        if !LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
            return Err(fault(part));
        }
    }
    EnvFilter::try_new(parts.join(",")).map_err(|_| fault(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_as_it_is_meant_or_refused_with_the_part_that_is_wrong() {
        for right in ["warn", "OFF", "info,drawbridge_node=debug", "warn, hyper::proto=trace", ""] {
            assert!(parse("log", right).is_ok(), "{right:?}");
        }
        for (wrong, part) in [
            ("loud", "loud"),
            ("warn,drawbridge_node", "drawbridge_node"),
            ("drawbridge_node=loud", "drawbridge_node=loud"),
            ("info,hyper=", "hyper="),
            ("3", "3"),
        ] {
            let said = parse("RUST_LOG", wrong).expect_err(wrong).to_string();
            assert!(said.starts_with("RUST_LOG = ") && said.contains(&format!("{part:?}")), "{said}");
            assert!(!said.contains('\n'));
        }
    }
}
