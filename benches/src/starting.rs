//! `drawbridged serve`, from its start to its first answer, and its size when nothing happens.

use std::time::{Duration, Instant};

use crate::baseline;
use crate::outcome::Outcome;
use crate::setup::{self, Process, Setup, until_answered};
use crate::table::{Row, Target, quantile};

const STARTS: usize = 11;
const QUIET: Duration = Duration::from_secs(3);

/// The median of some starts in a folder that is there, the first start in none, and the memory of the last.
pub(crate) async fn measure(setup: &Setup) -> Outcome<Vec<Row>> {
    eprintln!("starting");
    let program = setup::daemon()?;
    let config = setup.config("starting")?;
    let file = setup.write(&config)?;
    let arguments = ["serve", "--config", &file.to_string_lossy()];
    let url = format!("https://{}/.well-known/mtp", config.provider);
    let (mut took, mut alone) = (Vec::new(), Vec::new());
    let (mut idle, mut idle_alone) = (f64::NAN, f64::NAN);
    for round in 0..STARTS {
        let client = setup.client()?;
        let began = Instant::now();
        let node = Process::start(&program, &arguments)?;
        took.push(until_answered(&client, &url, began).await?);
        if round + 1 == STARTS {
            tokio::time::sleep(QUIET).await;
            idle = node.resident()?;
        }
        drop(node);
        let client = setup.client()?;
        let began = Instant::now();
        let (server, address) = baseline::server_process(setup, "starting-plain")?;
        alone.push(until_answered(&client, &format!("https://{address}/poll/0"), began).await?);
        if round + 1 == STARTS {
            tokio::time::sleep(QUIET).await;
            idle_alone = server.resident()?;
        }
    }
    let first = took.remove(0);
    let median_alone = quantile(&mut alone, 0.5);
    let row = |what: &str, most, figure, unit, limit| Row {
        what: what.into(),
        target: Some(Target::AtMost(most)),
        figure,
        unit,
        limit: (limit, "a process with axum and rustls only"),
    };
    Ok(vec![
        row("start to first answer, new folder", 150.0, first, "ms", median_alone),
        row("start to first answer, median", 150.0, quantile(&mut took, 0.5), "ms", median_alone),
        row("memory when idle", 20.0, idle, "MiB", idle_alone),
    ])
}
