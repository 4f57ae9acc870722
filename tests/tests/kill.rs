//! A crash at any instant loses no item and shows none twice (`docs/mtp.md`, section 14).

use std::collections::HashMap;
use std::time::Duration;

use drawbridge_mtp::id::{ClientUri, Id, Provider};
use drawbridge_mtp::message::{ConnectionState as State, ItemBody};
use drawbridge_node::Decision;
use drawbridge_node::store::{Cursor, Reader, UserRule, View};
use drawbridge_testkit::{Daemon, TestNode, federation};

const KILLS: usize = 50;
/// Of who serves.
const SERVER_KILLS: usize = 25;
const APPROVALS_A_LIFE: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_killed_fifty_times_loses_nothing_and_takes_nothing_twice() {
    let (federation, [alpha, beta]) = federation().await;
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;

    // Each of Beta's people asks each of Alpha's.
    let mut asked = Vec::new();
    let mut phones = Vec::new();
    for b in 0..10 {
        let bob = beta.user(&format!("bob{b}")).await;
        let phone =
            beta.node().operator().create_client(bob.uri().name().clone(), "phone".parse().unwrap()).await;
        phones.push(phone.unwrap().0);
        for a in 0..KILLS * APPROVALS_A_LIFE / 10 {
            if b == 0 {
                alpha.user(&format!("alice{a}")).await;
            }
            asked.push(bob.asks_to_connect(&alpha.address(&format!("alice{a}"))).await);
        }
    }
    for id in &asked {
        alpha.hears_of(*id).await;
    }
    beta.stop().await;
    assert_eq!(asked.len(), KILLS * APPROVALS_A_LIFE);

    for approvals in asked.chunks(APPROVALS_A_LIFE) {
        let [kind, random] = federation.clock().random();
        let random = u64::from(random);
        // Sometimes before it has started, sometimes amid its first pulls, and sometimes amid a page or just behind it.
        let (daemon, lives_ms) = match kind % 3 {
            0 => (Daemon::spawn(beta.config()), random),
            1 => (Daemon::start(beta.config()).await, random / 8),
            _ => {
                let daemon = Daemon::start(beta.config()).await;
                alpha.waits_for_pull_by(beta.provider()).await;
                (daemon, random / 32)
            }
        };
        let approving = async {
            for id in approvals {
                alpha.decides(*id, Decision::Approve).await;
            }
        };
        let living = tokio::time::sleep(Duration::from_millis(lives_ms));
        tokio::join!(approving, async {
            living.await;
            daemon.kill();
        });
    }

    beta.start().await;
    for id in &asked {
        beta.sees(*id, State::Approved).await;
    }
    let (here, there) = (alpha.provider().clone(), Reader::Peer(beta.provider().clone()));
    let head = alpha.reads(move |view| Ok(view.feed(&there)?.unwrap().head)).await;
    assert_eq!(wait_until_pulled(&beta, here, head).await.seq, head);

    // What a person's phone is shown is what was given: each approval once.
    let expected: HashMap<Id, u32> = asked.into_iter().map(|id| (id, 1)).collect();
    assert_eq!(approvals_shown(&beta, phones).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_killed_while_it_serves_loses_nothing_and_gives_nothing_twice() {
    let (federation, [alpha, beta]) = federation().await;
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    // Alpha's people let everyone in, so every request that reaches it gives an item.
    for a in 0..SERVER_KILLS {
        let name = format!("alice{a}").parse().unwrap();
        alpha.node().operator().create_user(name, UserRule::Allow).await.unwrap();
    }
    alpha.stop().await;
    let (mut bobs, mut phones) = (Vec::new(), Vec::new());
    for b in 0..8 {
        let bob = beta.user(&format!("bob{b}")).await;
        let phone =
            beta.node().operator().create_client(bob.uri().name().clone(), "phone".parse().unwrap()).await;
        phones.push(phone.unwrap().0);
        bobs.push(bob);
    }

    let mut asked = Vec::new();
    for life in 0..SERVER_KILLS {
        let [random] = federation.clock().random();
        let daemon = Daemon::start(alpha.config()).await;
        let to = alpha.address(&format!("alice{life}"));
        let asking = async {
            for bob in &bobs {
                asked.push(bob.asks_to_connect(&to).await);
            }
            // Whoever waited for its turn after a failure may try again now.
            beta.node().operator().retry_peer(alpha.provider()).await;
        };
        tokio::join!(asking, async {
            tokio::time::sleep(Duration::from_millis(u64::from(random))).await;
            daemon.kill();
        });
    }

    alpha.start().await;
    beta.node().operator().retry_peer(alpha.provider()).await;
    for id in &asked {
        beta.sees(*id, State::Approved).await;
        alpha.sees(*id, State::Approved).await;
    }
    // An answer may tell of an approval before its item does.
    let (there, reader) = (alpha.provider().clone(), Reader::Peer(beta.provider().clone()));
    let place = alpha.reads(move |view| Ok(view.feed(&reader)?.unwrap())).await;
    let cursor = wait_until_pulled(&beta, there, place.head).await;
    assert_eq!((cursor.seq, cursor.generation), (place.head, place.generation));
    assert_eq!(approvals_shown(&beta, phones).await, asked.into_iter().map(|id| (id, 1)).collect());
    // A killed server is a trouble of its connection, and never a store that went back.
    let provider = alpha.provider().clone();
    let troubles = beta.reads(move |view| view.troubles(&provider)).await;
    assert!(troubles.iter().all(|trouble| trouble.stage != "store"), "{troubles:#?}");
}

/// Where `test_node` is in the feed of `peer` once it has pulled up to `head`.
async fn wait_until_pulled(test_node: &TestNode, peer: Provider, head: u64) -> Cursor {
    let is_there = move |view: &View<'_>| Ok(view.cursor(&peer)?.filter(|cursor| cursor.seq >= head));
    test_node.until("it has pulled all", is_there).await
}

/// How often each approval was shown to the people of `test_node`, whose `phones` these are.
async fn approvals_shown(test_node: &TestNode, phones: Vec<ClientUri>) -> HashMap<Id, u32> {
    let mut shown: HashMap<Id, u32> = HashMap::new();
    for phone in phones {
        let feed =
            test_node.reads(move |view| view.feed_slice(&Reader::Client(phone), 0, 10_000, u64::MAX)).await;
        for item in feed.items {
            if let ItemBody::Connection(told) = item.body
                && told.state == State::Approved
            {
                *shown.entry(told.id).or_default() += 1;
            }
        }
    }
    shown
}
