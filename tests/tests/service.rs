//! A provider under a service manager: what it tells that, what health checks are told, and what a package has of its command line.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use drawbridge_node::config::{Config, ListenConfig};
use drawbridge_testkit::{Daemon, Federation, WAIT_LIMIT};
use serde_json::json;
use tokio::sync::mpsc;

/// Of which a provider says three times that it works.
const WATCHDOG_USEC: &str = "150000";

/// A provider with pages, on the loopback network and without TLS.
fn with_pages(federation: &Federation) -> Config {
    let listen = federation.config(|_| {}).mtp.listen.ip().unwrap();
    federation.config(|config| config.admin = Some(ListenConfig::plain(listen)))
}

fn socket_of(config: &Config) -> PathBuf {
    config.data_dir.with_extension("notify")
}

/// The provider of `config`, as a service manager that listens at [`socket_of`] starts it.
fn serve(config: &Config) -> Command {
    let mut command = Daemon::serve(config);
    command.env("NOTIFY_SOCKET", socket_of(config)).env("WATCHDOG_USEC", WATCHDOG_USEC);
    command.stdout(Stdio::null());
    command
}

/// What a service manager hears.
struct Heard(mpsc::UnboundedReceiver<String>);

impl Heard {
    /// Listens for `config`. All is read as it comes: who tells something waits while nobody reads.
    fn listen(config: &Config) -> Self {
        let socket = UnixDatagram::bind(socket_of(config)).unwrap();
        let (tell, told) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            let mut datagram = [0; 4096];
            while let Ok(length) = socket.recv(&mut datagram) {
                if tell.send(String::from_utf8(datagram[..length].to_vec()).unwrap()).is_err() {
                    return;
                }
            }
        });
        Self(told)
    }

    async fn next(&mut self) -> String {
        let told = tokio::time::timeout(WAIT_LIMIT, self.0.recv()).await;
        told.expect("the service manager is told something").unwrap()
    }

    /// Returns the first that is no word of the watchdog.
    async fn next_news(&mut self) -> String {
        loop {
            let told = self.next().await;
            if told != "WATCHDOG=1\n" {
                return told;
            }
        }
    }
}

