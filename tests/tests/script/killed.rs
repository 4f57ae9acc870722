//! The system kills a provider's process, amid whatever it is writing.

use std::time::Duration;

use drawbridge_client::Format;
use drawbridge_mtp::id::{ClientUri, GroupUri};
use drawbridge_mtp::policy::Who;
use drawbridge_testkit::Daemon;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::script::apps::ThreeApps;
use crate::script::{checks, settled};

const KILLS: u64 = 12;

/// One whose provider goes on makes a group, or one whose provider will be killed; the others come in.
async fn gathers(setup: &ThreeApps, by: &ClientUri) -> GroupUri {
    let app = setup.app(by.provider());
    let client = app.built_in(by).unwrap();
    for other in setup.users().into_iter().filter(|user| user != by.user()) {
        client.ask_to_connect(&other).await.unwrap();
    }
    settled::wait(setup).await.unwrap();
    let group = client.create_group("Tea", Who::Members, Who::Members, None).await.unwrap();
    setup.keeps_start(app, by, &group).await;
    for other in setup.users().into_iter().filter(|user| user != by.user()) {
        client.ask_to_add(&group, &other).await.unwrap();
    }
    settled::wait(setup).await.unwrap();
    assert_eq!(client.about(&group).await.unwrap().members.len(), setup.users().len());
    group
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_say_outlives_a_process_that_is_killed_twelve_times() {
    let seed = crate::script::set("DRAWBRIDGE_SEED").unwrap_or(1);
    println!("DRAWBRIDGE_SEED={seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    let setup = ThreeApps::new().await;
    let dies = &setup.apps[1];
    let talkers: Vec<_> =
        setup.clients.iter().filter(|client| client.provider() != dies.test_node().provider()).collect();
    let inside =
        setup.clients.iter().find(|client| client.provider() == dies.test_node().provider()).unwrap();
    // One group is numbered by the process that is killed, the other only followed by it.
    let groups = [gathers(&setup, inside).await, gathers(&setup, talkers[0]).await];
    dies.kill().await;
    let mut said = 0;
    for kill in 0..KILLS {
        let life = Duration::from_millis(random.random_range(0..500));
        let daemon = if kill % 3 == 0 {
            Daemon::spawn(dies.test_node().config())
        } else {
            Daemon::start(dies.test_node().config()).await
        };
        for app in setup.apps.iter().filter(|app| app.is_running()) {
            app.test_node().node().operator().retry_peer(dies.test_node().provider()).await;
        }
        let talking = async {
            for _ in 0..8 {
                let client = setup.app(talkers[said % 8].provider()).built_in(talkers[said % 8]).unwrap();
                let group = &groups[random.random_range(0..groups.len())];
                client.send(group, &format!("said {said}"), Format::Plain, None).await.unwrap();
                if random.random_range(0..4) == 0 {
                    client.renew(group).await.unwrap();
                }
                said += 1;
                tokio::time::sleep(Duration::from_millis(random.random_range(0..60))).await;
            }
        };
        tokio::join!(talking, async {
            tokio::time::sleep(life).await;
            daemon.kill();
        });
    }
    dies.start().await;
    for app in setup.apps.iter().filter(|app| app.is_running()) {
        app.test_node().node().operator().retry_peer(dies.test_node().provider()).await;
    }
    let mut wrong = setup.unexpected();
    wrong.extend(settled::wait(&setup).await.err());
    let (found, told) = checks::check(&setup).await;
    wrong.extend(found);
    println!("{KILLS} kills, {said} messages; {told}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for group in &groups {
        let about = dies.built_in(inside).unwrap().about(group).await.unwrap();
        assert_eq!(about.members.len(), setup.users().len());
    }
}
