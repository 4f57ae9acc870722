//! From before the append at one node to after the commit at the other, whose pull waits.

use std::time::{Duration, Instant};

use drawbridge_mtp::message::ItemBody;
use drawbridge_node::Node;
use drawbridge_node::store::{Reader, StoreFault};
use tokio::sync::broadcast::error::RecvError;

use crate::baseline::Relay;
use crate::outcome::Outcome;
use crate::setup::{AT_ONCE, Setup, millis};
use crate::table::{Row, Target, quantile};

const EVERY: Duration = Duration::from_millis(50);
const COUNT: u32 = 600;
/// Deliveries in which is done what is done only once.
const WARM_UP: u32 = 20;

/// Median and 99th percentile, at 20 a second.
pub(crate) async fn measure(setup: &Setup) -> Outcome<Vec<Row>> {
    eprintln!("delivery");
    let (alpha, beta, body) = setup.pair("delivery").await?;
    let mut relay = Relay::start(setup)?;
    let (mut took, mut alone) = (Vec::new(), Vec::new());
    // Each delivery has one without a node beside it, so that both meet the same disk and the same neighbours.
    let mut tick = tokio::time::interval(EVERY / 2);
    for round in 0..COUNT + WARM_UP {
        tick.tick().await;
        let time = tokio::time::timeout(AT_ONCE, deliver(&alpha, &beta, &body)).await??;
        tick.tick().await;
        let time_alone = tokio::time::timeout(AT_ONCE, relay.once()).await??;
        if round >= WARM_UP {
            took.push(millis(time));
            alone.push(millis(time_alone));
        }
    }
    alpha.stop().await;
    beta.stop().await;
    let (median, late) = (quantile(&mut alone, 0.5), quantile(&mut alone, 0.99));
    let of = "two SQLite commits and a long poll with axum and rustls";
    let row = |what: &str, most, figure, limit| Row {
        what: what.into(),
        target: Some(Target::AtMost(most)),
        figure,
        unit: "ms",
        limit: (limit, of),
    };
    Ok(vec![
        row("append to delivery at 20/s, median", 2.0, quantile(&mut took, 0.5), median),
        row("append to delivery at 20/s, 99th percentile", 6.0, quantile(&mut took, 0.99), late),
    ])
}

async fn deliver(alpha: &Node, beta: &Node, body: &ItemBody) -> Outcome<Duration> {
    let mut changes = beta.changes().listen();
    let (reader, body) = (Reader::Peer(beta.provider().clone()), body.clone());
    let began = Instant::now();
    let seq: Result<u64, StoreFault> = alpha.store().write(move |tx| tx.append(&reader, &body)).await;
    let seq = seq?;
    loop {
        match changes.recv().await {
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return Err("the node has ended".into()),
        }
        let peer = alpha.provider().clone();
        let cursor: Result<_, StoreFault> = beta.store().glance(|view| view.cursor(&peer));
        if cursor?.is_some_and(|cursor| cursor.seq >= seq) {
            return Ok(began.elapsed());
        }
    }
}
