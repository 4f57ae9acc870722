//! What the doctor says of each fault that there may be between two providers: at which step, by what code, and which side
//! has to change something. Each fault is there in earnest, with real listeners, and each test prints its line of the table:
//!
//! fault | step | verdict, code | side | what a person reads

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::any::Any;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::SecretKey;
use drawbridge_mtp::message::{ConnectionState, PeerState};
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_node::Side::{self, Either, Nobody, Ours, Theirs};
use drawbridge_node::config::{Config, Strangers};
use drawbridge_node::diagnose::StepName::{
    self, Addresses, Clock as ClockStep, Connect, Dns, Document, Keys, Limits, Name, Peering, Ping, Pull,
    TheirPull, ThisSide, Tls,
};
use drawbridge_node::diagnose::{Report, Step, Verdict};
use drawbridge_node::identity::provider_document;
use drawbridge_node::store::{RepairSubject, UserRule};
use drawbridge_node::{Decision, Node, PullingStatus};
use drawbridge_testkit::{
    Clock, DroppingHost, FaultyNetwork, Federation, Proxy, RawConduct, RawServer, ScriptedPeer, ServerTls,
    TestNode,
};
use http::header::{CONTENT_TYPE, LOCATION, USER_AGENT};
use http::{HeaderMap, StatusCode};

/// A host whose addresses are those that a test gives it.
const HOST: &str = "peer.example";
const DOCUMENT: &str = "/.well-known/mtp";
/// No connection leads to a multicast address: the system says of it what it says of all of IPv6 where it has no IPv6.
const UNREACHABLE: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const TEN_MINUTES: Duration = Duration::from_secs(600);

/// What the doctor has to say.
struct Expected {
    step: StepName,
    verdict: Verdict,
    code: &'static str,
    side: Side,
    /// A part of what is said.
    says: &'static str,
    /// Whether all that comes after it is well.
    is_all: bool,
    /// Where it lasts, so that Repairs says the same once our pulls there have met it often enough: for which side.
    raised: Option<Side>,
}

fn fails(step: StepName, code: &'static str, side: Side, says: &'static str) -> Option<Expected> {
    Some(Expected { step, verdict: Verdict::Fail, code, side, says, is_all: false, raised: None })
}

fn warns(step: StepName, code: &'static str, side: Side, says: &'static str) -> Option<Expected> {
    Some(Expected { step, verdict: Verdict::Warn, code, side, says, is_all: false, raised: None })
}

/// It does not work until somebody has decided.
fn waits(step: StepName, code: &'static str, side: Side, says: &'static str) -> Option<Expected> {
    Some(Expected { step, verdict: Verdict::Wait, code, side, says, is_all: false, raised: None })
}

/// It is a fault that lasts: Repairs says the same of it, with the same code and the same side.
fn lasts(expected: Option<Expected>) -> Option<Expected> {
    expected.map(|expected| Expected { raised: Some(expected.side), ..expected })
}

/// It warns of that alone, and the rest is well.
fn warns_only(step: StepName, code: &'static str, side: Side, says: &'static str) -> Option<Expected> {
    Some(Expected { step, verdict: Verdict::Warn, code, side, says, is_all: true, raised: None })
}

/// There is no fault, whatever it looks like.
const IS_WELL: Option<Expected> = None;

/// Who looks, and what is there to be looked at until the test ends.
struct Scene {
    federation: Federation,
    /// Who looks.
    alpha: TestNode,
    kept: Vec<Box<dyn Any>>,
    /// The address that the doctor has to blame, where it has one to blame.
    blamed: Option<String>,
}

impl Scene {
    async fn new() -> Self {
        let federation = Federation::new();
        let alpha = federation.node(allows_networks_of_tests).await;
        Self { federation, alpha, kept: Vec::new(), blamed: None }
    }

    fn keeps(&mut self, what: impl Any) {
        self.kept.push(Box::new(what));
    }

    /// Turns the clock of all, once our pull at `peer` has been answered or waits there: an answer that is on its way meanwhile
    /// would have been signed too long ago.
    async fn turns_clock(&self, peer: &ScriptedPeer, by: Duration) {
        let is_through = |node: &Node| {
            let pulling = node.operator().pulling(peer.provider());
            peer.responder().is_pulled() || pulling.is_some_and(|it| it.status == PullingStatus::Idle)
        };
        self.alpha.until_node("its pull is answered or waits", is_through).await;
        self.federation.clock().turn(by);
    }

    /// The doctor has to blame `address`, at the port of the provider `name`.
    fn blames(&mut self, address: IpAddr, name: &str) {
        let port = name.parse::<Provider>().unwrap().port();
        self.blamed = Some(SocketAddr::new(address, port).to_string());
    }

    /// The name of what is looked at, which stays until the test ends.
    fn looks_at<T: Any>(&mut self, what: T, name: impl FnOnce(&T) -> &Provider) -> String {
        let name = name(&what).to_string();
        self.keeps(what);
        name
    }

    /// A server with a good certificate that answers so.
    fn server(
        &mut self,
        answer: impl Fn(&http::Request<Body>) -> Response + Clone + Send + Sync + 'static,
    ) -> String {
        self.server_that_shows(ServerTls::Good, answer)
    }

    fn server_that_shows(
        &mut self,
        shows: ServerTls,
        answer: impl Fn(&http::Request<Body>) -> Response + Clone + Send + Sync + 'static,
    ) -> String {
        let server = self.federation.web_server(shows, answer);
        self.looks_at(server, |server| server.provider())
    }

    /// We trust, by its fingerprint, the certificate that the provider `name` shows.
    async fn trusts_what_is_shown_by(&self, name: &str) {
        let (node, provider) = (self.alpha.node(), name.parse::<Provider>().unwrap());
        let met = node.operator().met_certificate(&provider).await.unwrap();
        node.operator().trust_certificate(provider, Some(met.fingerprint)).await.unwrap();
    }

    /// A scripted peer that lets us in, as we let it in. It listens at `address`; its host [`HOST`] leads to `addresses`.
    async fn peer_at(&mut self, address: IpAddr, addresses: &[IpAddr]) -> String {
        let peer = self.federation.scripted_peer_called(HOST, address);
        self.leads_to(peer, addresses).await
    }

    /// The host [`HOST`] leads to `addresses`, and `peer` there lets us in, as we let it in.
    async fn leads_to(&mut self, peer: ScriptedPeer, addresses: &[IpAddr]) -> String {
        let addresses: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
        self.federation.clock().names(HOST, &addresses.iter().map(String::as_str).collect::<Vec<_>>());
        peer.answers_pings(PeerState::Allowed);
        self.alpha.allows(peer.provider()).await;
        self.looks_at(peer, ScriptedPeer::provider)
    }

    /// A scripted peer that lets us in, as we let it in, on the host [`HOST`], which shows that to whoever connects.
    async fn peer_that_shows(&mut self, shows: ServerTls) -> String {
        self.federation.clock().names(HOST, &[&self.federation.address().to_string()]);
        let peer = self.federation.scripted_peer_that_shows(shows, HOST);
        peer.answers_pings(PeerState::Allowed);
        self.alpha.allows(peer.provider()).await;
        self.looks_at(peer, ScriptedPeer::provider)
    }

