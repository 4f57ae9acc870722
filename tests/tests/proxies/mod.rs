//! A provider behind each of the proxies that operators have, as their packages have them, with the configurations that
//! `drawbridged proxy-config` prints. Traefik is in no package of Debian's: of its configuration it is only tested that it is
//! TOML.

#![allow(clippy::unwrap_used, reason = "these are tests")]
#![cfg(target_os = "linux")]

mod program;

use std::fs::Permissions;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use drawbridge_admin::view::ProxyProgram::{self, Apache, Caddy, Haproxy, Nginx};
use drawbridge_mtp::message::Outcome;
use drawbridge_mtp::problem::Code;
use drawbridge_node::Side;
use drawbridge_node::config::ListenAddress;
use drawbridge_node::diagnose::{Report, Step, StepName, Verdict};
use drawbridge_node::traffic::{Direction, TrafficRecord};
use drawbridge_testkit::{Daemon, Federation, MlsClient, MutualPeers, TestNode, WAIT_LIMIT};
use futures_util::future::join_all;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};

use self::program::{Changes, Program, is_root};

const ALL: [ProxyProgram; 4] = [Nginx, Caddy, Haproxy, Apache];
/// An address from which no proxy asks.
const ELSEWHERE: &str = "127.9.8.7";

/// What a node behind a proxy listens on.
#[derive(Clone, Copy)]
enum Upstream {
    Ip,
    SocketFile,
}

/// Alpha behind a proxy, and Beta, which let each other in.
struct Scene {
    /// It ends first, and then the folder goes in which it has its files.
    _proxy: Program,
    peers: MutualPeers,
}

impl Scene {
    /// Behind `program`, in whose configuration each text is replaced by the other one.
    async fn behind(program: ProxyProgram, upstream: Upstream, replaced: &[(&str, &str)]) -> Self {
        let federation = Federation::new();
        let address = federation.free_address();
        Self::at(address, federation, program, upstream, replaced).await
    }

    async fn at(
        address: SocketAddr,
        federation: Federation,
        program: ProxyProgram,
        upstream: Upstream,
        replaced: &[(&str, &str)],
    ) -> Self {
        let networks = || vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let alpha = federation.stopped_node(|config| {
            config.provider = address.to_string().parse().unwrap();
            config.peers.allow_networks = networks();
            (config.mtp.tls_cert, config.mtp.tls_key) = (None, None);
            config.mtp.behind_proxy = true;
            // So that whoever asks from another address of this machine is no proxy.
            config.mtp.trusted_proxies =
                Some(vec!["127.0.0.1/32".parse().unwrap(), "::1/128".parse().unwrap()]);
            if let Upstream::SocketFile = upstream {
                config.mtp.listen = ListenAddress::SocketFile(federation.dir().join("mtp.sock"));
            }
        });
        alpha.start().await;
        if let ListenAddress::SocketFile(socket) = &alpha.config().mtp.listen
            && is_root()
        {
            // Apache serves as another user then, whom an operator lets in by a group.
            for (path, mode) in [(federation.dir(), 0o711), (socket.as_path(), 0o666)] {
                std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            }
        }
        let proxy = Program::start(program, alpha.config(), &federation, Changes { address, replaced }).await;
        let beta = federation.node(|config| config.peers.allow_networks = networks()).await;
        alpha.allows(beta.provider()).await;
        beta.allows(alpha.provider()).await;
        Self { _proxy: proxy, peers: MutualPeers { federation, nodes: vec![alpha, beta] } }
    }

    fn alpha(&self) -> &TestNode {
        &self.peers.nodes[0]
    }

    fn beta(&self) -> &TestNode {
        &self.peers.nodes[1]
    }

    /// Beta's people are connected with Alpha's, so that each node has a pull waiting at the other.
    async fn connects(&self) {
        let (alice, bob) = (self.alpha().user("alice").await, self.beta().user("bob").await);
        self.peers.connects(bob.uri(), alice.uri()).await;
        self.alpha().waits_for_pull_by(self.beta().provider()).await;
    }

