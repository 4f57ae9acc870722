//! What a node does, measured, beside what this machine does at most: `make bench`.
//!
//! Every figure stands in one table with its target and with the same work done by SQLite, axum and rustls alone,
//! in the same run; so a slow disk or a busy machine shows as such. It reads `/proc`, so it runs on Linux only.

mod appends;
mod catching_up;
mod delivery;
mod place;
mod plain;
mod starting;
mod table;
mod waiting;

use std::error::Error;
use std::process::ExitCode;

use place::Place;
use table::Row;

/// What a measurement gives; it ends at the first thing that goes wrong.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => return ended(&fault),
    };
    let outcome = runtime.block_on(async {
        match arguments.next().as_deref() {
            // This program starts itself so: a server beside which a node's size and start are judged.
            Some(plain::SERVER) => plain::serve_alone(&arguments.collect::<Vec<_>>()).await,
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
    let place = Place::make()?;
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    let mut rows: Vec<Row> = Vec::new();
    if wanted("appends") {
        rows.extend(appends::measure(&place).await?);
    }
    if wanted("delivery") {
        rows.extend(delivery::measure(&place).await?);
    }
    if wanted("catching-up") {
        rows.extend(catching_up::measure(&place).await?);
    }
    if wanted("starting") {
        rows.extend(starting::measure(&place).await?);
    }
    if wanted("waiting") {
        rows.extend(waiting::measure(&place).await?);
    }
    if rows.is_empty() {
        return Err(
            "name one of appends, delivery, catching-up, starting, waiting, or nothing for all".into()
        );
    }
    table::print(&rows);
    Ok(())
}
