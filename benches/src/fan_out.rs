//! One group with members at fifty providers, all of them real nodes in this process.

use std::time::{Duration, Instant};

use drawbridge_client::Home;
use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::message::{Outcome as Became, PeerState, Submission};
use drawbridge_node::Node;
use drawbridge_node::store::StoreFault;
use drawbridge_testkit::{Federation, MlsClient, MutualPeers, TestNode};
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::baseline::Rows;
use crate::outcome::Outcome;
use crate::setup::{AT_ONCE, Setup, millis};
use crate::table::{Row, quantile};

const PARTICIPANTS: usize = 50;
const ONE_BY_ONE: usize = 40;
const BATCHES: usize = 10;
const BATCH: usize = 20;

/// How long a message takes to all, and how many go out a second.
pub(crate) async fn measure(setup: &Setup) -> Outcome<Vec<Row>> {
    eprintln!("fan-out");
    let peers = peers().await;
    let alice = peers.client(0, "alice").await;
    let people: Vec<MlsClient> = join_all((1..=PARTICIPANTS).map(|at| peers.client(at, "bob"))).await;
    let group = peers.group("many", &alice, &people.iter().collect::<Vec<_>>()).await;
    let (owner, others) = peers.nodes.split_first().ok_or("an owner")?;
    let others: Vec<Node> = others.iter().map(TestNode::node).collect();

    let mut took = Vec::new();
    for _ in 0..ONE_BY_ONE {
        let message = alice.says(&group, &"x".repeat(1024));
        let seq = submit(&owner.node(), &alice, &group, vec![message]).await?;
        let accepted = Instant::now();
        timeout(AT_ONCE, until_all_have(&others, &group, seq)).await??;
        took.push(millis(accepted.elapsed()));
    }

    let batches: Vec<Vec<Submission>> =
        (0..BATCHES).map(|_| (0..BATCH).map(|_| alice.says(&group, &"x".repeat(1024))).collect()).collect();
    let (began, mut last) = (Instant::now(), 0);
    for batch in batches {
        last = submit(&owner.node(), &alice, &group, batch).await?;
    }
    timeout(AT_ONCE, until_all_have(&others, &group, last)).await??;
    let a_second = count(BATCHES * BATCH) / began.elapsed().as_secs_f64();
    join_all(peers.nodes.iter().map(TestNode::stop)).await;

    let (mut commit, batched) = alone(setup)?;
    Ok(vec![
        Row {
            what: "from accepted to stored at 50 providers, median".into(),
            target: None,
            figure: quantile(&mut took, 0.5),
            unit: "ms",
            limit: (quantile(&mut commit, 0.5), "50 SQLite commits, one after the other"),
        },
        Row {
            what: "messages in a group of 50 providers, 20 in each request".into(),
            target: None,
            figure: a_second,
            unit: "/s",
            limit: (batched, "SQLite, FULL, WAL: into 51 tables one after the other, 20 a transaction"),
        },
    ])
}

/// One provider, and fifty that know it and not each other.
async fn peers() -> MutualPeers {
    let federation = Federation::new();
    let mut nodes = Vec::new();
    for _ in 0..=PARTICIPANTS {
        nodes.push(federation.node(|_| {}).await);
    }
    for (owner, other) in
        nodes.first().into_iter().flat_map(|owner| nodes.iter().skip(1).map(move |other| (owner, other)))
    {
        owner.sets_peer(other.provider(), PeerState::Allowed).await;
        other.sets_peer(owner.provider(), PeerState::Allowed).await;
    }
    MutualPeers { federation, nodes }
}

/// Submits, and returns the number of the last when all are accepted.
async fn submit(
    owner: &Node,
    sender: &MlsClient,
    group: &GroupUri,
    messages: Vec<Submission>,
) -> Outcome<u64> {
    let results = owner.home_of(sender.uri().clone()).submit(group, messages).await;
    let mut last = 0;
    for result in results? {
        match result.outcome {
            Became::Accepted(placed) => last = placed.seq,
            other => return Err(format!("a message is not accepted but {other:?}").into()),
        }
    }
    Ok(last)
}

async fn until_all_have(nodes: &[Node], group: &GroupUri, seq: u64) -> Outcome<()> {
    for node in nodes {
        let mut changes = node.changes().listen();
        loop {
            let uri = group.clone();
            let row: Result<_, StoreFault> = node.store().read(move |view| view.group(&uri)).await;
            if row?.is_some_and(|row| row.head >= seq) {
                break;
            }
            let _ = changes.recv().await;
        }
    }
    Ok(())
}

/// What SQLite alone does of that: the time of a round of commits, and rows a second.
fn alone(setup: &Setup) -> Outcome<(Vec<f64>, f64)> {
    let mut tables: Vec<Rows> = (0..=PARTICIPANTS)
        .map(|number| Rows::open(&setup.folder(&format!("plain-fan-out-{number}"))?))
        .collect::<Outcome<_>>()?;
    let mut commits = Vec::new();
    for _ in 0..ONE_BY_ONE {
        let began = Instant::now();
        tables.iter_mut().skip(1).try_for_each(|table| table.insert(1))?;
        commits.push(millis(began.elapsed()));
    }
    let (began, mut rows) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(1) {
        tables.iter_mut().try_for_each(|table| table.insert(BATCH))?;
        rows += BATCH;
    }
    Ok((commits, count(rows) / began.elapsed().as_secs_f64()))
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