    /// A conversation of Ann at Alpha and Ben at Beta, in a group of Alpha's.
    async fn talks(&self) -> (MlsClient, MlsClient, drawbridge_mtp::id::GroupUri) {
        let (ann, ben) = (self.peers.client(0, "ann").await, self.peers.client(1, "ben").await);
        let tea = self.peers.group("tea", &ann, &[&ben]).await;
        ben.does(&tea, &ben.says(&tea, "good morning")).await;
        ann.hears_said(&tea, "good morning").await;
        ann.does(&tea, &ann.says(&tea, "tea is ready")).await;
        ben.hears_said(&tea, "tea is ready").await;
        (ann, ben, tea)
    }

    /// What the Doctor of Beta says of Alpha, and that of Alpha of itself.
    async fn checks(&self) -> [Report; 2] {
        let alpha = self.alpha().provider();
        [self.beta().checks(alpha).await, self.alpha().checks(alpha).await]
    }

    /// A client of the operating system's that asks from [`ELSEWHERE`].
    fn client(&self) -> reqwest::ClientBuilder {
        // Another test of this process may have chosen the same one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let root = std::fs::read(self.peers.federation.root()).unwrap();
        let root = reqwest::Certificate::from_pem(&root).unwrap();
        let from: IpAddr = ELSEWHERE.parse().unwrap();
        reqwest::Client::builder().tls_certs_only([root]).no_proxy().local_address(from)
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.alpha().provider())
    }
}

fn is_well(step: &Step) -> bool {
    matches!(step.verdict, Verdict::Pass | Verdict::Skipped)
}

/// All that the Doctor has looked at is well, and a signed request was answered.
fn assert_well(program: ProxyProgram, report: &Report) {
    let wrong: Vec<_> = report.steps.iter().filter(|step| !is_well(step)).collect();
    assert!(wrong.is_empty(), "{program:?}: {wrong:#?}");
    assert!(report.steps.iter().any(|step| step.name == StepName::Ping && step.verdict == Verdict::Pass));
}

/// The first that is wrong, by its step, code and side.
fn first_wrong(report: &Report) -> (StepName, &str, Side, &str) {
    let step = report.steps.iter().find(|step| !is_well(step)).unwrap();
    (step.name, step.code.as_deref().unwrap(), step.side.unwrap(), step.text.as_str())
}

/// Waits for a request in the traffic of a node, for longer than anything else is waited for.
async fn records(test_node: &TestNode, what: &str, is_it: impl Fn(&TrafficRecord) -> bool) {
    let node = test_node.node();
    let mut revisions = node.operator().traffic().revisions();
    let found = async {
        while !node.operator().traffic().since(0, 500).0.iter().any(|record| is_it(record)) {
            revisions.changed().await.unwrap();
        }
    };
    if tokio::time::timeout(Duration::from_secs(150), found).await.is_err() {
        panic!("it never saw {what}: {:#?}", node.operator().traffic().since(0, 50).0);
    }
}

/// Two providers talk through the proxy, the Doctors find nothing, and who asks is seen at its own address.
async fn federates(program: ProxyProgram, upstream: Upstream, replaced: &[(&str, &str)]) -> Scene {
    let scene = Scene::behind(program, upstream, replaced).await;
    scene.talks().await;
    assert_well(program, &scene.beta().checks(scene.alpha().provider()).await);
    let with_alpha = |record: &TrafficRecord| record.direction == Direction::Out && record.verified;
    records(scene.beta(), "that HTTP/2 is spoken outside", |record| {
        with_alpha(record) && record.protocol.as_deref() == Some("HTTP/2.0")
    })
    .await;
    let asked = scene
        .client()
        .build()
        .unwrap()
        .get(scene.url("/mtp/v1/ping"))
        .header("X-Forwarded-For", "203.0.113.1")
        .header("Forwarded", "for=203.0.113.1;by=203.0.113.2")
        .send()
        .await
        .unwrap();
    assert_eq!(asked.status(), 401);
    let elsewhere: IpAddr = ELSEWHERE.parse().unwrap();
    records(scene.alpha(), "the address of who asked", |record| record.address == Some(elsewhere)).await;
    let invented: IpAddr = "203.0.113.1".parse().unwrap();
    let shown = scene.alpha().node().operator().traffic().since(0, 500).0;
    assert!(
        shown.iter().all(|record| record.address != Some(invented)),
        "{program:?} lets addresses be invented"
    );
    scene
}

