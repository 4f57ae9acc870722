//! A provider at home, whose router opens the port for it: `drawbridged` and the real `miniupnpd`, each in a network namespace of its
//! own, and another provider's `drawbridged` in a third one, which stands for the Internet.
//!
//! Namespaces need root, and so do these tests: see [`is_possible`] for how they are left out.

#![allow(clippy::unwrap_used, reason = "these are tests")]
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use drawbridge_node::config::{AcmeChallenge, AcmeConfig, Config, ListenConfig};
use drawbridge_testkit::{Daemon, Federation, WAIT_LIMIT, write_program};
use serde_json::{Value, json};

/// The addresses of the network at home. The namespaces are apart, so they are the same in each test.
const ROUTER: &str = "192.168.77.1";
const HOME: &str = "192.168.77.5";
const NEIGHBOUR: &str = "192.168.77.9";
/// The router's address in the Internet and that of a host there, which are nobody's business outside of the namespaces; and the
/// router's behind carrier NAT.
const PUBLIC: &str = "11.22.33.2";
const OTHER_PUBLIC: &str = "11.22.33.3";
const ELSEWHERE: &str = "11.22.33.9";
const SHARED: &str = "100.64.5.2";

/// What the router does with what comes: nothing comes in but what `miniupnpd` lets in.
const RULES: &str = r#"
table inet filter {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "lan" accept
    jump miniupnpd
  }
  chain miniupnpd { }
  chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
  chain postrouting { type nat hook postrouting priority 100; oifname "wan" masquerade; jump postrouting_miniupnpd; }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
}
"#;

