//! Durable appends to a peer's feed, each a write of its own that is answered when it is on disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use drawbridge_mtp::id::{Id, Provider, UserUri};
use drawbridge_node::Node;
use drawbridge_node::store::{Reader, StoreFault};

use crate::baseline::Rows;
use crate::outcome::Outcome;
use crate::setup::{Setup, connection};
use crate::table::{Row, Target};

const TURNS: u32 = 6;
const TURN: Duration = Duration::from_millis(800);

/// With one submitter and with sixty-four.
pub(crate) async fn measure(setup: &Setup) -> Outcome<Vec<Row>> {
    eprintln!("appends");
    let node = Node::start(setup.config("appends")?).await?;
    let mut rows = Rows::open(&setup.folder("plain-appends")?)?;
    let mut rates = [0.0; 4];
    // By turns, so that all meet the same disk and the same neighbours.
    for _ in 0..TURNS {
        let alone = |rows: &mut Rows, count| tokio::task::block_in_place(|| rows.rate(count, TURN));
        let turn =
            [rate(&node, 1).await?, alone(&mut rows, 1)?, rate(&node, 64).await?, alone(&mut rows, 64)?];
        for (mean, rate) in rates.iter_mut().zip(turn) {
            *mean += rate / f64::from(TURNS);
        }
    }
    node.stop().await;
    let [one, single, many, batched] = rates;
    Ok(vec![
        Row {
            what: "durable appends, 1 submitter".into(),
            target: None,
            figure: one,
            unit: "/s",
            limit: (single, "SQLite, FULL, WAL: 1 insert a transaction"),
        },
        Row {
            what: "durable appends, 64 submitters".into(),
            target: Some(Target::AtLeast(10_000.0)),
            figure: many,
            unit: "/s",
            limit: (batched, "SQLite, FULL, WAL: 64 inserts a transaction"),
        },
    ])
}

async fn rate(node: &Node, submitters: usize) -> Outcome<f64> {
    let reader = Reader::Peer("beta.example".parse::<Provider>()?);
    let (alice, bob): (UserUri, UserUri) =
        ("mimi://alpha.example/u/alice".parse()?, "mimi://beta.example/u/bob".parse()?);
    let body = connection(Id::new(node.now(), [7; 10]), &alice, &bob, node.now());
    let (began, appended) = (Instant::now(), Arc::new(AtomicU32::new(0)));
    let tasks: Vec<_> = (0..submitters)
        .map(|_| {
            let (node, appended, reader, body) =
                (node.clone(), appended.clone(), reader.clone(), body.clone());
            tokio::spawn(async move {
                while began.elapsed() < TURN {
                    let (reader, body) = (reader.clone(), body.clone());
                    let append = node.store().write(move |tx| tx.append(&reader, &body));
                    let _seq: Result<u64, StoreFault> = append.await;
                    _seq?;
                    appended.fetch_add(1, Ordering::Relaxed);
                }
                Outcome::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(f64::from(appended.load(Ordering::Relaxed)) / began.elapsed().as_secs_f64())
}
