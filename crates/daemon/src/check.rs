//! `check`: looks at a provider with our own key, whether or not our node is running.

use std::path::Path;
use std::process::ExitCode;

use drawbridge_mtp::id::Provider;
use drawbridge_node::check_with;
use drawbridge_node::config::Config;

use crate::print::{answer, say};
use crate::remedies::remedy;

/// Prints each step, and what to do about the one that failed; the status is 1 then.
pub(crate) async fn check(path: &Path, provider: &Provider) -> ExitCode {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(fault) => return say(&fault.to_string(), 2),
    };
    let steps = match check_with(&config, provider).await {
        Ok(steps) => steps,
        Err(fault) => return say(&fault.to_string(), 2),
    };
    let mut well = true;
    for step in steps {
        let verdict = step.code.as_deref().unwrap_or("ok");
        let (stage, took) = (step.stage.to_string(), step.took.as_millis());
        let told = answer(format_args!("{stage:<10} {took:>6} ms  {verdict}: {}", step.text));
        let todo = step.code.as_deref().and_then(|code| remedy(code, &stage));
        if let Err(code) =
            told.and_then(|()| todo.map_or(Ok(()), |todo| answer(format_args!("{:22}{todo}", ""))))
        {
            return code;
        }
        well &= step.code.is_none();
    }
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
