//! From the moment when a text is typed in one built-in client to the moment when another, at another provider, shows it.

use std::time::{Duration, Instant};

use drawbridge_client::{Client, Format, Home, LineKind, Settings, StorageKey};
use drawbridge_mtp::id::{GroupUri, UserUri};
use drawbridge_mtp::policy::Who;
use drawbridge_node::Decision;
use drawbridge_node::InProcessHome;
use drawbridge_node::ambient::System;
use drawbridge_node::store::UserRule;
use drawbridge_testkit::{MutualPeers, TestNode};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::baseline::Relay;
use crate::outcome::Outcome;
use crate::setup::{AT_ONCE, Setup, millis, until};
use crate::table::{Row, Target, quantile};

const EVERY: Duration = Duration::from_millis(50);
const COUNT: u32 = 200;
/// Texts with which is done what is done only once.
const WARM_UP: u32 = 20;

/// Somebody with a built-in client that runs.
struct Writer {
    client: Client<InProcessHome>,
    user: UserUri,
    running: JoinHandle<()>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Writer {
    async fn open(setup: &Setup, test_node: &TestNode, name: &str) -> Outcome<Self> {
        let user = test_node.node().operator().create_user(name.parse()?, UserRule::Ask).await?;
        let (uri, _) = test_node.node().operator().create_client(name.parse()?, "app".parse()?).await?;
        let path = setup.folder("typing")?.join(name);
        let home = test_node.node().home_of(uri);
        // Renewing its keys soon after joining is not what is measured.
        let settings = Settings { renew: Duration::ZERO, ..Settings::default() };
        let client = Client::open(home, &path, StorageKey::random(&System), settings).await?;
        let running = tokio::spawn({
            let client = client.clone();
            async move { client.run().await }
        });
        Ok(Self { client, user, running })
    }
}

/// Median and 99th percentile, each way.
pub(crate) async fn measure(setup: &Setup) -> Outcome<Vec<Row>> {
    eprintln!("typing");
    let peers = MutualPeers::of(2).await;
    let (one, other) = match peers.nodes.as_slice() {
        [one, other] => (one, other),
        _ => return Err("two providers".into()),
    };
    let (alice, bob) = (Writer::open(setup, one, "alice").await?, Writer::open(setup, other, "bob").await?);
    peers.connects(&alice.user, &bob.user).await;
    let group = alice.client.create_group("Tea", Who::Members, Who::Members, None).await?;
    until(async || Ok(alice.client.about(&group).await.is_ok_and(|view| view.can_send))).await?;
    until(async || Ok(bob.client.conversations().await.is_ok())).await?;
    // Its KeyPackages have to be there first.
    let stocked = bob.client.uri().clone();
    until(async || {
        let client = stocked.clone();
        Ok(other.node().home_of(client).stock().await.is_ok_and(|stock| stock.available > 0))
    })
    .await?;
    let asked = alice.client.ask_to_add(&group, &bob.user).await?.id;
    other.hears_of_addition(asked).await;
    other.decides_addition(asked, Decision::Approve).await;
    until(async || Ok(bob.client.about(&group).await.is_ok_and(|view| view.can_send))).await?;

    let mut relay = Relay::start(setup)?;
    let (mut there, mut back, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    let mut tick = tokio::time::interval(EVERY);
    for round in 0..COUNT + WARM_UP {
        tick.tick().await;
        let time = timeout(AT_ONCE, say(&alice, &bob, &group, &format!("hello {round}"))).await??;
        tick.tick().await;
        let answer = timeout(AT_ONCE, say(&bob, &alice, &group, &format!("answer {round}"))).await??;
        let time_alone = timeout(AT_ONCE, relay.once()).await??;
        if round >= WARM_UP {
            there.push(millis(time));
            back.push(millis(answer));
            alone.push(millis(time_alone));
        }
    }
    let (median, late) = (quantile(&mut alone, 0.5), quantile(&mut alone, 0.99));
    let row = |what: &str, most: Option<f64>, figure, limit| Row {
        what: what.into(),
        target: most.map(Target::AtMost),
        figure,
        unit: "ms",
        limit: (limit, "two SQLite commits and a long poll with axum and rustls"),
    };
    let rows = vec![
        row("typed at the owner to shown elsewhere, median", Some(15.0), quantile(&mut there, 0.5), median),
        row("typed at the owner to shown elsewhere, 99th percentile", None, quantile(&mut there, 0.99), late),
        row("typed elsewhere to shown at the owner, median", Some(15.0), quantile(&mut back, 0.5), median),
        row("typed elsewhere to shown at the owner, 99th percentile", None, quantile(&mut back, 0.99), late),
    ];
    drop((alice, bob));
    for test_node in &peers.nodes {
        test_node.stop().await;
    }
    Ok(rows)
}

async fn say(from: &Writer, to: &Writer, group: &GroupUri, text: &str) -> Outcome<Duration> {
    let mut changes = to.client.changes();
    let began = Instant::now();
    from.client.send(group, text, Format::Plain, None).await?;
    loop {
        changes.recv().await?;
        let lines = to.client.conversation(group, None, 1).await?;
        let shown = |kind: &LineKind| matches!(kind, LineKind::Message(message) if message.text == text);
        if lines.iter().any(|line| shown(&line.what)) {
            return Ok(began.elapsed());
        }
    }
}
