//! Who was added by a Welcome that was lost comes in all the same (`docs/mtp.md`, section 11).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::time::Duration;

use drawbridge_client::{Format, LineKind, Settings, Standing};
use drawbridge_mtp::id::ClientUri;
use drawbridge_mtp::policy::Who;
use drawbridge_node::Decision;
use drawbridge_node::store::{Addition, AuthorizationRow, Connection, ConnectionRow, Reader, StoreFault};
use drawbridge_testkit::{BuiltIn, DesktopApp, Federation, WAIT_LIMIT};
use tokio::sync::watch;

/// Everything that a client waits for is short.
fn quick() -> Settings {
    Settings {
        stagger: Duration::from_millis(100),
        renew: Duration::from_millis(500),
        pause: Duration::from_millis(40),
        look_every: Duration::from_millis(500),
        ..Settings::default()
    }
}

/// Asks until there is an answer, whenever something has happened.
async fn until<T>(news: &mut watch::Receiver<u64>, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            // Not all is announced, such as what a client has found by itself.
            let _ = tokio::time::timeout(Duration::from_millis(100), news.changed()).await;
        }
    };
    tokio::time::timeout(WAIT_LIMIT, asking).await.expect("it comes about")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_added_by_a_welcome_that_was_lost_joins_by_itself() {
    let federation = Federation::new();
    let bell = watch::Sender::new(0);
    let mut news = bell.subscribe();
    let app = async || {
        let app = DesktopApp::of(federation.stopped_node(|_| {}), quick(), bell.clone());
        app.start().await;
        app
    };
    let (alpha, beta) = (app().await, app().await);
    let (here, there) = (alpha.test_node().provider().clone(), beta.test_node().provider().clone());
    alpha.test_node().allows(&there).await;
    beta.test_node().allows(&here).await;
    let (ann, ben) = (alpha.client("ann", "desk").await, beta.client("ben", "desk").await);
    let built_in = |app: &DesktopApp, client: &ClientUri| -> BuiltIn { app.built_in(client).unwrap() };
    let (anns, bens) = (built_in(&alpha, &ann), built_in(&beta, &ben));

    // Ben agrees to be connected, and to be added; what follows from that he does not hear.
    anns.ask_to_connect(ben.user()).await.unwrap();
    let node = beta.test_node().node();
    let request: ConnectionRow = until(&mut news, async || {
        let rows: Result<_, StoreFault> = node.store().read(|view| view.requests::<Connection>()).await;
        rows.unwrap().pop()
    })
    .await;
    node.operator().decide_connection(request.id, None, Decision::Approve).await.unwrap();
    alpha.test_node().sees(request.id, drawbridge_mtp::message::ConnectionState::Approved).await;
    let group = anns.create_group("Tea", Who::Members, Who::Members, None).await.unwrap();
    anns.ask_to_add(&group, ben.user()).await.unwrap();
    let request: AuthorizationRow = until(&mut news, async || {
        let rows: Result<_, StoreFault> = node.store().read(|view| view.requests::<Addition>()).await;
        rows.unwrap().pop()
    })
    .await;
    node.operator().pause_peer(here.clone(), true).await.unwrap();
    node.operator().decide_authorization(request.id, None, Decision::Approve).await.unwrap();
    until(&mut news, async || {
        let about = anns.about(&group).await.unwrap();
        (about.members.len() == 2).then_some(())
    })
    .await;

    // What alpha had to tell beta is gone, as it may be after thirty days.
    let told = Reader::Peer(there.clone());
    let head = alpha.test_node().reads(move |view| Ok(view.feed(&told)?.unwrap().head)).await;
    let file = alpha.test_node().config().data_dir.join("store.sqlite");
    let store = rusqlite::Connection::open(file).unwrap();
    store.busy_timeout(Duration::from_secs(10)).unwrap();
    store
        .execute(
            "DELETE FROM feed_item WHERE feed = (SELECT id FROM feed WHERE reader = ?1)",
            [there.as_str()],
        )
        .unwrap();
    store.execute("UPDATE feed SET first = ?1 WHERE reader = ?2", (head + 1, there.as_str())).unwrap();
    node.operator().pause_peer(here, false).await.unwrap();

    let about = until(&mut news, async || {
        bens.about(&group).await.ok().filter(|about| about.standing == Standing::Member)
    })
    .await;
    assert_eq!(about.members.len(), 2);
    anns.send(&group, "Are you there?", Format::Plain, None).await.unwrap();
    until(&mut news, async || {
        let lines = bens.conversation(&group, None, 100).await.unwrap();
        let heard =
            |what: &LineKind| matches!(what, LineKind::Message(said) if said.text == "Are you there?");
        lines.iter().any(|line| heard(&line.what)).then_some(())
    })
    .await;
}