fn healthy(config: &Config) -> Output {
    Daemon::command("healthy", config).output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_manager_is_told_when_it_answers_that_it_works_and_that_it_ends() {
    let federation = Federation::new();
    let config = with_pages(&federation);
    let mut heard = Heard::listen(&config);
    let daemon = Daemon::run(&mut serve(&config));

    assert_eq!(heard.next().await, "READY=1\n", "nothing is told before it answers");
    let said = healthy(&config);
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    let expected = format!("{} answers, and keeps what it is given.\n", config.provider);
    assert_eq!(String::from_utf8(said.stdout).unwrap(), expected);
    for _ in 0..3 {
        assert_eq!(heard.next().await, "WATCHDOG=1\n");
    }

    daemon.signal("HUP");
    let reloading = heard.next_news().await;
    let time = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect(&reloading);
    assert!(time.trim_end().parse::<u64>().unwrap() > 0);
    assert_eq!(heard.next_news().await, "READY=1\n", "it is done with reading anew");

    assert!(daemon.stop().success());
    assert_eq!(heard.next_news().await, "STOPPING=1\n");
}

#[tokio::test]
async fn what_does_not_start_is_never_ready() {
    let federation = Federation::new();
    let config = with_pages(&federation);
    let socket = UnixDatagram::bind(socket_of(&config)).unwrap();
    socket.set_nonblocking(true).unwrap();
    let _in_its_place = std::net::TcpListener::bind(config.mtp.listen.ip().unwrap()).unwrap();
    let said = serve(&config).output().unwrap();
    assert_eq!(said.status.code(), Some(2), "{said:?}");
    let told = socket.recv(&mut [0; 64]);
    assert_eq!(told.unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "it was told something");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_store_takes_nothing_up_does_not_say_that_it_works() {
    let federation = Federation::new();
    let config = with_pages(&federation);
    let mut heard = Heard::listen(&config);
    let daemon = Daemon::run(&mut serve(&config));
    assert_eq!(heard.next().await, "READY=1\n");

    // Another program holds the store. A write then waits for seconds until it is given up, which would be time for a hundred
    // words of a provider that did not look.
    let other = rusqlite::Connection::open(config.data_dir.join("store.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    while heard.0.try_recv().is_ok() {}
    let refused = Daemon::admin(&config, "create-user", &json!({ "name": "ann" }));
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let mut told = 0;
    while heard.0.try_recv().is_ok() {
        told += 1;
    }
    assert!(told < 10, "it was told {told} times");

    other.execute_batch("ROLLBACK").unwrap();
    while heard.0.try_recv().is_ok() {}
    for _ in 0..2 {
        assert_eq!(heard.next().await, "WATCHDOG=1\n", "it works again");
    }
    Daemon::answer(&config, "create-user", &json!({ "name": "ann" }));
    assert!(daemon.stop().success());
}

#[tokio::test]
async fn a_provider_that_does_not_run_or_cannot_keep_anything_is_not_healthy() {
    let federation = Federation::new();
    let config = with_pages(&federation);
    Daemon::write(&config);
    let is_refused = |part: &str| {
        let said = healthy(&config);
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.status.code() == Some(1) && text.contains(part), "{said:?}");
    };
    is_refused("no node with pages is running");

    let daemon = Daemon::start(&config).await;
    assert!(healthy(&config).status.success());
    let limit = |bytes: &str| {
        let id = daemon.id().to_string();
        let limited =
            Command::new("prlimit").args(["--pid", &id, &format!("--fsize={bytes}:unlimited")]).status();
        assert!(limited.unwrap().success());
    };
    limit("4096");
    let refused = Daemon::admin(&config, "create-user", &json!({ "name": "ann" }));
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    is_refused("cannot keep what it is given since");
    limit("unlimited");
    Daemon::answer(&config, "create-user", &json!({ "name": "ann" }));
    assert!(healthy(&config).status.success());

    // What a killed one has left does not make it answer.
    daemon.kill();
    is_refused("no node with pages is running");
}

/// A computer on which the package was installed, by root, and nothing else was done.
struct Installed(Config);

impl Installed {
    /// One on which the provider of `config` is to run.
    fn new(config: Config) -> Self {
        let installed = Self(config);
        let admin = installed.0.admin.as_ref().unwrap().listen;
        let mut text = include_str!("../../packaging/daemon/drawbridge.toml").to_owned();
        for (packaged, here) in [
            ("/var/lib/drawbridge", installed.data().display().to_string()),
            ("127.0.0.1:9103", admin.to_string()),
        ] {
            let packaged = format!("= \"{packaged}\"");
            assert!(text.contains(&packaged), "{packaged}");
            text = text.replace(&packaged, &format!("= \"{here}\""));
        }
        fs::write(installed.file(), text).unwrap();
        fs::set_permissions(installed.file(), Permissions::from_mode(0o640)).unwrap();
        fs::create_dir(installed.data()).unwrap();
        // The user of the service, where somebody else can be given anything, and can come to it.
        let above: Vec<_> = installed.data().ancestors().skip(1).collect();
        fs::set_permissions(above[0], Permissions::from_mode(0o711)).unwrap();
        let is_open = |folder: &&Path| fs::metadata(folder).is_ok_and(|found| found.mode() & 1 == 1);
        if uid("/proc/self".as_ref()) == 0 && above.iter().all(is_open) {
            chown(installed.data(), Some(65534), Some(65534)).unwrap();
            chown(installed.file(), None, Some(65534)).unwrap();
        }
        installed
    }

    fn file(&self) -> PathBuf {
        self.0.data_dir.with_extension("toml")
    }

    /// Whether the data folder belongs to another user than who runs the tests.
    fn is_of_another(&self) -> bool {
        uid(self.data()) != uid("/proc/self".as_ref())
    }

    fn data(&self) -> &Path {
        &self.0.data_dir
    }

    /// What a command ends with and prints; it is given nothing to read.
    fn run(&self, command: &str, options: &[&str]) -> (Option<i32>, String) {
        let said = Daemon::command(command, &self.0).args(options).stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8(said.stdout).unwrap() + &String::from_utf8(said.stderr).unwrap();
        (said.status.code(), text)
    }

    /// Starts the provider, and looks whether it is the one with the account ann. It does not start for root, whose files the user of
    /// the service could not use; who runs the tests takes that user's place.
    async fn starts(&self) -> Daemon {
        if self.is_of_another() {
            let (status, said) = self.run("serve", &[]);
            assert!(
                status == Some(2) && said.contains("belongs to the user number 65534"),
                "{status:?}: {said}"
            );
            self.is_for_its_service();
            assert!(
                Command::new("chown")
                    .arg("-R")
                    .arg(uid("/proc/self".as_ref()).to_string())
                    .arg(self.data())
                    .status()
                    .unwrap()
                    .success()
            );
        }
        let daemon = Daemon::ready(&mut Daemon::command("serve", &self.0), &self.0).await;
        assert!(healthy(&self.0).status.success());
        let users = Daemon::answer(&self.0, "users", &json!({}));
        assert_eq!(users["users"][0]["name"], "ann", "{users}");
        daemon
    }

    /// Whether the configuration is for whom it was, and all of the data for the user of the service.
    fn is_for_its_service(&self) {
        let file = fs::metadata(self.file()).unwrap();
        assert_eq!(file.mode() & 0o777, 0o640);
        let owner = fs::metadata(self.data()).unwrap();
        assert_eq!(file.gid(), owner.gid());
        let mut folders = vec![self.data().to_owned()];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                assert_eq!(uid(&entry.path()), owner.uid(), "{}", entry.path().display());
                folders.extend(entry.file_type().unwrap().is_dir().then(|| entry.path()));
                count += 1;
            }
        }
        assert!(count > 2, "the store and the key are there");
    }
}

fn uid(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().uid()
}

#[tokio::test]
async fn a_service_is_set_up_in_what_its_package_brings_and_its_backup_restored_into_another() {
    let federation = Federation::new();
    let installed = Installed::new(with_pages(&federation));
    let before = fs::read(installed.file()).unwrap();
    let is_untouched = || {
        assert_eq!(fs::read(installed.file()).unwrap(), before);
        assert!(fs::read_dir(installed.data()).unwrap().next().is_none());
        assert!(!installed.file().with_extension("new.toml").exists());
    };
    let (status, said) = installed.run("serve", &[]);
    assert!(status == Some(2) && said.contains("drawbridged setup --config"), "{status:?}: {said}");
    is_untouched();

    let name = installed.0.provider.to_string();
    let listen = installed.0.mtp.listen.to_string();
    let clients = federation.free_address().to_string();
    let mut answers =
        vec!["--yes", "--name", &name, "--reached-by", "network", "--listen", &listen, "--clients", &clients];
    let (status, said) = installed.run("setup", &[&answers[..], &["--user", "Ann"]].concat());
    assert!(status == Some(2) && said.contains("answer ann instead"), "{status:?}: {said}");
    is_untouched();
    answers.extend(["--user", "ann"]);
    let (status, said) = installed.run("setup", &answers);
    assert_eq!(status, Some(0), "{said}");
    for told in ["/u/ann.", "drawbridged serve --config", "drawbridged check --config"] {
        assert!(said.contains(told), "{told}: {said}");
    }
    installed.is_for_its_service();
    let config = Config::load(&installed.file()).unwrap();
    assert_eq!(config.data_dir, installed.data());
    assert_eq!(config.admin.unwrap().listen, installed.0.admin.as_ref().unwrap().listen);
    assert_eq!(config.backup.every_hours, 24, "what the package had set stays");
    let (status, said) = installed.run("setup", &answers);
    assert!(status == Some(2) && said.contains("is set up in"), "{status:?}: {said}");

    // As who the service is: root would be led by it to what is none of its business.
    if installed.is_of_another() {
        let (token, secret) = (installed.data().join("metrics-token"), federation.dir().join("secret"));
        fs::write(&secret, "of root").unwrap();
        fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&secret, &token).unwrap();
        let (status, said) = installed.run("backup", &[]);
        assert!(status == Some(1) && said.contains("Permission denied"), "{status:?}: {said}");
        fs::remove_file(token).unwrap();
    }
    let (status, said) = installed.run("backup", &[]);
    assert_eq!(status, Some(0), "{said}");
    // It has made the folder that the service puts the next ones into.
    installed.is_for_its_service();
    let running = installed.starts().await;
    let (status, said) = installed.run("backup", &[]);
    assert_eq!(status, Some(0), "{said}");
    let (backup, _) = said.split_once(" (").unwrap();
    assert!(Path::new(backup).starts_with(installed.data().join("backups")), "{backup}");
    let copy = federation.dir().join("copied.drawbridge");
    fs::copy(backup, &copy).unwrap();
    running.kill();

    // The same computer, of which nothing is left.
    fs::remove_dir_all(installed.data()).unwrap();
    let installed = Installed::new(installed.0);
    let (status, said) = installed.run("restore", &[copy.to_str().unwrap()]);
    assert_eq!(status, Some(0), "{said}");
    installed.is_for_its_service();
    assert!(installed.starts().await.stop().success());
    let (status, said) = installed.run("restore", &[copy.to_str().unwrap()]);
    assert!(status == Some(1) && said.contains("is not empty"), "{status:?}: {said}");
}