#[tokio::test]
async fn two_providers_talk_through_nginx_and_a_socket_file() {
    let scene = federates(Nginx, Upstream::SocketFile, &[]).await;
    let own = scene.alpha().node().operator().overview().await.unwrap().ourselves;
    assert!(own.certificates.iter().all(|certificate| certificate.section != "mtp"), "the proxy has it");
    assert_eq!(own.listening_port, None);
}

#[tokio::test]
async fn two_providers_talk_through_caddy() {
    federates(Caddy, Upstream::Ip, &[]).await;
}

#[tokio::test]
async fn two_providers_talk_through_caddy_and_a_socket_file() {
    federates(Caddy, Upstream::SocketFile, &[]).await;
}

#[tokio::test]
async fn two_providers_talk_through_haproxy_and_a_socket_file() {
    federates(Haproxy, Upstream::SocketFile, &[]).await;
}

#[tokio::test]
async fn two_providers_talk_through_apache() {
    federates(Apache, Upstream::Ip, &[]).await;
}

#[tokio::test]
async fn two_providers_talk_through_apache_and_a_socket_file() {
    federates(Apache, Upstream::SocketFile, &[]).await;
}

#[tokio::test]
async fn two_providers_talk_through_a_proxy_that_asks_by_http_1_0() {
    let force = "SetEnv no-gzip 1\n    SetEnv force-proxy-request-1.0 1\n    SetEnv proxy-nokeepalive 1";
    for (program, replaced) in [
        (Nginx, ("proxy_http_version 1.1;", "proxy_http_version 1.0;")),
        (Apache, ("SetEnv no-gzip 1", force)),
    ] {
        let scene = federates(program, Upstream::Ip, &[replaced]).await;
        let asked = |record: &TrafficRecord| {
            record.direction == Direction::In && record.protocol.as_deref() == Some("HTTP/1.0")
        };
        records(scene.alpha(), "a request by HTTP/1.0", asked).await;
    }
}

#[tokio::test]
async fn two_providers_talk_through_a_proxy_that_asks_by_http_2_without_tls() {
    for (program, replaced) in [
        (Caddy, ("transport http {", "transport http {\n\t\t\t\tversions h2c")),
        (Haproxy, ("timeout server 90s", "timeout server 90s\n    default-server proto h2")),
    ] {
        let scene = federates(program, Upstream::Ip, &[replaced]).await;
        let asked = |record: &TrafficRecord| {
            record.direction == Direction::In && record.protocol.as_deref() == Some("HTTP/2.0")
        };
        records(scene.alpha(), "a request by HTTP/2", asked).await;
    }
}

/// All at once, since each holds a request for as long as a pull may wait.
#[tokio::test]
async fn a_provider_behind_each_of_them_finds_nothing_wrong_with_itself() {
    let mut scenes = Vec::new();
    for program in ALL {
        scenes.push((program, Scene::behind(program, Upstream::Ip, &[]).await));
    }
    let checks = scenes.iter().map(async |(program, scene)| {
        let alpha = scene.alpha();
        (*program, alpha.checks(alpha.provider()).await)
    });
    for (program, report) in join_all(checks).await {
        assert_well(program, &report);
        let held = report.steps.iter().find(|step| step.name == StepName::Pull).unwrap();
        assert_eq!(held.verdict, Verdict::Pass, "{program:?}: {held:#?}");
    }
}

