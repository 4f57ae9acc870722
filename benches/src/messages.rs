//! Application messages between two providers, each a process of its own: sent over the client API, stored at the owner
//! and at the other provider, and pulled by those they are for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use drawbridge_mtp::id::GroupUri;
use drawbridge_mtp::message::{
    EventKind, FeedPage, FeedQuery, ItemBody, Outcome as Became, SubmissionResults, Submissions,
};
use drawbridge_mtp::wire::{self, Encoding};
use drawbridge_testkit::{MlsClient, MutualPeers};
use futures_util::future::try_join_all;
use tokio::sync::Barrier;
use tokio::time::timeout;

use crate::baseline::Rows;
use crate::connection::KeptConnection;
use crate::outcome::Outcome;
use crate::setup::{self, AT_ONCE, Process, Setup, cpu_of};
use crate::table::{Row, Target};

/// Groups of two, each with a sender.
const PAIRS: usize = 64;
const EACH: usize = 160;
const TEXT: usize = 1024;
const BATCH: usize = 16;
/// How long all of it may take.
const WAIT_LIMIT: Duration = Duration::from_secs(120);

/// A group of two: one at the owner, one at the other provider.
struct Pair {
    group: GroupUri,
    at_owner: MlsClient,
    away: MlsClient,
}

/// How fast, and at what cost.
struct Rate {
    /// Messages a second.
    a_second: f64,
    /// Seconds of CPU time for a thousand.
    cpu: f64,
}

/// Who sends, and how many messages in each request.
struct Way {
    name: &'static str,
    from_owner: bool,
    batch: usize,
}

const WAYS: [Way; 3] = [
    Way { name: "messages from the owner's users", from_owner: true, batch: 1 },
    Way { name: "the same, 16 in each request", from_owner: true, batch: BATCH },
    Way { name: "messages to another owner's groups", from_owner: false, batch: 1 },
];

/// Messages a second, and the CPU time of both providers for a thousand.
pub(crate) async fn measure(setup: &Setup) -> Outcome<Vec<Row>> {
    eprintln!("messages");
    let program = setup::daemon()?;
    let peers = MutualPeers::of(2).await;
    let pairs = pairs(&peers).await?;
    let mut files = Vec::new();
    let mut origins = Vec::new();
    for test_node in &peers.nodes {
        files.push(setup.write(test_node.config())?);
        let config = test_node.config();
        origins.push(format!("http://{}", config.client.as_ref().ok_or("no client API")?.listen));
        test_node.stop().await;
    }
    let mut rows = Vec::new();
    let nodes: Vec<Process> = files
        .iter()
        .map(|file| Process::start(&program, &["serve", "--config", &file.to_string_lossy()]))
        .collect::<Outcome<_>>()?;
    for origin in &origins {
        until_it_runs(setup, origin).await?;
    }
    let (rate_alone, cpu_alone) = alone(setup)?;
    for way in WAYS {
        let Rate { a_second, cpu } = run(&peers, &pairs, &nodes, &way).await?;
        let counted = if way.batch == 1 && way.from_owner { Some(Target::AtLeast(5_000.0)) } else { None };
        rows.push(Row {
            what: format!("{}, 1 KiB, 64 senders", way.name),
            target: counted,
            figure: a_second,
            unit: "/s",
            limit: (rate_alone, "SQLite, FULL, WAL: into two tables one after the other, 64 a transaction"),
        });
        rows.push(Row {
            what: format!("{}: CPU time of both for 1,000", way.name),
            target: counted.map(|_| Target::AtMost(0.4)),
            figure: cpu,
            unit: "s",
            limit: (cpu_alone, "SQLite, FULL, WAL: into two tables one after the other, 64 a transaction"),
        });
    }
    Ok(rows)
}

/// Brings sixty-four pairs of people into groups.
async fn pairs(peers: &MutualPeers) -> Outcome<Vec<Pair>> {
    let numbers: Vec<usize> = (0..PAIRS).collect();
    let mut pairs = Vec::new();
    for some in numbers.chunks(8) {
        let made = some.iter().map(|number| async move {
            let at_owner = peers.client(0, &format!("alice{number}")).await;
            let away = peers.client(1, &format!("bob{number}")).await;
            let group = peers.group(&format!("pair{number}"), &at_owner, &[&away]).await;
            Pair { group, at_owner, away }
        });
        pairs.extend(futures_util::future::join_all(made).await);
    }
    Ok(pairs)
}

