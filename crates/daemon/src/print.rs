//! What is written for people and scripts. Nothing here panics: who reads may have gone, and a disk may be full.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// Writes a line to standard output at once.
pub(crate) fn line(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Writes a line that is the answer of the command. A reader that has seen enough, as in `… | head`, is no fault.
pub(crate) fn answer(text: impl Display) -> Result<(), ExitCode> {
    match line(text) {
        Ok(()) => Ok(()),
        Err(fault) if fault.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(fault) => Err(say(&format!("the answer cannot be written to standard output: {fault}"), 1)),
    }
}

/// Writes a question, behind which the answer is typed.
pub(crate) fn question(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    write!(out, "{text} ")?;
    out.flush()
}

/// Says on standard error why the program ends, in one line.
pub(crate) fn say(text: &str, code: u8) -> ExitCode {
    note(text);
    ExitCode::from(code)
}

/// Says something on standard error, beside an answer.
pub(crate) fn note(text: &str) {
    // There is no other place where it could be said.
    let _ = writeln!(io::stderr(), "drawbridged: {text}");
}

/// The word of an enum's variant, as it crosses to the pages.
pub(crate) fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