#[tokio::test]
async fn two_providers_talk_through_a_proxy_on_ipv6() {
    // The system chooses the port: of IPv6 there is one address for all processes.
    let Ok(free) = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else {
        return println!("not tried, since this computer has no IPv6");
    };
    let address = free.local_addr().unwrap();
    drop(free);
    let federation = Federation::new();
    let listens = format!("listen {} ssl http2;", address.port());
    let scene = Scene::at(address, federation, Nginx, Upstream::SocketFile, &[(&listens, &listens)]).await;
    scene.talks().await;
    assert_well(Nginx, &scene.beta().checks(scene.alpha().provider()).await);
    let v6: IpAddr = Ipv6Addr::LOCALHOST.into();
    records(scene.alpha(), "an address of IPv6", |record| record.address == Some(v6)).await;
}

/// How the limit of 8 MiB for a request is made one of 1 MiB.
fn takes_1_mib(program: ProxyProgram) -> (&'static str, &'static str) {
    match program {
        Nginx => ("client_max_body_size 8m", "client_max_body_size 1m"),
        Caddy => ("max_size 8MiB", "max_size 1MiB"),
        // What it is asked by HTTP/2 it takes without regard to LimitRequestBody.
        Apache => (
            "    LimitRequestBody",
            "    RewriteEngine on
    RewriteCond expr \"%{HTTP:Content-Length} -gt 1048576\"
    RewriteRule ^ - [R=413]
    LimitRequestBody",
        ),
        Haproxy => (
            "    default_backend",
            "    http-request deny deny_status 413 if { req.hdr_val(content-length) gt 1048576 }\n    default_backend",
        ),
        ProxyProgram::Traefik => unreachable!("there is no package of it"),
    }
}

/// What comes in several MiB is brought in parts through a proxy that takes 1 MiB.
async fn halves(program: ProxyProgram) {
    let scene = Scene::behind(program, Upstream::Ip, &[takes_1_mib(program)]).await;
    let (ann, ben, tea) = scene.talks().await;
    let long = "x".repeat(600_000);
    let sent: Vec<_> = (0..6).map(|n| ben.says(&tea, &format!("{n}{long}"))).collect();
    let results = ben.tries_to_submit(&tea, sent).await.unwrap();
    // Caddy says that it could not reach the node, which is tried again with less after a rest.
    let is_brought = |outcome: &Outcome| match outcome {
        Outcome::Accepted(_) => true,
        Outcome::Queued => program == Caddy,
        _ => false,
    };
    assert!(results.iter().all(|result| is_brought(&result.outcome)), "{program:?}: {results:?}");
    ann.hears_said(&tea, &format!("5{long}")).await;
    let (code, status) = if program == Caddy { ("proxy-error", "502") } else { ("proxy-too-large", "413") };
    let trouble = scene.beta().notes(scene.alpha().provider(), code).await;
    assert!(trouble.text.contains(status), "{program:?}: {}", trouble.text);
    let report = scene.beta().checks(scene.alpha().provider()).await;
    let (step, code, side, text) = first_wrong(&report);
    assert_eq!(
        (step, code, side),
        (StepName::Limits, "proxy-too-large", Side::Theirs),
        "{program:?}: {text}"
    );
    if program == Nginx {
        let report = scene.alpha().checks(scene.alpha().provider()).await;
        let (step, code, side, text) = first_wrong(&report);
        assert_eq!((step, code, side), (StepName::Limits, "proxy-too-large", Side::Ours), "{text}");
    }
    // Nothing behind it waits.
    ben.does(&tea, &ben.says(&tea, "and a short one")).await;
    ann.hears_said(&tea, "and a short one").await;
}

#[tokio::test]
async fn what_is_too_large_for_nginx_is_halved() {
    halves(Nginx).await;
}

#[tokio::test]
async fn what_is_too_large_for_caddy_is_halved() {
    halves(Caddy).await;
}

#[tokio::test]
async fn what_is_too_large_for_haproxy_is_halved() {
    halves(Haproxy).await;
}

#[tokio::test]
async fn what_is_too_large_for_apache_is_halved() {
    halves(Apache).await;
}