/// Runs a program, which has to succeed.
fn run(program: &str, arguments: &[&str]) -> Output {
    // Where packages put servers is not in everybody's path.
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let ran = Command::new(program).args(arguments).env("PATH", path).stdin(Stdio::null()).output();
    let ran =
        ran.unwrap_or_else(|fault| panic!("{program}: {fault}; scripts/need test installs what is missing"));
    assert!(ran.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    ran
}

fn ip(line: &str) {
    run("ip", &line.split(' ').collect::<Vec<_>>());
}

/// A home network behind a router, and the Internet that the router is in, as three namespaces.
struct Networks {
    name: String,
    dir: PathBuf,
    router: Option<Child>,
}

impl Networks {
    fn new(federation: &Federation, external: &str) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("db{}n{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let networks = Self { name, dir: federation.dir().to_owned(), router: None };
        let [router, home, internet] = networks.namespaces();
        for namespace in [&router, &home, &internet] {
            ip(&format!("netns add {namespace}"));
            ip(&format!("-n {namespace} link set lo up"));
        }
        ip(&format!("link add lan netns {router} type veth peer name eth netns {home}"));
        ip(&format!("link add wan netns {router} type veth peer name eth netns {internet}"));
        for (namespace, link, address) in [
            (&router, "lan", ROUTER),
            (&router, "wan", external),
            (&home, "eth", HOME),
            (&home, "eth", NEIGHBOUR),
            (&internet, "eth", ELSEWHERE),
        ] {
            ip(&format!("-n {namespace} addr add {address}/24 dev {link}"));
            ip(&format!("-n {namespace} link set {link} up"));
        }
        ip(&format!("-n {home} route add default via {ROUTER} src {HOME}"));
        let rules = networks.dir.join("rules.nft");
        fs::write(&rules, RULES).unwrap();
        networks.inside(&router, "nft", &["-f", rules.to_str().unwrap()]);
        networks.inside(&router, "sysctl", &["-qw", "net.ipv4.ip_forward=1"]);
        networks
    }

    /// The namespaces of the router, of home, and of the Internet.
    fn namespaces(&self) -> [String; 3] {
        ["r", "h", "i"].map(|which| format!("{}{which}", self.name))
    }

    fn home(&self) -> String {
        self.namespaces()[1].clone()
    }

    fn internet(&self) -> String {
        self.namespaces()[2].clone()
    }

    fn inside(&self, namespace: &str, program: &str, arguments: &[&str]) -> Output {
        run("ip", &[&["netns", "exec", namespace, program][..], arguments].concat())
    }

    /// `command` in a namespace.
    fn command(&self, namespace: &str, command: &Command) -> Command {
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", namespace]).arg(command.get_program()).args(command.get_args());
        inside.env_remove("RUST_LOG").stdin(Stdio::null());
        inside
    }

    /// Starts `miniupnpd` in the router, with lines of its own beside what every router has.
    async fn start_router(&mut self, lines: &str) {
        let config = self.dir.join("miniupnpd.conf");
        let text = format!(
            "ext_ifname=wan\nlistening_ip=lan\nhttp_port=0\nsecure_mode=yes\nipv6_disable=yes\nuuid=51bd0d09-9332-4342-8f90-04a93edd673e\n\
             lease_file={}\n{lines}\n",
            self.dir.join("leases").display()
        );
        fs::write(&config, text).unwrap();
        let log = self.dir.join("miniupnpd.log");
        let mut miniupnpd = Command::new("miniupnpd");
        miniupnpd.arg("-d").arg("-f").arg(&config).arg("-P").arg(self.dir.join("miniupnpd.pid"));
        let mut miniupnpd = self.command(&self.namespaces()[0], &miniupnpd);
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
        let output = fs::File::create(&log).unwrap();
        miniupnpd.env("PATH", path).stdout(output.try_clone().unwrap()).stderr(output);
        let mut child = miniupnpd.spawn().unwrap();
        // It tells nobody that it listens but in its log.
        let end = tokio::time::Instant::now() + WAIT_LIMIT;
        while !fs::read_to_string(&log).unwrap_or_default().contains("istening") {
            let ended = child.try_wait().unwrap();
            let said = || fs::read_to_string(&log).unwrap_or_default();
            assert!(ended.is_none(), "miniupnpd has ended: {ended:?}: {}", said());
            assert!(tokio::time::Instant::now() < end, "miniupnpd does not listen: {}", said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.router = Some(child);
    }

    /// The router starts anew, and has forgotten what it led where.
    fn forget(&self) {
        let [router, ..] = self.namespaces();
        for chain in ["prerouting_miniupnpd", "postrouting_miniupnpd", "miniupnpd"] {
            self.inside(&router, "nft", &["flush", "chain", "inet", "filter", chain]);
        }
    }

    /// The router gets another address from the Internet.
    fn moves_to(&self, external: &str) {
        let [router, ..] = self.namespaces();
        ip(&format!("-n {router} addr flush dev wan"));
        ip(&format!("-n {router} addr add {external}/24 dev wan"));
    }

    fn stop_router(&mut self) {
        if let Some(mut child) = self.router.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Where the router leads what comes to `port`, as the kernel has it.
    fn leads(&self, port: u16) -> Option<String> {
        let rules = self.inside(
            &self.namespaces()[0],
            "nft",
            &["list", "chain", "inet", "filter", "prerouting_miniupnpd"],
        );
        let rules = String::from_utf8(rules.stdout).unwrap();
        let rule = rules.lines().find(|line| line.contains(&format!("dport {port} ")))?;
        Some(rule.split("dnat").nth(1)?.split_whitespace().find(|word| word.starts_with("192."))?.to_owned())
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "miniupnpd: {}",
                fs::read_to_string(self.dir.join("miniupnpd.log")).unwrap_or_default()
            );
        }
        self.stop_router();
        for namespace in self.namespaces() {
            let _ = Command::new("ip").args(["netns", "del", &namespace]).output();
        }
    }
}

/// A provider at home, which runs in its namespace.
struct AtHome<'a> {
    networks: &'a Networks,
    config: Config,
    daemon: Option<Daemon>,
}

impl<'a> AtHome<'a> {
    fn config(federation: &Federation, alter: impl FnOnce(&mut Config)) -> Config {
        federation.config(|config| {
            config.provider = PUBLIC.parse().unwrap();
            config.mtp.listen = SocketAddr::from(([0, 0, 0, 0], 8443)).into();
            config.mtp.open_port = true;
            let (cert, key) = federation.certificate(PUBLIC, 8443);
            (config.mtp.tls_cert, config.mtp.tls_key) = (Some(cert), Some(key));
            config.client = None;
            config.admin = Some(ListenConfig::plain(SocketAddr::from(([127, 0, 0, 1], 9103))));
            config.log = Some("info".into());
            alter(config);
        })
    }

    async fn start(networks: &'a Networks, config: Config) -> Self {
        let mut serve = networks.command(&networks.home(), &Daemon::serve(&config));
        let daemon = Daemon::ready(&mut serve, &config).await;
        Self { networks, config, daemon: Some(daemon) }
    }

    fn admin(&self, command: &str) -> Value {
        let mut admin = Daemon::command("admin", &self.config);
        admin.arg(command).arg(json!({}).to_string());
        let said = self.networks.command(&self.networks.home(), &admin).output().unwrap();
        assert!(said.status.success(), "{said:?}");
        serde_json::from_slice(&said.stdout).unwrap()
    }

    /// Asks the provider until `look` finds something in what it says of itself. Its events are told inside of its namespace alone.
    async fn until<T>(&self, what: &str, command: &str, look: impl Fn(&Value) -> Option<T>) -> T {
        let end = tokio::time::Instant::now() + WAIT_LIMIT;
        loop {
            let said = self.admin(command);
            if let Some(found) = look(&said) {
                return found;
            }
            assert!(tokio::time::Instant::now() < end, "it did not come about: {what}: {said:#}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// What it says of the router, once that is as it is to be.
    async fn router(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        self.until(what, "status", |status| {
            let router = &status["node"]["ourselves"]["router"];
            (!router["looked"].is_null() && is_so(router)).then(|| router.clone())
        })
        .await
    }

    async fn repair(&self, code: &str) -> Value {
        self.until(code, "repairs", |list| {
            let all = ["open", "begun"].into_iter().filter_map(|of| list[of].as_array()).flatten();
            all.into_iter().find(|repair| repair["code"] == code).cloned()
        })
        .await
    }

    /// What it finds at itself.
    fn check(&self) -> Vec<(String, String)> {
        let mut check = Daemon::command("check", &self.config);
        check.arg("--json");
        steps(&self.networks.command(&self.networks.home(), &check).output().unwrap())
    }

    fn stop(&mut self) {
        assert!(self.daemon.take().unwrap().stop().success());
    }
}

/// Whether this computer lets namespaces be made. Where it does not (without root, or in a container without the right), the tests
/// of this file are left out by name in `scripts/test`, which counts them as skipped.
fn is_possible() -> bool {
    let name = format!("db{}probe", std::process::id());
    let made = Command::new("ip").args(["netns", "add", &name]).output();
    let _ = Command::new("ip").args(["netns", "del", &name]).output();
    made.is_ok_and(|made| made.status.success())
}

/// What the other provider, in the Internet, finds at the one at home: its steps, each by its name, with what is said of it.
fn seen_from_elsewhere(federation: &Federation, networks: &Networks) -> Vec<(String, String)> {
    let config = federation.config(|config| {
        config.provider = ELSEWHERE.parse().unwrap();
        config.mtp.listen = SocketAddr::from(([0, 0, 0, 0], 443)).into();
        config.client = None;
        let (cert, key) = federation.certificate(ELSEWHERE, 443);
        (config.mtp.tls_cert, config.mtp.tls_key) = (Some(cert), Some(key));
    });
    // It has a key of its own to ask with.
    let running = Daemon::serve(&config);
    let mut running = networks.command(&networks.internet(), &running);
    let mut running = running.stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(running.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let mut check = Daemon::command("check", &config);
    check.args(["--json", PUBLIC]);
    let seen = networks.command(&networks.internet(), &check).output().unwrap();
    let _ = running.kill();
    let _ = running.wait();
    steps(&seen)
}

fn steps(seen: &Output) -> Vec<(String, String)> {
    let report: Value = serde_json::from_slice(&seen.stdout)
        .unwrap_or_else(|fault| panic!("{fault}: {}", String::from_utf8_lossy(&seen.stderr)));
    let text = |step: &Value, of: &str| step[of].as_str().unwrap_or_default().to_owned();
    let said =
        |step: &Value| format!("{} {} {}", text(step, "verdict"), text(step, "code"), text(step, "text"));
    report["steps"].as_array().unwrap().iter().map(|step| (text(step, "name"), said(step))).collect()
}

/// What is said of the step of that name.
fn step<'a>(steps: &'a [(String, String)], name: &str) -> &'a str {
    steps.iter().find(|(of, _)| of == name).map_or("", |(_, said)| said)
}

const ALLOWS: &str = "allow 1-65535 192.168.77.0/24 1-65535\ndeny 0-65535 0.0.0.0/0 0-65535";

#[tokio::test]
async fn a_port_that_upnp_opens_leads_others_here_until_the_end() {
    assert!(is_possible(), "network namespaces need root");
    let federation = Federation::new();
    let mut networks = Networks::new(&federation, PUBLIC);
    networks.start_router(&format!("enable_upnp=yes\nenable_natpmp=no\n{ALLOWS}")).await;
    let config = AtHome::config(&federation, |_| {});
    let mut home = AtHome::start(&networks, config).await;
    let router = home.router("the port is open", |router| router["ports"][0]["is_open"] == true).await;
    assert_eq!((&router["by"], &router["external"]), (&json!("upnp"), &json!(PUBLIC)), "{router}");
    assert_eq!((&router["ports"][0]["external"], &router["ports"][0]["local"]), (&json!(443), &json!(8443)));
    assert!(router["trouble"].is_null() && !router["ports"][0]["until"].is_null(), "{router}");
    assert_eq!(networks.leads(443).as_deref(), Some("192.168.77.5:8443"));

    let seen = seen_from_elsewhere(&federation, &networks);
    for reached in ["connect", "tls", "document"] {
        assert!(step(&seen, reached).starts_with("pass"), "{reached}: {seen:#?}");
    }
    let own = home.check();
    assert_eq!(step(&own, "way-in"), format!("pass  the router leads port 443 of {PUBLIC} here"), "{own:#?}");

    home.stop();
    assert_eq!(networks.leads(443), None, "it is given back");
}

#[tokio::test]
async fn a_port_that_nat_pmp_opens_is_asked_for_again_by_a_router_that_has_forgotten_it() {
    assert!(is_possible(), "network namespaces need root");
    let federation = Federation::new();
    let mut networks = Networks::new(&federation, PUBLIC);
    let lines = format!("enable_upnp=no\nenable_natpmp=yes\n{ALLOWS}");
    networks.start_router(&lines).await;
    let config =
        AtHome::config(&federation, |config| config.provider = format!("{PUBLIC}:8444").parse().unwrap());
    let mut home = AtHome::start(&networks, config).await;
    let is_open = |router: &Value| router["ports"][0]["is_open"] == true;
    let router = home.router("the port is open", is_open).await;
    assert_eq!((&router["by"], &router["external"]), (&json!("nat-pmp"), &json!(PUBLIC)), "{router}");
    assert_eq!(networks.leads(8444).as_deref(), Some("192.168.77.5:8443"));

    networks.forget();
    assert_eq!(networks.leads(8444), None);
    home.daemon.as_ref().unwrap().signal("HUP");
    let end = tokio::time::Instant::now() + WAIT_LIMIT;
    while networks.leads(8444).is_none() {
        assert!(tokio::time::Instant::now() < end, "the port stays closed: {:#}", home.admin("status"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    home.stop();
    assert_eq!(networks.leads(8444), None, "it is given back");
}

#[tokio::test]
async fn a_second_port_that_leads_to_one_place_is_opened_by_upnp_where_nat_pmp_opened_the_first() {
    assert!(is_possible(), "network namespaces need root");
    let federation = Federation::new();
    let mut networks = Networks::new(&federation, PUBLIC);
    networks.start_router(&format!("enable_upnp=yes\nenable_natpmp=yes\n{ALLOWS}")).await;
    // The port of its name, and that of the challenge, by which its certificate comes once the directory answers.
    let config = AtHome::config(&federation, |config| {
        config.provider = format!("{PUBLIC}:8444").parse().unwrap();
        (config.mtp.tls_cert, config.mtp.tls_key) = (None, None);
        config.acme = Some(AcmeConfig {
            agree_terms: true,
            directory: "https://127.0.0.1:1/dir".parse().unwrap(),
            challenge: AcmeChallenge::TlsAlpn01,
            ..AcmeConfig::default()
        });
    });
    let mut home = AtHome::start(&networks, config).await;
    let are_open = |router: &Value| {
        let ports = router["ports"].as_array().unwrap();
        ports.len() == 2 && ports.iter().all(|port| port["is_open"] == true)
    };
    home.router("both ports are open", are_open).await;
    for port in [8444, 443] {
        assert_eq!(networks.leads(port).as_deref(), Some("192.168.77.5:8443"), "{port}");
    }
    home.stop();
    assert_eq!([8444, 443].map(|port| networks.leads(port)), [None, None], "both are given back");
}

#[tokio::test]
async fn a_port_follows_a_computer_that_gets_another_address() {
    assert!(is_possible(), "network namespaces need root");
    let federation = Federation::new();
    let mut networks = Networks::new(&federation, PUBLIC);
    networks.start_router(&format!("enable_upnp=yes\nenable_natpmp=no\n{ALLOWS}")).await;
    let home = AtHome::start(&networks, AtHome::config(&federation, |_| {})).await;
    follows_to_another_address(&networks, home, 443).await;
}

#[tokio::test]
async fn a_port_that_nat_pmp_opened_follows_a_computer_that_gets_another_address() {
    assert!(is_possible(), "network namespaces need root");
    let federation = Federation::new();
    let mut networks = Networks::new(&federation, PUBLIC);
    networks.start_router(&format!("enable_upnp=no\nenable_natpmp=yes\n{ALLOWS}")).await;
    let config =
        AtHome::config(&federation, |config| config.provider = format!("{PUBLIC}:8444").parse().unwrap());
    let home = AtHome::start(&networks, config).await;
    follows_to_another_address(&networks, home, 8444).await;
}

/// The computer at home gets another address, and has the one before still: only by that one the router lets the port be given back.
async fn follows_to_another_address(networks: &Networks, mut home: AtHome<'_>, port: u16) {
    let is_open = |router: &Value| router["ports"][0]["is_open"] == true;
    home.router("the port is open", is_open).await;
    assert_eq!(networks.leads(port).as_deref(), Some("192.168.77.5:8443"));
    for route in ["192.168.77.0/24 dev eth scope link", &format!("default via {ROUTER}")] {
        ip(&format!("-n {} route replace {route} src {NEIGHBOUR}", networks.home()));
    }
    home.daemon.as_ref().unwrap().signal("HUP");
    let end = tokio::time::Instant::now() + WAIT_LIMIT;
    while networks.leads(port).as_deref() != Some("192.168.77.9:8443") {
        assert!(tokio::time::Instant::now() < end, "the port stays: {:#}", home.admin("status"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    home.router("the port is open", |router| is_open(router) && router["trouble"].is_null()).await;
    home.stop();
    assert_eq!(networks.leads(port), None, "it is given back");
}

#[tokio::test]
async fn a_port_that_another_computer_has_is_said_to_be_that_ones() {
    assert!(is_possible(), "network namespaces need root");
    let federation = Federation::new();
    let mut networks = Networks::new(&federation, PUBLIC);
    // As a router that has kept it.
    fs::write(networks.dir.join("leases"), format!("TCP:443:{NEIGHBOUR}:443:0:another\n")).unwrap();
    networks.start_router(&format!("enable_upnp=yes\nenable_natpmp=yes\n{ALLOWS}")).await;
    assert_eq!(networks.leads(443).as_deref(), Some("192.168.77.9:443"));
    let mut home = AtHome::start(&networks, AtHome::config(&federation, |_| {})).await;
    let router = home.router("it fails", |router| router["trouble"] == "router-port-taken").await;
    let text = router["text"].as_str().unwrap();
    assert_eq!(text, format!("The router leads port 443 to another computer already, {NEIGHBOUR}."));
    assert_eq!(router["ports"][0]["is_open"], false);
    let repair = home.repair("router-port-taken").await;
    assert!(repair["text"].as_str().unwrap().contains(NEIGHBOUR), "{repair}");
    home.stop();
    assert_eq!(networks.leads(443).as_deref(), Some("192.168.77.9:443"), "what is another's is left alone");
}

#[tokio::test]
async fn what_a_router_refuses_and_that_it_is_silent_are_told_apart_and_keep_nobody_from_running() {
    assert!(is_possible(), "network namespaces need root");
    let federation = Federation::new();
    let mut networks = Networks::new(&federation, PUBLIC);
    let config = AtHome::config(&federation, |_| {});
    let mut home = AtHome::start(&networks, config.clone()).await;
    let router = home.router("it fails", |router| !router["trouble"].is_null()).await;
    assert_eq!(router["trouble"], "router-silent", "{router}");
    assert!(router["text"].as_str().unwrap().contains(ROUTER), "{router}");
    home.repair("router-silent").await;
    home.stop();
    drop(home);

    // By PCP, miniupnpd looks for another port among all that it denies, and answers nobody meanwhile.
    networks.start_router("enable_upnp=yes\nenable_natpmp=no\ndeny 0-65535 0.0.0.0/0 0-65535").await;
    let mut home = AtHome::start(&networks, config).await;
    let router = home.router("it fails", |router| !router["trouble"].is_null()).await;
    assert_eq!(router["trouble"], "router-refuses", "{router}");
    assert!(router["text"].as_str().unwrap().contains("does not allow"), "{router}");
    home.stop();
}

#[tokio::test]
async fn carrier_nat_is_recognized_and_told_with_what_helps() {
    assert!(is_possible(), "network namespaces need root");
    let federation = Federation::new();
    let mut networks = Networks::new(&federation, SHARED);
    networks.start_router(&format!("enable_upnp=yes\nenable_natpmp=yes\n{ALLOWS}")).await;
    let mut home = AtHome::start(&networks, AtHome::config(&federation, |_| {})).await;
    let router = home.router("it is recognized", |router| router["trouble"] == "router-address-shared").await;
    assert!(router["text"].as_str().unwrap().contains("one address for many customers"), "{router}");
    home.repair("router-address-shared").await;
    let own = home.check();
    assert!(step(&own, "way-in").starts_with("warn router-address-shared"), "{own:#?}");
    home.stop();
}

#[tokio::test]
async fn the_command_for_a_changed_address_is_run_at_each_change_and_again_where_it_fails() {
    assert!(is_possible(), "network namespaces need root");
    let federation = Federation::new();
    let mut networks = Networks::new(&federation, PUBLIC);
    networks.start_router(&format!("enable_upnp=yes\nenable_natpmp=no\n{ALLOWS}")).await;
    let [told, command] = ["told", "hook"].map(|name| federation.dir().join(name));
    let works = format!("#!/bin/sh\necho \"$@\" >>'{}'\n", told.display());
    write_program(&command, &works);
    // It asks for the address alone.
    let config = AtHome::config(&federation, |config| {
        config.mtp.open_port = false;
        config.mtp.address_hook = Some(command.clone());
    });
    let mut home = AtHome::start(&networks, config.clone()).await;
    let is_told = |address: &'static str| {
        move |status: &Value| {
            let hook = &status["node"]["ourselves"]["address_hook"];
            (hook["told_v4"] == address && hook["failure"].is_null()).then(|| hook.clone())
        }
    };
    home.until("the address is told", "status", is_told(PUBLIC)).await;
    let said = || fs::read_to_string(&told).unwrap();
    assert_eq!(said(), format!("{PUBLIC} {PUBLIC} -\n"));
    assert_eq!(networks.leads(443), None, "nothing is opened that was not asked for");
    home.stop();
    drop(home);

    // What it was told is known after a start.
    let mut home = AtHome::start(&networks, config).await;
    home.router("the router was asked", |_| true).await;
    write_program(&command, "#!/bin/sh\necho 'no such zone' >&2\nexit 3\n");
    networks.moves_to(OTHER_PUBLIC);
    home.daemon.as_ref().unwrap().signal("HUP");
    let failed =
        |status: &Value| status["node"]["ourselves"]["address_hook"]["failure"].as_str().map(str::to_owned);
    let failure = home.until("it fails", "status", failed).await;
    assert!(failure.contains("no such zone") && failure.contains(OTHER_PUBLIC), "{failure}");
    home.repair("address-hook-failed").await;
    assert_eq!(said(), format!("{PUBLIC} {PUBLIC} -\n"), "the same address was not told twice");

    write_program(&command, &works);
    home.daemon.as_ref().unwrap().signal("HUP");
    home.until("the address is told", "status", is_told(OTHER_PUBLIC)).await;
    assert_eq!(said(), format!("{PUBLIC} {PUBLIC} -\n{PUBLIC} {OTHER_PUBLIC} -\n"));
    let other = home.router("the name leads elsewhere", |router| !router["trouble"].is_null()).await;
    assert_eq!(other["trouble"], "router-address-other", "{other}");
    home.stop();
}