#[tokio::test]
async fn each_command_has_a_manual_page_and_is_completed_by_shells() {
    let federation = Federation::new();
    let folder = federation.dir().join("package");
    let run = |arguments: &[&str]| Command::new(Daemon::program()).args(arguments).output().unwrap();
    let made = run(&["package-files", folder.to_str().unwrap()]);
    assert!(made.status.success(), "{made:?}");

    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    let (_, listed) = help.split_once("Commands:\n").unwrap();
    let (listed, _) = listed.split_once("\n\n").unwrap();
    let named = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<_> = named.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"serve") && names.contains(&"healthy") && !names.contains(&"package-files"));

    let read = |path: &str| std::fs::read_to_string(folder.join(path)).expect(path);
    let shells = ["drawbridged.bash", "_drawbridged", "drawbridged.fish"];
    let shells = shells.map(|name| read(&format!("completions/{name}")));
    let page = read("man/drawbridged.1");
    assert!(page.contains("A personal MTP provider"), "{page}");
    for name in names.into_iter().filter(|name| *name != "help") {
        let page = read(&format!("man/drawbridged-{name}.1"));
        assert!(page.contains(".SH DESCRIPTION"), "{name}: {page}");
        assert!(shells.iter().all(|shell| shell.contains(name)), "{name} is not completed");
    }
}
