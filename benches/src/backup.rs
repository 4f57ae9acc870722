//! A backup of a large store that is written to meanwhile, beside a plain copy of its file.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use drawbridge_mtp::id::{Id, Provider, UserUri};
use drawbridge_node::Node;
use drawbridge_node::backup::BackupOrder;
use drawbridge_node::store::{Reader, StoreFault};

use crate::outcome::Outcome;
use crate::setup::{Setup, connection, millis};
use crate::table::{Row, Target, quantile};

const TURNS: usize = 3;
/// How large the store is made, in MiB.
const SIZE: u32 = 1024;
/// Between two writes, as of people who are busy.
const PAUSE: Duration = Duration::from_millis(2);

/// How long it takes, and how long a write waits meanwhile at most.
pub(crate) async fn measure(setup: &Setup) -> Outcome<Vec<Row>> {
    eprintln!("backup");
    let config = setup.config("backup")?;
    let (store, folder) = (config.data_dir.join("store.sqlite"), setup.folder("backups")?);
    Node::start(config.clone()).await?.stop().await;
    fill(&store)?;
    let node = Node::start(config).await?;
    let (mut copied, mut backed_up, mut waited, mut waited_alone) = (vec![], vec![], vec![], vec![]);
    for turn in 0..TURNS {
        let copy = folder.join(format!("copy-{turn}"));
        let (from, to) = (store.clone(), copy.clone());
        let copying = async { tokio::task::spawn_blocking(move || copy_file(&from, &to)).await? };
        let (took, wait) = beside_writes(&node, copying).await?;
        std::fs::remove_file(copy)?;
        copied.push(took.as_secs_f64());
        waited_alone.push(millis(wait));
        let file = folder.join(format!("backup-{turn}"));
        let order = BackupOrder { file: Some(file.clone()), seal: None, keys: true };
        let making = async {
            node.operator().backups().make(order).await?;
            Ok(())
        };
        let (took, wait) = beside_writes(&node, making).await?;
        std::fs::remove_file(file)?;
        backed_up.push(took.as_secs_f64());
        waited.push(millis(wait));
    }
    node.stop().await;
    let ratio = quantile(&mut backed_up, 0.5) / quantile(&mut copied, 0.5);
    Ok(vec![
        Row {
            what: "backup of a store of 1 GiB, of a plain copy".into(),
            target: Some(Target::AtMost(1.5)),
            figure: ratio,
            unit: "",
            limit: (1.0, "cp of its file and fsync, in turns with it"),
        },
        Row {
            what: "longest wait of a write beside a backup".into(),
            target: Some(Target::AtMost(50.0)),
            figure: quantile(&mut waited, 1.0),
            unit: "ms",
            limit: (quantile(&mut waited_alone, 1.0), "the same beside the plain copy"),
        },
    ])
}

/// Makes the store as large as it is to be, of octets that nothing can make smaller.
fn fill(store: &Path) -> Outcome<()> {
    let connection = rusqlite::Connection::open(store)?;
    connection.execute_batch("BEGIN; CREATE TABLE filling (octets BLOB)")?;
    for _ in 0..SIZE {
        connection.execute("INSERT INTO filling VALUES (randomblob(1048576))", [])?;
    }
    connection.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

/// Copies a file by another program: where this one closed it, the locks of the node in it would end.
fn copy_file(from: &Path, to: &Path) -> Outcome<()> {
    if !Command::new("cp").arg("--reflink=never").args([from, to]).status()?.success() {
        return Err("cp did not copy the store".into());
    }
    std::fs::File::open(to)?.sync_all()?;
    Ok(())
}

/// How long `work` takes, and how long the longest write waits that is made meanwhile.
async fn beside_writes(
    node: &Node,
    work: impl Future<Output = Outcome<()>>,
) -> Outcome<(Duration, Duration)> {
    let reader = Reader::Peer("beta.example".parse::<Provider>()?);
    let (alice, bob): (UserUri, UserUri) =
        ("mimi://alpha.example/u/alice".parse()?, "mimi://beta.example/u/bob".parse()?);
    let body = connection(Id::new(node.now(), [7; 10]), &alice, &bob, node.now());
    let ends = Arc::new(AtomicBool::new(false));
    let (writer, is_over) = (node.clone(), ends.clone());
    let writing = tokio::spawn(async move {
        let mut longest = Duration::ZERO;
        while !is_over.load(Ordering::Relaxed) {
            let (reader, body, began) = (reader.clone(), body.clone(), Instant::now());
            let written: Result<u64, StoreFault> =
                writer.store().write(move |tx| tx.append(&reader, &body)).await;
            written?;
            longest = longest.max(began.elapsed());
            tokio::time::sleep(PAUSE).await;
        }
        Outcome::Ok(longest)
    });
    let began = Instant::now();
    work.await?;
    let took = began.elapsed();
    ends.store(true, Ordering::Relaxed);
    Ok((took, writing.await??))
}
