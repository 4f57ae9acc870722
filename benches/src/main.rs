//! What a node does, measured, beside what this machine does at most: `make bench`.
//!
//! Every figure stands in one table with its target and with the same work done by SQLite, axum and rustls alone,
//! in the same run; so a slow disk or a busy machine shows as such. It reads `/proc`, so it runs on Linux only.

mod appends;
mod backup;
mod baseline;
mod catching_up;
mod commits;
mod connection;
mod delivery;
mod fan_out;
mod messages;
mod outcome;
mod setup;
mod starting;
mod table;
mod traffic;
mod typing;
mod waiting;

use std::error::Error;
use std::pin::Pin;
use std::process::ExitCode;

use outcome::Outcome;
use setup::Setup;
use table::Row;

/// A measurement by its name.
type Named = (&'static str, for<'a> fn(&'a Setup) -> Measuring<'a>);
type Measuring<'a> = Pin<Box<dyn Future<Output = Outcome<Vec<Row>>> + 'a>>;

const ALL: [Named; 11] = [
    ("appends", |setup| Box::pin(appends::measure(setup))),
    ("delivery", |setup| Box::pin(delivery::measure(setup))),
    ("catching-up", |setup| Box::pin(catching_up::measure(setup))),
    ("starting", |setup| Box::pin(starting::measure(setup))),
    ("waiting", |setup| Box::pin(waiting::measure(setup))),
    ("commits", |setup| Box::pin(commits::measure(setup))),
    ("messages", |setup| Box::pin(messages::measure(setup))),
    ("typing", |setup| Box::pin(typing::measure(setup))),
    ("traffic", |setup| Box::pin(traffic::measure(setup))),
    ("backup", |setup| Box::pin(backup::measure(setup))),
    ("fan-out", |setup| Box::pin(fan_out::measure(setup))),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => return ended(&fault),
    };
    let outcome = runtime.block_on(async {
        match arguments.next().as_deref() {
            // This program starts itself so: a server beside which a node's size and start are judged.
            Some(baseline::SERVER) => baseline::serve_alone(&arguments.collect::<Vec<_>>()).await,
            only => measure(only).await,
        }
    });
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => ended(&*fault),
    }
}

fn ended(fault: &dyn Error) -> ExitCode {
    eprintln!("the measurement ended early: {fault}");
    ExitCode::FAILURE
}

/// Measures everything, or what is called `only`, one after the other so that nothing disturbs anything.
async fn measure(only: Option<&str>) -> Outcome<()> {
    let setup = Setup::make()?;
    let mut rows: Vec<Row> = Vec::new();
    for (_, measure) in ALL.iter().filter(|(name, _)| only.is_none_or(|only| only == *name)) {
        rows.extend(measure(&setup).await?);
    }
    if rows.is_empty() {
        let names: Vec<_> = ALL.iter().map(|(name, _)| *name).collect();
        return Err(format!("name one of {}, or nothing for all", names.join(", ")).into());
    }
    table::print(&rows);
    Ok(())
}