/// It is refused with a sentence, also by a proxy that only says that it could not reach the node.
#[tokio::test]
async fn what_is_too_large_alone_is_refused_to_its_sender() {
    for program in ALL {
        let scene = Scene::behind(program, Upstream::Ip, &[takes_1_mib(program)]).await;
        let (ann, ben, tea) = scene.talks().await;
        let large = ben.says(&tea, &"x".repeat(900_000));
        let told = ben.tries_to_submit(&tea, vec![large.clone()]).await.unwrap().remove(0).outcome;
        let outcome = match told {
            Outcome::Queued => ben.hears("its result", |client| client.result(&tea, large.id)).await.outcome,
            told => told,
        };
        let Outcome::Rejected(problem) = outcome else { panic!("{program:?}: {outcome:?}") };
        assert_eq!(problem.known(), Some(Code::TooLarge), "{program:?}: {problem:?}");
        assert!(problem.detail.as_deref().unwrap_or_default().contains("proxy"), "{program:?}: {problem:?}");
        ben.does(&tea, &ben.says(&tea, "and a short one")).await;
        ann.hears_said(&tea, "and a short one").await;
    }
}

/// How everything is compressed for whoever takes that.
fn compresses(program: ProxyProgram) -> (&'static str, &'static str) {
    match program {
        Nginx => ("gzip off;", "gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;"),
        Caddy => (
            "\thandle @mtp {",
            "\tencode {\n\t\tgzip\n\t\tminimum_length 1\n\t\tmatch status 2xx 4xx\n\t}\n\thandle @mtp {",
        ),
        Apache => ("SetEnv no-gzip 1", "SetOutputFilter DEFLATE"),
        Haproxy => (
            "    timeout client",
            "    compression algo gzip\n    compression type application/json application/problem+json application/cbor\n    timeout client",
        ),
        ProxyProgram::Traefik => unreachable!("there is no package of it"),
    }
}

#[tokio::test]
async fn a_proxy_that_compresses_breaks_no_signature() {
    for program in ALL {
        let scene = federates(program, Upstream::Ip, &[compresses(program)]).await;
        let client = scene.client().build().unwrap();
        let document = client.get(scene.url("/.well-known/mtp")).header(ACCEPT_ENCODING, "gzip");
        let is_compressed = document.send().await.unwrap().headers().contains_key(CONTENT_ENCODING);
        assert!(is_compressed, "{program:?} compresses nothing, so nothing is tested");
        // A provider that takes gzip, as ours do not. What is signed says no-transform, which HAProxy alone heeds.
        if program == Haproxy {
            let peer = scene.peers.federation.scripted_peer();
            scene.alpha().allows(peer.provider()).await;
            let ping = peer.gets(scene.alpha().provider(), "/ping").with("accept-encoding", "gzip");
            let answer = ping.send().await;
            assert_eq!(answer.status, 200, "{program:?}");
            assert!(!answer.headers.contains_key(CONTENT_ENCODING), "{program:?}: {:?}", answer.headers);
        }
    }
}

/// A pull waits for its whole time, of the document's 55 s.
#[tokio::test]
async fn pulls_wait_for_55_seconds_behind_each_of_them() {
    let scenes = join_all(ALL.map(async |program| {
        let scene = Scene::behind(program, Upstream::Ip, &[]).await;
        scene.connects().await;
        (program, scene)
    }))
    .await;
    join_all(scenes.iter().map(async |(program, scene)| {
        records(scene.beta(), "a pull that has waited for 55 s", |record| {
            record.direction == Direction::Out
                && record.target.starts_with("/feed")
                && record.status == Some(200)
                && record.duration.is_some_and(|took| took >= Duration::from_secs(54))
        })
        .await;
        let open = scene.beta().reads(|view| view.latest_troubles(20)).await;
        assert!(open.iter().all(|(_, trouble)| trouble.code != "pull-cut"), "{program:?}: {open:?}");
    }))
    .await;
}

/// How each of them waits for 12 s alone.
fn cuts(program: ProxyProgram) -> (&'static str, &'static str) {
    match program {
        Nginx => ("proxy_read_timeout 90s", "proxy_read_timeout 12s"),
        Caddy => ("read_timeout 90s", "response_header_timeout 12s"),
        Apache => ("timeout=90", "timeout=12"),
        Haproxy => ("timeout server 90s", "timeout server 12s"),
        ProxyProgram::Traefik => unreachable!("there is no package of it"),
    }
}

