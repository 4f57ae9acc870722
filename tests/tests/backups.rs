//! Backups: one file with everything, made while the node runs, opened by whom it is for alone, and put back whole or not at all.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use drawbridge_mtp::message::ConnectionState;
use drawbridge_node::backup::{
    self, BackupFault, BackupOrder, MadeBackup, Opener, Passphrase, RestoreFault, Seal,
};
use drawbridge_node::config::{Config, ListenConfig};
use drawbridge_node::identity::{DataFolder, FolderFault};
use drawbridge_node::operator::RepairSubject;
use drawbridge_node::{Decision, Node};
use drawbridge_testkit::{Daemon, Federation, TestNode};
use serde_json::{Value, json};

const AN_HOUR: Duration = Duration::from_secs(3600);

/// A backup with the keys, which anybody can open.
fn open() -> BackupOrder {
    BackupOrder { file: None, seal: None, keys: true }
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned()).unwrap()
}

async fn backs_up(test_node: &TestNode, order: BackupOrder) -> MadeBackup {
    test_node.node().operator().backups().make(order).await.unwrap()
}

/// The configuration of `test_node` in a file, but with the data folder `data_dir`.
fn file(federation: &Federation, config: &Config, data_dir: &Path) -> PathBuf {
    let path = federation.dir().join(format!("{}.toml", federation.clock().id()));
    let config = Config { data_dir: data_dir.to_owned(), ..config.clone() };
    std::fs::write(&path, config.to_toml().unwrap()).unwrap();
    path
}

/// What is in a folder and below it, by name, but for files that SQLite makes anew.
fn all_of(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(all_of(&path));
        } else {
            found.push((path.clone(), std::fs::read(path).unwrap()));
        }
    }
    found.sort();
    found
}

/// Two providers with a user each, who are connected.
async fn connected(federation: &Federation) -> (TestNode, TestNode) {
    let (alpha, beta) = (federation.node(|_| {}).await, federation.node(|_| {}).await);
    let asked = alpha.user("ann").await.asks_to_connect(beta.user("ben").await.uri()).await;
    beta.allows(alpha.provider()).await;
    beta.hears_of(asked).await;
    beta.decides(asked, Decision::Approve).await;
    alpha.sees(asked, ConnectionState::Approved).await;
    (alpha, beta)
}

#[tokio::test]
async fn a_lost_provider_is_restored_elsewhere_and_goes_on_with_its_peers() {
    let federation = Federation::new();
    let (alpha, beta) = connected(&federation).await;
    let made = backs_up(&alpha, open()).await;
    assert!(made.file.starts_with(alpha.config().data_dir.join("backups")) && !made.is_sealed);
    // What comes after it is lost here, and known there.
    let later = beta.user("bea").await.asks_to_connect(&alpha.address("ann")).await;
    alpha.hears_of(later).await;
    let kept = federation.dir().join("elsewhere.drawbridge");
    std::fs::copy(&made.file, &kept).unwrap();
    alpha.stop().await;
    std::fs::remove_dir_all(&alpha.config().data_dir).unwrap();

    let config = file(&federation, alpha.config(), &alpha.config().data_dir);
    let restored = backup::restore(&kept, None, &config).unwrap();
    assert_eq!((&restored.manifest.provider, restored.has_config), (alpha.provider(), false));
    alpha.start().await;
    // It is the provider that it was: its key is accepted, it is known whom it is connected with, and what it has lost is asked anew.
    alpha.hears_of(later).await;
    alpha.decides(later, Decision::Approve).await;
    beta.sees(later, ConnectionState::Approved).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_of_one_moment_however_much_is_written_meanwhile() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let node = alpha.node();
    let writing = tokio::spawn(async move {
        for number in 0.. {
            let name = format!("user-{number}").parse().unwrap();
            let rule = drawbridge_node::operator::UserRule::Ask;
            if node.operator().create_user(name, rule).await.is_err() {
                return;
            }
        }
    });
    for _ in 0..5 {
        let made = backs_up(&alpha, open()).await;
        let config =
            file(&federation, alpha.config(), &federation.dir().join(format!("{}", federation.clock().id())));
        let restored = backup::restore(&made.file, None, &config).unwrap();
        let store = rusqlite::Connection::open(restored.data_dir.join("store.sqlite")).unwrap();
        let found: String = store.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(found, "ok");
        let gaps: u64 = store
            .query_row(
                "SELECT max(CAST(substr(name, 6) AS INTEGER)) + 1 - count(*) FROM user WHERE name LIKE 'user-%'",
                [],
                |row| row.get::<_, Option<u64>>(0).map(Option::unwrap_or_default),
            )
            .unwrap();
        assert_eq!(gaps, 0, "all that was written before the last one is there");
        federation.clock().turn(Duration::from_secs(1));
    }
    writing.abort();
}

