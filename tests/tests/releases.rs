//! What the program of each release has left on a disk goes on with this one. In `releases/`, each has a backup that its program has made
//! of a provider with an account, a conversation of which two lines are known, and a change of its key that has begun.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use drawbridge_client::{Client, Delivery, Format, LineKind, MessageView, Settings, StorageKey};
use drawbridge_mtp::id::ClientUri;
use drawbridge_node::InProcessHome;
use drawbridge_node::ambient::System;
use drawbridge_node::backup;
use drawbridge_node::identity::Standing;
use drawbridge_testkit::{Federation, WAIT_LIMIT};

const ANN: &str = "mimi://home.example/u/ann/d/drawbridge";

/// What the account's one conversation says.
async fn messages(ann: &Client<InProcessHome>) -> Vec<MessageView> {
    let group = ann.conversations().await.unwrap().remove(0).group;
    let lines = ann.conversation(&group, None, 100).await.unwrap().into_iter();
    let said = lines.filter_map(|line| match line.what {
        LineKind::Message(message) => Some(*message),
        LineKind::Notice(_) => None,
    });
    said.collect()
}

async fn goes_on(packed: &Path) {
    let federation = Federation::new();
    let file = federation.dir().join("of-the-release.drawbridge");
    let unpacked = Command::new("gzip").arg("-dc").arg(packed).output().unwrap();
    assert!(unpacked.status.success(), "{packed:?}: {unpacked:?}");
    std::fs::write(&file, unpacked.stdout).unwrap();
    let restored = federation.stopped_node(|config| config.provider = "home.example".parse().unwrap());
    let config = federation.dir().join("home.toml");
    std::fs::write(&config, restored.config().to_toml().unwrap()).unwrap();
    backup::restore(&file, None, &config).unwrap();
    restored.start().await;

    let node = restored.node();
    let keys: Vec<_> = node.operator().own_keys().keys.iter().map(|key| key.standing).collect();
    assert_eq!(keys, [Standing::Next, Standing::Signs], "{packed:?}");
    let (dir, ann): (_, ClientUri) = (&restored.config().data_dir, ANN.parse().unwrap());
    let key = StorageKey::load_or_make(&dir.join("clients.key"), &System).unwrap();
    let home = node.home_of(ann);
    let ann = Client::open(home, &dir.join("clients/ann.sqlite"), key, Settings::default()).await.unwrap();
    let (own, mut changes) = (ann.clone(), ann.changes());
    let running = tokio::spawn(async move { own.run().await });
    let texts = async || messages(&ann).await.into_iter().map(|one| one.text).collect::<Vec<_>>();
    assert_eq!(texts().await, ["The kettle is on.", "On my way."], "{packed:?}");

    let group = ann.conversations().await.unwrap().remove(0).group;
    ann.send(&group, "Still here.", Format::Plain, None).await.unwrap();
    let sent = async {
        loop {
            let last = messages(&ann).await.pop().unwrap();
            if (last.text.as_str(), last.state) == ("Still here.", Delivery::Accepted) {
                return;
            }
            let _ = changes.recv().await;
        }
    };
    tokio::time::timeout(WAIT_LIMIT, sent).await.expect("it is sent");
    running.abort();
    restored.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_each_release_has_left_goes_on_with_this_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/releases");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let releases: Vec<_> = entries.collect();
    assert!(releases.iter().any(|path| path.ends_with("0.1.0.drawbridge.gz")), "{releases:?}");
    for packed in &releases {
        goes_on(packed).await;
    }
}