#[tokio::test]
async fn a_proxy_that_cuts_pulls_is_noticed_and_asked_to_hold_them_for_less() {
    let scenes = join_all(ALL.map(async |program| {
        let scene = Scene::behind(program, Upstream::Ip, &[cuts(program)]).await;
        scene.connects().await;
        (program, scene)
    }))
    .await;
    join_all(scenes.iter().map(async |(program, scene)| {
        records(scene.beta(), "a pull that has waited for ten seconds", |record| {
            record.direction == Direction::Out
                && record.target.contains("wait=10")
                && record.status == Some(200)
        })
        .await;
        let trouble = scene.beta().notes(scene.alpha().provider(), "pull-cut").await;
        assert!(!trouble.over, "{program:?}");
        let report = scene.beta().checks(scene.alpha().provider()).await;
        let (step, code, side, text) = first_wrong(&report);
        assert_eq!((step, code, side), (StepName::OurPull, "pull-cut", Side::Theirs), "{program:?}: {text}");
        // Who is behind it finds it out by itself too.
        let report = scene.alpha().checks(scene.alpha().provider()).await;
        let (step, code, side, text) = first_wrong(&report);
        assert_eq!((step, code, side), (StepName::Pull, "pull-cut", Side::Ours), "{program:?}: {text}");
    }))
    .await;
}

#[tokio::test]
async fn a_slash_that_a_proxy_adds_or_drops_is_told_by_the_doctor() {
    const PASS: &str = "/mtp/v1/ { proxy_pass http://drawbridge; }";
    for (program, from, to, step, says) in [
        // The classic of nginx: a path behind the name in proxy_pass takes the place of the location's.
        (
            Nginx,
            PASS,
            "/mtp/v1/ { proxy_pass http://drawbridge/mtp/v1; }",
            StepName::Ping,
            "/mtp/v1ping has reached it",
        ),
        (
            Nginx,
            PASS,
            "/mtp/v1/ { proxy_pass http://drawbridge/mtp/v1//; }",
            StepName::Ping,
            "/mtp/v1//ping has reached it",
        ),
        (
            Nginx,
            PASS,
            "/mtp/v1/ { rewrite ^(.*)$ $1/ break; proxy_pass http://drawbridge; }",
            StepName::Ping,
            "/mtp/v1/ping/ has reached it",
        ),
        (
            Caddy,
            "\t\trequest_body {",
            "\t\trewrite /mtp/v1/* {path}/\n\t\trequest_body {",
            StepName::Ping,
            "/mtp/v1/ping/ has reached it",
        ),
        (
            Caddy,
            "\t\trequest_body {",
            "\t\trewrite * {path}/\n\t\trequest_body {",
            StepName::Document,
            "changes the path",
        ),
        (
            Haproxy,
            "    default_backend",
            "    http-request set-path %[path]/ if { path_beg /mtp/v1/ }\n    default_backend",
            StepName::Ping,
            "/mtp/v1/ping/ has reached it",
        ),
        (Apache, "/mtp/v1/\" nocanon", "/mtp/v1\" nocanon", StepName::Ping, "/mtp/v1ping has reached it"),
    ] {
        let scene = Scene::behind(program, Upstream::Ip, &[(from, to)]).await;
        for report in scene.checks().await {
            let whose = if report.is_own { Side::Ours } else { Side::Theirs };
            let (found, code, side, text) = first_wrong(&report);
            assert_eq!((found, code, side), (step, "path-changed", whose), "{to}: {text}");
            assert!(text.contains(says), "{to}: {text}");
        }
    }
}