#[tokio::test]
async fn a_backup_opens_for_whom_it_was_sealed_and_for_nobody_else() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let (identity, other) = (keygen(&federation, "identity"), keygen(&federation, "other"));
    let sealed = [
        (Seal::Passphrase(passphrase("open sesame")), Opener::Passphrase(passphrase("open sesame"))),
        (Seal::Recipient(identity.1.parse().unwrap()), Opener::read_identities(&identity.0).unwrap()),
    ];
    for (seal, opener) in sealed {
        let made = backs_up(&alpha, BackupOrder { seal: Some(seal), ..open() }).await;
        assert!(made.is_sealed && made.file.to_str().unwrap().ends_with(".drawbridge.age"));
        let content = std::fs::read(&made.file).unwrap();
        let key = std::fs::read(alpha.config().data_dir.join("identity.key")).unwrap();
        assert!(!content.windows(key.len()).any(|part| part == key), "the key is not to be seen in it");

        assert_eq!(backup::look(&made.file, Some(&opener)).unwrap(), made.manifest);
        let wrong = [
            None,
            Some(Opener::Passphrase(passphrase("open says me"))),
            Some(Opener::read_identities(&other.0).unwrap()),
        ];
        for wrong in wrong {
            let refused = backup::look(&made.file, wrong.as_ref()).unwrap_err();
            let is_said = matches!(
                refused,
                RestoreFault::NeedsPassphrase(_) | RestoreFault::NeedsIdentity(_) | RestoreFault::WrongKey(_)
            );
            assert!(is_said, "{refused}");
        }
        federation.clock().turn(Duration::from_secs(1));
    }
}

/// A key of age, as its own program makes it: the file, and the public key.
fn keygen(federation: &Federation, name: &str) -> (PathBuf, String) {
    let path = federation.dir().join(name);
    let said = Command::new("age-keygen").arg("-o").arg(&path).output().expect("age-keygen is installed");
    assert!(said.status.success(), "{said:?}");
    let text = std::fs::read_to_string(&path).unwrap();
    let public = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned();
    (path, public)
}

#[tokio::test]
async fn a_sealed_backup_opens_with_age_and_tar_alone() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let (identity, public) = keygen(&federation, "identity");
    let seal = Some(Seal::Recipient(public.parse().unwrap()));
    let made = backs_up(&alpha, BackupOrder { seal, ..open() }).await;
    let into = federation.dir().join("by-hand");
    std::fs::create_dir(&into).unwrap();
    let opened = Command::new("age").args(["-d", "-i"]).arg(&identity).arg(&made.file).output().unwrap();
    assert!(opened.status.success(), "{opened:?}");
    let mut tar = Command::new("tar").args(["-x", "-C"]).arg(&into).stdin(Stdio::piped()).spawn().unwrap();
    tar.stdin.take().unwrap().write_all(&opened.stdout).unwrap();
    assert!(tar.wait().unwrap().success());
    let key = |folder: &Path| std::fs::read(folder.join("identity.key")).unwrap();
    assert_eq!(key(&into), key(&alpha.config().data_dir));
}

