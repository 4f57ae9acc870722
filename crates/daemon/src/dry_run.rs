//! `dry-run`: what would happen if somebody asked something of the running node.

use std::path::Path;
use std::process::ExitCode;

use drawbridge_admin::view::{DryRun, Foresight};
use serde_json::json;

use crate::ask::carry_out;
use crate::print::{answer, word};

/// Prints what the node that runs in `folder` would do if `who` asked; as one JSON object where `as_json`.
pub(crate) async fn dry_run(folder: &Path, who: &str, as_json: bool) -> ExitCode {
    let told =
        carry_out(folder, "dry-run", json!({ "who": who }), as_json, |run: DryRun| print(who, &run)).await;
    told.map_or_else(|code| code, |()| ExitCode::SUCCESS)
}

fn print(typed: &str, run: &DryRun) -> Result<(), ExitCode> {
    let who = match &run.person {
        Some(person) => person.to_string(),
        None => format!("{}, or somebody there of whom no rule speaks,", run.provider),
    };
    // A person's name alone is a provider's name as well.
    let taken = if run.person.is_some() { "the person" } else { "the provider" };
    let meant = run.person.as_ref().map_or_else(|| run.provider.to_string(), ToString::to_string);
    answer(format_args!("{typed:?} is taken for {taken} {meant}."))?;
    answer(format_args!("If {who} asked now:"))?;
    run.foresights.iter().try_for_each(|Foresight { asked, of, outcome, why, told }| {
        let of = of.as_ref().map(|of| format!(" of {of}")).unwrap_or_default();
        answer(format_args!("{:<8} {}{of}: {why}", word(outcome), word(asked)))?;
        answer(format_args!("{:<8} they are told: {told}", ""))
    })?;
    answer(&run.presumed)
}
