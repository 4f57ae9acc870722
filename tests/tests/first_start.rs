//! The first start on a terminal, by the program itself: what it asks, what it takes, and what runs then.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use drawbridge_node::config::{AcmeChallenge, Config};
use drawbridge_testkit::{Daemon, Federation};

/// `drawbridged setup` in `home` with these options and answers.
fn set_up(home: &Path, options: &[&str], answers: &[&str]) -> Output {
    let mut command = Command::new(Daemon::program());
    command.arg("setup").arg("--home").arg(home).args(options).env_remove("RUST_LOG");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut asked = command.spawn().unwrap();
    let typed: String = answers.iter().map(|answer| format!("{answer}\n")).collect();
    // It may have ended before it was told everything.
    let _ = asked.stdin.take().unwrap().write_all(typed.as_bytes());
    asked.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Nothing but what the program needs to ask by itself is left in `home`.
fn is_empty(home: &Path) -> bool {
    !home.exists() || std::fs::read_dir(home).unwrap().next().is_none()
}

#[tokio::test]
async fn ten_answers_on_a_terminal_make_a_provider_that_is_found_under_its_name() {
    let federation = Federation::new();
    let home = federation.dir().join("home");
    let address = federation.free_address();
    let (typed, listen) =
        (format!("https://LocalHost:{}/", address.port()), format!("127.0.0.1:{}", address.port()));
    let clients = federation.free_address().to_string();
    let answers = [
        typed.as_str(),
        // The name as it is used, which is offered.
        "",
        "network",
        &listen,
        // It is for this computer alone: where it listens, and the name.
        "yes",
        "yes",
        "Alice",
        "",
        // Not the one that is offered: another run of the tests is offered the same.
        &clients,
    ];
    assert!(answers.len() <= 10);
    let output = set_up(&home, &[], &answers);
    assert!(output.status.success(), "{}", said(&output));
    let name = format!("localhost:{}", address.port());
    for told in
        [format!("{name} is set up in"), format!("mimi://{name}/u/alice"), "drawbridged run --home".into()]
    {
        assert!(said(&output).contains(&told), "{told}: {}", said(&output));
    }

    let config = Config::load(&home.join("config.toml")).unwrap();
    assert_eq!(config.provider.as_str(), name);
    assert_eq!(config.client.unwrap().listen.to_string(), clients);
    // It listens at the address of one test, which the name leads to.
    let mut run = Command::new(Daemon::program());
    run.arg("run").arg("--home").arg(&home).args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
    let mut running = run.spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(running.stdout.take().unwrap()), &mut line)
        .unwrap();
    let check = Command::new(Daemon::program()).arg("check").arg("--home").arg(&home).output().unwrap();
    running.kill().unwrap();
    running.wait().unwrap();
    assert!(check.status.success(), "{}", said(&check));
    for step in [
        "a signed request was answered with our own signature",
        "bytes passed",
        "the document under our name is ours",
    ] {
        assert!(said(&check).contains(step), "{step}: {}", said(&check));
    }

    let again = set_up(&home, &["--yes", "--name", "a.example", "--user", "ann"], &[]);
    assert_eq!(again.status.code(), Some(2));
    assert!(said(&again).contains("is set up in"), "{}", said(&again));
}

#[tokio::test]
async fn each_way_of_being_reached_is_set_up_by_options_alone() {
    let federation = Federation::new();
    let (cert, key) = federation.certificate("home.example", 443);
    let (cert, key) = (cert.display().to_string(), key.display().to_string());
    let files = ["--tls-cert", cert.as_str(), "--tls-key", key.as_str()];
    let acme =
        ["--agree-terms", "--contact", "ann@home.example", "--directory", "https://127.0.0.1:1/directory"];
    for (way, more) in [("network", &[][..]), ("proxy", &[][..]), ("files", &files[..]), ("acme", &acme[..])]
    {
        let home = federation.dir().join(way);
        let (listen, clients) =
            (federation.free_address().to_string(), federation.free_address().to_string());
        let given = ["--yes", "--reached-by", way, "--name", "home.example", "--user", "ann"];
        // Another run of the tests is offered the same port for clients.
        let ports = ["--listen", &listen, "--clients", &clients];
        let output = set_up(&home, &[&given[..], &ports, more].concat(), &[]);
        assert!(output.status.success(), "{way}: {}", said(&output));
        let config = Config::load(&home.join("config.toml")).unwrap();
        assert_eq!(config.mtp.behind_proxy, way == "proxy");
        assert_eq!(config.mtp.tls_cert.is_some(), way == "files");
        assert_eq!(config.acme.is_some(), way == "acme");
        if let Some(acme) = config.acme {
            assert_eq!(acme.contact.unwrap().to_string(), "ann@home.example");
            assert_eq!(acme.challenge, AcmeChallenge::TlsAlpn01);
        }
        assert!(home.join("data/store.sqlite").exists());
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_and_nothing_is_kept() {
    let federation = Federation::new();
    let home = federation.dir().join("home");
    let held = std::net::TcpListener::bind((federation.address(), 0)).unwrap();
    let taken = held.local_addr().unwrap().to_string();
    let (cert, key) = federation.certificate("other.example", 443);
    let (cert, key) = (cert.display().to_string(), key.display().to_string());
    let listen = federation.free_address().to_string();
    let usual = ["--yes", "--user", "ann", "--listen", listen.as_str()];
    let named = ["--name", "home.example"];
    for (options, told) in [
        (vec!["--name", "https://home.example"], "answer home.example instead"),
        (vec!["--name", "home.example", "--user", "Ann"], "answer ann instead"),
        (vec!["--name", "home.example", "--listen", &taken], "another program has port"),
        (vec!["--name", "home.example", "--reached-by", "acme"], "Let's Encrypt gives a certificate only to"),
        (
            vec!["--name", "nas", "--reached-by", "acme", "--agree-terms"],
            "domains that everybody can look up",
        ),
        (
            vec!["--name", "home.example", "--reached-by", "files", "--tls-cert", &cert, "--tls-key", &key],
            "and not for home.example",
        ),
        (
            vec!["--name", "home.example", "--reached-by", "files", "--tls-cert", &cert],
            "name the file with the key",
        ),
    ] {
        let mut given = options.clone();
        for pair in usual[1..].chunks(2).filter(|pair| !options.contains(&pair[0])) {
            given.extend(pair);
        }
        let output = set_up(&home, &[&["--yes"], &given[..]].concat(), &[]);
        assert_eq!(output.status.code(), Some(2), "{options:?}: {}", said(&output));
        assert!(said(&output).contains(told), "{options:?}: {}", said(&output));
        assert!(is_empty(&home), "{options:?}");
    }
    let output = set_up(&home, &named, &["network"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("nothing was set up"), "{}", said(&output));
    assert!(is_empty(&home));
}