    /// A provider whose endpoint is elsewhere, at that host and port; its document is in order.
    async fn endpoint_at(&mut self, elsewhere: impl std::fmt::Display) -> String {
        let beta = self
            .federation
            .node(|config| {
                config.mtp.endpoint = Some(format!("https://{elsewhere}/mtp/v1").parse().unwrap());
            })
            .await;
        self.looks_at(beta, TestNode::provider)
    }

    /// A provider before whose endpoint a proxy changes each path so.
    async fn behind_proxy_that(&mut self, rewrite: fn(&str) -> String) -> String {
        self.behind_proxy(|proxy| proxy.rewrites(rewrite)).await
    }

    /// A provider before whose endpoint there is a proxy, which `alter` makes as it is.
    async fn behind_proxy(&mut self, alter: impl FnOnce(&Proxy)) -> String {
        let mut before = None;
        let federation = &self.federation;
        let beta = federation.node(|config| before = Some(federation.proxy_in_front_of(config))).await;
        let proxy = before.unwrap();
        alter(&proxy);
        self.keeps(proxy);
        self.looks_at(beta, TestNode::provider)
    }

    /// A provider that lets us in, as we let it in, behind a network that `breaks` has broken.
    async fn behind_network(&mut self, breaks: impl FnOnce(&FaultyNetwork)) -> String {
        let mut config = self.federation.config(|_| {});
        let network = self.federation.faulty_network_before(&mut config).await;
        config.provider = network.address().to_string().parse().unwrap();
        let beta = self.federation.node(|own| *own = config).await;
        beta.allows(self.alpha.provider()).await;
        self.alpha.allows(beta.provider()).await;
        breaks(&network);
        self.keeps(network);
        self.looks_at(beta, TestNode::provider)
    }

    /// A server that does so with whoever connects.
    async fn raw(&mut self, conduct: impl FnOnce(&Provider) -> RawConduct) -> String {
        let server = self.federation.raw_server().await;
        server.conducts(conduct(server.provider()));
        self.looks_at(server, RawServer::provider)
    }

    /// Another provider, of which we are in `theirs` and which is in `ours` here.
    async fn node_that_is(&mut self, ours: Option<PeerState>, theirs: Option<PeerState>) -> String {
        let beta = self.federation.node(|_| {}).await;
        if let Some(state) = theirs {
            beta.sets_peer(self.alpha.provider(), state).await;
        }
        if let Some(state) = ours {
            self.alpha.sets_peer(beta.provider(), state).await;
        }
        self.looks_at(beta, TestNode::provider)
    }

    /// A provider whose clock is turned by that, and the clocks of so many others that were looked at before it.
    async fn with_clocks(&mut self, turn: impl FnOnce(&Clock), others: usize) -> String {
        for _ in 0..others {
            let other = self.federation.node(|_| {}).await;
            self.alpha.checks(other.provider()).await;
            self.keeps(other);
        }
        let clock = Arc::new(Clock::default());
        turn(&clock);
        let beta = self.federation.node_with_clock(clock, |_| {}).await;
        self.looks_at(beta, TestNode::provider)
    }

    /// We go by a clock of our own, turned by that.
    async fn turns_our_clock(&mut self, turn: impl FnOnce(&Clock)) {
        let clock = Arc::new(Clock::default());
        turn(&clock);
        self.alpha = self.federation.node_with_clock(clock, allows_networks_of_tests).await;
    }
}

fn allows_networks_of_tests(config: &mut Config) {
    let networks = ["127.0.0.0/8", "::1/128", "ff02::/16"];
    config.peers.allow_networks = networks.map(|network| network.parse().unwrap()).into();
}

/// Looks at what `set_up` leads to, prints what was said, and holds it against what has to be said.
async fn look(
    fault: &str,
    expected: Option<Expected>,
    set_up: impl AsyncFnOnce(&mut Scene) -> Option<String>,
) {
    let mut scene = Scene::new().await;
    let Some(name) = set_up(&mut scene).await else {
        return println!("{fault} | not tried, since that is not so on this computer");
    };
    let report = scene.alpha.checks_typed(&name).await;
    println!("{}", line(fault, &report));
    let held = holds(expected.as_ref(), scene.blamed.as_deref(), &report);
    assert!(held.is_ok(), "{}\n{report:#?}", held.unwrap_err());
    if let Some((expected, side)) = expected.and_then(|expected| expected.raised.map(|side| (expected, side)))
    {
        let peer: Provider = name.parse().unwrap();
        // Where its key has changed, that is decided already.
        if scene.alpha.reads(|view| view.peers()).await.is_empty() {
            scene.alpha.allows(&peer).await;
        }
        let row = scene.alpha.raises(&RepairSubject::Peer(peer), expected.code).await;
        println!("{fault} | Repairs | {}, {} | {} | {}", row.severity, row.code, row.side, row.text);
        assert_eq!(row.side, side);
        assert!(row.text.contains(&name), "{}", row.text);
    }
}

fn is_well(step: &Step) -> bool {
    matches!(step.verdict, Verdict::Pass | Verdict::Skipped)
}

/// One line of the table.
fn line(fault: &str, report: &Report) -> String {
    let (step, verdict, side) = match report.steps.iter().find(|step| !is_well(step)) {
        None => ("-".into(), Verdict::Pass.to_string(), "-".into()),
        Some(step) => {
            let code = step.code.as_deref().unwrap_or("-");
            let side = step.side.map_or_else(|| "-".into(), |side| side.to_string());
            (step.name.to_string(), format!("{}, {code}", step.verdict), side)
        }
    };
    format!("{fault} | {step} | {verdict} | {side} | {}", report.summary())
}

fn holds(expected: Option<&Expected>, blamed: Option<&str>, report: &Report) -> Result<(), String> {
    let mut wrong = report.steps.iter().filter(|step| !is_well(step));
    let first = wrong.next();
    let Some(Expected { step, verdict, code, side, says, is_all, .. }) = expected else {
        let reached = report.steps.iter().any(|step| step.name == Ping && step.verdict == Verdict::Pass);
        return match first {
            None if reached => Ok(()),
            None => Err("it was not asked at all".into()),
            Some(step) => Err(format!("there is no fault, and it says {}: {}", step.name, step.text)),
        };
    };
    let Some(found) = first else { return Err("nothing was found".into()) };
    let said = (found.name, found.verdict, found.code.as_deref(), found.side);
    let wanted = (*step, *verdict, Some(*code), Some(*side));
    if said != wanted {
        return Err(format!("it says {said:?} and has to say {wanted:?}"));
    }
    if !found.text.contains(says) {
        return Err(format!("it says {:?}, which has no {says:?}", found.text));
    }
    if blamed.is_some() && found.at.as_deref() != blamed {
        return Err(format!("it is about {:?} and has to be about {blamed:?}", found.at));
    }
    match wrong.next() {
        Some(also) if *is_all => Err(format!("it says too: {} {}", also.name, also.text)),
        None if *is_all && !report.steps.iter().any(|step| step.name == Ping) => {
            Err("it was not asked at all".into())
        }
        _ if report.works() && *verdict != Verdict::Warn => Err("it is said to work".into()),
        // A person who reads the summary alone reads of the same step.
        _ if !*is_all
            && matches!(verdict, Verdict::Fail | Verdict::Wait)
            && !report.summary().contains(&found.text) =>
        {
            Err("its summary is about something else".into())
        }
        _ => Ok(()),
    }
}