#[tokio::test]
async fn a_damaged_backup_changes_nothing_and_neither_does_one_of_a_newer_version() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let seals = [None, Some(Seal::Passphrase(passphrase("open sesame")))];
    let opener = Opener::Passphrase(passphrase("open sesame"));
    for seal in seals {
        let made = backs_up(&alpha, BackupOrder { seal, ..open() }).await;
        let whole = std::fs::read(&made.file).unwrap();
        let (copy, place) = (federation.dir().join("damaged"), federation.dir().join("place"));
        let config = file(&federation, alpha.config(), &place);
        let tries = |content: &[u8]| {
            std::fs::write(&copy, content).unwrap();
            backup::restore(&copy, Some(&opener).filter(|_| made.is_sealed), &config)
        };
        // Where it opens at all, each costs the work of a passphrase.
        let places = if made.is_sealed { 6 } else { 60 };
        for number in 1..places {
            let at = whole.len() * number / places;
            let refused = tries(&whole[..at]).unwrap_err();
            assert!(
                matches!(refused, RestoreFault::Damaged { .. } | RestoreFault::NoBackup(_)),
                "{at}: {refused}"
            );
            assert!(!place.exists(), "{at}");
            let mut changed = whole.clone();
            changed[at] ^= 0x20;
            match tries(&changed) {
                Err(RestoreFault::Damaged { .. }) => assert!(!place.exists(), "{at}"),
                Err(fault) => panic!("{at}: {fault}"),
                // What fills up the archive's blocks says nothing.
                Ok(_) => {
                    assert!(whole[at] == 0 && !made.is_sealed, "{at}");
                    std::fs::remove_dir_all(&place).unwrap();
                }
            }
        }
        for content in [&b""[..], b"a letter to a friend", &[0; 4096]] {
            let refused = tries(content).unwrap_err();
            assert!(matches!(refused, RestoreFault::NoBackup(_)), "{refused}");
        }
        federation.clock().turn(Duration::from_secs(1));
    }

    let made = backs_up(&alpha, open()).await;
    let whole = std::fs::read(&made.file).unwrap();
    let (copy, place) = (federation.dir().join("newer"), federation.dir().join("place"));
    let config = file(&federation, alpha.config(), &place);
    let newest = format!("\"store_version\": {}", store_version(&alpha).await);
    for (now, then) in [("\"format\": 1", "\"format\": 2"), (&newest, "\"store_version\": 99")] {
        std::fs::write(&copy, replaced(&whole, now.as_bytes(), then.as_bytes())).unwrap();
        let refused = backup::restore(&copy, None, &config).unwrap_err();
        assert!(matches!(refused, RestoreFault::Newer { .. }), "{refused}");
        assert!(!place.exists());
    }
}

async fn store_version(test_node: &TestNode) -> u32 {
    let store = rusqlite::Connection::open(test_node.config().data_dir.join("store.sqlite")).unwrap();
    store.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// The same with another text of the same length in one place.
fn replaced(content: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = content.windows(from.len()).position(|part| part == from).unwrap();
    let mut content = content.to_vec();
    content[at..at + to.len()].copy_from_slice(to);
    content
}

#[tokio::test]
async fn a_backup_is_put_only_where_nothing_is_and_under_its_own_name() {
    let federation = Federation::new();
    let (alpha, beta) = (federation.node(|_| {}).await, federation.node(|_| {}).await);
    let made = backs_up(&alpha, open()).await;
    let place = federation.dir().join("place");
    let config = file(&federation, alpha.config(), &place);

    let of_another = file(&federation, beta.config(), &place);
    let refused = backup::restore(&made.file, None, &of_another).unwrap_err();
    assert!(matches!(refused, RestoreFault::OfAnother { .. }) && !place.exists(), "{refused}");
    let none = federation.dir().join("none.toml");
    let refused = backup::restore(&made.file, None, &none).unwrap_err();
    assert!(matches!(refused, RestoreFault::NoConfig { .. }) && !place.exists(), "{refused}");

    let in_use = file(&federation, alpha.config(), &alpha.config().data_dir);
    std::fs::create_dir(&place).unwrap();
    std::fs::write(place.join("letter.txt"), "dear").unwrap();
    for config in [&in_use, &config] {
        let refused = backup::restore(&made.file, None, config).unwrap_err();
        assert!(matches!(refused, RestoreFault::Occupied(_)), "{refused}");
    }
    assert_eq!(all_of(&place).len(), 1);
    std::fs::remove_file(place.join("letter.txt")).unwrap();

    // One that is broken off keeps a node from starting there, and is done again.
    std::fs::create_dir_all(place.join("restoring/clients")).unwrap();
    std::fs::write(place.join("restoring/clients/ann.sqlite"), "half of it").unwrap();
    std::fs::write(place.join("identity.key"), "something").unwrap();
    let refused = DataFolder::check(&place, alpha.provider()).unwrap_err();
    assert!(matches!(refused, FolderFault::Restoring(_)), "{refused}");
    backup::restore(&made.file, None, &config).unwrap();
    DataFolder::check(&place, alpha.provider()).unwrap();
    assert!(!place.join("restoring").exists());
    let key = |folder: &Path| std::fs::read(folder.join("identity.key")).unwrap();
    assert_eq!(key(&place), key(&alpha.config().data_dir));
}

#[tokio::test]
async fn without_its_keys_a_backup_says_so_and_the_folder_says_what_is_missing() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let made = backs_up(&alpha, BackupOrder { keys: false, ..open() }).await;
    assert!(!made.manifest.keys);
    let content = std::fs::read(&made.file).unwrap();
    let key = std::fs::read(alpha.config().data_dir.join("identity.key")).unwrap();
    assert!(!content.windows(key.len()).any(|part| part == key));
    let place = federation.dir().join("place");
    let config = file(&federation, alpha.config(), &place);
    backup::restore(&made.file, None, &config).unwrap();
    let refused = DataFolder::check(&place, alpha.provider()).unwrap_err();
    assert!(
        matches!(&refused, FolderFault::Missing { file, .. } if file.ends_with("identity.key")),
        "{refused}"
    );
    std::fs::write(place.join("identity.key"), key).unwrap();
    DataFolder::check(&place, alpha.provider()).unwrap();
}