async fn until_it_runs(setup: &Setup, origin: &str) -> Outcome<()> {
    let (client, since) = (setup.client()?, Instant::now());
    while client.get(origin).send().await.is_err() {
        if since.elapsed() > AT_ONCE {
            return Err(format!("nobody answers at {origin}").into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

async fn run(peers: &MutualPeers, pairs: &[Pair], nodes: &[Process], way: &Way) -> Outcome<Rate> {
    let start = Arc::new(Barrier::new(2 * PAIRS + 1));
    let listen = |at: usize| peers.nodes.get(at)?.config().client.as_ref().map(|client| client.listen);
    let (owner, other) = listen(0).zip(listen(1)).ok_or("no client API")?;
    let mut tasks = Vec::new();
    for Pair { group, at_owner, away } in pairs {
        let (sender, from, receiver, to) =
            if way.from_owner { (at_owner, owner, away, other) } else { (away, other, at_owner, owner) };
        let text = "x".repeat(TEXT);
        let requests: Vec<_> = (0..EACH / way.batch)
            .map(|_| {
                let events = (0..way.batch).map(|_| sender.says(group, &text)).collect();
                let at = format!("/client/v1/groups/{}@{}/events", group.name(), group.provider());
                KeptConnection::post(
                    &at,
                    sender.token(),
                    &wire::encode(Encoding::Cbor, &Submissions { events }),
                )
            })
            .collect();
        let mut connection = KeptConnection::open(from).await?;
        let started = start.clone();
        let batch = way.batch;
        tasks.push(tokio::spawn(async move {
            started.wait().await;
            for request in requests {
                let answer: SubmissionResults =
                    wire::decode(Encoding::Cbor, &connection.ask(&request).await?)?;
                let took = answer.results.iter();
                if took.filter(|result| matches!(result.outcome, Became::Accepted(_))).count() != batch {
                    return Err(format!("not everything is accepted: {:?}", answer.results).into());
                }
            }
            Outcome::Ok(())
        }));
        let (mut connection, token, started) =
            (KeptConnection::open(to).await?, receiver.token().to_owned(), start.clone());
        let group = group.clone();
        tasks.push(tokio::spawn(async move {
            // What was told before is taken in first.
            let mut query = FeedQuery::default();
            while pull(&mut connection, &token, &mut query, &group).await?.1 > 0 {}
            query.wait = 30;
            started.wait().await;
            let mut come = 0;
            while come < EACH {
                come += pull(&mut connection, &token, &mut query, &group).await?.0;
            }
            Outcome::Ok(())
        }));
    }
    start.wait().await;
    let used = || nodes.iter().try_fold(Duration::ZERO, |sum, node| Ok(sum + node.cpu()?));
    let before: Outcome<Duration> = used();
    let began = Instant::now();
    for task in timeout(WAIT_LIMIT, try_join_all(tasks)).await?? {
        task?;
    }
    let took = began.elapsed().as_secs_f64();
    let after: Outcome<Duration> = used();
    let count = f64::from(u32::try_from(PAIRS * EACH)?);
    let cpu = (after? - before?).as_secs_f64() / count * 1000.0;
    Ok(Rate { a_second: count / took, cpu })
}

/// Pulls a page: how many messages of the group it has, and how many items.
async fn pull(
    connection: &mut KeptConnection,
    token: &str,
    query: &mut FeedQuery,
    group: &GroupUri,
) -> Outcome<(usize, usize)> {
    let request = KeptConnection::get(&format!("/client/v1/feed?{}", query.to_query()), token);
    let page: FeedPage = wire::decode(Encoding::Cbor, &connection.ask(&request).await?)?;
    query.generation = Some(page.generation);
    if let Some(last) = page.items.last() {
        (query.after, query.last) = (last.seq, Some(last.id));
    }
    let is_message = |body: &ItemBody| matches!(body, ItemBody::Event(event) if event.kind == EventKind::Application && event.group == *group);
    Ok((page.items.iter().filter(|item| is_message(&item.body)).count(), page.items.len()))
}

/// What SQLite alone does of that: each row twice, in transactions of sixty-four.
fn alone(setup: &Setup) -> Outcome<(f64, f64)> {
    let mut here = Rows::open(&setup.folder("plain-messages-here")?)?;
    let mut there = Rows::open(&setup.folder("plain-messages-there")?)?;
    let (began, before, mut count) = (Instant::now(), cpu_of("self")?, 0_u32);
    while began.elapsed() < Duration::from_secs(2) {
        here.insert(PAIRS)?;
        there.insert(PAIRS)?;
        count += u32::try_from(PAIRS)?;
    }
    let (took, used) = (began.elapsed().as_secs_f64(), (cpu_of("self")? - before).as_secs_f64());
    Ok((f64::from(count) / took, used / f64::from(count) * 1000.0))
}