/// A proxy that speaks TLS to a node that is not behind one, by its own configuration changed so.
async fn with_tls_towards(program: ProxyProgram, replaced: &[(&str, &str)]) -> (Scene, Daemon) {
    let federation = Federation::new();
    let address = federation.free_address();
    let alpha = federation.stopped_node(|config| {
        config.provider = address.to_string().parse().unwrap();
    });
    // It is a process of its own, since its log is read.
    let log = std::fs::File::create(federation.dir().join("alpha.log")).unwrap();
    let daemon = Daemon::ready(Daemon::serve(alpha.config()).stderr(log), alpha.config()).await;
    let proxy = Program::start(program, alpha.config(), &federation, Changes { address, replaced }).await;
    let beta = federation.node(|_| {}).await;
    (Scene { peers: MutualPeers { federation, nodes: vec![alpha, beta] }, _proxy: proxy }, daemon)
}

/// Returns when the file `log` has a line with `text`.
async fn wait_for_line(log: &Path, text: &str) {
    let end = tokio::time::Instant::now() + WAIT_LIMIT;
    loop {
        let said = std::fs::read_to_string(log).unwrap();
        if said.contains(text) {
            return;
        }
        assert!(tokio::time::Instant::now() < end, "{text:?} is not in {said}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_proxy_that_speaks_tls_towards_the_node_has_to_speak_1_3() {
    let nginx = ("proxy_pass http:", "proxy_pass https:");
    let haproxy = "timeout server 90s\n    default-server ssl verify none";
    let haproxy_old = "timeout server 90s\n    default-server ssl verify none force-tlsv12";
    let apache = ("\"http://127", "\"https://127");
    let ssl = "SSLEngine on\n    SSLProxyEngine on\n    SSLProxyCheckPeerName off\n    SSLProxyProtocol";
    let (new, old) = (format!("{ssl} TLSv1.3"), format!("{ssl} TLSv1.2"));
    for (program, good, bad, said) in [
        (
            Nginx,
            &[nginx, ("gzip off;", "gzip off; proxy_ssl_protocols TLSv1.3;")][..],
            &[nginx, ("gzip off;", "gzip off; proxy_ssl_protocols TLSv1.2;")][..],
            "proxy-error",
        ),
        (Haproxy, &[("timeout server 90s", haproxy)], &[("timeout server 90s", haproxy_old)], "proxy-error"),
        // It answers 500, as though it were wrong itself.
        (Apache, &[apache, ("SSLEngine on", &new)], &[apache, ("SSLEngine on", &old)], "document-failed"),
    ] {
        let (scene, _daemon) = with_tls_towards(program, good).await;
        assert_well(program, &scene.beta().checks(scene.alpha().provider()).await);

        let (scene, _daemon) = with_tls_towards(program, bad).await;
        let report = scene.beta().checks(scene.alpha().provider()).await;
        let (step, code, _, text) = first_wrong(&report);
        assert_eq!((step, code), (StepName::Document, said), "{program:?}: {text}");
        let log = scene.peers.federation.dir().join("alpha.log");
        // The proxy may hear of it before it is written.
        wait_for_line(&log, "a TLS older than 1.3").await;
    }
}

/// A node behind a proxy, without one: whoever asks it from this machine is believed.
async fn alone(federation: &Federation) -> (TestNode, String) {
    let alpha = federation
        .node(|config| {
            (config.mtp.tls_cert, config.mtp.tls_key) = (None, None);
            config.mtp.behind_proxy = true;
            config.limits.stranger_requests = 1;
        })
        .await;
    let url = format!("http://{}/mtp/v1/ping", alpha.config().mtp.listen);
    (alpha, url)
}

fn plain_client() -> reqwest::Client {
    // Another test of this process may have chosen the same one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

#[tokio::test]
async fn who_asks_by_a_trusted_proxy_is_limited_by_its_own_address() {
    let federation = Federation::new();
    let (_alpha, url) = alone(&federation).await;
    let client = plain_client();
    let ask = async |address: &str| {
        let asked = client.get(&url).header("X-Forwarded-For", address);
        asked.send().await.unwrap().status().as_u16()
    };
    // One a second, of which ten may come at once.
    let mut answers = Vec::new();
    while !answers.contains(&429) {
        assert!(answers.len() < 1000, "it is never told to slow down");
        answers.push(ask("192.0.2.1").await);
    }
    assert_eq!(ask("192.0.2.2").await, 401, "another address is limited with it");
}

#[tokio::test]
async fn what_is_malformed_in_the_fields_of_a_proxy_counts_as_the_connections_address() {
    let federation = Federation::new();
    let (alpha, url) = alone(&federation).await;
    let own: IpAddr = "127.0.0.1".parse().unwrap();
    for (name, value) in [
        ("x-forwarded-for", "192.0.2.1, \u{ff}"),
        ("x-forwarded-for", "unknown"),
        ("x-forwarded-for", ",,,"),
        ("forwarded", "for=\"[::1"),
        ("forwarded", "for=_secret"),
        ("forwarded", ";;=,\"\\"),
    ] {
        let before = alpha.node().operator().traffic().since(0, 1000).1;
        let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
        let asked = plain_client().get(&url).header(name, value.clone()).send().await.unwrap();
        assert_eq!(asked.status(), 401);
        let seen = alpha.node().operator().traffic().since(before, 1000).0;
        assert!(seen.iter().any(|record| record.address == Some(own)), "{value:?}: {seen:#?}");
        assert!(seen.iter().all(|record| record.address == Some(own)), "{value:?}: {seen:#?}");
    }
}

#[tokio::test]
async fn without_a_proxy_the_fields_of_one_mean_nothing() {
    let federation = Federation::new();
    let alpha = federation.node(|_| {}).await;
    let peer = federation.scripted_peer();
    let ping = peer.gets(alpha.provider(), "/ping");
    let answer =
        ping.with("x-forwarded-for", "203.0.113.1").with("forwarded", "for=203.0.113.1").send().await;
    let answer: serde_json::Value = answer.json();
    assert_eq!(answer["your_address"], "127.0.0.1");
}

#[tokio::test]
async fn the_target_that_is_signed_is_made_of_our_own_endpoint_whatever_the_host_says() {
    let scene = Scene::behind(Nginx, Upstream::Ip, &[("Host $host", "Host evil.example")]).await;
    scene.talks().await;
    assert_well(Nginx, &scene.beta().checks(scene.alpha().provider()).await);
}

#[tokio::test]
async fn what_is_printed_for_a_proxy_is_what_the_pages_show() {
    let federation = Federation::new();
    let config = federation.config(|config| {
        (config.mtp.tls_cert, config.mtp.tls_key) = (None, None);
        config.mtp.behind_proxy = true;
        config.mtp.listen = ListenAddress::SocketFile(federation.dir().join("mtp.sock"));
        config.admin = Some(drawbridge_node::config::ListenConfig::plain(federation.free_address()));
    });
    let daemon = Daemon::start(&config).await;
    let shown = Daemon::answer(&config, "proxy-configs", &serde_json::json!({}));
    assert_eq!(shown["behind_proxy"], true);
    let shown = shown["configs"].as_array().unwrap();
    assert_eq!(shown.len(), 5);
    for of in shown {
        let printed =
            Daemon::command("proxy-config", &config).arg(of["program"].as_str().unwrap()).output().unwrap();
        assert!(printed.status.success(), "{printed:?}");
        assert_eq!(
            String::from_utf8(printed.stdout).unwrap().trim_end(),
            of["text"].as_str().unwrap().trim_end()
        );
    }
    let status = Daemon::answer(&config, "status", &serde_json::json!({}));
    assert_eq!(status["node"]["listeners"][0]["tls"], false);

    // Another one with the same socket file is refused in one sentence.
    let other = federation.config(|other| other.mtp = config.mtp.clone());
    let said = Daemon::serve(&other).output().unwrap();
    let text = String::from_utf8(said.stderr).unwrap();
    assert_eq!(said.status.code(), Some(2), "{text}");
    assert!(text.contains("another program listens there") && text.lines().count() == 1, "{text}");
    // One that a killed process has left is replaced.
    let file = federation.dir().join("mtp.sock");
    daemon.kill();
    assert!(file.exists());
    let daemon = Daemon::start(&config).await;
    assert!(daemon.stop().success());
    assert!(!file.exists());
}