#[tokio::test]
async fn backups_are_made_by_themselves_and_the_oldest_make_room() {
    let federation = Federation::new();
    let alpha = federation.node(|config| (config.backup.every_hours, config.backup.keep) = (2, 2)).await;
    let kept = async || alpha.node().operator().backups().kept().await.unwrap();
    let has_newer = async |than: Option<drawbridge_mtp::time::Timestamp>| loop {
        let mut changes = alpha.node().changes().listen();
        if let Some(newest) = kept().await.first().filter(|newest| Some(newest.made) > than) {
            return newest.made;
        }
        tokio::time::timeout(drawbridge_testkit::WAIT_LIMIT, changes.recv()).await.expect("one is made").ok();
    };
    let first = has_newer(None).await;
    // A draft that was left by a process that was killed goes too.
    let folder = alpha.node().operator().backups().folder();
    let draft = folder.join(format!("{}.part", kept().await[0].file.file_name().unwrap().to_str().unwrap()));
    std::fs::write(&draft, "half of it").unwrap();
    std::fs::write(folder.join("letter.txt"), "dear").unwrap();
    let mut newest = first;
    for _ in 0..3 {
        federation.clock().turn(2 * AN_HOUR + Duration::from_secs(1));
        newest = has_newer(Some(newest)).await;
    }
    // What makes room is removed right behind it.
    alpha.until_node("two are kept", |_| std::fs::read_dir(&folder).unwrap().count() == 3).await;
    assert!(
        kept().await.iter().all(|one| one.made > first)
            && !draft.exists()
            && folder.join("letter.txt").exists()
    );

    // After a start none is made before it is time.
    alpha.stop().await;
    alpha.start().await;
    federation.clock().turn(AN_HOUR);
    alpha.user("ann").await;
    federation.clock().turn(AN_HOUR + Duration::from_secs(1));
    has_newer(Some(newest)).await;
    assert_eq!(kept().await[1].made, newest, "none came between");
}

#[tokio::test]
async fn backups_of_a_clock_that_was_ahead_make_room_for_those_of_now() {
    let federation = Federation::new();
    let a_year = 365 * 24 * AN_HOUR;
    federation.clock().turn(a_year);
    let alpha = federation.node(|config| (config.backup.every_hours, config.backup.keep) = (2, 2)).await;
    let folder = alpha.node().operator().backups().folder();
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.retain(|name| name.ends_with(".drawbridge"));
        names.sort();
        names
    };
    alpha.until_node("one is made", |_| names().len() == 1).await;
    federation.clock().turn(2 * AN_HOUR + Duration::from_secs(1));
    alpha.until_node("two are made", |_| names().len() == 2).await;
    let ahead = names();

    federation.clock().turn_back(a_year);
    let of_now = |name: &String| !ahead.contains(name);
    alpha.until_node("one is made now", |_| names().iter().filter(|name| of_now(name)).count() == 1).await;
    federation.clock().turn(2 * AN_HOUR + Duration::from_secs(1));
    alpha
        .until_node("only those of now are left", |_| {
            let names = names();
            names.len() == 2 && names.iter().all(of_now)
        })
        .await;
}

