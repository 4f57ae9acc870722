//! A provider under a service manager: what it tells that, what health checks are told, and what a package has of its command line.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
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