/// The document of whom a request names.
fn document_of(provider: &Provider) -> Vec<u8> {
    let endpoint = format!("https://{provider}/mtp/v1").parse().unwrap();
    provider_document(provider, &endpoint, [SecretKey::from_seed([7; 32]).public()]).to_json()
}

/// The provider that a request is for.
fn asked(headers: &HeaderMap) -> Provider {
    headers["host"].to_str().unwrap().parse().unwrap()
}

fn answer(status: u16, content_type: &'static str, content: impl Into<Body>) -> Response {
    Response::builder().status(status).header(CONTENT_TYPE, content_type).body(content.into()).unwrap()
}

fn page(status: u16) -> Response {
    let status_line = StatusCode::from_u16(status).unwrap();
    answer(status, "text/html", format!("<html><body><h1>{status_line}</h1></body></html>\n"))
}

fn the_document(request: &http::Request<Body>) -> Response {
    answer(200, "application/json", document_of(&asked(request.headers())))
}

fn redirect(to: &str) -> Response {
    Response::builder().status(301).header(LOCATION, to).body(Body::empty()).unwrap()
}

/// An answer in HTTP/1.1 with this content, and its place where the content begins.
fn http_answer(content: &[u8], length: usize) -> (Vec<u8>, usize) {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    ([head.as_bytes(), content].concat(), head.len())
}

/// The beginning of a document's answer, of which the end is missing.
fn half_a_document(provider: &Provider) -> Vec<Vec<u8>> {
    let document = document_of(provider);
    let (answer, begins) = http_answer(&document, document.len());
    vec![answer[..begins + document.len() / 2].to_vec()]
}

/// `::1`, where this computer has it.
fn ipv6() -> Option<IpAddr> {
    let address = IpAddr::from(Ipv6Addr::LOCALHOST);
    TcpListener::bind((address, 0)).is_ok().then_some(address)
}

/// One test for each line: its name, the fault in words, what has to be said, and how it comes about.
macro_rules! faults {
    ($($name:ident: $fault:literal, $expected:expr, $set_up:expr;)+) => {$(
        #[tokio::test]
        async fn $name() {
            look($fault, $expected, $set_up).await;
        }
    )+};
}

// The name and its addresses.
faults! {
    no_name: "what was typed is no provider's name",
        fails(Name, "name-malformed", Ours, ""),
        async |_| Some("Not a name!".into());
    no_address: "the name has no address",
        fails(Dns, "no-address", Either, HOST),
        async |scene| {
            scene.federation.clock().names(HOST, &[]);
            Some(HOST.into())
        };
    private_address: "the name leads to a private address",
        lasts(fails(Addresses, "address-refused", Ours, "10.1.2.3, which is not a public address")),
        async |scene| {
            scene.federation.clock().names(HOST, &["10.1.2.3"]);
            Some(HOST.into())
        };
    one_private_address: "the name leads to a private address beside a good one",
        warns_only(Addresses, "address-refused", Either, "10.1.2.3 may not"),
        async |scene| {
            let good = scene.federation.address();
            Some(scene.peer_at(good, &["10.1.2.3".parse().unwrap(), good]).await)
        };
}

// The connection.
faults! {
    nothing_listens: "nothing listens at the port (a firewall that refuses)",
        lasts(fails(Connect, "connection-refused", Either, "refused")),
        async |scene| Some(scene.federation.nobody().to_string());
    ipv6_broken: "IPv6 is broken, and IPv4 is fine",
        warns_only(Connect, "connection-refused", Theirs, "refused"),
        async |scene| {
            let good = scene.federation.address();
            let name = scene.peer_at(good, &[ipv6()?, good]).await;
            scene.blames(ipv6()?, &name);
            Some(name)
        };
    ipv4_broken: "IPv4 is broken, and IPv6 is fine",
        warns_only(Connect, "connection-refused", Theirs, "refused"),
        async |scene| {
            let (broken, good) = (scene.federation.address(), ipv6()?);
            let name = scene.peer_at(good, &[broken, good]).await;
            scene.blames(broken, &name);
            Some(name)
        };
    no_ipv6_here: "no fault: the name has an IPv6 address too, and this computer has no IPv6",
        IS_WELL,
        async |scene| {
            let (far, good) = (UNREACHABLE.into(), scene.federation.address());
            Some(scene.peer_at(good, &[far, good]).await)
        };
    both_broken: "neither IPv4 nor IPv6 can be connected to",
        fails(Connect, "connection-refused", Either, "refused"),
        async |scene| {
            let addresses = [scene.federation.address(), ipv6()?].map(|address| address.to_string());
            scene.federation.clock().names(HOST, &[&addresses[0], &addresses[1]]);
            Some(format!("{HOST}:{}", scene.federation.nobody().port()))
        };
}

// These are as Linux has them.
#[cfg(target_os = "linux")]
faults! {
    firewall_drops: "a firewall drops what comes",
        fails(Connect, "connect-timeout", Either, "in 10 s"),
        async |scene| {
            let host = scene.federation.dropping_host().await;
            let name = host.address().to_string();
            scene.keeps(host);
            Some(name)
        };
    ipv6_dropped: "a firewall drops what comes by IPv6, and IPv4 is fine",
        warns_only(Connect, "connect-timeout", Theirs, "in 10 s"),
        async |scene| {
            let (dropping, good) = (ipv6()?, scene.federation.address());
            let peer = scene.federation.scripted_peer_called(HOST, good);
            // Before our node knows of it: what it connects while the firewall is being made would be let in, and hang.
            scene.keeps(DroppingHost::at((dropping, peer.provider().port()).into()).await);
            let name = scene.leads_to(peer, &[dropping, good]).await;
            scene.blames(dropping, &name);
            Some(name)
        };
}