#[tokio::test]
async fn a_backup_that_fails_is_to_be_repaired_until_one_is_made() {
    let federation = Federation::new();
    let folder = federation.dir().join("a-file");
    std::fs::write(&folder, "where the folder is to be").unwrap();
    let place = folder.clone();
    let alpha = federation.node(move |config| {
        config.backup.every_hours = 24;
        config.backup.folder = Some(place);
    });
    let alpha = alpha.await;
    let is_raised = |node: &Node| node.operator().backups().failed().is_some();
    alpha.until_node("it is noted", is_raised).await;
    let failed = alpha.node().operator().backups().failed().unwrap();
    assert_eq!((failed.code, failed.newest), ("backup-unwritable", None));
    assert!(failed.text.contains("a-file"), "{}", failed.text);
    let raised = alpha.raises(&RepairSubject::Node, "backup-failed").await;
    assert!(raised.text.contains("there is none"), "{}", raised.text);

    std::fs::remove_file(&folder).unwrap();
    federation.clock().turn(Duration::from_secs(601));
    alpha.until_node("one is made", |node| !is_raised(node)).await;
    alpha.mends(raised.id).await;
}

#[tokio::test]
async fn little_room_is_said_before_there_is_none() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    alpha.clock().leaves_free(Some(500 << 20));
    let raised = alpha.raises(&RepairSubject::Node, "disk-low").await;
    assert!(raised.text.contains("500 MiB"), "{}", raised.text);
    let refused = alpha.node().operator().backups().make(open()).await;
    alpha.clock().leaves_free(Some(0));
    assert!(refused.is_ok(), "a backup has room in that");
    let refused = alpha.node().operator().backups().make(open()).await.unwrap_err();
    assert!(matches!(refused, BackupFault::NoRoom { free: 0, .. }), "{refused}");
    alpha.clock().leaves_free(Some(600 << 20));
    alpha.mends(raised.id).await;
}

#[tokio::test]
async fn where_there_is_no_room_no_backup_is_begun() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let taken = federation.dir().join("taken.drawbridge");
    std::fs::write(&taken, "something").unwrap();
    let refused =
        alpha.node().operator().backups().make(BackupOrder { file: Some(taken.clone()), ..open() }).await;
    assert!(matches!(refused, Err(BackupFault::Taken(_))));
    assert_eq!(std::fs::read(&taken).unwrap(), b"something");

    alpha.clock().fills_disk(true);
    let refused = alpha.node().operator().backups().make(open()).await.unwrap_err();
    assert!(matches!(refused, BackupFault::NoRoom { .. }), "{refused}");
    assert_eq!(alpha.node().operator().backups().kept().await.unwrap(), []);
    alpha.clock().fills_disk(false);
    backs_up(&alpha, open()).await;
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test]
async fn the_command_line_backs_up_what_runs_and_what_does_not_and_restores_it() {
    let federation = Federation::new();
    let listen = federation.free_address();
    let config = federation.config(|config| config.admin = Some(ListenConfig::plain(listen)));
    let daemon = Daemon::start(&config).await;
    Daemon::answer(&config, "create-user", &json!({"name": "ann"}));
    let running = federation.dir().join("running.drawbridge.age");
    let secret = federation.dir().join("secret");
    std::fs::write(&secret, "open sesame\n").unwrap();
    let told = Daemon::command("backup", &config)
        .arg(&running)
        .arg("--passphrase-file")
        .arg(&secret)
        .output()
        .unwrap();
    assert!(told.status.success() && running.exists(), "{}", said(&told));
    let backups = Daemon::answer(&config, "backups", &json!({}));
    assert_eq!((&backups["backups"], &backups["every_hours"]), (&json!([]), &json!(0)));
    let again = Daemon::command("backup", &config).arg(&running).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("is there already"), "{}", said(&again));
    drop(daemon);

    let stopped = Daemon::command("backup", &config).output().unwrap();
    assert!(stopped.status.success() && said(&stopped).contains("keep it safe"), "{}", said(&stopped));

    // On another computer, where nothing is yet.
    let home = federation.dir().join("another/drawbridge.toml");
    std::fs::create_dir(home.parent().unwrap()).unwrap();
    std::fs::remove_dir_all(&config.data_dir).unwrap();
    let restore = |more: &[&std::ffi::OsStr]| {
        let mut command = Command::new(Daemon::program());
        let restore = command.arg("restore").arg(&running).arg("--config").arg(&home).args(more);
        restore.stdin(Stdio::null()).output().unwrap()
    };
    let sealed = restore(&[]);
    assert_eq!(sealed.status.code(), Some(1));
    assert!(said(&sealed).contains("sealed with a passphrase"), "{}", said(&sealed));
    let opener = ["--passphrase-file".as_ref(), secret.as_os_str()];
    let looked = restore(&[&opener[..], &["--check".as_ref()]].concat());
    assert!(looked.status.success() && said(&looked).contains("is whole"), "{}", said(&looked));
    assert!(!home.exists() && !config.data_dir.exists());
    let restored = restore(&opener);
    assert!(restored.status.success() && home.exists(), "{}", said(&restored));
    let daemon = Daemon::start(&config).await;
    let users: Value = Daemon::answer(&config, "users", &json!({}));
    assert_eq!(users["users"][0]["name"], "ann");
    drop(daemon);
}

#[tokio::test]
async fn a_backup_takes_the_place_of_a_configuration_that_names_no_provider_and_is_for_whom_the_data_folder_is()
 {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

    let federation = Federation::new();
    let config = federation.config(|_| {});
    drop(Daemon::start(&config).await);
    let file = federation.dir().join("backup.drawbridge");
    let made = Daemon::command("backup", &config).arg(&file).output().unwrap();
    assert!(made.status.success(), "{}", said(&made));

    // As a package leaves another computer: root restores, and the service is another user's.
    let packaged = federation.dir().join("packaged.toml");
    std::fs::write(&packaged, "# provider = \"home.example\"\ndata_dir = \"elsewhere\"\n").unwrap();
    std::fs::set_permissions(&packaged, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::fs::remove_dir_all(&config.data_dir).unwrap();
    std::fs::create_dir(&config.data_dir).unwrap();
    let owner = |path: &std::path::Path| std::fs::symlink_metadata(path).unwrap().uid();
    if owner("/proc/self".as_ref()) == 0 {
        chown(&config.data_dir, Some(65534), Some(65534)).unwrap();
    }
    let whose = owner(&config.data_dir);
    let mut restore = Command::new(Daemon::program());
    let restored = restore.arg("restore").arg(&file).arg("--config").arg(&packaged).output().unwrap();
    assert!(restored.status.success(), "{}", said(&restored));
    assert_eq!(Config::load(&packaged).unwrap().provider, config.provider);
    assert_eq!(std::fs::metadata(&packaged).unwrap().permissions().mode() & 0o777, 0o640);
    let put: Vec<_> =
        std::fs::read_dir(&config.data_dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(put.contains(&config.data_dir.join("store.sqlite")), "{put:?}");
    assert!(put.iter().all(|path| owner(path) == whose), "{put:?}");

    let again = restore.output().unwrap();
    assert_eq!(again.status.code(), Some(1), "{}", said(&again));

    // On a computer without the package's configuration the service can read the one that root has put there, and only one restore
    // at a time fills the folder.
    std::fs::remove_file(&packaged).unwrap();
    std::fs::remove_dir_all(&config.data_dir).unwrap();
    std::fs::create_dir(&config.data_dir).unwrap();
    if owner("/proc/self".as_ref()) == 0 {
        chown(&config.data_dir, Some(65534), Some(65534)).unwrap();
    }
    let held = std::fs::File::open(&config.data_dir).unwrap();
    held.lock().unwrap();
    let beside = restore.output().unwrap();
    assert_eq!(beside.status.code(), Some(1), "{}", said(&beside));
    assert!(said(&beside).contains("another backup is being restored into"), "{}", said(&beside));
    assert!(std::fs::read_dir(&config.data_dir).unwrap().next().is_none() && !packaged.exists());
    drop(held);
    let restored = restore.output().unwrap();
    assert!(restored.status.success(), "{}", said(&restored));
    let put = std::fs::metadata(&packaged).unwrap();
    let is_ours = whose == owner("/proc/self".as_ref());
    assert!(is_ours || (put.gid(), put.mode() & 0o777) == (65534, 0o640), "{put:?}");
}

#[tokio::test]
async fn a_backup_is_downloaded_by_who_is_let_in_and_one_that_is_cut_leaves_nothing_behind() {
    let federation = Federation::new();
    let listen = federation.free_address();
    let config = federation.config(|config| config.admin = Some(ListenConfig::plain(listen)));
    let daemon = Daemon::start(&config).await;
    Daemon::answer(&config, "create-user", &json!({"name": "ann"}));
    Daemon::answer(&config, "open-account", &json!({"user": "ann"}));
    // So much that it is not on its way before somebody reads it.
    let large = rusqlite::Connection::open(config.data_dir.join("clients/large.sqlite")).unwrap();
    large.execute_batch("CREATE TABLE t (c BLOB); INSERT INTO t VALUES (zeroblob(96 << 20))").unwrap();
    drop(large);
    let names = || all_of(&config.data_dir).into_iter().map(|(path, _)| path).collect::<Vec<_>>();
    let before = names();

    let key: Value =
        serde_json::from_slice(&std::fs::read(config.data_dir.join("admin.json")).unwrap()).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A connection that was long in use may be closed by the time it is used again.
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).pool_max_idle_per_host(0);
    let client = client.build().unwrap();
    let at = |order: &Value| format!("http://{listen}/admin/v1/backup/{}", order["id"].as_str().unwrap());
    let fetch = async |order: &Value| {
        client.get(at(order)).bearer_auth(key["token"].as_str().unwrap()).send().await.unwrap()
    };
    let order = |ask: Value| Daemon::answer(&config, "order-backup", &ask);

    let sealed = order(json!({ "passphrase": "open sesame" }));
    assert_eq!((&sealed["sealed"], &sealed["keys"]), (&json!(true), &json!(true)));
    assert_eq!(client.get(at(&sealed)).send().await.unwrap().status(), 401);
    let mut answer = fetch(&sealed).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let named = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(named.starts_with("attachment; filename=\"") && named.ends_with(".drawbridge.age\""), "{named}");
    let path = federation.dir().join("downloaded");
    let mut file = std::fs::File::create(&path).unwrap();
    while let Some(piece) = answer.chunk().await.unwrap() {
        file.write_all(&piece).unwrap();
    }
    let opener = Opener::Passphrase(passphrase("open sesame"));
    let manifest = backup::look(&path, Some(&opener)).unwrap();
    assert!(manifest.keys && std::fs::metadata(&path).unwrap().len() > 96 << 20);
    assert_eq!(fetch(&sealed).await.status(), 409, "each is fetched once");

    // Somebody goes away half way.
    let mut cut = fetch(&order(json!({ "keys": false }))).await;
    assert!(!cut.chunk().await.unwrap().unwrap().is_empty());
    let refused = Daemon::admin(&config, "order-backup", &json!({}));
    assert!(said(&refused).contains("another backup is being downloaded"), "{}", said(&refused));
    drop(cut);
    let again = loop {
        let asked = Daemon::admin(&config, "order-backup", &json!({}));
        if asked.status.success() {
            break serde_json::from_slice(&asked.stdout).unwrap();
        }
        Daemon::beat(&config).await;
    };
    assert_eq!(names(), before, "nothing of it is left");

    // A program that ends cuts it off, so that nobody takes what has come for the whole.
    let mut cut = fetch(&again).await;
    assert!(!cut.chunk().await.unwrap().unwrap().is_empty());
    let stopped = tokio::task::spawn_blocking(move || daemon.stop());
    loop {
        match cut.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("what was cut off seems to be whole"),
            Err(_) => break,
        }
    }
    assert!(stopped.await.unwrap().success());
}