// TLS and the certificate.
faults! {
    silent_after_accept: "the port takes the connection and says nothing",
        fails(Tls, "tls-timeout", Either, "did not answer the TLS handshake in 10 s"),
        async |scene| Some(scene.raw(|_| RawConduct::Silent).await);
    plain_http: "the port speaks HTTP without TLS",
        fails(Tls, "tls-not-spoken", Either, "plain HTTP"),
        async |scene| Some(scene.server_that_shows(ServerTls::PlainHttp, the_document));
    old_tls: "the server speaks TLS 1.2 alone",
        fails(Tls, "tls-version", Either, "TLS 1.3"),
        async |scene| Some(scene.server_that_shows(ServerTls::OldTls, the_document));
    expired: "the certificate has run out",
        lasts(fails(Tls, "certificate-expired", Theirs, "2002-01-01")),
        async |scene| Some(scene.server_that_shows(ServerTls::Expired, the_document));
    not_yet_valid: "the certificate is not valid yet",
        fails(Tls, "certificate-not-yet-valid", Either, "2901-01-01"),
        async |scene| Some(scene.server_that_shows(ServerTls::NotYetValid, the_document));
    wrong_name: "the certificate is for another name",
        lasts(fails(Tls, "certificate-wrong-name", Either, "but for 192.0.2.1")),
        async |scene| Some(scene.server_that_shows(ServerTls::OtherName, the_document));
    self_signed: "the certificate is signed by itself",
        fails(Tls, "certificate-self-signed", Either, "signed itself"),
        async |scene| Some(scene.server_that_shows(ServerTls::SelfSigned, the_document));
    self_signed_wrong_name: "the certificate is signed by itself, and for another name",
        fails(Tls, "certificate-wrong-name", Either, "but for 192.0.2.1"),
        async |scene| Some(scene.server_that_shows(ServerTls::SelfSignedOtherName, the_document));
    trusted_wrong_name: "the certificate that is trusted by its fingerprint is for another name",
        fails(Tls, "certificate-wrong-name", Either, "but for 192.0.2.1"),
        async |scene| {
            let name = scene.server_that_shows(ServerTls::SelfSignedOtherName, the_document);
            scene.trusts_what_is_shown_by(&name).await;
            Some(name)
        };
    unknown_issuer_wrong_name: "the certificate is of an authority that nobody trusts, and for another name",
        fails(Tls, "certificate-wrong-name", Either, "but for 192.0.2.1"),
        async |scene| Some(scene.server_that_shows(ServerTls::UnknownIssuerOtherName, the_document));
    unknown_issuer: "the certificate is of an authority that nobody trusts",
        lasts(fails(Tls, "certificate-unknown-issuer", Either, "does not trust")),
        async |scene| Some(scene.server_that_shows(ServerTls::UnknownIssuer, the_document));
    chain_incomplete: "the chain is shown without its intermediate",
        fails(Tls, "certificate-chain-incomplete", Theirs, "without that of the authority"),
        async |scene| Some(scene.server_that_shows(ServerTls::WithoutIntermediate, the_document));
    chain_of_private_authority: "the chain is shown without its intermediate, of an authority that is not public",
        fails(Tls, "certificate-unknown-issuer", Either, "does not trust"),
        async |scene| Some(scene.server_that_shows(ServerTls::WithoutIntermediateAndItsPlace, the_document));
    other_server_by_ipv6: "another server answers at the name's IPv6 address, and IPv4 is fine",
        fails(Tls, "certificate-wrong-name", Theirs, "is not for peer.example but for ::1"),
        async |scene| {
            let good = scene.federation.address();
            let name = scene.peer_at(good, &[ipv6()?, good]).await;
            let port = name.parse::<Provider>().unwrap().port();
            let other = scene.federation.raw_server_at((ipv6()?, port).into()).await;
            other.conducts(RawConduct::SilentOverTls);
            scene.keeps(other);
            scene.blames(ipv6()?, &name);
            Some(name)
        };
}

// Certificates that are good, though not at first sight, and a network that is bad, but not too bad.
faults! {
    whole_chain: "no fault: the chain is shown with its intermediate",
        IS_WELL,
        async |scene| Some(scene.peer_that_shows(ServerTls::WithIntermediate).await);
    only_with_sni: "no fault: the right certificate is shown only with SNI",
        IS_WELL,
        async |scene| Some(scene.peer_that_shows(ServerTls::OnlyWithSni).await);
    split: "no fault: what it sends comes in segments of one byte",
        IS_WELL,
        async |scene| Some(scene.behind_network(|network| network.splits(1)).await);
    slow_network: "what it answers is on its way for long",
        warns(Ping, "slow", Either, "only after"),
        async |scene| Some(scene.behind_network(|network| network.delays(Duration::from_millis(2100))).await);
    lossy_network: "connections break amid large requests",
        warns(Limits, "connection-lost", Either, "the connection broke"),
        async |scene| Some(scene.behind_network(|network| network.cuts_requests_after(64 << 10)).await);
}

// The document.
faults! {
    silent_after_tls: "the server is silent after the handshake",
        fails(Document, "timeout", Either, "did not answer in time"),
        async |scene| Some(scene.raw(|_| RawConduct::SilentOverTls).await);
    silent_amid_document: "the server is silent amid the document",
        fails(Document, "timeout", Either, "began to answer 200 OK"),
        async |scene| {
            Some(scene.raw(|provider| RawConduct::SendsThenSilent(half_a_document(provider))).await)
        };
    document_cut: "the document is cut, and the connection is closed",
        fails(Document, "connection-lost", Either, "broke off after"),
        async |scene| {
            Some(scene.raw(|provider| RawConduct::SendsThenCloses(half_a_document(provider))).await)
        };
    document_broken_off: "the document is cut, and the connection just ends",
        fails(Document, "connection-lost", Either, "the other side closed it amid the exchange"),
        async |scene| {
            Some(scene.raw(|provider| RawConduct::SendsThenBreaks(half_a_document(provider))).await)
        };
    web_page: "a proxy answers 200 with a web page",
        fails(Document, "document-web-page", Either, "web page"),
        async |scene| Some(scene.server(|_| page(200)));
    document_missing: "there is no document",
        fails(Document, "document-missing", Either, "404"),
        async |scene| Some(scene.server(|_| page(404)));
    document_refused: "everybody is refused with 403",
        fails(Document, "document-refused", Either, "403"),
        async |scene| Some(scene.server(|_| page(403)));
    user_agent_refused: "a proxy refuses unknown programs with 403",
        fails(Document, "user-agent-refused", Theirs, "User-Agent"),
        async |scene| {
            Some(scene.server(|request| match request.headers()[USER_AGENT].to_str() {
                Ok(program) if program.starts_with("Mozilla/") => the_document(request),
                _ => page(403),
            }))
        };
    redirected: "the document is redirected to another host",
        fails(Document, "document-redirected", Either, "https://elsewhere.example/.well-known/mtp"),
        async |scene| Some(scene.server(|_| redirect("https://elsewhere.example/.well-known/mtp")));
    slash_added_by_redirect: "a proxy redirects to the same with a slash at the end",
        fails(Document, "document-behind-slash", Theirs, "adds a slash"),
        async |scene| {
            Some(scene.server(|request| match request.uri().path() {
                DOCUMENT => redirect("/.well-known/mtp/"),
                _ => the_document(request),
            }))
        };
    slash_needed: "the document is there only with a slash at the end",
        fails(Document, "document-behind-slash", Theirs, "/.well-known/mtp/"),
        async |scene| {
            Some(scene.server(|request| match request.uri().path() {
                DOCUMENT => page(404),
                _ => the_document(request),
            }))
        };
    slash_added_on_the_way: "a proxy adds a slash to the document's path on its way to the provider",
        fails(Document, "path-changed", Theirs, ""),
        async |scene| {
            let beta = scene.federation.node(|_| {}).await;
            let proxy = scene.federation.proxy_to(&format!("https://{}", beta.provider()));
            proxy.rewrites(|target| format!("{}/", target.trim_end_matches('/')));
            scene.keeps(beta);
            Some(scene.looks_at(proxy, |proxy| proxy.address()))
        };
    document_of_another: "the document is another provider's",
        fails(Document, "document-of-another", Either, "other.example"),
        async |scene| {
            let other = document_of(&"other.example".parse().unwrap());
            Some(scene.server(move |_| answer(200, "application/json", other.clone())))
        };
    document_broken: "the document is no JSON",
        fails(Document, "document-invalid", Theirs, ""),
        async |scene| Some(scene.server(|_| answer(200, "application/json", "{\"provider\":")));
    document_502: "the proxy answers 502 for the document",
        fails(Document, "proxy-error", Theirs, "502"),
        async |scene| Some(scene.server(|_| page(502)));
    document_503: "the proxy answers 503 for the document",
        fails(Document, "proxy-error", Theirs, "503"),
        async |scene| Some(scene.server(|_| page(503)));
    document_504: "the proxy answers 504 for the document",
        fails(Document, "proxy-error", Theirs, "504"),
        async |scene| Some(scene.server(|_| page(504)));
    key_changed: "its key has changed",
        fails(Keys, "key-changed", Ours, "its operator has confirmed it to you"),
        async |scene| {
            let peer = scene.federation.scripted_peer();
            peer.answers_pings(PeerState::Allowed);
            scene.alpha.allows(peer.provider()).await;
            scene.alpha.checks(peer.provider()).await;
            peer.shows_keys([SecretKey::from_seed([9; 32]).public()]);
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
}

// The endpoint.
faults! {
    endpoint_down: "the endpoint is down, and the name is up",
        fails(Connect, "connection-refused", Theirs, "refused"),
        async |scene| {
            let nobody = scene.federation.nobody();
            scene.blamed = Some(nobody.to_string());
            Some(scene.endpoint_at(nobody).await)
        };
    endpoint_silent: "the endpoint is silent when it is asked",
        fails(Ping, "timeout", Theirs, "did not answer in time"),
        async |scene| {
            let server = scene.raw(|_| RawConduct::SilentOverTls).await;
            Some(scene.endpoint_at(server).await)
        };
    answers_by_other_key: "it answers with a key that its document does not have",
        fails(Ping, "answer-key-unknown", Theirs, "not in the responder's document"),
        async |scene| {
            let peer = scene.federation.scripted_peer();
            peer.answers_pings(PeerState::Allowed);
            peer.shows_keys([SecretKey::from_seed([9; 32]).public()]);
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
    endpoint_of_another: "the endpoint is another provider's",
        fails(Ping, "other-responder", Theirs, ""),
        async |scene| {
            let (peer, beta) = (scene.federation.scripted_peer(), scene.federation.node(|_| {}).await);
            peer.moves_to(&format!("https://{}/mtp/v1", beta.provider()));
            scene.keeps(beta);
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
    endpoint_web_page: "a proxy answers 200 with a web page in the place of the endpoint",
        fails(Ping, "response-unsigned", Theirs, "200 OK (text/html"),
        async |scene| {
            let server = scene.server(|_| page(200));
            Some(scene.endpoint_at(server).await)
        };
    endpoint_502: "the proxy answers 502 in the place of the endpoint",
        fails(Ping, "proxy-error", Theirs, "502"),
        async |scene| {
            let server = scene.server(|_| page(502));
            Some(scene.endpoint_at(server).await)
        };
    endpoint_503: "the proxy answers 503 in the place of the endpoint",
        fails(Ping, "proxy-error", Theirs, "503"),
        async |scene| {
            let server = scene.server(|_| page(503));
            Some(scene.endpoint_at(server).await)
        };
    endpoint_504: "the proxy answers 504 in the place of the endpoint",
        fails(Ping, "proxy-error", Theirs, "504"),
        async |scene| {
            let server = scene.server(|_| page(504));
            Some(scene.endpoint_at(server).await)
        };
    busy: "the provider itself says that it is busy",
        fails(Ping, "unavailable", Nobody, "busy"),
        async |scene| {
            let peer = scene.federation.scripted_peer();
            peer.responder().refuses(|_, path| {
                (path == "/ping").then(|| Problem::new(Code::Unavailable, "I am busy"))
            });
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
    slash_dropped: "a proxy drops the slash after the endpoint's path",
        fails(Ping, "path-changed", Theirs, "/mtp/v1ping has reached it"),
        async |scene| Some(scene.behind_proxy_that(|target| target.replace("/mtp/v1/", "/mtp/v1")).await);
    slash_doubled: "a proxy doubles the slash after the endpoint's path",
        fails(Ping, "path-changed", Theirs, "/mtp/v1//ping has reached it"),
        async |scene| Some(scene.behind_proxy_that(|target| target.replace("/mtp/v1/", "/mtp/v1//")).await);
    slash_added: "a proxy adds a slash at the end of each path",
        fails(Ping, "path-changed", Theirs, "/mtp/v1/ping/ has reached it"),
        async |scene| Some(scene.behind_proxy_that(|target| format!("{target}/")).await);
    path_stripped: "a proxy leaves out the endpoint's path",
        fails(Ping, "path-changed", Theirs, "has reached it"),
        async |scene| Some(scene.behind_proxy_that(|target| target.replace("/mtp/v1", "")).await);
    fields_dropped: "a proxy drops the signature of requests",
        fails(Ping, "signature-missing", Theirs, "did not reach it"),
        async |scene| Some(scene.behind_proxy(|proxy| proxy.drops_from_requests("signature")).await);
    recipient_dropped: "a proxy drops the field MTP-To of requests",
        fails(Ping, "signature-missing", Theirs, "there is no MTP-To"),
        async |scene| Some(scene.behind_proxy(|proxy| proxy.drops_from_requests("mtp-to")).await);
    answer_fields_dropped: "a proxy drops the signature of answers",
        fails(Ping, "response-unsigned", Theirs, ""),
        async |scene| Some(scene.behind_proxy(|proxy| proxy.drops_from_answers("signature")).await);
    too_large: "a proxy takes no request over 1 MiB",
        warns_only(Limits, "proxy-too-large", Theirs, "413"),
        async |scene| {
            let mut before = None;
            let federation = &scene.federation;
            let beta = federation.node(|config| before = Some(federation.proxy_in_front_of(config))).await;
            let proxy = before.unwrap();
            proxy.takes_at_most(1 << 20);
            beta.allows(scene.alpha.provider()).await;
            scene.alpha.allows(beta.provider()).await;
            scene.keeps(proxy);
            Some(scene.looks_at(beta, TestNode::provider))
        };
    disk_full: "its disk is full",
        fails(Limits, "store-failing", Theirs, "its disk is full"),
        async |scene| {
            let clock = Arc::new(Clock::default());
            let beta = scene.federation.node_with_clock(clock.clone(), |_| {}).await;
            beta.allows(scene.alpha.provider()).await;
            scene.alpha.allows(beta.provider()).await;
            let us = scene.alpha.provider().clone();
            beta.until("it has kept which keys we have", move |view| {
                Ok((!view.accepted_keys(&us)?.is_empty()).then_some(()))
            })
            .await;
            clock.fills_disk(true);
            Some(scene.looks_at(beta, TestNode::provider))
        };
    disk_full_at_first: "its disk was full before it has kept which keys we have",
        fails(Ping, "store-failing", Theirs, "its disk is full"),
        async |scene| {
            let clock = Arc::new(Clock::default());
            let beta = scene.federation.node_with_clock(clock.clone(), |_| {}).await;
            beta.allows_paused(scene.alpha.provider()).await;
            clock.fills_disk(true);
            Some(scene.looks_at(beta, TestNode::provider))
        };
    requests_silent: "only large requests are silent, and what was found out until then is told in time",
        warns(Limits, "slow", Either, "was not found out in 15 s"),
        async |scene| {
            let peer = scene.federation.scripted_peer();
            peer.answers_pings(PeerState::Allowed);
            peer.responder().ignores("/peering");
            scene.alpha.allows(peer.provider()).await;
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
    feed_silent: "only the feed is silent",
        fails(Pull, "timeout", Theirs, "did not answer in time"),
        async |scene| {
            let peer = scene.federation.scripted_peer();
            peer.answers_pings(PeerState::Allowed);
            peer.responder().ignores("/feed");
            scene.alpha.allows(peer.provider()).await;
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
}

// The clocks.
faults! {
    clock_ahead: "one of two clocks is 10 minutes ahead, and there is nobody else to ask",
        fails(ClockStep, "clock-skew", Either, "10 min ahead of this computer's"),
        async |scene| Some(scene.with_clocks(|clock| clock.turn(TEN_MINUTES), 0).await);
    clock_behind: "one of two clocks is 10 minutes behind, and there is nobody else to ask",
        fails(ClockStep, "clock-skew", Either, "10 min behind this computer's"),
        async |scene| Some(scene.with_clocks(|clock| clock.turn_back(TEN_MINUTES), 0).await);
    their_clock_ahead: "its clock is 10 minutes ahead, and another provider agrees with us",
        fails(ClockStep, "clock-skew", Theirs, "so its clock is wrong"),
        async |scene| Some(scene.with_clocks(|clock| clock.turn(TEN_MINUTES), 1).await);
    their_clock_behind: "its clock is 10 minutes behind, and another provider agrees with us",
        fails(ClockStep, "clock-skew", Theirs, "so its clock is wrong"),
        async |scene| Some(scene.with_clocks(|clock| clock.turn_back(TEN_MINUTES), 1).await);
    our_clock_ahead: "our clock is 10 minutes ahead, and two others agree with the provider",
        fails(ClockStep, "own-clock", Ours, "so this computer's clock is wrong"),
        async |scene| {
            scene.turns_our_clock(|clock| clock.turn(TEN_MINUTES)).await;
            Some(scene.with_clocks(|_| {}, 2).await)
        };
    our_clock_behind: "our clock is 10 minutes behind, and two others agree with the provider",
        fails(ClockStep, "own-clock", Ours, "so this computer's clock is wrong"),
        async |scene| {
            scene.turns_our_clock(|clock| clock.turn_back(TEN_MINUTES)).await;
            Some(scene.with_clocks(|_| {}, 2).await)
        };
    clock_a_little_off: "its clock is 45 s ahead, which is no trouble yet",
        warns_only(ClockStep, "clock-off", Either, "ahead of this computer's"),
        async |scene| Some(scene.with_clocks(|clock| clock.turn(Duration::from_secs(45)), 0).await);
}

// What each side has decided on the other.
faults! {
    all_is_well: "no fault: both let the other in",
        IS_WELL,
        async |scene| Some(scene.node_that_is(Some(PeerState::Allowed), Some(PeerState::Allowed)).await);
    strangers: "no fault: neither has met the other",
        IS_WELL,
        async |scene| Some(scene.node_that_is(None, None).await);
    pending_there: "we wait there to be let in",
        waits(Peering, "peer-pending", Theirs, "waits for its operator's decision on us"),
        async |scene| Some(scene.node_that_is(Some(PeerState::Allowed), Some(PeerState::Pending)).await);
    listed_there: "we have introduced ourselves where only those are let in that its operator has added",
        waits(Peering, "peer-pending", Theirs, ""),
        async |scene| {
            let beta = scene.federation.node(|config| config.peers.strangers = Strangers::Listed).await;
            scene.alpha.allows(beta.provider()).await;
            let introduces = |node: &Node| {
                let pulling = node.operator().pulling(beta.provider());
                pulling.is_some_and(|it| it.status == PullingStatus::Introducing)
            };
            scene.alpha.until_node("we wait there to be let in", introduces).await;
            Some(scene.looks_at(beta, TestNode::provider))
        };
    blocked_there: "we are blocked there",
        lasts(fails(Peering, "peer-blocked", Theirs, "blocked us")),
        async |scene| Some(scene.node_that_is(Some(PeerState::Allowed), Some(PeerState::Blocked)).await);
    pending_here: "it waits here to be let in",
        waits(Peering, "waits-here", Ours, "waits for your decision on it"),
        async |scene| Some(scene.node_that_is(Some(PeerState::Pending), Some(PeerState::Allowed)).await);
    blocked_here: "it is blocked here",
        fails(Peering, "not-asked", Ours, "blocked here"),
        async |scene| Some(scene.node_that_is(Some(PeerState::Blocked), Some(PeerState::Allowed)).await);
    our_key_changed: "our key has changed, and it has not accepted the new one",
        fails(Peering, "peer-key-changed", Theirs, "another key of ours"),
        async |scene| {
            let peer = scene.federation.scripted_peer();
            peer.answers_pings(PeerState::KeyChanged);
            scene.alpha.allows(peer.provider()).await;
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
}

// What comes and goes by itself.
faults! {
    never_pulled: "it has let us in as we have it, and has not come for what waits here since then",
        warns_only(TheirPull, "not-pulled", Either, "an item waits here for it, and it does not fetch it"),
        async |scene| {
            let peer = scene.federation.scripted_peer();
            peer.answers_pings(PeerState::Allowed);
            scene.alpha.allows(peer.provider()).await;
            scene.turns_clock(&peer, Duration::from_secs(100)).await;
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
    rests: "no fault: it has pulled once, and rests since nothing is expected from here",
        IS_WELL,
        async |scene| {
            let peer = scene.federation.scripted_peer();
            peer.answers_pings(PeerState::Allowed);
            scene.alpha.allows(peer.provider()).await;
            assert_eq!(peer.gets(scene.alpha.provider(), "/feed?after=0").send().await.status, StatusCode::OK);
            scene.turns_clock(&peer, TEN_MINUTES).await;
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
    not_pulled: "it does not fetch what waits here for it",
        warns_only(TheirPull, "not-pulled", Either, "it is away, cannot reach us, or does not want to"),
        async |scene| {
            let (alpha, peer) = (&scene.alpha, scene.federation.scripted_peer());
            peer.answers_pings(PeerState::Allowed);
            alpha.allows(peer.provider()).await;
            let alice = alpha.node().operator().create_user("alice".parse().unwrap(), UserRule::Ask).await.unwrap();
            let request = peer.request(&peer.address("bob"), &alice);
            peer.posts(alpha.provider(), "/connections", &request).send().await;
            let id = serde_json::from_value(request["id"].clone()).unwrap();
            alpha.hears_of(id).await;
            alpha.decides(id, Decision::Approve).await;
            scene.turns_clock(&peer, TEN_MINUTES).await;
            Some(scene.looks_at(peer, ScriptedPeer::provider))
        };
}

#[tokio::test]
async fn a_look_that_the_end_of_the_node_cuts_short_says_so() {
    let federation = Federation::new();
    let (alpha, server) = (federation.node(|_| {}).await, federation.raw_server().await);
    let node = alpha.node();
    let id = node.operator().begin_check(server.provider().as_str()).unwrap();
    // By then it waits for TLS.
    node.operator().check_report(id, 2).await.unwrap();
    alpha.stop().await;
    let report = node.operator().check_report(id, usize::MAX).await.unwrap();
    assert!(report.is_finished && report.summary().contains("stopped"), "{report:#?}");
}

/// What is said of the certificate of `provider` by a node that trusts those in `roots`.
async fn judges(federation: &Federation, roots: &Path, provider: &Provider) -> Report {
    let node = federation.node(|config| config.peers.extra_roots = Some(roots.to_owned())).await;
    node.checks(provider).await
}

#[tokio::test]
async fn a_certificate_signed_by_itself_is_told_as_that_beside_another_that_is_trusted() {
    let federation = Federation::new();
    let without_files = |config: &mut Config| (config.mtp.tls_cert, config.mtp.tls_key) = (None, None);
    let (beta, gamma) = (federation.node(without_files).await, federation.node(without_files).await);
    // Both are called alike, as those of two providers at one host are.
    let trusted = beta.config().data_dir.join("tls-cert.pem");
    let report = judges(&federation, &trusted, gamma.provider()).await;
    let failed = report.steps.iter().find(|step| step.verdict == Verdict::Fail).unwrap();
    assert_eq!(
        (failed.name, failed.code.as_deref(), failed.side),
        (Tls, Some("certificate-replaced"), Some(Ours)),
        "{report:#?}"
    );
    let said = failed.text.split("SHA-256 ").nth(1).unwrap();
    let [known, shown] = [&said[..95], failed.text.split("it now shows ").nth(1).unwrap().get(..95).unwrap()];
    assert!(known != shown && failed.evidence[0].value.contains(shown), "{failed:#?}");
    let report = judges(&federation, &trusted, beta.provider()).await;
    assert!(report.steps.iter().all(|step| step.verdict != Verdict::Fail), "{report:#?}");
    // To itself it is a matter for its peers: its own is known by its bytes, and the rest is looked at.
    let report = beta.checks(beta.provider()).await;
    let [told] = &report.steps.iter().filter(|step| !is_well(step)).collect::<Vec<_>>()[..] else {
        panic!("{report:#?}")
    };
    assert_eq!(
        (told.name, told.verdict, told.code.as_deref()),
        (Tls, Verdict::Warn, Some("certificate-self-signed")),
        "{report:#?}"
    );
    for name in [Document, Keys, Ping] {
        let step = report.steps.iter().find(|step| step.name == name).unwrap();
        assert_eq!(step.verdict, Verdict::Pass, "{report:#?}");
    }
    assert!(report.summary().starts_with("It works, with a warning."), "{}", report.summary());
}

#[tokio::test]
async fn ones_own_certificate_for_another_name_is_told_as_that_whoever_has_signed_it() {
    let federation = Federation::new();
    let files = federation.self_signed_for("elsewhere.example").map(Some);
    let beta = federation.node(|config| [config.mtp.tls_cert, config.mtp.tls_key] = files).await;
    let report = beta.checks(beta.provider()).await;
    let failed: Vec<_> = report.steps.iter().filter(|step| step.verdict == Verdict::Fail).collect();
    let [failed] = failed[..] else { panic!("{report:#?}") };
    assert_eq!(
        (failed.name, failed.code.as_deref(), failed.side),
        (Tls, Some("certificate-wrong-name"), Some(Ours)),
        "{report:#?}"
    );
}

#[tokio::test]
async fn what_is_in_front_of_us_and_ends_a_pull_is_found_also_where_it_has_not_our_certificate() {
    let federation = Federation::new();
    let mut config = federation.config(|_| {});
    let network = federation.faulty_network_before(&mut config).await;
    config.provider = network.address().to_string().parse().unwrap();
    network.ends_idle(Duration::from_secs(2));
    let beta = federation.node(|own| *own = config).await;
    let report = beta.checks(beta.provider()).await;
    let step = report.steps.iter().find(|step| step.name == Pull).unwrap_or_else(|| panic!("{report:#?}"));
    assert_eq!(
        (step.verdict, step.code.as_deref(), step.side),
        (Verdict::Warn, Some("pull-cut"), Some(Ours)),
        "{report:#?}"
    );
    // Where nothing is in between, it is known without the wait.
    let gamma = federation.node(|_| {}).await;
    let report = gamma.checks(gamma.provider()).await;
    let step = report.steps.iter().find(|step| step.name == Pull).unwrap_or_else(|| panic!("{report:#?}"));
    assert_eq!(step.verdict, Verdict::Skipped, "{report:#?}");
    assert!(step.text.contains("ends in this program"), "{}", step.text);
}

#[tokio::test]
async fn our_own_clock_is_no_witness_of_itself_and_one_other_is_not_enough() {
    let federation = Federation::new();
    let ahead = Arc::new(Clock::default());
    ahead.turn(TEN_MINUTES);
    let alpha = federation.node_with_clock(ahead, |_| {}).await;
    let (beta, gamma) = (federation.node(|_| {}).await, federation.node(|_| {}).await);
    let clock_of = |report: &Report| {
        let step = report.steps.iter().find(|step| step.name == ClockStep);
        let step = step.unwrap_or_else(|| panic!("{report:#?}"));
        (step.verdict, step.code.as_deref().map(str::to_owned), step.side)
    };
    let said = |verdict, code: &str, side| (verdict, Some(code.to_owned()), Some(side));
    assert_eq!(clock_of(&alpha.checks(alpha.provider()).await), (Verdict::Skipped, None, None));
    let report = alpha.checks(gamma.provider()).await;
    assert_eq!(clock_of(&report), said(Verdict::Fail, "clock-skew", Either), "{report:#?}");
    // One witness against our own.
    let report = alpha.checks(alpha.provider()).await;
    assert_eq!(clock_of(&report), said(Verdict::Warn, "clock-off", Either), "{report:#?}");
    let report = alpha.checks(gamma.provider()).await;
    assert_eq!(clock_of(&report), said(Verdict::Fail, "clock-skew", Either), "{report:#?}");
    // Two of them.
    let report = alpha.checks(beta.provider()).await;
    assert_eq!(clock_of(&report), said(Verdict::Fail, "own-clock", Ours), "{report:#?}");
    let report = alpha.checks(alpha.provider()).await;
    assert_eq!(clock_of(&report), said(Verdict::Warn, "own-clock", Ours), "{report:#?}");
}

#[tokio::test]
async fn who_has_a_reason_to_come_and_does_not_is_warned_of_though_nothing_waits_for_it() {
    let federation = Federation::new();
    let (alpha, beta) = (federation.node(|_| {}).await, federation.node(|_| {}).await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, ConnectionState::Approved).await;
    alpha.waits_for_pull_by(beta.provider()).await;
    beta.stop().await;
    federation.clock().turn(TEN_MINUTES);
    let report = alpha.checks(beta.provider()).await;
    let pull = report.steps.iter().find(|step| step.name == TheirPull).unwrap();
    assert_eq!(
        (pull.verdict, pull.code.as_deref(), pull.side),
        (Verdict::Warn, Some("not-pulled"), Some(Either)),
        "{report:#?}"
    );
    assert!(pull.text.contains("it has not come here for news for 10 minutes"), "{}", pull.text);
}

#[tokio::test]
async fn that_this_node_was_started_is_taken_for_no_visit_of_the_other() {
    let federation = Federation::new();
    let (alpha, beta) = (federation.node(|_| {}).await, federation.node(|_| {}).await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, ConnectionState::Approved).await;
    alpha.waits_for_pull_by(beta.provider()).await;
    beta.stop().await;
    alpha.stop().await;
    federation.clock().turn(TEN_MINUTES);
    alpha.start().await;
    let report = alpha.checks(beta.provider()).await;
    let pull = report.steps.iter().find(|step| step.name == TheirPull).unwrap();
    assert_eq!(pull.verdict, Verdict::Skipped, "{report:#?}");
    assert!(
        pull.text.contains("it was here 10 minutes ago, before this provider was started"),
        "{}",
        pull.text
    );
}

/// The step of that name in a report.
fn step_of(report: &Report, name: StepName) -> &Step {
    report.steps.iter().find(|step| step.name == name).unwrap_or_else(|| panic!("no {name} in {report:#?}"))
}

#[tokio::test]
async fn a_certificate_of_ours_that_keeps_all_out_is_told_in_a_look_at_any_of_them() {
    let federation = Federation::new();
    let (alpha, beta) = (federation.node(|_| {}).await, federation.node(|_| {}).await);
    alpha.allows(beta.provider()).await;
    beta.allows(alpha.provider()).await;
    let (alice, bob) = (alpha.user("alice").await, beta.user("bob").await);
    let asked = bob.asks_to_connect(alice.uri()).await;
    alpha.hears_of(asked).await;
    alpha.decides(asked, Decision::Approve).await;
    beta.sees(asked, ConnectionState::Approved).await;
    alpha.waits_for_pull_by(beta.provider()).await;

    let [cert, key] = federation.self_signed_for("elsewhere.example");
    let shown = &alpha.config().mtp;
    std::fs::copy(key, shown.tls_key.as_ref().unwrap()).unwrap();
    std::fs::copy(cert, shown.tls_cert.as_ref().unwrap()).unwrap();
    let is_read = |node: &Node| node.operator().ourselves().certificates.iter().any(|it| !it.is_ours);
    alpha.until_node("the certificate is read anew", is_read).await;
    let report = alpha.checks(beta.provider()).await;
    let told = step_of(&report, ThisSide);
    assert_eq!(
        (told.verdict, told.code.as_deref(), told.side),
        (Verdict::Warn, Some("certificate-wrong-name"), Some(Ours)),
        "{report:#?}"
    );
    assert!(!report.works() && report.summary().starts_with("Not everything works."), "{}", report.summary());

    // That the other does not come is not said to be its fault.
    beta.stop().await;
    federation.clock().turn(TEN_MINUTES);
    let report = alpha.checks(beta.provider()).await;
    let pull = step_of(&report, TheirPull);
    assert_eq!(pull.verdict, Verdict::Skipped, "{report:#?}");
    assert!(pull.text.contains("nobody can come here now"), "{}", pull.text);
}

#[tokio::test]
async fn a_port_of_our_name_at_which_nothing_listens_is_told_everywhere() {
    let federation = Federation::new();
    let mut config = federation.config(|_| {});
    config.provider = federation.nobody();
    let (named, listening) = (config.provider.port(), config.mtp.listen.ip().unwrap().port());
    let alpha = federation.node(|own| *own = config).await;
    let is_looked_up = |node: &Node| node.operator().ourselves().looked.is_some();
    alpha.until_node("its own name is looked up", is_looked_up).await;
    let beta = federation.node(|_| {}).await;
    let both = [format!("others are led to port {named}"), format!("listens on port {listening}")];
    let report = alpha.checks(alpha.provider()).await;
    let connect = step_of(&report, Connect);
    assert_eq!(connect.verdict, Verdict::Fail, "{report:#?}");
    assert!(both.iter().all(|port| connect.text.contains(port)), "{}", connect.text);
    let report = alpha.checks(beta.provider()).await;
    let told = step_of(&report, ThisSide);
    assert_eq!((told.code.as_deref(), told.side), (Some("port-closed"), Some(Ours)), "{report:#?}");
    assert!(!report.works(), "{}", report.summary());
    let row = alpha.raises(&RepairSubject::Node, "port-closed").await;
    assert!(row.side == Ours && both.iter().all(|port| row.text.contains(port)), "{}", row.text);
}

#[tokio::test]
async fn a_full_disk_of_ours_is_told_as_ours_at_each_step_of_a_look_at_ourselves() {
    let federation = Federation::new();
    let clock = Arc::new(Clock::default());
    let alpha = federation.node_with_clock(clock.clone(), |_| {}).await;
    clock.fills_disk(true);
    let report = alpha.checks(alpha.provider()).await;
    let failed: Vec<_> = report.steps.iter().filter(|step| step.verdict == Verdict::Fail).collect();
    assert!(!failed.is_empty(), "{report:#?}");
    for step in failed {
        assert_eq!((step.code.as_deref(), step.side), (Some("own-store"), Some(Ours)), "{report:#?}");
    }
}

#[tokio::test]
async fn who_has_not_let_us_in_is_not_said_to_be_away() {
    let federation = Federation::new();
    let (alpha, peer) = (federation.node(|_| {}).await, federation.scripted_peer());
    peer.answers_pings(PeerState::Pending);
    alpha.allows(peer.provider()).await;
    let alice = alpha.node().operator().create_user("alice".parse().unwrap(), UserRule::Ask).await.unwrap();
    let request = peer.request(&peer.address("bob"), &alice);
    peer.posts(alpha.provider(), "/connections", &request).send().await;
    let id = serde_json::from_value(request["id"].clone()).unwrap();
    alpha.hears_of(id).await;
    alpha.decides(id, Decision::Approve).await;
    federation.clock().turn(TEN_MINUTES);
    let report = alpha.checks(peer.provider()).await;
    let pull = report.steps.iter().find(|step| step.name == TheirPull).unwrap();
    assert_eq!(
        (pull.verdict, pull.text.as_str()),
        (Verdict::Skipped, "it does not pull, since it has not let us in yet"),
        "{report:#?}"
    );
}

#[tokio::test]
async fn what_was_not_looked_at_of_ourselves_is_listed_with_the_reason() {
    let federation = Federation::new();
    let mut config = federation.config(|_| {});
    config.provider = federation.nobody();
    let alpha = federation.node(|own| *own = config).await;
    let report = alpha.checks(alpha.provider()).await;
    for name in [Document, Keys, Ping] {
        let step = report.steps.iter().find(|step| step.name == name).unwrap();
        assert_eq!(step.verdict, Verdict::Skipped, "{report:#?}");
    }
}

#[tokio::test]
async fn an_authoritys_certificate_is_told_as_that_though_it_is_trusted() {
    let federation = Federation::new();
    let [cert, key] = federation.self_signed_authority();
    let files = (Some(cert.clone()), Some(key));
    let beta = federation.node(|config| (config.mtp.tls_cert, config.mtp.tls_key) = files).await;
    let report = judges(&federation, &cert, beta.provider()).await;
    let failed = report.steps.iter().find(|step| step.verdict == Verdict::Fail).unwrap();
    assert_eq!((failed.name, failed.code.as_deref()), (Tls, Some("certificate-of-authority")), "{report:#?}");
}
